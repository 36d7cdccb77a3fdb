//! What a term asks of a route. Whatever is given must hold; where several are listed, one is enough.
//!
//! Half of it is about the attribute set, and is asked once for all routes that share one; the other half is about the route.

use std::fmt::Write as _;
use std::net::IpAddr;
use std::ops::RangeInclusive;

use bgp_wire::{
    AttrRef, Community, EvpnKind, EvpnRoute, ExtCommunity, Family, FamilySet, LargeCommunity,
    MacAddr, NextHop, Origin,
};
use ipnet::IpNet;

use super::expression::Expression;
use crate::route_key::RouteKey;

/// The LOCAL_PREF of a route without one, for those who compare.
pub(super) const DEFAULT_LOCAL_PREF: u32 = 100;

/// See the top of this file. The default matches every route.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Match {
    /// The route is of one of these families.
    pub families: Option<FamilySet>,
    /// The set carries one of each of these.
    pub communities: Vec<CommunityList>,
    /// The AS path is described.
    pub as_path: Option<Expression>,
    /// The AS path has so many ASes (RFC 4271 §9.1.2.2 a counts).
    pub as_path_length: Option<RangeInclusive<usize>>,
    /// LOCAL_PREF is this. A route without one has 100, as in the decision.
    pub local_pref: Option<u32>,
    /// MED is this. A route without one has 0, as in the decision.
    pub med: Option<u32>,
    /// ORIGIN is this.
    pub origin: Option<Origin>,
    /// The next hop is in one of these.
    pub next_hops: Option<Vec<IpNet>>,
    /// The prefix is one of these, or lies within one.
    pub prefixes: Option<Vec<IpNet>>,
    /// The prefix is so long.
    pub prefix_length: Option<RangeInclusive<u8>>,
    /// The prefix is exactly this.
    pub prefix: Option<IpNet>,
    /// The EVPN route is one of these.
    pub evpn: Option<Vec<EvpnMatch>>,
    /// The label of the EVPN route is this VXLAN network identifier.
    pub vni: Option<u32>,
    /// The EVPN route has this MAC address.
    pub mac: Option<MacAddr>,
}

/// Communities of all kinds, of which a set has one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CommunityList {
    /// RFC 1997.
    pub standard: Vec<Community>,
    /// RFC 4360.
    pub extended: Vec<ExtCommunity>,
    /// RFC 8092.
    pub large: Vec<LargeCommunity>,
    /// Of any kind, by what is printed of it.
    pub patterns: Vec<Expression>,
}

/// Kinds of EVPN routes, as people tell them apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EvpnMatch {
    /// All of a type.
    Kind(EvpnKind),
    /// A MAC address that is not to move (RFC 7432 §15.2).
    StickyMac,
    /// A prefix of IPv4, or of IPv6 (RFC 9136 §3.1).
    Prefix {
        /// Of IPv6.
        v6: bool,
    },
}

/// What a policy is asked about beside the attribute set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RouteFacts {
    /// What is announced.
    pub key: RouteKey,
    /// The first label, where the family has one: with VXLAN its 24 bits are the network identifier (RFC 8365 §5.1.3).
    pub label: Option<u32>,
}

/// The attribute set under a policy, with what is printed of it as soon as a term asks.
pub(super) struct SetView<'a> {
    pub(super) attrs: AttrRef<'a>,
    pub(super) family: Family,
    path: Option<String>,
}

impl<'a> SetView<'a> {
    pub(super) fn new(attrs: AttrRef<'a>, family: Family) -> Self {
        Self {
            attrs,
            family,
            path: None,
        }
    }

    fn path(&mut self) -> &str {
        let attrs = self.attrs;
        self.path.get_or_insert_with(|| attrs.as_path().to_string())
    }
}

impl Match {
    /// Whether the answer can differ between two routes with the same attribute set.
    pub(super) fn asks_for_route(&self) -> bool {
        let Self {
            families: _,
            communities: _,
            as_path: _,
            as_path_length: _,
            local_pref: _,
            med: _,
            origin: _,
            next_hops: _,
            prefixes,
            prefix_length,
            prefix,
            evpn,
            vni,
            mac,
        } = self;
        prefixes.is_some()
            || prefix_length.is_some()
            || prefix.is_some()
            || evpn.is_some()
            || vni.is_some()
            || mac.is_some()
    }

    /// The half about the attribute set.
    pub(super) fn takes_set(&self, set: &mut SetView<'_>) -> bool {
        let attrs = set.attrs;
        let next_hop_in = |nets: &Vec<IpNet>| {
            let address = attrs.next_hop().map(NextHop::address);
            address.is_some_and(|address| nets.iter().any(|net| net.contains(&address)))
        };
        holds(&self.families, |families| families.contains(set.family))
            && holds(&self.local_pref, |wanted| {
                attrs.local_pref().unwrap_or(DEFAULT_LOCAL_PREF) == *wanted
            })
            && holds(&self.med, |wanted| attrs.med().unwrap_or(0) == *wanted)
            && holds(&self.origin, |wanted| attrs.origin() == Some(*wanted))
            && holds(&self.as_path_length, |range| {
                range.contains(&attrs.as_path().len())
            })
            && self.communities.iter().all(|list| list.is_in(attrs))
            && holds(&self.next_hops, next_hop_in)
            && holds(&self.as_path, |expression| expression.describes(set.path()))
    }

    /// The half about the route, but for the lists of prefixes, which the policy asks for all terms at once.
    pub(super) fn takes_route(&self, route: &RouteFacts, attrs: AttrRef<'_>) -> bool {
        let net = || route.key.net();
        let evpn = || match &route.key {
            RouteKey::Evpn(evpn) => Some(evpn),
            _ => None,
        };
        holds(&self.prefix_length, |range| {
            net().is_some_and(|net| range.contains(&net.prefix_len()))
        }) && holds(&self.prefix, |wanted| net() == Some(*wanted))
            && holds(&self.evpn, |kinds| {
                evpn().is_some_and(|route| kinds.iter().any(|kind| kind.is(route, attrs)))
            })
            && holds(&self.vni, |wanted| {
                evpn().is_some() && route.label == Some(*wanted) && may_be_vxlan(attrs)
            })
            && holds(&self.mac, |wanted| {
                evpn().and_then(EvpnRoute::mac) == Some(*wanted)
            })
    }
}

/// Whether labels are network identifiers of VXLAN: not where all encapsulations that are named are others (RFC 8365 §5.1.3). Not all
/// routers that have VXLAN say so.
fn may_be_vxlan(attrs: AttrRef<'_>) -> bool {
    const VXLAN: u16 = 8;
    let mut named = attrs
        .ext_communities()
        .filter_map(ExtCommunity::encapsulation)
        .peekable();
    named.peek().is_none() || named.any(|encapsulation| encapsulation == VXLAN)
}

/// Whether what is asked for holds, if anything is.
fn holds<T>(asked: &Option<T>, check: impl FnOnce(&T) -> bool) -> bool {
    asked.as_ref().is_none_or(check)
}

impl EvpnMatch {
    fn is(self, route: &EvpnRoute, attrs: AttrRef<'_>) -> bool {
        match self {
            Self::Kind(kind) => route.kind() == kind,
            Self::StickyMac => {
                let mut mobility = attrs
                    .ext_communities()
                    .filter_map(ExtCommunity::mac_mobility);
                route.kind() == EvpnKind::MacIp && mobility.any(|mobility| mobility.sticky)
            }
            Self::Prefix { v6 } => {
                let prefix = route.prefix().map(|prefix| prefix.addr());
                route.kind() == EvpnKind::IpPrefix
                    && prefix.is_some_and(|address| matches!(address, IpAddr::V6(_)) == v6)
            }
        }
    }
}

impl CommunityList {
    fn is_in(&self, attrs: AttrRef<'_>) -> bool {
        let Self {
            standard,
            extended,
            large,
            patterns,
        } = self;
        !standard.is_empty() && attrs.communities().any(|one| standard.contains(&one))
            || !extended.is_empty() && attrs.ext_communities().any(|one| extended.contains(&one))
            || !large.is_empty() && attrs.large_communities().any(|one| large.contains(&one))
            || !patterns.is_empty() && describes_any(patterns, attrs)
    }
}

fn describes_any(patterns: &[Expression], attrs: AttrRef<'_>) -> bool {
    let mut text = String::new();
    let mut described = |community: &dyn std::fmt::Display| {
        text.clear();
        // Writing into a text does not fail.
        let _ = write!(text, "{community}");
        patterns.iter().any(|pattern| pattern.describes(&text))
    };
    attrs.communities().any(|one| described(&one))
        || attrs.ext_communities().any(|one| described(&one))
        || attrs.large_communities().any(|one| described(&one))
}
