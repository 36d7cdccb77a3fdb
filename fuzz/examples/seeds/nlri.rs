//! Blocks of NLRI of every family, behind its place in the set of all and the form.

use bgp_wire::{Family, FamilySet};

use crate::{Seeds, hex};

/// All of them: announced, withdrawn, with path identifiers.
pub(crate) fn every() -> Seeds {
    let rd: &[u8] = &[0, 0, 0xfd, 0xe8, 0, 0, 0, 1];
    let esi: &[u8] = &[0; 10];
    let tag: &[u8] = &[0; 4];
    let mac: &[u8] = &[48, 0, 0x11, 0x22, 0x33, 0x44, 0x55];
    let evpn = |kind: u8, parts: &[&[u8]]| -> Vec<u8> {
        let value = parts.concat();
        let length = u8::try_from(value.len()).expect("short");
        [&[kind, length], &value[..]].concat()
    };
    let label: &[u8] = &[0, 1, 0x11];
    let ip: &[u8] = &[32, 10, 0, 0, 1];
    let blocks: Vec<(&str, Family, Vec<u8>)> = vec![
        ("v4", Family::IPV4_UNICAST, vec![8, 10, 24, 192, 0, 2]),
        ("v6", Family::IPV6_UNICAST, vec![32, 0x20, 1, 0xd, 0xb8, 0]),
        ("labeled-v4", Family::IPV4_LABELED, vec![32, 0, 1, 0x11, 10]),
        (
            "labeled-v4-two",
            Family::IPV4_LABELED,
            vec![56, 0, 1, 0x10, 0, 2, 0x11, 10],
        ),
        (
            "labeled-v6",
            Family::IPV6_LABELED,
            vec![40, 0, 1, 0x11, 0x20, 1],
        ),
        (
            "vpnv4",
            Family::IPV4_VPN,
            [&[112], label, rd, &[10, 1, 2]].concat(),
        ),
        (
            "vpnv6",
            Family::IPV6_VPN,
            [&[120], label, rd, &[0x20, 1, 0xd, 0xb8]].concat(),
        ),
        (
            "rtc",
            Family::RTC,
            [
                &[96, 0, 0, 0xfd, 0xe8],
                &[0, 2, 0xfd, 0xe8, 0, 0, 0, 1][..],
                &[0],
            ]
            .concat(),
        ),
        (
            "evpn-1",
            Family::L2VPN_EVPN,
            evpn(1, &[rd, esi, tag, label]),
        ),
        (
            "evpn-2",
            Family::L2VPN_EVPN,
            evpn(2, &[rd, esi, tag, mac, ip, label, label]),
        ),
        ("evpn-3", Family::L2VPN_EVPN, evpn(3, &[rd, tag, ip])),
        ("evpn-4", Family::L2VPN_EVPN, evpn(4, &[rd, esi, ip])),
        (
            "evpn-5",
            Family::L2VPN_EVPN,
            evpn(5, &[rd, esi, tag, &[24, 10, 0, 0, 0], &[0; 4], label]),
        ),
        (
            "evpn-6",
            Family::L2VPN_EVPN,
            evpn(6, &[rd, tag, &[0], &[32, 239, 1, 1, 1], ip, &[4]]),
        ),
        (
            "evpn-7",
            Family::L2VPN_EVPN,
            evpn(7, &[rd, esi, tag, &[0], &[32, 239, 1, 1, 1], ip, &[4]]),
        ),
        (
            "evpn-8",
            Family::L2VPN_EVPN,
            evpn(
                8,
                &[
                    rd,
                    esi,
                    tag,
                    &[0],
                    &[32, 239, 1, 1, 1],
                    ip,
                    &[0; 4],
                    &[9, 4],
                ],
            ),
        ),
        ("evpn-9", Family::L2VPN_EVPN, evpn(9, &[rd, tag, &[7; 8]])),
        (
            "evpn-10",
            Family::L2VPN_EVPN,
            evpn(10, &[rd, tag, ip, &[32, 239, 1, 1, 1], ip]),
        ),
        // RFC 8955 §4.3: "packets to 192.0.2.0/24 and TCP port 25".
        (
            "flowspec-v4",
            Family::IPV4_FLOWSPEC,
            vec![0x0b, 1, 0x18, 0xc0, 0, 2, 3, 0x81, 6, 4, 0x81, 0x19],
        ),
        // RFC 8956 §3.8.
        (
            "flowspec-v6",
            Family::IPV6_FLOWSPEC,
            vec![
                0x0f, 1, 0x68, 0x40, 0x12, 0x34, 0x56, 0x78, 0x9a, 3, 0x81, 6, 13, 0x81, 1, 0,
            ],
        ),
        (
            "sr-policy",
            Family::IPV4_SR_POLICY,
            vec![96, 0, 0, 0, 1, 0, 0, 0, 100, 10, 0, 0, 1],
        ),
        (
            "link-state",
            Family::LINK_STATE,
            vec![
                0, 1, 0, 23, 2, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 10, 2, 0, 0, 6, 1, 2, 3, 4, 5, 6,
            ],
        ),
    ];
    let texts = [
        (
            "v4-others",
            Family::IPV4_UNICAST,
            "00 20 c0000201 08e0 19c0000280",
        ),
        (
            "v6-others",
            Family::IPV6_UNICAST,
            "00 80 20010db8000000000000000000000001 08ff 0afe80",
        ),
        ("v4-of-33", Family::IPV4_UNICAST, "21 0000000000"),
        ("v6-cut", Family::IPV6_UNICAST, "40 2001"),
        ("multicast-v4", Family::IPV4_MULTICAST, "18c00002"),
        ("multicast-v6", Family::IPV6_MULTICAST, "2020010db8"),
        (
            "labeled-withdrawn",
            Family::IPV4_LABELED,
            "20 800000 0a 20 000000 0a",
        ),
        ("labeled-short", Family::IPV4_LABELED, "17 000111"),
        (
            "labeled-without-bottom",
            Family::IPV4_LABELED,
            "48 000100 000100 c00002",
        ),
        (
            "labeled-special",
            Family::IPV4_LABELED,
            "20 000001 0a 20 000011 0a 20 000021 0a 20 000031 0a",
        ),
        (
            "vpnv4-rds",
            Family::IPV4_VPN,
            "70 000111 0001c00002010007 0a0102 70 000111 0002fa56ea000009 0a0102 70 000111 0002000000640009 0a0102 70 000111 0003010203040506 0a0102",
        ),
        ("vpnv4-short", Family::IPV4_VPN, "57 000111 0000fde8000000"),
        (
            "vpnv6-long",
            Family::IPV6_VPN,
            "d9 000111 0000fde800000064 20010db8 00000000 00000000 00000000",
        ),
        (
            "rtc-partial",
            Family::RTC,
            "30 0000fde8 0002 40 0000fde8 0002fde8 20 0000fde8 0801 61 00",
        ),
        (
            "evpn-2-mac",
            Family::L2VPN_EVPN,
            "0221 0000fde800000064 00112233445566778899 00000007 30 001122334455 00 000640",
        ),
        (
            "evpn-2-v6",
            Family::L2VPN_EVPN,
            "0234 0000fde800000064 03112233445566778899 00000007 30 001122334455 80 20010db8000000000000000000000001 000640 000641",
        ),
        (
            "evpn-3-v6",
            Family::L2VPN_EVPN,
            "031d 0000fde800000064 00000007 80 20010db8000000000000000000000001",
        ),
        (
            "evpn-5-v6",
            Family::L2VPN_EVPN,
            "053a 0000fde800000064 04112233445566778899 00000007 30 20010db8000100000000000000000000 00000000000000000000000000000000 000640",
        ),
        (
            "evpn-5-contradiction",
            Family::L2VPN_EVPN,
            "0522 0000fde800000064 05112233445566778899 00000007 18 0a010200 0a0000fe 000640",
        ),
        (
            "evpn-segments",
            Family::L2VPN_EVPN,
            "0417 0000fde800000064 01112233445566778899 20 0a000001 0417 0000fde800000064 02112233445566778899 20 0a000001 0417 0000fde800000064 ffffffffffffffffffff 20 0a000001 0417 0000fde800000064 06112233445566778899 20 0a000001",
        ),
        (
            "evpn-11",
            Family::L2VPN_EVPN,
            "0b18 0311 0000fde800000064 00000007 20 0a000001 20 0a000002",
        ),
        (
            "evpn-10-v6",
            Family::L2VPN_EVPN,
            "0a3f 0000fde800000064 00000007 80 20010db8000000000000000000000005 80 ff3e0000000000000000000000000001 80 20010db8000000000000000000000001",
        ),
        (
            "evpn-malformed",
            Family::L2VPN_EVPN,
            "0c00 0221 0000fde800000064 00000000000000000000 00000007 2f 001122334455 00 000640 0311 0000fde800000064 00000007 21 0a000001 0522 0000fde800000064 00000000000000000000 00000007 21 0a010200 0a0000fe 000640 0b0c 0307 0000fde800000000 20 0a",
        ),
        (
            "evpn-ends",
            Family::L2VPN_EVPN,
            "0312 0000fde800000064 00000007 20 0a000001 00 0118 0000fde800000064 00112233445566778899 00000007 0001",
        ),
        (
            "sr-policy-v6",
            Family::IPV6_SR_POLICY,
            "c0 00000001 00000064 20010db8000000000000000000000002",
        ),
        (
            "sr-policy-malformed",
            Family::IPV4_SR_POLICY,
            "5f 00000001 00000064 0a000001 60 00000001 00000064 0a000001",
        ),
        (
            "vpls",
            Family::L2VPN_VPLS,
            "0011 0000fde800000064 0001 0001 0008 0186a1 000c 0000fde800000064 0a000001 0003 010203",
        ),
        (
            "flowspec-all",
            Family::IPV4_FLOWSPEC,
            "(01 18 c00002 02 08 0a 03 01 01 01 02 01 04 01 06 01 11 01 29 01 2f 01 32 01 33 01 3a 01 59 01 67 01 70 81 84 04 03 19 45 50 95 1f90) (05 91 1f90 06 81 35 07 81 08 08 81 00 09 80 12 0a 91 05dc 0b 81 2e 0c 80 0f)",
        ),
        (
            "flowspec-operators",
            Family::IPV4_FLOWSPEC,
            "(04 00 01 01 02 02 03 03 04 04 05 05 06 06 07 87 08) (09 00 01 01 02 02 04 43 08 80 ff) (0c 00 01 02 02 81 0f)",
        ),
        (
            "flowspec-long",
            Family::IPV4_FLOWSPEC,
            "f0 0e 01 18 c00002 03 01 06 81 11 04 81 19",
        ),
        (
            "flowspec-wide",
            Family::IPV4_FLOWSPEC,
            "(04 21 00000019 b1 0000000000000019 09 11 0203 81 10)",
        ),
        (
            "flowspec-malformed",
            Family::IPV4_FLOWSPEC,
            "() (01 18 c0) (04 63) (81 01 00) (03 81 06 03 81 11) (01 21 0000000000) (02) (03 01) (0b 91 002e) (63 81 01) (04 01)",
        ),
        (
            "flowspec-v6-all",
            Family::IPV6_FLOWSPEC,
            "(01 40 20 00010002 02 20 00 20010db8 03 81 3a 07 81 80 08 81 00 0c 80 0f 0d 91 0001) (01 20 21 00) (01 81 00) (01 20)",
        ),
        (
            "flowspec-vpn",
            Family::IPV4_FLOWSPEC_VPN,
            "(0000fde800000064 01 18 c00002 03 81 06 04 81 19) (0000)",
        ),
        (
            "flowspec-vpn-v6",
            Family::IPV6_FLOWSPEC_VPN,
            "(0000fde800000064 01 20 00 20010db8 03 81 06 04 81 19)",
        ),
        ("flowspec-half", Family::IPV4_FLOWSPEC, "f1"),
        (
            "link-state-link",
            Family::LINK_STATE,
            "0002{02 0000000000000000 0100{0200{0000fde8} 0201{00000000} 0202{00000000} 0203{192000000001}} 0101{0200{0000fde8} 0203{19200000000201}} 0102{0000000100000002} 0103{0a000001} 0104{0a000002} 0107{0002}}",
        ),
        (
            "link-state-link-v6",
            Family::LINK_STATE,
            "0002{06 0000000000000001 0100{0203{0a000001}} 0101{0203{0a0000010a000002}} 0105{20010db8000000000000000000000001} 0106{20010db8000000000000000000000002} 0106{20010db8000000000000000000000003}}",
        ),
        (
            "link-state-epe",
            Family::LINK_STATE,
            "0002{07 0000000000000000 0100{0200{0000fde8} 0204{0a000001} 0205{0000fde9}} 0101{0200{0000fdea} 0204{0a000002}} 0102{0000000100000002}}",
        ),
        (
            "link-state-prefix-v4",
            Family::LINK_STATE,
            "0003{03 0000000000000000 0100{0203{0a000001}} 0108{01} 0109{18 0a0102} ffff{}} 0003{03 0000000000000000 0100{} 0108{02}} 0003{03 0000000000000000 0108{03}} 0003{03 0000000000000000 0108{04}} 0003{03 0000000000000000 0108{05}} 0003{03 0000000000000000 0108{06}} 0003{03 0000000000000000 0108{07}}",
        ),
        (
            "link-state-prefix-v6",
            Family::LINK_STATE,
            "0004{06 0000000000000000 0100{0203{0a000001}} 0107{00020003} 0109{10 2001}}",
        ),
        (
            "link-state-prefixes-wrong",
            Family::LINK_STATE,
            "0003{03 0000000000000000 0100{} 0109{18 0a01}} 0003{03 0000000000000000 0100{} 0109{21 0a010203}} 0003{03 0000000000000000 0109{}} 0004{03 0000000000000000 0109{ff}}",
        ),
        (
            "link-state-srv6",
            Family::LINK_STATE,
            "0006{04 0000000000000000 0100{0203{0a000001}} 0206{20010db8000000000000000000000001}}",
        ),
        (
            "link-state-protocols",
            Family::LINK_STATE,
            "0001{01 0000000000000000 0100{}} 0001{03 0000000000000000 0100{}} 0001{04 0000000000000000 0100{}} 0001{05 0000000000000000 0100{}} 0001{07 0000000000000000 0100{}} 0001{08 0000000000000000 0100{}} 0001{09 0000000000000000 0100{}} 0001{c8 0000000000000000 0100{}} 0005{09 0000000000000000 0100{}}",
        ),
        (
            "link-state-lengths",
            Family::LINK_STATE,
            "0002{02 0000000000000000 0100{0200{00} 0201{00} 0203{0a} 0206{01}} 0101{0400{01}} 0102{00} 0103{0a} 0105{20} 0107{00} 0108{}}",
        ),
        (
            "link-state-unknown",
            Family::LINK_STATE,
            "0063{07} 0001{0100} 0001{02 0000000000000000 0100 0009} 0001{05 0000000000000000 0100{0200 0004}}",
        ),
        (
            "link-state-order",
            Family::LINK_STATE,
            "0001{02 0000000000000000 0100{0203{192000000001} 0200{0000fde8}}} 0001{c8 0000000000000000 0109{} 0100{}} 0001{02 0000000000000000 0100{0200{0000fde8} 0200{0000fde8}}}",
        ),
        ("link-state-cut", Family::LINK_STATE, "0001 0009 02"),
        (
            "link-state-vpn",
            Family::LINK_STATE_VPN,
            "0001{0000fde800000064 07 0000000000000000 0100{0203{0a000001}}} 0001{0000}",
        ),
        (
            "mvpn",
            Family::IPV4_MVPN,
            "01(0000fde800000064 0a000001) 02(0000fde800000064 0000fde9) 03(0000fde800000064 20 0a000005 20 ef010101 0a000001) 04(03(0000fde800000064 20 0a000005 20 ef010101 0a000001) c0000202) 05(0000fde800000064 20 0a000005 20 ef010101) 06(0000fde800000064 0000fde9 20 0a000005 20 ef010101) 07(0000fde800000064 0000fde9 20 0a000005 20 ef010101) 08() 01(0000)",
        ),
        (
            "mvpn-v6",
            Family::IPV6_MVPN,
            "01(0000fde800000064 20010db8000000000000000000000001) 05(0000fde800000064 80 20010db8000000000000000000000005 80 ff3e0000000000000000000000000001)",
        ),
    ];
    let texts = texts.map(|(name, family, text)| (name, family, hex(text)));
    let blocks = blocks.into_iter().map(|block| (block, false));
    let blocks = blocks.chain(texts.map(|block| (block, true)));
    let places: Vec<Family> = FamilySet::supported().iter().collect();
    let mut seeds = Seeds::new();
    for ((name, family, block), made) in blocks {
        let place = places.iter().position(|known| *known == family);
        let place = u8::try_from(place.expect("a supported family")).expect("few");
        for (form, choice) in [("", 2u8), ("-withdrawn", 4)] {
            seeds.push((
                format!("{name}{form}"),
                [&[place, choice], &block[..]].concat(),
            ));
        }
        if made {
            continue;
        }
        let with_id = [&[place, 1, 0, 0, 0, 7], &block[..]].concat();
        seeds.push((format!("{name}-add-path"), with_id));
    }
    seeds
}
