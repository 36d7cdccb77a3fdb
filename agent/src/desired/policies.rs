//! BGPPolicies: which of them act where, and what they do there.
//!
//! One that a BGPPeer names (`routeMapIn`, `routeMapOut`), or a BGPAdvertisement (`policyRef`), acts there alone; all others act on
//! every peer of their routers, in the order of their names, behind the one that the peer names.
//!
//! - `terms`: the terms of a policy, and the policies of the engine that they make;
//! - `matches`, `changes`: what a term asks for, and what it changes; `communities` as people write them;
//! - `compiled`: what came of an object, kept until it changes;
//! - `trial`: one policy by itself, for people who try it on a route.

mod changes;
mod communities;
mod compiled;
#[cfg(test)]
mod every_field;
mod fields;
mod matches;
mod terms;
mod trial;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use crds::{BGPPeerSpec, BGPPolicySpec, PolicyDirection};
use rib::policy::{Chain, Policy};

pub(super) use self::compiled::CompiledPolicies;
use self::compiled::Form;
use self::terms::{Audience, Terms};
pub use self::trial::{Trial, TrialError, trial};
use super::build::{Findings, REFUSED, Routers};
use super::in_effect::InEffect;
use super::objects::{Kind, Object, ObjectKey, Objects};
use super::problem::{Problem, Reason, Severity};
use super::types::{Desired, Peer, Router, RouterKey};

/// A BGPPolicy on one of the routers of this node that it is bound to.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct PolicyKey {
    /// The BGPPolicy, `namespace/name`.
    pub policy: Arc<str>,
    /// The router.
    pub router: RouterKey,
}

/// Where a policy acts on a router.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Scope {
    /// On what is received from all peers.
    Import,
    /// On what is told to all peers.
    Export,
    /// Where peers or advertisements name it.
    Named,
}

/// The policies of this node, while what is wanted is worked out.
pub(super) struct Policies<'a> {
    objects: &'a Objects,
    routers: BTreeMap<&'a RouterKey, &'a Router>,
    acting: BTreeMap<ObjectKey, Acting>,
    refused: BTreeSet<ObjectKey>,
    compiled: RefCell<CompiledPolicies>,
}

/// A policy as it is carried out.
struct Acting {
    form: Form,
    terms: Arc<Terms>,
    routers: BTreeSet<RouterKey>,
    named: bool,
}

/// Why a policy does not act where it is named.
enum Unusable {
    Missing,
    Refused,
    Direction(PolicyDirection),
    Elsewhere,
}

impl<'a> Policies<'a> {
    /// Of these objects, where this is in effect.
    pub(super) fn of(
        routers: &Routers<'a>,
        running: &InEffect,
        problems: &mut Vec<Problem>,
    ) -> Self {
        let objects = routers.objects;
        let former = running.policies();
        let named = named(objects, running);
        let mut compiled = CompiledPolicies::default();
        let mut acting = BTreeMap::new();
        let mut refused = BTreeSet::new();
        for (key, object) in objects.policies() {
            let mut findings = Findings::new(key, problems);
            let mut form = compiled.form(former, key, &object.spec, &mut findings);
            let mut bound = bound(key, &object.spec, routers, &mut findings);
            if !findings.accepted() {
                refused.insert(key.clone());
                // Bad input takes nothing away: what was made of it last goes on.
                let Some(Object::Policy(before)) = running.form(key) else {
                    continue;
                };
                let mut said_already = Vec::new();
                let mut findings = Findings::new(key, &mut said_already);
                form = compiled.form(former, key, &before.spec, &mut findings);
                bound = self::bound(key, &before.spec, routers, &mut findings);
            }
            let terms = compiled.terms(key, form);
            let Some(terms) = terms.filter(|_| !bound.is_empty()) else {
                continue;
            };
            let named = named.contains(&(key.namespace.as_str(), key.name.as_str()));
            warn(key, &terms, &bound, objects, problems);
            acting.insert(
                key.clone(),
                Acting {
                    form,
                    terms,
                    routers: bound.iter().map(|router| router.key.clone()).collect(),
                    named,
                },
            );
        }
        Self {
            objects,
            routers: routers.running.iter().collect(),
            acting,
            refused,
            compiled: RefCell::new(compiled),
        }
    }

    /// What was compiled, for the next time.
    pub(super) fn into_compiled(self) -> CompiledPolicies {
        self.compiled.into_inner().settled()
    }

    /// Where each policy acts.
    pub(super) fn scopes(&self) -> BTreeMap<PolicyKey, Scope> {
        let all = self.acting.iter().flat_map(|(key, acting)| {
            let scope = match (acting.named, acting.terms.direction) {
                (true, _) => Scope::Named,
                (false, PolicyDirection::Import) => Scope::Import,
                (false, PolicyDirection::Export) => Scope::Export,
            };
            let policy: Arc<str> = key.path().into();
            acting.routers.iter().map(move |router| {
                let key = PolicyKey {
                    policy: Arc::clone(&policy),
                    router: router.clone(),
                };
                (key, scope)
            })
        });
        all.collect()
    }

    /// The session with the policies that its object, `spec`, asks for; `None` if one that it names does not act there, which is noted.
    pub(super) fn onto(
        &self,
        peer: &Peer,
        object: &ObjectKey,
        spec: &BGPPeerSpec,
        findings: &mut Findings<'_>,
    ) -> Option<Peer> {
        let router = *self.routers.get(&peer.key.router)?;
        // RFC 7705 §3.1: what the neighbour sees as our AS is the local one.
        let audience = Audience {
            own: peer.local_as.map_or(router.local_as, |local| local.asn),
            peer: Some(&object.name),
        };
        let mut findings = findings.on(&router.key);
        let mut chain = |field, name: &Option<String>, direction| {
            let name = name.as_deref().filter(|name| !name.is_empty());
            self.chain(
                object,
                (field, name),
                direction,
                router,
                audience,
                &mut findings,
            )
        };
        let import = chain(
            "spec.routeMapIn",
            &spec.route_map_in,
            PolicyDirection::Import,
        );
        let export = chain(
            "spec.routeMapOut",
            &spec.route_map_out,
            PolicyDirection::Export,
        );
        let (import, export) = (import?, export?);
        // RFC 8212 §3.
        if router.require_policy && !peer.remote_as.is_internal(router.local_as) {
            for (field, chain, what) in [
                (
                    "spec.routeMapIn",
                    &import,
                    "nothing of what it tells is used",
                ),
                ("spec.routeMapOut", &export, "it is told nothing"),
            ] {
                if chain.is_empty() {
                    let message = format!(
                        "the neighbour is external, BGPRouter {} has requirePolicy (RFC 8212), and no policy acts here, so {what}; \
                         name a BGPPolicy, or bind one to the router",
                        router.key
                    );
                    findings.warn(field, Reason::PolicyRequired, message);
                }
            }
        }
        Some(Peer {
            import_policies: import,
            export_policies: export,
            ..peer.clone()
        })
    }

    /// Gives what goes on of refused objects its policies as they are now.
    pub(super) fn refresh(&self, desired: &mut Desired, running: &InEffect, problems: &[Problem]) {
        let rejected = problems.iter().filter(|p| p.severity == Severity::Rejected);
        let refused: BTreeSet<&ObjectKey> = rejected.map(|problem| &problem.object).collect();
        let form = |kind, router: &RouterKey, name: &str| {
            let key = ObjectKey::new(kind, router.namespace(), name);
            let object = refused.contains(&key).then(|| running.form(&key));
            object.flatten().map(|object| (key, object))
        };
        let again = |peer: &Peer, object: &ObjectKey, spec: &BGPPeerSpec| {
            let mut said_already = Vec::new();
            let mut findings = Findings::new(object, &mut said_already);
            self.onto(peer, object, spec, &mut findings)
        };
        for (key, peer) in &mut desired.peers {
            if let Some((object, Object::Peer(before))) =
                form(Kind::BgpPeer, &key.router, key.name())
                && let Some(now) = again(peer, &object, &before.spec)
                && now != **peer
            {
                *peer = Arc::new(now);
            }
        }
        for (key, neighbors) in &mut desired.dynamic {
            if let Some((object, Object::Peer(before))) =
                form(Kind::BgpPeer, &key.router, key.name())
                && let Some(now) =
                    neighbors.with_sessions(|peer| again(peer, &object, &before.spec))
            {
                *neighbors = now;
            }
        }
        for (key, origination) in &mut desired.originations {
            if let Some((object, Object::Advertisement(before))) =
                form(Kind::BgpAdvertisement, &key.router, key.name())
                && let Some(reference) = &before.spec.policy_ref
                && let Some(router) = self.routers.get(&key.router)
            {
                let mut said_already = Vec::new();
                let mut findings = Findings::new(&object, &mut said_already);
                let filter = self.filter(&object, &reference.name, router, &mut findings);
                origination.policies = filter.unwrap_or_else(|| origination.policies.clone());
            }
        }
    }

    /// The one that is named, then those of the router.
    fn chain(
        &self,
        object: &ObjectKey,
        (field, name): (&str, Option<&str>),
        direction: PolicyDirection,
        router: &Router,
        audience: Audience<'_>,
        findings: &mut Findings<'_>,
    ) -> Option<Chain> {
        let own = match name {
            Some(name) => {
                let key = ObjectKey::new(Kind::BgpPolicy, &object.namespace, name);
                Some(self.usable(field, key, direction, router, findings)?)
            }
            None => None,
        };
        let of_router = self.acting.iter().filter(|(key, acting)| {
            !acting.named
                && key.namespace == object.namespace
                && acting.terms.direction == direction
                && acting.routers.contains(&router.key)
        });
        let all = own.into_iter().chain(of_router);
        Some(Chain::new(all.filter_map(|(key, acting)| {
            self.policy(key, acting, audience, false)
        })))
    }

    /// The policy that decides what of an advertisement is originated on a router. `None` if the one that it names
    /// cannot, which is noted.
    pub(super) fn filter(
        &self,
        advertisement: &ObjectKey,
        name: &str,
        router: &Router,
        findings: &mut Findings<'_>,
    ) -> Option<Chain> {
        let key = ObjectKey::new(Kind::BgpPolicy, &advertisement.namespace, name);
        let field = "spec.policyRef.name";
        let (key, acting) = self.usable(field, key, PolicyDirection::Export, router, findings)?;
        let audience = Audience {
            own: router.local_as,
            peer: None,
        };
        Some(Chain::new(self.policy(key, acting, audience, true)))
    }

    fn policy(
        &self,
        key: &ObjectKey,
        acting: &Acting,
        audience: Audience<'_>,
        filters: bool,
    ) -> Option<Arc<Policy>> {
        let variant = acting.terms.variant(audience, filters);
        let mut compiled = self.compiled.borrow_mut();
        compiled.policy(key, acting.form, variant)
    }

    fn usable(
        &self,
        field: &str,
        key: ObjectKey,
        direction: PolicyDirection,
        router: &Router,
        findings: &mut Findings<'_>,
    ) -> Option<(&ObjectKey, &Acting)> {
        let wrong = match self.acting.get_key_value(&key) {
            Some((_, acting)) if acting.terms.direction != direction => {
                Unusable::Direction(acting.terms.direction)
            }
            Some((_, acting)) if !acting.routers.contains(&router.key) => Unusable::Elsewhere,
            Some(found) => return Some(found),
            None => self.why_not(&key),
        };
        let name = &key.name;
        let (reason, message) = match wrong {
            Unusable::Missing => (
                Reason::PolicyNotFound,
                format!(
                    "there is no BGPPolicy {name:?} in namespace {:?}; create it or correct the name",
                    key.namespace
                ),
            ),
            Unusable::Refused => (
                Reason::PolicyNotAccepted,
                format!("BGPPolicy {name:?} {REFUSED}"),
            ),
            Unusable::Direction(is) => (
                Reason::PolicyMismatch,
                format!(
                    "BGPPolicy {name:?} has direction {}, and one with direction {} is needed here; name another one, or change it",
                    Word(is),
                    Word(direction)
                ),
            ),
            Unusable::Elsewhere => (
                Reason::PolicyMismatch,
                format!(
                    "BGPPolicy {name:?} is not bound to BGPRouter {}; correct its routerRef or routerSelector, or name another one",
                    router.key
                ),
            ),
        };
        findings.reject(field, reason, message);
        None
    }

    /// Why a policy does not act on this node.
    fn why_not(&self, key: &ObjectKey) -> Unusable {
        match self.objects.get(key) {
            Some(_) if self.refused.contains(key) => Unusable::Refused,
            Some(_) => Unusable::Elsewhere,
            None if self.objects.is_refused(key) => Unusable::Refused,
            None => Unusable::Missing,
        }
    }
}

struct Word(PolicyDirection);

impl fmt::Display for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            PolicyDirection::Import => "import",
            PolicyDirection::Export => "export",
        })
    }
}

/// The routers of this node that it is bound to.
fn bound<'r>(
    key: &ObjectKey,
    spec: &BGPPolicySpec,
    routers: &Routers<'r>,
    findings: &mut Findings<'_>,
) -> Vec<&'r Router> {
    match (&spec.router_ref, &spec.router_selector) {
        (Some(reference), _) => {
            let router = routers.by_ref(&key.namespace, reference, findings);
            router.into_iter().collect()
        }
        (None, Some(selector)) => routers.by_selector(&key.namespace, selector, findings),
        (None, None) => Vec::new(),
    }
}

/// The policies that some object names, by namespace and name: as it is written, or as it was when it was accepted last. A peer that is
/// refused must not make its own policy everybody's.
fn named<'o>(objects: &'o Objects, running: &'o InEffect) -> BTreeSet<(&'o str, &'o str)> {
    let in_effect = running.objects().map(|(key, object)| (key, &**object));
    let mut found = BTreeSet::new();
    for (key, object) in objects.iter().chain(in_effect) {
        let names: [Option<&str>; 2] = match object {
            Object::Peer(peer) => [
                peer.spec.route_map_in.as_deref(),
                peer.spec.route_map_out.as_deref(),
            ],
            Object::Advertisement(advertisement) => {
                let reference = advertisement.spec.policy_ref.as_ref();
                [reference.map(|reference| &*reference.name), None]
            }
            _ => continue,
        };
        found.extend(
            names
                .into_iter()
                .flatten()
                .map(|name| (&*key.namespace, name)),
        );
    }
    found
}

/// Says what in a policy can never match on this node.
fn warn(
    key: &ObjectKey,
    terms: &Terms,
    bound: &[&Router],
    objects: &Objects,
    problems: &mut Vec<Problem>,
) {
    let mut findings = Findings::new(key, problems);
    for (index, names) in terms.about_peers() {
        for name in names {
            let peer = ObjectKey::new(Kind::BgpPeer, &key.namespace, name);
            if objects.get(&peer).is_none() {
                let message = format!(
                    "there is no BGPPeer {name:?} in namespace {:?}, so none of its routes can match; create it or correct the name",
                    key.namespace
                );
                let field = format!("spec.terms[{index}].match.peers");
                findings.warn(&field, Reason::NoEffect, message);
            }
        }
    }
    for router in bound {
        for (index, families) in terms.about_families() {
            for family in families {
                if !router.families.contains(&family) {
                    let message = format!(
                        "BGPRouter {} does not have {family}, so none of its routes can match; add it to the router's \
                         addressFamilies, or remove it here",
                        router.key
                    );
                    let field = format!("spec.terms[{index}].match.addressFamilies");
                    let mut findings = findings.on(&router.key);
                    findings.warn(&field, Reason::AddressFamilyMismatch, message);
                }
            }
        }
    }
}
