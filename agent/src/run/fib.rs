//! The kernel room in the words of those who ask.

use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use ipnet::IpNet;

use crate::control::protocol::PrefixQuery;
use crate::control::routes::{Cursor, FibFilter, FibNextHop, FibRow, FibState, FibView, Page};
use crate::control::views::KernelCounters;
use crate::desired::{KernelConfig, KernelState, RouterKey};
use crate::kernel::model::Ownership;
use crate::kernel::{
    self, FibConfig, HistogramSnapshot, KernelHandle, KernelStats, RouterFibStatus,
};
use crate::observe::histogram::HistogramView;
use crate::speaker::AddressBook;

/// Our own addresses, as the kernel has them.
pub(super) struct Addresses {
    kernel: KernelHandle,
}

impl Addresses {
    pub(super) fn new(kernel: KernelHandle) -> Self {
        Self { kernel }
    }
}

impl AddressBook for Addresses {
    fn beside(&self, address: IpAddr, ipv4: bool) -> Option<IpAddr> {
        let facts = self.kernel.facts().borrow().clone();
        let link = facts.links().find(|link| {
            facts
                .addresses(link.ifindex)
                .iter()
                .any(|net| net.addr() == address)
        })?;
        facts
            .addresses(link.ifindex)
            .iter()
            .map(IpNet::addr)
            .find(|other| {
                other.is_ipv4() == ipv4
                    && match other {
                        IpAddr::V4(v4) => !v4.is_link_local() && !v4.is_loopback(),
                        IpAddr::V6(v6) => !v6.is_unicast_link_local() && !v6.is_loopback(),
                    }
            })
    }
}

/// How the routes of a router are marked.
pub(super) fn config(config: KernelConfig) -> FibConfig {
    FibConfig {
        install: config.install,
        ownership: Ownership {
            metric: config.metric,
            table: config.table,
            protocol: config.protocol,
        },
        accept_default_route: config.accept_default_route,
    }
}

/// What a router's status says of the kernel; none when it installs nothing.
pub(super) fn state_of(
    status: &[(Arc<str>, RouterFibStatus)],
    key: &RouterKey,
) -> Option<KernelState> {
    let (_, status) = status
        .iter()
        .find(|(name, status)| *name == key.0 && status.install)?;
    Some(KernelState {
        wanted: status.wanted,
        installed: status.installed,
        failed: status.failed,
        last_error: status.last_error.clone(),
    })
}

/// For the metrics.
pub(super) fn counters(stats: &KernelStats) -> KernelCounters {
    let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
    KernelCounters {
        programmed: count(&stats.programmed),
        failed: count(&stats.failed),
        withdrawn: count(&stats.withdrawn),
        repaired: count(&stats.repaired),
        resyncs: count(&stats.resyncs),
        sends: count(&stats.sends),
        batch: histogram(&stats.batch_size.snapshot(), 1.0),
        latency: histogram(&stats.latency_us.snapshot(), 1e-6),
    }
}

fn histogram(snapshot: &HistogramSnapshot, unit: f64) -> HistogramView {
    HistogramView {
        bounds: snapshot
            .buckets
            .iter()
            .map(|(bound, _)| *bound as f64 * unit)
            .collect(),
        counts: snapshot
            .buckets
            .iter()
            .map(|(_, count)| *count)
            .chain([snapshot.over])
            .collect(),
        sum: snapshot.sum as f64 * unit,
    }
}

/// The kernel room for `show fib` and `explain`.
pub(super) struct KernelView {
    kernel: KernelHandle,
}

impl KernelView {
    pub(super) fn new(kernel: KernelHandle) -> Self {
        Self { kernel }
    }
}

impl FibView for KernelView {
    fn page(&self, filter: &FibFilter, from: Option<Cursor>, budget: usize) -> Page<FibRow> {
        let router = filter.router.as_ref().map(|router| full_name(router));
        if let Some(PrefixQuery::Exact(prefix)) = filter.prefix {
            let rows = self.kernel.explain(prefix);
            let wanted = |row: &kernel::FibRow| router.is_none() || row.router == router;
            return Page {
                rows: rows.into_iter().filter(wanted).map(row).collect(),
                next: None,
            };
        }
        let keep = |prefix: &IpNet| match &filter.prefix {
            None => true,
            Some(PrefixQuery::Exact(wanted)) => prefix == wanted,
            Some(PrefixQuery::Longer(within)) => within.contains(prefix),
            Some(PrefixQuery::Covering(address)) => prefix.contains(address),
        };
        let cursor = from.map_or(0, |cursor| u32::try_from(cursor.0).unwrap_or(u32::MAX));
        let page = self.kernel.rows(cursor, budget, &keep);
        let wanted = |row: &kernel::FibRow| router.is_none() || row.router == router;
        Page {
            rows: page.rows.into_iter().filter(wanted).map(row).collect(),
            next: page.next.map(|cursor| Cursor(u64::from(cursor))),
        }
    }

    fn explain(&self, prefix: &IpNet) -> Vec<FibRow> {
        self.kernel.explain(*prefix).into_iter().map(row).collect()
    }
}

/// Routers are known to the kernel room by `namespace/name`.
fn full_name(router: &str) -> Arc<str> {
    if router.contains('/') {
        router.into()
    } else {
        format!("default/{router}").into()
    }
}

fn row(row: kernel::FibRow) -> FibRow {
    let hops = |hops: Vec<kernel::Hop>| {
        hops.into_iter()
            .map(|hop| FibNextHop {
                gateway: hop.gateway,
                interface: Some(hop.interface.to_string()),
            })
            .collect()
    };
    FibRow {
        router: row.router.map_or_else(
            || "(earlier run)".to_owned(),
            |key| super::peer_view::short(&key),
        ),
        prefix: row.prefix,
        table: row.table,
        metric: row.metric,
        state: match row.state {
            kernel::FibState::Pending => FibState::Pending,
            kernel::FibState::Installed => FibState::Installed,
            kernel::FibState::Failed => FibState::Failed,
            kernel::FibState::Blocked => FibState::Blocked,
            kernel::FibState::Unresolved => FibState::Unresolved,
            kernel::FibState::Shadowed => FibState::Shadowed,
            kernel::FibState::Stale => FibState::Leaving,
        },
        wanted: hops(row.wanted),
        installed: hops(row.installed),
        reason: row.reason.or_else(|| {
            row.shadowed_by
                .map(|key| format!("router {} comes first", super::peer_view::short(&key)))
        }),
    }
}
