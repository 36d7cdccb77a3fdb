//! What holds of objects of every kind.

use cosmos::source::validate::Judge;

use crate::support::*;

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
