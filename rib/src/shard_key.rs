//! Which shard a destination lives in, and its hash in the index of its table: one keyed hash for both.
//!
//! The key is the destination as the kernel will see it, prefix and length. Route distinguishers (of families to
//! come) and path ids are left out on purpose: every candidate for one kernel route is then in one shard, under the
//! lock already held. The hash is keyed because peers choose the prefixes.

use crate::family_table::FamilyTable;
use crate::shard::Shard;
use bgp_wire::{Family, Nlri};
use foldhash::quality::RandomState;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::hash::{BuildHasher, Hasher};
use std::net::IpAddr;

/// A prefix that a family table is keyed by. Packed: 5 bytes for IPv4, 17 for IPv6.
pub(crate) trait TableKey: Nlri<Detail = ()> {
    /// The family of the table.
    const FAMILY: Family;
    /// The longest prefix length.
    const MAX_LEN: u8;

    fn keyed_hash(&self, hasher: &Keyed) -> u64;
    fn prefix_len(&self) -> u8;
    fn to_net(self) -> IpNet;
    /// The prefix, if it is of this family.
    fn from_net(net: IpNet) -> Option<Self>;
    /// The prefix of this length that holds an address, if it is of this family.
    fn around(address: IpAddr, len: u8) -> Option<Self>;
    fn table(shard: &Shard) -> &FamilyTable<Self>;
    fn table_mut(shard: &mut Shard) -> &mut FamilyTable<Self>;
}

/// The key of the hash: random, one for each [`Rib`](crate::Rib).
#[derive(Clone, Default)]
pub(crate) struct Keyed(RandomState);

impl TableKey for Ipv4Net {
    const FAMILY: Family = Family::IPV4_UNICAST;
    const MAX_LEN: u8 = 32;

    #[inline]
    fn keyed_hash(&self, hasher: &Keyed) -> u64 {
        let mut state = hasher.0.build_hasher();
        state.write_u64(u64::from(u32::from(self.addr())) << 8 | u64::from(self.prefix_len()));
        state.finish()
    }

    fn prefix_len(&self) -> u8 {
        Self::prefix_len(self)
    }

    fn to_net(self) -> IpNet {
        self.into()
    }

    fn from_net(net: IpNet) -> Option<Self> {
        if let IpNet::V4(net) = net {
            Some(net.trunc())
        } else {
            None
        }
    }

    fn around(address: IpAddr, len: u8) -> Option<Self> {
        let IpAddr::V4(address) = address else {
            return None;
        };
        Self::new(address, len).ok().map(|net| net.trunc())
    }

    fn table(shard: &Shard) -> &FamilyTable<Self> {
        &shard.v4
    }

    fn table_mut(shard: &mut Shard) -> &mut FamilyTable<Self> {
        &mut shard.v4
    }
}

impl TableKey for Ipv6Net {
    const FAMILY: Family = Family::IPV6_UNICAST;
    const MAX_LEN: u8 = 128;

    #[inline]
    fn keyed_hash(&self, hasher: &Keyed) -> u64 {
        let mut state = hasher.0.build_hasher();
        state.write_u128(u128::from(self.addr()) ^ u128::from(self.prefix_len()));
        state.finish()
    }

    fn prefix_len(&self) -> u8 {
        Self::prefix_len(self)
    }

    fn to_net(self) -> IpNet {
        self.into()
    }

    fn from_net(net: IpNet) -> Option<Self> {
        if let IpNet::V6(net) = net {
            Some(net.trunc())
        } else {
            None
        }
    }

    fn around(address: IpAddr, len: u8) -> Option<Self> {
        let IpAddr::V6(address) = address else {
            return None;
        };
        Self::new(address, len).ok().map(|net| net.trunc())
    }

    fn table(shard: &Shard) -> &FamilyTable<Self> {
        &shard.v6
    }

    fn table_mut(shard: &mut Shard) -> &mut FamilyTable<Self> {
        &mut shard.v6
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

    #[test]
    fn keys_are_packed() {
        assert_eq!((size_of::<Ipv4Net>(), align_of::<Ipv4Net>()), (5, 1));
        assert_eq!((size_of::<Ipv6Net>(), align_of::<Ipv6Net>()), (17, 1));
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
