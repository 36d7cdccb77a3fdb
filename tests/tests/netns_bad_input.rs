//! Bad input costs what it must and no more: garbage its own session, a bad manifest its own object, a bad start a clear line.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::{Agent, NODE, binary, cosmos, run_command};
use bgp_tests::lab::{self, Lab, NodeAndTor, address, raw_address};
use bgp_tests::peers::{self, Kind, Plan};
use bgp_tests::process::Daemon;
use bgp_tests::raw::{RawPeer, keepalive, message, open};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, PEER, Pair, TOR_ASN, Variant};
use bgp_tests::wait::{Look, always, secs, until};
use bgp_tests::{kernel, manifests, netns};

const RAW_ASN: u32 = 65102;

/// What a raw peer says after the session has come this far, and the NOTIFICATION that it must hear: code and subcode.
struct Case {
    name: &'static str,
    after: Stage,
    bytes: Vec<u8>,
    answer: (u8, u8),
}

#[derive(Clone, Copy, PartialEq)]
enum Stage {
    /// Only the connection is there: the agent is in OpenSent.
    Connected,
    /// OPENs went both ways: OpenConfirm.
    Opened,
    Established,
}

fn update(withdrawn: &[u8], attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    for part in [withdrawn, attributes] {
        body.extend(u16::try_from(part.len()).expect("short").to_be_bytes());
        body.extend(part);
    }
    body.extend(nlri);
    message(2, &body)
}

fn cases() -> Vec<Case> {
    use Stage::{Connected, Established, Opened};
    let case = |name, after, bytes, answer| Case {
        name,
        after,
        bytes,
        answer,
    };
    let header = |length: u16, kind: u8| {
        let mut bytes = vec![0xff; 16];
        bytes.extend(length.to_be_bytes());
        bytes.push(kind);
        bytes
    };
    let mut version_3 = open(RAW_ASN, 90, [10, 255, 0, 9]);
    version_3[19] = 3;
    vec![
        // RFC 4271 §6.1
        case(
            "text instead of a marker",
            Connected,
            b"GET / HTTP/1.1\r\nHost: x\r\n\r\n".repeat(200),
            (1, 1),
        ),
        case(
            "a length below the header",
            Connected,
            header(18, 1),
            (1, 2),
        ),
        case(
            "an OPEN above the limit, which is no other for it (RFC 8654 §4)",
            Connected,
            header(4097, 1),
            (1, 2),
        ),
        case(
            "a KEEPALIVE with a body",
            Established,
            message(4, &[0]),
            (1, 2),
        ),
        case(
            "an unknown message type",
            Established,
            message(9, &[]),
            (1, 3),
        ),
        // RFC 4271 §6.2
        case("BGP version 3", Connected, version_3, (2, 1)),
        case(
            "another AS than configured",
            Connected,
            open(65999, 90, [10, 255, 0, 9]),
            (2, 2),
        ),
        case(
            "router id 0.0.0.0",
            Connected,
            open(RAW_ASN, 90, [0; 4]),
            (2, 3),
        ),
        case(
            "a hold time of one second",
            Connected,
            open(RAW_ASN, 1, [10, 255, 0, 9]),
            (2, 6),
        ),
        // RFC 6608
        case(
            "a KEEPALIVE before the OPEN",
            Connected,
            keepalive(),
            (5, 1),
        ),
        case(
            "an UPDATE before the KEEPALIVE",
            Opened,
            update(&[], &[], &[]),
            (5, 2),
        ),
        case(
            "an OPEN in an established session",
            Established,
            open(RAW_ASN, 90, [10, 255, 0, 9]),
            (5, 3),
        ),
        // RFC 7606 §4 and §5.3: what cannot be read as a whole resets the session.
        case(
            "withdrawn routes longer than the message",
            Established,
            message(2, &[0xff, 0xff, 0, 0]),
            (3, 1),
        ),
        case(
            "a withdrawn prefix of 33 bits",
            Established,
            update(&[33, 10, 0, 0, 0, 0], &[], &[]),
            (3, 10),
        ),
    ]
}

/// Says what the case says and gives the NOTIFICATION that came.
fn provoke(net: &NodeAndTor, n: usize, case: &Case) -> Result<(u8, u8)> {
    net.speak_as(n)?;
    let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(10))?;
    match case.after {
        Stage::Connected => {}
        Stage::Opened => {
            peer.send(&open(RAW_ASN, 90, [10, 255, 0, 9]))?;
            peer.await_kind(1, secs(5))?;
        }
        Stage::Established => peer.establish(RAW_ASN, 90, secs(5))?,
    }
    peer.send(&case.bytes)?;
    peer.await_notification(secs(5))
}

#[test]
fn garbage_gets_the_right_notification_and_costs_only_its_own_session() {
    lab::run("garbage", |lab| {
        let net = NodeAndTor::new()?;
        let cases = cases();
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = prefixes(Party::Tor, true, 100);
        plan.passive = true;
        let tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
        let mut documents = vec![
            (
                "router".to_owned(),
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            (
                "peer".to_owned(),
                peer.with("holdTime: 9s").with("keepaliveTime: 3s").text(),
            ),
        ];
        for n in 0..cases.len() {
            let name = format!("raw-{n}");
            let mut raw = manifests::Peer::new(&name, "underlay", RAW_ASN, raw_address(n));
            raw.families.push("ipv4");
            documents.push((name, raw.with("passive: true").text()));
        }
        let documents: Vec<_> = documents
            .iter()
            .map(|(n, t)| (n.as_str(), t.clone()))
            .collect();
        let agent = Agent::start(lab, &net.node, &documents)?;
        agent.await_state(PEER, "Established", secs(20))?;
        until(
            "the honest peer's routes are in the kernel",
            secs(10),
            || {
                let have = kernel::our_prefixes(&net.node, true)?.len();
                Ok(Look::when(have == 100, || format!("{have} routes")))
            },
        )?;
        let since = agent.established_since(PEER)?;

        let mut wrong = Vec::new();
        for (n, case) in cases.iter().enumerate() {
            match provoke(&net, n, case) {
                Ok(answer) if answer == case.answer => {}
                Ok(answer) => {
                    wrong.push(format!("{}: {answer:?}, not {:?}", case.name, case.answer))
                }
                Err(error) => wrong.push(format!("{}: {error:#}", case.name)),
            }
        }
        ensure!(wrong.is_empty(), "{}", wrong.join("\n"));

        ensure!(
            agent.established_since(PEER)? == since,
            "the honest session was disturbed"
        );
        ensure!(tor.state()? == "Established", "BIRD lost its session");
        ensure!(
            kernel::our_prefixes(&net.node, true)?.len() == 100,
            "routes of the honest peer went"
        );
        // What happened is told: the first case's session says so.
        let told = agent.ask(&["show", "peer", "raw-0"])?;
        ensure!(
            told.to_lowercase().contains("not synchronized"),
            "`show peer` does not say what was wrong:\n{told}"
        );
        agent.stop()
    });
}

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

/// Runs an agent that must not start: status not 0, and one line on standard error that has these words.
fn must_fail(mut command: Command, words: &[&str]) -> Result<()> {
    let output = netns::finish(&mut command)?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(!output.status.success(), "it ran, and said:\n{said}");
    // The log is on standard error too; the reason is its last line, and it stands alone.
    let last = said.lines().last().unwrap_or_default();
    for word in words {
        ensure!(
            last.to_lowercase().contains(&word.to_lowercase()),
            "no word of {word:?} in: {last}\nall of it:\n{said}"
        );
    }
    ensure!(!said.contains("panicked"), "{said}");
    Ok(())
}

fn plain_manifests(lab: &Lab) -> Result<std::path::PathBuf> {
    let folder = lab.subdirectory("manifests")?;
    fs::write(
        folder.join("router.yaml"),
        manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
    )?;
    let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
    fs::write(folder.join("peer.yaml"), peer.text())?;
    Ok(folder)
}

#[test]
fn a_port_that_is_taken_ends_the_start_with_one_clear_line() {
    lab::run("port", |lab| {
        let net = NodeAndTor::new()?;
        let folder = plain_manifests(lab)?;
        let _taken = net.node.enter(|| Ok(TcpListener::bind("[::]:179")?))?;
        let socket = lab.directory().join("s");
        must_fail(
            run_command(&net.node, &folder, &socket, lab, &[])?,
            &["179", "in use"],
        )
    });
}

#[test]
fn an_unknown_node_name_ends_the_start_with_one_clear_line() {
    lab::run("node", |lab| {
        let net = NodeAndTor::new()?;
        let folder = plain_manifests(lab)?;
        let another = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text();
        fs::write(
            folder.join("router.yaml"),
            another.replace("name: node-1}", "name: another}"),
        )?;
        let socket = lab.directory().join("s");
        must_fail(
            run_command(&net.node, &folder, &socket, lab, &[])?,
            &["node-1"],
        )?;
        // A slip in the kind, too, leaves no router for any node.
        fs::write(
            folder.join("router.yaml"),
            another.replace("kind: Node,", "kind: node,"),
        )?;
        must_fail(
            run_command(&net.node, &folder, &socket, lab, &[])?,
            &[
                "node-1",
                "spec.targetRef.kind",
                "BGPRouter/underlay has \"node\"",
            ],
        )
    });
}

/// `cosmos run` as a user without any right, on a folder of manifests.
fn unprivileged(lab: &Lab, net: &NodeAndTor, folder: &Path) -> Result<Command> {
    // A binary that another user may reach, and a folder that it may write.
    let binary = lab.directory().join("cosmos");
    fs::copy(bgp_tests::agent::binary()?, &binary)?;
    let own = lab.subdirectory("own")?;
    fs::set_permissions(&own, fs::Permissions::from_mode(0o777))?;
    let mut command = net.node.command("setpriv");
    command.args(["--reuid", "65534", "--regid", "65534", "--clear-groups"]);
    command.args(["--inh-caps", "-all", "--"]);
    command
        .arg(binary)
        .arg("run")
        .arg("--manifests")
        .arg(folder);
    command.args(["--node", "node-1"]);
    command.arg("--socket").arg(own.join("s"));
    command.arg("--state-dir").arg(own.join("state"));
    Ok(command)
}

#[test]
fn without_rights_the_start_ends_with_one_clear_line() {
    lab::run("rights", |lab| {
        let net = NodeAndTor::new()?;
        let folder = plain_manifests(lab)?;
        must_fail(unprivileged(lab, &net, &folder)?, &["CAP_NET_ADMIN"])
    });
}

#[test]
fn who_installs_nothing_needs_no_right_to() {
    lab::run("norights", |lab| {
        let net = NodeAndTor::new()?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = prefixes(Party::Tor, true, 3);
        let _tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let folder = lab.subdirectory("manifests")?;
        let router = |install: bool| {
            let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
            let router = router.with(&format!("kernel: {{install: {install}}}"));
            fs::write(
                folder.join("router.yaml"),
                router.with("listenPort: 1790").text(),
            )
        };
        router(false)?;
        let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
        fs::write(folder.join("peer.yaml"), peer.text())?;
        let mut command = unprivileged(lab, &net, &folder)?;
        let mut agent = Daemon::start("cosmos", &mut command, &lab.directory().join("cosmos.log"))?;
        let mut says = |words: &str| {
            until(&format!("the log says {words:?}"), secs(20), || {
                agent.check_alive()?;
                let log = agent.said();
                Ok(Look::when(log.contains(words), || log.clone()))
            })
        };
        says("session established")?;
        says(" converged")?;
        // Who asks for it later is told what is missing.
        router(true)?;
        says("3 routes refused by the kernel")?;
        says("Operation not permitted")?;
        agent.stop(secs(10))?;
        Ok(())
    });
}

#[test]
fn a_folder_that_is_not_there_ends_the_start_with_one_clear_line() {
    lab::run("folder", |lab| {
        let net = NodeAndTor::new()?;
        let folder = lab.directory().join("no-such-folder");
        let socket = lab.directory().join("s");
        must_fail(
            run_command(&net.node, &folder, &socket, lab, &[])?,
            &["no-such-folder"],
        )
    });
}

#[test]
fn a_second_agent_on_the_same_state_folder_does_not_start() {
    lab::run("state", |lab| {
        let net = NodeAndTor::new()?;
        let folder = plain_manifests(lab)?;
        let mut agent = Agent::start_on(lab, &net.node, &folder, &[])?;
        // Elsewhere and with another socket: all that they have in common is the folder.
        let socket = lab.directory().join("s");
        let second = || run_command(&net.tor, &folder, &socket, lab, &[]);
        must_fail(
            second()?,
            &["another agent uses the state directory", "--state-dir"],
        )?;
        // However the first one ends, the folder is free.
        agent.daemon().kill();
        let log = lab.directory().join("second.log");
        let mut second = Daemon::start("cosmos", &mut second()?, &log)?;
        until("the second runs", secs(20), || {
            second.check_alive()?;
            let log = second.said();
            Ok(Look::when(log.contains("listening"), || log.clone()))
        })?;
        second.stop(secs(10))?;
        Ok(())
    });
}

#[test]
fn a_second_agent_on_the_same_socket_does_not_start() {
    lab::run("second", |lab| {
        let net = NodeAndTor::new()?;
        let folder = plain_manifests(lab)?;
        let agent = Agent::start_on(lab, &net.node, &folder, &[])?;
        let socket = lab.directory().join("cosmos.sock");
        must_fail(
            run_command(&net.tor, &folder, &socket, lab, &[])?,
            &["cosmos.sock"],
        )?;
        agent
            .ask(&["show", "summary"])
            .context("the first agent does not answer any more")?;
        agent.stop()
    });
}

#[test]
fn a_second_agent_in_the_network_namespace_does_not_take_the_routes_of_the_first() {
    lab::run("another", |lab| {
        let net = NodeAndTor::new()?;
        let folder = plain_manifests(lab)?;
        let agent = Agent::start_on(lab, &net.node, &folder, &[])?;
        let socket = lab.directory().join("other.sock");
        let mut other = net.node.command(&binary()?.to_string_lossy());
        other.args(["run", "--node", NODE, "--manifests"]);
        other.arg(&folder).arg("--socket").arg(&socket);
        must_fail(other, &["another cosmos", "network namespace"])?;
        agent.stop()?;
        // It is a matter of who runs, not of who ran.
        Agent::start_on(lab, &net.node, &folder, &[])?.stop()
    });
}

#[test]
fn an_agent_that_installs_nothing_leaves_the_routes_of_another_alone() {
    lab::run("beside", |lab| {
        let net = NodeAndTor::new()?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        plan.announce = prefixes(Party::Tor, true, 3);
        let _tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let folder = plain_manifests(lab)?;
        let agent = Agent::start_on(lab, &net.node, &folder, &[])?;
        let ours = || kernel::our_prefixes(&net.node, true);
        until("its routes are in the kernel", secs(20), || {
            let routes = ours()?;
            Ok(Look::when(routes.len() == 3, || format!("{routes:?}")))
        })?;
        let beside = lab.subdirectory("beside")?;
        let router = |install: bool| {
            let router = manifests::Router::new("reflector", NODE_ASN, "10.255.0.3")
                .with(&format!("kernel: {{install: {install}}}"))
                .with("listenPort: 1790");
            fs::write(beside.join("router.yaml"), router.text())
        };
        router(false)?;
        let socket = lab.directory().join("other.sock");
        let socket = socket.to_string_lossy();
        let mut other = net.node.command(&binary()?.to_string_lossy());
        other.args(["run", "--node", NODE, "--manifests"]);
        other.arg(&beside).args(["--socket", &*socket]);
        let log = lab.directory().join("other.log");
        let mut other = Daemon::start("cosmos", &mut other, &log)?;
        until("the other one has converged", secs(20), || {
            other.check_alive()?;
            let said = other.said();
            Ok(Look::when(said.contains(" converged"), || said.clone()))
        })?;
        always("the routes stay", secs(2), || {
            let routes = ours()?;
            Ok(Look::when(routes.len() == 3, || format!("{routes:?}")))
        })?;
        // It says what keeps it from installing, and installs when that is over.
        let says = |what: &str| {
            until(&format!("the status says {what}"), secs(10), || {
                let output = cosmos(&["get", "routers", "-o", "json", "--socket", &*socket])?;
                let status = String::from_utf8_lossy(&output.stdout).into_owned();
                Ok(Look::when(status.contains(what), || status))
            })
        };
        router(true)?;
        says("AnotherAgent")?;
        agent.stop()?;
        says("all best paths are in the kernel")?;
        other.stop(secs(10))?;
        Ok(())
    });
}

#[test]
fn asking_without_an_agent_is_one_clear_line_and_status_2() -> Result<()> {
    let output = cosmos(&["show", "peers", "--socket", "/nonexistent/cosmos.sock"])?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(2),
        "status {:?}: {said}",
        output.status
    );
    ensure!(
        said.trim().lines().count() == 1 && said.contains("/nonexistent/cosmos.sock"),
        "{said}"
    );
    Ok(())
}
