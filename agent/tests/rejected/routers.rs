//! Routers and their families.

use crate::support::*;

#[test]
fn families_go_in_pairs() {
    for (afi, safi, message) in [
        ("ipv4", "unicast", None),
        ("ipv6", "unicast", None),
        ("ipv4", "vpn", None),
        ("ipv6", "vpn", None),
        ("l2vpn", "evpn", None),
        (
            "ipv4",
            "evpn",
            Some("IPv4 only supports unicast SAFI, and vpn"),
        ),
        (
            "ipv6",
            "evpn",
            Some("IPv6 only supports unicast SAFI, and vpn"),
        ),
        ("l2vpn", "unicast", Some("L2VPN only supports EVPN SAFI")),
        ("l2vpn", "vpn", Some("L2VPN only supports EVPN SAFI")),
        (
            "ipv5",
            "unicast",
            Some("the text \"ipv5\" is not possible; use one of ipv4, ipv6, l2vpn"),
        ),
        ("IPv6", "unicast", Some("use one of ipv4, ipv6, l2vpn")),
    ] {
        let spec = ROUTER.replace(
            "{afi: ipv6, safi: unicast}",
            &format!("{{afi: {afi}, safi: {safi}}}"),
        );
        match message {
            None => accepted("BGPRouter", &format!("{{{spec}}}")),
            Some(message) => refused("BGPRouter", &format!("{{{spec}}}"), message),
        }
    }
}

#[test]
fn routers_are_checked() {
    accepted("BGPRouter", &router_with("roles: [fabric, transit]"));
    accepted(
        "BGPRouter",
        &router_with("listenPort: -1, localAddress: '192.0.2.1', maximumPaths: 64"),
    );
    accepted(
        "BGPRouter",
        &router_with(
            "kernel: {install: false, metric: 20, table: 1000, protocol: 186, acceptDefaultRoute: true}, \
             requirePolicy: true, routeReflector: {clusterID: 1.2.3.4}, \
             bestPath: {alwaysCompareMed: true, deterministicMed: true, compareRouterId: true}",
        ),
    );
    for (more, message) in [
        ("roles: []", "spec.roles: has 0 entries; give at least 1"),
        (
            "roles: [leaf]",
            "spec.roles[0]: the text \"leaf\" is not possible; use one of fabric, tenant, transit",
        ),
        ("listenPort: 0", "spec.listenPort: listenPort must be -1"),
        (
            "listenPort: -2",
            "spec.listenPort: -2 is out of range; use -1 to 65535",
        ),
        (
            "listenPort: 65536",
            "spec.listenPort: 65536 is out of range",
        ),
        (
            "listenPort: '179'",
            "spec.listenPort: must be a whole number, but is the text \"179\"",
        ),
        (
            "localAddress: fe80::1%eth0",
            "spec.localAddress: localAddress must be",
        ),
        (
            "kernel: {table: 255}",
            "spec.kernel.table: table 255 is the kernel's own",
        ),
        (
            "kernel: {metric: 4294967296}",
            "spec.kernel.metric: 4294967296 is out of range",
        ),
        (
            "maximumPaths: 65",
            "spec.maximumPaths: 65 is out of range; use 1 to 64",
        ),
        (
            "routeReflector: {}",
            "spec.routeReflector.clusterID: is missing; give it: The cluster identifier",
        ),
        (
            "routeReflector: {clusterID: rr}",
            "spec.routeReflector.clusterID: \"rr\" is not four numbers",
        ),
    ] {
        refused("BGPRouter", &router_with(more), message);
    }
    for (from, to, message) in [
        (
            "localASN: 65000",
            "localASN: 0",
            "spec.localASN: 0 is out of range; use 1 to 4294967295",
        ),
        (
            "localASN: 65000",
            "localASN: 4294967296",
            "spec.localASN: 4294967296 is out of range",
        ),
        (
            "localASN: 65000, ",
            "",
            "spec.localASN: is missing; give it: The router's AS number.",
        ),
        (
            "10.0.0.1",
            "10.0.0.256",
            "spec.routerID: \"10.0.0.256\" is not four numbers",
        ),
        (
            "10.0.0.1",
            "'2001:db8::1'",
            "spec.routerID: \"2001:db8::1\" is not four numbers",
        ),
        (
            "kind: Node",
            "kind: ''",
            "spec.targetRef.kind: must not be empty",
        ),
        (
            "[{afi: ipv6, safi: unicast}]",
            "[]",
            "spec.addressFamilies: has 0 entries; give at least 1",
        ),
    ] {
        refused(
            "BGPRouter",
            &format!("{{{}}}", ROUTER.replace(from, to)),
            message,
        );
    }
    accepted(
        "BGPRouter",
        &format!("{{{}}}", ROUTER.replace("65000", "4294967295")),
    );
    // The target may be of any kind; what is not a Node is another's business.
    accepted(
        "BGPRouter",
        &format!("{{{}}}", ROUTER.replace("Node", "RouterDevice")),
    );
}
