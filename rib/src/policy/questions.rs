//! What the terms of a policy ask of an attribute set, question by question: a look at each attribute tells for all terms at once which
//! of them it leaves.
//!
//! Questions that take more than a comparison of values (expressions, lengths, next hops) are asked of each term that is left.

use bgp_wire::{AttrRef, Community, ExtCommunity, Family, FamilySet, LargeCommunity, Origin};

use super::matcher::{DEFAULT_LOCAL_PREF, Match};
use super::term::{Term, TermSet};

/// See the top of this file.
#[derive(Debug, Default)]
pub(super) struct Questions {
    /// Terms of which more is asked than is answered here.
    more: TermSet,
    families: Vec<(FamilySet, TermSet)>,
    any_family: TermSet,
    local_pref: Values<u32>,
    med: Values<u32>,
    origin: Values<Origin>,
    /// Terms that ask for no community.
    any_community: TermSet,
    standard: Listed<Community>,
    extended: Listed<ExtCommunity>,
    large: Listed<LargeCommunity>,
    /// Terms that ask for communities by expressions or by several lists: those are not answered here.
    described: TermSet,
}

/// Terms by the value that they ask for.
#[derive(Debug)]
struct Values<T> {
    /// Terms that take any value.
    any: TermSet,
    by: Listed<T>,
}

impl<T> Default for Values<T> {
    fn default() -> Self {
        Self {
            any: TermSet::EMPTY,
            by: Listed::default(),
        }
    }
}

impl<T: Ord + Copy> Values<T> {
    fn note(&mut self, value: Option<T>, term: TermSet) {
        match value {
            None => self.any |= term,
            Some(value) => self.by.0.push((value, term)),
        }
    }

    /// The terms that take a set with the value that `value` finds.
    fn of(&self, value: impl FnOnce() -> Option<T>) -> TermSet {
        match self.by.0.is_empty() {
            true => self.any,
            false => value().map_or(self.any, |value| self.any | self.by.of(&value)),
        }
    }
}

/// Terms by values, sorted; each value once.
#[derive(Debug)]
struct Listed<T>(Vec<(T, TermSet)>);

impl<T> Default for Listed<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Ord + Copy> Listed<T> {
    fn note(&mut self, values: &[T], term: TermSet) {
        self.0.extend(values.iter().map(|value| (*value, term)));
    }

    fn sort(&mut self) {
        self.0.sort_by_key(|(value, _)| *value);
        self.0.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 |= next.1;
            }
            same
        });
    }

    fn of(&self, value: &T) -> TermSet {
        let found = self.0.binary_search_by(|(known, _)| known.cmp(value));
        let found = found.ok().and_then(|at| self.0.get(at));
        found.map_or(TermSet::EMPTY, |(_, terms)| *terms)
    }

    /// The terms that ask for any of these.
    fn of_any(&self, values: impl Iterator<Item = T>) -> TermSet {
        if self.0.is_empty() {
            return TermSet::EMPTY;
        }
        values.fold(TermSet::EMPTY, |terms, value| terms | self.of(&value))
    }
}

impl Questions {
    /// What these terms ask.
    pub(super) fn of(terms: &[Term]) -> Self {
        let mut questions = Self::default();
        for (place, term) in terms.iter().enumerate() {
            questions.note(&term.matches, TermSet::of(place));
        }
        let Self {
            local_pref,
            med,
            origin,
            standard,
            extended,
            large,
            ..
        } = &mut questions;
        local_pref.by.sort();
        med.by.sort();
        origin.by.sort();
        standard.sort();
        extended.sort();
        large.sort();
        questions
    }

    fn note(&mut self, asked: &Match, term: TermSet) {
        match asked.families {
            None => self.any_family |= term,
            Some(families) => {
                match self
                    .families
                    .iter_mut()
                    .find(|(known, _)| *known == families)
                {
                    Some((_, terms)) => *terms |= term,
                    None => self.families.push((families, term)),
                }
            }
        }
        self.local_pref.note(asked.local_pref, term);
        self.med.note(asked.med, term);
        self.origin.note(asked.origin, term);
        match &asked.communities[..] {
            [] => self.any_community |= term,
            [list] => {
                self.standard.note(&list.standard, term);
                self.extended.note(&list.extended, term);
                self.large.note(&list.large, term);
                if !list.patterns.is_empty() {
                    self.described |= term;
                }
            }
            // One of each list: more than can be told by a look at each community.
            [_, _, ..] => self.described |= term,
        }
        if asked.as_path.is_some()
            || asked.as_path_length.is_some()
            || asked.next_hops.is_some()
            || self.described.and(term) == term
        {
            self.more |= term;
        }
    }

    /// The terms that may take the set; all others do not.
    pub(super) fn candidates(&self, attrs: AttrRef<'_>, family: Family) -> TermSet {
        let mut left = self.any_family;
        for (families, terms) in &self.families {
            if families.contains(family) {
                left |= *terms;
            }
        }
        left = left
            .and(
                self.local_pref
                    .of(|| Some(attrs.local_pref().unwrap_or(DEFAULT_LOCAL_PREF))),
            )
            .and(self.med.of(|| Some(attrs.med().unwrap_or(0))))
            .and(self.origin.of(|| attrs.origin()));
        if left.and(self.any_community) != left {
            let listed = self.standard.of_any(attrs.communities())
                | self.extended.of_any(attrs.ext_communities())
                | self.large.of_any(attrs.large_communities());
            left = left.and(self.any_community | self.described | listed);
        }
        left
    }

    /// Whether a candidate takes the set for certain.
    pub(super) fn settles(&self, place: usize) -> bool {
        self.more.and(TermSet::of(place)) == TermSet::EMPTY
    }
}
