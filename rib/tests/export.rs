//! What a group is told about a set, by kind of source and kind of group; each rule on attributes
//! with the section that demands it. Sets are written in bytes, so that nothing that goes out
//! unseen goes unnoticed.

use std::collections::HashSet;
use std::net::IpAddr;

use bgp_wire::{Asn, AttrEditor, AttrRef, Family, NextHop, RouterId};
use proptest::prelude::*;
use rib::decision::SourceKind::{self, Ebgp, Ibgp, IbgpClient, Local};
use rib::export::{Audience, ExportRules, Exported, RejectReason, SourceInfo, export};
use rib::policy::{ExportPolicy, PolicyReject};

const SOURCES: [SourceKind; 4] = [Local, Ebgp, Ibgp, IbgpClient];
const AUDIENCES: [Audience; 3] = [Audience::Ebgp, Audience::Ibgp, Audience::IbgpClient];

/// The peer with the ID 10.0.0.9 that everything was learned from.
fn source(kind: SourceKind) -> SourceInfo {
    SourceInfo::new(kind, RouterId(0x0a00_0009))
}

/// We are 192.0.2.254 and 2001:db8::254 in AS 65000, cluster 9.9.9.9.
fn rules(audience: Audience) -> ExportRules {
    ExportRules {
        audience,
        local_as: Asn(65000),
        cluster_id: RouterId(0x0909_0909),
        own_ipv4: Some(next_hop("192.0.2.254")),
        own_ipv6: Some(next_hop("2001:db8::254")),
        ipv6_next_hop_for_ipv4: false,
        next_hop_self: false,
        policy: ExportPolicy::AcceptAll,
    }
}

/// `192.0.2.1`, `2001:db8::1` or `2001:db8::1+fe80::1`.
fn next_hop(text: &str) -> NextHop {
    let address = |text: &str| text.parse::<IpAddr>().expect("an address");
    match text.split_once('+') {
        Some((global, link_local)) => match (address(global), address(link_local)) {
            (IpAddr::V6(global), IpAddr::V6(link_local)) => {
                NextHop::V6LinkLocal { global, link_local }
            }
            _ => panic!("`{text}` is no pair of IPv6 addresses"),
        },
        None => match address(text) {
            IpAddr::V4(address) => NextHop::V4(address),
            IpAddr::V6(address) => NextHop::V6(address),
        },
    }
}

/// One attribute: flags, code, value.
type Attr<'a> = (u8, u8, &'a [u8]);

/// The canonical bytes of a set.
fn set(hop: &str, attrs: &[Attr<'_>]) -> Vec<u8> {
    let mut bytes = match hop {
        "" => vec![0],
        hop => match next_hop(hop) {
            NextHop::V4(address) => [&[4][..], &address.octets()].concat(),
            NextHop::V6(address) => [&[16][..], &address.octets()].concat(),
            NextHop::V6LinkLocal { global, link_local } => {
                [&[32][..], &global.octets(), &link_local.octets()].concat()
            }
        },
    };
    for (flags, code, value) in attrs {
        bytes.extend([
            *flags,
            *code,
            u8::try_from(value.len()).expect("a short value"),
        ]);
        bytes.extend(*value);
    }
    bytes
}

fn told(
    bytes: &[u8],
    from: SourceKind,
    family: Family,
    rules: &ExportRules,
) -> Result<Vec<u8>, RejectReason> {
    let mut editor = AttrEditor::new();
    match export(
        AttrRef::from_canonical(bytes),
        &source(from),
        family,
        rules,
        &mut editor,
    ) {
        Exported::Announce(attrs) => Ok(attrs.as_bytes().to_vec()),
        Exported::Reject(reason) => Err(reason),
    }
}

fn told_ipv4(bytes: &[u8], from: SourceKind, to: Audience) -> Result<Vec<u8>, RejectReason> {
    told(bytes, from, Family::IPV4_UNICAST, &rules(to))
}

const WELL_KNOWN: u8 = 0x40;
const OPTIONAL: u8 = 0x80;
const TRANSITIVE: u8 = 0xc0;
const PARTIAL: u8 = 0xe0;

const ORIGIN: Attr<'_> = (WELL_KNOWN, 1, &[0]);
/// 65001
const PATH: Attr<'_> = (WELL_KNOWN, 2, &[2, 1, 0, 0, 0xfd, 0xe9]);
const NO_PATH: Attr<'_> = (WELL_KNOWN, 2, &[]);
/// 65000 65001
const OUR_PATH: Attr<'_> = (WELL_KNOWN, 2, &[2, 2, 0, 0, 0xfd, 0xe8, 0, 0, 0xfd, 0xe9]);
/// 65000
const ONLY_US: Attr<'_> = (WELL_KNOWN, 2, &[2, 1, 0, 0, 0xfd, 0xe8]);
const MED: Attr<'_> = (OPTIONAL, 4, &[0, 0, 0, 7]);
const PREF_100: Attr<'_> = (WELL_KNOWN, 5, &[0, 0, 0, 100]);
const PREF_200: Attr<'_> = (WELL_KNOWN, 5, &[0, 0, 0, 200]);
const ORIGINATOR: Attr<'_> = (OPTIONAL, 9, &[10, 0, 0, 9]);
const OTHER_ORIGINATOR: Attr<'_> = (OPTIONAL, 9, &[10, 0, 0, 3]);
const CLUSTERS: Attr<'_> = (OPTIONAL, 10, &[1, 1, 1, 1]);
const OUR_CLUSTER: Attr<'_> = (OPTIONAL, 10, &[9, 9, 9, 9]);
const OUR_CLUSTER_FIRST: Attr<'_> = (OPTIONAL, 10, &[9, 9, 9, 9, 1, 1, 1, 1]);
const HOP: &str = "192.0.2.1";
const OURS: &str = "192.0.2.254";

#[test]
fn an_internal_peer_hears_from_internal_peers_only_through_reflection() {
    let bytes = set(HOP, &[ORIGIN, PATH, PREF_100]);
    for from in SOURCES {
        for to in AUDIENCES {
            let split = from == Ibgp && to == Audience::Ibgp;
            let said = told_ipv4(&bytes, from, to).err();
            assert_eq!(
                said,
                split.then_some(RejectReason::IbgpSplitHorizon),
                "{from} to {to:?}"
            );
        }
    }
}

#[test]
fn well_known_communities_stop_what_was_received_where_they_say() {
    let no_export = RejectReason::NoExport;
    let rows: [(u32, [Option<RejectReason>; 3]); 4] = [
        (0xffff_ff01, [Some(no_export), None, None]),
        (0xffff_ff02, [Some(RejectReason::NoAdvertise); 3]),
        (
            0xffff_ff03,
            [Some(RejectReason::NoExportSubconfed), None, None],
        ),
        (0xfde8_0001, [None; 3]),
    ];
    for (community, expected) in rows {
        let bytes = set(
            HOP,
            &[
                ORIGIN,
                PATH,
                PREF_100,
                (TRANSITIVE, 8, &community.to_be_bytes()),
            ],
        );
        for (to, expected) in AUDIENCES.into_iter().zip(expected) {
            for from in [Ebgp, IbgpClient] {
                let said = told_ipv4(&bytes, from, to).err();
                assert_eq!(said, expected, "{community:08x} from {from} to {to:?}");
            }
            let said = told_ipv4(&bytes, Local, to).err();
            assert_eq!(
                said, None,
                "what we originate carries {community:08x} to {to:?}"
            );
        }
    }
}

#[test]
fn each_attribute_goes_on_as_its_section_says() {
    use Audience as To;
    // 0x00: transitive; 0x40: not (RFC 4360 §2).
    let both_ext = [0, 2, 0, 1, 0, 0, 0, 1, 0x40, 4, 0, 1, 0, 0, 0, 1];
    let ext: Attr<'_> = (TRANSITIVE, 16, &both_ext);
    let transitive_ext: Attr<'_> = (TRANSITIVE, 16, &both_ext[..8]);
    let other_ext: Attr<'_> = (TRANSITIVE, 16, &both_ext[8..]);
    let aggregator: Attr<'_> = (TRANSITIVE, 7, &[0, 0, 0xfd, 0xe9, 10, 0, 0, 1]);
    let large: Attr<'_> = (TRANSITIVE, 32, &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);

    type Row<'a> = (&'a str, SourceKind, Audience, Vec<Attr<'a>>, Vec<Attr<'a>>);
    let rows: Vec<Row<'_>> = vec![
        (
            "§5.1.2 b: our AS is prepended",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "§5.1.2 b 1: towards an AS_SET a new AS_SEQUENCE is made",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, (WELL_KNOWN, 2, &[1, 1, 0, 0, 0xfd, 0xe9])],
            vec![
                ORIGIN,
                (
                    WELL_KNOWN,
                    2,
                    &[2, 1, 0, 0, 0xfd, 0xe8, 1, 1, 0, 0, 0xfd, 0xe9],
                ),
            ],
        ),
        (
            "§5.1.2: what we originate begins with our AS",
            Local,
            To::Ebgp,
            vec![ORIGIN, NO_PATH],
            vec![ORIGIN, ONLY_US],
        ),
        (
            "§5.1.2: what we originate has an empty path inside",
            Local,
            To::Ibgp,
            vec![ORIGIN, NO_PATH],
            vec![ORIGIN, NO_PATH, PREF_100],
        ),
        (
            "§5: AS_PATH is mandatory even when nobody gave one",
            Local,
            To::IbgpClient,
            vec![ORIGIN],
            vec![ORIGIN, NO_PATH, PREF_100],
        ),
        (
            "§5: AS_PATH is mandatory outside too",
            Local,
            To::Ebgp,
            vec![ORIGIN],
            vec![ORIGIN, ONLY_US],
        ),
        (
            "§5.1.2: inside, the path stays",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH],
            vec![ORIGIN, PATH, PREF_100],
        ),
        (
            "§5.1.5: LOCAL_PREF stays inside",
            Ebgp,
            To::IbgpClient,
            vec![ORIGIN, PATH, PREF_200],
            vec![ORIGIN, PATH, PREF_200],
        ),
        (
            "§5.1.5: LOCAL_PREF does not go outside",
            Ibgp,
            To::Ebgp,
            vec![ORIGIN, PATH, PREF_200],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "§5.1.5: nor does ours",
            Local,
            To::Ebgp,
            vec![ORIGIN, NO_PATH, PREF_200],
            vec![ORIGIN, ONLY_US],
        ),
        (
            "§5.1.4: the MED of a neighbour does not go to another",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, MED],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "§5.1.4: nor when it came through our AS",
            IbgpClient,
            To::Ebgp,
            vec![ORIGIN, PATH, MED, PREF_100],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "§5.1.4: our own MED goes outside",
            Local,
            To::Ebgp,
            vec![ORIGIN, NO_PATH, MED],
            vec![ORIGIN, ONLY_US, MED],
        ),
        (
            "§5.1.4: MED may go inside",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH, MED],
            vec![ORIGIN, PATH, MED, PREF_100],
        ),
        (
            "RFC 4456 §8: reflection marks do not go outside",
            Ibgp,
            To::Ebgp,
            vec![ORIGIN, PATH, PREF_100, ORIGINATOR, CLUSTERS],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "RFC 4456 §8: nor do they come from outside",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH, PREF_100, ORIGINATOR, CLUSTERS],
            vec![ORIGIN, PATH, PREF_100],
        ),
        (
            "§5.1.6, §5.1.7: aggregation marks go on",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, (WELL_KNOWN, 6, &[]), aggregator],
            vec![ORIGIN, OUR_PATH, (WELL_KNOWN, 6, &[]), aggregator],
        ),
        (
            "RFC 1997, RFC 8092: communities go on",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, (TRANSITIVE, 8, &[0xfd, 0xe8, 0, 1]), large],
            vec![
                ORIGIN,
                OUR_PATH,
                (TRANSITIVE, 8, &[0xfd, 0xe8, 0, 1]),
                large,
            ],
        ),
        (
            "RFC 4360 §6: non-transitive extended communities stay inside",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, ext],
            vec![ORIGIN, OUR_PATH, transitive_ext],
        ),
        (
            "RFC 4360 §6: an attribute that is emptied is not sent",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, other_ext],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "RFC 4360 §6: inside they all go on",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH, ext],
            vec![ORIGIN, PATH, PREF_100, ext],
        ),
        (
            "§5: what is unknown and transitive goes on as partial",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, (TRANSITIVE, 240, &[1, 2])],
            vec![ORIGIN, OUR_PATH, (PARTIAL, 240, &[1, 2])],
        ),
        (
            "§5: inside too",
            Ibgp,
            To::IbgpClient,
            vec![
                ORIGIN,
                PATH,
                PREF_100,
                OTHER_ORIGINATOR,
                CLUSTERS,
                (TRANSITIVE, 240, &[1, 2]),
            ],
            vec![
                ORIGIN,
                PATH,
                PREF_100,
                OTHER_ORIGINATOR,
                OUR_CLUSTER_FIRST,
                (PARTIAL, 240, &[1, 2]),
            ],
        ),
        (
            "§5: once partial, always partial",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH, (PARTIAL, 240, &[1, 2])],
            vec![ORIGIN, PATH, PREF_100, (PARTIAL, 240, &[1, 2])],
        ),
        (
            "§5: what is unknown and not transitive is dropped",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH, (OPTIONAL, 240, &[1, 2])],
            vec![ORIGIN, PATH, PREF_100],
        ),
        (
            "RFC 4456 §8: reflection makes both marks",
            Ibgp,
            To::IbgpClient,
            vec![ORIGIN, PATH, PREF_200],
            vec![ORIGIN, PATH, PREF_200, ORIGINATOR, OUR_CLUSTER],
        ),
        (
            "RFC 4456 §8: the first originator stays, our cluster goes first",
            IbgpClient,
            To::Ibgp,
            vec![ORIGIN, PATH, PREF_200, OTHER_ORIGINATOR, CLUSTERS],
            vec![ORIGIN, PATH, PREF_200, OTHER_ORIGINATOR, OUR_CLUSTER_FIRST],
        ),
        (
            "RFC 4456 §10: nothing else is touched",
            IbgpClient,
            To::IbgpClient,
            vec![ORIGIN, PATH, MED, PREF_200, aggregator, ext, large],
            vec![
                ORIGIN,
                PATH,
                MED,
                PREF_200,
                aggregator,
                ORIGINATOR,
                OUR_CLUSTER,
                ext,
                large,
            ],
        ),
    ];
    for (rule, from, to, given, expected) in rows {
        let hop = if to == To::Ebgp || from == Local {
            OURS
        } else {
            HOP
        };
        let said = told_ipv4(&set(HOP, &given), from, to);
        assert_eq!(said, Ok(set(hop, &expected)), "{rule}");
    }
}

#[test]
fn the_next_hop_is_ours_outside_and_left_alone_inside() {
    struct Row {
        rule: &'static str,
        from: SourceKind,
        to: Audience,
        received: &'static str,
        adapt: fn(&mut ExportRules),
        family: Family,
        expected: Result<&'static str, RejectReason>,
    }
    let row = |rule, from, to, received, expected| Row {
        rule,
        from,
        to,
        received,
        adapt: |_| {},
        family: Family::IPV4_UNICAST,
        expected,
    };
    let rows = [
        row(
            "§5.1.3: outside it is ours",
            Ebgp,
            Audience::Ebgp,
            HOP,
            Ok(OURS),
        ),
        row(
            "§5.1.3: from inside too",
            Ibgp,
            Audience::Ebgp,
            HOP,
            Ok(OURS),
        ),
        row(
            "what we originate is at us",
            Local,
            Audience::Ebgp,
            "",
            Ok(OURS),
        ),
        row("inside too", Local, Audience::Ibgp, "", Ok(OURS)),
        row(
            "whatever next hop the set has",
            Local,
            Audience::Ibgp,
            HOP,
            Ok(OURS),
        ),
        row(
            "§5.1.3: inside it stays",
            Ebgp,
            Audience::Ibgp,
            HOP,
            Ok(HOP),
        ),
        row(
            "RFC 4456 §10: reflected it stays",
            IbgpClient,
            Audience::Ibgp,
            HOP,
            Ok(HOP),
        ),
        Row {
            adapt: |rules| rules.next_hop_self = true,
            ..row("next_hop_self inside", Ebgp, Audience::Ibgp, HOP, Ok(OURS))
        },
        Row {
            adapt: |rules| rules.next_hop_self = true,
            ..row(
                "next_hop_self when reflected",
                Ibgp,
                Audience::IbgpClient,
                HOP,
                Ok(OURS),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "IPv6 outside",
                Ebgp,
                Audience::Ebgp,
                "2001:db8::1",
                Ok("2001:db8::254"),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            adapt: |rules| rules.own_ipv6 = Some(next_hop("2001:db8::254+fe80::254")),
            ..row(
                "RFC 2545 §3: our link-local address goes along on a shared link",
                Ebgp,
                Audience::Ebgp,
                "2001:db8::1+fe80::1",
                Ok("2001:db8::254+fe80::254"),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "RFC 2545 §3: the link-local address of others does not go on",
                Ebgp,
                Audience::Ibgp,
                "2001:db8::1+fe80::1",
                Ok("2001:db8::1"),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "a next hop of link-local scope alone becomes ours",
                Ebgp,
                Audience::Ibgp,
                "fe80::1",
                Ok("2001:db8::254"),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "also in the form with an empty global address",
                Ibgp,
                Audience::IbgpClient,
                "::+fe80::1",
                Ok("2001:db8::254"),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "also in the form with the link-local address twice",
                Ebgp,
                Audience::Ibgp,
                "fe80::1+fe80::1",
                Ok("2001:db8::254"),
            )
        },
        Row {
            adapt: |rules| {
                rules.own_ipv4 = Some(next_hop("2001:db8::254+fe80::254"));
                rules.ipv6_next_hop_for_ipv4 = true;
            },
            ..row(
                "RFC 8950 §4: our IPv6 address for IPv4 routes",
                Ebgp,
                Audience::Ebgp,
                HOP,
                Ok("2001:db8::254+fe80::254"),
            )
        },
        Row {
            adapt: |rules| rules.ipv6_next_hop_for_ipv4 = true,
            ..row(
                "RFC 8950 §4: the IPv6 next hop of an IPv4 route stays inside",
                Ebgp,
                Audience::Ibgp,
                "2001:db8::1",
                Ok("2001:db8::1"),
            )
        },
        row(
            "RFC 8950 §4: but only where it can be carried",
            Ebgp,
            Audience::Ibgp,
            "2001:db8::1",
            Err(RejectReason::NextHopNotCarried),
        ),
        Row {
            adapt: |rules| rules.next_hop_self = true,
            ..row(
                "our own can be",
                Ebgp,
                Audience::Ibgp,
                "2001:db8::1",
                Ok(OURS),
            )
        },
        Row {
            family: Family::IPV6_UNICAST,
            ..row(
                "an IPv6 route has no IPv4 next hop",
                Ebgp,
                Audience::Ibgp,
                HOP,
                Err(RejectReason::NextHopNotCarried),
            )
        },
        Row {
            adapt: |rules| rules.own_ipv4 = None,
            ..row(
                "a session without an address of the family",
                Ebgp,
                Audience::Ebgp,
                HOP,
                Err(RejectReason::NoOwnNextHop),
            )
        },
        Row {
            adapt: |rules| rules.own_ipv4 = None,
            ..row(
                "which is not needed inside",
                Ebgp,
                Audience::Ibgp,
                HOP,
                Ok(HOP),
            )
        },
    ];
    for Row {
        rule,
        from,
        to,
        received,
        adapt,
        family,
        expected,
    } in rows
    {
        let mut rules = rules(to);
        adapt(&mut rules);
        let said = told(&set(received, &[ORIGIN, PATH]), from, family, &rules);
        let said = said.map(|bytes| AttrRef::from_canonical(&bytes).next_hop());
        assert_eq!(said, expected.map(|hop| Some(next_hop(hop))), "{rule}");
    }
}

#[test]
fn without_a_required_policy_an_external_peer_is_told_nothing() {
    let bytes = set(HOP, &[ORIGIN, PATH, PREF_100]);
    for from in SOURCES {
        let policy = ExportPolicy::unconfigured(Ebgp, true);
        let rules = ExportRules {
            policy,
            ..rules(Audience::Ebgp)
        };
        let said = told(&bytes, from, Family::IPV4_UNICAST, &rules);
        assert_eq!(
            said,
            Err(RejectReason::Policy(PolicyReject::NoPolicy)),
            "from {from}"
        );
    }
}

#[test]
fn only_internal_sources_differ_by_their_router_id() {
    for kind in SOURCES {
        let (one, other) = (
            SourceInfo::new(kind, RouterId(1)),
            SourceInfo::new(kind, RouterId(2)),
        );
        assert_eq!(one != other, kind.is_internal(), "{kind}");
    }
}

#[test]
fn every_reason_has_a_text_of_its_own() {
    let reasons = [
        RejectReason::IbgpSplitHorizon,
        RejectReason::NoAdvertise,
        RejectReason::NoExport,
        RejectReason::NoExportSubconfed,
        RejectReason::Policy(PolicyReject::NoPolicy),
        RejectReason::NoOwnNextHop,
        RejectReason::NextHopNotCarried,
    ];
    let texts: HashSet<String> = reasons.iter().map(ToString::to_string).collect();
    assert_eq!(texts.len(), reasons.len());
    assert!(texts.iter().all(|text| text.len() > 10));
}

fn audience() -> impl Strategy<Value = Audience> {
    proptest::sample::select(AUDIENCES.to_vec())
}

/// Any subset of the attributes above, in their order.
fn any_set() -> impl Strategy<Value = Vec<u8>> {
    let all: Vec<Attr<'static>> = vec![
        MED,
        PREF_200,
        (WELL_KNOWN, 6, &[]),
        (TRANSITIVE, 7, &[0, 0, 0xfd, 0xe9, 10, 0, 0, 1]),
        OTHER_ORIGINATOR,
        CLUSTERS,
        (TRANSITIVE, 16, &[0x40, 4, 0, 1, 0, 0, 0, 1]),
        (OPTIONAL, 230, &[1]),
        (TRANSITIVE, 240, &[1, 2]),
    ];
    proptest::sample::subsequence(all, 0..=9)
        .prop_map(|chosen| set(HOP, &[&[ORIGIN, PATH], &chosen[..]].concat()))
}

proptest! {
    #[test]
    fn what_is_told_depends_on_nothing_that_was_told_before(
        sets in proptest::collection::vec((any_set(), audience()), 1..8),
    ) {
        let mut editor = AttrEditor::new();
        for (bytes, to) in sets {
            let attrs = AttrRef::from_canonical(&bytes);
            let again = match export(
                attrs, &source(IbgpClient), Family::IPV4_UNICAST, &rules(to), &mut editor,
            ) {
                Exported::Announce(attrs) => attrs.as_bytes().to_vec(),
                Exported::Reject(reason) => panic!("{reason}"),
            };
            prop_assert_eq!(told_ipv4(&bytes, IbgpClient, to), Ok(again));
        }
    }

    #[test]
    fn an_external_peer_never_hears_what_is_ours_alone(
        bytes in any_set(), from in proptest::sample::select(SOURCES.to_vec()),
    ) {
        let said = told_ipv4(&bytes, from, Audience::Ebgp).expect("nothing stops it");
        let attrs = AttrRef::from_canonical(&said);
        prop_assert_eq!(attrs.local_pref(), None);
        prop_assert_eq!(attrs.originator_id(), None);
        prop_assert_eq!(attrs.cluster_list().count(), 0);
        prop_assert_eq!(attrs.as_path().neighbor_as(), Some(Asn(65000)));
        let codes: Vec<u8> = attrs.iter().map(|(code, _, _)| code.0).collect();
        prop_assert!(codes.is_sorted(), "{:?}", codes);
        prop_assert!(!codes.contains(&16), "the only extended community is not transitive");
    }
}
