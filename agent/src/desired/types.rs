//! What this node should be doing, in the types of the protocol.
//!
//! [`Desired`] is the whole answer to "what do the objects ask of this node": resolved, checked and without a
//! trace of Kubernetes. The speaker and the kernel room read nothing else.

use std::collections::BTreeMap;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use bgp_wire::{Asn, Family, Role, RouterId};
use ipnet::IpNet;
use rib::policy::Chain;

use super::authentication::{Authentication, Password};
use super::dynamic::DynamicNeighbors;
use super::policies::{PolicyKey, Scope};

/// A BGPRouter of this node: `namespace/name`.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct RouterKey(pub Arc<str>);

impl RouterKey {
    /// The key of the router `name` in `namespace`.
    #[must_use]
    pub fn new(namespace: &str, name: &str) -> Self {
        Self(format!("{namespace}/{name}").into())
    }

    /// The name without its namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        bare(&self.0)
    }

    /// The namespace.
    #[must_use]
    pub fn namespace(&self) -> &str {
        self.0
            .split_once('/')
            .map_or("", |(namespace, _)| namespace)
    }
}

impl fmt::Display for RouterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(short(&self.0))
    }
}

/// One session: a BGPPeer on one of the routers it is bound to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PeerKey {
    /// The BGPPeer, `namespace/name`.
    pub peer: Arc<str>,
    /// The router that runs the session.
    pub router: RouterKey,
}

impl PeerKey {
    /// The name of the BGPPeer without its namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        bare(&self.peer)
    }
}

impl fmt::Display for PeerKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", short(&self.peer), self.router)
    }
}

/// What one BGPAdvertisement originates on its router.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct OriginationKey {
    /// The BGPAdvertisement, `namespace/name`.
    pub advertisement: Arc<str>,
    /// The router that originates.
    pub router: RouterKey,
}

impl OriginationKey {
    /// The name of the BGPAdvertisement without its namespace.
    #[must_use]
    pub fn name(&self) -> &str {
        bare(&self.advertisement)
    }
}

impl fmt::Display for OriginationKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} on {}", short(&self.advertisement), self.router)
    }
}

fn bare(key: &str) -> &str {
    key.split_once('/').map_or(key, |(_, name)| name)
}

/// `namespace/name`, without the namespace when it is `default`.
fn short(key: &str) -> &str {
    key.strip_prefix("default/").unwrap_or(key)
}

/// Everything that this node should run.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Desired {
    /// The routers that are bound to this node.
    pub routers: BTreeMap<RouterKey, Router>,
    /// Their sessions.
    pub peers: BTreeMap<PeerKey, Arc<Peer>>,
    /// Where neighbours that are not configured one by one may connect from.
    pub dynamic: BTreeMap<PeerKey, DynamicNeighbors>,
    /// What they originate.
    pub originations: BTreeMap<OriginationKey, Origination>,
    /// Where the policies act that are bound to them. What they do is in the peers and originations.
    pub policies: BTreeMap<PolicyKey, Scope>,
}

/// One BGP router of this node, with tables of its own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Router {
    /// Which BGPRouter this is.
    pub key: RouterKey,
    /// Our AS number.
    pub local_as: Asn,
    /// Our BGP identifier.
    pub router_id: RouterId,
    /// The families that its sessions may negotiate, in the order of the object, each once.
    pub families: Vec<Family>,
    /// The port to listen on; `None` makes outgoing connections only.
    pub listen_port: Option<u16>,
    /// Source address of sessions and next hop of what we originate.
    pub local_address: Option<IpAddr>,
    /// What goes to the kernel, and how it is marked.
    pub kernel: KernelConfig,
    /// How many equally good paths are used at once.
    pub max_paths: u8,
    /// RFC 8212: an eBGP peer without a policy imports and exports nothing.
    pub require_policy: bool,
    /// Choices within the decision process.
    pub decision: Decision,
    /// The cluster identifier; set exactly on a route reflector that names one.
    pub cluster_id: Option<RouterId>,
    /// VPN and EVPN routes need a next hop that can be reached to be passed on.
    pub require_reachable_next_hop: bool,
    /// How long who waits for whom in a restart.
    pub graceful_restart: RestartTimes,
    /// All its sessions are shut down gracefully.
    pub graceful_shutdown: bool,
}

impl Router {
    /// The families that its tables have something of: those of its sessions, and route target constraint where there are
    /// route targets (docs/adr/0019).
    pub fn tables(&self) -> impl Iterator<Item = Family> {
        let constrained = self.families.iter().copied().any(has_route_targets);
        let rtc = constrained.then_some(Family::RTC);
        self.families.clone().into_iter().chain(rtc)
    }
}

/// Whether the routes of a family are told by route target (RFC 4684).
#[must_use]
pub fn has_route_targets(family: Family) -> bool {
    matches!(
        family,
        Family::IPV4_VPN | Family::IPV6_VPN | Family::L2VPN_EVPN
    )
}

/// How a router's best paths go to the kernel.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KernelConfig {
    /// Best paths are installed.
    pub install: bool,
    /// The metric that our routes carry.
    pub metric: u32,
    /// The table that they are in.
    pub table: u32,
    /// The routing protocol number that they carry.
    pub protocol: u8,
    /// A learned default route is installed.
    pub accept_default_route: bool,
}

/// How long who waits for whom when a router or its neighbour restarts (RFC 4724), in seconds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RestartTimes {
    /// Neighbours wait for us.
    pub restart_time: u16,
    /// Routes of a neighbour are kept at most.
    pub stale_routes_time: u32,
    /// We wait for the routes of all neighbours at most.
    pub selection_deferral_time: u32,
}

impl Default for RestartTimes {
    fn default() -> Self {
        Self {
            restart_time: 120,
            stale_routes_time: 360,
            selection_deferral_time: 120,
        }
    }
}

/// Choices within the decision process (RFC 4271 §9.1.2.2).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Decision {
    /// MED is compared between paths of different neighbouring ASes.
    pub always_compare_med: bool,
    /// Equal eBGP paths are decided by router ID; else that step is passed over for them, and the peer's address decides.
    pub compare_router_id: bool,
}

/// One session that a router should hold.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Peer {
    /// Which BGPPeer on which router this is.
    pub key: PeerKey,
    /// The name of the BGPPeer.
    pub name: Arc<str>,
    /// The neighbour's address; unspecified (`::`) where that is learned on an interface.
    pub address: IpAddr,
    /// The interface on which the neighbour's link-local address is learned.
    pub interface: Option<Arc<str>>,
    /// The neighbour's port for connections that we open.
    pub remote_port: u16,
    /// Which AS we expect there.
    pub remote_as: RemoteAs,
    /// The families to negotiate.
    pub families: Vec<FamilyConfig>,
    /// Hold time in seconds, 0 or at least 3.
    pub hold_time: u16,
    /// Keepalive interval in seconds; 0 exactly when no keepalives are sent.
    pub keepalive: u16,
    /// We wait for the neighbour to connect.
    pub passive: bool,
    /// How far away the neighbour may be.
    pub ttl: Ttl,
    /// How its segments are signed.
    pub authentication: Option<Authentication>,
    /// Our end of the session: the peer's own `localAddress`, else its router's when of the same family.
    pub local_address: Option<IpAddr>,
    /// On iBGP, we put ourselves in as the next hop.
    pub next_hop_self: bool,
    /// The neighbour is our client (RFC 4456).
    pub route_reflector_client: bool,
    /// How many times our own AS may be in a received AS_PATH.
    pub allow_as_in: u8,
    /// An AS_PATH of an external neighbour must begin with its AS (RFC 4271 §6.3).
    pub enforce_first_as: bool,
    /// Another AS than the router's, which we are to the external neighbour (RFC 7705).
    pub local_as: Option<LocalAs>,
    /// Another AS than the router's, which both ends of the iBGP session may say to be of as well (RFC 7705 §4).
    pub also_as: Option<Asn>,
    /// What becomes of private ASes in paths that an external neighbour is told.
    pub private_as: Option<PrivateAs>,
    /// Our AS takes the place of the external neighbour's in paths that it is told.
    pub as_override: bool,
    /// How many prefixes of some families the neighbour may tell.
    pub max_prefixes: Vec<PrefixLimit>,
    /// What its routes go through before they are chosen among. Empty where it has no policy in that direction.
    pub import_policies: Chain,
    /// What routes go through before it is told of them. Empty where it has no policy in that direction.
    pub export_policies: Chain,
    /// What we are to the external neighbour (RFC 9234).
    pub role: Option<PeerRole>,
    /// IPv4 routes may have IPv6 next hops (RFC 8950).
    pub extended_next_hop: bool,
    /// Our own graceful restart is offered (RFC 4724).
    pub graceful_restart: Option<GracefulRestart>,
    /// Where it is not, the neighbour is told all the same that its restarts are helped.
    pub restart_helper: bool,
    /// Traffic is to move away from the session before it ends (RFC 8326).
    pub graceful_shutdown: bool,
    /// The session is administratively down, with this text for the neighbour (RFC 9003; may be empty).
    pub shutdown: Option<String>,
    /// BFD watches over the path.
    pub bfd: Option<Bfd>,
    /// A label for people.
    pub description: Option<String>,
}

impl Peer {
    /// Where the neighbour is, as it was configured: its address, or its interface.
    #[must_use]
    pub fn whereabouts(&self) -> String {
        match &self.interface {
            Some(interface) => interface.to_string(),
            None => self.address.to_string(),
        }
    }

    /// The TCP-MD5 password.
    #[must_use]
    pub fn password(&self) -> Option<&Password> {
        self.authentication.as_ref()?.md5()
    }
}

/// Graceful restart on one session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct GracefulRestart {
    /// The neighbour waits for us, in seconds.
    pub restart_time: u16,
    /// Stale routes are kept for so many seconds after that, if long-lived graceful restart is offered (RFC 9494).
    pub long_lived: Option<u32>,
}

/// An AS that we are to one external neighbour alone (RFC 7705 §3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LocalAs {
    /// The AS.
    pub asn: Asn,
    /// It is not put in front of the paths of routes from the neighbour.
    pub no_prepend: bool,
    /// The router's own AS is not in the paths that the neighbour is told.
    pub replace_as: bool,
}

/// How many prefixes of a family a neighbour may tell (RFC 4271 §6.7).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PrefixLimit {
    /// Of which family.
    pub family: Family,
    /// How many.
    pub limit: u32,
    /// From how many on a warning is logged.
    pub warning: u32,
    /// What happens to more than the limit.
    pub action: LimitAction,
    /// Only those count that import lets through.
    pub after_policy: bool,
}

/// What happens when a neighbour tells more prefixes than it may.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum LimitAction {
    /// The session ends, and is tried again after so many seconds, or not at all.
    Shutdown(Option<u32>),
    /// It is logged.
    Warn,
    /// Further ones are not taken.
    Discard,
}

/// What we are to an external neighbour (RFC 9234).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PeerRole {
    /// Our role.
    pub role: Role,
    /// A neighbour that does not say its own is refused.
    pub strict: bool,
}

/// What becomes of private ASes in AS paths.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PrivateAs {
    /// They are taken out.
    Remove,
    /// This one takes the place of each.
    Replace(Asn),
}

/// BFD on a session (RFC 5880).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bfd {
    /// How often we want to send, in microseconds.
    pub minimum_tx: u32,
    /// How often we can receive, in microseconds.
    pub minimum_rx: u32,
    /// How many packets may be missed.
    pub detect_multiplier: u8,
    /// The neighbour may be several hops away (RFC 5883).
    pub multi_hop: bool,
}

/// Which AS a neighbour must be in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RemoteAs {
    /// Exactly this one.
    Asn(Asn),
    /// Any but ours.
    External,
    /// Ours.
    Internal,
}

impl RemoteAs {
    /// Whether a session with `local_as` is iBGP.
    #[must_use]
    pub fn is_internal(self, local_as: Asn) -> bool {
        match self {
            Self::Asn(asn) => asn == local_as,
            Self::External => false,
            Self::Internal => true,
        }
    }
}

/// One family of a session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FamilyConfig {
    /// Which.
    pub family: Family,
    /// We accept several paths for one prefix (RFC 7911).
    pub add_path_receive: bool,
    /// How many paths we send for one prefix; 0 for the best path alone, without ADD-PATH.
    pub add_path_send: u8,
}

/// How far away a neighbour may be.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Ttl {
    /// Packets leave with this TTL, and any is accepted.
    Multihop(u8),
    /// On the link: packets leave with TTL 1.
    Direct,
    /// Packets leave with TTL 255 and must arrive with at least 256 minus this many hops (RFC 5082).
    Security(u8),
}

impl Ttl {
    /// Whether it is on a link of ours, if it is external.
    #[must_use]
    pub fn is_one_hop(self) -> bool {
        matches!(self, Self::Direct | Self::Security(1))
    }
}

/// Where prefixes to originate are found on the node, as it is at the time.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Source {
    /// The networks that addresses of the node are in.
    Connected,
    /// Routes in the kernel that somebody has configured.
    Static,
    /// Other routes in the kernel that are not ours.
    Kernel,
    /// The addresses of the link of this name.
    Interface(Arc<str>),
}

/// Routes that a router originates.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Origination {
    /// Which BGPAdvertisement on which router this is.
    pub key: OriginationKey,
    /// The family of all the prefixes.
    pub family: Family,
    /// What to originate: without host bits, sorted, each once.
    pub prefixes: Vec<IpNet>,
    /// Where more of them are found; sorted, each once.
    pub sources: Vec<Source>,
    /// Standard communities (RFC 1997) on each, as numbers, sorted, each once.
    pub communities: Vec<u32>,
    /// LOCAL_PREF towards iBGP.
    pub local_pref: Option<u32>,
    /// What decides which of the prefixes are originated, and how. What no term permits is denied by one behind the others; empty
    /// where nothing is to decide.
    pub policies: Chain,
}
