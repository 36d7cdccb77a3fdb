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

fn family_number(family: Family) -> Option<usize> {
    FAMILIES.iter().position(|&known| known == family)
}

/// See the top of this file.
pub(crate) struct Peers {
    peers: Vec<Peer>,
    /// Numbers of peers that went, the longest gone first. Used again only when no new ones are left: what was told
    /// of a peer that went must not be taken for that of another.
    free: VecDeque<PeerIdx>,
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
            shared_as: false,
            selection,
        };
        peers.add(local);
        peers
    }

    /// `None` if there are 65,535 already.
    pub(crate) fn add(&mut self, info: PeerInfo) -> Option<PeerIdx> {
        let peer = Peer {
            info: Arc::new(info),
            counts: Default::default(),
            had_paths: AtomicBool::new(false),
            gone: false,
        };
        let idx = match u16::try_from(self.peers.len()) {
            Ok(number) if number < u16::MAX => {
                self.peers.push(peer);
                PeerIdx(number)
            }
            _ => {
                let idx = self.free.pop_front()?;
                self.peers[idx.index()] = peer;
                idx
            }
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
            self.free.push_back(idx);
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
