//! What the sessions tell the world: packets to be sent, and changes of state.

use std::fmt;

use crate::packet::{Diagnostic, PACKET_LENGTH};
use crate::sessions::SessionId;
use crate::table::State;

/// A packet to be sent on the path of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transmit {
    /// Whose.
    pub session: SessionId,
    /// The payload of the datagram.
    pub payload: [u8; PACKET_LENGTH],
}

/// A session changed its state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Event {
    /// Which.
    pub session: SessionId,
    /// How.
    pub change: Change,
}

/// A change of state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Change {
    /// The state before.
    pub from: State,
    /// The state now.
    pub to: State,
    /// What brought it about.
    pub why: Why,
}

/// What brought a change of state about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// A packet of the neighbour, with its state and its diagnostic.
    Received(State, Diagnostic),
    /// Nothing was received for the detection time.
    DetectionTimeExpired,
    /// The operator's wish.
    Operator,
}

impl Change {
    /// Whether the path has failed, for all that can be known.
    ///
    /// RFC 5882 §4.2: "If a BFD session transitions from Up state to AdminDown, or the session transitions from Up to Down because
    /// the remote system is indicating that the session is in state AdminDown, clients SHOULD NOT take any control protocol action."
    pub fn is_failure(&self) -> bool {
        self.from == State::Up
            && self.to == State::Down
            && !matches!(self.why, Why::Received(State::AdminDown, _))
    }
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Received(State::AdminDown, _) => {
                f.write_str("the neighbour took it down administratively")
            }
            Self::Received(state, Diagnostic::NONE) => write!(f, "the neighbour is in {state}"),
            Self::Received(state, diagnostic) => {
                write!(f, "the neighbour is in {state}: {diagnostic}")
            }
            Self::DetectionTimeExpired => f.write_str("detection time expired"),
            Self::Operator => f.write_str("the operator's wish"),
        }
    }
}
