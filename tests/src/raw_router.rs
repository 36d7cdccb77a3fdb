//! A router on a link, played by hand: it advertises itself (RFC 4861 §4.2) as it is told. For what real daemons do not do when asked.

use std::net::{Ipv6Addr, SocketAddrV6};

use anyhow::{Context, Result};
use socket2::{Domain, Protocol, Socket, Type};

use crate::netns::{Namespace, run};

const ALL_NODES: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 1);
const ALL_ROUTERS: Ipv6Addr = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);

/// See the top of this file.
#[derive(Debug)]
pub struct RawRouter {
    socket: Socket,
    index: u32,
}

impl RawRouter {
    /// On a device, from one of its link-local addresses.
    ///
    /// # Errors
    /// When its socket cannot be made.
    pub fn on(namespace: &Namespace, device: &str, address: Ipv6Addr) -> Result<Self> {
        let index = index(namespace, device)?;
        let socket = namespace.enter(|| {
            let socket = Socket::new(Domain::IPV6, Type::RAW, Some(Protocol::ICMPV6))?;
            socket.set_multicast_if_v6(index)?;
            socket.bind(&SocketAddrV6::new(address, 0, 0, index).into())?;
            Ok(socket)
        })?;
        Ok(Self { socket, index })
    }

    /// Advertises itself, with this hop limit and, where it says who it is, this link-layer address.
    ///
    /// # Errors
    /// When the message cannot be sent.
    pub fn advertise(&self, hop_limit: u32, link_address: Option<[u8; 6]>) -> Result<()> {
        let mut octets = vec![134, 0, 0, 0, 64, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        if let Some(link_address) = link_address {
            octets.extend([1, 1]);
            octets.extend(link_address);
        }
        self.send(&octets, ALL_NODES, hop_limit)
    }

    /// Asks who is a router (RFC 4861 §4.1).
    ///
    /// # Errors
    /// When the message cannot be sent.
    pub fn solicit(&self) -> Result<()> {
        self.send(&[133, 0, 0, 0, 0, 0, 0, 0], ALL_ROUTERS, 255)
    }

    /// Sends any octets of ICMPv6 to all nodes.
    ///
    /// # Errors
    /// When they cannot be sent.
    pub fn say(&self, octets: &[u8]) -> Result<()> {
        self.send(octets, ALL_NODES, 255)
    }

    fn send(&self, octets: &[u8], to: Ipv6Addr, hop_limit: u32) -> Result<()> {
        self.socket.set_multicast_hops_v6(hop_limit)?;
        let to = SocketAddrV6::new(to, 0, 0, self.index);
        self.socket.send_to(octets, &to.into())?;
        Ok(())
    }
}

fn link(namespace: &Namespace, device: &str) -> Result<serde_json::Value> {
    let text = run(
        "ip",
        &["-n", namespace.name(), "-j", "link", "show", "dev", device],
    )?;
    let links: serde_json::Value = serde_json::from_str(&text)?;
    Ok(links[0].clone())
}

fn index(namespace: &Namespace, device: &str) -> Result<u32> {
    let index = link(namespace, device)?["ifindex"].as_u64();
    Ok(u32::try_from(index.context("no ifindex")?)?)
}

/// The link-layer address of a device, as `ip` prints it.
///
/// # Errors
/// When there is no such device.
pub fn link_address(namespace: &Namespace, device: &str) -> Result<String> {
    let link = link(namespace, device)?;
    Ok(link["address"].as_str().context("no address")?.to_owned())
}

/// The link-local address of a device.
///
/// # Errors
/// When it has none.
pub fn link_local(namespace: &Namespace, device: &str) -> Result<Ipv6Addr> {
    let said = namespace.ip(&format!("-6 -o address show dev {device} scope link"))?;
    let word = said.split_whitespace().nth(3);
    let address = word.and_then(|word| word.split('/').next());
    Ok(address.context("no link-local address")?.parse()?)
}
