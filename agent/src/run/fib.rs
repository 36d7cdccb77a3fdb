//! The kernel room in the words of those who ask.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;

use ipnet::IpNet;

use crate::desired::{KernelConfig, KernelState, RouterKey, Source};
use crate::kernel::model::{Link, Ownership};
use crate::kernel::{FibConfig, KernelFacts, KernelHandle, RouterFibStatus, is_told_on};
use crate::ndp::NamedLink;
use crate::speaker::{AddressBook, SharedLink};

/// Our own addresses, as the kernel has them.
pub(super) struct Addresses {
    kernel: KernelHandle,
}

impl Addresses {
    pub(super) fn new(kernel: KernelHandle) -> Self {
        Self { kernel }
    }
}

impl AddressBook for Addresses {
    fn shared_link(&self, local: IpAddr, remote: IpAddr) -> Option<SharedLink> {
        let facts = self.kernel.facts().borrow().clone();
        let shares = |net: &IpNet| net.addr() == local && local != remote && net.contains(&remote);
        let link = facts
            .links()
            .find(|link| facts.addresses(link.ifindex).iter().any(shares))?;
        let addresses = facts.addresses(link.ifindex);
        Some(SharedLink {
            index: link.ifindex,
            link_local: link_local(addresses),
        })
    }

    fn direct_link(&self, remote: IpAddr) -> Option<u32> {
        self.kernel.resolver().direct_link(remote)
    }

    fn link_named(&self, name: &str) -> Option<NamedLink> {
        let facts = self.kernel.facts().borrow().clone();
        let link = facts.link_named(name)?;
        Some(NamedLink {
            index: link.ifindex,
            up: link.usable(),
            address: link_local(facts.addresses(link.ifindex)),
            link_address: link.ethernet,
        })
    }

    fn on_link(&self, link: u32, ipv4: bool) -> Option<IpAddr> {
        beyond_the_link(&self.kernel.facts().borrow(), link, ipv4)
    }

    fn is_up(&self, link: u32) -> bool {
        let facts = self.kernel.facts().borrow().clone();
        facts.link(link).is_some_and(Link::usable)
    }

    fn is_down(&self, link: u32) -> bool {
        let facts = self.kernel.facts().borrow().clone();
        facts.link(link).is_some_and(|link| !link.usable())
    }

    fn down_link(&self, remote: IpAddr) -> Option<u32> {
        self.kernel.facts().borrow().down_link(remote)
    }

    fn is_own(&self, address: IpAddr) -> bool {
        self.kernel.facts().borrow().is_own(address)
    }

    fn prefixes_of(&self, source: &Source) -> Vec<IpNet> {
        let facts = self.kernel.facts().borrow().clone();
        let told_on = |net: &IpNet| is_told_on(*net);
        match source {
            Source::Connected => {
                let up = facts.links().filter(|link| link.usable());
                let nets = up.flat_map(|link| facts.addresses(link.ifindex));
                nets.map(IpNet::trunc).filter(told_on).collect()
            }
            Source::Interface(name) => {
                let link = facts.link_named(name).filter(|link| link.usable());
                let nets = link.map_or(&[][..], |link| facts.addresses(link.ifindex));
                let addresses = nets.iter().map(|net| IpNet::from(net.addr()));
                addresses.filter(told_on).collect()
            }
            Source::Static => self.kernel.redistributed(true),
            Source::Kernel => self.kernel.redistributed(false),
        }
    }

    fn beside(&self, address: IpAddr, ipv4: bool) -> Option<IpAddr> {
        let facts = self.kernel.facts().borrow().clone();
        let link = facts.links().find(|link| {
            facts
                .addresses(link.ifindex)
                .iter()
                .any(|net| net.addr() == address)
        })?;
        beyond_the_link(&facts, link.ifindex, ipv4)
    }
}

/// An address of a link that means something beyond it.
fn beyond_the_link(facts: &KernelFacts, link: u32, ipv4: bool) -> Option<IpAddr> {
    let mut addresses = facts.addresses(link).iter().map(IpNet::addr);
    addresses.find(|address| {
        address.is_ipv4() == ipv4
            && match address {
                IpAddr::V4(v4) => !v4.is_link_local() && !v4.is_loopback(),
                IpAddr::V6(v6) => !v6.is_unicast_link_local() && !v6.is_loopback(),
            }
    })
}

fn link_local(addresses: &[IpNet]) -> Option<Ipv6Addr> {
    addresses.iter().find_map(|net| match net.addr() {
        IpAddr::V6(v6) if v6.is_unicast_link_local() => Some(v6),
        _ => None,
    })
}

/// How the routes of a router are marked.
pub(super) fn config(config: KernelConfig) -> FibConfig {
    FibConfig {
        install: config.install,
        ownership: Ownership {
            metric: config.metric,
            table: config.table,
            protocol: config.protocol,
        },
        accept_default_route: config.accept_default_route,
    }
}

/// The name by which the kernel room knows a router: the one that people know.
pub(super) fn name(key: &RouterKey) -> Arc<str> {
    key.to_string().into()
}

/// The kernel's side of a router.
pub(super) fn status_of<'a>(
    status: &'a [(Arc<str>, RouterFibStatus)],
    key: &RouterKey,
) -> Option<&'a RouterFibStatus> {
    let wanted = name(key);
    let found = status.iter().find(|(name, _)| *name == wanted);
    found.map(|(_, status)| status)
}

/// What a router's status says of the kernel; none when it installs nothing.
pub(super) fn state_of(
    status: &[(Arc<str>, RouterFibStatus)],
    key: &RouterKey,
) -> Option<KernelState> {
    let status =
        status_of(status, key).filter(|status| status.install || status.denied.is_some())?;
    Some(KernelState {
        wanted: status.wanted,
        installed: status.installed,
        failed: status.failed,
        blocked: status.blocked,
        unresolved: status.unresolved,
        shadowed: status.shadowed,
        excluded: status.excluded,
        outranked: status.outranked,
        last_error: status.last_error.clone(),
        denied: status.denied.clone(),
    })
}
