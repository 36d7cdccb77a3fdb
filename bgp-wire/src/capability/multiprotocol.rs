//! Multiprotocol extensions (RFC 4760 §8): AFI, a reserved octet, SAFI.

use bytes::{BufMut, BytesMut};

use super::Capability;
use crate::Family;
use crate::input::{self, Input, Malformed, malformed};

pub(super) const CODE: u8 = 1;

pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    let (rest, afi) = input::u16("AFI")(value).map_err(malformed)?;
    let (rest, _reserved) = input::u8("Reserved")(rest).map_err(malformed)?;
    let (rest, safi) = input::u8("SAFI")(rest).map_err(malformed)?;
    input::end("Multiprotocol", rest)?;
    Ok(Capability::Multiprotocol(Family::new(afi, safi)))
}

pub(super) fn encode(family: Family, out: &mut BytesMut) {
    out.put_u16(family.afi);
    out.put_u8(0);
    out.put_u8(family.safi);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    #[test]
    fn families_round_trip_named_or_not() {
        for family in [
            Family::IPV6_UNICAST,
            Family::L2VPN_EVPN,
            Family::new(40000, 200),
        ] {
            let capability = Capability::Multiprotocol(family);
            assert_eq!(round_trip(&capability), capability);
        }
        assert_eq!(
            Capability::Multiprotocol(Family::IPV4_UNICAST).to_string(),
            "multiprotocol ipv4/unicast"
        );
    }

    #[test]
    fn the_reserved_octet_is_ignored() {
        assert_eq!(
            decode(&[0, 1, 77, 1]),
            Ok(Capability::Multiprotocol(Family::IPV4_UNICAST))
        );
    }
}
