//! What the agent shows of itself: plain data, read-only, copied out at the moment of asking.
//!
//! `run` implements [`Views`] over the handles it holds. Control socket, CLI and metrics see the agent through this
//! trait alone, which is why they can be tested with data that somebody typed.

use std::net::SocketAddr;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::dynamic::DynamicView;
use super::protocol::ObjectKind;
use super::routes::{FibView, RouteTable};
use super::sessions::PeerView;
use crate::desired::{Consequence, Objects};
use crate::observe::histogram::HistogramView;

/// The read-only side of the whole agent.
///
/// Every method returns at once: it copies what is known, and waits for nobody.
pub trait Views: Send + Sync + 'static {
    /// The agent as a process.
    fn agent(&self) -> AgentView;
    /// Every BGPRouter that runs here, by name.
    fn routers(&self) -> Vec<RouterView>;
    /// Every session, by router and name: those that are configured, and those with dynamic neighbours.
    fn peers(&self) -> Vec<PeerView>;
    /// The dynamic neighbours of each object and router.
    fn dynamic(&self) -> Vec<DynamicView>;
    /// The tables of each router, by router name.
    fn tables(&self) -> Vec<(Arc<str>, Arc<dyn RouteTable>)>;
    /// The kernel side, when there is one.
    fn fib(&self) -> Option<Arc<dyn FibView>>;
    /// The objects of a kind as the API server would hold them: `apiVersion`, `kind`, `metadata`, `spec`, `status`.
    fn objects(&self, kind: ObjectKind) -> Vec<Value>;
    /// What would change, and with what consequences, if these were the objects.
    fn preview(&self, objects: &Objects) -> Vec<Consequence>;
    /// Counters of the agent that belong to no router and no peer.
    fn counters(&self) -> Counters;
}

/// The agent as a process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentView {
    /// Version of the binary.
    pub version: String,
    /// Node name it runs for.
    pub node: String,
    /// Process id.
    pub pid: u32,
    /// When it started.
    pub started: Timestamp,
    /// How long it has run.
    pub uptime_seconds: u64,
    /// Resident memory of the process.
    pub resident_bytes: u64,
    /// What is wrong with the manifests; the first of it, if there is much.
    #[serde(default)]
    pub problems: Vec<ProblemView>,
    /// How many problems there are in all.
    #[serde(default)]
    pub problem_count: u64,
}

/// Something that is wrong with the manifests.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProblemView {
    /// The object, as `kind/name`, when it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub object: Option<String>,
    /// File, object, field, and what is wrong, in one line.
    pub text: String,
    /// The object is carried out all the same.
    pub warning: bool,
}

impl ProblemView {
    /// Whether it keeps an object of a kind from being carried out.
    pub fn refuses(&self, kind: &str) -> bool {
        let of_kind = |object: &String| object.split_once('/').is_some_and(|(of, _)| of == kind);
        !self.warning && self.object.as_ref().is_some_and(of_kind)
    }
}

/// One BGPRouter.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RouterView {
    /// Name; with its namespace before a slash when that is not `default`.
    pub name: String,
    /// Our AS number.
    pub local_as: u32,
    /// Our router ID.
    pub router_id: String,
    /// Address families it was configured with.
    pub families: Vec<String>,
    /// Where it accepts sessions; none when it has no listener.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub listening: Option<SocketAddr>,
    /// What keeps it from working, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// Sizes of its tables, one for each family.
    pub tables: Vec<TableView>,
    /// Routes that it originates.
    pub originated: u64,
    /// Distinct attribute sets that its tables refer to.
    pub attribute_sets: u64,
    /// Memory of these sets.
    pub attribute_bytes: u64,
    /// Its side of the kernel; none when it installs nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kernel: Option<RouterKernelView>,
}

/// Size of one table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TableView {
    /// Address family.
    pub family: String,
    /// Destinations, each once.
    pub destinations: u64,
    /// Paths, all that were received or originated.
    pub paths: u64,
}

/// What one router has in the kernel.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouterKernelView {
    /// Routes that should be installed.
    pub wanted: u64,
    /// Routes that are installed.
    pub installed: u64,
    /// Routes that the kernel refused.
    pub failed: u64,
    /// Routes with someone else's in their way.
    pub blocked: u64,
    /// Routes without a next hop that can be reached.
    pub unresolved: u64,
    /// Routes behind those of another router of this node.
    pub shadowed: u64,
    /// Best paths that are not to be installed, by rule: not among those above.
    #[serde(default)]
    pub excluded: u64,
    /// Of the installed ones, those to which the kernel prefers someone else's.
    #[serde(default)]
    pub outranked: u64,
    /// The last refusal.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}

/// Counters of the agent that belong to no router and no peer.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Counters {
    /// What the kernel side has done.
    pub kernel: KernelCounters,
    /// From reading an UPDATE to having encoded what it changes for others.
    pub update_to_export: HistogramView,
    /// NLRI applied to the tables in one batch.
    pub inbound_batch: HistogramView,
    /// Destinations handled in one turn of an exporter.
    pub export_batch: HistogramView,
    /// BFD packets that were discarded, by reason.
    pub bfd_discards: Vec<(&'static str, u64)>,
    /// Connections that were refused because no peer has their address.
    pub connections_refused: u64,
    /// Sessions that a defect of the agent ended.
    pub peer_panics: u64,
    /// Paths not taken because their prefix has as many as it may have.
    pub paths_dropped: u64,
    /// Routes not told because their attributes leave no room for them in a message.
    pub routes_oversized: u64,
    /// Times that manifests were applied.
    pub manifests_applied: u64,
    /// Problems that the manifests have now.
    pub manifest_problems: u64,
}

/// What the kernel side has done since the start.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct KernelCounters {
    /// Routes installed or replaced.
    pub programmed: u64,
    /// Routes that the kernel refused.
    pub failed: u64,
    /// Routes removed.
    pub withdrawn: u64,
    /// Routes put right after somebody else had changed them.
    pub repaired: u64,
    /// Full comparisons after lost notifications.
    pub resyncs: u64,
    /// System calls that sent batches.
    pub sends: u64,
    /// Routes in one batch.
    pub batch: HistogramView,
    /// From a route's change to the kernel's acknowledgement.
    pub latency: HistogramView,
}
