//! The exporter: all export groups of one table, driven by one task.
//!
//! As one task owns all groups, splitting, merging and draining need no locks of their own; the tables in the shards
//! are locked one at a time. A turn:
//!
//! ```text
//! for each group    a member is full?        the others wait too, unless one of them has hardly anything left; who is
//!                                            far behind then is split off, with what was told and what is dirty
//!   for each family
//!     each shard    drain                    pin, shard lock: newest state against what was told -> records
//!                   pack                     pin: export each set once, encode each UPDATE once
//!                   push                     references to the same bytes to every member
//!     feed over?    End-of-RIB
//! quiet groups with the same key are merged
//! ```
//!
//! What a turn does is here, who is in which group in `membership`.

mod membership;

use crate::dirty::{Bitmap, Doorbell};
use crate::feed::{Feed, Refresh};
use crate::group::{Group, Room};
use crate::pack::{Audience, Packed, Packer};
use crate::path::PeerIdx;
use crate::queue::Chunk;
use crate::shard_key::TableKey;
use crate::table::Rib;
use crate::tables::{ByFamily, by_family};
use bgp_wire::Family;
use bytes::BytesMut;
use std::collections::HashMap;
use std::sync::Arc;

/// See the top of this file.
pub struct Exporter {
    groups: Vec<Option<Group>>,
    /// Number of the group of each member.
    places: HashMap<PeerIdx, usize>,
    packer: Packer,
    bell: Arc<dyn Doorbell>,
    /// The group whose turn is first.
    first: usize,
    stats: ExporterStats,
}

/// What a turn did.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Progress {
    /// There is more to do at once.
    pub more: bool,
    /// Destinations processed.
    pub destinations: usize,
}

/// What the exporter did since it was made.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct ExporterStats {
    /// UPDATEs encoded. Members of a group share each.
    pub encoded: u64,
    /// UPDATEs put in queues: one for each member that gets it.
    pub queued: u64,
    /// Members split off because they did not keep up, or were to be told everything again.
    pub splits: u64,
    /// Groups merged into others.
    pub merges: u64,
    /// Prefixes not told because their attributes leave no room for them in a message.
    pub oversized: u64,
}

/// Destinations in one batch.
const BATCH: usize = 16 * 1024;

impl Exporter {
    /// The exporter of a table. `doorbell` wakes the task that calls [`Exporter::drain`].
    pub fn new(rib: &Rib, doorbell: Arc<dyn Doorbell>) -> Self {
        *rib.export_bell.write() = Some(Arc::clone(&doorbell));
        Self {
            groups: Vec::new(),
            places: HashMap::new(),
            packer: Packer::default(),
            bell: doorbell,
            first: 0,
            stats: ExporterStats::default(),
        }
    }

    /// What was done so far.
    pub fn stats(&self) -> ExporterStats {
        ExporterStats {
            oversized: self.packer.oversized(),
            ..self.stats
        }
    }

    /// How many groups there are.
    pub fn groups(&self) -> usize {
        self.groups.iter().flatten().count()
    }

    /// Tells a member everything of a family again, as it asked (RFC 2918). With `demarcated` between the markers of
    /// RFC 7313. If it is being told everything already, that comes after.
    pub fn refresh(&mut self, rib: &Rib, member: PeerIdx, family: Family, demarcated: bool) {
        let Some(&number) = self.places.get(&member) else {
            return;
        };
        let Some(group) = &self.groups[number] else {
            return;
        };
        let Some(at) = group
            .key
            .families
            .iter()
            .position(|export| export.family == family)
        else {
            return;
        };
        let how = if demarcated {
            Refresh::Demarcated
        } else {
            Refresh::Plain
        };
        let number = self.isolate(rib, number, member);
        let Some(group) = self.groups[number].as_mut() else {
            return;
        };
        group.quiet = false;
        match &mut group.feeds[at] {
            Some(running) => running.ask_again(how),
            None => Self::begin_refresh(rib, number, group, at, how),
        }
        self.bell.ring();
    }

    /// Has all of a family told to a group again.
    fn begin_refresh(rib: &Rib, number: usize, group: &mut Group, at: usize, how: Refresh) {
        let family = group.key.families[at].family;
        let feed = Feed::refresh(rib.bits.count(), how);
        let mut out = BytesMut::new();
        let messages = feed.write_begin(&mut out, family);
        group.tell_all(out.freeze(), messages);
        group.feeds[at] = Some(feed);
        by_family(family, Resend { rib, number });
    }

    /// Tells members what changed, up to about `budget` destinations. Called when the doorbell rang, and again while
    /// there is more.
    pub fn drain(&mut self, rib: &Rib, budget: usize) -> Progress {
        let mut progress = Progress::default();
        let mut left = budget.max(1);
        // Groups split off on the way get their turn in the next call.
        let groups = self.groups.len();
        for step in 0..groups {
            let number = (self.first + step) % groups;
            if self.groups[number].is_none() {
                continue;
            }
            if left == 0 {
                progress.more = true;
                break;
            }
            progress.more |= self.admit(rib, number) && self.drain_group(rib, number, &mut left);
        }
        self.first = if groups == 0 {
            0
        } else {
            (self.first + 1) % groups
        };
        progress.more |= self.groups.len() > groups;
        progress.destinations = budget.max(1) - left;
        self.merge_quiet(rib);
        progress
    }

    /// Whether a group may be told more now. Splits off members that hold up the others for too long.
    fn admit(&mut self, rib: &Rib, number: usize) -> bool {
        let Some(group) = &self.groups[number] else {
            return false;
        };
        match group.room() {
            Room::Free => true,
            Room::Wait => false,
            Room::Split => {
                self.split_off(rib, number, |member| member.queue.is_overdue());
                true
            }
        }
    }

    /// True if there is more to do.
    fn drain_group(&mut self, rib: &Rib, number: usize, left: &mut usize) -> bool {
        let Some(mut group) = self.groups[number].take() else {
            return false;
        };
        let mut members = Bitmap::default();
        for member in &group.members {
            members.set(u32::from(member.peer.0));
        }
        let mut more = false;
        group.quiet = true;
        let key = Arc::clone(&group.key);
        'families: for (at, family) in key.families.iter().enumerate() {
            if key.rules.holds(family.family) {
                continue;
            }
            loop {
                let audience = Audience {
                    rules: &key.rules,
                    family,
                    members: &members,
                };
                let max = (*left).min(BATCH);
                let batch = Batch {
                    rib,
                    number,
                    audience,
                    max,
                    group: &mut group,
                    at,
                };
                let Some((taken, dirty, packed)) =
                    by_family(family.family, WithPacker(batch, &mut self.packer))
                else {
                    break;
                };
                *left -= taken.min(*left);
                self.stats.push(&group, packed);
                let mut again = false;
                if group.feeds[at].as_ref().is_some_and(Feed::is_over)
                    && let Some(how) = Self::end_feed(&mut group, at)
                {
                    Self::begin_refresh(rib, number, &mut group, at, how);
                    again = true;
                }
                if dirty == 0 && !again {
                    break;
                }
                group.quiet = false;
                if !matches!(group.room(), Room::Free) {
                    // The queues ring when they have room, and who is too slow is split off in the next turn.
                    more = matches!(group.room(), Room::Split);
                    break 'families;
                }
                if *left == 0 {
                    more = true;
                    break 'families;
                }
            }
        }
        self.groups[number] = Some(group);
        more
    }

    /// Says that everything was told, and returns what follows.
    fn end_feed(group: &mut Group, at: usize) -> Option<Refresh> {
        let feed = group.feeds[at].take()?;
        let mut out = BytesMut::new();
        let messages = feed.write_end(&mut out, group.key.families[at].family);
        group.tell_all(out.freeze(), messages);
        feed.next()
    }
}

impl ExporterStats {
    /// Gives every member what is for it.
    fn push(&mut self, group: &Group, packed: Packed) {
        let messages: u32 = packed.runs.iter().map(|run| run.messages).sum();
        let extra: u32 = packed.extra.iter().map(|(_, _, messages)| messages).sum();
        self.encoded += u64::from(messages) + u64::from(extra);
        if messages > 0 {
            for member in &group.members {
                if packed
                    .runs
                    .iter()
                    .all(|run| run.except != Some(member.peer))
                {
                    self.queued += u64::from(messages);
                    member.queue.push(Chunk {
                        bytes: packed.bytes.clone(),
                        messages,
                    });
                    continue;
                }
                for runs in packed.runs.split(|run| run.except == Some(member.peer)) {
                    let (Some(first), Some(last)) = (runs.first(), runs.last()) else {
                        continue;
                    };
                    let bytes = packed.bytes.slice(first.range.start..last.range.end);
                    let messages = runs.iter().map(|run| run.messages).sum();
                    self.queued += u64::from(messages);
                    member.queue.push(Chunk { bytes, messages });
                }
            }
        }
        for (peer, bytes, messages) in packed.extra {
            if let Some(member) = group.members.iter().find(|member| member.peer == peer) {
                self.queued += u64::from(messages);
                member.queue.push(Chunk { bytes, messages });
            }
        }
    }
}

// ---- what is done to the tables of a family, shard by shard

struct Batch<'a> {
    rib: &'a Rib,
    number: usize,
    audience: Audience<'a>,
    max: usize,
    group: &'a mut Group,
    at: usize,
}

struct WithPacker<'a>(Batch<'a>, &'a mut Packer);

impl ByFamily for WithPacker<'_> {
    /// Destinations taken, dirty ones left, and what to send.
    type Output = (usize, usize, Packed);

    /// Shards are drained one after the other and packed together, so that a set whose prefixes are in many shards is
    /// exported once, and its prefixes fill few messages.
    fn run<K: TableKey>(self) -> Self::Output {
        let Self(
            Batch {
                rib,
                number,
                audience,
                max,
                group,
                at,
            },
            packer,
        ) = self;
        let pin = rib.pin();
        let records = &mut packer.lists::<K>().records;
        let (mut taken, mut dirty) = (0, 0);
        for shard in 0..rib.bits.count() {
            let (some, left) = rib.lock::<K, _>(&pin, shard, |table, judge| {
                table.drain_group(judge, &rib.hasher, number, max - taken, records)
            });
            taken += some;
            dirty += left;
            if left == 0
                && let Some(feed) = &mut group.feeds[at]
            {
                feed.shard_is_empty(shard);
            }
        }
        if records.is_empty() {
            return (taken, dirty, Packed::default());
        }
        let told = &mut group.told.lock().families[at];
        (
            taken,
            dirty,
            packer.pack::<K>(&pin.interner, &pin.peers, &audience, told),
        )
    }
}

struct Resend<'a> {
    rib: &'a Rib,
    number: usize,
}

impl ByFamily for Resend<'_> {
    type Output = ();

    fn run<K: TableKey>(self) {
        for shard in &self.rib.shards {
            shard.lock().table_mut::<K>().resend_group(self.number);
        }
    }
}
