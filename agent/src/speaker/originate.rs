//! What the router originates itself: local paths, in and out of the RIB by the same entrance as a peer's.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bgp_wire::{AttrEditor, AttrSet, Community, Family, Origin, RouteTargetMembership};
use ipnet::IpNet;
use rib::policy::{Evaluation, RouteFacts, Verdict};
use rib::{Rib, RouteKey};

use super::Speaker;
use super::settings::AddressBook;
use crate::desired::{Origination, OriginationKey, Router, Source};

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

impl Speaker {
    /// What there is to originate on the node may be something else now. True if it is.
    pub fn look_for_prefixes(&mut self) -> bool {
        let mut changed = false;
        for originated in self.originations.values_mut() {
            changed |= originated.look_again(&*self.addresses);
        }
        if changed {
            self.events.notify();
        }
        changed
    }

    pub(super) fn originate(&mut self, origination: Origination) {
        let Some(router) = self.routers.get(&origination.key.router) else {
            return;
        };
        let key = origination.key.clone();
        if let Some(originated) = self.originations.get_mut(&key) {
            originated.change(origination, &*self.addresses);
            self.events.notify();
            return;
        }
        self.originators = self.originators.wrapping_add(1);
        let originated = Originated::announce(
            origination,
            &*self.addresses,
            Arc::clone(&router.rib),
            self.originators,
        );
        self.originations.insert(key, originated);
        self.events.notify();
    }

    pub(super) fn withdraw(&mut self, key: &OriginationKey) {
        self.originations.remove(key);
        self.events.notify();
    }
}

/// The routes of one advertisement; dropping it withdraws them.
///
/// Two advertisements may name the same prefix: each has a path of its own in the table, told apart by its number.
pub(super) struct Originated {
    config: Arc<Origination>,
    running: Found,
    rib: Arc<Rib>,
    number: u32,
}

/// What is originated for an advertisement now.
#[derive(PartialEq)]
struct Found {
    /// What was asked for, with all prefixes.
    all: Arc<Origination>,
    /// Those that were redistributed, and neither named nor addresses of an interface that was; sorted.
    redistributed: Vec<IpNet>,
    /// The attributes of those that a policy changes.
    changed: BTreeMap<IpNet, AttrSet>,
}

impl Originated {
    pub(super) fn announce(
        config: Origination,
        node: &dyn AddressBook,
        rib: Arc<Rib>,
        number: u32,
    ) -> Self {
        let config = Arc::new(config);
        let originated = Self {
            running: Found::of(&config, node),
            config,
            rib,
            number,
        };
        originated.tell();
        originated
    }

    /// Originates what `config` says from now on. What stays as it is does not flap.
    pub(super) fn change(&mut self, config: Origination, node: &dyn AddressBook) {
        self.config = Arc::new(config);
        let found = Found::of(&self.config, node);
        self.switch_to(found);
    }

    /// Looks again at what the node has. True if there is something else now.
    pub(super) fn look_again(&mut self, node: &dyn AddressBook) -> bool {
        if self.config.sources.is_empty() {
            return false;
        }
        let found = Found::of(&self.config, node);
        let different = found != self.running;
        if different {
            self.switch_to(found);
        }
        different
    }

    fn switch_to(&mut self, found: Found) {
        let old = std::mem::replace(&mut self.running, found);
        self.tell();
        self.withdraw_but_running(&old.all);
    }

    fn tell(&self) {
        let found = attributes(&self.config, Origin::Incomplete);
        let own = attributes(&self.config, Origin::Igp);
        for prefix in &self.running.all.prefixes {
            let attrs = match self.running.changed.get(prefix) {
                Some(changed) => changed,
                None if self.running.is_redistributed(prefix) => &found,
                None => &own,
            };
            self.rib.originate(*prefix, attrs.as_ref(), self.number);
        }
    }

    fn withdraw_but_running(&self, old: &Origination) {
        let gone = |prefix: &&IpNet| self.running.all.prefixes.binary_search(prefix).is_err();
        for prefix in old.prefixes.iter().filter(gone) {
            self.rib.withdraw_local(*prefix, self.number);
        }
    }

    /// As it was asked for.
    pub(super) fn config(&self) -> &Arc<Origination> {
        &self.config
    }

    /// With all that is originated for it.
    pub(super) fn running(&self) -> &Arc<Origination> {
        &self.running.all
    }

    pub(super) fn count(&self) -> u32 {
        u32::try_from(self.running.all.prefixes.len()).unwrap_or(u32::MAX)
    }
}

/// What is said of the prefixes of an advertisement. RFC 4271 section 4.3 a: ORIGIN is INCOMPLETE where the prefix was "learned by some
/// other means", which redistribution is.
fn attributes(config: &Origination, origin: Origin) -> AttrSet {
    let mut editor = AttrEditor::new();
    editor.set_origin(origin);
    editor.set_as_path(&[]);
    editor.set_local_pref(config.local_pref);
    for community in &config.communities {
        editor.add_community(Community(*community));
    }
    editor.finish().to_set()
}

impl Found {
    fn of(config: &Arc<Origination>, node: &dyn AddressBook) -> Self {
        let mut found = Self::before_policy(config, node);
        if !config.policies.is_empty() {
            found.pass_through(config);
        }
        found
    }

    fn is_redistributed(&self, prefix: &IpNet) -> bool {
        self.redistributed.binary_search(prefix).is_ok()
    }

    /// Leaves what the policies let pass, as they leave it.
    fn pass_through(&mut self, config: &Origination) {
        let found = attributes(config, Origin::Incomplete);
        let own = attributes(config, Origin::Igp);
        let of = |set: &AttrSet| Evaluation::new(&config.policies, set.as_ref(), config.family);
        let (mut of_found, mut of_own) = (of(&found), of(&own));
        let mut prefixes = Vec::new();
        for prefix in &self.all.prefixes {
            let evaluation = match self.is_redistributed(prefix) {
                true => &mut of_found,
                false => &mut of_own,
            };
            let route = RouteFacts {
                key: RouteKey::from(*prefix),
                label: None,
            };
            if let Verdict::Permit { changed, .. } = evaluation.verdict(Some(&route)) {
                prefixes.push(*prefix);
                if let Some(changed) = changed {
                    self.changed.insert(*prefix, changed.to_set());
                }
            }
        }
        self.all = Arc::new(Origination {
            prefixes,
            ..Origination::clone(&self.all)
        });
    }

    fn before_policy(config: &Arc<Origination>, node: &dyn AddressBook) -> Self {
        if config.sources.is_empty() {
            return Self {
                all: Arc::clone(config),
                redistributed: Vec::new(),
                changed: BTreeMap::new(),
            };
        }
        let of_family = |prefix: &IpNet| match prefix {
            IpNet::V4(_) => config.family == Family::IPV4_UNICAST,
            IpNet::V6(_) => config.family == Family::IPV6_UNICAST,
        };
        let mut own: BTreeSet<IpNet> = config.prefixes.iter().copied().collect();
        let mut redistributed = BTreeSet::new();
        for source in &config.sources {
            let found = node.prefixes_of(source).into_iter().filter(of_family);
            match source {
                Source::Interface(_) => own.extend(found),
                Source::Connected | Source::Static | Source::Kernel => redistributed.extend(found),
            }
        }
        Self {
            all: Arc::new(Origination {
                prefixes: own.union(&redistributed).copied().collect(),
                ..Origination::clone(config)
            }),
            redistributed: redistributed.difference(&own).copied().collect(),
            changed: BTreeMap::new(),
        }
    }
}

impl Drop for Originated {
    fn drop(&mut self) {
        for prefix in &self.running.all.prefixes {
            self.rib.withdraw_local(*prefix, self.number);
        }
    }
}
