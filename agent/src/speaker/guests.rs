//! Whose a connection is that came to a port: by the address that it came from, then by ours.

use std::collections::HashMap;
use std::fmt;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Instant;

use ipnet::IpNet;
use tokio::sync::mpsc;

use super::dynamic::DynamicCommand;
use super::peer_task::Command;
use super::range_guests::RangeGuests;
use crate::desired::Authentication;
use crate::seldom::Seldom;

/// Where a peer is: an address, and where that is link-local, the index of the link; else 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Remote {
    pub(super) address: IpAddr,
    pub(super) link: u32,
}

impl From<SocketAddr> for Remote {
    fn from(address: SocketAddr) -> Self {
        Self {
            address: address.ip().to_canonical(),
            // The kernel gives a scope to link-local addresses alone.
            link: match address {
                SocketAddr::V4(_) => 0,
                SocketAddr::V6(v6) => v6.scope_id(),
            },
        }
    }
}

impl fmt::Display for Remote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.link {
            0 => self.address.fmt(f),
            link => write!(f, "{}%{link}", self.address),
        }
    }
}

/// Who may connect: by remote address, then by local address.
#[derive(Default)]
pub(super) struct Guests {
    pub(super) by_remote: HashMap<Remote, Vec<Guest>>,
    pub(super) ranges: RangeGuests,
    /// How often addresses that no peer has were refused; bounded, and forgotten when there are too many.
    strangers: HashMap<IpAddr, u64>,
    /// Many of them are told of as seldom as one.
    news: Seldom,
}

/// Strangers that are remembered.
const STRANGERS: usize = 1024;

/// Why a peer is not let in while another one is.
pub(super) const SAME_ADDRESS: &str = "a neighbour on another link has the same link-local address and another password or other keys, of which the \
                            kernel takes one set for each address; give both the same, or one of the neighbours another link-local address";

/// Why nobody is let in while another one is, who is served first.
#[derive(Debug, thiserror::Error)]
pub enum AdmitError {
    /// Nothing tells their connections apart.
    #[error(
        "they go to the neighbour of another BGPRouter, which is still on this port as its own cannot be opened; they are taken here as \
         soon as that one can"
    )]
    Taken,
    /// The socket has one way of signing for an address, and that is another one's, or the kernel refuses the keys.
    #[error("their keys cannot be set: {0}")]
    Keys(#[from] io::Error),
}

impl AdmitError {
    /// One word for it.
    pub(super) fn reason(&self) -> &'static str {
        match self {
            Self::Taken => "PortShared",
            Self::Keys(_) => "KeysRefused",
        }
    }
}

/// Why a peer is not let in while one with another password is.
pub(super) const OTHER_KEYS: &str = "a neighbour of another BGPRouter, which is still on this port as its own cannot be opened, has the same address and \
                          another password or other keys, of which the kernel takes one set for each address";

/// Whether connections can be for one of two only, by the addresses that they are made to.
pub(super) fn told_apart(ours: Option<IpAddr>, theirs: Option<IpAddr>) -> bool {
    matches!((ours, theirs), (Some(ours), Some(theirs)) if ours != theirs)
}

/// So many are told of one by one.
const FEW: usize = 16;

/// Whose a connection is.
pub(super) enum Host {
    Peer(mpsc::Sender<Command>),
    Dynamic(mpsc::Sender<DynamicCommand>),
}

impl Guests {
    /// Counts a refused connection. If the log should say so: how many it left out. It does at powers of two for each stranger, but not
    /// for each of a crowd.
    pub(super) fn is_news(&mut self, stranger: IpAddr) -> Option<u64> {
        if self.strangers.len() >= STRANGERS && !self.strangers.contains_key(&stranger) {
            self.strangers.clear();
        }
        let count = self.strangers.entry(stranger).or_default();
        *count += 1;
        if !count.is_power_of_two() {
            return None;
        }
        match self.strangers.len() <= FEW {
            true => Some(0),
            false => self.news.count(1, Instant::now()),
        }
    }

    /// Whose the connection is that came from `remote` to `local`.
    pub(super) fn host(&self, remote: Remote, local: Option<IpAddr>) -> Option<Host> {
        let known = self.by_remote.get(&remote);
        let guests = known.into_iter().flatten();
        let here = |guest: &&Guest| guest.local.is_some() && guest.local == local;
        let guest = guests.clone().find(here);
        let guest = guest.or_else(|| guests.clone().find(|guest| guest.local.is_none()));
        if let Some(guest) = guest {
            return Some(Host::Peer(guest.commands.clone()));
        }
        if remote.link != 0 {
            // No prefix says which link is meant.
            return None;
        }
        let found = self.ranges.find(remote.address, local, known.is_some())?;
        Some(Host::Dynamic(found.clone()))
    }

    /// How the segments of those with this very address or prefix are signed.
    pub(super) fn authentication(&self, remote: IpNet) -> Option<Authentication> {
        let mut known = None;
        if remote.prefix_len() == remote.max_prefix_len() {
            known = self.signed(remote.addr()).last();
        }
        match known {
            Some((_, authentication)) => authentication.cloned(),
            None => self.ranges.authentication(remote).cloned(),
        }
    }

    /// Which of our addresses the peer with this address is to connect to, where there is such a peer.
    pub(super) fn elsewhere(&self, remote: Remote) -> Option<IpAddr> {
        let mut guests = self.by_remote.get(&remote)?.iter();
        guests.find_map(|guest| guest.local)
    }

    /// How peers with this address are signed, on whatever link.
    pub(super) fn signed(
        &self,
        address: IpAddr,
    ) -> impl Iterator<Item = (Remote, Option<&Authentication>)> {
        let all = self.by_remote.iter();
        let same = all.filter(move |(remote, _)| remote.address == address);
        same.flat_map(|(remote, list)| {
            list.iter()
                .map(|guest| (*remote, guest.authentication.as_ref()))
        })
    }
}

pub(super) struct Guest {
    pub(super) local: Option<IpAddr>,
    /// How its segments are signed. The socket has one way for each remote address.
    pub(super) authentication: Option<Authentication>,
    pub(super) commands: mpsc::Sender<Command>,
}
