//! Folders of manifests in; what the node should do, what changes, and what the objects' statuses say, out.
//!
//! Each folder of tests/manifests is a case: either YAML files, or folders 1, 2, 3 of them, which are the states of
//! one folder one after the other. What comes out for node `node-1` is in expected.txt; `UPDATE_EXPECT=1` writes it.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::fs;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cosmos::desired::{
    Change, Desired, DynamicState, FamilyCounts, InEffect, KernelState, Objects, OriginationState,
    PeerState, RouterState, Snapshot, build, diff, statuses,
};
use cosmos::source::folder::Folder;
use cosmos::source::status_memory::StatusMemory;
use serde_json::Value;

const NODE: &str = "node-1";

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/manifests");
    let mut cases: Vec<_> = fs::read_dir(root)
        .expect("the cases are there")
        .map(|entry| entry.expect("a case").path())
        .collect();
    cases.sort();
    assert!(!cases.is_empty(), "the cases are there");
    cases
}

fn steps(case: &Path) -> Vec<PathBuf> {
    let steps: Vec<_> = (1..)
        .map(|n| case.join(n.to_string()))
        .take_while(|step| step.is_dir())
        .collect();
    if steps.is_empty() {
        vec![case.to_owned()]
    } else {
        steps
    }
}

fn texts(step: &Path) -> BTreeMap<String, Result<String, String>> {
    fs::read_dir(step)
        .expect("a step is a folder")
        .map(|entry| entry.expect("a file").path())
        .filter(|file| {
            file.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .map(|file| {
            let name = file
                .file_name()
                .expect("a name")
                .to_string_lossy()
                .into_owned();
            (name, Ok(fs::read_to_string(file).expect("text")))
        })
        .collect()
}

/// The time of a step: a minute after the one before.
fn at(step: usize) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_225_600 + 60 * step as u64)
}

/// A node on which everything that is wanted works.
fn all_is_well(desired: &Desired, now: SystemTime) -> Snapshot {
    let kernel = |install: bool| {
        install.then(|| KernelState {
            wanted: 3,
            installed: 3,
            ..KernelState::default()
        })
    };
    Snapshot {
        routers: desired
            .routers
            .values()
            .map(|router| {
                let kernel = kernel(router.kernel.install);
                (
                    router.key.clone(),
                    RouterState {
                        listening: true,
                        error: None,
                        kernel,
                    },
                )
            })
            .collect(),
        peers: desired
            .peers
            .values()
            .map(|peer| {
                let state = PeerState {
                    state: "Established".into(),
                    last_established: Some(now),
                    local_address: peer.local_address,
                    families: peer
                        .families
                        .iter()
                        .map(|config| FamilyCounts {
                            family: config.family,
                            received: 3,
                            accepted: 3,
                            advertised: 2,
                            stale: None,
                            limit: None,
                            over_limit: false,
                            discarded: None,
                            no_next_hop: false,
                            disabled: false,
                        })
                        .collect(),
                    ..PeerState::default()
                };
                (peer.key.clone(), state)
            })
            .collect(),
        dynamic: desired
            .dynamic
            .values()
            .map(|neighbors| {
                let sessions = (1..=20).map(|n: u8| {
                    let state = PeerState {
                        state: "Established".into(),
                        last_established: Some(now),
                        flaps: n.into(),
                        last_error: Some("connection closed by the peer".to_owned()),
                        ..PeerState::default()
                    };
                    (IpAddr::from([192, 0, 2, n]), state)
                });
                (neighbors.key.clone(), DynamicState::of(sessions))
            })
            .collect(),
        originations: desired
            .originations
            .values()
            .map(|origination| {
                let state = OriginationState {
                    originated: u32::try_from(origination.prefixes.len()).expect("few"),
                    advertised_to: vec!["tor".into()],
                    error: None,
                };
                (origination.key.clone(), state)
            })
            .collect(),
    }
}

fn name_of(change: &Change) -> String {
    match change {
        Change::RouterAdded(router) => format!("router {} added", router.key),
        Change::RouterChanged { new, .. } => format!("router {} changed", new.key),
        Change::RouterRemoved(key) => format!("router {key} removed"),
        Change::PeerAdded(peer) => format!("peer {} added", peer.key),
        Change::PeerChanged { new, .. } => format!("peer {} changed", new.key),
        Change::PeerRemoved(key) => format!("peer {key} removed"),
        Change::DynamicAdded(new) => format!("dynamic {} added", new.key),
        Change::DynamicChanged { new, .. } => format!("dynamic {} changed", new.key),
        Change::DynamicRemoved(key) => format!("dynamic {key} removed"),
        Change::OriginationAdded(origination) => format!("origination {} added", origination.key),
        Change::OriginationChanged { new, .. } => format!("origination {} changed", new.key),
        Change::OriginationRemoved(key) => format!("origination {key} removed"),
    }
}

fn status_lines(out: &mut String, name: &str, status: &Value) {
    let mut rest = status.clone();
    let conditions = rest
        .as_object_mut()
        .and_then(|rest| rest.remove("conditions"));
    let _ = writeln!(out, "  {name} {rest}");
    for condition in conditions
        .as_ref()
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let text = |field: &str| condition[field].as_str().expect("a text").to_owned();
        let _ = writeln!(
            out,
            "    {}={} {} since {}: {}",
            text("type"),
            text("status"),
            text("reason"),
            text("lastTransitionTime"),
            text("message")
        );
    }
}

fn play(case: &Path) -> String {
    let mut out = String::new();
    let mut folder = Folder::default();
    let mut running = Desired::default();
    let mut in_effect = InEffect::default();
    let (idle, well) = (StatusMemory::default(), StatusMemory::default());
    for (index, step) in steps(case).iter().enumerate() {
        let now = at(index);
        if index > 0 {
            let _ = writeln!(out, "\n######## then\n");
        }
        let Some(content) = folder.read(texts(step), now) else {
            let _ = writeln!(out, "nothing is different");
            continue;
        };
        let (desired, problems) = in_effect.build(&content.objects, NODE);
        let mut section = |name: &str, lines: Vec<String>| {
            let _ = writeln!(out, "{name}:");
            for line in lines {
                let _ = writeln!(out, "  {line}");
            }
        };
        section(
            "files",
            content
                .problems
                .iter()
                .map(|p| format!("{:?} {p}", p.severity))
                .collect(),
        );
        section(
            "problems",
            problems
                .iter()
                .map(|p| format!("{:?} {}: {p}", p.severity, p.reason))
                .collect(),
        );
        let wanted = desired.routers.values().map(|router| format!("{router:?}"));
        let wanted = wanted.chain(desired.peers.values().map(|peer| format!("{peer:?}")));
        let wanted = wanted.chain(desired.dynamic.values().map(|all| format!("{all:?}")));
        section(
            "desired",
            wanted
                .chain(desired.originations.values().map(|o| format!("{o:?}")))
                .collect(),
        );
        section(
            "changes",
            diff(&running, &desired).iter().map(name_of).collect(),
        );
        for (title, store, snapshot) in [
            ("while nothing runs", &idle, Snapshot::default()),
            ("when all is well", &well, all_is_well(&desired, now)),
        ] {
            let _ = writeln!(out, "{title}:");
            let made = statuses(&content.objects, &desired, &problems, NODE, &snapshot);
            let made: Vec<_> = made.collect();
            let keys: Vec<_> = made.iter().map(|(key, _)| key.clone()).collect();
            store.update(made.iter().cloned(), now);
            for key in keys {
                let listed = store.list(key.kind, &content.objects, made.iter().cloned(), now);
                let object = listed
                    .iter()
                    .find(|object| {
                        object["metadata"]["name"] == key.name.as_str()
                            && object["metadata"]["namespace"] == key.namespace.as_str()
                    })
                    .expect("what has a status is listed");
                status_lines(&mut out, &key.to_string(), &object["status"]);
            }
        }
        running = desired;
    }
    out
}

#[test]
fn every_folder_means_what_is_expected() {
    let update = std::env::var_os("UPDATE_EXPECT").is_some();
    let mut different = Vec::new();
    for case in cases() {
        let found = play(&case);
        let file = case.join("expected.txt");
        if update {
            fs::write(&file, &found).expect("expected.txt can be written");
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if expected != found {
            let line = expected
                .lines()
                .zip(found.lines())
                .position(|(a, b)| a != b);
            different.push(format!(
                "{} (line {:?})\n{found}",
                file.display(),
                line.map(|n| n + 1)
            ));
        }
    }
    assert!(
        different.is_empty(),
        "UPDATE_EXPECT=1 accepts:\n{}",
        different.join("\n")
    );
}

#[test]
fn changes_lead_from_each_folder_to_each_other() {
    let wanted: Vec<Desired> = cases()
        .iter()
        .map(|case| {
            let last = steps(case).pop().expect("a step");
            let content = Folder::default()
                .read(texts(&last), at(0))
                .unwrap_or_default();
            build(&content.objects, NODE).0
        })
        .collect();
    for from in &wanted {
        assert_eq!(diff(from, from), [], "nothing changes into itself");
        for to in &wanted {
            let mut running = from.clone();
            for change in diff(from, to) {
                carry_out(&mut running, change);
            }
            told_only(&mut running, to);
            assert_eq!(&running, to);
        }
    }
}

#[test]
fn what_stays_of_refused_objects_can_be_carried_out_and_goes_with_them() {
    let contents: Vec<_> = cases()
        .iter()
        .flat_map(|case| steps(case))
        .map(|step| Folder::default().read(texts(&step), at(0)).expect("new"))
        .collect();
    for from in &contents {
        for to in &contents {
            let mut in_effect = InEffect::default();
            let (mut running, _) = in_effect.build(&from.objects, NODE);
            let (wanted, problems) = in_effect.build(&to.objects, NODE);
            for change in diff(&running, &wanted) {
                carry_out(&mut running, change);
            }
            told_only(&mut running, &wanted);
            assert_eq!(running, wanted);
            // What is not refused is as it would be without a past.
            let (fresh, _) = build(&to.objects, NODE);
            let refused = |path: &str| problems.iter().any(|p| p.object.path() == path);
            for (key, router) in fresh.routers.iter().filter(|(key, _)| !refused(&key.0)) {
                assert_eq!(wanted.routers.get(key), Some(router));
            }
            for (key, all) in fresh.dynamic.iter().filter(|(key, _)| !refused(&key.peer)) {
                let is = wanted.dynamic.get(key).expect("it is accepted");
                assert_eq!((&is.prefixes, &is.sessions), (&all.prefixes, &all.sessions));
            }
            for (key, peer) in fresh.peers.iter().filter(|(key, _)| !refused(&key.peer)) {
                assert_eq!(wanted.peers.get(key), Some(peer));
            }
            let (nothing, _) = in_effect.build(&Objects::default(), NODE);
            assert_eq!(nothing, Desired::default());
        }
    }
}

/// Where policies act is for statuses alone: what they do is in the sessions and originations, and changes with those.
fn told_only(running: &mut Desired, wanted: &Desired) {
    running.policies = wanted.policies.clone();
}

/// Carries a change out, as the speaker does: nothing is bound to a router that is not there.
fn carry_out(running: &mut Desired, change: Change) {
    match change {
        Change::RouterAdded(new) => assert!(running.routers.insert(new.key.clone(), new).is_none()),
        Change::RouterChanged { old, new } => {
            assert_eq!(running.routers.insert(new.key.clone(), new), Some(old));
        }
        Change::RouterRemoved(key) => {
            assert!(
                running.peers.keys().all(|peer| peer.router != key),
                "peers go first"
            );
            assert!(
                running.dynamic.keys().all(|peer| peer.router != key),
                "peers go first"
            );
            assert!(
                running.originations.keys().all(|o| o.router != key),
                "originations go first"
            );
            assert!(running.routers.remove(&key).is_some());
        }
        Change::PeerAdded(new) => {
            assert!(
                running.routers.contains_key(&new.key.router),
                "routers come first"
            );
            assert!(running.peers.insert(new.key.clone(), new).is_none());
        }
        Change::PeerChanged { old, new } => {
            assert_eq!(running.peers.insert(new.key.clone(), new), Some(old));
        }
        Change::PeerRemoved(key) => assert!(running.peers.remove(&key).is_some()),
        Change::DynamicAdded(new) => {
            assert!(
                running.routers.contains_key(&new.key.router),
                "routers come first"
            );
            assert!(running.dynamic.insert(new.key.clone(), *new).is_none());
        }
        Change::DynamicChanged { old, new } => {
            assert_eq!(running.dynamic.insert(new.key.clone(), *new), Some(*old));
        }
        Change::DynamicRemoved(key) => assert!(running.dynamic.remove(&key).is_some()),
        Change::OriginationAdded(new) => {
            assert!(
                running.routers.contains_key(&new.key.router),
                "routers come first"
            );
            assert!(running.originations.insert(new.key.clone(), new).is_none());
        }
        Change::OriginationChanged { old, new } => {
            assert_eq!(running.originations.insert(new.key.clone(), new), Some(old));
        }
        Change::OriginationRemoved(key) => assert!(running.originations.remove(&key).is_some()),
    }
}
