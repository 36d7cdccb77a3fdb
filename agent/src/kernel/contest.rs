//! Routers of one node that want one destination: which of them has it, and who waits.
//!
//! Pure.

use ipnet::IpNet;
use smallvec::SmallVec;

use super::kept_out::Why;
use super::view::{FibTable, NO_ROUTER, PathSetId, RouterEntry, RouterIdx};
use super::wanted::Block;

/// A router that wants a destination which another one has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Contender {
    pub(crate) router: RouterIdx,
    pub(crate) paths: PathSetId,
    /// It may not install the prefix, whoever has it. Counted so as long as this stands.
    pub(crate) barred: bool,
}

impl FibTable {
    /// Which of two routers has a destination that both want: the lower metric, then the name. One that
    /// may not install a default route leaves it to one that may.
    fn before(&self, prefix: IpNet, a: RouterIdx, b: RouterIdx) -> bool {
        let rank = |at| {
            self.router(at).map(|r| {
                let may = r.config.may_install(prefix);
                (r.leaving, !may, r.config.ownership.metric, r.name.clone())
            })
        };
        match (rank(a), rank(b)) {
            (Some(a), Some(b)) => a < b,
            (a, _) => a.is_some(),
        }
    }

    /// What `router` now wants of a destination: `paths`, or nothing if 0. True if the winner, or
    /// its paths, changed.
    pub(crate) fn want(&mut self, at: u32, router: RouterIdx, paths: PathSetId) -> bool {
        let slot = &self.slots[at as usize];
        let (prefix, winner, winning) = (slot.prefix, slot.router, slot.paths);
        if winner == NO_ROUTER || winner == router && !self.contenders.contains_key(&at) {
            if winning == paths && winner == router {
                return false;
            }
            let router = if paths == 0 { NO_ROUTER } else { router };
            self.set_router(at, router, paths);
            return winning != paths;
        }
        // Two or more: all in one list, the best of them in the slot, the rest stays in the list.
        let mut list = self.contenders.remove(&at).unwrap_or_default();
        let before: SmallVec<[RouterIdx; 2]> = list.iter().map(|c| c.router).collect();
        for c in &list {
            if let Some(count) = self.waiting(*c) {
                *count = count.saturating_sub(1);
            }
        }
        let contender = |router, paths| Contender {
            router,
            paths,
            barred: false,
        };
        list.push(contender(winner, winning));
        list.retain(|c| c.router != router);
        if paths != 0 {
            list.push(contender(router, paths));
        }
        let best = (0..list.len()).reduce(|a, b| {
            if self.before(prefix, list[b].router, list[a].router) {
                b
            } else {
                a
            }
        });
        let best = best.map(|b| list.swap_remove(b));
        let (new_router, new_paths) = best.map_or((NO_ROUTER, 0), |b| (b.router, b.paths));
        for c in &mut list {
            let may = |r: &RouterEntry| r.config.may_install(prefix);
            c.barred = !self.router(c.router).is_none_or(may);
            if let Some(count) = self.waiting(*c) {
                *count += 1;
            }
        }
        self.note_waiting(prefix, &before, &list, winner != new_router);
        if !list.is_empty() {
            self.contenders.insert(at, list);
        }
        self.set_router(at, new_router, new_paths);
        (winner, winning) != (new_router, new_paths)
    }

    /// The count that a router which waits for a destination is in.
    fn waiting(&mut self, contender: Contender) -> Option<&mut u64> {
        let entry = self.router_mut(contender.router)?;
        Some(match contender.barred {
            true => &mut entry.barred,
            false => &mut entry.shadowed,
        })
    }

    /// Decides again which router has a destination; true if that is another one now.
    pub(crate) fn rank_again(&mut self, at: u32) -> bool {
        let slot = &self.slots[at as usize];
        self.want(at, slot.router, slot.paths)
    }

    /// Notes who waits for a destination, or no longer does, or waits for another one than before.
    fn note_waiting(
        &mut self,
        prefix: IpNet,
        before: &[RouterIdx],
        now: &[Contender],
        another: bool,
    ) {
        let mut touched = std::mem::take(&mut self.touched);
        let waits = |router: &RouterIdx| now.iter().any(|c| c.router == *router);
        let no_longer = before.iter().filter(|router| !waits(router));
        let begun = now.iter().map(|c| &c.router);
        let begun = begun.filter(|router| another || !before.contains(router));
        for router in no_longer.chain(begun) {
            if let Some(entry) = self.router(*router) {
                touched.note(entry, prefix);
            }
        }
        self.touched = touched;
    }

    /// Why a router does not have a destination that this one has: what bars the router itself comes first.
    pub(super) fn why_shadowed(
        &self,
        prefix: IpNet,
        by: Option<&RouterEntry>,
        loser: &RouterEntry,
    ) -> Why {
        let text = match by {
            _ if !loser.config.may_install(prefix) => return Block::DefaultRoute.into(),
            Some(by) if by.config.ownership.metric < loser.config.ownership.metric => {
                format!("router {} has a lower metric", by.name)
            }
            Some(by) => format!(
                "router {} has the same metric and comes first by name",
                by.name
            ),
            None => "another router has the prefix".to_owned(),
        };
        Why {
            text,
            by_rule: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::model::FibConfig;
    use crate::kernel::view::tests::{config, hop, setup};

    #[test]
    fn the_lower_metric_has_the_prefix_then_the_first_name() {
        let (mut t, at, [a, b, c]) = setup();
        let (p1, p2, p3) = (
            t.intern_paths(&[hop(1)]),
            t.intern_paths(&[hop(2)]),
            t.intern_paths(&[hop(3)]),
        );
        assert!(t.want(at, a, p1));
        assert!(t.want(at, b, p2), "same metric, earlier name");
        assert_eq!(t.slots[at as usize].router, b);
        assert!(t.want(at, c, p3), "lower metric");
        assert_eq!(
            (t.slots[at as usize].router, t.slots[at as usize].paths),
            (c, p3)
        );
        assert_eq!(
            t.router(a).unwrap().shadowed + t.router(b).unwrap().shadowed,
            2
        );

        assert!(
            !t.want(at, a, p2),
            "a shadowed router's change does not touch the kernel"
        );
        assert!(t.want(at, c, 0));
        assert_eq!(t.slots[at as usize].router, b);
        assert!(t.want(at, b, 0));
        assert_eq!(
            (t.slots[at as usize].router, t.slots[at as usize].paths),
            (a, p2)
        );
        assert_eq!(t.router(a).unwrap().shadowed, 0);
        assert!(t.want(at, a, 0));
        assert!(t.free_if_empty(at));
        assert_eq!(t.len(), 0);
    }

    #[test]
    fn a_default_route_is_left_to_a_router_that_may_install_it() {
        let mut t = FibTable::new();
        let strict = t.add_router("a".into(), config(100));
        let lenient = FibConfig {
            accept_default_route: true,
            ..config(300)
        };
        let lenient = t.add_router("b".into(), lenient);
        let main = t.table_index(254);
        let (p1, p2) = (t.intern_paths(&[hop(1)]), t.intern_paths(&[hop(2)]));
        for (prefix, winner) in [
            ("0.0.0.0/0", lenient),
            ("::/0", lenient),
            ("0.0.0.0/1", strict),
        ] {
            let at = t.slot(main, prefix.parse().unwrap());
            t.want(at, lenient, p2);
            t.want(at, strict, p1);
            assert_eq!(t.slots[at as usize].router, winner, "{prefix}");
        }
        // Who waits for another router is shadowed, who may not have it at all is barred.
        let waiting = |t: &FibTable, router| {
            let entry: &RouterEntry = t.router(router).unwrap();
            (entry.barred, entry.shadowed)
        };
        assert_eq!(
            (waiting(&t, strict), waiting(&t, lenient)),
            ((2, 0), (0, 1))
        );
        // Now it may not either: the lower metric counts again.
        let at = t.slot(main, "::/0".parse().unwrap());
        t.router_mut(lenient).unwrap().config.accept_default_route = false;
        assert!(t.rank_again(at));
        assert_eq!(t.slots[at as usize].router, strict);
        assert!(!t.rank_again(at));
        assert_eq!(
            (waiting(&t, strict), waiting(&t, lenient)),
            ((1, 0), (1, 1))
        );
        let why = |t: &FibTable, by, loser| {
            t.why_shadowed(IpNet::default(), t.router(by), t.router(loser).unwrap())
        };
        assert_eq!(why(&t, strict, lenient), Block::DefaultRoute.into());
        t.router_mut(lenient).unwrap().config.accept_default_route = true;
        assert!(t.rank_again(at));
        assert_eq!(
            (t.slots[at as usize].router, t.slots[at as usize].paths),
            (lenient, p2)
        );
        assert_eq!(
            (waiting(&t, strict), waiting(&t, lenient)),
            ((2, 0), (0, 1))
        );
        assert!(t.want(at, lenient, 0));
        assert_eq!(
            (waiting(&t, strict), waiting(&t, lenient)),
            ((1, 0), (0, 1))
        );
    }
}
