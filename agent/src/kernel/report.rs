//! What people see of the kernel room: rows for `show fib`, counts for status, and the reason why a
//! route is not in the kernel.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

/// A way out of a route, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hop {
    /// The gateway; none if the destination is on the link.
    pub gateway: Option<IpAddr>,
    /// The interface.
    pub interface: Arc<str>,
    /// ECMP weight.
    pub weight: u16,
}

/// Where a wanted route stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum FibState {
    /// Not yet written.
    Pending,
    /// The kernel has it.
    Installed,
    /// The kernel refused it; it is tried again.
    Failed,
    /// It cannot be installed: someone else's route is in its way.
    Blocked,
    /// It is not to be installed, by rule: what it leads to is on a link of ours or our own address, it would lead a neighbour's packets
    /// away from its link, or it is a default route, which is not accepted.
    Excluded,
    /// No next hop is reached.
    Unresolved,
    /// Another router of this node has the prefix in this table.
    Shadowed,
    /// Ours from an earlier run; nobody has asked for it yet. It goes once the table has converged.
    Stale,
}

impl std::fmt::Display for FibState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pending => "pending",
            Self::Installed => "installed",
            Self::Failed => "failed",
            Self::Blocked => "blocked",
            Self::Excluded => "excluded",
            Self::Unresolved => "unresolved",
            Self::Shadowed => "shadowed",
            Self::Stale => "stale",
        })
    }
}

/// One route of one router as the kernel room sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FibRow {
    /// The router that wants it; none if it is left from an earlier run.
    pub router: Option<Arc<str>>,
    /// Destination.
    pub prefix: IpNet,
    /// Kernel table.
    pub table: u32,
    /// The metric it has, or would have.
    pub metric: u32,
    /// The protocol number it has, or would have.
    pub protocol: u8,
    /// Where it stands.
    pub state: FibState,
    /// BGP next hops of the best paths.
    pub next_hops: Vec<IpAddr>,
    /// What the kernel should have.
    pub wanted: Vec<Hop>,
    /// What the kernel has.
    pub installed: Vec<Hop>,
    /// Why it is not installed, in words.
    pub reason: Option<String>,
    /// The router whose route is in its place.
    pub shadowed_by: Option<Arc<str>>,
}

/// One page of rows.
#[derive(Debug, Clone, Default)]
pub struct FibPage {
    /// The rows.
    pub rows: Vec<FibRow>,
    /// Where the next page begins; `None` after the last.
    pub next: Option<u32>,
}

/// Counts of one router.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouterFibStatus {
    /// Whether its routes go to the kernel at all.
    pub install: bool,
    /// Destinations it wants in the kernel.
    pub wanted: u64,
    /// Of them, acknowledged by the kernel.
    pub installed: u64,
    /// Of them, refused by the kernel.
    pub failed: u64,
    /// Of them, with someone else's route in their way.
    pub blocked: u64,
    /// Of them, without a next hop that is reached.
    pub unresolved: u64,
    /// Of them, behind another router's.
    pub shadowed: u64,
    /// Of the installed ones, those to which the kernel prefers someone else's route.
    pub outranked: u64,
    /// Not wanted in the kernel, by rule, though they are best paths.
    pub excluded: u64,
    /// The last refusal, with its prefix.
    pub last_error: Option<String>,
    /// Why it installs nothing though it is to.
    pub denied: Option<String>,
}

/// Routes of one router that the kernel refuses for one reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The router.
    pub router: Arc<str>,
    /// The kernel's reason, in words.
    pub reason: String,
    /// How many routes.
    pub routes: u64,
    /// The first of them.
    pub example: IpNet,
}

/// How a tracked next hop resolves, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HopReport {
    /// The BGP next hop.
    pub address: IpAddr,
    /// Its interface, if link-local.
    pub interface: Option<Arc<str>>,
    /// Whether it is reached.
    pub reachable: bool,
    /// IGP cost.
    pub metric: u32,
    /// The route over which it resolves.
    pub via: Option<IpNet>,
    /// The ways out.
    pub hops: Vec<Hop>,
}
