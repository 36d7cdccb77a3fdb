//! A byte stream of messages from a reader.

use std::io::{ErrorKind, Read};

use crate::ReadError;
use crate::stream::{Found, Piece, Splitter};

/// How much is read at a time.
const CHUNK: usize = 64 * 1024;

/// Reads messages, one after the other.
#[derive(Debug)]
pub struct RawReader<R> {
    reader: R,
    splitter: Splitter,
    chunk: Vec<u8>,
    ended: bool,
}

impl<R: Read> RawReader<R> {
    /// Reads from where a message begins.
    pub fn new(reader: R) -> Self {
        Self {
            reader,
            splitter: Splitter::new(),
            chunk: vec![0; CHUNK],
            ended: false,
        }
    }

    /// What is next; `None` at the end. A message may be `max_len` long.
    ///
    /// After an error, the next call tells what was left.
    pub fn poll(&mut self, max_len: usize) -> Result<Option<Found>, ReadError> {
        loop {
            if let Some(found) = self.splitter.poll(max_len) {
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
