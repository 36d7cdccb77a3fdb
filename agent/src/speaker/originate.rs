//! What the router originates itself: local paths, in and out of the RIB by the same entrance as a peer's.

use std::collections::HashSet;
use std::sync::Arc;

use bgp_wire::{AttrEditor, Community, Family, Origin, RouteTargetMembership};
use rib::{Rib, RouteKey};

use crate::desired::{Origination, Router};

/// The number of what a router originates by itself. Advertisements are numbered from 1.
const OWN: u32 = 0;

/// Asks internal peers for routes of every route target, as it is for a reflector to do (RFC 4684 §3.2), and for whoever hands
/// all routes on; of routers without families that have route targets, takes that back.
pub(super) fn ask_for_everything(router: &Router, rib: &Rib) {
    let everything = RouteKey::RouteTarget(RouteTargetMembership::DEFAULT);
    if router.tables().any(|family| family == Family::RTC) {
        let mut editor = AttrEditor::new();
        editor.set_origin(Origin::Igp);
        editor.set_as_path(&[]);
        rib.originate(everything, editor.finish(), OWN);
    } else {
        rib.withdraw_local(everything, OWN);
    }
}

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
        let originated = Self {
            config: Arc::new(config),
            rib,
            number,
        };
        originated.announce_all();
        originated
    }

    /// Originates what `config` says from now on. What stays as it is does not flap.
    pub(super) fn change(&mut self, config: Origination) {
        let old = std::mem::replace(&mut self.config, Arc::new(config));
        self.announce_all();
        let kept: HashSet<_> = self.config.prefixes.iter().collect();
        for prefix in old.prefixes.iter().filter(|prefix| !kept.contains(prefix)) {
            self.rib.withdraw_local(*prefix, self.number);
        }
    }

    fn announce_all(&self) {
        let config = &self.config;
        let mut editor = AttrEditor::new();
        editor.set_origin(Origin::Igp);
        editor.set_as_path(&[]);
        editor.set_local_pref(config.local_pref);
        for community in &config.communities {
            editor.add_community(Community(*community));
        }
        let attrs = editor.finish();
        for prefix in &config.prefixes {
            self.rib.originate(*prefix, attrs, self.number);
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
