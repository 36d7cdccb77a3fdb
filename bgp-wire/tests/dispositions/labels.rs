//! Labelled routes, routes of VPNs, route target memberships, and the next hops of VPNs.

use super::*;

const RD: [u8; 8] = [0, 0, 0xfd, 0xe8, 0, 0, 0, 100];

/// 10.1.2.0/24 with the label 100.
pub(crate) const LABELED: [u8; 7] = [48, 0, 6, 0x41, 10, 1, 2];

/// Behind `head`, which begins with the length in bits: a route distinguisher and 10.1.2.
pub(crate) fn vpn(head: &[u8]) -> Vec<u8> {
    [head, &RD, &[10, 1, 2]].concat()
}

/// Behind a route distinguisher of zero.
fn hop(address: &[u8]) -> Vec<u8> {
    [&[0; 8], address].concat()
}

fn session() -> SessionContext {
    SessionContext {
        families: FamilySet::supported(),
        ..external()
    }
}

fn announce(value: Vec<u8>) -> Parts {
    Parts::good_v6().replaced(14, attribute(0x80, 14, &value))
}

fn withdraw(value: Vec<u8>) -> Parts {
    Parts::default().with(attribute(0x80, 15, &value))
}

fn ends(value: Vec<u8>) -> Expect {
    Ends(9, attribute(0x80, 14, &value))
}

fn ends_withdrawn(value: Vec<u8>) -> Expect {
    Ends(9, attribute(0x80, 15, &value))
}

#[test]
fn labelled_routes() {
    let ctx = session();
    let stacks = SessionContext {
        label_stacks: FamilySet::from([Family::IPV4_LABELED]),
        ..session()
    };
    let labeled = |nlri: &[u8]| reach(1, 4, &[192, 0, 2, 1], nlri);
    let two = [72, 0, 6, 0x40, 0, 7, 0xd1, 10, 1, 2];
    let endless = [&[252][..], &[0, 6, 0x40].repeat(10), &[0; 2]].concat();
    run(vec![
        case(
            "one label",
            "RFC 8277 §2.2",
            &ctx,
            announce(labeled(&LABELED)),
            announces("10.1.2.0/24"),
        ),
        case(
            "without the bottom of the stack",
            "RFC 8277 §2.2: \"MUST be ignored\" where there is one label",
            &ctx,
            announce(labeled(&[48, 0, 6, 0x40, 10, 1, 2])),
            announces("10.1.2.0/24"),
        ),
        case(
            "two labels that were negotiated",
            "RFC 8277 §2.3",
            &stacks,
            announce(labeled(&two)),
            announces("10.1.2.0/24"),
        ),
        case(
            "two labels that were not: 40 bits of a prefix",
            "RFC 8277 §2.2, RFC 7606 §5.3",
            &ctx,
            announce(labeled(&two)),
            ends(labeled(&two)),
        ),
        case(
            "labels without end",
            "RFC 8277 §2.3, RFC 7606 §5.3",
            &stacks,
            announce(labeled(&endless)),
            ends(labeled(&endless)),
        ),
        case(
            "23 bits, less than a label",
            "RFC 7606 §5.3",
            &ctx,
            announce(labeled(&[23, 0, 6, 0x41])),
            ends(labeled(&[23, 0, 6, 0x41])),
        ),
        case(
            "57 bits, 33 of a prefix",
            "RFC 7606 §5.3",
            &ctx,
            announce(labeled(&[57, 0, 6, 0x41, 10, 1, 2, 3, 0])),
            ends(labeled(&[57, 0, 6, 0x41, 10, 1, 2, 3, 0])),
        ),
        case(
            "cut",
            "RFC 7606 §5.3",
            &ctx,
            announce(labeled(&LABELED[..6])),
            ends(labeled(&LABELED[..6])),
        ),
        case(
            "withdrawn with 0x800000",
            "RFC 8277 §2.4",
            &ctx,
            withdraw(unreach(1, 4, &[48, 0x80, 0, 0, 10, 1, 2])),
            withdraws("10.1.2.0/24"),
        ),
        case(
            "withdrawn with 0x000000",
            "RFC 8277 §2.4: \"MUST be ignored on reception\"",
            &stacks,
            withdraw(unreach(1, 4, &[48, 0, 0, 0, 10, 1, 2])),
            withdraws("10.1.2.0/24"),
        ),
        case(
            "withdrawn, 23 bits",
            "RFC 7606 §5.3, §7.12",
            &ctx,
            withdraw(unreach(1, 4, &[23, 0x80, 0, 0])),
            ends_withdrawn(unreach(1, 4, &[23, 0x80, 0, 0])),
        ),
    ]);
}

#[test]
fn vpn_routes() {
    let ctx = session();
    let (good, label) = (vpn(&[112, 0, 6, 0x41]), [0, 6, 0x41]);
    let of = |nlri: &[u8]| reach(1, 128, &hop(&[192, 0, 2, 1]), nlri);
    let short = [&[87][..], &label, &RD].concat();
    let strange = [&[112][..], &label, &[0, 9, 1, 2, 3, 4, 5, 6], &[10, 1, 2]].concat();
    let long = [&[121][..], &label, &RD, &[10, 1, 2, 3, 0]].concat();
    let multicast = [&[92][..], &label, &RD, &[224]].concat();
    let multicast_v6 = [
        &[96][..],
        &label,
        &RD,
        &[0xff],
        &[104],
        &label,
        &RD,
        &[0xfd, 0],
    ]
    .concat();
    let long_v6 = [&[217][..], &label, &RD, &[0x20; 17]].concat();
    run(vec![
        case(
            "good",
            "RFC 4364 §4.3.4",
            &ctx,
            announce(of(&good)),
            announces("65000:100:10.1.2.0/24"),
        ),
        case(
            "route distinguisher of type 9",
            "RFC 4364 §4.2: \"distinguishes\", whatever it means",
            &ctx,
            announce(of(&strange)),
            announces("0x0009010203040506:10.1.2.0/24"),
        ),
        case(
            "multicast prefix",
            "RFC 4271 §6.3",
            &ctx,
            announce(of(&multicast)),
            announces(""),
        ),
        case(
            "multicast prefix of IPv6 beside another",
            "RFC 4271 §6.3",
            &ctx,
            announce(reach(2, 128, &hop(&NEXT_HOP_V6), &multicast_v6)),
            announces("65000:100:fd00::/16"),
        ),
        case(
            "87 bits, less than label and route distinguisher",
            "RFC 7606 §5.3",
            &ctx,
            announce(of(&short)),
            ends(of(&short)),
        ),
        case(
            "121 bits, 33 of a prefix",
            "RFC 7606 §5.3",
            &ctx,
            announce(of(&long)),
            ends(of(&long)),
        ),
        case(
            "217 bits, 129 of a prefix",
            "RFC 7606 §5.3",
            &ctx,
            announce(reach(2, 128, &hop(&NEXT_HOP_V6), &long_v6)),
            ends(reach(2, 128, &hop(&NEXT_HOP_V6), &long_v6)),
        ),
        case(
            "cut",
            "RFC 7606 §5.3",
            &ctx,
            announce(of(&good[..14])),
            ends(of(&good[..14])),
        ),
        case(
            "withdrawn",
            "RFC 8277 §2.4",
            &ctx,
            withdraw(unreach(1, 128, &vpn(&[112, 0x80, 0, 0]))),
            withdraws("65000:100:10.1.2.0/24"),
        ),
        case(
            "withdrawn, 87 bits",
            "RFC 7606 §5.3, §7.12",
            &ctx,
            withdraw(unreach(1, 128, &short)),
            ends_withdrawn(unreach(1, 128, &short)),
        ),
    ]);
}

/// RFC 4364 §4.3.2, RFC 4659 §3.2.1, RFC 8950 §4 give the lengths, RFC 7606 §7.11 the rest.
#[test]
fn next_hops_of_vpns() {
    let (ctx, nlri) = (session(), vpn(&[112, 0, 6, 0x41]));
    let extended = SessionContext {
        extended_next_hop: FamilySet::from([Family::IPV4_VPN]),
        ..session()
    };
    let pair = [
        hop(&NEXT_HOP_V6),
        hop(&[0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]),
    ];
    let pair = pair.concat();
    let both = Some("2001:db8::1 (fe80::1)");
    for (name, afi, ctx, next_hop, good) in [
        (
            "12 of IPv4",
            1,
            &ctx,
            hop(&[192, 0, 2, 1]),
            Some("192.0.2.1"),
        ),
        ("4 of IPv4", 1, &ctx, vec![192, 0, 2, 1], None),
        ("24 of IPv4", 1, &ctx, hop(&NEXT_HOP_V6), None),
        (
            "24 of IPv4, negotiated",
            1,
            &extended,
            hop(&NEXT_HOP_V6),
            Some("2001:db8::1"),
        ),
        ("48 of IPv4, negotiated", 1, &extended, pair.clone(), both),
        (
            "16 of IPv4, negotiated",
            1,
            &extended,
            NEXT_HOP_V6.to_vec(),
            None,
        ),
        (
            "24 of IPv6",
            2,
            &ctx,
            hop(&NEXT_HOP_V6),
            Some("2001:db8::1"),
        ),
        ("48 of IPv6", 2, &ctx, pair, both),
        ("12 of IPv6", 2, &ctx, hop(&[192, 0, 2, 1]), None),
        ("16 of IPv6", 2, &ctx, NEXT_HOP_V6.to_vec(), None),
        ("32 of IPv6", 2, &ctx, [NEXT_HOP_V6; 2].concat(), None),
        ("none", 2, &ctx, vec![], None),
    ] {
        let value = reach(afi, 128, &next_hop, &nlri);
        let expect = match (good, afi) {
            (Some(next_hop), 1) => Via("65000:100:10.1.2.0/24", next_hop),
            (Some(next_hop), _) => Via("65000:100:a01:200::/24", next_hop),
            (None, _) => ends(value.clone()),
        };
        run(vec![case(
            name,
            "RFC 7606 §7.11",
            ctx,
            announce(value),
            expect,
        )]);
    }
    let nowhere = reach(1, 128, &hop(&[0, 0, 0, 0]), &nlri);
    run(vec![case(
        "no host",
        "RFC 4271 §6.3, RFC 7606 §7.3",
        &ctx,
        announce(nowhere),
        Stays(W),
    )]);
}

/// RFC 2545 §3: the global address first, a link-local one second.
#[test]
fn pairs_of_next_hops() {
    let local = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let (ctx, mut scratch) = (external(), AttrScratch::new());
    for (first, second, wanted) in [
        (NEXT_HOP_V6, local, Some("2001:db8::1 (fe80::1)")),
        // BIRD and FRR take the first here and ignore the second.
        (NEXT_HOP_V6, NEXT_HOP_V6, Some("2001:db8::1")),
        (local, local, Some("fe80::1")),
        ([0; 16], local, Some("fe80::1")),
        (local, NEXT_HOP_V6, Some("fe80::1")),
        ([0; 16], [0; 16], None),
    ] {
        let value = reach(2, 1, &[first, second].concat(), &[8, 0x20]);
        let body = announce(value).body();
        let decoded = decode(&body, &ctx, &mut scratch);
        let next_hop = decoded.update.attrs.next_hop().map(|hop| hop.to_string());
        match wanted {
            Some(_) => assert_eq!(decoded.disposition, N),
            None => assert_eq!(decoded.disposition, W),
        }
        if wanted.is_some() {
            assert_eq!(next_hop.as_deref(), wanted);
        }
    }
}

#[test]
fn route_target_memberships() {
    let ctx = session();
    let of = |nlri: &[u8]| reach(1, 132, &[192, 0, 2, 1], nlri);
    let whole = [96, 0, 0, 0xfd, 0xe8, 0, 2, 0xfd, 0xe8, 0, 0, 0, 100];
    let long = [&[97][..], &[0; 13]].concat();
    run(vec![
        case(
            "whole",
            "RFC 4684 §4",
            &ctx,
            announce(of(&whole)),
            announces("65000:rt:65000:100"),
        ),
        case(
            "default",
            "RFC 4684 §4",
            &ctx,
            announce(of(&[0])),
            announces("default"),
        ),
        case(
            "48 bits",
            "RFC 4684 §4",
            &ctx,
            announce(of(&whole[..7]
                .iter()
                .enumerate()
                .map(|(place, octet)| if place == 0 { 48 } else { *octet })
                .collect::<Vec<_>>())),
            announces("65000:0x0002000000000000/48"),
        ),
        case(
            "31 bits are ignored",
            // "32 to 96 bits, or 0": what is framed and says nothing harms nobody.
            "RFC 4684 §4, RFC 4271 §6.3",
            &ctx,
            announce(of(&[&[31, 0, 0, 0xfd, 0xe8][..], &whole].concat())),
            announces("65000:rt:65000:100"),
        ),
        case(
            "97 bits",
            "RFC 4684 §4, RFC 7606 §5.3",
            &ctx,
            announce(of(&long)),
            ends(of(&long)),
        ),
        case(
            "cut",
            "RFC 7606 §5.3",
            &ctx,
            announce(of(&whole[..12])),
            ends(of(&whole[..12])),
        ),
    ]);
}
