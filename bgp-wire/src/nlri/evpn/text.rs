//! EVPN routes as texts, both ways.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::layout::MAC_BITS;
use super::{ADDRESS, EvpnKind, EvpnRoute, HEAD, MAX_KEY, RD};
use crate::text::{ParseTextError, Scanner, Wrong, parse};
use crate::{Esi, MacAddr, RouteDistinguisher};

/// The fields of the key in brackets, in the order in which FRR shows them, with the route
/// distinguisher behind the type:
///
/// ```text
/// [1]:[RD]:[Ethernet tag]:[ESI]
/// [2]:[RD]:[Ethernet tag]:[48]:[MAC]                          without an IP address
/// [2]:[RD]:[Ethernet tag]:[48]:[MAC]:[32 or 128]:[IP]
/// [3]:[RD]:[Ethernet tag]:[32 or 128]:[originator]
/// [4]:[RD]:[ESI]:[32 or 128]:[originator]
/// [5]:[RD]:[Ethernet tag]:[length]:[prefix]
/// [6]:[RD]:[Ethernet tag]:[length]:[source]:[length]:[group]:[length]:[originator]
/// [7]:[RD]:[Ethernet tag]:[ESI]:...                           as with 6, and so for 8
/// [9]:[RD]:[Ethernet tag]:[region, 0x and sixteen digits]
/// [10]:...                                                    as with 6
/// [11]:[NLRI of the route it answers, 0x and digits]:[length]:[originator]
/// ```
///
/// A source or group that may be any is `[0]:[*]`.
impl fmt::Display for EvpnRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.kind().number())?;
        match self.route_key() {
            Some(key) => {
                f.write_str(":[0x")?;
                key.iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
                f.write_str("]")?;
            }
            None => write!(f, ":[{}]", self.rd())?,
        }
        if let Some(tag) = self.ethernet_tag() {
            write!(f, ":[{tag}]")?;
        }
        if let Some(esi) = self.esi() {
            write!(f, ":[{esi}]")?;
        }
        if let Some(mac) = self.mac() {
            write!(f, ":[48]:[{mac}]")?;
        }
        if let Some(prefix) = self.prefix() {
            write!(f, ":[{}]:[{}]", prefix.prefix_len(), prefix.addr())?;
        }
        if let Some(region) = self.region() {
            write!(f, ":[0x{:016x}]", u64::from_be_bytes(region))?;
        }
        for address in self.addresses() {
            match address {
                Some(address) => write!(f, ":[{}]:[{address}]", bits_of(address))?,
                None if self.kind() == EvpnKind::MacIp => {}
                None => f.write_str(":[0]:[*]")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for EvpnRoute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

fn bits_of(address: IpAddr) -> u8 {
    match address {
        IpAddr::V4(_) => 32,
        IpAddr::V6(_) => 128,
    }
}

/// Reads what [`Display`](fmt::Display) prints, and what FRR prints with the route distinguisher in front of
/// it, as `65000:100:[2]:[0]:[48]:[00:11:22:33:44:55]`, or behind ` RD `, as its newer versions have it.
impl FromStr for EvpnRoute {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, WHAT, |scanner| {
            if !scanner.rest().contains('[') || scanner.rest().starts_with('[') {
                if !scanner.rest().contains(BEHIND) {
                    return Self::take(scanner, None);
                }
                let route = Self::take(scanner, Some(RouteDistinguisher::default()))?;
                scanner.expect(BEHIND)?;
                return RouteDistinguisher::take(scanner).map(|rd| route.with_rd(rd));
            }
            let rd = RouteDistinguisher::take(scanner)?;
            if !scanner.eat(" ") {
                scanner.expect(":")?;
            }
            Self::take(scanner, Some(rd))
        })
    }
}

const WHAT: &str = "EVPN route";
/// What FRR prints between a route and its route distinguisher.
const BEHIND: &str = " RD ";

/// Whether the brackets behind the type hold a route distinguisher. FRR has none there: it prints that as
/// the title of the routes that share it, and what follows is a tag or a segment.
fn has_rd(scanner: &Scanner<'_>) -> bool {
    let behind = scanner.rest().strip_prefix("]:[").unwrap_or("");
    let field = behind.split(']').next().unwrap_or("");
    field.starts_with("0x") || field.matches(':').count() == 1
}

impl EvpnRoute {
    /// Reads a route as FRR prints it, without a route distinguisher; here it has one of zero. `None` for a
    /// text that is not of that form.
    pub fn without_rd(text: &str) -> Option<Result<Self, ParseTextError>> {
        let mut ahead = Scanner::new(text);
        let is_one =
            ahead.eat("[") && ahead.u16().is_ok() && !has_rd(&ahead) && !text.contains(BEHIND);
        let zero = RouteDistinguisher::default();
        is_one.then(|| parse(text, WHAT, |scanner| Self::take(scanner, Some(zero))))
    }

    /// The same route with this route distinguisher; of a Leaf A-D route, that of the route it answers.
    #[must_use]
    pub fn with_rd(mut self, rd: RouteDistinguisher) -> Self {
        let at = match self.kind {
            EvpnKind::LeafAutoDiscovery => HEAD,
            _ => 0,
        };
        if let Some(to) = self.octets.get_mut(at..at + RD) {
            to.copy_from_slice(&rd.0);
        }
        self
    }

    /// Reads a route, whose route distinguisher is among the fields or was `before` them.
    fn take(scanner: &mut Scanner<'_>, before: Option<RouteDistinguisher>) -> Result<Self, Wrong> {
        scanner.expect("[")?;
        let start = scanner.clone();
        let number = u8::try_from(scanner.number(u64::from(u8::MAX), KINDS)?).unwrap_or(0);
        let Some(kind) = EvpnKind::from_u8(number) else {
            return start.wrong(KINDS);
        };
        let route = Self::empty(kind);
        let mut route = match before {
            _ if kind == EvpnKind::LeafAutoDiscovery => {
                field(scanner, |scanner| route_key(scanner, route))?
            }
            Some(rd) => route.push(&rd.0),
            None => route.push(&field(scanner, RouteDistinguisher::take)?.0),
        };
        // On the wire the ESI is in front of the tag.
        let tag = match kind.tag_at() {
            Some(_) => Some(field(scanner, Scanner::u32)?),
            None => None,
        };
        if kind.has_esi_in_key() {
            route = route.push(&field(scanner, Esi::take)?.0);
        }
        if let Some(tag) = tag {
            route = route.push(&tag.to_be_bytes());
        }
        match kind {
            EvpnKind::EthernetAutoDiscovery
                if before.is_some() && scanner.rest().starts_with("]:[") =>
            {
                // FRR adds whom it is from and the number of a fragment, which are in no NLRI.
                address(scanner)?;
                if scanner.rest().starts_with("]:[") {
                    field(scanner, Scanner::u32)?;
                }
            }
            EvpnKind::EthernetAutoDiscovery => {}
            EvpnKind::MacIp => {
                field(scanner, |scanner| scanner.expect("48"))?;
                route = route.push(&[MAC_BITS]);
                route = route.push(&field(scanner, MacAddr::take)?.0);
                // The address is optional (RFC 7432 §7.2).
                let ends = !scanner.rest().starts_with("]:[");
                route = route.push_address(if ends { None } else { address(scanner)? });
            }
            EvpnKind::IpPrefix => {
                let prefix = prefix(scanner)?;
                route = Self::ip_prefix(route.rd(), tag.unwrap_or(0), prefix);
            }
            EvpnKind::PerRegionInclusivePmsi => {
                route = route.push(&field(scanner, region)?);
            }
            _ => {
                if kind.has_group() {
                    for _ in 0..2 {
                        route = route.push_address(address_or_any(scanner)?);
                    }
                }
                route = route.push_address(address(scanner)?);
            }
        }
        scanner.expect("]")?;
        Ok(route)
    }
}

const KINDS: &str = "a type from 1 to 11";

/// What stands in the next brackets. The last of them stay open.
fn field<'t, T>(
    scanner: &mut Scanner<'t>,
    read: impl FnOnce(&mut Scanner<'t>) -> Result<T, Wrong>,
) -> Result<T, Wrong> {
    scanner.expect("]:[")?;
    read(scanner)
}

/// Two fields: a length in bits, and an address that has as many.
fn address(scanner: &mut Scanner<'_>) -> Result<Option<IpAddr>, Wrong> {
    field(scanner, |scanner| sized_address(scanner, "32 or 128"))
}

/// The same, or `0` and `*`.
fn address_or_any(scanner: &mut Scanner<'_>) -> Result<Option<IpAddr>, Wrong> {
    field(scanner, |scanner| {
        if scanner.eat("0]") {
            scanner.expect(":[")?;
            scanner.expect("*")?;
            return Ok(None);
        }
        sized_address(scanner, "0, 32 or 128")
    })
}

fn sized_address(
    scanner: &mut Scanner<'_>,
    expected: &'static str,
) -> Result<Option<IpAddr>, Wrong> {
    let start = scanner.clone();
    match scanner.number(128, expected)? {
        32 => field(scanner, Scanner::ipv4).map(IpAddr::V4).map(Some),
        128 => field(scanner, Scanner::ipv6).map(IpAddr::V6).map(Some),
        _ => start.wrong(expected),
    }
}

/// Two fields: a length and the address of a prefix. One with bits beyond its length is no prefix of
/// anybody's making.
fn prefix(scanner: &mut Scanner<'_>) -> Result<IpNet, Wrong> {
    let at_length = {
        let mut ahead = scanner.clone();
        ahead.expect("]:[")?;
        ahead
    };
    let bits = field(scanner, |scanner| {
        scanner.number(128, "a number from 0 to 128")
    })?;
    let bits = u8::try_from(bits).unwrap_or(u8::MAX);
    scanner.expect("]:[")?;
    let at_address = scanner.clone();
    let is_ipv6 = scanner.rest().split(']').next().unwrap_or("").contains(':');
    let address = if is_ipv6 {
        scanner.ipv6().map(IpAddr::V6)?
    } else {
        scanner.ipv4().map(IpAddr::V4)?
    };
    match IpNet::new(address, bits) {
        Err(_) => at_length.wrong("a number from 0 to 32"),
        Ok(prefix) if prefix.trunc() != prefix => {
            at_address.wrong("an address without bits beyond the length")
        }
        Ok(prefix) => Ok(prefix),
    }
}

/// RFC 9572 §6.2: an extended community.
fn region(scanner: &mut Scanner<'_>) -> Result<[u8; 8], Wrong> {
    scanner.expect("0x")?;
    let mut octets = [0; 8];
    for octet in &mut octets {
        *octet = scanner.octet()?;
    }
    Ok(octets)
}

/// The NLRI that a Leaf A-D route answers, put into that: its type, its length, and as many octets
/// as that says. They begin with a route distinguisher, and leave room for the originator.
fn route_key(scanner: &mut Scanner<'_>, mut route: EvpnRoute) -> Result<EvpnRoute, Wrong> {
    scanner.expect("0x")?;
    route = route.push(&[scanner.octet()?]);
    let start = scanner.clone();
    let length = scanner.octet()?;
    if !(RD..=MAX_KEY - HEAD - ADDRESS).contains(&usize::from(length)) {
        return start.wrong("the length of a route that can be answered");
    }
    route = route.push(&[length]);
    for _ in 0..length {
        route = route.push(&[scanner.octet()?]);
    }
    Ok(route)
}
