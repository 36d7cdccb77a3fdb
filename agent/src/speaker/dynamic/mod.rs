//! Dynamic neighbours, as the speaker sees them: a task for each object on each router, which has the sessions.

mod sessions;
mod standing;
mod task;

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use bgp_session::{Restarted, StopReason};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

pub use self::sessions::{DynamicSession, DynamicSessions, DynamicSnapshot, Ended};
pub(super) use self::task::DynamicCommand;
use self::task::DynamicTask;
use super::Speaker;
use super::range_guests::Range;
use super::settings::Settings;
use super::start::next_seed;
use crate::desired::{DynamicNeighbors, PeerKey, Router, RouterKey};
use crate::vital;

/// Connections that may wait for one object: as many as come at once when a rack starts. Those beyond that dial again.
const CONNECTIONS: usize = 1024;

/// The handles of one task.
pub(super) struct RunningDynamic {
    pub(super) config: Arc<DynamicNeighbors>,
    pub(super) commands: mpsc::Sender<DynamicCommand>,
    pub(super) sessions: Arc<DynamicSessions>,
    /// The port on which its neighbours are let in.
    pub(super) port: Option<u16>,
    /// Others are to be let in than the listener knows.
    pub(super) outdated: bool,
    task: JoinHandle<()>,
}

impl RunningDynamic {
    /// Whom the listener lets in.
    pub(super) fn ranges(&self) -> Vec<Range> {
        let config = &self.config;
        let others = |prefix| config.others.iter().any(|other| other.contains(prefix));
        let own = config.prefixes.iter().filter(|prefix| !others(*prefix));
        own.map(|prefix| Range {
            prefix: *prefix,
            local: config.local_address(*prefix),
        })
        .collect()
    }
}

impl Drop for RunningDynamic {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Speaker {
    pub(super) fn add_dynamic(&mut self, new: DynamicNeighbors) {
        let key = new.key.clone();
        let Some(router) = self.routers.get(&key.router) else {
            // diff() orders routers before what is on them.
            tracing::error!(peer = %key, "dynamic neighbours without a router");
            return;
        };
        let config = Arc::new(new);
        let returning = self.returning(&config, &router.config);
        if let Some(router) = self.routers.get(&key.router)
            && let Some(deferral) = &router.deferral
        {
            let waited_for = config.sessions.first();
            let keeps =
                waited_for.is_some_and(|p| p.graceful_restart.is_some() && p.shutdown.is_none());
            for (address, _) in returning.iter().filter(|_| keeps) {
                deferral.wait_for(&config.session_key(*address));
            }
        }
        let Some(starter) = self.starter(&key.router) else {
            return;
        };
        let Some(router) = self.routers.get(&key.router) else {
            return;
        };
        self.seed = next_seed(self.seed);
        let (commands, receiver) = mpsc::channel(CONNECTIONS);
        let sessions = Arc::new(DynamicSessions::new(Arc::clone(&config)));
        let task = DynamicTask::new(
            (Arc::clone(&config), Arc::clone(&router.config)),
            Arc::clone(&self.addresses),
            starter,
            receiver,
            Arc::clone(&sessions),
            self.seed,
        );
        let task = vital::spawn(format!("dynamic neighbours {key}"), task.run(returning));
        let running = RunningDynamic {
            config,
            commands,
            sessions,
            port: None,
            outdated: true,
            task,
        };
        self.dynamic.insert(key, running);
    }

    /// Neighbours that the process before this one had sessions with, and that wait for this one.
    fn returning(
        &self,
        config: &DynamicNeighbors,
        router: &Arc<Router>,
    ) -> Vec<(IpAddr, Restarted)> {
        let Some(predecessor) = &self.predecessor else {
            return Vec::new();
        };
        let now = Instant::now();
        let known = predecessor.peers.iter();
        let known = known.filter_map(|key| config.neighbor_of(key));
        let waits = |address: IpAddr| {
            let (router, addresses) = (Arc::clone(router), Arc::clone(&self.addresses));
            let settings = Settings::new(config.session(address)?, router, addresses);
            Some((address, predecessor.restarted(&settings, now)?))
        };
        let limit = usize::try_from(config.limit).unwrap_or(usize::MAX);
        known.filter_map(waits).take(limit).collect()
    }

    pub(super) async fn change_dynamic(&mut self, new: DynamicNeighbors) {
        let Some(router) = self
            .routers
            .get(&new.key.router)
            .map(|r| Arc::clone(&r.config))
        else {
            return;
        };
        let Some(running) = self.dynamic.get_mut(&new.key) else {
            return self.add_dynamic(new);
        };
        running.config = Arc::new(new);
        running.outdated = true;
        let command = DynamicCommand::Configure(Arc::clone(&running.config), router);
        let _ = running.commands.send(command).await;
    }

    /// A router has other settings, and perhaps another port.
    pub(super) async fn router_of_dynamic_changed(&mut self, router: &Arc<Router>) {
        for running in self.dynamic.values_mut() {
            if running.config.key.router == router.key {
                let config = Arc::clone(&running.config);
                let command = DynamicCommand::Configure(config, Arc::clone(router));
                let _ = running.commands.send(command).await;
            }
        }
    }

    /// Accepts these no more and has their sessions say goodbye; [`Self::goodbyes`] waits for them.
    pub(super) fn end_dynamic(&mut self, keys: Vec<PeerKey>, why: &StopReason) {
        for key in keys {
            let Some(running) = self.dynamic.remove(&key) else {
                continue;
            };
            if let Some(listener) = running.port.and_then(|port| self.listeners.get(&port)) {
                listener.dismiss_ranges(&running.commands);
            }
            let why = why.clone();
            self.goodbyes.spawn(async move {
                let (done, gone) = oneshot::channel();
                let stop = DynamicCommand::Stop(why, done);
                if running.commands.send(stop).await.is_ok() {
                    let _ = gone.await;
                }
            });
        }
    }

    /// Those on one router.
    pub(super) fn dynamic_of(&self, router: &RouterKey) -> Vec<PeerKey> {
        let keys = self.dynamic.keys();
        keys.filter(|key| key.router == *router).cloned().collect()
    }

    /// Lets in dynamic neighbours where the listener does not know them as they are now.
    pub(super) fn admit_dynamic(&mut self) -> Vec<super::SpeakerError> {
        let mut errors = Vec::new();
        for (key, running) in &mut self.dynamic {
            let router = self.routers.get(&key.router);
            let wanted = router.and_then(|router| router.port);
            let listener = wanted.and_then(|port| self.listeners.get(&port));
            if running.port == wanted && !running.outdated {
                continue;
            }
            if running.port != wanted
                && let Some(before) = running.port.take()
                && let Some(listener) = self.listeners.get(&before)
            {
                listener.dismiss_ranges(&running.commands);
            }
            let Some(listener) = listener else {
                continue;
            };
            let signed = running.config.authentication();
            match listener.admit_ranges(&running.ranges(), signed, &running.commands) {
                Ok(()) => (running.port, running.outdated) = (wanted, false),
                Err((prefix, source)) => {
                    running.port = None;
                    errors.push(super::SpeakerError::AdmitRange { prefix, source });
                }
            }
        }
        errors
    }
}
