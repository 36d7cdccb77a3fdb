//! FRR: zebra and bgpd, asked with vtysh.
//!
//! zebra is there because bgpd learns from it which link a neighbour is on; without, it refuses next hops with a
//! link-local part (RFC 2545). The whole file is given to bgpd with `-f`: it holds nothing but what bgpd knows, so the trap of integrated files (a block
//! of another daemon ends the reading silently) does not arise.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::net::UnixStream;
use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::{Common, Plan, Router, START_LIMIT};
use crate::netns::{Namespace, run};
use crate::process::{Daemon, require, start_in};
use crate::wait::{Look, until};

#[derive(Debug)]
pub(super) struct Frr {
    common: Common,
    bfdd: Option<Daemon>,
    /// Dropped after the others.
    zebra: Daemon,
}

/// The intervals of [`Plan::bfd`]. Packets that come over several hops may have any TTL.
const BFD: &str = "bfd
 profile fast
  detect-multiplier 3
  receive-interval 50
  transmit-interval 50
  minimum-ttl 1
 exit
exit
";

impl Frr {
    pub(super) fn start(namespace: &Namespace, directory: &Path, plan: &Plan) -> Result<Self> {
        let zebra = require("/usr/lib/frr/zebra", "frr")?;
        let bgpd = require("/usr/lib/frr/bgpd", "frr")?;
        require("vtysh", "frr")?;
        let config = directory.join("bgpd.conf");
        fs::write(&config, configuration(plan))?;
        let own = directory.to_string_lossy();
        let file = |name: &str| directory.join(name).to_string_lossy().into_owned();
        let zebra_api = file("zserv.api");
        let start = |program: &str, name: &str, more: &[&str]| {
            let pid = file(&format!("{name}.pid"));
            let mut words = vec![
                program,
                "-u",
                "frr",
                "-g",
                "frr",
                "-i",
                &pid,
                "-z",
                &zebra_api,
                "--vty_socket",
                &own,
                "-A",
                "127.0.0.1",
                "-P",
                "0",
                "--log",
                "stdout",
                "--log-level",
                "informational",
            ];
            words.extend(more);
            start_in(namespace, &words, &directory.join(format!("{name}.log")))
        };
        let empty = file("zebra.conf");
        fs::write(&empty, "")?;
        // The daemons give up root for the package's user.
        run("chown", &["-R", "frr:frr", &own])?;
        let zebra = start(zebra, "zebra", &["-s", "90000000", "-f", &empty])?;
        until("zebra listens", START_LIMIT, || {
            // The socket of a zebra that was killed is there and nobody behind it: bgpd would try again only ten seconds
            // later, know no link until then and take every next hop with a link-local part for malformed.
            UnixStream::connect(&zebra_api)?;
            Ok(Look::Done(()))
        })?;
        let bfdd = match plan.bfd {
            true => {
                let bfdd = require("/usr/lib/frr/bfdd", "frr")?;
                let (config, control) = (file("bfdd.conf"), file("bfdd.sock"));
                fs::write(&config, BFD)?;
                let mut words = vec!["-f", &config];
                // FRR 10 has no such socket.
                if run(bfdd, &["--help"])?.contains("--bfdctl") {
                    words.extend(["--bfdctl", &control]);
                }
                Some(start(bfdd, "bfdd", &words)?)
            }
            false => None,
        };
        let (config, local) = (file("bgpd.conf"), plan.local.to_string());
        let mut words = vec!["-f", &config];
        if plan.interfaces.is_empty() {
            words.extend(["-l", &local]);
        }
        let daemon = start(bgpd, "bgpd", &words)?;
        let mut frr = Self {
            common: Common {
                namespace: namespace.name().to_owned(),
                directory: directory.to_owned(),
                plan: plan.clone(),
                daemon,
            },
            bfdd,
            zebra,
        };
        until("bgpd answers", START_LIMIT, || {
            frr.common.daemon.check_alive()?;
            let summary = frr.json("show bgp summary json")?;
            Ok(Look::when(summary.is_object(), || summary.to_string()))
        })?;
        Ok(frr)
    }

    fn ask(&self, commands: &[&str]) -> Result<String> {
        let mut args = vec![
            "--vty_socket",
            self.common.directory.to_str().context("path")?,
        ];
        for command in commands {
            args.extend(["-c", command]);
        }
        run("vtysh", &args)
    }

    fn json(&self, command: &str) -> Result<Value> {
        let text = self.ask(&[command])?;
        serde_json::from_str(&text).with_context(|| format!("vtysh {command}: {text}"))
    }
}

fn family(v6: bool) -> &'static str {
    if v6 { "ipv6 unicast" } else { "ipv4 unicast" }
}

/// Whom it has sessions with: an address, or interfaces.
fn neighbours(plan: &Plan) -> Vec<String> {
    match &plan.interfaces[..] {
        [] => vec![plan.remote.to_string()],
        interfaces => interfaces.iter().map(ToString::to_string).collect(),
    }
}

fn configuration(plan: &Plan) -> String {
    let Plan { asn, router_id, .. } = plan;
    let mut text = format!(
        "frr defaults traditional
hostname tor
router bgp {asn}
 bgp router-id {router_id}
 no bgp ebgp-requires-policy
 no bgp default ipv4-unicast
 no bgp network import-check
"
    );
    if let Some(restart) = plan.restart {
        // The F bit, as it is said when zebra keeps the routes.
        text += &format!(
            " bgp graceful-restart\n bgp graceful-restart preserve-fw-state\n bgp graceful-restart restart-time {}\n",
            restart.time
        );
        if let Some(time) = restart.long_lived {
            text += &format!(" bgp long-lived-graceful-restart stale-time {time}\n");
        }
    }
    let neighbours = neighbours(plan);
    for neighbour in &neighbours {
        text += &session(plan, neighbour);
    }
    let mut block = |v6: bool, prefixes: &mut dyn Iterator<Item = &String>| {
        text += &format!(" address-family {}\n", family(v6));
        for neighbour in &neighbours {
            text += &format!("  neighbor {neighbour} activate\n");
        }
        for prefix in prefixes {
            text += &format!("  network {prefix}\n");
        }
        text += " exit-address-family\n";
    };
    if !plan.interfaces.is_empty() {
        for v6 in [false, true] {
            let of_family = |prefix: &&String| prefix.contains(':') == v6;
            block(v6, &mut plan.announce.iter().filter(of_family));
        }
        return text + "exit\n";
    }
    block(plan.v6(), &mut plan.announce.iter());
    if !plan.announce_v4_over_v6.is_empty() {
        block(false, &mut plan.announce_v4_over_v6.iter());
    }
    text + "exit\n"
}

fn session(plan: &Plan, neighbour: &str) -> String {
    let Plan {
        local,
        remote_asn,
        hold_time,
        ..
    } = plan;
    let mut text = match plan.interfaces.is_empty() {
        true => format!(
            " neighbor {neighbour} remote-as {remote_asn}
 neighbor {neighbour} update-source {local}
 neighbor {neighbour} disable-connected-check
"
        ),
        false => {
            let kind = match plan.asn == *remote_asn {
                true => "internal",
                false => "external",
            };
            format!(" neighbor {neighbour} interface remote-as {kind}\n")
        }
    };
    text += &format!(
        " neighbor {neighbour} timers {} {hold_time}
 neighbor {neighbour} timers connect 1
 neighbor {neighbour} advertisement-interval 0
",
        hold_time / 3
    );
    if plan.bfd {
        text += &format!(" neighbor {neighbour} bfd profile fast\n");
    }
    if plan.multihop {
        text += &format!(" neighbor {neighbour} ebgp-multihop 64\n");
    }
    if plan.passive {
        text += &format!(" neighbor {neighbour} passive\n");
    }
    if plan.ttl_security {
        text += &format!(" neighbor {neighbour} ttl-security hops 1\n");
    }
    if let Some(role) = plan.role {
        text += &format!(" neighbor {neighbour} local-role {role}\n");
    }
    if let Some(password) = &plan.password {
        text += &format!(" neighbor {neighbour} password {password}\n");
    }
    if !plan.announce_v4_over_v6.is_empty() {
        text += &format!(" neighbor {neighbour} capability extended-nexthop\n");
    }
    text
}

impl Router for Frr {
    fn name(&self) -> &'static str {
        "FRR"
    }

    fn state(&self) -> Result<String> {
        let mut furthest = "none".to_owned();
        for neighbour in neighbours(&self.common.plan) {
            let neighbors = self.json(&format!("show bgp neighbors {neighbour} json"))?;
            let state = neighbors[&neighbour]["bgpState"].as_str();
            furthest = state.unwrap_or("none").to_owned();
            if furthest != "Established" {
                break;
            }
        }
        Ok(furthest)
    }

    fn received(&self, v6: bool) -> Result<BTreeSet<String>> {
        let table = self.json(&format!("show bgp {} json", family(v6)))?;
        let Plan {
            remote, interfaces, ..
        } = &self.common.plan;
        let remote = remote.to_string();
        let routes = table["routes"].as_object().cloned().unwrap_or_default();
        // Whoever is on its interfaces has a link-local address.
        let is_remote = |path: &Value| match interfaces.is_empty() {
            true => path["peerId"] == remote.as_str(),
            false => path["peerId"]
                .as_str()
                .is_some_and(|id| id.starts_with("fe80:")),
        };
        let from_remote = |paths: &Value| {
            let mut paths = paths.as_array().into_iter().flatten();
            paths.any(is_remote)
        };
        Ok(routes
            .into_iter()
            .filter(|(_, paths)| from_remote(paths))
            .map(|(prefix, _)| prefix)
            .collect())
    }

    fn bfd_state(&self) -> Result<String> {
        let remote = self.common.plan.remote.to_string();
        let peers = self.json("show bfd peers json")?;
        let mut peers = peers.as_array().into_iter().flatten();
        let by_interface = !self.common.plan.interfaces.is_empty();
        let peer = peers.find(|peer| by_interface || peer["peer"] == remote.as_str());
        let state = peer.and_then(|peer| peer["status"].as_str());
        Ok(state.unwrap_or("none").to_owned())
    }

    fn shut_bfd(&mut self, shut: bool) -> Result<()> {
        let no = if shut { "" } else { "no " };
        let file = self.common.file("shut.conf");
        fs::write(&file, format!("bfd\nprofile fast\n{no}shutdown\n"))?;
        let directory = self.common.directory.to_string_lossy();
        let said = run(
            "vtysh",
            &["--vty_socket", &directory, "-f", &file.to_string_lossy()],
        )?;
        match said.contains('%') {
            true => bail!("vtysh in {}: {said}", self.common.namespace),
            false => Ok(()),
        }
    }

    fn announce(&mut self, prefixes: &[String]) -> Result<()> {
        let old: BTreeSet<_> = self.common.plan.announce.iter().cloned().collect();
        let new: BTreeSet<_> = prefixes.iter().cloned().collect();
        let mut commands = format!(
            "router bgp {}\naddress-family {}\n",
            self.common.plan.asn,
            family(self.common.plan.v6())
        );
        for prefix in old.difference(&new) {
            commands += &format!("no network {prefix}\n");
        }
        for prefix in new.difference(&old) {
            commands += &format!("network {prefix}\n");
        }
        let file = self.common.file("change.conf");
        fs::write(&file, commands)?;
        let directory = self.common.directory.to_string_lossy();
        let said = run(
            "vtysh",
            &["--vty_socket", &directory, "-f", &file.to_string_lossy()],
        )?;
        if said.contains('%') {
            bail!("vtysh in {}: {said}", self.common.namespace);
        }
        self.common.plan.announce = prefixes.to_vec();
        Ok(())
    }

    fn daemon(&mut self) -> &mut Daemon {
        &mut self.common.daemon
    }

    fn kill(&mut self) {
        self.common.daemon.kill();
        if let Some(bfdd) = &mut self.bfdd {
            bfdd.kill();
        }
        self.zebra.kill();
    }
}
