//! Roles (RFC 9234) between the agent and real routers that have them: said in both OPENs, refused where they do not go together, and
//! kept to by the attribute Only to Customer. What the agent makes of each role is netns_guards.

use anyhow::ensure;
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address};
use bgp_tests::manifests;
use bgp_tests::matrix::{self, Feature};
use bgp_tests::peers::{self, Kind, Plan};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, PEER, TOR_ASN};
use bgp_tests::wait::{Look, secs, until};

fn a_provider(kind: Kind) {
    matrix::tried(kind, &[Feature::Roles], || {
        lab::run(&format!("roles-{kind:?}"), |lab| {
            let net = NodeAndTor::new()?;
            let mut plan = Plan::new(
                (TOR_ASN, address(true, true)),
                (NODE_ASN, address(false, true)),
            );
            plan.role = Some("provider");
            plan.announce = prefixes(Party::Tor, true, 3);
            let router = peers::start(kind, &net.tor, &lab.subdirectory("tor")?, &plan)?;
            let underlay = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
            let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
            // A provider of a provider. RFC 9234 §4.2, table 2: a customer's counterpart is a provider.
            let wrong = peer.clone().with("role: provider").text();
            let documents = [("router", underlay.text()), ("peer", wrong)];
            let agent = Agent::start(lab, &net.node, &documents)?;
            until("one of both refuses", secs(30), || {
                let shown = agent.json(&["show", "peer", PEER])?.to_string();
                // Ours is 2/11 as well, whoever is the first to read the other's OPEN.
                let refused = shown.contains("does not go with our role, Provider")
                    || shown.to_lowercase().contains("role mismatch");
                Ok(Look::when(refused, || shown))
            })?;
            ensure!(router.state()? != "Established", "it has a session");

            // Strict: it has to say its role.
            let right = peer.with("role: customer").with("roleStrict: true");
            agent.apply("peer", &right.text())?;
            agent.await_state(PEER, "Established", secs(40))?;
            let route = &plan.announce[0];
            until("routes of a provider are marked", secs(20), || {
                let seen = agent.ask(&["show", "routes", route, "-o", "json"])?;
                let marked = seen.contains(&format!("only-to-customer {TOR_ASN}"));
                Ok(Look::when(marked, || seen))
            })?;
            drop(router);
            agent.stop()
        });
    });
}

#[test]
fn bird_is_our_provider() {
    a_provider(Kind::Bird);
}

#[test]
fn frr_is_our_provider() {
    a_provider(Kind::Frr);
}

#[test]
fn openbgpd_is_our_provider() {
    a_provider(Kind::OpenBgpd);
}
