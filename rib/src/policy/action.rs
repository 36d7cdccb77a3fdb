//! What a term changes on the routes that it lets pass.
//!
//! In this order, whatever the order in which it was written: AS path, next hop, ORIGIN, MED, LOCAL_PREF, communities (taken out
//! before they are put in), colour, SRv6 behaviour.

use bgp_wire::{
    Asn, AttrEditor, AttrRef, Community, ExtCommunity, LargeCommunity, NextHop, Origin,
};
use std::fmt;
use std::net::IpAddr;

use super::expression::Expression;

/// See the top of this file. The default changes nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Set {
    /// The AS path.
    pub as_path: Option<PathChange>,
    /// The next hop.
    pub next_hop: Option<NextHopChange>,
    /// ORIGIN.
    pub origin: Option<Origin>,
    /// MED.
    pub med: Option<u32>,
    /// LOCAL_PREF.
    pub local_pref: Option<u32>,
    /// Communities (RFC 1997).
    pub communities: Change<Community>,
    /// Extended communities (RFC 4360).
    pub extended: Change<ExtCommunity>,
    /// Large communities (RFC 8092).
    pub large: Change<LargeCommunity>,
    /// Communities of all these kinds go whose printed form is described.
    pub remove_described: Vec<Expression>,
    /// The one color of the route (RFC 9012 §4.3).
    pub color: Option<u32>,
    /// The behavior of the SRv6 SIDs of the route (RFC 9252 §3.1). Without SIDs there is none to change.
    pub srv6_behavior: Option<u16>,
}

/// What goes and what comes of one kind of communities.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change<T> {
    /// What goes.
    pub remove: Vec<T>,
    /// What comes.
    pub add: Vec<T>,
}

impl<T> Default for Change<T> {
    fn default() -> Self {
        Self {
            remove: Vec::new(),
            add: Vec::new(),
        }
    }
}

/// What an AS path becomes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathChange {
    /// This AS is put in front so many times.
    Prepend(Asn, u8),
    /// Its first AS is put in front so many times more.
    PrependFirst(u8),
    /// One sequence of these.
    Replace(Vec<Asn>),
}

/// What the next hop becomes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NextHopChange {
    /// Our own address towards the peer; on the way out only.
    Own,
    /// This address.
    Address(IpAddr),
}

impl Set {
    /// Whether it changes nothing, on any route.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Changes the set that the editor has. The next hop's [`NextHopChange::Own`] is for whoever knows it.
    pub(super) fn apply(&self, editor: &mut AttrEditor) {
        match &self.as_path {
            Some(PathChange::Prepend(asn, times)) => {
                editor.prepend_as_path(*asn, usize::from(*times));
            }
            Some(PathChange::PrependFirst(times)) => {
                if let Some(first) = editor.get().as_path().first_as() {
                    editor.prepend_as_path(first, usize::from(*times));
                }
            }
            Some(PathChange::Replace(path)) => editor.set_as_path(path),
            None => {}
        }
        if let Some(NextHopChange::Address(address)) = self.next_hop {
            editor.set_next_hop(NextHop::from(address));
        }
        if let Some(origin) = self.origin {
            editor.set_origin(origin);
        }
        if self.med.is_some() {
            editor.set_med(self.med);
        }
        if self.local_pref.is_some() {
            editor.set_local_pref(self.local_pref);
        }
        self.change_communities(editor);
        if let Some(color) = self.color {
            editor.retain_ext_communities(|one| one.color().is_none());
            editor.add_ext_community(ExtCommunity::from_color(color));
        }
        if let Some(behavior) = self.srv6_behavior {
            change_behavior(behavior, editor);
        }
    }

    fn change_communities(&self, editor: &mut AttrEditor) {
        let described = &self.remove_described;
        if self.communities.removes(described) {
            editor.retain_communities(|one| self.communities.keeps(&one, described));
        }
        for one in &self.communities.add {
            editor.add_community(*one);
        }
        if self.extended.removes(described) {
            editor.retain_ext_communities(|one| self.extended.keeps(&one, described));
        }
        for one in &self.extended.add {
            editor.add_ext_community(*one);
        }
        if self.large.removes(described) {
            editor.retain_large_communities(|one| self.large.keeps(&one, described));
        }
        for one in &self.large.add {
            editor.add_large_community(*one);
        }
    }
}

impl<T: PartialEq + fmt::Display> Change<T> {
    /// Whether anything can go, by itself or as one of those that are `described`.
    fn removes(&self, described: &[Expression]) -> bool {
        !self.remove.is_empty() || !described.is_empty()
    }

    fn keeps(&self, one: &T, described: &[Expression]) -> bool {
        if self.remove.contains(one) {
            return false;
        }
        if described.is_empty() {
            return true;
        }
        let text = one.to_string();
        !described.iter().any(|pattern| pattern.describes(&text))
    }
}

/// Whether there are SIDs of SRv6 services whose behavior can change.
pub(super) fn has_sid(attrs: AttrRef<'_>) -> bool {
    attrs
        .prefix_sid()
        .is_some_and(|sid| sid.srv6_l3().is_some() || sid.srv6_l2().is_some())
}

fn change_behavior(behavior: u16, editor: &mut AttrEditor) {
    let sids = |attrs: AttrRef<'_>| {
        let sid = attrs.prefix_sid();
        (sid.and_then(|s| s.srv6_l3()), sid.and_then(|s| s.srv6_l2()))
    };
    let (l3, l2) = sids(editor.get());
    if let Some(mut sid) = l3 {
        sid.behavior = behavior;
        editor.set_srv6_l3(Some(sid));
    }
    if let Some(mut sid) = l2 {
        sid.behavior = behavior;
        editor.set_srv6_l2(Some(sid));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::CommunityList;
    use crate::policy::matcher::{Match, SetView};
    use bgp_wire::Family;

    /// The model in tests/policy.rs knows no expressions on communities.
    #[test]
    fn communities_of_each_kind_are_found_and_go_by_what_is_printed() {
        let mut editor = AttrEditor::new();
        editor.add_community(Community::new(65000, 1));
        editor.add_community(Community::new(65001, 1));
        editor.add_ext_community("rt:65000:7".parse().unwrap());
        editor.add_large_community("65000:1:2".parse().unwrap());
        editor.add_large_community("65001:1:2".parse().unwrap());
        let before = editor.to_set();
        let found = |pattern: &str| {
            let list = CommunityList {
                patterns: vec![Expression::on_community(pattern).unwrap()],
                ..CommunityList::default()
            };
            let asked = Match {
                communities: vec![list],
                ..Match::default()
            };
            asked.takes_set(&mut SetView::new(before.as_ref(), Family::IPV4_UNICAST))
        };
        assert!(found("^65001:1$") && found("^rt:65000:7$") && found("^65001:1:2$"));
        assert!(!found("^65002:"));
        let set = Set {
            remove_described: vec![Expression::on_community("65000:").unwrap()],
            ..Set::default()
        };
        set.apply(&mut editor);
        let after = editor.get();
        assert!(after.communities().eq([Community::new(65001, 1)]));
        assert_eq!(after.ext_communities().count(), 0);
        assert!(after.large_communities().eq(["65001:1:2".parse().unwrap()]));
    }
}
