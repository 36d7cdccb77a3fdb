//! Which rows of a table are asked for.

use crate::path::PeerIdx;
use crate::route_key::RouteKey;
use bgp_wire::{EvpnKind, EvpnRoute, Family, MacAddr, RouteDistinguisher, Vpn};
use ipnet::IpNet;
use std::net::IpAddr;

/// Which rows are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RowQuery {
    /// Only of this family.
    pub family: Option<Family>,
    /// Only this destination.
    pub route: Option<RouteKey>,
    /// Only of this prefix; of unicast, unless a family or a route distinguisher is given.
    pub prefix: Option<IpNet>,
    /// With the prefixes inside it.
    pub longer: bool,
    /// Only of prefixes and hosts that cover this address, the longest or not.
    pub covering: Option<IpAddr>,
    /// Only MAC/IP routes of EVPN for this address.
    pub mac: Option<MacAddr>,
    /// Only this route of EVPN, whatever its route distinguisher.
    pub of_any_rd: Option<EvpnRoute>,
    /// Only with this route distinguisher.
    pub rd: Option<RouteDistinguisher>,
    /// Only EVPN routes of this type.
    pub kind: Option<EvpnKind>,
    /// Only from this peer.
    pub peer: Option<PeerIdx>,
    /// Only best paths.
    pub best: bool,
}

impl RowQuery {
    /// The one destination that is asked for, if it is one.
    pub(crate) fn only(&self) -> Option<RouteKey> {
        if self.route.is_some() {
            return self.route;
        }
        let prefix = self
            .prefix
            .filter(|_| !self.longer && self.kind.is_none())?;
        let vpn = |family| self.family.is_none_or(|only| only == family);
        let key = match (prefix, self.rd) {
            (prefix, None) => RouteKey::from(prefix),
            (IpNet::V4(prefix), Some(rd)) if vpn(Family::IPV4_VPN) => {
                RouteKey::VpnV4(Vpn { rd, prefix })
            }
            (IpNet::V6(prefix), Some(rd)) if vpn(Family::IPV6_VPN) => {
                RouteKey::VpnV6(Vpn { rd, prefix })
            }
            _ => return None,
        };
        self.family
            .is_none_or(|family| family == key.family())
            .then_some(key)
    }

    /// Whether destinations of this family may match.
    pub(crate) fn concerns(&self, family: Family) -> bool {
        match self.family {
            Some(only) => family == only,
            None if self.kind.is_some() => family == Family::L2VPN_EVPN,
            None if self.rd.is_some() => !matches!(
                family,
                Family::IPV4_UNICAST | Family::IPV6_UNICAST | Family::RTC
            ),
            None if self.prefix.is_some() => {
                matches!(family, Family::IPV4_UNICAST | Family::IPV6_UNICAST)
            }
            None => true,
        }
    }

    pub(crate) fn matches(&self, key: RouteKey) -> bool {
        let in_prefix = |prefix: IpNet| {
            key.net().is_some_and(|net| {
                if self.longer {
                    prefix.contains(&net)
                } else {
                    prefix == net
                }
            })
        };
        let is_evpn = |wanted: &dyn Fn(EvpnRoute) -> bool| match key {
            RouteKey::Evpn(route) => wanted(route),
            _ => false,
        };
        self.prefix.is_none_or(in_prefix)
            && self
                .covering
                .is_none_or(|address| key.net().is_some_and(|net| net.contains(&address)))
            && self.rd.is_none_or(|rd| key.rd() == Some(rd))
            && self
                .kind
                .is_none_or(|kind| is_evpn(&|route| route.kind() == kind))
            && self
                .mac
                .is_none_or(|mac| is_evpn(&|route| route.mac() == Some(mac)))
            && self
                .of_any_rd
                .is_none_or(|wanted| is_evpn(&|route| wanted.with_rd(route.rd()) == route))
    }
}
