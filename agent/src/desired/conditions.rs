//! Statuses: what people and other controllers are told about each object.
//!
//! A status is made anew from what is wanted, what is wrong and how things run; it is never amended. `Accepted`
//! speaks of the object, `Ready` of the session or router, `Programmed` of the kernel. The time at which a condition
//! changed is the only memory in a status; whoever hands statuses out puts it in (`source/status_memory.rs`).

mod advertisement;
mod dynamic;
mod peer;
mod policy;
mod router;

use std::collections::BTreeMap;
use std::time::SystemTime;

use crds::{BGPVRFInstanceStatus, Condition, ConditionStatus, VPCAttachmentStatus, VPCStatus};
use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::node::may_be_for;
use super::objects::{Object, ObjectKey, Objects};
use super::problem::{Problem, Reason, Severity, stays};
use super::snapshot::Snapshot;
use super::types::Desired;

/// What conditions say that cannot hold; the reason stands in one place.
pub(crate) const NOT_ACCEPTED: &str = "the object is not accepted; its condition Accepted says why";

/// The status of every object that is `node`'s business.
///
/// The times of conditions are left empty for whoever remembers them.
pub fn statuses<'a>(
    objects: &'a Objects,
    desired: &'a Desired,
    problems: &'a [Problem],
    node: &'a str,
    snapshot: &'a Snapshot,
) -> impl Iterator<Item = (ObjectKey, Value)> + 'a {
    let mut by_object: BTreeMap<&ObjectKey, Vec<&Problem>> = BTreeMap::new();
    for problem in problems {
        by_object.entry(&problem.object).or_default().push(problem);
    }
    objects.iter().filter_map(move |(key, object)| {
        let problems = by_object.get(key).map_or(&[][..], Vec::as_slice);
        let told = Told {
            generation: object.generation(),
            problems,
        };
        let status = match object {
            Object::Router(router) if may_be_for(router, node) => {
                value(&told.router(key, router, desired, snapshot))
            }
            Object::Peer(_) => value(&told.peer(key, desired, snapshot)?),
            Object::Advertisement(_) => value(&told.advertisement(key, desired, snapshot)?),
            Object::Policy(policy) => value(&told.policy(key, policy, desired, snapshot)?),
            Object::Vrf(_) => value(&BGPVRFInstanceStatus {
                conditions: Some(vec![told.accepted(), told.not_accepted_so("Ready")]),
                routers: None,
            }),
            Object::Vpc(_) => value(&VPCStatus {
                ready: false,
                identifier: None,
                conditions: Some(vec![told.accepted()]),
            }),
            Object::VpcAttachment(_) => value(&VPCAttachmentStatus {
                ready: false,
                identifier: None,
                conditions: Some(vec![told.accepted()]),
            }),
            Object::Router(_) | Object::Secret(_) | Object::Node(_) => return None,
        };
        Some((key.clone(), status))
    })
}

/// A time as Kubernetes writes it: UTC, whole seconds.
pub(crate) fn timestamp(time: SystemTime) -> String {
    Timestamp::try_from(time)
        .unwrap_or(Timestamp::UNIX_EPOCH)
        .strftime("%Y-%m-%dT%H:%M:%SZ")
        .to_string()
}

fn value(status: &impl Serialize) -> Value {
    serde_json::to_value(status).expect("a status is plain data")
}

/// What all conditions of one object have in common.
struct Told<'a> {
    generation: i64,
    problems: &'a [&'a Problem],
}

impl Told<'_> {
    fn condition(
        &self,
        type_: &str,
        holds: bool,
        reason: &str,
        message: impl Into<String>,
    ) -> Condition {
        Condition {
            type_: type_.to_owned(),
            status: if holds {
                ConditionStatus::True
            } else {
                ConditionStatus::False
            },
            observed_generation: Some(self.generation),
            last_transition_time: String::new(),
            reason: reason.to_owned(),
            message: clip(message.into()),
        }
    }

    fn rejections(&self) -> impl Iterator<Item = &Problem> {
        self.problems
            .iter()
            .copied()
            .filter(|problem| problem.severity == Severity::Rejected)
    }

    /// The rejections' reason and text, if there are any.
    fn rejection(&self) -> Option<(Reason, String)> {
        let reason = self.rejections().next()?.reason;
        let mut text = self
            .rejections()
            .map(Problem::located)
            .collect::<Vec<_>>()
            .join("; ");
        if let Some(generation) = self.in_effect() {
            text.push_str("; ");
            text.push_str(&stays(generation));
        }
        Some((reason, text))
    }

    /// The generation that stays in effect everywhere although the object is refused.
    fn in_effect(&self) -> Option<i64> {
        self.rejections()
            .map(|problem| problem.in_effect)
            .min()
            .flatten()
    }

    /// Why it is refused, when nothing of it stays in effect.
    fn refused(&self) -> Option<Reason> {
        let reason = self.rejections().next()?.reason;
        self.in_effect().is_none().then_some(reason)
    }

    fn accepted(&self) -> Condition {
        if let Some((reason, text)) = self.rejection() {
            return self.condition("Accepted", false, reason.as_str(), text);
        }
        let mut text = "the object is valid and is carried out".to_owned();
        for problem in self.problems {
            text.push_str("; ");
            text.push_str(&problem.located());
        }
        self.condition("Accepted", true, "ConfigAccepted", text)
    }

    /// A condition that cannot hold because the object is not accepted.
    fn not_accepted_so(&self, type_: &str) -> Condition {
        match self.rejections().next() {
            Some(problem) => self.condition(type_, false, problem.reason.as_str(), NOT_ACCEPTED),
            None => self.condition(type_, false, "Pending", "it is being started"),
        }
    }
}

/// The first names of a list, and how many more there are.
fn list(names: &[&str]) -> String {
    const SHOWN: usize = 10;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// Messages are bounded by the schema.
fn clip(mut text: String) -> String {
    const MAX: usize = 32_000;
    if text.len() > MAX {
        let end = (0..=MAX)
            .rev()
            .find(|end| text.is_char_boundary(*end))
            .unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
    text
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
