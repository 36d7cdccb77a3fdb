//! BGPPolicy: an ordered list of terms that routes pass through.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::{AddressFamily, Condition, Origin, RouterRef, RouterSelector};

/// An ordered list of terms that routes pass through; the first term that matches a route decides about it.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "bgp.miloapis.com",
    version = "v1alpha1",
    kind = "BGPPolicy",
    plural = "bgppolicies",
    shortname = "bgpp",
    namespaced,
    status = "BGPPolicyStatus",
    derive = "PartialEq",
    doc = "An ordered list of terms that routes pass through; the first term that matches a route decides about it.",
    printcolumn(name = "DIRECTION", type_ = "string", json_path = ".spec.direction"),
    printcolumn(name = "TERMS", type_ = "integer", json_path = ".status.terms"),
    printcolumn(
        name = "AGE",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[x_kube(
    validation = Rule::new("has(self.routerRef) != has(self.routerSelector)").message("Exactly one of routerRef or routerSelector must be set"),
    validation = Rule::new("self.terms.all(t, self.terms.filter(u, u.sequence == t.sequence).size() == 1)").message("Each term's sequence must be unique")
)]
pub struct BGPPolicySpec {
    /// The router whose routes pass through this policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router_ref: Option<RouterRef>,
    /// The routers whose routes pass through this policy, chosen by their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router_selector: Option<RouterSelector>,
    /// import: received routes; export: routes that are advertised.
    pub direction: PolicyDirection,
    /// The terms, tried in ascending order of sequence.
    #[schemars(length(min = 1, max = 32))]
    pub terms: Vec<PolicyTerm>,
}

/// Which routes a policy sees.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum PolicyDirection {
    Import,
    Export,
}

/// One term of a policy.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[x_kube(validation = Rule::new("self.action != 'deny' || !has(self.set)").message("set must not be set when action is deny"))]
pub struct PolicyTerm {
    /// The term's place in the order.
    #[schemars(range(min = 1, max = 65535))]
    pub sequence: i32,
    /// Which routes the term is about: those that meet every condition. No condition matches all routes.
    #[serde(rename = "match")]
    pub match_: PolicyMatch,
    /// permit or deny.
    pub action: PolicyAction,
    /// What is changed on routes that the term permits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub set: Option<PolicySet>,
}

/// What a term does with the routes that it matches.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum PolicyAction {
    Permit,
    Deny,
}

/// Conditions on a route; all must hold, and in a list one is enough.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.any) || !self.any || !has(self.addressFamilies) || size(self.addressFamilies) == 0").message("addressFamilies must be empty when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.prefixList) || size(self.prefixList) == 0").message("prefixList must be empty when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.ipPrefix)").message("ipPrefix must not be set when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.asPathFilter)").message("asPathFilter must not be set when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.communityMatch) || size(self.communityMatch) == 0").message("communityMatch must be empty when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.evpnRouteType) || size(self.evpnRouteType) == 0").message("evpnRouteType must be empty when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.vni) || self.vni == 0").message("vni must not be set when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.macAddress)").message("macAddress must not be set when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.localPreference) || self.localPreference == 0").message("localPreference must not be set when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.med) || self.med == 0").message("med must not be set when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.prefixLengthRange)").message("prefixLengthRange must not be set when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.asPathLength)").message("asPathLength must not be set when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.origin)").message("origin must not be set when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.communityPatterns) || size(self.communityPatterns) == 0").message("communityPatterns must be empty when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.largeCommunities) || size(self.largeCommunities) == 0").message("largeCommunities must be empty when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.extCommunities) || size(self.extCommunities) == 0").message("extCommunities must be empty when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.routeTargets) || size(self.routeTargets) == 0").message("routeTargets must be empty when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.nextHops) || size(self.nextHops) == 0").message("nextHops must be empty when any is true"),
    validation = Rule::new("!has(self.any) || !self.any || !has(self.peers) || size(self.peers) == 0").message("peers must be empty when any is true")
)]
pub struct PolicyMatch {
    /// True matches every route; then nothing else may be set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub any: Option<bool>,
    /// The route is of one of these families.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 8))]
    pub address_families: Option<Vec<AddressFamily>>,
    /// The route's prefix is one of these prefixes or lies within one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256), inner(length(max = 43)))]
    #[x_kube(validation = Rule::new("self.all(p, isCIDR(p))").message("prefixList must hold prefixes with a length, such as 10.0.0.0/8 or 2001:db8::/32"))]
    pub prefix_list: Option<Vec<String>>,
    /// The route's prefix is so long; beside prefixList, both must hold.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix_length_range: Option<PrefixLengthRange>,
    /// The route's prefix is exactly this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 43))]
    #[x_kube(validation = Rule::new("isCIDR(self)").message("ipPrefix must be a prefix with a length, such as 10.0.0.0/8 or 2001:db8::/32"))]
    pub ip_prefix: Option<String>,
    /// A regular expression on the AS path, written as numbers with spaces between them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_path_filter: Option<AsPathFilter>,
    /// The AS path is so long, as the decision counts: a set of ASes is one, and confederations are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_path_length: Option<AsPathLength>,
    /// The route carries one of these communities: ASN:NN, or a registered name such as no-export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 32),
        inner(
            length(max = 32),
            regex(
                pattern = r"^(([0-9]{1,10}|[0-9]{1,3}(\.[0-9]{1,3}){3}):[0-9]{1,10}|[A-Za-z][A-Za-z0-9_-]*)$"
            )
        )
    )]
    pub community_match: Option<Vec<String>>,
    /// Regular expressions, one of which is found in a community of any kind as it is printed, such as ^65000: or ^rt:65000:.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 256)))]
    pub community_patterns: Option<Vec<String>>,
    /// The route carries one of these large communities, as GLOBAL:DATA1:DATA2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 32),
        inner(
            length(max = 32),
            regex(pattern = r"^[0-9]{1,10}:[0-9]{1,10}:[0-9]{1,10}$")
        )
    )]
    pub large_communities: Option<Vec<String>>,
    /// The route carries one of these extended communities: ASN:NN or IP:NN for a route target, or with a name before it, such as soo: or color:.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 32),
        inner(length(max = 64), regex(pattern = r"^[0-9A-Za-z][0-9A-Za-z:._-]*$"))
    )]
    pub ext_communities: Option<Vec<String>>,
    /// The route carries one of these route targets, as ASN:NN or IP:NN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 32),
        inner(length(max = 32), regex(pattern = r"^(rt:)?[0-9.]+:[0-9]+$"))
    )]
    pub route_targets: Option<Vec<String>>,
    /// The route's next hop is in one of these prefixes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), inner(length(max = 43)))]
    #[x_kube(validation = Rule::new("self.all(p, isCIDR(p))").message("nextHops must hold prefixes with a length, such as 10.0.0.1/32 or 2001:db8::/32"))]
    pub next_hops: Option<Vec<String>>,
    /// The BGPPeers, by name, from which the route was received on import, or to which it goes on export.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(min = 1, max = 253)))]
    pub peers: Option<Vec<String>>,
    /// The route's ORIGIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The route is an EVPN route of one of these types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 5))]
    pub evpn_route_type: Option<Vec<EvpnRouteType>>,
    /// The EVPN route's VXLAN network identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 16_777_215))]
    pub vni: Option<i32>,
    /// The EVPN route's MAC address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 17),
        regex(pattern = r"^([0-9a-fA-F]{2}:){5}[0-9a-fA-F]{2}$")
    )]
    pub mac_address: Option<String>,
    /// The route's LOCAL_PREF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub local_preference: Option<i64>,
    /// The route's MED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub med: Option<i64>,
}

/// Bounds on the length of prefixes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("!has(self.min) || !has(self.max) || self.min <= self.max").message("min must not be more than max"))]
pub struct PrefixLengthRange {
    /// The least; 0 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 128))]
    pub min: Option<i32>,
    /// The most; no bound unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 128))]
    pub max: Option<i32>,
}

/// Bounds on the length of AS paths.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("!has(self.min) || !has(self.max) || self.min <= self.max").message("min must not be more than max"))]
pub struct AsPathLength {
    /// The least; 0 unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65_535))]
    pub min: Option<i32>,
    /// The most; no bound unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 65_535))]
    pub max: Option<i32>,
}

/// A regular expression on AS paths.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct AsPathFilter {
    /// The regular expression.
    #[schemars(length(min = 1, max = 256))]
    pub pattern: String,
    /// contains: the expression is found in the path; full: it describes the whole path.
    #[serde(default)]
    pub match_type: AsPathMatchType,
}

/// How much of an AS path an expression must describe.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum AsPathMatchType {
    Full,
    #[default]
    Contains,
}

/// Kinds of EVPN routes, by name.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum EvpnRouteType {
    #[serde(rename = "inclusiveMulticastEthernetTag")]
    InclusiveMulticastEthernetTag,
    #[serde(rename = "macIPAdvertisement")]
    MacIpAdvertisement,
    #[serde(rename = "iPPrefixAdvertisement")]
    IpPrefixAdvertisement,
    #[serde(rename = "stickyMACAddress")]
    StickyMacAddress,
    #[serde(rename = "iPv6PrefixAdvertisement")]
    Ipv6PrefixAdvertisement,
}

/// What is changed on a route.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct PolicySet {
    /// Communities to add and to remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub communities: Option<CommunityChange>,
    /// Extended communities to add and to remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ext_communities: Option<ExtCommunityChange>,
    /// Large communities to add and to remove.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub large_communities: Option<LargeCommunityChange>,
    /// LOCAL_PREF.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub local_preference: Option<i64>,
    /// ORIGIN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub origin: Option<Origin>,
    /// The AS path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_path: Option<AsPathChange>,
    /// The next hop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop: Option<NextHopChange>,
    /// MED.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub metric: Option<i64>,
    /// The colour of the segment routing policy to use, as an extended community.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub color: Option<i64>,
    /// The SRv6 endpoint behaviour, such as End.DT6.
    #[serde(
        rename = "srv6EndpointBehavior",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(length(max = 64))]
    pub srv6_endpoint_behavior: Option<String>,
}

/// Communities to add and to remove: ASN:NN, a registered name such as no-export, IP:NN for a route target, or a large community.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct CommunityChange {
    /// Communities that the route gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), inner(length(max = 32)))]
    pub add: Option<Vec<String>>,
    /// Communities that the route loses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), inner(length(max = 32)))]
    pub remove: Option<Vec<String>>,
    /// Regular expressions; communities of any kind go in whose printed form one of them is found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), inner(length(min = 1, max = 256)))]
    pub remove_patterns: Option<Vec<String>>,
}

/// Large communities to add and to remove, as GLOBAL:DATA1:DATA2.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct LargeCommunityChange {
    /// Large communities that the route gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 32),
        inner(
            length(max = 32),
            regex(pattern = r"^[0-9]{1,10}:[0-9]{1,10}:[0-9]{1,10}$")
        )
    )]
    pub add: Option<Vec<String>>,
    /// Large communities that the route loses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 32),
        inner(
            length(max = 32),
            regex(pattern = r"^[0-9]{1,10}:[0-9]{1,10}:[0-9]{1,10}$")
        )
    )]
    pub remove: Option<Vec<String>>,
}

/// Extended communities to add and to remove, as ASN:NN or IP:NN, with rt:, soo: or color: before it where it is not a route target.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct ExtCommunityChange {
    /// Extended communities that the route gets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 32),
        inner(
            length(max = 64),
            regex(pattern = r"^((rt|soo|color):)?[0-9a-fA-F:.]+$")
        )
    )]
    pub add: Option<Vec<String>>,
    /// Extended communities that the route loses.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 32),
        inner(
            length(max = 64),
            regex(pattern = r"^((rt|soo|color):)?[0-9a-fA-F:.]+$")
        )
    )]
    pub remove: Option<Vec<String>>,
}

/// What is changed on an AS path.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("!has(self.prepend) || !has(self.replace) || size(self.replace) == 0").message("prepend and replace exclude each other; set one"),
    validation = Rule::new("!has(self.prependLastAS) || !has(self.prepend) && (!has(self.replace) || size(self.replace) == 0)").message("prependLastAS excludes prepend and replace; set one")
)]
pub struct AsPathChange {
    /// How many times asn is put in front.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 10))]
    pub prepend: Option<i32>,
    /// The AS number that prepend puts in front. The router's own unless set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0, max = 4_294_967_295_i64))]
    pub asn: Option<i64>,
    /// How many more times the AS is put in front that is there, the one that was passed last: the neighbour's.
    #[serde(
        rename = "prependLastAS",
        default,
        skip_serializing_if = "Option::is_none"
    )]
    #[schemars(range(min = 1, max = 10))]
    pub prepend_last_as: Option<i32>,
    /// The whole new path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 32), inner(range(min = 0, max = 4_294_967_295_i64)))]
    pub replace: Option<Vec<i64>>,
}

/// What the next hop becomes.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[x_kube(validation = Rule::new("!has(self.self) || !self.self || !has(self.address) || size(self.address) == 0").message("self and address exclude each other; set one"))]
pub struct NextHopChange {
    /// Our own address.
    #[serde(rename = "self", default, skip_serializing_if = "Option::is_none")]
    pub self_: Option<bool>,
    /// This address.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 45))]
    pub address: Option<String>,
}

/// How a BGPPolicy is doing.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BGPPolicyStatus {
    /// The generation of the object that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How many terms the policy has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<i32>,
    /// Ready, Accepted and PolicyApplied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Option<Vec<Condition>>,
}
