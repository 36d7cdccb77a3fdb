//! What happens when time passes: keepalives, silence, rests.

use std::time::Duration;

use bgp_session::{ConnectFailure, DownReason, Event, IdleReason, ResetReason, State};
use bgp_wire::{Family, Notification};

use crate::pair::{A, B, Pair, SECOND, config, downs, hold, ups};

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
fn refused_connections_come_more_slowly_but_often_enough_to_find_a_peer_that_is_back() {
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
    pair.run_for(200 * SECOND);
    let gaps: Vec<f64> = pair.nodes[A]
        .dials
        .windows(2)
        .map(|w| (w[1] - w[0]).as_secs_f64())
        .collect();
    let expected = [1.0, 2.0, 4.0, 8.0, 15.0, 15.0, 15.0, 15.0, 15.0];
    for (gap, expected) in gaps.iter().zip(expected) {
        assert!(*gap > 0.75 * expected && *gap < expected + 0.1, "{gaps:?}");
    }
    assert!(gaps.len() >= expected.len(), "{gaps:?}");
    // The peer is back.
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

/// RFC 9687 section 5 has it as the default.
#[test]
fn the_send_hold_time_is_eight_minutes_or_twice_a_long_hold_time() {
    for (ours, theirs, wanted) in [
        (90, 90, Some(480)),
        (240, 900, Some(480)),
        (241, 900, Some(482)),
        (900, 900, Some(1800)),
        (900, 90, Some(480)),
        (900, 0, None),
    ] {
        let mut configs = [config(A), config(B)];
        (configs[A].hold_time, configs[B].hold_time) = (hold(ours), hold(theirs));
        let mut pair = Pair::with(configs, 5);
        pair.establish();
        let told = pair.nodes[A].events.iter().find_map(|(_, event)| {
            let Event::Established(negotiated) = event else {
                return None;
            };
            Some(negotiated.send_hold)
        });
        let wanted = wanted.map(Duration::from_secs);
        assert_eq!(told, Some(wanted), "{ours} {theirs}");
    }
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
fn a_rest_that_ends_beside_a_session_does_not_connect() {
    let mut pair = Pair::new();
    pair.nodes[B].listening = false;
    pair.nodes[A].peer.start(pair.now);
    pair.run_for(100 * SECOND);
    assert!(pair.nodes[A].peer.next_retry().is_some());
    pair.nodes[B].peer.start(pair.now);
    pair.run_for(SECOND / 10);
    assert!(pair.is_up());
    pair.nodes[B].listening = true;
    let dials = pair.nodes[A].dials.len();
    pair.run_for(1000 * SECOND);
    assert_eq!(pair.nodes[A].dials.len(), dials);
    assert!(pair.is_up());
}

#[test]
fn resets_are_not_failures() {
    let mut pair = Pair::established();
    for _ in 0..8 {
        let now = pair.now;
        let peer = &mut pair.nodes[A].peer;
        peer.reset(ResetReason::Administrative(String::new()), now);
        assert_eq!(peer.failures(), 0);
        assert!(peer.next_retry().is_some_and(|at| at - now <= SECOND));
        pair.run_for(200 * SECOND);
        assert!(pair.is_up());
    }
}
