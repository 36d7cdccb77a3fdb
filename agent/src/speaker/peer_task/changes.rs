//! EDGE. What changes around a session while it is there: its configuration, and with the addresses of the node what we say in it.

use std::sync::Arc;
use std::time::Instant;

use bgp_session::{Effect, ResetReason};
use rib::PeerInfo;

use super::PeerTask;
use super::footing::Footing;
use crate::speaker::exporter_task::ExporterCommand;
use crate::speaker::settings::Settings;
use crate::speaker::signature;
use crate::speaker::tcp_options::set_ttl;

impl PeerTask {
    pub(super) async fn configure(&mut self, settings: Settings) {
        let now = Instant::now();
        let differs = self.settings.session_differs(&settings);
        let moved = self.settings.found_differs(&settings);
        let session = settings.session();
        let before = std::mem::replace(&mut self.settings, settings);
        let other_ttl = before.ttl() != self.settings.ttl();
        if differs || moved || other_ttl {
            self.lost_link = None;
        }
        if !differs {
            self.change_keys(&before);
        }
        if other_ttl && !differs {
            self.change_ttl(now);
        }
        self.watch_path();
        let effect = self.peer.reconfigure(session, now);
        self.limits_changed();
        if differs && effect != Effect::Reset {
            // Addresses, ports and signatures belong to a connection from its first segment on.
            self.peer.reset(ResetReason::ConfigurationChange, now);
        } else if moved && effect != Effect::Reset {
            // Where there is no session, one that was just found is dialled at once.
            self.peer.reset(ResetReason::NeighbourChanged, now);
        }
        self.settle().await;
        if !self.settings.keeps_stale_routes() {
            self.keep_no_longer().await;
        }
        // Its timers may be others now.
        if let Some(negotiated) = self.peer.negotiated() {
            self.negotiated = Some(Arc::clone(negotiated));
        }
        // The peer's UPDATEs are read otherwise from now on.
        let reads_otherwise = matches!(effect, Effect::RefreshIn | Effect::RefreshBoth);
        self.review(reads_otherwise).await;
    }

    /// Has the connections that are there go on with the keys as they are now. What cannot is closed, and tried again.
    fn change_keys(&mut self, before: &Settings) {
        let (had, new) = (before.ao_keys(), self.settings.ao_keys());
        if had == new {
            return;
        }
        let mut lost = false;
        for connection in self.connections.iter().flatten() {
            let changed = connection
                .stream
                .peer_addr()
                .and_then(|to| signature::follow(&connection.stream, to.ip(), had, new));
            if let Err(error) = changed {
                tracing::warn!(%error, "the session cannot change to the keys of TCP-AO as they are now: it ends");
                lost = true;
            }
        }
        if lost {
            self.peer
                .reset(ResetReason::ConfigurationChange, Instant::now());
        }
    }

    /// Has the connections that are there go on with the TTL as it is now, and an attempt that is under way be made anew. A neighbour
    /// whose segments are not taken from now on (RFC 5082 §3) has a hold time to follow; the session does not end before.
    fn change_ttl(&mut self, now: Instant) {
        let rule = self.settings.ttl();
        let mut lost = false;
        for connection in self.connections.iter().flatten() {
            let remote = connection.stream.peer_addr();
            if let Err(error) = remote.and_then(|to| set_ttl(&connection.stream, to.ip(), rule)) {
                tracing::warn!(%error, "the session cannot change to the TTL as it is now: it ends");
                lost = true;
            }
        }
        if lost {
            self.peer.reset(ResetReason::ConfigurationChange, now);
        } else if self.connections.iter().all(Option::is_none) {
            self.peer.retry(now);
        }
        if let (Some(_), Some(negotiated)) = (&self.footing, &self.negotiated) {
            // Only a session over one hop stands on its link.
            self.footing = Some(Footing::of(&self.settings, negotiated));
        }
    }

    /// Has what was received and told judged by the rules as they are now, if these are others than they were.
    /// What was received is asked for `again` in any case.
    pub(super) async fn review(&mut self, again: bool) {
        self.changed = true;
        let Some(negotiated) = self.negotiated.clone() else {
            return;
        };
        let info = self.settings.peer_info(Some(&negotiated));
        let known = self.rib.peer(self.idx);
        let scope = |info: &PeerInfo| (info.link, info.one_hop);
        let moved = scope(&info) != scope(&known);
        let rules = |info: &PeerInfo| (info.allow_as_in, info.rules);
        let other_rules = again || moved || rules(&info) != rules(&known);
        let other_policy = info.import != known.import;
        self.idx = self.rib.update_peer(self.idx, info);
        if other_rules || other_policy {
            // Every set is there as it was received, so what it becomes now waits for no neighbour: some do not answer a request.
            self.import_again().await;
        }
        if other_rules {
            let mut families = negotiated.ctx.families.iter();
            let asked = families.all(|family| self.peer.request_refresh(family));
            if !asked && (again || moved) {
                // The peer cannot send its routes again but in a new session, and they would be read otherwise, or their next hops are
                // others.
                self.peer
                    .reset(ResetReason::ConfigurationChange, Instant::now());
            }
        }
        self.rekey().await;
    }

    /// Has what was received judged by the rules and policies as they are now.
    async fn import_again(&mut self) {
        self.walks.push_back(self.rib.reimport(self.idx));
        self.finish_walks().await;
        self.watch_limits();
    }

    /// Still the same session: what it was told is judged by the old rules and the new, if they differ.
    pub(super) async fn rekey(&mut self) {
        let Some(negotiated) = self.negotiated.clone() else {
            return;
        };
        let key = self.settings.group_key(&negotiated, self.wanted());
        self.tell_of_next_hops(&negotiated, &key);
        if let Some(exporting) = &mut self.exporting
            && exporting.key != key
        {
            exporting.key = key.clone();
            let (member, key) = (self.idx, Box::new(key));
            self.tell_exporter(ExporterCommand::Rekey { member, key })
                .await;
        }
    }
}
