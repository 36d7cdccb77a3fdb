//! Two peers find each other and agree.

use std::time::Duration;

use bgp_session::{Effect, Event, FamilyConfig, IdleReason, Side, State};
use bgp_wire::{Asn, Family, PeerKind, RefreshSubtype};

use crate::pair::{A, B, Pair, SECOND, config, downs, hold, ups};

#[test]
fn two_peers_establish_and_agree() {
    let pair = Pair::established();
    assert!(pair.elapsed() < SECOND, "{:?}", pair.elapsed());
    for (node, other) in [(A, B), (B, A)] {
        let peer = &pair.nodes[node].peer;
        let negotiated = peer.negotiated().unwrap();
        assert_eq!(negotiated.remote_as, config(other).local_as);
        assert_eq!(negotiated.remote_router_id, config(other).router_id);
        assert_eq!(negotiated.hold_time, hold(90));
        assert_eq!(negotiated.keepalive, Some(30 * SECOND));
        assert_eq!(negotiated.families.len(), 2);
        assert!(negotiated.route_refresh && negotiated.enhanced_refresh);
        assert_eq!(negotiated.ctx.max_message, 65535);
        assert_eq!(negotiated.ctx.peer_kind, PeerKind::External);
        assert!(
            negotiated
                .ctx
                .extended_next_hop
                .contains(Family::IPV4_UNICAST)
        );
        assert!(
            !negotiated
                .ctx
                .extended_next_hop
                .contains(Family::IPV6_UNICAST)
        );
        assert_eq!(ups(&pair, node), 1);
        assert_eq!(peer.stats().impossible_events, 0);
    }
}

#[test]
fn both_connecting_at_once_end_with_the_connection_of_the_higher_identifier() {
    for seed in 0..50 {
        let mut pair = Pair::with([config(A), config(B)], seed);
        pair.establish();
        pair.run_for(10 * SECOND);
        assert!(pair.is_up(), "seed {seed}: {:?}", pair.states());
        for node in [A, B] {
            let peer = &pair.nodes[node].peer;
            assert_eq!(ups(&pair, node), 1, "seed {seed}");
            assert_eq!(downs(&pair, node), [], "seed {seed}");
            assert_eq!(peer.failures(), 0, "a collision is not a failure");
            let kept = peer.negotiated().unwrap();
            assert_eq!(kept.side == Side::Outgoing, node == B, "seed {seed}");
        }
        let collisions = pair
            .nodes
            .iter()
            .map(|n| n.peer.stats().collisions)
            .sum::<u64>();
        assert!(collisions >= 1, "the test is about a collision");
    }
}

#[test]
fn one_connecting_a_little_later_ends_with_one_session_too() {
    for delay_ms in 0..60 {
        let mut pair = Pair::new();
        pair.nodes[A].peer.start(pair.now);
        pair.nodes[B].listening = false;
        pair.run_for(Duration::from_millis(1));
        pair.nodes[B].listening = true;
        pair.run_for(Duration::from_millis(delay_ms));
        pair.nodes[B].peer.start(pair.now);
        pair.run_for(20 * SECOND);
        assert!(pair.is_up(), "delay {delay_ms}: {:?}", pair.states());
        assert_eq!([ups(&pair, A), ups(&pair, B)], [1, 1], "delay {delay_ms}");
    }
}

#[test]
fn a_passive_peer_waits_and_accepts() {
    let mut passive = config(A);
    passive.passive = true;
    let mut pair = Pair::with([passive, config(B)], 3);
    pair.nodes[A].peer.start(pair.now);
    pair.run_for(1000 * SECOND);
    assert_eq!(pair.nodes[A].peer.state(), State::Active);
    assert_eq!(pair.nodes[A].dials, []);
    pair.nodes[B].peer.start(pair.now);
    pair.run_for(SECOND);
    assert!(pair.is_up());
}

/// The peer gives its connection up and nobody tells us: its OPEN will never come.
#[test]
fn a_peer_that_comes_again_before_its_open_came_is_let_in() {
    let mut configs = [config(A), config(B)];
    configs[B].passive = true;
    let mut pair = Pair::with(configs, 3);
    pair.start();
    // Its SYN is under way.
    pair.run_for(pair.latency / 2);
    pair.cut = true;
    pair.run_for(20 * SECOND);
    assert_eq!(pair.states(), [State::Connect, State::OpenSent]);
    pair.cut = false;
    pair.run_until(30 * SECOND, Pair::is_up);
    assert!(pair.is_up(), "{:?}", pair.states());
    let peer = &pair.nodes[B].peer;
    assert_eq!((peer.stats().refused, peer.failures()), (0, 0));
}

#[test]
fn two_passive_peers_never_meet() {
    let mut pair = Pair::with(
        [config(A), config(B)].map(|mut c| {
            c.passive = true;
            c
        }),
        1,
    );
    pair.start();
    pair.run_for(10_000 * SECOND);
    assert_eq!(pair.states(), [State::Active; 2]);
}

#[test]
fn the_wrong_as_is_refused_with_2_2_and_rested() {
    let mut wrong = config(B);
    wrong.local_as = Asn(64999);
    let mut pair = Pair::with([config(A), wrong], 5);
    pair.start();
    pair.run_for(SECOND / 2);
    let sent = pair.nodes[A].peer.last_errors().sent.clone().unwrap().what;
    assert_eq!((sent.code, sent.subcode), (2, 2));
    let received = pair.nodes[B]
        .peer
        .last_errors()
        .received
        .clone()
        .unwrap()
        .what;
    assert_eq!((received.code, received.subcode), (2, 2));
    assert_eq!(pair.nodes[A].peer.idle_reason(), Some(IdleReason::BackOff));
    pair.run_for(3600 * SECOND);
    assert_eq!([ups(&pair, A), ups(&pair, B)], [0, 0]);
    let opens = pair.nodes[A].peer.stats().sent.open;
    assert!((20..200).contains(&opens), "{opens} attempts in an hour");
    // Once it is right, it works.
    let now = pair.now;
    let effect = pair.nodes[B].peer.reconfigure(config(B), now);
    assert_eq!(effect, Effect::Reset);
    pair.run_for(300 * SECOND);
    assert!(pair.is_up());
}

#[test]
fn no_common_family_is_refused_with_the_capabilities_asked_for() {
    let mut only_v6 = config(A);
    only_v6.families = vec![FamilyConfig::plain(Family::IPV6_UNICAST)];
    let mut only_v4 = config(B);
    only_v4.families = vec![FamilyConfig::plain(Family::IPV4_UNICAST)];
    let mut pair = Pair::with([only_v6, only_v4], 5);
    pair.start();
    pair.run_for(SECOND / 2);
    let sent = pair.nodes[A].peer.last_errors().sent.clone().unwrap().what;
    assert_eq!(
        (sent.code, sent.subcode, &sent.data[..]),
        (2, 7, &[1, 4, 0, 2, 0, 1][..])
    );
    let sent = pair.nodes[B].peer.last_errors().sent.clone().unwrap().what;
    assert_eq!(
        (sent.code, sent.subcode, &sent.data[..]),
        (2, 7, &[1, 4, 0, 1, 0, 1][..])
    );
    pair.run_for(3600 * SECOND);
    assert_eq!([ups(&pair, A), ups(&pair, B)], [0, 0]);
}

#[test]
fn only_what_both_offer_is_active() {
    let mut a = config(A);
    a.families = vec![
        FamilyConfig {
            family: Family::IPV4_UNICAST,
            add_path_receive: true,
            add_path_send: true,
        },
        FamilyConfig {
            family: Family::IPV6_UNICAST,
            add_path_receive: false,
            add_path_send: true,
        },
    ];
    let mut b = config(B);
    b.families = vec![FamilyConfig {
        family: Family::IPV4_UNICAST,
        add_path_receive: true,
        add_path_send: false,
    }];
    b.extended_message = false;
    b.extended_next_hop = false;
    b.hold_time = hold(30);
    b.keepalive = Some(4 * SECOND);
    let mut pair = Pair::with([a, b], 5);
    pair.establish();
    let [a, b] = [A, B].map(|n| pair.nodes[n].peer.negotiated().unwrap().clone());
    for n in [&a, &b] {
        assert_eq!(
            n.families.iter().collect::<Vec<_>>(),
            [Family::IPV4_UNICAST]
        );
        assert_eq!(n.hold_time, hold(30));
        assert_eq!(n.ctx.max_message, 4096);
        assert!(n.ctx.extended_next_hop.is_empty());
    }
    assert_eq!(
        (a.keepalive, b.keepalive),
        (Some(10 * SECOND), Some(4 * SECOND))
    );
    assert!(a.ctx.add_path_send.contains(Family::IPV4_UNICAST));
    assert!(a.ctx.add_path_receive.is_empty());
    assert!(b.ctx.add_path_receive.contains(Family::IPV4_UNICAST));
    assert!(b.ctx.add_path_send.is_empty());
}

#[test]
fn route_refresh_and_its_markers_arrive_in_order() {
    let mut pair = Pair::established();
    assert!(pair.nodes[A].peer.request_refresh(Family::IPV6_UNICAST));
    assert!(
        !pair.nodes[A].peer.request_refresh(Family::IPV4_VPN),
        "not negotiated"
    );
    pair.run_for(SECOND);
    assert!(
        pair.nodes[B]
            .peer
            .send_refresh_marker(Family::IPV6_UNICAST, RefreshSubtype::Begin)
    );
    assert!(
        pair.nodes[B]
            .peer
            .send_refresh_marker(Family::IPV6_UNICAST, RefreshSubtype::End)
    );
    assert!(
        !pair.nodes[B]
            .peer
            .send_refresh_marker(Family::IPV6_UNICAST, RefreshSubtype::Request)
    );
    pair.run_for(SECOND);
    let v6 = Family::IPV6_UNICAST;
    assert_eq!(
        pair.count_events(B, |e| *e == Event::RefreshRequested(v6)),
        1
    );
    let told: Vec<&Event> = pair.nodes[A].events.iter().map(|(_, e)| e).collect();
    assert_eq!(
        &told[told.len() - 2..],
        [&Event::RefreshBegin(v6), &Event::RefreshEnd(v6)]
    );
    assert_eq!(pair.nodes[B].peer.stats().sent.route_refresh, 2);
}

#[test]
fn the_sink_sees_the_markers_of_a_refresh_in_their_place_among_the_updates_of_a_read() {
    let mut pair = Pair::established();
    pair.run_for(SECOND);
    let before = pair.nodes[A].sink.updates;
    let marker = |subtype| {
        let mut out = bytes::BytesMut::new();
        bgp_wire::encode_route_refresh(&mut out, Family::IPV4_UNICAST, subtype);
        out.to_vec()
    };
    let mut update = vec![0xff; 16];
    update.extend([0, 23, 2, 0, 0, 0, 0]);
    let read = [
        update.clone(),
        marker(RefreshSubtype::Begin),
        update.repeat(2),
        marker(RefreshSubtype::End),
        update,
    ];
    pair.inject(B, &read.concat());
    pair.run_for(SECOND);
    let sink = &pair.nodes[A].sink;
    assert_eq!(sink.updates, before + 4);
    assert_eq!(
        sink.markers,
        [
            (RefreshSubtype::Begin, before + 1),
            (RefreshSubtype::End, before + 3)
        ]
    );
}

#[test]
fn bytes_one_at_a_time_make_no_difference() {
    let mut pair = Pair::new();
    for node in &mut pair.nodes {
        node.dribble = true;
    }
    pair.establish();
    pair.send_updates(A, 50);
    pair.run_for(200 * SECOND);
    assert!(pair.is_up());
    assert_eq!(pair.nodes[B].sink.updates, 50);
}
