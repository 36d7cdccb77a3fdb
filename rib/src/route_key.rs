//! What is announced, of whichever family: the key of a destination as people see and name it.

use bgp_wire::{EvpnRoute, Family, RouteDistinguisher, RouteTargetMembership, Vpn};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use std::fmt;
use std::str::FromStr;

/// The key of a destination.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum RouteKey {
    /// An IPv4 prefix.
    V4(Ipv4Net),
    /// An IPv6 prefix.
    V6(Ipv6Net),
    /// An IPv4 prefix of a VPN.
    VpnV4(Vpn<Ipv4Net>),
    /// An IPv6 prefix of a VPN.
    VpnV6(Vpn<Ipv6Net>),
    /// A route of an Ethernet VPN.
    Evpn(EvpnRoute),
    /// Interest in a route target.
    RouteTarget(RouteTargetMembership),
}

impl RouteKey {
    /// The family.
    pub fn family(&self) -> Family {
        match self {
            Self::V4(_) => Family::IPV4_UNICAST,
            Self::V6(_) => Family::IPV6_UNICAST,
            Self::VpnV4(_) => Family::IPV4_VPN,
            Self::VpnV6(_) => Family::IPV6_VPN,
            Self::Evpn(_) => Family::L2VPN_EVPN,
            Self::RouteTarget(_) => Family::RTC,
        }
    }

    /// The IP prefix, with or without a VPN around it.
    pub fn net(&self) -> Option<IpNet> {
        match *self {
            Self::V4(net) => Some(net.into()),
            Self::V6(net) => Some(net.into()),
            Self::VpnV4(vpn) => Some(vpn.prefix.into()),
            Self::VpnV6(vpn) => Some(vpn.prefix.into()),
            Self::Evpn(route) => route.prefix().or_else(|| route.ip().map(IpNet::from)),
            Self::RouteTarget(_) => None,
        }
    }

    /// The route distinguisher, in families that have one.
    pub fn rd(&self) -> Option<RouteDistinguisher> {
        match self {
            Self::VpnV4(vpn) => Some(vpn.rd),
            Self::VpnV6(vpn) => Some(vpn.rd),
            Self::Evpn(route) => Some(route.rd()),
            Self::V4(_) | Self::V6(_) | Self::RouteTarget(_) => None,
        }
    }
}

impl From<IpNet> for RouteKey {
    fn from(net: IpNet) -> Self {
        match net {
            IpNet::V4(net) => Self::V4(net.trunc()),
            IpNet::V6(net) => Self::V6(net.trunc()),
        }
    }
}

impl fmt::Display for RouteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4(net) => net.fmt(f),
            Self::V6(net) => net.fmt(f),
            Self::VpnV4(vpn) => vpn.fmt(f),
            Self::VpnV6(vpn) => vpn.fmt(f),
            Self::Evpn(route) => route.fmt(f),
            Self::RouteTarget(membership) => membership.fmt(f),
        }
    }
}

/// A text that is no route.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseRouteError {
    /// It is like none of them.
    #[error(
        "`{text}` is no route: expected a prefix such as 192.0.2.0/24 or 2001:db8::/32, one of a VPN such as \
         65000:100:192.0.2.0/24, one of EVPN such as [5]:[65000:100]:[0]:[24]:[192.0.2.0], or a route target membership \
         such as 65000:rt:65000:100"
    )]
    Unlike {
        /// The text.
        text: Box<str>,
    },
    /// It has brackets, as only those of EVPN do.
    #[error(transparent)]
    Evpn(#[from] bgp_wire::ParseTextError),
}

/// Reads what [`Display`](fmt::Display) prints, and an address without a length as a host route.
impl FromStr for RouteKey {
    type Err = ParseRouteError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let host = || {
            text.parse()
                .ok()
                .map(|address: std::net::IpAddr| IpNet::from(address))
        };
        if text.contains('[') {
            return Ok(Self::Evpn(text.parse()?));
        }
        None.or_else(|| text.parse::<IpNet>().ok().or_else(host).map(Self::from))
            .or_else(|| text.parse().ok().map(Self::VpnV4))
            .or_else(|| text.parse().ok().map(Self::VpnV6))
            .or_else(|| text.parse().ok().map(Self::RouteTarget))
            .ok_or_else(|| ParseRouteError::Unlike { text: text.into() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back() {
        for (text, family, net, rd) in [
            (
                "192.0.2.0/24",
                Family::IPV4_UNICAST,
                Some("192.0.2.0/24"),
                None,
            ),
            (
                "2001:db8::/32",
                Family::IPV6_UNICAST,
                Some("2001:db8::/32"),
                None,
            ),
            (
                "65000:1:10.0.0.0/8",
                Family::IPV4_VPN,
                Some("10.0.0.0/8"),
                Some("65000:1"),
            ),
            (
                "65000:1:2001:db8::/32",
                Family::IPV6_VPN,
                Some("2001:db8::/32"),
                Some("65000:1"),
            ),
            (
                "[5]:[65000:1]:[0]:[24]:[10.0.0.0]",
                Family::L2VPN_EVPN,
                Some("10.0.0.0/24"),
                Some("65000:1"),
            ),
            ("65000:rt:65000:100", Family::RTC, None, None),
            ("default", Family::RTC, None, None),
        ] {
            let key: RouteKey = text.parse().unwrap();
            assert_eq!(key.to_string(), text);
            assert_eq!(key.family(), family, "{text}");
            assert_eq!(key.net().map(|net| net.to_string()).as_deref(), net);
            assert_eq!(key.rd().map(|rd| rd.to_string()).as_deref(), rd);
        }
        assert_eq!(
            "192.0.2.7".parse(),
            Ok(RouteKey::V4("192.0.2.7/32".parse().unwrap()))
        );
        assert_eq!(
            "65000:1:[5]:[0]:[24]:[10.0.0.0]".parse(),
            "[5]:[65000:1]:[0]:[24]:[10.0.0.0]".parse::<RouteKey>()
        );
        assert!("nonsense".parse::<RouteKey>().is_err());
        assert_eq!(
            "[5]:[65000:1]:[0]:[24]:[10.0.0.x]"
                .parse::<RouteKey>()
                .unwrap_err()
                .to_string(),
            "`[5]:[65000:1]:[0]:[24]:[10.0.0.x]` is no EVPN route: character 32 is `x`, expected a number from 0 to 255"
        );
    }
}
