//! Files that end too early, are empty, or are packed in a way that is not read: what is given, what is
//! said, and the exit status.

use std::io::Write;

use crate::support::*;

fn gzip(octets: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(octets).unwrap();
    packer.finish().unwrap()
}

fn bzip2(octets: &[u8]) -> Vec<u8> {
    let mut packer = bzip2::write::BzEncoder::new(Vec::new(), bzip2::Compression::fast());
    packer.write_all(octets).unwrap();
    packer.finish().unwrap()
}

/// The packets of a pcap file in pcapng: a section header, one interface of Ethernet, enhanced packets.
fn pcapng(pcap: &[u8]) -> Vec<u8> {
    let mut file = Vec::new();
    let mut put = |words: &[u32], octets: &[u8]| {
        for word in words {
            file.extend(word.to_le_bytes());
        }
        file.extend(octets);
        file.resize(file.len().next_multiple_of(4), 0);
    };
    put(
        &[0x0a0d_0d0a, 28, 0x1a2b_3c4d, 1, u32::MAX, u32::MAX, 28],
        b"",
    );
    put(&[1, 20, 1, 0, 20], b"");
    let mut rest = &pcap[24..];
    while let Some((head, packets)) = rest.split_at_checked(16) {
        let length = u32::from_le_bytes(head[8..12].try_into().unwrap());
        let (packet, next) = packets.split_at(length as usize);
        let block = length.next_multiple_of(4) + 32;
        put(&[6, block, 0, 0, 0, length, length], packet);
        put(&[block], b"");
        rest = next;
    }
    file
}

/// A BGP4MP_MESSAGE_AS4 (RFC 6396 section 4.4.3) between 65001 and 65000.
fn record(octets: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0, 0xfd, 0xe9, 0, 0, 0xfd, 0xe8, 0, 0, 0, 1];
    body.extend([192, 0, 2, 1, 192, 0, 2, 2]);
    body.extend(octets);
    let mut record = vec![0, 0, 0, 0, 0, 16, 0, 4, 0, 0, 0, body.len() as u8];
    record.extend(body);
    record
}

/// What holds the same three messages: option, name, octets, and how long its shortest head is.
fn holders() -> [(&'static str, &'static str, Vec<u8>, usize); 4] {
    let message = update(&[], &[ORIGIN, PATH, NEXT_HOP], ROUTE);
    let mut pcap = Pcap::new(Link::Ethernet, false);
    pcap.connect(40000);
    for _ in 0..3 {
        pcap.send(CLIENT, &message);
    }
    let pcapng = pcapng(&pcap.file);
    [
        ("--pcap", "pcap", pcap.file, 24),
        ("--pcap", "pcapng", pcapng, 28),
        ("--mrt", "MRT", record(&message).repeat(3), 12),
        ("--raw", "raw", message.repeat(3), 0),
    ]
}

type Pack = fn(&[u8]) -> Vec<u8>;
const PACKS: [(&str, Pack); 3] = [
    ("as it is", <[u8]>::to_vec),
    ("gzip", gzip),
    ("bzip2", bzip2),
];

#[test]
fn what_is_whole_is_read_from_each_holder_in_each_packing() {
    for (option, name, file, _) in holders() {
        for (packing, pack) in PACKS {
            let said = decode(&[option, "-"], &pack(&file));
            let told = (said.status, said.summary());
            let wanted = (0, "3 messages, 0 malformed, 0 bytes skipped");
            assert_eq!(told, wanted, "{name} {packing}: {}", said.err);
        }
    }
}

#[test]
fn what_is_cut_in_its_middle_gives_what_is_there_and_says_where_it_ends() {
    for (option, name, file, _) in holders() {
        let short = file.len() - 20;
        for (packing, pack) in PACKS {
            let packed = pack(&file);
            // The container is cut, and the packing around a container that is whole.
            let mut cuts = vec![pack(&file[..short])];
            match packing {
                "gzip" => cuts.push(packed[..packed.len() - 9].to_vec()),
                "bzip2" => cuts.push(packed[..packed.len() / 2].to_vec()),
                _ => {}
            }
            for (around, cut) in cuts.iter().enumerate() {
                let said = decode(&[option, "-", "-o", "json"], cut);
                let case = format!("{name} {packing} {around}: {}", said.err);
                assert_eq!(said.status, 1, "{case}");
                let sound = said
                    .json()
                    .iter()
                    .filter(|one| one["error"].is_null())
                    .count();
                match (around, packing) {
                    (0, _) => assert_eq!(sound, 2, "{case}"),
                    // A block of bzip2 is unpacked whole or not at all.
                    (_, "bzip2") => assert_eq!(sound, 0, "{case}"),
                    (_, _) => assert!(sound >= 1, "{case}"),
                }
                let place = match (around, name) {
                    (0, "raw") => "",
                    (0, "MRT") => {
                        "cosmos: standard input: ends in the middle of a record at octet 156\n"
                    }
                    (0, _) => "cosmos: standard input: ends in the middle of a packet at octet ",
                    (_, _) => "cosmos: standard input: ends in the middle of the ",
                };
                assert!(said.err.starts_with(place), "{case}");
                if around == 0 && name == "raw" {
                    let last = said.json().pop().unwrap();
                    assert_eq!(last["offset"], 92);
                    assert_eq!(
                        last["error"]["reason"],
                        "the input ends after 26 of 46 octets"
                    );
                }
            }
        }
    }
}

#[test]
fn what_is_too_short_to_be_what_it_claims_is_status_2() {
    for (option, name, file, head) in holders() {
        for length in 1..head {
            for (packing, pack) in PACKS {
                // A pcap file is told by its first four octets.
                if name.starts_with("pcap") && length < 4 {
                    continue;
                }
                let said = decode(&[option, "-"], &pack(&file[..length]));
                let what = if name == "MRT" {
                    "an MRT record".to_owned()
                } else {
                    format!("a {name} file")
                };
                let octets = match length {
                    1 => "1 octet is".to_owned(),
                    length => format!("{length} octets are"),
                };
                let wanted = format!("cosmos: standard input: {octets} too few to be {what}\n");
                assert!(said.err.starts_with(&wanted), "{packing}: {}", said.err);
                assert_eq!(said.status, 2, "{name} {packing} {length}");
            }
        }
        for (packing, pack) in &PACKS[1..] {
            let said = decode(&[option, "-"], &pack(&file)[..12]);
            let wanted =
                format!("cosmos: standard input: 12 octets are too few to be a {packing} file\n");
            assert!(said.err.starts_with(&wanted), "{name}: {}", said.err);
            assert_eq!(said.status, 2, "{name} {packing}");
        }
    }
}

#[test]
fn what_is_empty_is_no_message_and_is_said_to_be_empty() {
    let inputs = [("--hex", "hex")].into_iter();
    let holders = holders().map(|(option, name, ..)| (option, name));
    for (option, name) in inputs.chain(holders) {
        for (packing, pack) in PACKS {
            let said = decode(&[option, "-"], &pack(b""));
            assert_eq!(
                (said.status, said.out.as_str()),
                (0, ""),
                "{name} {packing}"
            );
            assert_eq!(
                said.err,
                "note: standard input is empty\n0 messages, 0 malformed, 0 bytes skipped\n",
                "{name} {packing}"
            );
        }
    }
}

/// The magic numbers are those of xz's file format and of RFC 8878 section 3.1.1.
#[test]
fn a_compression_that_is_not_read_is_named() {
    for (magic, name) in [
        (&[0xfd, b'7', b'z', b'X', b'Z', 0][..], "xz"),
        (&[0x28, 0xb5, 0x2f, 0xfd], "zstd"),
    ] {
        let file = [magic, &[0; 200]].concat();
        for option in ["--hex", "--raw", "--pcap", "--mrt"] {
            let said = decode(&[option, "-"], &file);
            let wanted = format!(
                "cosmos: standard input: compressed with {name}, which is not read here (gzip and bzip2 are): unpack it first\n"
            );
            assert!(said.err.starts_with(&wanted), "{option}: {}", said.err);
            assert_eq!(said.status, 2, "{option} {name}");
        }
    }
}
