//! A link that goes down takes the sessions with external neighbours on it along at once, and no other.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::manifests;
use bgp_tests::raw::RawPeer;
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, always, secs, until};

const RAW: &str = "raw";
const RAW_ASN: u32 = 65102;

/// An established session whose hold timer would take a minute and a half, over IPv6 or IPv4.
fn session(lab: &lab::Lab, net: &NodeAndTor, asn: u32, v6: bool) -> Result<(Agent, RawPeer)> {
    let remote = if v6 {
        net.speak_as(0)?;
        raw_address(0)
    } else {
        address(true, false)
    };
    let peer = manifests::Peer::new(RAW, "underlay", asn, remote);
    let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
    let documents = [
        ("router", router.text()),
        ("peer", peer.with("passive: true").text()),
    ];
    let agent = Agent::start(lab, &net.node, &documents)?;
    let mut peer = RawPeer::connect(&net.tor, address(false, v6), secs(5))?;
    peer.establish(asn, 90, secs(5))?;
    agent.await_state(RAW, "Established", secs(5))?;
    Ok((agent, peer))
}

fn await_link_down(agent: &Agent) -> Result<()> {
    until("the session is down because of its link", secs(1), || {
        let shown = agent.json(&["show", "peer", RAW])?;
        let state = shown["state"].as_str().context("no state")?;
        let why = shown["last_down"]["text"].as_str().unwrap_or_default();
        let down = state != "Established" && why == "link down";
        Ok(Look::when(down, || format!("{state}: {why}")))
    })?;
    let log = agent.log();
    let said = log
        .lines()
        .filter(|line| line.contains("session down reason=link down"));
    ensure!(said.count() == 1, "{log}");
    Ok(())
}

#[test]
fn a_link_that_is_taken_down_ends_its_external_sessions_at_once() {
    for v6 in [true, false] {
        lab::run("linkdown", |lab| {
            let net = NodeAndTor::new()?;
            let (agent, peer) = session(lab, &net, RAW_ASN, v6)?;
            net.node.ip("link set up0 down")?;
            await_link_down(&agent)?;
            drop(peer);
            net.node.ip("link set up0 up")?;
            if v6 {
                // Taking a link down takes its IPv6 addresses away.
                net.node.address("up0", address(false, true), 64)?;
            }
            // It rests for a moment, and turns connections away meanwhile.
            let _peer = until("there is a session again", secs(30), || {
                let mut peer = RawPeer::connect(&net.tor, address(false, v6), secs(5))?;
                peer.establish(RAW_ASN, 90, secs(5))?;
                Ok(Look::Done(peer))
            })?;
            agent.await_state(RAW, "Established", secs(5))?;
            agent.stop()
        });
    }
}

#[test]
fn a_link_without_carrier_and_one_that_is_deleted_do_so_too() {
    lab::run("carrier", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, _peer) = session(lab, &net, RAW_ASN, true)?;
        net.tor.ip("link set down0 down")?;
        await_link_down(&agent)?;
        agent.stop()
    });
    lab::run("linkgone", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, _peer) = session(lab, &net, RAW_ASN, true)?;
        net.node.ip("link delete up0")?;
        await_link_down(&agent)?;
        agent.stop()
    });
}

/// Both ends have addresses of one host, and no network in common: that they are neighbours is what a point-to-point address or a
/// route says.
#[test]
fn a_neighbour_that_a_route_has_on_the_link_is_lost_with_its_carrier() {
    let host = |n: u8, v6: bool| -> IpAddr {
        match v6 {
            true => format!("fd99::{n}").parse().expect("an address"),
            false => IpAddr::from([10, 99, 0, n]),
        }
    };
    for (name, v6, point_to_point, more, lost) in [
        ("peeraddress", false, true, "", true),
        ("hostroute", false, false, "", true),
        ("hostroute6", true, false, "", true),
        ("multihop", false, false, "ebgpMultihop: 2", false),
    ] {
        lab::run(name, |lab| {
            let net = NodeAndTor::new()?;
            for (namespace, device, own, other) in
                [(&net.node, "up0", 1, 2), (&net.tor, "down0", 2, 1)]
            {
                let (own, other) = (host(own, v6), host(other, v6));
                let length = if v6 { 128 } else { 32 };
                if point_to_point {
                    let words = format!("address add {own} peer {other}/{length} dev {device}");
                    namespace.ip(&words)?;
                } else {
                    namespace.address(device, own, length)?;
                    namespace.ip(&format!("route add {other}/{length} dev {device}"))?;
                }
            }
            let peer = manifests::Peer::new(RAW, "underlay", RAW_ASN, host(2, v6));
            let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
            let documents = [
                ("router", router.text()),
                ("peer", peer.with("passive: true").with(more).text()),
            ];
            let agent = Agent::start(lab, &net.node, &documents)?;
            let mut peer = RawPeer::connect_from(&net.tor, host(2, v6), host(1, v6), secs(5))?;
            peer.establish(RAW_ASN, 90, secs(5))?;
            agent.await_state(RAW, "Established", secs(5))?;
            net.tor.ip("link set down0 down")?;
            if lost {
                await_link_down(&agent)?;
            } else {
                always("it is Established", secs(2), || {
                    let state = agent.session_state(RAW)?;
                    Ok(Look::when(state == "Established", || state))
                })?;
            }
            agent.stop()
        });
    }
}

/// It may be reached another way: its next hops tell whether it is.
#[test]
fn a_session_within_the_as_outlives_the_link() {
    lab::run("internal", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, _peer) = session(lab, &net, NODE_ASN, false)?;
        net.node.ip("link set up0 down")?;
        always("it is Established", secs(2), || {
            let state = agent.session_state(RAW)?;
            Ok(Look::when(state == "Established", || state))
        })?;
        agent.stop()
    });
}

/// The kernel says the one or the other of what it can no longer reach, as the link is taken down or loses its carrier, and over IPv6 as
/// the address goes too.
#[test]
fn what_waits_for_a_link_says_so_however_often_it_is_tried() {
    for (name, v6, lost) in [
        ("waits6", true, "link set up0 down"),
        ("waits4", false, "link set up0 down"),
        ("waitscarrier", true, ""),
    ] {
        lab::run(name, |lab| {
            let net = NodeAndTor::new()?;
            let remote = address(true, v6);
            let peer = manifests::Peer::new(RAW, "underlay", RAW_ASN, remote);
            let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
            let documents = [("router", router.text()), ("peer", peer.text())];
            let agent = Agent::start(lab, &net.node, &documents)?;
            // Nobody listens there: it comes to us.
            let _peer = until("there is a session", secs(30), || {
                let mut peer =
                    RawPeer::connect_from(&net.tor, remote, address(false, v6), secs(5))?;
                Ok(match peer.establish(RAW_ASN, 90, secs(5)) {
                    Ok(()) => Look::Done(peer),
                    Err(error) => Look::NotYet(error.to_string()),
                })
            })?;
            agent.await_state(RAW, "Established", secs(5))?;
            match lost {
                "" => net.tor.ip("link set down0 down")?,
                _ => net.node.ip(lost)?,
            };
            await_link_down(&agent)?;
            until("it was tried again", secs(20), || {
                let log = agent.log();
                let since = log.split("session down reason=link down").nth(1);
                let tried = since.is_some_and(|since| since.contains("cannot connect"));
                Ok(Look::when(tried, || log))
            })?;
            always("it is the link that is waited for", secs(1), || {
                let shown = agent.json(&["show", "peer", RAW])?;
                let so = match shown["state"].as_str() {
                    Some("Idle") => shown["idle_reason"] == "LinkDown",
                    state => state == Some("Connect"),
                };
                Ok(Look::when(so, || shown.to_string()))
            })?;
            let shown = agent.json(&["show", "peer", RAW])?;
            let failure = &shown["last_failure"]["text"];
            ensure!(failure == "link down", "{shown}");
            agent.stop()
        });
    }
}
