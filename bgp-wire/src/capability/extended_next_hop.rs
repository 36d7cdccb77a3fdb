//! Extended next hop encoding (RFC 8950 §4): families, and the AFI their next hop may have.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::Capability;
use crate::Family;
use crate::input::{self, Input, Malformed, Parsed};

pub(super) const CODE: u8 = 5;

pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    input::all(value, one).map(Capability::ExtendedNextHop)
}

/// The SAFI takes two octets here, of which the first is zero.
fn one(input: Input<'_>) -> Parsed<'_, (Family, u16)> {
    let (rest, afi) = input::u16("NLRI AFI")(input)?;
    let (rest, _) = input::u8("NLRI SAFI")(rest)?;
    let (rest, safi) = input::u8("NLRI SAFI")(rest)?;
    let (rest, next_hop_afi) = input::u16("Nexthop AFI")(rest)?;
    Ok((rest, (Family::new(afi, safi), next_hop_afi)))
}

pub(super) fn encode(families: &[(Family, u16)], out: &mut BytesMut) {
    for (family, next_hop_afi) in families {
        out.put_u16(family.afi);
        out.put_u16(u16::from(family.safi));
        out.put_u16(*next_hop_afi);
    }
}

pub(super) fn show(families: &[(Family, u16)], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    families.iter().try_for_each(|(family, afi)| match *afi {
        crate::family::AFI_IPV4 => write!(f, " {family} by ipv4"),
        crate::family::AFI_IPV6 => write!(f, " {family} by ipv6"),
        afi => write!(f, " {family} by afi{afi}"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    #[test]
    fn lists_round_trip() {
        for families in [
            vec![],
            vec![(Family::IPV4_UNICAST, 2), (Family::IPV4_VPN, 2)],
        ] {
            let capability = Capability::ExtendedNextHop(families);
            assert_eq!(round_trip(&capability), capability);
        }
        let capability = Capability::ExtendedNextHop(vec![(Family::IPV4_UNICAST, 2)]);
        assert_eq!(
            capability.to_string(),
            "extended-next-hop ipv4/unicast by ipv6"
        );
    }
}
