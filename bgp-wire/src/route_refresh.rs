//! ROUTE-REFRESH (RFC 2918), with the markers of enhanced route refresh (RFC 7313).

use std::fmt;

use bytes::{BufMut, BytesMut};
use nom::Parser;

use crate::Family;
use crate::codes;
use crate::describe::Fields;
use crate::error::{DecodeError, MessageError, Reason};
use crate::frame::{HEADER_LEN, MAX_LEN, MessageType, OpenFrame};
use crate::input::{self, malformed};

/// What a ROUTE-REFRESH asks or says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RefreshSubtype {
    /// Send everything again.
    Request,
    /// What follows is everything (BoRR).
    Begin,
    /// That was everything (EoRR).
    End,
    /// To be ignored (RFC 7313 §5).
    Unknown(u8),
}

impl RefreshSubtype {
    /// The subtype with this number.
    pub fn from_u8(code: u8) -> Self {
        match code {
            0 => Self::Request,
            1 => Self::Begin,
            2 => Self::End,
            other => Self::Unknown(other),
        }
    }

    /// The name of the subtype (RFC 7313 §3.2).
    pub fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::Request => "Normal route refresh request",
            Self::Begin => "BoRR",
            Self::End => "EoRR",
            Self::Unknown(_) => return None,
        })
    }

    /// The number of the subtype.
    pub fn code(self) -> u8 {
        match self {
            Self::Request => 0,
            Self::Begin => 1,
            Self::End => 2,
            Self::Unknown(other) => other,
        }
    }
}

/// A ROUTE-REFRESH message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct RouteRefresh {
    /// The family it is about.
    pub family: Family,
    /// What it asks or says.
    pub subtype: RefreshSubtype,
}

impl RouteRefresh {
    /// Its fields, by name.
    pub fn describe(&self) -> Fields {
        let mut fields = Fields::new();
        fields.text("family", self.family);
        fields.named("subtype", self.subtype.code(), self.subtype.name());
        fields
    }

    /// Reads the body. Outbound route filters (RFC 5291) after a request are not looked at: they
    /// are never negotiated, and the request counts.
    pub fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let fields = (input::u16("AFI"), input::u8("Subtype"), input::u8("SAFI")).parse(body);
        let (rest, (afi, subtype, safi)) =
            fields.map_err(|error| bad_length(body, malformed(error).within(body, HEADER_LEN)))?;
        let subtype = RefreshSubtype::from_u8(subtype);
        // RFC 7313 §5: "If the length, excluding the fixed-size message header, of the received
        // ROUTE-REFRESH message with Message Subtype 1 and 2 is not 4, then the BGP speaker MUST
        // send a NOTIFICATION message".
        if matches!(subtype, RefreshSubtype::Begin | RefreshSubtype::End) && !rest.is_empty() {
            let reason = Reason::Length(body.len());
            return Err(bad_length(
                body,
                DecodeError {
                    field: "ROUTE-REFRESH",
                    offset: HEADER_LEN,
                    reason,
                },
            ));
        }
        Ok(Self {
            family: Family::new(afi, safi),
            subtype,
        })
    }

    /// Appends the whole message.
    pub fn encode(&self, out: &mut BytesMut) {
        let frame = OpenFrame::begin(out, MessageType::RouteRefresh);
        out.put_u16(self.family.afi);
        out.put_u8(self.subtype.code());
        out.put_u8(self.family.safi);
        // Cannot fail: the message is always 23 octets long.
        let _ = frame.finish(out, MAX_LEN);
    }
}

/// Appends a ROUTE-REFRESH.
pub fn encode_route_refresh(out: &mut BytesMut, family: Family, subtype: RefreshSubtype) {
    RouteRefresh { family, subtype }.encode(out);
}

impl fmt::Display for RouteRefresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.subtype {
            RefreshSubtype::Request => write!(f, "request {}", self.family),
            RefreshSubtype::Begin => write!(f, "begin {}", self.family),
            RefreshSubtype::End => write!(f, "end {}", self.family),
            RefreshSubtype::Unknown(code) => write!(f, "subtype {code} {}", self.family),
        }
    }
}

/// The data of this NOTIFICATION is the whole message (RFC 7313 §5).
fn bad_length(body: &[u8], error: DecodeError) -> MessageError {
    let mut message = BytesMut::with_capacity(HEADER_LEN.saturating_add(body.len()));
    let frame = OpenFrame::begin(&mut message, MessageType::RouteRefresh);
    message.put_slice(body);
    let _ = frame.finish(&mut message, crate::frame::MAX_EXTENDED_LEN);
    MessageError::new(
        error,
        codes::ROUTE_REFRESH,
        codes::route_refresh::INVALID_LENGTH,
        message,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::next_frame;

    #[test]
    fn every_subtype_round_trips() {
        for code in [0, 1, 2, 3, 255] {
            let refresh = RouteRefresh {
                family: Family::IPV6_UNICAST,
                subtype: RefreshSubtype::from_u8(code),
            };
            let mut out = BytesMut::new();
            refresh.encode(&mut out);
            let (frame, _) = next_frame(&out, MAX_LEN).unwrap().unwrap();
            assert_eq!(RouteRefresh::decode(frame.body), Ok(refresh));
            assert_eq!(refresh.subtype.code(), code);
        }
    }

    /// RFC 7313 §5.
    #[test]
    fn a_wrong_length_is_answered_with_the_whole_message() {
        for body in [&[][..], &[0, 1, 0], &[0, 1, 1, 1, 9], &[0, 1, 2, 1, 0, 0]] {
            let error = RouteRefresh::decode(body).unwrap_err();
            assert_eq!(
                (error.notification.code, error.notification.subcode),
                (7, 1),
                "{body:?}"
            );
            assert_eq!(error.notification.data.len(), 19 + body.len());
            assert!(error.notification.data.ends_with(body));
        }
    }

    #[test]
    fn filters_after_a_request_are_ignored() {
        let refresh = RouteRefresh::decode(&[0, 1, 0, 1, 1, 64, 0xff, 0xff, 0]).unwrap();
        assert_eq!(
            refresh,
            RouteRefresh {
                family: Family::IPV4_UNICAST,
                subtype: RefreshSubtype::Request
            }
        );
    }
}
