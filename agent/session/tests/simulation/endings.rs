//! How sessions end, what the other side is told, and that they come back.

use std::time::Instant;

use bgp_session::{DownReason, IdleReason, Peer, ResetReason, State, StopReason};
use bgp_wire::{Family, Notification};

use crate::pair::{A, B, Pair, SECOND, downs, ups};

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

/// RFC 4271 §8.2.2, Established, event 18: no NOTIFICATION, which would not arrive.
#[test]
fn a_link_or_an_address_that_goes_ends_the_session_without_a_word_and_it_comes_back() {
    type Goes = fn(&mut Peer, Instant);
    let cases: [(Goes, DownReason, IdleReason); 2] = [
        (
            Peer::handle_link_down,
            DownReason::LinkDown,
            IdleReason::LinkDown,
        ),
        (
            Peer::handle_local_address_gone,
            DownReason::LocalAddressGone,
            IdleReason::NoLocalAddress,
        ),
    ];
    for (goes, down, idle_reason) in cases {
        let mut pair = Pair::established();
        let sent_before = pair.nodes[A].peer.stats().sent.notification;
        let now = pair.now;
        goes(&mut pair.nodes[A].peer, now);
        pair.run_for(SECOND / 10);
        assert_eq!(downs(&pair, A), [down]);
        assert_eq!(pair.nodes[A].peer.idle_reason(), Some(idle_reason));
        assert_eq!(pair.nodes[A].peer.stats().sent.notification, sent_before);
        // The driver has closed our end: B hears of it, as the link of this simulation works on.
        assert_eq!(downs(&pair, B), [DownReason::ConnectionClosed]);
        pair.run_for(200 * SECOND);
        assert!(pair.is_up());
        // Nothing runs over it any more, or yet.
        let mut idle = Pair::new();
        let now = idle.now;
        goes(&mut idle.nodes[A].peer, now);
        assert_eq!(downs(&idle, A), []);
    }
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
    let reason = pair.nodes[A].peer.idle_reason();
    assert_eq!(reason, Some(IdleReason::TooManyPrefixes));
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
