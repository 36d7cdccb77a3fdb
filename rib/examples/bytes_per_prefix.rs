//! How much memory a prefix takes with one path that was told to one group, all in: tables, index, attribute sets, and
//! the buffers of the way in and out.
//!
//! ```text
//! cargo run --profile bench-fast -p rib --example bytes_per_prefix
//! ```
//!
//! Fails above 64 bytes for IPv4 and 80 for IPv6.

#[path = "feed/mod.rs"]
mod feed;
#[path = "feed/memory.rs"]
mod memory;
#[path = "feed/router.rs"]
mod router;

use bytes::BytesMut;
use feed::{Feed, Prefix};
use ipnet::{Ipv4Net, Ipv6Net};
use router::Router;
use std::process::ExitCode;

const PEERS: u32 = 4;
const EACH: u32 = 100_000;

/// Bytes for each prefix at the peak.
fn measure<N: Prefix>() -> f64 {
    let mut feeds: Vec<Feed> = (0..PEERS)
        .map(|peer| Feed::new::<N>(peer, peer * EACH, EACH))
        .collect();
    let mut bytes = BytesMut::with_capacity(128 * 1024);
    let base = memory::resident();
    let mut peak = base;
    let mut router = Router::new::<N>(&feeds);
    let mut busy = true;
    while busy {
        busy = false;
        for (peer, feed) in feeds.iter_mut().enumerate() {
            if feed.announce::<N>(64 * 1024, &mut bytes) {
                busy = true;
                router.receive(peer, &bytes);
                router.export(&mut 0, &mut 0);
                peak = peak.max(memory::resident());
            }
        }
    }
    router.peer_down::<N>(0);
    (peak - base) as f64 / f64::from(PEERS * EACH)
}

fn main() -> ExitCode {
    if memory::resident() == 0 {
        eprintln!("no /proc/self/statm here: cannot measure");
        return ExitCode::from(2);
    }
    // In processes of their own, so that neither finds memory that the other gave back.
    let family = std::env::args().nth(1);
    let (bytes, limit) = match family.as_deref() {
        Some("ipv4") => (measure::<Ipv4Net>(), 64.0),
        Some("ipv6") => (measure::<Ipv6Net>(), 80.0),
        _ => {
            let this = std::env::current_exe().expect("the name of this program");
            let mut good = true;
            for family in ["ipv4", "ipv6"] {
                let status = std::process::Command::new(&this).arg(family).status();
                good &= status.is_ok_and(|status| status.success());
            }
            return if good {
                ExitCode::SUCCESS
            } else {
                ExitCode::FAILURE
            };
        }
    };
    let family = family.unwrap_or_default();
    println!("{family}: {bytes:.1} bytes a prefix, at most {limit}");
    if bytes <= limit {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
