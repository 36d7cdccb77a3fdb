//! The engine as people see it: rows, counts, explanations.

use std::sync::Arc;

use foldhash::HashMap;
use ipnet::IpNet;

use super::engine::Engine;
use super::host::KernelFacts;
use super::model::{KernelRefusal, Leg};
use super::report::{FibPage, FibRow, FibState, Hop, HopReport, Refused, RouterFibStatus};
use super::source::HopKey;
use super::view::{Installed, NO_ROUTER, PathSetId, RouterIdx, SlotState};
use super::wanted::Wanted;

fn hops(legs: &[Leg], facts: &KernelFacts) -> Vec<Hop> {
    legs.iter()
        .map(|l| Hop {
            gateway: l.gateway,
            interface: facts.link_name(l.ifindex),
            weight: l.weight,
        })
        .collect()
}

impl Engine {
    fn facts(&self) -> Arc<KernelFacts> {
        self.resolver.table.read().facts().clone()
    }

    /// Counts of every router.
    pub fn status(&self) -> Vec<(Arc<str>, RouterFibStatus)> {
        let numbered = (0..).zip(&self.fib.routers);
        let routers = numbered.filter_map(|(at, r)| Some((at, r.as_ref()?)));
        routers
            .filter(|(_, r)| !r.leaving)
            .map(|(at, r)| {
                let count = |state: SlotState| r.counts[state as usize];
                let excluded = count(SlotState::Excluded);
                let not_wanted = count(SlotState::Unwanted) + excluded;
                let status = RouterFibStatus {
                    install: r.config.install,
                    wanted: r.counts.iter().sum::<u64>() - not_wanted + r.shadowed,
                    installed: count(SlotState::Installed),
                    failed: count(SlotState::Failed),
                    blocked: count(SlotState::Blocked),
                    unresolved: count(SlotState::Unresolved),
                    shadowed: r.shadowed,
                    excluded: excluded + r.barred,
                    outranked: self.outranked(at),
                    last_error: r.last_error.clone(),
                    denied: None,
                };
                (r.name.clone(), status)
            })
            .collect()
    }

    /// What the kernel refuses, by router and reason.
    pub fn refusals(&self) -> Vec<Refused> {
        let mut found: HashMap<(RouterIdx, &KernelRefusal), (u64, IpNet)> = HashMap::default();
        for (at, failure) in &self.failures {
            let Some(slot) = self.fib.live(*at) else {
                continue;
            };
            if slot.state == SlotState::Failed {
                let first = found
                    .entry((slot.router, &failure.refusal))
                    .or_insert((0, slot.prefix));
                *first = (first.0 + 1, first.1.min(slot.prefix));
            }
        }
        let refused = found
            .into_iter()
            .filter_map(|((router, refusal), (routes, example))| {
                Some(Refused {
                    router: self.fib.router(router)?.name.clone(),
                    reason: refusal.to_string(),
                    routes,
                    example,
                })
            });
        refused.collect()
    }

    /// A page of rows whose prefix `keep` accepts: of at most `budget` destinations from `cursor` on, in
    /// no order.
    pub fn rows(&mut self, cursor: u32, budget: usize, keep: &dyn Fn(&IpNet) -> bool) -> FibPage {
        let mut page = FibPage::default();
        let start = cursor as usize;
        let end = start
            .saturating_add(budget.max(1))
            .min(self.fib.slots.len());
        for at in start..end {
            let at = at as u32;
            if self.fib.live(at).is_some_and(|slot| keep(&slot.prefix)) {
                self.slot_rows(at, &mut page.rows);
            }
        }
        if end < self.fib.slots.len() {
            page.next = u32::try_from(end).ok();
        }
        page
    }

    /// Every router's wish for exactly this prefix, and what became of it.
    pub fn explain(&mut self, prefix: IpNet) -> Vec<FibRow> {
        let mut rows = Vec::new();
        let tables: Vec<u16> = self.fib.table_indexes().collect();
        for table in tables {
            if let Some(at) = self.fib.find(table, prefix.trunc()) {
                self.slot_rows(at, &mut rows);
            }
        }
        rows
    }

    /// The next hops of all tables, and how they are reached.
    pub fn next_hops(&self) -> Vec<HopReport> {
        let facts = self.facts();
        let all = self.resolver.all();
        all.into_iter()
            .map(|(key, reach)| HopReport {
                address: key.address,
                interface: key.link.map(|l| facts.link_name(l)),
                reachable: reach.state().reachable,
                metric: reach.metric,
                via: reach.via,
                hops: hops(&reach.legs, &facts),
            })
            .collect()
    }

    fn slot_rows(&mut self, at: u32, rows: &mut Vec<FibRow>) {
        let facts = self.facts();
        let wanted = self.wanted(at);
        let slot = &self.fib.slots[at as usize];
        let (prefix, state, router) = (slot.prefix, slot.state, slot.router);
        let winner = self.fib.router(router).map(|r| r.name.clone());
        let installed_owner = self.fib.owner(slot.installed_as);
        let installed = match slot.installed() {
            Installed::Set(id) => hops(self.sets.legs(id), &facts),
            Installed::Absent | Installed::Unknown => Vec::new(),
        };
        let table = self.fib.table_id(slot.table);
        let addresses = |paths: PathSetId| -> Vec<_> {
            self.fib
                .hops(paths)
                .iter()
                .map(|h: &HopKey| h.address)
                .collect()
        };
        if router != NO_ROUTER || slot.installed() != Installed::Absent {
            let owner = self
                .fib
                .router(router)
                .map_or(installed_owner, |r| r.config.ownership);
            let state = match state {
                SlotState::Unwanted if slot.stray && !self.converged => FibState::Stale,
                SlotState::Unwanted | SlotState::Pending | SlotState::Free => FibState::Pending,
                SlotState::Installed => FibState::Installed,
                SlotState::Failed => FibState::Failed,
                SlotState::Blocked => FibState::Blocked,
                SlotState::Excluded => FibState::Excluded,
                SlotState::Unresolved => FibState::Unresolved,
            };
            let reason = match (&wanted, state) {
                (_, FibState::Failed) => self.failures.get(&at).map(|f| f.refusal.to_string()),
                (Wanted::Blocked(block), _) => Some(block.to_string()),
                (Wanted::Unresolved, _) => Some("no next hop is reached".to_owned()),
                (Wanted::Route(..), FibState::Pending) if self.seconds.contains_key(&at) => {
                    Some("someone put another route with our protocol and metric beside it: that one goes soon".to_owned())
                }
                (Wanted::Route(..), FibState::Pending) if self.is_undone(at) => {
                    Some("someone changed it: it is put right soon".to_owned())
                }
                (Wanted::Route(owner, _), FibState::Installed) => {
                    let table = self.resolver.table.read();
                    table.preferred(*owner, prefix).map(|by| by.to_string())
                }
                (_, FibState::Stale) => {
                    Some("from an earlier run; kept until the tables have converged".to_owned())
                }
                _ => None,
            };
            rows.push(FibRow {
                router: winner.clone(),
                prefix,
                table,
                metric: owner.metric,
                protocol: owner.protocol,
                state,
                next_hops: addresses(slot.paths),
                wanted: match wanted {
                    Wanted::Route(_, set) => hops(self.sets.legs(set), &facts),
                    _ => Vec::new(),
                },
                installed,
                reason,
                shadowed_by: None,
            });
        }
        for c in self.fib.contenders.get(&at).into_iter().flatten() {
            let Some(entry) = self.fib.router(c.router) else {
                continue;
            };
            let by = self.fib.router(router);
            let why = self.fib.why_shadowed(prefix, by, entry);
            rows.push(FibRow {
                router: Some(entry.name.clone()),
                prefix,
                table,
                metric: entry.config.ownership.metric,
                protocol: entry.config.ownership.protocol,
                state: match c.barred {
                    true => FibState::Excluded,
                    false => FibState::Shadowed,
                },
                next_hops: addresses(c.paths),
                wanted: Vec::new(),
                installed: Vec::new(),
                reason: Some(why.text),
                shadowed_by: winner.clone().filter(|_| !c.barred),
            });
        }
    }
}
