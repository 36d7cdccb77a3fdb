//! What a term of a BGPPolicy changes on the routes that it permits.

use bgp_wire::behavior_number;
use crds::{AsPathChange, NextHopChange as NextHopSpec, PolicyDirection, PolicySet, bounds};
use rib::policy::{NextHopChange, PathChange, Set};

use super::communities::{self, Changes};
use super::fields::Field;
use super::matches::patterns;
use crate::desired::bounded::within;
use crate::desired::build::{Findings, address, origin};
use crate::desired::problem::Reason;
use crate::desired::router::asn;

/// What is put in front of paths where the policy does not say: the AS that we are to the neighbour.
pub(super) type OwnPrepends = Option<u8>;

/// What the term at `field` changes. What cannot be changed like that is noted.
pub(super) fn changes(
    field: &Field,
    wanted: &PolicySet,
    direction: PolicyDirection,
    findings: &mut Findings<'_>,
) -> (Set, OwnPrepends) {
    let PolicySet {
        communities: standard,
        ext_communities,
        large_communities,
        local_preference,
        origin: wanted_origin,
        as_path,
        next_hop,
        metric,
        color,
        srv6_endpoint_behavior,
    } = wanted;
    let mut found = Changes::default();
    let mut remove_described = Vec::new();
    if let Some(change) = standard {
        let field = field.at("communities");
        let mut read = |name: &str, texts| {
            communities::read(&field.at(name), texts, communities::any, findings)
        };
        let (added, removed) = (read("add", &change.add), read("remove", &change.remove));
        added.into_iter().for_each(|one| found.add(one));
        removed.into_iter().for_each(|one| found.remove(one));
        remove_described = patterns(
            &field.at("removePatterns"),
            &change.remove_patterns,
            findings,
        );
    }
    if let Some(change) = ext_communities {
        let field = field.at("extCommunities");
        let mut read = |name: &str, texts| {
            communities::read(&field.at(name), texts, communities::extended, findings)
        };
        found.extended.add.extend(read("add", &change.add));
        found.extended.remove.extend(read("remove", &change.remove));
    }
    if let Some(change) = large_communities {
        let field = field.at("largeCommunities");
        let mut read = |name: &str, texts| {
            communities::read(&field.at(name), texts, communities::large, findings)
        };
        found.large.add.extend(read("add", &change.add));
        found.large.remove.extend(read("remove", &change.remove));
    }
    let mut number = |name: &str, value: Option<i64>| {
        value.and_then(|value| within(field.at(name).as_str(), value, bounds::U32, findings))
    };
    let local_pref = number("localPreference", *local_preference);
    let med = number("metric", *metric);
    let color = number("color", *color);
    let (as_path, own) = match as_path {
        Some(change) => path(&field.at("asPath"), change, findings),
        None => (None, None),
    };
    let next_hop = next_hop
        .as_ref()
        .and_then(|change| hop(&field.at("nextHop"), change, direction, findings));
    let behavior = srv6_endpoint_behavior
        .as_deref()
        .and_then(|name| behavior(&field.at("srv6EndpointBehavior"), name, findings));
    let set = Set {
        as_path,
        next_hop,
        origin: wanted_origin.map(origin),
        med,
        local_pref,
        communities: found.standard,
        extended: found.extended,
        large: found.large,
        remove_described,
        color,
        srv6_behavior: behavior,
    };
    (set, own)
}

fn path(
    field: &Field,
    change: &AsPathChange,
    findings: &mut Findings<'_>,
) -> (Option<PathChange>, OwnPrepends) {
    let replaced = change.replace.as_deref().unwrap_or_default();
    let given = [
        ("prepend", change.prepend.is_some()),
        ("prependLastAS", change.prepend_last_as.is_some()),
        ("replace", !replaced.is_empty()),
    ];
    let mut given = given
        .into_iter()
        .filter_map(|(name, is)| is.then_some(name));
    if let (Some(one), Some(other)) = (given.next(), given.next()) {
        let message = format!("{one} and {other} exclude each other; set one");
        findings.reject(field.as_str(), Reason::InvalidValue, message);
    }
    if change.asn.is_some() && change.prepend.is_none() {
        let message =
            "it says what prepend puts in front, and there is no prepend; add it, or remove this";
        findings.warn(field.at("asn").as_str(), Reason::NoEffect, message);
    }
    let mut times = |name: &str, value: Option<i32>| -> Option<u8> {
        within(field.at(name).as_str(), value?, bounds::PREPEND, findings)
    };
    let (prepend, first) = (
        times("prepend", change.prepend),
        times("prependLastAS", change.prepend_last_as),
    );
    let mut all = Vec::with_capacity(replaced.len());
    for (index, number) in replaced.iter().enumerate() {
        all.extend(asn(&field.at("replace").item(index), *number, findings));
    }
    let given = change
        .asn
        .map(|number| asn(field.at("asn").as_str(), number, findings));
    match (prepend, given) {
        (Some(times), Some(Some(asn))) => (Some(PathChange::Prepend(asn, times)), None),
        (Some(times), None) => (None, Some(times)),
        (Some(_), Some(None)) => (None, None),
        (None, _) if first.is_some() => (first.map(PathChange::PrependFirst), None),
        (None, _) => ((!all.is_empty()).then_some(PathChange::Replace(all)), None),
    }
}

fn hop(
    field: &Field,
    change: &NextHopSpec,
    direction: PolicyDirection,
    findings: &mut Findings<'_>,
) -> Option<NextHopChange> {
    let written = change.address.as_deref().filter(|text| !text.is_empty());
    match (change.self_ == Some(true), written) {
        (true, Some(_)) => {
            let message = "self and address exclude each other; set one";
            findings.reject(field.as_str(), Reason::InvalidValue, message);
            None
        }
        (true, None) if direction == PolicyDirection::Import => {
            let message = "on import it would be this router itself, which packets have reached already; use it on export, or \
                           give an address";
            findings.reject(field.at("self").as_str(), Reason::InvalidValue, message);
            None
        }
        (true, None) => Some(NextHopChange::Own),
        (false, Some(text)) => {
            address(field.at("address").as_str(), text, findings).map(NextHopChange::Address)
        }
        (false, None) => None,
    }
}

/// The number behind a name in the registry "SRv6 Endpoint Behaviors" (RFC 8986 §10.2).
fn behavior(field: &Field, name: &str, findings: &mut Findings<'_>) -> Option<u16> {
    let number = behavior_number(name);
    if number.is_none() {
        let message = format!(
            "{name:?} is not in the registry of SRv6 endpoint behaviors; use a name as it is there, such as End.DT46 or End.DT6"
        );
        findings.reject(field.as_str(), Reason::InvalidValue, message);
    }
    number
}
