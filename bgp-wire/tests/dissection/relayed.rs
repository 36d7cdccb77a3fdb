//! Routes of the families that are read and passed on: what `cosmos decode -o hex` writes.

use bgp_wire::{AttrScratch, Encoding, Family, decode_update, encode_update};
use bytes::BytesMut;

use crate::{Seen, Sent, sent, session};

/// ORIGIN, AS_PATH (65001), LOCAL_PREF.
const COMMON: &str = "400101 00 400206 0201 0000fde9 400504 00000064";

/// Name, family, next hop, NLRI, more attributes, what must be seen.
type Route = (
    &'static str,
    Family,
    &'static str,
    &'static str,
    &'static str,
    &'static [Seen],
);

/// The octets of the NLRI are those of the RFC at each, as in `bgp-wire/src/nlri`.
const ROUTES: &[Route] = &[
    // RFC 8277 §2.3: two labels, 16 and 17.
    (
        "IPv4 labelled unicast with two labels",
        Family::IPV4_LABELED,
        "c0000201",
        "48 000100 000111 c00002",
        "",
        &[
            ("bgp.label_stack", "16,17 (bottom)"),
            ("bgp.mp_reach_nlri_ipv4_prefix", "192.0.2.0"),
        ],
    ),
    // RFC 9251 §9.1: (10.0.0.5, 239.1.1.1) of 10.0.0.1, IGMP version 3.
    (
        "EVPN type 6",
        Family::L2VPN_EVPN,
        "c0000201",
        "061c 0000fde800000064 00000007 20 0a000005 20 ef010101 20 0a000001 04",
        "",
        &[
            ("bgp.evpn.nlri.rt", "6"),
            ("bgp.evpn.nlri.or_addr_ipv4", "10.0.0.1"),
        ],
    ),
    // RFC 9251 §9.2.
    (
        "EVPN type 7",
        Family::L2VPN_EVPN,
        "c0000201",
        "0726 0000fde800000064 00112233445566778899 00000007 20 0a000005 20 ef010101 20 0a000001 04",
        "",
        &[("bgp.evpn.nlri.rt", "7")],
    ),
    // RFC 9251 §9.3.
    (
        "EVPN type 8",
        Family::L2VPN_EVPN,
        "c0000201",
        "082b 0000fde800000064 00112233445566778899 00000007 20 0a000005 20 ef010101 20 0a000001 00000000 64 04",
        "",
        &[("bgp.update.path_attribute.mp_reach_nlri.safi", "70")],
    ),
    // RFC 9572 §3.1.
    (
        "EVPN type 9",
        Family::L2VPN_EVPN,
        "c0000201",
        "0914 0000fde800000064 00000000 0009fde800000000",
        "",
        &[("bgp.evpn.nlri.rt", "9")],
    ),
    // RFC 9572 §3.2.
    (
        "EVPN type 10",
        Family::L2VPN_EVPN,
        "c0000201",
        "0a1b 0000fde800000064 00000007 20 0a000005 20 ef010101 20 0a000001",
        "",
        &[("bgp.evpn.nlri.rt", "10")],
    ),
    // RFC 9572 §3.3.
    (
        "EVPN type 11",
        Family::L2VPN_EVPN,
        "c0000201",
        "0b18 0311 0000fde800000064 00000007 20 0a000001 20 0a000002",
        "",
        &[("bgp.evpn.nlri.rt", "11")],
    ),
    // RFC 8955 §4.3.1, with a rate of 0 (§7.1).
    (
        "IPv4 flow specification",
        Family::IPV4_FLOWSPEC,
        "",
        "0b 01 18 c00002 03 81 06 04 81 19",
        "c01008 8006 0000 00000000",
        &[
            ("bgp.flowspec_nlri.dst_prefix_filter", "192.0.2.0"),
            ("bgp.flowspec_nlri.dec_val_8", "6,25"),
        ],
    ),
    // RFC 8956 §3.8.1, without the offset that tshark 4.0 does not cut out of the prefix.
    (
        "IPv6 flow specification",
        Family::IPV6_FLOWSPEC,
        "",
        "0d 01 20 00 20010db8 03 81 06 04 81 19",
        "c01008 8006 0000 00000000",
        &[
            ("bgp.flowspec_nlri.dst_ipv6_pref", "2001:db8::"),
            ("bgp.flowspec_nlri.dec_val_8", "6,25"),
        ],
    ),
    // RFC 8955 §8.
    (
        "VPN-IPv4 flow specification",
        Family::IPV4_FLOWSPEC_VPN,
        "",
        "13 0000fde800000064 01 18 c00002 03 81 06 04 81 19",
        "c01008 8008 fde8 00000064",
        &[("bgp.flowspec_nlri.dst_prefix_filter", "192.0.2.0")],
    ),
    (
        "VPN-IPv6 flow specification",
        Family::IPV6_FLOWSPEC_VPN,
        "",
        "15 0000fde800000064 01 20 00 20010db8 03 81 06 04 81 19",
        "c01008 8008 fde8 00000064",
        &[("bgp.flowspec_nlri.dst_ipv6_pref", "2001:db8::")],
    ),
    // RFC 9830 §2.1 and §2.4: preference 100, binding SID label 1000, a list of weight 1 with the labels 100 and 200.
    (
        "IPv4 SR policy",
        Family::IPV4_SR_POLICY,
        "c0000201",
        "60 00000001 00000064 c0000202",
        "c00804 ffffff02 c01730 000f002c 0c06000000000064 0d060000003e8000 \
         80001900 0906000000000001 0106000000064000 01060000000c8000",
        &[
            ("bgp.sr_policy_nlri_endpoint_ipv4", "192.0.2.2"),
            (
                "bgp.update.encaps_tunnel_tlv_subtlv.segment_list_subtlv.mpls_label",
                "0x000064,0x0000c8",
            ),
        ],
    ),
    (
        "IPv6 SR policy",
        Family::IPV6_SR_POLICY,
        "20010db8000000000000000000000001",
        "c0 00000001 00000064 20010db8000000000000000000000002",
        "c00804 ffffff02 c01730 000f002c 0c06000000000064 0d060000003e8000 \
         80001900 0906000000000001 0106000000064000 01060000000c8000",
        &[("bgp.sr_policy_nlri_policy_color", "00000064")],
    ),
    // RFC 9552 §5.2: a node of AS 65000, a link between two, and a prefix of each family.
    (
        "link-state node",
        Family::LINK_STATE,
        "c0000201",
        "0001 0027 02 0000000000000000 0100 001a 0200 0004 0000fde8 0201 0004 00000000 0203 0006 192000000001",
        "801d08 0402 0004 6e6f6465",
        &[
            ("bgp.ls.nlri_type", "1"),
            ("bgp.ls.tlv.autonomous_system.id", "65000"),
            ("bgp.ls.tlv.node_name_value", "node"),
        ],
    ),
    (
        "link-state link",
        Family::LINK_STATE,
        "c0000201",
        "0002 0055 02 0000000000000000 0100 001a 0200 0004 0000fde8 0201 0004 00000000 0203 0006 192000000001 \
         0101 001a 0200 0004 0000fde8 0201 0004 00000000 0203 0006 192000000002 0103 0004 0a000001 0104 0004 0a000002",
        "801d08 0444 0004 0000000a",
        &[
            ("bgp.ls.nlri_type", "2"),
            ("bgp.ls.nlri_ipv4_interface_address", "10.0.0.1"),
            ("bgp.ls.nlri_ipv4_neighbor_address", "10.0.0.2"),
        ],
    ),
    (
        "link-state IPv4 prefix",
        Family::LINK_STATE,
        "c0000201",
        "0003 002f 02 0000000000000000 0100 001a 0200 0004 0000fde8 0201 0004 00000000 0203 0006 192000000001 \
         0109 0004 18 0a0102",
        "801d08 0483 0004 0000000a",
        &[
            ("bgp.ls.nlri_type", "3"),
            ("bgp.ls.nlri_ip_reachability_prefix_ip", "10.1.2.0"),
        ],
    ),
    (
        "link-state IPv6 prefix",
        Family::LINK_STATE,
        "c0000201",
        "0004 0032 02 0000000000000000 0100 001a 0200 0004 0000fde8 0201 0004 00000000 0203 0006 192000000001 \
         0109 0007 30 20010db80001",
        "801d08 0483 0004 0000000a",
        &[
            ("bgp.ls.nlri_type", "4"),
            ("bgp.ls.nlri_ip_reachability_prefix_ip6", "2001:db8:1::"),
        ],
    ),
    (
        "link-state node in a VPN",
        Family::LINK_STATE_VPN,
        "0000000000000000 c0000201",
        "0001 002f 0000fde800000064 02 0000000000000000 0100 001a 0200 0004 0000fde8 0201 0004 00000000 \
         0203 0006 192000000001",
        "801d08 0402 0004 6e6f6465",
        &[("bgp.ls.tlv.node_name_value", "node")],
    ),
    // RFC 6514 §4.1: an Intra-AS I-PMSI A-D route.
    (
        "IPv4 multicast VPN",
        Family::IPV4_MVPN,
        "c0000201",
        "01 0c 0000fde800000064 0a000001",
        "",
        &[("bgp.mcast_vpn_nlri_origin_router_ipv4", "10.0.0.1")],
    ),
    (
        "IPv6 multicast VPN",
        Family::IPV6_MVPN,
        "20010db8000000000000000000000001",
        "01 18 0000fde800000064 20010db8000000000000000000000001",
        "",
        &[("bgp.mcast_vpn_nlri_origin_router_ipv6", "2001:db8::1")],
    ),
    // RFC 4761 §3.2.2.
    (
        "VPLS",
        Family::L2VPN_VPLS,
        "c0000201",
        "0011 0000fde800000064 0001 0001 0008 0186a1",
        "",
        &[("bgp.vplsbgp.labelblock.size", "8")],
    ),
];

pub(crate) fn messages() -> Vec<Sent> {
    let each = |(name, family, hop, nlri, more, seen): &Route| {
        let message = relay(name, *family, &hex(hop), &hex(nlri), &hex(more));
        sent(*name, message, seen)
    };
    ROUTES.iter().map(each).collect()
}

/// Reads an UPDATE and writes it again.
fn relay(name: &str, family: Family, hop: &[u8], nlri: &[u8], more: &[u8]) -> Vec<u8> {
    let hop_length = u8::try_from(hop.len()).expect("it is short");
    let value = [
        &family.afi.to_be_bytes()[..],
        &[family.safi, hop_length],
        hop,
        &[0],
        nlri,
    ]
    .concat();
    let length = u8::try_from(value.len()).expect("it is short");
    let attributes = [&[0x80, 14, length], &value[..], &hex(COMMON), more].concat();
    let length = u16::try_from(attributes.len()).expect("it is short");
    let body = [&[0, 0][..], &length.to_be_bytes(), &attributes].concat();
    let ctx = bgp_wire::SessionContext {
        label_stacks: bgp_wire::FamilySet::supported(),
        ..session()
    };
    let mut scratch = AttrScratch::new();
    let decoded = decode_update(&body, &ctx, &mut scratch).expect("it is right");
    assert!(
        decoded.findings.is_empty(),
        "{name}: {:?}",
        decoded.findings
    );
    let mut out = BytesMut::new();
    encode_update(&mut out, &decoded.update, &Encoding::default()).expect("it fits");
    out.to_vec()
}

fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(|digit| *digit != b' ').collect();
    let octet = |two: &[u8]| {
        let two = std::str::from_utf8(two).expect("ASCII");
        u8::from_str_radix(two, 16).expect("two digits")
    };
    digits.chunks(2).map(octet).collect()
}
