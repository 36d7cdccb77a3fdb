//! What comes out beside the disposition.

use super::*;

#[test]
fn three_errors_are_three_findings_and_the_severest_counts() {
    let parts = Parts::good()
        .replaced(1, attribute(0x40, 1, &[7]))
        .with(attribute(0xc0, 7, &[1]))
        .with(attribute(0x40, 5, &[0, 0, 0, 1]));
    let (body, mut scratch) = (parts.body(), AttrScratch::new());
    let decoded = decode(&body, &external(), &mut scratch);
    assert_eq!(decoded.disposition, W);
    let found: Vec<_> = decoded
        .findings
        .iter()
        .map(|f| (f.attribute.unwrap().0, f.disposition))
        .collect();
    assert_eq!(found, [(1, W), (7, D), (5, D)]);

    let parts = parts.nlri(&[]);
    let body = parts.body();
    let error: MessageError = decode_update(&body, &external(), &mut scratch).unwrap_err();
    assert_eq!(error.findings.len(), 3);
    assert_eq!(error.attribute, Some(AttrCode::ORIGIN));
    assert_eq!(
        error.notification.to_string(),
        "UPDATE Message Error: Invalid ORIGIN Attribute (ORIGIN, data 40010107)"
    );
}

/// The same where the severest ends the session by itself, wherever it stands: all is told, in the
/// order of the octets, and the NOTIFICATION is about the severest.
#[test]
fn three_errors_are_three_findings_though_one_of_them_ends_the_session() {
    let unknown = attribute(0x40, 99, &[1]);
    let three = Parts::good()
        .with(attribute(0xc0, 7, &[1]))
        .with(unknown.clone())
        .with(attribute(0xc0, 8, &[0; 5]));
    let mut scratch = AttrScratch::new();
    let mut ends = |parts: &Parts| {
        let error = decode_update(&parts.body(), &external(), &mut scratch).unwrap_err();
        let found: Vec<_> = error
            .findings
            .iter()
            .map(|finding| (finding.attribute.map(|code| code.0), finding.disposition))
            .collect();
        let offsets = error.findings.iter().map(|finding| finding.error.offset);
        assert!(offsets.is_sorted());
        (found, error)
    };
    let reset = Disposition::SessionReset;
    let (found, error) = ends(&three);
    assert_eq!(found, [(Some(7), D), (Some(99), reset), (Some(8), W)]);
    assert_eq!(error.attribute, Some(AttrCode(99)));
    assert_eq!(
        (error.notification.subcode, error.notification.data),
        (2, unknown.into())
    );

    // NLRI of the body come last, and are as severe as can be.
    let parts = Parts::good()
        .replaced(1, attribute(0x40, 1, &[9]))
        .with(attribute(0xc0, 7, &[1]))
        .nlri(&[33, 10]);
    let (found, error) = ends(&parts);
    assert_eq!(found, [(Some(1), W), (Some(7), D), (None, reset)]);
    assert_eq!((error.attribute, error.notification.subcode), (None, 10));
    assert!(error.notification.data.is_empty());

    // MP_REACH_NLRI, a repeated attribute, wrong flags.
    let bad = reach_v6(&[129]);
    let parts = Parts::good_v6()
        .replaced(14, attribute(0x80, 14, &bad))
        .with(attribute(0x80, 4, &[0, 0, 0, 1]))
        .with(attribute(0x80, 4, &[0, 0, 0, 2]))
        .with(attribute(0x40, 8, &[0, 1, 0, 1]));
    let (found, error) = ends(&parts);
    assert_eq!(found, [(Some(14), reset), (Some(4), D), (Some(8), W)]);
    assert_eq!(error.notification.data, attribute(0x80, 14, &bad));
}

/// RFC 7606 §3 h asks for the strongest of all errors, so all are looked for within MP_REACH_NLRI too: flags (§5.3), the
/// length of the next hop (§7.11), its address (RFC 4271 §6.3), and the NLRI (§5.3).
#[test]
fn an_attribute_with_nlri_that_is_wrong_in_several_ways_says_all() {
    let loopback = &[[0; 15].as_slice(), &[1]].concat()[..];
    let routes = |next_hop, nlri: &[u8]| reach(2, 1, next_hop, nlri);
    let reset = Disposition::SessionReset;
    let (good, long, multicast) = (&[32, 0x20, 1, 0xd, 0xb8][..], &[129][..], &[8, 0xff][..]);
    let mut scratch = AttrScratch::new();
    for (name, attribute, found, subcode) in [
        (
            "next hop of 9 octets, NLRI of 129 bits",
            attribute(0x80, 14, &routes(&[1; 9], long)),
            &[("Length of Next Hop", reset), ("Prefix Length", reset)][..],
            9,
        ),
        (
            "transitive, next hop of 9 octets, NLRI of 129 bits",
            attribute(0xc0, 14, &routes(&[1; 9], long)),
            &[
                ("Attribute Flags", reset),
                ("Length of Next Hop", reset),
                ("Prefix Length", reset),
            ],
            4,
        ),
        (
            "next hop ::1, NLRI of 129 bits",
            attribute(0x80, 14, &routes(loopback, long)),
            &[("Next Hop", W), ("Prefix Length", reset)],
            9,
        ),
        (
            "transitive, next hop ::1, a multicast prefix",
            attribute(0xc0, 14, &routes(loopback, &[good, multicast].concat())),
            &[("Attribute Flags", reset), ("Next Hop", W), ("Prefix", N)],
            4,
        ),
        (
            "withdrawn: transitive, of 129 bits",
            attribute(0xc0, 15, &unreach(2, 1, long)),
            &[("Attribute Flags", reset), ("Prefix Length", reset)],
            4,
        ),
    ] {
        let parts = Parts::good_v6().without(14).with(attribute.clone());
        let error = decode_update(&parts.body(), &external(), &mut scratch).unwrap_err();
        let told: Vec<_> = error
            .findings
            .iter()
            .filter(|finding| finding.error.reason != Reason::Missing)
            .map(|finding| (finding.error.field, finding.disposition))
            .collect();
        assert_eq!(told, found, "{name}");
        assert_eq!(error.notification.subcode, subcode, "{name}");
        assert_eq!(error.notification.data, attribute, "{name}");
    }
}

#[test]
fn an_error_names_field_and_octet() {
    let parts = Parts::good().with(attribute(0xc0, 8, &[0; 5]));
    let (body, mut scratch) = (parts.body(), AttrScratch::new());
    let error = decode(&body, &external(), &mut scratch).findings[0].error;
    // Header 19, two lengths 4, ORIGIN 4, AS_PATH 9, NEXT_HOP 7, and the head of the attribute.
    assert_eq!(
        (error.field, error.offset, error.reason),
        ("COMMUNITIES", 19 + 4 + 4 + 9 + 7 + 3, Reason::Length(5))
    );
}

#[test]
fn what_is_treated_as_withdrawn_is_exposed() {
    let parts = Parts::good_v6()
        .replaced(1, attribute(0x40, 1, &[7]))
        .with(attribute(0x40, 3, &[192, 0, 2, 1]))
        .nlri(&[8, 10, 16, 10, 1]);
    let (body, mut scratch) = (parts.body(), AttrScratch::new());
    let decoded = decode(&body, &external(), &mut scratch);
    assert_eq!(decoded.disposition, W);
    assert_eq!(
        decoded
            .update
            .announced
            .iter_v4()
            .map(|(_, net)| net.to_string())
            .collect::<Vec<_>>(),
        ["10.0.0.0/8", "10.1.0.0/16"]
    );
    assert_eq!(decoded.update.reach.unwrap().nlri.iter_v6().count(), 1);
}

#[test]
fn each_kind_of_nlri_has_its_next_hop() {
    let parts = Parts::good_v6()
        .with(attribute(0x40, 3, &[192, 0, 2, 1]))
        .nlri(&[8, 10]);
    let (body, mut scratch) = (parts.body(), AttrScratch::new());
    let update = decode(&body, &external(), &mut scratch).update;
    let v6 = NextHop::V6(NEXT_HOP_V6.into());
    assert_eq!(
        update.attrs.next_hop(),
        Some(NextHop::V4([192, 0, 2, 1].into()))
    );
    assert_eq!(update.mp_attrs.unwrap().next_hop(), Some(v6));
    assert_eq!(
        update.attrs.without_next_hop(),
        update.mp_attrs.unwrap().without_next_hop()
    );

    let (body, mut scratch) = (Parts::good_v6().body(), AttrScratch::new());
    let update = decode(&body, &external(), &mut scratch).update;
    assert_eq!(update.attrs, update.mp_attrs.unwrap());
    assert_eq!(update.attrs.next_hop(), Some(v6));
}

/// RFC 4271 §5, RFC 6793 §4.2.3, RFC 7606 §3 g: what the canonical set holds after all that.
#[test]
fn the_set_is_canonical() {
    let parts = Parts {
        nlri: vec![8, 10],
        ..Parts::default()
    }
    .with(attribute(0xc0, 99, &[1, 2]))
    .with(attribute(0x80, 98, &[1]))
    .with(attribute(0xd0, 8, &[0, 2, 0, 2, 0, 1, 0, 1, 0, 2, 0, 2]))
    .with(attribute(0x40, 3, &[192, 0, 2, 1]))
    .with(attribute(0x40, 2, &[2, 2, 0xfd, 0xe9, 0x5b, 0xa0]))
    .with(attribute(0x40, 1, &[0]))
    .with(attribute(0xc0, 17, &[2, 1, 0, 1, 0, 0]))
    .with(attribute(0x40, 1, &[1]))
    .with(attribute(0x40, 5, &[0, 0, 0, 9]));
    let (body, mut scratch) = (parts.body(), AttrScratch::new());
    let attrs = decode(&body, &old(), &mut scratch).update.attrs;
    assert_eq!(
        attrs.to_string(),
        "next-hop 192.0.2.1, origin igp, as-path \"65001 65536\", communities 1:1 2:2, attribute 99 flags 0xe0 value 0x0102"
    );
}

/// RFC 6793 §4.2.3: when AGGREGATOR and AS4_AGGREGATOR are both there and the AS of the former is not AS_TRANS, "the
/// AS4_AGGREGATOR attribute and the AS4_PATH attribute SHALL be ignored".
#[test]
fn who_aggregates_and_knows_nothing_of_four_octets_makes_the_rest_old() {
    const OLD: [u8; 6] = [0xfd, 0xea, 192, 0, 2, 1];
    const TRANS: [u8; 6] = [0x5b, 0xa0, 192, 0, 2, 1];
    const NEW: [u8; 8] = [0, 1, 0x11, 0x70, 192, 0, 2, 2];
    for (aggregator, as4_aggregator, path, wanted) in [
        (Some(OLD), Some(NEW), "65001 23456", Some("65002 192.0.2.1")),
        (
            Some(TRANS),
            Some(NEW),
            "65001 70000",
            Some("70000 192.0.2.2"),
        ),
        // One alone says nothing of AS4_PATH.
        (Some(OLD), None, "65001 70000", Some("65002 192.0.2.1")),
        (Some(TRANS), None, "65001 70000", Some("23456 192.0.2.1")),
        (None, Some(NEW), "65001 70000", None),
        (None, None, "65001 70000", None),
    ] {
        let mut parts = good_old().with(attribute(0xc0, 17, &[2, 1, 0, 1, 0x11, 0x70]));
        if let Some(value) = aggregator {
            parts = parts.with(attribute(0xc0, 7, &value));
        }
        if let Some(value) = as4_aggregator {
            parts = parts.with(attribute(0xc0, 18, &value));
        }
        let (body, mut scratch) = (parts.body(), AttrScratch::new());
        let decoded = decode(&body, &old(), &mut scratch);
        assert_eq!(decoded.disposition, N, "{:?}", decoded.findings);
        let attrs = decoded.update.attrs;
        let case = (aggregator, as4_aggregator);
        assert_eq!(attrs.as_path().to_string(), path, "{case:?}");
        let told = attrs.aggregator().map(|who| who.to_string());
        assert_eq!(told.as_deref(), wanted, "{case:?}");
    }
}

/// RFC 4271 §6.3: "the local system MAY check whether the leftmost [...] AS in the AS_PATH attribute is equal to the
/// autonomous system number of the peer"; the path is what RFC 6793 §4.2.3 makes of both attributes.
#[test]
fn the_first_as_is_that_of_the_merged_path() {
    for (as4_path, enforce, disposition) in [
        (&[2, 2, 0, 0, 0xfd, 0xe9, 0, 1, 0x11, 0x70][..], true, N),
        (&[2, 2, 0, 1, 0x11, 0x71, 0, 1, 0x11, 0x70], true, W),
        (&[2, 2, 0, 1, 0x11, 0x71, 0, 1, 0x11, 0x70], false, N),
    ] {
        let parts = good_old().with(attribute(0xc0, 17, as4_path));
        let ctx = SessionContext {
            enforce_first_as: enforce,
            ..old()
        };
        let (body, mut scratch) = (parts.body(), AttrScratch::new());
        let decoded = decode(&body, &ctx, &mut scratch);
        assert_eq!(decoded.disposition, disposition, "{as4_path:?} {enforce}");
    }
}

#[test]
fn path_identifiers_are_read() {
    let ctx = SessionContext {
        add_path_receive: FamilySet::from([Family::IPV4_UNICAST]),
        ..external()
    };
    let (body, mut scratch) = (
        Parts::good()
            .nlri(&[0, 0, 0, 5, 8, 10, 0, 0, 0, 6, 8, 10])
            .body(),
        AttrScratch::new(),
    );
    let update = decode(&body, &ctx, &mut scratch).update;
    assert_eq!(
        update
            .announced
            .iter_v4()
            .map(|(id, _)| id)
            .collect::<Vec<_>>(),
        [PathId(5), PathId(6)]
    );
}

/// Every cut and every single-octet change of real messages decodes or fails, and never panics.
#[test]
fn damaged_messages_are_judged_without_panic() {
    let messages = [
        Parts::good().body(),
        Parts::good_v6().body(),
        good_internal().body(),
        good_old().body(),
        overlay::all().body(),
    ];
    let mut scratch = AttrScratch::new();
    let mut outcomes = [0usize; 2];
    for ctx in [external(), internal(), old()] {
        for message in &messages {
            for cut in 0..message.len() {
                outcomes
                    [usize::from(decode_update(&message[..cut], &ctx, &mut scratch).is_ok())] += 1;
                // Long ones are not changed to everything: that takes too long.
                let step = if message.len() > 200 { 15 } else { 1 };
                for change in (0..=255).step_by(step) {
                    let mut damaged = message.clone();
                    damaged[cut] = change;
                    let decoded = decode_update(&damaged, &ctx, &mut scratch);
                    outcomes[usize::from(decoded.is_ok())] += 1;
                    if let Ok(decoded) = decoded {
                        let attrs = decoded.update.attrs;
                        assert!(!attrs.to_string().contains(char::is_control));
                        assert!(attrs.describe().len() >= attrs.iter().count());
                    }
                }
            }
        }
    }
    assert!(outcomes[0] > 1000 && outcomes[1] > 1000, "{outcomes:?}");
}

/// Many items cost time and memory in proportion to the message.
#[test]
fn large_attributes_are_bounded() {
    let communities: Vec<u8> = (0..16000u32).rev().flat_map(u32::to_be_bytes).collect();
    let ctx = external();
    let parts = Parts::good().with(attribute(0xd0, 8, &communities));
    let (body, mut scratch) = (parts.body(), AttrScratch::new());
    let attrs = decode(&body, &ctx, &mut scratch).update.attrs;
    assert_eq!(attrs.communities().count(), 16000);
    assert!(attrs.communities().is_sorted());
    assert!(attrs.as_bytes().len() < body.len() + 16);
}
