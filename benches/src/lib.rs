//! What the benchmarks run on: real updates from a route collector, and made-up tables of any size.
//!
//! The real updates ([`real_messages`]) say what the codec costs on what the Internet sends. The made-up ones ([`Table`]) have its
//! proportions (about seven prefixes an UPDATE, one attribute set for about thirteen prefixes, paths of two to six AS numbers, up to six
//! communities) at 10,000, 100,000 and a million routes. Nothing here is random: two runs measure the same work.

use std::io::Read;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::{
    Asn, AttrEditor, Community, Encoding, Family, FamilySet, NextHop, Origin, PathId,
    SessionContext, encode_announce, encode_withdraw,
};
use bytes::BytesMut;
use ipnet::{Ipv4Net, Ipv6Net};

/// The AS of the router that is measured.
pub const LOCAL_AS: Asn = Asn(64600);
/// The AS of the peer that announces.
pub const PEER_AS: Asn = Asn(100_001);

/// A BGP message of the collector, and whether its AS numbers have four octets.
#[derive(Clone, Debug)]
pub struct RealMessage {
    /// The whole message, marker included.
    pub bytes: Vec<u8>,
    /// The session it comes from had negotiated four-octet AS numbers (RFC 6793).
    pub asn4: bool,
}

/// The messages of the collector's file, in order (RFC 6396 §4.4).
///
/// # Panics
/// When the file in `benches/data` is not what it was.
#[must_use]
pub fn real_messages() -> Vec<RealMessage> {
    let packed = include_bytes!("../data/rrc15-updates.20100227.1600.gz");
    let mut dump = Vec::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_end(&mut dump)
        .expect("a gzip file");
    let mut rest = &dump[..];
    let mut found = Vec::new();
    while let Some((header, after)) = rest.split_at_checked(12) {
        let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let length = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
        let (body, next) = after.split_at(usize::try_from(length).expect("64 bits"));
        rest = next;
        // BGP4MP_MESSAGE and BGP4MP_MESSAGE_AS4; a state change is no message.
        let as_size = match (number(4), number(6)) {
            (16, 1) => 2,
            (16, 4) => 4,
            _ => continue,
        };
        let family = 2 * as_size + 2;
        let addresses = if body[family + 1] == 2 { 32 } else { 8 };
        let bytes = body[family + 2 + addresses..].to_vec();
        found.push(RealMessage {
            bytes,
            asn4: as_size == 4,
        });
    }
    found
}

/// The context of a session with both unicast families.
#[must_use]
pub fn context(asn4: bool) -> SessionContext {
    let mut families = FamilySet::default();
    families.insert(Family::IPV4_UNICAST);
    families.insert(Family::IPV6_UNICAST);
    SessionContext {
        asn4,
        families,
        enforce_first_as: false,
        ..SessionContext::new(LOCAL_AS, PEER_AS)
    }
}

/// How UPDATEs are written.
pub const ENCODING: Encoding = Encoding {
    asn4: true,
    add_path: false,
    max_message: 4096,
    mp_ipv4: false,
};

/// A made-up table: `n` prefixes of a family as one peer would announce them.
#[derive(Clone, Copy, Debug)]
pub struct Table {
    /// IPv6 instead of IPv4.
    pub v6: bool,
    /// How many prefixes.
    pub prefixes: u32,
    /// Which peer announces: its AS path differs from that of another.
    pub peer: u8,
}

/// Prefixes in one UPDATE.
const IN_ONE_UPDATE: u32 = 7;
/// Prefixes that share an attribute set.
const IN_ONE_SET: u32 = 13;

impl Table {
    /// The family.
    #[must_use]
    pub fn family(self) -> Family {
        if self.v6 {
            Family::IPV6_UNICAST
        } else {
            Family::IPV4_UNICAST
        }
    }

    /// The address of the peer.
    #[must_use]
    pub fn address(self) -> IpAddr {
        if self.v6 {
            IpAddr::V6(Ipv6Addr::new(
                0xfd99,
                0,
                0,
                0,
                0,
                0,
                1,
                u16::from(self.peer),
            ))
        } else {
            IpAddr::V4(Ipv4Addr::new(10, 99, 1, self.peer))
        }
    }

    /// UPDATE messages that announce it, headers included.
    #[must_use]
    pub fn announcements(self) -> Vec<BytesMut> {
        let mut editor = AttrEditor::new();
        self.chunks(IN_ONE_SET)
            .flat_map(|(first, last)| {
                self.attributes(&mut editor, first / IN_ONE_SET);
                let attrs = editor.finish();
                let mut messages = Vec::new();
                let mut at = first;
                while at < last {
                    let end = last.min(at + IN_ONE_UPDATE);
                    let mut out = BytesMut::new();
                    let family = self.family();
                    let wrote = if self.v6 {
                        encode_announce(&mut out, family, &ENCODING, attrs, &v6_prefixes(at, end))
                    } else {
                        encode_announce(&mut out, family, &ENCODING, attrs, &v4_prefixes(at, end))
                    };
                    assert_eq!(
                        wrote.ok(),
                        usize::try_from(end - at).ok(),
                        "all fit one message"
                    );
                    messages.push(out);
                    at = end;
                }
                messages
            })
            .collect()
    }

    /// UPDATE messages that withdraw it.
    #[must_use]
    pub fn withdrawals(self) -> Vec<BytesMut> {
        self.chunks(200)
            .map(|(first, last)| {
                let mut out = BytesMut::new();
                let family = self.family();
                if self.v6 {
                    encode_withdraw(&mut out, family, &ENCODING, &v6_prefixes(first, last));
                } else {
                    encode_withdraw(&mut out, family, &ENCODING, &v4_prefixes(first, last));
                }
                out
            })
            .collect()
    }

    fn chunks(self, size: u32) -> impl Iterator<Item = (u32, u32)> {
        let n = self.prefixes;
        (0..n.div_ceil(size)).map(move |c| (c * size, n.min((c + 1) * size)))
    }

    /// The set of number `set`: paths of two to six, none to six communities.
    fn attributes(self, editor: &mut AttrEditor, set: u32) {
        editor.clear();
        editor.set_origin(Origin::Igp);
        let mixed = set.wrapping_mul(0x9e37_79b9) ^ u32::from(self.peer).wrapping_mul(0x85eb_ca6b);
        let hops = mixed % 5 + 2;
        let mut path = vec![PEER_AS];
        path.extend((1..hops).map(|hop| Asn(200_000 + (mixed.rotate_left(hop * 5) % 60_000))));
        editor.set_as_path(&path);
        editor.set_communities((0..mixed % 7).map(|n| Community(mixed.rotate_left(n * 3) | 1)));
        editor.set_next_hop(match self.address() {
            IpAddr::V4(a) => NextHop::V4(a),
            IpAddr::V6(a) => NextHop::V6(a),
        });
    }
}

/// Neighbours in number are far apart in address, as in a table that was never sorted.
fn scattered(n: u32) -> u32 {
    // An odd factor permutes 2^20, so a million are distinct.
    n.wrapping_mul(0x0027_d4eb) & 0x0f_ffff
}

fn v4_prefixes(first: u32, last: u32) -> Vec<(PathId, Ipv4Net)> {
    (first..last)
        .map(|n| {
            let address = Ipv4Addr::from((scattered(n) << 8) | 0x4000_0000);
            (PathId(0), Ipv4Net::new(address, 24).expect("a length"))
        })
        .collect()
}

fn v6_prefixes(first: u32, last: u32) -> Vec<(PathId, Ipv6Net)> {
    (first..last)
        .map(|n| {
            let address = Ipv6Addr::from((0x2400_u128 << 112) | (u128::from(scattered(n)) << 80));
            (PathId(0), Ipv6Net::new(address, 48).expect("a length"))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::{AttrScratch, Disposition, decode_update};

    #[test]
    fn the_file_of_the_collector_holds_what_it_says() {
        let messages = real_messages();
        assert_eq!(messages.iter().filter(|m| m.asn4).count(), 6053);
        assert_eq!(messages.iter().filter(|m| !m.asn4).count(), 542);
        assert!(messages.iter().all(|m| m.bytes[..16] == [0xff; 16]));
    }

    #[test]
    fn a_table_announces_each_of_its_prefixes_once() {
        for v6 in [false, true] {
            let table = Table {
                v6,
                prefixes: 1000,
                peer: 1,
            };
            let mut scratch = AttrScratch::new();
            let mut seen = std::collections::BTreeSet::new();
            for message in table.announcements() {
                let context = context(true);
                let decoded = decode_update(&message[19..], &context, &mut scratch).expect("ours");
                assert_eq!(decoded.disposition, Disposition::None);
                match decoded.update.reach {
                    Some(reach) => seen.extend(reach.nlri.iter_v6().map(|(_, p)| p.to_string())),
                    None => seen.extend(
                        decoded
                            .update
                            .announced
                            .iter_v4()
                            .map(|(_, p)| p.to_string()),
                    ),
                }
            }
            assert_eq!(seen.len(), 1000);
        }
    }
}
