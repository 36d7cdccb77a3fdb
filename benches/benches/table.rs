//! What it costs to take a table in, decide, and tell it on, at 10,000, 100,000 and a million routes.
//!
//! Each figure is of the whole way of a route: read from the bytes of its UPDATE, attributes interned, the best path elected, and, for
//! `export`, written into the UPDATEs of a second peer. Two thousand messages make a batch, about what one read of a socket gives
//! under load. Throughput is in prefixes.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use bgp_benches::{ENCODING, LOCAL_AS, PEER_AS, Table, context};
use bgp_wire::{AttrScratch, Family, NextHop, RouterId, decode_update};
use bytes::BytesMut;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rib::{
    AllReachable, AsPathRules, Audience, DecisionConfig, ExportRules, Exporter, FamilyExport,
    GroupKey, Inbound, MemberQueue, PeerIdx, PeerInfo, Rib, RibConfig, RoutePolicy, Selection,
    SourceKind,
};

const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];
/// Messages applied at a time.
const BATCH: usize = 2_000;

fn rib() -> Rib {
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

fn peer(rib: &Rib, table: Table) -> PeerIdx {
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
        rules: rib::ImportRules::default(),
        import: RoutePolicy::AcceptAll,
    })
    .expect("room for a peer")
}

fn take(rib: &Rib, peer: PeerIdx, messages: &[BytesMut]) {
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

fn tables() -> impl Iterator<Item = (Table, String)> {
    SIZES.into_iter().flat_map(|prefixes| {
        [false, true].map(|v6| {
            let name = format!("{} {prefixes}", if v6 { "IPv6" } else { "IPv4" });
            (
                Table {
                    v6,
                    prefixes,
                    peer: 1,
                },
                name,
            )
        })
    })
}

/// An empty table takes a whole one.
fn insert(c: &mut Criterion) {
    let mut group = c.benchmark_group("insert");
    for (table, name) in tables() {
        let messages = table.announcements();
        group.throughput(Throughput::Elements(u64::from(table.prefixes)));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_batched(
                || {
                    let rib = rib();
                    let peer = peer(&rib, table);
                    (rib, peer)
                },
                |(rib, peer)| {
                    take(&rib, peer, &messages);
                    rib
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// A second peer announces what the first has announced, by other paths: every prefix has a decision to make.
fn decide(c: &mut Criterion) {
    let mut group = c.benchmark_group("decide between two");
    for (table, name) in tables() {
        let first = table.announcements();
        let other = Table { peer: 2, ..table };
        let second = other.announcements();
        group.throughput(Throughput::Elements(u64::from(table.prefixes)));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_batched(
                || {
                    let rib = rib();
                    let one = peer(&rib, table);
                    take(&rib, one, &first);
                    let two = peer(&rib, other);
                    (rib, two)
                },
                |(rib, two)| {
                    take(&rib, two, &second);
                    rib
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn group_key(family: Family) -> GroupKey {
    GroupKey {
        rules: ExportRules {
            audience: Audience::Ebgp,
            local_as: LOCAL_AS,
            cluster_id: RouterId(1),
            own_ipv4: Some(NextHop::V4([10, 99, 0, 1].into())),
            own_ipv6: Some(NextHop::V6([0xfd99, 0, 0, 0, 0, 0, 0, 1].into())),
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
        },
        families: std::iter::once(FamilyExport {
            family,
            encoding: ENCODING,
            add_path: 0,
        })
        .collect(),
    }
}

/// A whole table is told to a second peer: export rules, packing, encoding.
fn export(c: &mut Criterion) {
    let mut group = c.benchmark_group("export");
    for (table, name) in tables() {
        let messages = table.announcements();
        group.throughput(Throughput::Elements(u64::from(table.prefixes)));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_batched(
                || {
                    let rib = rib();
                    let source = peer(&rib, table);
                    take(&rib, source, &messages);
                    let member = peer(&rib, Table { peer: 2, ..table });
                    (rib, member)
                },
                |(rib, member)| {
                    let mut exporter = Exporter::new(&rib, Arc::new(()));
                    let queue = Arc::new(MemberQueue::new(Arc::new(())));
                    exporter.join(&rib, member, group_key(table.family()), Arc::clone(&queue));
                    let mut bytes = 0;
                    loop {
                        let progress = exporter.drain(&rib, 16_384);
                        while let Some(chunk) = queue.pop() {
                            bytes += black_box(chunk).bytes.len();
                        }
                        // A queue that was full a moment ago is no end.
                        if !progress.more && progress.destinations == 0 {
                            break;
                        }
                    }
                    assert_eq!(rib.advertised(member, table.family()), table.prefixes);
                    (rib, bytes)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

/// A whole table is withdrawn by the peer that announced it.
fn withdraw(c: &mut Criterion) {
    let mut group = c.benchmark_group("withdraw");
    for (table, name) in tables() {
        let messages = table.announcements();
        let withdrawals = table.withdrawals();
        group.throughput(Throughput::Elements(u64::from(table.prefixes)));
        group.bench_function(BenchmarkId::from_parameter(name), |b| {
            b.iter_batched(
                || {
                    let rib = rib();
                    let source = peer(&rib, table);
                    take(&rib, source, &messages);
                    (rib, source)
                },
                |(rib, source)| {
                    take(&rib, source, &withdrawals);
                    rib
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn config() -> Criterion {
    // A million routes take a good part of a second: ten samples of each figure.
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
}

criterion_group! {
    name = benches;
    config = config();
    targets = insert, decide, export, withdraw
}
criterion_main!(benches);
