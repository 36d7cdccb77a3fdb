//! EDGE. Starts the task of a peer, be it a configured one or one of many that connected to us.

use std::sync::Arc;
use std::time::Instant;

use bgp_session::Restarted;
use parking_lot::Mutex;
use rib::{Rib, TooManyPeers};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tracing::Instrument;

use super::deferral::Deferral;
use super::exporter_task::ExporterCommand;
use super::failures::FailureLog;
use super::peer_task::{Command, PeerTask, Surroundings};
use super::settings::Settings;
use super::snapshot::{PeerSnapshot, SpeakerEvents};
use super::stats::SpeakerStats;
use crate::bfd::Bfd;
use crate::vital;

/// Commands that may wait for one peer: a handful of connections and a change. A peer that is further behind than that
/// refuses connections (its neighbour dials again) and makes the speaker wait with changes.
const PEER_COMMANDS: usize = 16;

/// What the peers of one router have in common.
#[derive(Clone)]
pub(super) struct Starter {
    pub(super) rib: Arc<Rib>,
    pub(super) exporter: mpsc::Sender<ExporterCommand>,
    pub(super) events: SpeakerEvents,
    pub(super) stats: Arc<SpeakerStats>,
    pub(super) bfd: Bfd,
    /// Who is waited for after a restart.
    pub(super) deferral: Option<Arc<Deferral>>,
}

/// The handles of a task.
pub(super) struct Started {
    pub(super) commands: mpsc::Sender<Command>,
    pub(super) snapshot: Arc<Mutex<PeerSnapshot>>,
    pub(super) task: JoinHandle<()>,
}

impl Starter {
    /// Starts a peer, which had a session with the process before this one if `restarted` says so.
    pub(super) fn start(
        &self,
        settings: Settings,
        restarted: Option<Restarted>,
        failures: FailureLog,
        seed: u64,
    ) -> Result<Started, TooManyPeers> {
        let key = settings.peer().key.clone();
        let (commands, receiver) = mpsc::channel(PEER_COMMANDS);
        let snapshot = PeerSnapshot::unstarted(settings.clone(), Instant::now());
        let snapshot = Arc::new(Mutex::new(snapshot));
        let task = PeerTask::new(
            settings,
            Surroundings {
                rib: Arc::clone(&self.rib),
                exporter: self.exporter.clone(),
                commands: receiver,
                snapshot: Arc::clone(&snapshot),
                events: self.events.clone(),
                stats: Arc::clone(&self.stats),
                bfd: self.bfd.clone(),
                seed,
                restarted,
                deferral: self.deferral.clone(),
                failures,
            },
        )?;
        let span = tracing::error_span!("session", router = %key.router, peer = %key.peer);
        let task = vital::spawn(format!("peer {key}"), task.run().instrument(span));
        Ok(Started {
            commands,
            snapshot,
            task,
        })
    }
}

/// The seed after `seed`.
pub(super) fn next_seed(seed: u64) -> u64 {
    seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1)
}
