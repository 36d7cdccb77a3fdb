//! Makes routes from their octets.
//!
//! A route is large and is put together from parts of few octets. To copy what has just been written
//! in parts takes longer than all the rest of decoding, and the parts of two types in one take many
//! small ones. So the two types that nearly all routes are of each have their own way, in which
//! numbers stay in registers until the route has its place.

use super::detail::address;
use super::{EvpnDetail, EvpnKind, EvpnRoute, MAX_KEY, RD, TAG, layout};
use crate::input::Input;
use crate::nlri::label::Label;
use crate::{Esi, PathId};

pub(super) type Made = (PathId, EvpnRoute, EvpnDetail);

/// A MAC/IP Advertisement route.
#[inline(never)]
pub(super) fn mac_ip(id: PathId, value: Input<'_>) -> Option<Made> {
    let Some(parts) = layout::mac_ip(value) else {
        return any(id, EvpnKind::MacIp, value);
    };
    let rest = parts.rest;
    let (numbers, octets) = match rest.len() {
        12 => ([twelve(rest)?, 0], 12),
        16 => ([sixteen(rest)?, 0], 16),
        _ => ([sixteen(rest)?, twelve(rest.get(16..)?)?], 28),
    };
    let (label, second) = parts.tail.split_first_chunk()?;
    let detail = EvpnDetail::Mac {
        esi: Esi(*parts.esi?),
        label: Label::from_bytes(*label),
        second: second.first_chunk().copied().map(Label::from_bytes),
    };
    let route = route(EvpnKind::MacIp, parts.rd, numbers, octets);
    Some((id, route, detail))
}

/// An IP Prefix route. Bits of the address beyond the length are of no meaning and cleared.
#[inline(never)]
pub(super) fn ip_prefix(id: PathId, value: Input<'_>) -> Option<Made> {
    let Some(parts) = layout::ip_prefix(value) else {
        return any(id, EvpnKind::IpPrefix, value);
    };
    let (numbers, octets) = prefix(parts.rest)?;
    let (gateway, label) = parts.tail.split_last_chunk()?;
    let detail = EvpnDetail::Prefix {
        esi: Esi(*parts.esi?),
        gateway: address(gateway),
        label: Label::from_bytes(*label),
    };
    let route = route(EvpnKind::IpPrefix, parts.rd, numbers, octets);
    Some((id, route, detail))
}

/// A route of any type.
#[inline(never)]
pub(super) fn any(id: PathId, kind: EvpnKind, value: Input<'_>) -> Option<Made> {
    let parts = match layout::key_of(kind, value) {
        Ok(parts) => parts,
        // The message was judged: what is announced so counts as withdrawn.
        Err(_) => layout::key_alone(kind, value)?,
    };
    let detail = EvpnDetail::read(kind, &parts);
    if kind == EvpnKind::IpPrefix {
        let (numbers, octets) = prefix(parts.rest)?;
        return Some((id, route(kind, parts.rd, numbers, octets), detail));
    }
    let route = EvpnRoute::empty(kind).push(parts.rd).push(parts.rest);
    Some((id, route, detail))
}

/// A route whose key is a route distinguisher and the first octets of two numbers, of which the
/// others are zero.
#[inline]
fn route(kind: EvpnKind, rd: &[u8; RD], numbers: [u128; 2], length: u8) -> EvpnRoute {
    let mut octets = [0; MAX_KEY];
    let numbers = numbers.map(u128::to_be_bytes);
    let (first, rest) = octets.split_at_mut(RD);
    first.copy_from_slice(rd);
    if let Some(first) = rest.first_chunk_mut::<32>() {
        first.copy_from_slice(numbers.as_flattened());
    }
    EvpnRoute {
        kind,
        length: 8 + length,
        octets,
    }
}

/// Ethernet tag, length and address of a prefix, and how many octets these have.
#[inline]
fn prefix(rest: &[u8]) -> Option<([u128; 2], u8)> {
    let ([a, b, c, d, bits], octets) = rest.split_first_chunk::<{ TAG + 1 }>()?;
    let tag = u32::from_be_bytes([*a, *b, *c, *d]);
    let head = u128::from(tag) << 96 | u128::from(*bits) << 88;
    let beyond = u128::MAX.checked_shr(u32::from(*bits)).unwrap_or(0);
    let (address, length) = match octets.as_array::<4>() {
        Some(four) => (u128::from(u32::from_be_bytes(*four)) << 96, 9),
        None => (sixteen(octets)?, 21),
    };
    let address = address & !beyond;
    Some(([head | address >> 40, address << 88], length))
}

/// The first twelve octets as the first of a number.
#[inline]
fn twelve(octets: &[u8]) -> Option<u128> {
    let (eight, rest) = octets.split_first_chunk()?;
    let four = rest.first_chunk()?;
    let number = u128::from(u64::from_be_bytes(*eight)) << 64;
    Some(number | u128::from(u32::from_be_bytes(*four)) << 32)
}

/// The first sixteen octets as a number.
#[inline]
fn sixteen(octets: &[u8]) -> Option<u128> {
    octets.first_chunk().copied().map(u128::from_be_bytes)
}
