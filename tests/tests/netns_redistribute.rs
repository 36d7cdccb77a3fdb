//! What a router originates of what it finds on its node, as a neighbour sees it while the node changes.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address};
use bgp_tests::peers::{self, Kind, Plan, Router};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, always, secs, until};
use bgp_tests::{kernel, manifests};

fn advertisement(name: &str, v6: bool, sources: &str) -> (String, String) {
    let afi = if v6 { "ipv6" } else { "ipv4" };
    let text = format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPAdvertisement
metadata: {{name: {name}}}
spec:
  routerRef: {{name: underlay}}
  addressFamily: {{afi: {afi}, safi: unicast}}
  {sources}
"
    );
    (name.to_owned(), text)
}

fn await_told(tor: &dyn Router, v6: bool, wanted: &[&str]) -> Result<()> {
    let wanted: BTreeSet<String> = wanted.iter().map(|prefix| (*prefix).to_owned()).collect();
    until("the neighbour has what the node has", secs(10), || {
        let has = tor.received(v6)?;
        Ok(Look::when(has == wanted, || {
            format!("{has:?}, and not {wanted:?}")
        }))
    })
}

/// One family at a time: its networks and routes, by what they are told as.
struct Of {
    v6: bool,
    /// Networks of the node's links: the one to the neighbour, and another.
    connected: [&'static str; 2],
    on_other: &'static str,
    /// An address of the loopback, as a route to it.
    loopback: &'static str,
    /// Routes by hand (`static`), by somebody (`boot`), by another daemon, of the neighbour, and to nowhere.
    by_hand: &'static str,
    by_somebody: &'static str,
    by_bird: &'static str,
    of_neighbour: &'static str,
    to_nowhere: &'static str,
    gateway: &'static str,
}

const FAMILIES: [Of; 2] = [
    Of {
        v6: true,
        connected: ["fd00:12::/64", "2001:db8:a::/64"],
        on_other: "2001:db8:a::1/64",
        loopback: "2001:db8:f::1/128",
        by_hand: "2001:db8:1::/48",
        by_somebody: "2001:db8:2::/48",
        by_bird: "2001:db8:3::/48",
        of_neighbour: "2001:db8:4::/48",
        to_nowhere: "2001:db8:5::/48",
        gateway: "2001:db8:a::9",
    },
    Of {
        v6: false,
        connected: ["10.12.0.0/24", "203.0.113.0/24"],
        on_other: "203.0.113.1/24",
        loopback: "192.0.2.1/32",
        by_hand: "198.51.1.0/24",
        by_somebody: "198.51.2.0/24",
        by_bird: "198.51.3.0/24",
        of_neighbour: "198.51.4.0/24",
        to_nowhere: "198.51.5.0/24",
        gateway: "203.0.113.9",
    },
];

fn start<'a>(
    lab: &lab::Lab,
    net: &'a NodeAndTor,
    of: &Of,
    sources: &str,
) -> Result<(Agent, Box<dyn Router + 'a>)> {
    let (v6, node) = (of.v6, &net.node);
    node.veth("other0", &net.tor, "other1")?;
    let nodad = if v6 { "nodad" } else { "" };
    node.ip(&format!("address add {} dev other0 {nodad}", of.on_other))?;
    node.ip(&format!("address add {} dev lo", of.loopback))?;
    for (prefix, how) in [
        (of.by_hand, "proto static"),
        (of.by_somebody, ""),
        (of.by_bird, "proto bird"),
    ] {
        node.ip(&format!("route add {prefix} via {} {how}", of.gateway))?;
    }
    node.ip(&format!(
        "route add blackhole {} proto static",
        of.to_nowhere
    ))?;
    // Of no use to others.
    node.ip(&format!(
        "route add default via {} proto static metric 9999",
        of.gateway
    ))?;
    let mut plan = Plan::new((TOR_ASN, address(true, v6)), (NODE_ASN, address(false, v6)));
    plan.announce = vec![of.of_neighbour.to_owned()];
    let tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
    let mut peer = manifests::Peer::new("tor", "underlay", TOR_ASN, address(true, v6));
    peer.families = vec![if v6 { "ipv6" } else { "ipv4" }];
    let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
    let (name, own) = advertisement("own", v6, sources);
    let documents = [
        ("router", router.text()),
        ("tor", peer.text()),
        (&*name, own),
    ];
    let agent = Agent::start(lab, node, &documents)?;
    until("the neighbour's route is in the kernel", secs(20), || {
        let have = kernel::our_prefixes(node, v6)?;
        Ok(Look::when(have.contains(of.of_neighbour), || {
            format!("{have:?}")
        }))
    })?;
    Ok((agent, tor))
}

fn change(agent: &Agent, of: &Of, sources: &str) -> Result<()> {
    let (name, text) = advertisement("own", of.v6, sources);
    agent.apply(&name, &text)
}

#[test]
fn each_source_is_told_and_followed_and_nothing_of_the_others() {
    for of in FAMILIES {
        lab::run("redistribute", |lab| {
            let net = NodeAndTor::new()?;
            let (agent, tor) = start(lab, &net, &of, "redistribute: [connected]")?;
            let [uplink, other] = of.connected;
            let connected: &[&str] = &[uplink, other, of.loopback];
            await_told(&*tor, of.v6, connected)?;
            let advertised =
                agent.object("advertisements", "own")?["status"]["advertisedPrefixes"].clone();
            ensure!(advertised == 3, "{advertised}");
            let explained = agent.ask(&["explain", other])?;
            ensure!(explained.contains("own"), "{explained}");

            change(&agent, &of, "redistribute: [static]")?;
            await_told(&*tor, of.v6, &[of.by_hand, of.to_nowhere])?;
            change(&agent, &of, "redistribute: [kernel]")?;
            await_told(&*tor, of.v6, &[of.by_somebody, of.by_bird])?;
            change(&agent, &of, "originateFrom: {type: kernel}")?;
            await_told(&*tor, of.v6, &[of.by_somebody, of.by_bird])?;
            change(
                &agent,
                &of,
                "originateFrom: {type: interface, interfaceName: lo}",
            )?;
            await_told(&*tor, of.v6, &[of.loopback])?;

            // All of it; the node changes.
            let named = if of.v6 {
                "2001:db8:9::/48"
            } else {
                "198.51.9.0/24"
            };
            let sources =
                format!("redistribute: [connected, static, kernel]\n  prefixes: [\"{named}\"]");
            change(&agent, &of, &sources)?;
            let mut all = vec![
                uplink,
                other,
                of.loopback,
                of.by_hand,
                of.to_nowhere,
                of.by_somebody,
                of.by_bird,
                named,
            ];
            await_told(&*tor, of.v6, &all)?;
            let gone = |all: &mut Vec<&str>, which: &str| all.retain(|prefix| *prefix != which);
            net.node
                .ip(&format!("route del {} via {}", of.by_hand, of.gateway))?;
            gone(&mut all, of.by_hand);
            await_told(&*tor, of.v6, &all)?;
            net.node
                .ip(&format!("address del {} dev lo", of.loopback))?;
            gone(&mut all, of.loopback);
            await_told(&*tor, of.v6, &all)?;
            let late = if of.v6 {
                "2001:db8:77::/48"
            } else {
                "198.51.77.0/24"
            };
            net.node
                .ip(&format!("route add {late} via {} proto static", of.gateway))?;
            all.push(late);
            await_told(&*tor, of.v6, &all)?;
            // What leads over a link goes with it.
            net.node.ip("link set other0 down")?;
            for prefix in [other, of.by_somebody, of.by_bird, late] {
                gone(&mut all, prefix);
            }
            await_told(&*tor, of.v6, &all)?;
            agent.stop()
        });
    }
}

/// Two advertisements that both have a prefix, of which one goes: RFC 4271 knows one route, and it stays.
#[test]
fn a_prefix_that_two_have_stays_when_one_of_them_goes() {
    let of = &FAMILIES[0];
    lab::run("overlap", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, tor) = start(lab, &net, of, "redistribute: [static]")?;
        let both = [of.by_hand, of.to_nowhere];
        await_told(&*tor, of.v6, &both)?;
        let sources = format!("prefixes: [\"{}\"]", of.by_hand);
        let (name, text) = advertisement("named", of.v6, &sources);
        agent.apply(&name, &text)?;
        agent.await_condition(("advertisements", "named"), "Ready", ("True", ""), secs(10))?;
        let wanted: BTreeSet<String> = both.map(str::to_owned).into();
        let stays = || {
            always("it is there all the time", secs(2), || {
                let has = tor.received(of.v6)?;
                Ok(Look::when(has == wanted, || format!("{has:?}")))
            })
        };
        stays()?;
        agent.delete("named")?;
        stays()?;
        agent.stop()
    });
}

/// The object says so where there is nothing to find.
#[test]
fn a_source_that_has_nothing_is_told_in_the_status() {
    lab::run("nothing", |lab| {
        let net = NodeAndTor::new()?;
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let sources = "originateFrom: {type: interface, interfaceName: late0}";
        let (name, own) = advertisement("own", true, sources);
        let documents = [("router", router.text()), (&*name, own)];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let ready = |status: &str, reason: &str| {
            agent.await_condition(
                ("advertisements", "own"),
                "Ready",
                (status, reason),
                secs(10),
            )
        };
        ready("False", "NothingToOriginate")?;
        net.node.veth("late0", &net.tor, "late1")?;
        net.node.address("late0", "2001:db8::7".parse()?, 64)?;
        ready("True", "Originated")?;
        let routes = agent.ask(&["show", "routes", "2001:db8::7/128"])?;
        ensure!(routes.contains("2001:db8::7/128"), "{routes}");
        net.node.ip("link set late0 down")?;
        ready("False", "NothingToOriginate")?;
        agent.stop()
    });
}
