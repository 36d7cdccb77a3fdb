//! Paths of destinations that have more than one: blocks of 2, 4, 8, ... paths in one vector, with a free list for
//! each size. A block always has the size that its number of paths calls for, so nobody stores it.

use crate::path::Path;

/// The blocks of one family table.
#[derive(Default)]
pub(crate) struct Arena {
    paths: Vec<Path>,
    /// First places of free blocks, by size class.
    free: Vec<Vec<u32>>,
}

/// Size class of a block of `n` paths: 0 for 2, 1 for 3 and 4, ...
fn class_of(n: usize) -> usize {
    debug_assert!(n >= 2);
    (n - 1).ilog2() as usize
}

impl Arena {
    fn allocate(&mut self, n: usize, fill: Path) -> u32 {
        let class = class_of(n);
        if let Some(at) = self.free.get_mut(class).and_then(Vec::pop) {
            return at;
        }
        let at = self.paths.len();
        self.paths.resize(at + (2 << class), fill);
        at as u32
    }

    fn release(&mut self, at: u32, n: usize) {
        let class = class_of(n);
        if self.free.len() <= class {
            self.free.resize_with(class + 1, Vec::new);
        }
        self.free[class].push(at);
    }

    /// The `n` paths of a block.
    #[inline]
    pub(crate) fn get(&self, at: u32, n: usize) -> &[Path] {
        &self.paths[at as usize..at as usize + n]
    }

    /// The `n` paths of a block.
    #[inline]
    pub(crate) fn get_mut(&mut self, at: u32, n: usize) -> &mut [Path] {
        &mut self.paths[at as usize..at as usize + n]
    }

    /// A block of two.
    pub(crate) fn pair(&mut self, first: Path, second: Path) -> u32 {
        self.block_of(&[first, second])
    }

    /// A block of these, two or more.
    pub(crate) fn block_of(&mut self, paths: &[Path]) -> u32 {
        let at = self.allocate(paths.len(), paths[0]);
        self.get_mut(at, paths.len()).copy_from_slice(paths);
        at
    }

    /// Adds a path to a block of `n` (2 or more); the block may move.
    pub(crate) fn push(&mut self, at: u32, n: usize, path: Path) -> u32 {
        let at = if class_of(n) == class_of(n + 1) {
            at
        } else {
            self.moved(at, n, n + 1, path)
        };
        self.paths[at as usize + n] = path;
        at
    }

    /// Takes the path at `place` out of a block of `n` (3 or more), the last one filling its place; the block may move.
    pub(crate) fn swap_remove(&mut self, at: u32, n: usize, place: usize) -> u32 {
        let block = self.get_mut(at, n);
        block[place] = block[n - 1];
        if class_of(n) == class_of(n - 1) {
            return at;
        }
        let fill = self.paths[at as usize];
        let to = self.allocate(n - 1, fill);
        self.paths
            .copy_within(at as usize..at as usize + n - 1, to as usize);
        self.release(at, n);
        to
    }

    /// Gives a block of `n` back.
    pub(crate) fn free(&mut self, at: u32, n: usize) {
        self.release(at, n);
    }

    fn moved(&mut self, at: u32, from: usize, to: usize, fill: Path) -> u32 {
        let new = self.allocate(to, fill);
        self.paths
            .copy_within(at as usize..at as usize + from, new as usize);
        self.release(at, from);
        new
    }

    /// Gives all memory back. Only when no block is in use.
    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        let free: usize = self
            .free
            .iter()
            .map(|list| list.capacity() * size_of::<u32>())
            .sum();
        self.paths.capacity() * size_of::<Path>() + free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attrs::AttrId;
    use crate::path::{PeerIdx, Tag};

    fn path(id: u32) -> Path {
        Path {
            attrs: AttrId::test(id + 1),
            path_id: id,
            peer: PeerIdx(1),
            tag: Tag::new(None),
        }
    }

    fn ids(arena: &Arena, at: u32, n: usize) -> Vec<u32> {
        arena.get(at, n).iter().map(|path| path.path_id).collect()
    }

    #[test]
    fn a_block_grows_and_shrinks_without_losing_a_path() {
        let mut arena = Arena::default();
        let mut at = arena.pair(path(0), path(1));
        for n in 2..40 {
            at = arena.push(at, n, path(n as u32));
            assert_eq!(ids(&arena, at, n + 1), (0..=n as u32).collect::<Vec<_>>());
        }
        for n in (3..=40).rev() {
            at = arena.swap_remove(at, n, 0);
            let mut left = ids(&arena, at, n - 1);
            left.sort_unstable();
            assert_eq!(left.len(), n - 1);
            left.dedup();
            assert_eq!(left.len(), n - 1);
        }
        arena.free(at, 2);
    }

    #[test]
    fn freed_blocks_are_used_again() {
        let mut arena = Arena::default();
        let at = arena.pair(path(0), path(1));
        let at = arena.push(at, 2, path(2));
        arena.free(at, 3);
        let before = arena.paths.len();
        let two = arena.pair(path(3), path(4));
        let four = arena.push(two, 2, path(5));
        assert_eq!(
            (ids(&arena, four, 3), arena.paths.len()),
            (vec![3, 4, 5], before)
        );
    }
}
