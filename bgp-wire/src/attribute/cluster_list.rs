//! CLUSTER_LIST (RFC 4456 §8): the clusters a reflected route has passed, the last one first.

use std::fmt;

use crate::describe::{Fields, Node};
use crate::error::Reason;
use crate::input::{Input, Malformed};
use crate::{RouterId, SessionContext};

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    _: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    if value.is_empty() || !value.len().is_multiple_of(4) {
        return Err(Malformed::new(
            value,
            "CLUSTER_LIST",
            Reason::Length(value.len()),
        ));
    }
    Ok(())
}

pub(super) fn iter(value: &[u8]) -> impl Iterator<Item = RouterId> + Clone + use<'_> {
    value
        .as_chunks()
        .0
        .iter()
        .map(|four| RouterId(u32::from_be_bytes(*four)))
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("cluster-list")?;
    iter(value).try_for_each(|id| write!(f, " {id}"))
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    fields.list("cluster_list", iter(value).map(Node::text));
}
