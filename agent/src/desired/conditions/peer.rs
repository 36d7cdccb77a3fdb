//! What is told of a BGPPeer: its sessions, one for each router.

use crds::{BGPPeerStatus, FamilyStatus, PeerRouterStatus};

use super::{NOT_ACCEPTED, Told, signed, timestamp};
use crate::desired::objects::ObjectKey;
use crate::desired::snapshot::{FamilyCounts, NotLetIn, PeerState, Snapshot};
use crate::desired::types::{Desired, Peer};

impl Told<'_> {
    pub(super) fn peer(
        &self,
        key: &ObjectKey,
        desired: &Desired,
        snapshot: &Snapshot,
    ) -> Option<BGPPeerStatus> {
        let path = key.path();
        if desired.dynamic.keys().any(|of| *of.peer == *path) {
            return Some(self.dynamic(&path, desired, snapshot));
        }
        let unknown = PeerState {
            state: "Idle".into(),
            ..PeerState::default()
        };
        let sessions: Vec<(&Peer, &PeerState)> = desired
            .peers
            .values()
            .filter(|peer| *peer.key.peer == *path)
            .map(|peer| (&**peer, snapshot.peers.get(&peer.key).unwrap_or(&unknown)))
            .collect();
        let furthest = sessions
            .iter()
            .min_by_key(|(_, state)| progress(&state.state));
        let (state, ready) = match (furthest, self.refused()) {
            // A session that is refused on one of several routers is as far from Established as can be.
            (_, Some(_)) => ("Idle", self.condition("Ready", false, "Idle", NOT_ACCEPTED)),
            (Some((peer, state)), None) => {
                let text = session_text(peer, state);
                let ready = state.is_established() && !has_disabled(state);
                (
                    &*state.state,
                    self.condition("Ready", ready, &ready_reason(state), text),
                )
            }
            // Nothing of it runs here and nothing is wrong with it: it is another node's.
            (None, None) => return None,
        };
        let last = sessions
            .iter()
            .filter_map(|(_, state)| state.last_established)
            .max();
        let routers = sessions
            .iter()
            .map(|(peer, state)| PeerRouterStatus {
                router_name: peer.key.router.name().to_owned(),
                session_state: Some(state.state.to_string()),
                reason: Some(ready_reason(state)),
                last_established_time: state.last_established.map(timestamp),
                local_address: state.local_address.map(|address| address.to_string()),
                remote_address: state
                    .interface
                    .as_ref()
                    .and_then(|interface| interface.neighbour.clone()),
                bfd_state: state.bfd.as_ref().map(|bfd| bfd.state.to_string()),
                flaps: i64::try_from(state.flaps).ok(),
                families: Some(families(&state.families)),
                dynamic_neighbors: None,
            })
            .collect::<Vec<_>>();
        Some(BGPPeerStatus {
            observed_generation: Some(self.generation),
            session_state: Some(state.to_owned()),
            last_established_time: last.map(timestamp),
            conditions: Some(vec![self.accepted(), ready]),
            routers: Some(routers),
        })
    }
}

/// The counts of a status.
pub(super) fn families(counts: &[FamilyCounts]) -> Vec<FamilyStatus> {
    let status = |counts: &FamilyCounts| FamilyStatus {
        family: counts.family.to_string(),
        received: signed(counts.received),
        accepted: signed(counts.accepted),
        advertised: signed(counts.advertised),
        stale: counts.stale.map(signed),
        limit: counts.limit.map(signed),
        discarded: counts.discarded.map(signed),
    };
    counts.iter().map(status).collect()
}

/// The reason of a session's condition Ready: its state, or for Idle why it is.
pub(super) fn ready_reason(state: &PeerState) -> String {
    // Without a neighbour nothing else matters, unless there is to be no session.
    let waits = matches!(progress(&state.state), Some(0..=2));
    let waits = waits && state.idle_reason.as_deref() != Some("AdminDown");
    let interface = state.interface.as_ref().filter(|_| waits);
    if let Some(missing) = interface.and_then(|interface| interface.missing) {
        return missing.to_owned();
    }
    // Ours may be taken, but where none comes up this is likely why.
    if let Some(refused) = state.not_let_in.as_ref().filter(|_| waits) {
        return refused.reason.to_owned();
    }
    if state.is_established() && has_disabled(state) {
        return "FamilyDisabled".to_owned();
    }
    match (progress(&state.state), &state.idle_reason) {
        (None, _) => "Unknown".to_owned(),
        (Some(0), Some(reason)) => reason.to_string(),
        (Some(_), _) => state.state.to_string(),
    }
}

/// Whether a family of the session is not exchanged any more (RFC 7606 section 2).
fn has_disabled(state: &PeerState) -> bool {
    state.families.iter().any(|family| family.disabled)
}

/// The families of which this is so.
fn those(state: &PeerState, is_so: impl Fn(&FamilyCounts) -> bool) -> Vec<String> {
    let families = state.families.iter().filter(|family| is_so(family));
    families.map(|family| family.family.to_string()).collect()
}

fn session_text(peer: &Peer, state: &PeerState) -> String {
    let neighbour = match (&state.interface, &peer.interface) {
        (Some(interface), _) => interface.shown().to_owned(),
        (None, Some(interface)) => interface.to_string(),
        (None, None) => peer.address.to_string(),
    };
    let with = format!(
        "the session of BGPRouter {} with {neighbour}",
        peer.key.router
    );
    let mut text = match &*state.state {
        "Established" => {
            let families = those(state, |family| !family.disabled);
            match families.is_empty() {
                true => format!("{with} is up"),
                false => format!("{with} is up, with {}", listed(&families)),
            }
        }
        "Idle" if peer.shutdown.is_some() => format!("{with} is shut down by its BGPPeer"),
        "Idle" => format!("{with} is down"),
        "Connect" => format!("{with} is being opened"),
        "Active" => format!("{with} waits for a connection, or for the next attempt"),
        "OpenSent" => format!("{with} waits for the neighbour's OPEN"),
        "OpenConfirm" => format!("{with} waits for the neighbour's KEEPALIVE"),
        other => return format!("{with} is in an unknown state, {other:?}"),
    };
    let interface = state.interface.as_ref();
    if let Some(told) = interface.and_then(|interface| interface.told.as_deref()) {
        text.push_str("; ");
        text.push_str(told);
    }
    if let Some(NotLetIn { why, .. }) = &state.not_let_in {
        text.push_str(&format!(
            "; connections from there are not taken, and only ours may come up: {why}"
        ));
    }
    let disabled = those(state, |family| family.disabled);
    if !disabled.is_empty() {
        text.push_str(&format!(
            "; routes of {} could not be read: what came is gone, and what comes is ignored until the session ends",
            listed(&disabled)
        ));
    }
    if !state.not_offered.is_empty() {
        let families = state.not_offered.iter().map(ToString::to_string);
        text.push_str(&format!(
            "; the neighbour does not offer {}, of which nothing is exchanged",
            listed(&families.collect::<Vec<_>>())
        ));
    }
    let lacking = those(state, |family| family.no_next_hop);
    if !lacking.is_empty() {
        text.push_str(&format!(
            "; for {} the link has no address of ours to be the next hop, so that routes that need one are not told",
            listed(&lacking)
        ));
    }
    if state.restarting && !state.is_established() {
        text.push_str("; its routes stay in use while it restarts");
    }
    for counts in &state.families {
        let Some(limit) = counts.limit else {
            continue;
        };
        let family = counts.family;
        if counts.over_limit {
            text.push_str(&format!(
                "; it tells more prefixes of {family} than its limit of {limit}"
            ));
        }
        if let Some(discarded) = counts.discarded {
            text.push_str(&format!(
                "; {discarded} paths of {family} were not taken, as the limit is {limit}"
            ));
        }
    }
    if let Some(error) = state
        .last_error
        .as_deref()
        .filter(|_| !state.is_established())
    {
        text.push_str("; last error: ");
        text.push_str(error);
    }
    if let Some(bfd) = state.bfd.as_ref().filter(|bfd| &*bfd.state != "Up") {
        text.push_str(&format!("; BFD is {}", bfd.state));
        if let Some(error) = &bfd.error {
            text.push_str(&format!(": {error}"));
        }
    }
    text
}

/// How far a state is on the way to Established.
fn progress(state: &str) -> Option<usize> {
    [
        "Idle",
        "Connect",
        "Active",
        "OpenSent",
        "OpenConfirm",
        "Established",
    ]
    .iter()
    .position(|known| *known == state)
}

/// `a`, `a and b`, `a, b and c`.
fn listed(words: &[String]) -> String {
    match words {
        [all @ .., before, last] => {
            let before: Vec<_> = all.iter().chain([before]).map(String::as_str).collect();
            format!("{} and {last}", before.join(", "))
        }
        [one] => one.clone(),
        [] => String::new(),
    }
}
