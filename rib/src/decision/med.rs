//! MED, and why a destination is decided by groups.
//!
//! MED is compared only between paths of one neighbour AS. Pairwise comparison is then not
//! transitive: with a (AS 1, MED 10, metric 5), b (AS 1, MED 0, metric 20) and c (AS 2, metric 10),
//! b beats a by MED, a beats c by metric, c beats b by metric. A running winner would depend on
//! the order in which the three arrive.
//!
//! RFC 4271 §9.1.2.2 c removes from the set every path that has a rival of the same neighbour AS
//! with a lower MED, whatever becomes of that rival later. The same result with less work: find
//! the champion of each neighbour AS, where all MEDs are comparable and the order is total; then
//! the best of the champions, between which MED is never compared and the order is total again.
//!
//! This result is one that some order of arrival also gives to a router that keeps a running
//! winner: let the ASes arrive one after the other, in each the champion last, and the AS of the
//! best champion at the end. So it is a valid answer for who does not ask for determinism.

use smallvec::SmallVec;

use super::compare::compare;
use super::{Candidate, DecisionConfig};

/// The champions of the neighbour ASes among the eligible paths, one index for each AS.
pub(super) fn champions(
    candidates: &[Candidate<'_>],
    config: &DecisionConfig,
) -> SmallVec<[usize; 8]> {
    let mut champions: SmallVec<[usize; 8]> = SmallVec::new();
    for (i, path) in candidates.iter().enumerate() {
        if path.ineligible.is_some() {
            continue;
        }
        let neighbor = path.neighbor_as();
        match champions
            .iter_mut()
            .find(|champion| candidates[**champion].neighbor_as() == neighbor)
        {
            Some(champion) => {
                if compare(path, &candidates[*champion], config).first_wins() {
                    *champion = i;
                }
            }
            None => champions.push(i),
        }
    }
    champions
}

/// The best path: champions first, then the best of them.
pub(super) fn select_by_group(
    candidates: &[Candidate<'_>],
    config: &DecisionConfig,
) -> Option<usize> {
    champions(candidates, config)
        .into_iter()
        .reduce(|best, champion| {
            if compare(&candidates[champion], &candidates[best], config).first_wins() {
                champion
            } else {
                best
            }
        })
}
