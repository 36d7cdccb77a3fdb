//! ROUTE-REFRESH (RFC 2918), with the markers of enhanced route refresh (RFC 7313).

use std::fmt;

use bytes::{BufMut, BytesMut};
use nom::Parser;

use crate::Family;
use crate::codes;
use crate::describe::{Fields, Node};
use crate::error::{DecodeError, EncodeError, MessageError, Reason};
use crate::frame::{HEADER_LEN, MAX_EXTENDED_LEN, MessageType, OpenFrame};
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
    /// Octets of the body.
    pub(crate) const LEN: usize = 4;

    /// Its fields, by name.
    pub fn describe(&self) -> Fields {
        let mut fields = Fields::new();
        fields.text("family", self.family);
        fields.named("subtype", self.subtype.code(), self.subtype.name());
        fields
    }

    /// Its fields with those of the outbound route filters behind it (RFC 5291 §4): when they are to
    /// take effect, and for each type its entries. What is not of that form is given as it is.
    pub(crate) fn describe_with_filters(&self, filters: &[u8]) -> Fields {
        let mut fields = self.describe();
        if filters.is_empty() {
            return fields;
        }
        fields.fields("outbound_filters", |fields| {
            if let Some((when, mut rest)) = filters.split_first() {
                let name = match when {
                    1 => Some("IMMEDIATE"),
                    2 => Some("DEFER"),
                    _ => None,
                };
                fields.named("when_to_refresh", *when, name);
                let mut groups = Vec::new();
                while let Ok((after, (kind, entries))) = (
                    input::u8("ORF Type"),
                    input::sized_u16("Length of ORF entries"),
                )
                    .parse(rest)
                {
                    groups.push(Node::fields(|fields| {
                        fields.named("type", kind, filter_type(kind));
                        fields.octets("entries", entries);
                    }));
                    rest = after;
                }
                fields.list("filters", groups);
                if !rest.is_empty() {
                    fields.octets("rest", rest);
                }
            }
        });
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
        // Cannot fail: the message is always 23 octets long.
        let _ = self.encode_with_filters(&[], out);
    }

    /// Appends the whole message, and outbound route filters as they came.
    pub(crate) fn encode_with_filters(
        &self,
        filters: &[u8],
        out: &mut BytesMut,
    ) -> Result<(), EncodeError> {
        let frame = OpenFrame::begin(out, MessageType::RouteRefresh);
        out.put_u16(self.family.afi);
        out.put_u8(self.subtype.code());
        out.put_u8(self.family.safi);
        out.put_slice(filters);
        frame.finish(out, MAX_EXTENDED_LEN)
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

/// The registered name of a type of outbound route filters.
pub(crate) fn filter_type(kind: u8) -> Option<&'static str> {
    match kind {
        64 => Some("Address Prefix ORF"),
        65 => Some("CP-ORF"),
        _ => None,
    }
}

/// The data of this NOTIFICATION is the whole message (RFC 7313 §5).
fn bad_length(body: &[u8], error: DecodeError) -> MessageError {
    let mut message = BytesMut::with_capacity(HEADER_LEN.saturating_add(body.len()));
    let frame = OpenFrame::begin(&mut message, MessageType::RouteRefresh);
    message.put_slice(body);
    let _ = frame.finish(&mut message, MAX_EXTENDED_LEN);
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
    use crate::frame::{MAX_LEN, next_frame};

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

    /// RFC 5291 §4: When-to-refresh, then for each type its number, a length of two octets, and the
    /// entries; RFC 5292 §3 is type 64.
    #[test]
    fn filters_after_a_request_are_shown_by_type() {
        let body = [0, 1, 0, 1, 1, 64, 0, 2, 0x80, 7, 65, 0, 0, 9];
        let refresh = RouteRefresh::decode(&body).unwrap();
        let fields = refresh.describe_with_filters(&body[4..]);
        let Some(Node::Fields(filters)) = fields.get("outbound_filters") else {
            panic!("{fields:?}")
        };
        assert_eq!(
            filters.get("when_to_refresh"),
            Some(&Node::Named(1, Some("IMMEDIATE")))
        );
        let group = |kind, name, entries: &[u8]| {
            Node::fields(|fields| {
                fields.named("type", kind, Some(name));
                fields.octets("entries", entries);
            })
        };
        assert_eq!(
            filters.get("filters"),
            Some(&Node::List(vec![
                group(64u8, "Address Prefix ORF", &[0x80, 7]),
                group(65, "CP-ORF", &[]),
            ]))
        );
        assert_eq!(filters.get("rest"), Some(&Node::Octets(vec![9])));
        let mut out = BytesMut::new();
        refresh.encode_with_filters(&body[4..], &mut out).unwrap();
        assert_eq!(out[HEADER_LEN..], body);
    }
}
