//! A route of a table as the UPDATE that would announce it, so that it is judged as one.

use std::net::IpAddr;

use bgp_capture::mrt::{Entry, Rib, TableDump};
use bgp_wire::{AttrCode, Family, Fields, attribute::flags, frame};
use bytes::{BufMut, BytesMut};

use crate::cli::decode::judgement::Fault;

/// Octets before the path attributes: the header and two lengths.
const BEFORE: usize = frame::HEADER_LEN + 4;

/// The UPDATE.
#[derive(Debug)]
pub(super) struct AsUpdate {
    /// Without the route, if there is no next hop for it.
    pub(super) message: Vec<u8>,
    /// What is wrong with the entry beside its attributes.
    pub(super) faults: Vec<Fault>,
    /// The route, where it is not in the message.
    pub(super) fields: Fields,
    /// Its NLRI have a path identifier.
    pub(super) add_path: bool,
    /// It came from the own AS, as LOCAL_PREF tells: the collector's AS is not in the file.
    pub(super) internal: bool,
    /// Where the short MP_REACH_NLRI was in the attributes, and how long. The whole one is behind the others.
    moved: Option<(usize, usize)>,
    attributes: usize,
}

impl AsUpdate {
    /// An offset in the message as one in the attributes of the record.
    pub(super) fn place(&self, offset: usize) -> usize {
        let offset = offset.saturating_sub(BEFORE);
        match self.moved {
            Some((at, length)) if offset >= self.attributes - length => at,
            Some((at, length)) if offset >= at => offset + length,
            _ => offset.min(self.attributes),
        }
    }
}

/// A route of a collector that has so many peers.
pub(super) fn of_entry(rib: &Rib<'_>, entry: &Entry<'_>, peers: usize) -> AsUpdate {
    let mut nlri = Vec::with_capacity(rib.nlri.len() + 4);
    if let Some(id) = entry.path_id {
        nlri.put_u32(id);
    }
    nlri.put_slice(rib.nlri);
    let mut update = build(rib.family, &nlri, entry.path_id.is_some(), entry.attributes);
    // RFC 6396 §4.3.4: "an index into the PEER_INDEX_TABLE".
    if usize::from(entry.peer) >= peers {
        let reason = format!("is {}, of a PEER_INDEX_TABLE of {peers}", entry.peer);
        let unknown = Fault::unanswered(0, "Peer Index", reason);
        update.faults.push(unknown);
    }
    update
}

pub(super) fn of_dump(dump: &TableDump<'_>) -> AsUpdate {
    let mut nlri = vec![dump.bits];
    let octets = usize::from(dump.bits.div_ceil(8));
    let family = match dump.prefix {
        IpAddr::V4(address) => {
            nlri.extend(address.octets().iter().take(octets));
            Family::IPV4_UNICAST
        }
        IpAddr::V6(address) => {
            nlri.extend(address.octets().iter().take(octets));
            Family::IPV6_UNICAST
        }
    };
    build(family, &nlri, false, dump.attributes)
}

/// RFC 6396 §4.3.4: of MP_REACH_NLRI only the next hop is there. The family is that of the record, and
/// where a route of IPv4 has NEXT_HOP instead, as those of unicast and multicast do, that is its next hop.
fn build(family: Family, nlri: &[u8], add_path: bool, attributes: &[u8]) -> AsUpdate {
    let found = look(attributes);
    let moved = found.reach.map(|reach| (reach.at, reach.length));
    let mut block = BytesMut::with_capacity(attributes.len() + nlri.len() + 16);
    match moved {
        Some((at, length)) => {
            block.put_slice(attributes.get(..at).unwrap_or(attributes));
            block.put_slice(attributes.get(at + length..).unwrap_or(&[]));
        }
        None => block.put_slice(attributes),
    }
    let in_body = found.reach.is_none() && family == Family::IPV4_UNICAST;
    let next_hop = match found.reach {
        Some(reach) => Some(reach.next_hop),
        None if family == Family::IPV4_MULTICAST => found.next_hop,
        // RFC 8955 §4: flow specifications have none.
        None if matches!(family.safi, 133 | 134) => Some(&[][..]),
        None => None,
    };
    let (mut faults, mut fields) = (Vec::new(), Fields::new());
    if let Some(next_hop) = next_hop {
        put_reach(&mut block, family, next_hop, nlri);
    } else if !in_body {
        let mut missing = Fault::unanswered(0, "MP_REACH_NLRI", "is missing".to_owned());
        missing.attribute = Some(AttrCode::MP_REACH_NLRI);
        faults.push(missing);
        fields.text("family", family);
        fields.octets("nlri", nlri);
    }
    let body_nlri = if in_body { nlri } else { &[] };
    let mut message = BytesMut::with_capacity(BEFORE + block.len() + nlri.len());
    message.put_slice(&[0xff; 16]);
    // What does not fit is refused when it is read.
    let length = BEFORE + block.len() + body_nlri.len();
    message.put_u16(u16::try_from(length).unwrap_or(u16::MAX));
    message.put_u8(bgp_wire::MessageType::Update.code());
    message.put_u16(0);
    message.put_u16(u16::try_from(block.len()).unwrap_or(u16::MAX));
    message.put_slice(&block);
    message.put_slice(body_nlri);
    AsUpdate {
        message: message.to_vec(),
        faults,
        fields,
        add_path,
        internal: found.local_pref,
        moved,
        attributes: attributes.len(),
    }
}

fn put_reach(block: &mut BytesMut, family: Family, next_hop: &[u8], nlri: &[u8]) {
    let length = 5 + next_hop.len() + nlri.len();
    block.put_slice(&[
        flags::OPTIONAL | flags::EXTENDED_LENGTH,
        AttrCode::MP_REACH_NLRI.0,
    ]);
    block.put_u16(u16::try_from(length).unwrap_or(u16::MAX));
    block.put_u16(family.afi);
    block.put_u8(family.safi);
    block.put_u8(u8::try_from(next_hop.len()).unwrap_or(u8::MAX));
    block.put_slice(next_hop);
    block.put_u8(0);
    block.put_slice(nlri);
}

/// MP_REACH_NLRI in a dump.
#[derive(Clone, Copy)]
struct Reach<'a> {
    at: usize,
    length: usize,
    next_hop: &'a [u8],
}

/// What a route of a table is built by. Of an attribute that is there again the first counts (RFC 7606
/// §3 g).
#[derive(Default)]
struct Found<'a> {
    reach: Option<Reach<'a>>,
    next_hop: Option<&'a [u8]>,
    local_pref: bool,
}

fn look(attributes: &[u8]) -> Found<'_> {
    let mut found = Found::default();
    let mut rest = attributes;
    while let Some((code, value, after)) = first(rest) {
        match code {
            AttrCode::MP_REACH_NLRI if found.reach.is_none() => {
                let next_hop = match value {
                    // The whole attribute, as some collectors write it: its AFI begins with a zero, which
                    // is no length of a next hop.
                    [0, _, _, length, next_hop @ ..] => next_hop.get(..usize::from(*length)),
                    [length, next_hop @ ..] => next_hop.get(..usize::from(*length)),
                    [] => None,
                };
                found.reach = next_hop.map(|next_hop| Reach {
                    at: attributes.len() - rest.len(),
                    length: rest.len() - after.len(),
                    next_hop,
                });
            }
            AttrCode::NEXT_HOP if found.next_hop.is_none() => found.next_hop = Some(value),
            AttrCode::LOCAL_PREF => found.local_pref = true,
            _ => {}
        }
        rest = after;
    }
    found
}

/// Code and value of the first attribute, and what follows it.
fn first(rest: &[u8]) -> Option<(AttrCode, &[u8], &[u8])> {
    let (code, length, rest) = match rest {
        [flags, code, high, low, rest @ ..] if flags & flags::EXTENDED_LENGTH != 0 => {
            (*code, u16::from_be_bytes([*high, *low]), rest)
        }
        [_, code, length, rest @ ..] => (*code, u16::from(*length), rest),
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(usize::from(length))?;
    Some((AttrCode(code), value, rest))
}
