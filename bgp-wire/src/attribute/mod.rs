//! Path attributes: one file each, one table, and the canonical set they form.
//!
//! - `table` is the one place that says what an attribute is called, which flags it must have,
//!   what follows when it is malformed, and who reads and prints it.
//! - Each attribute's file has its type, its reader (which checks the value in place and appends
//!   its canonical form), and its text.
//! - [`AttrRef`] is a set in canonical form, borrowed; [`AttrSet`] owns one; [`AttrEditor`] changes
//!   one.

pub(crate) mod aggregator;
pub(crate) mod as4_aggregator;
pub(crate) mod as4_path;
pub(crate) mod as_path;
pub(crate) mod atomic_aggregate;
pub(crate) mod cluster_list;
pub(crate) mod community;
mod editor;
pub(crate) mod ext_community;
pub(crate) mod large_community;
pub(crate) mod local_pref;
pub(crate) mod med;
pub(crate) mod mp_reach;
pub(crate) mod mp_unreach;
pub(crate) mod next_hop;
pub(crate) mod origin;
pub(crate) mod originator_id;
pub(crate) mod set;
pub(crate) mod sorted;
pub(crate) mod table;
pub(crate) mod unknown;

use std::fmt;

pub use aggregator::Aggregator;
pub use as_path::{AsPathRef, Segment, SegmentKind};
pub use community::{Community, ParseCommunityError};
pub use editor::AttrEditor;
pub use ext_community::ExtCommunity;
pub use large_community::LargeCommunity;
pub use next_hop::NextHop;
pub use origin::{Origin, ParseOriginError};
pub use set::{AttrRef, AttrSet, Attributes};

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
    pub const LARGE_COMMUNITIES: Self = Self(32);
}

impl AttrCode {
    /// The registered name, for an attribute in the table.
    pub fn name(self) -> Option<&'static str> {
        table::spec(self.0).map(|line| line.name)
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
    /// The bits that say something about an attribute in a canonical set.
    pub(crate) const KEPT: u8 = OPTIONAL | TRANSITIVE | PARTIAL;
}
