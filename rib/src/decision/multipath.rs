//! Which paths share the traffic with the best path.
//!
//! A path is fit to be used beside the best when it survives as far as the best does down to the IGP
//! metric (RFC 4271 §9.1.2.2 a to e); what follows are tie-breaks that say nothing about quality.
//! Equal length of the AS_PATH is enough: the paths may pass through different neighbour ASes.
//! That is what a node with an uplink to two or more ToRs of different ASes needs, and what data
//! centres configure elsewhere as "multipath relax" (RFC 7938 §6.2). External and
//! internal paths never mix, because they differ at an earlier step.
//!
//! A path that loses to a rival of its own neighbour AS by MED is out, even when that rival itself
//! is not in the set: the RFC removes it before the metric is looked at.
//!
//! The set holds distinct next hops: the same next hop learned from two reflectors is one way, not
//! two. Its order is that of the remaining tie-breaks, so a set that is cut off at its width is
//! the same in whatever order the paths arrived.

use super::compare::{compare, compare_to_boundary};
use super::{Candidate, DecisionConfig};

/// Writes to `out` the indexes of the paths that are used for forwarding: `best` first, then the
/// paths that are equal to it as far as forwarding cares, up to `max_paths` distinct next hops.
///
/// `best` is what [`select`](super::select) gave for the same candidates. `out` is cleared first.
pub fn multipath(
    candidates: &[Candidate<'_>],
    best: usize,
    max_paths: u8,
    config: &DecisionConfig,
    out: &mut Vec<usize>,
) {
    out.clear();
    if max_paths > 1 {
        equals_of_best(candidates, best, config, out);
        keep_distinct_next_hops(candidates, usize::from(max_paths), out);
    } else {
        out.push(best);
    }
}

/// All paths that are fit to be used beside `best`, and `best`, in the order of the tie-breaks.
pub(super) fn equals_of_best(
    candidates: &[Candidate<'_>],
    best: usize,
    config: &DecisionConfig,
    out: &mut Vec<usize>,
) {
    let winner = &candidates[best];
    let mut meds_differ = false;
    for (i, path) in candidates.iter().enumerate() {
        if path.ineligible.is_some() {
            continue;
        }
        meds_differ |= path.key.med != winner.key.med;
        if i == best || compare_to_boundary(path, winner, config).order.is_eq() {
            out.push(i);
        }
    }
    // The rivals of the best path's own AS were compared with it already.
    if meds_differ && !config.always_compare_med && out.len() > 1 {
        out.retain(|&i| {
            candidates[i].neighbor_as() == winner.neighbor_as()
                || !loses_by_med(candidates, i, config)
        });
    }
    // Among these no MED decides (of one AS they are equal), so the order is total; the best is
    // its first.
    out.sort_unstable_by(|&a, &b| compare(&candidates[a], &candidates[b], config).order);
}

/// Whether another path of the same neighbour AS removes this one, which is equal to the best. It can
/// only be by MED: who wins at another step would win against the best path too.
fn loses_by_med(candidates: &[Candidate<'_>], i: usize, config: &DecisionConfig) -> bool {
    let path = &candidates[i];
    candidates.iter().any(|rival| {
        rival.ineligible.is_none()
            && rival.neighbor_as() == path.neighbor_as()
            && compare_to_boundary(rival, path, config).first_wins()
    })
}

/// Keeps the first path of each next hop, and of these the first `width`.
fn keep_distinct_next_hops(candidates: &[Candidate<'_>], width: usize, out: &mut Vec<usize>) {
    let mut kept = 0;
    for position in 0..out.len() {
        if kept == width {
            break;
        }
        let path = out[position];
        let next_hop = candidates[path].next_hop;
        if out[..kept]
            .iter()
            .all(|&other| candidates[other].next_hop != next_hop)
        {
            out[kept] = path;
            kept += 1;
        }
    }
    out.truncate(kept);
}
