//! Routes octet by octet, as GoBGP 3.10 sends them, or, for the types it does not make, after the
//! figures of the RFCs.

use super::*;
use crate::nlri::{NlriBlock, asked, hex, put, spec};
use crate::{Label, Node, PathId};

fn examine(form: Form, bytes: &[u8]) -> Result<(NlriBlock<'_>, Counts<'_>), Malformed<'_>> {
    let spec = spec(Family::L2VPN_EVPN).unwrap();
    let mut counts = Counts::default();
    check(bytes, form, &mut counts)?;
    NlriBlock::check(spec, form, bytes).map(|block| (block, counts))
}

/// One route of a block.
fn read(bytes: &[u8]) -> (EvpnRoute, EvpnDetail) {
    let (block, counts) = examine(Form::default(), bytes).unwrap();
    assert_eq!((counts.all, counts.ignored), (1, 0), "{:?}", counts.faults);
    let (_, route, detail) = block.iter::<EvpnRoute>().next().unwrap();
    (route, detail)
}

/// Text and octets of a route of every type, with the longest and the shortest forms.
const EVERY: &[(&str, &str)] = &[
    // GoBGP.
    (
        "[1]:[65000:100]:[0]:[03:00:11:22:33:44:55:00:01:2c]",
        "01 19 0000fde800000064 0300112233445500012c 00000000 0001f4",
    ),
    (
        "[2]:[65000:100]:[7]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1]",
        "02 25 0000fde800000064 00112233445566778899 00000007 30 001122334455 20 0a000001 0003e8",
    ),
    (
        "[2]:[65000:100]:[7]:[48]:[00:11:22:33:44:56]",
        "02 24 0000fde800000064 00000000000000000000 00000007 30 001122334456 00 0003e8 0007d0",
    ),
    (
        "[2]:[10.0.0.9:5]:[7]:[48]:[00:11:22:33:44:57]:[128]:[2001:db8::1]",
        "02 34 00010a0000090005 00000000000000000000 00000007 30 001122334457 80 \
         20010db8000000000000000000000001 0003e8 0007d0",
    ),
    (
        "[3]:[65000:100]:[7]:[32]:[10.0.0.1]",
        "03 11 0000fde800000064 00000007 20 0a000001",
    ),
    (
        "[3]:[65000:100]:[7]:[128]:[2001:db8::1]",
        "03 1d 0000fde800000064 00000007 80 20010db8000000000000000000000001",
    ),
    (
        "[4]:[65000:100]:[01:00:11:22:33:44:55:00:64:00]:[32]:[10.0.0.1]",
        "04 17 0000fde800000064 01001122334455006400 20 0a000001",
    ),
    (
        "[5]:[65000:100]:[7]:[24]:[10.1.2.0]",
        "05 22 0000fde800000064 00000000000000000000 00000007 18 0a010200 0a0000fe 000258",
    ),
    (
        "[5]:[65000:100]:[7]:[48]:[2001:db8:1::]",
        "05 3a 0000fde800000064 00000000000000000000 00000007 30 20010db8000100000000000000000000 \
         00000000000000000000000000000000 000258",
    ),
    // RFC 9251 §9.1: (10.0.0.5, 239.1.1.1), and any source.
    (
        "[6]:[65000:100]:[7]:[32]:[10.0.0.5]:[32]:[239.1.1.1]:[32]:[10.0.0.1]",
        "06 1c 0000fde800000064 00000007 20 0a000005 20 ef010101 20 0a000001 04",
    ),
    (
        "[6]:[65000:100]:[7]:[0]:[*]:[32]:[239.1.1.1]:[32]:[10.0.0.1]",
        "06 18 0000fde800000064 00000007 00 20 ef010101 20 0a000001 0a",
    ),
    // RFC 9251 §9.2.
    (
        "[7]:[65000:100]:[7]:[00:11:22:33:44:55:66:77:88:99]:[0]:[*]:[128]:[ff3e::1]:[128]:\
         [2001:db8::1]",
        "07 3a 0000fde800000064 00112233445566778899 00000007 00 \
         80 ff3e0000000000000000000000000001 80 20010db8000000000000000000000001 02",
    ),
    // RFC 9251 §9.3.
    (
        "[8]:[65000:100]:[7]:[00:11:22:33:44:55:66:77:88:99]:[32]:[10.0.0.5]:[32]:[239.1.1.1]:\
         [32]:[10.0.0.1]",
        "08 2b 0000fde800000064 00112233445566778899 00000007 20 0a000005 20 ef010101 \
         20 0a000001 00000000 64 04",
    ),
    // RFC 9572 §3.1: the region is an AS, as an extended community.
    (
        "[9]:[65000:100]:[0]:[0x0009fde800000000]",
        "09 14 0000fde800000064 00000000 0009fde800000000",
    ),
    // RFC 9572 §3.2, the longest form.
    (
        "[10]:[65000:100]:[7]:[128]:[2001:db8::5]:[128]:[ff3e::1]:[128]:[2001:db8::1]",
        "0a 3f 0000fde800000064 00000007 80 20010db8000000000000000000000005 \
         80 ff3e0000000000000000000000000001 80 20010db8000000000000000000000001",
    ),
    // RFC 9572 §3.3: answers the route above, the longest form there is.
    (
        "[11]:[0x0a3f0000fde80000006400000007\
         8020010db800000000000000000000000580ff3e0000000000000000000000000001\
         8020010db8000000000000000000000001]:[128]:[2001:db8::2]",
        "0b 52 0a3f 0000fde800000064 00000007 80 20010db8000000000000000000000005 \
         80 ff3e0000000000000000000000000001 80 20010db8000000000000000000000001 \
         80 20010db8000000000000000000000002",
    ),
    (
        "[11]:[0x03110000fde80000006400000007200a000001]:[32]:[10.0.0.2]",
        "0b 18 0311 0000fde800000064 00000007 20 0a000001 20 0a000002",
    ),
];

#[test]
fn every_type_is_read_printed_parsed_and_written_as_it_was() {
    for (text, octets) in EVERY {
        let bytes = hex(octets);
        let (route, detail) = read(&bytes);
        assert_eq!(route.to_string(), *text);
        assert_eq!(text.parse(), Ok(route));
        assert_eq!(route.wire_len(&detail), bytes.len(), "{text}");
        let mut out = Vec::new();
        put(&mut out, true, PathId(9), &route, &detail);
        assert_eq!(out, [&[0, 0, 0, 9], &bytes[..]].concat(), "{text}");
        assert_eq!(
            route.rd().to_string(),
            if text.contains("10.0.0.9") {
                "10.0.0.9:5"
            } else {
                "65000:100"
            }
        );
    }
    assert_eq!(MAX_KEY, 82, "the longest of them");
    assert_eq!(size_of::<EvpnRoute>(), 84);
    assert!(size_of::<EvpnDetail>() <= 32);
}

/// RFC 7432 §7.1 to §7.4, RFC 9136 §3.1, RFC 9251 §9: what is no part of the key.
#[test]
fn what_belongs_to_the_path_is_no_part_of_the_key() {
    for (name, octets, change) in [
        ("label of type 1", EVERY[0].1, 24..27),
        ("ESI of type 2", EVERY[1].1, 10..20),
        ("label of type 2", EVERY[1].1, 36..39),
        ("ESI of type 5", EVERY[8].1, 10..20),
        ("gateway and label of type 5", EVERY[8].1, 41..60),
        ("flags of type 6", EVERY[9].1, 29..30),
        ("flags of type 7", EVERY[11].1, 59..60),
        ("reserved, time, flags of type 8", EVERY[12].1, 39..45),
    ] {
        let bytes = hex(octets);
        let mut other = bytes.clone();
        other[change.clone()]
            .iter_mut()
            .for_each(|octet| *octet ^= 0x5a);
        let ((route, detail), (same, different)) = (read(&bytes), read(&other));
        assert_eq!(route, same, "{name}");
        assert_ne!(detail, different, "{name}");
        let mut out = Vec::new();
        same.encode(&different, &mut out);
        assert_eq!(out, other, "{name}");
        // Of what is in front of it, no octet is free but those of a prefix beyond its length.
        let mut other = bytes;
        other[(change.start - 1).min(25)] ^= 1;
        let (block, _) = examine(Form::default(), &other).unwrap();
        assert_ne!(
            block.iter::<EvpnRoute>().next().map(|(_, one, _)| one),
            Some(route),
            "{name}"
        );
    }
}

#[test]
fn the_fields_are_found() {
    let esi = Esi([0, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99]);
    let rd: RouteDistinguisher = "65000:100".parse().unwrap();
    let mac = MacAddr([0, 0x11, 0x22, 0x33, 0x44, 0x55]);
    let ip = |text: &str| text.parse::<IpAddr>().ok();
    let (route, detail) = read(&hex(EVERY[1].1));
    assert_eq!(route, EvpnRoute::mac_ip(rd, 7, mac, ip("10.0.0.1")));
    assert_eq!((route.mac(), route.ip()), (Some(mac), ip("10.0.0.1")));
    assert_eq!(
        (route.ethernet_tag(), route.esi(), detail.esi()),
        (Some(7), None, Some(esi))
    );
    assert_eq!(detail.labels().map(Label::raw).collect::<Vec<_>>(), [1000]);
    assert_eq!(
        (route.originator(), route.prefix(), route.group()),
        (None, None, None)
    );

    let (route, detail) = read(&hex(EVERY[2].1));
    assert_eq!(route.ip(), None);
    assert_eq!(
        detail.labels().map(Label::raw).collect::<Vec<_>>(),
        [1000, 2000]
    );

    let (route, detail) = read(&hex(EVERY[7].1));
    assert_eq!(
        route,
        EvpnRoute::ip_prefix(rd, 7, "10.1.2.3/24".parse().unwrap())
    );
    assert_eq!(route.prefix(), "10.1.2.0/24".parse().ok());
    assert_eq!(detail.gateway(), ip("10.0.0.254"));
    let (route, detail) = read(&hex(EVERY[8].1));
    assert_eq!(route.prefix(), "2001:db8:1::/48".parse().ok());
    assert_eq!(
        (detail.gateway(), route.mac(), route.ip()),
        (None, None, None)
    );

    let (route, _) = read(&hex(EVERY[4].1));
    assert_eq!(
        route,
        EvpnRoute::inclusive_multicast(rd, 7, ip("10.0.0.1").unwrap())
    );
    assert_eq!((route.originator(), route.ip()), (ip("10.0.0.1"), None));
    let (route, _) = read(&hex(EVERY[6].1));
    let lacp = Esi([1, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0, 0x64, 0]);
    assert_eq!(
        route,
        EvpnRoute::ethernet_segment(rd, lacp, ip("10.0.0.1").unwrap())
    );
    assert_eq!((route.esi(), route.ethernet_tag()), (Some(lacp), None));
    let (route, _) = read(&hex(EVERY[0].1));
    let from_mac = Esi([3, 0, 0x11, 0x22, 0x33, 0x44, 0x55, 0, 0x01, 0x2c]);
    assert_eq!(route, EvpnRoute::ethernet_auto_discovery(rd, from_mac, 0));
    assert_eq!(
        (route.esi(), route.ethernet_tag()),
        (Some(from_mac), Some(0))
    );

    let (route, _) = read(&hex(EVERY[12].1));
    assert_eq!(
        (route.source(), route.group()),
        (ip("10.0.0.5"), ip("239.1.1.1"))
    );
    assert_eq!(
        (route.originator(), route.esi()),
        (ip("10.0.0.1"), Some(esi))
    );
    assert_eq!((route.ethernet_tag(), route.ip()), (Some(7), None));
    let (route, _) = read(&hex(EVERY[10].1));
    assert_eq!((route.source(), route.group()), (None, ip("239.1.1.1")));
    let (route, _) = read(&hex(EVERY[13].1));
    assert_eq!(route.region(), Some([0, 9, 0xfd, 0xe8, 0, 0, 0, 0]));
    let (route, _) = read(&hex(EVERY[16].1));
    assert_eq!((route.originator(), route.source()), (ip("10.0.0.2"), None));
    assert_eq!(route.route_key(), Some(&hex(EVERY[4].1)[..]));
}

/// RFC 7432 §7.2 and §7.3 name the lengths; RFC 7606 §5.4 what to do with unknown types; that the
/// neighbours are used follows from the length that each NLRI has.
#[test]
fn a_malformed_route_is_passed_over_and_its_neighbours_are_used() {
    let good = hex(EVERY[1].1);
    let with = |place: usize, octet: u8| {
        let mut bytes = good.clone();
        bytes[place] = octet;
        bytes
    };
    let v6_prefix = hex(EVERY[8].1);
    for (name, bytes, field) in [
        ("type 0", vec![0, 2, 1, 2], "Route Type"),
        ("type 12", vec![12, 0], "Route Type"),
        ("MAC of 47 bits", with(24, 47), "MAC Address Length"),
        ("IP of 33 bits", with(31, 33), "IP Address Length"),
        (
            "IP of 128 bits with four octets",
            with(31, 128),
            "EVPN NLRI",
        ),
        (
            "no route distinguisher",
            vec![2, 7, 0, 0, 0, 0, 0, 0, 0],
            "Length",
        ),
        ("nothing", vec![5, 0], "Length"),
        (
            "type 3 without address",
            [&[3, 13][..], &[0; 13]].concat(),
            "IP Address Length",
        ),
        ("type 5 of 35", [&[5, 35][..], &[0; 35]].concat(), "Length"),
        (
            "type 5 of 33 bits",
            [&[5, 34][..], &[0; 22], &[33], &[0; 11]].concat(),
            "IP Prefix Length",
        ),
        (
            "type 5 with IPv4 prefix and IPv6 gateway",
            [&[5, 46][..], &v6_prefix[2..48]].concat(),
            "Length",
        ),
        (
            "type 6 without originator",
            [&[6, 15][..], &[0; 15]].concat(),
            "Originator Router Length",
        ),
        (
            "type 11 with a key of seven",
            [&[11, 14][..], &[3, 7], &[0; 12]].concat(),
            "Route Key",
        ),
        (
            "type 11 longer than any",
            [&[11, 93][..], &[6, 74], &[0; 74], &[128], &[0; 16]].concat(),
            "Length",
        ),
    ] {
        for form in [
            Form::default(),
            Form {
                withdrawn: true,
                ..Form::default()
            },
        ] {
            let all = [&good[..], &bytes, &good].concat();
            let (block, counts) =
                examine(form, &all).unwrap_or_else(|error| panic!("{name}: {error:?}"));
            assert_eq!((block.len(), block.ignored()), (2, 1), "{name}");
            let ignored = [(Disposition::None, field)];
            assert_eq!(asked(counts.faults), ignored, "{name}");
            let routes: Vec<_> = block
                .iter::<EvpnRoute>()
                .map(|(_, route, _)| route.to_string())
                .collect();
            assert_eq!(routes, [EVERY[1].0, EVERY[1].0], "{name}");
            assert_eq!(block.describe().len(), 2, "{name}");
        }
        // Alone, there is nothing to use.
        let (block, _) = examine(Form::default(), &bytes).unwrap();
        assert!(
            block.is_empty() && block.iter::<EvpnRoute>().next().is_none(),
            "{name}"
        );
    }
}

/// RFC 7606 §2: what was there before must not stay. Where a route is withdrawn, its key is enough.
#[test]
fn a_route_with_a_key_and_a_malformed_end_is_treated_as_withdrawn() {
    let good = hex(EVERY[1].1);
    let mut no_ip = good.clone();
    no_ip[31] = 0;
    for (name, bytes) in [
        ("IP of none with four octets", no_ip),
        ("type 1 of 26", [&[1, 26][..], &[0; 26]].concat()),
        (
            "type 6 without flags",
            [&[6, 27][..], &hex(EVERY[9].1)[2..29]].concat(),
        ),
        ("type 9 of 21", [&[9, 21][..], &[0; 21]].concat()),
    ] {
        let all = [&good[..], &bytes, &good].concat();
        let mut form = Form::default();
        let (block, counts) = examine(form, &all).unwrap();
        let withdraw = [(Disposition::TreatAsWithdraw, "Length")];
        assert_eq!(asked(counts.faults), withdraw, "{name}");
        assert_eq!((block.len(), block.ignored()), (3, 0), "{name}");
        let announced: Vec<_> = block
            .iter::<EvpnRoute>()
            .map(|(_, route, _)| route)
            .collect();
        assert_eq!((announced.len(), announced[0]), (3, announced[2]), "{name}");
        assert_eq!(block.describe().len(), 3, "{name}");

        form.withdrawn = true;
        let (block, counts) = examine(form, &all).unwrap();
        let told = [(Disposition::None, "Length")];
        assert_eq!(asked(counts.faults), told, "{name}");
        let withdrawn: Vec<_> = block
            .iter::<EvpnRoute>()
            .map(|(_, route, _)| route)
            .collect();
        assert_eq!(withdrawn, announced, "{name}");
    }
}

#[test]
fn every_cut_of_every_route_is_an_error_and_no_octet_more_is_taken() {
    for (text, octets) in EVERY {
        let bytes = hex(octets);
        for cut in 1..bytes.len() {
            assert!(
                examine(Form::default(), &bytes[..cut]).is_err(),
                "{text} cut at {cut}"
            );
            // With a length that fits the cut, the value is wrong by itself.
            let Ok(length) = u8::try_from(cut.saturating_sub(2)) else {
                continue;
            };
            let mut framed = bytes[..cut.max(2)].to_vec();
            framed[1] = length;
            // But its key may be whole. The length of type 5 says of which family it is.
            let (route, detail) = read(&bytes);
            let tail = match route.kind() {
                EvpnKind::MacIp => detail.wire_len(&route) - ESI,
                EvpnKind::IpPrefix => 0,
                _ => detail.wire_len(&route),
            };
            let (block, _) = examine(Form::default(), &framed).unwrap();
            let whole = cut >= bytes.len() - tail;
            assert_eq!(block.len(), usize::from(whole), "{text} cut at {cut}");
        }
        let longer = [&bytes[..], &[0]].concat();
        assert!(
            examine(Form::default(), &longer).is_err(),
            "{text} and an octet"
        );
    }
    let no_id = hex(EVERY[4].1);
    let add_path = Form {
        add_path: true,
        ..Form::default()
    };
    assert!(examine(add_path, &no_id[..3]).is_err());
}

/// RFC 9136 §3.2.
#[test]
fn a_gateway_beside_an_ethernet_segment_asks_for_withdrawal() {
    let mut bytes = hex(EVERY[7].1);
    let withdrawn = Form {
        withdrawn: true,
        ..Form::default()
    };
    let faults_of = |bytes: &[u8], form| {
        let (_, counts) = examine(form, bytes).unwrap();
        assert_eq!((counts.all, counts.ignored), (1, 0));
        asked(counts.faults)
    };
    assert_eq!(faults_of(&bytes, Form::default()), []);
    bytes[19] = 1;
    assert_eq!(
        faults_of(&bytes, Form::default()),
        [(Disposition::TreatAsWithdraw, "GW IP Address")]
    );
    assert_eq!(faults_of(&bytes, withdrawn), []);
}

/// RFC 9136 §3.1: the length says how many bits of the address are the prefix.
#[test]
fn bits_beyond_the_length_of_a_prefix_are_cleared() {
    let mut bytes = hex(EVERY[7].1);
    let (route, _) = read(&bytes);
    bytes[28] = 0xff;
    assert_eq!(read(&bytes).0, route);
}

#[test]
fn a_withdrawal_needs_no_detail() {
    for (text, _) in EVERY {
        let route: EvpnRoute = text.parse().unwrap();
        let mut out = Vec::new();
        put(&mut out, false, PathId(0), &route, &EvpnRoute::withdrawn());
        let (block, counts) = examine(
            Form {
                withdrawn: true,
                ..Form::default()
            },
            &out,
        )
        .unwrap();
        assert_eq!((counts.all, counts.ignored), (1, 0), "{text}");
        assert_eq!(
            block.iter::<EvpnRoute>().next().map(|(_, one, _)| one),
            Some(route)
        );
    }
}

/// What a detail has that the type has no field for is not sent; the length stays right.
#[test]
fn a_detail_of_another_type_is_sent_as_zero() {
    let details: Vec<EvpnDetail> = EVERY
        .iter()
        .map(|(_, octets)| read(&hex(octets)).1)
        .collect();
    for (text, _) in EVERY {
        let route: EvpnRoute = text.parse().unwrap();
        for detail in &details {
            let mut out = Vec::new();
            route.encode(detail, &mut out);
            assert_eq!(out.len(), route.wire_len(detail), "{text} with {detail:?}");
            assert_eq!(read(&out).0, route, "{text} with {detail:?}");
        }
    }
}

#[test]
fn errors_name_the_character() {
    for (text, character) in [
        ("", 1),
        ("[]", 2),
        ("[2]", 4),
        ("2:65000:100", 1),
        ("[0]:[65000:100]", 2),
        ("[12]:[65000:100]:[0]", 2),
        ("[2]:[65x00:100]:[0]", 8),
        ("[2]:[65000:100]:[0]:[47]:[00:11:22:33:44:55]", 23),
        ("[2]:[65000:100]:[0]:[48]:[00:11:22:33:44]", 41),
        ("[2]:[65000:100]:[0]:[48]:[00:11:22:33:4g:55]", 40),
        (
            "[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]:[32]:[2001:db8::1]",
            52,
        ),
        ("[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]:[32]", 50),
        (
            "[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]:[128]:[10.0.0.1]",
            53,
        ),
        ("[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]:[0]:[*]", 47),
        (
            "[2]:[65000:100]:[0]:[48]:[00:11:22:33:44:55]:[32]:[10.0.0.1]:[0]",
            61,
        ),
        ("[1]:[65000:100]:[0]:[00:11:22:33:44:55:66:77:88]", 48),
        ("[3]:[65000:100]:[+0]:[32]:[10.0.0.1]", 18),
        ("[3]:[65000:100]:[4294967296]:[32]:[10.0.0.1]", 18),
        ("[3]:[65000:100]:[0]:[0]:[*]", 22),
        ("[3]:[65000:100]:[0]:[32]:[10.0.0.256]", 34),
        ("[5]:[65000:100]:[0]:[33]:[10.0.0.0]", 22),
        ("[5]:[65000:100]:[0]:[129]:[2001:db8::]", 22),
        ("[5]:[65000:100]:[0]:[8]:[10.1.0.0]", 26),
        (
            "[6]:[65000:100]:[0]:[0]:[x]:[32]:[239.0.0.1]:[32]:[10.0.0.1]",
            26,
        ),
        (
            "[6]:[65000:100]:[0]:[1]:[*]:[32]:[239.0.0.1]:[32]:[10.0.0.1]",
            22,
        ),
        ("[9]:[65000:100]:[0]:[0x0009fde8000000]", 38),
        ("[9]:[65000:100]:[0]:[0x0009fde80000000000]", 40),
        ("[11]:[0x0311]:[32]:[10.0.0.2]", 13),
        (
            "[11]:[0x03110000fde8000000640000000720]:[32]:[10.0.0.2]",
            39,
        ),
        ("[11]:[0x0307]:[32]:[10.0.0.2]", 11),
        ("[11]:[0xé]:[32]:[10.0.0.2]", 9),
    ] {
        let error = text.parse::<EvpnRoute>().unwrap_err();
        assert_eq!(error.character(), character, "{error}");
    }
    assert_eq!(
        "[3]:[65000:100]:[0]:[32]:[10.0.0.]"
            .parse::<EvpnRoute>()
            .unwrap_err()
            .to_string(),
        "`[3]:[65000:100]:[0]:[32]:[10.0.0.]` is no EVPN route: character 34 is `]`, \
         expected a number from 0 to 255"
    );
}

/// As `show bgp l2vpn evpn` of FRR has them: the route distinguisher is a title, or stands behind the route;
/// type 1 has more than its NLRI.
#[test]
fn routes_are_read_as_frr_prints_them() {
    let rd: RouteDistinguisher = "10.127.127.1:2".parse().unwrap();
    for (printed, route) in [
        (
            "[1]:[0]:[03:00:11:22:33:44:55:00:00:03]:[128]:[::]:[0]",
            "[1]:[10.127.127.1:2]:[0]:[03:00:11:22:33:44:55:00:00:03]",
        ),
        (
            "[1]:[4294967295]:[03:00:11:22:33:44:55:00:00:03]:[32]:[0.0.0.0]",
            "[1]:[10.127.127.1:2]:[4294967295]:[03:00:11:22:33:44:55:00:00:03]",
        ),
        (
            "[1]:[0]:[03:00:11:22:33:44:55:00:00:03]",
            "[1]:[10.127.127.1:2]:[0]:[03:00:11:22:33:44:55:00:00:03]",
        ),
        (
            "[2]:[0]:[48]:[0c:5d:d9:3b:00:00]",
            "[2]:[10.127.127.1:2]:[0]:[48]:[0c:5d:d9:3b:00:00]",
        ),
        (
            "[2]:[0]:[48]:[46:10:46:c7:b4:4c]:[128]:[fe80::4410:46ff:fec7:b44c]",
            "[2]:[10.127.127.1:2]:[0]:[48]:[46:10:46:c7:b4:4c]:[128]:[fe80::4410:46ff:fec7:b44c]",
        ),
        (
            "[3]:[0]:[32]:[10.255.1.1]",
            "[3]:[10.127.127.1:2]:[0]:[32]:[10.255.1.1]",
        ),
        (
            "[4]:[03:44:38:39:ff:ff:01:00:00:01]:[32]:[10.0.0.1]",
            "[4]:[10.127.127.1:2]:[03:44:38:39:ff:ff:01:00:00:01]:[32]:[10.0.0.1]",
        ),
        (
            "[5]:[0]:[24]:[172.20.10.0]",
            "[5]:[10.127.127.1:2]:[0]:[24]:[172.20.10.0]",
        ),
    ] {
        let whole: EvpnRoute = route.parse().unwrap();
        let of_any = EvpnRoute::without_rd(printed).unwrap().unwrap();
        assert_eq!(of_any.rd(), RouteDistinguisher::default(), "{printed}");
        assert_eq!(of_any.with_rd(rd), whole, "{printed}");
        for text in [
            format!("10.127.127.1:2:{printed}"),
            format!("10.127.127.1:2 {printed}"),
            format!("{printed} RD 10.127.127.1:2"),
        ] {
            assert_eq!(text.parse(), Ok(whole), "{text}");
        }
        assert!(printed.parse::<EvpnRoute>().is_err(), "{printed}");
        assert!(EvpnRoute::without_rd(route).is_none(), "{route}");
    }
    for (text, character) in [
        ("[5]:[0]:[33]:[172.20.10.0]", 10),
        ("[2]:[0]:[48]:[0c:5d:d9:3b:00]", 29),
        ("[5]:[0]:[24]", 13),
        ("[3]:[0]:[32]:[10.255.1.1]:[1]", 26),
    ] {
        let error = EvpnRoute::without_rd(text).unwrap().unwrap_err();
        assert_eq!(error.character(), character, "{error}");
    }
    for text in ["", "[", "[x]", "65000:100:[5]:[0]:[24]:[10.0.0.0]"] {
        assert!(EvpnRoute::without_rd(text).is_none(), "{text}");
    }
    for (text, character) in [
        ("65000:100:5", 1),
        ("65000:100[5]", 10),
        ("65000:100:[5]:[65000:100]:[0]:[24]:[10.0.0.0]", 21),
        ("[5]:[0]:[24]:[10.0.0.0] RD 65000", 33),
        ("65000:[5]:[0]:[24]:[10.0.0.0]", 7),
    ] {
        let error = text.parse::<EvpnRoute>().unwrap_err();
        assert_eq!(error.character(), character, "{error}");
    }
}

/// What is answered has 63 octets at most: RFC 9572 §3.2 with three addresses of IPv6.
#[test]
fn a_text_makes_no_route_that_cannot_be_sent() {
    for (length, fits) in [(8, true), (63, true), (64, false), (255, false)] {
        let text = format!(
            "[11]:[0x0a{length:02x}{}]:[128]:[2001:db8::1]",
            "01".repeat(length)
        );
        let route = text.parse::<EvpnRoute>();
        assert_eq!(route.is_ok(), fits, "{text}");
        let Ok(route) = route else { continue };
        let mut out = Vec::new();
        put(&mut out, false, PathId(0), &route, &EvpnRoute::withdrawn());
        assert_eq!(read(&out).0, route, "{text}");
    }
}

#[test]
fn fields_have_names() {
    let bytes = hex(EVERY[2].1);
    let (block, _) = examine(Form::default(), &bytes).unwrap();
    let [Node::Fields(fields)] = &block.describe()[..] else {
        panic!("there is one")
    };
    assert_eq!(
        fields.get("type"),
        Some(&Node::Named(2, Some("MAC/IP Advertisement")))
    );
    assert_eq!(fields.get("rd"), Some(&Node::text("65000:100")));
    assert_eq!(fields.get("mac"), Some(&Node::text("00:11:22:33:44:56")));
    assert_eq!(fields.get("ip"), None);
    let label = |label, vni| {
        Node::fields(|fields| {
            fields.named("label", label, None::<&str>);
            fields.number("vni", vni);
        })
    };
    assert_eq!(
        fields.get("labels"),
        Some(&Node::List(vec![label(62u32, 1000u32), label(125, 2000)]))
    );
    let Some(Node::Fields(esi)) = fields.get("esi") else {
        panic!("there is one")
    };
    assert_eq!(esi.get("type"), Some(&Node::Named(0, Some("single-homed"))));

    let (route, detail) = read(&hex(EVERY[10].1));
    let Node::Fields(fields) = Node::fields(|fields| route.describe(&detail, fields)) else {
        panic!()
    };
    let Some(Node::Fields(flags)) = fields.get("flags") else {
        panic!("there are some")
    };
    // 0x0a: version 2, exclude.
    let set: Vec<_> = flags
        .iter()
        .filter(|(_, value)| **value == Node::Flag(true))
        .collect();
    assert_eq!(
        set.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
        ["v2", "exclude"]
    );
}

#[test]
fn routes_are_ordered_by_type_and_then_by_their_fields() {
    let mut routes: Vec<EvpnRoute> = EVERY
        .iter()
        .rev()
        .map(|(text, _)| text.parse().unwrap())
        .collect();
    routes.sort();
    let kinds: Vec<u8> = routes.iter().map(|route| route.kind().number()).collect();
    assert!(kinds.is_sorted());
    for pair in routes.windows(2) {
        assert_ne!(pair[0], pair[1]);
    }
    for number in 0..=255 {
        assert_eq!(
            EvpnKind::from_u8(number).map(EvpnKind::number),
            (1..=11).contains(&number).then_some(number)
        );
    }
}
