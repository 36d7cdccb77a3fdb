//! The steps of the decision, in order. This list *is* the decision process: adding a step is one
//! variant, one line in each table below, and its comparison.
//!
//! RFC 9494 §4.4 says what comes before all else, RFC 7432 §15 what comes first in EVPN; RFC 4271 §9.1.2.2 gives a) to g); RFC 4456 §9 changes f) and puts the cluster list between f)
//! and g); the rest is what routers commonly put around them, marked "ours".

use std::cmp::Ordering;
use std::fmt;

use super::{Candidate, DecisionConfig, SourceKind};

/// One step of the decision process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Step {
    /// What is not stale and kept for long. "A least preferred route MUST be treated as less preferred than any other route that
    /// is not also least preferred."
    LongLivedStale = 0,
    /// The highest MAC mobility sequence number, a static MAC above all. In EVPN alone, and before all else there: "the PE
    /// [...] advertises [the MAC with] a sequence number one greater", so that everyone follows the move.
    MacMobility = 1,
    /// The lowest address of a PE, between Ethernet segments from which a MAC is advertised with the same sequence number.
    /// In EVPN alone.
    AdvertisingPe = 2,
    /// What this router originates itself comes before what it learned.
    LocalOrigin = 3,
    /// The highest LOCAL_PREF.
    LocalPref = 4,
    /// The shortest AS_PATH.
    AsPathLength = 5,
    /// The lowest ORIGIN: IGP, then EGP, then INCOMPLETE.
    Origin = 6,
    /// The lowest MULTI_EXIT_DISC among paths of one neighbour AS.
    Med = 7,
    /// External before internal.
    External = 8,
    /// The lowest metric to the next hop. Paths that are equal up to here share the traffic.
    IgpMetric = 9,
    /// The lowest router ID, or ORIGINATOR_ID.
    RouterId = 10,
    /// The shortest CLUSTER_LIST.
    ClusterListLength = 11,
    /// The lowest address of the peer.
    PeerAddress = 12,
    /// The first name of the peer: the same link-local address may be the peer on two links.
    PeerName = 13,
    /// The lowest path identifier, between paths of one peer.
    PathId = 14,
}

/// Makes both the list and the walk along it from one order. The walk is spelled out, step by step,
/// because it is the hottest comparison of the table: as a loop over the list it takes twice the time.
macro_rules! steps_in_order {
    (
        alike: $($alike:ident),+;
        tie_breaks: $($tie_break:ident),+;
    ) => {
        impl Step {
            /// All steps in order.
            pub const ORDER: [Self; 15] = [$(Self::$alike,)+ $(Self::$tie_break,)+];

            /// The first step at which the two differ, down to the last at which paths must be
            /// alike to be used side by side.
            #[inline]
            pub(super) fn first_difference_to_boundary(
                a: &Candidate<'_>,
                b: &Candidate<'_>,
                config: &DecisionConfig,
            ) -> Option<(Ordering, Self)> {
                $(
                    let order = Self::$alike.compare(a, b, config);
                    if order != Ordering::Equal {
                        return Some((order, Self::$alike));
                    }
                )+
                None
            }

            /// The first step of all at which the two differ.
            #[inline]
            pub(super) fn first_difference(
                a: &Candidate<'_>,
                b: &Candidate<'_>,
                config: &DecisionConfig,
            ) -> Option<(Ordering, Self)> {
                if let Some(difference) = Self::first_difference_to_boundary(a, b, config) {
                    return Some(difference);
                }
                $(
                    let order = Self::$tie_break.compare(a, b, config);
                    if order != Ordering::Equal {
                        return Some((order, Self::$tie_break));
                    }
                )+
                None
            }
        }
    };
}

steps_in_order! {
    alike: LongLivedStale, MacMobility, AdvertisingPe, LocalOrigin, LocalPref, AsPathLength, Origin, Med, External, IgpMetric;
    tie_breaks: RouterId, ClusterListLength, PeerAddress, PeerName, PathId;
}

impl Step {
    /// The number of the step, from 1; 0 for those that few routes have: one of stale routes and two of EVPN.
    #[must_use]
    pub fn number(self) -> u8 {
        (self as u8).saturating_sub(2)
    }

    /// A short name for tables.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LongLivedStale => "long-lived-stale",
            Self::MacMobility => "mac-mobility",
            Self::AdvertisingPe => "advertising-pe",
            Self::LocalOrigin => "local-origin",
            Self::LocalPref => "local-preference",
            Self::AsPathLength => "as-path-length",
            Self::Origin => "origin",
            Self::Med => "med",
            Self::External => "external-over-internal",
            Self::IgpMetric => "igp-metric",
            Self::RouterId => "router-id",
            Self::ClusterListLength => "cluster-list-length",
            Self::PeerAddress => "peer-address",
            Self::PeerName => "peer-name",
            Self::PathId => "path-id",
        }
    }

    /// What wins at this step, for people.
    #[must_use]
    pub fn rule(self) -> &'static str {
        match self {
            Self::LongLivedStale => "what is stale and kept for long comes last",
            Self::MacMobility => "a static MAC, then the highest MAC mobility sequence number wins",
            Self::AdvertisingPe => {
                "of Ethernet segments that a MAC is on, the one of the PE with the lowest address wins"
            }
            Self::LocalOrigin => "what we originate comes first",
            Self::LocalPref => "the highest local preference wins",
            Self::AsPathLength => "the shortest AS path wins",
            Self::Origin => "the lowest origin wins",
            Self::Med => "the lowest MED wins",
            Self::External => "external comes before internal",
            Self::IgpMetric => "the nearest next hop wins",
            Self::RouterId => "the lowest router ID wins",
            Self::ClusterListLength => "the shortest cluster list wins",
            Self::PeerAddress => "the lowest peer address wins",
            Self::PeerName => "the first peer name wins",
            Self::PathId => "the lowest path identifier wins",
        }
    }

    /// Where the step is written down; `None` for what is ours.
    #[must_use]
    pub fn rfc(self) -> Option<&'static str> {
        match self {
            Self::LocalOrigin | Self::PeerName | Self::PathId => None,
            Self::LongLivedStale => Some("RFC 9494 §4.4"),
            Self::MacMobility => Some("RFC 7432 §7.7, §15"),
            Self::AdvertisingPe => Some("RFC 7432 §15"),
            Self::LocalPref => Some("RFC 4271 §9.1.1"),
            Self::AsPathLength => Some("RFC 4271 §9.1.2.2 a"),
            Self::Origin => Some("RFC 4271 §9.1.2.2 b"),
            Self::Med => Some("RFC 4271 §9.1.2.2 c"),
            Self::External => Some("RFC 4271 §9.1.2.2 d"),
            Self::IgpMetric => Some("RFC 4271 §9.1.2.2 e"),
            Self::RouterId => Some("RFC 4271 §9.1.2.2 f, RFC 4456 §9"),
            Self::ClusterListLength => Some("RFC 4456 §9"),
            Self::PeerAddress => Some("RFC 4271 §9.1.2.2 g"),
        }
    }

    /// Compares two paths at this step alone; `Less` is better.
    #[inline(always)]
    fn compare(self, a: &Candidate<'_>, b: &Candidate<'_>, config: &DecisionConfig) -> Ordering {
        match self {
            Self::LongLivedStale => a.least_preferred.cmp(&b.least_preferred),
            Self::MacMobility => b.mobility.cmp(&a.mobility),
            // "If two (or more) PEs advertise the same MAC address with the same sequence number but
            // different Ethernet segment identifiers, a PE that receives these routes selects the
            // route advertised by the PE with the lowest IP address as the best route."
            Self::AdvertisingPe => a.lowest_pe.cmp(&b.lowest_pe),
            Self::LocalOrigin => (a.kind != SourceKind::Local).cmp(&(b.kind != SourceKind::Local)),
            Self::LocalPref => b.key.local_pref.cmp(&a.key.local_pref),
            Self::AsPathLength => a.key.path_len.cmp(&b.key.path_len),
            Self::Origin => a.key.origin.cmp(&b.key.origin),
            // "MULTI_EXIT_DISC is only comparable between routes learned from the same neighboring
            // AS": everything else is equal at this step, which is why there are groups (med.rs).
            Self::Med => {
                if a.key.med != b.key.med
                    && (config.always_compare_med || a.neighbor_as() == b.neighbor_as())
                {
                    a.key.med.cmp(&b.key.med)
                } else {
                    Ordering::Equal
                }
            }
            Self::External => a.kind.is_internal().cmp(&b.kind.is_internal()),
            Self::IgpMetric => a.igp_metric.cmp(&b.igp_metric),
            Self::RouterId => {
                let both_external = a.kind == SourceKind::Ebgp && b.kind == SourceKind::Ebgp;
                if both_external && !config.compare_router_id {
                    Ordering::Equal
                } else {
                    a.effective_router_id().0.cmp(&b.effective_router_id().0)
                }
            }
            Self::ClusterListLength => a.cluster_list_len().cmp(&b.cluster_list_len()),
            Self::PeerAddress => a.compare_address(b),
            Self::PeerName => a.name.cmp(b.name),
            Self::PathId => a.path_id.0.cmp(&b.path_id.0),
        }
    }

    /// What a path has to show at this step, for people.
    pub(super) fn value(self, path: &Candidate<'_>) -> String {
        match self {
            Self::LongLivedStale if path.least_preferred => "stale".to_owned(),
            Self::LongLivedStale => "not".to_owned(),
            Self::MacMobility if path.mobility >> 32 != 0 => "static".to_owned(),
            Self::MacMobility => path.mobility.to_string(),
            Self::AdvertisingPe => path
                .lowest_pe
                .map_or_else(|| "none".to_owned(), |pe| pe.to_string()),
            Self::LocalOrigin if path.kind == SourceKind::Local => "originated here".to_owned(),
            Self::LocalOrigin => "learned".to_owned(),
            Self::LocalPref => path.key.local_pref.to_string(),
            Self::AsPathLength => path.key.path_len.to_string(),
            Self::Origin => match path.key.origin {
                0 => "IGP".to_owned(),
                1 => "EGP".to_owned(),
                _ => "incomplete".to_owned(),
            },
            Self::Med => path.key.med.to_string(),
            Self::External if path.kind.is_internal() => "internal".to_owned(),
            Self::External => "external".to_owned(),
            Self::IgpMetric => path.igp_metric.to_string(),
            Self::RouterId => path.effective_router_id().to_string(),
            Self::ClusterListLength => path.cluster_list_len().to_string(),
            Self::PeerAddress => path.address.to_string(),
            Self::PeerName => path.name.to_owned(),
            Self::PathId => path.path_id.0.to_string(),
        }
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_numbered_in_their_order() {
        for (position, step) in Step::ORDER.into_iter().enumerate() {
            assert_eq!(step as usize, position, "{step}");
            assert_eq!(
                usize::from(step.number()),
                position.saturating_sub(2),
                "{step}"
            );
        }
    }
}
