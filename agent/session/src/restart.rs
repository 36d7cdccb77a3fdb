//! Graceful restart in the OPENs: what we say of our restarts, and what the peer says of its own (RFC 4724, RFC 8538,
//! RFC 9494). What becomes of routes meanwhile is `helper.rs`.

use std::time::{Duration, Instant};

use bgp_wire::{
    Capability, Family, FamilySet, GracefulRestart as RestartCapability, LongLivedFamily,
    Notification, Open,
};

use crate::collision::Side;
use crate::config::PeerConfig;
use crate::peer::Peer;
use crate::state::State;

/// Graceful restart as we offer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct GracefulRestart {
    /// How long the peer is to wait for us, in seconds.
    pub restart_time: u16,
    /// How long routes of the peer are kept at most without being told again, however often it restarts.
    pub stale_time: Duration,
    /// The families whose packets are forwarded without us, by the kernel.
    pub forwarding: FamilySet,
    /// How many seconds long-lived stale routes are kept: ours by the peer, and the peer's by us at most. `None`: long-lived
    /// graceful restart is not offered.
    pub long_lived: Option<u32>,
}

/// This process follows another one that had sessions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Restarted {
    /// When peers no longer wait for us.
    pub until: Instant,
    /// The families whose packets were forwarded all the time.
    pub forwarding: FamilySet,
}

/// What the peer says of its restarts, in a session where both sides have the capability.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerRestart {
    /// How long to wait for it.
    pub restart_time: Duration,
    /// It has restarted: it waits for our End-of-RIB, and must not be waited for.
    pub restarting: bool,
    /// NOTIFICATIONs do not end forwarding either, on both sides (RFC 8538).
    pub notification: bool,
    /// The families of the session whose routes are to be kept meanwhile.
    pub families: FamilySet,
    /// Those of them whose packets it forwarded all the time.
    pub forwarding: FamilySet,
    /// Long-lived graceful restart, if both sides offer it: families of the session.
    pub long_lived: Option<Vec<LongLivedFamily>>,
}

impl PeerRestart {
    /// What the peer's OPEN says, if ours has the capability.
    pub(crate) fn of(config: &PeerConfig, open: &Open, session: FamilySet) -> Option<Self> {
        let ours = config.graceful_restart.as_ref();
        if ours.is_none() && !config.restart_helper {
            return None;
        }
        // RFC 4724 §3: "If more than one instance of the Graceful Restart Capability is carried in the capability
        // advertisement, the receiver of the advertisement MUST ignore all but the last instance".
        let capabilities = || open.capabilities.iter().rev();
        let said = capabilities().find_map(|capability| match capability {
            Capability::GracefulRestart(said) => Some(said),
            _ => None,
        })?;
        let of_session = |forwarding: bool| -> FamilySet {
            let listed = said.families.iter().filter(|(_, f)| *f || !forwarding);
            let listed: FamilySet = listed.map(|(family, _)| *family).collect();
            listed.intersection(session)
        };
        // RFC 9494 §4.5: without the other capability this one counts as not received.
        let long_lived = capabilities().find_map(|capability| match capability {
            Capability::LongLivedGracefulRestart(families) => Some(families),
            _ => None,
        });
        let long_lived = long_lived.filter(|_| ours.is_some_and(|ours| ours.long_lived.is_some()));
        let in_session = |one: &&LongLivedFamily| session.contains(one.family);
        Some(Self {
            restart_time: Duration::from_secs(said.restart_time.into()),
            restarting: said.restarting,
            // RFC 8538 §4: only where both have said it. A helper alone has not.
            notification: said.notification && ours.is_some(),
            families: of_session(false),
            forwarding: of_session(true),
            long_lived: long_lived
                .map(|families| families.iter().filter(in_session).copied().collect()),
        })
    }

    /// What it says of long-lived graceful restart in a family.
    pub fn long_lived(&self, family: Family) -> Option<&LongLivedFamily> {
        let mut families = self.long_lived.iter().flatten();
        families.find(|one| one.family == family)
    }
}

/// What our OPEN says of our restarts. `restarting`: the R bit, of which RFC 4724 §4.2 says that it "MUST NOT be set unless the
/// Receiving Speaker has restarted". `forwarding`: the F bits.
pub(crate) fn own_capabilities(
    config: &PeerConfig,
    restarting: bool,
    forwarding: FamilySet,
) -> impl Iterator<Item = Capability> {
    let families = || config.families.iter().map(|f| f.family);
    let graceful = config.graceful_restart.map(|ours| {
        Capability::GracefulRestart(RestartCapability {
            restarting,
            notification: true,
            restart_time: ours.restart_time,
            families: families().map(|f| (f, forwarding.contains(f))).collect(),
        })
    });
    // RFC 4724 §3: "even if the speaker does not have the ability to preserve its forwarding state for any address family during BGP
    // restart, it is still recommended that the speaker advertise the Graceful Restart Capability to its peer [...] to indicate its
    // support for the generation of the End-of-RIB marker [...] and for the procedures of the Receiving Speaker". FRR sends
    // End-of-RIB to nobody else, and answers no ROUTE-REFRESH before it has.
    let graceful = graceful.or_else(|| {
        let helper = Capability::GracefulRestart(RestartCapability::default());
        config.restart_helper.then_some(helper)
    });
    // RFC 9494 §3.1: never without the other one.
    let long_lived = config.graceful_restart.and_then(|ours| ours.long_lived);
    let long_lived = long_lived.map(|stale_time| {
        let one = |family| LongLivedFamily {
            family,
            forwarding: forwarding.contains(family),
            stale_time,
        };
        Capability::LongLivedGracefulRestart(families().map(one).collect())
    });
    graceful.into_iter().chain(long_lived)
}

impl Peer {
    /// What the peer of an Established session says of its restarts.
    pub(crate) fn restart_of(&self, side: Side) -> Option<&PeerRestart> {
        let fsm = self.fsm(side);
        let established = fsm.state() == State::Established;
        let negotiated = fsm.phase.negotiated().filter(|_| established)?;
        negotiated.restart.as_ref()
    }

    /// Whether the other end of a connection may have routes of ours that it keeps: those of this session, or, before there is one,
    /// of the process before this one.
    pub(crate) fn may_keep_routes(&self, side: Side) -> bool {
        // Where we only help, nobody has been told to keep any.
        let ours = self.config.graceful_restart.is_some();
        match self.fsm(side).state() {
            State::Established => ours && self.restart_of(side).is_some(),
            _ => ours,
        }
    }

    /// The NOTIFICATION that ends a session whose routes are to go. RFC 8538 §4: any but a Hard Reset would have the peer keep
    /// them; §5.1 asks for one when the session is not to come back.
    pub(crate) fn for_good(&self, side: Side, notification: Notification) -> Notification {
        match self.restart_of(side) {
            Some(restart) if restart.notification => notification.into_hard_reset(),
            _ => notification,
        }
    }

    /// RFC 4724 §4.2: "In case it does not detect the termination of the old TCP session and still considers the BGP session as
    /// being established, it MUST treat the subsequent open connection from the peer as an indication of the termination of the
    /// old TCP session and act accordingly (when the Graceful Restart Capability has been received from the peer)."
    pub(crate) fn is_superseded_by_newcomers(&self, side: Side) -> bool {
        self.restart_of(side).is_some()
    }
}
