//! A part of the table, under one lock: one family table for each family.
//!
//! Which shard a destination is in follows from its hash (shard_key.rs). Locks are taken in one order: the interner
//! and the peers (a [`Pin`](crate::table::Pin)), then one shard. Nothing is taken under a shard, and nothing under it
//! calls out: no policy, no encoding, no interning, no doorbell.

use crate::attrs::AttrSetIds;
use crate::family_table::FamilyTable;
use crate::shard_key::{Keyed, TableKey};
use crate::tables::{ForEach, Part, Tables, for_each};

/// A family table for each family.
pub(crate) struct FamilyTables;

impl Part for FamilyTables {
    type Of<K: TableKey> = FamilyTable<K>;

    fn make<K: TableKey>(&self) -> FamilyTable<K> {
        FamilyTable::new()
    }
}

/// See the top of this file.
pub(crate) struct Shard(Tables<FamilyTables>);

impl Shard {
    pub(crate) fn new() -> Self {
        Self(Tables::new(&FamilyTables))
    }

    #[inline]
    pub(crate) fn table<K: TableKey>(&self) -> &FamilyTable<K> {
        K::of(&self.0)
    }

    #[inline]
    pub(crate) fn table_mut<K: TableKey>(&mut self) -> &mut FamilyTable<K> {
        K::of_mut(&mut self.0)
    }

    pub(crate) fn mark_sets(&self, live: &mut AttrSetIds) -> usize {
        struct Mark<'a>(&'a Shard, &'a mut AttrSetIds, usize);
        impl ForEach for Mark<'_> {
            fn visit<K: TableKey>(&mut self) {
                self.2 += self.0.table::<K>().mark_sets(self.1);
            }
        }
        let mut mark = Mark(self, live, 0);
        for_each(&mut mark);
        mark.2
    }

    pub(crate) fn tidy(&mut self, hasher: &Keyed) {
        struct Tidy<'a>(&'a mut Shard, &'a Keyed);
        impl ForEach for Tidy<'_> {
            fn visit<K: TableKey>(&mut self) {
                self.0.table_mut::<K>().tidy(self.1);
            }
        }
        for_each(&mut Tidy(self, hasher));
    }

    pub(crate) fn bytes(&self) -> usize {
        struct Bytes<'a>(&'a Shard, usize);
        impl ForEach for Bytes<'_> {
            fn visit<K: TableKey>(&mut self) {
                self.1 += self.0.table::<K>().bytes();
            }
        }
        let mut bytes = Bytes(self, 0);
        for_each(&mut bytes);
        bytes.1
    }
}
