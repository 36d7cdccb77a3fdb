//! Terms of policies.

use crate::support::*;

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
