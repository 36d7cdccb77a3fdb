//! One TCP connection: who it is with, and what has come in on it.

use std::net::SocketAddr;

use crate::event::ConnId;
use crate::inbox::Inbox;

/// A TCP connection that is up.
#[derive(Debug)]
pub(crate) struct Connection {
    pub(crate) id: ConnId,
    pub(crate) local: SocketAddr,
    pub(crate) remote: SocketAddr,
    pub(crate) inbox: Inbox,
}

impl Connection {
    pub(crate) fn new(id: ConnId, local: SocketAddr, remote: SocketAddr) -> Self {
        Self {
            id,
            local,
            remote,
            inbox: Inbox::default(),
        }
    }
}
