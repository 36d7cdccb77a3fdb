//! Two nodes and a network between them that delays, loses, repeats and is cut.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use bfd::{Arrival, Change, Config, Hops, PACKET_LENGTH, Path, SessionId, SessionView, Sessions};
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

use crate::by_hand::epoch;

/// What the network does to packets.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Weather {
    pub(crate) delay: Duration,
    pub(crate) jitter: Duration,
    /// Of a thousand packets.
    pub(crate) lost: u64,
    pub(crate) repeated: u64,
    /// From the first node to the second, and back.
    pub(crate) cut: [bool; 2],
}

pub(crate) struct Node {
    pub(crate) sessions: Sessions,
    pub(crate) id: SessionId,
    pub(crate) changes: Vec<(Instant, Change)>,
    /// When a packet was last taken in.
    pub(crate) heard: Instant,
}

pub(crate) struct Network {
    pub(crate) now: Instant,
    pub(crate) nodes: [Node; 2],
    pub(crate) weather: Weather,
    flying: BinaryHeap<Reverse<(Instant, usize, [u8; PACKET_LENGTH])>>,
    random: Xoshiro256PlusPlus,
}

const ADDRESSES: [IpAddr; 2] = [
    IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1)),
    IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 2)),
];

fn path(node: usize) -> Path {
    Path {
        hops: Hops::Single,
        local: ADDRESSES[node],
        remote: ADDRESSES[1 - node],
        interface: 0,
    }
}

impl Network {
    pub(crate) fn new(seed: u64, configs: [Config; 2]) -> Self {
        let now = epoch();
        let node = |n: usize| {
            let mut sessions = Sessions::new(seed.wrapping_mul(2) + n as u64);
            let id = sessions.open(path(n), configs[n], now).unwrap();
            Node {
                sessions,
                id,
                changes: Vec::new(),
                heard: now,
            }
        };
        Self {
            now,
            nodes: [node(0), node(1)],
            weather: Weather::default(),
            flying: BinaryHeap::new(),
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
        }
    }

    /// Below `bound`.
    pub(crate) fn draw(&mut self, bound: u64) -> u64 {
        self.random.random_range(0..bound.max(1))
    }

    pub(crate) fn view(&self, node: usize) -> SessionView {
        let node = &self.nodes[node];
        *node.sessions.view(node.id).unwrap()
    }

    pub(crate) fn are_up(&self) -> bool {
        [0, 1]
            .iter()
            .all(|node| self.view(*node).state == bfd::State::Up)
    }

    /// A node forgets everything, as after a crash.
    pub(crate) fn restart(&mut self, node: usize, config: Config) {
        let seed = self.draw(u64::MAX);
        let node_at = &mut self.nodes[node];
        node_at.sessions = Sessions::new(seed);
        node_at.id = node_at.sessions.open(path(node), config, self.now).unwrap();
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let end = self.now + time;
        self.run_until(end, |_| false);
        self.now = end;
    }

    /// Until it is so, or that time. True if it is so.
    pub(crate) fn run_until(&mut self, end: Instant, so: impl Fn(&Self) -> bool) -> bool {
        let mut steps = 0u32;
        loop {
            self.send();
            if so(self) {
                return true;
            }
            let arrival = self.flying.peek().map(|Reverse((at, ..))| *at);
            let timeouts = self.nodes.iter().map(|node| node.sessions.poll_timeout());
            let next = timeouts.chain([arrival]).flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                return false;
            };
            self.now = self.now.max(next);
            steps += 1;
            assert!(steps < 1_000_000, "time does not pass");
            while let Some(Reverse((at, to, payload))) = self.flying.peek().copied() {
                if at > self.now {
                    break;
                }
                self.flying.pop();
                self.deliver(to, &payload);
            }
            for node in &mut self.nodes {
                node.sessions.handle_timeout(self.now);
            }
        }
    }

    fn deliver(&mut self, to: usize, payload: &[u8]) {
        let arrival = Arrival {
            hops: Hops::Single,
            local: ADDRESSES[to],
            remote: ADDRESSES[1 - to],
            interface: 1,
            ttl: 255,
        };
        let node = &mut self.nodes[to];
        if node
            .sessions
            .handle_packet(payload, &arrival, self.now)
            .is_ok()
        {
            node.heard = self.now;
        }
    }

    fn send(&mut self) {
        for from in [0, 1] {
            while let Some(event) = self.nodes[from].sessions.poll_event() {
                self.nodes[from].changes.push((self.now, event.change));
            }
            while let Some(transmit) = self.nodes[from].sessions.poll_transmit() {
                let Weather {
                    delay,
                    jitter,
                    lost,
                    repeated,
                    cut,
                } = self.weather;
                let copies = 1 + u64::from(self.draw(1000) < repeated);
                for _ in 0..copies {
                    if cut[from] || self.draw(1000) < lost {
                        continue;
                    }
                    let late = self.draw(jitter.as_nanos() as u64 + 1);
                    let at = self.now + delay + Duration::from_nanos(late);
                    self.flying.push(Reverse((at, 1 - from, transmit.payload)));
                }
            }
        }
    }
}
