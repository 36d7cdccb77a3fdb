//! The state machine of the kernel room: tables and events in, batches of messages out.
//!
//! Pure: no socket, no clock. What drives it ([`super::task`], or a test with a fake kernel) feeds
//! drained routes, kernel events, dumps and answers, and asks for the next batch and the next
//! deadline. The truth is a comparison: for each destination, what the routers want now against what
//! the kernel holds as far as we know; never a translation of one event into one command. So any
//! order of events, losses included, ends in the wanted state.
//!
//! Work is cut in slices: [`Engine::turn`] handles at most so many destinations and says whether more
//! wait.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use foldhash::HashMap;
use ipnet::IpNet;

use super::audit::Dump;
use super::diff::diff;
use super::model::{
    FibAction, FibConfig, FibOp, Leg, Legs, NextHopSets, Outcome, Ownership, SetId, normalise,
};
use super::resolve::Resolver;
use super::retry::{Failure, Repair};
use super::source::{FibSource, HopKey, RouteChange, Walk};
use super::stats::KernelStats;
use super::table::{IpFamily, Obstacle};
use super::view::{FibTable, Installed, NO_ROUTER, PathSetId, RouterIdx, SlotState};

/// Destinations that one turn takes from the tables, or that one walk visits.
const DRAIN_BUDGET: usize = 2_000;
const WALK_BUDGET: usize = 20_000;
/// Next hops that one turn looks at again.
const RESOLVE_BUDGET: usize = 2_000;

/// A message that is about no slot: a second route of ours for one prefix.
pub(crate) const NO_SLOT: u32 = u32::MAX;

/// How a path set resolves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Resolved {
    /// Has to be computed.
    Stale,
    /// No next hop is reached.
    Nowhere,
    /// To these gateways.
    To {
        set: SetId,
        /// Some gateway is an IPv4 address, which an IPv6 route cannot have.
        ipv4: bool,
    },
}

/// What a slot should be in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    Nothing,
    Blocked(Block),
    Unresolved,
    Route(Ownership, SetId),
}

/// Why a route must not be installed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Block {
    DefaultRoute,
    Obstacle(Obstacle),
    GatewayFamily,
}

/// A walk over the slots.
enum SlotWalk {
    /// A router goes.
    Leave { router: RouterIdx, next: usize },
    /// All that is installed and that nobody wants (or, when stopping, all that is installed).
    Installed { next: usize },
    /// Routes whose every leg used a link that is down: the kernel dropped them.
    Evict { sets: Vec<SetId>, next: usize },
}

/// The state machine.
pub struct Engine {
    pub(crate) fib: FibTable,
    pub(crate) sets: NextHopSets,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) stats: Arc<KernelStats>,
    sources: Vec<(RouterIdx, Arc<dyn FibSource>)>,
    resolved: Vec<Resolved>,
    queue: VecDeque<(u32, Instant)>,
    pub(crate) failures: HashMap<u32, Failure>,
    pub(crate) repairs: HashMap<u32, Repair>,
    timers: BinaryHeap<Reverse<(Instant, u32)>>,
    walks: VecDeque<SlotWalk>,
    /// Destinations whose path set resolves otherwise than before: marks and the next slot.
    requeue: Option<(Vec<bool>, usize)>,
    rib_walks: Vec<Box<dyn Walk>>,
    pub(crate) dump: Option<Dump>,
    pub(crate) resync: Option<(Instant, Vec<IpFamily>)>,
    pub(crate) last_dump: Option<(Instant, Duration)>,
    pub(crate) converged: bool,
    pub(crate) first_dump_done: bool,
    stopping: bool,
    /// No notification is known to be lost.
    pub(crate) certain: bool,
    /// Ours, but with another owner triple than the slot holds: removed once converged.
    pub(crate) doubles: Vec<(Ownership, IpNet)>,
    changes: Vec<RouteChange>,
    planned: Vec<Instant>,
    generation: u64,
}

impl Engine {
    /// An engine that knows nothing yet.
    pub fn new(resolver: Arc<Resolver>, stats: Arc<KernelStats>) -> Self {
        Self {
            fib: FibTable::new(),
            sets: NextHopSets::default(),
            resolver,
            stats,
            sources: Vec::new(),
            resolved: vec![Resolved::Nowhere],
            queue: VecDeque::new(),
            failures: HashMap::default(),
            repairs: HashMap::default(),
            timers: BinaryHeap::new(),
            walks: VecDeque::new(),
            requeue: None,
            rib_walks: Vec::new(),
            dump: None,
            resync: None,
            last_dump: None,
            converged: false,
            first_dump_done: false,
            stopping: false,
            certain: true,
            doubles: Vec::new(),
            changes: Vec::new(),
            planned: Vec::new(),
            generation: 0,
        }
    }

    // Routers.

    /// Takes a router in; its table is read from now on.
    pub fn add_router(
        &mut self,
        name: Arc<str>,
        source: Arc<dyn FibSource>,
        config: FibConfig,
        bell: Arc<dyn Fn() + Send + Sync>,
        now: Instant,
    ) {
        let rank = (config.ownership.metric, name.clone());
        let router = self.fib.add_router(name, config);
        self.claim(config.ownership, now);
        self.resolver.register(router, rank, source.clone());
        source.attach(bell);
        self.sources.push((router, source));
    }

    /// Takes another configuration for a router. Its routes stay in the kernel while they move.
    pub fn change_router(&mut self, name: &str, config: FibConfig, now: Instant) {
        let Some(old) = self.router_named(name) else {
            return;
        };
        let Some(entry) = self.fib.router_mut(old) else {
            return;
        };
        let was = std::mem::replace(&mut entry.config, config);
        if was.install == config.install && was.ownership == config.ownership {
            for prefix in [IpNet::default(), ipnet::Ipv6Net::default().into()] {
                if let Some(at) = self.fib.find_in(config.ownership.table, prefix) {
                    self.enqueue(at, now);
                }
            }
            return;
        }
        entry.config = was;
        entry.leaving = true;
        let name = entry.name.clone();
        let rank = (config.ownership.metric, name.clone());
        let new = self.fib.add_router(name, config);
        self.claim(config.ownership, now);
        if let Some(source) = self.sources.iter_mut().find(|(r, _)| *r == old) {
            source.0 = new;
            self.resolver.register(new, rank, source.1.clone());
            self.resolver.unregister(old);
            source.1.refeed();
        }
        self.walks.push_back(SlotWalk::Leave {
            router: old,
            next: 0,
        });
    }

    /// A router goes, its routes with it.
    pub fn remove_router(&mut self, name: &str) {
        let Some(router) = self.router_named(name) else {
            return;
        };
        if let Some(entry) = self.fib.router_mut(router) {
            entry.leaving = true;
        }
        if let Some(at) = self.sources.iter().position(|(r, _)| *r == router) {
            let (_, source) = self.sources.swap_remove(at);
            source.detach();
        }
        self.resolver.unregister(router);
        self.walks.push_back(SlotWalk::Leave { router, next: 0 });
    }

    pub(crate) fn router_named(&self, name: &str) -> Option<RouterIdx> {
        let at = self
            .fib
            .routers
            .iter()
            .position(|r| r.as_ref().is_some_and(|r| *r.name == *name && !r.leaving))?;
        RouterIdx::try_from(at).ok()
    }

    /// Routes with this owner triple are ours from now on, also those read before.
    fn claim(&mut self, owner: Ownership, now: Instant) {
        self.fib.owner_index(owner);
        let ours = self.resolver.table.write().claim(owner);
        for route in ours {
            self.found_own(&route, now);
        }
    }

    /// The tables have converged: what is left from an earlier run and that nobody wants goes.
    pub fn set_converged(&mut self) {
        if !std::mem::replace(&mut self.converged, true) {
            self.walks.push_back(SlotWalk::Installed { next: 0 });
        }
    }

    /// Withdraws all; [`Self::is_idle`] tells when that is done.
    pub fn begin_stop(&mut self) {
        self.stopping = true;
        self.converged = true;
        self.dump = None;
        self.resync = None;
        self.walks.push_back(SlotWalk::Installed { next: 0 });
    }

    // Work.

    /// Does a slice of what waits, apart from batches; true if more waits.
    pub fn turn(&mut self, now: Instant) -> bool {
        while let Some(Reverse((at, slot))) = self.timers.peek().copied() {
            if at > now {
                break;
            }
            self.timers.pop();
            if self.fib.live(slot).is_some() {
                self.enqueue(slot, now);
            }
        }
        let mut more = !self.stopping && self.drain(now);
        more |= self.follow_next_hops();
        more |= self.step_rib_walks();
        more |= self.step_requeue(now);
        more |= self.step_walks(now);
        more |= self.step_sweep(now);
        more || !self.queue.is_empty()
    }

    fn drain(&mut self, now: Instant) -> bool {
        let mut more = false;
        let mut changes = std::mem::take(&mut self.changes);
        for i in 0..self.sources.len() {
            changes.clear();
            let (router, source) = &self.sources[i];
            let router = *router;
            more |= source.drain(DRAIN_BUDGET, &mut changes);
            if changes.is_empty() {
                continue;
            }
            self.resolver.mark_within(changes.iter().map(|c| c.prefix));
            let Some(entry) = self.fib.router(router) else {
                continue;
            };
            if !entry.config.install {
                continue;
            }
            let table = self.fib.table_index(entry.config.ownership.table);
            for change in &changes {
                let paths = self.fib.intern_paths(&change.hops);
                let at = if paths == 0 {
                    let Some(at) = self.fib.find(table, change.prefix) else {
                        continue;
                    };
                    at
                } else {
                    self.fib.slot(table, change.prefix)
                };
                if self.fib.want(at, router, paths) {
                    self.fib.slots[at as usize].stray = false;
                    self.enqueue(at, now);
                }
            }
        }
        self.changes = changes;
        more
    }

    fn follow_next_hops(&mut self) -> bool {
        let (changed, mut more) = self.resolver.refresh(RESOLVE_BUDGET);
        if changed.is_empty() {
            return more;
        }
        let told: Vec<HopKey> = changed
            .iter()
            .filter(|(_, told)| *told)
            .map(|(k, _)| *k)
            .collect();
        if !told.is_empty() {
            for (_, source) in &self.sources {
                self.rib_walks.push(source.hops_changed(&told));
            }
        }
        let mut marks = vec![false; self.fib.path_set_count()];
        let mut any = false;
        for id in 0..self.resolved.len() {
            let hops = self.fib.hops(id as PathSetId);
            if !hops.iter().any(|h| changed.iter().any(|(k, _)| k == h)) {
                continue;
            }
            let before = std::mem::replace(&mut self.resolved[id], Resolved::Stale);
            if self.resolve_paths(id as PathSetId) != before {
                marks[id] = true;
                any = true;
            }
        }
        if any {
            if let Some((old, _)) = self.requeue.take() {
                for (mark, old) in marks.iter_mut().zip(old) {
                    *mark |= old;
                }
            }
            self.requeue = Some((marks, 0));
            more = true;
        }
        more || !self.rib_walks.is_empty()
    }

    fn step_rib_walks(&mut self) -> bool {
        if let Some(walk) = self.rib_walks.first_mut()
            && walk.step(WALK_BUDGET)
        {
            self.rib_walks.remove(0);
        }
        !self.rib_walks.is_empty()
    }

    fn step_requeue(&mut self, now: Instant) -> bool {
        let Some((marks, next)) = self.requeue.take() else {
            return false;
        };
        let end = (next + WALK_BUDGET).min(self.fib.slots.len());
        for at in next..end {
            let slot = &self.fib.slots[at];
            if slot.paths != 0 && marks.get(slot.paths as usize).copied().unwrap_or_default() {
                self.enqueue(at as u32, now);
            }
        }
        if end < self.fib.slots.len() {
            self.requeue = Some((marks, end));
            return true;
        }
        false
    }

    fn step_walks(&mut self, now: Instant) -> bool {
        let Some(mut walk) = self.walks.pop_front() else {
            return false;
        };
        let next = match &mut walk {
            SlotWalk::Leave { next, .. }
            | SlotWalk::Installed { next }
            | SlotWalk::Evict { next, .. } => next,
        };
        let start = *next;
        let end = (start + WALK_BUDGET).min(self.fib.slots.len());
        *next = end;
        for at in start..end {
            let at = at as u32;
            let Some(slot) = self.fib.live(at) else {
                continue;
            };
            match &walk {
                SlotWalk::Leave { router, .. } => {
                    if self.fib.want(at, *router, 0) {
                        self.enqueue(at, now);
                    }
                }
                SlotWalk::Installed { .. } => {
                    let unwanted = self.stopping || slot.router == NO_ROUTER;
                    if unwanted && slot.installed() != Installed::Absent {
                        self.fib.slots[at as usize].stray = false;
                        self.enqueue(at, now);
                    }
                }
                SlotWalk::Evict { sets, .. } => {
                    if matches!(slot.installed(), Installed::Set(id) if sets.contains(&id)) {
                        self.lost(at, Installed::Absent);
                        self.enqueue(at, now);
                    }
                }
            }
        }
        if end < self.fib.slots.len() {
            self.walks.push_front(walk);
        } else if let SlotWalk::Leave { router, .. } = walk {
            self.fib.routers[usize::from(router)] = None;
        }
        !self.walks.is_empty()
    }

    /// Starts a walk that drops routes of which every leg used the link.
    pub(crate) fn evict_link(&mut self, ifindex: u32) {
        let ids = self.sets.on_link(ifindex);
        if !ids.is_empty() {
            self.walks.push_back(SlotWalk::Evict { sets: ids, next: 0 });
        }
    }

    pub(crate) fn enqueue(&mut self, at: u32, now: Instant) {
        let slot = &mut self.fib.slots[at as usize];
        if !slot.queued {
            slot.queued = true;
            self.queue.push_back((at, now));
        }
    }

    pub(crate) fn enqueue_at(&mut self, at: u32, when: Instant) {
        self.timers.push(Reverse((when, at)));
    }

    /// What we believed of the kernel was wrong.
    pub(crate) fn lost(&mut self, at: u32, installed: Installed) {
        let owner = self.fib.slots[at as usize].installed_as;
        self.fib.slots[at as usize].set_installed(installed, owner);
        self.touched(at);
    }

    // Wanted.

    fn resolve_paths(&mut self, id: PathSetId) -> Resolved {
        let at = id as usize;
        if self.resolved.len() <= at {
            self.resolved.resize(at + 1, Resolved::Stale);
        }
        if self.resolved[at] != Resolved::Stale {
            return self.resolved[at];
        }
        let mut legs = Legs::new();
        for hop in self.fib.hops(id) {
            legs.extend_from_slice(&self.resolver.reach(*hop).legs);
        }
        normalise(&mut legs);
        legs.truncate(64);
        let ipv4 = legs.iter().any(|l| l.gateway.is_some_and(|g| g.is_ipv4()));
        self.resolved[at] = if legs.is_empty() {
            Resolved::Nowhere
        } else {
            Resolved::To {
                set: self.sets.intern(&legs),
                ipv4,
            }
        };
        self.resolved[at]
    }

    /// Forgets path sets, next-hop sets and next hops that nothing uses any more.
    pub(crate) fn sweep_interned(&mut self) {
        self.generation += 1;
        for id in self.fib.sweep_paths() {
            if let Some(resolved) = self.resolved.get_mut(id as usize) {
                *resolved = Resolved::Stale;
            }
        }
        let slots = self.fib.slots.iter().filter_map(|s| match s.installed() {
            Installed::Set(id) => Some(id),
            Installed::Absent | Installed::Unknown => None,
        });
        let paths = self.resolved.iter().filter_map(|r| match r {
            Resolved::To { set, .. } => Some(*set),
            Resolved::Stale | Resolved::Nowhere => None,
        });
        let failures = self.failures.values().filter_map(|f| f.set);
        self.sets.sweep(slots.chain(paths).chain(failures));
        let fib = &self.fib;
        self.resolver.forget_unused(&|key| fib.names_hop(key));
    }

    pub(crate) fn wanted(&mut self, at: u32) -> Wanted {
        let slot = &self.fib.slots[at as usize];
        let (prefix, paths, router) = (slot.prefix, slot.paths, slot.router);
        if self.stopping || paths == 0 {
            return Wanted::Nothing;
        }
        let Some(entry) = self.fib.router(router) else {
            return Wanted::Nothing;
        };
        let (config, owner) = (entry.config, entry.config.ownership);
        if prefix.prefix_len() == 0 && !config.accept_default_route {
            return Wanted::Blocked(Block::DefaultRoute);
        }
        if let Some(obstacle) = self.resolver.table.read().obstacle(owner, prefix) {
            return Wanted::Blocked(Block::Obstacle(obstacle));
        }
        match self.resolve_paths(paths) {
            Resolved::To { ipv4: true, .. } if matches!(prefix, IpNet::V6(_)) => {
                Wanted::Blocked(Block::GatewayFamily)
            }
            Resolved::To { set, .. } => Wanted::Route(owner, set),
            Resolved::Nowhere | Resolved::Stale => Wanted::Unresolved,
        }
    }

    // Batches.

    /// Appends the next messages, about `limit` of them, additions first and removals after them, so
    /// that what takes traffic over is there before what carried it goes.
    pub fn plan(&mut self, now: Instant, limit: usize, ops: &mut Vec<FibOp>) {
        ops.clear();
        self.planned.clear();
        if self.converged {
            for (owner, prefix) in self.doubles.drain(..) {
                ops.push(FibOp {
                    slot: NO_SLOT,
                    prefix,
                    owner,
                    action: FibAction::Delete,
                });
                self.planned.push(now);
            }
        }
        while ops.len() < limit {
            let Some((at, since)) = self.queue.pop_front() else {
                break;
            };
            self.fib.slots[at as usize].queued = false;
            let before = ops.len();
            self.plan_slot(at, now, ops);
            self.planned
                .resize(self.planned.len() + ops.len() - before, since);
        }
        // A pair for one slot keeps its own order: only lone removals move behind.
        let lone_delete = |ops: &[FibOp], i: usize| {
            let neighbour =
                |j: Option<&FibOp>| j.is_some_and(|o| o.slot == ops[i].slot && o.slot != NO_SLOT);
            ops[i].action == FibAction::Delete
                && !neighbour(ops.get(i + 1))
                && !neighbour(i.checked_sub(1).and_then(|j| ops.get(j)))
        };
        if (0..ops.len()).any(|i| lone_delete(ops, i)) {
            let order: Vec<usize> = {
                let (late, early): (Vec<_>, Vec<_>) =
                    (0..ops.len()).partition(|i| lone_delete(ops, *i));
                early.into_iter().chain(late).collect()
            };
            *ops = order.iter().map(|i| ops[*i].clone()).collect();
            self.planned = order.iter().map(|i| self.planned[*i]).collect();
        }
    }

    fn plan_slot(&mut self, at: u32, now: Instant, ops: &mut Vec<FibOp>) {
        let Some(slot) = self.fib.live(at) else {
            return;
        };
        if slot.stray && !self.converged {
            return;
        }
        let wanted = self.wanted(at);
        let slot = &self.fib.slots[at as usize];
        let (prefix, installed, probe) = (slot.prefix, slot.installed(), slot.probe);
        let installed_as = self.fib.owner(slot.installed_as);
        let route = match wanted {
            Wanted::Route(owner, set) => Some((owner, set)),
            Wanted::Nothing | Wanted::Blocked(_) | Wanted::Unresolved => None,
        };
        // Refused before, and not yet to be tried again: what the table no longer wants goes.
        let waiting = self
            .failures
            .get(&at)
            .filter(|f| f.waits(route.map(|(_, s)| s), now));
        let (target, state) = match (wanted, waiting) {
            (Wanted::Route(..), Some(f)) if f.keeps_old => return,
            (Wanted::Route(..), Some(_)) => (None, SlotState::Failed),
            (Wanted::Nothing, Some(_)) => return,
            (Wanted::Nothing, None) => (None, SlotState::Unwanted),
            (Wanted::Blocked(_), _) => (None, SlotState::Blocked),
            (Wanted::Unresolved, _) => (None, SlotState::Unresolved),
            (Wanted::Route(..), None) => (route, SlotState::Pending),
        };
        let steps = diff(
            target,
            installed,
            installed_as,
            probe && target.is_some(),
            self.certain,
        );
        if steps.is_empty() {
            let done = if target.is_some() {
                SlotState::Installed
            } else {
                state
            };
            self.fib.set_state(at, done);
            if done != SlotState::Failed {
                self.failures.remove(&at);
            }
            if target.is_none() {
                self.repairs.remove(&at);
            }
            self.fib.free_if_empty(at);
            return;
        }
        self.fib.set_state(at, state);
        for (owner, action) in steps {
            ops.push(FibOp {
                slot: at,
                prefix,
                owner,
                action,
            });
        }
    }

    /// The next-hop set behind a handle, for the encoder.
    pub fn legs(&self, id: SetId) -> &[Leg] {
        self.sets.legs(id)
    }

    /// Changes when handles of next-hop sets may have come to mean others.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// Takes the kernel's answers to the batch planned last.
    pub fn answer(&mut self, ops: &[FibOp], outcomes: &[Outcome], now: Instant) {
        let (mut programmed, mut withdrawn, mut failed) = (0, 0, 0);
        for (op, outcome) in ops.iter().zip(outcomes) {
            match (outcome, op.action) {
                (Outcome::Done, FibAction::Add(_) | FibAction::Replace(_)) => programmed += 1,
                (Outcome::Done, FibAction::Delete) => withdrawn += 1,
                (Outcome::Refused(_), _) => failed += u64::from(self.is_failure(op, outcome)),
                (Outcome::Unknown, _) => {}
            }
            self.apply(op, outcome, now);
        }
        KernelStats::add(&self.stats.programmed, programmed);
        KernelStats::add(&self.stats.withdrawn, withdrawn);
        KernelStats::add(&self.stats.failed, failed);
        for run in self.planned.chunk_by(|a, b| a == b) {
            self.stats
                .record_latency(now.saturating_duration_since(run[0]), run.len() as u64);
        }
        self.planned.clear();
        for op in ops {
            if self.fib.live(op.slot).is_some() {
                self.fib.free_if_empty(op.slot);
            }
        }
    }

    // Turning and waiting.

    /// When something has to be done without being rung.
    pub fn deadline(&self) -> Option<Instant> {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let resync = self.resync.as_ref().map(|(at, _)| *at);
        timer.into_iter().chain(resync).min()
    }

    /// Whether batches wait.
    pub fn has_batch(&self) -> bool {
        !self.queue.is_empty() || self.converged && !self.doubles.is_empty()
    }

    /// How many destinations wait for a batch.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits, apart from retries in the future.
    pub fn is_idle(&self) -> bool {
        self.queue.is_empty()
            && self.doubles.is_empty()
            && self.walks.is_empty()
            && self.requeue.is_none()
            && self.rib_walks.is_empty()
            && self.dump.is_none()
            && !self.resolver.has_dirty()
    }

    /// Destinations known, wanted or installed.
    pub fn len(&self) -> usize {
        self.fib.len()
    }

    /// Whether no destination is known.
    pub fn is_empty(&self) -> bool {
        self.fib.len() == 0
    }

    pub(crate) fn is_stopping(&self) -> bool {
        self.stopping
    }
}
