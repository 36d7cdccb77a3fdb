//! EDGE. The task of one peer: it waits, feeds the session machine, and carries out what the machine and the RIB say.
//!
//! ```text
//!   commands ──┐                                  ┌──> rib (Inbound: Adj-RIB-In of this peer)
//!   socket  ───┤                                  ├──> exporter task (join, leave, refresh)
//!   deadline ──┼──> wait ──> Woken ──> handle ──> settle ──> sockets
//!   queue bell ┤                                  └──> snapshot
//!   dialling ──┘
//! ```
//!
//! It lives as long as the peer is configured, across sessions, and is the only one to write the peer's Adj-RIB-In and
//! sockets. A turn reads at most [`READ_SIZE`](super::connection::READ_SIZE) bytes or takes at most [`OUTBOX_LOW`] bytes from the export queue, then
//! looks at deadlines and commands again: so keepalives stay on time whatever the tables do (docs/adr/0003).

use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bgp_session::{
    Action, ConnId, ConnectFailure, Helper, Negotiated, Peer, Restarted, State, StopReason,
};
use bgp_wire::{Family, FamilySet};
use bytes::BytesMut;
use parking_lot::Mutex;
use rib::{GroupKey, Inbound, MemberQueue, PeerIdx, Rib, TooManyPeers, Walk};
use tokio::io::Ready;
use tokio::net::TcpStream;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;

use super::connection::{Connection, leave, readiness};
use super::connector::{self, ConnectError};
use super::deferral::Deferral;
use super::doorbell::Doorbell;
use super::exporter_task::ExporterCommand;
use super::failures::FailureLog;
use super::malformed::MalformedLog;
use super::outbox::Outbox;
use super::prefix_limits::PrefixLimits;
use super::settings::Settings;
use super::signature;
use super::snapshot::{PeerSnapshot, SpeakerEvents};
use super::stats::SpeakerStats;
use super::tcp_options::set_ttl;
use crate::bfd::Bfd;
use crate::ndp::Hold;
use crate::seldom::Seldom;

mod changes;
mod events;
mod footing;
mod input;
mod limits;
mod next_hops;
mod path;
mod publish;
mod recovery;
mod restart;
mod route_targets;

use self::footing::Footing;
use self::path::Path;
use self::route_targets::Constraint;

/// More is taken from the export queue only when less than this waits for the socket.
const OUTBOX_LOW: usize = 128 * 1024;
/// Counters in snapshots are at most this old while something happens.
const SNAPSHOT_INTERVAL: Duration = Duration::from_millis(500);
/// How often a turn takes from the export queue and writes, or walks the table for a refresh, before it looks at commands and
/// deadlines again.
const ROUNDS: usize = 8;
/// Connections that may be writing their last words at a time; further ones end without.
const MOST_LEAVING: usize = 16;
/// What others may ask of a peer's task. Small: a channel has room for 32 of them from its start on, and there may be a
/// thousand channels.
#[derive(Debug)]
pub(crate) enum Command {
    /// The listener accepted a connection from the peer.
    Incoming(Box<TcpStream>),
    /// The configuration changed.
    Configure(Box<Settings>),
    /// Addresses or links of the node changed.
    Addresses,
    /// End, and say when done.
    Stop(Box<(StopReason, oneshot::Sender<()>)>),
}

/// What a task needs of its surroundings.
pub(super) struct Surroundings {
    pub(super) rib: Arc<Rib>,
    pub(super) exporter: mpsc::Sender<ExporterCommand>,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) snapshot: Arc<Mutex<PeerSnapshot>>,
    pub(super) events: SpeakerEvents,
    pub(super) stats: Arc<SpeakerStats>,
    pub(super) bfd: Bfd,
    pub(super) seed: u64,
    /// This process follows another one that had a session with the peer.
    pub(super) restarted: Option<Restarted>,
    /// Who is waited for after that.
    pub(super) deferral: Option<Arc<Deferral>>,
    pub(super) failures: FailureLog,
}

type Dialling = Pin<Box<dyn Future<Output = Result<TcpStream, ConnectError>> + Send + Sync>>;

/// The export side of an established session.
struct Exporting {
    connection: ConnId,
    queue: Arc<MemberQueue>,
    key: GroupKey,
}

pub(super) struct PeerTask {
    settings: Settings,
    peer: Peer,
    idx: PeerIdx,
    inbound: Inbound,
    rib: Arc<Rib>,
    exporter: mpsc::Sender<ExporterCommand>,
    commands: mpsc::Receiver<Command>,
    /// One that we made and one of the peer's; until the end of a turn also one whose place a newcomer took.
    connections: [Option<Connection>; 3],
    /// Connections that are over and write their last words.
    leaving: JoinSet<()>,
    dialling: Option<(ConnId, Dialling)>,
    exporting: Option<Exporting>,
    constraint: Option<Constraint>,
    negotiated: Option<Arc<Negotiated>>,
    /// While the session is established, its neighbour stays the one on the interface.
    hold: Option<Hold>,
    /// What the established session stands on.
    footing: Option<Footing>,
    /// The link that took the last session along.
    lost_link: Option<u32>,
    /// Families of the session for which we have no next hop of our own, and said so.
    no_next_hop: FamilySet,
    bfd: Bfd,
    path: Option<Path>,
    queue_bell: Doorbell,
    transmit: BytesMut,
    /// To be walked to their ends, in this order, before more is taken in.
    walks: VecDeque<Walk>,
    /// The peer's routes while it restarts.
    helper: Helper,
    deferral: Option<Arc<Deferral>>,
    malformed: MalformedLog,
    failures: FailureLog,
    dropped: Seldom,
    limits: PrefixLimits,
    /// The last turn left something to do.
    unfinished: bool,
    snapshot: Arc<Mutex<PeerSnapshot>>,
    events: SpeakerEvents,
    stats: Arc<SpeakerStats>,
    seed: u64,
    changed: bool,
    published: Instant,
    end_of_rib: Vec<Family>,
    /// Families whose routes are ignored until the session ends.
    disabled: FamilySet,
    /// Since when the session is in its state.
    since: Instant,
    last_established: Option<SystemTime>,
    last_update: Option<Instant>,
}

enum Woken {
    Command(Option<Command>),
    Path,
    Dialled(ConnId, Result<TcpStream, ConnectError>),
    Socket(usize, io::Result<Ready>),
    Queue,
    Unfinished,
    Deadline,
}

impl PeerTask {
    /// In a box: a future keeps what it begins with beside what it runs with.
    pub(super) fn new(settings: Settings, around: Surroundings) -> Result<Box<Self>, TooManyPeers> {
        let now = Instant::now();
        let idx = around.rib.add_peer(settings.peer_info(None))?;
        let mut peer = Peer::new(settings.session(), around.seed);
        if let Some(restarted) = around.restarted {
            peer.restarted(restarted);
        }
        Ok(Box::new(Self {
            inbound: Inbound::new(idx),
            settings,
            peer,
            idx,
            rib: around.rib,
            exporter: around.exporter,
            commands: around.commands,
            connections: [None, None, None],
            leaving: JoinSet::new(),
            dialling: None,
            exporting: None,
            constraint: None,
            negotiated: None,
            hold: None,
            footing: None,
            lost_link: None,
            no_next_hop: FamilySet::EMPTY,
            bfd: around.bfd,
            path: None,
            queue_bell: Doorbell::default(),
            transmit: BytesMut::new(),
            walks: VecDeque::new(),
            helper: Helper::default(),
            deferral: around.deferral,
            malformed: MalformedLog::default(),
            failures: around.failures,
            dropped: Seldom::default(),
            limits: PrefixLimits::default(),
            unfinished: false,
            snapshot: around.snapshot,
            events: around.events,
            stats: around.stats,
            seed: around.seed,
            changed: true,
            published: now,
            end_of_rib: Vec::new(),
            disabled: FamilySet::EMPTY,
            since: now,
            last_established: None,
            last_update: None,
        }))
    }

    /// The loop, until the task is to end.
    async fn turns(&mut self) {
        self.set_limits();
        self.peer.start(Instant::now());
        self.watch_path();
        self.settle().await;
        self.publish();
        loop {
            match self.wait().await {
                Woken::Command(None) => break self.farewell(StopReason::Deconfigured).await,
                Woken::Command(Some(Command::Stop(stop))) => {
                    let (why, done) = *stop;
                    self.farewell(why).await;
                    let _ = done.send(());
                    break;
                }
                Woken::Command(Some(Command::Incoming(stream))) => self.incoming(*stream),
                Woken::Command(Some(Command::Configure(settings))) => {
                    // Boxed: it is rare, and the task of each peer has room for the largest of what it waits for.
                    Box::pin(self.configure(*settings)).await;
                }
                Woken::Command(Some(Command::Addresses)) => self.addresses_changed().await,
                Woken::Path => self.path_changed(),
                Woken::Dialled(id, result) => self.dialled(id, result),
                Woken::Socket(slot, ready) => self.socket(slot, ready),
                Woken::Queue | Woken::Unfinished => {}
                Woken::Deadline => self.deadline(),
            }
            self.settle().await;
            self.tell_failure();
            if self.rib.wants_sweep() {
                self.rib.sweep();
            }
            // A socket that always has something to read would keep this thread for itself: reading it costs no budget.
            tokio::task::yield_now().await;
        }
    }

    /// Waits for the next thing to do. Everything awaited here is cancel-safe: a command stays in its channel,
    /// readiness stays with the socket, a ring stays with the bell, a status stays unseen, and the dialling future is only borrowed.
    async fn wait(&mut self) -> Woken {
        let deadline = self.next_deadline();
        let [first, second, third] = &self.connections;
        let wants_queue = self.exporting.is_some();
        tokio::select! {
            // In this order: who commands, and what is due, come before what is merely there.
            biased;
            command = self.commands.recv() => Woken::Command(command),
            () = path::changed(&mut self.path) => Woken::Path,
            () = sleep_until(deadline) => Woken::Deadline,
            (id, result) = dialled(&mut self.dialling) => Woken::Dialled(id, result),
            ready = readiness(first.as_ref()) => Woken::Socket(0, ready),
            ready = readiness(second.as_ref()) => Woken::Socket(1, ready),
            ready = readiness(third.as_ref()) => Woken::Socket(2, ready),
            () = self.queue_bell.rung(), if wants_queue => Woken::Queue,
            () = std::future::ready(()), if self.unfinished => Woken::Unfinished,
        }
    }

    fn next_deadline(&self) -> Option<Instant> {
        let publish = self.changed.then(|| self.published + SNAPSHOT_INTERVAL);
        let due = [
            self.peer.poll_timeout(),
            publish,
            self.constraint_due(),
            self.footing_due(),
            self.helper.poll_timeout(),
            self.limits.poll_timeout(),
            self.failures.poll_timeout(),
        ];
        due.into_iter().flatten().min()
    }

    fn deadline(&mut self) {
        let now = Instant::now();
        if self.peer.poll_timeout().is_some_and(|due| due <= now) {
            // What has arrived counts before what is due: a task that was kept waiting must not take a peer for dead
            // whose KEEPALIVE lies in the socket.
            self.read_all();
            self.peer.handle_timeout(now);
        }
        self.wait_no_longer(now);
        self.rested_from_limit(now);
        self.give_up_footing(now);
        self.failures.handle_timeout(now);
        if self.changed && now.duration_since(self.published) >= SNAPSHOT_INTERVAL {
            self.publish();
        }
    }

    fn incoming(&mut self, stream: TcpStream) {
        let now = Instant::now();
        let (Ok(local), Ok(remote)) = (stream.local_addr(), stream.peer_addr()) else {
            return;
        };
        if let Err(error) = set_ttl(&stream, remote.ip(), self.settings.ttl()) {
            tracing::warn!(%error, "cannot set the TTL");
            return;
        }
        let keys = self.settings.ao_keys();
        if let Err(error) = signature::follow(&stream, remote.ip(), keys, keys) {
            tracing::warn!(%error, "refused a connection: it is not signed with the keys of TCP-AO");
            return;
        }
        // An OPEN that has come already is heard before whoever came after it.
        self.read_all();
        let Some(id) = self.peer.handle_incoming(local, remote, now) else {
            // A rest is our own affair (RFC 4271 §8.1.1), which the state Idle keeps by refusing connections (§8.2.2). Who is told so in
            // so many words rests as well, and two that dial each other could go on missing each other for long.
            if self.peer.state() == State::Idle && self.peer.next_retry().is_some() {
                return;
            }
            // RFC 4486 §4: who is refused is told so.
            let mut words = BytesMut::new();
            self.peer.refusal().encode(&mut words);
            let mut outbox = Outbox::default();
            outbox.push(words.freeze());
            self.let_leave(stream, outbox);
            return;
        };
        match self.connections.iter_mut().find(|place| place.is_none()) {
            Some(place) => *place = Some(Connection::new(id, stream)),
            None => self.peer.handle_closed(id, now),
        }
    }

    fn dialled(&mut self, id: ConnId, result: Result<TcpStream, ConnectError>) {
        let now = Instant::now();
        let keys = self.settings.ao_keys();
        let result = result.and_then(|stream| {
            // They may have changed since the first segment, and so may the TTL.
            let remote = stream.peer_addr()?.ip();
            signature::follow(&stream, remote, keys, keys)?;
            set_ttl(&stream, remote, self.settings.ttl())?;
            Ok(stream)
        });
        let refused = match result {
            Ok(stream) => {
                let slot = self.connections.iter().position(Option::is_none);
                if let (Some(slot), Ok(local), Ok(remote)) =
                    (slot, stream.local_addr(), stream.peer_addr())
                {
                    self.connections[slot] = Some(Connection::new(id, stream));
                    self.peer.handle_connected(id, local, remote, now);
                    return;
                }
                ConnectFailure::Other
            }
            Err(error) => {
                tracing::debug!(%error, "cannot connect");
                self.cause(error.failure())
            }
        };
        self.peer.handle_connect_failed(id, refused, now);
    }

    /// Carries out what the machine wants, until it wants nothing more or the turn is over.
    async fn settle(&mut self) {
        self.unfinished = false;
        for _ in 0..ROUNDS {
            let mut idle = true;
            while let Some(id) = self.peer.poll_transmit(&mut self.transmit) {
                idle = false;
                let bytes = self.transmit.split().freeze();
                if let Some(connection) = self.connection(id) {
                    connection.outbox.push(bytes);
                }
            }
            while let Some(action) = self.peer.poll_action() {
                idle = false;
                self.act(action);
            }
            while let Some(event) = self.peer.poll_event() {
                idle = false;
                self.changed = true;
                self.event(event).await;
            }
            self.constrain().await;
            self.take_from_queue();
            if self.write() {
                idle = false;
            }
            if self.go_on().await {
                idle = false;
            }
            if idle {
                return;
            }
        }
        self.unfinished = true;
    }

    fn tell_failure(&mut self) {
        let errors = self.peer.last_errors();
        let Some(failure) = &errors.failure else {
            return;
        };
        let ended = errors.down.as_ref() == Some(failure);
        self.failures.note(failure, ended, Instant::now());
        self.will_not_come(&failure.what);
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Connect(id) => {
                self.dialling = Some((id, Box::pin(connector::connect(self.settings.dial()))));
            }
            Action::Close(id) => {
                if self
                    .dialling
                    .as_ref()
                    .is_some_and(|(dialling, _)| *dialling == id)
                {
                    self.dialling = None;
                }
                let place = self
                    .connections
                    .iter_mut()
                    .find(|place| place.as_ref().is_some_and(|connection| connection.id == id));
                if let Some(connection) = place.and_then(Option::take) {
                    self.let_leave(connection.stream, connection.outbox);
                }
            }
        }
    }

    /// Ends a connection with its last words.
    fn let_leave(&mut self, stream: TcpStream, outbox: Outbox) {
        while self.leaving.try_join_next().is_some() {}
        if self.leaving.len() < MOST_LEAVING {
            self.leaving.spawn(leave(stream, outbox));
        }
    }

    async fn tell_exporter(&self, command: ExporterCommand) {
        // The exporter outlives its peers; it is only gone when the whole router is.
        let _ = self.exporter.send(command).await;
    }

    fn connection(&mut self, id: ConnId) -> Option<&mut Connection> {
        self.connections
            .iter_mut()
            .flatten()
            .find(|connection| connection.id == id)
    }

    fn take_from_queue(&mut self) {
        let Some(exporting) = &self.exporting else {
            return;
        };
        let Some(connection) = self
            .connections
            .iter_mut()
            .flatten()
            .find(|connection| connection.id == exporting.connection)
        else {
            return;
        };
        let mut messages = 0;
        while connection.outbox.len() < OUTBOX_LOW {
            let Some(chunk) = exporting.queue.pop() else {
                break;
            };
            messages += u64::from(chunk.messages);
            connection.outbox.push(chunk.bytes);
        }
        if messages > 0 {
            self.peer.sent_update(messages, Instant::now());
            self.changed = true;
        }
    }

    /// Writes what the sockets take; true if the machine should be asked again.
    fn write(&mut self) -> bool {
        let now = Instant::now();
        let mut again = false;
        for slot in 0..self.connections.len() {
            let Some(connection) = self.connections[slot].as_mut() else {
                continue;
            };
            let id = connection.id;
            if connection.outbox.is_empty() {
                continue;
            }
            match connection.outbox.flush(&connection.stream) {
                Ok(flushed) => {
                    if flushed.written > 0 {
                        self.peer.sent_bytes();
                        again |= self.exporting.is_some() && !flushed.blocked;
                    }
                    if flushed.blocked {
                        self.peer.write_blocked(now);
                    }
                }
                Err(error) => {
                    tracing::debug!(%error, "cannot write");
                    self.connections[slot] = None;
                    self.peer.handle_closed(id, now);
                    again = true;
                }
            }
        }
        again
    }

    async fn farewell(&mut self, why: StopReason) {
        // The whole process ends, and its tables with it.
        let restart = matches!(why, StopReason::Restart(_));
        // The peer is told that BFD ends by our wish before the session does. Where it is to keep our routes, it learns of the end of the
        // session first: to some, such as FRR 8.4, the end of BFD is that of the routes otherwise.
        if !restart {
            self.path = None;
        }
        self.peer.stop(why, Instant::now());
        if restart {
            self.say_last_words();
        } else {
            self.settle().await;
        }
        while self.leaving.join_next().await.is_some() {}
        if !restart {
            self.forget().await;
        }
        if let Some(deferral) = &self.deferral {
            deferral.done(&self.settings.peer().key);
        }
        self.rib.remove_peer(self.idx);
        self.publish();
    }
}

async fn dialled(
    dialling: &mut Option<(ConnId, Dialling)>,
) -> (ConnId, Result<TcpStream, ConnectError>) {
    let Some((id, future)) = dialling else {
        return std::future::pending().await;
    };
    let result = future.as_mut().await;
    let id = *id;
    *dialling = None;
    (id, result)
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline.into()).await,
        None => std::future::pending().await,
    }
}
