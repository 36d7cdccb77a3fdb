//! What is told of a BGPPeer with dynamic neighbours: counts, and the worst of its sessions. However many there are, a status stays
//! small.

use crds::{BGPPeerStatus, DynamicNeighborsStatus, DynamicSessionStatus, PeerRouterStatus};

use super::peer::{families, ready_reason};
use super::{NOT_ACCEPTED, Told, signed, timestamp};
use crate::desired::dynamic::DynamicNeighbors;
use crate::desired::effect::list;
use crate::desired::snapshot::{DynamicState, Snapshot};
use crate::desired::types::Desired;

impl Told<'_> {
    /// `path`: the BGPPeer, of which there are some in `desired`.
    pub(super) fn dynamic(
        &self,
        path: &str,
        desired: &Desired,
        snapshot: &Snapshot,
    ) -> BGPPeerStatus {
        let nothing = DynamicState::default();
        let ranges: Vec<(&DynamicNeighbors, &DynamicState)> = desired
            .dynamic
            .values()
            .filter(|range| *range.key.peer == *path)
            .map(|range| (range, snapshot.dynamic.get(&range.key).unwrap_or(&nothing)))
            .collect();
        let listens = |range: &DynamicNeighbors| {
            let router = snapshot.routers.get(&range.key.router);
            router.is_some_and(|router| router.listening)
        };
        // The one of which most has to be said.
        let worst = ranges
            .iter()
            .min_by_key(|(range, state)| (listens(range), range.shutdown().is_none(), !state.full));
        let ready = match (worst, self.refused()) {
            (Some((range, state)), None) => {
                let (ready, reason) = if !listens(range) {
                    (false, "NotListening")
                } else if range.shutdown().is_some() {
                    (false, "AdminDown")
                } else if state.full {
                    (true, "LimitReached")
                } else {
                    (true, "Listening")
                };
                self.condition("Ready", ready, reason, text(range, state, reason))
            }
            _ => self.condition("Ready", false, "Idle", NOT_ACCEPTED),
        };
        let established = ranges.iter().any(|(_, state)| state.established > 0);
        let state = match (established, &*ready.reason) {
            (true, _) => "Established",
            (false, "Listening" | "LimitReached") => "Active",
            (false, _) => "Idle",
        };
        let last = ranges
            .iter()
            .filter_map(|(_, state)| state.last_established);
        BGPPeerStatus {
            observed_generation: Some(self.generation),
            session_state: Some(state.to_owned()),
            last_established_time: last.max().map(timestamp),
            conditions: Some(vec![self.accepted(), ready]),
            routers: Some(
                ranges
                    .iter()
                    .map(|(range, state)| on_router(range, state))
                    .collect(),
            ),
        }
    }
}

fn on_router(range: &DynamicNeighbors, state: &DynamicState) -> PeerRouterStatus {
    let worst = state
        .worst
        .iter()
        .map(|(address, state)| DynamicSessionStatus {
            address: address.to_string(),
            session_state: state.state.to_string(),
            reason: ready_reason(state),
            flaps: signed(state.flaps),
            last_error: state.last_error.clone(),
        });
    PeerRouterStatus {
        router_name: range.key.router.name().to_owned(),
        last_established_time: state.last_established.map(timestamp),
        flaps: Some(signed(state.flaps)),
        families: Some(families(&state.families)),
        dynamic_neighbors: Some(DynamicNeighborsStatus {
            limit: range.limit.into(),
            sessions: signed(state.sessions),
            established: signed(state.established),
            refused: signed(state.refused),
            worst: worst.collect(),
        }),
        ..PeerRouterStatus::default()
    }
}

fn text(range: &DynamicNeighbors, state: &DynamicState, reason: &str) -> String {
    let router = &range.key.router;
    let prefixes = list(&range.prefixes);
    let mut text = match reason {
        "NotListening" => {
            format!("BGPRouter {router} does not listen, so nobody can connect from {prefixes}")
        }
        "AdminDown" => format!(
            "sessions of BGPRouter {router} with neighbours in {prefixes} are shut down by their BGPPeer"
        ),
        _ => format!("BGPRouter {router} accepts sessions from {prefixes}"),
    };
    text.push_str(&format!(
        "; {} of at most {} sessions, {} Established",
        state.sessions, range.limit, state.established
    ));
    match reason {
        "LimitReached" => text.push_str(&format!(
            "; the limit is reached: others are refused, {} so far",
            state.refused
        )),
        _ if state.refused > 0 => text.push_str(&format!(
            "; {} were refused while the limit was reached",
            state.refused
        )),
        _ => {}
    }
    text
}
