//! EDGE. The border that a panic in a peer's task does not cross: it costs this peer's session, and no other's.

use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bgp_session::StopReason;
use bgp_wire::{Notification, codes};
use bytes::BytesMut;
use futures::FutureExt;
use rib::Inbound;

use super::{Command, PeerTask};
use crate::speaker::prefix_limits::PrefixLimits;
use crate::vital;

/// How long a peer rests after a defect of ours; twice as long after each further one, up to 64 times.
const FIRST_REST: Duration = Duration::from_secs(5);

impl PeerTask {
    /// A panic is a defect of ours, most likely met by what this peer sent. It costs the session and what the peer told us;
    /// after a rest the peer is tried again.
    pub(in crate::speaker) async fn run(mut self: Box<Self>) {
        for panics in 0.. {
            let turns = AssertUnwindSafe(self.turns()).catch_unwind();
            let Err(panic) = turns.await else {
                return;
            };
            let rest = FIRST_REST.saturating_mul(1 << u32::min(panics, 6));
            tracing::error!(
                panic = vital::words(&*panic),
                rest_seconds = rest.as_secs(),
                "a defect: the session ends, and begins again after a rest"
            );
            self.stats.peer_panics.fetch_add(1, Ordering::Relaxed);
            if !self.recover(rest).await {
                return;
            }
        }
    }

    /// Forgets everything of the session and of the peer's routes, so that none stays which nobody would withdraw. What goes wrong
    /// here is more than one peer's matter (vital.rs). False if the task is to end.
    async fn recover(&mut self, rest: Duration) -> bool {
        let goodbye = Notification::cease(codes::cease::OUT_OF_RESOURCES);
        let mut words = BytesMut::new();
        goodbye.encode(&mut words);
        let words = words.freeze();
        for slot in 0..self.connections.len() {
            if let Some(mut connection) = self.connections[slot].take() {
                connection.outbox.push(words.clone());
                self.let_leave(connection.stream, connection.outbox);
            }
        }
        self.dialling = None;
        self.transmit.clear();
        self.inbound = Inbound::new(self.idx);
        self.limits = PrefixLimits::default();
        self.peer = self.peer.reborn(self.settings.session(), self.seed);
        self.peer.stop(StopReason::Fault(goodbye), Instant::now());
        self.since = Instant::now();
        self.forget().await;
        self.publish();
        let over = tokio::time::sleep(rest);
        tokio::pin!(over);
        loop {
            // Cancel-safe: a command stays in its channel, and the sleep is only borrowed.
            tokio::select! {
                biased;
                command = self.commands.recv() => match command {
                    None => {
                        self.farewell(StopReason::Deconfigured).await;
                        return false;
                    }
                    Some(Command::Stop(stop)) => {
                        let (why, done) = *stop;
                        self.farewell(why).await;
                        let _ = done.send(());
                        return false;
                    }
                    Some(Command::Incoming(stream)) => drop(stream),
                    Some(Command::Configure(settings)) => self.settings = *settings,
                    Some(Command::Addresses) => {}
                },
                () = &mut over => break,
            }
        }
        self.peer = self.peer.reborn(self.settings.session(), self.seed);
        true
    }
}
