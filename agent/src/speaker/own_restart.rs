//! EDGE. A restart of our own: what this process knows of the one before, and what the next one is to know of this.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_session::Restarted;

use super::deferral::Deferral;
use super::snapshot::PeerSnapshot;
use super::{Predecessor, Speaker};
use crate::desired::{PeerKey, Router};

impl Speaker {
    /// This process takes the place of another one, whose sessions were to come back. Before the first change.
    pub fn follow(&mut self, predecessor: Predecessor) {
        self.predecessor = Some(predecessor);
    }

    /// The changes so far are all that is configured at the start. Returns what ends when routes may be chosen: at once, but after
    /// a restart (RFC 4724 §4.1).
    pub fn started(&mut self) -> impl Future<Output = ()> + use<> {
        if let Some(predecessor) = &self.predecessor {
            let deferrals = self.routers.values().filter_map(|r| r.deferral.as_ref());
            let neighbours: usize = deferrals.map(|deferral| deferral.waited_for()).sum();
            let seconds = predecessor.ended.elapsed().as_secs();
            let sessions = predecessor.peers.len();
            match neighbours {
                0 => tracing::info!(
                    sessions,
                    seconds,
                    "another process ran here before; no neighbour is waited for: their restartTime has passed, or selectionDeferralTime is 0"
                ),
                _ => tracing::info!(
                    neighbours,
                    sessions,
                    seconds,
                    "this is a restart: the kernel's routes stay until those of all neighbours are here again"
                ),
            }
        }
        let mut receivers = Vec::new();
        for router in self.routers.values() {
            if let Some(deferral) = &router.deferral {
                deferral.begin();
                receivers.push(deferral.over());
            }
        }
        // What is added from now on was not there before.
        self.predecessor = None;
        async move {
            for mut receiver in receivers {
                // Who can end it is gone with its router.
                let _ = receiver.wait_for(|over| *over).await;
            }
        }
    }

    /// After a restart: whether what the process before has left in the kernel has had its time (RFC 4724 §4.1), on every router.
    pub fn is_past_restart(&self, now: Instant) -> bool {
        let past = |deferral: &Arc<Deferral>| deferral.is_past(now);
        let mut routers = self.routers.values();
        !self.routers.is_empty() && routers.all(|router| router.deferral.as_ref().is_some_and(past))
    }

    /// The sessions whose neighbours keep our routes when we restart.
    pub fn restartable(&self) -> Vec<PeerKey> {
        self.peers_that(|snapshot, _| {
            let negotiated = snapshot.negotiated.as_ref();
            let offered = snapshot.settings.peer().graceful_restart.is_some();
            offered && negotiated.is_some_and(|n| n.restart.is_some())
        })
    }

    /// The neighbours that still keep our routes for the process before this one, and have no session with this one yet.
    pub fn awaited(&self, now: Instant) -> Vec<PeerKey> {
        self.peers_that(|snapshot, restarted| {
            let waits = restarted.is_some_and(|restarted| now < restarted.until);
            waits && snapshot.last_established.is_none()
        })
    }

    fn peers_that(&self, hold: impl Fn(&PeerSnapshot, Option<Restarted>) -> bool) -> Vec<PeerKey> {
        let peers = self.peers.iter();
        let peers = peers.filter(|(_, peer)| hold(&peer.snapshot.lock(), peer.restarted));
        let mut keys: Vec<_> = peers.map(|(key, _)| key.clone()).collect();
        for running in self.dynamic.values() {
            let sessions = running.sessions.snapshot().sessions.into_iter();
            let sessions = sessions.filter(|one| hold(&one.snapshot.lock(), one.restarted));
            keys.extend(sessions.map(|one| one.key));
        }
        keys
    }

    /// Has a router wait for its peers after a restart, for a while.
    pub(super) fn defer(&self, router: &Router) -> Option<Arc<Deferral>> {
        let predecessor = self.predecessor.as_ref()?;
        let limit = router.graceful_restart.selection_deferral_time;
        if limit == 0 || !predecessor.had(&router.key) {
            return None;
        }
        let until = Instant::now() + Duration::from_secs(limit.into());
        let deferral = Arc::new(Deferral::new(until));
        let waiting = Arc::clone(&deferral);
        tokio::spawn(async move {
            tokio::time::sleep_until(until.into()).await;
            waiting.give_up();
        });
        Some(deferral)
    }
}
