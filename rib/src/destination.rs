//! One prefix: 20 bytes for IPv4, 32 for IPv6, 32 and 44 for those of VPNs, with its best path inline.
//!
//! A destination with one path is complete in itself. With more, the paths are in a block of the table's arena, the
//! best one first, and the destination keeps a copy of that one's handle, peer and tag: readers that care for the
//! best path alone never look into the arena.

use crate::attrs::AttrId;
use crate::path::{Path, PeerIdx, Tag};
use crate::shard_key::TableKey;

/// See the top of this file.
#[derive(Clone, Copy)]
pub(crate) struct Destination<K: TableKey> {
    pub(crate) key: K,
    state: u8,
    n: u16,
    attrs: Option<AttrId>,
    /// Path id of the only path, or where the block of several begins.
    word: u32,
    peer: PeerIdx,
    tag: Tag,
    /// Of the first path.
    detail: K::Detail,
}

/// What readers see of a best path: with another of these they have something to do.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Best<D> {
    pub(crate) attrs: AttrId,
    pub(crate) peer: PeerIdx,
    pub(crate) detail: D,
}

/// The first path is selected.
const BEST: u8 = 1;
/// The slot holds a prefix (and is in the index).
const IN_USE: u8 = 2;

impl<K: TableKey> Destination<K> {
    pub(crate) fn new(key: K) -> Self {
        Self {
            key,
            state: IN_USE,
            n: 0,
            attrs: None,
            word: 0,
            peer: PeerIdx::LOCAL,
            tag: Tag::new(None),
            detail: K::Detail::default(),
        }
    }

    pub(crate) fn is_in_use(&self) -> bool {
        self.state & IN_USE != 0
    }

    pub(crate) fn retire(&mut self) {
        self.state = 0;
    }

    /// Number of paths.
    pub(crate) fn len(&self) -> usize {
        usize::from(self.n)
    }

    /// The best path, as readers see it.
    #[inline]
    pub(crate) fn best(&self) -> Option<Best<K::Detail>> {
        if self.state & BEST == 0 {
            None
        } else {
            self.attrs.map(|attrs| Best {
                attrs,
                peer: self.peer,
                detail: self.detail,
            })
        }
    }

    /// Whether there is a best path; it is the first then.
    pub(crate) fn has_best(&self) -> bool {
        self.state & BEST != 0
    }

    pub(crate) fn set_has_best(&mut self, best: bool) {
        self.state = if best {
            self.state | BEST
        } else {
            self.state & !BEST
        };
    }

    /// The path of a destination with one.
    pub(crate) fn single(&self) -> Option<Path<K::Detail>> {
        match self.attrs {
            Some(attrs) if self.n == 1 => Some(Path {
                attrs,
                path_id: self.word,
                peer: self.peer,
                tag: self.tag,
                detail: self.detail,
            }),
            _ => None,
        }
    }

    /// Where the block of a destination with several paths begins.
    pub(crate) fn block(&self) -> u32 {
        debug_assert!(self.n > 1);
        self.word
    }

    pub(crate) fn set_empty(&mut self) {
        (self.n, self.attrs) = (0, None);
        self.set_has_best(false);
    }

    pub(crate) fn set_single(&mut self, path: Path<K::Detail>) {
        self.n = 1;
        self.word = path.path_id;
        self.mirror(path);
    }

    pub(crate) fn set_block(&mut self, block: u32, n: usize, first: Path<K::Detail>) {
        self.n = n as u16;
        self.word = block;
        self.mirror(first);
    }

    fn mirror(&mut self, first: Path<K::Detail>) {
        (self.attrs, self.peer, self.tag) = (Some(first.attrs), first.peer, first.tag);
        self.detail = first.detail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::Vpn;
    use ipnet::{Ipv4Net, Ipv6Net};

    #[test]
    fn a_destination_is_small() {
        assert_eq!(size_of::<Destination<Ipv4Net>>(), 20);
        assert_eq!(size_of::<Destination<Ipv6Net>>(), 32);
        assert_eq!(size_of::<Destination<Vpn<Ipv4Net>>>(), 32);
        assert_eq!(size_of::<Destination<Vpn<Ipv6Net>>>(), 44);
    }
}
