//! Any message, for tools and tests. A session takes frames and calls the reader of their kind
//! itself.

use std::fmt;

use bytes::BytesMut;

use crate::codes;
use crate::describe::Fields;
use crate::error::{EncodeError, MessageError};
use crate::frame::{Frame, MessageType};
use crate::update::{AttrScratch, Decoded, Encoding, decode_update, encode_update};
use crate::{Notification, Open, RouteRefresh, SessionContext, encode_keepalive};

/// A message of any kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// OPEN.
    Open(Open),
    /// UPDATE, with what was found wrong in it.
    Update(Box<Decoded<'a>>),
    /// NOTIFICATION.
    Notification(Notification),
    /// KEEPALIVE.
    Keepalive,
    /// ROUTE-REFRESH, and the outbound route filters behind it (RFC 5291 §4).
    RouteRefresh(RouteRefresh, &'a [u8]),
}

impl<'a> Message<'a> {
    /// Reads the message in a frame.
    pub fn decode(
        frame: Frame<'a>,
        ctx: &SessionContext,
        scratch: &'a mut AttrScratch,
    ) -> Result<Self, MessageError> {
        Ok(match frame.kind {
            MessageType::Open => Self::Open(Open::decode(frame.body)?),
            MessageType::Update => Self::Update(Box::new(decode_update(frame.body, ctx, scratch)?)),
            MessageType::Notification => {
                // A frame has a code and a subcode at least, so this does not fail; and it would
                // not be answered.
                Self::Notification(Notification::decode(frame.body).map_err(|error| {
                    MessageError::new(
                        error,
                        codes::MESSAGE_HEADER,
                        codes::header::BAD_LENGTH,
                        vec![],
                    )
                })?)
            }
            MessageType::Keepalive => Self::Keepalive,
            MessageType::RouteRefresh => Self::RouteRefresh(
                RouteRefresh::decode(frame.body)?,
                frame.body.get(RouteRefresh::LEN..).unwrap_or(&[]),
            ),
        })
    }

    /// Appends the message.
    pub fn encode(&self, out: &mut BytesMut, enc: &Encoding) -> Result<(), EncodeError> {
        match self {
            Self::Open(open) => open.encode(out),
            Self::Update(decoded) => encode_update(out, &decoded.update, enc),
            Self::Notification(notification) => {
                notification.encode_within(enc.max_message, out);
                Ok(())
            }
            Self::Keepalive => {
                encode_keepalive(out);
                Ok(())
            }
            Self::RouteRefresh(refresh, filters) => refresh.encode_with_filters(filters, out),
        }
    }

    /// Its fields, by name.
    pub fn describe(&self) -> Fields {
        match self {
            Self::Open(open) => open.describe(),
            Self::Update(decoded) => decoded.update.describe(),
            Self::Notification(notification) => notification.describe(),
            Self::Keepalive => Fields::new(),
            Self::RouteRefresh(refresh, filters) => refresh.describe_with_filters(filters),
        }
    }

    /// What kind it is.
    pub fn kind(&self) -> MessageType {
        match self {
            Self::Open(_) => MessageType::Open,
            Self::Update(_) => MessageType::Update,
            Self::Notification(_) => MessageType::Notification,
            Self::Keepalive => MessageType::Keepalive,
            Self::RouteRefresh(..) => MessageType::RouteRefresh,
        }
    }
}

impl fmt::Display for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.kind(), f)?;
        match self {
            Self::Open(open) => write!(f, " {open}"),
            Self::Update(decoded) => write!(f, " {}", decoded.update),
            Self::Notification(notification) => write!(f, " {notification}"),
            Self::Keepalive => Ok(()),
            Self::RouteRefresh(refresh, _) => write!(f, " {refresh}"),
        }
    }
}
