//! Longest match over the best paths, for next hops that are resolved through routes of our own.
//!
//! There is no tree: each prefix length that the table has destinations of is probed, the longest first. A table of
//! the Internet has some twenty lengths, a fabric three or four.

use crate::nexthop::NextHopKey;
use crate::path::PeerIdx;
use crate::shard_key::PrefixKey;
use crate::table::{Pin, Rib};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use smallvec::SmallVec;
use std::net::IpAddr;

/// The route that a packet to an address would take by this table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Match {
    /// The longest prefix with a best path.
    pub prefix: IpNet,
    /// Who the best path is from.
    pub peer: PeerIdx,
    /// The next hops of the best path and of those that share the traffic with it, as they are resolved; none for a
    /// route of our own without one.
    pub next_hops: SmallVec<[NextHopKey; 2]>,
    /// The metric of the way to the next hop of the best path.
    pub metric: u32,
}

impl Rib {
    /// The longest match for an address among prefixes of at most `longest` bits. A next hop that is the address itself is left out
    /// where there are others: nothing is reached through itself.
    pub fn lookup(&self, address: IpAddr, longest: u8) -> Option<Match> {
        let pin = self.pin();
        match address {
            IpAddr::V4(_) => self.lookup_in::<Ipv4Net>(&pin, address, longest),
            IpAddr::V6(_) => self.lookup_in::<Ipv6Net>(&pin, address, longest),
        }
    }

    fn lookup_in<K: PrefixKey>(
        &self,
        pin: &Pin<'_>,
        address: IpAddr,
        longest: u8,
    ) -> Option<Match> {
        let mut lengths = [false; 129];
        for shard in &self.shards {
            let shard = shard.lock();
            for len in 0..=K::MAX_LEN {
                lengths[usize::from(len)] |= shard.table::<K>().has_length(len);
            }
        }
        (0..=K::MAX_LEN.min(longest))
            .rev()
            .filter(|&len| lengths[usize::from(len)])
            .find_map(|len| {
                let key = K::around(address, len)?;
                let hash = key.keyed_hash(&self.hasher);
                self.lock::<K, _>(pin, self.bits.shard_of(hash), |table, judge| {
                    let id = table.find(hash, &key)?;
                    let best = table.destination(id).best()?;
                    let paths = table.paths(id);
                    let mut shared = Vec::new();
                    judge.multipath(&paths, &mut shared);
                    let hops = shared.iter().filter_map(|&at| {
                        let path = &paths[at];
                        let next_hop = judge.interner.entry(path.attrs).attrs().next_hop()?;
                        let scope = judge.peer(path.peer).next_hop_scope(K::FAMILY);
                        Some(NextHopKey::of(next_hop, scope))
                    });
                    let mut next_hops: SmallVec<[NextHopKey; 2]> = hops.collect();
                    if next_hops.iter().any(|hop| hop.address != address) {
                        next_hops.retain(|hop| hop.address != address);
                    }
                    let entry = judge.interner.entry(best.attrs);
                    Some(Match {
                        prefix: key.to_net(),
                        peer: best.peer,
                        next_hops,
                        metric: judge.next_hops.resolution(entry.next_hop).metric,
                    })
                })
            })
    }
}
