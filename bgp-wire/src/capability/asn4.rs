//! The four-octet AS number (RFC 6793 §3).

use bytes::{BufMut, BytesMut};

use super::Capability;
use crate::Asn;
use crate::input::{self, Input, Malformed, malformed};

pub(super) const CODE: u8 = 65;

pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    let (rest, asn) = input::u32("AS Number")(value).map_err(malformed)?;
    input::end("AS Number", rest)?;
    Ok(Capability::Asn4(Asn(asn)))
}

pub(super) fn encode(asn: Asn, out: &mut BytesMut) {
    out.put_u32(asn.0);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    #[test]
    fn it_round_trips() {
        let capability = Capability::Asn4(Asn(4_200_000_000));
        assert_eq!(round_trip(&capability), capability);
        assert_eq!(capability.to_string(), "four-octet-as 4200000000");
    }
}
