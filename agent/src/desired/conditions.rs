//! Statuses: what people and other controllers are told about each object.
//!
//! A status is made anew from what is wanted, what is wrong and how things run; it is never amended. `Accepted`
//! speaks of the object, `Ready` of the session or router, `Programmed` of the kernel. The time at which a condition
//! changed is the only memory in a status, and [`stamp`] carries it over.

use std::collections::BTreeMap;
use std::time::SystemTime;

use crds::{
    BGPAdvertisementStatus, BGPPeerStatus, BGPPolicyStatus, BGPRouter, BGPRouterStatus,
    BGPVRFInstanceStatus, Condition, ConditionStatus, FamilyStatus, PeerCounts, PeerRouterStatus,
    VPCAttachmentStatus, VPCStatus,
};
use k8s_openapi::jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::build::is_for;
use super::objects::{Object, ObjectKey, Objects};
use super::problem::{Problem, Reason, Severity, stays};
use super::snapshot::{KernelState, PeerState, RouterState, Snapshot};
use super::types::{Desired, OriginationKey, Peer, RouterKey};

/// What conditions say that cannot hold; the reason stands in one place.
pub(crate) const NOT_ACCEPTED: &str = "the object is not accepted; its condition Accepted says why";

/// The status of every object that is `node`'s business.
///
/// The times of conditions are left empty for [`stamp`].
#[must_use]
pub fn statuses(
    objects: &Objects,
    desired: &Desired,
    problems: &[Problem],
    node: &str,
    snapshot: &Snapshot,
) -> Vec<(ObjectKey, Value)> {
    let mut by_object: BTreeMap<&ObjectKey, Vec<&Problem>> = BTreeMap::new();
    for problem in problems {
        by_object.entry(&problem.object).or_default().push(problem);
    }
    objects
        .iter()
        .filter_map(|(key, object)| {
            let problems = by_object.get(key).map_or(&[][..], Vec::as_slice);
            let told = Told {
                generation: object.generation(),
                problems,
            };
            let status = match object {
                Object::Router(router) if is_for(router, node) => {
                    value(&told.router(key, router, desired, snapshot))
                }
                Object::Peer(_) => value(&told.peer(key, desired, snapshot)?),
                Object::Advertisement(_) => value(&told.advertisement(key, desired, snapshot)?),
                Object::Policy(policy) => value(&BGPPolicyStatus {
                    observed_generation: Some(told.generation),
                    terms: i32::try_from(policy.spec.terms.len()).ok(),
                    conditions: Some(vec![
                        told.accepted(),
                        told.not_accepted_so("Ready"),
                        told.not_accepted_so("PolicyApplied"),
                    ]),
                }),
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
        .collect()
}

/// Gives each condition of `status` the time since when it is as it is: that of `previous`, if it was so already,
/// else `now`.
pub fn stamp(previous: Option<&Value>, status: &mut Value, now: SystemTime) {
    let now = timestamp(now);
    let before = |kind: &Value, state: &Value| {
        let conditions = previous?.get("conditions")?.as_array()?;
        let same = conditions
            .iter()
            .find(|old| old.get("type") == Some(kind) && old.get("status") == Some(state))?;
        same.get("lastTransitionTime")
            .filter(|time| time.as_str() != Some(""))
            .cloned()
    };
    let conditions = status.get_mut("conditions").and_then(Value::as_array_mut);
    for condition in conditions.into_iter().flatten() {
        let time = before(&condition["type"], &condition["status"]);
        condition["lastTransitionTime"] = time.unwrap_or_else(|| Value::from(now.as_str()));
    }
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

    fn router(
        &self,
        key: &ObjectKey,
        object: &BGPRouter,
        desired: &Desired,
        snapshot: &Snapshot,
    ) -> BGPRouterStatus {
        let router_key = RouterKey::new(&key.namespace, &key.name);
        let state = snapshot.routers.get(&router_key);
        let peers: Vec<_> = desired
            .peers
            .values()
            .filter(|peer| peer.key.router == router_key)
            .collect();
        let up = |peer: &Peer| {
            snapshot
                .peers
                .get(&peer.key)
                .is_some_and(PeerState::is_established)
        };
        let down: Vec<&str> = peers
            .iter()
            .filter(|peer| !up(peer))
            .map(|peer| &*peer.name)
            .collect();
        let roles = object.spec.roles.as_ref();

        let (phase, mut conditions) = self.router_runs(state);
        conditions.push(if down.is_empty() {
            let (reason, text) = if peers.is_empty() {
                ("NoPeers", "there are no peers")
            } else {
                ("PeersEstablished", "all peers are Established")
            };
            self.condition("Degraded", false, reason, text)
        } else {
            let text = format!(
                "{} of {} not Established: {}",
                down.len(),
                peers.len(),
                list(&down)
            );
            self.condition("Degraded", true, "PeersNotEstablished", text)
        });
        conditions.push(if peers.is_empty() {
            self.condition("PeersEstablished", false, "NoPeers", "there are no peers")
        } else if down.is_empty() {
            let text = "all peers are Established";
            self.condition("PeersEstablished", true, "PeersEstablished", text)
        } else {
            let text = format!("not Established: {}", list(&down));
            self.condition("PeersEstablished", false, "PeersNotEstablished", text)
        });
        if let Some(kernel) = state.and_then(|state| state.kernel.as_ref()) {
            conditions.push(if kernel.failed > 0 {
                let why = kernel
                    .last_error
                    .as_deref()
                    .unwrap_or("the kernel gives no reason");
                let text = format!(
                    "{} destinations are not in the kernel: {why}",
                    kernel.failed
                );
                self.condition("Programmed", false, "KernelError", text)
            } else if kernel.installed < kernel.wanted {
                let (reason, text) = missing(kernel);
                self.condition("Programmed", false, reason, text)
            } else {
                self.condition(
                    "Programmed",
                    true,
                    "Programmed",
                    "all best paths are in the kernel",
                )
            });
        }
        let count = |n: usize| i32::try_from(n).unwrap_or(i32::MAX);
        BGPRouterStatus {
            phase: Some(phase.to_owned()),
            observed_generation: Some(self.generation),
            roles: roles.cloned(),
            role_summary: roles.map(|roles| {
                roles
                    .iter()
                    .map(|role| role.as_str())
                    .collect::<Vec<_>>()
                    .join(",")
            }),
            peers: Some(PeerCounts {
                total: count(peers.len()),
                established: count(peers.len() - down.len()),
            }),
            conditions: Some(conditions),
        }
    }

    /// The phase, and the conditions that speak of the router itself.
    fn router_runs(&self, state: Option<&RouterState>) -> (&'static str, Vec<Condition>) {
        let accepted = self.accepted();
        if self.refused().is_some() {
            let conditions = vec![
                accepted,
                self.not_accepted_so("Ready"),
                self.condition("RuntimeAvailable", true, "RuntimeReady", "the agent runs"),
                self.not_accepted_so("ConfigApplied"),
            ];
            return ("Failed", conditions);
        }
        let error = state.and_then(|state| state.error.as_deref());
        match (state, error) {
            (_, Some(error)) => (
                "Failed",
                vec![
                    accepted,
                    self.condition("Ready", false, "ReconcileError", error),
                    self.condition("RuntimeAvailable", false, "RuntimeNotReady", error),
                    self.condition("ConfigApplied", false, "ApplyFailed", error),
                ],
            ),
            (Some(state), None) if state.listening => {
                let (runs, applied) = match self.in_effect() {
                    Some(generation) => (
                        format!("the router runs as in generation {generation}"),
                        self.not_accepted_so("ConfigApplied"),
                    ),
                    None => {
                        let text = "the configuration is in force";
                        (
                            "the router runs as configured".to_owned(),
                            self.condition("ConfigApplied", true, "Applied", text),
                        )
                    }
                };
                let conditions = vec![
                    accepted,
                    self.condition("Ready", true, "RuntimeReady", runs),
                    self.condition("RuntimeAvailable", true, "RuntimeReady", "the agent runs"),
                    applied,
                ];
                ("Ready", conditions)
            }
            _ => {
                let text = "the router is being started";
                let conditions = vec![
                    accepted,
                    self.condition("Ready", false, "RuntimeNotReady", text),
                    self.condition("RuntimeAvailable", false, "RuntimeNotReady", text),
                    self.condition("ConfigApplied", false, "Pending", text),
                ];
                ("Pending", conditions)
            }
        }
    }

    fn peer(
        &self,
        key: &ObjectKey,
        desired: &Desired,
        snapshot: &Snapshot,
    ) -> Option<BGPPeerStatus> {
        let path = key.path();
        let unknown = PeerState {
            state: "Idle".into(),
            ..PeerState::default()
        };
        let sessions: Vec<(&Peer, &PeerState)> = desired
            .peers
            .values()
            .filter(|peer| *peer.key.peer == *path)
            .map(|peer| (peer, snapshot.peers.get(&peer.key).unwrap_or(&unknown)))
            .collect();
        let furthest = sessions
            .iter()
            .min_by_key(|(_, state)| progress(&state.state));
        let (state, ready) = match (furthest, self.refused()) {
            // A session that is refused on one of several routers is as far from Established as can be.
            (_, Some(_)) => ("Idle", self.condition("Ready", false, "Idle", NOT_ACCEPTED)),
            (Some((peer, state)), None) => {
                let text = session_text(peer, state);
                let ready = state.is_established();
                (
                    &*state.state,
                    self.condition("Ready", ready, &ready_reason(state), text),
                )
            }
            // Nothing of it runs here and nothing is wrong with it: it is another node's.
            (None, None) => return None,
        };
        let last = sessions
            .iter()
            .filter_map(|(_, state)| state.last_established)
            .max();
        let routers = sessions
            .iter()
            .map(|(peer, state)| PeerRouterStatus {
                router_name: peer.key.router.name().to_owned(),
                session_state: Some(state.state.to_string()),
                reason: Some(ready_reason(state)),
                last_established_time: state.last_established.map(timestamp),
                local_address: state.local_address.map(|address| address.to_string()),
                flaps: i64::try_from(state.flaps).ok(),
                families: Some(
                    state
                        .families
                        .iter()
                        .map(|counts| FamilyStatus {
                            family: counts.family.to_string(),
                            received: signed(counts.received),
                            accepted: signed(counts.accepted),
                            advertised: signed(counts.advertised),
                        })
                        .collect(),
                ),
            })
            .collect::<Vec<_>>();
        Some(BGPPeerStatus {
            observed_generation: Some(self.generation),
            session_state: Some(state.to_owned()),
            last_established_time: last.map(timestamp),
            conditions: Some(vec![self.accepted(), ready]),
            routers: Some(routers),
        })
    }

    fn advertisement(
        &self,
        key: &ObjectKey,
        desired: &Desired,
        snapshot: &Snapshot,
    ) -> Option<BGPAdvertisementStatus> {
        let path = key.path();
        let wanted = desired
            .originations
            .values()
            .find(|origination| *origination.key.advertisement == *path);
        let mut originated = 0;
        let (ready, advertised) = match (wanted, self.refused()) {
            (_, Some(_)) => (
                self.not_accepted_so("Ready"),
                self.not_accepted_so("Advertised"),
            ),
            (Some(wanted), None) => {
                let state = snapshot.originations.get(&wanted.key);
                originated = state.map_or(0, |state| state.originated);
                self.originated(
                    &wanted.key,
                    state.and_then(|state| state.error.as_deref()),
                    originated,
                    state.map_or(&[], |state| &state.advertised_to),
                )
            }
            (None, None) => return None,
        };
        Some(BGPAdvertisementStatus {
            observed_generation: Some(self.generation),
            advertised_prefixes: i32::try_from(originated).ok(),
            conditions: Some(vec![self.accepted(), ready, advertised]),
        })
    }

    fn originated(
        &self,
        key: &OriginationKey,
        error: Option<&str>,
        originated: u32,
        told: &[std::sync::Arc<str>],
    ) -> (Condition, Condition) {
        let ready = match (error, originated) {
            (Some(error), _) => self.condition("Ready", false, "NotOriginated", error),
            (None, 0) => {
                let text = format!("BGPRouter {} does not originate it yet", key.router);
                self.condition("Ready", false, "Pending", text)
            }
            (None, n) => {
                let text = format!(
                    "BGPRouter {} originates it; number of prefixes: {n}",
                    key.router
                );
                self.condition("Ready", true, "Originated", text)
            }
        };
        let names: Vec<&str> = told.iter().map(|name| &**name).collect();
        let advertised = if names.is_empty() {
            let text = "no peer has been told of it yet";
            self.condition("Advertised", false, "NoPeers", text)
        } else {
            self.condition(
                "Advertised",
                true,
                "Advertised",
                format!("told to {}", list(&names)),
            )
        };
        (ready, advertised)
    }
}

/// The reason of a session's condition Ready: its state, or for Idle why it is.
fn ready_reason(state: &PeerState) -> String {
    match (progress(&state.state), &state.idle_reason) {
        (None, _) => "Unknown".to_owned(),
        (Some(0), Some(reason)) => reason.to_string(),
        (Some(_), _) => state.state.to_string(),
    }
}

fn session_text(peer: &Peer, state: &PeerState) -> String {
    let with = format!(
        "the session of BGPRouter {} with {}",
        peer.key.router, peer.address
    );
    let mut text = match &*state.state {
        "Established" => {
            let families: Vec<String> = state
                .families
                .iter()
                .map(|counts| counts.family.to_string())
                .collect();
            format!("{with} is up, with {}", families.join(" and "))
        }
        "Idle" if peer.shutdown.is_some() => format!("{with} is shut down by its BGPPeer"),
        "Idle" => format!("{with} is down"),
        "Connect" => format!("{with} is being opened"),
        "Active" => format!("{with} waits for a connection, or for the next attempt"),
        "OpenSent" => format!("{with} waits for the neighbour's OPEN"),
        "OpenConfirm" => format!("{with} waits for the neighbour's KEEPALIVE"),
        other => return format!("{with} is in an unknown state, {other:?}"),
    };
    if let Some(error) = state
        .last_error
        .as_deref()
        .filter(|_| !state.is_established())
    {
        text.push_str("; last error: ");
        text.push_str(error);
    }
    text
}

/// Why wanted destinations are not in the kernel though it refused none: the state that says most, and all counts.
fn missing(kernel: &KernelState) -> (&'static str, String) {
    let missing = kernel.wanted.saturating_sub(kernel.installed);
    let stuck = [
        (
            "Unresolved",
            kernel.unresolved,
            "unresolved (no next hop is reached)",
        ),
        (
            "Blocked",
            kernel.blocked,
            "blocked (the kernel has a route of its own, or it is a default route that is not accepted)",
        ),
        (
            "Shadowed",
            kernel.shadowed,
            "shadowed (another router of this node has the prefix)",
        ),
    ];
    let known: u64 = stuck.iter().map(|(_, count, _)| count).sum();
    let on_their_way = ("Programming", missing.saturating_sub(known), "on their way");
    let all = [on_their_way].into_iter().chain(stuck);
    let found: Vec<_> = all.filter(|(_, count, _)| *count > 0).collect();
    let reason = found.first().map_or("Programming", |(reason, ..)| reason);
    let counts: Vec<String> = found
        .iter()
        .map(|(_, count, what)| format!("{count} {what}"))
        .collect();
    let text = format!(
        "{missing} of {} destinations are not in the kernel: {}; `cosmos show fib` says why for each",
        kernel.wanted,
        counts.join(", ")
    );
    (reason, text)
}

/// How far a state is on the way to Established.
fn progress(state: &str) -> Option<usize> {
    [
        "Idle",
        "Connect",
        "Active",
        "OpenSent",
        "OpenConfirm",
        "Established",
    ]
    .iter()
    .position(|known| *known == state)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_in_the_kernel_is_counted_by_why() {
        let kernel = KernelState {
            wanted: 10,
            installed: 4,
            ..KernelState::default()
        };
        let stuck = KernelState {
            installed: 7,
            unresolved: 1,
            blocked: 2,
            ..kernel.clone()
        };
        let shadowed = KernelState {
            installed: 9,
            shadowed: 1,
            ..kernel.clone()
        };
        let both = KernelState {
            blocked: 5,
            ..kernel.clone()
        };
        for (kernel, reason, counts) in [
            (
                kernel,
                "Programming",
                "6 of 10 destinations are not in the kernel: 6 on their way;",
            ),
            (
                stuck,
                "Unresolved",
                "3 of 10 destinations are not in the kernel: 1 unresolved (no next hop is reached), 2 blocked",
            ),
            (
                shadowed,
                "Shadowed",
                "1 of 10 destinations are not in the kernel: 1 shadowed",
            ),
            (
                both,
                "Programming",
                "6 of 10 destinations are not in the kernel: 1 on their way, 5 blocked",
            ),
        ] {
            let (found, text) = missing(&kernel);
            assert_eq!(found, reason);
            assert!(text.starts_with(counts), "{text}");
        }
    }
}
