//! What a term of a BGPPolicy asks of routes.
//!
//! Fields that cannot both hold are faults: whoever wrote them expects the term to match something.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;

use bgp_wire::{EvpnKind, Family, FamilySet};
use crds::bounds::{self, Bounds};
use crds::{AsPathFilter, AsPathMatchType, EvpnRouteType, PolicyMatch};
use ipnet::IpNet;
use rib::policy::{CommunityList, EvpnMatch, Expression, Match};

use super::communities;
use super::fields::Field;
use crate::desired::advertisement::strict;
use crate::desired::bounded::within;
use crate::desired::build::{Findings, families, origin};
use crate::desired::problem::Reason;

/// The BGPPeers that a term is about, if not about all.
pub(super) type Peers = Option<BTreeSet<String>>;

/// What the term at `field` asks for. What cannot be asked is noted.
pub(super) fn matches(
    field: &Field,
    wanted: &PolicyMatch,
    findings: &mut Findings<'_>,
) -> (Match, Peers) {
    let PolicyMatch {
        // Whether it is written or not: without a condition every route matches.
        any: _,
        address_families,
        prefix_list,
        prefix_length_range,
        ip_prefix,
        as_path_filter,
        as_path_length,
        community_match,
        community_patterns,
        large_communities,
        ext_communities,
        route_targets,
        next_hops,
        peers,
        origin: wanted_origin,
        evpn_route_type,
        vni,
        mac_address,
        local_preference,
        med,
    } = wanted;
    let named = address_families.as_deref().unwrap_or_default();
    let named = families(field.at("addressFamilies").as_str(), named, findings);
    let about = About(named);
    let range = prefix_length_range.as_ref().and_then(|range| {
        let field = field.at("prefixLengthRange");
        between(
            &field,
            (range.min, range.max),
            bounds::PREFIX_LENGTH,
            findings,
        )
    });
    let path_length = as_path_length.as_ref().and_then(|range| {
        let field = field.at("asPathLength");
        between(
            &field,
            (range.min, range.max),
            bounds::AS_PATH_LENGTH,
            findings,
        )
    });
    let list = prefixes(&field.at("prefixList"), prefix_list, &about, findings);
    let exact = ip_prefix.as_deref().and_then(|text| {
        let field = field.at("ipPrefix");
        let exact = prefix(field.as_str(), text, findings)?;
        about.has(field.as_str(), exact, findings);
        Some(exact)
    });
    if let Some(exact) = exact {
        let outside = |list: &Vec<IpNet>| !list.iter().any(|net| net.contains(&exact));
        let length = |range: &RangeInclusive<u8>| !range.contains(&exact.prefix_len());
        let other = match (
            list.as_ref().is_some_and(outside),
            range.as_ref().is_some_and(length),
        ) {
            (true, _) => Some("prefixList"),
            (false, true) => Some("prefixLengthRange"),
            (false, false) => None,
        };
        if let Some(other) = other {
            let message = format!(
                "{exact} does not meet {other} of the same term, so nothing can match; remove one of them"
            );
            findings.reject(
                field.at("ipPrefix").as_str(),
                Reason::InvalidPrefix,
                message,
            );
        }
    }
    let evpn = about.of_evpn(
        field,
        "evpnRouteType",
        given(evpn_route_type).map(evpn),
        findings,
    );
    let vni =
        vni.and_then(|number| within(field.at("vni").as_str(), number, bounds::VNI, findings));
    let vni = about.of_evpn(field, "vni", vni, findings);
    let mac = mac_address.as_deref().and_then(|text| match text.parse() {
        Ok(mac) => Some(mac),
        Err(wrong) => {
            let message = format!("{wrong}; use six octets, such as 00:00:5e:00:53:01");
            findings.reject(
                field.at("macAddress").as_str(),
                Reason::InvalidAddress,
                message,
            );
            None
        }
    });
    let mac = about.of_evpn(field, "macAddress", mac, findings);
    let has_mac = |kind: &EvpnMatch| {
        matches!(
            kind,
            EvpnMatch::StickyMac | EvpnMatch::Kind(EvpnKind::MacIp)
        )
    };
    if mac.is_some()
        && evpn
            .as_ref()
            .is_some_and(|kinds| !kinds.iter().any(has_mac))
    {
        let message = "only macIPAdvertisement and stickyMACAddress have a MAC address, and evpnRouteType names neither; add \
                       one, or remove this";
        findings.reject(
            field.at("macAddress").as_str(),
            Reason::InvalidValue,
            message,
        );
    }
    let mut number = |name: &str, value: Option<i64>| {
        value.and_then(|value| within(field.at(name).as_str(), value, bounds::U32, findings))
    };
    let (local_pref, med) = (
        number("localPreference", *local_preference),
        number("med", *med),
    );
    let matches = Match {
        families: about.set(),
        communities: carried(
            field,
            [
                community_match,
                large_communities,
                ext_communities,
                route_targets,
            ],
            community_patterns,
            findings,
        ),
        as_path: as_path_filter
            .as_ref()
            .and_then(|filter| on_as_path(&field.at("asPathFilter"), filter, findings)),
        as_path_length: path_length,
        local_pref,
        med,
        origin: wanted_origin.map(origin),
        next_hops: prefixes(
            &field.at("nextHops"),
            next_hops,
            &About(Vec::new()),
            findings,
        ),
        prefixes: list,
        prefix_length: range,
        prefix: exact,
        evpn,
        vni,
        mac,
    };
    let peers = given(peers).map(|names| names.iter().cloned().collect());
    (matches, peers)
}

/// The list, if there is anything in it: an empty one asks for nothing.
fn given<T>(list: &Option<Vec<T>>) -> Option<&[T]> {
    list.as_deref().filter(|list| !list.is_empty())
}

/// The families that a term is about; all if none is named.
struct About(Vec<Family>);

impl About {
    fn set(&self) -> Option<FamilySet> {
        (!self.0.is_empty()).then(|| self.0.iter().copied().collect())
    }

    /// Notes a prefix that no route of these families has.
    fn has(&self, field: &str, prefix: IpNet, findings: &mut Findings<'_>) {
        let may_have = |family: &Family| match prefix {
            IpNet::V4(_) => !matches!(*family, Family::IPV6_UNICAST | Family::IPV6_VPN),
            IpNet::V6(_) => !matches!(*family, Family::IPV4_UNICAST | Family::IPV4_VPN),
        };
        if !self.0.is_empty() && !self.0.iter().any(may_have) {
            let message = format!(
                "{prefix} is not of the address family that addressFamilies of the same term names, so it matches nothing; \
                 correct either"
            );
            findings.reject(field, Reason::InvalidPrefix, message);
        }
    }

    /// What only EVPN routes have, unless EVPN is not meant.
    fn of_evpn<T>(
        &self,
        field: &Field,
        name: &str,
        asked: Option<T>,
        findings: &mut Findings<'_>,
    ) -> Option<T> {
        if asked.is_some() && !self.0.is_empty() && !self.0.contains(&Family::L2VPN_EVPN) {
            let message = "only routes of l2vpn/evpn have one, and addressFamilies of the same term does not name it; add it \
                           there, or remove this";
            findings.reject(
                field.at(name).as_str(),
                Reason::AddressFamilyMismatch,
                message,
            );
        }
        asked
    }
}

/// The prefix without host bits.
fn prefix(field: &str, text: &str, findings: &mut Findings<'_>) -> Option<IpNet> {
    let Some(prefix) = strict(text) else {
        let message = format!(
            "{text:?} is not a prefix; use an address and a length, such as 192.0.2.0/24 or 2001:db8:1::/48"
        );
        findings.reject(field, Reason::InvalidPrefix, message);
        return None;
    };
    let plain = prefix.trunc();
    if plain != prefix {
        let message = format!(
            "{text:?} has bits set behind its length, so {plain} is meant; write it so, or correct the length"
        );
        findings.warn(field, Reason::InvalidPrefix, message);
    }
    Some(plain)
}

fn prefixes(
    field: &Field,
    texts: &Option<Vec<String>>,
    about: &About,
    findings: &mut Findings<'_>,
) -> Option<Vec<IpNet>> {
    let texts = given(texts)?;
    let mut all = Vec::with_capacity(texts.len());
    for (index, text) in texts.iter().enumerate() {
        let field = field.item(index);
        if let Some(net) = prefix(&field, text, findings) {
            about.has(&field, net, findings);
            all.push(net);
        }
    }
    Some(all)
}

/// The numbers from the least to the most, of which either may be missing.
fn between<T: TryFrom<i64> + PartialOrd>(
    field: &Field,
    (min, max): (Option<i32>, Option<i32>),
    bounds: Bounds,
    findings: &mut Findings<'_>,
) -> Option<RangeInclusive<T>> {
    let mut bound = |name: &str, given: Option<i32>, default: i64| {
        let value = given.map_or(default, i64::from);
        within(field.at(name).as_str(), value, bounds, findings)
    };
    let (least, most) = (bound("min", min, bounds.min), bound("max", max, bounds.max));
    let (least, most): (T, T) = (least?, most?);
    if least > most {
        let message = "min is more than max, so nothing can match; exchange them";
        findings.reject(field.as_str(), Reason::InvalidValue, message);
        return None;
    }
    Some(least..=most)
}

fn on_as_path(
    field: &Field,
    filter: &AsPathFilter,
    findings: &mut Findings<'_>,
) -> Option<Expression> {
    let whole = filter.match_type == AsPathMatchType::Full;
    let compiled = Expression::on_as_path(&filter.pattern, whole);
    expression(field.at("pattern").as_str(), compiled, findings)
}

/// The expression, or what is wrong with it.
fn expression(
    field: &str,
    compiled: Result<Expression, rib::policy::ExpressionError>,
    findings: &mut Findings<'_>,
) -> Option<Expression> {
    match compiled {
        Ok(expression) => Some(expression),
        Err(wrong) => {
            findings.reject(field, Reason::InvalidExpression, wrong.to_string());
            None
        }
    }
}

/// Expressions on communities.
pub(super) fn patterns(
    field: &Field,
    texts: &Option<Vec<String>>,
    findings: &mut Findings<'_>,
) -> Vec<Expression> {
    let mut all = Vec::new();
    for (index, text) in texts.iter().flatten().enumerate() {
        let compiled = Expression::on_community(text);
        all.extend(expression(&field.item(index), compiled, findings));
    }
    all
}

/// The lists of communities of which a route carries one each: every field is a condition of its own.
fn carried(
    field: &Field,
    [any, large, extended, targets]: [&Option<Vec<String>>; 4],
    described: &Option<Vec<String>>,
    findings: &mut Findings<'_>,
) -> Vec<CommunityList> {
    let mut lists = Vec::new();
    if given(any).is_some() {
        let field = field.at("communityMatch");
        let all = communities::read(&field, any, communities::any, findings);
        lists.push(communities::list(all));
    }
    if given(described).is_some() {
        lists.push(CommunityList {
            patterns: patterns(&field.at("communityPatterns"), described, findings),
            ..CommunityList::default()
        });
    }
    if given(large).is_some() {
        let field = field.at("largeCommunities");
        lists.push(CommunityList {
            large: communities::read(&field, large, communities::large, findings),
            ..CommunityList::default()
        });
    }
    if given(extended).is_some() {
        let field = field.at("extCommunities");
        lists.push(CommunityList {
            extended: communities::read(&field, extended, communities::extended, findings),
            ..CommunityList::default()
        });
    }
    if given(targets).is_some() {
        let field = field.at("routeTargets");
        lists.push(CommunityList {
            extended: communities::read(&field, targets, communities::route_target, findings),
            ..CommunityList::default()
        });
    }
    lists
}

/// The kinds by their names. The numbers that the contract's documentation gives some of them are not those of the RFCs.
fn evpn(kinds: &[EvpnRouteType]) -> Vec<EvpnMatch> {
    let kinds = kinds.iter().map(|kind| match kind {
        EvpnRouteType::InclusiveMulticastEthernetTag => {
            EvpnMatch::Kind(EvpnKind::InclusiveMulticast)
        }
        EvpnRouteType::MacIpAdvertisement => EvpnMatch::Kind(EvpnKind::MacIp),
        EvpnRouteType::IpPrefixAdvertisement => EvpnMatch::Kind(EvpnKind::IpPrefix),
        EvpnRouteType::StickyMacAddress => EvpnMatch::StickyMac,
        EvpnRouteType::Ipv6PrefixAdvertisement => EvpnMatch::Prefix { v6: true },
    });
    kinds.collect()
}
