//! TTL security (RFC 5082) on both sides of a link, whoever connects. The connecting side's kernel drops every segment that did
//! not start with 255, the answer to its SYN included: FRR demands that before it connects, BIRD right after.

use bgp_tests::lab;
use bgp_tests::peers::Kind;
use bgp_tests::scenario::{Pair, Variant};

fn comes_up(kind: Kind, agent_passive: bool) {
    for v4 in [false, true] {
        let variant = Variant {
            v4,
            agent_passive,
            ttl_security: true,
            ..Variant::default()
        };
        lab::run("ttl", |lab| Pair::converged(lab, kind, variant).map(drop));
    }
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
