//! The next messages, in the order in which to send them, and what their answers mean.
//!
//! Pure.

use std::time::Instant;

use ipnet::IpNet;

use super::diff::diff;
use super::engine::{Engine, NO_SLOT};
use super::model::{FibAction, FibOp, Leg, Outcome, Ownership, SetId};
use super::stats::KernelStats;
use super::table::Obstacle;
use super::view::{Installed, SlotState};
use super::wanted::Wanted;

/// Destinations that one batch looks at: most of them may need no message, as after a link went with its routes.
const PLAN_BUDGET: usize = 10_000;

impl Engine {
    /// Appends the next messages, about `limit` of them, additions first and removals after them, so
    /// that what takes traffic over is there before what carried it goes.
    pub fn plan(&mut self, now: Instant, limit: usize, ops: &mut Vec<FibOp>) {
        ops.clear();
        self.planned.clear();
        if self.converged {
            for (owner, prefix) in std::mem::take(&mut self.doubles) {
                let slot = self.fib.find_in(owner.table, prefix.trunc());
                if let Some(slot) = slot.and_then(|at| self.fib.live(at)) {
                    // About to be written: removing must not come after adding.
                    if slot.queued {
                        self.doubles.push((owner, prefix));
                        continue;
                    }
                    // Meanwhile it has become the one that is wanted.
                    let there = slot.installed() != Installed::Absent;
                    if there && self.fib.owner(slot.installed_as) == owner {
                        continue;
                    }
                }
                ops.push(FibOp {
                    slot: NO_SLOT,
                    prefix,
                    owner,
                    action: FibAction::Delete,
                });
                self.planned.push(now);
            }
        }
        for _ in 0..PLAN_BUDGET {
            if ops.len() >= limit {
                break;
            }
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
            matches!(ops[i].action, FibAction::Delete | FibAction::Leave(_))
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

    /// Whether the kernel has legs of someone else in one route with ours. It does that for IPv6, and
    /// removing such a route would take theirs along.
    fn is_shared(&self, owner: Ownership, prefix: IpNet) -> bool {
        let same = || self.resolver.table.read().obstacle(owner, prefix);
        matches!(prefix, IpNet::V6(_)) && matches!(same(), Some(Obstacle::SameMetric { .. }))
    }

    fn plan_slot(&mut self, at: u32, now: Instant, ops: &mut Vec<FibOp>) {
        let Some(slot) = self.fib.live(at) else {
            return;
        };
        if slot.stray && !self.converged {
            return;
        }
        let wanted = self.wanted(at);
        self.note_remark(at, wanted);
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
            (Wanted::Blocked(block), _) if block.is_rule() => (None, SlotState::Excluded),
            (Wanted::Blocked(_), _) => (None, SlotState::Blocked),
            (Wanted::Unresolved, _) => (None, SlotState::Unresolved),
            (Wanted::Route(..), None) => (route, SlotState::Pending),
        };
        // First, as a removal that names no gateways takes the first of several.
        let second = self.plan_seconds(at, target, ops);
        let installed = match second {
            true => self.fib.slots[at as usize].installed(),
            false => installed,
        };
        let steps = diff(
            target,
            installed,
            installed_as,
            probe && target.is_some(),
            self.certain,
        );
        if steps.is_empty() && second {
            // It stands as it should when the others are gone.
            self.fib.set_state(at, state);
            return;
        }
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
            self.free_if_empty(at);
            return;
        }
        self.fib.set_state(at, state);
        for (owner, mut action) in steps {
            if let (FibAction::Delete, Installed::Set(set)) = (action, installed)
                && self.is_shared(owner, prefix)
            {
                action = FibAction::Leave(set);
            }
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
                (
                    Outcome::Done,
                    FibAction::Delete | FibAction::Leave(_) | FibAction::RemoveSecond(_),
                ) => withdrawn += 1,
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
                self.free_if_empty(op.slot);
            }
        }
    }
}
