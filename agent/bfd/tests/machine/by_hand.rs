//! One session and a neighbour that says what the test wants.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use bfd::{
    Arrival, Change, Config, ControlPacket, Diagnostic, Discard, Hops, Micros, Path, SessionId,
    SessionView, Sessions, State,
};

/// A point in time to count from.
#[expect(clippy::disallowed_methods, reason = "an Instant cannot be made up")]
pub(crate) fn epoch() -> Instant {
    Instant::now()
}

pub(crate) const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// 50 ms both ways, three may be missed.
pub(crate) const CONFIG: Config = Config {
    desired_min_tx: Micros(50_000),
    required_min_rx: Micros(50_000),
    detect_mult: 3,
    passive: false,
};

pub(crate) const LOCAL: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
pub(crate) const REMOTE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2));

pub(crate) const PATH: Path = Path {
    hops: Hops::Single,
    local: LOCAL,
    remote: REMOTE,
    interface: 0,
};

pub(crate) const ARRIVAL: Arrival = Arrival {
    hops: Hops::Single,
    local: LOCAL,
    remote: REMOTE,
    interface: 7,
    ttl: 255,
};

/// The neighbour's discriminator.
pub(crate) const THEIRS: u32 = 0x7777;

pub(crate) struct ByHand {
    pub(crate) sessions: Sessions,
    pub(crate) id: SessionId,
    pub(crate) now: Instant,
    /// What the session sent since the last look, and when.
    pub(crate) sent: Vec<(Instant, ControlPacket)>,
    pub(crate) changes: Vec<Change>,
    /// What the neighbour says, as far as a test does not say otherwise.
    pub(crate) packet: ControlPacket,
}

impl ByHand {
    pub(crate) fn new(config: Config) -> Self {
        let mut sessions = Sessions::new(1);
        let now = epoch();
        let id = sessions.open(PATH, config, now).unwrap();
        let ours = sessions.view(id).unwrap().discriminator;
        let mut by_hand = Self {
            sessions,
            id,
            now,
            sent: Vec::new(),
            changes: Vec::new(),
            packet: ControlPacket {
                diagnostic: Diagnostic::NONE,
                state: State::Down,
                poll: false,
                final_answer: false,
                control_plane_independent: false,
                authentication: None,
                demand: false,
                detect_mult: 3,
                my_discriminator: THEIRS,
                your_discriminator: ours,
                desired_min_tx: Micros(50_000),
                required_min_rx: Micros(50_000),
            },
        };
        by_hand.run(Duration::ZERO);
        by_hand
    }

    /// A session that is Up and has no Poll Sequence under way, with nothing in the records.
    pub(crate) fn up(config: Config) -> Self {
        let mut by_hand = Self::new(config);
        by_hand.hear(|packet| packet.state = State::Init);
        by_hand.packet.state = State::Up;
        by_hand.run(ms(60));
        by_hand.hear(|packet| packet.final_answer = true);
        by_hand.hear(|_| ());
        assert_eq!(by_hand.state(), State::Up);
        by_hand.sent.clear();
        by_hand.changes.clear();
        by_hand
    }

    pub(crate) fn view(&self) -> SessionView {
        *self.sessions.view(self.id).unwrap()
    }

    pub(crate) fn state(&self) -> State {
        self.view().state
    }

    pub(crate) fn raw(&mut self, payload: &[u8], arrival: &Arrival) -> Result<SessionId, Discard> {
        let verdict = self.sessions.handle_packet(payload, arrival, self.now);
        self.take();
        verdict
    }

    pub(crate) fn try_hear(
        &mut self,
        edit: impl FnOnce(&mut ControlPacket),
    ) -> Result<SessionId, Discard> {
        let mut packet = self.packet;
        edit(&mut packet);
        self.raw(&packet.encode(), &ARRIVAL)
    }

    /// The neighbour says what it always says, but for this.
    pub(crate) fn hear(&mut self, edit: impl FnOnce(&mut ControlPacket)) {
        assert_eq!(self.try_hear(edit), Ok(self.id));
    }

    /// Time passes.
    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.take();
        while let Some(at) = self.sessions.poll_timeout().filter(|at| *at <= end) {
            self.now = self.now.max(at);
            self.sessions.handle_timeout(self.now);
            self.take();
        }
        self.now = end;
    }

    /// Time passes in which the neighbour is heard every 30 ms.
    pub(crate) fn keep_alive(&mut self, time: Duration) {
        let end = self.now + time;
        while self.now < end {
            self.hear(|_| ());
            self.run(ms(30).min(end - self.now));
        }
    }

    fn take(&mut self) {
        while let Some(transmit) = self.sessions.poll_transmit() {
            assert_eq!(transmit.session, self.id);
            let packet = ControlPacket::decode(&transmit.payload).unwrap();
            assert!(!(packet.poll && packet.final_answer), "§6.5");
            self.sent.push((self.now, packet));
        }
        while let Some(event) = self.sessions.poll_event() {
            assert_eq!(event.session, self.id);
            self.changes.push(event.change);
        }
    }

    /// What was sent since the last look.
    pub(crate) fn sent(&mut self) -> Vec<ControlPacket> {
        let sent = std::mem::take(&mut self.sent);
        sent.into_iter().map(|(_, packet)| packet).collect()
    }

    /// The times between what was sent since the last look, answers left out.
    pub(crate) fn gaps(&mut self) -> Vec<Duration> {
        let sent = std::mem::take(&mut self.sent).into_iter();
        let times: Vec<Instant> = sent
            .filter(|(_, packet)| !packet.final_answer)
            .map(|(at, _)| at)
            .collect();
        times.windows(2).map(|pair| pair[1] - pair[0]).collect()
    }
}
