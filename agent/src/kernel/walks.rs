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

impl Engine {
    pub(super) fn follow_next_hops(&mut self) -> bool {
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
        let keys: HashSet<HopKey> = changed.iter().map(|(k, _)| *k).collect();
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

    pub(super) fn step_rib_walks(&mut self) -> bool {
        if let Some(walk) = self.rib_walks.first_mut()
            && walk.step(WALK_BUDGET)
        {
            self.rib_walks.remove(0);
        }
        !self.rib_walks.is_empty()
    }

    pub(super) fn step_requeue(&mut self, now: Instant) -> bool {
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
}
