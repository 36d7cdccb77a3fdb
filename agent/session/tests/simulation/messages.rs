//! One machine, and a neighbour that is played by the test, octet by octet.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bgp_session::{Action, ConnId, DownReason, Event, Peer, PeerConfig, RemoteAs, Side, State};
use bgp_wire::{Asn, Family, RefreshSubtype, codes};
use bytes::BytesMut;

use crate::pair::{A, Sink, config, epoch};
use crate::raw::{RawOpen, keepalive, message, update};

/// The type of a message, and what it says if it is a NOTIFICATION.
type Sent = (u8, Option<(u8, u8, Vec<u8>)>);

pub(crate) struct Lone {
    pub(crate) peer: Peer,
    pub(crate) conn: ConnId,
    pub(crate) now: Instant,
    pub(crate) sink: Sink,
}

impl Lone {
    /// A passive peer to which a connection was made; it has sent its OPEN.
    pub(crate) fn new(mut config: PeerConfig) -> Self {
        config.passive = true;
        let now = epoch();
        let mut peer = Peer::new(config, 1);
        peer.start(now);
        let [local, remote] = [1, 2].map(|n| SocketAddr::from(([192, 0, 2, n], 179)));
        let conn = peer
            .handle_incoming(local, remote, now)
            .expect("a passive peer accepts");
        let mut lone = Self {
            peer,
            conn,
            now,
            sink: Sink::default(),
        };
        assert_eq!(lone.sent(), [(1, None)]);
        lone
    }

    /// The neighbour makes another connection.
    pub(crate) fn again(&mut self) {
        let [local, remote] = [1, 2].map(|n| SocketAddr::from(([192, 0, 2, n], 179)));
        let conn = self.peer.handle_incoming(local, remote, self.now);
        self.conn = conn.expect("a passive peer that rested accepts");
    }

    pub(crate) fn established(config: PeerConfig, open: &RawOpen) -> Self {
        let mut lone = Self::new(config);
        lone.feed(&[open.bytes(), keepalive()].concat());
        assert_eq!(lone.peer.state(), State::Established);
        lone.sent();
        lone
    }

    /// The neighbour opens another connection, and goes on there if it may.
    pub(crate) fn come_again(&mut self) -> bool {
        let [local, remote] = [1, 2].map(|n| SocketAddr::from(([192, 0, 2, n], 179)));
        let conn = self.peer.handle_incoming(local, remote, self.now);
        self.conn = conn.unwrap_or(self.conn);
        conn.is_some()
    }

    pub(crate) fn feed(&mut self, bytes: &[u8]) {
        self.peer
            .handle_bytes(self.conn, bytes, self.now, &mut self.sink);
    }

    pub(crate) fn wait(&mut self, time: Duration) {
        self.now += time;
        self.peer.handle_timeout(self.now);
    }

    /// The types of the messages it has sent, and what its NOTIFICATIONs say.
    pub(crate) fn sent(&mut self) -> Vec<Sent> {
        let mut out = BytesMut::new();
        while self.peer.poll_transmit(&mut out).is_some() {}
        let mut sent = Vec::new();
        while !out.is_empty() {
            let length = usize::from(u16::from_be_bytes([out[16], out[17]]));
            let m = out.split_to(length);
            sent.push((
                m[18],
                (m[18] == 3).then(|| (m[19], m[20], m[21..].to_vec())),
            ));
        }
        sent
    }

    pub(crate) fn closed(&mut self) -> bool {
        let mut closed = false;
        while let Some(action) = self.peer.poll_action() {
            closed |= action == Action::Close(self.conn);
        }
        closed
    }
}

#[test]
fn a_bad_open_gets_the_notification_for_what_is_wrong() {
    let good = RawOpen::default;
    let cases: [(&str, RawOpen, u8, &[u8]); 11] = [
        (
            "version 3",
            RawOpen {
                version: 3,
                ..good()
            },
            1,
            &[0, 4],
        ),
        (
            "another AS",
            RawOpen {
                my_as: 65009,
                ..good()
            },
            2,
            &[],
        ),
        (
            "our own AS",
            RawOpen {
                my_as: 65001,
                ..good()
            },
            2,
            &[],
        ),
        ("AS 0", RawOpen { my_as: 0, ..good() }, 2, &[]),
        (
            "AS_TRANS alone",
            RawOpen {
                my_as: 23456,
                ..good()
            },
            2,
            &[],
        ),
        (
            "identifier 0",
            RawOpen {
                id: [0; 4],
                ..good()
            },
            3,
            &[],
        ),
        (
            "authentication parameter",
            RawOpen {
                parameters: vec![3, 1, 1, 0],
                ..good()
            },
            4,
            &[],
        ),
        ("hold time 1", RawOpen { hold: 1, ..good() }, 6, &[]),
        ("hold time 2", RawOpen { hold: 2, ..good() }, 6, &[]),
        (
            "parameters overrun",
            RawOpen {
                parameters: vec![9, 2, 0],
                ..good()
            },
            0,
            &[],
        ),
        (
            "only VPNv4",
            RawOpen::with_capabilities(&[1, 4, 0, 1, 0, 128]),
            7,
            &[1, 4, 0, 1, 0, 1, 1, 4, 0, 2, 0, 1],
        ),
    ];
    for (what, open, subcode, data) in cases {
        let mut lone = Lone::new(config(A));
        lone.feed(&[open.bytes(), keepalive(), update()].concat());
        assert_eq!(
            lone.sent(),
            [(3, Some((2, subcode, data.to_vec())))],
            "{what}"
        );
        assert!(lone.closed(), "{what}");
        assert_eq!(lone.peer.state(), State::Idle, "{what}");
        assert!(lone.peer.next_retry().is_some(), "{what}: rests");
    }
}

#[test]
fn an_internal_peer_must_not_have_our_identifier_but_an_external_one_may() {
    let mut internal = config(A);
    internal.remote_as = RemoteAs::Internal;
    let same = RawOpen {
        id: [10, 0, 0, 1],
        my_as: 65001,
        ..RawOpen::default()
    };
    let mut lone = Lone::new(internal);
    lone.feed(&same.bytes());
    assert_eq!(lone.sent(), [(3, Some((2, 3, vec![])))]);
    let same = RawOpen {
        my_as: 65002,
        ..same
    };
    Lone::established(config(A), &same);
}

#[test]
fn any_external_as_is_accepted_when_asked_for() {
    let mut external = config(A);
    external.remote_as = RemoteAs::External;
    let open = RawOpen {
        my_as: 64512,
        ..RawOpen::default()
    };
    let lone = Lone::established(external.clone(), &open);
    assert_eq!(lone.peer.negotiated().unwrap().remote_as, Asn(64512));
    let mut lone = Lone::new(external);
    lone.feed(
        &RawOpen {
            my_as: 65001,
            ..open
        }
        .bytes(),
    );
    assert_eq!(lone.sent(), [(3, Some((2, 2, vec![])))]);
}

#[test]
fn a_speaker_without_capabilities_gets_ipv4_unicast_and_nothing_else() {
    let mut lone = Lone::established(config(A), &RawOpen::default());
    let negotiated = lone.peer.negotiated().unwrap();
    assert_eq!(
        negotiated.families.iter().collect::<Vec<_>>(),
        [Family::IPV4_UNICAST]
    );
    assert_eq!(negotiated.ctx.max_message, 4096);
    assert!(!negotiated.ctx.asn4 && !negotiated.route_refresh && !negotiated.enhanced_refresh);
    assert!(negotiated.ctx.extended_next_hop.is_empty());
    assert!(!lone.peer.request_refresh(Family::IPV4_UNICAST));
    assert!(
        !lone
            .peer
            .send_refresh_marker(Family::IPV4_UNICAST, RefreshSubtype::Begin)
    );
    assert_eq!(lone.sent(), []);
}

#[test]
fn a_four_octet_as_comes_from_the_capability() {
    let mut four = config(A);
    four.remote_as = RemoteAs::Asn(Asn(4_200_000_000));
    let number = 4_200_000_000u32.to_be_bytes();
    let mut open = RawOpen::with_capabilities(&[&[65, 4][..], &number].concat());
    open.my_as = 23456;
    let lone = Lone::established(four, &open);
    let negotiated = lone.peer.negotiated().unwrap();
    assert_eq!(negotiated.remote_as, Asn(4_200_000_000));
    assert!(negotiated.ctx.asn4);
}

#[test]
fn messages_out_of_turn_get_the_subcode_of_the_state() {
    let open = RawOpen::default().bytes();
    let refresh = message(5, &[0, 1, 0, 1]);
    let long_refresh = message(5, &[0, 1]);
    let cases: [(&str, Vec<u8>, u8); 9] = [
        ("KEEPALIVE before OPEN", keepalive(), 1),
        ("UPDATE before OPEN", update(), 1),
        ("ROUTE-REFRESH before OPEN", refresh.clone(), 1),
        ("a bad ROUTE-REFRESH before OPEN", long_refresh, 1),
        ("OPEN twice", [open.clone(), open.clone()].concat(), 2),
        (
            "UPDATE before KEEPALIVE",
            [open.clone(), update()].concat(),
            2,
        ),
        (
            "a bad UPDATE before KEEPALIVE",
            [open.clone(), message(2, &[9; 4])].concat(),
            2,
        ),
        (
            "ROUTE-REFRESH before KEEPALIVE",
            [open.clone(), refresh].concat(),
            2,
        ),
        (
            "OPEN in Established",
            [open.clone(), keepalive(), open].concat(),
            3,
        ),
    ];
    for (what, bytes, subcode) in cases {
        let mut lone = Lone::new(config(A));
        lone.feed(&bytes);
        let last = lone.sent().pop();
        assert_eq!(last, Some((3, Some((5, subcode, vec![])))), "{what}");
        assert!(lone.closed(), "{what}");
        assert_eq!(lone.sink.updates, 0, "{what}");
    }
}

#[test]
fn a_notification_is_never_answered_however_bad() {
    let open = RawOpen::default().bytes();
    let ups: [&[Vec<u8>]; 3] = [
        &[],
        std::slice::from_ref(&open),
        &[open.clone(), keepalive()],
    ];
    let header = |length: u16| [&[0xff; 16][..], &length.to_be_bytes(), &[3]].concat();
    // With what is remembered as received: nothing, if it cannot be read.
    let bad = [
        (message(3, &[6, 2]), Some((6, 2))),
        (message(3, &[2, 1, 0, 4]), Some((2, 1))),
        (message(3, &[77, 99, 1]), Some((77, 99))),
        (message(3, &[6]), None),
        (header(0), None),
        (header(18), None),
        (header(0xffff), None),
    ];
    // Who takes long messages waits for the rest of the last one.
    let mut short = config(A);
    short.extended_message = false;
    for up in ups {
        for (notification, code) in &bad {
            let mut lone = Lone::new(short.clone());
            lone.feed(&up.concat());
            lone.sent();
            lone.feed(notification);
            assert_eq!(lone.sent(), [], "{notification:?}");
            assert!(lone.closed(), "{notification:?}");
            assert_eq!(lone.peer.state(), State::Idle);
            let errors = lone.peer.last_errors();
            let received = errors.received.clone().map(|stamped| stamped.what);
            assert_eq!(received.as_ref().map(|n| (n.code, n.subcode)), *code);
            assert_eq!(
                errors.failure.clone().unwrap().what,
                received.map_or(
                    DownReason::NotificationUnreadable,
                    DownReason::NotificationReceived
                )
            );
        }
    }
}

/// Where the type of a message would be, a 3 means nothing if it is no message.
#[test]
fn what_has_no_marker_is_no_notification_and_is_answered() {
    let text = b"GET / HTTP/1.1 \r\n\r\x03".to_vec();
    let mut almost = message(3, &[6, 2]);
    almost[15] = 0xfe;
    for bytes in [text, almost] {
        assert_eq!(bytes[18], 3);
        let mut lone = Lone::established(config(A), &RawOpen::default());
        lone.feed(&bytes);
        assert_eq!(lone.sent(), [(3, Some((1, 1, vec![])))]);
        assert!(lone.closed());
        assert_eq!(lone.peer.last_errors().received, None);
        let down = lone.peer.last_errors().down.clone().unwrap().what;
        assert!(matches!(down, DownReason::NotificationSent(_)), "{down}");
    }
}

#[test]
fn a_newcomer_takes_the_place_of_a_connection_without_open_and_of_no_other() {
    let mut lone = Lone::new(config(A));
    let first = lone.conn;
    // However many come and say nothing, not even a whole OPEN: the last one counts.
    for _ in 0..1000 {
        let old = lone.conn;
        lone.feed(&RawOpen::default().bytes()[..20]);
        assert!(lone.come_again());
        assert_ne!(lone.conn, old);
        assert_eq!(lone.sent(), [(3, Some((6, 7, vec![]))), (1, None)]);
        assert_eq!(lone.peer.poll_action(), Some(Action::Close(old)));
        assert_eq!(lone.peer.poll_action(), None);
    }
    // What is still read of an old one is nobody's.
    let current = std::mem::replace(&mut lone.conn, first);
    lone.feed(&[RawOpen::default().bytes(), keepalive()].concat());
    lone.conn = current;
    assert_eq!(lone.peer.state(), State::OpenSent);
    for (bytes, state) in [
        (RawOpen::default().bytes(), State::OpenConfirm),
        (keepalive(), State::Established),
    ] {
        lone.feed(&bytes);
        assert_eq!(lone.peer.state(), state);
        assert!(!lone.come_again(), "{state} is not given up");
        assert_eq!(
            lone.peer.refusal().subcode,
            codes::cease::COLLISION_RESOLUTION
        );
    }
    let (stats, errors) = (lone.peer.stats(), lone.peer.last_errors());
    assert_eq!((stats.collisions, stats.refused), (1000, 2));
    assert_eq!((lone.peer.failures(), stats.impossible_events), (0, 0));
    assert_eq!((&errors.sent, &errors.failure), (&None, &None));
    assert_eq!(lone.peer.negotiated().unwrap().side, Side::Incoming);
}

/// A newcomer does not touch what the other direction is at, and may still win against it.
#[test]
fn a_newcomer_leaves_the_outgoing_connection_alone() {
    let now = epoch();
    let [local, remote] = [1, 2].map(|n| SocketAddr::from(([192, 0, 2, n], 179)));
    let mut peer = Peer::new(config(A), 1);
    peer.start(now);
    let Some(Action::Connect(outgoing)) = peer.poll_action() else {
        panic!("it connects");
    };
    peer.handle_connected(outgoing, local, remote, now);
    let first = peer.handle_incoming(local, remote, now).unwrap();
    let mut sink = Sink::default();
    peer.handle_bytes(outgoing, &RawOpen::default().bytes(), now, &mut sink);
    let second = peer.handle_incoming(local, remote, now).unwrap();
    let bytes = [RawOpen::default().bytes(), keepalive()].concat();
    peer.handle_bytes(second, &bytes, now, &mut sink);
    let closed: Vec<_> = std::iter::from_fn(|| peer.poll_action()).collect();
    assert_eq!(closed, [Action::Close(first), Action::Close(outgoing)]);
    assert_eq!(peer.session(), Some(second));
    assert_eq!((peer.failures(), peer.stats().impossible_events), (0, 0));
}

#[test]
fn four_minutes_without_an_open_are_too_long() {
    let mut lone = Lone::new(config(A));
    lone.wait(Duration::from_secs(239));
    assert_eq!(lone.peer.state(), State::OpenSent);
    lone.wait(Duration::from_secs(1));
    assert_eq!(lone.sent(), [(3, Some((4, 0, vec![])))]);
    assert!(lone.closed());
}

#[test]
fn without_a_hold_time_the_first_keepalive_is_not_awaited_for_ever() {
    let mut lone = Lone::new(config(A));
    let open = RawOpen {
        hold: 0,
        ..RawOpen::default()
    };
    lone.feed(&open.bytes());
    assert_eq!(lone.peer.state(), State::OpenConfirm);
    lone.wait(Duration::from_secs(240));
    assert_eq!(lone.peer.state(), State::Idle);
    let mut lone = Lone::established(config(A), &open);
    assert_eq!(lone.peer.poll_timeout(), None);
    lone.wait(Duration::from_secs(100_000));
    assert_eq!(lone.peer.state(), State::Established);
}

#[test]
fn a_collision_leaves_no_error_behind() {
    let mut pair = crate::pair::Pair::established();
    pair.run_for(Duration::from_secs(1));
    let collisions: u64 = pair.nodes.iter().map(|n| n.peer.stats().collisions).sum();
    assert!(collisions > 0, "the test is about a collision");
    for node in &pair.nodes {
        assert_eq!(node.peer.last_errors(), &Default::default());
    }
}

#[test]
fn a_connection_that_ends_without_a_word_does_not_hide_why() {
    let mut lone = Lone::new(config(A));
    let open = RawOpen {
        my_as: 65009,
        ..RawOpen::default()
    };
    lone.feed(&open.bytes());
    let failure = |lone: &Lone| lone.peer.last_errors().failure.clone().unwrap().what;
    let cause = failure(&lone);
    assert_eq!(
        cause.to_string(),
        "sent OPEN Message Error: Bad Peer AS: the peer is in AS 65009, and expected in 65002"
    );
    // The neighbour rests, and drops what comes.
    lone.wait(Duration::from_secs(30));
    lone.again();
    lone.peer.handle_closed(lone.conn, lone.now);
    assert_eq!(failure(&lone), cause);
    // Once there was a session, its end is news.
    lone.wait(Duration::from_secs(30));
    lone.again();
    lone.feed(&[RawOpen::default().bytes(), keepalive()].concat());
    assert_eq!(lone.peer.state(), State::Established);
    lone.peer.handle_closed(lone.conn, lone.now);
    assert_eq!(failure(&lone), DownReason::ConnectionClosed);
}

#[test]
fn a_refresh_of_no_use_is_counted_and_ignored() {
    let mut lone = Lone::established(config(A), &RawOpen::default());
    // Another family, a marker that was not negotiated, an unknown subtype.
    for body in [[0, 2, 0, 1], [0, 1, 1, 1], [0, 1, 2, 1], [0, 1, 9, 1]] {
        lone.feed(&message(5, &body));
    }
    assert_eq!(lone.peer.stats().refreshes_ignored, 4);
    lone.feed(&message(5, &[0, 1, 0, 1]));
    let told: Vec<Event> = std::iter::from_fn(|| lone.peer.poll_event()).collect();
    let asked = told
        .iter()
        .filter(|e| matches!(e, Event::RefreshRequested(_)))
        .count();
    assert_eq!((asked, lone.peer.state()), (1, State::Established));
}

#[test]
fn a_second_connection_of_the_peer_is_refused_while_there_is_a_session() {
    let mut lone = Lone::established(config(A), &RawOpen::default());
    let [local, remote] = [1, 2].map(|n| SocketAddr::from(([192, 0, 2, n], 1179)));
    assert_eq!(lone.peer.handle_incoming(local, remote, lone.now), None);
    let sent = lone.peer.stats().sent.notification;
    assert_eq!(lone.peer.refusal().subcode, 7);
    assert_eq!(lone.peer.stats().sent.notification, sent + 1);
    assert_eq!(
        (lone.peer.stats().refused, lone.peer.state()),
        (1, State::Established)
    );
}

#[test]
fn the_sink_learns_of_the_session_before_the_updates_of_the_same_read() {
    let mut lone = Lone::new(config(A));
    let all = [
        RawOpen::default().bytes(),
        keepalive(),
        update(),
        keepalive(),
    ];
    lone.feed(&all.concat());
    assert_eq!((lone.sink.sessions, lone.sink.updates), (1, 1));
}

#[test]
fn what_follows_the_end_of_a_session_is_dropped() {
    let mut lone = Lone::established(config(A), &RawOpen::default());
    lone.feed(&[update(), message(3, &[6, 4]), update(), update()].concat());
    assert_eq!(lone.sink.updates, 1);
    lone.feed(&update());
    assert_eq!(lone.sink.updates, 1);
    assert_eq!(lone.peer.stats().received.update, 1);
}

#[test]
fn a_message_of_five_thousand_octets_needs_our_capability() {
    let withdraw: Vec<u8> = std::iter::repeat_n([32, 10, 0, 0, 1], 996)
        .flatten()
        .collect();
    let length = withdraw.len() as u16;
    let big = message(2, &[&length.to_be_bytes()[..], &withdraw, &[0, 0]].concat());
    assert!(big.len() > 4096);
    let mut short = config(A);
    short.extended_message = false;
    let mut lone = Lone::established(short, &RawOpen::with_capabilities(&[6, 0]));
    lone.feed(&big);
    assert_eq!(lone.sent()[0].1.as_ref().map(|n| (n.0, n.1)), Some((1, 2)));
    // RFC 8654 §4: what we say allows the peer to send them, whatever the peer says; and the other way round.
    let mut lone = Lone::established(config(A), &RawOpen::default());
    lone.feed(&big);
    assert_eq!((lone.sent(), lone.sink.updates), (vec![], 1));
    assert_eq!(lone.peer.negotiated().unwrap().ctx.max_message, 4096);
}

/// A peer with a connection in each direction; the incoming one has its OPEN. And the name of the outgoing one.
fn two_connections() -> (Lone, ConnId) {
    let now = epoch();
    let mut peer = Peer::new(config(A), 1);
    peer.start(now);
    let [local, remote] = [1, 2].map(|n| SocketAddr::from(([192, 0, 2, n], 179)));
    let Some(Action::Connect(outgoing)) = peer.poll_action() else {
        panic!("it connects")
    };
    peer.handle_connected(outgoing, local, remote, now);
    let conn = peer
        .handle_incoming(local, remote, now)
        .expect("it accepts too");
    let mut lone = Lone {
        peer,
        conn,
        now,
        sink: Sink::default(),
    };
    lone.feed(&RawOpen::default().bytes());
    assert_eq!(lone.peer.state(), State::OpenConfirm);
    (lone, outgoing)
}

#[test]
fn a_collision_that_the_peer_resolves_is_no_failure_either() {
    let (mut lone, outgoing) = two_connections();
    let collision = message(3, &[6, 7]);
    lone.peer
        .handle_bytes(outgoing, &collision, lone.now, &mut lone.sink);
    assert_eq!(lone.peer.failures(), 0);
    assert_eq!(lone.peer.last_errors(), &Default::default());
    lone.feed(&keepalive());
    assert_eq!(lone.peer.state(), State::Established);
    // Without another connection it means something: the peer has one that we know nothing of.
    let mut lone = Lone::new(config(A));
    lone.feed(&collision);
    assert_eq!(lone.peer.failures(), 1);
    assert!(lone.peer.last_errors().received.is_some());
}

#[test]
fn the_newcomer_goes_when_the_other_connection_is_established() {
    let (mut lone, outgoing) = two_connections();
    lone.feed(&keepalive());
    assert_eq!(lone.peer.state(), State::Established);
    lone.sent();
    let open = RawOpen::default().bytes();
    lone.peer
        .handle_bytes(outgoing, &open, lone.now, &mut lone.sink);
    assert_eq!(lone.sent(), [(3, Some((6, 7, vec![])))]);
    assert_eq!(lone.peer.poll_action(), Some(Action::Close(outgoing)));
    assert_eq!(lone.peer.session(), Some(lone.conn));
}

#[test]
fn of_two_with_an_open_the_one_of_the_higher_identifier_stays() {
    // Ours is 10.0.0.1.
    for (id, ours_stays) in [
        ([10, 0, 0, 2], false),
        ([10, 0, 0, 0], true),
        ([9, 255, 0, 9], true),
    ] {
        let (mut lone, outgoing) = two_connections();
        lone.sent();
        let open = RawOpen {
            id,
            ..RawOpen::default()
        }
        .bytes();
        lone.peer
            .handle_bytes(outgoing, &open, lone.now, &mut lone.sink);
        let closed = if ours_stays { lone.conn } else { outgoing };
        assert_eq!(
            lone.peer.poll_action(),
            Some(Action::Close(closed)),
            "{id:?}"
        );
        assert_eq!(lone.peer.state(), State::OpenConfirm);
        assert_eq!(lone.peer.stats().collisions, 1);
    }
}

#[test]
fn nothing_is_said_to_a_connection_that_is_gone() {
    let now = epoch();
    let mut peer = Peer::new(config(A), 1);
    peer.start(now);
    let [local, remote] = [1, 2].map(|n| SocketAddr::from(([192, 0, 2, n], 179)));
    let Some(Action::Connect(conn)) = peer.poll_action() else {
        panic!("it connects")
    };
    peer.handle_connected(conn, local, remote, now);
    peer.handle_closed(conn, now);
    assert_eq!(peer.poll_transmit(&mut BytesMut::new()), None);
    assert_eq!(peer.poll_action(), None, "who is gone needs no closing");
}

#[test]
fn keepalives_do_not_pile_up_before_a_driver_that_is_late() {
    let mut lone = Lone::established(config(A), &RawOpen::default());
    let before = lone.peer.stats().sent.keepalive;
    for _ in 0..10 {
        lone.wait(Duration::from_secs(30));
        lone.feed(&keepalive());
    }
    assert_eq!(lone.sent(), [(4, None)]);
    assert_eq!(lone.peer.stats().sent.keepalive, before + 1);
    lone.wait(Duration::from_secs(30));
    assert_eq!(lone.sent(), [(4, None)]);
}
