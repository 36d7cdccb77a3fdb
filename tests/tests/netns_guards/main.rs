//! The fields of a BGPPeer that keep a session from doing harm, each with and without, as a BIRD behind the agent sees it.

mod chain;
mod graceful_shutdown;
mod local_as;
mod max_prefixes;
mod next_hops;
mod not_used;
mod reflected_back;
mod roles;

use anyhow::Result;
use bgp_tests::agent::Agent;
use bgp_tests::lab::{Lab, NodeAndTor, raw_address};
use bgp_tests::manifests;
use bgp_tests::scenario::NODE_ASN;

fn router() -> manifests::Router {
    manifests::Router::new("underlay", NODE_ASN, "10.255.0.2")
}

/// An agent with one internal neighbour, `peer`, which is made of bytes and connects.
fn agent_with_internal_peer(lab: &Lab) -> Result<(NodeAndTor, Agent)> {
    let net = NodeAndTor::new()?;
    net.speak_as(0)?;
    let peer =
        manifests::Peer::new("peer", "underlay", NODE_ASN, raw_address(0)).with("passive: true");
    let documents = [("router", router().text()), ("peer", peer.text())];
    let agent = Agent::start(lab, &net.node, &documents)?;
    Ok((net, agent))
}
