//! A second agent beside one that runs.

use std::fs;

use anyhow::Context;
use bgp_tests::agent::{Agent, NODE, binary, cosmos, run_command};
use bgp_tests::lab::{self, NodeAndTor};
use bgp_tests::process::Daemon;
use bgp_tests::scenario::{NODE_ASN, bird};
use bgp_tests::wait::{Look, always, secs, until};
use bgp_tests::{kernel, manifests};

use crate::{must_fail, plain_manifests};

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
        let (_, _tor) = bird(lab, &net, 3)?;
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
