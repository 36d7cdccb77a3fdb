//! Paths of destinations that have more than one: blocks of 2, 4, 8, ... paths in one vector. A block always has the
//! size that its number of paths calls for, so nobody stores it.
//!
//! Blocks are buddies: one of 2^k paths begins at a multiple of that, and free neighbours become one. So when all
//! destinations grow from two paths to eight, the room of the small blocks is that of large ones again.

use crate::dirty::Bitmap;
use crate::path::Path;

/// The blocks of one family table.
pub(crate) struct Arena<D> {
    paths: Vec<Path<D>>,
    /// Free blocks by size class, each by its number among blocks of that size.
    free: Vec<Bitmap>,
}

/// Size class of a block of `n` paths: 0 for 2, 1 for 3 and 4, ...
fn class_of(n: usize) -> usize {
    debug_assert!(n >= 2);
    (n - 1).ilog2() as usize
}

/// Paths in a block of a class.
fn size_of_class(class: usize) -> u32 {
    2 << class
}

impl<D> Default for Arena<D> {
    fn default() -> Self {
        Self {
            paths: Vec::new(),
            free: Vec::new(),
        }
    }
}

impl<D: Copy> Arena<D> {
    fn allocate(&mut self, n: usize, fill: Path<D>) -> u32 {
        let class = class_of(n);
        let found = (class..self.free.len()).find_map(|from| Some((from, self.free[from].pop()?)));
        let Some((from, number)) = found else {
            return self.extend(class, fill);
        };
        let at = number * size_of_class(from);
        // What is larger than needed is halved, and the upper halves stay free.
        for class in class..from {
            self.put(class, at + size_of_class(class));
        }
        at
    }

    /// A block at the end, which may leave free ones below it.
    fn extend(&mut self, class: usize, fill: Path<D>) -> u32 {
        let mut at = self.paths.len() as u32;
        for below in 0..class {
            if at & size_of_class(below) != 0 {
                self.put(below, at);
                at += size_of_class(below);
            }
        }
        self.paths
            .resize((at + size_of_class(class)) as usize, fill);
        at
    }

    fn put(&mut self, class: usize, at: u32) {
        if self.free.len() <= class {
            self.free.resize_with(class + 1, Bitmap::default);
        }
        self.free[class].set(at / size_of_class(class));
    }

    fn release(&mut self, mut at: u32, n: usize) {
        let mut class = class_of(n);
        while let Some(free) = self.free.get_mut(class)
            && free.clear((at / size_of_class(class)) ^ 1)
        {
            at &= !size_of_class(class);
            class += 1;
        }
        self.put(class, at);
    }

    /// The `n` paths of a block.
    #[inline]
    pub(crate) fn get(&self, at: u32, n: usize) -> &[Path<D>] {
        &self.paths[at as usize..at as usize + n]
    }

    /// The `n` paths of a block.
    #[inline]
    pub(crate) fn get_mut(&mut self, at: u32, n: usize) -> &mut [Path<D>] {
        &mut self.paths[at as usize..at as usize + n]
    }

    /// A block of two.
    pub(crate) fn pair(&mut self, first: Path<D>, second: Path<D>) -> u32 {
        self.block_of(&[first, second])
    }

    /// A block of these, two or more.
    pub(crate) fn block_of(&mut self, paths: &[Path<D>]) -> u32 {
        let at = self.allocate(paths.len(), paths[0]);
        self.get_mut(at, paths.len()).copy_from_slice(paths);
        at
    }

    /// Adds a path to a block of `n` (2 or more); the block may move.
    pub(crate) fn push(&mut self, at: u32, n: usize, path: Path<D>) -> u32 {
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

    fn moved(&mut self, at: u32, from: usize, to: usize, fill: Path<D>) -> u32 {
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
        let free: usize = self.free.iter().map(Bitmap::bytes).sum();
        self.paths.capacity() * size_of::<Path<D>>() + free
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attrs::AttrId;
    use crate::path::{PeerIdx, Tag};

    fn path(id: u32) -> Path<()> {
        Path {
            attrs: AttrId::test(id + 1),
            path_id: id,
            peer: PeerIdx(1),
            tag: Tag::new(None),
            detail: (),
        }
    }

    fn ids(arena: &Arena<()>, at: u32, n: usize) -> Vec<u32> {
        arena.get(at, n).iter().map(|path| path.path_id).collect()
    }

    #[test]
    fn a_block_grows_and_shrinks_without_losing_a_path() {
        let mut arena = Arena::<()>::default();
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
    fn free_neighbours_become_one_block() {
        let mut arena = Arena::<()>::default();
        let pairs: Vec<_> = (0..32).map(|n| arena.pair(path(n), path(n))).collect();
        for at in pairs {
            arena.free(at, 2);
        }
        let before = arena.paths.len();
        let all: Vec<_> = (0..64).map(path).collect();
        let at = arena.block_of(&all);
        assert_eq!(ids(&arena, at, 64), (0..64).collect::<Vec<_>>());
        assert_eq!(arena.paths.len(), before);
    }

    #[test]
    fn blocks_never_overlap() {
        let mut arena = Arena::<()>::default();
        let mut blocks: Vec<(u32, usize, u32)> = Vec::new();
        let mut random = 1u32;
        for round in 0..3000 {
            random = random.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            let n = 2 + (random >> 8) as usize % 20;
            if random >> 31 == 0 || blocks.is_empty() {
                let at = arena.block_of(&vec![path(round); n]);
                blocks.push((at, n, round));
            } else {
                let (at, n, mark) = blocks.swap_remove((random >> 8) as usize % blocks.len());
                assert_eq!(ids(&arena, at, n), vec![mark; n]);
                arena.free(at, n);
            }
        }
        for (at, n, mark) in blocks {
            assert_eq!(ids(&arena, at, n), vec![mark; n]);
        }
    }
}
