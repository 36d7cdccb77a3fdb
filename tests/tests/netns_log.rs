//! What the log says of sessions that fail and of UPDATEs that are malformed: once, with names and reasons.

use std::fmt::Write;
use std::fs::File;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::kernel;
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::manifests;
use bgp_tests::netns::run;
use bgp_tests::peers::{self, Kind, Plan};
use bgp_tests::raw::{RawPeer, ipv4_update, open};
use bgp_tests::raw_session::{self, RAW, RAW_ASN};
use bgp_tests::scenario::{NODE_ASN, PEER, Pair, TOR_ASN, Variant};
use bgp_tests::wait::{Look, always, secs, until};
use serde_json::Value;

/// An agent whose log is as a user has it, with one peer.
fn agent_with_raw_peer(lab: &Lab, net: &NodeAndTor) -> Result<Agent> {
    raw_session::agent(lab, net, &["--log-level", "info"])
}

/// The lines of the log that have these words.
fn lines(agent: &Agent, words: &[&str]) -> Vec<String> {
    let log = agent.log();
    let found = log.lines().filter(|l| words.iter().all(|w| l.contains(w)));
    found.map(str::to_owned).collect()
}

/// One fact of `cosmos show peer`.
fn fact(agent: &Agent, peer: &str, name: &str) -> Result<String> {
    let shown = agent.ask(&["show", "peer", peer])?;
    let line = shown
        .lines()
        .find_map(|line| line.trim().strip_prefix(name))
        .with_context(|| format!("no {name:?} in:\n{shown}"))?;
    Ok(line.trim().to_owned())
}

#[test]
fn a_neighbour_of_another_as_is_one_warning_with_names_and_reason() {
    lab::run("wrongas", |lab| {
        let net = NodeAndTor::new()?;
        let plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        let _tor = peers::start(Kind::Bird, &net.tor, &lab.subdirectory("tor")?, &plan)?;
        let peer = manifests::Peer::new(PEER, "underlay", 65999, address(true, true));
        let documents = [
            (
                "router",
                manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
            ),
            ("peer", peer.text()),
        ];
        let agent = Agent::start_with(lab, &net.node, &documents, &["--log-level", "info"])?;
        let opens = || -> Result<u64> {
            let told = agent.json(&["show", "peer", PEER])?;
            told["received"]["open"].as_u64().context("no count")
        };
        until("BIRD has tried three times", secs(40), || {
            let opens = opens()?;
            Ok(Look::when(opens >= 3, || format!("{opens} OPENs")))
        })?;
        let said = lines(&agent, &["WARN", "no session"]);
        let [line] = &said[..] else {
            anyhow::bail!("{} warnings: {said:#?}", said.len())
        };
        for word in [
            "router=underlay",
            "peer=default/tor",
            "reason=sent",
            "Bad Peer AS",
        ] {
            ensure!(line.contains(word), "{word} is not in: {line}");
        }
        let why = fact(&agent, PEER, "last failure")?;
        ensure!(why.contains("Bad Peer AS"), "why: {why}");
        agent.stop()
    });
}

/// Many a neighbour rests after an error, and closes connections without a word meanwhile.
#[test]
fn a_notification_stays_the_reason_when_later_connections_are_closed_without_a_word() {
    lab::run("wordless", |lab| {
        let net = NodeAndTor::new()?;
        let agent = agent_with_raw_peer(lab, &net)?;
        let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        peer.send(&open(65999, 90, [10, 255, 0, 9]))?;
        ensure!(peer.await_notification(secs(5))? == (2, 2), "another word");
        drop(peer);
        // Each is taken, as our OPEN shows.
        let mut taken = 0;
        until("connections were taken and closed", secs(60), || {
            let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
            taken += u32::from(peer.receive(secs(5))?.is_some_and(|m| m.kind == 1));
            Ok(Look::when(taken == 3, || format!("{taken} were")))
        })?;
        // The last of them is over.
        always("the NOTIFICATION is the reason", secs(1), || {
            let why = fact(&agent, RAW, "last failure")?;
            Ok(Look::when(why.contains("Bad Peer AS"), || why))
        })?;
        let said = lines(&agent, &["WARN", "no session"]);
        ensure!(said.len() == 1, "{said:#?}");
        agent.stop()
    });
}

/// The node has a route to the next hops that leads to no gateway, and that the kernel takes for none either.
#[test]
fn routes_that_the_kernel_refuses_are_one_warning_and_keep_the_node_from_being_ready() {
    lab::run("refusedroutes", |lab| {
        let net = NodeAndTor::new()?;
        let next_hop = [203, 0, 113, 1];
        net.node
            .ip("route add 203.0.113.0/24 dev up0 scope global")?;
        let agent = agent_with_raw_peer(lab, &net)?;
        let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        peer.establish(RAW_ASN, 90, secs(5))?;
        let mut update = ipv4_update(RAW_ASN, 0, &[24, 198, 51, 100, 24, 198, 51, 101]);
        let connected = [10, 12, 0, 1];
        let at = update.windows(4).position(|octets| octets == connected);
        let at = at.context("no NEXT_HOP")?;
        update[at..at + 4].copy_from_slice(&next_hop);
        peer.send(&update)?;
        let warnings = || lines(&agent, &["WARN", "refused by the kernel"]);
        until("the log warns", secs(10), || {
            Ok(Look::when(!warnings().is_empty(), || agent.log()))
        })?;
        let ready = || net.node.http_get(agent.health(), "/readyz");
        always("the node is not ready", secs(4), || {
            let (status, body) = ready()?;
            let told = body.contains("2 failed routes (the kernel refuses them)");
            Ok(Look::when(status == 503 && told, || {
                format!("{status}: {body}")
            }))
        })?;
        let said = warnings();
        let [line] = &said[..] else {
            anyhow::bail!("{} warnings: {said:#?}", said.len())
        };
        for word in [
            "router=underlay",
            "2 routes",
            "198.51.100.0/24",
            "Nexthop has invalid gateway",
        ] {
            ensure!(line.contains(word), "{word} is not in: {line}");
        }
        let routers = agent.ask(&["get", "routers"])?;
        ensure!(
            routers.contains("PROGRAMMED") && routers.contains("False (KernelError)"),
            "{routers}"
        );
        // An address of the network makes it one that gateways are on.
        net.node.ip("route del 203.0.113.0/24 dev up0")?;
        net.node.ip("address add 203.0.113.2/24 dev up0")?;
        until("the log says that it is over", secs(10), || {
            let over = lines(&agent, &["INFO", "no longer so", "invalid gateway"]);
            Ok(Look::when(over.len() == 1, || agent.log()))
        })?;
        until("/readyz is 200", secs(10), || {
            let (status, body) = ready()?;
            let ready = status == 200 && body.trim() == "ready: converged";
            Ok(Look::when(ready, || format!("{status}: {body}")))
        })?;
        agent.stop()
    });
}

/// RFC 7606 §6
#[test]
fn a_malformed_update_is_one_line_with_its_routes_and_all_its_octets() {
    lab::run("malformed", |lab| {
        let net = NodeAndTor::new()?;
        let agent = agent_with_raw_peer(lab, &net)?;
        let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        peer.establish(RAW_ASN, 90, secs(5))?;
        // ORIGIN 9, AS_PATH, NEXT_HOP, 203.0.113.0/24 and 198.51.100.0/24.
        let nlri = [24, 203, 0, 113, 24, 198, 51, 100];
        let bad = ipv4_update(RAW_ASN, 9, &nlri);
        let mut hex = String::new();
        for octet in &bad {
            write!(hex, "{octet:02x}")?;
        }
        for _ in 0..3 {
            peer.send(&bad)?;
        }
        until("all were seen", secs(5), || {
            let told = agent.json(&["show", "peer", RAW])?;
            let seen = told["dispositions"]["treat_as_withdraw"].as_u64();
            Ok(Look::when(seen == Some(3), || told.to_string()))
        })?;
        let said = lines(&agent, &["malformed UPDATE"]);
        let [line] = &said[..] else {
            anyhow::bail!("{} lines: {said:#?}", said.len())
        };
        for word in [
            "WARN",
            "router=underlay",
            "peer=default/raw",
            "ORIGIN",
            "203.0.113.0/24",
            "198.51.100.0/24",
            &hex,
        ] {
            ensure!(line.contains(word), "{word} is not in: {line}");
        }
        let last = fact(&agent, RAW, "last malformed")?;
        ensure!(last.contains("ORIGIN"), "last malformed: {last}");
        agent.stop()
    });
}

#[test]
fn lines_about_a_session_have_its_router_and_peer_as_fields_of_json() {
    lab::run("json", |lab| {
        let mut pair = Pair::start_with(
            lab,
            Kind::Bird,
            Variant::default(),
            &["--log-format", "json", "--log-level", "info"],
        )?;
        pair.await_established()?;
        pair.router.kill();
        pair.await_down(secs(15))?;
        // The log is written beside what it is about.
        until("the log says it", secs(5), || {
            let log = pair.agent.log();
            Ok(Look::when(log.contains("session down"), || log))
        })?;
        let log = pair.agent.log();
        let lines = log
            .lines()
            .map(|line| serde_json::from_str(line).with_context(|| line.to_owned()))
            .collect::<Result<Vec<Value>>>()?;
        for wanted in ["session established", "session down"] {
            let line = lines.iter().find(|line| line["message"] == wanted);
            let line = line.with_context(|| format!("no {wanted:?} in {log}"))?;
            let span = &line["span"];
            ensure!(
                span["router"] == "underlay" && span["peer"] == "default/tor",
                "{line}"
            );
        }
        Ok(())
    });
}

#[test]
fn a_route_that_is_kept_out_of_the_kernel_is_said_once_and_once_when_it_is_not_any_more() {
    lab::run("keptout", |lab| {
        let net = NodeAndTor::new()?;
        net.node.veth("other0", &net.tor, "other1")?;
        let agent = agent_with_raw_peer(lab, &net)?;
        let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(5))?;
        peer.establish(RAW_ASN, 90, secs(5))?;
        let update = ipv4_update(RAW_ASN, 0, &[24, 198, 51, 100, 24, 198, 51, 101]);
        peer.send(&update)?;
        let installed = |wanted: usize| {
            until("the kernel has the routes", secs(5), || {
                let installed = kernel::our_prefixes(&net.node, false)?;
                Ok(Look::when(installed.len() == wanted, || {
                    format!("{installed:?}")
                }))
            })
        };
        installed(2)?;
        net.node.ip("address add 198.51.100.1/24 dev other0")?;
        installed(1)?;
        let about = |words: &str| lines(&agent, &["router=underlay", "198.51.100.0/24 is", words]);
        // A connected route is never overridden: that is a rule, and nothing to be warned of.
        let why = "kept out of the kernel: a connected route exists";
        until("the log says so", secs(5), || {
            let said = about(why);
            let so = said.len() == 1 && said[0].contains("INFO");
            Ok(Look::when(so, || agent.log()))
        })?;
        net.node.ip("address del 198.51.100.1/24 dev other0")?;
        installed(2)?;
        until("the log says that it is over", secs(3), || {
            let said = about("no longer kept out");
            Ok(Look::when(said.len() == 1, || agent.log()))
        })?;
        ensure!(about(why).len() == 1, "{}", agent.log());
        agent.stop()
    });
}

#[test]
fn a_port_that_cannot_be_had_is_taken_when_it_is_free_and_until_then_the_one_of_before_stays() {
    lab::run("ports", |lab| {
        let net = NodeAndTor::new()?;
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let on = |port: u16| router.clone().with(&format!("listenPort: {port}")).text();
        let documents = [("router", on(1790))];
        let agent = Agent::start_with(lab, &net.node, &documents, &["--log-level", "info"])?;
        let says = |words: &[&str]| {
            until("the log says so, once", secs(5), || {
                let said = lines(&agent, words);
                Ok(Look::when(said.len() == 1, || agent.log()))
            })
        };
        says(&["INFO", "listening port=1790"])?;
        let other = net
            .node
            .enter(|| Ok(std::net::TcpListener::bind("[::]:1791")?))?;
        agent.apply("router", &on(1791))?;
        let stays = "port 1790 stays in use";
        says(&["ERROR", "cannot listen on TCP port 1791", stays])?;
        let dial = |port: u16| {
            net.node
                .enter(|| Ok(std::net::TcpStream::connect(("::1", port)).is_ok()))
        };
        ensure!(dial(1790)?, "{}", agent.log());
        ensure!(lines(&agent, &["no longer listening"]).is_empty());
        // Nothing is changed: it is tried again when there is room.
        drop(other);
        until("the port is open", secs(10), || {
            let there = dial(1791)?;
            Ok(Look::when(there, || agent.log()))
        })?;
        says(&["INFO", "no longer listening", "port=1790"])?;
        ensure!(!dial(1790)?, "{}", agent.log());
        agent.stop()
    });
}

/// A named pipe in the place of the agent's log, which nobody reads. It goes before the logs of a test that failed are read.
struct Unread {
    path: PathBuf,
    end: File,
}

impl Unread {
    fn new(lab: &Lab) -> Result<Self> {
        let path = lab.directory().join("cosmos.log");
        run("mkfifo", &[&path.to_string_lossy()])?;
        let mut options = File::options();
        let end = options.read(true).write(true).open(&path)?;
        Ok(Self { path, end })
    }
}

impl Drop for Unread {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.path);
    }
}

#[test]
fn a_log_that_cannot_be_written_or_that_nobody_reads_costs_nothing_but_lines() {
    for full in [true, false] {
        lab::run("unwritten", |lab| {
            let net = NodeAndTor::new()?;
            let unread = match full {
                true => {
                    symlink("/dev/full", lab.directory().join("cosmos.log"))?;
                    None
                }
                false => Some(Unread::new(lab)?),
            };
            let peer = manifests::Peer::new(PEER, "underlay", TOR_ASN, address(true, true));
            let documents = [
                (
                    "router",
                    manifests::Router::new("underlay", NODE_ASN, "10.255.0.2").text(),
                ),
                ("peer", peer.text()),
            ];
            let agent = Agent::start_with(lab, &net.node, &documents, &["--log-level", "trace"])?;
            // A pipe takes 64 KiB.
            let mut edits = 0;
            until("much was said", secs(30), || {
                edits += 1;
                let hold = 9 + edits % 2;
                let edited = peer.clone().with(&format!("holdTime: {hold}s"));
                agent.apply("peer", &edited.text())?;
                agent.ask(&["show", "peers"])?;
                let waits = match &unread {
                    Some(unread) => rustix::io::ioctl_fionread(&unread.end)?,
                    None => edits * 4000,
                };
                Ok(Look::when(waits > 60_000, || format!("{waits} octets")))
            })?;
            for _ in 0..20 {
                agent.apply("peer", &peer.text())?;
                agent.ask(&["show", "peer", PEER])?;
                agent.apply("peer", &peer.clone().with("holdTime: 30s").text())?;
            }
            agent.stop()
        });
    }
}
