//! The BGP-LS Attribute (RFC 9552 §5.3): what an IGP knows of a node, a link or a prefix.
//!
//! `kinds` is the table of TLVs. What is not in it is kept and shown as it is.

mod kinds;

use std::fmt;

use self::kinds::{Inner, kind};
use super::layout;
use super::tlv::{self, Shape, Tlv};
use crate::SessionContext;
use crate::describe::{Fields, Node};
use crate::error::{Disposition, Reason};
use crate::faults::{Faults, read_whole};
use crate::input::{Input, Malformed};

/// How deep TLVs in TLVs are looked into.
const DEPTH: usize = 4;

pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    read_whole(value, Disposition::AttributeDiscard, faults, out)
}

pub(crate) fn each_fault<'a>(value: Input<'a>, _: &SessionContext, all: &mut Faults<'a>) {
    faults(value, &mut |fault| all.add(fault));
}

/// Says all that is wrong.
fn faults<'a>(value: Input<'a>, note: &mut dyn FnMut(Malformed<'a>)) {
    if value.is_empty() {
        note(Malformed::new(value, "BGP-LS Attribute", Reason::Length(0)));
    }
    check(value, DEPTH, note);
}

/// RFC 9552 §8.2.2: the TLVs have to fill the attribute, and those inside of a TLV that is known have
/// to fill that. Whether "the length of a fixed-length TLV is correct", and what it says, is for the
/// consumer to judge: "the BGP-LS Propagator MUST NOT perform semantic validation".
fn check<'a>(tlvs: Input<'a>, depth: usize, note: &mut dyn FnMut(Malformed<'a>)) {
    let framing = tlv::each(Shape::TwoTwo, "BGP-LS Attribute TLV", tlvs, |tlv| {
        let inner = kind(tlv.kind).and_then(|kind| inner_tlvs(kind, tlv.value));
        if let Some(inner) = inner.filter(|_| depth > 1) {
            check(inner, depth - 1, note);
        }
        Ok(())
    });
    framing.unwrap_or_else(note);
}

/// The TLVs in a TLV that has them, behind its own fields.
fn inner_tlvs<'a>(kind: &kinds::Kind, value: &'a [u8]) -> Option<&'a [u8]> {
    let (rest, fixed) = layout::after_fixed(kind.layout, value)?;
    (fixed && matches!(kind.inner, Inner::Tlvs)).then_some(rest)
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut fields = Fields::new();
    describe(value, &mut fields);
    f.write_str("link-state ")?;
    layout::show(&fields, f)
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    fields.list("tlvs", describe_tlvs(value, DEPTH));
}

fn describe_tlvs(value: &[u8], depth: usize) -> impl Iterator<Item = Node> {
    tlv::iter(Shape::TwoTwo, value).map(move |tlv| describe_tlv(tlv, depth))
}

fn describe_tlv(tlv: Tlv<'_>, depth: usize) -> Node {
    let kind = kind(tlv.kind);
    Node::fields(|fields| {
        fields.named("type", tlv.kind, kind.map(|kind| kind.name));
        let Some(kind) = kind else {
            fields.octets("value", tlv.value);
            return;
        };
        let rest = layout::describe(kind.layout, tlv.value, fields);
        if rest.is_empty() {
            return;
        }
        match (kind.inner, inner_tlvs(kind, tlv.value)) {
            (_, Some(inner)) if depth > 1 => {
                fields.list("sub_tlvs", describe_tlvs(inner, depth - 1));
            }
            (Inner::Ranges, _) => fields.list("ranges", ranges(rest)),
            _ => fields.octets("rest", rest),
        }
    })
}

/// RFC 9085 §2.1.2: the size of each range, and a SID/Label TLV with its first.
fn ranges(octets: &[u8]) -> impl Iterator<Item = Node> {
    let mut rest = octets;
    std::iter::from_fn(move || {
        let ([a, b, c], after) = rest.split_first_chunk()?;
        let first = tlv::iter(Shape::TwoTwo, after).next()?;
        rest = after.get(first.whole.len()..)?;
        Some(Node::fields(|fields| {
            fields.number("range", u32::from_be_bytes([0, *a, *b, *c]));
            layout::describe(&[layout::Field::Sid("first")], first.value, fields);
        }))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Asn;

    fn described(value: &[u8]) -> String {
        fmt::from_fn(|f| show(value, f)).to_string()
    }

    /// RFC 9552 §8.2.2.
    #[test]
    fn tlvs_have_to_fill_the_attribute() {
        let ctx = SessionContext::new(Asn(1), Asn(2));
        let value = [4, 2, 0, 2, b'r', b'1', 0xff, 0xfe, 0, 1, 7];
        for (length, good) in [
            (11, true),
            (10, false),
            (6, true),
            (5, false),
            (3, false),
            (0, false),
        ] {
            let mut out = Vec::new();
            let value = &value[..length];
            assert_eq!(read(value, &ctx, &mut out).is_ok(), good, "{length}");
            assert_eq!(out, if good { value } else { &[] });
        }
    }

    /// RFC 9552 §8.2.2, RFC 9514 §4.
    #[test]
    fn what_a_tlv_holds_is_for_the_consumer_to_judge() {
        let ctx = SessionContext::new(Asn(1), Asn(2));
        for (value, good) in [
            // IPv4 Router-ID of Local Node, Node Flag Bits, Node Name.
            (&[4, 4, 0, 4, 1, 1, 1, 1][..], true),
            (&[4, 4, 0, 3, 1, 1, 1], true),
            (&[4, 4, 0, 5, 1, 1, 1, 1, 1], true),
            (&[4, 0, 0, 1, 0x80], true),
            (&[4, 0, 0, 0], true),
            (&[4, 2, 0, 0], true),
            // SRv6 Locator, and a TLV in it that is cut short.
            (&[4, 0x8a, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0], true),
            (&[4, 0x8a, 0, 7, 0, 0, 0, 0, 0, 0, 0], true),
            (&[4, 0x8a, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9], false),
            (&[4, 0x8a, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9, 0, 0], true),
        ] {
            assert_eq!(
                read(value, &ctx, &mut Vec::new()).is_ok(),
                good,
                "{value:?}"
            );
        }
    }

    /// RFC 9552 §5.3, RFC 9085 §2, RFC 9514 §4, §7.
    #[test]
    fn tlvs_are_described_by_name() {
        for (value, text) in [
            (
                &[4, 2, 0, 2, b'r', b'1', 0xff, 0xfe, 0, 1, 7][..],
                "link-state tlvs [{type Node Name, name r1}, {type 65534, value 0x07}]",
            ),
            (
                &[4, 0x41, 0, 4, 0x4c, 0xee, 0x6b, 0x28],
                "link-state tlvs [{type Maximum Link Bandwidth, octets_per_second 125000000}]",
            ),
            (
                &[
                    4, 0x0a, 0, 12, 0x80, 0, 0, 0x1f, 0x40, 4, 0x89, 0, 3, 0, 0x3e, 0x80,
                ],
                "link-state tlvs [{type SR Capabilities, mpls_ipv4, ranges [{range 8000, first 16000}]}]",
            ),
            (
                &[4, 0x86, 0, 8, 0, 0, 0, 0, 0, 0, 0, 9],
                "link-state tlvs [{type Prefix-SID, flags 0, algorithm 0, sid 9}]",
            ),
            (
                &[
                    4, 0x52, 0, 30, 0, 6, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0,
                    0, 0, 0, 1, 4, 0xe4, 0, 4, 40, 24, 16, 0,
                ],
                "link-state tlvs [{type SRv6 End.X SID, endpoint_behavior End.X with PSP, flags 0, \
                 algorithm 0, weight 0, sid 2001:db8::1, sub_tlvs [{type SRv6 SID Structure, \
                 locator_block_length 40, locator_node_length 24, function_length 16, argument_length 0}]}]",
            ),
        ] {
            assert_eq!(described(value), text);
        }
    }

    #[test]
    fn tlvs_in_tlvs_are_bounded() {
        let mut value = vec![];
        while value.len() < 60_000 {
            let length = u16::try_from(value.len() + 8).unwrap().to_be_bytes();
            value = [
                &[4, 0x8a, length[0], length[1], 0, 0, 0, 0, 0, 0, 0, 0][..],
                &value,
            ]
            .concat();
        }
        assert_eq!(described(&value).matches("SRv6 Locator").count(), DEPTH);
    }
}
