//! BGPRouter: a BGP speaker that one node runs.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds::*;
use crate::shared::{AddressFamily, Condition, TargetRef};

/// A BGP speaker that one node runs. Peers, advertisements, policies and VRF instances are bound to it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "bgp.miloapis.com",
    version = "v1alpha1",
    kind = "BGPRouter",
    plural = "bgprouters",
    shortname = "bgpr",
    namespaced,
    status = "BGPRouterStatus",
    derive = "PartialEq",
    doc = "A BGP speaker that one node runs. Peers, advertisements, policies and VRF instances are bound to it.",
    printcolumn(name = "TARGET", type_ = "string", json_path = ".spec.targetRef.name"),
    printcolumn(name = "ROLES", type_ = "string", json_path = ".status.roleSummary"),
    printcolumn(name = "ASN", type_ = "integer", json_path = ".spec.localASN"),
    printcolumn(name = "ROUTER-ID", type_ = "string", json_path = ".spec.routerID"),
    printcolumn(name = "PHASE", type_ = "string", json_path = ".status.phase"),
    printcolumn(
        name = "AGE",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
pub struct BGPRouterSpec {
    /// What runs this router.
    pub target_ref: TargetRef,
    /// What the router is for: fabric (towards the network's own routers), tenant (overlay), transit (other networks).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 16))]
    pub roles: Option<Vec<RouterRole>>,
    /// The router's AS number.
    #[serde(rename = "localASN")]
    #[schemars(range(min = ASN.min, max = ASN.max))]
    pub local_asn: i64,
    /// The BGP identifier, written like an IPv4 address. It need not be an address of the node.
    #[serde(rename = "routerID")]
    #[schemars(length(max = 15), extend("format" = "ipv4"))]
    pub router_id: String,
    /// The address families that the router's sessions may carry.
    #[schemars(length(min = 1, max = 16))]
    pub address_families: Vec<AddressFamily>,
    /// The TCP port to accept sessions on, or -1 to accept none. 179 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = -1, max = PORT.max))]
    #[x_kube(validation = Rule::new("self != 0").message("listenPort must be -1 (no listener) or 1 to 65535"))]
    pub listen_port: Option<i32>,
    /// Source address of sessions and next hop of what the router originates. Chosen by the kernel unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 45))]
    #[x_kube(validation = Rule::new("isIP(self)").message("localAddress must be an IPv4 or IPv6 address without a zone, such as 2001:db8::1 or 10.0.0.1, which is not written ::ffff:10.0.0.1"))]
    pub local_address: Option<String>,
    /// What goes to the kernel's routing table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<KernelSpec>,
    /// How many equally good paths are used at once, eBGP and iBGP. 64 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = MAXIMUM_PATHS.min, max = MAXIMUM_PATHS.max))]
    pub maximum_paths: Option<i32>,
    /// Import and export nothing on eBGP peers that have no policy (RFC 8212); policies are not carried out yet, so that is all
    /// of them. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub require_policy: Option<bool>,
    /// Choices within the decision process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_path: Option<BestPathSpec>,
    /// Graceful restart (RFC 4724) of this router and of its neighbours, on the sessions that offer it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_restart: Option<RouterGracefulRestartSpec>,
    /// Graceful shutdown (RFC 8326) of all sessions of the router: neighbours are told and we act as if its routes were the last
    /// choice, so that traffic moves away before the sessions end. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_shutdown: Option<bool>,
    /// Makes the router a route reflector (RFC 4456).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub route_reflector: Option<RouteReflectorSpec>,
}

/// How long who waits for whom when a router restarts.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RouterGracefulRestartSpec {
    /// How many seconds neighbours should wait for us, unless the BGPPeer says otherwise. 120 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = RESTART_TIME.min, max = RESTART_TIME.max))]
    pub restart_time: Option<i32>,
    /// For how many seconds at most routes of a neighbour that restarts are kept without being received again. 360 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = STALE_ROUTES_TIME.min, max = STALE_ROUTES_TIME.max))]
    pub stale_routes_time: Option<i32>,
    /// After a restart of our own: for how many seconds at most we wait for the routes of all neighbours before we choose among
    /// them. 120 unless set; 0 does not wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = SELECTION_DEFERRAL_TIME.min, max = SELECTION_DEFERRAL_TIME.max))]
    pub selection_deferral_time: Option<i32>,
}

/// What a router is for.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum RouterRole {
    Fabric,
    Tenant,
    Transit,
}

impl RouterRole {
    /// The word in the manifest.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fabric => "fabric",
            Self::Tenant => "tenant",
            Self::Transit => "transit",
        }
    }
}

/// What goes to the kernel's routing table, and how it is marked there. A route in the kernel is ours when metric,
/// table and protocol all agree.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct KernelSpec {
    /// Best paths are installed. True unless set; false unless set on a route reflector.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub install: Option<bool>,
    /// The metric of our routes. 300 unless set: above connected IPv6 routes (256), below router advertisements (1024).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = KERNEL.min, max = KERNEL.max))]
    pub metric: Option<i64>,
    /// The routing table. 254 (main) unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = KERNEL.min, max = KERNEL.max))]
    #[x_kube(validation = Rule::new("self != 255").message("table 255 is the kernel's own table of local addresses; use another, such as 254 (main)"))]
    pub table: Option<i64>,
    /// The routing protocol number of our routes. 196 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = KERNEL_PROTOCOL.min, max = KERNEL_PROTOCOL.max))]
    pub protocol: Option<i32>,
    /// Install a default route that is learned. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accept_default_route: Option<bool>,
}

/// Choices within the decision process (RFC 4271 section 9.1.2.2).
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BestPathSpec {
    /// Compare MED between paths of different neighbouring ASes. False unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub always_compare_med: Option<bool>,
    /// Compare MED within groups of one neighbouring AS, whatever the order of arrival. Always so: false is not carried out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deterministic_med: Option<bool>,
    /// Decide between equal eBGP paths by router ID. False unless set: the lowest peer address decides, never the age of a path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compare_router_id: Option<bool>,
}

/// Route reflection (RFC 4456).
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct RouteReflectorSpec {
    /// The cluster identifier, written like an IPv4 address.
    #[serde(rename = "clusterID")]
    #[schemars(length(max = 15), extend("format" = "ipv4"))]
    pub cluster_id: String,
    /// VPN and EVPN routes are passed on only while their next hop can be reached. False unless set: they pass whatever their next
    /// hop, which is the business of those that use them.
    #[serde(
        rename = "requireReachableNextHop",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    pub require_reachable_next_hop: Option<bool>,
}

/// How a BGPRouter is doing.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BGPRouterStatus {
    /// Pending, Ready or Failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// The generation of the object that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The roles that the router runs with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub roles: Option<Vec<RouterRole>>,
    /// The same roles as one word, for tables.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role_summary: Option<String>,
    /// How many sessions there are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peers: Option<PeerCounts>,
    /// Ready, RuntimeAvailable, ConfigApplied, Degraded, PeersEstablished, Accepted and, where routes are installed, Programmed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Option<Vec<Condition>>,
}

/// How many sessions a router has.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerCounts {
    /// Sessions that are configured.
    pub total: i32,
    /// Sessions that are Established.
    pub established: i32,
}
