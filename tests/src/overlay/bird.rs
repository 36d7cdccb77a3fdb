//! BIRD 2: static VPN routes with labels.

use std::collections::BTreeSet;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::{Client, Family, Plan};
use crate::netns::{Namespace, run};
use crate::process::{Daemon, require, start_in};
use crate::wait::{Look, secs, until};

pub(super) struct Bird {
    directory: PathBuf,
    plan: Plan,
    _daemon: Daemon,
}

impl Bird {
    pub(super) fn start(namespace: &Namespace, directory: &Path, plan: &Plan) -> Result<Self> {
        require("bird", "bird2")?;
        let config = directory.join("bird.conf");
        fs::write(&config, configuration(plan, &[]))?;
        let socket = directory.join("bird.ctl");
        let mut daemon = start_in(
            namespace,
            &[
                "bird",
                "-f",
                "-c",
                &config.to_string_lossy(),
                "-s",
                &socket.to_string_lossy(),
            ],
            &directory.join("bird.log"),
        )?;
        until("bird answers", secs(15), || {
            daemon.check_alive()?;
            ask(directory, "show status").map(Look::Done)
        })?;
        Ok(Self {
            directory: directory.to_owned(),
            plan: plan.clone(),
            _daemon: daemon,
        })
    }

    fn configure(&self, families: &[Family]) -> Result<()> {
        fs::write(
            self.directory.join("bird.conf"),
            configuration(&self.plan, families),
        )?;
        let said = ask(&self.directory, "configure")?;
        if !said.contains("Reconfigur") {
            bail!("birdc configure: {said}");
        }
        Ok(())
    }
}

fn ask(directory: &Path, question: &str) -> Result<String> {
    let socket = directory.join("bird.ctl");
    let mut args = vec!["-s", socket.to_str().context("path")?];
    args.extend(question.split_whitespace());
    run("birdc", &args)
}

fn table(family: Family) -> &'static str {
    match family {
        Family::Vpnv4 => "vpn4t",
        Family::Vpnv6 => "vpn6t",
        Family::Evpn => "none",
    }
}

/// Next hops of routes are looked up in tables with a default route; its own routes lead to a neighbour of the link, which need not be
/// there.
fn configuration(plan: &Plan, announced: &[Family]) -> String {
    let Plan {
        asn,
        number,
        local,
        reflector,
        ..
    } = plan;
    let rd = plan.rd();
    let attributes = format!(
        "bgp_ext_community.add((rt, {asn}, 100)); bgp_ext_community.add((ro, {asn}, 77)); bgp_community.add(({asn}, 7)); \
         bgp_community.add(({asn}, 3)); bgp_large_community.add(({asn}, 1, 2)); bgp_med = 50; bgp_local_pref = 150; \
         bgp_origin = ORIGIN_EGP;"
    );
    let gateway = match local {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.77")
        }
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::77")
        }
    };
    let statics: String = announced
        .iter()
        .map(|family| {
            let (channel, prefix, label) = match family {
                Family::Vpnv4 => ("vpn4", plan.prefix4(), u32::from(*number) + 16),
                _ => ("vpn6", plan.prefix6(), 1_048_575),
            };
            let table = table(*family);
            format!(
                "protocol static own_{channel} {{ {channel} {{ table {table}; }}; route {rd} {prefix} via {gateway} mpls {label} {{ {attributes} }}; }}\n"
            )
        })
        .collect();
    let ways: String = [*reflector, plan.beside]
        .iter()
        .map(|way| match way {
            IpAddr::V4(_) => {
                format!("protocol static out4 {{ ipv4 {{ table way4; }}; route 0.0.0.0/0 via {way}; }}\n")
            }
            IpAddr::V6(_) => {
                format!("protocol static out6 {{ ipv6 {{ table way6; }}; route ::/0 via {way}; }}\n")
            }
        })
        .collect();
    format!(
        "log stderr all;
router id {};
protocol device {{ scan time 1; }}
vpn4 table vpn4t; vpn6 table vpn6t; ipv4 table way4; ipv6 table way6;
{ways}{statics}protocol bgp cosmos {{
  local {local} as {asn}; neighbor {reflector} as {asn}; multihop;
  hold time 9; connect retry time 1; connect delay time 1; error wait time 1, 2;
  vpn4 mpls {{ table vpn4t; import keep filtered; import all; export where source = RTS_STATIC; igp table way4; next hop keep; extended next hop on; }};
  vpn6 mpls {{ table vpn6t; import keep filtered; import all; export where source = RTS_STATIC; igp table way6; next hop keep; }};
}}
",
        plan.router_id()
    )
}

impl Client for Bird {
    fn announce(&mut self) -> Result<()> {
        self.configure(&[Family::Vpnv4, Family::Vpnv6])
    }

    fn withdraw(&mut self) -> Result<()> {
        self.configure(&[Family::Vpnv6])
    }

    fn received(&self, family: Family) -> Result<BTreeSet<String>> {
        let text = ask(
            &self.directory,
            &format!("show route table {} protocol cosmos", table(family)),
        )?;
        // `65000:1 10.1.0.0/24  unicast [...]`
        Ok(text
            .lines()
            .filter_map(|line| {
                let mut words = line.split_whitespace();
                let (rd, prefix) = (words.next()?, words.next()?);
                (rd.contains(':') && prefix.contains('/')).then(|| format!("{rd}:{prefix}"))
            })
            .collect())
    }

    /// All families at once is what this release can do.
    fn refresh(&self, _: Family) -> Result<()> {
        // BIRD 2, then BIRD 3.
        ask(&self.directory, "reload in cosmos")
            .or_else(|_| ask(&self.directory, "reload bgp cosmos"))
            .map(drop)
    }
}
