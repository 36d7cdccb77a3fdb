//! Multiple labels (RFC 8277 §2.1): families, and how many labels a prefix may have that the sender
//! receives.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::{Capability, family, put_family};
use crate::Family;
use crate::input::{self, Input, Malformed, Parsed};

pub(super) const CODE: u8 = 8;

/// RFC 8277 §2.1: "A Multiple Labels Capability whose length is not a multiple of four MUST be
/// considered to be malformed."
pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    input::all(value, one).map(Capability::MultipleLabels)
}

fn one(input: Input<'_>) -> Parsed<'_, (Family, u8)> {
    let (rest, family) = family(input)?;
    let (rest, count) = input::u8("Count")(rest)?;
    Ok((rest, (family, count)))
}

pub(super) fn encode(families: &[(Family, u8)], out: &mut BytesMut) {
    for (family, count) in families {
        put_family(*family, out);
        out.put_u8(*count);
    }
}

pub(super) fn show(families: &[(Family, u8)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    families.iter().try_for_each(|(family, count)| match count {
        // §2.1: 255 is "no limit".
        255 => write!(f, " {family} any"),
        count => write!(f, " {family} {count}"),
    })
}

/// How many labels the sender of these capabilities can receive for a prefix of `of`, where that is
/// more than one. Only the first capability counts, and in it the first triple of a family; a count
/// of 0 or 1 is ignored (RFC 8277 §2.1).
pub(crate) fn count(capabilities: &[Capability], of: Family) -> Option<u8> {
    let families = capabilities
        .iter()
        .find_map(|capability| match capability {
            Capability::MultipleLabels(families) => Some(families),
            _ => None,
        })?;
    let (_, count) = families.iter().find(|(family, _)| *family == of)?;
    (*count > 1).then_some(*count)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    const V4: Family = Family::IPV4_LABELED;
    const V6: Family = Family::IPV6_LABELED;

    #[test]
    fn lists_round_trip() {
        for families in [vec![], vec![(V4, 2), (V6, 255)]] {
            let capability = Capability::MultipleLabels(families);
            assert_eq!(round_trip(&capability), capability);
        }
        // AFI 1, SAFI 4, three labels; AFI 2, SAFI 4, any number.
        let capability = Capability::from_value(8, &[0, 1, 4, 3, 0, 2, 4, 255]);
        assert_eq!(
            capability,
            Capability::MultipleLabels(vec![(V4, 3), (V6, 255)])
        );
        assert_eq!(
            capability.to_string(),
            format!("multiple-labels {V4} 3 {V6} any")
        );
    }

    /// §2.1: "all but the first MUST be ignored", of triples and of capabilities, and "Count=0" and
    /// "Count=1" too.
    #[test]
    fn the_first_triple_of_the_first_capability_counts() {
        let all = [
            Capability::RouteRefresh,
            Capability::MultipleLabels(vec![(V4, 2), (V4, 7), (Family::IPV4_VPN, 1)]),
            Capability::MultipleLabels(vec![(V4, 9), (V6, 9)]),
        ];
        assert_eq!(count(&all, V4), Some(2));
        assert_eq!(count(&all, V6), None);
        assert_eq!(count(&all, Family::IPV4_VPN), None);
        assert_eq!(count(&all[..1], V4), None);
    }
}
