//! The sockets that write and read: batches with their answers, and dumps.
//!
//! Edge, but without waiting on anything: the kernel handles route messages within the `send`, so
//! their answers are there when it returns. Three sockets are used: one that writes, one for dumps
//! (an answer must not queue behind a table of a million routes), and the monitor's.

use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use ipnet::IpNet;
use netlink_sys::{Socket, protocols::NETLINK_ROUTE};

use super::engine::Engine;
use super::facts::{RTM_GETADDR, RTM_GETLINK, RTM_GETNEXTHOP, dump_request, parse};
use super::message::{Encoder, RTM_GETROUTE, messages, parse_error};
use super::model::{FibAction, FibOp, KernelEvent, Leg, Outcome, Ownership};
use super::table::IpFamily;

const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLMSG_OVERRUN: u16 = 4;
const NLM_F_DUMP_INTR: u16 = 0x10;

/// Messages in one `send`, at most.
pub const MAX_MESSAGES: usize = 500;
/// Bytes in one `send`, about: well below the smallest default send buffer.
const MAX_BYTES: usize = 64 * 1024;
/// The kernel answers within the send; this only guards against a kernel that does not.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(5);

/// Opens a route netlink socket with room for `receive` bytes.
pub(crate) fn open(receive: usize) -> Result<(Socket, u32)> {
    let mut socket = Socket::new(NETLINK_ROUTE)?;
    let address = socket.bind_auto()?;
    socket.set_ext_ack(true)?;
    // Without this a refusal of a message of 2 KB would echo 2 KB.
    socket.set_cap_ack(true)?;
    // Beyond the limit of unprivileged sockets if we may, else up to it.
    if rustix::net::sockopt::set_socket_recv_buffer_size_force(&socket, receive).is_err() {
        let _ = rustix::net::sockopt::set_socket_recv_buffer_size(&socket, receive);
    }
    Ok((socket, address.port_number()))
}

pub(crate) fn receive(socket: &Socket, buffer: &mut [u8], flags: i32) -> Result<usize> {
    let mut room = &mut *buffer;
    let n = socket.recv(&mut room, flags | libc::MSG_TRUNC)?;
    if n > buffer.len() {
        return Err(Error::new(
            ErrorKind::InvalidData,
            "a netlink message is larger than the buffer",
        ));
    }
    Ok(n)
}

/// One `send` of an encoded batch.
struct Chunk {
    bytes: std::ops::Range<usize>,
    ops: std::ops::Range<usize>,
}

/// Writes batches of routes.
pub struct Writer {
    socket: Socket,
    port: u32,
    encoder: Encoder,
    generation: u64,
    seq: u32,
    first_seq: u32,
    out: Vec<u8>,
    chunks: Vec<Chunk>,
    answer: Vec<u8>,
    sends: u64,
}

impl Writer {
    /// Opens its socket.
    pub fn open() -> Result<Self> {
        let (socket, port) = open(4 << 20)?;
        rustix::net::sockopt::set_socket_timeout(
            &socket,
            rustix::net::sockopt::Timeout::Recv,
            Some(ANSWER_TIMEOUT),
        )?;
        Ok(Self {
            socket,
            port,
            encoder: Encoder::default(),
            generation: 0,
            seq: 0,
            first_seq: 0,
            out: Vec::new(),
            chunks: Vec::new(),
            answer: vec![0; 64 * 1024],
            sends: 0,
        })
    }

    /// The address of its socket: notifications of what it wrote carry it.
    pub fn port(&self) -> u32 {
        self.port
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
        self.send(1, &mut outcomes);
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

    /// Sends what was encoded and gives what became of each message.
    pub fn send(&mut self, ops: usize, outcomes: &mut Vec<Outcome>) {
        outcomes.clear();
        outcomes.resize(ops, Outcome::Done);
        for chunk in std::mem::take(&mut self.chunks) {
            if let Err(error) = self.send_chunk(&chunk, outcomes) {
                tracing::debug!(%error, messages = chunk.ops.len(), "a batch has no known outcome");
                for outcome in &mut outcomes[chunk.ops.clone()] {
                    if *outcome == Outcome::Done {
                        *outcome = Outcome::Unknown;
                    }
                }
            }
        }
    }

    fn send_chunk(&mut self, chunk: &Chunk, outcomes: &mut [Outcome]) -> Result<()> {
        // Answers of an earlier batch that was given up.
        while receive(&self.socket, &mut self.answer, libc::MSG_DONTWAIT).is_ok() {}
        self.sends += 1;
        self.socket.send(&self.out[chunk.bytes.clone()], 0)?;
        let last = u32::try_from(chunk.ops.end - 1).unwrap_or(u32::MAX);
        loop {
            let n = receive(&self.socket, &mut self.answer, 0)?;
            for (header, payload) in messages(&self.answer[..n]) {
                if header.kind != NLMSG_ERROR {
                    continue;
                }
                let at = header.seq.wrapping_sub(self.first_seq);
                let Some(outcome) = outcomes.get_mut(at as usize) else {
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

/// What a dump gave.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum DumpStep {
    /// More to come.
    More,
    /// All read. Not `whole` if it was interrupted by a change.
    End { whole: bool },
}

/// Reads tables, a slice at a time.
pub(crate) struct Dumper {
    socket: Socket,
    seq: u32,
    kind: u16,
    /// Requests still to be made.
    rest: Vec<(u16, u8)>,
    whole: bool,
    buffer: Vec<u8>,
}

impl Dumper {
    /// Begins to read routes of `families`, and before them links, addresses and nexthop objects.
    pub(crate) fn begin(families: &[IpFamily]) -> Result<Self> {
        let (socket, _) = open(4 << 20)?;
        let mut rest: Vec<_> = families
            .iter()
            .map(|f| match f {
                IpFamily::V4 => (RTM_GETROUTE, libc::AF_INET as u8),
                IpFamily::V6 => (RTM_GETROUTE, libc::AF_INET6 as u8),
            })
            .collect();
        rest.push((RTM_GETNEXTHOP, 0));
        rest.push((RTM_GETADDR, 0));
        rest.push((RTM_GETLINK, 0));
        let mut dumper = Self {
            socket,
            seq: 0,
            kind: 0,
            rest,
            whole: true,
            buffer: vec![0; 256 * 1024],
        };
        dumper.request()?;
        Ok(dumper)
    }

    /// Sends the next request; false if there is none.
    fn request(&mut self) -> Result<bool> {
        let Some((kind, family)) = self.rest.pop() else {
            return Ok(false);
        };
        self.kind = kind;
        self.seq += 1;
        self.socket.send(&dump_request(kind, family, self.seq), 0)?;
        Ok(true)
    }

    /// Reads one buffer of it. The kernel fills the next while this one is read, so waiting is
    /// short.
    pub(crate) fn step(&mut self, mut each: impl FnMut(KernelEvent)) -> Result<DumpStep> {
        let n = receive(&self.socket, &mut self.buffer, 0)?;
        let mut done = false;
        for (header, payload) in messages(&self.buffer[..n]) {
            if header.seq != self.seq {
                continue;
            }
            self.whole &= header.flags & NLM_F_DUMP_INTR == 0;
            match header.kind {
                NLMSG_DONE => done = true,
                NLMSG_ERROR => {
                    if self.kind == RTM_GETNEXTHOP {
                        // Kernels before 5.3 have none.
                        done = true;
                    } else if let Some(refusal) = parse_error(&header, payload) {
                        return Err(Error::from_raw_os_error(refusal.errno));
                    }
                }
                NLMSG_OVERRUN => self.whole = false,
                _ => {
                    if let Some(event) = parse(&header, payload) {
                        each(event);
                    }
                }
            }
        }
        if done && !self.request()? {
            return Ok(DumpStep::End { whole: self.whole });
        }
        Ok(DumpStep::More)
    }
}
