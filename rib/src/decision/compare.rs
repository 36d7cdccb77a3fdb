//! Two paths, one verdict: the first step at which they differ.

use std::cmp::Ordering;

use super::{Candidate, DecisionConfig, Step};

/// The outcome of comparing two paths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verdict {
    /// `Less`: the first path is preferred.
    pub order: Ordering,
    /// The step that decided; the last step looked at when the paths are equal.
    pub step: Step,
}

impl Verdict {
    /// Whether the first of the two paths is preferred.
    #[must_use]
    pub fn first_wins(self) -> bool {
        self.order == Ordering::Less
    }
}

/// Compares two eligible paths of one destination through all steps.
///
/// Two different paths are never equal: a peer has a name of its own, and its paths have different
/// path identifiers. The relation is a total order among paths of one neighbour AS, among paths
/// with equal MEDs, and under [`DecisionConfig::always_compare_med`]; `select` does not rely on more.
#[must_use]
pub fn compare(a: &Candidate<'_>, b: &Candidate<'_>, config: &DecisionConfig) -> Verdict {
    match Step::first_difference(a, b, config) {
        Some((order, step)) => Verdict { order, step },
        None => Verdict {
            order: Ordering::Equal,
            step: Step::PathId,
        },
    }
}

/// Compares down to and including the IGP metric: equal means fit to be used side by side.
pub(super) fn compare_to_boundary(
    a: &Candidate<'_>,
    b: &Candidate<'_>,
    config: &DecisionConfig,
) -> Verdict {
    match Step::first_difference_to_boundary(a, b, config) {
        Some((order, step)) => Verdict { order, step },
        None => Verdict {
            order: Ordering::Equal,
            step: Step::IgpMetric,
        },
    }
}
