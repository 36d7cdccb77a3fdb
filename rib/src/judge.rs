//! What the decision needs beside the paths themselves, gathered for one turn.

use crate::attrs::{AttrId, Interner};
use crate::decision::{self, Candidate, DecisionConfig, Ineligible, SourceKind, mobility_of};
use crate::nexthop::{NextHopId, NextHops};
use crate::path::{Path, PeerIdx, PeerInfo};
use crate::peers::Peers;
use bgp_wire::{Esi, EvpnDetail, Label, NextHop, PathId};
use smallvec::SmallVec;
use std::net::IpAddr;

/// Makes candidates of paths and has them compared.
#[derive(Clone, Copy)]
pub(crate) struct Judge<'a> {
    pub(crate) interner: &'a Interner,
    pub(crate) peers: &'a Peers,
    pub(crate) next_hops: &'a NextHops,
    pub(crate) config: &'a DecisionConfig,
    pub(crate) max_paths: u8,
    /// See [`TableKey::MOVES`](crate::shard_key::TableKey::MOVES).
    pub(crate) moves: bool,
    /// See [`TableKey::RESOLVES`](crate::shard_key::TableKey::RESOLVES).
    pub(crate) resolves: bool,
    /// Two paths of one destination may have MEDs to compare: then what a path is worth depends on which others
    /// there are, and nothing short of a look at all of them will do.
    pub(crate) med_matters: bool,
}

/// What a route may say beside its key that matters to decision and policy.
pub(crate) trait RouteDetail {
    /// Whether there can be a [`vni`](Self::vni).
    const HAS_VNI: bool = false;

    /// The Ethernet segment on which a MAC was learned.
    fn segment(&self) -> Option<Esi> {
        None
    }

    /// The label of an EVPN route, which names its network where the encapsulation is VXLAN (RFC 8365 §5.1.3).
    fn vni(&self) -> Option<u32> {
        None
    }
}

impl RouteDetail for () {}
impl RouteDetail for Label {}

impl RouteDetail for EvpnDetail {
    const HAS_VNI: bool = true;

    fn segment(&self) -> Option<Esi> {
        match self {
            Self::Mac { esi, .. } => Some(*esi),
            _ => None,
        }
    }

    fn vni(&self) -> Option<u32> {
        match self {
            Self::AutoDiscovery { label }
            | Self::Mac { label, .. }
            | Self::Prefix { label, .. } => Some(label.raw()),
            _ => None,
        }
    }
}

/// The lowest address of a PE for each Ethernet segment of a MAC (RFC 7432 §15). The address of a PE is the next hop of what it
/// advertises (§9.2.1), which reflectors leave as it is. As one segment may have several PEs (§8.4, aliasing), the rule chooses
/// between segments, and what it says nothing of, between PEs of one segment, is left to the steps behind it: pair by pair,
/// the order would not be transitive. The segment 0 is that of a single-homed site (§5), and not the same at two PEs.
fn find_lowest_pes<D: RouteDetail>(paths: &[Path<D>], candidates: &mut Candidates<'_>) {
    let pe = |path: &Candidate<'_>| path.attrs.next_hop().map(NextHop::address);
    let mut segments: SmallVec<[(Esi, u64, bool, IpAddr); 8]> = paths
        .iter()
        .zip(candidates.iter())
        .filter(|(_, candidate)| candidate.ineligible.is_none())
        .filter_map(|(path, candidate)| {
            let (mobility, stale) = (candidate.mobility, candidate.least_preferred);
            Some((path.detail.segment()?, mobility, stale, pe(candidate)?))
        })
        .collect();
    segments.sort_unstable();
    // The first of each segment is that of its lowest address.
    segments.dedup_by_key(|(segment, mobility, stale, _)| (*segment, *mobility, *stale));
    for (path, candidate) in paths.iter().zip(candidates) {
        let wanted = path
            .detail
            .segment()
            .map(|segment| (segment, candidate.mobility, candidate.least_preferred));
        candidate.lowest_pe = match wanted {
            Some(wanted) if wanted.0 != Esi::default() => segments
                .binary_search_by_key(&wanted, |(segment, mobility, stale, _)| {
                    (*segment, *mobility, *stale)
                })
                .ok()
                .map(|at| segments[at].3),
            _ => wanted.and_then(|_| pe(candidate)),
        };
    }
}

/// Candidates of one destination, on the stack up to a usual number.
pub(crate) type Candidates<'a> = SmallVec<[Candidate<'a>; 8]>;

impl<'a> Judge<'a> {
    /// Whether what two paths are worth beside each other has nothing to do with others.
    pub(crate) fn is_pairwise(&self) -> bool {
        !self.med_matters && !self.moves
    }

    pub(crate) fn peer(&self, peer: PeerIdx) -> &'a PeerInfo {
        self.peers.info(peer)
    }

    /// Why a path may not be selected, if so.
    #[inline]
    pub(crate) fn ineligible<D>(&self, path: &Path<D>) -> Option<Ineligible> {
        if path.tag.is_refused() {
            path.tag.ineligible()
        } else {
            self.unreachable(path.attrs, path.peer)
        }
    }

    /// Whether a path may be selected. Its next hop is told so that the set need not be looked up.
    #[inline]
    pub(crate) fn is_eligible<D>(&self, path: &Path<D>, next_hop: NextHopId) -> bool {
        !path.tag.is_refused()
            && (!self.resolves
                || self.next_hops.resolution(next_hop).reachable
                || path.peer.is_local())
    }

    /// RFC 4271 §9.1.2: "If the NEXT_HOP attribute of a BGP route depicts an address that is not resolvable [...] the
    /// BGP route MUST be excluded from the Phase 2 decision function."
    #[inline]
    fn unreachable(&self, attrs: AttrId, peer: PeerIdx) -> Option<Ineligible> {
        let resolution = self
            .next_hops
            .resolution(self.interner.entry(attrs).next_hop);
        resolution
            .ineligible()
            .filter(|_| self.resolves && !peer.is_local())
    }

    fn candidate<D>(&self, path: &Path<D>) -> Candidate<'a> {
        let entry = self.interner.entry(path.attrs);
        let peer = self.peer(path.peer);
        let resolution = self.next_hops.resolution(entry.next_hop);
        let local = peer.kind == SourceKind::Local;
        Candidate {
            key: &entry.key,
            attrs: entry.attrs(),
            kind: peer.kind,
            asn: peer.asn,
            router_id: peer.router_id,
            address: peer.address,
            name: &peer.name,
            path_id: PathId(path.path_id),
            next_hop: entry.next_hop.number(),
            least_preferred: peer.long_lived && entry.key.is_llgr_stale,
            mobility: if self.moves && entry.key.has_mobility {
                mobility_of(entry.attrs())
            } else {
                0
            },
            lowest_pe: None,
            igp_metric: if local { 0 } else { resolution.metric },
            ineligible: if path.tag.is_refused() {
                path.tag.ineligible()
            } else {
                resolution.ineligible().filter(|_| self.resolves && !local)
            },
        }
    }

    pub(crate) fn candidates<D: RouteDetail>(&self, paths: &[Path<D>]) -> Candidates<'a> {
        let mut candidates = paths.iter().map(|path| self.candidate(path)).collect();
        if self.moves && paths.len() > 1 {
            find_lowest_pes(paths, &mut candidates);
        }
        candidates
    }

    /// Place of the best of these.
    pub(crate) fn select<D: RouteDetail>(&self, paths: &[Path<D>]) -> Option<usize> {
        decision::select(&self.candidates(paths), self.config)
    }

    /// Whether `challenger` is better than `holder`, the two being alone. Not where destinations [move](Self::moves): there the
    /// others have a say.
    pub(crate) fn beats<D>(&self, challenger: &Path<D>, holder: &Path<D>) -> bool {
        decision::compare(
            &self.candidate(challenger),
            &self.candidate(holder),
            self.config,
        )
        .first_wins()
    }

    /// The paths that share the traffic, best first. `paths[0]` must be the best.
    pub(crate) fn multipath<D: RouteDetail>(&self, paths: &[Path<D>], out: &mut Vec<usize>) {
        out.clear();
        if paths.len() == 1 || self.max_paths <= 1 {
            out.push(0);
        } else {
            decision::multipath(&self.candidates(paths), 0, self.max_paths, self.config, out);
        }
    }

    /// The `n` best, best first. `paths[0]` must be the best.
    pub(crate) fn top<D: Copy + RouteDetail>(
        &self,
        paths: &[Path<D>],
        n: usize,
    ) -> SmallVec<[Path<D>; 4]> {
        let mut top = SmallVec::new();
        let mut left: SmallVec<[Path<D>; 8]> = paths.into();
        while top.len() < n && !left.is_empty() {
            let Some(at) = (if top.is_empty() {
                Some(0)
            } else {
                self.select(&left)
            }) else {
                break;
            };
            top.push(left.swap_remove(at));
        }
        top
    }
}
