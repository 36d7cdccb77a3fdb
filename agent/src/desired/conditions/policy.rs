//! What is told of a BGPPolicy: on which routers it acts, and on the routes of whom.

use std::collections::BTreeSet;

use crds::{BGPPolicy, BGPPolicyStatus, Condition};
use rib::policy::Chain;

use super::{Told, list};
use crate::desired::objects::ObjectKey;
use crate::desired::policies::Scope;
use crate::desired::snapshot::Snapshot;
use crate::desired::types::{Desired, Peer, RouterKey};

impl Told<'_> {
    pub(super) fn policy(
        &self,
        key: &ObjectKey,
        policy: &BGPPolicy,
        desired: &Desired,
        snapshot: &Snapshot,
    ) -> Option<BGPPolicyStatus> {
        let path = key.path();
        let bound = desired.policies.iter();
        let bound = bound.filter(|(key, _)| *key.policy == *path);
        let bound: Vec<(&RouterKey, Scope)> =
            bound.map(|(key, scope)| (&key.router, *scope)).collect();
        let (ready, applied) = match (bound.first(), self.refused()) {
            (None, None) if self.rejections().next().is_none() => return None,
            (Some((_, scope)), None) => self.acting(&bound, *scope, key, desired, snapshot),
            (None, _) | (_, Some(_)) => (
                self.not_accepted_so("Ready"),
                self.not_accepted_so("PolicyApplied"),
            ),
        };
        Some(BGPPolicyStatus {
            observed_generation: Some(self.generation),
            terms: i32::try_from(policy.spec.terms.len()).ok(),
            conditions: Some(vec![self.accepted(), ready, applied]),
        })
    }

    fn acting(
        &self,
        bound: &[(&RouterKey, Scope)],
        scope: Scope,
        key: &ObjectKey,
        desired: &Desired,
        snapshot: &Snapshot,
    ) -> (Condition, Condition) {
        let runs = |router: &RouterKey| {
            let state = snapshot.routers.get(router);
            state.is_some_and(|state| state.error.is_none())
        };
        let running: Vec<&str> = bound
            .iter()
            .filter(|(router, _)| runs(router))
            .map(|(router, _)| router.name())
            .collect();
        if running.is_empty() {
            let text = "none of its routers runs yet";
            return (
                self.condition("Ready", false, "Pending", text),
                self.condition("PolicyApplied", false, "Pending", text),
            );
        }
        let routers = list(&running);
        let ready = match scope {
            Scope::Import => {
                format!("acts on what all peers of its routers tell; routers: {routers}")
            }
            Scope::Export => {
                format!("acts on what all peers of its routers are told; routers: {routers}")
            }
            Scope::Named => format!(
                "acts only where a BGPPeer or BGPAdvertisement names it; routers: {routers}"
            ),
        };
        let applied = match routes(key, desired) {
            none if none.is_empty() => {
                let text = match scope {
                    Scope::Named => "nobody who names it runs on this node",
                    Scope::Import | Scope::Export => {
                        "its routers have no peers, or none that a term of it is about"
                    }
                };
                self.condition("PolicyApplied", false, "NoPeers", text)
            }
            whose => {
                let text = format!("routes pass through it: {}", whose.join("; "));
                self.condition("PolicyApplied", true, "Applied", text)
            }
        };
        (self.condition("Ready", true, "Active", ready), applied)
    }
}

/// Whose routes pass through the policy.
fn routes(key: &ObjectKey, desired: &Desired) -> Vec<String> {
    let is_in = |chain: &Chain, router: &RouterKey| {
        let mut policies = chain.policies().iter();
        router.namespace() == key.namespace && policies.any(|policy| **policy.name() == *key.name)
    };
    let configured = desired.peers.values().map(|peer| &**peer);
    let dynamic = desired.dynamic.values().flat_map(|all| &all.sessions);
    let sessions: Vec<&Peer> = configured.chain(dynamic).collect();
    let whose = |word: &str, chain: fn(&Peer) -> &Chain| {
        let names = sessions
            .iter()
            .filter(|peer| is_in(chain(peer), &peer.key.router))
            .map(|peer| peer.key.name());
        said(word, names.collect())
    };
    let originated = desired.originations.values();
    let originated = originated
        .filter(|origination| is_in(&origination.policies, &origination.key.router))
        .map(|origination| origination.key.name());
    [
        whose("received from", |peer| &peer.import_policies),
        whose("told to", |peer| &peer.export_policies),
        said("originated by", originated.collect()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn said(word: &str, names: BTreeSet<&str>) -> Option<String> {
    let names: Vec<&str> = names.into_iter().collect();
    (!names.is_empty()).then(|| format!("{word} {}", list(&names)))
}
