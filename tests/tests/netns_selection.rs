//! Other rules of selection while sessions are up: paths are chosen anew, and nothing else happens.

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::manifests;
use bgp_tests::raw::{RawPeer, ipv4_update, open};
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, secs, until};

const ASN: u32 = 65102;
const PREFIX: &str = "203.0.113.0/24";

fn best(agent: &Agent) -> Result<String> {
    let told = agent.json(&["show", "routes", PREFIX, "--best"])?;
    let peer = told["peer"].as_str().map(str::to_owned);
    peer.with_context(|| format!("no best path in {told}"))
}

#[test]
fn other_rules_choose_another_path_and_reset_no_session() {
    lab::run("selection", |lab| {
        let net = NodeAndTor::new()?;
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let mut documents = vec![("router".to_owned(), router.text())];
        for n in 0..2 {
            let name = format!("raw-{n}");
            let mut peer = manifests::Peer::new(&name, "underlay", ASN, raw_address(n));
            peer.families.push("ipv4");
            documents.push((name, peer.with("passive: true").text()));
        }
        let documents: Vec<(&str, String)> = documents
            .iter()
            .map(|(name, text)| (name.as_str(), text.clone()))
            .collect();
        let agent = Agent::start(lab, &net.node, &documents)?;
        // The first has the lower address, the second the lower router ID.
        let mut peers = Vec::new();
        for (n, id) in [(0, 9), (1, 5)] {
            net.speak_as(n)?;
            let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
            peer.establish_with(&open(ASN, 90, [10, 255, 0, id]), secs(5))?;
            peer.send(&ipv4_update(ASN, 0, &[24, 203, 0, 113]))?;
            peers.push(peer);
        }
        let since = || {
            let names = ["raw-0", "raw-1"];
            names
                .map(|name| agent.established_since(name))
                .into_iter()
                .collect::<Result<Vec<_>>>()
        };
        for name in ["raw-0", "raw-1"] {
            agent.await_condition(("peers", name), "Ready", ("True", ""), secs(5))?;
        }
        let up = since()?;
        let await_best = |name: &str| {
            until(&format!("{name} is best"), secs(5), || {
                let best = best(&agent)?;
                Ok(Look::when(best == name, || best))
            })
        };
        await_best("raw-0")?;
        let by_id = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2")
            .with("bestPath: {compareRouterId: true}");
        agent.apply("router", &by_id.text())?;
        await_best("raw-1")?;
        agent.apply("router", &router.text())?;
        await_best("raw-0")?;
        ensure!(since()? == up, "a session began anew");
        agent.stop()
    });
}
