//! A speaker made of manifests, and what its neighbours in a test have in common.

use std::net::{IpAddr, TcpListener};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use cosmos::desired::{Desired, Problem, Severity, Source, build, diff};
use cosmos::ndp::NamedLink;
use cosmos::source::folder::Folder;
use cosmos::speaker::{AddressBook, SharedLink, Speaker};
use ipnet::IpNet;
use rib::{NextHopResolver, Rib};

pub(crate) const LIMIT: Duration = Duration::from_secs(20);

/// Knows no addresses beside those of sessions.
struct NoAddresses;

impl AddressBook for NoAddresses {
    fn prefixes_of(&self, _: &Source) -> Vec<IpNet> {
        Vec::new()
    }

    fn beside(&self, _: IpAddr, _: bool) -> Option<IpAddr> {
        None
    }

    fn on_link(&self, _: u32, _: bool) -> Option<IpAddr> {
        None
    }

    fn link_named(&self, _: &str) -> Option<NamedLink> {
        None
    }

    fn shared_link(&self, _: IpAddr, _: IpAddr) -> Option<SharedLink> {
        None
    }

    fn direct_link(&self, _: IpAddr) -> Option<u32> {
        None
    }

    fn is_up(&self, _: u32) -> bool {
        true
    }

    fn is_down(&self, _: u32) -> bool {
        false
    }

    fn down_link(&self, _: IpAddr) -> Option<u32> {
        None
    }

    fn is_own(&self, _: IpAddr) -> bool {
        true
    }
}

/// Runs the one router of these manifests, which are told the port to listen on: that, the speaker and its tables.
pub(crate) async fn start(
    manifests: impl Fn(u16) -> String,
    next_hops: Arc<dyn NextHopResolver>,
) -> (u16, Speaker, Arc<Rib>) {
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let texts = [("all.yaml".to_owned(), Ok(manifests(port)))].into();
    let content = Folder::default()
        .read(texts, SystemTime::UNIX_EPOCH)
        .unwrap();
    assert!(content.problems.is_empty(), "{:?}", content.problems);
    let (desired, problems) = build(&content.objects, "node-1");
    // The neighbour is on this node too, which is warned of.
    let refused = |problem: &Problem| problem.severity == Severity::Rejected;
    assert!(!problems.iter().any(refused), "{problems:?}");
    let mut speaker = Speaker::new(next_hops, Arc::new(NoAddresses), 1);
    for change in diff(&Desired::default(), &desired) {
        speaker.apply(change).await.unwrap();
    }
    let rib = Arc::clone(speaker.rib(desired.routers.keys().next().unwrap()).unwrap());
    (port, speaker, rib)
}

/// A whole message of this type.
pub(crate) fn message(kind: u8, body: &[u8]) -> Vec<u8> {
    let length = 19 + body.len() as u16;
    [&[0xff; 16][..], &length.to_be_bytes(), &[kind], body].concat()
}

pub(crate) async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let start = Instant::now();
    while !holds() {
        assert!(start.elapsed() < LIMIT, "not within {LIMIT:?}: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
