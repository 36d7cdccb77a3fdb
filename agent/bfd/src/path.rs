//! Between which addresses a session runs, and over how many hops.

use std::net::IpAddr;

/// How far the neighbour is: one hop (RFC 5881) or any number of them (RFC 5883). Each has its own port and its own rule for the TTL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Hops {
    /// One.
    Single,
    /// Any number.
    Multi,
}

impl Hops {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Single, Self::Multi];

    /// The UDP port that packets are sent to (RFC 5881 §4, RFC 5883 §5).
    pub const fn port(self) -> u16 {
        match self {
            Self::Single => 3784,
            Self::Multi => 4784,
        }
    }
}

/// What tells the session of a packet that does not know its discriminator yet (RFC 5881 §3, RFC 5883 §4.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Path {
    /// How far.
    pub hops: Hops,
    /// Our address.
    pub local: IpAddr,
    /// The neighbour's.
    pub remote: IpAddr,
    /// The index of the interface that packets must come in on; zero for any.
    pub interface: u32,
}

/// How a packet came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Arrival {
    /// To the port of which kind.
    pub hops: Hops,
    /// Its destination.
    pub local: IpAddr,
    /// Its source.
    pub remote: IpAddr,
    /// The index of the interface it came in on.
    pub interface: u32,
    /// Its TTL or hop limit.
    pub ttl: u8,
}

impl Path {
    /// Whether a packet that came so is on this path.
    pub(crate) fn takes(&self, arrival: &Arrival) -> bool {
        self.hops == arrival.hops
            && self.local == arrival.local
            && self.remote == arrival.remote
            && [0, arrival.interface].contains(&self.interface)
    }
}
