//! A histogram of plain atomics: cheap enough for the path of an UPDATE, copied out when somebody asks.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Upper bounds for times, in seconds: 10 microseconds to 10 seconds.
pub const SECONDS: &[f64] = &[
    0.000_01, 0.000_03, 0.000_1, 0.000_3, 0.001, 0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0,
];

/// Upper bounds for the size of batches.
pub const SIZES: &[f64] = &[
    1.0, 4.0, 16.0, 64.0, 256.0, 1_000.0, 4_000.0, 16_000.0, 64_000.0, 256_000.0,
];

/// Counts of values by size.
#[derive(Debug)]
pub struct Histogram {
    bounds: &'static [f64],
    /// One for each bound and one for what lies above the last.
    counts: Box<[AtomicU64]>,
    /// Sum in parts of a unit, so that an integer holds it.
    sum: AtomicU64,
    /// Parts of a unit.
    parts: f64,
}

impl Histogram {
    fn new(bounds: &'static [f64], parts: f64) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self {
            bounds,
            counts,
            sum: AtomicU64::new(0),
            parts,
        }
    }

    /// A histogram of times, summed in nanoseconds.
    pub fn of_seconds() -> Self {
        Self::new(SECONDS, 1e9)
    }

    /// A histogram of batch sizes.
    pub fn of_sizes() -> Self {
        Self::new(SIZES, 1.0)
    }

    /// Counts a value.
    pub fn observe(&self, value: f64) {
        let slot = self.bounds.partition_point(|bound| *bound < value);
        self.counts[slot].fetch_add(1, Ordering::Relaxed);
        // The cast saturates, and takes what is not a number for nothing.
        self.sum
            .fetch_add((value * self.parts) as u64, Ordering::Relaxed);
    }

    /// Counts a time.
    pub fn observe_time(&self, time: Duration) {
        self.observe(time.as_secs_f64());
    }

    /// A copy for a reader.
    pub fn view(&self) -> HistogramView {
        HistogramView {
            bounds: self.bounds.to_vec(),
            counts: self
                .counts
                .iter()
                .map(|count| count.load(Ordering::Relaxed))
                .collect(),
            sum: self.sum.load(Ordering::Relaxed) as f64 / self.parts,
        }
    }
}

/// A histogram at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct HistogramView {
    /// Upper bounds, ascending.
    pub bounds: Vec<f64>,
    /// Values up to each bound and above the one before it, and at the end those above all bounds.
    pub counts: Vec<u64>,
    /// Sum of all values.
    pub sum: f64,
}

impl HistogramView {
    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.counts.iter().sum()
    }

    /// Upper bound and count for each slot, infinity last, as OpenMetrics has them before they are summed up.
    pub fn buckets(&self) -> Vec<(f64, u64)> {
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let counts = self.counts.iter().copied().chain(std::iter::repeat(0));
        bounds.zip(counts).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_on_a_bound_belongs_to_it() {
        let histogram = Histogram::new(&[1.0, 10.0], 10.0);
        for value in [0.0, 0.5, 1.0, 1.5, 10.0, 10.1, 1e6] {
            histogram.observe(value);
        }
        let view = histogram.view();
        assert_eq!(view.counts, [3, 2, 2]);
        assert_eq!(view.count(), 7);
        assert!((view.sum - 1_000_023.1).abs() < 1e-3, "{}", view.sum);
    }

    #[test]
    fn times_are_seconds() {
        let histogram = Histogram::of_seconds();
        histogram.observe_time(Duration::from_micros(20));
        let view = histogram.view();
        assert_eq!(view.counts[1], 1);
        assert!((view.sum - 0.000_02).abs() < 1e-9);
    }

    #[test]
    fn strange_values_harm_nothing() {
        let histogram = Histogram::of_sizes();
        histogram.observe(-1.0);
        histogram.observe(f64::INFINITY);
        histogram.observe(f64::NAN);
        assert_eq!(histogram.view().count(), 3);
    }

    #[test]
    fn an_empty_view_has_a_bucket_for_everything() {
        assert_eq!(HistogramView::default().buckets(), [(f64::INFINITY, 0)]);
    }
}
