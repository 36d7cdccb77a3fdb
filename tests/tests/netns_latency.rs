//! How soon what a neighbour tells is in the kernel, and what the node originates at the neighbour.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bgp_tests::lab::{self, NodeAndTor};
use bgp_tests::raw::{ipv4_update, message};
use bgp_tests::raw_session::RAW_ASN;
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::secs;
use bgp_tests::{kernel, manifests, raw_session};

/// Well under a second. Of some tries the fastest counts, as the machine may do something else: what waits by itself, waits always.
const LIMIT: Duration = Duration::from_millis(300);
const TRIES: u8 = 5;

/// How long it takes until the kernel has these many routes of ours.
fn until_routes(net: &NodeAndTor, count: usize) -> Result<Duration> {
    let start = Instant::now();
    while kernel::our_prefixes(&net.node, false)?.len() != count {
        ensure!(start.elapsed() < secs(10), "never {count} routes");
        std::thread::sleep(Duration::from_millis(5));
    }
    Ok(start.elapsed())
}

#[test]
fn a_route_is_in_the_kernel_and_an_own_one_at_the_neighbour_in_well_under_a_second() {
    lab::run("latency", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, mut peer) = raw_session::session(lab, &net)?;
        let (mut comes, mut goes, mut told) = (Vec::new(), Vec::new(), Vec::new());
        for n in 0..TRIES {
            let prefix = [24, 198, 51, n];
            peer.send(&ipv4_update(RAW_ASN, 0, &prefix))?;
            comes.push(until_routes(&net, 1)?);
            peer.send(&message(2, &[&[0, 4][..], &prefix, &[0, 0]].concat()))?;
            goes.push(until_routes(&net, 0)?);

            let own = [format!("2001:db8:{n:x}::/48")];
            let own = manifests::advertisement(&format!("own-{n}"), "underlay", true, &own);
            let start = Instant::now();
            agent.apply(&format!("own-{n}"), &own)?;
            ensure!(peer.changes(NODE_ASN, 1, secs(5))?.len() == 1);
            told.push(start.elapsed());
        }
        for (what, times) in [
            ("in the kernel", comes),
            ("out of it", goes),
            ("told", told),
        ] {
            let fastest = times.iter().min();
            ensure!(fastest < Some(&LIMIT), "{what} after {times:?}");
            println!("{what} after {times:?}");
        }
        agent.stop()
    });
}
