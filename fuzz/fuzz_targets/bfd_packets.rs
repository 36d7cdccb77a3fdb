//! Scripts of packets, times and wishes for two BFD sessions: whatever comes, what is sent are packets that the RFC allows, no deadline
//! lies in the past, and nothing is left of a session that was closed. And of messages on a link that routers advertise themselves on.
#![no_main]

use std::net::{IpAddr, Ipv6Addr};
use std::time::{Duration, Instant};

use bfd::{Arrival, Config, ControlPacket, Hops, Micros, Path, Sessions, State};
use libfuzzer_sys::fuzz_target;
use ndp::{Arrival as Heard, Link, Message, Own};

/// The rest of a script.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn octet(&mut self) -> Option<u8> {
        let (first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*first)
    }

    fn number(&mut self) -> u16 {
        let octets = [self.octet(), self.octet()];
        u16::from_be_bytes(octets.map(Option::unwrap_or_default))
    }

    fn octets(&mut self) -> &'a [u8] {
        let length = usize::from(self.octet().unwrap_or_default());
        let (taken, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

const CONFIG: Config = Config {
    desired_min_tx: Micros(50_000),
    required_min_rx: Micros(50_000),
    detect_mult: 3,
    passive: false,
};

const OWN: Own = Own {
    address: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 1),
    link_address: Some([2, 0, 0, 0, 0, 1]),
};

fn path(hops: Hops) -> Path {
    Path {
        hops,
        local: IpAddr::from([192, 0, 2, 1]),
        remote: IpAddr::from([192, 0, 2, 2]),
        interface: 0,
    }
}

fuzz_target!(|script: &[u8]| {
    let mut script = Script(script);
    let mut sessions = Sessions::new(1);
    let mut now = Instant::now();
    let mut link = Link::new(OWN, 1, now);
    let mut ids = Hops::ALL.map(|hops| sessions.open(path(hops), CONFIG, now).expect("free"));
    while let Some(op) = script.octet() {
        let which = usize::from(op >> 7);
        let (id, path) = (ids[which], path(Hops::ALL[which]));
        match op & 0x0f {
            kind @ 0..=3 => {
                let mut payload = script.octets().to_vec();
                // The discriminator is random: who has heard us knows it.
                if let (1..=3, Some(view), Some(yours)) =
                    (kind, sessions.view(id), payload.get_mut(8..12))
                {
                    yours.copy_from_slice(&view.discriminator.to_be_bytes());
                }
                let arrival = Arrival {
                    hops: path.hops,
                    local: path.local,
                    remote: path.remote,
                    interface: 1,
                    ttl: if kind == 3 { 254 } else { 255 },
                };
                let count = |sessions: &Sessions| -> u64 {
                    sessions
                        .discards()
                        .by_reason()
                        .map(|(_, count)| count)
                        .sum()
                };
                let before = count(&sessions);
                let verdict = sessions.handle_packet(&payload, &arrival, now);
                assert_eq!(count(&sessions) - before, u64::from(verdict.is_err()));
                assert!(kind != 3 || which == 1 || verdict.is_err(), "RFC 5881 §5");
            }
            4 | 5 => now += Duration::from_millis(script.number().into()),
            6 | 7 => now = sessions.poll_timeout().map_or(now, |at| at.max(now)),
            8 => {
                let config = Config {
                    desired_min_tx: Micros(u32::from(script.number()) * 1000),
                    required_min_rx: Micros(u32::from(script.number()) * 1000),
                    detect_mult: script.octet().unwrap_or(1).max(1),
                    passive: op & 0x10 != 0,
                };
                sessions.reconfigure(id, config, now);
            }
            9 => sessions.disable(id, now),
            10 => sessions.enable(id, now),
            11 => sessions.close(id, now),
            12 => {
                let hop_limit = if op & 0x40 == 0 { 255 } else { 254 };
                let heard = Heard {
                    source: Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, script.number()),
                    hop_limit,
                };
                let taken = link.handle_message(script.octets(), &heard, which == 1, now);
                assert!(hop_limit == 255 || taken.is_err(), "RFC 4861 §6.1.2");
                assert!(link.neighbour() != Some(OWN.address), "our own voice");
                assert!(link.others().count() < 8, "without bound");
            }
            _ => {
                if let Ok(opened) = sessions.open(path, CONFIG, now) {
                    ids[which] = opened;
                }
            }
        }
        sessions.handle_timeout(now);
        let mut said = 0;
        while let Some(transmit) = sessions.poll_transmit() {
            said += 1;
            let packet = ControlPacket::decode(&transmit.payload).expect("a packet");
            assert!(!(packet.poll && packet.final_answer), "RFC 5880 §6.5");
            let slow = packet.desired_min_tx >= Micros(1_000_000);
            assert!(packet.state == State::Up || slow, "RFC 5880 §6.8.3");
            assert!(!packet.demand && packet.authentication.is_none());
        }
        while sessions.poll_event().is_some() {
            said += 1;
        }
        while let Some(transmit) = link.poll_transmit(now) {
            said += 1;
            let whole = Heard {
                source: OWN.address,
                hop_limit: 255,
            };
            Message::decode(&transmit.octets, &whole).expect("RFC 4861 §6.1");
        }
        assert!(link.poll_timeout() > now, "passed");
        assert!(said < 20, "without end");
        assert!(sessions.poll_timeout().is_none_or(|at| at > now), "passed");
    }
    for id in ids {
        sessions.close(id, now);
    }
    sessions.handle_timeout(now + Duration::from_secs(11));
    assert_eq!(sessions.iter().count(), 0);
    assert_eq!(sessions.poll_timeout(), None);
});
