//! Two peers, a network with latency between them, and a clock that jumps to whatever happens next. No test waits.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_session::{
    Action, ConnId, ConnectFailure, DownReason, Event, FamilyConfig, Negotiated, Peer, PeerConfig,
    RemoteAs, State, UpdateSink,
};
use bgp_wire::{
    Asn, Decoded, Family, FamilySet, HoldTime, RefreshSubtype, RouterId, SessionContext,
};
use bytes::BytesMut;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

pub(crate) const A: usize = 0;
pub(crate) const B: usize = 1;

pub(crate) const SECOND: Duration = Duration::from_secs(1);

/// Where time begins.
#[expect(clippy::disallowed_methods, reason = "an Instant cannot be made up")]
pub(crate) fn epoch() -> Instant {
    Instant::now()
}

/// AS 65001 or 65002, identifier 10.0.0.1 or 10.0.0.2, both unicast families, hold time 90.
pub(crate) fn config(node: usize) -> PeerConfig {
    let asn = |n: usize| Asn(65001 + n as u32);
    let id = RouterId(0x0a00_0001 + node as u32);
    let mut config = PeerConfig::new(asn(node), RemoteAs::Asn(asn(1 - node)), id);
    config.families = [Family::IPV4_UNICAST, Family::IPV6_UNICAST]
        .map(FamilyConfig::plain)
        .to_vec();
    config
}

pub(crate) fn hold(secs: u16) -> HoldTime {
    HoldTime::new(secs).expect("a hold time that exists")
}

/// Counts UPDATEs, which only come in sessions.
#[derive(Debug, Default)]
pub(crate) struct Sink {
    pub(crate) sessions: usize,
    /// How many sessions had begun when one was superseded.
    pub(crate) superseded: Vec<usize>,
    pub(crate) updates: usize,
    pub(crate) ends_of_rib: Vec<Family>,
    /// Markers of refreshes, each with the number of UPDATEs before it.
    pub(crate) markers: Vec<(RefreshSubtype, usize)>,
    /// Families that were disabled, with the number of UPDATEs before.
    pub(crate) disabled: Vec<(FamilySet, usize)>,
    /// Routes announced, by family.
    pub(crate) announced: Vec<(Family, usize)>,
}

impl UpdateSink for Sink {
    fn superseded(&mut self) {
        self.superseded.push(self.sessions);
    }

    fn established(&mut self, _: &Arc<Negotiated>) {
        self.sessions += 1;
    }

    fn update(&mut self, decoded: &Decoded<'_>, _: &SessionContext) {
        assert!(self.sessions > 0, "the session is told first");
        self.updates += 1;
        self.ends_of_rib.extend(decoded.update.end_of_rib);
        let reach = decoded.update.reach.map(|reach| reach.nlri);
        let blocks = [Some(decoded.update.announced), reach]
            .into_iter()
            .flatten();
        let announced = blocks.filter(|block| !block.is_empty());
        self.announced
            .extend(announced.map(|block| (block.family, block.len())));
    }

    fn disable(&mut self, families: FamilySet) {
        self.disabled.push((families, self.updates));
    }

    fn refresh_begins(&mut self, _: Family) {
        self.markers.push((RefreshSubtype::Begin, self.updates));
    }

    fn refresh_ends(&mut self, _: Family) {
        self.markers.push((RefreshSubtype::End, self.updates));
    }
}

/// The types of the whole messages in `bytes`.
pub(crate) fn kinds(mut bytes: &[u8]) -> Vec<u8> {
    let mut kinds = Vec::new();
    while bytes.len() >= 19 {
        kinds.push(bytes[18]);
        let length = usize::from(u16::from_be_bytes([bytes[16], bytes[17]]));
        bytes = bytes.get(length.max(19)..).unwrap_or_default();
    }
    kinds
}

/// One side and its sockets.
pub(crate) struct Node {
    pub(crate) peer: Peer,
    addr: SocketAddr,
    /// Accepts connections.
    pub(crate) listening: bool,
    /// Its writes make no progress.
    pub(crate) stuck: bool,
    /// Delivers what it gets octet by octet.
    pub(crate) dribble: bool,
    pub(crate) sink: Sink,
    /// What the speaker was told, and when.
    pub(crate) events: Vec<(Duration, Event)>,
    /// When it was heard by the other side, and with which messages.
    pub(crate) heard: Vec<(Duration, u8)>,
    /// When it began to connect.
    pub(crate) dials: Vec<Duration>,
    links: HashMap<ConnId, usize>,
}

enum What {
    /// A connection arrives at the node's listener.
    Syn,
    Connected,
    Refused,
    Bytes(Vec<u8>),
    Closed,
}

struct Delivery {
    at: Instant,
    to: usize,
    link: usize,
    what: What,
}

#[derive(Default)]
struct Link {
    ends: [Option<ConnId>; 2],
    /// When the last thing arrives at each end: TCP keeps the order.
    last: [Option<Instant>; 2],
}

/// What the network does to connections, beside the latency. TCP sends again what is lost, so that loss is delay; what it does
/// with what comes twice nobody above it sees, but for SYNs of attempts that were given up.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) jitter: Duration,
    /// Of a thousand segments; each is sent again after a time that doubles from 200 ms.
    pub(crate) lost: u64,
    /// What is sent to the node waits until this is over.
    pub(crate) cut: [bool; 2],
}

/// The two of them.
pub(crate) struct Pair {
    epoch: Instant,
    pub(crate) now: Instant,
    pub(crate) latency: Duration,
    /// Nothing gets through, and what is sent meanwhile never arrives.
    pub(crate) cut: bool,
    pub(crate) weather: Weather,
    /// What waits for the end of a cut.
    waiting: Vec<Delivery>,
    random: Xoshiro256PlusPlus,
    pub(crate) nodes: [Node; 2],
    links: Vec<Link>,
    deliveries: Vec<Delivery>,
}

impl Pair {
    pub(crate) fn new() -> Self {
        Self::with([config(A), config(B)], 1)
    }

    pub(crate) fn with(configs: [PeerConfig; 2], seed: u64) -> Self {
        let epoch = epoch();
        let mut number = 0;
        let nodes = configs.map(|config| {
            number += 1;
            Node {
                peer: Peer::new(config, seed * 2 + number),
                addr: SocketAddr::from(([192, 0, 2, number as u8], 179)),
                listening: true,
                stuck: false,
                dribble: false,
                sink: Sink::default(),
                events: Vec::new(),
                heard: Vec::new(),
                dials: Vec::new(),
                links: HashMap::new(),
            }
        });
        Self {
            epoch,
            now: epoch,
            latency: Duration::from_millis(10),
            cut: false,
            weather: Weather::default(),
            waiting: Vec::new(),
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            nodes,
            links: Vec::new(),
            deliveries: Vec::new(),
        }
    }

    /// Both are started and have a session.
    pub(crate) fn established() -> Self {
        let mut pair = Self::new();
        pair.establish();
        pair
    }

    pub(crate) fn establish(&mut self) {
        self.start();
        self.run_until(Duration::from_secs(60), Self::is_up);
        assert!(self.is_up(), "{:?}", self.states());
    }

    pub(crate) fn start(&mut self) {
        for node in &mut self.nodes {
            node.peer.start(self.now);
        }
    }

    pub(crate) fn states(&self) -> [State; 2] {
        [self.nodes[A].peer.state(), self.nodes[B].peer.state()]
    }

    pub(crate) fn is_up(&self) -> bool {
        self.states() == [State::Established; 2]
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.now - self.epoch
    }

    pub(crate) fn run_for(&mut self, time: Duration) {
        self.run_until(time, |_| false);
    }

    /// Until `done`, but not longer than `limit`; then the clock stands at what made it so, or at the limit.
    pub(crate) fn run_until(&mut self, limit: Duration, done: impl Fn(&Self) -> bool) {
        let end = self.now + limit;
        loop {
            self.pump(A);
            self.pump(B);
            if done(self) {
                return;
            }
            let Some(next) = self.next_time().filter(|next| *next <= end) else {
                self.now = end;
                return;
            };
            self.now = self.now.max(next);
            while let Some(i) = self.deliveries.iter().position(|d| d.at <= self.now) {
                let delivery = self.deliveries.remove(i);
                self.deliver(delivery);
            }
            for node in &mut self.nodes {
                if node.peer.poll_timeout().is_some_and(|at| at <= self.now) {
                    node.peer.handle_timeout(self.now);
                }
            }
        }
    }

    /// Another process takes the place of the node's, which is gone without a word.
    pub(crate) fn replace(&mut self, node: usize, config: PeerConfig, seed: u64) {
        for link in &mut self.links {
            link.ends[node] = None;
        }
        self.nodes[node].links.clear();
        self.nodes[node].peer = Peer::new(config, seed);
        self.nodes[node].sink = Sink::default();
    }

    /// The node writes End-of-RIB markers for IPv4 unicast, the shortest UPDATE there is.
    pub(crate) fn send_updates(&mut self, node: usize, count: usize) {
        let conn = self.nodes[node].peer.session().expect("a session");
        let mut update = vec![0xff; 16];
        update.extend([0, 23, 2, 0, 0, 0, 0]);
        self.write(node, conn, update.repeat(count));
        self.nodes[node].peer.sent_update(count as u64, self.now);
    }

    /// Raw bytes from the node to the other one, on the session.
    pub(crate) fn inject(&mut self, node: usize, bytes: &[u8]) {
        let conn = self.nodes[node].peer.session().expect("a session");
        self.write(node, conn, bytes.to_vec());
    }

    /// The longest silence of the node as the other one heard it, since `from`.
    pub(crate) fn longest_gap(&self, node: usize, from: Duration) -> Duration {
        let times: Vec<Duration> = self.nodes[node]
            .heard
            .iter()
            .map(|(at, _)| *at)
            .filter(|at| *at >= from)
            .collect();
        times
            .windows(2)
            .map(|w| w[1] - w[0])
            .max()
            .unwrap_or(Duration::MAX)
    }

    pub(crate) fn count_events(&self, node: usize, is: impl Fn(&Event) -> bool) -> usize {
        self.nodes[node]
            .events
            .iter()
            .filter(|(_, e)| is(e))
            .count()
    }

    fn next_time(&self) -> Option<Instant> {
        let deliveries = self.deliveries.iter().map(|d| d.at);
        let timeouts = self.nodes.iter().filter_map(|n| n.peer.poll_timeout());
        deliveries.chain(timeouts).min()
    }

    /// Takes everything the node's machine has to say.
    fn pump(&mut self, n: usize) {
        let elapsed = self.elapsed();
        loop {
            let mut out = BytesMut::new();
            if let Some(conn) = self.nodes[n].peer.poll_transmit(&mut out) {
                if self.nodes[n].stuck {
                    self.nodes[n].peer.write_blocked(self.now);
                } else {
                    self.write(n, conn, out.to_vec());
                    self.nodes[n].peer.sent_bytes();
                }
            } else if let Some(action) = self.nodes[n].peer.poll_action() {
                match action {
                    Action::Connect(conn) => {
                        self.nodes[n].dials.push(elapsed);
                        let link = self.links.len();
                        let mut ends = [None; 2];
                        ends[n] = Some(conn);
                        self.links.push(Link {
                            ends,
                            last: [None; 2],
                        });
                        self.nodes[n].links.insert(conn, link);
                        self.later(1 - n, link, What::Syn);
                    }
                    Action::Close(conn) => self.close(n, conn),
                }
            } else if let Some(event) = self.nodes[n].peer.poll_event() {
                self.nodes[n].events.push((elapsed, event));
            } else {
                return;
            }
        }
    }

    fn close(&mut self, n: usize, conn: ConnId) {
        if let Some(link) = self.nodes[n].links.remove(&conn) {
            self.links[link].ends[n] = None;
            self.later(1 - n, link, What::Closed);
        }
    }

    fn write(&mut self, n: usize, conn: ConnId, bytes: Vec<u8>) {
        if let Some(link) = self.nodes[n].links.get(&conn) {
            self.later(1 - n, *link, What::Bytes(bytes));
        }
    }

    fn later(&mut self, to: usize, link: usize, what: What) {
        if self.cut {
            return;
        }
        let delivery = Delivery {
            at: self.now,
            to,
            link,
            what,
        };
        if self.weather.cut[to] {
            self.waiting.push(delivery);
        } else {
            self.fly(delivery);
        }
    }

    fn fly(&mut self, mut delivery: Delivery) {
        let Weather { jitter, lost, .. } = self.weather;
        let mut takes = self.latency;
        if !jitter.is_zero() {
            takes += Duration::from_micros(self.draw(jitter.as_micros() as u64));
        }
        let mut again = Duration::from_millis(200);
        while lost > 0 && again < 30 * SECOND && self.draw(1000) < lost {
            takes += again;
            again *= 2;
        }
        let last = &mut self.links[delivery.link].last[delivery.to];
        delivery.at = last.map_or(self.now + takes, |last| last.max(self.now + takes));
        *last = Some(delivery.at);
        self.deliveries.push(delivery);
    }

    /// What was sent during a cut that is over goes on its way.
    pub(crate) fn set_weather(&mut self, weather: Weather) {
        self.weather = weather;
        let (waits, goes) = std::mem::take(&mut self.waiting)
            .into_iter()
            .partition(|delivery: &Delivery| weather.cut[delivery.to]);
        self.waiting = waits;
        goes.into_iter().for_each(|delivery| self.fly(delivery));
    }

    /// Below `bound`.
    pub(crate) fn draw(&mut self, bound: u64) -> u64 {
        self.random.random_range(0..bound.max(1))
    }

    /// The node's system is there and the process is not: whoever goes on speaking to it is told so, or not even that.
    pub(crate) fn crash(&mut self, node: usize, config: PeerConfig, seed: u64, told: bool) {
        let mut links: Vec<usize> = self.nodes[node].links.values().copied().collect();
        links.sort_unstable();
        self.replace(node, config, seed);
        for link in links.into_iter().filter(|_| told) {
            self.later(1 - node, link, What::Closed);
        }
    }

    fn deliver(&mut self, delivery: Delivery) {
        let Delivery { to, link, what, .. } = delivery;
        let (now, elapsed) = (self.now, self.elapsed());
        let (local, remote) = (self.nodes[to].addr, self.nodes[1 - to].addr);
        let node = &mut self.nodes[to];
        match (what, self.links[link].ends[to]) {
            (What::Syn, _) => {
                // Given up while the SYN was on its way.
                if self.links[link].ends[1 - to].is_none() {
                    return;
                }
                if !node.listening {
                    self.later(1 - to, link, What::Refused);
                    return;
                }
                let accepted = node.peer.handle_incoming(local, remote, now);
                self.later(1 - to, link, What::Connected);
                match accepted {
                    Some(conn) => {
                        self.links[link].ends[to] = Some(conn);
                        self.nodes[to].links.insert(conn, link);
                    }
                    None => self.later(1 - to, link, What::Closed),
                }
            }
            (What::Connected, Some(conn)) => node.peer.handle_connected(conn, local, remote, now),
            (What::Refused, Some(conn)) => {
                node.peer
                    .handle_connect_failed(conn, ConnectFailure::Refused, now);
            }
            (What::Bytes(bytes), Some(conn)) => {
                let size = if node.dribble { 1 } else { bytes.len() };
                for read in bytes.chunks(size.max(1)) {
                    node.peer.handle_bytes(conn, read, now, &mut node.sink);
                }
                let heard = kinds(&bytes).into_iter().map(|kind| (elapsed, kind));
                self.nodes[1 - to].heard.extend(heard);
            }
            (What::Closed, Some(conn)) => {
                node.links.remove(&conn);
                self.links[link].ends[to] = None;
                node.peer.handle_closed(conn, now);
            }
            (_, None) => {}
        }
        self.pump(to);
    }
}

/// Why the node's sessions ended.
pub(crate) fn downs(pair: &Pair, node: usize) -> Vec<DownReason> {
    let down = |event: &Event| match event {
        Event::Down(why) => Some(why.clone()),
        _ => None,
    };
    pair.nodes[node]
        .events
        .iter()
        .filter_map(|(_, e)| down(e))
        .collect()
}

/// How many sessions the node had.
pub(crate) fn ups(pair: &Pair, node: usize) -> usize {
    pair.count_events(node, |e| matches!(e, Event::Established(_)))
}
