//! A neighbour restarts: BIRD, FRR and GoBGP, each killed and started again. With graceful restart the kernel keeps its routes until
//! it has sent them again; without, they go when it goes.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::matrix::{self, Feature};
use bgp_tests::peers::{self, Kind, Plan, Restart, Router};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, always, secs, until};
use bgp_tests::{kernel, manifests};
use rustix::process::Signal;
use serde_json::Value;

/// What the neighbour announces first; after the restart one less.
fn routes() -> Vec<String> {
    prefixes(Party::Tor, true, 3)
}

struct Case<'l> {
    lab: &'l Lab,
    net: NodeAndTor,
    plan: Plan,
    kind: Kind,
    agent: Agent,
}

impl<'l> Case<'l> {
    /// The agent, with these lines in its BGPPeer, and a plan for the neighbour.
    fn new(lab: &'l Lab, kind: Kind, restart: Option<Restart>, lines: &[&str]) -> Result<Self> {
        let net = NodeAndTor::new()?;
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let mut peer = manifests::Peer::new("tor", "underlay", TOR_ASN, address(true, true));
        for line in lines {
            peer = peer.with(line);
        }
        let agent = Agent::start(
            lab,
            &net.node,
            &[("router", router.text()), ("tor", peer.text())],
        )?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = routes();
        plan.restart = restart;
        Ok(Self {
            lab,
            net,
            plan,
            kind,
            agent,
        })
    }

    fn start(&self) -> Result<Box<dyn Router>> {
        let directory = self.lab.directory().join("tor");
        let router = peers::start(self.kind, &self.net.tor, &directory, &self.plan)?;
        self.agent.await_state("tor", "Established", secs(40))?;
        Ok(router)
    }

    fn in_kernel(&self) -> Result<BTreeSet<String>> {
        kernel::our_prefixes(&self.net.node, true)
    }

    fn await_in_kernel(&self, expected: &[String]) -> Result<()> {
        let expected: BTreeSet<String> = expected.iter().cloned().collect();
        until("the kernel has what it should", secs(30), || {
            let ours = self.in_kernel()?;
            Ok(Look::when(ours == expected, || format!("{ours:?}")))
        })
    }

    /// All daemons of the neighbour die at once, without a word.
    fn kill(&self, router: Box<dyn Router>) -> Result<()> {
        self.net.tor.signal_all(Signal::KILL)?;
        drop(router);
        until("the session is lost", secs(15), || {
            let state = self.agent.session_state("tor")?;
            Ok(Look::when(state != "Established", || state))
        })
    }

    fn family(&self) -> Result<Value> {
        let peer = self.agent.json(&["show", "peer", "tor"])?;
        let families = peer["families"].as_array().cloned().unwrap_or_default();
        let found = families.into_iter().find(|f| f["family"] == "ipv6/unicast");
        Ok(found.unwrap_or_default())
    }

    fn stale(&self) -> Result<u64> {
        Ok(self.family()?["stale"].as_u64().unwrap_or(0))
    }

    fn communities(&self) -> Result<String> {
        self.agent
            .ask(&["show", "routes", &routes()[0], "-o", "json"])
    }
}

fn restart(time: u16) -> Option<Restart> {
    Some(Restart {
        time,
        long_lived: None,
        again: false,
    })
}

const GRACEFUL: &str = "gracefulRestart: {enabled: true}";

fn a_restart_keeps_routes_until_they_have_come_again(kind: Kind) {
    matrix::tried(kind, &[Feature::Helper], || {
        lab::run(&format!("helper-{kind:?}"), |lab| {
            let mut case = Case::new(lab, kind, restart(60), &[GRACEFUL])?;
            let router = case.start()?;
            case.await_in_kernel(&routes())?;
            ensure!(case.stale()? == 0);
            case.kill(router)?;
            ensure!(case.stale()? == 3, "{}", case.family()?);
            let left = case.family()?["stale_seconds"].as_u64().unwrap_or(0);
            ensure!((50..=60).contains(&left), "{left} s");
            let status = case.agent.object("peers", "tor")?["status"].clone();
            let family = &status["routers"][0]["families"][0];
            ensure!(family["stale"] == 3, "{status}");
            let rows = case.agent.ask(&["show", "routes"])?;
            ensure!(rows.contains("s stale"), "{rows}");
            always("the kernel keeps all three", secs(2), || {
                let ours = case.in_kernel()?;
                Ok(Look::when(ours.len() == 3, || format!("{ours:?}")))
            })?;

            // It has one route less to tell when it is back.
            case.plan.announce.pop();
            if let Some(restart) = &mut case.plan.restart {
                restart.again = true;
            }
            let router = case.start()?;
            case.await_in_kernel(&routes()[..2])?;
            until("nothing is stale", secs(10), || {
                Ok(Look::when(case.stale()? == 0, || "some is".to_owned()))
            })?;
            let log = case.agent.log();
            ensure!(
                !log.contains("routes are not kept"),
                "they were flushed and learned anew: {log}"
            );
            drop(router);
            Ok(())
        });
    });
}

fn switched_off_the_routes_go_with_the_session(kind: Kind) {
    lab::run(&format!("helper-off-{kind:?}"), |lab| {
        let off = "gracefulRestart: {enabled: false}";
        let case = Case::new(lab, kind, restart(60), &[off])?;
        let router = case.start()?;
        case.await_in_kernel(&routes())?;
        case.kill(router)?;
        case.await_in_kernel(&[])?;
        ensure!(case.stale()? == 0);
        Ok(())
    });
}

#[test]
fn bird_restarts_and_its_routes_stay() {
    a_restart_keeps_routes_until_they_have_come_again(Kind::Bird);
}

#[test]
fn frr_restarts_and_its_routes_stay() {
    a_restart_keeps_routes_until_they_have_come_again(Kind::Frr);
}

#[test]
fn gobgp_restarts_and_its_routes_stay() {
    a_restart_keeps_routes_until_they_have_come_again(Kind::GoBgp);
}

#[test]
fn switched_off_nothing_is_kept() {
    switched_off_the_routes_go_with_the_session(Kind::Bird);
}

/// RFC 4724 §4.2: who is not back in its restart time loses its routes; and RFC 9494 §4.2: or it does not, yet, but they are the last
/// choice, and say so.
fn who_stays_away_is_waited_for_as_long_as_was_said(kind: Kind) {
    for long_lived in [false, true] {
        matrix::tried(kind, &[Feature::LongLived], || {
            lab::run(&format!("helper-away-{kind:?}-{long_lived}"), |lab| {
                let plan = Restart {
                    time: 4,
                    long_lived: Some(6),
                    again: false,
                };
                let lines: &[&str] = match long_lived {
                    true => &[GRACEFUL, "longLivedGracefulRestart: {enabled: true}"],
                    false => &[GRACEFUL],
                };
                let case = Case::new(lab, kind, Some(plan), lines)?;
                let router = case.start()?;
                case.await_in_kernel(&routes())?;
                case.kill(router)?;
                always("they stay for the restart time", secs(2), || {
                    let ours = case.in_kernel()?;
                    Ok(Look::when(ours.len() == 3, || format!("{ours:?}")))
                })?;
                ensure!(!case.communities()?.contains("llgr-stale"));
                if long_lived {
                    until("they are long-lived", secs(5), || {
                        let seen = case.communities()?;
                        Ok(Look::when(seen.contains("llgr-stale"), || seen))
                    })?;
                    until("the status says so", secs(5), || {
                        let family = case.family()?;
                        Ok(Look::when(family["long_lived"] == true, || {
                            family.to_string()
                        }))
                    })?;
                    ensure!(case.in_kernel()?.len() == 3);
                }
                case.await_in_kernel(&[])
            });
        });
    }
}

#[test]
fn bird_stays_away() {
    who_stays_away_is_waited_for_as_long_as_was_said(Kind::Bird);
}

#[test]
fn frr_stays_away() {
    who_stays_away_is_waited_for_as_long_as_was_said(Kind::Frr);
}

#[test]
fn gobgp_stays_away() {
    who_stays_away_is_waited_for_as_long_as_was_said(Kind::GoBgp);
}

/// A session that is shut down is not to come back: what waited for it goes.
#[test]
fn a_shutdown_ends_the_waiting() {
    lab::run("helper-shut", |lab| {
        let case = Case::new(lab, Kind::Bird, restart(60), &[GRACEFUL])?;
        let router = case.start()?;
        case.await_in_kernel(&routes())?;
        case.kill(router)?;
        ensure!(case.in_kernel()?.len() == 3);
        let shut = manifests::Peer::new("tor", "underlay", TOR_ASN, address(true, true))
            .with(GRACEFUL)
            .with("shutdown: {enabled: true}");
        case.agent.apply("tor", &shut.text())?;
        case.await_in_kernel(&[])
    });
}
