//! ONLY_TO_CUSTOMER (RFC 9234 §5): the AS that let a route go down to its customers, or sideways.

use std::fmt;

use super::med::{four_octets, number};
use crate::describe::Fields;
use crate::input::{Input, Malformed};
use crate::{Asn, SessionContext};

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    _: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    four_octets("Only to Customer (OTC)", value)
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    write!(f, "only-to-customer {}", Asn(number(value).unwrap_or(0)))
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    fields.number("as", number(value).unwrap_or(0));
}
