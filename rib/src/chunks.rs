//! A growing array whose elements never move and can be read without a lock.
//!
//! Chunks get larger by a quarter of what is there, so at most about a fifth of the memory waits for its first use.

use std::sync::OnceLock;

/// Elements of the first chunks. Four chunks of each size, then the size doubles.
const FIRST_BITS: u32 = 6;
/// Enough for 2^30 elements.
const CHUNKS: usize = 4 * 24;

/// The array. All elements exist from the start, as their default value.
pub(crate) struct Chunks<T> {
    chunks: Box<[OnceLock<Box<[T]>>]>,
}

/// Chunk and place of an element, and the size of the chunk.
#[inline]
fn locate(at: u32) -> (usize, usize, usize) {
    let n = at as usize + (4 << FIRST_BITS);
    let group = n.ilog2() - FIRST_BITS - 2;
    let bits = FIRST_BITS + group;
    (
        group as usize * 4 + ((n >> bits) & 3),
        n & ((1 << bits) - 1),
        1 << bits,
    )
}

impl<T: Default> Chunks<T> {
    pub(crate) fn new() -> Self {
        Self {
            chunks: (0..CHUNKS).map(|_| OnceLock::new()).collect(),
        }
    }

    /// The element, if its chunk was ever asked for.
    #[inline]
    pub(crate) fn get(&self, at: u32) -> Option<&T> {
        let (chunk, place, _) = locate(at);
        self.chunks[chunk].get().map(|chunk| &chunk[place])
    }

    /// The element.
    pub(crate) fn ensure(&self, at: u32) -> &T {
        let (chunk, place, size) = locate(at);
        &self.chunks[chunk].get_or_init(|| (0..size).map(|_| T::default()).collect())[place]
    }

    /// The element, if its chunk was ever asked for.
    pub(crate) fn get_mut(&mut self, at: u32) -> Option<&mut T> {
        let (chunk, place, _) = locate(at);
        self.chunks[chunk].get_mut().map(|chunk| &mut chunk[place])
    }

    /// Gives back the chunks of which no element below `used` is part.
    pub(crate) fn truncate(&mut self, used: u32) {
        let keep = if used == 0 { 0 } else { locate(used - 1).0 + 1 };
        for chunk in &mut self.chunks[keep..] {
            chunk.take();
        }
    }

    /// Bytes on the heap, without what elements own.
    pub(crate) fn bytes(&self) -> usize {
        let elements: usize = self
            .chunks
            .iter()
            .filter_map(OnceLock::get)
            .map(|chunk| chunk.len())
            .sum();
        elements * size_of::<T>() + self.chunks.len() * size_of::<OnceLock<Box<[T]>>>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_element_has_its_own_place() {
        let mut expected = (0, 0);
        for at in 0..100_000 {
            let (chunk, place, size) = locate(at);
            assert_eq!((chunk, place), expected, "element {at}");
            expected = if place + 1 == size {
                (chunk + 1, 0)
            } else {
                (chunk, place + 1)
            };
        }
        assert!(locate(1 << 28).0 < CHUNKS);
    }

    #[test]
    fn elements_are_kept_until_truncated() {
        let mut chunks = Chunks::<u32>::new();
        assert!(chunks.get(5000).is_none());
        chunks.ensure(5000);
        *chunks.get_mut(5000).unwrap() = 7;
        chunks.truncate(5001);
        assert_eq!(chunks.get(5000), Some(&7));
        chunks.truncate(5);
        assert_eq!(chunks.get(5000), None);
    }
}
