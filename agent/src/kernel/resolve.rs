//! Next hops: how an address is reached, over what the kernel has from others and our own best
//! routes, of the routers that install into the main table or nowhere.
//!
//! RFC 4271 §9.1.2.1: "the immediate next hop ... is determined by performing a recursive route lookup
//! operation". Longest match decides; of equal prefixes the lower metric, as in the kernel. A route is
//! never used to reach its own next hop (§9.1.2: "if the NEXT_HOP attribute ... becomes unresolvable
//! if the route itself is installed"): it is passed over for the next shorter match. The cost of a
//! next hop is the metric of the route that resolves it in the end, 0 if that is connected
//! (§9.1.2.2 e). A next hop that has to be on one link (§6.3) is looked for among what is connected there.
//!
//! Pure. Who asks, and what is done when an answer changes, is in [`super::resolver`].

use std::cell::Cell;
use std::net::IpAddr;

use ipnet::IpNet;

use super::model::{Leg, Link, RouteKind, normalise};
use super::reach::Reach;
use super::source::{HopKey, OwnRoute, is_link_local};
use super::table::KernelTable;
use super::unreached::Unreached;

/// How deep a next hop may resolve over next hops.
const MAX_DEPTH: usize = 8;
/// As many legs as an ECMP route may have.
pub(super) const MAX_LEGS: usize = 64;

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
    if key.address.is_unspecified() || key.address.is_multicast() {
        return Reach::none(Unreached::NobodysAddress);
    }
    // An IPv6 address that stands for an IPv4 one is no gateway to the kernel, whatever route would match it.
    if matches!(key.address, IpAddr::V6(a) if a.to_ipv4_mapped().is_some()) {
        return Reach::none(Unreached::StandsForIpv4);
    }
    // On another link somebody else may have a link-local address of ours (RFC 4007 §5).
    let ours = match key.link {
        Some(link) if is_link_local(key.address) => {
            let mut on_link = facts.addresses(link).iter();
            on_link.any(|net| net.addr() == key.address)
        }
        _ => facts.is_own(key.address),
    };
    if ours {
        return Reach::none(Unreached::OwnAddress);
    }
    if let Some(ifindex) = key.link {
        return on_link(key.address, ifindex, kernel);
    }
    if matches!(key.address, IpAddr::V6(a) if a.is_unicast_link_local()) {
        return Reach::none(Unreached::NoLink);
    }
    if path.len() >= MAX_DEPTH {
        return Reach::none(Unreached::TooDeep);
    }
    path.push(key);
    let reach = longest(key.address, kernel, own, path);
    path.pop();
    reach
}

/// A next hop that is on this link or nowhere.
fn on_link(address: IpAddr, ifindex: u32, kernel: &KernelTable) -> Reach {
    // Its addresses go with it: what was on it is not to be told from what never was.
    if !kernel.facts().link(ifindex).is_some_and(Link::usable) {
        return Reach::none(Unreached::LinkDown(ifindex));
    }
    let via = match is_link_local(address) {
        true => None,
        false => match connected(address, ifindex, kernel) {
            Some(network) => Some(network),
            None => return Reach::none(Unreached::OffLink(ifindex)),
        },
    };
    let leg = Leg {
        onlink: must_say_onlink(address),
        ..Leg::new(Some(address), ifindex)
    };
    Reach {
        legs: [leg].into_iter().collect(),
        via,
        ..Reach::default()
    }
}

/// The network on this link that has the address: of an address of ours there, or of a route without a gateway.
///
/// Of links that have one network in common, only one has the route that the kernel looks up.
fn connected(address: IpAddr, ifindex: u32, kernel: &KernelTable) -> Option<IpNet> {
    let ours = kernel.facts().addresses(ifindex).iter();
    if let Some(network) = ours
        .filter(|net| net.contains(&address))
        .max_by_key(|net| net.prefix_len())
    {
        return Some(network.trunc());
    }
    let mut longest = full_length(address);
    loop {
        let found = kernel.lookup(address, longest)?;
        let direct = found.kind == RouteKind::Unicast && !found.encapsulated;
        let mut legs = found.legs.iter();
        if direct && legs.any(|leg| leg.gateway.is_none() && leg.ifindex == ifindex) {
            return Some(found.prefix);
        }
        longest = found.prefix.prefix_len().checked_sub(1)?;
    }
}

fn full_length(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn longest(
    address: IpAddr,
    kernel: &KernelTable,
    own: &dyn Fn(IpAddr, u8) -> Option<(u32, OwnRoute)>,
    path: &mut Vec<HopKey>,
) -> Reach {
    let mut own_longest = full_length(address);
    // What was wrong with the longest of our own.
    let mut why = None;
    let theirs = kernel.lookup(address, own_longest);
    let floor = theirs.as_ref().map(|t| (t.prefix.prefix_len(), t.metric));
    // Our own routes that are more specific, or as specific and preferred by the kernel.
    while let Some((ours, route)) = own(address, own_longest) {
        let length = route.prefix.prefix_len();
        let better = floor.is_none_or(|(l, m)| length > l || length == l && ours < m);
        if !better {
            break;
        }
        let through_itself = route.hops.iter().any(|hop| path.contains(hop));
        if !through_itself {
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
            // A route without a way out is not installed, nor one that leads a neighbour's packets astray: what is shorter carries
            // the packets.
            let astray = kernel.neighbours.led_astray(route.prefix, &reach.legs);
            if !reach.legs.is_empty() && astray.is_none() {
                return reach;
            }
        }
        why = why.or_else(|| {
            Some(match route.hops.first() {
                Some(hop) if !through_itself => Unreached::Behind(route.prefix, hop.address),
                _ => Unreached::ThroughItself(route.prefix),
            })
        });
        if length == 0 {
            break;
        }
        own_longest = length - 1;
    }
    let Some(theirs) = theirs else {
        // A link that is down takes its routes with it, and of its addresses those of IPv4 stay.
        let down = || Some(Unreached::LinkDown(kernel.facts().down_link(address)?));
        return Reach::none(why.or_else(down).unwrap_or(Unreached::NoRoute));
    };
    let prefix = theirs.prefix;
    let mut reach = Reach {
        via: Some(prefix),
        why: match theirs.kind {
            RouteKind::Other(kind) => Some(Unreached::Discarded(prefix, kind)),
            RouteKind::Local => Some(Unreached::Local(prefix)),
            RouteKind::Unicast if theirs.encapsulated => Some(Unreached::Encapsulated(prefix)),
            RouteKind::Unicast => None,
        },
        ..Reach::default()
    };
    if reach.why.is_some() {
        return reach;
    }
    let facts = kernel.facts();
    let usable = |leg: &&Leg| facts.link(leg.ifindex).is_some_and(Link::usable);
    let connected = theirs.legs.iter().all(|l| l.gateway.is_none());
    for leg in theirs.legs.iter().filter(usable) {
        let gateway = leg.gateway.unwrap_or(address);
        reach.legs.push(Leg {
            gateway: Some(gateway),
            onlink: leg.onlink || must_say_onlink(gateway),
            ..*leg
        });
    }
    reach.metric = if connected { 0 } else { theirs.metric };
    if reach.legs.is_empty() {
        reach.why = Some(match theirs.legs.first() {
            Some(leg) => Unreached::LinkDown(leg.ifindex),
            None => Unreached::NoWayOut(prefix),
        });
    }
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
    use crate::kernel::model::{KernelRoute, LOCAL_TABLE, Legs, MAIN_TABLE, Ownership};

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
                ethernet: None,
            });
        }
        t.add_address(2, "192.0.2.1/24".parse::<IpNet>().unwrap().into());
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

    /// RFC 4007 §5: the zone of a link-local address is its link.
    #[test]
    fn a_link_local_address_of_ours_is_somebody_elses_on_another_link() {
        let mut kernel = kernel();
        kernel.add_address(3, "fe80::1/64".parse::<IpNet>().unwrap().into());
        let none = |_: IpAddr, _: u8| None;
        let reach = resolve(key("fe80::1%2"), &kernel, &none);
        let leg = Leg::new(Some("fe80::1".parse().unwrap()), 2);
        assert_eq!(reach.legs.to_vec(), [leg]);
        kernel.add_address(2, "fe80::1/64".parse::<IpNet>().unwrap().into());
        let reach = resolve(key("fe80::1%2"), &kernel, &none);
        assert_eq!(reach.why, Some(Unreached::OwnAddress));
    }

    #[test]
    fn a_next_hop_that_has_to_be_on_a_link_is_there_or_nowhere() {
        let net = |text: &str| -> IpNet { text.parse().unwrap() };
        let mut kernel = kernel();
        kernel.set_link(Link {
            ifindex: 4,
            name: "w".into(),
            admin_up: true,
            carrier: true,
            ethernet: None,
        });
        // The same network as on link 2, whose route the kernel looks up; a route to a host on the link; and one behind a gateway.
        kernel.add_address(4, net("192.0.2.4/24").into());
        kernel.add_address(3, net("198.51.100.3/24").into());
        kernel.add_route(&route("203.0.113.7/32", None, 4, 0), false);
        kernel.add_route(&route("203.0.113.8/32", Some("192.0.2.9"), 4, 0), false);
        for (hop, wanted) in [
            ("192.0.2.5%2", Ok(2)),
            ("192.0.2.5%4", Ok(4)),
            ("2001:db8::5%2", Ok(2)),
            ("2001:db8::5%4", Err(Unreached::OffLink(4))),
            ("203.0.113.7%4", Ok(4)),
            ("203.0.113.7%2", Err(Unreached::OffLink(2))),
            ("203.0.113.8%4", Err(Unreached::OffLink(4))),
            // What it would be reached over otherwise: a gateway, our own routes.
            ("10.1.1.1%2", Err(Unreached::OffLink(2))),
            ("172.16.1.1%2", Err(Unreached::OffLink(2))),
            ("198.51.100.1%2", Err(Unreached::OffLink(2))),
            ("198.51.100.1%3", Err(Unreached::LinkDown(3))),
            // Down, and its addresses gone with it; gone altogether.
            ("2001:db8:3::1%3", Err(Unreached::LinkDown(3))),
            ("198.51.100.1%5", Err(Unreached::LinkDown(5))),
            ("192.0.2.1%2", Err(Unreached::OwnAddress)),
            ("0.0.0.0%2", Err(Unreached::NobodysAddress)),
        ] {
            let reach = resolve(key(hop), &kernel, &own);
            let state = reach.state();
            match wanted {
                Ok(ifindex) => {
                    let gateway = key(hop).address;
                    let legs: Vec<_> = reach.legs.iter().map(|l| (l.gateway, l.ifindex)).collect();
                    assert_eq!(legs, [(Some(gateway), ifindex)], "{hop}");
                    assert_eq!((state.reachable, state.metric), (true, 0), "{hop}");
                }
                Err(why) => {
                    assert_eq!(reach.why, Some(why), "{hop}");
                    let off_link = matches!(why, Unreached::OffLink(_));
                    assert_eq!(
                        (state.reachable, state.off_link),
                        (false, off_link),
                        "{hop}"
                    );
                }
            }
        }
    }

    #[test]
    fn the_walk_says_where_it_gave_up() {
        let net = |text: &str| -> IpNet { text.parse().unwrap() };
        let mut kernel = kernel();
        // The route to its network went with the link.
        kernel.add_address(3, net("172.20.0.1/16").into());
        for (prefix, kind) in [("10.20.0.0/16", 7), ("10.21.0.0/16", 8)] {
            let mut hole = route(prefix, None, 2, 0);
            hole.kind = RouteKind::Other(kind);
            kernel.add_route(&hole, false);
        }
        for (hop, wanted, text) in [
            ("203.0.113.1", Unreached::NoRoute, "no route covers it"),
            ("198.51.100.1", Unreached::LinkDown(3), "link v is down"),
            ("172.20.0.9", Unreached::LinkDown(3), "link v is down"),
            (
                "192.0.2.1",
                Unreached::OwnAddress,
                "it is an address of this node",
            ),
            (
                "10.6.0.1",
                Unreached::Discarded(net("10.6.0.0/16"), 6),
                "10.6.0.0/16 covers it, a route of type blackhole",
            ),
            (
                "10.20.0.1",
                Unreached::Discarded(net("10.20.0.0/16"), 7),
                "10.20.0.0/16 covers it, a route of type unreachable",
            ),
            (
                "10.21.0.1",
                Unreached::Discarded(net("10.21.0.0/16"), 8),
                "10.21.0.0/16 covers it, a route of type prohibit",
            ),
            (
                "10.7.0.1",
                Unreached::Encapsulated(net("10.7.0.0/16")),
                "10.7.0.0/16 covers it, a route into a tunnel",
            ),
            (
                "172.16.3.9",
                Unreached::ThroughItself(net("172.16.3.0/24")),
                "only 172.16.3.0/24 covers it, a route that leads to it itself",
            ),
            (
                "172.16.4.1",
                Unreached::Behind(net("172.16.4.0/24"), "172.16.5.1".parse().unwrap()),
                "172.16.4.0/24 covers it, whose own next hop 172.16.5.1 is not reached",
            ),
            (
                "fe80::5",
                Unreached::NoLink,
                "it is link-local, and the session is on no link of ours",
            ),
            (
                "10.1.1.1%2",
                Unreached::OffLink(2),
                "it is not on link v, which we share with the neighbour",
            ),
        ] {
            let reach = resolve(key(hop), &kernel, &own);
            assert_eq!(reach.why, Some(wanted), "{hop}");
            assert_eq!(wanted.text(kernel.facts()), text, "{hop}");
        }
        assert_eq!(resolve(key("192.0.2.5"), &kernel, &own).why, None);
        assert_eq!(resolve(key("10.9.0.1"), &kernel, &own).why, None);
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
