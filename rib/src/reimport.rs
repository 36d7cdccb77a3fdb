//! Routes of a peer that are imported again, as its rules are others now: what becomes of their sets.
//!
//! What a set was before import is kept with it, so the peer need not be asked.

use crate::attrs::{AttrId, AttrSetIds, Interner};
use crate::decision::Ineligible;
use crate::import::{Terms, import};
use crate::path::{Path, PeerInfo, Tag};
use crate::table::Rib;
use bgp_wire::{AttrEditor, Family};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// What each of some sets becomes. Not to be kept longer than the pin under which it was made.
#[derive(Default)]
pub(crate) struct Reimported(HashMap<AttrId, (AttrId, Option<Ineligible>), RandomState>);

impl Reimported {
    /// Imports what these sets of routes of `family` from `peer` were made of.
    pub(crate) fn of(
        sets: AttrSetIds,
        interner: &Interner,
        rib: &Rib,
        peer: &PeerInfo,
        family: Family,
    ) -> Self {
        let mut editor = AttrEditor::new();
        let terms = Terms::of(peer, family);
        let mut again = |id: AttrId| {
            let pre = interner.entry(id).pre.unwrap_or(id);
            let received = interner.entry(pre);
            let imported = import(rib.config(), peer, terms, received.attrs(), &mut editor);
            let id = match imported.changed {
                // Import leaves the next hop as it is.
                true => interner.intern(editor.get(), received.next_hop, Some(pre)),
                false => pre,
            };
            // As with what arrives: it may have a MED to compare with that of another peer.
            let neighbor = interner.entry(id).key.neighbor_as;
            if neighbor != peer.asn.0 && neighbor != 0 {
                rib.note_mixed_neighbors();
            }
            (id, imported.ineligible)
        };
        Self(sets.iter().map(|id| (id, again(id))).collect())
    }

    /// The set and the tag that a path is to have, if others than it has.
    pub(crate) fn other<D>(&self, path: &Path<D>) -> Option<(AttrId, Tag)> {
        let (attrs, ineligible) = *self.0.get(&path.attrs)?;
        let tag = path.tag.with_ineligible(ineligible);
        ((attrs, tag) != (path.attrs, path.tag)).then_some((attrs, tag))
    }
}
