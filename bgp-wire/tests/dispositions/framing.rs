//! Lengths, repetition, flags and absence.

use super::*;

#[test]
fn good_updates_have_no_findings() {
    let (e, i) = (external(), internal());
    run(vec![
        case(
            "IPv4",
            "RFC 4271 §4.3",
            &e,
            Parts::good(),
            announces("10.0.0.0/8"),
        ),
        case(
            "IPv6",
            "RFC 4760 §3",
            &e,
            Parts::good_v6(),
            announces("2001:db8::/32"),
        ),
        case(
            "internal",
            "RFC 4271 §5.1.5",
            &i,
            good_internal(),
            uses(5, &[0, 0, 0, 100]),
        ),
        case(
            "extended length on a short attribute",
            "RFC 4271 §4.3",
            &e,
            Parts::good().replaced(1, attribute(0x50, 1, &[0])),
            uses(1, &[0]),
        ),
        case(
            "any order of attributes",
            "RFC 4271 §5",
            &e,
            Parts::good().replaced(1, attribute(0x40, 1, &[0])),
            uses(1, &[0]),
        ),
        case(
            "withdrawals alone",
            "RFC 4271 §4.3",
            &e,
            Parts::default().withdrawn(&[8, 10, 16, 10, 1]),
            withdraws("10.0.0.0/8 10.1.0.0/16"),
        ),
        case(
            "MP withdrawals alone",
            "RFC 4760 §4",
            &e,
            Parts::default().with(attribute(0x80, 15, &unreach(2, 1, &[16, 0x20, 0x01]))),
            withdraws("2001::/16"),
        ),
        case(
            "attributes without NLRI",
            "RFC 7606 §5.2",
            &e,
            nothing_reachable(),
            announces(""),
        ),
        case(
            "everything at once",
            "RFC 4760 §3, RFC 7606 §5.1",
            &e,
            Parts::good_v6()
                .with(attribute(0x40, 3, &[192, 0, 2, 1]))
                .with(attribute(0x80, 15, &unreach(2, 1, &[16, 0x20, 0x02])))
                .nlri(&[8, 10])
                .withdrawn(&[8, 11]),
            Expect::Routes {
                announced: "10.0.0.0/8 2001:db8::/32".into(),
                withdrawn: "11.0.0.0/8 2002::/16".into(),
            },
        ),
    ]);
}

#[test]
fn framing() {
    let e = external();
    let lengths = |body: &[u8], name, rfc| Case {
        name,
        rfc,
        ctx: external(),
        body: body.to_vec(),
        expect: Ends(1, vec![]),
    };
    let mut overrun = Parts::good();
    overrun.attributes.extend([0x40, 6, 9]);
    let mut short = Parts::good();
    short.attributes.extend([0x40, 6]);
    let mut extended = Parts::good();
    extended.attributes.extend([0x50, 6, 0]);
    let mut unreachable = nothing_reachable();
    unreachable.attributes.extend([0x40, 6, 9]);
    let mut reach_cut = Parts::good();
    reach_cut.attributes.extend([0x80, 14, 40, 0, 2]);
    let alone = Parts {
        attributes: vec![0x40, 1, 9],
        ..Parts::default()
    };
    run(vec![
        lengths(
            &[0, 9, 8, 10, 0, 0],
            "withdrawn length overruns",
            "RFC 4271 §6.3",
        ),
        lengths(
            &[0, 0, 0, 9, 0x40, 1, 1, 0],
            "attribute length overruns",
            "RFC 4271 §6.3",
        ),
        lengths(
            &[0, 3, 16, 10, 1, 0],
            "no attribute length",
            "RFC 4271 §6.3",
        ),
        case(
            "attribute beyond the block",
            "RFC 7606 §4",
            &e,
            overrun,
            Stays(W),
        ),
        case("two octets left over", "RFC 7606 §4", &e, short, Stays(W)),
        case(
            "three octets left over, extended length",
            "RFC 7606 §4",
            &e,
            extended,
            Stays(W),
        ),
        case(
            "attribute beyond the block, nothing reachable",
            "RFC 7606 §4, §5.2",
            &e,
            unreachable,
            Ends(5, vec![0x40, 6, 9]),
        ),
        case(
            "nothing but an overrun",
            "RFC 7606 §4, §5.2",
            &e,
            alone,
            Ends(5, vec![0x40, 1, 9]),
        ),
        case(
            "MP_REACH_NLRI beyond the block",
            "RFC 7606 §3 j",
            &e,
            reach_cut,
            Ends(5, vec![0x80, 14, 40, 0, 2]),
        ),
    ]);
}

#[test]
fn repetition() {
    let e = external();
    let again = |parts: Parts, flags, code, value: &[u8]| parts.with(attribute(flags, code, value));
    run(vec![
        case(
            "ORIGIN twice",
            "RFC 7606 §3 g",
            &e,
            again(Parts::good(), 0x40, 1, &[2]),
            Stays(D),
        ),
        case(
            "unknown twice",
            "RFC 7606 §3 g",
            &e,
            again(
                Parts::good().with(attribute(0xc0, 99, &[1])),
                0xc0,
                99,
                &[2],
            ),
            Stays(D),
        ),
        case(
            "a bad first copy does not let a second one in",
            "RFC 7606 §3 g, §7.1",
            &e,
            again(
                Parts::good().replaced(1, attribute(0x40, 1, &[9])),
                0x40,
                1,
                &[0],
            ),
            Stays(W),
        ),
        case(
            "MP_REACH_NLRI twice",
            "RFC 7606 §3 g",
            &e,
            again(Parts::good_v6(), 0x80, 14, &reach_v6(&[])),
            Ends(1, vec![]),
        ),
        case(
            "MP_UNREACH_NLRI twice",
            "RFC 7606 §3 g",
            &e,
            again(
                Parts::good().with(attribute(0x80, 15, &unreach(2, 1, &[]))),
                0x80,
                15,
                &unreach(2, 1, &[]),
            ),
            Ends(1, vec![]),
        ),
    ]);
}

#[test]
fn flags() {
    let e = external();
    let flagged = |code: u8, flags: u8, value: &[u8]| {
        Parts::good().replaced(code, attribute(flags, code, value))
    };
    run(vec![
        case(
            "ORIGIN optional",
            "RFC 7606 §3 c",
            &e,
            flagged(1, 0xc0, &[0]),
            Stays(W),
        ),
        case(
            "ORIGIN not transitive",
            "RFC 7606 §3 c",
            &e,
            flagged(1, 0, &[0]),
            Stays(W),
        ),
        case(
            "ORIGIN partial",
            "RFC 4271 §4.3",
            &e,
            flagged(1, 0x60, &[0]),
            Stays(W),
        ),
        case(
            "NEXT_HOP optional",
            "RFC 7606 §3 c",
            &e,
            flagged(3, 0xc0, &[192, 0, 2, 1]),
            Stays(W),
        ),
        case(
            "MED transitive",
            "RFC 7606 §3 c",
            &e,
            flagged(4, 0xc0, &[0, 0, 0, 1]),
            Stays(W),
        ),
        case(
            "MED partial",
            "RFC 7606 §3 c does not name the bit",
            &e,
            flagged(4, 0xa0, &[0, 0, 0, 1]),
            uses(4, &[0, 0, 0, 1]),
        ),
        case(
            "ATOMIC_AGGREGATE optional",
            "RFC 7606 §3 c",
            &e,
            flagged(6, 0xc0, &[]),
            Stays(W),
        ),
        case(
            "AGGREGATOR not transitive",
            "RFC 7606 §3 c",
            &e,
            flagged(7, 0x80, &[0, 0, 0, 1, 1, 1, 1, 1]),
            Stays(W),
        ),
        case(
            "COMMUNITIES partial",
            "RFC 4271 §4.3",
            &e,
            flagged(8, 0xe0, &[0, 1, 0, 1]),
            uses(8, &[0, 1, 0, 1]),
        ),
        case(
            "COMMUNITIES not optional",
            "RFC 7606 §3 c",
            &e,
            flagged(8, 0x40, &[0, 1, 0, 1]),
            Stays(W),
        ),
        case(
            "reserved bits",
            "RFC 4271 §4.3: ignored",
            &e,
            flagged(1, 0x4f, &[0]),
            uses(1, &[0]),
        ),
        case(
            "MP_REACH_NLRI transitive",
            // "The attribute flags of the attribute are inconsistent": the attribute is incorrect,
            // its NLRI are not to be relied on (§3 j). FRR 10 and GoBGP do not withdraw either.
            "RFC 7606 §5.3, §3 j, RFC 4271 §6.3",
            &e,
            Parts::good_v6().replaced(14, attribute(0xc0, 14, &reach_v6(&[8, 0x20]))),
            Ends(4, attribute(0xc0, 14, &reach_v6(&[8, 0x20]))),
        ),
        case(
            "MP_UNREACH_NLRI well-known",
            "RFC 7606 §5.3, §3 j, RFC 4271 §6.3",
            &e,
            Parts::default().with(attribute(0x40, 15, &unreach(2, 1, &[8, 0x20]))),
            Ends(4, attribute(0x40, 15, &unreach(2, 1, &[8, 0x20]))),
        ),
        case(
            "MP_UNREACH_NLRI partial",
            "RFC 7606 §3 c does not name the bit",
            &e,
            Parts::default().with(attribute(0xa0, 15, &unreach(2, 1, &[8, 0x20]))),
            withdraws("2000::/8"),
        ),
        case(
            "MP_REACH_NLRI transitive, of a family that was not negotiated",
            "RFC 4760 §8",
            &e,
            Parts::good_v6().replaced(14, attribute(0xc0, 14, &reach(25, 70, &[1; 4], &[3, 0]))),
            announces(""),
        ),
        case(
            "wrong flags, nothing reachable",
            "RFC 7606 §5.2",
            &e,
            flagged(1, 0xc0, &[0]).nlri(&[]),
            Ends(4, attribute(0xc0, 1, &[0])),
        ),
    ]);
}

#[test]
fn missing_attributes() {
    let (e, i) = (external(), internal());
    let only_unknown = Parts {
        nlri: vec![8, 10],
        ..Parts::default()
    }
    .with(attribute(0xc0, 99, &[1, 2]));
    run(vec![
        case(
            "no ORIGIN",
            "RFC 7606 §3 d",
            &e,
            Parts::good().without(1),
            Stays(W),
        ),
        case(
            "no AS_PATH",
            "RFC 7606 §3 d",
            &e,
            Parts::good().without(2),
            Stays(W),
        ),
        case(
            "no NEXT_HOP",
            "RFC 7606 §3 d",
            &e,
            Parts::good().without(3),
            Stays(W),
        ),
        case(
            "no LOCAL_PREF inside",
            "RFC 7606 §3 d",
            &i,
            Parts::good(),
            Stays(W),
        ),
        case(
            "no attribute at all",
            "RFC 7606 §3 d",
            &e,
            Parts {
                nlri: vec![8, 10],
                ..Parts::default()
            },
            Stays(W),
        ),
        case(
            "only unknown ones",
            "RFC 7606 §3 d",
            &e,
            only_unknown,
            Stays(W),
        ),
        case(
            "no ORIGIN for IPv6",
            "RFC 4760 §3, RFC 7606 §3 d",
            &e,
            Parts::good_v6().without(1),
            Stays(W),
        ),
        case(
            "no NEXT_HOP for IPv6",
            "RFC 4760 §3",
            &e,
            Parts::good_v6(),
            announces("2001:db8::/32"),
        ),
        case(
            "NEXT_HOP missing beside MP_REACH_NLRI",
            "RFC 7606 §3 d",
            &e,
            Parts::good_v6().nlri(&[8, 10]),
            Stays(W),
        ),
        case(
            "nothing missing from withdrawals",
            "RFC 4271 §5",
            &e,
            Parts::default().with(attribute(0x80, 15, &unreach(2, 1, &[8, 0x20]))),
            withdraws("2000::/8"),
        ),
    ]);
}
