//! Route target membership (RFC 4684 §4): an origin AS and a route target, of which a prefix of the
//! bits may be given. No bits at all: the default, "everything".

use std::fmt;
use std::str::FromStr;

use bytes::BufMut;

use super::{Counts, Form, Nlri, path_id, prefix};
use crate::input::{Input, Malformed};
use crate::text::{ParseTextError, parse};
use crate::{Asn, ExtCommunity, Family, Fields, PathId};

/// Interest in routes with certain route targets.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RouteTargetMembership {
    bits: u8,
    /// Origin AS and route target. Bits beyond the length are zero.
    value: [u8; MAX_OCTETS],
}

const MAX_OCTETS: usize = 12;
const MAX_BITS: u8 = 96;
/// The origin AS is given whole or not at all.
const AS_BITS: u8 = 32;

impl RouteTargetMembership {
    /// Interest in everything (RFC 4684 §4: "the default route target").
    pub const DEFAULT: Self = Self {
        bits: 0,
        value: [0; MAX_OCTETS],
    };

    /// Interest of an AS in a route target.
    pub fn new(origin: Asn, target: ExtCommunity) -> Self {
        let ([a, b, c, d], [e, f, g, h, i, j, k, l]) = (origin.0.to_be_bytes(), target.0);
        Self {
            bits: MAX_BITS,
            value: [a, b, c, d, e, f, g, h, i, j, k, l],
        }
    }

    /// The first `bits` of a value.
    fn from_wire(bits: u8, bytes: &[u8]) -> Self {
        let mut value = [0; MAX_OCTETS];
        let mut left = bits;
        for (to, from) in value.iter_mut().zip(bytes) {
            let mask = if left >= 8 { 0xff } else { !(0xff >> left) };
            *to = from & mask;
            left = left.saturating_sub(8);
        }
        Self { bits, value }
    }

    /// How many bits are given: none, or 32 to 96.
    pub fn prefix_len(&self) -> u8 {
        self.bits
    }

    /// The AS in which the interest arose; `None` for the default.
    pub fn origin(&self) -> Option<Asn> {
        let origin = self.value.first_chunk().copied()?;
        (self.bits >= AS_BITS).then_some(Asn(u32::from_be_bytes(origin)))
    }

    /// The octets of the route target; those that are not given are zero.
    pub fn target(&self) -> ExtCommunity {
        let [_, _, _, _, target @ ..] = self.value;
        ExtCommunity(target)
    }

    /// Whether a route with this route target is wanted. Types of extended communities are compared
    /// with their transitive bit, as octets.
    pub fn wants(&self, target: ExtCommunity) -> bool {
        let bits = u32::from(self.bits.saturating_sub(AS_BITS));
        let mask = u64::MAX.checked_shl(64 - bits).unwrap_or(0);
        (u64::from_be_bytes(target.0) ^ u64::from_be_bytes(self.target().0)) & mask == 0
    }
}

/// RFC 4684 §4: "prefixes must be interpreted as [...] 0 to 96"; with an origin AS that is whole,
/// lengths of 1 to 31 say nothing.
fn is_length(bits: u8) -> bool {
    matches!(bits, 0 | AS_BITS..=MAX_BITS)
}

/// Walks NLRI and path identifiers. Lengths of 1 to 31 bits are passed over; longer than 96 no
/// route target is.
pub(super) fn check<'a>(
    input: Input<'a>,
    form: Form,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    let mut rest = input;
    while !rest.is_empty() {
        rest = path_id(rest, form.add_path)?;
        let (bits, _, after) = prefix::split(rest, MAX_BITS)?;
        counts.all += 1;
        if !is_length(bits) {
            counts.ignore(prefix::too_long(rest, bits));
        }
        rest = after;
    }
    Ok(())
}

impl Nlri for RouteTargetMembership {
    const FAMILIES: &'static [Family] = &[Family::RTC];
    type Detail = ();

    fn wire_len(&self, (): &()) -> usize {
        1 + prefix::octets(self.bits)
    }

    fn encode(&self, (): &(), out: &mut impl BufMut) {
        out.put_u8(self.bits);
        out.put_slice(self.value.get(..prefix::octets(self.bits)).unwrap_or(&[]));
    }

    fn decode(input: &mut &[u8], _: Form, id: PathId) -> Option<(PathId, Self, ())> {
        let (bits, value, after) = prefix::split(input, MAX_BITS).ok()?;
        *input = after;
        Some((id, Self::from_wire(bits, value), ()))
    }

    fn is_usable(&self) -> bool {
        is_length(self.bits)
    }

    fn describe(&self, (): &(), fields: &mut Fields) {
        fields.number("prefix_length", self.bits);
        if let Some(origin) = self.origin() {
            fields.number("origin_as", origin.0);
        }
        match self.bits {
            MAX_BITS => fields.text("route_target", self.target()),
            bits if bits > AS_BITS => fields.octets("route_target_prefix", &self.target().0),
            _ => {}
        }
    }
}

/// `65000:rt:65000:100`; `default`; what has not all bits as `65000:0x0002fde800000000/48`.
impl fmt::Display for RouteTargetMembership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.origin() {
            None => f.write_str("default"),
            Some(origin) if self.bits == MAX_BITS => write!(f, "{origin}:{}", self.target()),
            Some(origin) => write!(
                f,
                "{origin}:0x{:016x}/{}",
                u64::from_be_bytes(self.target().0),
                self.bits
            ),
        }
    }
}

impl fmt::Debug for RouteTargetMembership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads what [`Display`](fmt::Display) prints.
impl FromStr for RouteTargetMembership {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, "route target membership", |scanner| {
            if scanner.eat("default") {
                return Ok(Self::DEFAULT);
            }
            let origin = Asn::take(scanner)?;
            scanner.expect(":")?;
            let whole = Self::new(origin, ExtCommunity::take(scanner)?);
            if !scanner.eat("/") {
                return Ok(whole);
            }
            let start = scanner.clone();
            let expected = "a number from 32 to 95";
            let bits = scanner.number(u64::from(MAX_BITS) - 1, expected)?;
            match u8::try_from(bits) {
                Ok(bits @ AS_BITS..) => Ok(Self::from_wire(bits, &whole.value)),
                _ => start.wrong(expected),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PathId;
    use crate::nlri::{NlriBlock, put, spec};

    fn membership(text: &str) -> RouteTargetMembership {
        text.parse().unwrap()
    }

    /// RFC 4684 §4: origin AS, then the route target as an extended community.
    #[test]
    fn memberships_are_read_and_written() {
        let full = [96, 0, 0, 0xfd, 0xe8, 0, 2, 0xfd, 0xe8, 0, 0, 0, 100];
        let partial = [48, 0, 0, 0xfd, 0xe8, 0, 2];
        let bytes = [&full[..], &partial, &[0], &[8, 1]].concat();
        let block = NlriBlock::check(spec(Family::RTC).unwrap(), Form::default(), &bytes).unwrap();
        assert_eq!((block.len(), block.ignored()), (3, 1));
        let all: Vec<_> = block
            .iter::<RouteTargetMembership>()
            .map(|(_, one, ())| one)
            .collect();
        let texts = [
            "65000:rt:65000:100",
            "65000:0x0002000000000000/48",
            "default",
        ];
        assert_eq!(all, texts.map(membership));
        assert_eq!(
            all.iter().map(ToString::to_string).collect::<Vec<_>>(),
            texts
        );
        let mut out = Vec::new();
        for one in &all {
            put(&mut out, false, PathId(0), one, &());
        }
        assert_eq!(out, [&full[..], &partial, &[0]].concat());
        let long = [97, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        assert!(NlriBlock::check(spec(Family::RTC).unwrap(), Form::default(), &long).is_err());
        assert!(NlriBlock::check(spec(Family::RTC).unwrap(), Form::default(), &full[..9]).is_err());
    }

    #[test]
    fn a_membership_wants_what_its_bits_say() {
        let target: ExtCommunity = "rt:65000:100".parse().unwrap();
        for (text, wanted) in [
            ("default", true),
            ("1:rt:65000:100", true),
            ("1:rt:65000:101", false),
            ("1:0x0002fde800000000/64", true),
            ("1:0x0002fde900000000/64", false),
            ("1:0x0000000000000000/32", true),
            ("1:0x0002fde800000040/90", true),
        ] {
            assert_eq!(membership(text).wants(target), wanted, "{text}");
        }
    }

    #[test]
    fn errors_name_the_character() {
        for (text, character) in [
            ("", 1),
            ("defaults", 8),
            ("65000", 6),
            ("65000:", 7),
            ("65000:rx:65000:100", 7),
            ("65000:rt:65000:x", 16),
            ("65000:rt:65000:100/96", 20),
            ("65000:rt:65000:100/31", 20),
            ("65000:0x0002fde80000/48", 21),
        ] {
            let error = text.parse::<RouteTargetMembership>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
    }

    #[test]
    fn bits_beyond_the_length_are_of_no_meaning() {
        assert_eq!(
            RouteTargetMembership::from_wire(33, &[0, 0, 0, 1, 0xff]),
            membership("1:0x8000000000000000/33")
        );
    }
}
