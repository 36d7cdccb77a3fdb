//! The kernel room as [`FibView`], and its counters: in the words of the control socket and of the metrics.

use std::sync::atomic::Ordering::Relaxed;

use ipnet::IpNet;

use super::protocol::PrefixQuery;
use super::routes::{FibFilter, FibNextHop, FibRow, FibState, FibView, Rows};
use super::views::{KernelCounters, RouterKernelView};
use crate::kernel::{HistogramSnapshot, Hop, KernelHandle, KernelStats, RouterFibStatus};
use crate::observe::histogram::HistogramView;

impl FibView for KernelHandle {
    fn rows(&self, filter: &FibFilter) -> Rows<FibRow> {
        let kernel = self.clone();
        let filter = filter.clone();
        let wanted = {
            let router = filter.router;
            move |row: &FibRow| router.is_none() || router == row.router
        };
        // One destination is found without a walk.
        if let Some(PrefixQuery::Exact(net)) = filter.prefix {
            let mut once = Some(net);
            return Box::new(move |_| {
                let rows = Self::explain(&kernel, once.take()?)
                    .into_iter()
                    .map(FibRow::from);
                Some(rows.filter(&wanted).collect())
            });
        }
        let mut next = Some(0);
        Box::new(move |budget| {
            let keep = |prefix: &IpNet| match &filter.prefix {
                None => true,
                Some(PrefixQuery::Exact(net)) => net == prefix,
                // Every entry that covers the address: which of them the kernel uses is seen by their lengths.
                Some(PrefixQuery::Covering(address)) => prefix.contains(address),
                Some(PrefixQuery::Longer(net)) => net.contains(prefix),
            };
            let page = Self::rows(&kernel, next?, budget, &keep);
            next = page.next;
            let rows = page.rows.into_iter().map(FibRow::from);
            Some(rows.filter(&wanted).collect())
        })
    }

    fn explain(&self, prefix: &IpNet) -> Vec<FibRow> {
        Self::explain(self, *prefix)
            .into_iter()
            .map(FibRow::from)
            .collect()
    }
}

impl From<crate::kernel::FibRow> for FibRow {
    fn from(row: crate::kernel::FibRow) -> Self {
        let reason = match (row.reason, &row.shadowed_by) {
            (Some(reason), _) => Some(reason),
            (None, Some(by)) => Some(format!("router {by} has it")),
            (None, None) => None,
        };
        Self {
            router: row.router.map(|name| name.to_string()),
            prefix: row.prefix,
            table: row.table,
            metric: row.metric,
            state: row.state.into(),
            next_hops: row.next_hops,
            wanted: row.wanted.into_iter().map(FibNextHop::from).collect(),
            installed: row.installed.into_iter().map(FibNextHop::from).collect(),
            reason,
        }
    }
}

impl From<crate::kernel::FibState> for FibState {
    fn from(state: crate::kernel::FibState) -> Self {
        use crate::kernel::FibState as Kernel;
        match state {
            Kernel::Pending => Self::Pending,
            Kernel::Installed => Self::Installed,
            Kernel::Failed => Self::Failed,
            Kernel::Blocked => Self::Blocked,
            Kernel::Excluded => Self::Excluded,
            Kernel::Unresolved => Self::Unresolved,
            Kernel::Shadowed => Self::Shadowed,
            Kernel::Stale => Self::Stale,
        }
    }
}

impl From<Hop> for FibNextHop {
    fn from(hop: Hop) -> Self {
        Self {
            gateway: hop.gateway,
            interface: Some(hop.interface.to_string()),
        }
    }
}

impl RouterKernelView {
    /// What one router has in the kernel; none when it installs nothing.
    pub fn of(status: &RouterFibStatus) -> Option<Self> {
        status.install.then(|| Self {
            wanted: status.wanted,
            installed: status.installed,
            failed: status.failed,
            blocked: status.blocked,
            unresolved: status.unresolved,
            shadowed: status.shadowed,
            excluded: status.excluded,
            outranked: status.outranked,
            last_error: status.last_error.clone(),
        })
    }
}

impl From<&KernelStats> for KernelCounters {
    fn from(stats: &KernelStats) -> Self {
        Self {
            programmed: stats.programmed.load(Relaxed),
            failed: stats.failed.load(Relaxed),
            withdrawn: stats.withdrawn.load(Relaxed),
            repaired: stats.repaired.load(Relaxed),
            resyncs: stats.resyncs.load(Relaxed),
            sends: stats.sends.load(Relaxed),
            batch: histogram(&stats.batch_size.snapshot(), 1.0),
            latency: histogram(&stats.latency_us.snapshot(), 1e6),
        }
    }
}

/// A histogram of whole numbers, of which `parts` make one.
fn histogram(snapshot: &HistogramSnapshot, parts: f64) -> HistogramView {
    let counts = snapshot.buckets.iter().map(|(_, count)| *count);
    HistogramView {
        bounds: snapshot
            .buckets
            .iter()
            .map(|(bound, _)| *bound as f64 / parts)
            .collect(),
        counts: counts.chain([snapshot.over]).collect(),
        sum: snapshot.sum as f64 / parts,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_become_seconds_and_nothing_is_lost() {
        let stats = KernelStats::default();
        stats.latency_us.record(200, 3);
        stats.latency_us.record(60_000_000, 1);
        stats.programmed.store(7, Relaxed);
        let counters = KernelCounters::from(&stats);
        assert_eq!(counters.programmed, 7);
        assert_eq!(counters.latency.count(), 4);
        assert_eq!(counters.latency.bounds[1], 0.000_25);
        assert_eq!(counters.latency.counts[1], 3);
        assert_eq!(counters.latency.counts.last(), Some(&1));
        assert!((counters.latency.sum - 60.000_6).abs() < 1e-9);
    }

    #[test]
    fn a_router_that_installs_nothing_has_no_side_in_the_kernel() {
        let mut status = RouterFibStatus {
            wanted: 3,
            installed: 2,
            ..RouterFibStatus::default()
        };
        assert_eq!(RouterKernelView::of(&status), None);
        status.install = true;
        assert_eq!(
            RouterKernelView::of(&status).map(|view| view.installed),
            Some(2)
        );
    }
}
