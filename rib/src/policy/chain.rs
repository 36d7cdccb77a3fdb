//! Policies that routes pass through one after the other, as they are evaluated.
//!
//! In each policy the first term that matches decides: it denies, which is final, or permits, changes the set, and hands it on to the
//! next policy. Where no term matches the set goes on as it is; behind the last policy the route passes.
//!
//! What a policy does is found out once for each attribute set: which terms take the set, and what each makes of it. Where terms
//! ask for more than the set, the routes that share it only ask which of those terms take the route, and find what comes of it
//! ready made.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::ops::Range;
use std::sync::Arc;

use bgp_wire::{AttrEditor, AttrRef, Family};
use smallvec::SmallVec;

use super::action::{NextHopChange, Set, has_sid};
use super::matcher::{RouteFacts, SetView};
use super::prefixes::PrefixLists;
use super::questions::Questions;
use super::term::{Action, Term, TermSet};

/// The terms of one policy, ready to be evaluated.
pub struct Policy {
    name: Arc<str>,
    terms: Vec<Term>,
    questions: Questions,
    lists: PrefixLists,
    /// Terms that have no prefix list.
    without_list: TermSet,
    asks_for_route: bool,
}

/// A policy with more terms than can be evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a policy has at most {most} terms, and this one has {0}", most = TermSet::MOST)]
pub struct TooManyTerms(pub usize);

impl Policy {
    /// The policy with these terms, in any order.
    pub fn new(name: impl Into<Arc<str>>, mut terms: Vec<Term>) -> Result<Self, TooManyTerms> {
        if terms.len() > TermSet::MOST {
            return Err(TooManyTerms(terms.len()));
        }
        terms.sort_by_key(|term| term.sequence);
        for term in &mut terms {
            // What is announced has no host bits.
            term.matches.prefix = term.matches.prefix.map(|prefix| prefix.trunc());
        }
        let lists = terms.iter().enumerate().flat_map(|(place, term)| {
            let list = term.matches.prefixes.iter().flatten();
            list.map(move |net| (*net, TermSet::of(place)))
        });
        let lists = PrefixLists::new(lists);
        let mut without_list = TermSet::EMPTY;
        for (place, term) in terms.iter().enumerate() {
            if term.matches.prefixes.is_none() {
                without_list |= TermSet::of(place);
            }
        }
        Ok(Self {
            name: name.into(),
            asks_for_route: terms.iter().any(|term| term.matches.asks_for_route()),
            questions: Questions::of(&terms),
            terms,
            lists,
            without_list,
        })
    }

    /// By which people know it.
    pub fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// The terms, in the order in which they are tried.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// The terms that take the set, whatever the route.
    fn taking(&self, attrs: AttrRef<'_>, family: Family) -> TermSet {
        let mut view = SetView::new(attrs, family);
        let mut taking = TermSet::EMPTY;
        for place in self.questions.candidates(attrs, family).iter() {
            let Some(term) = self.terms.get(place) else {
                break;
            };
            if self.questions.settles(place) || term.matches.takes_set(&mut view) {
                taking |= TermSet::of(place);
                // Nothing behind a term that takes every route of the set is reached.
                if !term.matches.asks_for_route() {
                    break;
                }
            }
        }
        taking
    }

    /// The first of these terms that takes the route.
    fn first(
        &self,
        taking: TermSet,
        attrs: AttrRef<'_>,
        route: Option<&RouteFacts>,
    ) -> Option<usize> {
        let listed = || match route.and_then(|route| route.key.net()) {
            Some(net) if !self.asks_no_list(taking) => self.lists.around(net),
            _ => TermSet::EMPTY,
        };
        let candidates = taking.and(self.without_list | listed());
        candidates.iter().find(|place| {
            self.terms.get(*place).is_some_and(|term| {
                !term.matches.asks_for_route()
                    || route.is_some_and(|route| term.matches.takes_route(route, attrs))
            })
        })
    }

    fn asks_no_list(&self, taking: TermSet) -> bool {
        taking.and(self.without_list) == taking
    }
}

/// By name and terms; all else is made of these.
impl fmt::Debug for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.name, self.terms)
    }
}

/// By name and terms.
impl PartialEq for Policy {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name && self.terms == other.terms
    }
}

impl Eq for Policy {}

/// By name alone: few policies share one.
impl Hash for Policy {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

/// See the top of this file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Default)]
pub struct Chain(Arc<[Arc<Policy>]>);

/// What becomes of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// It passes.
    Permit {
        /// The set as it is now, if it was changed.
        changed: Option<AttrRef<'a>>,
        /// What the next hop becomes, if a term says so.
        next_hop: Option<NextHopChange>,
        /// MED is what a term says.
        sets_med: bool,
    },
    /// It does not.
    Deny(TermId),
}

/// Through which terms of a chain a route goes. Routes that share a set and go the same way fare the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Way(Result<usize, TermId>);

/// A term of a chain, by the places of its policy and of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TermId {
    policy: u16,
    term: u16,
}

/// What one policy of a chain did with a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Step<'a> {
    /// The policy.
    pub policy: &'a Policy,
    /// The term that matched, if one did.
    pub term: Option<&'a Term>,
    /// The term changes the behavior of SRv6 SIDs, and the route has none.
    pub lacks_sid: bool,
}

impl Chain {
    /// These policies, in the order in which routes pass through them.
    pub fn new(policies: impl IntoIterator<Item = Arc<Policy>>) -> Self {
        Self(policies.into_iter().collect())
    }

    /// Whether there is no policy in it: every route passes as it is.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The policies.
    pub fn policies(&self) -> &[Arc<Policy>] {
        &self.0
    }

    /// Whether two routes with the same attribute set can fare differently.
    pub fn asks_for_route(&self) -> bool {
        self.0.iter().any(|policy| policy.asks_for_route)
    }

    /// The policy and the term behind an id of this chain.
    pub fn term(&self, id: TermId) -> Option<(&Policy, &Term)> {
        let policy = self.0.get(usize::from(id.policy))?;
        let term = policy.terms.get(usize::from(id.term))?;
        Some((policy, term))
    }

    /// What each policy does with a route, up to the one that denies it, if one does.
    pub fn trace(&self, attrs: AttrRef<'_>, family: Family, route: &RouteFacts) -> Vec<Step<'_>> {
        let mut ways = Ways::default();
        ways.begin(self, attrs, family);
        ways.trace(self, route)
    }
}

/// A chain under evaluation for the routes of one attribute set. What was found out for one route is there for the next. It can be used
/// again for another set, and then needs no more memory.
#[derive(Debug, Default)]
pub struct Evaluation {
    chain: Chain,
    ways: Ways,
}

/// The ways through a chain that are known.
#[derive(Debug)]
struct Ways {
    family: Family,
    nodes: Vec<Node>,
    /// The sets of the nodes.
    bytes: Vec<u8>,
    editor: AttrEditor,
}

/// How far a route has come: through which terms of the policies before.
#[derive(Debug)]
struct Node {
    policy: usize,
    /// The set as it arrived here.
    set: Range<usize>,
    changed: bool,
    next_hop: Option<NextHopChange>,
    sets_med: bool,
    /// The terms of the policy that take the set.
    taking: TermSet,
    /// Where routes come by the terms that they match.
    onward: SmallVec<[(Option<usize>, usize); 2]>,
}

impl Evaluation {
    /// Of the routes of this family that share the set `attrs`.
    pub fn new(chain: &Chain, attrs: AttrRef<'_>, family: Family) -> Self {
        let mut evaluation = Self::default();
        evaluation.begin(chain, attrs, family);
        evaluation
    }

    /// Begins again, with the routes of this family that share the set `attrs`.
    pub fn begin(&mut self, chain: &Chain, attrs: AttrRef<'_>, family: Family) {
        self.chain.clone_from(chain);
        self.ways.begin(chain, attrs, family);
    }

    /// What becomes of a route. Without one, what becomes of all: for chains that do not [ask](Chain::asks_for_route).
    pub fn verdict(&mut self, route: Option<&RouteFacts>) -> Verdict<'_> {
        let way = self.way(route);
        self.verdict_on(way)
    }

    /// The way that a route goes, if not what comes of it: see [`Evaluation::verdict`].
    pub fn way(&mut self, route: Option<&RouteFacts>) -> Way {
        Way(self.ways.walk(&self.chain, route, |_, _, _| {}))
    }

    /// What becomes of the routes that go a way of this evaluation.
    pub fn verdict_on(&self, way: Way) -> Verdict<'_> {
        match way.0 {
            Ok(node) => {
                let node = self.ways.nodes.get(node);
                Verdict::Permit {
                    changed: node.filter(|n| n.changed).map(|n| self.ways.set_of(n)),
                    next_hop: node.and_then(|node| node.next_hop),
                    sets_med: node.is_some_and(|node| node.sets_med),
                }
            }
            Err(id) => Verdict::Deny(id),
        }
    }

    /// What each policy does with a route: see [`Chain::trace`].
    pub fn trace(&mut self, route: &RouteFacts) -> Vec<Step<'_>> {
        self.ways.trace(&self.chain, route)
    }

    /// The set that is evaluated.
    pub fn set(&self) -> Option<AttrRef<'_>> {
        self.ways.nodes.first().map(|node| self.ways.set_of(node))
    }
}

impl Default for Ways {
    fn default() -> Self {
        Self {
            family: Family::IPV4_UNICAST,
            nodes: Vec::new(),
            bytes: Vec::new(),
            editor: AttrEditor::new(),
        }
    }
}

impl Ways {
    fn begin(&mut self, chain: &Chain, attrs: AttrRef<'_>, family: Family) {
        self.family = family;
        self.nodes.clear();
        self.bytes.clear();
        self.bytes.extend_from_slice(attrs.as_bytes());
        let node = Node {
            policy: 0,
            set: 0..self.bytes.len(),
            changed: false,
            next_hop: None,
            sets_med: false,
            taking: TermSet::EMPTY,
            onward: SmallVec::new(),
        };
        self.enter(chain, node);
    }

    fn set_of(&self, node: &Node) -> AttrRef<'_> {
        AttrRef::from_canonical(self.bytes.get(node.set.clone()).unwrap_or_default())
    }

    fn trace<'c>(&mut self, chain: &'c Chain, route: &RouteFacts) -> Vec<Step<'c>> {
        let mut steps = Vec::new();
        // Whether it passes is what the last step says.
        let _ = self.walk(chain, Some(route), |policy, term, attrs| {
            let changes = matches!(
                term.map(|term| &term.action),
                Some(Action::Permit(set)) if set.srv6_behavior.is_some()
            );
            steps.push(Step {
                policy,
                term,
                lacks_sid: changes && !has_sid(attrs),
            });
        });
        steps
    }

    /// The node behind the last policy, or the term that denies.
    fn walk<'c>(
        &mut self,
        chain: &'c Chain,
        route: Option<&RouteFacts>,
        mut passed: impl FnMut(&'c Policy, Option<&'c Term>, AttrRef<'_>),
    ) -> Result<usize, TermId> {
        let mut at = 0;
        while let Some(node) = self.nodes.get(at)
            && let Some(policy) = chain.0.get(node.policy)
        {
            let attrs = self.set_of(node);
            let place = policy.first(node.taking, attrs, route);
            let term = place.and_then(|place| policy.terms.get(place));
            passed(policy, term, attrs);
            let set = match term.map(|term| &term.action) {
                Some(Action::Deny) => {
                    return Err(TermId {
                        policy: u16::try_from(node.policy).unwrap_or(u16::MAX),
                        term: place
                            .and_then(|place| place.try_into().ok())
                            .unwrap_or(u16::MAX),
                    });
                }
                Some(Action::Permit(set)) => Some(&**set),
                None => None,
            };
            let known = node.onward.iter().find(|(by, _)| *by == place);
            at = match known {
                Some((_, next)) => *next,
                None => self.go_on(chain, at, place, set),
            };
        }
        Ok(at)
    }

    /// Makes the node behind `at` for the routes that match the term at `place`, which changes `set`.
    fn go_on(
        &mut self,
        chain: &Chain,
        at: usize,
        place: Option<usize>,
        set: Option<&Set>,
    ) -> usize {
        let Some(node) = self.nodes.get(at) else {
            return at;
        };
        let mut next = Node {
            policy: node.policy + 1,
            set: node.set.clone(),
            onward: SmallVec::new(),
            ..*node
        };
        if let Some(set) = set.filter(|set| !set.is_empty()) {
            let before = self.bytes.get(next.set).unwrap_or_default();
            self.editor.load(AttrRef::from_canonical(before));
            set.apply(&mut self.editor);
            next.next_hop = set.next_hop.or(next.next_hop);
            next.sets_med |= set.med.is_some();
            let after = self.editor.get().as_bytes();
            // One policy may take back what another one did.
            let first = self.nodes.first();
            let first = first.and_then(|first| self.bytes.get(first.set.clone()));
            next.changed = first.is_some_and(|first| first != after);
            let start = self.bytes.len();
            self.bytes.extend_from_slice(after);
            next.set = start..self.bytes.len();
        }
        let next = self.enter(chain, next);
        if let Some(node) = self.nodes.get_mut(at) {
            node.onward.push((place, next));
        }
        next
    }

    fn enter(&mut self, chain: &Chain, mut node: Node) -> usize {
        if let Some(policy) = chain.0.get(node.policy) {
            node.taking = policy.taking(self.set_of(&node), self.family);
        }
        self.nodes.push(node);
        self.nodes.len() - 1
    }
}
