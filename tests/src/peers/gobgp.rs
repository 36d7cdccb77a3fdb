//! GoBGP: `gobgpd`, asked with `gobgp` inside the namespace (its API listens on the loopback).
//!
//! A route a call would take a second for fifty of them; they come as an MRT dump instead ([`super::mrt`]).

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use serde_json::Value;

use super::mrt::{self, MpReach};
use super::{Common, Plan, Restart, Router, START_LIMIT};
use crate::netns::{Namespace, run};
use crate::process::{Daemon, require, start_in};
use crate::wait::{Look, until};

/// So few routes go in singly.
const FEW: usize = 50;

/// How long the first route of a dump may take before the dump counts as not understood.
const PATIENCE: Duration = Duration::from_secs(3);

#[derive(Debug)]
pub(super) struct GoBgp(Common);

impl GoBgp {
    pub(super) fn start(namespace: &Namespace, directory: &Path, plan: &Plan) -> Result<Self> {
        require("gobgpd", "gobgpd")?;
        require("gobgp", "gobgpd")?;
        let config = directory.join("gobgpd.conf");
        fs::write(&config, configuration(plan))?;
        let config = config.to_string_lossy();
        let mut words = vec![
            "gobgpd",
            "-f",
            &config,
            "--pprof-disable",
            "--api-hosts",
            "127.0.0.1:50051",
            "-l",
            "info",
            "-p",
        ];
        if plan.restart.is_some_and(|restart| restart.again) {
            words.push("-r");
        }
        let daemon = start_in(namespace, &words, &directory.join("gobgpd.log"))?;
        let mut gobgp = Self(Common {
            namespace: namespace.name().to_owned(),
            directory: directory.to_owned(),
            plan: plan.clone(),
            daemon,
        });
        until("gobgpd answers", START_LIMIT, || {
            gobgp.0.daemon.check_alive()?;
            gobgp.ask(&["global"]).map(Look::Done)
        })?;
        gobgp.originate(plan.v6(), &plan.announce)?;
        gobgp.originate(false, &plan.announce_v4_over_v6)?;
        Ok(gobgp)
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        let mut args = vec!["netns", "exec", &self.0.namespace, "gobgp"];
        args.extend(words);
        run("ip", &args)
    }

    /// Gives it routes of its own, and waits until it has them all.
    fn originate(&self, v6: bool, prefixes: &[String]) -> Result<()> {
        if prefixes.len() < FEW {
            for prefix in prefixes {
                self.add(v6, prefix)?;
            }
            return Ok(());
        }
        // No release reads both forms.
        let mut forms = [MpReach::Whole, MpReach::NextHop].into_iter().cycle();
        until("GoBGP has taken all routes", START_LIMIT, || {
            let form = forms.next().unwrap_or(MpReach::Whole);
            let dump = mrt::table_dump(v6, prefixes, self.0.plan.local, form)?;
            let taken = self.inject(v6, prefixes, &dump)?;
            Ok(Look::when(taken, || format!("nothing read of {form:?}")))
        })
    }

    /// Whether it has all of them now. Its client goes as soon as the dump ends, and what the daemon has not read by then is
    /// lost: the dump ends only when all routes are there, or none comes.
    fn inject(&self, v6: bool, prefixes: &[String], dump: &[u8]) -> Result<bool> {
        let mut client = Command::new("ip")
            .args(["netns", "exec", &self.0.namespace])
            .args(["gobgp", "mrt", "inject", "global", "/dev/stdin"])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("gobgp mrt inject")?;
        let mut pipe = client.stdin.take().context("no pipe to gobgp")?;
        let given = Instant::now();
        let written = pipe.write_all(dump);
        let taken = until("GoBGP has taken a dump", START_LIMIT, || {
            let have = self.table(v6)?;
            let missing = prefixes.iter().filter(|p| !have.contains(*p)).count();
            let none = missing == prefixes.len() && given.elapsed() > PATIENCE;
            let over = written.is_err() || none || client.try_wait()?.is_some();
            Ok(match missing {
                0 => Look::Done(true),
                _ if over => Look::Done(false),
                _ => Look::NotYet(format!("{missing} are missing")),
            })
        });
        drop(pipe);
        client.wait()?;
        taken
    }

    fn add(&self, v6: bool, prefix: &str) -> Result<String> {
        let next_hop = self.0.plan.local.to_string();
        let family = if v6 { "ipv6" } else { "ipv4" };
        self.ask(&[
            "global", "rib", "add", "-a", family, prefix, "nexthop", &next_hop,
        ])
    }

    /// All prefixes of its table.
    fn table(&self, v6: bool) -> Result<BTreeSet<String>> {
        let text = self.ask(&[
            "-j",
            "global",
            "rib",
            "-a",
            if v6 { "ipv6" } else { "ipv4" },
        ])?;
        // "Network not in table" when it is empty.
        let Ok(Value::Object(table)) = serde_json::from_str(&text) else {
            return Ok(BTreeSet::new());
        };
        Ok(table.keys().cloned().collect())
    }
}

fn family(v6: bool) -> &'static str {
    if v6 { "ipv6-unicast" } else { "ipv4-unicast" }
}

fn configuration(plan: &Plan) -> String {
    let Plan {
        asn,
        router_id,
        local,
        remote,
        remote_asn,
        hold_time,
        passive,
        ..
    } = plan;
    let password = plan.password.as_ref();
    let password = password
        .map(|p| format!("    auth-password = \"{p}\"\n"))
        .unwrap_or_default();
    let mut families = vec![family(plan.v6())];
    if !plan.announce_v4_over_v6.is_empty() {
        families.push(family(false));
    }
    let families: String = families
        .iter()
        .map(|f| {
            let mut restart = String::new();
            if let Some(Restart { long_lived, .. }) = plan.restart {
                restart += "    [neighbors.afi-safis.mp-graceful-restart.config]\n      enabled = true\n";
                if let Some(time) = long_lived {
                    restart += &format!(
                        "    [neighbors.afi-safis.long-lived-graceful-restart.config]\n      enabled = true\n      restart-time = {time}\n"
                    );
                }
            }
            format!("  [[neighbors.afi-safis]]\n    [neighbors.afi-safis.config]\n      afi-safi-name = \"{f}\"\n{restart}")
        })
        .collect();
    let restart = plan.restart.map_or_else(String::new, |restart| {
        format!(
            "  [neighbors.graceful-restart.config]\n    enabled = true\n    notification-enabled = true\n    long-lived-enabled = {}\n    restart-time = {}\n",
            restart.long_lived.is_some(),
            restart.time
        )
    });
    let security = match plan.ttl_security {
        true => "  [neighbors.ttl-security.config]\n    enabled = true\n    ttl-min = 255\n",
        false => "",
    };
    format!(
        "[global.config]
  as = {asn}
  router-id = \"{router_id}\"
  port = 179
  local-address-list = [\"{local}\"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = \"{remote}\"
    peer-as = {remote_asn}
{password}  [neighbors.transport.config]
    local-address = \"{local}\"
    passive-mode = {passive}
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
    hold-time = {hold_time}
    keepalive-interval = {}
{security}{restart}{families}",
        hold_time / 3
    )
}

impl Router for GoBgp {
    fn name(&self) -> &'static str {
        "GoBGP"
    }

    fn state(&self) -> Result<String> {
        // The JSON has the state as a number that changed between releases; the words did not.
        let text = self.ask(&["neighbor", &self.0.plan.remote.to_string()])?;
        let state = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("BGP state = "));
        let state = state
            .unwrap_or("none")
            .split(',')
            .next()
            .unwrap_or("none")
            .trim()
            .to_lowercase();
        // GoBGP 3 and 4 have prefixes of their own.
        let name = ["bgp_fsm_", "session_state_"]
            .iter()
            .find_map(|prefix| state.strip_prefix(prefix))
            .unwrap_or(&state);
        Ok(if name == "established" {
            "Established".into()
        } else {
            name.into()
        })
    }

    fn received(&self, v6: bool) -> Result<BTreeSet<String>> {
        let family = if v6 { "ipv6" } else { "ipv4" };
        let remote = self.0.plan.remote.to_string();
        let text = self.ask(&["-j", "neighbor", &remote, "adj-in", "-a", family])?;
        let table: Value = serde_json::from_str(&text).with_context(|| format!("gobgp: {text}"))?;
        Ok(table
            .as_object()
            .map(|t| t.keys().cloned().collect())
            .unwrap_or_default())
    }

    fn announce(&mut self, prefixes: &[String]) -> Result<()> {
        let v6 = self.0.plan.v6();
        let family = if v6 { "ipv6" } else { "ipv4" };
        let new: BTreeSet<_> = prefixes.iter().cloned().collect();
        for prefix in &self.0.plan.announce {
            if !new.contains(prefix) {
                self.ask(&["global", "rib", "del", "-a", family, prefix])?;
            }
        }
        let old: BTreeSet<_> = self.0.plan.announce.iter().cloned().collect();
        let added: Vec<_> = new.difference(&old).cloned().collect();
        self.originate(v6, &added)?;
        self.0.plan.announce = prefixes.to_vec();
        Ok(())
    }

    fn daemon(&mut self) -> &mut Daemon {
        &mut self.0.daemon
    }
}
