//! From the hash of a prefix to its destination id: lines of 64 bytes, twelve entries each.
//!
//! A lookup touches one cache line of the index, nearly always, and then the destination. An entry is a byte of the
//! hash and the id; keys stay in the destinations. A full line spills into the next, and counts what was spilled, so
//! that removal leaves no tombstone behind and a miss ends at the first line that never spilled. Growth doubles the
//! lines and fills them again from the destinations in order of their ids, with the old lines given back first: at
//! no time are both in memory.

const WAYS: usize = 12;

#[derive(Clone)]
#[repr(align(64))]
struct Line {
    /// 0: free.
    tags: [u8; WAYS],
    used: u16,
    /// Entries that would be here or earlier, had there been room. Sticky at the top.
    spilled: u16,
    ids: [u32; WAYS],
}

const EMPTY: Line = Line {
    tags: [0; WAYS],
    used: 0,
    spilled: 0,
    ids: [0; WAYS],
};

impl Line {
    /// The places whose tag may be `tag` (a false one is possible and is found out by the key), as a bit mask.
    #[inline]
    fn matches(&self, tag: u8) -> u32 {
        let mut mask = 0;
        for (place, &have) in self.tags.iter().enumerate() {
            mask |= u32::from(have == tag) << place;
        }
        mask
    }

    fn free_place(&self) -> Option<usize> {
        if usize::from(self.used) == WAYS {
            None
        } else {
            self.tags.iter().position(|&tag| tag == 0)
        }
    }
}

/// The index of one family table.
#[derive(Default)]
pub(crate) struct Index {
    lines: Vec<Line>,
    len: usize,
}

/// The shard takes the highest bits of a hash and the line the lowest; the tag is in between.
#[inline]
fn tag_of(hash: u64) -> u8 {
    ((hash >> 40) as u8).max(1)
}

impl Index {
    #[inline]
    fn home(&self, hash: u64) -> usize {
        hash as usize & (self.lines.len() - 1)
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Brings the line of a hash into the cache. Several of these in a row overlap, where lookups would wait in turn.
    #[inline]
    pub(crate) fn touch(&self, hash: u64) -> u8 {
        if self.lines.is_empty() {
            0
        } else {
            self.lines[self.home(hash)].tags[0]
        }
    }

    /// The id with this hash for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        if self.lines.is_empty() {
            return None;
        }
        let tag = tag_of(hash);
        let mut at = self.home(hash);
        loop {
            let line = &self.lines[at];
            let mut places = line.matches(tag);
            while places != 0 {
                let id = line.ids[places.trailing_zeros() as usize];
                if is(id) {
                    return Some(id);
                }
                places &= places - 1;
            }
            if line.spilled == 0 {
                return None;
            }
            at = (at + 1) & (self.lines.len() - 1);
        }
    }

    /// Whether the next `insert` needs room made first. Lines are four fifths full at most.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.len * 5 >= self.lines.len() * WAYS * 4
    }

    /// Doubles the lines (or makes the first) and enters `entries`, which must be all there were.
    pub(crate) fn grow(&mut self, entries: impl Iterator<Item = (u64, u32)>) {
        let lines = (self.lines.len() * 2).max(1);
        self.rebuild(lines, entries);
    }

    fn rebuild(&mut self, lines: usize, entries: impl Iterator<Item = (u64, u32)>) {
        self.lines = Vec::new();
        self.lines = vec![EMPTY; lines];
        self.len = 0;
        // Lookahead: the line of an entry is asked for some entries before it is written.
        let mut window = [(0u64, 0u32); 16];
        let mut filled = 0;
        let mut touched = 0u8;
        for entry in entries {
            touched ^= self.touch(entry.0);
            window[filled] = entry;
            filled += 1;
            if filled == window.len() {
                std::hint::black_box(touched);
                for (hash, id) in window {
                    self.insert(hash, id);
                }
                filled = 0;
            }
        }
        for &(hash, id) in &window[..filled] {
            self.insert(hash, id);
        }
    }

    /// Enters an id that is not there yet. There must be room.
    pub(crate) fn insert(&mut self, hash: u64, id: u32) {
        let mask = self.lines.len() - 1;
        let mut at = self.home(hash);
        loop {
            let line = &mut self.lines[at];
            if let Some(place) = line.free_place() {
                line.tags[place] = tag_of(hash);
                line.ids[place] = id;
                line.used += 1;
                self.len += 1;
                return;
            }
            line.spilled = line.spilled.saturating_add(1);
            at = (at + 1) & mask;
        }
    }

    /// Takes an id out. True if it was there.
    pub(crate) fn remove(&mut self, hash: u64, id: u32) -> bool {
        if self.lines.is_empty() {
            return false;
        }
        let mask = self.lines.len() - 1;
        let home = self.home(hash);
        let tag = tag_of(hash);
        let mut at = home;
        loop {
            let line = &mut self.lines[at];
            let place = (0..WAYS).find(|&place| line.tags[place] == tag && line.ids[place] == id);
            if let Some(place) = place {
                line.tags[place] = 0;
                line.used -= 1;
                break;
            }
            if line.spilled == 0 {
                return false;
            }
            at = (at + 1) & mask;
        }
        let mut passed = home;
        while passed != at {
            let spilled = &mut self.lines[passed].spilled;
            if *spilled != u16::MAX {
                *spilled -= 1;
            }
            passed = (passed + 1) & mask;
        }
        self.len -= 1;
        true
    }

    /// Gives memory back after most entries went. `entries` are those that stay.
    pub(crate) fn shrink(&mut self, entries: impl Iterator<Item = (u64, u32)>) {
        if self.len == 0 {
            self.lines = Vec::new();
        } else if self.lines.len() > 16 && self.len * 8 < self.lines.len() * WAYS {
            let lines = (self.len * 2 / WAYS).next_power_of_two();
            self.rebuild(lines, entries);
        }
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.lines.capacity() * size_of::<Line>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_line_is_a_cache_line() {
        assert_eq!((size_of::<Line>(), align_of::<Line>()), (64, 64));
    }

    /// Hashes with few bits, so that lines overflow far.
    fn poor_hash(id: u32) -> u64 {
        u64::from(id % 5) | (u64::from(id % 3) << 40)
    }

    proptest! {
        #[test]
        fn an_index_is_a_map_whatever_the_hash(steps in proptest::collection::vec((any::<bool>(), 0u32..300), 0..600)) {
            let mut index = Index::default();
            let mut model = BTreeMap::new();
            for (insert, id) in steps {
                let hash = poor_hash(id);
                if insert && !model.contains_key(&id) {
                    if index.is_full() {
                        index.grow(model.iter().map(|(&id, &hash)| (hash, id)));
                    }
                    index.insert(hash, id);
                    model.insert(id, hash);
                } else {
                    prop_assert_eq!(index.remove(hash, id), model.remove(&id).is_some());
                }
                prop_assert_eq!(index.len(), model.len());
                let found = index.find(hash, |found| found == id);
                prop_assert_eq!(found, model.contains_key(&id).then_some(id));
            }
            for id in 0..300 {
                prop_assert_eq!(index.find(poor_hash(id), |found| found == id).is_some(), model.contains_key(&id));
            }
        }
    }

    #[test]
    fn removal_of_everything_leaves_no_spill_behind() {
        let mut index = Index::default();
        for id in 0..200 {
            if index.is_full() {
                index.grow((0..id).map(|id| (poor_hash(id), id)));
            }
            index.insert(poor_hash(id), id);
        }
        for id in 0..200 {
            assert!(index.remove(poor_hash(id), id));
        }
        assert!(
            index
                .lines
                .iter()
                .all(|line| line.spilled == 0 && line.used == 0)
        );
        index.shrink(std::iter::empty());
        assert_eq!(index.bytes(), 0);
    }
}
