//! EDGE. The raw socket of ICMPv6 on one link. The kernel gives it every advertisement and solicitation, also where it forwards and
//! takes no notice of advertisements itself.

use std::io::{self, IoSliceMut};
use std::net::{Ipv6Addr, SocketAddrV6};
use std::os::fd::{AsRawFd, RawFd};

use ::ndp::{ALL_ROUTERS, Arrival, HOP_LIMIT, ROUTER_ADVERTISEMENT, ROUTER_SOLICITATION, Transmit};
use nix::errno::Errno;
use nix::sys::socket::{ControlMessageOwned, MsgFlags, SockaddrIn6, recvmsg};
use socket2::{Domain, Protocol, SockFilter, Socket, Type};

/// The longest message that is read. One that a link carries is hardly longer, and says nothing to us beyond its first options.
const LONGEST: usize = 2048;

/// What may wait to be read: a flood is the kernel's to drop.
const RECEIVE_BUFFER: usize = 64 * 1024;

/// See the top of this file.
#[derive(Debug)]
pub(super) struct RawSocket {
    socket: Socket,
    link: u32,
    payload: [u8; LONGEST],
    control: Vec<u8>,
}

impl RawSocket {
    /// On the link of this name and index, from our address on it.
    pub(super) fn open(name: &str, link: u32, own: Ipv6Addr) -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
        // Before anything can come in.
        socket.attach_filter(&only_routers())?;
        socket.bind_device(Some(name.as_bytes()))?;
        socket.set_nonblocking(true)?;
        socket.set_recv_buffer_size(RECEIVE_BUFFER)?;
        socket.set_recv_hoplimit_v6(true)?;
        socket.set_unicast_hops_v6(HOP_LIMIT.into())?;
        socket.set_multicast_hops_v6(HOP_LIMIT.into())?;
        socket.set_multicast_loop_v6(false)?;
        socket.set_multicast_if_v6(link)?;
        // RFC 4861 §6.2.2: who asks, asks all routers.
        socket.join_multicast_v6(&ALL_ROUTERS, link)?;
        socket.bind(&SocketAddrV6::new(own, 0, 0, link).into())?;
        Ok(Self {
            socket,
            link,
            payload: [0; LONGEST],
            control: nix::cmsg_space!(libc::c_int),
        })
    }

    pub(super) fn send(&self, transmit: &Transmit) -> io::Result<()> {
        let to = SocketAddrV6::new(transmit.to, 0, 0, self.link);
        self.socket.send_to(&transmit.octets, &to.into()).map(drop)
    }

    /// The next message, with how it came; one that was cut, or came from another link, is passed over. `WouldBlock` if there is none.
    pub(super) fn receive(&mut self) -> io::Result<(&[u8], Arrival)> {
        loop {
            let mut buffers = [IoSliceMut::new(&mut self.payload)];
            let received = recvmsg::<SockaddrIn6>(
                self.socket.as_raw_fd(),
                &mut buffers,
                Some(&mut self.control),
                MsgFlags::MSG_DONTWAIT,
            );
            let message = match received {
                Ok(message) => message,
                Err(Errno::EINTR) => continue,
                Err(error) => return Err(error.into()),
            };
            let whole = !message.flags.contains(MsgFlags::MSG_TRUNC);
            let hop_limit = message.cmsgs().ok().and_then(|mut all| {
                all.find_map(|control| match control {
                    ControlMessageOwned::Ipv6HopLimit(value) => u8::try_from(value).ok(),
                    _ => None,
                })
            });
            let source = message.address.filter(|source| {
                // The scope of a source that is not link-local is zero.
                [0, self.link].contains(&source.scope_id())
            });
            if let (true, Some(hop_limit), Some(source)) = (whole, hop_limit, source) {
                let arrival = Arrival {
                    source: source.ip(),
                    hop_limit,
                };
                let length = message.bytes.min(LONGEST);
                return Ok((&self.payload[..length], arrival));
            }
        }
    }
}

impl AsRawFd for RawSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

/// Classic BPF: all but the two kinds of messages is dropped by the kernel, as the echoes of a busy host are not ours to read.
fn only_routers() -> [SockFilter; 5] {
    const LOAD_OCTET: u16 = (libc::BPF_LD | libc::BPF_B | libc::BPF_ABS) as u16;
    const JUMP_EQUAL: u16 = (libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K) as u16;
    const RETURN: u16 = (libc::BPF_RET | libc::BPF_K) as u16;
    [
        SockFilter::new(LOAD_OCTET, 0, 0, 0),
        SockFilter::new(JUMP_EQUAL, 1, 0, ROUTER_ADVERTISEMENT.into()),
        SockFilter::new(JUMP_EQUAL, 0, 1, ROUTER_SOLICITATION.into()),
        SockFilter::new(RETURN, 0, 0, u32::MAX),
        SockFilter::new(RETURN, 0, 0, 0),
    ]
}
