//! Randomness that a seed determines, so that a simulation can be repeated.

use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};

#[derive(Debug, Clone)]
pub(crate) struct Random(Xoshiro256PlusPlus);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self(Xoshiro256PlusPlus::seed_from_u64(seed))
    }

    /// RFC 5880 §6.8.1 of bfd.LocalDiscr: "It MUST be unique across all BFD sessions on this system, and nonzero. It SHOULD be set
    /// to a random (but still unique) value to improve security."
    pub(crate) fn discriminator(&mut self, taken: impl Fn(u32) -> bool) -> u32 {
        loop {
            let candidate = self.0.random();
            if candidate != 0 && !taken(candidate) {
                return candidate;
            }
        }
    }

    /// The time from one periodic packet to the next, and the shortest that it may be.
    ///
    /// RFC 5880 §6.8.7: "the interval MUST be reduced by a random value of 0 to 25%"; and "If bfd.DetectMult is equal to 1, the
    /// interval between transmitted BFD Control packets MUST be no more than 90% of the negotiated transmission interval, and MUST
    /// be no less than 75% of the negotiated transmission interval."
    pub(crate) fn jitter(&mut self, interval: Duration, detect_mult: u8) -> (Duration, Duration) {
        let longest = if detect_mult == 1 { 0.90 } else { 1.0 };
        let drawn = self.0.random_range(0.75..=longest);
        (interval.mul_f64(drawn), interval.mul_f64(0.75))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn draw(detect_mult: u8) -> Vec<f64> {
        let mut random = Random::new(7);
        let interval = Duration::from_secs(1);
        let drawn = (0..10_000).map(|_| {
            let (drawn, shortest) = random.jitter(interval, detect_mult);
            assert_eq!(shortest, interval.mul_f64(0.75));
            drawn.as_secs_f64()
        });
        drawn.collect()
    }

    #[test]
    fn jitter_takes_up_to_a_quarter() {
        let all = draw(3);
        assert!(all.iter().all(|part| (0.75..=1.0).contains(part)));
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!((mean - 0.875).abs() < 0.005, "uniform: {mean}");
    }

    #[test]
    fn with_a_multiplier_of_one_it_takes_a_tenth_at_least() {
        let all = draw(1);
        assert!(all.iter().all(|part| (0.75..=0.9).contains(part)));
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!((mean - 0.825).abs() < 0.005, "uniform: {mean}");
    }

    #[test]
    fn a_discriminator_is_new_and_not_zero() {
        let mut random = Random::new(1);
        let first = random.clone().discriminator(|_| false);
        assert_ne!(random.discriminator(|taken| taken == first), first);
    }
}
