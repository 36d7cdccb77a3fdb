//! Waiting with a limit, and saying what was seen last when the limit passes.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at.
const PAUSE: Duration = Duration::from_millis(50);

/// What a look at a condition found.
#[derive(Debug)]
pub enum Look<T> {
    /// It holds; here is what it gave.
    Done(T),
    /// Not yet; what was seen instead, for the message.
    NotYet(String),
}

impl Look<()> {
    /// `Done` when `holds`, else what was seen.
    pub fn when(holds: bool, seen: impl FnOnce() -> String) -> Self {
        if holds {
            Self::Done(())
        } else {
            Self::NotYet(seen())
        }
    }
}

/// Looks until `look` is done. A failing look counts as "not yet": a daemon that is just starting refuses questions.
///
/// # Errors
/// When `limit` passes: what was awaited, how long, and what was seen last.
pub fn until<T>(
    what: &str,
    limit: Duration,
    mut look: impl FnMut() -> Result<Look<T>>,
) -> Result<T> {
    let start = Instant::now();
    loop {
        let seen = match look() {
            Ok(Look::Done(value)) => return Ok(value),
            Ok(Look::NotYet(seen)) => seen,
            Err(error) => format!("{error:#}"),
        };
        if start.elapsed() >= limit {
            bail!(
                "waited {:.1} s for: {what}; last seen: {seen}",
                limit.as_secs_f64()
            );
        }
        thread::sleep(PAUSE);
    }
}

/// Looks for the whole of `time`: the condition must hold at every look.
///
/// # Errors
/// At the first look at which it does not hold.
pub fn always(
    what: &str,
    time: Duration,
    mut look: impl FnMut() -> Result<Look<()>>,
) -> Result<()> {
    let start = Instant::now();
    while start.elapsed() < time {
        if let Look::NotYet(seen) = look()? {
            bail!(
                "{what} did not hold for {:.1} s: after {:.1} s: {seen}",
                time.as_secs_f64(),
                start.elapsed().as_secs_f64()
            );
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// Shorthand for seconds.
#[must_use]
pub const fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_that_passes_tells_what_was_seen_last() {
        let mut n = 0;
        let error = until::<()>("a thing", Duration::from_millis(120), || {
            n += 1;
            Ok(Look::NotYet(format!("look {n}")))
        })
        .expect_err("nothing ever holds");
        let text = error.to_string();
        assert!(
            text.contains("a thing") && text.contains(&format!("look {n}")),
            "{text}"
        );
    }

    #[test]
    fn a_look_that_fails_at_first_is_repeated() {
        let mut n = 0;
        let got = until("a thing", secs(5), || {
            n += 1;
            if n < 3 {
                bail!("not there")
            }
            Ok(Look::Done(n))
        });
        assert_eq!(got.expect("third look"), 3);
    }

    #[test]
    fn always_ends_at_the_first_look_that_fails() {
        let error = always("it", secs(5), || Ok(Look::when(false, || "gone".into())))
            .expect_err("never holds");
        assert!(error.to_string().contains("gone"));
    }
}
