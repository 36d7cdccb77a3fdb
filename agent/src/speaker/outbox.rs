//! What waits to be written to one connection, in order, without copies.
//!
//! Whole messages go in, so a KEEPALIVE of the session machine may stand between two chunks of UPDATEs but never inside
//! a message. Chunks are reference-counted: members of one export group share their bytes.

use std::collections::VecDeque;
use std::io;
use std::io::IoSlice;

use bytes::{Buf, Bytes};
use tokio::net::TcpStream;

/// How many chunks one write hands to the kernel.
const SLICES: usize = 16;

/// The queue in front of one socket.
#[derive(Debug, Default)]
pub(super) struct Outbox {
    chunks: VecDeque<Bytes>,
    bytes: usize,
}

/// What a flush came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Flushed {
    /// Bytes that the kernel took.
    pub(super) written: usize,
    /// The socket takes no more for now, and something is left.
    pub(super) blocked: bool,
}

impl Outbox {
    pub(super) fn push(&mut self, chunk: Bytes) {
        if !chunk.is_empty() {
            self.bytes += chunk.len();
            self.chunks.push_back(chunk);
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.chunks.is_empty()
    }

    /// Bytes that wait.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// Writes as much as the socket takes.
    pub(super) fn flush(&mut self, stream: &TcpStream) -> io::Result<Flushed> {
        self.flush_with(|slices| stream.try_write_vectored(slices))
    }

    fn flush_with(
        &mut self,
        mut write: impl FnMut(&[IoSlice<'_>]) -> io::Result<usize>,
    ) -> io::Result<Flushed> {
        let mut written = 0;
        while !self.chunks.is_empty() {
            let mut slices = [IoSlice::new(&[]); SLICES];
            let mut used = 0;
            for (slice, chunk) in slices.iter_mut().zip(&self.chunks) {
                *slice = IoSlice::new(chunk);
                used += 1;
            }
            match write(&slices[..used]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(count) => {
                    written += count;
                    self.consume(count);
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Ok(Flushed {
                        written,
                        blocked: true,
                    });
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Flushed {
            written,
            blocked: false,
        })
    }

    fn consume(&mut self, mut count: usize) {
        self.bytes -= count;
        while let Some(front) = self.chunks.front_mut() {
            if count < front.len() {
                front.advance(count);
                return;
            }
            count -= front.len();
            self.chunks.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn partial_writes_keep_order_and_count() {
        let mut outbox = Outbox::default();
        for chunk in [&b"abc"[..], b"", b"defgh", b"i"] {
            outbox.push(Bytes::copy_from_slice(chunk));
        }
        assert_eq!(outbox.len(), 9);
        let mut seen = Vec::new();
        let mut room = [2, 4, 0].into_iter();
        let flushed = outbox
            .flush_with(|slices| match room.next() {
                Some(0) | None => Err(io::ErrorKind::WouldBlock.into()),
                Some(n) => {
                    let all: Vec<u8> = slices.iter().flat_map(|s| s.iter().copied()).collect();
                    seen.extend_from_slice(&all[..n]);
                    Ok(n)
                }
            })
            .unwrap();
        assert_eq!(
            flushed,
            Flushed {
                written: 6,
                blocked: true
            }
        );
        assert_eq!((seen.as_slice(), outbox.len()), (&b"abcdef"[..], 3));
        let flushed = outbox
            .flush_with(|slices| {
                seen.extend(slices.iter().flat_map(|s| s.iter().copied()));
                Ok(slices.iter().map(|s| s.len()).sum())
            })
            .unwrap();
        assert_eq!(
            flushed,
            Flushed {
                written: 3,
                blocked: false
            }
        );
        assert_eq!(seen, b"abcdefghi");
        assert!(outbox.is_empty());
    }
}
