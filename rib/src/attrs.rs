//! The interner: every attribute set once, behind a handle of four bytes.
//!
//! Handles are plain numbers without reference counts. They live in two places only: in the tables (paths, what was
//! told), and in the hands of code that holds a [`Pin`](crate::table::Pin), which is a read lock on the interner for
//! one turn. [`Rib::sweep`](crate::Rib::sweep) takes the write lock, so that no handle is in anybody's hands, marks
//! what the tables hold, and frees the rest. Copying a path or a told state costs nothing, and there is no count to
//! get wrong; the price is a pause of a few nanoseconds for each destination when many sets have come and gone.
//!
//! Under a pin, sets are looked up without any lock and entered under one of sixteen small ones. The map's hash is
//! keyed, as peers choose what is hashed.
//!
//! A set that import policy changed is entered together with the handle of what it was before ([`Entry::pre`]), so
//! a path needs one handle for both.

use crate::chunks::Chunks;
use crate::decision::DecisionKey;
use crate::dirty::Bitmap;
use crate::nexthop::NextHopId;
use bgp_wire::AttrRef;
use foldhash::quality::RandomState;
use hashbrown::HashTable;
use parking_lot::Mutex;
use std::hash::BuildHasher;
use std::num::NonZeroU32;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// The handle of an attribute set.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct AttrId(NonZeroU32);

impl AttrId {
    fn from_slot(slot: u32) -> Self {
        Self(NonZeroU32::MIN.saturating_add(slot))
    }

    fn slot(self) -> u32 {
        self.0.get() - 1
    }

    #[cfg(test)]
    pub(crate) fn test(n: u32) -> Self {
        Self::from_slot(n)
    }
}

/// An interned attribute set.
pub(crate) struct Entry {
    /// What the decision compares.
    pub(crate) key: DecisionKey,
    /// Next hop and link of the set.
    pub(crate) next_hop: NextHopId,
    /// What import policy made this set of, if it changed it.
    pub(crate) pre: Option<AttrId>,
    hash: u32,
    bytes: Box<[u8]>,
}

impl Entry {
    /// The set itself.
    pub(crate) fn attrs(&self) -> AttrRef<'_> {
        AttrRef::from_canonical(&self.bytes)
    }
}

const MAPS: usize = 16;

#[derive(Default)]
struct Ids {
    /// Slots below this have been used.
    used: u32,
    free: Vec<u32>,
}

/// See the top of this file.
pub(crate) struct Interner {
    slots: Chunks<OnceLock<Entry>>,
    maps: Box<[Mutex<HashTable<u32>>]>,
    ids: Mutex<Ids>,
    hasher: RandomState,
    /// Whether any set has a MED.
    med_seen: AtomicBool,
    /// Sets that the last sweep left.
    live: usize,
}

impl Interner {
    pub(crate) fn new() -> Self {
        Self {
            slots: Chunks::new(),
            maps: (0..MAPS).map(|_| Mutex::new(HashTable::new())).collect(),
            ids: Mutex::default(),
            hasher: RandomState::default(),
            med_seen: AtomicBool::new(false),
            live: 0,
        }
    }

    fn hash(&self, bytes: &[u8]) -> u64 {
        self.hasher.hash_one(bytes)
    }

    fn map_of(hash: u64) -> usize {
        (hash >> 60) as usize % MAPS
    }

    /// Handle of the set with this next hop, which `pre` became through policy. Entered if it is new.
    pub(crate) fn intern(
        &self,
        attrs: AttrRef<'_>,
        next_hop: NextHopId,
        pre: Option<AttrId>,
    ) -> AttrId {
        let bytes = attrs.as_bytes();
        let hash = self.hash(bytes);
        let short = hash as u32;
        let mut map = self.maps[Self::map_of(hash)].lock();
        let found = map.find(spread(short), |&slot| {
            let entry = self.entry(AttrId::from_slot(slot));
            entry.hash == short
                && entry.next_hop == next_hop
                && entry.pre == pre
                && *entry.bytes == *bytes
        });
        if let Some(&slot) = found {
            return AttrId::from_slot(slot);
        }
        let key = DecisionKey::of(attrs);
        if key.med != 0 {
            self.med_seen.store(true, Ordering::Relaxed);
        }
        let entry = Entry {
            key,
            next_hop,
            pre,
            hash: short,
            bytes: bytes.into(),
        };
        let slot = self.free_slot();
        let filled = self.slots.ensure(slot).set(entry).is_ok();
        assert!(filled, "a free slot holds nothing");
        map.insert_unique(spread(short), slot, |&slot| {
            spread(self.entry(AttrId::from_slot(slot)).hash)
        });
        AttrId::from_slot(slot)
    }

    fn free_slot(&self) -> u32 {
        let mut ids = self.ids.lock();
        ids.free.pop().unwrap_or_else(|| {
            ids.used += 1;
            ids.used - 1
        })
    }

    /// The set behind a handle.
    #[inline]
    pub(crate) fn entry(&self, id: AttrId) -> &Entry {
        self.slots
            .get(id.slot())
            .and_then(OnceLock::get)
            .expect("a handle in a table or under a pin is of a set")
    }

    /// Whether any set had a MED since the last sweep.
    pub(crate) fn med_seen(&self) -> bool {
        self.med_seen.load(Ordering::Relaxed)
    }

    /// All sets with one of these next hops, by handle.
    pub(crate) fn with_next_hops(&self, wanted: impl Fn(NextHopId) -> bool) -> AttrSetIds {
        let used = self.ids.lock().used;
        let mut ids = Bitmap::default();
        for slot in 0..used {
            if let Some(entry) = self.slots.get(slot).and_then(OnceLock::get)
                && wanted(entry.next_hop)
            {
                ids.set(slot);
            }
        }
        AttrSetIds(ids)
    }

    /// Sets that are in the interner.
    pub(crate) fn len(&self) -> usize {
        let ids = self.ids.lock();
        ids.used as usize - ids.free.len()
    }

    /// Whether there are more than twice as many sets as the last sweep left, and `slack`.
    pub(crate) fn has_doubled(&self, slack: usize) -> bool {
        self.len() > 2 * self.live + slack
    }

    /// Frees all sets but those marked, and says which next hops are left.
    pub(crate) fn sweep(&mut self, marked: &AttrSetIds) -> Bitmap {
        let mut keep = marked.0.clone();
        for slot in marked.0.iter() {
            if let Some(pre) = self.entry(AttrId::from_slot(slot)).pre {
                keep.set(pre.slot());
            }
        }
        for map in &mut self.maps {
            let map = map.get_mut();
            map.retain(|&mut slot| keep.contains(slot));
            let slots = &self.slots;
            let hash = |&slot: &u32| {
                spread(
                    slots
                        .get(slot)
                        .and_then(OnceLock::get)
                        .map_or(0, |entry| entry.hash),
                )
            };
            if map.len() * 4 < map.capacity() {
                map.shrink_to(map.len() * 2, hash);
            }
        }
        let mut next_hops = Bitmap::default();
        let mut med_seen = false;
        let ids = self.ids.get_mut();
        let mut used = 0;
        ids.free.clear();
        for slot in 0..ids.used {
            let Some(cell) = self.slots.get_mut(slot) else {
                continue;
            };
            if keep.contains(slot) {
                // Free slots below the last one in use are used again, lowest first.
                ids.free.extend((used..slot).rev());
                used = slot + 1;
                if let Some(entry) = cell.get() {
                    next_hops.set(entry.next_hop.number());
                    med_seen |= entry.key.med != 0;
                }
            } else {
                cell.take();
            }
        }
        ids.used = used;
        ids.free.shrink_to(ids.free.len() * 2);
        self.slots.truncate(used);
        *self.med_seen.get_mut() = med_seen;
        self.live = ids.used as usize - ids.free.len();
        next_hops
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let maps: usize = self
            .maps
            .iter()
            .map(|map| map.lock().allocation_size())
            .sum();
        let used = self.ids.lock().used;
        let sets: usize = (0..used)
            .filter_map(|slot| self.slots.get(slot).and_then(OnceLock::get))
            .map(|entry| entry.bytes.len())
            .sum();
        self.slots.bytes() + maps + sets
    }
}

/// The map takes its tag from the top of the hash and its place from the bottom; the entries keep 32 bits.
fn spread(hash: u32) -> u64 {
    u64::from(hash).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

/// A set of handles.
#[derive(Clone, Debug, Default)]
pub(crate) struct AttrSetIds(Bitmap);

impl AttrSetIds {
    pub(crate) fn insert(&mut self, id: AttrId) {
        self.0.set(id.slot());
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = AttrId> {
        self.0.iter().map(AttrId::from_slot)
    }

    pub(crate) fn contains(&self, id: AttrId) -> bool {
        self.0.contains(id.slot())
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::AttrEditor;

    fn set(editor: &mut AttrEditor, local_pref: u32) -> AttrRef<'_> {
        *editor = AttrEditor::new();
        editor.set_local_pref(Some(local_pref));
        editor.finish()
    }

    #[test]
    fn equal_sets_have_one_handle() {
        let interner = Interner::new();
        let mut editor = AttrEditor::new();
        let one = interner.intern(set(&mut editor, 1), NextHopId::NONE, None);
        let two = interner.intern(set(&mut editor, 2), NextHopId::NONE, None);
        assert_ne!(one, two);
        assert_eq!(
            one,
            interner.intern(set(&mut editor, 1), NextHopId::NONE, None)
        );
        assert_eq!(interner.entry(two).key.local_pref, 2);
        assert_eq!(interner.len(), 2);
    }

    #[test]
    fn the_same_set_on_another_link_or_after_policy_is_another_entry() {
        let interner = Interner::new();
        let mut editor = AttrEditor::new();
        let plain = interner.intern(set(&mut editor, 1), NextHopId::NONE, None);
        let linked = interner.intern(set(&mut editor, 1), NextHopId::test(4), None);
        let made = interner.intern(set(&mut editor, 1), NextHopId::NONE, Some(linked));
        assert!(plain != linked && linked != made && plain != made);
        assert_eq!(interner.entry(made).pre, Some(linked));
    }

    #[test]
    fn a_sweep_frees_what_is_not_marked_and_keeps_what_a_marked_set_was_made_of() {
        let mut interner = Interner::new();
        let mut editor = AttrEditor::new();
        let pre = interner.intern(set(&mut editor, 0), NextHopId::NONE, None);
        let made = interner.intern(set(&mut editor, 1), NextHopId::test(3), Some(pre));
        for other in 2..100 {
            interner.intern(set(&mut editor, other), NextHopId::NONE, None);
        }
        let mut marked = AttrSetIds::default();
        marked.insert(made);
        let next_hops = interner.sweep(&marked);
        assert_eq!(next_hops.iter().collect::<Vec<_>>(), [0, 3]);
        assert_eq!(interner.len(), 2);
        assert_eq!(
            interner.intern(set(&mut editor, 0), NextHopId::NONE, None),
            pre
        );
        interner.sweep(&AttrSetIds::default());
        assert_eq!(interner.len(), 0);
    }

    #[test]
    fn freed_slots_are_used_again() {
        let mut interner = Interner::new();
        let mut editor = AttrEditor::new();
        let ids: Vec<_> = (0..1000)
            .map(|n| interner.intern(set(&mut editor, n), NextHopId::NONE, None))
            .collect();
        let mut marked = AttrSetIds::default();
        marked.insert(ids[999]);
        interner.sweep(&marked);
        for n in 0..999 {
            interner.intern(set(&mut editor, n + 5000), NextHopId::NONE, None);
        }
        assert_eq!(interner.ids.lock().used, 1000);
        assert_eq!(interner.entry(ids[999]).key.local_pref, 999);
    }
}
