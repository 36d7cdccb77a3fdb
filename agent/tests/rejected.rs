//! What the printed definitions accept and refuse, each case with what a person is told.

use cosmos::source::validate::{Judge, Verdict};

fn judge(kind: &str, spec: &str) -> Verdict {
    let group = if kind.starts_with("VPC") {
        "vpc"
    } else {
        "bgp"
    };
    let text = format!(
        "{{apiVersion: {group}.miloapis.com/v1alpha1, kind: {kind}, metadata: {{name: a}}, spec: {spec}}}"
    );
    Judge::default()
        .admit(serde_saphyr::from_str(&text).unwrap_or_else(|error| panic!("{text}: {error}")))
}

fn told(verdict: &Verdict) -> String {
    verdict
        .findings
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[track_caller]
fn accepted(kind: &str, spec: &str) {
    let verdict = judge(kind, spec);
    assert!(
        verdict.object.is_some() && verdict.findings.is_empty(),
        "{spec}: {}",
        told(&verdict)
    );
}

/// Exactly one thing is wrong, and a person is told `message`.
#[track_caller]
fn refused(kind: &str, spec: &str, message: &str) {
    let verdict = judge(kind, spec);
    assert!(verdict.object.is_none(), "accepted: {spec}");
    assert_eq!(verdict.findings.len(), 1, "{spec}: {}", told(&verdict));
    let told = told(&verdict);
    assert!(
        told.contains(message),
        "{spec}:\nsaid    {told}\nwithout {message}"
    );
}

const PEER: &str = "routerRef: {name: r}, peerASN: 65000, address: '2001:db8::1', \
                    addressFamilies: [{afi: ipv6, safi: unicast}]";
const ROUTER: &str = "targetRef: {kind: Node, name: node-1}, localASN: 65000, routerID: 10.0.0.1, \
                      addressFamilies: [{afi: ipv6, safi: unicast}]";
const ADVERTISEMENT: &str = "routerRef: {name: r}, addressFamily: {afi: ipv6, safi: unicast}";

fn peer_with(more: &str) -> String {
    format!("{{{PEER}, {more}}}")
}

fn router_with(more: &str) -> String {
    format!("{{{ROUTER}, {more}}}")
}

fn advertisement_with(more: &str) -> String {
    format!("{{{ADVERTISEMENT}, {more}}}")
}

fn policy_with(term: &str) -> String {
    format!("{{routerRef: {{name: r}}, direction: import, terms: [{{sequence: 10, {term}}}]}}")
}

#[test]
fn a_neighbour_is_known_by_its_address_or_by_where_it_is() {
    const DYNAMIC: &str =
        "routerRef: {name: r}, peerASN: 65000, addressFamilies: [{afi: ipv6, safi: unicast}]";
    let with = |more: &str| format!("{{{DYNAMIC}{more}}}");
    accepted(
        "BGPPeer",
        &with(
            ", dynamicNeighbors: {prefixes: [192.0.2.0/24, '2001:db8::/64'], limit: 10000}, passive: true",
        ),
    );
    for (more, message) in [
        (
            "",
            "Exactly one of address, interface or dynamicNeighbors must be set",
        ),
        (
            ", address: '2001:db8::1', dynamicNeighbors: {prefixes: ['2001:db8::/64']}",
            "Exactly one of address, interface or dynamicNeighbors must be set",
        ),
        (
            ", interface: eth0, dynamicNeighbors: {prefixes: ['2001:db8::/64']}",
            "Exactly one of address, interface or dynamicNeighbors must be set",
        ),
        (
            ", address: '2001:db8::1', interface: eth0, dynamicNeighbors: {prefixes: ['2001:db8::/64']}",
            "Exactly one of address, interface or dynamicNeighbors must be set",
        ),
        (
            ", dynamicNeighbors: {prefixes: ['2001:db8::/64']}, remotePort: 1790",
            "remotePort is for sessions that we open",
        ),
        (
            ", dynamicNeighbors: {prefixes: ['2001:db8::/64']}, passive: false",
            "passive cannot be false",
        ),
        (
            ", dynamicNeighbors: {prefixes: ['2001:db8::']}",
            "prefixes must be prefixes with a length",
        ),
        (", dynamicNeighbors: {prefixes: []}", "prefixes"),
        (", dynamicNeighbors: {limit: 1}", "prefixes"),
        (
            ", dynamicNeighbors: {prefixes: ['2001:db8::/64'], limit: 0}",
            "limit",
        ),
    ] {
        refused("BGPPeer", &with(more), message);
    }
}

#[test]
fn the_configurations_that_the_contract_rejects_are_refused() {
    refused(
        "BGPPeer",
        "{routerRef: {name: r}, peerASN: 65000, address: '2001:db8::1', \
         addressFamilies: [{afi: ipv4, safi: evpn}]}",
        "spec.addressFamilies[0]: IPv4 only supports unicast SAFI, and vpn",
    );
    refused(
        "BGPPeer",
        &peer_with("routerSelector: {matchLabels: {plane: underlay}}"),
        "spec: Exactly one of routerRef or routerSelector must be set",
    );
    for (term, message) in [
        (
            "match: {any: true}, action: deny, set: {localPreference: 100}",
            "spec.terms[0]: set must not be set when action is deny",
        ),
        (
            "match: {any: true, prefixList: ['10.0.0.0/8']}, action: permit",
            "spec.terms[0].match: prefixList must be empty when any is true",
        ),
        (
            "match: {prefixList: ['10.0.0.0']}, action: permit",
            "spec.terms[0].match.prefixList: prefixList must hold prefixes with a length",
        ),
        (
            "match: {}, action: permit, set: {asPath: {prepend: 2, replace: [65000]}}",
            "spec.terms[0].set.asPath: prepend and replace exclude each other",
        ),
        (
            "match: {}, action: permit, set: {nextHop: {self: true, address: '2001:db8::1'}}",
            "spec.terms[0].set.nextHop: self and address exclude each other",
        ),
    ] {
        refused("BGPPolicy", &policy_with(term), message);
    }
}

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

#[test]
fn peers_are_checked() {
    accepted("BGPPeer", &peer_with("ebgpMultihop: 3"));
    accepted("BGPPeer", &peer_with("ebgpMultiHop: true, ebgpMultihop: 3"));
    accepted("BGPPeer", &peer_with("ebgpMultiHop: false, ttlSecurity: 1"));
    accepted(
        "BGPPeer",
        &peer_with("timers: {holdTime: 9, keepalive: 3}, remotePort: 1790"),
    );
    accepted(
        "BGPPeer",
        &peer_with("addPath: [{afi: ipv6, safi: unicast, receive: true, send: 4}]"),
    );
    accepted(
        "BGPPeer",
        &peer_with(
            "bfd: {enabled: false, detectMultiplier: 3}, gracefulRestart: {restartTime: 1200}",
        ),
    );
    accepted(
        "BGPPeer",
        &peer_with(
            "gracefulRestart: {enabled: true}, longLivedGracefulRestart: {enabled: true, staleTime: 16777215}",
        ),
    );
    accepted(
        "BGPPeer",
        &peer_with("removePrivateAS: 4294967295, defaultOriginRoute: igp"),
    );
    accepted(
        "BGPPeer",
        &format!(
            "{{{}}}",
            PEER.replace("peerASN: 65000", "peerType: external")
        ),
    );
    let by_interface = PEER.replace("address: '2001:db8::1'", "interface: eth0");
    accepted("BGPPeer", &format!("{{{by_interface}}}"));
    for spec in [
        peer_with("interface: eth0"),
        format!("{{{}}}", by_interface.replace("interface: eth0, ", "")),
    ] {
        let message = "spec: Exactly one of address, interface or dynamicNeighbors must be set";
        refused("BGPPeer", &spec, message);
    }
    refused(
        "BGPPeer",
        &format!("{{{}}}", by_interface.replace("eth0", "a-name-of-sixteen")),
        "spec.interface: ",
    );
    accepted(
        "BGPPeer",
        &format!(
            "{{{}}}",
            PEER.replace("routerRef: {name: r}", "routerSelector: {}")
        ),
    );
    for (more, message) in [
        (
            "peerType: internal",
            "spec: Exactly one of peerASN or peerType must be set",
        ),
        (
            "ebgpMultihop: 3, ttlSecurity: 1",
            "spec: ebgpMultihop and ttlSecurity exclude each other",
        ),
        (
            "ebgpMultiHop: true, ttlSecurity: 1",
            "spec: ebgpMultiHop and ttlSecurity exclude each other",
        ),
        (
            "ebgpMultiHop: false, ebgpMultihop: 3",
            "spec: ebgpMultihop gives a TTL while ebgpMultiHop is false",
        ),
        (
            "ebgpMultihop: 256",
            "spec.ebgpMultihop: 256 is out of range; use 1 to 255",
        ),
        (
            "ttlSecurity: 255",
            "spec.ttlSecurity: 255 is out of range; use 1 to 254",
        ),
        (
            "allowAsIn: 11",
            "spec.allowAsIn: 11 is out of range; use 1 to 10",
        ),
        (
            "remotePort: 0",
            "spec.remotePort: 0 is out of range; use 1 to 65535",
        ),
        (
            "holdTime: 9s, timers: {holdTime: 9}",
            "spec: holdTime and timers.holdTime are the same setting",
        ),
        (
            "keepaliveTime: 3s, timers: {keepalive: 3}",
            "spec: keepaliveTime and timers.keepalive are the same setting",
        ),
        (
            "timers: {holdTime: 2}",
            "spec.timers.holdTime: 2 is out of range; use 3 or more",
        ),
        (
            "bfd: {detectMultiplier: 2}",
            "spec.bfd.detectMultiplier: 2 is out of range; use 3 to 50",
        ),
        (
            "gracefulRestart: {restartTime: 1201}",
            "spec.gracefulRestart.restartTime: 1201 is out of range",
        ),
        (
            "longLivedGracefulRestart: {enabled: true}",
            "spec: longLivedGracefulRestart needs gracefulRestart with enabled: true",
        ),
        (
            "gracefulRestart: {enabled: false}, longLivedGracefulRestart: {enabled: true}",
            "spec: longLivedGracefulRestart needs gracefulRestart with enabled: true",
        ),
        (
            "longLivedGracefulRestart: {staleTime: 0}",
            "spec.longLivedGracefulRestart.staleTime: 0 is out of range",
        ),
        (
            "removePrivateAS: -1",
            "spec.removePrivateAS: -1 is out of range",
        ),
        (
            "defaultOriginRoute: EGP",
            "spec.defaultOriginRoute: the text \"EGP\" is not possible; use one of igp, egp, incomplete",
        ),
        (
            "passive: 'yes'",
            "spec.passive: must be true or false, but is the text \"yes\"",
        ),
        (
            "authSecretRef: {name: ''}",
            "spec.authSecretRef.name: must not be empty",
        ),
        (
            "addPath: [{afi: ipv6, safi: unicast}, {afi: ipv6, safi: unicast, send: 2}]",
            "spec.addPath[1]: ipv6/unicast is already entry 0 of the list",
        ),
    ] {
        refused("BGPPeer", &peer_with(more), message);
    }
    refused(
        "BGPPeer",
        &format!("{{{}}}", PEER.replace("routerRef: {name: r}, ", "")),
        "spec: Exactly one of routerRef or routerSelector must be set",
    );
    refused(
        "BGPPeer",
        &format!("{{{}}}", PEER.replace("peerASN: 65000, ", "")),
        "spec: Exactly one of peerASN or peerType must be set",
    );
}

#[test]
fn addresses_of_peers_are_addresses() {
    for (address, good) in [
        ("192.0.2.1", true),
        ("2001:db8::1", true),
        ("2001:DB8::1", true),
        ("fe80::1%eth0", false),
        ("010.0.0.1", false),
        ("::ffff:192.0.2.1", false),
        ("192.0.2.1/24", false),
        ("2001:db8:fabric::1", false),
        ("tor-1.example.com", false),
        ("192.0.2", false),
    ] {
        let spec = format!("{{{}}}", PEER.replace("2001:db8::1", address));
        if good {
            accepted("BGPPeer", &spec);
        } else {
            refused(
                "BGPPeer",
                &spec,
                "spec.address: address must be an IPv4 or IPv6 address",
            );
        }
    }
}

#[test]
fn durations_of_peers_are_bounded() {
    for (field, value, message) in [
        ("holdTime", "0s", None),
        ("holdTime", "'0'", None),
        ("holdTime", "3s", None),
        ("holdTime", "1m30s", None),
        ("holdTime", "24h", None),
        (
            "holdTime",
            "2999ms",
            Some("holdTime must be a duration with its unit, 0s or at least 3s, such as 90s"),
        ),
        (
            "holdTime",
            "-5s",
            Some("holdTime must be a duration with its unit, 0s or at least 3s, such as 90s"),
        ),
        (
            "holdTime",
            "'90'",
            Some("holdTime must be a duration with its unit, 0s or at least 3s, such as 90s"),
        ),
        (
            "holdTime",
            "soon",
            Some("holdTime must be a duration with its unit, 0s or at least 3s, such as 90s"),
        ),
        (
            "holdTime",
            "90",
            Some(
                "must be a text, but is the number 90; give it: How long the neighbour may be silent, as a duration such as 90s",
            ),
        ),
        ("keepaliveTime", "0s", None),
        ("keepaliveTime", "30s", None),
        ("keepaliveTime", "-5s", None),
        (
            "keepaliveTime",
            "31s",
            Some("keepaliveTime must be a duration with its unit, 0s or at most 30s, such as 30s"),
        ),
    ] {
        let spec = peer_with(&format!("{field}: {value}"));
        match message {
            None => accepted("BGPPeer", &spec),
            Some(message) => refused("BGPPeer", &spec, &format!("spec.{field}: {message}")),
        }
    }
}

#[test]
fn prefixes_of_advertisements_have_the_form_of_the_contract() {
    for (prefix, good) in [
        ("10.0.0.0/8", true),
        ("10.0.0.5/8", true),
        ("0.0.0.0/0", true),
        ("::1/128", true),
        ("fd00::/8", true),
        ("::/0", true),
        // The form is all that the schema looks at; the agent says what is no prefix after all.
        ("999.999.999.999/99", true),
        ("1:2/64", true),
        (":::::/1", true),
        ("2001:db8::/999", true),
        ("::ffff:1.2.3.4/128", false),
        ("2001:db8:loopback::1/128", false),
        ("10.0.0.0", false),
        ("2001:db8::", false),
        ("10.0.0/8", false),
        ("", false),
    ] {
        let spec = advertisement_with(&format!("prefixes: ['{prefix}']"));
        if good {
            accepted("BGPAdvertisement", &spec);
        } else {
            refused("BGPAdvertisement", &spec, "spec.prefixes[0]: ");
        }
    }
}

#[test]
fn advertisements_are_checked() {
    accepted(
        "BGPAdvertisement",
        &advertisement_with("redistribute: [connected, static]"),
    );
    accepted(
        "BGPAdvertisement",
        &advertisement_with("originateFrom: {type: interface, interfaceName: lo}"),
    );
    accepted(
        "BGPAdvertisement",
        &advertisement_with("originateFrom: {type: kernel}, policyRef: {name: p}"),
    );
    accepted(
        "BGPAdvertisement",
        &advertisement_with(
            "prefixes: ['::/0'], communities: ['65000:1', '10.0.0.1:1', no-export, graceful-shutdown, blackhole, NO_ADVERTISE, local-AS], localPreference: 4294967295",
        ),
    );
    let none = "spec: At least one of prefixes, redistribute or originateFrom must be set";
    let many: Vec<String> = (0..257)
        .map(|n| format!("'10.{}.{}.0/24'", n / 256, n % 256))
        .collect();
    let many = format!("prefixes: [{}]", many.join(", "));
    for (more, message) in [
        ("communities: []", none),
        ("prefixes: []", none),
        (
            "prefixes: ['::/0', '::/0']",
            "spec.prefixes[1]: ::/0 is already entry 0 of the list; remove one",
        ),
        (
            "redistribute: [kernel, kernel]",
            "spec.redistribute[1]: kernel is already entry 0",
        ),
        (
            "redistribute: [ospf]",
            "spec.redistribute[0]: the text \"ospf\" is not possible; use one of static, connected, kernel",
        ),
        (
            "originateFrom: {type: interface}",
            "spec.originateFrom: interfaceName is required when type is interface",
        ),
        (
            "originateFrom: {type: kernel, interfaceName: lo}",
            "spec.originateFrom: interfaceName must not be set when type is kernel",
        ),
        (
            "prefixes: ['::/0'], communities: ['65000:1x0']",
            "spec.communities[0]: \"65000:1x0\" does not have the right form, character 8 is 'x'",
        ),
        (
            "prefixes: ['::/0'], communities: ['65000']",
            "spec.communities[0]: \"65000\" does not have the right form, it ends too early",
        ),
        (
            "prefixes: ['::/0'], localPreference: -1",
            "spec.localPreference: -1 is out of range; use 0 to 4294967295",
        ),
        (
            "prefixes: ['::/0'], policyRef: {name: ''}",
            "spec.policyRef.name: must not be empty",
        ),
        (
            &many,
            "spec.prefixes: has 257 entries; at most 256 are possible",
        ),
    ] {
        refused("BGPAdvertisement", &advertisement_with(more), message);
    }
    refused(
        "BGPAdvertisement",
        "{routerRef: {name: r}, prefixes: ['::/0']}",
        "spec.addressFamily: is missing; give it: The family of the routes.",
    );
}

#[test]
fn any_stands_alone_in_a_policy() {
    for (field, good) in [
        ("addressFamilies: []", true),
        ("prefixList: []", true),
        ("communityMatch: []", true),
        ("evpnRouteType: []", true),
        ("vni: 0", true),
        ("localPreference: 0", true),
        ("med: 0", true),
        ("addressFamilies: [{afi: ipv6, safi: unicast}]", false),
        ("prefixList: ['::/0']", false),
        ("ipPrefix: '::/0'", false),
        ("asPathFilter: {pattern: '^65000'}", false),
        ("communityMatch: ['65000:1']", false),
        ("evpnRouteType: [macIPAdvertisement]", false),
        ("vni: 1", false),
        ("macAddress: '00:11:22:33:44:55'", false),
        ("localPreference: 1", false),
        ("med: 1", false),
    ] {
        let term =
            |any: &str| policy_with(&format!("match: {{any: {any}, {field}}}, action: permit"));
        accepted("BGPPolicy", &term("false"));
        if good {
            accepted("BGPPolicy", &term("true"));
        } else {
            refused("BGPPolicy", &term("true"), "spec.terms[0].match: ");
        }
    }
}

#[test]
fn policies_are_checked() {
    accepted(
        "BGPPolicy",
        &policy_with(
            "match: {asPathFilter: {pattern: '65000', matchType: full}}, action: permit, \
             set: {communities: {add: ['no-export']}, extCommunities: {add: ['rt:65000:100', '65000:1']}, \
             origin: egp, asPath: {prepend: 3}, nextHop: {self: true}, metric: 4294967295, color: 100, \
             srv6EndpointBehavior: End.DT6}",
        ),
    );
    accepted(
        "BGPPolicy",
        &policy_with("match: {}, action: permit, set: {asPath: {prepend: 1, replace: []}}"),
    );
    for (term, message) in [
        (
            "match: {}, action: deny, set: {}",
            "spec.terms[0]: set must not be set when action is deny",
        ),
        (
            "match: {}, action: accept",
            "spec.terms[0].action: the text \"accept\" is not possible; use one of permit, deny",
        ),
        ("action: permit", "spec.terms[0].match: is missing"),
        (
            "match: {asPathFilter: {pattern: ''}}, action: permit",
            "spec.terms[0].match.asPathFilter.pattern: must not be empty",
        ),
        (
            "match: {ipPrefix: 10.0.0.1}, action: permit",
            "spec.terms[0].match.ipPrefix: ipPrefix must be a prefix",
        ),
        (
            "match: {macAddress: '00-11-22-33-44-55'}, action: permit",
            "spec.terms[0].match.macAddress: ",
        ),
        (
            "match: {vni: 16777216}, action: permit",
            "spec.terms[0].match.vni: 16777216 is out of range",
        ),
        (
            "match: {}, action: permit, set: {extCommunities: {add: ['xyz']}}",
            "spec.terms[0].set.extCommunities.add[0]: ",
        ),
        (
            "match: {}, action: permit, set: {asPath: {prepend: 11}}",
            "spec.terms[0].set.asPath.prepend: 11 is out of range",
        ),
    ] {
        refused("BGPPolicy", &policy_with(term), message);
    }
    refused(
        "BGPPolicy",
        "{routerSelector: {}, direction: export, terms: [{sequence: 1, match: {}, action: permit}, {sequence: 1, match: {}, action: deny}]}",
        "spec: Each term's sequence must be unique",
    );
    refused(
        "BGPPolicy",
        "{routerSelector: {}, direction: export, terms: []}",
        "spec.terms: has 0 entries",
    );
}

#[test]
fn vrfs_and_vpcs_are_checked() {
    let vrf = |rd: &str| {
        format!(
            "{{routerRef: {{name: r}}, routeDistinguisher: '{rd}', importRouteTargets: [{{value: '65000:1'}}], \
             exportRouteTargets: [{{value: '4200000000:100'}}]}}"
        )
    };
    accepted("BGPVRFInstance", &vrf("4200000000:100"));
    accepted("BGPVRFInstance", &vrf("192.0.2.1:65535"));
    refused(
        "BGPVRFInstance",
        &vrf("tenant-a"),
        "spec.routeDistinguisher: \"tenant-a\" does not have the right form, character 1 is 't'",
    );
    accepted("VPC", "{networks: [10.100.0.0/24, 'fd00:a::/48']}");
    refused(
        "VPC",
        "{networks: [10.100.0.0]}",
        "spec.networks: networks must be prefixes with a length",
    );
    refused("VPC", "{networks: []}", "spec.networks: has 0 entries");
    accepted(
        "VPCAttachment",
        "{vpc: {name: v}, interface: {addresses: [10.100.0.5, 'fd00:a::5', 'fd00:a::5/64']}}",
    );
    refused(
        "VPCAttachment",
        "{vpc: {name: v}, interface: {addresses: [eth0]}}",
        "spec.interface.addresses: ",
    );
}

#[test]
fn defaults_of_the_schema_are_filled_in() {
    let verdict = judge(
        "VPCAttachment",
        "{vpc: {name: v}, interface: {addresses: [10.100.0.5]}}",
    );
    let object = verdict.object.expect("accepted").to_value();
    assert_eq!(object["spec"]["interface"]["name"], "eth0");
    let term = "match: {asPathFilter: {pattern: x}}, action: permit";
    let object = judge("BGPPolicy", &policy_with(term))
        .object
        .expect("accepted")
        .to_value();
    assert_eq!(
        object["spec"]["terms"][0]["match"]["asPathFilter"]["matchType"],
        "contains"
    );
    // Timers have their defaults in the agent, so that the object stays as it was written.
    let object = judge("BGPPeer", &format!("{{{PEER}}}"))
        .object
        .expect("accepted")
        .to_value();
    assert_eq!(object["spec"].get("holdTime"), None);
    assert_eq!(object["metadata"]["namespace"], "default");
}

#[test]
fn an_unknown_field_is_dropped_and_told() {
    let verdict = judge(
        "BGPPeer",
        &peer_with("holdtime: 9s, bdf: {enabled: true}, colour: red"),
    );
    assert!(verdict.object.is_some());
    let told = told(&verdict);
    for line in [
        "spec.holdtime: there is no such field, so it has no effect; did you mean holdTime?",
        "spec.bdf: there is no such field, so it has no effect; did you mean bfd?",
        "spec.colour: there is no such field, so it has no effect; remove it",
    ] {
        assert!(told.contains(line), "{told}");
    }
}

#[test]
fn what_nobody_would_write_is_not_among_what_is_possible() {
    let spec = peer_with("peerType: foreign").replace("peerASN: 65000, ", "");
    let told = told(&judge("BGPPeer", &spec));
    let wanted =
        "spec.peerType: the text \"foreign\" is not possible; use one of external, internal";
    assert!(told.ends_with(wanted), "{told}");
}

#[test]
fn nulls_count_as_left_out() {
    accepted("BGPPeer", &peer_with("holdTime: null, bfd: null"));
    refused(
        "BGPPeer",
        &format!("{{{}}}", PEER.replace("'2001:db8::1'", "null")),
        "Exactly one of address, interface or dynamicNeighbors must be set",
    );
}

#[test]
fn a_document_must_say_what_it_is() {
    let judge = |text: &str| Judge::default().admit(serde_saphyr::from_str(text).expect("YAML"));
    for (text, named, message) in [
        ("[a, list]", None, "is not an object; begin with apiVersion"),
        ("{kind: BGPPeer}", None, "apiVersion: is missing"),
        (
            "{apiVersion: v1, kind: ConfigMap, metadata: {name: c}}",
            Some("ConfigMap/c"),
            "kind: ConfigMap (v1) is not read here; the kinds are BGPRouter, BGPPeer",
        ),
        (
            "{apiVersion: bgp.miloapis.com/v1, kind: BGPPeer, metadata: {name: c}}",
            Some("BGPPeer/c"),
            "use apiVersion bgp.miloapis.com/v1alpha1",
        ),
        (
            "{apiVersion: v1, kind: Secret}",
            Some("Secret/?"),
            "metadata.name: is missing",
        ),
        (
            "{apiVersion: v1, kind: Secret, metadata: {name: Upper_Case}}",
            Some("Secret/Upper_Case"),
            "metadata.name: must be lower-case letters",
        ),
        (
            "{apiVersion: v1, kind: Secret, metadata: {name: s, namespace: a.b}}",
            Some("Secret/a.b/s"),
            "metadata.namespace: must be lower-case letters",
        ),
        (
            "{apiVersion: v1, kind: Secret, metadata: {name: s, labels: {tier: 1}}}",
            Some("Secret/s"),
            "metadata.labels.tier: must be a text; put it in quotes",
        ),
        (
            "{apiVersion: v1, kind: Secret, metadata: {name: s}, data: {password: '%%%'}}",
            Some("Secret/s"),
            "data.password: ",
        ),
    ] {
        let verdict = judge(text);
        assert!(verdict.object.is_none(), "{text}");
        assert_eq!(verdict.named.as_deref(), named, "{text}");
        assert_eq!(verdict.findings.len(), 1, "{text}: {}", told(&verdict));
        assert!(
            told(&verdict).contains(message),
            "{text}: {}",
            told(&verdict)
        );
    }
}
