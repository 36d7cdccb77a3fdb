//! The messages that wait to be written to one peer: pushed by the exporter, popped by the task of the peer.
//!
//! A queue is bounded by bytes, softly: above the high mark it counts as full, and the exporter pushes nothing more
//! until it fell to the low mark. Only while another member of the group would run dry does it push on, up to four
//! times the high mark; then the member is too slow for the group. What is pushed is shared with the other members,
//! so a queue holds references, not copies.

use crate::dirty::Doorbell;
use bytes::Bytes;
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};

/// Some messages, whole.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Chunk {
    /// The messages, one after the other.
    pub bytes: Bytes,
    /// How many they are.
    pub messages: u32,
}

#[derive(Default)]
struct Waiting {
    chunks: VecDeque<Chunk>,
    bytes: usize,
    full: bool,
}

/// See the top of this file.
pub struct MemberQueue {
    waiting: Mutex<Waiting>,
    /// Wakes the task of the peer.
    bell: Arc<dyn Doorbell>,
    /// Wakes the exporter.
    exporter: OnceLock<Arc<dyn Doorbell>>,
    high: usize,
    low: usize,
}

/// Times the high mark.
const OVERDUE: usize = 4;

impl MemberQueue {
    /// Full at 256 KiB, and again open at a quarter of that: the socket behind it holds megabytes, so more is only memory.
    pub const HIGH: usize = 256 * 1024;

    /// A queue whose reader is woken by `bell` when there is something again.
    pub fn new(bell: Arc<dyn Doorbell>) -> Self {
        Self::with_limit(bell, Self::HIGH)
    }

    /// A queue that is full at `high` bytes.
    pub fn with_limit(bell: Arc<dyn Doorbell>, high: usize) -> Self {
        Self {
            waiting: Mutex::default(),
            bell,
            exporter: OnceLock::new(),
            high,
            low: high / 4,
        }
    }

    /// The oldest chunk.
    pub fn pop(&self) -> Option<Chunk> {
        let mut waiting = self.waiting.lock();
        let chunk = waiting.chunks.pop_front()?;
        let before = waiting.bytes;
        waiting.bytes -= chunk.bytes.len();
        let drained = before > self.low && waiting.bytes <= self.low;
        if drained {
            waiting.full = false;
        }
        if waiting.chunks.is_empty() {
            waiting.chunks.shrink_to(16);
        }
        drop(waiting);
        if drained && let Some(exporter) = self.exporter.get() {
            exporter.ring();
        }
        Some(chunk)
    }

    /// Bytes that wait.
    pub fn bytes(&self) -> usize {
        self.waiting.lock().bytes
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.lock().chunks.is_empty()
    }

    pub(crate) fn push(&self, chunk: Chunk) {
        if chunk.bytes.is_empty() {
            return;
        }
        let mut waiting = self.waiting.lock();
        let was_empty = waiting.chunks.is_empty();
        waiting.bytes += chunk.bytes.len();
        waiting.full |= waiting.bytes >= self.high;
        waiting.chunks.push_back(chunk);
        drop(waiting);
        if was_empty {
            self.bell.ring();
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.waiting.lock().full
    }

    /// Whether the reader is so far behind that nothing more may be pushed at all.
    pub(crate) fn is_overdue(&self) -> bool {
        self.waiting.lock().bytes >= self.high * OVERDUE
    }

    /// Whether the reader will soon have nothing to do.
    pub(crate) fn is_low(&self) -> bool {
        self.waiting.lock().bytes <= self.low
    }

    pub(crate) fn set_exporter(&self, bell: Arc<dyn Doorbell>) {
        // A queue joins once; a second join is of the same exporter.
        let _ = self.exporter.set(bell);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[derive(Default)]
    struct Rings(AtomicUsize);

    impl Doorbell for Rings {
        fn ring(&self) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn chunk(len: usize) -> Chunk {
        Chunk {
            bytes: vec![0; len].into(),
            messages: 1,
        }
    }

    #[test]
    fn a_full_queue_opens_again_at_the_low_mark_and_not_before() {
        let (reader, exporter) = (Arc::new(Rings::default()), Arc::new(Rings::default()));
        let queue = MemberQueue::with_limit(reader.clone(), 100);
        queue.set_exporter(exporter.clone());
        for _ in 0..4 {
            queue.push(chunk(25));
        }
        assert!(queue.is_full());
        for _ in 0..2 {
            queue.pop();
            assert!(queue.is_full());
        }
        assert_eq!(exporter.0.load(Ordering::Relaxed), 0);
        queue.pop();
        assert!(!queue.is_full());
        assert_eq!(exporter.0.load(Ordering::Relaxed), 1);
        assert_eq!(reader.0.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn the_reader_is_rung_when_there_is_something_again() {
        let reader = Arc::new(Rings::default());
        let queue = MemberQueue::new(reader.clone());
        queue.push(chunk(1));
        queue.push(chunk(1));
        assert_eq!(reader.0.load(Ordering::Relaxed), 1);
        while queue.pop().is_some() {}
        queue.push(chunk(1));
        assert_eq!(reader.0.load(Ordering::Relaxed), 2);
    }
}
