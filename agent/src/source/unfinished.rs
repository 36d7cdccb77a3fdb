//! Files that somebody is about to write: what was read of them last stays until they are whole.
//!
//! A file that is written slowly is empty first, and then half there; read in between, it would take objects away.
//! Whoever has a file open for writing closes it in the end, and the kernel tells of both. Where it does not tell, or
//! where a file is closed empty and opened again, an empty file is given a moment. So is one that is gone and took a router or a
//! peer along: many ways to save a file remove the old one first, and the price would be every session of the node. Where a file
//! of another name has come in its place, nobody is saving it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use notify::event::{AccessKind, AccessMode, EventKind, ModifyKind};
use parking_lot::Mutex;

/// How long after its last change a file that nobody closes is waited for.
const WRITING: Duration = Duration::from_secs(30);
/// How long a file that has become empty, or is gone, is given.
const ABSENT: Duration = Duration::from_secs(2);

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
    /// Since when each file is empty, or gone, that had objects.
    absent: BTreeMap<String, Instant>,
}

/// What was read of the folder last, as far as it matters here.
pub(super) trait Before {
    /// Whether a file of this name was there.
    fn has_file(&self, name: &str) -> bool;

    /// Whether it had objects.
    fn has_objects(&self, name: &str) -> bool;

    /// The files that had a router or a peer.
    fn with_sessions(&self) -> impl Iterator<Item = &str>;
}

impl Unfinished {
    /// Takes out of `files` what is not whole yet. Gives the names of what is to stay as it was, and when to look again.
    pub(super) fn hold(
        &mut self,
        files: &mut BTreeMap<String, Result<String, String>>,
        before: &impl Before,
        now: Instant,
    ) -> (BTreeSet<String>, Option<Instant>) {
        let (mut held, mut again) = self.writers.open(now);
        let is_empty = |(name, text): &(&String, &Result<String, String>)| {
            let blank = text.as_ref().is_ok_and(|text| text.trim().is_empty());
            blank && before.has_objects(name)
        };
        let empty = files.iter().filter(is_empty).map(|(name, _)| name.clone());
        let mut absent: BTreeSet<String> = empty.collect();
        if files.keys().all(|name| before.has_file(name)) {
            let gone = before.with_sessions();
            let gone = gone.filter(|name| !files.contains_key(*name));
            absent.extend(gone.map(str::to_owned));
        }
        self.absent.retain(|name, _| absent.contains(name));
        for name in absent {
            let since = *self.absent.entry(name.clone()).or_insert(now);
            if now < since + ABSENT {
                held.insert(name);
                again = again.into_iter().chain([since + ABSENT]).min();
            }
        }
        files.retain(|name, _| !held.contains(name));
        (held, again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder in which this one file had a router.
    struct Router(&'static str);

    impl Before for Router {
        fn has_file(&self, name: &str) -> bool {
            name == self.0
        }

        fn has_objects(&self, name: &str) -> bool {
            name == self.0
        }

        fn with_sessions(&self) -> impl Iterator<Item = &str> {
            std::iter::once(self.0)
        }
    }

    fn held(unfinished: &mut Unfinished, text: &str, now: Instant) -> bool {
        let mut files = [("/d/a.yaml".to_owned(), Ok(text.to_owned()))].into();
        let (held, again) = unfinished.hold(&mut files, &Router("/d/a.yaml"), now);
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
        assert!(!held(&mut unfinished, "x", start + ABSENT / 2));
        assert!(held(&mut unfinished, "", start + ABSENT));
        assert!(held(&mut unfinished, "", start + ABSENT * 2 - ABSENT / 2));
        assert!(!held(&mut unfinished, "", start + ABSENT * 2));
    }

    #[test]
    fn a_file_that_is_gone_is_waited_for_unless_another_has_come() {
        let start = Instant::now();
        let is_held = |unfinished: &mut Unfinished, names: &[&str], now| {
            let named = names
                .iter()
                .map(|name| ((*name).to_owned(), Ok("x".to_owned())));
            let router = Router("/d/a.yaml");
            let (held, again) = unfinished.hold(&mut named.collect(), &router, now);
            assert_eq!(held.is_empty(), again.is_none());
            held.contains("/d/a.yaml")
        };
        let mut unfinished = Unfinished::default();
        assert!(is_held(&mut unfinished, &[], start));
        assert!(is_held(&mut unfinished, &[], start + ABSENT / 2));
        assert!(!is_held(&mut unfinished, &[], start + ABSENT));
        // It was back meanwhile: each absence is one of its own.
        assert!(!is_held(&mut unfinished, &["/d/a.yaml"], start + ABSENT));
        assert!(is_held(&mut unfinished, &[], start + ABSENT));
        assert!(!is_held(
            &mut unfinished,
            &["/d/renamed.yaml"],
            start + ABSENT
        ));
    }
}
