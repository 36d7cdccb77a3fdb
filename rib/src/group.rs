//! Export groups: peers that are told the same things, in the same bytes.
//!
//! Peers whose [`GroupKey`] is the same form a group, from the first one on. The group, not the peer, has an
//! Adj-RIB-Out: the dirty bits and what was told, in the tables of the shards (adj_out.rs).

use crate::export::ExportRules;
use crate::feed::Feed;
use crate::path::PeerIdx;
use crate::queue::{Chunk, MemberQueue};
use bgp_wire::{Encoding, Family};
use bytes::Bytes;
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::sync::Arc;

/// How a family is told to a group.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FamilyExport {
    /// The family.
    pub family: Family,
    /// What was negotiated about encoding.
    pub encoding: Encoding,
    /// How many paths of a destination are told, each with a path id (RFC 7911). 0: the best one, without an id;
    /// `encoding.add_path` says the same.
    pub add_path: u8,
}

/// All that decides what a peer is told and in which bytes. Equal keys: one group.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct GroupKey {
    /// What becomes of a route on its way out.
    pub rules: ExportRules,
    /// The families of the session, each once.
    pub families: SmallVec<[FamilyExport; 2]>,
}

/// A peer in a group.
#[derive(Clone)]
pub(crate) struct Member {
    pub(crate) peer: PeerIdx,
    pub(crate) queue: Arc<MemberQueue>,
}

/// How many destinations (or paths) a group has been told, by family as in the key: all, and those by source peer,
/// which the source itself is not told.
#[derive(Clone, Default)]
pub(crate) struct ToldCounts {
    pub(crate) families: SmallVec<[ToldCount; 2]>,
}

#[derive(Clone, Default)]
pub(crate) struct ToldCount {
    total: i64,
    by_source: Vec<i64>,
}

impl ToldCount {
    pub(crate) fn add(&mut self, source: PeerIdx, n: i64) {
        self.total += n;
        if self.by_source.len() <= source.index() {
            self.by_source.resize(source.index() + 1, 0);
        }
        self.by_source[source.index()] += n;
    }

    /// How many a member has been told.
    pub(crate) fn of(&self, member: PeerIdx) -> u32 {
        let own = self.by_source.get(member.index()).copied().unwrap_or(0);
        u32::try_from(self.total - own).unwrap_or(0)
    }
}

/// One export group. Its number is its place in the tables of the shards.
pub(crate) struct Group {
    pub(crate) key: Arc<GroupKey>,
    pub(crate) members: Vec<Member>,
    /// Feeds that run, by family as in the key.
    pub(crate) feeds: Vec<Option<Feed>>,
    pub(crate) told: Arc<Mutex<ToldCounts>>,
    /// Nothing was dirty when it was last looked at.
    pub(crate) quiet: bool,
}

/// Whether the queues of a group take more.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Room {
    /// They do.
    Free,
    /// A member is full, and the others have enough to do.
    Wait,
    /// A member is so slow that another runs dry.
    Split,
}

impl Group {
    /// Full queues usually empty soon, and a split costs an encoding of everything from then on. So others wait for a
    /// full one as long as they have something to write, and then let it fall behind for a while.
    pub(crate) fn room(&self) -> Room {
        if !self.members.iter().any(|member| member.queue.is_full()) {
            return Room::Free;
        }
        let starving = self
            .members
            .iter()
            .any(|member| !member.queue.is_full() && member.queue.is_low());
        if !starving {
            Room::Wait
        } else if self.members.iter().any(|member| member.queue.is_overdue()) {
            Room::Split
        } else {
            Room::Free
        }
    }

    /// Tells every member the same messages, if there are any.
    pub(crate) fn tell_all(&self, bytes: Bytes, messages: u32) {
        if messages == 0 {
            return;
        }
        for member in &self.members {
            member.queue.push(Chunk {
                bytes: bytes.clone(),
                messages,
            });
        }
    }

    /// A new number for the same: what was told so far is shared no longer.
    pub(crate) fn split(&self, members: Vec<Member>) -> Self {
        Self {
            key: Arc::clone(&self.key),
            members,
            feeds: self.feeds.clone(),
            told: Arc::new(Mutex::new(self.told.lock().clone())),
            quiet: false,
        }
    }

    pub(crate) fn view(&self) -> ExportView {
        ExportView {
            key: Arc::clone(&self.key),
            members: self.members.iter().map(|member| member.peer).collect(),
            told: Arc::clone(&self.told),
        }
    }
}

/// What others may see of a group.
#[derive(Clone)]
pub(crate) struct ExportView {
    pub(crate) key: Arc<GroupKey>,
    pub(crate) members: Vec<PeerIdx>,
    pub(crate) told: Arc<Mutex<ToldCounts>>,
}
