//! BFD between the agent and real routers (RFC 5880 to 5883), and what becomes of the session and its routes when the path dies.
//!
//! The same plans run with `spec.bfd` and without it: what differs is the field's doing.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::kernel;
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::manifests;
use bgp_tests::matrix::{self, Feature};
use bgp_tests::netns::{Namespace, run};
use bgp_tests::peers::{self, Kind, Plan, Router};
use bgp_tests::process::start_in;
use bgp_tests::raw::RawPeer;
use bgp_tests::raw_bfd::{self, RawBfd};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, PEER, TOR_ASN};
use bgp_tests::wait::{Look, always, secs, until};

const BFD: &str = "bfd: {enabled: true, minimumTx: 50000, minimumRx: 50000}";
const MULTI_HOP: &str = "bfd: {enabled: true, minimumTx: 50000, minimumRx: 50000, multiHop: true}";
/// Three intervals.
const DETECTION: Duration = Duration::from_millis(150);
/// What all that follows may take: 20 ms are promised of an agent that was compiled for speed. One that was not, on a machine with much
/// else to do, is only asked to be far from the hold time.
const REACTION: Duration = Duration::from_millis(if cfg!(debug_assertions) { 350 } else { 20 });
const ROUTES: u16 = 1000;

fn router() -> manifests::Router {
    manifests::Router::new("underlay", NODE_ASN, "10.255.0.2")
}

fn bfd_of(agent: &Agent, peer: &str) -> Result<serde_json::Value> {
    Ok(agent.json(&["show", "peer", peer])?["bfd"].clone())
}

fn await_bfd(agent: &Agent, peer: &str, state: &str) -> Result<serde_json::Value> {
    until(&format!("BFD with {peer} is {state}"), secs(20), || {
        let bfd = bfd_of(agent, peer)?;
        if bfd["state"] == state {
            return Ok(Look::Done(bfd));
        }
        Ok(Look::NotYet(bfd.to_string()))
    })
}

/// Both sides say that BFD is up, and the agent that it has the intervals that both agreed on.
fn is_up(agent: &Agent, router: &dyn Router) -> Result<()> {
    agent.await_state(PEER, "Established", secs(40))?;
    await_bfd(agent, PEER, "Up")?;
    until("the other router says so, too", secs(10), || {
        let state = router.bfd_state()?;
        Ok(Look::when(state == "up", || state))
    })?;
    until("the intervals are those that both want", secs(10), || {
        let session = &bfd_of(agent, PEER)?["session"];
        let agreed = session["tx_interval_microseconds"] == 50_000
            && session["detection_time_microseconds"] == 150_000;
        Ok(Look::when(agreed, || session.to_string()))
    })?;
    let shown = agent.ask(&["show", "bfd"])?;
    ensure!(shown.contains("150 ms"), "{shown}");
    until("the status says so", secs(5), || {
        let status = &agent.object("peers", PEER)?["status"]["routers"][0];
        Ok(Look::when(status["bfdState"] == "Up", || {
            status.to_string()
        }))
    })?;
    let bfd = until("BFD stays up", secs(10), || {
        let bfd = bfd_of(agent, PEER)?;
        let stays = bfd["state"] == "Up" && bfd["state_seconds"].as_u64() >= Some(2);
        Ok(match stays {
            true => Look::Done(bfd),
            false => Look::NotYet(bfd.to_string()),
        })
    })?;
    // The bgpd of FRR 10 registers its BFD session anew as the BGP session comes up: its bfdd says Down, once.
    let once = router.name() == "FRR" && !Kind::Frr.version()?.starts_with("FRR 8");
    ensure!(
        bfd["failures"].as_u64() <= Some(u64::from(once)),
        "BFD went down: {bfd}"
    );
    Ok(())
}

/// What the kernel has as the scheduling policy of the thread that sends (proc(5), `policy`).
#[test]
fn nothing_that_is_not_in_real_time_goes_before_the_thread() {
    lab::run("bfdthread", |lab| {
        let net = NodeAndTor::new()?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true)).with(BFD);
        let documents = [("router", router().text()), ("peer", peer.text())];
        let agent = Agent::start(lab, &net.node, &documents)?;
        const ROUND_ROBIN: &str = "2";
        const OTHER: &str = "0";
        // Without CAP_SYS_NICE nobody may.
        let wanted = match run("chrt", &["--rr", "1", "true"]) {
            Ok(_) => ROUND_ROBIN,
            Err(_) => OTHER,
        };
        until("the thread runs as it should", secs(10), || {
            let mut seen = Vec::new();
            for task in std::fs::read_dir(format!("/proc/{}/task", agent.pid()))? {
                let stat = std::fs::read_to_string(task?.path().join("stat"))?;
                let (name, rest) = stat.rsplit_once(')').context("no name")?;
                let policy = rest.split_whitespace().nth(38).context("no policy")?;
                seen.push((name.contains("(cosmos-bfd"), policy.to_owned()));
            }
            // The others are as they were.
            let so = seen.contains(&(true, wanted.to_owned()))
                && seen.iter().all(|(bfd, policy)| *bfd || policy == OTHER);
            Ok(Look::when(so, || format!("{seen:?}")))
        })?;
        agent.stop()
    });
}

fn on_one_link(kind: Kind, v6: bool) {
    matrix::tried(kind, &[Feature::Bfd], || {
        lab::run("bfd", |lab| {
            let net = NodeAndTor::new()?;
            let (tor, node) = (address(true, v6), address(false, v6));
            let mut plan = Plan::new((TOR_ASN, tor), (NODE_ASN, node));
            plan.bfd = true;
            let router = peers::start(kind, &net.tor, &lab.subdirectory("tor")?, &plan)?;
            let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, tor).with(BFD);
            let documents = [("router", self::router().text()), ("peer", peer.text())];
            let agent = Agent::start(lab, &net.node, &documents)?;
            is_up(&agent, &*router)?;
            agent.stop()
        });
    });
}

#[test]
fn frr_on_the_link() {
    on_one_link(Kind::Frr, true);
    on_one_link(Kind::Frr, false);
}

#[test]
fn bird_on_the_link() {
    on_one_link(Kind::Bird, true);
    on_one_link(Kind::Bird, false);
}

/// A router between the two, which takes one from the TTL.
fn over_two_hops(kind: Kind, v6: bool) {
    matrix::tried(kind, &[Feature::BfdMultihop], || {
        lab::run("bfdfar", |lab| {
            let [node, middle, tor] = ["node", "middle", "tor"].map(Namespace::new);
            let (node, middle, tor) = (node?, middle?, tor?);
            node.veth("up0", &middle, "left")?;
            middle.veth("right", &tor, "down0")?;
            let far = |link: u16, end: u16| match v6 {
                true => IpAddr::from([0xfd00, link, 0, 0, 0, 0, 0, end]),
                false => IpAddr::from([10, link as u8, 0, end as u8]),
            };
            let length = if v6 { 64 } else { 24 };
            for (namespace, device, address) in [
                (&node, "up0", far(0x21, 2)),
                (&middle, "left", far(0x21, 1)),
                (&middle, "right", far(0x22, 1)),
                (&tor, "down0", far(0x22, 2)),
            ] {
                namespace.address(device, address, length)?;
            }
            let net = |link| format!("{}/{length}", far(link, 0));
            node.ip(&format!("route add {} via {}", net(0x22), far(0x21, 1)))?;
            tor.ip(&format!("route add {} via {}", net(0x21), far(0x22, 1)))?;
            let mut plan = Plan::new((TOR_ASN, far(0x22, 2)), (NODE_ASN, far(0x21, 2)));
            (plan.bfd, plan.multihop) = (true, true);
            let router = peers::start(kind, &tor, &lab.subdirectory("tor")?, &plan)?;
            let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, far(0x22, 2))
                .with("ebgpMultiHop: true")
                .with(MULTI_HOP);
            let documents = [("router", self::router().text()), ("peer", peer.text())];
            let agent = Agent::start(lab, &node, &documents)?;
            is_up(&agent, &*router)?;
            agent.stop()
        });
    });
}

#[test]
fn frr_over_two_hops() {
    over_two_hops(Kind::Frr, true);
    over_two_hops(Kind::Frr, false);
}

#[test]
fn bird_over_two_hops() {
    over_two_hops(Kind::Bird, true);
    over_two_hops(Kind::Bird, false);
}

/// A node with two routers above it that announce the same prefixes; the first one's are the better ones.
struct TwoWays {
    net: NodeAndTor,
    _second: Namespace,
    _routers: [Box<dyn Router>; 2],
    agent: Agent,
}

impl TwoWays {
    fn new(lab: &Lab, bfd: bool) -> Result<Self> {
        let net = NodeAndTor::new()?;
        let second = Namespace::new("tor2")?;
        net.node.veth("up1", &second, "down0")?;
        let beside = |end: u16| IpAddr::from([0xfd00, 0x13, 0, 0, 0, 0, 0, end]);
        net.node.address("up1", beside(2), 64)?;
        second.address("down0", beside(1), 64)?;
        let announced = prefixes(Party::Tor, true, ROUTES);
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce.clone_from(&announced);
        plan.bfd = true;
        let first = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let mut plan = Plan::new((TOR_ASN + 1, beside(1)), (NODE_ASN, beside(2)));
        plan.announce = announced;
        // The higher router ID loses.
        plan.router_id = "10.255.0.3".into();
        let other = peers::start(Kind::Bird, &second, &lab.subdirectory("tor2")?, &plan)?;
        let mut peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
        if bfd {
            peer = peer.with(BFD);
        }
        let documents = [
            ("router", router().with("maximumPaths: 1").text()),
            ("peer", peer.text()),
            (
                "second",
                manifests::Peer::new("second", "underlay", TOR_ASN + 1, beside(1)).text(),
            ),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let ways = Self {
            net,
            _second: second,
            _routers: [first, other],
            agent,
        };
        ways.agent.await_state("second", "Established", secs(40))?;
        ways.await_all_by("up0")?;
        Ok(ways)
    }

    /// How many of the routes go by a link.
    fn by(&self, device: &str) -> Result<usize> {
        let routes = kernel::ours(&self.net.node, true)?;
        let by = |leg: &kernel::Leg| leg.device.as_deref() == Some(device);
        Ok(routes
            .iter()
            .filter(|route| route.legs.iter().all(by))
            .count())
    }

    fn await_all_by(&self, device: &str) -> Result<()> {
        until(&format!("all routes go by {device}"), secs(40), || {
            let count = self.by(device)?;
            Ok(Look::when(count == usize::from(ROUTES), || {
                count.to_string()
            }))
        })
    }

    /// From now on, nothing that the first router sends leaves it. Its link stays up, and it goes on sending.
    fn cut(&self) -> Result<()> {
        self.net
            .tor
            .run(
                "tc",
                &[
                    "qdisc", "add", "dev", "down0", "root", "pfifo", "limit", "0",
                ],
            )
            .map(drop)
    }

    fn mend(&self) -> Result<()> {
        self.net
            .tor
            .run("tc", &["qdisc", "del", "dev", "down0", "root"])
            .map(drop)
    }

    /// Cuts the path. The time from the last packet of BFD that came in to the last route that was switched.
    fn switched_after(&self, lab: &Lab, attempt: usize) -> Result<Duration> {
        let log = |name: &str| lab.directory().join(format!("{name}-{attempt}.out"));
        let (packets, routes) = (log("packets"), log("routes"));
        let node = &self.net.node;
        let tcpdump = [
            "tcpdump",
            "-i",
            "up0",
            "-Q",
            "in",
            "-tt",
            "-n",
            "--immediate-mode",
            "-l",
            "udp",
            "port",
            "3784",
        ];
        let mut tcpdump = start_in(node, &tcpdump, &packets)?;
        let monitor = ["sh", "-c", "TZ=UTC exec stdbuf -oL ip -6 -ts monitor route"];
        let _monitor = start_in(node, &monitor, &routes)?;
        until("packets are seen", secs(10), || {
            tcpdump.check_alive()?;
            let seen = std::fs::read_to_string(&packets)?.lines().count();
            Ok(Look::when(seen > 20, || seen.to_string()))
        })?;
        self.cut()?;
        self.await_all_by("up1")?;
        std::thread::sleep(Duration::from_millis(300));
        let packets = std::fs::read_to_string(&packets)?;
        let mut packets = packets.lines().rev();
        let last_packet: f64 = packets
            .find_map(|line| line.split_whitespace().next()?.parse().ok())
            .context("no packet came in")?;
        let routes = std::fs::read_to_string(&routes)?;
        let mut routes = routes.lines().rev();
        let last_route = routes
            .find(|line| line.contains("up1") && line.contains("2001:db8:200:"))
            .context("no route was switched")?;
        // [2026-11-26T21:08:23.123456] ...
        let clock = last_route.split(['T', ']']).nth(1).context("no time")?;
        let parts: Vec<f64> = clock.split(':').map(str::parse).collect::<Result<_, _>>()?;
        let [hours, minutes, seconds] = parts[..] else {
            bail!("odd time: {last_route}")
        };
        let of_day = hours * 3600.0 + minutes * 60.0 + seconds;
        let after = (of_day - last_packet).rem_euclid(86_400.0);
        Ok(Duration::from_secs_f64(after))
    }
}

/// A machine with other things to do may take its time now and then; three attempts tell what the agent is capable of.
#[test]
fn a_path_that_dies_takes_its_routes_along_in_three_intervals() {
    lab::run("bfdcut", |lab| {
        let ways = TwoWays::new(lab, true)?;
        await_bfd(&ways.agent, PEER, "Up")?;
        let mut seen = Vec::new();
        for attempt in 0..3 {
            let after = ways.switched_after(lab, attempt)?;
            let (state, reason) = ways.agent.condition("peers", PEER, "Ready")?;
            ensure!(
                (state.as_str(), reason.as_str()) == ("False", "BfdDown"),
                "Ready is {state} for {reason}"
            );
            let log = ways.agent.log();
            ensure!(log.contains("detection time expired"), "{log}");
            ensure!(log.contains("sent Cease: BFD Down"), "{log}");
            eprintln!("switched {after:?} after the last packet");
            ensure!(
                after > DETECTION - Duration::from_millis(10),
                "before the time was over: {after:?}"
            );
            seen.push(after);
            if after <= DETECTION + REACTION {
                return ways.agent.stop();
            }
            ways.mend()?;
            ways.await_all_by("up0")?;
            await_bfd(&ways.agent, PEER, "Up")?;
        }
        bail!("not in time at any attempt: {seen:?}")
    });
}

#[test]
fn without_bfd_the_routes_stay_until_the_hold_timer() {
    lab::run("nobfd", |lab| {
        let ways = TwoWays::new(lab, false)?;
        ensure!(bfd_of(&ways.agent, PEER)?.is_null(), "there is BFD");
        ways.cut()?;
        always("the dead path is used", secs(3), || {
            let count = ways.by("up0")?;
            Ok(Look::when(count == usize::from(ROUTES), || {
                count.to_string()
            }))
        })?;
        ways.agent.stop()
    });
}

/// RFC 5882 §4.2: "clients SHOULD NOT take any control protocol action".
#[test]
fn a_neighbour_who_takes_bfd_down_does_not_take_the_session_down() {
    lab::run("bfdadmin", |lab| {
        let net = NodeAndTor::new()?;
        let (tor, node) = (address(true, true), address(false, true));
        let mut plan = Plan::new((TOR_ASN, tor), (NODE_ASN, node));
        plan.bfd = true;
        let mut router = peers::start(Kind::Frr, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, tor).with(BFD);
        let documents = [("router", self::router().text()), ("peer", peer.text())];
        let agent = Agent::start(lab, &net.node, &documents)?;
        is_up(&agent, &*router)?;
        // The bgpd of FRR 10 has lost it once by now.
        let flaps = agent.json(&["show", "peer", PEER])?["flaps"].clone();
        router.shut_bfd(true)?;
        let bfd = await_bfd(&agent, PEER, "Down")?;
        ensure!(bfd["session"]["remote_state"] == "AdminDown", "{bfd}");
        always("the session outlives it", secs(3), || {
            let peer = agent.json(&["show", "peer", PEER])?;
            let stays = peer["state"] == "Established" && peer["flaps"] == flaps;
            Ok(Look::when(stays, || peer.to_string()))
        })?;
        // FRR may begin twice, as it takes its profile to be a new one.
        router.shut_bfd(false)?;
        await_bfd(&agent, PEER, "Up")?;
        agent.stop()
    });
}

const RAW: &str = "raw";
const RAW_ASN: u32 = 65102;

/// An established session with a peer played by hand, and BFD with it.
fn by_hand(lab: &Lab, net: &NodeAndTor, ttl: u32) -> Result<(Agent, RawPeer, RawBfd)> {
    let (tor, node) = (address(true, false), address(false, false));
    let peer = manifests::Peer::new(RAW, "underlay", RAW_ASN, tor)
        .with("passive: true")
        .with(BFD);
    let documents = [("router", router().text()), ("peer", peer.text())];
    let agent = Agent::start(lab, &net.node, &documents)?;
    let bfd = RawBfd::start(&net.tor, tor, node, ttl)?;
    let mut peer = RawPeer::connect(&net.tor, node, secs(5))?;
    peer.establish(RAW_ASN, 90, secs(5))?;
    agent.await_state(RAW, "Established", secs(5))?;
    Ok((agent, peer, bfd))
}

#[test]
fn the_peer_is_told_that_it_was_bfd() {
    lab::run("bfdcease", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, mut peer, bfd) = by_hand(lab, &net, 255)?;
        await_bfd(&agent, RAW, "Up")?;
        let (packet, from) = bfd.heard().context("nothing heard")?;
        // RFC 5881 §4 of the source port; no echo, no C bit.
        ensure!((49152..=65535).contains(&from.port()), "from {from}");
        ensure!(
            packet[20..24] == [0; 4] && packet[1] & 0x08 == 0,
            "{packet:?}"
        );
        let last = bfd.silence().context("never spoke")?;
        // RFC 9384.
        ensure!(
            peer.await_notification(secs(2))? == (6, 10),
            "another NOTIFICATION"
        );
        let after = last.elapsed();
        ensure!(after < DETECTION + Duration::from_millis(500), "{after:?}");
        ensure!(Instant::now() > last + DETECTION, "too early");
        until("the reason is BFD", secs(2), || {
            let (state, reason) = agent.condition("peers", RAW, "Ready")?;
            let so = state == "False" && reason == "BfdDown";
            Ok(Look::when(so, || format!("{state} {reason}")))
        })?;
        agent.stop()
    });
}

#[test]
fn a_neighbour_that_goes_down_by_itself_ends_the_session_at_once() {
    lab::run("bfdtold", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, mut peer, bfd) = by_hand(lab, &net, 255)?;
        await_bfd(&agent, RAW, "Up")?;
        bfd.force(Some(raw_bfd::DOWN));
        ensure!(
            peer.await_notification(secs(2))? == (6, 10),
            "another NOTIFICATION"
        );
        agent.stop()
    });
}

/// RFC 5881 §5: packets that came from further away are nothing, whatever they say; and BFD that never came up takes nothing down.
#[test]
fn packets_from_afar_are_discarded_and_cost_nothing() {
    lab::run("bfdttl", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, _peer, bfd) = by_hand(lab, &net, 254)?;
        always("BFD is down, and the session up", secs(3), || {
            let peer = agent.json(&["show", "peer", RAW])?;
            let so = peer["state"] == "Established" && peer["bfd"]["state"] == "Down";
            Ok(Look::when(so, || peer.to_string()))
        })?;
        ensure!(bfd.heard().is_some(), "the agent speaks");
        until("the status says so", secs(5), || {
            let status = agent.object("peers", RAW)?["status"].to_string();
            Ok(Look::when(status.contains("BFD is Down"), || status))
        })?;
        agent.stop()
    });
}

/// What another daemon of the node has cannot be had; it is told, and comes by itself when that daemon is gone.
#[test]
fn a_port_that_is_taken_is_told_and_tried_again() {
    lab::run("bfdport", |lab| {
        let net = NodeAndTor::new()?;
        let taken = net
            .node
            .enter(|| Ok(std::net::UdpSocket::bind("0.0.0.0:3784")?))?;
        let (agent, _peer, _bfd) = by_hand(lab, &net, 255)?;
        until("the error is told", secs(5), || {
            let bfd = bfd_of(&agent, RAW)?;
            let told = bfd["error"].as_str().unwrap_or_default().to_owned();
            Ok(Look::when(told.contains("3784"), || bfd.to_string()))
        })?;
        let words: BTreeSet<String> = agent.log().lines().map(str::to_owned).collect();
        let said = words.iter().filter(|line| line.contains("no BFD"));
        ensure!(said.count() == 1, "told once: {words:?}");
        drop(taken);
        await_bfd(&agent, RAW, "Up")?;
        agent.stop()
    });
}

/// The neighbour is told that nobody is dead, which is all that can be done: FRR 8.4 ends the session all the same.
#[test]
fn the_field_may_go_and_come_without_the_session() {
    lab::run("bfdfield", |lab| {
        let net = NodeAndTor::new()?;
        let (agent, mut peer, bfd) = by_hand(lab, &net, 255)?;
        await_bfd(&agent, RAW, "Up")?;
        let plain = manifests::Peer::new(RAW, "underlay", RAW_ASN, address(true, false))
            .with("passive: true");
        agent.apply("peer", &plain.text())?;
        until("the neighbour is told", secs(5), || {
            let (packet, _) = bfd.heard().context("nothing heard")?;
            // Administratively Down (7) in AdminDown.
            let so = packet[0] & 0x1f == 7 && packet[1] >> 6 == raw_bfd::ADMIN_DOWN;
            Ok(Look::when(so, || format!("{packet:?}")))
        })?;
        until("BFD is gone", secs(5), || {
            let bfd = bfd_of(&agent, RAW)?;
            Ok(Look::when(bfd.is_null(), || bfd.to_string()))
        })?;
        agent.apply("peer", &plain.with(BFD).text())?;
        await_bfd(&agent, RAW, "Up")?;
        let shown = agent.json(&["show", "peer", RAW])?;
        let stays = shown["state"] == "Established" && shown["flaps"] == 0;
        ensure!(stays, "{shown}");
        ensure!(peer.await_notification(Duration::from_millis(100)).is_err());
        agent.stop()
    });
}
