//! ATOMIC_AGGREGATE (RFC 4271 §5.1.6): says all by being there.

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
    if value.is_empty() {
        Ok(())
    } else {
        Err(Malformed::new(
            value,
            "ATOMIC_AGGREGATE",
            Reason::Length(value.len()),
        ))
    }
}

pub(crate) fn show(_: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("atomic-aggregate")
}

pub(crate) fn describe(_: &[u8], _: &mut Fields) {
    // Its name says all.
}
