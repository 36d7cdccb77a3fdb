//! A table of routes for tests of the kernel room: what a router's RIB is to it, and nothing more.

#![allow(dead_code, reason = "each test program uses a part of it")]

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use cosmos::kernel::{FibSource, HopKey, OwnRoute, RouteChange, Walk};
use ipnet::IpNet;
use rib::FibInterest;

type Bell = Arc<dyn Fn() + Send + Sync>;

#[derive(Default)]
struct Inner {
    routes: BTreeMap<IpNet, Vec<HopKey>>,
    dirty: BTreeSet<IpNet>,
    bell: Option<Bell>,
    told: Vec<HopKey>,
    /// Steps that a walk takes, and how many walks are under way.
    steps: usize,
    walks: Arc<AtomicUsize>,
}

/// Routes that a test sets.
#[derive(Default)]
pub(crate) struct Table(Mutex<Inner>);

impl Table {
    pub(crate) fn new() -> Arc<Self> {
        Arc::default()
    }

    /// Sets the next hops of many destinations; none withdraws them.
    pub(crate) fn set(&self, routes: impl IntoIterator<Item = (IpNet, Vec<HopKey>)>) {
        let bell = {
            let mut inner = self.0.lock().unwrap();
            for (prefix, hops) in routes {
                inner.dirty.insert(prefix);
                if hops.is_empty() {
                    inner.routes.remove(&prefix);
                } else {
                    inner.routes.insert(prefix, hops);
                }
            }
            inner.bell.clone()
        };
        if let Some(bell) = bell {
            bell();
        }
    }

    /// Sets one route by texts: `"10.0.0.0/8"`, `["192.0.2.1", "fe80::1%3"]`.
    pub(crate) fn route(&self, prefix: &str, hops: &[&str]) {
        self.set([(
            prefix.parse().unwrap(),
            hops.iter().map(|h| hop(h)).collect(),
        )]);
    }

    /// The destinations that there are.
    pub(crate) fn prefixes(&self) -> Vec<IpNet> {
        self.0.lock().unwrap().routes.keys().copied().collect()
    }

    /// The next hops of a destination, if there is one.
    pub(crate) fn hops(&self, prefix: IpNet) -> Option<Vec<HopKey>> {
        self.0.lock().unwrap().routes.get(&prefix).cloned()
    }

    /// From now on a walk takes so many steps.
    pub(crate) fn walk_slowly(&self, steps: usize) {
        self.0.lock().unwrap().steps = steps;
    }

    /// Walks that are not over.
    pub(crate) fn walks(&self) -> usize {
        self.0.lock().unwrap().walks.load(SeqCst)
    }

    /// The next hops whose change was told, in order; forgets them.
    pub(crate) fn told(&self) -> Vec<HopKey> {
        std::mem::take(&mut self.0.lock().unwrap().told)
    }
}

/// A next hop from text; `%N` behind a link-local address is the interface index.
pub(crate) fn hop(text: &str) -> HopKey {
    match text.split_once('%') {
        Some((address, link)) => HopKey {
            address: address.parse().unwrap(),
            link: Some(link.parse().unwrap()),
        },
        None => HopKey {
            address: text.parse().unwrap(),
            link: None,
        },
    }
}

struct Told {
    steps: usize,
    walks: Arc<AtomicUsize>,
}

impl Walk for Told {
    fn step(&mut self, _budget: usize) -> bool {
        self.steps = self.steps.saturating_sub(1);
        self.steps == 0
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        self.walks.fetch_sub(1, SeqCst);
    }
}

impl FibSource for Table {
    fn attach(&self, bell: Bell, only: Option<Arc<dyn FibInterest>>) {
        self.0.lock().unwrap().bell = Some(bell);
        self.refeed(only);
    }

    fn detach(&self) {
        self.0.lock().unwrap().bell = None;
    }

    fn drain(&self, budget: usize, out: &mut Vec<RouteChange>) -> bool {
        let mut inner = self.0.lock().unwrap();
        for _ in 0..budget {
            let Some(prefix) = inner.dirty.pop_first() else {
                return false;
            };
            let hops = inner.routes.get(&prefix).cloned().unwrap_or_default();
            out.push(RouteChange {
                prefix,
                hops: hops.into_iter().collect(),
            });
        }
        !inner.dirty.is_empty()
    }

    fn refeed(&self, _only: Option<Arc<dyn FibInterest>>) {
        let bell = {
            let mut inner = self.0.lock().unwrap();
            let all: Vec<_> = inner.routes.keys().copied().collect();
            inner.dirty.extend(all);
            inner.bell.clone()
        };
        if let Some(bell) = bell {
            bell();
        }
    }

    fn lookup(&self, address: IpAddr, longest: u8) -> Option<OwnRoute> {
        let inner = self.0.lock().unwrap();
        let within = inner
            .routes
            .iter()
            .filter(|(p, _)| p.prefix_len() <= longest && p.contains(&address));
        let (prefix, hops) = within.max_by_key(|(p, _)| p.prefix_len())?;
        Some(OwnRoute {
            prefix: *prefix,
            hops: hops.iter().copied().collect(),
        })
    }

    fn tracked(&self) -> Vec<HopKey> {
        let inner = self.0.lock().unwrap();
        let all: BTreeSet<_> = inner.routes.values().flatten().copied().collect();
        all.into_iter().collect()
    }

    fn hops_changed(&self, keys: &[HopKey]) -> Box<dyn Walk> {
        let mut inner = self.0.lock().unwrap();
        inner.told.extend_from_slice(keys);
        inner.walks.fetch_add(1, SeqCst);
        Box::new(Told {
            steps: inner.steps,
            walks: inner.walks.clone(),
        })
    }
}
