//! Several paths of one route (RFC 7911) of the overlay: what a client sends with path identifiers, another one is told with identifiers
//! of the agent's own, octet by octet.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use anyhow::{Context, Result, ensure};
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, NodeAndTor, address, raw_address};
use bgp_tests::overlay::spoken::{attribute, open, update, usual};
use bgp_tests::overlay::wire::Numbers;
use bgp_tests::raw::RawPeer;
use bgp_tests::wait::secs;

const ASN: u16 = 65202;
const VPNV4: Numbers = (1, 128);
const EVPN: Numbers = (25, 70);

const HAS_VPNV4: [u8; 6] = [1, 4, 0, 1, 0, 128];
const HAS_EVPN: [u8; 6] = [1, 4, 0, 25, 0, 70];
/// RFC 7911 §4: code 69; for each family AFI, SAFI and 1 to receive, 2 to send.
const RECEIVES: [u8; 10] = [69, 8, 0, 1, 128, 1, 0, 25, 70, 1];
const SENDS: [u8; 10] = [69, 8, 0, 1, 128, 2, 0, 25, 70, 2];

/// RFC 4364 §4.3.4: 10.1.0.0/24 with label 16 and route distinguisher 65202:1.
const VPN_ROUTE: [u8; 15] = [112, 0, 1, 1, 0, 0, 0xfe, 0xb2, 0, 0, 0, 1, 10, 1, 0];
/// RFC 7432 §7.2: 02:00:00:00:00:01 with VNI 100, without an IP address, on the segment 0, route distinguisher 65202:1.
const MAC_ROUTE: [u8; 35] = [
    2, 33, 0, 0, 0xfe, 0xb2, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 48, 2, 0, 0, 0,
    0, 1, 0, 0, 0, 100,
];

fn router() -> String {
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {{name: reflector, namespace: default}}
spec:
  targetRef: {{kind: Node, name: node-1}}
  localASN: {ASN}
  routerID: 10.255.0.2
  addressFamilies: [{{afi: ipv4, safi: vpn}}, {{afi: l2vpn, safi: evpn}}]
  routeReflector: {{clusterID: 10.255.0.99}}
"
    )
}

fn peer(name: &str, address: IpAddr, paths: &str) -> String {
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {{name: {name}, namespace: default}}
spec:
  routerRef: {{name: reflector}}
  peerType: internal
  address: \"{address}\"
  addressFamilies: [{{afi: ipv4, safi: vpn}}, {{afi: l2vpn, safi: evpn}}]
  addPath: [{{afi: ipv4, safi: vpn, {paths}}}, {{afi: l2vpn, safi: evpn, {paths}}}]
  routeReflectorClient: true
  passive: true
"
    )
}

/// A path of the route of a family, behind the router 192.0.2.`router`.
fn announce(family: Numbers, id: u32, router: u8) -> Vec<u8> {
    let (head, route): (&[u8], &[u8]) = match family {
        VPNV4 => (&[0, 1, 128, 12, 0, 0, 0, 0, 0, 0, 0, 0], &VPN_ROUTE),
        _ => (&[0, 25, 70, 4], &MAC_ROUTE),
    };
    let hop = [192, 0, 2, router, 0];
    let reach = [head, &hop, &id.to_be_bytes(), route].concat();
    let [origin, path, preference] = usual();
    let target = attribute(0xc0, 16, &[0, 2, 0xfe, 0xb2, 0, 0, 0, 1]);
    let reach = attribute(0x80, 14, &reach);
    update(&[origin, path, preference, target, reach])
}

fn withdraw((afi, safi): Numbers, id: u32) -> Vec<u8> {
    let route: &[u8] = if safi == 128 { &VPN_ROUTE } else { &MAC_ROUTE };
    let ([high, low], id) = (afi.to_be_bytes(), id.to_be_bytes());
    update(&[attribute(
        0x80,
        15,
        &[&[high, low, safi][..], &id, route].concat(),
    )])
}

/// What a client was told and not yet told to forget: for each path identifier the last octet of its next hop.
struct Client {
    peer: RawPeer,
    paths: BTreeMap<Numbers, BTreeMap<u32, u8>>,
}

impl Client {
    /// Listens until it has paths behind exactly these routers; their identifiers.
    fn has(&mut self, family: Numbers, routers: &[u8]) -> Result<Vec<u32>> {
        let end = Instant::now() + secs(5);
        loop {
            let paths = self.paths.entry(family).or_default();
            let mut behind: Vec<u8> = paths.values().copied().collect();
            behind.sort_unstable();
            if behind == routers {
                let id = |router: &u8| paths.iter().find(|(_, one)| *one == router);
                return Ok(routers.iter().filter_map(id).map(|(id, _)| *id).collect());
            }
            let left = end.saturating_duration_since(Instant::now());
            let next = self.peer.receive(left);
            let next = next.with_context(|| format!("wanted {routers:?}, has {:?}", self.paths))?;
            let next = next.context("the agent closed the session")?;
            if next.kind == 2 {
                self.hear(&next.body)?;
            }
        }
    }

    fn hear(&mut self, body: &[u8]) -> Result<()> {
        let mut attributes = body.get(4..).context("no attributes")?;
        while let [flags, code, rest @ ..] = attributes {
            let (length, rest) = match (flags & 0x10, rest) {
                (0, [length, rest @ ..]) => (usize::from(*length), rest),
                (_, [high, low, rest @ ..]) => (usize::from(*high) << 8 | usize::from(*low), rest),
                _ => anyhow::bail!("an attribute is cut"),
            };
            let (value, rest) = rest
                .split_at_checked(length)
                .context("an attribute is cut")?;
            match (code, value) {
                (14, [high, low, safi, length, rest @ ..]) => {
                    let (hop, nlri) = rest.split_at_checked(usize::from(*length)).context("cut")?;
                    let family = (u16::from_be_bytes([*high, *low]), *safi);
                    let router = hop.last().copied();
                    self.routes(family, nlri.get(1..).context("cut")?, router)?;
                }
                (15, [high, low, safi, nlri @ ..]) => {
                    self.routes((u16::from_be_bytes([*high, *low]), *safi), nlri, None)?;
                }
                _ => {}
            }
            attributes = rest;
        }
        Ok(())
    }

    /// RFC 7911 §3: four octets of path identifier in front of each.
    fn routes(&mut self, family: Numbers, nlri: &[u8], router: Option<u8>) -> Result<()> {
        let mut rest = nlri;
        while let Some((id, route)) = rest.split_first_chunk() {
            let wanted: &[u8] = if family == VPNV4 {
                &VPN_ROUTE
            } else {
                &MAC_ROUTE
            };
            let (route, after) = route.split_at_checked(wanted.len()).context("cut")?;
            // A withdrawal has another label (RFC 8277 §2.4), and of a MAC no label that counts.
            let key = |route: &[u8]| match family {
                VPNV4 => [&route[..1], &route[4..]].concat(),
                _ => [&route[..10], &route[20..32]].concat(),
            };
            ensure!(key(route) == key(wanted), "another route: {route:02x?}");
            let (id, paths) = (
                u32::from_be_bytes(*id),
                self.paths.entry(family).or_default(),
            );
            match router {
                Some(router) => drop(paths.insert(id, router)),
                None => ensure!(paths.remove(&id).is_some(), "{id} was never told"),
            }
            rest = after;
        }
        ensure!(rest.is_empty(), "a path identifier is cut");
        Ok(())
    }
}

#[test]
fn several_paths_of_overlay_routes_are_taken_and_told() {
    lab::run("add-path", |lab| {
        let net = NodeAndTor::new()?;
        let documents = [
            ("router", router()),
            ("source", peer("source", raw_address(1), "receive: true")),
            ("client", peer("client", raw_address(2), "send: 2")),
        ];
        let agent = Agent::start(lab, &net.node, &documents)?;
        net.speak_as(1)?;
        let mut source = RawPeer::connect(&net.tor, address(false, true), secs(10))?;
        source.establish_with(&open(ASN, 1, &[&HAS_VPNV4, &HAS_EVPN, &SENDS]), secs(5))?;
        net.speak_as(2)?;
        let mut peer = RawPeer::connect(&net.tor, address(false, true), secs(10))?;
        peer.establish_with(&open(ASN, 2, &[&HAS_VPNV4, &HAS_EVPN, &RECEIVES]), secs(5))?;
        let mut client = Client {
            peer,
            paths: BTreeMap::new(),
        };
        for family in [VPNV4, EVPN] {
            source.send(&announce(family, 7, 1))?;
            source.send(&announce(family, 8, 2))?;
            let ids = client.has(family, &[1, 2])?;
            // What was announced again under its identifier takes the place of what it was.
            source.send(&announce(family, 8, 3))?;
            ensure!(
                client.has(family, &[1, 3])?[0] == ids[0],
                "the other path has a new identifier"
            );
            source.send(&withdraw(family, 7))?;
            client.has(family, &[3])?;
            source.send(&withdraw(family, 8))?;
            client.has(family, &[])?;
        }
        agent.stop()
    });
}
