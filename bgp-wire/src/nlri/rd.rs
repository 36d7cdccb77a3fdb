//! Route distinguishers (RFC 4364 §4.2): eight octets that tell equal prefixes of different VPNs
//! apart.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::Asn;
use crate::text::{ParseTextError, Scanner, Wrong, parse};

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

/// Reads what [`Display`](fmt::Display) prints, and AS numbers with a dot.
impl FromStr for RouteDistinguisher {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, "route distinguisher", Self::take)
    }
}

impl RouteDistinguisher {
    pub(crate) fn take(scanner: &mut Scanner<'_>) -> Result<Self, Wrong> {
        if scanner.eat("0x") {
            let mut octets = [0; 8];
            for octet in &mut octets {
                *octet = scanner.octet()?;
            }
            return Ok(Self(octets));
        }
        let begins = |one: char| one.is_ascii_digit() || one.eq_ignore_ascii_case(&'a');
        if !scanner.rest().starts_with(begins) {
            return scanner.wrong("an AS number or an IPv4 address, as in `65000:100`");
        }
        let (administrator, _) = scanner.rest().split_once(':').unwrap_or_default();
        if administrator.matches('.').count() > 1 {
            let address = scanner.ipv4()?;
            scanner.expect(":")?;
            return Ok(Self::from_address(address, scanner.u16()?));
        }
        let asn = Asn::take(scanner)?;
        scanner.expect(":")?;
        if asn.fits_two_octets() && !administrator.contains('.') {
            let ([_, _, a, b], [c, d, e, f]) = (asn.0.to_be_bytes(), scanner.u32()?.to_be_bytes());
            return Ok(Self([0, 0, a, b, c, d, e, f]));
        }
        let ([a, b, c, d], [e, f]) = (asn.0.to_be_bytes(), scanner.u16()?.to_be_bytes());
        Ok(Self([0, 2, a, b, c, d, e, f]))
    }
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
        let address = [0, 1, 192, 0, 2, 0, 0, 1];
        assert_eq!("192.0.2.0:1".parse(), Ok(RouteDistinguisher(address)));
    }

    #[test]
    fn errors_name_the_character() {
        for (text, character) in [
            ("", 1),
            ("1", 2),
            ("1:", 3),
            (":1", 1),
            ("1:x", 3),
            ("1:+1", 3),
            ("1:2:3", 4),
            ("65x00:100", 3),
            ("1:4294967296", 3),
            ("1.2.3.4:65536", 9),
            ("1.2.3.256:1", 7),
            ("1.2.3:4", 6),
            ("1.2.03.4:5", 5),
            ("1.65536:5", 3),
            ("65536:65536", 7),
            ("0.100:65536", 7),
            ("0x12", 5),
            ("0x000301020304050g", 18),
        ] {
            let error = text.parse::<RouteDistinguisher>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
        assert_eq!(
            "65000;100"
                .parse::<RouteDistinguisher>()
                .unwrap_err()
                .to_string(),
            "`65000;100` is no route distinguisher: character 6 is `;`, expected `:`"
        );
    }
}
