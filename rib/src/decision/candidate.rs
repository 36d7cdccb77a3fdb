//! What a path shows to the decision process.
//!
//! The table builds a [`Candidate`] for each path of a destination on the stack. The comparison
//! reads the small [`DecisionKey`], made once for each attribute set when it is interned, and
//! touches the attribute bytes only for the tie-breaks of RFC 4456.

use std::cmp::Ordering;
use std::fmt;
use std::net::IpAddr;

use bgp_wire::{Asn, AttrRef, Community, ExtCommunity, PathId, RouterId};

use crate::export::limits;

/// Where a path comes from, as far as selection and export care.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum SourceKind {
    /// Originated by this router.
    Local,
    /// A peer in another AS.
    Ebgp,
    /// A peer in our AS that is not a client of ours.
    Ibgp,
    /// A peer in our AS for which we are the route reflector (RFC 4456).
    IbgpClient,
}

impl SourceKind {
    /// A peer of our own AS, client or not.
    #[must_use]
    pub fn is_internal(self) -> bool {
        matches!(self, Self::Ibgp | Self::IbgpClient)
    }
}

impl fmt::Display for SourceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Local => "local",
            Self::Ebgp => "external",
            Self::Ibgp => "internal",
            Self::IbgpClient => "internal (client)",
        })
    }
}

/// The fields of an attribute set that the decision reads, with the defaults filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecisionKey {
    /// LOCAL_PREF; 100 when the set has none.
    pub local_pref: u32,
    /// MULTI_EXIT_DISC; 0 when the set has none (RFC 4271 §9.1.2.2 c: the lowest possible value).
    pub med: u32,
    /// The first AS of the AS_PATH; 0 when there is none, which stands for our own AS
    /// (RFC 4271 §9.1.2.2 c).
    pub neighbor_as: u32,
    /// AS_PATH length: an AS_SET counts as one, confederation segments are not counted
    /// (RFC 4271 §9.1.2.2 a, RFC 5065 §5.3).
    pub path_len: u16,
    /// ORIGIN as on the wire: 0 IGP, 1 EGP, 2 INCOMPLETE.
    pub origin: u8,
    /// Whether the set has an ORIGINATOR_ID; without it the bytes need not be searched.
    pub has_originator: bool,
    /// Whether the set has a CLUSTER_LIST.
    pub has_cluster_list: bool,
    /// Whether the set says how often a MAC moved (RFC 7432 §7.7).
    pub has_mobility: bool,
    /// Whether the set is of a stale route that is kept for long (RFC 9494).
    pub is_llgr_stale: bool,
    /// Whether a well-known community limits who may be told (RFC 1997). The decision does not care; export does.
    pub is_limited: bool,
}

/// The degree of preference of a path that carries none.
pub(crate) const DEFAULT_LOCAL_PREF: u32 = 100;

impl DecisionKey {
    /// Reads the key out of an attribute set.
    #[must_use]
    pub fn of(attrs: AttrRef<'_>) -> Self {
        let as_path = attrs.as_path();
        Self {
            local_pref: attrs.local_pref().unwrap_or(DEFAULT_LOCAL_PREF),
            med: attrs.med().unwrap_or(0),
            neighbor_as: as_path.neighbor_as().map_or(0, |asn| asn.0),
            path_len: u16::try_from(as_path.len()).unwrap_or(u16::MAX),
            origin: attrs.origin().map_or(0, bgp_wire::Origin::code),
            has_originator: attrs.originator_id().is_some(),
            has_cluster_list: attrs.cluster_list().next().is_some(),
            has_mobility: mobility_of(attrs) > 0,
            is_llgr_stale: is_llgr_stale(attrs),
            is_limited: attrs.communities().any(limits),
        }
    }
}

/// Whether a set is of a stale route that is kept for long (RFC 9494 §3.2).
pub(crate) fn is_llgr_stale(attrs: AttrRef<'_>) -> bool {
    attrs.communities().any(|one| one == Community::LLGR_STALE)
}

/// MAC mobility (RFC 7432 §7.7): the sequence number, above all of them a static MAC; 0 without.
pub(crate) fn mobility_of(attrs: AttrRef<'_>) -> u64 {
    let moves = attrs
        .ext_communities()
        .filter_map(ExtCommunity::mac_mobility);
    moves
        .map(|mobility| u64::from(mobility.sticky) << 32 | u64::from(mobility.sequence))
        .max()
        .unwrap_or(0)
}

/// One path of a destination, as the decision sees it.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// The small fields of the attribute set.
    pub key: &'a DecisionKey,
    /// The attribute set itself, for ORIGINATOR_ID and CLUSTER_LIST.
    pub attrs: AttrRef<'a>,
    /// Where the path comes from.
    pub kind: SourceKind,
    /// The AS of the peer; our own for a local path.
    pub asn: Asn,
    /// The BGP identifier of the peer; our own for a local path.
    pub router_id: RouterId,
    /// The address of the peer's end of the session; unspecified for a local path.
    pub address: IpAddr,
    /// The name of the peer, which is unique in a router.
    pub name: &'a str,
    /// The path identifier as received (RFC 7911), 0 without.
    pub path_id: PathId,
    /// It is stale and kept for long, and so "least preferred" (RFC 9494 §4.4).
    pub least_preferred: bool,
    /// What MAC mobility is worth, in the family that has it; 0 in others.
    pub mobility: u64,
    /// Of a MAC in EVPN: the lowest address of the PEs that advertise it from the Ethernet segment of this path, as often
    /// moved as this one. `None` in others, and where no segment is said.
    pub lowest_pe: Option<IpAddr>,
    /// Which next hop the path has. Equal numbers mean the same next hop on the same link.
    pub next_hop: u32,
    /// The metric of the route to the next hop; 0 for a local path.
    pub igp_metric: u32,
    /// Why the path takes no part, if so.
    pub ineligible: Option<Ineligible>,
}

impl Candidate<'_> {
    /// The neighbour AS by which MEDs are comparable (RFC 4271 §9.1.2.2 c), 0 for our own.
    ///
    /// An external path whose AS_PATH does not begin with an AS_SEQUENCE came from the peer's AS
    /// all the same.
    pub(crate) fn neighbor_as(&self) -> u32 {
        match (self.key.neighbor_as, self.kind) {
            (0, SourceKind::Ebgp) => self.asn.0,
            (neighbor, _) => neighbor,
        }
    }

    /// RFC 4456 §9: "If a route carries the ORIGINATOR_ID attribute, then in Step f) the
    /// ORIGINATOR_ID SHOULD be treated as the BGP Identifier of the BGP speaker that has
    /// advertised the route."
    pub(crate) fn effective_router_id(&self) -> RouterId {
        if self.key.has_originator {
            self.attrs.originator_id().unwrap_or(self.router_id)
        } else {
            self.router_id
        }
    }

    /// RFC 4456 §9: "The CLUSTER_LIST length is zero if a route does not carry the CLUSTER_LIST
    /// attribute."
    pub(crate) fn cluster_list_len(&self) -> usize {
        if self.key.has_cluster_list {
            self.attrs.cluster_list().count()
        } else {
            0
        }
    }

    /// IPv4 addresses come before IPv6 addresses.
    pub(crate) fn compare_address(&self, other: &Self) -> Ordering {
        self.address.cmp(&other.address)
    }
}

/// Why a path is kept but takes no part in the decision.
///
/// The numbers of what import finds fit in three bits of a path's flags; 0 is "takes part".
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum Ineligible {
    /// The import policy rejected it.
    FilteredByPolicy = 1,
    /// No import policy is configured for an eBGP peer (RFC 8212 §3).
    NoPolicy = 2,
    /// Our own AS is in the AS_PATH (RFC 4271 §9.1.2).
    AsLoop = 3,
    /// Our own router ID is the ORIGINATOR_ID (RFC 4456 §8).
    OriginatorLoop = 4,
    /// Our own cluster ID is in the CLUSTER_LIST (RFC 4456 §8).
    ClusterLoop = 5,
    /// It was not to be told to us: a route leak (RFC 9234 §5).
    RouteLeak = 6,
    /// It is of an SRv6 service, and has no SID to send packets to (RFC 9252 §7).
    NoServiceSid = 7,
    /// There is no route to the next hop (RFC 4271 §9.1.2). Not kept with a path, as it changes by itself.
    NextHopUnreachable = 8,
    /// The next hop is not on the link that we share with the external neighbour one hop away (RFC 4271 §6.3). Not kept either.
    NextHopOffLink = 9,
}

impl Ineligible {
    /// The reason that a path keeps by this number; `None` for 0 and for numbers without a reason.
    #[must_use]
    pub fn from_bits(bits: u8) -> Option<Self> {
        [
            Self::FilteredByPolicy,
            Self::NoPolicy,
            Self::AsLoop,
            Self::OriginatorLoop,
            Self::ClusterLoop,
            Self::RouteLeak,
            Self::NoServiceSid,
        ]
        .into_iter()
        .find(|reason| *reason as u8 == bits)
    }

    /// The standard that demands it, where there is one.
    #[must_use]
    pub fn rfc(self) -> Option<&'static str> {
        match self {
            Self::FilteredByPolicy => None,
            Self::NoPolicy => Some("RFC 8212 §3"),
            Self::AsLoop | Self::NextHopUnreachable => Some("RFC 4271 §9.1.2"),
            Self::OriginatorLoop | Self::ClusterLoop => Some("RFC 4456 §8"),
            Self::RouteLeak => Some("RFC 9234 §5"),
            Self::NoServiceSid => Some("RFC 9252 §7"),
            Self::NextHopOffLink => Some("RFC 4271 §6.3"),
        }
    }
}

impl fmt::Display for Ineligible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::FilteredByPolicy => "rejected by the import policy",
            Self::NoPolicy => "the external peer has no import policy, and one is required",
            Self::AsLoop => "our own AS is in the AS path",
            Self::OriginatorLoop => "we are its originator",
            Self::ClusterLoop => "our own cluster is in the cluster list",
            Self::RouteLeak => {
                "it is a route leak: Only to Customer says that it was not to be told to us"
            }
            Self::NextHopUnreachable => "there is no route to its next hop",
            Self::NoServiceSid => "it is of an SRv6 service, and none of its SIDs can be used",
            Self::NextHopOffLink => {
                "its next hop is not on the link that we share with the neighbour"
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_reason_gives_the_reason_back() {
        let reasons: Vec<_> = (0..=u8::MAX).filter_map(Ineligible::from_bits).collect();
        assert_eq!(reasons.len(), 7);
        for reason in reasons {
            assert_eq!(Ineligible::from_bits(reason as u8), Some(reason));
            assert!((reason as u8) < 8, "{reason} needs more than three bits");
        }
    }
}
