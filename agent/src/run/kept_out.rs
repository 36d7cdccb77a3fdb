//! What the log says of routes that are kept out of the kernel or not used there: each when that begins and when it ends, at once, and
//! in growing pauses while there is always something to say.

use std::time::{Duration, Instant};

use crate::kernel::{Fate, KeptOutNews, Others};

/// After the first time that the log is told something; each time after that it is twice as long.
const FIRST_PAUSE: Duration = Duration::from_millis(500);
const LONGEST_PAUSE: Duration = Duration::from_secs(10);
/// Without news for this long, the next are the first again.
const FORGOTTEN: Duration = Duration::from_secs(20);

/// See the top of this file.
#[derive(Default)]
pub(super) struct ToldKeptOut(Option<Told>);

struct Told {
    at: Instant,
    pause: Duration,
}

impl ToldKeptOut {
    /// Tells what is new, unless something was told a moment ago: then it stays where it is.
    pub(super) fn tell(&mut self, news: impl FnOnce() -> KeptOutNews, now: Instant) {
        let since = |told: &Told| now.saturating_duration_since(told.at);
        if self.0.as_ref().is_some_and(|told| since(told) < told.pause) {
            return;
        }
        let news = news();
        if news == KeptOutNews::default() {
            return;
        }
        let pause = match &self.0 {
            Some(told) if since(told) < FORGOTTEN => (told.pause * 2).min(LONGEST_PAUSE),
            _ => FIRST_PAUSE,
        };
        self.0 = Some(Told { at: now, pause });
        write(&news);
    }
}

fn write(news: &KeptOutNews) {
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
    match news.others {
        None => {}
        Some(Others { routes: 0, .. }) => {
            tracing::info!("no other routes are kept out of the kernel or not used there any more");
        }
        Some(others) if others.by_rule => tracing::info!("{}", words(others)),
        Some(others) => tracing::warn!("{}", words(others)),
    }
}

fn words(others: Others) -> String {
    let routes = match others.routes {
        1 => "1 more route is".to_owned(),
        n => format!("{n} more routes are"),
    };
    format!("{routes} kept out of the kernel or not used there; `cosmos show fib` has them all")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// When news are asked for, in seconds, if they are offered each second until then and there are always some, and when there are.
    fn asked(seconds: impl Iterator<Item = u64>, are_some: impl Fn(u64) -> bool) -> Vec<u64> {
        let mut told = ToldKeptOut::default();
        let start = Instant::now();
        let mut asked = Vec::new();
        for second in seconds {
            let news = || {
                asked.push(second);
                let routes = second;
                KeptOutNews {
                    others: are_some(second).then_some(Others {
                        routes,
                        by_rule: true,
                    }),
                    ..KeptOutNews::default()
                }
            };
            told.tell(news, start + Duration::from_secs(second));
        }
        asked
    }

    #[test]
    fn the_log_is_told_at_once_and_seldom_of_what_never_ends() {
        // What is left alone is not taken, and so not lost.
        assert_eq!(
            asked(0..40, |_| true),
            [0, 1, 2, 4, 8, 16, 26, 36],
            "after half a second, 1, 2, 4, 8 and 10"
        );
    }

    #[test]
    fn after_a_while_without_news_they_are_told_at_once_again() {
        let news = |second: u64| !(20..50).contains(&second);
        let asked = asked(0..60, news);
        let again: Vec<_> = asked.into_iter().filter(|s| *s >= 50).collect();
        assert_eq!(again, [50, 51, 52, 54, 58]);
    }
}
