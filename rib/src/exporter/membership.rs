//! Who is in which export group: members that come and go, that are split off and merged again.

use super::Exporter;
use crate::feed::Feed;
use crate::group::{Group, GroupKey, Member, ToldCount, ToldCounts};
use crate::path::PeerIdx;
use crate::queue::MemberQueue;
use crate::shard_key::TableKey;
use crate::table::Rib;
use crate::tables::{ByFamily, by_family};
use parking_lot::Mutex;
use std::collections::HashMap;
use std::sync::Arc;

impl Exporter {
    /// Begins to tell a member everything, with End-of-RIB for each family at the end. It joins those with the same
    /// key once both are quiet. A member that is there already leaves first.
    pub fn join(&mut self, rib: &Rib, member: PeerIdx, key: GroupKey, queue: Arc<MemberQueue>) {
        self.leave(rib, member);
        queue.set_exporter(Arc::clone(&self.bell));
        let shards = rib.bits.count();
        let told = ToldCounts {
            families: key.families.iter().map(|_| ToldCount::default()).collect(),
        };
        let group = Group {
            feeds: key
                .families
                .iter()
                .map(|_| Some(Feed::initial(shards)))
                .collect(),
            key: Arc::new(key),
            members: vec![Member {
                peer: member,
                queue,
            }],
            told: Arc::new(Mutex::new(told)),
            quiet: false,
        };
        let key = Arc::clone(&group.key);
        let number = self.place(rib, group);
        for family in &key.families {
            by_family(
                family.family,
                Open {
                    rib,
                    number,
                    paths: family.add_path,
                },
            );
        }
        self.bell.ring();
    }

    /// Tells a member nothing more.
    pub fn leave(&mut self, rib: &Rib, member: PeerIdx) {
        let Some(number) = self.places.remove(&member) else {
            return;
        };
        let Some(group) = self.groups[number].as_mut() else {
            return;
        };
        group.members.retain(|other| other.peer != member);
        if group.members.is_empty() {
            self.close(rib, number);
        } else {
            self.publish(rib, number);
        }
        // Others may have waited for it.
        self.bell.ring();
    }

    fn place(&mut self, rib: &Rib, group: Group) -> usize {
        let number = self
            .groups
            .iter()
            .position(Option::is_none)
            .unwrap_or(self.groups.len());
        for member in &group.members {
            self.places.insert(member.peer, number);
        }
        if number == self.groups.len() {
            self.groups.push(None);
        }
        self.groups[number] = Some(group);
        self.publish(rib, number);
        number
    }

    pub(crate) fn number_of(&self, member: PeerIdx) -> Option<usize> {
        self.places.get(&member).copied()
    }

    pub(crate) fn key_of(&self, number: usize) -> Option<Arc<GroupKey>> {
        Some(Arc::clone(&self.groups[number].as_ref()?.key))
    }

    pub(crate) fn group_mut(&mut self, number: usize) -> Option<&mut Group> {
        self.groups[number].as_mut()
    }

    pub(crate) fn ring(&self) {
        self.bell.ring();
    }

    /// Sees to it that a member is in a group of its own, and says in which.
    pub(crate) fn isolate(&mut self, rib: &Rib, number: usize, member: PeerIdx) -> usize {
        let shared = self.groups[number]
            .as_ref()
            .is_some_and(|group| group.members.len() > 1);
        if shared {
            self.split_off(rib, number, |other| other.peer == member)
        } else {
            number
        }
    }

    /// Lets readers of the table see what a group is now.
    pub(crate) fn publish(&self, rib: &Rib, number: usize) {
        let mut views = rib.exports.write();
        if views.len() <= number {
            views.resize_with(number + 1, || None);
        }
        views[number] = self.groups[number].as_ref().map(Group::view);
    }

    /// Makes a group of its own of some members, with what was told and what is dirty.
    pub(super) fn split_off(
        &mut self,
        rib: &Rib,
        number: usize,
        goes: impl Fn(&Member) -> bool,
    ) -> usize {
        let Some(group) = self.groups[number].as_mut() else {
            return number;
        };
        let (leaving, staying) = std::mem::take(&mut group.members)
            .into_iter()
            .partition(goes);
        group.members = staying;
        let new = group.split(leaving);
        let key = Arc::clone(&group.key);
        let to = self.place(rib, new);
        for family in &key.families {
            by_family(
                family.family,
                Copy {
                    rib,
                    from: number,
                    to,
                },
            );
        }
        self.publish(rib, number);
        self.stats.splits += 1;
        to
    }

    /// Merges groups with the same key that have been told the same.
    #[expect(
        clippy::mutable_key_type,
        reason = "what changes within the expressions of a policy is their caches, which are no part of what is compared"
    )]
    pub(super) fn merge_quiet(&mut self, rib: &Rib) {
        let mut by_key: HashMap<Arc<GroupKey>, usize> = HashMap::new();
        for number in 0..self.groups.len() {
            let Some(group) = &self.groups[number] else {
                continue;
            };
            let idle = group.quiet
                && group.feeds.iter().all(Option::is_none)
                && group
                    .members
                    .iter()
                    .all(|member| !member.queue.is_full() && member.queue.is_low());
            if !idle {
                continue;
            }
            let key = Arc::clone(&group.key);
            let Some(&other) = by_key.get(&key) else {
                by_key.insert(key, number);
                continue;
            };
            if !Self::told_the_same(rib, &key, number, other) {
                continue;
            }
            let Some(group) = self.groups[number].take() else {
                continue;
            };
            for member in &group.members {
                self.places.insert(member.peer, other);
            }
            if let Some(into) = self.groups[other].as_mut() {
                into.members.extend(group.members);
            }
            self.close_tables(rib, number, &key);
            self.publish(rib, number);
            self.publish(rib, other);
            self.stats.merges += 1;
        }
    }

    /// Whether two groups with one key have been told the same. Nothing dirty means that what was told is what the
    /// table holds. Both are marked by the same changes, and only this task, which is busy here, tells; so a shard
    /// seen without marks of either stays the same for both, whatever is marked afterwards.
    fn told_the_same(rib: &Rib, key: &GroupKey, a: usize, b: usize) -> bool {
        key.families
            .iter()
            .all(|family| by_family(family.family, AreQuiet { rib, a, b }).unwrap_or(true))
    }

    fn close(&mut self, rib: &Rib, number: usize) {
        let Some(group) = self.groups[number].take() else {
            return;
        };
        self.close_tables(rib, number, &group.key);
        self.publish(rib, number);
    }

    fn close_tables(&self, rib: &Rib, number: usize, key: &GroupKey) {
        for family in &key.families {
            by_family(family.family, Close { rib, number });
        }
    }
}

// ---- what is done to the tables of a family, shard by shard

struct Open<'a> {
    rib: &'a Rib,
    number: usize,
    paths: u8,
}

impl ByFamily for Open<'_> {
    type Output = ();

    fn run<K: TableKey>(self) {
        for shard in &self.rib.shards {
            shard
                .lock()
                .table_mut::<K>()
                .open_group(self.number, self.paths);
        }
    }
}

struct Copy<'a> {
    rib: &'a Rib,
    from: usize,
    to: usize,
}

impl ByFamily for Copy<'_> {
    type Output = ();

    fn run<K: TableKey>(self) {
        for shard in &self.rib.shards {
            shard.lock().table_mut::<K>().copy_group(self.from, self.to);
        }
    }
}

struct Close<'a> {
    rib: &'a Rib,
    number: usize,
}

impl ByFamily for Close<'_> {
    type Output = ();

    fn run<K: TableKey>(self) {
        for shard in &self.rib.shards {
            shard
                .lock()
                .table_mut::<K>()
                .close_group(&self.rib.hasher, self.number);
        }
    }
}

struct AreQuiet<'a> {
    rib: &'a Rib,
    a: usize,
    b: usize,
}

impl ByFamily for AreQuiet<'_> {
    type Output = bool;

    fn run<K: TableKey>(self) -> bool {
        self.rib.shards.iter().all(|shard| {
            let mut shard = shard.lock();
            let table = shard.table_mut::<K>();
            [self.a, self.b]
                .iter()
                .all(|&number| table.group(number).is_some_and(|group| group.is_quiet()))
        })
    }
}
