//! The speaker: routers with their tables, the tasks of their peers, the listeners, what is originated.
//!
//! [`Speaker::apply`] carries out one [`Change`] at a time. It owns the handles of all tasks and decides nothing: what a
//! change of a peer costs is the session machine's to say, what a route is worth the RIB's.

mod connection;
mod connector;
mod deferral;
mod doorbell;
mod dynamic;
mod exporter_task;
mod failures;
mod guests;
mod listener;
mod malformed;
mod originate;
mod outbox;
mod own_restart;
mod peer_task;
mod ports;
mod predecessor;
mod prefix_limits;
mod range_guests;
mod settings;
mod signature;
mod snapshot;
mod start;
mod stats;
mod tcp_ao;
mod tcp_options;
mod unnumbered;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bgp_session::{Restarted, StopReason};
use bgp_wire::{Notification, codes};
use parking_lot::Mutex;
use rib::decision::DecisionConfig;
use rib::{NextHopResolver, Rib, RibConfig, Selection};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

use self::deferral::Deferral;
pub use self::doorbell::Doorbell;
use self::dynamic::{DynamicCommand, RunningDynamic};
pub use self::dynamic::{DynamicSession, DynamicSessions, DynamicSnapshot, Ended};
use self::exporter_task::{ExporterCommand, ExporterTask};
use self::failures::FailureLog;
pub use self::guests::AdmitError;
use self::guests::Remote;
use self::listener::Listener;
use self::originate::Originated;
use self::peer_task::Command;
pub use self::ports::SpeakerError;
pub use self::predecessor::Predecessor;
pub use self::prefix_limits::LimitStatus;
pub use self::settings::{AddressBook, Settings, SharedLink};
pub use self::snapshot::{
    FamilySnapshot, PeerSnapshot, RouterSnapshot, SpeakerEvents, SpeakerSnapshot, wall_clock,
};
use self::start::{Started, Starter, next_seed};
pub use self::stats::SpeakerStats;
pub use self::tcp_ao::{KeysInUse, missing as missing_ao};
use crate::bfd::Bfd;
use crate::desired::{
    Change, DynamicNeighbors, Origination, OriginationKey, Peer, PeerKey, Router, RouterKey,
};
use crate::ndp::{Discovery, Watch};
use crate::vital;

/// Joins and leaves that may wait for an exporter; peers wait beyond that, which costs them nothing but time.
const EXPORTER_COMMANDS: usize = 256;
/// Destinations that are chosen in anew before others get a turn.
const SELECT_BUDGET: usize = 16 * 1024;
/// How long all peers together may take to say goodbye.
const STOP_LIMIT: Duration = Duration::from_secs(2);

/// See the top of this file.
pub struct Speaker {
    routers: BTreeMap<RouterKey, RunningRouter>,
    peers: BTreeMap<PeerKey, RunningPeer>,
    dynamic: BTreeMap<PeerKey, RunningDynamic>,
    originations: BTreeMap<OriginationKey, Originated>,
    listeners: BTreeMap<u16, Listener>,
    /// When a port that could not be opened was tried last.
    retried: Option<Instant>,
    resolver: Arc<dyn NextHopResolver>,
    addresses: Arc<dyn AddressBook>,
    events: SpeakerEvents,
    stats: Arc<SpeakerStats>,
    bfd: Bfd,
    /// Who is on the links that peers name.
    discovery: Discovery,
    seed: u64,
    /// The number of the newest advertisement, which tells its paths from those of others.
    originators: u32,
    /// The process that this one is a restart of.
    predecessor: Option<Predecessor>,
    /// Peers that are ending, until they have.
    goodbyes: JoinSet<()>,
}

struct RunningRouter {
    config: Arc<Router>,
    rib: Arc<Rib>,
    exporter: mpsc::Sender<ExporterCommand>,
    task: JoinHandle<()>,
    /// The port that it is on: what is configured, or what was, while that cannot be opened.
    port: Option<u16>,
    /// Why the configured port is not open.
    listen_error: Option<String>,
    /// Who is waited for, after a restart.
    deferral: Option<Arc<Deferral>>,
}

struct RunningPeer {
    config: Arc<Peer>,
    /// Of a peer that is known by its interface: who is there.
    watch: Option<Watch>,
    /// Where it is, once that is known.
    remote: Option<Remote>,
    commands: mpsc::Sender<Command>,
    snapshot: Arc<Mutex<PeerSnapshot>>,
    /// The port on which the peer is let in.
    port: Option<u16>,
    /// It had a session with the process before this one.
    restarted: Option<Restarted>,
    task: JoinHandle<()>,
}

impl Speaker {
    /// A speaker without routers. `seed` makes the jitter of this node's timers its own.
    pub fn new(
        resolver: Arc<dyn NextHopResolver>,
        addresses: Arc<dyn AddressBook>,
        seed: u64,
    ) -> Self {
        let links = Arc::clone(&addresses);
        let discovery = Discovery::new(Arc::new(move |name| links.link_named(name)), seed);
        Self {
            routers: BTreeMap::new(),
            peers: BTreeMap::new(),
            dynamic: BTreeMap::new(),
            originations: BTreeMap::new(),
            listeners: BTreeMap::new(),
            retried: None,
            resolver,
            addresses,
            events: SpeakerEvents::default(),
            stats: Arc::default(),
            bfd: Bfd::default(),
            discovery,
            seed,
            originators: 0,
            predecessor: None,
            goodbyes: JoinSet::new(),
        }
    }

    /// Rung at every change that a status speaks of.
    pub fn events(&self) -> SpeakerEvents {
        self.events.clone()
    }

    /// How much is done at a time, and how fast.
    pub fn stats(&self) -> Arc<SpeakerStats> {
        Arc::clone(&self.stats)
    }

    /// The BFD of the peers.
    pub fn bfd(&self) -> Bfd {
        self.bfd.clone()
    }

    /// Connections from addresses that no peer has.
    pub fn connections_refused() -> u64 {
        listener::REFUSED.load(Ordering::Relaxed)
    }

    /// Carries out one change. An error concerns the listener of a router, is kept for its status too, and does not
    /// keep the rest of the router from working.
    pub async fn apply(&mut self, change: Change) -> Result<(), SpeakerError> {
        // Peers that go one after the other end at the same time; what comes next may be about their neighbours or their router.
        if !matches!(change, Change::PeerRemoved(_) | Change::DynamicRemoved(_)) {
            self.goodbyes().await;
        }
        match change {
            Change::RouterAdded(router) => self.add_router(router),
            Change::RouterChanged { old, new } => self.change_router(&old, new).await,
            Change::RouterRemoved(key) => self.remove_router(&key).await,
            Change::PeerAdded(peer) => self.add_peer(peer),
            Change::PeerChanged { old, new } => self.change_peer(&old, new).await,
            Change::PeerRemoved(key) => self.end(vec![key], &StopReason::Deconfigured),
            Change::DynamicAdded(new) => self.add_dynamic(*new),
            Change::DynamicChanged { new, .. } => self.change_dynamic(*new).await,
            Change::DynamicRemoved(key) => {
                self.end_dynamic(vec![key], &StopReason::Deconfigured);
            }
            Change::OriginationAdded(origination) => self.originate(origination),
            Change::OriginationChanged { new, .. } => self.originate(new),
            Change::OriginationRemoved(key) => self.withdraw(&key),
        }
        self.open_listeners()
    }

    /// Addresses or links of the node changed: next hops of ours may be others, and peers be reached that were not.
    pub async fn addresses_changed(&mut self) {
        self.look_for_prefixes();
        for peer in self.peers.values() {
            // A task that is gone is being removed.
            let _ = peer.commands.send(Command::Addresses).await;
        }
        for running in self.dynamic.values() {
            let _ = running.commands.send(DynamicCommand::Addresses).await;
        }
        // After them: a session that ends with its link is to say so, and not that its neighbour is gone.
        self.discovery.links_changed();
    }

    /// What runs.
    pub fn snapshot(&self) -> SpeakerSnapshot {
        SpeakerSnapshot {
            routers: self
                .routers
                .iter()
                .map(|(key, router)| {
                    let originated = self
                        .originations
                        .iter()
                        .filter(|(origination, _)| origination.router == *key)
                        .map(|(_, originated)| u64::from(originated.count()))
                        .sum();
                    let snapshot = RouterSnapshot {
                        config: Arc::clone(&router.config),
                        rib: Arc::clone(&router.rib),
                        port: router.port,
                        listen_error: router.listen_error.clone(),
                        originated,
                    };
                    (key.clone(), snapshot)
                })
                .collect(),
            peers: self
                .peers
                .iter()
                .map(|(key, peer)| (key.clone(), Arc::clone(&peer.snapshot)))
                .collect(),
            dynamic: self
                .dynamic
                .iter()
                .map(|(key, running)| (key.clone(), Arc::clone(&running.sessions)))
                .collect(),
            originations: self
                .originations
                .iter()
                .map(|(key, originated)| (key.clone(), Arc::clone(originated.running())))
                .collect(),
        }
    }

    /// A running router.
    pub fn rib(&self, key: &RouterKey) -> Option<&Arc<Rib>> {
        self.routers.get(key).map(|router| &router.rib)
    }

    /// Ends all sessions with Cease/Administrative Shutdown and this text, and waits until they are gone (at most two
    /// seconds).
    pub async fn stop(&mut self, text: &str) {
        self.stop_for(&StopReason::Shutdown(text.to_owned())).await;
    }

    /// Ends all sessions in the same time, for a restart: those with graceful restart without a word.
    pub async fn stop_to_restart(&mut self, text: &str) {
        self.stop_for(&StopReason::Restart(text.to_owned())).await;
    }

    async fn stop_for(&mut self, why: &StopReason) {
        let peers = self.peers.keys().cloned().collect();
        self.end(peers, why);
        self.end_dynamic(self.dynamic.keys().cloned().collect(), why);
        if !self.goodbyes().await {
            tracing::warn!("some peers did not take our goodbye in time");
        }
        self.bfd.stop();
        self.listeners.clear();
    }

    /// Has all these peers say goodbye at the same time; [`Self::goodbyes`] waits for them.
    fn end(&mut self, keys: Vec<PeerKey>, why: &StopReason) {
        for key in keys {
            let Some(peer) = self.peers.remove(&key) else {
                continue;
            };
            self.dismiss(&peer);
            let why = why.clone();
            self.goodbyes.spawn(async move {
                let (done, gone) = oneshot::channel();
                if peer
                    .commands
                    .send(Command::Stop(Box::new((why, done))))
                    .await
                    .is_ok()
                {
                    let _ = gone.await;
                }
            });
        }
    }

    /// Waits for those that are ending. False if some needed too long: their tasks go on, as their routes leave the tables with
    /// them, however many they are.
    async fn goodbyes(&mut self) -> bool {
        let all = async { while self.goodbyes.join_next().await.is_some() {} };
        let in_time = tokio::time::timeout(STOP_LIMIT, all).await.is_ok();
        self.goodbyes.detach_all();
        in_time
    }

    fn add_router(&mut self, router: Router) {
        let key = router.key.clone();
        let rib = Arc::new(Rib::new(rib_config(&router, Arc::clone(&self.resolver))));
        originate::ask_for_everything(&router, &rib);
        let (commands, receiver) = mpsc::channel(EXPORTER_COMMANDS);
        let deferral = self.defer(&router);
        let over = deferral.as_ref().map(|deferral| deferral.over());
        let task = ExporterTask::new(Arc::clone(&rib), receiver, Arc::clone(&self.stats), over);
        let task = vital::spawn(format!("exporter of router {key}"), task.run());
        tracing::info!(router = %key, asn = router.local_as.0, router_id = %router.router_id, "router started");
        let running = RunningRouter {
            config: Arc::new(router),
            rib,
            exporter: commands,
            task,
            port: None,
            listen_error: None,
            deferral,
        };
        self.routers.insert(key, running);
    }

    /// A router whose identity changed starts over; anything else is applied to what runs.
    async fn change_router(&mut self, old: &Router, new: Router) {
        let key = new.key.clone();
        if needs_new_tables(old, &new) {
            let peers: Vec<Arc<Peer>> = self
                .peers
                .iter()
                .filter(|(peer, _)| peer.router == key)
                .map(|(_, peer)| peer.config.clone())
                .collect();
            let dynamic: Vec<DynamicNeighbors> = self
                .dynamic
                .values()
                .filter(|running| running.config.key.router == key)
                .map(|running| DynamicNeighbors::clone(&running.config))
                .collect();
            let originations: Vec<Origination> = self
                .originations
                .iter()
                .filter(|(origination, _)| origination.router == key)
                .map(|(_, originated)| Origination::clone(originated.config()))
                .collect();
            // RFC 4486 §4: it is back in a moment.
            let changed = Notification::cease(codes::cease::CONFIGURATION_CHANGE);
            let port = self.routers.get(&key).and_then(|running| running.port);
            self.end_router(&key, &StopReason::Fault(changed)).await;
            self.add_router(new);
            if let Some(running) = self.routers.get_mut(&key) {
                running.port = port;
            }
            for origination in originations {
                self.originate(origination);
            }
            for peer in peers {
                self.add_peer(peer);
            }
            for neighbors in dynamic {
                self.add_dynamic(neighbors);
            }
            return;
        }
        let Some(running) = self.routers.get_mut(&key) else {
            return self.add_router(new);
        };
        running.config = Arc::new(new);
        running.listen_error = None;
        originate::ask_for_everything(&running.config, &running.rib);
        if selection(&running.config) != running.rib.selection() {
            let mut walk = running.rib.select_by(selection(&running.config));
            while !walk.step(&running.rib, SELECT_BUDGET) {
                tokio::task::yield_now().await;
            }
        }
        let router = Arc::clone(&running.config);
        for (_, peer) in self.peers.iter().filter(|(peer, _)| peer.router == key) {
            let settings = Settings::new(
                peer.config.clone(),
                Arc::clone(&router),
                Arc::clone(&self.addresses),
            )
            .seen(peer.watch.as_ref());
            let _ = peer
                .commands
                .send(Command::Configure(Box::new(settings)))
                .await;
        }
        self.router_of_dynamic_changed(&router).await;
    }

    async fn remove_router(&mut self, key: &RouterKey) {
        self.end_router(key, &StopReason::Deconfigured).await;
    }

    async fn end_router(&mut self, key: &RouterKey, why: &StopReason) {
        let peers: Vec<_> = self
            .peers
            .keys()
            .filter(|peer| peer.router == *key)
            .cloned()
            .collect();
        self.end(peers, why);
        self.end_dynamic(self.dynamic_of(key), why);
        self.goodbyes().await;
        self.originations
            .retain(|origination, _| origination.router != *key);
        if let Some(router) = self.routers.remove(key) {
            router.task.abort();
            tracing::info!(router = %key, "router stopped");
        }
    }

    fn add_peer(&mut self, peer: Arc<Peer>) {
        let Some(router) = self.routers.get(&peer.key.router) else {
            // diff() orders routers before their peers.
            tracing::error!(peer = %peer.key, "peer without a router");
            return;
        };
        let watch = self.watch(&peer);
        let settings = Settings::new(
            peer.clone(),
            Arc::clone(&router.config),
            Arc::clone(&self.addresses),
        )
        .seen(watch.as_ref());
        let remote = settings.remote();
        let restarted = self
            .predecessor
            .as_ref()
            .and_then(|predecessor| predecessor.restarted(&settings, Instant::now()));
        if let (Some(deferral), Some(_)) = (&router.deferral, restarted)
            && settings.keeps_stale_routes()
        {
            deferral.wait_for(&peer.key);
        }
        let Some(starter) = self.starter(&peer.key.router) else {
            return;
        };
        self.seed = next_seed(self.seed);
        let started = starter.start(settings, restarted, FailureLog::default(), self.seed);
        let Started {
            commands,
            snapshot,
            task,
        } = match started {
            Ok(started) => started,
            Err(error) => {
                tracing::error!(peer = %peer.key, %error, "cannot start the peer");
                return;
            }
        };
        let key = peer.key.clone();
        let running = RunningPeer {
            config: peer,
            watch,
            remote,
            commands,
            snapshot,
            port: None,
            restarted,
            task,
        };
        self.peers.insert(key, running);
    }

    /// What starts the peers of a router.
    fn starter(&self, router: &RouterKey) -> Option<Starter> {
        let router = self.routers.get(router)?;
        Some(Starter {
            rib: Arc::clone(&router.rib),
            exporter: router.exporter.clone(),
            events: self.events.clone(),
            stats: Arc::clone(&self.stats),
            bfd: self.bfd.clone(),
            deferral: router.deferral.clone(),
        })
    }

    async fn change_peer(&mut self, old: &Peer, new: Arc<Peer>) {
        let key = new.key.clone();
        let Some(router) = self.routers.get(&key.router).map(|r| Arc::clone(&r.config)) else {
            return;
        };
        let Some(running) = self.peers.get_mut(&key) else {
            return self.add_peer(new);
        };
        if old.interface != new.interface {
            let interface = new.interface.as_ref();
            running.watch = interface.map(|interface| self.discovery.watch(interface));
        }
        let settings = Settings::new(new.clone(), router, Arc::clone(&self.addresses))
            .seen(running.watch.as_ref());
        let before = std::mem::replace(&mut running.remote, settings.remote());
        let listener = running.port.and_then(|port| self.listeners.get(&port));
        if let (Some(listener), Some(remote)) = (listener, before) {
            let where_it_was = before == running.remote && old.local_address == new.local_address;
            // While it stays let in, there is no moment in which the socket knows nothing of it.
            let wanted = new.authentication.as_ref();
            let stays = where_it_was
                && (old.authentication == new.authentication
                    || listener.protect(remote, wanted, &running.commands).is_ok());
            if !stays {
                // Nobody is let in otherwise than as is wanted. It is let in anew by `open_listeners`, or told there why not.
                running.port = None;
                listener.dismiss(remote, &running.commands);
            }
        }
        running.config = new;
        let _ = running
            .commands
            .send(Command::Configure(Box::new(settings)))
            .await;
    }

    fn dismiss(&self, peer: &RunningPeer) {
        let listener = peer.port.and_then(|port| self.listeners.get(&port));
        if let (Some(listener), Some(remote)) = (listener, peer.remote) {
            listener.dismiss(remote, &peer.commands);
        }
    }
}

impl Drop for Speaker {
    fn drop(&mut self) {
        for peer in self.peers.values() {
            peer.task.abort();
        }
        for router in self.routers.values() {
            router.task.abort();
        }
    }
}

/// Whether tables and sessions built for `old` are of no use to `new`.
fn needs_new_tables(old: &Router, new: &Router) -> bool {
    old.local_as != new.local_as
        || old.router_id != new.router_id
        || old.cluster_id != new.cluster_id
}

fn selection(router: &Router) -> Selection {
    Selection {
        decision: DecisionConfig {
            always_compare_med: router.decision.always_compare_med,
            compare_router_id: router.decision.compare_router_id,
        },
        max_paths: router.max_paths,
        require_reachable: router.require_reachable_next_hop,
    }
}

fn rib_config(router: &Router, next_hops: Arc<dyn NextHopResolver>) -> RibConfig {
    RibConfig {
        shards: std::thread::available_parallelism().map_or(1, usize::from),
        local_as: router.local_as,
        router_id: router.router_id,
        cluster_id: router.cluster_id,
        selection: selection(router),
        next_hops,
    }
}
