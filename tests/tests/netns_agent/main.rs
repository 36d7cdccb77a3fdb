//! The agent alone with BIRD in network namespaces: several routers on one node, changes while it runs, a clean start and end.

mod bad_starts;
mod changes;
mod counts;
mod planes;
mod ports;
mod starts;

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::Result;
use bgp_tests::wait::{Look, secs, until};

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// Waits until these are all there is, and nothing else.
fn await_set(
    what: &str,
    wanted: &[String],
    look: impl Fn() -> Result<BTreeSet<String>>,
) -> Result<()> {
    let wanted: BTreeSet<String> = wanted.iter().cloned().collect();
    until(what, secs(20), || {
        let have = look()?;
        Ok(Look::when(have == wanted, || {
            format!("{have:?}").chars().take(300).collect()
        }))
    })
}
