//! Who a neighbour is, and how its session is.

use crate::support::*;

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
fn what_nobody_would_write_is_not_among_what_is_possible() {
    let spec = peer_with("peerType: foreign").replace("peerASN: 65000, ", "");
    let told = told(&judge("BGPPeer", &spec));
    let wanted =
        "spec.peerType: the text \"foreign\" is not possible; use one of external, internal";
    assert!(told.ends_with(wanted), "{told}");
}
