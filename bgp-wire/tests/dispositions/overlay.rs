//! Values of the attributes that overlays, segment routing, BGP-LS and route leak prevention use.

use bgp_wire::{Encoding, Node, encode_update};
use bytes::BytesMut;

use super::*;

/// An UPDATE of an internal peer with one more attribute that is optional and transitive.
pub(crate) fn transitive(code: u8, value: &[u8]) -> Parts {
    good_internal().with(attribute(0xc0, code, value))
}

/// The same with one that is optional and not transitive.
pub(crate) fn local(code: u8, value: &[u8]) -> Parts {
    good_internal().with(attribute(0x80, code, value))
}

/// One of each, as deep as they go.
pub(crate) fn all() -> Parts {
    let mut service = vec![5, 0, 34, 0, 1, 0, 30, 0];
    service.extend([0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    service.extend([0, 0, 19, 0, 1, 0, 6, 40, 24, 16, 0, 16, 64]);
    let policy = [
        0, 15, 0, 44, 6, 6, 0, 0, 0, 0, 0, 0, 12, 6, 0, 0, 0, 0, 0, 1, 13, 6, 0, 0, 0, 1, 0, 0,
        128, 0, 17, 0, 9, 6, 0, 0, 0, 0, 0, 1, 1, 6, 0, 0, 0, 1, 1, 0xff,
    ];
    let vxlan = [
        0, 8, 0, 22, 6, 6, 0, 0, 0, 0, 0, 0, 1, 12, 0xc0, 0, 0, 100, 0, 1, 2, 3, 4, 5, 0, 0,
    ];
    transitive(
        22,
        &[
            0, 2, 0, 0, 16, 6, 0, 1, 4, 192, 0, 2, 1, 0, 7, 1, 0, 4, 0, 0, 0, 9,
        ],
    )
    .with(attribute(0xc0, 16, &[6, 0, 1, 0, 0, 0, 0, 7]))
    .with(attribute(0xc0, 23, &[&vxlan[..], &policy].concat()))
    .with(attribute(0xc0, 25, &[7; 20]))
    .with(attribute(0x80, 26, &[1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9]))
    .with(attribute(
        0x80,
        29,
        &[
            4, 2, 0, 2, b'r', b'1', 4, 0x52, 0, 22, 0, 6, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0,
            0, 0, 0, 0, 0, 0, 0, 0, 1,
        ],
    ))
    .with(attribute(0xc0, 35, &[0, 0, 0xfd, 0xe9]))
    .with(attribute(0xc0, 38, &[1, 0, 0, 0, 7, 1, 4, 192, 0, 2, 1]))
    .with(attribute(0xc0, 40, &service))
    .with(attribute(
        0xc0,
        128,
        &[0, 0, 0xfd, 0xe8, 0x40, 1, 1, 0, 0xc0, 128, 4, 0, 0, 0, 1],
    ))
}

#[test]
fn all_of_them_are_good() {
    run(vec![case(
        "all",
        "as below",
        &internal(),
        all(),
        announces("10.0.0.0/8"),
    )]);
}

/// Those who print fields by name rely on that.
#[test]
fn described_fields_have_names_of_their_own() {
    fn look(node: &Node, seen: &mut usize) {
        match node {
            Node::List(items) => items.iter().for_each(|item| look(item, seen)),
            Node::Fields(fields) => {
                let mut names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
                let count = names.len();
                names.sort_unstable();
                names.dedup();
                assert_eq!(names.len(), count, "{fields:?}");
                *seen += count;
                fields.iter().for_each(|(_, node)| look(node, seen));
            }
            _ => {}
        }
    }
    let (body, mut scratch) = (all().body(), AttrScratch::new());
    let attrs = decode(&body, &internal(), &mut scratch).update.attrs;
    let (nodes, mut seen) = (attrs.describe(), 0);
    nodes.iter().for_each(|node| look(node, &mut seen));
    assert!(seen > 100, "{seen} fields");
    let Some(Node::Fields(first)) = nodes.first() else {
        panic!("the next hop is first")
    };
    assert_eq!(first.get("next_hop"), Some(&Node::text("192.0.2.1")));
}

/// What the sender ordered keeps its order, so that the message can be written again.
#[test]
fn communities_keep_the_order_of_the_sender_where_that_is_asked_for() {
    let communities = [0, 9, 0, 9, 0, 1, 0, 1, 0, 9, 0, 9];
    let targets = [0, 2, 0, 9, 0, 0, 0, 9, 0, 2, 0, 1, 0, 0, 0, 1];
    let large: Vec<u8> = [[9; 12], [1; 12]].concat();
    let ipv6: Vec<u8> = [[9; 20], [1; 20]].concat();
    let body = good_internal()
        .with(attribute(0xc0, 8, &communities))
        .with(attribute(0xc0, 16, &targets))
        .with(attribute(0xc0, 25, &ipv6))
        .with(attribute(0xc0, 32, &large))
        .body();
    let as_sent = SessionContext {
        keep_order: true,
        ..internal()
    };
    let mut scratch = AttrScratch::new();
    for (ctx, same) in [(&as_sent, true), (&internal(), false)] {
        let decoded = decode(&body, ctx, &mut scratch);
        assert_eq!(decoded.disposition, N);
        let mut out = BytesMut::new();
        encode_update(&mut out, &decoded.update, &Encoding::default()).unwrap();
        for value in [&communities[..], &targets, &ipv6, &large] {
            let found = out.windows(value.len()).any(|part| part == value);
            assert_eq!(found, same, "{value:?}");
        }
    }
}

#[test]
fn pmsi_tunnel() {
    const INGRESS: [u8; 9] = [0, 6, 0, 0x27, 0x10, 192, 0, 2, 1];
    let i = internal();
    let rfc = "RFC 6514 §5";
    run(vec![
        case(
            "ingress replication",
            rfc,
            &i,
            transitive(22, &INGRESS),
            uses(22, &INGRESS),
        ),
        case(
            "of an external peer",
            rfc,
            &external(),
            Parts::good().with(attribute(0xc0, 22, &INGRESS)),
            uses(22, &INGRESS),
        ),
        case(
            "no tunnel information",
            rfc,
            &i,
            transitive(22, &[1, 0, 0, 0, 0]),
            uses(22, &[1, 0, 0, 0, 0]),
        ),
        case(
            "of no octet",
            "RFC 7606 §4",
            &i,
            transitive(22, &[]),
            Stays(W),
        ),
        case(
            "of four octets",
            rfc,
            &i,
            transitive(22, &INGRESS[..4]),
            Stays(W),
        ),
        case(
            "undefined type",
            rfc,
            &i,
            transitive(22, &[0, 0x70, 0, 0, 16]),
            Stays(W),
        ),
        case(
            "endpoint of three octets",
            rfc,
            &i,
            transitive(22, &INGRESS[..8]),
            Stays(W),
        ),
        case(
            "PIM-SSM with half a group",
            rfc,
            &i,
            transitive(22, &[0, 3, 0, 0, 0, 1, 1, 1, 1, 232, 1]),
            Stays(W),
        ),
        case(
            "not transitive",
            "RFC 7606 §3 c",
            &i,
            local(22, &INGRESS),
            Stays(W),
        ),
        case(
            "malformed, nothing reachable",
            "RFC 7606 §5.2, RFC 4271 §6.3",
            &i,
            transitive(22, &[0, 0x70, 0, 0, 16]).nlri(&[]),
            Ends(9, attribute(0xc0, 22, &[0, 0x70, 0, 0, 16])),
        ),
    ]);
}

#[test]
fn traffic_engineering_and_ipv6_communities() {
    let i = internal();
    run(vec![
        case(
            "TE descriptor",
            "RFC 5543 §3",
            &i,
            local(24, &[1; 36]),
            uses(24, &[1; 36]),
        ),
        case(
            "TE descriptor cut",
            "RFC 7606 §7.13",
            &i,
            local(24, &[1; 35]),
            Stays(W),
        ),
        case(
            "one IPv6 community",
            "RFC 5701 §2",
            &i,
            transitive(25, &[0; 20]),
            uses(25, &[0; 20]),
        ),
        case(
            "IPv6 communities of 0",
            "RFC 7606 §7.15",
            &i,
            transitive(25, &[]),
            Stays(W),
        ),
        case(
            "IPv6 communities of 21",
            "RFC 7606 §7.15",
            &i,
            transitive(25, &[0; 21]),
            Stays(W),
        ),
    ]);
}

#[test]
fn aigp() {
    const METRIC: [u8; 11] = [1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9];
    let i = internal();
    let rfc = "RFC 7311 §3, §3.2";
    let outside = Parts::good().with(attribute(0x80, 26, &METRIC));
    let domain = SessionContext {
        same_domain: true,
        ..external()
    };
    run(vec![
        case("metric", rfc, &i, local(26, &METRIC), uses(26, &METRIC)),
        case(
            "of a peer it is not enabled for",
            "RFC 7311 §3.3",
            &external(),
            outside.clone(),
            Stays(D),
        ),
        case(
            "of an external peer of the same domain",
            "RFC 7311 §3.3",
            &domain,
            outside,
            uses(26, &METRIC),
        ),
        case("of no octet", rfc, &i, local(26, &[]), Stays(D)),
        case(
            "TLV that is too short for itself",
            rfc,
            &i,
            local(26, &[1, 0, 2]),
            Stays(D),
        ),
        case(
            "TLV of ten octets",
            rfc,
            &i,
            local(26, &[1, 0, 10, 0, 0, 0, 0, 0, 0, 0]),
            Stays(D),
        ),
        case("TLV overrun", rfc, &i, local(26, &METRIC[..10]), Stays(D)),
        case(
            "largest metric",
            "RFC 7311 §3.2",
            &i,
            local(26, &[&[1, 0, 11][..], &[0xff; 8]].concat()),
            Stays(D),
        ),
        case(
            "TLV of another type",
            rfc,
            &i,
            local(26, &[9, 0, 3]),
            uses(26, &[9, 0, 3]),
        ),
        case("transitive", rfc, &i, transitive(26, &METRIC), Stays(D)),
    ]);
}

#[test]
fn link_state() {
    let i = internal();
    let rfc = "RFC 9552 §8.2.2";
    run(vec![
        case(
            "node name",
            rfc,
            &i,
            local(29, &[4, 2, 0, 1, b'r']),
            uses(29, &[4, 2, 0, 1, b'r']),
        ),
        case(
            "unknown TLV",
            rfc,
            &i,
            local(29, &[0xff, 0, 0, 0]),
            uses(29, &[0xff, 0, 0, 0]),
        ),
        case(
            "local router",
            rfc,
            &i,
            local(29, &[4, 4, 0, 4, 1, 1, 1, 1]),
            uses(29, &[4, 4, 0, 4, 1, 1, 1, 1]),
        ),
        case(
            "local router of three octets, which is for the consumer to judge",
            rfc,
            &i,
            local(29, &[4, 4, 0, 3, 1, 1, 1]),
            uses(29, &[4, 4, 0, 3, 1, 1, 1]),
        ),
        case(
            "TLV overrun inside of one that is known",
            rfc,
            &i,
            local(29, &[4, 0x8a, 0, 10, 0, 0, 0, 0, 0, 0, 0, 0, 9, 9]),
            Stays(D),
        ),
        case(
            "TLV overrun",
            rfc,
            &i,
            local(29, &[4, 2, 0, 2, b'r']),
            Stays(D),
        ),
        case("half a head", rfc, &i, local(29, &[4, 2, 0]), Stays(D)),
        case("of no octet", "RFC 7606 §4", &i, local(29, &[]), Stays(D)),
    ]);
}

#[test]
fn only_to_customer() {
    let e = external();
    let rfc = "RFC 9234 §5";
    let with = |value: &[u8]| Parts::good().with(attribute(0xc0, 35, value));
    run(vec![
        case(
            "an AS",
            rfc,
            &e,
            with(&[0, 0, 0xfd, 0xe9]),
            uses(35, &[0, 0, 0xfd, 0xe9]),
        ),
        case("of 0", rfc, &e, with(&[]), Stays(W)),
        case("of 2", rfc, &e, with(&[0xfd, 0xe9]), Stays(W)),
        case("of 5", rfc, &e, with(&[0; 5]), Stays(W)),
        case(
            "not transitive",
            "RFC 7606 §3 c",
            &e,
            Parts::good().with(attribute(0x80, 35, &[0, 0, 0xfd, 0xe9])),
            Stays(W),
        ),
    ]);
}

#[test]
fn bfd_discriminator() {
    let i = internal();
    let rfc = "RFC 9026 §3.1.6";
    run(vec![
        case(
            "P2MP",
            rfc,
            &i,
            transitive(38, &[1, 0, 0, 0, 7, 1, 4, 192, 0, 2, 1]),
            uses(38, &[1, 0, 0, 0, 7, 1, 4, 192, 0, 2, 1]),
        ),
        case(
            "without a TLV, and so below eleven octets",
            rfc,
            &i,
            transitive(38, &[1, 0, 0, 0, 7]),
            Stays(D),
        ),
        case(
            "of four octets",
            rfc,
            &i,
            transitive(38, &[1, 0, 0, 7]),
            Stays(D),
        ),
        case(
            "address of five octets",
            rfc,
            &i,
            transitive(38, &[1, 0, 0, 0, 7, 1, 5, 192, 0, 2, 1, 1]),
            Stays(D),
        ),
        case(
            "TLV overrun",
            rfc,
            &i,
            transitive(38, &[1, 0, 0, 0, 7, 1, 7, 192, 0, 2, 1, 0]),
            Stays(D),
        ),
    ]);
}

#[test]
fn attr_set() {
    let i = internal();
    let inside_set = |attributes: &[u8]| [&[0, 0, 0xfd, 0xe8], attributes].concat();
    let set = |attributes: &[u8]| transitive(128, &inside_set(attributes));
    let (revised, inside) = ("RFC 7606 §7.16", "RFC 6368 §5");
    run(vec![
        case(
            "of an AS and nothing",
            inside,
            &i,
            set(&[]),
            uses(128, &inside_set(&[])),
        ),
        case(
            "ORIGIN, AS_PATH, LOCAL_PREF",
            inside,
            &i,
            set(&[0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 5, 4, 0, 0, 0, 1]),
            uses(
                128,
                &inside_set(&[0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 5, 4, 0, 0, 0, 1]),
            ),
        ),
        case(
            "of three octets",
            revised,
            &i,
            transitive(128, &[0, 0, 1]),
            Stays(W),
        ),
        case("of no octet", revised, &i, transitive(128, &[]), Stays(W)),
        case(
            "attribute overrun inside",
            revised,
            &i,
            set(&[0x40, 1, 2, 0]),
            Stays(W),
        ),
        case(
            "bad ORIGIN inside",
            revised,
            &i,
            set(&[0x40, 1, 1, 9]),
            Stays(W),
        ),
        case(
            "bad flags inside",
            revised,
            &i,
            set(&[0x80, 1, 1, 0]),
            Stays(W),
        ),
        case(
            "MP_REACH_NLRI inside",
            revised,
            &i,
            set(&attribute(0x80, 14, &reach_v6(&[]))),
            Stays(W),
        ),
        case(
            "MP_UNREACH_NLRI inside",
            revised,
            &i,
            set(&attribute(0x80, 15, &unreach(2, 1, &[]))),
            Stays(W),
        ),
    ]);
}

/// Attributes that are deprecated are known by name and pass as unknown ones do.
#[test]
fn deprecated_attributes_are_unknown() {
    let i = internal();
    let cases = [11, 12, 13, 19, 20, 21, 28, 30, 31, 129, 241, 242, 243];
    run(cases
        .into_iter()
        .map(|code| {
            case(
                "deprecated",
                "RFC 4271 §5",
                &i,
                transitive(code, &[1]),
                uses(code, &[1]),
            )
        })
        .collect());
    assert_eq!(
        AttrCode(28).name(),
        Some("BGP Entropy Label Capability Attribute")
    );
    assert!(!AttrCode(28).is_known());
}
