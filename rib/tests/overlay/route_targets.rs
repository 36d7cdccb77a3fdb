//! Route targets that peers ask for (RFC 4684).

use bgp_wire::{Family, Label, PathId, RouteTargetMembership, RouterId};
use rib::{RejectReason, RouteKey, SourceKind};

use super::reflector::*;

/// RFC 4684 §6.
#[test]
fn a_peer_is_told_the_route_targets_it_asks_for() {
    let mut rr = Reflector::with(&[CLIENT]);
    let picky = rr.add(CLIENT, Some(targets(&["65000:rt:65000:1"])));
    let open = rr.add(CLIENT, None);
    let route = |text: &str| (PathId(0), vpn(text), Label::new(1));
    for n in 1..=3 {
        let set = attrs("198.51.100.1", &[&format!("rt:65000:{n}")]);
        rr.announce(0, set.as_ref(), &[route(&format!("65000:{n}:10.0.0.0/8"))]);
    }
    rr.announce(
        0,
        attrs("198.51.100.1", &[]).as_ref(),
        &[route("65000:9:10.0.0.0/8")],
    );
    assert_eq!(rr.holds(picky), ["65000:1:10.0.0.0/8"]);
    assert_eq!(rr.holds(open).len(), 4);
    let told = rr.rib.advertised(rr.clients[picky].idx, Family::IPV4_VPN);
    assert_eq!(told, 1);

    // It asks for another, and no more for the first: only these two are spoken of.
    let before = rr.clients[picky].announced;
    rr.rekey(picky, targets(&["65000:rt:65000:2", "65000:rt:65000:3"]));
    assert_eq!(
        rr.holds(picky),
        ["65000:2:10.0.0.0/8", "65000:3:10.0.0.0/8"]
    );
    rr.rekey(
        picky,
        targets(&["65000:rt:65000:1", "65000:rt:65000:2", "65000:rt:65000:3"]),
    );
    assert_eq!(rr.holds(picky).len(), 3);
    assert_eq!(
        rr.clients[picky].announced,
        before + 3,
        "what stayed was not told again"
    );
    let told = rr.rib.advertised(rr.clients[picky].idx, Family::IPV4_VPN);
    assert_eq!(told, 3);

    let explained = rr
        .rib
        .explain(RouteKey::VpnV4(vpn("65000:9:10.0.0.0/8")))
        .unwrap();
    let outcome = |client: usize| {
        let group = explained
            .told
            .iter()
            .find(|group| group.members.contains(&rr.clients[client].idx))
            .unwrap();
        group.routes[0].outcome.clone()
    };
    assert_eq!(outcome(picky), Err(RejectReason::RouteTargetNotWanted));
    assert!(outcome(open).is_ok());

    rr.rekey(picky, targets(&["default"]));
    assert_eq!(rr.holds(picky).len(), 4);
    rr.rekey(picky, targets(&[]));
    assert!(rr.holds(picky).is_empty());
}

/// RFC 4684 §3.2: a client is told even of what it asks for itself, with our identifier as originator and our own next hop,
/// lest it never learns that somebody else asks too.
#[test]
fn memberships_are_reflected_to_every_client() {
    let mut rr = Reflector::with(&[CLIENT, CLIENT, SourceKind::Ibgp]);
    let one: RouteTargetMembership = "65000:rt:65000:1".parse().unwrap();
    let set = attrs("198.51.100.1", &[]);
    rr.announce(0, set.as_ref(), &[(PathId(0), one)]);
    assert_eq!(
        rr.rib.route_targets_of(rr.clients[0].idx),
        targets(&["65000:rt:65000:1"])
    );
    assert!(rr.rib.route_targets_of(rr.clients[1].idx).is_empty());
    for client in [0, 1] {
        let (_, told) = &rr.clients[client].holds["65000:rt:65000:1"];
        assert_eq!(
            told.as_ref().originator_id(),
            Some(RouterId(1)),
            "client {client}"
        );
        assert_eq!(told.as_ref().next_hop(), Some(next_hop("192.0.2.254")));
        assert_eq!(rr.rib.advertised(rr.clients[client].idx, Family::RTC), 1);
    }
    // The non-client gets it as any reflected route.
    let (_, told) = &rr.clients[2].holds["65000:rt:65000:1"];
    assert_eq!(told.as_ref().originator_id(), Some(RouterId(101)));
    assert_eq!(told.as_ref().next_hop(), Some(next_hop("198.51.100.1")));
    rr.withdraw(0, &[(PathId(0), one)]);
    for client in 0..3 {
        assert!(rr.holds(client).is_empty(), "client {client}");
    }
    // What we ask for ourselves goes to all.
    rr.rib.originate(
        RouteKey::RouteTarget(RouteTargetMembership::DEFAULT),
        attrs("192.0.2.254", &[]).as_ref(),
        0,
    );
    rr.settle();
    for client in 0..3 {
        assert_eq!(rr.holds(client), ["default"], "client {client}");
    }
}
