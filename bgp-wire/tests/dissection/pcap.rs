//! A capture of one TCP connection to port 179, each message in a segment of its own.

/// A pcap file of raw IPv4 packets.
pub(crate) fn capture(messages: &[&[u8]]) -> Vec<u8> {
    const RAW_IPV4: u32 = 228;
    let mut file = Vec::new();
    file.extend(0xa1b2_c3d4u32.to_le_bytes());
    file.extend([2, 0, 4, 0]);
    file.extend([0; 8]);
    file.extend(262_144u32.to_le_bytes());
    file.extend(RAW_IPV4.to_le_bytes());
    let mut sequence = 1u32;
    for (second, message) in (1u32..).zip(messages) {
        let packet = segment(sequence, message);
        let length = u32::try_from(packet.len())
            .expect("a packet is short")
            .to_le_bytes();
        file.extend(second.to_le_bytes());
        file.extend([0; 4]);
        file.extend(length);
        file.extend(length);
        file.extend(packet);
        sequence += u32::try_from(message.len()).expect("a message is short");
    }
    file
}

/// IPv4 and TCP around octets of a connection from 192.0.2.1 to 192.0.2.2.
fn segment(sequence: u32, octets: &[u8]) -> Vec<u8> {
    const HEADERS: usize = 40;
    let length = u16::try_from(HEADERS + octets.len()).expect("a packet is short");
    let mut packet = vec![0x45, 0];
    packet.extend(length.to_be_bytes());
    packet.extend([0, 0, 0x40, 0, 64, 6, 0, 0, 192, 0, 2, 1, 192, 0, 2, 2]);
    let sum = checksum(&packet).to_be_bytes();
    packet[10..12].copy_from_slice(&sum);
    packet.extend(40_000u16.to_be_bytes());
    packet.extend(179u16.to_be_bytes());
    packet.extend(sequence.to_be_bytes());
    packet.extend(1u32.to_be_bytes());
    // Five words of header, PSH and ACK, the window; nobody looks at the sum.
    packet.extend([0x50, 0x18, 0xff, 0xff, 0, 0, 0, 0]);
    packet.extend(octets);
    packet
}

fn checksum(header: &[u8]) -> u16 {
    let words = header
        .chunks(2)
        .map(|two| u32::from(two[0]) << 8 | u32::from(two[1]));
    let sum: u32 = words.sum();
    let folded = (sum & 0xffff) + (sum >> 16);
    !u16::try_from(folded & 0xffff).expect("sixteen bits")
}
