//! What the router originates itself: local paths, in and out of the RIB by the same entrance as a peer's.

use std::sync::Arc;

use bgp_wire::{AsPath, AttrEditor, Community, Origin};
use ipnet::IpNet;
use rib::Rib;

use crate::desired::Origination;

/// The routes of one advertisement; dropping it withdraws them.
///
/// Two advertisements may name the same prefix: each has a path of its own in the table, told apart by its number.
pub(super) struct Originated {
    config: Origination,
    rib: Arc<Rib>,
    number: rib::LocalSource,
}

impl Originated {
    pub(super) fn announce(config: Origination, rib: Arc<Rib>) -> Self {
        let mut editor = AttrEditor::new();
        editor.set_origin(Origin::Igp);
        editor.set_as_path(&AsPath::default());
        editor.set_local_pref(config.local_pref);
        for community in &config.communities {
            editor.add_community(Community(*community));
        }
        let number = rib.new_local_source();
        rib.originate(number, &config.prefixes, editor.finish());
        Self { config, rib, number }
    }

    pub(super) fn config(&self) -> &Origination {
        &self.config
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.config.prefixes.len()).unwrap_or(u32::MAX)
    }

    /// The prefixes that are originated.
    #[expect(dead_code, reason = "used by statuses once they count what was told")]
    pub(super) fn prefixes(&self) -> &[IpNet] {
        &self.config.prefixes
    }
}

impl Drop for Originated {
    fn drop(&mut self) {
        self.rib.withdraw_local(self.number, &self.config.prefixes);
    }
}
