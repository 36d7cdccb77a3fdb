//! BFD Discriminator (RFC 9026 §3.1.6): the BFD session that watches over a multicast tree.

use std::fmt;

use super::layout::put_address;
use super::tlv::{self, Shape};
use crate::SessionContext;
use crate::describe::{Fields, Node};
use crate::error::{Disposition, Reason};
use crate::faults::{Faults, read_whole};
use crate::input::{Input, Malformed};

/// The TLV with the address the BFD packets come from (RFC 9026 §3.1.6).
const SOURCE_IP_ADDRESS: u16 = 1;

/// The mode of a session of one head with many tails.
const P2MP: u8 = 1;

/// RFC 9026 §3.1.6: "The BFD Discriminator attribute MUST be considered malformed if its length is
/// smaller than 11 octets or if Optional TLVs are present but not well formed."
const SHORTEST: usize = 11;

/// Mode, discriminator and TLVs.
fn split(value: &[u8]) -> Option<(u8, u32, &[u8])> {
    let [mode, a, b, c, d, rest @ ..] = value else {
        return None;
    };
    Some((*mode, u32::from_be_bytes([*a, *b, *c, *d]), rest))
}

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
    let Some((mode, _, tlvs)) = split(value).filter(|_| value.len() >= SHORTEST) else {
        let length = Reason::Length(value.len());
        note(Malformed::new(value, "BFD Discriminator", length));
        return;
    };
    let mut has_source = false;
    let framing = tlv::each(Shape::OneOne, "BFD Discriminator TLV", tlvs, |tlv| {
        has_source |= tlv.kind == SOURCE_IP_ADDRESS;
        if tlv.kind == SOURCE_IP_ADDRESS && !matches!(tlv.value.len(), 4 | 16) {
            let length = Reason::Length(tlv.value.len());
            note(Malformed::new(tlv.whole, "Source IP Address TLV", length));
        }
        Ok(())
    });
    let is_whole = framing.is_ok();
    framing.unwrap_or_else(&mut *note);
    // RFC 9026 §3.1.6: "The Source IP Address TLV MUST be used when the value of the BFD Mode field's
    // value is P2MP BFD Session", and an attribute without it is discarded. What is cut may be what
    // seems to be missing.
    if mode == P2MP && !has_source && is_whole {
        note(Malformed::new(
            value,
            "Source IP Address TLV",
            Reason::Missing,
        ));
    }
}

/// The registry "BFD Mode" (RFC 9026 §7.2).
fn mode_name(mode: u8) -> Option<&'static str> {
    (mode == P2MP).then_some("P2MP BFD Session")
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match split(value) {
        Some((mode, discriminator, _)) => {
            write!(f, "bfd-discriminator mode {mode} {discriminator}")
        }
        None => Ok(()),
    }
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    let Some((mode, discriminator, tlvs)) = split(value) else {
        return;
    };
    fields.named("mode", mode, mode_name(mode));
    fields.number("discriminator", discriminator);
    let tlvs = tlv::iter(Shape::OneOne, tlvs).map(|tlv| {
        Node::fields(|fields| {
            let source = tlv.kind == SOURCE_IP_ADDRESS;
            fields.named("type", tlv.kind, source.then_some("Source IP Address"));
            if source {
                put_address("address", tlv.value, fields);
            } else {
                fields.octets("value", tlv.value);
            }
        })
    });
    fields.list("tlvs", tlvs);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Asn;

    /// RFC 9026 §3.1.6.
    #[test]
    fn eleven_octets_are_needed_and_addresses_have_their_length() {
        for (value, good) in [
            (&[1, 0, 0, 0, 7, 1, 4, 192, 0, 2, 1][..], true),
            (&[2, 0, 0, 0, 7, 9, 0, 9, 2, 0, 0], true),
            (&[1, 0, 0, 0, 7, 9, 0, 9, 2, 0, 0], false),
            (&[], false),
            (&[1, 0, 0, 0, 7], false),
            (&[1, 0, 0, 0, 7, 9, 3, 0, 0, 0], false),
            (&[1, 0, 0, 0, 7, 9, 3, 0, 0, 0, 1], false),
            (&[1, 0, 0, 0, 7, 1, 5, 192, 0, 2, 1], false),
            (&[1, 0, 0, 0, 7, 1, 5, 192, 0, 2, 1, 1], false),
            (&[1, 0, 0, 0, 7, 1, 3, 192, 0, 2, 9, 0], false),
        ] {
            let mut out = Vec::new();
            let ctx = SessionContext::new(Asn(1), Asn(2));
            assert_eq!(read(value, &ctx, &mut out).is_ok(), good, "{value:?}");
            assert_eq!(out, if good { value } else { &[] });
        }
        let mut fields = Fields::new();
        describe(&[1, 0, 0, 0, 7, 1, 4, 192, 0, 2, 1], &mut fields);
        assert_eq!(
            fields.get("mode"),
            Some(&Node::Named(1, Some("P2MP BFD Session")))
        );
        assert_eq!(fields.get("discriminator"), Some(&Node::Number(7)));
    }
}
