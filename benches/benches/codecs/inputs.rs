//! What is read: the updates of a collector, and made-up ones of the other families.

use bgp_benches::overlay::Kind;
use bgp_benches::{RealMessage, real_messages};
use bytes::Bytes;

use crate::bgp_wire::BgpWire;
use crate::codec::{Codec, Seen, Stream};

/// Updates in each made-up input.
const MADE_UP: u32 = 2_000;

/// Messages of one kind.
pub(crate) struct Input {
    pub(crate) name: &'static str,
    /// Each by itself, and what is in it.
    pub(crate) messages: Vec<(Stream, Seen)>,
    /// All, by session.
    pub(crate) streams: Vec<Stream>,
}

impl Input {
    fn new(name: &'static str, messages: Vec<Stream>) -> Self {
        let streams = [true, false]
            .into_iter()
            .filter_map(|asn4| {
                let of = |message: &&Stream| message.asn4 == asn4;
                let all: Vec<u8> = messages
                    .iter()
                    .filter(of)
                    .flat_map(|message| message.bytes.iter().copied())
                    .collect();
                let first = messages.iter().find(of)?;
                Some(Stream {
                    bytes: all.into(),
                    ..first.clone()
                })
            })
            .collect();
        let mut ours = BgpWire::default();
        let messages = messages
            .into_iter()
            .map(|message| {
                let seen = ours.visit(&message).expect("nothing is wrong with it");
                (message, seen)
            })
            .collect();
        Self {
            name,
            messages,
            streams,
        }
    }

    /// How long all messages are.
    pub(crate) fn octets(&self) -> u64 {
        self.streams
            .iter()
            .map(|stream| stream.bytes.len() as u64)
            .sum()
    }
}

/// All inputs.
pub(crate) fn inputs() -> impl Iterator<Item = Input> {
    let made_up = [
        ("ipv6", Kind::Ipv6),
        ("vpnv4", Kind::Vpnv4),
        ("vpnv6", Kind::Vpnv6),
        ("evpn-mac", Kind::EvpnMac),
        ("evpn-prefix", Kind::EvpnPrefix),
    ];
    std::iter::once(collected()).chain(made_up.into_iter().map(|(name, kind)| {
        let messages = kind.updates(MADE_UP).into_iter().map(|message| Stream {
            bytes: message.freeze(),
            asn4: true,
            internal: kind != Kind::Ipv6,
        });
        Input::new(name, messages.collect())
    }))
}

/// The updates of the collector's IPv4 sessions, but for those with AS4_PATH.
fn collected() -> Input {
    let updates = |message: &RealMessage| message.bytes[18] == 2;
    let (merged, messages): (Vec<RealMessage>, Vec<_>) = real_messages()
        .into_iter()
        .filter(updates)
        .partition(has_as4_path);
    assert_eq!(merged.len(), 3, "messages with AS4_PATH");
    let stream = |message: RealMessage| Stream {
        bytes: Bytes::from(message.bytes),
        asn4: message.asn4,
        internal: false,
    };
    Input::new("ipv4-real", messages.into_iter().map(stream).collect())
}

/// Whether there is an attribute of type 17.
fn has_as4_path(message: &RealMessage) -> bool {
    let number = |at: usize| {
        usize::from(u16::from_be_bytes([
            message.bytes[at],
            message.bytes[at + 1],
        ]))
    };
    let mut at = 21 + number(19);
    let end = at + 2 + number(at);
    at += 2;
    while at < end {
        if message.bytes[at + 1] == 17 {
            return true;
        }
        at += if message.bytes[at] & 0x10 == 0 {
            3 + usize::from(message.bytes[at + 2])
        } else {
            4 + number(at + 2)
        };
    }
    false
}
