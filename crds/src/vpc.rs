//! VPC and VPCAttachment: a tenant's networks, and an interface in them.

use kube::{CustomResource, KubeSchema};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::shared::Condition;

/// A tenant's networks.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "vpc.miloapis.com",
    version = "v1alpha1",
    kind = "VPC",
    plural = "vpcs",
    namespaced,
    status = "VPCStatus",
    derive = "PartialEq",
    doc = "A tenant's networks."
)]
pub struct VPCSpec {
    /// The networks, as prefixes such as 10.100.0.0/24 or fd00:a::/48.
    #[schemars(length(min = 1, max = 64), inner(length(max = 64)))]
    #[x_kube(validation = Rule::new("self.all(n, isCIDR(n))").message("networks must be prefixes with a length, such as 10.100.0.0/24 or fd00:a::/48"))]
    pub networks: Vec<String>,
}

/// How a VPC is doing.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct VPCStatus {
    /// The VPC is in use.
    #[serde(default)]
    pub ready: bool,
    /// The VPC's identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Option<Vec<Condition>>,
}

/// An interface in a VPC.
#[derive(CustomResource, KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[kube(
    group = "vpc.miloapis.com",
    version = "v1alpha1",
    kind = "VPCAttachment",
    plural = "vpcattachments",
    namespaced,
    status = "VPCAttachmentStatus",
    derive = "PartialEq",
    doc = "An interface in a VPC."
)]
pub struct VPCAttachmentSpec {
    /// The VPC, in the same namespace.
    pub vpc: VpcRef,
    /// The interface.
    pub interface: VpcInterface,
}

/// The name of a VPC in the same namespace.
#[derive(JsonSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct VpcRef {
    /// The VPC's name.
    #[schemars(length(min = 1, max = 253))]
    pub name: String,
}

/// An interface of a workload.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct VpcInterface {
    /// The interface's name within the workload.
    #[serde(default = "eth0")]
    #[schemars(length(max = 64))]
    pub name: String,
    /// The interface's addresses. One without a prefix length stands for itself alone.
    #[schemars(length(min = 1, max = 16), inner(length(max = 64)))]
    #[x_kube(validation = Rule::new("self.all(a, isIP(a) || isCIDR(a))").message("addresses must be IP addresses, with or without a prefix length, such as 10.100.0.5 or fd00:a::5/64"))]
    pub addresses: Vec<String>,
}

fn eth0() -> String {
    "eth0".to_owned()
}

/// How a VPCAttachment is doing.
#[derive(KubeSchema, Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct VPCAttachmentStatus {
    /// The interface is connected.
    #[serde(default)]
    pub ready: bool,
    /// The attachment's identifier.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[x_kube(merge_strategy = ListMerge::Map(vec!["type".into()]))]
    pub conditions: Option<Vec<Condition>>,
}
