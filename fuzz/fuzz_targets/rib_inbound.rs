//! UPDATEs of three peers into a table and out of it again. After every script, who is told holds as many routes as the
//! table says it was told; and when all peers are gone, nothing is left anywhere.
#![no_main]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bgp_fuzz::{Input, LOCAL_AS, PEER_AS, families, session, with_bounded_memory};
use bgp_wire::{
    Asn, AttrScratch, AttrSet, Disposition, Encoding, Family, MessageType, NextHop, NlriBlock,
    Role, RouterId, SessionContext, decode_update, next_frame,
};
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;
use rib::{
    AllReachable, AsPathRules, Audience, Ceiling, DecisionConfig, ExportRules, Exporter,
    FamilyExport, GroupKey, ImportRules, Inbound, LocalAs, MemberQueue, PeerIdx, PeerInfo, Rib,
    RibConfig, RoutePolicy, RowQuery, Selection, SourceKind,
};

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let mut world = World::new(input.octet());
    while !input.is_empty() {
        world.step(&mut input);
    }
    world.settle();
    for peer in 0..PEERS {
        world.down(peer);
    }
    world.settle();
    assert!(world.listener.routes.is_empty());
    // A next hop that nobody uses is kept for two sweeps, in case it comes back.
    for _ in 0..3 {
        world.rib.sweep();
    }
    let left = world.rib.counts();
    assert_eq!((left.paths(), left.destinations()), (0, 0));
    assert_eq!((left.sets, left.next_hops), (0, 0));
});

const PEERS: usize = 3;
/// External, internal and a client of ours: the second octet of a session's choice that fits the peer.
const KINDS: [(SourceKind, Asn, u8); PEERS] = [
    (SourceKind::Ebgp, PEER_AS, 0),
    (SourceKind::Ibgp, LOCAL_AS, 2),
    (SourceKind::IbgpClient, LOCAL_AS, 2),
];

struct World {
    rib: Rib,
    exporter: Exporter,
    inbound: Vec<Inbound>,
    indices: Vec<PeerIdx>,
    sessions: Vec<SessionContext>,
    listener: Listener,
    /// Octets of UPDATEs so far: tables grow with all of them.
    heard: usize,
    fib: BTreeMap<IpNet, usize>,
    /// No peer may have more paths than the ceilings say.
    limited: bool,
}

/// For all peers, if at all.
const CEILINGS: [Ceiling; 2] = [
    Ceiling {
        family: Family::IPV4_UNICAST,
        most: 3,
        after_policy: false,
    },
    Ceiling {
        family: Family::IPV6_UNICAST,
        most: 2,
        after_policy: true,
    },
];

/// What is done to the routes of a peer on the way in.
fn rules(which: u8, kind: SourceKind) -> ImportRules {
    let external = kind == SourceKind::Ebgp;
    let role = match which {
        1 => Some(Role::PROVIDER),
        2 => Some(Role::PEER),
        3 => Some(Role::CUSTOMER),
        _ => None,
    };
    ImportRules {
        role: role.filter(|_| external),
        graceful_shutdown: which == 4,
        local_as: (external && which == 5).then_some(LocalAs {
            asn: Asn(64_999),
            prepend: true,
        }),
    }
}

/// A route reflector client that only listens.
struct Listener {
    idx: PeerIdx,
    queue: Arc<MemberQueue>,
    add_path: bool,
    routes: BTreeMap<(IpNet, u32), AttrSet>,
}

impl World {
    fn new(choice: u8) -> Self {
        let rib = Rib::new(RibConfig {
            shards: 1 << (choice & 1),
            local_as: LOCAL_AS,
            router_id: RouterId(1),
            cluster_id: None,
            selection: Selection {
                decision: DecisionConfig::default(),
                max_paths: 1 + (choice >> 1 & 3),
                require_reachable: false,
            },
            next_hops: Arc::new(AllReachable),
        });
        rib.open_fib_reader(Arc::new(()), None);
        let peer = |host: u8, kind, asn| PeerInfo {
            name: format!("peer-{host}").into(),
            address: [10, 0, 0, host].into(),
            kind,
            asn,
            router_id: RouterId(100 + u32::from(host)),
            link: 1,
            one_hop: true,
            long_lived: true,
            allow_as_in: 0,
            rules: rules(choice >> 5, kind),
            import: RoutePolicy::AcceptAll,
        };
        let mut indices = Vec::new();
        for (host, (kind, asn, _)) in (1u8..).zip(KINDS) {
            indices.push(rib.add_peer(peer(host, kind, asn)).expect("room"));
        }
        let add_path = choice >> 3 & 1 == 1;
        let listener = Listener {
            idx: rib
                .add_peer(peer(9, SourceKind::IbgpClient, LOCAL_AS))
                .expect("room"),
            queue: Arc::new(MemberQueue::new(Arc::new(()))),
            add_path,
            routes: BTreeMap::new(),
        };
        let key = GroupKey {
            rules: ExportRules {
                audience: Audience::IbgpClient,
                local_as: LOCAL_AS,
                cluster_id: RouterId(1),
                own_ipv4: Some(NextHop::V4([10, 0, 0, 200].into())),
                own_ipv6: Some(NextHop::V6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 1].into())),
                ipv6_next_hops: bgp_wire::FamilySet::from([Family::IPV4_UNICAST]),
                wanted: None,
                asks_for_everything: false,
                router_id: RouterId(1),
                long_lived: choice & 1 == 1,
                next_hop_self: choice >> 4 & 1 == 1,
                graceful_shutdown: choice >> 5 == 6,
                role: None,
                as_path: AsPathRules::default(),
                policy: RoutePolicy::AcceptAll,
            },
            families: families()
                .iter()
                .map(|family| FamilyExport {
                    family,
                    encoding: Encoding {
                        asn4: true,
                        add_path,
                        max_message: 65535,
                        mp_ipv4: true,
                    },
                    add_path: if add_path { 2 } else { 0 },
                })
                .collect(),
        };
        let mut exporter = Exporter::new(&rib, Arc::new(()));
        exporter.join(&rib, listener.idx, key, Arc::clone(&listener.queue));
        let sessions = KINDS
            .iter()
            .map(|(_, _, kind)| SessionContext {
                // Longer than what the listener takes in would be dropped on the way out, and rightly.
                max_message: 4096,
                ..session(choice & 0x10 | kind | 0x60)
            })
            .collect();
        let inbound = indices.iter().map(|idx| {
            let mut inbound = Inbound::new(*idx);
            if choice >> 5 == 7 {
                inbound.set_ceilings(CEILINGS);
            }
            inbound
        });
        Self {
            inbound: inbound.collect(),
            limited: choice >> 5 == 7,
            rib,
            exporter,
            indices,
            sessions,
            listener,
            heard: 0,
            fib: BTreeMap::new(),
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let choice = input.octet();
        let peer = usize::from(choice >> 4) % PEERS;
        match choice & 15 {
            0..=9 => {
                let length = usize::from(input.number()).min(4096 - 19);
                let body = input.octets(length);
                let mut scratch = AttrScratch::new();
                let ctx = &self.sessions[peer];
                self.heard += body.len();
                match with_bounded_memory(body.len(), || decode_update(body, ctx, &mut scratch)) {
                    Ok(decoded) => with_bounded_memory(self.heard, || {
                        self.inbound[peer].update(&self.rib, &decoded, ctx);
                    }),
                    // The session ends.
                    Err(_) => self.down(peer),
                }
            }
            10 | 11 => with_bounded_memory(self.heard, || {
                self.inbound[peer].flush(&self.rib);
            }),
            12 => {
                self.exporter.drain(&self.rib, 2);
                self.listener.receive();
            }
            13 => self.down(peer),
            14 => {
                let which = input.octet();
                let family = if which & 1 == 0 {
                    Family::IPV4_UNICAST
                } else {
                    Family::IPV6_UNICAST
                };
                let inbound = &mut self.inbound[peer];
                match which >> 1 & 3 {
                    0 | 1 => inbound.mark_stale(&self.rib, family),
                    2 => inbound.keep_for_long(&self.rib, family),
                    _ => inbound.sweep_stale(&self.rib, family),
                }
                .finish(&self.rib);
            }
            _ => self.settle(),
        }
    }

    fn down(&mut self, peer: usize) {
        self.inbound[peer].discard();
        let families: Vec<_> = families().iter().collect();
        self.rib.peer_down(self.indices[peer]).finish(&self.rib);
        for family in families {
            let counts = self.rib.peer_counts(self.indices[peer], family);
            assert_eq!((counts.received, counts.accepted, counts.stale), (0, 0, 0));
        }
    }

    /// Everything that waits is done, and all sides agree.
    fn settle(&mut self) {
        for inbound in &mut self.inbound {
            inbound.flush(&self.rib);
        }
        let mut turns = 0;
        while self.exporter.drain(&self.rib, 1000).more {
            self.listener.receive();
            turns += 1;
            assert!(turns < 1000, "the exporter never finishes");
        }
        self.listener.receive();
        for peer in self.indices.iter().filter(|_| self.limited) {
            for ceiling in CEILINGS {
                let counts = self.rib.peer_counts(*peer, ceiling.family);
                let has = match ceiling.after_policy {
                    true => counts.accepted,
                    false => counts.received,
                };
                assert!(has <= ceiling.most, "{ceiling:?}: {counts:?}");
            }
        }
        if self.exporter.stats().oversized == 0 {
            for family in families().iter() {
                let told = self
                    .listener
                    .routes
                    .keys()
                    .filter(|(net, _)| family_of(net) == family)
                    .count();
                let advertised = self.rib.advertised(self.listener.idx, family);
                assert_eq!(Ok(advertised), u32::try_from(told), "{family}");
            }
        }
        let mut changes = Vec::new();
        while self.rib.drain_fib(64, &mut changes) {}
        for change in changes {
            if change.paths.is_empty() {
                self.fib.remove(&change.prefix);
            } else {
                self.fib.insert(change.prefix, change.paths.len());
            }
        }
        // A best path for each prefix of the forwarding table, and the other way round.
        let query = RowQuery {
            best: true,
            ..RowQuery::default()
        };
        let rows = self.rib.rows(&query, None, usize::MAX).rows;
        // What a peer asks for by route target (RFC 4684) is forwarded nowhere.
        let best = rows.iter().filter_map(|row| row.route.net());
        let best: BTreeSet<IpNet> = best.collect();
        assert!(best.iter().eq(self.fib.keys()), "{best:?}, {:?}", self.fib);
    }
}

fn family_of(net: &IpNet) -> Family {
    match net {
        IpNet::V4(_) => Family::IPV4_UNICAST,
        IpNet::V6(_) => Family::IPV6_UNICAST,
    }
}

impl Listener {
    /// Takes in all that waits, as the peer would.
    fn receive(&mut self) {
        let mut ctx = session(0x22);
        ctx.max_message = 65535;
        ctx.accept_as_set = true;
        if self.add_path {
            ctx.add_path_receive = families();
        }
        while let Some(chunk) = self.queue.pop() {
            let mut rest = &chunk.bytes[..];
            while !rest.is_empty() {
                let (frame, used) = next_frame(rest, 65535)
                    .expect("a good header")
                    .expect("a whole message");
                rest = &rest[used..];
                assert_eq!(frame.kind, MessageType::Update);
                self.update(frame.body, &ctx);
            }
        }
    }

    fn update(&mut self, body: &[u8], ctx: &SessionContext) {
        let mut scratch = AttrScratch::new();
        let decoded = decode_update(body, ctx, &mut scratch).expect("an UPDATE of ours is good");
        assert!(
            decoded.disposition < Disposition::TreatAsWithdraw,
            "{:?}",
            decoded.findings
        );
        let update = decoded.update;
        let gone = [Some(update.withdrawn), update.unreach.map(|one| one.nlri)];
        for block in gone.into_iter().flatten() {
            for key in keys(&block) {
                let had = self.routes.remove(&key).is_some();
                assert!(had, "withdrawn without being told: {key:?}");
            }
        }
        let there = [
            Some((update.announced, update.attrs)),
            update
                .reach
                .zip(update.mp_attrs)
                .map(|(reach, attrs)| (reach.nlri, attrs)),
        ];
        for (block, attrs) in there.into_iter().flatten() {
            for key in keys(&block) {
                self.routes.insert(key, attrs.to_set());
            }
        }
    }
}

fn keys(block: &NlriBlock<'_>) -> Vec<(IpNet, u32)> {
    if block.family == Family::IPV4_UNICAST {
        block
            .iter_v4()
            .map(|(id, net)| (net.into(), id.0))
            .collect()
    } else {
        block
            .iter_v6()
            .map(|(id, net)| (net.into(), id.0))
            .collect()
    }
}
