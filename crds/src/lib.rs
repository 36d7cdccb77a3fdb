//! The Kubernetes resources that Cosmos reads: seven kinds in two groups.
//!
//! | kind | group | what it asks for |
//! |---|---|---|
//! | [`BGPRouter`] | bgp.miloapis.com | a BGP speaker on one node |
//! | [`BGPPeer`] | bgp.miloapis.com | a session, on one router or on several |
//! | [`BGPAdvertisement`] | bgp.miloapis.com | routes that a router originates |
//! | [`BGPPolicy`] | bgp.miloapis.com | what is accepted, sent and changed |
//! | [`BGPVRFInstance`] | bgp.miloapis.com | a routing table of its own |
//! | [`VPC`], [`VPCAttachment`] | vpc.miloapis.com | a tenant's networks, an interface in them |
//!
//! All are `v1alpha1`, namespaced, with a status subresource; references are names within the namespace. The types
//! here are the only place where a field, its bounds and its rules are written down: [`definitions`] makes the
//! CustomResourceDefinitions from them, `cosmos crds` prints those, and validation of manifests evaluates them.
//! Every list and text that a rule walks is bounded, because the API server refuses rules whose cost it cannot bound.
//!
//! Integers are wide enough for anything an object in a cluster may hold, whatever the schema it was admitted by;
//! whoever reads a field checks its range.
//!
//! ```
//! let yaml = crds::yaml();
//! assert!(yaml.contains("name: bgprouters.bgp.miloapis.com"));
//! ```

#![expect(
    clippy::duplicated_attributes,
    reason = "columns of one kind have types in common"
)]
#![expect(
    unreachable_pub,
    reason = "the schema derive copies public types into function bodies"
)]

mod advertisement;
pub mod bounds;
mod peer;
mod policy;
mod print;
mod router;
mod shared;
mod tcp_ao;
mod vpc;
mod vrf;

pub use advertisement::*;
pub use peer::*;
pub use policy::*;
pub use print::{definition, definitions, yaml};
pub use router::*;
pub use shared::*;
pub use tcp_ao::*;
pub use vpc::*;
pub use vrf::*;
