//! TTL security (RFC 5082) on both sides of a link, whoever connects. The connecting side's kernel drops every segment that did
//! not start with 255, the answer to its SYN included: FRR demands that before it connects, BIRD right after.

use anyhow::Context;
use bgp_tests::lab;
use bgp_tests::matrix::{self, Feature};
use bgp_tests::peers::Kind;
use bgp_tests::scenario::{PEER, Pair, Variant, documents};
use bgp_tests::wait::{Look, always, secs};

fn comes_up(kind: Kind, agent_passive: bool) {
    for v4 in [false, true] {
        let variant = Variant {
            v4,
            agent_passive,
            ttl_security: true,
            ..Variant::default()
        };
        matrix::tried(kind, &[Feature::TtlSecurity], || {
            lab::run("ttl", |lab| Pair::converged(lab, kind, variant).map(drop));
        });
    }
}

/// BIRD's segments start with 1: from further away than the agent demands, for all it can tell.
fn is_not_heard(agent_passive: bool) {
    for v4 in [false, true] {
        let variant = Variant {
            v4,
            agent_passive,
            ..Variant::default()
        };
        lab::run("ttlfar", |lab| {
            let pair = Pair::converged(lab, Kind::Bird, variant)?;
            let documents = documents(variant, 0);
            let (_, peer) = documents
                .iter()
                .find(|(name, _)| name == "peer")
                .context("no peer")?;
            let agent = &pair.agent;
            agent.apply("peer", &format!("{peer}  ttlSecurity: 1\n"))?;
            pair.await_down(secs(5))?;
            // Both sides try again every second or two.
            always("there is no session", secs(5), || {
                let state = agent.session_state(PEER)?;
                Ok(Look::when(state != "Established", || state))
            })?;
            agent.apply("peer", peer)?;
            pair.await_established()
        });
    }
}

#[test]
fn who_connects_without_it_is_not_heard() {
    is_not_heard(true);
}

#[test]
fn who_is_connected_to_without_it_is_not_heard() {
    is_not_heard(false);
}

#[test]
fn frr_connects_to_the_agent() {
    comes_up(Kind::Frr, true);
}

#[test]
fn the_agent_connects_to_frr() {
    comes_up(Kind::Frr, false);
}

#[test]
fn bird_connects_to_the_agent() {
    comes_up(Kind::Bird, true);
}

#[test]
fn the_agent_connects_to_bird() {
    comes_up(Kind::Bird, false);
}
