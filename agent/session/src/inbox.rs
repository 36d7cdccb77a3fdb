//! Bytes to frames, across the borders of reads.
//!
//! Frames that lie in one read are handed out from where they are. Only the beginning of a frame whose end is not there yet
//! is kept: at most one message, and nothing (not even capacity) between messages.

use bgp_wire::{Frame, MessageType, Notification, codes, next_frame};
use bytes::BytesMut;

/// RFC 4271 §4.1: marker, length, type.
const HEADER_LEN: usize = 19;

/// The beginning of a message.
#[derive(Debug, Default)]
pub(crate) struct Inbox {
    partial: BytesMut,
    /// `partial` is a whole frame that was handed out.
    spent: bool,
}

/// A header that makes no sense.
#[derive(Debug)]
pub(crate) struct BadHeader {
    pub(crate) notification: Notification,
    /// It is the header of a NOTIFICATION.
    pub(crate) of_notification: bool,
}

impl Inbox {
    /// The next frame of what was kept and `input`, which moves past what was used; `None` when there is no whole frame, and
    /// then `input` is used up.
    pub(crate) fn next<'a, 'i: 'a>(
        &'a mut self,
        input: &mut &'i [u8],
        max_len: usize,
    ) -> Result<Option<Frame<'a>>, BadHeader> {
        if self.spent {
            self.partial = BytesMut::new();
            self.spent = false;
        }
        if self.partial.is_empty() {
            return match framed(input, max_len)? {
                Some((frame, used)) => {
                    *input = &input[used..];
                    Ok(Some(frame))
                }
                None => {
                    self.keep(input, input.len());
                    Ok(None)
                }
            };
        }
        // First the header, which says how much more belongs to the frame: the rest of the input is not copied.
        self.keep(input, HEADER_LEN.saturating_sub(self.partial.len()));
        if framed(&self.partial, max_len)?.is_none() {
            let Some(&[high, low]) = self.partial.get(16..18) else {
                return Ok(None);
            };
            let length = usize::from(u16::from_be_bytes([high, low]));
            self.keep(input, length.saturating_sub(self.partial.len()));
        }
        let Some((frame, _)) = framed(&self.partial, max_len)? else {
            return Ok(None);
        };
        self.spent = true;
        Ok(Some(frame))
    }

    /// How much is kept.
    #[cfg(test)]
    pub(crate) fn kept(&self) -> usize {
        if self.spent {
            0
        } else {
            self.partial.capacity()
        }
    }

    fn keep(&mut self, input: &mut &[u8], count: usize) {
        let (head, rest) = input.split_at(count.min(input.len()));
        self.partial.extend_from_slice(head);
        *input = rest;
    }
}

fn framed(input: &[u8], max_len: usize) -> Result<Option<(Frame<'_>, usize)>, BadHeader> {
    next_frame(input, max_len).map_err(|bad| BadHeader {
        // Without its marker nothing is a message, and the octet that would be the type is none.
        of_notification: bad.notification.subcode != codes::header::NOT_SYNCHRONIZED
            && input.get(HEADER_LEN - 1) == Some(&MessageType::Notification.code()),
        notification: bad.notification,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX: usize = 4096;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u16::try_from(HEADER_LEN + body.len()).unwrap();
        let mut bytes = vec![0xff; 16];
        bytes.extend_from_slice(&length.to_be_bytes());
        bytes.push(kind);
        bytes.extend_from_slice(body);
        bytes
    }

    /// The types and lengths of the frames that come out when `bytes` come in reads of `size`.
    fn read(bytes: &[u8], size: usize) -> Vec<(u8, usize)> {
        let mut inbox = Inbox::default();
        let mut out = Vec::new();
        for mut read in bytes.chunks(size) {
            while let Some(frame) = inbox.next(&mut read, MAX).unwrap() {
                out.push((frame.kind.code(), frame.bytes.len()));
            }
            assert!(read.is_empty(), "a read is used up");
            assert!(inbox.partial.len() <= MAX);
        }
        out
    }

    fn three() -> Vec<u8> {
        [message(4, &[]), message(2, &[0; 500]), message(4, &[])].concat()
    }

    #[test]
    fn the_size_of_reads_makes_no_difference() {
        let whole = [(4, 19), (2, 519), (4, 19)];
        for size in [1, 2, 3, 18, 19, 20, 37, 38, 39, 500, 538, 557, 10_000] {
            assert_eq!(read(&three(), size), whole, "reads of {size}");
        }
    }

    #[test]
    fn frames_of_one_read_are_not_copied() {
        let bytes = three();
        let mut inbox = Inbox::default();
        let mut input = &bytes[..];
        while let Some(frame) = inbox.next(&mut input, MAX).unwrap() {
            assert!(bytes.as_ptr_range().contains(&frame.bytes.as_ptr()));
        }
        assert_eq!(inbox.kept(), 0);
    }

    #[test]
    fn only_the_cut_frame_is_copied() {
        let bytes = three();
        let mut inbox = Inbox::default();
        let (first, second) = bytes.split_at(19 + 30);
        let mut input = first;
        assert!(inbox.next(&mut input, MAX).unwrap().is_some());
        assert!(inbox.next(&mut input, MAX).unwrap().is_none());
        assert_eq!(inbox.partial.len(), 30);
        let mut input = second;
        assert_eq!(
            inbox.next(&mut input, MAX).unwrap().map(|f| f.bytes.len()),
            Some(519)
        );
        assert_eq!(input.len(), 19, "the next message stayed in the read");
        assert!(inbox.next(&mut input, MAX).unwrap().is_some());
        assert_eq!(inbox.kept(), 0, "capacity is given back");
    }

    #[test]
    fn a_bad_header_is_noticed_before_the_message_is_there() {
        let mut bytes = message(2, &[0; 4]);
        bytes[16..18].copy_from_slice(&5000u16.to_be_bytes());
        let mut inbox = Inbox::default();
        for (i, byte) in bytes.iter().enumerate() {
            match inbox.next(&mut &[*byte][..], MAX) {
                Ok(frame) => assert!(frame.is_none()),
                Err(bad) => {
                    assert_eq!((bad.notification.code, bad.notification.subcode), (1, 2));
                    assert!(i < HEADER_LEN);
                    return;
                }
            }
        }
        panic!("a length of 5000 was accepted");
    }
}
