//! What the next process must know of this one: that it ran here a moment ago, with which sessions, and that the kernel forwards
//! for it meanwhile. On disk, as who is killed has no time to say it.
//!
//! ```text
//!   boot 0f8fad5b-d9cb-469f-a165-70867728950e     routes of the kernel do not outlive it
//!   network 4026531840                            nor do they appear in another network namespace
//!   routes ipv4/unicast ipv6/unicast              families with routes of ours in the kernel
//!   peer default/tor default/router               a session whose neighbour keeps our routes for a while
//! ```
//!
//! The time of the file is when all that was last true.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};
use std::{fs, io};

use bgp_wire::{Family, FamilySet};

use crate::desired::{PeerKey, RouterKey};
use crate::seldom::Seldom;
use crate::speaker::Predecessor;
use crate::state_file;

const FILE: &str = "restart";
/// No neighbour keeps routes for longer than the longest restart time (RFC 4724 §3: 12 bits of seconds) and then the longest
/// long-lived one (RFC 9494 §3.1: 24 bits): what is older says nothing any more.
const LONGEST: u64 = 0xfff + 0x00ff_ffff;

/// See the top of this file. Without a folder it remembers nothing.
pub(super) struct Memory {
    file: Option<PathBuf>,
    /// This boot and this network namespace, as lines.
    place: String,
    written: String,
    failures: Seldom,
}

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Found {
    peers: BTreeSet<PeerKey>,
    routes: FamilySet,
}

impl Memory {
    pub(super) fn new(folder: Option<&Path>) -> Self {
        Self {
            file: folder.map(|folder| folder.join(FILE)),
            place: place(),
            written: String::new(),
            failures: Seldom::default(),
        }
    }

    /// Whether the next process will know.
    pub(super) fn lasts(&self) -> bool {
        self.file.is_some()
    }

    /// The process before this one, if this is its restart. `in_kernel`: the families with routes of ours that the kernel has now.
    pub(super) fn predecessor(&self, in_kernel: FamilySet, now: Instant) -> Option<Predecessor> {
        let file = self.file.as_ref()?;
        let text = match state_file::read(file) {
            Ok(text) => text?,
            Err(error) => {
                tracing::warn!(%error, "what the process before this one left cannot be read: this is no restart");
                return None;
            }
        };
        let written = fs::metadata(file).and_then(|data| data.modified()).ok()?;
        // A clock that was set back says nothing of how long it is ago.
        let ago = written
            .elapsed()
            .ok()
            .filter(|ago| ago.as_secs() < LONGEST)?;
        let found = parse(&text, &self.place)?;
        Some(Predecessor {
            ended: now.checked_sub(ago)?,
            forwarded: forwarded(found.routes, in_kernel),
            peers: found.peers,
        })
    }

    /// These sessions are there now, these neighbours still wait for that of the process before, and the kernel has routes of these
    /// families.
    pub(super) fn keep(&mut self, sessions: &[PeerKey], awaited: &[PeerKey], routes: FamilySet) {
        let Some(file) = &self.file else { return };
        // With none there is nothing to add to what was so long as there were some.
        if sessions.is_empty() {
            return;
        }
        let mut text = self.place.clone();
        let names = routes.iter().map(|family| format!(" {family}"));
        let _ = writeln!(text, "routes{}", names.collect::<String>());
        for peer in sessions.iter().chain(awaited) {
            let _ = writeln!(text, "peer {} {}", peer.peer, peer.router.0);
        }
        let result = if text == self.written {
            fs::File::options()
                .append(true)
                .open(file)
                .and_then(|open| open.set_modified(SystemTime::now()))
        } else {
            state_file::replace(file, text.as_bytes())
        };
        match result {
            Ok(()) => self.written = text,
            Err(error) => {
                // Written anew the next time, as whole as possible.
                self.written.clear();
                if self.failures.count(1, Instant::now()).is_some() {
                    tracing::warn!(file = %file.display(), %error, "the sessions cannot be kept in mind for a restart");
                }
            }
        }
    }

    /// This process has withdrawn everything: the next one is no restart of it.
    pub(super) fn forget(&mut self) {
        self.written.clear();
        if let Some(file) = &self.file
            && let Err(error) = fs::remove_file(file)
            && error.kind() != io::ErrorKind::NotFound
        {
            tracing::warn!(file = %file.display(), %error, "sessions that are over cannot be forgotten");
        }
    }
}

/// The F bits of RFC 4724 §3: "the forwarding state has been preserved". What had no route has lost none.
fn forwarded(had: FamilySet, has: FamilySet) -> FamilySet {
    let families = [Family::IPV4_UNICAST, Family::IPV6_UNICAST].into_iter();
    families
        .filter(|family| has.contains(*family) || !had.contains(*family))
        .collect()
}

fn place() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let network = fs::metadata("/proc/self/ns/net").map_or(0, |data| data.ino());
    format!("boot {}\nnetwork {network}\n", boot.trim())
}

/// `None` if it was written in another place, or is not to be understood.
fn parse(text: &str, place: &str) -> Option<Found> {
    let mut found = Found::default();
    for line in text.strip_prefix(place)?.lines() {
        let mut words = line.split_whitespace();
        match words.next()? {
            "routes" => {
                for family in words {
                    found.routes.insert(family.parse().ok()?);
                }
            }
            "peer" => {
                let peer = words.next()?.into();
                let router = RouterKey(words.next()?.into());
                found.peers.insert(PeerKey { peer, router });
            }
            _ => return None,
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const V4: Family = Family::IPV4_UNICAST;
    const V6: Family = Family::IPV6_UNICAST;

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("cosmos-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    fn peer(name: &str) -> PeerKey {
        PeerKey {
            peer: format!("default/{name}").into(),
            router: RouterKey::new("default", "router"),
        }
    }

    #[test]
    fn the_next_process_knows_what_the_last_one_wrote() {
        let folder = folder("memory");
        let mut memory = Memory::new(Some(&folder));
        let now = Instant::now();
        assert_eq!(memory.predecessor(FamilySet::EMPTY, now), None);
        let peers = [peer("a"), peer("b")];
        memory.keep(&peers[..1], &peers[1..], FamilySet::from([V4]));
        // Without sessions it says what was.
        memory.keep(&[], &peers[1..], FamilySet::EMPTY);
        let next = Memory::new(Some(&folder));
        let found = next.predecessor(FamilySet::from([V4]), now).unwrap();
        assert_eq!(found.peers, BTreeSet::from(peers));
        assert_eq!(found.forwarded, FamilySet::from([V4, V6]));
        assert!(now.duration_since(found.ended) < Duration::from_secs(5));
        // The kernel has lost them.
        let found = next.predecessor(FamilySet::EMPTY, now).unwrap();
        assert_eq!(found.forwarded, FamilySet::from([V6]));

        let file = folder.join(FILE);
        let old = SystemTime::now() - Duration::from_secs(100);
        let set = |time| {
            let open = fs::File::options().append(true).open(&file).unwrap();
            open.set_modified(time).unwrap();
        };
        set(old);
        let found = next.predecessor(FamilySet::EMPTY, now).unwrap();
        assert!(now.duration_since(found.ended) >= Duration::from_secs(100));
        // The same again is a newer time.
        memory.keep(&[peer("a"), peer("b")], &[], FamilySet::from([V4]));
        let found = next.predecessor(FamilySet::EMPTY, now).unwrap();
        assert!(now.duration_since(found.ended) < Duration::from_secs(5));
        for time in [
            SystemTime::now() - Duration::from_secs(LONGEST + 1),
            SystemTime::now() + Duration::from_secs(100),
        ] {
            set(time);
            assert_eq!(next.predecessor(FamilySet::EMPTY, now), None);
        }
        set(SystemTime::now());
        memory.forget();
        assert_eq!(next.predecessor(FamilySet::EMPTY, now), None);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn what_was_elsewhere_or_makes_no_sense_is_no_restart() {
        let here = "boot a\nnetwork 1\n";
        for text in [
            "",
            "boot b\nnetwork 1\npeer x y\n",
            "boot a\nnetwork 2\npeer x y\n",
            "boot a\nnetwork 1\npeer x\n",
            "boot a\nnetwork 1\nroutes ipv9/unicast\n",
            "boot a\nnetwork 1\n\n",
            "boot a\nnetwork 1\nwhatever\n",
        ] {
            assert_eq!(parse(text, here), None, "{text:?}");
        }
        let found = parse(
            "boot a\nnetwork 1\nroutes ipv4/unicast\npeer n/x n/y\n",
            here,
        );
        assert_eq!(found.unwrap().routes, FamilySet::from([V4]));
    }
}
