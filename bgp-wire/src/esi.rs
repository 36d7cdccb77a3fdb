//! Ethernet segment identifiers (RFC 7432 §5): a type and nine octets.

use std::fmt;
use std::str::FromStr;

use crate::mac::write_pairs;
use crate::text::{ParseTextError, Scanner, Wrong, parse};
use crate::{Asn, MacAddr, RouterId};

/// An Ethernet segment identifier. Any ten octets are one; types that are not known are kept.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Esi(pub [u8; 10]);

/// What an identifier was made from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EsiParts {
    /// Type 0: nine octets of the operator's choice.
    Arbitrary([u8; 9]),
    /// Type 1: the LACP system of the customer edge.
    Lacp {
        /// Its MAC address.
        system: MacAddr,
        /// Its port key.
        port_key: u16,
    },
    /// Type 2: the root bridge of the segment's spanning tree.
    Bridge {
        /// Its MAC address.
        root: MacAddr,
        /// Its priority.
        priority: u16,
    },
    /// Type 3: a system and a number in it.
    Mac {
        /// The MAC address of the system.
        system: MacAddr,
        /// Local discriminator, 24 bits.
        discriminator: u32,
    },
    /// Type 4: a router and a number in it.
    RouterId {
        /// The router.
        router: RouterId,
        /// Local discriminator.
        discriminator: u32,
    },
    /// Type 5: an AS and a number in it.
    AutonomousSystem {
        /// The AS.
        asn: Asn,
        /// Local discriminator.
        discriminator: u32,
    },
    /// A type that is not known.
    Other,
}

impl Esi {
    /// All zero: the segment has one home (RFC 7432 §5: "ESI 0 denotes a single-homed site").
    pub const SINGLE_HOMED: Self = Self([0; 10]);
    /// All ones, MAX-ESI (RFC 7432 §5).
    pub const MAX: Self = Self([0xff; 10]);

    /// The type field.
    pub fn kind(self) -> u8 {
        let [kind, ..] = self.0;
        kind
    }

    /// What RFC 7432 §5 calls the value and its types.
    pub fn kind_name(self) -> Option<&'static str> {
        Some(match self.kind() {
            _ if self == Self::SINGLE_HOMED => "single-homed",
            _ if self == Self::MAX => "MAX-ESI",
            0 => "Arbitrary",
            1 => "LACP",
            2 => "Bridge protocol",
            3 => "MAC-based",
            4 => "Router ID",
            5 => "AS-based",
            _ => return None,
        })
    }

    /// What it was made from. The last octet of types 1, 2, 4 and 5 is zero and says nothing.
    pub fn parts(self) -> EsiParts {
        let [kind, a, b, c, d, e, f, g, h, i] = self.0;
        let mac = MacAddr([a, b, c, d, e, f]);
        let (two, four) = (u16::from_be_bytes([g, h]), u32::from_be_bytes([a, b, c, d]));
        let discriminator = u32::from_be_bytes([e, f, g, h]);
        match kind {
            0 => EsiParts::Arbitrary([a, b, c, d, e, f, g, h, i]),
            1 => EsiParts::Lacp {
                system: mac,
                port_key: two,
            },
            2 => EsiParts::Bridge {
                root: mac,
                priority: two,
            },
            3 => EsiParts::Mac {
                system: mac,
                discriminator: u32::from_be_bytes([0, g, h, i]),
            },
            4 => EsiParts::RouterId {
                router: RouterId(four),
                discriminator,
            },
            5 => EsiParts::AutonomousSystem {
                asn: Asn(four),
                discriminator,
            },
            _ => EsiParts::Other,
        }
    }
}

/// Ten pairs of digits: `03:00:11:22:33:44:55:00:00:01`.
impl fmt::Display for Esi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pairs(&self.0, f)
    }
}

impl fmt::Debug for Esi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads ten octets as MAC addresses are read, and `0`.
impl FromStr for Esi {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, "Ethernet segment identifier", Self::take)
    }
}

impl Esi {
    pub(crate) fn take(scanner: &mut Scanner<'_>) -> Result<Self, Wrong> {
        let goes_on = |next: char| next.is_ascii_hexdigit() || matches!(next, ':' | '-');
        match scanner.rest().strip_prefix('0') {
            Some(rest) if !rest.starts_with(goes_on) => {
                scanner.eat("0");
                Ok(Self::SINGLE_HOMED)
            }
            _ => scanner.octets().map(Self),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back() {
        for text in [
            "00:00:00:00:00:00:00:00:00:00",
            "03:00:11:22:33:44:55:00:00:01",
            "ff:ff:ff:ff:ff:ff:ff:ff:ff:ff",
        ] {
            assert_eq!(text.parse::<Esi>().unwrap().to_string(), text);
        }
        assert_eq!("0".parse(), Ok(Esi::SINGLE_HOMED));
        assert_eq!(
            "0300.1122.3344.5500.0001".parse::<Esi>().unwrap(),
            "03:00:11:22:33:44:55:00:00:01".parse().unwrap()
        );
        for (text, character) in [
            ("", 1),
            ("1", 2),
            ("00:11", 6),
            ("0:11:22:33:44:55:66:77:88:99", 2),
            ("0 ", 2),
            ("03:00:11:22:33:44:55:00:00:01:02", 30),
            ("03:00:11:22:33:44:55:00:00:x1", 28),
        ] {
            let error = text.parse::<Esi>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
    }

    /// RFC 7432 §5, types 0 to 5: 6 octets of MAC address and 2 of key or priority; 6 and 3; 4 and 4.
    #[test]
    fn every_type_gives_what_it_was_made_from() {
        let mac = MacAddr([0, 0x11, 0x22, 0x33, 0x44, 0x55]);
        let esi = |kind| Esi([kind, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 1, 2, 3]);
        for (kind, name, parts) in [
            (
                0,
                Some("Arbitrary"),
                EsiParts::Arbitrary([0, 0x11, 0x22, 0x33, 0x44, 0x55, 1, 2, 3]),
            ),
            (
                1,
                Some("LACP"),
                EsiParts::Lacp {
                    system: mac,
                    port_key: 0x0102,
                },
            ),
            (
                2,
                Some("Bridge protocol"),
                EsiParts::Bridge {
                    root: mac,
                    priority: 0x0102,
                },
            ),
            (
                3,
                Some("MAC-based"),
                EsiParts::Mac {
                    system: mac,
                    discriminator: 0x01_0203,
                },
            ),
            (
                4,
                Some("Router ID"),
                EsiParts::RouterId {
                    router: RouterId(0x0011_2233),
                    discriminator: 0x4455_0102,
                },
            ),
            (
                5,
                Some("AS-based"),
                EsiParts::AutonomousSystem {
                    asn: Asn(0x0011_2233),
                    discriminator: 0x4455_0102,
                },
            ),
            (6, None, EsiParts::Other),
        ] {
            assert_eq!((esi(kind).kind_name(), esi(kind).parts()), (name, parts));
        }
        assert_eq!(Esi::SINGLE_HOMED.kind_name(), Some("single-homed"));
        assert_eq!(Esi::MAX.kind_name(), Some("MAX-ESI"));
    }
}
