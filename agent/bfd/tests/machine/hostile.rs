//! Whatever comes: nothing panics, nothing loops, and what is sent is always a packet that the RFC allows.

use std::net::IpAddr;

use bfd::{
    Arrival, Config, ControlPacket, Discard, Hops, Micros, Path, SessionId, Sessions, State,
};
use proptest::prelude::*;

use crate::by_hand::{epoch, ms};

#[derive(Debug, Clone)]
enum Op {
    Octets(Vec<u8>),
    /// A packet of an existing session, with these octets changed.
    Packet {
        session: usize,
        octets: Vec<(usize, u8)>,
        knows_us: bool,
        state: u8,
        ttl: u8,
    },
    Wait(u64),
    WaitForTimeout,
    Open(u8),
    Close(usize),
    Disable(usize),
    Enable(usize),
    Reconfigure(usize, u32, u32, u8),
}

fn op() -> impl Strategy<Value = Op> {
    let packet = (
        0usize..4,
        prop::collection::vec((0usize..24, any::<u8>()), 0..4),
        any::<bool>(),
        0u8..4,
        prop_oneof![9 => Just(255u8), 1 => any::<u8>()],
    );
    prop_oneof![
        1 => prop::collection::vec(any::<u8>(), 0..80).prop_map(Op::Octets),
        12 => packet.prop_map(|(session, octets, knows_us, state, ttl)| Op::Packet {
            session,
            octets,
            knows_us,
            state,
            ttl
        }),
        4 => (0u64..3_000_000).prop_map(Op::Wait),
        4 => Just(Op::WaitForTimeout),
        2 => (0u8..6).prop_map(Op::Open),
        1 => (0usize..4).prop_map(Op::Close),
        1 => (0usize..4).prop_map(Op::Disable),
        1 => (0usize..4).prop_map(Op::Enable),
        1 => (0usize..4, any::<u32>(), any::<u32>(), 1u8..)
            .prop_map(|(n, tx, rx, mult)| Op::Reconfigure(n, tx, rx, mult)),
    ]
}

fn path(n: u8) -> Path {
    Path {
        hops: if n.is_multiple_of(2) {
            Hops::Single
        } else {
            Hops::Multi
        },
        local: IpAddr::from([192, 0, 2, 1]),
        remote: IpAddr::from([192, 0, 2, 10 + n / 2]),
        interface: 0,
    }
}

const CONFIG: Config = Config {
    desired_min_tx: Micros(50_000),
    required_min_rx: Micros(50_000),
    detect_mult: 3,
    passive: false,
};

proptest! {
    #[test]
    fn any_octets_are_read_or_refused(octets in prop::collection::vec(any::<u8>(), 0..80)) {
        if let Ok(packet) = ControlPacket::decode(&octets) {
            // What is not kept: the multipoint bit, which is refused, and what echo and authentication say.
            if packet.authentication.is_none() {
                prop_assert_eq!(&packet.encode()[..3], &octets[..3]);
                prop_assert_eq!(&packet.encode()[4..20], &octets[4..20]);
            }
        }
    }

    #[test]
    fn any_sequence_keeps_the_sessions_sound(
        seed: u64,
        ops in prop::collection::vec(op(), 1..150),
    ) {
        let mut sessions = Sessions::new(seed);
        let mut now = epoch();
        let mut open: Vec<(SessionId, Path)> = Vec::new();
        for op in ops {
            let pick = |n: usize| open.get(n % open.len().max(1)).copied();
            match op {
                Op::Octets(octets) => {
                    let arrival = Arrival {
                        hops: Hops::Single,
                        local: path(0).local,
                        remote: path(0).remote,
                        interface: 1,
                        ttl: 255,
                    };
                    let _ = sessions.handle_packet(&octets, &arrival, now);
                }
                Op::Packet { session, octets, knows_us, state, ttl } => {
                    let Some((id, path)) = pick(session) else { continue };
                    let ours = sessions.view(id).map_or(1, |view| view.discriminator);
                    let mut payload = [0u8; 24];
                    payload[..4].copy_from_slice(&[0x20, state << 6, 3, 24]);
                    payload[7] = 9;
                    if knows_us {
                        payload[8..12].copy_from_slice(&ours.to_be_bytes());
                    }
                    payload[12..20].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
                    for (at, octet) in octets {
                        payload[at] = octet;
                    }
                    let arrival = Arrival {
                        hops: path.hops,
                        local: path.local,
                        remote: path.remote,
                        interface: 1,
                        ttl,
                    };
                    let before = sessions.discards().by_reason().map(|(_, n)| n).sum::<u64>();
                    let verdict = sessions.handle_packet(&payload, &arrival, now);
                    let after = sessions.discards().by_reason().map(|(_, n)| n).sum::<u64>();
                    prop_assert_eq!(after - before, u64::from(verdict.is_err()));
                    if path.hops == Hops::Single && ttl != 255 {
                        prop_assert!(verdict.is_err());
                    }
                    prop_assert!(verdict != Err(Discard::NoSession) || sessions.view(id).is_none());
                }
                Op::Wait(micros) => now += std::time::Duration::from_micros(micros),
                Op::WaitForTimeout => {
                    if let Some(at) = sessions.poll_timeout() {
                        now = now.max(at);
                    }
                }
                Op::Open(n) => match sessions.open(path(n), CONFIG, now) {
                    Ok(id) => {
                        open.retain(|(other, _)| *other != id);
                        open.push((id, path(n)));
                    }
                    Err(taken) => prop_assert!(sessions.view(taken.0).is_some()),
                },
                Op::Close(n) => {
                    if let Some((id, _)) = pick(n) {
                        sessions.close(id, now);
                    }
                }
                Op::Disable(n) => {
                    if let Some((id, _)) = pick(n) {
                        sessions.disable(id, now);
                    }
                }
                Op::Enable(n) => {
                    if let Some((id, _)) = pick(n) {
                        sessions.enable(id, now);
                    }
                }
                Op::Reconfigure(n, tx, rx, detect_mult) => {
                    if let Some((id, _)) = pick(n) {
                        let config = Config {
                            desired_min_tx: Micros(tx),
                            required_min_rx: Micros(rx),
                            detect_mult,
                            passive: false,
                        };
                        sessions.reconfigure(id, config, now);
                    }
                }
            }
            sessions.handle_timeout(now);
            let mut polls = 0;
            while let Some(transmit) = sessions.poll_transmit() {
                polls += 1;
                let packet = ControlPacket::decode(&transmit.payload);
                prop_assert!(packet.is_ok(), "{packet:?}");
                let packet = packet.unwrap();
                prop_assert!(!(packet.poll && packet.final_answer), "§6.5");
                // §6.8.3.
                prop_assert!(packet.state == State::Up || packet.desired_min_tx >= Micros(1_000_000));
            }
            while sessions.poll_event().is_some() {
                polls += 1;
            }
            prop_assert!(polls < 100, "it talks without end");
            let next = sessions.poll_timeout();
            prop_assert!(next.is_none_or(|at| at > now), "a deadline that has passed");
        }
        // Whoever is silent is forgotten, as is who is closed.
        for (id, _) in &open {
            sessions.close(*id, now);
        }
        now += ms(10_001);
        sessions.handle_timeout(now);
        prop_assert_eq!(sessions.iter().count(), 0);
    }
}
