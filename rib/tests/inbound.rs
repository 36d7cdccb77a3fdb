//! UPDATEs on their way into the table: what is not taken, what makes MEDs count, and how much fits.

mod support;

use bgp_wire::{Asn, Family, FamilySet, NextHop, Role, RouterId};
use ipnet::{IpNet, Ipv4Net};
use rib::*;
use support::*;

const V4: Family = Family::IPV4_UNICAST;

fn net() -> IpNet {
    "10.0.0.0/8".parse().unwrap()
}

/// What `explain` says of the only path of a prefix.
fn reason(world: &World) -> Reason {
    let explained = world.rib.explain(net()).expect("the prefix is there");
    let [ExplainedPath { row, reason, .. }] = &explained.paths[..] else {
        panic!("one path: {:?}", explained.paths.len())
    };
    assert_eq!(row.best, *reason == Reason::Best);
    reason.clone()
}

/// RFC 4456 section 8. The world's router has the identifier 1, and its cluster is that of the identifier.
#[test]
fn a_path_that_was_reflected_back_to_us_is_not_eligible() {
    let ours = RouterId(1);
    for kind in [SourceKind::Ibgp, SourceKind::IbgpClient] {
        for (originator, clusters, wanted) in [
            (2, vec![3], Reason::Best),
            (1, vec![3], Reason::Ineligible(Ineligible::OriginatorLoop)),
            (2, vec![1], Reason::Ineligible(Ineligible::ClusterLoop)),
            (
                2,
                vec![3, 1, 4],
                Reason::Ineligible(Ineligible::ClusterLoop),
            ),
            (1, vec![1], Reason::Ineligible(Ineligible::OriginatorLoop)),
        ] {
            let mut world = World::new(1, 1);
            assert_eq!(world.rib.config().router_id, ours);
            let peer = world.add(kind, LOCAL_AS);
            let attrs = set(V4, Asn(64501), 2, |editor| {
                editor.set_local_pref(Some(100));
                editor.set_originator_id(Some(RouterId(originator)));
                for &cluster in clusters.iter().rev() {
                    editor.prepend_cluster_id(RouterId(cluster));
                }
            });
            world.announce(peer, &[net()], 0, attrs.as_ref());
            world.flush(peer);
            assert_eq!(reason(&world), wanted, "{kind:?} {originator} {clusters:?}");
            let accepted = u32::from(wanted == Reason::Best);
            let idx = world.peers[peer].idx;
            assert_eq!(world.rib.peer_counts(idx, V4).accepted, accepted);
        }
    }
}

/// RFC 9234 section 5, on the way in, by what we are to the peer: what it is to us is the counterpart.
#[test]
fn a_route_that_leaks_is_not_eligible_and_others_are_marked() {
    const PEER: Asn = Asn(64_501);
    for (role, marked_by, wanted) in [
        // "received from a Customer or an RS-Client"
        (Role::PROVIDER, None, Ok(None)),
        (Role::PROVIDER, Some(PEER), Err(Ineligible::RouteLeak)),
        (Role::RS, None, Ok(None)),
        (Role::RS, Some(Asn(7)), Err(Ineligible::RouteLeak)),
        // "received from a Peer [...] and the Attribute has a value that is not equal to the remote (i.e., Peer's) AS number"
        (Role::PEER, None, Ok(Some(PEER))),
        (Role::PEER, Some(PEER), Ok(Some(PEER))),
        (Role::PEER, Some(Asn(7)), Err(Ineligible::RouteLeak)),
        // "received from a Provider, a Peer, or an RS and the OTC Attribute is not present"
        (Role::CUSTOMER, None, Ok(Some(PEER))),
        (Role::CUSTOMER, Some(Asn(7)), Ok(Some(Asn(7)))),
        (Role::RS_CLIENT, None, Ok(Some(PEER))),
        (Role::RS_CLIENT, Some(Asn(7)), Ok(Some(Asn(7)))),
    ] {
        let mut world = World::new(1, 1);
        let peer = world.add(SourceKind::Ebgp, PEER);
        let idx = world.peers[peer].idx;
        let mut info = PeerInfo::clone(&world.rib.peer(idx));
        info.rules.role = Some(role);
        world.rib.update_peer(idx, info);
        let attrs = set(V4, PEER, 2, |editor| {
            editor.set_only_to_customer(marked_by);
        });
        world.announce(peer, &[net()], 0, attrs.as_ref());
        world.flush(peer);
        let explained = world.rib.explain(net()).expect("the prefix is there");
        let ExplainedPath { row, reason, .. } = &explained.paths[0];
        let found = match reason {
            Reason::Ineligible(why) => Err(*why),
            _ => Ok(row.attrs.as_ref().only_to_customer()),
        };
        assert_eq!(found, wanted, "{role} {marked_by:?}");
        // What was received stays to be seen.
        let received = row.received.as_ref().unwrap_or(&row.attrs);
        assert_eq!(received.as_ref().only_to_customer(), marked_by);
    }
}

/// A path for one prefix: the peer, the path id, the first AS, the MED, and the last octet of the next hop, which is the
/// IGP cost too.
type Told = (usize, u32, u32, u32, u8);

/// The last octet of the next hop of the best path after the third of these is withdrawn.
///
/// RFC 4271 section 9.1.2.2 c: the first path rules the second out by its MED, and the third is nearer than the first.
/// Without it the first wins; without the first, the second would.
fn best_after(peers: &[u32], told: [Told; 3], withdrawn: usize) -> u8 {
    let mut world = World::new(1, 1);
    for &asn in peers {
        world.add(SourceKind::Ebgp, Asn(asn));
    }
    for (peer, id, first, med, hop) in told {
        let attrs = set(V4, Asn(first), hop, |editor| editor.set_med(Some(med)));
        world.announce(peer, &[net()], id, attrs.as_ref());
        world.flush(peer);
    }
    let (peer, id, ..) = told[withdrawn];
    world.withdraw(peer, &[net()], id);
    world.flush(peer);
    let best = world.rows().into_iter().find(|row| row.best).unwrap();
    let Some(NextHop::V4(hop)) = best.attrs.as_ref().next_hop() else {
        panic!("an IPv4 next hop")
    };
    hop.octets()[3]
}

#[test]
fn meds_count_among_the_paths_of_one_add_path_peer_alone() {
    let told = [
        (0, 1, 64501, 10, 30),
        (0, 2, 64501, 20, 10),
        (0, 3, 64502, 0, 20),
    ];
    assert_eq!(best_after(&[64501], told, 0), 10);
    assert_eq!(best_after(&[64501], told, 2), 30);
}

#[test]
fn meds_count_among_the_paths_of_an_add_path_peer_that_are_all_of_its_own_as() {
    let told = [
        (0, 1, 64501, 10, 30),
        (0, 2, 64501, 20, 10),
        (1, 0, 64502, 0, 20),
    ];
    assert_eq!(best_after(&[64501, 64502], told, 0), 10);
    assert_eq!(best_after(&[64501, 64502], told, 2), 30);
}

#[test]
fn meds_count_among_peers_that_do_not_put_their_own_as_first() {
    let told = [
        (0, 0, 64601, 10, 30),
        (1, 0, 64601, 20, 10),
        (2, 0, 64503, 0, 20),
    ];
    assert_eq!(best_after(&[64501, 64502, 64503], told, 0), 10);
    assert_eq!(best_after(&[64501, 64502, 64503], told, 2), 30);
}

#[test]
fn a_destination_holds_some_paths_of_each_peer_and_no_more_than_it_can_number() {
    const OF_ONE: u32 = 255;
    const OF_ALL: u32 = 4095;
    let mut world = World::new(1, 1);
    let attrs = set(V4, Asn(64501), 2, |_| {});
    let peers: Vec<usize> = (0..=OF_ALL / OF_ONE)
        .map(|_| world.add(SourceKind::Ebgp, Asn(64501)))
        .collect();
    let flushed = |world: &mut World, peer, n: u32| {
        let flushed = world.flush(peer);
        assert_eq!(flushed.announced, n as usize);
        flushed.dropped
    };
    // Of one peer only so many are taken, and the others have their places.
    for id in 1..=OF_ONE + 3 {
        world.announce(peers[0], &[net()], id, attrs.as_ref());
    }
    assert_eq!(flushed(&mut world, peers[0], OF_ONE + 3), 3);
    let mut all = OF_ONE;
    for &peer in &peers[1..] {
        let fit = OF_ONE.min(OF_ALL - all);
        for id in 1..=OF_ONE {
            world.announce(peer, &[net()], id, attrs.as_ref());
        }
        assert_eq!(flushed(&mut world, peer, OF_ONE), (OF_ONE - fit) as usize);
        all += fit;
    }
    assert_eq!(all, OF_ALL);

    // What is there may still change, and what goes makes room.
    world.announce(peers[0], &[net()], 7, attrs.as_ref());
    assert_eq!(flushed(&mut world, peers[0], 1), 0);
    world.withdraw(peers[0], &[net()], 8);
    world.announce(peers[0], &[net()], OF_ONE + 1, attrs.as_ref());
    assert_eq!(flushed(&mut world, peers[0], 1), 0);
    let idx = world.peers[peers[0]].idx;
    assert_eq!(world.rib.peer_counts(idx, V4).received, OF_ONE);
}

/// The nth of many prefixes of one destination table.
fn many(n: u32) -> IpNet {
    IpNet::V4(Ipv4Net::new((0x1000_0000 + (n << 8)).into(), 24).unwrap())
}

#[test]
fn a_very_long_batch_does_not_wait_for_the_flush_which_tells_of_all_of_it() {
    const FULL: usize = 64 * 1024;
    const N: usize = 3 * FULL / 2;
    let mut world = World::new(4, 1);
    let peer = world.add(SourceKind::Ebgp, Asn(64501));
    let idx = world.peers[peer].idx;
    let attrs = set(V4, Asn(64501), 2, |_| {});
    let nets: Vec<IpNet> = (0..N as u32).map(many).collect();
    let mut most = 0;
    for nets in nets.chunks(500) {
        world.announce(peer, nets, 0, attrs.as_ref());
        most = most.max(world.peers[peer].inbound.pending());
    }
    assert!(most < FULL, "{most} changes waited");
    assert!(world.rib.peer_counts(idx, V4).received as usize >= FULL);
    assert_eq!(world.flush(peer).announced, N);
    assert_eq!(world.rib.peer_counts(idx, V4).received as usize, N);

    for nets in nets.chunks(500) {
        world.withdraw(peer, nets, 0);
    }
    let flushed = world.flush(peer);
    assert_eq!((flushed.announced, flushed.withdrawn), (0, N));
    assert_eq!(world.flush(peer), Flushed::default());
}

#[test]
fn a_refresh_in_the_middle_of_a_read_takes_nothing_away_from_what_the_flush_tells() {
    let mut world = World::new(1, 1);
    let peer = world.add(SourceKind::Ebgp, Asn(64501));
    let attrs = set(V4, Asn(64501), 2, |_| {});
    world.announce(peer, &[many(0), many(1)], 0, attrs.as_ref());
    let inbound = &mut world.peers[peer].inbound;
    inbound.mark_stale(&world.rib, V4).finish(&world.rib);
    world.announce(peer, &[many(0)], 0, attrs.as_ref());
    let inbound = &mut world.peers[peer].inbound;
    let gone = inbound.sweep_stale(&world.rib, V4).finish(&world.rib);
    assert_eq!(gone, 1);
    world.announce(peer, &[many(2)], 0, attrs.as_ref());
    assert_eq!(world.flush(peer).announced, 4);
}

/// RFC 4760 section 7: "the speaker MUST delete all the BGP routes received from that neighbor whose AFI/SAFI is the same".
#[test]
fn a_family_that_is_disabled_loses_its_routes_of_that_peer_and_nothing_else() {
    const V6: Family = Family::IPV6_UNICAST;
    let mut world = World::new(1, 4);
    let (ours, other) = (
        world.add(SourceKind::Ebgp, Asn(64501)),
        world.add(SourceKind::Ebgp, Asn(64502)),
    );
    let v6: IpNet = "2001:db8::/32".parse().unwrap();
    for (peer, asn) in [(ours, 64501), (other, 64502)] {
        for (family, net) in [(V4, net()), (V6, v6)] {
            let attrs = set(family, Asn(asn), 2, |_| {});
            world.announce(peer, &[net], 0, attrs.as_ref());
        }
    }
    world.flush(other);
    // What is pending comes before, and goes too.
    let neighbor = &mut world.peers[ours];
    let walk = neighbor
        .inbound
        .remove(&world.rib, FamilySet::from([V6, Family::L2VPN_EVPN]));
    let idx = neighbor.idx;
    assert_eq!(walk.finish(&world.rib), 1);
    let left = |family| world.rib.peer_counts(idx, family).received;
    assert_eq!((left(V4), left(V6)), (1, 0));
    let paths = |net| world.rib.explain(net).expect("it is there").paths.len();
    assert_eq!((paths(net()), paths(v6)), (2, 1));
}

fn nets(range: std::ops::Range<u8>) -> Vec<IpNet> {
    range
        .map(|n| IpNet::V4(Ipv4Net::new([10, n, 0, 0].into(), 16).unwrap()))
        .collect()
}

/// RFC 4271 section 6.7: "discards new address prefixes from the neighbor (while maintaining the BGP connection with the neighbor)".
#[test]
fn new_prefixes_above_the_ceiling_are_not_taken_and_others_are() {
    // One shard: changes are made in the order in which they came.
    let mut world = World::new(1, 1);
    let peer = world.add(SourceKind::Ebgp, Asn(64_501));
    let idx = world.peers[peer].idx;
    let ceiling = Ceiling {
        family: V4,
        most: 3,
        after_policy: false,
    };
    world.peers[peer].inbound.set_ceilings([ceiling]);
    let turned_away = |world: &mut World| {
        let away = world.peers[peer].inbound.take_turned_away();
        away.collect::<Vec<_>>()
    };
    let received = |world: &World, family| world.rib.peer_counts(idx, family).received;
    let first = set(V4, Asn(64_501), 2, |_| {});
    let second = set(V4, Asn(64_501), 3, |_| {});
    world.announce(peer, &nets(0..5), 0, first.as_ref());
    world.flush(peer);
    assert_eq!(received(&world, V4), 3);
    assert_eq!(turned_away(&mut world), [(V4, 2)]);
    // What replaces a path is none more.
    world.announce(peer, &nets(0..3), 0, second.as_ref());
    world.flush(peer);
    assert_eq!(turned_away(&mut world), []);
    assert_eq!(received(&world, V4), 3);
    // One goes, and another has its place, in the same read.
    world.withdraw(peer, &nets(1..2), 0);
    world.announce(peer, &nets(3..5), 0, first.as_ref());
    world.flush(peer);
    assert_eq!(received(&world, V4), 3);
    assert_eq!(turned_away(&mut world), [(V4, 1)]);
    assert!(world.rib.explain(nets(4..5)[0]).is_none());
    // Other families have no ceiling.
    let v6 = set(Family::IPV6_UNICAST, Asn(64_501), 2, |_| {});
    let many: Vec<IpNet> = (0..9)
        .map(|n| format!("2001:db8:{n}::/48").parse().unwrap())
        .collect();
    world.announce(peer, &many, 0, v6.as_ref());
    world.flush(peer);
    assert_eq!(received(&world, Family::IPV6_UNICAST), 9);
}

#[test]
fn a_ceiling_after_policy_counts_what_takes_part() {
    let mut world = World::new(1, 1);
    let peer = world.add(SourceKind::Ebgp, Asn(64_501));
    let idx = world.peers[peer].idx;
    let ceiling = Ceiling {
        family: V4,
        most: 2,
        after_policy: true,
    };
    world.peers[peer].inbound.set_ceilings([ceiling]);
    let looped = set(V4, Asn(64_501), 2, |editor| {
        editor.prepend_as_path(LOCAL_AS, 1);
        editor.prepend_as_path(Asn(64_501), 1);
    });
    let good = set(V4, Asn(64_501), 2, |_| {});
    world.announce(peer, &nets(0..4), 0, looped.as_ref());
    world.announce(peer, &nets(4..6), 0, good.as_ref());
    world.flush(peer);
    let counts = world.rib.peer_counts(idx, V4);
    assert_eq!((counts.received, counts.accepted), (6, 2));
    // One that did not count would now: it is not taken, and what was told before is no longer true.
    world.announce(peer, &nets(0..1), 0, good.as_ref());
    world.flush(peer);
    let counts = world.rib.peer_counts(idx, V4);
    assert_eq!((counts.received, counts.accepted), (5, 2));
    let away: Vec<_> = world.peers[peer].inbound.take_turned_away().collect();
    assert_eq!(away, [(V4, 1)]);
}

/// RFC 8326 section 4: by the word of an external peer, and of every peer when we end the session ourselves.
#[test]
fn what_is_about_to_go_is_the_last_choice() {
    let tag = bgp_wire::Community(0xffff_0000);
    for (kind, tagged, ends, wanted) in [
        (SourceKind::Ebgp, false, false, None),
        (SourceKind::Ebgp, true, false, Some(0)),
        (SourceKind::Ebgp, false, true, Some(0)),
        (SourceKind::Ibgp, false, false, Some(200)),
        // The LOCAL_PREF of who has it from outside counts.
        (SourceKind::Ibgp, true, false, Some(200)),
        (SourceKind::Ibgp, false, true, Some(0)),
    ] {
        let mut world = World::new(1, 1);
        let internal = kind != SourceKind::Ebgp;
        let asn = if internal { LOCAL_AS } else { Asn(64_501) };
        let peer = world.add(kind, asn);
        let idx = world.peers[peer].idx;
        let mut info = PeerInfo::clone(&world.rib.peer(idx));
        info.rules.graceful_shutdown = ends;
        world.rib.update_peer(idx, info);
        let attrs = set(V4, Asn(64_501), 2, |editor| {
            editor.set_local_pref(internal.then_some(200));
            if tagged {
                editor.add_community(tag);
            }
        });
        world.announce(peer, &[net()], 0, attrs.as_ref());
        world.flush(peer);
        let explained = world.rib.explain(net()).expect("the prefix is there");
        let row = &explained.paths[0].row;
        let kept = row.attrs.as_ref();
        assert_eq!(kept.local_pref(), wanted, "{kind} {tagged} {ends}");
        assert_eq!(kept.has_community(tag), tagged || ends);
        let received = row.received.as_ref().unwrap_or(&row.attrs);
        assert_eq!(received.as_ref().has_community(tag), tagged);
    }
}

/// RFC 7705 section 3.3: "Local AS" and "No Prepend Inbound".
#[test]
fn the_as_that_we_are_to_a_peer_is_in_front_of_its_paths_and_makes_loops() {
    let local = Asn(64_999);
    for (prepend, allowed, path, wanted) in [
        (true, 0, vec![64_501], Ok("64999 64501")),
        (false, 0, vec![64_501], Ok("64501")),
        (true, 0, vec![64_501, 64_999], Err(Ineligible::AsLoop)),
        (false, 0, vec![64_501, 64_999], Err(Ineligible::AsLoop)),
        (true, 1, vec![64_501, 64_999], Ok("64999 64501 64999")),
        (true, 0, vec![64_501, LOCAL_AS.0], Err(Ineligible::AsLoop)),
        (
            true,
            1,
            vec![64_501, 64_999, LOCAL_AS.0],
            Err(Ineligible::AsLoop),
        ),
    ] {
        let mut world = World::new(1, 1);
        let peer = world.add(SourceKind::Ebgp, Asn(64_501));
        let idx = world.peers[peer].idx;
        let mut info = PeerInfo::clone(&world.rib.peer(idx));
        info.allow_as_in = allowed;
        info.rules.local_as = Some(LocalAs {
            asn: local,
            prepend,
        });
        world.rib.update_peer(idx, info);
        let ases: Vec<Asn> = path.iter().copied().map(Asn).collect();
        let attrs = set(V4, Asn(64_501), 2, |editor| editor.set_as_path(&ases));
        world.announce(peer, &[net()], 0, attrs.as_ref());
        world.flush(peer);
        let explained = world.rib.explain(net()).expect("the prefix is there");
        let ExplainedPath { row, reason, .. } = &explained.paths[0];
        let kept = row.attrs.as_ref().as_path().to_string();
        let found = match reason {
            Reason::Ineligible(why) => Err(*why),
            _ => Ok(&*kept),
        };
        assert_eq!(found, wanted, "{prepend} {allowed} {path:?}");
    }
}

/// RFC 4271 section 6.3: what is not on the link of an external neighbour one hop away "SHOULD be ignored". The routes stay in its
/// Adj-RIB-In, and count as soon as the rule no longer holds.
#[test]
fn a_next_hop_off_the_link_of_a_neighbour_one_hop_away_takes_its_routes_out() {
    let mut world = World::new(1, 1);
    let peer = world.add(SourceKind::Ebgp, Asn(64501));
    let idx = world.peers[peer].idx;
    let attrs = set(V4, Asn(64501), 2, |editor| {
        editor.set_next_hop(Some(NextHop::V4([192, 0, 2, 2].into())));
    });
    for (one_hop, wanted) in [
        (false, Reason::Best),
        (true, Reason::Ineligible(Ineligible::NextHopOffLink)),
        (false, Reason::Best),
    ] {
        let info = PeerInfo {
            link: EMPTY_LINK,
            one_hop,
            ..(*world.rib.peer(idx)).clone()
        };
        assert_eq!(world.rib.update_peer(idx, info), idx);
        world.announce(peer, &[net()], 0, attrs.as_ref());
        world.flush(peer);
        assert_eq!(reason(&world), wanted, "one hop: {one_hop}");
        assert_eq!(world.rib.peer_counts(idx, V4).received, 1);
    }
}

/// Where routes are only passed on, their next hop is the far end of a tunnel (RFC 4364 section 5, RFC 7432 section 9.2.1).
#[test]
fn only_routes_that_packets_are_forwarded_by_have_their_next_hop_on_the_link() {
    let mut world = World::new(1, 1);
    let peer = world.add(SourceKind::Ebgp, Asn(64501));
    let mut info = (*world.rib.peer(world.peers[peer].idx)).clone();
    (info.link, info.one_hop) = (3, true);
    for (family, only) in [
        (Family::IPV4_UNICAST, true),
        (Family::IPV6_UNICAST, true),
        (Family::IPV4_VPN, false),
        (Family::L2VPN_EVPN, false),
    ] {
        let scope = NextHopScope {
            link: 3,
            only,
            ..NextHopScope::default()
        };
        assert_eq!(info.next_hop_scope(family), scope, "{family}");
    }
    info.link = 0;
    assert!(!info.next_hop_scope(V4).only, "on no link of ours");
}

/// Other rules for a peer that cannot send its routes again.
#[test]
fn routes_are_imported_again_from_what_was_received() {
    let mut world = World::new(2, 1);
    let peer = world.add(SourceKind::Ebgp, Asn(64_501));
    let other = world.add(SourceKind::Ebgp, Asn(64_502));
    let listener = world.add(SourceKind::IbgpClient, LOCAL_AS);
    world.join(listener, 0);
    let idx = world.peers[peer].idx;
    let many = nets(0..50);
    let plain = set(V4, Asn(64_501), 2, |_| {});
    let leaked = set(V4, Asn(64_501), 2, |editor| {
        editor.set_only_to_customer(Some(Asn(7)));
    });
    world.announce(peer, &many[..40], 0, plain.as_ref());
    world.announce(peer, &many[40..], 0, leaked.as_ref());
    world.flush(peer);
    let longer = set(V4, Asn(64_502), 3, |editor| {
        editor.prepend_as_path(Asn(64_502), 1);
    });
    world.announce(other, &many[30..40], 0, longer.as_ref());
    world.flush(other);
    world.settle();
    let before = world.rib.counts().sets;
    // What the listener has: the LOCAL_PREF of each, none where it was not told.
    let told = |world: &World| -> Vec<Option<u32>> {
        let routes = &world.peers[listener].told.as_ref().unwrap().routes;
        let pref = |net: &IpNet| {
            routes
                .get(&(*net, 0))
                .and_then(|set| set.as_ref().local_pref())
        };
        many.iter().map(pref).collect()
    };
    let plain_told = told(&world);
    assert_eq!(plain_told, vec![Some(100); 50]);

    let mut rules = ImportRules {
        role: Some(Role::PROVIDER),
        graceful_shutdown: true,
        ..ImportRules::default()
    };
    world.set_rules(peer, rules);
    world.rib.reimport(idx).finish(&world.rib);
    world.settle();
    let counts = world.rib.peer_counts(idx, V4);
    assert_eq!((counts.received, counts.accepted), (50, 40));
    let mut wanted = vec![Some(0); 30];
    // The other one's are better now.
    wanted.extend(vec![Some(100); 10]);
    wanted.extend(vec![None; 10]);
    assert_eq!(told(&world), wanted);

    rules = ImportRules::default();
    world.set_rules(peer, rules);
    world.rib.reimport(idx).finish(&world.rib);
    world.settle();
    let counts = world.rib.peer_counts(idx, V4);
    assert_eq!((counts.received, counts.accepted), (50, 50));
    assert_eq!(told(&world), plain_told);
    world.rib.sweep();
    assert!(world.rib.counts().sets <= before);
}
