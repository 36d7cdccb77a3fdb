//! Attributes of no octet, of very many, and TLVs that hold nothing or each other.

use super::*;

/// RFC 7606 §4: "it SHALL be considered a syntax error for the attribute to have a length of zero",
/// but for AS_PATH and ATOMIC_AGGREGATE; what follows is said of each attribute.
#[test]
fn an_empty_value_is_a_bad_one() {
    let (inside, old) = (internal(), old());
    let of = |flags: u8, code: u8| {
        let parts = match code {
            17 | 18 => good_old().with(attribute(0xc0, 7, &[0x5b, 0xa0, 1, 1, 1, 1])),
            _ => good_internal(),
        };
        parts.replaced(code, attribute(flags, code, &[]))
    };
    for (code, flags, rfc, wanted) in [
        (1, 0x40, "RFC 7606 §7.1", W),
        (2, 0x40, "RFC 7606 §4: may be", N),
        (3, 0x40, "RFC 7606 §7.3", W),
        (4, 0x80, "RFC 7606 §7.4", W),
        (5, 0x40, "RFC 7606 §7.5", W),
        (6, 0x40, "RFC 7606 §4: must be", N),
        (7, 0xc0, "RFC 7606 §7.7", D),
        (8, 0xc0, "RFC 7606 §7.8", W),
        (9, 0x80, "RFC 7606 §7.9", W),
        (10, 0x80, "RFC 7606 §7.10", W),
        (16, 0xc0, "RFC 7606 §7.14", W),
        (17, 0xc0, "RFC 6793 §6", D),
        (18, 0xc0, "RFC 6793 §6", D),
        (22, 0xc0, "RFC 6514 §5", W),
        (23, 0xc0, "RFC 9012 §13", W),
        (24, 0x80, "RFC 7606 §7.13", W),
        (25, 0xc0, "RFC 7606 §7.15", W),
        (26, 0x80, "RFC 7311 §3", D),
        (29, 0x80, "RFC 9552 §8.2.2", D),
        (32, 0xc0, "RFC 8092 §6", W),
        (35, 0xc0, "RFC 9234 §5", W),
        (38, 0xc0, "RFC 9026 §3.1.6", D),
        (40, 0xc0, "RFC 8669 §6", D),
        (128, 0xc0, "RFC 7606 §7.16", W),
    ] {
        assert!(AttrCode(code).is_known());
        let ctx = if matches!(code, 17 | 18) {
            &old
        } else {
            &inside
        };
        run(vec![case(
            "empty",
            rfc,
            ctx,
            of(flags, code),
            uses_or(wanted, code, &[]),
        )]);
    }
    for (code, expect) in [
        (14, attribute(0x80, 14, &[])),
        (15, attribute(0x80, 15, &[])),
    ] {
        run(vec![case(
            "empty, and carries NLRI",
            "RFC 7606 §5.3",
            &external(),
            Parts::good().with(attribute(0x80, code, &[])),
            Ends(9, expect),
        )]);
    }
}

/// RFC 4271 §4.3, §9.1.2: long paths and loops are no errors.
#[test]
fn long_paths_are_good_ones() {
    let e = external();
    let segment: Vec<u8> = [2, 255]
        .into_iter()
        .chain([0, 0, 0xfd, 0xe9].repeat(255))
        .collect();
    let four_kilobytes = segment.repeat(4);
    let path = |value: &[u8]| Parts::good().replaced(2, attribute(0x50, 2, value));
    let ours = [2, 2, 0, 0, 0xfd, 0xe9, 0, 0, 0xfd, 0xe8];
    run(vec![
        case(
            "510 ASes",
            "RFC 4271 §4.3",
            &e,
            path(&segment.repeat(2)),
            uses(2, &segment.repeat(2)),
        ),
        case(
            "1,020 ASes",
            "RFC 4271 §4.3",
            &e,
            path(&four_kilobytes),
            uses(2, &four_kilobytes),
        ),
        case(
            "the last AS cut",
            "RFC 7606 §7.2",
            &e,
            path(&four_kilobytes[..four_kilobytes.len() - 1]),
            Stays(W),
        ),
        case(
            "our AS",
            "RFC 4271 §9.1.2: not for the decoder",
            &e,
            path(&ours),
            uses(2, &ours),
        ),
        case(
            "AS_CONFED_SET from a member peer",
            "RFC 9774 §3",
            &SessionContext {
                peer_kind: PeerKind::Confederation,
                ..external()
            },
            path(&[3, 1, 0, 0, 0xfd, 0xe9, 4, 1, 0, 0, 0xfd, 0xea]),
            Stays(W),
        ),
        case(
            "AS_CONFED_SET from a member peer, accepted",
            "RFC 9774 §3",
            &SessionContext {
                peer_kind: PeerKind::Confederation,
                accept_as_set: true,
                ..external()
            },
            path(&[3, 1, 0, 0, 0xfd, 0xe9, 4, 1, 0, 0, 0xfd, 0xea]),
            uses(2, &[3, 1, 0, 0, 0xfd, 0xe9, 4, 1, 0, 0, 0xfd, 0xea]),
        ),
        case(
            "AS4_PATH of a confederation",
            "RFC 6793 §6: dropped, \"SHALL NOT\" be an error",
            &old(),
            good_old().with(attribute(0xc0, 17, &[3, 1, 0, 1, 0, 0])),
            uses(2, &[2, 2, 0, 0, 0xfd, 0xe9, 0, 0, 0x5b, 0xa0]),
        ),
    ]);
}

/// 64 kilobytes, in every attribute that is made of parts. A community that is repeated says no more
/// than one (RFC 1997, RFC 8092 §3: a set).
#[test]
fn the_longest_attributes() {
    let i = internal();
    let full = |item: &[u8]| item.repeat(60_000 / item.len());
    let with = |flags: u8, code: u8, value: &[u8]| {
        good_internal().with(attribute(flags | 0x10, code, value))
    };
    run(vec![
        case(
            "communities",
            "RFC 1997",
            &i,
            with(0xc0, 8, &full(&[0, 1, 0, 1])),
            uses(8, &[0, 1, 0, 1]),
        ),
        case(
            "clusters",
            "RFC 4456 §8",
            &i,
            with(0x80, 10, &full(&[9; 4])),
            uses(10, &full(&[9; 4])),
        ),
        case(
            "extended",
            "RFC 4360 §2",
            &i,
            with(0xc0, 16, &full(&[9; 8])),
            uses(16, &[9; 8]),
        ),
        case(
            "large",
            "RFC 8092 §3",
            &i,
            with(0xc0, 32, &full(&[9; 12])),
            uses(32, &[9; 12]),
        ),
        case(
            "IPv6",
            "RFC 5701 §2",
            &i,
            with(0xc0, 25, &full(&[9; 20])),
            uses(25, &[9; 20]),
        ),
        case(
            "link state",
            "RFC 9552 §5.3",
            &i,
            with(0x80, 29, &full(&[9, 9, 0, 0])),
            uses(29, &full(&[9, 9, 0, 0])),
        ),
        case(
            "tunnels",
            "RFC 9012 §2",
            &i,
            with(0xc0, 23, &full(&[0xff, 0xfe, 0, 0])),
            uses(23, &full(&[0xff, 0xfe, 0, 0])),
        ),
        case(
            "SIDs",
            "RFC 8669 §3",
            &i,
            with(0xc0, 40, &full(&[99, 0, 0])),
            uses(40, &full(&[99, 0, 0])),
        ),
        case(
            "unknown",
            "RFC 4271 §5",
            &i,
            with(0xc0, 99, &full(&[9])),
            uses(99, &full(&[9])),
        ),
        case(
            "AIGP",
            "RFC 7311 §3",
            &i,
            with(0x80, 26, &full(&[9, 0, 3])),
            uses(26, &full(&[9, 0, 3])),
        ),
    ]);
}

/// A length of zero inside makes no reader stand still, and depth no reader fall.
#[test]
fn empty_and_nested_parts() {
    let i = internal();
    // Whatever is in it, the attribute stays as it is.
    let sid = |name, rfc, service: &[u8]| {
        let length = u16::try_from(service.len()).unwrap().to_be_bytes();
        let value = [&[5], &length[..], service].concat();
        let parts = good_internal().with(attribute(0xd0, 40, &value));
        case(name, rfc, &internal(), parts, uses(40, &value))
    };
    let information = |rest: &[u8]| {
        let length = (u16::try_from(rest.len()).unwrap() + 21).to_be_bytes();
        [&[0, 1], &length[..], &[0; 21], rest].concat()
    };
    // ATTR_SET in ATTR_SET: an AS and a head of four octets each.
    let mut sets = vec![0, 0, 0xfd, 0xe8];
    for _ in 0..100 {
        sets = [&[0, 0, 0xfd, 0xe8][..], &attribute(0xd0, 128, &sets)].concat();
    }
    // The SRv6 End.X SID TLV of BGP-LS, and in it, behind its 22 octets, another (RFC 9514 §4.1).
    let mut tlvs = vec![];
    for _ in 0..100 {
        let length = u16::try_from(22 + tlvs.len()).unwrap().to_be_bytes();
        tlvs = [&[0x04, 0x52], &length[..], &[0; 22], &tlvs].concat();
    }
    run(vec![
        sid(
            "unknown sub-TLVs of no octet in a service",
            "RFC 9252 §2: ignored",
            &[&[0][..], &[99, 0, 0].repeat(1000)].concat(),
        ),
        sid(
            "a service without a SID",
            "RFC 9252 §7: not malformed, of no use",
            &[0],
        ),
        sid(
            "unknown sub-sub-TLVs of no octet in a SID",
            "RFC 9252 §3.2",
            &information(&[99, 0, 0].repeat(1000)),
        ),
        sid(
            "a structure of more bits than a SID has",
            "RFC 9252 §7: the SID is of no use, the TLV not malformed",
            &information(&[1, 0, 6, 128, 128, 0, 0, 0, 0]),
        ),
        sid(
            "more transposed bits than a label has",
            "RFC 9252 §4, §7: likewise",
            &information(&[1, 0, 6, 40, 24, 40, 0, 40, 64]),
        ),
        case(
            "a service twice",
            "RFC 9252 §7: all but the first are ignored",
            &i,
            good_internal().with(attribute(0xc0, 40, &[5, 0, 1, 0, 5, 0, 1, 0])),
            uses(40, &[5, 0, 1, 0]),
        ),
        case(
            "attributes in attributes, a hundred deep",
            "RFC 6368 §5",
            &i,
            good_internal().with(attribute(0xd0, 128, &sets)),
            uses(128, &sets),
        ),
        case(
            "TLVs in TLVs, a hundred deep",
            "RFC 9552 §5.1",
            &i,
            good_internal().with(attribute(0x90, 29, &tlvs)),
            uses(29, &tlvs),
        ),
    ]);
    for parts in [
        good_internal().with(attribute(0xd0, 128, &sets)),
        good_internal().with(attribute(0x90, 29, &tlvs)),
    ] {
        let (body, mut scratch) = (parts.body(), AttrScratch::new());
        let decoded = decode(&body, &i, &mut scratch);
        let shown = decoded.update.attrs.to_string();
        assert!(shown.len() < 8 * body.len(), "{}", shown.len());
        assert!(!decoded.update.attrs.describe().is_empty());
    }
}
