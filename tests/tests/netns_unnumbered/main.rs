//! Peers that are known by their interface (`spec.interface`): found by Router Advertisements, spoken to over link-local addresses,
//! and their routes in the kernel with the link in every way.

mod changes;
mod net;
mod restarts;
mod transit;

use std::collections::BTreeSet;
use std::net::Ipv6Addr;
use std::time::Duration;

use anyhow::{Context, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::kernel::{self, Leg};
use bgp_tests::lab::{self, Lab};
use bgp_tests::manifests;
use bgp_tests::matrix::{self, Feature};
use bgp_tests::netns::run;
use bgp_tests::peers::{Kind, Plan};
use bgp_tests::raw_router::{RawRouter, link_address, link_local};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, always, secs, until};

use net::{EXTERNAL, Net, QUICK, ROUTES, UP, await_kernel, await_received, frr, on, own, router};

/// FRR by interface at the other end of two links: one path each, both used at once in both directions and families.
#[test]
fn frr_on_two_links_shares_traffic_between_them() {
    matrix::tried(Kind::Frr, &[Feature::Interface], || {
        lab::run("unnumbered", |lab| {
            let net = Net::new(2)?;
            let mut documents = vec![
                router(),
                ("peer0", on("up0", &[EXTERNAL, QUICK])),
                ("peer1", on("up1", &[EXTERNAL, QUICK])),
            ];
            documents.extend(own());
            let agent = Agent::start(lab, &net.node, &documents)?;
            let plan = Plan::by_interface(TOR_ASN, NODE_ASN, &["down0", "down1"]);
            let router = frr(lab, &net, &plan)?;
            let there = ["down0", "down1"].map(|device| link_local(&net.tor, device));
            let [there0, there1] = there;
            let (there0, there1) = (there0?, there1?);
            for peer in ["on-up0", "on-up1"] {
                agent.await_state(peer, "Established", UP)?;
            }
            await_kernel(&net.node, &[(there0, "up0"), (there1, "up1")])?;
            await_received(&*router)?;
            // What FRR made of our next hops is in its kernel: IPv4 by an IPv6 next hop, with the link in every way.
            let here = [link_local(&net.node, "up0")?, link_local(&net.node, "up1")?];
            for v6 in [true, false] {
                let ours: BTreeSet<_> = prefixes(Party::Node, v6, ROUTES).into_iter().collect();
                until("FRR forwards to us over both links", secs(10), || {
                    let mut routes = kernel::routes(&net.tor, v6)?;
                    routes.retain(|route| ours.contains(&route.prefix));
                    let ways = |leg: &Leg| (leg.gateway.clone(), leg.device.clone());
                    let both = |route: &kernel::Route| {
                        let mut found: Vec<_> = route.legs.iter().map(ways).collect();
                        found.sort();
                        let mut wanted =
                            [(here[0], "down0"), (here[1], "down1")].map(|(address, device)| {
                                (Some(address.to_string()), Some(device.into()))
                            });
                        wanted.sort();
                        found == wanted
                    };
                    let so = routes.len() == ours.len() && routes.iter().all(both);
                    Ok(Look::when(so, || format!("{:?}", routes.first())))
                })?;
            }
            // People are told who it is, on which link, and of which AS.
            let scoped = format!("{there0}%up0");
            for asked in ["on-up0", "up0", &scoped] {
                let shown = agent.ask(&["show", "peer", asked])?;
                ensure!(shown.contains(&scoped), "{shown}");
                ensure!(shown.contains(&TOR_ASN.to_string()), "{shown}");
            }
            ensure!(agent.ask(&["show", "peers"])?.contains(&scoped));
            ensure!(agent.ask(&["get", "peers"])?.contains(&scoped));
            let status = &agent.object("peers", "on-up0")?["status"];
            ensure!(
                status["routers"][0]["remoteAddress"] == scoped.as_str(),
                "{status}"
            );

            // A link that goes takes its session and its ways along, and what is over the other one stays.
            let since = agent.established_since("on-up1")?;
            net.node.ip("link set up0 down")?;
            await_kernel(&net.node, &[(there1, "up1")])?;
            agent.await_condition(
                ("peers", "on-up0"),
                "Ready",
                ("False", "InterfaceDown"),
                secs(5),
            )?;
            let shown = agent.json(&["show", "peer", "on-up0"])?;
            ensure!(shown["last_down"]["text"] == "link down", "{shown}");
            net.node.ip("link set up0 up")?;
            agent.await_state("on-up0", "Established", secs(20))?;
            await_kernel(&net.node, &[(there0, "up0"), (there1, "up1")])?;
            ensure!(
                agent.established_since("on-up1")? == since,
                "it was disturbed"
            );
            agent.stop()
        });
    });
}

/// The same AS at both ends, TCP-MD5 and BFD, all over link-local addresses.
#[test]
fn frr_within_the_as_with_a_password_and_bfd() {
    matrix::tried(Kind::Frr, &[Feature::Interface], || {
        lab::run("unnumbered-ibgp", |lab| {
            let net = Net::new(1)?;
            let mut documents = vec![
                router(),
                (
                    "peer",
                    on(
                        "up0",
                        &[
                            "peerType: internal",
                            "nextHopSelf: true",
                            "authentication: {password: sesame}",
                            "bfd: {enabled: true, minimumTx: 50000, minimumRx: 50000}",
                        ],
                    ),
                ),
            ];
            documents.extend(own());
            let agent = Agent::start(lab, &net.node, &documents)?;
            let mut plan = Plan::by_interface(NODE_ASN, NODE_ASN, &["down0"]);
            plan.password = Some("sesame".into());
            plan.bfd = true;
            let router = frr(lab, &net, &plan)?;
            agent.await_state("on-up0", "Established", UP)?;
            await_kernel(&net.node, &[(link_local(&net.tor, "down0")?, "up0")])?;
            await_received(&*router)?;
            until("BFD is up over link-local addresses", secs(20), || {
                let state = agent.json(&["show", "peer", "on-up0"])?["bfd"]["state"].clone();
                Ok(Look::when(
                    state == "Up" && router.bfd_state()? == "up",
                    || state.to_string(),
                ))
            })?;
            // Another password, another key: the session is not what keeps it up.
            agent.apply(
                "peer",
                &on(
                    "up0",
                    &["peerType: internal", "authentication: {password: other}"],
                ),
            )?;
            until("the session is down", secs(10), || {
                let state = agent.session_state("on-up0")?;
                Ok(Look::when(state != "Established", || state))
            })?;
            agent.stop()
        });
    });
}

/// Two agents: each finds the other, in whatever order links and peers come.
#[test]
fn an_interface_that_comes_later_is_peered_on_without_a_restart() {
    lab::run("unnumbered-late", |lab| {
        let net = Net::new(0)?;
        let other = Lab::new("unnumbered-late-other")?;
        let documents = [router(), ("peer", on("up0", &[EXTERNAL, QUICK]))];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let tor = manifests::Router::new("underlay", TOR_ASN, "10.255.0.1");
        let documents = [
            ("router", tor.text()),
            ("peer", on("down0", &[EXTERNAL, QUICK])),
        ];
        let neighbour = Agent::start(&other, &net.tor, &documents)?;
        let ready = |reason: &str| {
            agent.await_condition(("peers", "on-up0"), "Ready", ("False", reason), secs(10))
        };
        ready("InterfaceNotFound")?;
        let accepted = agent.condition("peers", "on-up0", "Accepted")?;
        ensure!(accepted.0 == "True", "{accepted:?}");
        let text = agent.object("peers", "on-up0")?["status"].to_string();
        ensure!(
            text.contains("there is no interface up0 on this node yet"),
            "{text}"
        );
        net.node.veth("up0", &net.tor, "down0")?;
        let established = || {
            agent.await_state("on-up0", "Established", secs(15))?;
            neighbour.await_state("on-down0", "Established", secs(15))
        };
        established()?;
        // By another name it is another interface; the link itself does not go down, so that it is the name that counts.
        net.node.ip("link set up0 name other0")?;
        ready("InterfaceNotFound")?;
        net.node.ip("link set other0 name up0")?;
        established()?;
        // One that is made anew has another index.
        net.node.ip("link del up0")?;
        ready("InterfaceNotFound")?;
        net.node.veth("up0", &net.tor, "down0")?;
        established()?;
        // Without the link-local address there is nothing to speak from.
        let own = link_local(&net.node, "up0")?;
        net.node.ip(&format!("address del {own}/64 dev up0"))?;
        ready("NoLinkLocalAddress")?;
        net.node.ip("address add fe80::77/64 dev up0 nodad")?;
        established()?;
        until("the neighbour speaks to where we are now", secs(5), || {
            let shown = neighbour.ask(&["show", "peers"])?;
            Ok(Look::when(shown.contains("fe80::77%down0"), || shown))
        })?;
        neighbour.stop()?;
        agent.stop()
    });
}

/// RFC 4861 §6.1.2 and §6.2: what is said, by tcpdump's reading, and what is not listened to.
#[test]
fn advertisements_are_as_the_standard_has_them_and_strangers_are_not_believed() {
    lab::run("unnumbered-ra", |lab| {
        let net = Net::new(1)?;
        let documents = [router(), ("peer", on("up0", &[EXTERNAL]))];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let ready = |reason: &str, limit| {
            agent.await_condition(("peers", "on-up0"), "Ready", ("False", reason), limit)
        };
        ready("NoNeighbour", secs(10))?;
        // Asked, it answers within half a second, and three seconds after the last one at the earliest (§6.2.6): without being asked it
        // would take up to ten.
        let there = link_local(&net.tor, "down0")?;
        let stranger = RawRouter::on(&net.tor, "down0", there)?;
        let capture = [
            "-i",
            "down0",
            "-n",
            "-v",
            "-c",
            "2",
            "--immediate-mode",
            "icmp6 and ip6[40] == 134",
        ];
        let text = std::thread::scope(|scope| {
            let capture = scope.spawn(|| net.tor.run("tcpdump", &capture));
            while !capture.is_finished() {
                stranger.solicit()?;
                std::thread::sleep(Duration::from_millis(100));
            }
            capture.join().expect("no panic")
        })?;
        let (own, mac) = (
            link_local(&net.node, "up0")?,
            link_address(&net.node, "up0")?,
        );
        for wanted in [
            "hlim 255",
            &format!("{own} > ff02::1: [icmp6 sum ok] ICMP6, router advertisement"),
            "hop limit 0, Flags [none]",
            "router lifetime 0s, reachable time 0ms, retrans timer 0ms",
            &format!("source link-address option (1), length 8 (1): {mac}"),
        ] {
            ensure!(
                text.matches(wanted).count() == 2,
                "{wanted:?} not twice in {text}"
            );
        }
        // From beyond the link, with a code, cut, or with an option without length.
        stranger.advertise(254, None)?;
        let mut octets = vec![134, 1, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        stranger.say(&octets)?;
        octets[1] = 0;
        stranger.say(&octets[..15])?;
        octets.extend([253, 0, 0, 0, 0, 0, 0, 0]);
        stranger.say(&octets)?;
        always("nobody is believed", secs(1), || {
            let seen = agent.condition("peers", "on-up0", "Ready")?;
            Ok(Look::when(seen.1 == "NoNeighbour", || format!("{seen:?}")))
        })?;
        let neighbour = |wanted: Ipv6Addr| {
            let wanted = format!("{wanted}%up0");
            until(&format!("{wanted} is the neighbour"), secs(5), || {
                let shown = agent.json(&["show", "peer", "on-up0"])?;
                let so = shown["interface"]["neighbour"] == wanted.as_str();
                Ok(Look::when(so, || shown["interface"].to_string()))
            })
        };
        let first = [2, 0, 0, 0, 0, 1];
        stranger.advertise(255, Some(first))?;
        neighbour(there)?;
        // A second router on the link is told of and changes nothing.
        let second: Ipv6Addr = "fe80::2".parse()?;
        net.tor.ip("address add fe80::2/64 dev down0 nodad")?;
        RawRouter::on(&net.tor, "down0", second)?.advertise(255, Some([2, 0, 0, 0, 0, 2]))?;
        until("both are told of", secs(5), || {
            let status = agent.object("peers", "on-up0")?["status"].to_string();
            let so = status.contains(&format!("{there}%up0 is the neighbour"))
                && status.contains("(fe80::2)");
            Ok(Look::when(so, || status))
        })?;
        neighbour(there)?;
        // The first one has another address now.
        let moved: Ipv6Addr = "fe80::3".parse()?;
        net.tor.ip("address add fe80::3/64 dev down0 nodad")?;
        RawRouter::on(&net.tor, "down0", moved)?.advertise(255, Some(first))?;
        neighbour(moved)?;
        // A flood costs neither the log nor the agent.
        let log = agent.log().len();
        for n in 0..20_000u32 {
            let [.., a, b] = n.to_be_bytes();
            stranger.advertise(255, Some([2, 0, 0, 1, a, b]))?;
        }
        neighbour(moved)?;
        ensure!(agent.log().len() < log + 2000, "{}", agent.log());
        agent.stop()
    });
}

/// Two links on which both ends have the same addresses: it is the link that tells the sessions apart.
#[test]
fn the_same_addresses_on_two_links_are_two_neighbours() {
    lab::run("unnumbered-same", |lab| {
        let net = Net::new(2)?;
        for n in 0..2 {
            for (namespace, device, address) in [
                (&net.node, format!("up{n}"), "fe80::a"),
                (&net.tor, format!("down{n}"), "fe80::b"),
            ] {
                namespace.ip(&format!("address flush dev {device} scope link"))?;
                namespace.ip(&format!("address add {address}/64 dev {device} nodad"))?;
            }
        }
        let other = Lab::new("unnumbered-same-other")?;
        let mut documents = vec![
            router(),
            ("peer0", on("up0", &[EXTERNAL, QUICK])),
            ("peer1", on("up1", &[EXTERNAL, QUICK])),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let tor = manifests::Router::new("underlay", TOR_ASN, "10.255.0.1");
        documents = vec![
            ("router", tor.text()),
            ("peer0", on("down0", &[EXTERNAL, QUICK])),
            ("peer1", on("down1", &[EXTERNAL, QUICK])),
        ];
        for v6 in [true, false] {
            let all = prefixes(Party::Tor, v6, ROUTES);
            let name = if v6 { "own6" } else { "own4" };
            documents.push((name, manifests::advertisement(name, "underlay", v6, &all)));
        }
        let neighbour = Agent::start(&other, &net.tor, &documents)?;
        for n in 0..2 {
            agent.await_state(&format!("on-up{n}"), "Established", secs(15))?;
            neighbour.await_state(&format!("on-down{n}"), "Established", secs(15))?;
        }
        let there: Ipv6Addr = "fe80::b".parse()?;
        await_kernel(&net.node, &[(there, "up0"), (there, "up1")])?;
        net.node.ip("link set up1 down")?;
        await_kernel(&net.node, &[(there, "up0")])?;
        let said = run("ip", &["-n", net.node.name(), "-j", "-4", "route"])?;
        said.contains("\"via\"").then_some(()).context(said)?;
        net.node.ip("link set up1 up")?;
        agent.await_state("on-up1", "Established", secs(20))?;

        // The kernel knows keys by the address alone. Who has it keeps its session, and of the other one it is said why it has none.
        const SESAME: &str = "authentication: {password: sesame}";
        let since = agent.established_since("on-up0")?;
        agent.apply("peer1", &on("up1", &[EXTERNAL, SESAME, "passive: true"]))?;
        neighbour.apply("peer1", &on("down1", &[EXTERNAL, SESAME]))?;
        let refused = ("False", "KeysRefused");
        agent.await_condition(("peers", "on-up1"), "Ready", refused, secs(10))?;
        let shown = agent.ask(&["show", "peer", "on-up1"])?;
        ensure!(
            shown.contains("a neighbour on another link has the same"),
            "{shown}"
        );
        ensure!(
            agent.established_since("on-up0")? == since,
            "it was disturbed"
        );
        // With the same one for both there is nothing in the way.
        for (peer, up, down) in [("peer0", "up0", "down0"), ("peer1", "up1", "down1")] {
            agent.apply(peer, &on(up, &[EXTERNAL, QUICK, SESAME]))?;
            neighbour.apply(peer, &on(down, &[EXTERNAL, QUICK, SESAME]))?;
        }
        for n in 0..2 {
            agent.await_state(&format!("on-up{n}"), "Established", secs(20))?;
        }
        let shown = agent.ask(&["show", "peer", "on-up1"])?;
        ensure!(!shown.contains("not let in"), "{shown}");
        neighbour.stop()?;
        agent.stop()
    });
}
