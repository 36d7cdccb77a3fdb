//! OPENs octet by octet, good ones and bad ones.

use super::*;
use crate::frame::next_frame;
use crate::{Fqdn, GracefulRestart};

fn everything() -> Vec<Capability> {
    vec![
        Capability::Multiprotocol(Family::IPV4_UNICAST),
        Capability::Multiprotocol(Family::IPV6_UNICAST),
        Capability::RouteRefresh,
        Capability::EnhancedRouteRefresh,
        Capability::ExtendedNextHop(vec![(Family::IPV4_UNICAST, 2)]),
        Capability::ExtendedMessage,
        Capability::GracefulRestart(GracefulRestart::default()),
        Capability::Asn4(Asn(4_200_000_001)),
        Capability::AddPath(vec![(Family::IPV6_UNICAST, AddPathMode::Both)]),
        Capability::Fqdn(Fqdn {
            hostname: "node1".into(),
            domain: String::new(),
        }),
        Capability::SoftwareVersion("cosmos/0.1".into()),
        Capability::Unknown {
            code: 222,
            value: Bytes::from_static(&[1, 2, 3]),
        },
    ]
}

fn open(capabilities: Vec<Capability>) -> Open {
    Open::new(
        Asn(4_200_000_001),
        HoldTime::default(),
        RouterId(0x0a00_0001),
        capabilities,
    )
}

fn bytes(open: &Open) -> BytesMut {
    let mut out = BytesMut::new();
    open.encode(&mut out).unwrap();
    out
}

fn decode(bytes: &[u8]) -> Result<Open, MessageError> {
    Open::decode(next_frame(bytes, MAX_LEN).unwrap().unwrap().0.body)
}

/// An OPEN body with the given fields and optional parameters, lengths included.
fn body(my_as: u16, hold: u16, id: u32, parameters: &[u8]) -> Vec<u8> {
    let mut body = vec![4];
    body.extend(my_as.to_be_bytes());
    body.extend(hold.to_be_bytes());
    body.extend(id.to_be_bytes());
    body.extend(parameters);
    body
}

#[test]
fn an_open_round_trips() {
    for capabilities in [vec![], everything()] {
        let open = open(capabilities);
        assert_eq!(decode(&bytes(&open)), Ok(open.clone()));
        assert_eq!(open.asn(), Asn(4_200_000_001));
        assert_eq!(open.my_as, 23456);
    }
}

/// RFC 9072.
#[test]
fn many_capabilities_use_the_extended_form() {
    let many: Vec<_> = (0..200)
        .map(|n| Capability::Unknown {
            code: 150,
            value: Bytes::from(vec![n; 9]),
        })
        .chain(everything())
        .collect();
    let open = open(many);
    let bytes = bytes(&open);
    assert_eq!(bytes[28..30], [255, 255]);
    assert_eq!(decode(&bytes), Ok(open));
}

/// RFC 9072 §2: the old length is of no meaning once the type says that the form is extended.
#[test]
fn the_extended_form_is_told_by_the_type() {
    let parameters = [7, 255, 0, 9, 2, 0, 6, 65, 4, 0, 0, 0xfd, 0xe8];
    let open = Open::decode(&body(65000, 90, 1, &parameters)).unwrap();
    assert_eq!(open.asn4(), Some(Asn(65000)));
}

#[test]
fn an_old_form_of_255_octets_is_read() {
    let mut parameters = vec![255, 2, 253, 200, 251];
    parameters.extend([0; 251]);
    assert_eq!(
        Open::decode(&body(65000, 90, 1, &parameters))
            .unwrap()
            .capabilities
            .len(),
        1
    );
}

/// RFC 8654 §4 leaves an OPEN at 4,096 octets; all of them may be capabilities.
#[test]
fn an_open_as_long_as_can_be_is_read() {
    // Header, fixed fields and the extended form take 35, the parameter 3, each capability 2.
    let value = |length| Bytes::from(vec![7; length]);
    let unknown = |length| Capability::Unknown {
        code: 150,
        value: value(length),
    };
    let mut all = vec![unknown(250); 16];
    let mut open = Open {
        my_as: 65000,
        ..open(vec![])
    };
    all.push(unknown(0));
    open.capabilities.clone_from(&all);
    let room = MAX_LEN - bytes(&open).len();
    *all.last_mut().unwrap() = unknown(room);
    open.capabilities = all;
    let bytes = bytes(&open);
    assert_eq!(bytes.len(), MAX_LEN);
    assert_eq!(decode(&bytes), Ok(open));
}

#[test]
fn an_open_that_is_too_long_is_not_written() {
    let many = vec![
        Capability::Unknown {
            code: 150,
            value: Bytes::from(vec![0; 250])
        };
        20
    ];
    let mut out = BytesMut::from(&b"before"[..]);
    assert!(open(many).encode(&mut out).is_err());
    assert_eq!(&out[..], b"before");
}

/// RFC 4271 §6.2, 6286 §2.2, 7607 §2, 6793 §9, 9072 §2, 5492: subcode, data, offset.
#[test]
fn bad_opens_get_their_notification() {
    let ok = [0];
    let asn4 = |asn: u32| {
        let mut parameters = vec![8, 2, 6, 65, 4];
        parameters.extend(asn.to_be_bytes());
        parameters
    };
    let mut version = body(65000, 90, 1, &ok);
    version[0] = 3;
    type Case = (&'static str, Vec<u8>, u8, &'static [u8], usize);
    let cases: Vec<Case> = vec![
        ("version 3", version, 1, &[0, 4], 19),
        ("AS 0", body(0, 90, 1, &ok), 2, &[], 20),
        (
            "AS 0 in four octets",
            body(23456, 90, 1, &asn4(0)),
            2,
            &[],
            20,
        ),
        (
            "AS_TRANS in four octets",
            body(23456, 90, 1, &asn4(23456)),
            2,
            &[],
            20,
        ),
        (
            "two different numbers",
            body(65000, 90, 1, &asn4(65001)),
            2,
            &[],
            20,
        ),
        ("hold time 1", body(65000, 1, 1, &ok), 6, &[], 22),
        ("hold time 2", body(65000, 2, 1, &ok), 6, &[], 22),
        ("identifier 0", body(65000, 90, 0, &ok), 3, &[], 24),
        (
            "parameter type 1",
            body(65000, 90, 1, &[3, 1, 1, 0]),
            4,
            &[],
            29,
        ),
        (
            "parameters beyond the end",
            body(65000, 90, 1, &[9, 2, 0]),
            0,
            &[],
            29,
        ),
        (
            "parameter beyond the block",
            body(65000, 90, 1, &[3, 2, 2, 0]),
            0,
            &[],
            31,
        ),
        (
            "parameter without a length",
            body(65000, 90, 1, &[1, 2]),
            0,
            &[],
            30,
        ),
        (
            "capability beyond its parameter",
            body(65000, 90, 1, &[4, 2, 2, 65, 4]),
            0,
            &[],
            33,
        ),
        (
            "capability without a length",
            body(65000, 90, 1, &[3, 2, 1, 65]),
            0,
            &[],
            32,
        ),
        (
            "octets after an empty block",
            body(65000, 90, 1, &[0, 2, 2, 2, 0]),
            0,
            &[],
            29,
        ),
        (
            "extended header cut before the type",
            body(65000, 90, 1, &[255]),
            0,
            &[],
            28,
        ),
        (
            "extended header cut after the type",
            body(65000, 90, 1, &[255, 255]),
            0,
            &[],
            30,
        ),
        (
            "extended header cut in the length",
            body(65000, 90, 1, &[255, 255, 0]),
            0,
            &[],
            30,
        ),
        (
            "extended parameter cut",
            body(65000, 90, 1, &[255, 255, 0, 2, 2, 0]),
            0,
            &[],
            33,
        ),
        ("no parameter length", body(65000, 90, 1, &[]), 0, &[], 28),
    ];
    for (name, body, subcode, data, offset) in cases {
        let error = Open::decode(&body).unwrap_err();
        assert_eq!(error.notification.code, 2, "{name}");
        assert_eq!(error.notification.subcode, subcode, "{name}: {error}");
        assert_eq!(error.notification.data, data, "{name}");
        if subcode != 0 {
            assert_eq!(error.error.offset, offset, "{name}: {error}");
        }
    }
}

/// RFC 4271 §6.2 takes the fields in their order.
#[test]
fn an_open_that_is_wrong_in_several_ways_says_all_and_answers_the_first() {
    let found = |body: &[u8]| {
        let error = Open::decode(body).unwrap_err();
        let findings = error.findings.iter();
        let findings: Vec<_> = findings
            .map(|finding| (finding.error.offset, finding.subcode))
            .collect();
        assert_eq!(
            findings[0],
            (error.error.offset, error.notification.subcode)
        );
        findings
    };
    let three = [(20, 2), (22, 6), (24, 3)];
    assert_eq!(found(&body(0, 1, 0, &[0])), three);
    let four = [&three[..], &[(29, 4)]].concat();
    assert_eq!(found(&body(0, 1, 0, &[3, 1, 1, 0])), four);
    let asn4_of_0 = [8, 2, 6, 65, 4, 0, 0, 0, 0];
    assert_eq!(found(&body(65000, 90, 0, &asn4_of_0)), [(20, 2), (24, 3)]);
    assert_eq!(found(&body(65000, 2, 1, &[0])), [(22, 6)]);
}

#[test]
fn every_cut_of_an_open_is_an_error_and_no_panic() {
    let bytes = bytes(&open(everything()));
    for cut in 19..bytes.len() {
        assert!(Open::decode(&bytes[19..cut]).is_err(), "{cut}");
    }
}

/// An old speaker may well be AS_TRANS as far as we can know.
#[test]
fn as_trans_without_the_capability_is_accepted() {
    assert_eq!(
        Open::decode(&body(23456, 90, 1, &[0])).unwrap().asn(),
        Asn(23456)
    );
}

#[test]
fn repeated_capabilities_count_as_pinned() {
    let both = vec![
        Capability::Asn4(Asn(4_200_000_001)),
        Capability::Asn4(Asn(4_200_000_002)),
        Capability::Multiprotocol(Family::IPV6_UNICAST),
        Capability::Multiprotocol(Family::IPV6_UNICAST),
        Capability::AddPath(vec![(Family::IPV6_UNICAST, AddPathMode::Send)]),
        Capability::AddPath(vec![(Family::IPV6_UNICAST, AddPathMode::Receive)]),
    ];
    let open = decode(&bytes(&open(both))).unwrap();
    assert_eq!(open.asn(), Asn(4_200_000_001));
    assert_eq!(open.families(), [Family::IPV6_UNICAST]);
    assert_eq!(
        open.add_path(Family::IPV6_UNICAST),
        Some(AddPathMode::Receive)
    );
}

#[test]
fn without_multiprotocol_the_family_is_ipv4_unicast() {
    assert_eq!(open(vec![]).families(), [Family::IPV4_UNICAST]);
}
