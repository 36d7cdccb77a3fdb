//! An AS that moves from one number to another (RFC 7705 §4): internal sessions whose ends say either.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bgp_session::{ConnId, DownReason, Effect, Peer, PeerConfig, RemoteAs, State, effect_of};
use bgp_wire::{Asn, PeerKind};
use bytes::BytesMut;

use crate::pair::{A, B, Pair, SECOND, Sink, config, downs, epoch};
use crate::raw::{RawOpen, keepalive, message};

/// The number that stays, of four octets, and the one that goes.
const NEW: Asn = Asn(4_200_000_001);
const OLD: Asn = Asn(64_510);

fn internal(node: usize, own: Asn, also: Option<Asn>) -> PeerConfig {
    PeerConfig {
        local_as: own,
        remote_as: RemoteAs::Internal,
        also_as: also,
        ..config(node)
    }
}

fn run(configs: [PeerConfig; 2]) -> Pair {
    let mut pair = Pair::with(configs, 7);
    pair.start();
    pair.run_until(120 * SECOND, Pair::is_up);
    pair.run_for(600 * SECOND);
    pair
}

/// §4.2: "In each case, the BGP speaker MUST treat UPDATEs sent and received to this peer as if this was a natively configured iBGP
/// session".
fn assert_internal(pair: &Pair) {
    assert!(pair.is_up(), "{:?}", pair.states());
    for node in [A, B] {
        let negotiated = pair.nodes[node].peer.negotiated().unwrap();
        assert_eq!(negotiated.ctx.peer_kind, PeerKind::Internal);
    }
}

#[test]
fn a_neighbor_that_has_not_moved_gets_the_old_as_once_it_has_refused_the_new_one() {
    let neighbors = [
        RemoteAs::Internal,
        // As it may be configured as well.
        RemoteAs::Asn(OLD),
    ];
    for remote_as in neighbors {
        let neighbor = PeerConfig {
            remote_as,
            ..internal(B, OLD, None)
        };
        for ours in [RemoteAs::Internal, RemoteAs::Asn(NEW)] {
            let us = PeerConfig {
                remote_as: ours,
                ..internal(A, NEW, Some(OLD))
            };
            let pair = run([us, neighbor.clone()]);
            assert_internal(&pair);
            let asn = |node: usize| pair.nodes[node].peer.negotiated().unwrap().remote_as;
            assert_eq!([asn(A), asn(B)], [OLD, OLD]);
        }
    }
    // Without it there is no session.
    let pair = run([internal(A, NEW, None), internal(B, OLD, None)]);
    assert!(!pair.is_up());
}

#[test]
fn two_that_both_take_either_say_what_they_are() {
    let pair = run([internal(A, NEW, Some(OLD)), internal(B, OLD, Some(NEW))]);
    assert_internal(&pair);
    for node in [A, B] {
        let collisions_alone = downs(&pair, node);
        let refused = |why: &DownReason| *why != DownReason::Collision;
        assert!(
            !collisions_alone.iter().any(refused),
            "{collisions_alone:?}"
        );
    }
}

/// A passive peer with connections that are made by hand.
struct Accepting {
    peer: Peer,
    now: Instant,
}

impl Accepting {
    fn new(config: PeerConfig) -> Self {
        let now = epoch();
        let passive = PeerConfig {
            passive: true,
            ..config
        };
        let mut peer = Peer::new(passive, 1);
        peer.start(now);
        Self { peer, now }
    }

    /// A connection, and what our OPEN on it says: My Autonomous System, and the AS of the capability (RFC 6793 §3).
    fn connect(&mut self) -> (ConnId, u16, u32) {
        let [local, remote] = [1, 2].map(|n| SocketAddr::from(([192, 0, 2, n], 179)));
        let conn = (0..600).find_map(|_| {
            let conn = self.peer.handle_incoming(local, remote, self.now);
            self.now += Duration::from_secs(1);
            self.peer.handle_timeout(self.now);
            conn
        });
        let mut out = BytesMut::new();
        while self.peer.poll_transmit(&mut out).is_some() {}
        assert_eq!(out[18], 1, "an OPEN");
        let code = [65, 4];
        let at = out.windows(2).position(|two| two == code).unwrap() + 2;
        let capability = out[at..at + 4].try_into().unwrap();
        (
            conn.expect("a peer that rested"),
            u16::from_be_bytes([out[20], out[21]]),
            u32::from_be_bytes(capability),
        )
    }

    fn feed(&mut self, conn: ConnId, bytes: &[u8]) {
        self.peer
            .handle_bytes(conn, bytes, self.now, &mut Sink::default());
    }
}

/// RFC 7705 §4.2 and RFC 6793 §3: AS_TRANS, 23456, stands for what does not fit.
#[test]
fn each_bad_peer_as_has_the_next_open_say_the_other_as() {
    let said_new = (23_456, NEW.0);
    let said_old = (64_510, OLD.0);
    for (also, said) in [
        (Some(OLD), [said_new, said_old, said_new, said_old]),
        (None, [said_new; 4]),
    ] {
        let mut at = Accepting::new(internal(A, NEW, also));
        for said in said {
            let (conn, my_as, asn) = at.connect();
            assert_eq!((my_as, asn), said);
            at.feed(conn, &message(3, &[2, 2]));
        }
    }
    // What else goes wrong says nothing of the AS.
    let mut at = Accepting::new(internal(A, NEW, Some(OLD)));
    for notification in [[2, 3], [6, 2], [2, 6]] {
        let (conn, my_as, asn) = at.connect();
        assert_eq!((my_as, asn), said_new);
        at.feed(conn, &message(3, &notification));
    }
    // Nor does it in a session with another AS.
    let external = PeerConfig {
        remote_as: RemoteAs::Asn(Asn(65_002)),
        ..internal(A, NEW, Some(OLD))
    };
    let mut at = Accepting::new(external);
    for _ in 0..2 {
        let (conn, my_as, asn) = at.connect();
        assert_eq!((my_as, asn), said_new);
        at.feed(conn, &message(3, &[2, 2]));
    }
}

/// §4.2: "MUST accept BGP OPEN and establish an iBGP session from configured iBGP peers if the ASN value in 'My Autonomous System' is
/// either". RFC 4271 §6.2 has the rest refused with Bad Peer AS.
#[test]
fn either_as_is_accepted_and_no_third_one() {
    let own = Asn(64_500);
    for (my_as, accepted) in [(64_500, true), (64_510, true), (64_511, false)] {
        for remote_as in [RemoteAs::Internal, RemoteAs::Asn(own)] {
            let config = PeerConfig {
                remote_as,
                ..internal(A, own, Some(OLD))
            };
            let mut at = Accepting::new(config);
            let (conn, ..) = at.connect();
            let open = RawOpen {
                my_as,
                ..RawOpen::default()
            };
            at.feed(conn, &[open.bytes(), keepalive()].concat());
            let is_up = at.peer.state() == State::Established;
            assert_eq!(is_up, accepted, "{my_as}");
            if !accepted {
                let mut out = BytesMut::new();
                while at.peer.poll_transmit(&mut out).is_some() {}
                assert_eq!(out[18..21], [3, 2, 2]);
            }
        }
    }
}

#[test]
fn another_second_as_resets_the_session() {
    let effect = effect_of(&internal(A, NEW, None), &internal(A, NEW, Some(OLD)));
    assert_eq!(effect, Effect::Reset);
}
