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
