//! Manifests that are bad at the moment of a restart: what worked goes on.

use std::fs;
use std::path::PathBuf;

use anyhow::{Result, ensure};
use bgp_tests::agent::{Agent, run_command};
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::peers::{self, Kind, Plan, Router};
use bgp_tests::process::{Daemon, start_in};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, PEER, TOR_ASN};
use bgp_tests::wait::{Look, always, secs, until};
use bgp_tests::{kernel, manifests};
use rustix::process::Signal;

use crate::await_set;

/// BIRD with some routes, and a folder for the agent.
struct Bed<'a> {
    lab: &'a Lab,
    net: NodeAndTor,
    tor: Box<dyn Router>,
    announced: Vec<String>,
    folder: PathBuf,
}

impl<'a> Bed<'a> {
    fn new(lab: &'a Lab) -> Result<Self> {
        let net = NodeAndTor::new()?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = prefixes(Party::Tor, true, 20);
        let tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let bed = Self {
            lab,
            net,
            tor,
            announced: plan.announce,
            folder: lab.subdirectory("manifests")?,
        };
        bed.write("router", &router())?;
        bed.write("peer", &peer())?;
        Ok(bed)
    }

    fn write(&self, name: &str, text: &str) -> Result<()> {
        fs::write(self.folder.join(format!("{name}.yaml")), text)?;
        Ok(())
    }

    fn await_routes(&self, wanted: &[String]) -> Result<()> {
        await_set("the routes are in the kernel", wanted, || {
            kernel::our_prefixes(&self.net.node, true)
        })
    }

    /// An agent that has all routes, killed.
    fn run_and_kill(&self) -> Result<()> {
        let mut agent = Agent::start_on(self.lab, &self.net.node, &self.folder, &[])?;
        self.await_routes(&self.announced)?;
        agent.daemon().signal(Signal::KILL);
        Ok(())
    }

    /// The status and body of `/readyz`.
    fn ready(&self) -> Result<(u16, String)> {
        self.net.node.http_get("127.0.0.1:8083", "/readyz")
    }
}

fn router() -> String {
    manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text()
}

fn peer() -> String {
    manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true)).text()
}

#[test]
fn a_restart_on_bad_manifests_takes_no_route_and_no_session() {
    let bad_peer = peer().replace(&format!("peerASN: {TOR_ASN}"), "peerASN: 0");
    for (name, bad) in [("router", "kind: [".to_owned()), ("peer", bad_peer)] {
        lab::run("bad-start", |lab| {
            let bed = Bed::new(lab)?;
            bed.run_and_kill()?;
            bed.write(name, &bad)?;
            let log = lab.directory().join("routes.log");
            let monitor = start_in(&bed.net.node, &["ip", "-6", "monitor", "route"], &log)?;
            let agent = Agent::start_on(lab, &bed.net.node, &bed.folder, &[])?;
            agent.await_state(PEER, "Established", secs(20))?;
            until("/readyz is 200", secs(20), || {
                let (status, body) = bed.ready()?;
                Ok(Look::when(status == 200, || body))
            })?;
            let file = format!("{name}.yaml: ");
            let log = agent.log();
            let told = |line: &str| line.contains(" ERROR ") && line.contains(&file);
            ensure!(log.lines().any(told), "{log}");
            ensure!(log.contains("stay"), "{log}");
            // The audit of what is nobody's is done with.
            always("the routes stay", secs(2), || {
                let said = monitor.said();
                let deleted = said.lines().filter(|line| line.starts_with("Deleted "));
                let ours: Vec<&str> = deleted
                    .filter(|line| bed.announced.iter().any(|p| line.contains(p.as_str())))
                    .collect();
                ensure!(ours.is_empty(), "removed: {ours:?}");
                let have = kernel::our_prefixes(&bed.net.node, true)?;
                Ok(Look::when(have.len() == bed.announced.len(), || {
                    format!("{have:?}")
                }))
            })?;
            agent.stop()
        });
    }
}

/// The state folder is a new one, or the version before kept no objects there.
#[test]
fn without_memory_a_refused_router_or_peer_takes_no_route_until_it_is_put_right() {
    for (name, object, good, bad) in [
        (
            "router",
            "BGPRouter/underlay",
            router(),
            router().replace(&format!("localASN: {NODE_ASN}"), "localASN: 0"),
        ),
        (
            "peer",
            "BGPPeer/tor",
            peer(),
            peer().replace(&format!("peerASN: {TOR_ASN}"), "peerASN: 0"),
        ),
    ] {
        lab::run("bad-first-start", |lab| {
            let mut bed = Bed::new(lab)?;
            bed.run_and_kill()?;
            fs::remove_file(lab.directory().join("state/objects"))?;
            bed.write(name, &bad)?;
            let half = bed.announced[..10].to_vec();
            bed.tor.announce(&half)?;
            let socket = lab.directory().join("s");
            let more = ["--convergence-timeout", "1s"];
            let mut command = run_command(&bed.net.node, &bed.folder, &socket, lab, &more)?;
            let mut agent = Daemon::start("cosmos", &mut command, &lab.directory().join("log"))?;
            let words = format!("this is corrected or removed: {object}");
            until("the log says that the routes stay", secs(10), || {
                agent.check_alive()?;
                let log = agent.said();
                Ok(Look::when(log.contains(&words), || log))
            })?;
            // Nobody can tell what is asked of a node without a router; a node may do without a neighbour after a while.
            let status = if name == "router" { 503 } else { 200 };
            until("/readyz names it", secs(10), || {
                let (said, body) = bed.ready()?;
                let named = body.contains(&format!("{object} (refused)"));
                Ok(Look::when(said == status && named, || body))
            })?;
            always("the routes stay", secs(2), || {
                let have = kernel::our_prefixes(&bed.net.node, true)?;
                Ok(Look::when(have.len() == bed.announced.len(), || {
                    format!("{have:?}")
                }))
            })?;
            bed.write(name, &good)?;
            // What the neighbour no longer has is nobody's now.
            bed.await_routes(&half)?;
            until("/readyz says converged", secs(20), || {
                let (said, body) = bed.ready()?;
                let converged = said == 200 && body.contains("ready: converged");
                Ok(Look::when(converged, || body))
            })?;
            agent.stop(secs(10))?;
            Ok(())
        });
    }
}
