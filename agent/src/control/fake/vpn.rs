//! What a reflector of VPN routes has.

use rib::RouteKey;
use serde_json::{Value, json};

use super::node::LONG_NAME;
use crate::control::routes::{
    Attributes, Ineligible, PathExplanation, RouteExplanation, RouteRow, ToldExplanation,
};

/// Routes of two VPNs, and who asks for which.
pub(super) fn rows() -> Vec<RouteRow> {
    let row =
        |route: RouteKey, peer: &str, next_hop: &str, label: Option<u32>, targets: &[&str]| {
            RouteRow {
                best: true,
                peer: peer.to_owned(),
                nlri: label
                    .map(|label| ("labels".to_owned(), Value::from(vec![label])))
                    .into_iter()
                    .collect(),
                attributes: Attributes {
                    next_hop: Some(next_hop.to_owned()),
                    origin: "igp".to_owned(),
                    local_pref: Some(100),
                    ext_communities: targets
                        .iter()
                        .map(|target| format!("rt:{target}"))
                        .collect(),
                    ..Attributes::default()
                },
                ..RouteRow::of(route)
            }
        };
    let v4 = |text: &str| RouteKey::VpnV4(text.parse().unwrap());
    let v6 = |text: &str| RouteKey::VpnV6(text.parse().unwrap());
    let membership = |text: &str| RouteKey::RouteTarget(text.parse().unwrap());
    vec![
        row(
            v4("65000:100:10.0.0.0/8"),
            "pe-1",
            "10.255.0.1",
            Some(16),
            &["65000:100"],
        ),
        RouteRow {
            best: false,
            ineligible: Some(Ineligible::ClusterLoop),
            ..row(
                v4("65000:100:10.0.0.0/8"),
                "pe-2",
                "fd00::2",
                Some(1_048_575),
                &["65000:100"],
            )
        },
        row(
            v4("10.255.255.255:65535:192.168.100.100/32"),
            LONG_NAME,
            "2001:db8:1111:2222:3333:4444:5555:6666",
            Some(299_776),
            &["65000:100", "4200000000:65535", "10.255.255.255:65535"],
        ),
        row(
            v6("100:1:2001:db8:1111:2222:3333:4444:5555:6666/128"),
            "pe-1",
            "2001:db8:1111:2222:3333:4444:5555:6666",
            Some(3),
            &["65000:100"],
        ),
        RouteRow {
            nlri: evpn_nlri(),
            ..row(
                RouteKey::Evpn(
                    "[2]:[65000:100]:[0]:[48]:[02:00:00:00:00:01]:[128]:[2001:db8::1]"
                        .parse()
                        .unwrap(),
                ),
                "pe-1",
                "10.255.0.1",
                None,
                &["65000:100"],
            )
        },
        row(membership("default"), "local", "-", None, &[]),
        row(
            membership("65000:rt:65000:100"),
            "pe-1",
            "10.255.0.1",
            None,
            &[],
        ),
    ]
}

pub(super) fn explanation(rows: &[RouteRow]) -> RouteExplanation {
    let path = |row: &RouteRow| PathExplanation {
        row: row.clone(),
        source: "client".to_owned(),
        peer_as: Some(65_000),
        peer_router_id: Some("10.255.0.1".to_owned()),
        policy: "accepted as it is".to_owned(),
        ..PathExplanation::default()
    };
    RouteExplanation {
        family: rows[0].family.clone(),
        route: rows[0].route.clone(),
        paths: rows[..2].iter().map(path).collect(),
        told: vec![
            ToldExplanation {
                group: Some("0".to_owned()),
                peers: vec!["pe-2".to_owned()],
                announced: Some(Attributes {
                    originator_id: Some("10.255.0.1".to_owned()),
                    cluster_list: vec!["10.255.0.9".to_owned()],
                    ..rows[0].attributes.clone()
                }),
                ..ToldExplanation::default()
            },
            ToldExplanation {
                group: Some("1".to_owned()),
                peers: vec!["pe-3".to_owned()],
                reason: Some("none of its route targets is asked for (RFC 4684 §6)".to_owned()),
                ..ToldExplanation::default()
            },
        ],
        ..RouteExplanation::default()
    }
}

/// Two labels, which the encapsulation makes VNIs or not.
fn evpn_nlri() -> serde_json::Map<String, Value> {
    let labels = json!([{"label": 62, "vni": 1000}, {"label": 125, "vni": 2000}]);
    let Value::Object(nlri) = json!({"labels": labels, "mac": "02:00:00:00:00:01", "type": 2})
    else {
        unreachable!("it is written as an object")
    };
    nlri
}
