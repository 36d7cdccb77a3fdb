//! Values of optional and unknown attributes.

use super::*;

#[test]
fn optional_values() {
    let (e, i) = (external(), internal());
    let optional =
        |flags: u8, code: u8, value: &[u8]| Parts::good().with(attribute(flags, code, value));
    let inside = |code: u8, value: &[u8]| good_internal().with(attribute(0x80, code, value));
    run(vec![
        case(
            "MED of 3",
            "RFC 7606 §7.4",
            &e,
            optional(0x80, 4, &[0, 0, 1]),
            Stays(W),
        ),
        case(
            "MED of 0",
            "RFC 7606 §7.4",
            &e,
            optional(0x80, 4, &[]),
            Stays(W),
        ),
        case(
            "AGGREGATOR of 6 with four-octet AS",
            "RFC 7606 §7.7",
            &e,
            optional(0xc0, 7, &[0, 1, 1, 1, 1, 1]),
            Stays(D),
        ),
        case(
            "AGGREGATOR of 8 with two-octet AS",
            "RFC 7606 §7.7",
            &old(),
            good_old().with(attribute(0xc0, 7, &[0, 0, 0, 1, 1, 1, 1, 1])),
            Stays(D),
        ),
        case(
            "AGGREGATOR of AS 0",
            "RFC 7607 §2",
            &e,
            optional(0xc0, 7, &[0, 0, 0, 0, 1, 1, 1, 1]),
            Stays(D),
        ),
        case(
            "COMMUNITIES of 0",
            "RFC 7606 §7.8",
            &e,
            optional(0xc0, 8, &[]),
            Stays(W),
        ),
        case(
            "COMMUNITIES of 5",
            "RFC 7606 §7.8",
            &e,
            optional(0xc0, 8, &[0; 5]),
            Stays(W),
        ),
        case(
            "ORIGINATOR_ID of 5 inside",
            "RFC 7606 §7.9",
            &i,
            inside(9, &[0; 5]),
            Stays(W),
        ),
        case(
            "ORIGINATOR_ID from outside",
            "RFC 7606 §7.9",
            &e,
            optional(0x80, 9, &[1, 1, 1, 1]),
            Stays(D),
        ),
        case(
            "malformed ORIGINATOR_ID from outside",
            "RFC 7606 §7.9",
            &e,
            optional(0x80, 9, &[1]),
            Stays(D),
        ),
        case(
            "CLUSTER_LIST of 0 inside",
            "RFC 7606 §7.10",
            &i,
            inside(10, &[]),
            Stays(W),
        ),
        case(
            "CLUSTER_LIST of 6 inside",
            "RFC 7606 §7.10",
            &i,
            inside(10, &[0; 6]),
            Stays(W),
        ),
        case(
            "CLUSTER_LIST from outside",
            "RFC 7606 §7.10",
            &e,
            optional(0x80, 10, &[1, 1, 1, 1]),
            Stays(D),
        ),
        case(
            "EXTENDED_COMMUNITIES of 0",
            "RFC 7606 §7.14",
            &e,
            optional(0xc0, 16, &[]),
            Stays(W),
        ),
        case(
            "EXTENDED_COMMUNITIES of 9",
            "RFC 7606 §7.14",
            &e,
            optional(0xc0, 16, &[0; 9]),
            Stays(W),
        ),
        case(
            "LARGE_COMMUNITIES of 0",
            "RFC 8092 §6",
            &e,
            optional(0xc0, 32, &[]),
            Stays(W),
        ),
        case(
            "LARGE_COMMUNITIES of 13",
            "RFC 8092 §6",
            &e,
            optional(0xc0, 32, &[0; 13]),
            Stays(W),
        ),
        case(
            "bad COMMUNITIES, nothing reachable",
            "RFC 7606 §5.2, RFC 4271 §6.3",
            &e,
            optional(0xc0, 8, &[0; 5]).nlri(&[]),
            Ends(5, attribute(0xc0, 8, &[0; 5])),
        ),
        case(
            "discards do not end a session without NLRI",
            "RFC 7606 §5.2",
            &e,
            optional(0xc0, 7, &[0; 3]).nlri(&[]),
            Stays(D),
        ),
    ]);
}

#[test]
fn four_octet_attributes() {
    let (e, o) = (external(), old());
    let beside = |code: u8, value: &[u8]| good_old().with(attribute(0xc0, code, value));
    run(vec![
        case(
            "AS4_PATH",
            "RFC 6793 §4.2.3",
            &o,
            beside(17, &[2, 1, 0, 1, 0, 0]),
            uses(2, &[2, 2, 0, 0, 0xfd, 0xe9, 0, 1, 0, 0]),
        ),
        case(
            "AS4_PATH from a new speaker",
            "RFC 6793 §4.1",
            &e,
            Parts::good().with(attribute(0xc0, 17, &[2, 1, 0, 1, 0, 0])),
            Stays(D),
        ),
        case(
            "malformed AS4_PATH from a new speaker",
            "RFC 6793 §4.1",
            &e,
            Parts::good().with(attribute(0xc0, 17, &[9])),
            Stays(D),
        ),
        case(
            "AS4_AGGREGATOR from a new speaker",
            "RFC 6793 §4.1",
            &e,
            Parts::good().with(attribute(0xc0, 18, &[0; 8])),
            Stays(D),
        ),
        case(
            "AS4_PATH of no octet",
            "RFC 6793 §6",
            &o,
            beside(17, &[]),
            Stays(D),
        ),
        case(
            "AS4_PATH of one octet",
            "RFC 6793 §6",
            &o,
            beside(17, &[2]),
            Stays(D),
        ),
        case(
            "AS4_PATH segment type 7",
            "RFC 6793 §6",
            &o,
            beside(17, &[7, 1, 0, 1, 0, 0]),
            Stays(D),
        ),
        case(
            "AS4_PATH overrun",
            "RFC 6793 §6",
            &o,
            beside(17, &[2, 9, 0, 1, 0, 0]),
            Stays(D),
        ),
        case(
            "AS4_PATH of AS 0",
            "RFC 7607 §2",
            &o,
            beside(17, &[2, 1, 0, 0, 0, 0]),
            Stays(D),
        ),
        case(
            "AS4_PATH with a set",
            "RFC 9774 §3",
            &o,
            beside(17, &[1, 1, 0, 1, 0, 0]),
            Stays(W),
        ),
        case(
            "AS4_PATH longer than AS_PATH",
            "RFC 6793 §4.2.3",
            &o,
            beside(17, &[2, 3, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0]),
            uses(2, &[2, 2, 0, 0, 0xfd, 0xe9, 0, 0, 0x5b, 0xa0]),
        ),
        case(
            "AS4_AGGREGATOR of 7",
            "RFC 6793 §6",
            &o,
            good_old()
                .with(attribute(0xc0, 7, &[0x5b, 0xa0, 1, 1, 1, 1]))
                .with(attribute(0xc0, 18, &[0; 7])),
            Stays(D),
        ),
        case(
            "AS4_AGGREGATOR of AS 0",
            "RFC 7607 §2",
            &o,
            good_old()
                .with(attribute(0xc0, 7, &[0x5b, 0xa0, 1, 1, 1, 1]))
                .with(attribute(0xc0, 18, &[0; 8])),
            Stays(D),
        ),
        case(
            "AS_PATH with half an AS",
            "RFC 7606 §7.2",
            &o,
            Parts::good().replaced(2, attribute(0x40, 2, &[2, 1, 0])),
            Stays(W),
        ),
    ]);
}

#[test]
fn unknown_attributes() {
    let e = external();
    let unknown =
        |flags: u8, code: u8, value: &[u8]| Parts::good().with(attribute(flags, code, value));
    let well_known = attribute(0x40, 99, &[1]);
    run(vec![
        case(
            "transitive",
            "RFC 4271 §5",
            &e,
            unknown(0xc0, 99, &[1]),
            uses(99, &[1]),
        ),
        case(
            "not transitive",
            "RFC 4271 §5",
            &e,
            unknown(0x80, 99, &[1]),
            Ignores(99),
        ),
        case(
            "of no octet",
            "RFC 4271 §5",
            &e,
            unknown(0xc0, 99, &[]),
            uses(99, &[]),
        ),
        case(
            "code 0",
            "RFC 4271 §5",
            &e,
            unknown(0xc0, 0, &[1]),
            uses(0, &[1]),
        ),
        case(
            "code 255 of 3000 octets",
            "RFC 4271 §5",
            &e,
            unknown(0xd0, 255, &[7; 3000]),
            uses(255, &[7; 3000]),
        ),
        case(
            "well-known",
            "RFC 4271 §6.3",
            &e,
            Parts::good().with(well_known.clone()),
            Ends(2, well_known),
        ),
    ]);
}
