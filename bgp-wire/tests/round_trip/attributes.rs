//! Attributes that a session can carry, by chance.

use super::*;

pub(crate) fn asn() -> impl Strategy<Value = Asn> {
    prop_oneof![1u32..65536, 65536..u32::MAX].prop_map(Asn)
}

pub(crate) fn segments(confed: bool) -> impl Strategy<Value = Vec<(SegmentKind, Vec<Asn>)>> {
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

pub(crate) fn next_hop_v6() -> impl Strategy<Value = NextHop> {
    let global = (1u128..u128::MAX).prop_map(|bits| Ipv6Addr::from((bits >> 3) | (0x2 << 124)));
    let local = any::<u64>().prop_map(|bits| Ipv6Addr::from((0xfe80 << 112) | u128::from(bits)));
    prop_oneof![
        global.clone().prop_map(NextHop::V6),
        local.clone().prop_map(NextHop::V6),
        (global, local)
            .prop_map(|(global, link_local)| NextHop::V6LinkLocal { global, link_local }),
    ]
}

pub(crate) fn next_hop_v4() -> impl Strategy<Value = NextHop> {
    (0x0100_0000u32..0x7f00_0000).prop_map(|bits| NextHop::V4(Ipv4Addr::from(bits)))
}

/// A type, a length of so many octets, and a value.
pub(crate) fn tlv(kind: &[u8], length_octets: usize, value: &[u8]) -> Vec<u8> {
    let length = u16::try_from(value.len()).unwrap().to_be_bytes();
    [kind, &length[2 - length_octets..], value].concat()
}

/// TLVs of any type but those, with a type of so many octets and a length of two.
pub(crate) fn tlvs(kind_octets: usize, but: &'static [u16]) -> impl Strategy<Value = Vec<u8>> {
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
pub(crate) fn sid_structure() -> impl Strategy<Value = [u8; 6]> {
    (0u8..41, 0u8..25, 0u8..33, 0u8..31).prop_map(|(block, node, function, argument)| {
        let offset = if function > 0 { block + node } else { 0 };
        [block, node, function, argument, function, offset]
    })
}

/// Values of the attributes of overlays and their like, as an internal peer could send them.
pub(crate) fn overlay() -> impl Strategy<Value = Vec<(AttrCode, Vec<u8>)>> {
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
        any::<[u8; 6]>().prop_map(|value| tlv(&[12], 1, &value)),
        any::<[u8; 6]>()
            .prop_map(|label| { tlv(&[128], 2, &[&[0][..], &tlv(&[1], 1, &label)].concat()) }),
    ];
    // RFC 9012 §13: one endpoint, and one encapsulation at most.
    let endpoint =
        any::<[u8; 3]>().prop_map(|[b, c, d]| tlv(&[6], 1, &[0, 0, 0, 0, 0, 1, 10, b, c, d]));
    let encapsulation = option::of(any::<[u8; 12]>().prop_map(|value| tlv(&[1], 1, &value)));
    // Registered types, and others.
    let kind = prop_oneof![Just(8u16), Just(9), 16..25u16, any::<u16>()];
    let tunnel = (kind, endpoint, encapsulation, vec(sub_tlv, 0..4));
    let tunnels = vec(tunnel, 1..4).prop_map(|tunnels| {
        let each = tunnels
            .iter()
            .map(|(kind, endpoint, encapsulation, others)| {
                let encapsulation = encapsulation.clone().unwrap_or_default();
                let inner = [&endpoint[..], &encapsulation, &others.concat()].concat();
                tlv(&kind.to_be_bytes(), 2, &inner)
            });
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
pub(crate) fn attributes(confed: bool) -> impl Strategy<Value = AttrEditor> {
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
