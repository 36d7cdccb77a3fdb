//! MRT records as the lines that `bgpdump -m` prints, for the many programs that read those.
//!
//! The format is that of bgpdump 1.6: fields between `|`, IPv4 and IPv6 unicast and multicast only (of a
//! dump unicast only), in the order withdrawn, announced, IPv4 before IPv6. It shows the octets as they
//! came: nothing is sorted, judged or left out here. Where bgpdump prints something else than what is in
//! the record (AS4_PATH beside confederation segments, IPv6 withdrawn on an IPv4 session by the collector),
//! the record is followed. Where bgpdump stops (an attribute that is there again, a peer that is not in the
//! PEER_INDEX_TABLE), the first attribute is shown, and the route not.

mod attributes;
mod text;

use std::net::IpAddr;

use bgp_wire::frame::HEADER_LEN;
use bgp_wire::{AFI_IPV4, AFI_IPV6};

use crate::mrt::{Content, Message, Peer, Record, Rib, StateChange, TableDump};
use attributes::{Block, Reach};

/// The type of an UPDATE in the header.
const UPDATE: u8 = 2;
/// The type BGP4MP_ET.
const EXTENDED_TIME: u16 = 17;
const UNICAST: u8 = 1;
const MULTICAST: u8 = 2;
/// The subtypes of what a collector sent.
const LOCAL: [u16; 2] = [6, 7];
const LOCAL_ADD_PATH: [u16; 2] = [10, 11];

/// Writes lines, one record after the other.
#[derive(Debug, Default)]
pub struct Lines {
    peers: Vec<Peer>,
    /// The part of a line in front of the prefix, and the part behind it.
    head: Vec<u8>,
    tail: Vec<u8>,
}

impl Lines {
    /// Nothing written yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// How many peers the last PEER_INDEX_TABLE has.
    pub fn peers(&self) -> usize {
        self.peers.len()
    }

    /// Appends the lines of a record, which may be none.
    pub fn write(&mut self, record: &Record<'_>, content: &Content<'_>, out: &mut Vec<u8>) {
        match content {
            Content::Message(message) => self.message(record, message, out),
            Content::StateChange(change) => self.state_change(record, change, out),
            Content::PeerIndex(index) => self.peers.clone_from(&index.peers),
            Content::Rib(rib) => self.rib(record, rib, out),
            Content::TableDump(route) => self.table_dump(record, route, out),
            Content::UnknownFamily(_) | Content::Unknown | Content::Malformed(_) => {}
        }
    }

    fn begin(&mut self, format: &[u8], record: &Record<'_>, kind: &[u8]) {
        self.head.clear();
        self.head.extend_from_slice(format);
        self.head.push(b'|');
        text::number(&mut self.head, record.time.seconds);
        if record.kind == EXTENDED_TIME {
            self.head.push(b'.');
            let micros = (record.time.nanos / 1000).saturating_add(1_000_000);
            let mut digits = itoa::Buffer::new();
            // Behind the one that keeps the zeros.
            let digits = digits.format(micros).as_bytes().get(1..);
            self.head.extend_from_slice(digits.unwrap_or(&[]));
        }
        self.head.push(b'|');
        self.head.extend_from_slice(kind);
        self.head.push(b'|');
    }

    fn peer(&mut self, address: IpAddr, asn: u32) {
        text::address(&mut self.head, address);
        self.head.push(b'|');
        text::number(&mut self.head, u64::from(asn));
        self.head.push(b'|');
    }

    fn state_change(&mut self, record: &Record<'_>, change: &StateChange, out: &mut Vec<u8>) {
        self.begin(format_of(record), record, b"STATE");
        self.peer(change.peer, change.peer_as.0);
        out.extend_from_slice(&self.head);
        text::number(out, u64::from(change.old));
        out.push(b'|');
        text::number(out, u64::from(change.new));
        out.push(b'\n');
    }

    fn message(&mut self, record: &Record<'_>, message: &Message<'_>, out: &mut Vec<u8>) {
        let Some(body) = message.octets.get(HEADER_LEN..) else {
            return;
        };
        if message.octets.get(HEADER_LEN - 1) != Some(&UPDATE) {
            return;
        }
        let Some((withdrawn, block, announced)) = split(body) else {
            return;
        };
        let block = Block::read(block, message.asn4);
        // A peculiarity that programs know: whose address it is when the collector sent it.
        let (peer, asn) = if LOCAL_ADD_PATH.contains(&record.subtype) {
            (message.local, message.local_as.0)
        } else {
            (message.peer, message.peer_as.0)
        };

        self.begin(format_of(record), record, b"W");
        self.peer(peer, asn);
        let put = |head: &[u8], afi, nlri: &[u8], out: &mut Vec<u8>| {
            text::prefixes(nlri, afi, message.add_path, |id, prefix| {
                out.extend_from_slice(head);
                text::prefix(out, afi, prefix);
                if let Some(id) = id {
                    out.push(b'|');
                    text::number(out, u64::from(id));
                }
                out.push(b'\n');
            });
        };
        put(&self.head, AFI_IPV4, withdrawn, out);
        for_each_family(|afi, safi| {
            for unreach in block.unreach(afi, safi) {
                put(&self.head, afi, unreach, out);
            }
        });

        if announced.is_empty() && block.reach.is_empty() {
            return;
        }
        self.begin(format_of(record), record, b"A");
        self.peer(peer, asn);
        if !announced.is_empty() {
            self.tail.clear();
            block.put_tail(block.next_hop(), &mut self.tail);
            self.announce(AFI_IPV4, announced, message.add_path, out);
        }
        for_each_family(|afi, safi| {
            for reach in block.reach(afi, safi) {
                self.tail.clear();
                block.put_tail(reach.next_hop_address(), &mut self.tail);
                self.announce(afi, reach.nlri, message.add_path, out);
            }
        });
    }

    fn announce(&self, afi: u16, nlri: &[u8], add_path: bool, out: &mut Vec<u8>) {
        text::prefixes(nlri, afi, add_path, |id, prefix| {
            out.extend_from_slice(&self.head);
            text::prefix(out, afi, prefix);
            if let Some(id) = id {
                out.push(b'|');
                text::number(out, u64::from(id));
            }
            out.extend_from_slice(&self.tail);
        });
    }

    fn rib(&mut self, record: &Record<'_>, rib: &Rib<'_>, out: &mut Vec<u8>) {
        if !matches!(rib.family.afi, AFI_IPV4 | AFI_IPV6) || rib.family.safi != UNICAST {
            return;
        }
        for entry in rib.entries {
            let format: &[u8] = if entry.path_id.is_some() {
                b"TABLE_DUMP2_AP"
            } else {
                b"TABLE_DUMP2"
            };
            // bgpdump stops here: whose route it is cannot be shown.
            let Some(peer) = self.peers.get(usize::from(entry.peer)).copied() else {
                continue;
            };
            self.begin(format, record, b"B");
            self.peer(peer.address, peer.asn.0);
            let block = Block::read(entry.attributes, true);
            let next_hop = block.rib_next_hop().unwrap_or_else(|| block.next_hop());
            self.tail.clear();
            block.put_tail(next_hop, &mut self.tail);
            out.extend_from_slice(&self.head);
            text::prefix(out, rib.family.afi, rib.nlri);
            if let Some(id) = entry.path_id {
                out.push(b'|');
                text::number(out, u64::from(id));
            }
            out.extend_from_slice(&self.tail);
        }
    }

    fn table_dump(&mut self, record: &Record<'_>, route: &TableDump<'_>, out: &mut Vec<u8>) {
        self.begin(b"TABLE_DUMP", record, b"B");
        self.peer(route.peer, route.peer_as.0);
        let block = Block::read(route.attributes, false);
        let next_hop = block.rib_next_hop().unwrap_or_else(|| block.next_hop());
        out.extend_from_slice(&self.head);
        text::address(out, route.prefix);
        out.push(b'/');
        text::number(out, u64::from(route.bits));
        block.put_tail(next_hop, out);
    }
}

fn format_of(record: &Record<'_>) -> &'static [u8] {
    let extended = record.kind == EXTENDED_TIME;
    match (extended, record.subtype) {
        (false, 8..) => b"BGP4MP_AP",
        (true, 8..) => b"BGP4MP_ET_AP",
        (false, subtype) if LOCAL.contains(&subtype) => b"BGP4MP_LOCAL",
        (true, subtype) if LOCAL.contains(&subtype) => b"BGP4MP_ET_LOCAL",
        (false, _) => b"BGP4MP",
        (true, _) => b"BGP4MP_ET",
    }
}

fn for_each_family(mut each: impl FnMut(u16, u8)) {
    for afi in [AFI_IPV4, AFI_IPV6] {
        for safi in [UNICAST, MULTICAST] {
            each(afi, safi);
        }
    }
}

/// Withdrawn routes, attributes and announced routes of an UPDATE.
fn split(body: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let (length, rest) = body.split_first_chunk()?;
    let (withdrawn, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    let (length, rest) = rest.split_first_chunk()?;
    let (block, announced) = rest.split_at_checked(usize::from(u16::from_be_bytes(*length)))?;
    Some((withdrawn, block, announced))
}

impl Reach<'_> {
    fn next_hop_address(&self) -> IpAddr {
        attributes::address(self.next_hop, self.afi)
    }
}
