//! MP_UNREACH_NLRI (RFC 4760 §4): a family and the NLRI that can no longer be reached.

use std::fmt;

use nom::Parser;

use crate::describe::Fields;
use crate::input::{self, Input, Malformed, malformed};
use crate::{Family, SessionContext};

/// The family and the NLRI, not yet understood.
pub(crate) fn split(value: Input<'_>) -> Result<(Family, Input<'_>), Malformed<'_>> {
    let (nlri, (afi, safi)) = (input::u16("AFI"), input::u8("SAFI"))
        .parse(value)
        .map_err(malformed)?;
    Ok((Family::new(afi, safi), nlri))
}

/// Checks the framing; the NLRI need the family's reader.
pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    _: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    split(value).map(|_| ())
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match split(value) {
        Ok((family, nlri)) => write!(f, "unreach {family} ({} octets)", nlri.len()),
        Err(_) => Ok(()),
    }
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    if let Ok((family, nlri)) = split(value) {
        fields.text("family", family);
        fields.octets("nlri", nlri);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_octets_are_the_least() {
        assert_eq!(split(&[0, 2, 1]), Ok((Family::IPV6_UNICAST, &[][..])));
        assert!(split(&[0, 2]).is_err());
    }
}
