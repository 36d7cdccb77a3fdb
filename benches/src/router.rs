//! A table with peers, as benchmarks need it.

use std::hint::black_box;
use std::sync::Arc;

use bgp_wire::{AttrScratch, Family, FamilySet, NextHop, RouterId, decode_update};
use bytes::BytesMut;
use rib::{
    AllReachable, AsPathRules, Audience, DecisionConfig, ExportRules, Exporter, FamilyExport,
    GroupKey, ImportRules, Inbound, MemberQueue, PeerIdx, PeerInfo, Rib, RibConfig, RoutePolicy,
    Selection, SourceKind,
};

use crate::{ENCODING, LOCAL_AS, PEER_AS, Table, context};

/// Messages applied at a time.
const BATCH: usize = 2_000;

/// A table without peers.
pub fn rib() -> Rib {
    Rib::new(RibConfig {
        shards: 2,
        local_as: LOCAL_AS,
        router_id: RouterId(1),
        cluster_id: None,
        selection: Selection {
            decision: DecisionConfig::default(),
            max_paths: 64,
            require_reachable: false,
        },
        next_hops: Arc::new(AllReachable),
    })
}

/// The external peer of a table.
///
/// # Panics
///
/// If there are too many peers.
pub fn peer(rib: &Rib, table: Table, import: RoutePolicy) -> PeerIdx {
    rib.add_peer(PeerInfo {
        name: format!("peer-{}", table.peer).into(),
        address: table.address(),
        kind: SourceKind::Ebgp,
        asn: PEER_AS,
        router_id: RouterId(u32::from(table.peer) + 1),
        link: 0,
        one_hop: false,
        long_lived: false,
        allow_as_in: 0,
        rules: ImportRules::default(),
        import,
    })
    .expect("room for a peer")
}

/// The table takes in these UPDATEs of a peer.
///
/// # Panics
///
/// If they are none.
pub fn take(rib: &Rib, peer: PeerIdx, messages: &[BytesMut]) {
    let context = context(true);
    let mut scratch = AttrScratch::new();
    let mut inbound = Inbound::new(peer);
    for batch in messages.chunks(BATCH) {
        for message in batch {
            let decoded =
                decode_update(&message[19..], &context, &mut scratch).expect("made by us");
            inbound.update(rib, &decoded, &context);
        }
        inbound.flush(rib);
    }
}

/// What an external peer is told of a family.
pub fn group_key(family: Family, policy: RoutePolicy) -> GroupKey {
    GroupKey {
        rules: ExportRules {
            audience: Audience::Ebgp,
            local_as: LOCAL_AS,
            cluster_id: RouterId(1),
            own_ipv4: Some(NextHop::V4([10, 99, 0, 1].into())),
            own_ipv6: Some(NextHop::V6([0xfd99, 0, 0, 0, 0, 0, 0, 1].into())),
            ipv6_next_hops: FamilySet::EMPTY,
            wanted: None,
            asks_for_everything: false,
            router_id: RouterId(1),
            next_hop_self: false,
            graceful_shutdown: false,
            role: None,
            long_lived: true,
            as_path: AsPathRules::default(),
            policy,
        },
        families: std::iter::once(FamilyExport {
            family,
            encoding: ENCODING,
            add_path: 0,
        })
        .collect(),
    }
}

/// A peer is told everything. Returns how many octets that takes.
pub fn tell(rib: &Rib, member: PeerIdx, key: GroupKey) -> usize {
    let mut exporter = Exporter::new(rib, Arc::new(()));
    let queue = Arc::new(MemberQueue::new(Arc::new(())));
    exporter.join(rib, member, key, Arc::clone(&queue));
    drain(rib, &mut exporter, &queue)
}

/// A peer is told all that it was not told yet. Returns how many octets that takes.
pub fn drain(rib: &Rib, exporter: &mut Exporter, queue: &MemberQueue) -> usize {
    let mut bytes = 0;
    loop {
        let progress = exporter.drain(rib, 16_384);
        while let Some(chunk) = queue.pop() {
            bytes += black_box(chunk).bytes.len();
        }
        // A queue that was full a moment ago is no end.
        if !progress.more && progress.destinations == 0 {
            return bytes;
        }
    }
}
