//! The kernel room's door: start, routers in and out, questions, stop.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering::SeqCst};
use std::time::{Duration, Instant};

use bgp_wire::{Family, FamilySet};
use ipnet::IpNet;
use parking_lot::Mutex;
use thiserror::Error;
use tokio::sync::watch;

use super::bell::Bell;
use super::engine::Engine;
use super::host::KernelFacts;
use super::kept_out::KeptOutNews;
use super::marks::Marks;
use super::model::{FibConfig, Ownership};
use super::monitor::Monitor;
use super::only_one::OnlyOne;
use super::report::{FibPage, FibRow, HopReport, Refused, RouterFibStatus};
use super::resolver::Resolver;
use super::source::FibSource;
use super::stats::KernelStats;
use super::strays::RemovedStrays;
use super::table::IpFamily;
use super::task::{Loop, RUN, STOP_KEEP, STOP_WITHDRAW, Shared};
use super::writer::Writer;
use crate::vital;

/// How the kernel room runs.
#[derive(Debug, Clone)]
pub struct KernelOptions {
    /// How often all that should be installed is compared with what is.
    pub audit_interval: Duration,
    /// Room for notifications that wait to be read, in bytes.
    pub monitor_buffer: usize,
    /// Folder for what must survive a restart: what our routes are marked with, so that those of routers
    /// that are gone are found.
    pub state_dir: Option<PathBuf>,
    /// Some router installs its routes, or may soon: without the right to write them there is no start. Where this is false and one
    /// comes all the same, its routes are refused one by one.
    pub installs: bool,
}

impl Default for KernelOptions {
    fn default() -> Self {
        Self {
            audit_interval: Duration::from_secs(60),
            monitor_buffer: 64 << 20,
            state_dir: None,
            installs: true,
        }
    }
}

/// Why the kernel room could not start.
#[derive(Debug, Error)]
pub enum KernelError {
    /// No netlink socket.
    #[error("the kernel refuses a netlink socket: {0}")]
    Socket(#[source] std::io::Error),
    /// Routes may not be written.
    #[error("routes cannot be written to the kernel: the capability CAP_NET_ADMIN is missing")]
    NotPermitted,
    /// There is another agent.
    #[error(
        "another cosmos writes the routes of this network namespace (`ss -xap | grep cosmos/routes` shows its process): stop it, or write its resources into one folder with these"
    )]
    Another,
    /// No thread.
    #[error("the kernel thread cannot be started: {0}")]
    Thread(#[source] std::io::Error),
}

/// Talks to the kernel room. Clones are the same room.
#[derive(Clone)]
pub struct KernelHandle {
    shared: Arc<Shared>,
    resolver: Arc<Resolver>,
    /// Leaf; taken when routers come, change or stop, never by the kernel thread.
    marks: Arc<Mutex<Marks>>,
    only_one: Arc<OnlyOne>,
    /// What routers are to install with that may not, as another agent writes here. Leaf.
    denied: Arc<Mutex<BTreeMap<Arc<str>, FibConfig>>>,
}

/// Starts the kernel room in the network namespace of the calling thread, and waits until the
/// kernel's tables have been read once.
pub async fn start(options: KernelOptions) -> Result<KernelHandle, KernelError> {
    let mut writer = Writer::open().map_err(KernelError::Socket)?;
    if options.installs {
        writer
            .check_right()
            .map_err(|error| match error.raw_os_error() {
                Some(libc::EPERM | libc::EACCES) => KernelError::NotPermitted,
                _ => KernelError::Socket(error),
            })?;
    }
    let marks = Marks::read(options.state_dir.as_deref());
    let only_one = OnlyOne::default();
    // Who installs nothing may have done so in an earlier run, and takes what that has left.
    let writes = options.installs || marks.known().next().is_some() && writer.check_right().is_ok();
    let is_only_one = writes && succeeds(&only_one).await.map_err(KernelError::Socket)?;
    if options.installs && !is_only_one {
        return Err(KernelError::Another);
    }
    let bell = Arc::new(Bell::new().map_err(KernelError::Thread)?);
    let rung = bell.clone();
    let resolver = Arc::new(Resolver::new(Arc::new(move || rung.ring())));
    let stats = Arc::new(KernelStats::default());
    let mut engine = Engine::new(resolver.clone(), stats.clone());
    // Beside another one routes with these marks are that one's.
    for owner in marks.known().filter(|_| is_only_one) {
        engine.claim(owner, Instant::now());
    }
    if options.installs && !marks.are_complete() {
        // Nobody has kept it in mind: what routes of ours carry unless told otherwise.
        engine.claim(Ownership::default(), Instant::now());
    }
    let shared = Arc::new(Shared {
        engine: Mutex::new(engine),
        bell,
        request: AtomicU8::new(RUN),
        stats,
        facts: watch::Sender::new(Arc::default()),
        ended: watch::Sender::new(false),
        others: watch::Sender::new(0),
        synced: watch::Sender::new(false),
    });
    let monitor =
        Monitor::open(writer.ports(), options.monitor_buffer).map_err(KernelError::Socket)?;
    let loop_shared = shared.clone();
    std::thread::Builder::new()
        .name("cosmos-kernel".to_owned())
        .spawn(move || {
            vital::run("kernel", || {
                Loop::new(loop_shared, writer, monitor, options.audit_interval).run();
            });
        })
        .map_err(KernelError::Thread)?;
    let mut synced = shared.synced.subscribe();
    // The sender lives in `shared`: waiting cannot fail.
    let _ = synced.wait_for(|s| *s).await;
    Ok(KernelHandle {
        shared,
        resolver,
        marks: Arc::new(Mutex::new(marks)),
        only_one: Arc::new(only_one),
        denied: Arc::default(),
    })
}

/// Claims the right to write routes; one that is just ending is waited for.
async fn succeeds(only_one: &OnlyOne) -> std::io::Result<bool> {
    for _ in 0..20 {
        if only_one.claim()? {
            return Ok(true);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    Ok(false)
}

impl KernelHandle {
    /// Links and addresses, as they are and as they change.
    pub fn facts(&self) -> watch::Receiver<Arc<KernelFacts>> {
        self.shared.facts.subscribe()
    }

    /// Rung when what others have in the tables has changed.
    pub fn others(&self) -> watch::Receiver<u64> {
        self.shared.others.subscribe()
    }

    /// The prefixes of others' routes in the main table that were configured (`configured`), or of all others that are not networks
    /// of links; in no order.
    pub fn redistributed(&self, configured: bool) -> Vec<IpNet> {
        self.resolver.table.read().redistributed(configured)
    }

    /// Answers how next hops are reached.
    pub fn resolver(&self) -> Arc<Resolver> {
        self.resolver.clone()
    }

    /// Reads this router's table from now on, and installs its best paths if `config` says so.
    pub fn add_router(&self, name: Arc<str>, source: Arc<dyn FibSource>, config: FibConfig) {
        let config = self.granted(&name, config);
        let rung = self.shared.bell.clone();
        let bell: Arc<dyn Fn() + Send + Sync> = Arc::new(move || rung.ring());
        self.shared
            .engine
            .lock()
            .add_router(name, source, config, bell, Instant::now());
        self.shared.bell.ring();
    }

    /// Another configuration for a router.
    pub fn change_router(&self, name: &str, config: FibConfig) {
        let config = self.granted(&name.into(), config);
        self.shared
            .engine
            .lock()
            .change_router(name, config, Instant::now());
        self.shared.bell.ring();
    }

    /// The configuration, unless another agent writes the routes here; and the marks of its routes are kept in mind.
    fn granted(&self, name: &Arc<str>, config: FibConfig) -> FibConfig {
        let is_denied = config.install
            && match self.only_one.claim() {
                Ok(granted) => !granted,
                Err(error) => {
                    tracing::error!(%error, "cannot tell whether another agent writes routes here");
                    false
                }
            };
        let install = config.install && !is_denied;
        if install {
            self.marks.lock().add(config.ownership);
        }
        let mut denied = self.denied.lock();
        if !is_denied {
            denied.remove(name);
        } else if denied.insert(name.clone(), config).is_none() {
            tracing::error!(router = %name, "no routes are written to the kernel: {}", KernelError::Another);
        }
        FibConfig { install, ..config }
    }

    /// Lets routers install that may now, as the other agent has gone.
    pub fn ask_again(&self) {
        let denied = self.denied.lock().clone();
        if denied.is_empty() || !matches!(self.only_one.claim(), Ok(true)) {
            return;
        }
        for (name, config) in denied {
            tracing::info!(router = %name, "routes are written to the kernel: no other agent does any more");
            self.change_router(&name, config);
        }
    }

    /// The router is gone; its routes go.
    pub fn remove_router(&self, name: &str) {
        self.denied.lock().remove(name);
        self.shared.engine.lock().remove_router(name);
        self.shared.bell.ring();
    }

    /// The neighbours whose sessions do not outlive their link: what would lead packets for them elsewhere is kept out.
    pub fn set_neighbours(&self, addresses: BTreeSet<IpAddr>) {
        self.shared.engine.lock().set_neighbours(addresses);
        self.shared.bell.ring();
    }

    /// The tables have converged: routes of an earlier run that nobody wants go now.
    pub fn converged(&self) {
        self.shared.engine.lock().set_converged();
        self.shared.bell.ring();
    }

    /// Writes nothing to the kernel from now on, or does again: what it has goes on forwarding meanwhile.
    pub fn hold(&self, held: bool) {
        self.shared.engine.lock().hold(held);
        self.shared.bell.ring();
    }

    /// The families with routes of ours that the kernel has.
    pub fn installed_families(&self) -> FamilySet {
        let families = self.shared.engine.lock().installed_families();
        let families = families.into_iter().map(|family| match family {
            IpFamily::V4 => Family::IPV4_UNICAST,
            IpFamily::V6 => Family::IPV6_UNICAST,
        });
        families.collect()
    }

    /// Whether all that is wanted and can be installed has been written.
    pub fn is_settled(&self) -> bool {
        self.shared.engine.lock().is_idle()
    }

    /// Counts of every router.
    pub fn status(&self) -> Vec<(Arc<str>, RouterFibStatus)> {
        let mut status = self.shared.engine.lock().status();
        let denied = self.denied.lock();
        for (name, status) in &mut status {
            let is_denied = denied.contains_key(name);
            status.denied = is_denied.then(|| KernelError::Another.to_string());
        }
        status
    }

    /// What the kernel refuses, by router and reason.
    pub fn refusals(&self) -> Vec<Refused> {
        self.shared.engine.lock().refusals()
    }

    /// What is to be told of routes that are kept out of the kernel, or no longer, compared with when this was asked last.
    pub fn kept_out_news(&self) -> KeptOutNews {
        self.shared.engine.lock().kept_out_news()
    }

    /// Routes with our marks that nobody wanted and that have gone since this was asked last.
    pub fn removed_strays(&self) -> Option<RemovedStrays> {
        self.shared.engine.lock().removed_strays()
    }

    /// A page of routes whose prefix `keep` accepts: of at most `budget` destinations from `cursor`
    /// (0, then what the page before gave) on, in no order.
    pub fn rows(&self, cursor: u32, budget: usize, keep: &dyn Fn(&IpNet) -> bool) -> FibPage {
        self.shared.engine.lock().rows(cursor, budget, keep)
    }

    /// What each router wants for exactly this prefix, and what became of it.
    pub fn explain(&self, prefix: IpNet) -> Vec<FibRow> {
        self.shared.engine.lock().explain(prefix)
    }

    /// The next hops of all tables, and how they are reached.
    pub fn next_hops(&self) -> Vec<HopReport> {
        self.shared.engine.lock().next_hops()
    }

    /// Forgets the marks that no router has any more and that no route of ours carries.
    pub fn forget_marks(&self) {
        let released = self.shared.engine.lock().released();
        if released.is_empty() {
            return;
        }
        let mut marks = self.marks.lock();
        // A router may have taken them again since.
        let engine = self.shared.engine.lock();
        let free = |owner: &Ownership| !engine.owns(*owner);
        let free: Vec<_> = released.into_iter().filter(free).collect();
        drop(engine);
        marks.forget(&free);
    }

    /// Writes the marks that could not be written, if it is time.
    pub fn retry_marks(&self, now: Instant) {
        self.marks.lock().retry(now);
    }

    /// Counters.
    pub fn stats(&self) -> Arc<KernelStats> {
        self.shared.stats.clone()
    }

    /// Stops; withdraws all our routes first unless `keep`.
    pub async fn stop(&self, keep: bool) {
        let request = if keep { STOP_KEEP } else { STOP_WITHDRAW };
        self.shared.request.store(request, SeqCst);
        self.shared.bell.ring();
        let mut ended = self.shared.ended.subscribe();
        // The sender lives in `shared`: waiting cannot fail.
        let _ = ended.wait_for(|e| *e).await;
        if !self.shared.engine.lock().has_installed() {
            self.marks.lock().clear();
        }
    }
}
