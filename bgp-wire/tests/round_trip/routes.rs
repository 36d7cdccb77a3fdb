//! Routes of every family, by chance.

use super::*;

pub(crate) fn prefix_v4() -> impl Strategy<Value = (PathId, Ipv4Net)> {
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

pub(crate) fn prefix_v6() -> impl Strategy<Value = (PathId, Ipv6Net)> {
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
pub(crate) fn plain<N: Nlri<Detail = ()>>(nlri: Vec<(PathId, N)>) -> Vec<(PathId, N, ())> {
    nlri.into_iter().map(|(id, net)| (id, net, ())).collect()
}

pub(crate) fn label() -> impl Strategy<Value = Label> {
    (0u32..1 << 24).prop_map(Label::from_raw)
}

pub(crate) fn rd() -> impl Strategy<Value = RouteDistinguisher> {
    any::<[u8; 8]>().prop_map(RouteDistinguisher)
}

pub(crate) fn membership() -> impl Strategy<Value = RouteTargetMembership> {
    let whole = (asn(), any::<[u8; 8]>())
        .prop_map(|(asn, target)| RouteTargetMembership::new(asn, ExtCommunity(target)));
    prop_oneof![Just(RouteTargetMembership::DEFAULT), whole]
}

pub(crate) fn address() -> impl Strategy<Value = IpAddr> {
    prop_oneof![
        any::<u32>().prop_map(|bits| IpAddr::from(Ipv4Addr::from(bits))),
        any::<u128>().prop_map(|bits| IpAddr::from(Ipv6Addr::from(bits))),
    ]
}

pub(crate) fn esi() -> impl Strategy<Value = Esi> {
    prop_oneof![Just(Esi::SINGLE_HOMED), any::<[u8; 10]>().prop_map(Esi)]
}

/// EVPN routes that a speaker originates, with what belongs to them.
pub(crate) fn evpn() -> impl Strategy<Value = (EvpnRoute, EvpnDetail)> {
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
pub(crate) fn any_route() -> impl Strategy<Value = (Family, Vec<u8>)> {
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
