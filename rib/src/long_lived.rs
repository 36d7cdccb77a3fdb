//! Stale routes that are kept for long (RFC 9494 §4.2): what becomes of their sets.
//!
//! "The helper router MUST attach the LLGR_STALE community to the stale routes being retained." "If any of the routes from the
//! peer have been marked with the NO_LLGR community, either as sent by the peer or as the result of a configured policy, they MUST
//! NOT be retained".

use crate::attrs::{AttrId, AttrSetIds, Interner};
use bgp_wire::{AttrEditor, Community};
use foldhash::fast::RandomState;
use hashbrown::HashMap;

/// What each of some sets becomes. Not to be kept longer than the pin under which it was made.
#[derive(Default)]
pub(crate) struct Aged(HashMap<AttrId, Fate, RandomState>);

#[derive(Clone, Copy)]
enum Fate {
    /// Its paths have this set from now on.
    Becomes(AttrId),
    /// It has the community already.
    Stays,
    /// Its paths go.
    Goes,
}

impl Aged {
    /// Enters what becomes of these sets.
    pub(crate) fn of(sets: AttrSetIds, interner: &Interner) -> Self {
        let mut editor = AttrEditor::new();
        let mut fate = |id: AttrId| {
            let entry = interner.entry(id);
            let has = |community| entry.attrs().communities().any(|one| one == community);
            if has(Community::NO_LLGR) {
                return Fate::Goes;
            }
            if has(Community::LLGR_STALE) {
                return Fate::Stays;
            }
            editor.load(entry.attrs());
            editor.add_community(Community::LLGR_STALE);
            // What the peer sent stays to be seen.
            let pre = entry.pre.or(Some(id));
            Fate::Becomes(interner.intern(editor.get(), entry.next_hop, pre))
        };
        Self(sets.iter().map(|id| (id, fate(id))).collect())
    }

    /// The set that a path is to have in place of this one.
    pub(crate) fn other(&self, set: AttrId) -> Option<AttrId> {
        match self.0.get(&set) {
            Some(Fate::Becomes(other)) => Some(*other),
            _ => None,
        }
    }

    /// Whether paths with this set go.
    pub(crate) fn goes(&self, set: AttrId) -> bool {
        matches!(self.0.get(&set), Some(Fate::Goes))
    }
}
