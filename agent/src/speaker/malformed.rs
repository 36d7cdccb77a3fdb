//! Malformed UPDATEs of one peer, in the log and for status.
//!
//! RFC 7606 §6: "These facilities MUST include logging an error listing the NLRI involved and containing the entire malformed UPDATE
//! message when such an attribute is detected." A peer must not fill the log either, so of many in a short time the first of each
//! severity is logged and the others are counted. What leads to nothing is no more than information. A family that was not negotiated
//! may come in every UPDATE: it is logged once in a session.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Instant;

use bgp_session::{Malformed, Stamped, Wrong};
use bgp_wire::{Decoded, Disposition, Family, MessageType, Reason, RoutesOf};

use crate::seldom::Seldom;

/// Characters of the routes that are listed; the message has them all.
const ROUTES: usize = 500;
/// Families that are named, of the millions that there may be.
const FAMILIES: usize = 64;

/// See the top of this file.
#[derive(Debug, Default)]
pub(super) struct MalformedLog {
    /// What was wrong with the latest.
    latest: Option<Stamped<String>>,
    /// By severity, so that a harmless oddity does not hide what costs routes.
    told: BTreeMap<Disposition, Seldom>,
    /// Families that were not negotiated and came all the same.
    families: BTreeSet<Family>,
}

impl MalformedLog {
    /// Another session: what it is not to carry is news again.
    pub(super) fn session_begins(&mut self) {
        self.families.clear();
    }

    pub(super) fn note(&mut self, bad: &Malformed<'_>, now: Instant) {
        let wrong = bad.what.to_string();
        let only_families = match bad.what {
            Wrong::Findings(decoded) => self.note_families(decoded),
            Wrong::Fatal(_) => false,
        };
        if !only_families {
            self.log(bad, &wrong, now);
        }
        self.latest = Some(Stamped {
            what: wrong,
            at: now,
        });
    }

    /// Logs families that were not negotiated, each once. Whether nothing else is wrong.
    fn note_families(&mut self, decoded: &Decoded<'_>) -> bool {
        let mut only = true;
        for finding in &decoded.findings {
            let Reason::NotNegotiated(family) = finding.error.reason else {
                only = false;
                continue;
            };
            if self.families.len() < FAMILIES && self.families.insert(family) {
                tracing::info!(%family, "routes of a family that was not negotiated are ignored");
            }
        }
        only
    }

    fn log(&mut self, bad: &Malformed<'_>, wrong: &str, now: Instant) {
        let told = self.told.entry(bad.what.disposition()).or_default();
        if let Some(unsaid) = told.count(1, now) {
            let octets = whole(bad.body);
            let routes = cut(RoutesOf::new(bad.body, bad.ctx).to_string());
            if bad.what.disposition() == Disposition::None {
                tracing::info!(wrong, routes, octets, unsaid, "odd UPDATE");
            } else {
                tracing::warn!(wrong, routes, octets, unsaid, "malformed UPDATE");
            }
        }
    }

    /// What was wrong with the latest one, and when.
    pub(super) fn latest(&self) -> Option<&Stamped<String>> {
        self.latest.as_ref()
    }
}

/// The message in hexadecimal, header and all.
fn whole(body: &[u8]) -> String {
    let mut text = "ff".repeat(16);
    let _ = write!(
        text,
        "{:04x}{:02x}",
        body.len() + 19,
        MessageType::Update.code()
    );
    for octet in body {
        let _ = write!(text, "{octet:02x}");
    }
    text
}

fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(ROUTES) {
        text.truncate(at);
        text.push_str(" ...");
    }
    text
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::Arc;

    use bgp_wire::{Asn, AttrScratch, FamilySet, SessionContext, decode_update};
    use parking_lot::Mutex;

    use super::*;

    #[derive(Clone, Default)]
    struct Log(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Log {
        fn write(&mut self, octets: &[u8]) -> io::Result<usize> {
            self.0.lock().extend_from_slice(octets);
            Ok(octets.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged of these bodies, on a session with IPv4 and EVPN.
    fn logged(log: &mut MalformedLog, bodies: &[Vec<u8>]) -> Vec<String> {
        let ctx = SessionContext {
            families: FamilySet::from([Family::IPV4_UNICAST, Family::L2VPN_EVPN]),
            ..SessionContext::new(Asn(65001), Asn(65002))
        };
        let lines = Log::default();
        let writer = lines.clone();
        let subscriber = tracing_subscriber::fmt()
            .with_writer(move || writer.clone())
            .with_ansi(false)
            .finish();
        tracing::subscriber::with_default(subscriber, || {
            let mut scratch = AttrScratch::new();
            for body in bodies {
                let now = Instant::now();
                let (body, ctx) = (&body[..], &ctx);
                match decode_update(body, ctx, &mut scratch) {
                    Ok(decoded) => {
                        let what = Wrong::Findings(&decoded);
                        log.note(&Malformed { body, ctx, what }, now);
                    }
                    Err(error) => {
                        let what = Wrong::Fatal(&error);
                        log.note(&Malformed { body, ctx, what }, now);
                    }
                }
            }
        });
        let text = String::from_utf8(lines.0.lock().clone()).unwrap();
        text.lines().map(str::to_owned).collect()
    }

    /// RFC 4271 §4.3: no withdrawn routes, these attributes behind ORIGIN, AS_PATH 65002 and NEXT_HOP, these NLRI.
    fn update(attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
        let first = [
            0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xea, 0x40, 3, 4, 10, 9, 9, 9,
        ];
        let length = u16::try_from(first.len() + attributes.len()).unwrap();
        [&[0, 0], &length.to_be_bytes()[..], &first, attributes, nlri].concat()
    }

    /// MP_REACH_NLRI (RFC 4760 §3) with the next hop 192.0.2.1.
    fn reach(afi: u8, safi: u8, nlri: &[u8]) -> Vec<u8> {
        let value = [&[0, afi, safi, 4, 192, 0, 2, 1, 0], nlri].concat();
        [&[0x80, 14, u8::try_from(value.len()).unwrap()], &value[..]].concat()
    }

    #[test]
    fn a_family_that_was_not_negotiated_is_logged_once_in_a_session_by_its_name() {
        let mut log = MalformedLog::default();
        let (vpn, unheard_of) = (reach(1, 128, &[9]), reach(77, 99, &[9]));
        let bodies = [
            update(&vpn, &[8, 10]),
            update(&vpn, &[8, 11]),
            update(&unheard_of, &[]),
            update(&vpn, &[]),
        ];
        let lines = logged(&mut log, &bodies);
        assert_eq!(lines.len(), 2, "{lines:#?}");
        assert!(lines[0].contains("family=ipv4/vpn"), "{lines:#?}");
        assert!(lines[1].contains("family=afi77/safi99"), "{lines:#?}");
        let latest = &log.latest().unwrap().what;
        assert!(
            latest.contains("ipv4/vpn, which was not negotiated"),
            "{latest}"
        );
        assert_eq!(logged(&mut log, &bodies).len(), 0);
        log.session_begins();
        assert_eq!(logged(&mut log, &bodies).len(), 2);

        // It hides nothing else, and there is an end to it.
        let bad = update(&[&vpn[..], &[0xc0, 8, 1, 0]].concat(), &[8, 10]);
        let lines = logged(&mut log, &[bad]);
        assert!(lines[0].contains("COMMUNITIES"), "{lines:#?}");
        let many: Vec<_> = (0..=255)
            .map(|safi| update(&reach(77, safi, &[9]), &[]))
            .collect();
        assert_eq!(logged(&mut log, &many).len(), FAMILIES - 2);
    }

    /// RFC 7606 §5.2: with "path attributes other than MP_UNREACH_NLRI" and no reachable NLRI, "if any encountered error specifies an
    /// error-handling approach other than 'attribute discard' [...] then the 'session reset' approach MUST be used".
    #[test]
    fn what_is_really_done_is_named_where_an_attribute_alone_asks_for_less() {
        // COMMUNITIES of one octet (RFC 7606 §7.8: treat-as-withdraw), with and without a route.
        let bad = [0xc0, 8, 1, 0];
        let withdrawn = logged(&mut MalformedLog::default(), &[update(&bad, &[8, 10])]);
        assert!(
            withdrawn[0].contains("(treat-as-withdraw)"),
            "{withdrawn:#?}"
        );
        assert!(!withdrawn[0].contains("session-reset"), "{withdrawn:#?}");
        let ended = logged(&mut MalformedLog::default(), &[update(&bad, &[])]);
        assert!(ended[0].contains("COMMUNITIES"), "{ended:#?}");
        assert!(ended[0].contains("(session-reset"), "{ended:#?}");
        assert!(!ended[0].contains("(treat-as-withdraw)"), "{ended:#?}");
    }

    /// RFC 7606 §6: "listing the NLRI involved".
    #[test]
    fn routes_are_listed_though_the_session_ends_or_they_are_ignored() {
        let unknown = update(&[0x40, 99, 0], &[8, 10]);
        let lines = logged(&mut MalformedLog::default(), &[unknown]);
        assert!(lines[0].contains("10.0.0.0/8"), "{lines:#?}");
        let type_12 = update(&reach(25, 70, &[12, 2, 0xab, 0xcd]), &[]);
        let lines = logged(&mut MalformedLog::default(), &[type_12]);
        assert!(lines[0].contains("0x0c02abcd"), "{lines:#?}");
    }
}
