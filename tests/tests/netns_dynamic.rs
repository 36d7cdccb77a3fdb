//! Neighbours that are known by where they are: they come, are as many as they may be, and go; with real routers and with many.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::peers::{self, Kind, Plan, Restart};
use bgp_tests::raw::{RawPeer, ipv4_update, open, open_with};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{Namespace, kernel, manifests};

/// The object.
const LEAVES: &str = "leaves";
const ROUTER: &str = "underlay";
const LEAF_ASN: u32 = 65102;
/// The link of the node and the other router.
const LINK: &str = "prefixes: [\"fd00:12::/64\"]";

fn router() -> String {
    manifests::Router::new(ROUTER, NODE_ASN, "10.255.0.2").text()
}

fn leaves(asn: u32) -> manifests::Peer {
    manifests::Peer::new(LEAVES, ROUTER, asn, address(true, true))
}

fn session(address: IpAddr) -> String {
    format!("{LEAVES}@{address}")
}

/// The names and states of all sessions.
fn sessions(agent: &Agent) -> Result<Vec<(String, String)>> {
    let peers = agent.json(&["show", "peers"])?;
    let word = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let peers = peers.as_array().cloned().unwrap_or_default();
    Ok(peers
        .iter()
        .map(|peer| (word(&peer["name"]), word(&peer["state"])))
        .collect())
}

fn await_session(agent: &Agent, name: &str, state: Option<&str>) -> Result<()> {
    until(&format!("{name} is {state:?}"), secs(15), || {
        let all = sessions(agent)?;
        let found = all.iter().find(|(known, _)| known == name);
        let found = found.map(|(_, state)| state.as_str());
        Ok(Look::when(found == state, || format!("{all:?}")))
    })
}

/// What the status counts of the sessions on the one router.
fn counts(agent: &Agent) -> Result<serde_json::Value> {
    let object = agent.object("peers", LEAVES)?;
    Ok(object["status"]["routers"][0]["dynamicNeighbors"].clone())
}

fn memory(agent: &Agent) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", agent.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let number = line.and_then(|line| line.split_whitespace().next());
    Ok(number.context("no VmRSS")?.parse()?)
}

/// BIRD in the prefix: its routes are in the kernel, it has ours, and everything tells of it by one name. A restart of the agent finds
/// it again, and the end of the object ends the session.
#[test]
fn a_router_in_the_prefix_has_a_session_with_all_that_belongs_to_it() {
    lab::run("dynamic-bird", |lab| {
        let net = NodeAndTor::new()?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = prefixes(Party::Tor, true, 50);
        plan.bfd = true;
        plan.restart = Some(Restart {
            time: 60,
            long_lived: None,
            again: false,
        });
        plan.role = Some("provider");
        let bird = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("bird")?, &plan)?;
        let own = prefixes(Party::Node, true, 20);
        let text = leaves(TOR_ASN)
            .with("gracefulRestart: {enabled: true}")
            .with("bfd: {enabled: true}")
            .with("role: customer")
            .with("roleStrict: true")
            .with("maxPrefixes: [{afi: ipv6, safi: unicast, limit: 40, action: Discard}]")
            .dynamic(LINK);
        let documents = [
            ("router", router()),
            ("leaves", text),
            ("own", manifests::advertisement("own", ROUTER, true, &own)),
        ];
        let manifests = lab.subdirectory("manifests")?;
        for (name, text) in &documents {
            fs::write(manifests.join(format!("{name}.yaml")), text)?;
        }
        let agent = Agent::start_on(lab, &net.node, &manifests, &[])?;
        let name = session(address(true, true));
        await_session(&agent, &name, Some("Established"))?;
        let have = |expected: usize| {
            until("the kernel has its routes", secs(10), || {
                let have = kernel::our_prefixes(&net.node, true)?.len();
                Ok(Look::when(have == expected, || format!("{have} routes")))
            })
        };
        // As many as the limit takes.
        have(40)?;
        until("BIRD has ours", secs(10), || {
            let have = bird.received(true)?;
            Ok(Look::when(
                have == own.iter().cloned().collect::<BTreeSet<_>>(),
                || format!("{have:?}"),
            ))
        })?;
        until("BFD watches over it", secs(10), || {
            let bfd = agent.json(&["show", "peer", &name])?["bfd"].clone();
            Ok(Look::when(bfd["state"] == "Up", || bfd.to_string()))
        })?;

        // All tell of it.
        let text = agent.ask(&["show", "peers"])?;
        ensure!(text.contains("1 dynamic neighbour, at most 100"), "{text}");
        let whole = agent.json(&["show", "peer", LEAVES])?;
        ensure!(
            whole["established"] == 1 && whole["peers"][0]["name"] == *name,
            "{whole}"
        );
        // Which ones the limit has taken is the order's in which they came.
        let taken = kernel::our_prefixes(&net.node, true)?;
        let prefix = taken.first().context("no route")?;
        let why = agent.ask(&["explain", prefix])?;
        ensure!(why.contains(&name), "{why}");
        let routes = agent.ask(&["show", "routes", "--peer", LEAVES])?;
        ensure!(routes.contains(prefix.as_str()), "{routes}");
        let objects = agent.ask(&["get", "peers"])?;
        ensure!(
            objects.contains("fd00:12::/64") && objects.contains("Established"),
            "{objects}"
        );
        let (_, metrics) = net.node.http_get("127.0.0.1:8082", "/metrics")?;
        let series = format!(
            "cosmos_session_state{{router=\"{ROUTER}\",peer=\"{LEAVES}\",state=\"Established\"}} 1"
        );
        ensure!(metrics.contains(&series), "{metrics}");
        ensure!(!metrics.contains(&name), "a series of its own: {metrics}");
        agent.await_condition(("peers", LEAVES), "Ready", ("True", "Listening"), secs(5))?;
        let peers = agent.object("routers", ROUTER)?["status"]["peers"].clone();
        ensure!(peers["total"] == 1 && peers["established"] == 1, "{peers}");

        // The next process waits for it, and it keeps our routes meanwhile. What that one is to know is written once a second.
        let memory = lab.subdirectory("state")?.join("restart");
        until("the session is kept in mind", secs(5), || {
            let text = fs::read_to_string(&memory).unwrap_or_default();
            Ok(Look::when(text.contains(&name), || text))
        })?;
        let mut agent = agent;
        agent.daemon().kill();
        drop(agent);
        let agent = Agent::start_on(lab, &net.node, &manifests, &[])?;
        // At the limit they need not be the same ones again: for a moment there may be more.
        let kept = kernel::our_prefixes(&net.node, true)?.len();
        ensure!(kept >= 40, "{kept} routes are left");
        await_session(&agent, &name, Some("Established"))?;
        until("all neighbours are back", secs(10), || {
            let log = agent.log();
            let back = log.contains("no neighbour is waited for any more");
            Ok(Look::when(back, || "not yet".to_owned()))
        })?;
        have(40)?;

        agent.delete("leaves")?;
        until("BIRD is told", secs(10), || {
            let state = bird.state()?;
            Ok(Look::when(state != "Established", || state))
        })?;
        have(0)?;
        agent.stop()
    });
}

/// RFC 4271 section 6.2: "If the Autonomous System field of the OPEN message is unacceptable, then the Error Subcode MUST be set to Bad
/// Peer AS"; and a neighbour that is in order beside it is not disturbed.
#[test]
fn who_is_of_another_as_is_refused_and_a_change_of_it_ends_only_what_it_must() {
    lab::run("dynamic-as", |lab| {
        let net = NodeAndTor::new()?;
        let text = leaves(LEAF_ASN).dynamic(LINK);
        let agent = Agent::start(lab, &net.node, &[("router", router()), ("leaves", text)])?;
        let connect = |n: usize| -> Result<RawPeer> {
            net.tor.address("down0", raw_address(n), 64)?;
            RawPeer::connect_from(&net.tor, raw_address(n), address(false, true), secs(5))
        };
        let mut good = connect(1)?;
        good.establish(LEAF_ASN, 90, secs(5))?;
        let mut bad = connect(2)?;
        bad.send(&open(LEAF_ASN + 1, 90, [10, 255, 0, 8]))?;
        ensure!(
            bad.await_notification(secs(5))? == (2, 2),
            "not Bad Peer AS"
        );
        until("the status names it", secs(5), || {
            let counts = counts(&agent)?;
            let worst = counts["worst"][0].clone();
            let named = worst["address"] == raw_address(2).to_string()
                && worst["lastError"]
                    .as_str()
                    .is_some_and(|e| e.contains("Bad Peer AS"));
            Ok(Look::when(named && counts["established"] == 1, || {
                counts.to_string()
            }))
        })?;
        // Nobody waits for it: the router is well.
        let degraded = agent.condition("routers", ROUTER, "Degraded")?;
        ensure!(degraded.0 == "False", "{degraded:?}");

        // A neighbour that gets an object of its own: it is that one's, and the others do not notice.
        let name = session(raw_address(1));
        let mut other = connect(3)?;
        other.establish(LEAF_ASN, 90, secs(5))?;
        let own =
            manifests::Peer::new("own", ROUTER, LEAF_ASN, raw_address(1)).with("passive: true");
        agent.apply("own", &own.text())?;
        ensure!(
            good.await_notification(secs(5))? == (6, 3),
            "not Peer De-configured"
        );
        // Between the one object and the other it is nobody's for a moment.
        let _good = until("it is let in again", secs(10), || {
            let mut good = connect_again(&net, 1)?;
            good.establish(LEAF_ASN, 90, secs(5))?;
            Ok(Look::Done(good))
        })?;
        await_session(&agent, "own", Some("Established"))?;
        await_session(&agent, &name, None)?;

        // Other prefixes: who is in none of them any more is told so. The limit ends nobody's session.
        agent.apply(
            "leaves",
            &leaves(LEAF_ASN).dynamic("prefixes: [\"fd00:12::103/128\"], limit: 1"),
        )?;
        until("the change is told of", secs(5), || {
            let log = agent.log();
            let told = log.contains(
                "spec.dynamicNeighbors.prefixes changes: end of the sessions with others",
            ) && log.contains("spec.dynamicNeighbors.limit changes: in place");
            Ok(Look::when(told, || "not yet".to_owned()))
        })?;
        await_session(&agent, &session(raw_address(3)), Some("Established"))?;
        agent.apply(
            "leaves",
            &leaves(LEAF_ASN).dynamic("prefixes: [\"fd00:12::108/125\"]"),
        )?;
        ensure!(
            other.await_notification(secs(5))? == (6, 3),
            "not Peer De-configured"
        );
        agent.stop()
    });
}

fn connect_again(net: &NodeAndTor, n: usize) -> Result<RawPeer> {
    RawPeer::connect_from(&net.tor, raw_address(n), address(false, true), secs(5))
}

/// RFC 2385 for a whole prefix. The kernel takes nothing without the signature, and the key is followed live.
#[test]
fn a_password_is_asked_of_everybody_in_the_prefix_and_followed() {
    lab::run("dynamic-md5", |lab| {
        let net = NodeAndTor::new()?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.password = Some("Xq7-right".to_owned());
        let bird = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("bird")?, &plan)?;
        let text = leaves(TOR_ASN)
            .with("authSecretRef: {name: leaves}")
            .dynamic(LINK);
        let documents = [
            ("router", router()),
            ("leaves", text),
            ("secret", manifests::secret("leaves", "Xq7-wrong")),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let dropped = || -> Result<u64> {
            let text = net.node.run("nstat", &["-asz", "TcpExtTCPMD5Failure"])?;
            let line = text.lines().find(|line| line.contains("TCPMD5Failure"));
            let number = line.and_then(|line| line.split_whitespace().nth(1));
            Ok(number.context("no count")?.parse()?)
        };
        until("the kernel refuses the wrong key", secs(10), || {
            let dropped = dropped()?;
            Ok(Look::when(dropped > 0, || "nothing".to_owned()))
        })?;
        ensure!(sessions(&agent)?.is_empty(), "{:?}", sessions(&agent)?);
        agent.apply("secret", &manifests::secret("leaves", "Xq7-right"))?;
        let name = session(address(true, true));
        await_session(&agent, &name, Some("Established"))?;
        // Without a signature nobody gets as far as a connection.
        net.tor.address("down0", raw_address(1), 64)?;
        let limit = Duration::from_millis(500);
        let unsigned = RawPeer::connect_from(&net.tor, raw_address(1), address(false, true), limit);
        ensure!(unsigned.is_err(), "connected without a signature");
        // A key that is another one ends the session, and it cannot come back.
        agent.apply("secret", &manifests::secret("leaves", "Xq7-other"))?;
        until("BIRD has lost its session", secs(10), || {
            let state = bird.state()?;
            Ok(Look::when(state != "Established", || state))
        })?;
        let before = dropped()?;
        until("the kernel refuses the old key", secs(10), || {
            Ok(Look::when(dropped()? > before, || "nothing".to_owned()))
        })?;
        ensure!(!agent.log().contains("Xq7"), "a password is told");
        agent.stop()
    });
}

/// Many addresses of the other router's end, beside those of [`NodeAndTor`]: `10.77.4.0` and on, on a link of their own prefix.
struct Many {
    net: NodeAndTor,
}

impl Many {
    const NODE: [u8; 4] = [10, 77, 0, 1];

    fn new() -> Result<Self> {
        let net = NodeAndTor::new()?;
        net.node.address("up0", Self::NODE.into(), 16)?;
        net.tor.address("down0", [10, 77, 0, 2].into(), 16)?;
        // All of it is the router's, without an address for each.
        net.tor
            .ip("route add local 10.77.4.0/22 dev down0 table local")?;
        Ok(Self { net })
    }

    fn address(n: u16) -> IpAddr {
        let [high, low] = n.to_be_bytes();
        [10, 77, 4 + high, low].into()
    }

    fn tor(&self) -> &Namespace {
        &self.net.tor
    }

    fn connect(&self, n: u16) -> Result<RawPeer> {
        RawPeer::connect_from(self.tor(), Self::address(n), Self::NODE.into(), secs(5))
    }
}

fn many_leaves(neighbors: &str) -> String {
    let mut peer = leaves(LEAF_ASN);
    peer.families = vec!["ipv4"];
    peer.dynamic(&format!("prefixes: [10.77.4.0/22], {neighbors}"))
}

/// Five hundred neighbours come at once: each has its session, its route is in the kernel, and all are told the same by one or two
/// export groups. What is told of them stays small.
#[test]
fn five_hundred_neighbours_are_two_export_groups_at_most_and_a_small_status() {
    const COUNT: u16 = 500;
    lab::run("dynamic-500", |lab| {
        let many = Many::new()?;
        let text = many_leaves("limit: 500");
        let documents = [("router", router()), ("leaves", text)];
        let agent = Agent::start_with(lab, &many.net.node, &documents, &["--log-level", "info"])?;
        let start = Instant::now();
        let all: Vec<u16> = (0..COUNT).collect();
        let peers = thread::scope(|scope| {
            let parts = all.chunks(125).map(|part| {
                let many = &many;
                scope.spawn(move || part.iter().map(|n| established(many, *n)).collect())
            });
            let parts: Vec<_> = parts.collect();
            let parts = parts.into_iter().map(|part| part.join().expect("no panic"));
            parts.collect::<Result<Vec<Vec<RawPeer>>>>()
        })?;
        let mut peers: Vec<RawPeer> = peers.into_iter().flatten().collect();
        // The limits are for a machine that has much else to do: 500 sessions are set up by it on both sides.
        until("all routes are in the kernel", secs(60), || {
            let have = kernel::our_prefixes(&many.net.node, false)?.len();
            Ok(Look::when(have == usize::from(COUNT), || {
                format!("{have} routes")
            }))
        })?;
        println!("{COUNT} neighbours in {:?}", start.elapsed());
        until("the status counts them", secs(30), || {
            let counts = counts(&agent)?;
            let all = counts["sessions"] == COUNT && counts["established"] == COUNT;
            Ok(Look::when(all, || counts.to_string()))
        })?;
        ensure!(
            counts(&agent)?["worst"]
                .as_array()
                .is_some_and(Vec::is_empty)
        );
        let shown = agent.json(&["show", "peers"])?;
        let shown = shown.as_array().context("a list")?;
        let groups: BTreeSet<_> = shown
            .iter()
            .map(|p| p["export_group"].to_string())
            .collect();
        ensure!(
            shown.len() == usize::from(COUNT) && groups.len() <= 2,
            "{groups:?}"
        );
        // Each is told the routes of all the others.
        let told = peers[7].changes(NODE_ASN, usize::from(COUNT) - 1, secs(60))?;
        let told: BTreeSet<_> = told.into_iter().map(|(_, prefix)| prefix).collect();
        ensure!(
            told.len() >= usize::from(COUNT) - 1,
            "{} prefixes",
            told.len()
        );

        // The one more is refused.
        let mut late = many.connect(COUNT)?;
        ensure!(
            late.await_notification(secs(30))? == (6, 5),
            "not Connection Rejected"
        );
        // Twenty are lost: the status names sixteen of them.
        let lost = peers.split_off(480);
        drop(lost);
        until("the status names sixteen", secs(30), || {
            let counts = counts(&agent)?;
            let worst = counts["worst"].as_array().map_or(0, Vec::len);
            Ok(Look::when(
                worst == 16 && counts["established"] == 480,
                || counts.to_string(),
            ))
        })?;
        let size = agent.object("peers", LEAVES)?["status"].to_string().len();
        ensure!(size < 8_000, "a status of {size} octets");
        let (_, metrics) = many.net.node.http_get("127.0.0.1:8082", "/metrics")?;
        let series = metrics.lines().filter(|line| line.contains(LEAVES)).count();
        ensure!(series < 60, "{series} series");
        agent.stop()
    });
}

/// A session, on which one route is announced.
fn established(many: &Many, n: u16) -> Result<RawPeer> {
    let mut peer = many.connect(n)?;
    let [high, low] = n.to_be_bytes();
    // Hold time zero: nobody has to say that it is alive.
    let open = open_with(LEAF_ASN, 0, [10, 255, 1 + high, low], &[]);
    peer.establish_with(&open, secs(60))
        .with_context(|| format!("neighbour {n}"))?;
    let IpAddr::V4(next_hop) = Many::address(n) else {
        unreachable!("IPv4");
    };
    let mut update = ipv4_update(LEAF_ASN, 0, &[24, 110, high, low]);
    // The next hop is its own.
    let place = update.len() - 4 - 4;
    update[place..place + 4].copy_from_slice(&next_hop.octets());
    peer.send(&update)?;
    Ok(peer)
}

/// The place of who says nothing is another's after a while, and the one of who is up is nobody's else.
#[test]
fn who_does_not_come_up_makes_room_and_who_is_up_stays() {
    lab::run("dynamic-limit", |lab| {
        let many = Many::new()?;
        let text = many_leaves("limit: 2");
        let agent = Agent::start(
            lab,
            &many.net.node,
            &[("router", router()), ("leaves", text)],
        )?;
        let _up = established(&many, 1)?;
        let _silent = many.connect(2)?;
        until("both have a place", secs(5), || {
            let counts = counts(&agent)?;
            Ok(Look::when(counts["sessions"] == 2, || counts.to_string()))
        })?;
        // RFC 4486 section 3: Connection Rejected.
        let mut third = many.connect(3)?;
        ensure!(
            third.await_notification(secs(5))? == (6, 5),
            "not Connection Rejected"
        );
        agent.await_condition(
            ("peers", LEAVES),
            "Ready",
            ("True", "LimitReached"),
            secs(5),
        )?;
        let mut third = None;
        until("the silent one makes room", secs(10), || {
            Ok(match established(&many, 3) {
                Ok(peer) => {
                    third = Some(peer);
                    Look::Done(())
                }
                Err(error) => Look::NotYet(format!("{error:#}")),
            })
        })?;
        let expected = [1, 3].map(|n| (session(Many::address(n)), "Established".to_owned()));
        until("the silent one is gone", secs(5), || {
            let all = sessions(&agent)?;
            Ok(Look::when(all == expected, || format!("{all:?}")))
        })?;
        let mut fourth = many.connect(4)?;
        ensure!(
            fourth.await_notification(secs(5))? == (6, 5),
            "not Connection Rejected"
        );
        // More may come as soon as the limit says so, and nobody notices.
        agent.apply("leaves", &many_leaves("limit: 3"))?;
        agent.await_condition(("peers", LEAVES), "Ready", ("True", "Listening"), secs(5))?;
        let _fourth = established(&many, 4)?;
        let refused = counts(&agent)?["refused"].as_i64().unwrap_or_default();
        ensure!(refused >= 2, "{refused} refused");
        agent.stop()
    });
}

/// Strangers and neighbours that never come up connect by the thousand: memory and log stay as they are, and who is up does not notice.
#[test]
fn a_flood_from_within_and_without_costs_neither_memory_nor_log() {
    const TIME: Duration = secs(4);
    /// So many connections are a flood, however long a machine with much else to do takes for them.
    const FLOOD: u64 = 100;
    const LONGEST: Duration = secs(60);
    /// Of each kind: strangers are none that the kernel was told of.
    const NEIGHBORS: u16 = 200;
    lab::run("dynamic-flood", |lab| {
        let many = Many::new()?;
        many.tor()
            .ip("route add local 10.77.8.0/22 dev down0 table local")?;
        let text = many_leaves("limit: 20");
        let documents = [("router", router()), ("leaves", text)];
        let agent = Agent::start_with(lab, &many.net.node, &documents, &["--log-level", "info"])?;
        let up = established(&many, 1)?;
        await_session(&agent, &session(Many::address(1)), Some("Established"))?;
        let flood = |first: u16| -> Result<u64> {
            let start = Instant::now();
            let mut times = 0;
            for n in (first..first + NEIGHBORS).cycle() {
                let lasted = start.elapsed();
                if (lasted > TIME && times > FLOOD) || lasted > LONGEST {
                    break;
                }
                // Some say who they are, wrongly.
                if let Ok(mut peer) = many.connect(n) {
                    let _ = peer.send(&open(LEAF_ASN + u32::from(n % 2), 90, [10, 255, 0, 8]));
                }
                times += 1;
            }
            Ok(times)
        };
        // Once for what is allocated for good.
        flood(2)?;
        let (before, lines) = (memory(&agent)?, agent.log().lines().count());
        let start = Instant::now();
        let (within, without) = thread::scope(|scope| {
            let within = scope.spawn(|| flood(2));
            let without = scope.spawn(|| flood(1024));
            (
                within.join().expect("no panic"),
                without.join().expect("no panic"),
            )
        });
        let times_longer = start.elapsed().as_secs() / TIME.as_secs();
        let (after, grown) = (memory(&agent)?, agent.log().lines().count() - lines);
        println!(
            "{within:?} within, {without:?} without; {before} KiB before, {after} after; {grown} lines"
        );
        ensure!(within? > FLOOD && without? > FLOOD, "there was no flood");
        ensure!(after <= before + 4 * 1024, "from {before} to {after} KiB");
        // What is said is said once in a while.
        let allowed = 60 * usize::try_from(times_longer.max(1))?;
        ensure!(grown <= allowed, "{grown} lines:\n{}", agent.log());
        await_session(&agent, &session(Many::address(1)), Some("Established"))?;
        drop(up);
        until("who never came up is forgotten", secs(60), || {
            let all = sessions(&agent)?;
            Ok(Look::when(all.len() <= 1, || format!("{all:?}")))
        })?;
        agent.stop()
    });
}
