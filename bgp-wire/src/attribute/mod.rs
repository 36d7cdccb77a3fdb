//! Path attributes: one file each, one table, and the canonical set they form.
//!
//! - `table` is the one place that says what an attribute is called, which flags it must have,
//!   what follows when it is malformed, and who reads and prints it.
//! - Each attribute's file has its type, its reader (which checks the value in place and appends
//!   its canonical form), and its text.
//! - [`AttrRef`] is a set in canonical form, borrowed; [`AttrSet`] owns one; [`AttrEditor`] changes
//!   one.

pub(crate) mod aggregator;
pub(crate) mod aigp;
pub(crate) mod as4_aggregator;
pub(crate) mod as4_path;
pub(crate) mod as_path;
pub(crate) mod atomic_aggregate;
pub(crate) mod attr_set;
pub(crate) mod bfd_discriminator;
pub(crate) mod cluster_list;
pub(crate) mod community;
mod editor;
pub(crate) mod ext_community;
pub(crate) mod ipv6_ext_community;
pub(crate) mod large_community;
mod layout;
pub(crate) mod link_state;
pub(crate) mod local_pref;
pub(crate) mod med;
pub(crate) mod mp_reach;
pub(crate) mod mp_unreach;
pub(crate) mod next_hop;
pub(crate) mod only_to_customer;
pub(crate) mod origin;
pub(crate) mod originator_id;
pub(crate) mod pmsi_tunnel;
pub(crate) mod prefix_sid;
mod service_sid;
pub(crate) mod set;
pub(crate) mod sorted;
mod srv6;
pub(crate) mod table;
mod tlv;
pub(crate) mod traffic_engineering;
pub(crate) mod tunnel_encap;
pub(crate) mod unknown;

use std::fmt;

pub use aggregator::Aggregator;
pub use as_path::{AsPath, AsPathRef, Segment, SegmentKind};
pub use community::Community;
pub use editor::AttrEditor;
pub use ext_community::{Administrator, ExtCommunity, MacMobility};
pub use ipv6_ext_community::Ipv6ExtCommunity;
pub use large_community::LargeCommunity;
pub use next_hop::NextHop;
pub use origin::{Origin, ParseOriginError};
pub use pmsi_tunnel::PmsiTunnel;
pub use prefix_sid::PrefixSid;
pub use service_sid::{LabelField, LabelFields};
pub use set::{AttrRef, AttrSet, Attributes};
pub use srv6::{SidStructure, Srv6Sid, behavior_name, behavior_number};

/// A path attribute's type code.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttrCode(pub u8);

#[allow(
    missing_docs,
    reason = "each is the attribute of that name in the IANA registry"
)]
impl AttrCode {
    pub const ORIGIN: Self = Self(1);
    pub const AS_PATH: Self = Self(2);
    pub const NEXT_HOP: Self = Self(3);
    pub const MED: Self = Self(4);
    pub const LOCAL_PREF: Self = Self(5);
    pub const ATOMIC_AGGREGATE: Self = Self(6);
    pub const AGGREGATOR: Self = Self(7);
    pub const COMMUNITIES: Self = Self(8);
    pub const ORIGINATOR_ID: Self = Self(9);
    pub const CLUSTER_LIST: Self = Self(10);
    pub const MP_REACH_NLRI: Self = Self(14);
    pub const MP_UNREACH_NLRI: Self = Self(15);
    pub const EXT_COMMUNITIES: Self = Self(16);
    pub const AS4_PATH: Self = Self(17);
    pub const AS4_AGGREGATOR: Self = Self(18);
    pub const PMSI_TUNNEL: Self = Self(22);
    pub const TUNNEL_ENCAPSULATION: Self = Self(23);
    pub const TRAFFIC_ENGINEERING: Self = Self(24);
    pub const IPV6_EXT_COMMUNITIES: Self = Self(25);
    pub const AIGP: Self = Self(26);
    pub const LINK_STATE: Self = Self(29);
    pub const LARGE_COMMUNITIES: Self = Self(32);
    pub const ONLY_TO_CUSTOMER: Self = Self(35);
    pub const BFD_DISCRIMINATOR: Self = Self(38);
    pub const PREFIX_SID: Self = Self(40);
    pub const ATTR_SET: Self = Self(128);
}

impl AttrCode {
    /// The registered name.
    pub fn name(self) -> Option<&'static str> {
        table::spec(self.0)
            .map(|line| line.name)
            .or_else(|| unknown::name(self.0))
    }

    /// Whether it stays in the domain that it comes from, so that no external peer outside of that
    /// is told.
    pub fn stays_inside(self) -> bool {
        table::spec(self.0).is_some_and(|line| line.from != table::Sender::Anyone)
    }

    /// Whether it is in the table: what is not is passed on or dropped by its flags alone.
    #[inline]
    pub fn is_known(self) -> bool {
        table::spec(self.0).is_some()
    }

    /// The value of such an attribute, as it is in a canonical set, as a text.
    pub fn text(self, flags: u8, value: &[u8]) -> impl fmt::Display {
        fmt::from_fn(move |f| set::show(self, flags, value, f))
    }

    /// The section that says what a malformed one leads to, for an attribute in the table.
    pub fn reference(self) -> Option<&'static str> {
        table::spec(self.0).map(|line| line.rfc)
    }
}

impl fmt::Display for AttrCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("attribute {}", self.0)),
        }
    }
}

impl fmt::Debug for AttrCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

/// The bits of the attribute flags (RFC 4271 §4.3).
pub mod flags {
    /// The attribute is not well-known.
    pub const OPTIONAL: u8 = 0x80;
    /// It goes on to the next AS even where it is not understood.
    pub const TRANSITIVE: u8 = 0x40;
    /// Someone on the way did not understand it.
    pub const PARTIAL: u8 = 0x20;
    /// Its length takes two octets.
    pub const EXTENDED_LENGTH: u8 = 0x10;
    /// The names of the bits that say something about an attribute.
    pub(crate) fn names(flags: u8) -> impl Iterator<Item = &'static str> {
        [
            (OPTIONAL, "optional"),
            (TRANSITIVE, "transitive"),
            (PARTIAL, "partial"),
        ]
        .into_iter()
        .filter(move |(bit, _)| flags & bit != 0)
        .map(|(_, name)| name)
    }
    /// The bits that say something about an attribute in a canonical set.
    pub(crate) const KEPT: u8 = OPTIONAL | TRANSITIVE | PARTIAL;
}
