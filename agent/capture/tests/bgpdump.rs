//! The lines of `bgpdump -m`, octet for octet. What is expected was printed by bgpdump itself; see data/README.md.

use std::io::{BufReader, Read};

use bgp_capture::bgpdump::Lines;
use bgp_capture::compressed::Decompressed;
use bgp_capture::mrt::Reader;

fn unpacked(octets: &[u8]) -> Vec<u8> {
    let mut all = Vec::new();
    Decompressed::new(octets)
        .and_then(|mut reader| Ok(reader.read_to_end(&mut all)?))
        .unwrap();
    all
}

/// The lines of a file, and those that bgpdump printed.
fn compare(file: &[u8], expected: &[u8]) {
    let mut records = Reader::new(BufReader::new(Decompressed::new(file).unwrap()));
    let (mut lines, mut text) = (Lines::new(), Vec::new());
    while let Some(record) = records.next_record().unwrap() {
        lines.write(&record, &record.content(), &mut text);
    }
    let (ours, theirs) = (String::from_utf8(text).unwrap(), unpacked(expected));
    let theirs = String::from_utf8(theirs).unwrap();
    for (number, (ours, theirs)) in ours.lines().zip(theirs.lines()).enumerate() {
        assert_eq!(ours, theirs, "line {}", number + 1);
    }
    assert_eq!(ours.len(), theirs.len());
    assert!(ours.lines().count() > 100);
}

#[test]
fn real_updates_are_the_lines_that_bgpdump_prints() {
    let file = include_bytes!("data/rrc15.mrt.gz");
    compare(file, include_bytes!("data/rrc15.txt.gz"));
}

#[test]
fn every_kind_of_record_is_the_lines_that_bgpdump_prints() {
    let file = include_bytes!("data/forms.mrt");
    compare(file, include_bytes!("data/forms.txt"));
}
