//! Routes and kernel entries as rows, why they are as they are, and the traits that page through them.
//!
//! A page costs a bounded amount of work, not a bounded number of rows: a query that matches one route in a million
//! answers with many empty pages, so that nobody waits long for a table's locks.

use std::net::IpAddr;

use bgp_wire::{EvpnKind, RouteDistinguisher};
use ipnet::IpNet;
use rib::RouteKey;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::protocol::{PrefixQuery, RouteQuery};

/// A walk through rows: each call looks at no more than about so many entries and gives what it found, perhaps
/// nothing; `None` at the end.
///
/// Between two calls nothing is locked, so a walk may take as long as its client does.
pub type Rows<T> = Box<dyn FnMut(usize) -> Option<Vec<T>> + Send>;

/// Which rows of one router are wanted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouteFilter {
    /// Address family, such as `ipv6/unicast`.
    pub family: String,
    /// Destinations; all without it.
    pub prefix: Option<RouteQuery>,
    /// Route distinguisher; any without it.
    pub rd: Option<RouteDistinguisher>,
    /// Type of EVPN routes; any without it.
    pub kind: Option<EvpnKind>,
    /// Which side of the table.
    pub side: RouteSide,
}

/// Which side of the tables is shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RouteSide {
    /// All paths, after import policy; of one peer only if it is named.
    Table {
        /// Name of the peer.
        peer: Option<String>,
        /// Best paths only.
        best: bool,
    },
    /// What a peer sent, before policy: its Adj-RIB-In.
    In {
        /// Name of the peer.
        peer: String,
    },
    /// What a peer was told: its Adj-RIB-Out.
    Out {
        /// Name of the peer.
        peer: String,
    },
}

/// The tables of one router.
pub trait RouteTable: Send + Sync {
    /// Families that it has tables for, in the order in which to show them.
    fn families(&self) -> Vec<String>;
    /// A walk through some rows. In order of their destinations, each of which is in one page with all its rows, where the filter
    /// names a prefix or what else it is about.
    fn rows(&self, filter: &RouteFilter) -> Rows<RouteRow>;
    /// A walk through the destinations that are meant, whichever side of the table, in order. One that is named is given, whether it
    /// is there or not.
    fn destinations(&self, filter: &RouteFilter) -> Rows<RouteKey>;
    /// Everything about one destination; none when there is none.
    fn explain(&self, route: &RouteKey) -> Option<RouteExplanation>;
}

/// The kernel side of all routers.
pub trait FibView: Send + Sync {
    /// A walk through some rows.
    fn rows(&self, filter: &FibFilter) -> Rows<FibRow>;
    /// The entries for one prefix, of every router that wants it.
    fn explain(&self, prefix: &IpNet) -> Vec<FibRow>;
}

/// Which kernel entries are wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FibFilter {
    /// Router by name; all without it.
    pub router: Option<String>,
    /// Destinations; all without it.
    pub prefix: Option<PrefixQuery>,
}

/// One path of one destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteRow {
    /// Name of the router; filled when the row is sent.
    #[serde(default)]
    pub router: String,
    /// Address family.
    pub family: String,
    /// The destination, as text.
    pub route: String,
    /// The same, as long as the row is in the agent: what rows are sorted by.
    #[serde(skip)]
    pub key: Option<RouteKey>,
    /// Its IP prefix, in families and types of routes that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<IpNet>,
    /// Its route distinguisher, in families that have one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rd: Option<String>,
    /// What came in the NLRI, by name: labels, gateway, ESI; nothing in unicast families.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub nlri: Map<String, Value>,
    /// Who it is from: name of the peer, `local` for what we originate.
    pub peer: String,
    /// Address of that peer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_address: Option<IpAddr>,
    /// The best path.
    #[serde(default, skip_serializing_if = "is_false")]
    pub best: bool,
    /// Used beside the best path.
    #[serde(default, skip_serializing_if = "is_false")]
    pub multipath: bool,
    /// Kept although its session is gone or refreshing.
    #[serde(default, skip_serializing_if = "is_false")]
    pub stale: bool,
    /// Why it cannot be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ineligible: Option<Ineligible>,
    /// Path identifier (RFC 7911).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_id: Option<u32>,
    /// Attributes.
    #[serde(flatten)]
    pub attributes: Attributes,
}

impl RouteRow {
    /// A row about a destination, without anything else.
    pub fn of(route: RouteKey) -> Self {
        Self {
            family: route.family().to_string(),
            route: route.to_string(),
            prefix: route.net(),
            rd: route.rd().map(|rd| rd.to_string()),
            key: Some(route),
            ..Self::default()
        }
    }

    /// The labels that came with it, as people write them; nothing where there are none. In EVPN the field is a VNI where
    /// the encapsulation has such (RFC 8365 section 5.1.3).
    pub fn labels(&self) -> String {
        let labels = self.nlri.get("labels").and_then(Value::as_array);
        let reading = match self.attributes.has_vni() {
            true => "vni",
            false => "label",
        };
        let text = |label: &Value| label.get(reading).unwrap_or(label).to_string();
        let labels = labels.into_iter().flatten().map(text);
        labels.collect::<Vec<_>>().join("/")
    }
}

impl Attributes {
    /// Whether the encapsulation is one with VNIs: VXLAN, NVGRE, VXLAN GPE or GENEVE (RFC 8365 section 5.1.3).
    fn has_vni(&self) -> bool {
        let mut communities = self.ext_communities.iter();
        communities.any(|text| {
            matches!(
                text.strip_prefix("encap:"),
                Some("vxlan" | "nvgre" | "vxlan-gpe" | "geneve")
            )
        })
    }

    /// The route targets among the extended communities (RFC 4360 section 4), without the word.
    pub fn route_targets(&self) -> Vec<&str> {
        let targets = self.ext_communities.iter();
        targets
            .filter_map(|text| text.strip_prefix("rt:"))
            .collect()
    }

    /// What says where a route is imported: its route targets, and the ES-Import Route Target, which is all that an Ethernet
    /// Segment route has (RFC 7432 section 7.6).
    pub fn targets(&self) -> Vec<&str> {
        let segments = self.ext_communities.iter();
        let segments = segments.filter(|text| text.starts_with("es-import:"));
        let targets = self.route_targets().into_iter();
        targets.chain(segments.map(String::as_str)).collect()
    }
}

fn is_false(value: &bool) -> bool {
    !*value
}

/// Why a path cannot be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ineligible {
    /// Import policy denies it.
    Policy,
    /// Our own AS is in its AS_PATH (RFC 4271 section 9.1.2).
    AsLoop,
    /// Our own router ID is its ORIGINATOR_ID (RFC 4456 section 8).
    OriginatorLoop,
    /// Our own cluster ID is in its CLUSTER_LIST (RFC 4456 section 8).
    ClusterLoop,
    /// Only to Customer says that it was not to be told to us (RFC 9234 section 5).
    RouteLeak,
    /// Its next hop cannot be reached (RFC 4271 section 9.1.2.1).
    NextHopUnreachable,
    /// It is of an SRv6 service, and none of its SIDs can be used (RFC 9252 section 7).
    NoServiceSid,
    /// Its next hop is not on the link that we share with the external neighbour one hop away (RFC 4271 section 6.3).
    NextHopOffLink,
    /// An external session without a policy (RFC 8212).
    NoPolicy,
    /// Something else.
    Other,
}

impl Ineligible {
    /// The letter that stands for it in tables.
    pub fn letter(self) -> char {
        match self {
            Self::Policy => 'f',
            Self::NoPolicy => 'p',
            Self::AsLoop => 'l',
            Self::OriginatorLoop => 'o',
            Self::ClusterLoop => 'c',
            Self::RouteLeak => 'k',
            Self::NextHopUnreachable => 'u',
            Self::NoServiceSid => 'v',
            Self::NextHopOffLink => 'n',
            Self::Other => 'x',
        }
    }

    /// In words.
    pub fn text(self) -> &'static str {
        match self {
            Self::Policy => "denied by import policy",
            Self::AsLoop => "our own AS is in its AS_PATH",
            Self::OriginatorLoop => "our own router ID is its ORIGINATOR_ID",
            Self::ClusterLoop => "our own cluster ID is in its CLUSTER_LIST",
            Self::RouteLeak => {
                "a route leak: Only to Customer says that it was not to be told to us"
            }
            Self::NextHopUnreachable => "next hop unreachable",
            Self::NoServiceSid => "of an SRv6 service, and none of its SIDs can be used",
            Self::NextHopOffLink => "next hop not on the link of its neighbour",
            Self::NoPolicy => "external peer without a policy, and the router requires one",
            Self::Other => "not eligible",
        }
    }
}

/// Path attributes in words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attributes {
    /// Next hop; with a link-local address after a comma where there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_hop: Option<String>,
    /// AS path, as people write it; empty for our own routes.
    pub as_path: String,
    /// `igp`, `egp` or `incomplete`.
    pub origin: String,
    /// LOCAL_PREF.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub local_pref: Option<u32>,
    /// MULTI_EXIT_DISC.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub med: Option<u32>,
    /// COMMUNITIES.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub communities: Vec<String>,
    /// EXTENDED COMMUNITIES.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub ext_communities: Vec<String>,
    /// LARGE_COMMUNITY.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub large_communities: Vec<String>,
    /// ORIGINATOR_ID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originator_id: Option<String>,
    /// CLUSTER_LIST.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub cluster_list: Vec<String>,
    /// AGGREGATOR.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aggregator: Option<String>,
    /// ATOMIC_AGGREGATE is there.
    #[serde(skip_serializing_if = "is_false")]
    pub atomic_aggregate: bool,
    /// Everything else.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
}

/// Everything about one destination in one router, from the code that decides.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteExplanation {
    /// Name of the router; filled when it is sent.
    #[serde(default)]
    pub router: String,
    /// Address family.
    pub family: String,
    /// The destination, as text.
    pub route: String,
    /// The prefix of a unicast route: what the kernel has it by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefix: Option<IpNet>,
    /// All paths, the best first.
    pub paths: Vec<PathExplanation>,
    /// Decision steps that were taken, in order.
    pub steps: Vec<StepExplanation>,
    /// Who is told what.
    pub told: Vec<ToldExplanation>,
}

/// One path of an explained destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PathExplanation {
    /// Its row, with attributes after policy.
    #[serde(flatten)]
    pub row: RouteRow,
    /// `external`, `internal`, `client` or `local`.
    pub source: String,
    /// The BGPAdvertisement that it is of, if it is our own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub advertisement: Option<String>,
    /// The interface that the neighbour is on, where its address is link-local.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_interface: Option<String>,
    /// The neighbour's AS number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_as: Option<u32>,
    /// The neighbour's router ID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub peer_router_id: Option<String>,
    /// What import did, in words.
    pub policy: String,
    /// What each import policy did, in words, down to the one that denied it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Attributes as received, where policy changed them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_policy: Option<Attributes>,
    /// What the reason alone does not show: equal to the best, yet not used.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub remark: Option<String>,
    /// Why the next hop cannot be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop_unreached: Option<String>,
    /// Cost to the next hop, where it can be reached.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_hop_metric: Option<u32>,
}

/// One decision step.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepExplanation {
    /// What is compared, and where the standard says so.
    pub name: String,
    /// Paths that fall out here, as indexes into the paths.
    pub out: Vec<usize>,
    /// Values compared, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
    /// External paths are not compared here: the step is passed over between them.
    #[serde(default, skip_serializing_if = "is_false")]
    pub passed_over: bool,
}

/// What some peers are told about a destination.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ToldExplanation {
    /// Export group, if they are in one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
    /// Names of the peers.
    pub peers: Vec<String>,
    /// Path identifier (RFC 7911).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_id: Option<u32>,
    /// What is announced; none when it is not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub announced: Option<Attributes>,
    /// What each export policy did, in words, down to the one that denied it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub policies: Vec<String>,
    /// Why it is not announced, or what is still on its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// One prefix that a router wants in the kernel, and what became of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FibRow {
    /// Name of the router; none for what an earlier run has left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub router: Option<String>,
    /// The destination.
    pub prefix: IpNet,
    /// Kernel table.
    pub table: u32,
    /// Metric in the kernel.
    pub metric: u32,
    /// What became of it.
    pub state: FibState,
    /// Next hops of the best paths, as BGP has them.
    pub next_hops: Vec<IpAddr>,
    /// Ways out that are wanted: the next hops resolved.
    pub wanted: Vec<FibNextHop>,
    /// Ways out that the kernel has.
    pub installed: Vec<FibNextHop>,
    /// Why it is not installed: the kernel's error, the router that shadows it, the route in its way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// What became of a prefix that is wanted in the kernel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FibState {
    /// It is there as wanted.
    Installed,
    /// It has been sent, or waits to be.
    Pending,
    /// Another router wants the same prefix and comes first.
    Shadowed,
    /// A route that is not ours is in its way.
    Blocked,
    /// It is not to be in the kernel, by rule: it is on a link of ours, our own address, or a default route that is not accepted.
    Excluded,
    /// No next hop can be reached.
    Unresolved,
    /// The kernel refused it.
    Failed,
    /// Left by an earlier run, and kept until the tables have converged.
    Stale,
}

impl FibState {
    /// The word for it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Pending => "pending",
            Self::Shadowed => "shadowed",
            Self::Blocked => "blocked",
            Self::Excluded => "excluded",
            Self::Unresolved => "unresolved",
            Self::Failed => "failed",
            Self::Stale => "stale",
        }
    }
}

/// One way out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FibNextHop {
    /// Gateway; none for a link that needs none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gateway: Option<IpAddr>,
    /// Name of the link.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interface: Option<String>,
}

impl std::fmt::Display for FibNextHop {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (&self.gateway, &self.interface) {
            (Some(gateway), Some(interface)) => write!(f, "{gateway} dev {interface}"),
            (Some(gateway), None) => write!(f, "{gateway}"),
            (None, Some(interface)) => write!(f, "dev {interface}"),
            (None, None) => f.write_str("nowhere"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_of_evpn_is_a_vni_where_the_encapsulation_has_such() {
        let labels = serde_json::json!([{"label": 62, "vni": 1000}, {"label": 125, "vni": 2000}]);
        let mut row = RouteRow {
            nlri: [("labels".to_owned(), labels)].into_iter().collect(),
            ..RouteRow::default()
        };
        assert_eq!(row.labels(), "62/125");
        for (encapsulation, wanted) in [
            ("vxlan", "1000/2000"),
            ("geneve", "1000/2000"),
            ("mpls", "62/125"),
        ] {
            row.attributes.ext_communities = vec![format!("encap:{encapsulation}")];
            assert_eq!(row.labels(), wanted, "{encapsulation}");
        }
        row.nlri.insert("labels".to_owned(), vec![16].into());
        assert_eq!(row.labels(), "16");
    }

    #[test]
    fn each_reason_has_a_letter_of_its_own() {
        let all = [
            Ineligible::Policy,
            Ineligible::NoPolicy,
            Ineligible::AsLoop,
            Ineligible::OriginatorLoop,
            Ineligible::ClusterLoop,
            Ineligible::RouteLeak,
            Ineligible::NextHopUnreachable,
            Ineligible::NoServiceSid,
            Ineligible::NextHopOffLink,
            Ineligible::Other,
        ];
        let letters: std::collections::BTreeSet<char> = all.map(Ineligible::letter).into();
        assert_eq!(letters.len(), all.len(), "{letters:?}");
        // `s` is for stale.
        assert!(!letters.contains(&'s'));
    }
}
