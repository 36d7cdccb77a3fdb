//! EDGE. The task of one object with dynamic neighbours: it has a session for each neighbour that connects, as long as there is room.
//!
//! ```text
//!   listener ──connection──> here ──┬─ known neighbour ──> the task of its session
//!                                   ├─ room ──> a new one (peer_task.rs, as for any peer, but that it never dials)
//!                                   └─ none ──> Cease/Connection Rejected, counted
//! ```
//!
//! However many connect, there are at most as many sessions as the limit says, and a bounded number of last words.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bgp_session::{Restarted, StopReason};
use bgp_wire::{Notification, codes};
use bytes::BytesMut;
use parking_lot::Mutex;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::sessions::{DynamicSession, DynamicSessions};
use super::standing::Standing;
use crate::desired::{DynamicNeighbors, Router};
use crate::seldom::Seldom;
use crate::speaker::connection::leave;
use crate::speaker::failures::FailureLog;
use crate::speaker::outbox::Outbox;
use crate::speaker::peer_task::Command;
use crate::speaker::settings::{AddressBook, Settings};
use crate::speaker::start::{Started, Starter, next_seed};

/// How often it is looked for sessions that are over.
const LOOK: Duration = Duration::from_secs(1);
/// Refused connections that may be written to at a time; further ones end without a word.
const MOST_LEAVING: usize = 16;

/// What others may ask of it.
#[derive(Debug)]
pub(in crate::speaker) enum DynamicCommand {
    /// The listener accepted a connection from one of the prefixes.
    Incoming(TcpStream),
    /// The configuration changed, or the router's.
    Configure(Arc<DynamicNeighbors>, Arc<Router>),
    /// Addresses or links of the node changed.
    Addresses,
    /// End all sessions, and say when done.
    Stop(StopReason, oneshot::Sender<()>),
}

/// See the top of this file.
pub(super) struct DynamicTask {
    config: Arc<DynamicNeighbors>,
    router: Arc<Router>,
    addresses: Arc<dyn AddressBook>,
    starter: Starter,
    commands: mpsc::Receiver<DynamicCommand>,
    sessions: HashMap<IpAddr, Session>,
    shared: Arc<DynamicSessions>,
    /// Sessions that say goodbye.
    ending: JoinSet<()>,
    /// Refused connections that are told why.
    leaving: JoinSet<()>,
    failures: Arc<Mutex<Seldom>>,
    seed: u64,
}

struct Session {
    started: Started,
    /// Its number among those that others see.
    number: u64,
    born: Instant,
    restarted: Option<Restarted>,
}

impl Session {
    fn standing(&self, now: Instant) -> Standing {
        let awaited = self.restarted.is_some_and(|r| now < r.until);
        let snapshot = self.started.snapshot.lock();
        let awaited = awaited && snapshot.last_established.is_none();
        Standing::of(&snapshot, self.born, awaited)
    }
}

impl DynamicTask {
    pub(super) fn new(
        (config, router): (Arc<DynamicNeighbors>, Arc<Router>),
        addresses: Arc<dyn AddressBook>,
        starter: Starter,
        commands: mpsc::Receiver<DynamicCommand>,
        shared: Arc<DynamicSessions>,
        seed: u64,
    ) -> Self {
        Self {
            config,
            router,
            addresses,
            starter,
            commands,
            sessions: HashMap::new(),
            shared,
            ending: JoinSet::new(),
            leaving: JoinSet::new(),
            failures: Arc::default(),
            seed,
        }
    }

    /// Runs until it is told to stop. `returning`: neighbours that the process before this one had sessions with, and that wait for
    /// this one.
    pub(super) async fn run(mut self, returning: Vec<(IpAddr, Restarted)>) {
        for (address, restarted) in returning {
            self.begin(address, Some(restarted));
        }
        let mut look = tokio::time::interval(LOOK);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        loop {
            // Cancel-safe: a command stays in its channel, and a tick is due again.
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None => return self.end_all(&StopReason::Deconfigured).await,
                    Some(DynamicCommand::Stop(why, done)) => {
                        self.end_all(&why).await;
                        let _ = done.send(());
                        return;
                    }
                    Some(DynamicCommand::Incoming(stream)) => self.incoming(stream),
                    Some(DynamicCommand::Configure(config, router)) => {
                        self.configure(config, router).await;
                    }
                    Some(DynamicCommand::Addresses) => {
                        for session in self.sessions.values() {
                            let _ = session.started.commands.send(Command::Addresses).await;
                        }
                    }
                },
                _ = look.tick() => self.look(),
            }
            while self.ending.try_join_next().is_some() {}
            while self.leaving.try_join_next().is_some() {}
        }
    }

    fn incoming(&mut self, stream: TcpStream) {
        let Ok(remote) = stream.peer_addr() else {
            return;
        };
        let address = remote.ip().to_canonical();
        if !self.sessions.contains_key(&address) {
            if !self.config.covers(address) {
                // The listener was told after it had let this one in.
                return self.refuse(
                    stream,
                    &Notification::cease(codes::cease::PEER_DECONFIGURED),
                );
            }
            if let Some(text) = self.config.shutdown() {
                return self.refuse(stream, &Notification::cease_shutdown(text));
            }
            if !self.has_room(address) {
                // RFC 4486 §4: "If a BGP speaker decides to disallow a BGP connection (e.g., the peer is not configured locally) after the
                // speaker accepts a transport protocol connection, then the BGP speaker SHOULD send a NOTIFICATION message with the Error
                // Code Cease and the Error Subcode 'Connection Rejected'."
                return self.refuse(
                    stream,
                    &Notification::cease(codes::cease::CONNECTION_REJECTED),
                );
            }
            self.begin(address, None);
        }
        if let Some(session) = self.sessions.get(&address) {
            // A full channel means that the task is far behind; the other side will dial again.
            let _ = session
                .started
                .commands
                .try_send(Command::Incoming(Box::new(stream)));
        }
    }

    fn begin(&mut self, address: IpAddr, restarted: Option<Restarted>) {
        let Some(peer) = self.config.session(address) else {
            return;
        };
        let key = peer.key.clone();
        let (router, addresses) = (Arc::clone(&self.router), Arc::clone(&self.addresses));
        self.seed = next_seed(self.seed);
        let started = self.starter.start(
            Settings::new(peer, router, addresses),
            restarted,
            FailureLog::among(Arc::clone(&self.failures)),
            self.seed,
        );
        let started = match started {
            Ok(started) => started,
            Err(error) => {
                tracing::error!(peer = %key, %error, "cannot start the session of a dynamic neighbour");
                if let Some(deferral) = &self.starter.deferral {
                    deferral.done(&key);
                }
                return;
            }
        };
        tracing::debug!(peer = %key, "a dynamic neighbour connects");
        let number = self.shared.begin(DynamicSession {
            key,
            snapshot: Arc::clone(&started.snapshot),
            restarted,
        });
        self.starter.events.notify();
        let session = Session {
            started,
            number,
            born: Instant::now(),
            restarted,
        };
        self.sessions.insert(address, session);
    }

    /// Whether there is room for one more session, perhaps made by ending one that is down.
    fn has_room(&mut self, newcomer: IpAddr) -> bool {
        let limit = usize::try_from(self.config.limit).unwrap_or(usize::MAX);
        if self.sessions.len() < limit {
            return true;
        }
        let now = Instant::now();
        let sessions = self.sessions.iter();
        let down = sessions.filter_map(|(address, session)| {
            Some((session.standing(now).makes_room(now)?, *address))
        });
        if self.sessions.len() == limit
            && let Some((_, address)) = down.min()
        {
            self.end(address, StopReason::Deconfigured);
            return true;
        }
        let count = self.shared.refuse();
        // Who connects without end must not fill the log.
        if count.is_power_of_two() {
            tracing::warn!(
                peer = %self.config.key, remote = %newcomer, limit, count,
                "refused a dynamic neighbour: there are as many sessions as spec.dynamicNeighbors.limit allows"
            );
            self.starter.events.notify();
        }
        false
    }

    /// Closes a connection with a NOTIFICATION.
    fn refuse(&mut self, stream: TcpStream, why: &Notification) {
        if self.leaving.len() < MOST_LEAVING {
            let mut words = BytesMut::new();
            why.encode(&mut words);
            let mut outbox = Outbox::default();
            outbox.push(words.freeze());
            self.leaving.spawn(leave(stream, outbox));
        }
    }

    async fn configure(&mut self, config: Arc<DynamicNeighbors>, router: Arc<Router>) {
        self.shared.configure(Arc::clone(&config));
        (self.config, self.router) = (config, router);
        let addresses: Vec<IpAddr> = self.sessions.keys().copied().collect();
        for address in addresses {
            match self
                .config
                .session(address)
                .filter(|_| self.config.covers(address))
            {
                None => self.end(address, StopReason::Deconfigured),
                Some(peer) => {
                    let router = Arc::clone(&self.router);
                    let settings = Settings::new(peer, router, Arc::clone(&self.addresses));
                    if let Some(session) = self.sessions.get(&address) {
                        let command = Command::Configure(Box::new(settings));
                        let _ = session.started.commands.send(command).await;
                    }
                }
            }
        }
        self.tell_of_room();
    }

    /// Ends sessions of neighbours that are gone.
    fn look(&mut self) {
        let now = Instant::now();
        let sessions = self.sessions.iter();
        let over: Vec<IpAddr> = sessions
            .filter(|(_, session)| session.standing(now).is_over(now))
            .map(|(address, _)| *address)
            .collect();
        for address in over {
            self.end(address, StopReason::Deconfigured);
        }
        self.tell_of_room();
    }

    fn tell_of_room(&self) {
        let limit = usize::try_from(self.config.limit).unwrap_or(usize::MAX);
        if self.sessions.len() < limit && self.shared.has_room() {
            self.starter.events.notify();
        }
    }

    /// Has a session say goodbye; others see it until it has.
    fn end(&mut self, address: IpAddr, why: StopReason) {
        let Some(session) = self.sessions.remove(&address) else {
            return;
        };
        let (shared, events) = (Arc::clone(&self.shared), self.starter.events.clone());
        self.ending.spawn(async move {
            let (done, gone) = oneshot::channel();
            let stop = Command::Stop(Box::new((why, done)));
            if session.started.commands.send(stop).await.is_ok() {
                let _ = gone.await;
            }
            shared.end(session.number);
            events.notify();
        });
    }

    async fn end_all(&mut self, why: &StopReason) {
        let addresses: Vec<IpAddr> = self.sessions.keys().copied().collect();
        for address in addresses {
            self.end(address, why.clone());
        }
        while self.ending.join_next().await.is_some() {}
    }
}

impl Drop for DynamicTask {
    fn drop(&mut self) {
        for session in self.sessions.values() {
            session.started.task.abort();
        }
    }
}
