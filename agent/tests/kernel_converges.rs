//! The kernel room against a simulated kernel that refuses, forgets, is written to by others and
//! loses notifications: it ends in the wanted state, and never touches what is not ours.

mod kernel_table;
mod kernel_world;

use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use cosmos::kernel::model::{FibAction, KernelEvent, KernelRefusal, Leg, Outcome, Ownership};
use cosmos::kernel::{FibConfig, FibState};
use ipnet::IpNet;
use kernel_table::hop;
use kernel_world::{BOTH, LINKS, World, route};
use proptest::prelude::*;

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

const PREFIXES: [&str; 8] = [
    "10.0.0.0/24",
    "10.0.1.0/24",
    "192.0.1.0/24",
    "2001:db8:a::/48",
    "2001:db8:b::/48",
    "2001:db8:2::/64",
    // A neighbour's own address, and a part of the network that it is in.
    "2001:db8:1::2/128",
    "2001:db8:2::2/127",
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
        Step::Deaf { on } => world.set_deaf(on),
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
        world.settle_by_events();
        world.check();
        world.settle();
        world.check();
    }
}

#[test]
fn a_neighbour_that_announces_its_own_address_takes_no_route_over_it_out() {
    let own = ["2001:db8:1::2/128", "2001:db8:1::2/127"];
    let over_it = ["2001:db8:a::/48", "10.0.0.0/24"];
    let (first, last) = ([own, over_it].concat(), [over_it, own].concat());
    let orders: [Vec<&[&str]>; 4] = [
        vec![&own, &over_it],
        vec![&over_it, &own],
        vec![&first],
        vec![&last],
    ];
    for order in orders {
        let mut world = World::new();
        for batch in &order {
            for p in *batch {
                world.tables[0].route(p, &["2001:db8:1::2"]);
            }
            world.run();
        }
        for p in own.iter().chain(&over_it) {
            assert_eq!(
                installed(&mut world, p),
                FibState::Installed,
                "{p}: {order:?}"
            );
        }
        assert_eq!(world.stats.failed.load(SeqCst), 0, "{order:?}");
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
fn what_went_unheard_is_found_by_reading_again() {
    let mut world = World::new();
    for p in ["10.0.0.0/24", "2001:db8:a::/48"] {
        world.tables[0].route(p, &["2001:db8:1::2"]);
    }
    world.engine.set_converged();
    world.run();
    let stray = (254, "10.0.1.0/24".parse().unwrap(), 300);
    world.set_deaf(true);
    for p in ["10.0.0.0/24", "2001:db8:a::/48"] {
        world.kernel.remove((254, p.parse().unwrap(), 300));
    }
    world.kernel.add(stray, 196, [Leg::new(None, LINKS[0])]);
    world.run();
    assert_eq!(world.ours().into_keys().collect::<Vec<_>>(), [stray]);
    world.set_deaf(false);
    world.run();
    assert_eq!(world.ours().len(), 2);
    let removed = world.engine.removed_strays().unwrap();
    assert_eq!(
        (removed.all, removed.to_string().as_str()),
        (1, "10.0.1.0/24")
    );
    world.check();
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
fn a_second_route_with_our_marks_goes_and_ours_does_not_count_as_installed_until_then() {
    for (first, heard) in [(true, true), (false, true), (true, false), (false, false)] {
        let how = format!("before ours: {first}, heard: {heard}");
        let mut world = World::new();
        let p = "10.0.0.0/24";
        let key = (254, p.parse().unwrap(), 300);
        world.tables[0].route(p, &["192.0.1.2"]);
        world.run();
        let ours = world.kernel.routes[&key].clone();
        world.kernel.deaf = !heard;
        let other = Leg::new(Some("192.0.2.2".parse().unwrap()), LINKS[1]);
        world.kernel.beside(key, first, 196, other);
        world.kernel.deaf = false;
        if heard {
            world.hear();
        } else {
            world.begin_dump();
            world.end_dump();
        }
        let rows = world.engine.explain(key.1);
        assert_eq!(rows[0].state, FibState::Pending, "{how}");
        assert!(rows[0].reason.is_some(), "{how}");
        world.run();
        assert_eq!(world.kernel.routes[&key], ours, "{how}");
        assert!(world.kernel.behind.is_empty(), "{how}");
        assert_eq!(installed(&mut world, p), FibState::Installed, "{how}");
        assert_eq!(world.stats.repaired.load(SeqCst), 1, "{how}");
    }
}

#[test]
fn second_routes_with_our_marks_go_with_the_one_that_nobody_wants_any_more() {
    let mut world = World::new();
    let p = "10.0.0.0/24";
    let key = (254, p.parse().unwrap(), 300);
    world.tables[0].route(p, &["192.0.1.2"]);
    world.run();
    let other = Leg::new(Some("192.0.2.2".parse().unwrap()), LINKS[1]);
    world.kernel.beside(key, true, 196, other);
    world.hear();
    world.tables[0].route(p, &[]);
    world.run();
    assert_eq!(
        (world.kernel.routes.get(&key), world.kernel.behind.len()),
        (None, 0)
    );
    assert!(world.engine.is_empty());
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
    assert_eq!(world.engine.removed_strays(), None);
    world.engine.set_converged();
    world.run();
    assert_eq!(world.ours().len(), 1);
    assert_eq!(world.stats.withdrawn.load(SeqCst), 1);
    let removed = world.engine.removed_strays().unwrap();
    assert_eq!(
        (removed.all, removed.to_string().as_str()),
        (1, "10.0.1.0/24")
    );
    // What a router no longer wants is none.
    world.tables[0].route("10.0.0.0/24", &[]);
    world.run();
    assert_eq!(world.ours().len(), 0);
    assert_eq!(world.engine.removed_strays(), None);
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

#[test]
fn what_is_told_of_links_and_addresses_while_they_are_read_is_newer() {
    let mut world = World::new();
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.tables[0].route("10.0.1.0/24", &["192.0.2.9"]);
    world.run();
    let links = (0..2).map(|at| world.kernel.link(at)).collect();
    let addresses = [(LINKS[0], "192.0.1.1/24"), (LINKS[1], "192.0.2.1/24")];
    let net = |text: &str| -> IpNet { text.parse().unwrap() };
    let addresses = addresses.map(|(link, text)| (link, net(text).into()));
    // They have been read, and a node with many links is still being read, when one of them goes down
    // and the other gets an address.
    world.engine.begin_dump(&BOTH, world.now);
    world.kernel.set_link(0, false);
    let address = net("192.0.2.9/24").into();
    world.kernel.tell(KernelEvent::Address {
        ifindex: LINKS[1],
        address,
    });
    world.hear();
    world
        .engine
        .dump_facts(links, addresses.to_vec(), Vec::new(), world.now);
    for (key, (protocol, legs)) in world.kernel.routes.clone() {
        let route = route(key, protocol, legs);
        world.engine.dump_route(&route, world.now);
    }
    world.engine.end_dump(true, world.now);
    while world.turn() {}
    assert_eq!(installed(&mut world, "10.0.0.0/24"), FibState::Unresolved);
    assert_eq!(
        installed(&mut world, "10.0.1.0/24"),
        FibState::Unresolved,
        "it is our own address"
    );
}

#[test]
fn what_was_someone_elses_until_a_router_came_resolves_nothing_any_more() {
    let mut world = World::new();
    // Of an earlier run, by a router that is not there yet.
    let gateway = Leg::new(Some("192.0.1.2".parse().unwrap()), LINKS[0]);
    let key = (254, "203.0.113.0/24".parse().unwrap(), 250);
    world.kernel.add(key, 196, [gateway]);
    world.tables[0].route("10.0.0.0/24", &["203.0.113.1"]);
    world.run();
    assert_eq!(installed(&mut world, "10.0.0.0/24"), FibState::Installed);
    let ownership = Ownership {
        metric: 250,
        ..Ownership::default()
    };
    let config = FibConfig {
        ownership,
        ..FibConfig::default()
    };
    let table = kernel_table::Table::new();
    let now = world.now;
    world
        .engine
        .add_router("r2".into(), table, config, Arc::new(|| {}), now);
    world.run();
    assert_eq!(installed(&mut world, "10.0.0.0/24"), FibState::Unresolved);
}

#[test]
fn one_of_two_routes_of_an_earlier_run_is_not_removed_once_it_is_the_wanted_one() {
    let mut world = World::new();
    let gateway = Leg::new(Some("192.0.1.2".parse().unwrap()), LINKS[0]);
    let prefix: IpNet = "10.0.0.0/24".parse().unwrap();
    for metric in [200, 300] {
        let legs = [gateway].into_iter().collect();
        world
            .kernel
            .routes
            .insert((254, prefix, metric), (196, legs));
    }
    world.begin_dump();
    world.end_dump();
    world.run();
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.run();
    assert_eq!(world.ours_at(&[300]), 1);
    assert!(
        world.engine.is_idle(),
        "what waits for convergence must not hold it up"
    );
    world.engine.set_converged();
    world.run();
    assert_eq!(world.ours_at(&[300]), 1, "the wanted one is still there");
}

#[test]
fn a_slot_that_is_used_again_does_not_inherit_what_was_refused_before() {
    let mut world = World::new();
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.run();
    world.engine.set_converged();
    world.tables[0].route("10.0.0.0/24", &[]);
    // The kernel does not remove it, for long; then someone else does.
    let refused = Outcome::Refused(KernelRefusal {
        errno: libc::EBUSY,
        message: None,
    });
    let mut ops = Vec::new();
    for _ in 0..12 {
        world.now += Duration::from_secs(31);
        while world.engine.turn(world.now) && world.engine.queued() == 0 {}
        world.engine.plan(world.now, 10, &mut ops);
        assert_eq!(ops.len(), 1);
        let outcomes = [refused.clone()];
        world.engine.answer(&ops, &outcomes, world.now);
    }
    let key = (254, "10.0.0.0/24".parse().unwrap(), 300);
    world.kernel.remove(key);
    world.hear();
    assert!(world.engine.is_empty());
    // Another destination takes its place: a stray, which has to go, and soon.
    let key = (254, "10.0.1.0/24".parse().unwrap(), 300);
    world.kernel.add(key, 196, [Leg::new(None, 1)]);
    world.run();
    assert_eq!(world.ours().len(), 0);
}

#[test]
fn a_default_route_goes_to_the_router_that_may_install_it_and_follows_the_answer() {
    let mut world = World::new();
    let config = |metric, accept_default_route| FibConfig {
        ownership: Ownership {
            metric,
            ..Ownership::default()
        },
        accept_default_route,
        ..FibConfig::default()
    };
    // The second router has the lower metric.
    world.tables[0].route("0.0.0.0/0", &["192.0.1.2"]);
    world.tables[1].route("0.0.0.0/0", &["192.0.2.2"]);
    world.tables[0].route("10.0.0.0/24", &["203.0.113.1"]);
    let metrics = |world: &World| -> Vec<u32> {
        let default = IpNet::default();
        let ours = world.ours().into_keys();
        ours.filter(|k| k.1 == default).map(|k| k.2).collect()
    };
    for (first, second, metric) in [
        (false, false, None),
        (true, false, Some(300)),
        (true, true, Some(200)),
        (false, true, Some(200)),
        (false, false, None),
        (true, false, Some(300)),
    ] {
        let now = world.now;
        world.engine.change_router("r0", config(300, first), now);
        world.engine.change_router("r1", config(200, second), now);
        world.run();
        assert_eq!(
            metrics(&world),
            metric.into_iter().collect::<Vec<_>>(),
            "{first} {second}"
        );
        // What is not accepted does not lead next hops anywhere either.
        let wanted = match metric {
            Some(_) => FibState::Installed,
            None => FibState::Unresolved,
        };
        assert_eq!(
            installed(&mut world, "10.0.0.0/24"),
            wanted,
            "{first} {second}"
        );
    }
    let rows = world.engine.explain(IpNet::default());
    let barred = rows.iter().find(|r| r.router.as_deref() == Some("r1"));
    let barred = barred.unwrap();
    assert_eq!(
        (barred.state, &barred.shadowed_by),
        (FibState::Excluded, &None)
    );
    assert_eq!(
        barred.reason.as_deref(),
        Some("a learned default route is not accepted (kernel.acceptDefaultRoute)")
    );
    let status = world.engine.status();
    let (_, barred) = status.iter().find(|(name, _)| &**name == "r1").unwrap();
    assert_eq!((barred.wanted, barred.excluded, barred.shadowed), (0, 1, 0));
}

#[test]
fn answers_that_are_lost_while_a_route_moves_leave_nothing_behind() {
    let mut world = World::new();
    world.engine.set_converged();
    world.kernel.lose_answers = true;
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.turn();
    // Added at one metric, removed at the other: nobody knows.
    world.tables[1].route("10.0.0.0/24", &["192.0.1.2"]);
    world.turn();
    world.begin_dump();
    world.kernel.lose_answers = false;
    world.tables[0].route("10.0.0.0/24", &[]);
    world.tables[1].route("10.0.0.0/24", &[]);
    world.now += Duration::from_secs(1);
    while world.turn() {}
    world.end_dump();
    world.settle_by_events();
    world.check();
}

#[test]
fn next_hops_that_change_without_end_do_not_pile_up_walks() {
    let mut world = World::new();
    world.tables[0].route("10.0.0.0/24", &["203.0.113.1"]);
    world.run();
    world.tables[0].walk_slowly(10);
    world.tables[0].told();
    let key = (254, "203.0.113.0/24".parse().unwrap(), 20);
    let gateway = Leg::new(Some("192.0.1.9".parse().unwrap()), LINKS[0]);
    for _ in 0..100 {
        world.kernel.add(key, 4, [gateway]);
        world.turn();
        world.kernel.remove(key);
        world.turn();
        assert!(world.tables[0].walks() <= 1);
    }
    world.kernel.add(key, 4, [gateway]);
    world.run();
    assert_eq!(world.tables[0].walks(), 0);
    let told = world.tables[0].told();
    assert!((3..=40).contains(&told.len()), "told {} times", told.len());
    assert_eq!(installed(&mut world, "10.0.0.0/24"), FibState::Installed);
}

#[test]
fn a_change_reaches_the_last_route_though_others_follow_it_without_end() {
    const MANY: u32 = 50_000;
    let mut world = World::new();
    let prefix = |i: u32| IpNet::new((0x1400_0000 + (i << 8)).to_be_bytes().into(), 24).unwrap();
    let far = vec![hop("203.0.113.1")];
    world.tables[0].set((0..MANY).map(|i| (prefix(i), far.clone())));
    world.tables[0].route("10.0.0.0/24", &["203.0.114.1"]);
    let via = |world: &mut World, net: &str, gateway: &str| {
        let key = (254, net.parse().unwrap(), 20);
        let gateway = Leg::new(Some(gateway.parse().unwrap()), LINKS[0]);
        world.kernel.add(key, 4, [gateway]);
    };
    let mut ops = Vec::new();
    let mut turn = |world: &mut World| {
        world.hear();
        world.engine.turn(world.now);
        world.engine.plan(world.now, 100_000, &mut ops);
        let outcomes = vec![Outcome::Done; ops.len()];
        world.engine.answer(&ops, &outcomes, world.now);
    };
    via(&mut world, "203.0.113.0/24", "192.0.1.8");
    via(&mut world, "203.0.114.0/24", "192.0.1.8");
    for _ in 0..100 {
        turn(&mut world);
    }
    via(&mut world, "203.0.113.0/24", "192.0.1.9");
    for i in 0..40 {
        let gateway = if i % 2 == 0 { "192.0.1.9" } else { "192.0.1.8" };
        via(&mut world, "203.0.114.0/24", gateway);
        turn(&mut world);
    }
    let row = world.engine.explain(prefix(MANY - 1)).remove(0);
    assert_eq!(row.installed[0].gateway, Some("192.0.1.9".parse().unwrap()));
}

#[test]
fn a_batch_looks_at_a_slice_of_what_needs_no_message() {
    let mut world = World::new();
    let prefix = |i: u32| IpNet::new((0x1400_0000 + (i << 8)).to_be_bytes().into(), 24).unwrap();
    let nowhere = vec![hop("203.0.113.1")];
    world.tables[0].set((0..50_000).map(|i| (prefix(i), nowhere.clone())));
    while world.engine.queued() < 50_000 {
        world.engine.turn(world.now);
    }
    let mut ops = Vec::new();
    world.engine.plan(world.now, 500, &mut ops);
    assert!(ops.is_empty());
    let left = world.engine.queued();
    assert!((30_000..50_000).contains(&left), "{left} wait");
    world.run();
    assert_eq!(world.engine.status()[0].1.unresolved, 50_000);
}
