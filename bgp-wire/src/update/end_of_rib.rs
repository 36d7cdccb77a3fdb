//! End-of-RIB (RFC 4724 §2): "an UPDATE message with no reachable NLRI and empty withdrawn NLRI"
//! for IPv4 unicast, and "only the MP_UNREACH_NLRI attribute with no withdrawn routes" for the
//! rest. Nothing else is one: stray attributes beside it make it an odd UPDATE, not the end of
//! anything.

use bytes::{BufMut, BytesMut};

use super::MpUnreach;
use crate::Family;
use crate::attribute::{AttrCode, flags};
use crate::frame::{MAX_LEN, MessageType, OpenFrame};

/// The family that ends, given the whole body, its block of attributes, MP_UNREACH_NLRI and the
/// number of attributes.
#[inline]
pub(super) fn family(
    body: &[u8],
    block: &[u8],
    unreach: Option<&MpUnreach<'_>>,
    attributes: usize,
) -> Option<Family> {
    if body.len() == 4 {
        return Some(Family::IPV4_UNICAST);
    }
    let unreach = unreach?;
    // Beside the attribute there are only the two lengths: no routes of the body.
    let alone = attributes == 1 && body.len() == block.len().saturating_add(4);
    if alone && unreach.nlri.bytes().is_empty() {
        Some(unreach.family)
    } else {
        None
    }
}

/// Appends the End-of-RIB of a family.
pub fn encode_end_of_rib(out: &mut BytesMut, family: Family) {
    let frame = OpenFrame::begin(out, MessageType::Update);
    out.put_u16(0);
    if family == Family::IPV4_UNICAST {
        out.put_u16(0);
    } else {
        out.put_u16(6);
        out.put_slice(&[flags::OPTIONAL, AttrCode::MP_UNREACH_NLRI.0, 3]);
        out.put_u16(family.afi);
        out.put_u8(family.safi);
    }
    // Cannot fail: the message is 29 octets long at most.
    let _ = frame.finish(out, MAX_LEN);
}
