//! An UPDATE as a speaker that has taken it would send it on.
//!
//! [`encode_update`](super::encode_update) writes what a message holds; this writes what it means.
//! Routes that are passed over are not in a table, so they are not sent; those that are have no bits
//! beyond their length, and no label when they are withdrawn (RFC 8277 §2.4). Attributes without
//! routes are nothing to send.

use bytes::BytesMut;

use super::Update;
use super::encode::{Encoding, framed};
use crate::attribute::AttrRef;
use crate::error::EncodeError;
use crate::nlri::{self, NlriBlock};

/// Appends one UPDATE with the routes of `update` that may be used. Nothing is appended on error;
/// [`EncodeError::Empty`] if there are none.
pub fn encode_sent(
    out: &mut BytesMut,
    update: &Update<'_>,
    enc: &Encoding,
) -> Result<(), EncodeError> {
    let mut sent = *update;
    for block in [&mut sent.withdrawn, &mut sent.announced] {
        if block.is_empty() {
            *block = NlriBlock::empty(block.family);
        }
    }
    sent.reach = sent.reach.filter(|reach| !reach.nlri.is_empty());
    // Without routes it would be an End-of-RIB (RFC 4724 §2).
    sent.unreach = sent
        .unreach
        .filter(|unreach| !unreach.nlri.is_empty() || sent.end_of_rib.is_some());
    if sent.announced.is_empty() && sent.reach.is_none() {
        sent.attrs = AttrRef::default();
        sent.mp_attrs = None;
        if sent.withdrawn.is_empty() && sent.unreach.is_none() && sent.end_of_rib.is_none() {
            return Err(EncodeError::Empty);
        }
    }
    framed(out, &sent, enc, &|block, withdraw, out| {
        if let Some(spec) = nlri::spec(block.family) {
            (spec.write)(block, withdraw, out);
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Asn, AttrScratch, FamilySet, SessionContext, decode_update};

    const ATTRIBUTES: &[u8] = &[
        0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9, 0x40, 3, 4, 192, 0, 2, 1,
    ];
    const RD: [u8; 8] = [0, 0, 0xfd, 0xe8, 0, 0, 0, 100];

    fn body(attributes: &[&[u8]], nlri: &[u8]) -> Vec<u8> {
        let attributes = attributes.concat();
        let length = u16::try_from(attributes.len()).unwrap().to_be_bytes();
        [&[0, 0], &length[..], &attributes, nlri].concat()
    }

    fn mp(code: u8, head: &[u8], nlri: &[u8]) -> Vec<u8> {
        let length = u8::try_from(head.len() + nlri.len()).unwrap();
        [&[0x80, code, length], head, nlri].concat()
    }

    /// The body of what is sent for a body.
    fn sent(body: &[u8]) -> Option<Vec<u8>> {
        let mut ctx = SessionContext::new(Asn(65000), Asn(65001));
        ctx.families = FamilySet::supported();
        ctx.label_stacks = FamilySet::from([crate::Family::IPV4_LABELED]);
        let (mut scratch, mut out) = (AttrScratch::new(), BytesMut::new());
        let decoded = decode_update(body, &ctx, &mut scratch).unwrap();
        match encode_sent(&mut out, &decoded.update, &Encoding::default()) {
            Ok(()) => Some(out[19..].to_vec()),
            Err(error) => {
                assert_eq!(error, EncodeError::Empty);
                assert!(out.is_empty());
                None
            }
        }
    }

    /// RFC 4271 §6.3 ("the prefix SHOULD be ignored"), RFC 7432 §7 with RFC 7606 §5.4 (an unknown
    /// route type), RFC 4760 §8 (a family that was not negotiated): none of it is in a table.
    #[test]
    fn routes_that_are_passed_over_are_not_sent() {
        let multicast = [4, 0xe0];
        let both = [&multicast[..], &[8, 10]].concat();
        assert_eq!(
            sent(&body(&[ATTRIBUTES], &both)),
            Some(body(&[ATTRIBUTES], &[8, 10]))
        );
        assert_eq!(sent(&body(&[ATTRIBUTES], &multicast)), None);
        let evpn =
            |code, head: &[u8]| body(&[&mp(code, head, &[20, 1, 0]), &ATTRIBUTES[..13]], &[]);
        assert_eq!(sent(&evpn(14, &[0, 25, 70, 4, 192, 0, 2, 1, 0])), None);
        assert_eq!(sent(&evpn(15, &[0, 25, 70])), None);
        let unknown = mp(14, &[0, 7, 7, 4, 1, 2, 3, 4, 0], b"abc");
        assert_eq!(sent(&body(&[&unknown, &ATTRIBUTES[..13]], &[])), None);
        assert_eq!(sent(&body(&[ATTRIBUTES], &[])), None);
        let end = body(&[&[0x80, 15, 3, 0, 2, 1]], &[]);
        assert_eq!(sent(&end), Some(end.clone()));
    }

    /// RFC 4271 §4.3: "the value of trailing bits is irrelevant".
    #[test]
    fn bits_beyond_the_length_are_cleared() {
        assert_eq!(
            sent(&body(&[ATTRIBUTES], &[4, 0x1f, 8, 10])),
            Some(body(&[ATTRIBUTES], &[4, 0x10, 8, 10]))
        );
        let hop = [&[0, 1, 128, 12][..], &[0; 8], &[192, 0, 2, 1, 0]].concat();
        let vpn = |octet| {
            let nlri = [&[92, 0, 6, 0x41][..], &RD, &[octet]].concat();
            body(&[&mp(14, &hop, &nlri), &ATTRIBUTES[..13]], &[])
        };
        assert_eq!(sent(&vpn(0x1f)), Some(vpn(0x10)));
    }

    /// RFC 8277 §2.3: every label of a stack is kept; §2.4: a withdrawal has one, "SHOULD be set to
    /// 0x800000".
    #[test]
    fn labels_are_kept_and_in_a_withdrawal_there_is_none() {
        let stack = [56, 0, 6, 0x40, 0, 0x0c, 0x81, 10];
        let announced = mp(14, &[0, 1, 4, 4, 192, 0, 2, 1, 0], &stack);
        let announced = body(&[&announced, &ATTRIBUTES[..13]], &[]);
        assert_eq!(sent(&announced), Some(announced.clone()));
        let withdrawn = |label: [u8; 3]| {
            let nlri = [&[96][..], &label, &RD, &[10]].concat();
            body(&[&mp(15, &[0, 1, 128], &nlri)], &[])
        };
        assert_eq!(
            sent(&withdrawn([0, 6, 0x41])),
            Some(withdrawn([0x80, 0, 0]))
        );
    }
}
