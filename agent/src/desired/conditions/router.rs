//! What is told of a BGPRouter: its sessions, and what the kernel has of it.

use crds::{BGPRouter, BGPRouterStatus, Condition, PeerCounts};

use super::{Told, list};
use crate::desired::objects::ObjectKey;
use crate::desired::snapshot::{KernelState, PeerState, RouterState, Snapshot};
use crate::desired::types::{Desired, Peer, RouterKey};

impl Told<'_> {
    pub(super) fn router(
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
        // Nobody knows who is missing among dynamic neighbours; a stranger that does not come up is none.
        let dynamic = snapshot.dynamic.iter();
        let dynamic = dynamic.filter(|(key, _)| key.router == router_key);
        let dynamic: u64 = dynamic.map(|(_, state)| state.established).sum();
        let dynamic = usize::try_from(dynamic).unwrap_or(usize::MAX);
        let total = peers.len().saturating_add(dynamic);
        let roles = object.spec.roles.as_ref();

        let (phase, mut conditions) = self.router_runs(state);
        conditions.push(if down.is_empty() {
            let (reason, text) = if total == 0 {
                ("NoPeers", "there are no peers")
            } else {
                ("PeersEstablished", "all peers are Established")
            };
            self.condition("Degraded", false, reason, text)
        } else {
            let text = format!(
                "{} of {} not Established: {}",
                down.len(),
                total,
                list(&down)
            );
            self.condition("Degraded", true, "PeersNotEstablished", text)
        });
        conditions.push(if total == 0 {
            self.condition("PeersEstablished", false, "NoPeers", "there are no peers")
        } else if down.is_empty() {
            let text = "all peers are Established";
            self.condition("PeersEstablished", true, "PeersEstablished", text)
        } else {
            let text = format!("not Established: {}", list(&down));
            self.condition("PeersEstablished", false, "PeersNotEstablished", text)
        });
        if let Some(kernel) = state.and_then(|state| state.kernel.as_ref()) {
            conditions.push(if let Some(why) = &kernel.denied {
                self.condition("Programmed", false, "AnotherAgent", why)
            } else if kernel.failed > 0 {
                let why = kernel
                    .last_error
                    .as_deref()
                    .unwrap_or("the kernel gives no reason");
                let what = match kernel.failed {
                    1 => "1 destination is".to_owned(),
                    many => format!("{many} destinations are"),
                };
                let text = format!("{what} not in the kernel: {why}");
                self.condition("Programmed", false, "KernelError", text)
            } else if kernel.installed < kernel.wanted {
                let (reason, text) = missing(kernel);
                self.condition("Programmed", false, reason, text)
            } else {
                self.condition("Programmed", true, "Programmed", all_there(kernel))
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
                total: count(total),
                established: count(total - down.len()),
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
            // What cannot be carried out leaves what was in effect.
            (Some(state), Some(error)) if state.listening => (
                "Ready",
                vec![
                    accepted,
                    self.condition("Ready", true, "RuntimeReady", error),
                    self.condition("RuntimeAvailable", true, "RuntimeReady", "the agent runs"),
                    self.condition("ConfigApplied", false, "ApplyFailed", error),
                ],
            ),
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
            "blocked (a route of someone else has the same metric, or an IPv6 route an IPv4 gateway)",
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
        "{missing} of {} destinations are not in the kernel: {}{}; `cosmos show fib` says why for each",
        kernel.wanted,
        counts.join(", "),
        excluded(kernel)
            .map(|also| format!("; and {also}"))
            .unwrap_or_default()
    );
    (reason, text)
}

/// That all is in the kernel that is wanted there, how much is not wanted, and how much not used.
fn all_there(kernel: &KernelState) -> String {
    let mut text = "all best paths are in the kernel".to_owned();
    if let Some(but) = excluded(kernel) {
        text += &format!(" but {but}");
    }
    if kernel.outranked > 0 {
        text += &format!(
            ", which prefers routes of someone else with a lower metric to {} of them",
            kernel.outranked
        );
    }
    if kernel.excluded + kernel.outranked > 0 {
        text += "; `cosmos show fib` says why for each";
    }
    text
}

/// What is left out by rule, in words.
fn excluded(kernel: &KernelState) -> Option<String> {
    let excluded = kernel.excluded;
    (excluded > 0).then(|| {
        format!(
            "{excluded} left out by rule (a network on a link of the node, an address of its own, or a default route \
             without kernel.acceptDefaultRoute)"
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_by_rule_is_counted_apart() {
        let all = KernelState {
            wanted: 10,
            installed: 10,
            ..KernelState::default()
        };
        assert_eq!(all_there(&all), "all best paths are in the kernel");
        let but = KernelState { excluded: 2, ..all };
        let text = all_there(&but);
        assert!(
            text.starts_with("all best paths are in the kernel but 2 left out by rule ("),
            "{text}"
        );
        let late = KernelState {
            installed: 9,
            ..but
        };
        let (reason, text) = missing(&late);
        assert_eq!(reason, "Programming");
        assert!(
            text.starts_with("1 of 10 destinations are not in the kernel: 1 on their way; and 2 left out by rule ("),
            "{text}"
        );
    }

    #[test]
    fn what_the_kernel_does_not_use_is_counted() {
        let kernel = KernelState {
            wanted: 10,
            installed: 10,
            outranked: 3,
            ..KernelState::default()
        };
        assert_eq!(
            all_there(&kernel),
            "all best paths are in the kernel, which prefers routes of someone else with a lower metric to 3 of them; \
             `cosmos show fib` says why for each"
        );
    }

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
