//! The same of VPN and EVPN routes.

use bgp_wire::{
    Asn, AttrEditor, AttrScratch, EvpnKind, EvpnRoute, Family, FamilySet, Label, NextHop, Origin,
    PathId, SessionContext, SidStructure, Srv6Sid, Vpn, decode_update, encode_announce,
};
use bytes::BytesMut;
use ipnet::Ipv4Net;
use rib::{Inbound, RouteKey};

use super::{Node, encoding, net, table};
use crate::control::protocol::RouteQuery;
use crate::control::routes::{RouteFilter, RouteSide, RouteTable};

#[test]
fn rows_of_overlay_families_name_what_their_nlri_say() {
    let node = Node::new();
    let originate = |route: RouteKey, target: &str| {
        let mut editor = AttrEditor::new();
        editor.set_origin(Origin::Igp);
        editor.set_ext_communities([target.parse().unwrap()]);
        node.rib.originate(route, editor.finish(), 0);
    };
    let vpn = RouteKey::VpnV6("100:1:2001:db8::/32".parse().unwrap());
    originate(vpn, "rt:65000:1");
    originate(
        RouteKey::VpnV6("100:2:2001:db8::/32".parse().unwrap()),
        "rt:65000:2",
    );
    for route in [
        "[2]:[100:1]:[0]:[48]:[02:00:00:00:00:01]:[32]:[192.0.2.1]",
        "[5]:[100:1]:[0]:[24]:[192.0.2.0]",
        "65000:rt:65000:1",
    ] {
        originate(route.parse().unwrap(), "rt:65000:1");
    }
    let rows = |family: &str, change: fn(&mut RouteFilter)| {
        let mut filter = RouteFilter {
            family: family.to_owned(),
            prefix: None,
            rd: None,
            kind: None,
            side: RouteSide::Table {
                peer: None,
                best: false,
            },
        };
        change(&mut filter);
        let mut walk = node.table.rows(&filter);
        std::iter::from_fn(|| walk(10))
            .flatten()
            .collect::<Vec<_>>()
    };
    let all = rows("ipv6/vpn", |_| {});
    assert_eq!(all.len(), 2);
    let of_one = rows("ipv6/vpn", |filter| {
        filter.rd = Some("100:1".parse().unwrap())
    });
    assert_eq!(of_one, all[..1]);
    let row = &of_one[0];
    assert_eq!(row.route, "100:1:2001:db8::/32");
    assert_eq!(row.rd.as_deref(), Some("100:1"));
    assert_eq!(row.prefix, Some(net("2001:db8::/32")));
    assert_eq!(row.attributes.route_targets(), ["65000:1"]);
    assert_eq!(row.nlri.keys().collect::<Vec<_>>(), ["labels"]);

    let by_type = rows("l2vpn/evpn", |filter| filter.kind = Some(EvpnKind::MacIp));
    assert_eq!(by_type.len(), 1);
    assert_eq!(by_type[0].nlri["mac"], "02:00:00:00:00:01");
    assert_eq!(by_type[0].nlri["ip"], "192.0.2.1");
    let by_prefix = rows("l2vpn/evpn", |filter| {
        filter.prefix = Some(RouteQuery::Longer(net("192.0.2.0/24")));
    });
    assert_eq!(by_prefix.len(), 2, "{by_prefix:?}");

    let memberships = rows("ipv4/rtc", |filter| {
        let route = "65000:rt:65000:1".parse().unwrap();
        filter.prefix = Some(RouteQuery::Route(route));
    });
    assert_eq!(memberships[0].nlri["origin_as"], 65_000);
    assert_eq!(memberships[0].nlri["route_target"], "rt:65000:1");

    let explained = node.table.explain(&vpn).unwrap();
    assert_eq!(explained.route, "100:1:2001:db8::/32");
    assert_eq!((explained.prefix, explained.paths.len()), (None, 1));
}

/// RFC 9252 section 4: a block of 40 bits, a node of 24, and a function of 16 that travels in the label. Its first 16 bits are 0x0042.
#[test]
fn a_path_has_the_sid_that_comes_out_with_its_label() {
    let mut node = Node::new();
    let peer = node.peer("pe-1", 2, 65_000);
    let mut editor = AttrEditor::new();
    editor.set_origin(Origin::Igp);
    editor.set_local_pref(Some(100));
    editor.prepend_as_path(Asn(65_001), 1);
    editor.set_next_hop(Some(NextHop::V4([10, 0, 0, 2].into())));
    editor.set_srv6_l3(Some(Srv6Sid {
        sid: "2001:db8:1:2::".parse().unwrap(),
        behavior: 19,
        structure: Some(SidStructure {
            locator_block: 40,
            locator_node: 24,
            function: 16,
            argument: 0,
            transposition_length: 16,
            transposition_offset: 64,
        }),
    }));
    let route: Vpn<Ipv4Net> = "65000:1:10.1.2.0/24".parse().unwrap();
    let nlri = [(PathId(0), route, Label::new(0x00420))];
    let mut message = BytesMut::new();
    let family = Family::IPV4_VPN;
    encode_announce(&mut message, family, &encoding(), editor.finish(), &nlri).unwrap();
    let ctx = SessionContext {
        families: FamilySet::from([family]),
        ..SessionContext::new(Asn(65_000), Asn(65_000))
    };
    let mut scratch = AttrScratch::default();
    let decoded = decode_update(&message[19..], &ctx, &mut scratch).unwrap();
    let mut inbound = Inbound::new(peer);
    inbound.update(&node.rib, &decoded, &ctx);
    inbound.flush(&node.rib);
    let sid = serde_json::json!({"sid": "2001:db8:1:2:42::", "as_advertised": "2001:db8:1:2::"});
    let explained = node.table.explain(&RouteKey::VpnV4(route));
    let explained = explained.unwrap();
    assert_eq!(explained.paths[0].row.nlri["srv6_l3_sid"], sid);
    let filter = RouteFilter {
        family: family.to_string(),
        prefix: None,
        rd: None,
        kind: None,
        side: RouteSide::In {
            peer: "pe-1".to_owned(),
        },
    };
    let mut walk = node.table.rows(&filter);
    let rows: Vec<_> = std::iter::from_fn(|| walk(10)).flatten().collect();
    assert_eq!(rows[0].nlri["srv6_l3_sid"], sid);

    let words = crate::cli::words::value(&rows[0].nlri["srv6_l3_sid"]);
    assert!(words.contains("sid 2001:db8:1:2:42::"), "{words}");
}

/// What covers an address is the longest prefix in each VPN, and a host in EVPN; a route that FRR prints is found under
/// any route distinguisher, and one of a MAC address by that.
#[test]
fn addresses_are_found_in_every_vpn() {
    let node = Node::new();
    for route in [
        "100:1:0.0.0.0/0",
        "100:1:10.0.0.0/8",
        "100:1:10.1.0.0/16",
        "100:1:10.2.0.0/16",
        "100:2:10.0.0.0/8",
        "100:3:192.0.2.0/24",
        "[2]:[100:1]:[0]:[48]:[02:00:00:00:00:01]:[32]:[10.1.2.3]",
        "[2]:[100:1]:[0]:[48]:[02:00:00:00:00:01]",
        "[2]:[100:2]:[0]:[48]:[02:00:00:00:00:02]:[32]:[10.1.2.4]",
        "[5]:[100:1]:[0]:[8]:[10.0.0.0]",
        "[5]:[100:2]:[0]:[8]:[10.0.0.0]",
        "[5]:[100:2]:[0]:[16]:[10.1.0.0]",
        "[5]:[100:2]:[7]:[16]:[10.1.0.0]",
    ] {
        let mut editor = AttrEditor::new();
        editor.set_origin(Origin::Igp);
        let route: RouteKey = route.parse().unwrap();
        node.rib.originate(route, editor.finish(), 0);
    }
    let filter = |family: &str, query: RouteQuery, rd: Option<&str>| RouteFilter {
        family: family.to_owned(),
        prefix: Some(query),
        rd: rd.map(|rd| rd.parse().unwrap()),
        kind: None,
        side: table(None, false),
    };
    let address = || RouteQuery::Covering("10.1.2.3".parse().unwrap());
    let mac = |text: &str| RouteQuery::Mac(text.parse().unwrap());
    let of_frr = |text: &str| RouteQuery::OfAnyRd(EvpnRoute::without_rd(text).unwrap().unwrap());
    let exact = || RouteQuery::Exact(net("10.0.0.0/8"));
    for (filter, wanted) in [
        (
            filter("ipv4/vpn", address(), None),
            &["100:1:10.1.0.0/16", "100:2:10.0.0.0/8"][..],
        ),
        (
            filter("ipv4/vpn", address(), Some("100:2")),
            &["100:2:10.0.0.0/8"],
        ),
        (filter("ipv4/vpn", address(), Some("100:3")), &[]),
        (
            filter("l2vpn/evpn", address(), None),
            &[
                "[2]:[100:1]:[0]:[48]:[02:00:00:00:00:01]:[32]:[10.1.2.3]",
                "[5]:[100:2]:[0]:[16]:[10.1.0.0]",
                "[5]:[100:2]:[7]:[16]:[10.1.0.0]",
            ],
        ),
        (
            filter("l2vpn/evpn", mac("02:00:00:00:00:01"), None),
            &[
                "[2]:[100:1]:[0]:[48]:[02:00:00:00:00:01]",
                "[2]:[100:1]:[0]:[48]:[02:00:00:00:00:01]:[32]:[10.1.2.3]",
            ],
        ),
        (
            filter("l2vpn/evpn", mac("02:00:00:00:00:01"), Some("100:2")),
            &[],
        ),
        (
            filter("l2vpn/evpn", of_frr("[5]:[0]:[8]:[10.0.0.0]"), None),
            &[
                "[5]:[100:1]:[0]:[8]:[10.0.0.0]",
                "[5]:[100:2]:[0]:[8]:[10.0.0.0]",
            ],
        ),
        (
            filter("ipv4/vpn", exact(), None),
            &["100:1:10.0.0.0/8", "100:2:10.0.0.0/8"],
        ),
    ] {
        for budget in [1, 3, 1_000] {
            let mut walk = node.table.rows(&filter);
            let mut rows: Vec<_> = std::iter::from_fn(|| walk(budget))
                .flatten()
                .filter_map(|row| row.key)
                .collect();
            rows.sort();
            let mut walk = node.table.destinations(&filter);
            let mut keys: Vec<_> = std::iter::from_fn(|| walk(budget)).flatten().collect();
            keys.sort();
            let words: Vec<_> = keys.iter().map(ToString::to_string).collect();
            assert_eq!(words, wanted, "{filter:?}");
            assert_eq!(rows, keys, "{filter:?}");
        }
        for route in wanted {
            let explained = node.table.explain(&route.parse().unwrap()).unwrap();
            assert_eq!(explained.route, *route);
        }
    }
}
