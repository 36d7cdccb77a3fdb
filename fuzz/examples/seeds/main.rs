//! Writes seeds for the fuzz targets to `target/seeds`: `cd fuzz && cargo run --example seeds`. `scripts/fuzz-corpus` takes into
//! the corpus those that reach something.
//!
//! The UPDATEs are those of a route collector (`benches/data`), one for each combination of attributes and parts that the
//! file holds, the shortest of its kind; the others are made up, one for each thing they can say. Running it again writes the
//! same files.
//!
//! | file | seeds |
//! |---|---|
//! | `updates.rs` | bodies of UPDATEs: collected, made, malformed, with every next hop |
//! | `nlri.rs` | routes of every family |
//! | `attributes.rs` | values of every attribute |
//! | `messages.rs` | OPEN, NOTIFICATION, ROUTE-REFRESH |
//! | `texts.rs` | texts |
//! | `containers.rs` | captures and other containers |
//! | `scripts.rs` | what happens to a session of BGP or BFD, or to a table |

mod attributes;
mod containers;
mod messages;
mod nlri;
mod scripts;
mod texts;
mod updates;

use std::fs;
use std::path::Path;

use bgp_fuzz::message;

/// Names and contents of the files of one target.
type Seeds = Vec<(String, Vec<u8>)>;

fn main() {
    let updates = updates::every();
    let opens = messages::opens();
    let notifications = messages::notifications();
    let refreshes = messages::refreshes();
    let stream = |bodies: &[(u8, &[u8])]| -> Vec<u8> {
        bodies
            .iter()
            .flat_map(|(kind, body)| message(*kind, body))
            .collect()
    };

    let mut framing = Seeds::new();
    let mut any = Seeds::new();
    for (kind, seeds) in [
        (1, &opens),
        (2, &updates),
        (3, &notifications),
        (5, &refreshes),
    ] {
        let all: Vec<(u8, &[u8])> = seeds
            .iter()
            .take(3)
            .flat_map(|(_, body)| [(kind, body_of(kind, body)), (4, &[][..])])
            .collect();
        framing.push((format!("stream-{kind}"), stream(&all)));
        for (name, body) in seeds {
            // An UPDATE says itself on which session it is to be read.
            let choice = if kind == 2 { body[0] } else { 0 };
            let head = [choice, kind - 1];
            any.push((name.clone(), [&head, body_of(kind, body)].concat()));
        }
    }

    // What is no message, and one without a body.
    let marker = "ffffffffffffffffffffffffffffffff";
    let headers: [(&str, String); 7] = [
        ("marker", format!("00{} 0013 04", &marker[2..])),
        ("short", format!("{marker} 0012 04")),
        ("long", format!("{marker} 1001 01")),
        ("longest", format!("{marker} ffff 02")),
        ("keepalive-with-more", format!("{marker} 0014 04 00")),
        ("type", format!("{marker} 0013 09")),
        ("half", format!("{marker} 00")),
    ];
    for (name, text) in headers {
        framing.push((format!("header-{name}"), hex(&text)));
    }
    any.push(("keepalive".into(), vec![0, 3]));
    any.push(("keepalive-with-more".into(), vec![0, 3, 0]));

    write(
        "session_bytes",
        &scripts::sessions(&opens, &updates, &refreshes),
    );
    write("rib_inbound", &scripts::tables(&updates));
    write("framing", &framing);
    write("decode_encode_decode", &any);
    write(
        "messages",
        &messages::numbered([&opens, &notifications, &refreshes]),
    );
    let more = [updates.clone(), updates::more()].concat();
    write("update", &more);
    write("nlri", &nlri::every());
    write("attribute", &attributes::every());
    write("text", &texts::every());
    write("containers", &containers::every(&updates));
    write("differential", &updates::plain(&updates));
    write("bfd_packets", &scripts::bfd());
}

/// UPDATEs carry the choice of a session in front.
fn body_of(kind: u8, seed: &[u8]) -> &[u8] {
    &seed[usize::from(kind == 2)..]
}

fn write(target: &str, seeds: &Seeds) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("target/seeds")
        .join(target);
    // Not one that was written before and is no more.
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).expect("a folder for the seeds");
    for (name, bytes) in seeds {
        fs::write(folder.join(name), bytes).expect("room for a seed");
    }
    println!("{} seeds for {target}", seeds.len());
}

/// Octets in hexadecimal, with spaces anywhere. What is in parentheses has its length in front, in one octet; what is in
/// braces, in two.
fn hex(text: &str) -> Vec<u8> {
    let mut open = vec![(0, String::new())];
    for one in text.chars().filter(|one| !one.is_whitespace()) {
        match one {
            '(' => open.push((1, String::new())),
            '{' => open.push((2, String::new())),
            ')' | '}' => {
                let (width, inner) = open.pop().expect("it was opened");
                let outer = &mut open.last_mut().expect("the whole is left").1;
                outer.push_str(&format!(
                    "{:0digits$x}",
                    inner.len() / 2,
                    digits = 2 * width
                ));
                outer.push_str(&inner);
            }
            digit => open.last_mut().expect("the whole is left").1.push(digit),
        }
    }
    let [(0, digits)] = &open[..] else {
        panic!("what was opened is closed: {text}");
    };
    let octet = |two: &[u8]| {
        let two = std::str::from_utf8(two).expect("ASCII");
        u8::from_str_radix(two, 16).expect("two digits")
    };
    digits.as_bytes().chunks(2).map(octet).collect()
}

/// The length of octets, in so many octets.
fn length(octets: &[u8], width: usize) -> Vec<u8> {
    octets.len().to_be_bytes()[8 - width..].to_vec()
}
