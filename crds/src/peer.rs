//! BGPPeer: a neighbour of one or several routers.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds::*;
use crate::shared::{
    AddressFamily, Afi, Condition, LocalSecretRef, Origin, RouterRef, RouterSelector, Safi,
};
use crate::tcp_ao::TcpAoSpec;

/// A neighbour of one or several routers: one session for each router that it is bound to.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "bgp.miloapis.com",
    version = "v1alpha1",
    kind = "BGPPeer",
    plural = "bgppeers",
    shortname = "bgppr",
    namespaced,
    status = "BGPPeerStatus",
    derive = "PartialEq",
    doc = "A neighbour of one or several routers: one session for each router that it is bound to.",
    printcolumn(name = "ROUTER", type_ = "string", json_path = ".spec.routerRef.name"),
    printcolumn(name = "PEER-ADDRESS", type_ = "string", json_path = ".spec.address"),
    printcolumn(name = "PEER-ASN", type_ = "integer", json_path = ".spec.peerASN"),
    printcolumn(name = "STATE", type_ = "string", json_path = ".status.sessionState"),
    printcolumn(
        name = "AGE",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[x_kube(
    validation = Rule::new("has(self.routerRef) != has(self.routerSelector)").message("Exactly one of routerRef or routerSelector must be set"),
    validation = Rule::new("[has(self.address), has(self.interface), has(self.dynamicNeighbors)].filter(given, given).size() == 1").message("Exactly one of address, interface or dynamicNeighbors must be set"),
    validation = Rule::new("has(self.peerASN) != has(self.peerType)").message("Exactly one of peerASN or peerType must be set"),
    validation = Rule::new("!has(self.dynamicNeighbors) || !has(self.remotePort)").message("remotePort is for sessions that we open, and dynamicNeighbors open theirs themselves; set one"),
    validation = Rule::new("!has(self.dynamicNeighbors) || !has(self.passive) || self.passive").message("dynamicNeighbors open their sessions themselves, so passive cannot be false; remove it"),
    validation = Rule::new("!has(self.ebgpMultihop) || !has(self.ttlSecurity)").message("ebgpMultihop and ttlSecurity exclude each other; set one"),
    validation = Rule::new("!has(self.ebgpMultiHop) || !self.ebgpMultiHop || !has(self.ttlSecurity)").message("ebgpMultiHop and ttlSecurity exclude each other; set one"),
    validation = Rule::new("!has(self.ebgpMultiHop) || self.ebgpMultiHop || !has(self.ebgpMultihop)").message("ebgpMultihop gives a TTL while ebgpMultiHop is false; remove one"),
    validation = Rule::new("!has(self.longLivedGracefulRestart) || !has(self.longLivedGracefulRestart.enabled) || !self.longLivedGracefulRestart.enabled || (has(self.gracefulRestart) && has(self.gracefulRestart.enabled) && self.gracefulRestart.enabled)").message("longLivedGracefulRestart needs gracefulRestart with enabled: true"),
    validation = Rule::new("!has(self.tcpAO) || (!has(self.authSecretRef) && !has(self.authentication))").message("tcpAO and a TCP-MD5 password (authSecretRef, authentication) exclude each other; set one"),
    validation = Rule::new("!has(self.roleStrict) || !self.roleStrict || has(self.role)").message("roleStrict needs role"),
    validation = Rule::new("!has(self.timers) || !has(self.timers.holdTime) || !has(self.holdTime)").message("holdTime and timers.holdTime are the same setting; set one"),
    validation = Rule::new("!has(self.timers) || !has(self.timers.keepalive) || !has(self.keepaliveTime)").message("keepaliveTime and timers.keepalive are the same setting; set one")
)]
pub struct BGPPeerSpec {
    /// The router that holds the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router_ref: Option<RouterRef>,
    /// The routers that each hold a session, chosen by their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router_selector: Option<RouterSelector>,
    /// The neighbour's AS number.
    #[serde(rename = "peerASN", default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = ASN.min, max = ASN.max))]
    pub peer_asn: Option<i64>,
    /// In place of peerASN: external accepts any AS but ours, internal expects ours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_type: Option<PeerType>,
    /// The neighbour's IPv4 or IPv6 address, without a zone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 45))]
    #[x_kube(validation = Rule::new("isIP(self)").message("address must be an IPv4 or IPv6 address without a zone, such as 2001:db8::1 or 10.0.0.1, which is not written ::ffff:10.0.0.1"))]
    pub address: Option<String>,
    /// In place of address: the interface that the neighbour is on. Its link-local address is learned from the Router Advertisements
    /// that it sends there, as ours is told by those that we send.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 15))]
    pub interface: Option<String>,
    /// In place of address: neighbours that are not known beforehand, and open the session themselves. Each has what is said here of
    /// the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_neighbors: Option<DynamicNeighborsSpec>,
    /// The neighbour's TCP port for sessions that we open. 179 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = PORT.min, max = PORT.max))]
    pub remote_port: Option<i32>,
    /// Our address on the session. Chosen by the kernel unless set here or on the router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 45))]
    #[x_kube(validation = Rule::new("isIP(self)").message("localAddress must be an IPv4 or IPv6 address without a zone, such as 2001:db8::1 or 10.0.0.1, which is not written ::ffff:10.0.0.1"))]
    pub local_address: Option<String>,
    /// The address families to negotiate on the session.
    #[schemars(length(min = 1, max = 16))]
    pub address_families: Vec<AddressFamily>,
    /// Several paths for one prefix (RFC 7911), for each family of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["afi".into(), "safi".into()]))]
    pub add_path: Option<Vec<AddPathSpec>>,
    /// How many prefixes of a family the neighbour may tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 16))]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["afi".into(), "safi".into()]))]
    pub max_prefixes: Option<Vec<MaxPrefixesSpec>>,
    /// A label for people, such as "spine-1".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub description: Option<String>,
    /// The Secret whose key "password" is the TCP-MD5 password of the session. Wins over authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub auth_secret_ref: Option<LocalSecretRef>,
    /// A TCP-MD5 password in plain text, for trials.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub authentication: Option<AuthenticationSpec>,
    /// TCP-AO (RFC 5925) in place of TCP-MD5: keys that can be changed while the session is up. Takes a kernel that has it.
    #[serde(rename = "tcpAO", default, skip_serializing_if = "Option::is_none")]
    pub tcp_ao: Option<TcpAoSpec>,
    /// How long the neighbour may be silent, as a duration such as 90s or 1m30s; 0s switches the check off. 90s unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new("duration(self) == duration('0s') || duration(self) >= duration('3s')").message("holdTime must be a duration with its unit, 0s or at least 3s, such as 90s"))]
    pub hold_time: Option<String>,
    /// How often we say that we are alive, as a duration such as 30s; at most a third of the hold time. 30s unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32))]
    #[x_kube(validation = Rule::new("duration(self) == duration('0s') || duration(self) <= duration('30s')").message("keepaliveTime must be a duration with its unit, 0s or at most 30s, such as 30s"))]
    pub keepalive_time: Option<String>,
    /// Hold time and keepalive interval in seconds, in place of holdTime and keepaliveTime.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timers: Option<TimersSpec>,
    /// Wait for the neighbour to open the session, which takes a router that listens. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passive: Option<bool>,
    /// The eBGP neighbour may be several hops away: packets leave with TTL 64 when true, 1 otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebgp_multi_hop: Option<bool>,
    /// The eBGP neighbour may be several hops away: the TTL with which packets leave.
    #[serde(
        rename = "ebgpMultihop",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = TTL.min, max = TTL.max))]
    pub ebgp_multihop_ttl: Option<i32>,
    /// Protection by TTL (RFC 5082): the neighbour is at most this many hops away; 1 is a direct neighbour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = TTL_SECURITY.min, max = TTL_SECURITY.max))]
    pub ttl_security: Option<i32>,
    /// How many times our own AS number may be in a received path. 0 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = ALLOW_AS_IN.min, max = ALLOW_AS_IN.max))]
    pub allow_as_in: Option<i32>,
    /// Refuse routes of an eBGP neighbour whose path does not begin with its AS number. True unless set; a route server, which leaves
    /// itself out of paths, needs false.
    #[serde(
        rename = "enforceFirstAS",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub enforce_first_as: Option<bool>,
    /// On eBGP, put our AS number in the place of the neighbour's in paths that it is told, so that sites which share a number hear of
    /// one another. False unless set.
    #[serde(
        rename = "asOverride",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub as_override: Option<bool>,
    /// On eBGP, what we are to the neighbour (RFC 9234): said in OPEN, where the neighbour's must be the counterpart, and kept to by
    /// the attribute Only to Customer of IPv4 and IPv6 unicast routes, so that no route leaks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<PeerRole>,
    /// Refuse a neighbour that does not say its role. False unless set; needs role.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_strict: Option<bool>,
    /// Be of another AS to the neighbour than the router is: the one that it knew us by before we moved (RFC 7705). On iBGP, either end may
    /// say either AS, and the session is iBGP all the same.
    #[serde(rename = "localAS", default, skip_serializing_if = "Option::is_none")]
    pub local_as: Option<LocalAsSpec>,
    /// The iBGP neighbour is our route reflection client (RFC 4456). False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_reflector_client: Option<bool>,
    /// On iBGP, put our own address in as the next hop. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop_self: Option<bool>,
    /// Carry IPv4 routes with IPv6 next hops (RFC 8950). True unless set, where the session is IPv6 and carries IPv4, and where
    /// it carries ipv4/vpn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub extended_next_hop: Option<bool>,
    /// Graceful shutdown (RFC 8326) of the session: routes on it are the last choice, at the neighbour and here, so that traffic moves
    /// away before the session ends. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_shutdown: Option<bool>,
    /// Keeps the session down, with a word to the neighbour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shutdown: Option<ShutdownSpec>,
    /// Detection of failures by BFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bfd: Option<BfdSpec>,
    /// Graceful restart (RFC 4724, RFC 8538): routes of whoever restarts stay in use until it is back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_restart: Option<GracefulRestartSpec>,
    /// Long-lived graceful restart (RFC 9494): they stay for longer, as the last choice. Needs gracefulRestart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub long_lived_graceful_restart: Option<LongLivedGracefulRestartSpec>,
    /// Accepted and without effect: no standard gives it a meaning between two routers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub multi_session: Option<bool>,
    /// The BGPPolicy that decides about routes from this neighbour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub route_map_in: Option<String>,
    /// The BGPPolicy that decides about routes to this neighbour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub route_map_out: Option<String>,
    /// On eBGP, take private AS numbers (64512-65535, 4200000000-4294967294) but the neighbour's own out of paths: 0 removes them, any
    /// other number replaces each.
    #[serde(
        rename = "removePrivateAS",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = U32.min, max = U32.max))]
    pub remove_private_as: Option<i64>,
    /// Originate a default route to this neighbour, with this ORIGIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default_origin_route: Option<Origin>,
}

/// Whose neighbour a neighbour is.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum PeerType {
    External,
    Internal,
}

/// Neighbours that are known by where they are.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct DynamicNeighborsSpec {
    /// Where they may connect from. Of several objects, the one with the longest prefix has a neighbour, and one with its address
    /// before all of them.
    #[schemars(length(min = 1, max = 64), inner(length(max = 43)))]
    #[x_kube(validation = Rule::new("self.all(p, isCIDR(p))").message("prefixes must be prefixes with a length, such as 10.0.0.0/24 or 2001:db8::/64"))]
    pub prefixes: Vec<String>,
    /// The most sessions at a time on each router. 100 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = DYNAMIC_NEIGHBORS.min, max = DYNAMIC_NEIGHBORS.max))]
    pub limit: Option<i32>,
}

/// What we are to a neighbour (RFC 9234).
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum PeerRole {
    Provider,
    Customer,
    Peer,
    Rs,
    RsClient,
}

/// Several paths for one prefix, for one family.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
pub struct AddPathSpec {
    /// The family's afi.
    pub afi: Afi,
    /// The family's safi.
    pub safi: Safi,
    /// Accept several paths for one prefix. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub receive: Option<bool>,
    /// Send up to this many paths for one prefix. 0, the best path alone, unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = ADD_PATH_SEND.min, max = ADD_PATH_SEND.max))]
    pub send: Option<i32>,
}

/// The AS that we are to one neighbour.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LocalAsSpec {
    /// Its number.
    #[schemars(range(min = ASN.min, max = ASN.max))]
    pub number: i64,
    /// Leave it out of the paths of routes from the neighbour, which have it in front otherwise. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub no_prepend: Option<bool>,
    /// Leave the router's own AS out of the paths that the neighbour is told, which have both in front otherwise. False unless set.
    #[serde(rename = "replaceAS", default, skip_serializing_if = "Option::is_none")]
    pub replace_as: Option<bool>,
}

/// How many prefixes of one family a neighbour may tell, and what happens then. With several paths for one prefix, each counts.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct MaxPrefixesSpec {
    /// The family's afi.
    pub afi: Afi,
    /// The family's safi.
    pub safi: Safi,
    /// The most that are fine.
    #[schemars(range(min = MAX_PREFIXES.min, max = MAX_PREFIXES.max))]
    pub limit: i64,
    /// At this part of the limit, in percent, a warning is logged. 75 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = PERCENT.min, max = PERCENT.max))]
    pub warning_percent: Option<i32>,
    /// What happens above the limit: Shutdown ends the session (Cease, Maximum Number of Prefixes Reached), Discard takes no more
    /// than the limit, Warn only logs. Shutdown unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<MaxPrefixesAction>,
    /// After a Shutdown the session is tried again after this many seconds; 0, unless set, keeps it down until the limit or the
    /// object's shutdown changes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = RESTART_AFTER.min, max = RESTART_AFTER.max))]
    pub restart_after: Option<i32>,
    /// Count only what import accepts, and not all that is received. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_policy: Option<bool>,
}

/// What happens above the limit.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum MaxPrefixesAction {
    Shutdown,
    Warn,
    Discard,
}

/// A password in plain text.
#[derive(JsonSchema, Serialize, Deserialize, Clone, PartialEq, Eq)]
pub struct AuthenticationSpec {
    /// The password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub password: Option<String>,
}

impl std::fmt::Debug for AuthenticationSpec {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("AuthenticationSpec(hidden)")
    }
}

/// Timers in seconds.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct TimersSpec {
    /// How long the neighbour may be silent. 90 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 3))]
    pub hold_time: Option<i32>,
    /// How often we say that we are alive; at most a third of the hold time. 30 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1))]
    pub keepalive: Option<i32>,
}

/// An administrative shutdown.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct ShutdownSpec {
    /// The session is kept down.
    pub enabled: bool,
    /// What the neighbour is told, at most 255 bytes of UTF-8 (RFC 9003).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 255))]
    pub message: Option<String>,
}

/// BFD on the session.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct BfdSpec {
    /// BFD runs. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// Our smallest interval between packets, in microseconds; at least 10000. 300000 unless set.
    #[serde(rename = "minimumTx", default, skip_serializing_if = "Option::is_none")]
    pub minimum_tx: Option<i32>,
    /// The smallest interval between packets that we can receive, in microseconds; at least 10000. 300000 unless set.
    #[serde(rename = "minimumRx", default, skip_serializing_if = "Option::is_none")]
    pub minimum_rx: Option<i32>,
    /// How many packets may be lost before the neighbour is down. 3 unless set.
    #[serde(
        rename = "detectMultiplier",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = DETECT_MULTIPLIER.min, max = DETECT_MULTIPLIER.max))]
    pub detect_multiplier: Option<i32>,
    /// Multihop BFD (RFC 5883), for a neighbour that is not on the link; must be true when ebgpMultiHop is.
    #[serde(rename = "multiHop", default, skip_serializing_if = "Option::is_none")]
    pub multi_hop: Option<bool>,
}

/// Graceful restart on the session.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct GracefulRestartSpec {
    /// Graceful restart is offered. Unless set, only the neighbour's restarts are helped; with false neither.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How many seconds the neighbour should wait for us. As the router says unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = RESTART_TIME.min, max = RESTART_TIME.max))]
    pub restart_time: Option<i32>,
}

/// Long-lived graceful restart on the session.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct LongLivedGracefulRestartSpec {
    /// Long-lived graceful restart is offered. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub enabled: Option<bool>,
    /// How many seconds after the restart time stale routes are kept: ours by the neighbour, and at most the neighbour's by us. 3600
    /// unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = LONG_LIVED_STALE_TIME.min, max = LONG_LIVED_STALE_TIME.max))]
    pub stale_time: Option<i32>,
}

/// How a BGPPeer is doing.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BGPPeerStatus {
    /// The generation of the object that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// Idle, Connect, Active, OpenSent, OpenConfirm or Established; of several sessions, the one that is furthest from Established. Of
    /// dynamicNeighbors: Established while one of them is, else Active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_state: Option<String>,
    /// When a session last became Established.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_established_time: Option<String>,
    /// Ready and Accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Option<Vec<Condition>>,
    /// The session on each router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["routerName".into()]))]
    pub routers: Option<Vec<PeerRouterStatus>>,
}

/// The session of one router with the neighbour.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PeerRouterStatus {
    /// The BGPRouter's name.
    pub router_name: String,
    /// Idle, Connect, Active, OpenSent, OpenConfirm or Established.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_state: Option<String>,
    /// Why the session is not Established.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When the session last became Established.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub last_established_time: Option<String>,
    /// Our address on the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub local_address: Option<String>,
    /// The neighbour's address with its interface, as fe80::1%eth0; absent where the address is configured, or not learned yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_address: Option<String>,
    /// AdminDown, Down, Init or Up; absent without BFD.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bfd_state: Option<String>,
    /// How many times the session has been lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub flaps: Option<i64>,
    /// Prefixes of each negotiated family; of dynamicNeighbors, those of all sessions together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub families: Option<Vec<FamilyStatus>>,
    /// The sessions of dynamicNeighbors.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic_neighbors: Option<DynamicNeighborsStatus>,
}

/// The sessions that dynamic neighbours have with one router.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DynamicNeighborsStatus {
    /// The most there may be at a time.
    pub limit: i64,
    /// How many there are, in whichever state.
    pub sessions: i64,
    /// How many of them are Established.
    pub established: i64,
    /// Connections that were refused because there were as many sessions as there may be.
    pub refused: i64,
    /// Those that fare worst, at most 16: first those that are not Established, then those that were lost most often.
    #[schemars(length(max = WORST_SESSIONS))]
    pub worst: Vec<DynamicSessionStatus>,
}

/// One session with a dynamic neighbour.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct DynamicSessionStatus {
    /// The neighbour's address.
    pub address: String,
    /// Idle, Active, OpenSent, OpenConfirm or Established.
    pub session_state: String,
    /// Why it is not Established, in a word.
    pub reason: String,
    /// How many times it has been lost.
    pub flaps: i64,
    /// What went wrong last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// Prefixes of one family on one session.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct FamilyStatus {
    /// The family, such as ipv6/unicast.
    pub family: String,
    /// Paths received, before policy.
    pub received: i64,
    /// Paths that passed policy.
    pub accepted: i64,
    /// Prefixes that the neighbour has been told.
    pub advertised: i64,
    /// Paths that are kept while the neighbour restarts, and have not been received again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale: Option<i64>,
    /// How many the neighbour may tell, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<i64>,
    /// Paths that were not taken because of that, in this session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub discarded: Option<i64>,
}
