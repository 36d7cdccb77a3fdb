//! EDGE. The task that drives a router's export groups (docs/adr/0012).
//!
//! It owns the router's `Exporter`, waits for its doorbell or for a command of a peer's task, and drains in slices. It
//! never waits for a peer: what a peer cannot take stays in its bounded queue, and behind that in the dirty set.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bgp_wire::Family;
use rib::{Exporter, GroupKey, MemberQueue, PeerIdx, Rib};
use tokio::sync::{mpsc, watch};

use super::doorbell::Doorbell;
use super::stats::SpeakerStats;
use crate::seldom::Seldom;

/// Destinations of one slice. What a slice gathers is memory; four times as many are not faster.
const DRAIN_BUDGET: usize = 4 * 1024;

/// What a peer's task asks of the exporter.
pub(super) enum ExporterCommand {
    /// A session was established.
    Join {
        member: PeerIdx,
        key: Box<GroupKey>,
        queue: Arc<MemberQueue>,
    },
    /// What the member is told follows other rules now, within the same session.
    Rekey { member: PeerIdx, key: Box<GroupKey> },
    /// The session is over.
    Leave { member: PeerIdx },
    /// The peer asked for a route refresh.
    Refresh {
        member: PeerIdx,
        family: Family,
        demarcated: bool,
    },
}

/// The exporter of one router and what it waits for.
pub(super) struct ExporterTask {
    rib: Arc<Rib>,
    exporter: Exporter,
    bell: Doorbell,
    commands: mpsc::Receiver<ExporterCommand>,
    stats: Arc<SpeakerStats>,
    /// Nothing is told until this is true: RFC 4724 §4.1, after a restart of ours.
    deferral: Option<watch::Receiver<bool>>,
    /// Routes too large for a message, as far as they were counted in `stats`.
    oversized: u64,
    /// Lines about them.
    too_long: Seldom,
}

impl ExporterTask {
    pub(super) fn new(
        rib: Arc<Rib>,
        commands: mpsc::Receiver<ExporterCommand>,
        stats: Arc<SpeakerStats>,
        deferral: Option<watch::Receiver<bool>>,
    ) -> Self {
        let bell = Doorbell::default();
        let exporter = Exporter::new(&rib, Arc::new(bell.clone()));
        Self {
            rib,
            exporter,
            bell,
            commands,
            stats,
            deferral,
            oversized: 0,
            too_long: Seldom::default(),
        }
    }

    /// Runs until all senders of commands are gone.
    pub(super) async fn run(mut self) {
        loop {
            // Both are cancel-safe: a command stays in the channel, a ring stays with the bell.
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    Some(command) => self.obey(command),
                    None => return,
                },
                () = self.bell.rung(), if self.deferral.is_none() => {}
                () = over(&mut self.deferral) => {}
            }
            if self.deferral.is_some() {
                continue;
            }
            let since = self.bell.since();
            loop {
                let progress = self.exporter.drain(&self.rib, DRAIN_BUDGET);
                if progress.destinations > 0 {
                    self.stats
                        .export_batch
                        .observe(progress.destinations as f64);
                }
                if !progress.more {
                    break;
                }
                while let Ok(command) = self.commands.try_recv() {
                    self.obey(command);
                }
                tokio::task::yield_now().await;
            }
            let oversized = self.exporter.stats().oversized;
            let more = oversized - std::mem::replace(&mut self.oversized, oversized);
            self.stats
                .routes_oversized
                .fetch_add(more, Ordering::Relaxed);
            if more > 0
                && let Some(unsaid) = self.too_long.count(more, Instant::now())
            {
                tracing::warn!(
                    routes = more,
                    unsaid,
                    "routes are not told to neighbours without extended messages, as their attributes leave no room for them in a \
                     message; `cosmos explain` of a route says to whom"
                );
            }
            if let Some(since) = since {
                self.stats.export_latency.observe_time(since.elapsed());
            }
        }
    }

    fn obey(&mut self, command: ExporterCommand) {
        let (rib, exporter) = (&self.rib, &mut self.exporter);
        match command {
            ExporterCommand::Join { member, key, queue } => exporter.join(rib, member, *key, queue),
            ExporterCommand::Rekey { member, key } => {
                if !exporter.rekey(rib, member, *key) {
                    // Families and encodings are of the session; its task resets it when they change.
                    tracing::error!(?member, "a session's key changed beyond what it negotiated");
                }
            }
            ExporterCommand::Leave { member } => exporter.leave(rib, member),
            ExporterCommand::Refresh {
                member,
                family,
                demarcated,
            } => {
                exporter.refresh(rib, member, family, demarcated);
            }
        }
    }
}

/// Waits for the end of a deferral, which is none then. Cancel-safe, as the receiver's own.
async fn over(deferral: &mut Option<watch::Receiver<bool>>) {
    let Some(receiver) = deferral else {
        return std::future::pending().await;
    };
    // Whoever can end it is gone: it has ended.
    let _ = receiver.wait_for(|over| *over).await;
    *deferral = None;
}
