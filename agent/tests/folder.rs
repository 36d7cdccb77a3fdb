//! A folder of manifests on disk: what is seen of it while it changes, and what a check says of it.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use cosmos::cli::check::{COULD_NOT_RUN, OK, PROBLEMS, check};
use cosmos::desired::{Kind, Object, ObjectKey, Snapshot, build, statuses};
use cosmos::source::directory::{Directory, SourceUpdate, load};
use cosmos::source::folder::Folder;
use cosmos::source::status_memory::StatusMemory;
use proptest::prelude::*;
use tokio::sync::watch;

/// A folder that is gone after the test.
struct Scratch(PathBuf);

impl Scratch {
    fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cosmos-{}-{name}", std::process::id()));
        let _left_over = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file");
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.0.join(name)).expect("a file to remove");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn router(name: &str, asn: u32) -> String {
    format!(
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {{name: {name}}}
spec:
  targetRef: {{kind: Node, name: node-1}}
  localASN: {asn}
  routerID: 10.0.0.1
  addressFamilies: [{{afi: ipv6, safi: unicast}}]
"
    )
}

fn asn_of(update: &SourceUpdate, name: &str) -> Option<i64> {
    match update
        .objects
        .get(&ObjectKey::new(Kind::BgpRouter, "default", name))?
    {
        Object::Router(router) => Some(router.spec.local_asn),
        _ => None,
    }
}

/// Waits until the folder is as it should be.
async fn until(
    updates: &mut watch::Receiver<SourceUpdate>,
    what: &str,
    is_so: impl FnMut(&SourceUpdate) -> bool,
) {
    // Well under the interval at which the folder is read without being told to.
    let limit = Duration::from_secs(5);
    let seen = tokio::time::timeout(limit, updates.wait_for(is_so)).await;
    assert!(matches!(&seen, Ok(Ok(_))), "never seen: {what}");
}

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

#[tokio::test]
async fn changes_are_seen_as_they_happen() {
    let scratch = Scratch::new("live");
    scratch.write("a.yaml", &router("a", 1));
    let directory = Directory::start(&scratch.0, &[]).expect("the folder is there");
    let mut updates = directory.updates();
    assert_eq!(
        asn_of(&updates.borrow(), "a"),
        Some(1),
        "the first state is there at once"
    );

    scratch.write("b.yml", &router("b", 2));
    until(&mut updates, "a new file", |u| asn_of(u, "b") == Some(2)).await;
    scratch.write("a.yaml", &router("a", 3));
    until(&mut updates, "a changed file", |u| {
        asn_of(u, "a") == Some(3)
    })
    .await;
    // As editors do it: another file takes the name.
    scratch.write("a.yaml.new", &router("a", 4));
    fs::rename(scratch.0.join("a.yaml.new"), scratch.0.join("a.yaml")).expect("renamed");
    until(&mut updates, "a replaced file", |u| {
        asn_of(u, "a") == Some(4)
    })
    .await;
    scratch.write("a.yaml", "kind: [\n");
    until(&mut updates, "what is wrong", |u| !u.problems.is_empty()).await;
    assert_eq!(
        asn_of(&updates.borrow(), "a"),
        Some(4),
        "the last good state stays"
    );
    scratch.remove("b.yml");
    until(&mut updates, "a file that is gone", |u| {
        asn_of(u, "b").is_none()
    })
    .await;
    scratch.write("a.yaml", &router("a", 5));
    until(&mut updates, "what was put right", |u| {
        u.problems.is_empty()
    })
    .await;
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(5));
}

#[tokio::test]
async fn a_file_that_is_written_slowly_takes_nothing_away() {
    let scratch = Scratch::new("slow");
    written_slowly(&scratch, &scratch.0).await;
}

#[tokio::test]
async fn nor_does_it_where_the_folder_is_named_from_where_the_agent_runs() {
    let scratch = Scratch::new("relative");
    let here = std::env::current_dir().expect("a folder to be in");
    let up: PathBuf = here.components().skip(1).map(|_| "..").collect();
    let below = scratch.0.strip_prefix("/").expect("an absolute path");
    written_slowly(&scratch, &Path::new(".").join(up).join(below)).await;
}

/// The folder, and the name that the agent is given for it.
async fn written_slowly(scratch: &Scratch, name: &Path) {
    use std::io::Write;

    let both = format!("{}---\n{}", router("a", 1), router("b", 2));
    scratch.write("all.yaml", &both);
    let directory = Directory::start(name, &[]).expect("the folder is there");
    let mut updates = directory.updates();
    // The first reading after the start is over when something else has been seen.
    scratch.write("seen.yaml", &router("seen", 1));
    until(&mut updates, "a new file", |u| asn_of(u, "seen").is_some()).await;

    let path = scratch.0.join("all.yaml");
    let mut file = fs::File::create(&path).expect("emptied");
    let changed = format!("{}---\n{}", router("a", 3), router("b", 4));
    // Whole documents, but not all of them, and then a line of the next.
    let (one, rest) = changed.split_at(router("a", 3).len() + 30);
    for part in ["", one, rest] {
        file.write_all(part.as_bytes()).expect("written");
        let seen = updates.wait_for(|u| asn_of(u, "a") != Some(1) || asn_of(u, "b") != Some(2));
        let seen = tokio::time::timeout(Duration::from_millis(700), seen).await;
        assert!(seen.is_err(), "half a file was read after {part:?}");
    }
    drop(file);
    until(&mut updates, "the whole file", |u| {
        asn_of(u, "a") == Some(3) && asn_of(u, "b") == Some(4)
    })
    .await;

    // Closed empty and written again a little later, as `: > all.yaml; sleep 1; cat > all.yaml` does.
    scratch.write("all.yaml", "");
    tokio::time::sleep(Duration::from_secs(1)).await;
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(3));
    scratch.write("all.yaml", &both);
    until(&mut updates, "the file as before", |u| {
        asn_of(u, "a") == Some(1)
    })
    .await;
    // Who leaves it empty means it.
    scratch.write("all.yaml", "");
    until(&mut updates, "an empty file", |u| asn_of(u, "a").is_none()).await;
}

#[tokio::test]
async fn a_mounted_config_map_is_followed_when_it_is_swapped() {
    let scratch = Scratch::new("configmap");
    for (version, asn) in [("..v1", 1), ("..v2", 2)] {
        fs::create_dir(scratch.0.join(version)).expect("a folder");
        scratch.write(&format!("{version}/a.yaml"), &router("a", asn));
    }
    symlink("..v1", scratch.0.join("..data")).expect("a link");
    symlink("..data/a.yaml", scratch.0.join("a.yaml")).expect("a link");
    let directory = Directory::start(&scratch.0, &[]).expect("the folder is there");
    let mut updates = directory.updates();
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(1));
    symlink("..v2", scratch.0.join("..data_tmp")).expect("a link");
    fs::rename(scratch.0.join("..data_tmp"), scratch.0.join("..data")).expect("swapped");
    until(&mut updates, "the new version", |u| {
        asn_of(u, "a") == Some(2)
    })
    .await;
}

#[tokio::test]
async fn a_folder_that_vanishes_leaves_everything_in_force() {
    let scratch = Scratch::new("vanishing");
    scratch.write("a.yaml", &router("a", 1));
    let directory = Directory::start(&scratch.0, &[]).expect("the folder is there");
    let mut updates = directory.updates();
    let away = scratch.0.with_extension("away");
    fs::rename(&scratch.0, &away).expect("moved away");
    let (now, before) = (away.clone(), scratch.0.clone());
    until(&mut updates, "the folder is missing", |u| {
        u.problems
            .iter()
            .any(|problem| problem.message.contains("what was read last stays"))
    })
    .await;
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(1));
    fs::rename(now, before).expect("moved back");
    let limit = Duration::from_secs(15);
    let seen = tokio::time::timeout(limit, updates.wait_for(|u| u.problems.is_empty())).await;
    assert!(
        matches!(&seen, Ok(Ok(_))),
        "the folder is read again when it is back"
    );
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

#[tokio::test]
async fn a_link_that_leads_nowhere_any_more_takes_nothing_away() {
    let scratch = Scratch::new("broken-link");
    scratch.write("text", &router("a", 1));
    symlink("text", scratch.0.join("a.yaml")).expect("a link");
    let directory = Directory::start(&scratch.0, &[]).expect("the folder is there");
    let mut updates = directory.updates();
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(1));
    scratch.remove("text");
    until(&mut updates, "the link leads nowhere", |u| {
        let mut problems = u.problems.iter().map(ToString::to_string);
        problems.any(|text| text.contains("a.yaml: is a link to text, which is not there"))
    })
    .await;
    assert_eq!(asn_of(&updates.borrow(), "a"), Some(1));
    scratch.remove("a.yaml");
    until(&mut updates, "the link is gone", |u| {
        asn_of(u, "a").is_none() && u.problems.is_empty()
    })
    .await;
}

#[test]
fn a_file_that_is_emptied_is_named_with_what_it_had() {
    use std::time::SystemTime;

    let mut folder = Folder::default();
    let mut read = |text: &str| {
        let files = [("a.yaml".to_owned(), Ok(text.to_owned()))].into();
        let content = folder.read(files, SystemTime::UNIX_EPOCH).expect("new");
        let problems = content.problems.iter().map(ToString::to_string);
        problems.collect::<Vec<_>>()
    };
    assert_eq!(read("# nothing yet\n"), [""; 0]);
    assert_eq!(read(&router("a", 1)), [""; 0]);
    let told = read("");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(
        told[0].starts_with("a.yaml: has no objects any more") && told[0].contains("BGPRouter/a;"),
        "{told:?}"
    );
    assert_eq!(read(&router("a", 1)), [""; 0]);
}

fn checked(folder: &Path, node: Option<&str>) -> (u8, String) {
    let (status, out, _) = checked_in_full(folder, node);
    (status, out)
}

fn checked_in_full(folder: &Path, node: Option<&str>) -> (u8, String, String) {
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let status = check(folder, node, &mut out, &mut err);
    let text = |octets| String::from_utf8(octets).expect("text");
    (status, text(out), text(err))
}

#[test]
fn a_check_for_a_node_that_nothing_is_for_does_not_say_that_all_is_well() {
    let scratch = Scratch::new("stranger");
    scratch.write("routers.yaml", &router("a", 1));
    let (status, out, err) = checked_in_full(&scratch.0, Some("node-1"));
    assert_eq!((status, out.as_str(), err.as_str()), (OK, "", ""));
    let told = format!(
        "cosmos: no BGPRouter in {} is for node \"nod-1\" (from --node), so nothing was checked for it: their \
         spec.targetRef.name says node-1\n",
        scratch.0.display()
    );
    let answer = checked_in_full(&scratch.0, Some("nod-1"));
    assert_eq!(answer, (COULD_NOT_RUN, String::new(), told.clone()));
    // What is wrong whatever the node is comes first.
    scratch.write("peers.yaml", "apiVersion: bgp.miloapis.com/v1alpha1\nkind: BGPPeer\nmetadata: {name: tor}\nspec: {peerASN: 0}\n");
    let (status, out, err) = checked_in_full(&scratch.0, Some("nod-1"));
    assert_eq!((status, err), (PROBLEMS, told));
    assert!(out.contains("BGPPeer/tor: "), "{out}");
}

#[test]
fn every_sample_passes_the_check() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/samples");
    let mut seen = 0;
    for sample in fs::read_dir(samples).expect("samples") {
        let sample = sample.expect("a sample").path();
        assert_eq!(
            checked(&sample, None),
            (OK, String::new()),
            "{}",
            sample.display()
        );
        seen += 1;
    }
    assert!(seen > 0, "there are samples");
}

#[test]
fn a_check_tells_each_problem_in_a_line() {
    let scratch = Scratch::new("check");
    scratch.write("routers.yaml", &router("a", 1));
    scratch.write(
        "peers.yaml",
        "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: tor}
spec:
  routerRef: {name: a}
  peerASN: 65000
  address: 2001:db8::1
  addressFamilies: [{afi: ipv6, safi: unicast}]
  holdTime: 1s
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: tor-2}
spec:
  routerRef: {name: b}
  peerASN: 65000
  address: 2001:db8::2
  addressFamilies: [{afi: ipv6, safi: unicast}]
  passiv: true
",
    );
    let file = scratch.0.join("peers.yaml").display().to_string();
    let expected = format!(
        "{file}: BGPPeer/tor: spec.holdTime: holdTime must be a duration with its unit, 0s or at least 3s, such as 90s
{file}: BGPPeer/tor-2: spec.passiv: there is no such field, so it has no effect; did you mean passive?
{file}: BGPPeer/tor-2: spec.routerRef.name: there is no BGPRouter \"b\" in namespace \"default\"; create it or correct the name
"
    );
    assert_eq!(checked(&scratch.0, None), (PROBLEMS, expected.clone()));
    assert_eq!(checked(&scratch.0, Some("node-1")), (PROBLEMS, expected));
    assert_eq!(checked(Path::new("/nonexistent"), None).0, COULD_NOT_RUN);
}

#[test]
fn a_warning_alone_does_not_fail_the_check() {
    let scratch = Scratch::new("warning");
    let peer = "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: tor}
spec:
  routerRef: {name: a}
  peerASN: 65000
  address: 2001:db8::1
  addressFamilies: [{afi: ipv6, safi: unicast}]
  multiSession: true
";
    scratch.write("all.yaml", &format!("{}---\n{peer}", router("a", 1)));
    let (status, told) = checked(&scratch.0, None);
    assert_eq!(status, OK);
    let file = scratch.0.join("all.yaml").display().to_string();
    assert!(
        told.starts_with(&format!(
            "{file}: BGPPeer/tor: warning: spec.multiSession: "
        )),
        "{told}"
    );
    // A single file can be checked too.
    assert_eq!(checked(&scratch.0.join("all.yaml"), None).0, OK);
}

#[test]
fn a_list_of_objects_counts_as_its_items() {
    let items = router("a", 1).replace('\n', "\n  ");
    let text = format!("apiVersion: v1\nkind: List\nitems:\n- {items}");
    let content = Folder::default()
        .read(
            [("f.yaml".to_owned(), Ok(text))].into(),
            SystemTime::UNIX_EPOCH,
        )
        .expect("new");
    assert_eq!(asn_of(&content, "a"), Some(1), "{:?}", content.problems);
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
        let mut text = include_str!("manifests/planes/all.yaml").to_owned();
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

#[test]
fn what_has_no_name_is_told_by_its_line() {
    let text = "kind: x\n---\n\n# a comment\nkind: x\n---\n- a\n---\napiVersion: bgp.miloapis.com/v1alpha1\nkind: BGPRouter\n\
                metadata: {}\n---\napiVersion: v1\nkind: List\nitems:\n- {a: b}\n- {a: b}\n";
    let files = [("f.yaml".to_owned(), Ok(text.to_owned()))].into();
    let content = Folder::default().read(files, SystemTime::UNIX_EPOCH);
    let lines: Vec<String> = content
        .expect("new")
        .problems
        .iter()
        .map(ToString::to_string)
        .collect();
    let begin = |line: &String| line.split(": ").nth(1).map(str::to_owned);
    let places: BTreeSet<String> = lines.iter().filter_map(begin).collect();
    let expected = [
        "line 1",
        "line 5",
        "line 7",
        "BGPRouter/?, line 9",
        "item 1 of the list at line 13",
        "item 2 of the list at line 13",
    ];
    assert_eq!(places, expected.map(str::to_owned).into(), "{lines:#?}");
}

#[test]
fn a_tab_that_spoils_the_yaml_is_named_with_its_line() {
    let files = [(
        "f.yaml".to_owned(),
        Ok("a: 1\nb:\n  c: 2\n\td: 3\n".to_owned()),
    )]
    .into();
    let content = Folder::default().read(files, SystemTime::UNIX_EPOCH);
    let said = content.expect("new").problems[0].to_string();
    assert!(said.contains("line 4 is indented with a tab"), "{said}");
}
