//! The messages of a real route collector.

use std::io::Read;

/// A BGP message of the collector, and whether its AS numbers have four octets.
#[derive(Clone, Debug)]
pub struct RealMessage {
    /// The whole message, marker included.
    pub bytes: Vec<u8>,
    /// The session it comes from had negotiated four-octet AS numbers (RFC 6793).
    pub asn4: bool,
}

/// The messages of the collector's file, in order (RFC 6396 §4.4).
///
/// # Panics
/// When the file in `benches/data` is not what it was.
#[must_use]
pub fn real_messages() -> Vec<RealMessage> {
    let packed = include_bytes!("../data/rrc15-updates.20100227.1600.gz");
    let mut dump = Vec::new();
    flate2::read::GzDecoder::new(&packed[..])
        .read_to_end(&mut dump)
        .expect("a gzip file");
    let mut rest = &dump[..];
    let mut found = Vec::new();
    while let Some((header, after)) = rest.split_at_checked(12) {
        let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let length = u32::from_be_bytes([header[8], header[9], header[10], header[11]]);
        let (body, next) = after.split_at(usize::try_from(length).expect("64 bits"));
        rest = next;
        // BGP4MP_MESSAGE and BGP4MP_MESSAGE_AS4; a state change is no message.
        let as_size = match (number(4), number(6)) {
            (16, 1) => 2,
            (16, 4) => 4,
            _ => continue,
        };
        let family = 2 * as_size + 2;
        let addresses = if body[family + 1] == 2 { 32 } else { 8 };
        let bytes = body[family + 2 + addresses..].to_vec();
        found.push(RealMessage {
            bytes,
            asn4: as_size == 4,
        });
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_of_the_collector_holds_what_it_says() {
        let messages = real_messages();
        assert_eq!(messages.iter().filter(|m| m.asn4).count(), 6053);
        assert_eq!(messages.iter().filter(|m| !m.asn4).count(), 542);
        assert!(messages.iter().all(|m| m.bytes[..16] == [0xff; 16]));
    }
}
