//! Links and addresses of this host, as the kernel has them.
//!
//! Pure.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use super::model::{Address, Link};

/// Links and addresses: what sessions want to know of the node.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KernelFacts {
    links: BTreeMap<u32, Link>,
    addresses: BTreeMap<u32, Addresses>,
}

/// The addresses of one link.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Addresses {
    /// The deprecated ones come last: RFC 4862 §5.5.4 has them used where they are in use, and no new communication begin with
    /// one while there is another.
    nets: Vec<IpNet>,
    /// How many are not deprecated.
    preferred: usize,
}

impl Addresses {
    /// False if it was known like that.
    fn put(&mut self, address: Address) -> bool {
        let place = self.nets.iter().position(|net| *net == address.net);
        if place.is_some_and(|at| (at >= self.preferred) == address.deprecated) {
            return false;
        }
        self.remove(address.net);
        if address.deprecated {
            self.nets.push(address.net);
        } else {
            self.nets.insert(self.preferred, address.net);
            self.preferred += 1;
        }
        true
    }

    fn remove(&mut self, net: IpNet) {
        if let Some(at) = self.nets.iter().position(|known| *known == net) {
            self.nets.remove(at);
            self.preferred -= usize::from(at < self.preferred);
        }
    }

    /// Whether these are the same, in whatever order.
    fn is_same(&self, other: &Self) -> bool {
        let same = |a: &[IpNet], b: &[IpNet]| a.len() == b.len() && a.iter().all(|n| b.contains(n));
        let (ours, theirs) = (
            self.nets.split_at(self.preferred),
            other.nets.split_at(other.preferred),
        );
        same(ours.0, theirs.0) && same(ours.1, theirs.1)
    }
}

impl KernelFacts {
    /// What a dump found.
    pub(super) fn of(links: Vec<Link>, addresses: Vec<(u32, Address)>) -> Self {
        let mut facts = Self::default();
        for link in links {
            facts.set_link(link);
        }
        for (ifindex, address) in addresses {
            facts.put_address(ifindex, address);
        }
        facts
    }

    /// Takes a link; the one before, if any.
    pub(super) fn set_link(&mut self, link: Link) -> Option<Link> {
        self.links.insert(link.ifindex, link)
    }

    /// Forgets a link and its addresses.
    pub(super) fn remove_link(&mut self, ifindex: u32) {
        self.links.remove(&ifindex);
        self.addresses.remove(&ifindex);
    }

    /// Takes an address; false if it was known like that.
    pub(super) fn put_address(&mut self, ifindex: u32, address: Address) -> bool {
        self.addresses.entry(ifindex).or_default().put(address)
    }

    /// Forgets an address.
    pub(super) fn remove_address(&mut self, ifindex: u32, address: IpNet) {
        if let Some(all) = self.addresses.get_mut(&ifindex) {
            all.remove(address);
            if all.nets.is_empty() {
                self.addresses.remove(&ifindex);
            }
        }
    }

    /// Whether these are the same, whatever came first.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        self.links == other.links
            && self.addresses.len() == other.addresses.len()
            && self.addresses.iter().all(|(ifindex, all)| {
                let theirs = other.addresses.get(ifindex);
                theirs.is_some_and(|theirs| all.is_same(theirs))
            })
    }

    /// All links.
    pub fn links(&self) -> impl Iterator<Item = &Link> {
        self.links.values()
    }

    /// A link by its index.
    pub fn link(&self, ifindex: u32) -> Option<&Link> {
        self.links.get(&ifindex)
    }

    /// A link by its name.
    pub fn link_named(&self, name: &str) -> Option<&Link> {
        self.links.values().find(|l| &*l.name == name)
    }

    /// The name of a link, or `if7` for one that is not known.
    pub fn link_name(&self, ifindex: u32) -> Arc<str> {
        self.link(ifindex)
            .map_or_else(|| format!("if{ifindex}").into(), |l| l.name.clone())
    }

    /// The addresses of a link, the deprecated ones last.
    pub fn addresses(&self, ifindex: u32) -> &[IpNet] {
        self.addresses.get(&ifindex).map_or(&[], |all| &all.nets)
    }

    /// Whether this host has the address.
    pub fn is_own(&self, address: IpAddr) -> bool {
        let mut nets = self.addresses.values().flat_map(|all| &all.nets);
        nets.any(|net| net.addr() == address)
    }

    /// The link that is down and whose network has this address, the most specific first.
    pub fn down_link(&self, address: IpAddr) -> Option<u32> {
        let down = self.links.values().filter(|link| !link.usable());
        let nets = down.flat_map(|link| {
            let nets = self.addresses(link.ifindex).iter();
            nets.map(move |net| (link.ifindex, net))
        });
        nets.filter(|(_, net)| net.contains(&address))
            .max_by_key(|(_, net)| net.prefix_len())
            .map(|(ifindex, _)| ifindex)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str, deprecated: bool) -> Address {
        Address {
            net: text.parse().unwrap(),
            deprecated,
        }
    }

    #[test]
    fn deprecated_addresses_come_last_however_they_became_so() {
        let mut facts = KernelFacts::default();
        let order = |facts: &KernelFacts| -> Vec<String> {
            let nets = facts.addresses(2).iter();
            nets.map(|net| net.addr().to_string()).collect()
        };
        for (net, deprecated, fresh, wanted) in [
            ("fd00::1/64", true, true, &["fd00::1"][..]),
            ("fd00::2/64", false, true, &["fd00::2", "fd00::1"]),
            (
                "fd00::3/64",
                false,
                true,
                &["fd00::2", "fd00::3", "fd00::1"],
            ),
            (
                "fd00::3/64",
                false,
                false,
                &["fd00::2", "fd00::3", "fd00::1"],
            ),
            // Its preferred lifetime is over, and begins again.
            ("fd00::2/64", true, true, &["fd00::3", "fd00::1", "fd00::2"]),
            (
                "fd00::1/64",
                false,
                true,
                &["fd00::3", "fd00::1", "fd00::2"],
            ),
        ] {
            assert_eq!(
                facts.put_address(2, address(net, deprecated)),
                fresh,
                "{net}"
            );
            assert_eq!(order(&facts), wanted);
        }
        facts.remove_address(2, "fd00::3/64".parse().unwrap());
        assert_eq!(order(&facts), ["fd00::1", "fd00::2"]);
        assert!(!facts.put_address(2, address("fd00::2/64", true)));

        let dumped = |deprecated| {
            let all = [("fd00::2/64", deprecated), ("fd00::1/64", false)];
            let all = all.map(|(net, deprecated)| (2, address(net, deprecated)));
            KernelFacts::of(Vec::new(), all.to_vec())
        };
        assert!(facts.is_same(&dumped(true)));
        assert!(!facts.is_same(&dumped(false)));
    }
}
