//! The neighbour changes while there is a session with it: the two ends call the link by the same name, as they may.

use std::fs;
use std::net::Ipv6Addr;

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, Lab};
use bgp_tests::netns::{Namespace, run, send};
use bgp_tests::peers::{Plan, Router};
use bgp_tests::raw_router::link_local;
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, always, secs, until};
use rustix::process::Signal;

use crate::net::{EXTERNAL, Net, UP, await_kernel, await_received, frr, on, own, router};

/// A session with FRR over a link that both call by the same name, with this hold time.
fn peered(lab: &Lab, hold_time: u16) -> Result<(Net, Agent, Box<dyn Router>)> {
    let net = Net::new(0)?;
    net.node.veth("link0", &net.tor, "link0")?;
    let mut documents = vec![router(), ("peer", on("link0", &[EXTERNAL]))];
    documents.extend(own());
    let agent = Agent::start(lab, &net.node, &documents)?;
    let mut plan = Plan::by_interface(TOR_ASN, NODE_ASN, &["link0"]);
    plan.hold_time = hold_time;
    let router = frr(lab, &net, &plan)?;
    agent.await_state("on-link0", "Established", UP)?;
    await_kernel(&net.node, &[(link_local(&net.tor, "link0")?, "link0")])?;
    await_received(&*router)?;
    Ok((net, agent, router))
}

/// The one that advertises the router.
fn signal_zebra(namespace: &Namespace, signal: Signal) -> Result<()> {
    let mut found = 0;
    for pid in namespace.processes()? {
        if fs::read_to_string(format!("/proc/{pid}/comm"))?.trim() == "zebra" {
            send(pid, signal);
            found += 1;
        }
    }
    ensure!(found == 1, "{found} processes");
    Ok(())
}

/// What the kernel has as the link-layer address of a neighbour.
fn link_address_of(namespace: &Namespace, neighbour: Ipv6Addr) -> Result<String> {
    let neighbour = neighbour.to_string();
    let text = run(
        "ip",
        &[
            "-n",
            namespace.name(),
            "-6",
            "-j",
            "neigh",
            "show",
            &neighbour,
        ],
    )?;
    let entries: serde_json::Value = serde_json::from_str(&text)?;
    Ok(entries[0]["lladdr"].as_str().unwrap_or("none").to_owned())
}

#[test]
fn a_session_outlives_other_hardware_and_the_end_of_advertisements() {
    lab::run("unnumbered-hardware", |lab| {
        let (net, agent, router) = peered(lab, 90)?;
        let there = link_local(&net.tor, "link0")?;
        let since = agent.established_since("on-link0")?;
        let undisturbed = || {
            let now = agent.established_since("on-link0")?;
            Ok(Look::when(now == since, || now))
        };
        let hardware = "02:00:00:00:00:99";
        net.tor.ip(&format!("link set link0 address {hardware}"))?;
        until("the kernel knows the new hardware", secs(30), || {
            let known = link_address_of(&net.node, there)?;
            Ok(Look::when(known == hardware, || known))
        })?;
        await_received(&*router)?;
        signal_zebra(&net.tor, Signal::STOP)?;
        always("the session stays", secs(3), undisturbed)?;
        await_kernel(&net.node, &[(there, "link0")])?;
        // Once the link was down, whoever does not speak is not known any more.
        net.node.ip("link set link0 down")?;
        await_kernel(&net.node, &[])?;
        net.node.ip("link set link0 up")?;
        let silent = ("False", "NoNeighbour");
        agent.await_condition(("peers", "on-link0"), "Ready", silent, secs(10))?;
        signal_zebra(&net.tor, Signal::CONT)?;
        agent.await_state("on-link0", "Established", secs(40))?;
        await_kernel(&net.node, &[(there, "link0")])?;
        agent.stop()
    });
}

#[test]
fn a_router_with_another_address_is_followed_with_its_routes() {
    lab::run("unnumbered-renumbered", |lab| {
        // FRR, which is not told of the end by anybody any more, refuses a second session for so long.
        let (net, agent, router) = peered(lab, 9)?;
        let before = link_local(&net.tor, "link0")?;
        net.tor.ip("address add fe80::99/64 dev link0 nodad")?;
        net.tor.ip(&format!("address del {before}/64 dev link0"))?;
        let moved: Ipv6Addr = "fe80::99".parse()?;
        let scoped = format!("{moved}%link0");
        until("the new address has the session", secs(40), || {
            let status = agent.object("peers", "on-link0")?["status"]["routers"][0].clone();
            let so = status["remoteAddress"] == scoped.as_str()
                && status["sessionState"] == "Established";
            Ok(Look::when(so, || status.to_string()))
        })?;
        await_kernel(&net.node, &[(moved, "link0")])?;
        await_received(&*router)?;
        agent.stop()
    });
}

/// RFC 5881 §2: one hop away, over link-local addresses. Of two ways, the one on which packets are lost while its link stays up is left.
#[test]
fn bfd_takes_the_way_over_a_link_that_carries_nothing() {
    lab::run("unnumbered-bfd", |lab| {
        let net = Net::new(2)?;
        let bfd = "bfd: {enabled: true, minimumTx: 50000, minimumRx: 50000}";
        let mut documents = vec![
            router(),
            ("peer0", on("up0", &[EXTERNAL, bfd])),
            ("peer1", on("up1", &[EXTERNAL])),
        ];
        documents.extend(own());
        let agent = Agent::start(lab, &net.node, &documents)?;
        let mut plan = Plan::by_interface(TOR_ASN, NODE_ASN, &["down0", "down1"]);
        (plan.bfd, plan.hold_time) = (true, 90);
        let _router = frr(lab, &net, &plan)?;
        let (there0, there1) = (
            link_local(&net.tor, "down0")?,
            link_local(&net.tor, "down1")?,
        );
        for peer in ["on-up0", "on-up1"] {
            agent.await_state(peer, "Established", UP)?;
        }
        until("BFD is up", secs(20), || {
            let state = agent.json(&["show", "peer", "on-up0"])?["bfd"]["state"].clone();
            Ok(Look::when(state == "Up", || state.to_string()))
        })?;
        await_kernel(&net.node, &[(there0, "up0"), (there1, "up1")])?;
        let since = agent.established_since("on-up1")?;
        let drop = [
            "qdisc", "add", "dev", "down0", "root", "pfifo", "limit", "0",
        ];
        net.tor.run("tc", &drop)?;
        // The hold time is 90 seconds: it is not that which ends the session.
        await_kernel(&net.node, &[(there1, "up1")])?;
        agent.await_condition(("peers", "on-up0"), "Ready", ("False", "BfdDown"), secs(5))?;
        let log = agent.log();
        ensure!(log.contains("detection time expired"), "{log}");
        net.tor
            .run("tc", &["qdisc", "del", "dev", "down0", "root"])?;
        agent.await_state("on-up0", "Established", secs(40))?;
        await_kernel(&net.node, &[(there0, "up0"), (there1, "up1")])?;
        ensure!(
            agent.established_since("on-up1")? == since,
            "it was disturbed"
        );
        let shown = agent.ask(&["show", "bfd"])?;
        shown.contains("%up0").then_some(()).context(shown)?;
        agent.stop()
    });
}
