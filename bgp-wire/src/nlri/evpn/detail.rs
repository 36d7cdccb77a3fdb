//! What is told with an EVPN route and is no part of its key.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bytes::BufMut;

use super::layout::Parts;
use super::{EvpnKind, EvpnRoute};
use crate::nlri::label::{self, Label};
use crate::{Esi, Fields, Node};

/// The fields of an EVPN route that belong to the path.
///
/// What does not fit the type of the route it is sent with is sent as zero.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvpnDetail {
    /// Nothing: types 3, 4 and 9 to 11, and a withdrawal.
    #[default]
    Nothing,
    /// Type 1, Ethernet Auto-discovery.
    AutoDiscovery {
        /// The label.
        label: Label,
    },
    /// Type 2, MAC/IP Advertisement.
    Mac {
        /// The segment the MAC address was learned from.
        esi: Esi,
        /// The label of the MAC address.
        label: Label,
        /// The label of the IP address.
        second: Option<Label>,
    },
    /// Type 5, IP Prefix.
    Prefix {
        /// The segment behind which the prefix is.
        esi: Esi,
        /// The gateway, of the family of the prefix; all zero for none.
        gateway: IpAddr,
        /// The label.
        label: Label,
    },
    /// Types 6 and 7, Selective Multicast and Membership Report Synch.
    Multicast {
        /// Versions of IGMP or MLD, and whether sources are included or excluded.
        flags: u8,
    },
    /// Type 8, Leave Synch.
    Leave {
        /// Octets to be ignored.
        reserved: [u8; 4],
        /// Maximum Response Time.
        max_response_time: u8,
        /// As with type 6.
        flags: u8,
    },
}

impl EvpnDetail {
    /// The Ethernet segment, of types 2 and 5.
    pub fn esi(&self) -> Option<Esi> {
        match self {
            Self::Mac { esi, .. } | Self::Prefix { esi, .. } => Some(*esi),
            _ => None,
        }
    }

    /// The gateway of type 5, if there is one.
    pub fn gateway(&self) -> Option<IpAddr> {
        match self {
            Self::Prefix { gateway, .. } => Some(*gateway).filter(|one| !one.is_unspecified()),
            _ => None,
        }
    }

    /// The labels: none, one or two. What they are, of MPLS or a VNI, the encapsulation says.
    pub fn labels(&self) -> impl Iterator<Item = Label> + use<> {
        let (first, second) = match *self {
            Self::AutoDiscovery { label } | Self::Prefix { label, .. } => (Some(label), None),
            Self::Mac { label, second, .. } => (Some(label), second),
            _ => (None, None),
        };
        first.into_iter().chain(second)
    }

    /// Octets it takes on the wire with this route.
    pub(super) fn wire_len(&self, route: &EvpnRoute) -> usize {
        match route.kind() {
            EvpnKind::EthernetAutoDiscovery => label::OCTETS,
            EvpnKind::MacIp => {
                let labels = if self.labels().count() > 1 { 2 } else { 1 };
                super::ESI + labels * label::OCTETS
            }
            EvpnKind::IpPrefix => super::ESI + gateway_octets(route) + label::OCTETS,
            EvpnKind::SelectiveMulticast | EvpnKind::MembershipReportSynch => 1,
            EvpnKind::LeaveSynch => 6,
            _ => 0,
        }
    }

    /// Writes what stands behind the key.
    pub(super) fn encode_tail(&self, route: &EvpnRoute, out: &mut impl BufMut) {
        let first = self.labels().next().unwrap_or_default();
        match (route.kind(), *self) {
            (EvpnKind::EthernetAutoDiscovery, _) => out.put_slice(&first.to_bytes()),
            (EvpnKind::MacIp, _) => {
                out.put_slice(&first.to_bytes());
                if let Some(second) = self.labels().nth(1) {
                    out.put_slice(&second.to_bytes());
                }
            }
            (EvpnKind::IpPrefix, _) => {
                match (gateway_octets(route), self.gateway()) {
                    (4, Some(IpAddr::V4(gateway))) => out.put_slice(&gateway.octets()),
                    (16, Some(IpAddr::V6(gateway))) => out.put_slice(&gateway.octets()),
                    (octets, _) => out.put_bytes(0, octets),
                }
                out.put_slice(&first.to_bytes());
            }
            (
                EvpnKind::SelectiveMulticast | EvpnKind::MembershipReportSynch,
                Self::Multicast { flags } | Self::Leave { flags, .. },
            ) => out.put_u8(flags),
            (
                EvpnKind::LeaveSynch,
                Self::Leave {
                    reserved,
                    max_response_time,
                    flags,
                },
            ) => {
                out.put_slice(&reserved);
                out.put_u8(max_response_time);
                out.put_u8(flags);
            }
            _ => out.put_bytes(0, self.wire_len(route)),
        }
    }

    /// Reads it from the parts of a value; nothing of an end that is not what the type says.
    #[inline]
    pub(super) fn read(kind: EvpnKind, parts: &Parts<'_>) -> Self {
        match (kind, parts.esi, parts.tail) {
            (EvpnKind::EthernetAutoDiscovery, _, &[a, b, c]) => Self::AutoDiscovery {
                label: Label::from_bytes([a, b, c]),
            },
            (EvpnKind::MacIp, Some(esi), &[a, b, c, ref second @ ..]) => Self::Mac {
                esi: Esi(*esi),
                label: Label::from_bytes([a, b, c]),
                second: second.first_chunk().copied().map(Label::from_bytes),
            },
            (EvpnKind::IpPrefix, Some(esi), &[ref gateway @ .., a, b, c]) => Self::Prefix {
                esi: Esi(*esi),
                gateway: address(gateway),
                label: Label::from_bytes([a, b, c]),
            },
            (EvpnKind::SelectiveMulticast | EvpnKind::MembershipReportSynch, _, &[flags]) => {
                Self::Multicast { flags }
            }
            (EvpnKind::LeaveSynch, _, &[a, b, c, d, max_response_time, flags]) => Self::Leave {
                reserved: [a, b, c, d],
                max_response_time,
                flags,
            },
            _ => Self::Nothing,
        }
    }

    /// Its fields, but the ESI.
    pub(super) fn describe(&self, fields: &mut Fields) {
        if let Self::Prefix { gateway, .. } = self {
            fields.text("gateway", gateway);
        }
        let labels: Vec<Node> = self.labels().map(describe_label).collect();
        if !labels.is_empty() {
            fields.list("labels", labels);
        }
        if let Self::Leave {
            reserved,
            max_response_time,
            ..
        } = self
        {
            fields.octets("reserved", reserved);
            fields.number("max_response_time", *max_response_time);
        }
        if let Self::Multicast { flags } | Self::Leave { flags, .. } = *self {
            fields.fields("flags", |fields| describe_flags(flags, fields));
        }
    }
}

/// An address of the family that its octets are enough for.
#[inline]
pub(super) fn address(octets: &[u8]) -> IpAddr {
    match octets.first_chunk::<16>() {
        Some(sixteen) => Ipv6Addr::from(*sixteen).into(),
        None => Ipv4Addr::from(octets.first_chunk::<4>().copied().unwrap_or_default()).into(),
    }
}

/// Octets of the gateway: those of an address of the family of the prefix.
fn gateway_octets(route: &EvpnRoute) -> usize {
    match route.prefix() {
        Some(ipnet::IpNet::V6(_)) => 16,
        _ => 4,
    }
}

/// Both readings of the field: a label, and a VNI (RFC 8365 §5.1.3).
fn describe_label(label: Label) -> Node {
    Node::fields(|fields| {
        fields.put("label", label.describe());
        fields.number("vni", label.raw());
    })
}

/// RFC 9251 §9.1: from the least significant bit, IGMP versions 1, 2 and 3, and whether the group is
/// of exclude type. For MLD the first two are versions 1 and 2.
fn describe_flags(flags: u8, fields: &mut Fields) {
    fields.number("value", flags);
    for (bit, name) in ["v1", "v2", "v3", "exclude"].into_iter().enumerate() {
        fields.flag(name, flags >> bit & 1 == 1);
    }
}
