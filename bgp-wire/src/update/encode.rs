//! Writes UPDATEs: as many NLRI as fit beside one set of attributes.
//!
//! On a session with four-octet AS numbers the attributes go out as they are in the canonical set,
//! in one copy. MP_REACH_NLRI and MP_UNREACH_NLRI come first of all attributes (RFC 7606 §5.1), the
//! others in ascending order (RFC 4271 §5).

use std::borrow::Cow;

use bytes::{BufMut, BytesMut};

use super::Update;
use crate::attribute::{Aggregator, AsPathRef, AttrCode, AttrRef, flags};
use crate::error::EncodeError;
use crate::frame::{MAX_LEN, MessageType, OpenFrame};
use crate::length::Length;
use crate::nlri::{self, Announcement, HopForm, Nlri, NlriBlock};
use crate::{Family, NextHop, PathId};

/// What the bytes of an UPDATE depend on besides its content: peers for which it is equal can be
/// sent the same bytes.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Encoding {
    /// Four octets for each AS (RFC 6793).
    pub asn4: bool,
    /// Path identifiers in front of NLRI (RFC 7911).
    pub add_path: bool,
    /// The longest message the peer accepts.
    pub max_message: usize,
    /// IPv4 unicast goes into MP_REACH_NLRI, as an IPv6 next hop needs (RFC 8950).
    pub mp_ipv4: bool,
}

impl Default for Encoding {
    /// Four-octet AS numbers, and nothing else that has to be negotiated.
    fn default() -> Self {
        Self {
            asn4: true,
            add_path: false,
            max_message: MAX_LEN,
            mp_ipv4: false,
        }
    }
}

impl Encoding {
    fn uses_mp(&self, family: Family) -> bool {
        family != Family::IPV4_UNICAST || self.mp_ipv4
    }
}

/// Appends one UPDATE that announces the first of `nlri`, as many as fit; how many that is. Nothing
/// is appended on error.
pub fn encode_announce<A: Announcement>(
    out: &mut BytesMut,
    family: Family,
    enc: &Encoding,
    attrs: AttrRef<'_>,
    nlri: &[A],
) -> Result<usize, EncodeError> {
    let frame = OpenFrame::begin(out, MessageType::Update);
    match announce(out, &frame, family, enc, attrs, nlri) {
        Ok(count) => frame.finish(out, enc.max_message).map(|()| count),
        Err(error) => {
            frame.abandon(out);
            Err(error)
        }
    }
}

fn announce<A: Announcement>(
    out: &mut BytesMut,
    frame: &OpenFrame,
    family: Family,
    enc: &Encoding,
    attrs: AttrRef<'_>,
    nlri: &[A],
) -> Result<usize, EncodeError> {
    let next_hop = attrs.next_hop();
    let wire = attributes(attrs, enc.asn4);
    out.reserve(
        enc.max_message
            .min(64 + wire.len() + nlri.len().saturating_mul(21)),
    );
    out.put_u16(0);
    let block = Length::u16(out, "Total Path Attribute Length");
    if enc.uses_mp(family) {
        out.put_slice(&[
            flags::OPTIONAL | flags::EXTENDED_LENGTH,
            AttrCode::MP_REACH_NLRI.0,
        ]);
        let reach = Length::u16(out, "MP_REACH_NLRI");
        put_reach_head(out, family, next_hop)?;
        let room = room(enc, frame.len(out) + wire.len());
        let count = fill(out, enc, parts(nlri), room)?;
        reach.close(out)?;
        out.put_slice(&wire);
        block.close(out)?;
        Ok(count)
    } else {
        let Some(NextHop::V4(next_hop)) = next_hop else {
            return Err(EncodeError::NextHop);
        };
        let (before, after) = split_at_next_hop(&wire);
        out.put_slice(before);
        out.put_slice(&[flags::TRANSITIVE, AttrCode::NEXT_HOP.0, 4]);
        out.put_slice(&next_hop.octets());
        out.put_slice(after);
        block.close(out)?;
        let room = room(enc, frame.len(out));
        fill(out, enc, parts(nlri), room)
    }
}

/// Appends one UPDATE that withdraws the first of `nlri`, as many as fit; how many that is. Nothing
/// is appended, and 0 returned, if there are none.
pub fn encode_withdraw<N: Nlri>(
    out: &mut BytesMut,
    family: Family,
    enc: &Encoding,
    nlri: &[(PathId, N)],
) -> usize {
    let frame = OpenFrame::begin(out, MessageType::Update);
    match withdraw(out, &frame, family, enc, nlri) {
        Ok(count) => frame.finish(out, enc.max_message).map_or(0, |()| count),
        Err(_) => {
            frame.abandon(out);
            0
        }
    }
}

fn withdraw<N: Nlri>(
    out: &mut BytesMut,
    frame: &OpenFrame,
    family: Family,
    enc: &Encoding,
    nlri: &[(PathId, N)],
) -> Result<usize, EncodeError> {
    out.reserve(enc.max_message.min(64 + nlri.len().saturating_mul(21)));
    if enc.uses_mp(family) {
        out.put_u16(0);
        let block = Length::u16(out, "Total Path Attribute Length");
        out.put_slice(&[
            flags::OPTIONAL | flags::EXTENDED_LENGTH,
            AttrCode::MP_UNREACH_NLRI.0,
        ]);
        let unreach = Length::u16(out, "MP_UNREACH_NLRI");
        out.put_u16(family.afi);
        out.put_u8(family.safi);
        let room = room(enc, frame.len(out));
        let count = fill(out, enc, withdrawn(nlri), room)?;
        unreach.close(out)?;
        block.close(out)?;
        Ok(count)
    } else {
        let routes = Length::u16(out, "Withdrawn Routes Length");
        let room = room(enc, frame.len(out) + 2);
        let count = fill(out, enc, withdrawn(nlri), room)?;
        routes.close(out)?;
        out.put_u16(0);
        Ok(count)
    }
}

fn parts<A: Announcement>(
    nlri: &[A],
) -> impl ExactSizeIterator<Item = (PathId, A::Nlri, <A::Nlri as Nlri>::Detail)> {
    nlri.iter().map(|one| {
        let (path, nlri, detail) = one.parts();
        (path, *nlri, detail)
    })
}

fn withdrawn<N: Nlri>(
    nlri: &[(PathId, N)],
) -> impl ExactSizeIterator<Item = (PathId, N, N::Detail)> {
    nlri.iter()
        .map(|(path, nlri)| (*path, *nlri, N::withdrawn()))
}

/// What is left of the message for NLRI once `used` octets are taken, and what they are counted
/// against.
struct Room {
    used: usize,
    max: usize,
}

fn room(enc: &Encoding, used: usize) -> Room {
    Room {
        used,
        max: enc.max_message,
    }
}

/// Writes NLRI while they fit.
#[inline]
fn fill<N: Nlri>(
    out: &mut BytesMut,
    enc: &Encoding,
    nlri: impl ExactSizeIterator<Item = (PathId, N, N::Detail)>,
    room: Room,
) -> Result<usize, EncodeError> {
    let id = if enc.add_path { 4 } else { 0 };
    let mut used = room.used;
    let mut count = 0;
    let none = nlri.len() == 0;
    for (path, one, detail) in nlri {
        used += id + one.wire_len(&detail);
        if used > room.max {
            break;
        }
        nlri::put(out, enc.add_path, path, &one, &detail);
        count += 1;
    }
    match (count, none) {
        (0, true) => Err(EncodeError::Empty),
        (0, false) => Err(EncodeError::TooLarge {
            needed: used,
            max: room.max,
        }),
        _ => Ok(count),
    }
}

/// Family, next hop and the reserved octet.
fn put_reach_head(
    out: &mut BytesMut,
    family: Family,
    next_hop: Option<NextHop>,
) -> Result<(), EncodeError> {
    let spec = nlri::spec(family).ok_or(EncodeError::NextHop)?;
    out.put_u16(family.afi);
    out.put_u8(family.safi);
    let length = Length::u8(out, "Length of Next Hop");
    match (spec.hop_form, next_hop) {
        (HopForm::Absent, _) => {}
        // An IPv4 address says nothing to those who forward IPv6.
        (_, None) | (HopForm::Ipv6, Some(NextHop::V4(_))) => return Err(EncodeError::NextHop),
        (HopForm::Rd, Some(next_hop)) => {
            next_hop.write_behind_rd(family.afi == crate::AFI_IPV6, out);
        }
        (_, Some(next_hop)) => next_hop.write(|bytes| out.put_slice(bytes)),
    }
    length.close(out)?;
    out.put_u8(0);
    Ok(())
}

/// The attributes as the peer reads them: as they are, or with two octets for each AS.
fn attributes(attrs: AttrRef<'_>, asn4: bool) -> Cow<'_, [u8]> {
    if asn4 {
        Cow::Borrowed(attrs.wire())
    } else {
        Cow::Owned(old_attributes(attrs))
    }
}

/// RFC 6793 §4.2.2: AS_PATH and AGGREGATOR with two octets for each AS, and what they lose in
/// AS4_PATH and AS4_AGGREGATOR.
fn old_attributes(attrs: AttrRef<'_>) -> Vec<u8> {
    let mut wire = Vec::with_capacity(attrs.wire().len() + 32);
    let mut value = Vec::new();
    let mut as4_path = None;
    let mut as4_aggregator = None;
    for (code, flags, canonical) in attrs.iter() {
        // The two of them have their place in the ascending order.
        if code > AttrCode::AS4_AGGREGATOR {
            put_as4(&mut wire, as4_path.take(), as4_aggregator.take());
        }
        match code {
            AttrCode::AS_PATH => {
                let path = AsPathRef::from_canonical(canonical);
                value.clear();
                path.put_old(&mut value);
                put(&mut wire, code, flags, &value);
                as4_path = path.needs_four_octets().then_some(path);
            }
            AttrCode::AGGREGATOR => {
                if let Some(aggregator) = Aggregator::from_bytes(canonical) {
                    let (old, needs_four) = aggregator.to_old_bytes();
                    put(&mut wire, code, flags, &old);
                    as4_aggregator = needs_four.then_some(aggregator);
                }
            }
            _ => put(&mut wire, code, flags, canonical),
        }
    }
    put_as4(&mut wire, as4_path, as4_aggregator);
    wire
}

fn put_as4(wire: &mut Vec<u8>, path: Option<AsPathRef<'_>>, aggregator: Option<Aggregator>) {
    let transitive = flags::OPTIONAL | flags::TRANSITIVE;
    if let Some(path) = path {
        let mut value = Vec::new();
        path.put_as4(&mut value);
        if !value.is_empty() {
            put(wire, AttrCode::AS4_PATH, transitive, &value);
        }
    }
    if let Some(aggregator) = aggregator {
        put(
            wire,
            AttrCode::AS4_AGGREGATOR,
            transitive,
            &aggregator.to_bytes(),
        );
    }
}

fn put(wire: &mut Vec<u8>, code: AttrCode, flags: u8, value: &[u8]) {
    let (head, size) =
        crate::attribute::set::head(code, flags, u16::try_from(value.len()).unwrap_or(u16::MAX));
    wire.extend_from_slice(head.get(..size).unwrap_or(&[]));
    wire.extend_from_slice(value);
}

/// Cuts attributes where NEXT_HOP has its place.
fn split_at_next_hop(wire: &[u8]) -> (&[u8], &[u8]) {
    let mut at = 0;
    while let Some([flags, code, length, ..]) = wire.get(at..) {
        if *code > AttrCode::NEXT_HOP.0 {
            break;
        }
        at += match wire.get(at + 3) {
            Some(low) if flags & flags::EXTENDED_LENGTH != 0 => {
                4 + usize::from(u16::from_be_bytes([*length, *low]))
            }
            _ => 3 + usize::from(*length),
        };
    }
    wire.split_at_checked(at).unwrap_or((wire, &[]))
}

/// Appends an UPDATE as a whole, for tools and tests. `enc.add_path` and `enc.mp_ipv4` do not
/// matter, as the blocks say it themselves. An UPDATE that says nothing is an error, because on the
/// wire it would be the End-of-RIB that it is not.
pub fn encode_update(
    out: &mut BytesMut,
    update: &Update<'_>,
    enc: &Encoding,
) -> Result<(), EncodeError> {
    let gone = update
        .unreach
        .map_or(&[][..], |unreach| unreach.nlri.bytes());
    let silent = update.withdrawn.bytes().is_empty()
        && update.announced.bytes().is_empty()
        && gone.is_empty()
        && update.reach.is_none()
        && update.attrs == AttrRef::default();
    if silent && update.end_of_rib.is_none() {
        return Err(EncodeError::Empty);
    }
    framed(out, update, enc, &|nlri, _, out| {
        out.put_slice(nlri.bytes());
    })
}

/// How NLRI are written; `true` if they are withdrawn.
pub(super) type PutNlri<'p> = &'p dyn Fn(&NlriBlock<'_>, bool, &mut BytesMut);

/// Appends the whole UPDATE. Nothing is appended on error.
pub(super) fn framed(
    out: &mut BytesMut,
    update: &Update<'_>,
    enc: &Encoding,
    put_nlri: PutNlri<'_>,
) -> Result<(), EncodeError> {
    let frame = OpenFrame::begin(out, MessageType::Update);
    match whole(out, update, enc, put_nlri) {
        Ok(()) => frame.finish(out, enc.max_message),
        Err(error) => {
            frame.abandon(out);
            Err(error)
        }
    }
}

fn whole(
    out: &mut BytesMut,
    update: &Update<'_>,
    enc: &Encoding,
    put_nlri: PutNlri<'_>,
) -> Result<(), EncodeError> {
    let routes = Length::u16(out, "Withdrawn Routes Length");
    put_nlri(&update.withdrawn, true, out);
    routes.close(out)?;
    let block = Length::u16(out, "Total Path Attribute Length");
    if let Some(reach) = &update.reach {
        put_mp(out, AttrCode::MP_REACH_NLRI, &reach.nlri, |out| {
            put_reach_head(out, reach.family, reach.next_hop)?;
            put_nlri(&reach.nlri, false, out);
            Ok(())
        })?;
    }
    if let Some(unreach) = &update.unreach {
        put_mp(out, AttrCode::MP_UNREACH_NLRI, &unreach.nlri, |out| {
            out.put_u16(unreach.family.afi);
            out.put_u8(unreach.family.safi);
            put_nlri(&unreach.nlri, true, out);
            Ok(())
        })?;
    }
    let wire = attributes(update.attrs, enc.asn4);
    let (before, after) = split_at_next_hop(&wire);
    out.put_slice(before);
    // Without MP_REACH_NLRI the next hop is that of NEXT_HOP, though nothing may be announced.
    let announces = !update.announced.bytes().is_empty();
    match update.attrs.next_hop() {
        Some(NextHop::V4(next_hop)) if announces || update.reach.is_none() => {
            out.put_slice(&[flags::TRANSITIVE, AttrCode::NEXT_HOP.0, 4]);
            out.put_slice(&next_hop.octets());
        }
        _ if announces => return Err(EncodeError::NextHop),
        _ => {}
    }
    out.put_slice(after);
    block.close(out)?;
    put_nlri(&update.announced, false, out);
    Ok(())
}

/// MP_REACH_NLRI or MP_UNREACH_NLRI, its length in one octet if that is enough.
fn put_mp(
    out: &mut BytesMut,
    code: AttrCode,
    nlri: &NlriBlock<'_>,
    head: impl FnOnce(&mut BytesMut) -> Result<(), EncodeError>,
) -> Result<(), EncodeError> {
    let long = nlri.bytes().len() > 200;
    let extended = if long { flags::EXTENDED_LENGTH } else { 0 };
    out.put_slice(&[flags::OPTIONAL | extended, code.0]);
    let name = "Attribute Length";
    let length = if long {
        Length::u16(out, name)
    } else {
        Length::u8(out, name)
    };
    head(out)?;
    length.close(out)
}

#[cfg(test)]
mod tests {
    use ipnet::{Ipv4Net, Ipv6Net};

    use super::*;
    use crate::update::encode_end_of_rib;
    use crate::{
        Asn, AttrEditor, AttrScratch, Community, Origin, SessionContext, decode_update, next_frame,
    };

    fn attrs(next_hop: &str) -> AttrEditor {
        let mut editor = AttrEditor::new();
        editor.set_next_hop(NextHop::from(next_hop.parse::<std::net::IpAddr>().unwrap()));
        editor.set_origin(Origin::Igp);
        editor.set_as_path(&[Asn(65001), Asn(70000)]);
        editor
    }

    fn net4(text: &str) -> (PathId, Ipv4Net) {
        (PathId(1), text.parse().unwrap())
    }

    fn net6(text: &str) -> (PathId, Ipv6Net) {
        (PathId(1), text.parse().unwrap())
    }

    /// The octets of RFC 4271 §4.3 with NEXT_HOP in its place, written down by hand.
    #[test]
    fn an_ipv4_announcement_octet_by_octet() {
        let mut out = BytesMut::new();
        let mut editor = attrs("192.0.2.1");
        editor.set_local_pref(Some(100));
        let count = encode_announce(
            &mut out,
            Family::IPV4_UNICAST,
            &Encoding::default(),
            editor.get(),
            &[net4("10.0.0.0/8")],
        );
        assert_eq!(count, Ok(1));
        let body = [
            0, 0, 0, 31, 0x40, 1, 1, 0, 0x40, 2, 10, 2, 2, 0, 0, 0xfd, 0xe9, 0, 1, 0x11, 0x70,
            0x40, 3, 4, 192, 0, 2, 1, 0x40, 5, 4, 0, 0, 0, 100, 8, 10,
        ];
        assert_eq!(out[16..19], [0, 56, 2]);
        assert_eq!(out[19..], body);
    }

    /// RFC 7606 §5.1: MP_REACH_NLRI is "the very first path attribute".
    #[test]
    fn mp_attributes_come_first() {
        let mut out = BytesMut::new();
        encode_announce(
            &mut out,
            Family::IPV6_UNICAST,
            &Encoding::default(),
            attrs("2001:db8::1").get(),
            &[net6("2001:db8::/32")],
        )
        .unwrap();
        assert_eq!(out[24], 14);
        out.clear();
        assert_eq!(
            encode_withdraw(
                &mut out,
                Family::IPV6_UNICAST,
                &Encoding::default(),
                &[net6("2001:db8::/32")]
            ),
            1
        );
        assert_eq!(out[24], 15);
    }

    /// RFC 6793 §4.2.2.
    #[test]
    fn old_speakers_get_as_trans_and_as4_path() {
        let mut out = BytesMut::new();
        let enc = Encoding {
            asn4: false,
            ..Encoding::default()
        };
        let mut editor = attrs("192.0.2.1");
        editor.add_community(Community(1));
        editor.add_large_community(crate::LargeCommunity {
            global: 1,
            data1: 1,
            data2: 1,
        });
        encode_announce(
            &mut out,
            Family::IPV4_UNICAST,
            &enc,
            editor.get(),
            &[net4("10.0.0.0/8")],
        )
        .unwrap();
        let old = SessionContext {
            asn4: false,
            ..SessionContext::new(Asn(65000), Asn(65001))
        };
        let mut scratch = AttrScratch::new();
        assert_eq!(
            decode_update(&out[19..], &old, &mut scratch)
                .unwrap()
                .update
                .attrs,
            editor.get()
        );
        // With four octets on both sides the same bytes would be two errors.
        let codes: Vec<u8> = vec![1, 2, 3, 8, 17, 32];
        let mut rest = &out[23..out.len() - 2];
        let mut seen = Vec::new();
        while let [_, code, length, after @ ..] = rest {
            seen.push(*code);
            rest = &after[usize::from(*length)..];
        }
        assert_eq!(seen, codes);

        // "the NEW BGP speaker MUST NOT send the AS4_PATH attribute" if two octets say all.
        editor.set_as_path(&[Asn(65001), Asn(65002)]);
        out.clear();
        encode_announce(
            &mut out,
            Family::IPV4_UNICAST,
            &enc,
            editor.get(),
            &[net4("10.0.0.0/8")],
        )
        .unwrap();
        assert!(!out.windows(2).any(|window| window == [0xc0, 17]));
    }

    #[test]
    fn next_hops_that_do_not_suit_are_errors() {
        let mut out = BytesMut::from(&b"before"[..]);
        let enc = Encoding::default();
        for (name, result) in [
            (
                "IPv6 in the body",
                encode_announce(
                    &mut out,
                    Family::IPV4_UNICAST,
                    &enc,
                    attrs("2001:db8::1").get(),
                    &[net4("10.0.0.0/8")],
                ),
            ),
            (
                "IPv4 for IPv6",
                encode_announce(
                    &mut out,
                    Family::IPV6_UNICAST,
                    &enc,
                    attrs("192.0.2.1").get(),
                    &[net6("::/0")],
                ),
            ),
            (
                "none",
                encode_announce(
                    &mut out,
                    Family::IPV4_UNICAST,
                    &enc,
                    AttrEditor::new().get(),
                    &[net4("10.0.0.0/8")],
                ),
            ),
        ] {
            assert_eq!(result, Err(EncodeError::NextHop), "{name}");
        }
        let none: &[(PathId, Ipv4Net)] = &[];
        assert_eq!(
            encode_announce(
                &mut out,
                Family::IPV4_UNICAST,
                &enc,
                attrs("192.0.2.1").get(),
                none
            ),
            Err(EncodeError::Empty)
        );
        assert_eq!(
            encode_withdraw(&mut out, Family::IPV4_UNICAST, &enc, none),
            0
        );
        assert_eq!(&out[..], b"before");
    }

    /// RFC 8654 §4: what does not fit the peer's limit is not sent to it.
    #[test]
    fn attributes_that_leave_no_room_are_an_error() {
        let mut editor = attrs("192.0.2.1");
        editor.set_communities((0..1011).map(Community));
        let mut out = BytesMut::new();
        let (nets, enc) = ([net4("10.0.0.0/32")], Encoding::default());
        let error =
            encode_announce(&mut out, Family::IPV4_UNICAST, &enc, editor.get(), &nets).unwrap_err();
        assert!(
            matches!(error, EncodeError::TooLarge { needed, max: 4096 } if needed > 4096),
            "{error}"
        );
        let large = Encoding {
            max_message: 65535,
            ..enc
        };
        assert_eq!(
            encode_announce(&mut out, Family::IPV4_UNICAST, &large, editor.get(), &nets),
            Ok(1)
        );
    }

    #[test]
    fn every_octet_of_a_message_is_used() {
        let nets: Vec<_> = (0..2000u32)
            .map(|n| (PathId(n), Ipv4Net::new((n << 8).into(), 24).unwrap()))
            .collect();
        let mut out = BytesMut::new();
        let count = encode_withdraw(&mut out, Family::IPV4_UNICAST, &Encoding::default(), &nets);
        assert_eq!((count, out.len()), (1018, 23 + 1018 * 4));
    }

    /// RFC 4724 §2.
    #[test]
    fn an_update_that_says_nothing_is_not_written_as_end_of_rib() {
        let mut out = BytesMut::new();
        let enc = Encoding::default();
        // MP_UNREACH_NLRI of a family that was not negotiated; and an empty one beside an attribute
        // that is discarded.
        let strange: &[u8] = &[0, 0, 0, 6, 0x80, 15, 3, 0, 1, 50];
        let beside: &[u8] = &[0, 0, 0, 10, 0x80, 15, 3, 0, 2, 1, 0x40, 6, 1, 0];
        for body in [strange, beside] {
            let mut scratch = AttrScratch::new();
            let ctx = SessionContext::new(Asn(65000), Asn(65001));
            let decoded = decode_update(body, &ctx, &mut scratch).unwrap();
            assert_eq!(decoded.update.end_of_rib, None);
            let written = encode_update(&mut out, &decoded.update, &enc);
            assert_eq!(written, Err(EncodeError::Empty));
            assert!(out.is_empty());
        }
    }

    #[test]
    fn end_of_rib_is_read_back() {
        let ctx = SessionContext::new(Asn(65000), Asn(65001));
        for family in [Family::IPV4_UNICAST, Family::IPV6_UNICAST] {
            let (mut out, mut scratch) = (BytesMut::new(), AttrScratch::new());
            encode_end_of_rib(&mut out, family);
            let (frame, _) = next_frame(&out, MAX_LEN).unwrap().unwrap();
            assert_eq!(
                decode_update(frame.body, &ctx, &mut scratch)
                    .unwrap()
                    .update
                    .end_of_rib,
                Some(family)
            );
        }
    }
}
