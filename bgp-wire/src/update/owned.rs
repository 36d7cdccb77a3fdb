//! An UPDATE that outlives its message.

use std::fmt;

use super::{MpReach, MpUnreach, Update};
use crate::Family;
use crate::attribute::AttrRef;
use crate::nlri::{HEAD, NlriBlock};

/// An [`Update`] that owns its octets: attributes and routes in one piece of memory, as decoding left
/// them. They were judged then, so that [`get`](Self::get) needs no errors and no memory.
///
/// In front are the lengths of all parts, of which each may be empty: the family whose routes are
/// complete, the set of attributes, that of MP_REACH_NLRI where it is another one, its next hop as
/// it was written, and the blocks of routes, each behind its head: withdrawn and announced in the
/// body of the message, those of MP_REACH_NLRI, those of MP_UNREACH_NLRI.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnedUpdate(Box<[u8]>);

const PARTS: usize = 8;
/// Octets of a length.
const LENGTH: usize = 4;

impl From<&Update<'_>> for OwnedUpdate {
    fn from(update: &Update<'_>) -> Self {
        let complete = update.end_of_rib.map(|Family { afi, safi }| {
            let [high, low] = afi.to_be_bytes();
            [high, low, safi]
        });
        let complete = complete.as_ref().map_or(&[][..], <[u8; 3]>::as_slice);
        let attrs = update.attrs.as_bytes();
        // Nearly always the same octets serve both, so that is all that is looked at.
        let mp_attrs = match update.mp_attrs.map(AttrRef::as_bytes) {
            Some(other) if !std::ptr::eq(other, attrs) => other,
            _ => &[],
        };
        let next_hop = update
            .reach
            .as_ref()
            .map_or(&[][..], |reach| reach.next_hop_octets);
        let body = |nlri| Some(nlri).filter(|nlri: &&NlriBlock<'_>| !nlri.bytes().is_empty());
        let blocks = [
            body(&update.withdrawn),
            body(&update.announced),
            update.reach.as_ref().map(|reach| &reach.nlri),
            update.unreach.as_ref().map(|unreach| &unreach.nlri),
        ];
        let [withdrawn, announced, reach, unreach] =
            blocks.map(|block| block.map_or(0, |block| HEAD + block.bytes().len()));
        let lengths: [usize; PARTS] = [
            complete.len(),
            attrs.len(),
            mp_attrs.len(),
            next_hop.len(),
            withdrawn,
            announced,
            reach,
            unreach,
        ];
        let size = PARTS * LENGTH + lengths.iter().sum::<usize>();
        let mut octets = Vec::with_capacity(size);
        // Each part comes from a message, and is shorter than this can say.
        let lengths = lengths.map(|length| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes());
        octets.extend_from_slice(lengths.as_flattened());
        octets.extend_from_slice(complete);
        octets.extend_from_slice(attrs);
        octets.extend_from_slice(mp_attrs);
        octets.extend_from_slice(next_hop);
        for block in blocks.into_iter().flatten() {
            octets.extend_from_slice(&block.head());
            octets.extend_from_slice(block.bytes());
        }
        Self(octets.into())
    }
}

impl OwnedUpdate {
    /// What the message said.
    pub fn get(&self) -> Update<'_> {
        let [
            complete,
            attrs,
            mp_attrs,
            next_hop,
            withdrawn,
            announced,
            reach,
            unreach,
        ] = self.parts();
        let attrs = AttrRef::from_canonical(attrs);
        let mp_attrs = match mp_attrs {
            [] => attrs,
            other => AttrRef::from_canonical(other),
        };
        let nothing = NlriBlock::empty(Family::IPV4_UNICAST);
        let reach = block(reach).map(|nlri| MpReach {
            family: nlri.family,
            next_hop: mp_attrs.next_hop(),
            next_hop_octets: next_hop,
            nlri,
        });
        Update {
            withdrawn: block(withdrawn).unwrap_or(nothing),
            announced: block(announced).unwrap_or(nothing),
            unreach: block(unreach).map(|nlri| MpUnreach {
                family: nlri.family,
                nlri,
            }),
            attrs,
            mp_attrs: reach.map(|_| mp_attrs),
            reach,
            end_of_rib: match *complete {
                [high, low, safi] => Some(Family {
                    afi: u16::from_be_bytes([high, low]),
                    safi,
                }),
                _ => None,
            },
        }
    }

    fn parts(&self) -> [&[u8]; PARTS] {
        let Some((lengths, mut rest)) = self.0.split_first_chunk::<{ PARTS * LENGTH }>() else {
            return [&[]; PARTS];
        };
        let mut lengths = lengths.as_chunks::<LENGTH>().0.iter();
        std::array::from_fn(|_| {
            let length = lengths.next().map_or(0, |four| u32::from_be_bytes(*four));
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            let (part, after) = rest.split_at_checked(length).unwrap_or((rest, &[]));
            rest = after;
            part
        })
    }
}

/// The block behind its head, if there is one.
fn block(part: &[u8]) -> Option<NlriBlock<'_>> {
    let (head, bytes) = part.split_first_chunk()?;
    Some(NlriBlock::with_head(*head, bytes))
}

impl fmt::Debug for OwnedUpdate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.get(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Asn, AttrScratch, FamilySet, NextHop, SessionContext, decode_update};

    fn context() -> SessionContext {
        SessionContext {
            families: FamilySet::supported(),
            ..SessionContext::new(Asn(65000), Asn(65001))
        }
    }

    /// RFC 4271 §4.3, RFC 4760 §3 and §4, octet by octet: two sets of attributes, which differ by their
    /// next hop, and a block of each kind, of which one holds a prefix to pass over.
    #[test]
    fn an_update_outlives_its_message() {
        let next_hop = [0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
        let attributes = [
            &[0x40, 1, 1, 0, 0x40, 2, 6, 2, 1, 0, 0, 0xfd, 0xe9][..],
            &[0x40, 3, 4, 192, 0, 2, 1],
            &[0x80, 14, 26, 0, 2, 1, 16],
            &next_hop,
            &[0, 32, 0x20, 1, 0xd, 0xb8],
            &[0x80, 15, 5, 0, 2, 1, 8, 0xfd],
        ]
        .concat();
        let length = u8::try_from(attributes.len()).unwrap();
        let body = [
            &[0, 4, 8, 10, 8, 11, 0, length],
            &attributes[..],
            &[8, 12, 4, 0xe0],
        ]
        .concat();
        let owned = {
            let (body, mut scratch) = (body.clone(), AttrScratch::new());
            let decoded = decode_update(&body, &context(), &mut scratch).unwrap();
            OwnedUpdate::from(&decoded.update)
        };
        let mut scratch = AttrScratch::new();
        let decoded = decode_update(&body, &context(), &mut scratch).unwrap();
        assert_eq!(owned.get(), decoded.update);
        let update = owned.get();
        let nets = |nets: [&str; 2]| nets.map(|net| net.parse().unwrap());
        assert!(
            update
                .withdrawn
                .iter_v4()
                .map(|(_, net)| net)
                .eq(nets(["10.0.0.0/8", "11.0.0.0/8"]))
        );
        assert_eq!((update.announced.len(), update.announced.ignored()), (1, 1));
        assert_eq!(
            update
                .unreach
                .map(|unreach| unreach.nlri.to_string())
                .as_deref(),
            Some("fd00::/8")
        );
        let reach = update.reach.unwrap();
        assert_eq!(reach.nlri.to_string(), "2001:db8::/32");
        assert_eq!(reach.next_hop, Some(NextHop::V6(next_hop.into())));
        assert_eq!(reach.next_hop_octets, next_hop);
        assert_eq!(
            update.attrs.next_hop(),
            Some(NextHop::V4([192, 0, 2, 1].into()))
        );
        assert_eq!(update.attrs.as_path().to_string(), "65001");
    }

    /// RFC 4724 §2.
    #[test]
    fn an_end_of_rib_stays_one() {
        let mut scratch = AttrScratch::new();
        for body in [&[0, 0, 0, 0][..], &[0, 0, 0, 6, 0x80, 15, 3, 0, 2, 1]] {
            let decoded = decode_update(body, &context(), &mut scratch).unwrap();
            let owned = OwnedUpdate::from(&decoded.update);
            assert!(owned.get().end_of_rib.is_some());
            assert_eq!(owned.get(), decoded.update);
        }
    }
}
