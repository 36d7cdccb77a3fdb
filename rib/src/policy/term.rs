//! The terms of a policy: what each matches, and what then happens.

use std::ops::{BitOr, BitOrAssign};

use super::action::Set;
use super::matcher::Match;

/// One term of a policy.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Term {
    /// By which people know it. Terms are tried in ascending order.
    pub sequence: i64,
    /// What the route must be for the term to decide.
    pub matches: Match,
    /// What happens to a route that matches.
    pub action: Action,
}

/// What happens to a route that a term matches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// It passes, changed like this.
    Permit(Box<Set>),
    /// It does not pass.
    Deny,
}

impl Default for Action {
    fn default() -> Self {
        Self::Permit(Box::default())
    }
}

/// Terms of one policy, by their place in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub(super) struct TermSet(u64);

impl TermSet {
    pub(super) const EMPTY: Self = Self(0);
    /// How many terms a policy may have.
    pub(super) const MOST: usize = 64;

    /// The term at this place; none beyond the last.
    pub(super) fn of(place: usize) -> Self {
        Self(u32::try_from(place).map_or(0, |place| 1u64.checked_shl(place).unwrap_or(0)))
    }

    /// Those that are in both.
    pub(super) fn and(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// The places, in ascending order.
    pub(super) fn iter(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let place = left.trailing_zeros() as usize;
            left &= left.wrapping_sub(1);
            (place < Self::MOST).then_some(place)
        })
    }
}

impl BitOr for TermSet {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for TermSet {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_of_terms_gives_them_in_order() {
        let set = TermSet::of(63) | TermSet::of(0) | TermSet::of(5) | TermSet::of(64);
        assert_eq!(set.iter().collect::<Vec<_>>(), [0, 5, 63]);
        assert_eq!(TermSet::EMPTY.iter().count(), 0);
        assert_eq!(set.and(TermSet::of(5)), TermSet::of(5));
    }
}
