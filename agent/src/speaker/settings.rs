//! One peer's configuration, turned into what the session, the RIB, the exporter and the sockets each need of it.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::Arc;
use std::time::Duration;

use ::bfd::{Config, Hops, Micros};
use bgp_session::{FamilyConfig, GracefulRestart, Negotiated, PeerConfig, RoleConfig};
use bgp_wire::{
    AFI_IPV4, Asn, Encoding, Family, FamilySet, HoldTime, NextHop, Role, RouterId, SessionContext,
};
use ipnet::IpNet;
use rib::policy::Chain;
use rib::{
    AsPathRules, Audience, ExportRules, FamilyExport, GroupKey, ImportRules, LocalAs, PeerInfo,
    PrivateAs, RoutePolicy, RouteTargets, SourceKind,
};

use super::connector::Dial;
use super::guests::Remote;
use super::tcp_options::TtlRule;
use crate::bfd::Wanted;
use crate::desired::{
    self, AoKeys, Authentication, Peer, PeerRole, RemoteAs, Router, Source, Ttl, goes_on,
    has_route_targets,
};
use crate::ndp::{Hold, NamedLink, Sighting, Watch};

/// Our addresses, the links they are on, and what else there is on the node to originate.
pub trait AddressBook: Send + Sync {
    /// What a router that originates this source originates now, of both address families; in any order.
    fn prefixes_of(&self, source: &Source) -> Vec<IpNet>;

    /// An address of ours that may be written as next hop, on the interface that has `address`: the next hop of IPv6 routes
    /// on an IPv4 session, and the reverse, has to come from somewhere.
    fn beside(&self, address: IpAddr, ipv4: bool) -> Option<IpAddr>;

    /// Such an address on the link of this index.
    fn on_link(&self, link: u32, ipv4: bool) -> Option<IpAddr>;

    /// The link of this name.
    fn link_named(&self, name: &str) -> Option<NamedLink>;

    /// The link on which our address `local` and `remote` share a subnet.
    fn shared_link(&self, local: IpAddr, remote: IpAddr) -> Option<SharedLink>;

    /// The link that `remote` is reached through without a gateway, whatever our addresses are.
    fn direct_link(&self, remote: IpAddr) -> Option<u32>;

    /// Whether packets can leave through the link of this index.
    fn is_up(&self, link: u32) -> bool;

    /// Whether there is a link of this index, and it is down.
    fn is_down(&self, link: u32) -> bool;

    /// The link that is down and on which an address of ours shares a subnet with `remote`.
    fn down_link(&self, remote: IpAddr) -> Option<u32>;

    /// Whether this node has the address.
    fn is_own(&self, address: IpAddr) -> bool;
}

/// A link between us and a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SharedLink {
    /// Index of the interface.
    pub index: u32,
    /// Our link-local address on it.
    pub link_local: Option<Ipv6Addr>,
}

/// What a peer's task works with.
#[derive(Clone)]
pub struct Settings {
    peer: Arc<Peer>,
    router: Arc<Router>,
    addresses: Arc<dyn AddressBook>,
    /// Of a peer that is known by its interface: who looks, and what was seen there.
    watch: Option<(Watch, Sighting)>,
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl Settings {
    /// The settings of `peer` on `router`.
    pub fn new(
        peer: impl Into<Arc<Peer>>,
        router: Arc<Router>,
        addresses: Arc<dyn AddressBook>,
    ) -> Self {
        Self {
            peer: peer.into(),
            router,
            addresses,
            watch: None,
        }
    }

    /// The same with what was seen by now on the interface by which the peer is known.
    pub(super) fn seen(mut self, watch: Option<&Watch>) -> Self {
        self.watch = watch.map(|watch| (watch.clone(), watch.sighting()));
        self
    }

    /// There is a session with the neighbour that was found, until the result is dropped.
    pub(super) fn hold(&self) -> Option<Hold> {
        self.watch.as_ref().map(|(watch, _)| watch.hold())
    }

    /// What was seen on the interface by which the peer is known.
    pub fn sighting(&self) -> Option<&Sighting> {
        self.watch.as_ref().map(|(_, sighting)| sighting)
    }

    /// Where the peer is; nobody knows before it was found on its interface.
    pub(super) fn remote(&self) -> Option<Remote> {
        match &self.peer.interface {
            None => Some(Remote {
                address: self.peer.address,
                link: 0,
            }),
            Some(_) => {
                let found = self.sighting()?.found()?;
                Some(Remote {
                    address: found.address.into(),
                    link: found.link,
                })
            }
        }
    }

    /// The peer's address, if it is known.
    pub fn known_address(&self) -> Option<IpAddr> {
        self.remote().map(|remote| remote.address)
    }

    /// The peer's address; unspecified before it was found.
    fn address(&self) -> IpAddr {
        self.known_address().unwrap_or(self.peer.address)
    }

    /// Families that are configured and that the neighbour has not offered.
    pub fn not_offered(&self, negotiated: &Negotiated) -> Vec<Family> {
        let configured = self.peer.families.iter().map(|config| config.family);
        configured
            .filter(|family| !negotiated.families.contains(*family))
            .collect()
    }

    /// The peer as configured.
    pub fn peer(&self) -> &Peer {
        &self.peer
    }

    /// Its router as configured.
    pub fn router(&self) -> &Router {
        &self.router
    }

    fn is_internal(&self) -> bool {
        self.peer.remote_as.is_internal(self.router.local_as)
    }

    /// The AS that we are to the peer.
    pub fn local_as(&self) -> Asn {
        let local = self.peer.local_as;
        local.map_or(self.router.local_as, |local| local.asn)
    }

    /// What the session machine needs.
    pub(super) fn session(&self) -> PeerConfig {
        let (peer, router) = (&self.peer, &self.router);
        let mut config =
            PeerConfig::new(self.local_as(), remote_as(peer.remote_as), router.router_id);
        config.also_as = peer.also_as;
        config.families = peer
            .families
            .iter()
            .map(|f| FamilyConfig {
                family: f.family,
                add_path_receive: f.add_path_receive,
                add_path_send: f.add_path_send > 0,
            })
            .collect();
        if self.offers_route_targets() {
            config.families.push(FamilyConfig::plain(Family::RTC));
        }
        config.hold_time = HoldTime::new(peer.hold_time).unwrap_or_default();
        config.keepalive =
            (peer.keepalive > 0).then(|| Duration::from_secs(u64::from(peer.keepalive)));
        config.passive = peer.passive;
        config.admin_down = peer.shutdown.clone();
        config.graceful_restart = peer.graceful_restart.map(|restart| GracefulRestart {
            restart_time: restart.restart_time,
            stale_time: self.stale_limits().0,
            forwarding: self.forwarded(),
            long_lived: restart.long_lived,
        });
        config.restart_helper = peer.restart_helper;
        config.extended_next_hop = peer.extended_next_hop;
        config.software_version = Some(concat!("cosmos/", env!("CARGO_PKG_VERSION")).to_owned());
        config.hostname = None;
        config.enforce_first_as = peer.enforce_first_as;
        config.role = peer
            .role
            .map(|PeerRole { role, strict }| RoleConfig { role, strict });
        config
    }

    /// The families whose packets the kernel forwards without us. Routes of others are only passed on.
    pub(super) fn forwarded(&self) -> FamilySet {
        match self.router.kernel.install {
            true => FamilySet::from([Family::IPV4_UNICAST, Family::IPV6_UNICAST]),
            false => FamilySet::EMPTY,
        }
    }

    /// How long routes of a peer that restarts are kept at most, and then again as long-lived ones.
    pub(super) fn stale_limits(&self) -> (Duration, Duration) {
        let secs = |secs: u32| Duration::from_secs(secs.into());
        let long_lived = self.peer.graceful_restart.and_then(|r| r.long_lived);
        let stale = self.router.graceful_restart.stale_routes_time;
        (secs(stale), secs(long_lived.unwrap_or(0)))
    }

    /// Whether routes of the peer may be kept while there is no session.
    pub(super) fn keeps_stale_routes(&self) -> bool {
        let kept = self.peer.graceful_restart.is_some() || self.peer.restart_helper;
        kept && self.peer.shutdown.is_none()
    }

    /// Whether route targets may say what is told on the session (RFC 4684): wherever within the AS there are families that have
    /// them (docs/adr/0019). A peer that does not know of it is told everything.
    fn offers_route_targets(&self) -> bool {
        let mut families = self.peer.families.iter();
        self.is_internal() && families.any(|config| has_route_targets(config.family))
    }

    /// What the RIB needs; what only the other side knows comes from `negotiated`.
    pub(super) fn peer_info(&self, negotiated: Option<&Negotiated>) -> PeerInfo {
        let only_link = negotiated.and_then(|n| self.only_link(n));
        PeerInfo {
            // By this name `show` asks for the peer's routes.
            name: {
                let key = &*self.peer.key.peer;
                key.strip_prefix("default/").unwrap_or(key).into()
            },
            address: self.address(),
            kind: match (self.is_internal(), self.peer.route_reflector_client) {
                (false, _) => SourceKind::Ebgp,
                (true, false) => SourceKind::Ibgp,
                (true, true) => SourceKind::IbgpClient,
            },
            // Whichever AS an internal peer says, it is in ours (RFC 7705 §4.2).
            asn: match negotiated {
                Some(negotiated) if !self.is_internal() => negotiated.remote_as,
                Some(_) => self.router.local_as,
                None => self.expected_as(),
            },
            router_id: negotiated.map_or(RouterId(0), |n| n.remote_router_id),
            link: only_link
                .or_else(|| Some(self.shared_link(negotiated?)?.index))
                .unwrap_or(0),
            one_hop: only_link.is_some(),
            long_lived: self.stale_limits().1 > Duration::ZERO,
            allow_as_in: self.peer.allow_as_in,
            rules: ImportRules {
                role: self.role(),
                graceful_shutdown: self.peer.graceful_shutdown,
                local_as: self.peer.local_as.map(|local| LocalAs {
                    asn: local.asn,
                    prepend: !local.no_prepend,
                }),
            },
            import: self.policy(&self.peer.import_policies),
        }
    }

    /// What routes go through these policies as.
    fn policy(&self, policies: &Chain) -> RoutePolicy {
        let kind = match self.is_internal() {
            true => SourceKind::Ibgp,
            false => SourceKind::Ebgp,
        };
        RoutePolicy::of(policies, kind, self.router.require_policy)
    }

    /// RFC 9234 §4.2: our role holds also where the peer has not said its own.
    fn role(&self) -> Option<Role> {
        self.peer.role.map(|role| role.role)
    }

    fn expected_as(&self) -> Asn {
        match self.peer.remote_as {
            RemoteAs::Asn(asn) => asn,
            RemoteAs::Internal => self.router.local_as,
            RemoteAs::External => Asn(0),
        }
    }

    /// Our end of a session.
    fn local(&self, negotiated: &Negotiated) -> IpAddr {
        self.peer
            .local_address
            .filter(|address| address.is_ipv4() == negotiated.local.is_ipv4())
            .unwrap_or_else(|| negotiated.local.ip().to_canonical())
    }

    fn shared_link(&self, negotiated: &Negotiated) -> Option<SharedLink> {
        let local = self.local(negotiated);
        if let Some(index) = self.interface() {
            // Every link has the same network of link-local addresses.
            let link_local = match local {
                IpAddr::V6(address) => Some(address),
                IpAddr::V4(_) => None,
            };
            return Some(SharedLink { index, link_local });
        }
        self.addresses.shared_link(local, self.peer.address)
    }

    /// The link of a peer that was found on its interface.
    fn interface(&self) -> Option<u32> {
        let remote = self.remote()?;
        (remote.link != 0).then_some(remote.link)
    }

    /// The link that the session cannot outlive.
    pub(super) fn footing_link(&self, negotiated: &Negotiated) -> Option<u32> {
        self.interface().or_else(|| self.only_link(negotiated))
    }

    /// The link that an external neighbour one hop away is on: neither the session nor what the neighbour tells is to outlive it.
    pub(super) fn only_link(&self, negotiated: &Negotiated) -> Option<u32> {
        if !self.is_one_hop_away() {
            return None;
        }
        // Where addresses are all of one host, a route says which link the neighbour is on.
        let shared = self.shared_link(negotiated).map(|link| link.index);
        shared.or_else(|| self.addresses.direct_link(self.known_address()?))
    }

    /// The peer's address, if it is to be on a link of ours and the routes say on which: packets with TTL 1 get there over nobody else.
    pub fn on_a_link(&self) -> Option<IpAddr> {
        let routed = |address: &IpAddr| match address {
            IpAddr::V4(_) => true,
            IpAddr::V6(address) => !address.is_unicast_link_local(),
        };
        let address = self.known_address().filter(routed)?;
        self.is_one_hop_away().then_some(address)
    }

    /// Whether this is an external neighbour on a link of ours. One on this very host is no hop away.
    fn is_one_hop_away(&self) -> bool {
        self.peer.ttl.is_one_hop() && !self.is_internal() && !self.peer.address.is_loopback()
    }

    /// Whether packets can leave through the link of this index.
    pub(super) fn is_up(&self, link: u32) -> bool {
        self.addresses.is_up(link)
    }

    /// Whether the way to the peer is over a link that is down: this one, or one that its address is on.
    pub(super) fn has_link_down(&self, link: Option<u32>) -> bool {
        link.is_some_and(|link| self.addresses.is_down(link))
            || self
                .known_address()
                .is_some_and(|remote| self.addresses.down_link(remote).is_some())
    }

    /// Whether this node has the address.
    pub(super) fn is_own(&self, address: IpAddr) -> bool {
        self.addresses.is_own(address)
    }

    /// Which export group a session with these parameters belongs to, where the peer asks for these route targets.
    pub(super) fn group_key(
        &self,
        negotiated: &Negotiated,
        wanted: Option<Arc<RouteTargets>>,
    ) -> GroupKey {
        let ctx = &negotiated.ctx;
        let mp_ipv4 = ctx.extended_next_hop.contains(Family::IPV4_UNICAST);
        let local = self.local(negotiated);
        let link = self.shared_link(negotiated);
        let own_ipv6 = self.own_next_hop(local, link, false);
        let rules = ExportRules {
            audience: match (self.is_internal(), self.peer.route_reflector_client) {
                (false, _) => Audience::Ebgp,
                (true, false) => Audience::Ibgp,
                (true, true) => Audience::IbgpClient,
            },
            local_as: self.local_as(),
            router_id: self.router.router_id,
            cluster_id: self.router.cluster_id.unwrap_or(self.router.router_id),
            // Where IPv6 next hops were agreed on for all IPv4 routes (RFC 8950), the session's own address is one that the peer is
            // known to reach; what else is on the link may be of a subnet that it does not know.
            own_ipv4: if local.is_ipv6() && takes_ipv6_next_hops(ctx) {
                own_ipv6
            } else {
                self.own_next_hop(local, link, true)
            },
            own_ipv6,
            ipv6_next_hops: ctx.extended_next_hop,
            wanted,
            asks_for_everything: true,
            long_lived: negotiated
                .restart
                .as_ref()
                .is_some_and(|restart| restart.long_lived.is_some()),
            next_hop_self: self.peer.next_hop_self,
            graceful_shutdown: self.peer.graceful_shutdown,
            role: self.role(),
            as_path: self.as_path_rules(negotiated.remote_as),
            policy: self.policy(&self.peer.export_policies),
        };
        // RFC 4684 §6: what is wanted is told before what follows from it.
        let rtc_first = FamilySet::from([Family::RTC]).intersection(ctx.families);
        let mut others = ctx.families;
        others.remove(Family::RTC);
        let families = rtc_first
            .iter()
            .chain(others.iter())
            .map(|family| FamilyExport {
                family,
                encoding: Encoding {
                    asn4: ctx.asn4,
                    add_path: ctx.add_path_send.contains(family),
                    max_message: ctx.max_message,
                    mp_ipv4,
                },
                add_path: if ctx.add_path_send.contains(family) {
                    self.peer
                        .families
                        .iter()
                        .find(|f| f.family == family)
                        .map_or(0, |f| f.add_path_send)
                } else {
                    0
                },
            })
            .collect();
        GroupKey { rules, families }
    }

    /// What is done to the paths that the peer is told. Its AS is only named where it matters, so that peers of many ASes can be one
    /// export group.
    fn as_path_rules(&self, peer: Asn) -> AsPathRules {
        if self.is_internal() {
            return AsPathRules::default();
        }
        AsPathRules {
            private: self.peer.private_as.map(|what| match what {
                desired::PrivateAs::Remove => (PrivateAs::Remove, peer),
                desired::PrivateAs::Replace(by) => (PrivateAs::Replace(by), peer),
            }),
            override_as: self.peer.as_override.then_some(peer),
            behind: self
                .peer
                .local_as
                .is_some_and(|local| !local.replace_as)
                .then_some(self.router.local_as),
        }
    }

    /// Our own next hop of one address family: the session's own address, an address of the router, or one beside the
    /// session's on its interface.
    ///
    /// RFC 2545 §3: "The link-local address shall be included in the Next Hop field if and only if the BGP speaker shares a
    /// common subnet with the entity identified by the global IPv6 address carried in the Network Address of Next Hop field and
    /// the peer the route is being advertised to."
    ///
    /// A session between link-local addresses has the link-local one in any case, and beside it the global one of the link, where there
    /// is one.
    fn own_next_hop(&self, local: IpAddr, link: Option<SharedLink>, ipv4: bool) -> Option<NextHop> {
        if let (IpAddr::V6(link_local), Some(index), false) = (local, self.interface(), ipv4) {
            return Some(match self.addresses.on_link(index, false) {
                Some(IpAddr::V6(global)) => NextHop::V6LinkLocal { global, link_local },
                _ => NextHop::V6(link_local),
            });
        }
        let of_family = |address: &IpAddr| address.is_ipv4() == ipv4;
        Some(local)
            .filter(of_family)
            .or_else(|| self.router.local_address.filter(of_family))
            // Nobody else reaches a loopback address, whatever the session itself runs over.
            .filter(|address| *address == local || !address.is_loopback())
            .or_else(|| match self.interface() {
                Some(index) => self.addresses.on_link(index, ipv4),
                None => self.addresses.beside(local, ipv4),
            })
            .map(|address| match (address, link.and_then(|l| l.link_local)) {
                (IpAddr::V4(v4), _) => NextHop::V4(v4),
                (IpAddr::V6(global), Some(link_local)) if address == local => {
                    NextHop::V6LinkLocal { global, link_local }
                }
                (IpAddr::V6(v6), _) => NextHop::V6(v6),
            })
    }

    /// The TTL rule of its connections.
    pub(super) fn ttl(&self) -> TtlRule {
        match self.peer.ttl {
            Ttl::Direct => TtlRule::Send(1),
            Ttl::Multihop(ttl) => TtlRule::Send(ttl),
            Ttl::Security(hops) => TtlRule::Security(hops),
        }
    }

    /// How its segments are signed.
    pub(super) fn authentication(&self) -> Option<&Authentication> {
        self.peer.authentication.as_ref()
    }

    /// The keys of TCP-AO.
    pub(super) fn ao_keys(&self) -> Option<&AoKeys> {
        self.authentication().and_then(Authentication::ao)
    }

    /// The BFD session that is to watch over the path; none while the peer is shut down, or was not found.
    pub(super) fn bfd(&self) -> Option<Wanted> {
        let peer = &self.peer;
        let wanted = peer.bfd.filter(|_| peer.shutdown.is_none())?;
        let remote = self.remote()?;
        Some(Wanted {
            hops: match wanted.multi_hop {
                true => Hops::Multi,
                false => Hops::Single,
            },
            local: peer.local_address,
            remote: remote.address,
            interface: remote.link,
            config: Config {
                desired_min_tx: Micros(wanted.minimum_tx),
                required_min_rx: Micros(wanted.minimum_rx),
                detect_mult: wanted.detect_multiplier,
                passive: false,
            },
        })
    }

    /// How to connect.
    pub(super) fn dial(&self) -> Dial {
        Dial {
            remote: self.remote().map(|remote| match remote.address {
                IpAddr::V4(_) => SocketAddr::new(remote.address, self.peer.remote_port),
                IpAddr::V6(v6) => {
                    SocketAddrV6::new(v6, self.peer.remote_port, 0, remote.link).into()
                }
            }),
            local: self.peer.local_address,
            ttl: self.ttl(),
            authentication: self.authentication().cloned(),
        }
    }

    /// Whether a session opened with the one cannot serve the other.
    pub(super) fn session_differs(&self, other: &Self) -> bool {
        let of = |s: &Self| {
            (
                s.peer.address,
                s.peer.interface.clone(),
                s.peer.remote_port,
                s.peer.local_address,
            )
        };
        // How many paths are sent is not said in OPEN, but what was told is kept for that many.
        let paths = |s: &Self| {
            let families = s.peer.families.iter();
            families
                .map(|f| (f.family, f.add_path_send))
                .collect::<Vec<_>>()
        };
        of(self) != of(other)
            || !goes_on(self.authentication(), other.authentication())
            // Others were told of its routes by what the peer is to us: they go, and come again under the other rule.
            || self.peer.route_reflector_client != other.peer.route_reflector_client
            || paths(self) != paths(other)
    }

    /// Whether another neighbour is meant than in `other`, by the same configuration.
    pub(super) fn found_differs(&self, other: &Self) -> bool {
        self.remote() != other.remote()
    }
}

/// Whether every family of IPv4 on the session may have IPv6 next hops.
fn takes_ipv6_next_hops(ctx: &SessionContext) -> bool {
    let of_ipv4 = |family: &Family| family.afi == AFI_IPV4 && *family != Family::RTC;
    let mut families = ctx.families.iter().filter(of_ipv4).peekable();
    families.peek().is_some() && families.all(|family| ctx.extended_next_hop.contains(family))
}

fn remote_as(remote_as: RemoteAs) -> bgp_session::RemoteAs {
    match remote_as {
        RemoteAs::Asn(asn) => bgp_session::RemoteAs::Asn(asn),
        RemoteAs::External => bgp_session::RemoteAs::External,
        RemoteAs::Internal => bgp_session::RemoteAs::Internal,
    }
}
