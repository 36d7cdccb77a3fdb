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
use super::routes::{FibRow, FibView, RouteTable, Rows, ToldExplanation};
use super::sessions::{PeerFamilyView, PeerView, SessionState};
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
    /// All peers, of which those of this router count.
    pub(super) peers: Arc<[PeerView]>,
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
                let without = without_family(&part, &route.family, &route.told);
                route.told.extend(without);
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

/// The peers that are up and are told nothing of a family, by what is so with it.
fn without_family(part: &Part, family: &str, told: &[ToldExplanation]) -> Vec<ToldExplanation> {
    let up = part
        .peers
        .iter()
        .filter(|peer| peer.router == part.router.name && peer.state == SessionState::Established);
    let mut all = Vec::new();
    for (why, is_so) in [
        (
            "the family was not negotiated: the neighbour did not offer it",
            (|one| one.not_negotiated) as fn(&PeerFamilyView) -> bool,
        ),
        (
            "the family was given up until the session ends: its routes could not be read",
            |one| one.disabled,
        ),
    ] {
        let of = |peer: &&PeerView| {
            let mut families = peer.families.iter();
            let known = told.iter().any(|entry| entry.peers.contains(&peer.name));
            !known && families.any(|one| one.family == family && is_so(one))
        };
        let peers: Vec<String> = up
            .clone()
            .filter(of)
            .map(|peer| peer.name.clone())
            .collect();
        if !peers.is_empty() {
            all.push(ToldExplanation {
                policies: Vec::new(),
                group: None,
                peers,
                path_id: None,
                announced: None,
                reason: Some(why.to_owned()),
            });
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peers_without_the_family_are_told_nothing_for_that_reason() {
        let peer = |name: &str, not_negotiated, disabled| PeerView {
            name: name.to_owned(),
            router: "core".to_owned(),
            state: SessionState::Established,
            families: vec![PeerFamilyView {
                family: "ipv4/vpn".to_owned(),
                not_negotiated,
                disabled,
                ..PeerFamilyView::default()
            }],
            ..PeerView::default()
        };
        let part = Part {
            router: RouterView {
                name: "core".to_owned(),
                ..RouterView::default()
            },
            table: None,
            peers: [
                peer("has-it", false, false),
                peer("never-had-it", true, false),
                peer("gave-it-up", false, true),
                peer("is-told-all-the-same", false, true),
                PeerView {
                    router: "edge".to_owned(),
                    ..peer("of-another-router", true, false)
                },
                PeerView {
                    state: SessionState::Active,
                    ..peer("is-down", true, false)
                },
            ]
            .into(),
            walks: VecDeque::new(),
            found: Vec::new(),
        };
        let told = [ToldExplanation {
            policies: Vec::new(),
            group: None,
            peers: vec!["has-it".to_owned(), "is-told-all-the-same".to_owned()],
            path_id: None,
            announced: None,
            reason: None,
        }];
        let of = |family| -> Vec<(Vec<String>, String)> {
            let all = without_family(&part, family, &told).into_iter();
            all.map(|entry| (entry.peers, entry.reason.unwrap_or_default()))
                .collect()
        };
        let [(never, why), (gave_up, because)] = &of("ipv4/vpn")[..] else {
            panic!("{:?}", of("ipv4/vpn"));
        };
        assert_eq!(
            (&never[..], &gave_up[..]),
            (
                &["never-had-it".to_owned()][..],
                &["gave-it-up".to_owned()][..]
            )
        );
        assert!(why.contains("not negotiated"), "{why}");
        assert!(because.contains("given up"), "{because}");
        assert_eq!(of("ipv6/vpn"), []);
    }
}
