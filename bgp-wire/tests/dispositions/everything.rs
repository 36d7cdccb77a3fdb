//! All that is wrong is said, also where the rest is used, each at its place.

use bgp_wire::{EvpnRoute, Finding};

use super::*;

/// What is said of a message that leaves the session up: field, disposition, whether it is malformed.
fn told(parts: &Parts, ctx: &SessionContext) -> Vec<(&'static str, Disposition, bool)> {
    let (body, mut scratch) = (parts.body(), AttrScratch::new());
    let decoded = decode(&body, ctx, &mut scratch);
    check_findings("", "", &body, &decoded, decoded.disposition);
    let offsets = decoded.findings.iter().map(|finding| finding.error.offset);
    assert!(offsets.is_sorted());
    said(&decoded.findings)
}

fn said(findings: &[Finding]) -> Vec<(&'static str, Disposition, bool)> {
    let each = findings.iter();
    each.map(|finding| {
        (
            finding.error.field,
            finding.disposition,
            finding.is_malformed(),
        )
    })
    .collect()
}

fn inside(flags: u8, code: u8, value: &[u8]) -> Parts {
    good_internal().with(attribute(flags, code, value))
}

fn evpn_session() -> SessionContext {
    SessionContext {
        families: FamilySet::from([Family::L2VPN_EVPN]),
        ..external()
    }
}

fn evpn_routes(nlri: &[u8]) -> Parts {
    let value = reach(25, 70, &[192, 0, 2, 1], nlri);
    Parts::good_v6().replaced(14, attribute(0x90, 14, &value))
}

/// RFC 7606 §3 h: the strongest of all errors counts, so all are looked for. RFC 7432 §7.2 (MAC Address Length 48), §7.3 (17 octets
/// with an IPv4 address), RFC 9136 §3.1 (34 octets for IPv4), RFC 7606 §5.4 (a type that is not known is no error).
#[test]
fn every_malformed_route_of_a_block_is_said() {
    let resized = [&[3, 18][..], &evpn::MULTICAST[2..], &[0]].concat();
    let mut mac_of_47_bits = evpn::MAC_IP;
    mac_of_47_bits[24] = 47;
    let prefix_of_17_octets = [&[5, 17][..], &[0; 17]].concat();
    let nlri = [
        &mac_of_47_bits[..],
        &evpn::MULTICAST,
        &prefix_of_17_octets,
        &[99, 0],
        &resized,
    ]
    .concat();
    assert_eq!(
        told(&evpn_routes(&nlri), &evpn_session()),
        [
            ("MAC Address Length", N, true),
            ("Length", N, true),
            ("Route Type", N, false),
            ("Length", W, true),
        ]
    );
}

/// RFC 7606 §5.3: a block that cannot be cut ends the session. What was wrong before that place is said too.
#[test]
fn what_is_wrong_before_a_block_ends_is_said() {
    let mut scratch = AttrScratch::new();
    let reset = Disposition::SessionReset;
    let body = Parts::good().nlri(&[8, 224, 8, 10, 33]).body();
    let error = decode_update(&body, &external(), &mut scratch).unwrap_err();
    assert_eq!(
        said(&error.findings),
        [("Prefix", N, false), ("Prefix Length", reset, true)]
    );
    let mut bad = evpn::MAC_IP;
    bad[24] = 47;
    let parts = evpn_routes(&[&bad[..], &[3]].concat());
    let error = decode_update(&parts.body(), &evpn_session(), &mut scratch).unwrap_err();
    assert_eq!(
        said(&error.findings),
        [("MAC Address Length", N, true), ("EVPN NLRI", reset, true)]
    );
}

/// Memory for what is said does not grow with what is wrong, and the severest is said in any case.
#[test]
fn of_very_many_the_first_are_said_and_the_others_counted() {
    let malformed = [5, 0].repeat(1000);
    let resized = [&[3, 18][..], &evpn::MULTICAST[2..], &[0]].concat();
    let nlri = [&malformed, &resized[..], &evpn::MULTICAST].concat();
    let (body, mut scratch) = (evpn_routes(&nlri).body(), AttrScratch::new());
    let ctx = evpn_session();
    let decoded = decode(&body, &ctx, &mut scratch);
    assert_eq!(decoded.disposition, W);
    let reach = decoded.update.reach.unwrap().nlri;
    assert_eq!((reach.len(), reach.ignored()), (2, 1000));
    assert_eq!(reach.iter::<EvpnRoute>().count(), 2);
    let findings = &decoded.findings;
    assert_eq!(findings.len(), 18);
    let count = Reason::More {
        count: 1000 - 16,
        malformed: true,
    };
    assert_eq!(findings[16].error.reason, count);
    assert_eq!(
        findings[16].error.to_string().split_once(": "),
        Some((
            &*format!("Length at octet {}", findings[0].error.offset + 32),
            "984 more are wrong"
        ))
    );
    assert!(findings[16].is_malformed());
    assert_eq!(findings[17].disposition, W);

    // RFC 7606 §3 g, of a message of nothing but ORIGINs.
    let mut parts = Parts::good();
    for _ in 0..5000 {
        parts = parts.with(attribute(0x40, 1, &[0]));
    }
    let body = parts.body();
    let decoded = decode(&body, &external(), &mut scratch);
    let repeated = |finding: &&Finding| finding.error.reason == Reason::Duplicate;
    assert_eq!(decoded.findings.iter().filter(repeated).count(), 16);
    let last = decoded.findings.last().unwrap();
    assert_eq!((last.attribute, last.disposition), (None, D));
    let count = Reason::More {
        count: 5000 - 16,
        malformed: true,
    };
    assert_eq!(last.error.reason, count);
}

/// RFC 5065 §5 (segments of a confederation from outside), RFC 9774 §3 (sets), RFC 7607 §2 (AS 0), RFC 7606 §7.2 (octets that do
/// not fit).
#[test]
fn every_bad_segment_of_a_path_is_said() {
    let path = [
        &[1, 1, 0, 0, 0xfd, 0xe9][..],
        &[2, 1, 0, 0, 0, 0],
        &[3, 1, 0, 0, 0xfd, 0xe9],
        &[2, 1, 0, 0, 0xfd, 0xe9],
        &[2, 2, 0, 0, 0xfd, 0xe9],
    ]
    .concat();
    let parts = Parts::good().replaced(2, attribute(0x40, 2, &path));
    let (body, mut scratch) = (parts.body(), AttrScratch::new());
    let decoded = decode(&body, &external(), &mut scratch);
    assert_eq!(decoded.disposition, W);
    let first = decoded.findings[0].error.offset;
    let said = decoded.findings.iter().map(|finding| {
        let error = finding.error;
        (error.offset - first, error.reason)
    });
    assert_eq!(
        said.collect::<Vec<_>>(),
        [
            (0, Reason::Text("is a set, which is not accepted")),
            (6, Reason::Text("contains AS 0")),
            (
                12,
                Reason::Text("is of a confederation, the peer is outside of it")
            ),
            (24, Reason::Truncated),
        ]
    );
}

/// RFC 9012 §13: "a Tunnel TLV with a malformed Tunnel Egress Endpoint sub-TLV [...] MUST be ignored", other malformed sub-TLVs are
/// treated as unrecognized; §3.2.1 (12 octets for VXLAN), §3.1 (6, 10 or 22), §3.3.1 (1), §3.3.2 (2, and not zero), §3.4.1 (2).
#[test]
fn every_bad_tunnel_and_sub_tlv_is_said() {
    const GOOD: [u8; 16] = [0, 8, 0, 12, 6, 10, 0, 0, 0, 0, 0, 1, 192, 0, 2, 1];
    const LOOPBACK: [u8; 16] = [0, 8, 0, 12, 6, 10, 0, 0, 0, 0, 0, 1, 127, 0, 0, 1];
    const SHORT: [u8; 15] = [0, 8, 0, 11, 6, 9, 0, 0, 0, 0, 0, 1, 192, 0, 2];
    let odd = [
        &[0, 8, 0, 27][..],
        &GOOD[4..],
        &[1, 4, 0, 0, 0, 0],
        &[2, 1, 0],
        &[7, 0],
        &[8, 2, 0, 0],
    ]
    .concat();
    let value = [&LOOPBACK[..], &GOOD, &SHORT, &odd].concat();
    let parts = inside(0xc0, 23, &value);
    let endpoint = ("Tunnel Egress Endpoint", N, true);
    assert_eq!(
        told(&parts, &internal()),
        [
            endpoint,
            endpoint,
            ("Encapsulation", N, true),
            ("Protocol Type", N, true),
            ("DS Field", N, true),
            ("UDP Destination Port", N, true),
        ]
    );
    run(vec![case(
        "tunnels with bad endpoints are removed, others stay",
        "RFC 9012 §13",
        &internal(),
        parts,
        uses(23, &[&GOOD[..], &odd].concat()),
    )]);

    // RFC 9830 §2.4.1 (6), §2.4.6 (2), §2.4.4.2.1 (6), §2.4.4.1 (6): each makes the attribute malformed (§5).
    let policy = [
        &[0, 15, 0, 33][..],
        &[6, 6, 0, 0, 0, 0, 0, 0],
        &[12, 5, 0, 0, 0, 0, 1],
        &[15, 1, 9],
        &[128, 0, 12, 0, 1, 4, 0, 0, 0, 0, 9, 3, 0, 0, 1],
    ]
    .concat();
    assert_eq!(
        told(&inside(0xc0, 23, &policy), &internal()),
        [
            ("Preference", W, true),
            ("Priority", W, true),
            ("Segment Type A", W, true),
            ("Weight", W, true),
        ]
    );
}

/// RFC 8669 §3.1 (7), §3.2 (2 + 6n), §6; RFC 9252 §3.1 (21 octets at least), §7.
#[test]
fn every_bad_tlv_of_a_prefix_sid_is_said() {
    let information = |octets: u8| {
        let value = vec![0; usize::from(octets)];
        [&[1, 0, octets][..], &value].concat()
    };
    let service = [
        &[0][..],
        &information(20),
        &information(21),
        &information(3),
    ]
    .concat();
    let service = [&[6, 0, u8::try_from(service.len()).unwrap()][..], &service].concat();
    let value = [&[1, 0, 1, 0][..], &[3, 0, 2, 0, 0], &service, &[5, 0, 9]].concat();
    assert_eq!(
        told(&inside(0xc0, 40, &value), &internal()),
        [
            ("Label-Index TLV", D, true),
            ("Originator SRGB TLV", D, true),
            ("SRv6 SID Information Sub-TLV", W, true),
            ("SRv6 SID Information Sub-TLV", W, true),
            ("Prefix-SID TLV", W, true),
        ]
    );
}

/// RFC 8669 §6: "all the occurrences of the TLV other than the first one SHALL be discarded"; RFC 9252 §7 likewise of services.
#[test]
fn a_repeated_tlv_of_a_prefix_sid_is_said_and_the_first_is_used() {
    let [first, second]: [&[u8]; 2] = [
        &[1, 0, 7, 0, 0, 0, 0, 0, 0, 9],
        &[1, 0, 7, 0, 0, 0, 0, 0, 0, 8],
    ];
    let empty: &[u8] = &[5, 0, 1, 0];
    let value = [first, second, empty, empty].concat();
    let parts = inside(0xc0, 40, &value);
    assert_eq!(
        told(&parts, &internal()),
        [("Label-Index TLV", N, true), ("SRv6 Service TLV", N, true)]
    );
    run(vec![case(
        "the first of each",
        "RFC 8669 §6, RFC 9252 §7",
        &internal(),
        parts,
        uses(40, &[first, empty].concat()),
    )]);
}

/// RFC 7311 §3: "it SHOULD contain no more than one AIGP TLV. However, if it contains more than one AIGP TLV, only the first one is
/// used"; the others are passed on. What RFC 7311 §3 says of lengths is said of each TLV.
#[test]
fn a_second_metric_is_said_and_kept() {
    let metric = |value: u8| [1, 0, 11, 0, 0, 0, 0, 0, 0, 0, value];
    let two = [metric(9), metric(10)].concat();
    let parts = inside(0x80, 26, &two);
    assert_eq!(told(&parts, &internal()), [("AIGP TLV", N, false)]);
    run(vec![case(
        "both are passed on",
        "RFC 7311 §3",
        &internal(),
        parts,
        uses(26, &two),
    )]);
    let bad = [1, 0, 4, 0].repeat(2);
    assert_eq!(
        told(&inside(0x80, 26, &bad), &internal()),
        [("AIGP TLV", D, true); 2]
    );
}

/// RFC 9252 §3.2.1: the lengths add up to 128 at most, and to what is transposed at least (erratum 7817); §4: it is of function and
/// argument; six octets. §7 makes such a SID invalid, and no TLV malformed: the attribute stays.
#[test]
fn a_structure_that_cannot_be_is_said() {
    for (structure, good) in [
        (&[40, 24, 16, 0, 16, 64][..], true),
        (&[40, 24, 16, 48, 16, 64], true),
        (&[40, 24, 16, 0, 0, 0], true),
        (&[40, 24, 16, 49, 16, 64], false),
        (&[128, 1, 0, 0, 0, 0], false),
        (&[40, 24, 16, 0, 16, 65], false),
        (&[40, 24, 16, 0, 16, 63], false),
        (&[40, 24, 16, 0, 0, 64], false),
        (&[40, 24, 16, 0, 16], false),
    ] {
        let length = u8::try_from(structure.len()).unwrap();
        let information = [&[0; 21][..], &[1, 0, length], structure].concat();
        let inner = u8::try_from(information.len()).unwrap();
        let value = [&[5, 0, inner + 4, 0, 1, 0, inner][..], &information].concat();
        let parts = inside(0xc0, 40, &value);
        let wanted: &[_] = match good {
            true => &[],
            false => &[("SRv6 SID Structure Sub-Sub-TLV", N, true)],
        };
        assert_eq!(told(&parts, &internal()), wanted, "{structure:?}");
        let rfc = "RFC 9252 §7";
        run(vec![case(
            "kept",
            rfc,
            &internal(),
            parts,
            uses(40, &value),
        )]);
    }
}

/// RFC 6368 §5: what is malformed inside makes the set malformed. What is not, as a Label-Index that comes again (RFC 8669 §6), does
/// not.
#[test]
fn every_bad_attribute_of_a_set_is_said() {
    let set = |attributes: &[&[u8]]| [&[0, 0, 0xfd, 0xe8], &attributes.concat()[..]].concat();
    let bad = set(&[
        &attribute(0x40, 1, &[9]),
        &attribute(0xc0, 40, &[1, 0, 1, 0, 3, 0, 1, 0]),
        &attribute(0x80, 8, &[0, 1, 0, 1]),
        &attribute(0x80, 15, &unreach(2, 1, &[])),
        &[0x40, 2, 9],
    ]);
    assert_eq!(
        told(&inside(0xc0, 128, &bad), &internal()),
        [
            ("ORIGIN", W, true),
            ("Label-Index TLV", W, true),
            ("Originator SRGB TLV", W, true),
            ("ATTR_SET attribute", W, true),
            ("ATTR_SET attribute", W, true),
            ("ATTR_SET attribute", W, true),
        ]
    );
    let again = [1, 0, 7, 0, 0, 0, 0, 0, 0, 9].repeat(2);
    let good = set(&[&attribute(0x40, 1, &[0]), &attribute(0xc0, 40, &again)]);
    let parts = inside(0xc0, 128, &good);
    assert_eq!(told(&parts, &internal()), [("Label-Index TLV", N, true)]);
    run(vec![case(
        "the set stays as it came",
        "RFC 6368 §5",
        &internal(),
        parts,
        uses(128, &good),
    )]);
}

/// RFC 9552 §8.2.2: TLVs that are longer than what they are in; RFC 9514 §4.1: the SRv6 End.X SID has 22 octets, and sub-TLVs behind
/// them. RFC 9026 §3.1.6: the address has 4 or 16 octets.
#[test]
fn every_bad_tlv_of_other_attributes_is_said() {
    let sid = [&[4, 0x52, 0, 25][..], &[0; 22], &[9, 9, 0]].concat();
    let value = [&sid[..], &sid, &[4, 2, 0, 9]].concat();
    assert_eq!(
        told(&inside(0x80, 29, &value), &internal()),
        [("BGP-LS Attribute TLV", D, true); 3]
    );
    let value = [
        &[1, 0, 0, 0, 7][..],
        &[1, 3, 1, 1, 1],
        &[1, 2, 1, 1],
        &[1, 9],
    ]
    .concat();
    assert_eq!(
        told(&inside(0xc0, 38, &value), &internal()),
        [
            ("Source IP Address TLV", D, true),
            ("Source IP Address TLV", D, true),
            ("BFD Discriminator TLV", D, true),
        ]
    );
}

/// RFC 2545 §3: a global address, and behind it the link-local one of the same router. RFC 4364 §4.3.2, RFC 4659 §3.2.1: in VPNs each
/// is behind a route distinguisher of zero.
#[test]
fn what_a_next_hop_leaves_out_is_said() {
    let local = |last: u8| [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last];
    let second = ("Link-Local Next Hop", N, true);
    let first = ("Next Hop", N, true);
    for (a, b, hop, wanted) in [
        (NEXT_HOP_V6, local(1), "2001:db8::1 (fe80::1)", &[][..]),
        (NEXT_HOP_V6, NEXT_HOP_V6, "2001:db8::1", &[second]),
        (local(1), local(1), "fe80::1", &[]),
        ([0; 16], local(1), "fe80::1", &[]),
        (local(1), local(2), "fe80::2", &[first]),
        (local(1), NEXT_HOP_V6, "fe80::1", &[second]),
    ] {
        let value = reach(2, 1, &[a, b].concat(), &[8, 0x20]);
        let parts = Parts::good_v6().replaced(14, attribute(0x80, 14, &value));
        assert_eq!(told(&parts, &external()), wanted, "{hop}");
        run(vec![case(
            "pair",
            "RFC 2545 §3",
            &external(),
            parts,
            Via("2000::/8", hop),
        )]);
    }
    let (zero, other) = ([0; 8], [0, 0, 0xfd, 0xe8, 0, 0, 0, 1]);
    let rd = ("Route Distinguisher of Next Hop", N, true);
    let ctx = SessionContext {
        families: FamilySet::supported(),
        ..external()
    };
    for (afi, next_hop, wanted) in [
        (1, [&zero[..], &[192, 0, 2, 1]].concat(), &[][..]),
        (1, [&other[..], &[192, 0, 2, 1]].concat(), &[rd]),
        (2, [&other[..], &NEXT_HOP_V6].concat(), &[rd]),
        (
            2,
            [&other[..], &NEXT_HOP_V6, &other, &local(1)].concat(),
            &[rd, rd],
        ),
        (2, [&zero[..], &NEXT_HOP_V6, &zero, &local(1)].concat(), &[]),
        (
            2,
            [&zero[..], &NEXT_HOP_V6, &other, &NEXT_HOP_V6].concat(),
            &[rd, second],
        ),
    ] {
        let value = reach(afi, 128, &next_hop, &labels::vpn(&[112, 0, 6, 0x41]));
        let parts = Parts::good_v6().replaced(14, attribute(0x80, 14, &value));
        assert_eq!(told(&parts, &ctx), wanted, "{next_hop:?}");
    }
}

/// RFC 6793 §3, §6: confederation segments of AS4_PATH are discarded, "and continue processing the UPDATE message".
#[test]
fn a_confederation_in_as4_path_is_said_and_left_out() {
    let confed = [3, 1, 0, 1, 0, 0];
    let sequence = [2, 1, 0, 1, 0x11, 0x70];
    for (as4_path, path) in [
        (confed.to_vec(), [2, 2, 0, 0, 0xfd, 0xe9, 0, 0, 0x5b, 0xa0]),
        (
            [confed, sequence].concat(),
            [2, 2, 0, 0, 0xfd, 0xe9, 0, 1, 0x11, 0x70],
        ),
    ] {
        let parts = good_old().with(attribute(0xc0, 17, &as4_path));
        assert_eq!(told(&parts, &old()), [("AS4_PATH segment", N, true)]);
        let rfc = "RFC 6793 §4.2.3, §6";
        run(vec![case("left out", rfc, &old(), parts, uses(2, &path))]);
    }
}
