//! Two routers of one node that listen on one port and have peers at one address: which of them a connection is for is told by the
//! address of ours that it comes to.

use std::fs;
use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, Lab, NodeAndTor, address};
use bgp_tests::netns::run;
use bgp_tests::process::{Daemon, require, start_in};
use bgp_tests::raw::RawPeer;
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{kernel, manifests};

/// The planes: router, peer, our address, our AS and the peer's.
const PLANES: [(&str, &str, &str, u32, u32); 2] = [
    ("one", "tor-one", "fd00:12::2", 65201, 65101),
    ("two", "tor-two", "fd00:12::22", 65202, 65102),
];
/// An address of ours that is no plane's.
const NOBODYS: &str = "fd00:12::33";
const PASSWORD: &str = "correct-horse";

fn ip(text: &str) -> IpAddr {
    text.parse().expect("an address")
}

/// The manifest of the peer of a plane, who is waited for.
fn peer(plane: usize, md5: bool) -> String {
    let (router, name, local, _, asn) = PLANES[plane];
    let mut peer = manifests::Peer::new(name, router, asn, address(true, true))
        .with(&format!("localAddress: \"{local}\""))
        .with("passive: true");
    if md5 {
        peer = peer.with("authSecretRef: {name: tor-password}");
    }
    peer.text()
}

fn start(lab: &Lab, net: &NodeAndTor, md5: bool) -> Result<Agent> {
    for more in [PLANES[1].2, NOBODYS] {
        net.node.address("up0", ip(more), 64)?;
    }
    let secret = manifests::secret("tor-password", PASSWORD);
    let mut documents = vec![("secret", secret)];
    for (plane, (router, name, _, asn, _)) in PLANES.into_iter().enumerate() {
        let router_id = format!("10.255.0.{}", plane + 2);
        let text = manifests::Router::new(router, asn, &router_id).text();
        documents.extend([(router, text), (name, peer(plane, md5))]);
    }
    Agent::start(lab, &net.node, &documents)
}

#[test]
fn a_connection_is_for_the_router_whose_address_it_comes_to() {
    // In this order and the other: nobody is right by being first.
    for order in [[0, 1], [1, 0]] {
        lab::run("demux", |lab| {
            let net = NodeAndTor::new()?;
            let agent = start(lab, &net, false)?;
            let mut sessions = Vec::new();
            for plane in order {
                let (_, name, local, _, asn) = PLANES[plane];
                let mut raw = RawPeer::connect(&net.tor, ip(local), secs(5))?;
                raw.establish(asn, 90, secs(5)).context(name)?;
                agent.await_state(name, "Established", secs(5))?;
                sessions.push(raw);
            }
            // The remote address alone is not enough to be let in.
            let mut raw = RawPeer::connect(&net.tor, ip(NOBODYS), secs(5))?;
            let heard = raw.receive(secs(5))?;
            ensure!(heard.is_none(), "who came to {NOBODYS} heard {heard:?}");
            agent.stop()
        });
    }
}

/// BIRD at one address with a session to each plane, a password and a route of its own on each.
struct Tor {
    _daemon: Daemon,
    socket: PathBuf,
}

/// What BIRD tells a plane.
fn route(plane: usize) -> String {
    format!("2001:db8:{}::/48", plane + 1)
}

impl Tor {
    fn start(lab: &Lab, net: &NodeAndTor) -> Result<Self> {
        require("bird", "bird2")?;
        let directory = lab.subdirectory("tor")?;
        let mut text = "log stderr all;\nrouter id 10.255.0.1;\nprotocol device {}\n".to_owned();
        for (plane, (router, name, local, remote_as, asn)) in PLANES.into_iter().enumerate() {
            let (tor, route) = (address(true, true), route(plane));
            let name = name.replace('-', "_");
            text += &format!(
                "protocol static own_{router} {{ ipv6; route {route} blackhole; }}
protocol bgp {name} {{
  local {tor} as {asn};
  neighbor {local} as {remote_as};
  password \"{PASSWORD}\";
  connect retry time 1; connect delay time 1; error wait time 1, 2;
  ipv6 {{ import none; export where proto = \"own_{router}\"; next hop self; }};
}}
"
            );
        }
        let (config, socket) = (directory.join("bird.conf"), directory.join("bird.ctl"));
        fs::write(&config, text)?;
        let (conf, ctl) = (config.to_string_lossy(), socket.to_string_lossy());
        let words = ["bird", "-f", "-c", &conf, "-s", &ctl];
        let _daemon = start_in(&net.tor, &words, &directory.join("bird.log"))?;
        Ok(Self { _daemon, socket })
    }

    /// Has BIRD end a session and begin a new one.
    fn restart(&self, plane: usize) -> Result<()> {
        let name = PLANES[plane].1.replace('-', "_");
        let socket = self.socket.to_str().context("path")?;
        run("birdc", &["-s", socket, "restart", &name]).map(drop)
    }
}

/// How often a session went down.
fn flaps(agent: &Agent, peer: &str) -> Result<i64> {
    let object = agent.object("peers", peer)?;
    let flaps = object["status"]["routers"][0]["flaps"].as_i64();
    flaps.with_context(|| format!("no flaps in {object}"))
}

#[test]
fn planes_with_passwords_keep_their_sessions_when_the_peer_of_another_goes() {
    lab::run("planes", |lab| {
        let net = NodeAndTor::new()?;
        let agent = start(lab, &net, true)?;
        let tor = Tor::start(lab, &net)?;
        let up = |planes: &[usize]| -> Result<()> {
            for &plane in planes {
                agent.await_state(PLANES[plane].1, "Established", secs(15))?;
            }
            let wanted: Vec<_> = planes.iter().map(|&plane| route(plane)).collect();
            until("their routes are in the kernel", secs(10), || {
                let have: Vec<_> = kernel::our_prefixes(&net.node, true)?.into_iter().collect();
                Ok(Look::when(have == wanted, || format!("{have:?}")))
            })
        };
        up(&[0, 1])?;
        for (goes, stays) in [(0, 1), (1, 0)] {
            agent.delete(PLANES[goes].1)?;
            up(&[stays])?;
            let name = PLANES[stays].1;
            let before = flaps(&agent, name)?;
            tor.restart(stays)?;
            until(&format!("{name} has another session"), secs(15), || {
                let (now, state) = (flaps(&agent, name)?, agent.session_state(name)?);
                let other = now > before && state == "Established";
                Ok(Look::when(other, || format!("{state}, {now} flaps")))
            })?;
            up(&[stays])?;
            agent.apply(PLANES[goes].1, &peer(goes, true))?;
            up(&[0, 1])?;
        }
        agent.stop()
    });
}
