//! Routes of VPNs and EVPN, and what of them a peer asks for.

use std::collections::BTreeMap;
use std::sync::Arc;

use bgp_wire::{
    Announcement, Asn, AttrCode, AttrEditor, AttrRef, AttrScratch, AttrSet, Encoding, Esi,
    EvpnDetail, EvpnKind, EvpnRoute, Family, FamilySet, Label, NextHop, Nlri, NlriBlock, Origin,
    PathId, RouteDistinguisher, RouteTargetMembership, RouterId, SessionContext, Vpn,
    decode_update, encode_announce, encode_withdraw, next_frame,
};
use bytes::BytesMut;
use ipnet::{Ipv4Net, Ipv6Net};
use rib::{
    AsPathRules, Audience, DecisionConfig, ExportPolicy, ExportRules, Exporter, FamilyExport,
    GroupKey, ImportPolicy, Inbound, Ineligible, MemberQueue, NextHopKey, NextHopResolver, PeerIdx,
    PeerInfo, RejectReason, Resolution, Rib, RibConfig, RouteKey, RouteTargets, RowQuery,
    Selection, SourceKind, Step,
};

const US: Asn = Asn(65000);
const FAMILIES: [Family; 4] = [
    Family::RTC,
    Family::IPV4_VPN,
    Family::IPV6_VPN,
    Family::L2VPN_EVPN,
];

/// Nothing can be reached: a reflector off the path knows no way.
struct Nowhere;

impl NextHopResolver for Nowhere {
    fn resolve(&self, _: &NextHopKey) -> Resolution {
        Resolution::UNREACHABLE
    }
}

struct Client {
    idx: PeerIdx,
    inbound: Inbound,
    queue: Arc<MemberQueue>,
    key: GroupKey,
    /// What it holds: text of the route to text of detail and attributes.
    holds: BTreeMap<String, (String, AttrSet)>,
    /// NLRI announced to it so far, again or not.
    announced: usize,
}

struct Reflector {
    rib: Rib,
    exporter: Exporter,
    clients: Vec<Client>,
}

fn ctx(add_path: bool) -> SessionContext {
    let families = FamilySet::from(FAMILIES);
    SessionContext {
        families,
        extended_next_hop: families,
        add_path_receive: if add_path { families } else { FamilySet::EMPTY },
        ..SessionContext::new(US, US)
    }
}

impl Reflector {
    fn new(require_reachable: bool) -> Self {
        let rib = Rib::new(RibConfig {
            shards: 4,
            local_as: US,
            router_id: RouterId(1),
            cluster_id: None,
            selection: Selection {
                decision: DecisionConfig::default(),
                max_paths: 1,
                require_reachable,
            },
            next_hops: Arc::new(Nowhere),
        });
        let exporter = Exporter::new(&rib, Arc::new(()));
        Self {
            rib,
            exporter,
            clients: Vec::new(),
        }
    }

    fn with(clients: &[SourceKind]) -> Self {
        let mut reflector = Self::new(false);
        for &kind in clients {
            reflector.add(kind, None);
        }
        reflector.settle();
        reflector
    }

    /// Adds a peer. `wanted`: what it asks for, if that was negotiated.
    fn add(&mut self, kind: SourceKind, wanted: Option<RouteTargets>) -> usize {
        let n = u32::try_from(self.clients.len()).unwrap() + 1;
        let idx = self
            .rib
            .add_peer(PeerInfo {
                name: format!("pe{n}").into(),
                address: std::net::Ipv4Addr::from(0x0a00_0000 + n).into(),
                kind,
                asn: US,
                router_id: RouterId(100 + n),
                link: 0,
                one_hop: false,
                long_lived: false,
                allow_as_in: 0,
                rules: rib::ImportRules::default(),
                import: ImportPolicy::AcceptAll,
            })
            .unwrap();
        let audience = match kind {
            SourceKind::IbgpClient => Audience::IbgpClient,
            _ => Audience::Ibgp,
        };
        let encoding = Encoding::default();
        let key = GroupKey {
            rules: ExportRules {
                audience,
                local_as: US,
                router_id: RouterId(1),
                cluster_id: RouterId(1),
                own_ipv4: Some(next_hop("192.0.2.254")),
                own_ipv6: None,
                ipv6_next_hops: FamilySet::from([Family::IPV4_VPN]),
                wanted: wanted.map(Arc::new),
                asks_for_everything: false,
                next_hop_self: true,
                graceful_shutdown: false,
                role: None,
                long_lived: true,
                as_path: AsPathRules::default(),
                policy: ExportPolicy::AcceptAll,
            },
            families: FAMILIES
                .map(|family| FamilyExport {
                    family,
                    encoding: encoding.clone(),
                    add_path: 0,
                })
                .into_iter()
                .collect(),
        };
        let queue = Arc::new(MemberQueue::new(Arc::new(())));
        self.exporter
            .join(&self.rib, idx, key.clone(), Arc::clone(&queue));
        self.clients.push(Client {
            idx,
            inbound: Inbound::new(idx),
            queue,
            key,
            holds: BTreeMap::new(),
            announced: 0,
        });
        self.clients.len() - 1
    }

    fn announce<A: Announcement>(&mut self, from: usize, attrs: AttrRef<'_>, nlri: &[A]) {
        let family = A::Nlri::FAMILIES[0];
        let mut out = BytesMut::new();
        let fitted = encode_announce(&mut out, family, &Encoding::default(), attrs, nlri).unwrap();
        assert_eq!(fitted, nlri.len());
        self.hear(from, &out);
    }

    fn withdraw<N: Nlri>(&mut self, from: usize, nlri: &[(PathId, N)]) {
        let mut out = BytesMut::new();
        encode_withdraw(&mut out, N::FAMILIES[0], &Encoding::default(), nlri);
        self.hear(from, &out);
    }

    fn hear(&mut self, from: usize, message: &[u8]) {
        let mut scratch = AttrScratch::new();
        let decoded = decode_update(&message[19..], &ctx(false), &mut scratch).unwrap();
        assert!(decoded.findings.is_empty(), "{:?}", decoded.findings);
        let client = &mut self.clients[from];
        client.inbound.update(&self.rib, &decoded, &ctx(false));
        client.inbound.flush(&self.rib);
        self.settle();
    }

    /// Has everybody told everything.
    fn settle(&mut self) {
        while self.exporter.drain(&self.rib, 1000).more {}
        for client in &mut self.clients {
            while let Some(chunk) = client.queue.pop() {
                let mut rest = &chunk.bytes[..];
                while let Some((frame, used)) = next_frame(rest, 4096).unwrap() {
                    let mut scratch = AttrScratch::new();
                    let decoded = decode_update(frame.body, &ctx(false), &mut scratch).unwrap();
                    assert!(decoded.findings.is_empty(), "{:?}", decoded.findings);
                    let update = decoded.update;
                    if let Some(unreach) = update.unreach {
                        for (route, _) in texts(&unreach.nlri) {
                            assert!(client.holds.remove(&route).is_some(), "{route} was told");
                        }
                    }
                    if let (Some(reach), Some(attrs)) = (update.reach, update.mp_attrs) {
                        for (route, detail) in texts(&reach.nlri) {
                            client.announced += 1;
                            client.holds.insert(route, (detail, attrs.to_set()));
                        }
                    }
                    rest = &rest[used..];
                }
            }
        }
        while self.exporter.drain(&self.rib, 1000).more {}
    }

    fn holds(&self, client: usize) -> Vec<&str> {
        self.clients[client]
            .holds
            .keys()
            .map(String::as_str)
            .collect()
    }

    fn rekey(&mut self, client: usize, wanted: RouteTargets) {
        let client = &mut self.clients[client];
        client.key.rules.wanted = Some(Arc::new(wanted));
        let key = client.key.clone();
        assert!(self.exporter.rekey(&self.rib, client.idx, key));
        self.settle();
    }
}

fn texts(block: &NlriBlock<'_>) -> Vec<(String, String)> {
    fn of<N: Nlri>(block: &NlriBlock<'_>) -> Vec<(String, String)> {
        let every = block.iter::<N>();
        every
            .map(|(_, nlri, detail)| (nlri.to_string(), format!("{detail:?}")))
            .collect()
    }
    match block.family {
        Family::IPV4_VPN => of::<Vpn<Ipv4Net>>(block),
        Family::IPV6_VPN => of::<Vpn<Ipv6Net>>(block),
        Family::L2VPN_EVPN => of::<EvpnRoute>(block),
        _ => of::<RouteTargetMembership>(block),
    }
}

fn next_hop(text: &str) -> NextHop {
    text.parse::<std::net::IpAddr>().unwrap().into()
}

fn attrs(hop: &str, communities: &[&str]) -> AttrSet {
    let mut editor = AttrEditor::new();
    editor.set_next_hop(next_hop(hop));
    editor.set_origin(Origin::Igp);
    editor.set_as_path(&[]);
    editor.set_local_pref(Some(100));
    editor.set_ext_communities(communities.iter().map(|text| text.parse().unwrap()));
    editor.to_set()
}

fn vpn(text: &str) -> Vpn<Ipv4Net> {
    text.parse().unwrap()
}

fn targets(memberships: &[&str]) -> RouteTargets {
    let parse = |text: &&str| text.parse::<RouteTargetMembership>().unwrap();
    memberships.iter().map(parse).collect()
}

const CLIENT: SourceKind = SourceKind::IbgpClient;

/// RFC 4456 §10: "when an RR reflects a route, it SHOULD NOT modify the following path attributes: NEXT_HOP, AS_PATH,
/// LOCAL_PREF, and MED"; nor can it change the next hop of a label, whatever `nextHopSelf` says.
#[test]
fn a_vpn_route_is_reflected_with_its_label_and_next_hop() {
    let mut rr = Reflector::with(&[CLIENT, CLIENT, SourceKind::Ibgp]);
    let set = attrs("198.51.100.1", &["rt:65000:1"]);
    let routes = [
        (PathId(0), vpn("65000:1:10.0.0.0/8"), Label::new(100)),
        (PathId(0), vpn("65000:2:10.0.0.0/8"), Label::new(200)),
    ];
    rr.announce(0, set.as_ref(), &routes);
    assert!(rr.holds(0).is_empty(), "not to its source");
    for client in [1, 2] {
        let held = &rr.clients[client].holds;
        assert_eq!(
            rr.holds(client),
            ["65000:1:10.0.0.0/8", "65000:2:10.0.0.0/8"]
        );
        for (route, label) in [("65000:1:10.0.0.0/8", 100), ("65000:2:10.0.0.0/8", 200)] {
            let (detail, told) = &held[route];
            assert_eq!(*detail, format!("{:?}", Label::new(label)));
            let mut told = {
                let mut editor = AttrEditor::new();
                editor.load(told.as_ref());
                editor
            };
            assert_eq!(told.get().originator_id(), Some(RouterId(101)));
            assert_eq!(told.get().cluster_list().collect::<Vec<_>>(), [RouterId(1)]);
            told.set_originator_id(None);
            told.remove(AttrCode::CLUSTER_LIST);
            assert_eq!(told.to_set(), set);
        }
    }
    rr.withdraw(0, &[(PathId(0), vpn("65000:1:10.0.0.0/8"))]);
    assert_eq!(rr.holds(1), ["65000:2:10.0.0.0/8"]);
    rr.rib.peer_down(rr.clients[0].idx).finish(&rr.rib);
    rr.settle();
    assert!(rr.holds(1).is_empty());
    assert_eq!(rr.rib.counts().destinations(), 0);
}

/// The label is of the path and not of the set: with the same attributes another label is news all the same.
#[test]
fn a_label_that_changes_alone_is_told_and_the_same_one_is_not() {
    let mut rr = Reflector::with(&[CLIENT, CLIENT]);
    let set = attrs("198.51.100.1", &["rt:65000:1"]);
    let route = vpn("65000:1:10.0.0.0/8");
    let label = |rr: &Reflector| rr.clients[1].holds["65000:1:10.0.0.0/8"].0.clone();
    for (number, announced) in [(100, 1), (100, 1), (101, 2)] {
        rr.announce(0, set.as_ref(), &[(PathId(0), route, Label::new(number))]);
        assert_eq!(label(&rr), format!("{:?}", Label::new(number)));
        assert_eq!(rr.clients[1].announced, announced, "label {number}");
    }
    // With a second path there the first, which stays the best, changes its label.
    let mut second = AttrEditor::new();
    second.load(set.as_ref());
    second.set_local_pref(Some(50));
    let third = rr.add(CLIENT, None);
    rr.announce(third, second.finish(), &[(PathId(0), route, Label::new(7))]);
    rr.announce(0, set.as_ref(), &[(PathId(0), route, Label::new(102))]);
    assert_eq!(label(&rr), format!("{:?}", Label::new(102)));
}

/// What is only passed on needs no way to its next hop, unless that is asked for.
#[test]
fn routes_pass_whatever_their_next_hop_unless_it_is_required() {
    let route = (PathId(0), vpn("65000:1:10.0.0.0/8"), Label::new(100));
    for (required, passes) in [(false, true), (true, false)] {
        let mut rr = Reflector::new(required);
        rr.add(CLIENT, None);
        rr.add(CLIENT, None);
        rr.announce(0, attrs("198.51.100.1", &[]).as_ref(), &[route]);
        assert_eq!(!rr.holds(1).is_empty(), passes);
    }
}

/// RFC 8950 §4, RFC 4659 §3.2.1.
#[test]
fn next_hops_of_the_other_protocol_are_carried() {
    let mut rr = Reflector::with(&[CLIENT, CLIENT]);
    let v4 = (PathId(0), vpn("65000:1:10.0.0.0/8"), Label::new(100));
    rr.announce(0, attrs("2001:db8::1", &[]).as_ref(), &[v4]);
    let v6: Vpn<Ipv6Net> = "65000:1:2001:db8::/32".parse().unwrap();
    rr.announce(
        0,
        attrs("198.51.100.1", &[]).as_ref(),
        &[(PathId(0), v6, Label::new(9))],
    );
    let hop = |route: &str| rr.clients[1].holds[route].1.as_ref().next_hop();
    assert_eq!(hop("65000:1:10.0.0.0/8"), Some(next_hop("2001:db8::1")));
    assert_eq!(hop("65000:1:2001:db8::/32"), Some(next_hop("198.51.100.1")));
}

/// RFC 4684 §6.
#[test]
fn a_peer_is_told_the_route_targets_it_asks_for() {
    let mut rr = Reflector::with(&[CLIENT]);
    let picky = rr.add(CLIENT, Some(targets(&["65000:rt:65000:1"])));
    let open = rr.add(CLIENT, None);
    let route = |text: &str| (PathId(0), vpn(text), Label::new(1));
    for n in 1..=3 {
        let set = attrs("198.51.100.1", &[&format!("rt:65000:{n}")]);
        rr.announce(0, set.as_ref(), &[route(&format!("65000:{n}:10.0.0.0/8"))]);
    }
    rr.announce(
        0,
        attrs("198.51.100.1", &[]).as_ref(),
        &[route("65000:9:10.0.0.0/8")],
    );
    assert_eq!(rr.holds(picky), ["65000:1:10.0.0.0/8"]);
    assert_eq!(rr.holds(open).len(), 4);
    let told = rr.rib.advertised(rr.clients[picky].idx, Family::IPV4_VPN);
    assert_eq!(told, 1);

    // It asks for another, and no more for the first: only these two are spoken of.
    let before = rr.clients[picky].announced;
    rr.rekey(picky, targets(&["65000:rt:65000:2", "65000:rt:65000:3"]));
    assert_eq!(
        rr.holds(picky),
        ["65000:2:10.0.0.0/8", "65000:3:10.0.0.0/8"]
    );
    rr.rekey(
        picky,
        targets(&["65000:rt:65000:1", "65000:rt:65000:2", "65000:rt:65000:3"]),
    );
    assert_eq!(rr.holds(picky).len(), 3);
    assert_eq!(
        rr.clients[picky].announced,
        before + 3,
        "what stayed was not told again"
    );
    let told = rr.rib.advertised(rr.clients[picky].idx, Family::IPV4_VPN);
    assert_eq!(told, 3);

    let explained = rr
        .rib
        .explain(RouteKey::VpnV4(vpn("65000:9:10.0.0.0/8")))
        .unwrap();
    let outcome = |client: usize| {
        let group = explained
            .told
            .iter()
            .find(|group| group.members.contains(&rr.clients[client].idx))
            .unwrap();
        group.routes[0].outcome.clone()
    };
    assert_eq!(outcome(picky), Err(RejectReason::RouteTargetNotWanted));
    assert!(outcome(open).is_ok());

    rr.rekey(picky, targets(&["default"]));
    assert_eq!(rr.holds(picky).len(), 4);
    rr.rekey(picky, targets(&[]));
    assert!(rr.holds(picky).is_empty());
}

/// RFC 4684 §3.2: a client is told even of what it asks for itself, with our identifier as originator and our own next hop,
/// lest it never learns that somebody else asks too.
#[test]
fn memberships_are_reflected_to_every_client() {
    let mut rr = Reflector::with(&[CLIENT, CLIENT, SourceKind::Ibgp]);
    let one: RouteTargetMembership = "65000:rt:65000:1".parse().unwrap();
    let set = attrs("198.51.100.1", &[]);
    rr.announce(0, set.as_ref(), &[(PathId(0), one)]);
    assert_eq!(
        rr.rib.route_targets_of(rr.clients[0].idx),
        targets(&["65000:rt:65000:1"])
    );
    assert!(rr.rib.route_targets_of(rr.clients[1].idx).is_empty());
    for client in [0, 1] {
        let (_, told) = &rr.clients[client].holds["65000:rt:65000:1"];
        assert_eq!(
            told.as_ref().originator_id(),
            Some(RouterId(1)),
            "client {client}"
        );
        assert_eq!(told.as_ref().next_hop(), Some(next_hop("192.0.2.254")));
        assert_eq!(rr.rib.advertised(rr.clients[client].idx, Family::RTC), 1);
    }
    // The non-client gets it as any reflected route.
    let (_, told) = &rr.clients[2].holds["65000:rt:65000:1"];
    assert_eq!(told.as_ref().originator_id(), Some(RouterId(101)));
    assert_eq!(told.as_ref().next_hop(), Some(next_hop("198.51.100.1")));
    rr.withdraw(0, &[(PathId(0), one)]);
    for client in 0..3 {
        assert!(rr.holds(client).is_empty(), "client {client}");
    }
    // What we ask for ourselves goes to all.
    rr.rib.originate(
        RouteKey::RouteTarget(RouteTargetMembership::DEFAULT),
        attrs("192.0.2.254", &[]).as_ref(),
        0,
    );
    rr.settle();
    for client in 0..3 {
        assert_eq!(rr.holds(client), ["default"], "client {client}");
    }
}

fn mac_ip(rd: u32) -> EvpnRoute {
    let rd = RouteDistinguisher::from_as(US, rd).unwrap();
    let mac = "00:11:22:33:44:55".parse().unwrap();
    EvpnRoute::mac_ip(rd, 0, mac, Some("10.0.0.1".parse().unwrap()))
}

/// RFC 7432 §15: a MAC that moved is where its sequence number is highest; §15.2: a static one does not move. Both come before
/// everything that makes one path of a prefix better than another.
#[test]
fn a_mac_is_where_its_sequence_number_is_highest() {
    let moved = |sequence: u8| format!("0x06000000000000{sequence:02x}");
    let mut rr = Reflector::with(&[CLIENT, CLIENT, CLIENT, CLIENT]);
    let detail = EvpnDetail::default();
    let hop = |rr: &Reflector| {
        let row = rr.rib.rows(&RowQuery::default(), None, 10).rows[0].clone();
        assert!(row.best);
        row.attrs.as_ref().next_hop().unwrap().to_string()
    };
    let mut first = AttrEditor::new();
    first.load(attrs("198.51.100.1", &[]).as_ref());
    first.set_local_pref(Some(500));
    rr.announce(0, first.finish(), &[(PathId(0), mac_ip(1), detail)]);
    assert_eq!(hop(&rr), "198.51.100.1");
    rr.announce(
        1,
        attrs("198.51.100.2", &[&moved(1)]).as_ref(),
        &[(PathId(0), mac_ip(1), detail)],
    );
    assert_eq!(hop(&rr), "198.51.100.2");
    rr.announce(
        2,
        attrs("198.51.100.3", &["0x0600010000000000"]).as_ref(),
        &[(PathId(0), mac_ip(1), detail)],
    );
    assert_eq!(hop(&rr), "198.51.100.3", "static");
    rr.announce(
        1,
        attrs("198.51.100.2", &[&moved(9)]).as_ref(),
        &[(PathId(0), mac_ip(1), detail)],
    );
    assert_eq!(hop(&rr), "198.51.100.3", "static still");
    let explained = rr.rib.explain(RouteKey::Evpn(mac_ip(1))).unwrap();
    let by: Vec<_> = explained
        .paths
        .iter()
        .map(|(_, reason)| reason.loss().map(|loss| loss.step))
        .collect();
    assert_eq!(by, [None, Some(Step::MacMobility), Some(Step::MacMobility)]);
}

/// RFC 7432 §15: "If two (or more) PEs advertise the same MAC address with the same sequence number but different Ethernet
/// segment identifiers, a PE that receives these routes selects the route advertised by the PE with the lowest IP address as
/// the best route." LOCAL_PREF has no say: like the sequence number this is chosen before
/// all else, as FRR does too.
#[test]
fn of_two_segments_with_a_mac_that_of_the_lowest_pe_is_taken() {
    let segment = |number: u8| Esi([0, 1, 2, 3, 4, 5, 6, 7, 8, number]);
    let (one, two, single) = (segment(1), segment(2), Esi::default());
    // PE, segment, sequence number, local preference; which is the best; by what the others lose.
    type Path = (u8, Esi, u8, u32);
    let pe = Step::AdvertisingPe;
    let cases: [(&str, &[Path], usize, &[Step]); 8] = [
        (
            "the lowest PE",
            &[(9, one, 3, 900), (2, two, 3, 100)],
            1,
            &[pe],
        ),
        (
            "no sequence number is 0",
            &[(9, one, 0, 900), (2, two, 0, 100)],
            1,
            &[pe],
        ),
        (
            "9 is below 10",
            &[(10, one, 1, 900), (9, two, 1, 100)],
            1,
            &[pe],
        ),
        (
            "the highest sequence number first",
            &[(9, one, 4, 100), (2, two, 3, 900)],
            0,
            &[Step::MacMobility],
        ),
        (
            "between PEs of one segment nothing of the kind is said",
            &[(9, one, 3, 900), (2, one, 3, 100)],
            0,
            &[Step::LocalPref],
        ),
        (
            "single-homed sites are segments of their own (section 5)",
            &[(9, single, 3, 900), (2, single, 3, 100)],
            1,
            &[pe],
        ),
        (
            "the segment of the lowest PE, and of it the preferred path",
            &[(9, one, 3, 900), (5, two, 3, 500), (2, one, 3, 100)],
            0,
            &[pe, Step::LocalPref],
        ),
        (
            "a PE that moved away earlier has no say",
            &[(9, one, 3, 900), (5, two, 3, 500), (2, one, 2, 100)],
            1,
            &[pe, Step::MacMobility],
        ),
    ];
    for (name, paths, best, lost) in cases {
        // In whatever order they come, and whatever was there before.
        for turn in 0..paths.len() {
            let mut rr = Reflector::with(&[CLIENT; 3]);
            for at in (0..paths.len()).map(|at| (at + turn) % paths.len()) {
                let (host, esi, sequence, local_pref) = paths[at];
                let moved = format!("0x06000000000000{sequence:02x}");
                let moved = [moved.as_str()];
                let hop = format!("198.51.100.{host}");
                let mut editor = AttrEditor::new();
                let communities = if sequence == 0 { &[][..] } else { &moved };
                editor.load(attrs(&hop, communities).as_ref());
                editor.set_local_pref(Some(local_pref));
                let detail = EvpnDetail::Mac {
                    esi,
                    label: Label::from_raw(10_000),
                    second: None,
                };
                rr.announce(at, editor.finish(), &[(PathId(0), mac_ip(1), detail)]);
            }
            let explained = rr.rib.explain(RouteKey::Evpn(mac_ip(1))).unwrap();
            let (row, reason) = &explained.paths[0];
            assert!(reason.loss().is_none(), "{name}");
            let hop = row.attrs.as_ref().next_hop().unwrap().to_string();
            assert_eq!(
                hop,
                format!("198.51.100.{}", paths[best].0),
                "{name}, {turn}"
            );
            let mut by: Vec<_> = explained
                .paths
                .iter()
                .filter_map(|(_, reason)| reason.loss().map(|loss| loss.step))
                .collect();
            let mut lost = lost.to_vec();
            by.sort();
            lost.sort();
            assert_eq!(by, lost, "{name}, {turn}");
        }
    }
}

/// RFC 9252 §7: "The path having any such Prefix-SID attribute without any valid SRv6 SID information MUST be considered ineligible
/// during the selection of the best path".
#[test]
fn a_path_of_an_srv6_service_needs_a_sid() {
    // RFC 9252 §2, §3.1, §3.2.1: End.DT46 at 2001:db8:1:2::, 16 bits of locator node, `bits` in the label field from the 64th on.
    let service = |bits: u8| {
        let offset = if bits == 0 { 0 } else { 64 };
        let sid = [0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
        let structure = [1, 0, 6, 48, 16, 24, 0, bits, offset];
        let information = [&[0][..], &sid, &[0, 0, 20, 0], &structure].concat();
        [&[5, 0, 34, 0, 1, 0, 30][..], &information].concat()
    };
    let prefix = vpn("65000:1:10.0.0.0/8");
    for (name, value, eligible) in [
        ("no SID", vec![5, 0, 1, 0], false),
        ("no bits in the label", service(0), true),
        ("20 bits in the label", service(20), true),
        ("more bits than the label has", service(21), false),
        ("no service", vec![1, 0, 7, 0, 0, 0, 0, 0, 0, 9], true),
    ] {
        let mut rr = Reflector::with(&[CLIENT, CLIENT, CLIENT]);
        let mut editor = AttrEditor::new();
        editor.load(attrs("198.51.100.1", &[]).as_ref());
        editor.set_local_pref(Some(900));
        editor.set_value(AttrCode::PREFIX_SID, &value).unwrap();
        let label = Label::from_raw(0x00_10_01);
        rr.announce(0, editor.finish(), &[(PathId(0), prefix, label)]);
        assert_eq!(rr.holds(2).len(), usize::from(eligible), "{name}");
        rr.announce(
            1,
            attrs("198.51.100.2", &[]).as_ref(),
            &[(PathId(0), prefix, label)],
        );
        let explained = rr.rib.explain(RouteKey::VpnV4(prefix)).unwrap();
        let (best, _) = &explained.paths[0];
        let hop = best.attrs.as_ref().next_hop().unwrap().to_string();
        let expected = if eligible {
            "198.51.100.1"
        } else {
            "198.51.100.2"
        };
        assert_eq!(hop, expected, "{name}");
        let refused = explained
            .paths
            .iter()
            .any(|(row, _)| row.ineligible == Some(Ineligible::NoServiceSid));
        assert_eq!(refused, !eligible, "{name}");
    }
    // The field is wider in EVPN.
    let mut rr = Reflector::with(&[CLIENT, CLIENT]);
    let mut editor = AttrEditor::new();
    editor.load(attrs("198.51.100.1", &[]).as_ref());
    editor
        .set_value(AttrCode::PREFIX_SID, &service(21))
        .unwrap();
    rr.announce(
        0,
        editor.finish(),
        &[(PathId(0), mac_ip(1), EvpnDetail::default())],
    );
    assert_eq!(rr.holds(1).len(), 1);
}

/// RFC 7432 §7.2: labels and the Ethernet segment are "not part of the prefix", so they change in place.
#[test]
fn an_evpn_route_changes_its_labels_in_place() {
    let mut rr = Reflector::with(&[CLIENT, CLIENT]);
    let set = attrs("198.51.100.1", &["rt:65000:1"]);
    let esi: Esi = "00:01:02:03:04:05:06:07:08:09".parse().unwrap();
    for label in [Label::from_raw(10_000), Label::from_raw(10_001)] {
        let detail = EvpnDetail::Mac {
            esi,
            label,
            second: None,
        };
        rr.announce(0, set.as_ref(), &[(PathId(0), mac_ip(1), detail)]);
        let (told, _) = &rr.clients[1].holds[&mac_ip(1).to_string()];
        assert_eq!(*told, format!("{detail:?}"));
    }
    assert_eq!((rr.holds(1).len(), rr.rib.counts().paths()), (1, 1));
    let rows = |query: &RowQuery| rr.rib.rows(query, None, 10).rows.len();
    let kind = |kind| RowQuery {
        kind: Some(kind),
        ..RowQuery::default()
    };
    assert_eq!(
        (
            rows(&kind(EvpnKind::MacIp)),
            rows(&kind(EvpnKind::IpPrefix))
        ),
        (1, 0)
    );
    let rd = |number| RowQuery {
        rd: RouteDistinguisher::from_as(US, number),
        ..RowQuery::default()
    };
    assert_eq!((rows(&rd(1)), rows(&rd(2))), (1, 0));
    rr.withdraw(0, &[(PathId(0), mac_ip(1))]);
    assert!(rr.holds(1).is_empty());
}
