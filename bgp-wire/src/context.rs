//! What two speakers agreed on, as far as reading and writing messages depends on it.

use crate::{Asn, Family, FamilySet};

/// How the peer stands to us (RFC 4271 §1.1, RFC 5065).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PeerKind {
    /// In another AS, outside of our confederation.
    External,
    /// In our AS, or in our member AS of the confederation.
    Internal,
    /// In another member AS of our confederation.
    Confederation,
}

/// The facts of a session that decide what a message means. Made once, at negotiation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionContext {
    /// Our AS as this peer knows it.
    pub local_as: Asn,
    /// The AS of the peer.
    pub remote_as: Asn,
    /// How the peer stands to us.
    pub peer_kind: PeerKind,
    /// Both sides speak four-octet AS numbers (RFC 6793).
    pub asn4: bool,
    /// The longest message the peer may send: 4,096 or 65,535 (RFC 8654).
    pub max_message: usize,
    /// The families both sides announced.
    pub families: FamilySet,
    /// The families whose NLRI arrive with path identifiers (RFC 7911).
    pub add_path_receive: FamilySet,
    /// The families whose NLRI are sent with path identifiers.
    pub add_path_send: FamilySet,
    /// The families that may carry an IPv6 next hop although they are of IPv4 (RFC 8950).
    pub extended_next_hop: FamilySet,
    /// The families whose NLRI may have several labels (RFC 8277 §2.1).
    pub label_stacks: FamilySet,
    /// Accept AS_SET and AS_CONFED_SET, which RFC 9774 makes an error.
    pub accept_as_set: bool,
    /// Treat an AS_PATH of an external peer that does not start with the peer's AS as
    /// malformed (RFC 4271 §6.3, optional there; a route server does not prepend itself).
    pub enforce_first_as: bool,
    /// The peer, although in another AS, is run by the same people: what is for the inside of a
    /// domain is taken from it too (TUNNEL_ENCAPSULATION, RFC 9012 §11; BGP Prefix-SID, RFC 8669
    /// §4; AIGP, RFC 7311 §3.3).
    pub same_domain: bool,
    /// Give up a family whose routes cannot be read and keep the session for the others, instead of
    /// ending it (RFC 4760 §7; "AFI/SAFI disable" in RFC 7606 §2).
    pub disable_families: bool,
    /// The families given up on this session: what arrives of them is ignored.
    pub disabled: FamilySet,
    /// Leave communities in the order of the sender, repeated ones repeated: to write a message
    /// again as it was. The same set in another order is another set then.
    pub keep_order: bool,
}

impl SessionContext {
    /// The context of two speakers that announced four-octet AS numbers, IPv4 and IPv6 unicast
    /// and nothing else. The kind of the peer follows from the numbers.
    pub fn new(local_as: Asn, remote_as: Asn) -> Self {
        Self {
            local_as,
            remote_as,
            peer_kind: if local_as == remote_as {
                PeerKind::Internal
            } else {
                PeerKind::External
            },
            asn4: true,
            max_message: crate::frame::MAX_LEN,
            families: FamilySet::from([Family::IPV4_UNICAST, Family::IPV6_UNICAST]),
            add_path_receive: FamilySet::EMPTY,
            add_path_send: FamilySet::EMPTY,
            extended_next_hop: FamilySet::EMPTY,
            label_stacks: FamilySet::EMPTY,
            accept_as_set: false,
            enforce_first_as: false,
            same_domain: false,
            disable_families: false,
            disabled: FamilySet::EMPTY,
            keep_order: false,
        }
    }
    /// Whether what arrives of the family is looked at.
    #[inline]
    pub fn takes(&self, family: Family) -> bool {
        self.families.contains(family) && !self.disabled.contains(family)
    }
}
