//! MPLS labels as NLRI carry them (RFC 8277 §2): three octets of label, traffic class and bottom of
//! stack.

use std::fmt;
use std::str::FromStr;

use crate::Node;
use crate::error::Reason;
use crate::input::{Input, Malformed};
use crate::text::{ParseTextError, parse};

/// The three octets of a label in an NLRI, as they were sent.
///
/// Twenty bits of label, three of traffic class, one that says bottom of stack. Where the field
/// holds a VNI (RFC 8365 §5.1.3) or a function of an SRv6 SID (RFC 9252 §4), all 24 bits count:
/// [`raw`](Self::raw).
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label([u8; 3]);

/// Octets of a label.
pub(crate) const OCTETS: usize = 3;

impl Label {
    /// What a withdrawal holds (RFC 8277 §2.4: "SHOULD be set to 0x800000").
    pub const WITHDRAWN: Self = Self([0x80, 0, 0]);
    /// Implicit null (RFC 3032 §2.1).
    pub const IMPLICIT_NULL: u32 = 3;

    /// A label that is the last of its stack. Only the lower twenty bits count.
    pub fn new(label: u32) -> Self {
        Self::from_raw(label << 4 | 1)
    }

    /// The three octets as one number. Only the lower 24 bits count.
    pub fn from_raw(raw: u32) -> Self {
        let [_, a, b, c] = raw.to_be_bytes();
        Self([a, b, c])
    }

    /// The three octets.
    pub(crate) fn from_bytes(bytes: [u8; OCTETS]) -> Self {
        Self(bytes)
    }

    /// The three octets.
    pub fn to_bytes(self) -> [u8; OCTETS] {
        self.0
    }

    /// The label: twenty bits.
    pub fn value(self) -> u32 {
        self.raw() >> 4
    }

    /// All 24 bits, as where the field holds a VNI.
    pub fn raw(self) -> u32 {
        let [a, b, c] = self.0;
        u32::from_be_bytes([0, a, b, c])
    }

    /// Whether it is the last of its stack.
    pub fn is_bottom(self) -> bool {
        self.raw() & 1 == 1
    }

    /// The label, with the name of a special one.
    pub fn describe(self) -> Node {
        let name = match self.value() {
            _ if self == Self::WITHDRAWN => Some("withdrawn"),
            0 => Some("IPv4 Explicit NULL Label"),
            1 => Some("Router Alert Label"),
            2 => Some("IPv6 Explicit NULL Label"),
            3 => Some("Implicit NULL Label"),
            _ => None,
        };
        Node::Named(self.value().into(), name)
    }

    /// Whether the octets stand where a label would be in a withdrawal: 0x800000, or 0x000000 as
    /// some speakers of RFC 3107 send it.
    pub fn is_withdrawn(self) -> bool {
        self.raw() & 0x7f_ffff == 0
    }
}

impl fmt::Display for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.value(), f)
    }
}

impl fmt::Debug for Label {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#08x}", self.raw())
    }
}

/// Reads a number of twenty bits, `implicit-null` and `explicit-null`.
impl FromStr for Label {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, "label", |scanner| {
            let expected = "a number from 0 to 1048575, or `implicit-null`";
            let label = if scanner.peek().is_some_and(char::is_alphabetic) {
                scanner.word(expected, |word| match word {
                    "implicit-null" => Some(Self::IMPLICIT_NULL),
                    "explicit-null" => Some(0),
                    _ => None,
                })?
            } else {
                let number = scanner.number((1 << 20) - 1, expected)?;
                u32::try_from(number).unwrap_or(u32::MAX)
            };
            Ok(Self::new(label))
        })
    }
}

/// The labels in front of a prefix: how many octets they take. With a `stack`, up to and with the
/// one at the bottom; else one, whatever its bottom-of-stack bit says (RFC 8277 §2.2: "MUST be
/// ignored upon reception"). A withdrawal has one (§2.4).
pub(crate) fn length<'a>(bytes: Input<'a>, stack: bool) -> Result<usize, Malformed<'a>> {
    let mut at = 0usize;
    loop {
        let label = bytes.get(at..).and_then(<[u8]>::first_chunk);
        let Some(label) = label.copied().map(Label::from_bytes) else {
            return Err(Malformed::new(bytes, "Label", Reason::Truncated));
        };
        at += OCTETS;
        if !stack || label.is_bottom() || label.is_withdrawn() {
            return Ok(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8277 §2.1, figure 2: the label is the upper twenty bits.
    #[test]
    fn a_label_is_the_upper_twenty_bits() {
        let label = Label::from_bytes([0x00, 0x06, 0x41]);
        assert_eq!((label.value(), label.is_bottom()), (100, true));
        assert_eq!(Label::new(100).to_bytes(), [0x00, 0x06, 0x41]);
        assert_eq!(Label::from_raw(0x12_3456).raw(), 0x12_3456);
        assert!(Label::WITHDRAWN.is_withdrawn() && Label::from_raw(0).is_withdrawn());
        assert!(!Label::new(0).is_withdrawn(), "explicit null is a label");
    }

    #[test]
    fn texts_are_read() {
        for (text, value) in [
            ("16", Some(16)),
            ("1048575", Some(1_048_575)),
            ("implicit-null", Some(3)),
            ("explicit-null", Some(0)),
        ] {
            assert_eq!(text.parse().ok().map(Label::value), value, "{text}");
        }
        for (text, character) in [("1048576", 1), ("+1", 1), ("", 1), ("16x", 3), ("null", 1)] {
            let error = text.parse::<Label>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
    }

    #[test]
    fn a_stack_ends_at_its_bottom() {
        let stack = [0, 1, 0x00, 0, 2, 0x01, 9, 9, 9];
        assert_eq!(length(&stack, true).unwrap(), 6);
        assert_eq!(length(&stack, false).unwrap(), 3);
        assert_eq!(length(&[0x80, 0, 0, 9], true).unwrap(), 3);
        assert!(length(&[0, 1, 0x00, 0, 2], true).is_err());
        assert!(length(&[], false).is_err());
    }
}
