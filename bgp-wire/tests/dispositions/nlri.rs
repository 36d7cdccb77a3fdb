//! NLRI, next hops of MP_REACH_NLRI, and End-of-RIB.

use super::*;

#[test]
fn nlri() {
    let e = external();
    let add_path = SessionContext {
        add_path_receive: FamilySet::from([Family::IPV4_UNICAST, Family::IPV6_UNICAST]),
        ..external()
    };
    let only_v6 = SessionContext {
        families: FamilySet::from([Family::IPV6_UNICAST]),
        ..external()
    };
    let v6 = |nlri: &[u8]| reach_v6(nlri);
    let mp = |value: Vec<u8>| Parts::good_v6().replaced(14, attribute(0x80, 14, &value));
    let withdraw = |value: Vec<u8>| Parts::default().with(attribute(0x80, 15, &value));
    let bad_mp = |value: Vec<u8>| Ends(9, attribute(0x80, 14, &value));
    let bad_withdraw = |value: Vec<u8>| Ends(9, attribute(0x80, 15, &value));
    run(vec![
        case(
            "prefix of 33 bits",
            "RFC 7606 §5.3, RFC 4271 §6.3",
            &e,
            Parts::good().nlri(&[33, 10, 0, 0, 0, 0]),
            Ends(10, vec![]),
        ),
        case(
            "prefix cut",
            "RFC 7606 §5.3",
            &e,
            Parts::good().nlri(&[24, 10, 0]),
            Ends(10, vec![]),
        ),
        case(
            "withdrawn prefix of 33 bits",
            "RFC 7606 §5.3",
            &e,
            Parts::default().withdrawn(&[33, 1, 1, 1, 1, 1]),
            Ends(10, vec![]),
        ),
        case(
            "withdrawn prefix cut",
            "RFC 7606 §5.3",
            &e,
            Parts::default().withdrawn(&[24, 10]),
            Ends(10, vec![]),
        ),
        case(
            "bits beyond the length",
            "RFC 4271 §4.3",
            &e,
            Parts::good().nlri(&[9, 10, 255]),
            announces("10.128.0.0/9"),
        ),
        case(
            "multicast prefix",
            "RFC 4271 §6.3",
            &e,
            Parts::good().nlri(&[8, 224, 8, 10]),
            announces("10.0.0.0/8"),
        ),
        case(
            "path identifier missing",
            "RFC 7911 §3",
            &add_path,
            Parts::good(),
            Ends(10, vec![]),
        ),
        case(
            "path identifier there",
            "RFC 7911 §3",
            &add_path,
            Parts::good().nlri(&[0, 0, 0, 1, 8, 10]),
            announces("10.0.0.0/8#1"),
        ),
        case(
            "IPv4 not negotiated",
            "RFC 4760 §8",
            &only_v6,
            Parts::good().nlri(&[99]),
            announces(""),
        ),
        case(
            "MP prefix of 129 bits",
            "RFC 7606 §7.11",
            &e,
            mp(v6(&[129, 1])),
            bad_mp(v6(&[129, 1])),
        ),
        case(
            "MP prefix cut",
            "RFC 7606 §5.3, §7.11",
            &e,
            mp(v6(&[64, 1])),
            bad_mp(v6(&[64, 1])),
        ),
        case(
            "MP_REACH_NLRI of 3",
            "RFC 7606 §7.11",
            &e,
            mp(vec![0, 2, 1]),
            bad_mp(vec![0, 2, 1]),
        ),
        case(
            "MP_REACH_NLRI without reserved octet",
            "RFC 7606 §7.11",
            &e,
            mp(vec![0, 2, 1, 0]),
            bad_mp(vec![0, 2, 1, 0]),
        ),
        case(
            "next hop overruns",
            "RFC 7606 §7.11",
            &e,
            mp(vec![0, 2, 1, 16, 1, 2]),
            bad_mp(vec![0, 2, 1, 16, 1, 2]),
        ),
        case(
            "family not negotiated",
            "RFC 4760 §8",
            &e,
            mp(reach(25, 70, &[1, 2, 3, 4], &[9, 9, 9])),
            announces(""),
        ),
        case(
            "family unknown",
            "RFC 4760 §8",
            &e,
            mp(reach(999, 9, &[], &[9])),
            announces(""),
        ),
        case(
            "MP_UNREACH_NLRI of 2",
            "RFC 7606 §7.12",
            &e,
            withdraw(vec![0, 2]),
            bad_withdraw(vec![0, 2]),
        ),
        case(
            "withdrawn MP prefix cut",
            "RFC 7606 §7.12",
            &e,
            withdraw(unreach(2, 1, &[64, 1])),
            bad_withdraw(unreach(2, 1, &[64, 1])),
        ),
        case(
            "withdrawn family not negotiated",
            "RFC 4760 §8",
            &e,
            withdraw(unreach(1, 128, &[255])),
            withdraws(""),
        ),
        case(
            "IPv4 next hop of 16 not negotiated",
            "RFC 8950 §4, RFC 7606 §7.11",
            &e,
            mp(reach(1, 1, &NEXT_HOP_V6, &[8, 10])),
            bad_mp(reach(1, 1, &NEXT_HOP_V6, &[8, 10])),
        ),
        case(
            "IPv4 next hop of 16 negotiated",
            "RFC 8950 §4",
            &SessionContext {
                extended_next_hop: FamilySet::from([Family::IPV4_UNICAST]),
                ..external()
            },
            mp(reach(1, 1, &NEXT_HOP_V6, &[8, 10])),
            Via("10.0.0.0/8", "2001:db8::1"),
        ),
        case(
            "IPv4 next hop of 4 in MP_REACH_NLRI",
            "RFC 4760 §3",
            &e,
            mp(reach(1, 1, &[192, 0, 2, 1], &[8, 10])),
            Via("10.0.0.0/8", "192.0.2.1"),
        ),
    ]);
    for length in [0, 4, 9, 12, 24, 48, 64] {
        let value = reach(2, 1, &vec![0x20; length], &[8, 0x20]);
        run(vec![case(
            "IPv6 next hop of a wrong length",
            "RFC 7606 §7.11, RFC 2545 §3",
            &e,
            mp(value.clone()),
            bad_mp(value),
        )]);
    }
    for (name, address) in [("::", 0u128), ("::1", 1), ("ff02::1", (0xff02 << 112) | 1)] {
        let value = reach(2, 1, &address.to_be_bytes(), &[8, 0x20]);
        run(vec![case(
            name,
            "RFC 4271 §6.3, RFC 7606 §7.3",
            &e,
            mp(value),
            Stays(W),
        )]);
    }
}

/// RFC 4760 §8: what was not negotiated is not used; the session and the rest of the message are.
/// Each of the two attributes is a finding of its own, to be counted.
#[test]
fn a_family_that_was_not_negotiated_is_said_and_ignored() {
    let evpn = [&[3, 17][..], &[0; 12], &[32, 10, 0, 0, 1]].concat();
    let parts = Parts::good()
        .with(attribute(0x80, 14, &reach(25, 70, &[192, 0, 2, 1], &evpn)))
        .with(attribute(0x80, 15, &unreach(25, 70, &evpn)));
    let (body, mut scratch) = (parts.body(), AttrScratch::new());
    let decoded = decode(&body, &external(), &mut scratch);
    assert_eq!((decoded.update.reach, decoded.update.unreach), (None, None));
    assert_eq!(decoded.update.announced.to_string(), "10.0.0.0/8");
    assert_eq!(decoded.disposition, N);
    let findings = decoded.findings.iter();
    let findings: Vec<_> = findings
        .map(|finding| (finding.attribute, finding.disposition, finding.error.reason))
        .collect();
    let why = Reason::NotNegotiated(Family::L2VPN_EVPN);
    assert_eq!(
        findings,
        [
            (Some(AttrCode::MP_REACH_NLRI), N, why),
            (Some(AttrCode::MP_UNREACH_NLRI), N, why),
        ]
    );
}

/// RFC 4724 §2, and shapes that are close to it.
#[test]
fn end_of_rib_is_one_shape_only() {
    let only_v6 = SessionContext {
        families: FamilySet::from([Family::IPV6_UNICAST]),
        ..external()
    };
    for (name, ctx, parts, wanted) in [
        (
            "empty",
            &external(),
            Parts::default(),
            Some(Family::IPV4_UNICAST),
        ),
        (
            "empty, IPv4 not negotiated",
            &only_v6,
            Parts::default(),
            None,
        ),
        (
            "MP",
            &external(),
            Parts::default().with(attribute(0x80, 15, &unreach(2, 1, &[]))),
            Some(Family::IPV6_UNICAST),
        ),
        (
            "MP, extended length",
            &external(),
            Parts::default().with(attribute(0x90, 15, &unreach(2, 1, &[]))),
            Some(Family::IPV6_UNICAST),
        ),
        (
            "MP of IPv4",
            &external(),
            Parts::default().with(attribute(0x80, 15, &unreach(1, 1, &[]))),
            Some(Family::IPV4_UNICAST),
        ),
        (
            "MP of a family not negotiated",
            &external(),
            Parts::default().with(attribute(0x80, 15, &unreach(1, 128, &[]))),
            None,
        ),
        (
            "with a withdrawal",
            &external(),
            Parts::default().withdrawn(&[8, 10]),
            None,
        ),
        (
            "MP with a withdrawal",
            &external(),
            Parts::default().with(attribute(0x80, 15, &unreach(2, 1, &[8, 0x20]))),
            None,
        ),
        (
            "MP with a stray attribute",
            &external(),
            Parts::default()
                .with(attribute(0x80, 15, &unreach(2, 1, &[])))
                .with(attribute(0x40, 1, &[0])),
            None,
        ),
        (
            "MP beside a withdrawal of the body",
            &external(),
            Parts::default()
                .with(attribute(0x80, 15, &unreach(2, 1, &[])))
                .withdrawn(&[8, 10]),
            None,
        ),
        (
            "MP beside a withdrawal of the default route, one octet long",
            &external(),
            Parts::default()
                .with(attribute(0x80, 15, &unreach(2, 1, &[])))
                .withdrawn(&[0]),
            None,
        ),
    ] {
        let (body, mut scratch) = (parts.body(), AttrScratch::new());
        let decoded = decode(&body, ctx, &mut scratch);
        assert_eq!(decoded.update.end_of_rib, wanted, "{name}");
        assert!(decoded.disposition <= N, "{name}");
    }
}
