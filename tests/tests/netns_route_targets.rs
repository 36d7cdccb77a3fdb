//! Route target constraint (RFC 4684) as a client sees it, octet by octet: what it is told, when, and what it is not told.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::overlay::spoken::{attribute, open, update, usual};
use bgp_tests::overlay::wire::{Numbers, Said};
use bgp_tests::raw::RawPeer;
use bgp_tests::wait::secs;

const ASN: u16 = 65201;
const VPNV4: Numbers = (1, 128);
const RTC: Numbers = (1, 132);

/// Capabilities as they stand in an OPEN: multiprotocol for VPN-IPv4 and for route target constraint, graceful restart.
const HAS_VPNV4: [u8; 6] = [1, 4, 0, 1, 0, 128];
const HAS_RTC: [u8; 6] = [1, 4, 0, 1, 0, 132];
const RESTARTS: [u8; 4] = [64, 2, 0, 120];

fn router() -> String {
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {{name: reflector, namespace: default}}
spec:
  targetRef: {{kind: Node, name: node-1}}
  localASN: {ASN}
  routerID: 10.255.0.2
  addressFamilies: [{{afi: ipv4, safi: vpn}}]
  routeReflector: {{clusterID: 10.255.0.99}}
"
    )
}

fn peer(name: &str, address: IpAddr) -> String {
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {{name: {name}, namespace: default}}
spec:
  routerRef: {{name: reflector}}
  peerType: internal
  address: \"{address}\"
  addressFamilies: [{{afi: ipv4, safi: vpn}}]
  routeReflectorClient: true
  passive: true
"
    )
}

/// The extended community of a route target ASN:number.
fn target(number: u8) -> [u8; 8] {
    let [high, low] = ASN.to_be_bytes();
    [0, 2, high, low, 0, 0, 0, number]
}

/// The NLRI of 10.N.0.0/24 with label 16, route distinguisher 0:65201:N.
fn vpn_nlri(number: u8) -> Vec<u8> {
    let [high, low] = ASN.to_be_bytes();
    vec![
        112, 0, 1, 1, 0, 0, high, low, 0, 0, 0, number, 10, number, 0,
    ]
}

fn announce_vpn(number: u8) -> Vec<u8> {
    let reach = [
        &[0, 1, 128, 12, 0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1, 0][..],
        &vpn_nlri(number),
    ]
    .concat();
    let [origin, path, preference] = usual();
    let targets = attribute(0xc0, 16, &target(number));
    update(&[
        origin,
        path,
        preference,
        targets,
        attribute(0x80, 14, &reach),
    ])
}

fn membership(number: u8) -> Vec<u8> {
    [&[96][..], &u32::from(ASN).to_be_bytes(), &target(number)].concat()
}

fn ask_for(number: u8) -> Vec<u8> {
    let reach = [&[0, 1, 132, 4, 192, 0, 2, 9, 0][..], &membership(number)].concat();
    let [origin, path, preference] = usual();
    update(&[origin, path, preference, attribute(0x80, 14, &reach)])
}

/// With no NLRI: End-of-RIB (RFC 4724 §2).
fn unreach((afi, safi): Numbers, nlri: &[u8]) -> Vec<u8> {
    let [high, low] = afi.to_be_bytes();
    update(&[attribute(
        0x80,
        15,
        &[&[high, low, safi][..], nlri].concat(),
    )])
}

/// A client and what it has heard so far.
struct Client {
    peer: RawPeer,
    said: Said,
}

impl Client {
    /// Listens for a while, or until something holds; whether it does.
    fn hears(&mut self, limit: Duration, holds: impl Fn(&Said) -> bool) -> Result<bool> {
        let end = Instant::now() + limit;
        while !holds(&self.said) {
            let left = end.saturating_duration_since(Instant::now());
            let Ok(next) = self.peer.receive(left) else {
                return Ok(false);
            };
            let next = next.ok_or_else(|| anyhow::anyhow!("the agent closed the session"))?;
            if next.kind == 2 {
                self.said.hear(&next.body)?;
            }
        }
        Ok(true)
    }

    /// It has exactly these VPN routes, and is told nothing more for a while.
    fn has(&mut self, numbers: &[u8]) -> Result<()> {
        let wanted: Vec<_> = numbers
            .iter()
            .map(|number| (VPNV4, vpn_nlri(*number)))
            .collect();
        let has = |said: &Said| {
            said.routes
                .keys()
                .filter(|(family, _)| *family == VPNV4)
                .eq(&wanted)
        };
        ensure!(
            self.hears(secs(5), has)?,
            "wanted {numbers:?}, has {:02x?}",
            self.said.routes
        );
        let before = self.said.announcements.clone();
        self.hears(secs(1), |_| false)?;
        ensure!(
            has(&self.said) && self.said.announcements == before,
            "something else is told"
        );
        Ok(())
    }
}

#[test]
fn routes_follow_what_is_asked_for() {
    lab::run("route-targets", |lab| {
        let net = NodeAndTor::new()?;
        let documents = [
            ("router", router()),
            ("source", peer("source", raw_address(1))),
            ("client", peer("client", raw_address(2))),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        net.speak_as(1)?;
        let mut source = RawPeer::connect(&net.tor, address(false, true), secs(10))?;
        source.establish_with(&open(ASN, 1, &[&HAS_VPNV4]), secs(5))?;
        for number in [1, 2, 3] {
            source.send(&announce_vpn(number))?;
        }
        net.speak_as(2)?;
        let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(10))?;
        peer.establish_with(&open(ASN, 2, &[&HAS_VPNV4, &HAS_RTC, &RESTARTS]), secs(5))?;
        let mut client = Client {
            peer,
            said: Said::default(),
        };

        // RFC 4684 §6: memberships and their End-of-RIB are first, and VPN routes wait for those of the client. The agent asks for
        // everything: a membership of length zero (§4).
        ensure!(
            client.hears(secs(5), |said| said.ended(RTC))?,
            "no End-of-RIB for memberships"
        );
        ensure!(
            client.said.routes.keys().eq([&(RTC, vec![0])]),
            "{:02x?}",
            client.said.routes
        );
        let waited_for = client.hears(secs(4), |said| {
            said.order.iter().any(|(family, _)| *family == VPNV4)
        })?;
        ensure!(
            !waited_for,
            "VPN routes did not wait: {:?}",
            client.said.order
        );

        client.peer.send(&ask_for(1))?;
        client.peer.send(&unreach(RTC, &[]))?;
        client.has(&[1])?;
        ensure!(client.said.ended(VPNV4), "no End-of-RIB for VPN routes");
        client.peer.send(&ask_for(2))?;
        client.has(&[1, 2])?;
        ensure!(
            client.said.announcements.get(&VPNV4) == Some(&2),
            "a route was told twice"
        );
        client.peer.send(&unreach(RTC, &membership(1)))?;
        client.has(&[2])?;
        // What was not wanted when it came is told once it is.
        source.send(&announce_vpn(4))?;
        client.has(&[2])?;
        client.peer.send(&ask_for(4))?;
        client.has(&[2, 4])?;
        let why = agent.ask(&["explain", &format!("{ASN}:3:10.3.0.0/24")])?;
        ensure!(
            why.contains("none of its route targets is asked for"),
            "{why}"
        );
        agent.stop()
    });
}
