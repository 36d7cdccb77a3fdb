//! EDGE: log lines, as text for people or one JSON object a line, on standard error.
//!
//! What is logged is said by the flag, else by `COSMOS_LOG`, else by `RUST_LOG`, else it is `info`. All take a level or
//! directives such as `info,cosmos::kernel=debug`.
//!
//! A thread of its own writes: whoever reads the log and stops reading, or the disk that it is on and that is full, costs lines and
//! nothing else.

use std::io::IsTerminal;

use parking_lot::Mutex;

use thiserror::Error;
use tracing_appender::non_blocking::{NonBlockingBuilder, WorkerGuard};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::util::SubscriberInitExt;

use crate::args::LogFormat;

/// Why logging cannot begin.
#[derive(Debug, Error)]
pub enum LogError {
    /// The level makes no sense.
    #[error("log level {text:?} is not understood; write error, warn, info, debug or trace")]
    Level {
        /// What was given.
        text: String,
    },
    /// There is a logger already.
    #[error("logging has begun already")]
    Twice,
}

/// Lines that wait to be written; what comes beyond is lost. The queue takes its memory at once: 40 octets a line.
const WAITING: usize = 2_000;

/// The thread that writes, until the end.
static WRITER: Mutex<Option<WorkerGuard>> = Mutex::new(None);

/// Writes what waits, for a second at most. Nothing is logged after it: it comes before the end of the process.
pub fn finish() {
    let writer = WRITER.lock().take();
    drop(writer);
}

/// Begins to log.
pub fn init(level: Option<&str>, format: LogFormat) -> Result<(), LogError> {
    let filter = filter(level, std::env::var("RUST_LOG").ok().as_deref())?;
    let (lines, writer) = NonBlockingBuilder::default()
        .buffered_lines_limit(WAITING)
        .thread_name("cosmos-log")
        .finish(std::io::stderr());
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        // They would be written where nothing can be written, which is a panic.
        .log_internal_errors(false)
        .with_writer(lines);
    match format {
        LogFormat::Text => {
            let colour = std::io::stderr().is_terminal()
                && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
            builder.with_ansi(colour).finish().try_init()
        }
        LogFormat::Json => builder
            .json()
            .flatten_event(true)
            .with_span_list(false)
            .finish()
            .try_init(),
    }
    .map_err(|_| LogError::Twice)?;
    *WRITER.lock() = Some(writer);
    Ok(())
}

fn filter(given: Option<&str>, fallback: Option<&str>) -> Result<EnvFilter, LogError> {
    let given = given.filter(|text| !text.trim().is_empty());
    if let Some(text) = given {
        return parse(text).ok_or_else(|| LogError::Level {
            text: text.to_owned(),
        });
    }
    // RUST_LOG is shared with other programs: what it says wrongly is not our business.
    let shared = fallback
        .filter(|text| !text.trim().is_empty())
        .and_then(parse);
    Ok(shared.unwrap_or_else(|| EnvFilter::new(quietly("info"))))
}

/// A word that is no level is a target to the filter syntax, so `inof` would silence everything. It is refused here.
fn parse(text: &str) -> Option<EnvFilter> {
    let known = |word: &str| {
        word.parse::<tracing_subscriber::filter::LevelFilter>()
            .is_ok()
    };
    if text
        .split(',')
        .any(|part| !part.contains('=') && !known(part.trim()))
    {
        return None;
    }
    EnvFilter::builder().parse(quietly(text)).ok()
}

/// At the level at which people read along, what follows the folder says nothing of its own affairs, unless it is asked to: a folder that
/// is deleted is told by us.
fn quietly(text: &str) -> String {
    const FOLLOWER: &str = "notify";
    let mut parts = text.split(',').map(str::trim);
    let for_people = parts.clone().any(|part| part.eq_ignore_ascii_case("info"));
    match for_people && !parts.any(|part| part.starts_with(FOLLOWER)) {
        true => format!("{text},{FOLLOWER}=warn"),
        false => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_flag_comes_before_the_environment() {
        for (given, fallback, wanted) in [
            (None, None, "notify=warn,info"),
            (Some("debug"), Some("trace"), "debug"),
            (Some(""), Some("warn"), "warn"),
            (None, Some("warn"), "warn"),
            (None, Some("some=nonsense"), "notify=warn,info"),
            (Some("info"), None, "notify=warn,info"),
            (Some("info,notify=info"), None, "notify=info,info"),
            (
                Some("info,cosmos::kernel=debug"),
                None,
                "cosmos::kernel=debug,notify=warn,info",
            ),
        ] {
            assert_eq!(filter(given, fallback).unwrap().to_string(), wanted);
        }
    }

    #[test]
    fn a_misspelt_level_is_an_error() {
        for text in ["inof", "info,debgu", "cosmos=loud"] {
            let error = filter(Some(text), None).unwrap_err().to_string();
            assert!(error.contains(text), "{error}");
        }
    }
}
