//! EVPN routes as texts, both ways.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use ipnet::IpNet;

use super::{EvpnKind, EvpnRoute, HEAD, MAX_KEY};
use crate::nlri::{Form, Nlri};
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

/// A text that is no EVPN route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no EVPN route: expected one like \
     `[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1]` or \
     `[5]:[65000:100]:[0]:[24]:[10.1.2.0]`"
)]
pub struct ParseEvpnError {
    text: Box<str>,
}

/// Reads what [`Display`](fmt::Display) prints.
impl FromStr for EvpnRoute {
    type Err = ParseEvpnError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseEvpnError { text: text.into() })
    }
}

fn parse(text: &str) -> Option<EvpnRoute> {
    let inner = text.strip_prefix('[')?.strip_suffix(']')?;
    let mut fields = Brackets(inner.split("]:["));
    let kind = EvpnKind::from_u8(fields.read()?)?;
    let mut route = EvpnRoute::empty(kind);
    if kind == EvpnKind::LeafAutoDiscovery {
        route = fields.octets(route)?;
    } else {
        route = route.push(&fields.read::<RouteDistinguisher>()?.0);
    }
    // On the wire the ESI is in front of the tag.
    let tag: Option<u32> = match kind.tag_at() {
        Some(_) => Some(fields.read()?),
        None => None,
    };
    if kind.has_esi_in_key() {
        route = route.push(&fields.read::<Esi>()?.0);
    }
    if let Some(tag) = tag {
        route = route.push(&tag.to_be_bytes());
    }
    let route = match kind {
        EvpnKind::MacIp => {
            fields.next().filter(|bits| *bits == "48")?;
            let mac: MacAddr = fields.read()?;
            let route = route.push(&[48]).push(&mac.0);
            match fields.next() {
                Some(bits) => route.push_address(Some(fields.address(bits)?)),
                None => route.push_address(None),
            }
        }
        EvpnKind::IpPrefix => {
            let bits = fields.read()?;
            let prefix = IpNet::new(fields.read()?, bits).ok()?;
            // One with bits beyond its length is no prefix of anybody's making.
            let prefix = Some(prefix).filter(|prefix| prefix.trunc() == *prefix)?;
            EvpnRoute::ip_prefix(route.rd(), tag?, prefix)
        }
        EvpnKind::PerRegionInclusivePmsi => {
            let whole = fields.octets(route)?;
            Some(whole).filter(|whole| whole.region().is_some() && whole.key().len() == 20)?
        }
        EvpnKind::EthernetAutoDiscovery => route,
        _ => {
            let mut route = route;
            if kind.has_group() {
                for _ in 0..2 {
                    route = route.push_address(fields.address_or_any()?);
                }
            }
            let bits = fields.next()?;
            route.push_address(Some(fields.address(bits)?))
        }
    };
    fields.next().is_none().then_some(route)?.checked()
}

impl EvpnRoute {
    /// The route, if it is what would be read from the wire.
    fn checked(self) -> Option<Self> {
        let mut octets = Vec::new();
        self.encode(&Self::withdrawn(), &mut octets);
        let (route, _) = Self::decode(&mut &octets[..], Form::default())?;
        (route == self).then_some(route)
    }
}

/// What stands between brackets, one after the other.
struct Brackets<'a>(std::str::Split<'a, &'static str>);

impl<'a> Brackets<'a> {
    fn next(&mut self) -> Option<&'a str> {
        self.0.next()
    }

    fn read<T: FromStr>(&mut self) -> Option<T> {
        // `+5` is a number for Rust but not for people.
        let text = self.next().filter(|text| !text.starts_with('+'))?;
        text.parse().ok()
    }

    /// An address, of the length that has been read.
    fn address(&mut self, bits: &str) -> Option<IpAddr> {
        let address: IpAddr = self.read()?;
        (bits_of(address).to_string() == bits).then_some(address)
    }

    fn address_or_any(&mut self) -> Option<Option<IpAddr>> {
        match self.next()? {
            "0" => (self.next()? == "*").then_some(None),
            bits => self.address(bits).map(Some),
        }
    }

    /// Octets in hexadecimal, put behind what there is of a route.
    fn octets(&mut self, mut route: EvpnRoute) -> Option<EvpnRoute> {
        let (pairs, rest) = self.next()?.strip_prefix("0x")?.as_bytes().as_chunks();
        let room = MAX_KEY.checked_sub(HEAD)?;
        if !rest.is_empty() || pairs.len() > room {
            return None;
        }
        for [high, low] in pairs {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let octet = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
            route = route.push(&[octet]);
        }
        Some(route)
    }
}
