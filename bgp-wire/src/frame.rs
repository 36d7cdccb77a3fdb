//! The message header (RFC 4271 §4.1): cuts a byte stream into messages, without copying.

use std::fmt;

use bytes::{BufMut, BytesMut};

use crate::codes;
use crate::error::{DecodeError, EncodeError, MessageError, Reason};

/// Octets of marker, length and type.
pub const HEADER_LEN: usize = 19;
/// The longest message without RFC 8654.
pub const MAX_LEN: usize = 4096;
/// The longest message with RFC 8654.
pub const MAX_EXTENDED_LEN: usize = 65535;

const MARKER: [u8; 16] = [0xff; 16];

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum MessageType {
    /// OPEN.
    Open = 1,
    /// UPDATE.
    Update = 2,
    /// NOTIFICATION.
    Notification = 3,
    /// KEEPALIVE.
    Keepalive = 4,
    /// ROUTE-REFRESH (RFC 2918).
    RouteRefresh = 5,
}

impl MessageType {
    /// The type with this number.
    pub fn from_u8(code: u8) -> Option<Self> {
        Some(match code {
            1 => Self::Open,
            2 => Self::Update,
            3 => Self::Notification,
            4 => Self::Keepalive,
            5 => Self::RouteRefresh,
            _ => return None,
        })
    }

    /// The number of the type.
    pub fn code(self) -> u8 {
        match self {
            Self::Open => 1,
            Self::Update => 2,
            Self::Notification => 3,
            Self::Keepalive => 4,
            Self::RouteRefresh => 5,
        }
    }

    /// The lengths such a message can have (RFC 4271 §6.1; RFC 8654 §4 leaves OPEN and KEEPALIVE at
    /// 4,096). A ROUTE-REFRESH that is too short is an error of its own (RFC 7313 §5), so the
    /// header allows it.
    fn lengths(self, max: usize) -> (usize, usize) {
        match self {
            Self::Open => (29, max.min(MAX_LEN)),
            Self::Update => (23, max),
            Self::Notification => (21, max),
            Self::Keepalive => (HEADER_LEN, HEADER_LEN),
            Self::RouteRefresh => (HEADER_LEN, max),
        }
    }
}

impl fmt::Display for MessageType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Open => "OPEN",
            Self::Update => "UPDATE",
            Self::Notification => "NOTIFICATION",
            Self::Keepalive => "KEEPALIVE",
            Self::RouteRefresh => "ROUTE-REFRESH",
        })
    }
}

/// One whole message, borrowed from the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// Its type.
    pub kind: MessageType,
    /// What follows the header.
    pub body: &'a [u8],
    /// The whole message.
    pub bytes: &'a [u8],
}

/// The first message of `input` and how many octets it takes; `None` if it is not complete yet.
///
/// The header is judged as soon as it is there, before the rest has arrived. `max_len` is 4,096, or
/// 65,535 once extended messages have been negotiated.
pub fn next_frame(
    input: &[u8],
    max_len: usize,
) -> Result<Option<(Frame<'_>, usize)>, MessageError> {
    let Some(([marker @ .., high, low, code], _)) = input.split_first_chunk::<HEADER_LEN>() else {
        return Ok(None);
    };
    let (length, code) = (u16::from_be_bytes([*high, *low]), *code);
    if *marker != MARKER {
        return Err(error(
            "Marker",
            0,
            Reason::Text("is not all ones"),
            codes::header::NOT_SYNCHRONIZED,
            &[],
        ));
    }
    let bad_length = || {
        let reason = Reason::Length(usize::from(length));
        error(
            "Length",
            16,
            reason,
            codes::header::BAD_LENGTH,
            &length.to_be_bytes(),
        )
    };
    let size = usize::from(length);
    if size < HEADER_LEN || size > max_len {
        return Err(bad_length());
    }
    let Some(kind) = MessageType::from_u8(code) else {
        let reason = Reason::Value(u32::from(code));
        return Err(error("Type", 18, reason, codes::header::BAD_TYPE, &[code]));
    };
    let (min, max) = kind.lengths(max_len);
    if size < min || size > max {
        return Err(bad_length());
    }
    let Some(bytes) = input.get(..size) else {
        return Ok(None);
    };
    let Some(body) = bytes.get(HEADER_LEN..) else {
        return Ok(None);
    };
    Ok(Some((Frame { kind, body, bytes }, size)))
}

fn error(
    field: &'static str,
    offset: usize,
    reason: Reason,
    subcode: u8,
    data: &[u8],
) -> MessageError {
    let data = bytes::Bytes::copy_from_slice(data);
    MessageError::new(
        DecodeError {
            field,
            offset,
            reason,
        },
        codes::MESSAGE_HEADER,
        subcode,
        data,
    )
}

/// A message being written: header first, length when it is complete.
#[must_use = "a message that is not finished has no length"]
pub(crate) struct OpenFrame {
    start: usize,
}

impl OpenFrame {
    pub(crate) fn begin(out: &mut BytesMut, kind: MessageType) -> Self {
        let start = out.len();
        out.put_slice(&MARKER);
        out.put_u16(0);
        out.put_u8(kind.code());
        Self { start }
    }

    /// Octets written so far, the header included.
    pub(crate) fn len(&self, out: &BytesMut) -> usize {
        out.len().saturating_sub(self.start)
    }

    /// Takes back what was written.
    pub(crate) fn abandon(self, out: &mut BytesMut) {
        out.truncate(self.start);
    }

    /// Writes the length. On error the message is taken back.
    pub(crate) fn finish(self, out: &mut BytesMut, max: usize) -> Result<(), EncodeError> {
        let needed = self.len(out);
        let place = self.start.saturating_add(16);
        match (
            u16::try_from(needed),
            out.get_mut(place..place.saturating_add(2)),
        ) {
            (Ok(length), Some(slot)) if needed <= max => {
                slot.copy_from_slice(&length.to_be_bytes());
                Ok(())
            }
            _ => {
                out.truncate(self.start);
                Err(EncodeError::TooLarge { needed, max })
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(length: u16, kind: u8, body: usize) -> Vec<u8> {
        let mut bytes = vec![0xff; 16];
        bytes.extend(length.to_be_bytes());
        bytes.push(kind);
        bytes.resize(HEADER_LEN + body, 0);
        bytes
    }

    #[test]
    fn a_message_is_found_only_when_complete() {
        let mut stream = message(23, 2, 4);
        stream.extend(message(19, 4, 0));
        for cut in 0..23 {
            assert_eq!(next_frame(&stream[..cut], MAX_LEN), Ok(None), "{cut}");
        }
        let (frame, used) = next_frame(&stream, MAX_LEN).unwrap().unwrap();
        assert_eq!(
            (frame.kind, frame.body, used),
            (MessageType::Update, &[0; 4][..], 23)
        );
        let (frame, used) = next_frame(&stream[used..], MAX_LEN).unwrap().unwrap();
        assert_eq!(
            (frame.kind, frame.body.len(), used),
            (MessageType::Keepalive, 0, 19)
        );
    }

    /// RFC 4271 §6.1 and RFC 8654 §4, with the NOTIFICATION's subcode and data.
    #[test]
    fn bad_headers_get_their_notification() {
        let mut marker = message(19, 4, 0);
        marker[3] = 0;
        type Case = (&'static str, Vec<u8>, usize, u8, Vec<u8>);
        let cases: Vec<Case> = vec![
            ("marker", marker, MAX_LEN, 1, vec![]),
            ("below 19", message(18, 4, 0), MAX_LEN, 2, vec![0, 18]),
            ("above 4096", message(4097, 2, 0), MAX_LEN, 2, vec![0x10, 1]),
            ("short OPEN", message(28, 1, 9), MAX_LEN, 2, vec![0, 28]),
            ("short UPDATE", message(22, 2, 3), MAX_LEN, 2, vec![0, 22]),
            (
                "short NOTIFICATION",
                message(20, 3, 1),
                MAX_LEN,
                2,
                vec![0, 20],
            ),
            ("long KEEPALIVE", message(20, 4, 1), MAX_LEN, 2, vec![0, 20]),
            (
                "extended OPEN",
                message(4097, 1, 0),
                MAX_EXTENDED_LEN,
                2,
                vec![0x10, 1],
            ),
            ("type 0", message(19, 0, 0), MAX_LEN, 3, vec![0]),
            ("type 6", message(19, 6, 0), MAX_LEN, 3, vec![6]),
        ];
        for (name, bytes, max, subcode, data) in cases {
            let error = next_frame(&bytes, max).unwrap_err();
            assert_eq!(error.notification.code, 1, "{name}");
            assert_eq!(error.notification.subcode, subcode, "{name}");
            assert_eq!(error.notification.data, data, "{name}");
        }
    }

    #[test]
    fn extended_updates_are_accepted_once_negotiated() {
        let bytes = message(5000, 2, 4981);
        assert!(next_frame(&bytes, MAX_LEN).is_err());
        assert_eq!(
            next_frame(&bytes, MAX_EXTENDED_LEN).unwrap().unwrap().1,
            5000
        );
    }
}
