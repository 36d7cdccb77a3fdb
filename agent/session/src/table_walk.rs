//! Walks all rows of the FSM table with a real machine: each row is met in its state, by its event, and what the machine then
//! does is compared with what the row says. Whether the rows are right is what `rfc_walk.rs` asks.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_wire::{
    Asn, AttrScratch, Decoded, Family, HoldTime, Notification, Open, RefreshSubtype, RouteRefresh,
    RouterId, SessionContext, codes, decode_update,
};
use bytes::BytesMut;

use crate::collision::Side;
use crate::config::{FamilyConfig, PeerConfig, RemoteAs};
use crate::event::{Action, ConnId, DownReason, Event, StopReason};
use crate::input::{Ending, Input, Refusal};
use crate::negotiate::{Negotiated, negotiate};
use crate::peer::Peer;
use crate::state::State;
use crate::table::{Act, FsmEvent, Notice, Outcome, Row, TABLE, lookup};
use crate::timer::Timer;
use crate::{ConnectFailure, UpdateSink, epoch};

fn address(last: u8) -> SocketAddr {
    SocketAddr::from(([192, 0, 2, last], 179))
}

fn config() -> PeerConfig {
    let mut config = PeerConfig::new(Asn(65001), RemoteAs::Asn(Asn(65002)), RouterId(1));
    config.families = vec![FamilyConfig::plain(Family::IPV4_UNICAST)];
    config
}

fn agreed(side: Side) -> Arc<Negotiated> {
    let open = Open::new(Asn(65002), HoldTime::default(), RouterId(2), vec![]);
    Arc::new(negotiate(&config(), open, side, address(1), address(2)).unwrap())
}

/// A peer with an FSM in the state, and the time it is then; `None` if that FSM does not get there. Everything it had to say on the
/// way is taken.
pub(crate) fn peer_in(state: State, side: Side) -> Option<(Peer, Instant)> {
    let now = epoch();
    let mut peer = Peer::new(config(), 1);
    peer.wanted = true;
    match side {
        Side::Outgoing if state != State::Idle => {
            peer.step(side, Input::ManualStart, now);
            if state == State::Active {
                peer.step(
                    side,
                    Input::TcpAcked {
                        local: address(1),
                        remote: address(2),
                    },
                    now,
                );
                peer.step(side, Input::TcpFails(None), now);
            } else if state != State::Connect {
                peer.step(
                    side,
                    Input::TcpAcked {
                        local: address(1),
                        remote: address(2),
                    },
                    now,
                );
            }
        }
        Side::Incoming if state == State::Connect => return None,
        Side::Incoming if state != State::Idle => {
            peer.step(side, Input::ManualStartPassive, now);
            if state != State::Active {
                let conn = peer.names.next();
                let confirmed = Input::TcpConfirmed {
                    conn,
                    local: address(1),
                    remote: address(2),
                };
                peer.step(side, confirmed, now);
            }
        }
        _ => {}
    }
    if state >= State::OpenConfirm {
        peer.step(side, Input::Open(agreed(side)), now);
    }
    if state == State::Established {
        peer.step(side, Input::Keepalive, now);
    }
    assert_eq!(peer.fsm(side).state(), state);
    taken(&mut peer);
    peer.stats = Default::default();
    peer.errors = Default::default();
    Some((peer, now + Duration::from_millis(5)))
}

/// A message: for whom, its type, and code and subcode if it is a NOTIFICATION.
pub(crate) type Sent = (ConnId, u8, Option<(u8, u8)>);

#[derive(Default, Debug)]
pub(crate) struct Taken {
    pub(crate) sent: Vec<Sent>,
    actions: Vec<Action>,
    events: Vec<Event>,
}

pub(crate) fn taken(peer: &mut Peer) -> Taken {
    let mut taken = Taken::default();
    let mut out = BytesMut::new();
    while let Some(conn) = peer.poll_transmit(&mut out) {
        while out.len() >= 19 {
            let length = usize::from(u16::from_be_bytes([out[16], out[17]]));
            let message = out.split_to(length);
            let notification = (message[18] == 3).then(|| (message[19], message[20]));
            taken.sent.push((conn, message[18], notification));
        }
    }
    taken
        .actions
        .extend(std::iter::from_fn(|| peer.poll_action()));
    taken
        .events
        .extend(std::iter::from_fn(|| peer.poll_event()));
    taken
}

pub(crate) struct Count(pub(crate) usize);

impl UpdateSink for Count {
    fn update(&mut self, _: &Decoded<'_>, _: &SessionContext) {
        self.0 += 1;
    }
}

/// Gives the event to the FSM. `false`: nothing in the machine can raise it.
pub(crate) fn raise(
    peer: &mut Peer,
    side: Side,
    event: FsmEvent,
    now: Instant,
    sink: &mut Count,
) -> bool {
    use FsmEvent as E;
    let ending = Ending {
        notification: Some(Notification::cease(codes::cease::OUT_OF_RESOURCES)),
        reason: DownReason::Stopped(StopReason::Deconfigured),
    };
    let state = peer.fsm(side).state();
    let conn = peer.names.next();
    let update = [0, 0, 0, 0];
    let mut scratch = AttrScratch::default();
    let ctx = SessionContext::new(Asn(65001), Asn(65002));
    let decoded = decode_update(&update, &ctx, &mut scratch).unwrap();
    let input = match event {
        E::ManualStart => Input::ManualStart,
        E::ManualStartWithPassive => Input::ManualStartPassive,
        E::ManualStop => Input::ManualStop(&ending),
        E::AutomaticStartWithDamp => Input::DampedStart,
        E::AutomaticStartWithDampAndPassive => Input::DampedStartPassive,
        E::AutomaticStop => Input::AutomaticStop(Some(&ending)),
        E::ConnectRetryTimerExpires => Input::Expired(Timer::ConnectRetry),
        E::HoldTimerExpires => Input::Expired(Timer::Hold),
        E::KeepaliveTimerExpires => Input::Expired(Timer::Keepalive),
        E::IdleHoldTimerExpires => Input::Expired(Timer::IdleHold),
        E::SendHoldTimerExpires => Input::Expired(Timer::SendHold),
        E::TcpCrAcked => Input::TcpAcked {
            local: address(1),
            remote: address(2),
        },
        E::TcpConnectionConfirmed => Input::TcpConfirmed {
            conn,
            local: address(1),
            remote: address(2),
        },
        E::TcpConnectionFails if state == State::Connect => {
            Input::TcpFails(Some(ConnectFailure::Refused))
        }
        E::TcpConnectionFails => Input::TcpFails(None),
        E::BgpOpen if state == State::OpenSent => Input::Open(agreed(side)),
        E::BgpOpen => Input::UnexpectedOpen,
        E::BgpHeaderErr => Input::BadHeader(Notification::new(1, 3, vec![])),
        E::BgpOpenMsgErr => Input::BadOpen(Refusal {
            notification: Notification::new(2, 4, vec![]),
            why: "a parameter".to_owned(),
        }),
        E::OpenCollisionDump if state == State::Established => Input::Superseded,
        E::OpenCollisionDump => Input::CollisionDump,
        E::NotifMsgVerErr => Input::Notification(Notification::new(2, 1, vec![])),
        E::NotifMsg => Input::Notification(Notification::new(6, 4, vec![])),
        E::KeepAliveMsg => Input::Keepalive,
        E::UpdateMsg if state == State::Established => Input::Update(&decoded, &ctx, sink),
        E::UpdateMsg => Input::UnexpectedUpdate,
        E::UpdateMsgErr => Input::BadUpdate(Notification::new(3, 1, vec![])),
        E::RouteRefreshMsg if state == State::Established => Input::Refresh(RouteRefresh {
            family: Family::IPV4_UNICAST,
            subtype: RefreshSubtype::Request,
        }),
        E::RouteRefreshMsg => Input::UnexpectedRefresh,
        E::AutomaticStart
        | E::AutomaticStartWithPassive
        | E::DelayOpenTimerExpires
        | E::TcpConnectionValid
        | E::TcpCrInvalid
        | E::BgpOpenWithDelayOpenTimer => return false,
    };
    assert_eq!(input.event(), event, "in {state}");
    peer.step(side, input, now);
    true
}

/// Whether this side's FSM is the one the row is about: the outgoing one connects, the incoming one accepts.
pub(crate) fn concerns(row: &Row, side: Side) -> bool {
    use FsmEvent as E;
    match (row.state, row.event) {
        (State::Idle, E::ManualStart | E::AutomaticStartWithDamp) => side == Side::Outgoing,
        (State::Idle, E::ManualStartWithPassive | E::AutomaticStartWithDampAndPassive) => {
            side == Side::Incoming
        }
        (State::Active, E::ConnectRetryTimerExpires) => side == Side::Outgoing,
        (State::Active, E::TcpConnectionConfirmed) => side == Side::Incoming,
        _ => true,
    }
}

#[test]
fn every_row_is_at_its_place_and_says_why() {
    assert_eq!(State::ALL.len() * FsmEvent::RFC_4271, 168);
    let mut of_rfc_4271 = 0;
    for (s, state) in State::ALL.into_iter().enumerate() {
        for (e, event) in FsmEvent::ALL.into_iter().enumerate() {
            assert_eq!(usize::from(event.number()), e + 1);
            let row = lookup(state, event);
            assert_eq!((row.state, row.event), (state, event));
            assert!(std::ptr::eq(row, &TABLE[s * FsmEvent::ALL.len() + e]));
            of_rfc_4271 += usize::from(e < FsmEvent::RFC_4271);
            if !matches!(row.outcome, Outcome::Go(..)) {
                assert!(!row.note.is_empty(), "{state} x {event:?} must say why");
            }
        }
    }
    assert_eq!(of_rfc_4271, 168);
}

#[test]
fn rows_obey_the_rules_that_all_of_them_share() {
    for row in &TABLE {
        let Outcome::Go(acts, next) = row.outcome else {
            continue;
        };
        let at = |wanted: Act| acts.iter().position(|a| *a == wanted);
        let name = format!("{} x {:?}", row.state, row.event);
        let notice = acts.iter().position(|a| matches!(a, Act::Notify(_)));
        let had_connection = row.state >= State::OpenSent;
        let ends = had_connection && next < State::OpenSent;
        assert_eq!(
            at(Act::Drop).is_some() && had_connection,
            ends,
            "{name}: who ends drops"
        );
        assert_eq!(
            at(Act::Release).is_some(),
            row.state == State::Established && ends,
            "{name}"
        );
        assert!(
            notice.is_none_or(|n| Some(n) < at(Act::Drop)),
            "{name}: words before the end"
        );
        let received = matches!(row.event, FsmEvent::NotifMsg | FsmEvent::NotifMsgVerErr);
        // RFC 4724 §4.2: the peer is not there any more to hear it.
        let superseded =
            (row.state, row.event) == (State::Established, FsmEvent::OpenCollisionDump);
        let silent = received || superseded || row.event == FsmEvent::TcpConnectionFails;
        assert_eq!(
            notice.is_some(),
            ends && !silent,
            "{name}: who ends says why, unless told"
        );
        let rests = [Act::Damp, Act::HoldIdle, Act::AwaitConnectRetry]
            .iter()
            .any(|a| at(*a).is_some());
        let wanted_down = matches!(
            row.event,
            FsmEvent::ManualStop | FsmEvent::OpenCollisionDump
        );
        if row.state != State::Idle && next < row.state && next <= State::Active {
            assert_eq!(rests, !wanted_down, "{name}: a failure is rested");
        }
    }
}

#[test]
fn every_row_is_what_the_machine_does() {
    let mut walked = 0;
    for row in &TABLE {
        let mut met = false;
        for side in [Side::Outgoing, Side::Incoming] {
            if concerns(row, side)
                && let Some((mut peer, now)) = peer_in(row.state, side)
            {
                met = true;
                walk(row, side, &mut peer, now);
            }
        }
        assert!(met, "{row:?}");
        walked += 1;
    }
    assert_eq!(walked, 180);
}

fn walk(row: &Row, side: Side, peer: &mut Peer, now: Instant) {
    let name = format!("{} x {:?} ({side:?})", row.state, row.event);
    let conn = peer.fsm(side).phase.conn_id();
    let timers = peer.fsm(side).timers.clone();
    let mut sink = Count(0);
    if !raise(peer, side, row.event, now, &mut sink) {
        assert_eq!(row.outcome, Outcome::Never, "{name}: nothing can raise it");
        return;
    }
    let taken = taken(peer);
    let fsm = peer.fsm(side);
    let Outcome::Go(acts, next) = row.outcome else {
        assert_eq!(fsm.state(), row.state, "{name}");
        assert_eq!(fsm.phase.conn_id(), conn, "{name}");
        assert!(
            taken.sent.is_empty() && taken.actions.is_empty(),
            "{name}: {taken:?}"
        );
        assert!(taken.events.is_empty(), "{name}: {taken:?}");
        for timer in Timer::ALL {
            assert_eq!(
                fsm.timers.get(timer),
                timers.get(timer),
                "{name}: {timer:?}"
            );
        }
        let impossible = u64::from(row.outcome == Outcome::Never);
        assert_eq!(peer.stats().impossible_events, impossible, "{name}");
        return;
    };
    let has = |act: Act| acts.contains(&act);

    // Idle x 13 raises another event in the same step, whose row starts the FSM.
    let expected = match (has(Act::Restart), side) {
        (false, _) => next,
        (true, Side::Outgoing) => State::Connect,
        (true, Side::Incoming) => State::Active,
    };
    assert_eq!(fsm.state(), expected, "{name}");
    let dials = has(Act::Dial) || has(Act::Restart) && side == Side::Outgoing;

    // Actions for the driver.
    let closes = has(Act::Drop) && conn.is_some() && row.event != FsmEvent::TcpConnectionFails;
    let mut actions = Vec::new();
    actions.extend(conn.filter(|_| closes).map(Action::Close));
    actions.extend(fsm.phase.conn_id().filter(|_| dials).map(Action::Connect));
    assert_eq!(taken.actions, actions, "{name}");

    // Messages.
    let mut sent = Vec::new();
    for act in acts {
        let kind = match act {
            Act::SendOpen => (1, None),
            Act::SendKeepalive => (4, None),
            Act::Notify(notice) => (3, Some(code_of(*notice, row))),
            _ => continue,
        };
        sent.push((fsm.phase.conn_id().or(conn).unwrap(), kind.0, kind.1));
    }
    assert_eq!(taken.sent, sent, "{name}");

    // What the speaker is told.
    let told = |is: fn(&Event) -> bool| taken.events.iter().filter(|e| is(e)).count();
    assert_eq!(
        told(|e| matches!(e, Event::Established(_))) == 1,
        has(Act::Announce),
        "{name}"
    );
    assert_eq!(
        told(|e| matches!(e, Event::Down(_))) == 1,
        has(Act::Release),
        "{name}"
    );
    assert_eq!(
        told(|e| matches!(e, Event::RefreshRequested(_))) == 1,
        has(Act::DeliverRefresh)
    );
    assert_eq!(sink.0 == 1, has(Act::DeliverUpdate), "{name}");
    assert_eq!(peer.stats().impossible_events, 0, "{name}");

    // Timers, by the state that is reached.
    let runs = |timer: Timer| fsm.timers.get(timer).is_some();
    let rests = has(Act::Damp) || has(Act::HoldIdle);
    assert_eq!(runs(Timer::IdleHold), rests, "{name}");
    let retries = expected == State::Connect
        || expected == State::Active && side == Side::Outgoing && row.state != State::Idle;
    assert_eq!(runs(Timer::ConnectRetry), retries, "{name}");
    assert_eq!(runs(Timer::Hold), expected >= State::OpenSent, "{name}");
    assert_eq!(
        runs(Timer::Keepalive),
        expected >= State::OpenConfirm,
        "{name}"
    );
    let hold = fsm.timers.get(Timer::Hold).map(|at| at - now);
    match (has(Act::StartHoldLarge), has(Act::RestartHold)) {
        (true, _) => assert_eq!(hold, Some(Duration::from_secs(240)), "{name}"),
        (_, true) => assert_eq!(hold, Some(Duration::from_secs(90)), "{name}"),
        _ => {}
    }
    // In Active the FSM has failed once on its way there.
    let before = u32::from(row.state == State::Active && side == Side::Outgoing);
    let counted = if has(Act::ClearRetryCounter) {
        0
    } else {
        before + u32::from(has(Act::CountRetry))
    };
    assert_eq!(peer.failures(), counted, "{name}");
}

fn code_of(notice: Notice, row: &Row) -> (u8, u8) {
    match (notice, row.event, row.state) {
        (Notice::OfEvent, FsmEvent::ManualStop | FsmEvent::AutomaticStop, _) => (6, 8),
        (Notice::OfEvent, FsmEvent::BgpHeaderErr, _) => (1, 3),
        (Notice::OfEvent, FsmEvent::BgpOpenMsgErr, _) => (2, 4),
        (Notice::OfEvent, _, _) => (3, 1),
        (Notice::HoldTimer, ..) => (4, 0),
        (Notice::SendHoldTimer, ..) => (8, 0),
        (Notice::Collision, ..) => (6, 7),
        (Notice::FsmError, _, State::OpenSent) => (5, 1),
        (Notice::FsmError, _, State::OpenConfirm) => (5, 2),
        (Notice::FsmError, ..) => (5, 3),
    }
}
