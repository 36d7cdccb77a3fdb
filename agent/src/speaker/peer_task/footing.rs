//! What an established session stands on: an address of ours, and for an external neighbour one hop away, or one that is known by its
//! interface, the link.
//!
//! A session whose link is down, or whose address is no longer ours, cannot go on, which the hold timer would find out late.
//! Packets to an address that is gone are answered by nobody; a socket that is bound to it goes on sending from it.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use bgp_session::{ConnectFailure, IdleReason, Negotiated};

use super::PeerTask;
use crate::speaker::settings::Settings;

/// A link that goes down takes its IPv6 addresses first and says so after: waiting a moment gives the session the right reason.
const LINK_FOLLOWS: Duration = Duration::from_millis(20);

/// See the top of this file.
pub(super) struct Footing {
    link: Option<u32>,
    local: IpAddr,
    /// It was among our addresses since the session is up. One that came just before the session may not be known yet.
    seen: bool,
    missing_since: Option<Instant>,
}

impl Footing {
    pub(super) fn of(settings: &Settings, negotiated: &Negotiated) -> Self {
        let local = negotiated.local.ip().to_canonical();
        Self {
            link: settings.footing_link(negotiated),
            local,
            seen: settings.is_own(local),
            missing_since: None,
        }
    }

    /// Whether the address is missing, where it had been there.
    fn is_missing(&mut self, settings: &Settings, now: Instant) -> bool {
        let own = settings.is_own(self.local);
        self.seen |= own;
        self.missing_since = match own || !self.seen {
            true => None,
            false => Some(self.missing_since.unwrap_or(now)),
        };
        self.missing_since.is_some()
    }

    fn due(&self) -> Option<Instant> {
        Some(self.missing_since? + LINK_FOLLOWS)
    }
}

impl PeerTask {
    /// Our next hops are addresses, and link-local ones of the peer belong to a link. Where there was no way to the peer, there may
    /// be one now.
    pub(super) async fn addresses_changed(&mut self) {
        let now = Instant::now();
        if let Some(footing) = &mut self.footing {
            let down = footing.link.filter(|link| !self.settings.is_up(*link));
            if down.is_some() {
                self.footing = None;
                self.lost_link = down;
                self.peer.handle_link_down(now);
                return;
            }
            if footing.is_missing(&self.settings, now) {
                return;
            }
        }
        let lacked = [
            IdleReason::NoRoute,
            IdleReason::NoLocalAddress,
            IdleReason::NoNeighbour,
            IdleReason::LinkDown,
        ];
        if self
            .peer
            .idle_reason()
            .is_some_and(|why| lacked.contains(&why))
        {
            self.peer.retry(now);
        }
        self.review(false).await;
    }

    /// Why a connection could not be opened, where its link is known to be down: the rest follows from that, and how soon it shows is
    /// the kernel's affair, which drops the routes of a link that is taken down and keeps those of one without carrier.
    pub(super) fn cause(&self, failure: ConnectFailure) -> ConnectFailure {
        match failure {
            ConnectFailure::NoRoute | ConnectFailure::NoLocalAddress | ConnectFailure::TimedOut
                if self.settings.has_link_down(self.lost_link) =>
            {
                ConnectFailure::LinkDown
            }
            other => other,
        }
    }

    /// When the session is over, unless its address comes back.
    pub(super) fn footing_due(&self) -> Option<Instant> {
        self.footing.as_ref()?.due()
    }

    /// Ends a session whose address is gone.
    pub(super) fn give_up_footing(&mut self, now: Instant) {
        if self.footing_due().is_some_and(|due| due <= now) {
            self.footing = None;
            self.peer.handle_local_address_gone(now);
        }
    }
}
