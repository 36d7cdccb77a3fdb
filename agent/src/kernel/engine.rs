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
use rib::FibInterest;

use super::audit::Dump;
use super::kept_out::{Remarks, Said};
use super::model::{FibConfig, NextHopSets, Ownership};
use super::resolver::Resolver;
use super::retry::{Failure, Repair};
use super::second::Seconds;
use super::source::{FibSource, HopKey, RouteChange, Walk};
use super::stats::KernelStats;
use super::strays::RemovedStrays;
use super::table::IpFamily;
use super::view::{FibTable, Installed, RouterIdx};
use super::walks::{Requeue, SlotWalk};
use super::wanted::Resolved;

/// Destinations that one turn takes from the tables, or that one walk visits.
const DRAIN_BUDGET: usize = 2_000;
pub(super) const WALK_BUDGET: usize = 20_000;
/// Next hops that one turn looks at again.
pub(super) const RESOLVE_BUDGET: usize = 2_000;

/// A message that is about no slot: a second route of ours for one prefix.
pub(crate) const NO_SLOT: u32 = u32::MAX;

/// The state machine.
pub struct Engine {
    pub(crate) fib: FibTable,
    pub(crate) sets: NextHopSets,
    pub(crate) resolver: Arc<Resolver>,
    pub(crate) stats: Arc<KernelStats>,
    pub(super) sources: Vec<(RouterIdx, Arc<dyn FibSource>)>,
    pub(super) resolved: Vec<Resolved>,
    pub(super) queue: VecDeque<(u32, Instant)>,
    pub(crate) failures: HashMap<u32, Failure>,
    pub(crate) repairs: HashMap<u32, Repair>,
    pub(super) remarks: Remarks,
    pub(super) said: Said,
    /// Routes with our marks beside the one that the slot holds.
    pub(super) seconds: HashMap<u32, Seconds>,
    timers: BinaryHeap<Reverse<(Instant, u32)>>,
    pub(super) walks: VecDeque<SlotWalk>,
    pub(super) requeue: Option<Requeue>,
    /// Next hops that the tables have to be told of when the walks that run are over.
    pub(super) told: Vec<HopKey>,
    pub(super) rib_walks: Vec<Box<dyn Walk>>,
    pub(crate) dump: Option<Dump>,
    pub(crate) resync: Option<(Instant, Vec<IpFamily>)>,
    pub(crate) last_dump: Option<(Instant, Duration)>,
    pub(crate) converged: bool,
    pub(crate) first_dump_done: bool,
    pub(super) stopping: bool,
    /// Nothing is written: after a restart, until the tables have heard of everybody (RFC 4724 §4.1).
    held: bool,
    /// No notification is known to be lost.
    pub(crate) certain: bool,
    /// Ours, but with another owner triple than the slot holds: removed once converged.
    pub(crate) doubles: Vec<(Ownership, IpNet)>,
    /// Ours, wanted by nobody, and gone.
    pub(super) removed_strays: RemovedStrays,
    /// Marks that were given up and that nobody has been told of.
    released: Vec<Ownership>,
    changes: Vec<RouteChange>,
    pub(super) planned: Vec<Instant>,
    pub(super) generation: u64,
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
            remarks: Remarks::default(),
            said: Said::default(),
            seconds: HashMap::default(),
            timers: BinaryHeap::new(),
            walks: VecDeque::new(),
            requeue: None,
            told: Vec::new(),
            rib_walks: Vec::new(),
            dump: None,
            resync: None,
            last_dump: None,
            converged: false,
            first_dump_done: false,
            stopping: false,
            held: false,
            certain: true,
            doubles: Vec::new(),
            removed_strays: RemovedStrays::default(),
            released: Vec::new(),
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
        let router = self.fib.add_router(name.clone(), config);
        self.claim_for(config, now);
        self.resolver.register(router, name, config, source.clone());
        source.attach(bell, self.interest(config));
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
            if was != config {
                self.default_route_changed(old, config, now);
            }
            return;
        }
        entry.config = was;
        entry.leaving = true;
        let name = entry.name.clone();
        let new = self.fib.add_router(name.clone(), config);
        self.claim_for(config, now);
        if let Some(source) = self.sources.iter_mut().find(|(r, _)| *r == old) {
            source.0 = new;
            self.resolver.register(new, name, config, source.1.clone());
            self.resolver.unregister(old);
            let only = (!config.install).then(|| self.resolver.clone() as Arc<dyn FibInterest>);
            source.1.refeed(only);
        }
        self.walks.push_back(SlotWalk::Leave {
            router: old,
            next: 0,
        });
    }

    /// A router may install a default route now, or may no longer.
    fn default_route_changed(&mut self, router: RouterIdx, config: FibConfig, now: Instant) {
        for prefix in [IpNet::default(), ipnet::Ipv6Net::default().into()] {
            if let Some(at) = self.fib.find_in(config.ownership.table, prefix) {
                self.fib.rank_again(at);
                self.enqueue(at, now);
            }
        }
        self.resolver
            .accept_default_route(router, config.accept_default_route);
    }

    /// A router that installs nothing is read for the sake of next hops that lie behind its routes.
    fn interest(&self, config: FibConfig) -> Option<Arc<dyn FibInterest>> {
        (!config.install).then(|| self.resolver.clone() as Arc<dyn FibInterest>)
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

    /// Who installs nothing has no routes: with the same marks they are another agent's.
    fn claim_for(&mut self, config: FibConfig, now: Instant) {
        if config.install {
            self.claim(config.ownership, now);
        }
    }

    /// Routes with this owner triple are ours from now on, also those read before.
    pub(super) fn claim(&mut self, owner: Ownership, now: Instant) {
        self.fib.claim_owner(owner);
        let ours = self.resolver.table.write().claim(owner);
        // Next hops resolved over them as long as they were someone else's.
        self.resolver.mark_within(ours.iter().map(|r| r.prefix));
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

    /// Writes nothing from now on, or does again.
    pub fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// The address families with routes of ours that the kernel has, as far as we know.
    pub(super) fn installed_families(&self) -> Vec<IpFamily> {
        let both = [IpFamily::V4, IpFamily::V6].into_iter();
        both.filter(|family| {
            let mut slots = self.fib.slots.iter();
            slots.any(|slot| {
                slot.installed() != Installed::Absent && IpFamily::of(slot.prefix) == *family
            })
        })
        .collect()
    }

    /// Withdraws all; [`Self::is_idle`] tells when that is done.
    pub fn begin_stop(&mut self) {
        self.stopping = true;
        self.held = false;
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
        self.follow_neighbours(now);
        let mut more = !self.stopping && self.drain(now);
        more |= self.follow_next_hops();
        more |= self.step_rib_walks();
        more |= self.step_requeue(now);
        more |= self.step_walks(now);
        more |= self.step_sweep(now);
        self.release();
        more || !self.held && !self.queue.is_empty()
    }

    /// Marks that no router has any more are nobody's as soon as our last route with them has gone: what carries them later,
    /// somebody else has made.
    fn release(&mut self) {
        let certain = self.converged && self.certain && self.is_idle();
        if certain && self.doubles.is_empty() && self.seconds.is_empty() {
            self.released.extend(self.fib.release_owners());
        }
    }

    /// Whether routes with these marks are ours.
    pub(super) fn owns(&self, owner: Ownership) -> bool {
        self.fib.find_owner(owner).is_some()
    }

    /// The marks that have been given up since this was asked last.
    pub fn released(&mut self) -> Vec<Ownership> {
        std::mem::take(&mut self.released)
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

    /// Frees a slot that holds nothing any more, and forgets what went wrong with it, as the next one
    /// in its place has nothing to do with that; false if it is still in use.
    pub(super) fn free_if_empty(&mut self, at: u32) -> bool {
        let freed = !self.seconds.contains_key(&at) && self.fib.free_if_empty(at);
        if freed {
            self.failures.remove(&at);
            self.repairs.remove(&at);
            self.remarks.remove(&at);
        }
        freed
    }

    /// What we believed of the kernel was wrong.
    pub(crate) fn lost(&mut self, at: u32, installed: Installed) {
        let owner = self.fib.slots[at as usize].installed_as;
        self.fib.slots[at as usize].set_installed(installed, owner);
        self.touched(at);
    }

    // Turning and waiting.

    /// When something has to be done without being rung.
    pub fn deadline(&self) -> Option<Instant> {
        let timer = self.timers.peek().map(|Reverse((at, _))| *at);
        let resync = self.resync.as_ref().map(|(at, _)| *at);
        timer.into_iter().chain(resync).min()
    }

    /// Whether batches wait. Second routes of an earlier run wait for convergence, and it must not wait
    /// for them.
    pub fn has_batch(&self) -> bool {
        !self.held && (!self.queue.is_empty() || self.converged && !self.doubles.is_empty())
    }

    /// How many destinations wait for a batch.
    pub fn queued(&self) -> usize {
        self.queue.len()
    }

    /// Whether nothing waits, apart from retries in the future.
    pub fn is_idle(&self) -> bool {
        !self.held
            && !self.has_batch()
            && self.walks.is_empty()
            && self.requeue.is_none()
            && self.told.is_empty()
            && self.rib_walks.is_empty()
            && self.dump.is_none()
            && !self.resolver.has_dirty()
    }

    /// Whether the kernel may have a route of ours, as far as we know.
    pub(super) fn has_installed(&self) -> bool {
        let mut slots = self.fib.slots.iter();
        slots.any(|slot| slot.installed() != Installed::Absent)
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
