//! Malformed UPDATEs of one peer, in the log and for status.
//!
//! RFC 7606 §6: "These facilities MUST include logging an error listing the NLRI involved and containing the entire malformed UPDATE
//! message when such an attribute is detected." A peer must not fill the log either, so of many in a short time the first
//! is logged and the others are counted.

use std::fmt::Write;
use std::time::{Duration, Instant};

use bgp_session::{Malformed, Stamped, Wrong};

/// Between two lines about one peer.
const QUIET: Duration = Duration::from_secs(10);
/// Characters of the routes that are listed; the message has them all.
const ROUTES: usize = 500;

/// See the top of this file.
#[derive(Debug, Default)]
pub(super) struct MalformedLog {
    /// What was wrong with the latest.
    latest: Option<Stamped<String>>,
    logged: Option<Instant>,
    /// Since the last line.
    unsaid: u64,
}

impl MalformedLog {
    pub(super) fn note(&mut self, bad: &Malformed<'_>, now: Instant) {
        let wrong = bad.what.to_string();
        let silent = self
            .logged
            .is_some_and(|logged| now.duration_since(logged) < QUIET);
        if silent {
            self.unsaid += 1;
        } else {
            let mut message = String::with_capacity(bad.body.len() * 2);
            for octet in bad.body {
                let _ = write!(message, "{octet:02x}");
            }
            let routes = match bad.what {
                Wrong::Findings(decoded) => cut(decoded.update.to_string()),
                Wrong::Fatal(_) => "not readable".to_owned(),
            };
            tracing::warn!(
                wrong,
                routes,
                message,
                unsaid = self.unsaid,
                "malformed UPDATE"
            );
            self.logged = Some(now);
            self.unsaid = 0;
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

fn cut(mut text: String) -> String {
    if let Some((at, _)) = text.char_indices().nth(ROUTES) {
        text.truncate(at);
        text.push_str(" ...");
    }
    text
}
