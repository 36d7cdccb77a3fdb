//! EDGE. The path to the peer, as BFD sees it (RFC 5882): where it fails, so does the session, long before its hold timer.

use std::time::Instant;

use bgp_wire::{Notification, codes};

use super::PeerTask;
use crate::bfd::{Status, Subscription};

/// The watch over the path.
pub(super) struct Path {
    bfd: Subscription,
    /// The status that was acted on.
    seen: Status,
}

impl PeerTask {
    /// Begins or ends the watch, or changes its parameters, as the configuration has it.
    pub(super) fn watch_path(&mut self) {
        let wanted = self.settings.bfd();
        match (&mut self.path, wanted) {
            (Some(path), Some(wanted)) => path.bfd.change(wanted),
            (None, Some(wanted)) => {
                let peer = self.settings.peer().key.clone();
                match self.bfd.subscribe(peer, wanted) {
                    Ok(mut bfd) => {
                        let seen = bfd.status();
                        self.path = Some(Path { bfd, seen });
                    }
                    Err(error) => tracing::error!(%error, "BFD cannot be started"),
                }
            }
            (_, None) => self.path = None,
        }
    }

    /// BFD as it is now.
    pub(super) fn path_status(&self) -> Option<Status> {
        self.path.as_ref().map(|path| path.bfd.peek())
    }

    /// BFD has something new to say.
    pub(super) fn path_changed(&mut self) {
        let Some(path) = &mut self.path else {
            return;
        };
        let status = path.bfd.status();
        let before = std::mem::replace(&mut path.seen, status.clone());
        self.changed = true;
        if let Some(error) = status
            .error
            .as_deref()
            .filter(|_| status.error != before.error)
        {
            tracing::warn!(error, "no BFD");
        }
        // Failures are counted: a path that failed and is back by now has failed.
        let failure = status
            .last_failure
            .filter(|_| status.failures > before.failures);
        match failure {
            Some(failure) => {
                tracing::warn!(reason = %failure.why, "BFD: the path to the peer has failed");
                self.path_failed();
            }
            None if status.state != before.state => {
                tracing::info!(state = %status.state, "BFD changed its state");
            }
            None => {}
        }
        self.publish();
    }

    /// RFC 9384 §3: "When a BGP connection is terminated due to a BFD session going into the Down state, the BGP speaker SHOULD send a
    /// NOTIFICATION message with the error code 'Cease' and the error subcode 'BFD Down'." With it the routes of the peer go, also where
    /// graceful restart keeps them at other ends of the session: packets do not arrive.
    ///
    /// While the peer restarts there is no session, and so nothing that ends: with the C bit zero its silence says nothing of the path
    /// (RFC 5882 §4.3), and routes that are kept for it stay.
    fn path_failed(&mut self) {
        let why = Notification::cease(codes::cease::BFD_DOWN);
        self.peer.fail(why, Instant::now());
    }
}

/// Waits until BFD has something new to say. Cancel-safe.
pub(super) async fn changed(path: &mut Option<Path>) {
    match path {
        Some(path) => path.bfd.changed().await,
        None => std::future::pending().await,
    }
}
