//! Starts that must fail, each with one clear line.

use std::fs;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use bgp_tests::agent::{cosmos, run_command};
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::manifests;
use bgp_tests::process::Daemon;
use bgp_tests::scenario::{NODE_ASN, PEER, TOR_ASN, bird};
use bgp_tests::wait::{Look, secs, until};

use crate::{must_fail, plain_manifests};

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
        let (_, _tor) = bird(lab, &net, 3)?;
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
