//! The loop: doorbell, facts, batches, answers, retries.
//!
//! Edge. It runs on a thread of its own, because a batch of 500 routes holds the CPU in the kernel
//! for a millisecond or two, and a thousand of them in a row must not hold up anyone's keepalives. A
//! turn is one slice of everything that waits and one batch; the engine is locked only while it
//! thinks, never while the kernel works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::watch;

use super::bell::Bell;
use super::engine::Engine;
use super::host::KernelFacts;
use super::model::{FibOp, KernelEvent, Outcome};
use super::monitor::Monitor;
use super::netlink::{DumpStep, Dumper};
use super::stats::KernelStats;
use super::table::IpFamily;
use super::writer::{MAX_BATCH, MAX_MESSAGES, Writer};

/// A dump is read in slices of this many buffers.
const DUMP_READS: usize = 8;
/// While routes stream in, a batch waits this long for company; alone, a route goes at once.
const GATHER: Duration = Duration::from_millis(1);
/// Streaming means that the last batch was this short a time ago.
const STREAMING: Duration = Duration::from_millis(5);
/// Before a monitor that failed is opened again.
const MONITOR_REST: Duration = Duration::from_secs(1);
/// A clean stop gives up withdrawing after this long.
const STOP_LIMIT: Duration = Duration::from_secs(10);

/// What the handle asks of the loop.
pub(crate) const RUN: u8 = 0;
/// Stop, and leave the routes.
pub(crate) const STOP_KEEP: u8 = 1;
/// Withdraw all, then stop.
pub(crate) const STOP_WITHDRAW: u8 = 2;

/// What the loop and its handles share.
pub(crate) struct Shared {
    pub(crate) engine: Mutex<Engine>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) request: AtomicU8,
    pub(crate) stats: Arc<KernelStats>,
    pub(crate) facts: watch::Sender<Arc<KernelFacts>>,
    /// The revision of what others have in the tables.
    pub(crate) others: watch::Sender<u64>,
    /// True once the loop has ended.
    pub(crate) ended: watch::Sender<bool>,
    pub(crate) synced: watch::Sender<bool>,
}

/// The sockets and buffers of the loop.
pub(crate) struct Loop {
    shared: Arc<Shared>,
    writer: Writer,
    monitor: Monitor,
    dumper: Option<Dumper>,
    audit_interval: Duration,
    next_audit: Instant,
    last_batch: Option<Instant>,
    gathering_since: Option<Instant>,
    links: Vec<super::model::Link>,
    addresses: Vec<(u32, super::model::Address)>,
    nexthops: Vec<super::model::NexthopObject>,
    ops: Vec<FibOp>,
    outcomes: Vec<Outcome>,
}

impl Loop {
    pub(crate) fn new(
        shared: Arc<Shared>,
        writer: Writer,
        monitor: Monitor,
        audit_interval: Duration,
    ) -> Self {
        Self {
            shared,
            writer,
            monitor,
            dumper: None,
            audit_interval,
            next_audit: Instant::now() + audit_interval,
            last_batch: None,
            gathering_since: None,
            links: Vec::new(),
            addresses: Vec::new(),
            nexthops: Vec::new(),
            ops: Vec::new(),
            outcomes: Vec::new(),
        }
    }

    /// Runs until told to stop.
    pub(crate) fn run(mut self) {
        let both = [IpFamily::V4, IpFamily::V6];
        self.begin_dump(&both);
        let mut stop_by = None;
        loop {
            match self.shared.request.load(SeqCst) {
                STOP_KEEP => break,
                STOP_WITHDRAW if stop_by.is_none() => {
                    stop_by = Some(Instant::now() + STOP_LIMIT);
                    self.dumper = None;
                    self.shared.engine.lock().begin_stop();
                }
                _ => {}
            }
            let more = self.turn();
            if stop_by
                .is_some_and(|limit| self.shared.engine.lock().is_idle() || Instant::now() > limit)
            {
                break;
            }
            if !more {
                self.wait(stop_by);
            }
        }
        self.shared.ended.send_replace(true);
    }

    /// One slice of all that waits; true if more does.
    fn turn(&mut self) -> bool {
        let now = Instant::now();
        let mut more = self.hear(now);
        more |= self.read_dump(now);
        let shared = self.shared.clone();
        let mut engine = shared.engine.lock();
        more |= engine.turn(now);
        self.shared.facts.send_if_modified(|seen| {
            let table = engine.resolver.table.read();
            let fresh = !Arc::ptr_eq(seen, table.facts());
            if fresh {
                *seen = table.facts().clone();
            }
            fresh
        });
        // While a dump runs there is more to come.
        if !engine.is_dumping() {
            let revision = engine.resolver.table.read().revision;
            self.shared
                .others
                .send_if_modified(|seen| std::mem::replace(seen, revision) != revision);
        }
        if engine.first_dump_done && !engine.is_dumping() && !*self.shared.synced.borrow() {
            self.shared.synced.send_replace(true);
        }
        // Before the kernel has been read nothing is written: what is there may be just right.
        if !engine.has_batch() || !engine.first_dump_done || self.gathers(&engine, now) {
            drop(engine);
            return more && self.gathering_since.is_none();
        }
        self.gathering_since = None;
        engine.plan(now, MAX_BATCH, &mut self.ops);
        if self.ops.is_empty() {
            return true;
        }
        self.writer.encode(&self.ops, &engine);
        drop(engine);
        let sends = self.writer.sends();
        self.writer.send(&self.ops, &mut self.outcomes);
        let stats = &self.shared.stats;
        KernelStats::add(&stats.batches, 1);
        KernelStats::add(&stats.sends, self.writer.sends() - sends);
        stats.batch_size.record(self.ops.len() as u64, 1);
        let now = Instant::now();
        let mut engine = self.shared.engine.lock();
        engine.answer(&self.ops, &self.outcomes, now);
        if self.outcomes.contains(&Outcome::Unknown) {
            engine.request_resync(&[IpFamily::V4, IpFamily::V6], now);
        }
        self.last_batch = Some(now);
        true
    }

    /// Whether a small batch should wait for company.
    fn gathers(&mut self, engine: &Engine, now: Instant) -> bool {
        let streaming = self
            .last_batch
            .is_some_and(|l| now.saturating_duration_since(l) < STREAMING);
        if engine.queued() >= MAX_MESSAGES || engine.is_stopping() {
            return false;
        }
        match self.gathering_since {
            Some(since) => now.saturating_duration_since(since) < GATHER,
            None if streaming => {
                self.gathering_since = Some(now);
                true
            }
            None => false,
        }
    }

    fn hear(&mut self, now: Instant) -> bool {
        let mut events = Vec::new();
        match self.monitor.read(|event| events.push(event)) {
            Ok(heard) => {
                if events.is_empty() && !heard.overrun {
                    return heard.more;
                }
                let mut engine = self.shared.engine.lock();
                for event in events {
                    engine.handle_event(event, now);
                }
                if heard.overrun {
                    tracing::warn!("kernel notifications were lost; reading the tables again");
                    engine.handle_overrun(now);
                }
                true
            }
            Err(error) => {
                tracing::error!(%error, "the netlink monitor cannot be read; listening anew");
                // It would be ready, and fail, for ever.
                std::thread::sleep(MONITOR_REST);
                if let Err(error) = self.monitor.reopen() {
                    tracing::error!(%error, "no new netlink monitor");
                }
                self.shared.engine.lock().handle_overrun(now);
                false
            }
        }
    }

    fn begin_dump(&mut self, families: &[IpFamily]) {
        let now = Instant::now();
        self.links.clear();
        self.addresses.clear();
        self.nexthops.clear();
        self.next_audit = now + self.audit_interval;
        match Dumper::begin(families) {
            Ok(dumper) => {
                self.shared.engine.lock().begin_dump(families, now);
                self.dumper = Some(dumper);
            }
            Err(error) => {
                tracing::warn!(%error, "the kernel's tables cannot be read");
                self.shared
                    .engine
                    .lock()
                    .request_resync(families, now + Duration::from_secs(1));
            }
        }
    }

    /// Begins a dump if one is due, and reads a slice of the one that runs.
    fn read_dump(&mut self, now: Instant) -> bool {
        if self.dumper.is_none() {
            let mut engine = self.shared.engine.lock();
            let due = engine.due_resync(now);
            let idle = !engine.has_batch() && !engine.is_dumping() && !engine.is_stopping();
            drop(engine);
            if let Some(families) = due {
                self.begin_dump(&families);
            } else if now >= self.next_audit && idle {
                self.begin_dump(&[IpFamily::V4, IpFamily::V6]);
            }
        }
        let Some(mut dumper) = self.dumper.take() else {
            return false;
        };
        if !self.shared.engine.lock().is_dumping() {
            // Given up: a newer one is asked for.
            return true;
        }
        let mut routes = Vec::new();
        let shared = self.shared.clone();
        for _ in 0..DUMP_READS {
            let step = dumper.step(|event| match event {
                KernelEvent::Link(link) => self.links.push(link),
                KernelEvent::Address { ifindex, address } => {
                    self.addresses.push((ifindex, address))
                }
                KernelEvent::Route { route, .. } => routes.push(route),
                KernelEvent::Nexthop(object) => self.nexthops.push(object),
                KernelEvent::LinkGone(_)
                | KernelEvent::NexthopGone(_)
                | KernelEvent::AddressGone { .. }
                | KernelEvent::RouteGone(_) => {}
            });
            let mut engine = shared.engine.lock();
            // Links and addresses come first and whole, so that routes find their links.
            if !routes.is_empty() {
                self.tell_facts(&mut engine, now);
            }
            for route in routes.drain(..) {
                engine.dump_route(&route, now);
            }
            match step {
                Ok(DumpStep::More) => {}
                Ok(DumpStep::End { whole }) => {
                    self.tell_facts(&mut engine, now);
                    engine.end_dump(whole, now);
                    return true;
                }
                Err(error) => {
                    tracing::warn!(%error, "reading the kernel's tables failed; again soon");
                    engine.end_dump(false, now);
                    return true;
                }
            }
        }
        self.dumper = Some(dumper);
        true
    }

    /// Tells what a dump found of links, addresses and nexthop objects, once.
    fn tell_facts(&mut self, engine: &mut Engine, now: Instant) {
        let links = std::mem::take(&mut self.links);
        if links.is_empty() {
            return;
        }
        let addresses = std::mem::take(&mut self.addresses);
        engine.dump_facts(links, addresses, std::mem::take(&mut self.nexthops), now);
    }

    fn wait(&self, stop_by: Option<Instant>) {
        let deadline = {
            let engine = self.shared.engine.lock();
            let gather = self.gathering_since.map(|since| since + GATHER);
            let all = [engine.deadline(), gather, stop_by, Some(self.next_audit)];
            all.into_iter().flatten().min().unwrap_or(self.next_audit)
        };
        let timeout = deadline.saturating_duration_since(Instant::now());
        if let Err(error) = self.shared.bell.wait(self.monitor.fd(), timeout) {
            tracing::error!(%error, "waiting for the kernel failed");
            std::thread::sleep(Duration::from_secs(1));
        }
    }
}
