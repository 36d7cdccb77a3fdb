//! COMMUNITIES (RFC 1997).

use std::fmt;
use std::str::FromStr;

use super::sorted;
use crate::SessionContext;
use crate::describe::{Fields, Node};
use crate::input::{Input, Malformed};
use crate::text::{ParseTextError, parse};

/// A community: by custom an AS and a number of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Community(pub u32);

macro_rules! well_known {
    ($($(#[$doc:meta])* $name:ident = $number:literal, $text:literal;)*) => {
        impl Community {
            $($(#[$doc])* pub const $name: Self = Self($number);)*
        }

        /// The registry "BGP Well-known Communities", its names in the way they are typed.
        const NAMES: &[(Community, &str)] = &[$((Community::$name, $text),)*];
    };
}

well_known! {
    /// About to be shut down (RFC 8326).
    GRACEFUL_SHUTDOWN = 0xffff_0000, "graceful-shutdown";
    /// Accept the own community (RFC 7611).
    ACCEPT_OWN = 0xffff_0001, "accept-own";
    /// Route target filters, translated, for IPv4.
    ROUTE_FILTER_TRANSLATED_V4 = 0xffff_0002, "route-filter-translated-v4";
    /// Route target filters for IPv4.
    ROUTE_FILTER_V4 = 0xffff_0003, "route-filter-v4";
    /// Route target filters, translated, for IPv6.
    ROUTE_FILTER_TRANSLATED_V6 = 0xffff_0004, "route-filter-translated-v6";
    /// Route target filters for IPv6.
    ROUTE_FILTER_V6 = 0xffff_0005, "route-filter-v6";
    /// Stale, kept by long-lived graceful restart (RFC 9494).
    LLGR_STALE = 0xffff_0006, "llgr-stale";
    /// Not to be kept by long-lived graceful restart (RFC 9494).
    NO_LLGR = 0xffff_0007, "no-llgr";
    /// Accept the own next hop.
    ACCEPT_OWN_NEXTHOP = 0xffff_0008, "accept-own-nexthop";
    /// From a standby PE of a multicast VPN (RFC 9026).
    STANDBY_PE = 0xffff_0009, "standby-pe";
    /// Traffic is to be dropped (RFC 7999).
    BLACKHOLE = 0xffff_029a, "blackhole";
    /// Not to be told to external peers (RFC 1997).
    NO_EXPORT = 0xffff_ff01, "no-export";
    /// Not to be told to any peer (RFC 1997).
    NO_ADVERTISE = 0xffff_ff02, "no-advertise";
    /// Not to be told to external peers, also not inside of a confederation (RFC 1997).
    NO_EXPORT_SUBCONFED = 0xffff_ff03, "no-export-subconfed";
    /// Not to be told to bilateral peers (RFC 3765).
    NO_PEER = 0xffff_ff04, "no-peer";
}

/// What some communities are called elsewhere: `NOPEER` in RFC 3765, `local-AS` and `gshut` where Cisco's
/// or FRR's commands are typed.
const OTHER_NAMES: [(Community, &str); 3] = [
    (Community::NO_PEER, "nopeer"),
    (Community::NO_EXPORT_SUBCONFED, "local-as"),
    (Community::GRACEFUL_SHUTDOWN, "gshut"),
];

impl Community {
    /// `high:low`.
    pub const fn new(high: u16, low: u16) -> Self {
        Self(((high as u32) << 16) | low as u32)
    }

    /// The two halves.
    pub fn halves(self) -> (u16, u16) {
        let [a, b, c, d] = self.0.to_be_bytes();
        (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]))
    }

    /// The name, for one that is in the registry.
    pub fn name(self) -> Option<&'static str> {
        NAMES
            .iter()
            .find(|(community, _)| *community == self)
            .map(|(_, name)| *name)
    }

    /// The one of this name, however it is spelled: the RFCs and the registry write most of them in capital
    /// letters and with `_`, as `NO_EXPORT`.
    fn named(word: &str) -> Option<Self> {
        let is = |name: &str| {
            let same = |(typed, letter): (u8, u8)| {
                typed.eq_ignore_ascii_case(&letter) || (typed, letter) == (b'_', b'-')
            };
            word.len() == name.len() && word.bytes().zip(name.bytes()).all(same)
        };
        let mut all = NAMES.iter().chain(&OTHER_NAMES);
        all.find(|(_, name)| is(name))
            .map(|(community, _)| *community)
    }
}

impl fmt::Display for Community {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => {
                let (high, low) = self.halves();
                write!(f, "{high}:{low}")
            }
        }
    }
}

/// Reads `65000:100` and the well-known names, as they are printed and as the RFCs write them.
impl FromStr for Community {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, "community", |scanner| {
            if scanner.peek().is_some_and(char::is_alphabetic) {
                return scanner.name("a name such as `no-export`", Self::named);
            }
            let high = scanner.u16()?;
            scanner.expect(":")?;
            Ok(Self::new(high, scanner.u16()?))
        })
    }
}

pub(crate) fn read<'a>(
    value: Input<'a>,
    ctx: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    sorted::read::<4>("COMMUNITIES", value, ctx, out)
}

pub(super) fn iter(value: &[u8]) -> impl Iterator<Item = Community> + Clone + use<'_> {
    value
        .as_chunks()
        .0
        .iter()
        .map(|four| Community(u32::from_be_bytes(*four)))
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("communities")?;
    iter(value).try_for_each(|community| write!(f, " {community}"))
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    fields.list("communities", iter(value).map(Node::text));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_read_back() {
        for (text, community) in [
            ("65000:100", Community::new(65000, 100)),
            ("0:0", Community(0)),
            ("no-export", Community::NO_EXPORT),
            ("blackhole", Community::new(65535, 666)),
        ] {
            assert_eq!(text.parse(), Ok(community));
            assert_eq!(community.to_string(), text);
        }
        for (text, character) in [
            ("", 1),
            ("1", 2),
            ("65536:1", 1),
            ("1:65536", 3),
            ("1:2:3", 4),
            ("+1:2", 1),
            ("no-exports", 1),
            ("no-export:1", 10),
            ("NO EXPORT", 1),
            ("no__export", 1),
            ("noexport", 1),
            ("_no_export", 1),
        ] {
            let error = text.parse::<Community>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
    }

    /// The registry "BGP Well-known Communities".
    #[test]
    fn every_well_known_name_is_read_back() {
        for (community, name) in NAMES {
            assert_eq!(community.to_string(), *name);
            assert_eq!(name.parse(), Ok(*community));
            assert_eq!(name.to_uppercase().parse(), Ok(*community));
        }
        assert_eq!(Community(0xffff_0009).to_string(), "standby-pe");
        assert_eq!(Community(0xffff_000a).to_string(), "65535:10");
    }

    /// The names in the titles of RFC 1997, 3765, 7611, 7999, 8326 and 9494 and in the registry, and in the
    /// commands of routers.
    #[test]
    fn names_are_read_as_the_rfcs_write_them_and_printed_in_one_way() {
        for (text, number, printed) in [
            ("NO_EXPORT", 0xffff_ff01, "no-export"),
            ("NO_ADVERTISE", 0xffff_ff02, "no-advertise"),
            ("NO_EXPORT_SUBCONFED", 0xffff_ff03, "no-export-subconfed"),
            ("local-AS", 0xffff_ff03, "no-export-subconfed"),
            ("LOCAL_AS", 0xffff_ff03, "no-export-subconfed"),
            ("NOPEER", 0xffff_ff04, "no-peer"),
            ("no_peer", 0xffff_ff04, "no-peer"),
            ("GRACEFUL_SHUTDOWN", 0xffff_0000, "graceful-shutdown"),
            ("gshut", 0xffff_0000, "graceful-shutdown"),
            ("BLACKHOLE", 0xffff_029a, "blackhole"),
            ("ACCEPT_OWN", 0xffff_0001, "accept-own"),
            ("LLGR_STALE", 0xffff_0006, "llgr-stale"),
            ("NO_LLGR", 0xffff_0007, "no-llgr"),
            ("Standby_PE", 0xffff_0009, "standby-pe"),
            (
                "ROUTE_FILTER_TRANSLATED_v4",
                0xffff_0002,
                "route-filter-translated-v4",
            ),
        ] {
            let community: Community = text.parse().unwrap();
            assert_eq!(community, Community(number), "{text}");
            assert_eq!(community.to_string(), printed);
        }
    }
}
