//! From objects to what this node should do, and from how it does to statuses. Pure: no clock, no IO.
//!
//! ```text
//!   Objects, InEffect --build--> (Desired, [Problem])      whole, on every event
//!   Desired, Desired --diff--> [Change]          what the speaker and the kernel room carry out
//!   Change, Desired --Consequence--> what becomes of sessions, in words
//!   Objects, Desired, [Problem], Snapshot --statuses--> statuses by object
//! ```
//!
//! The whole answer is built on every event: a node has few objects, and what was never updated in part cannot be
//! out of date in part. An object that cannot be used yields a [`Problem`]; what ran of it stays ([`InEffect`]), and the rest
//! goes on.

mod advertisement;
mod authentication;
mod bfd;
mod bounded;
mod build;
mod conditions;
mod contradiction;
mod diff;
mod duration;
mod dynamic;
mod effect;
mod guards;
mod host;
mod in_effect;
mod interface;
mod node;
mod objects;
mod originates;
mod peer;
mod policies;
mod problem;
mod ranges;
mod restart;
mod router;
mod secrets;
mod select;
mod snapshot;
mod timers;
mod types;

pub use authentication::{AoAlgorithm, AoKey, AoKeys, Authentication, Password, goes_on};
pub use build::build;
pub(crate) use conditions::NOT_ACCEPTED;
pub use conditions::statuses;
pub(crate) use conditions::timestamp;
pub use diff::{Change, diff};
pub use dynamic::DynamicNeighbors;
pub use effect::{Consequence, Effect, FieldChange, dynamic_changes, peer_changes, router_changes};
pub use host::Host;
pub use in_effect::{Accepted, InEffect, Neighbor};
pub use node::{nodes, stranger};
pub use objects::{Kind, Object, ObjectKey, Objects};
pub use policies::{PolicyKey, Scope, Trial, TrialError, trial};
pub use problem::{Problem, Reason, Severity};
pub(crate) use select::{label_key, label_value};
pub use snapshot::{
    BfdState, DynamicState, FamilyCounts, InterfaceState, KernelState, NotLetIn, OriginationState,
    PeerState, RouterState, Snapshot,
};
pub use types::{
    Bfd, Decision, Desired, FamilyConfig, GracefulRestart, KernelConfig, LimitAction, LocalAs,
    Origination, OriginationKey, Peer, PeerKey, PeerRole, PrefixLimit, PrivateAs, RemoteAs,
    RestartTimes, Router, RouterKey, Source, Ttl, has_route_targets,
};
