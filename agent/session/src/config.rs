//! What the operator wants of one peer, and what a change of it costs.
//!
//! Only what the session itself needs is here; policies, next hops and limits belong to others. The two `*_revision`
//! fields stand for those: the session does not know what a policy says, only that it is another one now.

use std::time::Duration;

use bgp_wire::{Asn, Family, HoldTime, Role, RouterId};

use crate::restart::GracefulRestart;

/// Which AS the peer must be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RemoteAs {
    /// This one.
    Asn(Asn),
    /// Any but ours.
    External,
    /// Ours.
    Internal,
}

/// One address family of a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FamilyConfig {
    /// The family.
    pub family: Family,
    /// We can receive several paths for a prefix (RFC 7911).
    pub add_path_receive: bool,
    /// We can send several paths for a prefix (RFC 7911).
    pub add_path_send: bool,
}

impl FamilyConfig {
    /// The family with a single path both ways.
    pub const fn plain(family: Family) -> Self {
        Self {
            family,
            add_path_receive: false,
            add_path_send: false,
        }
    }
}

/// Our BGP Role on a session with another AS (RFC 9234).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoleConfig {
    /// What we are to the peer.
    pub role: Role,
    /// Refuse a peer that does not say its role, "strict mode" in RFC 9234 §4.2.
    pub strict: bool,
}

/// How long a peer rests in Idle after a failure: `first`, doubled for each further failure up to `max` (the damping of
/// peer oscillations that RFC 4271 §8.1.1 leaves to the implementation). Each wait is shortened by jitter. Attempts to connect
/// that nobody answers double apart from these, up to [`PeerConfig::connect_retry`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IdleHold {
    /// After the first failure.
    pub first: Duration,
    /// The longest wait.
    pub max: Duration,
    /// A session that stayed up this long makes earlier failures forgotten.
    pub stable_after: Duration,
}

impl Default for IdleHold {
    fn default() -> Self {
        Self {
            first: Duration::from_secs(1),
            max: Duration::from_secs(120),
            stable_after: Duration::from_secs(60),
        }
    }
}

/// The configuration of one peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PeerConfig {
    /// Our AS on this session.
    pub local_as: Asn,
    /// The AS the peer must be in.
    pub remote_as: RemoteAs,
    /// An AS that both ends may say to be of as well, if the session is within an AS: which moves from one number to the other
    /// ("Internal BGP AS Migration", RFC 7705 §4).
    pub also_as: Option<Asn>,
    /// Our BGP identifier.
    pub router_id: RouterId,
    /// The families we offer, each at most once.
    pub families: Vec<FamilyConfig>,
    /// The hold time we propose; the lower of both sides' counts. Zero: neither side sends keepalives.
    pub hold_time: HoldTime,
    /// The longest time between two KEEPALIVEs; never more than a third of the negotiated hold time, which is also
    /// what `None` means.
    pub keepalive: Option<Duration>,
    /// How long one attempt to open a TCP connection may take before another is made (RFC 4271 ConnectRetryTime). The
    /// RFC suggests 120 seconds; but a kernel repeats a SYN more and more slowly, so that a peer which comes back is
    /// found sooner by a new attempt. It is the longest rest between attempts, too, while nobody answers.
    pub connect_retry: Duration,
    /// Never connect, only accept.
    pub passive: bool,
    /// Administratively down, with the text for the peer (RFC 9003; may be empty).
    pub admin_down: Option<String>,
    /// Offer IPv6 next hops for IPv4 unicast (RFC 8950).
    pub extended_next_hop: bool,
    /// Offer messages of up to 65,535 octets (RFC 8654).
    pub extended_message: bool,
    /// Our role, if the peer is in another AS; of no meaning inside of one.
    pub role: Option<RoleConfig>,
    /// Told to the peer as its FQDN capability.
    pub hostname: Option<String>,
    /// Told to the peer as its software version capability.
    pub software_version: Option<String>,
    /// How long our writes may make no progress (RFC 9687); `None`: the greater of 8 minutes and twice the hold time.
    pub send_hold: Option<Duration>,
    /// An AS_PATH of an external peer must begin with its AS (RFC 4271 §6.3).
    pub enforce_first_as: bool,
    /// Accept AS_SETs in AS_PATHs (RFC 9774 says not to).
    pub accept_as_set: bool,
    /// Give up a family whose routes cannot be read, and keep the session for the others (RFC 7606 §2, "AFI/SAFI disable"),
    /// instead of ending it. It is the only one of both that costs no routes which are good (RFC 4760 §7 has it as the rule
    /// and the end of the session as what MAY be done beyond it; RFC 9552 §8.2.2 asks for it); but a disabled family is not
    /// tried again before the session ends.
    pub disable_families: bool,
    /// Graceful restart of our own (RFC 4724); `None`: nothing of ours is preserved.
    pub graceful_restart: Option<GracefulRestart>,
    /// Without graceful restart of our own, say all the same that we send End-of-RIB and keep the routes of a peer that restarts.
    pub restart_helper: bool,
    /// Rest after failures.
    pub idle_hold: IdleHold,
    /// Changes when what we do with the peer's routes changes.
    pub import_revision: u64,
    /// Changes when what we tell the peer changes.
    pub export_revision: u64,
}

impl PeerConfig {
    /// Whether the peer must be in our own AS.
    pub(crate) fn is_internal_only(&self) -> bool {
        match self.remote_as {
            RemoteAs::Asn(asn) => asn == self.local_as,
            RemoteAs::Internal => true,
            RemoteAs::External => false,
        }
    }

    /// Whether a peer that says to be of this AS is internal.
    pub(crate) fn is_ours(&self, asn: Asn) -> bool {
        asn == self.local_as || (self.is_internal_only() && self.also_as == Some(asn))
    }

    /// A peer with no families yet and everything else at its default.
    pub fn new(local_as: Asn, remote_as: RemoteAs, router_id: RouterId) -> Self {
        Self {
            local_as,
            remote_as,
            also_as: None,
            router_id,
            families: Vec::new(),
            hold_time: HoldTime::default(),
            keepalive: None,
            connect_retry: Duration::from_secs(15),
            passive: false,
            admin_down: None,
            extended_next_hop: true,
            extended_message: true,
            role: None,
            hostname: None,
            software_version: None,
            send_hold: None,
            enforce_first_as: true,
            accept_as_set: false,
            disable_families: true,
            graceful_restart: None,
            restart_helper: false,
            idle_hold: IdleHold::default(),
            import_revision: 0,
            export_revision: 0,
        }
    }

    /// The configuration of `family`, if we offer it.
    pub fn family(&self, family: Family) -> Option<&FamilyConfig> {
        self.families.iter().find(|f| f.family == family)
    }
}

/// What a change of configuration does to a running session, from the gentlest to the harshest.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Effect {
    /// Nothing changed.
    None,
    /// Applied to the running session, or from the next one on, and the peer does not notice.
    InPlace,
    /// What we tell the peer has to be worked out and told again.
    RefreshOut,
    /// The peer's routes have to be looked at again: from what was kept, or by asking for a route refresh.
    RefreshIn,
    /// Both of the above.
    RefreshBoth,
    /// The session ends, and starts again unless it is down by the operator's wish.
    Reset,
}

/// What it takes to go from `old` to `new`.
///
/// | field | effect | why |
/// |---|---|---|
/// | `local_as`, `remote_as`, `also_as`, `router_id` | Reset | who we are to each other, said in OPEN |
/// | `families` (as a set, with their ADD-PATH) | Reset | capabilities, said in OPEN |
/// | `extended_next_hop`, `extended_message` | Reset | capabilities, said in OPEN |
/// | `role.role` | Reset | a capability, said in OPEN |
/// | `role.strict` | InPlace | what the next OPEN has to say; where the last one did not, [`Peer::reconfigure`](crate::Peer::reconfigure) resets |
/// | `hold_time` | Reset | said in OPEN |
/// | `admin_down` (set or unset) | Reset | that is its purpose; a changed text alone is InPlace |
/// | `graceful_restart` (offered or not, its restart time, its long-lived time) | Reset | capabilities, said in OPEN |
/// | `restart_helper` | Reset | a capability, said in OPEN |
/// | `graceful_restart` (how long stale routes stay, what is forwarded) | InPlace | for the next end of a session |
/// | `import_revision` | RefreshIn | |
/// | `enforce_first_as`, `accept_as_set` | RefreshIn | how the peer's UPDATEs are read, from the next one on |
/// | `export_revision` | RefreshOut | |
/// | `disable_families` | InPlace | what the next malformed UPDATE costs |
/// | `keepalive`, `send_hold` | InPlace | our own timers; from their next start on |
/// | `connect_retry`, `idle_hold`, `passive` | InPlace | for the next attempt to connect |
/// | `hostname`, `software_version` | InPlace | shown to people only: told at the next OPEN |
pub fn effect_of(old: &PeerConfig, new: &PeerConfig) -> Effect {
    // Taken apart in full, so that a new field does not compile until it has its line in the table above.
    let PeerConfig {
        local_as,
        remote_as,
        also_as,
        router_id,
        families,
        hold_time,
        keepalive,
        connect_retry,
        passive,
        admin_down,
        extended_next_hop,
        extended_message,
        role,
        hostname,
        software_version,
        send_hold,
        enforce_first_as,
        accept_as_set,
        disable_families,
        graceful_restart,
        restart_helper,
        idle_hold,
        import_revision,
        export_revision,
    } = new;

    let reset = old.local_as != *local_as
        || old.remote_as != *remote_as
        || old.also_as != *also_as
        || old.router_id != *router_id
        || !same_families(&old.families, families)
        || old.hold_time != *hold_time
        || old.extended_next_hop != *extended_next_hop
        || old.extended_message != *extended_message
        || old.role.map(|role| role.role) != role.map(|role| role.role)
        || old.graceful_restart.map(said) != graceful_restart.map(said)
        || old.restart_helper != *restart_helper
        || old.admin_down.is_some() != admin_down.is_some();
    if reset {
        return Effect::Reset;
    }
    let import = old.import_revision != *import_revision
        || old.enforce_first_as != *enforce_first_as
        || old.accept_as_set != *accept_as_set;
    match (import, old.export_revision != *export_revision) {
        (true, true) => return Effect::RefreshBoth,
        (true, false) => return Effect::RefreshIn,
        (false, true) => return Effect::RefreshOut,
        (false, false) => {}
    }
    let in_place = old.keepalive != *keepalive
        || old.connect_retry != *connect_retry
        || old.passive != *passive
        || old.role != *role
        || old.admin_down != *admin_down
        || old.hostname != *hostname
        || old.software_version != *software_version
        || old.send_hold != *send_hold
        || old.disable_families != *disable_families
        || old.graceful_restart != *graceful_restart
        || old.idle_hold != *idle_hold;
    if in_place {
        Effect::InPlace
    } else {
        Effect::None
    }
}

/// What the peer is told of graceful restart.
fn said(restart: GracefulRestart) -> (u16, Option<u32>) {
    (restart.restart_time, restart.long_lived)
}

/// The order in which families are written down means nothing.
fn same_families(a: &[FamilyConfig], b: &[FamilyConfig]) -> bool {
    a.len() == b.len() && a.iter().all(|f| b.contains(f))
}
