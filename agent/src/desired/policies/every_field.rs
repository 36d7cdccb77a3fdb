//! Each field of a term: what it makes of routes, and what is said of one that cannot be carried out.

use bgp_wire::Asn;
use crds::BGPPolicySpec;
use rib::policy::{Chain, Evaluation, Verdict};

use super::terms::{Audience, Terms};
use crate::cli::route_text::TypedRoute;
use crate::desired::build::Findings;
use crate::desired::objects::{Kind, ObjectKey};
use crate::desired::problem::{Problem, Severity};

/// The policy of one term, and what is said of it. We are AS 65000 to the BGPPeer `tor`.
fn compiled(direction: &str, term: &str) -> (Chain, Vec<Problem>) {
    let spec = format!(
        "{{routerSelector: {{}}, direction: {direction}, terms: [{{sequence: 10, {term}}}]}}"
    );
    let spec: BGPPolicySpec =
        serde_saphyr::from_str(&spec).unwrap_or_else(|wrong| panic!("{spec}: {wrong}"));
    let key = ObjectKey::new(Kind::BgpPolicy, "default", "p");
    let mut problems = Vec::new();
    let mut findings = Findings::new(&key, &mut problems);
    let terms = Terms::of(&spec, &mut findings);
    let tor = Audience {
        own: Asn(65000),
        peer: Some("tor"),
    };
    let policy = terms.policy("p", &terms.variant(tor, false));
    (Chain::new(policy), problems)
}

fn route(text: &str) -> TypedRoute {
    text.parse()
        .unwrap_or_else(|wrong| panic!("{text}: {wrong}"))
}

/// Whether the term takes the route.
fn takes(matches: &str, text: &str) -> bool {
    let (chain, problems) = compiled("export", &format!("match: {{{matches}}}, action: deny"));
    assert_eq!(problems, [], "{matches}");
    let route = route(text);
    let family = route.facts.key.family();
    let mut evaluation = Evaluation::new(&chain, route.attrs.as_ref(), family);
    matches!(evaluation.verdict(Some(&route.facts)), Verdict::Deny(_))
}

/// The attributes as they leave a term with this `set`.
fn changed(set: &str, attrs: &str) -> String {
    let (chain, problems) = compiled(
        "export",
        &format!("match: {{}}, action: permit, set: {{{set}}}"),
    );
    assert_eq!(problems, [], "{set}");
    let route = route(&format!("192.0.2.0/24 {attrs}"));
    let family = route.facts.key.family();
    let mut evaluation = Evaluation::new(&chain, route.attrs.as_ref(), family);
    match evaluation.verdict(Some(&route.facts)) {
        Verdict::Permit {
            changed, next_hop, ..
        } => {
            let attrs = changed.map_or_else(|| route.attrs.to_string(), |now| now.to_string());
            match next_hop {
                Some(rib::policy::NextHopChange::Own) => format!("{attrs}, next-hop self"),
                _ => attrs,
            }
        }
        Verdict::Deny(_) => panic!("{set} denies"),
    }
}

#[test]
fn a_condition_takes_what_meets_it_and_nothing_else() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("", &["192.0.2.0/24", "2001:db8::/32"], &[]),
        ("any: true", &["192.0.2.0/24"], &[]),
        ("any: false", &["192.0.2.0/24"], &[]),
        (
            "any: true, vni: null, prefixList: []",
            &["192.0.2.0/24"],
            &[],
        ),
        (
            "addressFamilies: [{afi: ipv6, safi: unicast}, {afi: l2vpn, safi: evpn}]",
            &["2001:db8::/32", "[3]:[65000:1]:[0]:[32]:[10.0.0.1]"],
            &["192.0.2.0/24", "65000:1:2001:db8::/32"],
        ),
        (
            "prefixList: [192.0.2.0/24, '2001:db8::/32']",
            &[
                "192.0.2.0/24",
                "192.0.2.128/25",
                "2001:db8:1::/48",
                "65000:1:192.0.2.1/32",
            ],
            &["192.0.0.0/16", "192.0.3.0/24", "::/0"],
        ),
        (
            "prefixList: [10.0.0.0/8], prefixLengthRange: {min: 16, max: 24}",
            &["10.1.0.0/16", "10.1.2.0/24"],
            &["10.0.0.0/8", "10.1.2.3/32", "192.0.2.0/24"],
        ),
        (
            "prefixLengthRange: {min: 25}",
            &["192.0.2.0/25", "2001:db8::/32"],
            &["192.0.2.0/24"],
        ),
        (
            "ipPrefix: 192.0.2.0/24",
            &["192.0.2.0/24"],
            &["192.0.2.0/25", "192.0.0.0/16"],
        ),
        (
            "asPathFilter: {pattern: _65002_}",
            &[
                "192.0.2.0/24 as-path 65001 65002",
                "192.0.2.0/24 as-path {65002,65003}",
            ],
            &["192.0.2.0/24 as-path 165002", "192.0.2.0/24"],
        ),
        (
            "asPathFilter: {pattern: '65001 65002', matchType: full}",
            &["192.0.2.0/24 as-path 65001 65002"],
            &["192.0.2.0/24 as-path 65001 65002 65003"],
        ),
        (
            "asPathLength: {min: 1, max: 2}",
            &["192.0.2.0/24 as-path 65001", "192.0.2.0/24 as-path 1 {2,3}"],
            &["192.0.2.0/24", "192.0.2.0/24 as-path 1 2 3"],
        ),
        (
            "communityMatch: ['65000:1', no-export, '192.0.2.1:7']",
            &[
                "192.0.2.0/24 communities 65000:1",
                "192.0.2.0/24 communities 65000:2 no-export",
                "192.0.2.0/24 ext-communities rt:192.0.2.1:7",
            ],
            &["192.0.2.0/24", "192.0.2.0/24 communities 65000:2"],
        ),
        (
            "communityPatterns: ['^65000:', '^rt:65000:']",
            &[
                "192.0.2.0/24 communities 65000:7",
                "192.0.2.0/24 ext-communities rt:65000:7",
            ],
            &[
                "192.0.2.0/24 communities 65001:7",
                "192.0.2.0/24 ext-communities soo:65000:7",
            ],
        ),
        (
            "largeCommunities: ['4200000000:1:2']",
            &["192.0.2.0/24 large-communities 4200000000:1:2"],
            &["192.0.2.0/24 large-communities 4200000000:1:3"],
        ),
        (
            "extCommunities: ['65000:1', 'soo:65000:2', 'color:9']",
            &[
                "192.0.2.0/24 ext-communities rt:65000:1",
                "192.0.2.0/24 ext-communities soo:65000:2",
                "192.0.2.0/24 ext-communities color:9",
            ],
            &[
                "192.0.2.0/24 ext-communities soo:65000:1",
                "192.0.2.0/24 communities 65000:1",
            ],
        ),
        (
            "routeTargets: ['65000:1', 'rt:4200000000:2']",
            &[
                "65000:1:192.0.2.0/24 ext-communities rt:65000:1",
                "65000:1:192.0.2.0/24 ext-communities rt:4200000000:2",
            ],
            &["65000:1:192.0.2.0/24 ext-communities rt:65000:2"],
        ),
        // Each field is a condition of its own.
        (
            "communityMatch: ['65000:1'], communityPatterns: ['^65001:'], routeTargets: ['65000:1']",
            &["192.0.2.0/24 communities 65000:1 65001:9 ext-communities rt:65000:1"],
            &[
                "192.0.2.0/24 communities 65000:1 65001:9",
                "192.0.2.0/24 communities 65000:1 ext-communities rt:65000:1",
            ],
        ),
        (
            "nextHops: [198.51.100.0/24, '2001:db8::/32']",
            &[
                "192.0.2.0/24 next-hop 198.51.100.7",
                "192.0.2.0/24 next-hop 2001:db8::1",
            ],
            &["192.0.2.0/24 next-hop 203.0.113.1", "192.0.2.0/24"],
        ),
        ("peers: [tor, other]", &["192.0.2.0/24"], &[]),
        ("peers: [other]", &[], &["192.0.2.0/24"]),
        (
            "origin: incomplete",
            &["192.0.2.0/24 origin incomplete"],
            &["192.0.2.0/24 origin egp"],
        ),
        (
            "localPreference: 100",
            &["192.0.2.0/24", "192.0.2.0/24 local-pref 100"],
            &["192.0.2.0/24 local-pref 4294967295"],
        ),
        (
            "med: 4294967295",
            &["192.0.2.0/24 med 4294967295"],
            &["192.0.2.0/24", "192.0.2.0/24 med 1"],
        ),
        (
            "evpnRouteType: [inclusiveMulticastEthernetTag]",
            &["[3]:[65000:1]:[0]:[32]:[10.0.0.1]"],
            &[
                "[1]:[65000:1]:[0]:[00:11:22:33:44:55:66:77:88:99]",
                "192.0.2.0/24",
            ],
        ),
        (
            "evpnRouteType: [macIPAdvertisement]",
            &["[2]:[65000:1]:[0]:[48]:[00:11:22:33:44:55]"],
            &["[5]:[65000:1]:[0]:[24]:[192.0.2.0]"],
        ),
        (
            "evpnRouteType: [iPPrefixAdvertisement]",
            &[
                "[5]:[65000:1]:[0]:[24]:[192.0.2.0]",
                "[5]:[65000:1]:[0]:[32]:[2001:db8::]",
            ],
            &["[3]:[65000:1]:[0]:[32]:[10.0.0.1]"],
        ),
        (
            "evpnRouteType: [iPv6PrefixAdvertisement]",
            &["[5]:[65000:1]:[0]:[32]:[2001:db8::]"],
            &["[5]:[65000:1]:[0]:[24]:[192.0.2.0]"],
        ),
        (
            "evpnRouteType: [stickyMACAddress]",
            &["[2]:[65000:1]:[0]:[48]:[00:11:22:33:44:55] ext-communities mac-mobility:0:sticky"],
            &["[2]:[65000:1]:[0]:[48]:[00:11:22:33:44:55] ext-communities mac-mobility:0"],
        ),
        (
            "vni: 100",
            &["[2]:[65000:1]:[0]:[48]:[00:11:22:33:44:55] vni 100"],
            &[
                "[2]:[65000:1]:[0]:[48]:[00:11:22:33:44:55] vni 101",
                "[2]:[65000:1]:[0]:[48]:[00:11:22:33:44:55]",
                "192.0.2.0/24",
            ],
        ),
        (
            "macAddress: '00:11:22:AA:44:55'",
            &["[2]:[65000:1]:[0]:[48]:[00:11:22:aa:44:55]"],
            &["[2]:[65000:1]:[0]:[48]:[00:11:22:aa:44:56]"],
        ),
    ];
    for (matches, met, not_met) in cases {
        for text in *met {
            assert!(takes(matches, text), "{matches} does not take {text}");
        }
        for text in *not_met {
            assert!(!takes(matches, text), "{matches} takes {text}");
        }
    }
}

#[test]
fn a_change_is_made() {
    let before = "next-hop 198.51.100.1 as-path 65001 65002 communities 65000:1 65001:9 \
                  ext-communities rt:65000:1 color:1 large-communities 65000:1:2";
    let same = changed("", before);
    for (set, from, to) in [
        (
            "communities: {add: ['65000:5']}",
            "65000:1 ",
            "65000:1 65000:5 ",
        ),
        (
            "communities: {add: [no-export]}",
            "65001:9",
            "65001:9 no-export",
        ),
        (
            "communities: {remove: ['65000:1']}",
            "65000:1 65001:9",
            "65001:9",
        ),
        // Taken out before it is put in.
        (
            "communities: {add: ['65000:1'], remove: ['65000:1']}",
            "",
            "",
        ),
        (
            "communities: {add: ['192.0.2.1:7', '65000:7:7']}",
            "rt:65000:1 color:1, large-communities 65000:1:2",
            "rt:65000:1 rt:192.0.2.1:7 color:1, large-communities 65000:1:2 65000:7:7",
        ),
        (
            "communities: {removePatterns: ['^65000:', '^rt:']}",
            "communities 65000:1 65001:9, ext-communities rt:65000:1 color:1, large-communities 65000:1:2",
            "communities 65001:9, ext-communities color:1",
        ),
        (
            "extCommunities: {add: ['soo:65000:3']}",
            "rt:65000:1 ",
            "rt:65000:1 soo:65000:3 ",
        ),
        (
            "extCommunities: {add: ['65000:3']}",
            "rt:65000:1 ",
            "rt:65000:1 rt:65000:3 ",
        ),
        ("extCommunities: {remove: ['65000:1']}", "rt:65000:1 ", ""),
        (
            "largeCommunities: {add: ['1:2:3']}",
            "large-communities ",
            "large-communities 1:2:3 ",
        ),
        (
            "largeCommunities: {remove: ['65000:1:2']}",
            ", large-communities 65000:1:2",
            "",
        ),
        (
            "localPreference: 4294967295",
            "\", ",
            "\", local-pref 4294967295, ",
        ),
        ("metric: 7", "\", ", "\", med 7, "),
        ("origin: egp", "origin igp", "origin egp"),
        ("asPath: {prepend: 2}", "\"65001", "\"65000 65000 65001"),
        (
            "asPath: {prepend: 1, asn: 64999}",
            "\"65001",
            "\"64999 65001",
        ),
        (
            "asPath: {prependLastAS: 2}",
            "\"65001",
            "\"65001 65001 65001",
        ),
        (
            "asPath: {replace: [64999, 64998]}",
            "65001 65002",
            "64999 64998",
        ),
        (
            "nextHop: {address: '2001:db8::7'}",
            "198.51.100.1",
            "2001:db8::7",
        ),
        ("nextHop: {self: false, address: ''}", "", ""),
        ("color: 7", "color:1", "color:7"),
        // Nothing to change there.
        ("srv6EndpointBehavior: End.DT6", "", ""),
    ] {
        assert!(same.contains(from), "{set}: {same}");
        assert_eq!(changed(set, before), same.replacen(from, to, 1), "{set}");
    }
    assert_eq!(
        changed("nextHop: {self: true}", before),
        format!("{same}, next-hop self")
    );
    let sid = "srv6-sid 2001:db8:: End.DT4";
    let (old, new) = (
        changed("", sid),
        changed("srv6EndpointBehavior: End.DT6", sid),
    );
    assert!(
        old.contains("End.DT4") && !new.contains("End.DT4") && new.contains("End.DT6"),
        "{old} {new}"
    );
}

#[test]
fn what_cannot_be_carried_out_is_told_by_its_field() {
    let cases = [
        (
            "match: {prefixList: [10.0.0.0/8, 10.0.0.0/33]}, action: permit",
            "match.prefixList[1]: \"10.0.0.0/33\" is not a prefix",
        ),
        (
            "match: {addressFamilies: [{afi: ipv6, safi: unicast}], prefixList: [10.0.0.0/8]}, action: permit",
            "match.prefixList[0]: 10.0.0.0/8 is not of the address family",
        ),
        (
            "match: {addressFamilies: [{afi: ipv4, safi: unicast}], ipPrefix: '2001:db8::/32'}, action: permit",
            "match.ipPrefix: 2001:db8::/32 is not of the address family",
        ),
        (
            "match: {addressFamilies: [{afi: ipv4, safi: evpn}]}, action: permit",
            "match.addressFamilies[0]: no such pair",
        ),
        (
            "match: {prefixList: [10.0.0.0/8], ipPrefix: 192.0.2.0/24}, action: permit",
            "match.ipPrefix: 192.0.2.0/24 does not meet prefixList",
        ),
        (
            "match: {prefixLengthRange: {max: 16}, ipPrefix: 192.0.2.0/24}, action: permit",
            "match.ipPrefix: 192.0.2.0/24 does not meet prefixLengthRange",
        ),
        (
            "match: {prefixLengthRange: {min: 24, max: 16}}, action: permit",
            "match.prefixLengthRange: min is more than max",
        ),
        (
            "match: {prefixLengthRange: {min: 129}}, action: permit",
            "match.prefixLengthRange.min: 129 is out of range",
        ),
        (
            "match: {asPathLength: {min: 2, max: 1}}, action: permit",
            "match.asPathLength: min is more than max",
        ),
        (
            "match: {asPathFilter: {pattern: '(65001'}}, action: permit",
            "match.asPathFilter.pattern: `(65001` is no regular expression that can be used: unclosed group",
        ),
        (
            "match: {communityPatterns: [ok, '[']}, action: permit",
            "match.communityPatterns[1]: `[` is no regular expression",
        ),
        (
            "match: {communityMatch: ['65536:1']}, action: permit",
            "match.communityMatch[0]: ",
        ),
        (
            "match: {largeCommunities: ['1:2:4294967296']}, action: permit",
            "match.largeCommunities[0]: ",
        ),
        (
            "match: {extCommunities: ['no-such:1']}, action: permit",
            "match.extCommunities[0]: ",
        ),
        (
            "match: {routeTargets: ['soo:65000:1']}, action: permit",
            "match.routeTargets[0]: \"soo:65000:1\" is no route target",
        ),
        (
            "match: {nextHops: [10.0.0.1]}, action: permit",
            "match.nextHops[0]: \"10.0.0.1\" is not a prefix",
        ),
        (
            "match: {addressFamilies: [{afi: ipv4, safi: unicast}], vni: 7}, action: permit",
            "match.vni: only routes of l2vpn/evpn have one",
        ),
        (
            "match: {evpnRouteType: [iPPrefixAdvertisement], macAddress: '00:11:22:33:44:55'}, action: permit",
            "match.macAddress: only macIPAdvertisement and stickyMACAddress",
        ),
        (
            "match: {macAddress: '00:11'}, action: permit",
            "match.macAddress: ",
        ),
        (
            "match: {vni: 16777216}, action: permit",
            "match.vni: 16777216 is out of range",
        ),
        (
            "match: {localPreference: 4294967296}, action: permit",
            "match.localPreference: 4294967296 is out of range",
        ),
        (
            "match: {med: -1}, action: permit",
            "match.med: -1 is out of range",
        ),
        (
            "match: {}, action: deny, set: {metric: 1}",
            "set: what is denied goes nowhere",
        ),
        (
            "match: {}, action: permit, set: {communities: {add: ['65000:1', '1:2:3:4']}}",
            "set.communities.add[1]: ",
        ),
        (
            "match: {}, action: permit, set: {communities: {remove: ['70000:1']}}",
            "set.communities.remove[0]: ",
        ),
        (
            "match: {}, action: permit, set: {communities: {removePatterns: ['(']}}",
            "set.communities.removePatterns[0]: ",
        ),
        (
            "match: {}, action: permit, set: {extCommunities: {add: ['::::']}}",
            "set.extCommunities.add[0]: ",
        ),
        (
            "match: {}, action: permit, set: {largeCommunities: {add: ['1:2']}}",
            "set.largeCommunities.add[0]: ",
        ),
        (
            "match: {}, action: permit, set: {localPreference: -1}",
            "set.localPreference: -1 is out of range",
        ),
        (
            "match: {}, action: permit, set: {metric: 4294967296}",
            "set.metric: 4294967296 is out of range",
        ),
        (
            "match: {}, action: permit, set: {color: 4294967296}",
            "set.color: 4294967296 is out of range",
        ),
        (
            "match: {}, action: permit, set: {asPath: {prepend: 11}}",
            "set.asPath.prepend: 11 is out of range",
        ),
        (
            "match: {}, action: permit, set: {asPath: {prepend: 1, asn: 0}}",
            "set.asPath.asn: 0 is not an AS number",
        ),
        (
            "match: {}, action: permit, set: {asPath: {replace: [1, 4294967296]}}",
            "set.asPath.replace[1]: 4294967296 is not an AS number",
        ),
        (
            "match: {}, action: permit, set: {asPath: {prepend: 1, prependLastAS: 1}}",
            "set.asPath: prepend and prependLastAS exclude each other",
        ),
        (
            "match: {}, action: permit, set: {nextHop: {self: true}}",
            "set.nextHop.self: on import it would be this router itself",
        ),
        (
            "match: {}, action: permit, set: {nextHop: {address: x}}",
            "set.nextHop.address: \"x\" is not an IP address",
        ),
        (
            "match: {}, action: permit, set: {nextHop: {address: '::'}}",
            "set.nextHop.address: \"::\" means any address",
        ),
        (
            "match: {}, action: permit, set: {nextHop: {address: 192.0.2.1}}",
            "set.nextHop.address: 192.0.2.1 is IPv4, and routes of ipv6/unicast",
        ),
        (
            "match: {addressFamilies: [{afi: ipv6, safi: unicast}]}, action: permit, set: {nextHop: {address: 192.0.2.1}}",
            "set.nextHop.address: 192.0.2.1 is IPv4",
        ),
        (
            "match: {}, action: permit, set: {srv6EndpointBehavior: End.DT7}",
            "set.srv6EndpointBehavior: \"End.DT7\" is not in the registry",
        ),
    ];
    for (term, expected) in cases {
        let (_, problems) = compiled("import", term);
        let said: Vec<String> = problems.iter().map(Problem::text).collect();
        assert_eq!(said.len(), 1, "{term}: {said:?}");
        let expected = format!("spec.terms[0].{expected}");
        assert!(said[0].starts_with(&expected), "{term}: {said:?}");
        assert_eq!(problems[0].severity, Severity::Rejected, "{term}");
    }
}

#[test]
fn what_may_be_meant_otherwise_is_told_and_carried_out() {
    for (term, expected) in [
        (
            "match: {prefixList: [10.0.0.1/8]}, action: permit",
            "match.prefixList[0]: \"10.0.0.1/8\" has bits set behind its length",
        ),
        (
            "match: {}, action: permit, set: {asPath: {asn: 65001}}",
            "set.asPath.asn: it says what prepend puts in front",
        ),
        (
            "match: {addressFamilies: [{afi: ipv4, safi: unicast}, {afi: ipv4, safi: unicast}]}, action: permit",
            "match.addressFamilies[1]: ipv4/unicast is there already",
        ),
    ] {
        let (_, problems) = compiled("import", term);
        let said: Vec<String> = problems.iter().map(Problem::text).collect();
        assert_eq!(said.len(), 1, "{term}: {said:?}");
        assert!(
            said[0].starts_with(&format!("spec.terms[0].{expected}")),
            "{term}: {said:?}"
        );
        assert_eq!(problems[0].severity, Severity::Warning, "{term}");
    }
    // Where nothing else can be meant.
    for term in [
        "match: {prefixList: [10.0.0.0/8]}, action: permit, set: {nextHop: {address: 192.0.2.1}}",
        "match: {addressFamilies: [{afi: ipv4, safi: unicast}]}, action: permit, set: {nextHop: {address: 192.0.2.1}}",
    ] {
        assert_eq!(compiled("import", term).1, [], "{term}");
    }
}

/// Each may take as much memory as is allowed.
#[test]
fn only_so_many_expressions_are_taken() {
    let list = |n: usize| vec!["'1'"; n].join(", ");
    let of = |n| {
        let spec = format!(
            "{{routerSelector: {{}}, direction: import, terms: [\
             {{sequence: 1, match: {{communityPatterns: [{0}]}}, action: permit, set: {{communities: {{removePatterns: [{0}]}}}}}}, \
             {{sequence: 1, match: {{asPathFilter: {{pattern: x}}}}, action: permit}}]}}",
            list(n)
        );
        let spec: BGPPolicySpec = serde_saphyr::from_str(&spec).unwrap();
        let key = ObjectKey::new(Kind::BgpPolicy, "default", "p");
        let mut problems = Vec::new();
        Terms::of(&spec, &mut Findings::new(&key, &mut problems));
        problems.iter().map(Problem::text).collect::<Vec<_>>()
    };
    let twice = "spec.terms[1].sequence: 1 is another term's already";
    let few = of(31);
    assert!(few.len() == 1 && few[0].starts_with(twice), "{few:?}");
    let many = of(32);
    assert!(
        many.len() == 2 && many[1].starts_with("spec.terms: the terms have 65 regular"),
        "{many:?}"
    );
}
