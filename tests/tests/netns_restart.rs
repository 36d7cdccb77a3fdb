//! A restart of the agent: packets through the node are forwarded all the time where graceful restart was agreed on, and the
//! neighbour is told what is true.
//!
//! ```text
//!   client 10.1.0.2 ── 10.1.0.1 node (agent) 10.12.0.2 ── 10.12.0.1 ToR (BIRD) 10.2.0.1 ── 10.2.0.2 server
//! ```
//!
//! The node knows the server's prefix by BGP alone, and the ToR the client's: a packet that comes back had a way in both kernels.

use std::fs;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::flow::{Counted, echo};
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::process::{Daemon, require, start_in};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{Namespace, kernel, manifests, netns};
use rustix::process::Signal;

/// Of the flow that must not lose any.
const PACKETS: u32 = 100_000;
/// Of one that is to lose some.
const FEW: u32 = 20_000;

struct Net {
    net: NodeAndTor,
    client: Namespace,
    server: Namespace,
    bird: Daemon,
    control: String,
}

impl Net {
    fn new(lab: &Lab) -> Result<Self> {
        let net = NodeAndTor::new()?;
        let client = Namespace::new("client")?;
        let server = Namespace::new("server")?;
        for (near, far, n) in [(&net.node, &client, 1), (&net.tor, &server, 2)] {
            near.veth("lan0", far, "eth0")?;
            near.address("lan0", [10, n, 0, 1].into(), 24)?;
            far.address("eth0", [10, n, 0, 2].into(), 24)?;
            far.ip(&format!("route add default via 10.{n}.0.1"))?;
        }
        require("bird", "bird2")?;
        let directory = lab.subdirectory("bird")?;
        let config = directory.join("bird.conf");
        fs::write(&config, bird())?;
        let control = directory.join("bird.ctl").to_string_lossy().into_owned();
        let config = config.to_string_lossy();
        let words = ["bird", "-f", "-c", &config, "-s", &control];
        let bird = start_in(&net.tor, &words, &directory.join("bird.log"))?;
        Ok(Self {
            net,
            client,
            server,
            bird,
            control,
        })
    }

    fn start(&self, lab: &Lab, manifests: &Path) -> Result<Agent> {
        Agent::start_on(
            lab,
            &self.net.node,
            manifests,
            &["--convergence-timeout", "20s"],
        )
    }

    /// Both kernels know the way.
    fn await_ways(&self) -> Result<()> {
        for (namespace, prefix) in [
            (&self.net.node, "10.2.0.0/24"),
            (&self.net.tor, "10.1.0.0/24"),
        ] {
            until(&format!("a route to {prefix}"), secs(30), || {
                let routes = kernel::routes(namespace, false)?;
                let found = routes.iter().any(|route| route.prefix == prefix);
                Ok(Look::when(found, || format!("{routes:?}")))
            })?;
        }
        Ok(())
    }

    /// What BIRD says of its session and of what the agent told in its OPEN.
    fn session(&self) -> Result<String> {
        netns::run(
            "birdc",
            &[
                "-r",
                "-s",
                &self.control,
                "show",
                "protocols",
                "all",
                "node",
            ],
        )
    }

    fn flow(&self, packets: u32, meanwhile: impl FnOnce() -> Result<()>) -> Result<Counted> {
        let client = (&self.client, ([10, 1, 0, 2], 7000).into());
        let server = (&self.server, ([10, 2, 0, 2], 7000).into());
        echo(client, server, packets, |left| {
            while left.load(Ordering::Relaxed) < packets / 10 {
                thread::sleep(Duration::from_millis(10));
            }
            meanwhile()
        })
    }
}

fn bird() -> String {
    format!(
        "log stderr all;
router id 10.255.0.1;
protocol device {{ scan time 1; }}
protocol direct {{ ipv4; interface \"lan0\"; }}
protocol kernel {{ ipv4 {{ import none; export where source = RTS_BGP; }}; }}
protocol bgp node {{
  local {} as {TOR_ASN};
  neighbor {} as {NODE_ASN};
  hold time 9; connect retry time 1; connect delay time 1; error wait time 1, 2;
  graceful restart on;
  ipv4 {{ import all; export where source = RTS_DEVICE; next hop self; }};
}}
",
        address(true, false),
        address(false, false)
    )
}

fn write_manifests(lab: &Lab, graceful: bool) -> Result<std::path::PathBuf> {
    let folder = lab.subdirectory("manifests")?;
    let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2")
        .with("gracefulRestart: {selectionDeferralTime: 15}");
    let mut peer = manifests::Peer::new("tor", "underlay", TOR_ASN, address(true, false));
    if graceful {
        peer = peer.with("gracefulRestart: {enabled: true, restartTime: 60}");
    }
    let own = manifests::advertisement("own", "underlay", false, &["10.1.0.0/24".to_owned()]);
    for (name, text) in [
        ("router", router.text()),
        ("tor", peer.text()),
        ("own", own),
    ] {
        fs::write(folder.join(format!("{name}.yaml")), text)?;
    }
    Ok(folder)
}

/// How the agent ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum End {
    Kill,
    Stop,
    /// And the one that follows too, before the ToR has answered it.
    StopTwice,
}

/// Ends the agent and starts another one, which has its session.
fn restart(net: &Net, lab: &Lab, agent: &mut Option<Agent>, folder: &Path, end: End) -> Result<()> {
    let mut old = agent.take().context("an agent")?;
    if end == End::Kill {
        old.daemon().signal(Signal::KILL);
        drop(old);
    } else {
        old.stop()?;
    }
    // What a supervisor takes to notice.
    thread::sleep(secs(1));
    if end == End::StopTwice {
        net.bird.signal(Signal::STOP);
        let hasty = net.start(lab, folder);
        // Its OPEN is under way.
        thread::sleep(secs(1));
        let ended = hasty.and_then(Agent::stop);
        net.bird.signal(Signal::CONT);
        ended?;
    }
    let new = net.start(lab, folder)?;
    new.await_state("tor", "Established", secs(20))?;
    *agent = Some(new);
    Ok(())
}

#[test]
fn no_packet_is_lost_across_kill_and_restart_and_across_stop_and_restart() {
    lab::run("restart-flow", |lab| {
        let net = Net::new(lab)?;
        let folder = write_manifests(lab, true)?;
        let mut agent = Some(net.start(lab, &folder)?);
        net.await_ways()?;
        for round in 1..=2 {
            let ends = [End::Kill, End::Stop, End::StopTwice];
            // Each of the first two twice in a row.
            for end in ends.into_iter().take(4 - round) {
                // As the agent notes once a second with whom it has sessions.
                thread::sleep(secs(2));
                let counted = net.flow(PACKETS, || {
                    restart(&net, lab, &mut agent, &folder, end)?;
                    let session = net.session()?;
                    ensure!(
                        session.contains("Restart recovery")
                            || session.contains("Graceful restart"),
                        "{session}"
                    );
                    // Everything has come again: nothing of the earlier run is left, and what is wanted is there.
                    let agent = agent.as_ref().context("an agent")?;
                    until("the node has converged", secs(20), || {
                        let log = agent.log();
                        let last = log.rsplit("this is a restart").next().unwrap_or_default();
                        Ok(Look::when(last.contains("converged"), || last.to_owned()))
                    })
                })?;
                println!("round {round}, {end:?}: {counted:?}");
                ensure!(
                    counted.back == counted.sent,
                    "round {round}, {end:?}: {counted:?}"
                );
            }
        }
        Ok(())
    });
}

/// The same without the field.
#[test]
fn without_graceful_restart_a_stop_withdraws_and_a_kill_loses_packets() {
    lab::run("restart-hard", |lab| {
        let mut net = Net::new(lab)?;
        let folder = write_manifests(lab, false)?;
        let mut agent = Some(net.start(lab, &folder)?);
        net.await_ways()?;
        thread::sleep(secs(2));
        let counted = net.flow(FEW, || restart(&net, lab, &mut agent, &folder, End::Kill))?;
        println!("{counted:?}");
        ensure!(counted.back < counted.sent, "nothing was lost: {counted:?}");
        net.await_ways()?;
        let log = fs::read_to_string(lab.directory().join("bird/bird.log"))?;
        ensure!(!log.contains("Administrative shutdown"), "{log}");
        agent.take().context("an agent")?.stop()?;
        ensure!(kernel::our_prefixes(&net.net.node, false)?.is_empty());
        let log = fs::read_to_string(lab.directory().join("bird/bird.log"))?;
        ensure!(log.contains("Administrative shutdown"), "{log}");
        net.bird.check_alive()
    });
}

/// The bits of the capability: R after a restart, F for what the kernel has kept, and neither when it has lost it.
#[test]
fn the_neighbour_is_told_what_is_true() {
    lab::run("restart-bits", |lab| {
        let net = Net::new(lab)?;
        let folder = write_manifests(lab, true)?;
        let mut agent = Some(net.start(lab, &folder)?);
        net.await_ways()?;
        let bits = |net: &Net| -> Result<(bool, bool)> {
            let session = net.session()?;
            let (_, neighbour) = session
                .split_once("Neighbor capabilities")
                .with_context(|| session.clone())?;
            let capability = neighbour.split("Session:").next().unwrap_or_default();
            let restarting = capability.contains("Restart recovery");
            let preserved = capability.lines().find(|l| l.contains("AF preserved"));
            let kept = preserved.is_some_and(|line| line.contains("ipv4"));
            Ok((restarting, kept))
        };
        ensure!(bits(&net)? == (false, false), "{}", net.session()?);
        thread::sleep(secs(2));
        restart(&net, lab, &mut agent, &folder, End::Kill)?;
        ensure!(bits(&net)? == (true, true), "{}", net.session()?);

        // Somebody takes the routes away while nobody is there to repair that.
        net.await_ways()?;
        thread::sleep(secs(2));
        let mut old = agent.take().context("an agent")?;
        old.daemon().signal(Signal::KILL);
        drop(old);
        net.net.node.ip("-4 route flush proto 196")?;
        agent = Some(net.start(lab, &folder)?);
        let new = agent.as_ref().context("an agent")?;
        new.await_state("tor", "Established", secs(20))?;
        ensure!(bits(&net)? == (true, false), "{}", net.session()?);
        net.await_ways()?;

        // Removed from the configuration, it is over: a Hard Reset with the reason inside, or plain, as BIRD has no N bit.
        new.delete("tor")?;
        until("the routes are gone", secs(10), || {
            let ours = kernel::our_prefixes(&net.net.node, false)?;
            let theirs = kernel::routes(&net.net.tor, false)?;
            let known = theirs.iter().any(|route| route.prefix == "10.1.0.0/24");
            Ok(Look::when(ours.is_empty() && !known, || {
                format!("{ours:?} {theirs:?}")
            }))
        })
    });
}
