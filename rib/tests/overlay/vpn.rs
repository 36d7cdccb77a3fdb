//! Routes of VPNs.

use bgp_wire::{AttrCode, AttrEditor, EvpnDetail, Label, PathId, RouterId, Vpn};
use ipnet::Ipv6Net;
use rib::{Ineligible, RouteKey, SourceKind};

use super::reflector::*;

/// RFC 4456 §10: "when an RR reflects a route, it SHOULD NOT modify the following path attributes: NEXT_HOP, AS_PATH,
/// LOCAL_PREF, and MED"; nor can it change the next hop of a label, whatever `nextHopSelf` says.
#[test]
fn a_vpn_route_is_reflected_with_its_label_and_next_hop() {
    let mut rr = Reflector::with(&[CLIENT, CLIENT, SourceKind::Ibgp]);
    let set = attrs("198.51.100.1", &["rt:65000:1"]);
    let routes = [
        (PathId(0), vpn("65000:1:10.0.0.0/8"), Label::new(100)),
        (PathId(0), vpn("65000:2:10.0.0.0/8"), Label::new(200)),
    ];
    rr.announce(0, set.as_ref(), &routes);
    assert!(rr.holds(0).is_empty(), "not to its source");
    for client in [1, 2] {
        let held = &rr.clients[client].holds;
        assert_eq!(
            rr.holds(client),
            ["65000:1:10.0.0.0/8", "65000:2:10.0.0.0/8"]
        );
        for (route, label) in [("65000:1:10.0.0.0/8", 100), ("65000:2:10.0.0.0/8", 200)] {
            let (detail, told) = &held[route];
            assert_eq!(*detail, format!("{:?}", Label::new(label)));
            let mut told = {
                let mut editor = AttrEditor::new();
                editor.load(told.as_ref());
                editor
            };
            assert_eq!(told.get().originator_id(), Some(RouterId(101)));
            assert_eq!(told.get().cluster_list().collect::<Vec<_>>(), [RouterId(1)]);
            told.set_originator_id(None);
            told.remove(AttrCode::CLUSTER_LIST);
            assert_eq!(told.to_set(), set);
        }
    }
    rr.withdraw(0, &[(PathId(0), vpn("65000:1:10.0.0.0/8"))]);
    assert_eq!(rr.holds(1), ["65000:2:10.0.0.0/8"]);
    rr.rib.peer_down(rr.clients[0].idx).finish(&rr.rib);
    rr.settle();
    assert!(rr.holds(1).is_empty());
    assert_eq!(rr.rib.counts().destinations(), 0);
}

/// The label is of the path and not of the set: with the same attributes another label is news all the same.
#[test]
fn a_label_that_changes_alone_is_told_and_the_same_one_is_not() {
    let mut rr = Reflector::with(&[CLIENT, CLIENT]);
    let set = attrs("198.51.100.1", &["rt:65000:1"]);
    let route = vpn("65000:1:10.0.0.0/8");
    let label = |rr: &Reflector| rr.clients[1].holds["65000:1:10.0.0.0/8"].0.clone();
    for (number, announced) in [(100, 1), (100, 1), (101, 2)] {
        rr.announce(0, set.as_ref(), &[(PathId(0), route, Label::new(number))]);
        assert_eq!(label(&rr), format!("{:?}", Label::new(number)));
        assert_eq!(rr.clients[1].announced, announced, "label {number}");
    }
    // With a second path there the first, which stays the best, changes its label.
    let mut second = AttrEditor::new();
    second.load(set.as_ref());
    second.set_local_pref(Some(50));
    let third = rr.add(CLIENT, None);
    rr.announce(third, second.finish(), &[(PathId(0), route, Label::new(7))]);
    rr.announce(0, set.as_ref(), &[(PathId(0), route, Label::new(102))]);
    assert_eq!(label(&rr), format!("{:?}", Label::new(102)));
}

/// What is only passed on needs no way to its next hop, unless that is asked for.
#[test]
fn routes_pass_whatever_their_next_hop_unless_it_is_required() {
    let route = (PathId(0), vpn("65000:1:10.0.0.0/8"), Label::new(100));
    for (required, passes) in [(false, true), (true, false)] {
        let mut rr = Reflector::new(required);
        rr.add(CLIENT, None);
        rr.add(CLIENT, None);
        rr.announce(0, attrs("198.51.100.1", &[]).as_ref(), &[route]);
        assert_eq!(!rr.holds(1).is_empty(), passes);
    }
}

/// RFC 8950 §4, RFC 4659 §3.2.1.
#[test]
fn next_hops_of_the_other_protocol_are_carried() {
    let mut rr = Reflector::with(&[CLIENT, CLIENT]);
    let v4 = (PathId(0), vpn("65000:1:10.0.0.0/8"), Label::new(100));
    rr.announce(0, attrs("2001:db8::1", &[]).as_ref(), &[v4]);
    let v6: Vpn<Ipv6Net> = "65000:1:2001:db8::/32".parse().unwrap();
    rr.announce(
        0,
        attrs("198.51.100.1", &[]).as_ref(),
        &[(PathId(0), v6, Label::new(9))],
    );
    let hop = |route: &str| rr.clients[1].holds[route].1.as_ref().next_hop();
    assert_eq!(hop("65000:1:10.0.0.0/8"), Some(next_hop("2001:db8::1")));
    assert_eq!(hop("65000:1:2001:db8::/32"), Some(next_hop("198.51.100.1")));
}

/// RFC 9252 §7: "The path having any such Prefix-SID attribute without any valid SRv6 SID information MUST be considered ineligible
/// during the selection of the best path".
#[test]
fn a_path_of_an_srv6_service_needs_a_sid() {
    // RFC 9252 §2, §3.1, §3.2.1: End.DT46 at 2001:db8:1:2::, 16 bits of locator node, `bits` in the label field from the 64th on.
    let service = |bits: u8| {
        let offset = if bits == 0 { 0 } else { 64 };
        let sid = [0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
        let structure = [1, 0, 6, 48, 16, 24, 0, bits, offset];
        let information = [&[0][..], &sid, &[0, 0, 20, 0], &structure].concat();
        [&[5, 0, 34, 0, 1, 0, 30][..], &information].concat()
    };
    let prefix = vpn("65000:1:10.0.0.0/8");
    for (name, value, eligible) in [
        ("no SID", vec![5, 0, 1, 0], false),
        ("no bits in the label", service(0), true),
        ("20 bits in the label", service(20), true),
        ("more bits than the label has", service(21), false),
        ("no service", vec![1, 0, 7, 0, 0, 0, 0, 0, 0, 9], true),
    ] {
        let mut rr = Reflector::with(&[CLIENT, CLIENT, CLIENT]);
        let mut editor = AttrEditor::new();
        editor.load(attrs("198.51.100.1", &[]).as_ref());
        editor.set_local_pref(Some(900));
        editor.set_value(AttrCode::PREFIX_SID, &value).unwrap();
        let label = Label::from_raw(0x00_10_01);
        rr.announce(0, editor.finish(), &[(PathId(0), prefix, label)]);
        assert_eq!(rr.holds(2).len(), usize::from(eligible), "{name}");
        rr.announce(
            1,
            attrs("198.51.100.2", &[]).as_ref(),
            &[(PathId(0), prefix, label)],
        );
        let explained = rr.rib.explain(RouteKey::VpnV4(prefix)).unwrap();
        let best = &explained.paths[0].row;
        let hop = best.attrs.as_ref().next_hop().unwrap().to_string();
        let expected = if eligible {
            "198.51.100.1"
        } else {
            "198.51.100.2"
        };
        assert_eq!(hop, expected, "{name}");
        let refused = explained
            .paths
            .iter()
            .any(|path| path.row.ineligible == Some(Ineligible::NoServiceSid));
        assert_eq!(refused, !eligible, "{name}");
    }
    // The field is wider in EVPN.
    let mut rr = Reflector::with(&[CLIENT, CLIENT]);
    let mut editor = AttrEditor::new();
    editor.load(attrs("198.51.100.1", &[]).as_ref());
    editor
        .set_value(AttrCode::PREFIX_SID, &service(21))
        .unwrap();
    rr.announce(
        0,
        editor.finish(),
        &[(PathId(0), mac_ip(1), EvpnDetail::default())],
    );
    assert_eq!(rr.holds(1).len(), 1);
}
