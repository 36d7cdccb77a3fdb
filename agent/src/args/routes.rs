//! What can be asked about routes: `cosmos show routes` and `cosmos explain`.

use std::ffi::OsStr;

use bgp_wire::{EvpnRoute, Family, RouteDistinguisher, Vpn};
use clap::Args;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};
use ipnet::IpNet;
use rib::RouteKey;

use super::ShowArgs;
use crate::control::protocol::RouteQuery;

/// `cosmos show routes`.
#[derive(Debug, Clone, Args)]
pub struct ShowRoutesArgs {
    /// A prefix, an address to find the prefix that covers it, a MAC address, or a route as it is printed here or by FRR
    #[arg(value_name = "ROUTE", value_parser = parse_route)]
    pub route: Option<RouteQuery>,
    /// Also everything inside the prefix
    #[arg(long, requires = "route")]
    pub longer: bool,
    /// Only best paths
    #[arg(long, conflicts_with_all = ["received", "sent"])]
    pub best: bool,
    /// Only this router
    #[arg(long, value_name = "ROUTER")]
    pub router: Option<String>,
    /// Only this address family: ipv4, ipv6, vpnv4, vpnv6, evpn, rtc, or as it is printed (ipv6/vpn)
    #[arg(long, value_name = "FAMILY", value_parser = FamilyName, hide_possible_values = true)]
    pub family: Option<String>,
    /// Only routes with this route distinguisher
    #[arg(long, value_name = "RD")]
    pub rd: Option<RouteDistinguisher>,
    /// Only EVPN routes of this type, by number: 2 is MAC/IP, 3 inclusive multicast, 5 IP prefix
    #[arg(long = "type", value_name = "N", value_parser = clap::value_parser!(u8).range(1..=11))]
    pub kind: Option<u8>,
    /// Only this peer, by name or address
    #[arg(long, value_name = "PEER")]
    pub peer: Option<String>,
    /// What the peer sent, before policy (Adj-RIB-In)
    #[arg(long = "in", requires = "peer", conflicts_with = "sent")]
    pub received: bool,
    /// What the peer was told (Adj-RIB-Out)
    #[arg(long = "out", requires = "peer")]
    pub sent: bool,
    /// Output and agent.
    #[command(flatten)]
    pub common: ShowArgs,
}

/// Any name of an address family, of which the short ones are offered: the agent knows the others.
#[derive(Debug, Clone)]
struct FamilyName;

impl TypedValueParser for FamilyName {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let short = ["ipv4", "ipv6", "vpnv4", "vpnv6", "evpn", "rtc"];
        Some(Box::new(short.into_iter().map(PossibleValue::new)))
    }
}

/// `cosmos explain`.
#[derive(Debug, Clone, Args)]
#[command(after_long_help = "Examples:\n  \
    cosmos explain 2001:db8:2::/64\n  \
    cosmos explain 10.1.2.3                  the prefix that covers this address\n  \
    cosmos explain 10.0.0.0/24 --router underlay -o json\n  \
    cosmos explain 65000:100:10.0.0.0/8      a VPN route, as `show routes` prints it\n  \
    cosmos explain 2001:db8::/32 --rd 100:1  the same with the route distinguisher apart\n  \
    cosmos explain 10.1.2.3 --family vpnv4   what covers this address, in each VPN\n  \
    cosmos explain 10.1.2.3 --rd 65000:100   the same in one VPN\n  \
    cosmos explain 00:11:22:33:44:55         routes of EVPN for this MAC address\n  \
    cosmos explain '[5]:[0]:[24]:[10.1.2.0]' a route as FRR prints it, of any route distinguisher\n  \
    cosmos explain 65000:rt:65000:100        who asks for this route target, and who is told so")]
pub struct ExplainArgs {
    /// A prefix, an address to find the prefix that covers it, a MAC address, or a route as `show routes` or FRR print it
    #[arg(value_name = "ROUTE", value_parser = parse_route)]
    pub route: RouteQuery,
    /// The address family of a prefix or an address, if it is not unicast
    #[arg(long, value_name = "FAMILY", value_parser = FamilyName, hide_possible_values = true)]
    pub family: Option<String>,
    /// The route distinguisher of a prefix or an address in a VPN
    #[arg(long, value_name = "RD")]
    pub rd: Option<RouteDistinguisher>,
    /// Only this router
    #[arg(long, value_name = "ROUTER")]
    pub router: Option<String>,
    /// Output and agent.
    #[command(flatten)]
    pub common: ShowArgs,
}

/// A prefix, an address that stands for the prefix covering it, a MAC address, or a route of another family as it is printed.
fn parse_route(text: &str) -> Result<RouteQuery, String> {
    if let Ok(net) = text.parse::<IpNet>() {
        // `100:1:2001:db8::/32` is an address and a length too, but hardly meant as one: it has bits beyond its length.
        return match text.parse() {
            Ok(vpn) if net != net.trunc() => Ok(RouteQuery::Route(RouteKey::VpnV6(vpn))),
            _ => Ok(RouteQuery::Exact(net.trunc())),
        };
    }
    if let Ok(address) = text.parse() {
        return Ok(RouteQuery::Covering(address));
    }
    if let Ok(mac) = text.parse() {
        return Ok(RouteQuery::Mac(mac));
    }
    if let Some(route) = EvpnRoute::without_rd(text) {
        let route = route.map_err(|error| error.to_string())?;
        return Ok(RouteQuery::OfAnyRd(route));
    }
    text.parse()
        .map(RouteQuery::of)
        .map_err(|error: rib::ParseRouteError| error.to_string())
}

impl ExplainArgs {
    /// What is asked for, and its route distinguisher, if the one is not part of the other.
    pub fn query(&self) -> Result<(RouteQuery, Option<RouteDistinguisher>), String> {
        let Some(rd) = self.rd else {
            return Ok((self.route.clone(), None));
        };
        let family = self.family.as_deref().map(str::parse::<Family>);
        let is_evpn = matches!(family, Some(Ok(Family::L2VPN_EVPN)));
        let of_vpn = |route| Ok((RouteQuery::Route(route), None));
        match self.route {
            RouteQuery::Exact(IpNet::V4(prefix)) if !is_evpn => {
                of_vpn(RouteKey::VpnV4(Vpn { rd, prefix }))
            }
            RouteQuery::Exact(IpNet::V6(prefix)) if !is_evpn => {
                of_vpn(RouteKey::VpnV6(Vpn { rd, prefix }))
            }
            RouteQuery::OfAnyRd(route) => of_vpn(RouteKey::Evpn(route.with_rd(rd))),
            RouteQuery::Route(route) => Err(format!(
                "--rd goes with a prefix or an address, and {route} is none"
            )),
            _ => Ok((self.route.clone(), Some(rd))),
        }
    }
}

impl ShowRoutesArgs {
    /// What is asked for, and its route distinguisher.
    pub fn query(&self) -> Result<(Option<RouteQuery>, Option<RouteDistinguisher>), String> {
        match (&self.route, self.longer) {
            (Some(RouteQuery::Exact(net)), true) => Ok((Some(RouteQuery::Longer(*net)), self.rd)),
            (Some(RouteQuery::Covering(address)), true) => {
                Ok((Some(RouteQuery::Longer(IpNet::from(*address))), self.rd))
            }
            (Some(RouteQuery::Route(route)), true) => match (route.net(), route.rd()) {
                (Some(net), rd @ Some(_)) => Ok((Some(RouteQuery::Longer(net)), rd)),
                _ => Err(format!("nothing is inside of {route}; remove --longer")),
            },
            (Some(route @ (RouteQuery::OfAnyRd(_) | RouteQuery::Mac(_))), true) => {
                Err(format!("nothing is inside of {route}; remove --longer"))
            }
            (Some(RouteQuery::OfAnyRd(route)), false) if let Some(rd) = self.rd => {
                let route = RouteKey::Evpn(route.with_rd(rd));
                Ok((Some(RouteQuery::Route(route)), self.rd))
            }
            (route, _) => Ok((route.clone(), self.rd)),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::super::{Cli, Command, ShowCommand};
    use super::*;

    fn routes(words: &[&str]) -> Result<(Option<RouteQuery>, Option<RouteDistinguisher>), String> {
        let words = [&["cosmos", "show", "routes"], words].concat();
        match Cli::try_parse_from(words)
            .map_err(|error| error.to_string())?
            .command
        {
            Command::Show(ShowCommand::Routes(args)) => args.query(),
            other => panic!("{other:?}"),
        }
    }

    fn explained(words: &[&str]) -> Result<(RouteQuery, Option<RouteDistinguisher>), String> {
        let words = [&["cosmos", "explain"], words].concat();
        match Cli::try_parse_from(words)
            .map_err(|error| error.to_string())?
            .command
        {
            Command::Explain(args) => args.query(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_route_is_asked_for_as_it_is_printed() {
        let net = |text: &str| -> IpNet { text.parse().unwrap() };
        let route = |text: &str| RouteQuery::Route(text.parse().unwrap());
        for (words, query) in [
            (&["10.1.0.7/8"][..], RouteQuery::Exact(net("10.0.0.0/8"))),
            (
                &["10.1.2.3"],
                RouteQuery::Covering("10.1.2.3".parse().unwrap()),
            ),
            (&["65000:1:10.0.0.0/8"], route("65000:1:10.0.0.0/8")),
            (
                &["10.0.0.0/8", "--rd", "65000:1"],
                route("65000:1:10.0.0.0/8"),
            ),
            (&["default"], route("default")),
            // The text of this one alone could be that of an IPv6 prefix.
            (
                &["1:2:2001:db8::/32"],
                RouteQuery::Route(RouteKey::VpnV6("1:2:2001:db8::/32".parse().unwrap())),
            ),
            (
                &["1:2:3:4:5:6:7::/128"],
                RouteQuery::Exact(net("1:2:3:4:5:6:7::/128")),
            ),
            (
                &["3:4:5:6:7::/128", "--rd", "1:2"],
                RouteQuery::Route(RouteKey::VpnV6("1:2:3:4:5:6:7::/128".parse().unwrap())),
            ),
        ] {
            assert_eq!(explained(words), Ok((query, None)), "{words:?}");
        }
        assert!(
            explained(&["65000:1:10.0.0.0/8", "--rd", "1:2"])
                .unwrap_err()
                .contains("--rd goes with a prefix or an address, and 65000:1:10.0.0.0/8 is none")
        );
        assert!(
            explained(&["nonsense"])
                .unwrap_err()
                .contains("`nonsense` is no route")
        );
    }

    #[test]
    fn addresses_and_routes_of_frr_are_asked_for_with_a_route_distinguisher_or_without() {
        let rd: RouteDistinguisher = "65000:1".parse().unwrap();
        let address = RouteQuery::Covering("10.1.2.3".parse().unwrap());
        let prefix = RouteQuery::Exact("10.0.0.0/8".parse().unwrap());
        let mac = RouteQuery::Mac("00:11:22:33:44:55".parse().unwrap());
        let of_frr = "[5]:[0]:[24]:[10.0.0.0]";
        let route = EvpnRoute::without_rd(of_frr).unwrap().unwrap();
        let of_one = RouteQuery::Route("[5]:[65000:1]:[0]:[24]:[10.0.0.0]".parse().unwrap());
        for (words, query) in [
            (&["10.1.2.3", "--rd", "65000:1"][..], (address, Some(rd))),
            (
                &["10.0.0.0/8", "--family", "evpn", "--rd", "65000:1"],
                (prefix, Some(rd)),
            ),
            (&["0011.2233.4455"], (mac.clone(), None)),
            (&["00-11-22-33-44-55", "--rd", "65000:1"], (mac, Some(rd))),
            (&[of_frr], (RouteQuery::OfAnyRd(route), None)),
            (&[of_frr, "--rd", "65000:1"], (of_one.clone(), None)),
            (&["65000:1:[5]:[0]:[24]:[10.0.0.0]"], (of_one.clone(), None)),
        ] {
            assert_eq!(explained(words), Ok(query), "{words:?}");
        }
        assert_eq!(
            routes(&[of_frr, "--rd", "65000:1"]),
            Ok((Some(of_one), Some(rd)))
        );
        assert_eq!(RouteQuery::OfAnyRd(route).to_string(), of_frr);
        for words in [
            &[of_frr, "--longer"][..],
            &["00:11:22:33:44:55", "--longer"],
        ] {
            let error = routes(words).unwrap_err();
            assert!(error.contains("nothing is inside of"), "{error}");
        }
        let error = explained(&["[5]:[0]:[33]:[10.0.0.0]"]).unwrap_err();
        assert!(error.contains("character 10 is `3`"), "{error}");
    }

    #[test]
    fn longer_keeps_the_route_distinguisher() {
        let net = |text: &str| Some(RouteQuery::Longer(text.parse().unwrap()));
        let rd = Some("65000:1".parse().unwrap());
        for (words, query) in [
            (&["10.0.0.0/8", "--longer"][..], (net("10.0.0.0/8"), None)),
            (&["10.0.0.1", "--longer"], (net("10.0.0.1/32"), None)),
            (&["65000:1:10.0.0.0/8", "--longer"], (net("10.0.0.0/8"), rd)),
            (
                &["10.0.0.0/8", "--longer", "--rd", "65000:1"],
                (net("10.0.0.0/8"), rd),
            ),
            (&["--rd", "65000:1"], (None, rd)),
        ] {
            assert_eq!(routes(words), Ok(query), "{words:?}");
        }
        assert!(
            routes(&["default", "--longer"])
                .unwrap_err()
                .contains("nothing is inside of default")
        );
        assert!(routes(&["--type", "12"]).is_err());
    }
}
