//! Reading the kernel's tables: at the start, after losses, and slowly for ever.
//!
//! Pure; the edge feeds a dump route by route. What is ours is compared with what we believe; what is
//! not ours becomes facts. A dump is not an instant: whatever we wrote, or the kernel told, about a
//! destination while it ran is newer than the dump and wins ([`Dump::touched`]); and so is what it told
//! of links and addresses ([`Dump::facts`]).

use std::time::{Duration, Instant};

use foldhash::HashSet;

use super::engine::Engine;
use super::model::{Address, KernelEvent, KernelRoute, Link, NexthopObject};
use super::stats::KernelStats;
use super::table::IpFamily;
use super::view::{Installed, NO_ROUTER};

/// Slots that one turn compares at the end of a dump.
const SWEEP_BUDGET: usize = 50_000;
/// Between a link event and reading the IPv4 routes again.
const SETTLE: Duration = Duration::from_millis(50);
/// A dump may take at most a tenth of the time.
const DUMP_SHARE: u32 = 10;

/// A dump that is running, or whose end is being compared.
pub(crate) struct Dump {
    families: Vec<IpFamily>,
    started: Instant,
    /// Slots that the dump named.
    seen: Vec<bool>,
    /// Slots that were written to, or told of, while it ran.
    touched: HashSet<u32>,
    /// What was told of links, addresses and nexthop objects since it began; none once it has told its
    /// own.
    facts: Option<Vec<KernelEvent>>,
    /// Set when all was read: the next slot to compare.
    sweep: Option<usize>,
}

impl Engine {
    /// A dump of the routes of these families begins.
    pub fn begin_dump(&mut self, families: &[IpFamily], now: Instant) {
        self.resync = None;
        self.resolver.table.write().begin_dump();
        self.dump = Some(Dump {
            families: families.to_vec(),
            started: now,
            seen: Vec::new(),
            touched: HashSet::default(),
            facts: Some(Vec::new()),
            sweep: None,
        });
        KernelStats::add(&self.stats.audits, 1);
    }

    /// All links, addresses and nexthop objects, from a dump. What was told since it began may be newer,
    /// so it is told again.
    pub fn dump_facts(
        &mut self,
        links: Vec<Link>,
        addresses: Vec<(u32, Address)>,
        nexthops: Vec<NexthopObject>,
        now: Instant,
    ) {
        let told = self.dump.as_mut().and_then(|dump| dump.facts.take());
        if self.resolver.table.write().replace_facts(links, addresses) {
            self.resolver.mark_all();
            self.retry_failures(now);
        }
        if self.resolver.table.write().replace_nexthops(nexthops) {
            self.resolver.mark_all();
        }
        for event in told.into_iter().flatten() {
            self.handle_event(event, now);
        }
    }

    /// A link, an address or a nexthop object was told of.
    pub(super) fn fact_told(&mut self, event: &KernelEvent) {
        if let Some(Dump {
            facts: Some(told), ..
        }) = &mut self.dump
        {
            told.push(event.clone());
        }
    }

    /// A route, from a dump.
    pub fn dump_route(&mut self, route: &KernelRoute, now: Instant) {
        if self.is_own(route) {
            self.found_own(route, now);
            return;
        }
        let changed = self.resolver.table.write().dump_route(route);
        if changed {
            self.foreign_changed(route, now);
        }
    }

    /// The dump has ended; `whole` if nothing was lost in it.
    pub fn end_dump(&mut self, whole: bool, now: Instant) {
        let Some(dump) = &mut self.dump else { return };
        let changed = self.resolver.table.write().end_dump(&dump.families, whole);
        self.last_dump = Some((now, now.saturating_duration_since(dump.started)));
        if whole {
            dump.sweep = Some(0);
            self.first_dump_done = true;
            self.certain |= dump.families.len() == 2;
        } else {
            let families = dump.families.clone();
            self.dump = None;
            self.request_resync(&families, now);
        }
        self.foreign_lost(&changed, now);
    }

    /// A route of ours that the kernel has.
    pub(super) fn found_own(&mut self, route: &KernelRoute, now: Instant) {
        let Some(owner) = self.fib.find_owner(route.owner) else {
            return;
        };
        let table = self.fib.table_index(route.owner.table);
        let at = self.fib.slot(table, route.prefix.trunc());
        if let Some(dump) = &mut self.dump {
            if dump.touched.contains(&at) {
                self.free_if_empty(at);
                return;
            }
            let index = at as usize;
            if dump.seen.len() <= index {
                dump.seen.resize(index + 1, false);
            }
            let slot = &self.fib.slots[index];
            let (known, known_as) = (slot.installed(), slot.installed_as);
            if known != Installed::Absent && known_as != owner {
                // Two routes of ours for one destination, with different metrics or protocols.
                if dump.seen[index] || slot.router != NO_ROUTER {
                    self.doubles.push((route.owner, route.prefix));
                    return;
                }
                let other = self.fib.owner(known_as);
                self.doubles.push((other, route.prefix));
            }
            // Read twice, it may also be one route that moved while the dump went on: with other gateways it is another.
            if std::mem::replace(&mut dump.seen[index], true) && known_as == owner {
                if known != self.installed_as_told(route) {
                    self.second_found(at, route, now);
                }
                return;
            }
        }
        let found = self.installed_as_told(route);
        let slot = &mut self.fib.slots[at as usize];
        let same = slot.installed() == found && slot.installed_as == owner;
        if same {
            return;
        }
        slot.set_installed(found, owner);
        if slot.router == NO_ROUTER && slot.paths == 0 {
            slot.stray = true;
            if self.converged {
                self.enqueue(at, now);
            }
        } else {
            self.repair(at, now);
        }
    }

    /// What a route of ours says of its slot.
    pub(super) fn installed_as_told(&mut self, route: &KernelRoute) -> Installed {
        match route.legs.is_empty() {
            true => Installed::Unknown,
            false => Installed::Set(self.sets.intern(&route.legs)),
        }
    }

    /// Someone wrote to a slot, or told of it: a running dump knows less.
    pub(super) fn touched(&mut self, at: u32) {
        if let Some(dump) = &mut self.dump {
            dump.touched.insert(at);
        }
    }

    /// A slice of the comparison at the end of a dump: what we believe installed and the dump did not
    /// name is gone.
    pub(super) fn step_sweep(&mut self, now: Instant) -> bool {
        let Some(mut dump) = self.dump.take() else {
            return false;
        };
        let Some(start) = dump.sweep else {
            self.dump = Some(dump);
            return false;
        };
        let end = (start + SWEEP_BUDGET).min(self.fib.slots.len());
        for index in start..end {
            let at = index as u32;
            let Some(slot) = self.fib.live(at) else {
                continue;
            };
            if slot.installed() == Installed::Absent
                || dump.seen.get(index).copied().unwrap_or_default()
                || dump.touched.contains(&at)
                || !dump.families.contains(&IpFamily::of(slot.prefix))
            {
                continue;
            }
            let owner = slot.installed_as;
            self.fib.slots[index].set_installed(Installed::Absent, owner);
            if !self.free_if_empty(at) {
                self.repair(at, now);
            }
        }
        if end < self.fib.slots.len() {
            dump.sweep = Some(end);
            self.dump = Some(dump);
            return true;
        }
        self.sweep_interned();
        self.sweep_repairs(now);
        false
    }

    /// Asks for the routes of these families to be read again soon: as soon as things have settled,
    /// and not so often that reading is all we do.
    pub fn request_resync(&mut self, families: &[IpFamily], now: Instant) {
        if self.is_stopping() {
            return;
        }
        let mut at = now + SETTLE;
        if let Some((last, took)) = self.last_dump {
            at = at.max(last + took * DUMP_SHARE);
        }
        let (when, wanted) = self.resync.get_or_insert_with(|| (at, Vec::new()));
        *when = (*when).min(at);
        for family in families {
            if !wanted.contains(family) {
                wanted.push(*family);
            }
        }
    }

    /// The families whose routes have to be read now, if any.
    pub fn due_resync(&mut self, now: Instant) -> Option<Vec<IpFamily>> {
        if self.dump.is_some() || self.resync.as_ref().is_none_or(|(at, _)| *at > now) {
            return None;
        }
        KernelStats::add(&self.stats.resyncs, 1);
        self.resync.take().map(|(_, families)| families)
    }

    /// Whether a dump runs or is being compared.
    pub fn is_dumping(&self) -> bool {
        self.dump.is_some()
    }
}
