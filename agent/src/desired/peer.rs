//! One BGPPeer: a session on each router of this node that it is bound to.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use bgp_wire::Family;
use crds::{BGPPeer, BGPPeerSpec, PeerType, bounds};
use rib::policy::Chain;

use super::authentication::Authentication;
use super::bfd::bfd;
use super::bounded::{bounded, within};
use super::build::{Findings, Routers, address, families, family};
use super::contradiction;
use super::guards::{local_as, max_prefixes, role};
use super::interface::interface;
use super::objects::ObjectKey;
use super::problem::Reason;
use super::restart::{Wanted, helps, wanted};
use super::router::asn;
use super::secrets::authentication;
use super::timers::timers;
use super::types::{
    Bfd, FamilyConfig, Peer, PeerKey, PrefixLimit, PrivateAs, RemoteAs, Router, Ttl,
};

/// TTL of `ebgpMultiHop: true`.
const MULTIHOP_TTL: u8 = 64;

/// TTL towards iBGP neighbours: the largest, so that a neighbour that checks it (RFC 5082) is content.
pub(super) const INTERNAL_TTL: u8 = 255;

/// Whether IPv4 routes may have IPv6 next hops where the object does not say: where they come over IPv6, and those of VPNs.
pub(super) fn extended_next_hop(peer: &Peer) -> bool {
    let carries = |family| peer.families.iter().any(|config| config.family == family);
    let carries_vpnv4 = carries(Family::IPV4_VPN);
    carries_vpnv4 || (peer.address.is_ipv6() && carries(Family::IPV4_UNICAST))
}

pub(super) fn build(
    key: &ObjectKey,
    object: &BGPPeer,
    routers: &Routers<'_>,
    findings: &mut Findings<'_>,
) -> Vec<Peer> {
    let spec = &object.spec;
    let chosen = chosen(key, spec, routers, findings);
    if chosen.is_empty() {
        return Vec::new();
    }
    let remote = match (&spec.address, &spec.interface) {
        (Some(text), _) => address("spec.address", text, findings),
        // Which one it is, is learned.
        (None, Some(_)) => Some(Ipv6Addr::UNSPECIFIED.into()),
        (None, None) => None,
    };
    let Some(session) = session(key, spec, remote, routers, findings) else {
        return Vec::new();
    };
    // Of the routers that a selector chooses, the one that is the neighbour itself needs no session: so one object for
    // each node, bound to all, makes a full mesh.
    let itself = |router: &Router| router.local_address == Some(session.address);
    chosen
        .into_iter()
        .filter(|router| spec.router_ref.is_some() || !itself(router))
        .filter_map(|router| on_router(key, spec, &session, router, findings))
        .collect()
}

/// The routers of this node that it is bound to.
pub(super) fn chosen<'a>(
    key: &ObjectKey,
    spec: &BGPPeerSpec,
    routers: &Routers<'a>,
    findings: &mut Findings<'_>,
) -> Vec<&'a Router> {
    match (&spec.router_ref, &spec.router_selector) {
        (Some(reference), _) => routers
            .by_ref(&key.namespace, reference, findings)
            .into_iter()
            .collect(),
        (None, Some(selector)) => routers.by_selector(&key.namespace, selector, findings),
        (None, None) => Vec::new(),
    }
}

/// What is the same on every router.
#[derive(Clone)]
pub(super) struct Session {
    address: IpAddr,
    interface: Option<Arc<str>>,
    remote_port: u16,
    remote_as: RemoteAs,
    families: Vec<FamilyConfig>,
    max_prefixes: Vec<PrefixLimit>,
    hold_time: u16,
    keepalive: u16,
    authentication: Option<Authentication>,
    local_address: Option<IpAddr>,
    allow_as_in: u8,
    graceful_restart: Option<Wanted>,
    private_as: Option<PrivateAs>,
    shutdown: Option<String>,
    bfd: Option<Bfd>,
}

impl Session {
    /// The same with another neighbour.
    pub(super) fn with(&self, address: IpAddr) -> Self {
        Self {
            address,
            ..self.clone()
        }
    }
}

/// `remote`: the neighbour's address, unless something is wrong with it.
pub(super) fn session(
    key: &ObjectKey,
    spec: &BGPPeerSpec,
    remote: Option<IpAddr>,
    routers: &Routers<'_>,
    findings: &mut Findings<'_>,
) -> Option<Session> {
    not_implemented(spec, findings);
    if spec.multi_session == Some(true) {
        let message = "no standard gives it a meaning between two routers, so it changes nothing; \
                       remove it";
        findings.warn("spec.multiSession", Reason::NoEffect, message);
    }
    let interface = interface(spec, findings);
    let local_address = match &spec.local_address {
        Some(text) => address("spec.localAddress", text, findings),
        None => None,
    };
    if let (Some(remote), Some(local)) = (remote, local_address)
        && remote.is_ipv4() != local.is_ipv4()
    {
        let message = format!(
            "{local} cannot be our end of a session with {remote}; use an address of the same family"
        );
        findings.reject("spec.localAddress", Reason::InvalidAddress, message);
    }
    if let (Some(remote), Some(local)) = (remote, local_address)
        && local.is_loopback()
        && !remote.is_loopback()
    {
        let message = format!(
            "{local} reaches this node alone, and never {remote}; give an address of a link"
        );
        findings.reject("spec.localAddress", Reason::InvalidAddress, message);
    }
    if let (Some(remote), Some(local)) = (remote, local_address)
        && remote == local
    {
        let message = format!("{local} is the neighbour's address too; give our own");
        findings.reject("spec.localAddress", Reason::InvalidAddress, message);
    }
    let remote_as = remote_as(spec, findings);
    let families = families("spec.addressFamilies", &spec.address_families, findings);
    let max_prefixes = max_prefixes(spec, &families, findings);
    let families = add_path(spec, &families, findings);
    let timers = timers(spec, findings);
    let authentication = authentication(&key.namespace, spec, routers, findings);
    let remote_port = bounded(
        "spec.remotePort",
        spec.remote_port,
        179_u16,
        bounds::PORT,
        findings,
    );
    let allow_as_in = bounded(
        "spec.allowAsIn",
        spec.allow_as_in,
        0_u16,
        bounds::ALLOW_AS_IN,
        findings,
    );
    let graceful_restart = wanted(spec, findings);
    let private_as = private_as(spec, findings);
    let shutdown = shutdown(spec, findings);
    let bfd = bfd(spec, findings);
    contradiction::of_peer(spec, timers.map(|(hold, _)| hold), bfd, findings);
    if !findings.accepted() {
        return None;
    }
    let (hold_time, keepalive) = timers?;
    Some(Session {
        address: remote?,
        interface,
        remote_port: remote_port?,
        remote_as: remote_as?,
        families,
        max_prefixes,
        hold_time,
        keepalive,
        authentication,
        local_address,
        allow_as_in: u8::try_from(allow_as_in?).ok()?,
        graceful_restart,
        private_as,
        shutdown,
        bfd,
    })
}

/// What depends on the router.
pub(super) fn on_router(
    key: &ObjectKey,
    spec: &BGPPeerSpec,
    session: &Session,
    router: &Router,
    findings: &mut Findings<'_>,
) -> Option<Peer> {
    let mut findings = findings.on(&router.key);
    let internal = session.remote_as.is_internal(router.local_as);
    for config in &session.families {
        if !router.families.contains(&config.family) {
            let message = format!(
                "BGPRouter {} does not have {}; add it to the router's addressFamilies or remove it here",
                router.key, config.family
            );
            findings.reject(
                "spec.addressFamilies",
                Reason::AddressFamilyMismatch,
                message,
            );
        }
    }
    if session.local_address.is_none()
        && session.interface.is_none()
        && let Some(local) = router.local_address
        && local.is_ipv4() == session.address.is_ipv4()
        && local.is_loopback()
        && !session.address.is_loopback()
    {
        let message = format!(
            "localAddress {local} of BGPRouter {} reaches this node alone, and never {}; give the router, or this peer, an \
             address of a link",
            router.key, session.address
        );
        findings.reject("spec.localAddress", Reason::InvalidAddress, message);
    }
    if router.local_address == Some(session.address)
        && router.listen_port == Some(session.remote_port)
    {
        let message = format!(
            "{} is the localAddress of BGPRouter {} itself; give the neighbour's",
            session.address, router.key
        );
        findings.reject("spec.address", Reason::InvalidAddress, message);
    }
    if session.address.is_loopback() && spec.dynamic_neighbors.is_none() {
        let ours = session.address;
        if spec.passive != Some(true) && router.listen_port == Some(session.remote_port) {
            let message = format!(
                "{ours} is this node itself, where BGPRouter {} listens on port {}: it would dial itself; give the neighbour's address",
                router.key, session.remote_port
            );
            findings.reject("spec.address", Reason::InvalidAddress, message);
        } else {
            let message = format!(
                "{ours} is this node itself: the neighbour can only be another BGP speaker on it; if it is not, give the neighbour's address"
            );
            findings.warn("spec.address", Reason::InvalidAddress, message);
        }
    }
    if spec.passive == Some(true) && router.listen_port.is_none() {
        let message = format!(
            "the session can never come up: true waits for the neighbour to connect, and spec.listenPort of BGPRouter \
             {} is -1, which listens for nobody; remove passive here, or give the router a listenPort",
            router.key
        );
        findings.reject("spec.passive", Reason::InvalidValue, message);
    }
    if internal {
        let both_ours = format!(
            "the session is iBGP (both ends are in AS {}), where any number of hops is allowed; remove it",
            router.local_as
        );
        if spec.ebgp_multi_hop == Some(true) {
            findings.reject(
                "spec.ebgpMultiHop",
                Reason::InvalidForIBGP,
                both_ours.clone(),
            );
        }
        if spec.ebgp_multihop_ttl.is_some() {
            findings.reject("spec.ebgpMultihop", Reason::InvalidForIBGP, both_ours);
        }
    } else if spec.route_reflector_client == Some(true) {
        let message = format!(
            "only iBGP neighbours can be clients (RFC 4456), and the router is in AS {}; remove it or \
             correct peerASN",
            router.local_as
        );
        findings.reject("spec.routeReflectorClient", Reason::InvalidForEBGP, message);
    }
    let asks_for_reflection = spec.route_reflector_client == Some(true);
    let reflects = router.cluster_id.is_some();
    if internal && asks_for_reflection && !reflects {
        let message = format!(
            "BGPRouter {} is no route reflector, so routes of other internal neighbours are not passed on to this \
             one; give the router spec.routeReflector, or remove this",
            router.key
        );
        findings.warn("spec.routeReflectorClient", Reason::NoEffect, message);
    }
    if internal {
        for (field, set) in [
            ("spec.removePrivateAS", spec.remove_private_as.is_some()),
            ("spec.asOverride", spec.as_override == Some(true)),
            ("spec.enforceFirstAS", spec.enforce_first_as.is_some()),
        ] {
            if set {
                let message =
                    "the session is iBGP, where AS paths are passed on as they are; remove it";
                findings.warn(field, Reason::NoEffect, message);
            }
        }
    }
    let role = role(spec, router, internal, &mut findings);
    let local_as = local_as(spec, router, session.remote_as, &mut findings);
    if !internal && spec.next_hop_self == Some(true) {
        let message = "an eBGP neighbour gets our own address as next hop anyway; remove it";
        findings.warn("spec.nextHopSelf", Reason::NoEffect, message);
    }
    let carries = |family| {
        session
            .families
            .iter()
            .any(|config| config.family == family)
    };
    // Next hops of VPN routes are passed on as they are, whatever the session runs over.
    let carries_vpnv4 = carries(Family::IPV4_VPN);
    let carries_ipv4 = carries(Family::IPV4_UNICAST) || carries_vpnv4;
    if spec.extended_next_hop == Some(true) && !carries_ipv4 {
        let message = "the session carries no IPv4 routes, so it changes nothing; add ipv4/unicast or ipv4/vpn to \
                       addressFamilies, or remove it";
        findings.warn("spec.extendedNextHop", Reason::NoEffect, message);
    }
    let mut hops = |field, value: Option<i32>, bounds| within(field, value?, bounds, &mut findings);
    let security: Option<u8> = hops("spec.ttlSecurity", spec.ttl_security, bounds::TTL_SECURITY);
    let multihop: Option<u8> = hops("spec.ebgpMultihop", spec.ebgp_multihop_ttl, bounds::TTL);
    if !findings.accepted() {
        return None;
    }
    let ttl = match (security, multihop) {
        (Some(hops), _) => Ttl::Security(hops),
        (None, Some(ttl)) => Ttl::Multihop(ttl),
        (None, None) if internal => Ttl::Multihop(INTERNAL_TTL),
        (None, None) if spec.ebgp_multi_hop == Some(true) => Ttl::Multihop(MULTIHOP_TTL),
        (None, None) => Ttl::Direct,
    };
    let graceful_restart = session.graceful_restart.map(|wanted| wanted.on(router));
    let of_session = contradiction::Session {
        internal,
        ttl,
        bfd: session.bfd,
        graceful_restart,
    };
    contradiction::of_session(of_session, router, &mut findings);
    Some(Peer {
        key: PeerKey {
            peer: key.path().into(),
            router: router.key.clone(),
        },
        name: Arc::from(key.name.as_str()),
        address: session.address,
        interface: session.interface.clone(),
        remote_port: session.remote_port,
        remote_as: session.remote_as,
        families: session.families.clone(),
        hold_time: session.hold_time,
        keepalive: session.keepalive,
        passive: spec.passive.unwrap_or(false),
        ttl,
        authentication: session.authentication.clone(),
        local_address: session.local_address.or_else(|| {
            // A link has its own.
            router.local_address.filter(|local| {
                session.interface.is_none() && local.is_ipv4() == session.address.is_ipv4()
            })
        }),
        next_hop_self: internal && spec.next_hop_self.unwrap_or(false),
        route_reflector_client: asks_for_reflection && reflects,
        allow_as_in: session.allow_as_in,
        enforce_first_as: spec.enforce_first_as.unwrap_or(true),
        local_as: local_as.filter(|_| !internal),
        also_as: local_as.filter(|_| internal).map(|local| local.asn),
        private_as: session.private_as.filter(|_| !internal),
        as_override: !internal && spec.as_override.unwrap_or(false),
        max_prefixes: session.max_prefixes.clone(),
        import_policies: Chain::default(),
        export_policies: Chain::default(),
        role,
        extended_next_hop: carries_ipv4
            && spec
                .extended_next_hop
                .unwrap_or_else(|| session.address.is_ipv6() || carries_vpnv4),
        graceful_restart,
        restart_helper: helps(spec),
        graceful_shutdown: router.graceful_shutdown || spec.graceful_shutdown == Some(true),
        shutdown: session.shutdown.clone(),
        bfd: session.bfd,
        description: spec.description.clone(),
    })
}

/// Fields whose work this version does not do. Switched off they ask for nothing, and are fine.
fn not_implemented(spec: &BGPPeerSpec, findings: &mut Findings<'_>) {
    if spec.default_origin_route.is_some() {
        findings.not_implemented("spec.defaultOriginRoute", "remove it");
    }
}

fn remote_as(spec: &BGPPeerSpec, findings: &mut Findings<'_>) -> Option<RemoteAs> {
    match (spec.peer_asn, spec.peer_type) {
        (Some(number), _) => asn("spec.peerASN", number, findings).map(RemoteAs::Asn),
        (None, Some(PeerType::External)) => Some(RemoteAs::External),
        (None, Some(PeerType::Internal)) => Some(RemoteAs::Internal),
        (None, None) => {
            findings.reject(
                "spec.peerASN",
                Reason::InvalidASN,
                "give peerASN or peerType",
            );
            None
        }
    }
}

fn private_as(spec: &BGPPeerSpec, findings: &mut Findings<'_>) -> Option<PrivateAs> {
    match spec.remove_private_as? {
        0 => Some(PrivateAs::Remove),
        number => asn("spec.removePrivateAS", number, findings).map(PrivateAs::Replace),
    }
}

fn add_path(
    spec: &BGPPeerSpec,
    families: &[Family],
    findings: &mut Findings<'_>,
) -> Vec<FamilyConfig> {
    let mut configs: Vec<_> = families
        .iter()
        .map(|family| FamilyConfig {
            family: *family,
            add_path_receive: false,
            add_path_send: 0,
        })
        .collect();
    for (index, wanted) in spec.add_path.iter().flatten().enumerate() {
        let field = format!("spec.addPath[{index}]");
        let family = family(crds::AddressFamily {
            afi: wanted.afi,
            safi: wanted.safi,
        });
        let Some(config) = configs
            .iter_mut()
            .find(|config| Some(config.family) == family)
        else {
            let message = "the session does not carry this family; add it to addressFamilies or remove it here";
            findings.reject(&field, Reason::AddressFamilyMismatch, message);
            continue;
        };
        config.add_path_receive = wanted.receive.unwrap_or(false);
        let field = format!("{field}.send");
        let send = bounded(&field, wanted.send, 0, bounds::ADD_PATH_SEND, findings);
        config.add_path_send = send.unwrap_or(0);
    }
    configs
}

fn shutdown(spec: &BGPPeerSpec, findings: &mut Findings<'_>) -> Option<String> {
    let shutdown = spec.shutdown.as_ref()?;
    let message = shutdown.message.clone().unwrap_or_default();
    // RFC 9003 §2: the length of the text is one octet.
    if message.len() > 255 {
        let text = format!(
            "the text has {} bytes; at most 255 can be sent (RFC 9003)",
            message.len()
        );
        findings.reject("spec.shutdown.message", Reason::InvalidValue, text);
    }
    shutdown.enabled.then_some(message)
}
