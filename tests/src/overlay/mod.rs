//! Real routers with VPN and EVPN routes of their own, as clients of a reflector; and what is said on a link between them, recorded.
//!
//! Every daemon originates with a full set of attributes, in the way its own users would. What it says and hears is looked at twice: by asking
//! it, and on the wire ([`wire`]), where nothing but the RFCs decides what a byte means.

mod bird;
mod frr;
mod gobgp;
pub mod spoken;
pub mod wire;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::path::Path;

use anyhow::Result;

use crate::netns::Namespace;
use crate::peers;

/// A family that clients carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Family {
    /// VPN-IPv4 (RFC 4364).
    Vpnv4,
    /// VPN-IPv6 (RFC 4659).
    Vpnv6,
    /// EVPN (RFC 7432).
    Evpn,
}

impl Family {
    /// AFI and SAFI.
    #[must_use]
    pub fn numbers(self) -> (u16, u8) {
        match self {
            Self::Vpnv4 => (1, 128),
            Self::Vpnv6 => (2, 128),
            Self::Evpn => (25, 70),
        }
    }

    /// As in a manifest.
    #[must_use]
    pub fn manifest(self) -> &'static str {
        match self {
            Self::Vpnv4 => "{afi: ipv4, safi: vpn}",
            Self::Vpnv6 => "{afi: ipv6, safi: vpn}",
            Self::Evpn => "{afi: l2vpn, safi: evpn}",
        }
    }
}

/// Which daemon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// BIRD 2: VPN routes.
    Bird,
    /// FRR: VPN and EVPN routes.
    Frr,
    /// GoBGP: VPN and EVPN routes, and route target constraint if asked.
    GoBgp,
}

impl Kind {
    /// The same daemon, as one with unicast routes.
    #[must_use]
    pub fn router(self) -> peers::Kind {
        match self {
            Self::Bird => peers::Kind::Bird,
            Self::Frr => peers::Kind::Frr,
            Self::GoBgp => peers::Kind::GoBgp,
        }
    }

    /// What it carries.
    #[must_use]
    pub fn families(self) -> &'static [Family] {
        match self {
            Self::Bird => &[Family::Vpnv4, Family::Vpnv6],
            Self::Frr | Self::GoBgp => &[Family::Vpnv4, Family::Vpnv6, Family::Evpn],
        }
    }
}

/// What a client is to do.
#[derive(Clone, Debug)]
pub struct Plan {
    /// The AS of both.
    pub asn: u32,
    /// A number of its own, 1 to 250: its router id is 10.255.1.N, the route distinguisher of its routes ASN:N.
    pub number: u8,
    /// Its address.
    pub local: IpAddr,
    /// The reflector's address.
    pub reflector: IpAddr,
    /// The reflector's address of the other family on the link.
    pub beside: IpAddr,
    /// It asks for routes by route target (RFC 4684); GoBGP only.
    pub constrained: bool,
}

impl Plan {
    /// Its router id.
    #[must_use]
    pub fn router_id(&self) -> String {
        format!("10.255.1.{}", self.number)
    }

    /// The route distinguisher of its routes.
    #[must_use]
    pub fn rd(&self) -> String {
        format!("{}:{}", self.asn, self.number)
    }

    /// Its IPv4 prefix.
    #[must_use]
    pub fn prefix4(&self) -> String {
        format!("10.{}.0.0/24", self.number)
    }

    /// Its IPv6 prefix.
    #[must_use]
    pub fn prefix6(&self) -> String {
        format!("2001:db8:{}::/64", self.number)
    }
}

/// A running client.
pub trait Client {
    /// Announces a route of each of its families, with the route target `ASN:100`.
    ///
    /// # Errors
    /// When it refuses.
    fn announce(&mut self) -> Result<()>;

    /// Takes back the VPN-IPv4 route, and of EVPN the IP prefix.
    ///
    /// # Errors
    /// When it refuses.
    fn withdraw(&mut self) -> Result<()>;

    /// The VPN routes that it has from the reflector, as `RD:PREFIX`; of EVPN the texts that it prints.
    ///
    /// # Errors
    /// When it does not answer.
    fn received(&self, family: Family) -> Result<BTreeSet<String>>;

    /// Asks the reflector for a family again (RFC 2918).
    ///
    /// # Errors
    /// When it does not answer.
    fn refresh(&self, family: Family) -> Result<()>;

    /// Asks for routes with this route target too (RFC 4684).
    ///
    /// # Errors
    /// When it cannot.
    fn want(&self, target: &str) -> Result<()> {
        anyhow::bail!("it cannot ask for {target}")
    }
}

/// Starts a client. Its session may still be coming up.
///
/// # Errors
/// When its package is not installed or it does not start.
pub fn start(
    kind: Kind,
    namespace: &Namespace,
    directory: &Path,
    plan: &Plan,
) -> Result<Box<dyn Client>> {
    std::fs::create_dir_all(directory)?;
    Ok(match kind {
        Kind::Bird => Box::new(bird::Bird::start(namespace, directory, plan)?),
        Kind::Frr => Box::new(frr::Frr::start(namespace, directory, plan)?),
        Kind::GoBgp => Box::new(gobgp::GoBgp::start(namespace, directory, plan)?),
    })
}
