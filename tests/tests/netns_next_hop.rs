//! The next hop of our own: right for the link and the session, and followed when the addresses of the node change.

use std::net::{IpAddr, Ipv6Addr};

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::matrix::{self, Feature};
use bgp_tests::netns::run;
use bgp_tests::peers::Kind;
use bgp_tests::raw::{RawPeer, Told};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, Pair, Variant};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{kernel, manifests};
use bgp_wire::NextHop;

const RAW: &str = "raw";
const RAW_ASN: u32 = 65102;
const ROUTES: u16 = 5;

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn own_link_local(net: &NodeAndTor) -> Result<Ipv6Addr> {
    let said = net.node.ip("-6 -o address show dev up0 scope link")?;
    let word = said
        .split_whitespace()
        .nth(3)
        .context("no link-local address")?;
    let address = word.split('/').next().context("no address")?;
    Ok(address.parse()?)
}

/// The agent's routes of a family with one next hop; none without.
fn told(v6: bool, next_hop: Option<NextHop>) -> Told {
    let prefixes = prefixes(Party::Node, v6, ROUTES);
    let prefixes = prefixes.iter().map(|p| p.parse().expect("a prefix"));
    next_hop
        .map(|next_hop| prefixes.map(|p| (p, next_hop)).collect())
        .unwrap_or_default()
}

/// Waits until people are told, or no longer told, that we have no next hop for this family alone.
fn await_lacking(agent: &Agent, family: &str, lacking: bool) -> Result<()> {
    until("what is missing is said", secs(5), || {
        let shown = agent.json(&["show", "peer", RAW])?;
        let families = shown["families"].as_array().context("no families")?;
        let found: Vec<_> = families
            .iter()
            .filter(|view| view["no_next_hop"] == true)
            .map(|view| view["family"].as_str().unwrap_or_default())
            .collect();
        let text = agent.ask(&["show", "peer", RAW])?;
        let status = agent.object("peers", RAW)?["status"].to_string();
        let said = text.contains(&format!("{family}: the link has no address of ours"));
        let in_status = status.contains(&format!("; for {family} the link has no address of ours"));
        let wanted: Vec<&str> = lacking.then_some(family).into_iter().collect();
        Ok(Look::when(
            found == wanted && said == lacking && in_status == lacking,
            || format!("{found:?}\n{text}\n{status}"),
        ))
    })?;
    let log = agent.log();
    let warned = log
        .lines()
        .filter(|line| line.contains("no next hop of our own"));
    ensure!(warned.count() == 1, "{log}");
    Ok(())
}

/// The routes of one family on a session of the other: their next hop is an address beside the session's.
fn follows_the_address_beside(v6: bool, addresses: [IpAddr; 2]) {
    let name = if v6 { "beside6" } else { "beside4" };
    lab::run(name, |lab| {
        let net = NodeAndTor::new()?;
        // A second address stays when the first one goes, as IPv6 has it.
        net.node
            .shell("echo 1 > /proc/sys/net/ipv4/conf/all/promote_secondaries")?;
        // The link has addresses of the session's family alone.
        let length = if v6 { 64 } else { 24 };
        let no_more = |address: IpAddr| {
            net.node
                .ip(&format!("address del {address}/{length} dev up0"))
        };
        no_more(address(false, v6))?;
        let remote = if v6 {
            address(true, false)
        } else {
            net.speak_as(0)?;
            raw_address(0)
        };
        let mut peer = manifests::Peer::new(RAW, "underlay", RAW_ASN, remote);
        peer.families = vec!["ipv4", "ipv6"];
        let own = prefixes(Party::Node, v6, ROUTES);
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            ("peer", peer.with("passive: true").text()),
            ("own", manifests::advertisement("own", "underlay", v6, &own)),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let mut peer = RawPeer::connect(&net.tor, address(false, !v6), secs(5))?;
        peer.establish(RAW_ASN, 90, secs(5))?;
        agent.await_state(RAW, "Established", secs(5))?;
        let since = agent.established_since(RAW)?;
        let mut await_next_hop = |next_hop: Option<IpAddr>| {
            let next_hop = next_hop.map(|address| match address {
                IpAddr::V4(v4) => NextHop::V4(v4),
                IpAddr::V6(v6) => NextHop::V6(v6),
            });
            peer.await_told(NODE_ASN, &told(v6, next_hop), secs(5))
        };

        let family = if v6 { "ipv6/unicast" } else { "ipv4/unicast" };
        await_next_hop(None)?;
        await_lacking(&agent, family, true)?;
        net.node.address("up0", addresses[0], length)?;
        await_next_hop(Some(addresses[0]))?;
        await_lacking(&agent, family, false)?;
        // Another takes its place, and is not missed for a moment longer than it is there.
        net.node.address("up0", addresses[1], length)?;
        no_more(addresses[0])?;
        await_next_hop(Some(addresses[1]))?;
        no_more(addresses[1])?;
        await_next_hop(None)?;
        net.node.address("up0", addresses[0], length)?;
        await_next_hop(Some(addresses[0]))?;
        ensure!(
            agent.established_since(RAW)? == since,
            "the session began anew"
        );
        agent.stop()
    });
}

#[test]
fn ipv6_routes_on_an_ipv4_session_follow_the_ipv6_address_of_the_link() {
    follows_the_address_beside(true, [ip("fd00:12::2"), ip("fd00:12::22")]);
}

#[test]
fn ipv4_routes_on_an_ipv6_session_follow_the_ipv4_address_of_the_link() {
    follows_the_address_beside(false, [ip("10.12.0.2"), ip("10.12.0.22")]);
}

/// RFC 2545 §3: with the link-local address exactly if the peer is on the link.
#[test]
fn the_link_local_address_is_told_while_it_is_there() {
    lab::run("linklocal", |lab| {
        let net = NodeAndTor::new()?;
        net.speak_as(0)?;
        let link_local = own_link_local(&net)?;
        let other: Ipv6Addr = "fe80::22".parse()?;
        let IpAddr::V6(global) = address(false, true) else {
            unreachable!("it is IPv6")
        };
        let peer = manifests::Peer::new(RAW, "underlay", RAW_ASN, raw_address(0));
        let own = prefixes(Party::Node, true, ROUTES);
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            ("peer", peer.with("passive: true").text()),
            (
                "own",
                manifests::advertisement("own", "underlay", true, &own),
            ),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        peer.establish(RAW_ASN, 90, secs(5))?;
        let mut await_next_hop =
            |next_hop| peer.await_told(NODE_ASN, &told(true, Some(next_hop)), secs(5));
        let both = |link_local| NextHop::V6LinkLocal { global, link_local };

        await_next_hop(both(link_local))?;
        net.node
            .ip(&format!("address del {link_local}/64 dev up0"))?;
        await_next_hop(NextHop::V6(global))?;
        net.node.address("up0", other.into(), 64)?;
        await_next_hop(both(other))?;
        agent.stop()
    });
}

/// What an external neighbour on the link makes of both addresses.
fn is_understood(
    kind: Kind,
    look: impl Fn(&Pair<'_>, &str) -> Result<String>,
    words: impl Fn(Ipv6Addr) -> Vec<String>,
) {
    matrix::tried(kind, &[Feature::LinkLocalNextHop], || {
        lab::run("installed", |lab| {
            let pair = Pair::converged(lab, kind, Variant::default())?;
            let link_local = own_link_local(&pair.net)?;
            let route = &prefixes(Party::Node, true, 1)[0];
            until("the neighbour has both addresses", secs(10), || {
                let seen = look(&pair, route)?;
                let missing = words(link_local)
                    .into_iter()
                    .find(|word| !seen.contains(word));
                Ok(match missing {
                    None => Look::Done(()),
                    Some(word) => Look::NotYet(format!("no {word:?} in {seen}")),
                })
            })
        });
    });
}

#[test]
fn bird_understands_the_link_local_next_hop() {
    is_understood(
        Kind::Bird,
        |pair, route| {
            let socket = pair.directory().join("tor/bird.ctl");
            let socket = socket.to_string_lossy();
            let said = run(
                "birdc",
                &["-r", "-s", &socket, "show", "route", "all", route],
            )?;
            // As BIRD 3 calls it.
            Ok(said.replace("BGP.next_hop:", "bgp_next_hop:"))
        },
        |link_local| {
            vec![
                // The best route (*), reached.
                "unicast [cosmos".to_owned(),
                "] * (100)".to_owned(),
                // BIRD takes the global one of the two for a gateway.
                format!("via {} on down0", address(false, true)),
                format!("bgp_next_hop: {} {link_local}", address(false, true)),
            ]
        },
    );
}

#[test]
fn frr_takes_the_link_local_next_hop_and_installs_the_route() {
    is_understood(
        Kind::Frr,
        |pair, route| {
            let routes = kernel::routes(&pair.net.tor, true)?;
            let found = routes.iter().find(|r| r.prefix == route);
            Ok(format!("{found:?}"))
        },
        |link_local| vec![link_local.to_string(), "down0".to_owned()],
    );
}
