//! Import and export policy: what a peer's routes go through on their way in and out.
//!
//! - `term`: what a policy consists of; `matcher` what a term asks for, `action` what it changes;
//! - `chain`: policies one after the other, evaluated once for each attribute set as far as the terms allow it;
//! - `prefixes`, `expression`: the prefix lists of a policy, and regular expressions in the routers' dialect.
//!
//! Pure, and without a word of peers or tables.
//!
//! The tables know two policies so far: everything passes, and nothing passes because RFC 8212 wants a policy where none is
//! configured. A chain is one more variant beside them; its callers already deal with all three outcomes.

mod action;
mod chain;
mod expression;
mod matcher;
mod prefixes;
mod term;

pub use self::action::{Change, NextHopChange, PathChange, Set};
pub use self::chain::{Chain, Evaluation, Policy, Step, TermId, TooManyTerms, Verdict};
pub use self::expression::{Expression, ExpressionError};
pub use self::matcher::{CommunityList, EvpnMatch, Match, RouteFacts};
pub use self::term::{Action, Term};

use std::fmt;

use bgp_wire::{AttrRef, AttrSet};

use crate::decision::SourceKind;

/// What a policy says about an attribute set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// It passes as it is.
    Unchanged,
    /// It passes as this set.
    Changed(AttrSet),
    /// It does not pass.
    Reject(PolicyReject),
}

/// Why a policy rejected a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PolicyReject {
    /// No policy is configured for an eBGP peer, and one is required (RFC 8212).
    NoPolicy,
}

impl fmt::Display for PolicyReject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPolicy => {
                f.write_str("the external peer has no policy, and one is required (RFC 8212)")
            }
        }
    }
}

/// What the routes from a peer go through before the decision.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ImportPolicy {
    /// Everything passes.
    AcceptAll,
    /// Nothing passes. The routes are kept, but take no part in the decision.
    RejectAll(PolicyReject),
}

impl ImportPolicy {
    /// The policy of a peer for which none is configured.
    ///
    /// RFC 8212 §3: "Routes contained in an Adj-RIB-In associated with an EBGP peer SHALL NOT be
    /// considered eligible in the Decision Process if no explicit Import Policy has been applied."
    #[must_use]
    pub fn unconfigured(peer: SourceKind, require_policy: bool) -> Self {
        match (peer, require_policy) {
            (SourceKind::Ebgp, true) => Self::RejectAll(PolicyReject::NoPolicy),
            _ => Self::AcceptAll,
        }
    }

    /// What becomes of this set.
    #[must_use]
    pub fn evaluate(&self, _attrs: AttrRef<'_>) -> Outcome {
        match self {
            Self::AcceptAll => Outcome::Unchanged,
            Self::RejectAll(reason) => Outcome::Reject(*reason),
        }
    }
}

/// What routes go through before they are told to a peer.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum ExportPolicy {
    /// Everything passes.
    AcceptAll,
    /// Nothing passes.
    RejectAll(PolicyReject),
}

impl ExportPolicy {
    /// The policy towards a peer for which none is configured.
    ///
    /// RFC 8212 §3: "Routes SHALL NOT be added to an Adj-RIB-Out associated with an EBGP peer if no
    /// explicit Export Policy has been applied."
    #[must_use]
    pub fn unconfigured(peer: SourceKind, require_policy: bool) -> Self {
        match (peer, require_policy) {
            (SourceKind::Ebgp, true) => Self::RejectAll(PolicyReject::NoPolicy),
            _ => Self::AcceptAll,
        }
    }

    /// Whether the verdict depends on the set at all.
    pub(crate) fn looks_at_sets(&self) -> bool {
        match self {
            Self::AcceptAll | Self::RejectAll(_) => false,
        }
    }

    /// What becomes of this set.
    #[must_use]
    pub fn evaluate(&self, _attrs: AttrRef<'_>) -> Outcome {
        match self {
            Self::AcceptAll => Outcome::Unchanged,
            Self::RejectAll(reason) => Outcome::Reject(*reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_external_peer_needs_a_policy_and_only_when_one_is_required() {
        use SourceKind::{Ebgp, Ibgp, IbgpClient};
        for peer in [Ebgp, Ibgp, IbgpClient] {
            for required in [false, true] {
                let rejects = peer == Ebgp && required;
                let import = ImportPolicy::unconfigured(peer, required);
                let export = ExportPolicy::unconfigured(peer, required);
                assert_eq!(
                    import != ImportPolicy::AcceptAll,
                    rejects,
                    "{peer} {required}"
                );
                assert_eq!(
                    export != ExportPolicy::AcceptAll,
                    rejects,
                    "{peer} {required}"
                );
            }
        }
    }
}
