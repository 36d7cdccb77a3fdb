//! Second routes with our marks, which someone put before or behind ours.
//!
//! Pure. To the kernel several routes may have one prefix, table and metric: the last one put before the
//! others is the one it uses (`fib_table_insert`). What carries our marks is ours, so of such routes all go
//! but the one that is wanted. A removal names their gateways, as one that names none takes the first.
//! What remains is read again, because gateways are not all that routes differ in; those with the gateways
//! of ours forward like ours and are left.

use std::time::Instant;

use smallvec::SmallVec;

use super::engine::Engine;
use super::model::{FibAction, FibOp, KernelRoute, Ownership, SetId};
use super::table::IpFamily;
use super::view::{Installed, OwnerIdx};

/// As many are remembered of one destination; further ones are found when these are gone.
const MOST: usize = 16;

/// The second routes of a destination, by their gateways.
pub(crate) type Seconds = SmallVec<[SetId; 1]>;

impl Engine {
    /// Whether a route with our marks, told as new, stands beside the one that we know of.
    pub(super) fn is_beside(&self, at: u32, owner: OwnerIdx, route: &KernelRoute) -> bool {
        let slot = &self.fib.slots[at as usize];
        let Installed::Set(known) = slot.installed() else {
            return false;
        };
        // An IPv6 route that got another leg is told whole, with those it had.
        let grown = || {
            let mut known = self.sets.legs(known).iter();
            known.all(|leg| route.legs.contains(leg))
        };
        slot.installed_as == owner && (IpFamily::of(route.prefix) == IpFamily::V4 || !grown())
    }

    /// A route with our marks beside another.
    pub(super) fn second_found(&mut self, at: u32, route: &KernelRoute, now: Instant) {
        if route.legs.is_empty() || route.nexthop_id != 0 {
            // It has no gateways to name: all go, one by one.
            self.lost(at, Installed::Unknown);
        } else {
            let set = self.sets.intern(&route.legs);
            let seconds = self.seconds.entry(at).or_default();
            if seconds.contains(&set) || seconds.len() >= MOST {
                return;
            }
            seconds.push(set);
        }
        self.repair(at, now);
    }

    /// Someone removed a route with our marks; true if it was a second one.
    pub(super) fn second_gone(&mut self, at: u32, route: &KernelRoute, now: Instant) -> bool {
        let Some(seconds) = self.seconds.get_mut(&at) else {
            return false;
        };
        let Some(which) = seconds
            .iter()
            .position(|set| self.sets.legs(*set) == &*route.legs)
        else {
            return false;
        };
        seconds.remove(which);
        if seconds.is_empty() {
            self.seconds.remove(&at);
        }
        self.enqueue(at, now);
        true
    }

    /// Appends the messages that leave one of several routes: the one that is wanted, if it is there.
    /// True if there are any.
    pub(super) fn plan_seconds(
        &mut self,
        at: u32,
        wanted: Option<(Ownership, SetId)>,
        ops: &mut Vec<FibOp>,
    ) -> bool {
        let Some(mut seconds) = self.seconds.remove(&at) else {
            return false;
        };
        let slot = &mut self.fib.slots[at as usize];
        let installed_as = slot.installed_as;
        if let (Some((_, wanted)), Installed::Set(known)) = (wanted, slot.installed())
            && let Some(second) = seconds.iter_mut().find(|set| **set == wanted)
        {
            *second = known;
            slot.set_installed(Installed::Set(wanted), installed_as);
        }
        let prefix = slot.prefix;
        let owner = self.fib.owner(installed_as);
        ops.extend(seconds.into_iter().map(|set| FibOp {
            slot: at,
            prefix,
            owner,
            action: FibAction::RemoveSecond(set),
        }));
        true
    }

    /// The removal of a second route was answered.
    pub(super) fn second_removed(&mut self, op: &FibOp, now: Instant) {
        self.removed_strays.note(op.prefix);
        self.put_right(op.slot);
        self.request_resync(&[IpFamily::of(op.prefix)], now);
        self.enqueue(op.slot, now);
    }

    /// The kernel refused to remove a second route: again after a pause.
    pub(super) fn second_stays(&mut self, op: &FibOp, set: SetId, now: Instant) {
        self.seconds.entry(op.slot).or_default().push(set);
        self.repair(op.slot, now);
    }
}
