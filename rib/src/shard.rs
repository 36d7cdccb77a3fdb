//! A part of the table, under one lock: one family table for each family.
//!
//! Which shard a destination is in follows from its hash (shard_key.rs). Locks are taken in one order: the interner
//! and the peers (a [`Pin`](crate::table::Pin)), then one shard. Nothing is taken under a shard, and nothing under it
//! calls out: no policy, no encoding, no interning, no doorbell.

use crate::attrs::AttrSetIds;
use crate::family_table::FamilyTable;
use crate::shard_key::Keyed;
use ipnet::{Ipv4Net, Ipv6Net};

/// See the top of this file.
pub(crate) struct Shard {
    pub(crate) v4: FamilyTable<Ipv4Net>,
    pub(crate) v6: FamilyTable<Ipv6Net>,
}

impl Shard {
    pub(crate) fn new() -> Self {
        Self {
            v4: FamilyTable::new(),
            v6: FamilyTable::new(),
        }
    }

    pub(crate) fn mark_sets(&self, live: &mut AttrSetIds) -> usize {
        self.v4.mark_sets(live) + self.v6.mark_sets(live)
    }

    pub(crate) fn tidy(&mut self, hasher: &Keyed) {
        self.v4.tidy(hasher);
        self.v6.tidy(hasher);
    }

    pub(crate) fn bytes(&self) -> usize {
        self.v4.bytes() + self.v6.bytes()
    }
}
