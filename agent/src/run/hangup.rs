//! SIGHUP: the end of the terminal that the agent was started from.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Tells that the terminal is closed. Who starts the agent with that signal ignored (nohup) wants it to go on.
pub(super) fn hangup() -> io::Result<Hangup> {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok())
        // Signal 1 has the lowest bit.
        .is_some_and(|mask| mask & 1 != 0);
    Ok(Hangup(match ignored {
        true => None,
        false => Some(signal(SignalKind::hangup())?),
    }))
}

/// SIGHUP, if it is to be heard.
pub(super) struct Hangup(Option<Signal>);

impl Hangup {
    /// Cancel-safe, as the signal's own.
    pub(super) async fn recv(&mut self) -> Option<()> {
        self.0.as_mut()?.recv().await
    }
}
