//! BIRD 2: `bird -f`, asked with birdc.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};

use super::{AoKey, Common, Plan, Router, START_LIMIT};
use crate::netns::{Namespace, run};
use crate::process::{Daemon, require, start_in};
use crate::wait::{Look, until};

#[derive(Debug)]
pub(super) struct Bird(Common);

impl Bird {
    pub(super) fn start(namespace: &Namespace, directory: &Path, plan: &Plan) -> Result<Self> {
        require("bird", "bird2")?;
        let config = directory.join("bird.conf");
        fs::write(&config, configuration(plan))?;
        let socket = directory.join("bird.ctl");
        let (config, control) = (config.to_string_lossy(), socket.to_string_lossy());
        let mut words = vec!["bird", "-f", "-c", &config, "-s", &control];
        if plan.restart.is_some_and(|restart| restart.again) {
            words.push("-R");
        }
        let daemon = start_in(namespace, &words, &directory.join("bird.log"))?;
        let mut bird = Self(Common {
            namespace: namespace.name().to_owned(),
            directory: directory.to_owned(),
            plan: plan.clone(),
            daemon,
        });
        until("bird answers", START_LIMIT, || {
            bird.0.daemon.check_alive()?;
            bird.ask("show status").map(Look::Done)
        })?;
        Ok(bird)
    }

    /// Takes over the plan as it is now.
    fn reconfigure(&self) -> Result<()> {
        fs::write(self.0.file("bird.conf"), configuration(&self.0.plan))?;
        let said = self.ask("configure")?;
        if !said.contains("Reconfigured") && !said.contains("Reconfiguration in progress") {
            bail!("birdc configure in {}: {said}", self.0.namespace);
        }
        Ok(())
    }

    fn ask(&self, question: &str) -> Result<String> {
        let socket = self.0.file("bird.ctl");
        let mut args = vec!["-r", "-s", socket.to_str().context("path")?];
        if question.starts_with("configure") {
            args.remove(0);
        }
        args.extend(question.split_whitespace());
        run("birdc", &args)
    }
}

fn statics(name: &str, channel: &str, prefixes: &[String]) -> String {
    let routes: String = prefixes
        .iter()
        .map(|p| format!("  route {p} blackhole;\n"))
        .collect();
    format!("protocol static {name} {{\n  {channel};\n{routes}}}\n")
}

fn keys(keys: &[AoKey]) -> String {
    if keys.is_empty() {
        return String::new();
    }
    let keys: String = keys
        .iter()
        .map(|key| {
            let AoKey {
                send,
                recv,
                algorithm,
                secret,
                preferred,
            } = key;
            let preferred = if *preferred { "preferred;" } else { "" };
            format!(
                "key {{ send id {send}; recv id {recv}; algorithm {algorithm}; secret \"{secret}\"; {preferred} }};\n"
            )
        })
        .collect();
    format!("authentication ao;\n  keys {{\n{keys}  }};\n")
}

fn configuration(plan: &Plan) -> String {
    let Plan {
        asn,
        router_id,
        local,
        remote,
        remote_asn,
        hold_time,
        ..
    } = plan;
    let channel = if plan.v6() { "ipv6" } else { "ipv4" };
    let passive = if plan.passive { "passive on;" } else { "" };
    let security = if plan.ttl_security {
        "ttl security on;"
    } else {
        ""
    };
    let (bfd, bfd_protocol) = match plan.bfd {
        true => (
            // Which is what it has for RFC 5882 §4.3: `on` is the end of the session's routes, too.
            match plan.restart {
                Some(_) => "bfd graceful;",
                None => "bfd on;",
            },
            "protocol bfd {
  interface \"*\" { interval 50 ms; multiplier 3; };
  multihop { interval 50 ms; multiplier 3; };
}
",
        ),
        false => ("", ""),
    };
    let role = plan
        .role
        .map_or_else(String::new, |role| format!("local role {role};"));
    let multihop = if plan.multihop { "multihop 64;" } else { "" };
    let password = plan
        .password
        .as_ref()
        .map(|p| format!("password \"{p}\";"))
        .unwrap_or_default();
    let keys = keys(&plan.keys);
    let restart = plan.restart.map_or_else(String::new, |restart| {
        let time = restart.time;
        let long = restart.long_lived.map_or_else(String::new, |time| {
            format!("long lived graceful restart on; long lived stale time {time};")
        });
        format!("graceful restart on; graceful restart time {time}; {long}")
    });
    let mut text =
        format!("log stderr all;\nrouter id {router_id};\nprotocol device {{ scan time 1; }}\n");
    text += bfd_protocol;
    let mut interface = String::new();
    if let Some(name) = plan.interfaces.first() {
        interface = format!("interface \"{name}\";");
        text += &format!(
            "protocol radv {{
  interface \"{name}\" {{ min ra interval 3; max ra interval 4; default lifetime 0; }};
}}
"
        );
    }
    text += &statics("own", channel, &plan.announce);
    let mut channels =
        format!("{channel} {{ import all; export where source = RTS_STATIC; next hop self; }};");
    if !plan.announce_v4_over_v6.is_empty() {
        text += &statics("own4", "ipv4", &plan.announce_v4_over_v6);
        channels += " ipv4 { import all; export where source = RTS_STATIC; extended next hop on; next hop self; };";
    }
    text + &format!(
        "protocol bgp cosmos {{
  local {local} as {asn};
  neighbor {remote} as {remote_asn};
  {interface} {passive} {security} {password} {keys} {restart} {bfd} {multihop} {role}
  hold time {hold_time}; connect retry time 1; connect delay time 1; error wait time 1, 2;
  {channels}
}}
"
    )
}

impl Router for Bird {
    fn name(&self) -> &'static str {
        "BIRD"
    }

    fn state(&self) -> Result<String> {
        let text = self.ask("show protocols all cosmos")?;
        let state = text
            .lines()
            .find_map(|line| line.trim().strip_prefix("BGP state:"));
        Ok(state.unwrap_or("none").trim().to_owned())
    }

    fn received(&self, v6: bool) -> Result<BTreeSet<String>> {
        let table = if v6 { "master6" } else { "master4" };
        let text = self.ask(&format!("show route table {table} protocol cosmos"))?;
        // A line starts with the prefix, or with a blank when it continues the one before.
        Ok(text
            .lines()
            .filter(|line| line.starts_with(|c: char| c.is_ascii_hexdigit()))
            .filter_map(|line| line.split_whitespace().next())
            .filter(|word| word.contains('/'))
            .map(str::to_owned)
            .collect())
    }

    fn bfd_state(&self) -> Result<String> {
        let text = self.ask("show bfd sessions")?;
        // IP address, interface, state, since, interval, timeout.
        let remote = self.0.plan.remote.to_string();
        let mut rows = text.lines().map(|line| line.split_whitespace());
        let row = rows.find(|row| row.clone().next() == Some(&remote));
        let state = row.and_then(|mut row| row.nth(2));
        Ok(state.unwrap_or("none").to_lowercase())
    }

    fn announce(&mut self, prefixes: &[String]) -> Result<()> {
        self.0.plan.announce = prefixes.to_vec();
        self.reconfigure()
    }

    fn rekey(&mut self, keys: &[AoKey]) -> Result<()> {
        self.0.plan.keys = keys.to_vec();
        self.reconfigure()
    }

    fn daemon(&mut self) -> &mut Daemon {
        &mut self.0.daemon
    }
}
