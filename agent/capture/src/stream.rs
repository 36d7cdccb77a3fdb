//! Cuts a byte stream into messages, and finds them again after octets that are none.
//!
//! A stream is *synchronised* while each message begins where the one before ended. Where no message
//! begins although one must, [`Found::BadHeader`] says so once and the stream counts as not synchronised:
//! octets are passed over, and counted, until a header is found that can be one. A stream that is joined
//! in its middle starts in that state, without a complaint.

use std::ops::Range;

use bgp_wire::frame::{HEADER_LEN, MAX_EXTENDED_LEN};
use bgp_wire::{MessageError, next_frame};

const MARKER_LEN: usize = 16;
/// What stands at most between two messages that were captured in packets: the headers of Ethernet, IP and TCP with all their
/// options, those of a tunnel, and an acknowledgement or two.
const MAX_HEADERS: usize = 512;
/// Memory that an idle stream keeps. Many streams are open at a time.
const KEPT: usize = 16 * 1024;

/// What was found in a stream. [`Splitter::octets`] gives its octets.
#[derive(Debug)]
pub enum Found {
    /// A whole message with a good header.
    Message(Piece),
    /// A header that is wrong, at a place where a message has to begin.
    BadHeader(Piece, Box<MessageError>),
    /// The stream ends in the middle of a message.
    Cut(Piece),
}

/// What stands where a message has to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Front {
    /// A message, well or badly begun.
    Message,
    /// Something else, which was passed over: so many octets.
    Passed(u64),
    /// More octets are needed to tell.
    Unknown,
}

/// Octets of the stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where they begin, counted in octets from the start of the stream.
    pub offset: u64,
    place: Range<usize>,
}

/// Cuts one stream. It holds the message that is not complete yet and what was pushed last.
#[derive(Debug)]
pub struct Splitter {
    buffer: Vec<u8>,
    /// What is before this has been given out.
    start: usize,
    /// The octets of the stream before `buffer`.
    base: u64,
    synchronised: bool,
    skipped: u64,
}

impl Splitter {
    /// The start of a stream, where a message begins.
    pub fn new() -> Self {
        Self {
            buffer: Vec::new(),
            start: 0,
            base: 0,
            synchronised: true,
            skipped: 0,
        }
    }

    /// A stream that is joined somewhere in its middle.
    pub fn midstream() -> Self {
        Self {
            synchronised: false,
            ..Self::new()
        }
    }

    /// The octets that were in no message so far.
    pub fn skipped(&self) -> u64 {
        self.skipped
    }

    /// The octets that wait for more of their message.
    pub fn pending(&self) -> usize {
        self.rest().len()
    }

    /// Where the next octet to be given out is in the stream.
    pub fn offset(&self) -> u64 {
        self.base.saturating_add(to_u64(self.start))
    }

    /// Adds octets. What [`poll`](Self::poll) gave before is gone.
    pub fn push(&mut self, octets: &[u8]) {
        self.forget();
        self.buffer.extend_from_slice(octets);
    }

    /// Says that octets of the stream are lost. What waited for them is passed over.
    pub fn lose(&mut self, octets: u64) {
        let waiting = self.rest().len();
        self.skip(waiting);
        self.forget();
        self.base = self.base.saturating_add(octets);
        self.synchronised = false;
    }

    /// The octets of what was found, until the next [`push`](Self::push).
    pub fn octets(&self, piece: &Piece) -> &[u8] {
        self.buffer.get(piece.place.clone()).unwrap_or(&[])
    }

    /// What is next; `None` if more octets are needed to tell. A message may be `max_len` long.
    pub fn poll(&mut self, max_len: usize) -> Option<Found> {
        if !self.synchronised {
            self.search();
        }
        if !self.synchronised {
            return None;
        }
        let taken = match next_frame(self.rest(), max_len) {
            Ok(frame) => Ok(frame.map(|(_, used)| used)),
            Err(error) => Err(error),
        };
        match taken {
            Ok(used) => used.map(|used| Found::Message(self.take(used))),
            Err(error) => {
                self.synchronised = false;
                let piece = self.take(HEADER_LEN);
                // Only its first octet is certain not to begin a message.
                self.start = piece.place.start.saturating_add(1);
                self.skipped = self.skipped.saturating_add(1);
                Some(Found::BadHeader(piece, Box::new(error)))
            }
        }
    }

    /// Passes over what stands in front of the next marker if it cannot be meant as one, as the headers of a packet. `ended`:
    /// nothing more comes. `to_the_end`: what no message follows is passed over too.
    pub(crate) fn pass_over_headers(&mut self, ended: bool, to_the_end: bool) -> Front {
        let rest = self.rest();
        if !self.synchronised || rest.is_empty() {
            return Front::Message;
        }
        let first = rest.get(..MARKER_LEN).unwrap_or(rest);
        let others = first.iter().filter(|octet| **octet != 0xff).count();
        let is_whole = first.len() == MARKER_LEN;
        // Half a marker is one that has been damaged.
        if others == 0 || is_whole && others <= MARKER_LEN / 2 {
            return Front::Message;
        }
        if !is_whole && !ended {
            return Front::Unknown;
        }
        let begins = |at: &usize| {
            let message = rest.get(*at..).unwrap_or(&[]);
            message.starts_with(&[0xff; MARKER_LEN])
                && next_frame(message, MAX_EXTENDED_LEN).is_ok()
        };
        let length = match (1..=MAX_HEADERS).find(begins) {
            Some(at) => at,
            None if ended && to_the_end => rest.len(),
            None if !ended && rest.len() < MAX_HEADERS.saturating_add(HEADER_LEN) => {
                return Front::Unknown;
            }
            None => return Front::Message,
        };
        self.skip(length);
        Front::Passed(to_u64(length))
    }

    /// The stream is over: what is left of it.
    pub fn finish(&mut self) -> Option<Found> {
        let left = self.rest().len();
        if left == 0 {
            return None;
        }
        if self.synchronised {
            Some(Found::Cut(self.take(left)))
        } else {
            self.skip(left);
            None
        }
    }

    fn rest(&self) -> &[u8] {
        self.buffer.get(self.start..).unwrap_or(&[])
    }

    fn take(&mut self, length: usize) -> Piece {
        let end = self.start.saturating_add(length).min(self.buffer.len());
        let piece = Piece {
            offset: self.offset(),
            place: self.start..end,
        };
        self.start = end;
        piece
    }

    fn skip(&mut self, octets: usize) {
        self.start = self.start.saturating_add(octets).min(self.buffer.len());
        self.skipped = self.skipped.saturating_add(to_u64(octets));
    }

    /// Passes over octets up to a header that can be one. What may be the start of one stays.
    fn search(&mut self) {
        let rest = self.rest();
        let mut at = 0;
        let found = loop {
            // The next run of octets that may be a marker.
            let Some(ahead) = rest.get(at..) else {
                break false;
            };
            let Some(run) = ahead.iter().position(|octet| *octet == 0xff) else {
                at = rest.len();
                break false;
            };
            at += run;
            let ahead = ahead.get(run..).unwrap_or(&[]);
            let ones = ahead
                .iter()
                .take(MARKER_LEN)
                .take_while(|octet| **octet == 0xff)
                .count();
            if ahead.len() < HEADER_LEN && ones == ahead.len().min(MARKER_LEN) {
                break false;
            }
            if ones < MARKER_LEN {
                at += ones;
            } else if next_frame(ahead, MAX_EXTENDED_LEN).is_ok() {
                break true;
            } else {
                at += 1;
            }
        };
        self.synchronised = found;
        self.skip(at);
    }

    /// Forgets what has been given out, once that is worth moving the rest.
    fn forget(&mut self) {
        if self.start == self.buffer.len() {
            self.base = self.offset();
            self.buffer.clear();
            self.start = 0;
        } else if self.start >= MAX_EXTENDED_LEN {
            self.base = self.offset();
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        // A stream that was busy once does not keep its memory for ever.
        if self.buffer.is_empty() && self.buffer.capacity() > KEPT {
            self.buffer = Vec::new();
        }
    }
}

impl Default for Splitter {
    fn default() -> Self {
        Self::new()
    }
}

pub(crate) fn to_u64(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keepalive() -> Vec<u8> {
        let mut message = vec![0xff; 16];
        message.extend([0, 19, 4]);
        message
    }

    /// Everything found in a stream that comes in pieces of `size`, in words, and the skipped octets.
    fn split(mut splitter: Splitter, stream: &[u8], size: usize) -> (Vec<String>, u64) {
        let mut said = Vec::new();
        for octets in stream.chunks(size) {
            splitter.push(octets);
            while let Some(found) = splitter.poll(4096) {
                said.push(words(&splitter, &found));
            }
        }
        if let Some(found) = splitter.finish() {
            said.push(words(&splitter, &found));
        }
        (said, splitter.skipped())
    }

    fn words(splitter: &Splitter, found: &Found) -> String {
        match found {
            Found::Message(piece) => {
                format!("{}+{}", piece.offset, splitter.octets(piece).len())
            }
            Found::BadHeader(piece, error) => format!(
                "{}: {}/{}",
                piece.offset, error.notification.code, error.notification.subcode
            ),
            Found::Cut(piece) => {
                format!(
                    "{}: cut after {}",
                    piece.offset,
                    splitter.octets(piece).len()
                )
            }
        }
    }

    #[test]
    fn messages_are_found_however_the_stream_is_cut() {
        let stream = [keepalive(), keepalive(), keepalive()].concat();
        for size in 1..=stream.len() {
            let found = split(Splitter::new(), &stream, size);
            assert_eq!(
                found,
                (vec!["0+19".into(), "19+19".into(), "38+19".into()], 0)
            );
        }
    }

    /// RFC 4271 §6.1: a marker that is not all ones is 1/1, a bad length 1/2, a bad type 1/3.
    #[test]
    fn a_bad_header_is_said_once_and_the_next_message_is_found() {
        let mut unknown = keepalive();
        unknown[18] = 9;
        let mut long = keepalive();
        long[16] = 0x20;
        for (junk, code) in [
            (b"junk".to_vec(), "19: 1/1"),
            (vec![0; 100_000], "19: 1/1"),
            (vec![0xff; 30], "19: 1/2"),
            (unknown, "19: 1/3"),
            (long, "19: 1/2"),
        ] {
            let stream = [keepalive(), junk.clone(), keepalive(), keepalive()].concat();
            let after = 19 + junk.len();
            let wanted = vec![
                "0+19".to_owned(),
                code.to_owned(),
                format!("{after}+19"),
                format!("{}+19", after + 19),
            ];
            for size in [1, 7, 19, 20, stream.len()] {
                let found = split(Splitter::new(), &stream, size);
                assert_eq!(found, (wanted.clone(), junk.len() as u64), "{code} {size}");
            }
        }
    }

    #[test]
    fn a_stream_joined_in_its_middle_is_not_complained_about() {
        let stream = [
            vec![1, 2, 0xff, 0xff, 3],
            keepalive(),
            keepalive()[..10].to_vec(),
        ]
        .concat();
        for size in 1..=stream.len() {
            let found = split(Splitter::midstream(), &stream, size);
            assert_eq!(found, (vec!["5+19".into(), "24: cut after 10".into()], 5));
        }
    }

    #[test]
    fn a_gap_is_passed_over_and_counted_in_the_offsets() {
        let mut splitter = Splitter::new();
        splitter.push(&keepalive()[..12]);
        assert!(splitter.poll(4096).is_none());
        splitter.lose(1000);
        splitter.push(&[&[9; 5][..], &keepalive()].concat());
        let Some(Found::Message(piece)) = splitter.poll(4096) else {
            panic!("no message")
        };
        assert_eq!((piece.offset, splitter.skipped()), (12 + 1000 + 5, 17));
        assert!(splitter.finish().is_none());
    }

    #[test]
    fn memory_stays_bounded_over_a_long_stream() {
        let mut splitter = Splitter::new();
        let many = keepalive().repeat(1000);
        for _ in 0..200 {
            splitter.push(&many);
            while splitter.poll(4096).is_some() {}
            splitter.push(&[]);
            assert!(splitter.buffer.capacity() <= 2 * MAX_EXTENDED_LEN + many.len());
        }
        assert_eq!(splitter.offset(), 200 * 19_000);
    }
}
