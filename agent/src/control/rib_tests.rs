//! A real table behind the control socket's answers: routes from messages, rows and reasons in words.

mod overlay;

use std::sync::Arc;

use bgp_wire::{
    Asn, AttrEditor, AttrScratch, Encoding, Family, FamilySet, NextHop, Origin, PathId, RouterId,
    SessionContext, decode_update, encode_announce,
};
use bytes::BytesMut;
use ipnet::{IpNet, Ipv4Net};
use rib::export::{Audience, ExportRules};
use rib::policy::Chain;
use rib::{
    AllReachable, AsPathRules, DecisionConfig, Exporter, FamilyExport, GroupKey, Inbound,
    MemberQueue, PeerIdx, PeerInfo, Rib, RibConfig, RouteKey, RoutePolicy, Selection, SourceKind,
};

use super::protocol::RouteQuery;
use super::rib_table::RibTable;
use super::routes::{Ineligible, RouteExplanation, RouteFilter, RouteRow, RouteSide, RouteTable};
use crate::desired::{Origination, OriginationKey, RouterKey};

struct Node {
    rib: Arc<Rib>,
    table: RibTable,
    exporter: Exporter,
}

impl Node {
    fn new() -> Self {
        let rib = Arc::new(Rib::new(RibConfig {
            shards: 4,
            local_as: Asn(65_000),
            router_id: RouterId(0x0a00_0001),
            cluster_id: None,
            selection: Selection {
                decision: DecisionConfig::default(),
                max_paths: 2,
                require_reachable: false,
            },
            next_hops: Arc::new(AllReachable),
        }));
        let table = RibTable::new(
            rib.clone(),
            vec![Family::IPV4_UNICAST, Family::IPV6_UNICAST],
            vec![Arc::new(originated("service", "10.9.0.0/16"))],
        );
        let exporter = Exporter::new(&rib, Arc::new(()));
        Self {
            rib,
            table,
            exporter,
        }
    }

    fn peer(&mut self, name: &str, last: u8, asn: u32) -> PeerIdx {
        let info = PeerInfo {
            name: name.into(),
            address: std::net::IpAddr::from([10, 0, 0, last]),
            kind: SourceKind::Ebgp,
            asn: Asn(asn),
            router_id: RouterId(u32::from(last)),
            link: 0,
            one_hop: false,
            long_lived: false,
            allow_as_in: 0,
            rules: rib::ImportRules::default(),
            import: RoutePolicy::AcceptAll,
        };
        let peer = self.rib.add_peer(info).unwrap();
        let rules = ExportRules {
            audience: Audience::Ebgp,
            local_as: Asn(65_000),
            cluster_id: RouterId(0x0a00_0001),
            own_ipv4: Some(NextHop::V4([10, 0, 0, 254].into())),
            own_ipv6: None,
            ipv6_next_hops: FamilySet::EMPTY,
            wanted: None,
            asks_for_everything: false,
            router_id: RouterId(1),
            next_hop_self: false,
            graceful_shutdown: false,
            role: None,
            long_lived: true,
            as_path: AsPathRules::default(),
            policy: RoutePolicy::AcceptAll,
        };
        let family = FamilyExport {
            family: Family::IPV4_UNICAST,
            encoding: encoding(),
            add_path: 0,
        };
        let key = GroupKey {
            rules,
            families: [family].into_iter().collect(),
        };
        self.exporter.join(
            &self.rib,
            peer,
            key,
            Arc::new(MemberQueue::new(Arc::new(()))),
        );
        peer
    }

    fn hear(&self, peer: PeerIdx, prefix: &str, next_hop: u8, path: &[u32]) {
        let mut editor = AttrEditor::new();
        editor.set_origin(Origin::Igp);
        for asn in path.iter().rev() {
            editor.prepend_as_path(Asn(*asn), 1);
        }
        editor.set_med(Some(5));
        editor.set_communities([bgp_wire::Community(65_001 << 16 | 7)]);
        editor.set_next_hop(Some(NextHop::V4([10, 0, 0, next_hop].into())));
        let nlri = [(PathId(0), prefix.parse::<Ipv4Net>().unwrap())];
        let mut message = BytesMut::new();
        encode_announce(
            &mut message,
            Family::IPV4_UNICAST,
            &encoding(),
            editor.finish(),
            &nlri,
        )
        .unwrap();
        let ctx = SessionContext::new(Asn(65_000), Asn(path[0]));
        let mut scratch = AttrScratch::default();
        let decoded = decode_update(&message[19..], &ctx, &mut scratch).unwrap();
        let mut inbound = Inbound::new(peer);
        inbound.update(&self.rib, &decoded, &ctx);
        inbound.flush(&self.rib);
    }

    fn tell(&mut self) {
        while self.exporter.drain(&self.rib, 1_000).more {}
    }

    fn rows(&self, prefix: Option<RouteQuery>, side: RouteSide) -> Vec<RouteRow> {
        let filter = RouteFilter {
            family: "ipv4/unicast".to_owned(),
            prefix,
            rd: None,
            kind: None,
            side,
        };
        let mut walk = self.table.rows(&filter);
        let mut rows = Vec::new();
        while let Some(page) = walk(3) {
            rows.extend(page);
        }
        rows
    }

    fn explain(&self, prefix: &str) -> RouteExplanation {
        self.table.explain(&RouteKey::from(net(prefix))).unwrap()
    }
}

fn encoding() -> Encoding {
    Encoding {
        asn4: true,
        add_path: false,
        max_message: 4096,
        mp_ipv4: false,
    }
}

fn net(text: &str) -> IpNet {
    text.parse().unwrap()
}

fn originated(advertisement: &str, prefix: &str) -> Origination {
    Origination {
        key: OriginationKey {
            advertisement: format!("default/{advertisement}").into(),
            router: RouterKey::new("default", "r"),
        },
        family: Family::IPV4_UNICAST,
        prefixes: vec![net(prefix)],
        sources: vec![],
        communities: vec![],
        local_pref: None,
        policies: Chain::default(),
    }
}

fn table(peer: Option<&str>, best: bool) -> RouteSide {
    RouteSide::Table {
        peer: peer.map(str::to_owned),
        best,
    }
}

/// Two ToRs of which the first is nearer, and one that only listens.
fn node() -> Node {
    let mut node = Node::new();
    let left = node.peer("left", 1, 65_001);
    let right = node.peer("right", 2, 65_002);
    node.peer("quiet", 3, 65_003);
    node.hear(left, "192.0.2.0/24", 1, &[65_001, 65_010]);
    node.hear(right, "192.0.2.0/24", 2, &[65_002, 65_009, 65_010]);
    node.hear(right, "198.51.100.0/24", 2, &[65_002]);
    node.hear(right, "198.51.100.128/25", 2, &[65_002, 65_000]);
    node.tell();
    node
}

#[test]
fn rows_have_what_was_received() {
    let node = node();
    let rows = node.rows(
        Some(RouteQuery::Exact(net("192.0.2.0/24"))),
        table(None, false),
    );
    let [best, other] = rows.as_slice() else {
        panic!("{rows:?}")
    };
    assert_eq!(
        (best.peer.as_str(), best.best, best.multipath),
        ("left", true, false)
    );
    assert_eq!(
        (other.peer.as_str(), other.best, other.multipath),
        ("right", false, false)
    );
    let attributes = &best.attributes;
    assert_eq!(attributes.next_hop.as_deref(), Some("10.0.0.1"));
    assert_eq!(attributes.as_path, "65001 65010");
    assert_eq!(attributes.origin, "igp");
    assert_eq!(attributes.med, Some(5));
    assert_eq!(attributes.communities, ["65001:7"]);
    assert!(attributes.others.is_empty());
}

#[test]
fn filters_choose() {
    let node = node();
    let count = |prefix, side| node.rows(prefix, side).len();
    assert_eq!(count(None, table(None, false)), 4);
    assert_eq!(count(None, table(None, true)), 2);
    assert_eq!(count(None, table(Some("right"), false)), 3);
    assert_eq!(count(None, table(Some("nobody"), false)), 0);
    let inside = RouteQuery::Longer(net("198.51.100.0/23").trunc());
    assert_eq!(count(Some(inside), table(None, false)), 2);
    let covering = |text: &str| Some(RouteQuery::Covering(text.parse().unwrap()));
    assert_eq!(count(covering("198.51.100.1"), table(None, false)), 1);
    assert_eq!(count(covering("203.0.113.1"), table(None, false)), 0);
    assert_eq!(
        count(
            None,
            RouteSide::In {
                peer: "left".to_owned()
            }
        ),
        1
    );
}

/// Whoever asks why an address is not reached is answered about what covers it, though none of that can be chosen.
#[test]
fn an_address_that_nothing_eligible_covers_is_answered_with_what_is_not_eligible() {
    let mut node = Node::new();
    let peer = node.peer("left", 1, 65_001);
    for prefix in ["10.0.0.0/8", "10.1.0.0/24", "10.1.0.0/16", "10.2.0.0/16"] {
        // RFC 4271 section 9.1.2: "If the AS_PATH attribute of a BGP route contains an AS loop, the BGP route should be excluded".
        node.hear(peer, prefix, 1, &[65_001, 65_000]);
    }
    let found = |node: &Node| -> Vec<String> {
        let filter = RouteFilter {
            family: "ipv4/unicast".to_owned(),
            prefix: Some(RouteQuery::Covering("10.1.0.5".parse().unwrap())),
            rd: None,
            kind: None,
            side: table(None, false),
        };
        let mut walk = node.table.destinations(&filter);
        let keys: Vec<_> = std::iter::from_fn(|| walk(1)).flatten().collect();
        let mut walk = node.table.rows(&filter);
        let rows: Vec<_> = std::iter::from_fn(|| walk(1)).flatten().collect();
        assert_eq!(
            keys,
            rows.iter().filter_map(|row| row.key).collect::<Vec<_>>()
        );
        keys.iter().map(ToString::to_string).collect()
    };
    assert_eq!(found(&node), ["10.1.0.0/24", "10.1.0.0/16", "10.0.0.0/8"]);
    node.hear(peer, "10.0.0.0/8", 1, &[65_001]);
    assert_eq!(found(&node), ["10.0.0.0/8"]);
}

#[test]
fn our_own_path_names_its_advertisement() {
    let node = node();
    let mut editor = AttrEditor::new();
    editor.set_origin(Origin::Igp);
    editor.set_as_path(&[]);
    node.rib.originate(net("10.9.0.0/16"), editor.finish(), 1);
    let explanation = node.explain("10.9.0.0/16");
    assert_eq!(
        explanation.paths[0].advertisement.as_deref(),
        Some("service")
    );
    assert_eq!(
        crate::cli::explain::source(&explanation.paths[0]),
        "originated here by BGPAdvertisement service"
    );
    let received = node.explain("192.0.2.0/24");
    assert_eq!(received.paths[0].advertisement, None);
}

#[test]
fn a_loop_is_kept_and_said() {
    let node = node();
    let rows = node.rows(
        Some(RouteQuery::Exact(net("198.51.100.128/25"))),
        table(None, false),
    );
    assert_eq!(rows[0].ineligible, Some(Ineligible::AsLoop));
    assert!(!rows[0].best);
    let explanation = node.explain("198.51.100.128/25");
    assert!(explanation.steps.is_empty());
}

#[test]
fn what_a_peer_was_told_is_what_it_was_told() {
    let node = node();
    let told = |peer: &str| {
        let mut rows = node.rows(
            None,
            RouteSide::Out {
                peer: peer.to_owned(),
            },
        );
        rows.sort_by_key(|row| row.prefix);
        rows.iter()
            .map(|row| (row.route.clone(), row.attributes.as_path.clone()))
            .collect::<Vec<_>>()
    };
    let own = |prefix: &str, path: &str| (prefix.to_owned(), path.to_owned());
    assert_eq!(told("left"), [own("198.51.100.0/24", "65000 65002")]);
    assert_eq!(told("right"), [own("192.0.2.0/24", "65000 65001 65010")]);
    assert_eq!(
        told("quiet"),
        [
            own("192.0.2.0/24", "65000 65001 65010"),
            own("198.51.100.0/24", "65000 65002")
        ]
    );
}

#[test]
fn an_explanation_says_who_fell_out_where_and_who_was_told() {
    let node = node();
    let explanation = node.explain("192.0.2.0/24");
    assert_eq!(explanation.family, "ipv4/unicast");
    let [best, lost] = explanation.paths.as_slice() else {
        panic!("{explanation:?}")
    };
    assert!(best.row.best);
    assert_eq!(best.source, "external");
    assert_eq!(best.peer_as, Some(65_001));
    assert_eq!(best.peer_router_id.as_deref(), Some("0.0.0.1"));
    assert_eq!(best.row.peer_address, Some([10, 0, 0, 1].into()));
    assert_eq!(best.next_hop_metric, Some(0));
    assert_eq!(best.policy, "accepted as it is");
    assert!(!lost.row.best);

    let last = explanation.steps.last().unwrap();
    assert_eq!(last.name, "the shortest AS path wins (RFC 4271 §9.1.2.2 a)");
    assert_eq!(last.out, [1]);
    assert_eq!(last.detail, "path 2: 3 against 2 of path 1");
    assert!(
        explanation.steps[..explanation.steps.len() - 1]
            .iter()
            .all(|step| step.out.is_empty())
    );

    let announced: Vec<&str> = explanation
        .told
        .iter()
        .filter(|told| told.announced.is_some())
        .flat_map(|told| told.peers.iter().map(String::as_str))
        .collect();
    let mut sorted = announced;
    sorted.sort_unstable();
    assert_eq!(sorted, ["quiet", "right"]);
    let own = explanation
        .told
        .iter()
        .find(|told| told.peers == ["left"])
        .unwrap();
    assert_eq!(
        own.reason.as_deref(),
        Some("the path is its own (split horizon)")
    );
    let to = explanation
        .told
        .iter()
        .find_map(|told| told.announced.as_ref())
        .unwrap();
    assert_eq!(to.next_hop.as_deref(), Some("10.0.0.254"));
    assert_eq!(to.med, None);
}

#[test]
fn a_step_that_is_passed_over_is_not_said_to_be_equal() {
    let mut node = Node::new();
    // The router IDs differ (1 and 2), and external paths are not compared by them.
    for (name, last) in [("left", 1), ("right", 2)] {
        let peer = node.peer(name, last, 65_001);
        node.hear(peer, "192.0.2.0/24", last, &[65_001]);
    }
    node.tell();
    let explanation = node.explain("192.0.2.0/24");
    let [.., router_id, _, address] = explanation.steps.as_slice() else {
        panic!("{explanation:?}")
    };
    assert!(router_id.name.starts_with("the lowest router ID wins"));
    assert!(router_id.passed_over && router_id.out.is_empty());
    assert!(address.name.starts_with("the lowest peer address wins"));
    assert_eq!((address.passed_over, &*address.out), (false, &[1][..]));
}

#[test]
fn a_change_that_is_not_told_yet_is_said_to_be_on_its_way() {
    let mut node = node();
    let left = node.table.peer("left").unwrap();
    node.hear(left, "203.0.113.0/24", 1, &[65_001]);
    let explanation = node.explain("203.0.113.0/24");
    assert!(!explanation.told.is_empty());
    for told in &explanation.told {
        assert_eq!(told.reason.as_deref(), Some("a change is on its way"));
    }
    node.tell();
    let explanation = node.explain("203.0.113.0/24");
    assert!(explanation.told.iter().any(|told| told.announced.is_some()));
}

#[test]
fn our_own_routes_are_originated_here() {
    let mut node = node();
    let mut editor = AttrEditor::new();
    editor.set_origin(Origin::Igp);
    node.rib.originate(net("10.1.0.0/16"), editor.finish(), 1);
    node.tell();
    let explanation = node.explain("10.1.0.0/16");
    assert_eq!(explanation.paths[0].source, "local");
    assert_eq!(explanation.paths[0].peer_as, None);
    assert_eq!(explanation.paths[0].row.peer_address, None);
    assert!(
        node.table
            .explain(&RouteKey::from(net("10.2.0.0/16")))
            .is_none()
    );
}
