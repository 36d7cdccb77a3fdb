//! Judges specs, and says what is to come of it.

use cosmos::source::validate::{Judge, Verdict};

pub(crate) fn judge(kind: &str, spec: &str) -> Verdict {
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

pub(crate) fn told(verdict: &Verdict) -> String {
    verdict
        .findings
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join("\n")
}

#[track_caller]
pub(crate) fn accepted(kind: &str, spec: &str) {
    let verdict = judge(kind, spec);
    assert!(
        verdict.object.is_some() && verdict.findings.is_empty(),
        "{spec}: {}",
        told(&verdict)
    );
}

/// Exactly one thing is wrong, and a person is told `message`.
#[track_caller]
pub(crate) fn refused(kind: &str, spec: &str, message: &str) {
    let verdict = judge(kind, spec);
    assert!(verdict.object.is_none(), "accepted: {spec}");
    assert_eq!(verdict.findings.len(), 1, "{spec}: {}", told(&verdict));
    let told = told(&verdict);
    assert!(
        told.contains(message),
        "{spec}:\nsaid    {told}\nwithout {message}"
    );
}

pub(crate) const PEER: &str = "routerRef: {name: r}, peerASN: 65000, address: '2001:db8::1', \
                    addressFamilies: [{afi: ipv6, safi: unicast}]";
pub(crate) const ROUTER: &str = "targetRef: {kind: Node, name: node-1}, localASN: 65000, routerID: 10.0.0.1, \
                      addressFamilies: [{afi: ipv6, safi: unicast}]";
pub(crate) const ADVERTISEMENT: &str =
    "routerRef: {name: r}, addressFamily: {afi: ipv6, safi: unicast}";

pub(crate) fn peer_with(more: &str) -> String {
    format!("{{{PEER}, {more}}}")
}

pub(crate) fn router_with(more: &str) -> String {
    format!("{{{ROUTER}, {more}}}")
}

pub(crate) fn advertisement_with(more: &str) -> String {
    format!("{{{ADVERTISEMENT}, {more}}}")
}

pub(crate) fn policy_with(term: &str) -> String {
    format!("{{routerRef: {{name: r}}, direction: import, terms: [{{sequence: 10, {term}}}]}}")
}
