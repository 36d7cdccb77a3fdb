//! The kernel room against a simulated kernel that refuses, forgets, is written to by others and
//! loses notifications: it ends in the wanted state, and never touches what is not ours.

mod kernel_table;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::{Duration, Instant};

use cosmos::kernel::model::{
    FibAction, FibOp, KernelEvent, KernelRefusal, KernelRoute, Leg, Legs, Link, Outcome, Ownership,
    RouteKind,
};
use cosmos::kernel::{Engine, FibConfig, FibState, HopKey, IpFamily, KernelStats, Resolver};
use ipnet::IpNet;
use kernel_table::{Table, hop};
use proptest::prelude::*;

type Key = (u32, IpNet, u32);

/// Links 2 and 3 with a network each; routes by table, prefix and metric, as the kernel keys them.
struct Kernel {
    routes: BTreeMap<Key, (u8, Legs)>,
    up: [bool; 2],
    /// Notifications not yet delivered.
    pending: Vec<KernelEvent>,
    /// Notifications are lost from now on.
    deaf: bool,
    refuse: BTreeSet<IpNet>,
    lose_answers: bool,
}

const LINKS: [u32; 2] = [2, 3];

fn network(link: usize, v6: bool) -> IpNet {
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
    fn new() -> Self {
        let mut kernel = Self {
            routes: BTreeMap::new(),
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

    fn tell(&mut self, event: KernelEvent) {
        if !self.deaf {
            self.pending.push(event);
        }
    }

    fn link(&self, at: usize) -> Link {
        Link {
            ifindex: LINKS[at],
            name: format!("v{at}").into(),
            admin_up: self.up[at],
            carrier: self.up[at],
        }
    }

    fn set_link(&mut self, at: usize, up: bool) {
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
        // IPv6 says which routes go, before it says that the link went; IPv4 says nothing.
        let gone: Vec<_> = self
            .routes
            .iter()
            .filter(|(_, (_, legs))| legs.iter().all(|l| l.ifindex == LINKS[at]))
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

    fn add(&mut self, key: Key, protocol: u8, legs: impl IntoIterator<Item = Leg>) {
        let legs: Legs = legs.into_iter().collect();
        let replaced = self.routes.insert(key, (protocol, legs.clone())).is_some();
        self.tell(KernelEvent::Route {
            route: route(key, protocol, legs),
            replaced,
        });
    }

    fn remove(&mut self, key: Key) {
        if let Some((protocol, legs)) = self.routes.remove(&key) {
            self.tell(KernelEvent::RouteGone(route(key, protocol, legs)));
        }
    }

    /// Our own writes are not told to us.
    fn write(&mut self, op: &FibOp, engine: &Engine) -> Outcome {
        let key = (op.owner.table, op.prefix, op.owner.metric);
        let there = self.routes.get(&key).map(|(protocol, _)| *protocol);
        let refused = |errno| {
            Outcome::Refused(KernelRefusal {
                errno,
                message: None,
            })
        };
        match op.action {
            FibAction::Delete => {
                if there != Some(op.owner.protocol) {
                    return refused(libc::ESRCH);
                }
                self.routes.remove(&key);
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
                let dead = |l: &Leg| !self.up[usize::from(l.ifindex == LINKS[1])];
                if self.refuse.contains(&op.prefix) || legs.iter().any(dead) {
                    return refused(libc::ENETUNREACH);
                }
                self.routes.insert(key, (op.owner.protocol, legs));
            }
        }
        Outcome::Done
    }
}

fn route(key: Key, protocol: u8, legs: Legs) -> KernelRoute {
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

struct World {
    kernel: Kernel,
    engine: Engine,
    stats: Arc<KernelStats>,
    tables: [Arc<Table>; 2],
    now: Instant,
    /// Routes read from a dump that is running.
    dump: Option<Vec<(Key, (u8, Legs))>>,
}

const BOTH: [IpFamily; 2] = [IpFamily::V4, IpFamily::V6];

impl World {
    fn new() -> Self {
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

    fn begin_dump(&mut self) {
        let routes = self.kernel.routes.iter().map(|(k, v)| (*k, v.clone()));
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
            .map(|(i, a)| (LINKS[i % 2], a.parse().unwrap()));
        self.engine.dump_facts(links, addresses.collect(), self.now);
    }

    fn end_dump(&mut self) {
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

    fn hear(&mut self) {
        for event in std::mem::take(&mut self.kernel.pending) {
            self.engine.handle_event(event, self.now);
        }
    }

    /// One turn as the task makes it.
    fn turn(&mut self) -> bool {
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
        more
    }

    /// Lets all settle: no more faults, time passes, one last audit.
    fn settle(&mut self) {
        apply(self, Step::Deaf { on: false });
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
    fn run(&mut self) {
        let limit = self.now + Duration::from_secs(2);
        for _ in 0..10_000 {
            if self.dump.is_some() {
                self.end_dump();
            }
            if self.turn() {
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
    fn wanted(&self) -> BTreeMap<Key, (u8, Legs)> {
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
            let blocked = self
                .kernel
                .routes
                .iter()
                .any(|(k, (p, _))| k.1 == prefix && (*p == 2 || *p != 196 && k.2 == metric));
            let v4_gateway = legs.iter().any(|l| l.gateway.is_some_and(|g| g.is_ipv4()));
            let mixed = v4_gateway && matches!(prefix, IpNet::V6(_));
            if !legs.is_empty() && !blocked && !mixed {
                wanted.insert((254, prefix, metric), (196, legs));
            }
        }
        wanted
    }

    /// Where a next hop leads: to its link; or, with that down, over our own route to its network.
    fn follow(&self, hop: HopKey, path: &mut Vec<HopKey>, legs: &mut Legs) {
        let on = |at: usize| {
            [false, true]
                .iter()
                .map(|v6| network(at, *v6))
                .find(|n| n.contains(&hop.address))
        };
        let Some((at, net)) = (0..2).find_map(|at| on(at).map(|n| (at, n))) else {
            return;
        };
        let mut there = self.kernel.routes.iter().filter(|(k, _)| k.1 == net);
        if self.kernel.up[at] {
            legs.push(Leg::new(Some(hop.address), LINKS[at]));
        } else if there.all(|(k, (p, _))| *p == 196 && k.2 != 20) {
            path.push(hop);
            let next = self.tables[1]
                .hops(net)
                .or_else(|| self.tables[0].hops(net));
            let next = next.unwrap_or_default();
            if !next.iter().any(|n| path.contains(n)) {
                for n in next {
                    self.follow(n, path, legs);
                }
            }
            path.pop();
        }
    }

    fn ours(&self) -> BTreeMap<Key, (u8, Legs)> {
        let ours = self
            .kernel
            .routes
            .iter()
            .filter(|(k, (p, _))| *p == 196 && k.2 != 20);
        ours.map(|(k, v)| (*k, v.clone())).collect()
    }

    fn check(&mut self) {
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

/// What can happen.
#[derive(Debug, Clone)]
enum Step {
    Route {
        router: usize,
        prefix: usize,
        hops: Vec<usize>,
    },
    Link {
        at: usize,
        up: bool,
    },
    ForeignAdd {
        prefix: usize,
        protocol: u8,
        metric: u32,
    },
    ForeignRemove {
        prefix: usize,
        metric: u32,
    },
    OursChanged {
        prefix: usize,
        metric: u32,
    },
    Refuse {
        prefix: usize,
        on: bool,
    },
    Deaf {
        on: bool,
    },
    LoseAnswers {
        on: bool,
    },
    BeginDump,
    EndDump,
    Turns(usize),
    Time(u64),
    Converged,
}

const PREFIXES: [&str; 6] = [
    "10.0.0.0/24",
    "10.0.1.0/24",
    "192.0.1.0/24",
    "2001:db8:a::/48",
    "2001:db8:b::/48",
    "2001:db8:2::/64",
];
const HOPS: [&str; 6] = [
    "192.0.1.2",
    "192.0.2.2",
    "2001:db8:1::2",
    "2001:db8:2::2",
    "198.51.100.1",
    "2001:db8:2::3",
];

fn prefix(at: usize) -> IpNet {
    PREFIXES[at].parse().unwrap()
}

fn step() -> impl Strategy<Value = Step> {
    let p = 0..PREFIXES.len();
    let m = prop_oneof![Just(300u32), Just(200), Just(20)];
    prop_oneof![
        6 => (0..2usize, p.clone(), prop::collection::vec(0..HOPS.len(), 0..3))
            .prop_map(|(router, prefix, hops)| Step::Route { router, prefix, hops }),
        2 => (0..2usize, any::<bool>()).prop_map(|(at, up)| Step::Link { at, up }),
        1 => (p.clone(), prop_oneof![Just(4u8), Just(12), Just(196)], m.clone())
            .prop_map(|(prefix, protocol, metric)| Step::ForeignAdd { prefix, protocol, metric }),
        1 => (p.clone(), m.clone()).prop_map(|(prefix, metric)| Step::ForeignRemove { prefix, metric }),
        1 => (p.clone(), m).prop_map(|(prefix, metric)| Step::OursChanged { prefix, metric }),
        1 => (p, any::<bool>()).prop_map(|(prefix, on)| Step::Refuse { prefix, on }),
        1 => any::<bool>().prop_map(|on| Step::Deaf { on }),
        1 => any::<bool>().prop_map(|on| Step::LoseAnswers { on }),
        1 => Just(Step::BeginDump),
        1 => Just(Step::EndDump),
        5 => (1..4usize).prop_map(Step::Turns),
        2 => (1..5_000u64).prop_map(Step::Time),
        1 => Just(Step::Converged),
    ]
}

fn apply(world: &mut World, step: Step) {
    match step {
        Step::Route {
            router,
            prefix: p,
            hops,
        } => {
            let hops = hops.into_iter().map(|h| hop(HOPS[h])).collect();
            world.tables[router].set([(prefix(p), hops)]);
        }
        Step::Link { at, up } => world.kernel.set_link(at, up),
        Step::ForeignAdd {
            prefix: p,
            protocol,
            metric,
        } => {
            // Protocol 196 at metric 20 is FRR's static route; at ours it would be ours.
            let metric = if protocol == 196 { 20 } else { metric };
            let key = (254, prefix(p), metric);
            if world
                .kernel
                .routes
                .get(&key)
                .is_none_or(|(old, _)| *old != 2)
            {
                world.kernel.add(key, protocol, [Leg::new(None, 1)]);
            }
        }
        Step::ForeignRemove { prefix: p, metric } => {
            world.kernel.remove((254, prefix(p), metric));
        }
        Step::OursChanged { prefix: p, metric } => {
            let key = (254, prefix(p), metric);
            if world
                .kernel
                .routes
                .get(&key)
                .is_some_and(|(protocol, _)| *protocol == 196)
                && metric != 20
            {
                world.kernel.add(key, 196, [Leg::new(None, 1)]);
            }
        }
        Step::Refuse { prefix: p, on } => {
            if on {
                world.kernel.refuse.insert(prefix(p));
            } else {
                world.kernel.refuse.remove(&prefix(p));
            }
        }
        Step::Deaf { on } => {
            if world.kernel.deaf && !on {
                // The socket says so when it is read next.
                world.hear();
                world.engine.handle_overrun(world.now);
                world.dump = None;
            }
            world.kernel.deaf = on;
        }
        Step::LoseAnswers { on } => world.kernel.lose_answers = on,
        Step::BeginDump => {
            if world.dump.is_none() && !world.engine.is_dumping() {
                world.begin_dump();
            }
        }
        Step::EndDump => world.end_dump(),
        Step::Turns(n) => {
            for _ in 0..n {
                world.turn();
            }
        }
        Step::Time(ms) => world.now += Duration::from_millis(ms),
        Step::Converged => world.engine.set_converged(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_the_kernel_ends_up_with_what_is_wanted(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = World::new();
        for step in steps {
            apply(&mut world, step);
        }
        world.engine.set_converged();
        world.settle();
        world.check();
    }
}

fn installed(world: &mut World, text: &str) -> FibState {
    let rows = world.engine.explain(text.parse().unwrap());
    rows.first()
        .unwrap_or_else(|| panic!("no row for {text}"))
        .state
}

#[test]
fn a_link_that_vanishes_and_returns_gets_its_routes_back() {
    let mut world = World::new();
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.tables[0].route("2001:db8:a::/48", &["2001:db8:1::2"]);
    world.run();
    world.check();
    assert_eq!(world.ours().len(), 2);
    world.kernel.set_link(0, false);
    world.run();
    assert_eq!(world.ours().len(), 0);
    assert_eq!(installed(&mut world, "10.0.0.0/24"), FibState::Unresolved);
    world.kernel.set_link(0, true);
    world.run();
    assert_eq!(world.ours().len(), 2);
}

#[test]
fn a_link_that_flaps_between_two_readings_does_not_leave_ipv4_routes_out() {
    let mut world = World::new();
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.run();
    world.kernel.set_link(0, false);
    world.kernel.set_link(0, true);
    world.run();
    assert_eq!(world.ours().len(), 1, "down and up in one reading");
}

#[test]
fn a_refusal_is_told_and_tried_again_ever_more_slowly() {
    let mut world = World::new();
    let p: IpNet = "10.0.0.0/24".parse().unwrap();
    world.kernel.refuse.insert(p);
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.run();
    let row = world.engine.explain(p).remove(0);
    assert_eq!(row.state, FibState::Failed);
    assert_eq!(row.reason.as_deref(), Some("Network is unreachable"));
    let status = &world.engine.status()[0].1;
    assert_eq!((status.wanted, status.failed), (1, 1));
    assert_eq!(
        status.last_error.as_deref(),
        Some("10.0.0.0/24: Network is unreachable")
    );
    let failed = world.stats.failed.load(SeqCst);
    let before = world.now;
    for _ in 0..60 {
        world.now += Duration::from_secs(1);
        while world.turn() {}
    }
    let tries = world.stats.failed.load(SeqCst) - failed;
    assert!((3..=6).contains(&tries), "{tries} attempts in a minute");
    // A link event is a reason to try at once.
    world.kernel.refuse.clear();
    world.kernel.set_link(1, false);
    world.kernel.set_link(1, true);
    while world.turn() {}
    assert_eq!(installed(&mut world, "10.0.0.0/24"), FibState::Installed);
    assert!(world.now < before + Duration::from_secs(62));
}

#[test]
fn one_who_keeps_removing_our_route_is_answered_ever_more_slowly() {
    let mut world = World::new();
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.run();
    let key = (254, "10.0.0.0/24".parse().unwrap(), 300);
    for _ in 0..6_000 {
        world.kernel.remove(key);
        world.now += Duration::from_millis(10);
        while world.turn() {}
    }
    let repaired = world.stats.repaired.load(SeqCst);
    assert!(
        (3..=12).contains(&repaired),
        "{repaired} repairs in a minute of fighting"
    );
    world.settle();
    world.check();
}

#[test]
fn an_earlier_run_leaves_routes_that_stay_until_converged_and_then_go_or_stay_untouched() {
    let mut world = World::new();
    let gateway = Leg::new(Some("192.0.1.2".parse().unwrap()), LINKS[0]);
    for p in ["10.0.0.0/24", "10.0.1.0/24"] {
        world.kernel.routes.insert(
            (254, p.parse().unwrap(), 300),
            (196, [gateway].into_iter().collect()),
        );
    }
    world.begin_dump();
    world.end_dump();
    world.run();
    assert_eq!(installed(&mut world, "10.0.0.0/24"), FibState::Stale);
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.run();
    assert_eq!(world.ours().len(), 2);
    assert_eq!(
        world.stats.programmed.load(SeqCst),
        0,
        "what is right is not written again"
    );
    assert_eq!(installed(&mut world, "10.0.0.0/24"), FibState::Installed);
    world.engine.set_converged();
    world.run();
    assert_eq!(world.ours().len(), 1);
    assert_eq!(world.stats.withdrawn.load(SeqCst), 1);
}

#[test]
fn the_other_router_takes_over_without_a_gap() {
    let mut world = World::new();
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.run();
    world.tables[1].route("10.0.0.0/24", &["192.0.2.2"]);
    world.hear();
    world.engine.turn(world.now);
    let mut ops = Vec::new();
    world.engine.plan(world.now, 10, &mut ops);
    let metrics: Vec<_> = ops
        .iter()
        .map(|o| (o.owner.metric, o.action == FibAction::Delete))
        .collect();
    assert_eq!(
        metrics,
        [(200, false), (300, true)],
        "the new one is there before the old one goes"
    );
    let outcomes: Vec<_> = ops
        .iter()
        .map(|o| world.kernel.write(o, &world.engine))
        .collect();
    world.engine.answer(&ops, &outcomes, world.now);
    world.check();
    let rows = world.engine.explain("10.0.0.0/24".parse().unwrap());
    let shadowed = rows.iter().find(|r| r.state == FibState::Shadowed).unwrap();
    assert_eq!(shadowed.router.as_deref(), Some("r0"));
    assert_eq!(shadowed.shadowed_by.as_deref(), Some("r1"));
    assert_eq!(
        shadowed.reason.as_deref(),
        Some("router r1 has a lower metric")
    );
}

#[test]
fn a_router_that_goes_takes_its_routes_along_and_nothing_else() {
    let mut world = World::new();
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.tables[1].route("10.0.0.0/24", &["192.0.2.2"]);
    world.tables[1].route("10.0.1.0/24", &["192.0.2.2"]);
    world.run();
    world.engine.remove_router("r1");
    world.run();
    let ours = world.ours();
    assert_eq!(ours.len(), 1);
    assert_eq!(
        ours.keys().next().unwrap().2,
        300,
        "the other router's turn"
    );
    assert_eq!(world.engine.status().len(), 1);
    world.engine.remove_router("r0");
    world.run();
    assert!(world.engine.is_empty());
    assert!(world.ours().is_empty());
}

#[test]
fn a_stop_withdraws_all_of_ours() {
    let mut world = World::new();
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.tables[1].route("2001:db8:a::/48", &["2001:db8:1::2"]);
    world.kernel.add(
        (254, "10.0.0.0/24".parse().unwrap(), 20),
        196,
        [Leg::new(None, 1)],
    );
    world.run();
    let others = world.kernel.routes.len() - world.ours_at(&[200, 300]);
    world.engine.begin_stop();
    world.run();
    assert!(world.engine.is_idle());
    assert_eq!(world.ours_at(&[200, 300]), 0);
    assert_eq!(world.kernel.routes.len(), others);
}

impl World {
    fn ours_at(&self, metrics: &[u32]) -> usize {
        self.ours()
            .keys()
            .filter(|k| metrics.contains(&k.2))
            .count()
    }
}

#[test]
fn a_thousand_changes_of_one_destination_are_one_message() {
    let mut world = World::new();
    for n in 0..1_000 {
        let via = if n % 2 == 0 { "192.0.1.2" } else { "192.0.2.2" };
        world.tables[0].route("10.0.0.0/24", &[via]);
    }
    world.run();
    assert_eq!(world.stats.programmed.load(SeqCst), 1);
}
