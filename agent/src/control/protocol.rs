//! Requests and replies on the control socket: JSON, one value a line.
//!
//! A client sends a [`Request`] and reads [`Reply`] lines until [`Reply::End`] or [`Reply::Error`], after which it may
//! send another. Unknown fields are ignored on both sides, so that a client and an agent of neighbouring versions
//! understand each other.

use std::net::IpAddr;
use std::path::PathBuf;

use bgp_wire::{EvpnRoute, Family, IpPrefix, MacAddr};
use clap::ValueEnum;
use ipnet::IpNet;
use rib::RouteKey;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::dynamic::DynamicView;
use super::routes::{FibRow, RouteExplanation, RouteRow};
use super::sessions::PeerView;
use super::views::{AgentView, RouterView};

/// Longest request line. The longest true request is a few hundred octets.
pub const MAX_REQUEST: usize = 16 * 1024;

/// Up to this many rows are sorted; more are streamed as they are stored.
pub const SORTED_ROWS: usize = 10_000;

/// What a client asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "request", rename_all = "kebab-case")]
pub enum Request {
    /// The agent at a glance: one [`Reply::Agent`], then routers, then peers, then dynamic neighbours.
    Summary,
    /// Sessions, and then the objects that have dynamic neighbours.
    Peers {
        /// Only of this router.
        #[serde(default)]
        router: Option<String>,
        /// Only those of this name or address, or of the object of this name; an error if there is none.
        #[serde(default)]
        name: Option<String>,
    },
    /// Routes.
    Routes(RoutesRequest),
    /// Kernel entries.
    Fib {
        /// Only of this router.
        #[serde(default)]
        router: Option<String>,
        /// Only these destinations.
        #[serde(default)]
        prefix: Option<PrefixQuery>,
    },
    /// One destination in all routers, from the session to the kernel, or the few that a question means.
    Explain {
        /// The destination; a unicast one, if it is a prefix or an address and neither a family nor a route distinguisher is given.
        prefix: RouteQuery,
        /// Only in this router.
        #[serde(default)]
        router: Option<String>,
        /// Only in this family.
        #[serde(default)]
        family: Option<String>,
        /// Only with this route distinguisher.
        #[serde(default)]
        rd: Option<String>,
    },
    /// What would change if the manifests were those of a folder: one [`Reply::Consequence`] for each change.
    Preview {
        /// The folder, which the agent reads: an absolute path.
        folder: PathBuf,
    },
    /// Objects with their status.
    Objects {
        /// Kind of object.
        kind: ObjectKind,
        /// Only the one of this name; an error if there is none.
        #[serde(default)]
        name: Option<String>,
    },
}

/// Which routes a client asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct RoutesRequest {
    /// Only of this router.
    pub router: Option<String>,
    /// Only of this family.
    pub family: Option<String>,
    /// Only these destinations; unicast ones, if they are prefixes and neither a family nor a route distinguisher is given.
    pub prefix: Option<RouteQuery>,
    /// Only with this route distinguisher.
    pub rd: Option<String>,
    /// Only EVPN routes of this type.
    pub kind: Option<u8>,
    /// Only of this peer, by name or address.
    pub peer: Option<String>,
    /// Which side.
    pub side: Side,
    /// Best paths only.
    pub best: bool,
}

/// Which side of the tables a client asks for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Side {
    /// The table after import policy.
    #[default]
    Table,
    /// What the peer sent, before policy.
    In,
    /// What the peer was told.
    Out,
}

/// Some destinations of the tables.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RouteQuery {
    /// What has this prefix.
    Exact(IpNet),
    /// The longest prefix that covers an address; in families with route distinguishers the longest of each of them. Where none with
    /// a best path does, those without.
    Covering(IpAddr),
    /// What has this prefix, or one inside it.
    Longer(IpNet),
    /// This route.
    Route(#[serde(with = "route")] RouteKey),
    /// This route of EVPN, whatever its route distinguisher: it has one of zero here.
    OfAnyRd(#[serde(with = "text")] EvpnRoute),
    /// Routes of EVPN for this MAC address.
    Mac(#[serde(with = "text")] MacAddr),
}

impl std::fmt::Display for RouteQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(net) => write!(f, "{net}"),
            Self::Covering(address) => write!(f, "{address}"),
            Self::Longer(net) => write!(f, "{net} and longer"),
            Self::Route(route) => write!(f, "{route}"),
            Self::OfAnyRd(route) => {
                let rd = format!(":[{}]", route.rd());
                f.write_str(&route.to_string().replacen(&rd, "", 1))
            }
            Self::Mac(mac) => write!(f, "{mac}"),
        }
    }
}

impl RouteQuery {
    /// The question about one destination: a plain prefix is asked for in whichever family is meant.
    pub fn of(route: RouteKey) -> Self {
        match (route.family(), route.net()) {
            (Family::IPV4_UNICAST | Family::IPV6_UNICAST, Some(net)) => Self::Exact(net),
            _ => Self::Route(route),
        }
    }

    /// The prefix that is asked for, without anything around it.
    pub fn prefix(&self) -> Option<IpNet> {
        match self {
            Self::Exact(net) | Self::Longer(net) => Some(*net),
            Self::Covering(_) | Self::Route(_) | Self::OfAnyRd(_) | Self::Mac(_) => None,
        }
    }

    /// What to say where nothing is found; `who` begins the sentence about a route that is named.
    pub fn nothing(&self, who: &str) -> String {
        let mut text = match self {
            Self::Covering(address) => format!("no route covers {address}"),
            Self::Mac(mac) => format!("no route of EVPN has the MAC address {mac}"),
            query => format!("{who} {query}"),
        };
        let net = match self {
            Self::Covering(address) => Some(IpNet::from(*address)),
            Self::Route(route) => route.net(),
            query => query.prefix(),
        };
        let why = net.and_then(|net| match net {
            IpNet::V4(net) => net.why_reserved(),
            IpNet::V6(net) => net.why_reserved(),
        });
        if let (Some(net), Some(why)) = (net, why) {
            text += &format!("; {net} {why}, and routes for it are ignored (RFC 6890)");
        }
        text
    }
}

/// What people write for it.
mod text {
    use std::fmt::Display;
    use std::str::FromStr;

    use serde::{Deserialize, Deserializer, Serializer, de};

    pub(super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_str(value)
    }

    pub(super) fn deserialize<'de, T, D>(deserializer: D) -> Result<T, D::Error>
    where
        T: FromStr<Err: Display>,
        D: Deserializer<'de>,
    {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(de::Error::custom)
    }
}

/// A route as text beside its family: `1:2:2001:db8::/32` alone could be two routes.
mod route {
    use bgp_wire::Family;
    use rib::RouteKey;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

    #[derive(Serialize, Deserialize)]
    struct Text {
        family: String,
        route: String,
    }

    pub(super) fn serialize<S: Serializer>(
        route: &RouteKey,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        let text = Text {
            family: route.family().to_string(),
            route: route.to_string(),
        };
        text.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<RouteKey, D::Error> {
        let Text { family, route } = Text::deserialize(deserializer)?;
        let family: Family = family.parse().map_err(de::Error::custom)?;
        let read = match family {
            Family::IPV4_VPN => route.parse().ok().map(RouteKey::VpnV4),
            Family::IPV6_VPN => route.parse().ok().map(RouteKey::VpnV6),
            Family::L2VPN_EVPN => route.parse().ok().map(RouteKey::Evpn),
            Family::RTC => route.parse().ok().map(RouteKey::RouteTarget),
            _ => route.parse().ok(),
        };
        read.filter(|read: &RouteKey| read.family() == family)
            .ok_or_else(|| de::Error::custom(format!("`{route}` is no route of {family}")))
    }
}

/// Some destinations of the kernel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrefixQuery {
    /// This one.
    Exact(IpNet),
    /// The longest one that covers an address.
    Covering(IpAddr),
    /// This one and everything inside it.
    Longer(IpNet),
}

impl std::fmt::Display for PrefixQuery {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Exact(net) => write!(f, "{net}"),
            Self::Covering(address) => write!(f, "{address}"),
            Self::Longer(net) => write!(f, "{net} and longer"),
        }
    }
}

/// The kinds that have objects.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum ObjectKind {
    /// BGPRouter
    #[value(aliases = ["router", "bgprouters", "bgprouter", "bgpr"])]
    Routers,
    /// BGPPeer
    #[value(aliases = ["peer", "bgppeers", "bgppeer", "bgppr"])]
    Peers,
    /// BGPAdvertisement
    #[value(aliases = ["advertisement", "bgpadvertisements", "bgpadvertisement", "bgpadv"])]
    Advertisements,
    /// BGPPolicy
    #[value(aliases = ["policy", "bgppolicies", "bgppolicy", "bgpp"])]
    Policies,
    /// BGPVRFInstance
    #[value(aliases = ["vrf", "bgpvrfinstances", "bgpvrfinstance", "bgpvrf"])]
    Vrfs,
    /// VPC
    #[value(aliases = ["vpc"])]
    Vpcs,
    /// VPCAttachment
    #[value(aliases = ["attachment", "vpcattachments", "vpcattachment"])]
    Attachments,
}

impl ObjectKind {
    /// The `kind` of its objects.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Routers => "BGPRouter",
            Self::Peers => "BGPPeer",
            Self::Advertisements => "BGPAdvertisement",
            Self::Policies => "BGPPolicy",
            Self::Vrfs => "BGPVRFInstance",
            Self::Vpcs => "VPC",
            Self::Attachments => "VPCAttachment",
        }
    }
}

/// What the agent answers, line by line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reply {
    /// The agent.
    Agent(AgentView),
    /// A router.
    Router(RouterView),
    /// A session.
    Peer(Box<PeerView>),
    /// Dynamic neighbours.
    Dynamic(Box<DynamicView>),
    /// A route.
    Route(Box<RouteRow>),
    /// A kernel entry.
    Fib(FibRow),
    /// An object.
    Object(Value),
    /// A destination explained.
    Explanation(Box<Explained>),
    /// What a change would lead to.
    Consequence(ConsequenceRow),
    /// All has been said.
    End(End),
    /// It cannot be said.
    Error(ErrorReply),
}

/// One destination in one router, from the session to the kernel.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explained {
    /// The router.
    pub router: RouterView,
    /// What its tables say; none when they have no such destination.
    pub route: Option<RouteExplanation>,
    /// What the kernel has for it, by whichever router.
    pub kernel: Vec<FibRow>,
}

/// A change that would be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConsequenceRow {
    /// Kind and name, and for what is on a router, its router.
    pub object: String,
    /// The harshest thing that happens to a session that is up, if fields change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effect: Option<String>,
    /// Object and consequences, as a sentence.
    pub text: String,
}

/// The last line of an answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    /// Lines before this one.
    pub rows: u64,
    /// Whether they were sorted.
    pub sorted: bool,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorReply {
    /// What kind of trouble.
    pub code: ErrorCode,
    /// In words, one line.
    pub message: String,
}

/// What kind of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ErrorCode {
    /// There is no such thing.
    NotFound,
    /// The request makes no sense.
    BadRequest,
    /// Too many are asking; try again.
    Busy,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn why_there_can_be_no_route_is_said_where_none_is_found() {
        let mapped: IpNet = "::ffff:192.0.2.0/120".parse().unwrap();
        let of = |query: RouteQuery| query.nothing("there is no route for");
        let ignored = "and routes for it are ignored (RFC 6890)";
        assert_eq!(
            of(RouteQuery::Exact(mapped)),
            format!("there is no route for {mapped}; {mapped} is IPv4-mapped, {ignored}")
        );
        assert_eq!(
            of(RouteQuery::Covering("127.0.0.1".parse().unwrap())),
            format!("no route covers 127.0.0.1; 127.0.0.1/32 is loopback, {ignored}")
        );
        assert_eq!(
            of(RouteQuery::Exact("10.0.0.0/8".parse().unwrap())),
            "there is no route for 10.0.0.0/8"
        );
    }
}
