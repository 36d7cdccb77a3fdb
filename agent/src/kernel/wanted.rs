//! What the kernel should have for a destination, and why not if it should not.
//!
//! Pure. The answer follows from the router's configuration, from what others have in the kernel, and
//! from how the next hops resolve; the last is computed once for each set of next hops.

use std::fmt;

use super::engine::Engine;
use super::model::{Legs, Ownership, SetId, normalise};
use super::resolve::MAX_LEGS;
use super::table::{Obstacle, Preferred};
use super::view::{Installed, PathSetId};
use ipnet::IpNet;

/// How a path set resolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Resolved {
    /// Has to be computed.
    Stale,
    /// No next hop is reached.
    Nowhere,
    /// To these gateways.
    To {
        set: SetId,
        /// Some gateway is an IPv4 address, which an IPv6 route cannot have.
        ipv4: bool,
    },
}

/// What a slot should be in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Nothing,
    Blocked(Block),
    Unresolved,
    Route(Ownership, SetId),
}

/// Why a route must not be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    DefaultRoute,
    Obstacle(Obstacle),
    GatewayFamily,
}

impl Block {
    /// Whether the route is not to be in the kernel as long as the node and its configuration are as they are, and nothing is wrong
    /// with that: what is on a link of ours, or is our own address, is nobody's to tell us, nor where a neighbour on a link is.
    pub(super) fn is_rule(self) -> bool {
        match self {
            Self::DefaultRoute
            | Self::Obstacle(Obstacle::Connected | Obstacle::OwnAddress | Obstacle::Neighbour(_)) => {
                true
            }
            Self::Obstacle(Obstacle::SameMetric { .. }) | Self::GatewayFamily => false,
        }
    }
}

impl fmt::Display for Block {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DefaultRoute => {
                f.write_str("a learned default route is not accepted (kernel.acceptDefaultRoute)")
            }
            Self::GatewayFamily => f.write_str("an IPv6 route cannot have an IPv4 gateway"),
            Self::Obstacle(Obstacle::Connected) => f.write_str("a connected route exists"),
            Self::Obstacle(Obstacle::OwnAddress) => f.write_str("it is an address of this node"),
            Self::Obstacle(Obstacle::Neighbour(neighbour)) => write!(
                f,
                "it would lead packets for the neighbour {neighbour} away from the link that this is on"
            ),
            Self::Obstacle(Obstacle::SameMetric { protocol }) => write!(
                f,
                "a route of protocol {} has the same metric",
                protocol_name(*protocol)
            ),
        }
    }
}

impl fmt::Display for Preferred {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let protocol = protocol_name(self.protocol);
        write!(
            f,
            "the kernel prefers a route of protocol {protocol}, which has metric {}",
            self.metric
        )
    }
}

/// The name of a routing protocol number, for people.
fn protocol_name(protocol: u8) -> String {
    match protocol {
        2 => "kernel".to_owned(),
        3 => "boot".to_owned(),
        4 => "static".to_owned(),
        9 => "ra".to_owned(),
        11 => "zebra".to_owned(),
        12 => "bird".to_owned(),
        16 => "dhcp".to_owned(),
        186 => "bgp".to_owned(),
        187 => "isis".to_owned(),
        188 => "ospf".to_owned(),
        other => other.to_string(),
    }
}

impl Engine {
    pub(super) fn resolve_paths(&mut self, id: PathSetId) -> Resolved {
        let at = id as usize;
        if self.resolved.len() <= at {
            self.resolved.resize(at + 1, Resolved::Stale);
        }
        if self.resolved[at] != Resolved::Stale {
            return self.resolved[at];
        }
        let mut legs = Legs::new();
        for hop in self.fib.hops(id) {
            legs.extend_from_slice(&self.resolver.reach(*hop).legs);
        }
        normalise(&mut legs);
        legs.truncate(MAX_LEGS);
        let ipv4 = legs.iter().any(|l| l.gateway.is_some_and(|g| g.is_ipv4()));
        self.resolved[at] = if legs.is_empty() {
            Resolved::Nowhere
        } else {
            Resolved::To {
                set: self.sets.intern(&legs),
                ipv4,
            }
        };
        self.resolved[at]
    }

    /// Forgets path sets, next-hop sets and next hops that nothing uses any more.
    pub(crate) fn sweep_interned(&mut self) {
        self.generation += 1;
        for id in self.fib.sweep_paths() {
            if let Some(resolved) = self.resolved.get_mut(id as usize) {
                *resolved = Resolved::Stale;
            }
        }
        let slots = self.fib.slots.iter().filter_map(|s| match s.installed() {
            Installed::Set(id) => Some(id),
            Installed::Absent | Installed::Unknown => None,
        });
        let paths = self.resolved.iter().filter_map(|r| match r {
            Resolved::To { set, .. } => Some(*set),
            Resolved::Stale | Resolved::Nowhere => None,
        });
        let failures = self.failures.values().filter_map(|f| f.set);
        let seconds = self.seconds.values().flatten().copied();
        self.sets
            .sweep(slots.chain(paths).chain(failures).chain(seconds));
        self.resolver.forget_unused(self.fib.all_hops());
    }

    pub(crate) fn wanted(&mut self, at: u32) -> Wanted {
        let slot = &self.fib.slots[at as usize];
        let (prefix, paths, router) = (slot.prefix, slot.paths, slot.router);
        if self.stopping || paths == 0 {
            return Wanted::Nothing;
        }
        let Some(entry) = self.fib.router(router) else {
            return Wanted::Nothing;
        };
        let (config, owner) = (entry.config, entry.config.ownership);
        if !config.may_install(prefix) {
            return Wanted::Blocked(Block::DefaultRoute);
        }
        if let Some(obstacle) = self.resolver.table.read().obstacle(owner, prefix) {
            return Wanted::Blocked(Block::Obstacle(obstacle));
        }
        match self.resolve_paths(paths) {
            Resolved::To { ipv4: true, .. } if matches!(prefix, IpNet::V6(_)) => {
                Wanted::Blocked(Block::GatewayFamily)
            }
            Resolved::To { set, .. } => {
                let (table, legs) = (self.resolver.table.read(), self.sets.legs(set));
                match table.obstacle_on(owner, prefix, legs) {
                    Some(obstacle) => Wanted::Blocked(Block::Obstacle(obstacle)),
                    None => Wanted::Route(owner, set),
                }
            }
            Resolved::Nowhere | Resolved::Stale => Wanted::Unresolved,
        }
    }
}
