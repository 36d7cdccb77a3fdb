//! The readers of files: what is cut short, what lies, and what is anything at all.

use std::io::{self, Read};
use std::ops::ControlFlow;

use bgp_capture::mrt::{Content, Reader};
use bgp_capture::pcap::{self, Packets};
use bgp_capture::stream::Found;
use bgp_capture::tcp::{Flow, Listener};
use bgp_capture::{ReadError, Time, bgpdump};
use etherparse::PacketBuilder;
use proptest::prelude::*;

#[derive(Default)]
struct Heard {
    messages: Vec<(Option<Time>, Vec<u8>)>,
    enough: usize,
}

impl Listener for Heard {
    fn max_message(&mut self, _: &Flow) -> usize {
        65535
    }

    fn found(&mut self, flow: &Flow, found: &Found, octets: &[u8]) -> ControlFlow<()> {
        if let Found::Message(_) = found {
            self.messages.push((flow.time, octets.to_vec()));
        }
        if self.messages.len() == self.enough {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    }

    fn lost(&mut self, _: &Flow, _: u64) {}

    fn closed(&mut self, _: u64, _: u64) {}
}

fn read(file: impl Read) -> (Heard, Result<Packets, ReadError>) {
    let mut heard = Heard::default();
    let read = pcap::read(file, 179, &mut heard);
    (heard, read)
}

fn keepalive() -> Vec<u8> {
    let mut message = vec![0xff; 16];
    message.extend([0, 19, 4]);
    message
}

/// An Ethernet frame with a KEEPALIVE, the `place`th of its connection.
fn frame(place: u32) -> Vec<u8> {
    let mut frame = Vec::new();
    PacketBuilder::ethernet2([2; 6], [3; 6])
        .ipv4([192, 0, 2, 1], [192, 0, 2, 2], 1)
        .tcp(40000, 179, place * 19, 1000)
        .write(&mut frame, &keepalive())
        .unwrap();
    frame
}

fn put(file: &mut Vec<u8>, big: bool, words: &[u32]) {
    for word in words {
        file.extend(if big {
            word.to_be_bytes()
        } else {
            word.to_le_bytes()
        });
    }
}

/// The file format of libpcap: a header of 24 octets, and 16 in front of each packet.
fn pcap_file(magic: u32, big: bool, packets: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let version = if big { 0x0002_0004 } else { 0x0004_0002 };
    put(&mut file, big, &[magic, version, 0, 0, 65535, 1]);
    for place in 0..packets {
        let frame = frame(place);
        let length = frame.len() as u32;
        put(&mut file, big, &[1_700_000_000 + place, 5, length, length]);
        file.extend(frame);
    }
    file
}

/// pcapng: a section header, an interface with nanoseconds, and enhanced packet blocks.
fn pcapng_file(big: bool, packets: u32) -> Vec<u8> {
    let mut file = Vec::new();
    let version = if big { 0x0001_0000 } else { 0x0000_0001 };
    put(
        &mut file,
        big,
        &[
            0x0a0d_0d0a,
            28,
            0x1a2b_3c4d,
            version,
            u32::MAX,
            u32::MAX,
            28,
        ],
    );
    // The link layer, the longest packet, the option if_tsresol of one octet: 10^-9.
    let link = if big { 0x0001_0000 } else { 0x0000_0001 };
    let option = if big {
        [0x0009_0001, 0x0900_0000]
    } else {
        [0x0001_0009, 0x0000_0009]
    };
    put(
        &mut file,
        big,
        &[1, 32, link, 0, option[0], option[1], 0, 32],
    );
    for place in 0..packets {
        let mut frame = frame(place);
        let captured = frame.len() as u32;
        frame.resize(frame.len().next_multiple_of(4), 0);
        let length = frame.len() as u32 + 32;
        let time = (1_700_000_000 + u64::from(place)) * 1_000_000_000 + 5000;
        put(
            &mut file,
            big,
            &[
                6,
                length,
                0,
                (time >> 32) as u32,
                time as u32,
                captured,
                captured,
            ],
        );
        file.extend(frame);
        put(&mut file, big, &[length]);
    }
    file
}

/// The same with blocks of other types: the packets as (obsolete) Packet Blocks, or Simple Packet Blocks
/// (draft-ietf-opsawg-pcapng).
fn other_blocks(kind: u32, big: bool, packets: u32) -> Vec<u8> {
    let mut file = pcapng_file(big, 0);
    for place in 0..packets {
        let mut frame = frame(place);
        let captured = frame.len() as u32;
        frame.resize(frame.len().next_multiple_of(4), 0);
        let time = (1_700_000_000 + u64::from(place)) * 1_000_000_000 + 5000;
        let times = [(time >> 32) as u32, time as u32];
        let head = match kind {
            // Interface 0 and 7 packets dropped, two octets each.
            2 => vec![
                if big { 7 } else { 7 << 16 },
                times[0],
                times[1],
                captured,
                captured,
            ],
            _ => vec![captured],
        };
        let length = (12 + 4 * head.len() + frame.len()) as u32;
        put(&mut file, big, &[&[kind, length], &head[..]].concat());
        file.extend(frame);
        put(&mut file, big, &[length]);
    }
    file
}

/// draft-ietf-opsawg-pcapng, appendix A "Packet Block (obsolete!)": "A Packet Block [...] a capture tool must not write
/// new ones", but readers meet them. Section 4.4 of Simple Packet Blocks: they "do not contain a timestamp".
#[test]
fn packets_of_every_kind_of_block_are_read() {
    for big in [false, true] {
        for (kind, has_time) in [(2, true), (3, false)] {
            let (heard, packets) = read(&other_blocks(kind, big, 3)[..]);
            let packets = packets.unwrap();
            assert_eq!((packets.all, packets.bgp, packets.unsupported), (3, 3, 0));
            assert_eq!(heard.messages.len(), 3, "{kind}");
            let times = heard.messages.iter().map(|(time, _)| *time);
            let wanted = (0..3).map(|place| {
                has_time.then_some(Time {
                    seconds: 1_700_000_000 + place,
                    nanos: 5000,
                })
            });
            assert!(times.eq(wanted), "{kind} {big}");
        }
        // One that says to hold more than it does.
        let mut file = other_blocks(2, big, 1);
        let captured = if big { 60 + 8 + 12 + 3 } else { 60 + 8 + 12 };
        file[captured] = 200;
        let (heard, packets) = read(&file[..]);
        assert_eq!((heard.messages.len(), packets.unwrap().unsupported), (0, 1));
    }
}

/// Gives one octet at a time, as a pipe may.
struct Slow<'a>(&'a [u8]);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let one = out.len().min(1);
        Read::read(&mut self.0, &mut out[..one])
    }
}

#[test]
fn every_form_of_capture_is_read_with_its_times() {
    for (name, file, nanos) in [
        ("microseconds", pcap_file(0xa1b2_c3d4, false, 5), 5000),
        ("big-endian", pcap_file(0xa1b2_c3d4, true, 5), 5000),
        ("nanoseconds", pcap_file(0xa1b2_3c4d, false, 5), 5),
        ("pcapng", pcapng_file(false, 5), 5000),
        ("big-endian pcapng", pcapng_file(true, 5), 5000),
    ] {
        for heard in [read(&file[..]), read(Slow(&file))] {
            let (heard, packets) = heard;
            let packets = packets.unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!((packets.all, packets.bgp), (5, 5), "{name}");
            let times: Vec<_> = heard.messages.iter().map(|(time, _)| *time).collect();
            let wanted = (0..5).map(|place| {
                Some(Time {
                    seconds: 1_700_000_000 + place,
                    nanos,
                })
            });
            assert!(times.iter().copied().eq(wanted), "{name}: {times:?}");
        }
    }
}

#[test]
fn a_capture_cut_anywhere_gives_what_is_there_and_says_where_it_ends() {
    for (file, head) in [
        (pcap_file(0xa1b2_c3d4, false, 3), 24),
        (pcapng_file(false, 3), 28),
    ] {
        let whole = read(&file[..]).0.messages;
        for cut in 1..file.len() {
            let (heard, end) = read(&file[..cut]);
            assert!(whole.starts_with(&heard.messages), "{cut}");
            match end {
                Err(ReadError::Short { octets, .. }) => {
                    assert_eq!((octets, true), (cut, cut < head))
                }
                Err(error) => assert!(error.is_cut() && cut > head, "{cut}: {error}"),
                // Between two packets nobody can know that more came.
                Ok(packets) => assert_eq!(heard.messages.len() as u64, packets.all, "{cut}"),
            }
        }
    }
    let error = read(&pcap_file(0xa1b2_c3d4, false, 3)[..150])
        .1
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "ends in the middle of a packet at octet 113"
    );
}

#[test]
fn who_has_heard_enough_is_not_told_more() {
    let mut heard = Heard {
        enough: 2,
        ..Heard::default()
    };
    pcap::read(&pcap_file(0xa1b2_c3d4, false, 5)[..], 179, &mut heard).unwrap();
    assert_eq!(heard.messages.len(), 2);
}

#[test]
fn what_is_no_capture_is_refused() {
    for file in [
        &b"short"[..],
        b"this is a text and no capture at all",
        &[0; 100],
        &[0xff; 100],
    ] {
        let error = read(file).1.unwrap_err();
        assert!(!error.is_cut(), "{error}");
    }
    // A section header that wants 4 GiB.
    let mut file = pcapng_file(false, 1);
    file[4..8].copy_from_slice(&[0xff; 4]);
    assert!(!read(&file[..]).1.unwrap_err().is_cut());
}

/// Captures on the sending side hold segments longer than any packet.
#[test]
fn a_packet_may_be_longer_than_what_is_read_at_a_time() {
    let mut file = pcap_file(0xa1b2_c3d4, false, 1);
    let long = 200_000u32;
    put(&mut file, false, &[0, 0, long, long]);
    file.extend(vec![0; long as usize]);
    file.extend(&pcap_file(0xa1b2_c3d4, false, 2)[24 + 16 + frame(0).len()..]);
    let (heard, packets) = read(&file[..]);
    assert_eq!((packets.unwrap().all, heard.messages.len()), (3, 2));
    let mut file = pcap_file(0xa1b2_c3d4, false, 1);
    put(&mut file, false, &[0, 0, 900_000_000, 900_000_000]);
    file.extend(vec![0; 3_000_000]);
    assert!(!read(&file[..]).1.unwrap_err().is_cut());
}

#[test]
fn other_ports_are_not_looked_at() {
    let file = pcap_file(0xa1b2_c3d4, false, 5);
    let mut heard = Heard::default();
    let packets = pcap::read(&file[..], 1790, &mut heard).unwrap();
    assert_eq!((packets.all, packets.bgp, heard.messages.len()), (5, 0, 0));
}

fn record(kind: u16, subtype: u16, body: &[u8]) -> Vec<u8> {
    let mut record = vec![0x65, 0x53, 0xf1, 0x00];
    record.extend(kind.to_be_bytes());
    record.extend(subtype.to_be_bytes());
    record.extend((body.len() as u32).to_be_bytes());
    record.extend(body);
    record
}

/// All contents of a file, and how it ends.
fn contents(file: &[u8]) -> (Vec<String>, Result<(), ReadError>) {
    let mut records = Reader::new(file);
    let mut all = Vec::new();
    let mut lines = bgpdump::Lines::new();
    loop {
        match records.next_record() {
            Ok(None) => return (all, Ok(())),
            Ok(Some(record)) => {
                let content = record.content();
                lines.write(&record, &content, &mut Vec::new());
                if let Content::Rib(rib) = &content {
                    let count = rib.entries.count();
                    assert_eq!(rib.entries.is_whole(), count == usize::from(rib.count));
                }
                all.push(format!("{content:?}"));
            }
            Err(error) => return (all, Err(error)),
        }
    }
}

#[test]
fn an_mrt_file_cut_anywhere_gives_the_records_before() {
    let file = include_bytes!("data/forms.mrt");
    let (whole, end) = contents(file);
    assert!(end.is_ok() && whole.len() > 50);
    assert!(
        whole
            .iter()
            .all(|content| !content.starts_with("Malformed"))
    );
    for cut in (0..file.len()).step_by(7) {
        let (read, end) = contents(&file[..cut]);
        assert!(whole.starts_with(&read));
        if let Err(error) = end {
            assert_eq!(error.is_cut(), cut >= 12, "{cut}: {error}");
        }
    }
}

#[test]
fn a_record_that_contradicts_itself_is_named_and_the_next_is_read() {
    let file = [
        record(16, 1, &[0, 1, 0, 2, 0, 0, 0, 3]),
        record(16, 4, &[0; 5]),
        record(13, 1, &[0, 0, 0, 1, 0, 9, b'x']),
        record(13, 2, &[0, 0, 0, 1, 8, 10, 0, 2, 0, 0]),
        record(13, 2, &[0, 0, 0, 1, 33]),
        record(12, 1, &[0; 10]),
        record(99, 1, &[1, 2, 3]),
        record(16, 5, &[0; 24]),
    ]
    .concat();
    let (read, end) = contents(&file);
    assert!(end.is_ok());
    for (read, wanted) in read.iter().zip([
        "Malformed(\"Address Family\")",
        "Malformed(\"Local AS Number\")",
        "Malformed(\"View Name\")",
        "Rib(",
        "Malformed(\"Prefix\")",
        "Malformed(\"Originated Time\")",
        "Unknown",
        "Malformed(\"Address Family\")",
    ]) {
        assert!(read.starts_with(wanted), "{read} is no {wanted}");
    }
}

/// A length of four octets may say anything; memory follows what is there.
#[test]
fn a_record_longer_than_any_ends_the_file() {
    let mut huge = record(16, 4, &[]);
    huge[8..12].copy_from_slice(&[0xff; 4]);
    assert!(!contents(&huge).1.unwrap_err().is_cut());
    huge[8..12].copy_from_slice(&[0x03, 0xff, 0xff, 0xff]);
    assert!(contents(&huge).1.unwrap_err().is_cut());
}

proptest! {
    #[test]
    fn any_octets_are_survived(
        octets in prop::collection::vec(any::<u8>(), 0..300),
        big: bool,
        kind in prop::sample::select(vec![12u16, 13, 16, 17]),
        subtype in 0u16..14,
    ) {
        let _ = read(&octets[..]);
        let _ = read(&[&pcap_file(0xa1b2_c3d4, big, 1)[..], &octets].concat()[..]);
        let _ = read(&[&pcapng_file(big, 1)[..], &octets].concat()[..]);
        let _ = contents(&octets);
        let _ = contents(&record(kind, subtype, &octets));
    }

    /// A good file with some octets changed.
    #[test]
    fn damaged_files_are_survived(
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..10),
        big: bool,
    ) {
        let mrt = include_bytes!("data/forms.mrt").to_vec();
        for mut file in [pcap_file(0xa1b2_c3d4, big, 4), pcapng_file(big, 4), mrt] {
            for (place, octet) in &damage {
                let place = place.index(file.len());
                file[place] = *octet;
            }
            let _ = read(&file[..]);
            let _ = contents(&file);
        }
    }
}
