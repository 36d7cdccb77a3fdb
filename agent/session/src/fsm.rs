//! One of a peer's two FSMs: its state, with what is known in it, and its timers.

use std::mem;
use std::sync::Arc;
use std::time::Instant;

use bgp_wire::Asn;

use crate::connection::Connection;
use crate::event::ConnId;
use crate::input::Input;
use crate::negotiate::Negotiated;
use crate::state::{Phase, State};
use crate::timer::TimerTable;

/// An FSM.
#[derive(Debug)]
pub(crate) struct Fsm {
    pub(crate) phase: Phase,
    pub(crate) timers: TimerTable,
    /// The AS that we said to be of in the last OPEN.
    pub(crate) said_as: Option<Asn>,
}

/// What an FSM had before a transition, for the actions that follow it.
#[derive(Debug)]
pub(crate) struct Left {
    pub(crate) state: State,
    /// The connection that was up or being opened.
    pub(crate) conn: Option<ConnId>,
    pub(crate) established_since: Option<Instant>,
}

impl Fsm {
    pub(crate) fn new() -> Self {
        Self {
            phase: Phase::Idle,
            timers: TimerTable::default(),
            said_as: None,
        }
    }

    pub(crate) fn state(&self) -> State {
        self.phase.state()
    }

    /// Goes to the state that the table says, taking along what this state carries: from the old state or from the input.
    pub(crate) fn go(
        &mut self,
        next: State,
        input: &mut Input<'_>,
        names: &mut ConnNames,
        now: Instant,
    ) -> Left {
        let left = Left {
            state: self.state(),
            conn: self.phase.conn_id(),
            established_since: self.phase.established_since(),
        };
        if next == left.state && next != State::Connect {
            return left;
        }
        self.phase = match (mem::replace(&mut self.phase, Phase::Idle), next, input) {
            (_, State::Idle, _) => Phase::Idle,
            (_, State::Active, _) => Phase::Active,
            // Each attempt to connect has a name of its own, also when it follows another one.
            (_, State::Connect, _) => Phase::Connect(names.next()),
            (Phase::Connect(id), State::OpenSent, Input::TcpAcked { local, remote }) => {
                Phase::OpenSent(Connection::new(id, *local, *remote))
            }
            (
                Phase::Active,
                State::OpenSent,
                Input::TcpConfirmed {
                    conn,
                    local,
                    remote,
                },
            ) => Phase::OpenSent(Connection::new(*conn, *local, *remote)),
            (Phase::OpenSent(connection), State::OpenConfirm, Input::Open(negotiated)) => {
                Phase::OpenConfirm(connection, Arc::clone(negotiated))
            }
            (Phase::OpenConfirm(connection, negotiated), State::Established, _) => {
                Phase::Established(connection, negotiated, now)
            }
            (phase, ..) => {
                // The table has no row that leads here from another state; a test walks all of them.
                debug_assert_eq!(phase.state(), next, "the table asks for what cannot be");
                phase
            }
        };
        left
    }

    /// What was negotiated can change its reading of the configuration, while the session stays.
    pub(crate) fn renegotiated(&mut self, change: impl FnOnce(&mut Negotiated)) {
        if let Phase::OpenConfirm(_, negotiated) | Phase::Established(_, negotiated, _) =
            &mut self.phase
        {
            change(Arc::make_mut(negotiated));
        }
    }
}

/// Gives out names of connections, each once.
#[derive(Debug, Clone, Default)]
pub(crate) struct ConnNames(u64);

impl ConnNames {
    pub(crate) fn next(&mut self) -> ConnId {
        self.0 += 1;
        ConnId(self.0)
    }
}
