//! Updates of IPv6, VPN and EVPN as the routers of a provider send them.
//!
//! IPv6 comes from an external peer. VPN and EVPN routes come from a route reflector: with LOCAL_PREF, ORIGINATOR_ID and CLUSTER_LIST,
//! short AS paths, route targets, and what their overlay needs besides: an SRv6 service SID for VPNv6 (RFC 9252), the encapsulation and
//! MAC mobility or the router's MAC address for EVPN (RFC 8365 §5.1.3, RFC 7432 §7.7, RFC 9135 §8.1). One message in ten withdraws.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::{
    Administrator, Announcement, Asn, AttrEditor, Community, Esi, EvpnDetail, EvpnRoute,
    ExtCommunity, Family, Label, MacAddr, MacMobility, NextHop, Nlri, Origin, PathId,
    RouteDistinguisher, RouterId, SidStructure, Srv6Sid, Vpn, encode_announce, encode_withdraw,
};
use bytes::BytesMut;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::{ENCODING, LOCAL_AS, PEER_AS};

/// What a made-up update carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// IPv6 unicast.
    Ipv6,
    /// VPNv4 over MPLS.
    Vpnv4,
    /// VPNv6 over SRv6.
    Vpnv6,
    /// EVPN MAC/IP Advertisement routes over VXLAN.
    EvpnMac,
    /// EVPN IP Prefix routes over VXLAN.
    EvpnPrefix,
}

impl Kind {
    /// The family.
    #[must_use]
    pub fn family(self) -> Family {
        match self {
            Self::Ipv6 => Family::IPV6_UNICAST,
            Self::Vpnv4 => Family::IPV4_VPN,
            Self::Vpnv6 => Family::IPV6_VPN,
            Self::EvpnMac | Self::EvpnPrefix => Family::L2VPN_EVPN,
        }
    }

    /// The AS that sends them.
    #[must_use]
    pub fn sender(self) -> Asn {
        if self == Self::Ipv6 {
            PEER_AS
        } else {
            LOCAL_AS
        }
    }

    /// So many UPDATEs, headers included.
    #[must_use]
    pub fn updates(self, messages: u32) -> Vec<BytesMut> {
        let mut editor = AttrEditor::new();
        let mut next = 0;
        (0..messages)
            .map(|message| {
                let first = next;
                next += sizes(message);
                self.attributes(&mut editor, message);
                let withdraws = message % 10 == 9;
                let of = |n| numbered(n, message);
                match self {
                    Self::Ipv6 => self.message(
                        &mut editor,
                        withdraws,
                        (first..next).map(|n| (PathId(0), v6(n), ())),
                    ),
                    Self::Vpnv4 => self.message(
                        &mut editor,
                        withdraws,
                        (first..next).map(|n| {
                            (
                                PathId(0),
                                Vpn {
                                    rd: rd(of(n)),
                                    prefix: v4(n),
                                },
                                label(of(n)),
                            )
                        }),
                    ),
                    Self::Vpnv6 => self.message(
                        &mut editor,
                        withdraws,
                        (first..next).map(|n| {
                            (
                                PathId(0),
                                Vpn {
                                    rd: rd(of(n)),
                                    prefix: v6(n),
                                },
                                label(of(n)),
                            )
                        }),
                    ),
                    Self::EvpnMac => self.message(
                        &mut editor,
                        withdraws,
                        (first..next).map(|n| {
                            let [.., a, b, c, d] = n.to_be_bytes();
                            let mac = MacAddr([2, 0, a, b, c, d]);
                            // A host tells its MAC address alone, and with its IPv4 or its IPv6 address.
                            let ip: Option<IpAddr> = match n % 3 {
                                0 => None,
                                1 => Some(Ipv4Addr::from(0x0a00_0000 | n).into()),
                                _ => Some(
                                    Ipv6Addr::from((0xfd00_u128 << 112) | u128::from(n)).into(),
                                ),
                            };
                            let detail = EvpnDetail::Mac {
                                esi: Esi([0; 10]),
                                label: Label::from_raw(10_000 + of(n)),
                                second: ip.map(|_| Label::from_raw(50_000 + of(n) / 8)),
                            };
                            (PathId(0), EvpnRoute::mac_ip(rd(of(n)), 0, mac, ip), detail)
                        }),
                    ),
                    Self::EvpnPrefix => self.message(
                        &mut editor,
                        withdraws,
                        (first..next).map(|n| {
                            let (prefix, gateway): (IpNet, IpAddr) = if n % 4 == 3 {
                                (v6(n).into(), Ipv6Addr::UNSPECIFIED.into())
                            } else {
                                (v4(n).into(), Ipv4Addr::UNSPECIFIED.into())
                            };
                            let detail = EvpnDetail::Prefix {
                                esi: Esi([0; 10]),
                                gateway,
                                label: Label::from_raw(50_000 + of(n)),
                            };
                            (
                                PathId(0),
                                EvpnRoute::ip_prefix(rd(of(n)), 0, prefix),
                                detail,
                            )
                        }),
                    ),
                }
            })
            .collect()
    }

    fn message<N: Nlri>(
        self,
        editor: &mut AttrEditor,
        withdraws: bool,
        routes: impl Iterator<Item = (PathId, N, N::Detail)>,
    ) -> BytesMut
    where
        (PathId, N, N::Detail): Announcement<Nlri = N>,
    {
        let routes: Vec<_> = routes.collect();
        let mut out = BytesMut::new();
        let family = self.family();
        let wrote = if withdraws {
            let keys: Vec<_> = routes.iter().map(|(id, nlri, _)| (*id, *nlri)).collect();
            encode_withdraw(&mut out, family, &ENCODING, &keys)
        } else {
            encode_announce(&mut out, family, &ENCODING, editor.finish(), &routes)
                .expect("attributes that fit a message")
        };
        assert_eq!(wrote, routes.len(), "all fit one message");
        out
    }

    /// The attributes of message number `n`.
    fn attributes(self, editor: &mut AttrEditor, n: u32) {
        let mixed = n.wrapping_mul(0x9e37_79b9);
        let far = |hop: u32| Asn(200_000 + mixed.rotate_left(hop * 5) % 60_000);
        editor.clear();
        editor.set_origin(if n.is_multiple_of(20) {
            Origin::Incomplete
        } else {
            Origin::Igp
        });
        if self == Self::Ipv6 {
            let mut path = vec![PEER_AS];
            path.extend((1..mixed % 5 + 2).map(far));
            editor.set_as_path(&path);
            editor.set_med((mixed % 10 < 3).then_some(mixed % 1000));
            editor.set_communities((0..mixed % 7).map(|n| Community(mixed.rotate_left(n * 3) | 1)));
            editor.set_next_hop(NextHop::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1)));
            return;
        }
        let edge = 1 + n % 200;
        editor.set_as_path(&(0..mixed % 4).map(far).collect::<Vec<_>>());
        editor.set_local_pref(Some(100));
        editor.set_med(mixed.is_multiple_of(2).then_some(0));
        editor.set_originator_id(Some(RouterId(0x0aff_0000 | edge)));
        editor.prepend_cluster_id(RouterId(0x0aff_fe01));
        let number = numbered(0, n);
        let target = |number| ExtCommunity::route_target(Administrator::As2(64_600, number));
        let mut communities = vec![target(1 + number)];
        if mixed.is_multiple_of(3) {
            communities.push(target(10_000 + number / 4));
        }
        let overlay = Ipv4Addr::from(0x0aff_0000 | edge);
        let underlay = Ipv6Addr::from((0xfc00_u128 << 112) | (u128::from(edge) << 80));
        editor.set_next_hop(match self {
            Self::Vpnv6 => NextHop::V6(underlay),
            _ => NextHop::V4(overlay),
        });
        match self {
            Self::Vpnv6 => editor.set_srv6_l3(Some(Srv6Sid {
                sid: underlay,
                behavior: 18, // End.DT6
                structure: Some(SidStructure {
                    locator_block: 32,
                    locator_node: 16,
                    function: 16,
                    argument: 0,
                    transposition_length: 16,
                    transposition_offset: 48,
                }),
            })),
            Self::EvpnMac => {
                communities.push(ExtCommunity::from_encapsulation(8));
                communities.push(target(20_000 + number / 8));
                if n.is_multiple_of(5) {
                    communities.push(ExtCommunity::from_mac_mobility(MacMobility {
                        sequence: 1 + n % 4,
                        sticky: false,
                    }));
                }
            }
            Self::EvpnPrefix => {
                let [.., a, b] = edge.to_be_bytes();
                communities.push(ExtCommunity::from_encapsulation(8));
                communities.push(ExtCommunity::from_router_mac(MacAddr([2, 0, 0, 0, a, b])));
            }
            _ => {}
        }
        editor.set_ext_communities(communities);
    }
}

/// How many routes are in message number `message`: about seven, many with one, some with dozens.
fn sizes(message: u32) -> u32 {
    match message.wrapping_mul(0x85eb_ca6b) >> 20 {
        of if of % 20 < 7 => 1,
        of if of % 20 < 12 => 2 + of % 3,
        of if of % 20 < 17 => 5 + of % 8,
        of => 13 + of % 28,
    }
}

/// Which of the VRFs route `n` of a message is in.
fn numbered(n: u32, message: u32) -> u32 {
    (message.wrapping_mul(7) + n / 1024) % 500
}

fn rd(vrf: u32) -> RouteDistinguisher {
    RouteDistinguisher::from_as(Asn(64_600), 1 + vrf).expect("an AS of two octets")
}

fn label(vrf: u32) -> Label {
    Label::new(16_000 + vrf)
}

fn v4(n: u32) -> Ipv4Net {
    let length = [24, 24, 24, 22, 32][n as usize % 5];
    Ipv4Net::new(Ipv4Addr::from(0x0b00_0000 | (n << 10)), length)
        .expect("a length")
        .trunc()
}

fn v6(n: u32) -> Ipv6Net {
    let length = [48, 48, 44, 64, 128][n as usize % 5];
    let address = (0x2a00_u128 << 112) | (u128::from(n) << 84) | 1;
    Ipv6Net::new(Ipv6Addr::from(address), length)
        .expect("a length")
        .trunc()
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::{AttrScratch, FamilySet, SessionContext, decode_update};
    use std::collections::BTreeSet;

    #[test]
    fn nothing_is_wrong_with_made_up_updates_and_no_route_comes_twice() {
        for kind in [
            Kind::Ipv6,
            Kind::Vpnv4,
            Kind::Vpnv6,
            Kind::EvpnMac,
            Kind::EvpnPrefix,
        ] {
            let session = SessionContext {
                families: FamilySet::supported(),
                ..SessionContext::new(LOCAL_AS, kind.sender())
            };
            let mut scratch = AttrScratch::new();
            let (mut count, mut seen) = (0, BTreeSet::new());
            for message in kind.updates(200) {
                let decoded = decode_update(&message[19..], &session, &mut scratch).expect("ours");
                assert!(decoded.findings.is_empty(), "{:?}", decoded.findings);
                let blocks = [
                    decoded.update.reach.map(|reach| reach.nlri),
                    decoded.update.unreach.map(|unreach| unreach.nlri),
                ];
                for block in blocks.into_iter().flatten() {
                    count += block.len();
                    seen.extend(block.to_string().split(' ').map(str::to_owned));
                }
            }
            assert!(count > 1000, "{kind:?}");
            assert_eq!(seen.len(), count, "{kind:?}");
        }
    }
}
