//! One BGP session of the generator, and the socket under it.

use std::net::{IpAddr, SocketAddr};
use std::os::fd::RawFd;
use std::time::Instant;

#[derive(PartialEq, Clone, Copy, Debug)]
pub enum St {
    Idle,
    Connecting,
    OpenSent,
    OpenConfirm,
    Up,
    Closed,
}

/// A tester, or the monitor.
pub struct Sess {
    pub fd: RawFd,
    pub st: St,
    pub addr: IpAddr,
    pub asn: u32,
    pub retry: Instant,
    pub inbuf: Vec<u8>,
    pub out: usize, // 0: nothing, 1: announce, 2: withdraw
    pub pos: usize,
    pub done: Option<Instant>,
    pub last_rx: Option<Instant>,
    pub rx: u64,
    pub keep: Instant,
    pub want_out: bool,
    pub lost: bool,
    pub up_at: Option<Instant>,
    pub tries: u32,
    pub note: Option<(u8, u8)>,
}

fn sockaddr(a: SocketAddr) -> (libc::sockaddr_storage, libc::socklen_t) {
    let mut ss: libc::sockaddr_storage = unsafe { std::mem::zeroed() };
    match a {
        SocketAddr::V4(v) => {
            let p = &mut ss as *mut _ as *mut libc::sockaddr_in;
            unsafe {
                (*p).sin_family = libc::AF_INET as u16;
                (*p).sin_port = v.port().to_be();
                (*p).sin_addr.s_addr = u32::from(*v.ip()).to_be();
            }
            (ss, std::mem::size_of::<libc::sockaddr_in>() as u32)
        }
        SocketAddr::V6(v) => {
            let p = &mut ss as *mut _ as *mut libc::sockaddr_in6;
            unsafe {
                (*p).sin6_family = libc::AF_INET6 as u16;
                (*p).sin6_port = v.port().to_be();
                (*p).sin6_addr.s6_addr = v.ip().octets();
            }
            (ss, std::mem::size_of::<libc::sockaddr_in6>() as u32)
        }
    }
}

/// A connection from one of our addresses that has begun; it ends by itself.
pub fn connect(from: IpAddr, to: SocketAddr) -> Option<RawFd> {
    unsafe {
        let fam = if to.is_ipv4() { libc::AF_INET } else { libc::AF_INET6 };
        let fd = libc::socket(fam, libc::SOCK_STREAM | libc::SOCK_NONBLOCK | libc::SOCK_CLOEXEC, 0);
        if fd < 0 {
            return None;
        }
        let one: libc::c_int = 1;
        let p = &one as *const _ as *const libc::c_void;
        libc::setsockopt(fd, libc::SOL_SOCKET, libc::SO_REUSEADDR, p, 4);
        libc::setsockopt(fd, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, p, 4);
        libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_NODELAY, p, 4);
        let (sa, l) = sockaddr(SocketAddr::new(from, 0));
        if libc::bind(fd, &sa as *const _ as *const _, l) < 0 {
            eprintln!("bind {from}: {}", std::io::Error::last_os_error());
            libc::close(fd);
            return None;
        }
        let (sa, l) = sockaddr(to);
        let r = libc::connect(fd, &sa as *const _ as *const _, l);
        if r < 0 && *libc::__errno_location() != libc::EINPROGRESS {
            libc::close(fd);
            return None;
        }
        Some(fd)
    }
}
