//! What a group is told about a set, by kind of source and kind of group; each rule on attributes
//! with the section that demands it. Sets are written in bytes, so that nothing that goes out
//! unseen goes unnoticed.

mod attributes;
mod graceful_shutdown;
mod laws;
mod next_hops;
mod roles;

use std::collections::HashSet;
use std::net::IpAddr;

use bgp_wire::{Asn, AttrEditor, AttrRef, Family, NextHop, RouterId};
use rib::AsPathRules;
use rib::decision::SourceKind::{self, Ebgp, Ibgp, IbgpClient, Local};
use rib::export::{Audience, ExportRules, Exported, RejectReason, SourceInfo, export};
use rib::policy::{Chain, PolicyReject, RoutePolicy};

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
        ipv6_next_hops: bgp_wire::FamilySet::EMPTY,
        wanted: None,
        asks_for_everything: false,
        router_id: RouterId(1),
        next_hop_self: false,
        graceful_shutdown: false,
        role: None,
        long_lived: true,
        as_path: AsPathRules::default(),
        policy: RoutePolicy::AcceptAll,
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
        None,
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
fn without_a_required_policy_an_external_peer_is_told_nothing() {
    let bytes = set(HOP, &[ORIGIN, PATH, PREF_100]);
    for from in SOURCES {
        let policy = RoutePolicy::of(&Chain::default(), Ebgp, true);
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
