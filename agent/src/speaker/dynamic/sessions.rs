//! What others see of the sessions with the dynamic neighbours of one object.

use std::collections::BTreeMap;
use std::sync::Arc;

use bgp_session::{MessageCounts, PeerStats, Restarted};
use bgp_wire::Family;
use parking_lot::Mutex;

use crate::desired::{DynamicNeighbors, PeerKey};
use crate::speaker::snapshot::PeerSnapshot;

/// A session with a dynamic neighbour.
#[derive(Debug, Clone)]
pub struct DynamicSession {
    /// Its name: that of the object with the neighbour's address.
    pub key: PeerKey,
    /// Its newest state.
    pub snapshot: Arc<Mutex<PeerSnapshot>>,
    /// It had a session with the process before this one.
    pub(in crate::speaker) restarted: Option<Restarted>,
}

/// What sessions that are over have counted.
#[derive(Debug, Clone, Default)]
pub struct Ended {
    /// Messages, findings and flaps.
    pub stats: PeerStats,
    /// How often BFD found a path to have failed.
    pub bfd_failures: u64,
    /// Sessions in which a limit of prefixes was exceeded, and paths that were not taken, by family.
    pub limits: BTreeMap<Family, (u64, u64)>,
}

/// The sessions of one object at one moment.
#[derive(Debug, Clone)]
pub struct DynamicSnapshot {
    /// The object.
    pub config: Arc<DynamicNeighbors>,
    /// Its sessions.
    pub sessions: Vec<DynamicSession>,
    /// Neighbours that were refused because of the limit.
    pub refused: u64,
    /// There are as many sessions as there may be, and somebody was refused since.
    pub full: bool,
    /// What those counted that are over.
    pub ended: Ended,
}

/// The sessions of one object as they come and go. The lock is held for a copy or less.
#[derive(Debug)]
pub struct DynamicSessions(Mutex<Shared>);

#[derive(Debug)]
struct Shared {
    config: Arc<DynamicNeighbors>,
    sessions: BTreeMap<u64, DynamicSession>,
    next: u64,
    refused: u64,
    full: bool,
    ended: Ended,
}

impl DynamicSessions {
    pub(super) fn new(config: Arc<DynamicNeighbors>) -> Self {
        Self(Mutex::new(Shared {
            config,
            sessions: BTreeMap::new(),
            next: 0,
            refused: 0,
            full: false,
            ended: Ended::default(),
        }))
    }

    /// A copy of all.
    pub fn snapshot(&self) -> DynamicSnapshot {
        let shared = self.0.lock();
        DynamicSnapshot {
            config: Arc::clone(&shared.config),
            sessions: shared.sessions.values().cloned().collect(),
            refused: shared.refused,
            full: shared.full,
            ended: shared.ended.clone(),
        }
    }

    pub(super) fn configure(&self, config: Arc<DynamicNeighbors>) {
        self.0.lock().config = config;
    }

    /// A session begins. Gives the number by which it ends.
    pub(super) fn begin(&self, session: DynamicSession) -> u64 {
        let mut shared = self.0.lock();
        let number = shared.next;
        shared.next += 1;
        shared.sessions.insert(number, session);
        number
    }

    /// It is over, and what it counted is kept.
    pub(super) fn end(&self, number: u64) {
        let mut shared = self.0.lock();
        if let Some(session) = shared.sessions.remove(&number) {
            shared.ended.add(&session.snapshot.lock());
        }
    }

    /// Somebody is refused for want of room. Says how many by now.
    pub(super) fn refuse(&self) -> u64 {
        let mut shared = self.0.lock();
        shared.refused += 1;
        shared.full = true;
        shared.refused
    }

    /// There is room. True if there was none before.
    pub(super) fn has_room(&self) -> bool {
        std::mem::take(&mut self.0.lock().full)
    }
}

impl Ended {
    fn add(&mut self, over: &PeerSnapshot) {
        let (sum, one) = (&mut self.stats, &over.stats);
        add_messages(&mut sum.received, &one.received);
        add_messages(&mut sum.sent, &one.sent);
        sum.flaps += one.flaps;
        let (sum, one) = (&mut sum.findings, &one.findings);
        sum.none += one.none;
        sum.attribute_discard += one.attribute_discard;
        sum.not_used += one.not_used;
        sum.treat_as_withdraw += one.treat_as_withdraw;
        sum.afi_safi_disable += one.afi_safi_disable;
        sum.session_reset += one.session_reset;
        self.bfd_failures += over.bfd.as_ref().map_or(0, |bfd| bfd.failures);
        for limit in &over.limits {
            let (exceeded, discarded) = self.limits.entry(limit.limit.family).or_default();
            *exceeded += limit.exceeded;
            *discarded += limit.discarded_ever;
        }
    }
}

fn add_messages(sum: &mut MessageCounts, one: &MessageCounts) {
    sum.open += one.open;
    sum.update += one.update;
    sum.notification += one.notification;
    sum.keepalive += one.keepalive;
    sum.route_refresh += one.route_refresh;
}
