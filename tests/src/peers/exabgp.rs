//! ExaBGP: it speaks BGP and leaves the table to a program of ours.
//!
//! That program is two lines of shell: `tail -f` of a file of commands goes to ExaBGP, and what ExaBGP reports (a JSON
//! document a line) goes to a file. The table of what was received is computed from that file.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::Result;
use serde_json::Value;

use super::{Common, Plan, Router};
use crate::netns::Namespace;
use crate::process::{Daemon, require};

#[derive(Debug)]
pub(super) struct ExaBgp(Common);

impl ExaBgp {
    pub(super) fn start(namespace: &Namespace, directory: &Path, plan: &Plan) -> Result<Self> {
        require("exabgp", "exabgp")?;
        let config = directory.join("exabgp.conf");
        let script = directory.join("table.sh");
        fs::write(&config, configuration(plan, &script))?;
        let here = directory.display();
        fs::write(
            &script,
            format!("#!/bin/sh\ntail -n +1 -f {here}/commands &\nexec cat >> {here}/events\n"),
        )?;
        fs::set_permissions(&script, fs::Permissions::from_mode(0o755))?;
        fs::write(
            directory.join("commands"),
            commands("announce", plan, &plan.announce),
        )?;
        fs::write(directory.join("events"), "")?;
        let mut command = namespace.command("exabgp");
        command
            .arg(&config)
            .env("exabgp.daemon.user", "root")
            .env("exabgp.daemon.daemonize", "false")
            .env("exabgp.daemon.drop", "false")
            .env("exabgp.log.destination", "stdout")
            .env("exabgp.log.level", "INFO")
            .env("exabgp.api.ack", "false")
            .env("exabgp.api.cli", "false")
            .env("exabgp.cache.attributes", "false")
            .env("exabgp.tcp.once", "false")
            .env("exabgp.tcp.port", "179")
            .env("exabgp.tcp.bind", plan.local.to_string());
        let daemon = Daemon::start("exabgp", &mut command, &directory.join("exabgp.log"))?;
        Ok(Self(Common {
            namespace: namespace.name().to_owned(),
            directory: directory.to_owned(),
            plan: plan.clone(),
            daemon,
        }))
    }

    fn events(&self) -> Result<Vec<Value>> {
        let text = fs::read_to_string(self.0.file("events"))?;
        // The last line may be half written.
        Ok(text
            .lines()
            .filter_map(|line| serde_json::from_str(line).ok())
            .collect())
    }
}

fn commands(verb: &str, plan: &Plan, prefixes: &[String]) -> String {
    prefixes
        .iter()
        .map(|p| format!("{verb} route {p} next-hop {}\n", plan.local))
        .collect()
}

fn configuration(plan: &Plan, script: &Path) -> String {
    let Plan {
        asn,
        router_id,
        local,
        remote,
        remote_asn,
        hold_time,
        passive,
        ..
    } = plan;
    let family = if plan.v6() {
        "ipv6 unicast"
    } else {
        "ipv4 unicast"
    };
    let password = plan
        .password
        .as_ref()
        .map(|p| format!("  md5-password '{p}';\n"))
        .unwrap_or_default();
    let security = match plan.ttl_security {
        true => "  outgoing-ttl 255;\n  incoming-ttl 255;\n",
        false => "",
    };
    format!(
        "process table {{
  run {};
  encoder json;
}}
neighbor {remote} {{
  router-id {router_id};
  local-address {local};
  local-as {asn};
  peer-as {remote_asn};
  hold-time {hold_time};
  passive {passive};
{password}{security}  family {{ {family}; }}
  api {{
    processes [ table ];
    neighbor-changes;
    receive {{ parsed; update; }}
  }}
}}
",
        script.display()
    )
}

impl Router for ExaBgp {
    fn name(&self) -> &'static str {
        "ExaBGP"
    }

    fn state(&self) -> Result<String> {
        let events = self.events()?;
        let last = events.iter().rev().find(|e| e["type"] == "state");
        let state = last
            .and_then(|e| e["neighbor"]["state"].as_str())
            .unwrap_or("none");
        Ok(if state == "up" {
            "Established".into()
        } else {
            state.into()
        })
    }

    fn received(&self, v6: bool) -> Result<BTreeSet<String>> {
        let family = if v6 { "ipv6 unicast" } else { "ipv4 unicast" };
        let mut table = BTreeSet::new();
        for event in self.events()? {
            if event["type"] == "state" && event["neighbor"]["state"] != "connected" {
                // A session that came up or went down starts from nothing.
                table.clear();
            }
            let update = &event["neighbor"]["message"]["update"];
            let by_next_hop = update["announce"][family]
                .as_object()
                .cloned()
                .unwrap_or_default();
            for routes in by_next_hop.values().filter_map(Value::as_array) {
                table.extend(
                    routes
                        .iter()
                        .filter_map(|r| r["nlri"].as_str().map(str::to_owned)),
                );
            }
            let withdrawn = update["withdraw"][family]
                .as_array()
                .cloned()
                .unwrap_or_default();
            for prefix in withdrawn.iter().filter_map(|r| r["nlri"].as_str()) {
                table.remove(prefix);
            }
        }
        Ok(table)
    }

    fn announce(&mut self, prefixes: &[String]) -> Result<()> {
        let old: BTreeSet<_> = self.0.plan.announce.iter().cloned().collect();
        let new: BTreeSet<_> = prefixes.iter().cloned().collect();
        let gone: Vec<_> = old.difference(&new).cloned().collect();
        let added: Vec<_> = new.difference(&old).cloned().collect();
        let mut text = commands("withdraw", &self.0.plan, &gone);
        text += &commands("announce", &self.0.plan, &added);
        File::options()
            .append(true)
            .open(self.0.file("commands"))?
            .write_all(text.as_bytes())?;
        self.0.plan.announce = prefixes.to_vec();
        Ok(())
    }

    fn daemon(&mut self) -> &mut Daemon {
        &mut self.0.daemon
    }
}
