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
            // The session is not reset: it has its hold time, for the other end to follow.
            let since = agent.established_since(PEER)?;
            agent.apply("peer", &format!("{peer}  ttlSecurity: 1\n"))?;
            always("the session waits", secs(3), || {
                let now = agent.established_since(PEER)?;
                Ok(Look::when(now == since, || now))
            })?;
            pair.await_down(secs(15))?;
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

/// BIRD demands 255 and sends it, whatever the agent does.
#[test]
fn a_session_goes_on_with_another_ttl() {
    for v4 in [false, true] {
        let variant = Variant {
            v4,
            ttl_security: true,
            ..Variant::default()
        };
        lab::run("ttlchange", |lab| {
            let pair = Pair::converged(lab, Kind::Bird, variant)?;
            let documents = documents(variant, 0);
            let of_peer = documents.iter().find(|(name, _)| name == "peer");
            let (_, peer) = of_peer.context("no peer")?;
            let agent = &pair.agent;
            let since = agent.established_since(PEER)?;
            // 255 goes out by either, and at last nothing less is taken again; the hold time of 9 s is over meanwhile.
            let without = peer.replace("ttlSecurity: 1", "ebgpMultihop: 255");
            for text in [&without, peer] {
                agent.apply("peer", text)?;
                always("the session stays", secs(10), || {
                    let now = agent.established_since(PEER)?;
                    Ok(Look::when(now == since, || now))
                })?;
            }
            pair.await_everything()
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
fn gobgp_connects_to_the_agent() {
    comes_up(Kind::GoBgp, true);
}

#[test]
fn the_agent_connects_to_gobgp() {
    comes_up(Kind::GoBgp, false);
}

#[test]
fn openbgpd_connects_to_the_agent() {
    comes_up(Kind::OpenBgpd, true);
}

#[test]
fn the_agent_connects_to_openbgpd() {
    comes_up(Kind::OpenBgpd, false);
}

/// It answers SYNs with the TTL of any socket, so that it has to be the one that connects.
#[test]
fn exabgp_connects_to_the_agent() {
    comes_up(Kind::ExaBgp, true);
}

#[test]
fn bird_connects_to_the_agent() {
    comes_up(Kind::Bird, true);
}

#[test]
fn the_agent_connects_to_bird() {
    comes_up(Kind::Bird, false);
}
