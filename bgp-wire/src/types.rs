//! The small numbers of BGP, each a type of its own so that one cannot pass for another.

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

use crate::text::{ParseTextError, Scanner, Wrong, parse};

/// A four-octet autonomous system number (RFC 6793).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asn(pub u32);

impl Asn {
    /// Stands in for a number above 65,535 where only two octets fit (RFC 6793 §9).
    pub const TRANS: Self = Self(AS_TRANS);

    /// The number as two octets, or AS_TRANS if it does not fit.
    pub fn to_two_octets(self) -> u16 {
        u16::try_from(self.0).unwrap_or(AS_TRANS_TWO_OCTETS)
    }

    /// The number with a dot between its halves if it is above 65535 ("asdot", RFC 5396 §2).
    pub fn dotted(self) -> impl fmt::Display {
        fmt::from_fn(move |f| {
            if self.fits_two_octets() {
                write!(f, "{}", self.0)
            } else {
                write!(f, "{}.{}", self.0 >> 16, self.0 & 0xffff)
            }
        })
    }

    /// Whether the number fits in two octets.
    pub fn fits_two_octets(self) -> bool {
        self.0 <= u32::from(u16::MAX)
    }
}

/// AS_TRANS, 23456 (RFC 6793 §9).
pub const AS_TRANS: u32 = 23456;
const AS_TRANS_TWO_OCTETS: u16 = 23456;

impl fmt::Display for Asn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl From<u32> for Asn {
    fn from(number: u32) -> Self {
        Self(number)
    }
}

/// Reads the plain and the dotted form (RFC 5396), with or without `AS` in front.
impl FromStr for Asn {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, "AS number", Self::take)
    }
}

impl Asn {
    pub(crate) fn take(scanner: &mut Scanner<'_>) -> Result<Self, Wrong> {
        let _ = scanner.eat("AS") || scanner.eat("as");
        let mut high = scanner.clone();
        let number = scanner.u32()?;
        if !scanner.eat(".") {
            return Ok(Self(number));
        }
        let (high, low) = (high.u16()?, scanner.u16()?);
        Ok(Self(u32::from(high) << 16 | u32::from(low)))
    }
}

/// A BGP identifier: four octets, unique in its AS, not zero on the wire (RFC 6286 §2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouterId(pub u32);

impl fmt::Display for RouterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&Ipv4Addr::from(self.0), f)
    }
}

impl From<Ipv4Addr> for RouterId {
    fn from(address: Ipv4Addr) -> Self {
        Self(u32::from(address))
    }
}

impl From<RouterId> for Ipv4Addr {
    fn from(id: RouterId) -> Self {
        Self::from(id.0)
    }
}

impl FromStr for RouterId {
    type Err = std::net::AddrParseError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse::<Ipv4Addr>().map(Self::from)
    }
}

/// A hold time as OPEN carries it: 0 (no keepalives) or at least three seconds (RFC 4271 §4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldTime(u16);

impl HoldTime {
    /// No keepalives and no hold timer.
    pub const ZERO: Self = Self(0);

    /// `None` for one and two seconds, which the protocol forbids.
    pub fn new(secs: u16) -> Option<Self> {
        if matches!(secs, 1 | 2) {
            None
        } else {
            Some(Self(secs))
        }
    }

    /// The time in seconds.
    pub fn secs(self) -> u16 {
        self.0
    }
}

impl Default for HoldTime {
    /// Ninety seconds, the value RFC 4271 §10 suggests.
    fn default() -> Self {
        Self(90)
    }
}

impl fmt::Display for HoldTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}s", self.0)
    }
}

/// The path identifier of ADD-PATH (RFC 7911 §3); 0 where ADD-PATH is not in use.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PathId(pub u32);

impl fmt::Display for PathId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_numbers_are_read_plain_dotted_and_prefixed() {
        for (text, number) in [
            ("0", 0),
            ("65000", 65000),
            ("AS65000", 65000),
            ("1.10", 65546),
            ("4294967295", u32::MAX),
        ] {
            assert_eq!(text.parse(), Ok(Asn(number)), "{text}");
        }
        for (text, character) in [
            ("", 1),
            ("AS", 3),
            ("-1", 1),
            ("+1", 1),
            ("4294967296", 1),
            ("1.65536", 3),
            ("AS65536.1", 3),
            ("1.2.3", 4),
            ("x", 1),
        ] {
            let error = text.parse::<Asn>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
    }

    #[test]
    fn large_numbers_become_as_trans_in_two_octets() {
        assert_eq!(Asn(65535).to_two_octets(), 65535);
        assert_eq!(Asn(65536).to_two_octets(), 23456);
    }

    #[test]
    fn hold_times_of_one_and_two_seconds_do_not_exist() {
        let kept: Vec<u16> = (0..6)
            .filter_map(HoldTime::new)
            .map(HoldTime::secs)
            .collect();
        assert_eq!(kept, [0, 3, 4, 5]);
    }

    #[test]
    fn router_ids_print_as_dotted_quads() {
        assert_eq!(RouterId(0x0a00_0001).to_string(), "10.0.0.1");
        assert_eq!("10.0.0.1".parse(), Ok(RouterId(0x0a00_0001)));
    }
}
