//! EDGE. How the segments of a peer are signed, on the sockets that listen for it and on its connections.

use std::io;
use std::net::IpAddr;
use std::os::fd::AsFd;

use ipnet::IpNet;

use super::tcp_ao;
use super::tcp_options::{set_md5, set_md5_within};
use crate::desired::{AoKeys, Authentication};

/// Has a socket that is about to connect signed.
pub(super) fn begin(
    socket: &impl AsFd,
    remote: IpAddr,
    authentication: &Authentication,
) -> io::Result<()> {
    match authentication {
        Authentication::Md5(password) => set_md5(socket, remote, password.reveal()),
        Authentication::Ao(keys) => tcp_ao::sign(socket, remote, keys),
    }
}

/// Changes how a listening socket has the segments from `remote` signed. An address has one way: the kernel does not take a key of one
/// kind while there is one of the other.
pub(super) fn change(
    socket: &impl AsFd,
    remote: IpNet,
    had: Option<&Authentication>,
    wanted: Option<&Authentication>,
) -> io::Result<()> {
    let (old, new) = (
        had.and_then(Authentication::md5),
        wanted.and_then(Authentication::md5),
    );
    if old.is_some() && new.is_none() {
        admit_md5(socket, remote, b"")?;
    }
    let (had, wanted) = (
        had.and_then(Authentication::ao),
        wanted.and_then(Authentication::ao),
    );
    tcp_ao::admit(socket, remote, had, wanted)?;
    match new {
        Some(new) if old != Some(new) => admit_md5(socket, remote, new.reveal()),
        _ => Ok(()),
    }
}

/// Sets the key of TCP-MD5; none if it is empty.
fn admit_md5(socket: &impl AsFd, remote: IpNet, key: &[u8]) -> io::Result<()> {
    match remote.prefix_len() == remote.max_prefix_len() {
        true => set_md5(socket, remote.addr(), key),
        false => set_md5_within(socket, remote, key),
    }
}

/// Has a connection that is up go on with the keys `new`, where it had those of `had`. A connection that began without TCP-AO cannot
/// be signed later (RFC 5925 §5.1), and one that began with it has it to its end.
pub(super) fn follow(
    connection: &impl AsFd,
    remote: IpAddr,
    had: Option<&AoKeys>,
    new: Option<&AoKeys>,
) -> io::Result<()> {
    match new {
        Some(new) => tcp_ao::follow(connection, remote.to_canonical(), had.unwrap_or(new), new),
        None => Ok(()),
    }
}
