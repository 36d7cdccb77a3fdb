//! A byte stream of messages from a reader.

use std::io::{ErrorKind, Read};

use crate::ReadError;
use crate::stream::{Found, Front, Piece, Splitter};

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// Reads messages, one after the other.
#[derive(Debug)]
pub struct RawReader<R> {
    reader: R,
    splitter: Splitter,
    chunk: Vec<u8>,
    ended: bool,
    /// The messages may stand in packets, headers and all.
    packets: bool,
    /// The octets in front of the first message.
    in_front: u64,
}

impl<R: Read> RawReader<R> {
    /// Reads from where a message begins.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            splitter: Splitter::new(),
            chunk: vec![0; CHUNK],
            ended: false,
            packets: false,
            in_front: 0,
        }
    }

    /// Reads from where a message begins, or a packet that has one: the headers in front of its marker are passed over, and so
    /// are those of further packets behind it.
    pub fn with_headers(reader: R) -> Self {
        Self {
            packets: true,
            ..Self::new(reader)
        }
    }

    /// The octets that stood in front of the first marker, as the headers of a packet do.
    pub fn in_front(&self) -> u64 {
        self.in_front
    }

    /// Whether what is next can be told apart from headers; those are passed over.
    fn is_at_message(&mut self) -> bool {
        let first = self.splitter.offset() == 0;
        if !self.packets || !first && self.in_front == 0 {
            return true;
        }
        match self.splitter.pass_over_headers(self.ended, !first) {
            Front::Message => true,
            Front::Unknown => false,
            Front::Passed(octets) => {
                if first {
                    self.in_front = octets;
                }
                true
            }
        }
    }

    /// What is next; `None` at the end. A message may be `max_len` long.
    ///
    /// After an error, the next call tells what was left.
    pub fn poll(&mut self, max_len: usize) -> Result<Option<Found>, ReadError> {
        loop {
            if self.is_at_message()
                && let Some(found) = self.splitter.poll(max_len)
            {
                return Ok(Some(found));
            }
            if self.ended {
                return Ok(self.splitter.finish());
            }
            match self.reader.read(&mut self.chunk) {
                Ok(0) => self.ended = true,
                Ok(read) => self.splitter.push(self.chunk.get(..read).unwrap_or(&[])),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.ended = true;
                    return Err(error.into());
                }
            }
        }
    }

    /// The octets of what was found, until the next [`poll`](Self::poll).
    pub fn octets(&self, piece: &Piece) -> &[u8] {
        self.splitter.octets(piece)
    }

    /// The octets of the stream so far.
    pub fn offset(&self) -> u64 {
        self.splitter.offset()
    }

    /// The octets that were in no message so far.
    pub fn skipped(&self) -> u64 {
        self.splitter.skipped()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives one octet at a time.
    struct Slow<'a>(&'a [u8]);

    impl Read for Slow<'_> {
        fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
            let one = out.len().min(1);
            self.0.read(&mut out[..one])
        }
    }

    /// What is found in words, the octets in front, and those skipped.
    fn of_packets(stream: &[u8]) -> (Vec<String>, u64, u64) {
        let mut reader = RawReader::with_headers(Slow(stream));
        let mut said = Vec::new();
        while let Some(found) = reader.poll(4096).unwrap() {
            said.push(match found {
                Found::Message(piece) => format!("{}", piece.offset),
                Found::BadHeader(piece, _) => format!("{} bad", piece.offset),
                Found::Cut(piece) => format!("{} cut", piece.offset),
            });
        }
        (said, reader.in_front(), reader.skipped())
    }

    #[test]
    fn headers_of_packets_are_passed_over() {
        let mut keepalive = vec![0xff; 16];
        keepalive.extend([0, 19, 4]);
        // Ethernet to all, IPv4, TCP.
        let header: Vec<u8> = [&[0xff; 6][..], &[0x45; 48]].concat();
        let packet = [&header[..], &keepalive, &keepalive].concat();
        for (stream, wanted) in [
            (packet.clone(), (vec!["54", "73"], 54, 54)),
            // The next packet, one that only acknowledges, and its end.
            (
                [&packet[..], &packet, &header].concat(),
                (vec!["54", "73", "146", "165"], 54, 162),
            ),
            // No packet: as without headers.
            (keepalive.repeat(2), (vec!["0", "19"], 0, 0)),
            (header.clone(), (vec!["0 bad"], 0, 54)),
            (
                [&keepalive[..], &header, &keepalive].concat(),
                (vec!["0", "19 bad", "73"], 0, 54),
            ),
            (
                [&[0xff; 7][..], &[0; 9], &keepalive].concat(),
                (vec!["16"], 16, 16),
            ),
            // A marker that is damaged is no header.
            (
                [&[0xff; 9][..], &[0; 7], &keepalive].concat(),
                (vec!["0 bad", "16"], 0, 16),
            ),
            (keepalive[..10].to_vec(), (vec!["0 cut"], 0, 0)),
            (vec![], (vec![], 0, 0)),
        ] {
            let (said, in_front, skipped) = of_packets(&stream);
            assert_eq!(
                (said.iter().map(String::as_str).collect(), in_front, skipped),
                wanted
            );
        }
    }

    #[test]
    fn a_stream_longer_than_a_chunk_is_read_to_its_end() {
        let mut keepalive = vec![0xff; 16];
        keepalive.extend([0, 19, 4]);
        let stream = keepalive.repeat(10_000);
        let mut reader = RawReader::new(&stream[..stream.len() - 1]);
        let (mut messages, mut cut) = (0, None);
        while let Some(found) = reader.poll(4096).unwrap() {
            match found {
                Found::Message(piece) => {
                    assert_eq!(reader.octets(&piece), keepalive);
                    messages += 1;
                }
                Found::Cut(piece) => cut = Some((piece.offset, reader.octets(&piece).len())),
                Found::BadHeader(..) => panic!("a bad header"),
            }
        }
        assert_eq!((messages, cut), (9_999, Some((189_981, 18))));
    }
}
