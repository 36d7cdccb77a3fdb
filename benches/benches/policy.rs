//! What policies cost on 500,000 routes: as they come in, as they are told, and when a policy is edited while they are there.
//!
//! The policy has 32 terms, of which none but the last matches anything: eight have prefix lists of 256, four expressions on the AS
//! path, the others ask for communities, MED, LOCAL_PREF, or the length of the prefix. What it costs is the difference to the figure
//! without a policy, of the same run.

use std::sync::Arc;
use std::time::Duration;

use bgp_benches::Table;
use bgp_benches::router::{drain, group_key, peer, rib, take, tell};
use bgp_wire::Community;
use criterion::{BatchSize, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use rib::policy::{Action, Chain, Change, CommunityList, Expression, Match, Policy, Set, Term};
use rib::{Exporter, MemberQueue, PeerInfo, RoutePolicy};

const PREFIXES: u32 = 500_000;

/// A prefix that is in no table of the benchmarks.
fn elsewhere(v6: bool, list: u32, n: u32) -> IpNet {
    // Between the prefixes of the table, so that a search goes all the way.
    if v6 {
        let bits = (0x2001_0db8_u128 << 96) | (u128::from(list) << 88) | (u128::from(n) << 72);
        IpNet::V6(Ipv6Net::new(bits.into(), 64).expect("a length"))
    } else {
        let bits = 0x0100_0001 + (list << 27) + (n << 12);
        IpNet::V4(Ipv4Net::new(bits.into(), 32).expect("a length"))
    }
}

fn term(n: u32, matches: Match) -> Term {
    Term {
        sequence: i64::from(n),
        matches,
        action: Action::Deny,
    }
}

/// The 32 terms. With `lists`, those that have to see the route too.
fn policy(v6: bool, lists: bool) -> RoutePolicy {
    let mut terms = Vec::new();
    for n in 0..31 {
        let matches = match n % 8 {
            0 | 4 if lists => Match {
                prefixes: Some((0..256).map(|at| elsewhere(v6, n / 4, at)).collect()),
                ..Match::default()
            },
            1 => Match {
                as_path: Expression::on_as_path("_6450[0-9]_6451[0-9]$", false).ok(),
                ..Match::default()
            },
            2 => Match {
                med: Some(4_000_000_000 + n),
                ..Match::default()
            },
            3 => Match {
                local_pref: Some(4_000_000_000 + n),
                ..Match::default()
            },
            _ => Match {
                communities: vec![CommunityList {
                    standard: vec![Community(n), Community(1000 + n)],
                    ..CommunityList::default()
                }],
                ..Match::default()
            },
        };
        terms.push(term(n, matches));
    }
    let set = Set {
        local_pref: Some(200),
        communities: Change {
            remove: Vec::new(),
            add: vec![Community::new(65000, 1)],
        },
        ..Set::default()
    };
    terms.push(Term {
        action: Action::Permit(Box::new(set)),
        ..term(31, Match::default())
    });
    let policy = Policy::new("bench", terms).expect("32 terms");
    RoutePolicy::Chain(Chain::new([Arc::new(policy)]))
}

fn policies(v6: bool) -> [(&'static str, RoutePolicy); 3] {
    [
        ("none", RoutePolicy::AcceptAll),
        ("32 terms on sets", policy(v6, false)),
        ("32 terms, 8 with lists", policy(v6, true)),
    ]
}

fn tables() -> [(&'static str, Table); 2] {
    [("IPv4", false), ("IPv6", true)].map(|(name, v6)| {
        let table = Table {
            v6,
            prefixes: PREFIXES,
            peer: 1,
        };
        (name, table)
    })
}

/// An empty table takes a whole one, and tells another peer: the load of a router.
fn load(c: &mut Criterion) {
    for (what, on_import) in [("load, import", true), ("load, export", false)] {
        let mut group = c.benchmark_group(what);
        group.throughput(Throughput::Elements(u64::from(PREFIXES)));
        for (family, table) in tables() {
            let messages = table.announcements();
            for (name, policy) in policies(table.v6) {
                let (import, export) = match on_import {
                    true => (policy, RoutePolicy::AcceptAll),
                    false => (RoutePolicy::AcceptAll, policy),
                };
                let id = BenchmarkId::new(family, name);
                group.bench_function(id, |b| {
                    b.iter_batched(
                        || {
                            let rib = rib();
                            let source = peer(&rib, table, import.clone());
                            let other = Table { peer: 2, ..table };
                            let member = peer(&rib, other, RoutePolicy::AcceptAll);
                            (rib, source, member)
                        },
                        |(rib, source, member)| {
                            take(&rib, source, &messages);
                            tell(&rib, member, group_key(table.family(), export.clone()));
                            assert_eq!(rib.advertised(member, table.family()), PREFIXES);
                            rib
                        },
                        BatchSize::PerIteration,
                    );
                });
            }
        }
        group.finish();
    }
}

/// A policy comes while the routes are there, and makes no difference to them.
fn edit(c: &mut Criterion) {
    let mut group = c.benchmark_group("edit");
    group.throughput(Throughput::Elements(u64::from(PREFIXES)));
    for (family, table) in tables() {
        let messages = table.announcements();
        let of_nothing = RoutePolicy::Chain(match policy(table.v6, true) {
            RoutePolicy::Chain(chain) => {
                let terms = chain.policies()[0].terms()[..31].to_vec();
                Chain::new([Arc::new(Policy::new("edited", terms).expect("31 terms"))])
            }
            _ => Chain::default(),
        });
        let ready = || {
            let rib = rib();
            let source = peer(&rib, table, RoutePolicy::AcceptAll);
            take(&rib, source, &messages);
            let member = peer(&rib, Table { peer: 2, ..table }, RoutePolicy::AcceptAll);
            let mut exporter = Exporter::new(&rib, Arc::new(()));
            let queue = Arc::new(MemberQueue::new(Arc::new(())));
            let key = group_key(table.family(), RoutePolicy::AcceptAll);
            exporter.join(&rib, member, key, Arc::clone(&queue));
            drain(&rib, &mut exporter, &queue);
            (rib, exporter, queue, source, member)
        };
        group.bench_function(BenchmarkId::new(family, "import"), |b| {
            b.iter_batched(
                ready,
                |(rib, mut exporter, queue, source, member)| {
                    let info = PeerInfo {
                        import: of_nothing.clone(),
                        ..PeerInfo::clone(&rib.peer(source))
                    };
                    rib.update_peer(source, info);
                    rib.reimport(source).finish(&rib);
                    assert_eq!(drain(&rib, &mut exporter, &queue), 0);
                    (rib, exporter, member)
                },
                BatchSize::PerIteration,
            );
        });
        group.bench_function(BenchmarkId::new(family, "export"), |b| {
            b.iter_batched(
                ready,
                |(rib, mut exporter, queue, source, member)| {
                    let key = group_key(table.family(), of_nothing.clone());
                    assert!(exporter.rekey(&rib, member, key));
                    assert_eq!(drain(&rib, &mut exporter, &queue), 0);
                    (rib, exporter, source)
                },
                BatchSize::PerIteration,
            );
        });
    }
    group.finish();
}

fn config() -> Criterion {
    Criterion::default()
        .sample_size(10)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(3))
}

criterion_group! {
    name = benches;
    config = config();
    targets = load, edit
}
criterion_main!(benches);
