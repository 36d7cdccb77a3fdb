//! Shapes that several kinds have in common.

use std::collections::BTreeMap;

use kube::KubeSchema;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// An address family and what of it is carried. IPv4 and IPv6 go with unicast and vpn, L2VPN goes with EVPN.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[x_kube(
    validation = Rule::new("self.afi != 'ipv4' || self.safi in ['unicast', 'vpn']").message("IPv4 only supports unicast SAFI, and vpn"),
    validation = Rule::new("self.afi != 'ipv6' || self.safi in ['unicast', 'vpn']").message("IPv6 only supports unicast SAFI, and vpn"),
    validation = Rule::new("self.afi != 'l2vpn' || self.safi == 'evpn'").message("L2VPN only supports EVPN SAFI")
)]
pub struct AddressFamily {
    /// The address family: ipv4, ipv6 or l2vpn.
    pub afi: Afi,
    /// What of it is carried: unicast or vpn (RFC 4364, RFC 4659) for ipv4 and ipv6, evpn for l2vpn.
    pub safi: Safi,
}

/// Address family identifiers.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum Afi {
    Ipv4,
    Ipv6,
    L2vpn,
}

/// Subsequent address family identifiers.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum Safi {
    Unicast,
    Vpn,
    Evpn,
}

impl AddressFamily {
    /// IPv4 unicast.
    pub const IPV4_UNICAST: Self = Self {
        afi: Afi::Ipv4,
        safi: Safi::Unicast,
    };
    /// IPv6 unicast.
    pub const IPV6_UNICAST: Self = Self {
        afi: Afi::Ipv6,
        safi: Safi::Unicast,
    };
}

/// The name of a BGPRouter in the same namespace.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct RouterRef {
    /// The BGPRouter's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// Chooses BGPRouters of the same namespace by their labels. An empty selector chooses all of them.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct RouterSelector {
    /// Labels that a router must have, with these values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub match_labels: Option<BTreeMap<String, String>>,
    /// Conditions on labels, all of which a router must meet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64))]
    pub match_expressions: Option<Vec<LabelRequirement>>,
}

/// A condition on one label.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct LabelRequirement {
    /// The label's key.
    #[schemars(length(max = 317))]
    pub key: String,
    /// How the label is compared: In, NotIn, Exists or DoesNotExist.
    #[schemars(length(max = 63))]
    pub operator: String,
    /// The values for In and NotIn; empty for Exists and DoesNotExist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 64), inner(length(max = 63)))]
    pub values: Option<Vec<String>>,
}

/// The name of a Secret in the same namespace, whose key "password" is read.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct LocalSecretRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// One key of a Secret in the same namespace.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct SecretKeyRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
    /// The key within it.
    #[schemars(length(min = 1, max = 253))]
    pub key: String,
}

/// The name of a BGPPolicy in the same namespace.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct PolicyRef {
    /// The BGPPolicy's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// What carries out a BGPRouter.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct TargetRef {
    /// The kind of the target. Node is the kind that Cosmos agents carry out.
    #[schemars(length(min = 1, max = 63))]
    pub kind: String,
    /// The target's name: the node's name for kind Node.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// The ORIGIN attribute of a route (RFC 4271 section 5.1.1).
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum Origin {
    Igp,
    Egp,
    Incomplete,
}

/// One aspect of an object's state.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Condition {
    /// The aspect, as a word in CamelCase.
    #[serde(rename = "type")]
    #[schemars(
        length(max = 316),
        regex(
            pattern = r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*/)?(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])$"
        )
    )]
    pub type_: String,
    /// Whether it is so.
    pub status: ConditionStatus,
    /// The generation of the object that this speaks of.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 0))]
    pub observed_generation: Option<i64>,
    /// When the status last changed.
    #[schemars(extend("format" = "date-time"))]
    pub last_transition_time: String,
    /// Why, as a word in CamelCase.
    #[schemars(
        length(min = 1, max = 1024),
        regex(pattern = r"^[A-Za-z]([A-Za-z0-9_,:]*[A-Za-z0-9_])?$")
    )]
    pub reason: String,
    /// Why, in a sentence for people.
    #[schemars(length(max = 32768))]
    pub message: String,
}

/// Whether a condition holds.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[expect(
    missing_docs,
    reason = "the names say it, and text here would become part of the schema"
)]
pub enum ConditionStatus {
    True,
    False,
    Unknown,
}
