//! Policies beside a plain reading of what their terms mean: random chains on random routes.
//!
//! The reading knows none of the engine's devices: it asks term after term, field after field, of routes that are plain values, and
//! never remembers anything. `POLICY_CASES` is the number of cases (each with several routes).

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr};
use std::ops::RangeInclusive;
use std::sync::Arc;

use bgp_wire::*;
use ipnet::{IpNet, Ipv4Net};
use proptest::prelude::*;
use rib::RouteKey;
use rib::policy::*;

/// A route as a plain value.
#[derive(Clone, Debug, PartialEq)]
struct Plain {
    key: RouteKey,
    label: Option<u32>,
    attrs: Attrs,
}

#[derive(Clone, Debug, PartialEq)]
struct Attrs {
    path: Vec<u32>,
    origin: Origin,
    next_hop: Ipv4Addr,
    med: Option<u32>,
    local_pref: Option<u32>,
    communities: BTreeSet<u32>,
    extended: BTreeSet<ExtCommunity>,
    large: BTreeSet<LargeCommunity>,
    behavior: Option<u16>,
}

impl Attrs {
    fn to_set(&self) -> AttrSet {
        let mut editor = AttrEditor::new();
        let path: Vec<Asn> = self.path.iter().copied().map(Asn).collect();
        editor.set_as_path(&path);
        editor.set_origin(self.origin);
        editor.set_next_hop(NextHop::V4(self.next_hop));
        editor.set_med(self.med);
        editor.set_local_pref(self.local_pref);
        editor.set_communities(self.communities.iter().copied().map(Community));
        editor.set_ext_communities(self.extended.iter().copied());
        editor.set_large_communities(self.large.iter().copied());
        editor.set_srv6_l3(self.behavior.map(|behavior| Srv6Sid {
            sid: "2001:db8::".parse().unwrap(),
            behavior,
            structure: None,
        }));
        editor.to_set()
    }
}

/// The expressions that the reading understands.
#[derive(Clone, Copy, Debug, PartialEq)]
enum PathText {
    Has(u32),
    BeginsWith(u32),
    EndsWith(u32),
    Empty,
    Exactly(u32),
}

impl PathText {
    fn compiled(self) -> Expression {
        let (pattern, whole) = match self {
            Self::Has(asn) => (format!("_{asn}_"), false),
            Self::BeginsWith(asn) => (format!("^{asn}_"), false),
            Self::EndsWith(asn) => (format!("_{asn}$"), false),
            Self::Empty => ("^$".to_owned(), false),
            Self::Exactly(asn) => (asn.to_string(), true),
        };
        Expression::on_as_path(&pattern, whole).unwrap()
    }

    fn holds(self, path: &[u32]) -> bool {
        match self {
            Self::Has(asn) => path.contains(&asn),
            Self::BeginsWith(asn) => path.first() == Some(&asn),
            Self::EndsWith(asn) => path.last() == Some(&asn),
            Self::Empty => path.is_empty(),
            Self::Exactly(asn) => path == [asn],
        }
    }
}

/// A term as it was meant.
#[derive(Clone, Debug, Default)]
struct Meant {
    families: Option<Vec<Family>>,
    path: Option<PathText>,
    path_length: Option<RangeInclusive<usize>>,
    local_pref: Option<u32>,
    med: Option<u32>,
    origin: Option<Origin>,
    next_hop: Option<IpNet>,
    communities: Vec<(Vec<u32>, Vec<ExtCommunity>, Vec<LargeCommunity>)>,
    prefixes: Option<Vec<IpNet>>,
    prefix_length: Option<RangeInclusive<u8>>,
    prefix: Option<IpNet>,
    evpn: Option<Vec<EvpnMatch>>,
    vni: Option<u32>,
    mac: Option<MacAddr>,
    denies: bool,
    set: Changes,
}

#[derive(Clone, Debug, Default)]
struct Changes {
    path: Option<PathChange>,
    next_hop: Option<Option<Ipv4Addr>>,
    origin: Option<Origin>,
    med: Option<u32>,
    local_pref: Option<u32>,
    remove: Vec<u32>,
    add: Vec<u32>,
    remove_extended: Vec<ExtCommunity>,
    add_extended: Vec<ExtCommunity>,
    remove_large: Vec<LargeCommunity>,
    add_large: Vec<LargeCommunity>,
    color: Option<u32>,
    behavior: Option<u16>,
}

impl Meant {
    fn term(&self, sequence: i64) -> Term {
        let set = &self.set;
        Term {
            sequence,
            matches: Match {
                families: self.families.as_ref().map(|f| f.iter().copied().collect()),
                communities: self
                    .communities
                    .iter()
                    .map(|(standard, extended, large)| CommunityList {
                        standard: standard.iter().copied().map(Community).collect(),
                        extended: extended.clone(),
                        large: large.clone(),
                        patterns: Vec::new(),
                    })
                    .collect(),
                as_path: self.path.map(PathText::compiled),
                as_path_length: self.path_length.clone(),
                local_pref: self.local_pref,
                med: self.med,
                origin: self.origin,
                next_hops: self.next_hop.map(|net| vec![net]),
                prefixes: self.prefixes.clone(),
                prefix_length: self.prefix_length.clone(),
                prefix: self.prefix,
                evpn: self.evpn.clone(),
                vni: self.vni,
                mac: self.mac,
            },
            action: match self.denies {
                true => Action::Deny,
                false => Action::Permit(Box::new(Set {
                    as_path: set.path.clone(),
                    next_hop: set.next_hop.map(|to| match to {
                        Some(address) => NextHopChange::Address(address.into()),
                        None => NextHopChange::Own,
                    }),
                    origin: set.origin,
                    med: set.med,
                    local_pref: set.local_pref,
                    communities: Change {
                        remove: set.remove.iter().copied().map(Community).collect(),
                        add: set.add.iter().copied().map(Community).collect(),
                    },
                    extended: Change {
                        remove: set.remove_extended.clone(),
                        add: set.add_extended.clone(),
                    },
                    large: Change {
                        remove: set.remove_large.clone(),
                        add: set.add_large.clone(),
                    },
                    remove_described: Vec::new(),
                    color: set.color,
                    srv6_behavior: set.behavior,
                })),
            },
        }
    }

    /// Whether each field that is there holds.
    fn holds(&self, route: &Plain) -> bool {
        let attrs = &route.attrs;
        let net = match route.key {
            RouteKey::V4(net) => Some(IpNet::V4(net)),
            RouteKey::Evpn(evpn) => evpn.prefix().or_else(|| evpn.ip().map(IpNet::from)),
            _ => None,
        };
        let evpn = match route.key {
            RouteKey::Evpn(evpn) => Some(evpn),
            _ => None,
        };
        if let Some(families) = &self.families
            && !families.contains(&route.key.family())
        {
            return false;
        }
        if let Some(path) = self.path
            && !path.holds(&attrs.path)
        {
            return false;
        }
        if let Some(range) = &self.path_length
            && !range.contains(&attrs.path.len())
        {
            return false;
        }
        // RFC 4271 §9.1.2.2 (c) takes a route without MED for one with the lowest; 100 is what LOCAL_PREF is by default everywhere.
        if let Some(wanted) = self.local_pref
            && attrs.local_pref.unwrap_or(100) != wanted
        {
            return false;
        }
        if let Some(wanted) = self.med
            && attrs.med.unwrap_or(0) != wanted
        {
            return false;
        }
        if let Some(wanted) = self.origin
            && attrs.origin != wanted
        {
            return false;
        }
        if let Some(wanted) = self.next_hop
            && !wanted.contains(&IpAddr::V4(attrs.next_hop))
        {
            return false;
        }
        for (standard, extended, large) in &self.communities {
            let mut any = false;
            any |= standard.iter().any(|one| attrs.communities.contains(one));
            any |= extended.iter().any(|one| attrs.extended.contains(one));
            any |= large.iter().any(|one| attrs.large.contains(one));
            if !any {
                return false;
            }
        }
        if let Some(list) = &self.prefixes {
            let Some(net) = net else { return false };
            if !list.iter().any(|listed| listed.contains(&net)) {
                return false;
            }
        }
        if let Some(range) = &self.prefix_length
            && !net.is_some_and(|net| range.contains(&net.prefix_len()))
        {
            return false;
        }
        if let Some(wanted) = self.prefix
            && net != Some(wanted)
        {
            return false;
        }
        if let Some(kinds) = &self.evpn {
            let Some(evpn) = evpn else { return false };
            let is = |kind: &EvpnMatch| match kind {
                EvpnMatch::Kind(kind) => evpn.kind() == *kind,
                EvpnMatch::StickyMac => {
                    // RFC 7432 §7.7: type 6, subtype 0, the lowest bit of the flags.
                    let sticky =
                        |one: &ExtCommunity| one.0[0] == 6 && one.0[1] == 0 && one.0[2] & 1 == 1;
                    evpn.kind() == EvpnKind::MacIp && attrs.extended.iter().any(sticky)
                }
                EvpnMatch::Prefix { v6 } => {
                    evpn.kind() == EvpnKind::IpPrefix
                        && evpn
                            .prefix()
                            .is_some_and(|p| matches!(p, IpNet::V6(_)) == *v6)
                }
            };
            if !kinds.iter().any(is) {
                return false;
            }
        }
        if let Some(wanted) = self.vni
            && (evpn.is_none() || route.label != Some(wanted))
        {
            return false;
        }
        if let Some(wanted) = self.mac
            && evpn.and_then(|evpn| evpn.mac()) != Some(wanted)
        {
            return false;
        }
        true
    }
}

impl Changes {
    fn make(&self, attrs: &mut Attrs) {
        match &self.path {
            Some(PathChange::Prepend(asn, times)) => {
                for _ in 0..*times {
                    attrs.path.insert(0, asn.0);
                }
            }
            Some(PathChange::PrependFirst(times)) => {
                if let Some(first) = attrs.path.first().copied() {
                    for _ in 0..*times {
                        attrs.path.insert(0, first);
                    }
                }
            }
            Some(PathChange::Replace(path)) => attrs.path = path.iter().map(|asn| asn.0).collect(),
            None => {}
        }
        if let Some(Some(address)) = self.next_hop {
            attrs.next_hop = address;
        }
        attrs.origin = self.origin.unwrap_or(attrs.origin);
        attrs.med = self.med.or(attrs.med);
        attrs.local_pref = self.local_pref.or(attrs.local_pref);
        attrs.communities.retain(|one| !self.remove.contains(one));
        attrs.communities.extend(&self.add);
        attrs
            .extended
            .retain(|one| !self.remove_extended.contains(one));
        attrs.extended.extend(&self.add_extended);
        attrs.large.retain(|one| !self.remove_large.contains(one));
        attrs.large.extend(&self.add_large);
        if let Some(color) = self.color {
            // RFC 9012 §4.3: type 3, subtype 11.
            attrs.extended.retain(|one| one.0[..2] != [3, 11]);
            attrs
                .extended
                .insert(format!("color:{color}").parse().unwrap());
        }
        if let (Some(_), Some(behavior)) = (attrs.behavior, self.behavior) {
            attrs.behavior = Some(behavior);
        }
    }
}

/// What becomes of a route: what it is then and what its next hop is to become, or the places of the policy and the term that deny.
type Fate = Result<(Attrs, Option<Option<Ipv4Addr>>), (usize, i64)>;

/// The contract's table, read aloud.
fn read(chain: &[Vec<Meant>], route: &Plain) -> Fate {
    let mut route = route.clone();
    let mut next_hop = None;
    for (place, policy) in chain.iter().enumerate() {
        for (sequence, term) in policy.iter().enumerate() {
            if !term.holds(&route) {
                continue;
            }
            if term.denies {
                return Err((place, sequence as i64 * 10));
            }
            term.set.make(&mut route.attrs);
            next_hop = term.set.next_hop.or(next_hop);
            break;
        }
    }
    Ok((route.attrs, next_hop))
}

const ASNS: RangeInclusive<u32> = 65001..=65004;

fn v4() -> impl Strategy<Value = Ipv4Net> {
    (0u8..3, 0u8..4, 6u8..=26).prop_map(|(a, b, length)| {
        Ipv4Net::new([10, a, b << 6, 0].into(), length)
            .unwrap()
            .trunc()
    })
}

fn community() -> impl Strategy<Value = u32> {
    (1u32..5).prop_map(|low| 65000 << 16 | low)
}

fn extended() -> impl Strategy<Value = ExtCommunity> {
    prop_oneof![
        (1u32..4).prop_map(|n| format!("rt:65000:{n}").parse().unwrap()),
        (1u32..3).prop_map(|n| format!("color:{n}").parse().unwrap()),
        any::<bool>().prop_map(|sticky| {
            ExtCommunity::from_mac_mobility(MacMobility {
                sequence: 0,
                sticky,
            })
        }),
    ]
}

fn large() -> impl Strategy<Value = LargeCommunity> {
    (1u32..4).prop_map(|n| format!("65000:1:{n}").parse().unwrap())
}

fn origin() -> impl Strategy<Value = Origin> {
    prop_oneof![Just(Origin::Igp), Just(Origin::Incomplete)]
}

fn address() -> impl Strategy<Value = Ipv4Addr> {
    (1u8..4).prop_map(|low| Ipv4Addr::new(192, 0, 2, low))
}

fn mac() -> impl Strategy<Value = MacAddr> {
    (1u8..3).prop_map(|low| MacAddr([2, 0, 0, 0, 0, low]))
}

fn key() -> impl Strategy<Value = RouteKey> {
    let rd: RouteDistinguisher = "65000:1".parse().unwrap();
    prop_oneof![
        3 => v4().prop_map(RouteKey::V4),
        1 => (mac(), prop::option::of(address())).prop_map(move |(mac, ip)| {
            RouteKey::Evpn(EvpnRoute::mac_ip(rd, 0, mac, ip.map(IpAddr::V4)))
        }),
        1 => v4().prop_map(move |net| RouteKey::Evpn(EvpnRoute::ip_prefix(rd, 0, net.into()))),
        1 => Just(RouteKey::Evpn(EvpnRoute::ip_prefix(rd, 0, "2001:db8::/32".parse().unwrap()))),
    ]
}

fn attrs() -> impl Strategy<Value = Attrs> {
    (
        (
            prop::collection::vec(ASNS, 0..4),
            origin(),
            address(),
            prop::option::of(0u32..3),
            prop::option::of(99u32..102),
        ),
        prop::collection::btree_set(community(), 0..3),
        prop::collection::btree_set(extended(), 0..3),
        prop::collection::btree_set(large(), 0..2),
        prop::option::of(16u16..20),
    )
        .prop_map(|(head, communities, extended, large, behavior)| {
            let (path, origin, next_hop, med, local_pref) = head;
            Attrs {
                path,
                origin,
                next_hop,
                med,
                local_pref,
                communities,
                extended,
                large,
                behavior,
            }
        })
}

/// Seldom, so that terms match now and then.
fn seldom<S: Strategy>(of: S) -> impl Strategy<Value = Option<S::Value>>
where
    S::Value: Clone,
{
    prop::option::weighted(0.15, of)
}

fn path_text() -> impl Strategy<Value = PathText> {
    prop_oneof![
        ASNS.prop_map(PathText::Has),
        ASNS.prop_map(PathText::BeginsWith),
        ASNS.prop_map(PathText::EndsWith),
        ASNS.prop_map(PathText::Exactly),
        Just(PathText::Empty),
    ]
}

fn evpn_match() -> impl Strategy<Value = EvpnMatch> {
    prop_oneof![
        Just(EvpnMatch::Kind(EvpnKind::MacIp)),
        Just(EvpnMatch::Kind(EvpnKind::IpPrefix)),
        Just(EvpnMatch::StickyMac),
        any::<bool>().prop_map(|v6| EvpnMatch::Prefix { v6 }),
    ]
}

fn changes() -> impl Strategy<Value = Changes> {
    let path = prop_oneof![
        (ASNS, 1u8..3).prop_map(|(asn, times)| PathChange::Prepend(Asn(asn), times)),
        (1u8..3).prop_map(PathChange::PrependFirst),
        prop::collection::vec(ASNS.prop_map(Asn), 0..3).prop_map(PathChange::Replace),
    ];
    let some = |of| prop::collection::vec(of, 0..2);
    (
        (
            seldom(path),
            seldom(prop::option::of(address())),
            seldom(origin()),
            seldom(0u32..3),
            seldom(99u32..102),
        ),
        (some(community()), some(community())),
        (
            prop::collection::vec(extended(), 0..2),
            prop::collection::vec(extended(), 0..2),
        ),
        (
            prop::collection::vec(large(), 0..2),
            prop::collection::vec(large(), 0..2),
        ),
        seldom(1u32..3),
        seldom(16u16..20),
    )
        .prop_map(|(head, (remove, add), extended, large, color, behavior)| {
            let (path, next_hop, origin, med, local_pref) = head;
            Changes {
                path,
                next_hop,
                origin,
                med,
                local_pref,
                remove,
                add,
                remove_extended: extended.0,
                add_extended: extended.1,
                remove_large: large.0,
                add_large: large.1,
                color,
                behavior,
            }
        })
}

fn meant() -> impl Strategy<Value = Meant> {
    let families = prop_oneof![Just(Family::IPV4_UNICAST), Just(Family::L2VPN_EVPN)];
    let communities = (
        prop::collection::vec(community(), 0..2),
        prop::collection::vec(extended(), 0..2),
        prop::collection::vec(large(), 0..2),
    );
    let net = v4().prop_map(IpNet::V4);
    (
        (
            seldom(prop::collection::vec(families, 0..3)),
            seldom(path_text()),
            seldom((0usize..3, 0usize..3).prop_map(|(from, more)| from..=from + more)),
            seldom(99u32..102),
            seldom(0u32..3),
            seldom(origin()),
            seldom(prop_oneof![Just("192.0.2.0/31"), Just("192.0.2.0/24")]),
        ),
        seldom(prop::collection::vec(communities, 1..3)).prop_map(Option::unwrap_or_default),
        (
            prop::option::weighted(0.5, prop::collection::vec(v4().prop_map(IpNet::V4), 0..5)),
            seldom((6u8..20, 0u8..12).prop_map(|(from, more)| from..=from + more)),
            seldom(net),
        ),
        (
            seldom(prop::collection::vec(evpn_match(), 0..3)),
            seldom(1u32..4),
            seldom(mac()),
        ),
        any::<bool>(),
        changes(),
    )
        .prop_map(|(head, communities, prefixes, evpn, denies, set)| Meant {
            families: head.0,
            path: head.1,
            path_length: head.2,
            local_pref: head.3,
            med: head.4,
            origin: head.5,
            next_hop: head.6.map(|net| net.parse().unwrap()),
            communities,
            prefixes: prefixes.0,
            prefix_length: prefixes.1,
            prefix: prefixes.2,
            evpn: evpn.0,
            vni: evpn.1,
            mac: evpn.2,
            denies,
            set,
        })
}

fn compiled(chain: &[Vec<Meant>]) -> Chain {
    Chain::new(chain.iter().enumerate().map(|(place, policy)| {
        let terms = policy.iter().enumerate();
        // In the order of their numbers, not in that of the list.
        let terms = terms
            .map(|(n, term)| term.term(n as i64 * 10))
            .rev()
            .collect();
        Arc::new(Policy::new(place.to_string(), terms).unwrap())
    }))
}

fn fate(
    chain: &Chain,
    verdict: Verdict<'_>,
    attrs: &AttrSet,
) -> Result<(AttrSet, Option<NextHopChange>), (usize, i64)> {
    match verdict {
        Verdict::Permit {
            changed,
            next_hop,
            sets_med: _,
        } => {
            // Only what is another set than before counts as changed.
            assert_ne!(changed, Some(attrs.as_ref()));
            Ok((
                changed.map_or_else(|| attrs.clone(), AttrSet::from),
                next_hop,
            ))
        }
        Verdict::Deny(id) => {
            let (policy, term) = chain.term(id).unwrap();
            Err((policy.name().parse().unwrap(), term.sequence))
        }
    }
}

fn cases() -> u32 {
    let asked = std::env::var("POLICY_CASES").ok();
    asked.map_or(2_000, |text| text.parse().expect("a number"))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: cases(), ..ProptestConfig::default() })]

    #[test]
    fn a_chain_does_what_its_terms_say(
        chain in prop::collection::vec(prop::collection::vec(meant(), 0..6), 0..4),
        attrs in attrs(),
        routes in prop::collection::vec((key(), prop::option::of(1u32..4)), 1..8),
    ) {
        let ready = compiled(&chain);
        let set = attrs.to_set();
        // One evaluation for each family, as routes come in batches of one; what it remembers must not show.
        for family in [Family::IPV4_UNICAST, Family::L2VPN_EVPN] {
            let mut evaluation = Evaluation::new(&ready, set.as_ref(), family);
            for (key, label) in routes.iter().filter(|(key, _)| key.family() == family) {
                let route = Plain { key: *key, label: *label, attrs: attrs.clone() };
                let expected = read(&chain, &route).map(|(attrs, next_hop)| {
                    let next_hop = next_hop.map(|to| match to {
                        Some(address) => NextHopChange::Address(address.into()),
                        None => NextHopChange::Own,
                    });
                    (attrs.to_set(), next_hop)
                });
                let facts = RouteFacts { key: *key, label: *label };
                let found = fate(&ready, evaluation.verdict(Some(&facts)), &set);
                prop_assert_eq!(&found, &expected, "{}", key);

                let steps = ready.trace(set.as_ref(), family, &facts);
                let denied = steps.last().and_then(|step| step.term).is_some_and(|term| term.action == Action::Deny);
                prop_assert_eq!(denied, expected.is_err());
                if !ready.asks_for_route() {
                    prop_assert_eq!(fate(&ready, evaluation.verdict(None), &set), expected);
                }
            }
        }
    }
}
