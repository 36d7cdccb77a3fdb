//! One policy by itself, for people who try it on a route.

use std::sync::Arc;

use bgp_wire::Asn;
use crds::{BGPPolicySpec, PolicyDirection};
use rib::policy::Policy;

use super::terms::{Audience, Terms};
use crate::desired::build::{Findings, REFUSED};
use crate::desired::objects::{Kind, Object, ObjectKey, Objects};
use crate::desired::problem::{Problem, Severity};
use crate::desired::select;

/// A policy as it acts on the routes of one BGPPeer.
#[derive(Clone, PartialEq, Debug)]
pub struct Trial {
    /// What it does.
    pub policy: Arc<Policy>,
    /// On which routes.
    pub direction: PolicyDirection,
    /// Terms about other BGPPeers, which are not in it, by their numbers.
    pub left_out: Vec<i64>,
}

/// Why a policy cannot be tried.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum TrialError {
    /// It, or the peer, is not there.
    #[error("{0}")]
    NotFound(String),
    /// It cannot be carried out.
    #[error("{}", lines(.0))]
    Refused(Vec<Problem>),
}

fn lines(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(ToString::to_string).collect();
    lines.join("\n")
}

/// The policy of this name and namespace, as it acts on the routes of the BGPPeer, if one is named.
pub fn trial(
    objects: &Objects,
    namespace: &str,
    name: &str,
    peer: Option<&str>,
) -> Result<Trial, TrialError> {
    let key = ObjectKey::new(Kind::BgpPolicy, namespace, name);
    let Some(Object::Policy(object)) = objects.get(&key) else {
        return Err(missing(&key, objects));
    };
    let spec = &object.spec;
    let mut problems = Vec::new();
    let terms = Terms::of(spec, &mut Findings::new(&key, &mut problems));
    problems.retain(|problem| problem.severity == Severity::Rejected);
    if !problems.is_empty() {
        return Err(TrialError::Refused(problems));
    }
    let own = match peer {
        Some(peer) => as_we_are_to(peer, namespace, spec, objects)?,
        None => router(namespace, spec, objects),
    };
    let audience = Audience {
        // Of a policy that puts none of ours in front no one sees it.
        own: own.unwrap_or(Asn(0)),
        peer,
    };
    let variant = terms.variant(audience, false);
    if own.is_none() && variant.names_us() {
        let text = format!(
            "{key} puts our own AS in front of paths (asPath.prepend without asn), and there is no BGPRouter that it is bound to"
        );
        return Err(TrialError::NotFound(text));
    }
    let policy = terms.whole(name, &variant);
    let left_out = terms.left_out(&variant);
    Ok(Trial {
        policy: policy.map_err(|wrong| TrialError::NotFound(format!("{key}: {wrong}")))?,
        direction: spec.direction,
        left_out,
    })
}

fn missing(key: &ObjectKey, objects: &Objects) -> TrialError {
    TrialError::NotFound(match objects.is_refused(key) {
        true => format!("{} {:?} {REFUSED}", key.kind, key.name),
        false => format!(
            "there is no {} {:?} in namespace {:?}",
            key.kind, key.name, key.namespace
        ),
    })
}

/// The AS that we are to a BGPPeer.
fn as_we_are_to(
    peer: &str,
    namespace: &str,
    policy: &BGPPolicySpec,
    objects: &Objects,
) -> Result<Option<Asn>, TrialError> {
    let key = ObjectKey::new(Kind::BgpPeer, namespace, peer);
    let Some(Object::Peer(peer)) = objects.get(&key) else {
        return Err(missing(&key, objects));
    };
    // RFC 7705 §3.1.
    let local = peer.spec.local_as.as_ref().map(|local| local.number);
    let named = peer.spec.router_ref.as_ref().and_then(|reference| {
        match objects.get(&ObjectKey::new(Kind::BgpRouter, namespace, &reference.name)) {
            Some(Object::Router(router)) => Some(router.spec.local_asn),
            _ => None,
        }
    });
    let number = local
        .or(named)
        .and_then(|number| u32::try_from(number).ok());
    Ok(number
        .map(Asn)
        .or_else(|| router(namespace, policy, objects)))
}

/// The AS of the first router that the policy is bound to.
fn router(namespace: &str, policy: &BGPPolicySpec, objects: &Objects) -> Option<Asn> {
    let mut routers = objects.routers().filter(|(key, router)| {
        let labels = router.metadata.labels.clone().unwrap_or_default();
        key.namespace == namespace
            && match (&policy.router_ref, &policy.router_selector) {
                (Some(reference), _) => key.name == reference.name,
                (None, Some(selector)) => select::matches(selector, &labels),
                (None, None) => false,
            }
    });
    let (_, router) = routers.next()?;
    u32::try_from(router.spec.local_asn).ok().map(Asn)
}
