//! Links and addresses that change, in order and unheard.

use std::sync::atomic::Ordering::SeqCst;

use cosmos::kernel::FibState;
use cosmos::kernel::model::{KernelEvent, Leg};
use ipnet::IpNet;

use crate::world::{BOTH, LINKS, World, installed, route};

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
