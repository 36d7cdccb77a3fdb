//! Files that somebody is about to write: what was read of them last stays until they are whole.
//!
//! A file that is written slowly is empty first, and then half there; read in between, it would take objects away.
//! Whoever has a file open for writing closes it in the end, and the kernel tells of both. Where it does not tell, or
//! where a file is closed empty and opened again, an empty file is given a moment.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use parking_lot::Mutex;

/// How long after its last change a file that nobody closes is waited for.
const WRITING: Duration = Duration::from_secs(30);
/// How long a file that has become empty is given.
const EMPTY: Duration = Duration::from_secs(2);

/// When each file that is open for writing was last changed. Told by the watch, asked by the reading.
#[derive(Clone, Debug, Default)]
pub(super) struct Writers(Arc<Mutex<HashMap<PathBuf, Instant>>>);

impl Writers {
    /// Takes in what the kernel tells.
    pub(super) fn note(&self, event: &notify::Event, now: Instant) {
        let mut open = self.0.lock();
        for path in &event.paths {
            match event.kind {
                EventKind::Modify(ModifyKind::Data(_)) => {
                    open.insert(path.clone(), now);
                }
                EventKind::Access(AccessKind::Close(AccessMode::Write))
                | EventKind::Modify(ModifyKind::Name(_))
                | EventKind::Remove(_) => {
                    open.remove(path);
                }
                _ => {}
            }
        }
    }

    /// Which files are being written, and when the first of them is no longer waited for.
    fn open(&self, now: Instant) -> (BTreeSet<String>, Option<Instant>) {
        let mut open = self.0.lock();
        open.retain(|_, changed| now < *changed + WRITING);
        let names = open.keys().map(|path| path.display().to_string()).collect();
        (names, open.values().min().map(|changed| *changed + WRITING))
    }
}

/// The files that are not to be read as they are, from reading to reading.
#[derive(Debug, Default)]
pub(super) struct Unfinished {
    pub(super) writers: Writers,
    /// Since when each file is empty that had objects.
    empty: BTreeMap<String, Instant>,
}

impl Unfinished {
    /// Takes out of `files` what is not whole yet. Gives its names, and when to look again.
    ///
    /// `had_objects` says what was read of a file before.
    pub(super) fn hold(
        &mut self,
        files: &mut BTreeMap<String, Result<String, String>>,
        had_objects: impl Fn(&str) -> bool,
        now: Instant,
    ) -> (BTreeSet<String>, Option<Instant>) {
        let (mut held, mut again) = self.writers.open(now);
        let is_empty = |name: &String| {
            let text = files.get(name).and_then(|text| text.as_ref().ok());
            text.is_some_and(|text| text.trim().is_empty()) && had_objects(name)
        };
        self.empty.retain(|name, _| is_empty(name));
        for name in files.keys().filter(|name| is_empty(name)) {
            let since = *self.empty.entry(name.clone()).or_insert(now);
            if now < since + EMPTY {
                held.insert(name.clone());
                again = again.into_iter().chain([since + EMPTY]).min();
            }
        }
        files.retain(|name, _| !held.contains(name));
        (held, again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn held(unfinished: &mut Unfinished, text: &str, now: Instant) -> bool {
        let mut files = [("/d/a.yaml".to_owned(), Ok(text.to_owned()))].into();
        let (held, again) = unfinished.hold(&mut files, |_| true, now);
        assert_eq!(held.is_empty(), !files.is_empty());
        assert_eq!(held.is_empty(), again.is_none());
        !held.is_empty()
    }

    #[test]
    fn a_file_is_held_until_it_is_closed_or_nobody_writes_any_more() {
        let told = |kind| notify::Event::new(kind).add_path("/d/a.yaml".into());
        let data = EventKind::Modify(ModifyKind::Data(notify::event::DataChange::Any));
        let close = EventKind::Access(AccessKind::Close(AccessMode::Write));
        let start = Instant::now();
        let mut unfinished = Unfinished::default();
        assert!(!held(&mut unfinished, "x", start));
        unfinished.writers.note(&told(data), start);
        assert!(held(&mut unfinished, "x", start));
        unfinished.writers.note(&told(close), start);
        assert!(!held(&mut unfinished, "x", start));
        unfinished.writers.note(&told(data), start);
        assert!(held(&mut unfinished, "x", start + WRITING / 2));
        assert!(!held(&mut unfinished, "x", start + WRITING));
    }

    #[test]
    fn a_file_that_stays_empty_counts_as_empty() {
        let start = Instant::now();
        let mut unfinished = Unfinished::default();
        assert!(held(&mut unfinished, " \n", start));
        assert!(!held(&mut unfinished, "x", start + EMPTY / 2));
        assert!(held(&mut unfinished, "", start + EMPTY));
        assert!(held(&mut unfinished, "", start + EMPTY * 2 - EMPTY / 2));
        assert!(!held(&mut unfinished, "", start + EMPTY * 2));
    }
}
