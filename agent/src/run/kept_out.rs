//! What the log says of routes that are kept out of the kernel or not used there: each when that begins and when it ends, a handful at a time.

use std::time::{Duration, Instant};

use crate::kernel::{Fate, KeptOutNews};

/// Between two times that the log is told, whatever happens.
const QUIET: Duration = Duration::from_secs(10);

/// See the top of this file.
#[derive(Default)]
pub(super) struct ToldKeptOut(Option<Instant>);

impl ToldKeptOut {
    /// Tells what is new, unless something was told a moment ago: then it stays where it is.
    pub(super) fn tell(&mut self, news: impl FnOnce() -> KeptOutNews, now: Instant) {
        if self.0.is_some_and(|told| now.duration_since(told) < QUIET) {
            return;
        }
        let news = news();
        if news == KeptOutNews::default() {
            return;
        }
        self.0 = Some(now);
        for route in &news.named {
            let (router, prefix) = (&route.router, &route.prefix);
            match &route.fate {
                Fate::KeptOut(why) if why.by_rule => {
                    tracing::info!(%router, "{prefix} is kept out of the kernel: {}", why.text);
                }
                Fate::KeptOut(why) => {
                    tracing::warn!(%router, "{prefix} is kept out of the kernel: {}", why.text);
                }
                Fate::LetIn => {
                    tracing::info!(%router, "{prefix} is no longer kept out of the kernel");
                }
                Fate::Outranked(why) => {
                    tracing::warn!(%router, "{prefix} is in the kernel and not used: {why}");
                }
                Fate::Preferred => {
                    tracing::info!(%router, "{prefix} is in the kernel and used again");
                }
            }
        }
        if news.unnamed > 0 {
            tracing::warn!(
                "{} more routes are kept out of the kernel or not used, or no longer; `cosmos show fib` has them all",
                news.unnamed
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_told_at_once_and_then_left_alone_for_a_while() {
        let mut told = ToldKeptOut::default();
        let start = Instant::now();
        let mut asked = Vec::new();
        for (after, unnamed) in [(0, 0), (1, 1), (2, 1), (10, 1), (11, 1)] {
            let now = start + Duration::from_secs(after);
            told.tell(
                || {
                    asked.push(after);
                    KeptOutNews {
                        unnamed,
                        ..KeptOutNews::default()
                    }
                },
                now,
            );
        }
        // What is left alone is not taken, and so not lost.
        assert_eq!(asked, [0, 1, 11]);
    }
}
