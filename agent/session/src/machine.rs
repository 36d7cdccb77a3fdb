//! Carries out the rows of the FSM table: the only place where an FSM changes its state.
//!
//! An input becomes an event, the event and the state give a row, the row's actions are done in order. Actions that
//! concern both FSMs of the peer (collision, damping) give the other FSM an event of its own, one level deep.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_wire::{Asn, FamilySet, MessageType, Notification, RefreshSubtype, RouteRefresh, codes};

use crate::collision::{Side, survivor};
use crate::event::{Action, ConnectFailure, DownReason, Event, IdleReason};
use crate::fsm::{Fsm, Left};
use crate::input::Input;
use crate::negotiate::{SHORTEST_KEEPALIVE, own_open};
use crate::peer::Peer;
use crate::state::{Phase, State};
use crate::stats::Stamped;
use crate::table::{Act, Notice, Outcome, lookup};
use crate::timer::Timer;

/// RFC 4271 §8.2.2: "A HoldTimer value of 4 minutes is suggested."
const LARGE_HOLD: Duration = Duration::from_secs(4 * 60);

/// The shortest time that an attempt to connect is given.
const SHORTEST_CONNECT: Duration = Duration::from_secs(1);

/// For how long a NOTIFICATION explains why connections are turned away: the usual rest of other implementations.
const EXPLAINS: Duration = Duration::from_secs(2 * 60);

impl Peer {
    /// One event at one FSM.
    pub(crate) fn step(&mut self, side: Side, mut input: Input<'_>, now: Instant) {
        let row = lookup(self.fsm(side).state(), input.event());
        let (acts, next) = match row.outcome {
            Outcome::Go(acts, next) => (acts, next),
            Outcome::Ignore => return,
            Outcome::Never => {
                self.stats.impossible_events += 1;
                return;
            }
        };
        let (fsm, names) = self.fsm_and_names(side);
        let left = fsm.go(next, &mut input, names, now);
        let conn = fsm.phase.conn_id();
        let mut sent = None;
        for act in acts {
            self.act(*act, side, &left, &mut input, &mut sent, now);
            if self.fsm(side).phase.conn_id() != conn {
                // The action ended this very connection (a lost collision) with a row of its own.
                return;
            }
        }
        if left.conn.is_some() && left.conn != conn {
            self.note_failure(side, &left, &input, sent, now);
        }
    }

    fn act(
        &mut self,
        act: Act,
        side: Side,
        left: &Left,
        input: &mut Input<'_>,
        sent: &mut Option<Notification>,
        now: Instant,
    ) {
        match act {
            Act::ClearRetryCounter => self.back_off.reset(),
            Act::CountRetry => self.count_retry(side, left, input),
            Act::StartConnectRetry => {
                let limit = self
                    .jitter
                    .shorten(self.config.connect_retry)
                    .max(SHORTEST_CONNECT);
                self.set(side, Timer::ConnectRetry, now + limit);
            }
            Act::AwaitConnectRetry => {
                if side == Side::Outgoing && !self.config.passive {
                    let wait = self.rest();
                    self.set(side, Timer::ConnectRetry, now + wait);
                }
            }
            Act::StopConnectRetry => self.fsm_mut(side).timers.stop(Timer::ConnectRetry),
            Act::StopIdleHold => self.fsm_mut(side).timers.stop(Timer::IdleHold),
            Act::Dial => {
                if let Some(id) = self.fsm(side).phase.conn_id() {
                    self.stats.connects += 1;
                    self.actions.push_back(Action::Connect(id));
                }
            }
            Act::SendOpen => self.send_open(side, now),
            Act::StartHoldLarge => self.set(side, Timer::Hold, now + LARGE_HOLD),
            Act::ResolveCollision => self.resolve_collision(side, now),
            Act::RestartHold => self.restart_hold(side, now),
            Act::SendKeepalive => self.send_keepalive(side, now),
            Act::Supersede => {
                let other = side.other();
                if self.fsm(other).state() == State::Established {
                    self.step(other, Input::Superseded, now);
                }
            }
            Act::Announce => {
                if let Phase::Established(_, negotiated, _) = &self.fsm(side).phase {
                    let negotiated = Arc::clone(negotiated);
                    self.stats.established += 1;
                    self.back_off.came_up();
                    // What ends after this is no restart of ours any more.
                    self.restarted = None;
                    self.events.push_back(Event::Established(negotiated));
                }
            }
            Act::DeliverUpdate => {
                if let Input::Update(decoded, ctx, sink) = input {
                    sink.update(decoded, ctx);
                }
            }
            Act::DeliverRefresh => {
                if let Input::Refresh(refresh) = input {
                    self.deliver_refresh(side, *refresh);
                }
            }
            Act::Notify(notice) => *sent = self.notify(notice, left, input, now),
            Act::Drop => self.drop_connection(side, left, input),
            Act::Release => self.release(left, input, sent, now),
            Act::HoldIdle => {
                let wait = self.rest();
                self.set(side, Timer::IdleHold, now + wait);
            }
            Act::Damp => self.damp(side, now),
            Act::Restart => self.restart(side, now),
        }
    }

    fn set(&mut self, side: Side, timer: Timer, at: Instant) {
        self.fsm_mut(side).timers.set(timer, at);
    }

    /// How long to rest now.
    fn rest(&mut self) -> Duration {
        let limits = self.config.idle_hold;
        let base = self
            .back_off
            .delay(limits.first, limits.max, self.config.connect_retry);
        // A wait of nothing would be a loop.
        self.jitter.shorten(base).max(Duration::from_millis(1))
    }

    fn count_retry(&mut self, side: Side, left: &Left, input: &Input<'_>) {
        let asked_for = matches!(
            input,
            Input::AutomaticStop(
                None | Some(crate::input::Ending {
                    reason: DownReason::Reset(_),
                    ..
                })
            )
        );
        if asked_for || self.fsm(side.other()).phase.connection().is_some() {
            return;
        }
        match left.state {
            State::Established => self.back_off.count_session(),
            State::OpenSent | State::OpenConfirm => self.back_off.count(),
            State::Idle | State::Connect | State::Active => self.back_off.count_unanswered(),
        }
    }

    fn send_open(&mut self, side: Side, now: Instant) {
        let Some(id) = self.fsm(side).phase.conn_id() else {
            return;
        };
        let forwarding = self.forwarding();
        // RFC 4724 §4.1: "the Restart State bit MUST be set" after a restart; which is over for a peer that waits no longer.
        let restarting = self
            .restarted
            .is_some_and(|restarted| now < restarted.until);
        let own_as = self.own_as();
        self.fsm_mut(side).said_as = Some(own_as);
        let open = own_open(&self.config, own_as, restarting, forwarding);
        self.stats.sent.add(MessageType::Open, 1);
        self.outbox.push(id, |out| {
            let written = open.encode(out);
            debug_assert!(
                written.is_ok(),
                "names are cut, so an OPEN always fits: {written:?}"
            );
        });
    }

    /// The AS that we say to be of. RFC 7705 §4.2, where there are two: "the speaker SHOULD send BGP OPEN using the globally configured
    /// ASN first, and only send a BGP OPEN using the locally configured ASN as a fallback if the remote neighbor responds with the
    /// BGP error 'Bad Peer AS'."
    fn own_as(&self) -> Asn {
        let refused = self.refused_as == Some(self.config.local_as);
        match self.config.also_as {
            Some(also) if refused && self.config.is_internal_only() => also,
            _ => self.config.local_as,
        }
    }

    /// The F bits of RFC 4724 §3: the families whose packets were forwarded since the peer heard of us last. Within one life all
    /// that the configuration names; in the first session of a life what the one before has left.
    fn forwarding(&self) -> FamilySet {
        let ours = self.config.graceful_restart.map(|ours| ours.forwarding);
        let ours = ours.unwrap_or(FamilySet::EMPTY);
        match (self.stats.established, self.restarted) {
            (1.., _) => ours,
            (0, Some(restarted)) => ours.intersection(restarted.forwarding),
            (0, None) => FamilySet::EMPTY,
        }
    }

    /// §6.8, "upon receipt of an OPEN message".
    fn resolve_collision(&mut self, side: Side, now: Instant) {
        let Some(negotiated) = self.fsm(side).phase.negotiated() else {
            return;
        };
        let local = (self.config.router_id, self.config.local_as);
        let remote = (negotiated.remote_router_id, negotiated.remote_as);
        let other = side.other();
        let loser = match self.fsm(other).state() {
            State::Idle => return,
            // No connection there yet, and none needed any more: a newcomer could only make both sides think again.
            State::Connect | State::Active => {
                self.step(other, Input::CollisionDump, now);
                return;
            }
            // Its OPEN has not come; when it comes, it is compared with this one.
            State::OpenSent => return,
            State::OpenConfirm => survivor(local, remote).other(),
            // RFC 4724 §4.2: the peer may know nothing of that session any more. It says so by going on with this connection: until
            // then it may be one that it opened before and gives up itself. One of ours says nothing of the peer.
            State::Established
                if side == Side::Incoming && self.is_superseded_by_newcomers(other) =>
            {
                return;
            }
            State::Established => side,
        };
        self.step(loser, Input::CollisionDump, now);
    }

    fn restart_hold(&mut self, side: Side, now: Instant) {
        let fsm = self.fsm_mut(side);
        let Some(negotiated) = fsm.phase.negotiated() else {
            return;
        };
        match negotiated.hold_time.secs() {
            // No hold time is no reason to wait for the first KEEPALIVE for ever: until then, OpenSent's timer goes on.
            0 if fsm.state() == State::OpenConfirm => {}
            0 => fsm.timers.stop(Timer::Hold),
            secs => fsm
                .timers
                .set(Timer::Hold, now + Duration::from_secs(secs.into())),
        }
    }

    fn send_keepalive(&mut self, side: Side, now: Instant) {
        let Some(id) = self.fsm(side).phase.conn_id() else {
            return;
        };
        if self.outbox.push_keepalive(id) {
            self.stats.sent.add(MessageType::Keepalive, 1);
        }
        self.restart_keepalive(side, now);
    }

    /// RFC 4271 §4.4, §10: the time to the next KEEPALIVE is jittered, and so never longer than negotiated.
    pub(crate) fn restart_keepalive(&mut self, side: Side, now: Instant) {
        let interval = self.fsm(side).phase.negotiated().and_then(|n| n.keepalive);
        match interval {
            Some(interval) => {
                let wait = self.jitter.shorten(interval).max(SHORTEST_KEEPALIVE);
                self.set(side, Timer::Keepalive, now + wait);
            }
            None => self.fsm_mut(side).timers.stop(Timer::Keepalive),
        }
    }

    fn deliver_refresh(&mut self, side: Side, refresh: RouteRefresh) {
        let Some(negotiated) = self.fsm(side).phase.negotiated() else {
            return;
        };
        let RouteRefresh { family, subtype } = refresh;
        // RFC 2918 §4: a family that was not offered is ignored. RFC 7313 §5: so is an unknown subtype; and the markers mean
        // something only when both sides said so.
        let event = match subtype {
            _ if !negotiated.families.contains(family) => None,
            RefreshSubtype::Request => Some(Event::RefreshRequested(family)),
            RefreshSubtype::Begin if negotiated.enhanced_refresh => {
                Some(Event::RefreshBegin(family))
            }
            RefreshSubtype::End if negotiated.enhanced_refresh => Some(Event::RefreshEnd(family)),
            _ => None,
        };
        match event {
            Some(event) => self.events.push_back(event),
            None => self.stats.refreshes_ignored += 1,
        }
    }

    fn notify(
        &mut self,
        notice: Notice,
        left: &Left,
        input: &Input<'_>,
        now: Instant,
    ) -> Option<Notification> {
        let notification = match notice {
            Notice::OfEvent => input.own_notification()?.clone(),
            Notice::HoldTimer => Notification::hold_timer_expired(),
            Notice::SendHoldTimer => Notification::send_hold_timer_expired(),
            Notice::Collision => {
                self.stats.collisions += 1;
                Notification::cease(codes::cease::COLLISION_RESOLUTION)
            }
            Notice::FsmError => Notification::fsm(match left.state {
                State::OpenSent => codes::fsm::UNEXPECTED_IN_OPEN_SENT,
                State::OpenConfirm => codes::fsm::UNEXPECTED_IN_OPEN_CONFIRM,
                State::Established => codes::fsm::UNEXPECTED_IN_ESTABLISHED,
                State::Idle | State::Connect | State::Active => codes::fsm::UNSPECIFIED,
            }),
        };
        let conn = left.conn?;
        self.stats.sent.add(MessageType::Notification, 1);
        self.outbox.push(conn, |out| notification.encode(out));
        // What resolves a collision is no error that anyone should look at.
        if notice != Notice::Collision {
            Arc::make_mut(&mut self.errors).sent = Some(Stamped {
                what: notification.clone(),
                at: now,
            });
        }
        Some(notification)
    }

    fn drop_connection(&mut self, side: Side, left: &Left, input: &Input<'_>) {
        // A dial that follows in the same row starts its timer after this.
        self.fsm_mut(side).timers.stop_all();
        let Some(conn) = left.conn else { return };
        if matches!(input, Input::TcpFails(_)) {
            self.outbox.forget(conn);
        } else {
            self.actions.push_back(Action::Close(conn));
        }
    }

    fn release(
        &mut self,
        left: &Left,
        input: &Input<'_>,
        sent: &Option<Notification>,
        now: Instant,
    ) {
        let stayed = left
            .established_since
            .map(|since| now.saturating_duration_since(since));
        if stayed.is_some_and(|up| up >= self.config.idle_hold.stable_after) {
            self.back_off.reset();
        }
        self.stats.flaps += 1;
        if let Some(reason) = input.down_reason(sent.clone()) {
            Arc::make_mut(&mut self.errors).down = Some(Stamped {
                what: reason.clone(),
                at: now,
            });
            self.events.push_back(Event::Down(reason));
        }
    }

    /// The whole peer rests: this FSM, and the other one unless it has a connection, in which case that one decides.
    fn damp(&mut self, side: Side, now: Instant) {
        if let Some(until) = self.resting_until {
            // Drawn in by the other FSM.
            self.set(side, Timer::IdleHold, until);
            return;
        }
        let until = now + self.rest();
        self.set(side, Timer::IdleHold, until);
        let other = side.other();
        match self.fsm(other).state() {
            State::Idle => self.set(other, Timer::IdleHold, until),
            State::Connect | State::Active => {
                self.resting_until = Some(until);
                self.step(other, Input::AutomaticStop(None), now);
                self.resting_until = None;
            }
            State::OpenSent | State::OpenConfirm | State::Established => {}
        }
    }

    fn restart(&mut self, side: Side, now: Instant) {
        // An FSM beside one that has its OPEN stays where it is: when that session ends, damping starts both.
        if !self.wanted || self.fsm(side.other()).state() >= State::OpenConfirm {
            return;
        }
        match side {
            Side::Outgoing if self.config.passive => {}
            Side::Outgoing => self.step(side, Input::DampedStart, now),
            Side::Incoming => self.step(side, Input::DampedStartPassive, now),
        }
    }

    /// Remembers why an FSM lost its connection, for status.
    fn note_failure(
        &mut self,
        side: Side,
        left: &Left,
        input: &Input<'_>,
        sent: Option<Notification>,
        now: Instant,
    ) {
        if self.retrying {
            return;
        }
        // The peer resolved a collision, and its other connection is here.
        if matches!(input, Input::Notification(n) if is_collision(n))
            && self.fsm(side.other()).phase.connection().is_some()
        {
            return;
        }
        if let Input::Notification(received) = input {
            Arc::make_mut(&mut self.errors).received = Some(Stamped {
                what: received.clone(),
                at: now,
            });
        }
        let Some(reason) = input.down_reason(sent) else {
            return;
        };
        let explained = left.established_since.is_none() && self.is_explained(&reason, now);
        if reason != DownReason::Collision && !explained {
            self.idle_reason = IdleReason::from(&reason);
            Arc::make_mut(&mut self.errors).failure = Some(Stamped {
                what: reason,
                at: now,
            });
        }
    }

    /// Whether a connection that ended without a word did so because of what was said before: after a NOTIFICATION, many a peer
    /// rests, and turns connections away meanwhile.
    fn is_explained(&self, reason: &DownReason, now: Instant) -> bool {
        let wordless = matches!(
            reason,
            DownReason::ConnectionClosed | DownReason::ConnectFailed(ConnectFailure::Refused)
        );
        let before = self.errors.failure.as_ref();
        wordless
            && before.is_some_and(|failure| {
                let said = matches!(
                    failure.what,
                    DownReason::NotificationReceived(_)
                        | DownReason::NotificationSent(_)
                        | DownReason::OpenRefused { .. }
                );
                said && now.saturating_duration_since(failure.at) < EXPLAINS
            })
    }

    fn fsm_and_names(&mut self, side: Side) -> (&mut Fsm, &mut crate::fsm::ConnNames) {
        let fsm = match side {
            Side::Outgoing => &mut self.outgoing,
            Side::Incoming => &mut self.incoming,
        };
        (fsm, &mut self.names)
    }
}

fn is_collision(notification: &Notification) -> bool {
    (notification.code, notification.subcode) == (codes::CEASE, codes::cease::COLLISION_RESOLUTION)
}

/// RFC 4271 §6.2.
pub(crate) fn is_bad_peer_as(notification: &Notification) -> bool {
    (notification.code, notification.subcode) == (codes::OPEN, codes::open::BAD_PEER_AS)
}
