//! Routes of the families that the speaker announces, by the encoders that it uses.

use std::net::{Ipv4Addr, Ipv6Addr};

use bgp_wire::{
    Aggregator, Announcement, Asn, AttrCode, AttrEditor, Encoding, Esi, EvpnDetail, EvpnRoute,
    ExtCommunity, Family, Ipv6ExtCommunity, Label, Labeled, NextHop, PathId, RouteTargetMembership,
    Vpn, encode_announce, encode_end_of_rib, encode_withdraw,
};
use bytes::BytesMut;
use ipnet::{Ipv4Net, Ipv6Net};

use crate::{ATTRIBUTES, Seen, Sent, TREE, attributes, sent};

const V4: NextHop = NextHop::V4(Ipv4Addr::new(192, 0, 2, 1));
const V6: NextHop = NextHop::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1));

fn announce<A: Announcement>(
    family: Family,
    enc: &Encoding,
    editor: &AttrEditor,
    nlri: &[A],
) -> Vec<u8> {
    let mut out = BytesMut::new();
    let attrs = editor.to_set();
    let count = encode_announce(&mut out, family, enc, attrs.as_ref(), nlri).expect("it fits");
    assert_eq!(count, nlri.len());
    out.to_vec()
}

fn with(more: &[Seen]) -> Vec<Seen> {
    [ATTRIBUTES, more].concat()
}

fn communities(texts: &[&str]) -> Vec<ExtCommunity> {
    let read = |text: &&str| text.parse().unwrap_or_else(|error| panic!("{error}"));
    texts.iter().map(read).collect()
}

pub(crate) fn messages() -> Vec<Sent> {
    [unicast(), labelled(), vpn(), evpn(), route_targets()]
        .into_iter()
        .flatten()
        .collect()
}

fn v4(text: &str) -> Ipv4Net {
    text.parse().expect("a prefix")
}

fn v6(text: &str) -> Ipv6Net {
    text.parse().expect("a prefix")
}

fn unicast() -> Vec<Sent> {
    let plain = Encoding::default();
    let nets = [
        (PathId(0), v4("192.0.2.0/24")),
        (PathId(0), v4("10.0.0.0/8")),
    ];
    let nets6 = [(PathId(0), v6("2001:db8:1::/48")), (PathId(0), v6("::/0"))];
    let mut aggregate = attributes(V4);
    aggregate.set_atomic_aggregate(true);
    aggregate.set_aggregator(Some(Aggregator {
        asn: Asn(4_200_000_001),
        address: Ipv4Addr::new(10, 0, 0, 2),
    }));
    aggregate.set_only_to_customer(Some(Asn(65001)));
    aggregate.set_aigp(Some(1000));
    let mut six = attributes(V6);
    six.set_ipv6_ext_communities([Ipv6ExtCommunity {
        kind: 2,
        address: Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 7),
        number: 9,
    }]);
    let mut out = BytesMut::new();
    encode_end_of_rib(&mut out, Family::IPV6_UNICAST);
    let end = out.split().to_vec();
    encode_withdraw(&mut out, Family::IPV4_UNICAST, &plain, &[nets[1]]);
    let withdrawal = out.split().to_vec();
    encode_withdraw(&mut out, Family::IPV6_UNICAST, &plain, &[nets6[0]]);
    let withdrawal6 = out.split().to_vec();
    vec![
        sent(
            "IPv4 unicast",
            announce(Family::IPV4_UNICAST, &plain, &aggregate, &nets),
            &with(&[
                ("bgp.nlri_prefix", "192.0.2.0,10.0.0.0"),
                ("bgp.prefix_length", "24,8"),
                ("bgp.update.path_attribute.next_hop", "192.0.2.1"),
                ("bgp.update.path_attribute.aggregator_as", "4200000001"),
                ("bgp.update.attribute.aigp.accu_igp_metric", "1000"),
            ]),
        ),
        sent(
            "IPv4 unicast with path identifiers",
            announce(
                Family::IPV4_UNICAST,
                &Encoding {
                    add_path: true,
                    ..plain
                },
                &attributes(V4),
                &[
                    (PathId(1), nets[0].1),
                    (PathId(2), nets[0].1),
                    (PathId(3), nets[1].1),
                ],
            ),
            &with(&[
                ("bgp.nlri_path_id", "1,2,3"),
                ("bgp.nlri_prefix", "192.0.2.0,192.0.2.0,10.0.0.0"),
            ]),
        ),
        sent(
            "IPv4 unicast behind an IPv6 next hop",
            announce(
                Family::IPV4_UNICAST,
                &Encoding {
                    mp_ipv4: true,
                    ..plain
                },
                &attributes(V6),
                &nets,
            ),
            &with(&[
                (
                    "bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6",
                    "2001:db8::1",
                ),
                ("bgp.mp_reach_nlri_ipv4_prefix", "192.0.2.0,10.0.0.0"),
            ]),
        ),
        sent(
            "IPv6 unicast",
            announce(Family::IPV6_UNICAST, &plain, &six, &nets6),
            &with(&[
                (
                    "bgp.update.path_attribute.mp_reach_nlri.next_hop.ipv6",
                    "2001:db8::1",
                ),
                ("bgp.mp_reach_nlri_ipv6_prefix", "2001:db8:1::,::"),
                ("bgp.prefix_length", "48,0"),
            ]),
        ),
        sent(
            "IPv4 multicast",
            announce(Family::IPV4_MULTICAST, &plain, &attributes(V4), &nets),
            &with(&[
                ("bgp.update.path_attribute.mp_reach_nlri.safi", "2"),
                ("bgp.mp_reach_nlri_ipv4_prefix", "192.0.2.0,10.0.0.0"),
            ]),
        ),
        sent(
            "IPv6 multicast",
            announce(Family::IPV6_MULTICAST, &plain, &attributes(V6), &nets6),
            &with(&[
                ("bgp.update.path_attribute.mp_reach_nlri.safi", "2"),
                ("bgp.mp_reach_nlri_ipv6_prefix", "2001:db8:1::,::"),
            ]),
        ),
        sent(
            "IPv4 withdrawal",
            withdrawal,
            &[
                ("bgp.withdrawn_prefix", "10.0.0.0"),
                ("bgp.prefix_length", "8"),
            ],
        ),
        sent(
            "IPv6 withdrawal",
            withdrawal6,
            &[("bgp.mp_unreach_nlri_ipv6_prefix", "2001:db8:1::")],
        ),
        sent(
            "End-of-RIB",
            end,
            &[
                ("bgp.update.path_attribute.mp_unreach_nlri.afi", "2"),
                ("bgp.update.path_attribute.mp_unreach_nlri.safi", "1"),
            ],
        ),
    ]
}

fn labelled() -> Vec<Sent> {
    let plain = Encoding::default();
    // RFC 8669 §3.1: an index of 9.
    let mut indexed = attributes(V4);
    indexed
        .set_value(AttrCode::PREFIX_SID, &[1, 0, 7, 0, 0, 0, 0, 0, 0, 9])
        .expect("it is right");
    vec![
        sent(
            "IPv4 labelled unicast",
            announce(
                Family::IPV4_LABELED,
                &plain,
                &indexed,
                &[(PathId(0), Labeled(v4("192.0.2.0/24")), Label::new(100))],
            ),
            &with(&[
                ("bgp.label_stack", "100 (bottom)"),
                ("bgp.mp_reach_nlri_ipv4_prefix", "192.0.2.0"),
                ("bgp.prefix_sid.label_index.value", "9"),
            ]),
        ),
        sent(
            "IPv6 labelled unicast",
            announce(
                Family::IPV6_LABELED,
                &plain,
                &attributes(V6),
                &[(PathId(0), Labeled(v6("2001:db8:1::/48")), Label::new(2))],
            ),
            &with(&[
                ("bgp.label_stack", "2 (bottom)"),
                ("bgp.mp_reach_nlri_ipv6_prefix", "2001:db8:1::"),
            ]),
        ),
    ]
}

fn vpn() -> Vec<Sent> {
    let plain = Encoding::default();
    let rd = "65000:100".parse().expect("it is one");
    let route4 = |prefix| {
        (
            PathId(0),
            Vpn {
                rd,
                prefix: v4(prefix),
            },
            Label::new(100),
        )
    };
    let route6 = |prefix| {
        (
            PathId(0),
            Vpn {
                rd,
                prefix: v6(prefix),
            },
            Label::new(3),
        )
    };
    let mut four = attributes(V4);
    four.set_ext_communities(communities(&[
        "rt:65000:100",
        "rt:192.0.2.1:7",
        "rt:4200000000:9",
        "soo:65000:1",
        "color:7",
    ]));
    let mut six = attributes(V6);
    six.set_ext_communities(communities(&["rt:65000:100"]));
    six.set_srv6_l3(Some(bgp_wire::Srv6Sid {
        sid: Ipv6Addr::new(0x2001, 0xdb8, 5, 0, 0, 0, 0, 0),
        behavior: 18,
        structure: Some(bgp_wire::SidStructure {
            locator_block: 32,
            locator_node: 16,
            function: 16,
            argument: 0,
            transposition_length: 16,
            transposition_offset: 48,
        }),
    }));
    let mut out = BytesMut::new();
    encode_withdraw(
        &mut out,
        Family::IPV4_VPN,
        &plain,
        &[(
            PathId(0),
            Vpn {
                rd,
                prefix: v4("10.1.2.0/24"),
            },
        )],
    );
    vec![
        sent(
            "VPN-IPv4",
            announce(
                Family::IPV4_VPN,
                &plain,
                &four,
                &[route4("10.1.2.0/24"), route4("10.2.0.0/16")],
            ),
            &with(&[
                ("bgp.rd", "65000:100,65000:100"),
                ("bgp.label_stack", "100 (bottom),100 (bottom)"),
                ("bgp.mp_reach_nlri_ipv4_prefix", "10.1.2.0,10.2.0.0"),
                ("bgp.ext_com.value_as2", "65000,65000"),
            ]),
        ),
        sent(
            "VPN-IPv6",
            announce(Family::IPV6_VPN, &plain, &six, &[route6("2001:db8:1::/48")]),
            &with(&[
                (
                    TREE,
                    "Label Stack=3 (bottom) RD=65000:100, IPv6=2001:db8:1::/48",
                ),
                ("bgp.prefix_sid.srv6_l3vpn.sid_value", "2001:db8:5::"),
                ("bgp.prefix_sid.srv6_l3vpn.sid.trans_len", "16"),
            ]),
        ),
        sent(
            "VPN-IPv4 withdrawal",
            out.to_vec(),
            &[("bgp.rd", "65000:100")],
        ),
    ]
}

/// The octets of the RD of type 0, as tshark prints it.
const RD: &str = "0000fde800000064";

fn evpn() -> Vec<Sent> {
    const ESI: &str = "00:11:22:33:44:55:66:77:88:99";
    const MAC: (&str, &str) = ("bgp.evpn.nlri.mac_addr", "00:11:22:33:44:55");
    let esi: Esi = ESI.parse().expect("one");
    // A VNI of 10100, of which tshark prints the upper twenty bits.
    let label = Label::from_raw(10_100);
    let mut stations = attributes(V4);
    let texts = [
        "rt:65000:100",
        "encap:vxlan",
        "mac-mobility:5:sticky",
        "rmac:00:11:22:33:44:56",
    ];
    stations.set_ext_communities(communities(&texts));
    let mut flooding = attributes(V4);
    flooding.set_ext_communities(communities(&texts[..2]));
    // RFC 6514 §5, RFC 8365 §9: ingress replication (6) with a VNI where the label is, to 192.0.2.1.
    flooding
        .set_value(AttrCode::PMSI_TUNNEL, &[0, 6, 0, 0x27, 0x74, 192, 0, 2, 1])
        .expect("it is right");
    let mac = |second| EvpnDetail::Mac { esi, label, second };
    let both = mac(Some(Label::from_raw(50_000)));
    let prefix = |gateway| EvpnDetail::Prefix {
        esi: Esi::SINGLE_HOMED,
        gateway,
        label,
    };
    let flooded = ("bgp.update.path_attribute.pmsi.ingress_rep_ip", "192.0.2.1");
    let moved = ("bgp.ext_com_evpn.mmac.seq", "5");
    let router = ("bgp.ext_com_evpn.esi.router_mac", "00:11:22:33:44:56");
    let (rd, segment) = (("bgp.evpn.nlri.rd", RD), ("bgp.evpn.nlri.esi", ESI));
    let (v4, v6) = ("bgp.evpn.nlri.ip.addr", "bgp.evpn.nlri.ipv6.addr");
    let kind = |kind| ("bgp.evpn.nlri.rt", kind);
    let routes: [(&str, EvpnDetail, &AttrEditor, Vec<Seen>); 9] = [
        (
            "[1]:[65000:100]:[7]:[00:11:22:33:44:55:66:77:88:99]",
            EvpnDetail::AutoDiscovery { label },
            &stations,
            vec![kind("1"), rd, segment, ("bgp.evpn.nlri.etag", "7")],
        ),
        (
            "[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]",
            mac(None),
            &stations,
            vec![kind("2"), rd, segment, MAC, moved, router],
        ),
        (
            "[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1]",
            both,
            &stations,
            vec![kind("2"), rd, segment, MAC, (v4, "10.0.0.1")],
        ),
        (
            "[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]:[128]:[2001:db8::1]",
            both,
            &stations,
            vec![kind("2"), rd, segment, MAC, (v6, "2001:db8::1")],
        ),
        (
            "[3]:[65000:100]:[0]:[32]:[10.0.0.1]",
            EvpnDetail::Nothing,
            &flooding,
            vec![kind("3"), rd, (v4, "10.0.0.1"), flooded],
        ),
        (
            "[3]:[65000:100]:[0]:[128]:[2001:db8::1]",
            EvpnDetail::Nothing,
            &flooding,
            vec![kind("3"), rd, (v6, "2001:db8::1"), flooded],
        ),
        (
            "[4]:[65000:100]:[00:11:22:33:44:55:66:77:88:99]:[32]:[10.0.0.1]",
            EvpnDetail::Nothing,
            &stations,
            vec![kind("4"), rd, segment, (v4, "10.0.0.1")],
        ),
        (
            "[5]:[65000:100]:[0]:[24]:[10.1.2.0]",
            prefix(Ipv4Addr::UNSPECIFIED.into()),
            &stations,
            vec![
                kind("5"),
                rd,
                (v4, "10.1.2.0"),
                ("bgp.evpn.nlri.prefix_len", "24"),
            ],
        ),
        (
            "[5]:[65000:100]:[0]:[48]:[2001:db8:1::]",
            prefix(Ipv6Addr::UNSPECIFIED.into()),
            &stations,
            vec![
                kind("5"),
                rd,
                (v6, "2001:db8:1::"),
                ("bgp.evpn.nlri.prefix_len", "48"),
            ],
        ),
    ];
    let each = routes.into_iter().map(|(text, detail, editor, seen)| {
        let route: EvpnRoute = text.parse().expect("a route");
        let nlri = [(PathId(0), route, detail)];
        let message = announce(Family::L2VPN_EVPN, &Encoding::default(), editor, &nlri);
        sent(format!("EVPN {text}"), message, &with(&seen))
    });
    each.collect()
}

fn route_targets() -> Vec<Sent> {
    let each = [
        ("65000:rt:65000:100", ("bgp.community_prefix", "65000:100")),
        ("default", (TREE, "Wildcard route target")),
    ];
    let each = each.into_iter().map(|(text, seen)| {
        let membership: RouteTargetMembership = text.parse().expect("one");
        let nlri = [(PathId(0), membership)];
        let message = announce(Family::RTC, &Encoding::default(), &attributes(V4), &nlri);
        let family = ("bgp.update.path_attribute.mp_reach_nlri.safi", "132");
        sent(
            format!("route target membership {text}"),
            message,
            &with(&[family, seen]),
        )
    });
    each.collect()
}
