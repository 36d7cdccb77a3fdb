//! A peer: two FSMs, what the operator wants, and the queues between the machine and its driver.
//!
//! This file is the surface: what happened and what is wanted come in here and become inputs of the FSMs (`machine.rs`
//! does the rest). Every method returns at once.

use std::collections::VecDeque;
use std::mem;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use bgp_wire::{
    Asn, AttrScratch, Family, MessageType, Notification, RefreshSubtype, SessionContext, codes,
    encode_route_refresh,
};
use bytes::BytesMut;

use crate::collision::Side;
use crate::config::{Effect, PeerConfig, effect_of};
use crate::event::{
    Action, ConnId, ConnectFailure, DownReason, Event, IdleReason, ResetReason, StopReason,
};
use crate::fsm::{ConnNames, Fsm};
use crate::input::{Ending, Input};
use crate::negotiate::{self, Negotiated};
use crate::outbox::Outbox;
use crate::restart::Restarted;
use crate::state::State;
use crate::stats::{LastErrors, PeerStats};
use crate::timer::{BackOff, Jitter, Timer};

const SIDES: [Side; 2] = [Side::Outgoing, Side::Incoming];

/// The session with one configured peer, over all its connections.
#[derive(Debug)]
pub struct Peer {
    pub(crate) config: PeerConfig,
    pub(crate) outgoing: Fsm,
    pub(crate) incoming: Fsm,
    pub(crate) names: ConnNames,
    /// Started and not stopped.
    pub(crate) wanted: bool,
    pub(crate) idle_reason: IdleReason,
    /// Until the first session with the peer.
    pub(crate) restarted: Option<Restarted>,
    /// The AS of ours that the peer was the last to call a bad one.
    pub(crate) refused_as: Option<Asn>,
    pub(crate) back_off: BackOff,
    /// Set while one FSM draws the other into its rest.
    pub(crate) resting_until: Option<Instant>,
    /// Set while an attempt is made anew, which did not fail.
    pub(crate) retrying: bool,
    pub(crate) jitter: Jitter,
    pub(crate) outbox: Outbox,
    pub(crate) actions: VecDeque<Action>,
    pub(crate) events: VecDeque<Event>,
    pub(crate) stats: PeerStats,
    /// Shared with whoever shows them: seldom changed, and large.
    pub(crate) errors: Arc<LastErrors>,
    pub(crate) scratch: AttrScratch,
    /// What the speaker was told last, to tell it what is new.
    published: (State, Option<IdleReason>),
}

/// A. Getters.
impl Peer {
    /// The state, of whichever of the two FSMs is further.
    pub fn state(&self) -> State {
        let incoming = self.incoming.state();
        // That we listen while we do not connect says nothing, unless listening is all we do.
        if self.config.passive || self.incoming.phase.connection().is_some() {
            incoming.max(self.outgoing.state())
        } else {
            self.outgoing.state()
        }
    }

    /// Why the peer is Idle; `None` if it is not.
    pub fn idle_reason(&self) -> Option<IdleReason> {
        (self.state() == State::Idle).then_some(self.idle_reason)
    }

    /// What was negotiated with the peer; `None` unless Established.
    pub fn negotiated(&self) -> Option<&Arc<Negotiated>> {
        self.fsm(self.established()?).phase.negotiated()
    }

    /// Since when the session is Established.
    pub fn established_since(&self) -> Option<Instant> {
        self.fsm(self.established()?).phase.established_since()
    }

    /// The connection that carries the Established session: UPDATEs are to be written there.
    pub fn session(&self) -> Option<ConnId> {
        self.fsm(self.established()?).phase.conn_id()
    }

    /// When the peer will be tried again; `None` if nothing waits for that.
    pub fn next_retry(&self) -> Option<Instant> {
        let waits = |fsm: &Fsm| match fsm.state() {
            State::Idle => fsm.timers.get(Timer::IdleHold),
            State::Active => fsm.timers.get(Timer::ConnectRetry),
            _ => None,
        };
        waits(&self.outgoing).or_else(|| waits(&self.incoming))
    }

    /// How many attempts failed since the last session that lasted (RFC 4271 ConnectRetryCounter).
    pub fn failures(&self) -> u32 {
        self.back_off.failures()
    }

    /// The counters.
    pub fn stats(&self) -> &PeerStats {
        &self.stats
    }

    /// What went wrong last.
    pub fn last_errors(&self) -> &Arc<LastErrors> {
        &self.errors
    }

    /// The configuration in force.
    pub fn config(&self) -> &PeerConfig {
        &self.config
    }
}

/// B. What happened.
impl Peer {
    /// A connection of the peer was accepted. `None`: it is not wanted and has to be closed
    /// (see [`refusal`](Self::refusal)). Read what has come in on the others first: one whose OPEN was taken in is not given up for
    /// this one.
    ///
    /// A connection that is still without the peer's OPEN makes room: when the peer opens another one, it has most likely lost
    /// that one without our hearing of it, and would be locked out for the four minutes that we wait for an OPEN. The newest
    /// is taken each time, rather than the oldest kept for a while: whoever keeps opening connections and says nothing would
    /// fill every such while, but stands in the way of a peer that does speak only for as long as its OPEN is under way.
    pub fn handle_incoming(
        &mut self,
        local: SocketAddr,
        remote: SocketAddr,
        now: Instant,
    ) -> Option<ConnId> {
        if self.incoming.state() == State::OpenSent {
            // The old one is told why it ends (RFC 4486 §4, Connection Collision Resolution): if somebody is there after all, it
            // is the peer itself, which then knows that its other connection was preferred and need not rest for an error.
            self.step(Side::Incoming, Input::CollisionDump, now);
            self.step(Side::Incoming, Input::DampedStartPassive, now);
        }
        if self.incoming.state() == State::Established
            && self.outgoing.state() == State::Idle
            && self.is_superseded_by_newcomers(Side::Incoming)
        {
            // The session moves over, where nothing else is as long as it lasts, and makes room for what may supersede it.
            mem::swap(&mut self.incoming, &mut self.outgoing);
            self.step(Side::Incoming, Input::DampedStartPassive, now);
        }
        if self.outgoing.state() == State::Established
            && self.incoming.state() == State::Idle
            && self.is_superseded_by_newcomers(Side::Outgoing)
        {
            self.step(Side::Incoming, Input::DampedStartPassive, now);
        }
        if self.incoming.state() != State::Active {
            self.stats.refused += 1;
            return None;
        }
        let conn = self.names.next();
        self.step(
            Side::Incoming,
            Input::TcpConfirmed {
                conn,
                local,
                remote,
            },
            now,
        );
        self.publish();
        Some(conn)
    }

    /// What to say to a connection that [`handle_incoming`](Self::handle_incoming) refused, before it is closed. It counts as sent.
    pub fn refusal(&mut self) -> Notification {
        self.stats.sent.add(MessageType::Notification, 1);
        // RFC 4486 §4, RFC 9003 §2: who has shut the session down says so, with the text, also to those who come later. At their end
        // somebody wonders why there is no session, and "Connection Rejected" would tell them that they are not configured here.
        if let Some(text) = &self.config.admin_down {
            return Notification::cease_shutdown(text);
        }
        Notification::cease(match self.outgoing.state().max(self.incoming.state()) {
            State::OpenSent | State::OpenConfirm | State::Established => {
                codes::cease::COLLISION_RESOLUTION
            }
            State::Idle | State::Active | State::Connect => codes::cease::CONNECTION_REJECTED,
        })
    }

    /// The connection that [`Action::Connect`] asked for is open.
    pub fn handle_connected(
        &mut self,
        conn: ConnId,
        local: SocketAddr,
        remote: SocketAddr,
        now: Instant,
    ) {
        if self.dialing(conn) {
            self.step(Side::Outgoing, Input::TcpAcked { local, remote }, now);
            self.publish();
        }
    }

    /// The connection that [`Action::Connect`] asked for cannot be opened.
    pub fn handle_connect_failed(&mut self, conn: ConnId, why: ConnectFailure, now: Instant) {
        if self.dialing(conn) {
            self.step(Side::Outgoing, Input::TcpFails(Some(why)), now);
            self.publish();
        }
    }

    /// The connection ended: closed by the peer, or broken.
    pub fn handle_closed(&mut self, conn: ConnId, now: Instant) {
        if self.dialing(conn) {
            self.step(
                Side::Outgoing,
                Input::TcpFails(Some(ConnectFailure::Other)),
                now,
            );
        } else if let Some(side) = self.side_of(conn) {
            self.step(side, Input::TcpFails(None), now);
        }
        self.publish();
    }

    /// The link to the peer went down: what runs over it has failed, and nothing that was sent would arrive.
    pub fn handle_link_down(&mut self, now: Instant) {
        self.lose(&DownReason::LinkDown, now);
    }

    /// Our own address is no longer ours: what is sent to it arrives nowhere.
    pub fn handle_local_address_gone(&mut self, now: Instant) {
        self.lose(&DownReason::LocalAddressGone, now);
    }

    fn lose(&mut self, why: &DownReason, now: Instant) {
        for side in SIDES {
            if self.fsm(side).phase.connection().is_some() {
                self.step(side, Input::PathLost(why.clone()), now);
            }
        }
        self.publish();
    }

    /// Time has passed: call it when [`poll_timeout`](Self::poll_timeout) says so, or whenever.
    pub fn handle_timeout(&mut self, now: Instant) {
        for side in SIDES {
            // Ends: a timer that fires is stopped, and one that its row starts lies after `now`.
            while let Some(timer) = self.fsm_mut(side).timers.take_expired(now) {
                self.step(side, Input::Expired(timer), now);
            }
        }
        self.publish();
    }
}

/// C. What the speaker wants.
impl Peer {
    /// A peer that does nothing until it is started. The seed determines its jitter.
    pub fn new(config: PeerConfig, seed: u64) -> Self {
        Self {
            config,
            outgoing: Fsm::new(),
            incoming: Fsm::new(),
            names: ConnNames::default(),
            wanted: false,
            idle_reason: IdleReason::NotStarted,
            restarted: None,
            refused_as: None,
            back_off: BackOff::default(),
            resting_until: None,
            retrying: false,
            jitter: Jitter::new(seed),
            outbox: Outbox::default(),
            actions: VecDeque::new(),
            events: VecDeque::new(),
            stats: PeerStats::default(),
            errors: Arc::default(),
            scratch: AttrScratch::default(),
            published: (State::Idle, Some(IdleReason::NotStarted)),
        }
    }

    /// A peer that was not started yet, with the counters and the last errors of this one: after a defect, when nothing else of
    /// it can be trusted.
    #[must_use]
    pub fn reborn(&self, config: PeerConfig, seed: u64) -> Self {
        Self {
            names: self.names.clone(),
            stats: self.stats,
            errors: Arc::clone(&self.errors),
            ..Self::new(config, seed)
        }
    }

    /// Another process was the peer's neighbour before this one. Before [`start`](Self::start).
    pub fn restarted(&mut self, restarted: Restarted) {
        self.restarted = Some(restarted);
    }

    /// Begins: connects, unless passive, and accepts. Nothing happens while the configuration says administratively down.
    pub fn start(&mut self, now: Instant) {
        if self.config.admin_down.is_some() {
            self.idle_reason = IdleReason::AdminDown;
        } else if !self.wanted {
            self.wanted = true;
            if !self.config.passive {
                self.step(Side::Outgoing, Input::ManualStart, now);
            }
            self.step(Side::Incoming, Input::ManualStartPassive, now);
        }
        self.publish();
    }

    /// Ends, and stays down until it is started again.
    pub fn stop(&mut self, why: StopReason, now: Instant) {
        let notification = match &why {
            StopReason::Shutdown(text) | StopReason::Restart(text) => {
                Notification::cease_shutdown(text)
            }
            StopReason::Deconfigured => Notification::cease(codes::cease::PEER_DECONFIGURED),
            StopReason::Fault(notification) => notification.clone(),
        };
        self.wanted = false;
        let stays_silent = matches!(why, StopReason::Restart(_));
        let reason = DownReason::Stopped(why);
        let idle_reason = IdleReason::from(&reason);
        for side in SIDES {
            let ending = Ending {
                // RFC 4724 §4.2: what the peer is to see is the termination of the TCP session.
                notification: match stays_silent && self.may_keep_routes(side) {
                    true => None,
                    false => Some(self.for_good(side, notification.clone())),
                },
                reason: reason.clone(),
            };
            self.step(side, Input::ManualStop(&ending), now);
        }
        self.idle_reason = idle_reason;
        self.publish();
    }

    /// Ends the connections there are, and begins again after the shortest rest. Without any, begins again at once, as
    /// [`retry`](Self::retry) does.
    pub fn reset(&mut self, why: ResetReason, now: Instant) {
        let notification = match &why {
            ResetReason::Administrative(text) => Notification::cease_reset(text),
            ResetReason::ConfigurationChange | ResetReason::NeighbourChanged => {
                Notification::cease(codes::cease::CONFIGURATION_CHANGE)
            }
        };
        self.back_off.reset();
        let ending = Ending {
            notification: Some(notification),
            reason: DownReason::Reset(why),
        };
        if SIDES
            .iter()
            .any(|side| self.fsm(*side).phase.connection().is_some())
        {
            for side in SIDES {
                self.step(side, Input::AutomaticStop(Some(&ending)), now);
            }
            self.publish();
        } else {
            self.retry(now);
        }
    }

    /// Tries again at once where there is no connection: something changed that gives hope, such as a link that came up. A rest is cut
    /// short, an attempt that is under way is made anew.
    pub fn retry(&mut self, now: Instant) {
        for side in SIDES {
            let timers = &mut self.fsm_mut(side).timers;
            for timer in [Timer::IdleHold, Timer::ConnectRetry] {
                if timers.get(timer).is_some() {
                    timers.set(timer, now);
                }
            }
        }
        self.retrying = true;
        self.handle_timeout(now);
        self.retrying = false;
    }

    /// Ends the session because of something outside of it, such as too many prefixes; it comes back after the back-off. Routes
    /// of both sides go meanwhile.
    pub fn fail(&mut self, notification: Notification, now: Instant) {
        for side in SIDES {
            if self.fsm(side).phase.connection().is_some() {
                let notification = self.for_good(side, notification.clone());
                let ending = Ending {
                    notification: Some(notification.clone()),
                    reason: DownReason::NotificationSent(notification),
                };
                self.step(side, Input::AutomaticStop(Some(&ending)), now);
            }
        }
        self.publish();
    }

    /// Takes a new configuration, does to the session what it needs (see [`effect_of`]), and says what that was. A peer
    /// that was never started stays so; one that is no longer administratively down is started.
    pub fn reconfigure(&mut self, config: PeerConfig, now: Instant) -> Effect {
        let mut effect = effect_of(&self.config, &config);
        let old = mem::replace(&mut self.config, config);
        let opened = SIDES.map(|side| self.fsm(side).phase.negotiated());
        if opened
            .into_iter()
            .flatten()
            .any(|n| n.lacks_role(&self.config))
        {
            effect = Effect::Reset;
        }
        match (old.admin_down.is_some(), self.config.admin_down.clone()) {
            (_, Some(text)) if self.wanted => self.stop(StopReason::Shutdown(text), now),
            (false, Some(_)) => self.idle_reason = IdleReason::AdminDown,
            (true, None) => self.start(now),
            _ if effect == Effect::Reset => self.reset(ResetReason::ConfigurationChange, now),
            _ => self.apply_in_place(&old, now),
        }
        if self.wanted && old.passive != self.config.passive {
            self.apply_passive(now);
        }
        self.publish();
        effect
    }

    /// The driver's write made progress (RFC 9687: the send hold timer starts anew with the next one that does not).
    pub fn sent_bytes(&mut self) {
        if let Some(side) = self.established() {
            self.fsm_mut(side).timers.stop(Timer::SendHold);
        }
    }

    /// Something waits to be written and nothing of it could be: the send hold timer runs from the first such call on.
    pub fn write_blocked(&mut self, now: Instant) {
        let Some(side) = self.established() else {
            return;
        };
        let fsm = self.fsm_mut(side);
        if let Some(limit) = fsm.phase.negotiated().and_then(|n| n.send_hold)
            && fsm.timers.get(Timer::SendHold).is_none()
        {
            fsm.timers.set(Timer::SendHold, now + limit);
        }
    }

    /// UPDATEs were written that did not pass through here. RFC 4271 §8.2.2: "Each time the local system sends a KEEPALIVE or
    /// UPDATE message, it restarts its KeepaliveTimer, unless the negotiated HoldTime value is zero."
    pub fn sent_update(&mut self, messages: u64, now: Instant) {
        if let Some(side) = self.established() {
            self.stats.sent.add(MessageType::Update, messages);
            self.restart_keepalive(side, now);
        }
    }

    /// Asks the peer for all its routes of a family. `false` if there is no session for it or the peer cannot be asked.
    pub fn request_refresh(&mut self, family: Family) -> bool {
        self.send_refresh(family, RefreshSubtype::Request, |n| n.route_refresh)
    }

    /// Tells the peer that all our routes of a family follow (`Begin`) or have been sent (`End`), if it understands that
    /// (RFC 7313). For `End`, call it when the routes are written: it is next in line for the connection.
    pub fn send_refresh_marker(&mut self, family: Family, marker: RefreshSubtype) -> bool {
        matches!(marker, RefreshSubtype::Begin | RefreshSubtype::End)
            && self.send_refresh(family, marker, |n| n.enhanced_refresh)
    }
}

/// D. What to do next.
impl Peer {
    /// Appends messages to `out` and says for which connection they are.
    pub fn poll_transmit(&mut self, out: &mut BytesMut) -> Option<ConnId> {
        self.outbox.pop(out)
    }

    /// What the driver must do with its sockets. Take everything from [`poll_transmit`](Self::poll_transmit) first: the last words
    /// of a connection are there before it is to be closed.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    /// What the speaker must know.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called next. Ask again after every other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        [&self.outgoing, &self.incoming]
            .into_iter()
            .filter_map(|fsm| fsm.timers.next())
            .min()
    }
}

impl Peer {
    pub(crate) fn fsm(&self, side: Side) -> &Fsm {
        match side {
            Side::Outgoing => &self.outgoing,
            Side::Incoming => &self.incoming,
        }
    }

    pub(crate) fn fsm_mut(&mut self, side: Side) -> &mut Fsm {
        match side {
            Side::Outgoing => &mut self.outgoing,
            Side::Incoming => &mut self.incoming,
        }
    }

    fn send_refresh(
        &mut self,
        family: Family,
        subtype: RefreshSubtype,
        understood: fn(&Negotiated) -> bool,
    ) -> bool {
        let (Some(conn), Some(negotiated)) = (self.session(), self.negotiated()) else {
            return false;
        };
        if !understood(negotiated) || !negotiated.families.contains(family) {
            return false;
        }
        self.stats.sent.add(MessageType::RouteRefresh, 1);
        self.outbox
            .push(conn, |out| encode_route_refresh(out, family, subtype));
        true
    }

    /// What a running session takes over from a changed configuration.
    fn apply_in_place(&mut self, old: &PeerConfig, now: Instant) {
        let config = self.config.clone();
        for side in SIDES {
            self.fsm_mut(side).renegotiated(|n| {
                n.keepalive = negotiate::keepalive(&config, n.hold_time);
                n.send_hold = negotiate::send_hold(&config, n.hold_time);
                let reading = |ctx: &SessionContext| {
                    (
                        ctx.accept_as_set,
                        ctx.enforce_first_as,
                        ctx.disable_families,
                    )
                };
                let wanted = (
                    config.accept_as_set,
                    config.enforce_first_as,
                    config.disable_families,
                );
                if reading(&n.ctx) != wanted {
                    let ctx = Arc::make_mut(&mut n.ctx);
                    ctx.disable_families = config.disable_families;
                    ctx.accept_as_set = config.accept_as_set;
                    ctx.enforce_first_as = config.enforce_first_as;
                }
            });
            if old.keepalive != config.keepalive && self.fsm(side).phase.negotiated().is_some() {
                self.restart_keepalive(side, now);
            }
        }
    }

    /// Stops connecting, or begins to. A connection that is there stays.
    fn apply_passive(&mut self, now: Instant) {
        let fsm = &mut self.outgoing;
        let resting = fsm.timers.get(Timer::IdleHold).is_some();
        if self.config.passive {
            if fsm.phase.connection().is_none() {
                let reason = DownReason::Reset(ResetReason::ConfigurationChange);
                let notification = Notification::cease(codes::cease::CONFIGURATION_CHANGE);
                self.step(
                    Side::Outgoing,
                    Input::ManualStop(&Ending {
                        notification: Some(notification),
                        reason,
                    }),
                    now,
                );
            }
        } else if fsm.state() == State::Active && fsm.timers.get(Timer::ConnectRetry).is_none() {
            // Lost its connection while passive, and has been waiting for nothing since.
            fsm.timers.set(Timer::ConnectRetry, now);
        } else if !resting && self.incoming.state() < State::OpenConfirm {
            self.step(Side::Outgoing, Input::ManualStart, now);
        }
    }

    fn dialing(&self, conn: ConnId) -> bool {
        self.outgoing.state() == State::Connect && self.outgoing.phase.conn_id() == Some(conn)
    }

    pub(crate) fn side_of(&self, conn: ConnId) -> Option<Side> {
        SIDES.into_iter().find(|side| {
            self.fsm(*side)
                .phase
                .connection()
                .is_some_and(|c| c.id == conn)
        })
    }

    fn established(&self) -> Option<Side> {
        SIDES
            .into_iter()
            .find(|side| self.fsm(*side).state() == State::Established)
    }

    /// Tells the speaker when what it shows of this peer is no longer true.
    pub(crate) fn publish(&mut self) {
        let current = (self.state(), self.idle_reason());
        if mem::replace(&mut self.published, current) != current {
            self.events.push_back(Event::StateChanged(current.0));
        }
    }
}
