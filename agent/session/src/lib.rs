//! The BGP finite state machine (RFC 4271 §8), without IO and without a clock: it opens no socket, asks nobody for the
//! time, starts no thread and never waits. Bytes and time come in as arguments; bytes, deadlines and wishes go out as
//! values. The same calls with the same seed give the same session.
//!
//! A [`Peer`] is one configured neighbour, over all its connections. Its methods are of four kinds:
//!
//! - **A. getters** ([`Peer::state`], [`Peer::stats`], [`Peer::last_errors`], …) change nothing;
//! - **B. `handle_*`** say what happened: a connection, bytes, the passing of time;
//! - **C. commands** say what the speaker wants: [`Peer::start`], [`Peer::stop`], [`Peer::reconfigure`], …;
//! - **D. `poll_*`** say what is to be done now. After any call of B or C, a driver takes everything from
//!   [`Peer::poll_transmit`], then from [`Peer::poll_action`] and [`Peer::poll_event`], and sleeps until
//!   [`Peer::poll_timeout`] or until something happens.
//!
//! A peer has two FSMs, one for each direction in which a TCP connection can be opened (RFC 4271 §8.2.1):
//!
//! ```text
//!   outgoing                                      incoming
//!
//!   +------+  start, end of rest   +---------+    +------+  start, end of rest   +--------+
//!   | Idle |---------------------->| Connect |    | Idle |---------------------->| Active |
//!   +------+<----------------------+---------+    +------+                       +--------+
//!      ^  ^    refused: rest         |  ^                                          |  ^
//!      |  |                connected |  | again, after a rest             accepted |  | closed
//!      |  |                OPEN sent v  |                                OPEN sent v  | before OPEN
//!      |  |   closed before    +----------+   +--------+                       +----------+
//!      |  |   the peer's OPEN: | OpenSent |-->| Active |                       | OpenSent |
//!      |  |                    +----------+   +--------+                       +----------+
//!      |  |                          |                                              |
//!      |  |                          v   the peer's OPEN agrees: KEEPALIVE sent     v
//!      |  |   any error:       +-------------+
//!      |  +---- NOTIFICATION, -| OpenConfirm |   both FSMs here at once: §6.8, one goes
//!      |        rest           +-------------+
//!      |                             | the peer's KEEPALIVE
//!      |                             v
//!      |                       +-------------+
//!      +-----------------------| Established |   the other FSM waits in Idle
//!                              +-------------+
//! ```
//!
//! What happens in each state at each event is the table in [`TABLE`], which the machine consults and a test walks; another one compares
//! the machine with what RFC 4271 says of each state and event (`tests/rfc4271_8_2_2.txt`). The map of the crate:
//!
//! | file | holds |
//! |---|---|
//! | `peer.rs` | the surface: inputs from the world and from the speaker |
//! | `receive.rs` | bytes to messages to inputs |
//! | `table.rs` | RFC 4271 §8 as a table, what of it is not done, and why |
//! | `machine.rs` | carries out the rows of the table |
//! | `fsm.rs`, `state.rs` | one FSM: its state with what is known in it, its timers |
//! | `input.rs` | what can happen to an FSM |
//! | `negotiate.rs` | both OPENs to [`Negotiated`], or the NOTIFICATION |
//! | `restart.rs` | graceful restart in both OPENs |
//! | `helper.rs` | what becomes of the peer's routes while it restarts |
//! | `collision.rs` | which of two connections is kept |
//! | `connection.rs`, `inbox.rs`, `outbox.rs` | one TCP connection; bytes to frames; messages out |
//! | `timer.rs` | deadlines, jitter, back-off |
//! | `config.rs` | what is wanted, and what a change of it costs |
//! | `event.rs`, `stats.rs` | what is told and what is remembered |
//!
//! UPDATEs are decoded here, where the session's parameters are known, and handed on borrowed: no byte of a route is copied. The
//! speaker writes its own UPDATEs to the connection [`Peer::session`] names, and reports them with [`Peer::sent_update`].

mod collision;
mod config;
mod connection;
mod event;
mod fsm;
mod helper;
mod inbox;
mod input;
mod machine;
mod negotiate;
mod outbox;
mod peer;
mod receive;
mod restart;
#[cfg(test)]
mod rfc_walk;
mod state;
mod stats;
mod table;
#[cfg(test)]
mod table_walk;
mod timer;

pub use collision::{Side, survivor};
pub use config::{Effect, FamilyConfig, IdleHold, PeerConfig, RemoteAs, RoleConfig, effect_of};
pub use event::{
    Action, ConnId, ConnectFailure, DownReason, Event, IdleReason, ResetReason, StopReason,
};
pub use helper::{Helper, StaleFamily, StaleStep};
pub use negotiate::Negotiated;
pub use peer::Peer;
pub use restart::{GracefulRestart, PeerRestart, Restarted};
pub use state::State;
pub use stats::{FindingCounts, LastErrors, MessageCounts, PeerStats, Stamped};
pub use table::{Act, FsmEvent, Notice, Outcome, Row, TABLE, lookup};

use std::fmt;
use std::sync::Arc;

use bgp_wire::{Decoded, Disposition, Family, FamilySet, Finding, MessageError, SessionContext};

/// Takes the UPDATEs of a session, one call for each, from within [`Peer::handle_bytes`].
pub trait UpdateSink {
    /// The session ends that was Established, as the peer has [another one](Self::established), which is told next
    /// ([`DownReason::Superseded`]). Its routes must be dealt with before those of the new one come.
    fn superseded(&mut self) {}

    /// A session is Established, and its UPDATEs follow. [`Event::Established`] says the same, but is only seen after the
    /// UPDATEs that came in the same read: who must know whose routes they are, learns it here.
    fn established(&mut self, session: &Arc<Negotiated>) {
        let _ = session;
    }

    /// An UPDATE of the Established session. What was wrong with it and what follows is in `decoded`.
    fn update(&mut self, decoded: &Decoded<'_>, ctx: &SessionContext);

    /// Routes of these families cannot be read any more. All that came of them is to go; what comes of them later is not
    /// handed on until the session ends (RFC 4760 §7). Comes after the [`update`](Self::update) that it follows from.
    fn disable(&mut self, families: FamilySet) {
        let _ = families;
    }

    /// The peer begins to send all its routes of the family again (RFC 7313 BoRR). Here and not only as
    /// [`Event::RefreshBegin`], because its place among the UPDATEs says which routes were sent again.
    fn refresh_begins(&mut self, family: Family) {
        let _ = family;
    }

    /// The peer has sent all its routes of the family again (RFC 7313 EoRR).
    fn refresh_ends(&mut self, family: Family) {
        let _ = family;
    }

    /// Something is wrong with an UPDATE. Comes before [`update`](Self::update), or in its place if the session ends for it.
    fn malformed(&mut self, bad: &Malformed<'_>) {
        let _ = bad;
    }

    /// Whether the sink must do something before it takes in more. [`Peer::handle_bytes`] stops then, behind the message it is
    /// at, and says how far it came.
    fn pauses(&self) -> bool {
        false
    }
}

/// An UPDATE with something wrong in it. RFC 7606 §6 wants it logged as a whole, with the routes concerned.
#[derive(Debug, Clone, Copy)]
pub struct Malformed<'a> {
    /// What follows the header of the message.
    pub body: &'a [u8],
    /// What the session has agreed on.
    pub ctx: &'a SessionContext,
    /// What is wrong and what is done about it.
    pub what: Wrong<'a>,
}

/// What is wrong with an UPDATE.
#[derive(Debug, Clone, Copy)]
pub enum Wrong<'a> {
    /// The session goes on.
    Findings(&'a Decoded<'a>),
    /// The session ends.
    Fatal(&'a MessageError),
}

impl Wrong<'_> {
    /// The worst that is done about it.
    pub fn disposition(&self) -> Disposition {
        match self {
            Self::Findings(decoded) => {
                let all = decoded.findings.iter().map(|finding| finding.disposition);
                all.max().unwrap_or_default()
            }
            Self::Fatal(_) => Disposition::SessionReset,
        }
    }
}

fn list<T: fmt::Display>(
    items: impl Iterator<Item = T>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    for (at, item) in items.enumerate() {
        write!(f, "{}{item}", if at == 0 { "" } else { "; " })?;
    }
    Ok(())
}

/// A finding for which the session ends though it asks for less.
///
/// RFC 7606 §5.2: where no route is announced, "if any encountered error specifies an error-handling approach other than 'attribute
/// discard' [...] then the 'session reset' approach MUST be used".
struct Ending<'a>(&'a Finding);

impl fmt::Display for Ending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(finding) = self;
        if finding.disposition < Disposition::TreatAsWithdraw {
            return finding.fmt(f);
        }
        let done = Disposition::SessionReset;
        write!(f, "{} ({done}, as no route is announced)", finding.error)
    }
}

impl fmt::Display for Wrong<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let reset = |finding: &Finding| finding.disposition == Disposition::SessionReset;
        match self {
            Self::Findings(decoded) => list(decoded.findings.iter(), f),
            Self::Fatal(error) if error.findings.is_empty() => {
                write!(f, "{} ({})", error.error, Disposition::SessionReset)
            }
            Self::Fatal(error) if error.findings.iter().any(reset) => {
                list(error.findings.iter(), f)
            }
            Self::Fatal(error) => list(error.findings.iter().map(Ending), f),
        }
    }
}

/// A point in time to count from; the only look at a clock in this crate.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "an Instant cannot be made up")]
pub(crate) fn epoch() -> std::time::Instant {
    std::time::Instant::now()
}
