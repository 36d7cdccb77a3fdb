//! Whatever is wrong with an object, what is secret in it is never told: not by a check, not in the log, a status or a list.

use std::time::SystemTime;

use cosmos::cli::check::check;
use cosmos::desired::{Kind, Snapshot, build, statuses};
use cosmos::source::folder::Folder;
use cosmos::source::status_memory::StatusMemory;

/// The secret, and how it looks in base64, and as a number in hexadecimal and decimal.
const SECRETS: [&str; 4] = [
    "hunter2",
    "aHVudGVyMg",
    "68756e74657232",
    "29402514837566002",
];

const ROUTER: &str = "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {name: r}
spec:
  targetRef: {kind: Node, name: node-1}
  localASN: 65000
  routerID: 10.0.0.1
  addressFamilies: [{afi: ipv6, safi: unicast}]
---
";

fn secret(rest: &str) -> String {
    format!("apiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\n{rest}\n")
}

fn peer(rest: &str) -> String {
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {{name: p}}
spec:
  routerRef: {{name: r}}
  address: 2001:db8::1
  peerASN: 65001
  addressFamilies: [{{afi: ipv6, safi: unicast}}]
{rest}
"
    )
}

/// Objects of which something is wrong, and where the secret is each time.
fn bad() -> Vec<String> {
    let secrets = [
        "data: hunter2",
        "data: [hunter2]",
        "data: {password: hunter2!}",
        "data: {password: [aHVudGVyMg==]}",
        "data: {password: {aHVudGVyMg==: x}}",
        "data: {hunter2}",
        "stringData: hunter2",
        "stringData: {hunter2}",
        "stringData: {password: {hunter2: x}}",
        "stringData: {password: [hunter2]}",
        "type: {hunter2: x}\nstringData: {password: hunter2}",
        "immutable: hunter2",
        "stringData:\n  password: hunter2\n bad: indentation",
        "stringData: {password: \"hunter2}",
        "stringData: {password: 'hunter2'x}",
        "stringData:\n  password: *hunter2",
        "stringData:\n  password: &hunter2",
        "stringData:\n  password: !hunter2 x",
        "stringData:\n  password: !!hunter2 x",
        "stringData:\n  password: !<hunter2 x",
        "stringData:\n  password: %hunter2",
        "stringData:\n  password: @hunter2",
        "stringData:\n  password: |hunter2",
        "stringData:\n  password: >hunter2",
        "stringData:\n  password: {hunter2",
        "stringData:\n  password: hunter2: x",
        "stringData: {hunter2: a, hunter2: b}",
        "stringData:\n  ? hunter2\n  ? hunter2",
        "stringData: {<<: hunter2}",
        "stringData:\n  password: \"\\hunter2\"",
        "stringData:\n\tpassword: hunter2",
        "%hunter2 x\n---",
        "data: {password: aHVudGVyMg==}\nmetadata: {name: s}",
    ];
    let peers = [
        "  authentication: hunter2",
        "  authentication: [hunter2]",
        "  tcpAO: hunter2",
        "  tcpAO: {keys: hunter2}",
        "  tcpAO: {keys: [hunter2]}",
        "  tcpAO: {keys: [{sendID: 1, recvID: 1, algorithm: hmac-sha1, secret: hunter2}]}",
        "  tcpAO: {keys: [{sendID: 1, recvID: 1, algorithm: hmac-sha1, password: hunter2, secretRef: {name: s, key: x}}]}",
        "  tcpAO: {keys: [{sendID: 1, recvID: 1, algorithm: hmac-sha1, secretRef: hunter2}]}",
        "  tcpAO: {keys: [{sendID: 1, recvID: 1, algorithm: hmac-sha1, secretRef: {password: hunter2}}]}",
        "  authentication: {hunter2}",
        "  authentication: {pasword: hunter2}",
        "  authentication: {password: [hunter2]}",
        "  authentication: {password: {hunter2: x}}",
        "  authentication: {password: hunter2, hunter2: x}",
        "  authSecretRef: hunter2",
        "  authSecretRef: [hunter2]",
        "  authSecretRef: {hunter2}",
        "  authSecretRef: {password: hunter2}",
        "  authSecretRef: {name: [hunter2]}",
        "  authentication: {password: hunter2}\n  holdTime: 1s",
        "  authentication: {password: hunter2}\n  defaultOriginRoute: igp",
        "  authentication: {password: hunter2}\n  multiSession: true",
        "  password: hunter2",
        "  authentification: {password: hunter2}",
    ];
    let long = format!("  authentication: {{password: {}}}", "hunter2".repeat(20));
    let longer = format!("  authentication: {{password: {}}}", "hunter2".repeat(50));
    let peers = peers.map(str::to_owned).into_iter().chain([long, longer]);
    let number = peer("  authentication: {password: 112233445566}")
        .replace("112233445566", "0x68756e74657232");
    let mut all: Vec<String> = secrets.iter().map(|rest| secret(rest)).collect();
    all.extend(peers.map(|rest| peer(&rest)));
    all.push(number);
    all
}

#[test]
fn no_word_about_a_bad_object_repeats_its_secret() {
    let folder = std::env::temp_dir().join(format!("cosmos-secrets-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a temporary folder");
    let mut told_too_much = Vec::new();
    for text in bad() {
        let text = format!("{ROUTER}{text}");
        let file = folder.join("f.yaml");
        std::fs::write(&file, &text).expect("a file");
        let mut said = Vec::new();
        check(&folder, None, &mut said, &mut std::io::sink());
        let mut said = String::from_utf8(said).expect("text");

        let now = SystemTime::UNIX_EPOCH;
        let files = [("f.yaml".to_owned(), Ok(text.clone()))].into();
        let content = Folder::default().read(files, now).expect("new");
        for problem in &content.problems {
            said += &format!("{problem}\n");
        }
        let (desired, problems) = build(&content.objects, "node-1");
        for problem in &problems {
            said += &format!("{problem}\n");
        }
        said += &format!("{desired:?}\n");
        let snapshot = Snapshot::default();
        let made = statuses(&content.objects, &desired, &problems, "node-1", &snapshot);
        let store = StatusMemory::default();
        let made: Vec<_> = made.collect();
        for kind in Kind::ALL {
            said += &format!(
                "{:?}\n",
                store.list(kind, &content.objects, made.clone(), now)
            );
        }
        if SECRETS.iter().any(|secret| said.contains(secret)) {
            told_too_much.push(format!("{text}\n>>> {said}"));
        }
    }
    let _gone = std::fs::remove_dir_all(&folder);
    assert!(told_too_much.is_empty(), "{}", told_too_much.join("\n"));
}

#[test]
fn what_kubectl_remembers_of_an_object_is_not_listed() {
    let given = "{\"spec\":{\"authentication\":{\"password\":\"hunter2\"}}}";
    let text = peer("  authentication: {password: hunter2}").replace(
        "{name: p}",
        &format!("{{name: p, annotations: {{kubectl.kubernetes.io/last-applied-configuration: '{given}'}}}}"),
    );
    let now = SystemTime::UNIX_EPOCH;
    let files = [("f.yaml".to_owned(), Ok(format!("{ROUTER}{text}")))].into();
    let content = Folder::default().read(files, now).expect("new");
    assert_eq!(content.problems, []);
    let store = StatusMemory::default();
    let listed = format!(
        "{:?}",
        store.list(Kind::BgpPeer, &content.objects, Vec::new(), now)
    );
    assert!(
        listed.contains("last-applied") && !listed.contains("hunter2"),
        "{listed}"
    );
}
