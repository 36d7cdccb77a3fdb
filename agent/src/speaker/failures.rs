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
    /// What came so soon after that that it is said later.
    waiting: Option<DownReason>,
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
        self.waiting = None;
    }

    /// The latest failure, again and again; `ended` says that it ended a session, which is told elsewhere.
    pub(super) fn note(&mut self, failure: &Stamped<DownReason>, ended: bool, now: Instant) {
        if self.seen.replace(failure.at) == Some(failure.at) || ended {
            return;
        }
        let reason = &failure.what;
        let ours = matches!(reason, DownReason::Stopped(_) | DownReason::Reset(_));
        if ours || !self.is_news(reason, now) {
            tracing::debug!(%reason, "no session");
            return;
        }
        self.say(reason.clone(), now);
    }

    /// When a reason that waits is to be said.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        let (_, at) = self.said.as_ref().filter(|_| self.waiting.is_some())?;
        Some(*at + QUIET)
    }

    /// Says what has waited for long enough.
    pub(super) fn handle_timeout(&mut self, now: Instant) {
        if self.poll_timeout().is_some_and(|due| due <= now)
            && let Some(reason) = self.waiting.take()
        {
            self.say(reason, now);
        }
    }

    /// Whether a reason is to be said at once. Another one than was said just now waits; of several the newest does.
    fn is_news(&mut self, reason: &DownReason, now: Instant) -> bool {
        match &self.said {
            Some((said, _)) if said == reason => false,
            Some((_, at)) if now.duration_since(*at) < QUIET => {
                self.waiting = Some(reason.clone());
                false
            }
            _ => true,
        }
    }

    fn say(&mut self, reason: DownReason, now: Instant) {
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
        self.waiting = None;
        self.said = Some((reason, now));
    }
}

#[cfg(test)]
mod tests {
    use bgp_session::StopReason;

    use super::*;

    fn said(log: &FailureLog) -> Option<&DownReason> {
        log.said.as_ref().map(|(reason, _)| reason)
    }

    #[test]
    fn another_reason_is_said_when_the_quiet_time_is_over() {
        let start = Instant::now();
        let after = |secs| start + Duration::from_secs(secs);
        let (first, second) = (DownReason::LinkDown, DownReason::HoldTimerExpired);
        let mut log = FailureLog::default();
        let note = |log: &mut FailureLog, what: &DownReason, secs| {
            let (at, what) = (after(secs), what.clone());
            log.note(&Stamped { at, what }, false, at);
        };
        note(&mut log, &first, 0);
        assert_eq!((said(&log), log.poll_timeout()), (Some(&first), None));

        note(&mut log, &second, 1);
        // What was said already does not take its place.
        note(&mut log, &first, 2);
        note(&mut log, &DownReason::Stopped(StopReason::Deconfigured), 3);
        assert_eq!(said(&log), Some(&first));
        assert_eq!(log.poll_timeout(), Some(after(10)));
        log.handle_timeout(after(9));
        assert_eq!(said(&log), Some(&first));
        log.handle_timeout(after(10));
        assert_eq!((said(&log), log.poll_timeout()), (Some(&second), None));

        note(&mut log, &first, 12);
        log.established();
        assert_eq!((said(&log), log.poll_timeout()), (None, None));
    }
}
