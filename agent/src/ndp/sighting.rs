//! PURE. What is known of a link that a peer names, and of who is on it.

use std::fmt;
use std::net::Ipv6Addr;
use std::sync::Arc;

use ::ndp::LinkAddress;

/// A link as the kernel has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NamedLink {
    /// Its index.
    pub index: u32,
    /// Packets can leave through it.
    pub up: bool,
    /// Our link-local address on it.
    pub address: Option<Ipv6Addr>,
    /// Our link-layer address, where it is an Ethernet.
    pub link_address: Option<LinkAddress>,
}

/// A neighbour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Found {
    /// Its link-local address.
    pub address: Ipv6Addr,
    /// The index of the link, without which the address says nothing.
    pub link: u32,
}

/// How far it is on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stage {
    /// There is no link of this name.
    NoInterface,
    /// It is down, or has no carrier.
    LinkDown,
    /// We have no link-local address on it.
    NoLinkLocal,
    /// Nothing can be sent or heard on it, for this reason.
    Failed(String),
    /// Nobody was heard yet.
    Listening,
    /// There is a neighbour.
    Found(Found),
}

/// What was seen on a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sighting {
    /// The name of the link.
    pub interface: Arc<str>,
    /// How far it is.
    pub stage: Stage,
    /// Routers on the link beside the neighbour; a few at most.
    pub others: Vec<Ipv6Addr>,
}

impl Sighting {
    /// Nothing yet.
    pub(super) fn none(interface: Arc<str>) -> Self {
        Self {
            interface,
            stage: Stage::NoInterface,
            others: Vec::new(),
        }
    }

    /// The neighbour.
    pub fn found(&self) -> Option<Found> {
        match self.stage {
            Stage::Found(found) => Some(found),
            _ => None,
        }
    }

    /// The neighbour with the name of the link, as `fe80::1%eth0`.
    pub fn scoped(&self) -> Option<String> {
        let found = self.found()?;
        Some(format!("{}%{}", found.address, self.interface))
    }

    /// One word for why there is no neighbour.
    pub fn reason(&self) -> Option<&'static str> {
        match self.stage {
            Stage::NoInterface => Some("InterfaceNotFound"),
            Stage::LinkDown => Some("InterfaceDown"),
            Stage::NoLinkLocal => Some("NoLinkLocalAddress"),
            Stage::Failed(_) => Some("DiscoveryFailed"),
            Stage::Listening => Some("NoNeighbour"),
            Stage::Found(_) => None,
        }
    }
}

impl fmt::Display for Sighting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = &self.interface;
        match &self.stage {
            Stage::NoInterface => write!(
                f,
                "there is no interface {name} on this node yet; the session begins when there is"
            )?,
            Stage::LinkDown => write!(f, "{name} is down")?,
            Stage::NoLinkLocal => write!(
                f,
                "we have no IPv6 link-local address on {name}; see net.ipv6.conf.{name}.disable_ipv6 and addr_gen_mode"
            )?,
            Stage::Failed(why) => write!(f, "no router can be looked for on {name}: {why}")?,
            Stage::Listening => write!(
                f,
                "no router advertises itself on {name}; the neighbour has to send Router Advertisements there"
            )?,
            Stage::Found(found) => write!(f, "{}%{name} is the neighbour", found.address)?,
        }
        if !self.others.is_empty() {
            let others: Vec<_> = self.others.iter().map(ToString::to_string).collect();
            write!(
                f,
                ", and of further routers on the link ({}) none is peered with",
                others.join(", ")
            )?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_neighbour_is_named_with_its_link_and_others_are_told() {
        let mut sighting = Sighting::none("eth0".into());
        assert_eq!(sighting.reason(), Some("InterfaceNotFound"));
        assert_eq!(sighting.scoped(), None);
        sighting.stage = Stage::Found(Found {
            address: "fe80::1".parse().unwrap(),
            link: 7,
        });
        sighting.others = vec!["fe80::2".parse().unwrap()];
        assert_eq!(sighting.reason(), None);
        assert_eq!(sighting.scoped().as_deref(), Some("fe80::1%eth0"));
        let text = sighting.to_string();
        assert!(text.starts_with("fe80::1%eth0 is the neighbour"), "{text}");
        assert!(text.contains("(fe80::2)"), "{text}");
    }
}
