//! Numbers, names and lengths as RFCs and registries fix them, one by one.

use bgp_wire::ExtCommunity;

use super::*;

/// IANA "EVPN Extended Community Sub-Types": 0x0a to 0x0c are EVI-RT of Type 0, 1 and 2 (RFC 9251 §9.5), whose values are those
/// of a route target of that type. 0x08 is ARP/ND, of whose flags bit 4 from the left is Immutable, 6 Override and 7 Router
/// (RFC 9047 §2).
#[test]
fn extended_communities_of_evpn_are_written_as_registered() {
    for (text, octets) in [
        ("evi-rt:65000:100", [6, 0x0a, 0xfd, 0xe8, 0, 0, 0, 100]),
        ("evi-rt:10.0.0.1:100", [6, 0x0b, 10, 0, 0, 1, 0, 100]),
        (
            "evi-rt:4200000001:100",
            [6, 0x0c, 0xfa, 0x56, 0xea, 1, 0, 100],
        ),
        ("nd:immutable", [6, 8, 0b0000_1000, 0, 0, 0, 0, 0]),
        ("nd:override", [6, 8, 0b0000_0010, 0, 0, 0, 0, 0]),
        ("nd:router", [6, 8, 0b0000_0001, 0, 0, 0, 0, 0]),
    ] {
        assert_eq!(text.parse(), Ok(ExtCommunity(octets)), "{text}");
        assert_eq!(ExtCommunity(octets).to_string(), text);
    }
}

/// RFC 8669 §3.1: the length of a Label-Index TLV is 7, no less and no more. §6: else the attribute is discarded.
/// RFC 6514 §5: PIM tunnels are told by two addresses of one family, a source or root and a group.
/// RFC 9251 §9.3: behind its addresses a Leave Synch route has a reserved field, Maximum Response Time and Flags: six octets.
#[test]
fn lengths_are_exact() {
    let i = internal();
    let with = |code, value: &[u8]| good_internal().with(attribute(0xc0, code, value));
    let index = |length: u8| {
        let value = vec![0; usize::from(length)];
        [&[1, 0, length][..], &value].concat()
    };
    let pim = |kind, octets| [&[0, kind, 0, 0, 16][..], &vec![1; octets]].concat();
    let leave = |tail: usize| {
        let key = [
            &[0; 8][..],
            &[1; 10],
            &[0; 4],
            &[0, 32, 239, 0, 0, 1, 32, 10, 0, 0, 1],
        ]
        .concat();
        let value = [&key[..], &vec![0; tail]].concat();
        let route = [&[8, u8::try_from(value.len()).unwrap()], &value[..]].concat();
        good_internal().with(attribute(0x80, 14, &reach(25, 70, &[192, 0, 2, 1], &route)))
    };
    let evpn = SessionContext {
        families: FamilySet::from([Family::IPV4_UNICAST, Family::L2VPN_EVPN]),
        ..internal()
    };
    let mut cases = Vec::new();
    for (length, ends) in [(6, D), (7, N), (8, D)] {
        cases.push(case(
            "Label-Index",
            "RFC 8669 §3.1",
            &i,
            with(40, &index(length)),
            uses_or(ends, 40, &index(length)),
        ));
    }
    for kind in 3..=5 {
        for (octets, ends) in [(4, W), (8, N), (16, W), (20, W), (24, W), (32, N), (40, W)] {
            cases.push(case(
                "PIM tunnel",
                "RFC 6514 §5",
                &i,
                with(22, &pim(kind, octets)),
                uses_or(ends, 22, &pim(kind, octets)),
            ));
        }
    }
    let route =
        "[8]:[0:0]:[0]:[01:01:01:01:01:01:01:01:01:01]:[0]:[*]:[32]:[239.0.0.1]:[32]:[10.0.0.1]";
    for (tail, expect) in [
        (5, Stays(W)),
        (6, announces(format!("10.0.0.0/8 {route}"))),
        (7, Stays(W)),
    ] {
        cases.push(case(
            "Leave Synch",
            "RFC 9251 §9.3",
            &evpn,
            leave(tail),
            expect,
        ));
    }
    run(cases);
}
