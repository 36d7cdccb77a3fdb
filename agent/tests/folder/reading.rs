//! What is read, and what is told of what cannot be.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::{Duration, SystemTime};

use cosmos::desired::{Kind, Snapshot, build, statuses};
use cosmos::source::directory::{SourceUpdate, load};
use cosmos::source::folder::Folder;
use cosmos::source::status_memory::StatusMemory;
use proptest::prelude::*;

use crate::scratch::*;

#[test]
fn a_misspelt_kind_or_name_takes_nothing_away() {
    let good = format!("{}---\n{}", router("main", 65001), router("other", 65002));
    for (wrong, right) in [
        ("bgp.miloapis.com/v1alpah1", "bgp.miloapis.com/v1alpha1"),
        ("kind: BGPRooter", "kind: BGPRouter"),
        ("{nme: main}", "{name: main}"),
        ("{name: 5}", "{name: main}"),
        ("{name: Main_}", "{name: main}"),
    ] {
        let mut folder = Folder::default();
        let mut read = |text: &str| {
            let files = [("a.yaml".to_owned(), Ok(text.to_owned()))];
            folder.read(files.into(), SystemTime::UNIX_EPOCH).unwrap()
        };
        let asns = |update: &SourceUpdate| ["main", "other"].map(|name| asn_of(update, name));
        assert_eq!(asns(&read(&good)), [Some(65001), Some(65002)]);
        let bad = good.replacen(right, wrong, 1);
        let update = read(&bad);
        assert_eq!(asns(&update), [Some(65001), Some(65002)], "{wrong}");
        let said = update.problems.iter().map(ToString::to_string);
        let said = said.collect::<Vec<_>>().join("\n");
        assert!(said.contains("does not name BGPRouter/main"), "{said}");
        // Another change beside it is taken.
        let update = read(&bad.replace("65002", "65003"));
        assert_eq!(asns(&update), [Some(65001), Some(65003)], "{wrong}");
        // Put right, it counts; taken out, it goes; and one that goes while all is clear goes at once.
        let update = read(&good.replace("65001", "65009"));
        assert_eq!(asns(&update), [Some(65009), Some(65002)], "{wrong}");
        assert!(update.problems.is_empty(), "{:?}", update.problems);
        read(&bad);
        assert_eq!(asns(&read(&router("other", 65002))), [None, Some(65002)]);
        assert_eq!(asns(&read(&router("main", 65001))), [Some(65001), None]);
        // What nobody reads has no say when it was there before.
        let foreign = "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\n";
        read(&format!("{good}{foreign}"));
        let update = read(&format!("{}{foreign}", router("other", 65002)));
        assert_eq!(asns(&update), [None, Some(65002)], "{wrong}");
    }
}

/// The status is that of the object as it was, so that the problem says what counts.
#[test]
fn what_breaks_the_schema_is_told_with_the_generation_that_stays() {
    let mut folder = Folder::default();
    let mut told = |asn: u32| -> Vec<String> {
        let files = [("a.yaml".to_owned(), Ok(router("main", asn)))];
        let update = folder.read(files.into(), SystemTime::UNIX_EPOCH).unwrap();
        let said = update.problems.iter().map(ToString::to_string);
        said.collect()
    };
    let first = told(0);
    assert!(
        !first.is_empty() && !first.iter().any(|text| text.contains("stays")),
        "{first:?}"
    );
    assert!(told(65001).is_empty());
    assert!(told(65002).is_empty());
    let second = told(0);
    let stays = "; its last valid spec (generation 2) stays";
    assert!(
        !second.is_empty() && second.iter().all(|text| text.ends_with(stays)),
        "{second:?}"
    );
    assert!(told(65003).is_empty());
}

#[test]
fn a_folder_that_is_not_there_is_one_clear_line() {
    let error = load(Path::new("/nonexistent/manifests"))
        .expect_err("nothing to read")
        .to_string();
    assert_eq!(error.lines().count(), 1);
    assert!(error.contains("/nonexistent/manifests"), "{error}");
}

#[test]
fn what_is_no_manifest_is_not_read() {
    let scratch = Scratch::new("others");
    scratch.write("a.yaml", &router("a", 1));
    for other in [
        "README.md",
        ".hidden.yaml",
        "kustomization.yaml",
        "a.yaml~",
        "a.yaml.swp",
        "yaml",
    ] {
        scratch.write(other, "kind: [");
    }
    let content = load(&scratch.0).expect("read");
    assert_eq!(
        (content.objects.len(), content.problems.len()),
        (1, 0),
        "{:?}",
        content.problems
    );
}

#[test]
fn what_is_named_like_a_manifest_and_is_no_file_is_told() {
    let scratch = Scratch::new("no-files");
    scratch.write("a.yaml", &router("a", 1));
    fs::create_dir(scratch.0.join("folder.yaml")).expect("a folder");
    symlink("nowhere", scratch.0.join("link.yaml")).expect("a link");
    let pipe = scratch.0.join("pipe.yaml");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    assert!(made.is_ok_and(|made| made.success()), "a pipe");
    let content = load(&scratch.0).expect("read");
    assert_eq!(content.objects.len(), 1);
    for (name, words) in [
        ("folder.yaml", "is a folder"),
        ("link.yaml", "is a link to nowhere, which is not there"),
        ("pipe.yaml", "is a pipe"),
    ] {
        let problem = content.problems.iter().find(|p| p.file.ends_with(name));
        let text = problem.map(ToString::to_string).unwrap_or_default();
        assert!(text.contains(words), "{name}: {:?}", content.problems);
    }
    assert_eq!(content.problems.len(), 3);
}

#[test]
fn passwords_are_not_listed() {
    let text = format!(
        "{}---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s}}\nstringData: {{password: xyzzy}}\ndata: {{password: eHl6enk=}}\n---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {{name: p}}
spec:
  routerRef: {{name: a}}
  peerASN: 65000
  address: 2001:db8::1
  addressFamilies: [{{afi: ipv6, safi: unicast}}]
  authentication: {{password: xyzzy}}
",
        router("a", 1)
    );
    let now = SystemTime::UNIX_EPOCH;
    let content = Folder::default()
        .read([("f.yaml".to_owned(), Ok(text))].into(), now)
        .expect("new");
    let (desired, problems) = build(&content.objects, "node-1");
    assert_eq!(desired.peers.len(), 1);
    let store = StatusMemory::default();
    let snapshot = Snapshot::default();
    let made = || statuses(&content.objects, &desired, &problems, "node-1", &snapshot);
    assert_eq!(store.update(made(), now).len(), 2, "both are new");
    let later = now + Duration::from_secs(60);
    assert!(
        store.update(made(), later).is_empty(),
        "nothing is different"
    );
    for kind in [Kind::BgpPeer, Kind::Secret] {
        let listed = store.list(kind, &content.objects, made(), later);
        assert_eq!(listed.len(), 1);
        let listed = format!("{listed:?}");
        assert!(listed.contains("(hidden)"), "{listed}");
        assert!(
            !listed.contains("xyzzy") && !listed.contains("eHl6enk"),
            "{listed}"
        );
    }
    assert!(!format!("{desired:?}").contains("xyzzy"), "nor printed");
}

#[test]
fn text_that_grows_when_it_is_read_is_refused() {
    let mut text = "a0: &a0 [x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..30 {
        let refs = vec![format!("*a{}", n - 1); 8].join(", ");
        text.push_str(&format!("a{n}: &a{n} [{refs}]\n"));
    }
    let deep = "[".repeat(100_000);
    let recursive = "a: &a [*a]\n".to_owned();
    for (text, told) in [
        (
            text,
            "f.yaml: is not read: it has too many values; each alias (*name) counts as all that it stands for",
        ),
        (
            deep,
            "f.yaml: is not read: lists and mappings are nested too deep",
        ),
        (recursive, "f.yaml: is not "),
    ] {
        let files = [("f.yaml".to_owned(), Ok(text))].into();
        let content = Folder::default()
            .read(files, SystemTime::UNIX_EPOCH)
            .expect("new");
        assert_eq!(content.problems.len(), 1);
        assert!(
            content.problems[0].to_string().starts_with(told),
            "{}",
            content.problems[0]
        );
    }
}

proptest! {
    /// Whatever is written into a file, the folder is read to the end, and problems are lines.
    #[test]
    fn no_text_stops_the_reading(
        cuts in prop::collection::vec((0.0..1.0f64, "[-:{}\\[\\],'\"a-z0-9\n .&*!%|>#]{0,6}"), 1..5)
    ) {
        let mut text = include_str!("../manifests/planes/all.yaml").to_owned();
        for (place, new) in cuts {
            let at = (place * text.len() as f64) as usize;
            let end = (at + new.len()).min(text.len());
            if text.is_char_boundary(at) && text.is_char_boundary(end) {
                text.replace_range(at..end, &new);
            }
        }
        let files = [("f.yaml".to_owned(), Ok(text))].into();
        let content = Folder::default().read(files, SystemTime::UNIX_EPOCH).expect("new");
        let (desired, problems) = build(&content.objects, "node-1");
        let snapshot = Snapshot::default();
        let told = statuses(&content.objects, &desired, &problems, "node-1", &snapshot);
        prop_assert!(told.count() <= content.objects.len());
        for problem in &content.problems {
            prop_assert_eq!(problem.to_string().lines().count(), 1);
        }
    }
}
