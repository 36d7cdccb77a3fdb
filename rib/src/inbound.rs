//! From UPDATEs to changes of the table, a read of the socket at a time.
//!
//! ```text
//! update()   for each UPDATE: its sets once through loop checks and import policy, copied aside;
//!            its prefixes hashed and put in the list of their shard                       no lock
//! flush()    next hops of new sets resolved                                               no lock
//!            sets interned                                                                pin
//!            shard by shard: all its changes, in order of arrival                         pin, one shard lock
//!            readers rung                                                                 no lock
//! ```
//!
//! The lists are borrowed from a pool for the time between the first `update` and `flush`: a thousand quiet peers
//! hold none.

use crate::ceiling::Ceiling;
use crate::family_table::{Announced, Rings};
use crate::path::{Path, PeerIdx, PeerInfo};
use crate::pending_sets::{Entered, PendingSets};
use crate::shard_key::TableKey;
use crate::table::{Pin, Rib};
use crate::tables::{ByFamily, ForEach, Part, Tables, by_family, for_each};
use crate::walk::Walk;
use bgp_wire::{AttrRef, Decoded, Family, FamilySet, NlriBlock, NlriIter, SessionContext};
use std::sync::Arc;

/// What one peer sends on its way into the table. Belongs to the task of the peer.
pub struct Inbound {
    peer: PeerIdx,
    batch: Option<Batch>,
    ceilings: Vec<Counted>,
    /// What was applied before anybody asked for it, for the next `flush` to tell.
    done: Flushed,
}

/// What came of the UPDATEs since the flush before.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Flushed {
    /// Paths announced, new or not.
    pub announced: usize,
    /// Paths withdrawn that were there.
    pub withdrawn: usize,
    /// Paths not taken because their destination has 255 of the peer already, or 4,095 of all peers.
    pub dropped: usize,
}

/// A change of one prefix.
#[derive(Clone, Copy)]
struct Op<K: TableKey> {
    hash: u64,
    key: K,
    path_id: u32,
    detail: K::Detail,
    /// Number of the set in the batch, or [`WITHDRAW`].
    set: u32,
}

/// A ceiling, and the paths that it kept out.
struct Counted {
    ceiling: Ceiling,
    turned_away: u64,
}

const WITHDRAW: u32 = u32::MAX;
/// Changes after which a batch is applied whoever waits for `flush`.
const FULL: usize = 64 * 1024;
/// Index lines asked for ahead of the lookups.
const AHEAD: usize = 16;

/// Changes that wait for `flush`.
pub(crate) struct Batch {
    info: Arc<PeerInfo>,
    sets: PendingSets,
    lists: Tables<Lists>,
    ops: usize,
}

/// Changes by family and shard.
struct Lists {
    shards: usize,
}

impl Part for Lists {
    type Of<K: TableKey> = Vec<Vec<Op<K>>>;

    fn make<K: TableKey>(&self) -> Vec<Vec<Op<K>>> {
        (0..self.shards).map(|_| Vec::new()).collect()
    }
}

impl Batch {
    fn new(shards: usize, info: Arc<PeerInfo>) -> Self {
        Self {
            info,
            sets: PendingSets::default(),
            lists: Tables::new(&Lists { shards }),
            ops: 0,
        }
    }

    fn clear(&mut self) {
        self.sets.clear();
        struct Clear<'a>(&'a mut Tables<Lists>);
        impl ForEach for Clear<'_> {
            fn visit<K: TableKey>(&mut self) {
                K::of_mut(self.0).iter_mut().for_each(Vec::clear);
            }
        }
        for_each(&mut Clear(&mut self.lists));
        self.ops = 0;
    }

    /// Takes in the NLRI of a block, each with the number of its set that `set_of` says.
    fn push<K: TableKey>(
        &mut self,
        rib: &Rib,
        nlri: NlriIter<'_, K>,
        mut set_of: impl FnMut(&mut PendingSets, &K, &K::Detail) -> u32,
    ) {
        let mut n = 0;
        let ops = K::of_mut(&mut self.lists);
        for (path_id, key, detail) in nlri {
            let hash = key.keyed_hash(&rib.hasher);
            let set = set_of(&mut self.sets, &key, &detail);
            ops[rib.bits.shard_of(hash)].push(Op {
                hash,
                key,
                path_id: path_id.0,
                detail,
                set,
            });
            n += 1;
        }
        self.ops += n;
    }

    fn withdraw(&mut self, rib: &Rib, nlri: &NlriBlock<'_>) {
        self.block(rib, nlri, Entered::One(WITHDRAW));
    }

    fn announce(&mut self, rib: &Rib, nlri: &NlriBlock<'_>, attrs: AttrRef<'_>) {
        if nlri.form.add_path {
            rib.note_mixed_neighbors();
        }
        let info = Arc::clone(&self.info);
        let set = self.sets.enter(rib, &info, attrs, nlri.family);
        self.block(rib, nlri, set);
    }

    fn block(&mut self, rib: &Rib, nlri: &NlriBlock<'_>, set: Entered) {
        let batch = self;
        by_family(
            nlri.family,
            Push {
                batch,
                rib,
                nlri,
                set,
            },
        );
    }

    /// Applies the changes of one family.
    fn apply<K: TableKey>(
        &mut self,
        rib: &Rib,
        pin: &Pin<'_>,
        (peer, mut ceiling): (PeerIdx, Option<&mut Counted>),
        rings: &mut Rings,
        done: &mut Flushed,
    ) {
        if K::of(&self.lists).iter().all(Vec::is_empty) {
            return;
        }
        let (mut received, mut accepted, mut stale) = (0i64, 0i64, 0i64);
        let mut ops = std::mem::take(K::of_mut(&mut self.lists));
        let ids = self.sets.ids();
        let before = pin.peers.counts(peer, K::FAMILY);
        let before = (i64::from(before.received), i64::from(before.accepted));
        for (shard, ops) in ops.iter().enumerate().filter(|(_, ops)| !ops.is_empty()) {
            rib.lock::<K, _>(pin, shard, |table, judge| {
                for ops in ops.chunks(AHEAD) {
                    let mut touched = 0;
                    for op in ops {
                        touched ^= table.touch(op.hash);
                    }
                    std::hint::black_box(touched);
                    // What is withdrawn is nearly always there: its destinations are fetched side by side too.
                    let mut found = [None; AHEAD];
                    for (op, found) in ops.iter().zip(&mut found) {
                        if op.set == WITHDRAW {
                            *found = table.find(op.hash, &op.key);
                        }
                    }
                    for (op, found) in ops.iter().zip(found) {
                        let at = (op.hash, op.key);
                        let from = (peer, op.path_id);
                        let mut goes = op.set == WITHDRAW;
                        if let Some(Counted {
                            ceiling,
                            turned_away,
                        }) = &mut ceiling
                            && !goes
                        {
                            let counts = (before.0 + received, before.1 + accepted);
                            let new = ids[op.set as usize].1;
                            let old = || table.tag_of(at.0, &at.1, from);
                            goes = ceiling.turns_away(counts, new, old);
                            *turned_away += u64::from(goes);
                        }
                        if goes {
                            if let Some(tag) =
                                table.withdraw(judge, &rib.hasher, (at, found), from, rings)
                            {
                                received -= 1;
                                accepted -= i64::from(!tag.is_refused());
                                stale -= i64::from(tag.is_stale());
                                done.withdrawn += 1;
                            }
                            continue;
                        }
                        let (attrs, tag, next_hop) = ids[op.set as usize];
                        let new = (
                            Path {
                                attrs,
                                path_id: op.path_id,
                                peer,
                                tag,
                                detail: op.detail,
                            },
                            next_hop,
                        );
                        done.announced += 1;
                        match table.announce(judge, &rib.hasher, at, new, rings) {
                            Announced::Added => {
                                received += 1;
                                accepted += i64::from(!tag.is_refused());
                            }
                            Announced::Replaced(old) => {
                                stale -= i64::from(old.is_stale());
                                accepted +=
                                    i64::from(!tag.is_refused()) - i64::from(!old.is_refused());
                            }
                            Announced::Full => done.dropped += 1,
                        }
                    }
                }
            });
        }
        ops.iter_mut().for_each(Vec::clear);
        *K::of_mut(&mut self.lists) = ops;
        pin.peers.count(peer, K::FAMILY, received, accepted);
        if stale != 0 {
            pin.peers.count_stale(peer, K::FAMILY, stale);
        }
    }
}

/// Puts NLRI into the lists of their family.
struct Push<'a> {
    batch: &'a mut Batch,
    rib: &'a Rib,
    nlri: &'a NlriBlock<'a>,
    set: Entered,
}

impl ByFamily for Push<'_> {
    type Output = ();

    fn run<K: TableKey>(self) {
        let Self {
            batch,
            rib,
            nlri,
            set,
        } = self;
        match set {
            Entered::One(set) => batch.push::<K>(rib, nlri.iter(), |_, _, _| set),
            Entered::ByRoute => {
                batch.push::<K>(rib, nlri.iter(), |sets, key, detail| {
                    sets.of_route(&key.facts(detail))
                });
            }
        }
    }
}

/// Applies the changes of every family.
struct Apply<'a> {
    batch: &'a mut Batch,
    rib: &'a Rib,
    pin: &'a Pin<'a>,
    peer: PeerIdx,
    ceilings: &'a mut [Counted],
    rings: &'a mut Rings,
    done: &'a mut Flushed,
}

impl ForEach for Apply<'_> {
    fn visit<K: TableKey>(&mut self) {
        let Self {
            batch,
            rib,
            pin,
            peer,
            ceilings,
            rings,
            done,
        } = self;
        let mut ceilings = ceilings.iter_mut();
        let ceiling = ceilings.find(|one| one.ceiling.family == K::FAMILY);
        batch.apply::<K>(rib, pin, (*peer, ceiling), rings, done);
    }
}

impl Inbound {
    /// For the paths of this peer.
    pub fn new(peer: PeerIdx) -> Self {
        Self {
            peer,
            batch: None,
            ceilings: Vec::new(),
            done: Flushed::default(),
        }
    }

    /// The peer whose paths these are.
    pub fn peer(&self) -> PeerIdx {
        self.peer
    }

    /// The peer is known under another number now. With nothing pending.
    pub fn set_peer(&mut self, peer: PeerIdx) {
        debug_assert_eq!(self.pending(), 0);
        self.peer = peer;
    }

    /// From now on the peer may have so many paths. What it has above that stays.
    pub fn set_ceilings(&mut self, ceilings: impl IntoIterator<Item = Ceiling>) {
        let counted = |ceiling| Counted {
            ceiling,
            turned_away: 0,
        };
        self.ceilings = ceilings.into_iter().map(counted).collect();
    }

    /// How many paths of each family were not taken since this was asked last, as the peer has as many as it may have.
    pub fn take_turned_away(&mut self) -> impl Iterator<Item = (Family, u64)> {
        let all = self.ceilings.iter_mut();
        all.map(|one| (one.ceiling.family, std::mem::take(&mut one.turned_away)))
            .filter(|(_, paths)| *paths > 0)
    }

    /// Changes that wait for `flush`.
    pub fn pending(&self) -> usize {
        self.batch.as_ref().map_or(0, |batch| batch.ops)
    }

    /// Takes in an UPDATE. What it changes is applied by [`Inbound::flush`], in order; a very long batch is applied
    /// at once.
    pub fn update(&mut self, rib: &Rib, decoded: &Decoded<'_>, _ctx: &SessionContext) {
        let update = &decoded.update;
        let mut batch = self.batch.take().unwrap_or_else(|| {
            let info = rib.peer(self.peer);
            match rib.batches.lock().pop() {
                Some(mut batch) => {
                    batch.info = info;
                    batch
                }
                None => Batch::new(rib.bits.count(), info),
            }
        });
        batch.withdraw(rib, &update.withdrawn);
        if let Some(unreach) = &update.unreach {
            batch.withdraw(rib, &unreach.nlri);
        }
        // RFC 7606 §2, treat-as-withdraw: "the UPDATE message containing the path attribute in question MUST be treated
        // as though all contained routes had been withdrawn just as if they had been listed in the WITHDRAWN ROUTES
        // field".
        let withdraw = decoded.treat_as_withdraw();
        if !update.announced.is_empty() {
            match withdraw {
                true => batch.withdraw(rib, &update.announced),
                false => batch.announce(rib, &update.announced, update.attrs),
            }
        }
        if let Some(reach) = &update.reach {
            match update.mp_attrs {
                Some(attrs) if !withdraw => batch.announce(rib, &reach.nlri, attrs),
                _ => batch.withdraw(rib, &reach.nlri),
            }
        }
        let full = batch.ops >= FULL;
        self.batch = Some(batch);
        if full {
            self.apply(rib);
        }
    }

    /// Applies what `update` took in, and says what came of all UPDATEs since the last time.
    pub fn flush(&mut self, rib: &Rib) -> Flushed {
        self.apply(rib);
        std::mem::take(&mut self.done)
    }

    fn apply(&mut self, rib: &Rib) {
        let Some(mut batch) = self.batch.take() else {
            return;
        };
        let mut rings = Rings::default();
        loop {
            batch.sets.register_next_hops(rib);
            let pin = rib.pin();
            if batch.sets.intern(rib, &pin, &batch.info).is_none() {
                continue;
            }
            for_each(&mut Apply {
                batch: &mut batch,
                rib,
                pin: &pin,
                peer: self.peer,
                ceilings: &mut self.ceilings,
                rings: &mut rings,
                done: &mut self.done,
            });
            break;
        }
        rib.ring(rings);
        batch.clear();
        let mut pool = rib.batches.lock();
        if pool.len() < rib.bits.count() {
            pool.push(batch);
        }
    }

    /// All routes of a family are stale from here on until they come again: the peer begins to send them again (RFC 7313 §4), or its
    /// session has ended and is to come back (RFC 4724 §4.2). What has not come until [`Inbound::sweep_stale`] goes then. To be
    /// called in its place among the UPDATEs, and walked to the end before the next of them.
    pub fn mark_stale(&mut self, rib: &Rib, family: Family) -> Walk {
        self.apply(rib);
        rib.mark_stale(self.peer, family)
    }

    /// The peer has sent all routes of a family again, or had the time to. The walk counts how many go.
    pub fn sweep_stale(&mut self, rib: &Rib, family: Family) -> Walk {
        self.apply(rib);
        rib.sweep_stale(self.peer, family)
    }

    /// Routes of a family that are stale are kept for long (RFC 9494 §4.2). The walk counts how many go, as they do not want it.
    pub fn keep_for_long(&mut self, rib: &Rib, family: Family) -> Walk {
        self.apply(rib);
        rib.keep_for_long(self.peer, family)
    }

    /// All routes of these families go: they can no longer be read (RFC 4760 §7), or are not to be kept. To be walked to the end
    /// before the next UPDATE.
    pub fn remove(&mut self, rib: &Rib, families: FamilySet) -> Walk {
        self.apply(rib);
        rib.remove_families(self.peer, families)
    }

    /// Forgets what was not flushed, as when the session ends.
    pub fn discard(&mut self) {
        self.batch = None;
    }
}
