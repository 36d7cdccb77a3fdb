//! GoBGP 3.10: `gobgpd`, asked with `gobgp` inside the namespace.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use anyhow::{Result, bail};
use serde_json::Value;

use super::{Client, Family, Plan};
use crate::netns::Namespace;
use crate::process::{Daemon, require, start_in};
use crate::wait::{Look, secs, until};

pub(super) struct GoBgp {
    namespace: String,
    plan: Plan,
    _daemon: Daemon,
}

impl GoBgp {
    pub(super) fn start(namespace: &Namespace, directory: &Path, plan: &Plan) -> Result<Self> {
        require("gobgpd", "gobgpd")?;
        require("gobgp", "gobgpd")?;
        let config = directory.join("gobgpd.conf");
        fs::write(&config, configuration(plan))?;
        let mut daemon = start_in(
            namespace,
            &[
                "gobgpd",
                "-f",
                &config.to_string_lossy(),
                "--pprof-disable",
                "--api-hosts",
                "127.0.0.1:50051",
                "-l",
                "info",
                "-p",
            ],
            &directory.join("gobgpd.log"),
        )?;
        let ask = |words: &[&str]| ask(namespace.name(), words);
        until("gobgpd answers", secs(15), || {
            daemon.check_alive()?;
            ask(&["global"]).map(Look::Done)
        })?;
        Ok(Self {
            namespace: namespace.name().to_owned(),
            plan: plan.clone(),
            _daemon: daemon,
        })
    }

    fn ask(&self, words: &[&str]) -> Result<String> {
        ask(&self.namespace, words)
    }

    /// The words after `global rib add` or `del`, a route each.
    fn routes(&self) -> Vec<(Family, String)> {
        let Plan {
            asn, number, local, ..
        } = &self.plan;
        let (rd, prefix4, prefix6) = (self.plan.rd(), self.plan.prefix4(), self.plan.prefix6());
        let targets = format!("rd {rd} rt {asn}:100 {asn}:{number}");
        let more = format!(
            "med 50 local-pref 200 community {asn}:7,{asn}:3 large-community {asn}:1:2,{asn}:0:9 aigp metric 1000"
        );
        let mac = format!("02:00:00:00:01:{number:02x}");
        vec![
            (
                Family::Vpnv4,
                format!("{prefix4} label {number} {targets} nexthop {local} {more}"),
            ),
            (
                Family::Vpnv6,
                format!("{prefix6} label 1048575 {targets} nexthop {local} med 0"),
            ),
            (
                Family::Evpn,
                format!(
                    "macadv {mac} 10.{number}.0.1 esi AS {asn} {number} etag 7 label 16777215 {targets} encap vxlan nexthop {local}"
                ),
            ),
            (
                Family::Evpn,
                format!(
                    "macadv {mac} 0.0.0.0 etag 0 label 5000 {targets} encap vxlan router-mac {mac} nexthop {local}"
                ),
            ),
            (
                Family::Evpn,
                format!(
                    "multicast 10.{number}.0.2 etag 0 {targets} encap vxlan pmsi ingress-repl 5000 10.{number}.0.2 nexthop {local}"
                ),
            ),
            (
                Family::Evpn,
                format!(
                    "prefix {prefix4} gw 10.{number}.0.254 etag 0 label 6000 {targets} encap vxlan router-mac {mac} nexthop {local} {more}"
                ),
            ),
            (
                Family::Evpn,
                format!(
                    "prefix {prefix6} gw :: etag 0 label 6000 {targets} encap vxlan router-mac {mac} nexthop {local}"
                ),
            ),
            (
                Family::Evpn,
                format!(
                    "a-d esi AS {asn} {number} etag 0 label 0 {targets} esi-label 300 nexthop {local}"
                ),
            ),
            (
                Family::Evpn,
                format!("esi 10.{number}.0.2 esi AS {asn} {number} {targets} nexthop {local}"),
            ),
        ]
    }

    fn change(&self, verb: &str, family: Family, route: &str) -> Result<()> {
        let mut words = vec!["global", "rib", verb, "-a", name(family)];
        words.extend(route.split_whitespace());
        self.ask(&words).map(drop)
    }
}

fn ask(namespace: &str, words: &[&str]) -> Result<String> {
    let mut args = vec!["netns", "exec", namespace, "gobgp"];
    args.extend(words);
    crate::netns::run("ip", &args)
}

fn name(family: Family) -> &'static str {
    match family {
        Family::Vpnv4 => "vpnv4",
        Family::Vpnv6 => "vpnv6",
        Family::Evpn => "evpn",
    }
}

fn configuration(plan: &Plan) -> String {
    let Plan {
        asn,
        local,
        reflector,
        constrained,
        ..
    } = plan;
    let mut families = vec!["l3vpn-ipv4-unicast", "l3vpn-ipv6-unicast", "l2vpn-evpn"];
    if *constrained {
        families.push("rtc");
    }
    let families: String = families
        .iter()
        .map(|family| {
            format!("  [[neighbors.afi-safis]]\n    [neighbors.afi-safis.config]\n      afi-safi-name = \"{family}\"\n")
        })
        .collect();
    format!(
        "[global.config]
  as = {asn}
  router-id = \"{}\"
  port = 179
  local-address-list = [\"{local}\"]
[[neighbors]]
  [neighbors.config]
    neighbor-address = \"{reflector}\"
    peer-as = {asn}
  [neighbors.transport.config]
    local-address = \"{local}\"
  [neighbors.timers.config]
    connect-retry = 1
    idle-hold-time-after-reset = 1
    hold-time = 9
    keepalive-interval = 3
{families}",
        plan.router_id()
    )
}

impl Client for GoBgp {
    fn announce(&mut self) -> Result<()> {
        for (family, route) in self.routes() {
            self.change("add", family, &route)?;
        }
        Ok(())
    }

    fn withdraw(&mut self) -> Result<()> {
        let routes = self.routes();
        let gone = |(family, route): &&(Family, String)| match family {
            Family::Vpnv4 => true,
            Family::Vpnv6 => false,
            Family::Evpn => route.starts_with("prefix"),
        };
        for (family, route) in routes.iter().filter(gone) {
            self.change("del", *family, route)?;
        }
        Ok(())
    }

    fn received(&self, family: Family) -> Result<BTreeSet<String>> {
        let reflector = self.plan.reflector.to_string();
        let text = self.ask(&["-j", "neighbor", &reflector, "adj-in", "-a", name(family)])?;
        let Ok(Value::Object(table)) = serde_json::from_str(&text) else {
            return Ok(BTreeSet::new());
        };
        Ok(table.keys().cloned().collect())
    }

    /// Its soft reset looks at what it kept, and asks nobody.
    fn refresh(&self, _: Family) -> Result<()> {
        bail!("GoBGP does not ask for routes again")
    }

    /// What it asks for follows from its VRFs. (Deleting one ends GoBGP 3.10, if it has been told a default membership.)
    fn want(&self, target: &str) -> Result<()> {
        let name = format!("vrf-{}", target.replace(':', "-"));
        let rd = format!("{}:9", self.plan.asn);
        self.ask(&["vrf", "add", &name, "rd", &rd, "rt", "both", target])
            .map(drop)
    }
}
