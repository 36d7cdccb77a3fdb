//! Other rules of selection while the table is in use.

mod support;

use bgp_wire::*;
use ipnet::IpNet;
use rib::*;
use support::*;

const V4: Family = Family::IPV4_UNICAST;

fn select(world: &World, compare_router_id: bool, max_paths: u8) {
    let decision = DecisionConfig {
        compare_router_id,
        ..DecisionConfig::default()
    };
    let selection = Selection {
        decision,
        max_paths,
        require_reachable: false,
    };
    world.rib.select_by(selection).finish(&world.rib);
}

#[test]
fn fewer_and_more_paths_share_the_traffic_though_the_best_one_stays() {
    let mut world = World::new(1, 4);
    world.rib.open_fib_reader(std::sync::Arc::new(()), None);
    let prefix: IpNet = "192.0.2.0/24".parse().unwrap();
    for host in 4..7 {
        let peer = world.add(SourceKind::Ebgp, Asn(64501));
        let attrs = set(V4, Asn(64501), host, |_| {});
        world.announce(peer, &[prefix], 0, attrs.as_ref());
        world.flush(peer);
    }
    for max_paths in [4, 1, 2, 1, 4] {
        select(&world, false, max_paths);
        world.drain_fib(10);
        let ways = world.fib[&prefix].len();
        assert_eq!(ways, usize::from(max_paths.min(3)), "of {max_paths}");
    }
}
