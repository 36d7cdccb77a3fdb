//! How the agent starts, when it is ready, and how it ends.

use std::collections::BTreeSet;

use anyhow::ensure;
use bgp_tests::agent::{Agent, NODE, binary, run_command};
use bgp_tests::lab::{self, NodeAndTor};
use bgp_tests::netns::finish;
use bgp_tests::process::{Daemon, start_in};
use bgp_tests::routes::{Party, prefixes};
use bgp_tests::scenario::{NODE_ASN, PEER, Variant, bird, documents};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{kernel, manifests};

use crate::await_set;

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
        let (plan, mut tor) = bird(lab, &net, 100)?;
        let documents = documents(Variant::default(), 0);
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
        let (plan, _tor) = bird(lab, &net, 100)?;
        let documents = documents(Variant::default(), 0);
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
        let documents = documents(Variant::default(), 0);
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

        let (_, tor) = bird(lab, &net, 100)?;
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
