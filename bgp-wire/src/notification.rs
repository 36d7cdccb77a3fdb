//! NOTIFICATION (RFC 4271 §4.5): why a session ends, in numbers and in words.
//!
//! What a peer sends here is input like any other: texts are made safe before anyone prints them,
//! lengths inside are checked, and whatever is wrong with it is shown and never answered (RFC 4271
//! §6.4).

use std::borrow::Cow;
use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};
use nom::Parser;

use crate::capability::Capability;
use crate::codes::{self, cease};
use crate::describe::{Fields, Node};
use crate::error::{DecodeError, Reason};
use crate::frame::{HEADER_LEN, MAX_LEN, MessageType, OpenFrame};
use crate::input::{self, malformed};
use crate::update::dissect_attribute;

/// A NOTIFICATION message.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Notification {
    /// The error code.
    pub code: u8,
    /// The subcode; 0 if there is none.
    pub subcode: u8,
    /// What depends on the code.
    pub data: Bytes,
}

/// The longest shutdown communication (RFC 9003 §2).
const MAX_COMMUNICATION: usize = 255;
/// The header, the code and the subcode.
const BEFORE_DATA: usize = HEADER_LEN + 2;

/// The subcodes of UPDATE Message Error whose data is the attribute (RFC 4271 §6.3).
const HAVE_ATTRIBUTE: [u8; 6] = [
    codes::update::UNRECOGNIZED_WELL_KNOWN,
    codes::update::ATTRIBUTE_FLAGS,
    codes::update::ATTRIBUTE_LENGTH,
    codes::update::INVALID_ORIGIN,
    codes::update::INVALID_NEXT_HOP,
    codes::update::OPTIONAL_ATTRIBUTE,
];

impl Notification {
    /// A NOTIFICATION by its numbers; the names are in [`codes`].
    pub fn new(code: u8, subcode: u8, data: impl Into<Bytes>) -> Self {
        Self {
            code,
            subcode,
            data: data.into(),
        }
    }

    /// Cease with a subcode of [`codes::cease`] and no data.
    pub fn cease(subcode: u8) -> Self {
        Self::new(codes::CEASE, subcode, Bytes::new())
    }

    /// Cease, Administrative Shutdown, with a text for the people at the other end (RFC 9003). A
    /// text above 255 octets is cut at a character.
    pub fn cease_shutdown(text: &str) -> Self {
        Self::new(
            codes::CEASE,
            cease::ADMINISTRATIVE_SHUTDOWN,
            communication(text),
        )
    }

    /// Cease, Administrative Reset, with a text (RFC 9003).
    pub fn cease_reset(text: &str) -> Self {
        Self::new(
            codes::CEASE,
            cease::ADMINISTRATIVE_RESET,
            communication(text),
        )
    }

    /// Cease, Maximum Number of Prefixes Reached, saying for which family and at what limit (RFC
    /// 4486 §4).
    pub fn cease_max_prefixes(family: crate::Family, limit: u32) -> Self {
        let mut data = BytesMut::with_capacity(7);
        data.put_u16(family.afi);
        data.put_u8(family.safi);
        data.put_u32(limit);
        Self::new(codes::CEASE, cease::MAX_PREFIXES, data)
    }

    /// The same NOTIFICATION as a hard reset: graceful restart is not to be applied (RFC 8538
    /// §3.1).
    pub fn into_hard_reset(self) -> Self {
        let mut data = BytesMut::with_capacity(self.data.len().saturating_add(2));
        data.put_u8(self.code);
        data.put_u8(self.subcode);
        data.put_slice(&self.data);
        Self::new(codes::CEASE, cease::HARD_RESET, data)
    }

    /// The NOTIFICATION inside a hard reset (RFC 8538 §3.1).
    pub fn hard_reset(&self) -> Option<Self> {
        if (self.code, self.subcode) != (codes::CEASE, cease::HARD_RESET) {
            return None;
        }
        match self.data.as_ref() {
            [code, subcode, ..] => Some(Self::new(*code, *subcode, self.data.slice(2..))),
            _ => None,
        }
    }

    /// Hold Timer Expired.
    pub fn hold_timer_expired() -> Self {
        Self::new(codes::HOLD_TIMER_EXPIRED, 0, Bytes::new())
    }

    /// Send Hold Timer Expired (RFC 9687).
    pub fn send_hold_timer_expired() -> Self {
        Self::new(codes::SEND_HOLD_TIMER_EXPIRED, 0, Bytes::new())
    }

    /// Finite State Machine Error with a subcode of [`codes::fsm`].
    pub fn fsm(subcode: u8) -> Self {
        Self::new(codes::FSM, subcode, Bytes::new())
    }

    /// OPEN Message Error with a subcode of [`codes::open`].
    pub fn open(subcode: u8) -> Self {
        Self::new(codes::OPEN, subcode, Bytes::new())
    }

    /// The text an administrator gave for a shutdown or a reset (RFC 9003), safe to print: control
    /// characters and what is not UTF-8 are replaced. `None` if there is none; a length that is too
    /// large counts as no text.
    pub fn communication(&self) -> Option<String> {
        let administrative = matches!(
            self.subcode,
            cease::ADMINISTRATIVE_SHUTDOWN | cease::ADMINISTRATIVE_RESET
        );
        if self.code != codes::CEASE || !administrative {
            return None;
        }
        let (length, rest) = self.data.split_first()?;
        let text = rest.get(..usize::from(*length))?;
        if text.is_empty() {
            None
        } else {
            Some(printable(text))
        }
    }

    /// What is malformed in its data. It is told to people and never answered (RFC 4271 §6.4).
    pub fn fault(&self) -> Option<DecodeError> {
        let inner = self.hard_reset();
        self.fault_within(HEADER_LEN.saturating_add(2))
            // One level only, as when it is printed.
            .or_else(|| inner?.fault_within(HEADER_LEN.saturating_add(4)))
    }

    /// The data begins at this octet of the message.
    fn fault_within(&self, start: usize) -> Option<DecodeError> {
        let fault = |field, offset, reason| {
            Some(DecodeError {
                field,
                offset,
                reason,
            })
        };
        if self.code != codes::CEASE {
            return None;
        }
        match (self.subcode, self.data.as_ref()) {
            // RFC 8538 §3.1: the error code and subcode of what would have been sent are the first
            // octets of the data.
            (cease::HARD_RESET, [] | [_]) => fault(
                "Hard Reset",
                start.saturating_add(self.data.len()),
                Reason::Truncated,
            ),
            // RFC 9003 §2: a length, and as many octets of UTF-8.
            (cease::ADMINISTRATIVE_SHUTDOWN | cease::ADMINISTRATIVE_RESET, [length, text @ ..]) => {
                let length = usize::from(*length);
                let field = "Shutdown Communication";
                let begin = start.saturating_add(1);
                match text.get(..length) {
                    None => fault(field, start, Reason::Length(length)),
                    Some(said) if length < text.len() => fault(
                        field,
                        begin.saturating_add(said.len()),
                        Reason::TrailingOctets,
                    ),
                    Some(said) => match std::str::from_utf8(said) {
                        Ok(_) => None,
                        Err(error) => fault(
                            field,
                            begin.saturating_add(error.valid_up_to()),
                            Reason::Text("is no UTF-8"),
                        ),
                    },
                }
            }
            // RFC 4486 §4: AFI, SAFI and the upper bound, or nothing.
            (cease::MAX_PREFIXES, data) if !matches!(data.len(), 0 | 7) => {
                fault("Prefix upper bound", start, Reason::Length(data.len()))
            }
            _ => None,
        }
    }

    /// The registered name of code and subcode.
    pub fn name(&self) -> Cow<'static, str> {
        let code = match codes::code_name(self.code) {
            Some(name) => Cow::Borrowed(name),
            None => Cow::Owned(format!("code {}", self.code)),
        };
        match (codes::subcode_name(self.code, self.subcode), self.subcode) {
            (Some(name), _) => Cow::Owned(format!("{code}: {name}")),
            (None, 0) => code,
            (None, subcode) => Cow::Owned(format!("{code}: subcode {subcode}")),
        }
    }

    /// Its fields, by name: the numbers, what its data means where that is known, and the data.
    pub fn describe(&self) -> Fields {
        let mut fields = self.describe_own();
        if let Some(inner) = self.hard_reset() {
            // One level only, as when it is printed.
            fields.put("inner", Node::Fields(inner.describe_own()));
        }
        fields
    }

    fn describe_own(&self) -> Fields {
        let mut fields = Fields::new();
        fields.named("code", self.code, codes::code_name(self.code));
        let name = codes::subcode_name(self.code, self.subcode);
        fields.named("subcode", self.subcode, name);
        if let Some(text) = self.communication() {
            fields.text("communication", text);
        }
        match (self.code, self.subcode, self.data.as_ref()) {
            (codes::CEASE, cease::MAX_PREFIXES, [a, f, safi, p, q, r, s]) => {
                let family = crate::Family::new(u16::from_be_bytes([*a, *f]), *safi);
                fields.text("family", family);
                fields.number("limit", u32::from_be_bytes([*p, *q, *r, *s]));
            }
            (codes::MESSAGE_HEADER, codes::header::BAD_LENGTH, [a, b]) => {
                fields.number("length", u16::from_be_bytes([*a, *b]));
            }
            (codes::MESSAGE_HEADER, codes::header::BAD_TYPE, [kind]) => {
                fields.number("type", *kind);
            }
            (codes::OPEN, codes::open::UNSUPPORTED_VERSION, [a, b]) => {
                fields.number("version", u16::from_be_bytes([*a, *b]));
            }
            (codes::UPDATE, codes::update::MISSING_WELL_KNOWN, [code]) => {
                let attribute = crate::attribute::AttrCode(*code);
                fields.named("attribute", *code, attribute.name());
            }
            // RFC 5492 §5: "the set of capabilities that causes the speaker to send the message", "encoded
            // in the same way as it would be encoded in the OPEN message".
            (codes::OPEN, codes::open::UNSUPPORTED_CAPABILITY, all) => {
                if let Ok(all) = input::all(all, Capability::split) {
                    let read = |(code, value)| Capability::from_value(code, value).describe();
                    fields.list("capabilities", all.into_iter().map(read));
                }
            }
            // RFC 4271 §6.3: the attribute, with type, length and value.
            (codes::UPDATE, subcode, attribute) if HAVE_ATTRIBUTE.contains(&subcode) => {
                if let Some(attribute) = dissect_attribute(attribute) {
                    fields.put("attribute", Node::Fields(attribute));
                }
            }
            _ => {}
        }
        if !self.data.is_empty() {
            fields.octets("data", &self.data);
        }
        fields
    }

    /// Reads the body of a NOTIFICATION. One that is too short cannot be answered, so the error has
    /// no NOTIFICATION.
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let (data, (code, subcode)) = (input::u8("Error Code"), input::u8("Error Subcode"))
            .parse(body)
            .map_err(|error| malformed(error).within(body, HEADER_LEN))?;
        Ok(Self::new(code, subcode, Bytes::copy_from_slice(data)))
    }

    /// Appends the whole message. Data that would make it longer than 4,096 octets is cut.
    pub fn encode(&self, out: &mut BytesMut) {
        self.encode_within(MAX_LEN, out);
    }

    /// The same for a peer that takes longer messages (RFC 8654 §4 excludes OPEN and KEEPALIVE only).
    pub(crate) fn encode_within(&self, max: usize, out: &mut BytesMut) {
        let frame = OpenFrame::begin(out, MessageType::Notification);
        out.put_u8(self.code);
        out.put_u8(self.subcode);
        let most = max.saturating_sub(BEFORE_DATA);
        out.put_slice(self.data.get(..most).unwrap_or(&self.data));
        // Cannot fail: the data has just been cut to what fits.
        let _ = frame.finish(out, max);
    }
}

/// A length and a text of at most 255 octets, cut at a character.
fn communication(text: &str) -> Bytes {
    let mut end = text.len().min(MAX_COMMUNICATION);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let text = text.get(..end).unwrap_or("");
    let mut data = BytesMut::with_capacity(end.saturating_add(1));
    data.put_u8(u8::try_from(text.len()).unwrap_or(0));
    data.put_slice(text.as_bytes());
    data.freeze()
}

/// Text from outside as something a terminal or a log may show.
pub(crate) fn printable(text: &[u8]) -> String {
    String::from_utf8_lossy(text)
        .chars()
        .map(|c| {
            if c.is_control() || is_bidi_control(c) {
                char::REPLACEMENT_CHARACTER
            } else {
                c
            }
        })
        .collect()
}

/// Characters that reorder what is printed around them.
fn is_bidi_control(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

impl fmt::Display for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())?;
        if let Some(text) = self.communication() {
            return write!(f, " \"{text}\"");
        }
        if let Some(inner) = self.hard_reset() {
            // One level only: a hard reset inside a hard reset has no meaning, and no end.
            return write!(f, " ({})", inner.name()).and_then(|()| match inner.communication() {
                Some(text) => write!(f, " \"{text}\""),
                None => Ok(()),
            });
        }
        match (self.code, self.subcode, self.data.as_ref()) {
            (_, _, []) => Ok(()),
            (codes::CEASE, cease::MAX_PREFIXES, [a, b, safi, limit @ ..]) if limit.len() == 4 => {
                let limit = limit
                    .iter()
                    .fold(0u32, |sum, octet| (sum << 8) | u32::from(*octet));
                let family = crate::Family::new(u16::from_be_bytes([*a, *b]), *safi);
                write!(f, " ({family}, limit {limit})")
            }
            (codes::CEASE, cease::ADMINISTRATIVE_SHUTDOWN | cease::ADMINISTRATIVE_RESET, [0]) => {
                Ok(())
            }
            (codes::MESSAGE_HEADER, codes::header::BAD_LENGTH, [a, b])
            | (codes::OPEN, codes::open::UNSUPPORTED_VERSION, [a, b]) => {
                write!(f, " ({})", u16::from_be_bytes([*a, *b]))
            }
            (codes::MESSAGE_HEADER, codes::header::BAD_TYPE, [kind]) => write!(f, " ({kind})"),
            (codes::UPDATE, codes::update::MISSING_WELL_KNOWN, [code]) => {
                write!(f, " ({})", crate::attribute::AttrCode(*code))
            }
            (code, subcode, data) => {
                f.write_str(" (")?;
                // RFC 4271 §6.3: the data has the attribute that is wrong, flags and code first.
                let named = code == codes::UPDATE && HAVE_ATTRIBUTE.contains(&subcode);
                if let ([_, attribute, ..], true) = (data, named) {
                    write!(f, "{}, ", crate::attribute::AttrCode(*attribute))?;
                }
                f.write_str("data ")?;
                for octet in data.iter().take(32) {
                    write!(f, "{octet:02x}")?;
                }
                f.write_str(if data.len() > 32 { "…)" } else { ")" })
            }
        }
    }
}

impl fmt::Debug for Notification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Notification({}/{} {self})", self.code, self.subcode)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::next_frame;

    fn round_trip(notification: &Notification) -> Notification {
        let mut out = BytesMut::new();
        notification.encode(&mut out);
        let (frame, _) = next_frame(&out, MAX_LEN).unwrap().unwrap();
        Notification::decode(frame.body).unwrap()
    }

    #[test]
    fn texts_are_readable() {
        let data = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
        for (notification, text) in [
            (Notification::hold_timer_expired(), "Hold Timer Expired"),
            (
                Notification::send_hold_timer_expired(),
                "Send Hold Timer Expired",
            ),
            (
                Notification::cease_shutdown("back at 5"),
                "Cease: Administrative Shutdown \"back at 5\"",
            ),
            (
                Notification::cease_shutdown(""),
                "Cease: Administrative Shutdown",
            ),
            (Notification::cease(cease::BFD_DOWN), "Cease: BFD Down"),
            (
                Notification::cease_max_prefixes(crate::Family::IPV6_UNICAST, 70000),
                "Cease: Maximum Number of Prefixes Reached (ipv6/unicast, limit 70000)",
            ),
            (
                Notification::cease_reset("now").into_hard_reset(),
                "Cease: Hard Reset (Cease: Administrative Reset) \"now\"",
            ),
            (
                Notification::new(3, 3, data(&[2])),
                "UPDATE Message Error: Missing Well-known Attribute (AS_PATH)",
            ),
            (
                Notification::new(3, 5, data(&[0x40, 1, 0])),
                "UPDATE Message Error: Attribute Length Error (ORIGIN, data 400100)",
            ),
            (
                Notification::new(3, 5, data(&[0x40])),
                "UPDATE Message Error: Attribute Length Error (data 40)",
            ),
            (
                Notification::new(1, 2, data(&[0, 18])),
                "Message Header Error: Bad Message Length (18)",
            ),
            (Notification::new(9, 0, data(&[])), "code 9"),
            (
                Notification::new(5, 77, data(&[])),
                "Finite State Machine Error: subcode 77",
            ),
        ] {
            assert_eq!(notification.to_string(), text);
            assert_eq!(round_trip(&notification), notification);
        }
    }

    /// RFC 5492 §5 of 2/7, RFC 4271 §6.3 of 3/2 and 3/5: capabilities as in an OPEN, and the attribute.
    #[test]
    fn data_of_capabilities_and_attributes_is_described() {
        let described = |code, subcode, data: &[u8]| {
            Notification::new(code, subcode, Bytes::copy_from_slice(data)).describe()
        };
        let fields = described(2, 7, &[65, 4, 0, 0, 0xfd, 0xe9, 2, 0]);
        let Some(Node::List(all)) = fields.get("capabilities") else {
            panic!("{fields:?}");
        };
        let [Node::Fields(first), Node::Fields(second)] = &all[..] else {
            panic!("{all:?}");
        };
        assert_eq!(first.get("as"), Some(&Node::Number(65001)));
        let refresh = Node::Named(2, Some("route-refresh"));
        assert_eq!(second.get("code"), Some(&refresh));
        assert_eq!(described(2, 7, &[65, 4, 0]).get("capabilities"), None);
        for (subcode, data, code) in [
            (2, &[0x40, 99, 1, 7][..], Node::Named(99, None)),
            (5, &[0x50, 1, 0, 2, 0, 0], Node::Named(1, Some("ORIGIN"))),
        ] {
            let fields = described(3, subcode, data);
            let Some(Node::Fields(attribute)) = fields.get("attribute") else {
                panic!("{fields:?}");
            };
            assert_eq!(attribute.get("code"), Some(&code));
            let value =
                Node::Octets(data[data.len() - if data[0] & 0x10 == 0 { 1 } else { 2 }..].to_vec());
            assert_eq!(attribute.get("value"), Some(&value));
        }
        // Less or more than one is no attribute.
        for data in [&[0x40, 1, 2, 0][..], &[0x40, 1, 1, 0, 9], &[]] {
            assert_eq!(described(3, 5, data).get("attribute"), None, "{data:?}");
        }
    }

    /// RFC 8654 §4: what the peer takes may be longer.
    #[test]
    fn long_data_is_cut_at_what_the_peer_takes() {
        let inner = Notification::new(3, 1, vec![7; 5000]).into_hard_reset();
        for (max, octets) in [(MAX_LEN, MAX_LEN), (65535, 21 + 5002)] {
            let mut out = BytesMut::new();
            inner.encode_within(max, &mut out);
            assert_eq!(out.len(), octets);
            assert!(next_frame(&out, max).unwrap().is_some());
        }
    }

    /// RFC 4486 §4, RFC 8538 §3.1, RFC 9003 §2.
    #[test]
    fn fields_say_what_the_data_means() {
        let limit = Notification::cease_max_prefixes(crate::Family::IPV6_UNICAST, 70000).describe();
        assert_eq!(limit.get("code"), Some(&Node::Named(6, Some("Cease"))));
        assert_eq!(limit.get("family"), Some(&Node::text("ipv6/unicast")));
        assert_eq!(limit.get("limit"), Some(&Node::Number(70000)));
        let hard = Notification::cease_reset("now")
            .into_hard_reset()
            .describe();
        let Some(Node::Fields(inner)) = hard.get("inner") else {
            panic!("{hard:?}")
        };
        assert_eq!(inner.get("communication"), Some(&Node::text("now")));
        let unknown = Notification::new(77, 1, Bytes::from_static(&[5])).describe();
        assert_eq!(unknown.get("code"), Some(&Node::Named(77, None)));
        assert_eq!(unknown.get("data"), Some(&Node::Octets(vec![5])));
    }

    /// RFC 9003 §2, RFC 8538 §3.1, RFC 4486 §4. The data begins at octet 21.
    #[test]
    fn data_that_is_malformed_is_named_with_its_place() {
        let text = "Shutdown Communication";
        for (subcode, data, fault) in [
            (2, &[255, b'a', b'b', b'c'][..], Some((text, 21))),
            (4, &[1, b'a', b'b'], Some((text, 23))),
            (2, &[3, b'a', 0xff, b'b'], Some((text, 23))),
            (2, &[3, b'b', b'y', b'e'], None),
            (2, &[0], None),
            (2, &[], None),
            (9, &[], Some(("Hard Reset", 21))),
            (9, &[6], Some(("Hard Reset", 22))),
            (9, &[6, 2, 9, b'a'], Some((text, 23))),
            (9, &[6, 9], Some(("Hard Reset", 23))),
            (9, &[4, 0], None),
            (1, &[0, 1, 1, 0, 0, 0], Some(("Prefix upper bound", 21))),
            (1, &[0, 1, 1, 0, 0, 0, 9], None),
            (3, &[1, 2, 3], None),
        ] {
            let said = Notification::new(6, subcode, Bytes::copy_from_slice(data)).fault();
            let said = said.map(|error| (error.field, error.offset));
            assert_eq!(said, fault, "{subcode} {data:?}");
        }
        assert_eq!(
            Notification::new(3, 2, Bytes::from_static(&[9])).fault(),
            None
        );
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let text = "ä".repeat(200);
        let said = Notification::cease_shutdown(&text).communication().unwrap();
        assert_eq!(said, "ä".repeat(127));
    }

    #[test]
    fn hostile_texts_are_harmless() {
        for (data, text) in [
            (&[200, b'a'][..], None),
            (&[][..], None),
            (&[3, b'a', 0, 0x1b][..], Some("a\u{fffd}\u{fffd}")),
            (&[2, 0xff, b'a', b'b'][..], Some("\u{fffd}a")),
            (&[3, 0xe2, 0x80, 0xae][..], Some("\u{fffd}")),
        ] {
            let notification = Notification::new(6, 2, Bytes::copy_from_slice(data));
            assert_eq!(notification.communication().as_deref(), text, "{data:?}");
            assert!(!notification.to_string().contains('\u{1b}'));
        }
    }

    #[test]
    fn a_hard_reset_cut_short_or_nested_is_printed() {
        let cut = Notification::new(6, 9, Bytes::copy_from_slice(&[6]));
        assert_eq!(cut.to_string(), "Cease: Hard Reset (data 06)");
        let nested = Notification::new(6, 9, Bytes::from([6, 9].repeat(2000)));
        assert_eq!(nested.to_string(), "Cease: Hard Reset (Cease: Hard Reset)");
    }

    #[test]
    fn data_is_cut_to_the_message_size() {
        let long = Notification::new(3, 1, Bytes::from(vec![1; 5000]));
        assert_eq!(round_trip(&long).data.len(), 4096 - 21);
    }

    #[test]
    fn a_short_body_is_an_error() {
        let error = Notification::decode(&[6]).unwrap_err();
        assert_eq!((error.field, error.offset), ("Error Subcode", 20));
    }
}
