//! Manifests that cannot be carried out.

use anyhow::ensure;
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address};
use bgp_tests::manifests;
use bgp_tests::peers::Kind;
use bgp_tests::scenario::{NODE_ASN, PEER, Pair, TOR_ASN, Variant};
use bgp_tests::wait::{Look, secs, until};

#[test]
fn a_bad_manifest_leaves_everything_else_running_and_is_named() {
    lab::run("manifests", |lab| {
        let pair = Pair::converged(lab, Kind::Bird, Variant::default())?;
        let agent = &pair.agent;
        let since = agent.established_since(PEER)?;
        let tor = address(true, true);

        // Not YAML, not an object, not of the schema, not there.
        agent.apply("broken", "apiVersion: [unclosed\n  kind: {")?;
        agent.apply("list", "- just\n- a\n- list\n")?;
        let bad_peer = manifests::Peer::new("bad", "underlay", 65103, "fd00:12::66".parse()?);
        agent.apply("bad", &bad_peer.with("holdTime: 1s").text())?;
        let orphan =
            manifests::Peer::new("orphan", "no-such-router", 65103, "fd00:12::67".parse()?);
        agent.apply("orphan", &orphan.text())?;
        let locked = manifests::Peer::new("locked", "underlay", 65103, "fd00:12::68".parse()?);
        agent.apply(
            "locked",
            &locked.with("authSecretRef: {name: no-such-secret}").text(),
        )?;
        agent.await_condition(
            ("peers", "orphan"),
            "Accepted",
            ("False", "RouterNotFound"),
            secs(10),
        )?;
        agent.await_condition(
            ("peers", "locked"),
            "Accepted",
            ("False", "SecretNotFound"),
            secs(10),
        )?;
        for (file, word) in [
            ("broken.yaml", "broken.yaml"),
            ("list.yaml", "list.yaml"),
            ("bad.yaml", "holdTime"),
        ] {
            until(
                &format!("the log names {file} and {word}"),
                secs(10),
                || {
                    let log = agent.log();
                    let named = log.lines().any(|l| l.contains(file) && l.contains(word));
                    Ok(Look::when(named, || "it does not".into()))
                },
            )?;
        }

        // A good object that becomes bad keeps its last good state.
        let now_bad = manifests::Peer::new(PEER, "underlay", TOR_ASN, tor).with("holdTime: soon");
        agent.apply("peer", &now_bad.text())?;
        until("the log names peer.yaml", secs(10), || {
            let log = agent.log();
            let named = log
                .lines()
                .any(|l| l.contains("peer.yaml") && l.contains("holdTime"));
            Ok(Look::when(named, || "it does not".into()))
        })?;
        std::thread::sleep(secs(1));
        ensure!(
            agent.established_since(PEER)? == since,
            "the session was disturbed"
        );
        pair.await_everything()
    });
}

#[test]
fn what_is_not_there_yet_is_refused_by_name() {
    lab::run("notimplemented", |lab| {
        let net = NodeAndTor::new()?;
        let vpc = "apiVersion: vpc.miloapis.com/v1alpha1
kind: VPC
metadata: {name: tenant, namespace: default}
spec: {networks: [10.100.0.0/24]}
";
        let tor = address(true, true);
        let peer =
            manifests::Peer::new("peer", "underlay", TOR_ASN, tor).with("defaultOriginRoute: igp");
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            ("vpc", vpc.to_owned()),
            ("peer", peer.text()),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        agent.await_condition(
            ("peers", "peer"),
            "Accepted",
            ("False", "NotImplemented"),
            secs(10),
        )?;
        agent.await_condition(
            ("vpcs", "tenant"),
            "Accepted",
            ("False", "NotImplemented"),
            secs(10),
        )?;
        let told = agent.object("peers", "peer")?["status"].to_string();
        ensure!(
            told.contains("spec.defaultOriginRoute"),
            "the field is not named: {told}"
        );
        // And nothing is done about them.
        let peers = agent.json(&["show", "peers"])?;
        ensure!(peers == serde_json::json!([]), "{peers}");
        let links = net.node.ip("link show type vrf")?;
        ensure!(links.is_empty(), "{links}");
        agent.stop()
    });
}
