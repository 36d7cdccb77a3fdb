//! The kernel as a reader of the table: which destinations changed, and what each wants now.
//!
//! What is handed out is state, not history: a prefix that flapped a hundred times comes once, as it is.

use crate::dirty::Doorbell;
use crate::fib_marks::FibInterest;
use crate::nexthop::NextHopKey;
use crate::path::PeerIdx;
use crate::shard_key::PrefixKey;
use crate::table::{Pin, Rib};
use bgp_wire::NextHop;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use smallvec::SmallVec;
use std::sync::Arc;

/// One way of a route for forwarding.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FibPath {
    /// Where packets go next.
    pub next_hop: NextHop,
    /// Who told us.
    pub peer: PeerIdx,
    /// The next hop as it is resolved.
    pub key: NextHopKey,
}

/// What a prefix wants in the forwarding table.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FibChange {
    /// The prefix.
    pub prefix: IpNet,
    /// The best path first, then those that share the traffic. Empty: no route through us, also for a route that is
    /// our own.
    pub paths: SmallVec<[FibPath; 1]>,
}

impl Rib {
    /// Begins to mark what changes for the kernel, everything there is to begin with. There is one such reader; a
    /// later call takes its place and starts over.
    ///
    /// With `only` it is told of the destinations that this wants, and of no others.
    pub fn open_fib_reader(&self, doorbell: Arc<dyn Doorbell>, only: Option<Arc<dyn FibInterest>>) {
        *self.fib_bell.write() = Some(doorbell);
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.table_mut::<Ipv4Net>().open_fib(only.clone());
            shard.table_mut::<Ipv6Net>().open_fib(only.clone());
        }
    }

    /// Marks everything for the reader that there is, as if it had just begun; with `only`, what this wants.
    pub fn refeed_fib_reader(&self, only: Option<Arc<dyn FibInterest>>) {
        let bell = self.fib_bell.read().clone();
        if let Some(bell) = bell {
            self.open_fib_reader(Arc::clone(&bell), only);
            bell.ring();
        }
    }

    /// Ends what [`Rib::open_fib_reader`] began: nothing is marked for the kernel any more.
    pub fn close_fib_reader(&self) {
        *self.fib_bell.write() = None;
        for shard in &self.shards {
            let mut shard = shard.lock();
            shard.table_mut::<Ipv4Net>().close_fib();
            shard.table_mut::<Ipv6Net>().close_fib();
        }
    }

    /// Puts what up to `n` changed destinations want now at the end of `out`. True if more wait.
    pub fn drain_fib(&self, n: usize, out: &mut Vec<FibChange>) -> bool {
        let pin = self.pin();
        let mut budget = n;
        let mut more = self.drain_fib_of::<Ipv4Net>(&pin, &mut budget, out);
        more |= self.drain_fib_of::<Ipv6Net>(&pin, &mut budget, out);
        more
    }

    fn drain_fib_of<K: PrefixKey>(
        &self,
        pin: &Pin<'_>,
        budget: &mut usize,
        out: &mut Vec<FibChange>,
    ) -> bool {
        let mut more = false;
        let mut shared = Vec::new();
        for shard in 0..self.bits.count() {
            let (taken, left) = self.lock::<K, _>(pin, shard, |table, judge| {
                table.drain_fib(&self.hasher, *budget, |table, id| {
                    let dest = table.destination(id);
                    let mut paths = SmallVec::new();
                    if dest.best().is_some_and(|best| !best.peer.is_local()) {
                        let all = table.paths(id);
                        judge.multipath(&all, &mut shared);
                        paths.extend(shared.iter().filter_map(|&at| {
                            let path = &all[at];
                            let next_hop = judge.interner.entry(path.attrs).attrs().next_hop()?;
                            let scope = judge.peer(path.peer).next_hop_scope(K::FAMILY);
                            Some(FibPath {
                                next_hop,
                                peer: path.peer,
                                key: NextHopKey::of(next_hop, scope),
                            })
                        }));
                    }
                    out.push(FibChange {
                        prefix: dest.key.to_net(),
                        paths,
                    });
                })
            });
            *budget -= taken;
            more |= left > 0;
        }
        more
    }
}
