//! What can happen to an FSM, with what comes along; each is one event of the table.

use std::net::SocketAddr;
use std::sync::Arc;

use bgp_wire::{Decoded, Notification, RouteRefresh, SessionContext, codes};

use crate::UpdateSink;
use crate::event::{ConnId, ConnectFailure, DownReason};
use crate::negotiate::Negotiated;
use crate::table::FsmEvent;
use crate::timer::Timer;

/// Why a connection is ended by us, and what the peer is told.
#[derive(Debug, Clone)]
pub(crate) struct Ending {
    /// `None`: nothing is said (RFC 4724).
    pub(crate) notification: Option<Notification>,
    pub(crate) reason: DownReason,
}

/// Why an OPEN is refused, for the peer and for people.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub(crate) notification: Notification,
    pub(crate) why: String,
}

/// An event and what comes with it.
pub(crate) enum Input<'a> {
    ManualStart,
    ManualStartPassive,
    DampedStart,
    DampedStartPassive,
    ManualStop(&'a Ending),
    /// `None`: drawn into the failure of the other connection, before there was one here.
    AutomaticStop(Option<&'a Ending>),
    Expired(Timer),
    TcpAcked {
        local: SocketAddr,
        remote: SocketAddr,
    },
    TcpConfirmed {
        conn: ConnId,
        local: SocketAddr,
        remote: SocketAddr,
    },
    /// An attempt to connect failed; `None`: a connection ended.
    TcpFails(Option<ConnectFailure>),
    /// What the connection runs over is gone, so that it fails; its end has to be closed yet.
    PathLost(DownReason),
    /// An OPEN that we agree to.
    Open(Arc<Negotiated>),
    /// An OPEN where none may come.
    UnexpectedOpen,
    BadHeader(Notification),
    BadOpen(Refusal),
    CollisionDump,
    /// The peer has a session on another connection (RFC 4724 §4.2).
    Superseded,
    Notification(Notification),
    /// A NOTIFICATION whose length cannot be: that it ends the connection is all it says.
    UnreadableNotification,
    Keepalive,
    Update(&'a Decoded<'a>, &'a SessionContext, &'a mut dyn UpdateSink),
    /// An UPDATE where none may come.
    UnexpectedUpdate,
    BadUpdate(Notification),
    Refresh(RouteRefresh),
    /// A ROUTE-REFRESH where none may come.
    UnexpectedRefresh,
}

impl Input<'_> {
    pub(crate) fn event(&self) -> FsmEvent {
        match self {
            Self::ManualStart => FsmEvent::ManualStart,
            Self::ManualStartPassive => FsmEvent::ManualStartWithPassive,
            Self::DampedStart => FsmEvent::AutomaticStartWithDamp,
            Self::DampedStartPassive => FsmEvent::AutomaticStartWithDampAndPassive,
            Self::ManualStop(_) => FsmEvent::ManualStop,
            Self::AutomaticStop(_) => FsmEvent::AutomaticStop,
            Self::Expired(Timer::ConnectRetry) => FsmEvent::ConnectRetryTimerExpires,
            Self::Expired(Timer::Hold) => FsmEvent::HoldTimerExpires,
            Self::Expired(Timer::Keepalive) => FsmEvent::KeepaliveTimerExpires,
            Self::Expired(Timer::SendHold) => FsmEvent::SendHoldTimerExpires,
            Self::Expired(Timer::IdleHold) => FsmEvent::IdleHoldTimerExpires,
            Self::TcpAcked { .. } => FsmEvent::TcpCrAcked,
            Self::TcpConfirmed { .. } => FsmEvent::TcpConnectionConfirmed,
            Self::TcpFails(_) | Self::PathLost(_) => FsmEvent::TcpConnectionFails,
            Self::Open(_) | Self::UnexpectedOpen => FsmEvent::BgpOpen,
            Self::BadHeader(_) => FsmEvent::BgpHeaderErr,
            Self::BadOpen(_) => FsmEvent::BgpOpenMsgErr,
            Self::CollisionDump | Self::Superseded => FsmEvent::OpenCollisionDump,
            Self::Notification(n)
                if (n.code, n.subcode) == (codes::OPEN, codes::open::UNSUPPORTED_VERSION) =>
            {
                FsmEvent::NotifMsgVerErr
            }
            Self::Notification(_) | Self::UnreadableNotification => FsmEvent::NotifMsg,
            Self::Keepalive => FsmEvent::KeepAliveMsg,
            Self::Update(..) | Self::UnexpectedUpdate => FsmEvent::UpdateMsg,
            Self::BadUpdate(_) => FsmEvent::UpdateMsgErr,
            Self::Refresh(_) | Self::UnexpectedRefresh => FsmEvent::RouteRefreshMsg,
        }
    }

    /// The NOTIFICATION that came with the event, to be sent to the peer.
    pub(crate) fn own_notification(&self) -> Option<&Notification> {
        match self {
            Self::ManualStop(ending) | Self::AutomaticStop(Some(ending)) => {
                ending.notification.as_ref()
            }
            Self::BadHeader(n) | Self::BadUpdate(n) => Some(n),
            Self::BadOpen(refusal) => Some(&refusal.notification),
            _ => None,
        }
    }

    /// Why the connection ends, if this ends it. `sent` is the NOTIFICATION that was sent because of it.
    pub(crate) fn down_reason(&self, sent: Option<Notification>) -> Option<DownReason> {
        match self {
            Self::ManualStop(ending) | Self::AutomaticStop(Some(ending)) => {
                Some(ending.reason.clone())
            }
            Self::Expired(Timer::Hold) => Some(DownReason::HoldTimerExpired),
            Self::Expired(Timer::SendHold) => Some(DownReason::SendHoldTimerExpired),
            Self::Expired(Timer::ConnectRetry) => {
                Some(DownReason::ConnectFailed(ConnectFailure::TimedOut))
            }
            Self::TcpFails(Some(why)) => Some(DownReason::ConnectFailed(*why)),
            Self::TcpFails(None) => Some(DownReason::ConnectionClosed),
            Self::PathLost(why) => Some(why.clone()),
            Self::Notification(n) => Some(DownReason::NotificationReceived(n.clone())),
            Self::UnreadableNotification => Some(DownReason::NotificationUnreadable),
            Self::CollisionDump => Some(DownReason::Collision),
            Self::Superseded => Some(DownReason::Superseded),
            Self::BadOpen(refusal) => sent.map(|sent| DownReason::OpenRefused {
                sent,
                why: refusal.why.clone(),
            }),
            _ => sent.map(DownReason::NotificationSent),
        }
    }
}
