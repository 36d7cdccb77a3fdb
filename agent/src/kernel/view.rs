//! The wanted side: which routers want which destination over which next hops, and what of it the
//! kernel holds.
//!
//! Pure. One slot for each (table, prefix) that somebody wants or that we have in the kernel, in a
//! flat array behind an index; walks are plain counting over the array, so they can pause anywhere.
//! Next hops are interned as *path sets* (what BGP says) which resolve to next-hop sets (what the
//! kernel is told): when a next hop resolves otherwise, a handful of path sets change and not a
//! million routes.

use std::hash::BuildHasher;
use std::sync::Arc;

use foldhash::HashMap;
use hashbrown::HashTable;
use ipnet::IpNet;
use smallvec::SmallVec;

use super::contest::Contender;
use super::kept_out::Touched;
use super::model::{FibConfig, Ownership, SetId};
use super::source::HopKey;

/// Handle of a router within the kernel room.
pub(crate) type RouterIdx = u16;
/// Nobody.
pub(crate) const NO_ROUTER: RouterIdx = u16::MAX;

/// Handle of an owner triple.
pub(crate) type OwnerIdx = u16;

/// Handle of a path set; 0 is the empty one.
pub(crate) type PathSetId = u32;

/// What the kernel holds of a slot, as far as we know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Installed {
    /// Nothing of ours.
    Absent,
    /// Perhaps something, perhaps not, with unknown next hops.
    Unknown,
    /// A route with these next hops.
    Set(SetId),
}

/// Where a slot stands; counted for each router.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum SlotState {
    /// Nobody wants it.
    Unwanted,
    Pending,
    Installed,
    Failed,
    Blocked,
    /// It is not to be in the kernel, by rule.
    Excluded,
    Unresolved,
    /// The slot is on the free list.
    Free,
}

/// Number of [`SlotState`]s that are counted: all but that of free slots.
pub(crate) const SLOT_STATES: usize = 7;

const INSTALLED_ABSENT: u32 = 0;
const INSTALLED_UNKNOWN: u32 = u32::MAX;

/// One destination in one table. 36 bytes.
#[derive(Debug, Clone)]
pub(crate) struct Slot {
    pub(crate) prefix: IpNet,
    pub(crate) state: SlotState,
    /// In the work queue.
    pub(crate) queued: bool,
    /// Someone may have a route with our key: remove ours, then add.
    pub(crate) probe: bool,
    /// Ours from an earlier run, or put there by someone, and nobody has wanted it since.
    pub(crate) stray: bool,
    /// The owner triple of what is installed.
    pub(crate) installed_as: OwnerIdx,
    /// Which router's route is wanted.
    pub(crate) router: RouterIdx,
    pub(crate) table: u16,
    pub(crate) paths: PathSetId,
    installed: u32,
}

impl Slot {
    fn is_live(&self) -> bool {
        self.state != SlotState::Free
    }

    pub(crate) fn installed(&self) -> Installed {
        match self.installed {
            INSTALLED_ABSENT => Installed::Absent,
            INSTALLED_UNKNOWN => Installed::Unknown,
            raw => SetId::from_raw(raw).map_or(Installed::Absent, Installed::Set),
        }
    }

    pub(crate) fn set_installed(&mut self, installed: Installed, owner: OwnerIdx) {
        self.installed = match installed {
            Installed::Absent => INSTALLED_ABSENT,
            Installed::Unknown => INSTALLED_UNKNOWN,
            Installed::Set(id) => id.raw(),
        };
        self.installed_as = owner;
    }
}

/// A router as the kernel room knows it.
#[derive(Debug)]
pub(crate) struct RouterEntry {
    pub(crate) name: Arc<str>,
    pub(crate) config: FibConfig,
    /// Its routes are being taken away; the entry is free afterwards.
    pub(crate) leaving: bool,
    pub(crate) counts: [u64; SLOT_STATES],
    /// Destinations that another router has.
    pub(crate) shadowed: u64,
    /// Those that another router has and that this one might not install anyway.
    pub(crate) barred: u64,
    pub(crate) last_error: Option<String>,
}

/// All slots, path sets, owner triples and routers.
#[derive(Default)]
pub(crate) struct FibTable {
    pub(crate) slots: Vec<Slot>,
    free: Vec<u32>,
    index: HashTable<u32>,
    hasher: foldhash::fast::RandomState,
    pub(crate) contenders: HashMap<u32, SmallVec<[Contender; 1]>>,
    pub(crate) routers: Vec<Option<RouterEntry>>,
    owners: Vec<Ownership>,
    /// Which of the owner triples are ours at present.
    claimed: Vec<bool>,
    tables: Vec<u32>,
    path_sets: Vec<Box<[HopKey]>>,
    path_index: HashMap<Box<[HopKey]>, PathSetId>,
    free_paths: Vec<PathSetId>,
    last_paths: PathSetId,
    /// Routes that are kept out of the kernel, or no longer, perhaps.
    pub(super) touched: Touched,
}

impl FibTable {
    pub(crate) fn new() -> Self {
        Self {
            path_sets: vec![Box::default()],
            ..Self::default()
        }
    }

    /// The small index of an owner triple; new ones are appended.
    pub(crate) fn owner_index(&mut self, owner: Ownership) -> OwnerIdx {
        let at = self
            .owners
            .iter()
            .position(|o| *o == owner)
            .unwrap_or_else(|| {
                self.owners.push(owner);
                self.claimed.push(false);
                self.owners.len() - 1
            });
        OwnerIdx::try_from(at)
            .expect("fewer than 65,536 combinations of protocol, metric and table in one run")
    }

    pub(crate) fn owner(&self, at: OwnerIdx) -> Ownership {
        self.owners[usize::from(at)]
    }

    /// Routes that carry this are ours from now on.
    pub(crate) fn claim_owner(&mut self, owner: Ownership) {
        let at = self.owner_index(owner);
        self.claimed[usize::from(at)] = true;
    }

    /// The index of a triple that is ours.
    pub(crate) fn find_owner(&self, owner: Ownership) -> Option<OwnerIdx> {
        self.owners
            .iter()
            .position(|o| *o == owner)
            .filter(|at| self.claimed[*at])
            .and_then(|at| OwnerIdx::try_from(at).ok())
    }

    /// Gives up the triples that no router installs with, and that no route in the kernel carries: these.
    pub(crate) fn release_owners(&mut self) -> Vec<Ownership> {
        let mut released = Vec::new();
        for (at, owner) in self.owners.iter().enumerate() {
            let mut routers = self.routers.iter().flatten();
            let in_use = |r: &RouterEntry| r.config.install && r.config.ownership == *owner;
            if !self.claimed[at] || routers.any(in_use) {
                continue;
            }
            let carries = |slot: &Slot| {
                slot.installed() != Installed::Absent && usize::from(slot.installed_as) == at
            };
            if !self.slots.iter().any(carries) {
                self.claimed[at] = false;
                released.push(*owner);
            }
        }
        released
    }

    pub(crate) fn table_index(&mut self, table: u32) -> u16 {
        let at = self
            .tables
            .iter()
            .position(|t| *t == table)
            .unwrap_or_else(|| {
                self.tables.push(table);
                self.tables.len() - 1
            });
        u16::try_from(at).expect("fewer than 65,536 routing tables in one run")
    }

    pub(crate) fn table_id(&self, at: u16) -> u32 {
        self.tables[usize::from(at)]
    }

    pub(crate) fn table_indexes(&self) -> impl Iterator<Item = u16> + use<> {
        0..u16::try_from(self.tables.len()).unwrap_or(u16::MAX)
    }

    pub(crate) fn router(&self, at: RouterIdx) -> Option<&RouterEntry> {
        self.routers.get(usize::from(at))?.as_ref()
    }

    pub(crate) fn router_mut(&mut self, at: RouterIdx) -> Option<&mut RouterEntry> {
        self.routers.get_mut(usize::from(at))?.as_mut()
    }

    /// Takes a router in.
    pub(crate) fn add_router(&mut self, name: Arc<str>, config: FibConfig) -> RouterIdx {
        self.owner_index(config.ownership);
        let entry = RouterEntry {
            name,
            config,
            leaving: false,
            counts: [0; SLOT_STATES],
            shadowed: 0,
            barred: 0,
            last_error: None,
        };
        let at = self
            .routers
            .iter()
            .position(Option::is_none)
            .unwrap_or_else(|| {
                self.routers.push(None);
                self.routers.len() - 1
            });
        self.routers[at] = Some(entry);
        let idx = u16::try_from(at).expect("fewer than 65,535 routers on a node");
        assert!(idx != NO_ROUTER, "fewer than 65,535 routers on a node");
        idx
    }

    /// The handle of a set of BGP next hops.
    pub(crate) fn intern_paths(&mut self, hops: &[HopKey]) -> PathSetId {
        // Most changes in a row have the same next hops.
        if *self.path_sets[self.last_paths as usize] == *hops {
            return self.last_paths;
        }
        if hops.is_empty() {
            return 0;
        }
        let id = if let Some(id) = self.path_index.get(hops) {
            *id
        } else {
            let id = self.free_paths.pop().unwrap_or_else(|| {
                self.path_sets.push(Box::default());
                u32::try_from(self.path_sets.len() - 1).expect("fewer path sets than 4 billion")
            });
            self.path_sets[id as usize] = hops.into();
            self.path_index.insert(hops.into(), id);
            id
        };
        self.last_paths = id;
        id
    }

    pub(crate) fn hops(&self, id: PathSetId) -> &[HopKey] {
        &self.path_sets[id as usize]
    }

    pub(crate) fn path_set_count(&self) -> usize {
        self.path_sets.len()
    }

    /// The next hops of all path sets, some of them more than once.
    pub(crate) fn all_hops(&self) -> impl Iterator<Item = &HopKey> {
        self.path_sets.iter().flatten()
    }

    /// Drops the path sets that no destination uses any more, and gives their handles.
    pub(crate) fn sweep_paths(&mut self) -> Vec<PathSetId> {
        let mut used = vec![false; self.path_sets.len()];
        for slot in self.slots.iter().filter(|s| s.is_live()) {
            used[slot.paths as usize] = true;
        }
        for c in self.contenders.values().flatten() {
            used[c.paths as usize] = true;
        }
        let before = self.free_paths.len();
        for (id, hops) in self.path_sets.iter_mut().enumerate() {
            if !used[id] && !hops.is_empty() {
                self.path_index.remove(hops);
                *hops = Box::default();
                self.free_paths
                    .push(u32::try_from(id).expect("it was a u32 before"));
            }
        }
        self.last_paths = 0;
        self.free_paths[before..].to_vec()
    }

    fn hash(&self, table: u16, prefix: &IpNet) -> u64 {
        self.hasher.hash_one((table, prefix))
    }

    pub(crate) fn find(&self, table: u16, prefix: IpNet) -> Option<u32> {
        let hash = self.hash(table, &prefix);
        self.index
            .find(hash, |at| {
                let slot = &self.slots[*at as usize];
                slot.table == table && slot.prefix == prefix
            })
            .copied()
    }

    pub(crate) fn find_in(&self, table: u32, prefix: IpNet) -> Option<u32> {
        let at = self.tables.iter().position(|t| *t == table)?;
        self.find(u16::try_from(at).ok()?, prefix)
    }

    /// The slot of a destination, made if there is none.
    pub(crate) fn slot(&mut self, table: u16, prefix: IpNet) -> u32 {
        if let Some(at) = self.find(table, prefix) {
            return at;
        }
        let slot = Slot {
            prefix,
            state: SlotState::Unwanted,
            queued: false,
            probe: false,
            stray: false,
            installed_as: 0,
            router: NO_ROUTER,
            table,
            paths: 0,
            installed: INSTALLED_ABSENT,
        };
        let at = if let Some(at) = self.free.pop() {
            self.slots[at as usize] = slot;
            at
        } else {
            self.slots.push(slot);
            u32::try_from(self.slots.len() - 1).expect("fewer routes than 4 billion")
        };
        let Self {
            index,
            slots,
            hasher,
            ..
        } = self;
        let hash = hasher.hash_one((table, &prefix));
        index.insert_unique(hash, at, |at| {
            let slot = &slots[*at as usize];
            hasher.hash_one((slot.table, &slot.prefix))
        });
        at
    }

    pub(crate) fn live(&self, at: u32) -> Option<&Slot> {
        self.slots.get(at as usize).filter(|s| s.is_live())
    }

    /// Frees a slot that holds nothing any more; false if it does.
    pub(crate) fn free_if_empty(&mut self, at: u32) -> bool {
        let slot = &self.slots[at as usize];
        let empty = slot.is_live()
            && slot.paths == 0
            && slot.installed == INSTALLED_ABSENT
            && !slot.queued
            && !self.contenders.contains_key(&at);
        if empty {
            let hash = self.hash(slot.table, &slot.prefix);
            if let Ok(entry) = self.index.find_entry(hash, |other| *other == at) {
                entry.remove();
            }
            self.slots[at as usize].state = SlotState::Free;
            self.free.push(at);
            if self.free.len() == self.slots.len() {
                // Nothing is left: give the memory back.
                self.slots = Vec::new();
                self.free = Vec::new();
                self.index = HashTable::new();
            }
        }
        empty
    }

    /// How many slots are in use.
    pub(crate) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// Moves a slot to a state, and its router's counts with it.
    pub(crate) fn set_state(&mut self, at: u32, state: SlotState) {
        let slot = &mut self.slots[at as usize];
        let (router, old) = (slot.router, std::mem::replace(&mut slot.state, state));
        if let Some(entry) = self.router_mut(router) {
            entry.counts[old as usize] = entry.counts[old as usize].saturating_sub(1);
            entry.counts[state as usize] += 1;
        }
    }

    pub(super) fn set_router(&mut self, at: u32, router: RouterIdx, paths: PathSetId) {
        let slot = &mut self.slots[at as usize];
        let old = std::mem::replace(&mut slot.router, router);
        slot.paths = paths;
        let state = slot.state;
        if old == router {
            return;
        }
        if let Some(entry) = self.router_mut(old) {
            entry.counts[state as usize] = entry.counts[state as usize].saturating_sub(1);
        }
        if let Some(entry) = self.router_mut(router) {
            entry.counts[state as usize] += 1;
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in crate::kernel) fn hop(last: u8) -> HopKey {
        HopKey {
            address: [10, 0, 0, last].into(),
            link: None,
        }
    }

    pub(in crate::kernel) fn config(metric: u32) -> FibConfig {
        let ownership = Ownership {
            metric,
            ..Ownership::default()
        };
        FibConfig {
            ownership,
            ..FibConfig::default()
        }
    }

    pub(in crate::kernel) fn setup() -> (FibTable, u32, [RouterIdx; 3]) {
        let mut t = FibTable::new();
        let a = t.add_router("b-router".into(), config(300));
        let b = t.add_router("a-router".into(), config(300));
        let c = t.add_router("c-router".into(), config(100));
        let main = t.table_index(254);
        let at = t.slot(main, "10.1.0.0/24".parse().unwrap());
        (t, at, [a, b, c])
    }

    #[test]
    fn more_owner_triples_than_a_byte_can_tell_apart() {
        let mut t = FibTable::new();
        for metric in 1_000..2_000 {
            t.add_router("r".into(), config(metric));
        }
        let last = config(1_999).ownership;
        assert_eq!(t.find_owner(last), None);
        t.claim_owner(last);
        assert_eq!(t.find_owner(last).map(|at| t.owner(at)), Some(last));
    }

    #[test]
    fn a_freed_slot_is_used_again_and_found_by_its_new_prefix_only() {
        let (mut t, at, _) = setup();
        let main = t.table_index(254);
        let other: IpNet = "10.2.0.0/24".parse().unwrap();
        let keep = t.slot(main, "10.3.0.0/24".parse().unwrap());
        assert!(t.free_if_empty(at));
        assert_eq!(t.slot(main, other), at);
        assert_eq!(t.find(main, other), Some(at));
        assert_eq!(t.find(main, "10.1.0.0/24".parse().unwrap()), None);
        assert!(t.live(keep).is_some());
    }

    #[test]
    fn a_slot_takes_36_bytes() {
        assert_eq!(size_of::<Slot>(), 36);
    }

    #[test]
    fn counts_follow_the_winner() {
        let (mut t, at, [a, b, _]) = setup();
        let p = t.intern_paths(&[hop(1)]);
        t.want(at, a, p);
        t.set_state(at, SlotState::Installed);
        assert_eq!(
            t.router(a).unwrap().counts[SlotState::Installed as usize],
            1
        );
        t.want(at, b, p);
        assert_eq!(
            t.router(a).unwrap().counts[SlotState::Installed as usize],
            0
        );
        assert_eq!(
            t.router(b).unwrap().counts[SlotState::Installed as usize],
            1
        );
    }
}
