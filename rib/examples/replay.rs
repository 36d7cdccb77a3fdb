//! The whole way of an UPDATE without sockets, in one thread: decode, inbound, decision, export, encode.
//!
//! ```text
//! cargo run --profile bench-fast -p rib --example replay [SCENARIO]...
//! ```
//!
//! Prints the time, and nanoseconds of the processor for each received (or lost, or withdrawn) prefix.
#![allow(
    clippy::disallowed_methods,
    reason = "this measures; the tables themselves read no clock"
)]

#[path = "feed/mod.rs"]
mod feed;
#[path = "feed/memory.rs"]
mod memory;
#[path = "feed/router.rs"]
mod router;

use bytes::{Bytes, BytesMut};
use feed::{Feed, Prefix};
use ipnet::{Ipv4Net, Ipv6Net};
use router::Router;
use std::time::{Duration, Instant};

const READ: usize = 64 * 1024;

/// What a phase costs. The processor's time is what counts where other processes run.
struct Phase {
    start: Instant,
    cpu: Duration,
    sent: usize,
    messages: usize,
}

impl Phase {
    fn begin() -> Self {
        Self {
            start: Instant::now(),
            cpu: memory::cpu_time(),
            sent: 0,
            messages: 0,
        }
    }

    fn end(self, name: &str, prefixes: u32) {
        let wall = self.start.elapsed();
        let cpu = memory::cpu_time().saturating_sub(self.cpu);
        println!(
            "  {name:<10} {:>7.1} ms  {:>7.1} ms of cpu  {:>5.0} ns/prefix  {} UPDATEs out, {} bytes",
            wall.as_secs_f64() * 1e3,
            cpu.as_secs_f64() * 1e3,
            cpu.as_nanos() as f64 / f64::from(prefixes.max(1)),
            self.messages,
            self.sent
        );
    }
}

/// All reads of a phase, the peers by turns.
fn reads(
    feeds: &mut [Feed],
    mut next: impl FnMut(&mut Feed, &mut BytesMut) -> bool,
) -> Vec<(usize, Bytes)> {
    let mut reads = Vec::new();
    let mut bytes = BytesMut::new();
    loop {
        let before = reads.len();
        for (peer, feed) in feeds.iter_mut().enumerate() {
            if next(feed, &mut bytes) {
                reads.push((peer, bytes.split().freeze()));
            }
        }
        if reads.len() == before {
            return reads;
        }
    }
}

fn run<N: Prefix>(name: &str, peers: u32, each: u32, overlap: bool) {
    println!("{name}");
    let mut feeds: Vec<Feed> = (0..peers)
        .map(|peer| Feed::new::<N>(peer, if overlap { 0 } else { peer * each }, each))
        .collect();
    let announcements = reads(&mut feeds, |feed, bytes| feed.announce::<N>(READ, bytes));
    feeds.iter_mut().for_each(Feed::restart);
    let withdrawals = reads(&mut feeds, |feed, bytes| feed.withdraw::<N>(READ, bytes));
    let mut router = Router::new::<N>(&feeds);

    let mut load = Phase::begin();
    for (peer, bytes) in &announcements {
        router.receive(*peer, bytes);
        router.export(&mut load.sent, &mut load.messages);
    }
    load.end("load", peers * each);

    let counts = router.rib.counts();
    let total = f64::from(if overlap { each } else { peers * each });
    println!(
        "  memory     {:.1} bytes/prefix of tables, {:.1} of {} sets",
        counts.table_bytes as f64 / total,
        counts.set_bytes as f64 / total,
        counts.sets
    );

    let mut down = Phase::begin();
    router.peer_down::<N>(0);
    router.export(&mut down.sent, &mut down.messages);
    down.end("peer down", each);
    let sweep = Phase::begin();
    router.rib.sweep();
    sweep.end("sweep", each);

    let mut withdraw = Phase::begin();
    for (peer, bytes) in withdrawals.iter().filter(|(peer, _)| *peer != 0) {
        router.receive(*peer, bytes);
        router.export(&mut withdraw.sent, &mut withdraw.messages);
    }
    withdraw.end("withdraw", (peers - 1) * each);
    let counts = router.rib.counts();
    assert_eq!(counts.destinations(), 0, "everything was withdrawn");
}

fn main() {
    let asked: Vec<String> = std::env::args().skip(1).collect();
    let wanted = |name: &str| asked.is_empty() || asked.iter().any(|asked| asked == name);
    if wanted("d4x100k") {
        run::<Ipv4Net>("d4x100k", 4, 100_000, false);
    }
    if wanted("d4x100k-v6") {
        run::<Ipv6Net>("d4x100k-v6", 4, 100_000, false);
    }
    if wanted("o8x50k") {
        run::<Ipv4Net>("o8x50k", 8, 50_000, true);
    }
    if wanted("d2x500k") {
        run::<Ipv4Net>("d2x500k", 2, 500_000, false);
    }
}
