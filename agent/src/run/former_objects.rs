//! The objects of which what runs was made, for the next process: what it cannot read, or has to refuse, is to take away no more
//! than it would from this one (ADR 0017).
//!
//! On disk, a line of JSON for each object. What is secret is not written: no Secret, and no password of a BGPPeer, which cannot run
//! without it then, but is known to have run.
//!
//! ```text
//!   {"file":"/etc/cosmos/tor.yaml","object":{"apiVersion":"bgp.miloapis.com/v1alpha1","kind":"BGPPeer",...}}
//! ```

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::desired::{InEffect, Kind, Object, ObjectKey};
use crate::source::directory::{Former, SourceUpdate};
use crate::state_file::Kept;

const FILE: &str = "objects";

/// See the top of this file. Without a folder it keeps nothing.
pub(super) struct FormerObjects {
    file: Kept,
    /// What the process before has left, as far as it is still asked for and nothing of it runs.
    left: Vec<Former>,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    file: std::borrow::Cow<'a, str>,
    object: Value,
}

impl FormerObjects {
    pub(super) fn new(folder: Option<&Path>) -> Self {
        Self {
            file: Kept::new(folder, FILE, "the objects in effect"),
            left: Vec::new(),
        }
    }

    /// What the process before this one has left, if it has. A line that makes no sense takes no other with it.
    pub(super) fn read(&mut self) -> Option<Vec<Former>> {
        let text = self.file.read()?;
        let former: Vec<Former> = text.lines().filter_map(parse).collect();
        let lost = text.lines().count() - former.len();
        if lost > 0 {
            tracing::warn!(
                lost,
                "not all objects that the process before this one had in effect can be understood"
            );
        }
        self.left.clone_from(&former);
        Some(former)
    }

    /// This is in effect now, made of what was read.
    pub(super) fn keep(&mut self, in_effect: &InEffect, update: &SourceUpdate) {
        let running: BTreeSet<&ObjectKey> = in_effect.objects().map(|(key, _)| key).collect();
        self.left.retain(|former| {
            let key = former.object.key();
            let asked_for = update.objects.get(&key).is_some() || update.objects.is_refused(&key);
            asked_for && !running.contains(&key)
        });
        if !self.file.lasts() {
            return;
        }
        let mut text = Vec::new();
        for (key, object) in in_effect.objects() {
            if key.kind != Kind::Secret
                && let Some(file) = update.files.get(key)
            {
                write(&mut text, file, object);
            }
        }
        for former in &self.left {
            write(&mut text, &former.file, &former.object);
        }
        self.file.keep(text, Instant::now());
    }

    /// Writes what could not be written, if it is time.
    pub(super) fn retry(&mut self, now: Instant) {
        self.file.retry(now);
    }
}

fn write(out: &mut Vec<u8>, file: &str, object: &Object) {
    let mut object = object.to_value();
    if let Some(authentication) = object.pointer_mut("/spec/authentication") {
        *authentication = serde_json::json!({});
    }
    let line = Line {
        file: file.into(),
        object,
    };
    // What was read from YAML can be written as JSON, and memory takes all.
    if serde_json::to_writer(&mut *out, &line).is_ok() {
        out.push(b'\n');
    }
}

/// `None` for a line that is not to be understood.
fn parse(line: &str) -> Option<Former> {
    let Line { file, object } = serde_json::from_str(line).ok()?;
    let kind = Kind::from_name(object.get("kind")?.as_str()?)?;
    let object = Object::from_value(kind, object).ok()?;
    Some(Former {
        file: file.into_owned(),
        object: Arc::new(object),
    })
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::time::SystemTime;

    use super::*;
    use crate::source::folder::Folder;

    const MANIFESTS: &str = "
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {name: r, labels: {role: leaf}}
spec: {targetRef: {kind: Node, name: n}, localASN: 65000, routerID: 10.0.0.1, addressFamilies: [{afi: ipv6, safi: unicast}]}
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: open}
spec: {routerRef: {name: r}, address: '2001:db8::1', peerASN: 65001, addressFamilies: [{afi: ipv6, safi: unicast}]}
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: closed}
spec: {routerRef: {name: r}, address: '2001:db8::2', peerASN: 65001, authSecretRef: {name: s}, addressFamilies: [{afi: ipv6, safi: unicast}]}
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: plain}
spec: {routerRef: {name: r}, address: '2001:db8::3', peerASN: 65001, authentication: {password: hunter2}, addressFamilies: [{afi: ipv6, safi: unicast}]}
---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {password: hunter3}
";

    #[test]
    fn the_next_process_has_the_objects_and_no_secret_is_on_disk() {
        let folder = std::env::temp_dir().join(format!("cosmos-objects-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let files = [("/m/all.yaml".to_owned(), Ok(MANIFESTS.to_owned()))];
        let update = Folder::default()
            .read(files.into(), SystemTime::UNIX_EPOCH)
            .unwrap();
        let mut in_effect = InEffect::default();
        let (desired, problems) = in_effect.build(&update.objects, "n");
        assert_eq!((desired.peers.len(), &*problems), (3, &[][..]));

        let mut objects = FormerObjects::new(Some(&folder));
        assert_eq!(objects.read(), None);
        objects.keep(&in_effect, &update);
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).unwrap();
        for secret in ["hunter", "aHVudGVy"] {
            assert!(!text.contains(secret), "{text}");
        }
        let former = objects.read().unwrap();
        let named: Vec<String> = former.iter().map(|f| f.object.key().to_string()).collect();
        let all = [
            "BGPRouter/r",
            "BGPPeer/closed",
            "BGPPeer/open",
            "BGPPeer/plain",
        ];
        assert_eq!(named, all);
        for Former { file, object } in &former {
            assert_eq!(file, "/m/all.yaml");
            // Without its password it is another one.
            let same = update.objects.shared(&object.key()) == Some(object);
            assert_eq!(same, object.key().name != "plain");
        }

        // What the next one cannot run is known to the one after it, so long as somebody asks for it.
        let next = |objects: &mut FormerObjects, text: &str| -> Vec<String> {
            let former = objects.read().unwrap();
            let files = [("/m/all.yaml".to_owned(), Ok(text.to_owned()))];
            let update = Folder::after(&former)
                .read(files.into(), SystemTime::UNIX_EPOCH)
                .unwrap();
            let former = former.into_iter().map(|former| former.object);
            let mut in_effect = InEffect::default().resume(former, &update.objects, "n");
            in_effect.build(&update.objects, "n");
            objects.keep(&in_effect, &update);
            let kept = objects.read().unwrap();
            let mut kept: Vec<_> = kept.iter().map(|f| f.object.key().to_string()).collect();
            kept.sort();
            kept
        };
        let mut sorted = all;
        sorted.sort_unstable();
        for _ in 0..2 {
            assert_eq!(next(&mut objects, "kind: ["), sorted);
        }
        let without = MANIFESTS
            .split("---")
            .filter(|text| !text.contains("plain"));
        let without = without.collect::<Vec<_>>().join("---");
        let wanted = sorted.into_iter().filter(|name| !name.ends_with("plain"));
        assert_eq!(next(&mut objects, &without), wanted.collect::<Vec<_>>());
        fs::write(&path, &text).unwrap();

        // A line that makes no sense takes no other with it.
        fs::write(&path, format!("{{\"file\":\"x\"\n{text}")).unwrap();
        assert_eq!(objects.read(), Some(former));
        fs::remove_dir_all(folder).unwrap();
        let mut nowhere = FormerObjects::new(None);
        nowhere.keep(&in_effect, &update);
        assert_eq!(nowhere.read(), None);
    }
}
