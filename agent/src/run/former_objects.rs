//! The objects of which what runs was made, for the next process: what it cannot read, or has to refuse, is to take away no more
//! than it would from this one (ADR 0017).
//!
//! On disk, a line of JSON for each object. What is secret is not written: no Secret, and no BGPPeer with a password in it.
//!
//! ```text
//!   {"file":"/etc/cosmos/tor.yaml","object":{"apiVersion":"bgp.miloapis.com/v1alpha1","kind":"BGPPeer",...}}
//! ```

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::desired::{InEffect, Kind, Object, ObjectKey};
use crate::source::directory::Former;
use crate::state_file;

const FILE: &str = "objects";

/// See the top of this file. Without a folder it keeps nothing.
pub(super) struct FormerObjects {
    file: Option<PathBuf>,
}

#[derive(Serialize, Deserialize)]
struct Line<'a> {
    file: std::borrow::Cow<'a, str>,
    object: Value,
}

impl FormerObjects {
    pub(super) fn new(folder: Option<&Path>) -> Self {
        Self {
            file: folder.map(|folder| folder.join(FILE)),
        }
    }

    /// What the process before this one has left. A line that makes no sense takes no other with it.
    pub(super) fn read(&self) -> Vec<Former> {
        let text = self
            .file
            .as_ref()
            .map_or(Ok(None), |file| state_file::read(file));
        let text = text.unwrap_or_else(|error| {
            tracing::warn!(%error, "the objects that the process before this one had in effect cannot be read");
            None
        });
        let text = text.unwrap_or_default();
        let former: Vec<Former> = text.lines().filter_map(parse).collect();
        let lost = text.lines().count() - former.len();
        if lost > 0 {
            tracing::warn!(
                lost,
                "not all objects that the process before this one had in effect can be understood"
            );
        }
        former
    }

    /// This is in effect now, made of objects from `files`.
    pub(super) fn keep(&self, in_effect: &InEffect, files: &BTreeMap<ObjectKey, String>) {
        let Some(file) = &self.file else { return };
        let written = state_file::replace_with(file, |out| {
            for (key, object) in in_effect.objects() {
                if !is_secret(object)
                    && let Some(file) = files.get(key)
                {
                    write(out, file, object)?;
                }
            }
            Ok(())
        });
        if let Err(error) = written {
            tracing::warn!(file = %file.display(), %error, "the objects in effect cannot be kept in mind for a restart");
        }
    }
}

fn is_secret(object: &Object) -> bool {
    match object {
        Object::Secret(_) => true,
        Object::Peer(peer) => peer.spec.authentication.is_some(),
        _ => false,
    }
}

fn write(out: &mut dyn Write, file: &str, object: &Object) -> io::Result<()> {
    let line = Line {
        file: file.into(),
        object: object.to_value(),
    };
    serde_json::to_writer(&mut *out, &line)?;
    out.write_all(b"\n")
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

        let objects = FormerObjects::new(Some(&folder));
        assert_eq!(objects.read(), []);
        objects.keep(&in_effect, &update.files);
        let path = folder.join(FILE);
        let text = fs::read_to_string(&path).unwrap();
        for secret in ["hunter", "aHVudGVy"] {
            assert!(!text.contains(secret), "{text}");
        }
        let former = objects.read();
        let named: Vec<String> = former.iter().map(|f| f.object.key().to_string()).collect();
        assert_eq!(named, ["BGPRouter/r", "BGPPeer/closed", "BGPPeer/open"]);
        for Former { file, object } in &former {
            assert_eq!(file, "/m/all.yaml");
            assert_eq!(update.objects.shared(&object.key()), Some(object));
        }

        // A line that makes no sense takes no other with it.
        fs::write(&path, format!("{{\"file\":\"x\"\n{text}")).unwrap();
        assert_eq!(objects.read(), former);
        fs::remove_dir_all(folder).unwrap();
        let nowhere = FormerObjects::new(None);
        nowhere.keep(&in_effect, &update.files);
        assert_eq!(nowhere.read(), []);
    }
}
