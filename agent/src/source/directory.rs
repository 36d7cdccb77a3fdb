//! A folder of manifests on disk, followed live.
//!
//! The kernel tells of changes (inotify); a burst of them is one reading, begun when the folder has been quiet for a
//! moment. Every few seconds the folder is read anyway, because a file may be a link to a place that is not watched,
//! and the folder itself may be replaced. A reading that finds nothing new tells nobody. What somebody is writing is left
//! alone until it is whole (`unfinished.rs`).

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use notify::{RecommendedWatcher, RecursiveMode, Watcher};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::folder::Folder;
pub use super::folder::{FileProblem, Former, SourceUpdate};
use super::unfinished::{Unfinished, Writers};
use crate::desired::Severity;

/// How long the folder must be quiet before it is read.
const QUIET: Duration = Duration::from_millis(80);
/// How long a reading is put off while changes go on.
const PATIENCE: Duration = Duration::from_secs(1);
/// How often the folder is read though nothing was told.
const INTERVAL: Duration = Duration::from_secs(10);
/// How soon a folder that cannot be read is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// The largest file that is read.
const FILE_MAX: u64 = 16 << 20;

/// The folder cannot be read at all.
#[derive(Debug, thiserror::Error)]
#[error("cannot read the manifests in {}: {source}; create the folder, or name another", path.display())]
pub struct DirectoryError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// A folder that is being followed. Dropping it ends that.
#[derive(Debug)]
pub struct Directory {
    updates: watch::Receiver<SourceUpdate>,
    task: JoinHandle<()>,
}

impl Drop for Directory {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Directory {
    /// Reads the folder once, which a process before this one has left with the objects `former`, and follows it from then on. Must
    /// be called within a tokio runtime.
    ///
    /// # Errors
    /// When the folder cannot be read now. Later it may come and go: what was read last stays.
    pub fn start(path: &Path, former: &[Former]) -> Result<Self, DirectoryError> {
        let mut folder = Folder::after(former);
        let failed = |source| DirectoryError {
            path: path.to_owned(),
            source,
        };
        // The watch tells of files by absolute names: by the same they are known here.
        let path = &std::path::absolute(path).map_err(failed)?;
        let files = read(path).map_err(failed)?;
        let first = folder.read(files, SystemTime::now()).unwrap_or_default();
        let (sender, updates) = watch::channel(first);
        let task = tokio::spawn(follow(path.to_owned(), folder, sender));
        Ok(Self { updates, task })
    }

    /// What the folder holds: the newest state, whenever it is asked for.
    #[must_use]
    pub fn updates(&self) -> watch::Receiver<SourceUpdate> {
        self.updates.clone()
    }
}

/// Reads a folder, or a single file, once.
///
/// # Errors
/// When it cannot be read at all.
pub fn load(path: &Path) -> Result<SourceUpdate, DirectoryError> {
    let files = read(path).map_err(|source| DirectoryError {
        path: path.to_owned(),
        source,
    })?;
    Ok(Folder::default()
        .read(files, SystemTime::now())
        .unwrap_or_default())
}

async fn follow(path: PathBuf, mut folder: Folder, sender: watch::Sender<SourceUpdate>) {
    // One place is enough: what matters is that something happened, not how often.
    let (ring, mut bell) = mpsc::channel::<()>(1);
    let mut unfinished = Unfinished::default();
    let mut watcher = Watched::new(&path, ring, unfinished.writers.clone());
    // The folder may have changed between the first reading and the watch.
    let mut next = Instant::now();
    loop {
        tokio::select! {
            // Cancel-safe: a ring that is not taken here stays in the channel.
            rung = bell.recv() => {
                if rung.is_none() {
                    return;
                }
                let patience = Instant::now() + PATIENCE;
                while let Ok(Some(())) = timeout_at((Instant::now() + QUIET).min(patience), bell.recv()).await {
                    if Instant::now() >= patience {
                        break;
                    }
                }
            }
            () = sleep_until(next) => {}
            () = sender.closed() => return,
        }
        next = Instant::now() + INTERVAL;
        watcher.renew();
        let place = path.clone();
        let read = tokio::task::spawn_blocking(move || read(&place)).await;
        let update = match read {
            Ok(Ok(mut files)) => {
                let now = Instant::now();
                let (held, again) = unfinished.hold(&mut files, &folder, now.into_std());
                next = again.map_or(next, |again| next.min(again.into()));
                folder.read_but(files, &held, SystemTime::now())
            }
            Ok(Err(error)) => {
                note(&sender, &path, &error);
                // The next reading that succeeds tells all there is, the vanished note included.
                folder.forget_texts();
                next = Instant::now() + RETRY;
                None
            }
            // The runtime is going down.
            Err(_) => return,
        };
        if let Some(update) = update {
            sender.send_if_modified(|current| {
                let different = *current != update;
                *current = update;
                different
            });
        }
    }
}

/// The folder cannot be read: what was read last stays, and the problem is told once.
fn note(sender: &watch::Sender<SourceUpdate>, path: &Path, error: &io::Error) {
    let problem = FileProblem {
        file: path.display().to_string(),
        object: None,
        field: String::new(),
        message: format!("cannot be read: {error}; what was read last stays in force"),
        severity: Severity::Rejected,
    };
    sender.send_if_modified(|current| {
        let new = !current.problems.contains(&problem);
        if new {
            current.problems.push(problem);
        }
        new
    });
}

/// The watch on the folder, set again when the folder is another one.
struct Watched {
    path: PathBuf,
    watcher: Option<RecommendedWatcher>,
    identity: Option<(u64, u64)>,
}

impl Watched {
    fn new(path: &Path, ring: mpsc::Sender<()>, writers: Writers) -> Self {
        let told = move |event: notify::Result<notify::Event>| {
            if let Ok(event) = &event {
                writers.note(event, std::time::Instant::now());
            }
            // Our own reading opens files; only what may have changed them counts.
            if !matches!(&event, Ok(event) if event.kind.is_access() && !is_close_after_write(event))
            {
                let _full_is_as_good = ring.try_send(());
            }
        };
        let watcher = notify::recommended_watcher(told)
            .inspect_err(|error| {
                tracing::warn!(%error, "changes of manifests are seen only every {INTERVAL:?}");
            })
            .ok();
        let mut watched = Self {
            path: path.to_owned(),
            watcher,
            identity: None,
        };
        watched.renew();
        watched
    }

    fn renew(&mut self) {
        use std::os::unix::fs::MetadataExt;

        let identity = fs::metadata(&self.path)
            .ok()
            .map(|meta| (meta.dev(), meta.ino()));
        let Some(watcher) = self.watcher.as_mut().filter(|_| identity != self.identity) else {
            return;
        };
        // The former folder is gone, and its watch with it.
        let _gone = watcher.unwatch(&self.path);
        self.identity = identity;
        if identity.is_some()
            && let Err(error) = watcher.watch(&self.path, RecursiveMode::NonRecursive)
        {
            tracing::warn!(%error, "changes of manifests are seen only every {INTERVAL:?}");
            self.identity = None;
        }
    }
}

fn is_close_after_write(event: &notify::Event) -> bool {
    use notify::event::{AccessKind, AccessMode, EventKind};
    event.kind == EventKind::Access(AccessKind::Close(AccessMode::Write))
}

/// The texts of the manifests of a folder, by path; or of one file.
fn read(path: &Path) -> io::Result<BTreeMap<String, Result<String, String>>> {
    let mut files = BTreeMap::new();
    if fs::metadata(path)?.is_file() {
        files.insert(path.display().to_string(), text(path));
        return Ok(files);
    }
    for entry in fs::read_dir(path)? {
        let file = entry?.path();
        if !is_manifest(&file) {
            continue;
        }
        let text = match fs::metadata(&file) {
            Ok(meta) if meta.is_file() => text(&file),
            Ok(meta) if meta.is_dir() => Err(
                "is a folder, and only files are read; move its manifests up, or rename it so that it does not look \
                 like one"
                    .to_owned(),
            ),
            // Reading it might never end.
            Ok(_) => Err(
                "is a pipe, a socket or a device, which is not read; put a file in its place, or remove it"
                    .to_owned(),
            ),
            Err(error) if error.kind() == io::ErrorKind::NotFound => match fs::read_link(&file) {
                Ok(target) => Err(format!(
                    "is a link to {}, which is not there; put it there, or remove the link",
                    target.display()
                )),
                // Gone between the listing and now.
                Err(_) => continue,
            },
            Err(error) => Err(format!("cannot be read: {error}")),
        };
        files.insert(file.display().to_string(), text);
    }
    Ok(files)
}

/// Hidden files are not manifests (a mounted ConfigMap has some), nor is what kustomize reads.
fn is_manifest(file: &Path) -> bool {
    let extension = file.extension().and_then(|extension| extension.to_str());
    let stem = file
        .file_stem()
        .and_then(|stem| stem.to_str())
        .unwrap_or(".");
    matches!(extension, Some("yaml" | "yml")) && !stem.starts_with('.') && stem != "kustomization"
}

fn text(file: &Path) -> Result<String, String> {
    let mut text = String::new();
    let file = fs::File::open(file).map_err(|error| format!("cannot be read: {error}"))?;
    let read = file.take(FILE_MAX + 1).read_to_string(&mut text);
    read.map_err(|error| format!("cannot be read: {error}"))?;
    if text.len() as u64 > FILE_MAX {
        return Err(format!("is larger than {} MiB; split it", FILE_MAX >> 20));
    }
    Ok(text)
}
