//! Plain counters and the memory of what went wrong last, for status, metrics and people.

use std::time::Instant;

use bgp_wire::{Disposition, Finding, MessageType, Notification};

use crate::event::DownReason;

/// Messages by type.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct MessageCounts {
    /// OPEN.
    pub open: u64,
    /// UPDATE.
    pub update: u64,
    /// NOTIFICATION.
    pub notification: u64,
    /// KEEPALIVE.
    pub keepalive: u64,
    /// ROUTE-REFRESH.
    pub route_refresh: u64,
}

impl MessageCounts {
    pub(crate) fn add(&mut self, kind: MessageType, count: u64) {
        let counter = match kind {
            MessageType::Open => &mut self.open,
            MessageType::Update => &mut self.update,
            MessageType::Notification => &mut self.notification,
            MessageType::Keepalive => &mut self.keepalive,
            MessageType::RouteRefresh => &mut self.route_refresh,
        };
        *counter += count;
    }

    /// All of them together.
    pub fn total(&self) -> u64 {
        self.open + self.update + self.notification + self.keepalive + self.route_refresh
    }
}

/// What was wrong with received UPDATEs, by what RFC 7606 has us do about it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FindingCounts {
    /// Noted, nothing done.
    pub none: u64,
    /// Attributes that were dropped.
    pub attribute_discard: u64,
    /// UPDATEs whose routes were treated as withdrawn.
    pub treat_as_withdraw: u64,
    /// Errors that make a family unusable.
    pub afi_safi_disable: u64,
    /// Errors that ended the session.
    pub session_reset: u64,
    /// No errors: what is well-formed and of no use here, as a family that was not negotiated.
    pub not_used: u64,
}

impl FindingCounts {
    pub(crate) fn add_finding(&mut self, finding: &Finding) {
        if finding.is_malformed() {
            self.add(finding.disposition);
        } else {
            self.not_used += 1;
        }
    }

    pub(crate) fn add(&mut self, disposition: Disposition) {
        let counter = match disposition {
            Disposition::None => &mut self.none,
            Disposition::AttributeDiscard => &mut self.attribute_discard,
            Disposition::TreatAsWithdraw => &mut self.treat_as_withdraw,
            Disposition::AfiSafiDisable => &mut self.afi_safi_disable,
            Disposition::SessionReset => &mut self.session_reset,
        };
        *counter += 1;
    }
}

/// What a peer has been through since it was made. Nothing here is ever set back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PeerStats {
    /// Messages that came from the peer, as far as they could be framed.
    pub received: MessageCounts,
    /// Messages for the peer.
    pub sent: MessageCounts,
    /// Octets that came from the peer.
    pub received_bytes: u64,
    /// Errors found in UPDATEs.
    pub findings: FindingCounts,
    /// How often a session was Established.
    pub established: u64,
    /// How often an Established session ended, for whatever reason.
    pub flaps: u64,
    /// Attempts to open a TCP connection.
    pub connects: u64,
    /// Connections of the peer that were refused.
    pub refused: u64,
    /// Connections that lost a collision.
    pub collisions: u64,
    /// ROUTE-REFRESHes that were of no use: a family or a subtype that was not negotiated.
    pub refreshes_ignored: u64,
    /// Events that the FSM table says cannot happen. Zero, or there is a bug.
    pub impossible_events: u64,
}

/// Something and when it was.
#[derive(Debug, Clone, PartialEq)]
pub struct Stamped<T> {
    /// What.
    pub what: T,
    /// When.
    pub at: Instant,
}

/// What went wrong last. Kept across sessions.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct LastErrors {
    /// The last NOTIFICATION we sent.
    pub sent: Option<Stamped<Notification>>,
    /// The last NOTIFICATION we received.
    pub received: Option<Stamped<Notification>>,
    /// Why the last session that was Established ended.
    pub down: Option<Stamped<DownReason>>,
    /// Why the last session, or attempt at one, ended.
    pub failure: Option<Stamped<DownReason>>,
}
