//! EDGE: the files of the state folder, which the next process reads. Each is replaced as a whole, so that whoever is killed in
//! between leaves the old one. What a full disk does not take is tried again until it is there.

use std::fs::{File, TryLockError};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use std::{fs, io};

/// The folder is this process's alone while the result is held. The kernel lets go of it when the process ends, however it ends.
/// `None` when another process has it.
pub(crate) fn claim(folder: &Path) -> io::Result<Option<File>> {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(folder.join("lock"))?;
    match lock.try_lock() {
        Ok(()) => Ok(Some(lock)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// What the file holds; `None` when there is no such file.
pub(crate) fn read(file: &Path) -> io::Result<Option<String>> {
    match fs::read_to_string(file) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Puts `text` in the place of what it holds. Not forced to the disk: a file that the host's end has cut short is as good as one
/// that never was.
pub(crate) fn replace(file: &Path, text: &[u8]) -> io::Result<()> {
    let draft = file.with_extension("draft");
    let replaced = fs::write(&draft, text).and_then(|()| fs::rename(&draft, file));
    if replaced.is_err() {
        // Half a draft is of no use to anyone, and the disk may be full. Often it is not there either.
        let _ = fs::remove_file(&draft);
    }
    replaced
}

/// How soon what could not be written is tried again.
const RETRY: Duration = Duration::from_secs(30);

/// A file that is to hold what is so, for the next process. Without a folder there is none.
#[derive(Debug)]
pub(crate) struct Kept {
    file: Option<PathBuf>,
    /// What it holds, for the log.
    what: &'static str,
    /// What could not be written, and when that was tried last.
    unwritten: Option<(Vec<u8>, Instant)>,
}

impl Kept {
    /// The file `name` of a folder, which holds `what`.
    pub(crate) fn new(folder: Option<&Path>, name: &str, what: &'static str) -> Self {
        Self {
            file: folder.map(|folder| folder.join(name)),
            what,
            unwritten: None,
        }
    }

    /// Whether anything is kept.
    pub(crate) fn lasts(&self) -> bool {
        self.file.is_some()
    }

    /// What the process before this one has left; `None` if it has left nothing, or that cannot be read.
    pub(crate) fn read(&self) -> Option<String> {
        let text = read(self.file.as_ref()?);
        text.unwrap_or_else(|error| {
            tracing::warn!(%error, "{} before this start cannot be read", self.what);
            None
        })
    }

    /// This is so now.
    pub(crate) fn keep(&mut self, text: Vec<u8>, now: Instant) {
        let Some(file) = &self.file else { return };
        let failed_before = self.unwritten.take().is_some();
        match replace(file, &text) {
            Ok(()) if failed_before => {
                tracing::info!(file = %file.display(), "{} can be kept for the next start again", self.what);
            }
            Ok(()) => {}
            Err(error) => {
                self.unwritten = Some((text, now));
                if !failed_before {
                    tracing::warn!(
                        file = %file.display(),
                        %error,
                        "{} cannot be kept for the next start; this is tried again until it can",
                        self.what
                    );
                }
            }
        }
    }

    /// Tries again what could not be written, if it is time.
    pub(crate) fn retry(&mut self, now: Instant) {
        let due = |tried: Instant| now.saturating_duration_since(tried) >= RETRY;
        if let Some((text, tried)) = &mut self.unwritten
            && due(*tried)
        {
            let text = std::mem::take(text);
            self.keep(text, now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_not_be_written_is_tried_until_it_is_there() {
        let folder = std::env::temp_dir().join(format!("cosmos-kept-{}", std::process::id()));
        let mut kept = Kept::new(Some(&folder), "file", "what is so");
        let start = Instant::now();
        // There is no such folder yet.
        kept.keep(b"old".to_vec(), start);
        kept.keep(b"new".to_vec(), start);
        fs::create_dir_all(&folder).unwrap();
        kept.retry(start + RETRY / 2);
        assert_eq!(kept.read(), None, "not all the time");
        kept.retry(start + RETRY);
        assert_eq!(kept.read().as_deref(), Some("new"));
        // Once it is there, nobody writes it again.
        fs::remove_file(folder.join("file")).unwrap();
        kept.retry(start + 10 * RETRY);
        assert_eq!(kept.read(), None);
        // A folder in its place: no draft stays behind.
        fs::create_dir_all(folder.join("file/x")).unwrap();
        kept.keep(b"never".to_vec(), start);
        assert!(!folder.join("file.draft").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
