//! The six states of RFC 4271 §8.2.2, and what a connection carries in each of them.
//!
//! [`State`] is the name of a state: what the FSM table is indexed by and what status shows. `Phase` is the state with
//! what is known in it and not before, so that no later state can lack it: a connection exists from `OpenSent` on, the
//! result of the negotiation from `OpenConfirm` on.

use std::fmt;
use std::sync::Arc;
use std::time::Instant;

use crate::connection::Connection;
use crate::event::ConnId;
use crate::negotiate::Negotiated;

/// A state of the BGP finite state machine (RFC 4271 §8.2.2), in the order of progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum State {
    /// Nothing is tried and nothing is accepted: not started, or waiting out the idle hold time.
    Idle,
    /// Waiting: for an incoming connection, or for the time of the next attempt to connect.
    Active,
    /// A TCP connection is being opened.
    Connect,
    /// Our OPEN is sent; the peer's is awaited.
    OpenSent,
    /// Both OPENs agreed; the first KEEPALIVE is awaited.
    OpenConfirm,
    /// Routes are exchanged.
    Established,
}

impl State {
    /// All six, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::Idle,
        Self::Connect,
        Self::Active,
        Self::OpenSent,
        Self::OpenConfirm,
        Self::Established,
    ];

    /// The RFC's name of the state, which is also the word in a peer's status.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Connect => "Connect",
            Self::Active => "Active",
            Self::OpenSent => "OpenSent",
            Self::OpenConfirm => "OpenConfirm",
            Self::Established => "Established",
        }
    }

    /// The row block of this state in the FSM table (the RFC's order of sections).
    pub(crate) const fn index(self) -> usize {
        match self {
            Self::Idle => 0,
            Self::Connect => 1,
            Self::Active => 2,
            Self::OpenSent => 3,
            Self::OpenConfirm => 4,
            Self::Established => 5,
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A state together with what is known in it.
#[derive(Debug)]
pub(crate) enum Phase {
    Idle,
    /// The driver is opening the connection of this name.
    Connect(ConnId),
    Active,
    OpenSent(Connection),
    OpenConfirm(Connection, Arc<Negotiated>),
    Established(Connection, Arc<Negotiated>, Instant),
}

impl Phase {
    pub(crate) fn state(&self) -> State {
        match self {
            Self::Idle => State::Idle,
            Self::Connect(_) => State::Connect,
            Self::Active => State::Active,
            Self::OpenSent(..) => State::OpenSent,
            Self::OpenConfirm(..) => State::OpenConfirm,
            Self::Established(..) => State::Established,
        }
    }

    /// The connection, once TCP is up.
    pub(crate) fn connection(&self) -> Option<&Connection> {
        match self {
            Self::Idle | Self::Connect(_) | Self::Active => None,
            Self::OpenSent(c) | Self::OpenConfirm(c, _) | Self::Established(c, ..) => Some(c),
        }
    }

    pub(crate) fn connection_mut(&mut self) -> Option<&mut Connection> {
        match self {
            Self::Idle | Self::Connect(_) | Self::Active => None,
            Self::OpenSent(c) | Self::OpenConfirm(c, _) | Self::Established(c, ..) => Some(c),
        }
    }

    /// The name of the connection, or of the one being opened.
    pub(crate) fn conn_id(&self) -> Option<ConnId> {
        match self {
            Self::Connect(id) => Some(*id),
            other => other.connection().map(|c| c.id),
        }
    }

    /// What was negotiated, once both OPENs agreed.
    pub(crate) fn negotiated(&self) -> Option<&Arc<Negotiated>> {
        match self {
            Self::OpenConfirm(_, n) | Self::Established(_, n, _) => Some(n),
            _ => None,
        }
    }

    /// Since when the session is Established.
    pub(crate) fn established_since(&self) -> Option<Instant> {
        match self {
            Self::Established(_, _, since) => Some(*since),
            _ => None,
        }
    }
}
