//! EDGE. The loop of the BFD thread: it waits, feeds the sessions, and sends and tells what they say. It logs nothing but defects of
//! its own: who reads a log slowly must not hold up a packet.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::net::IpAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc::{self, TryRecvError};
use std::time::{Duration, Instant};

use ::bfd::{Hops, Path, SessionId, Sessions, State};
use parking_lot::Mutex;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use tokio::sync::watch;

use super::clients::{Wanted, together};
use super::handle::{Command, Failure, Published, Status};
use super::receiver::Receiver;
use super::sender::Sender;
use crate::desired::PeerKey;

/// Two turns are at least so far apart: with many sessions something is always due or there, and what gathers in this time is done
/// together, as the sessions let packets leave that are due so soon. It is little beside the shortest interval that can be configured.
const REST: Duration = Duration::from_millis(2);
/// The nice value of the thread where it is not scheduled in real time.
const PRIORITY: i32 = -15;
/// Its priority in real time: the least, which is before all that is not.
const REAL_TIME: i32 = 1;
/// Packets that are read from one socket before the clock is looked at.
const READS: usize = 256;
/// How often a session that has no socket is tried again, and the address of one that is not Up looked at.
const RETRY: Duration = Duration::from_secs(1);
/// What others see is at most so old.
const PUBLISH: Duration = Duration::from_millis(500);

/// The thread has little to do, and none of it can wait for those of the tables to have done theirs. A nice value counts among the threads
/// of one group, and where others share the cores, a group that loads a table has had its share; so it is scheduled in real time. It
/// rests between turns, and a turn is bounded. Without CAP_SYS_NICE it is one of many.
fn ahead_of_others() {
    let wanted = libc::sched_param {
        sched_priority: REAL_TIME,
    };
    #[expect(unsafe_code, reason = "libc has it as C has it")]
    // SAFETY: the pointer is to a valid sched_param, which is only read; 0 is the calling thread.
    let refused = unsafe {
        libc::sched_setscheduler(
            0,
            libc::SCHED_RR | libc::SCHED_RESET_ON_FORK,
            &raw const wanted,
        )
    };
    if refused != 0 {
        let _ = rustix::process::setpriority_process(None, PRIORITY);
    }
}

/// See the top of this file.
pub(super) struct Task {
    commands: mpsc::Receiver<Command>,
    bell: Arc<OwnedFd>,
    published: Arc<Mutex<Published>>,
    sessions: Sessions,
    receivers: BTreeMap<(Hops, bool), Receiver>,
    clients: BTreeMap<PeerKey, Client>,
    senders: HashMap<SessionId, (Sender, u16)>,
    /// When clients without a session, or with one that is not Up, are looked at again.
    retry: Option<Instant>,
    publish: Instant,
    turned: Instant,
}

struct Client {
    wanted: Wanted,
    status: watch::Sender<Status>,
    session: Option<SessionId>,
}

impl Client {
    /// Who has an error told, or something that is new.
    fn tell(&self, change: impl FnOnce(&mut Status)) {
        self.status.send_if_modified(|status| {
            let before = status.clone();
            change(status);
            before != *status
        });
    }
}

impl Task {
    pub(super) fn new(
        commands: mpsc::Receiver<Command>,
        bell: Arc<OwnedFd>,
        published: Arc<Mutex<Published>>,
    ) -> io::Result<Self> {
        let now = Instant::now();
        // Discriminators are not to be guessed: the keys of a RandomState are the operating system's.
        let seed = RandomState::new().hash_one(now);
        Ok(Self {
            commands,
            bell,
            published,
            sessions: Sessions::new(seed),
            receivers: BTreeMap::new(),
            clients: BTreeMap::new(),
            senders: HashMap::new(),
            retry: None,
            publish: now,
            turned: now,
        })
    }

    /// Until the thread is to end.
    pub(super) fn run(mut self) {
        ahead_of_others();
        loop {
            let rung = self.wait();
            let going_on = !rung || self.take_commands();
            // What has arrived counts before what is due: a thread that was kept waiting must not take a neighbour for dead whose
            // packets lie in the socket.
            self.receive();
            let now = Instant::now();
            self.sessions.handle_timeout(now);
            self.retry(now);
            self.flush(now);
            if !going_on {
                return;
            }
        }
    }

    /// True if there are commands.
    fn wait(&mut self) -> bool {
        let early = REST.saturating_sub(self.turned.elapsed());
        if !early.is_zero() {
            std::thread::sleep(early);
        }
        let publish = (!self.clients.is_empty()).then_some(self.publish);
        let due = [self.sessions.poll_timeout(), self.retry, publish];
        let due = due.into_iter().flatten().min();
        let limit = due.map(|due| due.saturating_duration_since(Instant::now()));
        let limit = limit.and_then(|limit| Timespec::try_from(limit).ok());
        let mut fds: Vec<PollFd<'_>> = self
            .receivers
            .values()
            .map(|receiver| receiver.as_fd())
            .chain([self.bell.as_fd()])
            .map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN))
            .collect();
        // Interrupted, nothing is there, and the next turn tells.
        let told = poll(&mut fds, limit.as_ref()).is_ok();
        let rung = told && fds.last().is_some_and(|bell| !bell.revents().is_empty());
        self.turned = Instant::now();
        rung
    }

    /// False if the thread is to end.
    fn take_commands(&mut self) -> bool {
        let mut count = [0; 8];
        let _ = rustix::io::read(&self.bell, &mut count);
        loop {
            let now = Instant::now();
            match self.commands.try_recv() {
                Ok(Command::Want(peer, wanted, status)) => self.want(peer, wanted, status, now),
                Ok(Command::Leave(peer)) => self.leave(&peer, now),
                Ok(Command::Stop) | Err(TryRecvError::Disconnected) => {
                    let all: Vec<PeerKey> = self.clients.keys().cloned().collect();
                    all.iter().for_each(|peer| self.leave(peer, now));
                    return false;
                }
                Err(TryRecvError::Empty) => return true,
            }
        }
    }

    fn receive(&mut self) {
        for receiver in self.receivers.values_mut() {
            for _ in 0..READS {
                let Ok(Some((payload, arrival))) = receiver.receive() else {
                    break;
                };
                // The verdict is counted.
                let _ = self
                    .sessions
                    .handle_packet(payload, &arrival, Instant::now());
            }
        }
    }

    /// Sends and tells what the sessions say.
    fn flush(&mut self, now: Instant) {
        let mut changed = false;
        while let Some(event) = self.sessions.poll_event() {
            changed = true;
            let failure = event.change.is_failure().then_some(Failure {
                why: event.change.why,
                at: now,
            });
            let theirs = self.clients.values();
            for client in theirs.filter(|client| client.session == Some(event.session)) {
                client.tell(|status| {
                    status.state = event.change.to;
                    status.since = now;
                    status.failures += u64::from(failure.is_some());
                    status.last_failure = failure.or(status.last_failure);
                });
            }
        }
        while let Some(transmit) = self.sessions.poll_transmit() {
            if let Some((sender, _)) = self.senders.get(&transmit.session) {
                // What cannot be sent is lost as if it were on its way: the neighbour notices.
                let _ = sender.send(&transmit.payload);
            }
        }
        if changed || now >= self.publish {
            self.publish(now);
        }
    }

    fn publish(&mut self, now: Instant) {
        self.publish = now + PUBLISH;
        // Sessions that have said their goodbye.
        self.senders
            .retain(|id, _| self.sessions.view(*id).is_some());
        let sessions = self.clients.iter().filter_map(|(peer, client)| {
            let view = self.sessions.view(client.session?)?;
            Some((peer.clone(), *view))
        });
        let published = Published {
            sessions: sessions.collect(),
            discards: *self.sessions.discards(),
        };
        *self.published.lock() = published;
    }
}

/// Clients and their sessions.
impl Task {
    fn want(&mut self, peer: PeerKey, wanted: Wanted, status: watch::Sender<Status>, now: Instant) {
        let same_path = |old: &Wanted| {
            let path = |wanted: &Wanted| {
                let Wanted {
                    hops,
                    local,
                    remote,
                    interface,
                    config: _,
                } = wanted;
                (*hops, *local, *remote, *interface)
            };
            path(old) == path(&wanted)
        };
        let old = self.clients.get(&peer);
        if old.is_some_and(|client| !same_path(&client.wanted)) {
            self.leave(&peer, now);
        }
        let session = self.clients.get(&peer).and_then(|client| client.session);
        let client = Client {
            wanted,
            status,
            session,
        };
        self.clients.insert(peer.clone(), client);
        match session {
            Some(session) => self.agree(session, now),
            None => self.open(&peer, now),
        }
    }

    fn leave(&mut self, peer: &PeerKey, now: Instant) {
        let session = self.clients.remove(peer).and_then(|client| client.session);
        if let Some(session) = session {
            self.agree(session, now);
        }
        let wanted: Vec<(Hops, bool)> = self.clients.values().map(kind).collect();
        self.receivers.retain(|kind, _| wanted.contains(kind));
    }

    /// Gives a session the parameters of all its clients together, or ends it for want of any.
    fn agree(&mut self, session: SessionId, now: Instant) {
        let clients = self.clients.values();
        let theirs = clients.filter(|client| client.session == Some(session));
        match together(theirs.map(|client| client.wanted.config)) {
            Some(config) => self.sessions.reconfigure(session, config, now),
            None => self.sessions.close(session, now),
        }
    }

    fn open(&mut self, peer: &PeerKey, now: Instant) {
        let Some(client) = self.clients.get(peer) else {
            return;
        };
        let kind = kind(client);
        let mut opened = || {
            if let std::collections::btree_map::Entry::Vacant(place) = self.receivers.entry(kind) {
                let receiver = Receiver::open(kind.0, kind.1).map_err(|error| {
                    format!("UDP port {} cannot be opened: {error}", kind.0.port())
                })?;
                place.insert(receiver);
            }
            let taken = |port| self.senders.values().any(|(_, other)| *other == port);
            Sender::open(&client.wanted, taken)
                .map_err(|error| format!("there is no way to the neighbour: {error}"))
        };
        let (sender, port) = match opened() {
            Ok(opened) => opened,
            Err(error) => {
                client.tell(|status| status.error = Some(error));
                self.retry.get_or_insert(now + RETRY);
                return;
            }
        };
        let path = path(&client.wanted, sender.local());
        let config = client.wanted.config;
        let session = match self.sessions.open(path, config, now) {
            Ok(session) => {
                self.senders.insert(session, (sender, port));
                session
            }
            // RFC 5882 §4.4: who wants a session with the same system shares it.
            Err(taken) => taken.0,
        };
        let view = self.sessions.view(session).copied();
        if let Some(client) = self.clients.get_mut(peer) {
            client.session = Some(session);
            client.tell(|status| {
                status.error = None;
                if let Some(view) = view {
                    (status.state, status.since) = (view.state, view.since);
                }
            });
        }
        self.agree(session, now);
        self.retry.get_or_insert(now + RETRY);
    }

    /// Clients without a session are tried again. Where the kernel chooses our address, it may choose another one by now: a session
    /// that is not Up moves there.
    fn retry(&mut self, now: Instant) {
        if self.retry.is_none_or(|retry| retry > now) {
            return;
        }
        self.retry = None;
        let peers: Vec<PeerKey> = self.clients.keys().cloned().collect();
        for peer in peers {
            let Some(client) = self.clients.get(&peer) else {
                continue;
            };
            let view = client
                .session
                .and_then(|session| self.sessions.view(session));
            let Some(view) = view else {
                self.open(&peer, now);
                continue;
            };
            if view.state == State::Up || client.wanted.local.is_some() {
                continue;
            }
            self.retry.get_or_insert(now + RETRY);
            let taken = |port| self.senders.values().any(|(_, other)| *other == port);
            let moved = Sender::open(&client.wanted, taken)
                .is_ok_and(|(sender, _)| sender.local() != view.path.local);
            if moved {
                let (wanted, status) = (client.wanted.clone(), client.status.clone());
                self.leave(&peer, now);
                self.want(peer, wanted, status, now);
            }
        }
    }
}

fn kind(client: &Client) -> (Hops, bool) {
    (client.wanted.hops, client.wanted.remote.is_ipv6())
}

fn path(wanted: &Wanted, local: IpAddr) -> Path {
    Path {
        hops: wanted.hops,
        local,
        remote: wanted.remote,
        interface: wanted.interface,
    }
}
