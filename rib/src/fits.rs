//! What a group is told of one route, for people: as [`export`] has it, if it fits into a message of the group's.

use bgp_wire::{AttrEditor, AttrRef, Nlri, PathId, encode_announce};
use bytes::BytesMut;

use crate::export::{Exported, RejectReason, SourceInfo, export};
use crate::group::GroupKey;
use crate::shard_key::TableKey;

/// What a group is told of this route with this set. As the packer does it (RFC 8654 section 4).
pub(crate) fn told_of<'e, K: TableKey>(
    attrs: AttrRef<'_>,
    source: &SourceInfo,
    group: &GroupKey,
    (path_id, key, detail): (PathId, K, <K as Nlri>::Detail),
    editor: &'e mut AttrEditor,
) -> Exported<'e> {
    let mut families = group.families.iter();
    let Some(family) = families.find(|family| family.family == K::FAMILY) else {
        return export(attrs, source, K::FAMILY, &group.rules, editor);
    };
    if let Exported::Reject(reason) = export(attrs, source, K::FAMILY, &group.rules, editor) {
        return Exported::Reject(reason);
    }
    let set = editor.get();
    let route = [(path_id, key, detail)];
    let mut message = BytesMut::new();
    match encode_announce(&mut message, K::FAMILY, &family.encoding, set, &route) {
        Ok(_) => Exported::Announce(set),
        Err(_) => Exported::Reject(RejectReason::TooLong),
    }
}
