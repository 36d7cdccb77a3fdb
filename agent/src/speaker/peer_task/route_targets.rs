//! EDGE. Which VPN and EVPN routes the peer is told: those whose route targets it asks for (RFC 4684), where that was negotiated.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_session::Negotiated;
use bgp_wire::{Decoded, Family};
use rib::RouteTargets;

use super::PeerTask;

/// RFC 4684 §6: "If a BGP speaker chooses to delay the advertisement of BGP VPN route updates until it receives this
/// End-of-RIB marker, it MUST limit that delay to an upper bound. By default, a 60 second value should be used."
const PATIENCE: Duration = Duration::from_secs(60);

/// A peer that does not announce graceful restart may never send End-of-RIB (GoBGP does not): it has told everything when it has told
/// nothing more for this long.
const QUIET: Duration = Duration::from_secs(3);

/// Changes are acted on so much later, all of that time together: what follows from one costs a look at all that was told.
const GATHER: Duration = Duration::from_millis(200);

/// What the peer asks for, as far as it is known.
#[derive(Clone)]
pub(super) struct Constraint {
    wanted: Arc<RouteTargets>,
    /// When to look again.
    due: Option<Instant>,
    /// When to wait no longer for the peer to have told everything.
    patience: Instant,
    /// It sends End-of-RIB.
    marks_end: bool,
}

impl Constraint {
    /// At the beginning of a session: nothing is known. `None` if the session does not speak of route targets.
    pub(super) fn of(session: &Negotiated, now: Instant) -> Option<Self> {
        // Some send it only to who has the capability too.
        let marks_end = session.restart.is_some();
        let constrained = session.ctx.families.contains(Family::RTC);
        constrained.then(|| Self::awaited(marks_end, now))
    }

    fn awaited(marks_end: bool, now: Instant) -> Self {
        let mut constraint = Self {
            wanted: Arc::new(RouteTargets::awaited()),
            due: None,
            patience: now + PATIENCE,
            marks_end,
        };
        constraint.wait(now);
        constraint
    }

    /// Waits for the peer to have told everything.
    fn wait(&mut self, now: Instant) {
        self.due = Some(match self.marks_end {
            true => self.patience,
            false => self.patience.min(now + QUIET),
        });
    }

    /// The peer has told all its memberships.
    fn is_complete(&mut self, now: Instant) {
        if self.wanted.is_awaited() {
            self.due = Some(now);
        }
    }

    /// It told, or took back, some.
    fn changed(&mut self, now: Instant) {
        if !self.wanted.is_awaited() {
            self.due.get_or_insert(now + GATHER);
        } else if self.due.is_some_and(|due| due > now) {
            self.wait(now);
        }
    }
}

/// Whether an UPDATE says anything of route targets.
pub(super) fn speaks_of_route_targets(decoded: &Decoded<'_>) -> bool {
    let update = &decoded.update;
    let reached = update.reach.iter().map(|block| block.family);
    let unreached = update.unreach.iter().map(|block| block.family);
    reached.chain(unreached).any(|family| family == Family::RTC)
}

impl PeerTask {
    /// The route targets by which its routes are chosen.
    pub(super) fn wanted(&self) -> Option<Arc<RouteTargets>> {
        let constraint = self.constraint.as_ref();
        constraint.map(|constraint| Arc::clone(&constraint.wanted))
    }

    /// When to look at them again.
    pub(super) fn constraint_due(&self) -> Option<Instant> {
        self.constraint.as_ref()?.due
    }

    /// The peer's memberships are other ones now.
    pub(super) fn memberships_changed(&mut self) {
        if let Some(constraint) = &mut self.constraint {
            constraint.changed(Instant::now());
        }
    }

    /// The peer has told all of them.
    pub(super) fn memberships_complete(&mut self) {
        if let Some(constraint) = &mut self.constraint {
            constraint.is_complete(Instant::now());
        }
    }

    /// Looks at what the peer asks for, when it is time to.
    pub(super) async fn constrain(&mut self) {
        let Some(constraint) = &mut self.constraint else {
            return;
        };
        if constraint.due.is_none_or(|due| due > Instant::now()) {
            return;
        }
        constraint.due = None;
        let wanted = self.rib.route_targets_of(self.idx);
        if *constraint.wanted == wanted {
            return;
        }
        tracing::debug!(
            memberships = wanted.len(),
            "the peer asks for other route targets"
        );
        constraint.wanted = Arc::new(wanted);
        self.rekey().await;
    }
}

#[cfg(test)]
mod tests {
    use bgp_wire::{Asn, RouteTargetMembership};

    use super::*;

    #[test]
    fn who_marks_the_end_is_waited_for_a_minute() {
        let start = Instant::now();
        let mut constraint = Constraint::awaited(true, start);
        assert_eq!(constraint.due, Some(start + PATIENCE));
        constraint.changed(start + Duration::from_secs(30));
        assert_eq!(constraint.due, Some(start + PATIENCE));
        let end = start + Duration::from_secs(40);
        constraint.is_complete(end);
        assert_eq!(constraint.due, Some(end));
        // It is due, and stays so until it was looked at.
        constraint.changed(end);
        assert_eq!(constraint.due, Some(end));
    }

    #[test]
    fn who_does_not_has_told_everything_when_it_is_quiet() {
        let start = Instant::now();
        let mut constraint = Constraint::awaited(false, start);
        assert_eq!(constraint.due, Some(start + QUIET));
        let told_each_second = (1..).map(|seconds| start + Duration::from_secs(seconds));
        for now in told_each_second.take_while(|now| *now < start + PATIENCE) {
            constraint.changed(now);
            assert_eq!(constraint.due, Some((start + PATIENCE).min(now + QUIET)));
        }
        assert_eq!(constraint.due, Some(start + PATIENCE));
    }

    #[test]
    fn changes_are_gathered() {
        let start = Instant::now();
        let mut constraint = Constraint::awaited(true, start);
        let target = "rt:65000:1".parse().expect("a route target");
        let wanted = [RouteTargetMembership::new(Asn(65000), target)];
        constraint.wanted = Arc::new(wanted.into_iter().collect());
        constraint.due = None;
        constraint.changed(start);
        constraint.changed(start + GATHER / 2);
        assert_eq!(constraint.due, Some(start + GATHER));
    }
}
