//! What the kernel refuses, and what others do to our routes.

use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use cosmos::kernel::FibState;
use cosmos::kernel::model::{KernelRefusal, Leg, Outcome};
use ipnet::IpNet;

use crate::world::{LINKS, World, installed};

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
