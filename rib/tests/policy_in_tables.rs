//! Policies at work: random histories in which routes and policies change, and what the table and every neighbour then have is what the
//! policies of the end make of the routes of the end.

mod support;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bgp_wire::*;
use ipnet::IpNet;
use proptest::prelude::*;
use rib::policy::{
    Action, Chain, Change, CommunityList, Evaluation, Match, NextHopChange, PathChange, Policy,
    RoutePolicy, Set, Term, Verdict,
};
use rib::*;
use support::*;

const PREFIXES: u32 = 8;
const PEERS: usize = 4;
/// Neighbours that are told several paths of each destination.
const ADD_PATH: [usize; 2] = [2, 3];

fn term(sequence: i64, matches: Match, action: Action) -> Term {
    Term {
        sequence,
        matches,
        action,
    }
}

fn permit(set: Set) -> Action {
    Action::Permit(Box::new(set))
}

fn listed(nets: &[u32]) -> Match {
    Match {
        prefixes: Some(nets.iter().map(|&n| net(n)).collect()),
        ..Match::default()
    }
}

fn tagged(tag: u32) -> Match {
    let list = CommunityList {
        standard: vec![Community(tag)],
        ..CommunityList::default()
    };
    Match {
        communities: vec![list],
        ..Match::default()
    }
}

fn tag(tag: u32) -> Set {
    Set {
        communities: Change {
            remove: Vec::new(),
            add: vec![Community(tag)],
        },
        ..Set::default()
    }
}

/// Policies of all sorts, by number.
fn chain(number: u8) -> Chain {
    let of = |name: &str, terms| Arc::new(Policy::new(name, terms).unwrap());
    let lists = || {
        let preferred = Set {
            local_pref: Some(200),
            ..tag(7)
        };
        of(
            "lists",
            vec![
                term(1, listed(&[0, 1]), Action::Deny),
                term(2, listed(&[2, 3, 4]), permit(preferred)),
            ],
        )
    };
    let of_sets = || {
        of(
            "sets",
            vec![
                term(1, tagged(1), Action::Deny),
                term(2, tagged(2), permit(tag(8))),
            ],
        )
    };
    let last = || {
        let moved = Set {
            next_hop: Some(NextHopChange::Address("10.0.0.77".parse().unwrap())),
            med: Some(5),
            as_path: Some(PathChange::Prepend(Asn(64999), 2)),
            ..Set::default()
        };
        let v4 = Match {
            families: Some(FamilySet::from([Family::IPV4_UNICAST])),
            ..listed(&[2, 6])
        };
        of("last", vec![term(1, v4, permit(moved))])
    };
    match number {
        0 => Chain::default(),
        1 => Chain::new([of_sets()]),
        2 => Chain::new([lists()]),
        3 => Chain::new([lists(), of_sets(), last()]),
        4 => Chain::new([last()]),
        _ => Chain::new([of("none", vec![term(1, Match::default(), Action::Deny)])]),
    }
}

#[derive(Clone, Debug)]
enum Step {
    Announce { peer: usize, net: u32, set: u8 },
    Withdraw { peer: usize, net: u32 },
    Flush { peer: usize },
    Down { peer: usize },
    Import { peer: usize, chain: u8 },
    Export { peer: usize, chain: u8 },
    Join { peer: usize, chain: u8 },
    Drain { budget: usize },
    Receive { peer: usize },
    Cut { cut: bool },
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let (peer, net, chain) = (0..PEERS, 0..PREFIXES, 0..6u8);
    let step = prop_oneof![
        10 => (peer.clone(), net.clone(), 0..8u8)
            .prop_map(|(peer, net, set)| Step::Announce { peer, net, set }),
        3 => (peer.clone(), net).prop_map(|(peer, net)| Step::Withdraw { peer, net }),
        6 => peer.clone().prop_map(|peer| Step::Flush { peer }),
        1 => peer.clone().prop_map(|peer| Step::Down { peer }),
        3 => (peer.clone(), chain.clone()).prop_map(|(peer, chain)| Step::Import { peer, chain }),
        3 => (peer.clone(), chain.clone()).prop_map(|(peer, chain)| Step::Export { peer, chain }),
        2 => (peer.clone(), chain).prop_map(|(peer, chain)| Step::Join { peer, chain }),
        4 => (1..6usize).prop_map(|budget| Step::Drain { budget }),
        3 => peer.prop_map(|peer| Step::Receive { peer }),
        1 => any::<bool>().prop_map(|cut| Step::Cut { cut }),
    ];
    prop::collection::vec(step, 0..80)
}

fn add_path(peer: usize) -> u8 {
    if ADD_PATH.contains(&peer) { 2 } else { 0 }
}

fn run(world: &mut World, step: Step) {
    match step {
        Step::Announce { peer, net: n, set } => {
            let net = net(n);
            let asn = world.peers[peer].asn;
            let attrs = support::set(family_of(net), asn, 1 + set % 3, |editor| {
                editor.set_communities([Community(u32::from(set % 4))]);
                editor.set_med((set > 5).then_some(u32::from(set)));
                if peer > 1 {
                    editor.set_as_path(&[]);
                    editor.set_local_pref(Some(100 + u32::from(set % 2)));
                }
            });
            world.announce(peer, &[net], 0, attrs.as_ref());
        }
        Step::Withdraw { peer, net: n } => world.withdraw(peer, &[net(n)], 0),
        Step::Flush { peer } => {
            world.flush(peer);
        }
        Step::Down { peer } => {
            world.peer_down(peer);
        }
        Step::Import { peer, chain: n } => set_import(world, peer, chain(n)),
        Step::Export { peer, chain: n } => {
            let Some(told) = &mut world.peers[peer].told else {
                return;
            };
            told.key.rules.policy = policy(n);
            let key = told.key.clone();
            let idx = world.peers[peer].idx;
            assert!(world.exporter.rekey(&world.rib, idx, key));
        }
        Step::Join { peer, chain: n } => {
            if world.peers[peer].told.is_some() {
                world.leave(peer);
            } else {
                let mut key = world.key(peer, add_path(peer));
                key.rules.policy = policy(n);
                world.join_as(peer, key, MemberQueue::HIGH);
            }
        }
        Step::Drain { budget } => {
            world.exporter.drain(&world.rib, budget);
        }
        Step::Receive { peer } => {
            if let Some(told) = &mut world.peers[peer].told {
                told.receive_one();
            }
        }
        Step::Cut { cut } => {
            world.cut.0.store(cut, Ordering::Relaxed);
            let keys: Vec<_> = world
                .rib
                .next_hops()
                .into_iter()
                .map(|(key, _)| key)
                .collect();
            world.rib.next_hop_changed(&keys).finish(&world.rib);
        }
    }
}

fn policy(number: u8) -> RoutePolicy {
    RoutePolicy::of(&chain(number), SourceKind::Ibgp, false)
}

/// Another import policy for a peer that has a session.
fn set_import(world: &mut World, peer: usize, chain: Chain) {
    // As its task does it: nothing of the peer is pending.
    world.flush(peer);
    let idx = world.peers[peer].idx;
    let info = PeerInfo {
        import: RoutePolicy::of(&chain, SourceKind::Ibgp, false),
        ..PeerInfo::clone(&world.rib.peer(idx))
    };
    assert_eq!(world.rib.update_peer(idx, info), idx);
    // A few destinations at a time.
    let mut walk = world.rib.reimport(idx);
    while !walk.step(&world.rib, 2) {}
}

/// What the table has of each route, by what was received and the policies alone.
fn check_imported(world: &World) {
    let mut accepted: BTreeMap<(PeerIdx, Family), u32> = BTreeMap::new();
    for row in world.rows() {
        let info = world.rib.peer(row.peer);
        let received = row.received.as_ref().unwrap_or(&row.attrs);
        let family = row.route.family();
        let facts = facts(row.route);
        let expected = match &info.import {
            RoutePolicy::Chain(chain) => {
                match Evaluation::new(chain, received.as_ref(), family).verdict(Some(&facts)) {
                    Verdict::Permit { changed, .. } => {
                        let set = changed.map_or_else(|| received.clone(), AttrSet::from);
                        (set, false)
                    }
                    Verdict::Deny(_) => (received.clone(), true),
                }
            }
            _ => (received.clone(), false),
        };
        let denied = row.ineligible == Some(Ineligible::FilteredByPolicy);
        assert_eq!(
            (row.attrs, denied),
            expected,
            "{} of {:?}",
            row.route,
            row.peer
        );
        *accepted.entry((row.peer, family)).or_default() += u32::from(!denied);
    }
    for peer in &world.peers {
        for family in FAMILIES {
            let counts = world.rib.peer_counts(peer.idx, family);
            let expected = accepted.get(&(peer.idx, family)).copied().unwrap_or(0);
            assert_eq!(counts.accepted, expected, "{family} of {:?}", peer.idx);
        }
    }
}

fn world(shards: usize) -> World {
    let mut world = World::new(shards, 1);
    world.add(SourceKind::Ebgp, Asn(64501));
    world.add(SourceKind::Ebgp, Asn(64502));
    world.add(SourceKind::Ibgp, LOCAL_AS);
    world.add(SourceKind::IbgpClient, LOCAL_AS);
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn all_have_what_the_policies_make_of_the_routes(shards in 1..5usize, steps in steps()) {
        let mut world = world(shards);
        for step in steps {
            run(&mut world, step);
        }
        for peer in 0..PEERS {
            world.flush(peer);
        }
        world.settle();
        check_imported(&world);
        for peer in 0..PEERS {
            if world.peers[peer].told.is_some() {
                world.check_told(peer);
            }
        }
    }
}

/// What is sent to a neighbour after `change`: routes announced, and how many messages there were in all.
fn told_by(world: &mut World, peer: usize, change: impl FnOnce(&mut World)) -> Vec<IpNet> {
    let before = {
        let told = world.peers[peer].told.as_mut().unwrap();
        told.refreshed.clear();
        told.routes.clone()
    };
    change(world);
    world.settle();
    let told = world.peers[peer].told.as_ref().unwrap();
    // Whatever was withdrawn on the way would have to come again.
    for (key, set) in &told.routes {
        let same = before.get(key) == Some(set);
        assert_eq!(same, !told.refreshed.contains(key), "{}", key.0);
    }
    told.refreshed.iter().map(|(net, _)| *net).collect()
}

#[test]
fn an_edit_tells_what_it_changes_and_nothing_else() {
    let mut world = world(4);
    let nets: Vec<IpNet> = (0..100).map(net).collect();
    for family in FAMILIES {
        let nets: Vec<_> = nets
            .iter()
            .copied()
            .filter(|net| family_of(*net) == family)
            .collect();
        let attrs = set(family, Asn(64501), 2, |_| {});
        world.announce(0, &nets, 0, attrs.as_ref());
    }
    world.flush(0);
    world.join(1, 0);
    world.settle();

    // On the way in: two are denied, three change, and the others are not told again.
    let told = told_by(&mut world, 1, |world| set_import(world, 0, chain(2)));
    assert_eq!(told, [2, 4, 3].map(net), "in order of prefixes");
    assert_eq!(world.peers[1].told.as_ref().unwrap().routes.len(), 98);
    world.check_told(1);
    // Back again.
    let told = told_by(&mut world, 1, |world| {
        set_import(world, 0, Chain::default())
    });
    assert_eq!(told, [0, 2, 4, 1, 3].map(net));

    // The same on the way out.
    let rekeyed = |number| {
        move |world: &mut World| {
            let told = world.peers[1].told.as_mut().unwrap();
            told.key.rules.policy = policy(number);
            let key = told.key.clone();
            assert!(world.exporter.rekey(&world.rib, world.peers[1].idx, key));
        }
    };
    let told = told_by(&mut world, 1, rekeyed(2));
    assert_eq!(told, [2, 4, 3].map(net));
    assert_eq!(world.peers[1].told.as_ref().unwrap().routes.len(), 98);
    world.check_told(1);
    let told = told_by(&mut world, 1, rekeyed(0));
    assert_eq!(told, [0, 2, 4, 1, 3].map(net));
    world.check_told(1);
}

#[test]
fn a_policy_on_the_way_out_sees_what_the_table_has() {
    let mut world = world(1);
    let attrs = set(FAMILIES[0], Asn(64501), 2, |editor| {
        editor.set_med(Some(30));
        editor.add_ext_community(ExtCommunity([0x40, 4, 0xfb, 0xf4, 0, 0, 0, 1]));
    });
    world.announce(0, &[net(0)], 0, attrs.as_ref());
    world.flush(0);
    let preferred = Match {
        local_pref: Some(100),
        med: Some(30),
        ..Match::default()
    };
    let bandwidth = ExtCommunity([0x40, 4, 0xfd, 0xe8, 0, 0, 0, 2]);
    let set = Set {
        med: Some(7),
        local_pref: Some(300),
        extended: Change {
            remove: Vec::new(),
            add: vec![bandwidth],
        },
        next_hop: Some(NextHopChange::Address("192.0.2.9".parse().unwrap())),
        ..Set::default()
    };
    let policy = Policy::new("out", vec![term(1, preferred, permit(set))]).unwrap();
    let mut key = world.key(1, 0);
    key.rules.policy = RoutePolicy::Chain(Chain::new([Arc::new(policy)]));
    world.join_as(1, key, MemberQueue::HIGH);
    world.settle();
    let told = world.peers[1].told.as_ref().unwrap();
    let attrs = told.routes[&(net(0), 0)].as_ref();
    // The MED is the policy's, as is a community that would not travel; that of the neighbour before has gone.
    assert_eq!(attrs.med(), Some(7));
    assert_eq!(attrs.ext_communities().collect::<Vec<_>>(), [bandwidth]);
    // RFC 4271 §5.1.5: LOCAL_PREF is not for external peers, whoever set it.
    assert_eq!(attrs.local_pref(), None);
    assert_eq!(
        attrs.next_hop().map(NextHop::address),
        Some("192.0.2.9".parse().unwrap())
    );
    world.check_told(1);
}
