//! NEXT_HOP (RFC 4271 §5.1.3) and the next hops of MP_REACH_NLRI (RFC 2545, 4760, 8950).

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::BufMut;
use smallvec::SmallVec;

use super::layout::put_address;
use crate::describe::{Fields, Node};
use crate::error::{Disposition, Reason};
use crate::input::{Input, Malformed};
use crate::nlri::{HopForm, RouteDistinguisher};
use crate::{Family, SessionContext};

/// Where packets for a route go.
///
/// A link-local address without a global one is [`V6`](Self::V6), in whatever way it was sent:
/// alone, twice, or after `::`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NextHop {
    /// An IPv4 address.
    V4(Ipv4Addr),
    /// An IPv6 address, global or link-local.
    V6(Ipv6Addr),
    /// A global IPv6 address and the link-local one of the same router (RFC 2545 §3).
    V6LinkLocal {
        /// The global address.
        global: Ipv6Addr,
        /// The link-local address.
        link_local: Ipv6Addr,
    },
}

impl NextHop {
    /// The address the next hop is known by: the global one if there is one.
    pub fn address(self) -> IpAddr {
        match self {
            Self::V4(address) => address.into(),
            Self::V6(address)
            | Self::V6LinkLocal {
                global: address, ..
            } => address.into(),
        }
    }

    /// The link-local address, if there is one.
    pub fn link_local(self) -> Option<Ipv6Addr> {
        match self {
            Self::V6LinkLocal { link_local, .. } => Some(link_local),
            Self::V6(address) if address.is_unicast_link_local() => Some(address),
            _ => None,
        }
    }

    /// Whether it can be the address of a host (RFC 4271 §6.3): not "this network", loopback,
    /// multicast, or reserved, nor an IPv6 address that stands for such an IPv4 one (RFC 4291 §2.5.5.2).
    #[inline]
    pub fn is_host(self) -> bool {
        match self {
            Self::V4(address) => {
                let [first, ..] = address.octets();
                !matches!(first, 0 | 127 | 224..)
            }
            Self::V6(address)
            | Self::V6LinkLocal {
                global: address, ..
            } => {
                !address.is_unspecified()
                    && !address.is_loopback()
                    && !address.is_multicast()
                    && address
                        .to_ipv4_mapped()
                        .is_none_or(|address| Self::V4(address).is_host())
            }
        }
    }

    /// The octets as they are in a canonical set and in MP_REACH_NLRI.
    #[inline(always)]
    pub(crate) fn write<T>(self, write: impl FnOnce(&[u8]) -> T) -> T {
        match self {
            Self::V4(address) => write(&address.octets()),
            Self::V6(address) => write(&address.octets()),
            Self::V6LinkLocal { global, link_local } => {
                write([global.octets(), link_local.octets()].as_flattened())
            }
        }
    }

    /// The octets as they are in MP_REACH_NLRI of a VPN: a route distinguisher of zero before each
    /// address (RFC 4364 §4.3.2, 4659 §3.2.1). `mapped`: an IPv4 address becomes an IPv4-mapped one
    /// (RFC 4659 §3.2.1.2).
    pub(crate) fn write_behind_rd(self, mapped: bool, out: &mut impl BufMut) {
        let mut put = |address: &[u8]| {
            out.put_slice(&[0; RD_OCTETS]);
            out.put_slice(address);
        };
        match self {
            Self::V4(address) if mapped => put(&address.to_ipv6_mapped().octets()),
            Self::V4(address) => put(&address.octets()),
            Self::V6(address) => put(&address.octets()),
            Self::V6LinkLocal { global, link_local } => {
                put(&global.octets());
                put(&link_local.octets());
            }
        }
    }

    /// Reads what [`write`](Self::write) gave.
    #[inline]
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        match bytes.len() {
            4 => bytes
                .first_chunk()
                .map(|four: &[u8; 4]| Self::V4((*four).into())),
            16 => bytes
                .first_chunk()
                .map(|sixteen: &[u8; 16]| Self::V6((*sixteen).into())),
            32 => {
                let (global, rest) = bytes.split_first_chunk::<16>()?;
                let link_local = rest.first_chunk::<16>()?;
                Some(Self::pair((*global).into(), (*link_local).into()))
            }
            _ => None,
        }
    }

    /// A next hop sent as two addresses. A second one that is not link-local says nothing, as BIRD
    /// and FRR see it too.
    fn pair(global: Ipv6Addr, link_local: Ipv6Addr) -> Self {
        if !link_local.is_unicast_link_local() {
            Self::V6(global)
        } else if global.is_unspecified() || global.is_unicast_link_local() {
            Self::V6(link_local)
        } else {
            Self::V6LinkLocal { global, link_local }
        }
    }
}

impl From<IpAddr> for NextHop {
    fn from(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(address) => Self::V4(address),
            IpAddr::V6(address) => Self::V6(address),
        }
    }
}

impl fmt::Display for NextHop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(address) => fmt::Display::fmt(address, f),
            Self::V6(address) => fmt::Display::fmt(address, f),
            Self::V6LinkLocal { global, link_local } => write!(f, "{global} ({link_local})"),
        }
    }
}

/// The NEXT_HOP attribute: RFC 7606 §7.3 for the length, RFC 4271 §6.3 for the address.
pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    _: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    match NextHop::from_bytes(value) {
        Some(next_hop @ NextHop::V4(_)) => check(next_hop, value),
        _ => Err(Malformed::new(
            value,
            "NEXT_HOP",
            Reason::Length(value.len()),
        )),
    }
}

/// Fails for what cannot be a host.
pub(crate) fn check(next_hop: NextHop, at: Input<'_>) -> Result<(), Malformed<'_>> {
    if next_hop.is_host() {
        Ok(())
    } else {
        Err(Malformed::new(
            at,
            "Next Hop",
            Reason::Text("is not the address of a host"),
        ))
    }
}

/// Reads the next hop of MP_REACH_NLRI of a family.
pub(crate) type Read =
    for<'a> fn(Input<'a>, Family, &SessionContext) -> Result<Option<NextHop>, Malformed<'a>>;

/// A next hop of IPv4 NLRI: four octets, or an IPv6 one where that was negotiated (RFC 8950 §4).
pub(crate) fn decode_ipv4<'a>(
    bytes: Input<'a>,
    family: Family,
    ctx: &SessionContext,
) -> Result<Option<NextHop>, Malformed<'a>> {
    match NextHop::from_bytes(bytes) {
        Some(next_hop @ NextHop::V4(_)) => Ok(Some(next_hop)),
        Some(next_hop) if ctx.extended_next_hop.contains(family) => Ok(Some(next_hop)),
        _ => Err(bad_length(bytes)),
    }
}

/// A next hop of IPv6 NLRI (RFC 2545 §3).
pub(crate) fn decode_ipv6<'a>(
    bytes: Input<'a>,
    _: Family,
    _: &SessionContext,
) -> Result<Option<NextHop>, Malformed<'a>> {
    match NextHop::from_bytes(bytes) {
        Some(next_hop @ (NextHop::V6(_) | NextHop::V6LinkLocal { .. })) => Ok(Some(next_hop)),
        _ => Err(bad_length(bytes)),
    }
}

/// A next hop of VPN-IPv4 NLRI: a route distinguisher and four octets (RFC 4364 §4.3.2), or, where
/// that was negotiated, an IPv6 one (RFC 8950 §4: 24 or 48 octets).
pub(crate) fn decode_vpnv4<'a>(
    bytes: Input<'a>,
    family: Family,
    ctx: &SessionContext,
) -> Result<Option<NextHop>, Malformed<'a>> {
    match behind_rd(bytes) {
        Some(next_hop @ NextHop::V4(_)) => Ok(Some(next_hop)),
        Some(next_hop) if ctx.extended_next_hop.contains(family) => Ok(Some(next_hop)),
        _ => Err(bad_length(bytes)),
    }
}

/// A next hop of VPN-IPv6 NLRI: RFC 4659 §3.2.1.1 (24 or 48 octets), and §3.2.1.2 for an IPv4 one,
/// which comes as an IPv4-mapped address.
pub(crate) fn decode_vpnv6<'a>(
    bytes: Input<'a>,
    _: Family,
    _: &SessionContext,
) -> Result<Option<NextHop>, Malformed<'a>> {
    match behind_rd(bytes) {
        Some(NextHop::V6(address)) => Ok(Some(match address.to_ipv4_mapped() {
            Some(mapped) => NextHop::V4(mapped),
            None => NextHop::V6(address),
        })),
        Some(next_hop @ NextHop::V6LinkLocal { .. }) => Ok(Some(next_hop)),
        _ => Err(bad_length(bytes)),
    }
}

/// The next hop of a family that is carried over either protocol, as it is.
pub(crate) fn decode_any<'a>(
    bytes: Input<'a>,
    _: Family,
    _: &SessionContext,
) -> Result<Option<NextHop>, Malformed<'a>> {
    match NextHop::from_bytes(bytes) {
        Some(next_hop) => Ok(Some(next_hop)),
        None => Err(bad_length(bytes)),
    }
}

/// The next hop of a family that is carried over either protocol, behind a route distinguisher.
pub(crate) fn decode_behind_rd<'a>(
    bytes: Input<'a>,
    _: Family,
    _: &SessionContext,
) -> Result<Option<NextHop>, Malformed<'a>> {
    match behind_rd(bytes) {
        Some(next_hop) => Ok(Some(next_hop)),
        None => Err(bad_length(bytes)),
    }
}

/// The next hop of a family that has none. RFC 8955 §4: its length "MUST be set to 0", and it "MUST
/// be ignored".
pub(crate) fn ignore<'a>(
    _: Input<'a>,
    _: Family,
    _: &SessionContext,
) -> Result<Option<NextHop>, Malformed<'a>> {
    Ok(None)
}

/// One address, or two, each behind a route distinguisher. "The RD is set to 0" (RFC 4364 §4.3.2) by
/// the sender, and says nothing.
fn behind_rd(bytes: &[u8]) -> Option<NextHop> {
    let address = |bytes: &[u8]| bytes.get(RD_OCTETS..).and_then(NextHop::from_bytes);
    match bytes.split_at_checked(24) {
        Some((global, link_local)) if link_local.len() == 24 => {
            match (address(global)?, address(link_local)?) {
                (NextHop::V6(global), NextHop::V6(link_local)) => {
                    Some(NextHop::pair(global, link_local))
                }
                _ => None,
            }
        }
        _ => match address(bytes)? {
            NextHop::V6LinkLocal { .. } => None,
            next_hop => Some(next_hop),
        },
    }
}

/// Octets of a route distinguisher.
const RD_OCTETS: usize = 8;

/// An address as it is sent, behind a route distinguisher in VPNs.
type Sent<'a> = (Option<RouteDistinguisher>, &'a [u8]);

/// The addresses of a next hop of MP_REACH_NLRI, each with the route distinguisher in front of it
/// where the family has one. `None` if it is not made of such.
fn addresses(octets: &[u8], form: HopForm) -> Option<SmallVec<[Sent<'_>; 2]>> {
    let before = if form == HopForm::Rd { RD_OCTETS } else { 0 };
    let sizes: &[usize] = match octets.len().checked_sub(before)? {
        4 => &[4],
        16 => &[16],
        both if both == 32 + before => &[16, 16],
        _ => return None,
    };
    let mut rest = octets;
    let each = sizes.iter().map(|size| {
        let (head, after) = rest.split_at_checked(before)?;
        let (address, after) = after.split_at_checked(*size)?;
        rest = after;
        let rd = head.first_chunk().copied().map(RouteDistinguisher);
        Some((rd, address))
    });
    each.collect()
}

/// What of the octets of a next hop of MP_REACH_NLRI is not what it should be and is left out.
///
/// A second address is the link-local one of the same router (RFC 2545 §3). That the first one is that
/// already, or `::`, is how some say that there is no global one; nothing is left out then.
#[inline]
pub(crate) fn oddities(octets: &[u8], form: HopForm) -> SmallVec<[Malformed<'_>; 2]> {
    let plain = form != HopForm::Rd && octets.len() != 32;
    // RFC 4364 §4.3.2: "an RD of 0".
    if plain || octets.len() <= 24 && octets.starts_with(&[0; RD_OCTETS]) {
        return SmallVec::new();
    }
    find_oddities(octets, form)
}

fn find_oddities(octets: &[u8], form: HopForm) -> SmallVec<[Malformed<'_>; 2]> {
    let mut found = SmallVec::new();
    let addresses = addresses(octets, form).unwrap_or_default();
    let mut note = |at, field, text| {
        let wrong = Malformed::new(at, field, Reason::Text(text));
        found.push(wrong.asking(Disposition::None));
    };
    let (step, mut rest) = (octets.len() / addresses.len().max(1), octets);
    for (rd, _) in &addresses {
        if rd.is_some_and(|rd| rd.0 != [0; RD_OCTETS]) {
            note(rest, "Route Distinguisher of Next Hop", "is not zero");
        }
        rest = rest.get(step..).unwrap_or(&[]);
    }
    if let [(_, first), (_, second)] = addresses[..]
        && let (Some(NextHop::V6(global)), Some(NextHop::V6(link_local))) =
            (NextHop::from_bytes(first), NextHop::from_bytes(second))
    {
        if !link_local.is_unicast_link_local() {
            let text = "is no link-local address, and is left out";
            note(second, "Link-Local Next Hop", text);
        } else if global.is_unicast_link_local() && global != link_local {
            let text = "is another link-local address, and is left out";
            note(first, "Next Hop", text);
        }
    }
    found
}

/// The fields of a next hop of MP_REACH_NLRI, and, where the octets say more or say it in another way
/// than a speaker of today, what they say.
pub(crate) fn describe_reach(
    next_hop: Option<NextHop>,
    octets: &[u8],
    form: HopForm,
    fields: &mut Fields,
) {
    let mut usual = Vec::new();
    if let Some(next_hop) = next_hop {
        describe_next_hop(next_hop, fields);
        match form {
            HopForm::Rd => next_hop.write_behind_rd(octets.len() > 12, &mut usual),
            _ => next_hop.write(|bytes| usual.extend_from_slice(bytes)),
        }
    }
    if usual == octets {
        return;
    }
    match addresses(octets, form) {
        Some(addresses) => {
            let each = addresses.into_iter().map(|(rd, address)| {
                Node::fields(|fields| {
                    if let Some(rd) = rd {
                        fields.text("rd", rd);
                    }
                    put_address("address", address, fields);
                })
            });
            fields.list("next_hop_as_received", each);
        }
        None => fields.octets("next_hop_as_received", octets),
    }
}

fn bad_length(bytes: Input<'_>) -> Malformed<'_> {
    Malformed::new(bytes, "Length of Next Hop", Reason::Length(bytes.len()))
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match NextHop::from_bytes(value) {
        Some(next_hop) => write!(f, "next-hop {next_hop}"),
        None => Ok(()),
    }
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    if let Some(next_hop) = NextHop::from_bytes(value) {
        describe_next_hop(next_hop, fields);
    }
}

/// The addresses of a next hop.
pub(super) fn describe_next_hop(next_hop: NextHop, fields: &mut Fields) {
    fields.text("next_hop", next_hop.address());
    if let NextHop::V6LinkLocal { link_local, .. } = next_hop {
        fields.text("link_local", link_local);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GLOBAL: &str = "2001:db8::1";

    fn pair(global: &str, second: &str) -> NextHop {
        NextHop::pair(global.parse().unwrap(), second.parse().unwrap())
    }

    #[test]
    fn link_local_addresses_are_understood_in_every_form() {
        let local: Ipv6Addr = "fe80::1".parse().unwrap();
        let global: Ipv6Addr = GLOBAL.parse().unwrap();
        assert_eq!(
            pair(GLOBAL, "fe80::1"),
            NextHop::V6LinkLocal {
                global,
                link_local: local
            }
        );
        assert_eq!(pair("::", "fe80::1"), NextHop::V6(local));
        assert_eq!(pair("fe80::1", "fe80::1"), NextHop::V6(local));
        assert_eq!(pair(GLOBAL, "2001:db8::2"), NextHop::V6(global));
        assert_eq!(NextHop::V6(local).link_local(), Some(local));
        assert_eq!(NextHop::V6(global).link_local(), None);
    }

    #[test]
    fn next_hops_round_trip() {
        let local: Ipv6Addr = "fe80::1".parse().unwrap();
        let global: Ipv6Addr = GLOBAL.parse().unwrap();
        for next_hop in [
            NextHop::V4([192, 0, 2, 1].into()),
            NextHop::V6(global),
            NextHop::V6(local),
            NextHop::V6LinkLocal {
                global,
                link_local: local,
            },
        ] {
            assert_eq!(next_hop.write(NextHop::from_bytes), Some(next_hop));
        }
    }

    /// RFC 4271 §6.3: "syntactic correctness means that the NEXT_HOP attribute represents a valid
    /// IP host address".
    #[test]
    fn what_is_no_host_is_refused() {
        for (text, good) in [
            ("192.0.2.1", true),
            ("0.0.0.0", false),
            ("0.1.2.3", false),
            ("127.0.0.1", false),
            ("224.0.0.5", false),
            ("255.255.255.255", false),
            ("2001:db8::1", true),
            ("fe80::1", true),
            ("::", false),
            ("::1", false),
            ("ff02::1", false),
            ("::ffff:192.0.2.1", true),
            ("::ffff:127.0.0.1", false),
            ("::ffff:0.0.0.0", false),
            ("::ffff:224.0.0.5", false),
        ] {
            assert_eq!(
                NextHop::from(text.parse::<IpAddr>().unwrap()).is_host(),
                good,
                "{text}"
            );
        }
    }
}
