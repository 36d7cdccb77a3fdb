//! A route reflector with clients, which decode what they are told and hold it as text.

use std::collections::BTreeMap;
use std::sync::Arc;

use bgp_wire::{
    Announcement, Asn, AttrEditor, AttrRef, AttrScratch, AttrSet, Encoding, EvpnRoute, Family,
    FamilySet, NextHop, Nlri, NlriBlock, Origin, PathId, RouteDistinguisher, RouteTargetMembership,
    RouterId, SessionContext, Vpn, decode_update, encode_announce, encode_withdraw, next_frame,
};
use bytes::BytesMut;
use ipnet::{Ipv4Net, Ipv6Net};
use rib::{
    AsPathRules, Audience, DecisionConfig, ExportRules, Exporter, FamilyExport, GroupKey, Inbound,
    MemberQueue, NextHopKey, NextHopResolver, PeerIdx, PeerInfo, Resolution, Rib, RibConfig,
    RoutePolicy, RouteTargets, Selection, SourceKind,
};

pub(crate) const US: Asn = Asn(65000);
pub(crate) const FAMILIES: [Family; 4] = [
    Family::RTC,
    Family::IPV4_VPN,
    Family::IPV6_VPN,
    Family::L2VPN_EVPN,
];

/// Nothing can be reached: a reflector off the path knows no way.
pub(crate) struct Nowhere;

impl NextHopResolver for Nowhere {
    fn resolve(&self, _: &NextHopKey) -> Resolution {
        Resolution::UNREACHABLE
    }
}

pub(crate) struct Client {
    pub(crate) idx: PeerIdx,
    pub(crate) inbound: Inbound,
    pub(crate) queue: Arc<MemberQueue>,
    pub(crate) key: GroupKey,
    /// What it holds: text of the route to text of detail and attributes.
    pub(crate) holds: BTreeMap<String, (String, AttrSet)>,
    /// NLRI announced to it so far, again or not.
    pub(crate) announced: usize,
}

pub(crate) struct Reflector {
    pub(crate) rib: Rib,
    pub(crate) exporter: Exporter,
    pub(crate) clients: Vec<Client>,
}

pub(crate) fn ctx(add_path: bool) -> SessionContext {
    let families = FamilySet::from(FAMILIES);
    SessionContext {
        families,
        extended_next_hop: families,
        add_path_receive: if add_path { families } else { FamilySet::EMPTY },
        ..SessionContext::new(US, US)
    }
}

impl Reflector {
    pub(crate) fn new(require_reachable: bool) -> Self {
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

    pub(crate) fn with(clients: &[SourceKind]) -> Self {
        let mut reflector = Self::new(false);
        for &kind in clients {
            reflector.add(kind, None);
        }
        reflector.settle();
        reflector
    }

    /// Adds a peer. `wanted`: what it asks for, if that was negotiated.
    pub(crate) fn add(&mut self, kind: SourceKind, wanted: Option<RouteTargets>) -> usize {
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
                import: RoutePolicy::AcceptAll,
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
                policy: RoutePolicy::AcceptAll,
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

    pub(crate) fn announce<A: Announcement>(
        &mut self,
        from: usize,
        attrs: AttrRef<'_>,
        nlri: &[A],
    ) {
        let family = A::Nlri::FAMILIES[0];
        let mut out = BytesMut::new();
        let fitted = encode_announce(&mut out, family, &Encoding::default(), attrs, nlri).unwrap();
        assert_eq!(fitted, nlri.len());
        self.hear(from, &out);
    }

    pub(crate) fn withdraw<N: Nlri>(&mut self, from: usize, nlri: &[(PathId, N)]) {
        let mut out = BytesMut::new();
        encode_withdraw(&mut out, N::FAMILIES[0], &Encoding::default(), nlri);
        self.hear(from, &out);
    }

    pub(crate) fn hear(&mut self, from: usize, message: &[u8]) {
        let mut scratch = AttrScratch::new();
        let decoded = decode_update(&message[19..], &ctx(false), &mut scratch).unwrap();
        assert!(decoded.findings.is_empty(), "{:?}", decoded.findings);
        let client = &mut self.clients[from];
        client.inbound.update(&self.rib, &decoded, &ctx(false));
        client.inbound.flush(&self.rib);
        self.settle();
    }

    /// Has everybody told everything.
    pub(crate) fn settle(&mut self) {
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

    pub(crate) fn holds(&self, client: usize) -> Vec<&str> {
        self.clients[client]
            .holds
            .keys()
            .map(String::as_str)
            .collect()
    }

    pub(crate) fn rekey(&mut self, client: usize, wanted: RouteTargets) {
        let client = &mut self.clients[client];
        client.key.rules.wanted = Some(Arc::new(wanted));
        let key = client.key.clone();
        assert!(self.exporter.rekey(&self.rib, client.idx, key));
        self.settle();
    }
}

pub(crate) fn texts(block: &NlriBlock<'_>) -> Vec<(String, String)> {
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

pub(crate) fn next_hop(text: &str) -> NextHop {
    text.parse::<std::net::IpAddr>().unwrap().into()
}

pub(crate) fn attrs(hop: &str, communities: &[&str]) -> AttrSet {
    let mut editor = AttrEditor::new();
    editor.set_next_hop(next_hop(hop));
    editor.set_origin(Origin::Igp);
    editor.set_as_path(&[]);
    editor.set_local_pref(Some(100));
    editor.set_ext_communities(communities.iter().map(|text| text.parse().unwrap()));
    editor.to_set()
}

pub(crate) fn vpn(text: &str) -> Vpn<Ipv4Net> {
    text.parse().unwrap()
}

pub(crate) fn targets(memberships: &[&str]) -> RouteTargets {
    let parse = |text: &&str| text.parse::<RouteTargetMembership>().unwrap();
    memberships.iter().map(parse).collect()
}

pub(crate) const CLIENT: SourceKind = SourceKind::IbgpClient;

/// A MAC/IP route of EVPN.
pub(crate) fn mac_ip(rd: u32) -> EvpnRoute {
    let rd = RouteDistinguisher::from_as(US, rd).unwrap();
    let mac = "00:11:22:33:44:55".parse().unwrap();
    EvpnRoute::mac_ip(rd, 0, mac, Some("10.0.0.1".parse().unwrap()))
}
