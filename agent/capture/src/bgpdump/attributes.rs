//! The attributes that a line shows, out of their octets.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::{AFI_IPV4, AFI_IPV6};

use super::text;

/// What a line shows of a block of attributes.
#[derive(Debug, Default)]
pub(super) struct Block<'a> {
    four: bool,
    origin: Option<u8>,
    as_path: &'a [u8],
    as4_path: Option<&'a [u8]>,
    next_hop: Option<[u8; 4]>,
    med: u32,
    local_pref: u32,
    atomic_aggregate: bool,
    aggregator: Option<(u32, [u8; 4])>,
    as4_aggregator: Option<(u32, [u8; 4])>,
    communities: &'a [u8],
    pub(super) reach: Vec<Reach<'a>>,
    unreach: Vec<(u16, u8, &'a [u8])>,
    /// MP_REACH_NLRI as it is, for the short form of a dump.
    mp_reach: Option<&'a [u8]>,
}

/// MP_REACH_NLRI.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reach<'a> {
    pub(super) afi: u16,
    safi: u8,
    pub(super) next_hop: &'a [u8],
    pub(super) nlri: &'a [u8],
}

/// MP_REACH_NLRI and MP_UNREACH_NLRI, of which all are shown.
const CARRIES_NLRI: u32 = 1 << 14 | 1 << 15;

impl<'a> Block<'a> {
    /// Reads a block with AS numbers of four octets, or two. What cannot be read is as if it were not
    /// there.
    pub(super) fn read(mut rest: &'a [u8], four: bool) -> Self {
        let mut block = Self {
            four,
            ..Self::default()
        };
        let mut seen = 0u32;
        while let Some((code, value, after)) = first(rest) {
            // Of an attribute that is there again the first counts (RFC 7606 §3 g).
            let bit = 1u32.checked_shl(code.into()).unwrap_or(0);
            if seen & bit & !CARRIES_NLRI == 0 {
                block.attribute(code, value);
            }
            seen |= bit;
            rest = after;
        }
        block
    }

    fn attribute(&mut self, code: u8, value: &'a [u8]) {
        let number = || value.first_chunk().map(|four| u32::from_be_bytes(*four));
        match code {
            1 => self.origin = value.first().copied(),
            2 => self.as_path = value,
            3 => self.next_hop = value.first_chunk().copied(),
            4 => self.med = number().unwrap_or(0),
            5 => self.local_pref = number().unwrap_or(0),
            6 => self.atomic_aggregate = true,
            7 => self.aggregator = aggregator(value),
            8 => self.communities = value,
            14 => {
                self.mp_reach = Some(value);
                self.reach.extend(reach(value));
            }
            15 => {
                if let [a, f, safi, nlri @ ..] = value {
                    self.unreach
                        .push((u16::from_be_bytes([*a, *f]), *safi, nlri));
                }
            }
            17 => self.as4_path = Some(value),
            18 => self.as4_aggregator = aggregator(value),
            _ => {}
        }
    }

    pub(super) fn reach(&self, afi: u16, safi: u8) -> impl Iterator<Item = &Reach<'a>> {
        self.reach
            .iter()
            .filter(move |reach| (reach.afi, reach.safi) == (afi, safi))
    }

    pub(super) fn unreach(&self, afi: u16, safi: u8) -> impl Iterator<Item = &'a [u8]> + '_ {
        self.unreach
            .iter()
            .filter(move |(a, s, _)| (*a, *s) == (afi, safi))
            .map(|(.., nlri)| *nlri)
    }

    /// The next hop of the routes of the body. All ones stand for none.
    pub(super) fn next_hop(&self) -> IpAddr {
        self.next_hop
            .map_or(Ipv4Addr::BROADCAST, Ipv4Addr::from)
            .into()
    }

    /// The next hop of a route in a dump: MP_REACH_NLRI holds its length and itself (RFC 6396 §4.3.4), or
    /// is whole, which its first octet tells.
    pub(super) fn rib_next_hop(&self) -> Option<IpAddr> {
        let value = self.mp_reach?;
        match value {
            [0, ..] => self
                .reach
                .iter()
                .find(|reach| reach.afi == AFI_IPV6)
                .map(|reach| address(reach.next_hop, AFI_IPV6)),
            [length @ (16 | 32), next_hop @ ..] if next_hop.len() >= usize::from(*length) => {
                Some(address(next_hop, AFI_IPV6))
            }
            _ => None,
        }
    }

    /// What follows the prefix in a line of an announcement.
    pub(super) fn put_tail(&self, next_hop: IpAddr, out: &mut Vec<u8>) {
        out.push(b'|');
        self.put_as_path(out);
        out.push(b'|');
        out.extend_from_slice(match self.origin {
            Some(0) => b"IGP",
            Some(1) => b"EGP",
            _ => b"INCOMPLETE",
        });
        out.push(b'|');
        text::address(out, next_hop);
        out.push(b'|');
        text::number(out, u64::from(self.local_pref));
        out.push(b'|');
        text::number(out, u64::from(self.med));
        out.push(b'|');
        for (place, community) in self.communities.as_chunks().0.iter().enumerate() {
            if place > 0 {
                out.push(b' ');
            }
            put_community(out, *community);
        }
        out.extend_from_slice(if self.atomic_aggregate {
            b"|AG|"
        } else {
            b"|NAG|"
        });
        let aggregator = match (self.aggregator, self.as4_aggregator) {
            (Some((AS_TRANS, _)), Some(four)) if !self.four => Some(four),
            (own, _) => own,
        };
        if let Some((asn, router)) = aggregator {
            text::number(out, u64::from(asn));
            out.push(b' ');
            text::ipv4(out, router);
        }
        out.extend_from_slice(b"|\n");
    }

    /// AS_PATH, with what AS4_PATH knows better (RFC 6793 §4.2.3).
    fn put_as_path(&self, out: &mut Vec<u8>) {
        // "If the AS number in the AGGREGATOR attribute is not AS_TRANS": both are ignored.
        let ignored = self.four
            || (self.as4_aggregator.is_some()
                && matches!(self.aggregator, Some((asn, _)) if asn != AS_TRANS));
        let Some(as4_path) = self.as4_path.filter(|_| !ignored) else {
            put_path(out, self.as_path, self.four, usize::MAX);
            return;
        };
        let (own, better) = (length(self.as_path, false), length(as4_path, true));
        let Some(leading) = own.checked_sub(better) else {
            put_path(out, self.as_path, false, usize::MAX);
            return;
        };
        put_path(out, self.as_path, false, leading);
        if leading > 0 && better > 0 {
            out.push(b' ');
        }
        put_path(out, as4_path, true, usize::MAX);
    }
}

const AS_TRANS: u32 = 23456;

/// Code and value of the first attribute, and what follows it.
fn first(rest: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (code, length, rest) = match rest {
        [flags, code, high, low, rest @ ..] if flags & 0x10 != 0 => {
            (*code, u16::from_be_bytes([*high, *low]), rest)
        }
        [flags, code, length, rest @ ..] if flags & 0x10 == 0 => (*code, u16::from(*length), rest),
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(usize::from(length))?;
    Some((code, value, rest))
}

fn reach(value: &[u8]) -> Option<Reach<'_>> {
    let [a, f, safi, length, rest @ ..] = value else {
        return None;
    };
    let (next_hop, rest) = rest.split_at_checked(usize::from(*length))?;
    Some(Reach {
        afi: u16::from_be_bytes([*a, *f]),
        safi: *safi,
        next_hop,
        // A reserved octet, once the number of addresses of a lower layer.
        nlri: rest.get(1..)?,
    })
}

fn aggregator(value: &[u8]) -> Option<(u32, [u8; 4])> {
    match value {
        [a, b, c, d, router @ ..] if router.len() == 4 => Some((
            u32::from_be_bytes([*a, *b, *c, *d]),
            router.first_chunk().copied()?,
        )),
        [a, b, router @ ..] if router.len() == 4 => Some((
            u32::from(u16::from_be_bytes([*a, *b])),
            router.first_chunk().copied()?,
        )),
        _ => None,
    }
}

/// The first address of a next hop; the one behind it is link-local.
pub(super) fn address(next_hop: &[u8], afi: u16) -> IpAddr {
    match (afi, next_hop.first_chunk::<16>()) {
        (AFI_IPV4, _) => Ipv4Addr::from(text::padded::<4>(next_hop)).into(),
        (_, Some(sixteen)) => Ipv6Addr::from(*sixteen).into(),
        (_, None) => Ipv6Addr::from(text::padded::<16>(next_hop)).into(),
    }
}

fn put_community(out: &mut Vec<u8>, community: [u8; 4]) {
    let [a, b, c, d] = community;
    match u32::from_be_bytes(community) {
        0xffff_ff01 => out.extend_from_slice(b"no-export"),
        0xffff_ff02 => out.extend_from_slice(b"no-advertise"),
        0xffff_ff03 => out.extend_from_slice(b"local-AS"),
        _ => {
            text::number(out, u64::from(u16::from_be_bytes([a, b])));
            out.push(b':');
            text::number(out, u64::from(u16::from_be_bytes([c, d])));
        }
    }
}

/// The segments of a path: kind, and the octets of its ASes.
fn segments(mut path: &[u8], four: bool) -> impl Iterator<Item = (u8, &[u8])> {
    let width = if four { 4 } else { 2 };
    std::iter::from_fn(move || {
        let [kind, count, rest @ ..] = path else {
            return None;
        };
        let (asns, rest) = rest.split_at_checked(usize::from(*count) * width)?;
        path = rest;
        Some((*kind, asns))
    })
}

/// How many ASes a path has, a set counting one.
fn length(path: &[u8], four: bool) -> usize {
    let width = if four { 4 } else { 2 };
    segments(path, four)
        .map(|(kind, asns)| match kind {
            2 => asns.len() / width,
            1 => 1,
            _ => 0,
        })
        .sum()
}

/// The first `most` ASes of a path.
fn put_path(out: &mut Vec<u8>, path: &[u8], four: bool, most: usize) {
    let mut left = most;
    for (place, (kind, asns)) in segments(path, four).enumerate() {
        if left == 0 {
            break;
        }
        let (open, between, close): (&[u8], u8, &[u8]) = match kind {
            1 => (b"{", b',', b"}"),
            3 => (b"(", b' ', b")"),
            4 => (b"[", b',', b"]"),
            _ => (b"", b' ', b""),
        };
        if place > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(open);
        let width = if four { 4 } else { 2 };
        let shown = if kind == 2 { left } else { usize::MAX };
        for (place, asn) in asns.chunks_exact(width).take(shown).enumerate() {
            if place > 0 {
                out.push(between);
            }
            let asn = asn
                .iter()
                .fold(0, |sum, octet| sum << 8 | u64::from(*octet));
            text::number(out, asn);
        }
        out.extend_from_slice(close);
        left = match kind {
            2 => left.saturating_sub(asns.len() / width),
            1 => left.saturating_sub(1),
            _ => left,
        };
    }
}
