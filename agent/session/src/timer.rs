//! Timers are data: a deadline or none for each of them. Whoever owns the clock asks for the earliest one.
//!
//! Two timers of RFC 4271 §8 are not here: DelayOpenTimer (we do not delay the OPEN), and the timers of graceful
//! restart, which belong to the tables.

use std::time::{Duration, Instant};

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

/// The timers of one connection's FSM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Timer {
    /// Limits one attempt to connect, and separates it from the next (RFC 4271 §8.2.2).
    ConnectRetry,
    /// The peer must be heard before it ends.
    Hold,
    /// We must be heard when it ends.
    Keepalive,
    /// Our writes must make progress before it ends (RFC 9687).
    SendHold,
    /// Rest in Idle after a failure.
    IdleHold,
}

impl Timer {
    /// All of them, in the order in which they fire when several are due: whoever is found dead needs no keepalive.
    pub(crate) const ALL: [Self; 5] = [
        Self::Hold,
        Self::SendHold,
        Self::ConnectRetry,
        Self::IdleHold,
        Self::Keepalive,
    ];
}

/// A deadline for each [`Timer`] that runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct TimerTable {
    deadlines: [Option<Instant>; Timer::ALL.len()],
}

impl TimerTable {
    pub(crate) fn set(&mut self, timer: Timer, at: Instant) {
        self.deadlines[timer as usize] = Some(at);
    }

    pub(crate) fn stop(&mut self, timer: Timer) {
        self.deadlines[timer as usize] = None;
    }

    pub(crate) fn stop_all(&mut self) {
        self.deadlines = Default::default();
    }

    pub(crate) fn get(&self, timer: Timer) -> Option<Instant> {
        self.deadlines[timer as usize]
    }

    pub(crate) fn next(&self) -> Option<Instant> {
        self.deadlines.iter().flatten().min().copied()
    }

    /// Takes the first timer that is due.
    pub(crate) fn take_expired(&mut self, now: Instant) -> Option<Timer> {
        let due = Timer::ALL
            .into_iter()
            .find(|t| self.get(*t).is_some_and(|at| at <= now))?;
        self.stop(due);
        Some(due)
    }
}

/// Nothing here waits longer, whatever a configuration says.
pub(crate) const LONGEST: Duration = Duration::from_secs(24 * 60 * 60);

/// Randomness that a seed determines, so that a simulation can be repeated.
#[derive(Debug, Clone)]
pub(crate) struct Jitter(Xoshiro256PlusPlus);

impl Jitter {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// RFC 4271 §10: "The suggested default amount of jitter SHALL be determined by multiplying the base value of the
    /// appropriate timer by a random factor, which is uniformly distributed in the range from 0.75 to 1.0." So jitter
    /// only shortens, and what must not come late cannot.
    pub(crate) fn shorten(&mut self, base: Duration) -> Duration {
        let base = base.min(LONGEST);
        base.mul_f64(self.0.random_range(0.75..=1.0))
    }
}

/// How often the peer failed lately, and how long to rest for it.
///
/// A session that comes up makes attempts that came to nothing forgotten, as those of the time in which the link was away; only
/// sessions that end soon are oscillation (RFC 4271 §8.1.1).
#[derive(Debug, Clone, Default)]
pub(crate) struct BackOff {
    /// RFC 4271's ConnectRetryCounter.
    failures: u32,
    /// How many of them the peer rests for.
    held_against: u32,
    /// As many of these as there were when the last session ended.
    sessions: u32,
    /// Attempts that nobody answered since somebody did.
    unanswered: u32,
}

impl BackOff {
    pub(crate) fn failures(&self) -> u32 {
        self.failures
    }

    /// A connection has ended, and that counts.
    pub(crate) fn count(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.held_against = self.held_against.saturating_add(1);
        self.unanswered = 0;
    }

    /// An attempt to connect came to nothing. A peer that is away does not oscillate, and has to be found soon when it is back:
    /// these are not held against it.
    pub(crate) fn count_unanswered(&mut self) {
        self.failures = self.failures.saturating_add(1);
        self.unanswered = self.unanswered.saturating_add(1);
    }

    /// A session has ended, and that counts.
    pub(crate) fn count_session(&mut self) {
        self.count();
        self.sessions = self.held_against;
    }

    /// A session is up.
    pub(crate) fn came_up(&mut self) {
        self.held_against = self.sessions;
        self.unanswered = 0;
    }

    pub(crate) fn reset(&mut self) {
        *self = Self::default();
    }

    /// `first` after the first failure (and when none was counted), then doubling, never more than `max`, or than `away` while
    /// nobody answers.
    pub(crate) fn delay(&self, first: Duration, max: Duration, away: Duration) -> Duration {
        let (failures, max) = match self.unanswered {
            0 => (self.held_against, max),
            unanswered => (unanswered, max.min(away)),
        };
        let doublings = failures.saturating_sub(1).min(31);
        first.saturating_mul(1 << doublings).min(max)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jitter_only_shortens_and_by_a_quarter_at_most() {
        let base = Duration::from_secs(100);
        let mut jitter = Jitter::new(7);
        let all: Vec<Duration> = (0..10_000).map(|_| jitter.shorten(base)).collect();
        assert!(all.iter().all(|d| *d >= base.mul_f64(0.75) && *d <= base));
        let mean = all.iter().map(Duration::as_secs_f64).sum::<f64>() / all.len() as f64;
        assert!(
            (mean - 87.5).abs() < 0.5,
            "uniform, so the mean is in the middle: {mean}"
        );
    }

    #[test]
    fn the_same_seed_gives_the_same_jitter() {
        let draw = |seed| {
            let mut jitter = Jitter::new(seed);
            [(); 4].map(|()| jitter.shorten(Duration::from_secs(1)))
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn back_off_doubles_up_to_its_cap() {
        let [first, max, away] = [1, 120, 15].map(Duration::from_secs);
        let mut back_off = BackOff::default();
        let delays: Vec<u64> = (0..40)
            .map(|_| {
                back_off.count();
                back_off.delay(first, max, away).as_secs()
            })
            .collect();
        assert_eq!(&delays[..9], &[1, 2, 4, 8, 16, 32, 64, 120, 120]);
        assert_eq!(delays[39], 120);
        back_off.reset();
        assert_eq!(back_off.delay(first, max, away), first);
    }

    #[test]
    fn a_peer_that_is_away_is_looked_for_often_and_keeps_what_is_held_against_it() {
        let [first, max, away] = [1, 120, 15].map(Duration::from_secs);
        let mut back_off = BackOff::default();
        for _ in 0..6 {
            back_off.count();
        }
        assert_eq!(back_off.delay(first, max, away).as_secs(), 32);
        for rest in [1, 2, 4, 8, 15, 15] {
            back_off.count_unanswered();
            assert_eq!(back_off.delay(first, max, away).as_secs(), rest);
        }
        back_off.count();
        assert_eq!(back_off.delay(first, max, away).as_secs(), 64);
        assert_eq!(back_off.failures(), 13);
    }

    #[test]
    fn only_sessions_that_end_are_held_against_one_that_came_up() {
        let [first, max, away] = [1, 120, 15].map(Duration::from_secs);
        let mut back_off = BackOff::default();
        for rest in [1, 2, 4] {
            for _ in 0..10 {
                back_off.count();
            }
            back_off.came_up();
            back_off.count_session();
            assert_eq!(back_off.delay(first, max, away).as_secs(), rest);
        }
        assert_eq!(back_off.failures(), 33);
    }

    #[test]
    fn death_is_noticed_before_a_keepalive_is_sent() {
        let now = crate::epoch();
        let mut timers = TimerTable::default();
        timers.set(Timer::Keepalive, now);
        timers.set(Timer::Hold, now);
        timers.set(Timer::IdleHold, now + Duration::from_secs(1));
        assert_eq!(timers.take_expired(now), Some(Timer::Hold));
        assert_eq!(timers.take_expired(now), Some(Timer::Keepalive));
        assert_eq!(timers.take_expired(now), None);
        assert_eq!(timers.next(), Some(now + Duration::from_secs(1)));
    }
}
