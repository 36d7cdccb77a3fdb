//! `gracefulShutdown` of BGPPeer and BGPRouter (RFC 8326), and what is done about a neighbour that says it.

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::scenario::NODE_ASN;
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{lab, manifests};

use crate::chain::{Chain, SOURCE_ASN, prefix, update};

/// COMMUNITIES (RFC 1997) with GRACEFUL_SHUTDOWN, 65535:0.
const TAG: [u8; 7] = [0xc0, 8, 4, 0xff, 0xff, 0, 0];

fn ensure_undisturbed(agent: &Agent, peers: &[&str]) -> Result<()> {
    for name in peers {
        let object = agent.object("peers", name)?;
        let flaps = object["status"]["routers"][0]["flaps"].as_i64();
        ensure!(flaps == Some(0), "{name} was disturbed: {flaps:?}");
    }
    Ok(())
}

#[test]
fn routes_of_a_session_that_is_to_end_are_tagged_without_a_reset() {
    lab::run("gshut", |lab| {
        let chain = Chain::start(lab, |_| {})?;
        let agent = &chain.agent;
        agent.await_state("tor", "Established", secs(20))?;
        let mut raw = chain.connect_source()?;
        raw.send(&update(1, &[SOURCE_ASN], &[]))?;
        let (plain, tagged) = (Some(""), Some("(65535,0)"));
        let is = |what: &str, wanted| chain.await_at_bird(what, "BGP.community", &[(1, wanted)]);
        is("without the field", plain)?;
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let tor = chain.tor.clone();
        for _ in 0..2 {
            agent.apply("tor", &tor.clone().with("gracefulShutdown: true").text())?;
            is("of a peer", tagged)?;
            agent.apply("tor", &tor.text())?;
            is("of no peer", plain)?;
            let all = router.clone().with("gracefulShutdown: true");
            agent.apply("router", &all.text())?;
            is("of the router", tagged)?;
            agent.apply("router", &router.text())?;
            is("of nobody", plain)?;
        }
        ensure_undisturbed(agent, &["tor", "source"])?;
        chain.agent.stop()
    });
}

#[test]
fn within_the_as_the_local_preference_of_such_routes_is_0() {
    lab::run("gshutibgp", |lab| {
        let chain = Chain::start(lab, |plan| plan.asn = NODE_ASN)?;
        let agent = &chain.agent;
        agent.await_state("tor", "Established", secs(20))?;
        let mut raw = chain.connect_source()?;
        raw.send(&update(1, &[SOURCE_ASN], &[]))?;
        let is =
            |what: &str, wanted| chain.await_at_bird(what, "BGP.local_pref", &[(1, Some(wanted))]);
        is("without the field", "100")?;
        let field = "gracefulShutdown: true";
        agent.apply("tor", &chain.tor.clone().with(field).text())?;
        is("with the field", "0")?;
        agent.apply("tor", &chain.tor.text())?;
        is("without the field again", "100")?;

        // A neighbour that is about to go says so itself (section 4.1).
        raw.send(&update(1, &[SOURCE_ASN], &TAG))?;
        is("of a route that is about to go", "0")?;
        raw.send(&update(1, &[SOURCE_ASN], &[]))?;
        is("of one that stays", "100")?;

        // What comes over a session that we end: the neighbour is asked for its routes again.
        agent.apply("source", &chain.source.clone().with(field).text())?;
        raw.await_kind(5, secs(10))?;
        raw.send(&update(1, &[SOURCE_ASN], &[]))?;
        is("of a route over a session that ends", "0")?;
        let rows = agent.json(&["explain", &prefix(1)])?.to_string();
        ensure!(rows.contains("graceful-shutdown"), "{rows}");
        ensure!(rows.contains("as it is about to go (RFC 8326)"), "{rows}");
        agent.apply("source", &chain.source.text())?;
        raw.await_kind(5, secs(10))?;
        raw.send(&update(1, &[SOURCE_ASN], &[]))?;
        is("of one over a session that stays", "100")?;
        ensure_undisturbed(agent, &["tor", "source"])?;
        chain.agent.stop()
    });
}

#[test]
fn traffic_moves_to_another_neighbor_before_the_session_ends() {
    lab::run("gshutmoves", |lab| {
        // BIRD and the other one both announce 2001:db8:1::/48; the path of BIRD is the shorter one.
        let chain = Chain::start(lab, |plan| plan.announce = vec![prefix(1)])?;
        let agent = &chain.agent;
        agent.await_state("tor", "Established", secs(20))?;
        let mut raw = chain.connect_source()?;
        raw.send(&update(1, &[SOURCE_ASN, SOURCE_ASN], &[]))?;
        let best = |what: &str, wanted: &str| {
            until(
                &format!("the best path {what} is of {wanted}"),
                secs(20),
                || {
                    let rows = agent.json(&["show", "routes", &prefix(1), "--best"])?;
                    let rows = rows.as_array().cloned().unwrap_or_else(|| vec![rows]);
                    let is = rows.len() == 1 && rows[0]["peer"] == wanted;
                    Ok(Look::when(is, || format!("{rows:?}")))
                },
            )
        };
        best("without the field", "tor")?;
        let field = "gracefulShutdown: true";
        agent.apply("tor", &chain.tor.clone().with(field).text())?;
        best("with the field", "source")?;
        agent.apply("tor", &chain.tor.text())?;
        best("without the field again", "tor")?;
        ensure_undisturbed(agent, &["tor", "source"])?;
        chain.agent.stop()
    });
}

#[test]
fn a_neighbor_that_cannot_send_its_routes_again_is_not_reset() {
    lab::run("gshutonce", |lab| {
        let chain = Chain::start(lab, |plan| plan.asn = NODE_ASN)?;
        let agent = &chain.agent;
        agent.await_state("tor", "Established", secs(20))?;
        let mut raw = chain.connect_source_without_refresh()?;
        raw.send(&update(1, &[SOURCE_ASN], &[]))?;
        let is =
            |what: &str, wanted| chain.await_at_bird(what, "BGP.local_pref", &[(1, Some(wanted))]);
        is("without the field", "100")?;
        let field = chain.source.clone().with("gracefulShutdown: true");
        for _ in 0..2 {
            agent.apply("source", &field.text())?;
            is("with the field", "0")?;
            agent.apply("source", &chain.source.text())?;
            is("without the field again", "100")?;
        }
        ensure_undisturbed(agent, &["tor", "source"])?;
        chain.agent.stop()
    });
}
