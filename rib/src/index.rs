//! From the hash of a prefix to its destination id: lines of 64 bytes, twelve entries each.
//!
//! A lookup touches one cache line of the index, nearly always, and then the destination. An entry is a byte of the
//! hash and the id; keys stay in the destinations. A full line spills into the next, and counts what was spilled, so
//! that removal leaves no tombstone behind and a miss ends at the first line that never spilled. Growth goes in steps of
//! a third and a half, so that little room is ever empty, and fills the lines again from the destinations in order of
//! their ids, with the old lines given back first: at no time are both in memory.

const WAYS: usize = 12;
/// Words of a line.
const WORDS: usize = 8;

/// A line, as words: twelve tags of eight bits (0: free); how many are used and how many were spilled, sixteen bits
/// each; twelve ids of 32 bits.
type Line = [u64; WORDS];

/// A one in every byte.
const ONES: u64 = 0x0101_0101_0101_0101;
/// The bytes of the second word that are tags.
const TAGS: u64 = 0xffff_ffff;
const USED: u32 = 32;
const SPILLED: u32 = 48;

/// A mark at the top of every byte that is zero. One above it may have a mark too, so a mark is a hint.
#[inline]
fn zeros(word: u64) -> u64 {
    word.wrapping_sub(ONES) & !word & (ONES << 7)
}

/// The places whose tag may be `tag`: the lowest bit of each set byte in the two words.
#[inline]
fn matches(line: &Line, tag: u8) -> [u64; 2] {
    let pattern = u64::from(tag) * ONES;
    [zeros(line[0] ^ pattern), zeros(line[1] ^ pattern) & TAGS]
}

/// Takes the first place out of the result of `matches`.
#[inline]
fn next_place(found: &mut [u64; 2]) -> Option<usize> {
    let word = usize::from(found[0] == 0);
    if found[word] == 0 {
        return None;
    }
    let place = found[word].trailing_zeros() as usize / 8 + word * 8;
    found[word] &= found[word] - 1;
    Some(place)
}

/// The place of the entry with this tag for whose id `is` holds.
#[inline]
fn place_of(line: &Line, wanted: u8, is: impl Fn(u32) -> bool) -> Option<usize> {
    let mut found = matches(line, wanted);
    // A place that was freed keeps its id, so the tag has to be looked at before the id is believed.
    std::iter::from_fn(|| next_place(&mut found))
        .find(|&place| tag(line, place) == wanted && is(id(line, place)))
}

#[inline]
fn tag(line: &Line, place: usize) -> u8 {
    (line[place / 8] >> (place % 8 * 8)) as u8
}

#[inline]
fn set_tag(line: &mut Line, place: usize, tag: u8) {
    let shift = place % 8 * 8;
    let word = &mut line[place / 8];
    *word = *word & !(0xff << shift) | u64::from(tag) << shift;
}

#[inline]
fn id(line: &Line, place: usize) -> u32 {
    (line[2 + place / 2] >> (place % 2 * 32)) as u32
}

#[inline]
fn set_id(line: &mut Line, place: usize, id: u32) {
    let shift = place % 2 * 32;
    let word = &mut line[2 + place / 2];
    *word = *word & !(0xffff_ffff << shift) | u64::from(id) << shift;
}

#[inline]
fn used(line: &Line) -> usize {
    (line[1] >> USED) as usize & 0xffff
}

#[inline]
fn spilled(line: &Line) -> u16 {
    (line[1] >> SPILLED) as u16
}

fn set_spilled(line: &mut Line, spilled: u16) {
    line[1] = line[1] & !(0xffff << SPILLED) | u64::from(spilled) << SPILLED;
}

fn free_place(line: &Line) -> Option<usize> {
    // The lowest mark is always a true one.
    if used(line) == WAYS {
        None
    } else {
        next_place(&mut matches(line, 0))
    }
}

/// The index of one family table.
///
/// The words come from the allocator as zeros and are not touched before they are used; the first line begins where a
/// cache line does.
#[derive(Default)]
pub(crate) struct Index {
    words: Vec<u64>,
    /// Words before the first line.
    skip: usize,
    /// None, or one of the numbers of `roomy`.
    lines: usize,
    len: usize,
}

/// The least 2^k or 3·2^k that is `lines` or more: steps that waste a third at most.
fn roomy(lines: usize) -> usize {
    let whole = lines.next_power_of_two();
    let less = whole / 4 * 3;
    if less >= lines { less } else { whole }
}

/// The shard takes the highest bits of a hash and the line the lower half; the tag is in between.
#[inline]
fn tag_of(hash: u64) -> u8 {
    ((hash >> 40) as u8).max(1)
}

impl Index {
    #[inline]
    fn home(&self, hash: u64) -> usize {
        // The lower half as a fraction of 2^32, of all lines.
        (((hash & 0xffff_ffff) * self.lines as u64) >> 32) as usize
    }

    /// The line that takes what does not fit in this one.
    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.lines { 0 } else { at + 1 }
    }

    #[inline]
    fn line(&self, at: usize) -> &Line {
        let start = self.skip + at * WORDS;
        self.words[start..start + WORDS]
            .as_array()
            .expect("a line is of eight words")
    }

    #[inline]
    fn line_mut(&mut self, at: usize) -> &mut Line {
        let start = self.skip + at * WORDS;
        self.words[start..start + WORDS]
            .as_mut_array()
            .expect("a line is of eight words")
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Brings the line of a hash into the cache. Several of these in a row overlap, where lookups would wait in turn.
    #[inline]
    pub(crate) fn touch(&self, hash: u64) -> u8 {
        if self.lines == 0 {
            0
        } else {
            self.line(self.home(hash))[0] as u8
        }
    }

    /// The id with this hash for which `is` holds.
    #[inline]
    pub(crate) fn find(&self, hash: u64, is: impl Fn(u32) -> bool) -> Option<u32> {
        if self.lines == 0 {
            return None;
        }
        let tag = tag_of(hash);
        let mut at = self.home(hash);
        loop {
            let line = self.line(at);
            if let Some(place) = place_of(line, tag, &is) {
                return Some(id(line, place));
            }
            if spilled(line) == 0 {
                return None;
            }
            at = self.after(at);
        }
    }

    /// Whether the next `insert` needs room made first. Lines are four fifths full at most.
    #[inline]
    pub(crate) fn is_full(&self) -> bool {
        self.len * 5 >= self.lines * WAYS * 4
    }

    /// Takes the next number of lines (or makes the first) and enters `entries`, which must be all there were.
    pub(crate) fn grow(&mut self, entries: impl Iterator<Item = (u64, u32)>) {
        let lines = roomy(self.lines + 1);
        self.rebuild(lines, entries);
    }

    fn rebuild(&mut self, lines: usize, entries: impl Iterator<Item = (u64, u32)>) {
        self.words = Vec::new();
        self.words = vec![0; lines * WORDS + WORDS - 1];
        let past = self.words.as_ptr() as usize / size_of::<u64>() % WORDS;
        self.skip = (WORDS - past) % WORDS;
        (self.lines, self.len) = (lines, 0);
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
        let mut at = self.home(hash);
        loop {
            let next = self.after(at);
            let line = self.line_mut(at);
            if let Some(place) = free_place(line) {
                set_tag(line, place, tag_of(hash));
                set_id(line, place, id);
                line[1] += 1 << USED;
                self.len += 1;
                return;
            }
            set_spilled(line, spilled(line).saturating_add(1));
            at = next;
        }
    }

    /// Takes an id out. True if it was there.
    pub(crate) fn remove(&mut self, hash: u64, wanted: u32) -> bool {
        if self.lines == 0 {
            return false;
        }
        let home = self.home(hash);
        let wanted_tag = tag_of(hash);
        let mut at = home;
        loop {
            let line = self.line_mut(at);
            if let Some(place) = place_of(line, wanted_tag, |id| id == wanted) {
                set_tag(line, place, 0);
                line[1] -= 1 << USED;
                break;
            }
            if spilled(line) == 0 {
                return false;
            }
            at = self.after(at);
        }
        let mut passed = home;
        while passed != at {
            let line = self.line_mut(passed);
            if spilled(line) != u16::MAX {
                set_spilled(line, spilled(line) - 1);
            }
            passed = self.after(passed);
        }
        self.len -= 1;
        true
    }

    /// Gives memory back after most entries went. `entries` are those that stay.
    pub(crate) fn shrink(&mut self, entries: impl Iterator<Item = (u64, u32)>) {
        if self.len == 0 {
            *self = Self::default();
        } else if self.lines > 16 && self.len * 8 < self.lines * WAYS {
            let lines = roomy((self.len * 2 / WAYS).max(1));
            self.rebuild(lines, entries);
        }
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn a_line_is_a_cache_line() {
        assert_eq!(size_of::<Line>(), 64);
        for lines in [1, 2, 3, 64, 96, 1024] {
            let mut index = Index::default();
            index.rebuild(lines, std::iter::empty());
            assert_eq!(index.line(0).as_ptr() as usize % 64, 0);
        }
    }

    /// Hashes with few bits, so that lines overflow far.
    fn poor_hash(id: u32) -> u64 {
        (u64::from(id % 5) << 29) | (u64::from(id % 3) << 40)
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
        let is_clean = |at: usize| spilled(index.line(at)) == 0 && used(index.line(at)) == 0;
        assert!((0..index.lines).all(is_clean));
        index.shrink(std::iter::empty());
        assert_eq!(index.bytes(), 0);
    }

    #[test]
    fn room_that_was_made_is_less_than_half_empty_after() {
        let mut lines = 0;
        for _ in 0..30 {
            let more = roomy(lines + 1);
            assert!(
                more > lines && more <= (lines + 1).max(lines * 3 / 2),
                "{lines} {more}"
            );
            lines = more;
        }
        assert_eq!(lines, 1 << 15);
    }

    #[test]
    fn an_index_that_lost_nearly_all_still_finds_the_rest() {
        let mut index = Index::default();
        let hash = |id: u32| u64::from(id).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        for id in 0..1000 {
            if index.is_full() {
                index.grow((0..id).map(|id| (hash(id), id)));
            }
            index.insert(hash(id), id);
        }
        for id in 1..1000 {
            assert!(index.remove(hash(id), id));
        }
        let before = index.bytes();
        index.shrink([(hash(0), 0)].into_iter());
        assert!(index.bytes() < before / 16);
        assert_eq!(index.find(hash(0), |id| id == 0), Some(0));
    }
}
