//! What the speaker lets others see, and of each peer its task: plain data, newest state only.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bgp_session::{
    ConnectFailure, DownReason, IdleReason, LastErrors, Negotiated, PeerStats, StaleFamily,
    Stamped, State,
};
use bgp_wire::Family;
use parking_lot::Mutex;
use rib::{PeerIdx, Rib};
use tokio::sync::Notify;

use super::dynamic::DynamicSessions;
use super::prefix_limits::LimitStatus;
use super::settings::Settings;
use super::tcp_ao::KeysInUse;
use crate::desired::{
    Authentication, NotLetIn, Origination, OriginationKey, PeerKey, Router, RouterKey,
};

/// Rung when something changed that statuses speak of: a state, a reason, a count that was zero.
#[derive(Debug, Clone, Default)]
pub struct SpeakerEvents(Arc<Notify>);

impl SpeakerEvents {
    /// Something changed.
    pub fn notify(&self) {
        self.0.notify_one();
    }

    /// Waits for the next change. Cancel-safe.
    pub async fn changed(&self) {
        self.0.notified().await;
    }
}

/// One family of an established session, or of one that is to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilySnapshot {
    /// Which.
    pub family: Family,
    /// Paths in the Adj-RIB-In.
    pub received: u64,
    /// Those that import let through.
    pub accepted: u64,
    /// Prefixes that the peer was told.
    pub advertised: u64,
    /// The peer has sent all its routes once (RFC 4724 §2).
    pub end_of_rib_received: bool,
    /// Paths that were told before the session ended and have not been told again.
    pub stale: u64,
    /// Until when those are kept.
    pub restart: Option<StaleFamily>,
    /// Its routes could not be read, and are ignored until the session ends (RFC 4760 §7).
    pub disabled: bool,
    /// We have no next hop of our own for it: routes that need one are not told.
    pub no_next_hop: bool,
}

impl FamilySnapshot {
    /// Takes the counts that the tables have now.
    pub(super) fn count(&mut self, rib: &Rib, idx: PeerIdx) {
        let counts = rib.peer_counts(idx, self.family);
        self.received = counts.received.into();
        self.accepted = counts.accepted.into();
        self.stale = counts.stale.into();
        self.advertised = rib.advertised(idx, self.family).into();
    }
}

/// The state of one peer.
#[derive(Debug, Clone)]
pub struct PeerSnapshot {
    /// Its configuration.
    pub settings: Settings,
    /// Its number in the router's RIB.
    pub idx: PeerIdx,
    /// The state of the session.
    pub state: State,
    /// Why it is Idle, if it is.
    pub idle_reason: Option<IdleReason>,
    /// Since when it is in this state.
    pub since: Instant,
    /// When the session was last Established.
    pub last_established: Option<SystemTime>,
    /// When the last UPDATE of this session came.
    pub last_update: Option<Instant>,
    /// When the next attempt is due.
    pub next_retry: Option<Instant>,
    /// What both sides agreed on, while Established.
    pub negotiated: Option<Arc<Negotiated>>,
    /// Which keys of TCP-AO sign the session, while Established.
    pub keys_in_use: Option<KeysInUse>,
    /// Why the listener does not take its connections, where it does not. It is the speaker that says so, not the peer's task.
    pub not_let_in: Option<NotLetIn>,
    /// Counters.
    pub stats: PeerStats,
    /// What went wrong last.
    pub errors: Arc<LastErrors>,
    /// What was wrong with the last malformed UPDATE.
    pub malformed: Option<Stamped<String>>,
    /// Families of the session, or those whose routes are kept while there is none.
    pub families: Vec<FamilySnapshot>,
    /// How the limits of its prefixes fare.
    pub limits: Vec<LimitStatus>,
    /// BFD, where it watches over the path.
    pub bfd: Option<crate::bfd::Status>,
}

impl PeerSnapshot {
    /// A peer whose task has not started yet.
    pub(super) fn unstarted(settings: Settings, now: Instant) -> Self {
        Self {
            settings,
            idx: PeerIdx::LOCAL,
            state: State::Idle,
            idle_reason: Some(IdleReason::NotStarted),
            since: now,
            last_established: None,
            last_update: None,
            next_retry: None,
            negotiated: None,
            keys_in_use: None,
            not_let_in: None,
            stats: PeerStats::default(),
            errors: Arc::default(),
            malformed: None,
            families: Vec::new(),
            limits: Vec::new(),
            bfd: None,
        }
    }

    /// Whether people who read statuses see a difference.
    pub(super) fn differs_visibly(&self, new: &Self) -> bool {
        let counts = |snapshot: &Self| -> Vec<_> { snapshot.families.clone() };
        self.state != new.state
            || self.idle_reason != new.idle_reason
            || self.last_established != new.last_established
            || self.errors != new.errors
            || counts(self) != counts(new)
            || self.limits != new.limits
            || self.bfd != new.bfd
            || self.settings.sighting() != new.settings.sighting()
    }

    /// Takes the counts of prefixes that the tables have now: those of the peer's task are up to half a second old.
    pub(crate) fn count(&mut self, rib: &Rib) {
        for family in &mut self.families {
            family.count(rib, self.idx);
        }
    }

    /// Why there is no session now, or if there is one, why the one before it ended.
    pub fn last_error(&self) -> Option<&Stamped<DownReason>> {
        let failure = self.failure_since_down();
        let failure = failure.filter(|_| self.state != State::Established);
        failure.or(self.errors.down.as_ref())
    }

    /// What happened, in words, and what may be behind it: a segment whose signature is not the expected one is dropped without an
    /// answer (RFC 2385 section 2.0, RFC 5925 section 7.3).
    pub fn words(&self, what: &DownReason) -> String {
        let hint = match &self.settings.peer().authentication {
            Some(Authentication::Md5(_)) => "another password, or none",
            Some(Authentication::Ao(_)) => "other keys, or none",
            None => return what.to_string(),
        };
        match what {
            DownReason::ConnectFailed(ConnectFailure::TimedOut) => {
                format!("{what}; a neighbour that has {hint}, does not answer")
            }
            _ => what.to_string(),
        }
    }

    /// Why it last failed to come up, if that was after it last went down.
    pub fn failure_since_down(&self) -> Option<&Stamped<DownReason>> {
        let failure = self.errors.failure.as_ref();
        failure.filter(|failure| self.errors.down.as_ref() != Some(failure))
    }
}

/// A router as others see it.
#[derive(Clone)]
pub struct RouterSnapshot {
    /// Its configuration.
    pub config: Arc<Router>,
    /// Its tables.
    pub rib: Arc<Rib>,
    /// The port that it listens on.
    pub port: Option<u16>,
    /// Why it does not listen on the port that it should.
    pub listen_error: Option<String>,
    /// Prefixes it originates.
    pub originated: u64,
}

/// A copy of everything that the speaker lets others see.
#[derive(Clone, Default)]
pub struct SpeakerSnapshot {
    /// Routers.
    pub routers: BTreeMap<RouterKey, RouterSnapshot>,
    /// Sessions. Each is its task's newest state, behind a lock that is held for a copy.
    pub peers: BTreeMap<PeerKey, Arc<Mutex<PeerSnapshot>>>,
    /// Sessions with dynamic neighbours, which come and go.
    pub dynamic: BTreeMap<PeerKey, Arc<DynamicSessions>>,
    /// What each advertisement originates.
    pub originations: BTreeMap<OriginationKey, Arc<Origination>>,
}

/// The time of day at which `at` was, seen from `now`.
pub fn wall_clock(at: Instant, now: Instant) -> SystemTime {
    let clock = SystemTime::now();
    let ago = now.checked_duration_since(at).unwrap_or(Duration::ZERO);
    clock.checked_sub(ago).unwrap_or(clock)
}
