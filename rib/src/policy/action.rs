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
        let described = |one: &dyn fmt::Display| {
            let mut patterns = self.remove_described.iter();
            let text = one.to_string();
            patterns.any(|pattern| pattern.describes(&text))
        };
        let by_pattern = !self.remove_described.is_empty();
        if by_pattern || !self.communities.remove.is_empty() {
            let goes = &self.communities.remove;
            editor
                .retain_communities(|one| !(goes.contains(&one) || by_pattern && described(&one)));
        }
        for one in &self.communities.add {
            editor.add_community(*one);
        }
        if by_pattern || !self.extended.remove.is_empty() {
            let goes = &self.extended.remove;
            editor.retain_ext_communities(|one| {
                !(goes.contains(&one) || by_pattern && described(&one))
            });
        }
        for one in &self.extended.add {
            editor.add_ext_community(*one);
        }
        if by_pattern || !self.large.remove.is_empty() {
            let goes = &self.large.remove;
            editor.retain_large_communities(|one| {
                !(goes.contains(&one) || by_pattern && described(&one))
            });
        }
        for one in &self.large.add {
            editor.add_large_community(*one);
        }
    }
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
