//! Several routers on one node.

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::kernel::METRIC;
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::peers::{self, Kind, Plan, Router};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{Namespace, kernel, manifests};

use crate::{await_set, ip};

/// The far end of the overlay: a router behind the top-of-rack router.
struct Fabric {
    net: NodeAndTor,
    _far: Namespace,
    tor: Box<dyn Router>,
    far: Box<dyn Router>,
}

const NODE_LOOPBACK: &str = "fd00:aa::1";
const FAR_LOOPBACK: &str = "fd00:ff::9";

fn fabric(lab: &Lab) -> Result<Fabric> {
    let net = NodeAndTor::new()?;
    let far = Namespace::new("far")?;
    net.tor.veth("right0", &far, "left0")?;
    net.tor.address("right0", ip("fd00:13::1"), 64)?;
    far.address("left0", ip("fd00:13::2"), 64)?;
    far.address("lo", ip(FAR_LOOPBACK), 128)?;
    net.node.address("lo", ip(NODE_LOOPBACK), 128)?;
    far.ip("route add default via fd00:13::1")?;
    net.tor
        .ip(&format!("route add {FAR_LOOPBACK}/128 via fd00:13::2"))?;
    net.tor
        .ip(&format!("route add {NODE_LOOPBACK}/128 via fd00:12::2"))?;

    // The underlay: the top-of-rack router tells the node where the far loopback is.
    let mut plan = Plan::new(
        (TOR_ASN, address(true, true)),
        (NODE_ASN, address(false, true)),
    );
    plan.announce = vec![format!("{FAR_LOOPBACK}/128")];
    let tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
    // The overlay: a session of the node's own AS between the two loopbacks.
    let mut plan = Plan::new((NODE_ASN, ip(FAR_LOOPBACK)), (NODE_ASN, ip(NODE_LOOPBACK)));
    plan.router_id = "10.255.0.9".into();
    plan.announce = prefixes(Party::Tor, true, 50);
    let far_router = peers::start(Kind::Bird, &far, &lab.subdirectory("far")?, &plan)?;
    Ok(Fabric {
        net,
        _far: far,
        tor,
        far: far_router,
    })
}

fn two_planes() -> Vec<(&'static str, String)> {
    let underlay = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
    let overlay = manifests::Router::new("overlay", NODE_ASN, "10.255.0.2");
    let peer = |name, router, asn, address| {
        manifests::Peer::new(name, router, asn, address)
            .with("holdTime: 9s")
            .with("keepaliveTime: 3s")
            .with("passive: true")
    };
    let rr = peer("rr", "overlay", NODE_ASN, ip(FAR_LOOPBACK));
    let loopback = [format!("{NODE_LOOPBACK}/128")];
    let own = prefixes(Party::Node, true, 20);
    vec![
        ("underlay", underlay.text()),
        (
            "overlay",
            overlay
                .with(&format!("localAddress: \"{NODE_LOOPBACK}\""))
                .text(),
        ),
        (
            "tor",
            peer("tor", "underlay", TOR_ASN, address(true, true)).text(),
        ),
        ("rr", rr.text()),
        (
            "loopback",
            manifests::advertisement("loopback", "underlay", true, &loopback),
        ),
        (
            "tenants",
            manifests::advertisement("tenants", "overlay", true, &own),
        ),
    ]
}

#[test]
fn an_underlay_and_an_overlay_router_share_a_node_and_no_route() {
    lab::run("planes", |lab| {
        let Fabric {
            net,
            _far,
            mut tor,
            far,
        } = fabric(lab)?;
        let agent = Agent::start(lab, &net.node, &two_planes())?;
        agent.await_state("tor", "Established", secs(20))?;
        agent.await_state("rr", "Established", secs(20))?;

        // No route crosses: each neighbour has what its own plane announces and nothing else.
        await_set(
            "BIRD has the loopback alone",
            &[format!("{NODE_LOOPBACK}/128")],
            || tor.received(true),
        )?;
        await_set(
            "the far end has the tenants alone",
            &prefixes(Party::Node, true, 20),
            || far.received(true),
        )?;

        // The overlay's next hop is a loopback that the underlay learned: its routes leave through the underlay's link.
        let mut wanted = prefixes(Party::Tor, true, 50);
        wanted.push(format!("{FAR_LOOPBACK}/128"));
        await_set("both planes are in the kernel", &wanted, || {
            kernel::our_prefixes(&net.node, true)
        })?;
        for route in kernel::ours(&net.node, true)? {
            ensure!(
                route
                    .legs
                    .iter()
                    .all(|l| l.device.as_deref() == Some("up0")),
                "{route:?}"
            );
        }

        // The underlay loses the loopback: the overlay's routes go, though its session is still there.
        tor.announce(&[])?;
        await_set("nothing is left in the kernel", &[], || {
            kernel::our_prefixes(&net.node, true)
        })?;
        ensure!(agent.session_state("rr")? == "Established", "its session");
        tor.announce(&[format!("{FAR_LOOPBACK}/128")])?;
        await_set("all is back in the kernel", &wanted, || {
            kernel::our_prefixes(&net.node, true)
        })
    });
}

#[test]
fn the_same_remote_for_two_routers_is_refused_and_named() {
    lab::run("duplicate", |lab| {
        let Fabric {
            net,
            _far,
            tor: _tor,
            far: _far_router,
        } = fabric(lab)?;
        let mut documents = two_planes();
        let twin = manifests::Peer::new("twin", "overlay", TOR_ASN, address(true, true));
        documents.push(("twin", twin.text()));
        let agent = Agent::start(lab, &net.node, &documents)?;
        agent.await_condition(
            ("peers", "twin"),
            "Accepted",
            ("False", "DuplicateRemote"),
            secs(10),
        )?;
        let told = agent.object("peers", "twin")?.to_string();
        let other = format!(
            "{} is already the neighbour of tor on underlay",
            address(true, true)
        );
        ensure!(told.contains(&other), "the other is not named: {told}");
        agent.await_state("tor", "Established", secs(20))
    });
}

#[test]
fn the_better_metric_then_the_name_decides_who_installs_a_prefix() {
    lab::run("shadow", |lab| {
        let Fabric {
            net,
            _far,
            mut tor,
            far: _far_router,
        } = fabric(lab)?;
        let shared = prefixes(Party::Tor, true, 1).remove(0);
        tor.announce(&[format!("{FAR_LOOPBACK}/128"), shared.clone()])?;
        let agent = Agent::start(lab, &net.node, &two_planes())?;
        agent.await_state("rr", "Established", secs(20))?;
        // Both planes have it and both routers the default metric: "overlay" comes before "underlay".
        let explained = until("explain names both", secs(20), || {
            let text = agent.ask(&["explain", &shared])?;
            let both =
                text.contains("underlay") && text.contains("overlay") && text.contains("shadowed");
            Ok(if both {
                Look::Done(text)
            } else {
                Look::NotYet(text)
            })
        })?;
        ensure!(!explained.contains("error"), "{explained}");
        await_owner(&agent, &net, &shared, ("overlay", "underlay"), METRIC)?;
        let shadowed = ("False", "Shadowed");
        agent.await_condition(("routers", "underlay"), "Programmed", shadowed, secs(10))?;
        // A better metric comes before the name.
        let better = METRIC - 100;
        let mut underlay = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        underlay = underlay.with(&format!("kernel: {{metric: {better}}}"));
        agent.apply("underlay", &underlay.text())?;
        await_owner(&agent, &net, &shared, ("underlay", "overlay"), better)?;
        let underlay = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        agent.apply("underlay", &underlay.text())?;
        await_owner(&agent, &net, &shared, ("overlay", "underlay"), METRIC)?;
        // The overlay loses it: the underlay's takes its place.
        agent.delete("rr")?;
        let gone = prefixes(Party::Tor, true, 50).remove(49);
        until("the overlay's own routes are gone", secs(20), || {
            let have = kernel::our_prefixes(&net.node, true)?;
            Ok(Look::when(
                !have.contains(&gone) && have.contains(&shared),
                || format!("{} routes", have.len()),
            ))
        })
    });
}

/// Waits until the kernel has the prefix once, with this metric, from the first router, and the second one is behind it.
fn await_owner(
    agent: &Agent,
    net: &NodeAndTor,
    prefix: &str,
    (owner, other): (&str, &str),
    metric: u32,
) -> Result<()> {
    until(&format!("{prefix} is {owner}'s"), secs(20), || {
        let rows = agent.json(&["show", "fib", prefix])?;
        let state = |router: &str| {
            let rows = rows.as_array().into_iter().flatten();
            let mut rows = rows.filter(|row| row["router"] == router);
            rows.next().map(|row| row["state"].clone())
        };
        let said =
            state(owner) == Some("installed".into()) && state(other) == Some("shadowed".into());
        let routes = kernel::table(&net.node, true, "main")?;
        let there: Vec<_> = routes.iter().filter(|r| r.prefix == prefix).collect();
        let alone = matches!(there.as_slice(), [route] if route.metric == metric);
        Ok(Look::when(said && alone, || format!("{rows}; {there:?}")))
    })
}
