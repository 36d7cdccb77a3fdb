//! UPDATE (RFC 4271 §4.3): routes withdrawn and routes announced, with their attributes.
//!
//! An [`Update`] borrows: NLRI from the message, attributes from an [`AttrScratch`] into which
//! decoding writes them in canonical form. Once the scratch has grown to the size of the longest
//! message, decoding allocates nothing, but for a message with dozens of attributes out of order. What is
//! to outlive the message are routes and an [`AttrSet`](crate::AttrSet).

mod canonical;
mod cut;
mod decode;
mod describe;
mod encode;
mod end_of_rib;
mod judge;
mod overlay_index;
mod routes;
mod sent;
mod sr_policy;

use std::fmt;

use crate::attribute::{AttrRef, NextHop};
use crate::error::{Disposition, Finding, Findings};
use crate::nlri::NlriBlock;
use crate::{Family, FamilySet};

pub use decode::decode_update;
pub(crate) use describe::dissect_attribute;
pub use describe::dissect_update;
pub use encode::{Encoding, encode_announce, encode_update, encode_withdraw};
pub use end_of_rib::encode_end_of_rib;
pub use routes::RoutesOf;
pub use sent::encode_sent;

/// The memory in which decoding puts attributes in canonical form. Keep one for each thread or
/// task.
#[derive(Clone, Debug, Default)]
pub struct AttrScratch {
    /// The sets of the message at hand.
    pub(crate) sets: Vec<u8>,
    /// A value in canonical form, where that is not what was sent.
    pub(crate) value: Vec<u8>,
    /// AS4_PATH and AS4_AGGREGATOR before they are merged.
    pub(crate) as4: Vec<u8>,
}

impl AttrScratch {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }
}

/// The NLRI of MP_REACH_NLRI and their next hop. Two that say the same are equal, however the next
/// hop was written.
#[derive(Clone, Copy, Debug)]
pub struct MpReach<'a> {
    /// The family.
    pub family: Family,
    /// The next hop of these NLRI; some families have none (RFC 8955 §4).
    pub next_hop: Option<NextHop>,
    /// The octets of the next hop, of which [`next_hop`](Self::next_hop) is what counts.
    pub next_hop_octets: &'a [u8],
    /// What is announced.
    pub nlri: NlriBlock<'a>,
}

impl PartialEq for MpReach<'_> {
    fn eq(&self, other: &Self) -> bool {
        (self.family, self.next_hop, self.nlri) == (other.family, other.next_hop, other.nlri)
    }
}

impl Eq for MpReach<'_> {}

/// The NLRI of MP_UNREACH_NLRI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MpUnreach<'a> {
    /// The family.
    pub family: Family,
    /// What is withdrawn.
    pub nlri: NlriBlock<'a>,
}

/// An UPDATE message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Update<'a> {
    /// IPv4 unicast withdrawn in the body of the message.
    pub withdrawn: NlriBlock<'a>,
    /// IPv4 unicast announced in the body of the message.
    pub announced: NlriBlock<'a>,
    /// MP_REACH_NLRI, if its family was negotiated.
    pub reach: Option<MpReach<'a>>,
    /// MP_UNREACH_NLRI, if its family was negotiated.
    pub unreach: Option<MpUnreach<'a>>,
    /// The attributes of `announced`: with the next hop of NEXT_HOP. The same as `mp_attrs` if only
    /// `reach` announces.
    pub attrs: AttrRef<'a>,
    /// The attributes of `reach`: with its next hop. There exactly if `reach` is.
    pub mp_attrs: Option<AttrRef<'a>>,
    /// The family whose initial routes are complete with this message (RFC 4724 §2).
    pub end_of_rib: Option<Family>,
}

impl Update<'_> {
    /// An UPDATE that says nothing.
    pub fn empty() -> Self {
        Self {
            withdrawn: NlriBlock::empty(Family::IPV4_UNICAST),
            announced: NlriBlock::empty(Family::IPV4_UNICAST),
            reach: None,
            unreach: None,
            attrs: AttrRef::default(),
            mp_attrs: None,
            end_of_rib: None,
        }
    }
}

/// What decoding an UPDATE gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decoded<'a> {
    /// The message.
    pub update: Update<'a>,
    /// What was wrong with it, in the order of its octets.
    pub findings: Findings,
    /// What has to be done about that: what the worst of them asks for.
    /// [`Disposition::SessionReset`] is not seen here, as decoding fails then.
    pub disposition: Disposition,
    /// The families that [`Disposition::AfiSafiDisable`] is about: all routes of them are to be
    /// removed, and [`SessionContext::disabled`](crate::SessionContext::disabled) is to hold them
    /// from now on.
    pub disabled: FamilySet,
}

impl Decoded<'_> {
    /// Whether what the update announces is to be treated as withdrawn, its attributes not to be
    /// used. That a family is given up says nothing about the routes of another one.
    pub fn treat_as_withdraw(&self) -> bool {
        let asks = |finding: &Finding| finding.disposition == Disposition::TreatAsWithdraw;
        self.disposition >= Disposition::TreatAsWithdraw && self.findings.iter().any(asks)
    }
}

impl fmt::Display for Update<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(family) = self.end_of_rib {
            return write!(f, "end of {family}");
        }
        let mut between = "";
        let mut part = |f: &mut fmt::Formatter<'_>, what: fmt::Arguments<'_>| {
            let written = write!(f, "{between}{what}");
            between = "; ";
            written
        };
        if !self.withdrawn.is_empty() {
            part(f, format_args!("withdraw {}", self.withdrawn))?;
        }
        if let Some(unreach) = &self.unreach {
            part(f, format_args!("withdraw {}", unreach.nlri))?;
        }
        if !self.announced.is_empty() {
            part(
                f,
                format_args!("announce {}: {}", self.announced, self.attrs),
            )?;
        }
        if let (Some(reach), Some(attrs)) = (&self.reach, &self.mp_attrs) {
            part(f, format_args!("announce {}: {attrs}", reach.nlri))?;
        }
        Ok(())
    }
}
