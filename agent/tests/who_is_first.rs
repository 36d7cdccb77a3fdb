//! Which of several objects has a neighbour that all of them ask for.

use std::time::{Duration, SystemTime};

use cosmos::desired::{Accepted, InEffect, Objects, PeerKey, Reason};
use cosmos::source::folder::Folder;

const ROUTER: &str = "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {name: r}
spec: {targetRef: {kind: Node, name: n}, localASN: 65000, routerID: 10.0.0.1, addressFamilies: [{afi: ipv4, safi: unicast}]}
";

/// A BGPPeer that asks for this neighbour, or for these.
fn peer(name: &str, neighbour: &str) -> String {
    let whom = match neighbour.contains('/') {
        true => format!("dynamicNeighbors: {{prefixes: [{neighbour}]}}"),
        false => format!("address: {neighbour}"),
    };
    format!(
        "---\napiVersion: bgp.miloapis.com/v1alpha1\nkind: BGPPeer\nmetadata: {{name: {name}}}\nspec: {{routerRef: {{name: r}}, \
         peerASN: 65001, {whom}, addressFamilies: [{{afi: ipv4, safi: unicast}}]}}\n"
    )
}

/// The objects of a folder in which these files appear, a second between one and the next.
fn objects(files: &[String]) -> Objects {
    let mut folder = Folder::default();
    let mut content = None;
    for n in 1..=files.len() {
        let texts = files[..n].iter().enumerate();
        let texts = texts.map(|(n, text)| (format!("{n}.yaml"), Ok(text.clone())));
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(n as u64);
        content = folder.read(texts.collect(), now).or(content);
    }
    content.expect("new").objects
}

/// The names of those that are served, after a process that served these.
fn served(objects: &Objects, ran: &Accepted) -> Vec<String> {
    let mut in_effect = InEffect::default().after(ran.clone());
    let (_, problems) = in_effect.build(objects, "n");
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert_eq!(problems[0].reason, Reason::DuplicateRemote);
    let names = in_effect.accepted().into_keys();
    names.map(|key| key.name().to_owned()).collect()
}

#[test]
fn who_was_served_before_the_restart_then_the_older_one_then_the_first_by_name() {
    for neighbour in ["10.0.0.9", "10.0.0.0/24"] {
        let (a, b) = (peer("a", neighbour), peer("b", neighbour));
        let together = objects(&[format!("{ROUTER}{a}{b}")]);
        assert_eq!(served(&together, &Accepted::new()), ["a"], "{neighbour}");
        let b_first = objects(&[format!("{ROUTER}{b}"), a.clone()]);
        assert_eq!(served(&b_first, &Accepted::new()), ["b"], "{neighbour}");

        // What the next process knows is what this one says.
        let accepted = |name: &str, whom: &str| {
            let alone = objects(&[format!("{ROUTER}{}", peer(name, whom))]);
            let mut in_effect = InEffect::default();
            in_effect.build(&alone, "n");
            in_effect.accepted()
        };
        assert_eq!(served(&together, &accepted("b", neighbour)), ["b"]);
        assert_eq!(served(&b_first, &accepted("a", neighbour)), ["a"]);
        // It had another neighbour.
        let other = neighbour.replace("10.", "11.");
        assert_eq!(served(&together, &accepted("b", &other)), ["a"]);
    }
}

/// What the process before served counts for what is there when this one begins, and for nothing that comes later.
#[test]
fn who_is_served_keeps_the_neighbour_whoever_is_older_or_had_it_long_ago() {
    let (a, b) = (peer("a", "10.0.0.9"), peer("b", "10.0.0.9"));
    let router = ROUTER.to_owned();
    let key: PeerKey = {
        let mut in_effect = InEffect::default();
        in_effect.build(&objects(&[format!("{router}{a}")]), "n");
        in_effect.accepted().into_keys().next().expect("a session")
    };
    let ran = Accepted::from([(key, vec!["10.0.0.9/32".parse().expect("an address")])]);
    let mut in_effect = InEffect::default().after(ran);
    let name = |in_effect: &InEffect| -> Vec<String> {
        let names = in_effect.accepted().into_keys();
        names.map(|key| key.name().to_owned()).collect()
    };
    in_effect.build(&objects(&[format!("{router}{b}")]), "n");
    assert_eq!(name(&in_effect), ["b"]);
    in_effect.build(&objects(&[format!("{router}{a}"), b]), "n");
    assert_eq!(
        name(&in_effect),
        ["b"],
        "though a is older here, and ran before"
    );
}
