//! Statuses as an API server would keep them, for a node that has none.

use std::collections::BTreeMap;
use std::time::SystemTime;

use parking_lot::RwLock;
use serde_json::Value;

use crate::desired::{Kind, ObjectKey, Objects, stamp};

/// The objects of the node with their statuses, for `cosmos get`.
#[derive(Debug, Default)]
pub struct StatusStore {
    // Guards the whole picture, so that a list never mixes two of them. Held for a copy of it, never across an await.
    kept: RwLock<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    objects: Objects,
    /// As JSON, which takes a tenth of what the values do: a node may have a thousand peers.
    statuses: BTreeMap<ObjectKey, Box<str>>,
}

impl StatusStore {
    /// Takes in the objects and the statuses that were made of them, and says which statuses are different now.
    ///
    /// The status of an object that is gone goes with it. Conditions that hold as before keep their time.
    pub fn update(
        &self,
        objects: &Objects,
        statuses: impl IntoIterator<Item = (ObjectKey, Value)>,
        now: SystemTime,
    ) -> Vec<ObjectKey> {
        let mut kept = self.kept.write();
        let mut changed = Vec::new();
        let mut stamped = BTreeMap::new();
        for (key, mut status) in statuses {
            let previous = kept.statuses.get(&key);
            let before: Option<Value> = previous.and_then(|text| serde_json::from_str(text).ok());
            stamp(before.as_ref(), &mut status, now);
            let status = status.to_string().into_boxed_str();
            if previous != Some(&status) {
                changed.push(key.clone());
            }
            stamped.insert(key, status);
        }
        kept.objects = objects.clone();
        kept.statuses = stamped;
        changed
    }

    /// The objects of a kind with their statuses, by namespace and name.
    #[must_use]
    pub fn list(&self, kind: Kind) -> Vec<Value> {
        let kept = self.kept.read();
        kept.objects
            .iter()
            .filter(|(key, _)| key.kind == kind)
            .map(|(key, object)| {
                let mut value = object.to_value();
                let status = kept.statuses.get(key);
                let status = status.and_then(|text| serde_json::from_str(text).ok());
                if let (Some(status), Some(object)) = (status, value.as_object_mut()) {
                    object.insert("status".to_owned(), status);
                }
                conceal(&mut value);
                value
            })
            .collect()
    }
}

/// What `kubectl apply` keeps of the whole object as it was given, secrets included.
const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// Passwords are not shown to whoever may ask for the list.
fn conceal(object: &mut Value) {
    let annotations = object.pointer_mut("/metadata/annotations");
    if let Some(given) = annotations.and_then(|annotations| annotations.get_mut(LAST_APPLIED)) {
        *given = "(hidden)".into();
    }
    if let Some(password) = object.pointer_mut("/spec/authentication/password") {
        *password = "(hidden)".into();
    }
    for field in ["data", "stringData"] {
        let values = object.get_mut(field).and_then(Value::as_object_mut);
        for value in values.into_iter().flat_map(|data| data.values_mut()) {
            *value = "(hidden)".into();
        }
    }
}
