//! TCP-AO (RFC 5925) with BIRD 3: `make vm` runs these in a virtual machine, as hardly any kernel has it.

use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::netns::Namespace;
use bgp_tests::peers::{self, AoKey, Kind, Plan, Router};
use bgp_tests::scenario::{NODE_ASN, PEER, TOR_ASN};
use bgp_tests::wait::{Look, always, secs, until};
use bgp_tests::{kernel, manifests};

const UP: std::time::Duration = secs(30);

/// A key as both ends have it: its IDs at the agent, the algorithm in the words of each, and the secret.
#[derive(Clone, Copy)]
struct Key {
    send: u8,
    recv: u8,
    algorithm: (&'static str, &'static str),
    secret: &'static str,
}

const SHA1: (&str, &str) = ("hmac-sha1", "hmac sha1");
const CMAC: (&str, &str) = ("aes-128-cmac", "cmac aes128");
const SHA256: (&str, &str) = ("hmac-sha256", "hmac sha256");

const ONE: Key = Key {
    send: 1,
    recv: 11,
    algorithm: SHA1,
    secret: "correct-horse",
};
const TWO: Key = Key {
    send: 2,
    recv: 12,
    algorithm: CMAC,
    secret: "battery-staple",
};
const THREE: Key = Key {
    send: 3,
    recv: 13,
    algorithm: SHA256,
    secret: "sixteen-octets--",
};

/// The agent's peer with these keys, the first of them preferred.
fn peer(remote: IpAddr, keys: &[Key], more: &[&str]) -> String {
    let mut peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, remote)
        .with("holdTime: 9s")
        .with("keepaliveTime: 1s");
    for line in more {
        peer = peer.with(line);
    }
    if !keys.is_empty() {
        peer = peer.with("tcpAO:").with("  keys:");
    }
    for (n, key) in keys.iter().enumerate() {
        let Key {
            send,
            recv,
            algorithm: (algorithm, _),
            ..
        } = key;
        let preferred = if n == 0 { ", preferred: true" } else { "" };
        peer = peer.with(&format!(
            "  - {{sendID: {send}, recvID: {recv}, algorithm: {algorithm}, secretRef: {{name: keys, key: k{send}}}{preferred}}}"
        ));
    }
    peer.text()
}

/// The Secret of these keys.
fn secret(keys: &[Key]) -> String {
    let data: String = keys
        .iter()
        .map(|key| format!("  k{}: \"{}\"\n", key.send, key.secret))
        .collect();
    format!(
        "apiVersion: v1\nkind: Secret\nmetadata: {{name: keys, namespace: default}}\nstringData:\n{data}"
    )
}

/// The same keys at the other end, the first of them preferred.
fn of_bird(keys: &[Key]) -> Vec<AoKey> {
    let keys = keys.iter().enumerate();
    keys.map(|(n, key)| AoKey {
        send: key.recv,
        recv: key.send,
        algorithm: key.algorithm.1,
        secret: key.secret.to_owned(),
        preferred: n == 0,
    })
    .collect()
}

/// The agent and BIRD, who connect to each other or one to the other.
struct Pair {
    net: NodeAndTor,
    agent: Agent,
    bird: Box<dyn Router>,
    v6: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Connects {
    Agent,
    Bird,
    Both,
}

const ANNOUNCED: [&str; 2] = ["2001:db8:7::/48", "203.0.113.0/24"];

impl Pair {
    fn start(lab: &Lab, v6: bool, who: Connects, ours: &[Key], birds: &[Key]) -> Result<Self> {
        let net = NodeAndTor::new()?;
        let (node, tor) = (address(false, v6), address(true, v6));
        let mut plan = Plan::new((TOR_ASN, tor), (NODE_ASN, node));
        plan.announce = vec![ANNOUNCED[usize::from(!v6)].to_owned()];
        plan.passive = who == Connects::Agent;
        plan.keys = of_bird(birds);
        let bird = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let passive: &[&str] = match who {
            Connects::Bird => &["passive: true"],
            _ => &[],
        };
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            ("secret", secret(&[ONE, TWO, THREE])),
            ("peer", peer(tor, ours, passive)),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        Ok(Self {
            net,
            agent,
            bird,
            v6,
        })
    }

    fn up(lab: &Lab, v6: bool, who: Connects, keys: &[Key]) -> Result<Self> {
        let pair = Self::start(lab, v6, who, keys, keys)?;
        pair.await_up()?;
        Ok(pair)
    }

    /// The session is up, and what BIRD tells is in the kernel.
    fn await_up(&self) -> Result<()> {
        self.agent.await_state(PEER, "Established", UP)?;
        until("the route of BIRD is there", secs(10), || {
            let routes = kernel::ours(&self.net.node, self.v6)?;
            Ok(Look::when(routes.len() == 1, || format!("{routes:?}")))
        })?;
        Ok(())
    }

    fn stays_down(&self) -> Result<()> {
        always("there is no session", secs(5), || {
            let state = self.agent.session_state(PEER)?;
            Ok(Look::when(state != "Established", || state))
        })
    }

    fn apply(&self, keys: &[Key]) -> Result<()> {
        self.agent
            .apply("peer", &peer(address(true, self.v6), keys, &[]))
    }

    /// Waits until the agent signs with the one key and asks for the other, by their IDs at the agent.
    fn await_use(&self, signs: Key, asks: Key) -> Result<()> {
        until("the keys in use are these", secs(10), || {
            let seen = self.agent.json(&["show", "peer", PEER])?["tcp_ao"].clone();
            let holds = seen["signing"] == signs.send && seen["asking"] == asks.recv;
            Ok(Look::when(holds, || seen.to_string()))
        })?;
        Ok(())
    }

    fn log_says(&self, text: &str) -> Result<()> {
        until(&format!("the log says {text:?}"), secs(5), || {
            Ok(Look::when(self.agent.log().contains(text), || {
                "not yet".to_owned()
            }))
        })?;
        Ok(())
    }
}

#[test]
#[ignore = "takes a kernel with TCP-AO: make vm"]
fn sessions_come_up_with_each_algorithm_in_both_families_whoever_connects() {
    for (v6, who, key) in [
        (true, Connects::Agent, ONE),
        (false, Connects::Bird, ONE),
        (false, Connects::Agent, TWO),
        (true, Connects::Bird, TWO),
        (true, Connects::Both, THREE),
        (false, Connects::Both, THREE),
    ] {
        lab::run("ao-up", |lab| Pair::up(lab, v6, who, &[key]).map(drop));
    }
}

/// Keys go with link-local addresses as with others.
#[test]
#[ignore = "takes a kernel with TCP-AO: make vm"]
fn a_neighbour_by_interface_is_signed_whoever_connects() {
    for who in [Connects::Agent, Connects::Bird] {
        lab::run("ao-interface", |lab| {
            let (node, tor) = (Namespace::new("node")?, Namespace::new("tor")?);
            node.veth("up0", &tor, "down0")?;
            let (here, there) = ("fe80::a".parse()?, "fe80::b".parse()?);
            for (namespace, device, own) in [(&node, "up0", here), (&tor, "down0", there)] {
                // In place of the one that the kernel has made.
                namespace.ip(&format!("address flush dev {device} scope link"))?;
                namespace.address(device, own, 64)?;
            }
            let mut plan = Plan::new((TOR_ASN, there), (NODE_ASN, here));
            plan.interfaces = vec!["down0"];
            plan.announce = vec![ANNOUNCED[0].to_owned()];
            plan.passive = who == Connects::Agent;
            plan.keys = of_bird(&[ONE]);
            let _bird = peers::start(Kind::Bird, &tor, &lab.subdirectory("tor")?, &plan)?;
            let passive: &[&str] = match who {
                Connects::Bird => &["passive: true"],
                _ => &[],
            };
            let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
            let peer = peer(there, &[ONE], passive);
            let peer = peer.replace(&format!("address: \"{there}\""), "interface: up0");
            let documents = [
                ("router", router.text()),
                ("secret", secret(&[ONE])),
                ("peer", peer),
            ];
            let agent = Agent::start(lab, &node, &documents)?;
            agent.await_state(PEER, "Established", UP)?;
            until("the key signs", secs(10), || {
                let seen = agent.json(&["show", "peer", PEER])?;
                let so = seen["tcp_ao"]["signing"] == ONE.send
                    && seen["interface"]["neighbour"] == format!("{there}%up0");
                Ok(Look::when(so, || seen.to_string()))
            })?;
            agent.stop()
        });
    }
}

#[test]
#[ignore = "takes a kernel with TCP-AO: make vm"]
fn another_secret_another_algorithm_or_none_is_no_session() {
    let other_secret = Key {
        secret: "correct-horsf",
        ..ONE
    };
    let other_algorithm = Key {
        algorithm: CMAC,
        ..ONE
    };
    let other_id = Key { send: 9, ..ONE };
    for (ours, birds) in [
        (&[ONE][..], &[other_secret][..]),
        (&[ONE], &[other_algorithm]),
        (&[ONE], &[other_id]),
        (&[ONE], &[]),
        (&[], &[ONE]),
    ] {
        for v6 in [true, false] {
            lab::run("ao-wrong", |lab| {
                let pair = Pair::start(lab, v6, Connects::Both, ours, birds)?;
                pair.stays_down()
            });
        }
    }
}

/// One key for another, in the steps that docs/reference/tcp-ao.md gives, each end after the other.
#[test]
#[ignore = "takes a kernel with TCP-AO: make vm"]
fn keys_are_changed_under_a_session_that_stays() {
    for (v6, who) in [(true, Connects::Agent), (false, Connects::Bird)] {
        lab::run("ao-rollover", |lab| {
            let mut pair = Pair::up(lab, v6, who, &[ONE])?;
            let since = pair.agent.established_since(PEER)?;
            pair.await_use(ONE, ONE)?;
            let passive: &[&str] = match who {
                Connects::Bird => &["passive: true"],
                _ => &[],
            };
            let apply = |pair: &Pair, keys: &[Key]| {
                let text = peer(address(true, v6), keys, passive);
                pair.agent.apply("peer", &text)
            };
            for (before, after) in [(ONE, TWO), (TWO, THREE)] {
                apply(&pair, &[before, after])?;
                pair.log_says("spec.tcpAO.keys changes: in place")?;
                pair.bird.rekey(&of_bird(&[before, after]))?;
                pair.await_use(before, before)?;
                apply(&pair, &[after, before])?;
                pair.await_use(before, after)?;
                pair.bird.rekey(&of_bird(&[after, before]))?;
                pair.await_use(after, after)?;
                apply(&pair, &[after])?;
                pair.bird.rekey(&of_bird(&[after]))?;
                // The hold time is nine seconds: a session whose segments are dropped is gone after it.
                let keys = [after];
                always("the session is the same", secs(11), || {
                    let now = pair.agent.established_since(PEER)?;
                    let state = pair.agent.session_state(PEER)?;
                    let same = now == since && state == "Established";
                    Ok(Look::when(same, || {
                        format!("{state} since {now}, not {since}")
                    }))
                })?;
                let seen = pair.agent.json(&["show", "peer", PEER])?;
                let left = seen["tcp_ao"]["keys"].as_array().map_or(0, Vec::len);
                ensure!(left == keys.len(), "{seen}");
            }
            // What is told on the session still gets through.
            let more = if v6 {
                "2001:db8:8::/48"
            } else {
                "198.51.100.0/24"
            };
            pair.bird.announce(&[more.to_owned()])?;
            until("the new route is there", secs(10), || {
                let routes = kernel::ours(&pair.net.node, v6)?;
                let is_new = routes.iter().any(|route| route.prefix == more);
                Ok(Look::when(is_new, || format!("{routes:?}")))
            })?;
            // And who begins anew begins with the last key.
            pair.agent
                .apply("peer", &peer(address(true, v6), &[THREE, ONE], passive))?;
            pair.bird.rekey(&of_bird(&[THREE]))?;
            let text = peer(
                address(true, v6),
                &[THREE],
                &[passive, &["shutdown: {enabled: true}"]].concat(),
            );
            pair.agent.apply("peer", &text)?;
            pair.agent.await_state(PEER, "Idle", secs(10))?;
            apply(&pair, &[THREE])?;
            pair.agent.await_state(PEER, "Established", UP)
        });
    }
}

/// A key that nobody removed first: the secret under the only IDs is another one. There is nothing that both ends share.
#[test]
#[ignore = "takes a kernel with TCP-AO: make vm"]
fn a_session_of_which_no_key_stays_is_reset() {
    lab::run("ao-reset", |lab| {
        let mut pair = Pair::up(lab, true, Connects::Both, &[ONE])?;
        let folder = lab.subdirectory("next")?;
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text();
        let other = Key {
            secret: "another-one",
            ..ONE
        };
        let keys = [other, TWO, THREE];
        for (file, text) in [
            ("router", router),
            ("secret", secret(&keys)),
            ("peer", peer(address(true, true), &[ONE], &[])),
        ] {
            std::fs::write(folder.join(format!("{file}.yaml")), text)?;
        }
        let path = folder.to_str().context("a path that is no text")?;
        let said = pair.agent.ask(&["check", path, "--against-running"])?;
        ensure!(
            said.contains("spec.tcpAO changes: reset of the session"),
            "{said}"
        );
        pair.agent.apply("secret", &secret(&keys))?;
        pair.agent
            .await_condition(("peers", PEER), "Ready", ("False", ""), secs(10))?;
        pair.stays_down()?;
        pair.bird.rekey(&of_bird(&[other]))?;
        pair.await_up()?;

        // Without TCP-AO, and back.
        pair.apply(&[])?;
        pair.agent
            .await_condition(("peers", PEER), "Ready", ("False", ""), secs(10))?;
        pair.stays_down()?;
        pair.bird.rekey(&[])?;
        pair.await_up()?;
        pair.apply(&[other])?;
        pair.agent
            .await_condition(("peers", PEER), "Ready", ("False", ""), secs(10))?;
        pair.bird.rekey(&of_bird(&[other]))?;
        pair.await_up()
    });
}

#[test]
#[ignore = "takes a kernel with TCP-AO: make vm"]
fn a_session_waits_for_its_secret_and_nobody_hears_of_it() {
    lab::run("ao-secret", |lab| {
        let missing = Key {
            send: 7,
            recv: 7,
            algorithm: SHA1,
            secret: "hunter2-hunter2",
        };
        let pair = Pair::start(lab, true, Connects::Both, &[missing], &[missing])?;
        let accepted = |reason| {
            let status = if reason == "ConfigAccepted" {
                "True"
            } else {
                "False"
            };
            pair.agent
                .await_condition(("peers", PEER), "Accepted", (status, reason), secs(10))
        };
        // The Secret has no such key; then it is empty; then there is none; then all is well.
        accepted("InvalidKey")?;
        let empty = Key {
            secret: "",
            ..missing
        };
        pair.agent.apply("secret", &secret(&[empty]))?;
        accepted("InvalidKey")?;
        pair.agent.delete("secret")?;
        accepted("SecretNotFound")?;
        pair.stays_down()?;
        pair.agent.apply("secret", &secret(&[missing]))?;
        accepted("ConfigAccepted")?;
        pair.await_up()?;
        // Gone again, it takes no session with it (docs/adr/0017).
        pair.agent.delete("secret")?;
        accepted("SecretNotFound")?;
        ensure!(pair.agent.session_state(PEER)? == "Established");
        let (_, metrics) = pair.net.node.http_get("127.0.0.1:8082", "/metrics")?;
        for (what, text) in [
            ("log", pair.agent.log()),
            ("show peer", pair.agent.ask(&["show", "peer", PEER])?),
            ("status", pair.agent.object("peers", PEER)?.to_string()),
            ("secrets", pair.agent.ask(&["show", "summary"])?),
            ("metrics", metrics),
        ] {
            ensure!(
                !text.contains(missing.secret),
                "the secret is in the {what}"
            );
        }
        Ok(())
    });
}

/// Signed in both ways and not at all, at one listener.
#[test]
#[ignore = "takes a kernel with TCP-AO: make vm"]
fn signed_sessions_share_a_port_with_others() {
    lab::run("ao-beside", |lab| {
        let mut pair = Pair::up(lab, true, Connects::Bird, &[ONE])?;
        let v4 = address(true, false);
        let md5 = manifests::Peer::new("md5", "underlay", TOR_ASN, v4)
            .with("passive: true")
            .with("authSecretRef: {name: password}");
        pair.agent
            .apply("password", &manifests::secret("password", "swordfish"))?;
        pair.agent.apply("md5", &md5.text())?;
        let mut plan = Plan::new((TOR_ASN, v4), (NODE_ASN, address(false, false)));
        plan.password = Some("swordfish".to_owned());
        let _other = peers::start(Kind::Bird, &pair.net.tor, &lab.subdirectory("tor4")?, &plan)?;
        pair.agent.await_state("md5", "Established", UP)?;
        // Each to the other way.
        let since = pair.agent.established_since(PEER)?;
        let unsigned = manifests::Peer::new("md5", "underlay", TOR_ASN, v4).with("passive: true");
        pair.agent.apply("md5", &unsigned.text())?;
        pair.agent
            .await_condition(("peers", "md5"), "Ready", ("False", ""), secs(10))?;
        pair.agent.apply("md5", &md5.text())?;
        pair.agent.await_state("md5", "Established", UP)?;
        ensure!(pair.agent.established_since(PEER)? == since);
        let by_password = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true))
            .with("authSecretRef: {name: password}");
        pair.agent.apply("peer", &by_password.text())?;
        pair.agent
            .await_condition(("peers", PEER), "Ready", ("False", ""), secs(10))?;
        pair.apply(&[ONE])?;
        pair.await_up()?;
        pair.bird.rekey(&[])?;
        pair.agent
            .await_condition(("peers", PEER), "Ready", ("False", ""), UP)
    });
}

/// Keys of a prefix: whoever is in it signs with them, they change as those of one neighbour do, and they are nobody's who has keys of
/// its own.
#[test]
#[ignore = "takes a kernel with TCP-AO: make vm"]
fn dynamic_neighbours_sign_with_the_keys_of_their_prefix() {
    for v6 in [true, false] {
        lab::run("ao-prefix", |lab| {
            let tor = address(true, v6);
            let mut pair = Pair::start(lab, v6, Connects::Bird, &[THREE], &[ONE])?;
            let prefix = if v6 { "fd00:12::/64" } else { "10.12.0.0/24" };
            let leaves = |keys: &[Key]| {
                let own = format!("  address: \"{tor}\"\n");
                let prefixes = format!("  dynamicNeighbors: {{prefixes: [\"{prefix}\"]}}\n");
                let text = peer(tor, keys, &[]).replace(&own, &prefixes);
                text.replace(&format!("name: {PEER}"), "name: leaves")
            };
            // Its own keys are others; so are those of the prefix, at first.
            pair.agent.apply("leaves", &leaves(&[TWO]))?;
            pair.stays_down()?;
            pair.agent.delete("peer")?;
            always("there is no session", secs(3), || {
                let state = pair.agent.session_state("leaves")?;
                Ok(Look::when(state != "Established", || state))
            })?;
            pair.bird.rekey(&of_bird(&[TWO]))?;
            pair.agent.await_state("leaves", "Established", UP)?;
            let since = pair.agent.established_since("leaves")?;

            pair.agent.apply("leaves", &leaves(&[ONE, TWO]))?;
            pair.log_says("spec.tcpAO.keys changes: in place")?;
            pair.bird.rekey(&of_bird(&[ONE, TWO]))?;
            let name = format!("leaves@{tor}");
            until("both sign with the new key", secs(10), || {
                let seen = pair.agent.json(&["show", "peer", &name])?["tcp_ao"].clone();
                let holds = seen["signing"] == ONE.send && seen["asking"] == ONE.recv;
                Ok(Look::when(holds, || seen.to_string()))
            })?;
            pair.agent.apply("leaves", &leaves(&[ONE]))?;
            pair.bird.rekey(&of_bird(&[ONE]))?;
            always("the session is the same", secs(11), || {
                let now = pair.agent.established_since("leaves")?;
                let state = pair.agent.session_state("leaves")?;
                let same = now == since && state == "Established";
                Ok(Look::when(same, || format!("{state} since {now}")))
            })?;

            // Who has keys of its own is not let in with those of the prefix.
            let own = peer(tor, &[THREE], &["passive: true"]);
            pair.agent.apply("peer", &own)?;
            pair.agent.await_state("leaves", "Active", secs(10))?;
            pair.stays_down()?;
            pair.bird.rekey(&of_bird(&[THREE]))?;
            pair.await_up()
        });
    }
}
