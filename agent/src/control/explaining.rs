//! PURE: `explain` in the making: which destinations are meant, then everything about each of them, router by router.
//!
//! One destination is named and found at once. Others are found by a walk through tables, whose pages are looked at one
//! in each [`step`](Explaining::step), as those of an answer with rows are.

use std::collections::VecDeque;
use std::sync::Arc;

use ipnet::IpNet;
use rib::RouteKey;

use super::answer::PAGE;
use super::protocol::{Explained, RouteQuery};
use super::routes::{FibRow, FibView, RouteTable, Rows};
use super::views::RouterView;

/// How many destinations of a router are explained. More are hardly read by a person.
pub(super) const MOST: usize = 100;

/// The answer to one question.
pub(super) struct Explaining {
    query: RouteQuery,
    /// What the kernel may have even where the tables have nothing.
    prefix: Option<IpNet>,
    parts: VecDeque<Part>,
    fib: Option<Arc<dyn FibView>>,
    told: bool,
}

/// One router.
pub(super) struct Part {
    pub(super) router: RouterView,
    pub(super) table: Option<Arc<dyn RouteTable>>,
    /// Through its families.
    pub(super) walks: VecDeque<Rows<RouteKey>>,
    pub(super) found: Vec<RouteKey>,
}

/// What came of a step.
pub(super) enum Stepped {
    /// Some explanations, perhaps none, and there may be more.
    More(Vec<Explained>),
    /// Too many destinations of this router are meant.
    TooMany(String),
    /// All has been said.
    Done,
    /// There was nothing to say.
    Nothing(String),
}

impl Explaining {
    /// `plain`: neither a family nor a route distinguisher was named.
    pub(super) fn new(
        query: RouteQuery,
        plain: bool,
        parts: VecDeque<Part>,
        fib: Option<Arc<dyn FibView>>,
    ) -> Self {
        Self {
            prefix: query.prefix().filter(|_| plain),
            query,
            parts,
            fib,
            told: false,
        }
    }

    /// Looks at one page, or explains what was found in a router.
    pub(super) fn step(&mut self) -> Stepped {
        let Some(part) = self.parts.front_mut() else {
            return match self.told {
                true => Stepped::Done,
                false => Stepped::Nothing(self.query.nothing("no router knows")),
            };
        };
        if let Some(walk) = part.walks.front_mut() {
            match walk(PAGE) {
                Some(keys) => part.found.extend(keys),
                None => drop(part.walks.pop_front()),
            }
            return match part.found.len() > MOST {
                true => Stepped::TooMany(part.router.name.clone()),
                false => Stepped::More(Vec::new()),
            };
        }
        let Some(part) = self.parts.pop_front() else {
            return Stepped::Done;
        };
        let explained = self.explain(part);
        self.told |= !explained.is_empty();
        Stepped::More(explained)
    }

    fn explain(&self, mut part: Part) -> Vec<Explained> {
        part.found.sort_unstable();
        if matches!(self.query, RouteQuery::Covering(_))
            && part.found.iter().all(|key| key.rd().is_none())
        {
            // Prefixes around one address in one table: the longest is meant first.
            part.found.reverse();
        }
        let keys = part.found.iter();
        let routes = keys.filter_map(|key| part.table.as_ref()?.explain(key));
        let mut all: Vec<_> = routes
            .map(|mut route| {
                route.router.clone_from(&part.router.name);
                for path in &mut route.paths {
                    path.row.router.clone_from(&part.router.name);
                }
                let kernel = self.kernel(&part.router, route.prefix);
                Explained {
                    router: part.router.clone(),
                    route: Some(route),
                    kernel,
                }
            })
            .collect();
        if all.is_empty() {
            let kernel = self.kernel(&part.router, self.prefix);
            let router = part.router;
            all.extend((!kernel.is_empty()).then_some(Explained {
                router,
                route: None,
                kernel,
            }));
        }
        all
    }

    fn kernel(&self, router: &RouterView, prefix: Option<IpNet>) -> Vec<FibRow> {
        let (Some(fib), Some(prefix)) = (&self.fib, prefix) else {
            return Vec::new();
        };
        let mut entries = fib.explain(&prefix);
        let ours = |name: &String| *name == router.name;
        entries.retain(|entry| entry.router.as_ref().is_none_or(ours));
        entries
    }
}
