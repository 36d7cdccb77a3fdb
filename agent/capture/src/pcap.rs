//! Packet captures: pcap and pcapng, of any byte order and time resolution.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io::{self, Cursor, ErrorKind, Read};
use std::ops::ControlFlow;

use bgp_wire::frame::{HEADER_LEN, MAX_EXTENDED_LEN};
use bgp_wire::next_frame;
use pcap_parser::traits::{PcapNGPacketBlock, PcapReaderIterator};
use pcap_parser::{Block, LegacyPcapReader, Linktype, PcapBlockOwned, PcapError, PcapNGReader};

use crate::compressed::read_full;
use crate::packet::{Segment, Tunnel, carried, is_supported};
use crate::stream::to_u64;
use crate::tcp::{Listener, Reassembly};
use crate::{ReadError, Time};

/// The port of BGP.
pub const BGP_PORT: u16 = 179;

/// What is read at a time.
const BUFFER: usize = 64 * 1024;
/// A block of the file has to fit into this.
const MAX_BUFFER: usize = 1024 * 1024;
/// pcapng allows as many interfaces as there are numbers.
const MAX_INTERFACES: usize = 65_536;
/// The head of a pcapng file, and of a pcap file.
const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];
const FILE_HEADER: usize = 24;
/// What a pcap file begins with: microseconds or nanoseconds, in either byte order.
const MAGICS: [[u8; 4]; 4] = [
    [0xa1, 0xb2, 0xc3, 0xd4],
    [0xd4, 0xc3, 0xb2, 0xa1],
    [0xa1, 0xb2, 0x3c, 0x4d],
    [0x4d, 0x3c, 0xb2, 0xa1],
];
const NO_CAPTURE: &str = "this is no pcap and no pcapng file";

/// Ports that are counted, if they are none of BGP and what they carry looks like it.
const MAX_PORTS: usize = 1024;

/// What was in a capture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Packets {
    /// All packets.
    pub all: u64,
    /// Those of BGP.
    pub bgp: u64,
    /// Those of BGP that came through a tunnel, by its kind.
    pub tunnelled: BTreeMap<Tunnel, u64>,
    /// Another port that begins segments as messages of BGP begin, and how many.
    pub other_port: Option<(u16, u64)>,
    /// Those of a link layer that is not understood.
    pub unsupported: u64,
    /// There was nothing at all to read, not even the header of a file.
    pub empty: bool,
}

/// An interface of a capture.
#[derive(Clone, Copy, Debug)]
struct Interface {
    link: Linktype,
    /// Units of time in a second.
    resolution: u64,
    /// Seconds to add.
    offset: i64,
}

/// Reads a capture and tells `listener` what the connections of `port` carry.
///
/// An error comes after all that could be read has been told.
pub fn read<R: Read>(
    mut reader: R,
    port: u16,
    listener: &mut dyn Listener,
) -> Result<Packets, ReadError> {
    let head = head(&mut reader)?;
    if head.is_empty() {
        return Ok(Packets {
            empty: true,
            ..Packets::default()
        });
    }
    let error = RefCell::new(None);
    let whole = Cursor::new(&head).chain(Telling {
        reader,
        error: &error,
    });
    let mut capture = Capture {
        port,
        big_endian: false,
        listener,
        streams: Reassembly::new(),
        interfaces: Vec::new(),
        packets: Packets::default(),
        foreign: (0, 0),
        like_bgp: BTreeMap::new(),
    };
    let end = if head.starts_with(&SECTION_HEADER) {
        match PcapNGReader::new(BUFFER, whole) {
            Ok(blocks) => capture.blocks(blocks),
            Err(error) => Err(failed(&error, 0)),
        }
    } else {
        match LegacyPcapReader::new(BUFFER, whole) {
            Ok(blocks) => capture.blocks(blocks),
            Err(error) => Err(failed(&error, 0)),
        }
    };
    let mut packets = std::mem::take(&mut capture.packets);
    packets.other_port = capture.other_port();
    if matches!(end, Ok(ControlFlow::Break(()))) {
        return Ok(packets);
    }
    // Nobody is asked again who has had enough.
    let _ = capture.streams.finish(capture.listener);
    match error.take() {
        Some(error) => Err(error.into()),
        None => {
            let _ = end?;
            let (foreign, link) = capture.foreign;
            if foreign > 0 && foreign == packets.all {
                return Err(ReadError::LinkLayer(link));
            }
            Ok(packets)
        }
    }
}

/// A reader whose error is not lost on the way through the reader of blocks.
struct Telling<'e, R> {
    reader: R,
    error: &'e RefCell<Option<io::Error>>,
}

impl<R: Read> Read for Telling<'_, R> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            match self.reader.read(out) {
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    let kind = error.kind();
                    self.error.replace(Some(error));
                    return Err(kind.into());
                }
                done => return done,
            }
        }
    }
}

/// The head of the file, as the readers want it whole at once. Nothing is a file of no packets.
fn head<R: Read>(reader: &mut R) -> Result<Vec<u8>, ReadError> {
    let mut head = vec![0; FILE_HEADER];
    let read = read_full(reader, &mut head)?;
    head.truncate(read);
    if read == 0 {
        return Ok(head);
    }
    if read < FILE_HEADER {
        let begins = |magic: &[u8; 4]| magic.iter().zip(&head).all(|(a, b)| a == b);
        return Err(if begins(&SECTION_HEADER) {
            too_short("a pcapng file", read)
        } else if MAGICS.iter().any(begins) {
            too_short("a pcap file", read)
        } else {
            ReadError::Format {
                reason: NO_CAPTURE,
                offset: 0,
            }
        });
    }
    if let [0x0a, 0x0d, 0x0d, 0x0a, a, b, c, d, order, ..] = *head {
        let length = [a, b, c, d];
        let length = if order == 0x1a {
            u32::from_be_bytes(length)
        } else {
            u32::from_le_bytes(length)
        };
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > BUFFER {
            return Err(ReadError::Format {
                reason: "the section header is longer than any can be",
                offset: 0,
            });
        }
        let have = head.len();
        if length > have {
            head.resize(length, 0);
            let read = read_full(reader, head.get_mut(have..).unwrap_or(&mut []))?;
            head.truncate(have.saturating_add(read));
            if head.len() < length {
                return Err(too_short("a pcapng file", head.len()));
            }
        }
    }
    Ok(head)
}

fn too_short(what: &'static str, octets: usize) -> ReadError {
    ReadError::Short { what, octets }
}

fn failed<T: AsRef<[u8]>>(error: &PcapError<T>, offset: u64) -> ReadError {
    let reason = match error {
        PcapError::Incomplete(_) | PcapError::UnexpectedEof => {
            return ReadError::Cut {
                what: "a packet",
                offset,
            };
        }
        PcapError::ReadError => "the input could not be read",
        PcapError::BufferTooSmall => "a packet is longer than any can be",
        _ if offset == 0 => NO_CAPTURE,
        _ => "what follows is no packet",
    };
    ReadError::Format { reason, offset }
}

/// The block that Enhanced Packet Blocks have taken the place of
/// (draft-ietf-opsawg-pcapng, "Packet Block (obsolete!)").
const OBSOLETE_PACKET: u32 = 2;

struct Capture<'l> {
    port: u16,
    /// The byte order of the section.
    big_endian: bool,
    listener: &'l mut dyn Listener,
    streams: Reassembly,
    interfaces: Vec<Interface>,
    packets: Packets,
    /// How many packets are of a link layer that is not understood, and the last such one.
    foreign: (u64, i32),
    /// Segments of other ports that begin as messages do, by both of their ports.
    like_bgp: BTreeMap<u16, u64>,
}

impl Capture<'_> {
    fn blocks(
        &mut self,
        mut blocks: impl PcapReaderIterator,
    ) -> Result<ControlFlow<()>, ReadError> {
        let mut size = BUFFER;
        loop {
            let offset = to_u64(blocks.consumed());
            let used = match blocks.next() {
                Ok((used, block)) => {
                    if self.block(&block).is_break() {
                        return Ok(ControlFlow::Break(()));
                    }
                    used
                }
                Err(PcapError::Eof) => return Ok(ControlFlow::Continue(())),
                Err(PcapError::Incomplete(_)) => {
                    blocks.refill().map_err(|error| failed(&error, offset))?;
                    continue;
                }
                Err(PcapError::BufferTooSmall) if size < MAX_BUFFER => {
                    size = size.saturating_mul(2);
                    blocks.grow(size);
                    blocks.refill().map_err(|error| failed(&error, offset))?;
                    continue;
                }
                Err(error) => return Err(failed(&error, offset)),
            };
            blocks.consume(used);
        }
    }

    fn block(&mut self, block: &PcapBlockOwned<'_>) -> ControlFlow<()> {
        match block {
            PcapBlockOwned::LegacyHeader(header) => {
                self.interfaces = vec![Interface {
                    // The higher bits speak of the frame check sequence.
                    link: Linktype(header.network.0 & 0xffff),
                    resolution: if header.is_nanosecond_precision() {
                        1_000_000_000
                    } else {
                        1_000_000
                    },
                    offset: 0,
                }];
            }
            PcapBlockOwned::Legacy(packet) => {
                let Some(&interface) = self.interfaces.first() else {
                    return ControlFlow::Continue(());
                };
                let time = Time {
                    seconds: u64::from(packet.ts_sec),
                    nanos: nanos(u64::from(packet.ts_usec), interface.resolution),
                };
                let captured = usize::try_from(packet.caplen).unwrap_or(usize::MAX);
                let octets = packet.data.get(..captured).unwrap_or(packet.data);
                return self.packet(interface, Some(time), octets);
            }
            PcapBlockOwned::NG(Block::SectionHeader(header)) => {
                self.interfaces.clear();
                self.big_endian = header.big_endian();
            }
            PcapBlockOwned::NG(Block::InterfaceDescription(interface)) => {
                if self.interfaces.len() < MAX_INTERFACES {
                    self.interfaces.push(Interface {
                        link: interface.linktype,
                        resolution: interface.ts_resolution().unwrap_or(1_000_000).max(1),
                        offset: interface.ts_offset(),
                    });
                }
            }
            PcapBlockOwned::NG(Block::EnhancedPacket(packet)) => {
                let units = u64::from(packet.ts_high) << 32 | u64::from(packet.ts_low);
                return self.packet_of(packet.if_id, units, packet.packet_data());
            }
            PcapBlockOwned::NG(Block::Unknown(block)) if self.is_obsolete(block.block_type) => {
                if let Some((interface, units, octets)) = self.obsolete(block.data) {
                    return self.packet_of(interface, units, octets);
                }
                self.packets.unsupported += 1;
            }
            // It has no time, and is of the first interface.
            PcapBlockOwned::NG(Block::SimplePacket(packet)) => {
                if let Some(&interface) = self.interfaces.first() {
                    return self.packet(interface, None, packet.packet_data());
                }
                self.packets.unsupported += 1;
            }
            PcapBlockOwned::NG(_) => {}
        }
        ControlFlow::Continue(())
    }

    /// The type is told as if the section were little-endian.
    fn is_obsolete(&self, kind: u32) -> bool {
        let kind = if self.big_endian {
            kind.swap_bytes()
        } else {
            kind
        };
        kind == OBSOLETE_PACKET
    }

    /// Interface, time and octets of an obsolete Packet Block: interface, how many were lost before it,
    /// time, octets captured, octets that there were, and the octets.
    fn obsolete<'a>(&self, block: &'a [u8]) -> Option<(u32, u64, &'a [u8])> {
        let (head, octets) = block.split_first_chunk::<20>()?;
        let number = |at: usize| {
            let four = *head.get(at..)?.first_chunk()?;
            Some(if self.big_endian {
                u32::from_be_bytes(four)
            } else {
                u32::from_le_bytes(four)
            })
        };
        let first = number(0)?;
        let interface = if self.big_endian {
            first >> 16
        } else {
            first & 0xffff
        };
        let units = u64::from(number(4)?) << 32 | u64::from(number(8)?);
        let captured = usize::try_from(number(12)?).ok()?;
        Some((interface, units, octets.get(..captured)?))
    }

    /// A packet of an interface by its number, with the time in its units.
    fn packet_of(&mut self, interface: u32, units: u64, octets: &[u8]) -> ControlFlow<()> {
        let place = usize::try_from(interface).unwrap_or(usize::MAX);
        let Some(&interface) = self.interfaces.get(place) else {
            self.packets.unsupported += 1;
            return ControlFlow::Continue(());
        };
        let seconds = units / interface.resolution;
        let time = Time {
            seconds: seconds.saturating_add_signed(interface.offset),
            nanos: nanos(units % interface.resolution, interface.resolution),
        };
        self.packet(interface, Some(time), octets)
    }

    fn packet(
        &mut self,
        interface: Interface,
        time: Option<Time>,
        octets: &[u8],
    ) -> ControlFlow<()> {
        self.packets.all += 1;
        if !is_supported(interface.link) {
            self.packets.unsupported += 1;
            self.foreign = (self.foreign.0 + 1, interface.link.0);
            return ControlFlow::Continue(());
        }
        let Some((segment, tunnel)) = carried(interface.link, octets) else {
            return ControlFlow::Continue(());
        };
        if segment.from.port() != self.port && segment.to.port() != self.port {
            self.look_at_other(&segment);
            return ControlFlow::Continue(());
        }
        self.packets.bgp += 1;
        if let Some(tunnel) = tunnel {
            *self.packets.tunnelled.entry(tunnel).or_default() += 1;
        }
        self.streams.handle_segment(&segment, time, self.listener)
    }

    /// Counts a segment that begins as a message does.
    fn look_at_other(&mut self, segment: &Segment<'_>) {
        let payload = segment.payload;
        if payload.len() < HEADER_LEN || next_frame(payload, MAX_EXTENDED_LEN).is_err() {
            return;
        }
        for port in [segment.from.port(), segment.to.port()] {
            if self.like_bgp.len() < MAX_PORTS || self.like_bgp.contains_key(&port) {
                *self.like_bgp.entry(port).or_default() += 1;
            }
        }
    }

    /// The port that most of them have. Where two have as many, the lower one was likely listened on.
    fn other_port(&self) -> Option<(u16, u64)> {
        let all = self.like_bgp.iter().map(|(port, count)| (*port, *count));
        all.max_by_key(|(port, count)| (*count, std::cmp::Reverse(*port)))
    }
}

/// A part of a second in nanoseconds.
fn nanos(units: u64, resolution: u64) -> u32 {
    let nanos = u128::from(units) * 1_000_000_000 / u128::from(resolution.max(1));
    u32::try_from(nanos).unwrap_or(0).min(999_999_999)
}
