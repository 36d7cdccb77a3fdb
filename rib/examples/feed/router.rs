//! A router without sockets: neighbours that send, and one export group of them all and a listener.

use crate::feed::{Feed, Prefix};
use bgp_wire::*;
use rib::*;
use std::sync::Arc;

pub(crate) struct Router {
    pub(crate) rib: Rib,
    exporter: Exporter,
    inbounds: Vec<Inbound>,
    contexts: Vec<SessionContext>,
    queues: Vec<Arc<MemberQueue>>,
    scratch: AttrScratch,
}

const LOCAL_AS: Asn = Asn(65_000);

impl Router {
    pub(crate) fn new<N: Prefix>(feeds: &[Feed]) -> Self {
        let rib = Rib::new(RibConfig {
            shards: 2,
            local_as: LOCAL_AS,
            router_id: RouterId(1),
            cluster_id: None,
            selection: Selection {
                decision: DecisionConfig::default(),
                max_paths: 1,
                require_reachable: false,
            },
            next_hops: Arc::new(AllReachable),
        });
        let mut exporter = Exporter::new(&rib, Arc::new(()));
        let key = GroupKey {
            rules: ExportRules {
                audience: Audience::Ebgp,
                local_as: LOCAL_AS,
                cluster_id: RouterId(1),
                own_ipv4: Some(NextHop::V4([10, 0, 0, 200].into())),
                own_ipv6: Some(NextHop::V6("2001:db8::200".parse().expect("an address"))),
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
            },
            families: [FamilyExport {
                family: N::FAMILY,
                encoding: Encoding {
                    asn4: true,
                    add_path: false,
                    max_message: 4096,
                    mp_ipv4: false,
                },
                add_path: 0,
            }]
            .into_iter()
            .collect(),
        };
        let mut inbounds = Vec::new();
        let mut contexts = Vec::new();
        let mut queues = Vec::new();
        for peer in 0..=feeds.len() as u32 {
            let asn = feeds
                .get(peer as usize)
                .map_or(Asn(64_999), |feed| feed.asn);
            let info = PeerInfo {
                name: format!("peer-{peer}").into(),
                address: (0x0a00_0001 + peer).to_be_bytes().into(),
                kind: SourceKind::Ebgp,
                asn,
                router_id: RouterId(100 + peer),
                link: 0,
                one_hop: false,
                long_lived: false,
                allow_as_in: 0,
                rules: ImportRules::default(),
                import: RoutePolicy::AcceptAll,
            };
            let idx = rib.add_peer(info).expect("room for a peer");
            let queue = Arc::new(MemberQueue::new(Arc::new(())));
            exporter.join(&rib, idx, key.clone(), Arc::clone(&queue));
            inbounds.push(Inbound::new(idx));
            contexts.push(SessionContext::new(LOCAL_AS, asn));
            queues.push(queue);
        }
        let mut router = Self {
            rib,
            exporter,
            inbounds,
            contexts,
            queues,
            scratch: AttrScratch::default(),
        };
        router.export(&mut 0, &mut 0);
        assert_eq!(router.exporter.groups(), 1);
        router
    }

    /// One read of the socket of a peer.
    pub(crate) fn receive(&mut self, peer: usize, bytes: &[u8]) {
        let (inbound, ctx) = (&mut self.inbounds[peer], &self.contexts[peer]);
        let mut rest = bytes;
        while let Some((frame, used)) = next_frame(rest, 4096).expect("a good header") {
            let decoded = decode_update(frame.body, ctx, &mut self.scratch).expect("a good UPDATE");
            inbound.update(&self.rib, &decoded, ctx);
            rest = &rest[used..];
        }
        inbound.flush(&self.rib);
    }

    /// Tells everybody what changed, and throws away what they would write to their sockets.
    pub(crate) fn export(&mut self, bytes: &mut usize, messages: &mut usize) {
        loop {
            let progress = self.exporter.drain(&self.rib, 64 * 1024);
            for queue in &self.queues {
                while let Some(chunk) = queue.pop() {
                    *bytes += chunk.bytes.len();
                    *messages += chunk.messages as usize;
                }
            }
            if !progress.more && progress.destinations == 0 {
                break;
            }
        }
    }

    pub(crate) fn peer_down<N: Prefix>(&self, peer: usize) {
        let mut walk = self.rib.peer_down(self.inbounds[peer].peer());
        while !walk.step(&self.rib, 16 * 1024) {}
    }
}
