//! Who a path comes from, and the path itself: twelve bytes, no pointer; sixteen with a label.
//!
//! A path holds one handle of an attribute set (after import policy; the interner knows what it was before), the
//! peer that sent it, the path id it came with (RFC 7911), and a [`Tag`]: why it may not be selected, whether it is
//! stale, and the number under which ADD-PATH peers are told of it.

use crate::attrs::AttrId;
use crate::decision::{Ineligible, SourceKind};
use crate::import::ImportRules;
use crate::nexthop::NextHopScope;
use crate::policy::RoutePolicy;
use bgp_wire::{Asn, Family, RouterId};
use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

/// The number of a peer in one [`Rib`](crate::Rib). Numbers are not used again before all others were.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerIdx(pub(crate) u16);

impl PeerIdx {
    /// The router itself, as the source of what it originates.
    pub const LOCAL: Self = Self(0);

    /// The plain number, for arrays by peer.
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// Whether this is the router itself.
    pub fn is_local(self) -> bool {
        self == Self::LOCAL
    }
}

impl fmt::Debug for PeerIdx {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_local() {
            f.write_str("local")
        } else {
            write!(f, "peer#{}", self.0)
        }
    }
}

/// What the table knows of a peer: what the decision compares, and how its paths are taken in.
#[derive(Clone, Debug)]
pub struct PeerInfo {
    /// The name people know it by.
    pub name: Arc<str>,
    /// The address of its end of the session (RFC 4271 §9.1.2.2 g).
    pub address: IpAddr,
    /// What it is to us.
    pub kind: SourceKind,
    /// Its AS.
    pub asn: Asn,
    /// Its BGP identifier; known for good once the session is established.
    pub router_id: RouterId,
    /// Index of the interface that we share with it, 0 if there is none. Scopes its link-local next hops.
    pub link: u32,
    /// An external neighbour one hop away, on that link: the next hops of routes that packets are forwarded by have to be there.
    pub one_hop: bool,
    /// We speak long-lived graceful restart with it, so that its routes with the community LLGR_STALE are the last choice (RFC
    /// 9494 §4.3).
    pub long_lived: bool,
    /// How often our own AS may stand in its AS paths (0 is the rule of RFC 4271 §9.1.2).
    pub allow_as_in: u8,
    /// What is done to its routes on the way in beside that.
    pub rules: ImportRules,
    /// What its routes go through then.
    pub import: RoutePolicy,
}

impl PeerInfo {
    /// Where next hops of its routes are looked for. RFC 4271 §6.3: "In the case of an EBGP, where the sender and receiver are one
    /// IP hop away from each other, either the IP address in the NEXT_HOP MUST be the sender's IP address that is used to establish
    /// the BGP connection, or the interface associated with the NEXT_HOP IP address MUST share a common subnet with the receiving
    /// BGP speaker." Families that are only passed on have next hops at the far end of a tunnel, and are left out.
    pub fn next_hop_scope(&self, family: Family) -> NextHopScope {
        let forwards = matches!(family, Family::IPV4_UNICAST | Family::IPV6_UNICAST);
        NextHopScope {
            link: self.link,
            only: self.one_hop && self.link != 0 && forwards,
            link_local: matches!(self.address, IpAddr::V6(v6) if v6.is_unicast_link_local()),
        }
    }

    /// The router itself.
    pub(crate) fn local(asn: Asn, router_id: RouterId) -> Self {
        Self {
            name: Arc::from("local"),
            address: IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            kind: SourceKind::Local,
            asn,
            router_id,
            link: 0,
            one_hop: false,
            long_lived: false,
            allow_as_in: 0,
            rules: ImportRules::default(),
            import: RoutePolicy::AcceptAll,
        }
    }
}

/// The small print of a path in sixteen bits: three of [`Ineligible`], one of staleness, twelve of local path id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Tag(u16);

const INELIGIBLE: u16 = 0b0111;
const STALE: u16 = 0b1000;
const LOCAL_ID_SHIFT: u32 = 4;

/// The most paths one destination keeps: as many as there are local path ids.
pub(crate) const MAX_PATHS: usize = 4095;
/// How many of them may be of one peer (RFC 7911 sets no bound), so that none takes the places of the others.
pub(crate) const MAX_PATHS_OF_PEER: usize = 255;

impl Tag {
    pub(crate) fn new(ineligible: Option<Ineligible>) -> Self {
        Self(ineligible.map_or(0, |reason| reason as u16 & INELIGIBLE))
    }

    /// The same path with another answer of import.
    pub(crate) fn with_ineligible(self, ineligible: Option<Ineligible>) -> Self {
        Self(self.0 & !INELIGIBLE | Self::new(ineligible).0)
    }

    /// Why import refused the path, if it did. (What is wrong with the next hop is not kept here: it changes by itself.)
    pub(crate) fn ineligible(self) -> Option<Ineligible> {
        Ineligible::from_bits((self.0 & INELIGIBLE) as u8)
    }

    pub(crate) fn is_refused(self) -> bool {
        self.0 & INELIGIBLE != 0
    }

    pub(crate) fn is_stale(self) -> bool {
        self.0 & STALE != 0
    }

    pub(crate) fn stale(self) -> Self {
        Self(self.0 | STALE)
    }

    pub(crate) fn fresh(self) -> Self {
        Self(self.0 & !STALE)
    }

    /// The path id that ADD-PATH peers are told; it stays as long as the path is there.
    pub(crate) fn local_id(self) -> u16 {
        self.0 >> LOCAL_ID_SHIFT
    }

    pub(crate) fn with_local_id(self, id: u16) -> Self {
        Self(self.0 & (INELIGIBLE | STALE) | (id << LOCAL_ID_SHIFT))
    }
}

/// One path to a destination. `D` is the detail of its family: what came in the NLRI and is not of the key.
#[derive(Clone, Copy)]
pub(crate) struct Path<D> {
    pub(crate) attrs: AttrId,
    pub(crate) path_id: u32,
    pub(crate) peer: PeerIdx,
    pub(crate) tag: Tag,
    pub(crate) detail: D,
}

impl<D> Path<D> {
    /// Whether an announcement with the keys of `other` replaces this path.
    pub(crate) fn same_source(&self, peer: PeerIdx, path_id: u32) -> bool {
        self.peer == peer && self.path_id == path_id
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::Label;

    #[test]
    fn a_path_is_twelve_bytes() {
        assert_eq!(size_of::<Path<()>>(), 12);
        assert_eq!(size_of::<Path<Label>>(), 16);
    }

    #[test]
    fn a_tag_keeps_its_three_parts_apart() {
        let tag = Tag::new(Some(Ineligible::ClusterLoop))
            .with_local_id(4095)
            .stale();
        assert_eq!(tag.ineligible(), Some(Ineligible::ClusterLoop));
        assert_eq!(tag.local_id(), 4095);
        assert!(tag.is_stale() && tag.is_refused());
        let taken = tag.with_ineligible(None);
        assert_eq!((taken.local_id(), taken.is_refused()), (4095, false));
        assert_eq!(taken.with_ineligible(Some(Ineligible::ClusterLoop)), tag);
        let tag = tag.fresh().with_local_id(1);
        assert_eq!((tag.local_id(), tag.is_stale()), (1, false));
        assert_eq!(Tag::new(None).ineligible(), None);
    }
}
