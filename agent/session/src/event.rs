//! What the machine tells the world: [`Event`]s to the speaker, [`Action`]s to the driver, and the reasons it keeps.

use std::fmt;
use std::sync::Arc;

use bgp_wire::{Family, Notification, codes};

use crate::negotiate::Negotiated;
use crate::restart::PeerRestart;
use crate::state::State;

/// The name of one TCP connection, from the attempt to open it to its end. Never used again by the same peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnId(pub(crate) u64);

impl fmt::Display for ConnId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What the driver must do with its sockets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Action {
    /// Open a TCP connection to the peer and answer with `handle_connected` or `handle_connect_failed`.
    Connect(ConnId),
    /// Write what `poll_transmit` gave for this connection, then close it; or give up opening it. Nothing about it
    /// needs to be reported any more.
    Close(ConnId),
}

/// What happened, for the speaker. UPDATEs do not pass here: they go straight to the [`UpdateSink`](crate::UpdateSink).
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// The state of the peer, or the reason why it is idle, is another one now.
    StateChanged(State),
    /// A session began.
    Established(Arc<Negotiated>),
    /// The session that was Established ended.
    Down(DownReason),
    /// The peer wants all routes of the family again (RFC 2918).
    RefreshRequested(Family),
    /// The peer begins to send all its routes of the family again (RFC 7313 BoRR).
    RefreshBegin(Family),
    /// The peer has sent all its routes of the family again (RFC 7313 EoRR).
    RefreshEnd(Family),
    /// The peer has sent all its routes of the family (RFC 4724 §2). The sink has seen it in its place among the
    /// UPDATEs.
    EndOfRib(Family),
    /// Routes of the family cannot be read any more, and are ignored until the session ends (RFC 4760 §7). The sink was
    /// told in its place among the UPDATEs.
    FamilyDisabled(Family),
}

/// Why the speaker stops a peer for good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StopReason {
    /// The operator shut it down, with a text for the peer's operator (Cease 6/2, RFC 9003).
    Shutdown(String),
    /// The peer was removed from the configuration (Cease 6/3).
    Deconfigured,
    /// Something outside the session that does not pass by itself, such as too many prefixes; the peer is told this.
    Fault(Notification),
    /// We are back in a moment, and forward packets meanwhile. A peer that keeps our routes is told nothing, as anything would
    /// take them away; any other one is told of a shutdown, with this text.
    Restart(String),
}

/// Why the speaker ends a session that shall come back at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResetReason {
    /// The operator asked for it, with a text for the peer's operator (Cease 6/4, RFC 9003).
    Administrative(String),
    /// The configuration changed in a way that needs a new OPEN (Cease 6/6).
    ConfigurationChange,
    /// The peer has another address now, or none (Cease 6/6).
    NeighbourChanged,
}

/// Why a TCP connection could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectFailure {
    /// Nobody listens there, or somebody refuses us.
    Refused,
    /// Network or host unreachable, or no source address for it.
    NoRoute,
    /// The address that we are to have in the session is not on this node.
    NoLocalAddress,
    /// Nobody knows the peer's address yet.
    NoNeighbour,
    /// The link to the peer is down.
    LinkDown,
    /// No answer in time.
    TimedOut,
    /// Anything else (the driver logs what it was).
    Other,
}

/// Why a session, or an attempt at one, ended.
#[derive(Debug, Clone, PartialEq)]
pub enum DownReason {
    /// We stopped it.
    Stopped(StopReason),
    /// We reset it.
    Reset(ResetReason),
    /// The TCP connection could not be opened.
    ConnectFailed(ConnectFailure),
    /// The TCP connection was closed or broke.
    ConnectionClosed,
    /// The link to the peer went down.
    LinkDown,
    /// Our own address was removed from the node.
    LocalAddressGone,
    /// The peer has opened another one, so that it knows nothing of this one any more (RFC 4724 §4.2).
    Superseded,
    /// Nothing was heard for the hold time.
    HoldTimerExpired,
    /// Nothing could be written for the send hold time (RFC 9687).
    SendHoldTimerExpired,
    /// The other connection to the same peer was kept (RFC 4271 §6.8).
    Collision,
    /// The peer ended it and said why.
    NotificationReceived(Notification),
    /// The peer ended it, with a NOTIFICATION that cannot be read.
    NotificationUnreadable,
    /// We ended it and said why.
    NotificationSent(Notification),
    /// We cannot agree to the peer's OPEN.
    OpenRefused {
        /// What the peer was told.
        sent: Notification,
        /// What exactly it is about.
        why: String,
    },
}

impl DownReason {
    /// Whether the routes of the peer may stay as stale ones when its session ends for this reason, where both sides offered
    /// graceful restart.
    ///
    /// RFC 4724 §4.2 has them stay at the "termination of the TCP session", and RFC 8538 §4 when a NOTIFICATION ends it or the
    /// hold time runs out, if both sides said so, but for a Hard Reset. What we stop, we do not want back; a session whose own
    /// address is gone does not come back either; and a link that is down carries no packets (RFC 4724 §4.2: "In the event that it determines that its peer's forwarding state is not
    /// viable [...], the speaker MAY delete all the stale routes").
    pub fn keeps_routes(&self, restart: &PeerRestart) -> bool {
        match self {
            Self::ConnectionClosed | Self::Superseded => true,
            // What is told by the router that is there now, or from the address that it has now, has other next hops.
            Self::Reset(ResetReason::NeighbourChanged) => false,
            Self::HoldTimerExpired | Self::SendHoldTimerExpired | Self::Reset(_) => {
                restart.notification
            }
            Self::NotificationReceived(n) | Self::NotificationSent(n) => {
                restart.notification && !is_hard_reset(n)
            }
            // One that cannot be read may have been a Hard Reset.
            Self::NotificationUnreadable
            | Self::Stopped(_)
            | Self::LinkDown
            | Self::LocalAddressGone
            | Self::ConnectFailed(_)
            | Self::Collision
            | Self::OpenRefused { .. } => false,
        }
    }
}

/// RFC 8538 §3.1, whatever is inside of it.
fn is_hard_reset(n: &Notification) -> bool {
    (n.code, n.subcode) == (codes::CEASE, codes::cease::HARD_RESET)
}

/// RFC 9384 §3, or §4 where graceful restart would keep the routes otherwise: "the 'BFD Down' subcode SHOULD be encapsulated in the Hard
/// Reset's data portion".
fn is_bfd_down(n: &Notification) -> bool {
    let inner = n.hard_reset();
    let n = inner.as_ref().unwrap_or(n);
    (n.code, n.subcode) == (codes::CEASE, codes::cease::BFD_DOWN)
}

fn is_max_prefixes(n: &Notification) -> bool {
    (n.code, n.subcode) == (codes::CEASE, codes::cease::MAX_PREFIXES)
}

impl fmt::Display for StopReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Shutdown(text) if text.is_empty() => f.write_str("administrative shutdown"),
            Self::Shutdown(text) => write!(f, "administrative shutdown: {text}"),
            Self::Deconfigured => f.write_str("peer de-configured"),
            Self::Fault(n) => write!(f, "stopped, sent {n}"),
            Self::Restart(_) => f.write_str("we restart"),
        }
    }
}

impl fmt::Display for ResetReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Administrative(text) if text.is_empty() => f.write_str("administrative reset"),
            Self::Administrative(text) => write!(f, "administrative reset: {text}"),
            Self::ConfigurationChange => f.write_str("configuration changed"),
            Self::NeighbourChanged => {
                f.write_str("the neighbour on the interface is another one now")
            }
        }
    }
}

impl fmt::Display for ConnectFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Refused => "connection refused",
            Self::NoRoute => "no route to the peer",
            Self::NoLocalAddress => "our localAddress is not on this node",
            Self::NoNeighbour => "no neighbour found on the interface",
            Self::LinkDown => "link down",
            Self::TimedOut => "connecting timed out",
            Self::Other => "connecting failed",
        })
    }
}

impl fmt::Display for DownReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stopped(why) => why.fmt(f),
            Self::Reset(why) => why.fmt(f),
            Self::ConnectFailed(why) => why.fmt(f),
            Self::ConnectionClosed => f.write_str("connection closed by the peer"),
            Self::LinkDown => f.write_str("link down"),
            Self::LocalAddressGone => f.write_str("our own address was removed from this node"),
            Self::Superseded => f.write_str("the peer has opened another connection"),
            Self::HoldTimerExpired => f.write_str("hold timer expired"),
            Self::SendHoldTimerExpired => f.write_str("send hold timer expired"),
            Self::Collision => f.write_str("another connection to the peer was kept"),
            Self::NotificationReceived(n) => write!(f, "received {n}"),
            Self::NotificationUnreadable => f.write_str("received an unreadable NOTIFICATION"),
            Self::NotificationSent(n) => write!(f, "sent {n}"),
            Self::OpenRefused { sent, why } => write!(f, "sent {sent}: {why}"),
        }
    }
}

/// Why a peer is Idle: one word for its status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdleReason {
    /// `start` was not called yet.
    NotStarted,
    /// Shut down by the operator.
    AdminDown,
    /// Stopped by a fault that does not pass by itself ([`StopReason::Fault`]).
    Fault,
    /// Stopped, as the peer told more prefixes than it may (RFC 4486).
    TooManyPrefixes,
    /// Waiting after a failure that none of the words below names.
    BackOff,
    /// Waiting: the peer refuses TCP connections.
    ConnectionRefused,
    /// Waiting: there is no way to the peer.
    NoRoute,
    /// Waiting: our own address of the session is not on this node.
    NoLocalAddress,
    /// Waiting: the peer's address is not known yet.
    NoNeighbour,
    /// Waiting: the link to the peer is down.
    LinkDown,
    /// Waiting: BFD, here or at the peer, found the path to have failed (RFC 9384).
    BfdDown,
    /// Waiting: the peer does not answer.
    ConnectTimedOut,
    /// Waiting: the peer fell silent.
    HoldTimerExpired,
    /// Waiting: the peer stopped reading.
    SendHoldTimerExpired,
}

impl IdleReason {
    /// The word.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "NotStarted",
            Self::AdminDown => "AdminDown",
            Self::Fault => "Fault",
            Self::TooManyPrefixes => "TooManyPrefixes",
            Self::BackOff => "BackOff",
            Self::ConnectionRefused => "ConnectionRefused",
            Self::NoRoute => "NoRoute",
            Self::NoLocalAddress => "NoLocalAddress",
            Self::NoNeighbour => "NoNeighbour",
            Self::LinkDown => "LinkDown",
            Self::BfdDown => "BfdDown",
            Self::ConnectTimedOut => "ConnectTimedOut",
            Self::HoldTimerExpired => "HoldTimerExpired",
            Self::SendHoldTimerExpired => "SendHoldTimerExpired",
        }
    }
}

impl fmt::Display for IdleReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl From<&DownReason> for IdleReason {
    fn from(why: &DownReason) -> Self {
        match why {
            DownReason::Stopped(StopReason::Fault(n)) if is_max_prefixes(n) => {
                Self::TooManyPrefixes
            }
            DownReason::Stopped(StopReason::Fault(_)) => Self::Fault,
            DownReason::Stopped(_) => Self::AdminDown,
            DownReason::ConnectFailed(ConnectFailure::Refused) => Self::ConnectionRefused,
            DownReason::ConnectFailed(ConnectFailure::NoRoute) => Self::NoRoute,
            DownReason::ConnectFailed(ConnectFailure::NoLocalAddress) => Self::NoLocalAddress,
            DownReason::ConnectFailed(ConnectFailure::NoNeighbour) => Self::NoNeighbour,
            DownReason::ConnectFailed(ConnectFailure::TimedOut) => Self::ConnectTimedOut,
            DownReason::LinkDown | DownReason::ConnectFailed(ConnectFailure::LinkDown) => {
                Self::LinkDown
            }
            DownReason::LocalAddressGone => Self::NoLocalAddress,
            DownReason::NotificationSent(n) | DownReason::NotificationReceived(n)
                if is_bfd_down(n) =>
            {
                Self::BfdDown
            }
            DownReason::HoldTimerExpired => Self::HoldTimerExpired,
            DownReason::SendHoldTimerExpired => Self::SendHoldTimerExpired,
            DownReason::ConnectFailed(ConnectFailure::Other)
            | DownReason::Reset(_)
            | DownReason::ConnectionClosed
            | DownReason::Collision
            | DownReason::Superseded
            | DownReason::NotificationReceived(_)
            | DownReason::NotificationUnreadable
            | DownReason::NotificationSent(_)
            | DownReason::OpenRefused { .. } => Self::BackOff,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_that_is_too_many_prefixes_is_called_so() {
        let family = Family::IPV4_UNICAST;
        for (n, wanted) in [
            (
                Notification::cease_max_prefixes(family, 10),
                IdleReason::TooManyPrefixes,
            ),
            (
                Notification::cease(codes::cease::OUT_OF_RESOURCES),
                IdleReason::Fault,
            ),
        ] {
            let why = DownReason::Stopped(StopReason::Fault(n));
            assert_eq!(IdleReason::from(&why), wanted);
        }
    }

    /// RFC 9384 §3 and §4.
    #[test]
    fn bfd_is_the_reason_whoever_saw_it_and_however_it_is_wrapped() {
        let plain = Notification::cease(codes::cease::BFD_DOWN);
        for n in [plain.clone(), plain.into_hard_reset()] {
            let sent = DownReason::NotificationSent(n.clone());
            assert_eq!(IdleReason::from(&sent), IdleReason::BfdDown);
            let received = DownReason::NotificationReceived(n);
            assert_eq!(IdleReason::from(&received), IdleReason::BfdDown);
        }
        let other = Notification::cease_reset("now");
        for n in [other.clone(), other.into_hard_reset()] {
            let sent = DownReason::NotificationSent(n);
            assert_eq!(IdleReason::from(&sent), IdleReason::BackOff);
        }
    }
}
