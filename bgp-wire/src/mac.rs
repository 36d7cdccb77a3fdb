//! MAC addresses.

use std::fmt;
use std::str::FromStr;

use crate::text::{ParseTextError, Scanner, Wrong, parse};

/// A MAC address of 48 bits.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MacAddr(pub [u8; 6]);

impl MacAddr {
    /// All bits set.
    pub const BROADCAST: Self = Self([0xff; 6]);

    /// Whether it stands for several stations, as the broadcast address does (IEEE 802, the I/G
    /// bit).
    pub fn is_group(self) -> bool {
        let [first, ..] = self.0;
        first & 1 == 1
    }
}

/// `00:11:22:aa:bb:cc`.
impl fmt::Display for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_pairs(&self.0, f)
    }
}

impl fmt::Debug for MacAddr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads pairs of digits with colons or hyphens between them, and groups of four with dots.
impl FromStr for MacAddr {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, "MAC address", Self::take)
    }
}

impl MacAddr {
    pub(crate) fn take(scanner: &mut Scanner<'_>) -> Result<Self, Wrong> {
        scanner.octets().map(Self)
    }
}

/// Writes octets as pairs of digits with colons between them.
pub(crate) fn write_pairs(octets: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    for (place, octet) in octets.iter().enumerate() {
        let between = if place == 0 { "" } else { ":" };
        write!(f, "{between}{octet:02x}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_ways_to_write_one_are_read() {
        let mac = MacAddr([0, 0x11, 0x22, 0xaa, 0xbb, 0xcc]);
        for text in ["00:11:22:aa:bb:cc", "00-11-22-AA-BB-CC", "0011.22aa.bbcc"] {
            assert_eq!(text.parse(), Ok(mac), "{text}");
        }
        assert_eq!(mac.to_string(), "00:11:22:aa:bb:cc");
    }

    #[test]
    fn errors_name_the_character() {
        for (text, character) in [
            ("", 1),
            ("00", 3),
            ("00:11:22:aa:bb", 15),
            ("00:11:22:aa:bb:cc:dd", 18),
            ("00:11:22-aa-bb-cc", 9),
            ("0:11:22:aa:bb:ccc", 2),
            ("00:11:22:aa:bb:+1", 16),
            ("00:11:22:aa:bb:cg", 17),
            ("0011.22aa", 10),
            ("001122aabbcc", 5),
            ("00:11:22:aa:bb:cc:", 18),
            ("ää:11:22:aa:bb:cc", 1),
            ("00.11", 3),
        ] {
            let error = text.parse::<MacAddr>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
        assert_eq!(
            "00:11:2g:aa:bb:cc"
                .parse::<MacAddr>()
                .unwrap_err()
                .to_string(),
            "`00:11:2g:aa:bb:cc` is no MAC address: character 8 is `g`, expected two hexadecimal digits"
        );
    }

    #[test]
    fn the_group_bit_is_the_lowest_of_the_first_octet() {
        assert!(MacAddr::BROADCAST.is_group());
        assert!(MacAddr([1, 0, 0x5e, 0, 0, 1]).is_group());
        assert!(!MacAddr([2, 0, 0, 0, 0, 1]).is_group());
    }
}
