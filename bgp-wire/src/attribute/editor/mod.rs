//! Changes sets of attributes: what policy, reflection and export do to a route.
//!
//! The editor holds one set in canonical form and keeps it canonical with every change, so that
//! [`finish`](AttrEditor::finish) costs nothing. Its buffer is reused: load a set, change it, take
//! the result, load the next.

mod as_path;
mod communities;
mod overlay;

use std::ops::Range;

use super::set::head;
use super::{Aggregator, AttrCode, AttrRef, AttrSet, NextHop, Origin, flags, table};
use crate::RouterId;

/// A set of attributes that can be changed.
#[derive(Clone, Debug)]
pub struct AttrEditor {
    /// Canonical at all times.
    set: Vec<u8>,
    /// A value being put together.
    value: Vec<u8>,
}

impl Default for AttrEditor {
    fn default() -> Self {
        Self::new()
    }
}

impl From<AttrRef<'_>> for AttrEditor {
    fn from(attrs: AttrRef<'_>) -> Self {
        let mut editor = Self::new();
        editor.load(attrs);
        editor
    }
}

impl AttrEditor {
    /// An empty set.
    pub fn new() -> Self {
        Self {
            set: vec![0],
            value: Vec::new(),
        }
    }

    /// Starts again from a set, keeping the buffer.
    pub fn load(&mut self, attrs: AttrRef<'_>) {
        self.set.clear();
        self.set.extend_from_slice(attrs.as_bytes());
        if self.set.is_empty() {
            self.set.push(0);
        }
    }

    /// Starts again from nothing, keeping the buffer.
    pub fn clear(&mut self) {
        self.set.clear();
        self.set.push(0);
    }

    /// The set as it is now.
    pub fn get(&self) -> AttrRef<'_> {
        AttrRef::from_canonical(&self.set)
    }

    /// The finished set.
    pub fn finish(&mut self) -> AttrRef<'_> {
        self.get()
    }

    /// The set as it is now, with octets of its own.
    pub fn to_set(&self) -> AttrSet {
        self.get().to_set()
    }

    /// Sets or removes the next hop.
    pub fn set_next_hop(&mut self, next_hop: impl Into<Option<NextHop>>) {
        let end = 1 + usize::from(self.set.first().copied().unwrap_or(0));
        let end = end.min(self.set.len());
        match next_hop.into() {
            None => drop(self.set.splice(..end, [0])),
            Some(next_hop) => next_hop.write(|bytes| {
                let length = u8::try_from(bytes.len()).unwrap_or(0);
                drop(
                    self.set
                        .splice(..end, std::iter::once(length).chain(bytes.iter().copied())),
                );
            }),
        }
    }

    /// Sets ORIGIN.
    pub fn set_origin(&mut self, origin: Origin) {
        self.put(AttrCode::ORIGIN, &[origin.code()]);
    }

    /// Sets or removes MULTI_EXIT_DISC.
    pub fn set_med(&mut self, med: Option<u32>) {
        self.put_number(AttrCode::MED, med);
    }

    /// Sets or removes LOCAL_PREF.
    pub fn set_local_pref(&mut self, local_pref: Option<u32>) {
        self.put_number(AttrCode::LOCAL_PREF, local_pref);
    }

    /// Sets or removes ATOMIC_AGGREGATE.
    pub fn set_atomic_aggregate(&mut self, present: bool) {
        if present {
            self.put(AttrCode::ATOMIC_AGGREGATE, &[]);
        } else {
            self.remove(AttrCode::ATOMIC_AGGREGATE);
        }
    }

    /// Sets or removes AGGREGATOR.
    pub fn set_aggregator(&mut self, aggregator: Option<Aggregator>) {
        match aggregator {
            Some(aggregator) => self.put(AttrCode::AGGREGATOR, &aggregator.to_bytes()),
            None => drop(self.remove(AttrCode::AGGREGATOR)),
        }
    }

    /// Sets or removes ORIGINATOR_ID.
    pub fn set_originator_id(&mut self, id: Option<RouterId>) {
        self.put_number(AttrCode::ORIGINATOR_ID, id.map(|id| id.0));
    }

    /// Puts a cluster in front of CLUSTER_LIST (RFC 4456 §8).
    pub fn prepend_cluster_id(&mut self, id: RouterId) {
        self.build(AttrCode::CLUSTER_LIST, |old, value| {
            value.extend_from_slice(&id.0.to_be_bytes());
            value.extend_from_slice(old);
        });
    }

    /// Sets an attribute that is not in the table. `false` if it is, as such a value would not be
    /// checked, or if the value is too long.
    pub fn set_unknown(&mut self, code: AttrCode, flags: u8, value: &[u8]) -> bool {
        if code.is_known() || u16::try_from(value.len()).is_err() {
            return false;
        }
        self.replace(code, flags & flags::KEPT, value);
        true
    }

    /// Removes an attribute; whether it was there.
    pub fn remove(&mut self, code: AttrCode) -> bool {
        match self.find(code) {
            Ok(range) => {
                self.set.drain(range);
                true
            }
            Err(_) => false,
        }
    }

    /// Keeps the attributes for which `keep`, given code and flags, says so.
    pub fn retain(&mut self, keep: impl Fn(AttrCode, u8) -> bool) {
        let mut at = self.start();
        while let Some((length, code, flags)) = self.head(at) {
            if keep(code, flags) {
                at += length;
            } else {
                self.set.drain(at..at + length);
            }
        }
    }

    /// Where the attributes begin.
    fn start(&self) -> usize {
        (1 + usize::from(self.set.first().copied().unwrap_or(0))).min(self.set.len())
    }

    /// The whole length, the code and the flags of the attribute that begins at `at`.
    fn head(&self, at: usize) -> Option<(usize, AttrCode, u8)> {
        let rest = self.set.get(at..)?;
        let length = match rest {
            [flags, _, high, low, ..] if flags & flags::EXTENDED_LENGTH != 0 => {
                4 + usize::from(u16::from_be_bytes([*high, *low]))
            }
            [_, _, length, ..] => 3 + usize::from(*length),
            _ => return None,
        };
        match rest {
            [flags, code, ..] if length <= rest.len() => Some((length, AttrCode(*code), *flags)),
            _ => None,
        }
    }

    /// Where an attribute is, or where it would have to be.
    fn find(&self, code: AttrCode) -> Result<Range<usize>, usize> {
        let mut at = self.start();
        while let Some((length, found, _)) = self.head(at) {
            if found == code {
                return Ok(at..at + length);
            }
            if found > code {
                break;
            }
            at += length;
        }
        Err(at)
    }

    /// Sets an attribute of the table.
    fn put(&mut self, code: AttrCode, value: &[u8]) {
        let flags = table::spec(code.0).map_or(0, |line| line.flags);
        self.replace(code, flags, value);
    }

    fn put_number(&mut self, code: AttrCode, number: Option<u32>) {
        match number {
            Some(number) => self.put(code, &number.to_be_bytes()),
            None => drop(self.remove(code)),
        }
    }

    fn replace(&mut self, code: AttrCode, flags: u8, value: &[u8]) {
        // What does not fit the length field does not fit any message either.
        let value = value.get(..usize::from(u16::MAX)).unwrap_or(value);
        let (head, size) = head(code, flags, u16::try_from(value.len()).unwrap_or(u16::MAX));
        let range = self.find(code).unwrap_or_else(|at| at..at);
        drop(self.set.splice(
            range,
            head.into_iter().take(size).chain(value.iter().copied()),
        ));
    }

    /// Makes a value from the old one (empty if there was none).
    fn build(&mut self, code: AttrCode, make: impl FnOnce(&[u8], &mut Vec<u8>)) {
        let mut value = std::mem::take(&mut self.value);
        value.clear();
        make(self.get().get(code).unwrap_or(&[]), &mut value);
        self.put(code, &value);
        self.value = value;
    }

    /// What is a list of things must not be empty (RFC 7606 §4).
    fn remove_if_empty(&mut self, code: AttrCode) {
        if self.get().get(code).is_some_and(<[u8]>::is_empty) {
            self.remove(code);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::{Asn, Community, LargeCommunity};

    fn editor() -> AttrEditor {
        let mut editor = AttrEditor::new();
        editor.set_next_hop(NextHop::V4(Ipv4Addr::new(192, 0, 2, 1)));
        editor.set_origin(Origin::Igp);
        editor.set_as_path(&[Asn(65001)]);
        editor
    }

    #[test]
    fn an_empty_set_has_no_next_hop_and_no_attribute() {
        let editor = AttrEditor::new();
        assert_eq!(editor.get(), AttrRef::default());
        assert_eq!(editor.get().next_hop(), None);
        assert_eq!(editor.get().iter().count(), 0);
    }

    #[test]
    fn the_order_of_changes_does_not_matter() {
        let (mut one, mut two) = (AttrEditor::new(), AttrEditor::new());
        one.set_local_pref(Some(7));
        one.add_community(Community(2));
        one.set_med(Some(1));
        one.add_community(Community(1));
        one.set_origin(Origin::Egp);
        two.set_origin(Origin::Egp);
        two.set_communities([Community(2), Community(1), Community(2)]);
        two.set_med(Some(9));
        two.set_med(Some(1));
        two.set_local_pref(Some(7));
        assert_eq!(one.get(), two.get());
        assert_eq!(
            one.get().to_string(),
            "origin egp, med 1, local-pref 7, communities 0:1 0:2"
        );
    }

    #[test]
    fn the_next_hop_is_replaced_whatever_its_size() {
        let mut editor = editor();
        let before = editor.to_set();
        let local = NextHop::V6LinkLocal {
            global: "2001:db8::1".parse().unwrap(),
            link_local: "fe80::1".parse().unwrap(),
        };
        editor.set_next_hop(local);
        assert_eq!(editor.get().next_hop(), Some(local));
        assert_eq!(
            editor.get().without_next_hop(),
            before.as_ref().without_next_hop()
        );
        editor.set_next_hop(None);
        assert_eq!(editor.get().next_hop(), None);
        editor.set_next_hop(before.as_ref().next_hop());
        assert_eq!(editor.finish(), before.as_ref());
    }

    #[test]
    fn what_is_removed_leaves_the_rest() {
        let mut editor = editor();
        let before = editor.to_set();
        editor.set_med(Some(1));
        editor.set_local_pref(Some(1));
        editor.set_atomic_aggregate(true);
        editor.add_community(Community(1));
        editor.add_large_community(LargeCommunity {
            global: 1,
            data1: 2,
            data2: 3,
        });
        editor.set_unknown(AttrCode(99), 0xe0, &[1; 300]);
        editor.set_med(None);
        editor.set_local_pref(None);
        editor.set_atomic_aggregate(false);
        editor.retain_communities(|_| false);
        editor.retain_large_communities(|_| false);
        assert_eq!(
            editor
                .get()
                .unknown()
                .map(|(code, flags, value)| (code.0, flags, value.len()))
                .collect::<Vec<_>>(),
            [(99, 0xf0, 300)]
        );
        editor.retain(|code, flags| code.name().is_some() || flags & flags::PARTIAL == 0);
        assert_eq!(editor.get(), before.as_ref());
        assert!(!editor.remove(AttrCode(99)));
    }

    #[test]
    fn known_attributes_cannot_be_set_unchecked() {
        assert!(!editor().set_unknown(AttrCode::ORIGIN, 0x40, &[9]));
    }

    #[test]
    fn reflection_adds_in_front() {
        let mut editor = editor();
        editor.set_originator_id(Some(RouterId(1)));
        editor.prepend_cluster_id(RouterId(2));
        editor.prepend_cluster_id(RouterId(3));
        assert_eq!(
            editor.get().cluster_list().collect::<Vec<_>>(),
            [RouterId(3), RouterId(2)]
        );
        assert_eq!(editor.get().originator_id(), Some(RouterId(1)));
    }

    #[test]
    fn loading_forgets_what_was_there() {
        let mut editor = editor();
        editor.load(AttrRef::from_canonical(&[]));
        assert_eq!(editor.get(), AttrRef::default());
    }
}
