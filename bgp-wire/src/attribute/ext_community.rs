//! Extended communities (RFC 4360, 5668): a type of one or two octets and a value. Route targets
//! and sites of origin are printed and read by name, the rest by number.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use super::community::{ParseCommunityError, number};
use super::sorted;
use crate::SessionContext;
use crate::input::{Input, Malformed};

/// An extended community.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtCommunity(pub [u8; 8]);

/// The bit of the type that keeps a community inside of its AS (RFC 4360 §2).
const NON_TRANSITIVE: u8 = 0x40;
const TWO_OCTET_AS: u8 = 0;
const IPV4_ADDRESS: u8 = 1;
const FOUR_OCTET_AS: u8 = 2;
const ROUTE_TARGET: u8 = 2;
const SITE_OF_ORIGIN: u8 = 3;

impl ExtCommunity {
    /// Whether it goes on to other ASes.
    pub fn is_transitive(self) -> bool {
        let [kind, ..] = self.0;
        kind & NON_TRANSITIVE == 0
    }

    /// Type and subtype.
    pub fn kind(self) -> (u8, u8) {
        let [kind, subtype, ..] = self.0;
        (kind, subtype)
    }

    fn from_text(text: &str) -> Option<Self> {
        let (name, value) = text.split_once(':')?;
        let subtype = match name.to_ascii_lowercase().as_str() {
            "rt" => ROUTE_TARGET,
            "soo" => SITE_OF_ORIGIN,
            _ => return None,
        };
        let (administrator, local) = value.split_once(':')?;
        if let Ok(address) = administrator.parse::<Ipv4Addr>() {
            let ([a, b, c, d], [e, f]) = (address.octets(), number::<u16>(local)?.to_be_bytes());
            return Some(Self([IPV4_ADDRESS, subtype, a, b, c, d, e, f]));
        }
        let asn = administrator.parse::<crate::Asn>().ok()?;
        if asn.fits_two_octets() && !administrator.contains('.') {
            let ([a, b], [c, d, e, f]) = (
                asn.to_two_octets().to_be_bytes(),
                number::<u32>(local)?.to_be_bytes(),
            );
            return Some(Self([TWO_OCTET_AS, subtype, a, b, c, d, e, f]));
        }
        let ([a, b, c, d], [e, f]) = (asn.0.to_be_bytes(), number::<u16>(local)?.to_be_bytes());
        Some(Self([FOUR_OCTET_AS, subtype, a, b, c, d, e, f]))
    }
}

impl fmt::Display for ExtCommunity {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [kind, subtype, a, b, c, d, e, f] = self.0;
        let name = match subtype {
            ROUTE_TARGET => "rt",
            SITE_OF_ORIGIN => "soo",
            _ => "",
        };
        let (two, four) = (u16::from_be_bytes([a, b]), u32::from_be_bytes([a, b, c, d]));
        let (low, long) = (u16::from_be_bytes([e, f]), u32::from_be_bytes([c, d, e, f]));
        match kind {
            _ if name.is_empty() => write!(out, "0x{:016x}", u64::from_be_bytes(self.0)),
            TWO_OCTET_AS => write!(out, "{name}:{two}:{long}"),
            IPV4_ADDRESS => write!(out, "{name}:{}:{low}", Ipv4Addr::from(four)),
            // The dot says that the number has four octets even where two would do.
            FOUR_OCTET_AS if four <= 0xffff => write!(out, "{name}:0.{four}:{low}"),
            FOUR_OCTET_AS => write!(out, "{name}:{four}:{low}"),
            _ => write!(out, "0x{:016x}", u64::from_be_bytes(self.0)),
        }
    }
}

/// Reads `rt:65000:100`, `soo:192.0.2.1:7` and sixteen digits after `0x`.
impl FromStr for ExtCommunity {
    type Err = ParseCommunityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 16);
        let plain = digits.filter(|digits| digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
        plain
            .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            .map(|number| Self(number.to_be_bytes()))
            .or_else(|| Self::from_text(text))
            .ok_or_else(|| ParseCommunityError {
                text: text.into(),
                kind: "extended community",
                expected: "`rt:65000:100`, `soo:192.0.2.1:7` or 0x and sixteen digits",
            })
    }
}

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    sorted::read::<8>("EXTENDED_COMMUNITIES", value, out)
}

pub(super) fn iter(value: &[u8]) -> impl Iterator<Item = ExtCommunity> + Clone + use<'_> {
    value.as_chunks().0.iter().map(|eight| ExtCommunity(*eight))
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("ext-communities")?;
    iter(value).try_for_each(|community| write!(f, " {community}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back() {
        for (text, bytes) in [
            ("rt:65000:100", [0, 2, 0xfd, 0xe8, 0, 0, 0, 100]),
            ("soo:192.0.2.1:7", [1, 3, 192, 0, 2, 1, 0, 7]),
            ("rt:4200000000:9", [2, 2, 0xfa, 0x56, 0xea, 0, 0, 9]),
            ("rt:0.100:9", [2, 2, 0, 0, 0, 100, 0, 9]),
            ("0x030b000000000064", [3, 11, 0, 0, 0, 0, 0, 100]),
            ("0x4004000000000001", [0x40, 4, 0, 0, 0, 0, 0, 1]),
        ] {
            assert_eq!(text.parse(), Ok(ExtCommunity(bytes)), "{text}");
            assert_eq!(ExtCommunity(bytes).to_string(), text);
        }
        for text in [
            "rt:1",
            "rt:65536:65536",
            "rt:1.2.3.4:65536",
            "xx:1:2",
            "0x12",
            "0x+30b000000000064",
        ] {
            assert!(text.parse::<ExtCommunity>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_transitive_bit_is_read() {
        assert!(ExtCommunity([0; 8]).is_transitive());
        assert!(!ExtCommunity([0x40, 0, 0, 0, 0, 0, 0, 0]).is_transitive());
    }
}
