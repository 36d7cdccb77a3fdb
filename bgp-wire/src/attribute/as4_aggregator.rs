//! AS4_AGGREGATOR (RFC 6793 §3): what AGGREGATOR loses on a session with two-octet AS numbers.

use super::aggregator::{Aggregator, check};
use crate::SessionContext;
use crate::error::Reason;
use crate::input::{Input, Malformed};

pub(crate) use super::aggregator::{describe, show};

/// RFC 6793 §6 for the length, RFC 7607 §2 for AS 0.
pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    match Aggregator::from_bytes(value) {
        Some(aggregator) if value.len() == 8 => {
            check(aggregator, value)?;
            out.extend_from_slice(value);
            Ok(())
        }
        _ => Err(Malformed::new(
            value,
            "AS4_AGGREGATOR",
            Reason::Length(value.len()),
        )),
    }
}
