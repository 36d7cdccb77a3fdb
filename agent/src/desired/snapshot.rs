//! How the node is doing: the plain facts that conditions are made of.
//!
//! The speaker and the kernel room fill a [`Snapshot`]; nothing here knows where a fact came from.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use bgp_wire::Family;

use super::types::{OriginationKey, PeerKey, RouterKey};

/// The state of everything that runs.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct Snapshot {
    /// The routers. One that is missing here has not been started.
    pub routers: BTreeMap<RouterKey, RouterState>,
    /// The sessions.
    pub peers: BTreeMap<PeerKey, PeerState>,
    /// Those with dynamic neighbours.
    pub dynamic: BTreeMap<PeerKey, DynamicState>,
    /// What is originated.
    pub originations: BTreeMap<OriginationKey, OriginationState>,
}

/// How a router is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RouterState {
    /// A listener is open, be it on the port of before, or none is wanted.
    pub listening: bool,
    /// What is wrong with the router as a whole (a port that cannot be bound), for people.
    pub error: Option<String>,
    /// The kernel's side; `None` while nothing is installed by this router.
    pub kernel: Option<KernelState>,
}

/// How a router's routes fare in the kernel.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct KernelState {
    /// Destinations that should be installed.
    pub wanted: u64,
    /// Destinations that are.
    pub installed: u64,
    /// Destinations that the kernel refused.
    pub failed: u64,
    /// Destinations with someone else's route in their way.
    pub blocked: u64,
    /// Destinations of which no next hop is reached.
    pub unresolved: u64,
    /// Destinations behind another router's.
    pub shadowed: u64,
    /// Best paths that are not to be installed, by rule: not among those above.
    pub excluded: u64,
    /// Destinations that are installed and to which the kernel prefers someone else's route.
    pub outranked: u64,
    /// The kernel's last error, with the destination.
    pub last_error: Option<String>,
    /// Why nothing is installed though it should be.
    pub denied: Option<String>,
}

/// How a session is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PeerState {
    /// `Idle`, `Connect`, `Active`, `OpenSent`, `OpenConfirm` or `Established` (RFC 4271 §8.2.2).
    pub state: Arc<str>,
    /// Why it is Idle: `BackOff`, `ConnectionRefused`, `HoldTimerExpired`, `AdminDown`.
    pub idle_reason: Option<Arc<str>>,
    /// When the session last became Established.
    pub last_established: Option<SystemTime>,
    /// The last thing that went wrong, for people.
    pub last_error: Option<String>,
    /// How many times the session has left Established.
    pub flaps: u64,
    /// Our address on the session.
    pub local_address: Option<IpAddr>,
    /// The routes of the neighbour are kept while it restarts.
    pub restarting: bool,
    /// Counts for each family that was negotiated, or that has routes which are kept.
    pub families: Vec<FamilyCounts>,
    /// Families that are configured and that the neighbour of an Established session has not offered.
    pub not_offered: Vec<Family>,
    /// BFD, where it is wanted.
    pub bfd: Option<BfdState>,
    /// Who is on the interface, where the neighbour is known by that.
    pub interface: Option<InterfaceState>,
    /// Why connections from the neighbour are not taken.
    pub not_let_in: Option<NotLetIn>,
}

/// Why connections from a neighbour are not taken.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NotLetIn {
    /// One word for it.
    pub reason: &'static str,
    /// For people.
    pub why: Arc<str>,
}

/// Who is on the interface of a session.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct InterfaceState {
    /// Its name.
    pub name: Arc<str>,
    /// The neighbour, as `fe80::1%eth0`.
    pub neighbour: Option<String>,
    /// One word for why there is none.
    pub missing: Option<&'static str>,
    /// Why there is none, or that there are others too, for people.
    pub told: Option<String>,
}

impl InterfaceState {
    /// The neighbour, or the name of the interface alone.
    #[must_use]
    pub fn shown(&self) -> &str {
        self.neighbour.as_deref().unwrap_or(&self.name)
    }
}

/// How BFD on a session is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BfdState {
    /// `AdminDown`, `Down`, `Init` or `Up` (RFC 5880 §6.2).
    pub state: Arc<str>,
    /// Why there is no BFD session, for people.
    pub error: Option<String>,
}

/// How the sessions with the dynamic neighbours of one object on one router are doing: of any number of them, as much as people read.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct DynamicState {
    /// How many there are.
    pub sessions: u64,
    /// How many of them are Established.
    pub established: u64,
    /// Neighbours that were refused because there were as many sessions as there may be.
    pub refused: u64,
    /// There are as many now, and somebody was refused since.
    pub full: bool,
    /// When one last became Established.
    pub last_established: Option<SystemTime>,
    /// How many times sessions have left Established.
    pub flaps: u64,
    /// Counts of all sessions together.
    pub families: Vec<FamilyCounts>,
    /// Those that fare worst, the worst first, at most [`WORST`](Self::WORST).
    pub worst: Vec<(IpAddr, PeerState)>,
}

impl DynamicState {
    /// How many of the worst are told of.
    pub const WORST: usize = crds::bounds::WORST_SESSIONS as usize;

    /// What is told of these sessions, each with its neighbour's address.
    #[must_use]
    pub fn of(sessions: impl IntoIterator<Item = (IpAddr, PeerState)>) -> Self {
        let mut all = Self::default();
        let mut worst = Vec::new();
        for (address, state) in sessions {
            all.sessions += 1;
            all.established += u64::from(state.is_established());
            all.flaps += state.flaps;
            all.last_established = all.last_established.max(state.last_established);
            for counts in &state.families {
                all.add(counts);
            }
            if !state.is_established() || state.flaps > 0 {
                worst.push((address, state));
            }
        }
        worst.sort_by_key(|(address, state)| {
            let lost = std::cmp::Reverse(state.flaps);
            (state.is_established(), lost, *address)
        });
        worst.truncate(Self::WORST);
        all.worst = worst;
        all
    }

    fn add(&mut self, one: &FamilyCounts) {
        let mut families = self.families.iter_mut();
        let Some(all) = families.find(|all| all.family == one.family) else {
            self.families.push(FamilyCounts {
                // What is said of each session would be wrong of their sum.
                limit: None,
                ..*one
            });
            return;
        };
        all.received += one.received;
        all.accepted += one.accepted;
        all.advertised += one.advertised;
        all.over_limit |= one.over_limit;
        all.no_next_hop |= one.no_next_hop;
        all.disabled |= one.disabled;
        let sum = |ours: Option<u64>, theirs: Option<u64>| match (ours, theirs) {
            (Some(ours), Some(theirs)) => Some(ours + theirs),
            (ours, theirs) => ours.or(theirs),
        };
        all.stale = sum(all.stale, one.stale);
        all.discarded = sum(all.discarded, one.discarded);
    }
}

impl PeerState {
    /// Whether the session is up.
    #[must_use]
    pub fn is_established(&self) -> bool {
        &*self.state == "Established"
    }
}

/// Prefixes of one family on one session.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FamilyCounts {
    /// Which family.
    pub family: Family,
    /// Paths received, before policy.
    pub received: u64,
    /// Paths that passed policy.
    pub accepted: u64,
    /// Prefixes that the neighbour has been told.
    pub advertised: u64,
    /// Paths that are kept while it restarts; `None` if none are.
    pub stale: Option<u64>,
    /// How many it may tell; `None` without a limit.
    pub limit: Option<u64>,
    /// It tells more than that.
    pub over_limit: bool,
    /// Paths that were not taken because of that; `None` if none were.
    pub discarded: Option<u64>,
    /// We have no next hop of our own for it, and tell no route that needs one.
    pub no_next_hop: bool,
    /// Its routes could not be read: those that came are gone, and what comes is ignored until the session ends (RFC 7606 section 2).
    pub disabled: bool,
}

/// How an advertisement is doing.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct OriginationState {
    /// Prefixes in the router's table because of it.
    pub originated: u32,
    /// Names of the peers that have been told at least one of them.
    pub advertised_to: Vec<Arc<str>>,
    /// Why nothing could be originated, for people.
    pub error: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn session(n: u32, state: &str, flaps: u64) -> (IpAddr, PeerState) {
        let state = PeerState {
            state: state.into(),
            flaps,
            families: vec![FamilyCounts {
                family: Family::IPV4_UNICAST,
                received: 3,
                accepted: 2,
                advertised: 1,
                stale: None,
                limit: Some(10),
                over_limit: false,
                discarded: None,
                no_next_hop: false,
                disabled: false,
            }],
            ..PeerState::default()
        };
        (std::net::Ipv4Addr::from(n).into(), state)
    }

    #[test]
    fn of_many_sessions_the_worst_are_told_and_the_rest_is_counted() {
        let good = (0..500).map(|n| session(n, "Established", 0));
        let lost = (500..520).map(|n| session(n, "Established", u64::from(n)));
        let down = (600..605).map(|n| session(n, "Active", 1));
        let told = DynamicState::of(good.chain(lost).chain(down));
        assert_eq!((told.sessions, told.established), (525, 520));
        let counts = &told.families[0];
        assert_eq!((counts.received, counts.advertised), (525 * 3, 525));
        assert_eq!(counts.limit, None);
        let worst: Vec<_> = told.worst.iter().map(|(address, _)| *address).collect();
        // Down ones first, then those that were lost most often.
        let expected: Vec<IpAddr> = (600..605)
            .chain((509..520).rev())
            .map(|n: u32| std::net::Ipv4Addr::from(n).into())
            .collect();
        assert_eq!(worst, expected);
        // Nothing is wrong with these.
        let fine = DynamicState::of((0..500).map(|n| session(n, "Established", 0)));
        assert_eq!(fine.worst, []);
    }
}
