//! How the node is doing: the plain facts that conditions are made of.
//!
//! The speaker and the kernel room fill a [`Snapshot`]; nothing here knows where a fact came from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use bgp_wire::Family;

use super::types::{OriginationKey, PeerKey, RouterKey};

/// The state of everything that runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Snapshot {
    /// The routers. One that is missing here has not been started.
    pub routers: BTreeMap<RouterKey, RouterState>,
    /// The sessions.
    pub peers: BTreeMap<PeerKey, PeerState>,
    /// What is originated.
    pub originations: BTreeMap<OriginationKey, OriginationState>,
}

/// How a router is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RouterState {
    /// The listener is open, or none is wanted.
    pub listening: bool,
    /// What is wrong with the router as a whole (a port that cannot be bound), for people.
    pub error: Option<String>,
    /// The kernel's side; `None` while nothing is installed by this router.
    pub kernel: Option<KernelState>,
}

/// How a router's routes fare in the kernel.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KernelState {
    /// Destinations that should be installed.
    pub wanted: u64,
    /// Destinations that are.
    pub installed: u64,
    /// Destinations that the kernel refused.
    pub failed: u64,
    /// Destinations with something in their way that is not ours, or that the configuration keeps out.
    pub blocked: u64,
    /// Destinations of which no next hop is reached.
    pub unresolved: u64,
    /// Destinations behind another router's.
    pub shadowed: u64,
    /// The kernel's last error, with the destination.
    pub last_error: Option<String>,
}

/// How a session is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PeerState {
    /// `Idle`, `Connect`, `Active`, `OpenSent`, `OpenConfirm` or `Established` (RFC 4271 §8.2.2).
    pub state: Arc<str>,
    /// Why it is Idle: `BackOff`, `ConnectionRefused`, `HoldTimerExpired`, `AdminDown`.
    pub idle_reason: Option<Arc<str>>,
    /// When the session last became Established.
    pub last_established: Option<SystemTime>,
    /// The last thing that went wrong, for people.
    pub last_error: Option<String>,
    /// How many times the session has left Established.
    pub flaps: u64,
    /// Our address on the session.
    pub local_address: Option<IpAddr>,
    /// The routes of the neighbour are kept while it restarts.
    pub restarting: bool,
    /// Counts for each family that was negotiated, or that has routes which are kept.
    pub families: Vec<FamilyCounts>,
    /// BFD, where it is wanted.
    pub bfd: Option<BfdState>,
}

/// How BFD on a session is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BfdState {
    /// `AdminDown`, `Down`, `Init` or `Up` (RFC 5880 §6.2).
    pub state: Arc<str>,
    /// Why there is no BFD session, for people.
    pub error: Option<String>,
}

impl PeerState {
    /// Whether the session is up.
    #[must_use]
    pub fn is_established(&self) -> bool {
        &*self.state == "Established"
    }
}

/// Prefixes of one family on one session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FamilyCounts {
    /// Which family.
    pub family: Family,
    /// Paths received, before policy.
    pub received: u64,
    /// Paths that passed policy.
    pub accepted: u64,
    /// Prefixes that the neighbour has been told.
    pub advertised: u64,
    /// Paths that are kept while it restarts; `None` if none are.
    pub stale: Option<u64>,
    /// How many it may tell; `None` without a limit.
    pub limit: Option<u64>,
    /// It tells more than that.
    pub over_limit: bool,
    /// Paths that were not taken because of that; `None` if none were.
    pub discarded: Option<u64>,
    /// We have no next hop of our own for it, and tell no route that needs one.
    pub no_next_hop: bool,
}

/// How an advertisement is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OriginationState {
    /// Prefixes in the router's table because of it.
    pub originated: u32,
    /// Names of the peers that have been told at least one of them.
    pub advertised_to: Vec<Arc<str>>,
    /// Why nothing could be originated, for people.
    pub error: Option<String>,
}
