//! Attributes that are not in the table.
//!
//! RFC 4271 §5: a transitive one is passed on with its Partial bit set, a non-transitive one is
//! ignored. One that claims to be well-known cannot be ignored: that ends the session (RFC 4271
//! §6.3, "Unrecognized Well-known Attribute"), which RFC 7606 leaves as it is.

use std::fmt;

use super::AttrCode;

/// The registered name of a code that is not in the table. Those of deprecated ones are here
/// because old speakers send them.
pub(super) fn name(code: u8) -> Option<&'static str> {
    Some(match code {
        11 => "DPA",
        12 => "ADVERTISER",
        13 => "RCID_PATH",
        19 => "SAFI Specific Attribute",
        20 => "Connector Attribute",
        21 => "AS_PATHLIMIT",
        27 => "PE Distinguisher Labels",
        28 => "BGP Entropy Label Capability Attribute",
        33 => "BGPsec_Path",
        34 => "BGP Community Container Attribute",
        36 => "BGP Domain Path (D-PATH)",
        37 => "SFP attribute",
        39 => "BGP Next Hop Dependent Characteristics (NHC)",
        41 => "BIER",
        _ => return None,
    })
}

pub(super) fn show(
    code: AttrCode,
    flags: u8,
    value: &[u8],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "{code} flags {flags:#04x} value 0x")?;
    value.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}
