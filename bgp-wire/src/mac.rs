//! MAC addresses.

use std::fmt;
use std::str::FromStr;

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

/// A text that is no MAC address.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{text}` is no MAC address: expected one like `00:11:22:aa:bb:cc`, `00-11-22-AA-BB-CC` or \
     `0011.22aa.bbcc`"
)]
pub struct ParseMacError {
    text: Box<str>,
}

/// Reads pairs of digits with colons or hyphens between them, and groups of four with dots.
impl FromStr for MacAddr {
    type Err = ParseMacError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        read_octets(text)
            .map(Self)
            .ok_or_else(|| ParseMacError { text: text.into() })
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

/// Reads exactly `N` octets in hexadecimal: pairs of digits with colons or hyphens between them, or
/// groups of four with dots.
pub(crate) fn read_octets<const N: usize>(text: &str) -> Option<[u8; N]> {
    let (between, digits) = match text.as_bytes().get(2)? {
        b':' => (b':', 2),
        b'-' => (b'-', 2),
        _ => (b'.', 4),
    };
    let mut octets = [0; N];
    let mut to = octets.iter_mut();
    for group in text.as_bytes().split(|byte| *byte == between) {
        if group.len() != digits {
            return None;
        }
        for [high, low] in group.as_chunks().0 {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            *to.next()? = u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()?;
        }
    }
    to.next().is_none().then_some(octets)
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
        for text in [
            "",
            "00",
            "00:11:22:aa:bb",
            "00:11:22:aa:bb:cc:dd",
            "00:11:22-aa-bb-cc",
            "0:11:22:aa:bb:ccc",
            "00:11:22:aa:bb:+1",
            "00:11:22:aa:bb:cg",
            "0011.22aa",
            "001122aabbcc",
            "00:11:22:aa:bb:cc:",
            "ää:11:22:aa:bb:cc",
        ] {
            assert!(text.parse::<MacAddr>().is_err(), "{text}");
        }
    }

    #[test]
    fn the_group_bit_is_the_lowest_of_the_first_octet() {
        assert!(MacAddr::BROADCAST.is_group());
        assert!(MacAddr([1, 0, 0x5e, 0, 0, 1]).is_group());
        assert!(!MacAddr([2, 0, 0, 0, 0, 1]).is_group());
    }
}
