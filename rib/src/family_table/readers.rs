//! What readers take from a family table: the kernel dirty destinations, an export group what changed since it was told.

use super::FamilyTable;
use crate::adj_out::{GroupTable, Record, ToldPath};
use crate::destination::Destination;
use crate::dirty::Bitmap;
use crate::fib_marks::{FibInterest, FibMarks};
use crate::judge::Judge;
use crate::shard_key::{Keyed, TableKey};
use smallvec::SmallVec;
use std::sync::Arc;

impl<K: TableKey> FamilyTable<K> {
    /// Begins to keep dirty marks for the kernel, with everything that is there.
    pub(crate) fn open_fib(&mut self, only: Option<Arc<dyn FibInterest>>) {
        let mut marks = FibMarks::new(Bitmap::default(), only);
        for (id, dest) in self.dests.iter().enumerate() {
            if dest.len() > 0 {
                marks.mark(id as u32, dest.key);
            }
        }
        self.fib = Some(marks);
    }

    pub(crate) fn close_fib(&mut self) {
        self.fib = None;
    }

    /// Hands up to `max` dirty destinations to `seen`, by id. Returns how many are left.
    pub(crate) fn drain_fib(
        &mut self,
        hasher: &Keyed,
        max: usize,
        mut seen: impl FnMut(&Self, u32),
    ) -> (usize, usize) {
        let mut ids = std::mem::take(&mut self.ids);
        ids.clear();
        let mut left = 0;
        if let Some(fib) = &mut self.fib {
            left = fib.take(max, &mut ids);
        }
        for &id in &ids {
            seen(self, id);
        }
        let taken = ids.len();
        self.release_all(hasher, &ids);
        self.ids = ids;
        self.ids.clear();
        (taken, left)
    }

    fn all_with_paths(&self) -> Bitmap {
        let mut all = Bitmap::default();
        for (id, dest) in self.dests.iter().enumerate() {
            if dest.len() > 0 {
                all.set(id as u32);
            }
        }
        all
    }

    /// Begins to keep what a new group is told, with everything to be told.
    pub(crate) fn open_group(&mut self, group: usize, paths: u8) {
        let mut table = GroupTable::new(paths);
        table.dirty = self.all_with_paths();
        self.put_group(group, table);
    }

    fn put_group(&mut self, group: usize, table: GroupTable) {
        if self.groups.len() <= group {
            self.groups.resize_with(group + 1, || None);
        }
        self.groups[group] = Some(table);
    }

    /// Makes `to` a copy of `from`: what was told and what is dirty.
    pub(crate) fn copy_group(&mut self, from: usize, to: usize) {
        if let Some(table) = self.group(from).cloned() {
            self.put_group(to, table);
        }
    }

    /// What a group was told, by destination.
    pub(crate) fn told_to(&self, group: usize) -> Vec<(u32, K, ToldPath)> {
        let Some(table) = self.group(group) else {
            return Vec::new();
        };
        let told = |id: u32| {
            let key = self.dests[id as usize].key;
            table.told(id).into_iter().map(move |told| (id, key, told))
        };
        (0..self.end()).flat_map(told).collect()
    }

    /// Has some destinations told to a group again.
    pub(crate) fn retell_group(&mut self, group: usize, ids: &[u32]) {
        if let Some(table) = self.groups.get_mut(group).and_then(Option::as_mut) {
            for &id in ids {
                table.dirty.set(id);
                table.resend.set(id);
            }
        }
    }

    /// Has some paths told to a group as if for the first time, as they were processed but not told.
    pub(crate) fn forget_told(&mut self, group: usize, paths: &[(u32, u16)]) {
        if let Some(table) = self.groups.get_mut(group).and_then(Option::as_mut) {
            for &(id, local_id) in paths {
                table.dirty.set(id);
                table.forget_told(id, local_id);
            }
        }
    }

    /// Has everything told to a group again.
    pub(crate) fn resend_group(&mut self, group: usize) {
        let mut all = self.all_with_paths();
        if let Some(table) = self.groups.get_mut(group).and_then(Option::as_mut) {
            // What is dirty already may have been told and be empty by now: it stays dirty, and is withdrawn.
            for id in table.dirty.iter() {
                all.set(id);
            }
            table.dirty = all.clone();
            table.resend = all;
        }
    }

    /// Forgets a group, and the destinations that were kept for it alone.
    pub(crate) fn close_group(&mut self, hasher: &Keyed, group: usize) {
        let Some(table) = self.groups.get_mut(group).and_then(Option::take) else {
            return;
        };
        while self.groups.last().is_some_and(Option::is_none) {
            self.groups.pop();
        }
        // What is empty and was told is dirty, so nothing else was kept for this group alone.
        let dirty: Vec<u32> = table.dirty.iter().collect();
        self.release_all(hasher, &dirty);
    }

    /// Takes up to `max` dirty destinations of a group, notes their newest state as told, and pushes what changed.
    /// Returns how many were taken and how many are left.
    pub(crate) fn drain_group(
        &mut self,
        judge: &Judge<'_>,
        hasher: &Keyed,
        group: usize,
        max: usize,
        out: &mut Vec<Record<K>>,
    ) -> (usize, usize) {
        let Some(mut table) = self.groups.get_mut(group).and_then(Option::take) else {
            return (0, 0);
        };
        let mut ids = std::mem::take(&mut self.ids);
        ids.clear();
        table.dirty.take(max, &mut ids);
        let mut any_empty = false;
        match table.several() {
            None => {
                for &id in &ids {
                    let dest = &self.dests[id as usize];
                    any_empty |= dest.len() == 0;
                    table.tell_best(id, dest.key, dest.best(), out);
                }
            }
            Some(n) => {
                for &id in &ids {
                    let dest = &self.dests[id as usize];
                    any_empty |= dest.len() == 0;
                    let top = if dest.has_best() {
                        judge.top(&self.paths(id), n)
                    } else {
                        SmallVec::new()
                    };
                    table.tell_several(id, dest.key, &top, out);
                }
            }
        }
        let left = table.dirty.len();
        self.groups[group] = Some(table);
        if any_empty {
            self.release_all(hasher, &ids);
        }
        let taken = ids.len();
        ids.clear();
        self.ids = ids;
        (taken, left)
    }

    /// Bytes on the heap: destinations and paths, the index, and what readers keep.
    pub(crate) fn bytes(&self) -> usize {
        let readers: usize = self.groups.iter().flatten().map(GroupTable::bytes).sum();
        self.dests.capacity() * size_of::<Destination<K>>()
            + self.free.bytes()
            + self.arena.bytes()
            + self.index.bytes()
            + readers
            + self.fib.as_ref().map_or(0, FibMarks::bytes)
    }

    /// Gives memory back after most destinations went.
    pub(crate) fn tidy(&mut self, hasher: &Keyed) {
        let dests = &self.dests;
        let live = dests
            .iter()
            .enumerate()
            .filter(|(_, dest)| dest.is_in_use());
        self.index
            .shrink(live.map(|(id, dest)| (dest.key.keyed_hash(hasher), id as u32)));
        self.ids = Vec::new();
    }
}
