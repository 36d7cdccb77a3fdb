//! What `show peers` counts.

use anyhow::ensure;
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::raw::{RawPeer, ipv4_update};
use bgp_tests::scenario::{NODE_ASN, PEER};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{kernel, manifests};

const RAW_ASN: u32 = 65102;

/// A prefix that is in the kernel is counted at the first look, however little time has passed since the one before it.
#[test]
fn prefixes_are_counted_when_somebody_asks() {
    lab::run("counts", |lab| {
        let net = NodeAndTor::new()?;
        net.speak_as(0)?;
        let mut peer = manifests::Peer::new(PEER, "underlay", RAW_ASN, raw_address(0));
        peer.families.push("ipv4");
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let documents = [
            ("router", router.text()),
            ("peer", peer.with("passive: true").text()),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let mut raw = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        raw.establish(RAW_ASN, 90, secs(5))?;
        for n in 1..=10_u8 {
            raw.send(&ipv4_update(RAW_ASN, 0, &[24, 10, 77, n]))?;
            until("the kernel has it", secs(5), || {
                let have = kernel::our_prefixes(&net.node, false)?.len();
                Ok(Look::when(have == usize::from(n), || format!("{have}")))
            })?;
            let families = agent.json(&["show", "peer", PEER])?["families"].clone();
            let all = families.as_array().into_iter().flatten();
            let counted = all.filter(|family| family["family"] == "ipv4/unicast");
            let counted: Vec<_> = counted.map(|family| family["received"].clone()).collect();
            ensure!(counted == [n], "{counted:?} of {n}: {families}");
        }
        agent.stop()
    });
}
