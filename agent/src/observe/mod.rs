//! What the agent tells of itself without being asked: metrics, health, logs.
//!
//! | file | |
//! |---|---|
//! | [`histogram`] | PURE: a histogram of plain atomics, and its snapshot |
//! | [`metrics`] | views to OpenMetrics text, at scrape time |
//! | [`readiness`] | PURE: what `/readyz` means |
//! | [`heartbeat`] | PURE: what `/livez` means |
//! | [`http`] | EDGE: `/livez`, `/readyz`, `/metrics` |
//! | [`logging`] | EDGE: log lines |

pub mod heartbeat;
pub mod histogram;
pub mod http;
pub mod logging;
pub mod metrics;
pub mod readiness;
mod series;

#[cfg(test)]
mod http_tests;
