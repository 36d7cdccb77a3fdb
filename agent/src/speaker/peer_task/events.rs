//! EDGE. What the session machine says: a session begins, ends, or has sent something that others must know.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bgp_session::{ConnId, DownReason, Event, Negotiated};
use bgp_wire::{Family, FamilySet};
use rib::MemberQueue;

use super::footing::Footing;
use super::route_targets::Constraint;
use super::{Exporting, PeerTask};
use crate::speaker::exporter_task::ExporterCommand;
use crate::speaker::tcp_options::set_user_timeout;

/// When the kernel gives a connection up whose session has no timer that would (RFC 9687 section 3.2 has none for a hold time of 0).
const WITHOUT_HOLD_TIMER: Duration = Duration::from_secs(8 * 60);

impl PeerTask {
    pub(super) async fn event(&mut self, event: Event) {
        match event {
            Event::StateChanged(state) => {
                tracing::debug!(%state, "state changed");
                self.since = Instant::now();
                self.publish();
            }
            Event::Established(negotiated) => self.established(negotiated).await,
            Event::Down(reason) => {
                self.hold = None;
                match reason {
                    DownReason::Stopped(_) | DownReason::Reset(_) => {
                        tracing::info!(%reason, "session down");
                        self.will_not_come(&reason);
                    }
                    _ => tracing::warn!(%reason, "session down"),
                }
                self.down(&reason).await;
                self.publish();
            }
            Event::RefreshRequested(family) => {
                // Whoever asks often would fill the log.
                tracing::debug!(%family, "peer asks for its routes again");
                let demarcated = self.negotiated.as_ref().is_some_and(|n| n.enhanced_refresh);
                let member = self.idx;
                self.tell_exporter(ExporterCommand::Refresh {
                    member,
                    family,
                    demarcated,
                })
                .await;
            }
            // The table was told by the sink, in its place among the UPDATEs.
            Event::RefreshBegin(family) => {
                tracing::debug!(%family, "peer begins to send its routes again");
            }
            Event::RefreshEnd(family) => {
                tracing::debug!(%family, "peer has sent its routes again");
            }
            Event::EndOfRib(family) => {
                if family == Family::RTC {
                    self.memberships_complete();
                }
                if !self.end_of_rib.contains(&family) {
                    tracing::info!(%family, "peer has sent all its routes");
                    self.end_of_rib.push(family);
                    self.tell_deferral();
                    self.publish();
                }
            }
            Event::FamilyDisabled(family) => {
                tracing::error!(
                    %family,
                    "family disabled: its routes could not be read, those of the peer are gone, and what comes is ignored until the session ends"
                );
                self.disabled.insert(family);
                self.tell_deferral();
                self.publish();
            }
        }
    }

    async fn established(&mut self, negotiated: Arc<Negotiated>) {
        tracing::info!(
            remote = %negotiated.remote, asn = negotiated.remote_as.0,
            router_id = %negotiated.remote_router_id, "session established"
        );
        let not_offered = self.settings.not_offered(&negotiated);
        if !not_offered.is_empty() {
            let names: Vec<String> = not_offered.iter().map(ToString::to_string).collect();
            tracing::warn!(
                families = names.join(" "),
                "the neighbour does not offer all families that are configured"
            );
        }
        // It may be over already: the events of one read are told together.
        let Some(connection) = self.peer.session() else {
            return;
        };
        let mut connections = self.connections.iter().flatten();
        if let Some(session) = connections.find(|place| place.id == connection)
            && let Err(error) = set_user_timeout(
                &session.stream,
                negotiated.send_hold.unwrap_or(WITHOUT_HOLD_TIMER),
            )
        {
            tracing::debug!(%error, "cannot tell the kernel when to give up");
        }
        self.failures.established();
        self.hold = self.settings.hold();
        self.footing = Some(Footing::of(&self.settings, &negotiated));
        self.lost_link = None;
        self.last_established = Some(SystemTime::now());
        self.end_of_rib.clear();
        self.disabled = FamilySet::EMPTY;
        self.last_update = None;
        self.join(connection, &negotiated).await;
        self.tell_deferral();
        self.publish();
    }

    async fn join(&mut self, connection: ConnId, negotiated: &Negotiated) {
        let queue = Arc::new(MemberQueue::new(Arc::new(self.queue_bell.clone())));
        self.constraint = Constraint::of(negotiated, Instant::now());
        let key = self.settings.group_key(negotiated, self.wanted());
        self.tell_of_next_hops(negotiated, &key);
        self.exporting = Some(Exporting {
            connection,
            queue: Arc::clone(&queue),
            key: key.clone(),
        });
        self.tell_exporter(ExporterCommand::Join {
            member: self.idx,
            key: Box::new(key),
            queue,
        })
        .await;
    }

    /// Tells the peer nothing more.
    pub(super) async fn leave(&mut self) {
        if let Some(exporting) = self.exporting.take() {
            drop(exporting);
            self.tell_exporter(ExporterCommand::Leave { member: self.idx })
                .await;
        }
        self.constraint = None;
        self.no_next_hop = FamilySet::EMPTY;
        self.end_of_rib.clear();
        self.disabled = FamilySet::EMPTY;
    }
}
