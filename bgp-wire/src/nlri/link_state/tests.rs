//! Objects octet by octet, after the figures of RFC 9552 §5.2 and RFC 9514 §6; tshark 4.0 reads the
//! first five in the same way.

use super::*;
use crate::Disposition;
use crate::nlri::{Form, NlriBlock, asked, hex, spec};

/// AS 65000, BGP-LS identifier 0, IS-IS system 1.
const NODE: &str = "0001 0027 02 0000000000000000 0100 001a \
                    0200 0004 0000fde8 0201 0004 00000000 0203 0006 000000000001";
const LINK: &str = "0002 0057 03 0000000000000007 \
                    0100 0018 0200 0004 0000fde8 0202 0004 00000000 0203 0004 0a000001 \
                    0101 0018 0200 0004 0000fde8 0202 0004 00000000 0203 0004 0a000002 \
                    0103 0004 0a010001 0104 0004 0a010002 0107 0002 0002";
const PREFIX_V4: &str = "0003 0032 03 0000000000000000 \
                         0100 0018 0200 0004 0000fde8 0202 0004 00000000 0203 0004 0a000001 \
                         0108 0001 01 0109 0004 18 0a0102";
const PREFIX_V6: &str = "0004 0033 01 0000000000000000 \
                         0100 001b 0200 0004 0000fde8 0201 0004 00000000 0203 0007 00000000000102 \
                         0109 0007 30 20010db80001";
const DIRECT: &str = "0002 0041 04 0000000000000000 \
                      0100 0008 0200 0004 0000fde8 0101 0008 0200 0004 0000fde9 \
                      0102 0008 00000005 00000006 \
                      0106 0010 20010db8000000000000000000000002";
const SID: &str = "0006 0033 02 0000000000000000 0100 0012 \
                   0200 0004 0000fde8 0203 0006 000000000001 \
                   0206 0010 20010db8000000000000000000000009";
/// A type of the future, and a descriptor of the future.
const UNKNOWN: &str = "0063 0002 0102";
const UNKNOWN_TLV: &str = "0001 0021 07 0000000000000000 0100 000f \
                           0200 0004 0000fde8 02ff 0003 010203 7777 0001 09";

const EVERY: &[(&str, &str)] = &[
    (
        NODE,
        "{type Node NLRI, protocol IS-IS Level 2, identifier 0, local_node {as 65000, bgp_ls_id \
         0.0.0.0, router_id 0000.0000.0001}}",
    ),
    (
        LINK,
        "{type Link NLRI, protocol OSPFv2, identifier 7, local_node {as 65000, ospf_area 0.0.0.0, \
         router_id 10.0.0.1}, remote_node {as 65000, ospf_area 0.0.0.0, router_id 10.0.0.2}, \
         ipv4_interface 10.1.0.1, ipv4_neighbor 10.1.0.2, topologies [2]}",
    ),
    (
        PREFIX_V4,
        "{type IPv4 Topology Prefix NLRI, protocol OSPFv2, identifier 0, local_node {as 65000, \
         ospf_area 0.0.0.0, router_id 10.0.0.1}, ospf_route_type Intra-Area, prefix 10.1.2.0/24}",
    ),
    (
        PREFIX_V6,
        "{type IPv6 Topology Prefix NLRI, protocol IS-IS Level 1, identifier 0, local_node {as \
         65000, bgp_ls_id 0.0.0.0, router_id 0000.0000.0001.02}, prefix 2001:db8:1::/48}",
    ),
    (
        DIRECT,
        "{type Link NLRI, protocol Direct, identifier 0, local_node {as 65000}, remote_node {as \
         65001}, local_link_id 5, remote_link_id 6, ipv6_neighbor [2001:db8::2]}",
    ),
    (
        SID,
        "{type SRv6 SID NLRI, protocol IS-IS Level 2, identifier 0, local_node {as 65000, \
         router_id 0000.0000.0001}, srv6_sids [2001:db8::9]}",
    ),
    (UNKNOWN, "{type 99, value 0x0102}"),
    (
        UNKNOWN_TLV,
        "{type Node NLRI, protocol BGP, identifier 0, local_node {as 65000, others [{type 767, \
         value 0x010203}]}, others [{type 30583, value 0x09}]}",
    ),
];

fn check(bytes: &[u8]) -> Result<NlriBlock<'_>, Malformed<'_>> {
    NlriBlock::check(
        spec(crate::Family::LINK_STATE).unwrap(),
        Form::default(),
        bytes,
    )
}

/// The octets with the lengths that are theirs: of the object, and of its first descriptor, which is
/// all there is.
fn framed(head: &str, descriptors: &str) -> Vec<u8> {
    let (mut bytes, descriptors) = (hex(head), hex(descriptors));
    let length = u16::try_from(9 + descriptors.len()).unwrap();
    bytes.extend(length.to_be_bytes());
    bytes.extend([3, 0, 0, 0, 0, 0, 0, 0, 0]);
    bytes.extend(descriptors);
    bytes
}

#[test]
fn objects_are_shown_by_their_descriptors() {
    for (octets, text) in EVERY {
        let bytes = hex(octets);
        let block = check(&bytes).unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!((block.len(), block.ignored()), (1, 0), "{text}");
        assert_eq!(block.to_string(), *text);
    }
}

/// RFC 9552 §5.2, figure 6: within a VPN, a route distinguisher is in front.
#[test]
fn objects_of_a_vpn_have_a_route_distinguisher() {
    let plain = hex(NODE);
    let bytes = [&hex("0001 002f 0000fde800000064")[..], &plain[4..]].concat();
    let family = spec(crate::Family::LINK_STATE_VPN).unwrap();
    let block = NlriBlock::check(family, Form::default(), &bytes).unwrap();
    let text = EVERY[0].1.replace("NLRI, ", "NLRI, rd 65000:100, ");
    assert_eq!((block.to_string(), block.ignored()), (text, 0));
    let short = hex("0001 0007 0000fde8000000");
    assert_eq!(
        NlriBlock::check(family, Form::default(), &short)
            .unwrap()
            .ignored(),
        1
    );
}

/// RFC 9552 §8.2.2.
#[test]
fn a_malformed_object_is_passed_over() {
    for (name, bytes, field) in [
        (
            "without protocol",
            hex("0001 0008 0200000000000000"),
            "Link-State NLRI",
        ),
        (
            "a descriptor cut",
            framed("0001", "0100 0008 0200 0004 0000fd"),
            "TLV",
        ),
        ("a head cut", framed("0001", "0100 00"), "TLV"),
        (
            "a descriptor of the node cut",
            framed("0001", "0100 0007 0200 0004 0000fd"),
            "TLV",
        ),
        (
            "descending",
            framed("0002", "0101 0000 0100 0000"),
            "TLV Type",
        ),
        (
            "descending in the node",
            framed("0001", "0100 0010 0202 0004 00000000 0200 0004 00000001"),
            "TLV Type",
        ),
        (
            "twice in the node",
            framed("0001", "0100 0010 0200 0004 00000001 0200 0004 00000001"),
            "TLV Type",
        ),
        (
            "one type descending",
            framed("0002", "0103 0004 0a000002 0103 0004 0a000001"),
            "TLV Type",
        ),
    ] {
        let all = [&hex(NODE)[..], &bytes, &hex(LINK)].concat();
        let family = spec(crate::Family::LINK_STATE).unwrap();
        let (block, faults) = NlriBlock::examine(family, Form::default(), &all);
        let block = block.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        assert_eq!((block.len(), block.ignored()), (2, 1), "{name}");
        assert_eq!(asked(faults), [(Disposition::None, field)], "{name}");
        assert_eq!(
            block.to_string(),
            format!("{} {}", EVERY[0].1, EVERY[1].1),
            "{name}"
        );
        assert_eq!(block.describe().len(), 2, "{name}");
    }
}

#[test]
fn every_cut_of_every_object_is_an_error_or_passed_over() {
    for (octets, text) in EVERY {
        let bytes = hex(octets);
        for cut in 1..bytes.len() {
            assert!(check(&bytes[..cut]).is_err(), "{text} cut at {cut}");
            let mut short = bytes[..cut.max(4)].to_vec();
            let length = u16::try_from(short.len() - 4).unwrap();
            short[2..4].copy_from_slice(&length.to_be_bytes());
            let shown = check(&short).unwrap().to_string();
            assert_ne!(shown, *text, "cut at {cut}");
        }
    }
}

/// RFC 9552 §8.2.2: contents do not make an object malformed, so that it is passed on; what is of no
/// length that its type has is shown as octets.
#[test]
fn descriptors_of_odd_lengths_are_kept_as_octets() {
    for (kind, in_node, value) in [
        ("0001", true, "0200 0002 0001"),
        ("0001", true, "0203 0005 0a00000100"),
        ("0002", false, "0103 0005 0a00000100"),
        ("0002", false, "0105 0004 0a000001"),
        ("0002", false, "0102 0007 00000000000000"),
        ("0002", false, "0107 0001 00"),
        ("0002", false, "0109 0004 180a0000"),
        ("0003", false, "0108 0000"),
        ("0003", false, "0109 0000"),
        ("0003", false, "0109 0006 210a00000000"),
        ("0003", false, "0109 0003 180a00"),
        ("0004", false, "0109 0003 082001"),
        ("0006", false, "0206 0008 20010db800000000"),
    ] {
        let octets = hex(value);
        let number = u16::from_be_bytes([octets[0], octets[1]]);
        let bytes = if in_node {
            framed(kind, &format!("0100 {:04x} {value}", octets.len()))
        } else {
            framed(kind, value)
        };
        let block = check(&bytes).unwrap();
        assert_eq!((block.len(), block.ignored()), (1, 0), "{value}");
        let digits = value.rsplit(' ').next().unwrap();
        let digits = if octets.len() == 4 { "" } else { digits };
        let other = format!("others [{{type {number}, value 0x{digits}}}]");
        assert!(block.to_string().contains(&other), "{value}: {block}");
    }
}

/// RFC 9552 §5.1 orders descriptors of one type among each other, so there may be several; the
/// first has the name.
#[test]
fn a_descriptor_that_comes_again_is_kept_beside() {
    let bytes = framed("0002", "0103 0004 0a000001 0103 0004 0a000002");
    let text = check(&bytes).unwrap().to_string();
    assert!(
        text.ends_with("ipv4_interface 10.0.0.1, others [{type 259, value 0x0a000002}]}"),
        "{text}"
    );
}
