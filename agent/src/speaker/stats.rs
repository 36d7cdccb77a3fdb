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
}

impl Default for SpeakerStats {
    fn default() -> Self {
        Self {
            inbound_batch: Histogram::of_sizes(),
            export_batch: Histogram::of_sizes(),
            export_latency: Histogram::of_seconds(),
            peer_panics: AtomicU64::new(0),
        }
    }
}
