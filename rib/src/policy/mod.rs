//! Import and export policy: what a peer's routes go through on their way in and out.
//!
//! - `term`: what a policy consists of; `matcher` what a term asks for, `action` what it changes;
//! - `chain`: policies one after the other, evaluated once for each attribute set as far as the terms allow it;
//! - `words`: what terms do, for people;
//! - `questions`, `prefixes`: what all terms of a policy ask, answered at once;
//! - `expression`: regular expressions in the routers' dialect.
//!
//! Pure, and without a word of peers or tables.

mod action;
mod chain;
mod expression;
mod matcher;
mod prefixes;
mod questions;
mod term;
mod words;

pub use self::action::{Change, NextHopChange, PathChange, Set};
pub use self::chain::{Chain, Evaluation, Policy, Step, TermId, TooManyTerms, Verdict, Way};
pub use self::expression::{Expression, ExpressionError};
pub use self::matcher::{CommunityList, EvpnMatch, Match, RouteFacts};
pub use self::term::{Action, Term};

use std::fmt;

use crate::decision::SourceKind;

/// Why a policy rejected a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyReject {
    /// No policy is configured for an eBGP peer, and one is required (RFC 8212).
    NoPolicy,
    /// A term denies it. Which one, a [trace](Chain::trace) tells.
    Denied,
}

impl fmt::Display for PolicyReject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoPolicy => "the external peer has no policy, and one is required (RFC 8212)",
            Self::Denied => "a policy denies it",
        })
    }
}

/// What the routes of a peer go through, on their way in or out.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RoutePolicy {
    /// Everything passes as it is.
    AcceptAll,
    /// Nothing passes. What comes in is kept, but takes no part in the decision.
    RejectAll(PolicyReject),
    /// What passes, and how, is what these policies say.
    Chain(Chain),
}

impl RoutePolicy {
    /// What a peer's routes go through if these are its policies.
    ///
    /// RFC 8212 §3: "Routes contained in an Adj-RIB-In associated with an EBGP peer SHALL NOT be considered eligible in the Decision
    /// Process if no explicit Import Policy has been applied." And: "Routes SHALL NOT be added to an Adj-RIB-Out associated with an
    /// EBGP peer if no explicit Export Policy has been applied."
    #[must_use]
    pub fn of(chain: &Chain, peer: SourceKind, require_policy: bool) -> Self {
        match (chain.is_empty(), peer, require_policy) {
            (false, ..) => Self::Chain(chain.clone()),
            (true, SourceKind::Ebgp, true) => Self::RejectAll(PolicyReject::NoPolicy),
            (true, ..) => Self::AcceptAll,
        }
    }

    /// Whether the verdict depends on the set at all.
    pub(crate) fn looks_at_sets(&self) -> bool {
        matches!(self, Self::Chain(_))
    }

    /// Whether routes that share a set can fare differently.
    pub(crate) fn asks_for_route(&self) -> bool {
        matches!(self, Self::Chain(chain) if chain.asks_for_route())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn only_an_external_peer_needs_a_policy_and_only_when_one_is_required() {
        use SourceKind::{Ebgp, Ibgp, IbgpClient};
        let none = Chain::default();
        let some = Chain::new([Arc::new(Policy::new("any", Vec::new()).unwrap())]);
        for peer in [Ebgp, Ibgp, IbgpClient] {
            for required in [false, true] {
                let expected = match peer == Ebgp && required {
                    true => RoutePolicy::RejectAll(PolicyReject::NoPolicy),
                    false => RoutePolicy::AcceptAll,
                };
                assert_eq!(RoutePolicy::of(&none, peer, required), expected);
                let chain = RoutePolicy::Chain(some.clone());
                assert_eq!(RoutePolicy::of(&some, peer, required), chain);
            }
        }
    }
}
