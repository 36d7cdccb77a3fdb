//! The sockets that write: batches with their answers.
//!
//! Edge, but without waiting on anything: the kernel handles route messages within the `send`, so
//! their answers are there when it returns. Since Linux 6.16 it handles those of IPv6 without the lock
//! of all of rtnetlink, so two threads send at a time where the order of the messages means nothing,
//! each through a socket of its own.

use std::io::{Error, Result};
use std::thread::Builder;
use std::time::Duration;

use ipnet::IpNet;
use netlink_sys::Socket;
use parking_lot::Mutex;

use super::engine::Engine;
use super::message::{Encoder, messages, parse_error};
use super::model::{FibAction, FibOp, Leg, Outcome, Ownership};
use super::netlink::{NLMSG_ERROR, open, receive};

/// Messages in one `send`, at most.
pub const MAX_MESSAGES: usize = 500;
/// Sockets, and so sends at a time.
pub(crate) const LANES: usize = 2;
/// Messages in one batch, at most.
pub(crate) const MAX_BATCH: usize = LANES * MAX_MESSAGES;
/// Bytes in one `send`, about: well below the smallest default send buffer.
const MAX_BYTES: usize = 64 * 1024;
/// The kernel answers within the send; this only guards against a kernel that does not.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// One `send` of an encoded batch.
struct Chunk {
    bytes: std::ops::Range<usize>,
    ops: std::ops::Range<usize>,
}

/// A socket that writes.
struct Lane {
    socket: Socket,
    port: u32,
    answer: Vec<u8>,
}

/// What one `send` is to carry, and where its answers go.
struct Job<'a> {
    bytes: &'a [u8],
    /// Sequence number of the first message.
    first_seq: u32,
    outcomes: &'a mut [Outcome],
}

impl Lane {
    fn open() -> Result<Self> {
        let (socket, port) = open(4 << 20)?;
        rustix::net::sockopt::set_socket_timeout(
            &socket,
            rustix::net::sockopt::Timeout::Recv,
            Some(ANSWER_TIMEOUT),
        )?;
        Ok(Self {
            socket,
            port,
            answer: vec![0; 64 * 1024],
        })
    }

    fn send(&mut self, job: Job<'_>) {
        if let Err(error) = self.try_send(job.bytes, job.first_seq, job.outcomes) {
            let messages = job.outcomes.len();
            tracing::debug!(%error, messages, "a batch has no known outcome");
            for outcome in job.outcomes {
                if *outcome == Outcome::Done {
                    *outcome = Outcome::Unknown;
                }
            }
        }
    }

    fn try_send(&mut self, bytes: &[u8], first_seq: u32, outcomes: &mut [Outcome]) -> Result<()> {
        // Answers of an earlier batch that was given up.
        while receive(&self.socket, &mut self.answer, libc::MSG_DONTWAIT).is_ok() {}
        self.socket.send(bytes, 0)?;
        let last = outcomes.len().saturating_sub(1);
        loop {
            let n = receive(&self.socket, &mut self.answer, 0)?;
            for (header, payload) in messages(&self.answer[..n]) {
                if header.kind != NLMSG_ERROR {
                    continue;
                }
                let at = header.seq.wrapping_sub(first_seq) as usize;
                let Some(outcome) = outcomes.get_mut(at) else {
                    continue;
                };
                if let Some(refusal) = parse_error(&header, payload) {
                    *outcome = Outcome::Refused(refusal);
                }
                if at == last {
                    return Ok(());
                }
            }
        }
    }
}

/// Whether the messages come to the same in any order, and gain by being sent at the same time: one
/// for each destination, all of IPv6, and either all there afterwards or all gone.
fn any_order(ops: &[FibOp]) -> bool {
    let all = |alike: fn(FibAction) -> bool| {
        ops.iter()
            .all(|op| matches!(op.prefix, IpNet::V6(_)) && alike(op.action))
    };
    all(|action| matches!(action, FibAction::Add(_) | FibAction::Replace(_)))
        || all(|action| action == FibAction::Delete)
}

/// Writes batches of routes.
pub struct Writer {
    lanes: [Lane; LANES],
    encoder: Encoder,
    generation: u64,
    seq: u32,
    first_seq: u32,
    out: Vec<u8>,
    chunks: Vec<Chunk>,
    sends: u64,
}

impl Writer {
    /// Opens its sockets.
    pub fn open() -> Result<Self> {
        Ok(Self {
            lanes: [Lane::open()?, Lane::open()?],
            encoder: Encoder::default(),
            generation: 0,
            seq: 0,
            first_seq: 0,
            out: Vec::new(),
            chunks: Vec::new(),
            sends: 0,
        })
    }

    /// The addresses of its sockets: notifications of what it wrote carry one of them.
    pub(crate) fn ports(&self) -> [u32; LANES] {
        self.lanes.each_ref().map(|lane| lane.port)
    }

    /// Whether routes may be written at all, asked by removing one from a table that is not there.
    pub(crate) fn check_right(&mut self) -> Result<()> {
        let owner = Ownership {
            table: u32::MAX - 1,
            ..Ownership::default()
        };
        let op = FibOp {
            slot: u32::MAX,
            prefix: IpNet::default(),
            owner,
            action: FibAction::Delete,
        };
        self.begin();
        self.push(&op, &[], true);
        let mut outcomes = Vec::new();
        self.send(&[op], &mut outcomes);
        match outcomes.first() {
            Some(Outcome::Refused(r)) if r.errno != libc::ESRCH => {
                Err(Error::from_raw_os_error(r.errno))
            }
            Some(Outcome::Unknown) | None => Err(Error::other("the kernel does not answer")),
            Some(Outcome::Done | Outcome::Refused(_)) => Ok(()),
        }
    }

    /// `send` calls so far.
    pub fn sends(&self) -> u64 {
        self.sends
    }

    /// Encodes a batch; the engine is only asked for the gateways.
    pub fn encode(&mut self, ops: &[FibOp], engine: &Engine) {
        if self.generation != engine.generation() {
            self.generation = engine.generation();
            self.encoder.clear();
        }
        self.begin();
        for (i, op) in ops.iter().enumerate() {
            let legs = match op.action {
                FibAction::Add(set)
                | FibAction::Replace(set)
                | FibAction::Leave(set)
                | FibAction::RemoveSecond(set) => engine.legs(set),
                FibAction::Delete => &[],
            };
            self.push(op, legs, i + 1 == ops.len());
        }
    }

    fn begin(&mut self) {
        self.out.clear();
        self.chunks.clear();
        self.first_seq = self.seq.wrapping_add(1);
    }

    /// Encodes one message. The last of a `send` asks for an acknowledgement, so it has to be known
    /// here whether another one fits behind it: the largest has 64 legs.
    fn push(&mut self, op: &FibOp, legs: &[Leg], end: bool) {
        const LARGEST: usize = 4096;
        let (byte, first) = self
            .chunks
            .last()
            .map_or((0, 0), |c| (c.bytes.end, c.ops.end));
        let at = self.seq.wrapping_add(1).wrapping_sub(self.first_seq) as usize;
        let full = at + 1 - first >= MAX_MESSAGES || self.out.len() - byte + LARGEST >= MAX_BYTES;
        self.seq = self.seq.wrapping_add(1);
        self.encoder
            .encode(op, legs, self.seq, full || end, &mut self.out);
        if full || end {
            self.chunks.push(Chunk {
                bytes: byte..self.out.len(),
                ops: first..at + 1,
            });
        }
    }

    /// Sends what was encoded of `ops` and gives what became of each message.
    pub fn send(&mut self, ops: &[FibOp], outcomes: &mut Vec<Outcome>) {
        outcomes.clear();
        outcomes.resize(ops.len(), Outcome::Done);
        self.sends += self.chunks.len() as u64;
        let mut rest = &mut outcomes[..];
        let jobs = self.chunks.iter().map(|chunk| Job {
            bytes: &self.out[chunk.bytes.clone()],
            first_seq: self.first_seq.wrapping_add(chunk.ops.start as u32),
            outcomes: rest.split_off_mut(..chunk.ops.len()).unwrap_or_default(),
        });
        let [first, second] = &mut self.lanes;
        if self.chunks.len() == 1 || !any_order(ops) {
            jobs.for_each(|job| first.send(job));
            return;
        }
        let jobs = Mutex::new(jobs);
        let next = || jobs.lock().next();
        std::thread::scope(|scope| {
            let beside = || {
                while let Some(job) = next() {
                    second.send(job);
                }
            };
            // Without a second thread the first does all of it.
            let _ = Builder::new().spawn_scoped(scope, beside);
            while let Some(job) = next() {
                first.send(job);
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::model::NextHopSets;

    #[test]
    fn only_messages_that_are_alike_and_of_ipv6_may_overtake_each_other() {
        let mut sets = NextHopSets::default();
        let set = sets.intern(&[Leg::new(None, 1)]);
        let op = |prefix: &str, action| FibOp {
            slot: 0,
            prefix: prefix.parse().expect("a prefix"),
            owner: Ownership::default(),
            action,
        };
        use FibAction::{Add, Delete, Leave, RemoveSecond, Replace};
        let (a, b) = ("2001:db8:a::/48", "2001:db8:b::/48");
        let yes = [
            [op(a, Add(set)), op(b, Replace(set))],
            [op(a, Delete), op(b, Delete)],
        ];
        let no = [
            // What takes over comes before what goes.
            [op(a, Add(set)), op(b, Delete)],
            // One destination: the order decides what is left.
            [op(a, Delete), op(a, Add(set))],
            [op(a, RemoveSecond(set)), op(b, RemoveSecond(set))],
            [op(a, Leave(set)), op(b, Leave(set))],
            // The kernel would handle them one after the other anyway.
            [op("192.0.2.0/24", Add(set)), op(b, Add(set))],
        ];
        assert!(yes.iter().all(|ops| any_order(ops)));
        assert!(!no.iter().any(|ops| any_order(ops)));
    }
}
