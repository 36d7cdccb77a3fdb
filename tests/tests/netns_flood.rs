//! A peer that sends far too much of something harmless for some seconds, as fast as it can. It may lose its own session by it; but another
//! session with the shortest hold time there is and with BFD must not notice, memory stays bounded, and so does the log.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::peers::{self, Kind, Plan};
use bgp_tests::raw::{RawPeer, message, open_with};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, PEER, ROUTES, TOR_ASN};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{kernel, manifests};

const FLOODER: &str = "flooder";
const FLOODER_ASN: u32 = 65102;
/// How long a flood lasts.
const TIME: Duration = secs(5);
/// How much the agent's resident memory may grow. What waits for a peer that does not read is bounded by a queue of 1 MiB.
const GROWTH_KIB: u64 = 4 * 1024;
/// Lines that the log may grow by: what is told of connections that come too fast, is told at each power of two.
const LINES: usize = 25;

/// How often the same bytes are in one piece that is sent.
const IN_ONE_PIECE: usize = 200;

/// Of the witness. Its packets come every 50 ms; whether it has the time to send them is not what is asked here.
const BFD: &str = "bfd: {enabled: true, minimumTx: 50000, minimumRx: 100000}";

/// An agent with a witness: a session of three seconds' hold time, with BFD, and a thousand routes.
struct Scene {
    net: NodeAndTor,
    agent: Agent,
}

impl Scene {
    fn connect(&self) -> Result<RawPeer> {
        RawPeer::connect(&self.net.tor, address(false, true), secs(5))
    }

    /// With route refresh (2) and its enhanced form (70).
    fn establish(&self) -> Result<RawPeer> {
        let mut peer = self.connect()?;
        let open = open_with(FLOODER_ASN, 90, [10, 255, 0, 9], &[2, 0, 70, 0]);
        peer.establish_with(&open, secs(5))?;
        Ok(peer)
    }
}

/// What the kernel says of the agent's memory, in KiB: `VmRSS`, or `VmHWM` for the most there ever was.
fn memory(agent: &Agent, what: &str) -> Result<u64> {
    let status = fs::read_to_string(format!("/proc/{}/status", agent.pid()))?;
    let line = status.lines().find_map(|line| line.strip_prefix(what));
    let number = line.and_then(|line| line.split_whitespace().nth(1));
    number
        .and_then(|number| number.parse().ok())
        .with_context(|| format!("no {what}"))
}

/// Has `flood` run beside the witness until the time it is given, and looks at what it did. It gives the number of times that it did
/// what it does.
fn withstands(name: &str, flood: impl FnOnce(&Scene, Instant) -> Result<u64> + Send) {
    lab::run(name, |lab| {
        let net = NodeAndTor::new()?;
        net.speak_as(0)?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = prefixes(Party::Tor, true, ROUTES);
        plan.passive = true;
        plan.hold_time = 3;
        plan.bfd = true;
        let witness = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
        let mut flooder = manifests::Peer::new(FLOODER, "underlay", FLOODER_ASN, raw_address(0));
        flooder.families.push("ipv4");
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            (
                "peer",
                peer.with("holdTime: 3s")
                    .with("keepaliveTime: 1s")
                    .with(BFD)
                    .text(),
            ),
            ("flooder", flooder.with("passive: true").text()),
        ];
        let agent = Agent::start_with(lab, &net.node, &documents, &["--log-level", "info"])?;
        agent.await_state(PEER, "Established", secs(20))?;
        until("the witness's routes are in the kernel", secs(10), || {
            let have = kernel::our_prefixes(&net.node, true)?.len();
            Ok(Look::when(have == usize::from(ROUTES), || {
                format!("{have} routes")
            }))
        })?;
        until("BFD watches over it", secs(10), || {
            let bfd = agent.json(&["show", "peer", PEER])?["bfd"].clone();
            Ok(Look::when(bfd["state"] == "Up", || bfd.to_string()))
        })?;
        let since = agent.established_since(PEER)?;
        let lines = agent.log().lines().count();
        // What it took to start is not of the flood: proc(5), 5 resets VmHWM.
        fs::write(format!("/proc/{}/clear_refs", agent.pid()), "5")?;
        let before = memory(&agent, "VmRSS")?;

        let scene = Scene { net, agent };
        let times = thread::scope(|scope| {
            let flood = scope.spawn(|| flood(&scene, Instant::now() + TIME));
            while !flood.is_finished() {
                let state = witness.state()?;
                ensure!(state == "Established", "the witness says {state}");
                thread::sleep(Duration::from_millis(200));
            }
            flood.join().map_err(|_| anyhow!("the flood panicked"))?
        })?;

        let Scene { net, agent } = scene;
        let (after, peak) = (memory(&agent, "VmRSS")?, memory(&agent, "VmHWM")?);
        let grown = agent.log().lines().count() - lines;
        println!(
            "{name}: {times} times; {before} KiB before, {after} after, {peak} at most; {grown} lines"
        );
        ensure!(times > 0, "there was no flood");
        ensure!(
            agent.established_since(PEER)? == since && agent.session_state(PEER)? == "Established",
            "the session of the witness ended"
        );
        ensure!(witness.state()? == "Established", "BIRD lost its session");
        let routes = kernel::our_prefixes(&net.node, true)?.len();
        ensure!(routes == usize::from(ROUTES), "{routes} routes are left");
        ensure!(peak <= before + GROWTH_KIB, "from {before} to {peak} KiB");
        ensure!(grown <= LINES, "{grown} lines in the log:\n{}", agent.log());
        agent.stop()
    });
}

fn update(withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let length = |part: &[u8]| u16::try_from(part.len()).expect("short").to_be_bytes();
    let (w, a) = (length(withdrawn), length(attributes));
    message(2, &[&w, withdrawn, &a, attributes, nlri].concat())
}

#[test]
fn tiny_updates_by_the_million() {
    withstands("updates", |scene, end| {
        let mut peer = scene.establish()?;
        let prefix = [24, 203, 0, 113];
        let [high, low] = u16::try_from(FLOODER_ASN)?.to_be_bytes();
        let attributes = [
            &[0x40, 1, 1, 0][..],
            &[0x40, 2, 6, 2, 1, 0, 0, high, low],
            &[0x40, 3, 4, 10, 12, 0, 1],
        ]
        .concat();
        let announce = update(&[], &attributes, &prefix);
        let flap = [update(&prefix, &[], &[]), announce].concat();
        let times = peer.flood(&flap.repeat(IN_ONE_PIECE), end)?;
        // The last word counts, soon.
        until("the kernel has the route", secs(5), || {
            let routes = kernel::our_prefixes(&scene.net.node, false)?;
            let there = routes.contains("203.0.113.0/24");
            Ok(Look::when(there, || format!("{routes:?}")))
        })?;
        Ok(times * 2 * IN_ONE_PIECE as u64)
    });
}

#[test]
fn end_of_rib_again_and_again() {
    withstands("endofrib", |scene, end| {
        let mut peer = scene.establish()?;
        let times = peer.flood(&update(&[], &[], &[]).repeat(IN_ONE_PIECE), end)?;
        Ok(times * IN_ONE_PIECE as u64)
    });
}

/// RFC 7313 markers around nothing.
#[test]
fn refreshes_begun_and_ended_again_and_again() {
    withstands("markers", |scene, end| {
        let mut peer = scene.establish()?;
        let [begin, finish] = [1, 2].map(|marker| message(5, &[0, 2, marker, 1]));
        let times = peer.flood(&[begin, finish].concat().repeat(IN_ONE_PIECE), end)?;
        Ok(times * 2 * IN_ONE_PIECE as u64)
    });
}

/// Each is answered with all routes, which the peer does not read.
#[test]
fn all_routes_asked_for_again_and_again_and_never_read() {
    withstands("refresh", |scene, end| {
        let mut peer = scene.establish()?;
        let request = message(5, &[0, 2, 0, 1]);
        let times = peer.flood(&request.repeat(IN_ONE_PIECE), end)?;
        Ok(times * IN_ONE_PIECE as u64)
    });
}

#[test]
fn connections_opened_and_closed_again_and_again() {
    withstands("connections", |scene, end| {
        let mut times = 0;
        while Instant::now() < end {
            scene.connect()?;
            times += 1;
        }
        // And then it means it.
        scene.establish()?;
        Ok(times)
    });
}

/// Connections that stay open and on which nothing is ever said: one that speaks gets in among them, and stays.
#[test]
fn connections_opened_and_left_alone_again_and_again() {
    withstands("silence", |scene, end| {
        thread::scope(|scope| {
            let silent = scope.spawn(|| {
                let mut silent = Vec::new();
                while Instant::now() < end {
                    silent.push(scene.connect()?);
                    thread::sleep(Duration::from_millis(5));
                }
                anyhow::Ok(silent.len() as u64)
            });
            thread::sleep(TIME / 4);
            let _speaks = until("one that speaks gets in", TIME / 2, || {
                scene.establish().map(Look::Done)
            })?;
            let times = silent
                .join()
                .map_err(|_| anyhow!("the silence panicked"))??;
            let state = scene.agent.session_state(FLOODER)?;
            ensure!(state == "Established", "and then it was {state}");
            Ok(times)
        })
    });
}
