//! The agent restarts: BIRD, FRR and GoBGP keep its routes until it has told them again, and drop what it tells no more.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::manifests;
use bgp_tests::matrix::{self, Feature};
use bgp_tests::peers::{self, Kind, Plan, Restart, Router};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, always, secs, until};
use rustix::process::Signal;

fn routes() -> Vec<String> {
    prefixes(Party::Node, true, 3)
}

/// What the BGPPeer says of restarts.
const GRACEFUL: &[&str] = &["gracefulRestart: {enabled: true, restartTime: 60}"];
const WITH_BFD: &[&str] = &[
    GRACEFUL[0],
    "bfd: {enabled: true, minimumTx: 50000, minimumRx: 50000}",
];
/// Over before the agent is back.
const LONG_LIVED: &[&str] = &[
    "gracefulRestart: {enabled: true, restartTime: 2}",
    "longLivedGracefulRestart: {enabled: true, staleTime: 60}",
];

/// The manifests of a node that originates these, with these lines in its BGPPeer.
fn write(folder: &Path, lines: &[&str], own: &[String]) -> Result<()> {
    let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
    let mut peer = manifests::Peer::new("tor", "underlay", TOR_ASN, address(true, true));
    for line in lines {
        peer = peer.with(line);
    }
    let own = manifests::advertisement("own", "underlay", true, own);
    for (name, text) in [
        ("router", router.text()),
        ("tor", peer.text()),
        ("own", own),
    ] {
        fs::write(folder.join(format!("{name}.yaml")), text)?;
    }
    Ok(())
}

fn await_told(router: &dyn Router, expected: &[String]) -> Result<()> {
    let expected: BTreeSet<String> = expected.iter().cloned().collect();
    until("the neighbour has what it should", secs(40), || {
        let has = router.received(true)?;
        Ok(Look::when(has == expected, || format!("{has:?}")))
    })
}

/// Kills the agent of a neighbour that has all routes; returns that neighbour.
fn kill(lab: &Lab, net: &NodeAndTor, folder: &Path, kind: Kind) -> Result<Box<dyn Router>> {
    let mut plan = Plan::new(
        (TOR_ASN, address(true, true)),
        (NODE_ASN, address(false, true)),
    );
    plan.announce = prefixes(Party::Tor, true, 2);
    let of_tor = fs::read_to_string(folder.join("tor.yaml"))?;
    plan.restart = Some(Restart {
        time: 60,
        long_lived: of_tor.contains("longLived").then_some(60),
        again: false,
    });
    plan.bfd = of_tor.contains("bfd");
    let mut agent = Agent::start_on(lab, &net.node, folder, &[])?;
    let router = peers::start(kind, &net.tor, &lab.directory().join("tor"), &plan)?;
    await_told(&*router, &routes())?;
    let file = lab.directory().join("state/restart");
    let graceful = of_tor.contains("gracefulRestart");
    until("the session is kept in mind", secs(5), || {
        Ok(Look::when(!graceful || file.exists(), || {
            "it is not".to_owned()
        }))
    })?;
    if plan.bfd {
        until("BFD is up at both ends", secs(20), || {
            let states = (agent.json(&["show", "peer", "tor"])?, router.bfd_state()?);
            let up = states.0["bfd"]["state"] == "Up" && states.1 == "up";
            Ok(Look::when(up, || format!("{states:?}")))
        })?;
    }
    agent.daemon().signal(Signal::KILL);
    drop(agent);
    Ok(router)
}

/// `away`: how long the agent is dead, in seconds.
fn our_restart_keeps_our_routes_with(kind: Kind, lines: &[&str], away: u64, feature: Feature) {
    matrix::tried(kind, &[feature], || {
        lab::run(&format!("{feature:?}-{kind:?}").to_lowercase(), |lab| {
            let net = NodeAndTor::new()?;
            let folder = lab.subdirectory("manifests")?;
            write(&folder, lines, &routes())?;
            let router = kill(lab, &net, &folder, kind)?;
            always("the neighbour keeps all three", secs(away), || {
                let has = router.received(true)?;
                Ok(Look::when(has.len() == 3, || format!("{has:?}")))
            })?;
            // There is one less to tell.
            write(&folder, lines, &routes()[..2])?;
            let agent = Agent::start_on(lab, &net.node, &folder, &[])?;
            let told: BTreeSet<String> = routes()[..2].iter().cloned().collect();
            until(
                "the neighbour has the two, and never less",
                secs(40),
                || {
                    let has = router.received(true)?;
                    ensure!(has.is_superset(&told), "{has:?}");
                    Ok(Look::when(has == told, || format!("{has:?}")))
                },
            )?;
            agent.stop()?;
            always("and keeps them when it is stopped", secs(2), || {
                let has = router.received(true)?;
                Ok(Look::when(has == told, || format!("{has:?}")))
            })
        });
    });
}

#[test]
fn bird_keeps_our_routes() {
    our_restart_keeps_our_routes_with(Kind::Bird, GRACEFUL, 2, Feature::Restarting);
}

#[test]
fn frr_keeps_our_routes() {
    our_restart_keeps_our_routes_with(Kind::Frr, GRACEFUL, 2, Feature::Restarting);
}

#[test]
fn gobgp_keeps_our_routes() {
    our_restart_keeps_our_routes_with(Kind::GoBgp, GRACEFUL, 2, Feature::Restarting);
}

/// RFC 5882 §4.3: BFD ends with the agent, which shares its fate and says so by a C bit of 0; the kernel forwards on.
#[test]
fn bird_keeps_our_routes_while_bfd_is_down() {
    our_restart_keeps_our_routes_with(Kind::Bird, WITH_BFD, 2, Feature::RestartingWithBfd);
}

#[test]
fn frr_keeps_our_routes_while_bfd_is_down() {
    our_restart_keeps_our_routes_with(Kind::Frr, WITH_BFD, 2, Feature::RestartingWithBfd);
}

/// RFC 9494 §4.2: they are the last choice by then, and go if our OPEN does not say that we have kept them (the F bit).
#[test]
fn bird_keeps_our_routes_for_long() {
    our_restart_keeps_our_routes_with(Kind::Bird, LONG_LIVED, 6, Feature::LongRestarting);
}

#[test]
fn frr_keeps_our_routes_for_long() {
    our_restart_keeps_our_routes_with(Kind::Frr, LONG_LIVED, 6, Feature::LongRestarting);
}

#[test]
fn gobgp_keeps_our_routes_for_long() {
    our_restart_keeps_our_routes_with(Kind::GoBgp, LONG_LIVED, 6, Feature::LongRestarting);
}

/// By the time of the restart its AS is another one than the manifest says: it will not send its routes, and nobody is to wait for it.
#[test]
fn a_neighbour_whose_open_is_refused_is_not_waited_for() {
    lab::run("restarting-refused", |lab| {
        let net = NodeAndTor::new()?;
        let folder = lab.subdirectory("manifests")?;
        write(&folder, GRACEFUL, &routes())?;
        let _router = kill(lab, &net, &folder, Kind::Bird)?;
        let tor = fs::read_to_string(folder.join("tor.yaml"))?;
        let other = tor.replace(&format!("peerASN: {TOR_ASN}"), "peerASN: 64999");
        ensure!(other != tor);
        fs::write(folder.join("tor.yaml"), other)?;
        let agent = Agent::start_on(lab, &net.node, &folder, &[])?;
        // Well before the two minutes that selectionDeferralTime is unless set.
        until("nobody is waited for", secs(40), || {
            let log = agent.log();
            let over = log.contains("no neighbour is waited for any more");
            Ok(Look::when(over, || log))
        })?;
        agent.stop()
    });
}

/// The same neighbours, and the field not set.
#[test]
fn without_the_field_nobody_keeps_them() {
    for kind in [Kind::Bird, Kind::Frr, Kind::GoBgp] {
        lab::run(&format!("restarting-off-{kind:?}"), |lab| {
            let net = NodeAndTor::new()?;
            let folder = lab.subdirectory("manifests")?;
            write(&folder, &[], &routes())?;
            let router = kill(lab, &net, &folder, kind)?;
            until("the neighbour has none", secs(20), || {
                let has = match router.received(true) {
                    // GoBGP's way to say it.
                    Err(error) if format!("{error:#}").contains("session is not established") => {
                        BTreeSet::new()
                    }
                    other => other?,
                };
                Ok(Look::when(has.is_empty(), || format!("{has:?}")))
            })
        });
    }
}
