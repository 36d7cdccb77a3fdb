//! Attribute sets of a batch on their way in: each once through loop checks and import policy, copied aside until they are interned.

use std::ops::Range;

use bgp_wire::{AttrEditor, AttrRef, Family};

use crate::attrs::AttrId;
use crate::decision::Ineligible;
use crate::import::{AtPolicy, Begun, Imported, Terms, import};
use crate::nexthop::{NextHopId, NextHopScope};
use crate::path::{PeerInfo, Tag};
use crate::policy::{Evaluation, RouteFacts, Way};
use crate::table::{Pin, Rib};

/// See the top of this file. A set is known by its number.
#[derive(Default)]
pub(crate) struct PendingSets {
    sets: Vec<PendingSet>,
    bytes: Vec<u8>,
    evaluation: Evaluation,
    editor: AttrEditor,
    /// The set of which `evaluation` is, where routes matter.
    by_route: Option<ByRoute>,
    ids: Vec<(AttrId, Tag, NextHopId)>,
}

struct PendingSet {
    /// As received.
    bytes: Range<usize>,
    /// As import changed it.
    changed: Option<Range<usize>>,
    /// By which terms.
    terms: Terms,
    /// Where its next hop is looked for.
    scope: NextHopScope,
    ineligible: Option<Ineligible>,
}

impl PendingSet {
    /// Where the next hop of the changed set is looked for.
    fn scope_of_changed(&self, received: AttrRef<'_>, changed: AttrRef<'_>) -> NextHopScope {
        match received.next_hop() == changed.next_hop() {
            true => self.scope,
            false => self.scope.of_policy(),
        }
    }
}

/// A set each of whose routes policy has to see.
struct ByRoute {
    bytes: Range<usize>,
    terms: Terms,
    scope: NextHopScope,
    policy: AtPolicy,
    /// The sets that were made so far.
    known: Vec<(Way, u32)>,
}

/// A set that is entered.
#[derive(Clone, Copy)]
pub(crate) enum Entered {
    /// The number of the set of all its routes.
    One(u32),
    /// The number [depends](PendingSets::of_route) on the route, until another set is entered.
    ByRoute,
}

impl PendingSets {
    pub(crate) fn clear(&mut self) {
        self.sets.clear();
        self.bytes.clear();
        self.ids.clear();
        self.by_route = None;
    }

    /// Enters a set of routes of a family. Loop checks and policy happen here, once for the set.
    pub(crate) fn enter(
        &mut self,
        rib: &Rib,
        info: &PeerInfo,
        attrs: AttrRef<'_>,
        family: Family,
    ) -> Entered {
        let terms = Terms::of(info, family);
        let scope = info.next_hop_scope(family);
        if info.import.asks_for_route() {
            return self.enter_for_routes(rib, info, attrs, (terms, scope, family));
        }
        if let Some(last) = self.sets.last()
            && last.terms == terms
            && last.scope == scope
            && self.bytes[last.bytes.clone()] == *attrs.as_bytes()
        {
            return Entered::One((self.sets.len() - 1) as u32);
        }
        let tools = (&mut self.evaluation, &mut self.editor);
        let imported = import(rib.config(), info, (terms, family), attrs, tools);
        let bytes = copy(attrs, &mut self.bytes);
        Entered::One(self.push(bytes, terms, scope, &imported))
    }

    fn enter_for_routes(
        &mut self,
        rib: &Rib,
        info: &PeerInfo,
        attrs: AttrRef<'_>,
        (terms, scope, family): (Terms, NextHopScope, Family),
    ) -> Entered {
        if let Some(last) = &self.by_route
            && last.terms == terms
            && last.scope == scope
            && self.bytes[last.bytes.clone()] == *attrs.as_bytes()
        {
            return Entered::ByRoute;
        }
        let tools = (&mut self.evaluation, &mut self.editor);
        let begun = Begun::of(rib.config(), info, (terms, family), attrs, tools);
        let bytes = copy(attrs, &mut self.bytes);
        match begun {
            Begun::Over(imported) => Entered::One(self.push(bytes, terms, scope, &imported)),
            Begun::AtPolicy(policy) => {
                let known = self.by_route.take().map(|last| last.known);
                let mut known = known.unwrap_or_default();
                known.clear();
                self.by_route = Some(ByRoute {
                    bytes,
                    terms,
                    scope,
                    policy,
                    known,
                });
                Entered::ByRoute
            }
        }
    }

    /// The number of the set of a route.
    pub(crate) fn of_route(&mut self, route: &RouteFacts) -> u32 {
        let way = self.evaluation.way(Some(route));
        let Some(by) = &self.by_route else {
            return 0;
        };
        if let Some((_, number)) = by.known.iter().find(|(known, _)| *known == way) {
            return *number;
        }
        let imported = by.policy.imported(&self.evaluation, way, &mut self.editor);
        let (bytes, terms, scope) = (by.bytes.clone(), by.terms, by.scope);
        let number = self.push(bytes, terms, scope, &imported);
        if let Some(by) = &mut self.by_route {
            by.known.push((way, number));
        }
        number
    }

    fn push(
        &mut self,
        bytes: Range<usize>,
        terms: Terms,
        scope: NextHopScope,
        imported: &Imported,
    ) -> u32 {
        let changed = imported
            .changed
            .then(|| copy(self.editor.get(), &mut self.bytes));
        self.sets.push(PendingSet {
            bytes,
            changed,
            terms,
            scope,
            ineligible: imported.ineligible,
        });
        (self.sets.len() - 1) as u32
    }

    /// Has the next hops of all sets resolved. Called with no lock held.
    pub(crate) fn register_next_hops(&self, rib: &Rib) {
        for set in &self.sets {
            let received = self.get(&set.bytes);
            rib.next_hops.register(received, set.scope);
            if let Some(changed) = &set.changed {
                let changed = self.get(changed);
                let scope = set.scope_of_changed(received, changed);
                rib.next_hops.register(changed, scope);
            }
        }
    }

    /// Interns the sets. `None` if a next hop was swept away since it was registered.
    pub(crate) fn intern(&mut self, rib: &Rib, pin: &Pin<'_>, info: &PeerInfo) -> Option<()> {
        self.ids.clear();
        let enter = |attrs: AttrRef<'_>, scope, pre| {
            let next_hop = rib.next_hops.id_of(attrs, scope)?;
            Some(pin.interner.intern(attrs, next_hop, pre))
        };
        for set in &self.sets {
            let received = AttrRef::from_canonical(&self.bytes[set.bytes.clone()]);
            let mut id = enter(received, set.scope, None)?;
            if let Some(changed) = &set.changed {
                let changed = AttrRef::from_canonical(&self.bytes[changed.clone()]);
                id = enter(changed, set.scope_of_changed(received, changed), Some(id))?;
            }
            // Whoever is in another AS than its peer says may have a MED to compare with that of another peer.
            let entry = pin.interner.entry(id);
            let neighbor = entry.key.neighbor_as;
            if neighbor != info.asn.0 && neighbor != 0 {
                rib.note_mixed_neighbors();
            }
            self.ids
                .push((id, Tag::new(set.ineligible), entry.next_hop));
        }
        Some(())
    }

    /// The handles of the sets, by their numbers, since they were interned.
    pub(crate) fn ids(&self) -> &[(AttrId, Tag, NextHopId)] {
        &self.ids
    }

    fn get(&self, range: &Range<usize>) -> AttrRef<'_> {
        AttrRef::from_canonical(&self.bytes[range.clone()])
    }
}

/// Puts a set behind others; where it is.
fn copy(attrs: AttrRef<'_>, bytes: &mut Vec<u8>) -> Range<usize> {
    let start = bytes.len();
    bytes.extend_from_slice(attrs.as_bytes());
    start..bytes.len()
}
