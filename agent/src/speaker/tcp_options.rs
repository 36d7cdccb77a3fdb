//! EDGE. The socket options of a BGP session: MD5 signatures, TTL rules, addresses.
//!
//! `TCP_MD5SIG` (RFC 2385), `IP_MINTTL`/`IPV6_MINHOPCOUNT` (RFC 5082) and the options of TCP-AO (tcp_ao.rs) have no safe wrapper,
//! so this file holds the unsafe code of the speaker: a typed `setsockopt` and a typed `getsockopt`.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

use ipnet::IpNet;
use socket2::SockRef;

/// What the kernel accepts as the longest MD5 key (`TCP_MD5SIG_MAXKEYLEN`), in bytes.
pub(super) const MD5_KEY_MAX: usize = 80;

/// Which TTL (hop limit) a session sends and which it demands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TtlRule {
    /// Send this TTL, accept any: 1 for a direct external neighbour, 64 or more otherwise.
    Send(u8),
    /// Generalised TTL security (RFC 5082): send 255, accept only packets that passed fewer than this number of hops.
    Security(u8),
}

/// Applies `rule` to a socket of the family of `remote`, be it connected or listening: answers to SYNs go out with the TTL of the
/// listening socket, which accepted ones inherit.
pub(super) fn set_ttl(socket: &impl AsFd, remote: IpAddr, rule: TtlRule) -> io::Result<()> {
    let send = match rule {
        TtlRule::Send(ttl) => u32::from(ttl.max(1)),
        TtlRule::Security(_) => 255,
    };
    let socket_ref = SockRef::from(socket);
    if remote.is_ipv4() {
        socket_ref.set_ttl_v4(send)?;
    } else {
        socket_ref.set_unicast_hops_v6(send)?;
    }
    // RFC 5082 section 3: a neighbour N hops away arrives with 255 - (N - 1) at least; 0 demands nothing.
    let least: libc::c_int = match rule {
        TtlRule::Send(_) => 0,
        TtlRule::Security(hops) => 256 - libc::c_int::from(hops.max(1)),
    };
    let (level, name) = if remote.is_ipv4() {
        (libc::IPPROTO_IP, libc::IP_MINTTL)
    } else {
        (libc::IPPROTO_IPV6, libc::IPV6_MINHOPCOUNT)
    };
    set(socket, level, name, &least)
}

/// CS6, "network control" (RFC 4594 section 3.2), as the octet of the IP header: a queue that drops payload is to spare what keeps
/// the routes.
const NETWORK_CONTROL: u32 = 0xc0;

/// Marks the segments of a socket, be it connecting, listening or accepted, as network control.
pub(super) fn set_class(socket: &impl AsFd, ipv4: bool) -> io::Result<()> {
    let socket = SockRef::from(socket);
    match ipv4 {
        true => socket.set_tos_v4(NETWORK_CONTROL),
        false => socket.set_tclass_v6(NETWORK_CONTROL),
    }
}

/// Has the kernel give up when nothing of ours was taken in for this long, be it unacknowledged or for want of room (RFC 5482), and
/// not when it has sent it as often as for any connection. Windows are left to the kernel, which fits them to what comes.
pub(super) fn set_user_timeout(socket: &impl AsFd, timeout: Duration) -> io::Result<()> {
    SockRef::from(socket).set_tcp_user_timeout(Some(timeout))
}

/// Sets, replaces or (with an empty key) removes the MD5 key for segments to and from `remote`, on a connecting or a
/// listening socket. The key must not be longer than [`MD5_KEY_MAX`].
pub(super) fn set_md5(socket: &impl AsFd, remote: IpAddr, key: &[u8]) -> io::Result<()> {
    let signature = Md5Signature::new(remote, key)?;
    set(socket, libc::IPPROTO_TCP, libc::TCP_MD5SIG, &signature)
}

/// The same for everybody in `prefix`, without host bits, who has no key of its own or in a longer prefix.
pub(super) fn set_md5_within(socket: &impl AsFd, prefix: IpNet, key: &[u8]) -> io::Result<()> {
    let signature = Md5Signature {
        flags: TCP_MD5SIG_FLAG_PREFIX,
        prefix_length: prefix.prefix_len(),
        ..Md5Signature::new(prefix.addr(), key)?
    };
    set(socket, libc::IPPROTO_TCP, TCP_MD5SIG_EXT, &signature)
}

/// `TCP_MD5SIG_EXT` and its flag, from linux/tcp.h.
const TCP_MD5SIG_EXT: libc::c_int = 32;
const TCP_MD5SIG_FLAG_PREFIX: u8 = 1;

/// `struct tcp_md5sig` of linux/tcp.h.
#[repr(C)]
#[derive(Clone, Copy)]
struct Md5Signature {
    address: [u8; 128],
    flags: u8,
    prefix_length: u8,
    key_length: u16,
    interface: libc::c_int,
    key: [u8; MD5_KEY_MAX],
}

impl Md5Signature {
    fn new(remote: IpAddr, key: &[u8]) -> io::Result<Self> {
        if key.len() > MD5_KEY_MAX {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                format!(
                    "an MD5 key has {} bytes, the kernel takes at most {MD5_KEY_MAX}",
                    key.len()
                ),
            ));
        }
        let address = socket2::SockAddr::from(SocketAddr::new(remote, 0));
        let mut signature = Self {
            address: [0; 128],
            flags: 0,
            prefix_length: 0,
            key_length: u16::try_from(key.len()).unwrap_or(0),
            interface: 0,
            key: [0; MD5_KEY_MAX],
        };
        let bytes = sockaddr_bytes(&address);
        signature.address[..bytes.len()].copy_from_slice(&bytes);
        signature.key[..key.len()].copy_from_slice(key);
        Ok(signature)
    }
}

/// The socket address in the kernel's layout, with port, flow label and scope zero.
pub(super) fn sockaddr_bytes(address: &socket2::SockAddr) -> Vec<u8> {
    let mut bytes = address.family().to_ne_bytes().to_vec();
    match address.as_socket() {
        Some(SocketAddr::V4(v4)) => {
            bytes.extend_from_slice(&[0; 2]);
            bytes.extend_from_slice(&v4.ip().octets());
            bytes.extend_from_slice(&[0; 8]);
        }
        Some(SocketAddr::V6(v6)) => {
            bytes.extend_from_slice(&[0; 6]);
            bytes.extend_from_slice(&v6.ip().octets());
            bytes.extend_from_slice(&[0; 4]);
        }
        None => {}
    }
    bytes
}

/// A C structure without pointers, references or values that its bytes cannot have.
pub(super) trait Plain: Copy {}

impl Plain for libc::c_int {}
impl Plain for Md5Signature {}

/// `setsockopt` with a value of a plain C type.
pub(super) fn set<T: Plain>(
    socket: &impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    value: &T,
) -> io::Result<()> {
    let length = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    #[expect(
        unsafe_code,
        reason = "these options have no safe wrapper in a well-kept crate"
    )]
    // SAFETY: the descriptor is borrowed and open for the call; the pointer and length describe `value`, which is a
    // plain C value and outlives the call; the kernel only reads it.
    let result = unsafe {
        libc::setsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            std::ptr::from_ref(value).cast(),
            length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

/// What `getsockopt` answers with.
pub(super) trait Answer: Plain {
    /// Says in the question that there is room for so many, where the kernel may give several: it writes no more.
    fn room(&mut self, count: u32);
}

/// `getsockopt` into values of a plain C type, of which the first is the question.
pub(super) fn get<T: Answer>(
    socket: &impl AsFd,
    level: libc::c_int,
    name: libc::c_int,
    values: &mut [T],
) -> io::Result<()> {
    let room = u32::try_from(values.len()).map_err(io::Error::other)?;
    let Some(question) = values.first_mut() else {
        return Err(io::ErrorKind::InvalidInput.into());
    };
    question.room(room);
    // However many there are, the kernel is told the size of one.
    let mut length = libc::socklen_t::try_from(size_of::<T>()).map_err(io::Error::other)?;
    #[expect(
        unsafe_code,
        reason = "these options have no safe wrapper in a well-kept crate"
    )]
    // SAFETY: the descriptor is borrowed and open for the call; the pointer is that of `values`, which outlives the call and of
    // whose type any bytes are a value; the kernel writes one, or as many as `room` has said.
    let result = unsafe {
        libc::getsockopt(
            socket.as_fd().as_raw_fd(),
            level,
            name,
            values.as_mut_ptr().cast(),
            &raw mut length,
        )
    };
    if result == 0 {
        Ok(())
    } else {
        Err(io::Error::last_os_error())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use socket2::{Domain, Socket, Type};

    #[test]
    fn md5_structure_has_the_kernels_size() {
        // sizeof(struct tcp_md5sig): 128 + 1 + 1 + 2 + 4 + 80
        assert_eq!(size_of::<Md5Signature>(), 216);
    }

    #[test]
    fn the_kernel_takes_keys_and_ttl_rules_of_both_families() {
        for (domain, remote) in [(Domain::IPV4, "192.0.2.1"), (Domain::IPV6, "2001:db8::1")] {
            let remote: IpAddr = remote.parse().unwrap();
            let socket = Socket::new(domain, Type::STREAM, None).unwrap();
            set_md5(&socket, remote, b"secret").unwrap();
            set_md5(&socket, remote, b"").unwrap();
            let prefix = IpNet::new(remote, 24).unwrap().trunc();
            set_md5_within(&socket, prefix, b"secret").unwrap();
            set_md5_within(&socket, prefix, b"").unwrap();
            set_ttl(&socket, remote, TtlRule::Send(1)).unwrap();
            set_ttl(&socket, remote, TtlRule::Security(1)).unwrap();
        }
    }

    #[test]
    fn a_key_that_is_too_long_is_refused_before_the_kernel_sees_it() {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        let error = set_md5(&socket, "192.0.2.1".parse().unwrap(), &[b'x'; 81]).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
    }
}
