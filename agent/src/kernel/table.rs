//! What the kernel has from others: links, addresses and routes, and the longest match over them.
//!
//! Pure. Fed by events and by dumps. A dump is not an instant: events arrive while it runs, and a
//! part of it may be older than an event that was already applied. So every entry carries the number
//! of the dump (the *epoch*) in which it was last seen; what events told during a dump is remembered
//! until its end, and the dump is not believed about that; and what else it did not name is dropped
//! at its end.

use std::net::IpAddr;
use std::sync::Arc;

use foldhash::{HashMap, HashSet};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use smallvec::SmallVec;

use super::host::KernelFacts;
use super::model::{
    Address, KernelRoute, LOCAL_TABLE, Leg, Legs, Link, MAIN_TABLE, NexthopObject, Ownership,
    PROTOCOL_KERNEL, RouteKind, normalise,
};
use super::neighbours::Neighbours;

/// A route of someone else.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Foreign {
    metric: u32,
    pub(super) protocol: u8,
    pub(super) tos: u8,
    pub(super) kind: RouteKind,
    legs: Legs,
    encapsulated: bool,
    nexthop_id: u32,
    epoch: u32,
}

impl Foreign {
    /// Leads to a network on a link.
    fn is_direct(&self) -> bool {
        self.kind == RouteKind::Unicast
            && !self.encapsulated
            && self.legs.iter().any(|leg| leg.gateway.is_none())
    }
}

/// Address families, as dumps are made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IpFamily {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl IpFamily {
    /// The family of a prefix.
    pub fn of(prefix: IpNet) -> Self {
        match prefix {
            IpNet::V4(_) => Self::V4,
            IpNet::V6(_) => Self::V6,
        }
    }
}

/// What stands in the way of installing a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Obstacle {
    /// There is a route to this very prefix without a gateway: it is on a link of ours.
    Connected,
    /// The prefix is an address of this host.
    OwnAddress,
    /// Someone else's route has the same prefix, table and metric.
    SameMetric {
        /// Its protocol number.
        protocol: u8,
    },
    /// It holds the address of this neighbour, which is on a link of ours, and leads elsewhere.
    Neighbour(IpAddr),
}

/// A route of someone else that the kernel prefers: its metric is lower.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Preferred {
    /// Its protocol number.
    pub(crate) protocol: u8,
    /// Its metric.
    pub(crate) metric: u32,
}

/// How many routes of each length a table holds, so that longest match probes only those.
#[derive(Debug, Clone)]
struct Lengths {
    v4: [u32; 33],
    v6: [u32; 129],
}

impl Default for Lengths {
    fn default() -> Self {
        Self {
            v4: [0; 33],
            v6: [0; 129],
        }
    }
}

impl Lengths {
    fn of(&mut self, prefix: IpNet) -> &mut u32 {
        match prefix {
            IpNet::V4(p) => &mut self.v4[usize::from(p.prefix_len())],
            IpNet::V6(p) => &mut self.v6[usize::from(p.prefix_len())],
        }
    }
}

/// The best route of others towards an address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Match {
    /// Its prefix.
    pub(crate) prefix: IpNet,
    /// Its metric.
    pub(crate) metric: u32,
    /// Its protocol.
    pub(crate) protocol: u8,
    /// Its kind.
    pub(crate) kind: RouteKind,
    /// Its legs.
    pub(crate) legs: Legs,
    /// Its gateways alone do not lead there.
    pub(crate) encapsulated: bool,
}

/// Everything known of the kernel that is not ours.
#[derive(Debug, Default)]
pub(crate) struct KernelTable {
    facts: Arc<KernelFacts>,
    pub(super) routes: HashMap<(u32, IpNet), SmallVec<[Foreign; 1]>>,
    /// Of the main and the local table: next hops resolve over these.
    lengths: Lengths,
    nexthops: HashMap<u32, NexthopObject>,
    pub(crate) neighbours: Neighbours,
    /// Another one for each change of the routes.
    pub(crate) revision: u64,
    epoch: u32,
    dumping: bool,
    /// Table, prefix and metric of what events told while a dump runs.
    told_during_dump: HashSet<(u32, IpNet, u32)>,
}

impl KernelTable {
    /// Links and addresses as they are now.
    pub(crate) fn facts(&self) -> &Arc<KernelFacts> {
        &self.facts
    }

    /// Takes a link; the one before, if any.
    pub(crate) fn set_link(&mut self, link: Link) -> Option<Link> {
        if self.facts.link(link.ifindex) == Some(&link) {
            return Some(link);
        }
        Arc::make_mut(&mut self.facts).set_link(link)
    }

    /// Forgets a link and its addresses.
    pub(crate) fn remove_link(&mut self, ifindex: u32) {
        Arc::make_mut(&mut self.facts).remove_link(ifindex);
    }

    /// Takes an address; false if it was known like that.
    pub(crate) fn add_address(&mut self, ifindex: u32, address: Address) -> bool {
        let mut facts = (*self.facts).clone();
        let fresh = facts.put_address(ifindex, address);
        if fresh {
            self.facts = Arc::new(facts);
        }
        fresh
    }

    /// Forgets an address; false if it was not known.
    pub(crate) fn remove_address(&mut self, ifindex: u32, address: IpNet) -> bool {
        if !self.facts.addresses(ifindex).contains(&address) {
            return false;
        }
        Arc::make_mut(&mut self.facts).remove_address(ifindex, address);
        true
    }

    /// Replaces links and addresses by what a dump found; true if that made a difference.
    pub(crate) fn replace_facts(
        &mut self,
        links: Vec<Link>,
        addresses: Vec<(u32, Address)>,
    ) -> bool {
        let fresh = KernelFacts::of(links, addresses);
        let same = self.facts.is_same(&fresh);
        if !same {
            self.facts = Arc::new(fresh);
        }
        !same
    }

    /// Takes a nexthop object; false if it was known like that.
    pub(crate) fn set_nexthop(&mut self, object: NexthopObject) -> bool {
        let old = self.nexthops.insert(object.id, object.clone());
        self.neighbours.changed();
        old.is_none_or(|old| old != object)
    }

    /// Forgets a nexthop object.
    pub(crate) fn remove_nexthop(&mut self, id: u32) {
        self.nexthops.remove(&id);
        self.neighbours.changed();
    }

    /// Replaces all nexthop objects by those of a dump; true if that made a difference.
    pub(crate) fn replace_nexthops(&mut self, objects: Vec<NexthopObject>) -> bool {
        let fresh = objects.into_iter().map(|o| (o.id, o)).collect();
        let changed = self.nexthops != fresh;
        self.nexthops = fresh;
        self.neighbours.changed();
        changed
    }

    /// The legs of a route. The kernel lists those of a nexthop object with the route, unless told
    /// not to (`net.ipv4.nexthop_compat_mode`).
    fn legs(&self, route: &Foreign) -> Legs {
        let mut legs = route.legs.clone();
        if let (true, Some(object)) = (legs.is_empty(), self.nexthops.get(&route.nexthop_id)) {
            legs.extend(object.leg);
            for (id, weight) in &object.members {
                let member = self.nexthops.get(id).and_then(|m| m.leg);
                legs.extend(member.map(|leg| Leg {
                    weight: *weight,
                    ..leg
                }));
            }
            normalise(&mut legs);
        }
        legs
    }

    /// Takes a route of someone else out of an event; true if that may change how something resolves.
    pub(crate) fn add_route(&mut self, route: &KernelRoute, replaced: bool) -> bool {
        self.told(route);
        self.insert(route, replaced)
    }

    fn told(&mut self, route: &KernelRoute) {
        if self.dumping {
            self.told_during_dump.insert(full_key(route));
        }
    }

    fn insert(&mut self, route: &KernelRoute, replaced: bool) -> bool {
        let key = (route.owner.table, route.prefix.trunc());
        let fresh = Foreign {
            metric: route.owner.metric,
            protocol: route.owner.protocol,
            tos: route.tos,
            kind: route.kind,
            legs: route.legs.clone(),
            encapsulated: route.encapsulated,
            nexthop_id: route.nexthop_id,
            epoch: self.epoch,
        };
        let list = self.routes.entry(key).or_default();
        if list.is_empty() && is_resolving(key.0) {
            *self.lengths.of(key.1) += 1;
        }
        if let Some(same) = list.iter_mut().find(|f| f.same_as(&fresh)) {
            same.epoch = fresh.epoch;
            return false;
        }
        // IPv6 keeps one route per metric and protocol and tells it whole when a leg is added; IPv4
        // keeps one per type of service and metric unless told to append.
        let v6 = matches!(key.1, IpNet::V6(_));
        list.retain(|f| {
            f.metric != fresh.metric
                || f.tos != fresh.tos
                || !(replaced || v6 && f.protocol == fresh.protocol && f.kind == fresh.kind)
        });
        list.push(fresh);
        list.sort_by_key(|f| f.metric);
        self.neighbours.changed_within(key.1);
        self.revision += 1;
        true
    }

    /// Forgets a route of someone else (for IPv6, those of its legs that are named); true if
    /// something went.
    pub(crate) fn remove_route(&mut self, route: &KernelRoute) -> bool {
        self.told(route);
        let key = (route.owner.table, route.prefix.trunc());
        let Some(list) = self.routes.get_mut(&key) else {
            return false;
        };
        let candidate = |f: &Foreign| {
            f.metric == route.owner.metric
                && f.protocol == route.owner.protocol
                && f.tos == route.tos
        };
        let Some(at) = list
            .iter()
            .position(|f| candidate(f) && f.legs == route.legs)
            .or_else(|| list.iter().position(candidate))
        else {
            return false;
        };
        let rest: Legs = match key.1 {
            IpNet::V6(_) => list[at]
                .legs
                .iter()
                .filter(|l| !route.legs.contains(l))
                .copied()
                .collect(),
            IpNet::V4(_) => Legs::new(),
        };
        if rest.is_empty() || route.legs.is_empty() {
            list.remove(at);
        } else {
            list[at].legs = rest;
        }
        if list.is_empty() {
            self.drop_key(key);
        }
        self.neighbours.changed_within(key.1);
        self.revision += 1;
        true
    }

    /// IPv4 tells nothing when a link takes routes with it, so this does what the kernel did: routes
    /// of which every leg used the link go, of others the legs do (`fib_sync_down_dev`). Gives the
    /// destinations concerned.
    pub(crate) fn link_down(&mut self, ifindex: u32) -> Vec<(u32, IpNet)> {
        let mut changed = Vec::new();
        let mut empty = Vec::new();
        for (key, list) in &mut self.routes {
            // Addresses stay while their link is down, and so do their local routes.
            let uses = |f: &Foreign| {
                f.kind != RouteKind::Local && f.legs.iter().any(|l| l.ifindex == ifindex)
            };
            if !list.iter().any(uses) {
                continue;
            }
            changed.push(*key);
            list.retain(|f| {
                if uses(f) {
                    f.legs.retain(|l| l.ifindex != ifindex);
                    return !f.legs.is_empty();
                }
                true
            });
            if list.is_empty() {
                empty.push(*key);
            }
        }
        for key in empty {
            self.drop_key(key);
        }
        self.neighbours.changed();
        self.revision += 1;
        changed
    }

    fn drop_key(&mut self, key: (u32, IpNet)) {
        if self.routes.remove(&key).is_some() && is_resolving(key.0) {
            *self.lengths.of(key.1) -= 1;
        }
    }

    /// Takes out the routes that belong to `owner`: they turned out to be ours.
    pub(crate) fn claim(&mut self, owner: Ownership) -> Vec<KernelRoute> {
        let mut ours = Vec::new();
        let mut empty = Vec::new();
        for ((table, prefix), list) in &mut self.routes {
            if *table != owner.table {
                continue;
            }
            list.retain(|f| {
                let mine = f.protocol == owner.protocol
                    && f.metric == owner.metric
                    && f.kind == RouteKind::Unicast
                    && f.tos == 0;
                if mine {
                    ours.push(KernelRoute {
                        prefix: *prefix,
                        owner,
                        kind: f.kind,
                        tos: f.tos,
                        legs: std::mem::take(&mut f.legs),
                        encapsulated: f.encapsulated,
                        nexthop_id: f.nexthop_id,
                    });
                }
                !mine
            });
            if list.is_empty() {
                empty.push((*table, *prefix));
            }
        }
        for key in empty {
            self.drop_key(key);
        }
        self.neighbours.changed();
        self.revision += 1;
        ours
    }

    /// What stands in the way of a route of ours.
    pub(crate) fn obstacle(&self, owner: Ownership, prefix: IpNet) -> Option<Obstacle> {
        if owner.table == MAIN_TABLE
            && prefix.prefix_len() == prefix.max_prefix_len()
            && let Some(list) = self.routes.get(&(LOCAL_TABLE, prefix))
            && list.iter().any(|f| f.kind == RouteKind::Local)
        {
            return Some(Obstacle::OwnAddress);
        }
        let list = self.routes.get(&(owner.table, prefix))?;
        if list.iter().any(|f| f.protocol == PROTOCOL_KERNEL) {
            return Some(Obstacle::Connected);
        }
        // The kernel is not the only one who makes them: systemd-networkd does itself for what a router advertises or DHCP gives.
        // A default route by a link names no network that is on it.
        if prefix.prefix_len() > 0 && list.iter().any(Foreign::is_direct) {
            return Some(Obstacle::Connected);
        }
        list.iter()
            .find(|f| f.metric == owner.metric && f.tos == 0)
            .map(|f| Obstacle::SameMetric {
                protocol: f.protocol,
            })
    }

    /// The link that the kernel sends packets to an address out of without a gateway, and the route that says so: whoever has the
    /// address is on it. So it is with the other end of a point-to-point address, and wherever a route of someone says that an
    /// address is on a link.
    pub(crate) fn direct(&self, address: IpAddr) -> Option<(u32, IpNet)> {
        let longest = if address.is_ipv4() { 32 } else { 128 };
        let found = self.lookup(address, longest)?;
        let first = found.legs.first()?.ifindex;
        let on_it = |leg: &Leg| leg.gateway.is_none() && leg.ifindex == first;
        let plain = found.kind == RouteKind::Unicast && !found.encapsulated;
        (plain && found.legs.iter().all(on_it)).then_some((first, found.prefix))
    }

    /// Someone else's route to the very same prefix that the kernel prefers to one of ours.
    pub(crate) fn preferred(&self, owner: Ownership, prefix: IpNet) -> Option<Preferred> {
        let mut list = self.routes.get(&(owner.table, prefix))?.iter();
        let first = list.find(|f| f.tos == 0)?;
        (first.metric < owner.metric).then_some(Preferred {
            protocol: first.protocol,
            metric: first.metric,
        })
    }

    /// The longest match of at most `longest` bits over the routes of others, in the main and the
    /// local table. Of one prefix the local table wins, then the lowest metric.
    pub(crate) fn lookup(&self, address: IpAddr, longest: u8) -> Option<Match> {
        let probe = |prefix: IpNet| {
            [LOCAL_TABLE, MAIN_TABLE].into_iter().find_map(|table| {
                let best = self.routes.get(&(table, prefix))?.first()?;
                Some(Match {
                    prefix,
                    metric: best.metric,
                    protocol: best.protocol,
                    kind: best.kind,
                    legs: self.legs(best),
                    encapsulated: best.encapsulated,
                })
            })
        };
        match address {
            IpAddr::V4(a) => (0..=longest.min(32))
                .rev()
                .filter(|l| self.lengths.v4[usize::from(*l)] > 0)
                .find_map(|l| probe(Ipv4Net::new_assert(a, l).trunc().into())),
            IpAddr::V6(a) => (0..=longest.min(128))
                .rev()
                .filter(|l| self.lengths.v6[usize::from(*l)] > 0)
                .find_map(|l| probe(Ipv6Net::new_assert(a, l).trunc().into())),
        }
    }

    /// A dump of routes begins.
    pub(crate) fn begin_dump(&mut self) {
        self.epoch = self.epoch.wrapping_add(1);
        self.dumping = true;
        self.told_during_dump.clear();
    }

    /// A route of someone else, out of a dump; true if it was not known like that.
    pub(crate) fn dump_route(&mut self, route: &KernelRoute) -> bool {
        !self.told_during_dump.contains(&full_key(route)) && self.insert(route, false)
    }

    /// The dump is over: what it did not name is gone, if it was `whole`. Gives the prefixes that
    /// lost a route.
    pub(crate) fn end_dump(&mut self, families: &[IpFamily], whole: bool) -> Vec<(u32, IpNet)> {
        self.dumping = false;
        let told = std::mem::take(&mut self.told_during_dump);
        let mut changed = Vec::new();
        if !whole {
            return changed;
        }
        let mut empty = Vec::new();
        for (key, list) in &mut self.routes {
            if !families.contains(&IpFamily::of(key.1)) {
                continue;
            }
            let before = list.len();
            list.retain(|f| f.epoch == self.epoch || told.contains(&(key.0, key.1, f.metric)));
            if list.len() != before {
                changed.push(*key);
            }
            if list.is_empty() {
                empty.push(*key);
            }
        }
        for key in empty {
            self.drop_key(key);
        }
        if !changed.is_empty() {
            self.neighbours.changed();
            self.revision += 1;
        }
        changed
    }
}

impl Foreign {
    fn same_as(&self, other: &Self) -> bool {
        Self {
            epoch: 0,
            ..self.clone()
        } == Self {
            epoch: 0,
            ..other.clone()
        }
    }
}

fn is_resolving(table: u32) -> bool {
    table == MAIN_TABLE || table == LOCAL_TABLE
}

/// What the kernel tells routes apart by, near enough.
fn full_key(route: &KernelRoute) -> (u32, IpNet, u32) {
    (route.owner.table, route.prefix.trunc(), route.owner.metric)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::resolve::tests::route as of_others;

    fn route(prefix: &str, gateway: &str, metric: u32) -> KernelRoute {
        of_others(prefix, Some(gateway), 2, metric)
    }

    const FAMILIES: [(IpFamily, &str, &str, &str); 2] = [
        (IpFamily::V4, "10.0.0.0/24", "192.0.2.1", "192.0.2.2"),
        (IpFamily::V6, "2001:db8::/48", "fe80::1", "fe80::2"),
    ];

    fn gateways(t: &KernelTable, prefix: &str) -> Vec<(u32, IpAddr)> {
        let list = t.routes.get(&(MAIN_TABLE, prefix.parse().unwrap()));
        list.into_iter()
            .flatten()
            .flat_map(|f| f.legs.iter().map(|l| (f.metric, l.gateway.unwrap())))
            .collect()
    }

    #[test]
    fn a_change_that_was_told_during_a_dump_is_newer_than_the_dump() {
        for (family, prefix, old, new) in FAMILIES {
            let mut t = KernelTable::default();
            t.add_route(&route(prefix, old, 20), false);
            t.begin_dump();
            t.add_route(&route(prefix, new, 20), true);
            t.dump_route(&route(prefix, old, 20));
            t.end_dump(&[family], true);
            let wanted = [(20, new.parse().unwrap())];
            assert_eq!(gateways(&t, prefix), wanted, "{family:?}");
        }
    }

    #[test]
    fn a_deletion_that_was_told_during_a_dump_takes_no_other_route_along() {
        for (family, prefix, one, other) in FAMILIES {
            let mut t = KernelTable::default();
            t.add_route(&route(prefix, one, 20), false);
            t.add_route(&route(prefix, other, 50), false);
            t.begin_dump();
            t.remove_route(&route(prefix, one, 20));
            t.dump_route(&route(prefix, one, 20));
            t.dump_route(&route(prefix, other, 50));
            t.end_dump(&[family], true);
            let wanted = [(50, other.parse().unwrap())];
            assert_eq!(gateways(&t, prefix), wanted, "{family:?}");
        }
    }
}
