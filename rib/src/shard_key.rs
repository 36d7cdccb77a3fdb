//! Which shard a destination lives in, and its hash in the index of its table: one keyed hash for both.
//!
//! The shard follows from the destination as the kernel will see it, prefix and length. Route distinguishers
//! and path ids are left out on purpose: every candidate for one kernel route is then in one shard, under the
//! lock already held. The hash is keyed because peers choose the prefixes.

use crate::judge::RouteDetail;
use crate::policy::RouteFacts;
use crate::route_key::RouteKey;
use crate::tables::Placed;
use bgp_wire::{EvpnRoute, Family, IpPrefix, Nlri, RouteTargetMembership, Vpn};
use foldhash::quality::RandomState;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

/// What a family table is keyed by. Packed: 5 bytes for an IPv4 prefix, 17 for IPv6.
pub(crate) trait TableKey: Nlri<Detail: RouteDetail> + Placed {
    /// The family of the table.
    const FAMILY: Family;
    /// A path without a way to its next hop may not be selected. Where routes of this family are only passed on, that is for
    /// those to judge who forward by them.
    const RESOLVES: bool;
    /// Destinations move from router to router, and say how often they did (RFC 7432 §7.7).
    const MOVES: bool = false;

    fn keyed_hash(&self, hasher: &Keyed) -> u64;

    /// The length by which prefixes are matched, where they are.
    fn match_len(&self) -> Option<u8> {
        None
    }

    fn route(self) -> RouteKey;

    /// What policies are asked about.
    fn facts(self, detail: &Self::Detail) -> RouteFacts {
        RouteFacts {
            key: self.route(),
            label: detail.vni(),
        }
    }

    /// The key, if it is of this family.
    fn from_route(route: RouteKey) -> Option<Self>;
}

/// A prefix that packets are forwarded by.
pub(crate) trait PrefixKey: TableKey<Detail = ()> {
    /// The longest prefix length.
    const MAX_LEN: u8;

    fn to_net(self) -> IpNet;
    /// The prefix of this length that holds an address, if it is of this family.
    fn around(address: IpAddr, len: u8) -> Option<Self>;
}

/// The key of the hash: random, one for each [`Rib`](crate::Rib).
#[derive(Clone, Default)]
pub(crate) struct Keyed(RandomState);

impl TableKey for Ipv4Net {
    const FAMILY: Family = Family::IPV4_UNICAST;
    const RESOLVES: bool = true;

    #[inline]
    fn keyed_hash(&self, hasher: &Keyed) -> u64 {
        let mut state = hasher.0.build_hasher();
        state.write_u64(u64::from(u32::from(self.addr())) << 8 | u64::from(self.prefix_len()));
        state.finish()
    }

    fn match_len(&self) -> Option<u8> {
        Some(self.prefix_len())
    }

    fn route(self) -> RouteKey {
        RouteKey::V4(self)
    }

    fn from_route(route: RouteKey) -> Option<Self> {
        if let RouteKey::V4(net) = route {
            Some(net.trunc())
        } else {
            None
        }
    }
}

impl PrefixKey for Ipv4Net {
    const MAX_LEN: u8 = 32;

    fn to_net(self) -> IpNet {
        self.into()
    }

    fn around(address: IpAddr, len: u8) -> Option<Self> {
        let IpAddr::V4(address) = address else {
            return None;
        };
        Self::new(address, len).ok().map(|net| net.trunc())
    }
}

impl TableKey for Ipv6Net {
    const FAMILY: Family = Family::IPV6_UNICAST;
    const RESOLVES: bool = true;

    #[inline]
    fn keyed_hash(&self, hasher: &Keyed) -> u64 {
        let mut state = hasher.0.build_hasher();
        state.write_u128(u128::from(self.addr()) ^ u128::from(self.prefix_len()));
        state.finish()
    }

    fn match_len(&self) -> Option<u8> {
        Some(self.prefix_len())
    }

    fn route(self) -> RouteKey {
        RouteKey::V6(self)
    }

    fn from_route(route: RouteKey) -> Option<Self> {
        if let RouteKey::V6(net) = route {
            Some(net.trunc())
        } else {
            None
        }
    }
}

impl PrefixKey for Ipv6Net {
    const MAX_LEN: u8 = 128;

    fn to_net(self) -> IpNet {
        self.into()
    }

    fn around(address: IpAddr, len: u8) -> Option<Self> {
        let IpAddr::V6(address) = address else {
            return None;
        };
        Self::new(address, len).ok().map(|net| net.trunc())
    }
}

/// The hash of a prefix with what tells it apart from equal ones. The highest bits, which say the shard, are those of the
/// prefix alone.
#[inline]
fn vpn_hash<P: TableKey>(hasher: &Keyed, prefix: &P, rd: &[u8; 8]) -> u64 {
    let of_prefix = prefix.keyed_hash(hasher);
    let mut state = hasher.0.build_hasher();
    state.write_u64(of_prefix);
    state.write_u64(u64::from_ne_bytes(*rd));
    (of_prefix & SHARD) | (state.finish() & !SHARD)
}

/// The bits of a hash that say the shard.
const SHARD: u64 = 0xf << 60;

impl TableKey for Vpn<Ipv4Net> {
    const FAMILY: Family = Family::IPV4_VPN;
    const RESOLVES: bool = false;

    fn keyed_hash(&self, hasher: &Keyed) -> u64 {
        vpn_hash(hasher, &self.prefix, &self.rd.0)
    }

    fn route(self) -> RouteKey {
        RouteKey::VpnV4(self)
    }

    fn from_route(route: RouteKey) -> Option<Self> {
        if let RouteKey::VpnV4(vpn) = route {
            Some(trunc(vpn))
        } else {
            None
        }
    }
}

impl TableKey for Vpn<Ipv6Net> {
    const FAMILY: Family = Family::IPV6_VPN;
    const RESOLVES: bool = false;

    fn keyed_hash(&self, hasher: &Keyed) -> u64 {
        vpn_hash(hasher, &self.prefix, &self.rd.0)
    }

    fn route(self) -> RouteKey {
        RouteKey::VpnV6(self)
    }

    fn from_route(route: RouteKey) -> Option<Self> {
        if let RouteKey::VpnV6(vpn) = route {
            Some(trunc(vpn))
        } else {
            None
        }
    }
}

fn trunc<P: IpPrefix>(vpn: Vpn<P>) -> Vpn<P> {
    Vpn {
        prefix: vpn.prefix.trunc(),
        ..vpn
    }
}

impl TableKey for EvpnRoute {
    const FAMILY: Family = Family::L2VPN_EVPN;
    const RESOLVES: bool = false;
    const MOVES: bool = true;

    fn keyed_hash(&self, hasher: &Keyed) -> u64 {
        let of_route = hasher.0.hash_one(self);
        let of_net = match self.route().net() {
            Some(IpNet::V4(net)) => net.keyed_hash(hasher),
            Some(IpNet::V6(net)) => net.keyed_hash(hasher),
            None => of_route,
        };
        (of_net & SHARD) | (of_route & !SHARD)
    }

    fn route(self) -> RouteKey {
        RouteKey::Evpn(self)
    }

    fn from_route(route: RouteKey) -> Option<Self> {
        if let RouteKey::Evpn(route) = route {
            Some(route)
        } else {
            None
        }
    }
}

impl TableKey for RouteTargetMembership {
    const FAMILY: Family = Family::RTC;
    const RESOLVES: bool = false;

    fn keyed_hash(&self, hasher: &Keyed) -> u64 {
        hasher.0.hash_one(self)
    }

    fn route(self) -> RouteKey {
        RouteKey::RouteTarget(self)
    }

    fn from_route(route: RouteKey) -> Option<Self> {
        if let RouteKey::RouteTarget(membership) = route {
            Some(membership)
        } else {
            None
        }
    }
}

/// How many shards there are, as bits.
#[derive(Clone, Copy)]
pub(crate) struct ShardBits(u32);

impl ShardBits {
    /// The next power of two, sixteen at most.
    pub(crate) fn for_shards(shards: usize) -> Self {
        Self(shards.clamp(1, 16).next_power_of_two().ilog2())
    }

    pub(crate) fn count(self) -> usize {
        1 << self.0
    }

    /// The shard of a hash: its highest bits.
    #[inline]
    pub(crate) fn shard_of(self, hash: u64) -> usize {
        (hash >> 60) as usize >> (4 - self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::{Asn, RouteDistinguisher};

    #[test]
    fn keys_are_packed() {
        assert_eq!((size_of::<Ipv4Net>(), align_of::<Ipv4Net>()), (5, 1));
        assert_eq!((size_of::<Ipv6Net>(), align_of::<Ipv6Net>()), (17, 1));
    }

    #[test]
    fn routes_of_one_prefix_are_in_one_shard_whatever_their_distinguisher() {
        let (bits, hasher) = (ShardBits::for_shards(16), Keyed::default());
        for n in 0..200u32 {
            let prefix = Ipv4Net::new((0x0a00_0000 + (n << 8)).into(), 24).unwrap();
            let shard = bits.shard_of(TableKey::keyed_hash(&prefix, &hasher));
            let mut seen = std::collections::HashSet::new();
            for number in 0..20 {
                let rd = RouteDistinguisher::from_as(Asn(65000), number).unwrap();
                let vpn = Vpn { rd, prefix }.keyed_hash(&hasher);
                let evpn = EvpnRoute::ip_prefix(rd, 0, prefix.into()).keyed_hash(&hasher);
                assert_eq!((bits.shard_of(vpn), bits.shard_of(evpn)), (shard, shard));
                assert!(seen.insert(vpn) && seen.insert(evpn), "hashes differ");
            }
        }
    }

    #[test]
    fn shards_are_a_power_of_two_and_all_are_used() {
        for (asked, made) in [(0, 1), (1, 1), (2, 2), (3, 4), (16, 16), (100, 16)] {
            assert_eq!(ShardBits::for_shards(asked).count(), made);
        }
        let bits = ShardBits::for_shards(8);
        let hasher = Keyed::default();
        let mut seen = [0; 8];
        for n in 0..8000u32 {
            let net = Ipv4Net::new((0x0a00_0000 + (n << 8)).into(), 24).unwrap();
            seen[bits.shard_of(net.keyed_hash(&hasher))] += 1;
        }
        assert!(seen.iter().all(|&n| (800..1200).contains(&n)), "{seen:?}");
    }

    #[test]
    fn the_same_address_with_another_length_is_another_key() {
        let hasher = Keyed::default();
        let nets: [Ipv6Net; 2] = [
            "2001:db8::/32".parse().unwrap(),
            "2001:db8::/33".parse().unwrap(),
        ];
        assert_ne!(
            TableKey::keyed_hash(&nets[0], &hasher),
            TableKey::keyed_hash(&nets[1], &hasher)
        );
    }
}
