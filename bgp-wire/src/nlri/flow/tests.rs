//! Rules octet by octet, of the examples of the RFCs and as GoBGP 3.10 sends them.

use super::*;
use crate::nlri::{Form, NlriBlock, asked, hex, spec};
use crate::{Disposition, Family};

const V4: Family = Family::IPV4_FLOWSPEC;
const V6: Family = Family::IPV6_FLOWSPEC;

/// Family, text, octets.
const EVERY: &[(Family, &str, &str)] = &[
    // RFC 8955 §4.3.1, and so GoBGP.
    (
        V4,
        "{dst 192.0.2.0/24, proto =tcp, port =25}",
        "0b 0118c00002 038106 048119",
    ),
    // RFC 8955 §4.3.2, and so GoBGP.
    (
        V4,
        "{dst 192.0.2.0/24, src 203.0.113.0/24, port >=137&<=139|=8080}",
        "12 0118c00002 0218cb0071 04 0389 458b 911f90",
    ),
    // RFC 8955 §4.3.3.
    (
        V4,
        "{dst 192.0.2.1/32, fragment any(df+ff)}",
        "09 0120c0000201 0c 8005",
    ),
    // GoBGP.
    (
        V4,
        "{dst 192.0.2.1/32, icmp-type =8, tcp-flags all(syn+ack)|not any(rst), length >=100&<=1500, \
         dscp =46, fragment any(df+ff)}",
        "1a 0120c0000201 078108 09 0112 8204 0a 0364 d505dc 0b812e 0c8005",
    ),
    (
        Family::IPV4_FLOWSPEC_VPN,
        "65000:100:{dst 10.0.0.0/24, sport >1024}",
        "11 0000fde800000064 01180a0000 06 920400",
    ),
    (
        Family::IPV6_FLOWSPEC_VPN,
        "65000:100:{dst 2001:db8::/48, proto =udp}",
        "14 0000fde800000064 01300020010db80000 038111",
    ),
    // RFC 8956 §3.8.1.
    (
        V6,
        "{dst ::1234:5678:9a00:0/64-104, src 2001:db8::/32, proto =tcp}",
        "12 01 68 40 123456789a 02 20 00 20010db8 03 81 06",
    ),
    // RFC 8956 §3.8.2: the pattern begins behind the offset, wherever in an octet that is.
    (
        V6,
        "{src ::1:1234:5678:9800:0/60-104}",
        "09 02 68 3c 112345678980",
    ),
    // RFC 8956 §3.7, the end of a rule of GoBGP's.
    (
        V6,
        "{dport !=22, flow-label =100000}",
        "09 058616 0da1000186a0",
    ),
    // RFC 8956 §3.1: everything.
    (V6, "{dst ::/0}", "03 010000"),
    // All bits and none: RFC 8955 §4.2.1.1; values of every length.
    (
        V4,
        "{proto true|false|=255, port =1|=2|<3, tcp-flags not all(fin+0x200)|any(0x0)}",
        "24 03 0700 0000 81ff 04 11 0001 21 00000002 b4 0000000000000003 09 13 0201 80 00",
    ),
];

fn check(family: Family, bytes: &[u8]) -> Result<NlriBlock<'_>, Malformed<'_>> {
    NlriBlock::check(spec(family).unwrap(), Form::default(), bytes)
}

/// The octets with the length that is theirs.
fn framed(octets: &str) -> Vec<u8> {
    let mut bytes = hex(octets);
    bytes[0] = u8::try_from(bytes.len() - 1).unwrap();
    bytes
}

#[test]
fn rules_are_shown_as_people_write_them() {
    for (family, text, octets) in EVERY {
        let bytes = framed(octets);
        let block = check(*family, &bytes).unwrap();
        assert_eq!((block.len(), block.ignored()), (1, 0), "{text}");
        assert_eq!(block.to_string(), *text);
        assert_eq!(block.bytes(), bytes);
    }
    // All but the last are with the length of the example.
    for (_, text, octets) in &EVERY[..10] {
        assert_eq!(hex(octets), framed(octets), "{text}");
    }
}

/// RFC 8955 §4.2.2.11: DSCP is "the six least significant bits", "All other bits SHOULD be treated as 0".
/// §4.2.2.12, RFC 8956 §3.6: the bits of fragment are 0000 LF FF IsF DF, and with IPv6 0000 LF FF IsF 0,
/// where 0 "MUST be ignored during decoding".
#[test]
fn bits_that_must_not_count_mean_nothing() {
    for (family, octets, text, value) in [
        (V4, "03 0b 81 ee", "{dscp =46}", 46),
        (V4, "03 0c 81 f3", "{fragment all(df+isf)}", 3),
        (V6, "03 0c 81 f3", "{fragment all(isf)}", 2),
        (V6, "03 0c 80 01", "{fragment any(0x0)}", 0),
    ] {
        let bytes = hex(octets);
        let block = check(family, &bytes).unwrap();
        assert_eq!(block.to_string(), text);
        let [Node::Fields(rule)] = &block.describe()[..] else {
            panic!("there is one");
        };
        let shown = format!("{rule:?}");
        let said = format!("\"value\", Number({value})");
        assert!(shown.contains(&said), "{shown}");
        assert_eq!(block.bytes(), bytes, "it is passed on as it is");
    }
}

#[test]
fn several_rules_with_path_identifiers() {
    let rule = framed(EVERY[0].2);
    let bytes = [&[0, 0, 0, 7], &rule[..], &[0, 0, 0, 8], &rule].concat();
    let form = Form {
        add_path: true,
        ..Form::default()
    };
    let block = NlriBlock::check(spec(V4).unwrap(), form, &bytes).unwrap();
    let text = EVERY[0].1;
    assert_eq!(block.to_string(), format!("{text}#7 {text}#8"));
    let [Node::Fields(first), Node::Fields(_)] = &block.describe()[..] else {
        panic!("there are two");
    };
    assert_eq!(first.get("path_id"), Some(&Node::Number(7)));
}

/// RFC 8955 §4.1: from 240 octets on, the length has two octets.
#[test]
fn a_length_of_two_octets() {
    let mut bytes = vec![0xf0, 0xf1, 4];
    for _ in 0..79 {
        bytes.extend([0x11, 0x1f, 0x90]);
    }
    bytes.extend([0x91, 0x1f, 0x90]);
    assert_eq!(bytes.len(), 2 + 0xf1);
    let block = check(V4, &bytes).unwrap();
    assert_eq!((block.len(), block.ignored()), (1, 0));
    assert!(block.to_string().ends_with("|=8080}"));
    assert!(check(V4, &bytes[..bytes.len() - 1]).is_err());
    assert!(check(V4, &[0xf0]).is_err());
    // The longer form where the shorter would do.
    let small = [&[0xf0], &framed(EVERY[0].2)[..]].concat();
    assert_eq!(check(V4, &small).unwrap().to_string(), EVERY[0].1);
}

/// RFC 8955 §4.2, RFC 8956 §3.1. The rule beside it is used.
#[test]
fn a_malformed_rule_is_passed_over() {
    let good = framed(EVERY[0].2);
    for (name, family, octets, field) in [
        ("nothing", V4, "00", "Flow Specification"),
        ("type 0", V4, "00 00", "Component Type"),
        ("type 13 of IPv4", V4, "00 0d8105", "Component Type"),
        ("type 14", V6, "00 0e8105", "Component Type"),
        ("descending", V4, "00 048119 038106", "Component Type"),
        ("twice", V4, "00 038106 038111", "Component Type"),
        (
            "prefix of 33 bits",
            V4,
            "00 01210a00000000",
            "Prefix Length",
        ),
        ("prefix cut", V4, "00 01180a00", "Prefix"),
        ("no end bit", V4, "00 030106", "Operator"),
        ("value cut", V4, "00 049119", "Operator"),
        ("type alone", V4, "00 03", "Operator"),
        ("TCP flags of four octets", V4, "00 09a100000001", "Value"),
        ("DSCP of two octets", V4, "00 0b91002e", "Value"),
        ("fragment of two octets", V4, "00 0c910001", "Value"),
        ("IPv6 prefix of 129 bits", V6, "00 018100", "Prefix Length"),
        (
            "IPv6 offset beyond the length",
            V6,
            "00 012021",
            "Prefix Length",
        ),
        (
            "IPv6 offset of the length",
            V6,
            "00 012020",
            "Prefix Length",
        ),
        ("IPv6 pattern cut", V6, "00 01300020010db800", "Prefix"),
        (
            "RD cut",
            Family::IPV4_FLOWSPEC_VPN,
            "00 0000fde8000000",
            "Flow Specification",
        ),
        (
            "RD alone",
            Family::IPV4_FLOWSPEC_VPN,
            "00 0000fde800000064",
            "Flow Specification",
        ),
    ] {
        let bytes = framed(octets);
        let (_, faults) = NlriBlock::examine(spec(family).unwrap(), Form::default(), &bytes);
        assert_eq!(asked(faults), [(Disposition::None, field)], "{name}");
        let block = check(family, &bytes).unwrap();
        assert_eq!((block.len(), block.ignored()), (0, 1), "{name}");
        assert_eq!(
            (block.to_string().as_str(), block.describe()),
            ("", vec![]),
            "{name}"
        );
        if family == V4 {
            let all = [&good[..], &bytes, &good].concat();
            let block = check(family, &all).unwrap();
            assert_eq!((block.len(), block.ignored()), (2, 1), "{name}");
            assert_eq!(block.to_string(), format!("{0} {0}", EVERY[0].1), "{name}");
        }
    }
}

#[test]
fn every_cut_of_every_rule_is_an_error_or_passed_over() {
    for (family, text, octets) in EVERY {
        let bytes = framed(octets);
        for cut in 1..bytes.len() {
            assert!(
                check(*family, &bytes[..cut]).is_err(),
                "{text} cut at {cut}"
            );
            // With a length that fits, fewer components are a rule as well, but never this one.
            let mut short = bytes[..cut].to_vec();
            short[0] = u8::try_from(cut - 1).unwrap();
            let shown = check(*family, &short).unwrap().to_string();
            assert_ne!(shown, *text, "cut at {cut}");
        }
    }
}

#[test]
fn fields_have_names() {
    let bytes = framed(EVERY[3].2);
    let [Node::Fields(rule)] = &check(V4, &bytes).unwrap().describe()[..] else {
        panic!("there is one");
    };
    let Some(Node::List(components)) = rule.get("components") else {
        panic!("there are some");
    };
    let names: Vec<_> = components
        .iter()
        .map(|one| match one {
            Node::Fields(fields) => fields.get("type").cloned(),
            _ => None,
        })
        .collect();
    let named = |number, name| Some(Node::Named(number, Some(name)));
    assert_eq!(
        names,
        [
            named(1, "Destination Prefix"),
            named(7, "ICMP Type"),
            named(9, "TCP Flags"),
            named(10, "Packet Length"),
            named(11, "DSCP"),
            named(12, "Fragment"),
        ]
    );
    let Node::Fields(flags) = &components[2] else {
        panic!("it has fields");
    };
    let Some(Node::List(operators)) = flags.get("operators") else {
        panic!("it has operators");
    };
    let syn_ack = Node::fields(|fields| {
        fields.flag("and", false);
        fields.flag("not", false);
        fields.flag("match", true);
        fields.number("value", 0x12u8);
        fields.list("bits", ["syn", "ack"].map(Node::text));
    });
    assert_eq!((operators.len(), &operators[0]), (2, &syn_ack));
}
