//! What the IP Prefix routes of a block say of their resolution (RFC 9136 §3.2).

use super::layout::ip_prefix;
use super::{EvpnKind, split};
use crate::nlri::label::OCTETS;
use crate::nlri::{NlriBlock, path_id};

/// The fields of an IP Prefix route that what is behind the prefix is found by.
pub(crate) struct PrefixFields<'a> {
    /// The label, or the VNI, as it is in the message.
    pub(crate) label: &'a [u8; OCTETS],
    /// There is an Ethernet segment or a gateway.
    pub(crate) has_overlay_index: bool,
}

/// Those of each IP Prefix route that is what its type says.
pub(crate) fn prefixes<'a>(block: &NlriBlock<'a>) -> impl Iterator<Item = PrefixFields<'a>> {
    let (mut rest, add_path) = (block.bytes(), block.form.add_path);
    std::iter::from_fn(move || {
        loop {
            let (kind, value, after) = split(path_id(rest, add_path).ok()?).ok()?;
            rest = after;
            if kind != EvpnKind::IpPrefix.number() {
                continue;
            }
            let Some(parts) = ip_prefix(value) else {
                continue;
            };
            let (gateway, label) = parts.tail.split_last_chunk()?;
            let is_zero = |octets: &[u8]| octets.iter().all(|octet| *octet == 0);
            let has_segment = parts.esi.is_some_and(|esi| !is_zero(esi));
            return Some(PrefixFields {
                label,
                has_overlay_index: has_segment || !is_zero(gateway),
            });
        }
    })
}
