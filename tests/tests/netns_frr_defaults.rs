//! FRR with what it does when nobody says anything of graceful restart: it sends End-of-RIB, and answers a request for its routes,
//! only to who has the capability too (RFC 4724 section 3).

use anyhow::{Context, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address};
use bgp_tests::manifests;
use bgp_tests::peers::{self, Kind, Plan};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, always, secs, until};

#[test]
fn frr_tells_the_end_of_its_table_and_answers_requests() {
    lab::run("frrdefaults", |lab| {
        let net = NodeAndTor::new()?;
        let folder = lab.subdirectory("tor")?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = prefixes(Party::Tor, true, 3);
        let _frr = peers::start(Kind::Frr, &net.tor, &folder, &plan)?;
        let tor = manifests::Peer::new("tor", "underlay", TOR_ASN, address(true, true));
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let documents = [("router", router.text()), ("tor", tor.text())];
        let agent = Agent::start(lab, &net.node, &documents)?;
        agent.await_state("tor", "Established", secs(30))?;
        // The limit is a minute.
        until("/readyz says converged", secs(15), || {
            let (status, body) = net.node.http_get(agent.health(), "/readyz")?;
            let is = status == 200 && body.contains("ready: converged");
            Ok(Look::when(is, || format!("{status}: {body}")))
        })?;
        let shown = || agent.json(&["show", "peer", "tor"]);
        let families = shown()?["families"].clone();
        let told = |family: &serde_json::Value| family["end_of_rib_received"] == true;
        let families = families.as_array().context("no families")?;
        ensure!(families.iter().all(told), "{families:?}");
        // It keeps nothing over a restart, and is not said to.
        ensure!(
            shown()?["negotiated"]
                .get("graceful_restart_seconds")
                .is_none()
        );

        // What octets were dropped of can only be told again. The answer begins and ends with a message of the kind (RFC 7313 section 4.1).
        agent.apply("tor", &tor.with("enforceFirstAS: false").text())?;
        until("FRR has told its routes again", secs(15), || {
            let peer = shown()?;
            let (asked, said) = (&peer["sent"], &peer["received"]);
            let count = |of: &serde_json::Value| of["route_refresh"].as_u64().unwrap_or(0);
            let is = count(asked) > 0 && count(said) >= 2 * count(asked);
            Ok(Look::when(is, || format!("asked {asked}, said {said}")))
        })?;
        always("the session stays", secs(1), || {
            let peer = shown()?;
            ensure!(
                peer["state"] == "Established" && peer["flaps"] == 0,
                "{peer}"
            );
            Ok(Look::Done(()))
        })
    });
}
