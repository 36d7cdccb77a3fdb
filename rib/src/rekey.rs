//! A member whose group key changes while its session goes on, as when its export policy is changed.
//!
//! What was told is kept as source sets, so it can be judged by both keys: what the old key announced and the new one
//! rejects is withdrawn at once, and what the new one announces and the old one did not, or otherwise, is told again.

use crate::by_route::ByRoute;
use crate::export::{Exported, tells_source};
use crate::exporter::Exporter;
use crate::group::{FamilyExport, GroupKey, Member, ToldCount};
use crate::path::PeerIdx;
use crate::queue::Chunk;
use crate::shard_key::TableKey;
use crate::table::Rib;
use crate::tables::{ByFamily, by_family};
use bgp_wire::{AttrEditor, AttrSet, PathId, encode_withdraw};
use bytes::BytesMut;
use std::sync::Arc;

impl Exporter {
    /// Tells a member what follows from another key, without telling it what stays the same twice over a session
    /// reset. The families, their encoding and their number of paths must be the same, as they were negotiated; else
    /// nothing is done, and false is returned.
    pub fn rekey(&mut self, rib: &Rib, member: PeerIdx, key: GroupKey) -> bool {
        let Some(number) = self.number_of(member) else {
            return false;
        };
        let Some(old) = self.key_of(number) else {
            return false;
        };
        if old.families != key.families {
            return false;
        }
        if *old == key {
            return true;
        }
        let number = self.isolate(rib, number, member);
        let key = Arc::new(key);
        for (at, family) in old.families.iter().enumerate() {
            let Some(group) = self.group_mut(number) else {
                return false;
            };
            let [Member { queue, .. }, ..] = &group.members[..] else {
                return false;
            };
            let change = Change {
                rib,
                number,
                member,
                family,
                old: &old,
                new: &key,
            };
            if let Some((told, chunk)) = by_family(family.family, change) {
                queue.push(chunk);
                group.told.lock().families[at] = told;
            }
        }
        if let Some(group) = self.group_mut(number) {
            group.key = key;
            group.quiet = false;
        }
        self.publish(rib, number);
        self.ring();
        true
    }
}

struct Change<'a> {
    rib: &'a Rib,
    number: usize,
    member: PeerIdx,
    family: &'a FamilyExport,
    old: &'a GroupKey,
    new: &'a GroupKey,
}

/// Sets that were made for a key, each with its number. What is not told has none.
#[derive(Default)]
struct Made(Vec<AttrSet>);

impl Made {
    fn note(&mut self, exported: Exported<'_>) -> Option<u32> {
        let Exported::Announce(set) = exported else {
            return None;
        };
        self.0.push(set.to_set());
        u32::try_from(self.0.len() - 1).ok()
    }

    fn get(&self, number: u32) -> Option<&AttrSet> {
        self.0.get(number as usize)
    }
}

impl ByFamily for Change<'_> {
    /// What is told by the new key, and the withdrawals.
    type Output = (ToldCount, Chunk);

    fn run<K: TableKey>(self) -> Self::Output {
        let mut count = ToldCount::default();
        let mut editor = AttrEditor::new();
        let mut gone = Vec::new();
        let to_source = tells_source(self.family.family, self.new.rules.audience);
        for shard in 0..self.rib.bits.count() {
            let pin = self.rib.pin();
            let tables = (&*pin.interner, &*pin.peers);
            let told = self
                .rib
                .lock::<K, _>(&pin, shard, |table, _| table.told_to(self.number));
            // Not longer than the pin, without which handles of sets may be given to others.
            let mut by_old = ByRoute::new(&self.old.rules, K::FAMILY);
            let mut by_new = ByRoute::new(&self.new.rules, K::FAMILY);
            let (mut before, mut after) = (Made::default(), Made::default());
            let (mut again, mut never) = (Vec::new(), Vec::new());
            for (id, key, told) in told {
                let set = (told.attrs, told.peer);
                let facts = || told.facts(key);
                let old = by_old.of(tables, set, facts, &mut editor, |set| before.note(set));
                let new = by_new.of(tables, set, facts, &mut editor, |set| after.note(set));
                match (old, new) {
                    (None, None) => {}
                    (Some(_), None) => {
                        if told.peer != self.member || to_source {
                            gone.push((PathId(u32::from(told.local_id)), key));
                        }
                    }
                    (None, Some(_)) => never.push((id, told.local_id)),
                    (Some(old), Some(new)) => {
                        let source = if to_source { PeerIdx::LOCAL } else { told.peer };
                        count.add(source, 1);
                        if before.get(old) != after.get(new) {
                            again.push(id);
                        }
                    }
                }
            }
            self.rib.lock::<K, _>(&pin, shard, |table, _| {
                table.retell_group(self.number, &again);
                table.forget_told(self.number, &never);
            });
        }
        let mut out = BytesMut::new();
        let (mut left, mut messages) = (&gone[..], 0);
        while !left.is_empty() {
            left =
                &left[encode_withdraw(&mut out, self.family.family, &self.family.encoding, left)..];
            messages += 1;
        }
        (
            count,
            Chunk {
                bytes: out.freeze(),
                messages,
            },
        )
    }
}
