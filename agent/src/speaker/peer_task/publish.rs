//! EDGE. What others see of a peer.

use std::sync::Arc;
use std::time::Instant;

use bgp_wire::FamilySet;

use super::PeerTask;
use crate::speaker::snapshot::{FamilySnapshot, PeerSnapshot};
use crate::speaker::tcp_ao::{self, KeysInUse};

impl PeerTask {
    /// The keys of TCP-AO that sign the session.
    fn keys_in_use(&self) -> Option<KeysInUse> {
        self.settings.ao_keys()?;
        let session = self.exporting.as_ref()?.connection;
        let mut connections = self.connections.iter().flatten();
        let connection = connections.find(|connection| connection.id == session)?;
        tcp_ao::in_use(&connection.stream).ok()
    }

    pub(super) fn publish(&mut self) {
        let now = Instant::now();
        self.changed = false;
        self.published = now;
        let kept = self.helper.stale().map(|stale| stale.family);
        let families: FamilySet = match &self.negotiated {
            Some(negotiated) => negotiated.ctx.families,
            None => kept.collect(),
        };
        let families = families
            .iter()
            .map(|family| {
                let mut snapshot = FamilySnapshot {
                    family,
                    received: 0,
                    accepted: 0,
                    advertised: 0,
                    end_of_rib_received: self.end_of_rib.contains(&family),
                    stale: 0,
                    restart: self.helper.stale().find(|stale| stale.family == family),
                    disabled: self.disabled.contains(family),
                    no_next_hop: self.no_next_hop.contains(family),
                };
                snapshot.count(&self.rib, self.idx);
                snapshot
            })
            .collect();
        let mut snapshot = PeerSnapshot {
            settings: self.settings.clone(),
            idx: self.idx,
            state: self.peer.state(),
            idle_reason: self.peer.idle_reason(),
            since: self.since,
            last_established: self.last_established,
            last_update: self.last_update,
            next_retry: self
                .peer
                .next_retry()
                .or_else(|| self.limits.poll_timeout()),
            negotiated: self.negotiated.clone(),
            keys_in_use: self.keys_in_use(),
            not_let_in: None,
            stats: *self.peer.stats(),
            errors: Arc::clone(self.peer.last_errors()),
            malformed: self.malformed.latest().cloned(),
            families,
            limits: self.limits.statuses().collect(),
            bfd: self.path_status(),
        };
        let event = {
            let mut published = self.snapshot.lock();
            snapshot.not_let_in = published.not_let_in.take();
            let event = published.differs_visibly(&snapshot);
            *published = snapshot;
            event
        };
        if event {
            self.events.notify();
        }
    }
}
