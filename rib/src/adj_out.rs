//! What one export group has been told, in one family of one shard.
//!
//! What is kept is the *source*: the handle of the set and the peer of the path that was last processed for the
//! group, never the exported copy. Export is a function of these and of the group's key, so what the members have
//! can be computed again at any time. Of a path whose detail alone changed the destination is marked to be told again.
//! Six bytes and a bit for each destination; ADD-PATH groups keep a small list.

use crate::attrs::{AttrId, AttrSetIds};
use crate::destination::Best;
use crate::dirty::Bitmap;
use crate::path::{Path, PeerIdx};
use crate::shard_key::TableKey;
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;

/// A path that an ADD-PATH group was told.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToldPath {
    /// The path id on the wire.
    pub(crate) local_id: u16,
    pub(crate) peer: PeerIdx,
    pub(crate) attrs: AttrId,
}

impl ToldPath {
    pub(crate) fn of<D>(path: &Path<D>) -> Self {
        Self {
            local_id: path.tag.local_id(),
            peer: path.peer,
            attrs: path.attrs,
        }
    }
}

#[derive(Clone)]
enum Told {
    /// The best path, by destination.
    Best {
        attrs: Vec<Option<AttrId>>,
        source: Vec<PeerIdx>,
    },
    /// The best `n` paths.
    Several {
        n: usize,
        paths: HashMap<u32, SmallVec<[ToldPath; 2]>, RandomState>,
    },
}

/// One group's part of a family table.
#[derive(Clone)]
pub(crate) struct GroupTable {
    /// Destinations that changed since they were last processed.
    pub(crate) dirty: Bitmap,
    /// Those among them that have to be told again even if nothing changed (route refresh).
    pub(crate) resend: Bitmap,
    told: Told,
}

/// What has to be thought about for one destination, or one path of it: what was told and what should be.
#[derive(Clone, Copy)]
pub(crate) struct Record<K: TableKey> {
    pub(crate) key: K,
    /// Of the new path.
    pub(crate) detail: K::Detail,
    /// 0 for groups that are told the best path only.
    pub(crate) path_id: u32,
    pub(crate) old: Option<AttrId>,
    pub(crate) new: Option<AttrId>,
    pub(crate) old_source: PeerIdx,
    pub(crate) new_source: PeerIdx,
    pub(crate) resend: bool,
}

impl GroupTable {
    /// `paths`: how many each destination is told with ids of their own; 0 for the best alone, without an id.
    pub(crate) fn new(paths: u8) -> Self {
        let told = if paths == 0 {
            Told::Best {
                attrs: Vec::new(),
                source: Vec::new(),
            }
        } else {
            Told::Several {
                n: usize::from(paths),
                paths: HashMap::default(),
            }
        };
        Self {
            dirty: Bitmap::default(),
            resend: Bitmap::default(),
            told,
        }
    }

    /// Whether a change of a path that is not the best concerns the group; and how many paths it is told.
    pub(crate) fn several(&self) -> Option<usize> {
        match self.told {
            Told::Best { .. } => None,
            Told::Several { n, .. } => Some(n),
        }
    }

    pub(crate) fn is_quiet(&self) -> bool {
        self.dirty.is_empty()
    }

    pub(crate) fn was_told(&self, id: u32) -> bool {
        match &self.told {
            Told::Best { attrs, .. } => attrs.get(id as usize).is_some_and(Option::is_some),
            Told::Several { paths, .. } => paths.contains_key(&id),
        }
    }

    /// What was told of a destination.
    pub(crate) fn told(&self, id: u32) -> SmallVec<[ToldPath; 2]> {
        match &self.told {
            Told::Best { attrs, source } => match attrs.get(id as usize) {
                Some(&Some(attrs)) => SmallVec::from_iter([ToldPath {
                    local_id: 0,
                    peer: source[id as usize],
                    attrs,
                }]),
                _ => SmallVec::new(),
            },
            Told::Several { paths, .. } => paths.get(&id).cloned().unwrap_or_default(),
        }
    }

    /// Notes `best` as told, and pushes what that changes.
    #[inline]
    pub(crate) fn tell_best<K: TableKey>(
        &mut self,
        id: u32,
        key: K,
        best: Option<Best<K::Detail>>,
        out: &mut Vec<Record<K>>,
    ) {
        let Told::Best { attrs, source } = &mut self.told else {
            return;
        };
        let at = id as usize;
        if at >= attrs.len() {
            if best.is_none() {
                self.resend.clear(id);
                return;
            }
            attrs.resize(at + 1, None);
            source.resize(at + 1, PeerIdx::LOCAL);
        }
        let (old, old_source) = (attrs[at], source[at]);
        let (new, new_source, detail) = match best {
            Some(best) => (Some(best.attrs), best.peer, best.detail),
            None => (None, PeerIdx::LOCAL, K::Detail::default()),
        };
        let resend = !self.resend.is_empty() && self.resend.clear(id);
        if old == new && old_source == new_source && !resend {
            return;
        }
        (attrs[at], source[at]) = (new, new_source);
        if old.is_some() || new.is_some() {
            out.push(Record {
                key,
                detail,
                path_id: 0,
                old,
                new,
                old_source,
                new_source,
                resend,
            });
        }
    }

    /// Notes `top` as told, and pushes what that changes.
    pub(crate) fn tell_several<K: TableKey>(
        &mut self,
        id: u32,
        key: K,
        top: &[Path<K::Detail>],
        out: &mut Vec<Record<K>>,
    ) {
        let resend = self.resend.clear(id);
        let Told::Several { paths, .. } = &mut self.told else {
            return;
        };
        let new: SmallVec<[ToldPath; 2]> = top.iter().map(ToldPath::of).collect();
        let old = if new.is_empty() {
            paths.remove(&id)
        } else {
            paths.insert(id, new.clone())
        };
        let old = old.unwrap_or_default();
        // A path that went comes first: its id may be another's now.
        let same = |a: &ToldPath, b: &ToldPath| a.local_id == b.local_id && a.peer == b.peer;
        let record = |told: &ToldPath, detail, old, new| Record {
            key,
            detail,
            path_id: u32::from(told.local_id),
            old,
            new,
            old_source: told.peer,
            new_source: told.peer,
            resend,
        };
        for gone in old
            .iter()
            .filter(|old| !new.iter().any(|new| same(old, new)))
        {
            out.push(record(gone, K::Detail::default(), Some(gone.attrs), None));
        }
        for (told, path) in new.iter().zip(top) {
            let before = old.iter().find(|old| same(old, told)).map(|old| old.attrs);
            if before != Some(told.attrs) || resend {
                out.push(record(told, path.detail, before, Some(told.attrs)));
            }
        }
    }

    pub(crate) fn mark(&self, live: &mut AttrSetIds) {
        match &self.told {
            Told::Best { attrs, .. } => attrs.iter().flatten().for_each(|&id| live.insert(id)),
            Told::Several { paths, .. } => {
                paths
                    .values()
                    .flatten()
                    .for_each(|told| live.insert(told.attrs));
            }
        }
    }

    /// Gives memory back. Only when nothing is dirty or told.
    pub(crate) fn reset(&mut self) {
        *self = Self::new(self.several().map_or(0, |n| n as u8));
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let told = match &self.told {
            Told::Best { attrs, source } => {
                attrs.capacity() * size_of::<Option<AttrId>>()
                    + source.capacity() * size_of::<PeerIdx>()
            }
            Told::Several { paths, .. } => paths.allocation_size(),
        };
        told + self.dirty.bytes() + self.resend.bytes()
    }
}
