//! The words of the kernel room: who owns a route, where it points, and what the kernel said.
//!
//! Pure data. A route is keyed on a *next-hop set*: an interned, normalised set of gateways. Two
//! routes that forward alike carry the same [`SetId`], so comparing what is wanted with what is
//! installed is comparing two integers, and the day nexthop objects are used (one object for each
//! set) nothing but the encoding changes.

use std::cmp::Reverse;
use std::net::IpAddr;
use std::num::NonZeroU32;

use foldhash::HashMap;
use ipnet::IpNet;
use smallvec::SmallVec;

/// Routing protocol number that our routes carry unless configured otherwise.
pub const DEFAULT_PROTOCOL: u8 = 196;
/// Metric that our routes carry unless configured otherwise: above the kernel's connected IPv6
/// routes (256) and below those of router advertisements (1024).
pub const DEFAULT_METRIC: u32 = 300;
/// The main routing table.
pub const MAIN_TABLE: u32 = 254;
/// The kernel's table of its own addresses.
pub const LOCAL_TABLE: u32 = 255;
/// `RTPROT_KERNEL`: routes that the kernel made itself, for its addresses and links.
pub const PROTOCOL_KERNEL: u8 = 2;

/// What makes a kernel route ours: all three together.
///
/// One alone is not enough: FRR's static routes carry protocol 196 too, in the same table, with
/// metric 20.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ownership {
    /// Routing protocol number (`rtm_protocol`).
    pub protocol: u8,
    /// Metric (`RTA_PRIORITY`).
    pub metric: u32,
    /// Routing table.
    pub table: u32,
}

impl Default for Ownership {
    fn default() -> Self {
        Self {
            protocol: DEFAULT_PROTOCOL,
            metric: DEFAULT_METRIC,
            table: MAIN_TABLE,
        }
    }
}

/// How one router uses the kernel (`BGPRouter.spec.kernel`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FibConfig {
    /// Whether best paths go to the kernel. If not, the router's routes still resolve next hops.
    pub install: bool,
    /// What its routes carry.
    pub ownership: Ownership,
    /// Whether a learned default route is installed.
    pub accept_default_route: bool,
}

impl FibConfig {
    /// Whether a route for `prefix` may be installed, which a default route may not be unless asked for.
    pub(crate) fn may_install(&self, prefix: IpNet) -> bool {
        self.accept_default_route || prefix.prefix_len() > 0
    }
}

impl Default for FibConfig {
    fn default() -> Self {
        Self {
            install: true,
            ownership: Ownership::default(),
            accept_default_route: false,
        }
    }
}

/// One way out of a route.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Leg {
    /// The gateway; `None` if the destination is on the link itself.
    pub gateway: Option<IpAddr>,
    /// Index of the outgoing interface; 0 if the kernel names none.
    pub ifindex: u32,
    /// ECMP weight, from 1.
    pub weight: u16,
    /// The gateway is on the link, whatever routes say (`RTNH_F_ONLINK`).
    pub onlink: bool,
}

impl Leg {
    /// A leg of weight 1.
    pub fn new(gateway: Option<IpAddr>, ifindex: u32) -> Self {
        Self {
            gateway,
            ifindex,
            weight: 1,
            onlink: false,
        }
    }
}

/// Legs of a route, usually one.
pub type Legs = SmallVec<[Leg; 1]>;

/// Sorts and deduplicates, so that equal forwarding is equal data whatever order the kernel or the
/// table gave it in. Of two legs with the same gateway and interface the heavier stays, and of equal ones
/// the one that says it is on the link.
pub fn normalise(legs: &mut Legs) {
    legs.sort_unstable_by_key(|l| (l.gateway, l.ifindex, Reverse((l.weight, l.onlink))));
    legs.dedup_by_key(|l| (l.gateway, l.ifindex));
}

/// Handle of an interned next-hop set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SetId(NonZeroU32);

/// Interns next-hop sets. A node has few: one for each way it can forward.
#[derive(Debug, Default)]
pub struct NextHopSets {
    sets: Vec<Option<Box<[Leg]>>>,
    index: HashMap<Box<[Leg]>, SetId>,
    free: Vec<u32>,
}

impl NextHopSets {
    /// The handle of `legs`, which must be normalised and not empty.
    pub fn intern(&mut self, legs: &[Leg]) -> SetId {
        if let Some(id) = self.index.get(legs) {
            return *id;
        }
        let at = self.free.pop().unwrap_or_else(|| {
            self.sets.push(None);
            u32::try_from(self.sets.len() - 1).expect("fewer next-hop sets than 4 billion")
        });
        let id = SetId(NonZeroU32::MIN.saturating_add(at));
        self.sets[at as usize] = Some(legs.into());
        self.index.insert(legs.into(), id);
        id
    }

    /// The legs of a set.
    pub fn legs(&self, id: SetId) -> &[Leg] {
        self.sets[id.index()].as_deref().unwrap_or_default()
    }

    /// How many sets there are.
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether there is no set.
    pub fn is_empty(&self) -> bool {
        self.index.is_empty()
    }

    /// The sets of which every leg uses the link.
    pub(crate) fn on_link(&self, ifindex: u32) -> Vec<SetId> {
        let entries = self.index.iter();
        entries
            .filter(|(legs, _)| legs.iter().all(|l| l.ifindex == ifindex))
            .map(|(_, id)| *id)
            .collect()
    }

    /// Drops the sets that `used` does not name.
    pub fn sweep(&mut self, used: impl Iterator<Item = SetId>) {
        let mut keep = vec![false; self.sets.len()];
        for id in used {
            keep[id.index()] = true;
        }
        for (at, slot) in self.sets.iter_mut().enumerate() {
            if !keep[at]
                && let Some(legs) = slot.take()
            {
                self.index.remove(&legs);
                self.free
                    .push(u32::try_from(at).expect("an index that was a u32 before"));
            }
        }
    }
}

impl SetId {
    fn index(self) -> usize {
        self.0.get() as usize - 1
    }

    /// A small integer for packed storage; never 0 and never `u32::MAX`.
    pub(crate) fn raw(self) -> u32 {
        self.0.get()
    }

    /// The inverse of [`Self::raw`].
    pub(crate) fn from_raw(raw: u32) -> Option<Self> {
        NonZeroU32::new(raw).map(Self)
    }
}

/// What kind of route the kernel has (`rtm_type`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RouteKind {
    /// Forwards.
    Unicast,
    /// An address of this host.
    Local,
    /// Any other: blackhole, unreachable, prohibit, broadcast, anycast, multicast.
    Other(u8),
}

impl RouteKind {
    /// From `rtm_type`.
    pub fn from_raw(raw: u8) -> Self {
        match raw {
            1 => Self::Unicast,
            2 => Self::Local,
            other => Self::Other(other),
        }
    }
}

/// A route as the kernel tells it, in normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KernelRoute {
    /// Destination.
    pub prefix: IpNet,
    /// Protocol, metric and table.
    pub owner: Ownership,
    /// Kind.
    pub kind: RouteKind,
    /// Type of service (IPv4); part of the kernel's key.
    pub tos: u8,
    /// Normalised legs; empty if the route forwards nowhere.
    pub legs: Legs,
    /// The route wraps packets (MPLS, SRv6, IP in IP): its gateways alone do not lead there.
    pub encapsulated: bool,
    /// The id of its nexthop object, 0 if it has none.
    pub nexthop_id: u32,
}

impl KernelRoute {
    /// Whether it may be ours: we write no other kinds, and none for one type of service alone.
    pub(crate) fn is_like_ours(&self) -> bool {
        self.kind == RouteKind::Unicast && self.tos == 0
    }
}

/// A link, as far as routes care.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Interface index.
    pub ifindex: u32,
    /// Name.
    pub name: std::sync::Arc<str>,
    /// Administratively up.
    pub admin_up: bool,
    /// The link has a carrier: packets can leave.
    pub carrier: bool,
    /// Its link-layer address, where it is an Ethernet.
    pub ethernet: Option<[u8; 6]>,
}

impl Link {
    /// Whether packets can leave through it.
    pub fn usable(&self) -> bool {
        self.admin_up && self.carrier
    }
}

/// A nexthop object, which routes of others may name instead of a gateway.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NexthopObject {
    /// Its id.
    pub id: u32,
    /// Its leg; none for a group, a black hole, or one that encapsulates.
    pub leg: Option<Leg>,
    /// Members of a group, with their weights.
    pub members: SmallVec<[(u32, u16); 2]>,
}

/// An address of this host.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Address {
    /// With its prefix length.
    pub net: IpNet,
    /// Its preferred lifetime is over (RFC 4862 §5.5.4).
    pub deprecated: bool,
}

impl From<IpNet> for Address {
    fn from(net: IpNet) -> Self {
        Self {
            net,
            deprecated: false,
        }
    }
}

/// Something that the kernel told by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KernelEvent {
    /// A link is there, perhaps changed.
    Link(Link),
    /// A link went away.
    LinkGone(u32),
    /// An address of an interface is there, perhaps changed.
    Address {
        /// The interface.
        ifindex: u32,
        /// The address.
        address: Address,
    },
    /// An address was removed from an interface.
    AddressGone {
        /// The interface.
        ifindex: u32,
        /// The address with its prefix length.
        address: IpNet,
    },
    /// A nexthop object is there, perhaps changed.
    Nexthop(NexthopObject),
    /// A nexthop object went, and the routes that named it.
    NexthopGone(u32),
    /// A route was added; if `replaced`, in place of what had the same key.
    Route {
        /// The route.
        route: KernelRoute,
        /// It took the place of another (`NLM_F_REPLACE`).
        replaced: bool,
    },
    /// A route, or for IPv6 some legs of it, went away.
    RouteGone(KernelRoute),
}

/// One message for the kernel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FibOp {
    /// Which slot of the table of wanted routes it is about.
    pub slot: u32,
    /// Destination.
    pub prefix: IpNet,
    /// What our route carries.
    pub owner: Ownership,
    /// What to do.
    pub action: FibAction,
}

/// What a [`FibOp`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FibAction {
    /// Add; the kernel refuses if a route with this key exists.
    Add(SetId),
    /// Add, or take the place of the route with this key.
    Replace(SetId),
    /// Remove.
    Delete,
    /// Remove these legs alone: they stand in one IPv6 route with someone else's.
    Leave(SetId),
    /// Remove the route with these legs, which someone put beside ours with our marks.
    RemoveSecond(SetId),
}

/// Why the kernel refused a message.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct KernelRefusal {
    /// `errno`, positive.
    pub errno: i32,
    /// The kernel's sentence (extended acknowledgement), if it gave one.
    pub message: Option<Box<str>>,
}

impl std::fmt::Display for KernelRefusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let os = std::io::Error::from_raw_os_error(self.errno).to_string();
        // The standard library appends " (os error N)", which says nothing to a person.
        let os = os.split(" (os error").next().unwrap_or_default();
        match &self.message {
            Some(message) => write!(f, "{os}: {}", message.trim_end_matches('.')),
            None => f.write_str(os),
        }
    }
}

/// What became of one [`FibOp`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The kernel did it.
    Done,
    /// The kernel refused.
    Refused(KernelRefusal),
    /// Nobody knows: the answer was lost. Only reading the kernel's table will tell.
    Unknown,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn leg(last: u8, ifindex: u32) -> Leg {
        Leg::new(Some(IpAddr::from([10, 0, 0, last])), ifindex)
    }

    #[test]
    fn order_of_legs_does_not_make_another_set() {
        let mut sets = NextHopSets::default();
        let mut a: Legs = [leg(1, 2), leg(2, 3), leg(1, 2)].into_iter().collect();
        let mut b: Legs = [leg(2, 3), leg(1, 2)].into_iter().collect();
        normalise(&mut a);
        normalise(&mut b);
        assert_eq!(sets.intern(&a), sets.intern(&b));
        assert_eq!(sets.len(), 1);
    }

    #[test]
    fn a_swept_set_gives_its_place_to_another() {
        let mut sets = NextHopSets::default();
        let a = sets.intern(&[leg(1, 1)]);
        let b = sets.intern(&[leg(2, 1)]);
        sets.sweep([b].into_iter());
        assert_eq!(sets.len(), 1);
        let c = sets.intern(&[leg(3, 1)]);
        assert_eq!(c, a);
        assert_eq!(sets.legs(b), [leg(2, 1)]);
        assert_eq!(sets.legs(c), [leg(3, 1)]);
    }

    #[test]
    fn a_refusal_reads_as_a_sentence_without_numbers() {
        let plain = KernelRefusal {
            errno: libc::ENETUNREACH,
            message: None,
        };
        assert_eq!(plain.to_string(), "Network is unreachable");
        let told = KernelRefusal {
            errno: libc::EINVAL,
            message: Some("Nexthop has invalid gateway.".into()),
        };
        assert_eq!(
            told.to_string(),
            "Invalid argument: Nexthop has invalid gateway"
        );
    }
}
