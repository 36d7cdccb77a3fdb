//! The next hops that paths have, and whether each can be reached.
//!
//! A next hop is entered when the first set with it is interned and goes with a sweep after the last one went. What
//! the resolver said about it is one atomic word, read under the shard lock by number; the map from address to number
//! has independent keys, so it is a dashmap. The resolver itself is called with no lock held, as it may well ask this
//! table for a longest match.

use crate::chunks::Chunks;
use crate::decision::Ineligible;
use crate::dirty::Bitmap;
use bgp_wire::{AttrRef, NextHop};
use dashmap::DashMap;
use parking_lot::Mutex;
use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the next hops of a peer's routes are looked for.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct NextHopScope {
    /// The link that we share with the peer; 0 if there is none.
    pub link: u32,
    /// On that link alone, as those of an external neighbour one hop away: see
    /// [`PeerInfo::next_hop_scope`](crate::PeerInfo::next_hop_scope).
    pub only: bool,
    /// The session runs between link-local addresses: the two routers need share no network, and where a next hop has both addresses,
    /// the link-local one is certain to be reached.
    pub link_local: bool,
}

impl NextHopScope {
    /// Where a next hop is looked for that a policy set: wherever it is, as the neighbour has nothing to do with it.
    #[must_use]
    pub fn of_policy(self) -> Self {
        Self {
            only: false,
            ..self
        }
    }
}

/// A next hop as it is resolved: an address, and for a link-local one the interface.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NextHopKey {
    /// Where packets are to go.
    pub address: IpAddr,
    /// Index of the interface if the address is link-local, or if it has to be on that link; else 0.
    pub link: u32,
}

impl NextHopKey {
    /// What has to be resolved for this next hop. Of a global and a link-local address the global one, as it means the same on
    /// every link, unless the session itself has none; a link-local one belongs to the peer's link.
    pub fn of(next_hop: NextHop, scope: NextHopScope) -> Self {
        let anywhere = if scope.only { scope.link } else { 0 };
        match next_hop {
            NextHop::V4(address) => Self {
                address: address.into(),
                link: anywhere,
            },
            NextHop::V6LinkLocal { global, link_local }
                if scope.link_local || is_no_address(global) =>
            {
                Self {
                    address: link_local.into(),
                    link: scope.link,
                }
            }
            NextHop::V6(address)
            | NextHop::V6LinkLocal {
                global: address, ..
            } => Self {
                address: address.into(),
                link: if address.is_unicast_link_local() {
                    scope.link
                } else {
                    anywhere
                },
            },
        }
    }
}

/// An address that says nothing beyond the link, where a global one should be.
fn is_no_address(address: Ipv6Addr) -> bool {
    address.is_unspecified() || address.is_unicast_link_local()
}

impl fmt::Display for NextHopKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.link {
            0 => self.address.fmt(f),
            link => write!(f, "{}%{link}", self.address),
        }
    }
}

/// What is known of the way to a next hop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resolution {
    /// There is a route.
    pub reachable: bool,
    /// Its metric, the interior cost of RFC 4271 §9.1.2.2 e.
    pub metric: u32,
    /// It had to be on one link and is on another, or on none: see [`NextHopScope::only`].
    pub off_link: bool,
}

impl Resolution {
    /// On a link of ours.
    pub const DIRECT: Self = Self {
        reachable: true,
        metric: 0,
        off_link: false,
    };
    /// No route.
    pub const UNREACHABLE: Self = Self {
        reachable: false,
        metric: u32::MAX,
        off_link: false,
    };
    /// Not on the link that it has to be on.
    pub const OFF_LINK: Self = Self {
        off_link: true,
        ..Self::UNREACHABLE
    };

    const IS_REACHABLE: u64 = 1 << 32;
    const IS_OFF_LINK: u64 = 1 << 33;

    fn to_word(self) -> u64 {
        let flag = |set: bool, bit: u64| if set { bit } else { 0 };
        u64::from(self.metric)
            | flag(self.reachable, Self::IS_REACHABLE)
            | flag(self.off_link, Self::IS_OFF_LINK)
    }

    fn from_word(word: u64) -> Self {
        Self {
            reachable: word & Self::IS_REACHABLE != 0,
            metric: word as u32,
            off_link: word & Self::IS_OFF_LINK != 0,
        }
    }

    /// Why a route with this next hop may not be selected.
    pub(crate) fn ineligible(self) -> Option<Ineligible> {
        match self {
            Self {
                reachable: true, ..
            } => None,
            Self { off_link: true, .. } => Some(Ineligible::NextHopOffLink),
            Self { .. } => Some(Ineligible::NextHopUnreachable),
        }
    }
}

/// Finds the way to next hops. Called with no lock of the table held.
pub trait NextHopResolver: Send + Sync {
    /// The way to `next_hop`, now. A change later is told by [`Rib::next_hop_changed`](crate::Rib::next_hop_changed).
    fn resolve(&self, next_hop: &NextHopKey) -> Resolution;

    /// Why there is no way to `next_hop`, for people. Nothing if there is one, or if nobody knows.
    fn why_unreachable(&self, _next_hop: &NextHopKey) -> Option<String> {
        None
    }
}

/// Everything is on a link of ours: for tests, and for route servers that forward nothing.
#[derive(Clone, Copy, Debug, Default)]
pub struct AllReachable;

impl NextHopResolver for AllReachable {
    fn resolve(&self, _next_hop: &NextHopKey) -> Resolution {
        Resolution::DIRECT
    }
}

/// The number of a next hop with its link. Equal numbers are equal next hops.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct NextHopId(u32);

impl NextHopId {
    /// Of sets without a next hop, as local routes may be. Always reachable.
    pub(crate) const NONE: Self = Self(0);

    pub(crate) fn number(self) -> u32 {
        self.0
    }

    #[cfg(test)]
    pub(crate) fn test(number: u32) -> Self {
        Self(number)
    }
}

#[derive(Default)]
struct Numbers {
    used: u32,
    free: Vec<u32>,
    /// Entered since the last sweep, and before that since the last but one: a set may be about to be interned.
    fresh: [Bitmap; 2],
}

/// See the top of this file.
pub(crate) struct NextHops {
    ids: DashMap<NextHopKey, NextHopId, foldhash::fast::RandomState>,
    words: Chunks<AtomicU64>,
    numbers: Mutex<Numbers>,
    resolver: Arc<dyn NextHopResolver>,
}

impl NextHops {
    pub(crate) fn new(resolver: Arc<dyn NextHopResolver>) -> Self {
        let words = Chunks::<AtomicU64>::new();
        words
            .ensure(0)
            .store(Resolution::DIRECT.to_word(), Ordering::Relaxed);
        Self {
            // Few keys: few shards, as each costs memory in every router of a node.
            ids: DashMap::with_hasher_and_shard_amount(foldhash::fast::RandomState::default(), 4),
            words,
            numbers: Mutex::new(Numbers {
                used: 1,
                ..Numbers::default()
            }),
            resolver,
        }
    }

    /// The number of a set's next hop, if it was registered.
    pub(crate) fn id_of(&self, attrs: AttrRef<'_>, scope: NextHopScope) -> Option<NextHopId> {
        match attrs.next_hop() {
            None => Some(NextHopId::NONE),
            Some(next_hop) => self.ids.get(&NextHopKey::of(next_hop, scope)).map(|id| *id),
        }
    }

    /// Enters the next hop of a set if it is new. Asks the resolver then, so no lock may be held.
    pub(crate) fn register(&self, attrs: AttrRef<'_>, scope: NextHopScope) {
        let Some(next_hop) = attrs.next_hop() else {
            return;
        };
        let key = NextHopKey::of(next_hop, scope);
        if self.ids.contains_key(&key) {
            return;
        }
        let resolution = self.resolver.resolve(&key);
        let id = *self.ids.entry(key).or_insert_with(|| {
            let mut numbers = self.numbers.lock();
            let number = numbers.free.pop().unwrap_or_else(|| {
                numbers.used += 1;
                numbers.used - 1
            });
            numbers.fresh[0].set(number);
            self.words
                .ensure(number)
                .store(resolution.to_word(), Ordering::Release);
            NextHopId(number)
        });
        // Whoever changed the answer since we asked did not find the number yet. From now on they do.
        let word = self.words.ensure(id.0);
        let mut stored = resolution.to_word();
        loop {
            let now = self.resolver.resolve(&key).to_word();
            if now == stored {
                return;
            }
            match word.compare_exchange(stored, now, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => stored = now,
                // Told by somebody else meanwhile.
                Err(_) => return,
            }
        }
    }

    /// What is known of a next hop. One atomic read.
    #[inline]
    pub(crate) fn resolution(&self, id: NextHopId) -> Resolution {
        let word = self
            .words
            .get(id.0)
            .map_or(0, |word| word.load(Ordering::Acquire));
        Resolution::from_word(word)
    }

    /// Asks the resolver about these again. Returns those whose answer is a new one.
    pub(crate) fn resolve_again(&self, keys: &[NextHopKey]) -> Bitmap {
        let mut changed = Bitmap::default();
        for key in keys {
            let Some(id) = self.ids.get(key).map(|id| *id) else {
                continue;
            };
            let word = self.resolver.resolve(key).to_word();
            if self.words.ensure(id.0).swap(word, Ordering::AcqRel) != word {
                changed.set(id.0);
            }
        }
        changed
    }

    /// Why there is no way to one, for people.
    pub(crate) fn why_unreachable(&self, key: &NextHopKey) -> Option<String> {
        self.resolver.why_unreachable(key)
    }

    /// All that are known, with what is known of them.
    pub(crate) fn all(&self) -> Vec<(NextHopKey, Resolution)> {
        self.ids
            .iter()
            .map(|entry| (*entry.key(), self.resolution(*entry.value())))
            .collect()
    }

    /// Forgets those that no set has any more. Only while nobody holds a pin.
    pub(crate) fn sweep(&self, in_use: &Bitmap) {
        // The map's lock before that of the numbers, as in `register`, which may run at the same time.
        self.ids.retain(|_, id| {
            let mut numbers = self.numbers.lock();
            let keep =
                in_use.contains(id.0) || numbers.fresh.iter().any(|fresh| fresh.contains(id.0));
            if !keep {
                numbers.free.push(id.0);
            }
            keep
        });
        let mut numbers = self.numbers.lock();
        numbers.fresh[1] = std::mem::take(&mut numbers.fresh[0]);
    }

    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bgp_wire::AttrEditor;
    use std::sync::atomic::AtomicU32;

    const ANYWHERE: NextHopScope = NextHopScope {
        link: 0,
        only: false,
        link_local: false,
    };
    const LINK_3: NextHopScope = NextHopScope {
        link: 3,
        only: false,
        link_local: false,
    };

    #[test]
    fn a_link_local_next_hop_belongs_to_its_link() {
        let link_local: Ipv6Addr = "fe80::1".parse().unwrap();
        let global: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let both = NextHop::V6LinkLocal { global, link_local };
        for nowhere in [Ipv6Addr::UNSPECIFIED, "fe80::2".parse().unwrap()] {
            let alone = NextHop::V6LinkLocal {
                global: nowhere,
                link_local,
            };
            assert_eq!(NextHopKey::of(alone, LINK_3).to_string(), "fe80::1%3");
        }
        assert_eq!(
            NextHopKey::of(both, LINK_3),
            NextHopKey {
                address: global.into(),
                link: 0
            }
        );
        assert_eq!(NextHopKey::of(NextHop::V6(link_local), LINK_3).link, 3);
        assert_eq!(NextHopKey::of(NextHop::V6(global), LINK_3).link, 0);
    }

    /// RFC 2545 §3 has both in one next hop.
    #[test]
    fn a_session_between_link_local_addresses_goes_by_the_link_local_one() {
        let both = NextHop::V6LinkLocal {
            global: "2001:db8::1".parse().unwrap(),
            link_local: "fe80::1".parse().unwrap(),
        };
        for only in [true, false] {
            let scope = NextHopScope {
                only,
                link_local: true,
                ..LINK_3
            };
            assert_eq!(NextHopKey::of(both, scope).to_string(), "fe80::1%3");
        }
    }

    #[test]
    fn every_next_hop_of_a_neighbour_one_hop_away_belongs_to_its_link() {
        let scope = NextHopScope {
            only: true,
            ..LINK_3
        };
        let v6: Ipv6Addr = "2001:db8::1".parse().unwrap();
        let link_local: Ipv6Addr = "fe80::1".parse().unwrap();
        for (next_hop, wanted) in [
            (NextHop::V4([192, 0, 2, 1].into()), "192.0.2.1%3"),
            (NextHop::V6(v6), "2001:db8::1%3"),
            (NextHop::V6(link_local), "fe80::1%3"),
            (
                NextHop::V6LinkLocal {
                    global: v6,
                    link_local,
                },
                "2001:db8::1%3",
            ),
        ] {
            assert_eq!(NextHopKey::of(next_hop, scope).to_string(), wanted);
        }
    }

    #[test]
    fn a_word_holds_all_that_is_known() {
        for resolution in [
            Resolution::DIRECT,
            Resolution::UNREACHABLE,
            Resolution::OFF_LINK,
        ] {
            assert_eq!(Resolution::from_word(resolution.to_word()), resolution);
        }
    }

    struct Metric(AtomicU32);

    impl NextHopResolver for Metric {
        fn resolve(&self, _: &NextHopKey) -> Resolution {
            Resolution {
                reachable: true,
                metric: self.0.load(Ordering::Relaxed),
                off_link: false,
            }
        }
    }

    #[test]
    fn a_next_hop_is_resolved_when_it_is_new_and_when_asked() {
        let metric = Arc::new(Metric(AtomicU32::new(5)));
        let table = NextHops::new(metric.clone());
        let mut editor = AttrEditor::new();
        editor.set_next_hop(Some(NextHop::V4([10, 0, 0, 1].into())));
        let attrs = editor.finish();
        assert_eq!(table.id_of(attrs, ANYWHERE), None);
        table.register(attrs, ANYWHERE);
        let id = table.id_of(attrs, ANYWHERE).unwrap();
        assert_eq!(table.resolution(id).metric, 5);
        metric.0.store(6, Ordering::Relaxed);
        table.register(attrs, ANYWHERE);
        assert_eq!(table.resolution(id).metric, 5);
        let keys: Vec<_> = table.all().into_iter().map(|(key, _)| key).collect();
        assert_eq!(table.resolve_again(&keys).len(), 1);
        assert_eq!(table.resolve_again(&keys).len(), 0);
        assert_eq!(table.resolution(id).metric, 6);
    }

    #[test]
    fn a_next_hop_that_nobody_uses_outlives_two_sweeps() {
        let table = NextHops::new(Arc::new(AllReachable));
        let mut editor = AttrEditor::new();
        editor.set_next_hop(Some(NextHop::V4([10, 0, 0, 1].into())));
        table.register(editor.finish(), ANYWHERE);
        let mut lens = Vec::new();
        for _ in 0..3 {
            table.sweep(&Bitmap::default());
            lens.push(table.len());
        }
        assert_eq!(lens, [1, 1, 0]);
    }
}
