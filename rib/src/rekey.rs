//! A member whose group key changes while its session goes on, as when its export policy is changed.
//!
//! What was told is kept as source sets, so it can be judged by both keys: what the old key announced and the new one
//! rejects is withdrawn at once, and what the new one announces and the old one did not, or otherwise, is told again.

use crate::adj_out::ToldPath;
use crate::export::{Exported, SourceInfo, export, tells_source};
use crate::exporter::Exporter;
use crate::group::{FamilyExport, GroupKey, Member, ToldCount};
use crate::path::PeerIdx;
use crate::peers::Peers;
use crate::queue::Chunk;
use crate::shard_key::TableKey;
use crate::table::{Pin, Rib};
use crate::tables::{ByFamily, by_family};
use bgp_wire::{AttrEditor, PathId, encode_withdraw};
use bytes::BytesMut;
use std::collections::HashMap;
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

/// What another key means for a set of a source.
#[derive(Clone, Copy)]
struct Outcome {
    was_told: bool,
    is_told: bool,
    /// It is told, and was not, or otherwise.
    news: bool,
}

impl Change<'_> {
    fn outcome(&self, told: &ToldPath, pin: &Pin<'_>, editor: &mut AttrEditor) -> Outcome {
        let attrs = pin.interner.entry(told.attrs).attrs();
        let source = source_of(&pin.peers, told.peer);
        let family = self.family.family;
        let mut by = |key: &GroupKey| match export(attrs, &source, family, &key.rules, editor) {
            Exported::Announce(set) => Some(set.to_set()),
            Exported::Reject(_) => None,
        };
        let (old, new) = (by(self.old), by(self.new));
        Outcome {
            was_told: old.is_some(),
            is_told: new.is_some(),
            news: new.is_some() && new != old,
        }
    }
}

fn source_of(peers: &Peers, peer: PeerIdx) -> SourceInfo {
    let info = peers.info(peer);
    SourceInfo::of(info)
}

impl ByFamily for Change<'_> {
    /// What is told by the new key, and the withdrawals.
    type Output = (ToldCount, Chunk);

    fn run<K: TableKey>(self) -> Self::Output {
        let mut count = ToldCount::default();
        let mut editor = AttrEditor::new();
        let mut gone = Vec::new();
        let mut known = HashMap::new();
        let to_source = tells_source(self.family.family, self.new.rules.audience);
        for shard in 0..self.rib.bits.count() {
            let pin = self.rib.pin();
            let told = self
                .rib
                .lock::<K, _>(&pin, shard, |table, _| table.told_to(self.number));
            let mut again = Vec::new();
            for (id, key, told) in told {
                let outcome = *known
                    .entry((told.attrs, told.peer))
                    .or_insert_with(|| self.outcome(&told, &pin, &mut editor));
                if outcome.is_told {
                    let source = if to_source { PeerIdx::LOCAL } else { told.peer };
                    count.add(source, 1);
                } else if outcome.was_told && (told.peer != self.member || to_source) {
                    gone.push((PathId(u32::from(told.local_id)), key));
                }
                if outcome.news {
                    again.push(id);
                }
            }
            // Handles of sets may be given to others once the pin is gone.
            known.clear();
            self.rib.lock::<K, _>(&pin, shard, |table, _| {
                table.retell_group(self.number, &again);
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
