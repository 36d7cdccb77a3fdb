//! Manifests that change while the agent runs, or are refused.

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address};
use bgp_tests::manifests;
use bgp_tests::peers::{self, Kind, Plan};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, PEER, Pair, TOR_ASN, Variant};
use bgp_tests::wait::{Look, always, secs, until};

use crate::ip;

/// How often the session went down.
fn flaps(agent: &Agent) -> Result<i64> {
    let object = agent.object("peers", PEER)?;
    let flaps = object["status"]["routers"][0]["flaps"].as_i64();
    flaps.with_context(|| format!("no flaps in {object}"))
}

#[test]
fn what_is_refused_leaves_what_runs_and_is_told_once() {
    lab::run("refused", |lab| {
        let pair = Pair::converged(lab, Kind::Bird, Variant::default())?;
        let agent = &pair.agent;
        let stays = |kind: &str, name: &str, reason: &str| -> Result<()> {
            agent.await_condition((kind, name), "Accepted", ("False", reason), secs(10))?;
            let object = agent.object(kind, name)?.to_string();
            let told = "the last accepted spec (generation 1) is still in effect";
            ensure!(
                object.contains(told),
                "{name} does not say what stays: {object}"
            );
            Ok(())
        };
        let tor = address(true, true);
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, tor)
            .with("holdTime: 9s")
            .with("keepaliveTime: 3s");
        agent.apply("peer", &peer.clone().with("defaultOriginRoute: igp").text())?;
        stays("peers", PEER, "NotImplemented")?;
        let router = manifests::Router::new("underlay", 23456, "10.255.0.2");
        agent.apply("router", &router.text())?;
        stays("routers", "underlay", "InvalidASN")?;

        // An edit elsewhere tells nothing anew, and no secret is told at all.
        let secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\nstringData: [hunter2]\n";
        agent.apply("secret", secret)?;
        until("the summary names the secret's file", secs(10), || {
            let text = agent.ask(&["show", "summary"])?;
            Ok(Look::when(text.contains("secret.yaml: Secret/s"), || {
                text.clone()
            }))
        })?;
        let log = agent.log();
        let lines = log
            .lines()
            .filter(|line| line.contains("spec.defaultOriginRoute"));
        let lines: Vec<_> = lines.collect();
        ensure!(lines.len() == 1, "told {} times: {lines:#?}", lines.len());
        let said = [
            log,
            agent.ask(&["show", "summary"])?,
            agent.ask(&["get", "peers", "-o", "yaml"])?,
        ];
        ensure!(!said.concat().contains("hunter2"), "the secret is told");

        ensure!(flaps(agent)? == 0, "the session was disturbed");
        pair.await_everything()?;
        // Put right, it is said to be gone, once.
        agent.apply("peer", &peer.text())?;
        agent.await_condition(("peers", PEER), "Accepted", ("True", ""), secs(10))?;
        until("the log says that it is gone", secs(5), || {
            let log = agent.log();
            let mut lines = log.lines().filter(|l| l.contains("no longer so"));
            let told = lines.any(|line| line.contains("spec.defaultOriginRoute"));
            Ok(Look::when(told, || "it does not".into()))
        })?;
        ensure!(flaps(agent)? == 0, "the session was disturbed");
        // What is deleted goes.
        agent.delete("router")?;
        pair.await_down(secs(10))
    });
}

#[test]
fn when_only_the_time_limit_has_passed_the_log_says_who_is_missing() {
    lab::run("late", |lab| {
        let net = NodeAndTor::new()?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
        let refused = manifests::Peer::new("no-such-thing", "underlay", TOR_ASN, ip("fd00:12::77"));
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text();
        let documents = [
            (
                "router",
                router.replace("  - {afi: ipv4, safi: unicast}\n", ""),
            ),
            ("refused", refused.with("defaultOriginRoute: igp").text()),
            (
                "peer",
                peer.with("holdTime: 9s").with("keepaliveTime: 3s").text(),
            ),
        ];
        let more = ["--convergence-timeout", "3s"];
        let agent = Agent::start_with(lab, &net.node, &documents, &more)?;
        let is_there = |words: &str| agent.log().lines().any(|line| line.contains(words));
        until("the log names the peer", secs(10), || {
            let log = agent.log();
            let named = log.lines().any(|line| {
                line.contains("going on without")
                    && line.contains(PEER)
                    && line.contains("1 object is refused: BGPPeer/no-such-thing")
            });
            Ok(Look::when(named, || "it does not".into()))
        })?;
        ensure!(
            !is_there(": converged"),
            "it has not converged:\n{}",
            agent.log()
        );
        let plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        let _tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        until("the log says that it has converged", secs(20), || {
            // The refused peer is no reason to wait, and must not be forgotten.
            let words = ": converged, but 1 object is refused: BGPPeer/no-such-thing;";
            Ok(Look::when(is_there(words), || agent.log()))
        })?;

        let routers = agent.json(&["show", "summary"])?["routers"].clone();
        let tables = routers[0]["tables"].as_array().map_or(0, Vec::len);
        ensure!(
            tables == 1,
            "a router with one family has one table: {routers}"
        );

        // With the one good peer gone, who looks for sessions hears of the refused one.
        agent.delete("peer")?;
        until("`show peers` tells of what is refused", secs(10), || {
            let text = agent.ask(&["show", "peers"])?;
            let told = text.contains("No session runs here.\n1 BGPPeer of the manifests cannot");
            Ok(Look::when(told, || text.clone()))
        })?;
        agent.stop()
    });
}

#[test]
fn a_change_of_a_manifest_takes_effect_while_it_runs() {
    lab::run("changes", |lab| {
        let pair = Pair::converged(lab, Kind::Bird, Variant::default())?;
        let agent = &pair.agent;

        // An object more, an object changed, an object gone.
        let more = ["2001:db8:1ff::/48".to_owned()];
        agent.apply(
            "more",
            &manifests::advertisement("more", "underlay", true, &more),
        )?;
        let mut wanted = prefixes(Party::Node, true, 1000);
        wanted.push(more[0].clone());
        pair.await_peer_has(&wanted, secs(10))?;
        agent.await_condition(
            ("advertisements", "more"),
            "Advertised",
            ("True", ""),
            secs(10),
        )?;
        let other = ["2001:db8:1fe::/48".to_owned()];
        agent.apply(
            "more",
            &manifests::advertisement("more", "underlay", true, &other),
        )?;
        wanted.pop();
        wanted.push(other[0].clone());
        pair.await_peer_has(&wanted, secs(10))?;
        agent.delete("more")?;
        wanted.pop();
        pair.await_peer_has(&wanted, secs(10))?;

        // A description does not reset the session; the same peer is up all the time.
        let tor = address(true, true);
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, tor)
            .with("holdTime: 9s")
            .with("keepaliveTime: 3s");
        agent.apply(
            "peer",
            &peer.clone().with("description: the one above").text(),
        )?;
        until("the description is read", secs(10), || {
            let peer = agent.object("peers", PEER)?;
            let read = peer["spec"]["description"] == "the one above";
            Ok(Look::when(read, || peer.to_string()))
        })?;
        always("the session stays up", secs(2), || {
            let state = agent.session_state(PEER)?;
            Ok(Look::when(state == "Established", || state))
        })?;
        ensure!(
            flaps(agent)? == 0,
            "the session was reset for a description"
        );

        // The peer goes, with its routes; it comes back, with them.
        agent.delete("peer")?;
        pair.await_kernel(&[], secs(10))?;
        agent.apply("peer", &peer.text())?;
        pair.await_established()?;
        pair.await_everything()
    });
}

#[test]
fn an_administrative_shutdown_says_its_text_and_takes_the_routes() {
    lab::run("shutdown", |lab| {
        let variant = Variant {
            agent_passive: true,
            ..Variant::default()
        };
        let pair = Pair::converged(lab, Kind::Bird, variant)?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true))
            .with("holdTime: 9s")
            .with("keepaliveTime: 3s")
            .with("passive: true")
            .with("shutdown: {enabled: true, message: back at noon}");
        pair.agent.apply("peer", &peer.text())?;
        pair.await_down(secs(10))?;
        pair.await_kernel(&[], secs(10))?;
        // When the session ends, and again whenever it dials: its log is read when somebody misses the session.
        until("BIRD hears the text again and again", secs(30), || {
            let heard = std::fs::read_to_string(lab.directory().join("tor/bird.log"))?;
            let times = heard.matches("back at noon").count();
            Ok(Look::when(times >= 3, || heard))
        })?;
        let heard = std::fs::read_to_string(lab.directory().join("tor/bird.log"))?;
        ensure!(!heard.contains("rejected"), "{heard}");
        Ok(())
    });
}
