//! The examples of docs/reference/policy.md do what the page says.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

const PAGE: &str = "../docs/reference/policy.md";

/// The blocks of a page that begin with this line, without the fences.
fn blocks<'p>(page: &'p str, begin: &str) -> Vec<&'p str> {
    let after = page.split(begin).skip(1);
    after
        .filter_map(|rest| rest.split("\n```").next())
        .collect()
}

#[test]
fn each_example_says_what_the_page_says() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE)).unwrap();
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policy-page");
    fs::create_dir_all(&folder).unwrap();
    let manifests = blocks(&page, "\n```yaml\n").join("\n---\n");
    fs::write(folder.join("node.yaml"), manifests).unwrap();
    let mut tried = 0;
    for block in blocks(&page, "\n```console\n") {
        for example in block.split("$ cosmos ").skip(1) {
            let (line, expected) = example.split_once('\n').unwrap();
            let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
            // The quotes of the page hold no others.
            for (place, part) in line.split('\'').enumerate() {
                match place % 2 {
                    0 => command.args(part.split_whitespace()),
                    _ => command.arg(part),
                };
            }
            command.arg("--manifests").arg(&folder);
            let output = command.stdin(Stdio::null()).output().unwrap();
            let said = String::from_utf8(output.stdout).unwrap();
            let error = String::from_utf8(output.stderr).unwrap();
            assert_eq!(said.trim_end(), expected.trim_end(), "{line}: {error}");
            let denied = said.contains("does not pass");
            assert_eq!(output.status.code(), Some(i32::from(denied)), "{line}");
            tried += 1;
        }
    }
    assert!(tried >= 4, "the page has examples");
}

const POLICY: &str = "
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPolicy
metadata: {name: good, namespace: tenants}
spec:
  routerSelector: {}
  direction: export
  terms: [{sequence: 10, match: {ipPrefix: 192.0.2.0/24}, action: permit, set: {metric: 7, nextHop: {self: true}}}]
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPolicy
metadata: {name: bad}
spec:
  routerSelector: {}
  direction: export
  terms: [{sequence: 10, match: {asPathFilter: {pattern: '('}}, action: permit}]
";

#[test]
fn programs_are_told_in_fields_and_people_why_not() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("policy-test");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("all.yaml"), POLICY).unwrap();
    let run = |policy: &str, route: &str, more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_cosmos"));
        command.args(["policy", "test", "--policy", policy, "--route", route]);
        command.arg("--manifests").arg(&folder).args(more);
        let output = command.stdin(Stdio::null()).output().unwrap();
        let text = |octets: Vec<u8>| String::from_utf8(octets).unwrap();
        (
            output.status.code(),
            text(output.stdout),
            text(output.stderr),
        )
    };
    let (status, said, _) = run("good", "192.0.2.0/24 as-path 65001", &["-o", "json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    let expected = serde_json::json!({
        "policy": "tenants/good", "direction": "export", "route": "192.0.2.0/24", "effect": "permit", "term": 10,
        "text": "policy good: term 10 permits it and sets our own address as next hop, MED 7",
        "attributes": { "as_path": "65001", "origin": "igp", "med": 7 }, "next_hop_self": true,
    });
    assert_eq!((status, said), (Some(0), expected));
    let (status, said, _) = run("tenants/good", "192.0.2.0/25", &["-o", "json"]);
    let said: serde_json::Value = serde_json::from_str(&said).unwrap();
    assert_eq!(
        (status, &said["effect"], &said["term"]),
        (Some(0), &"none".into(), &serde_json::Value::Null)
    );
    for (policy, route, status, why) in [
        (
            "none",
            "192.0.2.0/24",
            1,
            "there is no BGPPolicy \"none\" in namespace \"default\"",
        ),
        (
            "bad",
            "192.0.2.0/24",
            1,
            "spec.terms[0].match.asPathFilter.pattern: `(` is no regular expression",
        ),
        (
            "good",
            "192.0.2.0/33",
            2,
            "--route: `192.0.2.0/33` is no route",
        ),
        ("good", "192.0.2.0/24 med x", 2, "--route: `x`: "),
    ] {
        let (code, _, told) = run(policy, route, &[]);
        assert_eq!(code, Some(status), "{policy} {route}: {told}");
        assert!(told.contains(why), "{policy} {route}: {told}");
    }
    let (code, _, told) = run("good", "192.0.2.0/24", &["--peer", "nobody"]);
    assert_eq!(code, Some(1), "{told}");
    assert!(
        told.contains("there is no BGPPeer \"nobody\" in namespace \"tenants\""),
        "{told}"
    );
}
