//! The routes that an UPDATE speaks of, as far as they can be read, whatever is wrong with it.
//!
//! RFC 7606 §6 wants the log to list "the NLRI involved". [`Update`](super::Update) is of little help there: it is what is left after all
//! that is wrong, and there is none where the session ends.

use std::fmt;

use super::decode::split;
use crate::attribute::{AttrCode, flags, mp_reach, mp_unreach};
use crate::nlri::{self, Form, NlriBlock};
use crate::{Family, SessionContext};

/// What the body of an UPDATE announces and withdraws; octets that are no route of their family in hexadecimal.
#[derive(Clone, Copy, Debug)]
pub struct RoutesOf<'a> {
    body: &'a [u8],
    ctx: &'a SessionContext,
}

impl<'a> RoutesOf<'a> {
    /// Of a message of this session.
    pub fn new(body: &'a [u8], ctx: &'a SessionContext) -> Self {
        Self { body, ctx }
    }
}

impl fmt::Display for RoutesOf<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((withdrawn, block, announced)) = split(self.body) else {
            return f.write_str("cannot be found");
        };
        let mut between = "";
        let mut part = |verb: &str, family, withdraws, bytes: &[u8]| {
            if bytes.is_empty() {
                return Ok(());
            }
            let form = Form::received(family, self.ctx, withdraws);
            write!(f, "{between}{verb} {family} ")?;
            between = "; ";
            match nlri::spec(family) {
                Some(spec) => NlriBlock::unexamined(spec, form, bytes).fmt(f),
                None => nlri::show_octets(bytes, f),
            }
        };
        part("withdraw", Family::IPV4_UNICAST, true, withdrawn)?;
        for (code, value) in attributes(block) {
            match code {
                AttrCode::MP_REACH_NLRI => {
                    if let Ok(parts) = mp_reach::split(value) {
                        part("announce", parts.family, false, parts.nlri)?;
                    }
                }
                AttrCode::MP_UNREACH_NLRI => {
                    if let Ok((family, bytes)) = mp_unreach::split(value) {
                        part("withdraw", family, true, bytes)?;
                    }
                }
                _ => {}
            }
        }
        part("announce", Family::IPV4_UNICAST, false, announced)?;
        if between.is_empty() {
            f.write_str("none")?;
        }
        Ok(())
    }
}

/// Codes and values, down to what cannot be cut.
fn attributes(mut block: &[u8]) -> impl Iterator<Item = (AttrCode, &[u8])> {
    std::iter::from_fn(move || {
        let ([flags, code], rest) = block.split_first_chunk()?;
        let (length, rest) = if flags & flags::EXTENDED_LENGTH != 0 {
            let (length, rest) = rest.split_first_chunk()?;
            (usize::from(u16::from_be_bytes(*length)), rest)
        } else {
            let (length, rest) = rest.split_first()?;
            (usize::from(*length), rest)
        };
        let (value, rest) = rest.split_at_checked(length)?;
        block = rest;
        Some((AttrCode(*code), value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Asn, FamilySet};

    /// RFC 4271 §4.3, RFC 4760 §3 and §4, RFC 7432 §7, octet by octet.
    #[test]
    fn routes_are_named_as_far_as_they_can_be_read() {
        let ctx = SessionContext {
            families: FamilySet::from([Family::IPV4_UNICAST]),
            ..SessionContext::new(Asn(1), Asn(2))
        };
        let text = |withdrawn: &[u8], attributes: &[u8], announced: &[u8]| {
            let length = |part: &[u8]| u16::try_from(part.len()).unwrap().to_be_bytes();
            let parts = [
                &length(withdrawn),
                withdrawn,
                &length(attributes),
                attributes,
                announced,
            ];
            RoutesOf::new(&parts.concat(), &ctx).to_string()
        };
        assert_eq!(text(&[], &[], &[]), "none");
        // A well-known attribute that nobody knows ends the session; the route is there all the same.
        assert_eq!(
            text(&[], &[0x40, 99, 0], &[8, 10]),
            "announce ipv4/unicast 10.0.0.0/8"
        );
        assert_eq!(
            text(&[8, 11], &[], &[8, 10, 33, 1, 2]),
            "withdraw ipv4/unicast 11.0.0.0/8; announce ipv4/unicast 10.0.0.0/8 0x210102"
        );
        // EVPN: type 12 is not known, type 3 is. Of a family that was not negotiated, too.
        let type_12 = [12, 2, 0xab, 0xcd];
        let type_3 = [
            &[3, 17, 0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 0][..],
            &[32, 10, 0, 0, 1],
        ]
        .concat();
        let reach = [&[0, 25, 70, 4, 192, 0, 2, 1, 0][..], &type_12, &type_3].concat();
        let reach = [&[0x80, 14, u8::try_from(reach.len()).unwrap()][..], &reach].concat();
        assert_eq!(
            text(&[], &reach, &[]),
            "announce l2vpn/evpn 0x0c02abcd [3]:[1:2]:[0]:[32]:[10.0.0.1]"
        );
        assert_eq!(
            text(&[], &[0x90, 15, 0, 5, 0, 99, 99, 1, 2], &[]),
            "withdraw afi99/safi99 0x0102"
        );
        // A length beyond the block, and lengths beyond the message.
        assert_eq!(
            text(&[], &[0x80, 14, 9, 0], &[8, 10]),
            "announce ipv4/unicast 10.0.0.0/8"
        );
        assert_eq!(
            RoutesOf::new(&[0, 9, 1], &ctx).to_string(),
            "cannot be found"
        );
    }
}
