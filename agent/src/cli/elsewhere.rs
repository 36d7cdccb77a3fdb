//! PURE: where a plain prefix is to be found that no unicast family has.
//!
//! A prefix without anything beside it means a unicast route. On a router that has only those of VPNs, who asks so is
//! told how to ask.

use std::net::IpAddr;

use super::client::AskError;
use crate::control::protocol::{Reply, Request, RouteQuery, RoutesRequest};
use crate::control::routes::RouteRow;

/// What is found in the other families, for the end of the sentence that says there is nothing.
#[derive(Debug)]
pub struct Elsewhere {
    /// The family as it is asked for.
    asked: &'static str,
    row: RouteRow,
    /// An address was asked for.
    address: bool,
}

/// Looks in the other families. What cannot be asked is not there: the agent has said no already.
pub fn find<I>(
    query: &RouteQuery,
    router: Option<&str>,
    ask: impl Fn(&Request) -> Result<I, AskError>,
) -> Option<Elsewhere>
where
    I: Iterator<Item = Result<Reply, AskError>>,
{
    let ip = match query {
        RouteQuery::Exact(net) | RouteQuery::Longer(net) => net.addr(),
        RouteQuery::Covering(address) => *address,
        RouteQuery::Route(_) | RouteQuery::OfAnyRd(_) | RouteQuery::Mac(_) => return None,
    };
    let vpn = match ip {
        IpAddr::V4(_) => "vpnv4",
        IpAddr::V6(_) => "vpnv6",
    };
    [vpn, "evpn"].into_iter().find_map(|asked| {
        let request = Request::Routes(RoutesRequest {
            router: router.map(str::to_owned),
            family: Some(asked.to_owned()),
            prefix: Some(query.clone()),
            ..RoutesRequest::default()
        });
        let row = ask(&request).ok()?.find_map(|reply| match reply {
            Ok(Reply::Route(row)) => Some(row),
            _ => None,
        })?;
        Some(Elsewhere {
            asked,
            row: *row,
            address: matches!(query, RouteQuery::Covering(_)),
        })
    })
}

impl Elsewhere {
    /// For `cosmos show routes`.
    pub fn to_show(&self) -> String {
        let Self { asked, row, .. } = self;
        let family = &row.family;
        format!(
            " in the unicast families; {family} has {}: add --family {asked}",
            row.route
        )
    }

    /// For `cosmos explain`.
    pub fn to_explain(&self) -> String {
        let RouteRow { family, route, .. } = &self.row;
        match &self.row.rd {
            _ if self.address => self.to_show(),
            Some(rd) if self.asked != "evpn" => {
                format!(" in the unicast families; {family} has {route}: add --rd {rd}")
            }
            _ => format!(" in the unicast families; {family} has {route}: ask for it so"),
        }
    }
}
