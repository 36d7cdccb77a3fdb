//! How many prefixes a peer may tell, and what is to be done when it tells more (RFC 4271 §6.7). Pure.
//!
//! What is found is told once in a session for each limit and level, however often the count goes up and down around it.

use std::time::{Duration, Instant};

use bgp_wire::{Family, Notification};
use rib::{Ceiling, PeerCounts};

use crate::desired::{LimitAction, PrefixLimit};

/// How one limit fares.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LimitStatus {
    /// What is configured.
    pub limit: PrefixLimit,
    /// In how many sessions it was exceeded.
    pub exceeded: u64,
    /// Paths that were not taken because of it in this session.
    pub discarded: u64,
    /// Paths that were not taken because of it in all.
    pub discarded_ever: u64,
}

/// What to do about a count.
#[derive(Clone, PartialEq, Debug)]
pub(super) enum Finding {
    /// Say that it comes near the limit.
    Near(PrefixLimit, u32),
    /// Say that it is above the limit.
    Over(PrefixLimit, u32),
    /// End the session with this.
    End(PrefixLimit, Notification),
    /// There is room again for what was not taken: ask for it.
    RoomAgain(PrefixLimit),
}

/// The limits of one peer.
#[derive(Debug, Default)]
pub(super) struct PrefixLimits {
    limits: Vec<Watched>,
    /// Since when the session is up that they watch over.
    session: Option<Instant>,
    /// A limit ended the session.
    ended: Option<Ended>,
    /// Families without a limit now of which paths were not taken.
    unlimited: Vec<Family>,
}

#[derive(Debug)]
struct Watched {
    status: LimitStatus,
    said_near: bool,
    said_over: bool,
    /// Paths were not taken and not asked for again.
    missing: bool,
    /// They came together with what made room for them: the table takes in what was read together shard by shard.
    too_early: bool,
    /// There may be room for them now, as the limit is another one.
    reconsider: bool,
}

#[derive(Clone, Copy, Debug)]
struct Ended {
    /// When the peer is tried again, if it is by itself.
    until: Option<Instant>,
}

impl PrefixLimits {
    /// These are the limits from now on. True if others than before.
    pub(super) fn set(&mut self, limits: &[PrefixLimit]) -> bool {
        let now = self.limits.iter().map(|watched| watched.status.limit);
        if now.eq(limits.iter().copied()) {
            return false;
        }
        let mut before = std::mem::take(&mut self.limits);
        self.limits = limits
            .iter()
            .map(|&limit| {
                let same = |watched: &Watched| watched.status.limit.family == limit.family;
                let old = before
                    .iter()
                    .position(same)
                    .map(|at| before.swap_remove(at));
                let old = old.as_ref();
                Watched {
                    status: LimitStatus {
                        limit,
                        exceeded: old.map_or(0, |old| old.status.exceeded),
                        discarded: old.map_or(0, |old| old.status.discarded),
                        discarded_ever: old.map_or(0, |old| old.status.discarded_ever),
                    },
                    said_near: false,
                    said_over: false,
                    missing: old.is_some_and(|old| old.missing),
                    too_early: false,
                    reconsider: old.is_some_and(|old| old.missing),
                }
            })
            .collect();
        let left = before.iter().filter(|watched| watched.missing);
        self.unlimited
            .extend(left.map(|watched| watched.status.limit.family));
        true
    }

    /// Families that lost their limit, and are to be asked for what was not taken.
    pub(super) fn take_unlimited(&mut self) -> Vec<Family> {
        std::mem::take(&mut self.unlimited)
    }

    pub(super) fn is_empty(&self) -> bool {
        self.limits.is_empty()
    }

    pub(super) fn statuses(&self) -> impl Iterator<Item = LimitStatus> {
        self.limits.iter().map(|watched| watched.status)
    }

    /// What the table does not take.
    pub(super) fn ceilings(&self) -> impl Iterator<Item = Ceiling> {
        let limits = self.limits.iter().map(|watched| watched.status.limit);
        limits
            .filter(|limit| limit.action == LimitAction::Discard)
            .map(|limit| Ceiling {
                family: limit.family,
                most: limit.limit,
                after_policy: limit.after_policy,
            })
    }

    /// The session that is up since then is watched over. To be called in its place before what is found of it, which may have come
    /// together with its beginning.
    pub(super) fn handle_session(&mut self, since: Instant) {
        if self.session.replace(since) == Some(since) {
            return;
        }
        self.ended = None;
        for watched in &mut self.limits {
            (watched.said_near, watched.said_over) = (false, false);
            (watched.missing, watched.reconsider) = (false, false);
            watched.status.discarded = 0;
        }
    }

    /// So many paths of a family were not taken.
    pub(super) fn handle_discarded(&mut self, family: Family, paths: u64) {
        let mut limits = self.limits.iter_mut();
        if let Some(watched) = limits.find(|watched| watched.status.limit.family == family) {
            watched.status.discarded += paths;
            watched.status.discarded_ever += paths;
            (watched.missing, watched.too_early) = (true, true);
        }
    }

    /// The peer has so many paths of a family now. To be called after what changed them, until there is nothing more to do.
    pub(super) fn handle_counts(
        &mut self,
        now: Instant,
        counts: impl Fn(Family) -> PeerCounts,
    ) -> Option<Finding> {
        self.limits.iter_mut().find_map(|watched| {
            let limit = watched.status.limit;
            let counts = counts(limit.family);
            let count = match limit.after_policy {
                true => counts.accepted,
                false => counts.received,
            };
            if std::mem::take(&mut watched.reconsider) {
                watched.missing = false;
                return Some(Finding::RoomAgain(limit));
            }
            let over = count > limit.limit || watched.missing;
            if over && !watched.said_over {
                (watched.said_over, watched.said_near) = (true, true);
                watched.status.exceeded += 1;
                let LimitAction::Shutdown(rest) = limit.action else {
                    return Some(Finding::Over(limit, count));
                };
                let rest = rest.map(|rest| Duration::from_secs(rest.into()));
                self.ended = Some(Ended {
                    until: rest.map(|rest| now + rest),
                });
                let notification = Notification::cease_max_prefixes(limit.family, limit.limit);
                return Some(Finding::End(limit, notification));
            }
            if count >= limit.warning && !watched.said_near {
                watched.said_near = true;
                return Some(Finding::Near(limit, count));
            }
            let too_early = std::mem::take(&mut watched.too_early) && count < limit.limit;
            let asks = watched.missing && (too_early || count < limit.warning);
            watched.missing &= !asks;
            asks.then_some(Finding::RoomAgain(limit))
        })
    }

    /// When [`handle_timeout`](Self::handle_timeout) must be called next.
    pub(super) fn poll_timeout(&self) -> Option<Instant> {
        self.ended?.until
    }

    /// Whether a peer that a limit ended the session of is to be tried again.
    pub(super) fn handle_timeout(&mut self, now: Instant) -> bool {
        let over = self.poll_timeout().is_some_and(|until| until <= now);
        if over {
            self.ended = None;
        }
        over
    }

    /// Whether a limit keeps the peer down. It does so no longer.
    pub(super) fn release(&mut self) -> bool {
        self.ended.take().is_some()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FAMILY: Family = Family::IPV6_UNICAST;

    fn limit(action: LimitAction) -> PrefixLimit {
        PrefixLimit {
            family: FAMILY,
            limit: 10,
            warning: 7,
            action,
            after_policy: false,
        }
    }

    fn limits(action: LimitAction) -> PrefixLimits {
        let mut limits = PrefixLimits::default();
        assert!(limits.set(&[limit(action)]));
        limits.handle_session(Instant::now());
        limits
    }

    /// Everything that is found at these counts, one after the other.
    fn found(limits: &mut PrefixLimits, received: &[u32], now: Instant) -> Vec<Finding> {
        let mut all = Vec::new();
        for &received in received {
            let counts = PeerCounts {
                received,
                ..PeerCounts::default()
            };
            while let Some(finding) = limits.handle_counts(now, |_| counts) {
                all.push(finding);
            }
        }
        all
    }

    #[test]
    fn each_level_is_told_once_in_a_session() {
        let now = Instant::now();
        let mut limits = limits(LimitAction::Warn);
        let limit = limit(LimitAction::Warn);
        let all = found(&mut limits, &[6, 7, 6, 7, 10, 11, 10, 11, 12, 3, 12], now);
        assert_eq!(all, [Finding::Near(limit, 7), Finding::Over(limit, 11)]);
        limits.handle_session(now + Duration::from_secs(1));
        let all = found(&mut limits, &[12, 7], now);
        assert_eq!(all, [Finding::Over(limit, 12)]);
        assert_eq!(limits.statuses().next().unwrap().exceeded, 2);
    }

    /// RFC 4486 section 4: AFI, SAFI and the upper bound are the data.
    #[test]
    fn a_session_ends_above_the_limit_and_begins_again_after_the_rest() {
        let now = Instant::now();
        let shutdown = LimitAction::Shutdown(Some(30));
        let mut limits = limits(shutdown);
        let all = found(&mut limits, &[10, 11, 12], now);
        let [Finding::Near(..), Finding::End(_, notification)] = &all[..] else {
            panic!("{all:?}");
        };
        assert_eq!((notification.code, notification.subcode), (6, 1));
        assert_eq!(&notification.data[..], [0, 2, 1, 0, 0, 0, 10]);
        let due = now + Duration::from_secs(30);
        assert_eq!(limits.poll_timeout(), Some(due));
        assert!(!limits.handle_timeout(due - Duration::from_secs(1)));
        assert!(limits.handle_timeout(due));
        assert_eq!(limits.poll_timeout(), None);
    }

    #[test]
    fn without_a_rest_only_a_change_brings_the_session_back() {
        let now = Instant::now();
        let mut limits = limits(LimitAction::Shutdown(None));
        assert_eq!(found(&mut limits, &[11], now).len(), 1);
        assert_eq!(limits.poll_timeout(), None);
        assert!(!limits.handle_timeout(now + Duration::from_secs(1_000_000)));
        assert!(!limits.set(&[limit(LimitAction::Shutdown(None))]));
        assert!(limits.set(&[limit(LimitAction::Warn)]));
        assert!(limits.release());
        assert!(!limits.release());
    }

    #[test]
    fn what_was_not_taken_is_asked_for_once_there_is_room() {
        let now = Instant::now();
        let discard = LimitAction::Discard;
        let mut limits = limits(discard);
        assert_eq!(limits.ceilings().next().unwrap().most, 10);
        assert_eq!(found(&mut limits, &[10], now).len(), 1);
        limits.handle_discarded(FAMILY, 3);
        let all = found(&mut limits, &[10, 9, 7, 6, 5], now);
        let limit = limit(discard);
        assert_eq!(all, [Finding::Over(limit, 10), Finding::RoomAgain(limit)]);
        let status = limits.statuses().next().unwrap();
        assert_eq!((status.discarded, status.discarded_ever), (3, 3));
        limits.handle_session(now + Duration::from_secs(1));
        let status = limits.statuses().next().unwrap();
        assert_eq!((status.discarded, status.discarded_ever), (0, 3));
    }

    #[test]
    fn what_came_before_the_withdrawal_that_made_room_is_asked_for() {
        let now = Instant::now();
        let mut limits = limits(LimitAction::Discard);
        limits.handle_discarded(FAMILY, 1);
        let limit = limit(LimitAction::Discard);
        let all = found(&mut limits, &[9, 9], now);
        assert_eq!(all, [Finding::Over(limit, 9), Finding::RoomAgain(limit)]);
        // At the limit, and later below it, nothing is asked for: a prefix that comes and goes would have all told again each time.
        limits.handle_discarded(FAMILY, 1);
        assert_eq!(found(&mut limits, &[10, 9], now), []);
    }

    #[test]
    fn what_was_not_taken_is_asked_for_under_another_limit() {
        let now = Instant::now();
        let mut limits = limits(LimitAction::Discard);
        limits.handle_discarded(FAMILY, 1);
        assert_eq!(found(&mut limits, &[10], now).len(), 1);
        let higher = PrefixLimit {
            limit: 11,
            ..limit(LimitAction::Discard)
        };
        assert!(limits.set(&[higher]));
        let all = found(&mut limits, &[10], now);
        assert_eq!(all, [Finding::RoomAgain(higher), Finding::Near(higher, 10)]);
        limits.handle_discarded(FAMILY, 1);
        assert!(limits.set(&[]));
        assert_eq!(limits.take_unlimited(), [FAMILY]);
        assert!(limits.take_unlimited().is_empty());
    }

    #[test]
    fn after_policy_only_what_is_accepted_counts() {
        let mut limits = PrefixLimits::default();
        let limit = PrefixLimit {
            after_policy: true,
            ..limit(LimitAction::Warn)
        };
        limits.set(&[limit]);
        let counts = |accepted| {
            move |_| PeerCounts {
                received: 100,
                accepted,
                stale: 0,
            }
        };
        let now = Instant::now();
        assert_eq!(limits.handle_counts(now, counts(6)), None);
        let over = limits.handle_counts(now, counts(11));
        assert_eq!(over, Some(Finding::Over(limit, 11)));
    }
}
