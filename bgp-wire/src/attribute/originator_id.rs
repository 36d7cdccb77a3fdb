//! ORIGINATOR_ID (RFC 4456 §8): who brought a reflected route into the AS.

use std::fmt;

use super::med::{four_octets, number};
use crate::describe::Fields;
use crate::input::{Input, Malformed};
use crate::{RouterId, SessionContext};

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    _: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    four_octets("ORIGINATOR_ID", value)
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "originator {}", RouterId(number(value).unwrap_or(0)))
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    fields.text("originator_id", RouterId(number(value).unwrap_or(0)));
}
