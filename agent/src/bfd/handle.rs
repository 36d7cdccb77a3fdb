//! What others call. The thread begins with the first subscription: a node without BFD has neither thread nor sockets.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Instant;

use ::bfd::{Discards, SessionView, State, Why};
use parking_lot::Mutex;
use rustix::event::{EventfdFlags, eventfd};
use tokio::sync::watch;

use super::clients::Wanted;
use super::task::Task;
use crate::desired::PeerKey;
use crate::vital;

/// The BFD of the node. Clones are the same.
#[derive(Debug, Clone, Default)]
pub struct Bfd {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    /// Held to start or stop the thread, and to send it a command.
    thread: Mutex<Option<Running>>,
    /// Held for a copy.
    published: Arc<Mutex<Published>>,
}

#[derive(Debug)]
struct Running {
    /// Without a bound: there is one for each change of a peer's configuration, and the thread takes them all at each turn.
    commands: mpsc::Sender<Command>,
    bell: Arc<OwnedFd>,
    thread: JoinHandle<()>,
}

impl Running {
    fn start(published: Arc<Mutex<Published>>) -> io::Result<Self> {
        let bell = Arc::new(eventfd(0, EventfdFlags::NONBLOCK | EventfdFlags::CLOEXEC)?);
        let (commands, receiver) = mpsc::channel();
        let task = Task::new(receiver, Arc::clone(&bell), published)?;
        let thread = std::thread::Builder::new().name("cosmos-bfd".to_owned());
        let thread = thread.spawn(move || vital::run("BFD", || task.run()))?;
        Ok(Self {
            commands,
            bell,
            thread,
        })
    }

    fn tell(&self, command: Command) {
        // A thread that is gone has ended the process, or is being stopped.
        let _ = self.commands.send(command);
        let _ = rustix::io::write(&self.bell, &1u64.to_ne_bytes());
    }
}

/// What the thread is told.
#[derive(Debug)]
pub(super) enum Command {
    /// A client, old or new, wants this.
    Want(PeerKey, Wanted, watch::Sender<Status>),
    /// It wants nothing any more.
    Leave(PeerKey),
    /// All sessions are taken down administratively, and the thread ends.
    Stop,
}

/// What the thread lets others see; at most half a second old.
#[derive(Debug, Clone, Default)]
pub(super) struct Published {
    pub(super) sessions: HashMap<PeerKey, SessionView>,
    pub(super) discards: Discards,
}

/// The state of a client's session.
#[derive(Debug, Clone, PartialEq)]
pub struct Status {
    /// bfd.SessionState; Down before there is a session.
    pub state: State,
    /// Since when.
    pub since: Instant,
    /// How often the path failed: a session that was Up went Down, and nobody had wanted it to.
    pub failures: u64,
    /// The last time it did.
    pub last_failure: Option<Failure>,
    /// Why there is no session.
    pub error: Option<String>,
}

/// A failure of a path.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Failure {
    /// How it was noticed.
    pub why: Why,
    /// When.
    pub at: Instant,
}

/// A session as people see it.
#[derive(Debug, Clone, PartialEq)]
pub struct View {
    /// Its state, as its client was told.
    pub status: Status,
    /// Everything else, once there is a session.
    pub session: Option<SessionView>,
}

impl Bfd {
    /// Wants a session for a peer, until the subscription is dropped. An error if there can be no thread.
    pub fn subscribe(&self, peer: PeerKey, wanted: Wanted) -> io::Result<Subscription> {
        let mut thread = self.shared.thread.lock();
        let running = match &mut *thread {
            Some(running) => running,
            none => none.insert(Running::start(Arc::clone(&self.shared.published))?),
        };
        let (sender, status) = watch::channel(Status {
            state: State::Down,
            since: Instant::now(),
            failures: 0,
            last_failure: None,
            error: None,
        });
        running.tell(Command::Want(peer.clone(), wanted.clone(), sender.clone()));
        Ok(Subscription {
            peer,
            wanted,
            sender,
            status,
            bfd: self.clone(),
        })
    }

    /// The session of a peer in all its parameters.
    pub fn session(&self, peer: &PeerKey) -> Option<SessionView> {
        self.shared.published.lock().sessions.get(peer).copied()
    }

    /// How many packets were discarded, and why.
    pub fn discards(&self) -> Discards {
        self.shared.published.lock().discards
    }

    /// Takes all sessions down administratively, so that no neighbour takes our end for a failure of the path (RFC 5880 §6.8.16), and
    /// waits until that is said.
    pub fn stop(&self) {
        let running = self.shared.thread.lock().take();
        if let Some(running) = running {
            running.tell(Command::Stop);
            // A panic in it has ended the process.
            let _ = running.thread.join();
        }
    }

    fn tell(&self, command: Command) {
        if let Some(running) = &*self.shared.thread.lock() {
            running.tell(command);
        }
    }
}

/// A client's session.
#[derive(Debug)]
pub struct Subscription {
    peer: PeerKey,
    wanted: Wanted,
    sender: watch::Sender<Status>,
    status: watch::Receiver<Status>,
    bfd: Bfd,
}

impl Subscription {
    /// Waits for a change of the status. Cancel-safe.
    pub async fn changed(&mut self) {
        // The sender is held here.
        let _ = self.status.changed().await;
    }

    /// The status, which counts as seen.
    pub fn status(&mut self) -> Status {
        self.status.borrow_and_update().clone()
    }

    /// The status as it was seen last or is newer.
    pub fn peek(&self) -> Status {
        self.status.borrow().clone()
    }

    /// Wants something else.
    pub fn change(&mut self, wanted: Wanted) {
        if self.wanted != wanted {
            self.wanted = wanted.clone();
            let command = Command::Want(self.peer.clone(), wanted, self.sender.clone());
            self.bfd.tell(command);
        }
    }
}

impl Drop for Subscription {
    fn drop(&mut self) {
        self.bfd.tell(Command::Leave(self.peer.clone()));
    }
}
