//! All that is wrong in one place, as with a block of NLRI or the value of an attribute.
//!
//! The first of each kind are told one by one, and of the others how many there are: hostile input can be wrong in thousands of
//! places, and neither takes memory for each nor hides what is severer behind what is not.

use crate::error::{Disposition, Reason};
use crate::input::{Input, Malformed};

/// How many of a kind are told one by one.
pub(crate) const TOLD: usize = 16;

/// See the top of this file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Faults<'a> {
    told: Vec<Malformed<'a>>,
    /// Of each kind that goes on, the first one that is not told, with the number of them for its reason.
    more: Vec<Malformed<'a>>,
}

impl<'a> Faults<'a> {
    /// One more.
    #[cold]
    pub(crate) fn add(&mut self, fault: Malformed<'a>) {
        let alike = |known: &&Malformed<'_>| kind(known) == kind(&fault);
        if self.told.iter().filter(alike).count() < TOLD {
            self.told.push(fault);
            return;
        }
        let of_kind = |known: &&mut Malformed<'_>| kind(known) == kind(&fault);
        if let Some(more) = self.more.iter_mut().find(of_kind) {
            if let Reason::More { count, .. } = &mut more.reason {
                *count = count.saturating_add(1);
            }
            return;
        }
        let reason = Reason::More {
            count: 1,
            malformed: fault.reason.is_malformed(),
        };
        self.more.push(Malformed { reason, ..fault });
    }

    /// Whether there is nothing.
    pub(crate) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Those that are told, and then those that say how many more there are.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Malformed<'a>> + '_ {
        self.told.iter().chain(&self.more).copied()
    }
}

/// The severest of what `walk` finds, where `usual` is what follows if nothing else is asked for. RFC
/// 7606 §3 h: of several errors the strongest action counts.
#[inline]
pub(crate) fn severest<'a>(
    usual: Disposition,
    walk: impl FnOnce(&mut dyn FnMut(Malformed<'a>)),
) -> Option<Malformed<'a>> {
    let severity = |fault: &Malformed<'_>| fault.asks.unwrap_or(usual);
    let mut worst: Option<Malformed<'a>> = None;
    walk(&mut |fault| {
        if worst.is_none_or(|known| severity(&known) < severity(&fault)) {
            worst = Some(fault);
        }
    });
    worst
}

/// Reads a value that is in canonical form as it is: appends it, unless the severest of what `walk` finds
/// asks for something.
pub(crate) fn read_whole<'a>(
    value: Input<'a>,
    usual: Disposition,
    walk: impl FnOnce(Input<'a>, &mut dyn FnMut(Malformed<'a>)),
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    let worst = severest(usual, |note| walk(value, note));
    if worst.is_none_or(|error| error.is_harmless()) {
        out.extend_from_slice(value);
    }
    worst.map_or(Ok(()), Err)
}

/// What tells one kind from another: what it asks for, and whether something is malformed.
fn kind(fault: &Malformed<'_>) -> (Option<Disposition>, bool) {
    (fault.asks, fault.reason.is_malformed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_of_a_kind_are_counted_and_hide_no_other() {
        let octets = [0; 1000];
        let mut faults = Faults::default();
        assert!(faults.is_empty());
        for at in 0..900 {
            let odd = Malformed::new(&octets[at..], "Route Type", Reason::Unknown(99));
            faults.add(odd.asking(Disposition::None));
        }
        let bad = Malformed::new(&octets[900..], "Length", Reason::Length(3));
        faults.add(bad.asking(Disposition::None));
        faults.add(bad.asking(Disposition::TreatAsWithdraw));
        let all: Vec<_> = faults
            .iter()
            .map(|fault| fault.within(&octets, 0))
            .collect();
        assert_eq!(all.len(), TOLD + 3);
        let told = all.iter().filter(|one| one.reason == Reason::Unknown(99));
        assert_eq!(told.count(), TOLD);
        let lengths = all.iter().filter(|one| one.reason == Reason::Length(3));
        assert_eq!(lengths.count(), 2);
        let more = all.last().unwrap();
        assert_eq!(more.offset, TOLD);
        let count = Reason::More {
            count: 900 - 16,
            malformed: false,
        };
        assert_eq!(more.reason, count);
        assert_eq!(more.reason.to_string(), "884 more are not used");
        assert!(
            faults.iter().map(|fault| fault.asks).max() == Some(Some(Disposition::TreatAsWithdraw))
        );
    }
}
