//! Attribute sets of a batch on their way in: each once through loop checks and import policy, copied aside until they are interned.

use std::ops::Range;

use bgp_wire::{AttrEditor, AttrRef, Family};

use crate::attrs::AttrId;
use crate::decision::Ineligible;
use crate::import::{AtPolicy, Begun, Imported, Terms, import};
use crate::nexthop::{NextHopId, NextHopScope};
use crate::path::{PeerInfo, Tag};
use crate::policy::{RouteFacts, Way};
use crate::table::{Pin, Rib};

/// See the top of this file. A set is known by its number.
#[derive(Default)]
pub(crate) struct PendingSets {
    sets: Vec<PendingSet>,
    bytes: Vec<u8>,
    editor: AttrEditor,
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

/// The routes of one set, each of which policy has to see.
pub(crate) struct ByRoute<'p> {
    bytes: Range<usize>,
    terms: Terms,
    scope: NextHopScope,
    policy: AtPolicy<'p>,
    /// The sets that were made so far.
    known: Vec<(Way, u32)>,
}

/// A set that is entered.
pub(crate) enum Entered<'p> {
    /// The number of the set of all its routes.
    One(u32),
    /// The number depends on the route.
    ByRoute(ByRoute<'p>),
}

impl PendingSets {
    pub(crate) fn clear(&mut self) {
        self.sets.clear();
        self.bytes.clear();
        self.ids.clear();
    }

    /// Enters a set of routes of a family. Loop checks and policy happen here, once for the set.
    pub(crate) fn enter<'p>(
        &mut self,
        rib: &Rib,
        info: &'p PeerInfo,
        attrs: AttrRef<'_>,
        family: Family,
    ) -> Entered<'p> {
        let terms = Terms::of(info, family);
        let scope = info.next_hop_scope(family);
        if info.import.asks_for_route() {
            let begun = Begun::of(rib.config(), info, (terms, family), attrs, &mut self.editor);
            let bytes = copy(attrs, &mut self.bytes);
            return match begun {
                Begun::Over(imported) => Entered::One(self.push(bytes, terms, scope, &imported)),
                Begun::AtPolicy(policy) => Entered::ByRoute(ByRoute {
                    bytes,
                    terms,
                    scope,
                    policy,
                    known: Vec::new(),
                }),
            };
        }
        if let Some(last) = self.sets.last()
            && last.terms == terms
            && last.scope == scope
            && self.bytes[last.bytes.clone()] == *attrs.as_bytes()
        {
            return Entered::One((self.sets.len() - 1) as u32);
        }
        let imported = import(rib.config(), info, (terms, family), attrs, &mut self.editor);
        let bytes = copy(attrs, &mut self.bytes);
        Entered::One(self.push(bytes, terms, scope, &imported))
    }

    /// The number of the set of a route.
    pub(crate) fn of_route(&mut self, by: &mut ByRoute<'_>, route: &RouteFacts) -> u32 {
        let way = by.policy.way(Some(route));
        if let Some((_, number)) = by.known.iter().find(|(known, _)| *known == way) {
            return *number;
        }
        let imported = by.policy.imported(way, &mut self.editor);
        let number = self.push(by.bytes.clone(), by.terms, by.scope, &imported);
        by.known.push((way, number));
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
