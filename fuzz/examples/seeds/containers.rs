//! Containers of messages: hexadecimal text, streams, captures, MRT.

use bgp_fuzz::message;

use crate::Seeds;

/// The same few messages in every container.
pub(crate) fn every(updates: &Seeds) -> Seeds {
    let stream: Vec<u8> = updates
        .iter()
        .take(2)
        .flat_map(|(_, seed)| message(2, &seed[1..]))
        .collect();
    let hex: String = stream.iter().map(|octet| format!("{octet:02x} ")).collect();
    // An Ethernet frame with IPv4 and TCP from 192.0.2.1:179 to 192.0.2.2:40000.
    let length = |octets: usize| u16::try_from(octets).expect("short").to_be_bytes();
    let [high, low] = length(40 + stream.len());
    let packet = [
        &[2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0][..],
        &[
            0x45, 0, high, low, 0, 0, 0, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2,
        ],
        &[
            0, 179, 0x9c, 0x40, 0, 0, 0, 1, 0, 0, 0, 1, 0x50, 0x10, 0xff, 0xff, 0, 0, 0, 0,
        ],
        &stream,
    ]
    .concat();
    let size = u32::try_from(packet.len()).expect("short").to_le_bytes();
    let pcap = [
        &[
            0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 1, 0, 0, 0,
        ][..],
        &[0; 8],
        &size,
        &size,
        &packet,
    ]
    .concat();
    let body = [
        &[
            0, 0, 0xfd, 0xe9, 0, 0, 0xfd, 0xe8, 0, 0, 0, 1, 192, 0, 2, 1, 192, 0, 2, 2,
        ][..],
        &message(2, &updates[0].1[1..]),
    ]
    .concat();
    let size = u32::try_from(body.len()).expect("short").to_be_bytes();
    let mrt = [&[0x4b, 0x89, 0x3a, 0, 0, 16, 0, 4][..], &size, &body].concat();
    let all: [(u8, &str, &[u8]); 4] = [
        (0, "hex", hex.as_bytes()),
        (1, "raw", &stream),
        (2, "pcap", &pcap),
        (3, "mrt", &mrt),
    ];
    all.into_iter()
        .map(|(kind, name, octets)| (name.into(), [&[kind], octets].concat()))
        .collect()
}
