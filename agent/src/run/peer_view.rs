//! A peer's snapshot in the words of those who ask: people (`show`), statuses, readiness.

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use ::bfd::SessionView;
use bgp_session::{Negotiated, PeerStats, Stamped, State};
use bgp_wire::{Capability, Family, FamilySet};
use jiff::Timestamp;

use crate::control::dynamic::{DynamicView, EndedLimitView, EndedView};
use crate::control::sessions::{
    BfdSessionView, BfdView, DispositionCounts, EventView, InterfaceView, MessageCounts,
    NegotiatedView, PeerFamilyView, PeerView, PrefixLimitView, SessionState, TcpAoKeyView,
    TcpAoView,
};
use crate::desired::{
    AoKeys, Authentication, BfdState, DynamicState, FamilyCounts, InterfaceState, LimitAction,
    PeerKey, PeerState, RemoteAs, Router, Ttl,
};
use crate::ndp::Sighting;
use crate::observe::readiness::PeerFacts;
use crate::speaker::{
    DynamicSession, DynamicSnapshot, KeysInUse, LimitStatus, PeerSnapshot, wall_clock,
};

/// For `show peers`, `show peer` and the metrics.
pub(super) fn view(
    key: &PeerKey,
    snapshot: &PeerSnapshot,
    group: Option<String>,
    bfd: Option<SessionView>,
    now: Instant,
) -> PeerView {
    let (peer, router) = (snapshot.settings.peer(), snapshot.settings.router());
    let internal = peer.remote_as.is_internal(router.local_as);
    let negotiated = snapshot.negotiated.as_deref();
    PeerView {
        name: short(&key.peer),
        router: key.router.to_string(),
        dynamic: None,
        description: peer.description.clone(),
        address: snapshot.settings.known_address(),
        interface: snapshot.settings.sighting().map(interface),
        remote_port: peer.remote_port,
        local_as: snapshot.settings.local_as().0,
        remote_as: match (negotiated, peer.remote_as) {
            (Some(negotiated), _) => Some(negotiated.remote_as.0),
            (None, RemoteAs::Asn(asn)) => Some(asn.0),
            (None, RemoteAs::Internal) => Some(router.local_as.0),
            (None, RemoteAs::External) => None,
        },
        kind: if internal { "internal" } else { "external" }.to_owned(),
        state: session_state(snapshot.state),
        idle_reason: snapshot.idle_reason.map(|reason| reason.to_string()),
        shutdown: peer.shutdown.clone(),
        since: since(snapshot, now),
        state_seconds: now.saturating_duration_since(snapshot.since).as_secs(),
        flaps: snapshot.stats.flaps,
        next_retry_seconds: snapshot
            .next_retry
            .map(|due| due.saturating_duration_since(now).as_secs_f64().ceil() as u64),
        passive: peer.passive,
        not_let_in: snapshot
            .not_let_in
            .as_ref()
            .map(|refused| refused.why.to_string()),
        password: peer
            .authentication
            .as_ref()
            .is_some_and(|a| a.md5().is_some()),
        tcp_ao: peer
            .authentication
            .as_ref()
            .and_then(Authentication::ao)
            .map(|keys| tcp_ao(keys, snapshot.keys_in_use)),
        ttl: match peer.ttl {
            Ttl::Direct => "1".to_owned(),
            Ttl::Multihop(ttl) => format!("multihop {ttl}"),
            Ttl::Security(1) => "security 1 hop".to_owned(),
            Ttl::Security(hops) => format!("security {hops} hops"),
        },
        families: families(snapshot, now),
        received: messages(snapshot.stats.received),
        sent: messages(snapshot.stats.sent),
        dispositions: dispositions(&snapshot.stats),
        negotiated: negotiated.map(agreed),
        last_down: snapshot
            .errors
            .down
            .as_ref()
            .map(|event| happened(event, now)),
        last_failure: snapshot.failure_since_down().map(|event| EventView {
            text: snapshot.words(&event.what),
            ..happened(event, now)
        }),
        last_notification_sent: snapshot
            .errors
            .sent
            .as_ref()
            .map(|event| happened(event, now)),
        last_notification_received: snapshot
            .errors
            .received
            .as_ref()
            .map(|event| happened(event, now)),
        last_malformed_update: snapshot
            .malformed
            .as_ref()
            .map(|event| happened(event, now)),
        bfd: snapshot.bfd.as_ref().map(|status| BfdView {
            state: status.state.to_string(),
            state_seconds: now.saturating_duration_since(status.since).as_secs(),
            multi_hop: peer.bfd.is_some_and(|bfd| bfd.multi_hop),
            error: status.error.clone(),
            failures: status.failures,
            last_failure: status.last_failure.map(|failure| EventView {
                text: failure.why.to_string(),
                at: timestamp(wall_clock(failure.at, now)).unwrap_or(Timestamp::UNIX_EPOCH),
                seconds_ago: now.saturating_duration_since(failure.at).as_secs(),
            }),
            session: bfd.map(bfd_session),
        }),
        export_group: group,
    }
}

fn interface(seen: &Sighting) -> InterfaceView {
    InterfaceView {
        name: seen.interface.to_string(),
        neighbour: seen.scoped(),
        others: seen.others.clone(),
        text: seen.to_string(),
    }
}

fn bfd_session(session: SessionView) -> BfdSessionView {
    let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
    let remote = session.remote;
    BfdSessionView {
        local: Some(session.path.local),
        discriminator: session.discriminator,
        diagnostic: session.diagnostic.to_string(),
        remote_discriminator: remote.discriminator,
        remote_state: remote.state.to_string(),
        remote_diagnostic: remote.diagnostic.to_string(),
        remote_authentication: remote.authentication.map(|kind| {
            kind.map_or_else(|| "of an unknown type".to_owned(), |kind| kind.to_string())
        }),
        tx_interval_microseconds: session.tx_interval.map(micros),
        detection_time_microseconds: session.detection_time.map(micros),
        sent: session.sent,
        received: session.received,
    }
}

/// Counts of the families that were negotiated; zeros for those that are only configured, so that no series comes and goes
/// with the session.
fn families(snapshot: &PeerSnapshot, now: Instant) -> Vec<PeerFamilyView> {
    let negotiated = snapshot.families.iter().map(|family| PeerFamilyView {
        family: family.family.to_string(),
        received: family.received,
        accepted: family.accepted,
        advertised: family.advertised,
        end_of_rib_received: family.end_of_rib_received,
        disabled: family.disabled,
        not_negotiated: false,
        no_next_hop: family.no_next_hop,
        stale: family.stale,
        stale_seconds: family
            .restart
            .map(|stale| stale.until.saturating_duration_since(now).as_secs()),
        long_lived: family.restart.is_some_and(|stale| stale.long_lived),
        limit: limit_of(snapshot, family.family).map(limit_view),
    });
    let known = |family| {
        snapshot
            .families
            .iter()
            .any(|counts| counts.family == family)
    };
    let configured = snapshot.settings.peer().families.iter();
    let without = configured
        .filter(|config| !known(config.family))
        .map(|config| PeerFamilyView {
            family: config.family.to_string(),
            limit: limit_of(snapshot, config.family).map(limit_view),
            not_negotiated: snapshot.negotiated.is_some(),
            ..PeerFamilyView::default()
        });
    negotiated.chain(without).collect()
}

fn limit_of(snapshot: &PeerSnapshot, family: Family) -> Option<&LimitStatus> {
    let mut limits = snapshot.limits.iter();
    limits.find(|status| status.limit.family == family)
}

fn limit_view(status: &LimitStatus) -> PrefixLimitView {
    PrefixLimitView {
        limit: status.limit.limit.into(),
        action: match status.limit.action {
            LimitAction::Shutdown(_) => "shutdown",
            LimitAction::Warn => "warn",
            LimitAction::Discard => "discard",
        }
        .to_owned(),
        after_policy: status.limit.after_policy,
        exceeded: status.exceeded,
        discarded: status.discarded,
        discarded_ever: status.discarded_ever,
    }
}

/// For the status of the BGPPeer.
pub(super) fn state(snapshot: &PeerSnapshot) -> PeerState {
    PeerState {
        state: snapshot.state.to_string().into(),
        idle_reason: snapshot.idle_reason.map(|reason| reason.to_string().into()),
        last_established: snapshot.last_established,
        last_error: snapshot
            .last_error()
            .map(|error| snapshot.words(&error.what)),
        flaps: snapshot.stats.flaps,
        restarting: snapshot
            .families
            .iter()
            .any(|family| family.restart.is_some()),
        local_address: snapshot
            .negotiated
            .as_ref()
            .map(|n| n.local.ip().to_canonical()),
        families: snapshot
            .families
            .iter()
            .map(|family| FamilyCounts {
                family: family.family,
                received: family.received,
                accepted: family.accepted,
                advertised: family.advertised,
                stale: family.restart.map(|_| family.stale),
                limit: limit_of(snapshot, family.family).map(|status| status.limit.limit.into()),
                over_limit: limit_of(snapshot, family.family).is_some_and(|status| {
                    let counted = match status.limit.after_policy {
                        true => family.accepted,
                        false => family.received,
                    };
                    counted > status.limit.limit.into()
                }),
                discarded: limit_of(snapshot, family.family)
                    .map(|status| status.discarded)
                    .filter(|discarded| *discarded > 0),
                no_next_hop: family.no_next_hop,
                disabled: family.disabled,
            })
            .collect(),
        not_offered: snapshot
            .negotiated
            .as_ref()
            .map_or_else(Vec::new, |negotiated| {
                snapshot.settings.not_offered(negotiated)
            }),
        bfd: snapshot.bfd.as_ref().map(|status| BfdState {
            state: status.state.as_str().into(),
            error: status.error.clone(),
        }),
        interface: snapshot.settings.sighting().map(|seen| InterfaceState {
            name: Arc::clone(&seen.interface),
            neighbour: seen.scoped(),
            missing: seen.reason(),
            told: (seen.reason().is_some() || !seen.others.is_empty()).then(|| seen.to_string()),
        }),
        not_let_in: snapshot.not_let_in.clone(),
    }
}

/// For `show peers`: dynamic neighbours, beside their sessions.
pub(super) fn dynamic(router: &Router, one: &DynamicSnapshot) -> DynamicView {
    let config = &one.config;
    let up = |session: &&DynamicSession| session.snapshot.lock().state == State::Established;
    let (like, signed) = (config.sessions.first(), config.authentication());
    let internal = like.is_some_and(|peer| peer.remote_as.is_internal(router.local_as));
    let ended = &one.ended;
    DynamicView {
        name: short(&config.key.peer),
        router: config.key.router.to_string(),
        description: like.and_then(|peer| peer.description.clone()),
        prefixes: config.prefixes.iter().map(ToString::to_string).collect(),
        local_as: like
            .and_then(|peer| peer.local_as)
            .map_or(router.local_as, |local| local.asn)
            .0,
        remote_as: like.and_then(|peer| match peer.remote_as {
            RemoteAs::Asn(asn) => Some(asn.0),
            RemoteAs::Internal => Some(router.local_as.0),
            RemoteAs::External => None,
        }),
        kind: if internal { "internal" } else { "external" }.to_owned(),
        password: signed.and_then(Authentication::md5).is_some(),
        tcp_ao: signed
            .and_then(Authentication::ao)
            .map(|keys| tcp_ao(keys, None)),
        shutdown: config.shutdown().map(str::to_owned),
        limit: config.limit,
        sessions: one.sessions.len() as u64,
        established: one.sessions.iter().filter(up).count() as u64,
        refused: one.refused,
        full: one.full,
        ended: EndedView {
            flaps: ended.stats.flaps,
            received: messages(ended.stats.received),
            sent: messages(ended.stats.sent),
            dispositions: dispositions(&ended.stats),
            bfd_failures: ended.bfd_failures,
            limits: ended
                .limits
                .iter()
                .map(|(family, (exceeded, discarded))| EndedLimitView {
                    family: family.to_string(),
                    exceeded: *exceeded,
                    discarded: *discarded,
                })
                .collect(),
        },
    }
}

/// For the status of the BGPPeer.
pub(super) fn dynamic_state(one: &DynamicSnapshot) -> DynamicState {
    let sessions = one.sessions.iter().map(|session| {
        let snapshot = session.snapshot.lock();
        (snapshot.settings.peer().address, state(&snapshot))
    });
    let all = DynamicState::of(sessions);
    DynamicState {
        refused: one.refused,
        full: one.full,
        flaps: all.flaps + one.ended.stats.flaps,
        ..all
    }
}

fn dispositions(stats: &PeerStats) -> DispositionCounts {
    DispositionCounts {
        none: stats.findings.none,
        attribute_discard: stats.findings.attribute_discard,
        treat_as_withdraw: stats.findings.treat_as_withdraw,
        afi_safi_disable: stats.findings.afi_safi_disable,
        session_reset: stats.findings.session_reset,
        not_used: stats.findings.not_used,
    }
}

/// For `/readyz`.
pub(super) fn facts(key: &PeerKey, snapshot: &PeerSnapshot, now: Instant) -> PeerFacts {
    let established = (snapshot.state == State::Established)
        .then(|| now.saturating_duration_since(snapshot.since));
    PeerFacts {
        name: key.to_string(),
        enabled: snapshot.settings.peer().shutdown.is_none(),
        state: snapshot.state.to_string(),
        established,
        quiet: now.saturating_duration_since(snapshot.last_update.unwrap_or(snapshot.since)),
        sends_end_of_rib: snapshot
            .negotiated
            .as_ref()
            .is_some_and(|negotiated| negotiated.restart.is_some()),
        missing_end_of_rib: snapshot
            .families
            .iter()
            .filter(|family| !family.end_of_rib_received && !family.disabled)
            .map(|family| family.family.to_string())
            .collect(),
    }
}

/// `namespace/name`, without the namespace when it is `default`.
pub(super) fn short(key: &str) -> String {
    key.strip_prefix("default/").unwrap_or(key).to_owned()
}

fn session_state(state: State) -> SessionState {
    match state {
        State::Idle => SessionState::Idle,
        State::Connect => SessionState::Connect,
        State::Active => SessionState::Active,
        State::OpenSent => SessionState::OpenSent,
        State::OpenConfirm => SessionState::OpenConfirm,
        State::Established => SessionState::Established,
    }
}

fn messages(counts: bgp_session::MessageCounts) -> MessageCounts {
    MessageCounts {
        open: counts.open,
        update: counts.update,
        notification: counts.notification,
        keepalive: counts.keepalive,
        route_refresh: counts.route_refresh,
    }
}

fn agreed(negotiated: &Negotiated) -> NegotiatedView {
    let ctx = &negotiated.ctx;
    NegotiatedView {
        local: Some(negotiated.local),
        remote: Some(negotiated.remote),
        remote_router_id: negotiated.remote_router_id.to_string(),
        hold_seconds: negotiated.hold_time.secs(),
        keepalive_seconds: negotiated.keepalive.map_or(0, |keepalive| {
            u16::try_from(keepalive.as_secs()).unwrap_or(u16::MAX)
        }),
        families: names(ctx.families),
        add_path_receive: names(ctx.add_path_receive),
        add_path_send: names(ctx.add_path_send),
        extended_next_hop: names(ctx.extended_next_hop),
        four_octet_as: ctx.asn4,
        max_message: u32::try_from(ctx.max_message).unwrap_or(u32::MAX),
        route_refresh: negotiated.route_refresh,
        enhanced_route_refresh: negotiated.enhanced_refresh,
        graceful_restart_seconds: negotiated
            .restart
            .as_ref()
            .filter(|restart| !restart.families.is_empty())
            .map(|restart| restart.restart_time.as_secs()),
        remote_capabilities: negotiated
            .remote_capabilities
            .iter()
            .map(ToString::to_string)
            .collect(),
        remote_host: negotiated.remote_capabilities.iter().find_map(
            |capability| match capability {
                Capability::Fqdn(name) => Some(name.hostname.clone()),
                _ => None,
            },
        ),
        remote_software: negotiated
            .remote_capabilities
            .iter()
            .find_map(|capability| match capability {
                Capability::SoftwareVersion(version) => Some(version.clone()),
                _ => None,
            }),
    }
}

fn names(families: FamilySet) -> Vec<String> {
    families.iter().map(|family| family.to_string()).collect()
}

fn happened<T: ToString>(event: &Stamped<T>, now: Instant) -> EventView {
    EventView {
        text: event.what.to_string(),
        at: timestamp(wall_clock(event.at, now)).unwrap_or(Timestamp::UNIX_EPOCH),
        seconds_ago: now.saturating_duration_since(event.at).as_secs(),
    }
}

/// When the session came into its state: as the status of the BGPPeer has it, where that has it too.
fn since(snapshot: &PeerSnapshot, now: Instant) -> Option<Timestamp> {
    let noted = snapshot.last_established;
    let noted = noted.filter(|_| snapshot.state == State::Established);
    timestamp(noted.unwrap_or_else(|| wall_clock(snapshot.since, now)))
}

/// Whole seconds: nobody reads more of a time of day. What is left over is cut off, as in statuses, and as of the time that has
/// passed since.
fn timestamp(at: SystemTime) -> Option<Timestamp> {
    let at = Timestamp::try_from(at).ok()?;
    Timestamp::from_second(at.as_second()).ok()
}

fn tcp_ao(keys: &AoKeys, in_use: Option<KeysInUse>) -> TcpAoView {
    let keys = keys.iter().map(|key| TcpAoKeyView {
        send_id: key.send_id,
        recv_id: key.recv_id,
        algorithm: key.algorithm.to_string(),
    });
    TcpAoView {
        keys: keys.collect(),
        signing: in_use.map(|keys| keys.send),
        asking: in_use.map(|keys| keys.asked),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `metav1.Time` is cut to whole seconds when it is written.
    #[test]
    fn a_moment_is_cut_to_the_second_that_statuses_have() {
        for millis in [0, 1, 499, 500, 999] {
            let at = SystemTime::UNIX_EPOCH + Duration::from_millis(1_794_000_000_000 + millis);
            let shown = timestamp(at).unwrap();
            assert_eq!(shown.to_string(), "2026-11-06T21:20:00Z", "{millis} ms");
        }
    }
}
