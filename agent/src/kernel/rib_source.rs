//! A router's [`Rib`] as the kernel room's [`FibSource`], and the room's resolver as the table asks it.

use std::net::IpAddr;
use std::sync::Arc;

use rib::{Doorbell, FibInterest, NextHopKey, NextHopResolver, Resolution, Rib};

use super::resolver::Resolver;
use super::source::{FibSource, HopKey, OwnRoute, RouteChange, Walk};

/// The table of one router.
pub struct RibSource(Arc<Rib>);

impl RibSource {
    /// Reads this table.
    pub fn new(rib: Arc<Rib>) -> Arc<Self> {
        Arc::new(Self(rib))
    }
}

struct Ring(Arc<dyn Fn() + Send + Sync>);

impl Doorbell for Ring {
    fn ring(&self) {
        (self.0)();
    }
}

struct RibWalk {
    rib: Arc<Rib>,
    walk: rib::Walk,
}

impl Walk for RibWalk {
    fn step(&mut self, budget: usize) -> bool {
        self.walk.step(&self.rib, budget)
    }
}

impl FibSource for RibSource {
    fn attach(&self, bell: Arc<dyn Fn() + Send + Sync>, only: Option<Arc<dyn FibInterest>>) {
        self.0.open_fib_reader(Arc::new(Ring(bell)), only);
    }

    fn detach(&self) {
        self.0.close_fib_reader();
    }

    fn drain(&self, budget: usize, out: &mut Vec<RouteChange>) -> bool {
        let mut changes = Vec::new();
        let more = self.0.drain_fib(budget, &mut changes);
        out.extend(changes.into_iter().map(|change| RouteChange {
            prefix: change.prefix,
            hops: change.paths.iter().map(|path| hop(path.key)).collect(),
        }));
        more
    }

    fn refeed(&self, only: Option<Arc<dyn FibInterest>>) {
        self.0.refeed_fib_reader(only);
    }

    fn lookup(&self, address: IpAddr, longest: u8) -> Option<OwnRoute> {
        let found = self.0.lookup(address, longest)?;
        Some(OwnRoute {
            prefix: found.prefix,
            hops: found.next_hops.into_iter().map(hop).collect(),
        })
    }

    fn tracked(&self) -> Vec<HopKey> {
        self.0
            .next_hops()
            .into_iter()
            .map(|(key, _)| hop(key))
            .collect()
    }

    fn hops_changed(&self, keys: &[HopKey]) -> Box<dyn Walk> {
        let keys: Vec<NextHopKey> = keys
            .iter()
            .map(|key| NextHopKey {
                address: key.address,
                link: key.link.unwrap_or(0),
            })
            .collect();
        let rib = Arc::clone(&self.0);
        let walk = rib.next_hop_changed(&keys);
        Box::new(RibWalk { rib, walk })
    }
}

impl NextHopResolver for Resolver {
    fn resolve(&self, next_hop: &NextHopKey) -> Resolution {
        let state = self.state(hop(*next_hop));
        Resolution {
            reachable: state.reachable,
            metric: state.metric,
            off_link: state.off_link,
        }
    }

    fn why_unreachable(&self, next_hop: &NextHopKey) -> Option<String> {
        self.why(hop(*next_hop))
    }
}

fn hop(key: NextHopKey) -> HopKey {
    HopKey {
        address: key.address,
        link: (key.link != 0).then_some(key.link),
    }
}
