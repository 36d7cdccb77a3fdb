//! What it costs to take a table in, decide, and tell it on, at 10,000, 100,000 and a million routes.
//!
//! Each figure is of the whole way of a route: read from the bytes of its UPDATE, attributes interned, the best path elected, and, for
//! `export`, written into the UPDATEs of a second peer. Two thousand messages make a batch, about what one read of a socket gives
//! under load. Throughput is in prefixes.

use std::time::Duration;

use bgp_benches::Table;
use bgp_benches::router::{group_key, peer, rib, take, tell};
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rib::RoutePolicy;

const SIZES: [u32; 3] = [10_000, 100_000, 1_000_000];

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
                    let peer = peer(&rib, table, RoutePolicy::AcceptAll);
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
                    let one = peer(&rib, table, RoutePolicy::AcceptAll);
                    take(&rib, one, &first);
                    let two = peer(&rib, other, RoutePolicy::AcceptAll);
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
                    let source = peer(&rib, table, RoutePolicy::AcceptAll);
                    take(&rib, source, &messages);
                    let member = peer(&rib, Table { peer: 2, ..table }, RoutePolicy::AcceptAll);
                    (rib, member)
                },
                |(rib, member)| {
                    let key = group_key(table.family(), RoutePolicy::AcceptAll);
                    let bytes = tell(&rib, member, key);
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
                    let source = peer(&rib, table, RoutePolicy::AcceptAll);
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
