//! What messages are read by where it is not in them: said, heard in an OPEN, or guessed.

use serde_json::{Value, json};

use crate::support::*;

#[test]
fn what_was_negotiated_can_be_said() {
    // RFC 6793 §4.1.
    let short = update(&[], &[ORIGIN, SHORT_PATH, NEXT_HOP], ROUTE);
    assert_eq!(one(&short, &[])["error"]["attribute"], 2);
    assert_eq!(one(&short, &["--asn4", "no"])["error"], Value::Null);
    let long = update(&[], &[ORIGIN, PATH, NEXT_HOP], ROUTE);
    assert_eq!(one(&long, &["--asn4", "yes"])["error"], Value::Null);
    assert_eq!(one(&long, &["--asn4", "no"])["error"]["attribute"], 2);
    // RFC 7911 §3.
    let with_id = update(&[], &[ORIGIN, PATH, NEXT_HOP], &[0, 0, 0, 7, 16, 10, 1]);
    let said = one(&with_id, &["--add-path", "ipv6/unicast,ipv4/unicast"]);
    assert_eq!(
        said["fields"]["announced"],
        json!([{"path_id": 7, "prefix": "10.1.0.0/16"}])
    );
    // RFC 8950 §3.
    let reach = [
        &[0x80, 14, 24, 0, 1, 1, 16][..],
        &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0, 16, 10, 1],
    ]
    .concat();
    let by_ipv6 = update(&[], &[&reach, ORIGIN, PATH], &[]);
    assert_eq!(one(&by_ipv6, &[])["error"]["disposition"], "session-reset");
    let said = one(&by_ipv6, &["--extended-next-hop", "ipv4/unicast"]);
    assert_eq!(
        said["fields"]["mp_reach"]["next_hop"], "2001:db8::1",
        "{said}"
    );
    // RFC 8654 §4.
    let big = [&[0xd0, 99, 0x10, 0x00][..], &[7; 4096]].concat();
    let big = update(&[], &[ORIGIN, PATH, NEXT_HOP, &big], ROUTE);
    assert_eq!(paste(&big, &[])[0]["error"]["subcode"], 2);
    assert_eq!(one(&big, &["--extended-message"])["error"], Value::Null);
    // RFC 7606 §7.5: LOCAL_PREF is discarded from an external neighbour, and mandatory inside (RFC 4271 §5.1.5).
    let preferred = update(
        &[],
        &[ORIGIN, PATH, NEXT_HOP, &[0x40, 5, 4, 0, 0, 0, 1]],
        ROUTE,
    );
    assert_eq!(
        one(&preferred, &["--ebgp"])["error"]["disposition"],
        "attribute-discard"
    );
    // So without anything said it is taken for a sign.
    assert_eq!(one(&preferred, &[])["error"], Value::Null);
    assert_eq!(one(&preferred, &["--ibgp"])["error"], Value::Null);
    assert_eq!(one(&long, &["--ibgp"])["error"]["attribute"], 5);
    // RFC 9774 §3.
    let set = update(
        &[],
        &[ORIGIN, &[0x40, 2, 6, 1, 1, 0, 0, 0xfd, 0xe9], NEXT_HOP],
        ROUTE,
    );
    assert_eq!(one(&set, &[])["error"]["disposition"], "treat-as-withdraw");
    assert_eq!(one(&set, &["--accept-as-set"])["error"], Value::Null);
}

/// RFC 6793 §4.1: without the capability in the OPEN, AS numbers have two octets.
#[test]
fn an_open_before_it_says_what_an_update_is() {
    let octets = [
        open(65001, &[&[1, 4, 0, 1, 0, 1]]),
        update(&[], &[ORIGIN, SHORT_PATH, NEXT_HOP], ROUTE),
    ]
    .concat();
    let all = paste(&octets, &[]);
    assert_eq!(all[1]["error"], Value::Null, "{}", all[1]);
    assert_eq!(all[1]["offset"], all[0]["length"]);
}

/// What is wrong by what was taken to be negotiated, and right by something else.
#[test]
fn a_wrong_guess_of_what_was_negotiated_is_hinted_at() {
    let short = update(&[], &[ORIGIN, SHORT_PATH, NEXT_HOP], ROUTE);
    let long = update(&[], &[ORIGIN, PATH, NEXT_HOP], ROUTE);
    let with_id = update(&[], &[ORIGIN, PATH, NEXT_HOP], &[0, 0, 0, 7, 16, 10, 1]);
    // Also 0.0.0.0/0 three times, 24.0.0.0/7 and 1.0.0.0/10.
    let plain_with_id = update(&[], &[ORIGIN, PATH, NEXT_HOP], &[0, 0, 0, 7, 24, 10, 1, 2]);
    let short_with_id = update(
        &[],
        &[ORIGIN, SHORT_PATH, NEXT_HOP],
        &[0, 0, 0, 7, 16, 10, 1],
    );
    // RFC 8950 §3.
    let reach = [
        &[0x80, 14, 24, 0, 1, 1, 16][..],
        &[0x20, 1, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        &[0, 16, 10, 1],
    ]
    .concat();
    let by_ipv6 = update(&[], &[&reach, ORIGIN, PATH], &[]);
    let bad_origin = update(&[], &[&[0x40, 1, 1, 9], PATH, NEXT_HOP], ROUTE);
    for (octets, args, hint) in [
        (
            &short,
            &[][..],
            "with --asn4 no this message is well-formed",
        ),
        (
            &long,
            &["--asn4", "no"],
            "with --asn4 yes this message is well-formed",
        ),
        (
            &with_id,
            &[],
            "with --add-path ipv4/unicast this message is well-formed",
        ),
        (
            &plain_with_id,
            &[],
            "with --add-path ipv4/unicast this message has no route twice",
        ),
        (
            &long,
            &["--add-path", "ipv4/unicast"],
            "without --add-path ipv4/unicast this message is well-formed",
        ),
        (
            &short_with_id,
            &[],
            "with --asn4 no --add-path ipv4/unicast this message is well-formed",
        ),
        (
            &by_ipv6,
            &[],
            "with --extended-next-hop ipv4/unicast this message is well-formed",
        ),
    ] {
        let said = decode(&[&["--hex", &hex(octets)], args].concat(), b"");
        let lines: Vec<_> = said.err.lines().collect();
        let [first, _] = lines[..] else {
            panic!("{}", said.err);
        };
        assert_eq!(first, format!("hint: {hint}"));
        // The message reads so.
        let options: Vec<_> = hint
            .split(' ')
            .skip(1)
            .take_while(|word| *word != "this")
            .collect();
        let options = if hint.starts_with("without") {
            &[]
        } else {
            &options[..]
        };
        let said = decode(&[&["--hex", &hex(octets)], options].concat(), b"");
        assert_eq!((said.status, said.err.lines().count()), (0, 1), "{hint}");
    }
    for (octets, args) in [(&long, &[][..]), (&bad_origin, &[])] {
        let said = decode(&[&["--hex", &hex(octets)], args].concat(), b"");
        assert_eq!(said.err.lines().count(), 1, "{}", said.err);
    }
    let said = decode(&["--hex", &hex(&[&short[..], &short, &long].concat())], b"");
    assert_eq!(
        said.err.lines().next(),
        Some("hint: with --asn4 no 2 messages that are malformed would be well-formed")
    );
    // The OPENs have said what it is, so that it is wrong.
    let opened = [
        open(65001, &[&[65, 4, 0, 0, 0xfd, 0xe9]]),
        open(65002, &[&[65, 4, 0, 0, 0xfd, 0xea]]),
        short,
    ];
    let said = decode(&["--hex", &hex(&opened.concat())], b"");
    assert_eq!(
        (said.status, said.err.lines().count()),
        (1, 1),
        "{}",
        said.err
    );
}

/// RFC 4271 section 5.1.5: LOCAL_PREF is between peers of one AS. Where no OPEN says whether these are, that it is there does, and people are
/// told so.
#[test]
fn local_pref_without_opens_is_read_as_of_one_as_and_that_is_told() {
    let preferred = update(
        &[],
        &[ORIGIN, PATH, NEXT_HOP, &[0x40, 5, 4, 0, 0, 0, 1]],
        ROUTE,
    );
    let said = decode(&["--hex", "-"], hex(&preferred).as_bytes());
    assert_eq!(
        said.err.matches("read as of one AS").count(),
        1,
        "{}",
        said.err
    );
    assert!(said.err.contains("1 message, 0 malformed"), "{}", said.err);
    let said = decode(&["--hex", "-", "--ebgp"], hex(&preferred).as_bytes());
    assert!(!said.err.contains("read as of one AS"), "{}", said.err);
    assert!(said.err.contains("1 message, 1 malformed"), "{}", said.err);
}
