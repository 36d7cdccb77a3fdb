//! EDGE. The socket on which control packets of one kind and family come in.

use std::io::{self, IoSliceMut};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

use ::bfd::{Arrival, Hops};
use nix::sys::socket::{
    ControlMessageOwned, MsgFlags, RecvMsg, SockaddrStorage, recvmsg, setsockopt, sockopt,
};
use socket2::{Domain, Protocol, Socket, Type};

/// Longer than any control packet: RFC 5880 §4.4 has the longest, with 52 octets.
const LONGEST: usize = 128;

/// See the top of this file.
#[derive(Debug)]
pub(super) struct Receiver {
    hops: Hops,
    socket: Socket,
    payload: [u8; LONGEST],
    control: Vec<u8>,
}

impl Receiver {
    pub(super) fn open(hops: Hops, v6: bool) -> io::Result<Self> {
        let any = match v6 {
            true => IpAddr::V6(Ipv6Addr::UNSPECIFIED),
            false => IpAddr::V4(Ipv4Addr::UNSPECIFIED),
        };
        let address = SocketAddr::new(any, hops.port());
        let domain = Domain::for_address(address);
        let socket = Socket::new(domain, Type::DGRAM, Some(Protocol::UDP))?;
        socket.set_nonblocking(true)?;
        // The TTL, and where a packet came in and what it was sent to: RFC 5881 §5 and §3 want them known.
        if v6 {
            socket.set_only_v6(true)?;
            socket.set_recv_hoplimit_v6(true)?;
            setsockopt(&socket, sockopt::Ipv6RecvPacketInfo, &true)?;
        } else {
            setsockopt(&socket, sockopt::Ipv4RecvTtl, &true)?;
            setsockopt(&socket, sockopt::Ipv4PacketInfo, &true)?;
        }
        socket.bind(&address.into())?;
        Ok(Self {
            hops,
            socket,
            payload: [0; LONGEST],
            control: nix::cmsg_space!(libc::in6_pktinfo, libc::in_pktinfo, libc::c_int),
        })
    }

    /// The next packet that lies in the socket, with how it came. One without that, which the kernel does not produce, is passed over.
    pub(super) fn receive(&mut self) -> io::Result<Option<(&[u8], Arrival)>> {
        loop {
            let mut buffers = [IoSliceMut::new(&mut self.payload)];
            let received = recvmsg::<SockaddrStorage>(
                self.socket.as_raw_fd(),
                &mut buffers,
                Some(&mut self.control),
                MsgFlags::MSG_DONTWAIT,
            );
            let message = match received {
                Ok(message) => message,
                Err(nix::errno::Errno::EAGAIN) => return Ok(None),
                Err(nix::errno::Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let length = message.bytes.min(LONGEST);
            if let Some(arrival) = arrival(self.hops, &message) {
                return Ok(Some((&self.payload[..length], arrival)));
            }
        }
    }
}

impl AsFd for Receiver {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn arrival(hops: Hops, message: &RecvMsg<'_, '_, SockaddrStorage>) -> Option<Arrival> {
    let source = message.address.as_ref()?;
    let v4 = source
        .as_sockaddr_in()
        .map(|address| IpAddr::V4(address.ip()));
    let v6 = || {
        source
            .as_sockaddr_in6()
            .map(|address| IpAddr::V6(address.ip()))
    };
    let (mut local, mut ttl) = (None, None);
    for control in message.cmsgs().ok()? {
        match control {
            ControlMessageOwned::Ipv4PacketInfo(info) => {
                let address = Ipv4Addr::from(u32::from_be(info.ipi_addr.s_addr));
                local = Some((IpAddr::V4(address), u32::try_from(info.ipi_ifindex).ok()?));
            }
            ControlMessageOwned::Ipv6PacketInfo(info) => {
                let address = Ipv6Addr::from(info.ipi6_addr.s6_addr);
                local = Some((IpAddr::V6(address), info.ipi6_ifindex));
            }
            ControlMessageOwned::Ipv4Ttl(value) | ControlMessageOwned::Ipv6HopLimit(value) => {
                ttl = u8::try_from(value).ok();
            }
            _ => {}
        }
    }
    let (local, interface) = local?;
    Some(Arrival {
        hops,
        local,
        remote: v4.or_else(v6)?,
        interface,
        ttl: ttl?,
    })
}
