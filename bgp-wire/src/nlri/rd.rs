//! Route distinguishers (RFC 4364 §4.2): eight octets that tell equal prefixes of different VPNs
//! apart.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::Asn;

/// A route distinguisher. Any eight octets are one; types that are not known are kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteDistinguisher(pub [u8; 8]);

const TWO_OCTET_AS: u16 = 0;
const IPV4_ADDRESS: u16 = 1;
const FOUR_OCTET_AS: u16 = 2;

impl RouteDistinguisher {
    /// The type field.
    pub fn kind(self) -> u16 {
        let [a, b, ..] = self.0;
        u16::from_be_bytes([a, b])
    }

    /// The registered name of the type.
    pub fn kind_name(self) -> Option<&'static str> {
        match self.kind() {
            TWO_OCTET_AS => Some("Two-Octet AS Specific"),
            IPV4_ADDRESS => Some("IPv4 Address Specific"),
            FOUR_OCTET_AS => Some("Four-Octet AS Specific"),
            _ => None,
        }
    }

    /// `asn:number`: type 0 for an AS of two octets, type 2 for others, whose number has 16 bits.
    pub fn from_as(asn: Asn, number: u32) -> Option<Self> {
        let [a, b, c, d] = asn.0.to_be_bytes();
        if asn.fits_two_octets() {
            let [e, f, g, h] = number.to_be_bytes();
            Some(Self([0, 0, c, d, e, f, g, h]))
        } else {
            let [e, f] = u16::try_from(number).ok()?.to_be_bytes();
            Some(Self([0, 2, a, b, c, d, e, f]))
        }
    }

    /// Takes a route distinguisher from the front of a text: that, and the rest.
    pub(crate) fn split(text: &str) -> Option<(Self, &str)> {
        let colons: usize = if text.starts_with("0x") { 1 } else { 2 };
        let end = text.match_indices(':').nth(colons.checked_sub(1)?);
        let end = end.map_or(text.len(), |(at, _)| at);
        let (rd, rest) = text.split_at_checked(end)?;
        Some((rd.parse().ok()?, rest))
    }

    /// `address:number` (type 1).
    pub fn from_address(address: Ipv4Addr, number: u16) -> Self {
        let ([a, b, c, d], [e, f]) = (address.octets(), number.to_be_bytes());
        Self([0, 1, a, b, c, d, e, f])
    }
}

/// `65000:100`, `192.0.2.1:7`, `4200000000:9`; type 2 with a small AS as `0.100:9`; other types as
/// `0x` and sixteen digits.
impl fmt::Display for RouteDistinguisher {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [_, _, a, b, c, d, e, f] = self.0;
        let four = u32::from_be_bytes([a, b, c, d]);
        let low = u16::from_be_bytes([e, f]);
        match self.kind() {
            TWO_OCTET_AS => {
                let (asn, number) = (u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f]));
                write!(out, "{asn}:{number}")
            }
            IPV4_ADDRESS => write!(out, "{}:{low}", Ipv4Addr::from(four)),
            // The dot says that the number has four octets even where two would do.
            FOUR_OCTET_AS if four <= 0xffff => write!(out, "0.{four}:{low}"),
            FOUR_OCTET_AS => write!(out, "{four}:{low}"),
            _ => write!(out, "0x{:016x}", u64::from_be_bytes(self.0)),
        }
    }
}

impl fmt::Debug for RouteDistinguisher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is no route distinguisher.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no route distinguisher: expected one like `65000:100`, `192.0.2.1:7`, \
     `4200000000:9`, or 0x and sixteen digits"
)]
pub struct ParseRdError {
    text: Box<str>,
}

/// Reads what [`Display`](fmt::Display) prints, and AS numbers with a dot.
impl FromStr for RouteDistinguisher {
    type Err = ParseRdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text).ok_or_else(|| ParseRdError { text: text.into() })
    }
}

fn parse(text: &str) -> Option<RouteDistinguisher> {
    if let Some(digits) = text.strip_prefix("0x") {
        let plain = digits.len() == 16 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
        let number = u64::from_str_radix(digits, 16).ok().filter(|_| plain)?;
        return Some(RouteDistinguisher(number.to_be_bytes()));
    }
    let (administrator, number) = text.split_once(':')?;
    if !number.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    if let Ok(address) = administrator.parse() {
        return Some(RouteDistinguisher::from_address(
            address,
            number.parse().ok()?,
        ));
    }
    let asn: Asn = administrator.parse().ok()?;
    if administrator.contains('.') && asn.fits_two_octets() {
        let ([a, b, c, d], [e, f]) = (
            asn.0.to_be_bytes(),
            number.parse::<u16>().ok()?.to_be_bytes(),
        );
        return Some(RouteDistinguisher([0, 2, a, b, c, d, e, f]));
    }
    RouteDistinguisher::from_as(asn, number.parse().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The encodings of RFC 4364 §4.2.
    #[test]
    fn texts_are_read_back() {
        for (text, bytes) in [
            ("65000:100", [0, 0, 0xfd, 0xe8, 0, 0, 0, 100]),
            ("1:4294967295", [0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff]),
            ("192.0.2.1:7", [0, 1, 192, 0, 2, 1, 0, 7]),
            ("4200000000:9", [0, 2, 0xfa, 0x56, 0xea, 0, 0, 9]),
            ("0.100:9", [0, 2, 0, 0, 0, 100, 0, 9]),
            ("0x0003010203040506", [0, 3, 1, 2, 3, 4, 5, 6]),
        ] {
            assert_eq!(text.parse(), Ok(RouteDistinguisher(bytes)), "{text}");
            assert_eq!(RouteDistinguisher(bytes).to_string(), text);
        }
        assert_eq!(
            "1.10:5".parse(),
            Ok(RouteDistinguisher([0, 2, 0, 1, 0, 10, 0, 5]))
        );
        for text in [
            "",
            "1",
            "1:",
            ":1",
            "1:x",
            "1:+1",
            "1.2.3.4:65536",
            "65536:65536",
            "0x12",
        ] {
            assert!(text.parse::<RouteDistinguisher>().is_err(), "{text}");
        }
    }
}
