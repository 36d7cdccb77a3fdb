//! `--mrt`: what route collectors write.

use std::io::Read;

use bgp_capture::compressed::Decompressed;
use serde_json::{Value, json};

use crate::support::*;

fn unpacked(name: &str) -> Vec<u8> {
    let file = std::fs::File::open(capture_data(name)).unwrap();
    let mut all = Vec::new();
    Decompressed::new(file)
        .unwrap()
        .read_to_end(&mut all)
        .unwrap();
    all
}

/// Printed by bgpdump 1.6.2, see the README beside the data.
#[test]
fn the_lines_are_those_of_bgpdump() {
    for (file, lines) in [("rrc15.mrt.gz", "rrc15.txt.gz"), ("forms.mrt", "forms.txt")] {
        let said = decode(&["--mrt", &capture_data(file), "-o", "bgpdump"], b"");
        assert_eq!(said.out.into_bytes(), unpacked(lines), "{file}");
        let plain = decode(&["--mrt", "-", "-o", "bgpdump"], &unpacked(file));
        assert_eq!(plain.out.into_bytes(), unpacked(lines), "{file}");
    }
}

#[test]
fn every_format_counts_the_same() {
    let file = capture_data("forms.mrt");
    let counted: Vec<_> = ["tree", "json", "hex", "bgpdump"]
        .iter()
        .map(|format| decode(&["--mrt", &file, "-o", format], b""))
        .map(|said| (said.status, said.summary().to_owned()))
        .collect();
    assert!(counted.iter().all(|one| *one == counted[0]), "{counted:?}");
    assert_eq!(counted[0].0, 1);
}

/// RFC 6396 §4.4, by `bgpdump -m`: the first line of the file is
/// `BGP4MP|1267286400|W|200.219.130.10|19089|199.60.22.0/24`.
#[test]
fn a_message_has_its_session_and_time() {
    let all = decode(&["--mrt", &capture_data("rrc15.mrt.gz"), "-o", "json"], b"").json();
    let first = &all[0];
    assert_eq!(
        (&first["type"], &first["time"]),
        (&json!("UPDATE"), &json!("2010-02-27T16:00:00Z"))
    );
    assert_eq!(
        first["session"],
        json!({
            "from": "200.219.130.10",
            "to": "200.219.130.23",
            "from_as": 19089,
            "to_as": 12654,
            "asn4": true,
            "add_path": false,
        })
    );
    assert_eq!(
        first["fields"]["withdrawn"],
        json!([{"prefix": "199.60.22.0/24"}])
    );
    // `BGP4MP|1267286419|STATE|213.163.8.205|50055|3|2`
    let change = all
        .iter()
        .find(|one| one["type"] == "STATE_CHANGE")
        .unwrap();
    assert_eq!(
        change["fields"]["old_state"],
        json!({"value": 3, "name": "Active"})
    );
    assert_eq!(
        change["fields"]["new_state"],
        json!({"value": 2, "name": "Connect"})
    );
    assert_eq!(change["session"]["from_as"], 50055);
}

/// RFC 6396 §4.3, RFC 8050 §4.
#[test]
fn a_table_is_told_route_by_route() {
    let all = decode(&["--mrt", &capture_data("forms.mrt"), "-o", "json"], b"").json();
    let index = all
        .iter()
        .find(|one| one["type"] == "PEER_INDEX_TABLE")
        .unwrap();
    assert_eq!(index["fields"]["view"], "view");
    assert_eq!(
        index["fields"]["peers"],
        json!([
            {"address": "192.0.2.1", "as": 65001, "bgp_identifier": "1.1.1.1"},
            {"address": "2001:db8::5", "as": 70000, "bgp_identifier": "2.2.2.2"},
        ])
    );
    let routes: Vec<_> = all.iter().filter(|one| one["type"] == "RIB").collect();
    let of_ipv6: Vec<_> = routes
        .iter()
        .filter(|one| one["fields"]["mp_reach"]["family"] == "ipv6/unicast")
        .collect();
    // The short form of MP_REACH_NLRI, with one address and with two, and the whole one.
    assert!(of_ipv6.len() >= 4);
    for one in &of_ipv6 {
        assert_eq!(
            one["fields"]["mp_reach"]["next_hop"], "2001:db8::1",
            "{one}"
        );
        assert_eq!(
            one["fields"]["mp_reach"]["nlri"][0]["prefix"], "2001:db8::/32",
            "{one}"
        );
        assert_eq!(one["error"], Value::Null, "{one}");
    }
    assert_eq!(of_ipv6[1]["fields"]["mp_reach"]["link_local"], "fe80::1");
    assert_eq!(of_ipv6[1]["session"]["from"], "2001:db8::5");
    let with_id = routes
        .iter()
        .find(|one| one["fields"]["announced"][0]["path_id"] == 42)
        .unwrap();
    assert_eq!(with_id["fields"]["announced"][0]["prefix"], "10.0.0.0/8");
    assert_eq!(with_id["fields"]["originated"], "2020-09-13T12:26:40Z");
}

#[test]
fn a_file_cut_in_the_middle_gives_what_is_there_and_says_where_it_ends() {
    let file = unpacked("rrc15.mrt.gz");
    let said = decode(&["--mrt", "-", "-o", "json"], &file[..1000]);
    assert_eq!(said.status, 1);
    assert!(
        said.err
            .contains("cosmos: standard input: ends in the middle of a record at octet "),
        "{}",
        said.err
    );
    assert!(said.json().len() > 5);
    let packed = std::fs::read(capture_data("rrc15.mrt.gz")).unwrap();
    let said = decode(&["--mrt", "-", "-o", "bgpdump"], &packed[..3000]);
    assert_eq!(said.status, 1);
    assert!(said.out.lines().count() > 50);
}

#[test]
fn a_record_that_is_malformed_is_told_and_the_next_is_read() {
    let mut file = vec![0, 0, 0, 0, 0, 16, 0, 4, 0, 0, 0, 3, 1, 2, 3];
    file.extend([0, 0, 0, 0, 0, 99, 0, 1, 0, 0, 0, 2, 1, 2]);
    file.extend(&unpacked("rrc15.mrt.gz")[..79]);
    let said = decode(&["--mrt", "-", "-o", "json"], &file);
    assert_eq!(said.status, 1);
    assert_eq!(said.summary(), "1 message, 1 malformed, 5 bytes skipped");
    let all = said.json();
    assert_eq!(all[0]["error"]["field"], "Peer AS Number");
    assert_eq!(
        all[0]["fields"]["type"],
        json!({"value": 16, "name": "BGP4MP"})
    );
    assert_eq!(all[1]["fields"]["type"], json!({"value": 99, "name": null}));
    assert_eq!(all[2]["type"], "UPDATE");
}

/// A record of BGP4MP_MESSAGE_AS4 (RFC 6396 §4.4.3) between 65001 and 65000.
fn record(octets: &[u8]) -> Vec<u8> {
    let mut body = vec![0, 0, 0xfd, 0xe9, 0, 0, 0xfd, 0xe8, 0, 0, 0, 1];
    body.extend([10, 0, 0, 1, 10, 0, 0, 2]);
    body.extend(octets);
    let mut record = vec![0, 0, 0, 0, 0, 16, 0, 4];
    record.extend((body.len() as u32).to_be_bytes());
    record.extend(body);
    record
}

/// RFC 6793 §4.1: a collector that writes the wrong subtype is corrected by the option.
#[test]
fn the_size_of_as_numbers_can_be_said() {
    let short = record(&update(&[], &[ORIGIN, SHORT_PATH, NEXT_HOP], ROUTE));
    let said = decode(&["--mrt", "-", "-o", "json"], &short);
    assert_eq!(said.json()[0]["error"]["attribute"], 2);
    let said = decode(&["--mrt", "-", "-o", "json", "--asn4", "no"], &short);
    assert_eq!(said.status, 0);
    let said = said.json().remove(0);
    assert_eq!(
        (&said["error"], &said["session"]["asn4"]),
        (&Value::Null, &json!(false))
    );
}

/// bgpdump has no such options, and its lines are what this output gives.
#[test]
fn the_lines_of_bgpdump_are_those_of_the_records_whatever_was_said() {
    let one = record(&update(&[], &[ORIGIN, PATH, NEXT_HOP], ROUTE));
    for (option, value) in [
        ("--asn4", "no"),
        ("--add-path", "ipv4/unicast"),
        ("--extended-next-hop", "ipv4/unicast"),
        ("--multiple-labels", "ipv4/labeled"),
    ] {
        let said = decode(&["--mrt", "-", "-o", "bgpdump", option, value], &one);
        assert_eq!((said.status, &said.out[..]), (2, ""), "{option}");
        let wanted = format!("cosmos: {option} is not for -o bgpdump");
        assert!(said.err.starts_with(&wanted), "{}", said.err);
    }
}

/// TABLE_DUMP_V2 (RFC 6396 §4.3): a PEER_INDEX_TABLE with 10.0.0.1 of AS 65001, and one route of peer `peer`.
fn table(subtype: u16, family: &[u8], nlri: &[u8], peer: u16, attributes: &[&[u8]]) -> Vec<u8> {
    fn record(subtype: u16, body: &[u8]) -> Vec<u8> {
        let mut record = vec![0, 0, 0, 0, 0, 13];
        record.extend(subtype.to_be_bytes());
        record.extend((body.len() as u32).to_be_bytes());
        record.extend(body);
        record
    }
    let index = [
        1, 1, 1, 1, 0, 0, 0, 1, 2, 2, 2, 2, 2, 10, 0, 0, 1, 0, 0, 0xfd, 0xe9,
    ];
    let attributes = attributes.concat();
    let mut body = vec![0, 0, 0, 1];
    body.extend(family);
    body.extend(nlri);
    body.extend([0, 1]);
    body.extend(peer.to_be_bytes());
    body.extend([0; 4]);
    body.extend((attributes.len() as u16).to_be_bytes());
    body.extend(attributes);
    [record(1, &index), record(subtype, &body)].concat()
}

/// RFC 6396 §4.3.2, §4.3.3: the family of a route is that of its record, whatever its attributes are.
/// bgpdump 1.6.2 prints 2000::/8 for the third file, as it does here.
#[test]
fn a_route_of_a_table_is_of_the_family_of_its_record() {
    let usual = [ORIGIN, PATH, NEXT_HOP];
    let multicast = table(3, &[], &[8, 10], 0, &usual);
    let said = decode(&["--mrt", "-", "-o", "json"], &multicast);
    assert_eq!(said.summary(), "1 message, 0 malformed, 0 bytes skipped");
    let route = &said.json()[1]["fields"];
    let reach = json!({
        "family": "ipv4/multicast",
        "next_hop": "192.0.2.1",
        "nlri": [{"prefix": "10.0.0.0/8"}],
    });
    assert_eq!(
        (&route["mp_reach"], &route["announced"]),
        (&reach, &Value::Null)
    );

    let vpn = [
        &[88 + 8, 0, 6, 0x41, 0, 0, 0xfd, 0xe8, 0, 0, 0, 100][..],
        &[10],
    ]
    .concat();
    for (subtype, family, nlri, text) in [
        (4, &[][..], &[8, 0x20][..], "ipv6/unicast"),
        (6, &[0, 1, 128], &vpn, "ipv4/vpn"),
    ] {
        let file = table(subtype, family, nlri, 0, &usual);
        let said = decode(&["--mrt", "-", "-o", "json"], &file);
        assert_eq!(said.summary(), "1 message, 1 malformed, 0 bytes skipped");
        let route = &said.json()[1];
        assert_eq!(route["error"]["attribute"], 14, "{route}");
        assert_eq!(route["error"]["reason"], "is missing");
        let fields = &route["fields"];
        assert_eq!(
            (&fields["family"], &fields["nlri"]),
            (&json!(text), &json!(hex(nlri)))
        );
        assert_eq!(
            (&fields["announced"], &fields["mp_reach"]),
            (&Value::Null, &Value::Null)
        );
        let lines = decode(&["--mrt", "-", "-o", "bgpdump"], &file);
        assert_eq!(lines.summary(), said.summary());
    }
    let lines = decode(
        &["--mrt", "-", "-o", "bgpdump"],
        &table(4, &[], &[8, 0x20], 0, &usual),
    );
    let line = "TABLE_DUMP2|0|B|10.0.0.1|65001|2000::/8|65001|IGP|192.0.2.1|0|0||NAG||\n";
    assert_eq!(lines.out, line);

    let unknown = table(6, &[0, 77, 7], &[8, 10], 0, &usual);
    let said = decode(&["--mrt", "-", "-o", "json"], &unknown);
    let octets = unknown.len() - 12 - 12 - 21;
    assert_eq!(
        said.summary(),
        format!("0 messages, 0 malformed, {octets} bytes skipped")
    );
    let record = &said.json()[1];
    assert_eq!(
        (&record["type"], &record["error"]),
        (&json!("MRT"), &Value::Null)
    );
    let finding = &record["findings"][0];
    assert_eq!(finding["reason"], "is afi77/safi7, which is not known");
}

/// RFC 6396 §4.3.4: "The Peer Index [...] is an index into the PEER_INDEX_TABLE". bgpdump 1.6.2 stops at such a route.
#[test]
fn a_route_of_a_peer_that_is_not_in_the_index_is_malformed() {
    let file = table(2, &[], &[8, 10], 77, &[ORIGIN, PATH, NEXT_HOP]);
    let said = decode(&["--mrt", "-", "-o", "json"], &file);
    assert_eq!(
        (said.status, said.summary()),
        (1, "1 message, 1 malformed, 0 bytes skipped")
    );
    let route = &said.json()[1];
    assert_eq!(
        (&route["error"]["field"], &route["session"]),
        (&json!("Peer Index"), &Value::Null)
    );
    assert_eq!(
        route["error"]["reason"],
        "is 77, of a PEER_INDEX_TABLE of 1"
    );
    assert_eq!(route["fields"]["announced"][0]["prefix"], "10.0.0.0/8");
    let said = decode(&["--mrt", "-", "-o", "bgpdump"], &file);
    assert_eq!((said.status, &said.out[..]), (1, ""));
    assert_eq!(said.summary(), "1 message, 1 malformed, 0 bytes skipped");
}

/// RFC 7606 §3 g: "all the occurrences of the attribute other than the first one SHALL be discarded".
#[test]
fn of_an_attribute_that_is_there_again_the_line_shows_the_first() {
    let med = |value: u8| [0x80, 4, 4, 0, 0, 0, value];
    let octets = update(&[], &[ORIGIN, PATH, NEXT_HOP, &med(1), &med(2)], ROUTE);
    let said = decode(&["--mrt", "-", "-o", "bgpdump"], &record(&octets));
    let line = "BGP4MP|0|A|10.0.0.1|65001|10.1.0.0/16|65001|IGP|192.0.2.1|0|1||NAG||\n";
    assert_eq!((said.status, &said.out[..]), (1, line));
    let said = decode(&["--mrt", "-", "-o", "json"], &record(&octets));
    let shown = said.json()[0]["fields"]["attributes"][2]["med"].clone();
    assert_eq!(shown, 1);
}

/// RFC 6396 §4.4.2: a record holds one message. What is behind it is read if it can be, and counted.
#[test]
fn what_stands_behind_the_message_of_a_record_is_told() {
    let one = update(&[], &[ORIGIN, PATH, NEXT_HOP], ROUTE);
    let two = record(&[one.clone(), keepalive()].concat());
    let said = decode(&["--mrt", "-", "-o", "json"], &two);
    assert_eq!(
        (said.status, said.summary()),
        (0, "2 messages, 0 malformed, 0 bytes skipped")
    );
    let all = said.json();
    assert_eq!(
        (&all[0]["offset"], &all[1]["offset"]),
        (&json!(32), &json!(32 + one.len()))
    );
    assert_eq!(all[1]["type"], "KEEPALIVE");
    let stray = [record(&[&one[..], &[1, 2, 3]].concat()), record(&one)].concat();
    let said = decode(&["--mrt", "-", "-o", "json"], &stray);
    assert_eq!(
        (said.status, said.summary()),
        (1, "2 messages, 1 malformed, 3 bytes skipped")
    );
    let all = said.json();
    assert_eq!(
        (&all[0]["type"], &all[0]["error"]),
        (&json!("UPDATE"), &Value::Null)
    );
    assert_eq!(
        (
            &all[1]["error"]["reason"],
            &all[1]["offset"],
            &all[1]["length"]
        ),
        (
            &json!("3 octets stand behind the message"),
            &json!(32 + one.len()),
            &json!(3)
        )
    );
    for file in [&two, &stray] {
        let lines = decode(&["--mrt", "-", "-o", "bgpdump"], file);
        let json = decode(&["--mrt", "-", "-o", "json"], file);
        assert_eq!(
            (lines.status, lines.summary()),
            (json.status, json.summary())
        );
    }
    // Without a message there is one that is cut.
    let said = decode(&["--mrt", "-", "-o", "json"], &record(&[]));
    assert_eq!(said.summary(), "1 message, 1 malformed, 0 bytes skipped");
}
