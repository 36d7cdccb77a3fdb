//! IPv6 extended communities (RFC 5701): a type of two octets, an IPv6 address, and a number that its
//! owner gives out.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;

use super::sorted;
use crate::SessionContext;
use crate::describe::{Fields, Node};
use crate::input::{Input, Malformed};
use crate::text::{ParseTextError, parse};

/// An IPv6 extended community.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ipv6ExtCommunity {
    /// Type and subtype.
    pub kind: u16,
    /// Global Administrator.
    pub address: Ipv6Addr,
    /// Local Administrator.
    pub number: u16,
}

/// The bit of the type that keeps a community inside of its AS (RFC 4360 §2).
const NON_TRANSITIVE: u16 = 0x4000;
const ROUTE_TARGET: u16 = 2;

/// The registry "Transitive IPv6-Address-Specific Extended Community Types": number, name in texts,
/// registered name.
const KINDS: &[(u16, &str, &str)] = &[
    (ROUTE_TARGET, "rt", "Route Target"),
    (0x0003, "soo", "Route Origin"),
    (0x000b, "vrf-route-import", "VRF Route Import"),
    (0x000c, "redirect-ip", "Flow-spec Redirect to IPv6"),
    (0x000d, "redirect", "Flow spec rt-redirect-ipv6 format"),
    (0x0010, "vpn-distinguisher", "Cisco VPN-Distinguisher"),
    (
        0x0012,
        "segmented-next-hop",
        "Inter-Area P2MP Segmented Next-Hop",
    ),
    (
        0x0014,
        "vrf-recursive-next-hop",
        "VRF-Recursive-Next-Hop-Extended-Community",
    ),
    // RFC 9251 §9.5: "The value field of the Type 3 EVI-RT EC is identical to the value field" of an
    // IPv6 route target, so it has twenty octets too.
    (0x060d, "evi-rt", "EVI-RT Type 3"),
];

impl Ipv6ExtCommunity {
    pub(super) fn from_bytes([a, b, rest @ ..]: [u8; 20]) -> Self {
        let (mut address, mut number) = ([0; 16], [0; 2]);
        let (high, low) = rest.split_at(16);
        address.copy_from_slice(high);
        number.copy_from_slice(low);
        Self {
            kind: u16::from_be_bytes([a, b]),
            address: address.into(),
            number: u16::from_be_bytes(number),
        }
    }

    pub(super) fn to_bytes(self) -> [u8; 20] {
        let mut bytes = [0; 20];
        let parts = self.kind.to_be_bytes().into_iter();
        let parts = parts
            .chain(self.address.octets())
            .chain(self.number.to_be_bytes());
        bytes
            .iter_mut()
            .zip(parts)
            .for_each(|(slot, octet)| *slot = octet);
        bytes
    }

    /// A route target.
    pub fn route_target(address: Ipv6Addr, number: u16) -> Self {
        Self {
            kind: ROUTE_TARGET,
            address,
            number,
        }
    }

    /// Whether it goes on to other ASes.
    pub fn is_transitive(self) -> bool {
        self.kind & NON_TRANSITIVE == 0
    }

    /// Whether it is a route target.
    pub fn is_route_target(self) -> bool {
        self.kind == ROUTE_TARGET
    }

    fn names(self) -> Option<(&'static str, &'static str)> {
        KINDS
            .iter()
            .find(|(kind, ..)| *kind == self.kind)
            .map(|(_, typed, registered)| (*typed, *registered))
    }

    fn describe(self) -> Node {
        Node::fields(|fields| {
            fields.text("text", self);
            fields.named(
                "type",
                self.kind,
                self.names().map(|(_, registered)| registered),
            );
            fields.flag("transitive", self.is_transitive());
            fields.text("address", self.address);
            fields.number("number", self.number);
        })
    }
}

/// `rt:[2001:db8::1]:7`, or `0x` and the digits of a type that has no name here.
impl fmt::Display for Ipv6ExtCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some((name, _)) = self.names() {
            return write!(f, "{name}:[{}]:{}", self.address, self.number);
        }
        f.write_str("0x")?;
        self.to_bytes()
            .iter()
            .try_for_each(|octet| write!(f, "{octet:02x}"))
    }
}

/// Reads what is printed.
impl FromStr for Ipv6ExtCommunity {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, "IPv6 extended community", |scanner| {
            if scanner.eat("0x") {
                let mut bytes = [0; 20];
                for octet in &mut bytes {
                    *octet = scanner.octet()?;
                }
                return Ok(Self::from_bytes(bytes));
            }
            let kind = scanner.word("the name of an IPv6 extended community, as `rt`", |word| {
                KINDS
                    .iter()
                    .find(|(_, typed, _)| typed.eq_ignore_ascii_case(word))
                    .map(|(kind, ..)| *kind)
            })?;
            scanner.expect(":[")?;
            let belongs = |one: char| one.is_ascii_hexdigit() || one == ':' || one == '.';
            let address = scanner.whole("an IPv6 address", belongs)?;
            scanner.expect("]:")?;
            Ok(Self {
                kind,
                address,
                number: scanner.u16()?,
            })
        })
    }
}

pub(crate) fn read<'a>(
    value: Input<'a>,
    ctx: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    sorted::read::<20>("IPv6 Address Specific Extended Community", value, ctx, out)
}

pub(super) fn iter(value: &[u8]) -> impl Iterator<Item = Ipv6ExtCommunity> + Clone + use<'_> {
    value
        .as_chunks()
        .0
        .iter()
        .map(|twenty| Ipv6ExtCommunity::from_bytes(*twenty))
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("ipv6-ext-communities")?;
    iter(value).try_for_each(|community| write!(f, " {community}"))
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    fields.list(
        "ipv6_ext_communities",
        iter(value).map(Ipv6ExtCommunity::describe),
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 5701 §2: type, address, number.
    #[test]
    fn texts_are_read_back() {
        let target = Ipv6ExtCommunity::route_target("2001:db8::1".parse().unwrap(), 7);
        assert_eq!(target.to_string(), "rt:[2001:db8::1]:7");
        assert_eq!(target.to_string().parse(), Ok(target));
        assert_eq!(
            target.to_bytes(),
            [
                0, 2, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 7
            ]
        );
        assert!(target.is_transitive() && target.is_route_target());
        let evi = Ipv6ExtCommunity {
            kind: 0x060d,
            ..target
        };
        assert_eq!(evi.to_string(), "evi-rt:[2001:db8::1]:7");
        assert_eq!(evi.to_string().parse(), Ok(evi));
        assert!(evi.is_transitive() && !evi.is_route_target());
        let other = Ipv6ExtCommunity {
            kind: 0x4042,
            ..target
        };
        let text = "0x404220010db80000000000000000000000010007";
        assert_eq!(other.to_string(), text);
        assert_eq!(text.parse(), Ok(other));
        assert!(!other.is_transitive() && !other.is_route_target());
        for (text, character) in [
            ("rt:2001:db8::1:7", 4),
            ("rt:[2001:db8::g]:7", 15),
            ("rt:[2001:db8]:7", 5),
            ("rt:[2001:db8::1]:65536", 18),
            ("xx:[::]:1", 1),
            ("0x00", 5),
        ] {
            let error = text.parse::<Ipv6ExtCommunity>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
    }
}
