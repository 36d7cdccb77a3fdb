//! BGPVRFInstance: a routing table of its own, connected by route targets.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::{AddressFamily, Condition, RouterRef, RouterSelector};

/// A routing table of its own on one or several routers, connected to others by route targets.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "bgp.miloapis.com",
    version = "v1alpha1",
    kind = "BGPVRFInstance",
    plural = "bgpvrfinstances",
    shortname = "bgpvrf",
    namespaced,
    status = "BGPVRFInstanceStatus",
    derive = "PartialEq",
    doc = "A routing table of its own on one or several routers, connected to others by route targets.",
    printcolumn(name = "RD", type_ = "string", json_path = ".spec.routeDistinguisher"),
    printcolumn(
        name = "Age",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[x_kube(validation = Rule::new("has(self.routerRef) != has(self.routerSelector)").message("Exactly one of routerRef or routerSelector must be set"))]
pub struct BGPVRFInstanceSpec {
    /// The router that has the table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router_ref: Option<RouterRef>,
    /// The routers that have the table, chosen by their labels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router_selector: Option<RouterSelector>,
    /// What keeps the table's routes apart from the same prefixes of others, as ASN:NN or IP:NN.
    #[schemars(
        length(min = 1, max = 21),
        regex(pattern = r"^([0-9]{1,10}|[0-9]{1,3}(\.[0-9]{1,3}){3}):[0-9]{1,10}$")
    )]
    pub route_distinguisher: String,
    /// Routes with one of these route targets come into the table.
    #[schemars(length(min = 1, max = 32))]
    pub import_route_targets: Vec<RouteTarget>,
    /// The table's routes go out with these route targets.
    #[schemars(length(min = 1, max = 32))]
    pub export_route_targets: Vec<RouteTarget>,
}

/// A route target.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct RouteTarget {
    /// The route target, as ASN:NN or IP:NN.
    #[schemars(
        length(min = 1, max = 21),
        regex(pattern = r"^([0-9]{1,10}|[0-9]{1,3}(\.[0-9]{1,3}){3}):[0-9]{1,10}$")
    )]
    pub value: String,
}

/// How a BGPVRFInstance is doing.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct BGPVRFInstanceStatus {
    /// Ready and Accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Option<Vec<Condition>>,
    /// The table on each router.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["routerName".into()]))]
    pub routers: Option<Vec<VrfRouterStatus>>,
}

/// A VRF on one router.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct VrfRouterStatus {
    /// The BGPRouter's name.
    pub router_name: String,
    /// How the table is doing there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Option<Vec<Condition>>,
    /// What the router brings in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resolved_config: Option<VrfResolvedConfig>,
}

/// What a router brings into a VRF.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct VrfResolvedConfig {
    /// The router's BGP identifier.
    #[serde(rename = "routerID", default, skip_serializing_if = "Option::is_none")]
    pub router_id: Option<String>,
    /// The router's AS number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_number: Option<i64>,
    /// The router's address families.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address_families: Option<Vec<AddressFamily>>,
}
