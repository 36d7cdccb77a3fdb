//! Answers of the kernel, and when to try again what it refused or what someone else undid.
//!
//! Pure. Refused messages are tried again with a growing pause, and at once when a link or an address
//! changes, since that is what most refusals wait for. Routes that someone else removed are put back
//! after a short pause that grows while the other side goes on removing them.

use std::time::{Duration, Instant};

use super::engine::{Engine, NO_SLOT};
use super::model::{FibAction, FibOp, KernelRefusal, Outcome, SetId};
use super::stats::KernelStats;
use super::table::IpFamily;
use super::view::{Installed, OwnerIdx, SlotState};

const FIRST_RETRY: Duration = Duration::from_millis(100);
const LAST_RETRY: Duration = Duration::from_secs(30);
/// A link that goes down takes its IPv6 routes first and says so after: waiting a moment saves
/// adding routes that cannot be.
const FIRST_REPAIR: Duration = Duration::from_millis(20);
/// After this long without a repair the next one counts as the first.
const REPAIR_MEMORY: Duration = Duration::from_secs(60);

/// A refusal that stands.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    pub(crate) refusal: KernelRefusal,
    /// What was refused; `None` for a removal.
    pub(crate) set: Option<SetId>,
    attempts: u32,
    retry_at: Instant,
    /// The kernel lacked memory: what is installed stays rather than making way for nothing.
    pub(crate) keeps_old: bool,
}

impl Failure {
    /// Whether an attempt with this set has to wait.
    pub(crate) fn waits(&self, set: Option<SetId>, now: Instant) -> bool {
        now < self.retry_at && self.set == set
    }
}

/// How often someone else undid a route of ours.
#[derive(Debug, Clone)]
pub(crate) struct Repair {
    count: u32,
    last: Instant,
    /// Not yet put right.
    open: bool,
}

fn pause(first: Duration, attempts: u32) -> Duration {
    first.saturating_mul(1 << attempts.min(16)).min(LAST_RETRY)
}

impl Engine {
    /// Whether an outcome is a failure, and not a way of saying "it is so already".
    pub(super) fn is_failure(&self, op: &FibOp, outcome: &Outcome) -> bool {
        let Outcome::Refused(refusal) = outcome else {
            return false;
        };
        match op.action {
            FibAction::Delete | FibAction::Leave(_) | FibAction::RemoveSecond(_) => {
                !is_gone(refusal.errno)
            }
            // The first time this only asks for a closer look.
            FibAction::Add(_) => {
                refusal.errno != libc::EEXIST
                    || self.fib.live(op.slot).is_none_or(|slot| slot.probe)
            }
            FibAction::Replace(_) => true,
        }
    }

    /// Takes one answer.
    pub(super) fn apply(&mut self, op: &FibOp, outcome: &Outcome, now: Instant) {
        if self.fib.live(op.slot).is_none() {
            // A route with marks of ours that are not those of its destination.
            if op.slot == NO_SLOT && *outcome == Outcome::Done {
                self.removed_strays.note(op.prefix);
            }
            return;
        }
        self.touched(op.slot);
        let owner = self.fib.owner_index(op.owner);
        let slot = &mut self.fib.slots[op.slot as usize];
        match (op.action, outcome) {
            (FibAction::Add(set) | FibAction::Replace(set), Outcome::Done) => {
                slot.set_installed(Installed::Set(set), owner);
                slot.probe = false;
                self.failures.remove(&op.slot);
                self.fib.set_state(op.slot, SlotState::Installed);
                self.put_right(op.slot);
            }
            (FibAction::Delete, Outcome::Done) => {
                if std::mem::take(&mut slot.stray) {
                    self.removed_strays.note(op.prefix);
                }
                self.deleted(op, owner);
            }
            (FibAction::RemoveSecond(_), Outcome::Done) => self.second_removed(op, now),
            (FibAction::RemoveSecond(set), Outcome::Refused(r)) => match is_gone(r.errno) {
                true => self.second_removed(op, now),
                false => self.second_stays(op, set, now),
            },
            (FibAction::Leave(_), Outcome::Done) => {
                if std::mem::take(&mut slot.stray) {
                    self.removed_strays.note(op.prefix);
                }
                self.deleted(op, owner);
                // Their route was told with our legs in it.
                self.request_resync(&[IpFamily::V6], now);
            }
            (FibAction::Delete | FibAction::Leave(_), Outcome::Refused(r)) if is_gone(r.errno) => {
                self.deleted(op, owner);
            }
            (FibAction::Add(_), Outcome::Refused(r)) if r.errno == libc::EEXIST && !slot.probe => {
                slot.probe = true;
                self.enqueue(op.slot, now);
            }
            (action, Outcome::Refused(refusal)) => self.refused(op, action, refusal, owner, now),
            (_, Outcome::Unknown) => self.unknown(op, owner, now),
        }
    }

    /// The answer was lost.
    fn unknown(&mut self, op: &FibOp, owner: OwnerIdx, now: Instant) {
        let slot = &self.fib.slots[op.slot as usize];
        // Of a route on its way to other marks both may be there.
        if slot.installed() != Installed::Absent && slot.installed_as != owner {
            let other = self.fib.owner(slot.installed_as);
            self.doubles.push((other, op.prefix));
        }
        self.fib.slots[op.slot as usize].set_installed(Installed::Unknown, owner);
        self.enqueue_at(op.slot, now + FIRST_RETRY);
    }

    fn deleted(&mut self, op: &FibOp, owner: OwnerIdx) {
        let slot = &mut self.fib.slots[op.slot as usize];
        // Another owner's route may have been added just before in this batch.
        if slot.installed_as == owner || slot.installed() == Installed::Absent {
            slot.set_installed(Installed::Absent, owner);
        }
        if slot.state == SlotState::Unwanted {
            self.failures.remove(&op.slot);
        }
    }

    fn refused(
        &mut self,
        op: &FibOp,
        action: FibAction,
        refusal: &KernelRefusal,
        owner: OwnerIdx,
        now: Instant,
    ) {
        let slot = &mut self.fib.slots[op.slot as usize];
        slot.probe = false;
        let set = match action {
            FibAction::Add(set) => {
                if slot.installed_as == owner || slot.installed() == Installed::Absent {
                    slot.set_installed(Installed::Absent, owner);
                }
                Some(set)
            }
            FibAction::Replace(set) => {
                // IPv6 replaces leg by leg and may have stopped in between.
                slot.set_installed(Installed::Unknown, owner);
                Some(set)
            }
            FibAction::Delete | FibAction::Leave(_) | FibAction::RemoveSecond(_) => {
                slot.set_installed(Installed::Unknown, owner);
                None
            }
        };
        let prefix = slot.prefix;
        let router = slot.router;
        let attempts = self.failures.get(&op.slot).map_or(0, |f| f.attempts);
        let retry_at = now + pause(FIRST_RETRY, attempts);
        let keeps_old = matches!(refusal.errno, libc::ENOMEM | libc::ENOBUFS | libc::ENOSPC);
        let failure = Failure {
            refusal: refusal.clone(),
            set,
            attempts: attempts + 1,
            retry_at,
            keeps_old,
        };
        self.failures.insert(op.slot, failure);
        if set.is_some() {
            self.fib.set_state(op.slot, SlotState::Failed);
            // What remains of a route that could not be replaced is wrong: take it out.
            if !keeps_old {
                self.enqueue(op.slot, now);
            }
        }
        self.enqueue_at(op.slot, retry_at);
        if let Some(entry) = self.fib.router_mut(router) {
            entry.last_error = Some(format!("{prefix}: {refusal}"));
        }
    }

    /// A link or an address changed: what was refused may now pass.
    pub(super) fn retry_failures(&mut self, now: Instant) {
        let mut slots = Vec::with_capacity(self.failures.len());
        for (at, failure) in &mut self.failures {
            failure.retry_at = now;
            slots.push(*at);
        }
        for at in slots {
            if self.fib.live(at).is_some() {
                self.enqueue(at, now);
            }
        }
    }

    /// What someone else had undone is as it should be.
    pub(super) fn put_right(&mut self, at: u32) {
        if let Some(repair) = self.repairs.get_mut(&at)
            && std::mem::take(&mut repair.open)
        {
            KernelStats::add(&self.stats.repaired, 1);
        }
    }

    /// Whether someone else undid a route of ours, and it waits to be put right.
    pub(super) fn is_undone(&self, at: u32) -> bool {
        self.repairs.get(&at).is_some_and(|repair| repair.open)
    }

    /// Someone else touched our route: look at it again after a pause. Until then it does not count as installed.
    pub(super) fn repair(&mut self, at: u32, now: Instant) {
        if self.fib.slots[at as usize].state == SlotState::Installed {
            self.fib.set_state(at, SlotState::Pending);
        }
        let repair = self.repairs.entry(at).or_insert(Repair {
            count: 0,
            last: now,
            open: true,
        });
        if now.saturating_duration_since(repair.last) > REPAIR_MEMORY {
            repair.count = 0;
        }
        let when = now + pause(FIRST_REPAIR, repair.count.saturating_mul(2));
        repair.count = repair.count.saturating_add(1);
        repair.last = now;
        repair.open = true;
        self.enqueue_at(at, when);
    }

    /// Forgets repairs of long ago.
    pub(super) fn sweep_repairs(&mut self, now: Instant) {
        self.repairs
            .retain(|_, r| now.saturating_duration_since(r.last) <= REPAIR_MEMORY);
    }
}

/// The kernel's ways of saying that there is nothing to remove: no such route, no such table, no
/// such link.
fn is_gone(errno: i32) -> bool {
    matches!(errno, libc::ESRCH | libc::ENOENT | libc::ENODEV)
}
