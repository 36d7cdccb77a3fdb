//! Laws that hold after any history.

mod support;

use bgp_wire::*;
use ipnet::IpNet;
use proptest::prelude::*;
use rib::*;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use support::*;

const PREFIXES: u32 = 10;

#[derive(Clone, Debug)]
enum Step {
    Announce {
        peer: usize,
        net: u32,
        path_id: u32,
        set: u8,
    },
    Withdraw {
        peer: usize,
        net: u32,
        path_id: u32,
    },
    Flush {
        peer: usize,
    },
    Down {
        peer: usize,
    },
    Stale {
        peer: usize,
        again: u8,
    },
    Drain {
        budget: usize,
    },
    Receive {
        peer: usize,
    },
    Fib {
        n: usize,
    },
    Join {
        peer: usize,
    },
    Leave {
        peer: usize,
    },
    Refresh {
        peer: usize,
        v6: bool,
        demarcated: bool,
    },
    Select {
        always: bool,
        ids: bool,
        max_paths: u8,
    },
    Reidentify {
        peer: usize,
        client: bool,
        id: u32,
    },
    Cut {
        cut: bool,
    },
    Originate {
        net: u32,
        originator: u32,
    },
    WithdrawLocal {
        net: u32,
        originator: u32,
    },
    Sweep,
}

const PEERS: usize = 7;
/// Peers that send path ids.
const ADD_PATH_SENDERS: [usize; 2] = [1, 3];

fn path_id(peer: usize, id: u32) -> u32 {
    if ADD_PATH_SENDERS.contains(&peer) {
        1 + id
    } else {
        0
    }
}

fn steps(max: usize) -> impl Strategy<Value = Vec<Step>> {
    let peer = 0..PEERS;
    let net = 0..PREFIXES;
    let step = prop_oneof![
        12 => (peer.clone(), net.clone(), 0..3u32, 0..32u8)
            .prop_map(|(peer, net, id, set)| Step::Announce { peer, net, path_id: path_id(peer, id), set }),
        5 => (peer.clone(), net.clone(), 0..3u32)
            .prop_map(|(peer, net, id)| Step::Withdraw { peer, net, path_id: path_id(peer, id) }),
        6 => peer.clone().prop_map(|peer| Step::Flush { peer }),
        1 => peer.clone().prop_map(|peer| Step::Down { peer }),
        1 => (peer.clone(), any::<u8>()).prop_map(|(peer, again)| Step::Stale { peer, again }),
        4 => (1..6usize).prop_map(|budget| Step::Drain { budget }),
        3 => peer.clone().prop_map(|peer| Step::Receive { peer }),
        2 => (1..6usize).prop_map(|n| Step::Fib { n }),
        3 => peer.clone().prop_map(|peer| Step::Join { peer }),
        1 => peer.clone().prop_map(|peer| Step::Leave { peer }),
        1 => (peer.clone(), any::<bool>(), 0..3u32)
            .prop_map(|(peer, client, id)| Step::Reidentify { peer, client, id }),
        2 => (peer, any::<bool>(), any::<bool>())
            .prop_map(|(peer, v6, demarcated)| Step::Refresh { peer, v6, demarcated }),
        1 => any::<bool>().prop_map(|cut| Step::Cut { cut }),
        1 => (any::<bool>(), any::<bool>(), 1..5u8)
            .prop_map(|(always, ids, max_paths)| Step::Select { always, ids, max_paths }),
        1 => (net.clone(), 0..2u32).prop_map(|(net, originator)| Step::Originate { net, originator }),
        1 => (net, 0..2u32).prop_map(|(net, originator)| Step::WithdrawLocal { net, originator }),
        1 => Just(Step::Sweep),
    ];
    prop::collection::vec(step, 0..max)
}

/// Neighbours in one AS, reflection, and several paths from one peer: MEDs are compared.
fn world(shards: usize) -> World {
    let mut world = World::new(shards, 4);
    world.add(SourceKind::Ebgp, Asn(64501));
    world.add(SourceKind::Ebgp, Asn(64501));
    world.add(SourceKind::Ebgp, Asn(64502));
    world.add(SourceKind::Ibgp, LOCAL_AS);
    world.add(SourceKind::IbgpClient, LOCAL_AS);
    world.add(SourceKind::IbgpClient, LOCAL_AS);
    world.add(SourceKind::Ebgp, Asn(64503));
    // Our provider, one that exchanges customers with us (RFC 9234), a client about to go (RFC 8326), and one that knows us by
    // another AS (RFC 7705).
    for (peer, rules) in [
        (0, role(Role::CUSTOMER)),
        (2, role(Role::PEER)),
        (
            5,
            ImportRules {
                graceful_shutdown: true,
                ..ImportRules::default()
            },
        ),
        (
            6,
            ImportRules {
                local_as: Some(LocalAs {
                    asn: Asn(64999),
                    prepend: true,
                }),
                ..ImportRules::default()
            },
        ),
    ] {
        world.set_rules(peer, rules);
    }
    world.rib.open_fib_reader(std::sync::Arc::new(()), None);
    world
}

fn role(role: Role) -> ImportRules {
    ImportRules {
        role: Some(role),
        ..ImportRules::default()
    }
}

/// Neighbours that are each in an AS of their own, with one path each: no two MEDs are compared, and the table knows.
fn distinct_world(shards: usize) -> World {
    let mut world = World::new(shards, 4);
    for n in 0..PEERS as u32 {
        world.add(SourceKind::Ebgp, Asn(64501 + n));
    }
    world.rib.open_fib_reader(std::sync::Arc::new(()), None);
    world
}

/// Neighbours in an AS of their own that tell routes of one of two other ASes.
fn foreign_world(shards: usize) -> World {
    let mut world = distinct_world(shards);
    for (n, peer) in world.peers.iter_mut().enumerate() {
        peer.asn = Asn(64601 + (n as u32 & 1));
    }
    world
}

/// The same about few prefixes, with path ids or without, and with no peer that is another in its next session: for a moment that
/// is two peers of one AS, and MEDs compare from then on.
fn crowded(steps: &[Step], ids: bool) -> Vec<Step> {
    let place = |net: u32| (net % 2, if ids { 1 + net / 2 } else { 0 });
    let crowd = |step: &Step| match step.clone() {
        Step::Announce { peer, net, set, .. } => {
            let (net, path_id) = place(net);
            Step::Announce {
                peer,
                net,
                path_id,
                set,
            }
        }
        Step::Withdraw { peer, net, .. } => {
            let (net, path_id) = place(net);
            Step::Withdraw { peer, net, path_id }
        }
        Step::Reidentify { peer, .. } => Step::Flush { peer },
        other => other,
    };
    steps.iter().map(crowd).collect()
}

/// The same without path ids, which a world of distinct neighbours does not have.
fn without_ids(steps: &[Step]) -> Vec<Step> {
    let plain = |step: &Step| match step.clone() {
        Step::Announce { peer, net, set, .. } => Step::Announce {
            peer,
            net,
            path_id: 0,
            set,
        },
        Step::Withdraw { peer, net, .. } => Step::Withdraw {
            peer,
            net,
            path_id: 0,
        },
        other => other,
    };
    steps.iter().map(plain).collect()
}

/// One of thirty-two sets: MEDs that compare and that do not, equal sets, loops, leaks, communities that stop a route.
fn pick(world: &World, peer: usize, net: IpNet, choice: u8) -> AttrSet {
    let asn = world.peers[peer].asn;
    let internal = asn == LOCAL_AS;
    let first = if internal {
        Asn(64501 + u32::from(choice & 1))
    } else {
        asn
    };
    set(family_of(net), first, 1 + (choice & 3), |editor| {
        if internal {
            editor.set_local_pref(Some(100));
        }
        match (choice >> 2) & 3 {
            0 => {}
            1 => editor.set_med(Some(10)),
            2 => editor.set_med(Some(20)),
            _ => editor.prepend_as_path(first, 1),
        }
        match choice >> 4 {
            0 => {}
            _ if choice == 31 => editor.add_community(Community::NO_EXPORT),
            _ if choice == 30 => editor.set_as_path(&[first, LOCAL_AS]),
            _ if internal => editor.set_local_pref(Some(200)),
            _ => editor.set_origin(Origin::Incomplete),
        }
        if choice % 5 == 4 {
            editor.set_only_to_customer(Some(Asn(if choice & 1 == 0 { asn.0 } else { 7 })));
        }
        if internal && choice & 0b1000 != 0 {
            editor.set_originator_id(Some(RouterId(77)));
        }
    })
}

fn run(world: &mut World, step: &Step) {
    match *step {
        Step::Announce {
            peer,
            net: n,
            path_id,
            set,
        } => {
            let attrs = pick(world, peer, net(n), set);
            world.announce(peer, &[net(n)], path_id, attrs.as_ref());
        }
        Step::Withdraw {
            peer,
            net: n,
            path_id,
        } => world.withdraw(peer, &[net(n)], path_id),
        Step::Flush { peer } => {
            world.flush(peer);
        }
        Step::Down { peer } => {
            world.peer_down(peer);
        }
        Step::Stale { peer, again } => {
            world.flush(peer);
            let idx = world.peers[peer].idx;
            let rows = world.rows();
            world.peers[peer]
                .inbound
                .mark_stale(&world.rib, FAMILIES[0])
                .finish(&world.rib);
            // The peer tells some of its routes again; the others are gone at the end.
            let mut gone = 0;
            for row in rows
                .iter()
                .filter(|row| row.peer == idx && row.route.net().unwrap().addr().is_ipv4())
            {
                let (IpNet::V4(n), id) = (row.route.net().unwrap(), row.path_id.0) else {
                    continue;
                };
                if (again >> (u32::from(n.addr()) >> 8 & 7)) & 1 == 1 {
                    world.announce(peer, &[row.route.net().unwrap()], id, row.attrs.as_ref());
                } else {
                    gone += 1;
                }
            }
            // All in one read, marker and routes.
            let went = world.peers[peer]
                .inbound
                .sweep_stale(&world.rib, FAMILIES[0])
                .finish(&world.rib);
            assert_eq!(went, gone);
        }
        Step::Drain { budget } => {
            world.exporter.drain(&world.rib, budget);
        }
        Step::Receive { peer } => {
            if let Some(told) = &mut world.peers[peer].told {
                told.receive();
            }
        }
        Step::Fib { n } => world.drain_fib(n),
        Step::Join { peer } => {
            // Some are told one path, some three, and some have little room.
            let add_path = if peer == 2 || peer == 6 { 3 } else { 0 };
            let high = if peer % 2 == 1 {
                200
            } else {
                MemberQueue::HIGH
            };
            world.join_with(peer, add_path, high);
        }
        Step::Leave { peer } => world.leave(peer),
        Step::Refresh {
            peer,
            v6,
            demarcated,
        } => {
            let idx = world.peers[peer].idx;
            world
                .exporter
                .refresh(&world.rib, idx, FAMILIES[usize::from(v6)], demarcated);
        }
        Step::Reidentify { peer, client, id } => world.reidentify(peer, client, id),
        Step::Select {
            always,
            ids,
            max_paths,
        } => {
            let decision = DecisionConfig {
                always_compare_med: always,
                compare_router_id: ids,
            };
            let selection = Selection {
                decision,
                max_paths,
                require_reachable: false,
            };
            world.rib.select_by(selection).finish(&world.rib);
        }
        Step::Cut { cut } => {
            world.cut.0.store(cut, Ordering::Relaxed);
            let all: Vec<_> = world
                .rib
                .next_hops()
                .into_iter()
                .map(|(key, _)| key)
                .collect();
            world.rib.next_hop_changed(&all).finish(&world.rib);
        }
        Step::Originate { net: n, originator } => {
            let attrs = set(family_of(net(n)), LOCAL_AS, 0, |editor| {
                editor.set_as_path(&[]);
                editor.set_next_hop(None);
            });
            world.rib.originate(net(n), attrs.as_ref(), originator);
        }
        Step::WithdrawLocal { net: n, originator } => {
            world.rib.withdraw_local(net(n), originator);
        }
        Step::Sweep => world.rib.sweep(),
    }
}

fn run_all(shards: usize, steps: &[Step]) -> World {
    run_in(world(shards), steps)
}

fn run_in(mut world: World, steps: &[Step]) -> World {
    for step in steps {
        run(&mut world, step);
    }
    for peer in 0..PEERS {
        world.flush(peer);
    }
    world.settle();
    world
}

/// The best path of every prefix is the one that the decision selects when it sees all of them at once.
fn check_selection(world: &World) {
    for rows in world
        .rows()
        .chunk_by(|a, b| a.route.net().unwrap() == b.route.net().unwrap())
    {
        let explained = world
            .rib
            .explain(rows[0].route.net().unwrap())
            .expect("the prefix is there");
        for path in &explained.paths {
            let (row, reason) = (&path.row, &path.reason);
            assert_eq!(
                row.best,
                *reason == rib::Reason::Best,
                "{} of {}",
                row.route.net().unwrap(),
                row.peer_name
            );
            assert_eq!(row.best || row.multipath, reason.is_used(), "{reason:?}");
        }
    }
}

/// What the forwarding table should hold by the rows: next hops and who told them, the best path first.
fn fib_of(rows: &[Row]) -> BTreeMap<IpNet, Vec<(NextHop, PeerIdx)>> {
    let mut fib = BTreeMap::new();
    for best in rows.iter().filter(|row| row.best && !row.peer.is_local()) {
        let others = rows.iter().filter(|other| {
            other.route.net().unwrap() == best.route.net().unwrap()
                && other.multipath
                && !other.best
        });
        let way = |row: &Row| row.attrs.as_ref().next_hop().map(|hop| (hop, row.peer));
        let mut ways: Vec<_> = [best].into_iter().chain(others).filter_map(way).collect();
        ways[1..].sort();
        fib.insert(best.route.net().unwrap(), ways);
    }
    fib
}

/// A reader that wants nothing, as that of a router which installs nothing and resolves nothing.
struct Nothing;

impl FibInterest for Nothing {
    fn wants(&self, _: &IpNet) -> bool {
        false
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_a_quiet_group_was_told_is_the_export_of_the_table(steps in steps(120)) {
        let world = run_all(2, &steps);
        for peer in 0..PEERS {
            if world.peers[peer].told.is_some() {
                world.check_told(peer);
            }
        }
    }

    #[test]
    fn the_best_path_is_the_one_that_wins_among_all(steps in steps(120)) {
        check_selection(&run_all(2, &steps));
        let world = run_in(distinct_world(2), &without_ids(&steps));
        check_selection(&world);
        for peer in 0..PEERS {
            if world.peers[peer].told.is_some() {
                world.check_told(peer);
            }
        }
    }

    /// All paths of a peer are of its AS and there are several, or they are of another.
    #[test]
    fn the_best_path_wins_whatever_makes_meds_compare(steps in steps(120)) {
        check_selection(&run_in(distinct_world(2), &crowded(&steps, true)));
        check_selection(&run_in(foreign_world(2), &crowded(&steps, false)));
    }

    #[test]
    fn the_forwarding_table_is_what_the_table_selects(steps in steps(120)) {
        let world = run_all(2, &steps);
        let mut have = world.fib.clone();
        for ways in have.values_mut() {
            ways[1..].sort();
        }
        prop_assert_eq!(have, fib_of(&world.rows()));
    }

    #[test]
    fn one_shard_is_eight_shards(steps in steps(120)) {
        let (one, eight) = (run_all(1, &steps), run_all(8, &steps));
        prop_assert_eq!(one.rows(), eight.rows());
        for peer in 0..PEERS {
            let told = |world: &World| world.peers[peer].told.as_ref().map(|told| told.routes.clone());
            prop_assert_eq!(told(&one), told(&eight));
            for family in FAMILIES {
                let idx = one.peers[peer].idx;
                prop_assert_eq!(one.rib.peer_counts(idx, family), eight.rib.peer_counts(idx, family));
            }
        }
    }

    #[test]
    fn counts_are_what_the_rows_say(steps in steps(100)) {
        let world = run_all(4, &steps);
        let rows = world.rows();
        for (idx, _) in world.rib.peers() {
            for family in FAMILIES {
                let own = || rows.iter().filter(|row| row.peer == idx && family_of(row.route.net().unwrap()) == family);
                let refused = own().filter(|row| {
                    row.ineligible.is_some_and(|reason| reason != Ineligible::NextHopUnreachable)
                });
                let counts = world.rib.peer_counts(idx, family);
                prop_assert_eq!(counts.received as usize, own().count());
                prop_assert_eq!(counts.accepted as usize, own().count() - refused.count());
            }
        }
        let counts = world.rib.counts();
        prop_assert_eq!(counts.paths(), rows.len());
    }

    #[test]
    fn withdrawing_everything_empties_everything(
        steps in steps(100),
        by_peer_down: bool,
        kernel_looks_away: bool,
        nobody_is_told: bool,
    ) {
        let world = world(4);
        if kernel_looks_away {
            world.rib.open_fib_reader(std::sync::Arc::new(()), Some(std::sync::Arc::new(Nothing)));
        }
        let mut world = run_in(world, &steps);
        if nobody_is_told {
            (0..PEERS).for_each(|peer| world.leave(peer));
        }
        for row in world.rows() {
            if row.peer.is_local() {
                world.rib.withdraw_local(row.route.net().unwrap(), row.path_id.0);
                continue;
            }
            let peer = world.peers.iter().position(|peer| peer.idx == row.peer).unwrap();
            if !by_peer_down {
                world.withdraw(peer, &[row.route.net().unwrap()], row.path_id.0);
                world.flush(peer);
            }
        }
        for peer in 0..PEERS {
            if by_peer_down {
                world.peer_down(peer);
            }
        }
        world.settle();
        for told in world.peers.iter().filter_map(|peer| peer.told.as_ref()) {
            prop_assert!(told.routes.is_empty());
        }
        prop_assert!(world.fib.is_empty());
        for _ in 0..3 {
            world.rib.sweep();
        }
        let counts = world.rib.counts();
        prop_assert_eq!((counts.destinations(), counts.paths()), (0, 0));
        prop_assert_eq!((counts.sets, counts.next_hops), (0, 0));
        prop_assert_eq!(counts.table_bytes, 0);
    }

    #[test]
    fn the_order_of_arrival_does_not_matter(
        paths in prop::collection::btree_map((0..PEERS, 0..2u32, 0..3u32), 0..32u8, 1..20),
        detours in prop::collection::vec((0..PEERS, 0..2u32, 0..3u32, 0..32u8), 0..20),
        seed: u64,
    ) {
        // Each path once: peers without path ids have one for a prefix.
        let paths: BTreeMap<_, _> = paths
            .into_iter()
            .map(|((peer, n, id), set)| ((peer, n, path_id(peer, id)), ((peer, n, id), set)))
            .collect();
        let paths: Vec<_> = paths.into_values().collect();
        let mut straight = world(1);
        for &((peer, n, id), set) in &paths {
            run(&mut straight, &Step::Announce { peer, net: n, path_id: path_id(peer, id), set });
            straight.flush(peer);
        }
        // Another order, with things in between that do not last.
        let mut shuffled = paths;
        let mut random = seed | 1;
        for i in (1..shuffled.len()).rev() {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            shuffled.swap(i, (random % (i as u64 + 1)) as usize);
        }
        let mut winding = world(1);
        for &(peer, n, id, set) in &detours {
            run(&mut winding, &Step::Announce { peer, net: n, path_id: path_id(peer, id), set });
            winding.flush(peer);
        }
        for &((peer, n, id), set) in &shuffled {
            run(&mut winding, &Step::Announce { peer, net: n, path_id: path_id(peer, id), set });
            winding.flush(peer);
        }
        let lasting = |peer: usize, n: u32, id: u32| {
            shuffled.iter().any(|&((p, m, i), _)| p == peer && m == n && path_id(p, i) == path_id(peer, id))
        };
        for &(peer, n, id, _) in &detours {
            if !lasting(peer, n, id) {
                run(&mut winding, &Step::Withdraw { peer, net: n, path_id: path_id(peer, id) });
                winding.flush(peer);
            }
        }
        prop_assert_eq!(straight.rows(), winding.rows());
    }
}
