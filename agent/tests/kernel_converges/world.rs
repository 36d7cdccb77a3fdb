//! A simulated kernel with two links, and the kernel room's engine in front of it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cosmos::kernel::model::{
    FibAction, FibOp, KernelEvent, KernelRefusal, KernelRoute, Leg, Legs, Link, Outcome, Ownership,
    RouteKind,
};
use cosmos::kernel::{Engine, FibConfig, FibState, HopKey, IpFamily, KernelStats, Resolver};
use ipnet::IpNet;

use crate::kernel_table::Table;

pub(crate) type Key = (u32, IpNet, u32);

/// Links 2 and 3 with a network each; routes by table, prefix and metric, as the kernel keys them.
pub(crate) struct Kernel {
    pub(crate) routes: BTreeMap<Key, (u8, Legs)>,
    /// Routes of the same key behind those: of one key the kernel uses the first.
    pub(crate) behind: BTreeMap<Key, (u8, Legs)>,
    pub(crate) up: [bool; 2],
    /// Notifications not yet delivered.
    pub(crate) pending: Vec<KernelEvent>,
    /// Notifications are lost from now on.
    pub(crate) deaf: bool,
    pub(crate) refuse: BTreeSet<IpNet>,
    pub(crate) lose_answers: bool,
}

pub(crate) const LINKS: [u32; 2] = [2, 3];

pub(crate) fn network(link: usize, v6: bool) -> IpNet {
    let n = link + 1;
    if v6 {
        format!("2001:db8:{n}::/64")
    } else {
        format!("192.0.{n}.0/24")
    }
    .parse()
    .unwrap()
}

impl Kernel {
    pub(crate) fn new() -> Self {
        let mut kernel = Self {
            routes: BTreeMap::new(),
            behind: BTreeMap::new(),
            up: [false; 2],
            pending: Vec::new(),
            deaf: false,
            refuse: BTreeSet::new(),
            lose_answers: false,
        };
        kernel.set_link(0, true);
        kernel.set_link(1, true);
        kernel
    }

    pub(crate) fn tell(&mut self, event: KernelEvent) {
        if !self.deaf {
            self.pending.push(event);
        }
    }

    pub(crate) fn link(&self, at: usize) -> Link {
        Link {
            ifindex: LINKS[at],
            name: format!("v{at}").into(),
            admin_up: self.up[at],
            carrier: self.up[at],
            ethernet: None,
        }
    }

    pub(crate) fn set_link(&mut self, at: usize, up: bool) {
        if self.up[at] == up {
            return;
        }
        self.up[at] = up;
        if up {
            self.tell(KernelEvent::Link(self.link(at)));
            for v6 in [false, true] {
                self.add((254, network(at, v6), 0), 2, [Leg::new(None, LINKS[at])]);
            }
            return;
        }
        // What has no leg left goes. IPv6 says which routes go, before it says that the link went; IPv4 says nothing.
        let gone: Vec<_> = self
            .routes
            .iter()
            .filter(|(_, (_, legs))| legs.iter().any(|l| l.ifindex == LINKS[at]))
            .filter(|(_, (_, legs))| legs.iter().all(|l| self.is_dead(l)))
            .map(|(key, _)| *key)
            .collect();
        for key in gone {
            let (protocol, legs) = self.routes.remove(&key).unwrap();
            if matches!(key.1, IpNet::V6(_)) {
                self.tell(KernelEvent::RouteGone(route(key, protocol, legs)));
            }
        }
        self.tell(KernelEvent::Link(self.link(at)));
    }

    fn is_dead(&self, leg: &Leg) -> bool {
        LINKS
            .iter()
            .zip(self.up)
            .any(|(link, up)| *link == leg.ifindex && !up)
    }

    /// What the kernel says of an IPv6 gateway: the best route to it must have no gateway itself (`ip6_route_check_nh`),
    /// or, if the gateway is said to be on its link, must lead to that link (`ip6_route_check_nh_onlink`).
    fn judge_gateway(&self, leg: &Leg) -> Option<i32> {
        let Some(gateway @ IpAddr::V6(_)) = leg.gateway else {
            return None;
        };
        let matching = self.routes.iter().filter(|(k, _)| k.1.contains(&gateway));
        let best = matching.max_by_key(|(k, _)| (k.1.prefix_len(), Reverse(k.2)));
        let Some((_, (_, legs))) = best else {
            return (!leg.onlink).then_some(libc::EHOSTUNREACH);
        };
        if leg.onlink {
            let leads_there = legs.iter().any(|l| l.ifindex == leg.ifindex);
            return (!leads_there).then_some(libc::EINVAL);
        }
        let behind = legs.iter().any(|l| l.gateway.is_some());
        behind.then_some(libc::EHOSTUNREACH)
    }

    pub(crate) fn add(&mut self, key: Key, protocol: u8, legs: impl IntoIterator<Item = Leg>) {
        let legs: Legs = legs.into_iter().collect();
        let replaced = self.routes.insert(key, (protocol, legs.clone())).is_some();
        self.tell(KernelEvent::Route {
            route: route(key, protocol, legs),
            replaced,
        });
    }

    pub(crate) fn remove(&mut self, key: Key) {
        if let Some((protocol, legs)) = self.routes.remove(&key) {
            self.tell(KernelEvent::RouteGone(route(key, protocol, legs)));
        }
    }

    /// `ip route prepend` and `append`: one more route of a key.
    pub(crate) fn beside(&mut self, key: Key, first: bool, protocol: u8, leg: Leg) {
        let new: (u8, Legs) = (protocol, [leg].into_iter().collect());
        let behind = match first {
            true => self.routes.insert(key, new.clone()),
            false => Some(new.clone()),
        };
        self.behind.extend(behind.map(|route| (key, route)));
        self.tell(KernelEvent::Route {
            route: route(key, protocol, new.1),
            replaced: false,
        });
    }

    /// The first route of a key goes.
    fn drop_first(&mut self, key: Key) {
        self.routes.remove(&key);
        self.routes
            .extend(self.behind.remove(&key).map(|next| (key, next)));
    }

    /// Our own writes are not told to us.
    pub(crate) fn write(&mut self, op: &FibOp, engine: &Engine) -> Outcome {
        let key = (op.owner.table, op.prefix, op.owner.metric);
        let there = self.routes.get(&key).map(|(protocol, _)| *protocol);
        let refused = |errno| {
            Outcome::Refused(KernelRefusal {
                errno,
                message: None,
            })
        };
        match op.action {
            FibAction::Delete | FibAction::Leave(_) => {
                if there != Some(op.owner.protocol) {
                    return refused(libc::ESRCH);
                }
                self.drop_first(key);
            }
            FibAction::RemoveSecond(set) => {
                let named = |route: Option<&(u8, Legs)>| {
                    route.is_some_and(|(p, legs)| {
                        *p == op.owner.protocol && **legs == *engine.legs(set)
                    })
                };
                if named(self.routes.get(&key)) {
                    self.drop_first(key);
                } else if named(self.behind.get(&key)) {
                    self.behind.remove(&key);
                } else {
                    return refused(libc::ESRCH);
                }
            }
            FibAction::Add(set) | FibAction::Replace(set) => {
                let add = matches!(op.action, FibAction::Add(_));
                if add && there.is_some() {
                    return refused(libc::EEXIST);
                }
                // Nobody can help what happened while notifications were lost.
                assert!(
                    self.deaf || there.is_none_or(|p| p == op.owner.protocol),
                    "a route of protocol {there:?} was replaced at {key:?}"
                );
                let legs: Legs = engine.legs(set).iter().copied().collect();
                if self.refuse.contains(&op.prefix) || legs.iter().any(|l| self.is_dead(l)) {
                    return refused(libc::ENETUNREACH);
                }
                if let Some(errno) = legs.iter().find_map(|l| self.judge_gateway(l)) {
                    return refused(errno);
                }
                self.routes.insert(key, (op.owner.protocol, legs));
            }
        }
        Outcome::Done
    }
}

pub(crate) fn route(key: Key, protocol: u8, legs: Legs) -> KernelRoute {
    KernelRoute {
        prefix: key.1,
        owner: Ownership {
            protocol,
            metric: key.2,
            table: key.0,
        },
        kind: RouteKind::Unicast,
        tos: 0,
        legs,
        encapsulated: false,
        nexthop_id: 0,
    }
}

pub(crate) struct World {
    pub(crate) kernel: Kernel,
    pub(crate) engine: Engine,
    pub(crate) stats: Arc<KernelStats>,
    pub(crate) tables: [Arc<Table>; 2],
    pub(crate) now: Instant,
    /// Routes read from a dump that is running.
    pub(crate) dump: Option<Vec<(Key, (u8, Legs))>>,
}

pub(crate) const BOTH: [IpFamily; 2] = [IpFamily::V4, IpFamily::V6];

impl World {
    pub(crate) fn new() -> Self {
        let resolver = Arc::new(Resolver::new(Arc::new(|| {})));
        let stats = Arc::new(KernelStats::default());
        let engine = Engine::new(resolver, stats.clone());
        let now = Instant::now();
        let tables = [Table::new(), Table::new()];
        let mut world = Self {
            kernel: Kernel::new(),
            engine,
            stats,
            tables,
            now,
            dump: None,
        };
        world.begin_dump();
        world.end_dump();
        let metrics = [300, 200];
        for (at, table) in world.tables.clone().into_iter().enumerate() {
            let ownership = Ownership {
                metric: metrics[at],
                ..Ownership::default()
            };
            let config = FibConfig {
                ownership,
                ..FibConfig::default()
            };
            let name: Arc<str> = format!("r{at}").into();
            world
                .engine
                .add_router(name, table, config, Arc::new(|| {}), now);
        }
        world
    }

    pub(crate) fn begin_dump(&mut self) {
        let (first, behind) = (&self.kernel.routes, &self.kernel.behind);
        let routes = first.iter().chain(behind).map(|(k, v)| (*k, v.clone()));
        self.dump = Some(routes.collect());
        self.engine.begin_dump(&BOTH, self.now);
        let links = (0..2).map(|at| self.kernel.link(at)).collect();
        let own = [
            "192.0.1.1/24",
            "192.0.2.1/24",
            "2001:db8:1::1/64",
            "2001:db8:2::1/64",
        ];
        let addresses = own
            .iter()
            .enumerate()
            .map(|(i, a)| (LINKS[i % 2], a.parse::<IpNet>().unwrap().into()));
        self.engine
            .dump_facts(links, addresses.collect(), Vec::new(), self.now);
    }

    pub(crate) fn end_dump(&mut self) {
        let Some(routes) = self.dump.take() else {
            return;
        };
        if !self.engine.is_dumping() {
            return;
        }
        for (key, (protocol, legs)) in routes {
            self.engine
                .dump_route(&route(key, protocol, legs), self.now);
        }
        self.engine.end_dump(true, self.now);
    }

    pub(crate) fn hear(&mut self) {
        for event in std::mem::take(&mut self.kernel.pending) {
            self.engine.handle_event(event, self.now);
        }
    }

    /// One turn as the task makes it.
    pub(crate) fn turn(&mut self) -> bool {
        self.hear();
        if self.dump.is_none() && self.engine.due_resync(self.now).is_some() {
            self.begin_dump();
        }
        let mut more = self.engine.turn(self.now);
        let mut ops = Vec::new();
        self.engine.plan(self.now, 7, &mut ops);
        more |= !ops.is_empty();
        let lost = self.kernel.lose_answers;
        let mut outcomes: Vec<Outcome> = Vec::new();
        for op in &ops {
            let outcome = self.kernel.write(op, &self.engine);
            outcomes.push(if lost { Outcome::Unknown } else { outcome });
        }
        self.engine.answer(&ops, &outcomes, self.now);
        if outcomes.contains(&Outcome::Unknown) {
            self.engine.request_resync(&BOTH, self.now);
        }
        more
    }

    /// From now on notifications are lost, or are not; the socket says so when it is read next.
    pub(crate) fn set_deaf(&mut self, on: bool) {
        if self.kernel.deaf && !on {
            self.hear();
            self.engine.handle_overrun(self.now);
            self.dump = None;
        }
        self.kernel.deaf = on;
    }

    /// Lets all settle without anybody reading the tables who was not asked to.
    pub(crate) fn settle_by_events(&mut self) {
        self.set_deaf(false);
        self.kernel.lose_answers = false;
        self.kernel.refuse.clear();
        // A dump that took minutes is made again after ten times as long.
        for _ in 0..4 {
            self.run();
            self.now += Duration::from_secs(2_000);
        }
        self.run();
    }

    /// Lets all settle: no more faults, time passes, one last audit.
    pub(crate) fn settle(&mut self) {
        self.set_deaf(false);
        self.kernel.lose_answers = false;
        self.kernel.refuse.clear();
        for _ in 0..3 {
            self.run();
            self.now += Duration::from_secs(40);
            self.run();
            self.begin_dump();
            self.end_dump();
        }
        self.run();
    }

    /// Turns until nothing is left to do within the next two seconds.
    pub(crate) fn run(&mut self) {
        let limit = self.now + Duration::from_secs(2);
        for _ in 0..10_000 {
            if self.dump.is_some() {
                self.end_dump();
            }
            if self.turn() || self.dump.is_some() {
                continue;
            }
            match self.engine.deadline() {
                Some(at) if at < limit => self.now = self.now.max(at),
                _ => return,
            }
        }
        panic!("it does not settle");
    }

    /// What should be in the kernel of ours.
    pub(crate) fn wanted(&self) -> BTreeMap<Key, (u8, Legs)> {
        let mut wanted = BTreeMap::new();
        let mut prefixes = BTreeSet::new();
        for table in &self.tables {
            prefixes.extend(table.prefixes());
        }
        for prefix in prefixes {
            // Lower metric first: the second router.
            let (metric, hops) = [(200, 1), (300, 0)]
                .into_iter()
                .find_map(|(m, at)| self.tables[at].hops(prefix).map(|h| (m, h)))
                .unwrap();
            let mut legs = Legs::new();
            for h in &hops {
                self.follow(*h, &mut Vec::new(), &mut legs);
            }
            legs.sort();
            legs.dedup();
            // Theirs are in the way of the same prefix where they lead to a link of ours, or have the same metric.
            let blocked = self.kernel.routes.iter().any(|(k, (p, legs))| {
                let theirs = *p != 196 || k.2 == 20;
                let direct =
                    legs.iter().any(|leg| leg.gateway.is_none()) && prefix.prefix_len() > 0;
                k.1 == prefix && (*p == 2 || theirs && (direct || k.2 == metric))
            });
            let v4_gateway = legs.iter().any(|l| l.gateway.is_some_and(|g| g.is_ipv4()));
            let mixed = v4_gateway && matches!(prefix, IpNet::V6(_));
            if !legs.is_empty() && !blocked && !mixed {
                wanted.insert((254, prefix, metric), (196, legs));
            }
        }
        wanted
    }

    /// Where a next hop leads: over the longest of our own routes that does not lead back to it, or to its link.
    pub(crate) fn follow(&self, hop: HopKey, path: &mut Vec<HopKey>, legs: &mut Legs) {
        let foreign = self.kernel.routes.iter();
        let foreign = foreign.filter(|(_, (p, _))| *p != 196).chain(
            // FRR's static routes carry our protocol, and metric 20.
            self.kernel.routes.iter().filter(|(k, _)| k.2 == 20),
        );
        let theirs = foreign
            .filter(|(k, _)| k.1.contains(&hop.address))
            .max_by_key(|(k, _)| (k.1.prefix_len(), Reverse(k.2)));
        path.push(hop);
        for (metric, prefix, next) in self.own_towards(hop) {
            let longer = theirs.is_none_or(|(k, _)| {
                // Of one prefix the kernel takes the lowest metric.
                prefix.prefix_len() > k.1.prefix_len() || prefix == k.1 && metric < k.2
            });
            if longer && !next.iter().any(|n| path.contains(n)) {
                let before = legs.len();
                for n in next {
                    self.follow(n, path, legs);
                }
                if legs.len() > before {
                    path.pop();
                    return;
                }
            }
        }
        path.pop();
        if let Some((_, (2, found))) = theirs {
            legs.push(Leg {
                gateway: Some(hop.address),
                onlink: hop.address.is_ipv6(),
                ..found[0]
            });
        }
    }

    /// Our routes around a next hop, the longest first.
    fn own_towards(&self, hop: HopKey) -> Vec<(u32, IpNet, Vec<HopKey>)> {
        let mut own = BTreeMap::new();
        for (at, metric) in [(0, 300), (1, 200)] {
            let table = &self.tables[at];
            for prefix in table.prefixes() {
                let hops = table.hops(prefix).filter(|_| prefix.contains(&hop.address));
                if let Some(hops) = hops {
                    own.insert(prefix, (metric, hops));
                }
            }
        }
        let mut own: Vec<_> = own.into_iter().map(|(p, (m, hops))| (m, p, hops)).collect();
        own.sort_by_key(|(_, p, _)| Reverse(p.prefix_len()));
        own
    }

    pub(crate) fn ours(&self) -> BTreeMap<Key, (u8, Legs)> {
        let ours = self
            .kernel
            .routes
            .iter()
            .filter(|(k, (p, _))| *p == 196 && k.2 != 20);
        ours.map(|(k, v)| (*k, v.clone())).collect()
    }

    pub(crate) fn check(&mut self) {
        let (ours, wanted) = (self.ours(), self.wanted());
        if ours != wanted {
            let mut rows = Vec::new();
            for key in ours.keys().chain(wanted.keys()) {
                rows.extend(self.engine.explain(key.1));
            }
            panic!("kernel: {ours:#?}\nwanted: {wanted:#?}\nrows: {rows:#?}");
        }
    }
}

impl World {
    pub(crate) fn ours_at(&self, metrics: &[u32]) -> usize {
        self.ours()
            .keys()
            .filter(|k| metrics.contains(&k.2))
            .count()
    }
}

/// Where a destination stands.
pub(crate) fn installed(world: &mut World, text: &str) -> FibState {
    let rows = world.engine.explain(text.parse().unwrap());
    rows.first()
        .unwrap_or_else(|| panic!("no row for {text}"))
        .state
}
