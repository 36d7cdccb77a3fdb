//! From what changed to messages: export each set once, group prefixes by set, fill UPDATEs. Of a set that is only withdrawn
//! it matters whether it was told, not what it became on the way.
//!
//! Withdrawals go first, so that a path id may change hands within one batch. Prefixes of one source set stay
//! together by a counting sort over the sets of the batch; nothing is allocated for a prefix. The output is a run of
//! messages for every audience: all members, or all but the one that is the source. A member that *becomes* the
//! source of a route which it had been told from elsewhere gets a withdrawal of its own (RFC 4271 §9.2: it would
//! otherwise keep a route whose source is itself).

use crate::adj_out::Record;
use crate::attrs::{AttrId, Interner};
use crate::by_route::ByRoute;
use crate::dirty::Bitmap;
use crate::export::{ExportRules, Exported, SourceInfo, export, is_announced, tells_source};
use crate::group::{FamilyExport, ToldCount};
use crate::path::PeerIdx;
use crate::peers::Peers;
use crate::policy::RouteFacts;
use crate::shard_key::TableKey;
use crate::tables::{Part, Tables};
use bgp_wire::{AttrEditor, AttrRef, Nlri, PathId, encode_announce, encode_withdraw};
use bytes::{Bytes, BytesMut};
use hashbrown::HashMap;
use std::ops::Range;

/// Octets of an UPDATE beside attributes and NLRI, about.
const MESSAGE: usize = 40;

/// Messages for all members but one, or for all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Run {
    pub(crate) range: Range<usize>,
    pub(crate) messages: u32,
    pub(crate) except: Option<PeerIdx>,
}

/// Messages of one batch.
#[derive(Default)]
pub(crate) struct Packed {
    pub(crate) bytes: Bytes,
    pub(crate) runs: Vec<Run>,
    /// Messages for one member, in addition.
    pub(crate) extra: Vec<(PeerIdx, Bytes, u32)>,
}

/// A set of the batch.
struct Slot {
    attrs: AttrId,
    /// Whether the members are told it.
    told: bool,
    /// Where it is in `sets`, exported, if somebody had to know.
    range: Option<Range<usize>>,
    source: PeerIdx,
    except: Option<PeerIdx>,
    /// Prefixes announced with it, then where the next one goes.
    count: usize,
    /// How many more destinations the members have been told it of.
    more: i64,
}

/// A route to be announced.
type Route<K> = (PathId, K, <K as Nlri>::Detail);

/// The lists of one family, kept for their memory.
pub(crate) struct Lists<K: TableKey> {
    pub(crate) records: Vec<Record<K>>,
    announce: Vec<(u32, Route<K>)>,
    withdraw: Vec<(Option<PeerIdx>, (PathId, K))>,
    extra: Vec<(PeerIdx, (PathId, K))>,
    nlri: Vec<Route<K>>,
    gone: Vec<(PathId, K)>,
}

impl<K: TableKey> Default for Lists<K> {
    fn default() -> Self {
        Self {
            records: Vec::new(),
            announce: Vec::new(),
            withdraw: Vec::new(),
            extra: Vec::new(),
            nlri: Vec::new(),
            gone: Vec::new(),
        }
    }
}

/// Who is being told, and how.
pub(crate) struct Audience<'a> {
    pub(crate) rules: &'a ExportRules,
    pub(crate) family: &'a FamilyExport,
    /// Numbers of the members.
    pub(crate) members: &'a Bitmap,
}

impl Audience<'_> {
    fn tells_source(&self) -> bool {
        tells_source(self.family.family, self.rules.audience)
    }

    /// Whether what came from this peer is not told to a member, as it is that peer.
    fn leaves_out(&self, source: PeerIdx) -> bool {
        self.members.contains(u32::from(source.0)) && !self.tells_source()
    }

    /// As whose a told route is counted.
    fn counts_for(&self, source: PeerIdx) -> PeerIdx {
        if self.tells_source() {
            PeerIdx::LOCAL
        } else {
            source
        }
    }
}

/// See the top of this file.
pub(crate) struct Packer {
    lists: Tables<AllLists>,
    shared: Shared,
}

/// Lists for each family.
struct AllLists;

impl Part for AllLists {
    type Of<K: TableKey> = Lists<K>;

    fn make<K: TableKey>(&self) -> Lists<K> {
        Lists::default()
    }
}

impl Default for Packer {
    fn default() -> Self {
        Self {
            lists: Tables::new(&AllLists),
            shared: Shared::default(),
        }
    }
}

#[derive(Default)]
struct Shared {
    editor: AttrEditor,
    slots: Vec<Slot>,
    memo: HashMap<(AttrId, PeerIdx), u32, foldhash::fast::RandomState>,
    last: Option<(AttrId, PeerIdx, u32)>,
    sets: Vec<u8>,
    out: BytesMut,
    /// Prefixes whose set did not fit into a message.
    oversized: u64,
}

/// What the sets of a batch are exported with.
#[derive(Clone, Copy)]
struct With<'a> {
    interner: &'a Interner,
    peers: &'a Peers,
    to: &'a Audience<'a>,
}

impl Shared {
    /// The slot of a source set.
    fn slot(&mut self, (attrs, source): (AttrId, PeerIdx), with: With<'_>) -> u32 {
        if let Some((id, peer, slot)) = self.last
            && id == attrs
            && peer == source
        {
            return slot;
        }
        let slot = match self.memo.get(&(attrs, source)) {
            Some(&slot) => slot,
            None => {
                let info = with.peers.info(source);
                let entry = with.interner.entry(attrs);
                let told = is_announced(
                    entry.attrs(),
                    entry.key.is_limited,
                    &SourceInfo::of(info),
                    with.to.family.family,
                    with.to.rules,
                    &mut self.editor,
                );
                self.slots.push(Slot {
                    attrs,
                    told,
                    range: None,
                    source,
                    except: with.to.leaves_out(source).then_some(source),
                    count: 0,
                    more: 0,
                });
                let slot = (self.slots.len() - 1) as u32;
                self.memo.insert((attrs, source), slot);
                slot
            }
        };
        self.last = Some((attrs, source, slot));
        slot
    }

    /// The slot of a source set for a route, where policy tells routes of one set apart.
    fn slot_of_route(
        &mut self,
        by_route: &mut ByRoute<'_, u32>,
        (attrs, source): (AttrId, PeerIdx),
        route: impl FnOnce() -> RouteFacts,
        with: With<'_>,
    ) -> u32 {
        let Self {
            editor,
            slots,
            sets,
            ..
        } = self;
        let tables = (with.interner, with.peers);
        by_route.of(tables, (attrs, source), route, editor, |exported| {
            let range = match exported {
                Exported::Announce(set) => {
                    let start = sets.len();
                    sets.extend_from_slice(set.as_bytes());
                    Some(start..sets.len())
                }
                Exported::Reject(_) => None,
            };
            slots.push(Slot {
                attrs,
                told: range.is_some(),
                range,
                source,
                except: with.to.leaves_out(source).then_some(source),
                count: 0,
                more: 0,
            });
            (slots.len() - 1) as u32
        })
    }

    /// Exports the set of a slot that is told, once.
    fn build(&mut self, slot: u32, with: With<'_>) {
        let slot = &mut self.slots[slot as usize];
        if slot.range.is_some() || !slot.told {
            return;
        }
        let info = with.peers.info(slot.source);
        let exported = export(
            with.interner.entry(slot.attrs).attrs(),
            &SourceInfo::of(info),
            with.to.family.family,
            None,
            with.to.rules,
            &mut self.editor,
        );
        match exported {
            Exported::Announce(set) => {
                let start = self.sets.len();
                self.sets.extend_from_slice(set.as_bytes());
                slot.range = Some(start..self.sets.len());
            }
            Exported::Reject(_) => slot.told = false,
        }
    }

    /// Whether two slots are the same bytes to the same members.
    fn equal(&mut self, a: u32, b: u32, with: With<'_>) -> bool {
        self.build(a, with);
        self.build(b, with);
        let (a, b) = (&self.slots[a as usize], &self.slots[b as usize]);
        match (&a.range, &b.range) {
            (Some(x), Some(y)) => {
                a.except == b.except && self.sets[x.clone()] == self.sets[y.clone()]
            }
            _ => false,
        }
    }

    fn announced(&self, slot: u32) -> bool {
        self.slots[slot as usize].told
    }
}

impl Packer {
    /// Prefixes so far whose set did not fit into a message, and which were withdrawn instead.
    pub(crate) fn oversized(&self) -> u64 {
        self.shared.oversized
    }

    /// The lists of a family, of which [`pack`](Self::pack) makes messages.
    pub(crate) fn lists<K: TableKey>(&mut self) -> &mut Lists<K> {
        K::of_mut(&mut self.lists)
    }

    /// Makes messages of the records in the lists of `K`.
    pub(crate) fn pack<K: TableKey>(
        &mut self,
        interner: &Interner,
        peers: &Peers,
        to: &Audience<'_>,
        told: &mut ToldCount,
    ) -> Packed {
        let lists = K::of_mut(&mut self.lists);
        let shared = &mut self.shared;
        shared.slots.clear();
        shared.memo.clear();
        shared.sets.clear();
        shared.last = None;
        let with = With {
            interner,
            peers,
            to,
        };
        lists.sort_out(shared, with, told);
        lists.by_set(shared);
        lists.encode(shared, to)
    }
}

impl<K: TableKey> Lists<K> {
    /// What each record means to whom.
    fn sort_out(&mut self, shared: &mut Shared, with: With<'_>, told: &mut ToldCount) {
        self.announce.clear();
        self.withdraw.clear();
        self.extra.clear();
        let rules = with.to.rules;
        let mut by_route = rules
            .policy
            .asks_for_route()
            .then(|| ByRoute::new(rules, K::FAMILY));
        for record in self.records.drain(..) {
            let nlri = (PathId(record.path_id), record.key);
            let new = record.new.map(|attrs| (attrs, record.new_source));
            let old = record.old.map(|attrs| (attrs, record.old_source));
            let (new, old) = match &mut by_route {
                None => {
                    let mut slot = |set| shared.slot(set, with);
                    (new.map(&mut slot), old.map(&mut slot))
                }
                Some(by_route) => {
                    let facts = || record.key.facts(&record.detail);
                    let new = new.map(|set| shared.slot_of_route(by_route, set, facts, with));
                    let facts = || record.old_label.facts(record.key);
                    let old = old.map(|set| shared.slot_of_route(by_route, set, facts, with));
                    (new, old)
                }
            };
            let new = new.filter(|&slot| shared.announced(slot));
            let old = old.filter(|&slot| shared.announced(slot));
            if let Some(new) = new {
                shared.slots[new as usize].more += 1;
                if old.is_none_or(|old| record.resend || !shared.equal(old, new, with)) {
                    shared.build(new, with);
                    shared.slots[new as usize].count += 1;
                    let announced = (nlri.0, nlri.1, record.detail);
                    self.announce.push((new, announced));
                }
            }
            if let Some(old) = old {
                shared.slots[old as usize].more -= 1;
                let old = &shared.slots[old as usize];
                match new {
                    None => self.withdraw.push((old.except, nlri)),
                    // Everybody else is announced the new one, the old source included, which was not told the old.
                    Some(new) => {
                        let new = &shared.slots[new as usize];
                        if new.source != old.source
                            && let Some(member) = new.except
                        {
                            self.extra.push((member, nlri));
                        }
                    }
                }
            }
        }
        for slot in shared.slots.iter().filter(|slot| slot.more != 0) {
            told.add(with.to.counts_for(slot.source), slot.more);
        }
    }

    /// Brings prefixes of one slot together, in `nlri`; the slots keep where theirs end.
    fn by_set(&mut self, shared: &mut Shared) {
        let mut at = 0;
        for slot in &mut shared.slots {
            let n = slot.count;
            slot.count = at;
            at += n;
        }
        self.nlri.clear();
        if let Some(&(_, nlri)) = self.announce.first() {
            self.nlri.resize(at, nlri);
        }
        for &(slot, nlri) in &self.announce {
            let place = &mut shared.slots[slot as usize].count;
            self.nlri[*place] = nlri;
            *place += 1;
        }
    }

    fn encode(&mut self, shared: &mut Shared, to: &Audience<'_>) -> Packed {
        let family = to.family.family;
        let encoding = &to.family.encoding;
        let mut packed = Packed::default();
        let out = &mut shared.out;
        out.reserve(
            shared.sets.len() + shared.slots.len() * MESSAGE + self.nlri.len() * size_of::<K>(),
        );
        // The announcements first, aside, as what does not fit into a message becomes a withdrawal.
        let mut announced = Vec::new();
        let mut start = 0;
        for slot in &shared.slots {
            let mut nlri = &self.nlri[start..slot.count];
            start = slot.count;
            let Some(range) = slot.range.clone() else {
                continue;
            };
            let set = AttrRef::from_canonical(&shared.sets[range]);
            let from = out.len();
            let mut messages = 0;
            while !nlri.is_empty() {
                match encode_announce(out, family, encoding, set, nlri) {
                    Ok(fitted) => {
                        nlri = &nlri[fitted..];
                        messages += 1;
                    }
                    // RFC 8654 §4 for what would have to be sent to one who cannot take long messages: "the
                    // advertisement of the route [...] MUST NOT be made"; whatever was told before goes.
                    Err(_) => {
                        shared.oversized += nlri.len() as u64;
                        self.withdraw
                            .extend(nlri.iter().map(|nlri| (slot.except, (nlri.0, nlri.1))));
                        nlri = &[];
                    }
                }
            }
            push_run(&mut announced, from..out.len(), messages, slot.except);
        }
        let announcements = out.split();
        if !self.withdraw.is_empty() {
            // Stable, so in order of the records for each audience.
            self.withdraw.sort_by_key(|&(except, _)| except);
            for withdrawals in self.withdraw.chunk_by(|a, b| a.0 == b.0) {
                self.gone.clear();
                self.gone.extend(withdrawals.iter().map(|&(_, nlri)| nlri));
                let from = out.len();
                let mut messages = 0;
                let mut left = &self.gone[..];
                while !left.is_empty() {
                    left = &left[encode_withdraw(out, family, encoding, left)..];
                    messages += 1;
                }
                push_run(
                    &mut packed.runs,
                    from..out.len(),
                    messages,
                    withdrawals[0].0,
                );
            }
        }
        if out.is_empty() {
            packed.bytes = announcements.freeze();
            packed.runs = announced;
        } else {
            let offset = out.len();
            out.extend_from_slice(&announcements);
            for run in announced {
                let range = run.range.start + offset..run.range.end + offset;
                push_run(&mut packed.runs, range, run.messages, run.except);
            }
            packed.bytes = out.split().freeze();
        }
        if !self.extra.is_empty() {
            self.extra.sort_by_key(|&(member, _)| member);
            for withdrawals in self.extra.chunk_by(|a, b| a.0 == b.0) {
                self.gone.clear();
                self.gone.extend(withdrawals.iter().map(|&(_, nlri)| nlri));
                let mut messages = 0;
                let mut left = &self.gone[..];
                while !left.is_empty() {
                    left = &left[encode_withdraw(out, family, encoding, left)..];
                    messages += 1;
                }
                packed
                    .extra
                    .push((withdrawals[0].0, out.split().freeze(), messages));
            }
        }
        packed
    }
}

/// Adds a run, to the last one if the audience is the same.
fn push_run(runs: &mut Vec<Run>, range: Range<usize>, messages: u32, except: Option<PeerIdx>) {
    if messages == 0 {
        return;
    }
    match runs.last_mut() {
        Some(last) if last.except == except && last.range.end == range.start => {
            last.range.end = range.end;
            last.messages += messages;
        }
        _ => runs.push(Run {
            range,
            messages,
            except,
        }),
    }
}
