//! Routers whose port somebody else has.

use std::net::TcpListener;

use anyhow::ensure;
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::manifests;
use bgp_tests::raw::RawPeer;
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, secs, until};

const RAW_ASN: u32 = 65102;

/// Which neighbours may be beside each other is judged by the ports that routers are to have, and not all can be had.
#[test]
fn a_router_that_cannot_have_its_port_keeps_its_neighbours_and_who_comes_for_them_waits() {
    lab::run("portshared", |lab| {
        let net = NodeAndTor::new()?;
        net.speak_as(0)?;
        let router = |name: &str, port: u16| {
            let router = manifests::Router::new(name, NODE_ASN, "10.255.0.2");
            let router = router.with(&format!("listenPort: {port}"));
            router.with("kernel: {install: false}").text()
        };
        let peer = |router: &str| {
            let name = format!("of-{router}");
            let peer = manifests::Peer::new(&name, router, RAW_ASN, raw_address(0));
            peer.with("passive: true").text()
        };
        let documents = [
            ("first", router("first", 179)),
            ("second", router("second", 1790)),
            ("of-first", peer("first")),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let mut raw = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        raw.establish(RAW_ASN, 90, secs(5))?;
        agent.await_state("of-first", "Established", secs(5))?;
        let since = agent.established_since("of-first")?;

        let somebody = net.node.enter(|| Ok(TcpListener::bind("[::]:1179")?))?;
        agent.apply("first", &router("first", 1179))?;
        let status = |kind: &str, name: &str, words: &str| {
            until(&format!("{name} says {words}"), secs(10), || {
                let status = agent.object(kind, name)?["status"].to_string();
                Ok(Look::when(status.contains(words), || status))
            })
        };
        status("routers", "first", "port 179 stays in use")?;
        agent.apply("second", &router("second", 179))?;
        agent.apply("of-second", &peer("second"))?;
        // Nothing is wrong with it, but it has to wait.
        let of_second = ("peers", "of-second");
        agent.await_condition(of_second, "Accepted", ("True", ""), secs(10))?;
        agent.await_condition(of_second, "Ready", ("False", "PortShared"), secs(10))?;
        status("peers", "of-second", "which is still on this port")?;
        let shown = agent.ask(&["show", "peer", "of-second"])?;
        ensure!(shown.contains("of another BGPRouter"), "{shown}");
        ensure!(
            agent.established_since("of-first")? == since,
            "the session of the first router was disturbed"
        );
        // Who connects anew still comes to the first one.
        drop(raw);
        agent.await_state("of-first", "Active", secs(20))?;
        let mut raw = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        raw.establish(RAW_ASN, 90, secs(5))?;
        agent.await_state("of-first", "Established", secs(5))?;
        ensure!(
            agent.session_state("of-second")? != "Established",
            "the connection came to the wrong router"
        );

        drop(somebody);
        agent.await_condition(of_second, "Ready", ("False", "Active"), secs(20))?;
        let mut raw = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        raw.establish(RAW_ASN, 90, secs(5))?;
        agent.await_state("of-second", "Established", secs(5))?;
        agent.stop()
    });
}
