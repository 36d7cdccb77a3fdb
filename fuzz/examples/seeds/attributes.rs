//! Values of every attribute, behind session, flags and code.

use crate::updates::{ADD_PATH, ASN4};
use crate::{Seeds, hex, length};

/// All of them, from outside and from inside.
pub(crate) fn every() -> Seeds {
    let values: Vec<(&str, u8, u8, Vec<u8>)> = vec![
        (
            "communities",
            0xc0,
            8,
            vec![0xff, 0xff, 0xff, 1, 0, 1, 0, 2],
        ),
        ("aggregator", 0xc0, 7, vec![0, 0, 0xfd, 0xe8, 192, 0, 2, 1]),
        (
            "ext-communities",
            0xc0,
            16,
            vec![0, 2, 0xfd, 0xe8, 0, 0, 0, 1, 6, 0, 1, 0, 0, 0, 0, 9],
        ),
        ("large", 0xc0, 32, vec![0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]),
        ("pmsi", 0xc0, 22, vec![0, 6, 0, 0x27, 0x10, 192, 0, 2, 1]),
        ("tunnel", 0xc0, 23, vec![0, 8, 0, 4, 6, 2, 0, 1]),
        (
            "tunnel-sr",
            0xc0,
            23,
            vec![
                0, 15, 0, 23, 12, 6, 0, 0, 0, 0, 0, 100, 128, 0, 9, 0, 1, 6, 0, 0, 1, 0x11, 0, 0,
                0, 15, 2, 0, 0,
            ],
        ),
        (
            "ipv6-ext",
            0xc0,
            25,
            vec![
                0, 2, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 7,
            ],
        ),
        ("aigp", 0x80, 26, vec![1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9]),
        (
            "link-state",
            0x80,
            29,
            vec![4, 2, 0, 4, b't', b'o', b'r', b'1', 4, 71, 0, 3, 0, 0, 9],
        ),
        ("otc", 0xc0, 35, vec![0, 0, 0xfd, 0xe8]),
        (
            "bfd",
            0xc0,
            38,
            vec![1, 0, 0, 0, 9, 1, 4, 192, 0, 2, 1, 7, 1, 0],
        ),
        (
            "prefix-sid",
            0xc0,
            40,
            [
                &[1, 0, 7, 0, 0, 0, 0, 0, 0, 9][..],
                &[5, 0, 34, 0, 1, 0, 30, 0],
                &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0],
                &[0, 0, 19, 0, 1, 0, 6, 40, 24, 16, 0, 16, 64],
            ]
            .concat(),
        ),
        (
            "attr-set",
            0xc0,
            128,
            vec![0, 0, 0xfd, 0xe8, 0x40, 1, 1, 0, 0x40, 2, 0],
        ),
        ("unknown", 0xc0, 200, vec![1, 2, 3]),
    ];
    let mut seeds = Seeds::new();
    for (name, flags, code, value) in values {
        for (kind, choice) in [("ebgp", ASN4), ("ibgp", ADD_PATH)] {
            let seed = [&[choice, flags, code], &value[..]].concat();
            seeds.push((format!("{name}-{kind}"), seed));
        }
    }
    for (name, flags, code, value) in made() {
        seeds.push((name, [&[ADD_PATH, flags, code], &value[..]].concat()));
    }
    seeds
}

/// What the registries have, all of a kind in one value.
fn made() -> Vec<(String, u8, u8, Vec<u8>)> {
    let mut all = Vec::new();
    let mut add =
        |name: String, flags: u8, code: u8, value: Vec<u8>| all.push((name, flags, code, value));
    // Every subtype of the types that have names, with no bit set, with some and with all.
    let types = [
        0u8, 1, 2, 3, 6, 7, 8, 10, 0x40, 0x41, 0x42, 0x43, 0x47, 0x80, 0x81, 0x82,
    ];
    for kind in types {
        for (name, octets) in [
            ("none", [0u8; 6]),
            ("some", [0, 1, 0, 0, 0, 100]),
            ("all", [0xff; 6]),
        ] {
            let value = (0..32).flat_map(|subtype| [&[kind, subtype][..], &octets].concat());
            add(format!("ext-{kind:02x}-{name}"), 0xc0, 16, value.collect());
        }
    }
    for (name, kind) in [("rt", 2u8), ("soo", 3), ("redirect", 0x0c), ("unknown", 99)] {
        let value = [
            &[0, kind][..],
            &hex("20010db8 00000000 00000000 00000001 0007"),
        ]
        .concat();
        add(format!("ipv6-ext-{name}"), 0xc0, 25, value);
    }
    // RFC 6514 §5 and the registry of its tunnel types; identifiers of every length that one of them has.
    for kind in [
        0u8, 1, 2, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 0x7b, 0x81, 0xfb, 0x99,
    ] {
        for octets in [0usize, 4, 12, 17] {
            let value = [&[1, kind, 0, 0x27, 0x10][..], &vec![1; octets]].concat();
            add(format!("pmsi-{kind:02x}-{octets}"), 0xc0, 22, value);
        }
    }
    // RFC 9552 §5.3 and others: every type, each with a value of so many octets.
    let numbers = [258u16, 263, 266, 267];
    let numbers = numbers
        .into_iter()
        .chain(1024..1047)
        .chain(1088..1123)
        .chain(1152..1175);
    let numbers: Vec<u16> = numbers.chain([1250, 1251, 1252, 9999]).collect();
    for octets in [0usize, 1, 2, 3, 4, 7, 8, 16, 22, 26, 32] {
        let tlv = |number: &u16| {
            [
                &number.to_be_bytes()[..],
                &length(&vec![0; octets], 2),
                &vec![0; octets],
            ]
            .concat()
        };
        let value = numbers.iter().flat_map(tlv).collect();
        add(format!("link-state-{octets}"), 0x80, 29, value);
    }
    let nested = [
        // RFC 9085 §2.1.2: capabilities with two ranges. RFC 9514 §4: an End.X SID with a structure in it.
        "040a 0010 8000 0003e8 0489 0003 003e80 000064 0489",
        "040a 0015 8000 0003e8 0489 0003 003e80 000064 0489 0004 00000001",
        "0452 001e 0016 00 00 00 00 20010db8000500000000000000000001 04e4 0004 20 10 10 00",
        "048a 000c 00 00 0000 00000000 ffff 0000",
        "0494 000c 00000007 0442 0004 47c34f80",
        "0487 0010 00 00 0010 0486 0008 00 00 0000 00003e80",
    ];
    for (number, text) in nested.iter().enumerate() {
        add(format!("link-state-nested-{number}"), 0x80, 29, hex(text));
    }
    // RFC 9012 §3, RFC 9830 §2.4: every sub-TLV, each with a value of so many octets, in tunnels of types with a form of their own.
    for tunnel in [1u16, 2, 8, 9, 11, 15, 19, 99] {
        for octets in [0usize, 1, 2, 3, 4, 6, 8, 10, 12, 18, 22, 26] {
            for kind in [
                1u8, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 20, 99,
            ] {
                let value = vec![u8::from(octets > 1); octets];
                let sub_tlv = [&[kind][..], &length(&value, 1), &value].concat();
                let value = [&tunnel.to_be_bytes()[..], &length(&sub_tlv, 2), &sub_tlv].concat();
                let shape =
                    matches!((tunnel, kind), (15, _) | (_, 1)) || (tunnel == 19 && octets > 3);
                if shape
                    && matches!(
                        (kind, octets),
                        (1, 4 | 12 | 8)
                            | (2 | 5 | 8, 2)
                            | (3 | 16, 3)
                            | (4, 8)
                            | (6, 6 | 10 | 22)
                            | (7 | 9, 1)
                            | (10, 4 | 8)
                            | (11, 10)
                            | (12, 6)
                            | (13, 2 | 6 | 18)
                            | (14, 3)
                            | (15, 2)
                            | (20, 18 | 26)
                            | (99, 1)
                    )
                {
                    add(format!("tunnel-{tunnel}-{kind}-{octets}"), 0xc0, 23, value);
                }
            }
        }
    }
    for (name, address) in [
        ("v4", "0001 c0000201"),
        ("v6", "0002 20010db8000000000000000000000001"),
        ("none", "0000"),
    ] {
        let value = [
            hex("06"),
            length(&hex(address), 1).iter().map(|l| l + 4).collect(),
            hex("00000000"),
            hex(address),
        ]
        .concat();
        let tunnel = [&hex("0008")[..], &length(&value, 2), &value].concat();
        add(format!("tunnel-endpoint-{name}"), 0xc0, 23, tunnel);
    }
    // RFC 9830 §2.4.4, RFC 9831 §2: every segment with every length that it may have.
    let segments = [
        (1u8, &[6usize][..]),
        (3, &[6, 10]),
        (4, &[18, 22]),
        (5, &[10, 14]),
        (6, &[10, 14]),
        (7, &[42, 46]),
        (8, &[34, 38]),
        (9, &[6]),
        (13, &[18, 26]),
        (14, &[18, 34, 42]),
        (15, &[42, 58, 66]),
        (16, &[34, 50, 58]),
        (99, &[2]),
        (1, &[5]),
    ];
    for (kind, lengths) in segments {
        let each = |octets: &usize| {
            [
                &[kind, u8::try_from(*octets).expect("short")][..],
                &vec![0x10; *octets],
            ]
            .concat()
        };
        let list: Vec<u8> = [vec![0], lengths.iter().flat_map(each).collect()].concat();
        let sub_tlv = [&[128][..], &length(&list, 2), &list].concat();
        let names = hex("81 0005 00 6e616d65 82 0005 00 6e616d65");
        let value = [
            &[0, 15][..],
            &length(&[&sub_tlv[..], &names].concat(), 2),
            &sub_tlv,
            &names,
        ]
        .concat();
        add(format!("segment-{kind}-{}", lengths[0]), 0xc0, 23, value);
    }
    // RFC 9252 §3.1: a service with a SID of every behavior of the registry of RFC 8986 §10.2.
    let sid = |behavior: u16| {
        let sid = [
            hex("00 20010db8000500000000000000000001 00"),
            behavior.to_be_bytes().to_vec(),
            hex("00 01 0006 20 10 10 00 10 30"),
        ]
        .concat();
        [&[1][..], &length(&sid, 2), &sid].concat()
    };
    for (name, behaviors) in [
        ("few", 1u16..40),
        ("more", 40..80),
        ("others", 0xfffb..0xffff),
    ] {
        for kind in [5u8, 6] {
            let sids: Vec<u8> = behaviors.clone().flat_map(sid).collect();
            let service = [&[0], &sids[..]].concat();
            let value = [&[kind][..], &length(&service, 2), &service].concat();
            add(format!("srv6-{kind}-{name}"), 0xc0, 40, value);
        }
    }
    let sids = [
        "01 0007 00 0000 00000009 01 0007 00 0000 00000008 63 0001 07",
        "03 000e 0000 003e80 001f40 0186a0 0003e8",
        "03 0002 0000",
        "05 0000",
        "05 0019 00 01 0015 00 20010db8000500000000000000000001 00 0013 00",
        "05 0019 00 01 0014 00 20010db8000500000000000000000001 00 0013 00",
        "05 0022 00 01 001e 00 20010db8000500000000000000000001 00 0013 00 01 0007 20 10 10 00 10 30",
        "05 0022 00 01 001e 00 20010db8000500000000000000000001 00 0013 00 01 0006 20 10 10 00 00 30",
        "05 0022 00 01 001e 00 20010db8000500000000000000000001 00 0013 00 01 0006 80 10 10 00 00 00",
        "05 0022 00 01 001e 00 20010db8000500000000000000000001 00 0013 00 01 0006 20 10 10 00 18 28",
        "05 0022 00 09 001e 00 20010db8000500000000000000000001 00 0013 00 01 0006 20 10 10 00 18 28",
        "01 0001 00 05 0000",
        "05 0022 00",
    ];
    for (number, text) in sids.iter().enumerate() {
        add(format!("prefix-sid-{number}"), 0xc0, 40, hex(text));
    }
    // An ATTR_SET with everything that may be in one, and what may not.
    let sets = [
        "0000fde8 40010102 40020c 0201 0000fde9 0101 0000fde8 800404 00000032 400504 000000c8 400600 c00708 0000fde8 c0000201 \
         c00808 fde80001 ffffff01 800904 00000009 800a04 00000008 c01008 0002fde800000064 c0200c 000000010000000200000003 \
         c02304 0000fde9 e0c801 07",
        "0000fde8 400304 c0000201",
        "0000fde8 40010109",
        "0000fde8 4001",
        "0000fde8 c08004 0000fde8",
        "0000fd",
    ];
    for (number, text) in sets.iter().enumerate() {
        add(format!("attr-set-{number}"), 0xc0, 128, hex(text));
    }
    let others = [
        ("origin-egp", 0x40, 1, "01"),
        ("origin-unknown", 0x40, 1, "03"),
        (
            "path-of-all-kinds",
            0x40,
            2,
            "0202 0000fde9 fa56ea01 0101 00000001 0302 00000002 00000003 0401 00000004",
        ),
        ("path-empty", 0x40, 2, ""),
        ("next-hop-multicast", 0x40, 3, "e0000001"),
        ("med", 0x80, 4, "00000032"),
        ("med-of-3", 0x80, 4, "000032"),
        ("local-pref", 0x40, 5, "000000c8"),
        ("atomic", 0x40, 6, ""),
        ("atomic-of-1", 0x40, 6, "00"),
        ("aggregator-of-6", 0xc0, 7, "fde8c0000201"),
        ("aggregator-as-0", 0xc0, 7, "00000000c0000201"),
        (
            "well-known",
            0xc0,
            8,
            "ffff0000 ffff0001 ffff0006 ffff0007 ffff029a ffffff01 ffffff02 ffffff03 ffffff04 ffff0008 ffff0009 fde80064",
        ),
        ("originator", 0x80, 9, "0a000009"),
        ("originator-of-3", 0x80, 9, "0a0000"),
        ("clusters", 0x80, 10, "0a000001 0a000002"),
        ("clusters-of-3", 0x80, 10, "0a0000"),
        ("as4-path", 0xc0, 17, "0201 fa56ea01"),
        ("as4-aggregator", 0xc0, 18, "fa56ea01 c0000201"),
        (
            "traffic-engineering",
            0x80,
            24,
            "01 00 0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 0064 000000",
        ),
        ("traffic-engineering-cut", 0x80, 24, "01 00 0000 447a"),
        ("aigp-largest", 0x80, 26, "01 000b ffffffffffffffff"),
        (
            "aigp-others",
            0x80,
            26,
            "02 0004 07 01 000b 0000000000000009 01 000b 0000000000000008",
        ),
        ("aigp-transitive", 0xc0, 26, "01 000b 0000000000000009"),
        (
            "bfd-v6",
            0xc0,
            38,
            "01 00000009 01 10 20010db8000000000000000000000001",
        ),
        ("bfd-other", 0xc0, 38, "02 00000009 02 06 010203040506"),
        ("otc-of-5", 0xc0, 35, "0000fde900"),
        (
            "pmsi-rsvp",
            0xc0,
            22,
            "00 01 002710 0a000001 0000 0007 0a000002",
        ),
        (
            "pmsi-mldp",
            0xc0,
            22,
            "00 02 002710 06 0001 (0a000001) {010004 00000007}",
        ),
        (
            "pmsi-mldp-v6",
            0xc0,
            22,
            "00 07 002710 08 0002 (20010db8000000000000000000000001) {00}",
        ),
        (
            "pmsi-mldp-up",
            0xc0,
            22,
            "00 07 002710 07 0001 (0a000001) {}",
        ),
        (
            "pmsi-mldp-wrong",
            0xc0,
            22,
            "00 02 002710 09 0003 (0a000001) {}",
        ),
        ("pmsi-pim", 0xc0, 22, "00 03 002710 0a000001 ef010101"),
        (
            "pmsi-pim-v6",
            0xc0,
            22,
            "00 04 002710 20010db8000000000000000000000001 ff3e0000000000000000000000000001",
        ),
        (
            "pmsi-replication-v6",
            0xc0,
            22,
            "00 06 002710 20010db8000000000000000000000001",
        ),
        ("pmsi-cut", 0xc0, 22, "00 06 00"),
        (
            "te-packet-2",
            0x80,
            24,
            "02 01 0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 00 000000",
        ),
        (
            "te-packet-3",
            0x80,
            24,
            "03 02 0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 00 000000 04 03 0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 01 000000",
        ),
        (
            "te-layer-2",
            0x80,
            24,
            "33 05 0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000",
        ),
        (
            "te-tdm",
            0x80,
            24,
            "64 07 0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 00 000000",
        ),
        (
            "te-lambda",
            0x80,
            24,
            "96 08 0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 c8 09 0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 07 0b 0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000 447a0000",
        ),
        ("path-empty-segment", 0x40, 2, "0200"),
        ("path-of-octet", 0x40, 2, "02"),
        ("ext-of-7", 0xc0, 16, "00020000000000"),
        ("large-of-11", 0xc0, 32, "0000000000000000000000"),
        (
            "large-twice",
            0xc0,
            32,
            "000000010000000200000003 000000010000000200000003",
        ),
        ("communities-of-3", 0xc0, 8, "000000"),
        ("unknown-partial", 0xe0, 201, "01"),
        ("unknown-local", 0x80, 202, "01"),
        ("tunnel-cut", 0xc0, 23, "0008 0009 06"),
        ("tunnel-empty", 0xc0, 23, "0008{}"),
        ("tunnel-policies", 0xc0, 23, "000f{} 000f{}"),
        (
            "tunnel-endpoints",
            0xc0,
            23,
            "0008{06(00000000 0001 7f000001)} 0008{06(00000000 0001 c0000201) 04(030b 0000 00000064) 01(c0 002710 001122334455 0000)}",
        ),
    ];
    for (name, flags, code, text) in others {
        add(name.to_owned(), flags, code, hex(text));
    }
    all
}
