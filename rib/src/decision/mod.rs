//! The decision process: which of the paths to a destination is used, which are used beside it, and
//! why each of the others is not.
//!
//! RFC 4271 §9.1.2.2 is written as an elimination on a set of paths, and so it is here: [`Step`] is
//! the ordered list of what is looked at, [`compare()`] says which of two paths survives and at which
//! step, and everything else asks only `compare`. Forwarding ([`select`], [`multipath()`]) and
//! `explain` ([`explain()`]) share it, so they cannot disagree.
//!
//! ```text
//! candidate.rs   what a path shows to the decision; why a path takes no part
//! steps.rs       the ordered list: number, name, RFC, and the comparison of one step
//! compare.rs     two paths: Verdict { order, step }
//! med.rs         groups by neighbour AS, because MED makes pairwise comparison non-transitive
//! multipath.rs   the paths that are equal down to the IGP metric
//! explain.rs     a reason for every path, with the two values that were compared
//! ```
//!
//! # Laws
//!
//! - The result never depends on the order of the candidates, and so never on the order of arrival.
//! - For that reason the age of a path is not looked at (the "oldest external path" of many
//!   implementations, RFC 5004 §3). Where they compare age, between two eBGP paths,
//!   [`DecisionConfig::compare_router_id`] says what is done instead.
//! - Nothing allocates while a destination is decided, except for more than eight neighbour ASes
//!   with different MEDs at one destination.

mod candidate;
mod compare;
mod explain;
mod med;
mod multipath;
mod steps;

pub use candidate::{Candidate, DecisionKey, Ineligible, SourceKind};
pub(crate) use candidate::{DEFAULT_LOCAL_PREF, is_llgr_stale, mobility_of};
pub use compare::{Verdict, compare};
pub use explain::{Loss, Reason, explain};
pub use multipath::multipath;
pub use steps::Step;

/// What the operator chooses about the decision process of one router.
///
/// There is no switch for deterministic MED: selection here is always by groups of neighbour AS.
/// Who says `deterministicMed: false` elsewhere allows the result to follow the order of arrival,
/// and the result by groups is always one that some order of arrival gives (see `med.rs`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct DecisionConfig {
    /// Compare MED between paths of different neighbour ASes too.
    pub always_compare_med: bool,
    /// Between two eBGP paths, compare the router IDs of the peers (RFC 4271 §9.1.2.2 f). When
    /// false that step is passed over for them and the lowest peer address decides (step g), so
    /// that the choice stays where it is when a peer changes its router ID. The age of a path is
    /// looked at in neither case.
    pub compare_router_id: bool,
}

/// The index of the best path among `candidates`, or `None` if none of them is eligible.
#[must_use]
pub fn select(candidates: &[Candidate<'_>], config: &DecisionConfig) -> Option<usize> {
    let mut eligible = (0..candidates.len()).filter(|&i| candidates[i].ineligible.is_none());
    let first = eligible.next()?;
    let (first_med, first_as) = (candidates[first].key.med, candidates[first].neighbor_as());
    let (mut best, mut rivals) = (first, 0usize);
    let (mut meds_differ, mut neighbors_differ) = (false, false);
    for i in eligible {
        rivals += 1;
        meds_differ |= candidates[i].key.med != first_med;
        neighbors_differ |= candidates[i].neighbor_as() != first_as;
        if compare(&candidates[i], &candidates[best], config).first_wins() {
            best = i;
        }
    }
    // One pass is enough while the comparison is transitive; only different MEDs of different
    // neighbours can break that, and only between three paths or more.
    if rivals > 1 && meds_differ && neighbors_differ && !config.always_compare_med {
        return med::select_by_group(candidates, config);
    }
    Some(best)
}
