//! Attributes that are not in the table.
//!
//! RFC 4271 §5: a transitive one is passed on with its Partial bit set, a non-transitive one is
//! ignored. One that claims to be well-known cannot be ignored: that ends the session (RFC 4271
//! §6.3, "Unrecognized Well-known Attribute"), which RFC 7606 leaves as it is.

use std::fmt;

use super::AttrCode;

pub(super) fn show(
    code: AttrCode,
    flags: u8,
    value: &[u8],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    write!(f, "{code} flags {flags:#04x} value 0x")?;
    value.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
}
