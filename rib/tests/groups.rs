//! Export groups: one encoding for all, and each member ends with exactly what it should have.

mod support;

use bgp_wire::*;
use ipnet::IpNet;
use rib::*;
use support::*;

/// Bytes at which the queue of a client is full.
const HIGH: usize = 8 * 1024;

/// A world with one sender and `members` clients in one group, all told that there is nothing yet.
fn clients(members: usize) -> World {
    let mut world = World::new(4, 1);
    world.add(SourceKind::Ebgp, Asn(64500));
    for _ in 0..members {
        let peer = world.add(SourceKind::IbgpClient, LOCAL_AS);
        world.join_with(peer, 0, HIGH);
    }
    world.settle();
    assert_eq!(
        world.exporter.groups(),
        1,
        "clients with equal keys are one group"
    );
    world
}

fn announce(
    world: &mut World,
    peer: usize,
    nets: std::ops::Range<u32>,
    change: impl Fn(&mut AttrEditor, u32),
) {
    let asn = world.peers[peer].asn;
    let nets: Vec<u32> = nets.collect();
    for some in nets.chunks(20) {
        for family in FAMILIES {
            let nets: Vec<IpNet> = some
                .iter()
                .map(|&n| net(n))
                .filter(|&net| family_of(net) == family)
                .collect();
            let attrs = set(family, asn, 2, |editor| {
                if asn == LOCAL_AS {
                    editor.set_local_pref(Some(100));
                }
                change(editor, some[0]);
            });
            world.announce(peer, &nets, 0, attrs.as_ref());
        }
    }
    world.flush(peer);
}

fn distinct(editor: &mut AttrEditor, n: u32) {
    editor.set_med(Some(n));
}

#[test]
fn two_hundred_clients_one_stuck_one_refreshing_one_late() {
    let mut world = clients(200);
    let (stuck, refreshing, late) = (7, 11, 201);
    let rounds = 20;
    let encoded = world.exporter.stats().encoded;
    let mut told_again = 0;
    for round in 0..rounds {
        announce(
            &mut world,
            0,
            round * 400..round * 400 + 400,
            |editor, n| distinct(editor, n + round),
        );
        if round > 0 {
            // What was told a round ago changes, and some of it goes.
            announce(
                &mut world,
                0,
                round * 400 - 200..round * 400,
                |editor, _| {
                    editor.add_community(Community(round));
                },
            );
            let gone: Vec<_> = (round * 400 - 400..round * 400 - 380).map(net).collect();
            world.withdraw(0, &gone, 0);
            world.flush(0);
        }
        if round == 9 {
            let told = world.peers[refreshing].told.as_ref().unwrap();
            let of_family = |(net, _): &&(IpNet, u32)| family_of(*net) == FAMILIES[0];
            told_again = told.routes.keys().filter(of_family).count();
            let idx = world.peers[refreshing].idx;
            world.exporter.refresh(&world.rib, idx, FAMILIES[0], true);
        }
        if round == 12 {
            assert_eq!(world.add(SourceKind::IbgpClient, LOCAL_AS), late);
            world.join(late, 0);
        }
        loop {
            let progress = world.exporter.drain(&world.rib, 150);
            for (peer, neighbor) in world.peers.iter_mut().enumerate() {
                if peer != stuck
                    && let Some(told) = &mut neighbor.told
                {
                    told.receive();
                }
            }
            if !progress.more && progress.destinations == 0 {
                break;
            }
        }
        let held_up = |peer: usize| {
            world.peers[peer]
                .told
                .as_ref()
                .is_some_and(|told| !told.queue.is_empty())
        };
        assert!(
            (1..200).all(|peer| peer == stuck || !held_up(peer)),
            "nobody waits for the one that is stuck"
        );
    }
    let stats = world.exporter.stats();
    assert!(
        stats.splits >= 2,
        "the stuck one and the refreshing one: {stats:?}"
    );
    let told = &world.peers[stuck].told.as_ref().unwrap();
    assert!(
        told.queue.bytes() < 5 * HIGH,
        "a stuck member costs a queue: {}",
        told.queue.bytes()
    );

    world.settle();
    for peer in [1, stuck, refreshing, late] {
        world.check_told(peer);
    }
    // None of them is a source, so all have the same.
    let routes = |peer: usize| &world.peers[peer].told.as_ref().unwrap().routes;
    assert!(routes(1).len() > 7000);
    assert!((1..=late).all(|peer| routes(peer) == routes(1)));
    assert_eq!(world.exporter.groups(), 1, "all are one group again");
    // At most ten of a family have the same attributes, and so one message.
    let messages = |peer: usize| world.peers[peer].told.as_ref().unwrap().messages;
    assert!(told_again > 1500);
    assert!(
        messages(refreshing) >= messages(1) + told_again / 10,
        "{} to the one that asked, {} to others, of {told_again} routes",
        messages(refreshing),
        messages(1)
    );
    // One encoding for 198, the refresh of a family, the late one's beginning, and what the stuck one had missed: far
    // from two hundred.
    let stats = world.exporter.stats();
    let encoded = stats.encoded - encoded;
    let received = world.peers[1].told.as_ref().unwrap().messages as u64;
    assert!(
        encoded < 4 * received,
        "{encoded} encoded, {received} for each"
    );
    assert!(stats.queued > 190 * received, "{stats:?}");
}

#[test]
fn a_stuck_member_splits_off_only_when_others_run_dry_and_merges_when_it_caught_up() {
    let mut world = clients(3);
    announce(&mut world, 0, 0..6000, |editor, n| {
        distinct(editor, n);
        editor.set_communities((0..50).map(Community));
    });
    while world.exporter.drain(&world.rib, 10).more {}
    assert_eq!(
        world.exporter.groups(),
        1,
        "all are full: nobody is ahead of the others"
    );
    let full = world.peers[1].told.as_ref().unwrap().queue.bytes();
    assert!(full >= HIGH);
    assert_eq!(
        world.exporter.drain(&world.rib, 1000),
        Progress::default(),
        "nothing goes to a full queue"
    );
    // Two read, one does not.
    for peer in [1, 2] {
        world.peers[peer].told.as_mut().unwrap().receive();
    }
    let mut ahead = 0;
    while world.exporter.groups() == 1 {
        world.exporter.drain(&world.rib, 10);
        for peer in [1, 2] {
            world.peers[peer].told.as_mut().unwrap().receive();
        }
        ahead = world.peers[3].told.as_ref().unwrap().queue.bytes();
        assert!(ahead < 5 * HIGH, "far behind, and still one group");
    }
    assert!(ahead >= 3 * HIGH, "split off at {ahead} bytes already");
    assert_eq!(world.exporter.groups(), 2);
    world.settle();
    assert_eq!(world.exporter.groups(), 1);
    for peer in 1..=3 {
        world.check_told(peer);
    }
    assert_eq!(world.exporter.stats().merges, 2 + 1);
}

#[test]
fn a_withdrawal_cancels_a_pending_announcement() {
    let mut world = clients(1);
    let before = world.peers[1].told.as_ref().unwrap().messages;
    announce(&mut world, 0, 0..10, distinct);
    world.withdraw(0, &(0..10).map(net).collect::<Vec<_>>(), 0);
    world.flush(0);
    world.settle();
    assert_eq!(
        world.peers[1].told.as_ref().unwrap().messages,
        before,
        "nothing is said"
    );
    assert_eq!(world.rib.counts().destinations(), 0);
}

#[test]
fn the_same_again_is_not_said_again() {
    let mut world = clients(1);
    announce(&mut world, 0, 0..10, distinct);
    world.settle();
    let before = world.peers[1].told.as_ref().unwrap().messages;
    announce(&mut world, 0, 0..10, distinct);
    world.settle();
    // And what differs only in what is not told on is not said either.
    assert_eq!(world.peers[1].told.as_ref().unwrap().messages, before);
}

#[test]
fn a_family_without_routes_ends_too() {
    let mut world = clients(1);
    let told = world.peers[1].told.as_ref().unwrap();
    assert_eq!(told.ends.len(), 2);
    assert_eq!(told.messages, 2);
    announce(&mut world, 0, 0..1, distinct);
    world.settle();
    assert_eq!(
        world.peers[1].told.as_ref().unwrap().ends.len(),
        2,
        "End-of-RIB comes once"
    );
}

#[test]
fn a_refresh_tells_everything_again_to_the_one_that_asked() {
    let mut world = clients(3);
    announce(&mut world, 0, 0..100, distinct);
    world.settle();
    let before: Vec<_> = (1..=3)
        .map(|peer| world.peers[peer].told.as_ref().unwrap().messages)
        .collect();
    let idx = world.peers[2].idx;
    world.exporter.refresh(&world.rib, idx, FAMILIES[1], true);
    world.settle();
    let after: Vec<_> = (1..=3)
        .map(|peer| world.peers[peer].told.as_ref().unwrap().messages)
        .collect();
    assert_eq!((after[0], after[2]), (before[0], before[2]));
    // Five sets of twenty prefixes, ten of them of the family, and the two markers.
    assert_eq!(after[1] - before[1], 5 + 2);
    world.check_told(2);
}

#[test]
fn many_requests_for_a_refresh_are_one_more() {
    for prefixes in [0..0, 0..100] {
        let mut world = clients(2);
        announce(&mut world, 0, prefixes, distinct);
        world.settle();
        let before = world.peers[1].told.as_ref().unwrap().messages;
        let idx = world.peers[1].idx;
        world.exporter.refresh(&world.rib, idx, FAMILIES[1], true);
        world.settle();
        let once = world.peers[1].told.as_ref().unwrap().messages - before;
        for _ in 0..1000 {
            world.exporter.refresh(&world.rib, idx, FAMILIES[1], true);
        }
        world.settle();
        let thousand = world.peers[1].told.as_ref().unwrap().messages - before - once;
        // One that begins, and one more for whoever asked since.
        assert_eq!(thousand, 2 * once);
        world.check_told(1);
    }
}

#[test]
fn a_plain_refresh_still_withdraws_what_went_meanwhile() {
    let mut world = clients(2);
    announce(&mut world, 0, 0..10, distinct);
    world.settle();
    world.withdraw(0, &[net(0)], 0);
    world.flush(0);
    let idx = world.peers[1].idx;
    world.exporter.refresh(&world.rib, idx, FAMILIES[0], false);
    world.settle();
    world.check_told(1);
    world.check_told(2);
}

#[test]
fn what_leaves_no_room_for_a_prefix_is_not_told_and_is_withdrawn() {
    let mut world = World::new(1, 1);
    world.add(SourceKind::IbgpClient, LOCAL_AS);
    world.add(SourceKind::IbgpClient, LOCAL_AS);
    world.join(1, 0);
    let prefix = net(0);
    let attrs = |communities: u32| {
        set(FAMILIES[0], Asn(64500), 2, |editor| {
            editor.set_local_pref(Some(100));
            editor.set_communities((0..communities).map(Community));
        })
    };
    world.announce(0, &[prefix], 0, attrs(10).as_ref());
    world.flush(0);
    world.settle();
    assert_eq!(world.peers[1].told.as_ref().unwrap().routes.len(), 1);
    // The reflector adds ORIGINATOR_ID and CLUSTER_LIST (RFC 4456 §8): 4,096 octets are not enough then.
    world.announce(0, &[prefix], 0, attrs(1008).as_ref());
    world.flush(0);
    world.settle();
    assert!(world.peers[1].told.as_ref().unwrap().routes.is_empty());
    assert_eq!(world.exporter.stats().oversized, 1);
    // And that is what people are told.
    let explained = world.rib.explain(prefix).expect("it is there");
    let told: Vec<_> = explained
        .told
        .iter()
        .flat_map(|group| &group.routes)
        .collect();
    assert!(!told.is_empty());
    assert!(
        told.iter()
            .all(|route| route.outcome == Err(RejectReason::TooLong))
    );
    let query = RowQuery::default();
    let out = world.rib.adj_out_rows(world.peers[1].idx, &query, None, 10);
    assert!(out.rows.is_empty());
}

#[test]
fn paths_of_add_path_peers_keep_their_ids() {
    let mut world = World::new(2, 1);
    for n in 0..4 {
        world.add(SourceKind::Ebgp, Asn(64500 + n));
    }
    world.join(3, 2);
    let prefix = net(0);
    for peer in 0..3 {
        let attrs = set(FAMILIES[0], world.peers[peer].asn, 2, |editor| {
            editor.set_as_path(&[world.peers[peer].asn, Asn(1), Asn(2)][..peer + 1]);
        });
        world.announce(peer, &[prefix], 0, attrs.as_ref());
        world.flush(peer);
    }
    world.settle();
    let ids = |world: &World| -> Vec<u32> {
        world.peers[3]
            .told
            .as_ref()
            .unwrap()
            .routes
            .keys()
            .map(|(_, id)| *id)
            .collect()
    };
    assert_eq!(ids(&world), [1, 2], "the best two of three");
    // The best goes: the second keeps its id, the third comes with its own.
    world.withdraw(0, &[prefix], 0);
    world.flush(0);
    world.settle();
    assert_eq!(ids(&world), [2, 3]);
    world.check_told(3);
}

/// Who announces the prefix before and after, and what each of three members hears of it.
#[test]
fn a_change_of_source_says_to_each_member_what_it_has_to_know() {
    // a, b: members; x: not a member; !: with NO_EXPORT; 2: with other attributes; -: nobody.
    let table = "
        before  after   a          b          c
        -       a       -          announce   announce
        -       x       announce   announce   announce
        -       a!      -          -          -
        a       a       -          -          -
        a       a2      -          announce   announce
        a       -       -          withdraw   withdraw
        a       a!      -          withdraw   withdraw
        a       b       announce   withdraw   announce
        a       x       announce   announce   announce
        a       b!      -          withdraw   withdraw
        a!      b       announce   -          announce
        a!      a       -          announce   announce
        x       -       withdraw   withdraw   withdraw
        x       x       -          -          -
        x       a       withdraw   announce   announce
        x       b       announce   withdraw   announce
        b       a       withdraw   announce   announce
    ";
    for row in table.lines().skip(2).filter(|row| !row.trim().is_empty()) {
        let [before, after, expected @ ..] = &row.split_whitespace().collect::<Vec<_>>()[..] else {
            panic!("a row of five: {row}")
        };
        let mut world = World::new(1, 1);
        for n in 0..4 {
            world.add(SourceKind::Ebgp, Asn(64500 + n));
        }
        (0..3).for_each(|peer| world.join(peer, 0));
        let source = |text: &str| "abcx".find(&text[..1]);
        let announce = |world: &mut World, text: &str| {
            let Some(peer) = source(text) else { return };
            let attrs = set(FAMILIES[0], world.peers[peer].asn, 2, |editor| {
                if text.ends_with('!') {
                    editor.add_community(Community::NO_EXPORT);
                }
                if text.ends_with('2') {
                    editor.set_origin(Origin::Incomplete);
                }
            });
            world.announce(peer, &[net(0)], 0, attrs.as_ref());
            world.flush(peer);
        };
        announce(&mut world, before);
        world.settle();
        let told =
            |world: &World, peer: usize| world.peers[peer].told.as_ref().unwrap().clone_routes();
        let had: Vec<_> = (0..3).map(|peer| told(&world, peer)).collect();
        let messages =
            |world: &World, peer: usize| world.peers[peer].told.as_ref().unwrap().messages;
        let heard: Vec<_> = (0..3).map(|peer| messages(&world, peer)).collect();
        if let Some(peer) = source(before)
            && source(before) != source(after)
        {
            world.withdraw(peer, &[net(0)], 0);
            world.flush(peer);
        }
        announce(&mut world, after);
        world.settle();
        for peer in 0..3 {
            let new = messages(&world, peer) - heard[peer];
            let what = match (new, had[peer].is_empty(), told(&world, peer).is_empty()) {
                (0, ..) => "-",
                (1, _, false) => "announce",
                (1, false, true) => "withdraw",
                other => panic!("{row}: {other:?}"),
            };
            assert_eq!(
                what,
                expected[peer],
                "{row}: what {} hears",
                &"abc"[peer..=peer]
            );
            world.check_told(peer);
        }
    }
}

#[test]
fn many_prefixes_of_a_set_share_few_messages_whatever_their_shards() {
    for shards in [1, 16] {
        let mut world = World::new(shards, 1);
        world.add(SourceKind::Ebgp, Asn(64500));
        world.add(SourceKind::Ebgp, Asn(64501));
        world.join(1, 0);
        world.settle();
        let nets: Vec<IpNet> = (0..4000).map(|n| net(2 * n)).collect();
        for nets in nets.chunks(800) {
            let attrs = set(FAMILIES[0], Asn(64500), 2, |_| {});
            world.announce(0, nets, 0, attrs.as_ref());
        }
        world.flush(0);
        let before = world.exporter.stats().encoded;
        world.settle();
        // 4,000 of four octets, and a thousand fit into a message.
        assert_eq!(
            world.exporter.stats().encoded - before,
            4,
            "with {shards} shards"
        );
        world.check_told(1);
    }
}

#[test]
fn another_policy_withdraws_what_it_rejects_and_tells_what_it_lets_pass() {
    let mut world = clients(3);
    announce(&mut world, 0, 0..100, distinct);
    world.settle();
    let idx = world.peers[2].idx;
    let open = world.key(2, 0);
    let mut closed = open.clone();
    closed.rules.policy = RoutePolicy::RejectAll(PolicyReject::NoPolicy);
    // Some of what it was told changes and goes before the exporter comes.
    world.withdraw(0, &[net(0), net(1)], 0);
    world.flush(0);
    for (key, left) in [(closed, 0), (open, 98)] {
        assert!(world.exporter.rekey(&world.rib, idx, key.clone()));
        world.peers[2].told.as_mut().unwrap().key = key;
        world.settle();
        assert_eq!(world.peers[2].told.as_ref().unwrap().routes.len(), left);
        world.check_told(2);
        world.check_told(1);
    }
    assert_eq!(
        world.exporter.groups(),
        1,
        "with its old key it is in its old group"
    );
    // Next hops to be rewritten: everything is told again, nothing withdrawn.
    let mut key = world.key(2, 0);
    key.rules.next_hop_self = true;
    assert!(world.exporter.rekey(&world.rib, idx, key.clone()));
    world.peers[2].told.as_mut().unwrap().key = key;
    world.settle();
    world.check_told(2);
    // What was negotiated cannot change.
    assert!(!world.exporter.rekey(&world.rib, idx, world.key(2, 3)));
}
