//! What the router originates itself: local paths, in and out of the RIB by the same entrance as a peer's.

use std::sync::Arc;

use bgp_wire::{AttrEditor, Community, Origin};
use rib::Rib;

use crate::desired::Origination;

/// The routes of one advertisement; dropping it withdraws them.
///
/// Two advertisements may name the same prefix: each has a path of its own in the table, told apart by its number.
pub(super) struct Originated {
    config: Arc<Origination>,
    rib: Arc<Rib>,
    number: u32,
}

impl Originated {
    pub(super) fn announce(config: Origination, rib: Arc<Rib>, number: u32) -> Self {
        let mut editor = AttrEditor::new();
        editor.set_origin(Origin::Igp);
        editor.set_as_path(&[]);
        editor.set_local_pref(config.local_pref);
        for community in &config.communities {
            editor.add_community(Community(*community));
        }
        let attrs = editor.finish();
        for prefix in &config.prefixes {
            rib.originate(*prefix, attrs, number);
        }
        Self {
            config: Arc::new(config),
            rib,
            number,
        }
    }

    pub(super) fn config(&self) -> &Arc<Origination> {
        &self.config
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.config.prefixes.len()).unwrap_or(u32::MAX)
    }
}

impl Drop for Originated {
    fn drop(&mut self) {
        for prefix in &self.config.prefixes {
            self.rib.withdraw_local(*prefix, self.number);
        }
    }
}
