//! Routes of multicast VPNs (RFC 6514 §4): a type, a length, and what the type says.

use std::fmt;
use std::net::IpAddr;

use super::address::take_address;
use super::listed::Listed;
use super::rd::RouteDistinguisher;
use crate::error::Reason;
use crate::input::{Input, Malformed};
use crate::{Asn, Fields};

/// Multicast VPN routes.
pub(super) struct Mvpn;

const INTRA_AS: u8 = 1;
const INTER_AS: u8 = 2;
const SELECTIVE: u8 = 3;
const LEAF: u8 = 4;
const SOURCE_ACTIVE: u8 = 5;
const SHARED_TREE: u8 = 6;
const SOURCE_TREE: u8 = 7;

/// A route. What its type does not have is `None`.
#[derive(Default)]
pub(super) struct Route<'a> {
    kind: u8,
    /// The NLRI of the route that a leaf answers.
    route_key: Option<&'a [u8]>,
    rd: Option<RouteDistinguisher>,
    source_as: Option<Asn>,
    /// Source and group; none is any (RFC 6625 §3).
    multicast: Option<(Option<IpAddr>, Option<IpAddr>)>,
    originator: Option<IpAddr>,
}

impl Listed for Mvpn {
    type One<'a> = Route<'a>;

    fn split(input: Input<'_>) -> Result<(Input<'_>, Input<'_>), Malformed<'_>> {
        let cut = Malformed::new(input, "MCAST-VPN NLRI", Reason::Truncated);
        let ([_, length], _) = input.split_first_chunk().ok_or(cut)?;
        input.split_at_checked(2 + usize::from(*length)).ok_or(cut)
    }

    /// RFC 7606 §5.4: types that are not known are discarded.
    fn read(one: Input<'_>) -> Result<Route<'_>, Malformed<'_>> {
        let cut = Malformed::new(one, "MCAST-VPN NLRI", Reason::Truncated);
        let ([kind, length], value) = one.split_first_chunk().ok_or(cut)?;
        if kind_name(*kind).is_none() {
            let unknown = Reason::Unknown(u32::from(*kind));
            return Err(Malformed::new(one, "Route Type", unknown));
        }
        let wrong = Malformed::new(one, "Length", Reason::Length(usize::from(*length)));
        fields(*kind, value).ok_or(wrong)
    }

    fn describe(one: &Route<'_>, fields: &mut Fields) {
        fields.named("type", one.kind, kind_name(one.kind));
        if let Some(key) = one.route_key {
            fields.octets("route_key", key);
        }
        if let Some(rd) = one.rd {
            fields.text("rd", rd);
        }
        if let Some(asn) = one.source_as {
            fields.number("source_as", asn.0);
        }
        if let Some((source, group)) = one.multicast {
            fields.text("source", Any(source));
            fields.text("group", Any(group));
        }
        if let Some(originator) = one.originator {
            fields.text("originator", originator);
        }
    }
}

/// The fields of a type, which fill the value.
fn fields(kind: u8, value: &[u8]) -> Option<Route<'_>> {
    let mut route = Route {
        kind,
        ..Route::default()
    };
    let mut rest = value;
    if kind == LEAF {
        // RFC 6514 §4.4: the route key is an NLRI, so its length is in it.
        let [_, length, ..] = *rest else { return None };
        let (key, after) = rest.split_at_checked(2 + usize::from(length))?;
        (route.route_key, rest) = (Some(key), after);
    } else {
        let (rd, after) = rest.split_first_chunk()?;
        (route.rd, rest) = (Some(RouteDistinguisher(*rd)), after);
    }
    if matches!(kind, INTER_AS | SHARED_TREE | SOURCE_TREE) {
        let (asn, after) = rest.split_first_chunk()?;
        (route.source_as, rest) = (Some(Asn(u32::from_be_bytes(*asn))), after);
    }
    if matches!(kind, SELECTIVE | SOURCE_ACTIVE..=SOURCE_TREE) {
        let (source, after) = take_address(rest)?;
        let (group, after) = take_address(after)?;
        (route.multicast, rest) = (Some((source, group)), after);
    }
    if matches!(kind, INTRA_AS | SELECTIVE | LEAF) {
        // It has no length of its own (RFC 6515 §2).
        let originator = match (<[u8; 4]>::try_from(rest), <[u8; 16]>::try_from(rest)) {
            (Ok(address), _) => address.into(),
            (_, Ok(address)) => address.into(),
            _ => return None,
        };
        (route.originator, rest) = (Some(originator), &[]);
    }
    rest.is_empty().then_some(route)
}

/// The name that the registry "BGP MCAST-VPN Route Types" gives a type.
fn kind_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        INTRA_AS => "Intra-AS I-PMSI A-D route",
        INTER_AS => "Inter-AS I-PMSI A-D route",
        SELECTIVE => "S-PMSI A-D route",
        LEAF => "Leaf A-D route",
        SOURCE_ACTIVE => "Source Active A-D route",
        SHARED_TREE => "Shared Tree Join route",
        SOURCE_TREE => "Source Tree Join route",
        _ => return None,
    })
}

/// An address, or `*`.
struct Any(Option<IpAddr>);

impl fmt::Display for Any {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(address) => fmt::Display::fmt(&address, f),
            None => f.write_str("*"),
        }
    }
}

/// As FRR shows EVPN routes: `[3]:[65000:100]:[10.0.0.5]:[239.1.1.1]:[192.0.2.1]`.
impl fmt::Display for Route<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "[{}]", self.kind)?;
        if let Some(key) = self.route_key {
            f.write_str(":[0x")?;
            key.iter().try_for_each(|octet| write!(f, "{octet:02x}"))?;
            f.write_str("]")?;
        }
        if let Some(rd) = self.rd {
            write!(f, ":[{rd}]")?;
        }
        if let Some(asn) = self.source_as {
            write!(f, ":[{asn}]")?;
        }
        if let Some((source, group)) = self.multicast {
            write!(f, ":[{}]:[{}]", Any(source), Any(group))?;
        }
        if let Some(originator) = self.originator {
            write!(f, ":[{originator}]")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Family;
    use crate::nlri::{Form, NlriBlock, hex, spec};

    /// RFC 6514 §4.1 to §4.6.
    const EVERY: &[(&str, &str)] = &[
        (
            "01 0c 0000fde800000064 c0000201",
            "[1]:[65000:100]:[192.0.2.1]",
        ),
        (
            "01 18 0000fde800000064 20010db8000000000000000000000001",
            "[1]:[65000:100]:[2001:db8::1]",
        ),
        ("02 0c 0000fde800000064 0000fde9", "[2]:[65000:100]:[65001]"),
        (
            "03 16 0000fde800000064 20 0a000005 20 ef010101 c0000201",
            "[3]:[65000:100]:[10.0.0.5]:[239.1.1.1]:[192.0.2.1]",
        ),
        (
            "03 0e 0000fde800000064 00 00 c0000201",
            "[3]:[65000:100]:[*]:[*]:[192.0.2.1]",
        ),
        (
            "04 12 02 0c 0000fde800000064 0000fde9 c0000202",
            "[4]:[0x020c0000fde8000000640000fde9]:[192.0.2.2]",
        ),
        (
            "05 2a 0000fde800000064 80 20010db8000000000000000000000005 \
             80 ff3e0000000000000000000000000001",
            "[5]:[65000:100]:[2001:db8::5]:[ff3e::1]",
        ),
        (
            "06 16 0000fde800000064 0000fde8 20 0a000009 20 ef010101",
            "[6]:[65000:100]:[65000]:[10.0.0.9]:[239.1.1.1]",
        ),
        (
            "07 16 0000fde800000064 0000fde8 20 0a000005 20 ef010101",
            "[7]:[65000:100]:[65000]:[10.0.0.5]:[239.1.1.1]",
        ),
    ];

    fn check(bytes: &[u8]) -> Result<NlriBlock<'_>, Malformed<'_>> {
        NlriBlock::check(spec(Family::IPV4_MVPN).unwrap(), Form::default(), bytes)
    }

    #[test]
    fn every_type_is_read() {
        for (octets, text) in EVERY {
            let bytes = hex(octets);
            let block = check(&bytes).unwrap();
            assert_eq!((block.len(), block.ignored()), (1, 0), "{text}");
            assert_eq!(block.to_string(), *text);
            assert_eq!(block.describe().len(), 1);
            for cut in 1..bytes.len() {
                assert!(check(&bytes[..cut]).is_err(), "{text} cut at {cut}");
                let mut short = bytes[..cut.max(2)].to_vec();
                short[1] = u8::try_from(short.len() - 2).unwrap();
                // An IPv6 originator that is cut to four octets is an IPv4 one.
                let still = text.ends_with("2001:db8::1]") && short.len() == 14;
                let block = check(&short).unwrap();
                assert_eq!(block.len(), usize::from(still), "{text} cut at {cut}");
            }
        }
    }

    /// RFC 7606 §5.4, and lengths that no field has.
    #[test]
    fn a_malformed_route_is_passed_over() {
        for bad in [
            "00 00",
            "08 0c 0000fde800000064 c0000201",
            "01 0d 0000fde800000064 c000020100",
            "02 0d 0000fde800000064 0000fde900",
            "03 16 0000fde800000064 21 0a000005 20 ef010101 c0000201",
            "04 06 02 0c c0000202",
            "05 07 0000fde8000000",
        ] {
            let bytes = [hex(bad), hex(EVERY[0].0)].concat();
            let block = check(&bytes).unwrap();
            assert_eq!((block.len(), block.ignored()), (1, 1), "{bad}");
            assert_eq!(block.to_string(), EVERY[0].1, "{bad}");
        }
    }
}
