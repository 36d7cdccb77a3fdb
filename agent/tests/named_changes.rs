//! A change of a field is told by the name of that field, and of no other.

use std::collections::BTreeMap;
use std::time::SystemTime;

use cosmos::desired::{Consequence, Desired, Effect, build, diff};
use cosmos::source::folder::Folder;

const ROUTER: &str = "
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {name: underlay}
spec:
  targetRef: {kind: Node, name: node-1}
  roles: [fabric]
  localASN: 65000
  routerID: 10.0.0.1
  addressFamilies: [{afi: ipv6, safi: unicast}, {afi: ipv4, safi: unicast}]
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPolicy
metadata: {name: in}
spec: {routerSelector: {}, direction: import, terms: [{sequence: 1, match: {}, action: permit}]}
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPolicy
metadata: {name: out}
spec: {routerSelector: {}, direction: export, terms: [{sequence: 1, match: {}, action: permit}]}
---
# Of another node; it names the policies, so that they act on nobody who does not.
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPRouter
metadata: {name: elsewhere}
spec:
  targetRef: {kind: Node, name: node-2}
  localASN: 65000
  routerID: 10.0.0.2
  addressFamilies: [{afi: ipv6, safi: unicast}]
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: elsewhere}
spec:
  routerRef: {name: elsewhere}
  address: '2001:db8::9'
  peerASN: 65009
  addressFamilies: [{afi: ipv6, safi: unicast}]
  routeMapIn: in
  routeMapOut: out
---
apiVersion: bgp.miloapis.com/v1alpha1
kind: BGPPeer
metadata: {name: tor}
spec:
  routerRef: {name: underlay}
";

const IPV6: &str = "addressFamilies: [{afi: ipv6, safi: unicast}]";
const BOTH: &str = "addressFamilies: [{afi: ipv4, safi: unicast}, {afi: ipv6, safi: unicast}]";
const ADDRESS: &str = "address: '2001:db8::1'";

/// What a node wants whose peer has these lines in its `spec`.
fn desired(lines: &[&str]) -> Desired {
    let peer: String = lines.iter().map(|line| format!("  {line}\n")).collect();
    let files = BTreeMap::from([("all.yaml".to_owned(), Ok(format!("{ROUTER}{peer}")))]);
    let content = Folder::default().read(files, SystemTime::UNIX_EPOCH);
    let content = content.expect("new");
    assert_eq!(content.problems, [], "{lines:?}");
    let (desired, problems) = build(&content.objects, "node-1");
    assert_eq!(desired.peers.len(), 1, "{lines:?}: {problems:?}");
    desired
}

#[test]
fn a_change_names_what_was_changed_and_nothing_that_follows() {
    let asn = "peerASN: 65001";
    let plain: &[&str] = &[ADDRESS, asn, IPV6];
    let cases: &[(&[&str], &[&str], &[&str])] = &[
        (
            plain,
            &["addPath: [{afi: ipv6, safi: unicast, receive: true}]"],
            &["spec.addPath"],
        ),
        (&[ADDRESS, asn], &[BOTH], &["spec.addressFamilies"]),
        (
            &[ADDRESS, asn],
            &[BOTH, "addPath: [{afi: ipv4, safi: unicast, receive: true}]"],
            &["spec.addressFamilies", "spec.addPath"],
        ),
        (
            plain,
            &["holdTime: 30s"],
            &["spec.holdTime, spec.timers.holdTime"],
        ),
        (
            plain,
            &["keepaliveTime: 20s"],
            &["spec.keepaliveTime, spec.timers.keepalive"],
        ),
        (
            plain,
            &["holdTime: 60s", "keepaliveTime: 15s"],
            &[
                "spec.holdTime, spec.timers.holdTime",
                "spec.keepaliveTime, spec.timers.keepalive",
            ],
        ),
        // From an external neighbour to an internal one, whose packets have another TTL.
        (&[ADDRESS, IPV6], &["peerASN: 65000"], &["spec.peerASN"]),
        (
            plain,
            &["ebgpMultiHop: true"],
            &["spec.ebgpMultiHop, spec.ebgpMultihop"],
        ),
        (
            plain,
            &["ebgpMultihop: 255"],
            &["spec.ebgpMultiHop, spec.ebgpMultihop"],
        ),
        (plain, &["ttlSecurity: 1"], &["spec.ttlSecurity"]),
        (plain, &["routeMapIn: in"], &["spec.routeMapIn, BGPPolicy"]),
        (
            plain,
            &["routeMapOut: out"],
            &["spec.routeMapOut, BGPPolicy"],
        ),
        (plain, &["role: customer"], &["spec.role"]),
        (
            plain,
            &["role: customer", "roleStrict: true"],
            &["spec.role", "spec.roleStrict"],
        ),
        (
            plain,
            &["gracefulRestart: {enabled: true}"],
            &["spec.gracefulRestart"],
        ),
        (
            plain,
            &[
                "gracefulRestart: {enabled: true}",
                "longLivedGracefulRestart: {enabled: true}",
            ],
            &["spec.gracefulRestart", "spec.longLivedGracefulRestart"],
        ),
    ];
    for (kept, changed, names) in cases {
        // What the peer has without the change, so that each line is there at most once.
        let mut before = kept.to_vec();
        for (field, line) in [("peerASN", asn), ("addressFamilies", IPV6)] {
            if !before.iter().any(|line| line.starts_with(field)) {
                before.push(line);
            }
        }
        let mut after = kept.to_vec();
        after.extend(*changed);
        let (before, after) = (desired(&before), desired(&after));
        // There, and back.
        for (from, to) in [(&before, &after), (&after, &before)] {
            let changes = diff(from, to);
            let [change] = &changes[..] else {
                panic!("{changed:?}: {changes:?}")
            };
            let said = Consequence::of(change, from);
            let fields: Vec<_> = said.fields.iter().map(|field| field.field).collect();
            assert_eq!(&fields[..], *names, "{changed:?}: {said}");
        }
    }
}

#[test]
fn one_line_of_a_strict_role_or_of_long_lived_restart_is_named_alone() {
    let base = [ADDRESS, "peerASN: 65001", IPV6];
    for (first, second, name, effect) in [
        (
            "role: customer",
            "roleStrict: true",
            "spec.roleStrict",
            Effect::ResetWithoutRole,
        ),
        (
            "gracefulRestart: {enabled: true}",
            "longLivedGracefulRestart: {enabled: true}",
            "spec.longLivedGracefulRestart",
            Effect::Reset,
        ),
    ] {
        let mut lines = base.to_vec();
        lines.push(first);
        let before = desired(&lines);
        lines.push(second);
        let after = desired(&lines);
        let changes = diff(&before, &after);
        let said = Consequence::of(&changes[0], &before);
        let fields: Vec<_> = said.fields.iter().map(|field| field.field).collect();
        assert_eq!(fields, [name]);
        assert_eq!(said.effect(), Some(effect));
    }
}
