//! Next hops: how an address is reached, over what the kernel has from others and our own best
//! routes, of the routers that install into the main table or nowhere.
//!
//! RFC 4271 §9.1.2.1: "the immediate next hop ... is determined by performing a recursive route lookup
//! operation". Longest match decides; of equal prefixes the lower metric, as in the kernel. A route is
//! never used to reach its own next hop (§9.1.2: "if the NEXT_HOP attribute ... becomes unresolvable
//! if the route itself is installed"): it is passed over for the next shorter match. The cost of a
//! next hop is the metric of the route that resolves it in the end, 0 if that is connected
//! (§9.1.2.2 e).
//!
//! Pure. Who asks, and what is done when an answer changes, is in [`super::resolver`].

use std::cell::Cell;
use std::net::IpAddr;

use ipnet::IpNet;

use super::model::{Leg, Legs, RouteKind, normalise};
use super::source::{HopKey, HopState, OwnRoute, is_link_local};
use super::table::KernelTable;

/// How deep a next hop may resolve over next hops.
const MAX_DEPTH: usize = 8;
/// As many legs as an ECMP route may have.
pub(super) const MAX_LEGS: usize = 64;

/// How a next hop is reached, in full.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// The ways out, normalised; empty if it is not reached.
    pub legs: Legs,
    /// The IGP cost.
    pub metric: u32,
    /// The route that matched first; none for a link-local address.
    pub via: Option<IpNet>,
    /// Own routes were looked at on the way: it depends on other next hops.
    pub recursive: bool,
}

impl Reach {
    /// What the decision process wants to know.
    pub fn state(&self) -> HopState {
        HopState {
            reachable: !self.legs.is_empty(),
            metric: self.metric,
        }
    }
}

/// Resolves one next hop.
///
/// `own` gives the longest own best route of at most so many bits, over all routers, and the metric
/// that it has in the kernel.
pub(super) fn resolve(
    key: HopKey,
    kernel: &KernelTable,
    own: &dyn Fn(IpAddr, u8) -> Option<(u32, OwnRoute)>,
) -> Reach {
    let recursive = Cell::new(false);
    let own = |address: IpAddr, longest: u8| {
        let found = own(address, longest);
        recursive.set(recursive.get() || found.is_some());
        found
    };
    let mut path = Vec::new();
    let mut reach = follow(key, kernel, &own, &mut path);
    reach.recursive = recursive.get();
    normalise(&mut reach.legs);
    reach.legs.truncate(MAX_LEGS);
    reach
}

fn follow(
    key: HopKey,
    kernel: &KernelTable,
    own: &dyn Fn(IpAddr, u8) -> Option<(u32, OwnRoute)>,
    path: &mut Vec<HopKey>,
) -> Reach {
    let facts = kernel.facts();
    let usable = |ifindex| facts.link(ifindex).is_some_and(|l| l.usable());
    // An IPv6 address that stands for an IPv4 one is no gateway to the kernel, whatever route would match it.
    let stands_for_ipv4 = matches!(key.address, IpAddr::V6(a) if a.to_ipv4_mapped().is_some());
    if key.address.is_unspecified()
        || key.address.is_multicast()
        || stands_for_ipv4
        || facts.is_own(key.address)
    {
        return Reach::default();
    }
    if is_link_local(key.address)
        && let Some(ifindex) = key.link
    {
        let mut legs = Legs::new();
        if usable(ifindex) {
            legs.push(Leg::new(Some(key.address), ifindex));
        }
        return Reach {
            legs,
            ..Reach::default()
        };
    }
    if matches!(key.address, IpAddr::V6(a) if a.is_unicast_link_local()) || path.len() >= MAX_DEPTH
    {
        return Reach::default();
    }
    path.push(key);
    let reach = longest(key.address, kernel, own, path, &usable);
    path.pop();
    reach
}

fn longest(
    address: IpAddr,
    kernel: &KernelTable,
    own: &dyn Fn(IpAddr, u8) -> Option<(u32, OwnRoute)>,
    path: &mut Vec<HopKey>,
    usable: &dyn Fn(u32) -> bool,
) -> Reach {
    let mut own_longest = if address.is_ipv4() { 32 } else { 128 };
    let theirs = kernel.lookup(address, own_longest);
    let floor = theirs.as_ref().map(|t| (t.prefix.prefix_len(), t.metric));
    // Our own routes that are more specific, or as specific and preferred by the kernel.
    while let Some((ours, route)) = own(address, own_longest) {
        let length = route.prefix.prefix_len();
        let better = floor.is_none_or(|(l, m)| length > l || length == l && ours < m);
        if !better {
            break;
        }
        if !route.hops.iter().any(|h| path.contains(h)) {
            let mut reach = Reach {
                via: Some(route.prefix),
                ..Reach::default()
            };
            let mut metric = None::<u32>;
            for hop in &route.hops {
                let next = follow(*hop, kernel, own, path);
                if !next.legs.is_empty() {
                    metric = Some(metric.map_or(next.metric, |m| m.min(next.metric)));
                    reach.legs.extend(next.legs);
                }
            }
            reach.metric = metric.unwrap_or_default();
            // A route without a way out is not installed: what is shorter carries the packets.
            if !reach.legs.is_empty() {
                return reach;
            }
        }
        if length == 0 {
            break;
        }
        own_longest = length - 1;
    }
    let Some(theirs) = theirs else {
        return Reach::default();
    };
    let mut reach = Reach {
        via: Some(theirs.prefix),
        ..Reach::default()
    };
    if theirs.kind != RouteKind::Unicast || theirs.encapsulated {
        return reach;
    }
    let connected = theirs.legs.iter().all(|l| l.gateway.is_none());
    for leg in theirs.legs.iter().filter(|l| usable(l.ifindex)) {
        let gateway = leg.gateway.unwrap_or(address);
        reach.legs.push(Leg {
            gateway: Some(gateway),
            onlink: leg.onlink || must_say_onlink(gateway),
            ..*leg
        });
    }
    reach.metric = if connected { 0 } else { theirs.metric };
    reach
}

/// Whether the kernel has to be told that a gateway is on its link.
///
/// It takes an IPv6 gateway without that word only if its own longest match towards it is a connected
/// route (`ip6_route_check_nh`), and the longest match may be ours: a neighbour that announces its own
/// address, or a part of the network it is in, would have every route over it refused. What the word
/// waives was looked up here already. An IPv4 gateway is looked up among the routes of link scope alone,
/// and a link-local address is always on its link.
fn must_say_onlink(gateway: IpAddr) -> bool {
    matches!(gateway, IpAddr::V6(a) if !a.is_unicast_link_local())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kernel::model::{KernelRoute, LOCAL_TABLE, Link, MAIN_TABLE, Ownership};

    pub(in crate::kernel) fn key(text: &str) -> HopKey {
        match text.split_once('%') {
            Some((a, l)) => HopKey {
                address: a.parse().unwrap(),
                link: Some(l.parse().unwrap()),
            },
            None => HopKey {
                address: text.parse().unwrap(),
                link: None,
            },
        }
    }

    pub(in crate::kernel) fn route(
        prefix: &str,
        gateway: Option<&str>,
        ifindex: u32,
        metric: u32,
    ) -> KernelRoute {
        KernelRoute {
            prefix: prefix.parse().unwrap(),
            owner: Ownership {
                protocol: 4,
                metric,
                table: MAIN_TABLE,
            },
            kind: RouteKind::Unicast,
            tos: 0,
            legs: [Leg::new(gateway.map(|g| g.parse().unwrap()), ifindex)]
                .into_iter()
                .collect(),
            encapsulated: false,
            nexthop_id: 0,
        }
    }

    /// Links 2 (up) and 3 (down), 192.0.2.1/24 on link 2, and a few routes.
    pub(in crate::kernel) fn kernel() -> KernelTable {
        let mut t = KernelTable::default();
        for (ifindex, carrier) in [(2, true), (3, false)] {
            t.set_link(Link {
                ifindex,
                name: "v".into(),
                admin_up: true,
                carrier,
            });
        }
        t.add_address(2, "192.0.2.1/24".parse().unwrap());
        t.add_route(&route("192.0.2.0/24", None, 2, 0), false);
        t.add_route(&route("198.51.100.0/24", None, 3, 0), false);
        t.add_route(&route("2001:db8::/64", None, 2, 256), false);
        t.add_route(&route("10.0.0.0/8", Some("192.0.2.9"), 2, 50), false);
        t.add_route(&route("::ffff:0:0/96", Some("fe80::9"), 2, 0), false);
        let mut hole = route("10.6.0.0/16", None, 2, 0);
        hole.kind = RouteKind::Other(6);
        hole.legs.clear();
        t.add_route(&hole, false);
        let mut wrapped = route("10.7.0.0/16", Some("192.0.2.9"), 2, 0);
        wrapped.encapsulated = true;
        t.add_route(&wrapped, false);
        let mut own = route("192.0.2.1/32", None, 2, 0);
        own.owner.table = LOCAL_TABLE;
        own.kind = RouteKind::Local;
        t.add_route(&own, false);
        t
    }

    /// Our own routes, as prefix and next hops.
    const OWN: &[(&str, &[&str])] = &[
        ("172.16.1.0/24", &["192.0.2.7"]),
        ("172.16.2.0/24", &["172.16.1.1"]),
        ("172.16.3.0/24", &["172.16.3.9"]),
        ("172.16.4.0/24", &["172.16.5.1"]),
        ("172.16.5.0/24", &["172.16.4.1"]),
        ("172.16.6.0/24", &["192.0.2.7", "fe80::1%2", "fe80::1%3"]),
        ("10.8.0.0/16", &["192.0.2.7"]),
        // As long as the connected network, which the kernel prefers by its metric.
        ("192.0.2.0/24", &["fe80::1%2"]),
        ("10.9.0.0/16", &["10.9.0.1"]),
        ("2001:db8::2/128", &["2001:db8::2"]),
        ("2001:db8::2/127", &["2001:db8::2"]),
    ];

    fn own(address: IpAddr, longest: u8) -> Option<(u32, OwnRoute)> {
        OWN.iter()
            .map(|(p, hops)| OwnRoute {
                prefix: p.parse().unwrap(),
                hops: hops.iter().map(|h| key(h)).collect(),
            })
            .filter(|r| r.prefix.prefix_len() <= longest && r.prefix.contains(&address))
            .max_by_key(|r| r.prefix.prefix_len())
            .map(|r| (300, r))
    }

    #[test]
    fn each_next_hop_leads_where_the_longest_match_says() {
        type Case<'a> = (&'a str, &'a str, &'a [(&'a str, u32)], u32);
        let table: &[Case<'_>] = &[
            ("connected", "192.0.2.5", &[("192.0.2.5", 2)], 0),
            (
                "over a gateway, at its metric",
                "10.1.1.1",
                &[("192.0.2.9", 2)],
                50,
            ),
            ("our own address", "192.0.2.1", &[], 0),
            ("in place of an IPv4 one", "::ffff:192.0.2.5", &[], 0),
            ("nowhere", "203.0.113.1", &[], 0),
            ("a link without carrier", "198.51.100.1", &[], 0),
            ("a black hole", "10.6.0.1", &[], 0),
            ("a tunnel", "10.7.0.1", &[], 0),
            ("connected, IPv6", "2001:db8::5", &[("2001:db8::5", 2)], 0),
            (
                "connected, though our own host route is longer",
                "2001:db8::2",
                &[("2001:db8::2", 2)],
                0,
            ),
            (
                "over our own part of a connected network",
                "2001:db8::3",
                &[("2001:db8::2", 2)],
                0,
            ),
            ("link-local", "fe80::5%2", &[("fe80::5", 2)], 0),
            ("link-local on a link that is down", "fe80::5%3", &[], 0),
            ("link-local without a link", "fe80::5", &[], 0),
            ("over our own route", "172.16.1.1", &[("192.0.2.7", 2)], 0),
            ("over two of our own", "172.16.2.1", &[("192.0.2.7", 2)], 0),
            ("only through itself", "172.16.3.9", &[], 0),
            ("through itself in a circle", "172.16.4.1", &[], 0),
            (
                "all legs that work",
                "172.16.6.1",
                &[("192.0.2.7", 2), ("fe80::1", 2)],
                0,
            ),
            ("our own is longer", "10.8.0.1", &[("192.0.2.7", 2)], 0),
            (
                "not through itself but the next shorter",
                "10.9.0.1",
                &[("192.0.2.9", 2)],
                50,
            ),
            ("unspecified", "0.0.0.0", &[], 0),
            ("multicast", "224.0.0.5", &[], 0),
        ];
        let kernel = kernel();
        for (name, hop, legs, metric) in table {
            let reach = resolve(key(hop), &kernel, &own);
            let wanted: Legs = legs
                .iter()
                .map(|(g, i)| Leg {
                    onlink: g.starts_with("2001:"),
                    ..Leg::new(Some(g.parse().unwrap()), *i)
                })
                .collect();
            assert_eq!(reach.legs, wanted, "{name}");
            if !legs.is_empty() {
                assert_eq!(reach.metric, *metric, "{name}");
            }
        }
    }

    #[test]
    fn a_chain_that_is_too_long_is_not_followed() {
        let chain = |address: IpAddr, longest: u8| {
            let IpAddr::V4(a) = address else { return None };
            let n = a.octets()[1];
            let next = format!("100.{}.0.1", n + 1);
            let prefix: IpNet = format!("100.{n}.0.0/16").parse().unwrap();
            let hops = [if n == 20 {
                key("192.0.2.7")
            } else {
                key(&next)
            }];
            (longest >= 16)
                .then(|| {
                    (
                        300,
                        OwnRoute {
                            prefix,
                            hops: hops.into_iter().collect(),
                        },
                    )
                })
                .filter(|_| a.octets()[0] == 100)
        };
        let kernel = kernel();
        assert!(
            resolve(key("100.14.0.1"), &kernel, &chain)
                .state()
                .reachable
        );
        assert!(!resolve(key("100.1.0.1"), &kernel, &chain).state().reachable);
    }
}
