//! Families whose routes are read and passed on: flow specifications, SR policies, link state.

use bgp_wire::{Encoding, encode_update};
use bytes::BytesMut;

use super::*;

/// RFC 8955 §4.3.1: to 192.0.2.0/24 and TCP port 25.
pub(crate) const FLOW: [u8; 12] = [0x0b, 1, 0x18, 0xc0, 0, 2, 3, 0x81, 6, 4, 0x81, 0x19];
/// RFC 8956 §3.8.1.
pub(crate) const FLOW_V6: [u8; 19] = [
    0x12, 1, 0x68, 0x40, 0x12, 0x34, 0x56, 0x78, 0x9a, 2, 0x20, 0, 0x20, 1, 0x0d, 0xb8, 3, 0x81, 6,
];
/// RFC 9830 §2.1.
pub(crate) const POLICY: [u8; 13] = [96, 0, 0, 0, 1, 0, 0, 0, 100, 192, 0, 2, 1];
/// RFC 9552 §5.2, figure 7: a node of AS 65000 that the static configuration knows.
pub(crate) const NODE: [u8; 25] = [
    0, 1, 0, 21, 5, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 8, 2, 0, 0, 4, 0, 0, 0xfd, 0xe8,
];

const FLOW_TEXT: &str = "{dst 192.0.2.0/24, proto =tcp, port =25}";
const POLICY_TEXT: &str = "{distinguisher 1, color 100, endpoint 192.0.2.1}";
const NODE_TEXT: &str =
    "{type Node NLRI, protocol Static configuration, identifier 0, local_node {as 65000}}";

fn session() -> SessionContext {
    SessionContext {
        families: FamilySet::supported(),
        same_domain: true,
        ..external()
    }
}

/// With what an SR policy has to have (RFC 9830 §4.2.1): a preference of 100, and NO_ADVERTISE.
fn announce(value: Vec<u8>) -> Parts {
    Parts::good_v6()
        .replaced(14, attribute(0x80, 14, &value))
        .with(attribute(0xc0, 8, &NO_ADVERTISE))
        .with(attribute(0xc0, 23, &PREFERENCE))
}

pub(crate) const NO_ADVERTISE: [u8; 4] = [0xff, 0xff, 0xff, 2];
pub(crate) const PREFERENCE: [u8; 12] = [0, 15, 0, 8, 12, 6, 0, 0, 0, 0, 0, 100];

#[test]
fn listed_routes() {
    let ctx = session();
    let ends = |value: Vec<u8>| Ends(9, attribute(0x80, 14, &value));
    let hop = [192, 0, 2, 1];
    let one_of = |name, rfc, value: Vec<u8>, expect| case(name, rfc, &ctx, announce(value), expect);
    run(vec![
        one_of(
            "flow",
            "RFC 8955 §4",
            reach(1, 133, &[], &FLOW),
            announces(FLOW_TEXT),
        ),
        one_of(
            "flow with a next hop",
            "RFC 8955 §4: \"MUST be ignored\"",
            reach(1, 133, &[0, 0, 0, 0], &FLOW),
            announces(FLOW_TEXT),
        ),
        one_of(
            "flow of IPv6",
            "RFC 8956 §2",
            reach(2, 133, &[], &FLOW_V6),
            announces("{dst ::1234:5678:9a00:0/64-104, src 2001:db8::/32, proto =tcp}"),
        ),
        one_of(
            "flow of an unknown component beside another",
            "RFC 8955 §4.2, §10",
            reach(1, 133, &[], &[&[3, 99, 0x81, 1], &FLOW[..]].concat()),
            announces(FLOW_TEXT),
        ),
        one_of(
            "flow beyond the attribute",
            "RFC 7606 §5.3, §7.11",
            reach(1, 133, &[], &FLOW[..11]),
            ends(reach(1, 133, &[], &FLOW[..11])),
        ),
        one_of(
            "flow with half a length",
            "RFC 8955 §4.1, RFC 7606 §5.3",
            reach(1, 133, &[], &[0xf1]),
            ends(reach(1, 133, &[], &[0xf1])),
        ),
        one_of(
            "policy",
            "RFC 9830 §2.1",
            reach(1, 73, &hop, &POLICY),
            announces(POLICY_TEXT),
        ),
        one_of(
            "policy without next hop",
            "RFC 7606 §7.11",
            reach(1, 73, &[], &POLICY),
            ends(reach(1, 73, &[], &POLICY)),
        ),
        one_of(
            "policy of 95 bits",
            "RFC 9830 §2.1, §5",
            reach(1, 73, &hop, &[&[95], &POLICY[1..]].concat()),
            announces(""),
        ),
        one_of(
            "policy of 104 bits that are not there",
            "RFC 9830 §5, RFC 7606 §5.3",
            reach(1, 73, &hop, &[&[104], &POLICY[1..]].concat()),
            ends(reach(1, 73, &hop, &[&[104], &POLICY[1..]].concat())),
        ),
        one_of(
            "node",
            "RFC 9552 §5.2",
            reach(16388, 71, &hop, &NODE),
            announces(NODE_TEXT),
        ),
        one_of(
            "object of an unknown type",
            "RFC 9552 §5.2",
            reach(16388, 71, &hop, &[0, 99, 0, 1, 7]),
            announces("{type 99, value 0x07}"),
        ),
        one_of(
            "node without protocol",
            "RFC 9552 §8.2.2",
            reach(16388, 71, &hop, &[&[0, 1, 0, 0], &NODE[..]].concat()),
            announces(NODE_TEXT),
        ),
        one_of(
            "node beyond the attribute",
            "RFC 9552 §8.2.2, RFC 7606 §7.11",
            reach(16388, 71, &hop, &NODE[..24]),
            ends(reach(16388, 71, &hop, &NODE[..24])),
        ),
    ]);
    let unreach = unreach(1, 133, &FLOW[..11]);
    run(vec![case(
        "withdrawn flow beyond the attribute",
        "RFC 7606 §5.3, §7.12",
        &ctx,
        Parts::default().with(attribute(0x80, 15, &unreach)),
        Ends(9, attribute(0x80, 15, &unreach)),
    )]);
}

/// RFC 9830 §2.2, §4.2.1, §5.
#[test]
fn what_is_no_valid_policy_is_treated_as_withdrawn() {
    let ctx = session();
    let policy = || attribute(0x80, 14, &reach(1, 73, &[192, 0, 2, 1], &POLICY));
    let bare = || Parts::good_v6().replaced(14, policy());
    let told = |text: &str| {
        let community: bgp_wire::ExtCommunity = text.parse().unwrap();
        attribute(0xc0, 16, &community.0)
    };
    let preference = || attribute(0xc0, 23, &PREFERENCE);
    let stays = || attribute(0xc0, 8, &NO_ADVERTISE);
    let vxlan: [u8; 4] = [0, 8, 0, 0];
    let case = |name, parts, expect| case(name, "RFC 9830 §4.2.1", &ctx, parts, expect);
    run(vec![
        case(
            "NO_ADVERTISE",
            bare().with(stays()).with(preference()),
            announces(POLICY_TEXT),
        ),
        case(
            "route target",
            bare().with(told("rt:192.0.2.1:0")).with(preference()),
            announces(POLICY_TEXT),
        ),
        case(
            "neither",
            bare().with(told("color:7")).with(preference()),
            Stays(W),
        ),
        case(
            "a route target of an AS, which names no headend",
            bare().with(told("rt:65000:100")).with(preference()),
            Stays(W),
        ),
        case(
            "a route origin of an address",
            bare().with(told("soo:192.0.2.1:0")).with(preference()),
            Stays(W),
        ),
        case(
            "a route target of an AS beside NO_ADVERTISE",
            bare()
                .with(stays())
                .with(told("rt:65000:100"))
                .with(preference()),
            announces(POLICY_TEXT),
        ),
        case("no tunnel", bare().with(stays()), Stays(W)),
        case(
            "another tunnel",
            bare().with(stays()).with(attribute(0xc0, 23, &vxlan)),
            Stays(W),
        ),
        case(
            "another tunnel beside it",
            bare()
                .with(stays())
                .with(attribute(0xc0, 23, &[&PREFERENCE[..], &vxlan].concat())),
            Stays(W),
        ),
        case(
            "withdrawn",
            Parts::default().with(attribute(0x80, 15, &unreach(1, 73, &POLICY))),
            withdraws(POLICY_TEXT),
        ),
    ]);
}

/// What was passed over is said, each with its place, and is not among what is shown.
#[test]
fn a_malformed_flow_is_found_beside_a_good_one() {
    let bad = [7, 3, 0x81, 6, 3, 0x81, 17, 0];
    let value = reach(1, 133, &[], &[&FLOW[..], &bad, &bad].concat());
    let (body, mut scratch) = (announce(value).body(), AttrScratch::new());
    let decoded = decode(&body, &session(), &mut scratch);
    let block = decoded.update.reach.unwrap().nlri;
    assert_eq!((block.len(), block.ignored()), (1, 2));
    assert_eq!(
        block.to_string(),
        "{dst 192.0.2.0/24, proto =tcp, port =25}"
    );
    let first = body.windows(8).position(|octets| octets == bad).unwrap();
    let told: Vec<_> = decoded
        .findings
        .iter()
        .map(|finding| (finding.error.field, finding.error.offset))
        .collect();
    let place = 19 + first + 4;
    assert_eq!(
        told,
        [
            ("Component Type", place),
            ("Component Type", place + bad.len())
        ]
    );
    assert!(decoded.findings.iter().all(bgp_wire::Finding::is_malformed));
}

#[test]
fn what_is_read_is_written_octet_for_octet() {
    for (afi, safi, hop, nlri) in [
        (1, 133, &[][..], &FLOW[..]),
        (2, 133, &[], &FLOW_V6),
        (1, 73, &[192, 0, 2, 1], &POLICY),
        (2, 73, &NEXT_HOP_V6, &[&[192], &[7; 24][..]].concat()),
        (16388, 71, &[192, 0, 2, 1], &NODE),
        (16388, 71, &NEXT_HOP_V6, &[0, 99, 0, 1, 7]),
    ] {
        let attributes = Parts::default()
            .with(attribute(0x80, 14, &reach(afi, safi, hop, nlri)))
            .with(attribute(0x80, 15, &unreach(afi, safi, nlri)))
            .with(attribute(0x40, 1, &[0]))
            .with(attribute(0x40, 2, &[2, 1, 0, 0, 0xfd, 0xe9]))
            .with(attribute(0xc0, 8, &NO_ADVERTISE))
            .with(attribute(0xc0, 23, &PREFERENCE));
        let (body, mut scratch) = (attributes.body(), AttrScratch::new());
        let decoded = decode(&body, &session(), &mut scratch);
        assert!(decoded.findings.is_empty(), "{:?}", decoded.findings);
        let mut out = BytesMut::new();
        encode_update(&mut out, &decoded.update, &Encoding::default()).unwrap();
        assert_eq!(out[19..], body, "{afi}/{safi}");
    }
}
