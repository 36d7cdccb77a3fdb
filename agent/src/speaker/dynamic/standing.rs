//! PURE: when the place of a dynamic neighbour is free again.
//!
//! A session that is down is kept as any other is, so that a neighbour that comes and goes is damped, and its routes stay where
//! graceful restart keeps them. But nobody has said that it will come back, and somebody else may want its place.

use std::time::{Duration, Instant};

use bgp_session::{IdleReason, State};

use crate::speaker::snapshot::PeerSnapshot;

/// How long a session is kept that is down: the longest rest after failures.
const KEPT: Duration = Duration::from_secs(120);
/// How long one is kept that never came up.
const NEVER_UP: Duration = Duration::from_secs(10);
/// How long a neighbour may take to come up, or to come back, while others want its place.
const GRACE: Duration = Duration::from_secs(5);

/// How a session stands at one moment.
#[derive(Debug, Clone, Copy)]
pub(super) struct Standing {
    state: State,
    /// Since when it is in that state.
    since: Instant,
    /// When it was made.
    born: Instant,
    /// It was Established once.
    came_up: bool,
    /// Its end is not for us to choose: it has routes that are kept, is waited for, or has told too many prefixes.
    stays: bool,
}

impl Standing {
    pub(super) fn of(snapshot: &PeerSnapshot, born: Instant, awaited: bool) -> Self {
        let stale = snapshot.families.iter().any(|f| f.restart.is_some());
        let too_many = snapshot.idle_reason == Some(IdleReason::TooManyPrefixes);
        Self {
            state: snapshot.state,
            since: snapshot.since,
            born,
            came_up: snapshot.last_established.is_some(),
            stays: stale || too_many || awaited,
        }
    }

    /// Nobody is there any more.
    pub(super) fn is_over(&self, now: Instant) -> bool {
        let kept = match self.came_up {
            true => KEPT,
            false => NEVER_UP,
        };
        matches!(self.state, State::Idle | State::Active)
            && !self.stays
            && now.duration_since(self.since) >= kept
    }

    /// If it makes room for somebody else: since when it is not what it should be. The first to be so goes first.
    pub(super) fn makes_room(&self, now: Instant) -> Option<Instant> {
        let since = match self.came_up {
            true => self.since,
            false => self.born,
        };
        let down = self.state != State::Established && !self.stays;
        (down && now.duration_since(since) >= GRACE).then_some(since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_down_goes_after_a_while_and_at_once_where_others_wait() {
        let born = Instant::now();
        let down = Standing {
            state: State::Active,
            since: born + Duration::from_secs(60),
            born,
            came_up: true,
            stays: false,
        };
        let stranger = Standing {
            since: born + Duration::from_secs(2),
            came_up: false,
            ..down
        };
        // A connection without an OPEN can last for minutes.
        let silent = Standing {
            state: State::OpenSent,
            ..stranger
        };
        let up = Standing {
            state: State::Established,
            ..down
        };
        let restarting = Standing {
            stays: true,
            ..down
        };
        let never = None;
        // Who, and after how many seconds it is over, and makes room.
        for (who, over, room) in [
            (down, Some(60 + 120), Some(60 + 5)),
            (stranger, Some(2 + 10), Some(5)),
            (silent, never, Some(5)),
            (up, never, never),
            (restarting, never, never),
        ] {
            let second = |n: u64| born + Duration::from_secs(n);
            let seconds = who.since.duration_since(born).as_secs()..10_000;
            let mut later = seconds.clone();
            assert_eq!(later.find(|n| who.is_over(second(*n))), over, "{who:?}");
            let mut later = seconds.start.min(3)..10_000;
            let found =
                later.find(|n| second(*n) >= who.since && who.makes_room(second(*n)).is_some());
            assert_eq!(found, room, "{who:?}");
        }
    }

    #[test]
    fn the_one_that_is_down_for_longest_makes_room_first() {
        let born = Instant::now();
        let now = born + Duration::from_secs(100);
        let lost = |seconds: u64| Standing {
            state: State::Active,
            since: born + Duration::from_secs(seconds),
            born,
            came_up: true,
            stays: false,
        };
        let stranger = Standing {
            born: born + Duration::from_secs(30),
            came_up: false,
            ..lost(90)
        };
        let mut all = [lost(50), stranger, lost(40)];
        all.sort_by_key(|who| who.makes_room(now));
        let order = all.map(|who| who.makes_room(now).map(|at| (at - born).as_secs()));
        assert_eq!(order, [Some(30), Some(40), Some(50)]);
    }
}
