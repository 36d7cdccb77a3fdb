//! What policies did with a route, for people.

use std::fmt;
use std::sync::Arc;

use bgp_wire::{AttrEditor, AttrRef, Family};

use crate::export::{self, ExportRules, SourceInfo};
use crate::import::{self, Terms};
use crate::path::PeerInfo;
use crate::policy::{Action, Evaluation, RouteFacts, Step};
use crate::table::RibConfig;

/// What one policy did with a route.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyStep {
    /// The policy.
    pub policy: Arc<str>,
    /// The term that matched, by its number, and what it does; `None` if no term matched, and the route went on as it was.
    pub term: Option<(i64, Action)>,
    /// The term changes the behavior of SRv6 SIDs, and the route has none.
    pub lacks_sid: bool,
}

impl PolicyStep {
    /// Whether the policy changes what passes.
    pub fn changes(&self) -> bool {
        matches!(&self.term, Some((_, Action::Permit(set))) if !set.is_empty())
    }
}

impl fmt::Display for PolicyStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "policy {}: ", self.policy)?;
        match &self.term {
            Some((sequence, action)) => write!(f, "term {sequence} {action}")?,
            None => f.write_str("no term matches")?,
        }
        if self.lacks_sid {
            f.write_str(" (there is no SRv6 SID whose behavior could change)")?;
        }
        Ok(())
    }
}

impl From<Step<'_>> for PolicyStep {
    fn from(step: Step<'_>) -> Self {
        Self {
            policy: Arc::clone(step.policy.name()),
            term: step.term.map(|term| (term.sequence, term.action.clone())),
            lacks_sid: step.lacks_sid,
        }
    }
}

/// What the import policies of a peer do with a route of it, by the set as it was received. None if something before them has refused it.
pub(crate) fn of_import(
    config: &RibConfig,
    peer: &PeerInfo,
    family: Family,
    received: AttrRef<'_>,
    route: &RouteFacts,
) -> Vec<PolicyStep> {
    let terms = (Terms::of(peer, family), family);
    let (mut evaluation, mut editor) = (Evaluation::default(), AttrEditor::new());
    let tools = (&mut evaluation, &mut editor);
    match import::Begun::of(config, peer, terms, received, tools) {
        import::Begun::Over(_) => Vec::new(),
        import::Begun::AtPolicy(_) => steps(evaluation.trace(route)),
    }
}

/// What the export policies of a group do with a route. None if something before them keeps it back.
pub(crate) fn of_export(
    attrs: AttrRef<'_>,
    source: &SourceInfo,
    family: Family,
    route: &RouteFacts,
    rules: &ExportRules,
) -> Vec<PolicyStep> {
    let mut editor = AttrEditor::new();
    match export::Begun::of(attrs, source, family, rules, &mut editor) {
        export::Begun::Over(_) | export::Begun::Passed => Vec::new(),
        export::Begun::AtPolicy(mut evaluation) => steps(evaluation.trace(route)),
    }
}

fn steps(steps: Vec<Step<'_>>) -> Vec<PolicyStep> {
    steps.into_iter().map(PolicyStep::from).collect()
}
