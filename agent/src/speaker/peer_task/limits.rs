//! EDGE. How many prefixes the peer may tell: what is found is said and done.

use std::time::Instant;

use bgp_session::StopReason;

use super::PeerTask;
use crate::desired::{LimitAction, PrefixLimit};
use crate::speaker::prefix_limits::Finding;

impl PeerTask {
    /// The limits are as the settings say from now on. True if others than before.
    pub(super) fn set_limits(&mut self) -> bool {
        let changed = self.limits.set(&self.settings.peer().max_prefixes);
        self.inbound.set_ceilings(self.limits.ceilings());
        changed
    }

    /// The settings may be others: a peer that a limit keeps down is tried again under another one.
    pub(super) fn limits_changed(&mut self) {
        let changed = self.set_limits();
        let shut_down = self.settings.peer().shutdown.is_some();
        if (changed || shut_down) && self.limits.release() {
            self.peer.start(Instant::now());
        }
        for family in self.limits.take_unlimited() {
            self.peer.request_refresh(family);
        }
        self.watch_limits();
    }

    /// What the peer has told changed.
    pub(super) fn watch_limits(&mut self) {
        if self.limits.is_empty() {
            return;
        }
        let Some(since) = self.peer.established_since() else {
            return;
        };
        self.limits.handle_session(since);
        for (family, paths) in self.inbound.take_turned_away() {
            self.limits.handle_discarded(family, paths);
        }
        let now = Instant::now();
        let (rib, idx) = (&self.rib, self.idx);
        while let Some(finding) = self
            .limits
            .handle_counts(now, |family| rib.peer_counts(idx, family))
        {
            match finding {
                Finding::Near(limit, count) => tracing::warn!(
                    family = %limit.family, count, limit = limit.limit,
                    "the peer comes near the limit of its prefixes"
                ),
                Finding::Over(limit, count) => tracing::warn!(
                    family = %limit.family, count, limit = limit.limit,
                    "the peer tells more prefixes than its limit: {}", consequence(&limit)
                ),
                Finding::End(limit, notification) => {
                    tracing::error!(
                        family = %limit.family, limit = limit.limit,
                        "the peer tells more prefixes than its limit: {}", consequence(&limit)
                    );
                    return self.peer.stop(StopReason::Fault(notification), now);
                }
                Finding::RoomAgain(limit) => {
                    let asked = self.peer.request_refresh(limit.family);
                    tracing::info!(
                        family = %limit.family, asked,
                        "there is room for prefixes that were not taken"
                    );
                }
            }
        }
    }

    /// A peer that a limit kept down for a time is tried again.
    pub(super) fn rested_from_limit(&mut self, now: Instant) {
        if self.limits.handle_timeout(now) {
            tracing::info!("the peer is tried again after having told too many prefixes");
            self.peer.start(now);
        }
    }
}

fn consequence(limit: &PrefixLimit) -> String {
    match limit.action {
        LimitAction::Warn => "all are taken".to_owned(),
        LimitAction::Discard => "no more are taken".to_owned(),
        LimitAction::Shutdown(None) => {
            "the session ends, and stays down until the limit or the shutdown of the BGPPeer changes"
                .to_owned()
        }
        LimitAction::Shutdown(Some(rest)) => {
            format!("the session ends, and is tried again in {rest} s")
        }
    }
}
