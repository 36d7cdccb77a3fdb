//! EVPN routes (RFC 7432 §7, 9136, 9251, 9572): a type, a length, and what the type says.
//!
//! A route is a key and a detail. The RFCs say of each type which fields are "part of the prefix in
//! the NLRI" and thereby tell destinations apart: those are the [`EvpnRoute`]. The rest, as labels,
//! belongs to the path: the [`EvpnDetail`].
//!
//! ```text
//! mod.rs     the route: its types, how it is built, what it holds
//! layout.rs  where on the wire the key is, and what is malformed
//! detail.rs  what is no key
//! made.rs    routes made from their octets
//! index.rs   what IP Prefix routes are resolved by
//! text.rs    [2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1]
//! ```

mod detail;
mod index;
mod layout;
mod made;
mod text;

use std::cmp::Ordering;
use std::hash::{Hash, Hasher};
use std::net::IpAddr;

use bytes::BufMut;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use super::address::take_address;
use super::prefix::IpPrefix;
use super::rd::RouteDistinguisher;
use super::{Counts, Form, Label, Nlri, path_id};
use crate::attribute::{LabelField, LabelFields};
use crate::error::{Disposition, Reason};
use crate::input::{Input, Malformed};
use crate::{Esi, Family, Fields, MacAddr, PathId};

pub use detail::EvpnDetail;
pub(crate) use index::{PrefixFields, prefixes};
use made::Made;

/// Octets of type and length.
const HEAD: usize = 2;
const RD: usize = 8;
const ESI: usize = 10;
const TAG: usize = 4;
const MAC: usize = 6;
/// A length and the longest address.
const ADDRESS: usize = 1 + 16;
/// The longest key: a Leaf A-D route that answers an S-PMSI A-D route, which has three addresses,
/// and has one of its own.
const MAX_KEY: usize = HEAD + RD + TAG + 3 * ADDRESS + ADDRESS;

/// The types of EVPN routes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum EvpnKind {
    /// RFC 7432 §7.1.
    EthernetAutoDiscovery = 1,
    /// RFC 7432 §7.2.
    MacIp = 2,
    /// RFC 7432 §7.3.
    InclusiveMulticast = 3,
    /// RFC 7432 §7.4.
    EthernetSegment = 4,
    /// RFC 9136 §3.1.
    IpPrefix = 5,
    /// RFC 9251 §9.1.
    SelectiveMulticast = 6,
    /// RFC 9251 §9.2.
    MembershipReportSynch = 7,
    /// RFC 9251 §9.3.
    LeaveSynch = 8,
    /// RFC 9572 §3.1.
    PerRegionInclusivePmsi = 9,
    /// RFC 9572 §3.2.
    SelectivePmsi = 10,
    /// RFC 9572 §3.3.
    LeafAutoDiscovery = 11,
}

impl EvpnKind {
    const ALL: [Self; 11] = [
        Self::EthernetAutoDiscovery,
        Self::MacIp,
        Self::InclusiveMulticast,
        Self::EthernetSegment,
        Self::IpPrefix,
        Self::SelectiveMulticast,
        Self::MembershipReportSynch,
        Self::LeaveSynch,
        Self::PerRegionInclusivePmsi,
        Self::SelectivePmsi,
        Self::LeafAutoDiscovery,
    ];

    /// The type of this number.
    pub fn from_u8(number: u8) -> Option<Self> {
        let place = usize::from(number).checked_sub(1)?;
        Self::ALL.get(place).copied()
    }

    /// The number of the type.
    pub fn number(self) -> u8 {
        self as u8
    }

    /// The name that the registry "EVPN Route Types" gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::EthernetAutoDiscovery => "Ethernet Auto-discovery",
            Self::MacIp => "MAC/IP Advertisement",
            Self::InclusiveMulticast => "Inclusive Multicast Ethernet Tag",
            Self::EthernetSegment => "Ethernet Segment",
            Self::IpPrefix => "IP Prefix",
            Self::SelectiveMulticast => "Selective Multicast Ethernet Tag Route",
            Self::MembershipReportSynch => "Multicast Membership Report Synch Route",
            Self::LeaveSynch => "Multicast Leave Synch Route",
            Self::PerRegionInclusivePmsi => "Per-Region I-PMSI A-D route",
            Self::SelectivePmsi => "S-PMSI A-D route",
            Self::LeafAutoDiscovery => "Leaf A-D route",
        }
    }

    /// Octets from the start of the key to its Ethernet tag.
    fn tag_at(self) -> Option<usize> {
        match self {
            Self::EthernetAutoDiscovery | Self::MembershipReportSynch | Self::LeaveSynch => {
                Some(RD + ESI)
            }
            Self::EthernetSegment | Self::LeafAutoDiscovery => None,
            _ => Some(RD),
        }
    }

    fn has_esi_in_key(self) -> bool {
        matches!(
            self,
            Self::EthernetAutoDiscovery
                | Self::EthernetSegment
                | Self::MembershipReportSynch
                | Self::LeaveSynch
        )
    }

    /// Whether it has multicast source and group.
    fn has_group(self) -> bool {
        matches!(
            self,
            Self::SelectiveMulticast
                | Self::MembershipReportSynch
                | Self::LeaveSynch
                | Self::SelectivePmsi
        )
    }
}

/// An EVPN route: what tells it from others.
///
/// [`EvpnDetail`] has what does not: which fields are which is in RFC 7432 §7.1 to §7.4, RFC 9136
/// §3.1, RFC 9251 §9.1 to §9.3 and RFC 9572 §3.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct EvpnRoute {
    kind: EvpnKind,
    length: u8,
    /// The fields of the key as they are on the wire, one after the other. Zero beyond the length.
    octets: [u8; MAX_KEY],
}

impl EvpnRoute {
    /// MAX-ET, the Ethernet tag of a route that speaks for a whole segment (RFC 7432 §3).
    pub const MAX_ETHERNET_TAG: u32 = u32::MAX;

    /// An Ethernet Auto-discovery route: of a segment (the tag is [`MAX_ETHERNET_TAG`]) or of an EVI.
    ///
    /// [`MAX_ETHERNET_TAG`]: Self::MAX_ETHERNET_TAG
    pub fn ethernet_auto_discovery(rd: RouteDistinguisher, esi: Esi, tag: u32) -> Self {
        Self::empty(EvpnKind::EthernetAutoDiscovery)
            .push(&rd.0)
            .push(&esi.0)
            .push(&tag.to_be_bytes())
    }

    /// A MAC/IP Advertisement route.
    pub fn mac_ip(rd: RouteDistinguisher, tag: u32, mac: MacAddr, ip: Option<IpAddr>) -> Self {
        Self::empty(EvpnKind::MacIp)
            .push(&rd.0)
            .push(&tag.to_be_bytes())
            .push(&[layout::MAC_BITS])
            .push(&mac.0)
            .push_address(ip)
    }

    /// An Inclusive Multicast Ethernet Tag route.
    pub fn inclusive_multicast(rd: RouteDistinguisher, tag: u32, originator: IpAddr) -> Self {
        Self::empty(EvpnKind::InclusiveMulticast)
            .push(&rd.0)
            .push(&tag.to_be_bytes())
            .push_address(Some(originator))
    }

    /// An Ethernet Segment route.
    pub fn ethernet_segment(rd: RouteDistinguisher, esi: Esi, originator: IpAddr) -> Self {
        Self::empty(EvpnKind::EthernetSegment)
            .push(&rd.0)
            .push(&esi.0)
            .push_address(Some(originator))
    }

    /// An IP Prefix route. Bits of the address beyond the length are of no meaning and cleared.
    pub fn ip_prefix(rd: RouteDistinguisher, tag: u32, prefix: IpNet) -> Self {
        let head = Self::empty(EvpnKind::IpPrefix)
            .push(&rd.0)
            .push(&tag.to_be_bytes())
            .push(&[prefix.prefix_len()]);
        match prefix.trunc() {
            IpNet::V4(net) => head.push(&net.addr().octets()),
            IpNet::V6(net) => head.push(&net.addr().octets()),
        }
    }

    fn empty(kind: EvpnKind) -> Self {
        Self {
            kind,
            length: 0,
            octets: [0; MAX_KEY],
        }
    }

    /// With more octets behind, which the caller knows to fit.
    #[inline]
    fn push(mut self, octets: &[u8]) -> Self {
        let to = usize::from(self.length)..;
        if let Some(to) = self
            .octets
            .get_mut(to)
            .and_then(|to| to.get_mut(..octets.len()))
            && let Ok(more) = u8::try_from(octets.len())
        {
            to.copy_from_slice(octets);
            self.length = self.length.saturating_add(more);
        }
        self
    }

    /// With an address behind its length in bits: 0 for none.
    fn push_address(self, address: Option<IpAddr>) -> Self {
        match address {
            None => self.push(&[0]),
            Some(IpAddr::V4(address)) => self.push(&[32]).push(&address.octets()),
            Some(IpAddr::V6(address)) => self.push(&[128]).push(&address.octets()),
        }
    }

    /// The type.
    pub fn kind(&self) -> EvpnKind {
        self.kind
    }

    /// The octets of the key.
    fn key(&self) -> &[u8] {
        self.octets.get(..usize::from(self.length)).unwrap_or(&[])
    }

    fn at<const N: usize>(&self, offset: usize) -> Option<[u8; N]> {
        self.key().get(offset..)?.first_chunk().copied()
    }

    /// The route distinguisher; of a Leaf A-D route, that of the route it answers.
    pub fn rd(&self) -> RouteDistinguisher {
        let offset = match self.kind {
            EvpnKind::LeafAutoDiscovery => HEAD,
            _ => 0,
        };
        RouteDistinguisher(self.at(offset).unwrap_or_default())
    }

    /// The Ethernet tag, of the types that have one.
    pub fn ethernet_tag(&self) -> Option<u32> {
        self.at(self.kind.tag_at()?).map(u32::from_be_bytes)
    }

    /// The Ethernet segment, of the types that have it in their key. Types 2 and 5 have it in their
    /// detail.
    pub fn esi(&self) -> Option<Esi> {
        self.at(RD).filter(|_| self.kind.has_esi_in_key()).map(Esi)
    }

    /// The MAC address of a MAC/IP Advertisement route.
    pub fn mac(&self) -> Option<MacAddr> {
        let mac = self.at(RD + TAG + 1)?;
        (self.kind == EvpnKind::MacIp).then_some(MacAddr(mac))
    }

    /// The IP address of a MAC/IP Advertisement route that has one.
    pub fn ip(&self) -> Option<IpAddr> {
        let ip = self.addresses().next()?;
        ip.filter(|_| self.kind == EvpnKind::MacIp)
    }

    /// The prefix of an IP Prefix route.
    pub fn prefix(&self) -> Option<IpNet> {
        if self.kind != EvpnKind::IpPrefix {
            return None;
        }
        let (bits, address) = self.key().get(RD + TAG..)?.split_first()?;
        match address.len() {
            4 => Ipv4Net::from_wire(*bits, address).map(IpNet::V4),
            _ => Ipv6Net::from_wire(*bits, address).map(IpNet::V6),
        }
    }

    /// The source of multicast, of the types that have one; `None` is any.
    pub fn source(&self) -> Option<IpAddr> {
        self.addresses().next()?.filter(|_| self.kind.has_group())
    }

    /// The group of multicast, of the types that have one; `None` is any.
    pub fn group(&self) -> Option<IpAddr> {
        self.addresses().nth(1)?.filter(|_| self.kind.has_group())
    }

    /// The router that originated the route, of the types that say so.
    pub fn originator(&self) -> Option<IpAddr> {
        match self.kind {
            EvpnKind::MacIp => None,
            _ => self.addresses().last()?,
        }
    }

    /// The region of a Per-Region I-PMSI A-D route: an extended community (RFC 9572 §6.2).
    pub fn region(&self) -> Option<[u8; 8]> {
        self.at(RD + TAG)
            .filter(|_| self.kind == EvpnKind::PerRegionInclusivePmsi)
    }

    /// The NLRI of the route that a Leaf A-D route answers, with type and length.
    pub fn route_key(&self) -> Option<&[u8]> {
        self.key()
            .get(..self.addresses_at()?)
            .filter(|_| self.kind == EvpnKind::LeafAutoDiscovery)
    }

    /// Octets from the start of the key to the first address that has a length in front.
    fn addresses_at(&self) -> Option<usize> {
        Some(match self.kind {
            EvpnKind::MacIp => RD + TAG + 1 + MAC,
            EvpnKind::InclusiveMulticast
            | EvpnKind::SelectiveMulticast
            | EvpnKind::SelectivePmsi => RD + TAG,
            EvpnKind::EthernetSegment => RD + ESI,
            EvpnKind::MembershipReportSynch | EvpnKind::LeaveSynch => RD + ESI + TAG,
            EvpnKind::LeafAutoDiscovery => {
                let [_, length] = self.at(0)?;
                HEAD + usize::from(length)
            }
            _ => return None,
        })
    }

    /// The addresses that have a length in front.
    fn addresses(&self) -> impl Iterator<Item = Option<IpAddr>> + use<'_> {
        let mut rest = self
            .addresses_at()
            .and_then(|offset| self.key().get(offset..))
            .unwrap_or(&[]);
        std::iter::from_fn(move || {
            let (address, after) = take_address(rest)?;
            rest = after;
            Some(address)
        })
    }
}

/// By type and then by the octets of the key.
impl Ord for EvpnRoute {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.kind, self.key()).cmp(&(other.kind, other.key()))
    }
}

impl PartialOrd for EvpnRoute {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// Only what is used of the key is hashed, which is a third of it for most routes.
impl Hash for EvpnRoute {
    fn hash<H: Hasher>(&self, state: &mut H) {
        state.write_u8(self.kind.number());
        state.write(self.key());
    }
}

/// Type, value, and what follows.
#[inline]
fn split(input: Input<'_>) -> Result<(u8, Input<'_>, Input<'_>), Malformed<'_>> {
    let cut = Malformed::new(input, "EVPN NLRI", Reason::Truncated);
    let ([kind, length], rest) = input.split_first_chunk().ok_or(cut)?;
    let (value, after) = rest.split_at_checked(usize::from(*length)).ok_or(cut)?;
    Ok((*kind, value, after))
}

/// Walks NLRI and path identifiers.
///
/// A route of a type that is not known, or whose key is not what the type says, is passed over as
/// long as its own length says where the next one begins: it names nothing that could be here.
/// RFC 7606 §5.4: "a BGP speaker advertising support for such a typed address family MUST handle
/// routes with unrecognized NLRI types within that address family by discarding them". One with a
/// key that can be read and an end that cannot is no longer what it was before, and is treated as
/// withdrawn (RFC 7606 §2); where it is withdrawn anyway, the key is all that counts.
pub(super) fn check<'a>(
    input: Input<'a>,
    form: Form,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    let mut rest = input;
    while !rest.is_empty() {
        let nlri = path_id(rest, form.add_path)?;
        let (kind, value, after) = split(nlri)?;
        counts.all += 1;
        match EvpnKind::from_u8(kind) {
            Some(kind) => match layout::key_of(kind, value) {
                Ok(_) if form.withdrawn => {}
                Ok(key) => {
                    if let Some(error) = layout::contradiction(kind, &key, value) {
                        counts.withdraw(error);
                    }
                }
                Err(error) => match layout::key_alone(kind, value) {
                    Some(_) if form.withdrawn => counts.note(error.asking(Disposition::None)),
                    Some(_) => counts.withdraw(error),
                    None => counts.ignore(error),
                },
            },
            None => counts.ignore(Malformed::new(
                nlri,
                "Route Type",
                Reason::Unknown(kind.into()),
            )),
        }
        rest = after;
    }
    Ok(())
}

impl Nlri for EvpnRoute {
    const FAMILIES: &'static [Family] = &[Family::L2VPN_EVPN];
    type Detail = EvpnDetail;

    fn wire_len(&self, detail: &EvpnDetail) -> usize {
        HEAD + usize::from(self.length) + detail.wire_len(self)
    }

    fn encode(&self, detail: &EvpnDetail, out: &mut impl BufMut) {
        let length = usize::from(self.length) + detail.wire_len(self);
        out.put_u8(self.kind.number());
        out.put_u8(u8::try_from(length).unwrap_or(u8::MAX));
        let (rd, rest) = self.key().split_at_checked(RD).unwrap_or_default();
        out.put_slice(rd);
        if layout::has_esi_beside_key(self.kind) {
            out.put_slice(&detail.esi().unwrap_or_default().0);
        }
        out.put_slice(rest);
        detail.encode_tail(self, out);
    }

    fn decode(input: &mut &[u8], _: Form, id: PathId) -> Option<Made> {
        let (kind, value, after) = split(input).ok()?;
        *input = after;
        match EvpnKind::from_u8(kind)? {
            EvpnKind::MacIp => made::mac_ip(id, value),
            EvpnKind::IpPrefix => made::ip_prefix(id, value),
            kind => made::any(id, kind, value),
        }
    }

    fn describe(&self, detail: &EvpnDetail, fields: &mut Fields) {
        fields.named("type", self.kind.number(), Some(self.kind.name()));
        if let Some(key) = self.route_key() {
            fields.octets("route_key", key);
        }
        fields.text("rd", self.rd());
        if let Some(esi) = self.esi().or_else(|| detail.esi()) {
            fields.fields("esi", |fields| {
                fields.text("value", esi);
                fields.named("type", esi.kind(), esi.kind_name());
            });
        }
        if let Some(tag) = self.ethernet_tag() {
            fields.number("ethernet_tag", tag);
        }
        if let Some(region) = self.region() {
            fields.octets("region", &region);
        }
        let texts = [
            ("mac", self.mac().map(|mac| mac.to_string())),
            ("ip", self.ip().map(|ip| ip.to_string())),
            ("prefix", self.prefix().map(|prefix| prefix.to_string())),
            ("source", self.source().map(|source| source.to_string())),
            ("group", self.group().map(|group| group.to_string())),
            ("originator", self.originator().map(|one| one.to_string())),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                fields.text(name, text);
            }
        }
        detail.describe(fields);
    }

    /// RFC 9252 §6: 24 bits each. Of type 1 the field depends on whether it speaks for a whole segment
    /// (§6.1.1, §6.1.2), of type 2 the first label is that of the L2 service (§6.2), of type 5 the label
    /// that of the L3 service (§6.5).
    fn label_fields(&self, detail: &EvpnDetail) -> LabelFields {
        let field = |label: Option<Label>| match label {
            Some(label) => LabelField::Nlri(label.raw(), 24),
            None => LabelField::Absent,
        };
        let mut labels = detail.labels();
        let first = field(labels.next());
        let (l3, l2) = match self.kind {
            EvpnKind::EthernetAutoDiscovery
                if self.ethernet_tag() == Some(Self::MAX_ETHERNET_TAG) =>
            {
                (LabelField::Absent, LabelField::EsiLabel)
            }
            EvpnKind::EthernetAutoDiscovery => (LabelField::Absent, first),
            EvpnKind::MacIp => (field(labels.next()), first),
            EvpnKind::InclusiveMulticast => (LabelField::Absent, LabelField::PmsiTunnel),
            EvpnKind::IpPrefix => (first, LabelField::Absent),
            _ => (LabelField::Absent, LabelField::Absent),
        };
        LabelFields { l3, l2 }
    }
}

#[cfg(test)]
mod tests;
