//! `cosmos check`: problems by file, object, field and reason, and the status of it all.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::time::SystemTime;

use cosmos::cli::check::{COULD_NOT_RUN, OK, PROBLEMS, check};
use cosmos::source::folder::Folder;

use crate::scratch::*;

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
