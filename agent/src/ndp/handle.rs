//! What others call. A link has a task while somebody watches it: a node without peers on interfaces has neither task nor socket.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Weak};

use parking_lot::Mutex;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

use super::sighting::{NamedLink, Sighting};
use super::task::LinkTask;
use crate::vital;

/// Finds a link by its name.
pub(super) type FindLink = Arc<dyn Fn(&str) -> Option<NamedLink> + Send + Sync>;

/// The neighbours of the node. Clones are the same.
#[derive(Clone)]
pub struct Discovery(Arc<Shared>);

struct Shared {
    find: FindLink,
    seed: u64,
    links: watch::Sender<()>,
    news: Arc<Notify>,
    /// Who is watched, by interface. Held to begin a watch.
    watched: Mutex<HashMap<Arc<str>, Weak<Watched>>>,
}

struct Watched {
    interface: Arc<str>,
    sighting: watch::Receiver<Sighting>,
    /// As many clones as there are sessions with the neighbour, and two.
    held: Arc<()>,
    task: JoinHandle<()>,
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Keeps an eye on a link, until it and its clones are dropped.
#[derive(Clone)]
pub struct Watch(Arc<Watched>);

/// There is a session with the neighbour of a link, until it is dropped.
#[derive(Debug)]
pub struct Hold(#[expect(dead_code, reason = "it is counted")] Arc<()>);

impl Discovery {
    /// Links are found by `find`.
    pub fn new(find: FindLink, seed: u64) -> Self {
        Self(Arc::new(Shared {
            find,
            seed,
            links: watch::Sender::new(()),
            news: Arc::default(),
            watched: Mutex::default(),
        }))
    }

    /// Looks for a neighbour on the link of this name, which need not be there yet.
    pub fn watch(&self, interface: &Arc<str>) -> Watch {
        let mut watched = self.0.watched.lock();
        watched.retain(|_, known| known.strong_count() > 0);
        if let Some(known) = watched.get(interface).and_then(Weak::upgrade) {
            return Watch(known);
        }
        let (sender, sighting) = watch::channel(Sighting::none(Arc::clone(interface)));
        let held = Arc::new(());
        let task = LinkTask::new(
            Arc::clone(interface),
            Arc::clone(&self.0.find),
            self.0.links.subscribe(),
            sender,
            Arc::clone(&self.0.news),
            Arc::clone(&held),
            self.0.seed,
        );
        let task = vital::spawn(format!("discovery on {interface}"), task.run());
        let new = Arc::new(Watched {
            interface: Arc::clone(interface),
            sighting,
            held,
            task,
        });
        watched.insert(Arc::clone(interface), Arc::downgrade(&new));
        Watch(new)
    }

    /// Addresses or links of the node changed.
    pub fn links_changed(&self) {
        self.0.links.send_replace(());
    }

    /// Waits until something new was seen on some link. Cancel-safe.
    pub async fn changed(&self) {
        self.0.news.notified().await;
    }
}

impl Watch {
    /// What was seen last.
    pub fn sighting(&self) -> Sighting {
        self.0.sighting.borrow().clone()
    }

    /// There is a session with the neighbour now: it stays the neighbour.
    pub fn hold(&self) -> Hold {
        Hold(Arc::clone(&self.0.held))
    }
}

impl fmt::Debug for Watch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Watch").field(&self.0.interface).finish()
    }
}

/// Whether somebody beside the watch itself and its task has a clone.
pub(super) fn is_held(held: &Arc<()>) -> bool {
    Arc::strong_count(held) > 2
}
