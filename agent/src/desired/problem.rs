//! What is wrong with an object, in words that name the field, the fault and the remedy.

use std::fmt;

use super::objects::ObjectKey;
use super::types::RouterKey;

/// Something in an object that cannot be carried out, or not as it is written.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    /// The object.
    pub object: ObjectKey,
    /// The router on which it shows, when the object is bound to several and only some are concerned.
    pub router: Option<RouterKey>,
    /// The field, such as `spec.localASN`; empty for the object as a whole.
    pub field: String,
    /// The reason of the condition `Accepted`.
    pub reason: Reason,
    /// What is wrong and what would be right.
    pub message: String,
    /// Whether the object is acted on all the same.
    pub severity: Severity,
    /// The generation of the object that stays in effect although it is refused as it is now.
    pub in_effect: Option<i64>,
}

/// What a problem means for its object.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    /// The object is acted on; something in it has no effect.
    Warning,
    /// The object is `Accepted=False` and not acted on: what ran of it before stays.
    Rejected,
}

/// Why an object is not accepted: reasons of the condition `Accepted`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Reason {
    /// The field or kind is not carried out by this version.
    NotImplemented,
    /// The AS number cannot be used.
    InvalidASN,
    /// The BGP identifier cannot be used.
    InvalidRouterID,
    /// The address cannot be used.
    InvalidAddress,
    /// The timers do not fit each other, or cannot be sent.
    InvalidTimers,
    /// A prefix is not a prefix, or not of the advertisement's family, or has host bits.
    InvalidPrefix,
    /// Another advertisement originates the prefix on the same router.
    DuplicatePrefix,
    /// A community cannot be encoded.
    InvalidCommunity,
    /// The selector has an operator or operands that do not exist.
    InvalidSelector,
    /// The password cannot be used.
    InvalidPassword,
    /// The secret of a key cannot be used.
    InvalidKey,
    /// The kernel of the node cannot do it.
    NotSupportedByKernel,
    /// A number is outside what the protocol can carry.
    InvalidValue,
    /// The field has no meaning on iBGP.
    InvalidForIBGP,
    /// The field has no meaning on eBGP.
    InvalidForEBGP,
    /// The family is not one of the router's.
    AddressFamilyMismatch,
    /// The router that the object names is not there.
    RouterNotFound,
    /// The router that the object names is not accepted.
    RouterNotAccepted,
    /// The secret is not there.
    SecretNotFound,
    /// The policy is not there.
    PolicyNotFound,
    /// The policy is not accepted.
    PolicyNotAccepted,
    /// The policy has another direction, or other routers.
    PolicyMismatch,
    /// No policy acts on an external neighbour, and one is required.
    PolicyRequired,
    /// A regular expression cannot be used.
    InvalidExpression,
    /// Another session already has this neighbour.
    DuplicateRemote,
    /// The field is accepted and has no effect.
    NoEffect,
}

impl Reason {
    /// The word in the condition.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotImplemented => "NotImplemented",
            Self::InvalidASN => "InvalidASN",
            Self::InvalidRouterID => "InvalidRouterID",
            Self::InvalidAddress => "InvalidAddress",
            Self::InvalidTimers => "InvalidTimers",
            Self::InvalidPrefix => "InvalidPrefix",
            Self::DuplicatePrefix => "DuplicatePrefix",
            Self::InvalidCommunity => "InvalidCommunity",
            Self::InvalidSelector => "InvalidSelector",
            Self::InvalidPassword => "InvalidPassword",
            Self::InvalidKey => "InvalidKey",
            Self::NotSupportedByKernel => "NotSupportedByKernel",
            Self::InvalidValue => "InvalidValue",
            Self::InvalidForIBGP => "InvalidForIBGP",
            Self::InvalidForEBGP => "InvalidForEBGP",
            Self::AddressFamilyMismatch => "AddressFamilyMismatch",
            Self::RouterNotFound => "RouterNotFound",
            Self::RouterNotAccepted => "RouterNotAccepted",
            Self::SecretNotFound => "SecretNotFound",
            Self::PolicyNotFound => "PolicyNotFound",
            Self::PolicyNotAccepted => "PolicyNotAccepted",
            Self::PolicyMismatch => "PolicyMismatch",
            Self::PolicyRequired => "PolicyRequired",
            Self::InvalidExpression => "InvalidExpression",
            Self::DuplicateRemote => "DuplicateRemote",
            Self::NoEffect => "NoEffect",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl Problem {
    /// The field, the router on which it shows, and what is wrong: the field always at the same place, as in `cosmos check`.
    #[must_use]
    pub fn located(&self) -> String {
        match &self.router {
            Some(router) if self.field.is_empty() => {
                format!("on BGPRouter {router}: {}", self.message)
            }
            Some(router) => format!("{}: on BGPRouter {router}: {}", self.field, self.message),
            None => self.text(),
        }
    }

    /// The field and what is wrong with it, as in a condition's message.
    #[must_use]
    pub fn text(&self) -> String {
        if self.field.is_empty() {
            self.message.clone()
        } else {
            format!("{}: {}", self.field, self.message)
        }
    }
}

/// What stays of a refused object, for people.
pub(super) fn stays(generation: i64) -> String {
    format!("the last accepted spec (generation {generation}) is still in effect")
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.object, self.located())?;
        match self.in_effect {
            Some(generation) => write!(f, "; {}", stays(generation)),
            None => Ok(()),
        }
    }
}
