//! FRR: zebra and bgpd. VPN routes and the EVPN IP prefix are `network` statements; MAC and multicast routes come from a VXLAN device and its bridge.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use super::{Client, Family, Plan};
use crate::netns::{Namespace, run};
use crate::process::{Daemon, require, start_in};
use crate::wait::{Look, secs, until};

pub(super) struct Frr {
    namespace: String,
    directory: PathBuf,
    plan: Plan,
    _bgpd: Daemon,
    /// Dropped after bgpd.
    _zebra: Daemon,
}

/// The VNI of its bridge.
const VNI: u32 = 100;

impl Frr {
    pub(super) fn start(namespace: &Namespace, directory: &Path, plan: &Plan) -> Result<Self> {
        let zebra = require("/usr/lib/frr/zebra", "frr")?;
        let bgpd = require("/usr/lib/frr/bgpd", "frr")?;
        require("vtysh", "frr")?;
        let vtep = format!("10.{}.0.2", plan.number);
        namespace.ip("link add br100 type bridge")?;
        namespace.ip(&format!(
            "link add vx100 type vxlan id {VNI} dstport 4789 local {vtep} nolearning"
        ))?;
        namespace.ip("link add host type veth peer name port")?;
        for device in ["vx100", "port"] {
            namespace.ip(&format!("link set {device} master br100 up"))?;
        }
        namespace.ip("link set host up")?;
        namespace.ip("link set br100 up")?;
        fs::write(directory.join("bgpd.conf"), configuration(plan))?;
        fs::write(directory.join("zebra.conf"), "")?;
        let own = directory.to_string_lossy();
        let file = |name: &str| directory.join(name).to_string_lossy().into_owned();
        let api = file("zserv.api");
        let start = |program: &str, name: &str, more: &[&str]| {
            let (pid, config) = (file(&format!("{name}.pid")), file(&format!("{name}.conf")));
            let mut words = vec![
                program,
                "-u",
                "frr",
                "-g",
                "frr",
                "-i",
                &pid,
                "-z",
                &api,
                "--vty_socket",
                &own,
                "-A",
                "127.0.0.1",
                "-P",
                "0",
                "--log",
                "stdout",
                "-f",
                &config,
            ];
            words.extend(more);
            start_in(namespace, &words, &directory.join(format!("{name}.log")))
        };
        // The daemons give up root for the package's user.
        run("chown", &["-R", "frr:frr", &own])?;
        let zebra = start(zebra, "zebra", &["-s", "90000000"])?;
        until("zebra listens", secs(15), || {
            Ok(Look::when(directory.join("zserv.api").exists(), || {
                "no socket".into()
            }))
        })?;
        let mut daemon = start(bgpd, "bgpd", &["-l", &plan.local.to_string()])?;
        let frr = |daemon| Self {
            namespace: namespace.name().to_owned(),
            directory: directory.to_owned(),
            plan: plan.clone(),
            _bgpd: daemon,
            _zebra: zebra,
        };
        until("bgpd answers", secs(15), || {
            daemon.check_alive()?;
            ask(directory, &["show bgp summary json"]).map(Look::Done)
        })?;
        Ok(frr(daemon))
    }

    /// The statements of its own routes, by address family.
    fn networks(&self, family: Family) -> Vec<String> {
        let (rd, number) = (self.plan.rd(), self.plan.number);
        let evpn = |prefix: &str, gateway: &str| {
            format!(
                "network {prefix} rd {rd} ethtag 0 label 6000 esi 00:00:00:00:00:00:00:00:00:00 gwip {gateway} \
                 routermac 02:00:00:00:02:{number:02x} route-map own"
            )
        };
        match family {
            Family::Vpnv4 => vec![format!(
                "network {} rd {rd} label {number} route-map own",
                self.plan.prefix4()
            )],
            Family::Vpnv6 => vec![format!(
                "network {} rd {rd} label 1048575 route-map own",
                self.plan.prefix6()
            )],
            Family::Evpn => vec![
                evpn(&self.plan.prefix4(), &format!("10.{number}.0.254")),
                evpn(&self.plan.prefix6(), "::"),
            ],
        }
    }

    fn change(&self, no: &str, families: &[Family]) -> Result<()> {
        let mut commands = vec![
            "configure".to_owned(),
            format!("router bgp {}", self.plan.asn),
        ];
        for family in families {
            commands.push(format!("address-family {}", name(*family)));
            commands.extend(
                self.networks(*family)
                    .iter()
                    .map(|network| format!("{no}{network}")),
            );
            commands.push("exit-address-family".to_owned());
        }
        let commands: Vec<&str> = commands.iter().map(String::as_str).collect();
        ask(&self.directory, &commands).map(drop)
    }
}

fn ask(directory: &Path, commands: &[&str]) -> Result<String> {
    let mut args = vec!["--vty_socket", directory.to_str().context("path")?];
    for command in commands {
        args.extend(["-c", command]);
    }
    run("vtysh", &args)
}

fn name(family: Family) -> &'static str {
    match family {
        Family::Vpnv4 => "ipv4 vpn",
        Family::Vpnv6 => "ipv6 vpn",
        Family::Evpn => "l2vpn evpn",
    }
}

fn configuration(plan: &Plan) -> String {
    let Plan {
        asn,
        number,
        reflector,
        local,
        ..
    } = plan;
    let extended = match reflector.is_ipv6() {
        true => format!(" neighbor {reflector} capability extended-nexthop\n"),
        false => String::new(),
    };
    format!(
        "frr defaults datacenter
router bgp {asn}
 bgp router-id {}
 no bgp default ipv4-unicast
 no bgp network import-check
 neighbor {reflector} remote-as {asn}
 neighbor {reflector} update-source {local}
 neighbor {reflector} timers 3 9
 neighbor {reflector} timers connect 1
 neighbor {reflector} advertisement-interval 0
{extended} address-family ipv4 vpn
  neighbor {reflector} activate
 exit-address-family
 address-family ipv6 vpn
  neighbor {reflector} activate
 exit-address-family
 address-family l2vpn evpn
  neighbor {reflector} activate
  advertise-all-vni
  vni {VNI}
   rd {asn}:{number}
   route-target both {asn}:100
  exit-vni
 exit-address-family
exit
route-map own permit 10
 set extcommunity rt {asn}:100 {asn}:{number}
 set extcommunity soo {asn}:77
 set community {asn}:7 {asn}:3 no-export
 set large-community {asn}:1:2 {asn}:0:9
 set metric 50
 set local-preference 150
exit
",
        plan.router_id()
    )
}

impl Client for Frr {
    fn announce(&mut self) -> Result<()> {
        self.change("", &[Family::Vpnv4, Family::Vpnv6, Family::Evpn])?;
        let mac = format!("02:00:00:00:03:{:02x}", self.plan.number);
        run(
            "ip",
            &[
                "netns",
                "exec",
                &self.namespace,
                "bridge",
                "fdb",
                "replace",
                &mac,
                "dev",
                "port",
                "master",
                "static",
            ],
        )
        .map(drop)
    }

    fn withdraw(&mut self) -> Result<()> {
        self.change("no ", &[Family::Vpnv4, Family::Evpn])
    }

    fn received(&self, family: Family) -> Result<BTreeSet<String>> {
        let text = ask(
            &self.directory,
            &[&format!("show bgp {} json", name(family))],
        )?;
        let table: Value = serde_json::from_str(&text).with_context(|| format!("vtysh: {text}"))?;
        let learned = |paths: &Value| {
            paths
                .to_string()
                .contains(&format!("\"{}\"", self.plan.reflector))
        };
        let mut found = BTreeSet::new();
        match family {
            Family::Vpnv4 | Family::Vpnv6 => {
                for (rd, routes) in table["routes"]["routeDistinguishers"]
                    .as_object()
                    .into_iter()
                    .flatten()
                {
                    let routes = routes.as_object().into_iter().flatten();
                    let theirs = routes.filter(|(_, paths)| learned(paths));
                    found.extend(theirs.map(|(prefix, _)| format!("{rd}:{prefix}")));
                }
            }
            Family::Evpn => {
                for (rd, routes) in table.as_object().into_iter().flatten() {
                    let routes = routes.as_object().into_iter().flatten();
                    let theirs = routes.filter(|(_, paths)| learned(paths));
                    found.extend(theirs.map(|(route, _)| format!("{rd} {route}")));
                }
            }
        }
        Ok(found)
    }

    fn refresh(&self, family: Family) -> Result<()> {
        let command = format!("clear bgp {} {} soft in", name(family), self.plan.reflector);
        ask(&self.directory, &[&command]).map(drop)
    }
}
