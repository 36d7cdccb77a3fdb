//! Why sessions of one peer do not come about, in the log: once for each reason, and not in a storm of them.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_session::{DownReason, Stamped};
use parking_lot::Mutex;

use crate::seldom::Seldom;

/// Between two warnings about one peer.
const QUIET: Duration = Duration::from_secs(10);

/// See the top of this file.
#[derive(Debug, Default)]
pub(super) struct FailureLog {
    seen: Option<Instant>,
    /// What was said last of the present row of failures, and when.
    said: Option<(DownReason, Instant)>,
    /// The log of many peers, of which each could be a stranger.
    together: Option<Arc<Mutex<Seldom>>>,
}

impl FailureLog {
    /// Of one among many peers, which say so little together as a single one does.
    pub(super) fn among(together: Arc<Mutex<Seldom>>) -> Self {
        Self {
            together: Some(together),
            ..Self::default()
        }
    }

    /// A session began: whatever fails next is news.
    pub(super) fn established(&mut self) {
        self.said = None;
    }

    /// The latest failure, again and again; `ended` says that it ended a session, which is told elsewhere.
    pub(super) fn note(&mut self, failure: &Stamped<DownReason>, ended: bool, now: Instant) {
        if self.seen.replace(failure.at) == Some(failure.at) || ended {
            return;
        }
        let reason = &failure.what;
        let ours = matches!(reason, DownReason::Stopped(_) | DownReason::Reset(_));
        let known = self
            .said
            .as_ref()
            .is_some_and(|(said, at)| said == reason || now.duration_since(*at) < QUIET);
        if ours || known {
            tracing::debug!(%reason, "no session");
            return;
        }
        match &self.together {
            None => tracing::warn!(%reason, "no session (the same reason is not told again)"),
            Some(together) => match together.lock().count(1, now) {
                None => {
                    tracing::debug!(%reason, "no session");
                    return;
                }
                Some(untold) => tracing::warn!(
                    %reason, untold,
                    "no session (of dynamic neighbours one is told of in a while)"
                ),
            },
        }
        self.said = Some((reason.clone(), now));
    }
}
