//! Rules of import that change while the session is up: the peer is asked for its routes again, and what it sends then is judged by
//! the new rules. The session stays.

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address};
use bgp_tests::peers::Kind;
use bgp_tests::raw::{RawPeer, message, open_with};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, PEER, Pair, Variant};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{kernel, manifests};

const RAW_ASN: u32 = 65102;

fn flaps(agent: &Agent) -> Result<i64> {
    let object = agent.object("peers", PEER)?;
    let flaps = object["status"]["routers"][0]["flaps"].as_i64();
    flaps.with_context(|| format!("no flaps in {object}"))
}

/// 198.51.100.0/24 by way of our own AS.
fn looped_update() -> Vec<u8> {
    let mut attributes = vec![0x40, 1, 1, 0, 0x40, 2, 10, 2, 2];
    attributes.extend(RAW_ASN.to_be_bytes());
    attributes.extend(NODE_ASN.to_be_bytes());
    attributes.extend([0x40, 3, 4, 10, 12, 0, 1]);
    let mut body = vec![0, 0, 0, attributes.len() as u8];
    body.extend(attributes);
    body.extend([24, 198, 51, 100]);
    message(2, &body)
}

#[test]
fn paths_through_our_own_as_come_and_go_with_allow_as_in() {
    lab::run("allowasin", |lab| {
        let net = NodeAndTor::new()?;
        let peer = manifests::Peer::new(PEER, "underlay", RAW_ASN, address(true, false))
            .with("passive: true");
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let documents = [("router", router.text()), ("peer", peer.text())];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let mut raw = RawPeer::connect(&net.tor, address(false, false), secs(5))?;
        // With route refresh (2).
        let open = open_with(RAW_ASN, 90, [10, 255, 0, 9], &[2, 0]);
        raw.establish_with(&open, secs(5))?;
        raw.send(&looped_update())?;
        let accepted = |wanted: i64| {
            until(&format!("{wanted} paths accepted of 1"), secs(5), || {
                let object = agent.object("peers", PEER)?;
                let families = &object["status"]["routers"][0]["families"];
                let n = |key: &str| families[0][key].as_i64();
                let counts = (n("received"), n("accepted"));
                let routes = kernel::our_prefixes(&net.node, false)?.len() as i64;
                let is = counts == (Some(1), Some(wanted)) && routes == wanted;
                Ok(Look::when(is, || format!("{routes} routes; {families}")))
            })
        };
        accepted(0)?;
        for _ in 0..2 {
            for (text, wanted) in [
                (peer.clone().with("allowAsIn: 1").text(), 1),
                (peer.text(), 0),
            ] {
                agent.apply("peer", &text)?;
                // RFC 2918 section 3: IPv4 unicast.
                let refresh = raw.await_kind(5, secs(10)).context("no route refresh")?;
                ensure!(refresh.body == [0, 1, 0, 1], "{refresh:?}");
                raw.send(&looped_update())?;
                accepted(wanted)?;
            }
        }
        ensure!(flaps(&agent)? == 0, "the session was disturbed");
        agent.stop()
    });
}

#[test]
fn routes_of_external_peers_go_and_come_with_require_policy() {
    lab::run("requirepolicy", |lab| {
        let variant = Variant::default();
        let pair = Pair::converged(lab, Kind::Bird, variant)?;
        let agent = &pair.agent;
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        for _ in 0..2 {
            // RFC 8212: nothing comes in from an external peer and nothing goes out without a policy.
            agent.apply("router", &router.clone().with("requirePolicy: true").text())?;
            pair.await_kernel(&[], secs(20))?;
            pair.await_peer_has(&[], secs(20))?;
            agent.apply("router", &router.text())?;
            pair.await_kernel(&prefixes(Party::Tor, true, 1000), secs(20))?;
            pair.await_peer_has(&prefixes(Party::Node, true, 1000), secs(20))?;
        }
        ensure!(flaps(agent)? == 0, "the session was disturbed");
        Ok(())
    });
}
