//! EDGE: one agent writes the routes of a network namespace. Another one would take the first one's routes for its own of an earlier
//! run, which nobody wants any more.

use std::io::{self, ErrorKind};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use parking_lot::Mutex;

/// Abstract names belong to a network namespace, and go with the process that has them, however it ends.
const NAME: &str = "cosmos/routes";

/// The right to write routes, once it is had.
#[derive(Debug, Default)]
pub(super) struct OnlyOne(Mutex<Option<UnixDatagram>>);

impl OnlyOne {
    /// Whether this process has the right now, or another one has it.
    pub(super) fn claim(&self) -> io::Result<bool> {
        let mut held = self.0.lock();
        if held.is_none() {
            match UnixDatagram::bind_addr(&SocketAddr::from_abstract_name(NAME)?) {
                Ok(socket) => *held = Some(socket),
                Err(error) if error.kind() == ErrorKind::AddrInUse => return Ok(false),
                Err(error) => return Err(error),
            }
        }
        Ok(true)
    }
}
