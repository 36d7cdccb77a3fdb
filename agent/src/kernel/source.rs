//! The table's side: what the kernel room reads from a router's RIB, and nothing more.
//!
//! The kernel is one more reader of the table. It is rung, comes back in its own time and drains the
//! newest state; in the other direction it only answers how a next hop is reached, and says when
//! that answer changed.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;
use rib::FibInterest;
use smallvec::SmallVec;

/// A next hop as the table tracks it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HopKey {
    /// The address to reach.
    pub address: IpAddr,
    /// The interface of the session, when the address is link-local (RFC 4007 §6: such an address
    /// means nothing without its zone), or has to be on that link (RFC 4271 §6.3).
    pub link: Option<u32>,
}

/// How a next hop is reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct HopState {
    /// Whether it is reached at all (RFC 4271 §9.1.2).
    pub reachable: bool,
    /// The cost of getting there; 0 on a connected network (RFC 4271 §9.1.2.2 e).
    pub metric: u32,
    /// It had to be on one link and is not (RFC 4271 §6.3).
    pub off_link: bool,
}

/// A destination whose best paths changed, with its newest state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteChange {
    /// Destination.
    pub prefix: IpNet,
    /// Next hops of the best path and of those multipath adds; empty if there is no path.
    pub hops: SmallVec<[HopKey; 1]>,
}

/// The table's own best route towards an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRoute {
    /// Destination.
    pub prefix: IpNet,
    /// Its next hops.
    pub hops: SmallVec<[HopKey; 1]>,
}

/// A walk over a table, which can pause.
pub trait Walk: Send {
    /// Handles at most about `budget` destinations; true when all is done.
    fn step(&mut self, budget: usize) -> bool;
}

/// One router's table, as its reader in the kernel room sees it. Every method is synchronous and
/// short.
pub trait FibSource: Send + Sync {
    /// From now on ring `bell` when something changed. Everything that is there counts as changed.
    /// With `only`, nothing but what this wants counts.
    fn attach(&self, bell: Arc<dyn Fn() + Send + Sync>, only: Option<Arc<dyn FibInterest>>);

    /// Nobody reads any more.
    fn detach(&self);

    /// Appends at most `budget` changed destinations to `out`; true if there may be more.
    fn drain(&self, budget: usize, out: &mut Vec<RouteChange>) -> bool;

    /// Counts everything as changed again.
    fn refeed(&self, only: Option<Arc<dyn FibInterest>>);

    /// The longest best route of at most `longest` bits that contains `address`.
    fn lookup(&self, address: IpAddr, longest: u8) -> Option<OwnRoute>;

    /// The next hops that the table tracks.
    fn tracked(&self) -> Vec<HopKey>;

    /// How these next hops are reached has changed: gives the walk that applies it.
    fn hops_changed(&self, keys: &[HopKey]) -> Box<dyn Walk>;
}

/// Whether an address is link-local, IPv4 or IPv6.
pub fn is_link_local(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => v4.is_link_local(),
        IpAddr::V6(v6) => is_link_local_v6(v6),
    }
}

fn is_link_local_v6(address: Ipv6Addr) -> bool {
    address.is_unicast_link_local()
}
