//! A process that follows another one knows what that one had in effect: what is bad by then takes no more away than before.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use cosmos::desired::{Accepted, Desired, InEffect, Problem, Severity};
use cosmos::source::folder::{Folder, Former, SourceUpdate};

const ROUTER: &str = "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {name: r}
spec: {targetRef: {kind: Node, name: n}, localASN: 65000, routerID: 10.0.0.1, addressFamilies: [{afi: ipv6, safi: unicast}]}
";

const PEER: &str = "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: p}
spec: {routerRef: {name: r}, address: 2001:db8::1, peerASN: 65001, addressFamilies: [{afi: ipv6, safi: unicast}]}
";

const OWN: &str = "apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPAdvertisement
metadata: {name: a}
spec: {routerRef: {name: r}, addressFamily: {afi: ipv6, safi: unicast}, prefixes: [\"2001:db8:1::/48\"]}
";

const SECRET: &str = "apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {password: x}
";

type Files = BTreeMap<String, Result<String, String>>;

fn files(texts: &[(&str, &str)]) -> Files {
    let texts = texts.iter();
    texts
        .map(|(name, text)| ((*name).to_owned(), Ok((*text).to_owned())))
        .collect()
}

/// A process: what it reads and has in effect.
struct Process {
    folder: Folder,
    update: SourceUpdate,
    in_effect: InEffect,
    desired: Desired,
    problems: Vec<Problem>,
    clock: u64,
}

impl Process {
    /// One that starts after `before`, on a folder that has these files.
    fn start(before: Option<&Self>, files: Files) -> Self {
        let kept: Vec<Former> = before.map(Self::kept).unwrap_or_default();
        let ran = before.map_or_else(Accepted::new, |before| before.in_effect.accepted());
        let clock = before.map_or(1_000, |before| before.clock + 1_000);
        let mut folder = Folder::after(&kept);
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(clock);
        let update = folder.read(files, now).unwrap_or_default();
        let objects = kept.into_iter().map(|former| former.object);
        let in_effect = InEffect::default()
            .after(ran)
            .resume(objects, &update.objects, "n");
        let mut process = Self {
            folder,
            update,
            in_effect,
            desired: Desired::default(),
            problems: Vec::new(),
            clock,
        };
        process.build();
        process
    }

    fn read(&mut self, files: Files) {
        self.clock += 1;
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(self.clock);
        self.update = self.folder.read(files, now).expect("news");
        self.build();
    }

    fn build(&mut self) {
        (self.desired, self.problems) = self.in_effect.build(&self.update.objects, "n");
    }

    /// What the next one knows: all but what is secret.
    fn kept(&self) -> Vec<Former> {
        let objects = self.in_effect.objects();
        let objects = objects.filter(|(key, _)| key.kind.name() != "Secret");
        let former = objects.map(|(key, object)| Former {
            file: self.update.files[key].clone(),
            object: object.clone(),
        });
        former.collect()
    }

    /// Everything that is said of what is refused.
    fn said(&self) -> String {
        let files = self.update.problems.iter();
        let files = files.filter(|problem| problem.severity == Severity::Rejected);
        let objects = self.problems.iter();
        let objects = objects.filter(|problem| problem.severity == Severity::Rejected);
        let said = files.map(ToString::to_string);
        said.chain(objects.map(ToString::to_string))
            .collect::<Vec<_>>()
            .join("\n")
    }
}

/// What a file can become, of which other words are said, while what it asked for stays.
const SLIPS: [(&str, &str, &str); 4] = [
    ("r.yaml", "kind: [", "its objects stay as they were"),
    (
        "r.yaml",
        "localASN: 0",
        "its last valid spec (generation 1) stays",
    ),
    ("p.yaml", "kind: [", "its objects stay as they were"),
    (
        "p.yaml",
        "peerASN: 0",
        "its last valid spec (generation 1) stays",
    ),
];

fn broken(text: &str, slip: &str) -> String {
    match slip.split_once(':') {
        Some((field @ ("localASN" | "peerASN"), _)) => {
            let (before, after) = text.split_once(field).expect("the field");
            let (_, after) = after.split_once(',').expect("a field behind it");
            format!("{before}{slip},{after}")
        }
        _ => slip.to_owned(),
    }
}

#[test]
fn what_cannot_be_read_or_is_refused_at_the_start_runs_as_before_the_restart() {
    let good = [("r.yaml", ROUTER), ("p.yaml", PEER), ("a.yaml", OWN)];
    let first = Process::start(None, files(&good));
    assert_eq!(first.said(), "");
    for (file, slip, words) in SLIPS {
        let bad = good.map(|(name, text)| match name == file {
            true => (name, broken(text, slip)),
            false => (name, text.to_owned()),
        });
        let bad = bad.each_ref().map(|(name, text)| (*name, &**text));
        // A fresh start knows nothing.
        let fresh = Process::start(None, files(&bad));
        assert_ne!(fresh.desired, first.desired, "{slip}");

        let second = Process::start(Some(&first), files(&bad));
        assert_eq!(second.desired, first.desired, "{slip}");
        assert!(second.said().contains(words), "{}", second.said());
        // Nor does another restart change anything.
        let mut third = Process::start(Some(&second), files(&bad));
        assert_eq!(third.desired, first.desired, "{slip}");
        third.read(files(&good));
        assert_eq!(third.desired, first.desired, "{slip}");
        assert_eq!(third.said(), "");
    }
}

#[test]
fn what_cannot_be_carried_out_at_the_start_runs_as_before_the_restart() {
    let first = Process::start(None, files(&[("r.yaml", ROUTER), ("p.yaml", PEER)]));
    let other = PEER.replace("address: ", "authSecretRef: {name: none}, address: ");
    let bad = files(&[("r.yaml", ROUTER), ("p.yaml", &other)]);
    let second = Process::start(Some(&first), bad.clone());
    assert_eq!(second.desired, first.desired);
    let stays = "the last accepted spec (generation 1) is still in effect";
    assert!(second.said().ends_with(stays), "{}", second.said());
    // What is refused is the second generation, in this process and in the next one.
    let third = Process::start(Some(&second), bad);
    for process in [&second, &third] {
        let peers = process.update.objects.iter();
        let generations: Vec<_> = peers
            .map(|(key, o)| (key.to_string(), o.generation()))
            .collect();
        assert_eq!(
            generations,
            [("BGPRouter/r".to_owned(), 1), ("BGPPeer/p".to_owned(), 2)]
        );
        assert_eq!(process.desired, first.desired);
    }
}

#[test]
fn what_is_deleted_between_two_processes_is_gone() {
    let first = Process::start(
        None,
        files(&[("r.yaml", ROUTER), ("p.yaml", PEER), ("a.yaml", OWN)]),
    );
    assert_eq!(first.desired.originations.len(), 1);
    let second = Process::start(Some(&first), files(&[("r.yaml", ROUTER), ("a.yaml", "")]));
    assert_eq!(second.desired.routers, first.desired.routers);
    assert_eq!(second.desired.peers.len(), 0);
    assert_eq!(second.desired.originations.len(), 0);
    assert_eq!(second.said(), "");
}

#[test]
fn objects_are_as_old_and_of_the_generation_that_they_were() {
    let good = files(&[("r.yaml", ROUTER)]);
    let mut first = Process::start(None, good.clone());
    first.read(files(&[("r.yaml", &ROUTER.replace("65000", "65009"))]));
    first.read(good.clone());
    let second = Process::start(Some(&first), good);
    let meta = |process: &Process| {
        let (_, object) = process.update.objects.iter().next().expect("one");
        let meta = object.meta();
        (meta.generation, meta.creation_timestamp.clone())
    };
    assert_eq!(meta(&second), meta(&first));
    assert_eq!(meta(&second).0, Some(3));
    let edited = files(&[("r.yaml", &ROUTER.replace("65000", "65001"))]);
    let third = Process::start(Some(&second), edited);
    assert_eq!(meta(&third).0, Some(4));
    assert_eq!(meta(&third).1, meta(&first).1);
}

/// The password is not kept, so that it is taken from the Secret as it is now, or the session does not run.
#[test]
fn a_session_with_a_password_runs_as_before_if_its_secret_can_be_read() {
    let peer = PEER.replace("address: ", "authSecretRef: {name: s}, address: ");
    let good = [("r.yaml", ROUTER), ("p.yaml", &peer), ("s.yaml", SECRET)];
    let first = Process::start(None, files(&good));
    assert_eq!(first.desired.peers.len(), 1, "{}", first.said());
    let bad = broken(&peer, "peerASN: 0");
    let with = files(&[("r.yaml", ROUTER), ("p.yaml", &bad), ("s.yaml", SECRET)]);
    assert_eq!(Process::start(Some(&first), with).desired, first.desired);
    let without = files(&[("r.yaml", ROUTER), ("p.yaml", &bad), ("s.yaml", "kind: [")]);
    let second = Process::start(Some(&first), without);
    assert_eq!(second.desired.peers.len(), 0);
    assert!(second.said().contains("Secret"), "{}", second.said());
}
