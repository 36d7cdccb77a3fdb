//! Sockets of the kernel's routing, and dumps read from one.
//!
//! Edge. A dump has a socket of its own, beside those that write and the monitor's: an answer must not queue behind a table of
//! a million routes.

use std::io::{Error, ErrorKind, Result};

use netlink_sys::{Socket, protocols::NETLINK_ROUTE};

use super::facts::{RTM_GETADDR, RTM_GETLINK, RTM_GETNEXTHOP, dump_request, parse};
use super::message::{RTM_GETROUTE, messages, parse_error};
use super::model::KernelEvent;
use super::table::IpFamily;

pub(super) const NLMSG_ERROR: u16 = 2;
const NLMSG_DONE: u16 = 3;
const NLMSG_OVERRUN: u16 = 4;
const NLM_F_DUMP_INTR: u16 = 0x10;

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
