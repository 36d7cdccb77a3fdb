//! EDGE. Opens one TCP connection to a peer, with the options that its session needs set before the first segment.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bgp_session::ConnectFailure;
use socket2::{Domain, Protocol, Socket, Type};
use tokio::net::{TcpSocket, TcpStream};

use super::signature;
use super::tcp_options::{TtlRule, set_class, set_ttl};
use crate::desired::Authentication;

/// How long one attempt may take before it counts as failed. The session machine decides when to try again.
const CONNECT_LIMIT: Duration = Duration::from_secs(20);

/// Everything a connection needs to know before it is opened.
#[derive(Clone)]
pub(super) struct Dial {
    /// Nobody knows it before the peer was found on its interface.
    pub(super) remote: Option<SocketAddr>,
    pub(super) local: Option<IpAddr>,
    pub(super) ttl: TtlRule,
    /// How its segments are signed.
    pub(super) authentication: Option<Authentication>,
}

/// Why there is no connection.
#[derive(Debug, thiserror::Error)]
pub(super) enum ConnectError {
    #[error("no neighbour found on the interface")]
    NoNeighbour,
    #[error("connection refused")]
    Refused,
    #[error("no answer within {} s", CONNECT_LIMIT.as_secs())]
    TimedOut,
    #[error("our address {0} is not on this node")]
    NoLocalAddress(IpAddr),
    #[error("{0}")]
    Io(#[from] io::Error),
}

impl ConnectError {
    /// The word of the session machine for it.
    pub(super) fn failure(&self) -> ConnectFailure {
        match self {
            Self::NoNeighbour => ConnectFailure::NoNeighbour,
            Self::Refused => ConnectFailure::Refused,
            Self::TimedOut => ConnectFailure::TimedOut,
            Self::NoLocalAddress(_) => ConnectFailure::NoLocalAddress,
            Self::Io(error) => match error.kind() {
                io::ErrorKind::NetworkUnreachable
                | io::ErrorKind::HostUnreachable
                | io::ErrorKind::AddrNotAvailable => ConnectFailure::NoRoute,
                _ => ConnectFailure::Other,
            },
        }
    }
}

/// Opens the connection. Dropping the future closes the socket.
pub(super) async fn connect(dial: Dial) -> Result<TcpStream, ConnectError> {
    let remote = dial.remote.ok_or(ConnectError::NoNeighbour)?;
    let socket = open(&dial, remote)?;
    match tokio::time::timeout(CONNECT_LIMIT, socket.connect(remote)).await {
        Err(_) => Err(ConnectError::TimedOut),
        Ok(Err(error)) if error.kind() == io::ErrorKind::ConnectionRefused => {
            Err(ConnectError::Refused)
        }
        Ok(Err(error)) if error.kind() == io::ErrorKind::TimedOut => Err(ConnectError::TimedOut),
        Ok(Err(error)) => Err(ConnectError::Io(error)),
        Ok(Ok(stream)) => {
            prepare(&stream).map_err(ConnectError::Io)?;
            Ok(stream)
        }
    }
}

fn open(dial: &Dial, remote: SocketAddr) -> Result<TcpSocket, ConnectError> {
    let socket = Socket::new(
        Domain::for_address(remote),
        Type::STREAM,
        Some(Protocol::TCP),
    )?;
    socket.set_nonblocking(true)?;
    set_ttl(&socket, remote.ip(), dial.ttl)?;
    set_class(&socket, remote.is_ipv4())?;
    if let Some(authentication) = &dial.authentication {
        signature::begin(&socket, remote.ip(), authentication)?;
    }
    if let Some(local) = dial.local {
        // The port is chosen at connect time, so that sessions to many peers may share the address.
        socket.set_reuse_address(true)?;
        socket
            .bind(&SocketAddr::new(local, 0).into())
            .map_err(|error| match error.kind() {
                io::ErrorKind::AddrNotAvailable => ConnectError::NoLocalAddress(local),
                _ => ConnectError::Io(error),
            })?;
    }
    Ok(TcpSocket::from_std_stream(socket.into()))
}

/// What every session's stream needs, whichever side opened it.
pub(super) fn prepare(stream: &TcpStream) -> io::Result<()> {
    stream.set_nodelay(true)
}
