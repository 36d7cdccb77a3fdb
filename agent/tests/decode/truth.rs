//! All that was on the wire is shown, and all that was wrong is said, also where nothing follows from it.

use serde_json::{Value, json};

use crate::support::*;

/// The message, and what the binary said and returned.
fn decoded(octets: &[u8], args: &[&str]) -> (Value, Said) {
    let args = [&["--hex", "-", "-o", "json"], args].concat();
    let said = decode(&args, hex(octets).as_bytes());
    (said.json().pop().unwrap(), said)
}

fn tree(octets: &[u8]) -> String {
    decode(&["--hex", "-"], hex(octets).as_bytes()).out
}

/// An attribute with a length of two octets.
fn attribute(flags: u8, code: u8, value: &[u8]) -> Vec<u8> {
    let length = (value.len() as u16).to_be_bytes();
    [&[flags | 0x10, code], &length[..], value].concat()
}

/// An UPDATE with MP_REACH_NLRI and other attributes.
fn reach(family: [u8; 3], next_hop: &[u8], nlri: &[u8], others: &[&[u8]]) -> Vec<u8> {
    let value = [&family[..], &[next_hop.len() as u8], next_hop, &[0], nlri].concat();
    let first = attribute(0x80, 14, &value);
    update(&[], &[&[&first[..], ORIGIN, PATH], others].concat(), &[])
}

/// Field and disposition of each finding.
fn findings(message: &Value) -> Vec<(&str, &str)> {
    let each = message["findings"].as_array().unwrap().iter();
    each.map(|one| {
        (
            one["field"].as_str().unwrap(),
            one["disposition"].as_str().unwrap(),
        )
    })
    .collect()
}

const EVPN: [u8; 3] = [0, 25, 70];
const VPNV4: [u8; 3] = [0, 1, 128];
const IPV6: [u8; 3] = [0, 2, 1];
const HOP: [u8; 4] = [192, 0, 2, 1];
const HOP_V6: [u8; 16] = [0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
const RD: [u8; 8] = [0, 0, 0xfd, 0xe8, 0, 0, 0, 100];
/// RFC 7432 §7.3: [3]:[65000:100]:[0]:[32]:[10.0.0.1].
const MULTICAST: [u8; 19] = [
    3, 17, 0, 0, 0xfd, 0xe8, 0, 0, 0, 100, 0, 0, 0, 0, 32, 10, 0, 0, 1,
];

/// RFC 7432 §7.3 says that such a route has 17 or 29 octets, RFC 7606 §5.4 that one of an unknown type is no error.
#[test]
fn a_malformed_route_without_consequences_is_malformed_all_the_same() {
    let bad = [&[3, 2, 7, 7][..], &MULTICAST, &[2, 1, 9]].concat();
    let octets = reach(EVPN, &HOP, &bad, &[]);
    let (message, said) = decoded(&octets, &[]);
    assert_eq!(said.status, 1);
    assert_eq!(said.summary(), "1 message, 1 malformed, 0 bytes skipped");
    assert_eq!(findings(&message), [("Length", "none"); 2]);
    assert_eq!(message["error"], message["findings"][0]);
    // Of this route nothing else is shown.
    assert_eq!(
        message["fields"]["mp_reach"]["nlri"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    let received = message["fields"]["as_received"]["attributes"][0]["value"]
        .as_str()
        .unwrap();
    assert!(received.contains("03020707"), "{received}");
    let tree = tree(&octets);
    assert!(
        tree.contains("\n  MALFORMED, without consequences\n"),
        "{tree}"
    );
    assert!(tree.contains("MP_REACH_NLRI: Length at octet "), "{tree}");

    let unknown = reach(EVPN, &HOP, &[&[77, 1, 9][..], &MULTICAST].concat(), &[]);
    let (message, said) = decoded(&unknown, &[]);
    assert_eq!((said.status, &message["error"]), (0, &Value::Null));
    assert_eq!(findings(&message), [("Route Type", "none")]);
}

/// RFC 5492 §5: a capability that is malformed is ignored. RFC 7911 §4 (Send/Receive is 1, 2 or 3), RFC 6793 §3 (four octets), RFC 4724
/// §3 (2 + 4n octets).
#[test]
fn malformed_capabilities_are_said() {
    let capabilities: [&[u8]; 4] = [
        &[1, 4, 0, 1, 0, 1],
        &[69, 4, 0, 1, 1, 4],
        &[65, 3, 0, 0, 1],
        &[64, 3, 0, 120, 0],
    ];
    let octets = open(65001, &capabilities);
    let (message, said) = decoded(&octets, &[]);
    assert_eq!(said.status, 1);
    let told: Vec<_> = message["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["capability"], &one["capability_name"], &one["offset"]))
        .collect();
    // Behind the header, ten octets of the OPEN, and type and length of the parameter.
    let start = 19 + 10 + 2;
    assert_eq!(
        told,
        [
            (&json!(69), &json!("add-path"), &json!(start + 6 + 2 + 3)),
            (&json!(65), &json!("four-octet-as"), &json!(start + 12 + 2)),
            (
                &json!(64),
                &json!("graceful-restart"),
                &json!(start + 17 + 4)
            ),
        ]
    );
    let error = &message["error"];
    assert_eq!(error, &message["findings"][0]);
    assert_eq!(
        (&error["disposition"], &error["code"]),
        (&json!("none"), &Value::Null)
    );
    assert_eq!(error["reason"], "cannot be 4 (RFC 7911 §4)");
    assert_eq!(message["fields"]["capabilities"][1]["malformed"], true);
    let tree = tree(&octets);
    let line = format!(
        "    add-path (69): Send/Receive at octet {}: cannot be 4",
        start + 11
    );
    assert!(tree.contains(&line), "{tree}");

    // Beside what ends the session (RFC 4271 §6.2: hold time 1), and where there are very many.
    let mut refused = open(65001, &capabilities);
    refused[23] = 1;
    let (message, _) = decoded(&refused, &[]);
    assert_eq!(message["error"]["subcode"], 6);
    assert_eq!(message["findings"].as_array().unwrap().len(), 4);
    let many: Vec<&[u8]> = vec![&[65, 1, 0]; 50];
    let (message, _) = decoded(&open(65001, &many), &[]);
    let all = message["findings"].as_array().unwrap();
    assert_eq!(all.len(), 17);
    assert_eq!(all[16]["reason"], "34 more are wrong");
}

/// RFC 7311 §3.3, RFC 8669 §4, RFC 9012 §11: from ASes of others they are discarded.
#[test]
fn what_is_for_the_inside_of_a_domain_is_discarded_where_that_is_said() {
    let aigp = attribute(0x80, 26, &[1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9]);
    let octets = update(&[], &[ORIGIN, PATH, NEXT_HOP, &aigp], ROUTE);
    let (message, said) = decoded(&octets, &[]);
    assert_eq!((said.status, findings(&message)), (0, vec![]));
    let (message, said) = decoded(&octets, &["--other-domain"]);
    let discarded = vec![("Path Attributes", "attribute-discard")];
    assert_eq!((said.status, findings(&message)), (1, discarded));
    assert_eq!(message["error"]["attribute"], 26);
}

/// RFC 4271 §4.2: what can be read of a malformed OPEN is shown beside what is wrong (§6.2, RFC 7607 §2, RFC 6286 §2.2).
#[test]
fn a_malformed_open_has_its_fields() {
    let capabilities: [&[u8]; 2] = [&[1, 4, 0, 2, 0, 1], &[65, 4, 0, 0, 0xfd, 0xe9]];
    let good = open(65001, &capabilities);
    let changed = |at: usize, octets: &[u8]| {
        let mut open = good.clone();
        open[at..at + octets.len()].copy_from_slice(octets);
        open
    };
    // Behind the header: version, AS, hold time, identifier, length of the parameters.
    for (name, octets, subcode, shown) in [
        ("version 3", changed(19, &[3]), 1, ("version", json!(3))),
        ("AS 0", changed(20, &[0, 0]), 2, ("my_as", json!(0))),
        (
            "hold time 1",
            changed(22, &[0, 1]),
            6,
            ("hold_time", json!(1)),
        ),
        (
            "no identifier",
            changed(24, &[0; 4]),
            3,
            ("bgp_identifier", json!("0.0.0.0")),
        ),
    ] {
        let (message, said) = decoded(&octets, &[]);
        assert_eq!(
            (said.status, &message["error"]["subcode"]),
            (1, &json!(subcode)),
            "{name}"
        );
        let fields = &message["fields"];
        assert_eq!(fields[shown.0], shown.1, "{name}");
        assert_eq!(fields["as"], 65001, "{name}");
        assert_eq!(
            fields["capabilities"][0]["family"], "ipv6/unicast",
            "{name}"
        );
        assert_eq!(fields["as_received"], hex(&octets[19..]), "{name}");
    }
    // A parameter that is no capability (§6.2, subcode 4): what stands in front of it is shown.
    let mut other = good.clone();
    other.extend([9, 0]);
    (other[17], other[28]) = (other[17] + 2, other[28] + 2);
    let (message, _) = decoded(&other, &[]);
    assert_eq!(message["error"]["subcode"], 4);
    assert_eq!(
        message["fields"]["capabilities"].as_array().unwrap().len(),
        2
    );
    // One that is cut.
    let (message, _) = decoded(&good[..26], &[]);
    assert_eq!(message["fields"]["hold_time"], 90);
    assert_eq!(message["fields"]["bgp_identifier"], Value::Null);
}

/// RFC 9234 §4.2: the same role twice is one role; "If multiple BGP Role Capabilities are received and not all of them have the
/// same value, then the BGP speaker MUST reject the connection using the Role Mismatch Notification (code 2, subcode 11)".
#[test]
fn roles_that_contradict_each_other_end_the_session() {
    let with = |roles: [u8; 2]| open(65001, &[&[9, 1, roles[0]], &[9, 1, roles[1]]]);
    let (message, said) = decoded(&with([3, 3]), &[]);
    assert_eq!((said.status, &message["error"]), (0, &Value::Null));
    let (message, said) = decoded(&with([3, 0]), &[]);
    assert_eq!(said.status, 1);
    let error = &message["error"];
    assert_eq!((&error["code"], &error["subcode"]), (&json!(2), &json!(11)));
    assert_eq!(
        (&error["capability"], &error["offset"]),
        (&json!(9), &json!(31 + 5))
    );
    assert_eq!(error["disposition"], "session-reset");
    let again = decode(&["--hex", "-", "-o", "hex"], hex(&with([3, 0])).as_bytes());
    assert_eq!(again.out, "", "the session has ended");
    // Roles are of external sessions.
    assert_eq!(decoded(&with([3, 0]), &["--ibgp"]).1.status, 0);
}

/// RFC 5291 §5 (AFI, reserved, SAFI, a count, and as many types with a direction), draft-abraitis-idr-addpath-paths-limit.
#[test]
fn filters_and_limits_of_paths_are_read() {
    let filters = [3, 9, 0, 1, 0, 1, 2, 64, 3, 65, 1];
    let limit = [76, 5, 0, 1, 1, 0, 16];
    let (message, said) = decoded(&open(65001, &[&filters, &limit]), &[]);
    assert_eq!(said.status, 0);
    let all = &message["fields"]["capabilities"];
    let named = |value: u64, name: &str| json!({"value": value, "name": name});
    let types = json!([
        {"type": named(64, "Address Prefix ORF"), "send_receive": named(3, "both")},
        {"type": named(65, "CP-ORF"), "send_receive": named(1, "receive")},
    ]);
    let family = json!([{"family": "ipv4/unicast", "types": types}]);
    assert_eq!(all[0]["families"], family);
    assert_eq!(
        all[1]["families"],
        json!([{"family": "ipv4/unicast", "paths": 16}])
    );
    let overrun = [3, 9, 0, 1, 0, 1, 9, 64, 3, 65, 1];
    let (message, said) = decoded(&open(65001, &[&overrun]), &[]);
    assert_eq!(
        (said.status, &message["error"]["capability"]),
        (1, &json!(3))
    );
}

/// RFC 2545 §3, RFC 4364 §4.3.2, RFC 8955 §4: what is not used of a next hop is shown.
#[test]
fn a_next_hop_is_shown_as_it_was_received() {
    let mut other = HOP_V6;
    other[15] = 2;
    let local = [0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1];
    let address = |address: &str| json!({"address": address});
    for (first, second, next_hop, received, status) in [
        (
            HOP_V6,
            other,
            "2001:db8::1",
            json!([address("2001:db8::1"), address("2001:db8::2")]),
            1,
        ),
        (
            local,
            local,
            "fe80::1",
            json!([address("fe80::1"), address("fe80::1")]),
            0,
        ),
        (
            [0; 16],
            local,
            "fe80::1",
            json!([address("::"), address("fe80::1")]),
            0,
        ),
        (HOP_V6, local, "2001:db8::1", Value::Null, 0),
    ] {
        let octets = reach(IPV6, &[first, second].concat(), &[8, 0x20], &[]);
        let (message, said) = decoded(&octets, &[]);
        let shown = &message["fields"]["mp_reach"];
        assert_eq!(
            (&shown["next_hop"], &shown["next_hop_as_received"]),
            (&json!(next_hop), &received)
        );
        assert_eq!(said.status, status, "{message}");
    }
    let octets = reach(IPV6, &[HOP_V6, other].concat(), &[8, 0x20], &[]);
    assert!(tree(&octets).contains("next hop as received: 2001:db8::1, 2001:db8::2\n"));

    let hop = [&RD[..], &HOP].concat();
    let nlri = [&[112, 0, 6, 0x41][..], &RD, &[10, 1, 2]].concat();
    let (message, said) = decoded(&reach(VPNV4, &hop, &nlri, &[]), &[]);
    assert_eq!(
        findings(&message),
        [("Route Distinguisher of Next Hop", "none")]
    );
    assert_eq!(said.status, 1);
    let shown = &message["fields"]["mp_reach"];
    assert_eq!(shown["next_hop"], "192.0.2.1");
    let received = json!([{"rd": "65000:100", "address": "192.0.2.1"}]);
    assert_eq!(shown["next_hop_as_received"], received);

    let flow = [0x0b, 1, 0x18, 0xc0, 0, 2, 3, 0x81, 6, 4, 0x81, 0x19];
    let (message, _) = decoded(&reach([0, 1, 133], &HOP, &flow, &[]), &[]);
    let shown = &message["fields"]["mp_reach"];
    assert_eq!(
        (&shown["next_hop"], &message["error"]),
        (&Value::Null, &Value::Null)
    );
    assert_eq!(shown["next_hop_as_received"], json!([address("192.0.2.1")]));
}

/// A service with the SID 2001:db8:1:2:: of this structure (RFC 9252 §3.1, §3.2.1).
fn service(kind: u8, structure: [u8; 6]) -> Vec<u8> {
    let mut value = vec![kind, 0, 34, 0, 1, 0, 30, 0];
    value.extend([0x20, 1, 0x0d, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    value.extend([0, 0, 19, 0, 1, 0, 6]);
    value.extend(structure);
    value
}

/// RFC 9252 §4: with a block of 40 bits, a node of 24 and a function of 16 of which all is transposed, the function 0x0042 is in the
/// first 16 bits of the label field: of 20 bits in VPNs (§5.1), of 24 in EVPN (§6), of the first label for the L2 service and of the
/// second for the L3 service of a MAC/IP route (§6.2).
#[test]
fn a_sid_is_shown_with_what_travels_in_its_label() {
    let structure = [40, 24, 16, 0, 16, 64];
    let whole = |last: &str| {
        json!({
            "sid": format!("2001:db8:1:2:{last}::"),
            "as_advertised": "2001:db8:1:2::",
        })
    };
    let sid = attribute(0xc0, 40, &service(5, structure));
    // The label 0x00420, and the bottom of the stack.
    let nlri = [&[112, 0x00, 0x42, 0x01][..], &RD, &[10, 1, 2]].concat();
    let hop = [&[0; 8][..], &HOP].concat();
    let octets = reach(VPNV4, &hop, &nlri, &[&sid]);
    let (message, said) = decoded(&octets, &[]);
    assert_eq!(said.status, 0, "{message}");
    let route = &message["fields"]["mp_reach"]["nlri"][0];
    assert_eq!(route["srv6_l3_sid"], whole("42"));
    assert_eq!(route["srv6_l2_sid"], Value::Null);
    let tree = tree(&octets);
    assert!(tree.contains("2001:db8:1:2:42::"), "{tree}");

    let both = [service(5, structure), service(6, structure)].concat();
    let sids = attribute(0xc0, 40, &both);
    let mut mac = vec![2, 40];
    mac.extend(RD);
    mac.extend([0; 10]);
    mac.extend([0, 0, 0, 0, 48, 0, 1, 2, 3, 4, 5, 32, 10, 0, 0, 1]);
    mac.extend([0x00, 0x42, 0x00, 0x00, 0x43, 0x00]);
    let (message, _) = decoded(&reach(EVPN, &HOP, &mac, &[&sids]), &[]);
    let route = &message["fields"]["mp_reach"]["nlri"][0];
    assert_eq!(route["srv6_l2_sid"], whole("42"), "{message}");
    assert_eq!(route["srv6_l3_sid"], whole("43"), "{message}");
}

/// RFC 9252 §3.2.1: "less than or equal to 128".
#[test]
fn a_structure_that_cannot_be_is_marked() {
    let sid = attribute(0xc0, 40, &service(5, [40, 24, 16, 49, 16, 64]));
    let nlri = [&[112, 0x00, 0x42, 0x01][..], &RD, &[10, 1, 2]].concat();
    let hop = [&[0; 8][..], &HOP].concat();
    let (message, said) = decoded(&reach(VPNV4, &hop, &nlri, &[&sid]), &[]);
    assert_eq!(said.status, 1);
    assert_eq!(
        findings(&message),
        [("SRv6 SID Structure Sub-Sub-TLV", "none")]
    );
    let why = "has lengths that sum up to more than 128 bits";
    let attributes = message["fields"]["attributes"].as_array().unwrap();
    let sid = attributes
        .iter()
        .find(|one| one["code"]["value"] == 40)
        .unwrap();
    let structure = &sid["tlvs"][0]["sub_tlvs"][0]["sub_sub_tlvs"][0];
    assert_eq!(structure["invalid"], why);
    let route = &message["fields"]["mp_reach"]["nlri"][0];
    let wanted = json!({"invalid": why, "as_advertised": "2001:db8:1:2::"});
    assert_eq!(route["srv6_l3_sid"], wanted);
}

/// RFC 7311 §3, RFC 8669 §6, RFC 9012 §13: what is there more than once, or is removed.
#[test]
fn what_is_passed_over_in_an_attribute_is_shown() {
    let metric = |value: u8| [1, 0, 11, 0, 0, 0, 0, 0, 0, 0, value];
    let aigp = attribute(0x80, 26, &[metric(9), metric(10)].concat());
    let (message, said) = decoded(&update(&[], &[ORIGIN, PATH, NEXT_HOP, &aigp], ROUTE), &[]);
    assert_eq!(
        (said.status, findings(&message)),
        (0, vec![("AIGP TLV", "none")])
    );
    let attributes = message["fields"]["attributes"].as_array().unwrap();
    let shown = attributes.last().unwrap();
    assert_eq!(shown["metric"], 9);
    let other = json!([{"type": {"value": 1, "name": "AIGP"}, "metric": 10}]);
    assert_eq!(shown["other_tlvs"], other);

    let index = |value: u8| [1, 0, 7, 0, 0, 0, 0, 0, 0, value];
    let sid = attribute(0xc0, 40, &[index(9), index(10)].concat());
    let bad = [0, 8, 0, 12, 6, 10, 0, 0, 0, 0, 0, 1, 127, 0, 0, 1];
    let good = [0, 8, 0, 12, 6, 10, 0, 0, 0, 0, 0, 1, 192, 0, 2, 1];
    let tunnels = attribute(0xc0, 23, &[good, good, bad].concat());
    for (odd, field, hidden) in [
        (sid, "Label-Index TLV", hex(&index(10))),
        (tunnels, "Tunnel Egress Endpoint", hex(&bad)),
    ] {
        let octets = update(&[], &[ORIGIN, PATH, NEXT_HOP, &odd], ROUTE);
        let (message, said) = decoded(&octets, &[]);
        assert_eq!(
            (said.status, findings(&message)),
            (1, vec![(field, "none")])
        );
        assert_eq!(message["fields"]["announced"][0]["prefix"], "10.1.0.0/16");
        let received = message["fields"]["as_received"]["attributes"]
            .as_array()
            .unwrap();
        let value = received.last().unwrap()["value"].as_str().unwrap();
        assert!(value.contains(&hidden), "{value}");
    }
}

/// RFC 8955 §7.1 and draft-ietf-idr-link-bandwidth: four octets of IEEE 754; RFC 9552 §5.3.2.4: a metric of one, two or three octets.
#[test]
fn numbers_are_numbers() {
    let rate = [0x80, 6, 0, 0, 0x4c, 0xbe, 0xbc, 0x20];
    let bandwidth = [0x40, 4, 0xfd, 0xe8, 0x4c, 0xee, 0x6b, 0x28];
    let no_number = [0x80, 6, 0, 0, 0x7f, 0xc0, 0, 0];
    let communities = attribute(0xc0, 16, &[rate, bandwidth, no_number].concat());
    let metrics = [
        &[4, 0x47, 0, 1, 10][..],
        &[4, 0x47, 0, 2, 1, 0],
        &[4, 0x47, 0, 3, 1, 0, 0],
    ]
    .concat();
    let link = attribute(0x80, 29, &metrics);
    let octets = update(&[], &[ORIGIN, PATH, NEXT_HOP, &communities, &link], ROUTE);
    let (message, _) = decoded(&octets, &[]);
    let attributes = message["fields"]["attributes"].as_array().unwrap();
    let of = |code: u8| {
        attributes
            .iter()
            .find(|one| one["code"]["value"] == code)
            .unwrap()
    };
    let values = |list: &Value, name: &str| -> Vec<Value> {
        let each = list.as_array().unwrap().iter();
        each.map(|one| one[name].clone()).collect()
    };
    // 100 MB/s, 125 MB/s.
    assert_eq!(
        values(&of(16)["ext_communities"], "octets_per_second"),
        [json!(100_000_000.0), json!(125_000_000.0), Value::Null]
    );
    assert_eq!(
        values(&of(29)["tlvs"], "metric"),
        [json!(10), json!(256), json!(65536)]
    );
}
