//! A reason for every path of a destination, from the very comparisons that selected.

use std::fmt;

use super::compare::compare;
use super::{Candidate, DecisionConfig, Ineligible, Step, med, multipath, select};

/// A comparison that a path lost.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loss {
    /// The step at which it fell out.
    pub step: Step,
    /// The index of the path it lost against.
    pub against: usize,
    /// What it had to show at that step.
    pub ours: String,
    /// What the other path had to show.
    pub theirs: String,
}

/// What became of a path, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is the best path.
    Best,
    /// It carries traffic beside the best path; the loss says why it is not the best.
    Multipath(Loss),
    /// It is fit to be used beside the best, but the path with the index `twin` has the same next
    /// hop.
    SameNextHop {
        /// The path that is used instead.
        twin: usize,
        /// Why it is not the best.
        loss: Loss,
    },
    /// It is fit to be used beside the best, but the set is full.
    BeyondWidth {
        /// How many paths are used at most.
        width: u8,
        /// Why it is not the best.
        loss: Loss,
    },
    /// It lost.
    Lost(Loss),
    /// It takes no part.
    Ineligible(Ineligible),
}

impl Reason {
    /// The comparison that it lost, if it took part and is not the best.
    #[must_use]
    pub fn loss(&self) -> Option<&Loss> {
        match self {
            Self::Best | Self::Ineligible(_) => None,
            Self::Multipath(loss) | Self::Lost(loss) => Some(loss),
            Self::SameNextHop { loss, .. } | Self::BeyondWidth { loss, .. } => Some(loss),
        }
    }

    /// Whether the path is used for forwarding.
    #[must_use]
    pub fn is_used(&self) -> bool {
        matches!(self, Self::Best | Self::Multipath(_))
    }
}

impl fmt::Display for Loss {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "step {} {}: {} against {}, {}",
            self.step.number(),
            self.step,
            self.ours,
            self.theirs,
            self.step.rule()
        )
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Best => f.write_str("best"),
            Self::Multipath(loss) => write!(f, "used beside the best; not best by {loss}"),
            Self::SameNextHop { loss, .. } => {
                write!(
                    f,
                    "equal, but its next hop is used already; not best by {loss}"
                )
            }
            Self::BeyondWidth { width, loss } => {
                write!(
                    f,
                    "equal, but at most {width} paths are used; not best by {loss}"
                )
            }
            Self::Lost(loss) => write!(f, "lost at {loss}"),
            Self::Ineligible(reason) => {
                write!(f, "not eligible: {reason}")?;
                reason.rfc().map_or(Ok(()), |rfc| write!(f, " ({rfc})"))
            }
        }
    }
}

/// Says for each of the candidates what became of it; the result has their order.
#[must_use]
pub fn explain(
    candidates: &[Candidate<'_>],
    max_paths: u8,
    config: &DecisionConfig,
) -> Vec<Reason> {
    let Some(best) = select(candidates, config) else {
        return candidates
            .iter()
            .filter_map(|path| path.ineligible.map(Reason::Ineligible))
            .collect();
    };
    let champions = med::champions(candidates, config);
    let (mut used, mut equals) = (Vec::new(), Vec::new());
    multipath(candidates, best, max_paths, config, &mut used);
    if max_paths > 1 {
        multipath::equals_of_best(candidates, best, config, &mut equals);
    }

    (0..candidates.len())
        .map(|i| {
            if let Some(reason) = candidates[i].ineligible {
                return Reason::Ineligible(reason);
            }
            if i == best {
                return Reason::Best;
            }
            let loss = loss_of(candidates, i, best, &champions, config);
            if used.contains(&i) {
                return Reason::Multipath(loss);
            }
            if !equals.contains(&i) {
                return Reason::Lost(loss);
            }
            let same_next_hop =
                |other: &&usize| candidates[**other].next_hop == candidates[i].next_hop;
            match used.iter().find(same_next_hop) {
                Some(&twin) => Reason::SameNextHop { twin, loss },
                None => Reason::BeyondWidth {
                    width: max_paths,
                    loss,
                },
            }
        })
        .collect()
}

/// The step at which the elimination of RFC 4271 §9.1.2.2 removes path `i`: against the best path, or by
/// MED against the champion of its own neighbour AS, whichever comes first.
fn loss_of(
    candidates: &[Candidate<'_>],
    i: usize,
    best: usize,
    champions: &[usize],
    config: &DecisionConfig,
) -> Loss {
    let path = &candidates[i];
    let neighbor = path.neighbor_as();
    let champion = champions
        .iter()
        .copied()
        .find(|&c| candidates[c].neighbor_as() == neighbor);
    let mut rivals = vec![best];
    rivals.extend(champion.filter(|&champion| champion != i && champion != best));
    let lost = rivals.into_iter().filter_map(|rival| {
        let verdict = compare(&candidates[rival], path, config);
        verdict.first_wins().then_some((verdict.step, rival))
    });
    // The earliest step, and of two the one against the best path, which comes first.
    let (step, against) = lost
        .reduce(|first, other| if other.0 < first.0 { other } else { first })
        .unwrap_or((Step::PathId, best));
    Loss {
        step,
        against,
        ours: step.value(path),
        theirs: step.value(&candidates[against]),
    }
}
