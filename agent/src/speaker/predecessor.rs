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
    pub(super) fn restarted(&self, settings: &Settings, now: Instant) -> Option<Restarted> {
        let peer = settings.peer();
        let restart = peer.graceful_restart?;
        let until = self.ended + Duration::from_secs(restart.restart_time.into());
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
