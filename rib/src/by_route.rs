//! Sets on their way out to a group whose policy tells routes of one set apart: each set of a source as far as to the policy once, and
//! from there once for each way that its routes go.

use bgp_wire::{AttrEditor, Family};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;

use crate::attrs::{AttrId, Interner};
use crate::export::{Begun, ExportRules, Exported, SourceInfo, export, exported};
use crate::path::PeerIdx;
use crate::peers::Peers;
use crate::policy::{Evaluation, RouteFacts, Way};

/// See the top of this file. `T` is what is made of what a group is told.
pub(crate) struct ByRoute<'r, T> {
    rules: &'r ExportRules,
    family: Family,
    sets: HashMap<(AttrId, PeerIdx), Ways<T>, RandomState>,
}

enum Ways<T> {
    /// All routes of the set fare the same.
    One(T),
    Several(Box<Evaluation>, SmallVec<[(Way, T); 2]>),
}

impl<'r, T: Copy> ByRoute<'r, T> {
    pub(crate) fn new(rules: &'r ExportRules, family: Family) -> Self {
        Self {
            rules,
            family,
            sets: HashMap::default(),
        }
    }

    /// What `make` made of what the group is told of a route of this set of a source.
    pub(crate) fn of(
        &mut self,
        (interner, peers): (&Interner, &Peers),
        (attrs, source): (AttrId, PeerIdx),
        route: impl FnOnce() -> RouteFacts,
        editor: &mut AttrEditor,
        make: impl FnOnce(Exported<'_>) -> T,
    ) -> T {
        let (rules, family) = (self.rules, self.family);
        let info = || SourceInfo::of(peers.info(source));
        let set = interner.entry(attrs).attrs();
        let ways = match self.sets.entry((attrs, source)) {
            hashbrown::hash_map::Entry::Occupied(known) => known.into_mut(),
            hashbrown::hash_map::Entry::Vacant(new) => {
                if rules.policy.asks_for_route()
                    && let Begun::AtPolicy(policy) = Begun::of(set, &info(), family, rules, editor)
                {
                    new.insert(Ways::Several(Box::new(policy), SmallVec::new()))
                } else {
                    let made = make(export(set, &info(), family, None, rules, editor));
                    new.insert(Ways::One(made));
                    return made;
                }
            }
        };
        match ways {
            Ways::One(made) => *made,
            Ways::Several(policy, known) => {
                let way = policy.way(Some(&route()));
                if let Some((_, made)) = known.iter().find(|(known, _)| *known == way) {
                    return *made;
                }
                let made = make(exported(policy, way, set, &info(), family, rules, editor));
                known.push((way, made));
                made
            }
        }
    }
}
