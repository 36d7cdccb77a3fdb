//! What one export group has been told, in one family of one shard.
//!
//! What is kept is the *source*: the handle of the set and the peer of the path that was last processed for the
//! group, never the exported copy. Export is a function of these and of the group's key, so what the members have
//! can be computed again at any time. Of a path whose detail alone changed the destination is marked to be told again.
//! Six bytes and a bit for each destination; ADD-PATH groups keep a small list. Where routes have labels that policies ask for, the
//! label that was told is kept too, as nothing else would tell whether the route was told.

use crate::attrs::{AttrId, AttrSetIds};
use crate::destination::Best;
use crate::dirty::Bitmap;
use crate::judge::RouteDetail;
use crate::path::{Path, PeerIdx};
use crate::policy::RouteFacts;
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
    label: ToldLabel,
}

impl ToldPath {
    pub(crate) fn of<D: RouteDetail>(path: &Path<D>) -> Self {
        Self {
            local_id: path.tag.local_id(),
            peer: path.peer,
            attrs: path.attrs,
            label: ToldLabel::of(&path.detail),
        }
    }

    /// What policies were asked about.
    pub(crate) fn facts<K: TableKey>(&self, key: K) -> RouteFacts {
        self.label.facts(key)
    }
}

/// The label of a route that was told, if policies can ask for one.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct ToldLabel(u32);

impl ToldLabel {
    /// Labels have 24 bits.
    const NONE: Self = Self(u32::MAX);

    fn of<D: RouteDetail>(detail: &D) -> Self {
        detail.vni().map_or(Self::NONE, Self)
    }

    /// What policies were asked about the route.
    pub(crate) fn facts<K: TableKey>(self, key: K) -> RouteFacts {
        RouteFacts {
            key: key.route(),
            label: (self != Self::NONE).then_some(self.0),
        }
    }
}

#[derive(Clone)]
enum Told {
    /// The best path, by destination.
    Best {
        attrs: Vec<Option<AttrId>>,
        source: Vec<PeerIdx>,
        /// Of families that have such labels; else empty.
        label: Vec<ToldLabel>,
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
    /// Of the old path.
    pub(crate) old_label: ToldLabel,
    pub(crate) resend: bool,
}

impl GroupTable {
    /// `paths`: how many each destination is told with ids of their own; 0 for the best alone, without an id.
    pub(crate) fn new(paths: u8) -> Self {
        let told = if paths == 0 {
            Told::Best {
                attrs: Vec::new(),
                source: Vec::new(),
                label: Vec::new(),
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
            Told::Best {
                attrs,
                source,
                label,
            } => match attrs.get(id as usize) {
                Some(&Some(attrs)) => SmallVec::from_iter([ToldPath {
                    local_id: 0,
                    peer: source[id as usize],
                    attrs,
                    label: label.get(id as usize).copied().unwrap_or(ToldLabel::NONE),
                }]),
                _ => SmallVec::new(),
            },
            Told::Several { paths, .. } => paths.get(&id).cloned().unwrap_or_default(),
        }
    }

    /// Takes back that a path of a destination was told.
    pub(crate) fn forget_told(&mut self, id: u32, local_id: u16) {
        match &mut self.told {
            Told::Best { attrs, .. } => {
                if let Some(told) = attrs.get_mut(id as usize) {
                    *told = None;
                }
            }
            Told::Several { paths, .. } => {
                if let Some(told) = paths.get_mut(&id) {
                    told.retain(|path| path.local_id != local_id);
                    if told.is_empty() {
                        paths.remove(&id);
                    }
                }
            }
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
        let Told::Best {
            attrs,
            source,
            label,
        } = &mut self.told
        else {
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
            if K::Detail::HAS_VNI {
                label.resize(at + 1, ToldLabel::NONE);
            }
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
        let mut old_label = ToldLabel::NONE;
        if K::Detail::HAS_VNI {
            old_label = std::mem::replace(&mut label[at], ToldLabel::of(&detail));
        }
        if old.is_some() || new.is_some() {
            out.push(Record {
                key,
                detail,
                path_id: 0,
                old,
                new,
                old_source,
                new_source,
                old_label,
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
        let record = |told: &ToldPath, detail, old: Option<&ToldPath>, new| Record {
            key,
            detail,
            path_id: u32::from(told.local_id),
            old: old.map(|old| old.attrs),
            new,
            old_source: told.peer,
            new_source: told.peer,
            old_label: old.map_or(ToldLabel::NONE, |old| old.label),
            resend,
        };
        for gone in old
            .iter()
            .filter(|old| !new.iter().any(|new| same(old, new)))
        {
            out.push(record(gone, K::Detail::default(), Some(gone), None));
        }
        for (told, path) in new.iter().zip(top) {
            let before = old.iter().find(|old| same(old, told));
            if before.is_none_or(|before| before.attrs != told.attrs) || resend {
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
            Told::Best {
                attrs,
                source,
                label,
            } => {
                attrs.capacity() * size_of::<Option<AttrId>>()
                    + source.capacity() * size_of::<PeerIdx>()
                    + label.capacity() * size_of::<ToldLabel>()
            }
            Told::Several { paths, .. } => paths.allocation_size(),
        };
        told + self.dirty.bytes() + self.resend.bytes()
    }
}
