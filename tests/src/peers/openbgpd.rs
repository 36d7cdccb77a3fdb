//! OpenBGPD: `bgpd -d`, asked with bgpctl.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use anyhow::{Context, Result, bail};
use rustix::process::Signal;
use serde_json::Value;

use super::{Common, Kind, Plan, Router, START_LIMIT, each_process};
use crate::netns::{Namespace, run};
use crate::process::{Daemon, require, start_in};
use crate::wait::{Look, until};

/// Where it changes its root to; the package leaves the making of it to its service file.
const HOME: &str = "/run/openbgpd";

#[derive(Debug)]
pub(super) struct OpenBgpd(Common);

impl OpenBgpd {
    pub(super) fn start(namespace: &Namespace, directory: &Path, plan: &Plan) -> Result<Self> {
        let bgpd = require("/usr/sbin/bgpd", "openbgpd")?;
        require("bgpctl", "openbgpd")?;
        fs::create_dir_all(HOME).with_context(|| format!("cannot make {HOME}"))?;
        let config = directory.join("bgpd.conf");
        write(&config, &configuration(plan, directory)?)?;
        let daemon = start_in(
            namespace,
            &[bgpd, "-d", "-v", "-f", &config.to_string_lossy()],
            &directory.join("bgpd.log"),
        )?;
        let mut openbgpd = Self(Common {
            namespace: namespace.name().to_owned(),
            directory: directory.to_owned(),
            plan: plan.clone(),
            daemon,
        });
        until("OpenBGPD answers", START_LIMIT, || {
            openbgpd.0.daemon.check_alive()?;
            openbgpd.ask(&["show", "neighbor"]).map(Look::Done)
        })?;
        Ok(openbgpd)
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        let socket = self.0.file("bgpd.sock");
        let mut args = vec!["-s", socket.to_str().context("path")?];
        args.extend(words);
        run("bgpctl", &args)
    }

    fn json(&self, words: &[&str]) -> Result<Value> {
        let mut args = vec!["-j"];
        args.extend(words);
        let text = self.ask(&args)?;
        serde_json::from_str(&text).with_context(|| format!("bgpctl {}: {text}", words.join(" ")))
    }
}

/// It refuses a configuration that others can read.
fn write(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text)?;
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))?;
    Ok(())
}

fn configuration(plan: &Plan, directory: &Path) -> Result<String> {
    let Plan {
        asn,
        router_id,
        local,
        remote,
        remote_asn,
        hold_time,
        ..
    } = plan;
    let family = if plan.v6() {
        "IPv6 unicast"
    } else {
        "IPv4 unicast"
    };
    let passive = if plan.passive { "  passive\n" } else { "" };
    let password = plan
        .password
        .as_ref()
        .map(|p| format!("  tcp md5sig password \"{p}\"\n"))
        .unwrap_or_default();
    let security = match plan.ttl_security {
        true => "  ttl-security yes\n",
        false => "",
    };
    // 8 has another way to say it than 7.
    let old_words = Kind::OpenBgpd.version()?.contains(" 7.");
    let role = plan.role.map_or_else(String::new, |role| match old_words {
        true => format!("  announce policy {role}\n"),
        false => format!("  role {role}\n  announce policy yes\n"),
    });
    let networks: String = plan
        .announce
        .iter()
        .map(|p| format!("network {p}\n"))
        .collect();
    Ok(format!(
        "AS {asn}
router-id {router_id}
listen on {local}
fib-update no
socket \"{}/bgpd.sock\"
holdtime {hold_time}
connect-retry 1
{networks}neighbor {remote} {{
  remote-as {remote_asn}
  local-address {local}
{passive}{password}{security}{role}  announce {family}
}}
allow from any
allow to any
",
        directory.display()
    ))
}

impl Router for OpenBgpd {
    fn name(&self) -> &'static str {
        "OpenBGPD"
    }

    fn state(&self) -> Result<String> {
        let remote = self.0.plan.remote.to_string();
        let value = self.json(&["show", "neighbor", &remote])?;
        Ok(value["neighbors"][0]["state"]
            .as_str()
            .unwrap_or("none")
            .to_owned())
    }

    fn received(&self, v6: bool) -> Result<BTreeSet<String>> {
        let family = if v6 { "inet6" } else { "inet" };
        let remote = self.0.plan.remote.to_string();
        let value = self.json(&["show", "rib", "neighbor", &remote, family])?;
        let rows = value["rib"].as_array().cloned().unwrap_or_default();
        Ok(rows
            .iter()
            .filter_map(|row| row["prefix"].as_str().map(str::to_owned))
            .collect())
    }

    fn announce(&mut self, prefixes: &[String]) -> Result<()> {
        self.0.plan.announce = prefixes.to_vec();
        write(
            &self.0.file("bgpd.conf"),
            &configuration(&self.0.plan, &self.0.directory)?,
        )?;
        let said = self.ask(&["reload"])?;
        if !said.contains("request processed") {
            bail!("bgpctl reload in {}: {said}", self.0.namespace);
        }
        Ok(())
    }

    fn daemon(&mut self) -> &mut Daemon {
        &mut self.0.daemon
    }

    fn resume(&mut self) {
        each_process(&self.0.daemon, Signal::CONT);
        // After an error it stays Idle for half a minute and refuses connections; its users say so:
        let remote = self.0.plan.remote.to_string();
        let heard = until("OpenBGPD starts the session again", START_LIMIT, || {
            let state = self.state()?;
            if state == "Idle" {
                self.ask(&["neighbor", &remote, "clear"])?;
            }
            Ok(Look::when(
                state != "Idle" && state != "Established",
                || state,
            ))
        });
        if let Err(error) = heard {
            eprintln!("{error:#}");
        }
    }
}
