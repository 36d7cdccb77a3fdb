//! What the kernel's reader has to look at again, in one table.
//!
//! A reader that installs nothing still resolves next hops over the best paths, as those of other routers may lie
//! behind them. It asks for the few destinations around next hops only; everything else costs it no mark.

use crate::dirty::Bitmap;
use crate::shard_key::TableKey;
use ipnet::IpNet;
use std::sync::Arc;

/// Which destinations a reader wants to hear of. Asked under a shard lock: short, pure, and without locks that are ever
/// held while a table is asked.
pub trait FibInterest: Send + Sync {
    /// Whether a change of this destination matters.
    fn wants(&self, prefix: &IpNet) -> bool;
}

/// See the top of this file.
pub(crate) struct FibMarks {
    dirty: Bitmap,
    /// Only what this wants; everything without it.
    only: Option<Arc<dyn FibInterest>>,
}

impl FibMarks {
    pub(crate) fn new(dirty: Bitmap, only: Option<Arc<dyn FibInterest>>) -> Self {
        Self { dirty, only }
    }

    /// Marks a destination. True if it is the first, so that the reader has to be rung.
    #[inline]
    pub(crate) fn mark<K: TableKey>(&mut self, id: u32, key: K) -> bool {
        if let Some(only) = &self.only
            && !key.route().net().is_some_and(|net| only.wants(&net))
        {
            return false;
        }
        let first = self.dirty.is_empty();
        self.dirty.set(id);
        first
    }

    pub(crate) fn contains(&self, id: u32) -> bool {
        self.dirty.contains(id)
    }

    /// Moves up to `max` marks to `ids`, and says how many are left.
    pub(crate) fn take(&mut self, max: usize, ids: &mut Vec<u32>) -> usize {
        self.dirty.take(max, ids);
        self.dirty.len()
    }

    pub(crate) fn clear(&mut self) {
        self.dirty = Bitmap::default();
    }

    pub(crate) fn bytes(&self) -> usize {
        self.dirty.bytes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ipnet::Ipv4Net;

    struct Around(IpNet);

    impl FibInterest for Around {
        fn wants(&self, prefix: &IpNet) -> bool {
            prefix.contains(&self.0)
        }
    }

    #[test]
    fn only_what_is_wanted_is_marked_and_only_the_first_mark_rings() {
        let net = |text: &str| text.parse::<Ipv4Net>().unwrap();
        let only = Around("10.1.2.3/32".parse().unwrap());
        let mut marks = FibMarks::new(Bitmap::default(), Some(Arc::new(only)));
        assert!(!marks.mark(1, net("10.2.0.0/16")));
        assert!(marks.mark(2, net("10.1.0.0/16")));
        assert!(!marks.mark(3, net("0.0.0.0/0")));
        let mut ids = Vec::new();
        assert_eq!(marks.take(10, &mut ids), 0);
        assert_eq!(ids, [2, 3]);
    }
}
