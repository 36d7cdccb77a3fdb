//! A node with two routers and its sessions, routes, kernel entries and objects, as it might be on a bad day.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Fake, Listed, ListedFib, address, moment, net, vpn};
use crate::control::dynamic::DynamicView;
use crate::control::routes::{
    Attributes, FibNextHop, FibRow, FibState, Ineligible, PathExplanation, RouteExplanation,
    RouteRow, RouteTable, StepExplanation, ToldExplanation,
};
use crate::control::sessions::{
    BfdSessionView, BfdView, DispositionCounts, EventView, MessageCounts, NegotiatedView,
    PeerFamilyView, PeerView, PrefixLimitView, SessionState, TcpAoKeyView, TcpAoView,
};
use crate::control::views::{ProblemView, RouterKernelView, RouterView, TableView};

pub(crate) const LONG_NAME: &str =
    "border-leaf-switch-with-a-name-that-somebody-thought-would-never-be-printed-rack-42";

/// A node with two routers, as it might be on a bad day.
pub(crate) fn node() -> Fake {
    Fake {
        routers: routers(),
        peers: peers(),
        dynamic: dynamic(),
        tables: tables(),
        fib: Some(Arc::new(ListedFib(fib()))),
        objects: objects(),
    }
}

pub(super) fn problems() -> Vec<ProblemView> {
    let problem = |object: Option<&str>, text: &str, warning| ProblemView {
        object: object.map(str::to_owned),
        text: text.to_owned(),
        warning,
    };
    vec![
        problem(
            None,
            "/etc/cosmos/old.yaml: is not YAML: mapping values are not allowed in this context at line 3, column 9",
            false,
        ),
        problem(
            Some("BGPPeer/tor-9"),
            "/etc/cosmos/tor-9.yaml: BGPPeer/tor-9: spec.passiv: there is no such field, so it has no effect; did you mean passive?",
            true,
        ),
    ]
}

fn routers() -> Vec<RouterView> {
    let table = |family: &str, destinations, paths| TableView {
        family: family.to_owned(),
        destinations,
        paths,
    };
    vec![
        RouterView {
            name: "overlay".to_owned(),
            local_as: 65_000,
            router_id: "10.0.0.1".to_owned(),
            families: vec!["ipv6/unicast".to_owned()],
            error: Some("port 1179 is taken by another program".to_owned()),
            tables: vec![table("ipv6/unicast", 1, 1)],
            ..RouterView::default()
        },
        RouterView {
            name: "underlay".to_owned(),
            local_as: 65_000,
            router_id: "10.0.0.1".to_owned(),
            families: vec!["ipv4/unicast".to_owned(), "ipv6/unicast".to_owned()],
            listening: Some("[::]:179".parse().unwrap()),
            tables: vec![
                table("ipv4/unicast", 100_000, 200_000),
                table("ipv6/unicast", 1_234_567, 2_469_134),
            ],
            originated: 2,
            attribute_sets: 7_654,
            attribute_bytes: 1_234_567,
            kernel: Some(RouterKernelView {
                wanted: 1_334_567,
                installed: 1_334_565,
                failed: 2,
                last_error: Some("2001:db8:bad::/48: Network is unreachable".to_owned()),
                ..RouterKernelView::default()
            }),
            ..RouterView::default()
        },
    ]
}

fn peers() -> Vec<PeerView> {
    let family = |family: &str, received, accepted, advertised, end| PeerFamilyView {
        family: family.to_owned(),
        received,
        accepted,
        advertised,
        end_of_rib_received: end,
        disabled: false,
        not_negotiated: false,
        stale: 0,
        stale_seconds: None,
        long_lived: false,
        no_next_hop: false,
        limit: None,
    };
    let limit = PrefixLimitView {
        limit: 100_000,
        action: "discard".to_owned(),
        exceeded: 1,
        discarded: 12,
        discarded_ever: 12,
        ..PrefixLimitView::default()
    };
    let key = |send_id, recv_id, algorithm: &str| TcpAoKeyView {
        send_id,
        recv_id,
        algorithm: algorithm.to_owned(),
    };
    let tor = PeerView {
        name: "tor-1".to_owned(),
        router: "underlay".to_owned(),
        description: Some("rack 12, left".to_owned()),
        address: Some(address("2001:db8:0:12::1")),
        remote_port: 179,
        local_as: 65_000,
        remote_as: Some(65_001),
        kind: "external".to_owned(),
        state: SessionState::Established,
        since: Some(moment(300)),
        state_seconds: 11_265,
        flaps: 1,
        password: true,
        ttl: "1".to_owned(),
        families: vec![
            PeerFamilyView {
                limit: Some(limit),
                ..family("ipv4/unicast", 100_000, 100_000, 2, true)
            },
            family("ipv6/unicast", 1_234_566, 1_234_500, 1, true),
            PeerFamilyView {
                not_negotiated: true,
                ..family("ipv4/vpn", 0, 0, 0, false)
            },
        ],
        received: MessageCounts {
            open: 2,
            update: 104_321,
            notification: 1,
            keepalive: 375,
            route_refresh: 0,
        },
        sent: MessageCounts {
            open: 2,
            update: 3,
            notification: 0,
            keepalive: 377,
            route_refresh: 1,
        },
        dispositions: DispositionCounts {
            treat_as_withdraw: 4,
            attribute_discard: 17,
            none: 3,
            not_used: 21,
            ..Default::default()
        },
        negotiated: Some(negotiated()),
        last_down: Some(EventView {
            text: "NOTIFICATION received: Cease, Administrative Shutdown: \"moving to rack 13\""
                .to_owned(),
            at: moment(200),
            seconds_ago: 11_365,
        }),
        bfd: Some(BfdView {
            state: "Up".to_owned(),
            state_seconds: 11_264,
            failures: 2,
            last_failure: Some(EventView {
                text: "detection time expired".to_owned(),
                at: moment(100),
                seconds_ago: 11_465,
            }),
            session: Some(BfdSessionView {
                local: Some(address("2001:db8:0:12::2")),
                discriminator: 0x1234_abcd,
                diagnostic: "No Diagnostic".to_owned(),
                remote_discriminator: 7,
                remote_state: "Up".to_owned(),
                remote_diagnostic: "Neighbor Signaled Session Down".to_owned(),
                tx_interval_microseconds: Some(300_000),
                detection_time_microseconds: Some(937_500),
                sent: 43_210,
                received: 41_234,
                ..BfdSessionView::default()
            }),
            ..BfdView::default()
        }),
        last_notification_received: Some(EventView {
            text: "Cease, Administrative Shutdown: \"moving to rack 13\"".to_owned(),
            at: moment(200),
            seconds_ago: 11_365,
        }),
        export_group: Some("1".to_owned()),
        ..PeerView::default()
    };
    let dead = PeerView {
        name: LONG_NAME.to_owned(),
        router: "underlay".to_owned(),
        address: Some(address("2001:db8:1111:2222:3333:4444:5555:6666")),
        remote_port: 179,
        local_as: 65_000,
        remote_as: Some(4_200_000_001),
        kind: "external".to_owned(),
        state: SessionState::Idle,
        idle_reason: Some("ConnectionRefused".to_owned()),
        since: Some(moment(11_000)),
        state_seconds: 565,
        flaps: 12,
        next_retry_seconds: Some(7),
        ttl: "multihop 64".to_owned(),
        bfd: Some(BfdView {
            state: "Down".to_owned(),
            state_seconds: 565,
            multi_hop: true,
            error: Some("UDP port 4784 cannot be opened: Address already in use".to_owned()),
            ..BfdView::default()
        }),
        last_down: Some(EventView {
            text: "hold timer expired".to_owned(),
            at: moment(9_000),
            seconds_ago: 2_565,
        }),
        last_notification_sent: Some(EventView {
            text: "Hold Timer Expired".to_owned(),
            at: moment(9_000),
            seconds_ago: 2_565,
        }),
        families: vec![
            PeerFamilyView {
                stale: 1_200,
                stale_seconds: Some(95),
                ..family("ipv4/unicast", 1_200, 1_200, 0, false)
            },
            PeerFamilyView {
                stale: 7,
                stale_seconds: Some(3_000),
                long_lived: true,
                ..family("ipv6/unicast", 7, 7, 0, false)
            },
        ],
        ..PeerView::default()
    };
    let shut = PeerView {
        name: "lab/tor-3".to_owned(),
        router: "overlay".to_owned(),
        address: Some(address("10.1.1.1")),
        remote_port: 1179,
        local_as: 65_000,
        remote_as: Some(65_000),
        kind: "internal".to_owned(),
        shutdown: Some("until the new optics are here".to_owned()),
        idle_reason: Some("AdminDown".to_owned()),
        state_seconds: 900_000,
        passive: true,
        tcp_ao: Some(TcpAoView {
            keys: vec![key(2, 12, "aes-128-cmac"), key(1, 11, "hmac-sha1")],
            ..TcpAoView::default()
        }),
        ttl: "1".to_owned(),
        ..PeerView::default()
    };
    let leaf = PeerView {
        name: "leaves@192.0.2.7".to_owned(),
        router: "underlay".to_owned(),
        dynamic: Some("leaves".to_owned()),
        address: Some(address("192.0.2.7")),
        remote_port: 179,
        local_as: 65_000,
        remote_as: Some(65_107),
        kind: "external".to_owned(),
        state: SessionState::Established,
        state_seconds: 40,
        passive: true,
        ttl: "1".to_owned(),
        families: vec![family("ipv4/unicast", 4, 4, 2, true)],
        export_group: Some("1".to_owned()),
        ..PeerView::default()
    };
    // A stranger, as far as anybody knows.
    let stranger = PeerView {
        name: "leaves@192.0.2.200".to_owned(),
        address: Some(address("192.0.2.200")),
        remote_as: None,
        state: SessionState::OpenSent,
        state_seconds: 3,
        families: Vec::new(),
        export_group: None,
        ..leaf.clone()
    };
    vec![shut, dead, tor, leaf, stranger]
}

fn dynamic() -> Vec<DynamicView> {
    vec![DynamicView {
        name: "leaves".to_owned(),
        router: "underlay".to_owned(),
        description: Some("row 3".to_owned()),
        prefixes: ["192.0.2.0/24", "198.51.100.0/24", "2001:db8:3::/64"]
            .map(str::to_owned)
            .to_vec(),
        local_as: 65_000,
        kind: "external".to_owned(),
        limit: 2,
        sessions: 2,
        established: 1,
        refused: 1_024,
        full: true,
        ..DynamicView::default()
    }]
}

fn negotiated() -> NegotiatedView {
    NegotiatedView {
        local: Some("[2001:db8:0:12::2]:41234".parse().unwrap()),
        remote: Some("[2001:db8:0:12::1]:179".parse().unwrap()),
        remote_router_id: "10.0.0.11".to_owned(),
        hold_seconds: 90,
        keepalive_seconds: 30,
        families: vec!["ipv4/unicast".to_owned(), "ipv6/unicast".to_owned()],
        add_path_receive: vec!["ipv6/unicast".to_owned()],
        add_path_send: Vec::new(),
        extended_next_hop: vec!["ipv4/unicast".to_owned()],
        four_octet_as: true,
        max_message: 65_535,
        route_refresh: true,
        enhanced_route_refresh: false,
        graceful_restart_seconds: Some(120),
        remote_capabilities: [
            "multiprotocol ipv4/unicast",
            "multiprotocol ipv6/unicast",
            "route refresh",
            "extended next hop ipv4/unicast via ipv6",
            "extended message",
            "graceful restart 120 s",
            "four-octet AS 65001",
            "add-path ipv6/unicast send",
            "unknown 99 (3 octets)",
        ]
        .map(str::to_owned)
        .to_vec(),
        remote_host: Some("tor-1.example.net".to_owned()),
        // What the network says is not written to a terminal as it is.
        remote_software: Some("Rou\x1b[31mter 1.0".to_owned()),
    }
}

fn tables() -> Vec<(Arc<str>, Arc<dyn RouteTable>)> {
    let attributes = |next_hop: &str, path: &str, local_pref, med| Attributes {
        next_hop: Some(next_hop.to_owned()),
        as_path: path.to_owned(),
        origin: "igp".to_owned(),
        local_pref,
        med,
        ..Attributes::default()
    };
    let row = |prefix: &str, peer: &str, attributes: Attributes| RouteRow {
        peer: peer.to_owned(),
        attributes,
        ..RouteRow::of(net(prefix).into())
    };
    let best = |row: RouteRow| RouteRow { best: true, ..row };
    let tor = "2001:db8:0:12::1";
    let long_next_hop = "2001:db8:1111:2222:3333:4444:5555:6666";
    let long_path = "65001 65010 4200000001 4200000002 4200000003 4200000004 {65020 65021} 65022";
    let underlay = vec![
        best(row(
            "2001:db8:2::/64",
            "tor-1",
            attributes(tor, "65001 65010", Some(100), Some(0)),
        )),
        RouteRow {
            multipath: true,
            path_id: Some(7),
            ..row(
                "2001:db8:2::/64",
                LONG_NAME,
                attributes(long_next_hop, "65001 65011", Some(100), Some(0)),
            )
        },
        best(row(
            "10.0.2.0/24",
            "tor-1",
            attributes(tor, "65001", None, Some(4_294_967_295)),
        )),
        best(row(
            "2001:db8:1::/64",
            "local",
            attributes("::", "", None, None),
        )),
        RouteRow {
            ineligible: Some(Ineligible::NextHopUnreachable),
            ..row(
                "2001:db8:1111:2222:3333:4444:5555:6666/128",
                LONG_NAME,
                attributes(
                    long_next_hop,
                    long_path,
                    Some(4_294_967_295),
                    Some(4_294_967_295),
                ),
            )
        },
        RouteRow {
            ineligible: Some(Ineligible::AsLoop),
            stale: true,
            ..row(
                "10.0.1.0/24",
                "tor-1",
                attributes(tor, "65001 65000 65001", None, None),
            )
        },
        best(row(
            "0.0.0.0/0",
            "tor-1",
            attributes(tor, "65001", None, None),
        )),
    ];
    let explanations = vec![explanation(&underlay)];
    let mut overlay = vec![best(row(
        "2001:db8:2::/64",
        "lab/tor-3",
        attributes("fd00::3", "", Some(100), None),
    ))];
    overlay.extend(vpn::rows());
    let vpn_explained = vpn::explanation(&overlay[1..]);
    vec![
        (
            "overlay".into(),
            Arc::new(Listed {
                rows: overlay,
                explanations: vec![vpn_explained],
            }),
        ),
        (
            "underlay".into(),
            Arc::new(Listed {
                rows: underlay,
                explanations,
            }),
        ),
    ]
}

fn explanation(rows: &[RouteRow]) -> RouteExplanation {
    let path = |row: &RouteRow| PathExplanation {
        advertisement: None,
        peer_interface: None,
        row: row.clone(),
        source: "external".to_owned(),
        peer_as: Some(65_001),
        peer_router_id: Some("10.0.0.11".to_owned()),
        policy: "accepted as it is".to_owned(),
        policies: Vec::new(),
        before_policy: None,
        remark: None,
        next_hop_unreached: None,
        next_hop_metric: Some(0),
    };
    let mut first = path(&rows[0]);
    first.row.peer_address = Some(address("2001:db8:0:12::1"));
    first.row.attributes.communities = (0..12).map(|n| format!("65001:{}", 100 + n)).collect();
    first.before_policy = Some(Attributes {
        local_pref: None,
        ..rows[0].attributes.clone()
    });
    first.policy = "accepted, with changes: by policy".to_owned();
    first.policies = vec![
        "policy 10-bogons: no term matches".to_owned(),
        "policy 20-prefer-the-first-rack: term 100 permits it and sets local preference 200, \
         community 65000:200, color 100"
            .to_owned(),
    ];
    let second = path(&rows[1]);
    let mut third = path(&rows[5]);
    third.row.route.clone_from(&rows[0].route);
    third.row.prefix = rows[0].prefix;
    third.next_hop_metric = None;
    let mut fourth = path(&rows[0]);
    fourth.row.best = false;
    fourth.row.peer = "tor-4".to_owned();
    fourth.remark = Some("equal to the best, but at most 2 paths are used".to_owned());
    fourth.row.attributes.as_path = "65001 65010 65010 65010".to_owned();
    let step = |name: &str, out: &[usize], detail: &str| StepExplanation {
        name: name.to_owned(),
        out: out.to_vec(),
        detail: detail.to_owned(),
        passed_over: false,
    };
    RouteExplanation {
        family: "ipv6/unicast".to_owned(),
        route: rows[0].route.clone(),
        prefix: rows[0].prefix,
        paths: vec![first, second, fourth, third],
        steps: vec![
            step("highest LOCAL_PREF (RFC 4271 9.1.1)", &[], "100"),
            step("shortest AS_PATH (RFC 4271 9.1.2.2 a)", &[2], "2 against 4"),
            step(
                "lowest router ID (RFC 4271 9.1.2.2 f)",
                &[1],
                "10.0.0.11 against 10.0.0.12",
            ),
        ],
        told: vec![
            ToldExplanation {
                path_id: None,
                group: Some("1".to_owned()),
                peers: vec!["tor-2".to_owned(), LONG_NAME.to_owned()],
                announced: Some(Attributes {
                    next_hop: Some("2001:db8:0:12::2".to_owned()),
                    as_path: "65000 65001 65010".to_owned(),
                    origin: "igp".to_owned(),
                    ..Attributes::default()
                }),
                policies: vec!["policy out: term 10 permits it".to_owned()],
                reason: None,
            },
            ToldExplanation {
                path_id: None,
                group: Some("1".to_owned()),
                peers: vec!["tor-1".to_owned()],
                policies: Vec::new(),
                announced: None,
                reason: Some("the best path is its own (split horizon)".to_owned()),
            },
        ],
        ..RouteExplanation::default()
    }
}

fn fib() -> Vec<FibRow> {
    let way = |gateway: &str, interface: &str| FibNextHop {
        gateway: Some(address(gateway)),
        interface: Some(interface.to_owned()),
    };
    let entry = |router: &str, prefix: &str, state, wanted: Vec<FibNextHop>| FibRow {
        router: Some(router.to_owned()),
        prefix: net(prefix),
        table: 254,
        metric: 300,
        state,
        installed: if state == FibState::Installed {
            wanted.clone()
        } else {
            Vec::new()
        },
        next_hops: Vec::new(),
        wanted,
        reason: None,
    };
    let two = vec![way("fe80::1", "eth0"), way("fe80::2", "eth1")];
    let mut failed = entry(
        "underlay",
        "2001:db8:1111:2222:3333:4444:5555:6666/128",
        FibState::Failed,
        vec![way(
            "2001:db8:1111:2222:3333:4444:5555:7777",
            "enp193s0f1np1",
        )],
    );
    failed.reason = Some("the kernel says: Network is unreachable (error 101)".to_owned());
    let mut shadowed = entry(
        "overlay",
        "2001:db8:2::/64",
        FibState::Shadowed,
        vec![way("fd00::3", "eth0")],
    );
    shadowed.reason = Some("router underlay wants it too and comes first".to_owned());
    let mut excluded = entry(
        "underlay",
        "0.0.0.0/0",
        FibState::Excluded,
        vec![way("2001:db8:0:12::1", "eth0")],
    );
    excluded.reason = Some("a default route is not accepted".to_owned());
    let mut stale = entry("", "10.9.0.0/24", FibState::Stale, Vec::new());
    stale.router = None;
    stale.installed = vec![way("10.0.0.9", "eth0")];
    stale.reason = Some("from an earlier run".to_owned());
    let mut lost = entry(
        "underlay",
        "2001:db8:5::/48",
        FibState::Unresolved,
        Vec::new(),
    );
    lost.next_hops = vec![address("2001:db8:77::1")];
    lost.reason = Some("no next hop is reached".to_owned());
    let mut changing = entry("underlay", "10.0.2.0/24", FibState::Pending, two.clone());
    changing.installed = vec![way("fe80::1", "eth0")];
    vec![
        failed,
        entry("underlay", "2001:db8:2::/64", FibState::Installed, two),
        shadowed,
        excluded,
        stale,
        lost,
        changing,
    ]
}

fn objects() -> Vec<Value> {
    let condition = |kind: &str, status: &str, reason: &str, message: &str| {
        json!({ "type": kind, "status": status, "reason": reason, "message": message,
                "lastTransitionTime": "2026-11-07T00:00:00Z", "observedGeneration": 1 })
    };
    vec![
        json!({
            "apiVersion": "bgp.miloapis.com/v1alpha1", "kind": "BGPRouter",
            "metadata": { "name": "underlay", "namespace": "default", "generation": 1 },
            "spec": { "targetRef": { "kind": "Node", "name": "node-1" }, "localASN": 65000,
                      "routerID": "10.0.0.1",
                      "addressFamilies": [ { "afi": "ipv4", "safi": "unicast" },
                                           { "afi": "ipv6", "safi": "unicast" } ] },
            "status": { "phase": "Ready", "conditions": [
                condition("Ready", "True", "RuntimeReady", "the router runs"),
                condition("Degraded", "False", "AllEstablished", "every peer is Established"),
                condition("Programmed", "False", "KernelError",
                          "1 destination is not in the kernel: 10.2.0.0/16: No route to host") ] },
        }),
        json!({
            "apiVersion": "bgp.miloapis.com/v1alpha1", "kind": "BGPPolicy",
            "metadata": { "name": "to-upstreams", "namespace": "default", "generation": 1 },
            "spec": { "routerSelector": {}, "direction": "export",
                      "terms": [ { "sequence": 10, "match": {}, "action": "permit" } ] },
            "status": { "terms": 1, "conditions": [
                condition("Accepted", "True", "ConfigAccepted", "configured"),
                condition("Ready", "True", "Active", "acts on what all peers of its routers are told; routers: underlay"),
                condition("PolicyApplied", "False", "NoPeers", "its routers have no peers, or none that a term of it is about") ] },
        }),
        json!({
            "apiVersion": "bgp.miloapis.com/v1alpha1", "kind": "BGPPeer",
            "metadata": { "name": "tor-1", "namespace": "default", "generation": 1 },
            "spec": { "routerRef": { "name": "underlay" }, "peerASN": 65001,
                      "address": "2001:db8:0:12::1" },
            "status": { "sessionState": "Established", "conditions": [
                condition("Accepted", "True", "ConfigAccepted", "configured"),
                condition("Ready", "True", "Established", "session up") ] },
        }),
        json!({
            "apiVersion": "bgp.miloapis.com/v1alpha1", "kind": "BGPPeer",
            "metadata": { "name": LONG_NAME, "namespace": "lab", "generation": 2 },
            "spec": { "routerSelector": {}, "peerASN": 4200000001u32,
                      "address": "2001:db8:1111:2222:3333:4444:5555:6666" },
            "status": { "sessionState": "Idle", "conditions": [
                condition("Accepted", "False", "PolicyNotFound",
                          "spec.routeMapIn: there is no BGPPolicy \"tor-in\" in namespace \"lab\"; create it or correct the name"),
                condition("Ready", "False", "ConnectionRefused", "the neighbour refuses the connection") ] },
        }),
        json!({
            "apiVersion": "bgp.miloapis.com/v1alpha1", "kind": "BGPAdvertisement",
            "metadata": { "name": "pods", "namespace": "default", "generation": 1 },
            "spec": { "routerRef": { "name": "underlay" },
                      "addressFamily": { "afi": "ipv6", "safi": "unicast" },
                      "prefixes": ["2001:db8:1::/64"] },
            "status": { "advertisedPrefixes": 1, "conditions": [
                condition("Accepted", "True", "ConfigAccepted", "configured"),
                condition("Advertised", "True", "Advertised", "told to 1 peer") ] },
        }),
    ]
}
