//! The objects of a node, resolved and checked: the whole [`Desired`] at once.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::Family;
use crds::{AddressFamily, Afi, RouterRef, Safi};

use super::host::Host;
use super::in_effect::{InEffect, Neighbor};
use super::node::{is_for, may_be_for};
use super::objects::{Kind, Object, ObjectKey, Objects};
use super::policies::{CompiledPolicies, Policies};
use super::problem::{Problem, Reason, Severity};
use super::secrets::protected_by;
use super::types::{Desired, Peer, PeerKey, Router, RouterKey};
use super::{advertisement, dynamic, peer, ranges, router};

/// What `objects` ask of `node`, and what is wrong with those among them that are its business.
///
/// An object that cannot be carried out is left out of the answer and has a [`Problem`] that says why; nothing else
/// suffers from it, except what is bound to a router that is left out. This is the answer of a node on which nothing
/// runs yet; [`InEffect`] gives that of one on which something does.
#[must_use]
pub fn build(objects: &Objects, node: &str) -> (Desired, Vec<Problem>) {
    let (desired, problems, _) = build_over(objects, node, &InEffect::default());
    (desired, problems)
}

impl InEffect {
    /// As [`build`], where this is in effect: what is in it of an object that is refused now stays. From now on the answer is
    /// what is in effect.
    pub fn build(&mut self, objects: &Objects, node: &str) -> (Desired, Vec<Problem>) {
        let (desired, mut problems, policies) = build_over(objects, node, self);
        self.remember(objects, &desired, policies, &mut problems);
        (desired, problems)
    }
}

fn build_over(
    objects: &Objects,
    node: &str,
    running: &InEffect,
) -> (Desired, Vec<Problem>, CompiledPolicies) {
    let mut problems = Vec::new();
    let mut desired = Desired::default();
    let mut rejected = BTreeSet::new();

    for (key, object) in objects.routers() {
        if !may_be_for(object, node) {
            continue;
        }
        let mut findings = Findings::new(key, &mut problems);
        let router_key = RouterKey::new(&key.namespace, &key.name);
        let built = router::build(key, object, &mut findings);
        match built.or_else(|| running.before().routers.get(&router_key).cloned()) {
            Some(router) => {
                desired.routers.insert(router_key, router);
            }
            None => {
                rejected.insert(router_key);
            }
        }
    }

    // Few, and held by who is bound to them while the answer grows.
    let own = desired.routers.clone();
    let routers = Routers {
        objects,
        node,
        host: running.host(),
        running: &own,
        rejected: &rejected,
    };
    let policies = Policies::of(&routers, running, &mut problems);
    let mut peers = BTreeMap::new();
    let mut ranges = BTreeMap::new();
    for (key, object) in objects.peers() {
        let known = problems.len();
        let mut findings = Findings::new(key, &mut problems);
        match &object.spec.dynamic_neighbors {
            Some(wanted) => {
                for neighbors in dynamic::build(key, object, wanted, &routers, &mut findings) {
                    let onto = |peer: &Peer| policies.onto(peer, key, &object.spec, &mut findings);
                    let neighbors = neighbors.with_sessions(onto);
                    ranges.extend(neighbors.map(|all| (all.key.clone(), all)));
                }
            }
            None => {
                for peer in peer::build(key, object, &routers, &mut findings) {
                    let peer = policies.onto(&peer, key, &object.spec, &mut findings);
                    peers.extend(peer.map(|peer| (peer.key.clone(), Arc::new(peer))));
                }
            }
        }
        for old in running.peers(&key.path()) {
            if is_refused_on(&old.router, &problems[known..])
                && let Some(peer) = running.peer(old, &desired)
            {
                peers.insert(old.clone(), peer);
            }
        }
        for old in running.dynamic(&key.path()) {
            if is_refused_on(&old.router, &problems[known..])
                && let Some(neighbors) = running.neighbors(old, &desired)
            {
                ranges.insert(old.clone(), neighbors);
            }
        }
    }
    let mut originations = BTreeMap::new();
    for (key, object) in objects.advertisements() {
        let mut findings = Findings::new(key, &mut problems);
        let built = advertisement::build(key, object, &routers, &policies, &mut findings);
        let built = built.map(|origination| (origination.key.clone(), origination));
        let refused = !findings.accepted();
        originations.extend(built.or_else(|| {
            let old = running.origination(&key.path(), &desired);
            old.filter(|_| refused)
        }));
    }
    advertisement::one_originator(&mut originations, objects, &mut problems);
    for (key, _) in objects.iter() {
        if matches!(
            key.kind,
            Kind::BgpVrfInstance | Kind::Vpc | Kind::VpcAttachment
        ) {
            let message = format!(
                "this version does not carry out {} objects yet, so it changes nothing on this node; remove it, or leave it for a \
                 version that does",
                key.kind
            );
            Findings::new(key, &mut problems).reject("", Reason::NotImplemented, message);
        }
    }

    desired.peers = without_duplicates(peers, (objects, running), &desired, &mut problems);
    ranges::judge(ranges, (objects, running), &mut desired, &mut problems);
    desired.originations = originations;
    policies.refresh(&mut desired, running, &problems);
    desired.policies = policies.scopes();
    problems.sort_by(|a, b| a.object.cmp(&b.object));
    (desired, problems, policies.into_compiled())
}

/// Whether `problems`, all of one object, keep it from being carried out on `router`.
fn is_refused_on(router: &RouterKey, problems: &[Problem]) -> bool {
    problems.iter().any(|problem| {
        problem.severity == Severity::Rejected
            && problem.router.as_ref().is_none_or(|only| only == router)
    })
}

/// The routers that objects can be bound to.
pub(super) struct Routers<'a> {
    pub(super) objects: &'a Objects,
    node: &'a str,
    pub(super) host: &'a Host,
    pub(super) running: &'a BTreeMap<RouterKey, Router>,
    rejected: &'a BTreeSet<RouterKey>,
}

impl<'a> Routers<'a> {
    /// The router that `reference` names: `None` when it is another node's, or a problem is noted.
    pub(super) fn by_ref(
        &self,
        namespace: &str,
        reference: &RouterRef,
        findings: &mut Findings<'_>,
    ) -> Option<&'a Router> {
        let field = "spec.routerRef.name";
        let wanted = ObjectKey::new(Kind::BgpRouter, namespace, &reference.name);
        let Some(Object::Router(object)) = self.objects.get(&wanted) else {
            if self.objects.is_refused(&wanted) {
                let message = format!("BGPRouter {:?} {REFUSED}", reference.name);
                findings.reject(field, Reason::RouterNotAccepted, message);
                return None;
            }
            let message = format!(
                "there is no BGPRouter {:?} in namespace {namespace:?}; create it or correct the name",
                reference.name
            );
            findings.reject(field, Reason::RouterNotFound, message);
            return None;
        };
        if !may_be_for(object, self.node) {
            return None;
        }
        self.usable(RouterKey::new(namespace, &reference.name), field, findings)
    }

    /// The routers of this node that `selector` chooses.
    pub(super) fn by_selector(
        &self,
        namespace: &str,
        selector: &crds::RouterSelector,
        findings: &mut Findings<'_>,
    ) -> Vec<&'a Router> {
        let field = "spec.routerSelector";
        let faults = super::select::faults(selector);
        if !faults.is_empty() {
            for (within, message) in faults {
                findings.reject(
                    &format!("{field}.{within}"),
                    Reason::InvalidSelector,
                    message,
                );
            }
            return Vec::new();
        }
        let none = BTreeMap::new();
        let chosen: Vec<_> = self
            .objects
            .routers()
            .filter(|(key, _)| key.namespace == namespace)
            .filter(|(_, router)| {
                super::select::matches(selector, router.metadata.labels.as_ref().unwrap_or(&none))
            })
            .collect();
        if chosen.is_empty() {
            let mut message = format!(
                "no BGPRouter in namespace {namespace:?} has such labels; label a router or correct the selector"
            );
            let mut refused = self.objects.refused();
            let meant =
                |key: &&ObjectKey| key.kind == Kind::BgpRouter && key.namespace == namespace;
            if let Some(key) = refused.find(meant) {
                message = format!("{message}; BGPRouter {:?} {REFUSED}", key.name);
            }
            findings.reject(field, Reason::RouterNotFound, message);
        }
        // Targets that no node carries out take nothing from the routers beside them; alone they have to be told.
        let no_nodes = chosen
            .iter()
            .all(|(_, router)| router.spec.target_ref.kind != "Node");
        chosen
            .into_iter()
            .filter(|(key, router)| {
                let key = RouterKey::new(&key.namespace, &key.name);
                no_nodes || is_for(router, self.node) || self.running.contains_key(&key)
            })
            .filter_map(|(key, _)| {
                self.usable(RouterKey::new(&key.namespace, &key.name), field, findings)
            })
            .collect()
    }

    fn usable(
        &self,
        key: RouterKey,
        field: &str,
        findings: &mut Findings<'_>,
    ) -> Option<&'a Router> {
        if self.rejected.contains(&key) {
            let message = format!("BGPRouter {:?} {REFUSED}", key.name());
            findings
                .on(&key)
                .reject(field, Reason::RouterNotAccepted, message);
            return None;
        }
        self.running.get(&key)
    }
}

/// What is said of an object that others need and that is refused itself: that is told of it, wherever this is read.
pub(super) const REFUSED: &str = "is refused for an error of its own; correct that first";

/// Collects the problems of one object.
pub(super) struct Findings<'a> {
    object: &'a ObjectKey,
    router: Option<RouterKey>,
    problems: &'a mut Vec<Problem>,
    rejected: bool,
}

impl<'a> Findings<'a> {
    pub(super) fn new(object: &'a ObjectKey, problems: &'a mut Vec<Problem>) -> Self {
        Self {
            object,
            router: None,
            problems,
            rejected: false,
        }
    }

    /// Further problems concern the object on `router` alone.
    pub(super) fn on(&mut self, router: &RouterKey) -> Findings<'_> {
        Findings {
            object: self.object,
            router: Some(router.clone()),
            problems: self.problems,
            rejected: false,
        }
    }

    /// The object cannot be carried out.
    pub(super) fn reject(&mut self, field: &str, reason: Reason, message: impl Into<String>) {
        self.rejected = true;
        self.push(field, reason, message.into(), Severity::Rejected);
    }

    /// The object is carried out, but this in it has no effect, or not the one that people expect.
    pub(super) fn warn(&mut self, field: &str, reason: Reason, message: impl Into<String>) {
        self.push(field, reason, message.into(), Severity::Warning);
    }

    /// The field asks for something that this version does not do.
    pub(super) fn not_implemented(&mut self, field: &str, remedy: &str) {
        let message = format!("this version does not carry it out yet; {remedy}");
        self.reject(field, Reason::NotImplemented, message);
    }

    /// What was found of the object before, and is still so.
    pub(super) fn repeat(&mut self, problems: &[Problem]) {
        for problem in problems {
            self.rejected |= problem.severity == Severity::Rejected;
            self.problems.push(problem.clone());
        }
    }

    /// Whether nothing so far keeps the object from being carried out.
    pub(super) fn accepted(&self) -> bool {
        !self.rejected
    }

    fn push(&mut self, field: &str, reason: Reason, message: String, severity: Severity) {
        let problem = Problem {
            object: self.object.clone(),
            router: self.router.clone(),
            field: field.to_owned(),
            reason,
            message,
            severity,
            in_effect: None,
        };
        // What holds for both address families of an object is said once.
        if !self.problems.contains(&problem) {
            self.problems.push(problem);
        }
    }
}

/// The families of `list`, each once.
pub(super) fn families(
    field: &str,
    list: &[AddressFamily],
    findings: &mut Findings<'_>,
) -> Vec<Family> {
    let mut families = Vec::new();
    for (index, family) in list.iter().enumerate() {
        match self::family(*family) {
            Some(family) if families.contains(&family) => {
                let message = format!("{family} is there already; remove it here");
                findings.warn(&format!("{field}[{index}]"), Reason::NoEffect, message);
            }
            Some(family) => families.push(family),
            None => {
                let message =
                    "no such pair; use unicast or vpn with ipv4 and ipv6, and evpn with l2vpn";
                findings.reject(&format!("{field}[{index}]"), Reason::InvalidValue, message);
            }
        }
    }
    families
}

/// The family in the protocol's terms; `None` for a pair that is none.
pub(super) fn family(family: AddressFamily) -> Option<Family> {
    match (family.afi, family.safi) {
        (Afi::Ipv4, Safi::Unicast) => Some(Family::IPV4_UNICAST),
        (Afi::Ipv6, Safi::Unicast) => Some(Family::IPV6_UNICAST),
        (Afi::Ipv4, Safi::Vpn) => Some(Family::IPV4_VPN),
        (Afi::Ipv6, Safi::Vpn) => Some(Family::IPV6_VPN),
        (Afi::L2vpn, Safi::Evpn) => Some(Family::L2VPN_EVPN),
        _ => None,
    }
}

/// The origin in the protocol's terms.
pub(super) fn origin(origin: crds::Origin) -> bgp_wire::Origin {
    match origin {
        crds::Origin::Igp => bgp_wire::Origin::Igp,
        crds::Origin::Egp => bgp_wire::Origin::Egp,
        crds::Origin::Incomplete => bgp_wire::Origin::Incomplete,
    }
}

/// An address that can be an end of a session.
pub(super) fn address(field: &str, text: &str, findings: &mut Findings<'_>) -> Option<IpAddr> {
    let fault = match text.parse::<IpAddr>() {
        Err(_) => "is not an IP address",
        Ok(address) if address.is_unspecified() => "means any address",
        Ok(IpAddr::V4(address)) if address.octets()[0] == 0 => "is of 0.0.0.0/8, which no host has",
        Ok(address) if address.is_multicast() => "is a multicast address",
        Ok(IpAddr::V4(address)) if address.is_broadcast() => "is the broadcast address",
        Ok(IpAddr::V6(address)) if address.to_ipv4_mapped().is_some() => {
            "is an IPv4 address in IPv6 form; write it as IPv4"
        }
        Ok(IpAddr::V6(address)) if address.is_unicast_link_local() => {
            "is a link-local address, which says nothing without its link"
        }
        Ok(address) => return Some(address),
    };
    let message =
        format!("{text:?} {fault}; give one unicast address, such as 2001:db8::1 or 192.0.2.1");
    findings.reject(field, Reason::InvalidAddress, message);
    None
}

/// Which of two objects has what both ask for, for people.
pub(super) const WHO_HAS_IT: &str =
    "the one that had it keeps it, else the older one has it, else the first by name";

/// Sessions whose neighbour no earlier one has.
///
/// A connection that comes in is told apart by the listener's port and by its two addresses; two sessions that agree
/// in those cannot both be served. Its keys are told apart by the remote address alone (RFC 2385, RFC 5925; Linux looks
/// them up before there is a connection), so one listener has one password, or one set of keys, for each neighbour. Who has the
/// neighbour already keeps it, and its password, and whoever had it in the process before this one; of others, the one whose object is
/// older has it, then the first by name.
fn without_duplicates(
    peers: BTreeMap<PeerKey, Arc<Peer>>,
    (objects, running): (&Objects, &InEffect),
    desired: &Desired,
    problems: &mut Vec<Problem>,
) -> BTreeMap<PeerKey, Arc<Peer>> {
    let rank = |peer: &Arc<Peer>| {
        let newness = match running.before().peers.get(&peer.key) {
            Some(before) if neighbour(before) != neighbour(peer) => 2,
            Some(before) if before.authentication != peer.authentication => 1,
            Some(_) => 0,
            None => 2,
        };
        let seniority = running.seniority(&peer.key, &[Neighbor::of(peer)], objects);
        (newness, seniority)
    };
    let mut peers: Vec<Arc<Peer>> = peers.into_values().collect();
    // In order of names, which stays where nothing else decides.
    peers.sort_by_key(rank);
    let mut neighbours = Neighbours {
        routers: &desired.routers,
        by_neighbour: HashMap::new(),
        kept: BTreeMap::new(),
    };
    for peer in peers {
        let key = peer.key.clone();
        let address = peer.whereabouts();
        let field = match &peer.interface {
            Some(_) => "spec.interface",
            None => "spec.address",
        };
        let Err(clash) = neighbours.add(peer) else {
            continue;
        };
        let object = ObjectKey {
            kind: Kind::BgpPeer,
            namespace: key.router.namespace().to_owned(),
            name: key.name().to_owned(),
        };
        let port = neighbours
            .listen_port(&key)
            .map_or_else(String::new, |port| format!(" on port {port}"));
        let (field, reason, message) = match clash {
            Clash::Password(other) => {
                let (field, reason) = match objects.get(&object) {
                    Some(Object::Peer(peer)) => protected_by(&peer.spec),
                    _ => ("", Reason::InvalidPassword),
                };
                let message = format!(
                    "{address} is the neighbour of {other}{port} too, with another password or other keys, and the listener has \
                     one set of them for each remote address; give both the same, or their routers different listenPort"
                );
                (field, reason, message)
            }
            Clash::Address(other) => {
                // Our end of a session by interface is not for anybody to choose.
                let remedy = match field {
                    "spec.interface" => "or bind them to routers with different listenPort",
                    _ => {
                        "or give the sessions different localAddress or their routers different listenPort"
                    }
                };
                let message = format!(
                    "{address} is already the neighbour of {other}{port}; remove one, {remedy} ({WHO_HAS_IT})"
                );
                (field, Reason::DuplicateRemote, message)
            }
        };
        Findings::new(&object, problems)
            .on(&key.router)
            .reject(field, reason, message);
        if let Some(before) = running.peer(&key, desired) {
            let _taken_meanwhile = neighbours.add(before);
        }
    }
    neighbours.kept
}

/// Who it is: an address, or whoever is on an interface.
pub(super) fn neighbour(peer: &Peer) -> (IpAddr, Option<Arc<str>>) {
    (peer.address, peer.interface.clone())
}

/// Sessions that can all be served.
struct Neighbours<'a> {
    routers: &'a BTreeMap<RouterKey, Router>,
    by_neighbour: HashMap<(IpAddr, Option<Arc<str>>), Vec<PeerKey>>,
    kept: BTreeMap<PeerKey, Arc<Peer>>,
}

/// Why a session cannot be served beside another one.
enum Clash {
    /// Nothing tells their connections apart.
    Address(PeerKey),
    /// Their passwords or keys differ, of which there can be one set only.
    Password(PeerKey),
}

impl Neighbours<'_> {
    fn listen_port(&self, key: &PeerKey) -> Option<u16> {
        self.routers.get(&key.router)?.listen_port
    }

    /// Adds a session, unless it cannot be served beside one that is there.
    fn add(&mut self, peer: Arc<Peer>) -> Result<(), Clash> {
        let same = self
            .by_neighbour
            .get(&neighbour(&peer))
            .into_iter()
            .flatten();
        let mut others = same.filter_map(|key| self.kept.get(key));
        if let Some(clash) = others.find_map(|other| self.clash(&peer, other)) {
            return Err(clash);
        }
        let same = self.by_neighbour.entry(neighbour(&peer)).or_default();
        same.push(peer.key.clone());
        self.kept.insert(peer.key.clone(), peer);
        Ok(())
    }

    fn clash(&self, peer: &Peer, other: &Peer) -> Option<Clash> {
        let told_apart = match (peer.local_address, other.local_address) {
            (Some(ours), Some(theirs)) => ours != theirs,
            _ => false,
        };
        let port = self.listen_port(&peer.key);
        let one_port = match (port, self.listen_port(&other.key)) {
            (Some(port), Some(other_port)) => port == other_port,
            // Neither is connected to, so it is the neighbour that cannot tell them apart.
            (None, None) => peer.remote_port == other.remote_port,
            _ => false,
        };
        if !one_port {
            None
        } else if !told_apart {
            Some(Clash::Address(other.key.clone()))
        } else {
            let two_keys = port.is_some() && peer.authentication != other.authentication;
            two_keys.then(|| Clash::Password(other.key.clone()))
        }
    }
}
