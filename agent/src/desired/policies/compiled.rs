//! What came of BGPPolicies, kept until they change: expressions take a while to compile, and tables know by the policy that is still
//! the same that there is nothing to do.

use std::collections::BTreeMap;
use std::sync::Arc;

use crds::BGPPolicySpec;
use rib::policy::Policy;

use super::terms::{Terms, Variant};
use crate::desired::build::Findings;
use crate::desired::objects::ObjectKey;
use crate::desired::problem::{Problem, Severity};

/// See the top of this file.
#[derive(Clone, Default, PartialEq, Debug)]
pub(in crate::desired) struct CompiledPolicies(BTreeMap<ObjectKey, Vec<Entry>>);

/// One form of an object: as it is written now, or, where that is refused, as it was when it was accepted last.
#[derive(Clone, PartialEq, Debug)]
struct Entry {
    spec: BGPPolicySpec,
    terms: Arc<Terms>,
    problems: Vec<Problem>,
    policies: Made,
    /// Those of the time before: what nobody asks for any more is not kept.
    before: Made,
}

type Made = Vec<(Variant, Option<Arc<Policy>>)>;

/// Which form of an object.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Form(usize);

impl CompiledPolicies {
    /// Compiles the spec of an object, unless `former` has done so. What is wrong with it is noted.
    pub(super) fn form(
        &mut self,
        former: &Self,
        key: &ObjectKey,
        spec: &BGPPolicySpec,
        findings: &mut Findings<'_>,
    ) -> Form {
        let mut known = former.0.get(key).into_iter().flatten();
        let entry = match known.find(|entry| entry.spec == *spec) {
            Some(known) => Entry {
                policies: Vec::new(),
                before: known.policies.clone(),
                ..known.clone()
            },
            None => Entry::of(key, spec),
        };
        findings.repeat(&entry.problems);
        let forms = self.0.entry(key.clone()).or_default();
        forms.push(entry);
        Form(forms.len() - 1)
    }

    /// The terms of a form that can be carried out.
    pub(super) fn terms(&self, key: &ObjectKey, form: Form) -> Option<Arc<Terms>> {
        let entry = self.0.get(key)?.get(form.0)?;
        (!entry.is_refused()).then(|| Arc::clone(&entry.terms))
    }

    /// The policy that the terms of a form make.
    pub(super) fn policy(
        &mut self,
        key: &ObjectKey,
        form: Form,
        variant: Variant,
    ) -> Option<Arc<Policy>> {
        let entry = self.0.get_mut(key)?.get_mut(form.0)?;
        let mut known = entry.policies.iter();
        if let Some((_, policy)) = known.find(|(of, _)| *of == variant) {
            return policy.clone();
        }
        let mut before = entry.before.iter();
        let policy = match before.find(|(of, _)| *of == variant) {
            Some((_, policy)) => policy.clone(),
            None => entry.terms.policy(&key.name, &variant),
        };
        entry.policies.push((variant, policy.clone()));
        policy
    }

    /// For the next time.
    pub(super) fn settled(mut self) -> Self {
        for entry in self.0.values_mut().flatten() {
            entry.before.clear();
        }
        self
    }
}

impl Entry {
    fn of(key: &ObjectKey, spec: &BGPPolicySpec) -> Self {
        let mut problems = Vec::new();
        let mut findings = Findings::new(key, &mut problems);
        let terms = Terms::of(spec, &mut findings);
        Self {
            spec: spec.clone(),
            terms: Arc::new(terms),
            problems,
            policies: Vec::new(),
            before: Vec::new(),
        }
    }

    fn is_refused(&self) -> bool {
        let mut problems = self.problems.iter();
        problems.any(|problem| problem.severity == Severity::Rejected)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::SystemTime;

    use super::*;
    use crate::desired::{Desired, InEffect};
    use crate::source::folder::Folder;

    const NODE: &str = "
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {name: r}
spec: {targetRef: {kind: Node, name: n}, localASN: 65000, routerID: 10.0.0.1, addressFamilies: [{afi: ipv6, safi: unicast}]}
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: a}
spec: {routerRef: {name: r}, address: '2001:db8::1', peerASN: 65001, addressFamilies: [{afi: ipv6, safi: unicast}]}
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: b}
spec: {routerRef: {name: r}, address: '2001:db8::2', peerASN: 65002, addressFamilies: [{afi: ipv6, safi: unicast}]}
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPolicy
metadata: {name: p}
spec:
  routerSelector: {}
  direction: import
  terms: [{sequence: 10, match: {asPathFilter: {pattern: _65001_}}, action: permit, set: {asPath: {prepend: 1}}}]
";

    fn policies(desired: &Desired) -> Vec<Arc<Policy>> {
        let peers = desired.peers.values();
        let chains = peers.map(|peer| peer.import_policies.policies());
        chains.flatten().cloned().collect()
    }

    #[test]
    fn a_policy_is_compiled_once_for_all_peers_and_stays_until_it_changes() {
        let (mut folder, mut in_effect) = (Folder::default(), InEffect::default());
        let mut built = |text: &str| {
            let files = BTreeMap::from([("all.yaml".to_owned(), Ok(text.to_owned()))]);
            let content = folder.read(files, SystemTime::UNIX_EPOCH).expect("news");
            policies(&in_effect.build(&content.objects, "n").0)
        };
        let first = built(NODE);
        assert_eq!(first.len(), 2);
        assert!(Arc::ptr_eq(&first[0], &first[1]), "both peers share it");
        // Something else changes.
        let second = built(&NODE.replace("10.0.0.1", "10.0.0.2"));
        assert!(Arc::ptr_eq(&first[0], &second[0]));
        // It is refused, and goes on; is there again; and says something else.
        let third = built(&NODE.replace("prepend: 1", "prepend: 1, asn: 0"));
        assert!(Arc::ptr_eq(&first[0], &third[0]));
        let fourth = built(NODE);
        assert!(Arc::ptr_eq(&first[0], &fourth[0]));
        let fifth = built(&NODE.replace("prepend: 1", "prepend: 2"));
        assert_ne!(first[0], fifth[0]);
        // To one of them we are somebody else.
        let sixth =
            built(&NODE.replace("peerASN: 65002", "localAS: {number: 64999}, peerASN: 65002"));
        assert_ne!(sixth[0], sixth[1]);
        assert_eq!(sixth[0], first[0]);
    }
}
