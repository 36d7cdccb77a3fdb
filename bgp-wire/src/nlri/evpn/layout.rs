//! Where the key of a route is on the wire, and what is malformed.
//!
//! The key is everything but the ESI of types 2 and 5, which stands behind the route distinguisher,
//! and what some types have at their end: labels, a gateway, flags.

use super::{EvpnKind, MAC, MAX_KEY};
use crate::error::Reason;
use crate::input::{Input, Malformed};
use crate::nlri::address::take_address;

/// The length of a MAC address (RFC 7432 §7.2: "The MAC Address Length field is in bits, and it is
/// set to 48").
pub(super) const MAC_BITS: u8 = 48;

/// The parts of the value of a route.
pub(super) struct Parts<'a> {
    /// The route distinguisher; the first eight octets of the key, at least.
    pub(super) rd: &'a [u8; super::RD],
    /// The ESI, where it is no part of the key.
    pub(super) esi: Option<&'a [u8; super::ESI]>,
    /// The rest of the key.
    pub(super) rest: &'a [u8],
    /// What follows the key.
    pub(super) tail: &'a [u8],
}

/// Whether a route of this type has an ESI that is no part of its key.
pub(super) fn has_esi_beside_key(kind: EvpnKind) -> bool {
    matches!(kind, EvpnKind::MacIp | EvpnKind::IpPrefix)
}

/// Finds the key in the value of a route.
#[inline]
pub(super) fn key_of<'a>(kind: EvpnKind, value: Input<'a>) -> Result<Parts<'a>, Malformed<'a>> {
    let usual = match kind {
        EvpnKind::MacIp => mac_ip(value),
        EvpnKind::IpPrefix => ip_prefix(value),
        _ => None,
    };
    match usual {
        Some(parts) => Ok(parts),
        None => any_key_of(kind, value),
    }
}

/// The parts of a good MAC/IP Advertisement route. Nearly all routes are of this type or the next,
/// and where their fields are depends on one octet. What is wrong with a bad one, [`any_key_of`]
/// finds.
#[inline]
pub(super) fn mac_ip(value: Input<'_>) -> Option<Parts<'_>> {
    let (rd, rest) = value.split_first_chunk()?;
    let (esi, rest) = rest.split_first_chunk()?;
    let [_, _, _, _, MAC_BITS, _, _, _, _, _, _, bits, ..] = rest else {
        return None;
    };
    let key = match bits {
        0 => 12,
        32 => 16,
        128 => 28,
        _ => return None,
    };
    let (rest, tail) = rest.split_at_checked(key)?;
    let esi = Some(esi);
    // The second label is optional (RFC 7432 §7.2).
    matches!(tail.len(), 3 | 6).then_some(Parts {
        rd,
        esi,
        rest,
        tail,
    })
}

/// The parts of a good IP Prefix route.
#[inline]
pub(super) fn ip_prefix(value: Input<'_>) -> Option<Parts<'_>> {
    let (rd, rest) = value.split_first_chunk()?;
    let (esi, rest) = rest.split_first_chunk()?;
    let [_, _, _, _, bits, ..] = rest else {
        return None;
    };
    let key = match value.len() {
        34 if *bits <= 32 => 9,
        58 if *bits <= 128 => 21,
        _ => return None,
    };
    let (rest, tail) = rest.split_at_checked(key)?;
    let esi = Some(esi);
    Some(Parts {
        rd,
        esi,
        rest,
        tail,
    })
}

#[inline(never)]
fn any_key_of<'a>(kind: EvpnKind, value: Input<'a>) -> Result<Parts<'a>, Malformed<'a>> {
    let parts = parts(kind, value)?;
    let tail = parts.tail.len();
    let right = match kind {
        EvpnKind::EthernetAutoDiscovery => tail == 3,
        // The second label is optional (RFC 7432 §7.2).
        EvpnKind::MacIp => matches!(tail, 3 | 6),
        // A gateway of the family of the prefix, and a label (RFC 9136 §3.1).
        EvpnKind::IpPrefix => matches!((parts.rest.len(), tail), (9, 7) | (21, 19)),
        EvpnKind::SelectiveMulticast | EvpnKind::MembershipReportSynch => tail == 1,
        // Reserved, Maximum Response Time, Flags (RFC 9251 §9.3).
        EvpnKind::LeaveSynch => tail == 6,
        _ => tail == 0,
    };
    if right {
        Ok(parts)
    } else {
        Err(wrong_length(value))
    }
}

/// The key of a route whose end is not what it should be, without that end.
#[cold]
pub(super) fn key_alone(kind: EvpnKind, value: Input<'_>) -> Option<Parts<'_>> {
    let parts = parts(kind, value).ok()?;
    Some(Parts { tail: &[], ..parts })
}

#[inline]
fn parts<'a>(kind: EvpnKind, value: Input<'a>) -> Result<Parts<'a>, Malformed<'a>> {
    let (rd, rest) = value
        .split_first_chunk()
        .ok_or_else(|| wrong_length(value))?;
    let (esi, rest) = if has_esi_beside_key(kind) {
        let (esi, rest) = rest
            .split_first_chunk()
            .ok_or_else(|| wrong_length(value))?;
        (Some(esi), rest)
    } else {
        (None, rest)
    };
    let tail = walk(kind, value, rest)?;
    let key = rest.len().saturating_sub(tail.len());
    match rest.split_at_checked(key) {
        Some((rest, tail)) if rd.len() + rest.len() <= MAX_KEY => Ok(Parts {
            rd,
            esi,
            rest,
            tail,
        }),
        _ => Err(wrong_length(value)),
    }
}

fn wrong_length(value: Input<'_>) -> Malformed<'_> {
    Malformed::new(value, "Length", Reason::Length(value.len()))
}

/// What follows the key, of which route distinguisher and maybe ESI are cut off already.
#[inline]
fn walk<'a>(kind: EvpnKind, value: Input<'a>, rest: Input<'a>) -> Result<Input<'a>, Malformed<'a>> {
    use super::{ESI, TAG};
    match kind {
        EvpnKind::EthernetAutoDiscovery => skip(rest, ESI + TAG),
        EvpnKind::MacIp => {
            let mac = skip(rest, TAG)?;
            match mac.first() {
                Some(&MAC_BITS) => {}
                Some(&bits) => return Err(wrong(mac, "MAC Address Length", bits)),
                None => return Err(cut(mac)),
            }
            address(skip(mac, 1 + MAC)?, "IP Address Length", true)
        }
        EvpnKind::InclusiveMulticast => address(skip(rest, TAG)?, "IP Address Length", false),
        EvpnKind::EthernetSegment => address(skip(rest, ESI)?, "IP Address Length", false),
        EvpnKind::IpPrefix => prefix(value, skip(rest, TAG)?),
        EvpnKind::SelectiveMulticast | EvpnKind::SelectivePmsi => multicast(skip(rest, TAG)?),
        EvpnKind::MembershipReportSynch | EvpnKind::LeaveSynch => multicast(skip(rest, ESI + TAG)?),
        EvpnKind::PerRegionInclusivePmsi => skip(rest, TAG + 8),
        EvpnKind::LeafAutoDiscovery => leaf(value),
    }
}

/// RFC 9136 §3.1: "The Length field of the BGP EVPN NLRI for an EVPN IP Prefix route MUST be either
/// 34 (if IPv4 addresses are carried) or 58 (if IPv6 addresses are carried)." "The IP
/// prefix and gateway IP address MUST be from the same IP address family."
#[inline]
fn prefix<'a>(value: Input<'a>, rest: Input<'a>) -> Result<Input<'a>, Malformed<'a>> {
    let (address, max_bits) = match value.len() {
        34 => (4, 32),
        58 => (16, 128),
        length => return Err(Malformed::new(value, "Length", Reason::Length(length))),
    };
    match rest.split_first() {
        Some((&bits, prefix)) if bits <= max_bits => skip(prefix, address),
        Some((&bits, _)) => Err(wrong(rest, "IP Prefix Length", bits)),
        None => Err(cut(rest)),
    }
}

/// Source, group and originator. Source and group may be any (RFC 9251 §9.1.1, RFC 6625 §3).
fn multicast(rest: Input<'_>) -> Result<Input<'_>, Malformed<'_>> {
    let rest = address(rest, "Multicast Source Length", true)?;
    let rest = address(rest, "Multicast Group Length", true)?;
    address(rest, "Originator Router Length", false)
}

/// RFC 9572 §3.3: the key of the route that is answered, which is its NLRI, and the originator.
fn leaf(value: Input<'_>) -> Result<Input<'_>, Malformed<'_>> {
    let (head, key) = value.split_first_chunk().ok_or_else(|| cut(value))?;
    let [_, length] = *head;
    // Shorter than eight octets, there is no route distinguisher in it.
    if length < 8 {
        return Err(wrong(value, "Route Key", length));
    }
    let after = skip(key, usize::from(length))?;
    address(after, "Originator's Addr Length", false)
}

/// Passes over an address and the length in front of it.
#[inline]
fn address<'a>(
    input: Input<'a>,
    field: &'static str,
    optional: bool,
) -> Result<Input<'a>, Malformed<'a>> {
    match (take_address(input), input.first()) {
        (Some((address, rest)), _) if optional || address.is_some() => Ok(rest),
        (None, Some(32 | 128)) | (_, None) => Err(cut(input)),
        (_, Some(&bits)) => Err(wrong(input, field, bits)),
    }
}

#[inline]
fn skip(input: Input<'_>, octets: usize) -> Result<Input<'_>, Malformed<'_>> {
    input.get(octets..).ok_or_else(|| cut(input))
}

fn cut(input: Input<'_>) -> Malformed<'_> {
    Malformed::new(input, "EVPN NLRI", Reason::Truncated)
}

fn wrong<'a>(at: Input<'a>, field: &'static str, value: u8) -> Malformed<'a> {
    Malformed::new(at, field, Reason::Value(value.into()))
}

/// RFC 9136 §3.2: ESI and gateway "MUST NOT both be non-zero at the same time. A route containing a
/// non-zero GW IP and a non-zero ESI (at the same time) SHOULD be treated as withdraw".
#[inline]
pub(super) fn contradiction<'a>(
    kind: EvpnKind,
    parts: &Parts<'a>,
    value: Input<'a>,
) -> Option<Malformed<'a>> {
    if kind != EvpnKind::IpPrefix || parts.esi == Some(&[0; super::ESI]) {
        return None;
    }
    let (gateway, _label) = parts.tail.split_last_chunk::<3>()?;
    let both = gateway.iter().any(|octet| *octet != 0);
    let why = Reason::Text("has an Ethernet segment too");
    both.then(|| Malformed::new(value, "GW IP Address", why))
}
