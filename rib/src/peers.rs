//! The peers of one table, by number.

use crate::decision::DecisionConfig;
use crate::path::{PeerIdx, PeerInfo};
use crate::tables::FAMILIES;
use bgp_wire::Family;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// Paths of one peer in one family.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct PeerCounts {
    /// Paths in its Adj-RIB-In.
    pub received: u32,
    /// Those of them that import lets take part in the decision.
    pub accepted: u32,
    /// Those of them that are stale: told before, and not again yet.
    pub stale: u32,
}

#[derive(Default)]
struct Count {
    received: AtomicU32,
    accepted: AtomicU32,
    stale: AtomicU32,
}

/// A peer and how many paths it has.
pub(crate) struct Peer {
    info: Arc<PeerInfo>,
    counts: [Count; FAMILIES.len()],
    /// It has had paths, so others may have been told of them.
    had_paths: AtomicBool,
    gone: bool,
}

/// So many peers that had paths went after one before its number is another's.
const LONG_GONE: usize = 4096;

fn family_number(family: Family) -> Option<usize> {
    FAMILIES.iter().position(|&known| known == family)
}

/// See the top of this file.
pub(crate) struct Peers {
    peers: Vec<Peer>,
    /// Numbers of peers that went, the longest gone first. Used again only when many others went since: what was told of a peer
    /// that went must not be taken for that of another.
    free: VecDeque<PeerIdx>,
    /// Numbers of peers that went and have never told anything, so that nobody was told of them.
    unused: Vec<PeerIdx>,
    /// Two peers are in one AS.
    shared_as: bool,
    /// How one of their paths is chosen.
    pub(crate) selection: Selection,
}

/// What the operator chose about which paths are used. It can change while a table is in use ([`Rib::select_by`](crate::Rib::select_by)).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Selection {
    /// The decision.
    pub decision: DecisionConfig,
    /// How many paths may share traffic; 1 for no multipath.
    pub max_paths: u8,
    /// Routes that are only passed on (of VPNs and EVPN) need a way to their next hop too.
    pub require_reachable: bool,
}

impl Peers {
    pub(crate) fn new(local: PeerInfo, selection: Selection) -> Self {
        let mut peers = Self {
            peers: Vec::new(),
            free: VecDeque::new(),
            unused: Vec::new(),
            shared_as: false,
            selection,
        };
        peers.add(local);
        peers
    }

    /// `None` if there are 65,535 already. Strangers that come and go make the table no larger.
    pub(crate) fn add(&mut self, info: PeerInfo) -> Option<PeerIdx> {
        let peer = Peer {
            info: Arc::new(info),
            counts: Default::default(),
            had_paths: AtomicBool::new(false),
            gone: false,
        };
        let number = u16::try_from(self.peers.len());
        let number = number.ok().filter(|number| *number < u16::MAX);
        let free = match self.free.len() > LONG_GONE || number.is_none() {
            true => self.free.pop_front(),
            false => None,
        };
        let idx = match (self.unused.pop().or(free), number) {
            (Some(idx), _) => {
                self.peers[idx.index()] = peer;
                idx
            }
            (None, Some(number)) => {
                self.peers.push(peer);
                PeerIdx(number)
            }
            (None, None) => return None,
        };
        self.note_shared_as();
        Some(idx)
    }

    /// See [`Rib::update_peer`](crate::Rib::update_peer).
    pub(crate) fn update(&mut self, idx: PeerIdx, info: PeerInfo) -> PeerIdx {
        let peer = &self.peers[idx.index()];
        let identity = |info: &PeerInfo| (info.kind, info.asn, info.router_id);
        let same = identity(&peer.info) == identity(&info);
        if !same
            && peer.had_paths.load(Ordering::Relaxed)
            && let Some(new) = self.add(info.clone())
        {
            self.remove(idx);
            return new;
        }
        self.peers[idx.index()].info = Arc::new(info);
        self.note_shared_as();
        idx
    }

    pub(crate) fn remove(&mut self, idx: PeerIdx) {
        let peer = &mut self.peers[idx.index()];
        if !peer.gone && !idx.is_local() {
            peer.gone = true;
            match peer.had_paths.load(Ordering::Relaxed) {
                true => self.free.push_back(idx),
                false => self.unused.push(idx),
            }
        }
    }

    /// Never falls back: a told path may still be of a peer that went.
    fn note_shared_as(&mut self) {
        let mut ases: Vec<_> = self
            .peers
            .iter()
            .filter(|peer| !peer.gone)
            .map(|peer| peer.info.asn)
            .collect();
        ases.sort_unstable();
        self.shared_as |= ases.windows(2).any(|pair| pair[0] == pair[1]);
    }

    pub(crate) fn shared_as(&self) -> bool {
        self.shared_as
    }

    /// What is known of a peer; the last that was known if it went.
    #[inline]
    pub(crate) fn info(&self, idx: PeerIdx) -> &PeerInfo {
        &self.peers[idx.index()].info
    }

    pub(crate) fn shared_info(&self, idx: PeerIdx) -> Arc<PeerInfo> {
        Arc::clone(&self.peers[idx.index()].info)
    }

    /// All that are there, with the router itself.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (PeerIdx, &Arc<PeerInfo>)> {
        let numbered = self.peers.iter().enumerate();
        numbered
            .filter(|(_, peer)| !peer.gone)
            .map(|(number, peer)| (PeerIdx(number as u16), &peer.info))
    }

    /// Paths of all peers together.
    pub(crate) fn paths(&self) -> usize {
        let counts = self.peers.iter().flat_map(|peer| &peer.counts);
        counts
            .map(|count| count.received.load(Ordering::Relaxed) as usize)
            .sum()
    }

    pub(crate) fn counts(&self, idx: PeerIdx, family: Family) -> PeerCounts {
        family_number(family).map_or_else(PeerCounts::default, |family| {
            let count = &self.peers[idx.index()].counts[family];
            PeerCounts {
                received: count.received.load(Ordering::Relaxed),
                accepted: count.accepted.load(Ordering::Relaxed),
                stale: count.stale.load(Ordering::Relaxed),
            }
        })
    }

    /// Adds to the counts of a peer. Negative numbers wrap, and so do the counts: the sum is right.
    pub(crate) fn count(&self, idx: PeerIdx, family: Family, received: i64, accepted: i64) {
        if let Some(family) = family_number(family) {
            let count = &self.peers[idx.index()].counts[family];
            if received > 0 {
                self.peers[idx.index()]
                    .had_paths
                    .store(true, Ordering::Relaxed);
            }
            count.received.fetch_add(received as u32, Ordering::Relaxed);
            count.accepted.fetch_add(accepted as u32, Ordering::Relaxed);
        }
    }

    /// Adds to the count of a peer's stale paths.
    pub(crate) fn count_stale(&self, idx: PeerIdx, family: Family, stale: i64) {
        if let Some(family) = family_number(family) {
            let count = &self.peers[idx.index()].counts[family].stale;
            count.fetch_add(stale as u32, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::{Asn, RouterId};

    fn peers() -> Peers {
        Peers::new(
            PeerInfo::local(Asn(1), RouterId(1)),
            Selection {
                decision: DecisionConfig {
                    always_compare_med: false,
                    compare_router_id: false,
                },
                max_paths: 1,
                require_reachable: false,
            },
        )
    }

    /// A peer that comes and goes.
    fn visit(peers: &mut Peers, tells: bool) -> PeerIdx {
        let idx = peers
            .add(PeerInfo::local(Asn(2), RouterId(2)))
            .expect("there is room");
        peers.peers[idx.index()]
            .had_paths
            .store(tells, Ordering::Relaxed);
        peers.remove(idx);
        idx
    }

    #[test]
    fn strangers_make_the_table_no_larger_and_numbers_of_others_are_left_alone_for_long() {
        let mut peers = peers();
        let stranger = visit(&mut peers, false);
        for _ in 0..1000 {
            assert_eq!(visit(&mut peers, false), stranger);
        }
        // The number that was free is theirs now.
        assert_eq!(visit(&mut peers, true), stranger);
        let mut others = std::collections::BTreeSet::new();
        for _ in 0..LONG_GONE {
            let other = visit(&mut peers, true);
            assert_ne!(other, stranger, "it is too early");
            others.insert(other);
        }
        assert_eq!(others.len(), LONG_GONE);
        assert_eq!(visit(&mut peers, true), stranger);
        let size = peers.peers.len();
        for _ in 0..2 * LONG_GONE {
            visit(&mut peers, true);
        }
        assert_eq!(peers.peers.len(), size);
    }
}
