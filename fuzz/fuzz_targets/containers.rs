//! What holds messages: hexadecimal text, a byte stream, a capture, MRT records. The first octet chooses which.
#![no_main]

use std::io::{BufReader, Read};
use std::ops::ControlFlow;

use bgp_capture::bgpdump::Lines;
use bgp_capture::hex::HexReader;
use bgp_capture::mrt::Reader;
use bgp_capture::raw::RawReader;
use bgp_capture::stream::Found;
use bgp_capture::tcp::{Flow, Listener};
use bgp_capture::{ReadError, pcap};
use bgp_fuzz::{Input, is_readable, with_memory_beside};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let choice = input.octet();
    let octets = input.rest();
    with_memory_beside(BUFFERS, octets.len(), || match choice % 4 {
        0 => hex(octets),
        1 => raw(octets, choice),
        2 => captured(octets),
        _ => mrt(octets),
    });
});

/// What readers fill at once, and what is printed here.
const BUFFERS: usize = 256 * 1024;

fn hex(text: &[u8]) {
    let mut octets = Vec::new();
    match HexReader::new(BufReader::with_capacity(7, text)).read_to_end(&mut octets) {
        Ok(_) => {
            let printed: String = octets.iter().map(|octet| format!("{octet:02x} ")).collect();
            let mut again = Vec::new();
            let read = HexReader::new(printed.as_bytes()).read_to_end(&mut again);
            assert!(read.is_ok() && again == octets);
        }
        Err(error) => is_readable(&error.to_string()),
    }
    // A character of a string with escapes is an octet by itself.
    assert!(octets.len() <= text.len());
}

/// Every octet is in a message or was passed over, and messages come as they were sent.
fn raw(octets: &[u8], choice: u8) {
    let max = if choice & 4 == 0 { 4096 } else { 65535 };
    let mut reader = RawReader::new(octets);
    let mut in_messages = 0;
    while let Ok(Some(found)) = reader.poll(max) {
        if let Found::Message(piece) = found {
            let message = reader.octets(&piece);
            assert!((19..=max).contains(&message.len()));
            let at = usize::try_from(piece.offset).expect("an offset within the input");
            assert_eq!(&octets[at..at + message.len()], message);
            in_messages += message.len();
        }
    }
    let skipped = usize::try_from(reader.skipped()).expect("no more than there is");
    assert!(in_messages + skipped <= octets.len());
}

/// Counts what it hears.
#[derive(Default)]
struct Heard {
    octets: usize,
}

impl Listener for Heard {
    fn max_message(&mut self, _: &Flow) -> usize {
        4096
    }

    fn found(&mut self, _: &Flow, found: &Found, octets: &[u8]) -> ControlFlow<()> {
        if let Found::Message(_) = found {
            assert!(octets.starts_with(&[0xff; 16]) && octets.len() <= 4096);
            self.octets += octets.len();
        }
        ControlFlow::Continue(())
    }

    fn lost(&mut self, _: &Flow, octets: u64) {
        assert!(octets > 0);
    }

    fn closed(&mut self, _: u64, _: u64) {}
}

fn captured(octets: &[u8]) {
    let mut heard = Heard::default();
    says(&pcap::read(octets, 179, &mut heard));
    assert!(heard.octets <= octets.len());
}

fn mrt(octets: &[u8]) {
    let mut reader = Reader::new(octets);
    let (mut lines, mut out, mut end) = (Lines::new(), Vec::new(), 0);
    loop {
        let record = match reader.next_record() {
            Ok(Some(record)) => record,
            Ok(None) => break,
            other => return says(&other),
        };
        assert!(record.offset >= end, "records follow each other");
        end = record.offset + 12 + record.body.len() as u64;
        assert!(end <= octets.len() as u64);
        let content = record.content();
        let before = out.len();
        lines.write(&record, &content, &mut out);
        let lines = out[before..]
            .iter()
            .filter(|octet| **octet == b'\n')
            .count();
        assert!(
            lines <= record.body.len(),
            "an octet makes one line at most"
        );
        if out.len() > 1 << 20 {
            out.clear();
        }
    }
}

fn says<T>(result: &Result<T, ReadError>) {
    if let Err(error) = result {
        is_readable(&error.to_string());
    }
}
