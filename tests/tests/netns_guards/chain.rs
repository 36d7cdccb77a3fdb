//! A neighbour made of bytes, the agent, and a BIRD behind it: what the first tells, the last is asked about.

use std::net::IpAddr;
use std::path::PathBuf;

use anyhow::{Result, bail};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{Lab, NodeAndTor, address, raw_address};
use bgp_tests::netns::run;
use bgp_tests::peers::{self, Kind, Plan, Router};
use bgp_tests::raw::{RawPeer, keepalive, message, open_with};
use bgp_tests::scenario::{NODE_ASN, TOR_ASN};
use bgp_tests::wait::{Look, secs, until};
use bgp_tests::{kernel, manifests};

/// The AS of the neighbour that the routes come from; a public one.
pub(crate) const SOURCE_ASN: u32 = 3320;

/// See the top of this file.
pub(crate) struct Chain {
    pub(crate) agent: Agent,
    /// The manifests of both sessions, without any field of interest.
    pub(crate) tor: manifests::Peer,
    pub(crate) source: manifests::Peer,
    net: NodeAndTor,
    bird: Box<dyn Router>,
    socket: PathBuf,
}

impl Chain {
    /// Starts all of it; BIRD's own session is as `change` makes it.
    pub(crate) fn start(lab: &Lab, change: impl FnOnce(&mut Plan)) -> Result<Self> {
        let net = NodeAndTor::new()?;
        net.speak_as(0)?;
        let folder = lab.subdirectory("tor")?;
        let mut plan = Plan::new(
            (TOR_ASN, address(true, true)),
            (NODE_ASN, address(false, true)),
        );
        change(&mut plan);
        let bird = peers::start(Kind::Bird, &net.tor, &folder, &plan)?;
        let mut tor = manifests::Peer::new("tor", "underlay", plan.asn, address(true, true))
            .with("passive: true");
        if plan.asn == NODE_ASN {
            // The source's address is one of BIRD's own.
            tor = tor.with("nextHopSelf: true");
        }
        let source = manifests::Peer::new("source", "underlay", SOURCE_ASN, raw_address(0))
            .with("passive: true");
        let router = manifests::Router::new("underlay", NODE_ASN, "10.255.0.2");
        let documents = [
            ("router", router.text()),
            ("tor", tor.text()),
            ("source", source.text()),
        ];
        Ok(Self {
            agent: Agent::start(lab, &net.node, &documents)?,
            tor,
            source,
            net,
            bird,
            socket: folder.join("bird.ctl"),
        })
    }

    /// The neighbour made of bytes, with its session up: IPv6 unicast and route refresh.
    pub(crate) fn connect_source(&self) -> Result<RawPeer> {
        Ok(self.connect_source_hearing()?.0)
    }

    /// The same without route refresh.
    pub(crate) fn connect_source_without_refresh(&self) -> Result<RawPeer> {
        Ok(self.connect_source_with(&[])?.0)
    }

    /// As [`Chain::connect_source`], with the body of the agent's OPEN.
    pub(crate) fn connect_source_hearing(&self) -> Result<(RawPeer, Vec<u8>)> {
        self.connect_source_with(&[2, 0])
    }

    fn connect_source_with(&self, capabilities: &[u8]) -> Result<(RawPeer, Vec<u8>)> {
        let open = open_with(SOURCE_ASN, 90, [10, 255, 0, 9], capabilities);
        // The agent may still be ending the session before it.
        let mut last = None;
        for _ in 0..50 {
            let mut raw = RawPeer::connect(&self.net.tor, address(false, true), secs(5))?;
            let mut speak = || {
                raw.send(&open)?;
                let heard = raw.await_kind(1, secs(5))?;
                raw.send(&keepalive())?;
                raw.await_kind(4, secs(5))?;
                Ok(heard.body)
            };
            match speak() {
                Ok(heard) => return Ok((raw, heard)),
                Err(error) => last = Some::<anyhow::Error>(error),
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
        bail!("the session does not come up: {last:?}")
    }

    /// What `birdc show ...` says.
    pub(crate) fn ask_bird(&self, question: &str) -> Result<String> {
        let control = self.socket.to_string_lossy();
        let ask = ["-s", &*control].into_iter().chain(question.split(' '));
        run("birdc", &ask.collect::<Vec<_>>())
    }

    /// An attribute that BIRD has of 2001:db8:`n`::/48, such as `BGP.as_path`: none where it has no such route, empty where the route
    /// has no such attribute.
    pub(crate) fn at_bird(&self, n: u8, attribute: &str) -> Result<Option<String>> {
        // A prefix that is not there is an error to "show route all PREFIX", and none to this.
        let said = self.ask_bird(&format!("show route all where net = {}", prefix(n)))?;
        // BIRD 3 says it in the words of its filters.
        let said = said
            .replace("bgp_path:", "BGP.as_path:")
            .replace("bgp_", "BGP.");
        if !said.contains("BGP.as_path:") {
            return Ok(None);
        }
        let mut values = said.lines().filter_map(|line| {
            let (name, value) = line.trim().split_once(':')?;
            (name == attribute).then(|| value.trim().to_owned())
        });
        Ok(Some(values.next().unwrap_or_default()))
    }

    /// Waits until BIRD has this attribute of these of the prefixes, see [`Chain::at_bird`].
    pub(crate) fn await_at_bird(
        &self,
        what: &str,
        attribute: &str,
        wanted: &[(u8, Option<&str>)],
    ) -> Result<()> {
        until(&format!("{attribute} {what}"), secs(20), || {
            let mut seen = Vec::new();
            for (n, _) in wanted {
                seen.push((*n, self.at_bird(*n, attribute)?));
            }
            let pairs = wanted.iter().zip(&seen);
            let is = pairs.into_iter().all(|(w, s)| w.1 == s.1.as_deref());
            Ok(Look::when(is, || format!("{seen:?}, not {wanted:?}")))
        })
    }

    /// BIRD announces these from now on, and nothing else.
    pub(crate) fn announce_from_bird(&mut self, prefixes: &[String]) -> Result<()> {
        self.bird.announce(prefixes)
    }

    /// Waits until the agent has so many routes in the kernel.
    pub(crate) fn await_routes(&self, what: &str, wanted: usize) -> Result<()> {
        until(&format!("{wanted} routes {what}"), secs(20), || {
            let routes = kernel::our_prefixes(&self.net.node, true)?.len();
            Ok(Look::when(routes == wanted, || routes.to_string()))
        })
    }

    /// The state of BIRD's session.
    pub(crate) fn bird_state(&self) -> Result<String> {
        self.bird.state()
    }
}

/// 2001:db8:`n`::/48.
pub(crate) fn prefix(n: u8) -> String {
    format!("2001:db8:{n:x}::/48")
}

/// The UPDATE of [`prefix`] `n` with this path and more attributes as they stand on the wire (RFC 4271 section 4.3, RFC 4760 section 3).
pub(crate) fn update(n: u8, path: &[u32], more: &[u8]) -> Vec<u8> {
    update_by(n, path, more, raw_address(0))
}

/// As [`update`], with this next hop.
pub(crate) fn update_by(n: u8, path: &[u32], more: &[u8], next_hop: IpAddr) -> Vec<u8> {
    let mut attributes = vec![0x40, 1, 1, 0];
    attributes.extend([0x40, 2, 2 + 4 * path.len() as u8, 2, path.len() as u8]);
    path.iter()
        .for_each(|asn| attributes.extend(asn.to_be_bytes()));
    let mut reach = vec![0, 2, 1, 16];
    let IpAddr::V6(next_hop) = next_hop else {
        unreachable!("the session is IPv6");
    };
    reach.extend(next_hop.octets());
    reach.extend([0, 48, 0x20, 0x01, 0x0d, 0xb8, 0, n]);
    attributes.extend([0x80, 14, reach.len() as u8]);
    attributes.extend(reach);
    attributes.extend(more);
    let mut body = vec![0, 0, 0, attributes.len() as u8];
    body.extend(attributes);
    message(2, &body)
}
