//! Encoded messages of the session itself, in order, until the driver takes them.

use std::collections::VecDeque;

use bytes::BytesMut;

use crate::event::ConnId;

/// Messages and the connection each is for.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Parcel>,
}

#[derive(Debug)]
struct Parcel {
    conn: ConnId,
    bytes: BytesMut,
    /// Ends with a KEEPALIVE.
    keepalive: bool,
}

impl Outbox {
    /// Adds a message that `write` appends.
    pub(crate) fn push(&mut self, conn: ConnId, write: impl FnOnce(&mut BytesMut)) {
        match self.queue.back_mut() {
            Some(last) if last.conn == conn => {
                write(&mut last.bytes);
                last.keepalive = false;
            }
            _ => {
                let mut bytes = BytesMut::new();
                write(&mut bytes);
                self.queue.push_back(Parcel {
                    conn,
                    bytes,
                    keepalive: false,
                });
            }
        }
    }

    /// Adds a KEEPALIVE, unless one is the last thing that waits: to a driver that does not come it makes no difference,
    /// and nothing piles up. Tells whether it was added.
    pub(crate) fn push_keepalive(&mut self, conn: ConnId) -> bool {
        if self
            .queue
            .iter()
            .rev()
            .find(|p| p.conn == conn)
            .is_some_and(|p| p.keepalive)
        {
            return false;
        }
        self.push(conn, bgp_wire::encode_keepalive);
        if let Some(last) = self.queue.back_mut() {
            last.keepalive = true;
        }
        true
    }

    /// Forgets what is for a connection that no longer exists.
    pub(crate) fn forget(&mut self, conn: ConnId) {
        self.queue.retain(|p| p.conn != conn);
    }

    /// Moves the oldest messages of one connection to `out`.
    pub(crate) fn pop(&mut self, out: &mut BytesMut) -> Option<ConnId> {
        let parcel = self.queue.pop_front()?;
        out.extend_from_slice(&parcel.bytes);
        Some(parcel.conn)
    }
}
