//! Types, lengths and values, as several attributes are made of.

use crate::error::Reason;
use crate::input::{Input, Malformed};

/// How many octets type and length take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One and one.
    OneOne,
    /// One and two.
    OneTwo,
    /// Two and two.
    TwoTwo,
    /// One and one for types below 128, one and two above (RFC 9012 §2).
    OneVaries,
}

/// One of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tlv<'a> {
    pub(crate) kind: u16,
    pub(crate) value: &'a [u8],
    /// Type, length and value.
    pub(crate) whole: &'a [u8],
}

/// The first one and what comes after it; `None` if there is no whole one.
#[inline]
fn first(shape: Shape, octets: &[u8]) -> Option<(Tlv<'_>, &[u8])> {
    let (kind, length, rest) = match (shape, octets) {
        (Shape::OneOne, [kind, length, rest @ ..])
        | (Shape::OneVaries, [kind @ 0..=127, length, rest @ ..]) => {
            (u16::from(*kind), usize::from(*length), rest)
        }
        (Shape::OneTwo, [kind, high, low, rest @ ..])
        | (Shape::OneVaries, [kind @ 128..=255, high, low, rest @ ..]) => (
            u16::from(*kind),
            usize::from(u16::from_be_bytes([*high, *low])),
            rest,
        ),
        (Shape::TwoTwo, [a, b, high, low, rest @ ..]) => (
            u16::from_be_bytes([*a, *b]),
            usize::from(u16::from_be_bytes([*high, *low])),
            rest,
        ),
        _ => return None,
    };
    let (value, after) = rest.split_at_checked(length)?;
    let (whole, _) = octets.split_at_checked(octets.len().saturating_sub(after.len()))?;
    Some((Tlv { kind, value, whole }, after))
}

/// All of them, up to the first that is cut short.
#[inline]
pub(crate) fn iter(shape: Shape, octets: &[u8]) -> impl Iterator<Item = Tlv<'_>> + Clone {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let (tlv, after) = first(shape, rest)?;
        rest = after;
        Some(tlv)
    })
}

/// Hands each to `look`. Fails if one is cut short.
#[inline]
pub(crate) fn each<'a>(
    shape: Shape,
    field: &'static str,
    octets: Input<'a>,
    mut look: impl FnMut(Tlv<'a>) -> Result<(), Malformed<'a>>,
) -> Result<(), Malformed<'a>> {
    let mut rest = octets;
    while !rest.is_empty() {
        let Some((tlv, after)) = first(shape, rest) else {
            return Err(Malformed::new(rest, field, Reason::Truncated));
        };
        look(tlv)?;
        rest = after;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_cut_by_its_length() {
        for (shape, octets, kinds) in [
            (Shape::OneOne, &[1, 2, 8, 9, 200, 0][..], &[1, 200][..]),
            (Shape::OneTwo, &[1, 0, 2, 8, 9, 200, 0, 0], &[1, 200]),
            (
                Shape::TwoTwo,
                &[1, 2, 0, 2, 8, 9, 3, 4, 0, 0],
                &[0x102, 0x304],
            ),
            (Shape::OneVaries, &[1, 2, 8, 9, 200, 0, 0], &[1, 200]),
        ] {
            let found: Vec<_> = iter(shape, octets).collect();
            let numbers: Vec<_> = found.iter().map(|tlv| tlv.kind).collect();
            assert_eq!(numbers, kinds, "{shape:?}");
            assert_eq!(found[0].value, [8, 9]);
            let wholes: Vec<_> = found.iter().flat_map(|tlv| tlv.whole).copied().collect();
            assert_eq!(wholes, octets);
            for cut in 1..octets.len() {
                let (mut seen, part) = (0, &octets[..cut]);
                let result = each(shape, "TLV", part, |tlv| {
                    seen += tlv.whole.len();
                    Ok(())
                });
                assert_eq!(result.is_ok(), seen == cut, "{shape:?} {cut}");
            }
        }
    }
}
