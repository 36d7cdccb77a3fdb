//! What the agent shows of its sessions: plain data, read-only.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// State of a session (RFC 4271 section 8.2.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum SessionState {
    /// Nothing is attempted; see the idle reason.
    #[default]
    Idle,
    /// A TCP connection is being made.
    Connect,
    /// Waiting to be connected to, or to try again.
    Active,
    /// OPEN sent.
    OpenSent,
    /// OPEN received, waiting for the first KEEPALIVE.
    OpenConfirm,
    /// Up.
    Established,
}

impl SessionState {
    /// All states, in the order of the standard.
    pub const ALL: [Self; 6] = [
        Self::Idle,
        Self::Connect,
        Self::Active,
        Self::OpenSent,
        Self::OpenConfirm,
        Self::Established,
    ];

    /// The name the standard gives it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Idle => "Idle",
            Self::Connect => "Connect",
            Self::Active => "Active",
            Self::OpenSent => "OpenSent",
            Self::OpenConfirm => "OpenConfirm",
            Self::Established => "Established",
        }
    }
}

impl std::fmt::Display for SessionState {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.name())
    }
}

/// An interface by which a neighbour is known, and who is there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterfaceView {
    /// Its name.
    pub name: String,
    /// The neighbour, as `fe80::1%eth0`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub neighbour: Option<String>,
    /// Further routers there.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<Ipv6Addr>,
    /// All of it in words.
    pub text: String,
}

/// One session: a BGPPeer on a router.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerView {
    /// Name of the BGPPeer; with its namespace before a slash when that is not `default`.
    pub name: String,
    /// Name of the router.
    pub router: String,
    /// Name of the BGPPeer of which this is a dynamic neighbour.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dynamic: Option<String>,
    /// Text from the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Address of the neighbour; none while it is not known.
    pub address: Option<IpAddr>,
    /// The interface by which the neighbour is known, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<InterfaceView>,
    /// Port that we connect to.
    pub remote_port: u16,
    /// Our AS number on this session.
    pub local_as: u32,
    /// The neighbour's AS number, as configured or, where only its kind is, as it said.
    pub remote_as: Option<u32>,
    /// `external` or `internal`.
    pub kind: String,
    /// State of the session.
    pub state: SessionState,
    /// Why it is Idle: `BackOff`, `ConnectionRefused`, `HoldTimerExpired`, `AdminDown`, ...
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idle_reason: Option<String>,
    /// Set when it is shut down by its manifest: the text given there, perhaps empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shutdown: Option<String>,
    /// When it came into this state.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<Timestamp>,
    /// How long it is in this state.
    pub state_seconds: u64,
    /// Times that it went down after having been Established.
    pub flaps: u64,
    /// Seconds until the next attempt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_retry_seconds: Option<u64>,
    /// We only wait for connections, we make none.
    pub passive: bool,
    /// Why its connections are not taken, where they are not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_let_in: Option<String>,
    /// A TCP MD5 password is set.
    pub password: bool,
    /// The keys of TCP-AO; absent where the session has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_ao: Option<TcpAoView>,
    /// The rule for TTLs, such as `1`, `multihop 64` or `security 1 hop`.
    pub ttl: String,
    /// Prefix counts, one for each family.
    pub families: Vec<PeerFamilyView>,
    /// Messages from the neighbour.
    pub received: MessageCounts,
    /// Messages to the neighbour.
    pub sent: MessageCounts,
    /// Malformed UPDATEs, by what was done about them (RFC 7606).
    pub dispositions: DispositionCounts,
    /// What both sides agreed on; set from OpenConfirm on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub negotiated: Option<NegotiatedView>,
    /// Why it last went down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_down: Option<EventView>,
    /// Why it last failed to come up, if that was after it last went down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<EventView>,
    /// The last NOTIFICATION that we sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_notification_sent: Option<EventView>,
    /// The last NOTIFICATION that we received.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_notification_received: Option<EventView>,
    /// What was wrong with the last malformed UPDATE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_malformed_update: Option<EventView>,
    /// BFD, where it watches over the path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bfd: Option<BfdView>,
    /// The export group that it is in; peers of one group are told the same.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub export_group: Option<String>,
}

impl PeerView {
    /// Where the neighbour is, as people write it: its address, with the interface where it is known by that, or the interface alone.
    pub fn whereabouts(&self) -> Option<String> {
        match &self.interface {
            Some(interface) => {
                let neighbour = interface.neighbour.as_ref();
                Some(neighbour.unwrap_or(&interface.name).clone())
            }
            None => self.address.map(|address| address.to_string()),
        }
    }
}

impl PeerView {
    /// How long it has been Established, if it is.
    pub fn uptime_seconds(&self) -> Option<u64> {
        (self.state == SessionState::Established).then_some(self.state_seconds)
    }
}

/// BFD with one neighbour (RFC 5880). Times of packets are microseconds, as in the protocol and the manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BfdView {
    /// `AdminDown`, `Down`, `Init` or `Up`.
    pub state: String,
    /// How long it is in this state.
    pub state_seconds: u64,
    /// Several hops (RFC 5883).
    pub multi_hop: bool,
    /// Why there is no session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Times that the path failed: it was Up, and nobody took it down.
    pub failures: u64,
    /// How it failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_failure: Option<EventView>,
    /// The rest, once there is a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<BfdSessionView>,
}

/// A BFD session in its parameters.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BfdSessionView {
    /// Our address.
    pub local: Option<IpAddr>,
    /// Our discriminator.
    pub discriminator: u32,
    /// Why we changed our state last.
    pub diagnostic: String,
    /// The neighbour's discriminator; 0 while it is not known.
    pub remote_discriminator: u32,
    /// The neighbour's state, as it said last.
    pub remote_state: String,
    /// Why the neighbour changed its state last.
    pub remote_diagnostic: String,
    /// The neighbour authenticates its packets, which is not understood here: how.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_authentication: Option<String>,
    /// The interval at which we send, before jitter; none when nothing is sent periodically.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tx_interval_microseconds: Option<u64>,
    /// How long the neighbour may be silent; none before it was heard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection_time_microseconds: Option<u64>,
    /// Packets to the neighbour.
    pub sent: u64,
    /// Packets of the neighbour that were taken.
    pub received: u64,
}

/// Prefixes of one family on one session.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerFamilyView {
    /// Address family.
    pub family: String,
    /// Prefixes that the neighbour announces.
    pub received: u64,
    /// Those that import policy and loop checks let through.
    pub accepted: u64,
    /// Prefixes that we announce to it.
    pub advertised: u64,
    /// It has told us that its first feed is complete: End-of-RIB (RFC 4724 section 2).
    pub end_of_rib_received: bool,
    /// Paths that it announced in the session before this one, or before it went away, and not again yet (RFC 4724 section 4.2).
    #[serde(default)]
    pub stale: u64,
    /// Seconds for which those are kept, unless they come again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_seconds: Option<u64>,
    /// They are kept as the last choice: long-lived graceful restart (RFC 9494).
    #[serde(default)]
    pub long_lived: bool,
    /// How many the neighbour may tell, where that is limited.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<PrefixLimitView>,
    /// Its routes could not be read: those that had come are gone, and what comes is ignored until the session ends
    /// (AFI/SAFI disable, RFC 7606 section 2).
    #[serde(default)]
    pub disabled: bool,
    /// It is configured here, and the neighbour did not offer it when the session came up: no routes of it are exchanged.
    #[serde(default)]
    pub not_negotiated: bool,
    /// We have no next hop of our own to write in its routes, as there is no address of the family on the link: those that need one are
    /// not announced.
    #[serde(default)]
    pub no_next_hop: bool,
}

/// How many prefixes of a family a neighbour may tell.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrefixLimitView {
    /// The most that are fine.
    pub limit: u64,
    /// What happens above it: `shutdown`, `warn` or `discard`.
    pub action: String,
    /// Only accepted ones count, and not all that are received.
    pub after_policy: bool,
    /// In how many sessions it was exceeded.
    pub exceeded: u64,
    /// Paths that were not taken in this session.
    pub discarded: u64,
    /// Paths that were not taken in all.
    pub discarded_ever: u64,
}

/// Messages by type, one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageCounts {
    /// OPEN.
    pub open: u64,
    /// UPDATE.
    pub update: u64,
    /// NOTIFICATION.
    pub notification: u64,
    /// KEEPALIVE.
    pub keepalive: u64,
    /// ROUTE-REFRESH.
    pub route_refresh: u64,
}

impl MessageCounts {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.open += other.open;
        self.update += other.update;
        self.notification += other.notification;
        self.keepalive += other.keepalive;
        self.route_refresh += other.route_refresh;
    }

    /// Name and count of each type.
    pub fn by_type(&self) -> [(&'static str, u64); 5] {
        [
            ("open", self.open),
            ("update", self.update),
            ("notification", self.notification),
            ("keepalive", self.keepalive),
            ("route-refresh", self.route_refresh),
        ]
    }

    /// All of them.
    pub fn total(&self) -> u64 {
        self.by_type().iter().map(|(_, count)| count).sum()
    }
}

/// Malformed UPDATEs by what was done about them (RFC 7606 section 2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DispositionCounts {
    /// Nothing was done: what was received is used, or ignored by itself.
    #[serde(default)]
    pub none: u64,
    /// The attribute was dropped, the routes kept.
    pub attribute_discard: u64,
    /// The routes were treated as withdrawn.
    pub treat_as_withdraw: u64,
    /// The family was given up.
    pub afi_safi_disable: u64,
    /// The session was reset.
    pub session_reset: u64,
    /// Nothing was wrong: it is well-formed and of no use here, as a family that was not negotiated.
    #[serde(default)]
    pub not_used: u64,
}

impl DispositionCounts {
    /// Adds another's.
    pub fn add(&mut self, other: &Self) {
        self.none += other.none;
        self.attribute_discard += other.attribute_discard;
        self.treat_as_withdraw += other.treat_as_withdraw;
        self.afi_safi_disable += other.afi_safi_disable;
        self.session_reset += other.session_reset;
        self.not_used += other.not_used;
    }

    /// Name and count of each, of what was malformed.
    pub fn by_name(&self) -> [(&'static str, u64); 5] {
        [
            ("none", self.none),
            ("attribute-discard", self.attribute_discard),
            ("treat-as-withdraw", self.treat_as_withdraw),
            ("afi-safi-disable", self.afi_safi_disable),
            ("session-reset", self.session_reset),
        ]
    }
}

/// Something that happened, and when.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventView {
    /// What, in words.
    pub text: String,
    /// When.
    pub at: Timestamp,
    /// How long ago, at the time of asking.
    pub seconds_ago: u64,
}

/// What both sides of a session agreed on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NegotiatedView {
    /// Our end of the TCP connection.
    pub local: Option<SocketAddr>,
    /// The neighbour's end.
    pub remote: Option<SocketAddr>,
    /// The neighbour's router ID.
    pub remote_router_id: String,
    /// Hold time; 0 means none.
    pub hold_seconds: u16,
    /// Interval of our KEEPALIVEs; 0 means none.
    pub keepalive_seconds: u16,
    /// Families that both sides speak.
    pub families: Vec<String>,
    /// Families in which the neighbour sends several paths (RFC 7911).
    pub add_path_receive: Vec<String>,
    /// Families in which we may.
    pub add_path_send: Vec<String>,
    /// Families whose next hop may be an IPv6 address (RFC 8950).
    pub extended_next_hop: Vec<String>,
    /// AS numbers of four octets (RFC 6793).
    pub four_octet_as: bool,
    /// Longest message, in octets (RFC 8654).
    pub max_message: u32,
    /// ROUTE-REFRESH may be sent (RFC 2918).
    pub route_refresh: bool,
    /// Refreshes are marked by begin and end (RFC 7313).
    pub enhanced_route_refresh: bool,
    /// Seconds for which we wait for the neighbour when it restarts; none where it keeps nothing over a restart (RFC 4724), or we do not help it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub graceful_restart_seconds: Option<u64>,
    /// All capabilities that the neighbour announced, in words.
    pub remote_capabilities: Vec<String>,
    /// The neighbour's host name, if it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_host: Option<String>,
    /// The neighbour's software, if it said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_software: Option<String>,
}

/// The TCP-AO keys of a session, without their secrets.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TcpAoView {
    /// All keys, the preferred one first.
    pub keys: Vec<TcpAoKeyView>,
    /// The sendID of the key that we sign with, while the session is up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signing: Option<u8>,
    /// The recvID of the key that we ask the neighbour to sign with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub asking: Option<u8>,
}

/// One of them.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
pub struct TcpAoKeyView {
    /// The KeyID of what we sign with it.
    pub send_id: u8,
    /// The KeyID of what the neighbour signs with it.
    pub recv_id: u8,
    /// How.
    pub algorithm: String,
}
