//! The only file that starts top-level tasks, and stops them in order. It wires and decides nothing.
//!
//! ```text
//!   directory ──SourceUpdate──> apply: build, diff ──Change──> speaker
//!                                                 └─────────> kernel
//!   speaker, kernel ──events──> statuses ──> StatusMemory <── control socket (`get`)
//!   Agent (views.rs) <── control socket (`show`, `explain`), /metrics, /readyz
//! ```

mod accepted;
mod agent;
mod convergence;
mod fib;
mod former_objects;
mod hangup;
mod kept_out;
mod memory;
mod peer_view;
mod refused;
mod repaired;
mod tables;
mod told;
mod unmet;

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bgp_wire::FamilySet;
use rib::Rib;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

use self::accepted::AcceptedFile;
use self::agent::Agent;
use self::convergence::Convergence;
use self::former_objects::FormerObjects;
use self::hangup::hangup;
use self::kept_out::ToldKeptOut;
use self::memory::Memory;
use self::refused::ToldRefused;
use self::repaired::ToldRepaired;
use self::told::Told;
use self::unmet::{Ran, ran, unmet};
use crate::allocator;
use crate::args::RunArgs;
use crate::control::server::ControlSocket;
use crate::desired::{
    Change, Consequence, Desired, Host, InEffect, Objects, Router, RouterKey, diff, stranger,
};
use crate::kernel::{self, KernelHandle, KernelOptions, RibSource};
use crate::mapped_code;
use crate::observe::heartbeat::Hearts;
use crate::observe::http::{Http, Observed};
use crate::source::directory::{Directory, SourceUpdate};
use crate::speaker::{Speaker, SpeakerError, SpeakerEvents, missing_ao};
use crate::state_file;
use crate::vital;

/// Statuses are made at most this often.
const STATUS_DEBOUNCE: Duration = Duration::from_millis(100);
/// Between two times that the sessions are kept in mind, while they come and go.
const MEMORY_PAUSE: Duration = Duration::from_millis(20);
/// How often the main loop shows that it turns, and looks whether the node has converged.
const TICK: Duration = Duration::from_secs(1);
/// A main loop that pauses for longer than this is stuck.
const LONGEST_PAUSE: Duration = Duration::from_secs(30);
/// What peers are told when the agent stops.
const FAREWELL: &str = "agent stopped";

/// Runs the agent until it is told to stop.
pub fn run(args: RunArgs) -> anyhow::Result<()> {
    crate::observe::logging::init(args.log_level.as_deref(), args.log_format)?;
    let ended = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .and_then(|runtime| runtime.block_on(serve(args)));
    crate::observe::logging::finish();
    ended.map_err(|error| anyhow::Error::msg(once(&error)))
}

/// An error with its causes, of which many name theirs themselves: each is said once.
fn once(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

/// Makes the state directory, and keeps other agents out of it while the result is held. One that cannot be written, as its disk is
/// full, keeps nobody from running: what is lost with it is said where it is missed.
fn claim(folder: &Path) -> anyhow::Result<Option<File>> {
    let dir = folder.display();
    std::fs::create_dir_all(folder)
        .with_context(|| format!("cannot make the state directory {dir}"))?;
    match state_file::claim(folder) {
        Ok(Some(claim)) => Ok(Some(claim)),
        Ok(None) => bail!(
            "another agent uses the state directory {dir}; give this one its own with --state-dir"
        ),
        Err(error) => {
            tracing::warn!(%error, "cannot keep other agents out of the state directory {dir}");
            Ok(None)
        }
    }
}

async fn serve(args: RunArgs) -> anyhow::Result<()> {
    let start = Instant::now();
    let node = args
        .node_name()
        .context("cannot read the host name; name the node with --node")?;
    let mut former_objects = FormerObjects::new(args.state_dir.as_deref());
    let former = former_objects.read();
    let known = former.as_deref().unwrap_or_default();
    let directory = Directory::start(&args.manifests, known)?;
    let mut updates = directory.updates();
    let first = updates.borrow_and_update().clone();
    let mut told = Told::default();
    // What is wrong in a file may be why no router is for this node.
    told.tell(&first, &[]);
    convergence::warn_of_gone(known, &first.objects);
    check_node(&first.objects, &node, &args)?;
    let control = ControlSocket::bind(&args.socket)?;
    let http = Http::bind(args.metrics_addr, args.health_addr).await?;
    let _claim = args.state_dir.as_deref().map(claim).transpose()?;
    let accepted = AcceptedFile::read(args.state_dir.as_deref());
    let host = Host {
        without_ao: missing_ao(),
    };
    let ran = ran(former.as_deref(), accepted.known());
    let former = former.into_iter().flatten().map(|former| former.object);
    let in_effect =
        InEffect::on(host)
            .after(accepted.known().clone())
            .resume(former, &first.objects, &node);
    let kernel = kernel::start(KernelOptions {
        state_dir: args.state_dir.clone(),
        installs: installs(in_effect.clone(), &first.objects, &node),
        ..KernelOptions::default()
    })
    .await?;

    let memory = Memory::new(args.state_dir.as_deref());
    let mut speaker = Speaker::new(
        kernel.resolver(),
        Arc::new(fib::Addresses::new(kernel.clone())),
        seed(&node),
    );
    let in_kernel = kernel.installed_families();
    if let Some(predecessor) = memory.predecessor(in_kernel, start) {
        kernel.hold(true);
        speaker.follow(predecessor);
    }
    let agent = Arc::new(Agent::new(
        node.clone(),
        start,
        kernel.clone(),
        speaker.stats(),
        speaker.bfd(),
    ));
    let hearts = Hearts::new(start);
    let observed = Observed::new(Arc::clone(&agent) as _, Arc::clone(&hearts), {
        let agent = Arc::clone(&agent);
        let timeout = args.convergence_timeout;
        move || agent.facts(timeout)
    });
    let control = vital::spawn("control socket", control.serve(Arc::clone(&agent) as _));
    let http = vital::spawn("HTTP server", http.serve(Arc::clone(&observed)));

    let mut node = Node {
        speaker,
        kernel,
        agent,
        name: node,
        desired: Desired::default(),
        in_effect,
        accepted,
        former_objects,
        ran,
        memory,
        in_kernel_families: in_kernel,
        told,
        on_links: BTreeSet::new(),
        in_kernel: BTreeMap::new(),
        manifests: args.manifests.clone(),
        idle: false,
        refused: BTreeSet::new(),
    };
    let outcome = node.turn(updates, first, &observed, &hearts).await;

    node.agent.stopping();
    // Who ends with an error is started again: until then forwarding goes on, as after a crash.
    if node.is_restartable() {
        // Neighbours keep our routes for a while, and the kernel forwards for us: nobody is told that this process ends.
        node.kernel.stop(true).await;
        node.remember();
        node.speaker.stop_to_restart(FAREWELL).await;
    } else if args.keep_routes_on_stop || outcome.is_err() {
        // The kernel's reader first: the end of the sessions must not take the routes away.
        node.kernel.stop(true).await;
        node.speaker.stop(FAREWELL).await;
    } else {
        // Peers first, so that neighbours stop sending traffic while the routes are still there.
        node.speaker.stop(FAREWELL).await;
        node.kernel.stop(false).await;
        node.memory.forget();
    }
    control.abort();
    http.abort();
    tracing::info!("stopped");
    outcome
}

/// What a port that cannot be opened means.
#[derive(Clone, Copy, PartialEq)]
enum OnError {
    End,
    GoOn,
}

/// What runs on this node.
struct Node {
    speaker: Speaker,
    kernel: KernelHandle,
    agent: Arc<Agent>,
    name: String,
    desired: Desired,
    in_effect: InEffect,
    accepted: AcceptedFile,
    former_objects: FormerObjects,
    /// What the process before this one ran.
    ran: Ran,
    memory: Memory,
    /// The families with routes of ours in the kernel.
    in_kernel_families: FamilySet,
    told: Told,
    /// The neighbours that the kernel room keeps reachable.
    on_links: BTreeSet<IpAddr>,
    /// The tables that the kernel room reads.
    in_kernel: BTreeMap<RouterKey, Arc<Rib>>,
    manifests: PathBuf,
    /// There is no router to run, and the log has said so.
    idle: bool,
    /// What is refused, by name.
    refused: BTreeSet<String>,
}

impl Node {
    /// The main loop, until a signal.
    async fn turn(
        &mut self,
        mut updates: watch::Receiver<SourceUpdate>,
        first: SourceUpdate,
        observed: &Observed,
        hearts: &Arc<Hearts>,
    ) -> anyhow::Result<()> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let mut hangup = hangup()?;
        let heart = hearts.register("main", LONGEST_PAUSE, Instant::now());
        let mut tick = tokio::time::interval(TICK);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Skip);
        let events = self.speaker.events();
        let mut convergence = Convergence::default();
        let mut kernel_counts = Vec::new();
        let mut told_refused = ToldRefused::default();
        let mut told_kept_out = ToldKeptOut::default();
        let mut told_repaired = ToldRepaired::default();
        let mut facts = self.kernel.facts();
        let mut others = self.kernel.others();
        let neighbours = self.speaker.discovery();

        // What cannot be had at the start is worth an end with one clear line; later it is worth a status.
        if let Some(error) = self.apply(&first, OnError::End).await {
            return Err(error.into());
        }
        self.follow_neighbours();
        self.agent.write_statuses(&self.desired);
        self.warn_of_forgetting();
        let (started, kernel) = (self.speaker.started(), self.kernel.clone());
        tokio::spawn(async move {
            started.await;
            kernel.hold(false);
        });
        loop {
            // All cancel-safe: watch, notify, signals and interval keep what is not taken.
            tokio::select! {
                changed = updates.changed() => {
                    changed.context("the manifests are no longer followed")?;
                    let update = updates.borrow_and_update().clone();
                    if let Some(error) = self.apply(&update, OnError::GoOn).await {
                        tracing::error!(%error, "not everything could be applied");
                    }
                }
                // A session that has just begun is one to come back to, whenever this process ends.
                () = events.changed() => self.remember(),
                // The kernel room outlives this loop.
                Ok(()) = facts.changed() => {
                    facts.mark_unchanged();
                    self.speaker.addresses_changed().await;
                    self.agent.speaker_changed(self.speaker.snapshot());
                }
                Ok(()) = others.changed() => {
                    others.mark_unchanged();
                    if !self.speaker.look_for_prefixes() {
                        // Somebody else's routes may change all the time, and each look is a walk over them.
                        self.let_pass(&events).await;
                        continue;
                    }
                    self.agent.speaker_changed(self.speaker.snapshot());
                }
                () = neighbours.changed() => {
                    if let Err(error) = self.speaker.neighbours_changed().await {
                        tracing::error!(%error, "not everything could be applied");
                    }
                }
                _ = tick.tick() => {
                    heart.beat(Instant::now());
                    let but = convergence::but(self.idle, &self.refused);
                    convergence.tell(observed.readiness(), but);
                    // What an earlier run has left goes when it is known that nobody wants it.
                    let known = convergence.is_over() || self.speaker.is_past_restart(Instant::now());
                    if known && self.agent.unmet().is_empty() {
                        self.kernel.converged();
                    }
                    // The kernel room has no bell for statuses: its counts are compared.
                    let counts = self.kernel.status();
                    if told_refused.any() || counts.iter().any(|(_, counts)| counts.failed > 0) {
                        told_refused.tell(&self.kernel.refusals());
                    }
                    told_kept_out.tell(|| self.kernel.kept_out_news(), Instant::now());
                    let repaired = self.kernel.stats().repaired.load(Ordering::Relaxed);
                    told_repaired.tell(repaired, Instant::now());
                    if let Some(strays) = self.kernel.removed_strays() {
                        let count = strays.all;
                        tracing::info!(count, "removed from the kernel, as they carry our marks and no router wants them: {strays}");
                    }
                    self.kernel.resolver().tell_off_link(Instant::now());
                    self.kernel.forget_marks();
                    self.write_what_could_not_be();
                    self.kernel.ask_again();
                    let changed = counts != kernel_counts;
                    if changed {
                        self.in_kernel_families = self.kernel.installed_families();
                    }
                    self.remember();
                    let opened = self.speaker.retry_listeners(Instant::now());
                    if opened {
                        self.agent.speaker_changed(self.speaker.snapshot());
                    }
                    if !changed && !opened {
                        continue;
                    }
                    kernel_counts = counts;
                }
                _ = terminate.recv() => break,
                _ = interrupt.recv() => break,
                Some(()) = hangup.recv() => break,
            }
            self.let_pass(&events).await;
            self.follow_neighbours();
            self.agent.write_statuses(&self.desired);
        }
        heart.stop();
        tracing::info!("stopping");
        Ok(())
    }

    /// Lets a burst of changes pass before statuses are written. What the next process must know waits for no burst to end.
    async fn let_pass(&mut self, events: &SpeakerEvents) {
        let over = tokio::time::sleep(STATUS_DEBOUNCE);
        tokio::pin!(over);
        loop {
            // Cancel-safe, both.
            tokio::select! {
                () = &mut over => return,
                () = events.changed() => {
                    self.remember();
                    tokio::time::sleep(MEMORY_PAUSE).await;
                }
            }
        }
    }

    /// Whether neighbours keep our routes while this process is replaced by another, which will know that it is a restart.
    fn is_restartable(&self) -> bool {
        let sessions = !self.speaker.restartable().is_empty();
        // It may be told to end before the neighbours of its predecessor are back.
        let kept = sessions || !self.speaker.awaited(Instant::now()).is_empty();
        self.memory.lasts() && kept
    }

    /// Keeps in mind what the next process must know.
    fn remember(&mut self) {
        let sessions = self.speaker.restartable();
        let awaited = self.speaker.awaited(Instant::now());
        self.memory
            .keep(&sessions, &awaited, self.in_kernel_families);
    }

    /// What the state folder did not take may fit by now.
    fn write_what_could_not_be(&mut self) {
        let now = Instant::now();
        self.accepted.retry(now);
        self.former_objects.retry(now);
        self.kernel.retry_marks(now);
    }

    /// Tells the kernel room of the neighbours that are to stay reachable on their links.
    fn follow_neighbours(&mut self) {
        let neighbours = self.agent.neighbours_on_links();
        if neighbours != self.on_links {
            self.kernel.set_neighbours(neighbours.clone());
            self.on_links = neighbours;
        }
    }

    fn warn_of_forgetting(&self) {
        let dynamic = self.desired.dynamic.values();
        let dynamic = dynamic.flat_map(|neighbors| &neighbors.sessions);
        let plain = self.desired.peers.values().map(|peer| &**peer);
        let mut peers = plain.chain(dynamic);
        if !self.memory.lasts() && peers.any(|peer| peer.graceful_restart.is_some()) {
            tracing::warn!(
                "without --state-dir the next process cannot know that it is a restart: neighbours with graceful restart \
                 will drop our routes when it comes"
            );
        }
    }

    /// Makes what runs what is wanted. Gives the last error of a port that cannot be opened.
    async fn apply(&mut self, update: &SourceUpdate, on_error: OnError) -> Option<SpeakerError> {
        let (wanted, problems) = self.in_effect.build(&update.objects, &self.name);
        self.accepted.keep(self.in_effect.accepted());
        self.told.tell(update, &problems);
        self.refused = convergence::refused(update, &problems);
        let idle = wanted.routers.is_empty();
        if idle && !self.idle {
            let name = &self.name;
            tracing::warn!(
                "there is no BGPRouter for node {name:?} in {} that can be run, so this agent does nothing; give \
                 one spec.targetRef {{kind: Node, name: {name}}}, or correct --node",
                self.manifests.display()
            );
        }
        self.idle = idle;
        let mut failed = None;
        for change in diff(&self.desired, &wanted) {
            // At the start everything is new.
            if on_error != OnError::End {
                tell_change(&Consequence::of(&change, &self.desired));
            }
            self.tell_kernel_before(&change);
            let added = match &change {
                Change::RouterAdded(router) => Some(router.clone()),
                Change::RouterChanged { new, .. } => Some(new.clone()),
                _ => None,
            };
            if let Err(error) = self.speaker.apply(change).await {
                // Who is about to end does not first talk to peers.
                if on_error == OnError::End {
                    return Some(error);
                }
                failed = Some(error);
            }
            if let Some(router) = added
                && let Some(rib) = self.speaker.rib(&router.key)
            {
                put_in_kernel(&self.kernel, &mut self.in_kernel, &router, rib);
            }
        }
        self.desired = wanted;
        let unmet = unmet(update, &problems, &self.ran);
        // Without word from the process before, the next one is to have none that something it may have run did not run either.
        if self.ran.is_some() || unmet.is_empty() {
            self.former_objects.keep(&self.in_effect, update);
        }
        self.agent.applied(
            update,
            problems,
            unmet,
            self.speaker.snapshot(),
            self.in_effect.clone(),
        );
        if on_error == OnError::End {
            convergence::warn_of(&self.agent.unmet());
        }
        allocator::give_back();
        if let Err(error) = mapped_code::let_go() {
            tracing::debug!(%error, "the code that read the manifests stays mapped");
        }
        failed
    }

    fn tell_kernel_before(&mut self, change: &Change) {
        if let Change::RouterRemoved(key) = change {
            self.in_kernel.remove(key);
            self.kernel.remove_router(&fib::name(key));
        }
    }
}

/// Says what is changed, and what that does to sessions.
fn tell_change(consequence: &Consequence) {
    let effect = consequence.effect().map(tracing::field::display);
    tracing::info!(effect, "{consequence}");
}

/// Has the kernel room read a router's table, by the router's newest rules.
fn put_in_kernel(
    kernel: &KernelHandle,
    known: &mut BTreeMap<RouterKey, Arc<Rib>>,
    router: &Router,
    rib: &Arc<Rib>,
) {
    let (name, config) = (fib::name(&router.key), fib::config(router.kernel));
    if known
        .get(&router.key)
        .is_some_and(|running| Arc::ptr_eq(running, rib))
    {
        return kernel.change_router(&name, config);
    }
    if known.insert(router.key.clone(), Arc::clone(rib)).is_some() {
        kernel.remove_router(&name);
    }
    kernel.add_router(name, RibSource::new(Arc::clone(rib)), config);
}

/// A node name that no manifest knows is most likely a slip, and an agent that does nothing is no answer to it.
fn check_node(objects: &Objects, node: &str, args: &RunArgs) -> anyhow::Result<()> {
    let Some(why) = stranger(objects, node) else {
        return Ok(());
    };
    // An empty NODE_NAME is as good as none.
    let given = if args.node.as_ref().is_some_and(|node| !node.is_empty()) {
        "--node or NODE_NAME"
    } else {
        "the host name"
    };
    bail!(
        "no BGPRouter in {} is for node {node:?} (from {given}): {why}",
        args.manifests.display()
    );
}

/// Whether routes are to go to the kernel: not if every router of the node says that its own are not.
fn installs(mut in_effect: InEffect, objects: &Objects, node: &str) -> bool {
    let (desired, _) = in_effect.build(objects, node);
    let mut routers = desired.routers.values();
    routers.len() == 0 || routers.any(|router| router.kernel.install)
}

/// Jitter that differs between nodes and between runs.
fn seed(node: &str) -> u64 {
    use std::hash::{BuildHasher, RandomState};
    RandomState::new().hash_one(node)
}

/// Resident memory of this process, in bytes.
fn resident_bytes() -> io::Result<u64> {
    let statm = std::fs::read_to_string("/proc/self/statm")?;
    let pages: u64 = statm
        .split_whitespace()
        .nth(1)
        .and_then(|n| n.parse().ok())
        .unwrap_or(0);
    Ok(pages * 4096)
}
