//! What neighbours would send, made up as it is needed: about seven prefixes an UPDATE, an attribute set for every ten
//! prefixes, in an order that no tree would like.
#![allow(dead_code, reason = "each example uses its part")]

use bgp_wire::*;
use bytes::BytesMut;
use ipnet::{Ipv4Net, Ipv6Net};

/// A small generator of numbers (splitmix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        mix(self.0)
    }

    fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }
}

fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A prefix type of the feed.
pub(crate) trait Prefix: Nlri<Detail = ()> {
    const FAMILY: Family;
    fn nth(n: u32) -> Self;
    fn next_hop(peer: u32) -> NextHop;
}

impl Prefix for Ipv4Net {
    const FAMILY: Family = Family::IPV4_UNICAST;

    fn nth(n: u32) -> Self {
        let len = [22, 22, 22, 23, 24, 24, 24, 24, 24, 24][(mix(u64::from(n)) % 10) as usize];
        Self::new((0x1000_0000 + (n << 10)).into(), len).expect("a length of IPv4")
    }

    fn next_hop(peer: u32) -> NextHop {
        NextHop::V4((0x0a00_0001 + peer).into())
    }
}

impl Prefix for Ipv6Net {
    const FAMILY: Family = Family::IPV6_UNICAST;

    fn nth(n: u32) -> Self {
        let len = [40, 40, 44, 44, 48, 48, 48, 48, 48, 48][(mix(u64::from(n)) % 10) as usize];
        Self::new((0x2a00_u128 << 112 | u128::from(n) << 88).into(), len).expect("a length of IPv6")
    }

    fn next_hop(peer: u32) -> NextHop {
        NextHop::V6((0x2001_0db8_u128 << 96 | u128::from(peer + 1)).into())
    }
}

/// The UPDATEs of one neighbour.
pub(crate) struct Feed {
    pub(crate) asn: Asn,
    first: u32,
    count: u32,
    sent: u32,
    step: u32,
    sets: Vec<AttrSet>,
    random: Random,
}

const ENCODING: Encoding = Encoding {
    asn4: true,
    add_path: false,
    max_message: 4096,
    mp_ipv4: false,
};

impl Feed {
    pub(crate) fn new<N: Prefix>(peer: u32, first: u32, count: u32) -> Self {
        let asn = Asn(64_600 + peer);
        let mut random = Random(u64::from(peer) << 32 | 7);
        let sets = (0..(count / 10).max(1))
            .map(|_| set::<N>(peer, asn, &mut random))
            .collect();
        // Runs of four neighbours, the runs permuted.
        let runs = (count / 4).max(1);
        let mut step = (mix(u64::from(peer)) as u32 % runs) | 1;
        while gcd(step, runs) != 1 {
            step += 1;
        }
        Self {
            asn,
            first,
            count,
            sent: 0,
            step,
            sets,
            random,
        }
    }

    pub(crate) fn restart(&mut self) {
        self.sent = 0;
    }

    fn index(&self, sent: u32) -> u32 {
        let runs = (self.count / 4).max(1);
        if sent / 4 >= runs {
            return self.first + sent;
        }
        let run = (u64::from(sent / 4) * u64::from(self.step)) % u64::from(runs);
        self.first + run as u32 * 4 + sent % 4
    }

    fn take<N: Prefix>(&mut self, n: u32, out: &mut Vec<(PathId, N)>) {
        out.clear();
        let to = (self.sent + n).min(self.count);
        out.extend((self.sent..to).map(|sent| (PathId(0), N::nth(self.index(sent)))));
        self.sent = to;
    }

    /// UPDATEs that announce, up to about `bytes` of them. False at the end.
    pub(crate) fn announce<N: Prefix>(&mut self, bytes: usize, out: &mut BytesMut) -> bool {
        out.clear();
        let mut nlri = Vec::new();
        while out.len() < bytes && self.sent < self.count {
            let n = match self.random.below(100) {
                0..=34 => 1,
                35..=59 => 2 + self.random.below(3),
                60..=84 => 5 + self.random.below(8),
                _ => 13 + self.random.below(28),
            };
            self.take::<N>(n as u32, &mut nlri);
            let at = self.random.below(self.sets.len() as u64) as usize;
            let set = self.sets[at].as_ref();
            let fitted = encode_announce(out, N::FAMILY, &ENCODING, set, &nlri).expect("it fits");
            assert_eq!(fitted, nlri.len());
        }
        !out.is_empty()
    }

    /// UPDATEs that withdraw, sixty prefixes each.
    pub(crate) fn withdraw<N: Prefix>(&mut self, bytes: usize, out: &mut BytesMut) -> bool {
        out.clear();
        let mut nlri = Vec::new();
        while out.len() < bytes && self.sent < self.count {
            self.take::<N>(60, &mut nlri);
            assert_eq!(
                encode_withdraw(out, N::FAMILY, &ENCODING, &nlri),
                nlri.len()
            );
        }
        !out.is_empty()
    }
}

fn set<N: Prefix>(peer: u32, asn: Asn, random: &mut Random) -> AttrSet {
    let mut editor = AttrEditor::new();
    editor.set_origin(if random.below(20) == 0 {
        Origin::Incomplete
    } else {
        Origin::Igp
    });
    let mut path = vec![asn];
    path.extend((0..1 + random.below(5)).map(|_| Asn(200_000 + random.below(70_000) as u32)));
    editor.set_as_path(&path);
    editor.set_next_hop(N::next_hop(peer));
    if random.below(10) < 3 {
        editor.set_med(Some(random.below(1000) as u32));
    }
    let communities: Vec<_> = (0..random.below(7))
        .map(|_| {
            Community(((1000 + random.below(60_000) as u32) << 16) | random.below(5000) as u32)
        })
        .collect();
    editor.set_communities(communities);
    editor.to_set()
}

fn gcd(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { gcd(b, a % b) }
}
