//! What is told of a BGPAdvertisement: whether its prefixes are originated, and who was told of them.

use crds::{BGPAdvertisementStatus, Condition};

use super::{Told, list};
use crate::desired::objects::ObjectKey;
use crate::desired::originates::from;
use crate::desired::problem::{Problem, Reason};
use crate::desired::snapshot::Snapshot;
use crate::desired::types::{Desired, Origination};

impl Told<'_> {
    pub(super) fn advertisement(
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
            // Another advertisement originates all of it.
            (Some(wanted), None)
                if wanted.prefixes.is_empty()
                    && wanted.sources.is_empty()
                    && !self.taken().is_empty() =>
            {
                let reason = Reason::DuplicatePrefix.as_str();
                (
                    self.condition("Ready", false, reason, self.taken()),
                    self.condition("Advertised", false, reason, self.taken()),
                )
            }
            (Some(wanted), None) => {
                let state = snapshot.originations.get(&wanted.key);
                originated = state.map_or(0, |state| state.originated);
                self.originated(
                    wanted,
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

    /// Which of its prefixes another advertisement originates.
    fn taken(&self) -> String {
        let taken = |problem: &&&Problem| problem.reason == Reason::DuplicatePrefix;
        let taken = self.problems.iter().filter(taken);
        taken
            .map(|problem| problem.located())
            .collect::<Vec<_>>()
            .join("; ")
    }

    fn but_taken(&self) -> String {
        match self.taken() {
            none if none.is_empty() => none,
            taken => format!("; not all: {taken}"),
        }
    }

    fn originated(
        &self,
        wanted: &Origination,
        error: Option<&str>,
        originated: u32,
        told: &[std::sync::Arc<str>],
    ) -> (Condition, Condition) {
        let ready = match (error, originated) {
            (Some(error), _) => self.condition("Ready", false, "NotOriginated", error),
            (None, 0) if !wanted.sources.is_empty() => {
                let text = format!(
                    "this node has nothing of what it asks for: {}{}",
                    from(&wanted.sources),
                    self.but_taken()
                );
                self.condition("Ready", false, "NothingToOriginate", text)
            }
            (None, 0) => {
                let text = format!("BGPRouter {} does not originate it yet", wanted.key.router);
                self.condition("Ready", false, "Pending", text)
            }
            (None, n) => {
                let text = format!(
                    "BGPRouter {} originates it; number of prefixes: {n}{}",
                    wanted.key.router,
                    self.but_taken()
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
                format!("told to {}{}", list(&names), self.but_taken()),
            )
        };
        (ready, advertised)
    }
}
