//! What the process before this one has left behind, if it ran here a moment ago: then this one is its restart (RFC 4724 §4.1).

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use bgp_session::Restarted;
use bgp_wire::FamilySet;

use super::settings::Settings;
use crate::desired::{PeerKey, RouterKey};

/// See the top of this file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Predecessor {
    /// When it was last known to have sessions.
    pub ended: Instant,
    /// Those of its sessions with graceful restart.
    pub peers: BTreeSet<PeerKey>,
    /// The families whose packets the kernel has forwarded since.
    pub forwarded: FamilySet,
}

impl Predecessor {
    /// What a peer is to be told of the restart; `None` if for it there was none, or it waits no longer.
    ///
    /// It has our routes for the restart time, and where long-lived graceful restart was offered for that time beyond (RFC 9494 §4.2),
    /// as the kernel has those of its own for as long as nobody takes them away. In either it drops ours for an F bit that is 0.
    pub(super) fn restarted(&self, settings: &Settings, now: Instant) -> Option<Restarted> {
        let peer = settings.peer();
        let restart = peer.graceful_restart?;
        let long_lived = restart.long_lived.unwrap_or(0);
        let kept = u64::from(restart.restart_time) + u64::from(long_lived);
        let until = self.ended + Duration::from_secs(kept);
        (self.peers.contains(&peer.key) && until > now).then_some(Restarted {
            until,
            forwarding: self.forwarded,
        })
    }

    /// Whether a router had such sessions.
    pub(super) fn had(&self, router: &RouterKey) -> bool {
        self.peers.iter().any(|peer| peer.router == *router)
    }
}
