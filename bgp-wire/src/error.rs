//! What can be wrong with a message, where, and what follows from it.
//!
//! A [`DecodeError`] says which field at which octet and why. For OPEN, ROUTE-REFRESH and the
//! header it comes as a [`MessageError`], with the NOTIFICATION to send. In an UPDATE most errors
//! do not end the session (RFC 7606); they are [`Finding`]s, and the strongest [`Disposition`]
//! decides.

use std::fmt;

use bytes::Bytes;

use crate::attribute::AttrCode;
use crate::{Family, Notification};

/// Why a field is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Reason {
    /// The octets end before the field does.
    Truncated,
    /// Octets are left over after the last field.
    TrailingOctets,
    /// The length is not one this field may have.
    Length(usize),
    /// The value is not one this field may have.
    Value(u32),
    /// The attribute flags contradict the attribute's code.
    Flags(u8),
    /// A mandatory attribute is absent.
    Missing,
    /// The attribute is there already.
    Duplicate,
    /// The family is none of those the session carries.
    NotNegotiated(Family),
    /// The type is none that is known here, which makes it no error.
    Unknown(u32),
    /// Well-formed, and all the same not used; in words.
    Odd(&'static str),
    /// There are more like those that are told one by one.
    More {
        /// How many.
        count: u32,
        /// Whether they are malformed.
        malformed: bool,
    },
    /// Something that needs words.
    Text(&'static str),
}

impl Reason {
    /// Whether octets are not what their RFC says that they are. What is well-formed and of no use
    /// here is not malformed: a family that was not negotiated (RFC 4760 §8), a route of an unknown
    /// type (RFC 7606 §5.4), a prefix that is reserved (RFC 4271 §6.3).
    pub fn is_malformed(self) -> bool {
        match self {
            Self::NotNegotiated(_) | Self::Unknown(_) | Self::Odd(_) => false,
            Self::More { malformed, .. } => malformed,
            _ => true,
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated => f.write_str("ends too early"),
            Self::TrailingOctets => f.write_str("octets left over"),
            Self::Length(length) => write!(f, "cannot be {length} octets long"),
            Self::Value(value) => write!(f, "cannot be {value}"),
            Self::Flags(flags) => write!(f, "cannot have the flags {flags:#04x}"),
            Self::Missing => f.write_str("is missing"),
            Self::Duplicate => f.write_str("appears more than once"),
            Self::NotNegotiated(family) => write!(f, "is of {family}, which was not negotiated"),
            Self::Unknown(value) => write!(f, "is {value}, which is not known"),
            Self::More { count, malformed } => {
                let words = if *malformed { "wrong" } else { "not used" };
                let are = if *count == 1 { "is" } else { "are" };
                write!(f, "{count} more {are} {words}")
            }
            Self::Text(text) | Self::Odd(text) => f.write_str(text),
        }
    }
}

/// One thing wrong in the bytes of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} at octet {offset}: {reason}")]
pub struct DecodeError {
    /// The field, in the words of the RFC.
    pub field: &'static str,
    /// Octets from the start of the message, its marker included.
    pub offset: usize,
    /// What is wrong with it.
    pub reason: Reason,
}

/// An error that ends the session, with the NOTIFICATION that says so.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{error}")]
pub struct MessageError {
    /// What is wrong.
    pub error: DecodeError,
    /// What to tell the peer.
    pub notification: Notification,
    /// The attribute the error was found in, for an UPDATE.
    pub attribute: Option<AttrCode>,
    /// Everything found wrong in an UPDATE or an OPEN, this error included.
    pub findings: Vec<Finding>,
}

impl MessageError {
    /// An error outside of path attributes.
    pub fn new(error: DecodeError, code: u8, subcode: u8, data: impl Into<Bytes>) -> Self {
        Self {
            error,
            notification: Notification::new(code, subcode, data.into()),
            attribute: None,
            findings: Vec::new(),
        }
    }
}

/// What an error in an UPDATE leads to, weakest first (RFC 7606 §2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Disposition {
    /// Nothing beyond being counted: what it is about is used, or passed over by itself.
    #[default]
    None,
    /// The attribute is dropped and the rest is used.
    AttributeDiscard,
    /// What the UPDATE announces is treated as withdrawn.
    TreatAsWithdraw,
    /// The family is no longer used on this session.
    AfiSafiDisable,
    /// A NOTIFICATION is sent and the session ends.
    SessionReset,
}

impl Disposition {
    /// The name RFC 7606 uses, in lower case with hyphens.
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::AttributeDiscard => "attribute-discard",
            Self::TreatAsWithdraw => "treat-as-withdraw",
            Self::AfiSafiDisable => "afi-safi-disable",
            Self::SessionReset => "session-reset",
        }
    }
}

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// One error in a message and what it alone asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The attribute it was found in.
    pub attribute: Option<AttrCode>,
    /// What this error asks for.
    pub disposition: Disposition,
    /// The subcode that RFC 4271 §6.2, §6.3 gives it among errors of its message.
    pub subcode: u8,
    /// What is wrong.
    pub error: DecodeError,
}

impl Finding {
    /// Whether something is malformed, and not only of no use here ([`Reason::is_malformed`]).
    pub fn is_malformed(&self) -> bool {
        self.disposition > Disposition::None || self.error.reason.is_malformed()
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({})", self.error, self.disposition)
    }
}

/// The findings of one UPDATE, in the order of its octets: nearly always none, so they take little
/// room.
pub type Findings = Vec<Finding>;

/// What cannot be written as asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Not even one NLRI fits beside the attributes (RFC 8654 §4: the route is withdrawn from that
    /// peer).
    #[error("the attributes and one NLRI need {needed} octets, the peer accepts {max}")]
    TooLarge {
        /// The octets one message would need.
        needed: usize,
        /// The octets the peer accepts.
        max: usize,
    },
    /// The route has no next hop, or one that the family cannot carry on this session.
    #[error("the next hop cannot be carried in this family on this session")]
    NextHop,
    /// A value is longer than its length field can say.
    #[error("{field} is too long")]
    TooLong {
        /// The field that does not fit.
        field: &'static str,
    },
    /// There is nothing to write.
    #[error("no NLRI to write")]
    Empty,
}
