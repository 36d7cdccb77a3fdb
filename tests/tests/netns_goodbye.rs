//! The goodbyes of many peers are said at the same time: who does not read holds nobody up.

use std::fmt::Write;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::manifests;
use bgp_tests::raw::{RawPeer, message, open_with};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, secs, until};

const RAW_ASN: u32 = 65102;
const PEERS: u8 = 20;
/// Of these, so many stop reading, with much on its way to them.
const DEAF: usize = 5;
/// What all goodbyes together may take (two seconds), and to see the file go and to be told.
const LIMIT: Duration = Duration::from_millis(3500);

fn established(net: &NodeAndTor, n: u8) -> Result<RawPeer> {
    net.speak_as(n.into())?;
    let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
    // With route refresh (2).
    let open = open_with(RAW_ASN, 90, [10, 255, 1, n], &[2, 0]);
    peer.establish_with(&open, secs(5))?;
    Ok(peer)
}

/// Sessions whose connection holds bytes that the other end does not take.
fn blocked(net: &NodeAndTor) -> Result<usize> {
    let sockets = net
        .node
        .run("ss", &["-Htn", "state", "established", "sport = :179"])?;
    let waits = |line: &&str| line.split_whitespace().nth(1).is_some_and(|n| n != "0");
    Ok(sockets.lines().filter(waits).count())
}

#[test]
fn a_router_goes_at_once_however_many_of_its_peers_do_not_read() {
    lab::run("goodbye", |lab| {
        let net = NodeAndTor::new()?;
        let mut peers = String::new();
        for n in 0..PEERS {
            let peer = manifests::Peer::new(
                &format!("raw-{n}"),
                "doomed",
                RAW_ASN,
                raw_address(n.into()),
            );
            writeln!(peers, "{}---", peer.with("passive: true").text())?;
        }
        let own = prefixes(Party::Node, true, 250);
        let documents = [
            (
                "router",
                manifests::Router::new("doomed", NODE_ASN, "10.255.0.2").text(),
            ),
            ("peers", peers),
            ("own", manifests::advertisement("own", "doomed", true, &own)),
        ];
        let agent = Agent::start_with(lab, &net.node, &documents, &["--log-level", "info"])?;
        let mut peers = (0..PEERS)
            .map(|n| established(&net, n))
            .collect::<Result<Vec<_>>>()?;
        let (deaf, hearing) = peers.split_at_mut(DEAF);
        thread::scope(|scope| {
            for peer in &mut *deaf {
                let refresh = message(5, &[0, 2, 0, 1]).repeat(200);
                scope.spawn(move || peer.flood(&refresh, Instant::now() + secs(3)));
            }
        });
        until("the deaf ones are blocked", secs(5), || {
            let blocked = blocked(&net)?;
            Ok(Look::when(blocked == DEAF, || format!("{blocked} are")))
        })?;

        let start = Instant::now();
        agent.delete("router")?;
        thread::scope(|scope| {
            let goodbyes: Vec<_> = hearing
                .iter_mut()
                .map(|peer| scope.spawn(|| peer.await_notification(LIMIT)))
                .collect();
            for goodbye in goodbyes {
                let heard = goodbye.join().map_err(|_| anyhow!("it panicked"))?;
                // RFC 4486 §3: Peer De-configured.
                ensure!(heard.context("no goodbye")? == (6, 3), "another goodbye");
            }
            anyhow::Ok(())
        })?;
        println!("all goodbyes after {:?}", start.elapsed());
        until("the router has stopped", LIMIT, || {
            let log = agent.log();
            Ok(Look::when(log.contains("router stopped"), || {
                "it has not".to_owned()
            }))
        })?;
        println!("stopped after {:?}", start.elapsed());
        ensure!(start.elapsed() < LIMIT, "it took {:?}", start.elapsed());
        agent.stop()
    });
}
