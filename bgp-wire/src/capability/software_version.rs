//! The software version (draft-abraitis-bgp-version-capability, as FRR and GoBGP send it).

use bytes::{BufMut, BytesMut};

use super::Capability;
use crate::error::{EncodeError, Reason};
use crate::input::{self, Input, Malformed, malformed};
use crate::length::Length;
use crate::notification::printable;

pub(super) const CODE: u8 = 75;

pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    let (rest, version) = input::sized_u8("Version")(value).map_err(malformed)?;
    input::end("Version", rest)?;
    if version.is_empty() {
        return Err(Malformed::new(value, "Version", Reason::Length(0)));
    }
    Ok(Capability::SoftwareVersion(printable(version)))
}

pub(super) fn encode(version: &str, out: &mut BytesMut) -> Result<(), EncodeError> {
    let length = Length::u8(out, "Version");
    out.put_slice(version.as_bytes());
    length.close(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    #[test]
    fn it_round_trips() {
        let capability = Capability::SoftwareVersion("cosmos/0.1".into());
        assert_eq!(round_trip(&capability), capability);
        assert_eq!(capability.to_string(), "software-version cosmos/0.1");
    }
}
