//! Routes that a router wants in the kernel and that are kept out of it: by something that has their place, by another router of
//! the node, or by a rule; and those that are there and that the kernel does not use, as it prefers someone else's. Told when that
//! begins and when it ends, for the log.
//!
//! Pure. What is told is the difference between what was told last and what is so when somebody looks: what is over by then was never
//! worth a line, and of what was told by name the end is told by name. That a route is withdrawn is no news of the kernel: when it comes
//! back, what was told of it is still so, or it is not. A handful of routes is named and the others are counted, however
//! many there are: a table that meets another plane's may have a hundred thousand of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ipnet::IpNet;

use super::engine::Engine;
use super::table::Preferred;
use super::view::{RouterEntry, RouterIdx, SlotState};
use super::wanted::{Block, Wanted};

/// How many routes are named in one look.
const NAMED: usize = 10;
/// How many routes may have been named of which no end has been told: more are counted.
const REMEMBERED: usize = 100;

/// What has become of a route.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptOut {
    /// The router that wants it.
    pub router: Arc<str>,
    /// Which.
    pub prefix: IpNet,
    /// What has become of it.
    pub fate: Fate,
}

/// What becomes of a route that is wanted in the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is kept out from now on.
    KeptOut(Why),
    /// It is no longer.
    LetIn,
    /// It is there, and from now on the kernel prefers someone else's route.
    Outranked(String),
    /// The kernel prefers ours again.
    Preferred,
}

/// Why a route is kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// By what.
    pub text: String,
    /// It is not to be there, and nothing is wrong with that.
    pub by_rule: bool,
}

/// What is to be told.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeptOutNews {
    /// A handful of routes, by router and prefix.
    pub named: Vec<KeptOut>,
    /// The routes that are kept out or not used and that have not been named, if those are markedly more or fewer than was told last.
    pub others: Option<Others>,
}

/// Routes that are kept out or not used, and that nothing more is told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Others {
    /// How many.
    pub routes: u64,
    /// All of them by rule.
    pub by_rule: bool,
}

/// A router and a prefix.
type Route = (Arc<str>, IpNet);

/// The routes of which there may be something to tell.
#[derive(Debug, Default)]
pub(super) struct Touched {
    /// Something has changed since the last look.
    any: bool,
    /// The first of them.
    first: Vec<Route>,
}

/// What has been told.
#[derive(Debug, Default)]
pub(super) struct Said {
    named: BTreeMap<Route, Fate>,
    /// Some of those are withdrawn: whether they come back is to be seen.
    some_are_gone: bool,
    others: u64,
}

/// Where a route stands.
enum Standing {
    /// That is being found out.
    Open,
    /// Nobody wants it there, or it leads nowhere.
    NotWanted,
    /// It is there, or will be, and is used.
    LetIn,
    /// It is kept out, or not used.
    Remarkable(Fate),
}

impl Fate {
    fn is_by_rule(&self) -> bool {
        matches!(self, Self::KeptOut(why) if why.by_rule)
    }
}

impl From<Block> for Why {
    fn from(block: Block) -> Self {
        Self {
            text: block.to_string(),
            by_rule: block.is_rule(),
        }
    }
}

impl Touched {
    pub(super) fn note(&mut self, router: &RouterEntry, prefix: IpNet) {
        self.again((router.name.clone(), prefix));
    }

    fn again(&mut self, route: Route) {
        self.any = true;
        if self.first.len() < NAMED && !self.first.contains(&route) {
            self.first.push(route);
        }
    }
}

impl Said {
    /// Whether one more can be named. What is withdrawn makes room: until then it is remembered, as it may come back.
    fn has_room(&mut self, gone: &mut Vec<Route>) -> bool {
        while self.named.len() >= REMEMBERED {
            let Some(route) = gone.pop() else {
                return false;
            };
            self.named.remove(&route);
        }
        true
    }

    /// Takes in how many are not named; true if that is to be told.
    fn tells_others(&mut self, routes: u64) -> bool {
        let worth_it = match (self.others, routes) {
            (0, 0) => false,
            (0, _) | (_, 0) => true,
            // Of many some come and go all the time.
            (said, now) => said.abs_diff(now) * 10 >= said,
        };
        if worth_it {
            self.others = routes;
        }
        worth_it
    }
}

impl Engine {
    /// Notes what there is to say of a destination, if that is something else than before.
    pub(super) fn note_remark(&mut self, at: u32, wanted: Wanted) {
        let slot = &self.fib.slots[at as usize];
        let (router, prefix) = (slot.router, slot.prefix);
        let remark = match wanted {
            Wanted::Blocked(block) => Some(Remark::KeptOut(block)),
            Wanted::Route(owner, _) => {
                let table = self.resolver.table.read();
                table.preferred(owner, prefix).map(Remark::Outranked)
            }
            Wanted::Nothing | Wanted::Unresolved => None,
        };
        let before = match remark {
            Some(remark) => self.remarks.insert(at, (router, remark)),
            None => self.remarks.remove(&at),
        };
        if before == remark.map(|remark| (router, remark)) {
            return;
        }
        let other = before.map(|(whose, _)| whose).filter(|w| *w != router);
        for whose in other.into_iter().chain([router]) {
            if let Some(Some(entry)) = self.fib.routers.get(usize::from(whose)) {
                self.fib.touched.note(entry, prefix);
            }
        }
    }

    /// Routes of a router that the kernel has and does not use.
    pub(super) fn outranked(&self, router: RouterIdx) -> u64 {
        let remarks = self.remarks.values();
        let found = remarks
            .filter(|(whose, remark)| *whose == router && matches!(remark, Remark::Outranked(_)));
        found.count() as u64
    }

    /// What is to be told, compared with what was told when this was asked last.
    pub fn kept_out_news(&mut self) -> KeptOutNews {
        let touched = std::mem::take(&mut self.fib.touched);
        let mut news = KeptOutNews::default();
        if !touched.any && !self.said.some_are_gone {
            return news;
        }
        let known = self.said.named.keys().cloned();
        let mut routes: Vec<Route> = known.chain(touched.first).collect();
        routes.sort_unstable();
        routes.dedup();
        let mut gone = Vec::new();
        let mut standings = Vec::with_capacity(routes.len());
        for route in routes {
            match self.standing(&route) {
                Standing::Open => self.fib.touched.again(route),
                Standing::NotWanted => gone.push(route),
                Standing::LetIn => standings.push((route, None)),
                Standing::Remarkable(fate) => standings.push((route, Some(fate))),
            }
        }
        for (route, fate) in standings {
            let said = self.said.named.get(&route).cloned();
            let fate = match (said, fate) {
                (None, None) => continue,
                (Some(Fate::Outranked(_)), None) => Fate::Preferred,
                (Some(_), None) => Fate::LetIn,
                (Some(said), Some(fate)) if said == fate => continue,
                (Some(_), Some(fate)) => fate,
                (None, Some(fate)) if self.said.has_room(&mut gone) => fate,
                (None, Some(_)) => continue,
            };
            match &fate {
                Fate::LetIn | Fate::Preferred => self.said.named.remove(&route),
                fate => self.said.named.insert(route.clone(), fate.clone()),
            };
            let (router, prefix) = route;
            news.named.push(KeptOut {
                router,
                prefix,
                fate,
            });
        }
        self.said.some_are_gone = gone.iter().any(|route| self.said.named.contains_key(route));
        if !touched.any && news.named.is_empty() {
            return news;
        }
        let named = self.said.named.iter();
        let named: Vec<_> = named.filter(|(route, _)| !gone.contains(route)).collect();
        let named_by_rule = named.iter().filter(|(_, fate)| fate.is_by_rule()).count();
        let (all, by_rule) = self.remarkable();
        let by_rule = by_rule.saturating_sub(named_by_rule as u64);
        let routes = all.saturating_sub(named.len() as u64);
        if self.said.tells_others(routes) {
            news.others = Some(Others {
                routes,
                by_rule: routes <= by_rule,
            });
        }
        news
    }

    /// Where a route stands now.
    fn standing(&self, (router, prefix): &Route) -> Standing {
        let found = self.router_named(router).and_then(|idx| {
            let entry = self.fib.router(idx)?;
            let at = self.fib.find_in(entry.config.ownership.table, *prefix)?;
            Some((idx, entry, at, self.fib.live(at)?))
        });
        let Some((idx, entry, at, slot)) = found else {
            return Standing::NotWanted;
        };
        if slot.router != idx {
            let waiting = self.fib.contenders.get(&at).into_iter().flatten();
            return match waiting.into_iter().any(|c| c.router == idx) {
                true => {
                    let winner = self.fib.router(slot.router);
                    let why = self.fib.why_shadowed(*prefix, winner, entry);
                    Standing::Remarkable(Fate::KeptOut(why))
                }
                false => Standing::NotWanted,
            };
        }
        match self.remarks.get(&at) {
            _ if slot.paths == 0 => Standing::NotWanted,
            _ if slot.queued => Standing::Open,
            Some((whose, Remark::KeptOut(block))) if *whose == idx => {
                Standing::Remarkable(Fate::KeptOut((*block).into()))
            }
            Some((whose, Remark::Outranked(by))) if *whose == idx => {
                Standing::Remarkable(Fate::Outranked(by.to_string()))
            }
            _ if slot.state == SlotState::Unresolved => Standing::NotWanted,
            _ => Standing::LetIn,
        }
    }

    /// How many routes are kept out or not used, and how many of them by rule.
    fn remarkable(&self) -> (u64, u64) {
        let routers = self.fib.routers.iter().flatten().filter(|r| !r.leaving);
        let (mut all, mut by_rule) = (0, 0);
        for router in routers {
            let count = |state: SlotState| router.counts[state as usize];
            let excluded = count(SlotState::Excluded) + router.barred;
            by_rule += excluded;
            all += excluded + count(SlotState::Blocked) + router.shadowed;
        }
        let remarks = self.remarks.values();
        let outranked = remarks.filter(|(_, remark)| matches!(remark, Remark::Outranked(_)));
        (all + outranked.count() as u64, by_rule)
    }
}

/// What there is to say of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Remark {
    /// It is kept out.
    KeptOut(Block),
    /// It is there, and another one is used.
    Outranked(Preferred),
}

/// What there is to say of slots, as it was noted last.
pub(super) type Remarks = foldhash::HashMap<u32, (RouterIdx, Remark)>;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::table::Obstacle;

    #[test]
    fn of_many_that_are_not_named_small_changes_are_not_told() {
        let mut said = Said::default();
        let told = [0, 90, 91, 98, 99, 95, 90, 1, 2, 0, 0]
            .map(|routes| (routes, said.tells_others(routes)))
            .into_iter()
            .filter_map(|(routes, told)| told.then_some(routes));
        assert_eq!(told.collect::<Vec<_>>(), [90, 99, 1, 2, 0]);
    }

    #[test]
    fn what_is_not_to_be_there_is_kept_out_by_rule() {
        for (block, by_rule) in [
            (Block::DefaultRoute, true),
            (Block::Obstacle(Obstacle::Connected), true),
            (Block::Obstacle(Obstacle::OwnAddress), true),
            (
                Block::Obstacle(Obstacle::Neighbour([192, 0, 2, 1].into())),
                true,
            ),
            (Block::GatewayFamily, false),
            (
                Block::Obstacle(Obstacle::SameMetric { protocol: 12 }),
                false,
            ),
        ] {
            assert_eq!(Why::from(block).by_rule, by_rule, "{block}");
        }
    }
}
