//! Stale routes: RFC 4724 §4.2 of those that wait for their peer, RFC 9494 §4.2 to §4.6 of those that wait for long.

mod support;

use bgp_wire::*;
use ipnet::IpNet;
use rib::decision::SourceKind;
use rib::{Row, Step};
use std::sync::Arc;
use support::*;

const V4: Family = Family::IPV4_UNICAST;

fn nets() -> [IpNet; 3] {
    ["192.0.2.0/26", "192.0.2.64/26", "192.0.2.128/26"].map(|net| net.parse().unwrap())
}

fn world() -> World {
    let world = World::new(4, 4);
    world.rib.open_fib_reader(Arc::new(()), None);
    world
}

/// A peer in another AS with which long-lived graceful restart is spoken.
fn peer(world: &mut World, asn: u32) -> usize {
    let peer = world.add(SourceKind::Ebgp, Asn(asn));
    let idx = world.peers[peer].idx;
    let info = rib::PeerInfo {
        long_lived: true,
        ..(*world.rib.peer(idx)).clone()
    };
    assert_eq!(world.rib.update_peer(idx, info), idx);
    peer
}

fn announce(world: &mut World, peer: usize, nets: &[IpNet], with: &[Community]) {
    let asn = world.peers[peer].asn;
    let attrs = set(V4, asn, 2, |editor| {
        editor.set_communities(with.iter().copied())
    });
    world.announce(peer, nets, 0, attrs.as_ref());
    world.flush(peer);
}

fn walk(
    world: &mut World,
    peer: usize,
    begin: impl Fn(&mut rib::Inbound, &rib::Rib) -> rib::Walk,
) -> usize {
    let inbound = &mut world.peers[peer].inbound;
    let mut walk = begin(inbound, &world.rib);
    // In steps of one destination, so that what one does must hold in the next.
    while !walk.step(&world.rib, 1) {}
    walk.removed()
}

/// How many destinations the kernel's reader has to look at.
fn to_kernel(world: &World) -> usize {
    let mut changes = Vec::new();
    world.rib.drain_fib(usize::MAX, &mut changes);
    changes.len()
}

fn counts(world: &World, peer: usize) -> (u32, u32, u32) {
    let counts = world.rib.peer_counts(world.peers[peer].idx, V4);
    (counts.received, counts.accepted, counts.stale)
}

fn rows_of(world: &World, net: IpNet) -> Vec<Row> {
    let rows = world.rows().into_iter();
    rows.filter(|row| row.route.net() == Some(net)).collect()
}

fn communities(row: &Row) -> Vec<Community> {
    row.attrs.as_ref().communities().collect()
}

/// RFC 4724 §4.2: "The router MUST NOT differentiate between stale and other routing information during forwarding."
#[test]
fn stale_routes_are_used_as_before_until_they_are_swept() {
    let mut world = world();
    let restarting = peer(&mut world, 64501);
    let other = peer(&mut world, 64502);
    let [a, b, c] = nets();
    announce(&mut world, restarting, &[a, b, c], &[]);
    announce(&mut world, other, &[a], &[]);
    assert_eq!(to_kernel(&world), 3);
    let before: Vec<_> = world
        .rows()
        .iter()
        .map(|row| (row.route, row.best))
        .collect();

    assert_eq!(
        walk(&mut world, restarting, |i, rib| i.mark_stale(rib, V4)),
        0
    );
    assert_eq!(counts(&world, restarting), (3, 3, 3));
    assert_eq!(counts(&world, other), (1, 1, 0));
    let after: Vec<_> = world
        .rows()
        .iter()
        .map(|row| (row.route, row.best))
        .collect();
    assert_eq!(before, after);
    assert_eq!(to_kernel(&world), 0);
    // Marked twice, stale once.
    walk(&mut world, restarting, |i, rib| i.mark_stale(rib, V4));
    assert_eq!(counts(&world, restarting), (3, 3, 3));

    // What comes again is fresh, also with the same attributes; what is withdrawn is gone.
    announce(&mut world, restarting, &[a], &[]);
    assert_eq!(counts(&world, restarting), (3, 3, 2));
    world.withdraw(restarting, &[b], 0);
    world.flush(restarting);
    assert_eq!(counts(&world, restarting), (2, 2, 1));

    assert_eq!(
        walk(&mut world, restarting, |i, rib| i.sweep_stale(rib, V4)),
        1
    );
    assert_eq!(counts(&world, restarting), (1, 1, 0));
    assert!(rows_of(&world, c).is_empty());
    assert_eq!(rows_of(&world, a).len(), 2);
}

/// §4.2: "The helper router MUST attach the LLGR_STALE community to the stale routes being retained", and those with NO_LLGR "MUST
/// NOT be retained"; §4.3: "Treat the route as the least preferred in route selection".
#[test]
fn routes_that_are_kept_for_long_carry_the_community_and_come_last() {
    let mut world = world();
    let restarting = peer(&mut world, 64501);
    let other = peer(&mut world, 64502);
    let [a, b, c] = nets();
    let tag = Community(0xfde8_0001);
    announce(&mut world, restarting, &[a], &[tag]);
    announce(&mut world, restarting, &[b], &[Community::NO_LLGR]);
    announce(&mut world, restarting, &[c], &[]);
    // Twice as long a path, so it is not the best.
    let long = set(V4, Asn(64502), 2, |editor| {
        editor.prepend_as_path(Asn(64502), 3)
    });
    world.announce(other, &[a], 0, long.as_ref());
    world.flush(other);
    let best = |world: &World, net| {
        let rows = rows_of(world, net);
        rows.iter().find(|row| row.best).map(|row| row.peer)
    };
    assert_eq!(best(&world, a), Some(world.peers[restarting].idx));

    walk(&mut world, restarting, |i, rib| i.mark_stale(rib, V4));
    // One comes again before the time is over.
    announce(&mut world, restarting, &[c], &[]);
    to_kernel(&world);
    let gone = walk(&mut world, restarting, |i, rib| i.keep_for_long(rib, V4));
    assert_eq!(gone, 1, "NO_LLGR");
    assert_eq!(counts(&world, restarting), (2, 2, 1));
    assert!(rows_of(&world, b).is_empty());
    assert_eq!(best(&world, a), Some(world.peers[other].idx));
    assert_eq!(to_kernel(&world), 2, "one has another way, one none");
    let rows = rows_of(&world, a);
    let kept = rows.iter().find(|row| !row.best).unwrap();
    assert!(kept.stale);
    assert_eq!(communities(kept), [tag, Community::LLGR_STALE]);
    let received = kept.received.as_ref().unwrap();
    assert_eq!(received.as_ref().communities().collect::<Vec<_>>(), [tag]);
    assert_eq!(communities(&rows_of(&world, c)[0]), []);
    // It says why.
    let explanation = world.rib.explain(a).unwrap();
    let losses: Vec<_> = explanation
        .paths
        .iter()
        .filter_map(|path| path.reason.loss().map(|loss| loss.step))
        .collect();
    assert_eq!(losses, [Step::LongLivedStale]);

    // Alone it is the best there is.
    world.withdraw(other, &[a], 0);
    world.flush(other);
    assert_eq!(best(&world, a), Some(world.peers[restarting].idx));
    // A second time changes nothing.
    assert_eq!(
        walk(&mut world, restarting, |i, rib| i.keep_for_long(rib, V4)),
        0
    );
    assert_eq!(
        communities(&rows_of(&world, a)[0]),
        [tag, Community::LLGR_STALE]
    );
    // Sets that nothing holds any more are freed, and those in use stay.
    world.rib.sweep();
    assert_eq!(
        communities(&rows_of(&world, a)[0]),
        [tag, Community::LLGR_STALE]
    );

    // The peer is back.
    announce(&mut world, restarting, &[a], &[tag]);
    assert_eq!(communities(&rows_of(&world, a)[0]), [tag]);
    assert_eq!(
        walk(&mut world, restarting, |i, rib| i.sweep_stale(rib, V4)),
        0
    );
}

/// §4.3: "upon receiving a route from that neighbor with the LLGR_STALE community", if "advertised the Long-Lived Graceful Restart
/// Capability to a neighbor": without it the community says nothing.
#[test]
fn a_route_that_came_as_stale_is_the_last_choice_where_that_was_agreed() {
    for agreed in [true, false] {
        let mut world = World::new(1, 1);
        let first = match agreed {
            true => peer(&mut world, 64501),
            false => world.add(SourceKind::Ebgp, Asn(64501)),
        };
        let second = peer(&mut world, 64502);
        let [a, ..] = nets();
        announce(&mut world, first, &[a], &[Community::LLGR_STALE]);
        announce(&mut world, second, &[a], &[]);
        let rows = rows_of(&world, a);
        let best = rows.iter().find(|row| row.best).unwrap().peer;
        // Else the lower address decides.
        let expected = if agreed { second } else { first };
        assert_eq!(best, world.peers[expected].idx);
    }
}
