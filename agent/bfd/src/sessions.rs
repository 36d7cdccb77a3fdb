//! All sessions of a node: whose a packet is, and who is due next.
//!
//! The clock is a heap with an alarm for each session, at the earliest of its deadlines. A deadline that moves away, as the detection
//! time does with every packet, leaves its alarm where it is: the session is looked at then, and gets a later one. So a packet that
//! comes costs a look-up, and one that goes costs a place in the heap.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};
use std::fmt;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use crate::discard::{Discard, Discards};
use crate::event::{Event, Transmit};
use crate::packet::ControlPacket;
use crate::path::{Arrival, Hops, Path};
use crate::random::Random;
use crate::session::{Config, Out, Session, SessionView};

/// Packets that are due within this time leave together, if their interval allows it: each wake-up of a driver costs more than the
/// packets.
const TOGETHER: Duration = Duration::from_millis(2);

/// RFC 5881 §5: "all BFD Control packets for the session MUST be sent with a Time to Live (TTL) or Hop Limit value of 255. All received
/// BFD Control packets that are demultiplexed to the session MUST be discarded if the received TTL or Hop Limit is not equal to 255."
const TTL: u8 = 255;

/// The name of a session: its discriminator.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SessionId(pub(crate) u32);

impl fmt::Display for SessionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x}", self.0)
    }
}

/// There is a session on that path already: this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("session {0} is on that path")]
pub struct Taken(pub SessionId);

/// See the top of this file.
#[derive(Debug)]
pub struct Sessions {
    all: HashMap<u32, Session>,
    by_remote: HashMap<(Hops, IpAddr), Vec<SessionId>>,
    alarms: BinaryHeap<Reverse<(Instant, SessionId)>>,
    random: Random,
    out: Out,
    discards: Discards,
}

impl Sessions {
    /// No sessions yet. `seed` makes their discriminators and their jitter, and is not to be guessed.
    pub fn new(seed: u64) -> Self {
        Self {
            all: HashMap::new(),
            by_remote: HashMap::new(),
            alarms: BinaryHeap::new(),
            random: Random::new(seed),
            out: Out::default(),
            discards: Discards::default(),
        }
    }
}

/// A. Getters.
impl Sessions {
    /// A session, also one that says goodbye.
    pub fn view(&self, id: SessionId) -> Option<&SessionView> {
        self.all.get(&id.0).map(Session::view)
    }

    /// All sessions, in no order.
    pub fn iter(&self) -> impl Iterator<Item = (SessionId, &SessionView)> {
        let all = self.all.iter();
        all.map(|(discriminator, session)| (SessionId(*discriminator), session.view()))
    }

    /// How many packets were discarded, and why.
    pub fn discards(&self) -> &Discards {
        &self.discards
    }
}

/// B. What happened.
impl Sessions {
    /// A datagram came (RFC 5880 §6.8.6). Says whose it is, or why it is discarded, which is counted.
    pub fn handle_packet(
        &mut self,
        payload: &[u8],
        arrival: &Arrival,
        now: Instant,
    ) -> Result<SessionId, Discard> {
        let verdict = self.receive(payload, arrival, now);
        if let Err(discard) = verdict {
            self.discards.count(discard);
        }
        verdict
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Instant) {
        let mut not_yet = Vec::new();
        while let Some(Reverse((at, id))) = self.alarms.peek().copied() {
            if at > now + TOGETHER {
                break;
            }
            self.alarms.pop();
            let Some(session) = self.all.get_mut(&id.0) else {
                continue;
            };
            if session.alarm != Some(at) {
                continue; // Another one was set for an earlier time, and has gone off.
            }
            session.alarm = None;
            if session.handle_timeout(now, TOGETHER, &mut self.random, &mut self.out) {
                self.forget(id);
            } else {
                not_yet.push(id);
            }
        }
        for id in not_yet {
            self.set_alarm(id);
        }
    }
}

/// C. What is wanted.
impl Sessions {
    /// Opens a session. One on the same path that says goodbye is taken back, with its name.
    pub fn open(&mut self, path: Path, config: Config, now: Instant) -> Result<SessionId, Taken> {
        let same = self.by_remote.entry((path.hops, path.remote)).or_default();
        let on_path = same.iter().copied().find(|id| {
            let session = self.all.get(&id.0);
            session.is_some_and(|session| session.view().path == path)
        });
        if let Some(id) = on_path {
            let session = self.all.get(&id.0);
            if !session.is_some_and(Session::is_closing) {
                return Err(Taken(id));
            }
            self.reconfigure(id, config, now);
            self.enable(id, now);
            return Ok(id);
        }
        let all = &self.all;
        let id = SessionId(self.random.discriminator(|taken| all.contains_key(&taken)));
        same.push(id);
        self.all.insert(id.0, Session::new(id, path, config, now));
        self.set_alarm(id);
        Ok(id)
    }

    /// Other parameters are wanted (RFC 5880 §6.8.3).
    pub fn reconfigure(&mut self, id: SessionId, config: Config, now: Instant) {
        self.with(id, |session, random, out| {
            session.reconfigure(config, now, random, out);
        });
    }

    /// Takes a session down administratively, and says so (RFC 5880 §6.8.16).
    pub fn disable(&mut self, id: SessionId, now: Instant) {
        self.with(id, |session, random, out| {
            session.set_enabled(false, now, random, out);
        });
    }

    /// Lets a session come up that was disabled.
    pub fn enable(&mut self, id: SessionId, now: Instant) {
        self.with(id, |session, random, out| {
            session.set_enabled(true, now, random, out);
        });
    }

    /// Ends a session: it is taken down administratively, says so for a detection time, and is forgotten.
    pub fn close(&mut self, id: SessionId, now: Instant) {
        let mut over = false;
        self.with(id, |session, random, out| {
            over = session.close(now, random, out);
        });
        if over {
            self.forget(id);
        }
    }
}

/// D. What to do next.
impl Sessions {
    /// A packet to be sent.
    pub fn poll_transmit(&mut self) -> Option<Transmit> {
        self.out.transmits.pop_front()
    }

    /// A change of state.
    pub fn poll_event(&mut self) -> Option<Event> {
        self.out.events.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called next. Ask again after every other call.
    pub fn poll_timeout(&self) -> Option<Instant> {
        self.alarms.peek().map(|Reverse((at, _))| *at)
    }
}

impl Sessions {
    fn receive(
        &mut self,
        payload: &[u8],
        arrival: &Arrival,
        now: Instant,
    ) -> Result<SessionId, Discard> {
        let packet = ControlPacket::decode(payload)?;
        // No session is authenticated, so that it holds for all of them, and costs less before the session is looked for.
        if arrival.hops == Hops::Single && arrival.ttl != TTL {
            return Err(Discard::Ttl);
        }
        let id = self.whose(&packet, arrival)?;
        let mut verdict = Ok(());
        self.with(id, |session, random, out| {
            verdict = session.handle_packet(&packet, now, random, out);
        });
        verdict.map(|()| id)
    }

    /// Selects the session of a packet.
    fn whose(&self, packet: &ControlPacket, arrival: &Arrival) -> Result<SessionId, Discard> {
        // "If the Your Discriminator field is nonzero, it MUST be used to select the session with which this BFD packet is associated. If
        // no session is found, the packet MUST be discarded." RFC 5880 §6.3: solely by it, "which means that, among other things, the
        // source address field can change or the interface over which the packets are received can change".
        if packet.your_discriminator != 0 {
            let session = self.all.get(&packet.your_discriminator);
            let path = session.ok_or(Discard::YourDiscriminator)?.view().path;
            // Each port is an application of its own: who comes from afar must not get past the TTL.
            return match path.hops == arrival.hops {
                true => Ok(SessionId(packet.your_discriminator)),
                false => Err(Discard::Port),
            };
        }
        // "If the Your Discriminator field is zero and the State field is not Down or AdminDown, the packet MUST be discarded."
        if !matches!(packet.state, crate::State::Down | crate::State::AdminDown) {
            return Err(Discard::State);
        }
        let with_remote = self.by_remote.get(&(arrival.hops, arrival.remote));
        let mut candidates = with_remote.into_iter().flatten().copied();
        let found = candidates.find(|id| {
            let session = self.all.get(&id.0);
            session.is_some_and(|session| session.view().path.takes(arrival))
        });
        found.ok_or(Discard::NoSession)
    }

    fn with(&mut self, id: SessionId, act: impl FnOnce(&mut Session, &mut Random, &mut Out)) {
        if let Some(session) = self.all.get_mut(&id.0) {
            act(session, &mut self.random, &mut self.out);
            self.set_alarm(id);
        }
    }

    /// Sees to it that the session is looked at when something of it is due.
    fn set_alarm(&mut self, id: SessionId) {
        let Some(session) = self.all.get_mut(&id.0) else {
            return;
        };
        let Some(deadline) = session.deadline() else {
            return;
        };
        if session.alarm.is_some_and(|alarm| alarm <= deadline) {
            return;
        }
        session.alarm = Some(deadline);
        self.alarms.push(Reverse((deadline, id)));
        // An alarm that an earlier one took the place of lies in the heap until its time, which a neighbour can make far away and as
        // often as it likes.
        if self.alarms.len() > 64 + 4 * self.all.len() {
            let all = self.all.iter();
            let set = all.filter_map(|(id, session)| Some((session.alarm?, SessionId(*id))));
            self.alarms = set.map(Reverse).collect();
        }
    }

    fn forget(&mut self, id: SessionId) {
        let Some(session) = self.all.remove(&id.0) else {
            return;
        };
        let path = session.view().path;
        if let Some(same) = self.by_remote.get_mut(&(path.hops, path.remote)) {
            same.retain(|other| *other != id);
            if same.is_empty() {
                self.by_remote.remove(&(path.hops, path.remote));
            }
        }
        // An alarm of a session that is no more is passed over when it is due; without any session none is due.
        if self.all.is_empty() {
            self.alarms.clear();
        }
    }
}
