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

/// Changes are acted on so much later, all of that time together: what follows from one costs a look at all that was told.
const GATHER: Duration = Duration::from_millis(200);

/// What the peer asks for, as far as it is known.
#[derive(Clone)]
pub(super) struct Constraint {
    wanted: Arc<RouteTargets>,
    /// When to look again.
    due: Option<Instant>,
}

impl Constraint {
    /// At the beginning of a session: nothing is known. `None` if the session does not speak of route targets.
    pub(super) fn of(session: &Negotiated, now: Instant) -> Option<Self> {
        session.ctx.families.contains(Family::RTC).then(|| Self {
            wanted: Arc::new(RouteTargets::awaited()),
            due: Some(now + PATIENCE),
        })
    }

    /// The peer has told all its memberships.
    fn is_complete(&mut self, now: Instant) {
        if self.wanted.is_awaited() {
            self.due = Some(now);
        }
    }

    /// It told, or took back, some.
    fn changed(&mut self, now: Instant) {
        if !self.wanted.is_awaited() && self.due.is_none() {
            self.due = Some(now + GATHER);
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
