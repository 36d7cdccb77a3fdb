//! What people and other parts of a router ask of the table.

mod support;

use bgp_wire::*;
use ipnet::IpNet;
use rib::*;
use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use support::*;

fn prefix(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn announce(world: &mut World, peer: usize, net: &str, hop: u8) {
    let net = prefix(net);
    let attrs = set(family_of(net), world.peers[peer].asn, hop, |_| {});
    world.announce(peer, &[net], 0, attrs.as_ref());
    world.flush(peer);
}

fn two_peers() -> World {
    let mut world = World::new(4, 2);
    world.add(SourceKind::Ebgp, Asn(64500));
    world.add(SourceKind::Ebgp, Asn(64501));
    world
}

#[test]
fn the_longest_match_is_found() {
    let mut world = two_peers();
    for (net, hop) in [
        ("0.0.0.0/0", 2),
        ("10.0.0.0/8", 4),
        ("10.1.0.0/16", 6),
        ("10.1.2.0/24", 8),
        ("10.0.0.6/32", 6),
        ("2001:db8::/32", 2),
        ("::/0", 4),
    ] {
        announce(&mut world, 0, net, hop);
    }
    let found = |address: &str| {
        let found = world.rib.lookup(address.parse().unwrap(), 128);
        found.map(|found| (found.prefix.to_string(), found.metric))
    };
    for (address, prefix, hop) in [
        ("10.1.2.3", "10.1.2.0/24", 8),
        ("10.1.3.3", "10.1.0.0/16", 6),
        ("10.2.0.0", "10.0.0.0/8", 4),
        ("192.0.2.1", "0.0.0.0/0", 2),
        ("2001:db8::1", "2001:db8::/32", 2),
        ("2001:db9::1", "::/0", 4),
        // Also where it goes through itself: whoever resolves next hops sees to that.
        ("10.0.0.6", "10.0.0.6/32", 6),
        ("10.0.0.4", "10.0.0.0/8", 4),
    ] {
        assert_eq!(
            found(address),
            Some((prefix.to_owned(), metric_of(hop))),
            "{address}"
        );
    }
    world.withdraw(0, &[prefix("::/0")], 0);
    world.flush(0);
    assert_eq!(world.rib.lookup("2001:db9::1".parse().unwrap(), 128), None);
}

#[test]
fn a_match_has_all_ways_that_share_the_traffic_but_those_that_are_the_address_itself() {
    let mut world = two_peers();
    let net = prefix("10.1.0.0/16");
    // As far away as each other: see `metric_of`.
    for (peer, hop) in [(0, "192.0.2.2"), (1, "10.1.0.2")] {
        let asn = world.peers[peer].asn;
        let attrs = set(Family::IPV4_UNICAST, asn, 2, |editor| {
            editor.set_next_hop(Some(NextHop::V4(hop.parse().unwrap())));
        });
        world.announce(peer, &[net], 0, attrs.as_ref());
        world.flush(peer);
    }
    let found = |world: &World, address: &str| {
        let found = world.rib.lookup(address.parse().unwrap(), 32);
        let mut hops: Vec<String> = found
            .iter()
            .flat_map(|found| found.next_hops.iter().map(NextHopKey::to_string))
            .collect();
        hops.sort();
        hops
    };
    assert_eq!(found(&world, "10.1.2.3"), ["10.1.0.2", "192.0.2.2"]);
    assert_eq!(found(&world, "10.1.0.2"), ["192.0.2.2"]);
    world.withdraw(0, &[net], 0);
    world.flush(0);
    // If there is no other one, whoever resolves it has to know.
    assert_eq!(found(&world, "10.1.0.2"), ["10.1.0.2"]);
}

#[test]
fn a_next_hop_that_is_cut_off_takes_its_paths_out_of_the_race_until_it_is_back() {
    let mut world = two_peers();
    world.rib.open_fib_reader(std::sync::Arc::new(()), None);
    announce(&mut world, 0, "10.0.0.0/8", 1);
    announce(&mut world, 1, "10.0.0.0/8", 8);
    let best = |world: &World| world.rows().iter().find(|row| row.best).map(|row| row.peer);
    let (left, right) = (world.peers[0].idx, world.peers[1].idx);
    assert_eq!(best(&world), Some(left), "the lower metric wins");
    let all: Vec<_> = world
        .rib
        .next_hops()
        .into_iter()
        .map(|(key, _)| key)
        .collect();
    for (cut, wins) in [(true, right), (false, left)] {
        world.cut.0.store(cut, Ordering::Relaxed);
        let mut walk = world.rib.next_hop_changed(&all);
        while !walk.step(&world.rib, 1) {}
        assert_eq!(best(&world), Some(wins));
        world.drain_fib(10);
        assert_eq!(world.fib[&prefix("10.0.0.0/8")][0].1, wins);
        let lost = world
            .rows()
            .into_iter()
            .find(|row| row.peer == left)
            .unwrap();
        assert_eq!(
            lost.ineligible,
            cut.then_some(Ineligible::NextHopUnreachable)
        );
    }
}

#[test]
fn few_rows_come_sorted_and_many_come_in_pages_that_hold_each_once() {
    let mut world = two_peers();
    let nets: Vec<IpNet> = (0..12_000).map(net).collect();
    for nets in nets.chunks(500) {
        for family in FAMILIES {
            let some: Vec<_> = nets
                .iter()
                .copied()
                .filter(|net| family_of(*net) == family)
                .collect();
            let attrs = set(family, Asn(64500), 2, |_| {});
            world.announce(0, &some, 0, attrs.as_ref());
        }
    }
    world.flush(0);
    let one = RowQuery {
        family: Some(FAMILIES[0]),
        ..RowQuery::default()
    };
    let page = world.rib.rows(&one, None, 10);
    assert!(page.sorted && page.next.is_none());
    assert_eq!(page.rows.len(), 6000);
    assert!(page.rows.is_sorted_by_key(|row| row.route.net().unwrap()));

    let mut seen = BTreeSet::new();
    let mut cursor = None;
    loop {
        let page = world.rib.rows(&RowQuery::default(), cursor, 700);
        assert!(!page.sorted && page.rows.len() <= 700);
        for row in page.rows {
            assert!(seen.insert(row.route.net().unwrap()));
        }
        cursor = page.next;
        if cursor.is_none() {
            break;
        }
    }
    assert!(
        seen.into_iter()
            .eq(nets.iter().copied().collect::<BTreeSet<_>>())
    );
    let other = RowQuery {
        peer: Some(world.peers[1].idx),
        ..one
    };
    assert!(world.rib.rows(&other, None, 10).rows.is_empty());
}

#[test]
fn a_prefix_is_asked_for_alone_or_with_what_is_inside() {
    let mut world = two_peers();
    for net in ["10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24", "11.0.0.0/8"] {
        announce(&mut world, 0, net, 2);
        announce(&mut world, 1, net, 4);
    }
    let ask = |longer, best| {
        let query = RowQuery {
            prefix: Some(prefix("10.0.0.0/8")),
            longer,
            best,
            ..RowQuery::default()
        };
        let page = world.rib.rows(&query, None, 100);
        assert!(page.sorted);
        page.rows
            .iter()
            .map(|row| row.route.net().unwrap().to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(ask(false, false), ["10.0.0.0/8", "10.0.0.0/8"]);
    assert_eq!(
        ask(true, true),
        ["10.0.0.0/8", "10.1.0.0/16", "10.1.1.0/24"]
    );
}

#[test]
fn a_prefix_is_explained_with_its_paths_its_reasons_and_who_was_told() {
    let mut world = two_peers();
    let third = world.add(SourceKind::Ebgp, Asn(64502));
    for peer in 0..3 {
        world.join(peer, 0);
    }
    announce(&mut world, 0, "10.0.0.0/8", 2);
    announce(&mut world, 1, "10.0.0.0/8", 4);
    let looped = set(FAMILIES[0], Asn(64502), 2, |editor| {
        editor.set_as_path(&[Asn(64502), LOCAL_AS])
    });
    world.announce(third, &[prefix("10.0.0.0/8")], 0, looped.as_ref());
    world.flush(third);

    let explained = world.rib.explain(prefix("10.0.0.0/8")).unwrap();
    assert!(
        explained
            .told
            .iter()
            .all(|group| group.pending && group.routes.is_empty())
    );
    world.settle();
    let explained = world.rib.explain(prefix("10.0.0.0/8")).unwrap();
    let lines: Vec<_> = explained
        .paths
        .iter()
        .map(|path| {
            (
                &*path.row.peer_name,
                path.row.best,
                path.row.ineligible,
                path.reason.is_used(),
            )
        })
        .collect();
    assert_eq!(lines.len(), 3);
    assert_eq!(lines[0], ("peer-1", true, None, true));
    assert!(lines.contains(&("peer-2", false, None, false)));
    assert!(lines.contains(&("peer-3", false, Some(Ineligible::AsLoop), false)));
    let [group] = &explained.told[..] else {
        panic!("one group: {:?}", explained.told)
    };
    assert_eq!(group.members.len(), 3);
    assert!(!group.pending);
    let [route] = &group.routes[..] else {
        panic!("one route")
    };
    assert_eq!(route.source, world.peers[0].idx);
    assert_eq!(
        route
            .outcome
            .as_ref()
            .unwrap()
            .as_ref()
            .as_path()
            .to_string(),
        "65000 64500"
    );
    assert!(world.rib.explain(prefix("192.0.2.0/24")).is_none());
    assert_eq!(world.rib.export_groups().len(), 1);
}

#[test]
fn a_route_of_our_own_is_told_and_is_no_business_of_the_kernel() {
    let mut world = two_peers();
    world.join(0, 0);
    world.rib.open_fib_reader(std::sync::Arc::new(()), None);
    announce(&mut world, 1, "10.0.0.0/8", 2);
    world.settle();
    assert_eq!(world.fib.len(), 1);
    let own = set(FAMILIES[0], LOCAL_AS, 0, |editor| {
        editor.set_as_path(&[]);
        editor.set_next_hop(None);
    });
    world.rib.originate(prefix("10.0.0.0/8"), own.as_ref(), 7);
    world.settle();
    world.check_told(0);
    assert!(world.fib.is_empty(), "what we originate goes nowhere");
    let told = world.peers[0].told.as_ref().unwrap();
    assert_eq!(
        told.routes
            .values()
            .next()
            .unwrap()
            .as_ref()
            .as_path()
            .to_string(),
        "65000"
    );
    assert!(world.rib.withdraw_local(prefix("10.0.0.0/8"), 7));
    assert!(!world.rib.withdraw_local(prefix("10.0.0.0/8"), 7));
    world.settle();
    assert_eq!(world.fib.len(), 1);
    world.check_told(0);
}

#[test]
fn a_sweep_is_wanted_when_many_paths_let_go_of_their_sets_and_not_while_a_table_fills() {
    let mut world = two_peers();
    let all: Vec<u32> = (0..10_000).collect();
    for some in all.chunks(2) {
        for &n in some {
            let attrs = set(family_of(net(n)), Asn(64500), 2, |editor| {
                editor.set_med(Some(some[0]))
            });
            world.announce(0, &[net(n)], 0, attrs.as_ref());
        }
    }
    world.flush(0);
    let sets = world.rib.counts().sets;
    assert_eq!(sets, 10_000, "of either family, for each two prefixes");
    assert!(!world.rib.wants_sweep());
    assert_eq!(world.peer_down(0), 10_000);
    assert!(world.rib.wants_sweep());
    world.rib.sweep();
    assert!(!world.rib.wants_sweep());
    assert_eq!(world.rib.counts().sets, 0);
}
