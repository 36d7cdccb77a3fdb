//! The prefix lists of all terms of a policy as one: which of them a prefix is in, by one search.
//!
//! The prefixes stand in the order of their addresses, each before those within it, and each knows the next larger one around it
//! and the terms of all that are around it. So the entry that a search ends at, or one of the few around that entry, tells for all
//! terms at once.

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::term::TermSet;

/// See the top of this file.
#[derive(Debug, Default)]
pub(super) struct PrefixLists {
    v4: Nested<u32>,
    v6: Nested<u128>,
}

impl PrefixLists {
    /// Of these prefixes with the terms in whose lists they are.
    pub(super) fn new(lists: impl IntoIterator<Item = (IpNet, TermSet)>) -> Self {
        let (mut v4, mut v6) = (Vec::new(), Vec::new());
        for (net, terms) in lists {
            match net.trunc() {
                IpNet::V4(net) => v4.push((first_v4(net), net.prefix_len(), terms)),
                IpNet::V6(net) => v6.push((first_v6(net), net.prefix_len(), terms)),
            }
        }
        Self {
            v4: Nested::new(v4, 32),
            v6: Nested::new(v6, 128),
        }
    }

    /// The terms that have a prefix in their lists which is `net`, or which it lies within.
    pub(super) fn around(&self, net: IpNet) -> TermSet {
        match net {
            IpNet::V4(net) => self.v4.around(first_v4(net), net.prefix_len()),
            IpNet::V6(net) => self.v6.around(first_v6(net), net.prefix_len()),
        }
    }
}

fn first_v4(net: Ipv4Net) -> u32 {
    net.network().to_bits()
}

fn first_v6(net: Ipv6Net) -> u128 {
    net.network().to_bits()
}

/// Prefixes of one address family. A is what addresses are as numbers.
#[derive(Debug)]
struct Nested<A> {
    /// In ascending order.
    places: Vec<(A, u8)>,
    entries: Vec<Entry<A>>,
}

#[derive(Debug)]
struct Entry<A> {
    last: A,
    /// The entry around this one that has the longest prefix.
    outer: Option<u32>,
    /// Of this prefix, and of all around it.
    terms: TermSet,
}

impl<A> Default for Nested<A> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            entries: Vec::new(),
        }
    }
}

impl<A: Bits> Nested<A> {
    fn new(mut prefixes: Vec<(A, u8, TermSet)>, width: u8) -> Self {
        prefixes.sort_unstable_by_key(|(first, length, _)| (*first, *length));
        let mut nested = Self::default();
        // The entries that the next one may lie within, from the widest on.
        let mut open: Vec<u32> = Vec::new();
        for (first, length, terms) in prefixes {
            if nested.places.last() == Some(&(first, length))
                && let Some(same) = nested.entries.last_mut()
            {
                same.terms |= terms;
                continue;
            }
            let within = |outer: &u32| nested.entry(*outer).is_some_and(|e| e.last >= first);
            while open.last().is_some_and(|outer| !within(outer)) {
                open.pop();
            }
            let outer = open.last().copied();
            let around = outer.and_then(|outer| nested.entry(outer));
            let terms = terms | around.map_or(TermSet::EMPTY, |outer| outer.terms);
            open.push(u32::try_from(nested.entries.len()).unwrap_or(u32::MAX));
            nested.places.push((first, length));
            nested.entries.push(Entry {
                last: first.last_of(width.saturating_sub(length)),
                outer,
                terms,
            });
        }
        nested
    }

    fn entry(&self, at: u32) -> Option<&Entry<A>> {
        self.entries.get(at as usize)
    }

    fn around(&self, first: A, length: u8) -> TermSet {
        // The last one that begins no later and is no longer. Whatever is around the prefix is that one, or around it.
        let behind = self
            .places
            .partition_point(|place| *place <= (first, length));
        let mut at = behind
            .checked_sub(1)
            .and_then(|last| u32::try_from(last).ok());
        while let Some(entry) = at.and_then(|at| self.entry(at)) {
            if entry.last >= first {
                return entry.terms;
            }
            at = entry.outer;
        }
        TermSet::EMPTY
    }
}

/// An address as a number.
trait Bits: Copy + Ord {
    /// The last address of the prefix that begins here and leaves so many bits open.
    fn last_of(self, open: u8) -> Self;
}

impl Bits for u32 {
    fn last_of(self, open: u8) -> Self {
        self | Self::MAX.unbounded_shr(Self::BITS.saturating_sub(open.into()))
    }
}

impl Bits for u128 {
    fn last_of(self, open: u8) -> Self {
        self | Self::MAX.unbounded_shr(Self::BITS.saturating_sub(open.into()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn net(text: &str) -> IpNet {
        text.parse().unwrap()
    }

    #[test]
    fn a_prefix_is_in_the_lists_of_what_it_is_or_lies_within() {
        let lists = PrefixLists::new([
            (net("10.0.0.0/8"), TermSet::of(0)),
            (net("10.1.0.0/16"), TermSet::of(1)),
            (net("10.1.0.0/16"), TermSet::of(2)),
            (net("10.1.2.0/24"), TermSet::of(3)),
            (net("0.0.0.0/0"), TermSet::of(4)),
            (net("2001:db8::/32"), TermSet::of(5)),
        ]);
        for (prefix, terms) in [
            ("10.0.0.0/8", vec![0, 4]),
            ("10.0.0.0/7", vec![4]),
            ("10.1.0.0/16", vec![0, 1, 2, 4]),
            ("10.1.0.0/15", vec![0, 4]),
            ("10.1.3.0/24", vec![0, 1, 2, 4]),
            ("10.1.2.128/25", vec![0, 1, 2, 3, 4]),
            ("10.2.0.0/16", vec![0, 4]),
            ("11.0.0.0/8", vec![4]),
            ("0.0.0.0/0", vec![4]),
            ("255.255.255.255/32", vec![4]),
            ("2001:db8:1::/48", vec![5]),
            ("2001:db9::/32", vec![]),
            ("::/0", vec![]),
        ] {
            let found: Vec<usize> = lists.around(net(prefix)).iter().collect();
            assert_eq!(found, terms, "{prefix}");
        }
    }

    proptest! {
        /// Few addresses, so that many prefixes are within others.
        #[test]
        fn it_is_as_if_each_list_were_asked(
            lists in prop::collection::vec((0u32..16, 0u8..=32, 0usize..8), 0..40),
            asked in prop::collection::vec((0u32..16, 0u8..=32), 1..40),
        ) {
            let of = |bits: u32, length| Ipv4Net::new((bits << 28 | bits << 4).into(), length).unwrap().trunc();
            let lists: Vec<(IpNet, usize)> =
                lists.into_iter().map(|(bits, length, term)| (of(bits, length).into(), term)).collect();
            let together = PrefixLists::new(lists.iter().map(|(net, term)| (*net, TermSet::of(*term))));
            for (bits, length) in asked {
                let net: IpNet = of(bits, length).into();
                let mut expected = TermSet::EMPTY;
                for (list, term) in &lists {
                    if list.contains(&net) {
                        expected |= TermSet::of(*term);
                    }
                }
                prop_assert_eq!(together.around(net), expected, "{}", net);
            }
        }
    }
}
