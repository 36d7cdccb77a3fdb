//! The socket that listens: what the kernel tells by itself.
//!
//! Edge. A hundred thousand routes written are a hundred thousand notifications. Those that answer to
//! our own writes carry the port of a writing socket, so a small filter program in the kernel drops
//! them before they are queued; a check of the header does the same should the filter be refused.

use std::io::{Error, Result};
use std::os::fd::{AsFd, BorrowedFd};

use netlink_sys::Socket;
use socket2::{SockFilter, SockRef};

use super::facts::parse;
use super::message::messages;
use super::model::KernelEvent;
use super::netlink::{open, receive};
use super::writer::LANES;

const RTNLGRP_LINK: u32 = 1;
const RTNLGRP_IPV4_IFADDR: u32 = 5;
const RTNLGRP_IPV4_ROUTE: u32 = 7;
const RTNLGRP_IPV6_IFADDR: u32 = 9;
const RTNLGRP_IPV6_ROUTE: u32 = 11;
const RTNLGRP_NEXTHOP: u32 = 32;

/// Buffers read in one turn.
const READS: usize = 64;

/// Hears the kernel.
pub(crate) struct Monitor {
    socket: Socket,
    /// Ports of the sockets whose echoes are dropped.
    own: [u32; LANES],
    /// Bytes that may wait to be read.
    room: usize,
    buffer: Vec<u8>,
}

/// What one turn of reading found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Heard {
    /// Notifications were lost.
    pub(crate) overrun: bool,
    /// More waits.
    pub(crate) more: bool,
}

impl Monitor {
    /// Listens from now on.
    pub(crate) fn open(own: [u32; LANES], room: usize) -> Result<Self> {
        let (socket, _) = open(room)?;
        let filter = drop_echoes(own);
        if let Err(error) = SockRef::from(&socket).attach_filter(&filter) {
            tracing::warn!(%error, "no filter on the monitor socket: own echoes are read and dropped");
        }
        socket.set_non_blocking(true)?;
        for group in [
            RTNLGRP_LINK,
            RTNLGRP_IPV4_IFADDR,
            RTNLGRP_IPV4_ROUTE,
            RTNLGRP_IPV6_IFADDR,
            RTNLGRP_IPV6_ROUTE,
        ] {
            socket.add_membership(group)?;
        }
        // Kernels before 5.3 have no nexthop objects, and none to tell of.
        let _ = socket.add_membership(RTNLGRP_NEXTHOP);
        Ok(Self {
            socket,
            own,
            room,
            buffer: vec![0; 64 * 1024],
        })
    }

    /// Listens anew, after an error that a new look at the socket would only meet again.
    pub(crate) fn reopen(&mut self) -> Result<()> {
        *self = Self::open(self.own, self.room)?;
        Ok(())
    }

    /// Reads what is there.
    pub(crate) fn read(&mut self, mut each: impl FnMut(KernelEvent)) -> Result<Heard> {
        let mut heard = Heard::default();
        for _ in 0..READS {
            match receive(&self.socket, &mut self.buffer, 0) {
                Ok(n) => {
                    for (header, payload) in messages(&self.buffer[..n]) {
                        if !self.own.contains(&header.port)
                            && let Some(event) = parse(&header, payload)
                        {
                            each(event);
                        }
                    }
                }
                Err(error) if would_block(&error) => return Ok(heard),
                Err(error) if error.raw_os_error() == Some(libc::ENOBUFS) => heard.overrun = true,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == std::io::ErrorKind::InvalidData => {
                    heard.overrun = true;
                }
                Err(error) => return Err(error),
            }
        }
        heard.more = true;
        Ok(heard)
    }

    /// What to wait on.
    pub(crate) fn fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn would_block(error: &Error) -> bool {
    error.kind() == std::io::ErrorKind::WouldBlock
}

/// Classic BPF: drop the message if its port is one of ours. Loads are big-endian, the header is not.
fn drop_echoes(own: [u32; LANES]) -> [SockFilter; 5] {
    const LOAD_WORD: u16 = (libc::BPF_LD | libc::BPF_W | libc::BPF_ABS) as u16;
    const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    const PORT_OFFSET: u32 = 12;
    let [first, second] = own.map(|port| u32::from_be_bytes(port.to_ne_bytes()));
    [
        SockFilter::new(LOAD_WORD, 0, 0, PORT_OFFSET),
        SockFilter::new(JUMP_EQUAL, 1, 0, first),
        SockFilter::new(JUMP_EQUAL, 0, 1, second),
        SockFilter::new(RETURN, 0, 0, 0),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
    ]
}
