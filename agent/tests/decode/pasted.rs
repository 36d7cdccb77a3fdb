//! `--hex`: what people paste.

use serde_json::{Value, json};

use crate::support::*;

#[test]
fn octets_are_read_however_they_are_written() {
    let ones = "ff".repeat(16);
    let spaced = "ff ".repeat(16);
    let colons = "FF:".repeat(16);
    let prefixed = "0xff, ".repeat(16);
    for text in [
        format!("{ones}001304"),
        format!("{spaced}00 13 04"),
        format!("{colons}00:13:04\n"),
        format!("{prefixed}0x00, 0x13, 0x04"),
        format!("0x{ones}001304"),
        format!("{ones}\r\n00\t13\n\n  04\n"),
    ] {
        let read = decode(&["--hex"], text.as_bytes());
        assert_eq!(
            (read.status, &*read.out),
            (0, "KEEPALIVE, 19 octets at 0\n\n"),
            "{text}"
        );
        assert_eq!(read.summary(), "1 message, 0 malformed, 0 bytes skipped");
        let pieces: Vec<_> = text.split_whitespace().collect();
        let given = decode(&[&["--hex"], &pieces[..]].concat(), b"");
        assert_eq!(given.out, read.out, "{text}");
    }
}

#[test]
fn a_character_that_is_no_digit_is_named_with_its_place() {
    let text = format!("{}\nff 0g", hex(&keepalive()));
    let said = decode(&["--hex", "-o", "json"], text.as_bytes());
    assert_eq!(said.status, 2);
    assert_eq!(
        said.err.lines().next(),
        Some("cosmos: standard input: line 2, column 5: 'g' is no hexadecimal digit")
    );
    // What came before is told, and what the error cuts.
    assert_eq!(said.json()[0]["type"], "KEEPALIVE");
    let said = decode(&["--hex", "ff", "f"], b"");
    assert_eq!(said.status, 2);
    assert!(
        said.err
            .contains("line 1, column 4: an octet has two digits"),
        "{}",
        said.err
    );
}

/// RFC 4271 §4.2, RFC 6793 §3, RFC 4760 §8.
#[test]
fn an_open_has_its_fields_and_capabilities() {
    let asn4 = [65, 4, 0xfa, 0x56, 0xea, 0x02];
    let said = one(
        &open(
            23456,
            &[&[1, 4, 0, 2, 0, 1], &asn4, &[9, 1, 3], &[65, 1, 0]],
        ),
        &[],
    );
    assert_eq!(said["type"], "OPEN");
    assert_eq!(said["length"], 49);
    let fields = &said["fields"];
    assert_eq!(
        (&fields["my_as"], &fields["as"]),
        (&json!(23456), &json!(4_200_000_002u32))
    );
    assert_eq!(
        (&fields["hold_time"], &fields["version"]),
        (&json!(90), &json!(4))
    );
    assert_eq!(fields["bgp_identifier"], "192.0.2.160");
    let named = |value: u64, name: &str| json!({"value": value, "name": name});
    let all = fields["capabilities"].as_array().unwrap();
    assert_eq!(
        all[0],
        json!({"code": named(1, "multiprotocol"), "family": "ipv6/unicast"})
    );
    assert_eq!(
        all[1],
        json!({"code": named(65, "four-octet-as"), "as": 4_200_000_002u32})
    );
    assert_eq!(
        all[2],
        json!({"code": named(9, "role"), "role": named(3, "Customer")})
    );
    assert_eq!(all[3]["malformed"], true);
}

/// RFC 4271 §4.5, RFC 9003 §2, RFC 2918 §3, RFC 7313 §3.2, RFC 4724 §2.
#[test]
fn the_small_messages_have_their_fields() {
    let notification = one(&message(3, &[6, 2, 3, b'b', b'y', b'e']), &[]);
    let named = |value: u64, name: &str| json!({"value": value, "name": name});
    assert_eq!(
        notification["fields"],
        json!({
            "code": named(6, "Cease"),
            "subcode": named(2, "Administrative Shutdown"),
            "communication": "bye",
            "data": "03627965",
        })
    );
    let refresh = one(&message(5, &[0, 2, 1, 1]), &[]);
    assert_eq!(refresh["type"], "ROUTE-REFRESH");
    assert_eq!(
        refresh["fields"],
        json!({"family": "ipv6/unicast", "subtype": named(1, "BoRR")})
    );
    let end = one(&update(&[], &[&[0x80, 15, 3, 0, 2, 1]], &[]), &[]);
    assert_eq!(end["fields"]["end_of_rib"], "ipv6/unicast");
    let keepalive = one(&keepalive(), &[]);
    let keys: Vec<_> = keepalive.as_object().unwrap().keys().cloned().collect();
    let mut wanted = [
        "type", "length", "offset", "time", "session", "error", "findings", "fields",
    ];
    wanted.sort_unstable();
    assert_eq!(keys, wanted);
}

/// RFC 4271 §6.4: what is wrong with a NOTIFICATION is noticed, and not answered; but a length that no
/// NOTIFICATION has is wrong with the header (§6.1). RFC 9003 §2, RFC 8538 §3.1.
#[test]
fn a_malformed_notification_is_told() {
    for (body, field, offset) in [
        (
            &[6, 2, 255, b'a', b'b', b'c'][..],
            "Shutdown Communication",
            21,
        ),
        (&[6, 9, 6], "Hard Reset", 22),
    ] {
        let said = decode(&["--hex", &hex(&message(3, body)), "-o", "json"], b"");
        assert_eq!(said.status, 1);
        let said = said.json().remove(0);
        let error = &said["error"];
        assert_eq!(error["disposition"], "none", "{said}");
        assert_eq!(error["code"], Value::Null, "{said}");
        assert_eq!(
            (&error["field"], &error["offset"]),
            (&json!(field), &json!(offset))
        );
    }
    let said = one(&message(3, &[6]), &[]);
    assert_eq!(
        (&said["error"]["code"], &said["error"]["subcode"]),
        (&json!(1), &json!(2))
    );
}

/// RFC 5291 §4, RFC 5292 §3.
#[test]
fn filters_of_a_refresh_are_shown() {
    let said = one(&message(5, &[0, 1, 0, 1, 1, 64, 0, 1, 0x80]), &[]);
    assert_eq!(
        said["fields"]["outbound_filters"],
        json!({
            "when_to_refresh": {"value": 1, "name": "IMMEDIATE"},
            "filters": [{"type": {"value": 64, "name": "Address Prefix ORF"}, "entries": "80"}],
        })
    );
}

/// RFC 4271 §4.3, RFC 4760 §3.
#[test]
fn an_update_says_what_it_withdraws_and_announces() {
    let reach = [
        &[0x80, 14, 28, 0, 2, 1, 16][..],
        &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0, 48, 0x20, 1, 0x0d, 0xb8, 0, 5],
    ]
    .concat();
    let octets = update(&[8, 10], &[&reach, ORIGIN, PATH, NEXT_HOP], ROUTE);
    let said = one(&octets, &[]);
    assert_eq!(said["error"], Value::Null);
    let fields = &said["fields"];
    assert_eq!(fields["withdrawn"], json!([{"prefix": "10.0.0.0/8"}]));
    assert_eq!(fields["announced"], json!([{"prefix": "10.1.0.0/16"}]));
    assert_eq!(fields["next_hop"], "192.0.2.1");
    assert_eq!(
        fields["mp_reach"],
        json!({
            "family": "ipv6/unicast",
            "next_hop": "2001:db8::1",
            "nlri": [{"prefix": "2001:db8:5::/48"}],
        })
    );
    let codes: Vec<_> = fields["attributes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|attribute| attribute["code"]["name"].as_str().unwrap().to_owned())
        .collect();
    assert!(
        codes.starts_with(&["ORIGIN".into(), "AS_PATH".into()]),
        "{codes:?}"
    );
}

/// RFC 7606 §3 h: "the approach with the strongest action" of several errors, and all are told: ORIGIN of a bad value (§7.1),
/// MULTI_EXIT_DISC of a bad length (§7.4), ATOMIC_AGGREGATE of a bad length (§7.6).
#[test]
fn a_message_that_is_wrong_in_three_ways_reports_all_and_acts_on_the_severest() {
    let octets = update(
        &[],
        &[
            &[0x40, 1, 1, 9],
            PATH,
            NEXT_HOP,
            &[0x80, 4, 3, 0, 0, 0],
            &[0x40, 6, 1, 0],
        ],
        ROUTE,
    );
    let said = decode(&["--hex", &hex(&octets), "-o", "json"], b"");
    assert_eq!(said.status, 1);
    assert_eq!(said.summary(), "1 message, 1 malformed, 0 bytes skipped");
    let said = said.json().remove(0);
    let findings: Vec<_> = said["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| {
            (
                one["attribute"].as_u64(),
                one["disposition"].as_str(),
                one["subcode"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        findings,
        [
            (Some(1), Some("treat-as-withdraw"), Some(6)),
            (Some(4), Some("treat-as-withdraw"), Some(5)),
            (Some(6), Some("attribute-discard"), Some(5)),
        ]
    );
    let error = &said["error"];
    assert_eq!(error, &said["findings"][0]);
    assert_eq!(
        (&error["code"], &error["code_name"]),
        (&json!(3), &json!("UPDATE Message Error"))
    );
    assert_eq!(error["subcode_name"], "Invalid ORIGIN Attribute");
    // The value of ORIGIN: 19 octets of header, two lengths, three octets of its head.
    assert_eq!(error["offset"], 26);
    assert_eq!(error["attribute_name"], "ORIGIN");
    assert_eq!(
        said["fields"]["as_received"]["attributes"][0]["value"],
        "09"
    );
}

/// RFC 7606 §5.2: without reachable NLRI, treat-as-withdraw becomes a session reset.
#[test]
fn what_ends_the_session_has_its_notification() {
    let said = one(&update(&[], &[&[0x40, 1, 1, 9], PATH], &[]), &[]);
    assert_eq!(said["error"]["disposition"], "session-reset");
    assert_eq!(said["findings"][0]["disposition"], "treat-as-withdraw");
    // RFC 4271 §6.1 to §6.3.
    let mut marker = keepalive();
    marker[3] = 0;
    let mut version = open(65001, &[]);
    version[19] = 3;
    for (octets, kind, code, subcode) in [
        (marker, "KEEPALIVE", 1, 1),
        (message(4, &[0]), "KEEPALIVE", 1, 2),
        (message(9, &[]), "", 1, 3),
        (version, "OPEN", 2, 1),
        // AS 0 (RFC 7607), a hold time of 1 second and the identifier 0: the first of them ends the session, all are told.
        (message(1, &[4, 0, 0, 0, 1, 0, 0, 0, 0, 0]), "OPEN", 2, 2),
        (message(2, &[0, 9, 0, 0]), "UPDATE", 3, 1),
        (
            update(&[], &[ORIGIN, PATH, NEXT_HOP], &[33, 1, 2, 3, 4, 5]),
            "UPDATE",
            3,
            10,
        ),
        (message(5, &[0, 1, 1]), "ROUTE-REFRESH", 7, 1),
    ] {
        let said = one(&octets, &[]);
        let error = &said["error"];
        assert_eq!(error["disposition"], "session-reset", "{said}");
        assert_eq!(
            (&error["code"], &error["subcode"]),
            (&json!(code), &json!(subcode)),
            "{said}"
        );
        let findings = said["findings"].as_array().expect("a list");
        assert!(!findings.is_empty(), "{said}");
        for finding in findings {
            assert_eq!(finding["code"], json!(code), "{said}");
        }
        assert_eq!(said["type"].as_str().unwrap_or_default(), kind);
    }
}

#[test]
fn a_message_that_is_cut_says_where() {
    let octets = update(&[], &[ORIGIN, PATH, NEXT_HOP], ROUTE);
    for cut in 1..octets.len() {
        let said = decode(&["--hex", "-o", "json"], hex(&octets[..cut]).as_bytes());
        assert_eq!(said.status, 1, "{cut}");
        let said = said.json().remove(0);
        assert_eq!(said["error"]["offset"], cut, "{said}");
        assert_eq!(said["error"]["disposition"], "none");
        assert!(
            said["error"]["reason"]
                .as_str()
                .unwrap()
                .starts_with("the input ends after")
        );
    }
}

fn again(octets: &[u8], args: &[&str]) -> String {
    decode(&[&["--hex", &hex(octets), "-o", "hex"], args].concat(), b"").out
}

#[test]
fn what_cosmos_would_send_is_the_message_itself_if_nothing_is_wrong() {
    for octets in [
        keepalive(),
        open(65001, &[&[1, 4, 0, 1, 0, 1], &[65, 4, 0, 0, 0xfd, 0xe9]]),
        message(3, &[6, 2]),
        message(5, &[0, 1, 0, 1]),
        update(&[8, 10], &[ORIGIN, PATH, NEXT_HOP], ROUTE),
        update(&[], &[], &[]),
    ] {
        assert_eq!(again(&octets, &[]), format!("{}\n", hex(&octets)));
    }
    let short = update(&[], &[ORIGIN, SHORT_PATH, NEXT_HOP], ROUTE);
    assert_eq!(
        again(&short, &["--asn4", "no"]),
        format!("{}\n", hex(&short))
    );
}

/// RFC 7606 §2: an attribute is discarded, a route treated as if it had been withdrawn, a session reset.
#[test]
fn what_cosmos_would_send_for_a_malformed_message_is_what_it_acts_on() {
    let discarded = update(&[], &[ORIGIN, PATH, NEXT_HOP, &[0x40, 6, 1, 0]], ROUTE);
    let wanted = update(&[], &[ORIGIN, PATH, NEXT_HOP], ROUTE);
    assert_eq!(again(&discarded, &[]), format!("{}\n", hex(&wanted)));
    let withdrawn = update(&[8, 10], &[&[0x40, 1, 1, 9], PATH, NEXT_HOP], ROUTE);
    let wanted = [update(&[8, 10], &[], &[]), update(ROUTE, &[], &[])];
    let wanted: String = wanted.iter().map(|one| hex(one) + "\n").collect();
    assert_eq!(again(&withdrawn, &[]), wanted);
    assert_eq!(again(&message(2, &[0, 9, 0, 0]), &[]), "");
}

#[test]
fn the_tree_names_what_is_wrong_and_what_follows() {
    let octets = update(&[], &[&[0x40, 1, 1, 9], PATH, NEXT_HOP], ROUTE);
    let said = decode(&["--hex", &hex(&octets)], b"");
    let lines: Vec<_> = said.out.lines().collect();
    assert_eq!(lines[0], format!("UPDATE, {} octets at 0", octets.len()));
    assert_eq!(
        lines[1],
        "  MALFORMED: treat-as-withdraw, 3/6 (UPDATE Message Error: Invalid ORIGIN Attribute)"
    );
    assert!(
        lines[2].starts_with("    ORIGIN at octet 26: "),
        "{}",
        lines[2]
    );
    assert!(lines.contains(&"  announced: 10.1.0.0/16"));
}

/// Ethernet, IPv4 and TCP in front of octets.
fn packet(payload: &[u8]) -> Vec<u8> {
    let mut capture = Pcap::new(Link::Ethernet, false);
    capture.send(CLIENT, payload);
    // Behind the headers of the file and of the packet.
    capture.file.split_off(24 + 16)
}

/// "Copy as hex stream" and "Copy as C array" of Wireshark, `tcpdump -x` without the link layer.
#[test]
fn a_whole_packet_is_read_from_its_marker_on() {
    let octets = packet(&keepalive());
    let array = octets.iter().map(|octet| format!("0x{octet:02x}, "));
    let array = format!(
        "const unsigned char pkt1[73] = {{\n{}}};",
        array.collect::<String>()
    );
    let escaped: String = octets
        .iter()
        .map(|octet| format!("\\x{octet:02x}"))
        .collect();
    for (text, in_front) in [
        (hex(&octets), 54),
        (hex(&octets[14..]), 40),
        (array, 54),
        (format!("b'{escaped}'"), 54),
        (format!("\"{escaped}\""), 54),
    ] {
        let said = decode(&["--hex", "-o", "json"], text.as_bytes());
        assert_eq!(said.status, 0, "{text}: {}", said.err);
        let [message] = &said.json()[..] else {
            panic!("{}", said.out);
        };
        assert_eq!(
            (&message["type"], &message["offset"]),
            (&json!("KEEPALIVE"), &json!(in_front))
        );
        let lines: Vec<_> = said.err.lines().collect();
        assert_eq!(
            lines,
            [
                format!(
                    "note: {in_front} bytes in front of the first marker passed over, as the headers of a packet"
                ),
                format!("1 message, 0 malformed, {in_front} bytes skipped"),
            ]
        );
    }
}

/// The lines of `tcpdump -xx`: each packet begins a dump of its own.
#[test]
fn packets_behind_each_other_are_read() {
    let dump = |octets: &[u8]| {
        let lines = octets.chunks(16).enumerate().map(|(n, line)| {
            let pairs = line.chunks(2).map(hex).collect::<Vec<_>>().join(" ");
            format!("\t0x{:04x}:  {pairs}\n", n * 16)
        });
        let title =
            "03:14:15.926535 IP 192.0.2.1.40000 > 192.0.2.2.179: Flags [P.], length 19: BGP\n";
        title.to_owned() + &lines.collect::<String>()
    };
    let update = update(&[], &[ORIGIN, PATH, NEXT_HOP], ROUTE);
    let text = dump(&packet(&keepalive())) + &dump(&packet(&[])) + &dump(&packet(&update));
    let said = decode(&["--hex", "-o", "json"], text.as_bytes());
    assert_eq!(said.status, 0, "{}{}", said.out, said.err);
    assert_eq!(said.summary(), "2 messages, 0 malformed, 162 bytes skipped");
    let all = said.json();
    assert_eq!(all[1]["fields"]["announced"][0]["prefix"], "10.1.0.0/16");
}

/// Nothing is passed over where no marker follows, nor a marker that is only damaged.
#[test]
fn what_is_no_packet_is_malformed() {
    let mut damaged = keepalive();
    damaged[3] = 0;
    for octets in [packet(b"no message"), damaged.repeat(2)] {
        let said = decode(&["--hex", &hex(&octets), "-o", "json"], b"");
        assert_eq!(said.status, 1);
        assert_eq!(said.json()[0]["error"]["subcode"], 1);
    }
}
