//! Several routers: who has a destination, and what becomes of it when one comes or goes.

use std::sync::Arc;

use cosmos::kernel::model::{FibAction, Leg, Ownership};
use cosmos::kernel::{FibConfig, FibState};
use ipnet::IpNet;

use crate::kernel_table::Table;
use crate::world::{Key, LINKS, World, installed};

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
    let table = Table::new();
    let now = world.now;
    world
        .engine
        .add_router("r2".into(), table, config, Arc::new(|| {}), now);
    world.run();
    assert_eq!(installed(&mut world, "10.0.0.0/24"), FibState::Unresolved);
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

/// A route with these marks, of somebody else: it goes by way of the second link.
fn somebody_elses(world: &mut World, prefix: &str, metric: u32) -> Key {
    let key = (254, prefix.parse().unwrap(), metric);
    let gateway = Leg::new(Some("192.0.2.2".parse().unwrap()), LINKS[1]);
    world.kernel.add(key, 196, [gateway]);
    key
}

fn with_metric(metric: u32, install: bool) -> FibConfig {
    FibConfig {
        install,
        ownership: Ownership {
            metric,
            ..Ownership::default()
        },
        ..FibConfig::default()
    }
}

#[test]
fn a_router_that_installs_nothing_owns_no_route() {
    let mut world = World::new();
    world.engine.set_converged();
    world.run();
    let now = world.now;
    let (table, config) = (Table::new(), with_metric(250, false));
    let early = somebody_elses(&mut world, "203.0.113.0/24", 250);
    world
        .engine
        .add_router("r2".into(), table, config, Arc::new(|| {}), now);
    world.run();
    let late = somebody_elses(&mut world, "198.51.100.0/24", 250);
    world.run();
    for key in [early, late] {
        assert!(world.kernel.routes.contains_key(&key), "{key:?}");
    }
    // With the same marks as those that it is to install with, they are its own.
    world
        .engine
        .change_router("r2", with_metric(250, true), now);
    world.run();
    assert_eq!(world.ours_at(&[250]), 0);
}

#[test]
fn marks_that_no_router_has_any_more_are_given_up_with_the_last_route() {
    let mut world = World::new();
    world.engine.set_converged();
    world.tables[0].route("10.0.0.0/24", &["192.0.1.2"]);
    world.run();
    assert_eq!(world.ours_at(&[300]), 1);
    assert_eq!(world.engine.released(), []);
    let now = world.now;
    world
        .engine
        .change_router("r0", with_metric(400, true), now);
    world.run();
    assert_eq!((world.ours_at(&[300]), world.ours_at(&[400])), (0, 1));
    assert_eq!(world.engine.released(), [Ownership::default()]);
    let other = somebody_elses(&mut world, "203.0.113.0/24", 300);
    world.run();
    assert!(world.kernel.routes.contains_key(&other));
    // Whoever takes them again has what is there.
    world
        .engine
        .change_router("r0", with_metric(300, true), now);
    world.run();
    assert!(!world.kernel.routes.contains_key(&other));
    assert_eq!(world.ours_at(&[300]), 1);
}
