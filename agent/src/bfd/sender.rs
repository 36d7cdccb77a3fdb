//! EDGE. The socket from which the packets of one session leave.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV4, SocketAddrV6};

use ::bfd::PACKET_LENGTH;
use socket2::{Domain, Protocol, Socket, Type};

use super::clients::Wanted;

/// RFC 5881 §4: "The source port MUST be in the range 49152 through 65535. The same UDP source port number MUST be used for all BFD
/// Control packets associated with a particular session. The source port number SHOULD be unique among all BFD sessions on the
/// system." RFC 5883 §5 says no other.
const PORTS: std::ops::RangeInclusive<u16> = 49152..=65535;

/// Class selector 6, that of routing protocols (RFC 4594 §3.1), where the octet has it.
const DSCP_CS6: u32 = 48 << 2;

/// RFC 5881 §5 for one hop. Over several it tells the neighbour the number of hops, for a check of its own.
const TTL: u32 = 255;

/// Nothing is read from these sockets: what somebody sends to them is to cost no memory. The kernel makes it the least it can.
const RECEIVE_BUFFER: usize = 1;

/// See the top of this file.
#[derive(Debug)]
pub(super) struct Sender {
    socket: Socket,
    local: IpAddr,
}

impl Sender {
    /// A socket for packets to the neighbour, with a port that `taken` does not know.
    pub(super) fn open(wanted: &Wanted, taken: impl Fn(u16) -> bool) -> io::Result<(Self, u16)> {
        let remote = with_scope(wanted.remote, wanted.hops.port(), wanted.interface);
        let any = match wanted.remote {
            IpAddr::V4(_) => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
            IpAddr::V6(_) => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
        };
        let socket = Socket::new(
            Domain::for_address(remote),
            Type::DGRAM,
            Some(Protocol::UDP),
        )?;
        socket.set_nonblocking(true)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        if remote.is_ipv4() {
            socket.set_ttl_v4(TTL)?;
            socket.set_tos_v4(DSCP_CS6)?;
        } else {
            socket.set_only_v6(true)?;
            socket.set_unicast_hops_v6(TTL)?;
            socket.set_tclass_v6(DSCP_CS6)?;
        }
        let local = wanted.local.unwrap_or(any);
        let mut ports = PORTS.filter(|port| !taken(*port));
        let port = loop {
            let port = ports.next().ok_or(io::ErrorKind::AddrInUse)?;
            let address = with_scope(local, port, wanted.interface);
            match socket.bind(&address.into()) {
                Ok(()) => break port,
                // Somebody else of the node has it.
                Err(error) if error.kind() == io::ErrorKind::AddrInUse => {}
                Err(error) => return Err(error),
            }
        };
        socket.connect(&remote.into())?;
        let local = socket.local_addr()?.as_socket().map(|address| address.ip());
        let local = local.ok_or(io::ErrorKind::AddrNotAvailable)?;
        Ok((Self { socket, local }, port))
    }

    /// Our address.
    pub(super) fn local(&self) -> IpAddr {
        self.local
    }

    pub(super) fn send(&self, payload: &[u8; PACKET_LENGTH]) -> io::Result<()> {
        match self.socket.send(payload) {
            // It is about an earlier packet, nobody took that one, and this one was not sent for it.
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                self.socket.send(payload)
            }
            result => result,
        }
        .map(drop)
    }
}

fn with_scope(address: IpAddr, port: u16, interface: u32) -> SocketAddr {
    match address {
        IpAddr::V4(v4) => SocketAddrV4::new(v4, port).into(),
        IpAddr::V6(v6) => SocketAddrV6::new(v6, port, 0, interface).into(),
    }
}
