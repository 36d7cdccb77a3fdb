//! All destinations of one family in one shard, with their paths and what each reader has to know about them.
//!
//! Ids are dense and in order of arrival, so that walks and drains read memory in order. Everything that readers keep
//! for a destination (dirty bits, what was told) is here, under the same lock, so marking is a plain write. A
//! destination whose last path went stays, empty, until every reader has seen that it is empty.
//!
//! ```text
//! family_table.rs   find, announce, withdraw, elect, mark, free
//! walks.rs          what is done to many destinations in order of their ids
//! readers.rs        what the kernel and the export groups take
//! ```

mod readers;
mod walks;

use crate::adj_out::GroupTable;
use crate::arena::Arena;
use crate::destination::{Best, Destination};
use crate::dirty::Bitmap;
use crate::fib_marks::FibMarks;
use crate::index::Index;
use crate::judge::Judge;
use crate::nexthop::NextHopId;
use crate::path::{MAX_PATHS, MAX_PATHS_OF_PEER, Path, PeerIdx, Tag};
use crate::shard_key::{Keyed, TableKey};
use smallvec::SmallVec;

/// What is to be done once the lock is released.
#[derive(Clone, Copy, Default, Debug)]
pub(crate) struct Rings {
    /// The kernel's reader had nothing to do before.
    pub(crate) fib: bool,
    /// An export group had nothing to do before.
    pub(crate) export: bool,
    /// Paths that let go of their attribute set: as many sets may be garbage, at most.
    pub(crate) let_go: usize,
}

/// What an announcement did.
pub(crate) enum Announced {
    /// The path is new.
    Added,
    /// It took the place of one with this tag.
    Replaced(Tag),
    /// The destination is full.
    Full,
}

/// See the top of this file.
pub(crate) struct FamilyTable<K: TableKey> {
    dests: Vec<Destination<K>>,
    /// Slots without a destination: a bit each, since all of them may be free after a full table went.
    free: Bitmap,
    index: Index,
    arena: Arena<K::Detail>,
    /// Destinations by prefix length, for longest match.
    lengths: Vec<u32>,
    paths: usize,
    /// Dirty destinations of the kernel's reader, if there is one.
    fib: Option<FibMarks>,
    /// By number of the group.
    groups: Vec<Option<GroupTable>>,
    ids: Vec<u32>,
}

impl<K: TableKey> FamilyTable<K> {
    pub(crate) fn new() -> Self {
        Self {
            dests: Vec::new(),
            free: Bitmap::default(),
            index: Index::default(),
            arena: Arena::default(),
            lengths: Vec::new(),
            paths: 0,
            fib: None,
            groups: Vec::new(),
            ids: Vec::new(),
        }
    }

    // ---- looking

    /// Bound of the ids in use.
    pub(crate) fn end(&self) -> u32 {
        self.dests.len() as u32
    }

    /// Destinations, with those that are empty but not yet seen so by all readers.
    pub(crate) fn len(&self) -> usize {
        self.dests.len() - self.free.len()
    }

    pub(crate) fn path_count(&self) -> usize {
        self.paths
    }

    #[inline]
    pub(crate) fn find(&self, hash: u64, key: &K) -> Option<u32> {
        self.index
            .find(hash, |id| self.dests[id as usize].key == *key)
    }

    /// The tag of the path of this peer with this id.
    pub(crate) fn tag_of(
        &self,
        hash: u64,
        key: &K,
        (peer, path_id): (PeerIdx, u32),
    ) -> Option<Tag> {
        let dest = &self.dests[self.find(hash, key)? as usize];
        let is_it = |path: &&Path<K::Detail>| path.same_source(peer, path_id);
        let tag = |path: &Path<K::Detail>| path.tag;
        match dest.len() {
            0 => None,
            1 => dest.single().as_ref().filter(is_it).map(tag),
            n => {
                let mut paths = self.arena.get(dest.block(), n).iter();
                paths.find(is_it).map(tag)
            }
        }
    }

    /// See [`Index::touch`].
    #[inline]
    pub(crate) fn touch(&self, hash: u64) -> u8 {
        self.index.touch(hash)
    }

    pub(crate) fn destination(&self, id: u32) -> &Destination<K> {
        &self.dests[id as usize]
    }

    /// The paths of a destination; the best is the first, if there is a best.
    pub(crate) fn paths(&self, id: u32) -> SmallVec<[Path<K::Detail>; 4]> {
        let dest = &self.dests[id as usize];
        match dest.len() {
            0 => SmallVec::new(),
            1 => dest.single().into_iter().collect(),
            n => self.arena.get(dest.block(), n).into(),
        }
    }

    /// Whether there may be a destination of this length.
    pub(crate) fn has_length(&self, len: u8) -> bool {
        self.lengths.get(usize::from(len)).is_some_and(|&n| n != 0)
    }

    pub(crate) fn group(&self, group: usize) -> Option<&GroupTable> {
        self.groups.get(group).and_then(Option::as_ref)
    }

    // ---- changing

    /// A path arrived. `new` has no local id yet; its next hop comes along, as it is at hand.
    #[inline]
    pub(crate) fn announce(
        &mut self,
        judge: &Judge<'_>,
        hasher: &Keyed,
        (hash, key): (u64, K),
        (new, next_hop): (Path<K::Detail>, NextHopId),
        rings: &mut Rings,
    ) -> Announced {
        let id = match self.find(hash, &key) {
            Some(id) => id,
            None => self.insert(hasher, hash, key),
        };
        let dest = &mut self.dests[id as usize];
        let before = dest.best();
        match dest.len() {
            0 => {
                dest.set_single(Path {
                    tag: new.tag.with_local_id(1),
                    ..new
                });
                dest.set_has_best(judge.is_eligible(&new, next_hop));
                self.paths += 1;
                self.mark_changes(id, before, judge, rings);
                return Announced::Added;
            }
            1 if let Some(old) = dest.single()
                && old.same_source(new.peer, new.path_id) =>
            {
                let tag = new.tag.with_local_id(old.tag.local_id());
                let retell = old.detail != new.detail;
                let same = old.attrs == new.attrs && old.tag.fresh() == tag && !retell;
                dest.set_single(Path { tag, ..new });
                if !same {
                    rings.let_go += 1;
                    dest.set_has_best(judge.is_eligible(&new, next_hop));
                    self.mark_changes(id, before, judge, rings);
                    if retell {
                        self.retell(id, rings);
                    }
                }
                return Announced::Replaced(old.tag);
            }
            _ => {}
        }
        self.announce_among(judge, id, new, rings)
    }

    /// A path arrived at a destination that has others.
    fn announce_among(
        &mut self,
        judge: &Judge<'_>,
        id: u32,
        new: Path<K::Detail>,
        rings: &mut Rings,
    ) -> Announced {
        let dest = self.dests[id as usize];
        let before = dest.best();
        let n = dest.len();
        if let Some(first) = dest.single() {
            let second = Path {
                tag: new.tag.with_local_id(free_local_id(&[first])),
                ..new
            };
            let block = self.arena.pair(first, second);
            self.dests[id as usize].set_block(block, 2, first);
            self.paths += 1;
            self.elect(judge, id, Delta::Added(1));
            self.mark_changes(id, before, judge, rings);
            return Announced::Added;
        }
        let paths = self.arena.get_mut(dest.block(), n);
        if let Some(place) = paths
            .iter()
            .position(|path| path.same_source(new.peer, new.path_id))
        {
            let old = paths[place];
            let tag = new.tag.with_local_id(old.tag.local_id());
            paths[place] = Path { tag, ..new };
            let retell = old.detail != new.detail;
            if old.attrs == new.attrs && old.tag.fresh() == tag && !retell {
                if place == 0 {
                    self.dests[id as usize].set_block(dest.block(), n, Path { tag, ..new });
                }
            } else {
                rings.let_go += 1;
                self.elect(judge, id, Delta::Replaced(place));
                self.mark_changes(id, before, judge, rings);
                if retell {
                    self.retell(id, rings);
                }
            }
            return Announced::Replaced(old.tag);
        }
        if n >= MAX_PATHS
            || n >= MAX_PATHS_OF_PEER
                && paths.iter().filter(|path| path.peer == new.peer).count() >= MAX_PATHS_OF_PEER
        {
            return Announced::Full;
        }
        let tag = new.tag.with_local_id(free_local_id(paths));
        let first = paths[0];
        let block = self.arena.push(dest.block(), n, Path { tag, ..new });
        self.dests[id as usize].set_block(block, n + 1, first);
        self.paths += 1;
        self.elect(judge, id, Delta::Added(n));
        self.mark_changes(id, before, judge, rings);
        Announced::Added
    }

    /// A path went. `found` is what [`find`](Self::find) said a while ago. Returns what its tag was.
    #[inline]
    pub(crate) fn withdraw(
        &mut self,
        judge: &Judge<'_>,
        hasher: &Keyed,
        ((hash, key), found): ((u64, K), Option<u32>),
        (peer, path_id): (PeerIdx, u32),
        rings: &mut Rings,
    ) -> Option<Tag> {
        let is_still = |&id: &u32| {
            let dest = self.dests.get(id as usize);
            dest.is_some_and(|dest| dest.is_in_use() && dest.key == key)
        };
        let id = found.filter(is_still).or_else(|| self.find(hash, &key))?;
        let dest = &self.dests[id as usize];
        let place = match dest.len() {
            0 => return None,
            1 => dest
                .single()
                .filter(|path| path.same_source(peer, path_id))
                .map(|_| 0)?,
            n => {
                let paths = self.arena.get(dest.block(), n);
                paths
                    .iter()
                    .position(|path| path.same_source(peer, path_id))?
            }
        };
        let before = dest.best();
        rings.let_go += 1;
        let tag = self.remove_path(judge, id, place);
        self.mark_changes(id, before, judge, rings);
        self.release_if_unneeded(hasher, id);
        Some(tag)
    }

    /// Takes a path out of a destination and elects anew.
    fn remove_path(&mut self, judge: &Judge<'_>, id: u32, place: usize) -> Tag {
        self.paths -= 1;
        let dest = &mut self.dests[id as usize];
        let n = dest.len();
        if n == 1 {
            let tag = dest
                .single()
                .map_or_else(|| Tag::new(None), |path| path.tag);
            dest.set_empty();
            return tag;
        }
        let block = dest.block();
        let removed = self.arena.get(block, n)[place].tag;
        if n == 2 {
            let left = self.arena.get(block, 2)[1 - place];
            self.arena.free(block, 2);
            dest.set_single(left);
            dest.set_has_best(judge.ineligible(&left).is_none());
            return removed;
        }
        let block = self.arena.swap_remove(block, n, place);
        let first = self.arena.get(block, n - 1)[0];
        dest.set_block(block, n - 1, first);
        self.elect(
            judge,
            id,
            Delta::Removed {
                was_best: place == 0,
            },
        );
        removed
    }

    /// Puts the best path first after a change. At least two paths.
    fn elect(&mut self, judge: &Judge<'_>, id: u32, delta: Delta) {
        let dest = &mut self.dests[id as usize];
        let (block, n) = (dest.block(), dest.len());
        let paths = self.arena.get_mut(block, n);
        let winner = match delta {
            // The best beats every other path that its MED lets it be compared with, and a new path only adds to
            // those that may be ruled out. So a new path that loses against the best changes nothing; one that wins
            // is the best if MEDs play no part.
            Delta::Added(place) if !dest.has_best() => {
                judge.ineligible(&paths[place]).is_none().then_some(place)
            }
            Delta::Added(_) if judge.moves => judge.select(paths),
            Delta::Added(place) => {
                if judge.ineligible(&paths[place]).is_some()
                    || !judge.beats(&paths[place], &paths[0])
                {
                    Some(0)
                } else if judge.med_matters {
                    judge.select(paths)
                } else {
                    Some(place)
                }
            }
            // Pair by pair the order is total, and a path that was not the best did not make another the best.
            Delta::Replaced(place) if place != 0 && dest.has_best() && judge.is_pairwise() => {
                let wins = judge.ineligible(&paths[place]).is_none()
                    && judge.beats(&paths[place], &paths[0]);
                Some(if wins { place } else { 0 })
            }
            Delta::Removed { was_best: false } if dest.has_best() && judge.is_pairwise() => Some(0),
            Delta::Replaced(_) | Delta::Removed { .. } | Delta::Unknown => judge.select(paths),
        };
        if let Some(winner) = winner {
            paths.swap(0, winner);
        }
        dest.set_block(block, n, paths[0]);
        dest.set_has_best(winner.is_some());
    }

    /// Elects anew after something outside changed.
    pub(crate) fn reelect(&mut self, judge: &Judge<'_>, id: u32, rings: &mut Rings) {
        let dest = &mut self.dests[id as usize];
        let before = dest.best();
        match dest.len() {
            0 => return,
            1 => {
                let eligible = dest
                    .single()
                    .is_some_and(|path| judge.ineligible(&path).is_none());
                dest.set_has_best(eligible);
            }
            _ => self.elect(judge, id, Delta::Unknown),
        }
        self.mark_changes(id, before, judge, rings);
    }

    fn insert(&mut self, hasher: &Keyed, hash: u64, key: K) -> u32 {
        if self.index.is_full() {
            let live = self
                .dests
                .iter()
                .enumerate()
                .filter(|(_, dest)| dest.is_in_use());
            self.index
                .grow(live.map(|(id, dest)| (dest.key.keyed_hash(hasher), id as u32)));
        }
        let id = match self.free.pop() {
            Some(id) => {
                self.dests[id as usize] = Destination::new(key);
                id
            }
            None => {
                self.dests.push(Destination::new(key));
                (self.dests.len() - 1) as u32
            }
        };
        self.index.insert(hash, id);
        if let Some(len) = key.match_len() {
            if self.lengths.is_empty() {
                self.lengths = vec![0; 129];
            }
            self.lengths[usize::from(len)] += 1;
        }
        id
    }

    /// Marks a destination after a change of its paths, for the readers that the change concerns.
    #[inline]
    fn mark_changes(
        &mut self,
        id: u32,
        before: Option<Best<K::Detail>>,
        judge: &Judge<'_>,
        rings: &mut Rings,
    ) {
        let best = self.dests[id as usize].best();
        let best_changed = before != best;
        if let Some(fib) = &mut self.fib
            && (best_changed || judge.max_paths > 1)
        {
            rings.fib |= fib.mark(id, self.dests[id as usize].key);
        }
        for group in self.groups.iter_mut().flatten() {
            if best_changed || group.several().is_some() {
                rings.export |= group.dirty.is_empty();
                group.dirty.set(id);
            }
        }
        let told_apart = |best: Option<Best<K::Detail>>| best.map(|best| (best.attrs, best.peer));
        let has_detail = size_of::<K::Detail>() > 0;
        if has_detail && best_changed && told_apart(before) == told_apart(best) {
            self.retell(id, rings);
        }
    }

    /// Has a destination told again: a detail of one of its paths changed, or the best path did and only by its detail, which
    /// those who keep what was told do not keep.
    #[cold]
    fn retell(&mut self, id: u32, rings: &mut Rings) {
        for group in self.groups.iter_mut().flatten() {
            rings.export |= group.dirty.is_empty();
            group.dirty.set(id);
            group.resend.set(id);
        }
    }

    fn is_needed(&self, id: u32) -> bool {
        self.fib.as_ref().is_some_and(|fib| fib.contains(id))
            || self
                .groups
                .iter()
                .flatten()
                .any(|group| group.dirty.contains(id) || group.was_told(id))
    }

    /// Frees an empty destination unless a reader still has to see that it is empty.
    fn release_if_unneeded(&mut self, hasher: &Keyed, id: u32) {
        let dest = &self.dests[id as usize];
        if dest.len() > 0 || !dest.is_in_use() || self.is_needed(id) {
            return;
        }
        let hash = dest.key.keyed_hash(hasher);
        self.release(hash, id);
        self.reset_if_empty();
    }

    fn release(&mut self, hash: u64, id: u32) {
        let dest = &mut self.dests[id as usize];
        if let Some(len) = dest.key.match_len() {
            self.lengths[usize::from(len)] -= 1;
        }
        dest.retire();
        let removed = self.index.remove(hash, id);
        debug_assert!(removed, "every destination in use is in the index");
        self.free.set(id);
    }

    /// Frees those of `ids` that are empty and not needed. In batches, so that the misses of the index overlap.
    fn release_all(&mut self, hasher: &Keyed, ids: &[u32]) {
        let mut gone: SmallVec<[(u64, u32); 64]> = SmallVec::new();
        for batch in ids.chunks(64) {
            gone.clear();
            let mut touched = 0;
            for &id in batch {
                let dest = &self.dests[id as usize];
                if dest.len() == 0 && dest.is_in_use() && !self.is_needed(id) {
                    let hash = dest.key.keyed_hash(hasher);
                    touched ^= self.index.touch(hash);
                    gone.push((hash, id));
                }
            }
            std::hint::black_box(touched);
            for &(hash, id) in &gone {
                self.release(hash, id);
            }
        }
        self.reset_if_empty();
    }

    /// Gives all memory back once the table is empty.
    fn reset_if_empty(&mut self) {
        if self.free.len() != self.dests.len() {
            return;
        }
        self.dests = Vec::new();
        self.free = Bitmap::default();
        self.index = Index::default();
        self.arena.reset();
        self.groups.iter_mut().flatten().for_each(GroupTable::reset);
        if let Some(fib) = &mut self.fib {
            fib.clear();
        }
    }
}

/// What changed in a destination with several paths, with the place of the path concerned.
enum Delta {
    Added(usize),
    Replaced(usize),
    Removed { was_best: bool },
    Unknown,
}

/// The smallest local path id that none of these has.
fn free_local_id<D>(paths: &[Path<D>]) -> u16 {
    // Among n paths one of the first n + 1 ids is free.
    let mut taken: SmallVec<[u64; 2]> = SmallVec::from_elem(0, paths.len() / 64 + 2);
    taken[0] = 1;
    for path in paths {
        let id = usize::from(path.tag.local_id());
        if let Some(word) = taken.get_mut(id / 64) {
            *word |= 1 << (id % 64);
        }
    }
    let word = taken.iter().position(|&word| word != u64::MAX).unwrap_or(0);
    (word * 64) as u16 + taken[word].trailing_ones() as u16
}
