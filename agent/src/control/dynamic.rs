//! What the agent shows of dynamic neighbours: the object that has them, beside its sessions, each of which is a peer of its own.

use serde::{Deserialize, Serialize};

use super::sessions::{DispositionCounts, MessageCounts, TcpAoView};

/// The dynamic neighbours of one BGPPeer on a router.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DynamicView {
    /// Name of the BGPPeer; with its namespace before a slash when that is not `default`.
    pub name: String,
    /// Name of the router.
    pub router: String,
    /// Text from the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Where they may connect from.
    pub prefixes: Vec<String>,
    /// Our AS number to them.
    pub local_as: u32,
    /// Their AS number; none where any but ours is fine.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remote_as: Option<u32>,
    /// `external` or `internal`.
    pub kind: String,
    /// A TCP MD5 password is set.
    pub password: bool,
    /// The TCP-AO keys, where sessions are signed with TCP-AO.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tcp_ao: Option<TcpAoView>,
    /// Set when they are shut down by their manifest: the text given there, perhaps empty.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shutdown: Option<String>,
    /// The most sessions at a time.
    pub limit: u32,
    /// How many there are.
    pub sessions: u64,
    /// How many of them are Established.
    pub established: u64,
    /// Neighbours that were refused because of the limit.
    pub refused: u64,
    /// There are as many sessions as there may be, and somebody was refused since.
    pub full: bool,
    /// What those counted that are over.
    pub ended: EndedView,
}

/// What sessions counted that are over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedView {
    /// Times that one went down after having been Established.
    pub flaps: u64,
    /// Messages from the neighbours.
    pub received: MessageCounts,
    /// Messages to them.
    pub sent: MessageCounts,
    /// Malformed UPDATEs, by what was done about them (RFC 7606).
    pub dispositions: DispositionCounts,
    /// Times that BFD found a path to have failed.
    pub bfd_failures: u64,
    /// What became of limits of prefixes.
    pub limits: Vec<EndedLimitView>,
}

/// What became of a limit of prefixes in sessions that are over.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndedLimitView {
    /// Address family.
    pub family: String,
    /// In how many sessions it was exceeded.
    pub exceeded: u64,
    /// Paths that were not taken.
    pub discarded: u64,
}
