//! Longest match over the best paths, for next hops that are resolved through routes of our own.
//!
//! There is no tree: each prefix length that the table has destinations of is probed, the longest first. A table of
//! the Internet has some twenty lengths, a fabric three or four.

use crate::nexthop::NextHopKey;
use crate::path::PeerIdx;
use crate::shard_key::TableKey;
use crate::table::{Pin, Rib};
use bgp_wire::NextHop;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::net::IpAddr;

/// The route that a packet to an address would take by this table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Match {
    /// The longest prefix with a best path.
    pub prefix: IpNet,
    /// Who the best path is from.
    pub peer: PeerIdx,
    /// Its next hop; `None` for a route of our own without one.
    pub next_hop: Option<NextHop>,
    /// The next hop as it is resolved.
    pub next_hop_key: Option<NextHopKey>,
    /// The metric of the way to the next hop.
    pub metric: u32,
}

impl Rib {
    /// The longest match for an address among prefixes of at most `longest` bits. Routes whose next hop is the address
    /// itself are passed over: nothing is reached through itself.
    pub fn lookup(&self, address: IpAddr, longest: u8) -> Option<Match> {
        let pin = self.pin();
        match address {
            IpAddr::V4(_) => self.lookup_in::<Ipv4Net>(&pin, address, longest),
            IpAddr::V6(_) => self.lookup_in::<Ipv6Net>(&pin, address, longest),
        }
    }

    fn lookup_in<K: TableKey>(&self, pin: &Pin<'_>, address: IpAddr, longest: u8) -> Option<Match> {
        let mut lengths = [false; 129];
        for shard in &self.shards {
            let shard = shard.lock();
            for len in 0..=K::MAX_LEN {
                lengths[usize::from(len)] |= K::table(&shard).has_length(len);
            }
        }
        (0..=K::MAX_LEN.min(longest))
            .rev()
            .filter(|&len| lengths[usize::from(len)])
            .find_map(|len| {
                let key = K::around(address, len)?;
                let hash = key.keyed_hash(&self.hasher);
                let best = self.lock::<K, _>(pin, self.bits.shard_of(hash), |table, _| {
                    table
                        .find(hash, &key)
                        .and_then(|id| table.destination(id).best())
                });
                let (attrs, peer) = best?;
                let entry = pin.interner.entry(attrs);
                let next_hop = entry.attrs().next_hop();
                let next_hop_key =
                    next_hop.map(|next_hop| NextHopKey::of(next_hop, pin.peers.info(peer).link));
                if next_hop_key.is_some_and(|key| key.address == address) {
                    return None;
                }
                let metric = self.next_hops.resolution(entry.next_hop).metric;
                Some(Match {
                    prefix: key.to_net(),
                    peer,
                    next_hop,
                    next_hop_key,
                    metric,
                })
            })
    }
}
