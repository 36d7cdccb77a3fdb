//! Why there is no way to a next hop.
//!
//! Pure. Said where the walk that looks for the way gives up, so that people are told what it found and not what it might
//! have found.

use std::net::IpAddr;

use ipnet::IpNet;

use super::host::KernelFacts;

/// See the top of this file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unreached {
    /// It is unspecified or a group: nobody's address.
    NobodysAddress,
    /// It is an IPv6 address that stands for an IPv4 one.
    StandsForIpv4,
    /// It is an address of this node (RFC 4271 §6.3: "It MUST NOT be the IP address of the receiving speaker").
    OwnAddress,
    /// It is link-local, and the session is on no link.
    NoLink,
    /// The link that leads there cannot be used.
    LinkDown(u32),
    /// It had to be on this link (RFC 4271 §6.3).
    OffLink(u32),
    /// No route covers it.
    NoRoute,
    /// Nothing but a default route from a peer covers it, and the router does not accept such.
    DefaultRouteNotAccepted,
    /// What covers it is a route of ours that leads to itself.
    ThroughItself(IpNet),
    /// What covers it is a route of ours, and none of its own next hops, of which this is the first, is reached.
    Behind(IpNet, IpAddr),
    /// What covers it is a route of ours that goes into another table than the main one, where nobody looks for gateways.
    OtherTable(IpNet, u32),
    /// The longest route of others drops what it matches; its `rtm_type`.
    Discarded(IpNet, u8),
    /// The longest route of others is for this node itself.
    Local(IpNet),
    /// The longest route of others wraps packets.
    Encapsulated(IpNet),
    /// The longest route of others has no way out.
    NoWayOut(IpNet),
    /// Routes of ours lead to routes of ours, too often.
    TooDeep,
}

impl Unreached {
    /// In words, with the names of links.
    pub fn text(self, facts: &KernelFacts) -> String {
        match self {
            Self::NobodysAddress => "it is not the address of a host".to_owned(),
            Self::StandsForIpv4 => {
                "it is an IPv6 address that stands for an IPv4 one, which is no gateway".to_owned()
            }
            Self::OwnAddress => "it is an address of this node".to_owned(),
            Self::NoLink => "it is link-local, and the session is on no link of ours".to_owned(),
            Self::LinkDown(link) => format!("link {} is down", facts.link_name(link)),
            Self::OffLink(link) => format!(
                "it is not on link {}, which we share with the neighbour",
                facts.link_name(link)
            ),
            Self::NoRoute => "no route covers it".to_owned(),
            Self::DefaultRouteNotAccepted => {
                "only a learned default route covers it, which is not accepted (kernel.acceptDefaultRoute)".to_owned()
            }
            Self::ThroughItself(prefix) => {
                format!("only {prefix} covers it, a route that leads to it itself")
            }
            Self::Behind(prefix, hop) => {
                format!("{prefix} covers it, whose own next hop {hop} is not reached")
            }
            Self::OtherTable(prefix, table) => {
                format!("only {prefix} covers it, which is not in the main table but in {table}")
            }
            Self::Discarded(prefix, kind) => {
                format!("{prefix} covers it, a route of type {}", type_name(kind))
            }
            Self::Local(prefix) => format!("{prefix} covers it, which is this node itself"),
            Self::Encapsulated(prefix) => {
                format!("{prefix} covers it, a route into a tunnel")
            }
            Self::NoWayOut(prefix) => format!("{prefix} covers it, a route without a way out"),
            Self::TooDeep => "it is behind too many routes that are behind one another".to_owned(),
        }
    }
}

/// The name of an `rtm_type`, as `ip route` writes it.
fn type_name(kind: u8) -> String {
    match kind {
        3 => "broadcast".to_owned(),
        4 => "anycast".to_owned(),
        5 => "multicast".to_owned(),
        6 => "blackhole".to_owned(),
        7 => "unreachable".to_owned(),
        8 => "prohibit".to_owned(),
        9 => "throw".to_owned(),
        10 => "nat".to_owned(),
        other => other.to_string(),
    }
}
