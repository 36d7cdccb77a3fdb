//! Since when things are as they are, which an API server would keep in the statuses, for a node that has none.

use std::collections::BTreeMap;
use std::time::SystemTime;

use parking_lot::Mutex;
use serde_json::Value;

use super::digest::digest;
use crate::desired::{Kind, ObjectKey, Objects, timestamp};

/// What is remembered of the statuses of the node's objects. The statuses themselves are made anew whenever somebody asks: a
/// node may have a thousand peers.
#[derive(Debug, Default)]
pub struct StatusMemory {
    // Held while statuses are made, which asks nobody, and never across an await.
    known: Mutex<BTreeMap<ObjectKey, Known>>,
}

/// What is remembered of one object.
#[derive(Debug, Default)]
struct Known {
    status: u64,
    conditions: Box<[Since]>,
}

#[derive(Debug)]
struct Since {
    /// Type and state of the condition.
    what: u64,
    time: SystemTime,
}

impl StatusMemory {
    /// Takes in the statuses of all objects, and says which are different now.
    ///
    /// What is known of an object that is gone goes with it.
    pub fn update(
        &self,
        statuses: impl IntoIterator<Item = (ObjectKey, Value)>,
        now: SystemTime,
    ) -> Vec<ObjectKey> {
        let mut known = self.known.lock();
        let mut before = std::mem::take(&mut *known);
        let mut changed = Vec::new();
        for (key, mut status) in statuses {
            let mut of_object = before.remove(&key).unwrap_or_default();
            if of_object.stamp(&mut status, now) {
                changed.push(key.clone());
            }
            known.insert(key, of_object);
        }
        changed
    }

    /// The objects of a kind with their statuses, by namespace and name. Conditions that hold as before keep their time.
    #[must_use]
    pub fn list(
        &self,
        kind: Kind,
        objects: &Objects,
        statuses: impl IntoIterator<Item = (ObjectKey, Value)>,
        now: SystemTime,
    ) -> Vec<Value> {
        let mut known = self.known.lock();
        let statuses = statuses.into_iter().filter(|(key, _)| key.kind == kind);
        let mut stamped: BTreeMap<ObjectKey, Value> = statuses
            .map(|(key, mut status)| {
                known
                    .entry(key.clone())
                    .or_default()
                    .stamp(&mut status, now);
                (key, status)
            })
            .collect();
        objects
            .iter()
            .filter(|(key, _)| key.kind == kind)
            .map(|(key, object)| {
                let mut value = object.to_value();
                if let (Some(status), Some(object)) = (stamped.remove(key), value.as_object_mut()) {
                    object.insert("status".to_owned(), status);
                }
                conceal(&mut value);
                value
            })
            .collect()
    }
}

impl Known {
    /// Gives each condition of `status` the time since when it is as it is, and remembers it. Says whether anything is different.
    fn stamp(&mut self, status: &mut Value, now: SystemTime) -> bool {
        let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
        let since = |condition: &mut Value| {
            let what = digest(&(&condition["type"], &condition["status"]));
            let before = self.conditions.iter().find(|before| before.what == what);
            let time = before.map_or(now, |before| before.time);
            condition["lastTransitionTime"] = timestamp(time).into();
            Since { what, time }
        };
        self.conditions = conditions.into_iter().flatten().map(since).collect();
        let status = digest(status);
        std::mem::replace(&mut self.status, status) != status
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
