//! `cosmos policy`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{ShowFormat, SocketArgs};

/// `cosmos policy`.
#[derive(Debug, Clone, Subcommand)]
pub enum PolicyCommand {
    /// Say what a BGPPolicy does with a route, without any session
    Test(PolicyTestArgs),
}

/// `cosmos policy test`.
#[derive(Debug, Clone, Args)]
#[command(
    after_long_help = "ROUTE is what is announced, as it is printed, and then attributes in any order, as they are printed:\n  \
    next-hop ADDRESS              origin igp|egp|incomplete   as-path 65001 65002 {65003,65004}\n  \
    med NUMBER                    local-pref NUMBER           communities 65000:1 no-export\n  \
    ext-communities rt:65000:1    large-communities 65000:1:2\n  \
    srv6-sid ADDRESS [BEHAVIOR]   vni NUMBER                  label NUMBER\n\
    Without origin it is igp; whatever else is not given is not there.\n\n\
    One policy is tried, by itself: those that a route passes through before and behind it on a session\n\
    are told by `cosmos explain`. Terms about BGPPeers (match.peers) are tried for the one of --peer.\n\n\
    Exit status: 0 the route passes; 1 it is denied, or there is no such policy, or the policy cannot be\n\
    carried out; 2 could not ask.\n\n\
    Examples:\n  \
    cosmos policy test --policy customer-in --route '192.0.2.0/24 as-path 65001 communities 65000:1'\n  \
    cosmos policy test --policy customer-in --manifests ./new-manifests --peer tor-1 \\\n      \
    --route '2001:db8:1::/48 as-path 65001 local-pref 100' -o json\n  \
    cosmos policy test --policy tenants --route '[5]:[65000:100]:[0]:[24]:[192.0.2.0] vni 100'"
)]
pub struct PolicyTestArgs {
    /// The BGPPolicy, as NAME or NAMESPACE/NAME
    #[arg(long, value_name = "NAME")]
    pub policy: String,
    /// The route: what is announced, and its attributes
    #[arg(long, value_name = "ROUTE")]
    pub route: String,
    /// The BGPPeer from which the route is, or to which it goes
    #[arg(long, value_name = "NAME")]
    pub peer: Option<String>,
    /// Take the policy from this folder of manifests; without it, from the agent that runs
    #[arg(long, value_name = "DIR")]
    pub manifests: Option<PathBuf>,
    /// Output format
    #[arg(short, long, value_enum, default_value_t)]
    pub output: ShowFormat,
    /// Which agent to ask.
    #[command(flatten)]
    pub socket: SocketArgs,
}
