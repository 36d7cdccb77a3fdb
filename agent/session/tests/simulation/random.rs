//! Whatever comes, in whatever order: nothing panics, nothing loops, and a session is there once or not at all.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use bgp_session::{Action, ConnId, ConnectFailure, Event, Peer, ResetReason, State, StopReason};
use bgp_wire::{Family, Notification, RefreshSubtype};
use bytes::BytesMut;
use proptest::prelude::*;

use crate::pair::{A, B, Pair, Sink, config, epoch};
use crate::raw::{RawOpen, keepalive, message, update};
use crate::restart::graceful_restart;

#[derive(Debug, Clone)]
enum Op {
    Start,
    Stop,
    Fault,
    Reset,
    Retry,
    Fail,
    Incoming,
    /// The oldest attempt to connect succeeds.
    Connected,
    ConnectFailed(bool),
    /// To the connection with this place among those that are open.
    Bytes(usize, Vec<u8>),
    /// Ends with an OPEN and a KEEPALIVE.
    Establish(usize),
    Closed(usize),
    Wait(u64),
    WaitForTimeout,
    Blocked,
    Unblocked,
    SentUpdate,
    Refresh,
    Reconfigure(u8),
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    let one = prop_oneof![
        4 => Just(RawOpen::default().bytes()),
        4 => Just(keepalive()),
        2 => Just(RawOpen { hold: 0, ..RawOpen::default() }.bytes()),
        2 => Just(update()),
        1 => Just(RawOpen { my_as: 7, ..RawOpen::default() }.bytes()),
        1 => Just(message(5, &[0, 1, 0, 1])),
        1 => Just(message(3, &[6, 4])),
        1 => (0u8..7, prop::collection::vec(any::<u8>(), 0..60)).prop_map(|(k, b)| message(k, &b)),
        1 => prop::collection::vec(any::<u8>(), 0..60),
    ];
    (
        prop::collection::vec(one, 1..4),
        any::<prop::sample::Index>(),
    )
        .prop_map(|(all, cut)| {
            let mut bytes = all.concat();
            // Mostly whole messages, sometimes cut.
            let at = cut.index(4 * bytes.len() + 1);
            bytes.truncate(at.max(1));
            bytes
        })
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        4 => Just(Op::Start),
        1 => Just(Op::Stop),
        1 => Just(Op::Fault),
        1 => Just(Op::Reset),
        1 => Just(Op::Retry),
        1 => Just(Op::Fail),
        6 => Just(Op::Incoming),
        6 => Just(Op::Connected),
        2 => any::<bool>().prop_map(Op::ConnectFailed),
        10 => (0usize..3, bytes()).prop_map(|(c, b)| Op::Bytes(c, b)),
        6 => (0usize..3).prop_map(Op::Establish),
        2 => (0usize..3).prop_map(Op::Closed),
        4 => (0u64..200_000).prop_map(Op::Wait),
        4 => Just(Op::WaitForTimeout),
        1 => Just(Op::Blocked),
        1 => Just(Op::Unblocked),
        1 => Just(Op::SentUpdate),
        1 => Just(Op::Refresh),
        1 => (0u8..8).prop_map(Op::Reconfigure),
    ]
}

/// A driver that believes nothing.
struct World {
    peer: Peer,
    now: Instant,
    sink: Sink,
    dialing: Vec<ConnId>,
    open: Vec<ConnId>,
    seen: BTreeSet<ConnId>,
    ups: usize,
    downs: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        Self {
            peer: Peer::new(config(A), seed),
            now: epoch(),
            sink: Sink::default(),
            dialing: Vec::new(),
            open: Vec::new(),
            seen: BTreeSet::new(),
            ups: 0,
            downs: 0,
        }
    }

    fn apply(&mut self, op: Op) {
        let [local, remote] = [1, 2].map(|n| SocketAddr::from(([192, 0, 2, n], 179)));
        let (peer, now) = (&mut self.peer, self.now);
        let pick = |list: &[ConnId], i: usize| list.get(i % list.len().max(1)).copied();
        match op {
            Op::Start => peer.start(now),
            Op::Stop => peer.stop(StopReason::Shutdown("x".repeat(300)), now),
            Op::Fault => peer.stop(StopReason::Fault(Notification::fsm(0)), now),
            Op::Retry => peer.retry(now),
            Op::Reset => peer.reset(ResetReason::ConfigurationChange, now),
            Op::Fail => peer.fail(Notification::fsm(0), now),
            Op::Incoming => {
                if let Some(conn) = peer.handle_incoming(local, remote, now) {
                    assert!(self.seen.insert(conn), "a name is given once");
                    self.open.push(conn);
                }
            }
            Op::Connected => {
                if let Some(conn) = self.dialing.pop() {
                    peer.handle_connected(conn, local, remote, now);
                    self.open.push(conn);
                }
            }
            Op::ConnectFailed(refused) => {
                if let Some(conn) = self.dialing.pop() {
                    let why = if refused {
                        ConnectFailure::Refused
                    } else {
                        ConnectFailure::NoRoute
                    };
                    peer.handle_connect_failed(conn, why, now);
                }
            }
            Op::Bytes(i, bytes) => {
                if let Some(conn) = pick(&self.open, i) {
                    peer.handle_bytes(conn, &bytes, now, &mut self.sink);
                }
            }
            Op::Establish(i) => {
                if let Some(conn) = pick(&self.open, i) {
                    let bytes = [RawOpen::default().bytes(), keepalive()].concat();
                    peer.handle_bytes(conn, &bytes, now, &mut self.sink);
                }
            }
            Op::Closed(i) => {
                if let Some(conn) = pick(&self.open, i) {
                    self.open.retain(|c| *c != conn);
                    peer.handle_closed(conn, now);
                }
            }
            Op::Wait(ms) => {
                self.now += Duration::from_millis(ms);
                peer.handle_timeout(self.now);
            }
            Op::WaitForTimeout => {
                if let Some(at) = peer.poll_timeout() {
                    self.now = self.now.max(at);
                    peer.handle_timeout(self.now);
                }
            }
            Op::Blocked => peer.write_blocked(now),
            Op::Unblocked => peer.sent_bytes(),
            Op::SentUpdate => peer.sent_update(3, now),
            Op::Refresh => {
                peer.request_refresh(Family::IPV4_UNICAST);
                peer.send_refresh_marker(Family::IPV6_UNICAST, RefreshSubtype::End);
            }
            Op::Reconfigure(n) => {
                let mut config = config(A);
                match n {
                    0 => config.passive = true,
                    1 => config.admin_down = Some("down".into()),
                    2 => config.families.truncate(1),
                    3 => config.keepalive = Some(Duration::from_nanos(1)),
                    4 => config.connect_retry = Duration::ZERO,
                    5 => config.idle_hold.first = Duration::ZERO,
                    6 => config.send_hold = Some(Duration::MAX),
                    _ => {}
                }
                peer.reconfigure(config, now);
            }
        }
    }

    /// Takes everything the machine says and checks what must always hold.
    fn check(&mut self) {
        let mut out = BytesMut::new();
        let mut polls = 0;
        while self.peer.poll_transmit(&mut out).is_some() {
            polls += 1;
        }
        while let Some(action) = self.peer.poll_action() {
            polls += 1;
            match action {
                Action::Connect(conn) => {
                    assert!(self.seen.insert(conn), "a name is given once");
                    self.dialing.push(conn);
                }
                Action::Close(conn) => {
                    let known = self.open.len() + self.dialing.len();
                    self.open.retain(|c| *c != conn);
                    self.dialing.retain(|c| *c != conn);
                    assert_eq!(
                        self.open.len() + self.dialing.len() + 1,
                        known,
                        "closed once"
                    );
                }
            }
        }
        while let Some(event) = self.peer.poll_event() {
            polls += 1;
            match event {
                Event::Established(_) => self.ups += 1,
                Event::Down(_) => self.downs += 1,
                Event::StateChanged(_)
                | Event::RefreshRequested(_)
                | Event::RefreshBegin(_)
                | Event::RefreshEnd(_)
                | Event::EndOfRib(_)
                | Event::FamilyDisabled(_) => {}
            }
            assert!(
                self.ups == self.downs || self.ups == self.downs + 1,
                "one session at a time"
            );
        }
        assert!(polls < 1000, "the machine talks without end");
        assert!(self.dialing.len() <= 1, "one attempt to connect at a time");
        assert!(self.open.len() <= 2, "two connections at most");
        let state = self.peer.state();
        assert_eq!(state == State::Established, self.ups > self.downs);
        assert_eq!(self.peer.session().is_some(), state == State::Established);
        assert_eq!(
            self.peer.negotiated().is_some(),
            state == State::Established
        );
        assert_eq!(self.peer.idle_reason().is_some(), state == State::Idle);
        assert_eq!(self.peer.stats().impossible_events, 0);

        // Who waits, waits for something: a time, or (passive) a connection.
        if let (State::Idle, Some(reason)) = (state, self.peer.idle_reason()) {
            let stopped = matches!(reason.as_str(), "AdminDown" | "Fault" | "NotStarted");
            assert!(
                stopped || self.peer.next_retry().is_some(),
                "idle for ever: {reason}"
            );
        }
        if state == State::Active {
            assert!(self.peer.config().passive || self.peer.next_retry().is_some());
        }
        if matches!(state, State::Connect | State::OpenSent | State::OpenConfirm) {
            assert!(self.peer.poll_timeout().is_some(), "{state} for ever");
        }
    }
}

proptest! {
    #[test]
    fn any_sequence_keeps_the_machine_sound(
        seed: u64,
        ops in prop::collection::vec(op(), 1..120),
    ) {
        let mut world = World::new(seed);
        for op in ops {
            world.apply(op);
            world.check();
            world.peer.handle_timeout(world.now);
            world.check();
            let next = world.peer.poll_timeout();
            prop_assert!(next.is_none_or(|at| at > world.now), "a deadline that has passed");
        }
    }

    #[test]
    fn random_bytes_cost_at_most_the_session(
        reads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 1..20),
    ) {
        let mut world = World::new(1);
        for op in [Op::Start, Op::Incoming, Op::Establish(0)] {
            world.apply(op);
            world.check();
        }
        for read in reads {
            world.apply(Op::Bytes(0, read));
            world.check();
        }
    }

    /// However the beginning went, two peers that can reach each other end up with one session.
    #[test]
    fn two_peers_always_find_each_other(
        seed: u64,
        latency_ms in 0u64..400,
        head_start_ms in 0u64..3000,
        troubles in prop::collection::vec((0u8..6, 0usize..2, 0u64..20_000), 0..8),
    ) {
        let configs = [config(A), config(B)].map(|mut config| {
            config.graceful_restart = (seed % 3 == 0).then(graceful_restart);
            config
        });
        let mut pair = Pair::with(configs, seed >> 2);
        pair.latency = Duration::from_millis(latency_ms);
        pair.nodes[A].peer.start(pair.now);
        pair.run_for(Duration::from_millis(head_start_ms));
        pair.nodes[B].peer.start(pair.now);
        for (trouble, node, ms) in troubles {
            let now = pair.now;
            match trouble {
                0 => pair.cut = true,
                1 => pair.nodes[node].listening = false,
                2 => pair.nodes[node].peer.reset(ResetReason::Administrative(String::new()), now),
                3 => pair.nodes[node].peer.fail(Notification::fsm(0), now),
                4 => pair.nodes[node].peer.stop(StopReason::Shutdown(String::new()), now),
                _ => pair.nodes[node].dribble = true,
            }
            pair.run_for(Duration::from_millis(ms));
            pair.cut = false;
            for node in &mut pair.nodes {
                node.listening = true;
                node.peer.start(pair.now);
            }
        }
        // A half-dead connection costs a hold time (or the wait for an OPEN), then the longest rest.
        pair.run_until(Duration::from_secs(600), Pair::is_up);
        prop_assert!(pair.is_up(), "{:?}", pair.states());
        pair.run_for(Duration::from_secs(30));
        prop_assert!(pair.is_up(), "and it lasts: {:?}", pair.states());
        for node in &pair.nodes {
            prop_assert_eq!(node.peer.stats().impossible_events, 0);
        }
    }
}
