//! What the log says of routes of ours that somebody else changed or removed: one line in a while.

use std::time::Instant;

use crate::seldom::Seldom;

/// See the top of this file.
#[derive(Default)]
pub(super) struct ToldRepaired {
    seen: u64,
    seldom: Seldom,
}

impl ToldRepaired {
    /// `repaired` is how many have been put right since the start.
    pub(super) fn tell(&mut self, repaired: u64, now: Instant) {
        let new = repaired.saturating_sub(self.seen);
        self.seen = repaired;
        if new == 0 {
            return;
        }
        if let Some(unsaid) = self.seldom.count(new, now) {
            tracing::warn!(
                count = new + unsaid,
                "somebody else changed or removed routes of ours in the kernel, which are put right"
            );
        }
    }
}
