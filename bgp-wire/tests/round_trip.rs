//! Laws of the codec: what is written is read back as it was, the canonical form is stable, and no
//! octets whatever can do harm.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::{
    AddPathMode, Aggregator, Asn, AttrCode, AttrEditor, AttrScratch, AttrSet, Capability,
    Community, Disposition, Encoding, Esi, EvpnDetail, EvpnRoute, ExtCommunity, Family, FamilySet,
    Form, Fqdn, GracefulRestart, HoldTime, Label, Labeled, LargeCommunity, LongLivedFamily,
    MacAddr, Message, NextHop, Nlri, Notification, Open, Origin, OwnedUpdate, PathId, PeerKind,
    RefreshSubtype, Role, RouteDistinguisher, RouteRefresh, RouteTargetMembership, RouterId,
    SegmentKind, SessionContext, Vpn, decode_update, encode_announce, encode_update,
    encode_withdraw, next_frame,
};
use bytes::{Bytes, BytesMut};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// A session on which everything that can be in a set is legal.
fn ctx(asn4: bool, add_path: bool) -> SessionContext {
    let all = FamilySet::supported();
    SessionContext {
        peer_kind: PeerKind::Internal,
        asn4,
        accept_as_set: true,
        families: all,
        add_path_receive: if add_path { all } else { FamilySet::EMPTY },
        extended_next_hop: all,
        ..SessionContext::new(Asn(65000), Asn(65000))
    }
}

fn asn() -> impl Strategy<Value = Asn> {
    prop_oneof![1u32..65536, 65536..u32::MAX].prop_map(Asn)
}

fn segments(confed: bool) -> impl Strategy<Value = Vec<(SegmentKind, Vec<Asn>)>> {
    let kinds = if confed {
        vec![
            SegmentKind::Sequence,
            SegmentKind::Set,
            SegmentKind::ConfedSequence,
            SegmentKind::ConfedSet,
        ]
    } else {
        vec![SegmentKind::Sequence, SegmentKind::Set]
    };
    vec((proptest::sample::select(kinds), vec(asn(), 1..6)), 0..4)
}

fn next_hop_v6() -> impl Strategy<Value = NextHop> {
    let global = (1u128..u128::MAX).prop_map(|bits| Ipv6Addr::from((bits >> 3) | (0x2 << 124)));
    let local = any::<u64>().prop_map(|bits| Ipv6Addr::from((0xfe80 << 112) | u128::from(bits)));
    prop_oneof![
        global.clone().prop_map(NextHop::V6),
        local.clone().prop_map(NextHop::V6),
        (global, local)
            .prop_map(|(global, link_local)| NextHop::V6LinkLocal { global, link_local }),
    ]
}

fn next_hop_v4() -> impl Strategy<Value = NextHop> {
    (0x0100_0000u32..0x7f00_0000).prop_map(|bits| NextHop::V4(Ipv4Addr::from(bits)))
}

/// A type, a length of so many octets, and a value.
fn tlv(kind: &[u8], length_octets: usize, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [kind, &length[2 - length_octets..], value].concat()
}

/// TLVs of any type but those, with a type of so many octets and a length of two.
fn tlvs(kind_octets: usize, but: &'static [u16]) -> impl Strategy<Value = Vec<u8>> {
    let kind = any::<u16>().prop_map(move |kind| if kind_octets == 1 { kind & 0xff } else { kind });
    let one = (kind, vec(any::<u8>(), 0..40))
        .prop_filter("is another type", |(kind, _)| !but.contains(kind));
    vec(one, 1..5).prop_map(move |all| {
        let each = all
            .iter()
            .map(|(kind, value)| tlv(&kind.to_be_bytes()[2 - kind_octets..], 2, value));
        each.collect::<Vec<_>>().concat()
    })
}

/// RFC 9252 §3.2.1: 128 bits at most, of which the function is transposed, if there is one.
fn sid_structure() -> impl Strategy<Value = [u8; 6]> {
    (0u8..41, 0u8..25, 0u8..33, 0u8..31).prop_map(|(block, node, function, argument)| {
        let offset = if function > 0 { block + node } else { 0 };
        [block, node, function, argument, function, offset]
    })
}

/// Values of the attributes of overlays and their like, as an internal peer could send them.
fn overlay() -> impl Strategy<Value = Vec<(AttrCode, Vec<u8>)>> {
    let pmsi =
        (any::<[u8; 4]>(), any::<[u8; 16]>(), any::<bool>()).prop_map(|(head, address, long)| {
            let [flags, label @ ..] = head;
            let address = if long { &address[..] } else { &address[..4] };
            [&[flags, 6][..], &label, address].concat()
        });
    // Sub-TLVs of types that have one octet of length, and those that have two.
    let sub_tlv = prop_oneof![
        (16u8..20, vec(any::<u8>(), 0..9)).prop_map(|(kind, value)| tlv(&[kind], 1, &value)),
        (140u8.., vec(any::<u8>(), 0..9)).prop_map(|(kind, value)| tlv(&[kind], 2, &value)),
        any::<[u8; 12]>().prop_map(|value| tlv(&[1], 1, &value)),
        any::<u32>().prop_map(|bits| {
            let [_, b, c, d] = bits.to_be_bytes();
            tlv(&[6], 1, &[0, 0, 0, 0, 0, 1, 10, b, c, d])
        }),
        any::<[u8; 6]>().prop_map(|value| tlv(&[12], 1, &value)),
        any::<[u8; 6]>()
            .prop_map(|label| { tlv(&[128], 2, &[&[0][..], &tlv(&[1], 1, &label)].concat()) }),
    ];
    let tunnels = vec((any::<u16>(), vec(sub_tlv, 0..4)), 1..4).prop_map(|tunnels| {
        let each = tunnels
            .iter()
            .map(|(kind, inner)| tlv(&kind.to_be_bytes(), 2, &inner.concat()));
        each.collect::<Vec<_>>().concat()
    });
    let ipv6 = vec(any::<[u8; 20]>(), 1..4).prop_map(|items| items.concat());
    let aigp = any::<[u8; 8]>().prop_map(|metric| [&[1, 0, 11][..], &metric].concat());
    let bfd = (any::<[u8; 5]>(), any::<[u8; 4]>())
        .prop_map(|(head, address)| [&head[..], &tlv(&[1], 1, &address)].concat());
    let service =
        (any::<[u8; 21]>(), sid_structure(), 5u8..7).prop_map(|(fixed, structure, kind)| {
            let information = [&fixed[..], &tlv(&[1], 2, &structure)].concat();
            tlv(
                &[kind],
                2,
                &[&[0][..], &tlv(&[1], 2, &information)].concat(),
            )
        });
    let prefix_sid =
        (service, tlvs(1, &[1, 3, 5, 6])).prop_map(|(one, other)| [one, other].concat());
    let attr_set = (any::<u32>(), 0u8..3).prop_map(|(asn, origin)| {
        [&asn.to_be_bytes()[..], &[0x40, 1, 1, origin, 0xc0, 99, 0]].concat()
    });
    // What is not registered, a node's name and its address.
    let link_state = (tlvs(2, &[]), vec(any::<u8>(), 0..30), any::<[u8; 4]>()).prop_map(
        |(mut other, name, address)| {
            other[0] |= 0x80;
            let length = 4 + usize::from(u16::from_be_bytes([other[2], other[3]]));
            other.truncate(length);
            [tlv(&[4, 2], 2, &name), tlv(&[4, 4], 2, &address), other].concat()
        },
    );
    let values = (
        option::of(pmsi),
        option::of(tunnels),
        option::of(vec(any::<u8>(), 36..50)),
        option::of(ipv6),
        option::of(aigp),
        option::of(link_state),
        option::of(any::<[u8; 4]>()),
        option::of(bfd),
        option::of(prefix_sid),
        option::of(attr_set),
    );
    values.prop_map(|(pmsi, tunnels, te, ipv6, aigp, ls, otc, bfd, sid, set)| {
        let all = [
            (AttrCode::PMSI_TUNNEL, pmsi),
            (AttrCode::TUNNEL_ENCAPSULATION, tunnels),
            (AttrCode::TRAFFIC_ENGINEERING, te),
            (AttrCode::IPV6_EXT_COMMUNITIES, ipv6),
            (AttrCode::AIGP, aigp),
            (AttrCode::LINK_STATE, ls),
            (AttrCode::ONLY_TO_CUSTOMER, otc.map(|four| four.to_vec())),
            (AttrCode::BFD_DISCRIMINATOR, bfd),
            (AttrCode::PREFIX_SID, sid),
            (AttrCode::ATTR_SET, set),
        ];
        all.into_iter()
            .filter_map(|(code, value)| Some((code, value?)))
            .collect()
    })
}

/// Everything a set can hold but the next hop.
fn attributes(confed: bool) -> impl Strategy<Value = AttrEditor> {
    let numbers = (
        0u8..3,
        option::of(any::<u32>()),
        any::<u32>(),
        any::<bool>(),
        option::of((asn(), any::<u32>())),
    );
    let communities = (
        vec(any::<u32>(), 0..80),
        vec(any::<[u8; 8]>(), 0..6),
        vec(any::<(u32, u32, u32)>(), 0..30),
    );
    let rest = (
        option::of(any::<u32>()),
        vec(any::<u32>(), 0..5),
        vec((33u8..255, vec(any::<u8>(), 0..300)), 0..3),
    );
    (numbers, segments(confed), communities, rest, overlay()).prop_map(
        |(
            (origin, med, local_pref, atomic, aggregator),
            path,
            (plain, extended, large),
            (originator, clusters, unknown),
            overlay,
        )| {
            let mut editor = AttrEditor::new();
            editor.set_origin(Origin::from_u8(origin).unwrap());
            editor.set_med(med);
            editor.set_local_pref(Some(local_pref));
            editor.set_atomic_aggregate(atomic);
            editor.set_aggregator(aggregator.map(|(asn, address)| Aggregator {
                asn,
                address: address.into(),
            }));
            let path: Vec<_> = path.iter().map(|(kind, asns)| (*kind, &asns[..])).collect();
            editor.set_as_path_segments(&path);
            plain
                .into_iter()
                .for_each(|one| editor.add_community(Community(one)));
            editor.set_ext_communities(extended.into_iter().map(ExtCommunity));
            editor.set_large_communities(large.into_iter().map(|(global, data1, data2)| {
                LargeCommunity {
                    global,
                    data1,
                    data2,
                }
            }));
            editor.set_originator_id(originator.map(RouterId));
            clusters
                .into_iter()
                .for_each(|one| editor.prepend_cluster_id(RouterId(one)));
            for (code, value) in unknown {
                editor.set_unknown(AttrCode(code), 0xe0, &value);
            }
            for (code, value) in overlay {
                assert_eq!(editor.set_value(code, &value), Ok(()), "{code} {value:?}");
            }
            editor
        },
    )
}

fn prefix_v4() -> impl Strategy<Value = (PathId, Ipv4Net)> {
    (any::<u32>(), any::<u32>(), 0u8..=32)
        .prop_map(|(id, bits, len)| (PathId(id), Ipv4Net::new(bits.into(), len).unwrap().trunc()))
        .prop_map(|(id, net)| {
            (
                id,
                if net.is_usable() {
                    net
                } else {
                    "10.0.0.0/8".parse().unwrap()
                },
            )
        })
}

fn prefix_v6() -> impl Strategy<Value = (PathId, Ipv6Net)> {
    (any::<u32>(), any::<u128>(), 0u8..=128)
        .prop_map(|(id, bits, len)| (PathId(id), Ipv6Net::new(bits.into(), len).unwrap().trunc()))
        .prop_map(|(id, net)| {
            (
                id,
                if net.is_usable() {
                    net
                } else {
                    "2001:db8::/32".parse().unwrap()
                },
            )
        })
}

/// Prefixes as they are announced where the family has no detail.
fn plain<N: Nlri<Detail = ()>>(nlri: Vec<(PathId, N)>) -> Vec<(PathId, N, ())> {
    nlri.into_iter().map(|(id, net)| (id, net, ())).collect()
}

fn label() -> impl Strategy<Value = Label> {
    (0u32..1 << 24).prop_map(Label::from_raw)
}

fn rd() -> impl Strategy<Value = RouteDistinguisher> {
    any::<[u8; 8]>().prop_map(RouteDistinguisher)
}

fn membership() -> impl Strategy<Value = RouteTargetMembership> {
    let whole = (asn(), any::<[u8; 8]>())
        .prop_map(|(asn, target)| RouteTargetMembership::new(asn, ExtCommunity(target)));
    prop_oneof![Just(RouteTargetMembership::DEFAULT), whole]
}

fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::from(Ipv4Addr::from(bits))),
        any::<u128>().prop_map(|bits| IpAddr::from(Ipv6Addr::from(bits))),
    ]
}

fn esi() -> impl Strategy<Value = Esi> {
    prop_oneof![Just(Esi::SINGLE_HOMED), any::<[u8; 10]>().prop_map(Esi)]
}

/// EVPN routes that a speaker originates, with what belongs to them.
fn evpn() -> impl Strategy<Value = (EvpnRoute, EvpnDetail)> {
    let discovery = (rd(), esi(), any::<u32>(), label()).prop_map(|(rd, esi, tag, label)| {
        let route = EvpnRoute::ethernet_auto_discovery(rd, esi, tag);
        (route, EvpnDetail::AutoDiscovery { label })
    });
    let mac = (any::<[u8; 6]>(), option::of(address()));
    let labels = (label(), option::of(label()));
    let mac_ip = (rd(), any::<u32>(), mac, esi(), labels).prop_map(
        |(rd, tag, (mac, ip), esi, (label, second))| {
            let route = EvpnRoute::mac_ip(rd, tag, MacAddr(mac), ip);
            (route, EvpnDetail::Mac { esi, label, second })
        },
    );
    let multicast = (rd(), any::<u32>(), address()).prop_map(|(rd, tag, originator)| {
        let route = EvpnRoute::inclusive_multicast(rd, tag, originator);
        (route, EvpnDetail::Nothing)
    });
    let segment = (rd(), esi(), address()).prop_map(|(rd, esi, originator)| {
        let route = EvpnRoute::ethernet_segment(rd, esi, originator);
        (route, EvpnDetail::Nothing)
    });
    // RFC 9136 §3.2: not both an Ethernet segment and a gateway.
    let prefix = (
        rd(),
        any::<u32>(),
        address(),
        any::<u8>(),
        esi(),
        label(),
        any::<u128>(),
    )
        .prop_map(|(rd, tag, address, bits, esi, label, gateway)| {
            let gateway = if esi == Esi::SINGLE_HOMED { gateway } else { 0 };
            let (max, gateway) = match address {
                IpAddr::V4(_) => (32, IpAddr::from(Ipv4Addr::from(gateway as u32))),
                IpAddr::V6(_) => (128, IpAddr::from(Ipv6Addr::from(gateway))),
            };
            let prefix = IpNet::new(address, bits % (max + 1)).unwrap();
            let route = EvpnRoute::ip_prefix(rd, tag, prefix);
            (
                route,
                EvpnDetail::Prefix {
                    esi,
                    gateway,
                    label,
                },
            )
        });
    prop_oneof![discovery, mac_ip, multicast, segment, prefix]
}

/// A route of each family, good as it is.
fn any_route() -> impl Strategy<Value = (Family, Vec<u8>)> {
    let rd = [0, 0, 0xfd, 0xe8, 0, 0, 0, 100];
    let labeled = [56, 0, 6, 0x41, 10, 1, 2, 0];
    let vpn = [&[112, 0, 6, 0x41][..], &rd, &[10, 1, 2]].concat();
    let mac_ip = [
        &[2, 37][..],
        &rd,
        &[9; 10],
        &[
            0, 0, 0, 7, 48, 0, 1, 2, 3, 4, 5, 32, 10, 0, 0, 1, 0, 3, 0xe8,
        ],
    ]
    .concat();
    let prefix = [
        &[5, 34][..],
        &rd,
        &[0; 10],
        &[0, 0, 0, 7, 24, 10, 1, 2, 0, 10, 0, 0, 254, 0, 2, 0x58],
    ]
    .concat();
    let multicast = [
        &[6, 28][..],
        &rd,
        &[
            0, 0, 0, 7, 32, 10, 0, 0, 5, 32, 239, 1, 1, 1, 32, 10, 0, 0, 1, 4,
        ],
    ]
    .concat();
    let flow = vec![
        18, 1, 24, 192, 0, 2, 2, 24, 203, 0, 113, 4, 3, 0x89, 0x45, 0x8b, 0x91, 0x1f, 0x90,
    ];
    let flow_v6 = vec![
        18, 1, 0x68, 0x40, 0x12, 0x34, 0x56, 0x78, 0x9a, 2, 0x20, 0, 0x20, 1, 0xd, 0xb8, 3, 0x81, 6,
    ];
    let flow_vpn = [&[19][..], &rd, &[1, 24, 10, 0, 0, 9, 0x81, 2, 12, 0x80, 5]].concat();
    let link = [
        &[0, 2, 0, 55, 3, 0, 0, 0, 0, 0, 0, 0, 7][..],
        &[
            1, 0, 0, 16, 2, 0, 0, 4, 0, 0, 0xfd, 0xe8, 2, 3, 0, 4, 10, 0, 0, 1,
        ],
        &[1, 1, 0, 8, 2, 3, 0, 4, 10, 0, 0, 2],
        &[1, 3, 0, 4, 10, 1, 0, 1, 1, 7, 0, 2, 0, 2],
    ]
    .concat();
    let link_vpn = [
        &[0, 3, 0, 34][..],
        &rd,
        &link[4..13],
        &[1, 0, 0, 8, 2, 3, 0, 4, 10, 0, 0, 1, 1, 9, 0, 1, 0],
    ]
    .concat();
    let mvpn = [
        &[3, 22][..],
        &rd,
        &[32, 10, 0, 0, 5, 32, 239, 1, 1, 1, 192, 0, 2, 1],
    ]
    .concat();
    let vpls = [&[0, 17][..], &rd, &[0, 1, 0, 0, 0, 8, 0xc3, 0x50, 1]].concat();
    let policy = vec![96, 0, 0, 0, 1, 0, 0, 0, 100, 192, 0, 2, 1];
    let target = vec![96, 0, 0, 0xfd, 0xe8, 0, 2, 0xfd, 0xe8, 0, 0, 0, 100];
    proptest::sample::select(vec![
        (Family::IPV4_UNICAST, vec![24, 10, 1, 2]),
        (Family::IPV6_UNICAST, vec![32, 0x20, 1, 0xd, 0xb8]),
        (Family::IPV4_LABELED, labeled.to_vec()),
        (Family::IPV6_LABELED, labeled.to_vec()),
        (Family::IPV4_VPN, vpn.clone()),
        (Family::IPV6_VPN, vpn),
        (Family::L2VPN_EVPN, mac_ip),
        (Family::L2VPN_EVPN, prefix),
        (Family::L2VPN_EVPN, multicast),
        (Family::RTC, target),
        (Family::IPV4_FLOWSPEC, flow),
        (Family::IPV6_FLOWSPEC, flow_v6),
        (Family::IPV4_FLOWSPEC_VPN, flow_vpn),
        (Family::IPV4_SR_POLICY, policy),
        (Family::LINK_STATE, link),
        (Family::LINK_STATE_VPN, link_vpn),
        (Family::IPV4_MVPN, mvpn),
        (Family::L2VPN_VPLS, vpls),
    ])
}

/// The body of an UPDATE with this NLRI in MP_REACH_NLRI or MP_UNREACH_NLRI.
fn mp_body(family: Family, nlri: &[u8], withdraw: bool) -> Vec<u8> {
    let hop: &[u8] = match (family.safi, family.afi) {
        (133 | 134, _) => &[],
        (128, 1) | (72, _) => &[0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1],
        (128, _) => &[
            0, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        ],
        (_, 2) => &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        _ => &[192, 0, 2, 1],
    };
    let mut value = [&family.afi.to_be_bytes()[..], &[family.safi]].concat();
    if !withdraw {
        value.push(hop.len() as u8);
        value.extend(hop);
        value.push(0);
    }
    value.extend(nlri);
    let mut attributes = vec![0x80, if withdraw { 15 } else { 14 }, value.len() as u8];
    attributes.extend(value);
    if !withdraw {
        attributes.extend([0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 5, 4, 0, 0, 0, 100]);
    }
    [&[0, 0, 0, attributes.len() as u8][..], &attributes].concat()
}

/// Announces all of `nlri` in as many messages as it takes, and reads them back.
fn announce_and_read<N: Nlri>(
    family: Family,
    enc: &Encoding,
    attrs: &AttrSet,
    nlri: &[(PathId, N, N::Detail)],
) -> Result<(), TestCaseError> {
    let ctx = ctx(enc.asn4, enc.add_path);
    let mut scratch = AttrScratch::new();
    let mut rest = nlri;
    while !rest.is_empty() {
        let mut out = BytesMut::new();
        let count = match encode_announce(&mut out, family, enc, attrs.as_ref(), rest) {
            Ok(count) => count,
            Err(error) => {
                prop_assert!(out.is_empty(), "nothing is appended on error");
                prop_assert!(
                    attrs.as_ref().as_bytes().len() > enc.max_message / 2,
                    "{error}"
                );
                return Ok(());
            }
        };
        prop_assert!(out.len() <= enc.max_message && count >= 1);
        let (now, later) = rest.split_at(count);
        if let Some((_, next, detail)) = later.first() {
            let more = next.wire_len(detail) + if enc.add_path { 4 } else { 0 };
            prop_assert!(out.len() + more > enc.max_message, "the message is full");
        }
        let (frame, used) = next_frame(&out, enc.max_message).unwrap().unwrap();
        prop_assert_eq!(used, out.len());
        let decoded = decode_update(frame.body, &ctx, &mut scratch).unwrap();
        prop_assert_eq!(decoded.disposition, Disposition::None);
        prop_assert!(decoded.findings.is_empty(), "{:?}", decoded.findings);
        let block = decoded
            .update
            .reach
            .map_or(decoded.update.announced, |reach| reach.nlri);
        let read: Vec<(PathId, N, N::Detail)> = block.iter().collect();
        let sent: Vec<(PathId, N, N::Detail)> = now
            .iter()
            .map(|(id, net, detail)| {
                let id = if enc.add_path { *id } else { PathId(0) };
                (id, *net, *detail)
            })
            .collect();
        prop_assert_eq!(read, sent);
        prop_assert_eq!(
            decoded.update.mp_attrs.unwrap_or(decoded.update.attrs),
            attrs.as_ref()
        );
        rest = later;
    }
    Ok(())
}

fn capability() -> impl Strategy<Value = Capability> {
    let family = prop_oneof![
        Just(Family::IPV4_UNICAST),
        Just(Family::L2VPN_EVPN),
        any::<(u16, u8)>().prop_map(|(afi, safi)| Family::new(afi, safi)),
    ];
    let mode = proptest::sample::select(vec![
        AddPathMode::Receive,
        AddPathMode::Send,
        AddPathMode::Both,
    ]);
    let restart = (
        any::<bool>(),
        any::<bool>(),
        0u16..4096,
        vec((family.clone(), any::<bool>()), 0..4),
    )
        .prop_map(|(restarting, notification, restart_time, families)| {
            Capability::GracefulRestart(GracefulRestart {
                restarting,
                notification,
                restart_time,
                families,
            })
        });
    let long_lived = (family.clone(), any::<bool>(), 0u32..1 << 24).prop_map(
        |(family, forwarding, stale_time)| LongLivedFamily {
            family,
            forwarding,
            stale_time,
        },
    );
    prop_oneof![
        family.clone().prop_map(Capability::Multiprotocol),
        Just(Capability::RouteRefresh),
        Just(Capability::EnhancedRouteRefresh),
        Just(Capability::ExtendedMessage),
        vec((family.clone(), any::<u16>()), 0..4).prop_map(Capability::ExtendedNextHop),
        restart,
        vec((family.clone(), mode), 0..4).prop_map(Capability::AddPath),
        vec((family, any::<u8>()), 0..4).prop_map(Capability::MultipleLabels),
        any::<u8>().prop_map(|role| Capability::Role(Role(role))),
        vec(long_lived, 0..4).prop_map(Capability::LongLivedGracefulRestart),
        ("[a-z0-9.]{0,40}", "[a-z0-9.]{0,40}")
            .prop_map(|(hostname, domain)| Capability::Fqdn(Fqdn { hostname, domain })),
        "[ -~]{1,60}".prop_map(Capability::SoftwareVersion),
        (130u8..=255, vec(any::<u8>(), 0..60)).prop_map(|(code, value)| Capability::Unknown {
            code,
            value: value.into()
        }),
    ]
}

proptest! {
    // What fails once is kept beside this file and tried first from then on.
    #![proptest_config(ProptestConfig::with_failure_persistence(
        FileFailurePersistence::WithSource("regressions")
    ))]

    #[test]
    fn ipv4_announcements(mut editor in attributes(true), hop in next_hop_v4(), nlri in vec(prefix_v4(), 1..200),
                          add_path: bool, extended: bool) {
        editor.set_next_hop(hop);
        let max_message = if extended { 65535 } else { 4096 };
        let enc = Encoding { add_path, max_message, ..Encoding::default() };
        announce_and_read(Family::IPV4_UNICAST, &enc, &editor.to_set(), &plain(nlri))?;
    }

    #[test]
    fn ipv4_announcements_through_mp_reach(mut editor in attributes(true), hop in prop_oneof![next_hop_v4(), next_hop_v6()],
                                           nlri in vec(prefix_v4(), 1..200), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, mp_ipv4: true, ..Encoding::default() };
        announce_and_read(Family::IPV4_UNICAST, &enc, &editor.to_set(), &plain(nlri))?;
    }

    #[test]
    fn ipv6_announcements(mut editor in attributes(true), hop in next_hop_v6(), nlri in vec(prefix_v6(), 1..400), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        announce_and_read(Family::IPV6_UNICAST, &enc, &editor.to_set(), &plain(nlri))?;
    }

    /// RFC 4364 §4.3.2, RFC 8950 §4: next hops of either kind, behind a route distinguisher.
    #[test]
    fn vpnv4_announcements(mut editor in attributes(true), hop in prop_oneof![next_hop_v4(), next_hop_v6()],
                           nlri in vec((prefix_v4(), rd(), label()), 1..200), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        let nlri: Vec<_> = nlri.into_iter().map(|((id, prefix), rd, label)| (id, Vpn { rd, prefix }, label)).collect();
        announce_and_read(Family::IPV4_VPN, &enc, &editor.to_set(), &nlri)?;
    }

    /// RFC 4659 §3.2.1.1, §3.2.1.2: an IPv4 next hop goes as an IPv4-mapped one.
    #[test]
    fn vpnv6_announcements(mut editor in attributes(true), hop in prop_oneof![next_hop_v4(), next_hop_v6()],
                           nlri in vec((prefix_v6(), rd(), label()), 1..200), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        let nlri: Vec<_> = nlri.into_iter().map(|((id, prefix), rd, label)| (id, Vpn { rd, prefix }, label)).collect();
        announce_and_read(Family::IPV6_VPN, &enc, &editor.to_set(), &nlri)?;
    }

    #[test]
    fn labelled_announcements(mut editor in attributes(true), hop in next_hop_v6(),
                              v4 in vec((prefix_v4(), label()), 1..50), v6 in vec((prefix_v6(), label()), 1..50), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        let v4: Vec<_> = v4.into_iter().map(|((id, prefix), label)| (id, Labeled(prefix), label)).collect();
        announce_and_read(Family::IPV4_LABELED, &enc, &editor.to_set(), &v4)?;
        let v6: Vec<_> = v6.into_iter().map(|((id, prefix), label)| (id, Labeled(prefix), label)).collect();
        announce_and_read(Family::IPV6_LABELED, &enc, &editor.to_set(), &v6)?;
    }

    #[test]
    fn memberships(mut editor in attributes(true), hop in prop_oneof![next_hop_v4(), next_hop_v6()],
                   nlri in vec((any::<u32>(), membership()), 1..50), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        let nlri: Vec<_> = nlri.into_iter().map(|(id, one)| (PathId(id), one, ())).collect();
        announce_and_read(Family::RTC, &enc, &editor.to_set(), &nlri)?;
    }

    #[test]
    fn evpn_announcements(mut editor in attributes(true), hop in prop_oneof![next_hop_v4(), next_hop_v6()],
                          nlri in vec((any::<u32>(), evpn()), 1..150), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        let nlri: Vec<_> = nlri.into_iter().map(|(id, (route, detail))| (PathId(id), route, detail)).collect();
        announce_and_read(Family::L2VPN_EVPN, &enc, &editor.to_set(), &nlri)?;
    }

    #[test]
    fn evpn_routes_are_read_from_their_texts((route, _) in evpn()) {
        prop_assert_eq!(route.to_string().parse(), Ok(route));
    }

    /// Whatever the octets of routes of a known type: those that are read are written as they were,
    /// but for bits of a prefix beyond its length, and so is their text.
    #[test]
    fn evpn_octets(kind in 0u8..13, length in proptest::sample::select(vec![17u8, 20, 23, 25, 29, 33, 34, 36, 40, 52, 58]),
                   bits in proptest::sample::select(vec![0u8, 32, 48, 128, 33]), value in vec(any::<u8>(), 60)) {
        let mut value = value[..usize::from(length)].to_vec();
        for place in [12, 18, 22, 29] {
            if let Some(octet) = value.get_mut(place) { *octet = if kind == 2 && place == 22 { 48 } else { bits }; }
        }
        let bytes = [&[kind, length], &value[..]].concat();
        let mut rest = &bytes[..];
        let read = EvpnRoute::decode(&mut rest, Form::default(), PathId(7));
        prop_assert!(rest.is_empty());
        let Some((id, route, detail)) = read else { return Ok(()) };
        prop_assert_eq!(id, PathId(7));
        prop_assert_eq!(route.to_string().parse(), Ok(route));
        let mut out = Vec::new();
        route.encode(&detail, &mut out);
        let again = EvpnRoute::decode(&mut &out[..], Form::default(), id);
        prop_assert_eq!(again.map(|(_, route, _)| route), Some(route));
        // Of one that ends as none of its type does, the key alone is read.
        if out.len() != bytes.len() {
            prop_assert_eq!(detail, EvpnRoute::withdrawn());
            return Ok(());
        }
        if route.prefix().is_none() { prop_assert_eq!(&out, &bytes); }
        prop_assert_eq!(again, Some((id, route, detail)));
    }

    /// RFC 6793: nothing is lost on the way through a speaker of two-octet AS numbers.
    #[test]
    fn announcements_with_two_octets_for_each_as(mut editor in attributes(false), hop in next_hop_v4(), nlri in vec(prefix_v4(), 1..20)) {
        editor.set_next_hop(hop);
        let enc = Encoding { asn4: false, ..Encoding::default() };
        announce_and_read(Family::IPV4_UNICAST, &enc, &editor.to_set(), &plain(nlri))?;
    }

    #[test]
    fn withdrawals(v4 in vec(prefix_v4(), 1..2000), v6 in vec(prefix_v6(), 1..800), add_path: bool, mp_ipv4: bool) {
        let enc = Encoding { add_path, mp_ipv4, ..Encoding::default() };
        let ctx = ctx(true, add_path);
        let mut scratch = AttrScratch::new();
        let mut read = Vec::new();
        let mut rest = &v4[..];
        while !rest.is_empty() {
            let mut out = BytesMut::new();
            let count = encode_withdraw(&mut out, Family::IPV4_UNICAST, &enc, rest);
            prop_assert!(count >= 1 && out.len() <= 4096);
            let decoded = decode_update(&out[19..], &ctx, &mut scratch).unwrap();
            prop_assert_eq!(decoded.disposition, Disposition::None);
            prop_assert_eq!(decoded.update.end_of_rib, None);
            read.extend(decoded.update.unreach.map_or(decoded.update.withdrawn, |unreach| unreach.nlri).iter_v4());
            rest = &rest[count..];
        }
        prop_assert!(read.iter().map(|(_, net)| net).eq(v4.iter().map(|(_, net)| net)));
        let mut out = BytesMut::new();
        let count = encode_withdraw(&mut out, Family::IPV6_UNICAST, &enc, &v6);
        let decoded = decode_update(&out[19..], &ctx, &mut scratch).unwrap();
        let read: Vec<_> = decoded.update.unreach.unwrap().nlri.iter_v6().map(|(_, net)| net).collect();
        prop_assert!(read.into_iter().eq(v6[..count].iter().map(|(_, net)| *net)));
    }

    #[test]
    fn opens(asn in asn(), hold in any::<u16>(), id in 1u32.., capabilities in vec(capability(), 0..40)) {
        prop_assume!(asn != Asn::TRANS);
        let open = Open::new(asn, HoldTime::new(hold).unwrap_or_default(), RouterId(id), capabilities);
        let mut out = BytesMut::new();
        open.encode(&mut out).unwrap();
        let (frame, _) = next_frame(&out, 4096).unwrap().unwrap();
        prop_assert_eq!(Open::decode(frame.body).unwrap(), open);
    }

    #[test]
    fn notifications_and_refreshes(code: u8, subcode: u8, data in vec(any::<u8>(), 0..300), afi: u16, safi: u8, kind: u8) {
        let ctx = ctx(true, false);
        // RFC 7313 §5: nothing may be behind the markers.
        let filters = if matches!(kind, 1 | 2) { &[][..] } else { data.get(..40).unwrap_or(&[]) };
        for message in [
            Message::Notification(Notification::new(code, subcode, Bytes::copy_from_slice(&data))),
            Message::RouteRefresh(RouteRefresh { family: Family::new(afi, safi), subtype: RefreshSubtype::from_u8(kind) }, filters),
            Message::Keepalive,
        ] {
            let (mut out, mut scratch) = (BytesMut::new(), AttrScratch::new());
            message.encode(&mut out, &Encoding::default()).unwrap();
            let (frame, _) = next_frame(&out, 4096).unwrap().unwrap();
            let read = Message::decode(frame, &ctx, &mut scratch).unwrap();
            prop_assert!(!read.to_string().chars().any(char::is_control));
            prop_assert_eq!(read, message);
        }
    }

    /// A set that was read once is the same set when it is written and read again, however odd the
    /// octets it came from.
    #[test]
    fn the_canonical_form_is_a_fixed_point(
        parts in vec((prop_oneof![Just(0x40u8), Just(0xc0), Just(0x80), Just(0xe0), Just(0x50)],
                      prop_oneof![1u8..12, 14u8..19, 22u8..30, Just(32), Just(35), Just(38), Just(40), Just(99), Just(128)],
                      prop_oneof![vec(any::<u8>(), 0..9), vec(0u8..3, 0..16), vec(0u8..9, 0..60), Just(vec![2, 1, 0, 0, 0, 9]), Just(vec![0])]), 0..9),
        asn4: bool,
    ) {
        let ctx = ctx(asn4, false);
        let mut body = vec![0, 0, 0, 0];
        for (flags, code, value) in parts {
            body.extend([flags, code]);
            if flags & 0x10 != 0 { body.push(0); }
            body.push(value.len() as u8);
            body.extend(value);
        }
        let length = (body.len() - 4) as u16;
        body[2..4].copy_from_slice(&length.to_be_bytes());
        body.extend([8, 10]);
        let (mut first, mut second) = (AttrScratch::new(), AttrScratch::new());
        let Ok(decoded) = decode_update(&body, &ctx, &mut first) else { return Ok(()) };
        let attrs = decoded.update.attrs;
        if attrs.next_hop().is_none() { return Ok(()); }
        let mut out = BytesMut::new();
        encode_update(&mut out, &decoded.update, &Encoding::default()).unwrap();
        let again = decode_update(&out[19..], &SessionContext { asn4: true, ..ctx }, &mut second).unwrap();
        prop_assert_eq!(again.update.attrs, attrs);
        prop_assert!(again.findings.iter().all(|finding| finding.error.reason == bgp_wire::Reason::Missing
            || finding.disposition == Disposition::None));
        // And an editor that touches nothing changes nothing.
        let editor = AttrEditor::from(attrs);
        prop_assert_eq!(editor.get(), attrs);
    }

    #[test]
    fn octets_whatever_do_no_harm(bytes in vec(any::<u8>(), 0..200), asn4: bool, add_path: bool) {
        let ctx = ctx(asn4, add_path);
        let mut scratch = AttrScratch::new();
        let _ = Open::decode(&bytes);
        let _ = RouteRefresh::decode(&bytes);
        let _ = Notification::decode(&bytes).map(|notification| notification.to_string());
        let _ = next_frame(&bytes, 4096);
        if let Ok(decoded) = decode_update(&bytes, &ctx, &mut scratch) {
            let _ = (decoded.update.to_string(), decoded.update.describe());
            let owned = OwnedUpdate::from(&decoded.update);
            prop_assert_eq!(owned.get(), decoded.update);
        }
    }

    /// Whatever is made of a route of any family: what is counted is described and shown, and
    /// written as it came.
    #[test]
    fn blocks_of_every_family((family, route) in any_route(), changes in vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
                              add_path: bool, withdraw: bool) {
        let mut route = route;
        let good = changes.is_empty();
        for (place, octet) in changes {
            let place = place.index(route.len());
            route[place] = octet;
        }
        let id: &[u8] = if add_path { &[0, 0, 0, 9] } else { &[] };
        let nlri = [id, &route, id, &route].concat();
        let body = mp_body(family, &nlri, withdraw);
        let ctx = ctx(true, add_path);
        let (mut first, mut second) = (AttrScratch::new(), AttrScratch::new());
        let Ok(decoded) = decode_update(&body, &ctx, &mut first) else { return Ok(()) };
        let update = decoded.update;
        let Some(block) = update.reach.map(|reach| reach.nlri).or_else(|| update.unreach.map(|unreach| unreach.nlri)) else {
            return Err(TestCaseError::fail("there is a block"));
        };
        prop_assert!(!good || block.len() == 2, "{block:?}");
        prop_assert_eq!(block.describe().len(), block.len());
        prop_assert!(!block.to_string().chars().any(char::is_control));
        // What is passed over is told; and what is told without consequences is passed over, or a withdrawal whose key is enough.
        let told = !decoded.findings.is_empty() && decoded.disposition == Disposition::None;
        prop_assert!(block.ignored() == 0 || told, "{:?}", decoded.findings);
        prop_assert!(withdraw || !told || block.ignored() > 0, "{:?}", decoded.findings);
        let mut out = BytesMut::new();
        encode_update(&mut out, &update, &Encoding::default()).unwrap();
        let again = decode_update(&out[19..], &ctx, &mut second).unwrap();
        prop_assert_eq!(again.update, update);
        let owned = OwnedUpdate::from(&update);
        prop_assert_eq!(owned.get(), update);
    }

    /// The number of NLRI is what iteration gives, and every one of them is usable and without bits
    /// beyond its length.
    #[test]
    fn blocks_count_what_they_give(nlri in vec(any::<u8>(), 0..120)) {
        let ctx = ctx(true, false);
        let mut body = (nlri.len() as u16).to_be_bytes().to_vec();
        body.extend(&nlri);
        body.extend([0, 0]);
        let mut scratch = AttrScratch::new();
        if let Ok(decoded) = decode_update(&body, &ctx, &mut scratch) {
            let block = decoded.update.withdrawn;
            prop_assert_eq!(block.iter_v4().count(), block.len());
            for (_, net) in block.iter_v4() {
                prop_assert_eq!(net.trunc(), net);
                prop_assert!(net.is_usable());
            }
        }
    }
}
