//! RFC 4271 §8 as a table: what each event does in each state, or why it cannot happen here.
//!
//! The machine has no other knowledge of the FSM: `machine.rs` looks up the row of its state and the event, carries out
//! the actions of the row, and is then in the row's next state. So the table and the behaviour cannot differ.
//!
//! One FSM belongs to one TCP connection (RFC 4271 §8.2.1: "a BGP implementation will have, at most, one FSM for each
//! configured peering, plus one FSM for each incoming TCP connection"). A peer has two: the **outgoing** FSM connects
//! (Idle, Connect, and Active between two attempts), the **incoming** FSM listens (Idle, Active). They meet in
//! collision detection (§6.8) and in damping: a peer that rests is rested by both.
//!
//! # Optional attributes of §8.1.1
//!
//! | attribute | here |
//! |---|---|
//! | AcceptConnectionsUnconfiguredPeers | no: who is not configured does not reach an FSM |
//! | AllowAutomaticStart | yes, after the idle hold time: events 6 and 7 |
//! | AllowAutomaticStop | yes: resets, prefix limits, a second connection that is not needed |
//! | CollisionDetectEstablishedState | no: an Established session is given up for a newcomer only by RFC 4724 §4.2 |
//! | DampPeerOscillations | yes: the idle hold time doubles with each failure |
//! | DelayOpen | no: it saves an OPEN when both sides connect at once; §6.8 resolves that anyway |
//! | PassiveTcpEstablishment | yes: it is what the incoming FSM does; a passive peer has that one only |
//! | SendNOTIFICATIONwithoutOPEN | no: before our OPEN a connection is just closed |
//! | TrackTcpState | no: our sockets report connections that exist, not SYNs: events 16 and 17, never 14 and 15 |
//!
//! # Where we do otherwise than §8.2.2
//!
//! Event by event, with the reason of each, in `tests/rfc4271_deviations.txt`, which a test compares with the machine. In short:
//!
//! - A received NOTIFICATION is never answered (§6.4: errors in it cannot be reported with another one), also in OpenSent,
//!   where the list of "any other event" includes event 25 and asks for a NOTIFICATION.
//! - One with a version error (event 24) counts and is damped like any other, also in OpenSent and OpenConfirm. The RFC spares the
//!   counter there for a next attempt with another version (§7), and we have none.
//! - A collision (event 23) does not count as a failure and is not damped: the peer did nothing wrong.
//! - There is one incoming FSM, not one for each incoming connection (§8.2.1). A newcomer takes the place of a connection whose
//!   OPEN has not come, by events 23, 7 and 17; beside one in OpenConfirm or Established it is refused.
//! - A failed connect and a connection lost in OpenSent count, so that the next attempts come more and more slowly.
//! - An AutomaticStop (event 8) that somebody asked for does not count, and no failure does beside a connection that lives.
//! - A second OPEN on the same connection is an FSM error (RFC 6608), in OpenConfirm too, where the RFC has collisions in mind.
//! - An error in a message header is told as one in Established too (§6.1), not as an FSM error.
//! - With a negotiated hold time of zero, OpenConfirm still has OpenSent's four minutes: nobody waits there for ever.
//! - The ConnectRetryTimer that runs in Active has the length of the idle hold time, not of ConnectRetryTime.

use crate::state::State;

/// The events of RFC 4271 §8.1 by their numbers, and two of later RFCs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[repr(u8)]
#[allow(
    missing_docs,
    reason = "the names are those of the RFC, which defines them"
)]
pub enum FsmEvent {
    ManualStart = 1,
    ManualStop = 2,
    AutomaticStart = 3,
    ManualStartWithPassive = 4,
    AutomaticStartWithPassive = 5,
    AutomaticStartWithDamp = 6,
    AutomaticStartWithDampAndPassive = 7,
    AutomaticStop = 8,
    ConnectRetryTimerExpires = 9,
    HoldTimerExpires = 10,
    KeepaliveTimerExpires = 11,
    DelayOpenTimerExpires = 12,
    IdleHoldTimerExpires = 13,
    TcpConnectionValid = 14,
    TcpCrInvalid = 15,
    TcpCrAcked = 16,
    TcpConnectionConfirmed = 17,
    TcpConnectionFails = 18,
    BgpOpen = 19,
    BgpOpenWithDelayOpenTimer = 20,
    BgpHeaderErr = 21,
    BgpOpenMsgErr = 22,
    OpenCollisionDump = 23,
    NotifMsgVerErr = 24,
    NotifMsg = 25,
    KeepAliveMsg = 26,
    UpdateMsg = 27,
    UpdateMsgErr = 28,
    /// RFC 9687.
    SendHoldTimerExpires = 29,
    /// RFC 2918; it has no event number there.
    RouteRefreshMsg = 30,
}

impl FsmEvent {
    /// How many events RFC 4271 knows.
    pub const RFC_4271: usize = 28;

    /// All events in the order of their numbers.
    pub const ALL: [Self; 30] = {
        use FsmEvent::*;
        [
            ManualStart,
            ManualStop,
            AutomaticStart,
            ManualStartWithPassive,
            AutomaticStartWithPassive,
            AutomaticStartWithDamp,
            AutomaticStartWithDampAndPassive,
            AutomaticStop,
            ConnectRetryTimerExpires,
            HoldTimerExpires,
            KeepaliveTimerExpires,
            DelayOpenTimerExpires,
            IdleHoldTimerExpires,
            TcpConnectionValid,
            TcpCrInvalid,
            TcpCrAcked,
            TcpConnectionConfirmed,
            TcpConnectionFails,
            BgpOpen,
            BgpOpenWithDelayOpenTimer,
            BgpHeaderErr,
            BgpOpenMsgErr,
            OpenCollisionDump,
            NotifMsgVerErr,
            NotifMsg,
            KeepAliveMsg,
            UpdateMsg,
            UpdateMsgErr,
            SendHoldTimerExpires,
            RouteRefreshMsg,
        ]
    };

    /// The number of RFC 4271 §8.1.
    pub const fn number(self) -> u8 {
        self as u8
    }
}

/// Which NOTIFICATION an action sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Notice {
    /// The one that came with the event: Cease with its reason, or what the decoder found.
    OfEvent,
    /// Hold Timer Expired (4/0).
    HoldTimer,
    /// Finite State Machine Error with the subcode of the state (5/1 to 5/3, RFC 6608).
    FsmError,
    /// Send Hold Timer Expired (8/0, RFC 9687).
    SendHoldTimer,
    /// Cease, Connection Collision Resolution (6/7).
    Collision,
}

/// One step of what the RFC asks for when an event happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Act {
    /// Set the ConnectRetryCounter to zero.
    ClearRetryCounter,
    /// Add one to the ConnectRetryCounter, unless the peer's other connection lives.
    CountRetry,
    /// Start the ConnectRetryTimer with the time that one attempt to connect may take.
    StartConnectRetry,
    /// Start the ConnectRetryTimer with the time to wait for the next attempt. The incoming FSM never connects: for it,
    /// nothing.
    AwaitConnectRetry,
    /// Stop the ConnectRetryTimer.
    StopConnectRetry,
    /// Stop the IdleHoldTimer.
    StopIdleHold,
    /// Ask the driver to open a TCP connection.
    Dial,
    /// Send our OPEN.
    SendOpen,
    /// Set the HoldTimer to four minutes.
    StartHoldLarge,
    /// Apply §6.8 to this connection and the other one; one of them gets event 23. If it is this one, the rest of the row is
    /// not carried out.
    ResolveCollision,
    /// Start HoldTimer as negotiated; not at all if that is zero.
    RestartHold,
    /// Send a KEEPALIVE and start the KeepaliveTimer as negotiated; the timer not at all if that is zero.
    SendKeepalive,
    /// RFC 4724 §4.2: another session with the peer is one that the peer knows nothing of any more; it gets event 23.
    Supersede,
    /// Tell the speaker that the session is Established.
    Announce,
    /// Give the UPDATE to the sink.
    DeliverUpdate,
    /// Tell the speaker of the ROUTE-REFRESH.
    DeliverRefresh,
    /// Send this NOTIFICATION.
    Notify(Notice),
    /// Stop all timers, and close the TCP connection or give up opening it.
    Drop,
    /// Tell the speaker that the session is down, so that all routes of it are removed.
    Release,
    /// Rest: start the IdleHoldTimer of this FSM with the back-off.
    HoldIdle,
    /// Rest, and rest the other FSM too if it has no connection yet.
    Damp,
    /// Raise event 6 (outgoing FSM) or 7 (incoming FSM), unless the peer's other connection is past OpenSent or the
    /// peer is stopped.
    Restart,
}

/// What a row of the table says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Carry out the actions, in order, and be in the next state.
    Go(&'static [Act], State),
    /// The event has no effect in this state.
    Ignore,
    /// The event cannot happen in this state; should it, it is counted and has no effect.
    Never,
}

/// One row: an event in a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Row {
    /// The state in which the event finds the FSM.
    pub state: State,
    /// The event.
    pub event: FsmEvent,
    /// What is done.
    pub outcome: Outcome,
    /// Why, where the row does not speak for itself.
    pub note: &'static str,
}

/// The row for `event` in `state`.
pub fn lookup(state: State, event: FsmEvent) -> &'static Row {
    &TABLE[state.index() * FsmEvent::ALL.len() + usize::from(event.number()) - 1]
}

const fn go(
    state: State,
    event: FsmEvent,
    acts: &'static [Act],
    next: State,
    note: &'static str,
) -> Row {
    Row {
        state,
        event,
        outcome: Outcome::Go(acts, next),
        note,
    }
}

const fn ignore(state: State, event: FsmEvent, note: &'static str) -> Row {
    Row {
        state,
        event,
        outcome: Outcome::Ignore,
        note,
    }
}

const fn never(state: State, event: FsmEvent, note: &'static str) -> Row {
    Row {
        state,
        event,
        outcome: Outcome::Never,
        note,
    }
}

const STARTED: &str = "already started";
const NO_TIMER: &str = "this timer does not run in this state";
const NO_DELAY_OPEN: &str = "DelayOpen is not implemented: no such timer";
const NO_TRACKING: &str = "TrackTcpState is not implemented: sockets report connections, not SYNs";
const NO_CONNECTION: &str = "there is no connection that could carry a message or fail";
const OWN_FSM: &str =
    "a second connection has an FSM of its own; they are compared when OPENs arrive";
const DAMPED_START: &str = "every automatic start here follows an idle hold, as event 6 or 7";
const DAMPED_IN_IDLE: &str = "the IdleHoldTimer, which raises it, runs in Idle only";
const NOT_DECODED: &str = "here the message is an error whatever it says, so it is not decoded";
const NO_ANSWER: &str = "a NOTIFICATION is never answered";

/// The table: for each state, events 1 to 28 of RFC 4271, and the two of later RFCs.
#[rustfmt::skip]
pub static TABLE: [Row; 6 * 30] = {
    use Act::*;
    use FsmEvent::*;
    use Notice::*;
    use State::{Active, Connect, Established, Idle, OpenConfirm, OpenSent};
    [
    // Idle: "BGP FSM refuses all incoming BGP connections for this peer."
    go(Idle, ManualStart, &[StopIdleHold, ClearRetryCounter, StartConnectRetry, Dial], Connect, "outgoing FSM"),
    go(Idle, ManualStop, &[Drop, ClearRetryCounter], Idle, "ignored by the RFC; it has to end an idle hold"),
    never(Idle, AutomaticStart, DAMPED_START),
    go(Idle, ManualStartWithPassive, &[StopIdleHold, ClearRetryCounter], Active, "incoming FSM; it never dials, so no ConnectRetryTimer"),
    never(Idle, AutomaticStartWithPassive, DAMPED_START),
    go(Idle, AutomaticStartWithDamp, &[StopIdleHold, StartConnectRetry, Dial], Connect, "outgoing FSM; the counter is kept: it is the damping"),
    go(Idle, AutomaticStartWithDampAndPassive, &[StopIdleHold], Active, "incoming FSM; the counter is kept"),
    ignore(Idle, AutomaticStop, "nothing to stop"),
    never(Idle, ConnectRetryTimerExpires, NO_TIMER),
    never(Idle, HoldTimerExpires, NO_TIMER),
    never(Idle, KeepaliveTimerExpires, NO_TIMER),
    never(Idle, DelayOpenTimerExpires, NO_DELAY_OPEN),
    go(Idle, IdleHoldTimerExpires, &[Restart], Idle, "raises event 6 or 7 unless the other FSM is past OpenSent"),
    never(Idle, TcpConnectionValid, NO_TRACKING),
    never(Idle, TcpCrInvalid, NO_TRACKING),
    never(Idle, TcpCrAcked, "a dial that is given up is not reported"),
    never(Idle, TcpConnectionConfirmed, "refused before it reaches the FSM"),
    never(Idle, TcpConnectionFails, NO_CONNECTION),
    never(Idle, BgpOpen, NO_CONNECTION),
    never(Idle, BgpOpenWithDelayOpenTimer, NO_DELAY_OPEN),
    never(Idle, BgpHeaderErr, NO_CONNECTION),
    never(Idle, BgpOpenMsgErr, NO_CONNECTION),
    ignore(Idle, OpenCollisionDump, "nothing to give up"),
    never(Idle, NotifMsgVerErr, NO_CONNECTION),
    never(Idle, NotifMsg, NO_CONNECTION),
    never(Idle, KeepAliveMsg, NO_CONNECTION),
    never(Idle, UpdateMsg, NO_CONNECTION),
    never(Idle, UpdateMsgErr, NO_CONNECTION),
    never(Idle, SendHoldTimerExpires, NO_TIMER),
    never(Idle, RouteRefreshMsg, NO_CONNECTION),

    // Connect: "BGP FSM is waiting for the TCP connection to be completed." Outgoing FSM only.
    ignore(Connect, ManualStart, STARTED),
    go(Connect, ManualStop, &[Drop, ClearRetryCounter, StopConnectRetry], Idle, ""),
    never(Connect, AutomaticStart, DAMPED_START),
    ignore(Connect, ManualStartWithPassive, STARTED),
    never(Connect, AutomaticStartWithPassive, DAMPED_START),
    ignore(Connect, AutomaticStartWithDamp, STARTED),
    ignore(Connect, AutomaticStartWithDampAndPassive, STARTED),
    go(Connect, AutomaticStop, &[StopConnectRetry, Drop, CountRetry, Damp], Idle, ""),
    go(Connect, ConnectRetryTimerExpires, &[Drop, StartConnectRetry, Dial], Connect, ""),
    never(Connect, HoldTimerExpires, NO_TIMER),
    never(Connect, KeepaliveTimerExpires, NO_TIMER),
    never(Connect, DelayOpenTimerExpires, NO_DELAY_OPEN),
    never(Connect, IdleHoldTimerExpires, DAMPED_IN_IDLE),
    never(Connect, TcpConnectionValid, NO_TRACKING),
    never(Connect, TcpCrInvalid, NO_TRACKING),
    go(Connect, TcpCrAcked, &[StopConnectRetry, SendOpen, StartHoldLarge], OpenSent, ""),
    never(Connect, TcpConnectionConfirmed, "accepted connections go to the incoming FSM, which is never in Connect"),
    go(Connect, TcpConnectionFails, &[StopConnectRetry, Drop, CountRetry, HoldIdle], Idle, "the incoming FSM goes on listening"),
    never(Connect, BgpOpen, NO_CONNECTION),
    never(Connect, BgpOpenWithDelayOpenTimer, NO_DELAY_OPEN),
    never(Connect, BgpHeaderErr, NO_CONNECTION),
    never(Connect, BgpOpenMsgErr, NO_CONNECTION),
    go(Connect, OpenCollisionDump, &[StopConnectRetry, Drop], Idle, "the other connection has an OPEN; waits for its end"),
    never(Connect, NotifMsgVerErr, NO_CONNECTION),
    never(Connect, NotifMsg, NO_CONNECTION),
    never(Connect, KeepAliveMsg, NO_CONNECTION),
    never(Connect, UpdateMsg, NO_CONNECTION),
    never(Connect, UpdateMsgErr, NO_CONNECTION),
    never(Connect, SendHoldTimerExpires, NO_TIMER),
    never(Connect, RouteRefreshMsg, NO_CONNECTION),

    // Active: "BGP FSM is trying to acquire a peer by listening for, and accepting, a TCP connection."
    ignore(Active, ManualStart, STARTED),
    go(Active, ManualStop, &[Drop, ClearRetryCounter, StopConnectRetry], Idle, ""),
    never(Active, AutomaticStart, DAMPED_START),
    ignore(Active, ManualStartWithPassive, STARTED),
    never(Active, AutomaticStartWithPassive, DAMPED_START),
    ignore(Active, AutomaticStartWithDamp, STARTED),
    ignore(Active, AutomaticStartWithDampAndPassive, STARTED),
    go(Active, AutomaticStop, &[StopConnectRetry, Drop, CountRetry, Damp], Idle, ""),
    go(Active, ConnectRetryTimerExpires, &[StartConnectRetry, Dial], Connect, "outgoing FSM"),
    never(Active, HoldTimerExpires, NO_TIMER),
    never(Active, KeepaliveTimerExpires, NO_TIMER),
    never(Active, DelayOpenTimerExpires, NO_DELAY_OPEN),
    never(Active, IdleHoldTimerExpires, DAMPED_IN_IDLE),
    never(Active, TcpConnectionValid, NO_TRACKING),
    never(Active, TcpCrInvalid, NO_TRACKING),
    never(Active, TcpCrAcked, "a dial is answered in Connect"),
    go(Active, TcpConnectionConfirmed, &[StopConnectRetry, SendOpen, StartHoldLarge], OpenSent, "incoming FSM"),
    never(Active, TcpConnectionFails, NO_CONNECTION),
    never(Active, BgpOpen, NO_CONNECTION),
    never(Active, BgpOpenWithDelayOpenTimer, NO_DELAY_OPEN),
    never(Active, BgpHeaderErr, NO_CONNECTION),
    never(Active, BgpOpenMsgErr, NO_CONNECTION),
    go(Active, OpenCollisionDump, &[StopConnectRetry, Drop], Idle, "the other connection has an OPEN; waits for its end"),
    never(Active, NotifMsgVerErr, NO_CONNECTION),
    never(Active, NotifMsg, NO_CONNECTION),
    never(Active, KeepAliveMsg, NO_CONNECTION),
    never(Active, UpdateMsg, NO_CONNECTION),
    never(Active, UpdateMsgErr, NO_CONNECTION),
    never(Active, SendHoldTimerExpires, NO_TIMER),
    never(Active, RouteRefreshMsg, NO_CONNECTION),

    // OpenSent: "BGP FSM waits for an OPEN message from its peer."
    ignore(OpenSent, ManualStart, STARTED),
    go(OpenSent, ManualStop, &[Notify(OfEvent), Drop, ClearRetryCounter], Idle, ""),
    never(OpenSent, AutomaticStart, DAMPED_START),
    ignore(OpenSent, ManualStartWithPassive, STARTED),
    never(OpenSent, AutomaticStartWithPassive, DAMPED_START),
    ignore(OpenSent, AutomaticStartWithDamp, STARTED),
    ignore(OpenSent, AutomaticStartWithDampAndPassive, STARTED),
    go(OpenSent, AutomaticStop, &[Notify(OfEvent), Drop, CountRetry, Damp], Idle, ""),
    never(OpenSent, ConnectRetryTimerExpires, NO_TIMER),
    go(OpenSent, HoldTimerExpires, &[Notify(HoldTimer), Drop, CountRetry, Damp], Idle, "four minutes without an OPEN"),
    never(OpenSent, KeepaliveTimerExpires, NO_TIMER),
    never(OpenSent, DelayOpenTimerExpires, NO_DELAY_OPEN),
    never(OpenSent, IdleHoldTimerExpires, DAMPED_IN_IDLE),
    never(OpenSent, TcpConnectionValid, NO_TRACKING),
    never(OpenSent, TcpCrInvalid, NO_TRACKING),
    never(OpenSent, TcpCrAcked, OWN_FSM),
    never(OpenSent, TcpConnectionConfirmed, OWN_FSM),
    go(OpenSent, TcpConnectionFails, &[Drop, CountRetry, AwaitConnectRetry], Active, ""),
    go(OpenSent, BgpOpen, &[ResolveCollision, SendKeepalive, RestartHold], OpenConfirm, ""),
    never(OpenSent, BgpOpenWithDelayOpenTimer, NO_DELAY_OPEN),
    go(OpenSent, BgpHeaderErr, &[Notify(OfEvent), Drop, CountRetry, Damp], Idle, ""),
    go(OpenSent, BgpOpenMsgErr, &[Notify(OfEvent), Drop, CountRetry, Damp], Idle, "also a refused capability (2/7)"),
    go(OpenSent, OpenCollisionDump, &[Notify(Collision), Drop], Idle, "waits for the end of the other connection"),
    go(OpenSent, NotifMsgVerErr, &[Drop, CountRetry, Damp], Idle, NO_ANSWER),
    go(OpenSent, NotifMsg, &[Drop, CountRetry, Damp], Idle, NO_ANSWER),
    go(OpenSent, KeepAliveMsg, &[Notify(FsmError), Drop, CountRetry, Damp], Idle, ""),
    go(OpenSent, UpdateMsg, &[Notify(FsmError), Drop, CountRetry, Damp], Idle, ""),
    never(OpenSent, UpdateMsgErr, NOT_DECODED),
    never(OpenSent, SendHoldTimerExpires, NO_TIMER),
    go(OpenSent, RouteRefreshMsg, &[Notify(FsmError), Drop, CountRetry, Damp], Idle, ""),

    // OpenConfirm: "BGP waits for a KEEPALIVE or NOTIFICATION message."
    ignore(OpenConfirm, ManualStart, STARTED),
    go(OpenConfirm, ManualStop, &[Notify(OfEvent), Drop, ClearRetryCounter], Idle, ""),
    never(OpenConfirm, AutomaticStart, DAMPED_START),
    ignore(OpenConfirm, ManualStartWithPassive, STARTED),
    never(OpenConfirm, AutomaticStartWithPassive, DAMPED_START),
    ignore(OpenConfirm, AutomaticStartWithDamp, STARTED),
    ignore(OpenConfirm, AutomaticStartWithDampAndPassive, STARTED),
    go(OpenConfirm, AutomaticStop, &[Notify(OfEvent), Drop, CountRetry, Damp], Idle, ""),
    never(OpenConfirm, ConnectRetryTimerExpires, NO_TIMER),
    go(OpenConfirm, HoldTimerExpires, &[Notify(HoldTimer), Drop, CountRetry, Damp], Idle, ""),
    go(OpenConfirm, KeepaliveTimerExpires, &[SendKeepalive], OpenConfirm, ""),
    never(OpenConfirm, DelayOpenTimerExpires, NO_DELAY_OPEN),
    never(OpenConfirm, IdleHoldTimerExpires, DAMPED_IN_IDLE),
    never(OpenConfirm, TcpConnectionValid, NO_TRACKING),
    never(OpenConfirm, TcpCrInvalid, NO_TRACKING),
    never(OpenConfirm, TcpCrAcked, OWN_FSM),
    never(OpenConfirm, TcpConnectionConfirmed, OWN_FSM),
    go(OpenConfirm, TcpConnectionFails, &[Drop, CountRetry, Damp], Idle, ""),
    go(OpenConfirm, BgpOpen, &[Notify(FsmError), Drop, CountRetry, Damp], Idle, "a second OPEN on this connection; one on the other is that FSM's event"),
    never(OpenConfirm, BgpOpenWithDelayOpenTimer, NO_DELAY_OPEN),
    go(OpenConfirm, BgpHeaderErr, &[Notify(OfEvent), Drop, CountRetry, Damp], Idle, ""),
    never(OpenConfirm, BgpOpenMsgErr, NOT_DECODED),
    go(OpenConfirm, OpenCollisionDump, &[Notify(Collision), Drop], Idle, "waits for the end of the other connection"),
    go(OpenConfirm, NotifMsgVerErr, &[Drop, CountRetry, Damp], Idle, NO_ANSWER),
    go(OpenConfirm, NotifMsg, &[Drop, CountRetry, Damp], Idle, NO_ANSWER),
    go(OpenConfirm, KeepAliveMsg, &[RestartHold, Supersede, Announce], Established, ""),
    go(OpenConfirm, UpdateMsg, &[Notify(FsmError), Drop, CountRetry, Damp], Idle, ""),
    never(OpenConfirm, UpdateMsgErr, NOT_DECODED),
    never(OpenConfirm, SendHoldTimerExpires, NO_TIMER),
    go(OpenConfirm, RouteRefreshMsg, &[Notify(FsmError), Drop, CountRetry, Damp], Idle, ""),

    // Established: "the BGP FSM can exchange UPDATE, NOTIFICATION, and KEEPALIVE messages with its peer."
    ignore(Established, ManualStart, STARTED),
    go(Established, ManualStop, &[Notify(OfEvent), Drop, Release, ClearRetryCounter], Idle, ""),
    never(Established, AutomaticStart, DAMPED_START),
    ignore(Established, ManualStartWithPassive, STARTED),
    never(Established, AutomaticStartWithPassive, DAMPED_START),
    ignore(Established, AutomaticStartWithDamp, STARTED),
    ignore(Established, AutomaticStartWithDampAndPassive, STARTED),
    go(Established, AutomaticStop, &[Notify(OfEvent), Drop, Release, CountRetry, Damp], Idle, ""),
    never(Established, ConnectRetryTimerExpires, NO_TIMER),
    go(Established, HoldTimerExpires, &[Notify(HoldTimer), Drop, Release, CountRetry, Damp], Idle, ""),
    go(Established, KeepaliveTimerExpires, &[SendKeepalive], Established, ""),
    never(Established, DelayOpenTimerExpires, NO_DELAY_OPEN),
    never(Established, IdleHoldTimerExpires, DAMPED_IN_IDLE),
    never(Established, TcpConnectionValid, NO_TRACKING),
    never(Established, TcpCrInvalid, NO_TRACKING),
    never(Established, TcpCrAcked, OWN_FSM),
    never(Established, TcpConnectionConfirmed, OWN_FSM),
    go(Established, TcpConnectionFails, &[Drop, Release, CountRetry, Damp], Idle, ""),
    go(Established, BgpOpen, &[Notify(FsmError), Drop, Release, CountRetry, Damp], Idle, ""),
    never(Established, BgpOpenWithDelayOpenTimer, NO_DELAY_OPEN),
    go(Established, BgpHeaderErr, &[Notify(OfEvent), Drop, Release, CountRetry, Damp], Idle, ""),
    never(Established, BgpOpenMsgErr, NOT_DECODED),
    go(Established, OpenCollisionDump, &[Drop, Release], Idle, "RFC 4724 §4.2: \"no NOTIFICATION message should be sent\"; waits for the end of the other connection"),
    go(Established, NotifMsgVerErr, &[Drop, Release, CountRetry, Damp], Idle, NO_ANSWER),
    go(Established, NotifMsg, &[Drop, Release, CountRetry, Damp], Idle, NO_ANSWER),
    go(Established, KeepAliveMsg, &[RestartHold], Established, ""),
    go(Established, UpdateMsg, &[RestartHold, DeliverUpdate], Established, ""),
    go(Established, UpdateMsgErr, &[Notify(OfEvent), Drop, Release, CountRetry, Damp], Idle, "only what RFC 7606 leaves as a session reset"),
    go(Established, SendHoldTimerExpires, &[Notify(SendHoldTimer), Drop, Release, CountRetry, Damp], Idle, ""),
    go(Established, RouteRefreshMsg, &[DeliverRefresh], Established, ""),
    ]
};
