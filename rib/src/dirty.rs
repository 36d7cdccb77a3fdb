//! Which destinations a reader has not seen in their newest state: one bit each, and a doorbell.
//!
//! Marking is idempotent, so a destination that changes a thousand times before its reader comes costs one bit. The
//! low and the high mark keep a pass over few bits short however large the table is.

/// Wakes a reader. The implementation belongs to whoever runs the reader; it must not block and may be called often.
pub trait Doorbell: Send + Sync {
    /// There is something to do now where there was nothing before.
    fn ring(&self);
}

/// For readers that come by themselves.
impl Doorbell for () {
    fn ring(&self) {}
}

const BITS: usize = u64::BITS as usize;

/// A set of destination ids.
#[derive(Clone, Debug, Default)]
pub(crate) struct Bitmap {
    words: Vec<u64>,
    /// All set bits are in `words[low..high]`.
    low: usize,
    high: usize,
    count: usize,
}

impl Bitmap {
    /// True if the bit was not set before.
    pub(crate) fn set(&mut self, id: u32) -> bool {
        let (word, bit) = (id as usize / BITS, id as usize % BITS);
        if word >= self.words.len() {
            self.words.resize(word + 1, 0);
        }
        let mask = 1 << bit;
        if self.words[word] & mask != 0 {
            return false;
        }
        self.words[word] |= mask;
        if self.count == 0 {
            (self.low, self.high) = (word, word + 1);
        } else {
            self.low = self.low.min(word);
            self.high = self.high.max(word + 1);
        }
        self.count += 1;
        true
    }

    /// True if the bit was set.
    pub(crate) fn clear(&mut self, id: u32) -> bool {
        let (word, mask) = (id as usize / BITS, 1 << (id as usize % BITS));
        match self.words.get_mut(word) {
            Some(bits) if *bits & mask != 0 => {
                *bits &= !mask;
                self.count -= 1;
                true
            }
            _ => false,
        }
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        self.words
            .get(id as usize / BITS)
            .is_some_and(|bits| bits & (1 << (id as usize % BITS)) != 0)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// Moves up to `max` ids from the set to `out`, lowest first.
    pub(crate) fn take(&mut self, max: usize, out: &mut Vec<u32>) {
        let n = max.min(self.count);
        out.extend((0..n).map_while(|_| self.pop()));
    }

    /// Takes the lowest id.
    pub(crate) fn pop(&mut self) -> Option<u32> {
        if self.count == 0 {
            return None;
        }
        while self.words[self.low] == 0 {
            self.low += 1;
        }
        let bits = &mut self.words[self.low];
        let bit = bits.trailing_zeros();
        *bits &= *bits - 1;
        self.count -= 1;
        Some((self.low * BITS) as u32 + bit)
    }

    /// All ids, lowest first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let range = if self.count == 0 {
            0..0
        } else {
            self.low..self.high
        };
        range.flat_map(move |word| {
            let mut bits = self.words[word];
            std::iter::from_fn(move || {
                if bits == 0 {
                    return None;
                }
                let bit = bits.trailing_zeros();
                bits &= bits - 1;
                Some((word * BITS) as u32 + bit)
            })
        })
    }

    /// Bytes on the heap.
    pub(crate) fn bytes(&self) -> usize {
        self.words.capacity() * size_of::<u64>()
    }

    #[cfg(test)]
    fn check(&self) {
        let ones: usize = self
            .words
            .iter()
            .map(|bits| bits.count_ones() as usize)
            .sum();
        assert_eq!(ones, self.count);
        assert_eq!(self.iter().count(), self.count);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn marking_twice_is_marking_once() {
        let mut bitmap = Bitmap::default();
        assert!(bitmap.set(70));
        assert!(!bitmap.set(70));
        assert_eq!(bitmap.len(), 1);
    }

    #[test]
    fn ids_come_out_lowest_first_and_only_once() {
        let mut bitmap = Bitmap::default();
        for id in [700, 3, 64, 63, 65] {
            bitmap.set(id);
        }
        let mut out = Vec::new();
        bitmap.take(3, &mut out);
        assert_eq!(out, [3, 63, 64]);
        bitmap.set(1);
        bitmap.take(10, &mut out);
        assert_eq!(out, [3, 63, 64, 1, 65, 700]);
        assert!(bitmap.is_empty());
    }

    proptest! {
        #[test]
        fn a_bitmap_is_a_set(steps in proptest::collection::vec((0u8..4, 0u32..500), 0..200)) {
            let mut bitmap = Bitmap::default();
            let mut model = BTreeSet::new();
            for (what, id) in steps {
                match what {
                    0 | 1 => prop_assert_eq!(bitmap.set(id), model.insert(id)),
                    2 => prop_assert_eq!(bitmap.clear(id), model.remove(&id)),
                    _ => {
                        let mut taken = Vec::new();
                        bitmap.take(id as usize % 7, &mut taken);
                        for id in taken {
                            prop_assert_eq!(model.pop_first(), Some(id));
                        }
                    }
                }
                bitmap.check();
                prop_assert_eq!(bitmap.contains(id), model.contains(&id));
                prop_assert!(bitmap.iter().eq(model.iter().copied()));
            }
        }
    }
}
