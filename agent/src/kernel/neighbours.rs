//! Neighbours whose packets have to leave through one link: external ones whose sessions have TTL 1. A route of ours that is longer than
//! that of the link, holds a neighbour's address and leads elsewhere would end the session as soon as it is in the kernel, and every
//! route over that neighbour with it, whoever told it: as somebody's host routes may hold all addresses that he sees.
//!
//! Pure. Where each neighbour is follows from the routes of others.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::model::{Leg, MAIN_TABLE, Ownership};
use super::table::{KernelTable, Obstacle};

/// See the top of this file.
#[derive(Debug, Default)]
pub(crate) struct Neighbours {
    asked: BTreeSet<IpAddr>,
    found: BTreeMap<IpAddr, Place>,
    /// What `found` was made of has changed.
    stale: bool,
}

/// Where a neighbour is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Place {
    link: u32,
    /// Of the route of others that says so, in bits.
    length: u8,
}

impl Neighbours {
    /// These are the addresses of the neighbours from now on.
    pub(crate) fn set(&mut self, addresses: BTreeSet<IpAddr>) {
        self.asked = addresses;
        self.stale = true;
    }

    /// A route of others to this prefix came, changed or went.
    pub(crate) fn changed_within(&mut self, prefix: IpNet) {
        let mut inside = self.asked.range(prefix.network()..=prefix.broadcast());
        self.stale = self.stale || inside.next().is_some();
    }

    /// Anything may have changed.
    pub(crate) fn changed(&mut self) {
        self.stale = self.stale || !self.asked.is_empty();
    }

    pub(crate) fn is_stale(&self) -> bool {
        self.stale
    }

    /// Looks for all of them anew; `direct` gives the link that an address is on, and the route of others that says so. Gives the
    /// prefixes of which it may matter.
    pub(crate) fn place(&mut self, direct: impl Fn(IpAddr) -> Option<(u32, IpNet)>) -> Vec<IpNet> {
        self.stale = false;
        let place = |address: &IpAddr| {
            let (link, network) = direct(*address)?;
            let length = network.prefix_len();
            Some((*address, Place { link, length }))
        };
        let fresh: BTreeMap<IpAddr, Place> = self.asked.iter().filter_map(place).collect();
        let before = std::mem::replace(&mut self.found, fresh);
        let mut concerned = Vec::new();
        let both = before.keys().chain(self.found.keys());
        for address in both.collect::<BTreeSet<_>>() {
            let (old, new) = (before.get(address), self.found.get(address));
            if old == new {
                continue;
            }
            let shortest = old.into_iter().chain(new).map(|place| place.length).min();
            let longer = shortest.unwrap_or_default().saturating_add(1)..=longest(*address);
            let nets = longer.filter_map(|length| IpNet::new(*address, length).ok());
            concerned.extend(nets.map(|net| net.trunc()));
        }
        concerned
    }

    /// A neighbour that would no longer be reached on its link, if a route of ours led a prefix there.
    pub(crate) fn led_astray(&self, prefix: IpNet, legs: &[Leg]) -> Option<IpAddr> {
        if self.found.is_empty() {
            return None;
        }
        let mut inside = self.found.range(prefix.network()..=prefix.broadcast());
        let (address, _) = inside.find(|(address, place)| {
            let prevails = prefix.prefix_len() > place.length;
            prevails && !legs.iter().all(|leg| leads_to(leg, **address, place.link))
        })?;
        Some(*address)
    }
}

impl KernelTable {
    /// What stands in the way of a route of ours that leads there.
    pub(crate) fn obstacle_on(
        &self,
        owner: Ownership,
        prefix: IpNet,
        legs: &[Leg],
    ) -> Option<Obstacle> {
        // Packets for neighbours are routed by the main table.
        let astray = (owner.table == MAIN_TABLE).then(|| self.neighbours.led_astray(prefix, legs));
        astray.flatten().map(Obstacle::Neighbour)
    }

    /// Finds the neighbours anew, if anything has changed. Gives the prefixes of which that may matter.
    pub(crate) fn place_neighbours(&mut self) -> Vec<IpNet> {
        if !self.neighbours.is_stale() {
            return Vec::new();
        }
        let mut neighbours = std::mem::take(&mut self.neighbours);
        let concerned = neighbours.place(|address| self.direct(address));
        self.neighbours = neighbours;
        concerned
    }
}

fn longest(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

/// Whether packets for an address on a link get there. Whose a link-local gateway is cannot be told: it is the neighbour's own when it
/// announces its own address.
fn leads_to(leg: &Leg, address: IpAddr, link: u32) -> bool {
    let gateway = |gateway| match gateway {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => true,
        _ => gateway == address,
    };
    leg.ifindex == link && leg.gateway.is_none_or(gateway)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    /// Links 2 and 3 with a network each.
    fn direct(address: IpAddr) -> Option<(u32, IpNet)> {
        let networks = [
            (2, "192.0.2.0/24"),
            (3, "198.51.100.0/31"),
            (2, "2001:db8:2::/64"),
            (3, "2001:db8:3::/64"),
        ];
        let networks = networks.map(|(link, network)| (link, net(network)));
        networks
            .into_iter()
            .find(|(_, network)| network.contains(&address))
    }

    fn neighbours(addresses: &[&str]) -> Neighbours {
        let mut neighbours = Neighbours::default();
        neighbours.set(addresses.iter().map(|address| ip(address)).collect());
        neighbours.place(direct);
        neighbours
    }

    #[test]
    fn a_longer_route_to_a_neighbour_may_only_lead_to_it() {
        let neighbours = neighbours(&["192.0.2.1", "192.0.2.9", "2001:db8:3::1", "203.0.113.1"]);
        for (prefix, gateway, link, astray) in [
            // Another link; the same one, over somebody else; itself.
            ("192.0.2.1/32", "198.51.100.1", 3, Some("192.0.2.1")),
            ("192.0.2.1/32", "192.0.2.9", 2, Some("192.0.2.1")),
            ("192.0.2.1/32", "192.0.2.1", 2, None),
            ("192.0.2.0/29", "192.0.2.1", 2, None),
            ("192.0.2.0/28", "192.0.2.1", 2, Some("192.0.2.9")),
            ("192.0.2.8/29", "198.51.100.1", 3, Some("192.0.2.9")),
            // Nobody's address; that of the link itself, which is preferred to; what is shorter.
            ("192.0.2.2/32", "198.51.100.1", 3, None),
            ("192.0.2.0/24", "198.51.100.1", 3, None),
            ("192.0.0.0/16", "198.51.100.1", 3, None),
            ("0.0.0.0/0", "198.51.100.1", 3, None),
            (
                "2001:db8:3::1/128",
                "2001:db8:2::1",
                2,
                Some("2001:db8:3::1"),
            ),
            ("2001:db8:3::/65", "fe80::1", 2, Some("2001:db8:3::1")),
            ("2001:db8:3::1/128", "fe80::1", 3, None),
            ("2001:db8:3:8000::/65", "fe80::1", 2, None),
            // On no link of ours: behind hops.
            ("203.0.113.1/32", "198.51.100.1", 3, None),
        ] {
            let legs = [Leg::new(Some(ip(gateway)), link)];
            assert_eq!(
                neighbours.led_astray(net(prefix), &legs),
                astray.map(ip),
                "{prefix} over {gateway} on {link}"
            );
        }
        // One way out of two leads elsewhere.
        let legs = [("192.0.2.1", 2), ("198.51.100.1", 3)];
        let legs = legs.map(|(gateway, link)| Leg::new(Some(ip(gateway)), link));
        let astray = neighbours.led_astray(net("192.0.2.1/32"), &legs);
        assert_eq!(astray, Some(ip("192.0.2.1")));
    }

    #[test]
    fn who_comes_goes_or_moves_is_told_with_every_prefix_that_is_longer_than_its_link() {
        let mut neighbours = neighbours(&["198.51.100.1"]);
        assert!(!neighbours.is_stale());
        assert_eq!(neighbours.place(direct), []);
        neighbours.changed_within(net("198.51.100.2/31"));
        assert!(!neighbours.is_stale());
        neighbours.changed_within(net("198.51.0.0/16"));
        assert!(neighbours.is_stale());
        // The link's network is a larger one now.
        let moved = |_| Some((3, net("198.51.100.0/29")));
        assert_eq!(
            neighbours.place(moved),
            ["198.51.100.0/30", "198.51.100.0/31", "198.51.100.1/32"].map(net)
        );
        neighbours.set(BTreeSet::new());
        assert_eq!(neighbours.place(moved).len(), 3);
        assert_eq!(neighbours.place(moved), []);
    }
}
