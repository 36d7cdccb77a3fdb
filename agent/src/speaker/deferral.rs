//! After a restart of ours: who is waited for before we choose among routes and tell them (RFC 4724 §4.1).
//!
//! "It MUST defer route selection for an address family until it either (a) receives the End-of-RIB marker from all its peers
//! (excluding the ones with the "Restart State" bit set in the received capability and excluding the ones that do not advertise the
//! graceful restart capability) or (b) the Selection_Deferral_Timer [...] has expired."
//!
//! All families of a router are waited for together, as the kernel's reader and the exporter each read all of them. Waited for are
//! the peers that had a session with the process before this one: one that was down then may stay so.

use std::collections::BTreeSet;
use std::time::Instant;

use parking_lot::Mutex;
use tokio::sync::watch;

use crate::desired::PeerKey;

/// See the top of this file.
#[derive(Debug)]
pub(super) struct Deferral {
    waits: Mutex<Waits>,
    /// The Selection_Deferral_Timer.
    until: Instant,
    over: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct Waits {
    /// All who are to be waited for are known.
    begun: bool,
    peers: BTreeSet<PeerKey>,
}

impl Deferral {
    pub(super) fn new(until: Instant) -> Self {
        Self {
            waits: Mutex::default(),
            until,
            over: watch::Sender::new(false),
        }
    }

    /// This peer is to be waited for. No effect once it has begun.
    pub(super) fn wait_for(&self, peer: &PeerKey) {
        let mut waits = self.waits.lock();
        if !waits.begun {
            waits.peers.insert(peer.clone());
        }
    }

    /// How many are waited for.
    pub(super) fn waited_for(&self) -> usize {
        self.waits.lock().peers.len()
    }

    /// All peers are known.
    pub(super) fn begin(&self) {
        let mut waits = self.waits.lock();
        waits.begun = true;
        self.end_if_done(&waits);
    }

    /// This peer has sent all its routes, or will not.
    pub(super) fn done(&self, peer: &PeerKey) {
        let mut waits = self.waits.lock();
        if waits.peers.remove(peer) && waits.begun {
            self.end_if_done(&waits);
        }
    }

    fn end_if_done(&self, waits: &Waits) {
        if waits.peers.is_empty() && !self.over.send_replace(true) {
            tracing::info!(
                "no neighbour is waited for any more: routes are chosen and told from now on"
            );
        }
    }

    /// The time is over.
    pub(super) fn give_up(&self) {
        if !self.over.send_replace(true) {
            let waits = self.waits.lock();
            let missing: Vec<String> = waits.peers.iter().map(ToString::to_string).collect();
            tracing::warn!(
                missing = missing.join(", "),
                "not all neighbours have sent their routes again in time (selectionDeferralTime): routes are chosen and told without them"
            );
        }
    }

    /// Whether nobody would be waited for by now, whoever has come. RFC 4724 §4.1: after the selection of routes "the forwarding state of
    /// the speaker SHALL be updated and any previously marked stale information SHALL be removed." Where all have come early, those
    /// without graceful restart are given the time.
    pub(super) fn is_past(&self, now: Instant) -> bool {
        now >= self.until
    }

    /// Becomes true when it is over.
    pub(super) fn over(&self) -> watch::Receiver<bool> {
        self.over.subscribe()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::desired::RouterKey;

    fn peer(name: &str) -> PeerKey {
        PeerKey {
            peer: name.into(),
            router: RouterKey::new("default", "router"),
        }
    }

    #[test]
    fn it_lasts_until_the_last_one_is_done() {
        let deferral = Deferral::new(Instant::now());
        let over = deferral.over();
        deferral.wait_for(&peer("a"));
        // One may be done before the next is known.
        deferral.done(&peer("a"));
        assert!(!*over.borrow());
        deferral.wait_for(&peer("b"));
        deferral.wait_for(&peer("c"));
        deferral.begin();
        for name in ["b", "stranger", "b"] {
            deferral.done(&peer(name));
            assert!(!*over.borrow());
        }
        deferral.wait_for(&peer("late"));
        deferral.done(&peer("c"));
        assert!(*over.borrow());
    }

    #[test]
    fn without_anyone_to_wait_for_it_is_over_at_once_and_otherwise_in_time() {
        let nobody = Deferral::new(Instant::now());
        assert!(!*nobody.over().borrow());
        nobody.begin();
        assert!(*nobody.over().borrow());
        let late = Deferral::new(Instant::now());
        late.wait_for(&peer("a"));
        late.begin();
        late.give_up();
        assert!(*late.over().borrow());
    }
}
