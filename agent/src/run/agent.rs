//! The agent as others see it: one place that copies out what speaker, kernel and source let be seen.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use bgp_wire::Family;
use jiff::Timestamp;
use parking_lot::{Mutex, RwLock};
use serde_json::Value;

use super::{fib, peer_view, tables};
use crate::bfd::Bfd;
use crate::control::dynamic::DynamicView;
use crate::control::protocol::ObjectKind;
use crate::control::rib_table::RibTable;
use crate::control::routes::{FibView, RouteTable};
use crate::control::sessions::PeerView;
use crate::control::views::{
    AgentView, Counters, ProblemView, RouterKernelView, RouterView, TableView, Views,
};
use crate::desired::{
    Consequence, Desired, InEffect, Kind, ObjectKey, Objects, OriginationState, PeerKey, Problem,
    RouterKey, RouterState, Severity, Snapshot, diff, statuses,
};
use crate::kernel::KernelHandle;
use crate::observe::readiness::{Facts, PeerFacts};
use crate::source::directory::{FileProblem, SourceUpdate};
use crate::source::status_memory::StatusMemory;
use crate::speaker::{
    DynamicSessions, PeerSnapshot, RouterSnapshot, Speaker, SpeakerSnapshot, SpeakerStats,
};

/// As many problems of the manifests as somebody reads.
const PROBLEMS_SHOWN: usize = 50;

/// See the top of this file.
pub(super) struct Agent {
    node: String,
    start: Instant,
    started: Timestamp,
    kernel: KernelHandle,
    stats: Arc<SpeakerStats>,
    bfd: Bfd,
    memory: StatusMemory,
    /// What is configured. Held for a copy, never across an await.
    configured: RwLock<Configured>,
    applied: AtomicU64,
    stopping: AtomicBool,
}

#[derive(Default)]
struct Configured {
    objects: Objects,
    problems: Vec<Problem>,
    file_problems: Vec<FileProblem>,
    files: BTreeMap<ObjectKey, String>,
    /// See `unmet.rs`.
    unmet: BTreeSet<String>,
    speaker: SpeakerSnapshot,
    in_effect: InEffect,
}

impl Configured {
    fn problem_count(&self) -> u64 {
        (self.problems.len() + self.file_problems.len()) as u64
    }

    /// What is wrong in the files and with the objects.
    fn problems(&self) -> impl Iterator<Item = ProblemView> {
        let files = self.file_problems.iter().map(|problem| ProblemView {
            object: problem.object.clone(),
            text: problem.to_string(),
            warning: problem.severity == Severity::Warning,
        });
        let objects = self.problems.iter().map(|problem| ProblemView {
            object: Some(problem.object.to_string()),
            text: match self.files.get(&problem.object) {
                Some(file) => format!("{file}: {problem}"),
                None => problem.to_string(),
            },
            warning: problem.severity == Severity::Warning,
        });
        files.chain(objects)
    }
}

impl Agent {
    pub(super) fn new(
        node: String,
        start: Instant,
        kernel: KernelHandle,
        stats: Arc<SpeakerStats>,
        bfd: Bfd,
    ) -> Self {
        Self {
            node,
            start,
            started: Timestamp::now(),
            kernel,
            stats,
            bfd,
            memory: StatusMemory::default(),
            configured: RwLock::default(),
            applied: AtomicU64::new(0),
            stopping: AtomicBool::new(false),
        }
    }

    /// Takes in what was just applied.
    pub(super) fn applied(
        &self,
        update: &SourceUpdate,
        problems: Vec<Problem>,
        unmet: BTreeSet<String>,
        speaker: SpeakerSnapshot,
        in_effect: InEffect,
    ) {
        *self.configured.write() = Configured {
            objects: update.objects.clone(),
            file_problems: update.problems.clone(),
            files: update.files.clone(),
            unmet,
            problems,
            speaker,
            in_effect,
        };
        self.applied.fetch_add(1, Ordering::Relaxed);
    }

    /// What is asked for and not met: see `unmet.rs`.
    pub(super) fn unmet(&self) -> BTreeSet<String> {
        self.configured.read().unmet.clone()
    }

    /// The neighbours that are on links of ours or nowhere.
    pub(super) fn neighbours_on_links(&self) -> BTreeSet<IpAddr> {
        let speaker = self.configured.read().speaker.clone();
        let configured = speaker.peers.values();
        let configured = configured.filter_map(|peer| peer.lock().settings.on_a_link());
        let dynamic = speaker.dynamic.values();
        let dynamic = dynamic.flat_map(|sessions| sessions.snapshot().sessions);
        let dynamic = dynamic.filter_map(|session| session.snapshot.lock().settings.on_a_link());
        configured.chain(dynamic).collect()
    }

    /// Takes in that a port was opened, or that something else is originated.
    pub(super) fn speaker_changed(&self, speaker: SpeakerSnapshot) {
        self.configured.write().speaker = speaker;
    }

    /// Sessions are about to end.
    pub(super) fn stopping(&self) {
        self.stopping.store(true, Ordering::Relaxed);
    }

    /// Makes the statuses of all objects anew.
    pub(super) fn write_statuses(&self, desired: &Desired) {
        let snapshot = self.snapshot();
        let configured = self.configured.read();
        let statuses = statuses(
            &configured.objects,
            desired,
            &configured.problems,
            &self.node,
            &snapshot,
        );
        let changed = self.memory.update(statuses, SystemTime::now());
        drop(configured);
        for key in changed {
            tracing::debug!(object = %key, "status changed");
        }
    }

    /// What `/readyz` judges.
    pub(super) fn facts(&self, timeout: Duration) -> Facts {
        let now = Instant::now();
        let configured = self.configured.read();
        let kernel = self.kernel.status();
        let denied = kernel.iter().filter(|(_, status)| status.denied.is_some());
        Facts {
            desired_applied: self.applied.load(Ordering::Relaxed) > 0,
            fib_reconciled: self.kernel.is_settled(),
            fib_failed: kernel.iter().map(|(_, status)| status.failed).sum(),
            fib_denied: denied
                .map(|(router, _)| RouterKey(Arc::clone(router)).to_string())
                .collect(),
            unmet: configured.unmet.iter().cloned().collect(),
            idle: configured.speaker.routers.is_empty(),
            stopping: self.stopping.load(Ordering::Relaxed),
            peers: configured
                .speaker
                .peers
                .iter()
                .map(|(key, snapshot)| peer_view::facts(key, &snapshot.lock(), now))
                .chain(up(&configured.speaker, now))
                .collect(),
            waited: now.saturating_duration_since(self.start),
            timeout,
        }
    }

    fn snapshot(&self) -> Snapshot {
        let speaker = self.configured.read().speaker.clone();
        let kernel = self.kernel.status();
        Snapshot {
            routers: speaker
                .routers
                .iter()
                .map(|(key, router)| {
                    let state = RouterState {
                        listening: router.port.is_some() || router.config.listen_port.is_none(),
                        error: router.listen_error.clone(),
                        kernel: fib::state_of(&kernel, key),
                    };
                    (key.clone(), state)
                })
                .collect(),
            originations: speaker
                .originations
                .iter()
                .map(|(key, origination)| {
                    let advertised_to = speaker
                        .routers
                        .get(&key.router)
                        .map(|router| tables::told_of(router, &origination.prefixes))
                        .unwrap_or_default();
                    let state = OriginationState {
                        originated: u32::try_from(origination.prefixes.len()).unwrap_or(u32::MAX),
                        advertised_to,
                        error: None,
                    };
                    (key.clone(), state)
                })
                .collect(),
            peers: speaker
                .peers
                .iter()
                .map(|(key, snapshot)| (key.clone(), peer_view::state(&snapshot.lock())))
                .collect(),
            dynamic: speaker
                .dynamic
                .iter()
                .map(|(key, sessions)| {
                    let state = peer_view::dynamic_state(&sessions.snapshot());
                    (key.clone(), state)
                })
                .collect(),
        }
    }

    fn router_view(&self, key: &RouterKey, router: &RouterSnapshot) -> RouterView {
        let config = &router.config;
        let counts = router.rib.counts();
        let table = |family: Family| {
            let counts = counts.family(family)?;
            Some(TableView {
                family: family.to_string(),
                destinations: counts.destinations as u64,
                paths: counts.paths as u64,
            })
        };
        RouterView {
            name: key.to_string(),
            local_as: config.local_as.0,
            router_id: config.router_id.to_string(),
            families: config.families.iter().map(ToString::to_string).collect(),
            listening: router
                .port
                .map(|port| (std::net::Ipv6Addr::UNSPECIFIED, port).into()),
            error: router.listen_error.clone(),
            tables: config.tables().filter_map(table).collect(),
            originated: router.originated,
            attribute_sets: counts.sets as u64,
            attribute_bytes: counts.set_bytes as u64,
            kernel: match fib::status_of(&self.kernel.status(), key) {
                Some(status) => RouterKernelView::of(status),
                None => config.kernel.install.then(RouterKernelView::default),
            },
        }
    }
}

/// Sessions with dynamic neighbours that are up: of others nobody knows whether they are to come up.
fn up(speaker: &SpeakerSnapshot, now: Instant) -> impl Iterator<Item = PeerFacts> {
    let sessions = speaker.dynamic.values();
    let sessions = sessions.flat_map(|sessions| sessions.snapshot().sessions);
    sessions
        .map(move |session| peer_view::facts(&session.key, &session.snapshot.lock(), now))
        .filter(|facts| facts.established.is_some())
}

impl Views for Agent {
    fn preview(&self, objects: &Objects) -> Vec<Consequence> {
        let mut in_effect = self.configured.read().in_effect.clone();
        let running = in_effect.before().clone();
        let (wanted, _) = in_effect.build(objects, &self.node);
        diff(&running, &wanted)
            .iter()
            .map(|change| Consequence::of(change, &running))
            .collect()
    }

    fn agent(&self) -> AgentView {
        let configured = self.configured.read();
        AgentView {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            node: self.node.clone(),
            pid: std::process::id(),
            started: self.started,
            uptime_seconds: self.start.elapsed().as_secs(),
            resident_bytes: super::resident_bytes().unwrap_or(0),
            problems: configured.problems().take(PROBLEMS_SHOWN).collect(),
            problem_count: configured.problem_count(),
        }
    }

    fn routers(&self) -> Vec<RouterView> {
        let speaker = self.configured.read().speaker.clone();
        speaker
            .routers
            .iter()
            .map(|(key, router)| self.router_view(key, router))
            .collect()
    }

    fn peers(&self) -> Vec<PeerView> {
        let now = Instant::now();
        let speaker = self.configured.read().speaker.clone();
        let view = |key: &PeerKey, snapshot: &Mutex<PeerSnapshot>| {
            let mut snapshot = snapshot.lock().clone();
            let router = speaker.routers.get(&key.router);
            if let Some(router) = router {
                snapshot.count(&router.rib);
            }
            let group = router.and_then(|router| tables::group_of(router, snapshot.idx));
            peer_view::view(key, &snapshot, group, self.bfd.session(key), now)
        };
        let configured = speaker.peers.iter();
        let mut peers: Vec<_> = configured
            .map(|(key, snapshot)| view(key, snapshot))
            .collect();
        for (object, sessions) in &speaker.dynamic {
            let sessions = sessions.snapshot().sessions;
            let sessions = sessions.iter().map(|session| PeerView {
                dynamic: Some(peer_view::short(&object.peer)),
                ..view(&session.key, &session.snapshot)
            });
            let mut sessions: Vec<_> = sessions.collect();
            sessions.sort_by_key(|session| session.address);
            peers.extend(sessions);
        }
        peers
    }

    fn dynamic(&self) -> Vec<DynamicView> {
        let speaker = self.configured.read().speaker.clone();
        let view = |(key, sessions): (&PeerKey, &Arc<DynamicSessions>)| {
            let router = speaker.routers.get(&key.router)?;
            Some(peer_view::dynamic(&router.config, &sessions.snapshot()))
        };
        speaker.dynamic.iter().filter_map(view).collect()
    }

    fn tables(&self) -> Vec<(Arc<str>, Arc<dyn RouteTable>)> {
        let speaker = self.configured.read().speaker.clone();
        speaker
            .routers
            .iter()
            .map(|(key, router)| {
                let name: Arc<str> = key.to_string().into();
                let originations = speaker.originations.iter();
                let table = RibTable::new(
                    Arc::clone(&router.rib),
                    router.config.tables().collect(),
                    originations
                        .filter(|(origination, _)| origination.router == *key)
                        .map(|(_, origination)| Arc::clone(origination))
                        .collect(),
                );
                let links = self.kernel.facts().borrow().clone();
                (name, Arc::new(table.on_links(links)) as Arc<dyn RouteTable>)
            })
            .collect()
    }

    fn fib(&self) -> Option<Arc<dyn FibView>> {
        Some(Arc::new(self.kernel.clone()))
    }

    fn objects(&self, kind: ObjectKind) -> Vec<Value> {
        let kind = match kind {
            ObjectKind::Routers => Kind::BgpRouter,
            ObjectKind::Peers => Kind::BgpPeer,
            ObjectKind::Advertisements => Kind::BgpAdvertisement,
            ObjectKind::Policies => Kind::BgpPolicy,
            ObjectKind::Vrfs => Kind::BgpVrfInstance,
            ObjectKind::Vpcs => Kind::Vpc,
            ObjectKind::Attachments => Kind::VpcAttachment,
        };
        let snapshot = self.snapshot();
        let configured = self.configured.read();
        let statuses = statuses(
            &configured.objects,
            configured.in_effect.before(),
            &configured.problems,
            &self.node,
            &snapshot,
        );
        let now = SystemTime::now();
        self.memory.list(kind, &configured.objects, statuses, now)
    }

    fn counters(&self) -> Counters {
        let configured = self.configured.read();
        Counters {
            kernel: (&*self.kernel.stats()).into(),
            update_to_export: self.stats.export_latency.view(),
            inbound_batch: self.stats.inbound_batch.view(),
            export_batch: self.stats.export_batch.view(),
            bfd_discards: self
                .bfd
                .discards()
                .by_reason()
                .map(|(reason, count)| (reason.as_str(), count))
                .collect(),
            connections_refused: Speaker::connections_refused(),
            peer_panics: self.stats.peer_panics.load(Ordering::Relaxed),
            paths_dropped: self.stats.paths_dropped.load(Ordering::Relaxed),
            routes_oversized: self.stats.routes_oversized.load(Ordering::Relaxed),
            manifests_applied: self.applied.load(Ordering::Relaxed),
            manifest_problems: configured.problem_count(),
        }
    }
}
