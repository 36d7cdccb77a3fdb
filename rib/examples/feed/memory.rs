//! What the process uses, as the kernel counts it.
#![allow(dead_code, reason = "each example uses its part")]

use std::time::Duration;

/// Resident bytes, by /proc/self/statm; 0 where there is none.
pub(crate) fn resident() -> usize {
    let pages = std::fs::read_to_string("/proc/self/statm")
        .ok()
        .and_then(|statm| statm.split(' ').nth(1)?.parse::<usize>().ok());
    pages.unwrap_or(0) * 4096
}

/// Time on a processor, by /proc/self/schedstat.
pub(crate) fn cpu_time() -> Duration {
    let ns = std::fs::read_to_string("/proc/self/schedstat")
        .ok()
        .and_then(|stat| stat.split(' ').next()?.parse().ok());
    Duration::from_nanos(ns.unwrap_or(0))
}
