//! EDGE: the Unix socket, its connections, and their back-pressure.
//!
//! Each connection is a task that makes a piece of its answer, writes it, and makes the next piece when the client has
//! taken the last. At most [`CHUNK`] and one page of rows are in memory for each of at most [`CONNECTIONS`] clients; a client
//! that reads slowly or not at all holds up only itself.
//!
//! The socket is for its owner alone (mode 0600 from the moment it exists). A socket left behind by an agent that died is
//! replaced; one on which an agent answers is not.

use std::fs::{File, Permissions};
use std::io::{self, ErrorKind};
use std::os::fd::OwnedFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use socket2::{Domain, SockAddr, Socket, Type};
use thiserror::Error;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tracing::{debug, warn};

use super::answer::Answer;
use super::protocol::{ErrorCode, MAX_REQUEST, Request};
use super::views::Views;
use crate::source::directory::load;

/// Clients at a time. People and scripts are few; the bound is there for the script that never hangs up. Each may
/// cost the rows that are held to be sorted, some 5 MB.
pub(super) const CONNECTIONS: usize = 32;
/// Octets gathered before they are written.
const CHUNK: usize = 32 * 1024;
/// How long a client may say nothing between requests.
const IDLE: Duration = Duration::from_secs(60);
/// How long a client may take nothing; somebody may be reading page by page.
const STALLED: Duration = Duration::from_secs(15 * 60);

/// Why the control socket cannot be had.
#[derive(Debug, Error)]
pub enum BindError {
    /// Another agent answers there.
    #[error("another agent answers on {}; stop it or name another socket with --socket", .0.display())]
    InUse(PathBuf),
    /// Something else has that name.
    #[error("{} exists and is not a socket; name another with --socket", .0.display())]
    NotASocket(PathBuf),
    /// The system refuses.
    #[error("cannot listen on {}: {source}", .path.display())]
    Io {
        /// The socket.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
}

/// The bound control socket; its name goes when it is dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
    /// Device and inode, so that only our own name is removed.
    identity: (u64, u64),
}

impl ControlSocket {
    /// Takes the name, making its folder and replacing a socket on which nobody answers.
    pub fn bind(path: &Path) -> Result<Self, BindError> {
        let failed = |source| BindError::Io {
            path: path.to_owned(),
            source,
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        std::fs::create_dir_all(folder).map_err(failed)?;
        // Two agents that start at once must not both find the name free: one looks and binds, then the other looks.
        let lock = File::open(folder).map_err(failed)?;
        lock.lock().map_err(failed)?;
        make_room(path)?;

        let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(failed)?;
        // Linux makes the file with the mode of the socket, so there is no moment at which others could connect.
        let file = File::from(OwnedFd::from(socket));
        file.set_permissions(Permissions::from_mode(0o600))
            .map_err(failed)?;
        let socket = Socket::from(OwnedFd::from(file));
        let address = SockAddr::unix(path).map_err(failed)?;
        socket.bind(&address).map_err(failed)?;
        socket.listen(16).map_err(failed)?;
        socket.set_nonblocking(true).map_err(failed)?;
        let listener = UnixListener::from_std(OwnedFd::from(socket).into()).map_err(failed)?;
        let made = std::fs::symlink_metadata(path).map_err(failed)?;
        Ok(Self {
            listener,
            path: path.to_owned(),
            identity: (made.dev(), made.ino()),
        })
    }

    /// Answers until the task is dropped.
    pub async fn serve(self, views: Arc<dyn Views>) {
        let slots = Arc::new(Semaphore::new(CONNECTIONS));
        loop {
            let stream = match self.listener.accept().await {
                Ok((stream, _)) => stream,
                Err(error) => {
                    // Out of descriptors, most likely: it passes, and spinning on it would not help.
                    warn!(%error, "control socket cannot accept");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                    continue;
                }
            };
            match slots.clone().try_acquire_owned() {
                Ok(slot) => {
                    let views = views.clone();
                    tokio::spawn(async move {
                        if let Err(error) = converse(stream, &*views).await {
                            debug!(%error, "control connection ended");
                        }
                        drop(slot);
                    });
                }
                Err(_) => {
                    tokio::spawn(refuse(stream));
                }
            }
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let ours = std::fs::symlink_metadata(&self.path)
            .is_ok_and(|now| (now.dev(), now.ino()) == self.identity);
        if ours && let Err(error) = std::fs::remove_file(&self.path) {
            debug!(%error, "control socket stays behind");
        }
    }
}

/// Removes a socket on which nobody answers.
fn make_room(path: &Path) -> Result<(), BindError> {
    let failed = |source| BindError::Io {
        path: path.to_owned(),
        source,
    };
    match std::fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(failed(error)),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(BindError::NotASocket(path.to_owned()));
        }
        Ok(_) => {}
    }
    let socket = Socket::new(Domain::UNIX, Type::STREAM, None).map_err(failed)?;
    socket.set_nonblocking(true).map_err(failed)?;
    match socket.connect(&SockAddr::unix(path).map_err(failed)?) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
            std::fs::remove_file(path).map_err(failed)
        }
        // A full backlog is somebody too.
        Ok(()) => Err(BindError::InUse(path.to_owned())),
        Err(error) if error.kind() == ErrorKind::WouldBlock => {
            Err(BindError::InUse(path.to_owned()))
        }
        Err(error) => Err(failed(error)),
    }
}

/// Requests and answers, one after the other, until the client hangs up.
async fn converse(stream: UnixStream, views: &dyn Views) -> io::Result<()> {
    let (read, mut write) = stream.into_split();
    let mut read = BufReader::with_capacity(1024, read);
    let mut line = Vec::new();
    let mut out = Vec::new();
    loop {
        line.clear();
        let limit = MAX_REQUEST as u64 + 1;
        let asked = timeout(IDLE, (&mut read).take(limit).read_until(b'\n', &mut line)).await;
        let Ok(asked) = asked else { return Ok(()) };
        if asked? == 0 {
            return Ok(());
        }
        let too_long = line.len() > MAX_REQUEST;
        let mut answer = match serde_json::from_slice::<Request>(&line) {
            _ if too_long => Answer::error(ErrorCode::BadRequest, "the request is too long"),
            Ok(Request::Preview { folder }) => preview(folder, views).await,
            Ok(request) => Answer::new(&request, views),
            Err(error) => Answer::error(
                ErrorCode::BadRequest,
                format!("the request is not understood: {error}"),
            ),
        };
        loop {
            let more = answer.next(&mut out);
            if out.len() >= CHUNK || !more {
                timeout(STALLED, write.write_all(&out)).await??;
                out.clear();
                out.shrink_to(2 * CHUNK);
            }
            if !more {
                break;
            }
            // A walk that finds nothing writes nothing, and must not keep the worker from its sessions.
            tokio::task::yield_now().await;
        }
        if too_long {
            return Ok(());
        }
    }
}

/// What would change if the manifests were those in `folder`.
async fn preview(folder: PathBuf, views: &dyn Views) -> Answer {
    let place = folder.clone();
    match tokio::task::spawn_blocking(move || load(&place)).await {
        Ok(Ok(loaded)) if loaded.problems.is_empty() => Answer::preview(&loaded.objects, views),
        Ok(Ok(loaded)) => Answer::error(
            ErrorCode::BadRequest,
            format!(
                "not everything in {} can be read ({} problems), so what is not read would seem to be removed",
                folder.display(),
                loaded.problems.len()
            ),
        ),
        Ok(Err(error)) => Answer::error(
            ErrorCode::BadRequest,
            format!("the agent cannot read the folder: {error}"),
        ),
        Err(error) => Answer::error(ErrorCode::BadRequest, format!("reading failed: {error}")),
    }
}

async fn refuse(mut stream: UnixStream) {
    let mut out = Vec::new();
    let message = format!("{CONNECTIONS} clients are connected already; try again");
    Answer::error(ErrorCode::Busy, message).next(&mut out);
    // The client hears it or has gone; either way nothing is left to do.
    let _ = timeout(Duration::from_secs(1), stream.write_all(&out)).await;
}
