//! BGPAdvertisement: routes that a router originates.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::bounds::U32;
use crate::shared::{AddressFamily, Condition, PolicyRef, RouterRef};

/// Routes of one family that a router originates.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
#[kube(
    group = "bgp.miloapis.com",
    version = "v1alpha1",
    kind = "BGPAdvertisement",
    plural = "bgpadvertisements",
    shortname = "bgpadv",
    namespaced,
    status = "BGPAdvertisementStatus",
    derive = "PartialEq",
    doc = "Routes of one family that a router originates.",
    printcolumn(name = "ROUTER", type_ = "string", json_path = ".spec.routerRef.name"),
    printcolumn(
        name = "ADDRESS-FAMILY",
        type_ = "string",
        json_path = ".spec.addressFamily.afi"
    ),
    printcolumn(
        name = "PREFIXES",
        type_ = "integer",
        json_path = ".status.advertisedPrefixes"
    ),
    printcolumn(
        name = "AGE",
        type_ = "date",
        json_path = ".metadata.creationTimestamp"
    )
)]
#[x_kube(validation = Rule::new("(has(self.prefixes) && size(self.prefixes) > 0) || (has(self.redistribute) && size(self.redistribute) > 0) || has(self.originateFrom)")
    .message("At least one of prefixes, redistribute or originateFrom must be set"))]
pub struct BGPAdvertisementSpec {
    /// The router that originates the routes.
    pub router_ref: RouterRef,
    /// The family of the routes.
    pub address_family: AddressFamily,
    /// Prefixes to originate, such as 2001:db8:1::/64. When several advertisements of a router have one, the first by name
    /// originates it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 256),
        inner(
            length(max = 64),
            regex(
                pattern = r"^([0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}|[0-9a-fA-F:]{2,}/[0-9]{1,3})$"
            )
        )
    )]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub prefixes: Option<Vec<String>>,
    /// Originate all routes of these sources in the node's routing table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 3))]
    #[x_kube(merge_strategy = ListMerge::Set)]
    pub redistribute: Option<Vec<RedistributeSource>>,
    /// Originate the addresses of an interface, or the kernel's routes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub originate_from: Option<OriginateFrom>,
    /// Originate only what this BGPPolicy permits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_ref: Option<PolicyRef>,
    /// Communities on every route, as ASN:NN with both at most 65535 or by a registered name such as no-export (RFC 1997).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(
        length(max = 64),
        inner(
            length(max = 32),
            regex(
                pattern = r"^(([0-9]{1,10}|[0-9]{1,3}(\.[0-9]{1,3}){3}):[0-9]{1,10}|[A-Za-z][A-Za-z0-9_-]*)$"
            )
        )
    )]
    pub communities: Option<Vec<String>>,
    /// LOCAL_PREF of every route towards iBGP neighbours.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = U32.min, max = U32.max))]
    pub local_preference: Option<i64>,
}

/// Where redistributed routes come from.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum RedistributeSource {
    Static,
    Connected,
    Kernel,
}

/// Where originated routes come from.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
#[x_kube(
    validation = Rule::new("self.type != 'interface' || has(self.interfaceName)").message("interfaceName is required when type is interface"),
    validation = Rule::new("self.type != 'kernel' || !has(self.interfaceName)").message("interfaceName must not be set when type is kernel")
)]
pub struct OriginateFrom {
    /// interface: the addresses of one interface; kernel: the kernel's routes.
    #[serde(rename = "type")]
    pub type_: OriginateFromType,
    /// The interface's name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 64))]
    pub interface_name: Option<String>,
}

/// What routes are originated from.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum OriginateFromType {
    Interface,
    Kernel,
}

/// How a BGPAdvertisement is doing.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct BGPAdvertisementStatus {
    /// The generation of the object that this status speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// How many prefixes are originated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertised_prefixes: Option<i32>,
    /// Ready, Accepted and Advertised.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Option<Vec<Condition>>,
}
