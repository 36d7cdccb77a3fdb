//! The [`Rib`]: shards, interner, peers and next hops of one router, and what can be asked of them all.

use crate::attrs::{AttrId, AttrSetIds, Interner};
use crate::dirty::Doorbell;
use crate::family_table::{Announced, FamilyTable, Rings};
use crate::group::ExportView;
use crate::inbound::Batch;
use crate::judge::Judge;
use crate::nexthop::{NextHopId, NextHopKey, NextHopResolver, NextHopScope, NextHops, Resolution};
use crate::path::{Path, PeerIdx, PeerInfo, Tag};
use crate::peers::{PeerCounts, Peers, Selection};
use crate::route_key::RouteKey;
use crate::shard::Shard;
use crate::shard_key::{Keyed, ShardBits, TableKey};
use crate::tables::{ByFamily, FAMILIES, ForEach, by_family, for_each};
use crate::walk::Walk;
use bgp_wire::{Asn, AttrRef, Family, RouterId};
use parking_lot::{Mutex, RwLock, RwLockReadGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

/// Paths that may let go of their sets before a sweep is worth its pause.
const SWEEP_AFTER: usize = 4096;

/// What a table is made with.
#[derive(Clone)]
pub struct RibConfig {
    /// How many locks the prefixes are spread over: the next power of two, sixteen at most. About the number of cores.
    pub shards: usize,
    /// Our AS.
    pub local_as: Asn,
    /// Our BGP identifier.
    pub router_id: RouterId,
    /// Our cluster as a route reflector; the router id if `None` (RFC 4456 §7).
    pub cluster_id: Option<RouterId>,
    /// How paths are chosen, to begin with.
    pub selection: Selection,
    /// Finds the way to next hops.
    pub next_hops: Arc<dyn NextHopResolver>,
}

impl RibConfig {
    /// Our cluster as a route reflector.
    pub fn cluster(&self) -> RouterId {
        self.cluster_id.unwrap_or(self.router_id)
    }
}

/// There are 65,534 peers already.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a router has room for 65,534 peers")]
pub struct TooManyPeers;

/// How much a table holds of one family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FamilyCounts {
    /// The family.
    pub family: Family,
    /// Destinations, with those that are empty but not yet seen so by every reader.
    pub destinations: usize,
    /// Paths.
    pub paths: usize,
}

/// How much a table holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counts {
    /// Each family that has a table.
    pub families: [FamilyCounts; FAMILIES.len()],
    /// Interned attribute sets.
    pub sets: usize,
    /// Known next hops.
    pub next_hops: usize,
    /// Bytes on the heap for sets.
    pub set_bytes: usize,
    /// Bytes on the heap for destinations, paths, their index, and what readers keep.
    pub table_bytes: usize,
}

impl Counts {
    /// Destinations and paths of a family; `None` for one without a table.
    pub fn family(&self, family: Family) -> Option<FamilyCounts> {
        self.families
            .into_iter()
            .find(|counts| counts.family == family)
    }

    /// Destinations of all families.
    pub fn destinations(&self) -> usize {
        self.families.iter().map(|counts| counts.destinations).sum()
    }

    /// Paths of all families.
    pub fn paths(&self) -> usize {
        self.families.iter().map(|counts| counts.paths).sum()
    }
}

/// The tables of one router: Adj-RIB-In, Loc-RIB and what is told to whom.
///
/// All methods are synchronous, take locks for short, and may be called from any thread; the rules about who may
/// call what when are with the methods.
pub struct Rib {
    pub(crate) config: RibConfig,
    pub(crate) hasher: Keyed,
    pub(crate) bits: ShardBits,
    pub(crate) shards: Box<[Mutex<Shard>]>,
    interner: RwLock<Interner>,
    peers: RwLock<Peers>,
    pub(crate) next_hops: NextHops,
    /// Paths that let go of their set since the last sweep.
    let_go: AtomicUsize,
    /// Slots that the last sweep looked at.
    swept: AtomicUsize,
    /// A path was seen whose neighbour AS another path of its destination may have too.
    mixed_neighbors: AtomicBool,
    pub(crate) fib_bell: RwLock<Option<Arc<dyn Doorbell>>>,
    pub(crate) export_bell: RwLock<Option<Arc<dyn Doorbell>>>,
    /// What the exporter lets others see of its groups, by number.
    pub(crate) exports: RwLock<Vec<Option<ExportView>>>,
    /// Buffers of inbound batches, between two uses.
    pub(crate) batches: Mutex<Vec<Batch>>,
}

/// Read locks on the interner and the peers for one turn: while one is held, handles of attribute sets stay good.
///
/// Never across an await, and never two in one thread: the second would wait for a sweep that waits for the first.
pub(crate) struct Pin<'a> {
    pub(crate) interner: RwLockReadGuard<'a, Interner>,
    pub(crate) peers: RwLockReadGuard<'a, Peers>,
}

impl Rib {
    /// An empty table.
    pub fn new(config: RibConfig) -> Self {
        let bits = ShardBits::for_shards(config.shards);
        let local = PeerInfo::local(config.local_as, config.router_id);
        Self {
            hasher: Keyed::default(),
            bits,
            shards: (0..bits.count())
                .map(|_| Mutex::new(Shard::new()))
                .collect(),
            interner: RwLock::new(Interner::new()),
            peers: RwLock::new(Peers::new(local, config.selection)),
            next_hops: NextHops::new(Arc::clone(&config.next_hops)),
            let_go: AtomicUsize::new(0),
            swept: AtomicUsize::new(0),
            mixed_neighbors: AtomicBool::new(false),
            fib_bell: RwLock::new(None),
            export_bell: RwLock::new(None),
            exports: RwLock::new(Vec::new()),
            batches: Mutex::new(Vec::new()),
            config,
        }
    }

    /// What the table was made with.
    pub fn config(&self) -> &RibConfig {
        &self.config
    }

    /// How paths are chosen.
    pub fn selection(&self) -> Selection {
        self.peers.read().selection
    }

    /// Has paths chosen otherwise from now on, and elects anew.
    pub fn select_by(&self, selection: Selection) -> Walk {
        // Once this has the lock, nobody holds a pin: whoever elects from here on does so by the new rules.
        self.peers.write().selection = selection;
        Walk::reelect_all()
    }

    // ---- peers

    /// Enters a peer. Its paths come through an [`Inbound`](crate::Inbound).
    pub fn add_peer(&self, info: PeerInfo) -> Result<PeerIdx, TooManyPeers> {
        self.peers.write().add(info).ok_or(TooManyPeers)
    }

    /// Says what is known of a peer now, as when its session is established or its configuration changed. Gives the number
    /// under which it is known from then on. What others were told of its routes depends on its kind, AS and BGP
    /// identifier, and that is judged by what they were when it was told: if one of these is another, a peer that had
    /// routes gets a new number, and the old one is forgotten as by [`Rib::remove_peer`]. So they may only change when
    /// all its paths are gone; the rest may change at any time.
    pub fn update_peer(&self, peer: PeerIdx, info: PeerInfo) -> PeerIdx {
        self.peers.write().update(peer, info)
    }

    /// Forgets a peer. Only after the walk of [`Rib::peer_down`] is done and the exporter has let it leave.
    pub fn remove_peer(&self, peer: PeerIdx) {
        self.peers.write().remove(peer);
    }

    /// What is known of a peer.
    pub fn peer(&self, peer: PeerIdx) -> Arc<PeerInfo> {
        self.peers.read().shared_info(peer)
    }

    /// All peers and the router itself.
    pub fn peers(&self) -> Vec<(PeerIdx, Arc<PeerInfo>)> {
        self.peers
            .read()
            .iter()
            .map(|(idx, info)| (idx, Arc::clone(info)))
            .collect()
    }

    /// How many paths a peer has in a family.
    pub fn peer_counts(&self, peer: PeerIdx, family: Family) -> PeerCounts {
        self.peers.read().counts(peer, family)
    }

    // ---- routes of our own

    /// Originates a route, or changes what is originated. `originator` tells several reasons to originate one
    /// route apart.
    pub fn originate(&self, route: impl Into<RouteKey>, attrs: AttrRef<'_>, originator: u32) {
        let route = route.into();
        loop {
            self.next_hops.register(attrs, NextHopScope::default());
            let pin = self.pin();
            let Some(next_hop) = self.next_hops.id_of(attrs, NextHopScope::default()) else {
                continue;
            };
            let attrs = pin.interner.intern(attrs, next_hop, None);
            let key = &pin.interner.entry(attrs).key;
            if key.med != 0 || key.neighbor_as != 0 {
                self.note_mixed_neighbors();
            }
            by_family(
                route.family(),
                Originate {
                    rib: self,
                    pin: &pin,
                    route,
                    attrs,
                    originator,
                    next_hop,
                },
            );
            return;
        }
    }

    /// Ends what [`Rib::originate`] began. True if there was such a route.
    pub fn withdraw_local(&self, route: impl Into<RouteKey>, originator: u32) -> bool {
        let route = route.into();
        let rib = self;
        by_family(
            route.family(),
            WithdrawLocal {
                rib,
                route,
                originator,
            },
        )
        .unwrap_or(false)
    }

    // ---- next hops

    /// All next hops that paths have, with what is known of each.
    pub fn next_hops(&self) -> Vec<(NextHopKey, Resolution)> {
        self.next_hops.all()
    }

    /// Why there is no way to a next hop, for people. Nothing if there is one, or if nobody knows.
    pub fn why_unreachable(&self, next_hop: &NextHopKey) -> Option<String> {
        self.next_hops.why_unreachable(next_hop)
    }

    // ---- memory

    /// Whether [`Rib::sweep`] would probably free much. To be asked after a flush or the end of a walk.
    pub fn wants_sweep(&self) -> bool {
        let let_go = self.let_go.load(Ordering::Relaxed);
        if let_go <= SWEEP_AFTER {
            return false;
        }
        // A sweep looks at every slot of the tables, so half of the paths have to have let go of a set before it pays, and a
        // quarter as many as there were slots; or so many sets have come meanwhile that they may hold twice the memory they need.
        let pays = match self.peers.read().paths() {
            0 => 0,
            paths => (paths / 2).max(self.swept.load(Ordering::Relaxed) / 4),
        };
        let_go > SWEEP_AFTER + pays || self.interner.read().has_doubled(SWEEP_AFTER)
    }

    /// Frees attribute sets and next hops that nothing refers to. Stops all others for some nanoseconds a
    /// destination.
    pub fn sweep(&self) {
        let mut interner = self.interner.write();
        self.let_go.store(0, Ordering::Relaxed);
        let mut live = AttrSetIds::default();
        let mut slots = 0;
        for shard in &self.shards {
            let mut shard = shard.lock();
            slots += shard.mark_sets(&mut live);
            shard.tidy(&self.hasher);
        }
        self.swept.store(slots, Ordering::Relaxed);
        let next_hops = interner.sweep(&live);
        self.next_hops.sweep(&next_hops);
        self.batches.lock().truncate(1);
    }

    /// How much there is. Looks at every set: for people and metrics.
    pub fn counts(&self) -> Counts {
        let mut counts = Counts {
            families: FAMILIES.map(|family| FamilyCounts {
                family,
                destinations: 0,
                paths: 0,
            }),
            sets: 0,
            next_hops: 0,
            set_bytes: 0,
            table_bytes: 0,
        };
        for shard in &self.shards {
            let shard = shard.lock();
            for_each(&mut CountTables(&shard, counts.families.iter_mut()));
            counts.table_bytes += shard.bytes();
        }
        let interner = self.interner.read();
        Counts {
            sets: interner.len(),
            set_bytes: interner.bytes(),
            next_hops: self.next_hops.len(),
            ..counts
        }
    }

    // ---- for the other files of the crate

    pub(crate) fn pin(&self) -> Pin<'_> {
        Pin {
            interner: self.interner.read(),
            peers: self.peers.read(),
        }
    }

    fn judge<'a, K: TableKey>(&'a self, pin: &'a Pin<'_>) -> Judge<'a> {
        let selection = &pin.peers.selection;
        let config = &selection.decision;
        Judge {
            interner: &pin.interner,
            peers: &pin.peers,
            next_hops: &self.next_hops,
            config,
            max_paths: selection.max_paths,
            moves: K::MOVES,
            resolves: K::RESOLVES || selection.require_reachable,
            med_matters: !config.always_compare_med
                && pin.interner.med_seen()
                && (pin.peers.shared_as() || self.mixed_neighbors.load(Ordering::Relaxed)),
        }
    }

    /// Two paths of one destination may have the same neighbour AS from now on, though all peers are in different ones.
    pub(crate) fn note_mixed_neighbors(&self) {
        self.mixed_neighbors.store(true, Ordering::Relaxed);
    }

    /// Runs `f` on the family table of a shard, under the shard's lock. The judge is made under it too: whoever put a
    /// path there said before whether MEDs matter from then on.
    pub(crate) fn lock<K: TableKey, T>(
        &self,
        pin: &Pin<'_>,
        shard: usize,
        f: impl FnOnce(&mut FamilyTable<K>, &Judge<'_>) -> T,
    ) -> T {
        let mut shard = self.shards[shard].lock();
        f(shard.table_mut::<K>(), &self.judge::<K>(pin))
    }

    /// Rings the readers that have something to do. With no shard locked.
    pub(crate) fn ring(&self, rings: Rings) {
        if rings.let_go > 0 {
            self.let_go.fetch_add(rings.let_go, Ordering::Relaxed);
        }
        if rings.fib
            && let Some(bell) = &*self.fib_bell.read()
        {
            bell.ring();
        }
        if rings.export
            && let Some(bell) = &*self.export_bell.read()
        {
            bell.ring();
        }
    }
}

struct Originate<'a> {
    rib: &'a Rib,
    pin: &'a Pin<'a>,
    route: RouteKey,
    attrs: AttrId,
    originator: u32,
    next_hop: NextHopId,
}

impl ByFamily for Originate<'_> {
    type Output = ();

    fn run<K: TableKey>(self) {
        let Some(key) = K::from_route(self.route) else {
            return;
        };
        let Self { rib, pin, .. } = self;
        let path = Path {
            attrs: self.attrs,
            path_id: self.originator,
            peer: PeerIdx::LOCAL,
            tag: Tag::new(None),
            detail: K::Detail::default(),
        };
        let hash = key.keyed_hash(&rib.hasher);
        let mut rings = Rings::default();
        let done = rib.lock::<K, _>(pin, rib.bits.shard_of(hash), |table, judge| {
            let new = (path, self.next_hop);
            table.announce(judge, &rib.hasher, (hash, key), new, &mut rings)
        });
        if matches!(done, Announced::Added) {
            pin.peers.count(PeerIdx::LOCAL, K::FAMILY, 1, 1);
        }
        rib.ring(rings);
    }
}

struct WithdrawLocal<'a> {
    rib: &'a Rib,
    route: RouteKey,
    originator: u32,
}

impl ByFamily for WithdrawLocal<'_> {
    type Output = bool;

    fn run<K: TableKey>(self) -> bool {
        let Some(key) = K::from_route(self.route) else {
            return false;
        };
        let rib = self.rib;
        let pin = rib.pin();
        let hash = key.keyed_hash(&rib.hasher);
        let mut rings = Rings::default();
        let gone = rib.lock::<K, _>(&pin, rib.bits.shard_of(hash), |table, judge| {
            table.withdraw(
                judge,
                &rib.hasher,
                ((hash, key), None),
                (PeerIdx::LOCAL, self.originator),
                &mut rings,
            )
        });
        if gone.is_some() {
            pin.peers.count(PeerIdx::LOCAL, K::FAMILY, -1, -1);
        }
        rib.ring(rings);
        gone.is_some()
    }
}

/// Adds up the tables of a shard, in the order of the families.
struct CountTables<'a, I>(&'a Shard, I);

impl<'c, I: Iterator<Item = &'c mut FamilyCounts>> ForEach for CountTables<'_, I> {
    fn visit<K: TableKey>(&mut self) {
        if let Some(counts) = self.1.next() {
            let table = self.0.table::<K>();
            counts.destinations += table.len();
            counts.paths += table.path_count();
        }
    }
}
