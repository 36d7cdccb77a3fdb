//! Counters of the kernel room: plain atomics, read by whoever exports metrics.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// A histogram with fixed bounds.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    bounds: [u64; N],
    counts: [AtomicU64; N],
    over: AtomicU64,
    sum: AtomicU64,
}

/// What a [`Histogram`] held at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistogramSnapshot {
    /// Upper bound (inclusive) and count of each bucket, not cumulative.
    pub buckets: Vec<(u64, u64)>,
    /// Count above the last bound.
    pub over: u64,
    /// Sum of all values.
    pub sum: u64,
}

impl<const N: usize> Histogram<N> {
    const fn new(bounds: [u64; N]) -> Self {
        Self {
            bounds,
            counts: [const { AtomicU64::new(0) }; N],
            over: AtomicU64::new(0),
            sum: AtomicU64::new(0),
        }
    }

    /// Counts `n` observations of one value.
    pub fn record(&self, value: u64, n: u64) {
        let bucket = self.bounds.iter().position(|b| value <= *b);
        bucket
            .map_or(&self.over, |b| &self.counts[b])
            .fetch_add(n, Relaxed);
        self.sum.fetch_add(value.saturating_mul(n), Relaxed);
    }

    /// Reads it.
    pub fn snapshot(&self) -> HistogramSnapshot {
        HistogramSnapshot {
            buckets: self
                .bounds
                .iter()
                .zip(&self.counts)
                .map(|(b, c)| (*b, c.load(Relaxed)))
                .collect(),
            over: self.over.load(Relaxed),
            sum: self.sum.load(Relaxed),
        }
    }
}

/// What the kernel room did since the start.
#[derive(Debug)]
pub struct KernelStats {
    /// Routes that the kernel acknowledged as added or replaced.
    pub programmed: AtomicU64,
    /// Messages that the kernel refused.
    pub failed: AtomicU64,
    /// Routes that the kernel acknowledged as removed.
    pub withdrawn: AtomicU64,
    /// Routes put right after someone else had changed or removed them.
    pub repaired: AtomicU64,
    /// Batches written.
    pub batches: AtomicU64,
    /// `send` calls for them.
    pub sends: AtomicU64,
    /// Times that all was read again: notifications or answers were lost, or a link changed.
    pub resyncs: AtomicU64,
    /// Notifications that were lost (`ENOBUFS`).
    pub overruns: AtomicU64,
    /// Comparisons of the whole wanted table with the kernel's.
    pub audits: AtomicU64,
    /// Messages in a batch.
    pub batch_size: Histogram<9>,
    /// Microseconds from draining a destination to the kernel's answer.
    pub latency_us: Histogram<12>,
}

impl Default for KernelStats {
    fn default() -> Self {
        Self {
            programmed: AtomicU64::new(0),
            failed: AtomicU64::new(0),
            withdrawn: AtomicU64::new(0),
            repaired: AtomicU64::new(0),
            batches: AtomicU64::new(0),
            sends: AtomicU64::new(0),
            resyncs: AtomicU64::new(0),
            overruns: AtomicU64::new(0),
            audits: AtomicU64::new(0),
            batch_size: Histogram::new([1, 4, 16, 64, 128, 256, 384, 500, 1000]),
            latency_us: Histogram::new([
                100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_500_000,
                10_000_000,
            ]),
        }
    }
}

impl KernelStats {
    pub(crate) fn add(counter: &AtomicU64, n: u64) {
        counter.fetch_add(n, Relaxed);
    }

    pub(crate) fn record_latency(&self, since: Duration, n: u64) {
        self.latency_us
            .record(u64::try_from(since.as_micros()).unwrap_or(u64::MAX), n);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_the_bound_belongs_to_its_bucket_and_one_above_all_is_kept() {
        let h = Histogram::new([10, 20]);
        h.record(10, 2);
        h.record(11, 1);
        h.record(21, 1);
        let s = h.snapshot();
        assert_eq!(s.buckets, [(10, 2), (20, 1)]);
        assert_eq!((s.over, s.sum), (1, 52));
    }
}
