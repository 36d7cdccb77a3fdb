//! From what runs to what should run, as a list of changes.
//!
//! The order of the list is an order in which they can be carried out: sessions that end come first, because a new
//! one may have their neighbour; then what is new or different, routers before the peers and originations that need
//! them; then what is withdrawn, so that a prefix that moves from one advertisement to another is there all the time;
//! routers that go come last.

use std::collections::BTreeMap;

use super::dynamic::DynamicNeighbors;
use std::sync::Arc;

use super::types::{Desired, Origination, OriginationKey, Peer, PeerKey, Router, RouterKey};

/// One difference between two [`Desired`].
#[derive(Clone, PartialEq, Debug)]
pub enum Change {
    /// A router to start.
    RouterAdded(Router),
    /// A router whose configuration is different now.
    RouterChanged {
        /// What runs.
        old: Router,
        /// What should.
        new: Router,
    },
    /// A session to start.
    PeerAdded(Arc<Peer>),
    /// A session whose configuration is different now.
    PeerChanged {
        /// What runs.
        old: Arc<Peer>,
        /// What should.
        new: Arc<Peer>,
    },
    /// Dynamic neighbours to accept.
    DynamicAdded(Box<DynamicNeighbors>),
    /// Dynamic neighbours who are others now, or have other sessions.
    DynamicChanged {
        /// What runs.
        old: Box<DynamicNeighbors>,
        /// What should.
        new: Box<DynamicNeighbors>,
    },
    /// Routes to originate.
    OriginationAdded(Origination),
    /// Originated routes that are different now.
    OriginationChanged {
        /// What is originated.
        old: Origination,
        /// What should be.
        new: Origination,
    },
    /// Originated routes to withdraw.
    OriginationRemoved(OriginationKey),
    /// A session to end.
    PeerRemoved(PeerKey),
    /// Dynamic neighbours to accept no more.
    DynamicRemoved(PeerKey),
    /// A router to stop.
    RouterRemoved(RouterKey),
}

/// What to do so that `running` becomes `wanted`.
#[must_use]
pub fn diff(running: &Desired, wanted: &Desired) -> Vec<Change> {
    let mut changes = Vec::new();
    gone(
        &running.peers,
        &wanted.peers,
        Change::PeerRemoved,
        &mut changes,
    );
    gone(
        &running.dynamic,
        &wanted.dynamic,
        Change::DynamicRemoved,
        &mut changes,
    );
    compare(
        &mut changes,
        &running.routers,
        &wanted.routers,
        Change::RouterAdded,
        |old, new| Change::RouterChanged { old, new },
    );
    // Before peers: a neighbour that is configured from now on has no other session by then.
    compare(
        &mut changes,
        &running.dynamic,
        &wanted.dynamic,
        |new| Change::DynamicAdded(new.into()),
        |old, new| Change::DynamicChanged {
            old: old.into(),
            new: new.into(),
        },
    );
    compare(
        &mut changes,
        &running.peers,
        &wanted.peers,
        Change::PeerAdded,
        |old, new| Change::PeerChanged { old, new },
    );
    let mut originations = Vec::new();
    compare(
        &mut originations,
        &running.originations,
        &wanted.originations,
        Change::OriginationAdded,
        |old, new| Change::OriginationChanged { old, new },
    );
    originations.sort_by_key(gives_up_prefixes);
    changes.append(&mut originations);
    gone(
        &running.originations,
        &wanted.originations,
        Change::OriginationRemoved,
        &mut changes,
    );
    gone(
        &running.routers,
        &wanted.routers,
        Change::RouterRemoved,
        &mut changes,
    );
    changes
}

/// Whether somebody else may have got a prefix that is withdrawn with this.
fn gives_up_prefixes(change: &Change) -> bool {
    match change {
        Change::OriginationChanged { old, new } => {
            let kept = |prefix| new.prefixes.binary_search(prefix).is_ok();
            !old.prefixes.iter().all(kept)
        }
        _ => false,
    }
}

fn compare<K: Ord, V: Clone + PartialEq>(
    changes: &mut Vec<Change>,
    running: &BTreeMap<K, V>,
    wanted: &BTreeMap<K, V>,
    added: impl Fn(V) -> Change,
    changed: impl Fn(V, V) -> Change,
) {
    for (key, new) in wanted {
        match running.get(key) {
            None => changes.push(added(new.clone())),
            Some(old) if old != new => changes.push(changed(old.clone(), new.clone())),
            Some(_) => {}
        }
    }
}

fn gone<K: Ord + Clone, V>(
    running: &BTreeMap<K, V>,
    wanted: &BTreeMap<K, V>,
    removed: impl Fn(K) -> Change,
    changes: &mut Vec<Change>,
) {
    changes.extend(
        running
            .keys()
            .filter(|key| !wanted.contains_key(*key))
            .cloned()
            .map(removed),
    );
}
