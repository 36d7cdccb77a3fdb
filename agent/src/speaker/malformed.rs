//! Malformed UPDATEs of one peer, in the log and for status.
//!
//! RFC 7606 §6: "These facilities MUST include logging an error listing the NLRI involved and containing the entire malformed UPDATE
//! message when such an attribute is detected." A peer must not fill the log either, so of many in a short time the first of each
//! severity is logged and the others are counted. What leads to nothing is no more than information.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Instant;

use bgp_session::{Malformed, Stamped, Wrong};
use bgp_wire::{Disposition, MessageType};

use super::seldom::Seldom;

/// Characters of the routes that are listed; the message has them all.
const ROUTES: usize = 500;

/// See the top of this file.
#[derive(Debug, Default)]
pub(super) struct MalformedLog {
    /// What was wrong with the latest.
    latest: Option<Stamped<String>>,
    /// By severity, so that a harmless oddity does not hide what costs routes.
    told: BTreeMap<Disposition, Seldom>,
}

impl MalformedLog {
    pub(super) fn note(&mut self, bad: &Malformed<'_>, now: Instant) {
        let wrong = bad.what.to_string();
        let told = self.told.entry(bad.what.disposition()).or_default();
        if let Some(unsaid) = told.count(1, now) {
            let octets = whole(bad.body);
            let routes = match bad.what {
                Wrong::Findings(decoded) => cut(decoded.update.to_string()),
                Wrong::Fatal(_) => "not readable".to_owned(),
            };
            if bad.what.disposition() == Disposition::None {
                tracing::info!(wrong, routes, octets, unsaid, "odd UPDATE");
            } else {
                tracing::warn!(wrong, routes, octets, unsaid, "malformed UPDATE");
            }
        }
        self.latest = Some(Stamped {
            what: wrong,
            at: now,
        });
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
