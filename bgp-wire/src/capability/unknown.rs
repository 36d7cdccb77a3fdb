//! Capabilities that have no reader, or whose value is malformed: kept, shown, and otherwise
//! ignored.

use std::fmt;

use bytes::Bytes;

use super::Capability;

pub(super) fn keep(code: u8, value: &[u8]) -> Capability {
    Capability::Unknown {
        code,
        value: Bytes::copy_from_slice(value),
    }
}

pub(super) fn show(
    name: Option<&str>,
    code: u8,
    value: &[u8],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match name {
        Some(name) => f.write_str(name)?,
        None => write!(f, "capability {code}")?,
    }
    if !value.is_empty() {
        f.write_str(" 0x")?;
    }
    value.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    #[test]
    fn unknown_ones_round_trip_and_print() {
        let capability = keep(200, &[1, 0xab]);
        assert_eq!(round_trip(&capability), capability);
        assert_eq!(capability.to_string(), "capability 200 0x01ab");
        assert_eq!(
            Capability::from_value(9, &[4, 4]).to_string(),
            "role 0x0404"
        );
    }
}
