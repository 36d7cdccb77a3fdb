//! EDGE. One TCP connection of a peer: its stream, what waits to be written, and how it ends.

use std::cell::RefCell;
use std::io;
use std::net::Shutdown;
use std::time::Duration;

use bgp_session::ConnId;
use socket2::SockRef;
use tokio::io::{Interest, Ready};
use tokio::net::TcpStream;

use super::outbox::Outbox;

/// The most that one turn reads. One read is one batch through decoding, interning and the table.
pub(super) const READ_SIZE: usize = 64 * 1024;
/// How long a connection may take to write its last words and to be closed by the peer.
const FAREWELL_LIMIT: Duration = Duration::from_millis(500);

thread_local! {
    /// One read buffer for each worker thread, not for each peer: it is only used between two awaits.
    pub(super) static READ_BUFFER: RefCell<Box<[u8]>> = RefCell::new(vec![0; READ_SIZE].into_boxed_slice());
}

/// See the top of this file.
pub(super) struct Connection {
    pub(super) id: ConnId,
    pub(super) stream: TcpStream,
    pub(super) outbox: Outbox,
    /// What was read while the tables had to be walked first. Nothing more is read before it is used.
    pub(super) unused: Vec<u8>,
}

impl Connection {
    pub(super) fn new(id: ConnId, stream: TcpStream) -> Self {
        Self {
            id,
            stream,
            outbox: Outbox::default(),
            unused: Vec::new(),
        }
    }
}

/// Waits until the connection can be read, or written if something waits for that; for ever without a connection.
pub(super) async fn readiness(connection: Option<&Connection>) -> io::Result<Ready> {
    let Some(connection) = connection else {
        return std::future::pending().await;
    };
    let interest = if connection.outbox.is_empty() {
        Interest::READABLE
    } else {
        Interest::READABLE | Interest::WRITABLE
    };
    connection.stream.ready(interest).await
}

/// The end of a connection: its last words are written, the peer is told that nothing follows, and what it still sends is
/// read, as unread bytes would turn our goodbye into a reset that may overtake it. At most [`FAREWELL_LIMIT`] long.
pub(super) async fn leave(stream: TcpStream, mut outbox: Outbox) {
    let goodbye = async {
        while let Ok(flushed) = outbox.flush(&stream)
            && flushed.blocked
            && stream.writable().await.is_ok()
        {}
        let _ = SockRef::from(&stream).shutdown(Shutdown::Write);
        while stream.readable().await.is_ok() {
            let read = READ_BUFFER.with_borrow_mut(|buffer| stream.try_read(buffer));
            match read {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(_) => break,
            }
        }
    };
    let _ = tokio::time::timeout(FAREWELL_LIMIT, goodbye).await;
}
