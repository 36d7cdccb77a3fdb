//! The next hops of the node: who asked, and what was answered.
//!
//! Next hops are asked for by the tasks of peers, and followed by the kernel task: it is the only one
//! that changes an answer once given. A newly asked next hop is looked at once more by that task, so
//! that an answer computed while something changed cannot stay.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

use arc_swap::ArcSwap;
use foldhash::{HashMap, HashSet};
use ipnet::IpNet;
use parking_lot::{Mutex, RwLock};
use rib::FibInterest;

use super::model::{FibConfig, MAIN_TABLE};
use super::off_link::OffLink;
use super::reach::Reach;
use super::resolve::resolve;
use super::source::{FibSource, HopKey, HopState, OwnRoute};
use super::table::KernelTable;
use super::unreached::Unreached;

/// A router's table among those that next hops are in.
#[derive(Clone)]
struct Registered {
    id: u16,
    name: Arc<str>,
    config: FibConfig,
    source: Arc<dyn FibSource>,
}

impl Registered {
    /// Of two routers with the same prefix the kernel has the first one's.
    fn rank(&self) -> (u32, &str) {
        (self.config.ownership.metric, &self.name)
    }

    /// Its longest route towards an address that next hops may resolve over.
    ///
    /// Packets to a gateway are routed by the main table: what another table has does not lead them
    /// there, and neither does a default route that is not accepted. A router that installs nothing
    /// counts: next hops of others may lie behind what it learned.
    fn lookup(&self, address: IpAddr, longest: u8) -> Option<OwnRoute> {
        if self.config.install && self.config.ownership.table != MAIN_TABLE {
            return None;
        }
        let route = self.source.lookup(address, longest)?;
        self.config.may_install(route.prefix).then_some(route)
    }
}

#[derive(Default)]
pub(super) struct Tracked {
    pub(super) reach: HashMap<HopKey, Arc<Reach>>,
    /// The same keys in order of address: what lies in a changed prefix is a range.
    ordered: BTreeSet<HopKey>,
    /// To be looked at by the kernel task.
    dirty: Vec<HopKey>,
    /// And then all that resolve over our own routes: one of those may lead elsewhere now, or, where routes lead in a
    /// circle, be passed over by some of them and not by others.
    recursive: bool,
    /// Asked for since the last sweep: whoever asked may be about to enter it in a table.
    asked: HashSet<HopKey>,
}

impl Tracked {
    fn ask(&mut self, key: HopKey) -> Option<Arc<Reach>> {
        let known = self.reach.get(&key)?.clone();
        self.asked.insert(key);
        Some(known)
    }
}

/// The addresses of all tracked next hops, in order: a prefix holds some of them if the first one from its network
/// address on lies in it.
#[derive(Clone, Default)]
struct Followed {
    v4: Vec<Ipv4Addr>,
    v6: Vec<Ipv6Addr>,
}

impl Followed {
    /// Those of keys that are in order of address.
    fn of<'a>(ordered: impl Iterator<Item = &'a HopKey>) -> Self {
        let mut followed = Self::default();
        for key in ordered {
            match key.address {
                IpAddr::V4(address) => followed.v4.push(address),
                IpAddr::V6(address) => followed.v6.push(address),
            }
        }
        followed.v4.dedup();
        followed.v6.dedup();
        followed
    }

    fn insert(&mut self, address: IpAddr) {
        fn insert<T: Ord>(list: &mut Vec<T>, address: T) {
            if let Err(at) = list.binary_search(&address) {
                list.insert(at, address);
            }
        }
        match address {
            IpAddr::V4(address) => insert(&mut self.v4, address),
            IpAddr::V6(address) => insert(&mut self.v6, address),
        }
    }

    fn any_in(&self, prefix: &IpNet) -> bool {
        match prefix {
            IpNet::V4(net) => {
                let at = self.v4.partition_point(|address| *address < net.network());
                self.v4.get(at).is_some_and(|address| net.contains(address))
            }
            IpNet::V6(net) => {
                let at = self.v6.partition_point(|address| *address < net.network());
                self.v6.get(at).is_some_and(|address| net.contains(address))
            }
        }
    }
}

/// The next hops of the node: asked by peers, followed by the kernel task.
pub struct Resolver {
    /// What the kernel has from others. Written by the kernel task alone.
    pub(crate) table: RwLock<KernelTable>,
    sources: RwLock<Arc<[Registered]>>,
    pub(super) tracked: Mutex<Tracked>,
    /// Asked for each change of each table, under its lock, by all cores at once: so it is read without a lock, and changed by
    /// putting another one in its place, under the lock of `tracked`.
    followed: ArcSwap<Followed>,
    bell: Arc<dyn Fn() + Send + Sync>,
    rung: AtomicBool,
    pub(super) off_link: Mutex<OffLink>,
}

impl FibInterest for Resolver {
    fn wants(&self, prefix: &IpNet) -> bool {
        self.followed.load().any_in(prefix)
    }
}

impl Resolver {
    /// A resolver that knows nothing yet; `bell` wakes the task that follows it.
    pub fn new(bell: Arc<dyn Fn() + Send + Sync>) -> Self {
        Self {
            table: RwLock::default(),
            sources: RwLock::new(Arc::new([])),
            tracked: Mutex::default(),
            followed: ArcSwap::default(),
            bell,
            rung: AtomicBool::new(false),
            off_link: Mutex::default(),
        }
    }

    /// How a next hop is reached. From now on it is followed.
    pub fn state(&self, key: HopKey) -> HopState {
        self.reach(key).state()
    }

    /// The same with the ways out.
    pub fn reach(&self, key: HopKey) -> Arc<Reach> {
        if let Some(known) = self.tracked.lock().ask(key) {
            return known;
        }
        let reach = Arc::new(self.compute(key));
        {
            let mut tracked = self.tracked.lock();
            if let Some(known) = tracked.ask(key) {
                return known;
            }
            // Before the kernel task looks again: a route that comes now is told by its table, one that came before is seen
            // by that look.
            let mut followed = Followed::clone(&self.followed.load());
            followed.insert(key.address);
            self.followed.store(Arc::new(followed));
            tracked.reach.insert(key, reach.clone());
            tracked.ordered.insert(key);
            tracked.dirty.push(key);
            tracked.asked.insert(key);
        }
        self.note_off_link(key, &reach);
        if !self.rung.swap(true, SeqCst) {
            (self.bell)();
        }
        reach
    }

    /// Why there is no way to a next hop, in words. Nothing if there is one.
    pub fn why(&self, key: HopKey) -> Option<String> {
        let known = self.tracked.lock().reach.get(&key).cloned();
        let reach = known.unwrap_or_else(|| Arc::new(self.compute(key)));
        let why = match reach.why? {
            Unreached::NoRoute => self.left_out(key.address).unwrap_or(Unreached::NoRoute),
            why => why,
        };
        Some(why.text(self.table.read().facts()))
    }

    /// The link that an address is on, if it is on one.
    pub fn direct_link(&self, address: IpAddr) -> Option<u32> {
        self.table.read().direct(address).map(|(link, _)| link)
    }

    /// A route of ours that would cover an address, if next hops resolved over it.
    fn left_out(&self, address: IpAddr) -> Option<Unreached> {
        let sources = self.sources.read().clone();
        sources.iter().find_map(|s| {
            let route = s.source.lookup(address, u8::MAX)?;
            match s.config.may_install(route.prefix) {
                false => Some(Unreached::DefaultRouteNotAccepted),
                true => Some(Unreached::OtherTable(
                    route.prefix,
                    s.config.ownership.table,
                )),
            }
        })
    }

    fn compute(&self, key: HopKey) -> Reach {
        let sources = self.sources.read().clone();
        let own = |address: IpAddr, longest: u8| {
            let found = sources
                .iter()
                .filter_map(|s| Some((s.rank().0, s.lookup(address, longest)?)));
            // In order of rank, so that of equal lengths the first stays.
            let longer = |a: &OwnRoute, b: &OwnRoute| b.prefix.prefix_len() > a.prefix.prefix_len();
            found.reduce(|a, b| if longer(&a.1, &b.1) { b } else { a })
        };
        resolve(key, &self.table.read(), &own)
    }

    pub(crate) fn register(
        &self,
        id: u16,
        name: Arc<str>,
        config: FibConfig,
        source: Arc<dyn FibSource>,
    ) {
        let mut sources = self.sources.write();
        let mut list = sources.to_vec();
        list.push(Registered {
            id,
            name,
            config,
            source,
        });
        list.sort_by(|a, b| a.rank().cmp(&b.rank()));
        *sources = list.into();
    }

    /// Another answer to whether a router's default route is accepted.
    pub(crate) fn accept_default_route(&self, id: u16, accept: bool) {
        let mut sources = self.sources.write();
        let mut list = sources.to_vec();
        for s in list.iter_mut().filter(|s| s.id == id) {
            s.config.accept_default_route = accept;
        }
        *sources = list.into();
        drop(sources);
        self.mark_all();
    }

    pub(crate) fn unregister(&self, id: u16) {
        let mut sources = self.sources.write();
        *sources = sources.iter().filter(|s| s.id != id).cloned().collect();
        drop(sources);
        self.mark_all();
    }

    /// All next hops have to be looked at again.
    pub(crate) fn mark_all(&self) {
        let mut tracked = self.tracked.lock();
        tracked.dirty = tracked.reach.keys().copied().collect();
    }

    /// Those within these prefixes have to be looked at again: a route there came, changed or went.
    pub(crate) fn mark_within(&self, prefixes: impl Iterator<Item = IpNet>) {
        let mut tracked = self.tracked.lock();
        let Tracked {
            ordered,
            dirty,
            recursive,
            ..
        } = &mut *tracked;
        if ordered.is_empty() {
            return;
        }
        let before = dirty.len();
        for prefix in prefixes {
            let first = HopKey {
                address: prefix.network(),
                link: None,
            };
            let last = HopKey {
                address: prefix.broadcast(),
                link: Some(u32::MAX),
            };
            dirty.extend(ordered.range(first..=last));
        }
        *recursive |= dirty.len() > before;
    }

    /// Looks again at what has to be, at most `budget` of them. Gives those that changed, with
    /// whether the table must know (else only the ways out differ), and whether more wait.
    pub(crate) fn refresh(&self, budget: usize) -> (Vec<(HopKey, bool)>, bool) {
        self.rung.store(false, SeqCst);
        let (mut keys, more) = {
            let mut tracked = self.tracked.lock();
            let Tracked {
                reach,
                dirty,
                recursive,
                ..
            } = &mut *tracked;
            if dirty.is_empty() && std::mem::take(recursive) {
                dirty.extend(reach.iter().filter(|(_, r)| r.recursive).map(|(k, _)| *k));
            }
            let keep = dirty.len().saturating_sub(budget);
            (dirty.split_off(keep), keep > 0 || *recursive)
        };
        keys.sort_unstable();
        keys.dedup();
        let mut changed = Vec::new();
        for key in keys {
            let fresh = self.compute(key);
            let mut tracked = self.tracked.lock();
            let Some(known) = tracked.reach.get_mut(&key) else {
                continue;
            };
            if **known != fresh {
                let told = known.state() != fresh.state();
                if told || known.legs != fresh.legs {
                    changed.push((key, told));
                    // One whose link was down was not elsewhere before: the addresses of a link that comes up take a while.
                    if known.state().reachable {
                        self.note_off_link(key, &fresh);
                    }
                }
                *known = Arc::new(fresh);
            }
        }
        // Answers are computed from the tables and never from each other, so that one more look is enough.
        let again = !changed.is_empty();
        if again {
            self.tracked.lock().recursive = true;
        }
        (changed, more || again)
    }

    pub(crate) fn has_dirty(&self) -> bool {
        let tracked = self.tracked.lock();
        tracked.recursive || !tracked.dirty.is_empty()
    }

    /// Forgets the next hops that no table has, `used` does not name and nobody asked for since the last
    /// time. The tables are read before the lock is taken: a next hop that is entered in between was
    /// asked for in between.
    pub(crate) fn forget_unused<'a>(&self, used: impl Iterator<Item = &'a HopKey>) {
        let sources = self.sources.read().clone();
        let mut kept: HashSet<HopKey> = used.copied().collect();
        for s in sources.iter() {
            kept.extend(s.source.tracked());
        }
        let mut tracked = self.tracked.lock();
        kept.extend(std::mem::take(&mut tracked.asked));
        tracked.reach.retain(|k, _| kept.contains(k));
        tracked.ordered = tracked.reach.keys().copied().collect();
        // Under the lock of `tracked`, as they are entered together.
        let followed = Followed::of(tracked.ordered.iter());
        self.followed.store(Arc::new(followed));
    }

    /// Every next hop that is followed, with how it is reached.
    pub(crate) fn all(&self) -> Vec<(HopKey, Arc<Reach>)> {
        let mut all: Vec<_> = self
            .tracked
            .lock()
            .reach
            .iter()
            .map(|(k, r)| (*k, r.clone()))
            .collect();
        all.sort_unstable_by_key(|(k, _)| *k);
        all
    }
}
#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::kernel::model::Ownership;
    use crate::kernel::resolve::tests::{kernel, key, route};

    /// A table of nothing but what it is made with: next hops, and a default route.
    pub(in crate::kernel) struct Made(Mutex<Vec<HopKey>>);

    impl FibSource for Made {
        fn attach(&self, _: Arc<dyn Fn() + Send + Sync>, _: Option<Arc<dyn FibInterest>>) {}
        fn detach(&self) {}
        fn drain(&self, _: usize, _: &mut Vec<crate::kernel::RouteChange>) -> bool {
            false
        }
        fn refeed(&self, _: Option<Arc<dyn FibInterest>>) {}
        fn lookup(&self, address: IpAddr, _: u8) -> Option<OwnRoute> {
            address.is_ipv4().then(|| OwnRoute {
                prefix: IpNet::default(),
                hops: [key("192.0.2.7")].into_iter().collect(),
            })
        }
        fn tracked(&self) -> Vec<HopKey> {
            self.0.lock().clone()
        }
        fn hops_changed(&self, _: &[HopKey]) -> Box<dyn crate::kernel::Walk> {
            unreachable!("nobody asks")
        }
    }

    pub(in crate::kernel) fn resolver() -> (Resolver, Arc<Made>) {
        let resolver = Resolver::new(Arc::new(|| {}));
        *resolver.table.write() = kernel();
        (resolver, Arc::new(Made(Mutex::default())))
    }

    #[test]
    fn a_table_counts_if_it_is_the_main_one_or_installs_nothing_and_its_default_route_if_accepted()
    {
        for (install, table, accept_default_route, reached) in [
            (true, MAIN_TABLE, true, true),
            (true, MAIN_TABLE, false, false),
            (true, 1000, true, false),
            (false, MAIN_TABLE, true, true),
            (false, 1000, true, true),
            (false, 1000, false, false),
        ] {
            let (resolver, made) = resolver();
            let ownership = Ownership {
                table,
                ..Ownership::default()
            };
            let config = FibConfig {
                install,
                ownership,
                accept_default_route,
            };
            resolver.register(0, "r".into(), config, made);
            let state = resolver.state(key("203.0.113.1"));
            assert_eq!(state.reachable, reached, "{config:?}");
        }
    }

    #[test]
    fn a_next_hop_that_is_asked_for_outlives_one_sweep_and_then_lives_by_being_used() {
        let (resolver, made) = resolver();
        resolver.register(0, "r".into(), FibConfig::default(), made.clone());
        let hop = key("192.0.2.5");
        let near: IpNet = "192.0.2.4/31".parse().unwrap();
        let kept = |used: &[HopKey]| {
            resolver.forget_unused(used.iter());
            (resolver.all().len(), resolver.wants(&near))
        };
        // The peer's task has asked and has not yet entered it in the table.
        resolver.state(hop);
        resolver.refresh(10);
        assert_eq!(kept(&[]), (1, true), "asked for a moment ago");
        // The sweep has read the table when it is entered, and it is asked for once more then.
        resolver.state(hop);
        assert_eq!(kept(&[]), (1, true), "asked for again");
        made.0.lock().push(hop);
        assert_eq!(kept(&[]), (1, true), "the table has it");
        made.0.lock().clear();
        assert_eq!(kept(&[hop]), (1, true), "a path set names it");
        assert_eq!(kept(&[]), (0, false), "nobody has it");
        resolver.state(hop);
        assert!(resolver.wants(&near), "followed anew");
    }

    #[test]
    fn an_address_is_on_a_link_if_its_longest_route_has_no_gateway() {
        let (resolver, _) = resolver();
        for (prefix, gateway, link) in [
            ("203.0.113.7/32", None, 2),
            ("2001:db8:1::7/128", None, 3),
            ("2001:db8::9/128", Some("fe80::1"), 2),
        ] {
            resolver
                .table
                .write()
                .add_route(&route(prefix, gateway, link, 0), false);
        }
        for (address, link) in [
            ("203.0.113.7", Some(2)),
            ("203.0.113.8", None),
            ("2001:db8:1::7", Some(3)),
            ("192.0.2.5", Some(2)),
            // Ours, over a gateway, over a longer route with one, a black hole, a tunnel.
            ("192.0.2.1", None),
            ("10.1.1.1", None),
            ("2001:db8::9", None),
            ("10.6.0.1", None),
            ("10.7.0.1", None),
        ] {
            let address = address.parse().unwrap();
            assert_eq!(resolver.direct_link(address), link, "{address}");
        }
    }

    #[test]
    fn a_route_that_next_hops_do_not_resolve_over_is_named_where_there_is_no_other() {
        for (table, accept_default_route, wanted) in [
            (
                MAIN_TABLE,
                false,
                "only a learned default route covers it, which is not accepted (kernel.acceptDefaultRoute)",
            ),
            (
                1000,
                true,
                "only 0.0.0.0/0 covers it, which is not in the main table but in 1000",
            ),
        ] {
            let (resolver, made) = resolver();
            let config = FibConfig {
                ownership: Ownership {
                    table,
                    ..Ownership::default()
                },
                accept_default_route,
                ..FibConfig::default()
            };
            resolver.register(0, "r".into(), config, made);
            let why = resolver.why(key("203.0.113.1"));
            assert_eq!(why.as_deref(), Some(wanted));
            assert_eq!(resolver.why(key("192.0.2.9")), None);
        }
    }
}
