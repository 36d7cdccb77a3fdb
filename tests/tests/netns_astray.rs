//! A neighbour that announces the address of another one: packets for that one go on leaving through its link.

use std::collections::BTreeSet;

use anyhow::ensure;
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address};
use bgp_tests::netns::Namespace;
use bgp_tests::peers::{self, Kind, Plan};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, always, secs, until};
use bgp_tests::{kernel, manifests};

const OTHER: &str = "other";
const OTHER_ASN: u32 = 65103;

#[test]
fn a_session_outlives_another_neighbours_host_route_to_its_neighbour_ipv6() {
    outlives_a_host_route(true);
}

#[test]
fn a_session_outlives_another_neighbours_host_route_to_its_neighbour_ipv4() {
    outlives_a_host_route(false);
}

fn outlives_a_host_route(v6: bool) {
    lab::run("astray", |lab| {
        let net = NodeAndTor::new()?;
        let other = Namespace::new("other")?;
        net.node.veth("other0", &other, "other1")?;
        let ends = match v6 {
            true => ("fd00:13::2", "fd00:13::1", 64),
            false => ("10.13.0.2", "10.13.0.1", 24),
        };
        let (own, theirs, length) = (ends.0.parse()?, ends.1.parse()?, ends.2);
        net.node.address("other0", own, length)?;
        other.address("other1", theirs, length)?;

        let mut second = Plan::new((OTHER_ASN, theirs), (NODE_ASN, own));
        let over_it = match v6 {
            true => "fd00:113::/64",
            false => "198.51.113.0/24",
        };
        second.announce = vec![over_it.to_owned()];
        let _second = peers::start(Kind::Bird, &other, &lab.subdirectory("other")?, &second)?;
        let mut first = Plan::new((TOR_ASN, address(true, v6)), (NODE_ASN, address(false, v6)));
        let (astray, harmless) = match v6 {
            true => ("fd00:13::1/128", "fd00:13::7/128"),
            false => ("10.13.0.1/32", "10.13.0.7/32"),
        };
        first.announce = vec![harmless.to_owned()];
        let mut tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &first)?;

        let peer = |name: &str, asn, address| {
            manifests::Peer::new(name, "underlay", asn, address)
                .with("holdTime: 3s")
                .with("keepaliveTime: 1s")
                .text()
        };
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let documents = [
            ("router", router.text()),
            ("tor", peer("tor", TOR_ASN, address(true, v6))),
            ("other", peer(OTHER, OTHER_ASN, theirs)),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        agent.await_state(OTHER, "Established", secs(20))?;
        agent.await_state("tor", "Established", secs(20))?;
        let since = agent.established_since(OTHER)?;
        tor.announce(&[harmless.to_owned(), astray.to_owned()])?;
        let why = format!("packets for the neighbour {theirs} away from the link");
        until("`explain` says why it is kept out", secs(10), || {
            let shown = agent.ask(&["explain", astray])?;
            let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
            Ok(Look::when(flat.contains(&why), || shown))
        })?;
        let wanted: BTreeSet<String> = [harmless, over_it].map(str::to_owned).into();
        let look = || {
            let have = kernel::our_prefixes(&net.node, v6)?;
            Ok(Look::when(have == wanted, || format!("{have:?}")))
        };
        until("both routes and no other are there", secs(10), look)?;
        // Longer than the hold time.
        always("both routes and no other stay", secs(5), look)?;
        ensure!(agent.session_state(OTHER)? == "Established");
        ensure!(
            agent.established_since(OTHER)? == since,
            "it is another session"
        );
        agent.stop()
    });
}
