//! Work in slices, however much of it there is.

use std::sync::atomic::Ordering::SeqCst;

use cosmos::kernel::FibState;
use cosmos::kernel::model::{Leg, Outcome};
use ipnet::IpNet;

use crate::kernel_table::hop;
use crate::world::{LINKS, World, installed};

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
