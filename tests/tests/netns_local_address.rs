//! A session does not outlive the address of the node that it runs over.

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, Lab, NodeAndTor, address, raw_address};
use bgp_tests::manifests;
use bgp_tests::raw::RawPeer;
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, secs, until};

const RAW: &str = "raw";
const RAW_ASN: u32 = 65102;
const WHY: &str = "our own address was removed from this node";

/// With and without `localAddress`, the hold timer being a minute and a half: over IPv6 with an external neighbour, over IPv4 with
/// one within the AS, which no link concerns.
fn start(lab: &Lab, net: &NodeAndTor, peer: &manifests::Peer) -> Result<Agent> {
    let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
    let documents = [("router", router.text()), ("peer", peer.text())];
    Agent::start(lab, &net.node, &documents)
}

#[test]
fn a_session_whose_address_is_removed_ends_at_once_and_is_back_when_the_address_is() {
    for (v6, asn, configured) in [
        (true, RAW_ASN, true),
        (true, RAW_ASN, false),
        (false, NODE_ASN, true),
    ] {
        lab::run("localaddr", |lab| {
            let net = NodeAndTor::new()?;
            let remote = if v6 {
                net.speak_as(0)?;
                raw_address(0)
            } else {
                address(true, false)
            };
            let local = address(false, v6);
            let mut peer = manifests::Peer::new(RAW, "underlay", asn, remote).with("passive: true");
            if configured {
                peer = peer.with(&format!("localAddress: \"{local}\""));
            }
            let agent = start(lab, &net, &peer)?;
            let mut raw = RawPeer::connect(&net.tor, local, secs(5))?;
            raw.establish(asn, 90, secs(5))?;
            agent.await_state(RAW, "Established", secs(5))?;
            let length = if v6 { 64 } else { 24 };
            net.node
                .ip(&format!("address del {local}/{length} dev up0"))?;
            await_down(&agent)?;
            drop(raw);
            net.node.address("up0", local, length)?;
            // It rests for a moment, and turns connections away meanwhile.
            let _raw = until("there is a session again", secs(30), || {
                let mut raw = RawPeer::connect(&net.tor, local, secs(5))?;
                Ok(match raw.establish(asn, 90, secs(5)) {
                    Ok(()) => Look::Done(raw),
                    Err(error) => Look::NotYet(error.to_string()),
                })
            })?;
            agent.await_state(RAW, "Established", secs(5))?;
            agent.stop()
        });
    }
}

fn await_down(agent: &Agent) -> Result<()> {
    until(
        "the session is down because of its address",
        secs(1),
        || {
            let shown = agent.json(&["show", "peer", RAW])?;
            let state = shown["state"].as_str().context("no state")?;
            let why = shown["last_down"]["text"].as_str().unwrap_or_default();
            let down = state != "Established" && why == WHY;
            Ok(Look::when(down, || format!("{state}: {why}")))
        },
    )?;
    let log = agent.log();
    let line = format!("session down reason={WHY}");
    let said = log.lines().filter(|said| said.contains(&line));
    ensure!(said.count() == 1, "{log}");
    Ok(())
}

/// One that we open ourselves, from an address that is given: its status says what is missing.
#[test]
fn a_session_from_an_address_that_is_gone_says_so_in_its_status() {
    lab::run("noaddr", |lab| {
        let net = NodeAndTor::new()?;
        let local = address(false, true);
        let peer = manifests::Peer::new(RAW, "underlay", RAW_ASN, address(true, true))
            .with(&format!("localAddress: \"{local}\""));
        let agent = start(lab, &net, &peer)?;
        let mut raw = RawPeer::connect(&net.tor, local, secs(5))?;
        raw.establish(RAW_ASN, 90, secs(5))?;
        agent.await_state(RAW, "Established", secs(5))?;
        net.node.ip(&format!("address del {local}/64 dev up0"))?;
        await_down(&agent)?;
        until("the status says so", secs(10), || {
            let (status, reason) = agent.condition("peers", RAW, "Ready")?;
            let so = status == "False" && reason == "NoLocalAddress";
            Ok(Look::when(so, || format!("{status} {reason}")))
        })?;
        agent.stop()
    });
}
