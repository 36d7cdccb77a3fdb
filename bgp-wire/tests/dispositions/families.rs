//! AFI/SAFI disable (RFC 7606 §2, RFC 4760 §7): a family is given up, the session stays.

use super::*;

/// A session that gives up families, with these.
fn session<const N: usize>(families: [Family; N]) -> SessionContext {
    SessionContext {
        disable_families: true,
        families: FamilySet::from(families),
        ..external()
    }
}

fn dual() -> SessionContext {
    session([Family::IPV4_UNICAST, Family::IPV6_UNICAST])
}

/// What an external peer must send, and this MP_REACH_NLRI.
fn announce(value: Vec<u8>) -> Parts {
    Parts::good_v6().replaced(14, attribute(0x80, 14, &value))
}

#[test]
fn a_family_that_cannot_be_read_is_given_up() {
    let ctx = dual();
    let cut = reach_v6(&[64, 0x20]);
    let withdrawn = unreach(2, 1, &[64, 0x20]);
    let both = "RFC 7606 §3 j: either approach, RFC 4760 §7";
    let one = |name, rfc, parts: Parts, expect| case(name, rfc, &ctx, parts, expect);
    run(vec![
        one("prefix cut", both, announce(cut.clone()), Stays(A)),
        one(
            "prefix of 129 bits",
            both,
            announce(reach_v6(&[129, 0x20])),
            Stays(A),
        ),
        one(
            "next hop of 9 octets",
            "RFC 7606 §7.11",
            announce(reach(2, 1, &[0x20; 9], &[8, 0x20])),
            Stays(A),
        ),
        one(
            "five octets",
            "RFC 7606 §5.3, §7.11",
            announce(vec![0, 2, 1, 16, 0]),
            Stays(A),
        ),
        one(
            "wrong flags",
            "RFC 7606 §5.3",
            Parts::good_v6().replaced(14, attribute(0xc0, 14, &reach_v6(&[8, 0x20]))),
            Stays(A),
        ),
        one(
            "withdrawn prefix cut",
            "RFC 7606 §7.12",
            Parts::default().with(attribute(0x80, 15, &withdrawn)),
            Stays(A),
        ),
        one(
            "withdrawn prefix cut, beside attributes and nothing reachable",
            "RFC 7606 §5.2",
            nothing_reachable().with(attribute(0x80, 15, &withdrawn)),
            Ends(9, attribute(0x80, 15, &withdrawn)),
        ),
        one(
            "bad ORIGIN beside it",
            "RFC 7606 §3 h",
            announce(cut).replaced(1, attribute(0x40, 1, &[9])),
            Stays(A),
        ),
    ]);
}

/// What is worse, and what leaves no family to give up.
#[test]
fn a_session_ends_where_giving_up_a_family_does_not_help() {
    let ctx = dual();
    let cut = reach_v6(&[64, 0x20]);
    let sole = session([Family::IPV6_UNICAST]);
    let rest_gone = SessionContext {
        disabled: FamilySet::from([Family::IPV4_UNICAST]),
        ..dual()
    };
    let link_state = reach(16388, 71, &[192, 0, 2, 1], &listed::NODE[..24]);
    let mut overrun = Parts::good();
    overrun.attributes.extend([0x80, 14, 40, 0, 2]);
    run(vec![
        case(
            "the only family",
            "RFC 9552 §8.2.2 says so of BGP-LS",
            &sole,
            announce(cut.clone()),
            Ends(9, attribute(0x80, 14, &cut)),
        ),
        case(
            "the last family",
            "as before",
            &rest_gone,
            announce(cut.clone()),
            Ends(9, attribute(0x80, 14, &cut)),
        ),
        case(
            "both families at once",
            "RFC 7606 §3 j",
            &ctx,
            announce(cut.clone()).with(attribute(0x80, 15, &unreach(1, 1, &[33]))),
            Ends(9, attribute(0x80, 15, &unreach(1, 1, &[33]))),
        ),
        case(
            "BGP-LS beside another family",
            "RFC 9552 §8.2.2: SHOULD",
            &session([Family::IPV4_UNICAST, Family::LINK_STATE]),
            announce(link_state.clone()),
            Stays(A),
        ),
        case(
            "BGP-LS alone",
            "RFC 9552 §8.2.2: MUST",
            &session([Family::LINK_STATE]),
            announce(link_state.clone()),
            Ends(9, attribute(0x80, 14, &link_state)),
        ),
        case(
            "route target memberships, which say what of other families is told",
            "RFC 4684 §5",
            &session([Family::IPV4_VPN, Family::RTC]),
            announce(reach(1, 132, &[192, 0, 2, 1], &[97])),
            Ends(
                9,
                attribute(0x80, 14, &reach(1, 132, &[192, 0, 2, 1], &[97])),
            ),
        ),
        case(
            "NLRI of the body",
            "RFC 7606 §5.3, RFC 4271 §6.3",
            &ctx,
            Parts::good().nlri(&[33, 1, 1, 1, 1, 1]),
            Ends(10, vec![]),
        ),
        case(
            "family not readable",
            "RFC 7606 §7.11",
            &ctx,
            announce(vec![0, 2]),
            Ends(9, attribute(0x80, 14, &[0, 2])),
        ),
        case(
            "MP_REACH_NLRI twice",
            "RFC 7606 §3 g",
            &ctx,
            announce(cut).with(attribute(0x80, 14, &reach_v6(&[]))),
            Ends(1, vec![]),
        ),
        case(
            "MP_REACH_NLRI beyond the block",
            "RFC 7606 §4, §3 j",
            &ctx,
            overrun,
            Ends(5, vec![0x80, 14, 40, 0, 2]),
        ),
    ]);
}

/// RFC 4760 §7 is about the routes "whose AFI/SAFI is the same".
#[test]
fn routes_of_another_family_are_used_all_the_same() {
    let parts = announce(reach_v6(&[64, 0x20]))
        .with(attribute(0x40, 3, &[192, 0, 2, 1]))
        .nlri(&[8, 10])
        .withdrawn(&[8, 11]);
    let (body, mut scratch) = (parts.body(), AttrScratch::new());
    let decoded = decode(&body, &dual(), &mut scratch);
    assert_eq!(decoded.disposition, A);
    assert_eq!(decoded.disabled, FamilySet::from([Family::IPV6_UNICAST]));
    assert!(!decoded.treat_as_withdraw());
    assert_eq!(decoded.update.reach, None);
    assert_eq!(decoded.update.announced.to_string(), "10.0.0.0/8");
    assert_eq!(decoded.update.withdrawn.to_string(), "11.0.0.0/8");

    let parts = parts.replaced(1, attribute(0x40, 1, &[9]));
    let body = parts.body();
    let decoded = decode(&body, &dual(), &mut scratch);
    assert_eq!(decoded.disposition, A);
    assert!(decoded.treat_as_withdraw());
}

/// RFC 4760 §7: "ignore all the subsequent routes with that AFI/SAFI received over that session".
#[test]
fn what_comes_of_a_disabled_family_is_ignored() {
    let ctx = SessionContext {
        disabled: FamilySet::from([Family::IPV6_UNICAST]),
        ..dual()
    };
    let mut scratch = AttrScratch::new();
    for parts in [
        Parts::good_v6(),
        announce(reach_v6(&[129])),
        Parts::default().with(attribute(0x80, 15, &unreach(2, 1, &[8, 0x20]))),
        Parts::default().with(attribute(0x80, 15, &unreach(2, 1, &[]))),
    ] {
        let body = parts.body();
        let decoded = decode(&body, &ctx, &mut scratch);
        assert_eq!(decoded.disposition, N);
        assert_eq!((decoded.update.reach, decoded.update.unreach), (None, None));
        assert_eq!(decoded.update.end_of_rib, None);
        assert!(decoded.findings.is_empty(), "{:?}", decoded.findings);
    }
    let ctx = SessionContext {
        disabled: FamilySet::from([Family::IPV4_UNICAST]),
        ..dual()
    };
    let body = Parts::good().withdrawn(&[33]).body();
    let decoded = decode(&body, &ctx, &mut scratch);
    assert!(decoded.update.announced.is_empty() && decoded.update.withdrawn.is_empty());
    assert_eq!((decoded.disposition, decoded.findings.len()), (N, 0));
    let end = decode(&[0, 0, 0, 0], &ctx, &mut scratch).update.end_of_rib;
    assert_eq!(end, None);
}
