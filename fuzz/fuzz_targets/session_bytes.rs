//! The machine of `bgp-session` with a peer that sends anything and a driver that calls anything in any order. The first
//! octet chooses the configuration; then each step is an octet that names it, with what it needs after it.
#![no_main]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_fuzz::{Input, LOCAL_AS, PEER_AS, families, is_readable, message, with_bounded_memory};
use bgp_session::{
    Action, ConnId, ConnectFailure, Event, FamilyConfig, Negotiated, Peer, PeerConfig, RemoteAs,
    ResetReason, RoleConfig, State, StopReason, UpdateSink,
};
use bgp_wire::{
    Asn, Decoded, Disposition, Family, HoldTime, Notification, Open, RefreshSubtype, Role,
    RouterId, SessionContext,
};
use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let mut world = World::new(config(input.octet()));
    while !input.is_empty() {
        world.step(&mut input);
        world.check();
    }
    // However it stands, it can be stopped, and is at rest then.
    let now = world.now;
    world.peer.stop(StopReason::Deconfigured, now);
    world.check();
    assert_eq!(world.peer.state(), State::Idle);
    assert_eq!(world.peer.poll_timeout(), None);
    assert!(world.dialing.is_empty() && world.open.is_empty());
});

fn config(choice: u8) -> PeerConfig {
    let bit = |n: u8| choice >> n & 1 == 1;
    let remote = match choice & 3 {
        0 | 1 => RemoteAs::Asn(PEER_AS),
        2 => RemoteAs::External,
        _ => RemoteAs::Internal,
    };
    let mut config = PeerConfig::new(LOCAL_AS, remote, RouterId(0x0a00_0001));
    config.families = families()
        .iter()
        .map(|family| FamilyConfig {
            family,
            add_path_receive: bit(2),
            add_path_send: bit(2),
        })
        .collect();
    config.extended_message = bit(3);
    config.passive = bit(4);
    config.accept_as_set = bit(5);
    config.enforce_first_as = bit(6);
    config.role = bit(0).then(|| RoleConfig {
        role: Role(choice >> 4 & 7),
        strict: bit(3),
    });
    if bit(7) {
        config.hold_time = HoldTime::new(0).unwrap_or_default();
    }
    config
}

/// Sees UPDATEs only of sessions, and only such as do not end them.
#[derive(Default)]
struct Sink {
    session: Option<Arc<Negotiated>>,
}

impl UpdateSink for Sink {
    fn established(&mut self, session: &Arc<Negotiated>) {
        self.session = Some(Arc::clone(session));
    }

    fn update(&mut self, decoded: &Decoded<'_>, ctx: &SessionContext) {
        let session = self.session.as_ref().expect("the session is told first");
        assert_eq!(session.ctx.families, ctx.families);
        assert!(decoded.disposition < Disposition::SessionReset);
    }

    fn refresh_begins(&mut self, family: Family) {
        let session = self.session.as_ref().expect("the session is told first");
        assert!(session.families.contains(family));
    }

    fn refresh_ends(&mut self, family: Family) {
        self.refresh_begins(family);
    }
}

/// A driver that believes nothing.
struct World {
    peer: Peer,
    now: Instant,
    sink: Sink,
    dialing: Vec<ConnId>,
    open: Vec<ConnId>,
    seen: Vec<ConnId>,
    ups: usize,
    downs: usize,
    /// Octets that the peer has sent.
    heard: usize,
}

impl World {
    fn new(config: PeerConfig) -> Self {
        let mut peer = Peer::new(config, 1);
        let now = Instant::now();
        peer.start(now);
        Self {
            peer,
            now,
            sink: Sink::default(),
            dialing: Vec::new(),
            open: Vec::new(),
            seen: Vec::new(),
            ups: 0,
            downs: 0,
            heard: 0,
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let now = self.now;
        let [local, remote] = [1, 2].map(|host| ([192, 0, 2, host], 179).into());
        match input.octet() % 24 {
            // Most of what happens is bytes: raw, as a message, or the messages that lead somewhere.
            0..=2 => {
                let conn = self.pick(input.octet());
                let count = usize::from(input.octet());
                self.bytes(conn, input.octets(count));
            }
            3..=6 => {
                let conn = self.pick(input.octet());
                let (kind, count) = (input.octet(), input.number());
                let bytes = message(kind, input.octets(usize::from(count)));
                // In two reads, cut somewhere.
                let cut = usize::from(input.octet()).min(bytes.len());
                self.bytes(conn, &bytes[..cut]);
                self.bytes(conn, &bytes[cut..]);
            }
            7 | 8 => {
                let conn = self.pick(input.octet());
                let open = self.their_open(input.octet());
                self.bytes(conn, &open);
            }
            9 | 10 => {
                let conn = self.pick(input.octet());
                self.bytes(conn, &message(4, &[]));
            }
            11 => {
                if let Some(conn) = self.peer.handle_incoming(local, remote, now) {
                    self.name(conn);
                    self.open.push(conn);
                }
            }
            12 | 13 => {
                if let Some(conn) = self.dialing.pop() {
                    self.peer.handle_connected(conn, local, remote, now);
                    self.open.push(conn);
                }
            }
            14 => {
                if let Some(conn) = self.dialing.pop() {
                    let why = match input.octet() % 4 {
                        0 => ConnectFailure::Refused,
                        1 => ConnectFailure::NoRoute,
                        2 => ConnectFailure::TimedOut,
                        _ => ConnectFailure::Other,
                    };
                    self.peer.handle_connect_failed(conn, why, now);
                }
            }
            15 => {
                if let Some(conn) = self.pick(input.octet()) {
                    self.open.retain(|one| *one != conn);
                    self.peer.handle_closed(conn, now);
                }
            }
            16 => {
                self.now += Duration::from_millis(4 * u64::from(input.number()));
                self.timeout();
            }
            17 => {
                if let Some(at) = self.peer.poll_timeout() {
                    self.now = self.now.max(at);
                    self.timeout();
                }
            }
            18 => self.peer.write_blocked(now),
            19 => {
                self.peer.sent_bytes();
                self.peer.sent_update(2, now);
            }
            20 => {
                self.peer.request_refresh(Family::IPV4_UNICAST);
                self.peer
                    .send_refresh_marker(Family::IPV6_UNICAST, RefreshSubtype::Begin);
            }
            21 => {
                self.peer.reconfigure(config(input.octet()), now);
            }
            22 => match input.octet() % 4 {
                0 => self.peer.stop(StopReason::Shutdown("x".repeat(300)), now),
                1 => self.peer.stop(StopReason::Fault(Notification::fsm(0)), now),
                2 => self.peer.reset(ResetReason::ConfigurationChange, now),
                _ => self.peer.fail(Notification::fsm(0), now),
            },
            _ => {
                self.peer.start(now);
                self.peer.retry(now);
            }
        }
    }

    /// An OPEN that leads to a session, mostly.
    fn their_open(&self, choice: u8) -> Vec<u8> {
        let asn = match (self.peer.config().remote_as, choice & 7) {
            (_, 7) => Asn(7),
            (RemoteAs::Internal, _) => LOCAL_AS,
            _ => PEER_AS,
        };
        let id = RouterId(if choice & 8 == 0 { 0x0a00_0002 } else { 1 });
        // What we would say in their place.
        let mut config = self.peer.config().clone();
        config.extended_message = choice & 16 != 0;
        let capabilities = config
            .families
            .iter()
            .map(|one| bgp_wire::Capability::Multiprotocol(one.family))
            .chain([
                bgp_wire::Capability::RouteRefresh,
                bgp_wire::Capability::EnhancedRouteRefresh,
            ])
            .chain((choice & 32 != 0).then(|| {
                bgp_wire::Capability::AddPath(
                    families()
                        .iter()
                        .map(|family| (family, bgp_wire::AddPathMode::Both))
                        .collect(),
                )
            }))
            .chain((choice & 16 != 0).then_some(bgp_wire::Capability::ExtendedMessage))
            .chain(
                config
                    .role
                    .and_then(|own| own.role.counterpart())
                    .filter(|_| choice & 64 == 0)
                    .map(bgp_wire::Capability::Role),
            )
            .chain((choice & 128 != 0).then_some(bgp_wire::Capability::Role(Role::PEER)))
            .collect();
        let mut out = BytesMut::new();
        Open::new(asn, HoldTime::default(), id, capabilities)
            .encode(&mut out)
            .expect("it is short");
        out.to_vec()
    }

    fn pick(&self, place: u8) -> Option<ConnId> {
        let count = self.open.len().max(1);
        self.open.get(usize::from(place) % count).copied()
    }

    fn bytes(&mut self, conn: Option<ConnId>, bytes: &[u8]) {
        if let Some(conn) = conn {
            // With what was heard before: a message may end here that began long ago.
            self.heard += bytes.len();
            with_bounded_memory(self.heard, || {
                self.peer
                    .handle_bytes(conn, bytes, self.now, &mut self.sink);
            });
        }
    }

    fn timeout(&mut self) {
        self.peer.handle_timeout(self.now);
        let next = self.peer.poll_timeout();
        assert!(
            next.is_none_or(|at| at > self.now),
            "a deadline that has passed"
        );
    }

    fn name(&mut self, conn: ConnId) {
        assert!(!self.seen.contains(&conn), "a name is given once");
        self.seen.push(conn);
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
                    self.name(conn);
                    self.dialing.push(conn);
                }
                Action::Close(conn) => {
                    let known = self.open.len() + self.dialing.len();
                    self.open.retain(|one| *one != conn);
                    self.dialing.retain(|one| *one != conn);
                    let left = self.open.len() + self.dialing.len();
                    assert_eq!(left + 1, known, "closed once");
                }
            }
        }
        while let Some(event) = self.peer.poll_event() {
            polls += 1;
            match event {
                Event::Established(_) => self.ups += 1,
                Event::Down(why) => {
                    is_readable(&why.to_string());
                    self.downs += 1;
                }
                _ => {}
            }
            assert!(
                self.ups == self.downs || self.ups == self.downs + 1,
                "one session at a time"
            );
        }
        assert!(polls < 100_000, "the machine talks without end");
        assert!(self.dialing.len() <= 1, "one attempt to connect at a time");
        assert!(self.open.len() <= 2, "two connections at most");

        let state = self.peer.state();
        let up = state == State::Established;
        assert_eq!(up, self.ups > self.downs);
        assert_eq!(self.peer.session().is_some(), up);
        assert_eq!(self.peer.negotiated().is_some(), up);
        assert_eq!(self.peer.idle_reason().is_some(), state == State::Idle);
        assert_eq!(self.peer.stats().impossible_events, 0);
        if matches!(state, State::Connect | State::OpenSent | State::OpenConfirm) {
            assert!(self.peer.poll_timeout().is_some(), "{state} for ever");
        }
    }
}
