//! One BGPAdvertisement: what its router originates.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use bgp_wire::{Community, Family, Nlri};
use crds::{BGPAdvertisement, BGPAdvertisementSpec, OriginateFromType, RedistributeSource, bounds};
use ipnet::IpNet;
use rib::policy::Chain;

use super::build::{Findings, Routers, family};
use super::objects::{Kind, Object, ObjectKey, Objects};
use super::policies::Policies;
use super::problem::{Problem, Reason};
use super::types::{Origination, OriginationKey, RouterKey, Source};

pub(super) fn build(
    key: &ObjectKey,
    object: &BGPAdvertisement,
    routers: &Routers<'_>,
    policies: &Policies<'_>,
    findings: &mut Findings<'_>,
) -> Option<Origination> {
    let spec = &object.spec;
    let router = routers.by_ref(&key.namespace, &spec.router_ref, findings)?;
    let family = family(spec.address_family);
    let unicast = [Family::IPV4_UNICAST, Family::IPV6_UNICAST];
    let family = family.filter(|family| unicast.contains(family));
    match family {
        None => findings.not_implemented("spec.addressFamily", "use ipv4/unicast or ipv6/unicast"),
        Some(family) if !router.families.contains(&family) => {
            let message = format!(
                "BGPRouter {} does not have {family}; add it to the router's addressFamilies",
                router.key
            );
            findings.reject("spec.addressFamily", Reason::AddressFamilyMismatch, message);
        }
        Some(_) => {}
    }
    let filter = match &spec.policy_ref {
        Some(reference) => policies.filter(key, &reference.name, router, findings),
        None => Some(Chain::default()),
    };
    let mut prefixes = BTreeSet::new();
    for (index, text) in spec.prefixes.iter().flatten().enumerate() {
        match prefix(text, family) {
            Ok(prefix) => {
                if prefix.addr() != prefix.trunc().addr() {
                    let message = format!(
                        "{text:?} has bits set behind its length, so {} is what is originated; write it so, or \
                         correct the length",
                        prefix.trunc()
                    );
                    let field = format!("spec.prefixes[{index}]");
                    findings.warn(&field, Reason::InvalidPrefix, message);
                }
                if is_reserved(prefix.trunc()) {
                    let message = format!(
                        "{} is reserved (RFC 6890), and neighbours may ignore it; originate what packets may be sent to",
                        prefix.trunc()
                    );
                    let field = format!("spec.prefixes[{index}]");
                    findings.warn(&field, Reason::InvalidPrefix, message);
                }
                prefixes.insert(prefix.trunc());
            }
            Err(fault) => {
                let message = format!("{text:?} {fault}");
                findings.reject(
                    &format!("spec.prefixes[{index}]"),
                    Reason::InvalidPrefix,
                    message,
                );
            }
        }
    }
    let mut communities = BTreeSet::new();
    for (index, text) in spec.communities.iter().flatten().enumerate() {
        match text.parse::<Community>() {
            Ok(community) => {
                communities.insert(community.0);
            }
            Err(wrong) => {
                let message =
                    format!("{wrong}; use ASN:NN with both at most 65535, or a registered name");
                let field = format!("spec.communities[{index}]");
                findings.reject(&field, Reason::InvalidCommunity, message);
            }
        }
    }
    let local_pref = match spec.local_preference.map(u32::try_from) {
        None => None,
        Some(Ok(preference)) => Some(preference),
        Some(Err(_)) => {
            findings.reject(
                "spec.localPreference",
                Reason::InvalidValue,
                format!("use {}", bounds::U32),
            );
            None
        }
    };
    if !findings.accepted() {
        return None;
    }
    Some(Origination {
        key: OriginationKey {
            advertisement: key.path().into(),
            router: router.key.clone(),
        },
        family: family?,
        prefixes: prefixes.into_iter().collect(),
        sources: sources(spec),
        communities: communities.into_iter().collect(),
        local_pref,
        policies: filter?,
    })
}

/// Where prefixes are found beside those that are named.
fn sources(spec: &BGPAdvertisementSpec) -> Vec<Source> {
    let redistributed = spec.redistribute.iter().flatten();
    let redistributed = redistributed.map(|source| match source {
        RedistributeSource::Connected => Source::Connected,
        RedistributeSource::Static => Source::Static,
        RedistributeSource::Kernel => Source::Kernel,
    });
    let from = spec.originate_from.as_ref().map(|from| match from.type_ {
        // The schema has seen to it that there is a name.
        OriginateFromType::Interface => {
            Source::Interface(from.interface_name.as_deref().unwrap_or_default().into())
        }
        OriginateFromType::Kernel => Source::Kernel,
    });
    let sources: BTreeSet<Source> = redistributed.chain(from).collect();
    sources.into_iter().collect()
}

/// Whether who receives it ignores it.
fn is_reserved(prefix: IpNet) -> bool {
    !match prefix {
        IpNet::V4(prefix) => prefix.is_usable(),
        IpNet::V6(prefix) => prefix.is_usable(),
    }
}

/// Leaves each prefix of a router to the first of its advertisements by namespace and name.
///
/// If several announced it, the order in which they were read would decide whose attributes neighbours see, and a
/// restart could change it.
pub(super) fn one_originator(
    originations: &mut BTreeMap<OriginationKey, Origination>,
    objects: &Objects,
    problems: &mut Vec<Problem>,
) {
    let mut first: HashMap<(RouterKey, IpNet), Arc<str>> = HashMap::new();
    for (key, origination) in originations {
        let mut taken: BTreeMap<Arc<str>, Vec<IpNet>> = BTreeMap::new();
        origination
            .prefixes
            .retain(|prefix| match first.entry((key.router.clone(), *prefix)) {
                Entry::Vacant(free) => {
                    free.insert(key.advertisement.clone());
                    true
                }
                Entry::Occupied(other) => {
                    taken.entry(other.get().clone()).or_default().push(*prefix);
                    false
                }
            });
        let object = ObjectKey::new(Kind::BgpAdvertisement, key.router.namespace(), key.name());
        // A copy of an advertisement has all its prefixes: they make one message.
        for (other, prefixes) in taken {
            let other = OriginationKey {
                advertisement: other,
                router: key.router.clone(),
            };
            let field = match prefixes[..] {
                [one] => place_of(one, objects.get(&object)),
                _ => "spec.prefixes".to_owned(),
            };
            let message = format!(
                "BGPAdvertisement {} originates {} on BGPRouter {} already, with its own attributes, and the first \
                 by name counts; name each prefix in one of them only",
                other.name(),
                some(&prefixes),
                key.router
            );
            Findings::new(&object, problems).warn(&field, Reason::DuplicatePrefix, message);
        }
    }
}

/// The first prefixes, and how many more there are.
fn some(prefixes: &[IpNet]) -> String {
    const SHOWN: usize = 5;
    let shown: Vec<String> = prefixes.iter().take(SHOWN).map(IpNet::to_string).collect();
    let shown = shown.join(", ");
    match prefixes.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The field of an advertisement in which a prefix is. What stays of a refused object may be in none.
fn place_of(wanted: IpNet, object: Option<&Object>) -> String {
    let index = match object {
        Some(Object::Advertisement(object)) => {
            let mut prefixes = object.spec.prefixes.iter().flatten();
            prefixes.position(|text| strict(text).is_some_and(|prefix| prefix.trunc() == wanted))
        }
        _ => None,
    };
    index.map_or_else(
        || "spec.prefixes".to_owned(),
        |index| format!("spec.prefixes[{index}]"),
    )
}

/// The prefix as it is written, or what is wrong with it.
fn prefix(text: &str, family: Option<Family>) -> Result<IpNet, &'static str> {
    let prefix = strict(text).ok_or(
        "is not a prefix; use an address and a length, such as 192.0.2.0/24 or 2001:db8:1::/48",
    )?;
    match (prefix, family) {
        (IpNet::V4(_), Some(Family::IPV6_UNICAST)) => {
            return Err(
                "is IPv4, but addressFamily is ipv6; put it into an advertisement for ipv4",
            );
        }
        (IpNet::V6(_), Some(Family::IPV4_UNICAST)) => {
            return Err(
                "is IPv6, but addressFamily is ipv4; put it into an advertisement for ipv6",
            );
        }
        _ => {}
    }
    if prefix.addr().is_multicast() {
        return Err("is multicast, which no unicast route leads to; use a unicast prefix");
    }
    Ok(prefix)
}

/// A prefix in the usual form: without leading zeros, which some read as octal.
pub(super) fn strict(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let plain = length == "0" || length.starts_with(|first: char| matches!(first, '1'..='9'));
    IpNet::new(
        address.parse().ok()?,
        length.parse().ok().filter(|_| plain)?,
    )
    .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prefixes_lose_their_host_bits() {
        let v4 = Some(Family::IPV4_UNICAST);
        let v6 = Some(Family::IPV6_UNICAST);
        for (text, family, expected) in [
            ("10.0.0.5/8", v4, Some("10.0.0.0/8")),
            ("0.0.0.0/0", v4, Some("0.0.0.0/0")),
            ("::/0", v6, Some("::/0")),
            ("::1/128", v6, Some("::1/128")),
            ("fd00::1/8", v6, Some("fd00::/8")),
            ("2001:db8::/999", v6, None),
            ("999.999.999.999/99", v4, None),
            ("1:2/64", v6, None),
            (":::::/1", v6, None),
            ("10.0.0.0", v4, None),
            ("010.0.0.0/8", v4, None),
            ("10.0.0.0/08", v4, None),
            ("10.0.0.0/+8", v4, None),
            ("10.0.0.0/8", v6, None),
            ("2001:db8::/32", v4, None),
            ("224.0.0.0/4", v4, None),
            ("ff02::/16", v6, None),
        ] {
            let prefix = prefix(text, family).ok();
            let prefix = prefix.map(|prefix| prefix.trunc().to_string());
            assert_eq!(prefix.as_deref(), expected, "{text}");
        }
    }
}
