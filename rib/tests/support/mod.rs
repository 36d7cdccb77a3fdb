//! A table with peers for tests: routes go in as UPDATEs, and what comes out is decoded and replayed into a map, as
//! a peer would.
#![allow(dead_code, reason = "each test file uses its part")]

mod told;

pub(crate) use told::Told;

use bgp_wire::*;
use bytes::BytesMut;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rib::export::{Exported, SourceInfo, export};
use rib::policy::RouteFacts;
use rib::*;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Our AS.
pub(crate) const LOCAL_AS: Asn = Asn(65000);
/// Both families.
pub(crate) const FAMILIES: [Family; 2] = [Family::IPV4_UNICAST, Family::IPV6_UNICAST];

/// A link with nothing on it but its own addresses.
pub(crate) const EMPTY_LINK: u32 = 99;

/// A resolver whose odd next hops can be cut off.
#[derive(Default)]
pub(crate) struct Cut(pub(crate) AtomicBool);

impl NextHopResolver for Cut {
    fn resolve(&self, next_hop: &NextHopKey) -> Resolution {
        let last = match next_hop.address {
            IpAddr::V4(address) => address.octets()[3],
            IpAddr::V6(address) => address.octets()[15],
        };
        if next_hop.link == EMPTY_LINK {
            Resolution::OFF_LINK
        } else if self.0.load(Ordering::Relaxed) && last % 2 == 1 {
            Resolution::UNREACHABLE
        } else {
            Resolution {
                reachable: true,
                metric: metric_of(last),
                off_link: false,
            }
        }
    }
}

/// How far away the next hop with this last octet is: some are as far as others, and may share traffic.
pub(crate) fn metric_of(hop: u8) -> u32 {
    u32::from(hop / 4)
}

/// One neighbour: it sends, and it may be told.
pub(crate) struct Neighbor {
    pub(crate) idx: PeerIdx,
    pub(crate) inbound: Inbound,
    pub(crate) asn: Asn,
    pub(crate) told: Option<Told>,
}

/// A table, its exporter and its neighbours.
pub(crate) struct World {
    pub(crate) rib: Rib,
    pub(crate) exporter: Exporter,
    pub(crate) cut: Arc<Cut>,
    pub(crate) peers: Vec<Neighbor>,
    pub(crate) fib: BTreeMap<IpNet, Vec<(NextHop, PeerIdx)>>,
}

impl World {
    pub(crate) fn new(shards: usize, max_paths: u8) -> Self {
        let cut = Arc::new(Cut::default());
        let rib = Rib::new(RibConfig {
            shards,
            local_as: LOCAL_AS,
            router_id: RouterId(1),
            cluster_id: None,
            selection: Selection {
                decision: DecisionConfig::default(),
                max_paths,
                require_reachable: false,
            },
            next_hops: cut.clone(),
        });
        let exporter = Exporter::new(&rib, Arc::new(()));
        Self {
            rib,
            exporter,
            cut,
            peers: Vec::new(),
            fib: BTreeMap::new(),
        }
    }

    pub(crate) fn add(&mut self, kind: SourceKind, asn: Asn) -> usize {
        let n = self.peers.len() as u32 + 1;
        let info = PeerInfo {
            name: format!("peer-{n}").into(),
            address: IpAddr::from((0x0a00_0000 + n).to_be_bytes()),
            kind,
            asn,
            router_id: RouterId(1000 + n),
            link: 0,
            one_hop: false,
            long_lived: false,
            allow_as_in: 0,
            rules: ImportRules::default(),
            import: RoutePolicy::AcceptAll,
        };
        let idx = self.rib.add_peer(info).expect("room for a peer");
        self.peers.push(Neighbor {
            idx,
            inbound: Inbound::new(idx),
            asn,
            told: None,
        });
        self.peers.len() - 1
    }

    /// What is done to the routes of a peer beside policy, both ways. Before it has sent any.
    pub(crate) fn set_rules(&self, peer: usize, rules: ImportRules) {
        let idx = self.peers[peer].idx;
        let info = PeerInfo {
            rules,
            ..PeerInfo::clone(&self.rib.peer(idx))
        };
        self.rib.update_peer(idx, info);
    }

    /// The key of a peer's group.
    pub(crate) fn key(&self, peer: usize, add_path: u8) -> GroupKey {
        let info = self.rib.peer(self.peers[peer].idx);
        let audience = match info.kind {
            SourceKind::Ebgp => Audience::Ebgp,
            SourceKind::IbgpClient => Audience::IbgpClient,
            _ => Audience::Ibgp,
        };
        let encoding = Encoding {
            asn4: true,
            add_path: add_path > 0,
            max_message: 4096,
            mp_ipv4: false,
        };
        GroupKey {
            rules: ExportRules {
                audience,
                local_as: LOCAL_AS,
                cluster_id: RouterId(1),
                own_ipv4: Some(NextHop::V4([10, 0, 0, 200].into())),
                own_ipv6: Some(NextHop::V6("2001:db8::200".parse().unwrap())),
                ipv6_next_hops: FamilySet::EMPTY,
                wanted: None,
                asks_for_everything: false,
                router_id: RouterId(1),
                next_hop_self: false,
                graceful_shutdown: info.rules.graceful_shutdown,
                role: info.rules.role,
                long_lived: true,
                as_path: AsPathRules::default(),
                policy: RoutePolicy::AcceptAll,
            },
            families: FAMILIES
                .iter()
                .map(|&family| FamilyExport {
                    family,
                    encoding: encoding.clone(),
                    add_path,
                })
                .collect(),
        }
    }

    pub(crate) fn join(&mut self, peer: usize, add_path: u8) {
        self.join_with(peer, add_path, MemberQueue::HIGH);
    }

    /// Joins with a queue that is full at `high` bytes.
    pub(crate) fn join_with(&mut self, peer: usize, add_path: u8, high: usize) {
        let key = self.key(peer, add_path);
        self.join_as(peer, key, high);
    }

    /// Joins as a member of the group with this key.
    pub(crate) fn join_as(&mut self, peer: usize, key: GroupKey, high: usize) {
        let queue = Arc::new(MemberQueue::with_limit(Arc::new(()), high));
        let idx = self.peers[peer].idx;
        self.exporter
            .join(&self.rib, idx, key.clone(), queue.clone());
        self.peers[peer].told = Some(Told {
            queue,
            key,
            routes: BTreeMap::new(),
            ends: BTreeSet::new(),
            refreshed: BTreeSet::new(),
            refreshing: BTreeSet::new(),
            messages: 0,
        });
    }

    pub(crate) fn leave(&mut self, peer: usize) {
        let idx = self.peers[peer].idx;
        self.exporter.leave(&self.rib, idx);
        self.peers[peer].told = None;
    }

    /// Sends an UPDATE with these attributes from a peer. Not flushed.
    pub(crate) fn announce(
        &mut self,
        peer: usize,
        nets: &[IpNet],
        path_id: u32,
        attrs: AttrRef<'_>,
    ) {
        let nlri: Vec<_> = nets.iter().map(|&net| (path_id, net)).collect();
        self.send(peer, path_id != 0, |out, encoding, family| {
            each_family(family, &nlri, |(v4, v6)| {
                if !v4.is_empty() {
                    let fitted =
                        encode_announce(out, family, encoding, attrs, v4).expect("it fits");
                    assert_eq!(fitted, v4.len());
                }
                if !v6.is_empty() {
                    let fitted =
                        encode_announce(out, family, encoding, attrs, v6).expect("it fits");
                    assert_eq!(fitted, v6.len());
                }
            });
        });
    }

    pub(crate) fn withdraw(&mut self, peer: usize, nets: &[IpNet], path_id: u32) {
        let nlri: Vec<_> = nets.iter().map(|&net| (path_id, net)).collect();
        self.send(peer, path_id != 0, |out, encoding, family| {
            each_family(family, &nlri, |(v4, v6)| {
                if !v4.is_empty() {
                    assert_eq!(encode_withdraw(out, family, encoding, v4), v4.len());
                }
                if !v6.is_empty() {
                    assert_eq!(encode_withdraw(out, family, encoding, v6), v6.len());
                }
            });
        });
    }

    fn send(
        &mut self,
        peer: usize,
        add_path: bool,
        write: impl Fn(&mut BytesMut, &Encoding, Family),
    ) {
        let neighbor = &mut self.peers[peer];
        let mut ctx = SessionContext::new(LOCAL_AS, neighbor.asn);
        if add_path {
            ctx.add_path_receive = FamilySet::from(FAMILIES);
        }
        let encoding = Encoding {
            asn4: true,
            add_path,
            max_message: 4096,
            mp_ipv4: false,
        };
        for family in FAMILIES {
            let mut out = BytesMut::new();
            write(&mut out, &encoding, family);
            if !out.is_empty() {
                let mut scratch = AttrScratch::default();
                let decoded = decode_update(&out[19..], &ctx, &mut scratch).expect("a good UPDATE");
                assert_eq!(
                    decoded.disposition,
                    Disposition::None,
                    "{:?}",
                    decoded.findings
                );
                neighbor.inbound.update(&self.rib, &decoded, &ctx);
            }
        }
    }

    pub(crate) fn flush(&mut self, peer: usize) -> Flushed {
        self.peers[peer].inbound.flush(&self.rib)
    }

    pub(crate) fn peer_down(&mut self, peer: usize) -> usize {
        self.peers[peer].inbound.discard();
        self.rib.peer_down(self.peers[peer].idx).finish(&self.rib)
    }

    /// The session of a peer ends, and in the next one it says to be another: a client or none, with another identifier.
    pub(crate) fn reidentify(&mut self, peer: usize, client: bool, id: u32) {
        self.leave(peer);
        self.peer_down(peer);
        let idx = self.peers[peer].idx;
        let mut info = PeerInfo::clone(&self.rib.peer(idx));
        if info.kind != SourceKind::Ebgp {
            info.kind = if client {
                SourceKind::IbgpClient
            } else {
                SourceKind::Ibgp
            };
        }
        info.router_id = RouterId(1001 + peer as u32 + 100 * id);
        let idx = self.rib.update_peer(idx, info);
        self.peers[peer].idx = idx;
        self.peers[peer].inbound = Inbound::new(idx);
    }

    /// Drains and receives until nothing more comes.
    pub(crate) fn settle(&mut self) {
        loop {
            let progress = self.exporter.drain(&self.rib, 10_000);
            let mut received = false;
            for told in self.peers.iter_mut().filter_map(|peer| peer.told.as_mut()) {
                received |= !told.queue.is_empty();
                told.receive();
            }
            self.drain_fib(usize::MAX);
            if !progress.more && progress.destinations == 0 && !received {
                break;
            }
        }
    }

    pub(crate) fn drain_fib(&mut self, n: usize) {
        let mut changes = Vec::new();
        self.rib.drain_fib(n, &mut changes);
        for change in changes {
            if change.paths.is_empty() {
                self.fib.remove(&change.prefix);
            } else {
                let paths = change
                    .paths
                    .iter()
                    .map(|path| (path.next_hop, path.peer))
                    .collect();
                self.fib.insert(change.prefix, paths);
            }
        }
    }

    /// All rows in order.
    pub(crate) fn rows(&self) -> Vec<Row> {
        let page = self.rib.rows(&RowQuery::default(), None, 1);
        assert!(page.sorted && page.next.is_none());
        page.rows
    }

    /// What a peer should have been told, from the table as it is.
    pub(crate) fn expected(&self, peer: usize) -> BTreeMap<(IpNet, u32), AttrSet> {
        let told = self.peers[peer]
            .told
            .as_ref()
            .expect("the peer is told things");
        let mut expected = BTreeMap::new();
        for row in self
            .rows()
            .into_iter()
            .filter(|row| row.best && row.peer != self.peers[peer].idx)
        {
            let info = self.rib.peer(row.peer);
            let source = SourceInfo::of(&info);
            let mut editor = AttrEditor::new();
            let family = FAMILIES[usize::from(matches!(row.route.net().unwrap(), IpNet::V6(_)))];
            if let Exported::Announce(attrs) = export(
                row.attrs.as_ref(),
                &source,
                family,
                Some(&facts(row.route)),
                &told.key.rules,
                &mut editor,
            ) {
                expected.insert((row.route.net().unwrap(), 0), attrs.to_set());
            }
        }
        expected
    }

    /// What an ADD-PATH peer should have been told of each prefix, by the decision alone: the best path, the best of the
    /// others, and so on, `n` in all; of these not its own. The path ids are the table's to choose.
    pub(crate) fn expected_of_several(
        &self,
        peer: usize,
        n: usize,
    ) -> BTreeMap<IpNet, Vec<AttrSet>> {
        let told = self.peers[peer]
            .told
            .as_ref()
            .expect("the peer is told things");
        let metrics: BTreeMap<String, u32> = self
            .rib
            .next_hops()
            .into_iter()
            .map(|(key, resolution)| (key.to_string(), resolution.metric))
            .collect();
        let mut expected = BTreeMap::new();
        for rows in self
            .rows()
            .chunk_by(|a, b| a.route.net().unwrap() == b.route.net().unwrap())
        {
            let infos: Vec<_> = rows.iter().map(|row| self.rib.peer(row.peer)).collect();
            let keys: Vec<_> = rows
                .iter()
                .map(|row| decision::DecisionKey::of(row.attrs.as_ref()))
                .collect();
            let mut left: Vec<usize> = (0..rows.len()).collect();
            let mut sets = Vec::new();
            for _ in 0..n {
                let candidates: Vec<_> = left
                    .iter()
                    .map(|&at| {
                        let (row, info) = (&rows[at], &infos[at]);
                        let hop = row.attrs.as_ref().next_hop();
                        decision::Candidate {
                            key: &keys[at],
                            attrs: row.attrs.as_ref(),
                            kind: info.kind,
                            asn: info.asn,
                            router_id: info.router_id,
                            address: info.address,
                            name: &info.name,
                            path_id: row.path_id,
                            next_hop: at as u32,
                            least_preferred: info.long_lived && keys[at].is_llgr_stale,
                            mobility: 0,
                            lowest_pe: None,
                            igp_metric: hop.filter(|_| !row.peer.is_local()).map_or(0, |hop| {
                                let scope = info.next_hop_scope(row.route.family());
                                metrics[&NextHopKey::of(hop, scope).to_string()]
                            }),
                            ineligible: row.ineligible,
                        }
                    })
                    .collect();
                let Some(best) = decision::select(&candidates, &self.rib.selection().decision)
                else {
                    break;
                };
                let row = &rows[left.swap_remove(best)];
                if row.peer == self.peers[peer].idx {
                    continue;
                }
                let info = self.rib.peer(row.peer);
                let source = SourceInfo::of(&info);
                let mut editor = AttrEditor::new();
                let (attrs, rules) = (row.attrs.as_ref(), &told.key.rules);
                if let Exported::Announce(set) = export(
                    attrs,
                    &source,
                    family_of(row.route.net().unwrap()),
                    Some(&facts(row.route)),
                    rules,
                    &mut editor,
                ) {
                    sets.push(set.to_set());
                }
            }
            if !sets.is_empty() {
                sets.sort_by(|a, b| a.as_ref().as_bytes().cmp(b.as_ref().as_bytes()));
                expected.insert(rows[0].route.net().unwrap(), sets);
            }
        }
        expected
    }

    /// Panics unless a quiet peer has exactly what it should have.
    pub(crate) fn check_told(&self, peer: usize) {
        let told = self.peers[peer]
            .told
            .as_ref()
            .expect("the peer is told things");
        assert!(told.queue.is_empty());
        assert!(told.refreshing.is_empty());
        assert_eq!(
            told.ends.len(),
            told.key.families.len(),
            "End-of-RIB for each family"
        );
        let idx = self.peers[peer].idx;
        let n = usize::from(told.key.families[0].add_path);
        if n == 0 {
            assert_eq!(
                told.routes,
                self.expected(peer),
                "what peer {peer} was told"
            );
        } else {
            let mut several: BTreeMap<IpNet, Vec<AttrSet>> = BTreeMap::new();
            for ((net, _), set) in told.clone_routes() {
                several.entry(net).or_default().push(set);
            }
            for sets in several.values_mut() {
                sets.sort_by(|a, b| a.as_ref().as_bytes().cmp(b.as_ref().as_bytes()));
            }
            assert_eq!(
                several,
                self.expected_of_several(peer, n),
                "what ADD-PATH peer {peer} was told"
            );
        }
        let rows = self
            .rib
            .adj_out_rows(idx, &RowQuery::default(), None, 1)
            .rows;
        let rows: BTreeMap<_, _> = rows
            .into_iter()
            .map(|row| ((row.route.net().unwrap(), row.path_id.0), row.attrs))
            .collect();
        assert_eq!(
            told.routes, rows,
            "what the table says that peer {peer} was told"
        );
        for family in FAMILIES {
            let of_family = |net: &IpNet| matches!(net, IpNet::V6(_)) == (family == FAMILIES[1]);
            let n = told.routes.keys().filter(|(net, _)| of_family(net)).count();
            assert_eq!(
                self.rib.advertised(idx, family) as usize,
                n,
                "routes counted for peer {peer}"
            );
        }
    }
}

type Split<'a> = (&'a [(PathId, Ipv4Net)], &'a [(PathId, Ipv6Net)]);

fn each_family(family: Family, nlri: &[(u32, IpNet)], write: impl FnOnce(Split<'_>)) {
    let mut v4 = Vec::new();
    let mut v6 = Vec::new();
    for &(id, net) in nlri {
        match net {
            IpNet::V4(net) if family == FAMILIES[0] => v4.push((PathId(id), net)),
            IpNet::V6(net) if family == FAMILIES[1] => v6.push((PathId(id), net)),
            _ => {}
        }
    }
    write((&v4, &v6));
}

/// A set as an external peer of `asn` would send it for `family`.
pub(crate) fn set(
    family: Family,
    asn: Asn,
    hop: u8,
    change: impl FnOnce(&mut AttrEditor),
) -> AttrSet {
    let mut editor = AttrEditor::new();
    editor.set_origin(Origin::Igp);
    editor.set_as_path(&[asn]);
    editor.set_next_hop(if family == FAMILIES[0] {
        NextHop::V4([10, 0, 0, hop].into())
    } else {
        NextHop::V6(std::net::Ipv6Addr::new(
            0x2001,
            0xdb8,
            0,
            0,
            0,
            0,
            0,
            u16::from(hop),
        ))
    });
    change(&mut editor);
    editor.to_set()
}

/// The nth prefix: even ones IPv4, odd ones IPv6.
pub(crate) fn net(n: u32) -> IpNet {
    if n.is_multiple_of(2) {
        IpNet::V4(Ipv4Net::new((0x1000_0000 + (n << 8)).into(), 24).unwrap())
    } else {
        let address = (0x2a00_u128 << 112) | (u128::from(n) << 80);
        IpNet::V6(Ipv6Net::new(address.into(), 48).unwrap())
    }
}

/// The family of a prefix.
pub(crate) fn family_of(net: IpNet) -> Family {
    FAMILIES[usize::from(matches!(net, IpNet::V6(_)))]
}

/// What policies are asked about a route without a label.
pub(crate) fn facts(key: RouteKey) -> RouteFacts {
    RouteFacts { key, label: None }
}
