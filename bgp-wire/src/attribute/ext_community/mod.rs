//! Extended communities (RFC 4360): a type of one or two octets and a value.
//!
//! - `forms` is the table of those that have a text: one line each, from which they are printed,
//!   read and described; `form` is what a line can say.
//! - `registry` has the names of IANA.
//! - Here is the type, and what the speaker asks of it and builds.
//!
//! Whatever a community is, its text is read back as the same eight octets: bits that the kind has
//! no words for are printed as sixteen digits.

mod form;
mod forms;
mod registry;

use std::fmt;
use std::net::Ipv4Addr;
use std::str::FromStr;

pub(crate) use form::Names;

use self::form::{Form, Part};
use self::forms::FORMS;
use super::sorted;
use crate::describe::{Fields, Node};
use crate::input::{Input, Malformed};
use crate::text::{ParseTextError, Scanner, Wrong, parse};
use crate::{Asn, MacAddr, SessionContext};

/// An extended community.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ExtCommunity(pub [u8; 8]);

/// The bit of the type that keeps a community inside of its AS (RFC 4360 §2).
const NON_TRANSITIVE: u8 = 0x40;
const ROUTE_TARGET: u8 = 2;
const SITE_OF_ORIGIN: u8 = 3;

/// Who gives out the numbers of a route target, and the number (RFC 4360 §3, RFC 5668 §2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Administrator {
    /// An AS of two octets.
    As2(u16, u32),
    /// The owner of an IPv4 address.
    Ipv4(Ipv4Addr, u16),
    /// An AS of four octets.
    As4(Asn, u16),
}

impl Administrator {
    fn community(self, subtype: u8) -> ExtCommunity {
        let (kind, ([a, b, c, d], [e, f])) = match self {
            Self::As2(asn, number) => {
                let ([a, b], [c, d, e, f]) = (asn.to_be_bytes(), number.to_be_bytes());
                (0, ([a, b, c, d], [e, f]))
            }
            Self::Ipv4(address, number) => (1, (address.octets(), number.to_be_bytes())),
            Self::As4(asn, number) => (2, (asn.0.to_be_bytes(), number.to_be_bytes())),
        };
        ExtCommunity([kind, subtype, a, b, c, d, e, f])
    }
}

/// A MAC Mobility community (RFC 7432 §7.7).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MacMobility {
    /// How often the MAC address has moved.
    pub sequence: u32,
    /// It is not to move (RFC 7432 §15.2).
    pub sticky: bool,
}

impl ExtCommunity {
    /// The advertising router is the default gateway (RFC 7432 §7.8).
    pub const DEFAULT_GATEWAY: Self = Self([3, 0x0d, 0, 0, 0, 0, 0, 0]);

    /// A route target (RFC 4360 §4).
    pub fn route_target(of: Administrator) -> Self {
        of.community(ROUTE_TARGET)
    }

    /// A site of origin: "Route Origin" in RFC 4360 §5.
    pub fn site_of_origin(of: Administrator) -> Self {
        of.community(SITE_OF_ORIGIN)
    }

    /// A MAC Mobility community (RFC 7432 §7.7).
    pub fn from_mac_mobility(mobility: MacMobility) -> Self {
        let [a, b, c, d] = mobility.sequence.to_be_bytes();
        Self([6, 0, u8::from(mobility.sticky), 0, a, b, c, d])
    }

    /// The MAC address of the router behind a route (RFC 9135 §8.1).
    pub fn from_router_mac(mac: MacAddr) -> Self {
        Self::from_mac(3, mac)
    }

    /// The import target of an Ethernet segment (RFC 7432 §7.6).
    pub fn from_es_import(mac: MacAddr) -> Self {
        Self::from_mac(2, mac)
    }

    fn from_mac(subtype: u8, MacAddr([a, b, c, d, e, f]): MacAddr) -> Self {
        Self([6, subtype, a, b, c, d, e, f])
    }

    /// The encapsulation of a tunnel, by its registered tunnel type (RFC 9012 §4.1).
    pub fn from_encapsulation(tunnel_type: u16) -> Self {
        let [a, b] = tunnel_type.to_be_bytes();
        Self([3, 0x0c, 0, 0, 0, 0, a, b])
    }

    /// A color without flags (RFC 9012 §4.3).
    pub fn from_color(color: u32) -> Self {
        let [a, b, c, d] = color.to_be_bytes();
        Self([3, 0x0b, 0, 0, a, b, c, d])
    }

    /// Whether it goes on to other ASes.
    pub fn is_transitive(self) -> bool {
        let [kind, ..] = self.0;
        kind & NON_TRANSITIVE == 0
    }

    /// Type and subtype.
    #[inline]
    pub fn kind(self) -> (u8, u8) {
        let [kind, subtype, ..] = self.0;
        (kind, subtype)
    }

    /// Whether it is a route target, of whatever administrator.
    #[inline]
    pub fn is_route_target(self) -> bool {
        matches!(self.kind(), (0..=2, ROUTE_TARGET))
    }

    /// The administrator and number of a community of one of the three kinds that have them.
    pub fn administrator(self) -> Option<Administrator> {
        let [kind, _, a, b, c, d, e, f] = self.0;
        let number = u16::from_be_bytes([e, f]);
        Some(match kind & !NON_TRANSITIVE {
            0 => Administrator::As2(u16::from_be_bytes([a, b]), u32::from_be_bytes([c, d, e, f])),
            1 => Administrator::Ipv4(Ipv4Addr::new(a, b, c, d), number),
            2 => Administrator::As4(Asn(u32::from_be_bytes([a, b, c, d])), number),
            _ => return None,
        })
    }

    /// The sequence number and stickiness of a MAC Mobility community.
    pub fn mac_mobility(self) -> Option<MacMobility> {
        let [6, 0, flags, _, a, b, c, d] = self.0 else {
            return None;
        };
        Some(MacMobility {
            sequence: u32::from_be_bytes([a, b, c, d]),
            sticky: flags & 1 != 0,
        })
    }

    /// The MAC address of the router behind a route.
    pub fn router_mac(self) -> Option<MacAddr> {
        match self.0 {
            [6, 3, a, b, c, d, e, f] => Some(MacAddr([a, b, c, d, e, f])),
            _ => None,
        }
    }

    /// The import target of an Ethernet segment.
    pub fn es_import(self) -> Option<MacAddr> {
        match self.0 {
            [6, 2, a, b, c, d, e, f] => Some(MacAddr([a, b, c, d, e, f])),
            _ => None,
        }
    }

    /// The tunnel type of an encapsulation.
    pub fn encapsulation(self) -> Option<u16> {
        match self.0 {
            [3, 0x0c, _, _, _, _, a, b] => Some(u16::from_be_bytes([a, b])),
            _ => None,
        }
    }

    /// A color, whatever its flags.
    pub fn color(self) -> Option<u32> {
        match self.0 {
            [3, 0x0b, _, _, a, b, c, d] => Some(u32::from_be_bytes([a, b, c, d])),
            _ => None,
        }
    }

    /// The octets each second of a link bandwidth.
    pub fn link_bandwidth(self) -> Option<f32> {
        match self.0 {
            [0x00 | 0x40, 4, _, _, a, b, c, d] => Some(f32::from_be_bytes([a, b, c, d])),
            _ => None,
        }
    }

    /// The six octets after type and subtype.
    fn value(self) -> u64 {
        u64::from_be_bytes(self.0) & 0xffff_ffff_ffff
    }

    fn form(self) -> Option<&'static Form> {
        let (kind, subtype) = self.kind();
        FORMS
            .iter()
            .find(|form| form.kind == kind && form.subtype == subtype)
    }

    fn describe(self) -> Node {
        let (kind, subtype) = self.kind();
        Node::fields(|fields| {
            fields.text("text", self);
            fields.named("type", kind, registry::type_name(kind));
            fields.named("subtype", subtype, registry::subtype_name(kind, subtype));
            fields.flag("transitive", self.is_transitive());
            match self.form() {
                Some(form) => form.describe(self.value(), fields),
                None => {
                    let [_, _, value @ ..] = &self.0;
                    fields.octets("value", value);
                }
            }
        })
    }
}

impl fmt::Display for ExtCommunity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.form().filter(|form| form.fits(self.value())) {
            Some(form) => form.show(self.value(), f),
            None => write!(f, "0x{:016x}", u64::from_be_bytes(self.0)),
        }
    }
}

/// Reads what is printed: `rt:65000:100`, `color:7`, and sixteen digits after `0x`.
impl FromStr for ExtCommunity {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, "extended community", Self::take)
    }
}

impl ExtCommunity {
    /// Takes one from a text.
    pub(crate) fn take(scanner: &mut Scanner<'_>) -> Result<Self, Wrong> {
        if scanner.eat("0x") {
            let mut octets = [0; 8];
            for octet in &mut octets {
                *octet = scanner.octet()?;
            }
            return Ok(Self(octets));
        }
        let name = scanner.word("the name of an extended community, as `rt`", known)?;
        let form = which(name, scanner)?;
        let value = form.read(scanner)?;
        let [_, _, a, b, c, d, e, f] = value.to_be_bytes();
        Ok(Self([form.kind, form.subtype, a, b, c, d, e, f]))
    }
}

/// The name as the table has it.
fn known(word: &str) -> Option<&'static str> {
    FORMS
        .iter()
        .map(|form| form.name)
        .find(|name| name.eq_ignore_ascii_case(word))
}

/// Of the kinds with this name, the one whose administrator is of the sort that comes next. Two
/// octets are enough for an AS without a dot that fits them.
fn which(name: &str, scanner: &Scanner<'_>) -> Result<&'static Form, Wrong> {
    let named = || FORMS.iter().filter(|form| form.name == name);
    let mut ahead = scanner.clone();
    ahead.eat(":");
    let sort = match ahead
        .clone()
        .take_while(|one| one.is_ascii_digit() || one == '.')
    {
        address if address.bytes().filter(|one| *one == b'.').count() > 1 => 1,
        asn if asn.contains('.') || asn.parse::<u64>().is_ok_and(|asn| asn > 0xffff) => 2,
        _ => 0,
    };
    let found = named().find(|form| match form.parts.first() {
        Some(Part::As2(_)) => sort == 0,
        Some(Part::Ipv4(_)) => sort == 1,
        Some(Part::As4(_)) => sort == 2,
        _ => true,
    });
    match (found, named().next(), named().nth(1)) {
        // The only one of its name says itself what it expects.
        (Some(form), ..) | (None, Some(form), None) => Ok(form),
        _ => ahead.wrong("an administrator that this community can have"),
    }
}

pub(crate) fn read<'a>(
    value: Input<'a>,
    ctx: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    sorted::read::<8>("EXTENDED_COMMUNITIES", value, ctx, out)
}

pub(super) fn iter(value: &[u8]) -> impl Iterator<Item = ExtCommunity> + Clone + use<'_> {
    value.as_chunks().0.iter().map(|eight| ExtCommunity(*eight))
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("ext-communities")?;
    iter(value).try_for_each(|community| write!(f, " {community}"))
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    fields.list("ext_communities", iter(value).map(ExtCommunity::describe));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The octets are those of the RFCs named in `forms`.
    #[test]
    fn texts_are_read_back() {
        for (text, bytes) in [
            ("rt:65000:100", [0, 2, 0xfd, 0xe8, 0, 0, 0, 100]),
            ("soo:192.0.2.1:7", [1, 3, 192, 0, 2, 1, 0, 7]),
            ("rt:4200000000:9", [2, 2, 0xfa, 0x56, 0xea, 0, 0, 9]),
            ("rt:0.100:9", [2, 2, 0, 0, 0, 100, 0, 9]),
            ("0x030b000200000064", [3, 11, 0, 2, 0, 0, 0, 100]),
            ("0x4009000000000001", [0x40, 9, 0, 0, 0, 0, 0, 1]),
            ("color:100", [3, 11, 0, 0, 0, 0, 0, 100]),
            ("color:100:co1", [3, 11, 0x40, 0, 0, 0, 0, 100]),
            ("encap:vxlan", [3, 12, 0, 0, 0, 0, 0, 8]),
            ("encap:999", [3, 12, 0, 0, 0, 0, 3, 0xe7]),
            ("default-gateway", [3, 13, 0, 0, 0, 0, 0, 0]),
            (
                "rmac:00:11:22:33:44:55",
                [6, 3, 0, 0x11, 0x22, 0x33, 0x44, 0x55],
            ),
            (
                "es-import:aa:bb:cc:dd:ee:ff",
                [6, 2, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff],
            ),
            ("mac-mobility:7", [6, 0, 0, 0, 0, 0, 0, 7]),
            ("mac-mobility:7:sticky", [6, 0, 1, 0, 0, 0, 0, 7]),
            ("esi-label:16", [6, 1, 0, 0, 0, 0, 1, 0]),
            (
                "esi-label:16:single-active:bottom",
                [6, 1, 1, 0, 0, 0, 1, 1],
            ),
            ("e-tree:0:leaf", [6, 5, 1, 0, 0, 0, 0, 0]),
            (
                "l2-attributes:1500:control-word",
                [6, 4, 0, 4, 5, 0xdc, 0, 0],
            ),
            (
                "df-election:highest-preference:32767:dont-preempt",
                [6, 6, 2, 0x80, 0, 0, 0x7f, 0xff],
            ),
            ("multicast-flags:igmp-proxy", [6, 9, 0, 1, 0, 0, 0, 0]),
            ("evi-rt:65000:100", [6, 10, 0xfd, 0xe8, 0, 0, 0, 100]),
            (
                "link-bandwidth:65000:125000000",
                [0x40, 4, 0xfd, 0xe8, 0x4c, 0xee, 0x6b, 0x28],
            ),
            ("traffic-rate:0:0", [0x80, 6, 0, 0, 0, 0, 0, 0]),
            (
                "traffic-rate:1:1000.5",
                [0x80, 6, 0, 1, 0x44, 0x7a, 0x20, 0],
            ),
            (
                "traffic-action:sample:terminal",
                [0x80, 7, 0, 0, 0, 0, 0, 3],
            ),
            ("traffic-action", [0x80, 7, 0, 0, 0, 0, 0, 0]),
            ("redirect:65000:100", [0x80, 8, 0xfd, 0xe8, 0, 0, 0, 100]),
            ("redirect:192.0.2.1:7", [0x81, 8, 192, 0, 2, 1, 0, 7]),
            ("redirect:65536:7", [0x82, 8, 0, 1, 0, 0, 0, 7]),
            ("traffic-marking:46", [0x80, 9, 0, 0, 0, 0, 0, 46]),
            ("redirect-ip:192.0.2.1:copy", [1, 12, 192, 0, 2, 1, 0, 1]),
            (
                "ospf-route-type:0.0.0.1:external:1",
                [3, 6, 0, 0, 0, 1, 5, 1],
            ),
            ("cost:absolute:128:1000", [0x43, 1, 128, 128, 0, 0, 3, 0xe8]),
            ("validation:not-found", [0x43, 0, 0, 0, 0, 0, 0, 1]),
            (
                "l2-info:vpls:1500:100:control-word",
                [0x80, 10, 19, 2, 5, 0xdc, 0, 100],
            ),
            (
                "interface-set:65000:7:input",
                [0x47, 2, 0, 0, 0xfd, 0xe8, 0x40, 7],
            ),
            ("vrf-route-import:192.0.2.1:7", [1, 11, 192, 0, 2, 1, 0, 7]),
            ("source-as:65000:0", [0, 9, 0xfd, 0xe8, 0, 0, 0, 0]),
            // Octets and meaning as tshark 4.0 has them.
            (
                "ospf-route-type-old:0.0.0.1:external:1",
                [0x80, 0, 0, 0, 0, 1, 5, 1],
            ),
            (
                "ospf-router-id-old:192.0.2.1",
                [0x80, 1, 192, 0, 2, 1, 0, 0],
            ),
            (
                "ospf-domain-id-old:65000:7",
                [0x80, 5, 0xfd, 0xe8, 0, 0, 0, 7],
            ),
            (
                "e-tree-info:10:20:leaf-only:vlan-mapping",
                [0x80, 11, 0, 10, 0, 20, 0, 3],
            ),
            (
                "virtual-network-id:65000:100",
                [0x40, 0x80, 0xfd, 0xe8, 0, 0, 0, 100],
            ),
            ("sfc-classifier:10:255:4", [0x80, 13, 0, 0, 10, 0xff, 0, 4]),
            ("mvpn-sa-rp:192.0.2.1", [1, 0x20, 192, 0, 2, 1, 0, 0]),
            ("extranet-source", [3, 4, 0, 0, 0, 0, 0, 0]),
            ("extranet-separation", [3, 5, 0, 0, 0, 0, 0, 0]),
            ("cp-orf", [3, 3, 0, 0, 0, 0, 0, 0]),
            ("pmsi-tunnel-flags:256", [3, 7, 0, 0, 0, 0, 1, 0]),
            (
                "label-space-id:mpls-label:409600",
                [3, 8, 0, 0, 0, 6, 0x40, 0],
            ),
            (
                "vrf-recursive-next-hop:192.0.2.1:7",
                [1, 0x14, 192, 0, 2, 1, 0, 7],
            ),
            ("rt-derived:192.0.2.1:7", [1, 0x15, 192, 0, 2, 1, 0, 7]),
            ("node-target:192.0.2.1", [1, 9, 192, 0, 2, 1, 0, 0]),
            ("i-sid:0x010203040506", [6, 7, 1, 2, 3, 4, 5, 6]),
            ("evpn-link-bandwidth:mbps:400", [6, 16, 0, 0, 0, 0, 1, 0x90]),
            ("mup:10:100", [12, 0, 0, 10, 0, 0, 0, 100]),
        ] {
            let community = ExtCommunity(bytes);
            assert_eq!(text.parse(), Ok(community), "{text}");
            assert_eq!(community.to_string(), text);
        }
    }

    #[test]
    fn errors_name_the_character() {
        for (text, character) in [
            ("", 1),
            ("rt", 3),
            ("rt:1", 5),
            ("rt:65536:65536", 10),
            ("rt:1.2.3.4:65536", 12),
            ("rt:1.2.3:1", 4),
            ("rt:1:2:3", 7),
            ("xx:1:2", 1),
            ("0x12", 5),
            ("0x+30b000000000064", 3),
            ("color:100:sticky", 11),
            ("mac-mobility:7:stuck", 16),
            ("encap:vxlam", 7),
            ("rmac:00:11:22:33:44:5", 22),
            ("l2vpn-id:70000:1", 10),
            ("vrf-route-import:1:2", 18),
            ("traffic-marking:64", 17),
            ("traffic-rate:0:nan", 16),
            ("default-gateway:1", 16),
            ("i-sid:010203040506", 8),
            ("i-sid:0x0102030405", 19),
            ("e-tree-info:4096:1", 13),
            ("label-space-id:mpls:1", 16),
        ] {
            let error = text.parse::<ExtCommunity>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
    }

    #[test]
    fn what_the_speaker_builds_it_reads() {
        let mac = MacAddr([0, 1, 2, 3, 4, 5]);
        let mobility = MacMobility {
            sequence: 9,
            sticky: true,
        };
        for (community, text) in [
            (
                ExtCommunity::route_target(Administrator::As2(65000, 70000)),
                "rt:65000:70000",
            ),
            (
                ExtCommunity::route_target(Administrator::As4(Asn(70000), 1)),
                "rt:70000:1",
            ),
            (
                ExtCommunity::site_of_origin(Administrator::Ipv4([192, 0, 2, 1].into(), 1)),
                "soo:192.0.2.1:1",
            ),
            (
                ExtCommunity::from_mac_mobility(mobility),
                "mac-mobility:9:sticky",
            ),
            (ExtCommunity::from_router_mac(mac), "rmac:00:01:02:03:04:05"),
            (
                ExtCommunity::from_es_import(mac),
                "es-import:00:01:02:03:04:05",
            ),
            (ExtCommunity::from_encapsulation(8), "encap:vxlan"),
            (ExtCommunity::from_color(7), "color:7"),
            (ExtCommunity::DEFAULT_GATEWAY, "default-gateway"),
        ] {
            assert_eq!(community.to_string(), text);
            assert!(community.is_transitive());
            assert_eq!(community.is_route_target(), text.starts_with("rt:"));
        }
        let target = ExtCommunity::route_target(Administrator::As4(Asn(70000), 1));
        assert_eq!(
            target.administrator(),
            Some(Administrator::As4(Asn(70000), 1))
        );
        let mobile = ExtCommunity::from_mac_mobility(mobility);
        assert_eq!(mobile.mac_mobility(), Some(mobility));
        assert_eq!(mobile.administrator(), None);
        assert_eq!(ExtCommunity::from_router_mac(mac).router_mac(), Some(mac));
        assert_eq!(ExtCommunity::from_es_import(mac).es_import(), Some(mac));
        assert_eq!(ExtCommunity::from_encapsulation(8).encapsulation(), Some(8));
        assert_eq!(ExtCommunity::from_color(7).color(), Some(7));
        assert_eq!(ExtCommunity::from_color(7).router_mac(), None);
        let bandwidth: ExtCommunity = "link-bandwidth:1:5.5".parse().unwrap();
        assert_eq!(bandwidth.link_bandwidth(), Some(5.5));
        assert!(!bandwidth.is_transitive());
    }

    #[test]
    fn a_described_community_has_the_registered_names() {
        let community: ExtCommunity = "mac-mobility:7:sticky".parse().unwrap();
        let Node::Fields(fields) = community.describe() else {
            panic!("fields")
        };
        assert_eq!(fields.get("type"), Some(&Node::Named(6, Some("EVPN"))));
        assert_eq!(
            fields.get("subtype"),
            Some(&Node::Named(0, Some("MAC Mobility")))
        );
        assert_eq!(fields.get("sticky"), Some(&Node::Flag(true)));
        assert_eq!(fields.get("sequence"), Some(&Node::Number(7)));
        let Node::Fields(fields) = ExtCommunity([0x99; 8]).describe() else {
            panic!("fields")
        };
        assert_eq!(fields.get("value"), Some(&Node::Octets(vec![0x99; 6])));
    }
}
