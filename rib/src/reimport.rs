//! Routes of a peer that are imported again, as its rules are others now: what becomes of their sets.
//!
//! What a set was before import is kept with it, so the peer need not be asked.

use crate::attrs::{AttrId, AttrSetIds, Interner};
use crate::decision::Ineligible;
use crate::family_table::FamilyTable;
use crate::import::{AtPolicy, Begun, Imported, Terms};
use crate::nexthop::NextHopScope;
use crate::path::{Path, PeerIdx, PeerInfo, Tag};
use crate::policy::{Evaluation, RouteFacts, Way};
use crate::shard_key::TableKey;
use crate::table::Rib;
use bgp_wire::{AttrEditor, AttrSet, Family};
use foldhash::fast::RandomState;
use hashbrown::HashMap;
use smallvec::SmallVec;
use std::ops::Range;

/// What paths become: their set, and why they are ineligible, if so.
type Fate = (AttrId, Option<Ineligible>);

/// What paths of a peer become. Not to be kept longer than the pin under which it was made.
#[derive(Default)]
pub(crate) struct Reimported {
    /// By the set that they have.
    by_set: HashMap<AttrId, Fate, RandomState>,
    /// By destination and path id, where policy has to see the routes.
    by_route: HashMap<(u32, u32), Fate, RandomState>,
}

/// A next hop that a policy sets, and that was not registered yet.
pub(crate) struct NewNextHop {
    pub(crate) set: AttrSet,
    pub(crate) scope: NextHopScope,
}

/// Paths of a peer, as they are before.
pub(crate) struct PathsOf {
    sets: AttrSetIds,
    routes: Vec<((u32, u32), RouteFacts, AttrId)>,
}

impl PathsOf {
    /// Those that are not stale, of these destinations.
    pub(crate) fn gather<K: TableKey>(
        table: &FamilyTable<K>,
        range: Range<u32>,
        (peer, info): (PeerIdx, &PeerInfo),
    ) -> Self {
        if !info.import.asks_for_route() {
            return Self {
                sets: table.sets_of(range, peer, false),
                routes: Vec::new(),
            };
        }
        let mut routes = Vec::new();
        for id in range.start..range.end.min(table.end()) {
            let key = table.destination(id).key;
            for path in table.paths(id) {
                if path.peer == peer && !path.tag.is_stale() {
                    routes.push(((id, path.path_id), key.facts(&path.detail), path.attrs));
                }
            }
        }
        Self {
            sets: AttrSetIds::default(),
            routes,
        }
    }
}

/// A set as it was received, on its way through import once more.
enum Ways {
    One(Fate),
    Several(AtPolicy, Box<Evaluation>, SmallVec<[(Way, Fate); 2]>),
}

struct Importer<'a> {
    interner: &'a Interner,
    rib: &'a Rib,
    peer: &'a PeerInfo,
    family: Family,
    editor: AttrEditor,
}

impl Importer<'_> {
    /// Interns what became of the set `pre`.
    fn intern(&self, pre: AttrId, imported: &Imported) -> Result<Fate, NewNextHop> {
        let received = self.interner.entry(pre);
        let id = if imported.changed {
            let set = self.editor.get();
            let mut next_hop = received.next_hop;
            if set.next_hop() != received.attrs().next_hop() {
                let scope = self.peer.next_hop_scope(self.family).of_policy();
                next_hop = self
                    .rib
                    .next_hops
                    .id_of(set, scope)
                    .ok_or_else(|| NewNextHop {
                        set: set.to_set(),
                        scope,
                    })?;
            }
            self.interner.intern(set, next_hop, Some(pre))
        } else {
            pre
        };
        // As with what arrives: it may have a MED to compare with that of another peer.
        let neighbor = self.interner.entry(id).key.neighbor_as;
        if neighbor != self.peer.asn.0 && neighbor != 0 {
            self.rib.note_mixed_neighbors();
        }
        Ok((id, imported.ineligible))
    }

    /// Begins with the set `pre`.
    fn begin(&mut self, pre: AttrId) -> Result<Ways, NewNextHop> {
        let terms = (Terms::of(self.peer, self.family), self.family);
        let received = self.interner.entry(pre).attrs();
        let config = self.rib.config();
        let mut evaluation = Box::<Evaluation>::default();
        let tools = (&mut *evaluation, &mut self.editor);
        match Begun::of(config, self.peer, terms, received, tools) {
            Begun::Over(imported) => Ok(Ways::One(self.intern(pre, &imported)?)),
            Begun::AtPolicy(policy) => Ok(Ways::Several(policy, evaluation, SmallVec::new())),
        }
    }

    /// What becomes of a route of the set `pre`, or of all.
    fn fate(
        &mut self,
        pre: AttrId,
        ways: &mut Ways,
        route: Option<&RouteFacts>,
    ) -> Result<Fate, NewNextHop> {
        match ways {
            Ways::One(fate) => Ok(*fate),
            Ways::Several(policy, evaluation, known) => {
                let way = evaluation.way(route);
                if let Some((_, fate)) = known.iter().find(|(known, _)| *known == way) {
                    return Ok(*fate);
                }
                let imported = policy.imported(evaluation, way, &mut self.editor);
                let fate = self.intern(pre, &imported)?;
                known.push((way, fate));
                Ok(fate)
            }
        }
    }
}

impl Reimported {
    /// Imports what these paths of `peer` were made of. Fails with a next hop that has to be registered first.
    pub(crate) fn of(
        paths: &PathsOf,
        interner: &Interner,
        rib: &Rib,
        peer: &PeerInfo,
        family: Family,
    ) -> Result<Self, NewNextHop> {
        let mut importer = Importer {
            interner,
            rib,
            peer,
            family,
            editor: AttrEditor::new(),
        };
        let mut begun: HashMap<AttrId, Ways, RandomState> = HashMap::default();
        let mut fate = |id: AttrId, route: Option<&RouteFacts>| {
            let pre = interner.entry(id).pre.unwrap_or(id);
            let ways = match begun.entry(pre) {
                hashbrown::hash_map::Entry::Occupied(known) => known.into_mut(),
                hashbrown::hash_map::Entry::Vacant(new) => new.insert(importer.begin(pre)?),
            };
            importer.fate(pre, ways, route)
        };
        let mut reimported = Self::default();
        for id in paths.sets.iter() {
            reimported.by_set.insert(id, fate(id, None)?);
        }
        for (at, route, id) in &paths.routes {
            reimported.by_route.insert(*at, fate(*id, Some(route))?);
        }
        Ok(reimported)
    }

    /// The set and the tag that a path of a destination is to have, if others than it has.
    pub(crate) fn other<D>(&self, id: u32, path: &Path<D>) -> Option<(AttrId, Tag)> {
        let (attrs, ineligible) = *match self.by_set.get(&path.attrs) {
            Some(fate) => fate,
            None => self.by_route.get(&(id, path.path_id))?,
        };
        let tag = path.tag.with_ineligible(ineligible);
        ((attrs, tag) != (path.attrs, path.tag)).then_some((attrs, tag))
    }
}
