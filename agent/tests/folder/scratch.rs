//! Folders of tests, and what is found in them.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use cosmos::desired::{Kind, Object, ObjectKey};
use cosmos::source::directory::SourceUpdate;
use tokio::sync::watch;

/// A folder that is gone after the test.
pub(crate) struct Scratch(pub(crate) PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Self {
        let path = std::env::temp_dir().join(format!("cosmos-{}-{name}", std::process::id()));
        let _left_over = fs::remove_dir_all(&path);
        fs::create_dir_all(&path).expect("a temporary folder");
        Self(path)
    }

    pub(crate) fn write(&self, name: &str, text: &str) {
        fs::write(self.0.join(name), text).expect("a file");
    }

    pub(crate) fn remove(&self, name: &str) {
        fs::remove_file(self.0.join(name)).expect("a file to remove");
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn router(name: &str, asn: u32) -> String {
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

pub(crate) fn asn_of(update: &SourceUpdate, name: &str) -> Option<i64> {
    match update
        .objects
        .get(&ObjectKey::new(Kind::BgpRouter, "default", name))?
    {
        Object::Router(router) => Some(router.spec.local_asn),
        _ => None,
    }
}

/// Waits until the folder is as it should be.
pub(crate) async fn until(
    updates: &mut watch::Receiver<SourceUpdate>,
    what: &str,
    is_so: impl FnMut(&SourceUpdate) -> bool,
) {
    // Well under the interval at which the folder is read without being told to.
    let limit = Duration::from_secs(5);
    let seen = tokio::time::timeout(limit, updates.wait_for(is_so)).await;
    assert!(matches!(&seen, Ok(Ok(_))), "never seen: {what}");
}
