//! The agent with one peer that is no router: what tests of single messages begin with.

use anyhow::Result;

use crate::agent::Agent;
use crate::lab::{Lab, NodeAndTor, address, raw_address};
use crate::manifests;
use crate::raw::{RawPeer, open};
use crate::scenario::NODE_ASN;
use crate::wait::secs;

/// The name of the peer.
pub const RAW: &str = "raw";
/// Its AS.
pub const RAW_ASN: u32 = 65102;

/// The agent of a router with an external peer at `raw_address(0)`, both families, which waits for it to connect; started with more
/// arguments of `cosmos run`.
///
/// # Errors
/// As [`Agent::start`].
pub fn agent(lab: &Lab, net: &NodeAndTor, more: &[&str]) -> Result<Agent> {
    net.speak_as(0)?;
    let mut peer = manifests::Peer::new(RAW, "underlay", RAW_ASN, raw_address(0));
    peer.families = vec!["ipv6", "ipv4"];
    let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
    let documents = [
        ("router", router.text()),
        ("peer", peer.with("passive: true").text()),
    ];
    Agent::start_with(lab, &net.node, &documents, more)
}

/// The same with its session, of which the peer has said both families.
///
/// # Errors
/// When there is no session in time.
pub fn session(lab: &Lab, net: &NodeAndTor) -> Result<(Agent, RawPeer)> {
    session_with(lab, net, &open(RAW_ASN, 90, [10, 255, 0, 9]))
}

/// The same after this OPEN.
///
/// # Errors
/// When there is no session in time.
pub fn session_with(lab: &Lab, net: &NodeAndTor, open: &[u8]) -> Result<(Agent, RawPeer)> {
    let agent = agent(lab, net, &[])?;
    let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
    peer.establish_with(open, secs(5))?;
    agent.await_state(RAW, "Established", secs(5))?;
    Ok((agent, peer))
}
