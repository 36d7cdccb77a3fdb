//! Walks over the whole table that can pause after any number of destinations.
//!
//! A walk goes shard by shard and id by id; between two steps nothing is locked. What changes behind it was changed
//! by someone who knew of the reason for the walk already, and what changes before it is seen when the walk gets
//! there. The walks of a peer are run by the task of the peer, to their end, before it takes in anything more from
//! that peer.

use crate::attrs::AttrSetIds;
use crate::family_table::{FamilyTable, Rings};
use crate::judge::Judge;
use crate::long_lived::Aged;
use crate::nexthop::NextHopKey;
use crate::path::{Path, PeerIdx};
use crate::reimport::{NewNextHop, PathsOf, Reimported};
use crate::shard_key::{Keyed, TableKey};
use crate::table::{Pin, Rib};
use crate::tables::{ByFamily, FAMILIES, by_family};
use bgp_wire::{Family, FamilySet};
use std::ops::Range;

enum Errand {
    /// Removes the paths of a peer.
    Remove(PeerIdx),
    /// Marks them stale.
    MarkStale(PeerIdx),
    /// Removes those that are stale still.
    SweepStale(PeerIdx),
    /// Keeps those that are stale for long, or removes them if they do not want it.
    KeepForLong(PeerIdx),
    /// Imports them again, under the rules as they are now.
    Reimport(PeerIdx),
    /// Elects anew where one of these sets is.
    Reelect(AttrSetIds),
    /// Elects anew where there is a choice.
    ReelectAll,
}

/// A walk that was begun.
#[must_use = "a walk does nothing until it is stepped"]
pub struct Walk {
    errand: Errand,
    families: Vec<Family>,
    family: usize,
    shard: usize,
    at: u32,
    removed: usize,
}

impl Walk {
    fn new(errand: Errand, families: Vec<Family>) -> Self {
        Self {
            errand,
            families,
            family: 0,
            shard: 0,
            at: 0,
            removed: 0,
        }
    }

    pub(crate) fn reelect_all() -> Self {
        Self::new(Errand::ReelectAll, FAMILIES.to_vec())
    }

    /// Paths removed so far.
    pub fn removed(&self) -> usize {
        self.removed
    }

    /// Visits up to `budget` destinations. True once all were visited.
    pub fn step(&mut self, rib: &Rib, budget: usize) -> bool {
        let mut left = budget.max(1);
        while let Some(&family) = self.families.get(self.family) {
            if self.shard == rib.bits.count() {
                (self.family, self.shard, self.at) = (self.family + 1, 0, 0);
                continue;
            }
            if left == 0 {
                return false;
            }
            let visited = by_family(
                family,
                Step {
                    walk: self,
                    rib,
                    budget: left,
                },
            )
            .unwrap_or_default();
            left -= visited.min(left);
        }
        true
    }

    /// Visits all that is left.
    pub fn finish(mut self, rib: &Rib) -> usize {
        while !self.step(rib, 16 * 1024) {}
        self.removed
    }
}

struct Step<'a> {
    walk: &'a mut Walk,
    rib: &'a Rib,
    budget: usize,
}

impl ByFamily for Step<'_> {
    type Output = usize;

    fn run<K: TableKey>(self) -> usize {
        let Step { walk, rib, budget } = self;
        let mut rings = Rings::default();
        let mut aged = Aged::default();
        // Sets are made of others with no shard locked.
        let (pin, again) = loop {
            let pin = rib.pin();
            let again = match walk.errand {
                Errand::KeepForLong(peer) => {
                    let sets = rib.lock::<K, _>(&pin, walk.shard, |table, _| {
                        table.sets_of(walk.range(table.end(), budget), peer, true)
                    });
                    aged = Aged::of(sets, &pin.interner);
                    Ok(Reimported::default())
                }
                Errand::Reimport(peer) => {
                    let info = pin.peers.info(peer);
                    let paths = rib.lock::<K, _>(&pin, walk.shard, |table, _| {
                        PathsOf::gather(table, walk.range(table.end(), budget), (peer, info))
                    });
                    Reimported::of(&paths, &pin.interner, rib, info, K::FAMILY)
                }
                _ => Ok(Reimported::default()),
            };
            match again {
                Ok(again) => break (pin, again),
                Err(NewNextHop { set, scope }) => {
                    drop(pin);
                    rib.next_hops.register(set.as_ref(), scope);
                }
            }
        };
        let (visited, end) = rib.lock::<K, _>(&pin, walk.shard, |table, judge| {
            let end = table.end();
            let to = walk.range(end, budget).end;
            let made = (&rib.hasher, &aged, &again);
            walk.visit(table, judge, &pin, made, to, &mut rings);
            let visited = (to - walk.at) as usize;
            walk.at = to;
            (visited, to >= end)
        });
        if end {
            (walk.shard, walk.at) = (walk.shard + 1, 0);
        }
        drop(pin);
        rib.ring(rings);
        visited
    }
}

impl Walk {
    /// The destinations of the next step, of a table that ends at `end`.
    fn range(&self, end: u32, budget: usize) -> Range<u32> {
        let budget = u32::try_from(budget).unwrap_or(u32::MAX);
        self.at..self.at.saturating_add(budget).min(end).max(self.at)
    }

    fn visit<K: TableKey>(
        &mut self,
        table: &mut FamilyTable<K>,
        judge: &Judge<'_>,
        pin: &Pin<'_>,
        (hasher, aged, again): (&Keyed, &Aged, &Reimported),
        to: u32,
        rings: &mut Rings,
    ) {
        let range = self.at..to;
        let (peer, which) = match &self.errand {
            Errand::Remove(peer) => (*peer, Which::All),
            Errand::SweepStale(peer) => (*peer, Which::Stale),
            Errand::KeepForLong(peer) => {
                let peer = *peer;
                let other = |_, path: &Path<K::Detail>| {
                    let concerned = path.peer == peer && path.tag.is_stale();
                    let other = concerned.then(|| aged.other(path.attrs)).flatten()?;
                    Some((other, path.tag))
                };
                table.change_sets(judge, range.clone(), other, rings);
                (peer, Which::Unwilling)
            }
            Errand::Reimport(peer) => {
                let other = |id, path: &Path<K::Detail>| {
                    let concerned = path.peer == *peer && !path.tag.is_stale();
                    concerned.then(|| again.other(id, path)).flatten()
                };
                let accepted = table.change_sets(judge, range, other, rings);
                return pin.peers.count(*peer, K::FAMILY, 0, accepted);
            }
            Errand::MarkStale(peer) => {
                let marked = table.mark_stale(range, *peer);
                return pin.peers.count_stale(*peer, K::FAMILY, marked);
            }
            Errand::Reelect(sets) => return table.reelect_with(judge, range, sets, rings),
            Errand::ReelectAll => return table.reelect_all(judge, range, rings),
        };
        let (mut received, mut accepted, mut stale) = (0, 0, 0);
        table.remove_paths(
            judge,
            hasher,
            range,
            |path| {
                path.peer == peer
                    && match which {
                        Which::All => true,
                        Which::Stale => path.tag.is_stale(),
                        Which::Unwilling => path.tag.is_stale() && aged.goes(path.attrs),
                    }
            },
            rings,
            |_, tag| {
                received -= 1;
                accepted -= i64::from(!tag.is_refused());
                stale -= i64::from(tag.is_stale());
            },
        );
        self.removed += -received as usize;
        pin.peers.count(peer, K::FAMILY, received, accepted);
        pin.peers.count_stale(peer, K::FAMILY, stale);
    }
}

/// Which paths of a peer a walk removes.
#[derive(Clone, Copy)]
enum Which {
    All,
    Stale,
    /// Those that are not to be kept for long.
    Unwilling,
}

impl Rib {
    /// Removes all paths of a peer. Called when nothing of it is pending.
    pub fn peer_down(&self, peer: PeerIdx) -> Walk {
        self.remove_families(peer, FAMILIES.into_iter().collect())
    }

    /// Removes all paths of a peer in these families.
    pub(crate) fn remove_families(&self, peer: PeerIdx, families: FamilySet) -> Walk {
        let has_paths = |family: &Family| {
            families.contains(*family) && self.peer_counts(peer, *family).received > 0
        };
        let families = FAMILIES.into_iter().filter(has_paths).collect();
        Walk::new(Errand::Remove(peer), families)
    }

    /// Imports the paths of a peer again from what was received, under the rules that it has now; but not stale ones, which are
    /// no longer told. Called when nothing of it is pending.
    pub fn reimport(&self, peer: PeerIdx) -> Walk {
        Walk::new(Errand::Reimport(peer), FAMILIES.to_vec())
    }

    /// Marks the paths of a peer stale. What it announces afterwards is fresh.
    pub(crate) fn mark_stale(&self, peer: PeerIdx, family: Family) -> Walk {
        Walk::new(Errand::MarkStale(peer), vec![family])
    }

    /// Keeps the stale paths of a peer for long, but for those that do not want it.
    pub(crate) fn keep_for_long(&self, peer: PeerIdx, family: Family) -> Walk {
        Walk::new(Errand::KeepForLong(peer), vec![family])
    }

    /// Removes the paths of a peer that are stale still.
    pub(crate) fn sweep_stale(&self, peer: PeerIdx, family: Family) -> Walk {
        Walk::new(Errand::SweepStale(peer), vec![family])
    }

    /// Asks the resolver about these next hops again, and elects anew where the answer changed. Called with no lock
    /// held.
    pub fn next_hop_changed(&self, next_hops: &[NextHopKey]) -> Walk {
        // The answers are in the table before the sets are gathered: a set interned after that is judged by them.
        let changed = self.next_hops.resolve_again(next_hops);
        let sets = if changed.is_empty() {
            AttrSetIds::default()
        } else {
            self.pin()
                .interner
                .with_next_hops(|id| changed.contains(id.number()))
        };
        let families = if sets.is_empty() {
            Vec::new()
        } else {
            FAMILIES.to_vec()
        };
        Walk::new(Errand::Reelect(sets), families)
    }
}
