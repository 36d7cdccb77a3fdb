//! Log lines that others can cause without end: one in a while, which says how many there would have been since the last.

use std::time::{Duration, Instant};

/// Between two lines.
const QUIET: Duration = Duration::from_secs(10);

/// See the top of this file.
#[derive(Debug, Default)]
pub(crate) struct Seldom {
    said: Option<Instant>,
    unsaid: u64,
}

impl Seldom {
    /// Counts `n` of them. If it is time for a line: how many it left out.
    pub(crate) fn count(&mut self, n: u64, now: Instant) -> Option<u64> {
        if self
            .said
            .is_some_and(|said| now.duration_since(said) < QUIET)
        {
            self.unsaid += n;
            return None;
        }
        self.said = Some(now);
        Some(std::mem::take(&mut self.unsaid))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_is_said_and_the_next_after_a_while_says_what_was_left_out() {
        let now = Instant::now();
        let mut seldom = Seldom::default();
        assert_eq!(seldom.count(1, now), Some(0));
        assert_eq!(seldom.count(3, now + QUIET / 2), None);
        assert_eq!(seldom.count(1, now + QUIET), Some(3));
        assert_eq!(seldom.count(1, now + QUIET * 2), Some(0));
    }
}
