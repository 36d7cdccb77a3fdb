//! A peer that says anything at all: the machine answers, never panics, and never stays without a deadline or a state to be in.
//!
//! The input is a script: an octet says what happens (bytes come, time passes, the connection closes, a new one comes), the next how
//! much of it, and the bytes follow. Valid OPEN and KEEPALIVE messages are at hand, so that the later states are reached.
#![no_main]

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bgp_session::{
    Action, ConnId, ConnectFailure, FamilyConfig, Peer, PeerConfig, RemoteAs, State, UpdateSink,
};
use bgp_wire::{
    Asn, Capability, Decoded, Family, HoldTime, Open, RouterId, SessionContext, encode_keepalive,
};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

struct Sink(usize);

impl UpdateSink for Sink {
    fn update(&mut self, decoded: &Decoded<'_>, _: &SessionContext) {
        self.0 += decoded.update.announced.iter_v4().count();
    }
}

fn good_open() -> BytesMut {
    let capabilities = vec![
        Capability::Multiprotocol(Family::IPV4_UNICAST),
        Capability::Asn4(Asn(65001)),
    ];
    let hold = HoldTime::new(9).expect("nine");
    let mut out = BytesMut::new();
    Open::new(Asn(65001), hold, RouterId(9), capabilities)
        .encode(&mut out)
        .expect("an OPEN");
    out
}

/// Takes what the machine wants; the connection that it speaks on, if any.
fn settle(peer: &mut Peer, now: Instant, wish: &mut Option<ConnId>) {
    let mut out = BytesMut::new();
    while peer.poll_transmit(&mut out).is_some() {
        assert!(!out.is_empty());
        peer.sent_bytes();
        out.clear();
    }
    while let Some(action) = peer.poll_action() {
        if let Action::Connect(conn) = action {
            *wish = Some(conn);
        }
    }
    while peer.poll_event().is_some() {}
    if let Some(deadline) = peer.poll_timeout() {
        // A deadline far away is one that was forgotten.
        assert!(deadline < now + Duration::from_secs(24 * 3600));
    } else {
        assert!(
            matches!(
                peer.state(),
                State::Idle | State::Active | State::Established
            ),
            "{:?}",
            peer.state()
        );
    }
}

fuzz_target!(|input: &[u8]| {
    let here: SocketAddr = "[fd00::2]:179".parse().expect("an address");
    let there: SocketAddr = "[fd00::1]:40000".parse().expect("an address");
    let mut config = PeerConfig::new(Asn(65000), RemoteAs::Asn(Asn(65001)), RouterId(2));
    config
        .families
        .push(FamilyConfig::plain(Family::IPV4_UNICAST));
    let mut now = Instant::now();
    let mut peer = Peer::new(config, 7);
    let (mut incoming, mut wish, mut sink) = (None, None, Sink(0));
    peer.start(now);
    settle(&mut peer, now, &mut wish);
    let mut rest = input;
    while let [what, amount, after @ ..] = rest {
        rest = after;
        let conn = if what & 0x10 != 0 { wish } else { incoming };
        match what & 0x0f {
            0 => {
                incoming = peer.handle_incoming(here, there, now).or(incoming);
            }
            1 => {
                if let Some(conn) = wish {
                    peer.handle_connected(conn, here, there, now);
                }
            }
            2 => {
                if let Some(conn) = wish.take() {
                    peer.handle_connect_failed(conn, ConnectFailure::Refused, now);
                }
            }
            3 => {
                let (bytes, after) = rest.split_at(usize::from(*amount).min(rest.len()));
                rest = after;
                if let Some(conn) = conn {
                    peer.handle_bytes(conn, bytes, now, &mut sink);
                }
            }
            4 => {
                if let Some(conn) = conn {
                    peer.handle_bytes(conn, &good_open(), now, &mut sink);
                }
            }
            5 => {
                let mut out = BytesMut::new();
                encode_keepalive(&mut out);
                if let Some(conn) = conn {
                    peer.handle_bytes(conn, &out, now, &mut sink);
                }
            }
            6 => {
                if let Some(conn) = conn {
                    peer.handle_closed(conn, now);
                }
            }
            7 => peer.write_blocked(now),
            _ => {
                now += Duration::from_millis(u64::from(*amount) * 100);
                if peer.poll_timeout().is_some_and(|deadline| deadline <= now) {
                    peer.handle_timeout(now);
                }
            }
        }
        settle(&mut peer, now, &mut wish);
    }
});
