//! Made-up tables of unicast prefixes.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::{
    Asn, AttrEditor, Community, Family, NextHop, Origin, PathId, encode_announce, encode_withdraw,
};
use bytes::BytesMut;
use ipnet::{Ipv4Net, Ipv6Net};

use crate::{ENCODING, PEER_AS};

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
    use crate::context;
    use bgp_wire::{AttrScratch, Disposition, decode_update};

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
