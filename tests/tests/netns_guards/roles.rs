//! `role` and `roleStrict` (RFC 9234).

use anyhow::{Context, Result, ensure};
use bgp_tests::lab;
use bgp_tests::matrix::{self, Feature};
use bgp_tests::peers::Kind;
use bgp_tests::raw::RawPeer;
use bgp_tests::wait::{Look, secs, until};

use crate::chain::{Chain, SOURCE_ASN, prefix, update};

/// Only to Customer (RFC 9234 section 5): optional, transitive, code 35, four octets.
fn only_to_customer(asn: u32) -> Vec<u8> {
    [&[0xc0, 35, 4][..], &asn.to_be_bytes()].concat()
}

/// Three routes: without the attribute, with the AS of the neighbour itself in it, with that of another.
fn tell(raw: &mut RawPeer) -> Result<()> {
    for (n, more) in [
        (1, Vec::new()),
        (2, only_to_customer(SOURCE_ASN)),
        (3, only_to_customer(64_999)),
    ] {
        raw.send(&update(n, &[SOURCE_ASN], &more))?;
    }
    Ok(())
}

#[test]
fn routes_are_marked_and_kept_back_as_the_roles_say() {
    matrix::tried(Kind::Bird, &[Feature::Roles], || {
        lab::run("roles", |lab| {
            // BIRD has no role itself, and so shows the attribute as it came.
            let chain = Chain::start(lab, |_| {})?;
            chain.agent.await_state("tor", "Established", secs(20))?;
            let mut raw = chain.connect_source()?;
            tell(&mut raw)?;
            let (none, source, other) = (Some(""), Some("3320"), Some("64999"));
            let ours = Some("65201");
            let is = |what: &str, first, second, third| {
                let wanted = [(1, first), (2, second), (3, third)];
                chain.await_at_bird(what, "BGP.otc", &wanted)
            };
            is("without any role", none, source, other)?;

            // What goes to BIRD. Section 5: to customers it is marked with our AS, to providers and peers it does not go if it is marked.
            // (Route servers are as providers, their clients as customers.)
            for (role, first, second, third) in [
                ("provider", ours, source, other),
                ("customer", none, None, None),
                ("peer", ours, None, None),
            ] {
                let tor = chain.tor.clone().with(&format!("role: {role}"));
                chain.agent.apply("tor", &tor.text())?;
                is(&format!("as BIRD's {role}"), first, second, third)?;
            }
            let why = chain.agent.json(&["explain", &prefix(2)])?.to_string();
            ensure!(why.contains("Only to Customer"), "{why}");
            chain.agent.apply("tor", &chain.tor.text())?;
            is("without any role again", none, source, other)?;

            // What comes from the source. Section 5: from providers and peers it is marked with their AS, from customers it is a leak if it
            // is marked, from peers if it is by another.
            for (role, first, second, third) in [
                ("customer", source, source, other),
                ("provider", none, None, None),
                ("peer", source, source, None),
            ] {
                let peer = chain.source.clone().with(&format!("role: {role}"));
                chain.agent.apply("source", &peer.text())?;
                // The role is said in OPEN: Cease/Other Configuration Change (RFC 4486), and a new session.
                let ended = raw.await_notification(secs(10))?;
                ensure!(ended == (6, 6), "{ended:?}");
                raw = chain.connect_source()?;
                tell(&mut raw)?;
                is(&format!("as the source's {role}"), first, second, third)?;
            }
            for words in [&["show", "routes"][..], &["explain", &prefix(3)]] {
                let said = chain.agent.json(words)?.to_string();
                ensure!(said.contains("\"route-leak\""), "{said}");
            }
            chain.agent.stop()
        });
    });
}

#[test]
fn only_roles_that_go_together_come_to_a_session() {
    matrix::tried(Kind::Bird, &[Feature::Roles], || {
        lab::run("rolesopen", |lab| {
            let chain = Chain::start(lab, |plan| plan.role = Some("customer"))?;
            let agent = &chain.agent;
            // Without the field nothing is said of roles, and nothing asked.
            agent.await_state("tor", "Established", secs(20))?;
            let said = chain.ask_bird("show protocols all cosmos")?;
            let (_, neighbor) = said
                .split_once("Neighbor capabilities")
                .context("no capabilities")?;
            ensure!(!neighbor.contains("Role:"), "{said}");

            // RFC 9234 section 4.2, table 2: a customer's counterpart is a provider.
            agent.apply("tor", &chain.tor.clone().with("role: customer").text())?;
            until("the session is refused", secs(20), || {
                let shown = agent.json(&["show", "peer", "tor"])?.to_string();
                let refused = shown.contains("which does not go with our role, Customer");
                Ok(Look::when(refused, || shown))
            })?;
            ensure!(chain.bird_state()? != "Established", "BIRD has a session");

            agent.apply("tor", &chain.tor.clone().with("role: provider").text())?;
            agent.await_state("tor", "Established", secs(20))?;
            let said = chain.ask_bird("show protocols all cosmos")?;
            let (_, neighbor) = said
                .split_once("Neighbor capabilities")
                .context("no capabilities")?;
            ensure!(neighbor.contains("Role: provider"), "{said}");
            chain.agent.stop()
        });
    });
}

#[test]
fn a_neighbor_without_a_role_is_refused_only_in_strict_mode() {
    lab::run("rolestrict", |lab| {
        let chain = Chain::start(lab, |_| {})?;
        let agent = &chain.agent;
        let lenient = chain.tor.clone().with("role: provider");
        agent.apply("tor", &lenient.text())?;
        agent.await_state("tor", "Established", secs(20))?;
        agent.apply("tor", &lenient.clone().with("roleStrict: true").text())?;
        until("the session is refused", secs(20), || {
            let shown = agent.json(&["show", "peer", "tor"])?.to_string();
            let refused = shown.contains("the peer says no role, and we are Provider");
            Ok(Look::when(refused, || shown))
        })?;
        ensure!(chain.bird_state()? != "Established", "BIRD has a session");
        agent.apply("tor", &lenient.text())?;
        agent.await_state("tor", "Established", secs(20))?;
        chain.agent.stop()
    });
}
