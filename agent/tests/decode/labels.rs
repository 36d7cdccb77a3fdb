//! Routes with labels (RFC 8277), which are read as both sides have agreed.

use serde_json::{Value, json};

use crate::support::*;

const RD: [u8; 8] = [0, 0, 0xfd, 0xe8, 0, 0, 0, 100];
/// 100, without the bottom of the stack.
const LABEL: [u8; 3] = [0, 0x06, 0x40];
/// 51200, with it. The octets could be those of a prefix.
const BOTTOM: [u8; 3] = [0x0c, 0x80, 0x01];

fn announced(safi: u8, hop: &[u8], labels: &[u8], rest: &[u8], bits: u8) -> Vec<u8> {
    let length = labels.len() as u8 * 8 + bits;
    let nlri = [&[length], labels, rest].concat();
    let value = [&[0, 1, safi, hop.len() as u8], hop, &[0], &nlri].concat();
    let reach = [&[0x80, 14, value.len() as u8], &value[..]].concat();
    update(&[], &[&reach, ORIGIN, PATH], &[])
}

fn labeled(labels: &[u8], prefix: &[u8]) -> Vec<u8> {
    let bits = prefix.len() as u8 * 8;
    announced(4, &[192, 0, 2, 1], labels, prefix, bits)
}

fn vpn(labels: &[u8], prefix: &[u8]) -> Vec<u8> {
    let hop = [&[0; 8][..], &[192, 0, 2, 1]].concat();
    let rest = [&RD, prefix].concat();
    let bits = rest.len() as u8 * 8;
    announced(128, &hop, labels, &rest, bits)
}

/// The last message.
fn last(octets: &[u8], args: &[&str]) -> Value {
    let args = [&["--hex", "-", "-o", "json"], args].concat();
    decode(&args, hex(octets).as_bytes()).json().pop().unwrap()
}

fn route(said: &Value) -> &Value {
    &said["fields"]["mp_reach"]["nlri"][0]
}

fn labels(values: &[u32]) -> Value {
    let labels = values
        .iter()
        .map(|value| json!({"value": value, "name": null}));
    labels.collect()
}

/// RFC 8277 §2.2: without the Multiple Labels Capability there is one label, and its S bit "MUST be
/// ignored on reception".
#[test]
fn one_label_is_read_whatever_its_bottom_of_stack_bit() {
    for prefix in [&[10][..], &[10, 1], &[10, 1, 2], &[10, 1, 2, 3]] {
        let said = last(&vpn(&LABEL, prefix), &[]);
        assert_eq!(said["error"], Value::Null, "{said}");
        assert_eq!(route(&said)["rd"], "65000:100", "{said}");
        assert_eq!(route(&said)["labels"], labels(&[100]), "{said}");
        let said = last(&labeled(&LABEL, prefix), &[]);
        assert_eq!(said["error"], Value::Null, "{said}");
        assert_eq!(route(&said)["labels"], labels(&[100]), "{said}");
    }
    // What follows such a route is read too.
    let said = decode(&["--raw", "-"], &[vpn(&LABEL, &[10]), keepalive()].concat());
    assert_eq!(said.summary(), "2 messages, 0 malformed, 0 bytes skipped");
}

/// RFC 8277 §2.3. As one label, 48 bits of a prefix would be left.
#[test]
fn several_labels_are_read_where_one_does_not_fit() {
    let stack = [LABEL, BOTTOM].concat();
    for octets in [vpn(&stack, &[10, 1, 2]), labeled(&stack, &[10, 1, 2])] {
        let said = last(&octets, &[]);
        assert_eq!(said["error"], Value::Null, "{said}");
        assert_eq!(route(&said)["prefix"], "10.1.2.0/24", "{said}");
        assert_eq!(route(&said)["labels"], labels(&[100, 51200]), "{said}");
    }
    // What fits neither way is told as what was not negotiated.
    let said = last(&labeled(&LABEL, &[10, 1, 2, 3, 4]), &[]);
    assert_eq!(said["error"]["disposition"], "session-reset");
    assert_eq!(said["error"]["subcode"], 9);
}

/// With a short prefix both ways fit: `10.0.0.0/8` behind two labels, or `12.128.1.10/32` behind one.
#[test]
fn several_labels_can_be_said() {
    let octets = labeled(&[LABEL, BOTTOM].concat(), &[10]);
    assert_eq!(route(&last(&octets, &[]))["prefix"], "12.128.1.10/32");
    let said = last(&octets, &["--multiple-labels", "ipv4/labeled"]);
    assert_eq!(route(&said)["prefix"], "10.0.0.0/8");
    assert_eq!(route(&said)["labels"], labels(&[100, 51200]));
}

/// RFC 8277 §2.1: several only if both have announced the capability.
#[test]
fn opens_say_whether_there_are_several() {
    let family: &[u8] = &[1, 4, 0, 1, 0, 4];
    let [asn4, other]: [&[u8]; 2] = [&[65, 4, 0, 0, 0xfd, 0xe9], &[65, 4, 0, 0, 0xfd, 0xea]];
    let several: &[u8] = &[8, 4, 0, 1, 4, 2];
    let octets = labeled(&[LABEL, BOTTOM].concat(), &[10]);
    for (first, second, prefix) in [
        (several, several, "10.0.0.0/8"),
        (several, other, "12.128.1.10/32"),
    ] {
        let opens = [
            open(65001, &[family, asn4, first]),
            open(65002, &[family, other, second]),
        ];
        let stream = [opens.concat(), octets.clone()].concat();
        let said = last(&stream, &[]);
        assert_eq!(route(&said)["prefix"], prefix, "{said}");
        let one = [&opens[0][..], &octets].concat();
        assert_eq!(route(&last(&one, &[]))["prefix"], "10.0.0.0/8");
    }
    // And then there is nothing to guess.
    let opens = [open(65001, &[family, asn4]), open(65002, &[family, other])].concat();
    let stack = labeled(&[LABEL, BOTTOM].concat(), &[10, 1, 2]);
    let said = last(&[opens, stack].concat(), &[]);
    assert_eq!(said["error"]["subcode"], 9, "{said}");
}
