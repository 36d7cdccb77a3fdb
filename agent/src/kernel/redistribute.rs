//! What others have in the main table that a router may originate: routes that somebody configured, and the rest.
//!
//! Pure. What is on the links of the node follows from its addresses, and is not among them; neither are routes of ours. A default
//! route is never redistributed: who has no other way out would lead the traffic of others there.

use ipnet::IpNet;

use super::model::{MAIN_TABLE, PROTOCOL_KERNEL, RouteKind};
use super::table::{Foreign, KernelTable};

/// `RTPROT_STATIC`: routes that somebody has configured, by hand or through a network manager.
const PROTOCOL_STATIC: u8 = 4;
/// `RTPROT_ZSTATIC`: those of FRR's staticd. Ours may have the number too, and are not here.
const PROTOCOL_ZSTATIC: u8 = 196;
/// `RTN_BLACKHOLE`, `RTN_UNREACHABLE`, `RTN_PROHIBIT`: what holds a prefix so that all of it can be told.
const DISCARDING: [u8; 3] = [6, 7, 8];

impl KernelTable {
    /// The prefixes of routes that were configured (`configured`), or of all others that are not networks of links.
    pub(crate) fn redistributed(&self, configured: bool) -> Vec<IpNet> {
        let main = self
            .routes
            .iter()
            .filter(|((table, _), _)| *table == MAIN_TABLE);
        let wanted = main.filter(|((_, prefix), routes)| {
            is_told_on(*prefix) && routes.iter().any(|route| is_of(route, configured))
        });
        wanted.map(|((_, prefix), _)| *prefix).collect()
    }
}

fn is_of(route: &Foreign, configured: bool) -> bool {
    let leads = match route.kind {
        RouteKind::Unicast => true,
        RouteKind::Other(kind) => DISCARDING.contains(&kind),
        RouteKind::Local => false,
    };
    let is_static = matches!(route.protocol, PROTOCOL_STATIC | PROTOCOL_ZSTATIC);
    leads && route.tos == 0 && route.protocol != PROTOCOL_KERNEL && is_static == configured
}

/// Whether a prefix means something to others.
pub(crate) fn is_told_on(prefix: IpNet) -> bool {
    let address = prefix.addr();
    let own = match prefix {
        IpNet::V4(net) => net.addr().is_link_local(),
        IpNet::V6(net) => net.addr().is_unicast_link_local(),
    };
    prefix.prefix_len() > 0 && !own && !address.is_loopback() && !address.is_multicast()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::model::{KernelRoute, LOCAL_TABLE};
    use crate::kernel::resolve::tests::route;

    #[test]
    fn configured_routes_are_told_from_others_and_neither_is_what_is_on_a_link_or_means_nothing_elsewhere()
     {
        let mut table = KernelTable::default();
        let by = |protocol: u8, prefix: &str| {
            let mut route = route(prefix, Some("192.0.2.9"), 2, 0);
            route.owner.protocol = protocol;
            route
        };
        let of_kind = |kind: u8, prefix: &str| KernelRoute {
            kind: RouteKind::Other(kind),
            ..by(4, prefix)
        };
        let mut elsewhere = by(4, "10.9.0.0/16");
        elsewhere.owner.table = 100;
        let mut local = by(2, "10.0.0.1/32");
        local.owner.table = LOCAL_TABLE;
        for route in [
            by(4, "10.1.0.0/16"),
            by(196, "10.2.0.0/16"),
            by(3, "10.3.0.0/16"),
            by(12, "10.4.0.0/16"),
            by(2, "10.5.0.0/16"),
            of_kind(6, "10.6.0.0/16"),
            of_kind(5, "10.7.0.0/16"),
            by(16, "0.0.0.0/0"),
            by(4, "fe80::/64"),
            by(4, "ff00::/8"),
            by(4, "127.1.0.0/16"),
            elsewhere,
            local,
        ] {
            table.add_route(&route, false);
        }
        let sorted = |configured: bool| {
            let mut found = table.redistributed(configured);
            found.sort();
            found.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert_eq!(sorted(true), ["10.1.0.0/16", "10.2.0.0/16", "10.6.0.0/16"]);
        assert_eq!(sorted(false), ["10.3.0.0/16", "10.4.0.0/16"]);
    }
}
