//! Two machines talk to each other over a simulated network.

mod pair;

use std::time::Duration;

use bgp_session::{
    ConnectFailure, DownReason, Effect, Event, FamilyConfig, IdleReason, ResetReason, State,
    StopReason,
};
use bgp_wire::{Asn, Family, Notification, PeerKind, RefreshSubtype};

use pair::{A, B, Pair, config, hold};

const SECOND: Duration = Duration::from_secs(1);

fn downs(pair: &Pair, node: usize) -> Vec<DownReason> {
    let down = |event: &Event| match event {
        Event::Down(why) => Some(why.clone()),
        _ => None,
    };
    pair.nodes[node]
        .events
        .iter()
        .filter_map(|(_, e)| down(e))
        .collect()
}

fn ups(pair: &Pair, node: usize) -> usize {
    pair.count_events(node, |e| matches!(e, Event::Established(_)))
}

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
            assert_eq!(
                kept.side == bgp_session::Side::Outgoing,
                node == B,
                "seed {seed}"
            );
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
fn silence_ends_the_session_when_the_hold_time_is_over() {
    let mut pair = Pair::established();
    pair.run_for(100 * SECOND);
    assert!(pair.is_up());
    pair.cut = true;
    let cut_at = pair.elapsed();
    pair.run_until(200 * SECOND, |p| !p.states().contains(&State::Established));
    let after = pair.elapsed() - cut_at;
    assert!(after > 60 * SECOND && after <= 90 * SECOND, "{after:?}");
    for node in [A, B] {
        assert_eq!(downs(&pair, node), [DownReason::HoldTimerExpired]);
        let peer = &pair.nodes[node].peer;
        let sent = peer.last_errors().sent.as_ref().unwrap();
        assert_eq!(sent.what, Notification::hold_timer_expired());
        assert_eq!(peer.stats().flaps, 1);
    }
    let idle = pair.nodes[A]
        .peer
        .idle_reason()
        .or_else(|| pair.nodes[B].peer.idle_reason());
    assert_eq!(idle, Some(IdleReason::HoldTimerExpired));
    // The network comes back, and so does the session.
    pair.cut = false;
    pair.run_for(60 * SECOND);
    assert!(pair.is_up());
}

/// The figure that issue and users care about: no silence of more than 1.1 times the interval; and RFC 4271 §4.4: no more
/// than one KEEPALIVE in a second.
#[test]
fn keepalives_are_on_time_and_not_too_many() {
    for (hold_secs, interval) in [(3, 1.0), (9, 3.0), (90, 30.0), (10, 10.0 / 3.0)] {
        let mut pair = Pair::with(
            [config(A), config(B)].map(|mut c| {
                c.hold_time = hold(hold_secs);
                c
            }),
            11,
        );
        pair.establish();
        let from = pair.elapsed();
        pair.run_for(300 * SECOND * hold_secs.into());
        assert!(pair.is_up());
        for node in [A, B] {
            let gap = pair.longest_gap(node, from).as_secs_f64();
            assert!(gap <= interval * 1.1, "hold {hold_secs}: a gap of {gap}");
            assert!(
                gap > interval * 0.9,
                "hold {hold_secs}: {gap}: is there no jitter?"
            );
            let keepalives: Vec<_> = pair.nodes[node].heard.iter().filter(|h| h.1 == 4).collect();
            let closest = keepalives[2..]
                .windows(2)
                .map(|w| w[1].0 - w[0].0)
                .min()
                .unwrap();
            assert!(closest >= SECOND, "hold {hold_secs}: {closest:?} apart");
            assert!(closest >= SECOND.mul_f64(interval * 0.75));
        }
    }
}

#[test]
fn updates_count_as_keepalives() {
    let mut pair = Pair::established();
    let before = pair.nodes[A].peer.stats().sent.keepalive;
    let from = pair.elapsed();
    for _ in 0..100 {
        pair.run_for(10 * SECOND);
        pair.send_updates(A, 3);
    }
    pair.run_for(SECOND);
    let stats = pair.nodes[A].peer.stats();
    assert_eq!(stats.sent.keepalive, before, "none was needed");
    assert_eq!(stats.sent.update, 300);
    assert_eq!(pair.nodes[B].peer.stats().received.update, 300);
    assert_eq!(pair.nodes[B].sink.updates, 300);
    assert!(pair.is_up());
    assert!(pair.longest_gap(A, from) <= 10 * SECOND + pair.latency);
    assert_eq!(
        pair.count_events(B, |e| *e == Event::EndOfRib(Family::IPV4_UNICAST)),
        300
    );
}

#[test]
fn a_hold_time_of_zero_means_silence_is_fine() {
    let mut zero = config(A);
    zero.hold_time = hold(0);
    let mut pair = Pair::with([zero, config(B)], 2);
    pair.establish();
    let sent = [A, B].map(|n| pair.nodes[n].peer.stats().sent);
    pair.run_for(100_000 * SECOND);
    assert!(pair.is_up());
    for (node, sent) in pair.nodes.iter().zip(sent) {
        assert_eq!(node.peer.negotiated().unwrap().keepalive, None);
        assert_eq!(node.peer.stats().sent, sent);
        assert_eq!(node.peer.poll_timeout(), None);
    }
}

#[test]
fn the_text_of_a_shutdown_arrives() {
    let mut pair = Pair::established();
    let sent_before = pair.nodes[B].peer.stats().sent.notification;
    let now = pair.now;
    pair.nodes[A]
        .peer
        .stop(StopReason::Shutdown("moving to rack 7".into()), now);
    pair.run_for(SECOND / 10);
    assert_eq!(
        pair.nodes[A].peer.idle_reason(),
        Some(IdleReason::AdminDown)
    );
    assert_eq!(
        downs(&pair, A),
        [DownReason::Stopped(StopReason::Shutdown(
            "moving to rack 7".into()
        ))]
    );
    let received = pair.nodes[B].peer.last_errors().received.clone().unwrap();
    assert_eq!((received.what.code, received.what.subcode), (6, 2));
    assert_eq!(
        received.what.communication().as_deref(),
        Some("moving to rack 7")
    );
    assert_eq!(received.at, now + pair.latency);
    assert_eq!(
        downs(&pair, B),
        [DownReason::NotificationReceived(received.what)]
    );
    assert_eq!(
        pair.nodes[B].peer.stats().sent.notification,
        sent_before,
        "a NOTIFICATION is not answered"
    );
    // It stays down whatever B tries, and comes back when it is started.
    pair.run_for(1000 * SECOND);
    assert_eq!(pair.nodes[A].peer.state(), State::Idle);
    assert_eq!(pair.nodes[A].peer.poll_timeout(), None);
    let now = pair.now;
    pair.nodes[A].peer.start(now);
    pair.run_for(200 * SECOND);
    assert!(pair.is_up());
}

#[test]
fn other_ends_have_their_cease() {
    type End = fn(&mut Pair);
    let cases: [(End, u8); 4] = [
        (|p| p.nodes[A].peer.stop(StopReason::Deconfigured, p.now), 3),
        (
            |p| {
                p.nodes[A]
                    .peer
                    .reset(ResetReason::Administrative("again".into()), p.now)
            },
            4,
        ),
        (
            |p| {
                p.nodes[A]
                    .peer
                    .reset(ResetReason::ConfigurationChange, p.now)
            },
            6,
        ),
        (
            |p| {
                let many = Notification::cease_max_prefixes(Family::IPV4_UNICAST, 5);
                p.nodes[A].peer.fail(many, p.now);
            },
            1,
        ),
    ];
    for (end, subcode) in cases {
        let mut pair = Pair::established();
        end(&mut pair);
        pair.run_for(SECOND / 10);
        let received = pair.nodes[B]
            .peer
            .last_errors()
            .received
            .clone()
            .unwrap()
            .what;
        assert_eq!((received.code, received.subcode), (6, subcode));
        pair.run_for(30 * SECOND);
        assert_eq!(pair.is_up(), subcode != 3, "6/{subcode}");
    }
}

#[test]
fn a_fault_keeps_the_peer_down_until_it_is_started() {
    let mut pair = Pair::established();
    let why = Notification::cease_max_prefixes(Family::IPV6_UNICAST, 5);
    let now = pair.now;
    pair.nodes[A].peer.stop(StopReason::Fault(why.clone()), now);
    pair.run_for(500 * SECOND);
    assert_eq!(pair.nodes[A].peer.idle_reason(), Some(IdleReason::Fault));
    assert_eq!(
        pair.nodes[B]
            .peer
            .last_errors()
            .received
            .as_ref()
            .unwrap()
            .what,
        why
    );
    let now = pair.now;
    pair.nodes[A].peer.start(now);
    pair.run_for(200 * SECOND);
    assert!(pair.is_up());
}

#[test]
fn refused_connections_come_more_and_more_slowly() {
    let mut pair = Pair::new();
    pair.nodes[B].listening = false;
    pair.nodes[A].peer.start(pair.now);
    pair.run_for(SECOND / 2);
    let peer = &pair.nodes[A].peer;
    assert_eq!(peer.state(), State::Idle);
    assert_eq!(peer.idle_reason(), Some(IdleReason::ConnectionRefused));
    assert!(peer.next_retry().is_some());
    let failure = peer.last_errors().failure.clone().unwrap().what;
    assert_eq!(failure, DownReason::ConnectFailed(ConnectFailure::Refused));
    pair.run_for(1000 * SECOND);
    let gaps: Vec<f64> = pair.nodes[A]
        .dials
        .windows(2)
        .map(|w| (w[1] - w[0]).as_secs_f64())
        .collect();
    let expected = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 120.0, 120.0];
    for (gap, expected) in gaps.iter().zip(expected) {
        assert!(*gap > 0.75 * expected && *gap < expected + 0.1, "{gaps:?}");
    }
    assert!(gaps.len() >= expected.len(), "{gaps:?}");
    // The peer is back: one more wait at most.
    pair.nodes[B].listening = true;
    pair.nodes[B].peer.start(pair.now);
    pair.run_for(SECOND);
    assert!(
        pair.is_up(),
        "the other side connects: we listen while we rest from connecting"
    );
}

#[test]
fn a_session_that_lasted_makes_failures_forgotten() {
    let mut pair = Pair::new();
    pair.nodes[B].listening = false;
    pair.nodes[A].peer.start(pair.now);
    pair.run_for(20 * SECOND);
    assert!(pair.nodes[A].peer.failures() > 3);
    pair.nodes[B].listening = true;
    pair.nodes[B].peer.start(pair.now);
    pair.run_for(100 * SECOND);
    assert!(pair.is_up());
    let conn = pair.nodes[A].peer.session().unwrap();
    let now = pair.now;
    pair.nodes[A].peer.handle_closed(conn, now);
    assert_eq!(pair.nodes[A].peer.failures(), 1);
    assert_eq!(
        pair.nodes[A].peer.next_retry().map(|at| at - now <= SECOND),
        Some(true)
    );
}

#[test]
fn a_session_that_keeps_breaking_is_damped() {
    // B does not rest, so that A's failures are only the ones made here.
    let mut b = config(B);
    b.idle_hold.first = Duration::from_millis(1);
    b.idle_hold.max = Duration::from_millis(1);
    let mut pair = Pair::with([config(A), b], 4);
    pair.establish();
    let mut rests = Vec::new();
    for _ in 0..6 {
        pair.run_until(300 * SECOND, Pair::is_up);
        pair.run_for(SECOND);
        let now = pair.now;
        pair.nodes[A].peer.fail(Notification::fsm(0), now);
        rests.push((pair.nodes[A].peer.next_retry().unwrap() - now).as_secs_f64());
    }
    for (rest, expected) in rests.iter().zip([1.0, 2.0, 4.0, 8.0, 16.0, 32.0]) {
        assert!(*rest >= 0.75 * expected && *rest <= expected, "{rests:?}");
    }
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
fn who_does_not_read_is_given_up_by_the_send_hold_timer() {
    let mut pair = Pair::established();
    pair.nodes[A].stuck = true;
    let from = pair.elapsed();
    // B hears nothing of A and would give up first; here only A's side is of interest, so B's keepalives go on.
    pair.run_until(1000 * SECOND, |p| p.states()[A] != State::Established);
    assert_eq!(downs(&pair, A).len(), 1);
    // With 90 s, the peer's hold timer is earlier than 8 minutes: the session ends, but not by ours.
    assert_ne!(downs(&pair, A), [DownReason::SendHoldTimerExpired]);
    assert!(pair.elapsed() - from < 120 * SECOND);

    let mut quick = config(A);
    quick.send_hold = Some(40 * SECOND);
    let mut pair = Pair::with([quick, config(B)], 5);
    pair.establish();
    pair.nodes[A].stuck = true;
    let from = pair.elapsed();
    pair.run_until(1000 * SECOND, |p| p.states()[A] != State::Established);
    assert_eq!(downs(&pair, A), [DownReason::SendHoldTimerExpired]);
    let after = pair.elapsed() - from;
    assert!(after >= 40 * SECOND && after <= 70 * SECOND, "{after:?}");
    let sent = pair.nodes[A].peer.last_errors().sent.clone().unwrap().what;
    assert_eq!((sent.code, sent.subcode), (8, 0));
}

#[test]
fn progress_disarms_the_send_hold_timer() {
    let mut quick = config(A);
    quick.send_hold = Some(40 * SECOND);
    let mut pair = Pair::with([quick, config(B)], 5);
    pair.establish();
    for _ in 0..20 {
        let now = pair.now;
        pair.nodes[A].peer.write_blocked(now);
        pair.run_for(39 * SECOND);
        pair.nodes[A].peer.sent_bytes();
    }
    assert!(pair.is_up());
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

#[test]
fn garbage_gets_its_notification_and_the_session_comes_back() {
    let header = |length: u16, kind: u8| {
        let mut bytes = vec![0xff; 16];
        bytes.extend(length.to_be_bytes());
        bytes.push(kind);
        bytes
    };
    let cases: [(Vec<u8>, u8, u8); 7] = [
        (b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n".to_vec(), 1, 1),
        (header(18, 4), 1, 2),
        (header(20, 4), 1, 2),
        (header(19, 9), 1, 3),
        // An OPEN in Established.
        (
            [header(29, 1), vec![4, 0xfd, 0xe9, 0, 90, 10, 0, 0, 1, 0]].concat(),
            5,
            3,
        ),
        // An UPDATE whose withdrawn routes overrun it.
        ([header(23, 2), vec![0, 9, 0, 0]].concat(), 3, 1),
        // A BoRR that is too long.
        ([header(24, 5), vec![0, 1, 1, 1, 0]].concat(), 7, 1),
    ];
    for (bytes, code, subcode) in cases {
        let mut pair = Pair::established();
        // What follows the error is not looked at.
        pair.inject(B, &[bytes, header(23, 2), vec![0; 4]].concat());
        pair.run_for(SECOND / 10);
        let sent = pair.nodes[A].peer.last_errors().sent.clone().unwrap().what;
        assert_eq!((sent.code, sent.subcode), (code, subcode));
        assert_eq!(downs(&pair, A), [DownReason::NotificationSent(sent)]);
        assert_eq!(pair.nodes[A].sink.updates, 0);
        pair.run_for(60 * SECOND);
        assert!(pair.is_up());
    }
}

#[test]
fn a_peer_that_closes_is_connected_to_again() {
    let mut pair = Pair::established();
    pair.run_for(5 * SECOND);
    let conn = pair.nodes[A].peer.session().unwrap();
    let now = pair.now;
    pair.nodes[A].peer.handle_closed(conn, now);
    assert_eq!(
        pair.nodes[A].peer.last_errors().down.as_ref().unwrap().what,
        DownReason::ConnectionClosed
    );
    pair.run_for(200 * SECOND);
    assert!(pair.is_up());
    assert_eq!(ups(&pair, A), 2);
}

#[test]
fn reconfiguring_does_what_its_effect_says() {
    type Change = fn(&mut bgp_session::PeerConfig);
    let cases: [(&str, Change, Effect); 19] = [
        ("nothing", |_| {}, Effect::None),
        ("order of families", |c| c.families.reverse(), Effect::None),
        (
            "keepalive",
            |c| c.keepalive = Some(5 * SECOND),
            Effect::InPlace,
        ),
        (
            "connect retry",
            |c| c.connect_retry = 5 * SECOND,
            Effect::InPlace,
        ),
        (
            "send hold",
            |c| c.send_hold = Some(99 * SECOND),
            Effect::InPlace,
        ),
        (
            "idle hold",
            |c| c.idle_hold.max = 9 * SECOND,
            Effect::InPlace,
        ),
        ("passive", |c| c.passive = true, Effect::InPlace),
        (
            "hostname",
            |c| c.hostname = Some("node-1".into()),
            Effect::InPlace,
        ),
        (
            "version",
            |c| c.software_version = Some("cosmos".into()),
            Effect::InPlace,
        ),
        ("import", |c| c.import_revision = 1, Effect::RefreshIn),
        (
            "first AS",
            |c| c.enforce_first_as = false,
            Effect::RefreshIn,
        ),
        ("export", |c| c.export_revision = 1, Effect::RefreshOut),
        ("router id", |c| c.router_id.0 += 77, Effect::Reset),
        ("fewer families", |c| c.families.truncate(1), Effect::Reset),
        (
            "add-path",
            |c| c.families[0].add_path_send = true,
            Effect::Reset,
        ),
        ("hold time", |c| c.hold_time = hold(30), Effect::Reset),
        (
            "extended next hop",
            |c| c.extended_next_hop = false,
            Effect::Reset,
        ),
        (
            "extended message",
            |c| c.extended_message = false,
            Effect::Reset,
        ),
        (
            "both policies",
            |c| {
                c.import_revision = 1;
                c.export_revision = 1;
            },
            Effect::RefreshBoth,
        ),
    ];
    for (what, change, expected) in cases {
        let mut pair = Pair::established();
        let mut config = config(A);
        change(&mut config);
        let now = pair.now;
        assert_eq!(
            pair.nodes[A].peer.reconfigure(config.clone(), now),
            expected,
            "{what}"
        );
        assert_eq!(bgp_session::effect_of(&config, &config), Effect::None);
        pair.run_for(30 * SECOND);
        assert!(pair.is_up(), "{what}");
        let sessions = if expected == Effect::Reset { 2 } else { 1 };
        assert_eq!([ups(&pair, A), ups(&pair, B)], [sessions; 2], "{what}");
        assert_eq!(pair.nodes[A].peer.config(), &config);
        if what == "keepalive" {
            pair.run_for(10 * SECOND);
            let from = pair.elapsed();
            pair.run_for(100 * SECOND);
            assert!(pair.longest_gap(A, from) <= 5 * SECOND);
        }
        if what == "first AS" {
            assert!(
                !pair.nodes[A]
                    .peer
                    .negotiated()
                    .unwrap()
                    .ctx
                    .enforce_first_as
            );
        }
    }
}

#[test]
fn administratively_down_by_configuration_and_up_again() {
    let mut pair = Pair::established();
    let mut down = config(A);
    down.admin_down = Some("maintenance".into());
    let now = pair.now;
    assert_eq!(pair.nodes[A].peer.reconfigure(down, now), Effect::Reset);
    pair.run_for(100 * SECOND);
    assert_eq!(
        pair.nodes[A].peer.idle_reason(),
        Some(IdleReason::AdminDown)
    );
    let received = pair.nodes[B]
        .peer
        .last_errors()
        .received
        .clone()
        .unwrap()
        .what;
    assert_eq!(received.communication().as_deref(), Some("maintenance"));
    let now = pair.now;
    assert_eq!(
        pair.nodes[A].peer.reconfigure(config(A), now),
        Effect::Reset
    );
    pair.run_for(200 * SECOND);
    assert!(pair.is_up());
}

#[test]
fn a_peer_configured_down_does_not_start() {
    let mut down = config(A);
    down.admin_down = Some(String::new());
    let mut pair = Pair::with([down, config(B)], 1);
    pair.start();
    pair.run_for(100 * SECOND);
    assert_eq!(
        pair.nodes[A].peer.idle_reason(),
        Some(IdleReason::AdminDown)
    );
    assert_eq!(pair.nodes[A].dials, []);
    assert!(pair.nodes[A].peer.stats().refused > 0);
    assert_eq!(pair.nodes[A].peer.refusal().subcode, 5);
}

#[test]
fn a_reset_cuts_a_rest_short() {
    let mut pair = Pair::new();
    pair.nodes[B].listening = false;
    pair.nodes[A].peer.start(pair.now);
    pair.run_for(200 * SECOND);
    let dials = pair.nodes[A].dials.len();
    let now = pair.now;
    pair.nodes[A]
        .peer
        .reset(ResetReason::Administrative(String::new()), now);
    pair.run_for(SECOND / 100);
    assert_eq!(pair.nodes[A].dials.len(), dials + 1);
    assert_eq!(pair.nodes[A].peer.failures(), 0);
}

#[test]
fn a_retry_leaves_a_session_alone_and_makes_an_attempt_anew() {
    let mut pair = Pair::established();
    let now = pair.now;
    pair.nodes[A].peer.retry(now);
    pair.run_for(SECOND);
    assert!(pair.is_up());
    assert_eq!([ups(&pair, A), ups(&pair, B)], [1, 1]);

    let mut pair = Pair::new();
    pair.cut = true;
    pair.nodes[A].peer.start(pair.now);
    pair.run_for(SECOND);
    pair.cut = false;
    pair.nodes[B].peer.start(pair.now);
    pair.nodes[B].stuck = true;
    let now = pair.now;
    pair.nodes[A].peer.retry(now);
    pair.run_for(SECOND / 100);
    assert_eq!(pair.nodes[A].dials.len(), 2);
}

#[test]
fn a_connect_that_gets_no_answer_is_made_again() {
    let mut pair = Pair::new();
    pair.cut = true;
    pair.nodes[A].peer.start(pair.now);
    pair.run_for(100 * SECOND);
    let gaps: Vec<Duration> = pair.nodes[A]
        .dials
        .windows(2)
        .map(|w| w[1] - w[0])
        .collect();
    assert!(
        gaps.len() >= 5 && gaps.iter().all(|g| *g <= 15 * SECOND),
        "{gaps:?}"
    );
    assert_eq!(pair.nodes[A].peer.state(), State::Connect);
    let failure = pair.nodes[A]
        .peer
        .last_errors()
        .failure
        .clone()
        .unwrap()
        .what;
    assert_eq!(failure, DownReason::ConnectFailed(ConnectFailure::TimedOut));
}

#[test]
fn turning_passive_stops_connecting_and_turning_active_begins_again() {
    let mut pair = Pair::new();
    pair.nodes[B].listening = false;
    pair.nodes[A].peer.start(pair.now);
    pair.run_for(10 * SECOND);
    let mut passive = config(A);
    passive.passive = true;
    let now = pair.now;
    pair.nodes[A].peer.reconfigure(passive, now);
    let dials = pair.nodes[A].dials.len();
    pair.run_for(1000 * SECOND);
    assert_eq!(
        (pair.nodes[A].dials.len(), pair.nodes[A].peer.state()),
        (dials, State::Active)
    );
    let now = pair.now;
    pair.nodes[A].peer.reconfigure(config(A), now);
    pair.run_for(SECOND / 2);
    assert_eq!(pair.nodes[A].dials.len(), dials + 1);
}
