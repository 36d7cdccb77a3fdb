//! EDGE. The task that drives a router's export groups (docs/adr/0012).
//!
//! It owns the router's `Exporter`, waits for its doorbell or for a command of a peer's task, and drains in slices. It
//! never waits for a peer: what a peer cannot take stays in its bounded queue, and behind that in the dirty set.

use std::sync::Arc;

use bgp_wire::Family;
use rib::{Exporter, GroupKey, MemberQueue, PeerIdx, Rib};
use tokio::sync::mpsc;

use super::doorbell::Doorbell;

/// Destinations of one slice.
const DRAIN_BUDGET: usize = 16 * 1024;

/// What a peer's task asks of the exporter.
pub(super) enum ExporterCommand {
    /// A session was established.
    Join { member: PeerIdx, key: Box<GroupKey>, queue: Arc<MemberQueue> },
    /// What the member is told follows other rules now.
    Rejoin { member: PeerIdx, key: Box<GroupKey>, queue: Arc<MemberQueue> },
    /// The session is over.
    Leave { member: PeerIdx },
    /// The peer asked for a route refresh.
    Refresh { member: PeerIdx, family: Family },
}

/// Runs until all senders of commands are gone.
pub(super) async fn run(
    rib: Arc<Rib>,
    mut exporter: Exporter,
    bell: Doorbell,
    mut commands: mpsc::Receiver<ExporterCommand>,
) {
    loop {
        // Both are cancel-safe: a command stays in the channel, a ring stays with the bell.
        tokio::select! {
            biased;
            command = commands.recv() => match command {
                Some(command) => obey(&rib, &mut exporter, command),
                None => return,
            },
            () = bell.rung() => {}
        }
        while exporter.drain(&rib, DRAIN_BUDGET).more {
            while let Ok(command) = commands.try_recv() {
                obey(&rib, &mut exporter, command);
            }
            tokio::task::yield_now().await;
        }
    }
}

fn obey(rib: &Rib, exporter: &mut Exporter, command: ExporterCommand) {
    match command {
        ExporterCommand::Join { member, key, queue } => exporter.join(rib, member, *key, queue),
        ExporterCommand::Rejoin { member, key, queue } => exporter.rejoin(rib, member, *key, queue),
        ExporterCommand::Leave { member } => exporter.leave(rib, member),
        ExporterCommand::Refresh { member, family } => exporter.refresh(rib, member, family),
    }
}
