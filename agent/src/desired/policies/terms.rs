//! The terms of a BGPPolicy, and the policies that they make: one for each AS that we are, and for each set of terms that a peer meets.

use std::collections::BTreeSet;
use std::sync::Arc;

use bgp_wire::{Asn, Family};
use crds::{BGPPolicySpec, PolicyAction, PolicyDirection};
use rib::policy::{Action, Match, NextHopChange, PathChange, Policy, Set, Term, TooManyTerms};

use super::changes::{OwnPrepends, changes};
use super::fields::Field;
use super::matches::{Peers, matches};
use crate::desired::build::Findings;
use crate::desired::problem::Reason;

/// The most expressions of one policy: each may take 256 KiB.
const EXPRESSIONS: usize = 64;

/// The most terms of one policy, as the schema has it.
const MOST: usize = 32;

/// The number of the term behind all others of a policy that says which prefixes are originated: one more than a term can have.
const BEHIND: i64 = 65_536;

/// See the top of this file.
#[derive(Clone, PartialEq, Debug)]
pub(super) struct Terms {
    pub(super) direction: PolicyDirection,
    terms: Vec<Compiled>,
}

#[derive(Clone, PartialEq, Debug)]
struct Compiled {
    /// Its place in the list of the object.
    index: usize,
    term: Term,
    own: OwnPrepends,
    peers: Peers,
}

/// What makes one policy of the terms different from another one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Variant {
    /// The AS that is put in front of paths where the policy names none; unless none is.
    own: Option<Asn>,
    /// The terms that a peer can meet.
    met: Vec<bool>,
    /// What no term permits is denied.
    filters: bool,
}

/// For whom a policy is made.
#[derive(Clone, Copy)]
pub(super) struct Audience<'a> {
    /// The AS that we are to them.
    pub(super) own: Asn,
    /// The BGPPeer. Without one it is about what is originated.
    pub(super) peer: Option<&'a str>,
}

impl Terms {
    /// The terms of a spec. What cannot be carried out is noted.
    pub(super) fn of(spec: &BGPPolicySpec, findings: &mut Findings<'_>) -> Self {
        let mut terms = Vec::with_capacity(spec.terms.len());
        let mut sequences = BTreeSet::new();
        let mut expressions = 0_usize;
        for (index, term) in spec.terms.iter().enumerate() {
            let field = Field::term(index);
            // The schema says so too.
            if !sequences.insert(term.sequence) {
                let message = format!(
                    "{} is another term's already, so nobody can tell which is tried first; give each its own",
                    term.sequence
                );
                findings.reject(field.at("sequence").as_str(), Reason::InvalidValue, message);
            }
            let (matches, peers) = matches(&field.at("match"), &term.match_, findings);
            let (action, own) = match (term.action, &term.set) {
                (PolicyAction::Deny, set) => {
                    if set.is_some() {
                        let message =
                            "what is denied goes nowhere, so there is nothing to change; remove it";
                        findings.reject(field.at("set").as_str(), Reason::InvalidValue, message);
                    }
                    (Action::Deny, None)
                }
                (PolicyAction::Permit, None) => (Action::default(), None),
                (PolicyAction::Permit, Some(set)) => {
                    let field = field.at("set");
                    let (set, own) = changes(&field, set, spec.direction, findings);
                    fits(&field, &matches, &set, findings);
                    (Action::Permit(Box::new(set)), own)
                }
            };
            expressions += expressions_of(&matches, &action);
            terms.push(Compiled {
                index,
                term: Term {
                    sequence: term.sequence.into(),
                    matches,
                    action,
                },
                own,
                peers,
            });
        }
        if spec.terms.len() > MOST {
            let message = format!(
                "there are {} terms, and at most {MOST} are taken; spread them over several policies",
                spec.terms.len()
            );
            findings.reject("spec.terms", Reason::InvalidValue, message);
        }
        if expressions > EXPRESSIONS {
            let message = format!(
                "the terms have {expressions} regular expressions, and at most {EXPRESSIONS} are taken; join some with |, or \
                 spread them over several policies"
            );
            findings.reject("spec.terms", Reason::InvalidExpression, message);
        }
        Self {
            direction: spec.direction,
            terms,
        }
    }

    /// The terms that name BGPPeers: their places in the object, and the names.
    pub(super) fn about_peers(&self) -> impl Iterator<Item = (usize, &BTreeSet<String>)> {
        self.terms
            .iter()
            .filter_map(|term| Some((term.index, term.peers.as_ref()?)))
    }

    /// The families that terms ask for by name, with the places of the terms.
    pub(super) fn about_families(&self) -> impl Iterator<Item = (usize, Vec<Family>)> {
        self.terms.iter().filter_map(|term| {
            let families = term.term.matches.families?;
            Some((term.index, families.iter().collect()))
        })
    }

    /// Which of the policies it is for these.
    pub(super) fn variant(&self, audience: Audience<'_>, filters: bool) -> Variant {
        let met = self.terms.iter().map(|term| term.is_met_by(audience.peer));
        Variant {
            own: self
                .terms
                .iter()
                .any(|term| term.own.is_some())
                .then_some(audience.own),
            met: met.collect(),
            filters,
        }
    }

    /// The terms that are not in a policy, by their numbers.
    pub(super) fn left_out(&self, variant: &Variant) -> Vec<i64> {
        let met = self.terms.iter().zip(&variant.met);
        let others = met.filter(|(_, met)| !**met);
        others.map(|(term, _)| term.term.sequence).collect()
    }

    /// The policy of this name; `None` if no term of it is left, so that it says nothing.
    pub(super) fn policy(&self, name: &str, variant: &Variant) -> Option<Arc<Policy>> {
        // An object with more terms than the engine takes has been refused.
        let policy = self.whole(name, variant).ok()?;
        (!policy.terms().is_empty()).then_some(policy)
    }

    /// The policy of this name, with or without terms.
    pub(super) fn whole(&self, name: &str, variant: &Variant) -> Result<Arc<Policy>, TooManyTerms> {
        let met = self.terms.iter().zip(&variant.met);
        let mut terms: Vec<Term> = met
            .filter(|(_, met)| **met)
            .map(|(term, _)| term.with(variant.own))
            .collect();
        if variant.filters {
            terms.push(Term {
                sequence: BEHIND,
                matches: Match::default(),
                action: Action::Deny,
            });
        }
        Policy::new(name, terms).map(Arc::new)
    }
}

impl Variant {
    /// Whether it depends on which AS we are.
    pub(super) fn names_us(&self) -> bool {
        self.own.is_some()
    }
}

impl Compiled {
    /// Whether there is anybody of those that it names. What is originated comes from no peer.
    fn is_met_by(&self, peer: Option<&str>) -> bool {
        match (&self.peers, peer) {
            (None, _) => true,
            (Some(names), Some(peer)) => names.contains(peer),
            (Some(_), None) => false,
        }
    }

    fn with(&self, own: Option<Asn>) -> Term {
        let mut term = self.term.clone();
        if let (Some(times), Some(own)) = (self.own, own)
            && let Action::Permit(set) = &mut term.action
        {
            set.as_path = Some(PathChange::Prepend(own, times));
        }
        term
    }
}

/// Notes a next hop that routes which the term is about cannot have.
///
/// RFC 2545 §3: the next hop of IPv6 routes is an IPv6 address. That of IPv4 routes may be one too (RFC 8950).
fn fits(field: &Field, matches: &Match, set: &Set, findings: &mut Findings<'_>) {
    let Some(NextHopChange::Address(address)) = set.next_hop else {
        return;
    };
    let is_about_v6 = |families: bgp_wire::FamilySet| families.contains(Family::IPV6_UNICAST);
    let of_v4 = matches
        .prefixes
        .iter()
        .flatten()
        .chain(&matches.prefix)
        .all(|net| net.addr().is_ipv4());
    let only_v4 = of_v4 && (matches.prefixes.is_some() || matches.prefix.is_some());
    if address.is_ipv4() && !only_v4 && matches.families.is_none_or(is_about_v6) {
        let message = format!(
            "{address} is IPv4, and routes of ipv6/unicast have IPv6 next hops (RFC 2545); name the families of the term without \
             ipv6/unicast in match.addressFamilies, or give an IPv6 address"
        );
        findings.reject(
            field.at("nextHop").at("address").as_str(),
            Reason::InvalidAddress,
            message,
        );
    }
}

fn expressions_of(matches: &Match, action: &Action) -> usize {
    let communities: usize = matches
        .communities
        .iter()
        .map(|list| list.patterns.len())
        .sum();
    let removed = match action {
        Action::Permit(set) => set.remove_described.len(),
        Action::Deny => 0,
    };
    communities + removed + usize::from(matches.as_path.is_some())
}
