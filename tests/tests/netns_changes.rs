//! What a change of each field does to a session that is up: what docs/reference/changes.md says of it, what `cosmos check
//! --against-running` says beforehand, and what a neighbour sees on the wire.

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address};
use bgp_tests::manifests;
use bgp_tests::raw::{RawPeer, open_with};
use bgp_tests::scenario::{NODE_ASN, PEER};
use bgp_tests::wait::{Look, secs, until};

const RAW_ASN: u32 = 65102;
/// Whatever a change sends is on its way when the log tells of the change: nothing more comes after this long.
const QUIET: Duration = Duration::from_millis(400);

/// The table for people.
const TABLE: &str = include_str!("../../docs/reference/changes.md");

/// What a field can be changed to, by its name in the table. A peer's and a router's may have the same name.
fn sample(kind: &str, field: &str) -> Option<&'static str> {
    Some(match (kind, field) {
        ("BGPPeer", "spec.remotePort") => "remotePort: 1790",
        ("BGPPeer", "spec.addressFamilies") => {
            "addressFamilies: [{afi: ipv4, safi: unicast}, {afi: ipv6, safi: unicast}]"
        }
        ("BGPPeer", "spec.addPath") => "addPath: [{afi: ipv4, safi: unicast, receive: true}]",
        ("BGPPeer", "spec.holdTime, spec.timers.holdTime") => "holdTime: 60s",
        ("BGPPeer", "spec.keepaliveTime, spec.timers.keepalive") => "keepaliveTime: 20s",
        ("BGPPeer", "spec.ebgpMultiHop, spec.ebgpMultihop") => "ebgpMultihop: 5",
        ("BGPPeer", "spec.ttlSecurity") => "ttlSecurity: 1",
        ("BGPPeer", "spec.localAddress") => "localAddress: 10.12.0.2",
        ("BGPPeer", "spec.allowAsIn") => "allowAsIn: 1",
        ("BGPPeer", "spec.enforceFirstAS") => "enforceFirstAS: false",
        ("BGPPeer", "spec.localAS.number") => "localAS: {number: 64998}",
        ("BGPPeer", "spec.maxPrefixes") => "maxPrefixes: [{afi: ipv4, safi: unicast, limit: 100}]",
        ("BGPPeer", "spec.routeMapIn, BGPPolicy") => "routeMapIn: lower",
        ("BGPPeer", "spec.routeMapOut, BGPPolicy") => "routeMapOut: costly",
        ("BGPPeer", "spec.role") => "role: peer",
        ("BGPPeer", "spec.roleStrict") => "roleStrict: true",
        ("BGPPeer", "spec.gracefulShutdown") => "gracefulShutdown: true",
        ("BGPPeer", "spec.removePrivateAS") => "removePrivateAS: 0",
        ("BGPPeer", "spec.asOverride") => "asOverride: true",
        ("BGPPeer", "spec.extendedNextHop") => "extendedNextHop: true",
        ("BGPPeer", "spec.gracefulRestart") => "gracefulRestart: {enabled: false}",
        ("BGPPeer", "spec.longLivedGracefulRestart") => "longLivedGracefulRestart: {enabled: true}",
        ("BGPPeer", "spec.shutdown.enabled") => "shutdown: {enabled: true}",
        ("BGPPeer", "spec.bfd") => "bfd: {enabled: true}",
        ("BGPPeer", "spec.description") => "description: the other one",
        ("BGPRouter", "spec.localASN") => "localASN: 64999",
        ("BGPRouter", "spec.routerID") => "routerID: 10.255.0.77",
        ("BGPRouter", "spec.kernel") => "kernel: {metric: 301}",
        ("BGPRouter", "spec.maximumPaths") => "maximumPaths: 4",
        ("BGPRouter", "spec.requirePolicy") => "requirePolicy: true",
        ("BGPRouter", "spec.bestPath") => "bestPath: {alwaysCompareMed: true}",
        ("BGPRouter", "spec.gracefulRestart") => "gracefulRestart: {staleRoutesTime: 400}",
        ("BGPRouter", "spec.listenPort") => "listenPort: 1179",
        _ => return None,
    })
}

/// What some of these name. A BGPPeer of another node names them too, so that they act on nobody who does not.
const POLICIES: &str = "\
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPolicy
metadata: {name: lower}
spec:
  routerSelector: {}
  direction: import
  terms: [{sequence: 10, match: {}, action: permit, set: {localPreference: 50}}]
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPolicy
metadata: {name: costly}
spec:
  routerSelector: {}
  direction: export
  terms: [{sequence: 10, match: {}, action: permit, set: {metric: 50}}]
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {name: elsewhere}
spec:
  targetRef: {kind: Node, name: elsewhere}
  localASN: 65000
  routerID: 10.255.0.99
  addressFamilies: [{afi: ipv4, safi: unicast}]
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: elsewhere}
spec:
  routerRef: {name: elsewhere}
  address: 10.99.0.1
  peerASN: 65001
  addressFamilies: [{afi: ipv4, safi: unicast}]
  routeMapIn: lower
  routeMapOut: costly
";

/// Rows that this session cannot show: a passive external one of IPv4 that has no password, on a router that reflects nothing.
const ELSEWHERE: &[(&str, &str)] = &[
    // Another session, with another neighbour.
    ("BGPPeer", "spec.address"),
    // netns_unnumbered.
    ("BGPPeer", "spec.interface"),
    ("BGPPeer", "spec.peerASN"),
    ("BGPPeer", "spec.peerType"),
    // netns_agent: a Secret that changes.
    ("BGPPeer", "spec.authSecretRef"),
    // vm_tcp_ao: takes a kernel that has it.
    ("BGPPeer", "spec.tcpAO"),
    ("BGPPeer", "spec.tcpAO.keys"),
    // netns_guards, where a localAS stays and only these change.
    ("BGPPeer", "spec.localAS.noPrepend"),
    ("BGPPeer", "spec.localAS.replaceAS"),
    // Would dial, and meet nobody.
    ("BGPPeer", "spec.passive"),
    // Of no effect, and refused as such, where the session is external: netns_reflection.
    ("BGPPeer", "spec.nextHopSelf"),
    ("BGPPeer", "spec.routeReflectorClient"),
    // There is no session to show it.
    ("BGPPeer", "spec.shutdown.message"),
    // netns_dynamic: many sessions, of which some end.
    ("BGPPeer", "spec.dynamicNeighbors.prefixes"),
    ("BGPPeer", "spec.dynamicNeighbors.limit"),
    // Changes what its peers may have, whose own rows say what follows.
    ("BGPRouter", "spec.addressFamilies"),
    // Listed with the peer, too.
    ("BGPRouter", "spec.localAddress"),
    ("BGPRouter", "spec.routeReflector.clusterID"),
    ("BGPRouter", "spec.routeReflector.requireReachableNextHop"),
];

/// Kind, field and effect of each row of the table.
fn rows() -> Vec<(&'static str, &'static str, &'static str)> {
    let mut kind = "";
    let mut rows = Vec::new();
    for line in TABLE.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            kind = title;
        }
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        if let ["", field, effect, ""] = cells[..]
            && let Some(field) = field.strip_prefix('`').and_then(|f| f.strip_suffix('`'))
        {
            rows.push((kind, field, effect));
        }
    }
    rows
}

/// The manifests with one line put in, or in the place of the field that is there already, with all that is under it.
fn with(text: &str, line: &str) -> String {
    let field = line.split(':').next().unwrap_or_default();
    let (mut found, mut under) = (false, false);
    let mut lines = Vec::new();
    for old in text.lines() {
        under &= old.starts_with("    ") || old.starts_with("  -");
        if under {
            continue;
        }
        match old.trim_start().split(':').next() == Some(field) {
            true => {
                (found, under) = (true, true);
                lines.push(format!("  {line}"));
            }
            false => lines.push(old.to_owned()),
        }
    }
    if !found {
        lines.push(format!("  {line}"));
    }
    lines.join("\n") + "\n"
}

/// A session with the node, which rests for a moment after each reset.
fn connect(net: &NodeAndTor) -> Result<RawPeer> {
    // With route refresh (2), IPv4 unicast (1), AS numbers of four octets (65).
    let mut capabilities = vec![2, 0, 1, 4, 0, 1, 0, 1, 65, 4];
    capabilities.extend(RAW_ASN.to_be_bytes());
    let open = open_with(RAW_ASN, 180, [10, 255, 0, 9], &capabilities);
    let mut session = None;
    until("a session", secs(15), || {
        let mut raw = RawPeer::connect(&net.tor, address(false, false), secs(10))?;
        Ok(match raw.establish_with(&open, secs(10)) {
            Ok(()) => {
                session = Some(raw);
                Look::Done(())
            }
            Err(error) => Look::NotYet(format!("{error:#}")),
        })
    })?;
    let mut raw = session.context("a session")?;
    // All that is told at first.
    while let Ok(Some(_)) = raw.receive(QUIET) {}
    Ok(raw)
}

/// What the neighbour sees of a change, where `expected` is what it should: `nothing`, `refresh in` or `reset`.
fn seen(raw: &mut RawPeer, expected: &str) -> Result<&'static str> {
    let limit = if expected == "nothing" {
        QUIET
    } else {
        secs(5)
    };
    while let Ok(Some(message)) = raw.receive(limit) {
        match message.kind {
            3 => {
                ensure!(message.body.first() == Some(&6), "{message:?}");
                return Ok("reset");
            }
            5 => return Ok("refresh in"),
            2 | 4 => {}
            _ => bail!("{message:?}"),
        }
    }
    Ok("nothing")
}

fn preview(agent: &Agent, folder: &Path) -> Result<String> {
    let folder = folder.to_str().context("a path that is no text")?;
    agent.ask(&["check", folder, "--against-running"])
}

#[test]
fn each_field_does_what_the_table_says_and_what_is_said_beforehand() {
    lab::run("changes", |lab| {
        let net = NodeAndTor::new()?;
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text();
        let peer = manifests::Peer::new(PEER, "underlay", RAW_ASN, address(true, false))
            .with("passive: true")
            .with("role: provider")
            .with("gracefulRestart: {enabled: true}")
            .text();
        let documents = [
            ("router", router.clone()),
            ("peer", peer.clone()),
            ("policies", POLICIES.to_owned()),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let mut raw = connect(&net)?;
        let folder = lab.subdirectory("next")?;
        std::fs::write(folder.join("router.yaml"), &router)?;
        std::fs::write(folder.join("peer.yaml"), &peer)?;
        std::fs::write(folder.join("policies.yaml"), POLICIES)?;
        let text = preview(&agent, &folder)?;
        ensure!(text.starts_with("Nothing would change"), "{text}");

        for (kind, field, effect) in rows() {
            let Some(line) = sample(kind, field) else {
                ensure!(
                    ELSEWHERE.contains(&(kind, field)),
                    "nothing to change {field} of {kind} to"
                );
                continue;
            };
            let (file, text) = match kind {
                "BGPPeer" => ("peer", &peer),
                _ => ("router", &router),
            };
            let (changed, place) = (with(text, line), folder.join(format!("{file}.yaml")));
            std::fs::write(&place, &changed)?;
            let said = preview(&agent, &folder)?;
            ensure!(
                said.contains(&format!("{field} changes: {effect}")),
                "{kind}: the table says {field} is {effect:?}, the agent\n{said}"
            );
            let resets = match effect {
                "reset" => "1 of them with a reset",
                "in place" | "refresh in" | "refresh out" | "refresh in and out" => "none resets",
                _ => "0 to 1 of them with a reset",
            };
            ensure!(said.contains(resets), "{kind} {field}: {said}");
            std::fs::write(&place, text)?;

            let expected = match effect {
                "reset" => "reset",
                "refresh in" | "refresh in and out" => "refresh in",
                // The neighbour has said none.
                "in place, or reset if the neighbour has said no role" => "reset",
                _ => "nothing",
            };
            // There, and back again, where the session is still there to see it.
            for (back, text) in [(false, &changed), (true, text)] {
                // What ends a session one way may be in place the other way.
                let effect = effect.split(", or ").next().unwrap_or(effect);
                let told = format!("{field} changes: {effect}");
                let before = agent.log().matches(&told).count();
                agent.apply(file, text)?;
                until(&format!("the log tells of {field}"), secs(5), || {
                    let more = agent.log().matches(&told).count() > before;
                    Ok(Look::when(more, || "not yet".to_owned()))
                })?;
                if !(back && expected == "reset") {
                    let sees =
                        seen(&mut raw, expected).with_context(|| format!("{kind} {field}"))?;
                    ensure!(sees == expected, "{kind} {field}: {sees}, not {expected}");
                }
            }
            if expected == "reset" {
                raw = connect(&net).with_context(|| format!("after {kind} {field}"))?;
            }
        }
        agent.stop()
    });
}
