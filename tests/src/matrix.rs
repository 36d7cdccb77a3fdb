//! What real routers were seen to do with the agent, from which docs/interop.md is made.
//!
//! The file that `COSMOS_SEEN` names gets a line for each attempt: router and version, feature, and how it ended, with tabs between them.
//! Without it nothing is noted.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs::OpenOptions;
use std::io::Write as _;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::peers::Kind;

macro_rules! features {
    ($($name:ident = $text:literal,)*) => {
        /// What is tried with a router: a row of the table.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Feature {
            $(#[doc = $text] $name,)*
        }

        impl Feature {
            const ALL: &[Self] = &[$(Self::$name,)*];

            /// As people read it.
            #[must_use]
            pub fn text(self) -> &'static str {
                match self {
                    $(Self::$name => $text,)*
                }
            }
        }
    };
}

features! {
    Ipv6 = "IPv6: 1,000 routes each way, withdrawals, a clean stop",
    Ipv4 = "IPv4: the same",
    ExtendedNextHop = "IPv4 routes with IPv6 next hops (RFC 8950)",
    LinkLocalNextHop = "IPv6 next hops with a link-local address (RFC 2545)",
    Md5Ipv6 = "TCP-MD5 over IPv6",
    Md5Ipv4 = "TCP-MD5 over IPv4",
    WrongPassword = "passwords that differ keep it down, the right one brings it up",
    TtlSecurity = "TTL security (RFC 5082), whoever connects",
    Passive = "the agent only listens",
    Collision = "both connect (RFC 4271, 6.8)",
    PeerRestarts = "the router dies and comes back",
    LinkLossIpv6 = "the link goes away and comes back, IPv6",
    LinkLossIpv4 = "the same, IPv4",
    HoldTimer = "a silent router loses its session",
    Bfd = "BFD on the link (RFC 5881)",
    BfdMultihop = "BFD over two hops (RFC 5883)",
    Interface = "neighbours by the interface they are on (unnumbered)",
    Helper = "its graceful restart (RFC 4724)",
    Restarting = "ours",
    RestartingWithBfd = "ours, with BFD on the link (RFC 5882, 4.3)",
    LongLived = "its long-lived graceful restart (RFC 9494)",
    LongRestarting = "ours, long-lived",
    Roles = "roles and Only to Customer (RFC 9234)",
    Vpnv4 = "VPNv4 reflected unchanged, and told again when asked",
    Vpnv6 = "VPNv6 the same",
    Evpn = "EVPN the same",
    RouteTargets = "route target constraint (RFC 4684)",
}

/// Notes how `body` ends, for a router and features.
///
/// # Panics
/// As `body` does: this is within a `#[test]` function.
pub fn tried(kind: Kind, features: &[Feature], body: impl FnOnce()) {
    let end = catch_unwind(AssertUnwindSafe(body));
    if let Some(file) = std::env::var_os("COSMOS_SEEN") {
        note(file.into(), kind, features, end.is_ok()).expect("what was seen is noted");
    }
    if let Err(panic) = end {
        resume_unwind(panic);
    }
}

fn note(file: PathBuf, kind: Kind, features: &[Feature], passed: bool) -> Result<()> {
    let router = kind.version()?;
    let mut lines = String::new();
    for feature in features {
        let end = if passed { "passed" } else { "failed" };
        writeln!(lines, "{router}\t{feature:?}\t{end}")?;
    }
    // One write at the end of the file: tests run beside each other.
    let mut file = OpenOptions::new().create(true).append(true).open(&file)?;
    Ok(file.write_all(lines.as_bytes())?)
}

/// The table, in Markdown: features down, routers across. A feature is `yes` when every attempt passed and **no** when one failed.
///
/// # Errors
/// When a line is none of ours.
pub fn table(seen: &str) -> Result<String> {
    let mut ends: BTreeMap<(&str, &str), bool> = BTreeMap::new();
    for line in seen.lines() {
        let mut words = line.split('\t');
        let (Some(router), Some(feature), Some(end)) = (words.next(), words.next(), words.next())
        else {
            anyhow::bail!("{line:?} is not a router, a feature and an end");
        };
        *ends.entry((feature, router)).or_insert(true) &= end == "passed";
    }
    let routers: BTreeSet<&str> = ends.keys().map(|(_, router)| *router).collect();
    let mut text = "| |".to_owned();
    for router in &routers {
        write!(text, " {router} |")?;
    }
    writeln!(text, "\n|---|{}", "---|".repeat(routers.len()))?;
    for feature in Feature::ALL {
        let key = format!("{feature:?}");
        let cells: Vec<_> = routers
            .iter()
            .map(|router| match ends.get(&(key.as_str(), *router)) {
                Some(true) => "yes",
                Some(false) => "**no**",
                None => "",
            })
            .collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            writeln!(text, "| {} | {} |", feature.text(), cells.join(" | "))?;
        }
    }
    Ok(text)
}

impl Kind {
    /// Name and version, as the table has them.
    ///
    /// # Errors
    /// When it is not there or does not say.
    pub fn version(self) -> Result<String> {
        let (name, words): (_, &[&str]) = match self {
            Self::Bird => ("BIRD", &["bird", "--version"]),
            Self::Frr => ("FRR", &["/usr/lib/frr/bgpd", "--version"]),
            Self::GoBgp => ("GoBGP", &["gobgpd", "--version"]),
            Self::OpenBgpd => ("OpenBGPD", &["bgpd", "-V"]),
            Self::ExaBgp => ("ExaBGP", &["exabgp", "--version"]),
        };
        let output = std::process::Command::new(words[0])
            .args(&words[1..])
            .output()
            .with_context(|| format!("{words:?}"))?;
        // BIRD and OpenBGPD say it where errors go.
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        let version = said
            .split_whitespace()
            .map(|word| word.trim_start_matches('v'))
            .find(|word| word.starts_with(|c: char| c.is_ascii_digit()) && word.contains('.'));
        let version = version.with_context(|| format!("no version in {said:?}"))?;
        Ok(format!("{name} {version}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_feature_is_there_when_every_attempt_passed() {
        let seen = "BIRD 2.0.12\tIpv6\tpassed\nFRR 8.4.4\tBfd\tpassed\nFRR 8.4.4\tIpv6\tpassed\n\
                    FRR 8.4.4\tIpv6\tfailed\nFRR 8.4.4\tIpv6\tpassed\n";
        assert_eq!(
            table(seen).unwrap(),
            "| | BIRD 2.0.12 | FRR 8.4.4 |\n\
             |---|---|---|\n\
             | IPv6: 1,000 routes each way, withdrawals, a clean stop | yes | **no** |\n\
             | BFD on the link (RFC 5881) |  | yes |\n"
        );
        assert!(table("BIRD 2\tIpv6").is_err());
    }

    #[test]
    fn an_attempt_that_fails_still_fails() {
        let end = catch_unwind(|| tried(Kind::Bird, &[Feature::Ipv6], || panic!("no session")));
        assert!(end.is_err());
    }
}
