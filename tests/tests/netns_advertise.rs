//! What becomes of what the node originates when its manifests change.

use anyhow::ensure;
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::manifests;
use bgp_tests::raw::RawPeer;
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::secs;

const RAW: &str = "raw";
const RAW_ASN: u32 = 65102;

#[test]
fn only_what_changes_in_an_advertisement_is_told() {
    lab::run("advertise", |lab| {
        let net = NodeAndTor::new()?;
        net.speak_as(0)?;
        let peer = manifests::Peer::new(RAW, "underlay", RAW_ASN, raw_address(0));
        let all = prefixes(Party::Node, true, 251);
        let advertise = |of: &[String]| manifests::advertisement("own", "underlay", true, of);
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            ("peer", peer.with("passive: true").text()),
            ("own", advertise(&all[..250])),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        peer.establish(RAW_ASN, 90, secs(5))?;
        let next_changes = |peer: &mut RawPeer, n: usize| peer.changes(NODE_ASN, n, secs(5));
        ensure!(next_changes(&mut peer, 250)?.len() == 250);

        // One more; then one less, of those in the middle.
        agent.apply("own", &advertise(&all))?;
        ensure!(next_changes(&mut peer, 1)? == [(true, all[250].parse()?)]);
        let mut fewer = all;
        let gone = fewer.remove(100);
        agent.apply("own", &advertise(&fewer))?;
        ensure!(next_changes(&mut peer, 1)? == [(false, gone.parse()?)]);
        // And nothing else came, before or after: the last one is the next.
        agent.delete("own")?;
        let withdrawn = next_changes(&mut peer, 250)?;
        ensure!(withdrawn.iter().all(|(announced, _)| !announced));
        agent.stop()
    });
}
