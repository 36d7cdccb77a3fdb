//! EDGE. What a peer sends: from its sockets through the session machine into the peer's Adj-RIB-In.

use std::collections::VecDeque;
use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;

use bgp_session::{ConnId, DownReason, Helper, Malformed, Negotiated, StaleStep, UpdateSink};
use bgp_wire::{Decoded, Family, FamilySet, SessionContext};
use rib::{Inbound, PeerIdx, Rib, Walk};
use socket2::SockRef;
use tokio::io::Ready;
use tokio::net::TcpStream;

use super::PeerTask;
use super::restart::{tell, walk_of};
use super::route_targets::speaks_of_route_targets;
use crate::speaker::connection::READ_BUFFER;
use crate::speaker::malformed::MalformedLog;
use crate::speaker::settings::Settings;

/// Destinations that a walk handles before other tasks get a turn.
const WALK_BUDGET: usize = 16 * 1024;

/// Hands decoded UPDATEs to the RIB's batch.
struct Sink<'a> {
    inbound: &'a mut Inbound,
    rib: &'a Rib,
    idx: &'a mut PeerIdx,
    settings: &'a Settings,
    negotiated: &'a mut Option<Arc<Negotiated>>,
    walks: &'a mut VecDeque<Walk>,
    helper: &'a mut Helper,
    malformed: &'a mut MalformedLog,
    /// Whether any of it spoke of route targets.
    memberships: &'a mut bool,
}

impl Sink<'_> {
    fn take_steps(&mut self, steps: impl IntoIterator<Item = StaleStep>) {
        let now = Instant::now();
        for step in steps {
            tell(step, self.helper, now);
            let walk = walk_of(step, self.inbound, self.rib, *self.idx);
            self.walks.push_back(walk);
        }
    }
}

impl UpdateSink for Sink<'_> {
    /// What the old session told is stale before the new one tells anything.
    fn superseded(&mut self) {
        let Some(old) = self.negotiated.take() else {
            return;
        };
        let limits = self.settings.stale_limits();
        let (why, now) = (DownReason::Superseded, Instant::now());
        let steps = self.helper.handle_down(&why, &old, limits, now);
        self.take_steps(steps);
    }

    /// The RIB must know whose paths they are before the first one, which may have come with the KEEPALIVE.
    fn established(&mut self, session: &Arc<Negotiated>) {
        let steps = self.helper.handle_established(session);
        self.take_steps(steps);
        let info = self.settings.peer_info(Some(session));
        let known = self.rib.update_peer(*self.idx, info);
        if known != *self.idx {
            // Another router has its address: what the one before told was not told by this one.
            self.helper.forget_all();
            self.take_steps([StaleStep::RemoveAll]);
        }
        *self.idx = known;
        self.inbound.set_peer(known);
        *self.negotiated = Some(Arc::clone(session));
        self.malformed.session_begins();
    }

    fn update(&mut self, decoded: &Decoded<'_>, ctx: &SessionContext) {
        *self.memberships |= speaks_of_route_targets(decoded);
        self.inbound.update(self.rib, decoded, ctx);
        if let Some(family) = decoded.update.end_of_rib {
            let step = self.helper.handle_end_of_rib(family);
            self.take_steps(step);
        }
    }

    fn disable(&mut self, families: FamilySet) {
        self.helper.forget(families);
        self.walks
            .push_back(self.inbound.remove(self.rib, families));
    }

    fn refresh_begins(&mut self, family: Family) {
        self.walks
            .push_back(self.inbound.mark_stale(self.rib, family));
    }

    fn refresh_ends(&mut self, family: Family) {
        self.walks
            .push_back(self.inbound.sweep_stale(self.rib, family));
    }

    fn malformed(&mut self, bad: &Malformed<'_>) {
        let now = Instant::now();
        self.malformed.note(bad, now);
    }

    /// A walk over the table takes its time, and is the task's to do.
    fn pauses(&self) -> bool {
        !self.walks.is_empty()
    }
}

impl PeerTask {
    pub(super) fn socket(&mut self, slot: usize, ready: io::Result<Ready>) {
        match ready {
            Ok(ready) if ready.is_readable() => {
                self.read(slot, |stream, buffer| stream.try_read(buffer))
            }
            Ok(_) => {} // writing is settle's business
            Err(_) => {
                if let Some(connection) = self.connections[slot].take() {
                    self.peer.handle_closed(connection.id, Instant::now());
                }
            }
        }
    }

    /// Reads what lies in the sockets, whether or not their readiness was noticed yet.
    pub(super) fn read_all(&mut self) {
        for slot in 0..self.connections.len() {
            self.read(slot, |stream, buffer| {
                (&*SockRef::from(stream)).read(buffer)
            });
        }
    }

    /// One read and everything that follows from it.
    fn read(&mut self, slot: usize, read: impl Fn(&TcpStream, &mut [u8]) -> io::Result<usize>) {
        let now = Instant::now();
        let closed = READ_BUFFER.with_borrow_mut(|buffer| {
            let connection = self.connections[slot].as_ref()?;
            if !connection.unused.is_empty() {
                return None;
            }
            let id = connection.id;
            match read(&connection.stream, buffer) {
                Ok(0) => Some(id),
                Ok(count) => {
                    self.take_in(id, &buffer[..count], now);
                    None
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted => None,
                    _ => Some(id),
                },
            }
        });
        self.changed = true;
        if let Some(id) = closed {
            self.connections[slot] = None;
            self.peer.handle_closed(id, now);
        }
    }

    /// Bytes of a connection go to the machine, and what they change to the tables.
    fn take_in(&mut self, id: ConnId, bytes: &[u8], now: Instant) {
        let mut memberships = false;
        let mut sink = Sink {
            inbound: &mut self.inbound,
            rib: &self.rib,
            idx: &mut self.idx,
            settings: &self.settings,
            negotiated: &mut self.negotiated,
            walks: &mut self.walks,
            helper: &mut self.helper,
            malformed: &mut self.malformed,
            memberships: &mut memberships,
        };
        let used = self.peer.handle_bytes(id, bytes, now, &mut sink);
        let flushed = self.inbound.flush(&self.rib);
        if memberships {
            self.memberships_changed();
        }
        let applied = flushed.announced + flushed.withdrawn;
        if applied > 0 {
            self.stats.inbound_batch.observe(applied as f64);
            self.last_update = Some(now);
        }
        let dropped = flushed.dropped as u64;
        if dropped > 0 {
            self.stats
                .paths_dropped
                .fetch_add(dropped, Ordering::Relaxed);
            if let Some(unsaid) = self.dropped.count(dropped, now) {
                tracing::warn!(
                    dropped,
                    unsaid,
                    "paths were not taken: a prefix may have 255 of one peer, and 4,095 of all; they are not there until told again"
                );
            }
        }
        if let Some(connection) = self.connection(id) {
            connection.unused = bytes[used..].to_vec();
        }
        self.watch_limits();
    }

    /// Walks the table where that has to come before what was read further on, then goes on with that. True if there was
    /// something to do.
    pub(super) async fn go_on(&mut self) -> bool {
        if self.walks.is_empty() {
            return false;
        }
        self.finish_walks().await;
        // It may have taken stale memberships away.
        self.memberships_changed();
        for slot in 0..self.connections.len() {
            if let Some(connection) = self.connections[slot].as_mut() {
                let (id, bytes) = (connection.id, std::mem::take(&mut connection.unused));
                self.take_in(id, &bytes, Instant::now());
            }
        }
        true
    }

    /// Walks the table in slices, so that other tasks of this thread get their turns.
    pub(super) async fn walk(&self, mut walk: Walk) {
        while !walk.step(&self.rib, WALK_BUDGET) {
            tokio::task::yield_now().await;
        }
    }
}
