//! What is done to many destinations, in order of their ids: a peer goes, a refresh ends, a next hop changes, a sweep.

use super::{Delta, FamilyTable, Rings};
use crate::attrs::{AttrId, AttrSetIds};
use crate::judge::Judge;
use crate::path::{Path, PeerIdx, Tag};
use crate::shard_key::{Keyed, TableKey};
use smallvec::SmallVec;
use std::ops::Range;

impl<K: TableKey> FamilyTable<K> {
    /// Removes the paths for which `goes` holds from the destinations in `range`.
    pub(crate) fn remove_paths(
        &mut self,
        judge: &Judge<'_>,
        hasher: &Keyed,
        range: Range<u32>,
        goes: impl Fn(&Path<K::Detail>) -> bool,
        rings: &mut Rings,
        mut removed: impl FnMut(PeerIdx, Tag),
    ) {
        let mut empty = std::mem::take(&mut self.ids);
        empty.clear();
        for id in range {
            let Some(dest) = self.dests.get(id as usize) else {
                break;
            };
            let before = dest.best();
            match dest.len() {
                0 => continue,
                1 => {
                    let Some(path) = dest.single().filter(&goes) else {
                        continue;
                    };
                    self.dests[id as usize].set_empty();
                    self.paths -= 1;
                    rings.let_go += 1;
                    removed(path.peer, path.tag);
                }
                n => {
                    let paths = self.arena.get(dest.block(), n);
                    if !paths.iter().any(&goes) {
                        continue;
                    }
                    let best_stays = dest.has_best() && !goes(&paths[0]);
                    let mut left: SmallVec<[Path<K::Detail>; 8]> = SmallVec::new();
                    for path in paths {
                        if goes(path) {
                            removed(path.peer, path.tag)
                        } else {
                            left.push(*path)
                        }
                    }
                    rings.let_go += n - left.len();
                    self.keep_paths(judge, id, &left, best_stays);
                }
            }
            self.mark_changes(id, before, judge, rings);
            if self.dests[id as usize].len() == 0 && !self.is_needed(id) {
                empty.push(id);
            }
        }
        self.release_all(hasher, &empty);
        empty.clear();
        self.ids = empty;
    }

    /// Leaves a destination of several paths these, fewer than there were, in the order in which they were.
    fn keep_paths(
        &mut self,
        judge: &Judge<'_>,
        id: u32,
        left: &[Path<K::Detail>],
        best_stays: bool,
    ) {
        let dest = &mut self.dests[id as usize];
        let n = dest.len();
        self.paths -= n - left.len();
        self.arena.free(dest.block(), n);
        match *left {
            [] => dest.set_empty(),
            [path] => {
                dest.set_single(path);
                dest.set_has_best(judge.ineligible(&path).is_none());
            }
            [first, ..] => {
                let block = self.arena.block_of(left);
                dest.set_block(block, left.len(), first);
                self.elect(
                    judge,
                    id,
                    Delta::Removed {
                        was_best: !best_stays,
                    },
                );
            }
        }
    }

    /// Marks the paths of a peer stale (RFC 7313 §4, RFC 4724 §4.2). Returns how many were not.
    pub(crate) fn mark_stale(&mut self, range: Range<u32>, peer: PeerIdx) -> i64 {
        let mut marked = 0;
        for id in range {
            let Some(dest) = self.dests.get_mut(id as usize) else {
                break;
            };
            match dest.len() {
                0 => {}
                1 => {
                    if let Some(path) = dest.single().filter(|path| path.peer == peer) {
                        marked += i64::from(!path.tag.is_stale());
                        dest.set_single(Path {
                            tag: path.tag.stale(),
                            ..path
                        });
                    }
                }
                n => {
                    let paths = self.arena.get_mut(dest.block(), n);
                    for path in paths.iter_mut().filter(|path| path.peer == peer) {
                        marked += i64::from(!path.tag.is_stale());
                        path.tag = path.tag.stale();
                    }
                    dest.set_block(dest.block(), n, paths[0]);
                }
            }
        }
        marked
    }

    /// The sets of the paths of a peer that are stale, or of those that are not.
    pub(crate) fn sets_of(&self, range: Range<u32>, peer: PeerIdx, stale: bool) -> AttrSetIds {
        let mut sets = AttrSetIds::default();
        for id in range.start..range.end.min(self.end()) {
            for path in self.paths(id) {
                if path.peer == peer && path.tag.is_stale() == stale {
                    sets.insert(path.attrs);
                }
            }
        }
        sets
    }

    /// Gives paths the set and the tag that `other` says, and elects anew where it says them. Returns how many
    /// more import lets through than before.
    pub(crate) fn change_sets(
        &mut self,
        judge: &Judge<'_>,
        range: Range<u32>,
        other: impl Fn(u32, &Path<K::Detail>) -> Option<(AttrId, Tag)>,
        rings: &mut Rings,
    ) -> i64 {
        let mut accepted = 0;
        let mut count = |old: Tag, new: Tag| {
            accepted += i64::from(old.is_refused()) - i64::from(new.is_refused());
        };
        for id in range.start..range.end.min(self.end()) {
            let dest = &mut self.dests[id as usize];
            let before = dest.best();
            match dest.len() {
                0 => continue,
                1 => {
                    let Some(path) = dest.single() else { continue };
                    let Some((attrs, tag)) = other(id, &path) else {
                        continue;
                    };
                    count(path.tag, tag);
                    let path = Path { attrs, tag, ..path };
                    dest.set_single(path);
                    dest.set_has_best(judge.ineligible(&path).is_none());
                    rings.let_go += 1;
                }
                n => {
                    let paths = self.arena.get_mut(dest.block(), n);
                    let mut changed = 0;
                    for path in paths.iter_mut() {
                        if let Some((attrs, tag)) = other(id, path) {
                            count(path.tag, tag);
                            (path.attrs, path.tag) = (attrs, tag);
                            changed += 1;
                        }
                    }
                    if changed == 0 {
                        continue;
                    }
                    rings.let_go += changed;
                    self.elect(judge, id, Delta::Unknown);
                }
            }
            self.mark_changes(id, before, judge, rings);
        }
        accepted
    }

    /// Elects anew in the destinations in `range` that have a path with one of these sets.
    pub(crate) fn reelect_with(
        &mut self,
        judge: &Judge<'_>,
        range: Range<u32>,
        sets: &AttrSetIds,
        rings: &mut Rings,
    ) {
        for id in range.start..range.end.min(self.end()) {
            let dest = &self.dests[id as usize];
            let concerned = match dest.len() {
                0 => false,
                1 => dest.single().is_some_and(|path| sets.contains(path.attrs)),
                n => self
                    .arena
                    .get(dest.block(), n)
                    .iter()
                    .any(|path| sets.contains(path.attrs)),
            };
            if concerned {
                // The same path may lie behind another interface or metric now.
                self.reelect_and_mark(judge, id, rings);
            }
        }
    }

    /// Elects anew in the destinations in `range` that have several paths.
    pub(crate) fn reelect_all(&mut self, judge: &Judge<'_>, range: Range<u32>, rings: &mut Rings) {
        for id in range.start..range.end.min(self.end()) {
            if self.dests[id as usize].len() > 1 {
                // Of the same best path, more or fewer others may share the traffic now.
                self.reelect_and_mark(judge, id, rings);
            }
        }
    }

    /// Elects anew, and has the kernel's reader look even if the best path stays the best.
    fn reelect_and_mark(&mut self, judge: &Judge<'_>, id: u32, rings: &mut Rings) {
        self.reelect(judge, id, rings);
        if let Some(fib) = &mut self.fib {
            rings.fib |= fib.mark(id, self.dests[id as usize].key);
        }
    }

    /// Marks every set that is held here. Returns how many slots it looked at.
    pub(crate) fn mark_sets(&self, live: &mut AttrSetIds) -> usize {
        for dest in &self.dests {
            match dest.len() {
                0 => {}
                1 => dest
                    .single()
                    .iter()
                    .for_each(|path| live.insert(path.attrs)),
                n => self
                    .arena
                    .get(dest.block(), n)
                    .iter()
                    .for_each(|path| live.insert(path.attrs)),
            }
        }
        for group in self.groups.iter().flatten() {
            group.mark(live);
        }
        self.dests.len()
    }
}
