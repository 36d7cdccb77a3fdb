//! PURE: what `/livez` means: the tasks that must turn do turn.
//!
//! A task registers a [`Heart`] with the longest pause that it may make and beats it in its loop. A task that ends in
//! order calls [`Heart::stop`]; one that dies just stops beating, and `/livez` names it.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// All hearts of the agent.
#[derive(Debug)]
pub struct Hearts {
    start: Instant,
    list: Mutex<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    name: String,
    longest_pause: Duration,
    /// Milliseconds from the start to the last beat.
    beat: Arc<AtomicU64>,
}

/// One task's heart.
#[derive(Debug)]
pub struct Heart {
    start: Instant,
    beat: Arc<AtomicU64>,
    hearts: Arc<Hearts>,
}

impl Hearts {
    /// No heart yet; times count from `start`.
    pub fn new(start: Instant) -> Arc<Self> {
        Arc::new(Self {
            start,
            list: Mutex::new(Vec::new()),
        })
    }

    /// A heart for a task that must beat at least every `longest_pause`; registering is its first beat.
    pub fn register(self: &Arc<Self>, name: &str, longest_pause: Duration, now: Instant) -> Heart {
        let beat = Arc::new(AtomicU64::new(0));
        let entry = Entry {
            name: name.to_owned(),
            longest_pause,
            beat: beat.clone(),
        };
        let heart = Heart {
            start: self.start,
            beat,
            hearts: self.clone(),
        };
        heart.beat(now);
        self.list.lock().push(entry);
        heart
    }

    /// Who has paused for too long, in words; empty when all is well.
    pub fn stopped(&self, now: Instant) -> Vec<String> {
        let now = now.saturating_duration_since(self.start);
        let late = |entry: &Entry| {
            let beat = Duration::from_millis(entry.beat.load(Ordering::Relaxed));
            let pause = now.saturating_sub(beat);
            (pause > entry.longest_pause)
                .then(|| format!("{} has not turned for {} s", entry.name, pause.as_secs()))
        };
        self.list.lock().iter().filter_map(late).collect()
    }
}

impl Heart {
    /// Still turning.
    pub fn beat(&self, now: Instant) {
        let since = now.saturating_duration_since(self.start).as_millis();
        self.beat
            .store(u64::try_from(since).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The task ends because it should.
    pub fn stop(self) {
        self.hearts
            .list
            .lock()
            .retain(|entry| !Arc::ptr_eq(&entry.beat, &self.beat));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_noticed_and_forgiven() {
        let start = Instant::now();
        let at = |seconds| start + Duration::from_secs(seconds);
        let hearts = Hearts::new(start);
        let kernel = hearts.register("kernel", Duration::from_secs(10), at(1));
        let other = hearts.register("speaker", Duration::from_secs(30), at(1));
        assert!(hearts.stopped(at(11)).is_empty());
        assert_eq!(hearts.stopped(at(12)), ["kernel has not turned for 11 s"]);
        kernel.beat(at(12));
        assert!(hearts.stopped(at(12)).is_empty());
        other.stop();
        assert_eq!(hearts.stopped(at(60)), ["kernel has not turned for 48 s"]);
    }

    #[test]
    fn a_task_that_dies_is_missed_and_one_that_stops_is_not() {
        let start = Instant::now();
        let hearts = Hearts::new(start);
        drop(hearts.register("died", Duration::from_secs(1), start));
        hearts
            .register("stopped", Duration::from_secs(1), start)
            .stop();
        assert_eq!(
            hearts.stopped(start + Duration::from_secs(5)),
            ["died has not turned for 5 s"]
        );
    }
}
