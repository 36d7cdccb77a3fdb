//! When we speak: advertisements by ourselves (RFC 4861 §6.2.4) and when asked (§6.2.6), solicitations until somebody is there (§6.3.7).

use std::time::{Duration, Instant};

use crate::random::Random;

/// MaxRtrAdvInterval (§6.2.1: at least 4 s, at most 1,800). With it somebody who was not there to be asked is heard soon, and FRR has
/// the same where it peers by interface.
pub(crate) const MAX_INTERVAL: Duration = Duration::from_secs(10);
/// MinRtrAdvInterval (§6.2.1): "Default: 0.33 * MaxRtrAdvInterval If MaxRtrAdvInterval >= 9 seconds".
const MIN_INTERVAL: Duration = Duration::from_millis(3300);
/// MIN_DELAY_BETWEEN_RAS of §10.
const MIN_DELAY_BETWEEN: Duration = Duration::from_secs(3);
/// MAX_RA_DELAY_TIME of §10.
const MAX_ANSWER_DELAY: Duration = Duration::from_millis(500);
/// MAX_RTR_SOLICITATIONS of §10.
const MAX_SOLICITATIONS: u8 = 3;
/// RTR_SOLICITATION_INTERVAL of §10.
const SOLICITATION_INTERVAL: Duration = Duration::from_secs(4);

/// See the top of this file.
#[derive(Debug)]
pub(crate) struct Schedule {
    random: Random,
    advertisement: Instant,
    /// The last one. The first need not keep a distance to anything.
    advertised: Option<Instant>,
    solicitation: Option<Instant>,
    solicitations_left: u8,
}

/// What is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    Advertisement,
    Solicitation,
}

impl Schedule {
    /// Both are due at once.
    ///
    /// §6.2.4 and §6.3.7 would have the first ones wait a random time, so that not all hosts of a large link speak in the same moment
    /// when its power comes back. On our links there are two routers, and nothing is forwarded until they have found each other.
    pub(crate) fn new(seed: u64, now: Instant) -> Self {
        Self {
            random: Random::new(seed),
            advertisement: now,
            advertised: None,
            solicitation: Some(now),
            solicitations_left: MAX_SOLICITATIONS,
        }
    }

    /// Somebody asks. §6.2.6: an answer is "delayed for a random time between 0 and MAX_RA_DELAY_TIME seconds"; one that goes to all
    /// nodes comes no sooner than MIN_DELAY_BETWEEN_RAS after the one before, and one that is due earlier anyway is the answer.
    pub(crate) fn asked(&mut self, now: Instant) {
        let delay = self.random.between(Duration::ZERO, MAX_ANSWER_DELAY);
        let earliest = self.advertised.map_or(now, |at| at + MIN_DELAY_BETWEEN);
        self.advertisement = self.advertisement.min(now.max(earliest) + delay);
    }

    /// A router was heard: there is nobody to look for.
    ///
    /// §6.3.7 has hosts go on asking when its lifetime is zero. Routers that only want to be found advertise that, as we do.
    pub(crate) fn heard(&mut self) {
        self.solicitation = None;
    }

    /// The next thing that is due at `now`, which counts as done.
    pub(crate) fn take(&mut self, now: Instant) -> Option<Due> {
        if self.advertisement <= now {
            self.advertised = Some(now);
            // §6.2.4: "Whenever a multicast advertisement is sent from an interface, the timer is reset to a uniformly distributed
            // random value between the interface's configured MinRtrAdvInterval and MaxRtrAdvInterval". The first three are to be no
            // further apart than MAX_INITIAL_RTR_ADVERT_INTERVAL, 16 s, which ours never are.
            self.advertisement = now + self.random.between(MIN_INTERVAL, MAX_INTERVAL);
            return Some(Due::Advertisement);
        }
        if self.solicitation.is_some_and(|at| at <= now) {
            self.solicitations_left = self.solicitations_left.saturating_sub(1);
            self.solicitation =
                (self.solicitations_left > 0).then_some(now + SOLICITATION_INTERVAL);
            return Some(Due::Solicitation);
        }
        None
    }

    /// When something is due.
    pub(crate) fn due(&self) -> Instant {
        let advertisement = self.advertisement;
        self.solicitation
            .map_or(advertisement, |at| at.min(advertisement))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(schedule: &mut Schedule, start: Instant, secs: u64) -> Vec<(Duration, Due)> {
        let mut said = Vec::new();
        while schedule.due() < start + Duration::from_secs(secs) {
            let now = schedule.due();
            while let Some(due) = schedule.take(now) {
                said.push((now - start, due));
            }
        }
        said
    }

    fn at(said: &[(Duration, Due)], wanted: Due) -> Vec<f64> {
        let of_it = said.iter().filter(|(_, due)| *due == wanted);
        of_it.map(|(at, _)| at.as_secs_f64()).collect()
    }

    /// RFC 4861 §6.2.4.
    #[test]
    fn advertisements_are_as_far_apart_as_the_interval_allows_and_differ() {
        for seed in 0..50 {
            let start = Instant::now();
            let said = run(&mut Schedule::new(seed, start), start, 600);
            let times = at(&said, Due::Advertisement);
            assert_eq!(times[0], 0.0, "the first is sent at once");
            let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(
                gaps.iter().all(|gap| (3.3..=10.0).contains(gap)),
                "{gaps:?}"
            );
            let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
            assert!((5.5..7.8).contains(&mean), "uniform: {mean}");
        }
    }

    /// RFC 4861 §6.3.7.
    #[test]
    fn three_solicitations_are_sent_and_none_once_a_router_is_heard() {
        let start = Instant::now();
        let said = run(&mut Schedule::new(1, start), start, 60);
        assert_eq!(at(&said, Due::Solicitation), [0.0, 4.0, 8.0]);

        let mut schedule = Schedule::new(1, start);
        run(&mut schedule, start, 1);
        schedule.heard();
        let said = run(&mut schedule, start, 60);
        assert_eq!(at(&said, Due::Solicitation), [] as [f64; 0]);
    }

    /// RFC 4861 §6.2.6.
    #[test]
    fn who_asks_is_answered_soon_and_who_asks_without_end_no_sooner_than_in_three_seconds() {
        let start = Instant::now();
        for seed in 0..50 {
            let mut schedule = Schedule::new(seed, start);
            let mut times = Vec::new();
            let mut now = start;
            while now < start + Duration::from_secs(60) {
                while let Some(due) = schedule.take(now) {
                    if due == Due::Advertisement {
                        times.push((now - start).as_secs_f64());
                    }
                }
                schedule.asked(now);
                now += Duration::from_millis(10);
            }
            let gaps: Vec<f64> = times.windows(2).map(|pair| pair[1] - pair[0]).collect();
            assert!(gaps.iter().all(|gap| (3.0..3.52).contains(gap)), "{gaps:?}");

            // Where the one before is long ago, the answer takes half a second at most.
            let mut schedule = Schedule::new(seed, start);
            schedule.take(start);
            let later = start + Duration::from_millis(3200);
            schedule.asked(later);
            assert!(schedule.advertisement <= later + Duration::from_millis(500));
        }
    }
}
