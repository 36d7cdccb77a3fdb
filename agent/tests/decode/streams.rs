//! `--raw`: a byte stream, and what all inputs have in common.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::*;

/// RFC 4271 §6.1: where no marker is, the connection is not synchronized.
#[test]
fn junk_is_skipped_and_counted_and_the_next_message_found() {
    let stream = [
        keepalive(),
        b"some junk".to_vec(),
        message(5, &[0, 1, 0, 1]),
        keepalive(),
    ]
    .concat();
    let said = decode(&["--raw", "-", "-o", "json"], &stream);
    assert_eq!(said.status, 1);
    assert_eq!(said.summary(), "3 messages, 1 malformed, 9 bytes skipped");
    let all = said.json();
    let told: Vec<_> = all
        .iter()
        .map(|one| {
            (
                one["type"].as_str(),
                one["offset"].as_u64(),
                one["error"]["subcode"].as_u64(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (Some("KEEPALIVE"), Some(0), None),
            (None, Some(19), Some(1)),
            (Some("ROUTE-REFRESH"), Some(28), None),
            (Some("KEEPALIVE"), Some(51), None),
        ]
    );
    assert_eq!(all[1]["length"], Value::Null);
}

#[test]
fn a_stream_cut_in_the_middle_gives_what_is_there_and_says_where_it_ends() {
    let stream = [keepalive(), update(&[], &[ORIGIN, PATH, NEXT_HOP], ROUTE)].concat();
    let said = decode(&["--raw", "-", "-o", "json"], &stream[..45]);
    assert_eq!(said.status, 1);
    let all = said.json();
    assert_eq!(all[0]["error"], Value::Null);
    assert_eq!(
        (&all[1]["type"], &all[1]["offset"]),
        (&json!("UPDATE"), &json!(19))
    );
    assert_eq!(
        all[1]["error"]["reason"],
        "the input ends after 26 of 46 octets"
    );
}

#[test]
fn a_stream_is_read_from_a_file_compressed_or_not() {
    let folder = std::env::temp_dir().join(format!("cosmos-decode-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("stream");
    std::fs::write(&path, keepalive().repeat(3)).unwrap();
    let said = decode(&["--raw", path.to_str().unwrap()], b"");
    assert_eq!(
        (said.status, said.summary()),
        (0, "3 messages, 0 malformed, 0 bytes skipped")
    );
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn what_cannot_be_read_is_status_2_and_one_line() {
    for (args, text) in [
        (
            &["--raw", "/nonexistent/file"][..],
            "cosmos: /nonexistent/file: No such file",
        ),
        (
            &["--pcap", "/nonexistent/file"],
            "cosmos: /nonexistent/file: No such file",
        ),
        (&["--mrt", "/"], "cosmos: /: Is a directory"),
        (
            &["--pcap", "-"],
            "cosmos: standard input: this is no pcap and no pcapng file",
        ),
        (
            &["--mrt", "-"],
            "cosmos: standard input: what follows is no MRT record",
        ),
        (
            &["--raw", "-", "-o", "bgpdump"],
            "cosmos: -o bgpdump is for --mrt",
        ),
    ] {
        let said = decode(args, &[0xff; 200]);
        assert_eq!(said.status, 2, "{args:?}");
        assert!(said.err.starts_with(text), "{args:?}: {}", said.err);
        assert_eq!(said.out, "", "{args:?}");
    }
}

#[test]
fn a_reader_that_has_seen_enough_ends_it_quietly() {
    for format in ["tree", "json", "hex", "bgpdump"] {
        let mut child = Command::new(env!("CARGO_BIN_EXE_cosmos"))
            .args(["decode", "--mrt", "-", "-o", format])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let writer = std::thread::spawn(move || {
            let file = std::fs::read(capture_data("rrc15.mrt.gz")).unwrap();
            for _ in 0..50 {
                if stdin.write_all(&file).is_err() {
                    return;
                }
            }
        });
        let mut line = String::new();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        out.read_line(&mut line).unwrap();
        drop(out);
        let output = child.wait_with_output().unwrap();
        writer.join().unwrap();
        assert_eq!(output.status.code(), Some(0), "{format}");
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "", "{format}");
    }
}
