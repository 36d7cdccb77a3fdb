//! Sets of path attributes in canonical form.
//!
//! Two routes with the same attributes have the same octets, whoever sent them and however they
//! were ordered, so that a set can be hashed and compared as it is. The form:
//!
//! - one octet with the length of the next hop (0, 4, 16 or 32), and the next hop;
//! - the attributes in ascending order of code, as on the wire: flags, code, length (two octets
//!   only above 255), value;
//! - AS_PATH and AGGREGATOR with four octets for each AS; communities of each kind sorted, each
//!   once, unless their order is to be kept ([`SessionContext::keep_order`](crate::SessionContext::keep_order));
//! - unknown transitive attributes with their Partial bit set, as they have to be passed on;
//! - no NEXT_HOP, MP_REACH_NLRI, MP_UNREACH_NLRI, AS4_PATH, AS4_AGGREGATOR.

use std::fmt;

use super::{
    Aggregator, AsPathRef, AttrCode, Community, ExtCommunity, Ipv6ExtCommunity, LargeCommunity,
    NextHop, Origin, PmsiTunnel, PrefixSid, aigp, cluster_list, community, ext_community, flags,
    ipv6_ext_community, large_community, med, next_hop, table, unknown,
};
use crate::describe::{Fields, Node};
use crate::{Asn, RouterId};

/// A set of path attributes in canonical form, borrowed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttrRef<'a>(&'a [u8]);

impl Default for AttrRef<'_> {
    fn default() -> Self {
        AttrRef(&[0])
    }
}

impl<'a> AttrRef<'a> {
    /// The set with these octets, which came from [`as_bytes`](Self::as_bytes). Octets from
    /// elsewhere cannot harm, but may read as something else.
    #[inline]
    pub fn from_canonical(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    /// The canonical octets.
    #[inline]
    pub fn as_bytes(self) -> &'a [u8] {
        self.0
    }

    /// The next hop and the attributes.
    #[inline]
    fn parts(self) -> (&'a [u8], &'a [u8]) {
        let Some((length, rest)) = self.0.split_first() else {
            return (&[], &[]);
        };
        rest.split_at_checked(usize::from(*length))
            .unwrap_or((&[], &[]))
    }

    /// The attributes as they are on the wire of a session with four-octet AS numbers.
    #[inline]
    pub(crate) fn wire(self) -> &'a [u8] {
        self.parts().1
    }

    /// The same attributes whatever the next hop.
    pub fn without_next_hop(self) -> &'a [u8] {
        self.wire()
    }

    /// The next hop.
    #[inline]
    pub fn next_hop(self) -> Option<NextHop> {
        NextHop::from_bytes(self.parts().0)
    }

    /// All attributes in ascending order of code: code, flags, value.
    #[inline]
    pub fn iter(self) -> Attributes<'a> {
        Attributes { rest: self.wire() }
    }

    /// Attributes without a next hop, as they are on the wire.
    pub(super) fn attributes(wire: &'a [u8]) -> Attributes<'a> {
        Attributes { rest: wire }
    }

    /// The value of an attribute.
    #[inline]
    pub fn get(self, code: AttrCode) -> Option<&'a [u8]> {
        self.iter()
            .take_while(|(at, ..)| *at <= code)
            .find(|(at, ..)| *at == code)
            .map(|(.., value)| value)
    }

    /// ORIGIN.
    pub fn origin(self) -> Option<Origin> {
        self.get(AttrCode::ORIGIN)?
            .first()
            .copied()
            .and_then(Origin::from_u8)
    }

    /// AS_PATH; empty if it is absent.
    #[inline]
    pub fn as_path(self) -> AsPathRef<'a> {
        AsPathRef(self.get(AttrCode::AS_PATH).unwrap_or(&[]))
    }

    /// MULTI_EXIT_DISC.
    pub fn med(self) -> Option<u32> {
        med::number(self.get(AttrCode::MED)?)
    }

    /// LOCAL_PREF.
    pub fn local_pref(self) -> Option<u32> {
        med::number(self.get(AttrCode::LOCAL_PREF)?)
    }

    /// Whether ATOMIC_AGGREGATE is there.
    pub fn atomic_aggregate(self) -> bool {
        self.get(AttrCode::ATOMIC_AGGREGATE).is_some()
    }

    /// AGGREGATOR.
    pub fn aggregator(self) -> Option<Aggregator> {
        Aggregator::from_bytes(self.get(AttrCode::AGGREGATOR)?)
    }

    /// COMMUNITIES.
    pub fn communities(self) -> impl Iterator<Item = Community> + Clone + use<'a> {
        community::iter(self.get(AttrCode::COMMUNITIES).unwrap_or(&[]))
    }

    /// EXTENDED_COMMUNITIES.
    pub fn ext_communities(self) -> impl Iterator<Item = ExtCommunity> + Clone + use<'a> {
        ext_community::iter(self.get(AttrCode::EXT_COMMUNITIES).unwrap_or(&[]))
    }

    /// LARGE_COMMUNITIES.
    pub fn large_communities(self) -> impl Iterator<Item = LargeCommunity> + Clone + use<'a> {
        large_community::iter(self.get(AttrCode::LARGE_COMMUNITIES).unwrap_or(&[]))
    }

    /// IPv6 Address Specific Extended Community.
    pub fn ipv6_ext_communities(self) -> impl Iterator<Item = Ipv6ExtCommunity> + Clone + use<'a> {
        ipv6_ext_community::iter(self.get(AttrCode::IPV6_EXT_COMMUNITIES).unwrap_or(&[]))
    }

    /// PMSI_TUNNEL.
    pub fn pmsi_tunnel(self) -> Option<PmsiTunnel<'a>> {
        PmsiTunnel::from_canonical(self.get(AttrCode::PMSI_TUNNEL)?)
    }

    /// AIGP: the metric.
    pub fn aigp(self) -> Option<u64> {
        aigp::metric(self.get(AttrCode::AIGP)?)
    }

    /// ONLY_TO_CUSTOMER.
    pub fn only_to_customer(self) -> Option<Asn> {
        med::number(self.get(AttrCode::ONLY_TO_CUSTOMER)?).map(Asn)
    }

    /// BGP Prefix-SID.
    pub fn prefix_sid(self) -> Option<PrefixSid<'a>> {
        self.get(AttrCode::PREFIX_SID)
            .map(PrefixSid::from_canonical)
    }

    /// Whether a community is there.
    pub fn has_community(self, community: Community) -> bool {
        self.communities().any(|one| one == community)
    }

    /// ORIGINATOR_ID.
    pub fn originator_id(self) -> Option<RouterId> {
        med::number(self.get(AttrCode::ORIGINATOR_ID)?).map(RouterId)
    }

    /// CLUSTER_LIST, the last cluster passed first.
    pub fn cluster_list(self) -> impl Iterator<Item = RouterId> + Clone + use<'a> {
        cluster_list::iter(self.get(AttrCode::CLUSTER_LIST).unwrap_or(&[]))
    }

    /// The neighbouring AS (see [`AsPathRef::neighbor_as`]).
    pub fn neighbor_as(self) -> Option<Asn> {
        self.as_path().neighbor_as()
    }

    /// The attributes that are not understood here: code, flags, value.
    pub fn unknown(self) -> impl Iterator<Item = (AttrCode, u8, &'a [u8])> + use<'a> {
        self.iter().filter(|(code, ..)| !code.is_known())
    }

    /// The next hop and each attribute as named fields: its code, its flags, and what it says.
    pub fn describe(self) -> Vec<Node> {
        let next_hop = self
            .next_hop()
            .map(|next_hop| Node::fields(|fields| next_hop::describe_next_hop(next_hop, fields)));
        next_hop
            .into_iter()
            .chain(self.describe_attributes())
            .collect()
    }

    /// The same without the next hop.
    pub(crate) fn describe_attributes(self) -> impl Iterator<Item = Node> + use<'a> {
        self.iter()
            .map(|(code, flags, value)| describe(code, flags, value))
    }

    /// A copy that owns its octets.
    pub fn to_set(self) -> AttrSet {
        AttrSet(self.0.into())
    }
}

impl fmt::Display for AttrRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut between = "";
        if let Some(next_hop) = self.next_hop() {
            write!(f, "next-hop {next_hop}")?;
            between = ", ";
        }
        for (code, flags, value) in self.iter() {
            f.write_str(between)?;
            between = ", ";
            show(code, flags, value, f)?;
        }
        Ok(())
    }
}

impl fmt::Debug for AttrRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{self}]")
    }
}

/// The attributes of a set.
#[derive(Clone, Debug)]
pub struct Attributes<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Attributes<'a> {
    type Item = (AttrCode, u8, &'a [u8]);

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        let (code, flags, value, rest) = first(self.rest)?;
        self.rest = rest;
        Some((code, flags, value))
    }
}

/// The first of some attributes (code, flags, value) and what comes after it; `None` if there is no
/// whole one.
#[inline]
pub(super) fn first(attributes: &[u8]) -> Option<(AttrCode, u8, &[u8], &[u8])> {
    let (flags, code, length, rest) = match attributes {
        [flags, code, high, low, rest @ ..] if flags & flags::EXTENDED_LENGTH != 0 => (
            flags,
            code,
            usize::from(u16::from_be_bytes([*high, *low])),
            rest,
        ),
        [flags, code, length, rest @ ..] => (flags, code, usize::from(*length), rest),
        _ => return None,
    };
    let (value, rest) = rest.split_at_checked(length)?;
    Some((AttrCode(*code), *flags, value, rest))
}

/// Prints one attribute.
pub(super) fn show(
    code: AttrCode,
    flags: u8,
    value: &[u8],
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    match table::spec(code.0) {
        Some(line) => (line.show)(value, f),
        None => unknown::show(code, flags, value, f),
    }
}

/// One attribute as named fields.
pub(super) fn describe(code: AttrCode, flags: u8, value: &[u8]) -> Node {
    Node::fields(|fields| {
        describe_head(code, flags, fields);
        match table::spec(code.0) {
            Some(line) => (line.describe)(value, fields),
            None => fields.octets("value", value),
        }
    })
}

/// The code and the flags of an attribute.
pub(super) fn describe_head(code: AttrCode, flags: u8, fields: &mut Fields) {
    fields.named("code", code.0, code.name());
    fields.list("flags", flags::names(flags).map(Node::text));
}

/// A set of path attributes in canonical form, owned.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AttrSet(Box<[u8]>);

impl AttrSet {
    /// The set, borrowed.
    #[inline]
    #[allow(
        clippy::should_implement_trait,
        reason = "AsRef cannot give a type with a lifetime of its own"
    )]
    pub fn as_ref(&self) -> AttrRef<'_> {
        AttrRef(&self.0)
    }
}

impl Default for AttrSet {
    fn default() -> Self {
        AttrRef::default().to_set()
    }
}

impl From<AttrRef<'_>> for AttrSet {
    fn from(attrs: AttrRef<'_>) -> Self {
        attrs.to_set()
    }
}

impl fmt::Display for AttrSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_ref(), f)
    }
}

impl fmt::Debug for AttrSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.as_ref(), f)
    }
}

/// The flags with which an attribute whose value has `length` octets is in a canonical set.
#[inline]
pub(crate) fn wire_flags(flags: u8, length: usize) -> u8 {
    match length {
        ..256 => flags & !flags::EXTENDED_LENGTH,
        _ => flags | flags::EXTENDED_LENGTH,
    }
}

/// The head of an attribute whose value has `length` octets, and how many octets of it count.
#[inline]
pub(crate) fn head(code: AttrCode, flags: u8, length: u16) -> ([u8; 4], usize) {
    let flags = flags & !flags::EXTENDED_LENGTH;
    let [high, low] = length.to_be_bytes();
    if high == 0 {
        ([flags, code.0, low, 0], 3)
    } else {
        ([flags | flags::EXTENDED_LENGTH, code.0, high, low], 4)
    }
}
