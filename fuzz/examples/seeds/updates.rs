//! Bodies of UPDATEs, each with the octet that chooses its session.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use bgp_wire::{
    Asn, AttrEditor, Community, Encoding, Family, NextHop, Origin, PathId, RouterId,
    encode_announce, encode_end_of_rib, encode_withdraw,
};
use bytes::BytesMut;
use ipnet::{Ipv4Net, Ipv6Net};

use crate::{Seeds, hex, length};

/// The session on which the collector's messages with four and with two octets for each AS are read.
pub(crate) const ASN4: u8 = 0x40;

pub(crate) const ASN2: u8 = 0x44;

/// With ADD-PATH, and as an internal peer.
pub(crate) const ADD_PATH: u8 = 0x52;

/// With IPv6 next hops for IPv4.
pub(crate) const NEXT_HOP: u8 = 0x62;

/// All of them.
pub(crate) fn every() -> Seeds {
    let mut kinds: BTreeMap<String, Vec<u8>> = BTreeMap::new();
    for (four, bytes) in collected() {
        if bytes[18] != 2 {
            continue;
        }
        let body = &bytes[19..];
        let seed = [&[if four { ASN4 } else { ASN2 }], body].concat();
        let kept = kinds.entry(kind_of(four, body)).or_insert(seed.clone());
        if seed.len() < kept.len() {
            *kept = seed;
        }
    }
    let mut seeds: Seeds = kinds
        .into_iter()
        .map(|(kind, seed)| (format!("ris-{kind}"), seed))
        .collect();
    seeds.extend(made_updates());
    seeds
}

/// Next hops of every kind, and what is malformed.
pub(crate) fn more() -> Seeds {
    [next_hops(), wrong()].concat()
}

/// Which parts and attributes a body has, as a name.
fn kind_of(four: bool, body: &[u8]) -> String {
    let number = |at: usize| usize::from(u16::from_be_bytes([body[at], body[at + 1]]));
    let withdrawn = number(0);
    let mut at = 4 + withdrawn;
    let end = at + number(2 + withdrawn);
    let mut name = String::from(if four { "as4" } else { "as2" });
    if withdrawn > 0 {
        name += "-withdraw";
    }
    while at < end {
        name += &format!("-{}", body[at + 1]);
        at += if body[at] & 0x10 == 0 {
            3 + usize::from(body[at + 2])
        } else {
            4 + number(at + 2)
        };
    }
    if end < body.len() {
        name += "-announce";
    }
    name
}

/// The messages of the collector's file, and whether their AS numbers have four octets (RFC 6396 §4.4).
fn collected() -> Vec<(bool, Vec<u8>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../benches/data/rrc15-updates.20100227.1600.gz");
    let mut dump = Vec::new();
    flate2::read::GzDecoder::new(fs::File::open(path).expect("the collector's file"))
        .read_to_end(&mut dump)
        .expect("a gzip file");
    let mut rest = &dump[..];
    let mut found = Vec::new();
    while let Some((header, after)) = rest.split_at_checked(12) {
        let number = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
        let length = usize::from(number(8)) << 16 | usize::from(number(10));
        let (body, next) = after.split_at(length);
        rest = next;
        let four = match (number(4), number(6)) {
            (16, 1) => false,
            (16, 4) => true,
            _ => continue,
        };
        let family = if four { 10 } else { 6 };
        let addresses = if body[family + 1] == 2 { 32 } else { 8 };
        found.push((four, body[family + 2 + addresses..].to_vec()));
    }
    found
}

/// What the file of 2010 does not have.
fn made_updates() -> Seeds {
    let v4: [(PathId, Ipv4Net); 2] =
        ["192.0.2.0/24", "198.51.100.0/25"].map(|net| (PathId(7), net.parse().expect("a prefix")));
    let v6: [(PathId, Ipv6Net); 2] =
        ["2001:db8:1::/48", "::/0"].map(|net| (PathId(7), net.parse().expect("a prefix")));
    let next_hop = NextHop::V6("2001:db8::1".parse().expect("an address"));
    let mut attrs = AttrEditor::new();
    attrs.set_origin(Origin::Igp);
    attrs.set_as_path(&[Asn(65001), Asn(4_200_000_001)]);
    attrs.set_local_pref(Some(200));
    attrs.set_communities([Community::NO_EXPORT, Community(0xfde8_0001)]);
    attrs.set_originator_id(Some(RouterId(9)));
    attrs.prepend_cluster_id(RouterId(8));
    attrs.set_next_hop(next_hop);
    let plain = Encoding::default();
    let ids = Encoding {
        add_path: true,
        mp_ipv4: true,
        ..plain.clone()
    };

    let mut seeds = Seeds::new();
    let mut add = |name: &str, choice: u8, write: &dyn Fn(&mut BytesMut)| {
        let mut out = BytesMut::new();
        write(&mut out);
        seeds.push((name.into(), [&[choice], &out[19..]].concat()));
    };
    add("made-v6", NEXT_HOP, &|out| {
        let sent = encode_announce(out, Family::IPV6_UNICAST, &plain, attrs.get(), &v6);
        assert_eq!(sent.ok(), Some(2));
    });
    add("made-v6-add-path", ADD_PATH, &|out| {
        let sent = encode_announce(out, Family::IPV6_UNICAST, &ids, attrs.get(), &v6);
        assert_eq!(sent.ok(), Some(2));
    });
    add("made-v4-over-v6", NEXT_HOP, &|out| {
        let enc = Encoding {
            add_path: false,
            ..ids.clone()
        };
        let sent = encode_announce(out, Family::IPV4_UNICAST, &enc, attrs.get(), &v4);
        assert_eq!(sent.ok(), Some(2));
    });
    add("made-withdraw-v6", NEXT_HOP, &|out| {
        assert_eq!(encode_withdraw(out, Family::IPV6_UNICAST, &plain, &v6), 2);
    });
    add("made-withdraw-v4-add-path", ADD_PATH, &|out| {
        assert_eq!(encode_withdraw(out, Family::IPV4_UNICAST, &ids, &v4), 2);
    });
    add("made-end-of-rib-v4", ASN4, &|out| {
        encode_end_of_rib(out, Family::IPV4_UNICAST);
    });
    add("made-end-of-rib-v6", ASN4, &|out| {
        encode_end_of_rib(out, Family::IPV6_UNICAST);
    });
    seeds
}

/// UPDATEs whose first octet chooses the width of AS numbers, whether the peer is internal, and path identifiers.
pub(crate) fn plain(updates: &Seeds) -> Seeds {
    let width = |choice: u8| u8::from(choice == ASN2);
    let mut seeds: Seeds = updates
        .iter()
        .map(|(name, seed)| (name.clone(), [&[width(seed[0])], &seed[1..]].concat()))
        .collect();
    seeds.extend(compared());
    seeds
}

/// A route of every family that other codecs know, announced and withdrawn, with and without path identifiers; and what
/// internal peers say beside routes.
fn compared() -> Seeds {
    const RD: &str = "0000 fde8 00000001";
    const ESI: &str = "00112233445566778899";
    let routes: [(&str, &str, &str, String); 12] = [
        ("0001 01", "c0000201", "ipv4", "18c00002".into()),
        ("0001 02", "c0000201", "ipv4-multicast", "18c00002".into()),
        ("0002 02", V6, "ipv6-multicast", "2020010db8".into()),
        (
            "0001 04",
            "c0000201",
            "ipv4-labeled",
            "30 000111 c00002".into(),
        ),
        ("0002 04", V6, "ipv6-labeled", "38 000111 20010db8".into()),
        (
            "0001 80",
            "0000000000000000 c0000201",
            "vpnv4",
            format!("70 000111 {RD} 0a0102"),
        ),
        (
            "0002 80",
            V6_BEHIND_RD,
            "vpnv6",
            format!("78 000111 {RD} 20010db8"),
        ),
        (
            "0019 46",
            "c0000201",
            "evpn-1",
            format!("01 ({RD} {ESI} 00000007 000640)"),
        ),
        (
            "0019 46",
            "c0000201",
            "evpn-2",
            format!("02 ({RD} {ESI} 00000007 30 021122334455 20 0a000001 000640 000650)"),
        ),
        (
            "0019 46",
            V6,
            "evpn-3",
            format!("03 ({RD} 00000007 20 0a000001)"),
        ),
        (
            "0019 46",
            V6,
            "evpn-4",
            format!("04 ({RD} {ESI} 20 0a000001)"),
        ),
        (
            "0019 46",
            "c0000201",
            "evpn-5",
            format!("05 ({RD} {ESI} 00000007 18 0a010200 0a000001 000640)"),
        ),
    ];
    let mut seeds = Seeds::new();
    for (family, hop, name, route) in &routes {
        for (choice, id, form) in [(0u8, "", ""), (4, "00000007", "-path")] {
            let reach =
                format!("800e ({family} ({hop}) 00 {id} {route}) 40010100 400206 0201 0000fde9");
            let unreach = format!("800f ({family} {id} {route})");
            for (what, attributes) in [("", reach), ("-gone", unreach)] {
                let seed = [&[choice], &body(&hex(&attributes), &[])[..]].concat();
                seeds.push((format!("compared-{name}{form}{what}"), seed));
            }
        }
    }
    let membership = "800e (0001 84 (c0000201) 00 00 60 0000fde8 0002fde800000064) 40010100 400200 40050400000064";
    let internal = "40010100 400200 400304c0000201 40050400000064 400600 c00708 0000fde8c0000201 c00808 00010002ffffff01
        8009040a000001 800a080a0000020a000003 c01010 0002fde800000064 030c000000000008 801a0b 01000b0000000000000064
        c01914 000220010db80000000000000000000000010007 c0200c 000000010000000200000003 c023040000fde8";
    for (name, attributes, nlri) in [("rtc", membership, ""), ("internal", internal, "18c00002")] {
        let seed = [&[2], &body(&hex(attributes), &hex(nlri))[..]].concat();
        seeds.push((format!("compared-{name}"), seed));
    }
    seeds
}

const V6: &str = "20010db8000000000000000000000001";
const V6_BEHIND_RD: &str = "0000000000000000 20010db8000000000000000000000001";

/// A body with these attributes, which may lack what it needs, and NLRI.
fn body(attributes: &[u8], nlri: &[u8]) -> Vec<u8> {
    [&[0, 0], &length(attributes, 2)[..], attributes, nlri].concat()
}

/// ORIGIN, AS_PATH of four octets, NEXT_HOP.
const MANDATORY: &str = "40010100 400206 0201 0000fde9 400304 c0000201";

/// MP_REACH_NLRI of every family with every next hop that it may have, and some that it may not.
fn next_hops() -> Seeds {
    const V4: &str = "c0000201";
    const LOCAL: &str = "fe800000000000000000000000000001";
    const RD: &str = "0000000000000000";
    let hops: [Vec<&str>; 16] = [
        vec![],
        vec![V4],
        vec![V6],
        vec![V6, LOCAL],
        vec![LOCAL],
        vec![LOCAL, V6],
        vec![LOCAL, LOCAL],
        vec![V6, V6],
        vec![RD, V4],
        vec![RD, V6],
        vec![RD, V6, RD, LOCAL],
        vec!["0000fde800000001", V4],
        vec!["00000000"],
        vec!["00000000000000000000000000000000"],
        vec!["ff020000000000000000000000000001"],
        vec!["c00002"],
    ];
    // One of each way to read a next hop: any, IPv6, behind a route distinguisher, none.
    let families: [(&str, u8, &str); 10] = [
        ("0001", 1, "18c00002"),
        ("0002", 1, "2020010db8"),
        ("0001", 4, "30000111c00002"),
        ("0002", 4, "3800011120010db8"),
        ("0001", 128, "70 000111 0000fde800000001 0a0102"),
        ("0002", 128, "78 000111 0000fde800000001 20010db8"),
        ("0019", 70, "0311 0000fde800000064 00000007 20 0a000001"),
        ("0001", 132, "00"),
        ("0001", 133, "0b 01 18 c00002 03 81 06 04 81 19"),
        ("0001", 73, "60 00000001 00000064 c0000202"),
    ];
    let mut seeds = Seeds::new();
    for (afi, safi, nlri) in families {
        for (number, hop) in hops.iter().enumerate() {
            let (hop, nlri) = (hex(&hop.concat()), hex(nlri));
            let value = [&hex(afi), &[safi][..], &length(&hop, 1), &hop, &[0], &nlri].concat();
            let head = [&[0x80, 14], &length(&value, 1)[..], &value].concat();
            let attributes = [head, hex(MANDATORY)].concat();
            let seed = [&[NEXT_HOP], &body(&attributes, &[])[..]].concat();
            seeds.push((format!("hop-{afi}-{safi}-{number}"), seed));
        }
    }
    seeds
}

/// What is malformed, a way for each seed.
fn wrong() -> Seeds {
    let nlri = hex("18c00002");
    let with = |more: &str| body(&[hex(MANDATORY), hex(more)].concat(), &nlri);
    let bodies: [(&str, Vec<u8>); 26] = [
        ("empty", vec![]),
        ("withdrawn-overrun", vec![0, 9, 0]),
        ("attributes-overrun", vec![0, 0, 0, 9, 1]),
        ("attribute-overrun", with("400104 00")),
        ("half-a-head", with("4001")),
        ("half-a-long-head", with("500100")),
        ("prefix-of-33", body(&hex(MANDATORY), &[33, 1, 2, 3, 4, 5])),
        ("prefix-cut", body(&hex(MANDATORY), &[24, 1, 2])),
        (
            "prefix-multicast",
            body(&hex(MANDATORY), &[8, 224, 24, 192, 0, 2]),
        ),
        ("withdrawn-of-33", [&[0, 2, 33, 1, 0, 0], &[][..]].concat()),
        ("missing", body(&hex("40010100"), &nlri)),
        ("twice", with("40010101 40010102")),
        (
            "reach-twice",
            with("800e0d 0001010 4c0000201 00 18c00002 800e03000101"),
        ),
        ("unknown-well-known", with("400900")),
        ("unknown-optional", with("80c80101 c0c80102 e0c90103")),
        (
            "origin-of-3",
            body(&hex("40010103 4002060201 0000fde9 400304c0000201"), &nlri),
        ),
        (
            "path-of-segment-9",
            body(&hex("40010100 4002060901 0000fde9 400304c0000201"), &nlri),
        ),
        (
            "path-with-set",
            body(
                &hex("40010100 40020c 0201 0000fde9 0101 0000fde8 400304c0000201"),
                &nlri,
            ),
        ),
        (
            "path-with-as-0",
            body(&hex("40010100 4002060201 00000000 400304c0000201"), &nlri),
        ),
        (
            "path-cut",
            body(&hex("40010100 4002050201 0000fd 400304c0000201"), &nlri),
        ),
        (
            "path-confed",
            body(
                &hex("40010100 40020c 0301 0000fde9 0401 0000fde8 400304c0000201"),
                &nlri,
            ),
        ),
        (
            "hop-of-loopback",
            body(&hex("40010100 4002060201 0000fde9 4003047f000001"), &nlri),
        ),
        (
            "hop-of-3",
            body(&hex("40010100 4002060201 0000fde9 400303c00002"), &nlri),
        ),
        (
            "flags",
            body(&hex("80010100 c002060201 0000fde9 400304c0000201"), &nlri),
        ),
        ("unreach-of-2", body(&hex("800f020001"), &[])),
        (
            "reach-of-unknown-family",
            body(
                &[hex("800e0a 03e7 07 04 c0000201 00 01"), hex(MANDATORY)].concat(),
                &[],
            ),
        ),
    ];
    let mut seeds = Seeds::new();
    for (name, body) in bodies {
        let sessions = [
            ("ebgp", 0),
            ("ibgp", 2),
            ("confed", 3),
            ("sets", ASN4),
            ("first-as", 0xc0),
            ("old-first-as", 0x84),
        ];
        for (session, choice) in sessions {
            let seed = [&[choice], &body[..]].concat();
            seeds.push((format!("wrong-{name}-{session}"), seed));
        }
    }
    let two = hex("40010100 400204 0201 fde9 400304c0000201 c0070 6 fde8 c0000201");
    let old: [(&str, &str); 5] = [
        ("merged", "c01106 0201 fa56ea00 c01208 fa56ea00 c0000201"),
        ("longer", "c0110a 0202 fa56ea00 fa56ea01"),
        ("confed", "c0110c 0301 fa56ea00 0201 fa56ea01"),
        ("malformed", "c01105 0201 fa56ea c01203 fa56ea"),
        ("trans", "c01206 fde8 c0000201"),
    ];
    for (name, more) in old {
        let attributes = [two.clone(), hex(more)].concat();
        let seed = [&[ASN2], &body(&attributes, &nlri)[..]].concat();
        seeds.push((format!("old-{name}"), seed));
    }
    seeds
}
