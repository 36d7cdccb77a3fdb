//! LOCAL_PREF (RFC 4271 §5.1.5): four octets, inside of an AS only.

use std::fmt;

use super::med::{four_octets, number};
use crate::SessionContext;
use crate::describe::Fields;
use crate::input::{Input, Malformed};

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    _: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    four_octets("LOCAL_PREF", value)
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "local-pref {}", number(value).unwrap_or(0))
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    fields.number("local_pref", number(value).unwrap_or(0));
}
