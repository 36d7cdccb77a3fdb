//! The next hop that a group is told.
//!
//! - **Next hop to an external peer is always our own address of the session** (with the link-local
//!   address where the session's link is shared, RFC 2545 §3). RFC 4271 §5.1.3 also allows the
//!   address of a third router on a shared subnet; that saves a hop on exchange LANs and needs
//!   knowledge of subnets, and is not done.
//! - **Next hop to an internal peer is left alone**, reflected or not, unless `next_hop_self` says
//!   otherwise. A link-local address means nothing beyond its link, so it never goes on: the global
//!   address goes alone, and where there is none our own address takes its place.
//! - **Next hops of VPN and EVPN routes stay as they are**, also to external peers: their labels are those of the next
//!   hop. We have none of our own to give.
//! - **What a policy says of it goes before all that**: our own address, or any other that the session can carry.

use bgp_wire::{AFI_IPV4, Family, NextHop};

use super::{Audience, ExportRules, RejectReason};
use crate::decision::SourceKind;
use crate::policy::NextHopChange;

/// The next hop to write in routes of a family from such a source whose set has the next hop `current`, when policy says this of it.
pub(super) fn next_hop_to_write(
    current: impl FnOnce() -> Option<NextHop>,
    source: SourceKind,
    family: Family,
    policy: Option<NextHopChange>,
    rules: &ExportRules,
) -> Result<NextHop, RejectReason> {
    let local = source == SourceKind::Local;
    let ours = match Labels::of(family) {
        Labels::None => local || rules.audience == Audience::Ebgp || rules.next_hop_self,
        Labels::OfTheNextHop => local,
        Labels::Irrelevant => local || rules.audience != Audience::Ibgp,
    };
    let kept = match policy {
        Some(NextHopChange::Own) => None,
        Some(NextHopChange::Address(address)) => Some(NextHop::from(address)),
        None if ours => None,
        None => current().and_then(beyond_its_link),
    };
    let own = match family.afi {
        AFI_IPV4 => rules.own_ipv4.or(rules.own_ipv6),
        _ => rules.own_ipv6.or(rules.own_ipv4),
    };
    let next_hop = kept.or(own).ok_or(RejectReason::NoOwnNextHop)?;
    let carried = match (next_hop, family) {
        (NextHop::V4(_), Family::IPV6_UNICAST) => false,
        (NextHop::V4(_), _) => true,
        (_, Family::IPV4_UNICAST | Family::IPV4_VPN) => rules.ipv6_next_hops.contains(family),
        _ => true,
    };
    if carried {
        Ok(next_hop)
    } else if kept.is_some() {
        Err(RejectReason::NextHopNotCarried)
    } else {
        Err(RejectReason::NoOwnNextHop)
    }
}

/// What the routes of a family say beside their next hop that only the next hop understands.
enum Labels {
    /// Nothing.
    None,
    /// A label, a VNI or the function of a SID: with another next hop it would mean something else. RFC 4364 §10 c: between
    /// reflectors of different ASes the next hop stays too.
    OfTheNextHop,
    /// The next hop itself says nothing.
    Irrelevant,
}

impl Labels {
    fn of(family: Family) -> Self {
        match family {
            Family::IPV4_UNICAST | Family::IPV6_UNICAST => Self::None,
            Family::RTC => Self::Irrelevant,
            _ => Self::OfTheNextHop,
        }
    }
}

/// The part of a next hop that means something on other links: RFC 2545 §3 lets the link-local
/// address go only to a peer that shares the subnet with the next hop.
fn beyond_its_link(next_hop: NextHop) -> Option<NextHop> {
    match next_hop {
        NextHop::V4(_) => Some(next_hop),
        NextHop::V6(global) | NextHop::V6LinkLocal { global, .. } => {
            (!global.is_unicast_link_local()).then_some(NextHop::V6(global))
        }
    }
}
