//! Paths-Limit (draft-abraitis-idr-addpath-paths-limit): families with ADD-PATH, and how many paths to a
//! prefix the sender wishes to be told.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::{Capability, family, put_family};
use crate::Family;
use crate::input::{self, Input, Malformed, Parsed};

pub(super) const CODE: u8 = 76;

pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    input::all(value, one).map(Capability::PathsLimit)
}

fn one(input: Input<'_>) -> Parsed<'_, (Family, u16)> {
    let (rest, family) = family(input)?;
    let (rest, limit) = input::u16("Paths Limit")(rest)?;
    Ok((rest, (family, limit)))
}

pub(super) fn encode(families: &[(Family, u16)], out: &mut BytesMut) {
    for (family, limit) in families {
        put_family(*family, out);
        out.put_u16(*limit);
    }
}

pub(super) fn show(families: &[(Family, u16)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut all = families.iter();
    all.try_for_each(|(family, limit)| write!(f, " {family} {limit}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    /// The draft's section 2: AFI, SAFI and two octets for each family, as FRR 10 sends them.
    #[test]
    fn families_and_limits_round_trip() {
        let value = [0, 1, 1, 0, 16, 0, 2, 1, 1, 0];
        let capability = Capability::from_value(76, &value);
        let families = vec![(Family::IPV4_UNICAST, 16), (Family::IPV6_UNICAST, 256)];
        assert_eq!(capability, Capability::PathsLimit(families));
        assert_eq!(round_trip(&capability), capability);
        let text = "paths-limit ipv4/unicast 16 ipv6/unicast 256";
        assert_eq!(capability.to_string(), text);
        for cut in [1, 3, 4, 9] {
            let cut = Capability::from_value(76, &value[..cut]);
            assert!(matches!(cut, Capability::Unknown { code: 76, .. }), "{cut}");
        }
    }
}
