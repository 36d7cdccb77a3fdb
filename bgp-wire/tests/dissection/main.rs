//! What an independent decoder makes of the messages that we write: tshark finds nothing wrong with any of them, and sees in
//! each what was put in. Debian 12 has tshark 4.0.
//!
//! ```text
//! main.rs     asks tshark and compares
//! pcap.rs     messages as a capture
//! announced.rs  routes of the families that the speaker announces
//! relayed.rs    routes of the families that are read and passed on
//! others.rs     all other messages
//! ```

mod announced;
mod others;
mod pcap;
mod relayed;

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use bgp_wire::{Asn, Community, LargeCommunity, NextHop};
use bgp_wire::{AttrEditor, FamilySet, Origin, PeerKind, RouterId, SessionContext};

/// A field as tshark names it, and its values; several are joined by commas.
type Seen = (&'static str, &'static str);

/// A message, and what must be seen in it.
struct Sent {
    name: String,
    message: Vec<u8>,
    seen: Vec<Seen>,
}

fn sent(name: impl Into<String>, message: Vec<u8>, seen: &[Seen]) -> Sent {
    Sent {
        name: name.into(),
        message,
        seen: seen.to_vec(),
    }
}

/// What tshark 4.0 cannot read, why, and what it says to it. This is all that may be found.
const NOT_READ: &[(&str, &str, &str)] = &[
    (
        "EVPN type 8",
        "reads what came before RFC 9251, without Reserved and Maximum Response Time",
        "malformed: Invalid EVPN Route Type (100)",
    ),
    (
        "EVPN type 9",
        "does not know the type",
        "malformed: Invalid EVPN Route Type (9)",
    ),
    (
        "EVPN type 11",
        "does not know the type",
        "malformed: Invalid EVPN Route Type (11)",
    ),
    (
        "IPv4 SR policy",
        "knows the NLRI and what describes it, but no next hop of the family",
        "malformed: Unknown SAFI (73) for AFI 1,Unknown Next Hop length (4 bytes)",
    ),
    (
        "IPv6 SR policy",
        "the same, and takes four octets of the endpoint",
        "malformed: Unknown SAFI (73) for AFI 2,Unknown Next Hop length (16 bytes),\
         Trying to fetch an IPv6 address with length 4,Malformed Packet (Exception occurred)",
    ),
    (
        "link-state node in a VPN",
        "expects no route distinguisher with SAFI 72",
        "Expected/actual tlv mismatch, expected: 256, actual: 0",
    ),
];

/// Everything that any session allows.
fn session() -> SessionContext {
    SessionContext {
        peer_kind: PeerKind::Internal,
        families: FamilySet::supported(),
        extended_next_hop: FamilySet::supported(),
        keep_order: true,
        ..SessionContext::new(Asn(65000), Asn(65000))
    }
}

/// The attributes of a route that has come a long way.
fn attributes(next_hop: impl Into<Option<NextHop>>) -> AttrEditor {
    let mut editor = AttrEditor::new();
    editor.set_next_hop(next_hop);
    editor.set_origin(Origin::Igp);
    editor.set_as_path(&[Asn(65001), Asn(4_200_000_001)]);
    editor.set_med(Some(50));
    editor.set_local_pref(Some(200));
    editor.set_communities([Community::new(65001, 7), Community::NO_EXPORT]);
    editor.set_large_communities([LargeCommunity {
        global: 4_200_000_001,
        data1: 1,
        data2: 2,
    }]);
    editor.set_originator_id(Some(RouterId(0x0a00_0009)));
    editor.prepend_cluster_id(RouterId(0x0a00_0001));
    editor
}

/// What tshark must see of those, as it prints it.
const ATTRIBUTES: &[Seen] = &[
    (
        "bgp.update.path_attribute.as_path_segment.as4",
        "65001,4200000001",
    ),
    ("bgp.update.path_attribute.multi_exit_disc", "50"),
    ("bgp.update.path_attribute.local_pref", "200"),
    ("bgp.update.path_attribute.originator_id", "10.0.0.9"),
    ("bgp.path_attribute.cluster_id", "10.0.0.1"),
    ("bgp.large_communities.ga", "4200000001"),
];

#[test]
fn tshark_finds_nothing_wrong_and_sees_what_was_put_in() {
    let messages: Vec<Sent> = announced::messages()
        .into_iter()
        .chain(relayed::messages())
        .chain(others::messages())
        .collect();
    let fields: Vec<&str> = messages
        .iter()
        .flat_map(|sent| sent.seen.iter().map(|(field, _)| *field))
        .collect();
    let octets: Vec<&[u8]> = messages.iter().map(|sent| &sent.message[..]).collect();
    let told = dissect(&pcap::capture(&octets), &fields);
    assert_eq!(told.len(), messages.len(), "one line for each message");
    let mut wrong = Vec::new();
    for (sent, told) in messages.iter().zip(&told) {
        let name = &sent.name;
        let faults = faults(told);
        let known = NOT_READ.iter().find(|(one, ..)| one == name);
        if faults != known.map_or("", |(.., says)| says) {
            wrong.push(format!("{name}: tshark says {faults:?}"));
        }
        for (field, value) in &sent.seen {
            let right = match *field {
                TREE => told[TREE].contains(*value),
                field => told[field] == *value,
            };
            if !right {
                wrong.push(format!(
                    "{name}: {field} is {:?} and not {value:?}",
                    told[field]
                ));
            }
        }
        if sent.seen.is_empty() {
            wrong.push(format!("{name}: nothing is looked at"));
        }
    }
    for (name, ..) in NOT_READ {
        if !messages.iter().any(|sent| sent.name == *name) {
            wrong.push(format!("{name} is not sent"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

const MALFORMED: &str = "_ws.malformed";
const EXPERT: &str = "_ws.expert.message";
const SEVERITY: &str = "_ws.expert.severity";

/// What is wrong with a packet: that it is malformed, or what experts warn of or call an error. They also note what is
/// right and worth knowing.
fn faults(told: &BTreeMap<&'static str, String>) -> String {
    const WARNING: u32 = 0x0060_0000;
    let severities = told[SEVERITY].split(',').filter(|one| !one.is_empty());
    let severities: Vec<u32> = severities
        .map(|one| one.parse().expect("a number"))
        .collect();
    let grave = severities.iter().any(|one| *one >= WARNING);
    match (told[MALFORMED].is_empty(), grave) {
        (true, false) => String::new(),
        (true, true) => told[EXPERT].clone(),
        (false, _) => format!("malformed: {}", told[EXPERT]),
    }
}

/// Stands for all that tshark prints of a packet, where it has no field of a route.
const TREE: &str = "tree";

/// The values of the fields in each packet of a capture, with what the dissectors complain about, and the whole tree.
fn dissect(capture: &[u8], fields: &[&'static str]) -> Vec<BTreeMap<&'static str, String>> {
    let file =
        std::env::temp_dir().join(format!("bgp-wire-dissection-{}.pcap", std::process::id()));
    std::fs::write(&file, capture).expect("the capture is written");
    let mut all = vec![MALFORMED, EXPERT, SEVERITY];
    all.extend(fields.iter().filter(|field| **field != TREE));
    all.sort_unstable();
    all.dedup();
    let mut options = vec!["-T", "fields", "-E", "separator=|"];
    options.extend(all.iter().flat_map(|field| ["-e", field]));
    let (lines, trees) = (tshark(&file, &options), tshark(&file, &["-V"]));
    std::fs::remove_file(&file).expect("it is there");
    let trees = trees.split("\nFrame ");
    let packets = lines.lines().zip(trees).map(|(line, tree)| {
        let values = line.split('|').map(str::to_owned);
        let mut packet: BTreeMap<_, _> = all.iter().copied().zip(values).collect();
        packet.insert(TREE, tree.to_owned());
        packet
    });
    packets.collect()
}

/// What tshark prints of a capture, without asking for names.
fn tshark(file: &Path, options: &[&str]) -> String {
    let output = Command::new("tshark")
        .arg("-r")
        .arg(file)
        .arg("-n")
        .args(options)
        .output();
    let output = output.unwrap_or_else(|error| {
        panic!("tshark does not run ({error}): `scripts/install-test-deps tshark` installs it")
    });
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    String::from_utf8(output.stdout).expect("it prints text")
}
