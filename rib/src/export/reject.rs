//! Why a group is not told a route, and how people are told of it.

use std::fmt;

use crate::policy::PolicyReject;

/// Why a group is not told a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RejectReason {
    /// Learned from one non-client and destined for another (RFC 4271 §9.2, RFC 4456 §6).
    IbgpSplitHorizon,
    /// NO_ADVERTISE (RFC 1997).
    NoAdvertise,
    /// NO_EXPORT (RFC 1997).
    NoExport,
    /// NO_EXPORT_SUBCONFED (RFC 1997).
    NoExportSubconfed,
    /// Only to Customer (RFC 9234), and the peers are none.
    OnlyToCustomer,
    /// It is stale and kept for long, and the peers do not know what that means (RFC 9494).
    LongLivedStale,
    /// None of its route targets is asked for (RFC 4684).
    RouteTargetNotWanted,
    /// We ask for everything, which is more than this membership does (RFC 4684).
    EverythingAsked,
    /// The export policy.
    Policy(PolicyReject),
    /// The sessions give us no address to write as next hop of this family.
    NoOwnNextHop,
    /// Its attributes leave no room for it in a message of the sessions (RFC 8654).
    TooLong,
    /// The next hop must stay as it is, and its address family cannot be carried for this route on
    /// these sessions (RFC 8950).
    NextHopNotCarried,
}

impl RejectReason {
    /// The standard that demands it, where there is one.
    #[must_use]
    pub fn rfc(self) -> Option<&'static str> {
        match self {
            Self::IbgpSplitHorizon => Some("RFC 4271 §9.2, RFC 4456 §6"),
            Self::NoAdvertise | Self::NoExport | Self::NoExportSubconfed => Some("RFC 1997"),
            Self::Policy(PolicyReject::NoPolicy) => Some("RFC 8212 §3"),
            Self::Policy(PolicyReject::Denied) | Self::NoOwnNextHop => None,
            Self::OnlyToCustomer => Some("RFC 9234 §5"),
            Self::LongLivedStale => Some("RFC 9494 §4.3"),
            Self::RouteTargetNotWanted => Some("RFC 4684 §6"),
            Self::EverythingAsked => Some("RFC 4684 §4"),
            Self::TooLong => Some("RFC 8654 §4"),
            Self::NextHopNotCarried => Some("RFC 8950 §4"),
        }
    }
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::IbgpSplitHorizon => f.write_str(
                "it was learned from an internal peer, and neither that peer nor this one is a \
                 route reflector client of ours",
            ),
            Self::NoAdvertise => f.write_str("it carries the community no-advertise"),
            Self::NoExport => f.write_str("it carries the community no-export"),
            Self::NoExportSubconfed => f.write_str("it carries the community no-export-subconfed"),
            Self::OnlyToCustomer => f.write_str(
                "it has come from a provider, a peer or a route server (Only to Customer), and this peer is one too",
            ),
            Self::LongLivedStale => f.write_str(
                "it is stale, and the session has no long-lived graceful restart, which would say so",
            ),
            Self::RouteTargetNotWanted => f.write_str("none of its route targets is asked for"),
            Self::EverythingAsked => f.write_str("our own membership asks for every route target"),
            Self::Policy(reason) => reason.fmt(f),
            Self::NoOwnNextHop => {
                f.write_str("the session gives us no address to write as next hop of this family")
            }
            Self::TooLong => f.write_str(
                "its attributes leave no room for it in a message as long as the session may have",
            ),
            Self::NextHopNotCarried => f.write_str(
                "its next hop is of the other address family, which the session cannot carry",
            ),
        }
    }
}
