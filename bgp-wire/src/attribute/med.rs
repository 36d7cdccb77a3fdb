//! MULTI_EXIT_DISC (RFC 4271 §5.1.4): four octets.

use std::fmt;

use crate::SessionContext;
use crate::describe::Fields;
use crate::error::Reason;
use crate::input::{Input, Malformed};

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    _: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    four_octets("MULTI_EXIT_DISC", value)
}

/// A value that is a number of four octets.
#[inline]
pub(super) fn four_octets<'a>(field: &'static str, value: Input<'a>) -> Result<(), Malformed<'a>> {
    if value.len() == 4 {
        Ok(())
    } else {
        Err(Malformed::new(value, field, Reason::Length(value.len())))
    }
}

/// The number in a value of four octets.
#[inline]
pub(super) fn number(value: &[u8]) -> Option<u32> {
    value.first_chunk().map(|four| u32::from_be_bytes(*four))
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "med {}", number(value).unwrap_or(0))
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    fields.number("med", number(value).unwrap_or(0));
}
