//! BGP Prefix-SID (RFC 8669) and what SRv6 services add to it (RFC 9252).

use std::fmt;

use super::layout::{self, Field};
use super::srv6::{SidStructure, Srv6Sid, behavior_name};
use super::tlv::{self, Shape, Tlv};
use crate::SessionContext;
use crate::describe::{Fields, Node};
use crate::error::{Disposition, Reason};
use crate::faults::{Faults, severest};
use crate::input::{Input, Malformed};

const LABEL_INDEX: u16 = 1;
const ORIGINATOR_SRGB: u16 = 3;
const SRV6_L3_SERVICE: u16 = 5;
const SRV6_L2_SERVICE: u16 = 6;
/// The sub-TLV of a service, and the one in that (RFC 9252 §3.1, §3.2.1).
const SID_INFORMATION: u16 = 1;
const SID_STRUCTURE: u16 = 1;
/// What the SID Information sub-TLV begins with: a reserved octet, the SID, flags, the behavior and
/// a reserved octet (RFC 9252 §3.1).
const SID_FIXED: usize = 21;

/// A BGP Prefix-SID attribute.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct PrefixSid<'a>(&'a [u8]);

impl<'a> PrefixSid<'a> {
    /// The attribute with this value, from a set in canonical form.
    pub fn from_canonical(value: &'a [u8]) -> Self {
        Self(value)
    }

    fn find(self, kind: u16) -> Option<&'a [u8]> {
        tlv::iter(Shape::OneTwo, self.0)
            .find(|tlv| tlv.kind == kind)
            .map(|tlv| tlv.value)
    }

    /// The label index (RFC 8669 §3.1).
    pub fn label_index(self) -> Option<u32> {
        match self.find(LABEL_INDEX)? {
            [_, _, _, a, b, c, d] => Some(u32::from_be_bytes([*a, *b, *c, *d])),
            _ => None,
        }
    }

    /// The originator's label blocks, each by its first label and its size (RFC 8669 §3.2).
    pub fn originator_srgb(self) -> impl Iterator<Item = (u32, u32)> + use<'a> {
        let value = self.find(ORIGINATOR_SRGB).unwrap_or(&[]);
        blocks(value)
    }

    /// The SID of an L3 service (RFC 9252 §2). Of several services and SIDs the first counts (§7,
    /// §3.1); `None` also if its structure cannot be.
    pub fn srv6_l3(self) -> Option<Srv6Sid> {
        sids(self.find(SRV6_L3_SERVICE)?).next()?
    }

    /// The SID of an L2 service (RFC 9252 §2).
    pub fn srv6_l2(self) -> Option<Srv6Sid> {
        sids(self.find(SRV6_L2_SERVICE)?).next()?
    }

    /// The SIDs of the L3 and the L2 service, also those whose structure cannot be.
    pub(super) fn advertised(self) -> [Option<Srv6Sid>; 2] {
        [SRV6_L3_SERVICE, SRV6_L2_SERVICE].map(|kind| {
            let mut all = information(self.find(kind)?);
            all.find_map(|information| Some(read_sid(information)?.0))
        })
    }
}

impl PrefixSid<'_> {
    /// Whether there is a service, and none with a SID that can be used beside a label field of so many bits: 20 for VPN, 24 for
    /// EVPN, 0 where there is none. RFC 9252 §7: "The path having any such Prefix-SID attribute without any valid SRv6 SID
    /// information MUST be considered ineligible during the selection of the best path".
    pub fn lacks_sid(self, label_bits: u8) -> bool {
        let mut services = tlv::iter(Shape::OneTwo, self.0)
            .filter(|tlv| matches!(tlv.kind, SRV6_L3_SERVICE | SRV6_L2_SERVICE))
            .peekable();
        let usable = |service: &[u8]| {
            let mut sids = sids(service);
            sids.any(|sid| sid.is_some_and(|sid| sid.is_usable(label_bits)))
        };
        services.peek().is_some() && !services.any(|tlv| usable(tlv.value))
    }
}

/// Whether there is an L3 service, as far as can be read.
pub(crate) fn has_l3_service(value: &[u8]) -> bool {
    PrefixSid(value).find(SRV6_L3_SERVICE).is_some()
}

fn blocks(value: &[u8]) -> impl Iterator<Item = (u32, u32)> + use<'_> {
    let blocks = value.get(2..).unwrap_or(&[]).as_chunks::<6>().0;
    blocks.iter().map(|[a, b, c, d, e, f]| {
        (
            u32::from_be_bytes([0, *a, *b, *c]),
            u32::from_be_bytes([0, *d, *e, *f]),
        )
    })
}

/// The SID Information sub-TLVs of a service.
fn information(service: &[u8]) -> impl Iterator<Item = &[u8]> {
    let sub_tlvs = service.get(1..).unwrap_or(&[]);
    tlv::iter(Shape::OneTwo, sub_tlvs)
        .filter(|tlv| tlv.kind == SID_INFORMATION)
        .map(|tlv| tlv.value)
}

/// The SIDs of a service; `None` for one whose structure cannot be.
fn sids(service: &[u8]) -> impl Iterator<Item = Option<Srv6Sid>> {
    let valid = |(sid, valid): (Srv6Sid, bool)| valid.then_some(sid);
    information(service).map(move |information| read_sid(information).and_then(valid))
}

/// A SID, and whether its structure can be.
fn read_sid(information: &[u8]) -> Option<(Srv6Sid, bool)> {
    let (fixed, rest) = information.split_first_chunk::<SID_FIXED>()?;
    let [_, sid @ .., _flags, high, low, _] = fixed;
    let tlv = tlv::iter(Shape::OneTwo, rest).find(|tlv| tlv.kind == SID_STRUCTURE);
    let six = tlv.and_then(|tlv| tlv.value.as_array());
    let structure = six.map(|six| SidStructure::from_bytes(*six));
    let valid = tlv.is_none() || structure.is_some_and(SidStructure::is_valid);
    let sid = Srv6Sid {
        sid: (*sid).into(),
        behavior: u16::from_be_bytes([*high, *low]),
        structure,
    };
    Some((sid, valid))
}

/// Appends a service with one SID.
fn write_service(kind: u16, sid: Srv6Sid, out: &mut Vec<u8>) {
    let structure: &[u8] = match sid.structure {
        Some(structure) => &[&[1, 0, 6][..], &structure.to_bytes()].concat(),
        None => &[],
    };
    let inner = u16::try_from(SID_FIXED + structure.len()).unwrap_or(0);
    out.push(u8::try_from(kind).unwrap_or(0));
    out.extend_from_slice(&(inner + 4).to_be_bytes());
    out.extend_from_slice(&[0, 1]);
    out.extend_from_slice(&inner.to_be_bytes());
    out.push(0);
    out.extend_from_slice(&sid.sid.octets());
    out.push(0);
    out.extend_from_slice(&sid.behavior.to_be_bytes());
    out.push(0);
    out.extend_from_slice(structure);
}

/// Appends the TLVs of `old` with another L3 or L2 service, or without one.
pub(super) fn replace_service(old: &[u8], l3: bool, sid: Option<Srv6Sid>, out: &mut Vec<u8>) {
    let kind = if l3 { SRV6_L3_SERVICE } else { SRV6_L2_SERVICE };
    for tlv in tlv::iter(Shape::OneTwo, old).filter(|tlv| tlv.kind != kind) {
        out.extend_from_slice(tlv.whole);
    }
    if let Some(sid) = sid {
        write_service(kind, sid, out);
    }
}

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    let worst = severest(Disposition::AttributeDiscard, |note| faults(value, note));
    if let Some(error) = worst.filter(|error| !error.is_harmless()) {
        return Err(error);
    }
    let mut seen = 0u8;
    for tlv in tlv::iter(Shape::OneTwo, value) {
        if is_first(tlv.kind, &mut seen) {
            out.extend_from_slice(tlv.whole);
        }
    }
    worst.map_or(Ok(()), Err)
}

pub(crate) fn each_fault<'a>(value: Input<'a>, _: &SessionContext, all: &mut Faults<'a>) {
    faults(value, &mut |fault| all.add(fault));
}

/// The first thing that makes a value malformed.
pub(super) fn fault(value: &[u8]) -> Option<Malformed<'_>> {
    let mut first = None;
    faults(value, &mut |fault| {
        if first.is_none() && !fault.is_harmless() {
            first = Some(fault);
        }
    });
    first
}

/// RFC 8669 §6: "if a recognized TLV appears more than once in a BGP Prefix-SID attribute while the
/// specification only allows for a single occurrence, then all the occurrences of the TLV other than
/// the first one SHALL be discarded". RFC 9252 §7 allows for one service of each kind.
fn is_first(kind: u16, seen: &mut u8) -> bool {
    let bit = match kind {
        LABEL_INDEX | ORIGINATOR_SRGB | SRV6_L3_SERVICE | SRV6_L2_SERVICE => 1u8 << kind,
        _ => 0,
    };
    let first = *seen & bit == 0;
    *seen |= bit;
    first
}

/// Says all that is wrong.
fn faults<'a>(value: Input<'a>, note: &mut dyn FnMut(Malformed<'a>)) {
    if value.is_empty() {
        note(Malformed::new(value, "BGP Prefix-SID", Reason::Length(0)));
    }
    let mut seen = 0u8;
    let framing = tlv::each(Shape::OneTwo, "Prefix-SID TLV", value, |tlv| {
        check(tlv, note);
        if !is_first(tlv.kind, &mut seen) {
            let again = Malformed::new(tlv.whole, field(tlv.kind), Reason::Duplicate);
            note(again.asking(Disposition::None));
        }
        Ok(())
    });
    if let Err(cut) = framing {
        // RFC 9252 §7: a service that is longer than the attribute is malformed as a service.
        note(match cut.at.first() {
            Some(5 | 6) => cut.asking(Disposition::TreatAsWithdraw),
            _ => cut,
        });
    }
}

fn field(kind: u16) -> &'static str {
    match kind {
        LABEL_INDEX => "Label-Index TLV",
        ORIGINATOR_SRGB => "Originator SRGB TLV",
        SRV6_L3_SERVICE | SRV6_L2_SERVICE => "SRv6 Service TLV",
        _ => "Prefix-SID TLV",
    }
}

fn check<'a>(tlv: Tlv<'a>, note: &mut dyn FnMut(Malformed<'a>)) {
    let length = tlv.value.len();
    let bad = Malformed::new(tlv.whole, field(tlv.kind), Reason::Length(length));
    match tlv.kind {
        // RFC 8669 §3.1: "7, the total length in octets of the value portion of the TLV".
        LABEL_INDEX if length != 7 => note(bad),
        // RFC 8669 §3.2: two octets of flags, and one or more blocks of six.
        ORIGINATOR_SRGB if length < 8 || length % 6 != 2 => note(bad),
        SRV6_L3_SERVICE | SRV6_L2_SERVICE => check_service(tlv, note),
        _ => {}
    }
}

/// RFC 9252 §7 for services that are malformed. What the values mean makes no TLV malformed, and is
/// said all the same.
fn check_service<'a>(service: Tlv<'a>, note: &mut dyn FnMut(Malformed<'a>)) {
    let withdraw = |error: Malformed<'a>| error.asking(Disposition::TreatAsWithdraw);
    let Some((_reserved, sub_tlvs)) = service.value.split_first() else {
        let none = Malformed::new(service.whole, field(service.kind), Reason::Length(0));
        note(withdraw(none));
        return;
    };
    let framing = tlv::each(Shape::OneTwo, "SRv6 Service Sub-TLV", sub_tlvs, |tlv| {
        if tlv.kind != SID_INFORMATION {
            return Ok(());
        }
        let Some((_, rest)) = tlv.value.split_at_checked(SID_FIXED) else {
            let length = Reason::Length(tlv.value.len());
            let short = Malformed::new(tlv.whole, "SRv6 SID Information Sub-TLV", length);
            note(withdraw(short));
            return Ok(());
        };
        let inner = "SRv6 Service Data Sub-Sub-TLV";
        let framing = tlv::each(Shape::OneTwo, inner, rest, |tlv| {
            if let Some(reason) = structure_fault(tlv) {
                let wrong = Malformed::new(tlv.whole, "SRv6 SID Structure Sub-Sub-TLV", reason);
                note(wrong.asking(Disposition::None));
            }
            Ok(())
        });
        framing.map_err(withdraw).unwrap_or_else(&mut *note);
        Ok(())
    });
    framing.map_err(withdraw).unwrap_or_else(note);
}

/// What keeps a SID Structure Sub-Sub-TLV from being one (RFC 9252 §3.2.1).
fn structure_fault(tlv: Tlv<'_>) -> Option<Reason> {
    if tlv.kind != SID_STRUCTURE {
        return None;
    }
    match tlv.value.as_array() {
        Some(six) => SidStructure::from_bytes(*six).fault().map(Reason::Text),
        None => Some(Reason::Length(tlv.value.len())),
    }
}

fn type_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        LABEL_INDEX => "Label-Index",
        2 | 4 => "Deprecated",
        ORIGINATOR_SRGB => "Originator SRGB",
        SRV6_L3_SERVICE => "SRv6 L3 Service",
        SRV6_L2_SERVICE => "SRv6 L2 Service",
        _ => return None,
    })
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut fields = Fields::new();
    describe(value, &mut fields);
    f.write_str("prefix-sid ")?;
    layout::show(&fields, f)
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    let tlvs = tlv::iter(Shape::OneTwo, value).map(|tlv| {
        Node::fields(|fields| {
            fields.named("type", tlv.kind, type_name(tlv.kind));
            describe_tlv(tlv, fields);
        })
    });
    fields.list("tlvs", tlvs);
}

fn describe_tlv(tlv: Tlv<'_>, fields: &mut Fields) {
    const INDEX: &[Field] = &[
        Field::Reserved(1),
        Field::Number("flags", 2),
        Field::Number("label_index", 4),
    ];
    match (tlv.kind, tlv.value) {
        (LABEL_INDEX, value) => layout::describe_all(INDEX, value, fields),
        (ORIGINATOR_SRGB, value) => {
            layout::describe(&[Field::Number("flags", 2)], value, fields);
            let blocks = blocks(value).map(|(first, size)| {
                Node::fields(|fields| {
                    fields.number("base", first);
                    fields.number("range", size);
                })
            });
            fields.list("srgb", blocks);
        }
        (SRV6_L3_SERVICE | SRV6_L2_SERVICE, [_, sub_tlvs @ ..]) => {
            let sub_tlvs = tlv::iter(Shape::OneTwo, sub_tlvs)
                .map(|tlv| Node::fields(|fields| describe_sid(tlv, fields)));
            fields.list("sub_tlvs", sub_tlvs);
        }
        (_, value) => fields.octets("value", value),
    }
}

fn describe_sid(tlv: Tlv<'_>, fields: &mut Fields) {
    let information = tlv.kind == SID_INFORMATION;
    fields.named(
        "type",
        tlv.kind,
        information.then_some("SRv6 SID Information"),
    );
    if !information {
        fields.octets("value", tlv.value);
        return;
    }
    const FIXED: &[Field] = &[
        Field::Reserved(1),
        Field::Ipv6("sid"),
        Field::Number("flags", 1),
        Field::Named("endpoint_behavior", 2, |number| {
            behavior_name(u16::try_from(number).ok()?)
        }),
        Field::Reserved(1),
    ];
    const STRUCTURE: &[Field] = &[
        Field::Number("locator_block_length", 1),
        Field::Number("locator_node_length", 1),
        Field::Number("function_length", 1),
        Field::Number("argument_length", 1),
        Field::Number("transposition_length", 1),
        Field::Number("transposition_offset", 1),
    ];
    let rest = layout::describe(FIXED, tlv.value, fields);
    let inner = tlv::iter(Shape::OneTwo, rest).map(|tlv| {
        Node::fields(|fields| {
            let structure = tlv.kind == SID_STRUCTURE;
            fields.named("type", tlv.kind, structure.then_some("SRv6 SID Structure"));
            if structure {
                layout::describe_all(STRUCTURE, tlv.value, fields);
                if let Some(reason) = structure_fault(tlv) {
                    fields.text("invalid", reason);
                }
            } else {
                fields.octets("value", tlv.value);
            }
        })
    });
    fields.list("sub_sub_tlvs", inner);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Asn;

    fn read_it(value: &[u8]) -> Result<(), Option<Disposition>> {
        let (ctx, mut out) = (SessionContext::new(Asn(1), Asn(1)), Vec::new());
        let result = match read(value, &ctx, &mut out) {
            Err(error) if !error.is_harmless() => Err(error.asks),
            _ => Ok(()),
        };
        assert_eq!(out, if result.is_ok() { value } else { &[] });
        result
    }

    const SID: Srv6Sid = Srv6Sid {
        sid: std::net::Ipv6Addr::new(0x2001, 0xdb8, 1, 2, 0, 0, 0, 0),
        behavior: 19,
        structure: Some(crate::attribute::srv6::tests::STRUCTURE),
    };

    /// RFC 9252 §2, §3.1, §3.2.1: the octets of the figures.
    #[test]
    fn a_service_is_written_as_it_is_read() {
        let mut value = Vec::new();
        replace_service(&[], true, Some(SID), &mut value);
        let mut wanted = vec![5, 0, 34, 0, 1, 0, 30, 0];
        wanted.extend([0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
        wanted.extend([0, 0, 19, 0, 1, 0, 6, 40, 24, 16, 0, 16, 64]);
        assert_eq!(value, wanted);
        assert_eq!(read_it(&value), Ok(()));
        assert_eq!(PrefixSid(&value).srv6_l3(), Some(SID));
        assert_eq!(PrefixSid(&value).srv6_l2(), None);
        let plain = Srv6Sid {
            structure: None,
            ..SID
        };
        let mut both = Vec::new();
        replace_service(&value, false, Some(plain), &mut both);
        assert_eq!(read_it(&both), Ok(()));
        assert_eq!(PrefixSid(&both).srv6_l3(), Some(SID));
        assert_eq!(PrefixSid(&both).srv6_l2(), Some(plain));
        let mut one = Vec::new();
        replace_service(&both, false, None, &mut one);
        assert_eq!(one, value);
    }

    /// RFC 8669 §3, §6: discard. RFC 9252 §7: treat-as-withdraw for a malformed service.
    #[test]
    fn malformed_tlvs_ask_for_what_their_rfc_says() {
        let index = [1, 0, 7, 0, 0, 0, 0, 0, 0, 9];
        assert_eq!(read_it(&index), Ok(()));
        assert_eq!(PrefixSid(&index).label_index(), Some(9));
        let srgb = [3, 0, 8, 0, 0, 0, 0x3e, 0x80, 0, 0x1f, 0x40];
        assert_eq!(read_it(&srgb), Ok(()));
        let blocks: Vec<_> = PrefixSid(&srgb).originator_srgb().collect();
        assert_eq!(blocks, [(16000, 8000)]);
        assert_eq!(read_it(&[99, 0, 1, 7]), Ok(()), "unknown ones are kept");

        let mut service = Vec::new();
        write_service(5, SID, &mut service);
        let withdraw = Err(Some(Disposition::TreatAsWithdraw));
        for (value, wanted) in [
            (&[][..], Err(None)),
            (&[1], Err(None)),
            (&[1, 0, 6, 0, 0, 0, 0, 0, 0], Err(None)),
            (&index[..9], Err(None)),
            (&[3, 0, 2, 0, 0], Err(None)),
            (&[3, 0, 9, 0, 0, 0, 0, 0, 0, 0, 0, 0], Err(None)),
            (&[5, 0, 0], withdraw),
            (&[5, 0], withdraw),
            (&service[..30], withdraw),
            (&[6, 0, 4, 0, 1, 0, 0], withdraw),
            (&[6, 0, 4, 0, 1, 0, 9], withdraw),
            (&[1, 0, 1, 0, 5, 0, 0], withdraw),
            (&[5, 0, 0, 1], withdraw),
            (&[1, 0, 1, 0, 1, 0], Err(None)),
            (&[5, 0, 1, 0], Ok(())),
            (&[5, 0, 4, 0, 9, 0, 0], Ok(())),
        ] {
            assert_eq!(read_it(value), wanted, "{value:?}");
        }
        // A sub-sub-TLV that is longer than what it is in.
        let mut cut = service.clone();
        let structure = cut.len() - 7;
        cut[structure] = 7;
        assert_eq!(read_it(&cut), withdraw);
    }

    /// RFC 8669 §6, RFC 9252 §7. Unknown ones are not known to be there once alone.
    #[test]
    fn what_may_be_there_once_is_kept_once() {
        let (index, other) = (
            [1, 0, 7, 0, 0, 0, 0, 0, 0, 9],
            [1, 0, 7, 0, 0, 0, 0, 0, 0, 8],
        );
        let srgb = [3, 0, 8, 0, 0, 0, 0x3e, 0x80, 0, 0x1f, 0x40];
        let (l3, l2, unknown) = ([5, 0, 1, 0], [6, 0, 1, 0], [99, 0, 1, 7]);
        let all = [
            &index[..],
            &unknown,
            &other,
            &srgb,
            &srgb,
            &l3,
            &l2,
            &l2,
            &l3,
            &unknown,
        ];
        let kept = [&index[..], &unknown, &srgb, &l3, &l2, &unknown];
        let mut out = Vec::new();
        let ctx = SessionContext::new(Asn(1), Asn(1));
        let all = all.concat();
        let error = read(&all, &ctx, &mut out).unwrap_err();
        assert!(error.is_harmless() && error.reason == Reason::Duplicate);
        assert_eq!(out, kept.concat());
        assert!(read(&[&index[..], &[1, 0, 0]].concat(), &ctx, &mut out).is_err());
    }

    /// RFC 9252 §7, and what it calls valid: §3.2.1 for structures and arguments, §5.1 (20 bits) and §6 (24 bits) for what travels in
    /// the label field, §5.3 (nothing) where there is none.
    #[test]
    fn a_service_needs_a_sid_that_can_be_used() {
        let structure = |argument, transposition_length| {
            Some(SidStructure {
                locator_block: 32,
                locator_node: 16,
                function: 24,
                argument,
                transposition_length,
                transposition_offset: if transposition_length == 0 { 0 } else { 48 },
            })
        };
        let with = |behavior, structure| Srv6Sid {
            behavior,
            structure,
            ..SID
        };
        let end_dt4 = |length| with(19, structure(0, length));
        let nowhere = Srv6Sid {
            sid: std::net::Ipv6Addr::UNSPECIFIED,
            ..end_dt4(0)
        };
        for (name, sid, usable) in [
            ("no structure", with(19, None), &[0, 20, 24][..]),
            ("nothing transposed", end_dt4(0), &[0, 20, 24]),
            ("20 bits", end_dt4(20), &[20, 24]),
            ("21 bits", end_dt4(21), &[24]),
            ("24 bits", end_dt4(24), &[24]),
            ("25 bits", end_dt4(25), &[]),
            ("::", nowhere, &[]),
            ("End.DT4 with an argument", with(19, structure(8, 0)), &[]),
            (
                "End.DT2M with its argument (RFC 8986 §4.12)",
                with(24, structure(8, 0)),
                &[0, 20, 24],
            ),
            (
                "an argument of nobody knows what",
                with(999, structure(8, 0)),
                &[],
            ),
            (
                "an argument of what is known by name alone, End.DXM4",
                with(143, structure(8, 0)),
                &[],
            ),
            ("an argument of Opaque", with(65535, structure(8, 0)), &[]),
            (
                "Opaque without an argument",
                with(65535, structure(0, 0)),
                &[0, 20, 24],
            ),
            (
                "nobody knows what without an argument",
                with(999, structure(0, 0)),
                &[0, 20, 24],
            ),
        ] {
            for kind in [5, 6] {
                let mut value = Vec::new();
                write_service(kind, sid, &mut value);
                assert_eq!(read_it(&value), Ok(()), "{name}: malformed it is not");
                for bits in [0, 20, 24] {
                    let lacks = PrefixSid(&value).lacks_sid(bits);
                    assert_eq!(lacks, !usable.contains(&bits), "{name}, {bits}");
                }
                // Any valid one will do, in this service or the other one.
                let mut both = value.clone();
                write_service(11 - kind, with(20, None), &mut both);
                assert!(!PrefixSid(&both).lacks_sid(0), "{name}");
            }
        }
        // A service without any SID, or without one that is known; no service at all.
        assert!(PrefixSid(&[5, 0, 1, 0]).lacks_sid(20));
        assert!(PrefixSid(&[6, 0, 4, 0, 9, 0, 0]).lacks_sid(24));
        assert!(!PrefixSid(&[1, 0, 7, 0, 0, 0, 0, 0, 0, 9]).lacks_sid(0));
        assert!(!PrefixSid(&[99, 0, 0]).lacks_sid(0));
    }

    #[test]
    fn a_structure_that_cannot_be_makes_the_sid_invalid_and_no_more() {
        let mut value = Vec::new();
        let structure = SID.structure.map(|structure| SidStructure {
            argument: 200,
            ..structure
        });
        write_service(5, Srv6Sid { structure, ..SID }, &mut value);
        assert_eq!(read_it(&value), Ok(()));
        assert_eq!(PrefixSid(&value).srv6_l3(), None);
    }
}
