//! EDGE. Restarts: the peer's, whose routes are kept meanwhile, and our own, after which everybody is waited for.

use std::time::Instant;

use bgp_session::{DownReason, Helper, StaleStep};
use bgp_wire::FamilySet;
use rib::{Inbound, PeerIdx, Rib, Walk};

use super::PeerTask;

/// The walk over the table that carries out a step.
pub(super) fn walk_of(step: StaleStep, inbound: &mut Inbound, rib: &Rib, idx: PeerIdx) -> Walk {
    match step {
        StaleStep::RemoveAll => rib.peer_down(idx),
        StaleStep::Remove(family) => inbound.remove(rib, FamilySet::from([family])),
        StaleStep::Mark(family) => inbound.mark_stale(rib, family),
        StaleStep::Sweep(family) => inbound.sweep_stale(rib, family),
        StaleStep::LongLived(family) => inbound.keep_for_long(rib, family),
    }
}

/// Says what becomes of routes, for those who wonder why they are there or gone.
pub(super) fn tell(step: StaleStep, helper: &Helper, now: Instant) {
    let until = |family| {
        let mut stale = helper.stale();
        let one = stale.find(|one| one.family == family)?;
        Some(one.until.saturating_duration_since(now).as_secs())
    };
    match step {
        StaleStep::RemoveAll => {}
        StaleStep::Remove(family) => tracing::info!(%family, "routes are not kept"),
        StaleStep::Mark(family) => {
            tracing::info!(%family, seconds = until(family), "routes are kept while the peer restarts");
        }
        StaleStep::Sweep(family) => {
            tracing::info!(%family, "what is stale of the peer's routes goes");
        }
        StaleStep::LongLived(family) => tracing::warn!(
            %family,
            seconds = until(family),
            "the peer is not back: its routes are kept as the last choice (long-lived graceful restart)"
        ),
    }
}

impl PeerTask {
    /// The session has ended: what is told goes no further, and the peer's routes go, or wait for it.
    pub(super) async fn down(&mut self, why: &DownReason) {
        self.leave().await;
        if *why == DownReason::Superseded {
            // The sink has seen to the routes, in their place before those of the session that is there now.
            return;
        }
        self.footing = None;
        let session = self.negotiated.take();
        // What was decided before comes before.
        self.finish_walks().await;
        self.inbound.discard();
        let steps = match &session {
            Some(session) => {
                let limits = self.settings.stale_limits();
                self.helper
                    .handle_down(why, session, limits, Instant::now())
            }
            None => vec![StaleStep::RemoveAll],
        };
        self.take_steps(steps);
        self.finish_walks().await;
    }

    /// Forgets all that came of the peer, for good.
    pub(super) async fn forget(&mut self) {
        self.leave().await;
        self.negotiated = None;
        self.footing = None;
        self.inbound.discard();
        self.walks.clear();
        self.helper.forget_all();
        let walk = self.rib.peer_down(self.idx);
        self.walk(walk).await;
    }

    /// Has these steps carried out before anything more is taken in.
    pub(super) fn take_steps(&mut self, steps: impl IntoIterator<Item = StaleStep>) {
        let now = Instant::now();
        for step in steps {
            tell(step, &self.helper, now);
            let walk = walk_of(step, &mut self.inbound, &self.rib, self.idx);
            self.walks.push_back(walk);
            self.changed = true;
        }
    }

    /// Carries out what was decided.
    pub(super) async fn finish_walks(&mut self) {
        while let Some(walk) = self.walks.pop_front() {
            self.walk(walk).await;
        }
    }

    /// Times of stale routes that are over.
    pub(super) fn wait_no_longer(&mut self, now: Instant) {
        if self.helper.poll_timeout().is_some_and(|due| due <= now) {
            let steps = self.helper.handle_timeout(now);
            self.take_steps(steps);
        }
    }

    /// Routes are not to wait for the peer, whose session is not there.
    pub(super) async fn keep_no_longer(&mut self) {
        if self.negotiated.is_none() && self.helper.poll_timeout().is_some() {
            self.helper.forget_all();
            self.take_steps([StaleStep::RemoveAll]);
            self.finish_walks().await;
        }
    }

    /// After a restart of ours: whether the peer has sent all its routes again, or is not waited for (RFC 4724 §4.1).
    pub(super) fn tell_deferral(&self) {
        let (Some(deferral), Some(session)) = (&self.deferral, &self.negotiated) else {
            return;
        };
        let waited_for = session
            .restart
            .as_ref()
            .is_some_and(|peer| !peer.restarting);
        let mut families = session.families.iter();
        let complete = families
            .all(|family| self.end_of_rib.contains(&family) || self.disabled.contains(family));
        if !waited_for || complete {
            deferral.done(&self.settings.peer().key);
        }
    }

    /// After a restart of ours: a peer whose session we have ended, or whose OPEN we do not take, does not send its routes again.
    pub(super) fn will_not_come(&self, why: &DownReason) {
        if let Some(deferral) = &self.deferral
            && matches!(why, DownReason::Stopped(_) | DownReason::OpenRefused { .. })
        {
            deferral.done(&self.settings.peer().key);
        }
    }

    /// Writes what is left to be said, without looking at what else the end of the session means.
    pub(super) fn say_last_words(&mut self) {
        while let Some(id) = self.peer.poll_transmit(&mut self.transmit) {
            let bytes = self.transmit.split().freeze();
            if let Some(connection) = self.connection(id) {
                connection.outbox.push(bytes);
            }
        }
        while let Some(action) = self.peer.poll_action() {
            self.act(action);
        }
    }
}
