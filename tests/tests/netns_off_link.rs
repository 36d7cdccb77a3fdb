//! RFC 4271 §6.3: next hops of an external neighbour one hop away are on the link that is shared with it, and nowhere else.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::kernel::{self, Leg};
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::manifests;
use bgp_tests::raw::{RawPeer, ipv4_update, message};
use bgp_tests::raw_session::{self, RAW, RAW_ASN};
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, always, secs, until};

/// Routes by their third octet, and their next hops: the neighbour's own address, another one on the link, one on another link of
/// the node, one of the node itself, and one that only a gateway leads to.
const ROUTES: [(u8, [u8; 4]); 5] = [
    (1, [10, 12, 0, 1]),
    (2, [10, 12, 0, 77]),
    (3, [192, 0, 2, 9]),
    (4, [10, 12, 0, 2]),
    (5, [203, 0, 113, 1]),
];

fn announce(peer: &mut RawPeer) -> Result<()> {
    for (number, next_hop) in ROUTES {
        let mut update = ipv4_update(RAW_ASN, 0, &[24, 198, 51, number]);
        let at = update
            .windows(4)
            .position(|octets| octets == [10, 12, 0, 1])
            .context("no NEXT_HOP")?;
        update[at..at + 4].copy_from_slice(&next_hop);
        peer.send(&update)?;
    }
    Ok(())
}

fn await_installed(net: &NodeAndTor, numbers: &[u8]) -> Result<()> {
    let wanted: BTreeSet<String> = numbers
        .iter()
        .map(|number| format!("198.51.{number}.0/24"))
        .collect();
    until("the kernel has these routes", secs(5), || {
        let installed = kernel::our_prefixes(&net.node, false)?;
        Ok(Look::when(installed == wanted, || format!("{installed:?}")))
    })
}

/// Whether `explain` says these words of a route, line breaks apart.
fn explains(agent: &Agent, number: u8, words: &str) -> Result<()> {
    let shown = agent.ask(&["explain", &format!("198.51.{number}.0/24")])?;
    let flat = shown.split_whitespace().collect::<Vec<_>>().join(" ");
    ensure!(flat.contains(words), "{words:?} is not in:\n{shown}");
    Ok(())
}

fn session(net: &NodeAndTor, agent: &Agent) -> Result<RawPeer> {
    let peer = until("there is a session", secs(20), || {
        let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        let up = peer.establish(RAW_ASN, 90, secs(5));
        Ok(match up {
            Ok(()) => Look::Done(peer),
            Err(error) => Look::NotYet(error.to_string()),
        })
    })?;
    agent.await_state(RAW, "Established", secs(5))?;
    Ok(peer)
}

#[test]
fn a_neighbour_on_the_link_names_no_next_hop_elsewhere_and_one_behind_hops_may() {
    lab::run("offlink", |lab| {
        let net = NodeAndTor::new()?;
        net.speak_as(0)?;
        net.node.veth("other0", &net.tor, "other1")?;
        net.node.address("other0", "192.0.2.1".parse()?, 24)?;
        net.node.ip("route add 203.0.113.0/24 via 192.0.2.8")?;
        let mut peer = manifests::Peer::new(RAW, "underlay", RAW_ASN, raw_address(0));
        peer.families.push("ipv4");
        let peer = peer.with("passive: true");
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            ("peer", peer.text()),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let mut raw = session(&net, &agent)?;
        announce(&mut raw)?;
        await_installed(&net, &[1, 2])?;
        explains(
            &agent,
            3,
            "cannot be chosen: next hop not on the link of its neighbour: it is not on link up0, which we share with the neighbour",
        )?;
        explains(&agent, 5, "it is not on link up0")?;
        explains(
            &agent,
            4,
            "cannot be chosen: next hop unreachable: it is an address of this node",
        )?;
        let rows = agent.ask(&["show", "routes", "198.51.3.0/24"])?;
        ensure!(rows.contains("n next hop not on the link"), "{rows}");
        let said = |log: &str| log.matches("one hop away are ignored").count();
        until("the log says it", secs(5), || {
            Ok(Look::when(said(&agent.log()) > 0, || "it does not".into()))
        })?;
        let log = agent.log();
        ensure!(said(&log) == 1, "{log}");
        // "The connection SHOULD NOT be closed."
        ensure!(agent.session_state(RAW)? == "Established", "{log}");

        // The address of the node is one, that the next hop lies on the link, of that.
        net.node.address("up0", "192.0.2.2".parse()?, 25)?;
        await_installed(&net, &[1, 2, 3])?;
        let via = kernel::ours(&net.node, false)?
            .into_iter()
            .find(|route| route.prefix == "198.51.3.0/24")
            .context("it was there")?
            .legs;
        let wanted = [Leg {
            gateway: Some("192.0.2.9".to_owned()),
            device: Some("up0".to_owned()),
        }];
        ensure!(via == wanted, "{via:?}");
        net.node.ip("address del 192.0.2.2/25 dev up0")?;
        await_installed(&net, &[1, 2])?;

        agent.apply("peer", &peer.with("ebgpMultihop: 2").text())?;
        drop(raw);
        let mut raw = session(&net, &agent)?;
        announce(&mut raw)?;
        await_installed(&net, &[1, 2, 3, 5])?;
        agent.stop()
    });
}

/// An UPDATE that announces 2001:db8:66::/48 with the neighbour itself as next hop (RFC 4760 §3).
fn ipv6_update() -> Vec<u8> {
    let [a, b, c, d] = RAW_ASN.to_be_bytes();
    let IpAddr::V6(next_hop) = raw_address(0) else {
        unreachable!("an IPv6 address");
    };
    let reach = [
        &[0, 2, 1, 16][..],
        &next_hop.octets(),
        &[0, 48, 0x20, 1, 0x0d, 0xb8, 0, 0x66],
    ]
    .concat();
    let attributes = [
        &[0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, a, b, c, d][..],
        &[0x80, 14, 28],
        &reach,
    ]
    .concat();
    message(2, &[&[0, 0, 0, 44][..], &attributes].concat())
}

/// With a link its addresses and networks go, one by one, and come back so: until they have, the neighbour's next hops seem to be
/// elsewhere.
#[test]
fn a_link_that_is_lost_and_comes_back_is_no_error_of_the_neighbour() {
    lab::run("offlinkdown", |lab| {
        let net = NodeAndTor::new()?;
        let agent = raw_session::agent(lab, &net, &[])?;
        let installed = |wanted: usize| {
            until("the kernel has the routes", secs(5), || {
                let v6 = kernel::our_prefixes(&net.node, true)?;
                let v4 = kernel::our_prefixes(&net.node, false)?;
                let so = v6.len() == wanted && v4.len() == wanted;
                Ok(Look::when(so, || format!("{v6:?} {v4:?}")))
            })
        };
        for how in ["link set up0 down", "link delete up0"] {
            let mut raw = session(&net, &agent)?;
            raw.send(&ipv6_update())?;
            raw.send(&ipv4_update(RAW_ASN, 0, &[24, 198, 51, 1]))?;
            installed(1)?;
            net.node.ip(how)?;
            installed(0)?;
            let nothing_is_said = || {
                always("nothing is said of next hops", secs(3), || {
                    let log = agent.log();
                    let said = log.contains("one hop away are ignored");
                    Ok(Look::when(!said, || log))
                })
            };
            nothing_is_said()?;
            if how.contains("down") {
                net.node.ip("link set up0 up")?;
                nothing_is_said()?;
                net.node.address("up0", address(false, true), 64)?;
            }
        }
        agent.stop()
    });
}
