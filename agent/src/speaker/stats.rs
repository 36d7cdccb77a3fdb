//! How much the speaker does at a time, and how fast.

use std::sync::atomic::AtomicU64;

use crate::observe::histogram::Histogram;

/// Histograms of all routers together.
#[derive(Debug)]
pub struct SpeakerStats {
    /// NLRI in one batch from one read.
    pub inbound_batch: Histogram,
    /// Destinations handled between two looks at the exporter's doorbell.
    pub export_batch: Histogram,
    /// From the first ring of the exporter's doorbell to everything being encoded.
    pub export_latency: Histogram,
    /// Panics in tasks of peers, each of which cost a session: defects of ours.
    pub peer_panics: AtomicU64,
    /// Paths not taken because their destination has as many as it may have.
    pub paths_dropped: AtomicU64,
    /// Routes not told because their attributes leave no room for them in a message (RFC 8654 §4).
    pub routes_oversized: AtomicU64,
}

impl Default for SpeakerStats {
    fn default() -> Self {
        Self {
            inbound_batch: Histogram::of_sizes(),
            export_batch: Histogram::of_sizes(),
            export_latency: Histogram::of_seconds(),
            peer_panics: AtomicU64::new(0),
            paths_dropped: AtomicU64::new(0),
            routes_oversized: AtomicU64::new(0),
        }
    }
}
