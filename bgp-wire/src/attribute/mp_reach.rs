//! MP_REACH_NLRI (RFC 4760 §3): a family, its next hop, and the NLRI that can be reached through
//! it.

use std::fmt;

use nom::Parser;

use crate::describe::Fields;
use crate::input::{self, Input, Malformed, Parsed, malformed};
use crate::{Family, SessionContext};

/// The parts, framed and not yet understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Parts<'a> {
    pub(crate) family: Family,
    pub(crate) next_hop: &'a [u8],
    pub(crate) nlri: &'a [u8],
}

pub(crate) fn split(value: Input<'_>) -> Result<Parts<'_>, Malformed<'_>> {
    parts(value).map(|(_, parts)| parts).map_err(malformed)
}

fn parts(value: Input<'_>) -> Parsed<'_, Parts<'_>> {
    let (rest, (afi, safi)) = (input::u16("AFI"), input::u8("SAFI")).parse(value)?;
    let (rest, next_hop) = input::sized_u8("Length of Next Hop")(rest)?;
    // Once the number of SNPAs, which nobody sends; "SHOULD be ignored upon receipt" (RFC 4760 §3).
    let (nlri, _reserved) = input::u8("Reserved")(rest)?;
    Ok((
        &[],
        Parts {
            family: Family::new(afi, safi),
            next_hop,
            nlri,
        },
    ))
}

/// Checks the framing; the NLRI and the next hop need the family's readers.
pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    _: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    split(value).map(|_| ())
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match split(value) {
        Ok(parts) => write!(f, "reach {} ({} octets)", parts.family, parts.nlri.len()),
        Err(_) => Ok(()),
    }
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    if let Ok(parts) = split(value) {
        fields.text("family", parts.family);
        fields.octets("next_hop", parts.next_hop);
        fields.octets("nlri", parts.nlri);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_cut_by_their_lengths() {
        let value = [0, 1, 1, 4, 192, 0, 2, 1, 0, 8, 10];
        let parts = split(&value).unwrap();
        assert_eq!(
            (parts.family, parts.next_hop, parts.nlri),
            (Family::IPV4_UNICAST, &[192, 0, 2, 1][..], &[8, 10][..])
        );
        for cut in 0..9 {
            assert!(split(&value[..cut]).is_err(), "{cut}");
        }
        assert!(split(&value[..9]).unwrap().nlri.is_empty());
    }
}
