//! Walks over all destinations, which pause: a router goes, a link takes its routes along, next hops
//! lead elsewhere.
//!
//! Pure. A walk counts over the flat array of slots, so what is added or freed while it pauses does not
//! disturb it.

use std::time::Instant;

use foldhash::HashSet;

use super::engine::{Engine, RESOLVE_BUDGET, WALK_BUDGET};
use super::model::SetId;
use super::source::HopKey;
use super::view::{Installed, NO_ROUTER, PathSetId, RouterIdx};
use super::wanted::Resolved;

/// A walk over the slots.
pub(super) enum SlotWalk {
    /// A router goes.
    Leave { router: RouterIdx, next: usize },
    /// All that is installed and that nobody wants (or, when stopping, all that is installed).
    Installed { next: usize },
    /// Routes whose every leg used a link that is down: the kernel dropped them.
    Evict { sets: Vec<SetId>, next: usize },
}

/// Destinations whose path set resolves otherwise than before. Goes round, so that the end has its turn
/// though changes keep coming.
pub(super) struct Requeue {
    /// By path set.
    marks: Vec<bool>,
    next: usize,
    /// Slots to visit until all have been since the last change.
    left: usize,
}

impl Engine {
    pub(super) fn follow_next_hops(&mut self) -> bool {
        let (changed, more) = self.resolver.refresh(RESOLVE_BUDGET);
        if !changed.is_empty() {
            let told = changed.iter().filter(|(_, told)| *told);
            self.told.extend(told.map(|(key, _)| *key));
            let keys: HashSet<HopKey> = changed.iter().map(|(k, _)| *k).collect();
            self.resolve_again(&keys);
        }
        // One walk a table at a time: what changes meanwhile goes into the next one.
        if self.rib_walks.is_empty() && !self.told.is_empty() {
            let mut told = std::mem::take(&mut self.told);
            told.sort_unstable();
            told.dedup();
            for (_, source) in &self.sources {
                self.rib_walks.push(source.hops_changed(&told));
            }
        }
        more || self.requeue.is_some() || !self.rib_walks.is_empty()
    }

    /// Resolves the path sets that have one of these next hops, and marks those that lead elsewhere now.
    fn resolve_again(&mut self, keys: &HashSet<HopKey>) {
        let mut marks = vec![false; self.fib.path_set_count()];
        let mut any = false;
        for (id, mark) in marks.iter_mut().enumerate().take(self.resolved.len()) {
            let paths = id as PathSetId;
            if !self.fib.hops(paths).iter().any(|h| keys.contains(h)) {
                continue;
            }
            let before = std::mem::replace(&mut self.resolved[id], Resolved::Stale);
            *mark = self.resolve_paths(paths) != before;
            any |= *mark;
        }
        if !any {
            return;
        }
        let old = self.requeue.take();
        let next = old.as_ref().map_or(0, |old| old.next);
        for (mark, old) in marks.iter_mut().zip(old.iter().flat_map(|old| &old.marks)) {
            *mark |= old;
        }
        self.requeue = Some(Requeue {
            marks,
            next,
            left: self.fib.slots.len(),
        });
    }

    pub(super) fn step_rib_walks(&mut self) -> bool {
        if let Some(walk) = self.rib_walks.first_mut()
            && walk.step(WALK_BUDGET)
        {
            self.rib_walks.remove(0);
        }
        !self.rib_walks.is_empty() || !self.told.is_empty()
    }

    pub(super) fn step_requeue(&mut self, now: Instant) -> bool {
        let Some(mut walk) = self.requeue.take() else {
            return false;
        };
        let len = self.fib.slots.len();
        for _ in 0..WALK_BUDGET.min(walk.left).min(len) {
            let at = walk.next % len;
            walk.next = at + 1;
            walk.left -= 1;
            let slot = &self.fib.slots[at];
            if slot.paths != 0
                && walk
                    .marks
                    .get(slot.paths as usize)
                    .copied()
                    .unwrap_or_default()
            {
                self.enqueue(at as u32, now);
            }
        }
        let more = walk.left > 0 && len > 0;
        if more {
            self.requeue = Some(walk);
        }
        more
    }

    pub(super) fn step_walks(&mut self, now: Instant) -> bool {
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
                        self.enqueue(at, now);
                    }
                }
                SlotWalk::Evict { sets, .. } => {
                    if matches!(slot.installed(), Installed::Set(id) if sets.contains(&id)) {
                        // A guess about what happened before: a dump that runs knows better, and
                        // another one follows.
                        let owner = slot.installed_as;
                        self.fib.slots[at as usize].set_installed(Installed::Absent, owner);
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
}
