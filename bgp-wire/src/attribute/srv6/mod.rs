//! SRv6: segment identifiers, and what their bits are.
//!
//! - `behavior` has the names of endpoint behaviors.

mod behavior;

use std::net::Ipv6Addr;
use std::ops::RangeInclusive;

pub use behavior::{behavior_name, behavior_number};

/// How the bits of a SID are used, and which of them travel in the label field of the NLRI
/// (RFC 9252 §3.2.1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct SidStructure {
    /// Locator Block Length, in bits.
    pub locator_block: u8,
    /// Locator Node Length, in bits.
    pub locator_node: u8,
    /// Function Length, in bits.
    pub function: u8,
    /// Argument Length, in bits.
    pub argument: u8,
    /// Transposition Length: how many bits are in the label field.
    pub transposition_length: u8,
    /// Transposition Offset: the place in the SID where they belong.
    pub transposition_offset: u8,
}

impl SidStructure {
    pub(super) fn from_bytes([a, b, c, d, e, f]: [u8; 6]) -> Self {
        Self {
            locator_block: a,
            locator_node: b,
            function: c,
            argument: d,
            transposition_length: e,
            transposition_offset: f,
        }
    }

    pub(super) fn to_bytes(self) -> [u8; 6] {
        [
            self.locator_block,
            self.locator_node,
            self.function,
            self.argument,
            self.transposition_length,
            self.transposition_offset,
        ]
    }

    /// Whether it can be: there is no [`fault`](Self::fault).
    pub fn is_valid(self) -> bool {
        self.fault().is_none()
    }

    /// Why it cannot be. RFC 9252 §3.2.1: the lengths sum up to 128 at most, and to what is transposed
    /// at least (erratum 7817); without a length there is no offset. §4: what is transposed is of the
    /// function and the argument.
    pub fn fault(self) -> Option<&'static str> {
        let sum = |lengths: &[u8]| lengths.iter().copied().map(u32::from).sum::<u32>();
        let locator = sum(&[self.locator_block, self.locator_node]);
        let bits = locator + sum(&[self.function, self.argument]);
        let (length, offset) = (self.transposition_length, self.transposition_offset);
        if bits > 128 {
            return Some("has lengths that sum up to more than 128 bits");
        }
        match (length, offset) {
            (0, 0) => None,
            (0, _) => Some("has an offset of transposition and nothing that is transposed"),
            _ if sum(&[length, offset]) > bits => Some("transposes bits that it does not have"),
            _ if u32::from(offset) < locator => Some("transposes bits of its locator"),
            _ => None,
        }
    }
}

/// The SID of a service (RFC 9252 §3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Srv6Sid {
    /// The SID, without the bits that are in the label field.
    pub sid: Ipv6Addr,
    /// The registered number of the endpoint behavior.
    pub behavior: u16,
    /// How its bits are used, if that is said.
    pub structure: Option<SidStructure>,
}

/// Behaviors of services that take no argument (RFC 8986 §4.4 to §4.11): End.DX6 to End.DT2U.
const WITHOUT_ARGUMENT: RangeInclusive<u16> = 16..=23;
/// Of what is above, Opaque among them, a name is all that is known here, and not whether it takes an
/// argument.
const LAST_KNOWN: u16 = 139;

impl Srv6Sid {
    /// Whether packets can be sent to it, when the label field has so many bits to add. What makes a SID invalid makes no TLV
    /// malformed (RFC 9252 §7).
    pub fn is_usable(self, label_bits: u8) -> bool {
        let Some(structure) = self.structure else {
            return !self.sid.is_unspecified();
        };
        // RFC 9252 §7: a SID "is invalid when the SID Structure Sub-Sub-TLV transposition length is
        // greater than the number of bits of the label field"; it is zero "where the Transposition
        // Scheme is not applicable".
        structure.is_valid()
            && structure.transposition_length <= label_bits
            && self.argument_fits()
            && !self.sid.is_unspecified()
    }

    /// RFC 9252 §3.2.1: the receiver "MUST ignore SRv6 SIDs with arguments [...] with unknown SRv6 Endpoint
    /// Behaviors", and of one that is known "MUST validate" that its argument can be.
    pub(crate) fn argument_fits(self) -> bool {
        self.structure
            .is_none_or(|structure| structure.argument == 0)
            || self.behavior <= LAST_KNOWN
                && behavior_name(self.behavior).is_some()
                && !WITHOUT_ARGUMENT.contains(&self.behavior)
    }

    /// The whole SID: with the bits that are in the label field, which has so many bits: 20 for
    /// VPN, 24 for EVPN (RFC 9252 §3.2.1). They are its high-order ones: RFC 9252 does not say so, but
    /// routers have it so. `None` if the structure is invalid or asks for more bits than the field has.
    pub fn with_label(self, label: u32, label_bits: u8) -> Option<Ipv6Addr> {
        let Some(structure) = self.structure else {
            return Some(self.sid);
        };
        let length = structure.transposition_length;
        if !structure.is_valid() || length > label_bits || label_bits > 32 {
            return None;
        }
        if length == 0 {
            return Some(self.sid);
        }
        let mask = (1u128 << length) - 1;
        let bits = u128::from(label >> (label_bits - length)) & mask;
        let shift = 128u8
            .checked_sub(structure.transposition_offset)?
            .checked_sub(length)?;
        let sid = u128::from(self.sid) & !(mask << shift);
        Some(Ipv6Addr::from(sid | bits << shift))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// RFC 9252 §3.2.1: block 40, node 24, function 16, of which all is transposed from bit 64.
    pub(in crate::attribute) const STRUCTURE: SidStructure = SidStructure {
        locator_block: 40,
        locator_node: 24,
        function: 16,
        argument: 0,
        transposition_length: 16,
        transposition_offset: 64,
    };

    /// RFC 9252 §4: "the Function part of the SRv6 SID is encoded in the MPLS Label field of the NLRI": the
    /// function 0x0042 is in the high-order 16 of 20 bits.
    #[test]
    fn transposed_bits_come_back_from_the_label() {
        let partial = Srv6Sid {
            sid: "2001:db8:1:2::".parse().unwrap(),
            behavior: 19,
            structure: Some(STRUCTURE),
        };
        let whole = "2001:db8:1:2:42::".parse().ok();
        assert_eq!(partial.with_label(0x42 << 4, 20), whole);
        assert_eq!(partial.with_label(0x42 << 8, 24), whole);
        assert_eq!(
            partial.with_label(7, 15),
            None,
            "more bits than the field has"
        );
        let plain = Srv6Sid {
            structure: None,
            ..partial
        };
        assert_eq!(plain.with_label(99, 20), Some(plain.sid));
    }

    /// RFC 9252 §3.2.1 with erratum 7817.
    #[test]
    fn structures_that_cannot_be_are_known() {
        for (structure, valid) in [
            (STRUCTURE, true),
            (
                SidStructure {
                    argument: 48,
                    ..STRUCTURE
                },
                true,
            ),
            (
                SidStructure {
                    argument: 49,
                    ..STRUCTURE
                },
                false,
            ),
            (
                SidStructure {
                    transposition_offset: 65,
                    ..STRUCTURE
                },
                false,
            ),
            (
                SidStructure {
                    transposition_length: 0,
                    ..STRUCTURE
                },
                false,
            ),
            (
                SidStructure {
                    transposition_length: 0,
                    transposition_offset: 0,
                    ..STRUCTURE
                },
                true,
            ),
            (
                SidStructure {
                    transposition_length: 255,
                    transposition_offset: 255,
                    ..STRUCTURE
                },
                false,
            ),
        ] {
            assert_eq!(structure.is_valid(), valid, "{structure:?}");
            assert_eq!(SidStructure::from_bytes(structure.to_bytes()), structure);
        }
    }
}
