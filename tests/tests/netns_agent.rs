//! The agent alone with BIRD in network namespaces: several routers on one node, changes while it runs, a clean start and end.

use std::collections::BTreeSet;
use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::{Agent, NODE, binary, run_command};
use bgp_tests::kernel::METRIC;
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::netns::finish;
use bgp_tests::peers::{self, Kind, Plan, Router};
use bgp_tests::process::{Daemon, start_in};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, PEER, Pair, TOR_ASN, Variant};
use bgp_tests::wait::{Look, always, secs, until};
use bgp_tests::{Namespace, kernel, manifests};

/// The far end of the overlay: a router behind the top-of-rack router.
struct Fabric {
    net: NodeAndTor,
    _far: Namespace,
    tor: Box<dyn Router>,
    far: Box<dyn Router>,
}

const NODE_LOOPBACK: &str = "fd00:aa::1";
const FAR_LOOPBACK: &str = "fd00:ff::9";

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

fn fabric(lab: &Lab) -> Result<Fabric> {
    let net = NodeAndTor::new()?;
    let far = Namespace::new("far")?;
    net.tor.veth("right0", &far, "left0")?;
    net.tor.address("right0", ip("fd00:13::1"), 64)?;
    far.address("left0", ip("fd00:13::2"), 64)?;
    far.address("lo", ip(FAR_LOOPBACK), 128)?;
    net.node.address("lo", ip(NODE_LOOPBACK), 128)?;
    far.ip("route add default via fd00:13::1")?;
    net.tor
        .ip(&format!("route add {FAR_LOOPBACK}/128 via fd00:13::2"))?;
    net.tor
        .ip(&format!("route add {NODE_LOOPBACK}/128 via fd00:12::2"))?;

    // The underlay: the top-of-rack router tells the node where the far loopback is.
    let mut plan = Plan::new(
        (TOR_ASN, address(true, true)),
        (NODE_ASN, address(false, true)),
    );
    plan.announce = vec![format!("{FAR_LOOPBACK}/128")];
    let tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
    // The overlay: a session of the node's own AS between the two loopbacks.
    let mut plan = Plan::new((NODE_ASN, ip(FAR_LOOPBACK)), (NODE_ASN, ip(NODE_LOOPBACK)));
    plan.router_id = "10.255.0.9".into();
    plan.announce = prefixes(Party::Tor, true, 50);
    let far_router = peers::start(Kind::Bird, &far, &lab.subdirectory("far")?, &plan)?;
    Ok(Fabric {
        net,
        _far: far,
        tor,
        far: far_router,
    })
}

fn two_planes() -> Vec<(&'static str, String)> {
    let underlay = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
    let overlay = manifests::Router::new("overlay", NODE_ASN, "10.255.0.2");
    let peer = |name, router, asn, address| {
        manifests::Peer::new(name, router, asn, address)
            .with("holdTime: 9s")
            .with("keepaliveTime: 3s")
            .with("passive: true")
    };
    let rr = peer("rr", "overlay", NODE_ASN, ip(FAR_LOOPBACK));
    let loopback = [format!("{NODE_LOOPBACK}/128")];
    let own = prefixes(Party::Node, true, 20);
    vec![
        ("underlay", underlay.text()),
        (
            "overlay",
            overlay
                .with(&format!("localAddress: \"{NODE_LOOPBACK}\""))
                .text(),
        ),
        (
            "tor",
            peer("tor", "underlay", TOR_ASN, address(true, true)).text(),
        ),
        ("rr", rr.text()),
        (
            "loopback",
            manifests::advertisement("loopback", "underlay", true, &loopback),
        ),
        (
            "tenants",
            manifests::advertisement("tenants", "overlay", true, &own),
        ),
    ]
}

fn await_set(
    what: &str,
    wanted: &[String],
    look: impl Fn() -> Result<BTreeSet<String>>,
) -> Result<()> {
    let wanted: BTreeSet<String> = wanted.iter().cloned().collect();
    until(what, secs(20), || {
        let have = look()?;
        Ok(Look::when(have == wanted, || {
            format!("{have:?}").chars().take(300).collect()
        }))
    })
}

#[test]
fn an_underlay_and_an_overlay_router_share_a_node_and_no_route() {
    lab::run("planes", |lab| {
        let Fabric {
            net,
            _far,
            mut tor,
            far,
        } = fabric(lab)?;
        let agent = Agent::start(lab, &net.node, &two_planes())?;
        agent.await_state("tor", "Established", secs(20))?;
        agent.await_state("rr", "Established", secs(20))?;

        // No route crosses: each neighbour has what its own plane announces and nothing else.
        await_set(
            "BIRD has the loopback alone",
            &[format!("{NODE_LOOPBACK}/128")],
            || tor.received(true),
        )?;
        await_set(
            "the far end has the tenants alone",
            &prefixes(Party::Node, true, 20),
            || far.received(true),
        )?;

        // The overlay's next hop is a loopback that the underlay learned: its routes leave through the underlay's link.
        let mut wanted = prefixes(Party::Tor, true, 50);
        wanted.push(format!("{FAR_LOOPBACK}/128"));
        await_set("both planes are in the kernel", &wanted, || {
            kernel::our_prefixes(&net.node, true)
        })?;
        for route in kernel::ours(&net.node, true)? {
            ensure!(
                route
                    .legs
                    .iter()
                    .all(|l| l.device.as_deref() == Some("up0")),
                "{route:?}"
            );
        }

        // The underlay loses the loopback: the overlay's routes go, though its session is still there.
        tor.announce(&[])?;
        await_set("nothing is left in the kernel", &[], || {
            kernel::our_prefixes(&net.node, true)
        })?;
        ensure!(agent.session_state("rr")? == "Established", "its session");
        tor.announce(&[format!("{FAR_LOOPBACK}/128")])?;
        await_set("all is back in the kernel", &wanted, || {
            kernel::our_prefixes(&net.node, true)
        })
    });
}

#[test]
fn the_same_remote_for_two_routers_is_refused_and_named() {
    lab::run("duplicate", |lab| {
        let Fabric {
            net,
            _far,
            tor: _tor,
            far: _far_router,
        } = fabric(lab)?;
        let mut documents = two_planes();
        let twin = manifests::Peer::new("twin", "overlay", TOR_ASN, address(true, true));
        documents.push(("twin", twin.text()));
        let agent = Agent::start(lab, &net.node, &documents)?;
        agent.await_condition(
            ("peers", "twin"),
            "Accepted",
            ("False", "DuplicateRemote"),
            secs(10),
        )?;
        let told = agent.object("peers", "twin")?.to_string();
        let other = format!(
            "{} is already the neighbour of tor on underlay",
            address(true, true)
        );
        ensure!(told.contains(&other), "the other is not named: {told}");
        agent.await_state("tor", "Established", secs(20))
    });
}

#[test]
fn the_better_metric_then_the_name_decides_who_installs_a_prefix() {
    lab::run("shadow", |lab| {
        let Fabric {
            net,
            _far,
            mut tor,
            far: _far_router,
        } = fabric(lab)?;
        let shared = prefixes(Party::Tor, true, 1).remove(0);
        tor.announce(&[format!("{FAR_LOOPBACK}/128"), shared.clone()])?;
        let agent = Agent::start(lab, &net.node, &two_planes())?;
        agent.await_state("rr", "Established", secs(20))?;
        // Both planes have it and both routers the default metric: "overlay" comes before "underlay".
        let explained = until("explain names both", secs(20), || {
            let text = agent.ask(&["explain", &shared])?;
            let both =
                text.contains("underlay") && text.contains("overlay") && text.contains("shadowed");
            Ok(if both {
                Look::Done(text)
            } else {
                Look::NotYet(text)
            })
        })?;
        ensure!(!explained.contains("error"), "{explained}");
        await_owner(&agent, &net, &shared, ("overlay", "underlay"), METRIC)?;
        let shadowed = ("False", "Shadowed");
        agent.await_condition(("routers", "underlay"), "Programmed", shadowed, secs(10))?;
        // A better metric comes before the name.
        let better = METRIC - 100;
        let mut underlay = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        underlay = underlay.with(&format!("kernel: {{metric: {better}}}"));
        agent.apply("underlay", &underlay.text())?;
        await_owner(&agent, &net, &shared, ("underlay", "overlay"), better)?;
        let underlay = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        agent.apply("underlay", &underlay.text())?;
        await_owner(&agent, &net, &shared, ("overlay", "underlay"), METRIC)?;
        // The overlay loses it: the underlay's takes its place.
        agent.delete("rr")?;
        let gone = prefixes(Party::Tor, true, 50).remove(49);
        until("the overlay's own routes are gone", secs(20), || {
            let have = kernel::our_prefixes(&net.node, true)?;
            Ok(Look::when(
                !have.contains(&gone) && have.contains(&shared),
                || format!("{} routes", have.len()),
            ))
        })
    });
}

/// Waits until the kernel has the prefix once, with this metric, from the first router, and the second one is behind it.
fn await_owner(
    agent: &Agent,
    net: &NodeAndTor,
    prefix: &str,
    (owner, other): (&str, &str),
    metric: u32,
) -> Result<()> {
    until(&format!("{prefix} is {owner}'s"), secs(20), || {
        let rows = agent.json(&["show", "fib", prefix])?;
        let state = |router: &str| {
            let rows = rows.as_array().into_iter().flatten();
            let mut rows = rows.filter(|row| row["router"] == router);
            rows.next().map(|row| row["state"].clone())
        };
        let said =
            state(owner) == Some("installed".into()) && state(other) == Some("shadowed".into());
        let routes = kernel::table(&net.node, true, "main")?;
        let there: Vec<_> = routes.iter().filter(|r| r.prefix == prefix).collect();
        let alone = matches!(there.as_slice(), [route] if route.metric == metric);
        Ok(Look::when(said && alone, || format!("{rows}; {there:?}")))
    })
}

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
        let pair = Pair::converged(lab, Kind::Bird, Variant::default())?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true))
            .with("holdTime: 9s")
            .with("keepaliveTime: 3s")
            .with("shutdown: {enabled: true, message: back at noon}");
        pair.agent.apply("peer", &peer.text())?;
        pair.await_down(secs(10))?;
        pair.await_kernel(&[], secs(10))?;
        let heard = std::fs::read_to_string(lab.directory().join("tor/bird.log"))?;
        ensure!(
            heard.contains("back at noon"),
            "BIRD did not hear the text:\n{heard}"
        );
        Ok(())
    });
}

#[test]
fn a_node_without_a_router_says_so_and_a_closed_terminal_is_a_clean_stop() {
    lab::run("hangup", |lab| {
        let net = NodeAndTor::new()?;
        let folder = lab.subdirectory("manifests")?;
        let socket = lab.directory().join("s");
        let mut command = run_command(&net.node, &folder, &socket, lab, &[])?;
        let mut agent = Daemon::start("cosmos", &mut command, &lab.directory().join("log"))?;
        for words in [
            "there is no BGPRouter for node \"node-1\" in ",
            "converged, but there is no router to run",
        ] {
            until(&format!("the log says {words:?}"), secs(10), || {
                let log = agent.said();
                let mut lines = log.lines();
                let told = lines.any(|line| line.contains(" WARN ") && line.contains(words));
                Ok(Look::when(told, || log.clone()))
            })?;
        }
        finish(std::process::Command::new("kill").args(["-HUP", &agent.pid().to_string()]))?;
        let status = agent.wait(secs(10))?;
        let log = agent.said();
        ensure!(
            status.is_some_and(|status| status.success())
                && log.lines().any(|line| line.ends_with(" stopped")),
            "the agent ended with {status:?}:\n{log}"
        );
        Ok(())
    });
}

#[test]
fn routes_are_kept_on_stop_when_asked_and_strays_go_at_the_next_start() {
    lab::run("keep", |lab| {
        let net = NodeAndTor::new()?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = prefixes(Party::Tor, true, 100);
        let mut tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            (
                "peer",
                peer.with("holdTime: 9s").with("keepaliveTime: 3s").text(),
            ),
        ];
        let agent = Agent::start_with(lab, &net.node, &documents, &["--keep-routes-on-stop"])?;
        await_set("100 routes", &plan.announce, || {
            kernel::our_prefixes(&net.node, true)
        })?;
        agent.stop()?;
        let kept = kernel::our_prefixes(&net.node, true)?;
        ensure!(kept.len() == 100, "{} routes were kept", kept.len());

        // Half of them are gone when it starts again: the others are never missing, the half goes once the table has converged.
        let half = prefixes(Party::Tor, true, 50);
        tor.announce(&half)?;
        let log = lab.directory().join("routes.log");
        let monitor = start_in(&net.node, &["ip", "-6", "monitor", "route"], &log)?;
        let agent = Agent::start(lab, &net.node, &documents)?;
        until("the strays are gone", secs(30), || {
            let have = kernel::our_prefixes(&net.node, true)?;
            Ok(Look::when(have.len() == 50, || {
                format!("{} routes", have.len())
            }))
        })?;
        // A route that was removed for a moment only is told as well.
        let strays: BTreeSet<_> = plan.announce[50..].iter().cloned().collect();
        until("the kernel tells of the strays' end", secs(5), || {
            let said = monitor.said();
            let removed = said.lines().filter_map(|l| l.strip_prefix("Deleted "));
            let removed = removed.filter_map(|l| l.split_whitespace().next());
            let removed: BTreeSet<_> = removed.map(str::to_owned).collect();
            ensure!(
                removed.is_subset(&strays),
                "a route that is still wanted was removed: {removed:?}"
            );
            Ok(Look::when(removed == strays, || format!("{removed:?}")))
        })?;
        agent.stop()
    });
}

#[test]
fn the_state_folder_that_systemd_gives_is_taken() {
    lab::run("state", |lab| {
        let net = NodeAndTor::new()?;
        let folder = lab.subdirectory("manifests")?;
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        std::fs::write(folder.join("router.yaml"), router.text())?;
        let state = lab.directory().join("given");
        let mut command = net.node.command(&binary()?.to_string_lossy());
        command.env("STATE_DIRECTORY", &state);
        command.args(["run", "--node", NODE, "--socket"]);
        command.arg(lab.directory().join("s"));
        command.arg("--manifests").arg(&folder);
        let mut agent = Daemon::start("cosmos", &mut command, &lab.directory().join("log"))?;
        until("the marks are kept", secs(10), || {
            agent.check_alive()?;
            let marks = std::fs::read_to_string(state.join("kernel-marks"))?;
            Ok(Look::when(marks == "196 300 254\n", || marks.clone()))
        })?;
        agent.stop(secs(10))?;
        Ok(())
    });
}

#[test]
fn a_start_that_fails_leaves_the_routes_of_the_run_before() {
    lab::run("failed-start", |lab| {
        let net = NodeAndTor::new()?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = prefixes(Party::Tor, true, 100);
        let _tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let documents = [("router", router.text()), ("peer", peer.text())];
        let agent = Agent::start(lab, &net.node, &documents)?;
        await_set("100 routes", &plan.announce, || {
            kernel::our_prefixes(&net.node, true)
        })?;
        // It crashes.
        drop(agent);

        let heard = lab.directory().join("monitor.log");
        let mut monitor = net.node.command("ip");
        let _monitor = Daemon::start("ip monitor", monitor.args(["monitor", "route"]), &heard)?;
        // The kernel says nothing of a route that is there already, so each attempt has one of its own.
        let mut attempt = 0;
        until("the monitor hears", secs(10), || {
            attempt += 1;
            net.node
                .ip(&format!("route add 10.99.0.0/24 dev up0 metric {attempt}"))?;
            let text = std::fs::read_to_string(&heard)?;
            Ok(Look::when(text.contains("10.99.0.0/24"), || text))
        })?;
        // Somebody else has the port when it starts again.
        let _other = net
            .node
            .enter(|| Ok(std::net::TcpListener::bind("[::]:179")?))?;
        let mut command = run_command(
            &net.node,
            &lab.directory().join("manifests"),
            &lab.directory().join("cosmos.sock"),
            lab,
            &[],
        )?;
        let output = finish(&mut command)?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(
            !output.status.success() && said.contains("cannot listen on TCP port 179"),
            "{}: {said}",
            output.status
        );
        await_set("100 routes still", &plan.announce, || {
            kernel::our_prefixes(&net.node, true)
        })?;
        let text = std::fs::read_to_string(&heard)?;
        ensure!(!text.contains("Deleted"), "{text}");
        Ok(())
    });
}

#[test]
fn readiness_means_that_peers_are_up_and_the_kernel_is_right() {
    lab::run("ready", |lab| {
        let net = NodeAndTor::new()?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            (
                "peer",
                peer.with("holdTime: 9s").with("keepaliveTime: 3s").text(),
            ),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        let ready = || net.node.http_get("127.0.0.1:8083", "/readyz");
        let (status, body) = ready()?;
        ensure!(
            status == 503 && body.contains(PEER),
            "nobody is there yet, but /readyz says {status}: {body}"
        );
        ensure!(
            net.node.http_get("127.0.0.1:8083", "/livez")?.0 == 200,
            "/livez"
        );

        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = prefixes(Party::Tor, true, 100);
        let tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        until("/readyz is 200", secs(20), || {
            let (status, body) = ready()?;
            Ok(Look::when(status == 200, || format!("{status}: {body}")))
        })?;
        let have = kernel::our_prefixes(&net.node, true)?.len();
        ensure!(
            have == 100,
            "ready, with {have} of 100 routes in the kernel"
        );
        let session = format!("router=\"underlay\",peer=\"{PEER}\"");
        let series = |up: bool, prefixes: u32| {
            let state = |name: &str, is: bool| {
                let is = u32::from(is);
                format!("cosmos_session_state{{{session},state=\"{name}\"}} {is}")
            };
            let of_family = |name: &str| {
                format!("cosmos_prefixes_{name}{{{session},family=\"ipv6/unicast\"}} {prefixes}")
            };
            let fib = |state: &str| {
                format!("cosmos_fib_routes{{router=\"underlay\",state=\"{state}\"}} {prefixes}")
            };
            [
                state("Established", up),
                of_family("received"),
                of_family("accepted"),
                fib("wanted"),
                fib("installed"),
            ]
        };
        let await_series = |wanted: &[String]| {
            until("the metrics are right", secs(10), || {
                let (status, metrics) = net.node.http_get("127.0.0.1:8082", "/metrics")?;
                ensure!(status == 200, "/metrics says {status}");
                let there = |series: &&String| !metrics.lines().any(|line| line == series.as_str());
                let missing: Vec<_> = wanted.iter().filter(there).collect();
                Ok(Look::when(missing.is_empty(), || {
                    format!("{missing:#?}\n{metrics}")
                }))
            })
        };
        await_series(&series(true, 100))?;
        // The series stay when the session goes.
        drop(tor);
        await_series(&series(false, 0))?;
        agent.stop()
    });
}
