//! MRT records (RFC 6396, RFC 8050): what route collectors write.
//!
//! [`Reader`] cuts a file into records, one at a time; [`Record::content`] says what is in one. Both
//! work on octets that anybody may have written: a length beyond the file ends it, a record that
//! contradicts itself is [`Content::Malformed`] and the next one is read.

mod message;
mod table;

use std::io::{BufRead, ErrorKind, Read};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::{AFI_IPV4, AFI_IPV6, Family};

use crate::{ReadError, Time};

pub use message::{Message, StateChange, state_name};
pub use table::{Entries, Entry, Peer, PeerIndex, Rib, TableDump};

/// Octets of time, type, subtype and length.
const HEADER_LEN: usize = 12;
/// A record is refused above this. The longest that collectors write hold one prefix of each of their
/// peers.
const MAX_RECORD: u32 = 64 * 1024 * 1024;

/// The registered types that are read.
mod kind {
    pub(super) const TABLE_DUMP: u16 = 12;
    pub(super) const TABLE_DUMP_V2: u16 = 13;
    pub(super) const BGP4MP: u16 = 16;
    pub(super) const BGP4MP_ET: u16 = 17;
}

/// Reads records.
#[derive(Debug)]
pub struct Reader<R> {
    reader: R,
    body: Vec<u8>,
    offset: u64,
    done: bool,
}

/// One record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record<'a> {
    /// Where it begins, counted in octets from the start of what was read.
    pub offset: u64,
    /// When it was written.
    pub time: Time,
    /// Its type.
    pub kind: u16,
    /// What kind of its type it is.
    pub subtype: u16,
    /// What follows the header, and the microseconds if it has some.
    pub body: &'a [u8],
    /// The octets of the file before `body`.
    pub body_offset: u64,
}

/// What is in a record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content<'a> {
    /// A message of a session.
    Message(Message<'a>),
    /// A session went from one state to another.
    StateChange(StateChange),
    /// The peers that the routes after it come from.
    PeerIndex(PeerIndex<'a>),
    /// The routes to one prefix.
    Rib(Rib<'a>),
    /// A route, in the older form.
    TableDump(TableDump<'a>),
    /// The routes to something of a family that is not known, so that the record cannot be cut.
    UnknownFamily(Family),
    /// Of a type that is not read.
    Unknown,
    /// The record contradicts itself. The field that does not fit is named.
    Malformed(&'static str),
}

impl<R: BufRead> Reader<R> {
    /// Reads from the start of a file.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            body: Vec::new(),
            offset: 0,
            done: false,
        }
    }

    /// The octets of the records that have been read.
    pub fn offset(&self) -> u64 {
        self.offset
    }

    /// The next record; `None` at the end. After an error there is none.
    pub fn next_record(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        if self.done {
            return Ok(None);
        }
        // Whatever stops this from reaching its end is the last that is read.
        self.done = true;
        let offset = self.offset;
        let cut = ReadError::Cut {
            what: "a record",
            offset,
        };
        let mut header = [0; HEADER_LEN];
        match crate::compressed::read_full(&mut self.reader, &mut header)? {
            0 => return Ok(None),
            HEADER_LEN => {}
            octets if offset == 0 => {
                return Err(ReadError::Short {
                    what: "an MRT record",
                    octets,
                });
            }
            _ => return Err(cut),
        }
        let [t0, t1, t2, t3, k0, k1, s0, s1, l0, l1, l2, l3] = header;
        let length = u32::from_be_bytes([l0, l1, l2, l3]);
        if length > MAX_RECORD {
            return Err(ReadError::Format {
                reason: "what follows is no MRT record: it would be longer than any is",
                offset,
            });
        }
        self.body.clear();
        // Memory grows with what is there, not with what the length says.
        match self
            .reader
            .by_ref()
            .take(u64::from(length))
            .read_to_end(&mut self.body)
        {
            Ok(read) if crate::stream::to_u64(read) == u64::from(length) => {}
            Ok(_) => return Err(cut),
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Err(cut),
            Err(error) => return Err(error.into()),
        }
        self.offset = offset.saturating_add(12).saturating_add(u64::from(length));
        self.done = false;
        let mut record = Record {
            offset,
            time: Time {
                seconds: u64::from(u32::from_be_bytes([t0, t1, t2, t3])),
                nanos: 0,
            },
            kind: u16::from_be_bytes([k0, k1]),
            subtype: u16::from_be_bytes([s0, s1]),
            body: &self.body,
            body_offset: offset.saturating_add(12),
        };
        // RFC 6396 §3: the microseconds are the first field of the message and count in its length.
        if record.kind == kind::BGP4MP_ET
            && let Some((micros, body)) = record.body.split_first_chunk()
        {
            let micros = u32::from_be_bytes(*micros).min(999_999);
            record.time.nanos = micros.saturating_mul(1000);
            record.body = body;
            record.body_offset = offset.saturating_add(16);
        }
        Ok(Some(record))
    }
}

impl<'a> Record<'a> {
    /// What is in it.
    pub fn content(&self) -> Content<'a> {
        let read = match self.kind {
            kind::BGP4MP | kind::BGP4MP_ET => message::read(self.subtype, self.body),
            kind::TABLE_DUMP_V2 => table::read(self.subtype, self.body),
            kind::TABLE_DUMP => table::read_old(self.subtype, self.body),
            _ => Ok(Content::Unknown),
        };
        read.unwrap_or_else(|field| Content::Malformed(field.0))
    }

    /// Where in the file `part` of its body begins.
    pub fn place_of(&self, part: &[u8]) -> u64 {
        let distance = part.as_ptr().addr().wrapping_sub(self.body.as_ptr().addr());
        self.body_offset
            .saturating_add(crate::stream::to_u64(distance.min(self.body.len())))
    }
}

/// The name of a record's type and subtype.
pub fn name(kind: u16, subtype: u16) -> (Option<&'static str>, Option<&'static str>) {
    let subtype = match kind {
        kind::TABLE_DUMP => match subtype {
            1 => Some("AFI_IPv4"),
            2 => Some("AFI_IPv6"),
            _ => None,
        },
        kind::TABLE_DUMP_V2 => table::subtype_name(subtype),
        kind::BGP4MP | kind::BGP4MP_ET => message::subtype_name(subtype),
        _ => None,
    };
    let kind = match kind {
        11 => "OSPFv2",
        kind::TABLE_DUMP => "TABLE_DUMP",
        kind::TABLE_DUMP_V2 => "TABLE_DUMP_V2",
        kind::BGP4MP => "BGP4MP",
        kind::BGP4MP_ET => "BGP4MP_ET",
        32 => "ISIS",
        33 => "ISIS_ET",
        48 => "OSPFv3",
        49 => "OSPFv3_ET",
        _ => return (None, subtype),
    };
    (Some(kind), subtype)
}

/// The field that does not fit.
struct Wrong(&'static str);

/// Fields one after the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    fn array<const N: usize>(&mut self, name: &'static str) -> Result<[u8; N], Wrong> {
        let (array, rest) = self.0.split_first_chunk().ok_or(Wrong(name))?;
        self.0 = rest;
        Ok(*array)
    }

    fn u8(&mut self, name: &'static str) -> Result<u8, Wrong> {
        self.array(name).map(|[octet]| octet)
    }

    fn u16(&mut self, name: &'static str) -> Result<u16, Wrong> {
        self.array(name).map(u16::from_be_bytes)
    }

    fn u32(&mut self, name: &'static str) -> Result<u32, Wrong> {
        self.array(name).map(u32::from_be_bytes)
    }

    fn asn(&mut self, four: bool, name: &'static str) -> Result<u32, Wrong> {
        if four {
            self.u32(name)
        } else {
            self.u16(name).map(u32::from)
        }
    }

    fn octets(&mut self, length: usize, name: &'static str) -> Result<&'a [u8], Wrong> {
        let (octets, rest) = self.0.split_at_checked(length).ok_or(Wrong(name))?;
        self.0 = rest;
        Ok(octets)
    }

    fn address(&mut self, afi: u16, name: &'static str) -> Result<IpAddr, Wrong> {
        match afi {
            AFI_IPV4 => self
                .array::<4>(name)
                .map(|octets| Ipv4Addr::from(octets).into()),
            AFI_IPV6 => self
                .array::<16>(name)
                .map(|octets| Ipv6Addr::from(octets).into()),
            _ => Err(Wrong("Address Family")),
        }
    }
}
