//! What the kernel tells by itself, and what follows from it.
//!
//! Pure. Our own echoes never get here: the monitor drops them. So a notification about a route of
//! ours means that someone else, or the kernel, touched it.

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::time::Instant;

use ipnet::IpNet;

use super::engine::Engine;
use super::model::{KernelEvent, KernelRoute, LOCAL_TABLE, Leg, Legs, Link, MAIN_TABLE};
use super::stats::KernelStats;
use super::table::IpFamily;
use super::view::{Installed, NO_ROUTER};

impl Engine {
    /// Takes one event.
    pub fn handle_event(&mut self, event: KernelEvent, now: Instant) {
        if !matches!(event, KernelEvent::Route { .. } | KernelEvent::RouteGone(_)) {
            self.fact_told(&event);
        }
        match event {
            KernelEvent::Link(link) => self.link(link, now),
            KernelEvent::LinkGone(ifindex) => {
                self.resolver.table.write().remove_link(ifindex);
                self.routes_lost(ifindex, now);
            }
            KernelEvent::Address { ifindex, address } => {
                if self.resolver.table.write().add_address(ifindex, address) {
                    self.resolver.mark_all();
                    self.retry_failures(now);
                }
            }
            KernelEvent::AddressGone { ifindex, address } => {
                if self.resolver.table.write().remove_address(ifindex, address) {
                    self.resolver.mark_all();
                    // With its last address an interface loses its IPv4 routes, unannounced.
                    self.request_resync(&[IpFamily::V4], now);
                }
            }
            KernelEvent::Nexthop(object) => {
                if self.resolver.table.write().set_nexthop(object) {
                    self.resolver.mark_all();
                }
            }
            KernelEvent::NexthopGone(id) => {
                self.resolver.table.write().remove_nexthop(id);
                self.resolver.mark_all();
                // IPv4 routes that named it went unannounced.
                self.request_resync(&[IpFamily::V4], now);
            }
            KernelEvent::Route { route, replaced } => {
                if self.is_own(&route) {
                    self.own_changed(&route, replaced, now);
                    return;
                }
                let changed = self.resolver.table.write().add_route(&route, replaced);
                if replaced {
                    self.perhaps_replaced(&route, now);
                }
                if changed {
                    self.foreign_changed(&route, now);
                }
            }
            KernelEvent::RouteGone(route) => {
                if self.is_own(&route) {
                    self.own_gone(&route, now);
                    return;
                }
                let changed = self.resolver.table.write().remove_route(&route);
                if changed {
                    self.foreign_changed(&route, now);
                }
            }
        }
    }

    /// Notifications were lost: only reading everything again tells what happened.
    pub fn handle_overrun(&mut self, now: Instant) {
        KernelStats::add(&self.stats.overruns, 1);
        self.certain = false;
        // A dump that is running began before the loss.
        self.dump = None;
        self.request_resync(&[IpFamily::V4, IpFamily::V6], now);
    }

    pub(super) fn is_own(&self, route: &KernelRoute) -> bool {
        route.is_like_ours() && self.fib.find_owner(route.owner).is_some()
    }

    fn link(&mut self, link: Link, now: Instant) {
        let ifindex = link.ifindex;
        let (admin_up, usable) = (link.admin_up, link.usable());
        let before = self.resolver.table.write().set_link(link);
        let before_up = before.as_ref().is_some_and(|l| l.admin_up);
        let before_usable = before.as_ref().is_some_and(Link::usable);
        if before_up && !admin_up {
            self.routes_lost(ifindex, now);
        } else if before_up != admin_up || before_usable != usable {
            self.resolver.mark_all();
            self.request_resync(&[IpFamily::V4], now);
        }
        if usable && !before_usable {
            self.retry_failures(now);
        }
    }

    /// A link took its routes with it. For IPv6 the kernel says which; for IPv4 it says nothing, so
    /// they are taken out of what we believe, and the tables are read to be sure.
    fn routes_lost(&mut self, ifindex: u32, now: Instant) {
        let theirs = self.resolver.table.write().link_down(ifindex);
        self.foreign_lost(&theirs, now);
        self.evict_link(ifindex);
        self.resolver.mark_all();
        self.request_resync(&[IpFamily::V4], now);
    }

    /// A route of someone else came, changed or went.
    pub(super) fn foreign_changed(&mut self, route: &KernelRoute, now: Instant) {
        self.resolver.mark_within(std::iter::once(route.prefix));
        self.look_again((route.owner.table, route.prefix.trunc()), now);
    }

    /// The addresses of the neighbours that must stay reachable on their links.
    pub fn set_neighbours(&mut self, addresses: BTreeSet<IpAddr>) {
        self.resolver.table.write().neighbours.set(addresses);
    }

    /// Looks again at the routes that lead neighbours' packets astray, or no longer do.
    pub(super) fn follow_neighbours(&mut self, now: Instant) {
        if !self.resolver.table.read().neighbours.is_stale() {
            return;
        }
        let concerned = self.resolver.table.write().place_neighbours();
        if concerned.is_empty() {
            return;
        }
        self.resolver.mark_all();
        for prefix in concerned {
            self.look_again((MAIN_TABLE, prefix), now);
        }
    }

    /// What stood in the way of a route of ours may have gone, or come. An address of the node is a
    /// route in the local table, and in the way in the main one.
    fn look_again(&mut self, (table, prefix): (u32, IpNet), now: Instant) {
        let table = if table == LOCAL_TABLE {
            MAIN_TABLE
        } else {
            table
        };
        if let Some(at) = self.fib.find_in(table, prefix) {
            self.enqueue(at, now);
        }
    }

    /// Routes of others went; their obstacles with them.
    pub(super) fn foreign_lost(&mut self, keys: &[(u32, IpNet)], now: Instant) {
        self.resolver
            .mark_within(keys.iter().map(|(_, prefix)| *prefix));
        for key in keys {
            self.look_again(*key, now);
        }
    }

    /// Someone's route took the place of another with the same key: was that ours?
    fn perhaps_replaced(&mut self, route: &KernelRoute, now: Instant) {
        let Some(at) = self.fib.find_in(route.owner.table, route.prefix.trunc()) else {
            return;
        };
        let slot = &self.fib.slots[at as usize];
        let key_is_ours = self.fib.owner(slot.installed_as).metric == route.owner.metric;
        if slot.installed() != Installed::Absent && key_is_ours && route.tos == 0 {
            self.lost(at, Installed::Absent);
            self.enqueue(at, now);
        }
    }

    /// Someone else wrote a route that carries our marks.
    fn own_changed(&mut self, route: &KernelRoute, replaced: bool, now: Instant) {
        let Some(owner) = self.fib.find_owner(route.owner) else {
            return;
        };
        let table = self.fib.table_index(route.owner.table);
        let at = self.fib.slot(table, route.prefix.trunc());
        let found = self.installed_as_told(route);
        self.touched(at);
        let slot = &self.fib.slots[at as usize];
        if slot.installed() == found && slot.installed_as == owner {
            return;
        }
        if !replaced && self.is_beside(at, owner, route) {
            self.second_found(at, route, now);
            return;
        }
        let slot = &mut self.fib.slots[at as usize];
        slot.set_installed(found, owner);
        slot.stray = slot.router == NO_ROUTER;
        self.repair(at, now);
    }

    /// Someone else, or the kernel, removed a route of ours, or for IPv6 some of its legs.
    fn own_gone(&mut self, route: &KernelRoute, now: Instant) {
        let Some(at) = self.fib.find_in(route.owner.table, route.prefix.trunc()) else {
            return;
        };
        let slot = &self.fib.slots[at as usize];
        if self.fib.owner(slot.installed_as) != route.owner {
            return;
        }
        if self.second_gone(at, route, now) {
            return;
        }
        let left: Legs = match self.fib.slots[at as usize].installed() {
            Installed::Absent => return,
            Installed::Set(id) if IpFamily::of(route.prefix) == IpFamily::V6 => {
                let legs = self.sets.legs(id).iter();
                legs.filter(|l| !route.legs.contains(l)).copied().collect()
            }
            Installed::Set(_) | Installed::Unknown => Legs::new(),
        };
        if !left.is_empty() && route.legs.iter().all(|leg| self.is_on_dead_link(leg)) {
            // The kernel's own doing, of which nobody is to be accused: the other legs forward on.
            let set = self.sets.intern(&left);
            self.lost(at, Installed::Set(set));
            self.enqueue(at, now);
            return;
        }
        let left = match left.is_empty() {
            true => Installed::Absent,
            false => Installed::Unknown,
        };
        self.lost(at, left);
        if !self.free_if_empty(at) {
            self.repair(at, now);
        }
    }

    /// Whether a leg's link is down or gone, as the kernel says before it says what became of the routes over it.
    fn is_on_dead_link(&self, leg: &Leg) -> bool {
        let table = self.resolver.table.read();
        !table
            .facts()
            .link(leg.ifindex)
            .is_some_and(|link| link.admin_up)
    }
}
