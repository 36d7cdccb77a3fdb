//! The agent as route reflector (RFC 4456) of VPN and EVPN routes between two different routers: what goes in at one comes out at the other with
//! the same octets, but for ORIGINATOR_ID and CLUSTER_LIST.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use anyhow::{Context, Result, ensure};
use bgp_tests::Namespace;
use bgp_tests::agent::Agent;
use bgp_tests::lab::{self, Lab};
use bgp_tests::matrix::{self, Feature};
use bgp_tests::overlay::wire::{Announced, Numbers, Route, Said, Wire};
use bgp_tests::overlay::{self, Client, Family, Kind, Plan};
use bgp_tests::wait::{Look, always, secs, until};

const ASN: u32 = 65000;
const CLUSTER: [u8; 4] = [10, 255, 0, 99];
const RTC: Numbers = (1, 132);

/// One client of the reflector.
struct Side {
    kind: Kind,
    plan: Plan,
    client: Box<dyn Client>,
    wire: Wire,
    _namespace: Namespace,
}

/// The agent between its clients, each on a link of its own.
struct Scene {
    agent: Agent,
    sides: Vec<Side>,
    _node: Namespace,
}

fn address(v6: bool, number: u8, host: u8) -> IpAddr {
    if v6 {
        IpAddr::from([0xfd00, number.into(), 0, 0, 0, 0, 0, host.into()])
    } else {
        IpAddr::from([10, 20, number, host])
    }
}

fn name(number: u8) -> String {
    format!("client-{number}")
}

fn peer(kind: Kind, plan: &Plan) -> String {
    let families: Vec<_> = kind
        .families()
        .iter()
        .map(|family| family.manifest())
        .collect();
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {{name: {}, namespace: default}}
spec:
  routerRef: {{name: reflector}}
  peerType: internal
  address: \"{}\"
  addressFamilies: [{}]
  routeReflectorClient: true
  passive: true
",
        name(plan.number),
        plan.local,
        families.join(", ")
    )
}

fn router() -> String {
    let families: Vec<_> = Kind::Frr
        .families()
        .iter()
        .map(|family| family.manifest())
        .collect();
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {{name: reflector, namespace: default}}
spec:
  targetRef: {{kind: Node, name: node-1}}
  localASN: {ASN}
  routerID: 10.255.0.2
  addressFamilies: [{}]
  routeReflector: {{clusterID: 10.255.0.99}}
",
        families.join(", ")
    )
}

impl Scene {
    /// Starts all, and waits until the sessions are up.
    fn new(lab: &Lab, v6: bool, kinds: &[Kind], constrained: bool) -> Result<Self> {
        let node = Namespace::new("node")?;
        let mut sides = Vec::new();
        let mut documents = vec![("router".to_owned(), router())];
        for (&kind, number) in kinds.iter().zip(1..) {
            let namespace = Namespace::new(&name(number))?;
            let device = format!("to{number}");
            node.veth(&device, &namespace, "up0")?;
            for (v6, length) in [(true, 64), (false, 24)] {
                node.address(&device, address(v6, number, 2), length)?;
                namespace.address("up0", address(v6, number, 1), length)?;
            }
            let plan = Plan {
                asn: ASN,
                number,
                local: address(v6, number, 1),
                reflector: address(v6, number, 2),
                beside: address(!v6, number, 2),
                constrained,
            };
            let wire = Wire::record(&node, &device, lab.directory())?;
            documents.push((name(number), peer(kind, &plan)));
            let client =
                overlay::start(kind, &namespace, &lab.subdirectory(&name(number))?, &plan)?;
            sides.push(Side {
                kind,
                plan,
                client,
                wire,
                _namespace: namespace,
            });
        }
        let documents: Vec<_> = documents
            .iter()
            .map(|(name, text)| (name.as_str(), text.clone()))
            .collect();
        let agent = Agent::start(lab, &node, &documents)?;
        for side in &sides {
            agent.await_state(&name(side.plan.number), "Established", secs(40))?;
        }
        Ok(Self {
            agent,
            sides,
            _node: node,
        })
    }

    /// What a client has said, and been told, on its link.
    fn said(&self, side: usize, by_client: bool) -> Result<Said> {
        let Side { plan, wire, .. } = &self.sides[side];
        wire.said(if by_client {
            plan.local
        } else {
            plan.reflector
        })
    }

    /// Families that both ends carry.
    fn shared(&self, from: usize, to: usize) -> Vec<Family> {
        let (from, to) = (self.sides[from].kind, self.sides[to].kind);
        from.families()
            .iter()
            .copied()
            .filter(|family| to.families().contains(family))
            .collect()
    }

    /// The routes of the families that both carry, as one said them and as the other was told them, once they are as many.
    fn both_ends(
        &self,
        from: usize,
        to: usize,
        least: usize,
    ) -> Result<[BTreeMap<Route, Announced>; 2]> {
        let families: Vec<_> = self
            .shared(from, to)
            .into_iter()
            .map(Family::numbers)
            .collect();
        let of_families = |said: Said| -> BTreeMap<Route, Announced> {
            said.routes
                .into_iter()
                .filter(|((family, _), _)| families.contains(family))
                .collect()
        };
        let what = format!(
            "client {} is told all that client {} says",
            to + 1,
            from + 1
        );
        until(&what, secs(30), || {
            let (told, was_told) = (
                of_families(self.said(from, true)?),
                of_families(self.said(to, false)?),
            );
            let missing: Vec<_> = told
                .keys()
                .filter(|route| !was_told.contains_key(*route))
                .collect();
            Ok(if told.len() >= least && missing.is_empty() {
                Look::Done([told.clone(), was_told])
            } else {
                Look::NotYet(format!(
                    "{} said, {} of them not told: {missing:02x?}",
                    told.len(),
                    missing.len()
                ))
            })
        })
    }

    /// Every route of one client is told the other as it was said.
    fn compare(&self, from: usize, to: usize, least: usize) -> Result<()> {
        let [said, told] = self.both_ends(from, to, least)?;
        let originator: Vec<u8> = self.sides[from]
            .plan
            .router_id()
            .parse::<std::net::Ipv4Addr>()?
            .octets()
            .into();
        for (route, said) in said {
            let mut told = told.get(&route).context("told")?.clone();
            // RFC 4456 §8: both are optional and non-transitive.
            let marks = [(9, &originator[..]), (10, &CLUSTER[..])];
            for (code, value) in marks {
                let mark = told.attributes.remove(&code);
                ensure!(
                    mark == Some((0x80, value.to_vec())),
                    "attribute {code} of {route:02x?}: {mark:02x?}"
                );
            }
            let said = as_told(said);
            ensure!(
                said == told,
                "{route:02x?}\nsaid {said:02x?}\ntold {told:02x?}"
            );
        }
        Ok(())
    }

    /// What a client has of a family, by what it says itself; of a client that has the routes of a constant number of others.
    fn await_received(&self, side: usize, family: Family, wanted: &BTreeSet<String>) -> Result<()> {
        let what = format!("client {} has {wanted:?}", side + 1);
        until(&what, secs(20), || {
            let have = self.sides[side].client.received(family)?;
            Ok(Look::when(have == *wanted, || format!("{have:?}")))
        })
    }

    fn malformed(&self) -> Result<()> {
        for side in &self.sides {
            let bad = side.wire.malformed()?;
            ensure!(bad.is_empty(), "tshark finds fault: {bad:?}");
        }
        Ok(())
    }
}

/// What a client has to be told of what another one said: the same, but for a link-local address, which stays on its link. RFC 2545 §3 and
/// RFC 4659 §3.2.1.1 let it be told "if and only if" the peer shares a subnet with the next hop, so only the global one of a pair goes on.
fn as_told(mut said: Announced) -> Announced {
    if let 32 | 48 = said.next_hop.len() {
        said.next_hop.truncate(said.next_hop.len() / 2);
    }
    said
}

fn vpn_routes(plan: &Plan, family: Family) -> String {
    let prefix = match family {
        Family::Vpnv4 => plan.prefix4(),
        _ => plan.prefix6(),
    };
    format!("{}:{prefix}", plan.rd())
}

/// All of it between two clients: everything passes unchanged, both ways; what is withdrawn goes; what is asked for again comes again.
fn reflects(v6: bool, kinds: [Kind; 2]) {
    let [one, other] = kinds;
    let shared: Vec<_> = one
        .families()
        .iter()
        .filter(|family| other.families().contains(family))
        .map(|family| match family {
            Family::Vpnv4 => Feature::Vpnv4,
            Family::Vpnv6 => Feature::Vpnv6,
            Family::Evpn => Feature::Evpn,
        })
        .collect();
    matrix::tried(one.router(), &shared, || {
        matrix::tried(other.router(), &shared, || passes(v6, kinds));
    });
}

fn passes(v6: bool, kinds: [Kind; 2]) {
    let label = format!("reflects-{kinds:?}-{}", if v6 { 6 } else { 4 });
    lab::run(&label.replace([' ', '[', ']', ','], ""), |lab| {
        let mut scene = Scene::new(lab, v6, &kinds, false)?;
        for side in &mut scene.sides {
            side.client.announce()?;
        }
        let shares_evpn = scene.shared(0, 1).contains(&Family::Evpn);
        // Two VPN routes; of EVPN at least two IP prefixes, a MAC and a multicast route.
        let least = if shares_evpn { 6 } else { 2 };
        for (from, to) in [(0, 1), (1, 0)] {
            scene.compare(from, to, least)?;
        }
        for (from, to) in [(0, 1), (1, 0)] {
            for family in [Family::Vpnv4, Family::Vpnv6] {
                let wanted = BTreeSet::from([vpn_routes(&scene.sides[from].plan, family)]);
                scene.await_received(to, family, &wanted)?;
            }
            if shares_evpn {
                let said = scene.said(from, true)?;
                let evpn = said
                    .routes
                    .keys()
                    .filter(|(family, _)| *family == Family::Evpn.numbers());
                let count = evpn.count();
                until("the other has all EVPN routes", secs(20), || {
                    let have = scene.sides[to].client.received(Family::Evpn)?;
                    Ok(Look::when(have.len() >= count, || format!("{have:?}")))
                })?;
            }
        }
        // GoBGP keeps what it was told, and does not ask.
        let asks = kinds.iter().position(|kind| *kind != Kind::GoBgp);
        let asks = asks.context("one of them asks")?;
        for family in scene.shared(0, 1) {
            let told = |scene: &Scene| -> Result<usize> {
                let said = scene.said(asks, false)?;
                Ok(said
                    .announcements
                    .get(&family.numbers())
                    .copied()
                    .unwrap_or(0))
            };
            let before = told(&scene)?;
            scene.sides[asks].client.refresh(family)?;
            until(&format!("{family:?} is told again"), secs(20), || {
                let now = told(&scene)?;
                Ok(Look::when(now > before, || format!("{now} announcements")))
            })?;
        }
        scene.sides[0].client.withdraw()?;
        scene.await_received(1, Family::Vpnv4, &BTreeSet::new())?;
        let stays = BTreeSet::from([vpn_routes(&scene.sides[0].plan, Family::Vpnv6)]);
        scene.await_received(1, Family::Vpnv6, &stays)?;
        if shares_evpn {
            until("the IP prefixes are gone", secs(20), || {
                let told = scene.said(1, false)?;
                let left: Vec<_> = told
                    .routes
                    .keys()
                    .filter(|(family, nlri)| {
                        *family == Family::Evpn.numbers() && nlri.first() == Some(&5)
                    })
                    .collect();
                Ok(Look::when(left.is_empty(), || format!("{left:02x?}")))
            })?;
        }
        scene.malformed()?;
        scene.agent.stop()
    });
}

#[test]
fn vpn_and_evpn_routes_pass_between_gobgp_and_frr_over_ipv4() {
    reflects(false, [Kind::GoBgp, Kind::Frr]);
}

#[test]
fn vpn_and_evpn_routes_pass_between_gobgp_and_frr_over_ipv6() {
    reflects(true, [Kind::GoBgp, Kind::Frr]);
}

#[test]
fn vpn_routes_pass_between_bird_and_gobgp_over_ipv6() {
    reflects(true, [Kind::Bird, Kind::GoBgp]);
}

#[test]
fn vpn_routes_pass_between_bird_and_frr_over_ipv4() {
    reflects(false, [Kind::Bird, Kind::Frr]);
}

/// RFC 4684 with GoBGP on one side, and a client that knows nothing of it on the other.
#[test]
fn a_client_is_told_what_it_asks_for() {
    let kind = Kind::GoBgp.router();
    matrix::tried(kind, &[Feature::RouteTargets], membership_decides);
}

fn membership_decides() {
    lab::run("constrained", |lab| {
        let mut scene = Scene::new(lab, true, &[Kind::GoBgp, Kind::Frr], true)?;
        for side in &mut scene.sides {
            side.client.announce()?;
        }
        // We ask for everything, so GoBGP tells us its routes, and FRR hears of them.
        let from_gobgp = BTreeSet::from([vpn_routes(&scene.sides[0].plan, Family::Vpnv4)]);
        scene.await_received(1, Family::Vpnv4, &from_gobgp)?;
        let agent = &scene.agent;
        let has_reached_agent = || {
            let rows = agent.ask(&[
                "show", "routes", "--family", "vpnv4", "--peer", "client-2", "-o", "json",
            ])?;
            Ok(Look::when(rows.lines().count() == 1, || rows.clone()))
        };
        until("FRR's route is with the agent", secs(20), has_reached_agent)?;
        // GoBGP asks for nothing.
        let ended = |scene: &Scene| -> Result<bool> {
            Ok(scene.said(0, false)?.ended(Family::Vpnv4.numbers()))
        };
        until(
            "GoBGP has been told that there is nothing for it",
            secs(20),
            || {
                Ok(Look::when(ended(&scene)?, || {
                    "no End-of-RIB yet".to_owned()
                }))
            },
        )?;
        let order = scene.said(0, false)?.order;
        let first_of = |wanted: (Numbers, bool)| order.iter().position(|one| *one == wanted);
        ensure!(
            first_of((RTC, false)) == Some(0) && first_of((RTC, true)) == Some(1),
            "memberships come first: {order:?}"
        );
        let route = vpn_routes(&scene.sides[1].plan, Family::Vpnv4);
        let why = agent.ask(&["explain", &route])?;
        ensure!(
            why.contains("none of its route targets is asked for"),
            "{why}"
        );
        let nothing = BTreeSet::new();
        always("GoBGP is told nothing", secs(1), || {
            let have = scene.sides[0].client.received(Family::Vpnv4)?;
            Ok(Look::when(have == nothing, || format!("{have:?}")))
        })?;

        // A VRF that imports another target changes nothing; one that imports this does.
        let gobgp = &scene.sides[0].client;
        gobgp.want(&format!("{ASN}:999"))?;
        until("the agent has the membership", secs(10), || {
            let rows = agent.ask(&["show", "routes", "--family", "rtc"])?;
            Ok(Look::when(rows.contains(&format!("rt:{ASN}:999")), || {
                rows.clone()
            }))
        })?;
        always("GoBGP is told nothing", secs(1), || {
            let have = gobgp.received(Family::Vpnv4)?;
            Ok(Look::when(have == nothing, || format!("{have:?}")))
        })?;
        gobgp.want(&format!("{ASN}:100"))?;
        let wanted = BTreeSet::from([route]);
        scene.await_received(0, Family::Vpnv4, &wanted)?;
        let evpn = |scene: &Scene| -> Result<usize> {
            let said = scene.said(0, false)?;
            Ok(said
                .routes
                .keys()
                .filter(|(family, _)| *family == Family::Evpn.numbers())
                .count())
        };
        until(
            "GoBGP is told the EVPN routes with the target",
            secs(10),
            || Ok(Look::when(evpn(&scene)? > 0, || "none".to_owned())),
        )?;
        scene.malformed()?;
        scene.agent.stop()
    });
}
