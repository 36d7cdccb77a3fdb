//! Capabilities (RFC 5492): what a speaker says in its OPEN that it can do.
//!
//! One file for each; here is the enum and the one table that gives code, name and reader. A
//! capability whose value is malformed cannot harm the session: it is kept as unknown, which means
//! ignored (RFC 5492 §5 leaves this to the receiver). A reader is given the capability's own octets
//! and nothing beyond.

mod add_path;
mod asn4;
mod describe;
mod extended_message;
mod extended_next_hop;
mod fqdn;
mod graceful_restart;
mod long_lived;
mod multiple_labels;
mod multiprotocol;
mod outbound_filter;
mod paths_limit;
mod role;
mod route_refresh;
mod software_version;
mod unknown;

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::error::EncodeError;
use crate::input::{self, Input, Malformed, Parsed};
use crate::length::Length;
use crate::{Asn, Family};

pub use add_path::AddPathMode;
pub use fqdn::Fqdn;
pub use graceful_restart::GracefulRestart;
pub use long_lived::LongLivedFamily;
pub(crate) use multiple_labels::count as multiple_labels;
pub use outbound_filter::FilterFamily;
pub use role::Role;

/// One capability of an OPEN.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Capability {
    /// A family can be exchanged (RFC 4760).
    Multiprotocol(Family),
    /// ROUTE-REFRESH is understood (RFC 2918).
    RouteRefresh,
    /// The markers of RFC 7313 are understood.
    EnhancedRouteRefresh,
    /// Filters can be sent or received (RFC 5291).
    OutboundRouteFilter(Vec<FilterFamily>),
    /// Families whose next hop may be of the given AFI (RFC 8950).
    ExtendedNextHop(Vec<(Family, u16)>),
    /// Messages up to 65,535 octets can be received (RFC 8654).
    ExtendedMessage,
    /// Families whose prefixes may have several labels, and how many (RFC 8277).
    MultipleLabels(Vec<(Family, u8)>),
    /// How the sender stands to the receiver (RFC 9234).
    Role(Role),
    /// Graceful restart (RFC 4724, 8538).
    GracefulRestart(GracefulRestart),
    /// The four-octet AS number of the sender (RFC 6793).
    Asn4(Asn),
    /// Families with path identifiers, and in which direction (RFC 7911).
    AddPath(Vec<(Family, AddPathMode)>),
    /// Long-lived graceful restart (RFC 9494).
    LongLivedGracefulRestart(Vec<LongLivedFamily>),
    /// The name of the sender's machine.
    Fqdn(Fqdn),
    /// The name and version of the sender's software.
    SoftwareVersion(String),
    /// Families, and how many paths to a prefix the sender wishes to be told.
    PathsLimit(Vec<(Family, u16)>),
    /// One that has no reader here, or whose value is malformed.
    Unknown {
        /// Its code.
        code: u8,
        /// Its value, untouched.
        value: Bytes,
    },
}

/// One line of the table.
struct Line {
    code: u8,
    name: &'static str,
    /// Reads a whole value; `None` for capabilities that are only known by name.
    read: Option<Reader>,
}

struct Reader {
    decode: Decode,
    /// Where it is said what the value is.
    rfc: &'static str,
}

type Decode = fn(Input<'_>) -> Result<Capability, Malformed<'_>>;

const fn line(code: u8, name: &'static str, rfc: &'static str, decode: Decode) -> Line {
    Line {
        code,
        name,
        read: Some(Reader { decode, rfc }),
    }
}

const fn named(code: u8, name: &'static str) -> Line {
    Line {
        code,
        name,
        read: None,
    }
}

/// Every capability with a name.
static TABLE: &[Line] = &[
    line(
        multiprotocol::CODE,
        "multiprotocol",
        "RFC 4760 §8",
        multiprotocol::decode,
    ),
    line(
        route_refresh::CODE,
        "route-refresh",
        "RFC 2918 §2",
        route_refresh::decode,
    ),
    line(
        outbound_filter::CODE,
        "outbound-route-filter",
        "RFC 5291 §5",
        outbound_filter::decode,
    ),
    // Deprecated (RFC 8277 §1).
    named(4, "multiple-routes"),
    line(
        extended_next_hop::CODE,
        "extended-next-hop",
        "RFC 8950 §4",
        extended_next_hop::decode,
    ),
    line(
        extended_message::CODE,
        "extended-message",
        "RFC 8654 §3",
        extended_message::decode,
    ),
    named(7, "bgpsec"),
    line(
        multiple_labels::CODE,
        "multiple-labels",
        "RFC 8277 §2.1",
        multiple_labels::decode,
    ),
    line(role::CODE, "role", "RFC 9234 §4.1", role::decode),
    line(
        graceful_restart::CODE,
        "graceful-restart",
        "RFC 4724 §3",
        graceful_restart::decode,
    ),
    line(asn4::CODE, "four-octet-as", "RFC 6793 §3", asn4::decode),
    named(67, "dynamic"),
    named(68, "multisession"),
    line(add_path::CODE, "add-path", "RFC 7911 §4", add_path::decode),
    line(
        route_refresh::ENHANCED_CODE,
        "enhanced-route-refresh",
        "RFC 7313 §3.1",
        route_refresh::decode_enhanced,
    ),
    line(
        long_lived::CODE,
        "long-lived-graceful-restart",
        "RFC 9494 §3",
        long_lived::decode,
    ),
    named(72, "routing-policy-distribution"),
    line(
        fqdn::CODE,
        "fqdn",
        "draft-walton-bgp-hostname-capability",
        fqdn::decode,
    ),
    named(74, "bfd"),
    line(
        software_version::CODE,
        "software-version",
        "draft-abraitis-bgp-version-capability",
        software_version::decode,
    ),
    line(
        paths_limit::CODE,
        "paths-limit",
        "draft-abraitis-idr-addpath-paths-limit",
        paths_limit::decode,
    ),
    named(77, "link-local-next-hop"),
    // Those of before the standard (RFC 8810 §3).
    named(128, "route-refresh-cisco"),
    named(129, "outbound-route-filter-prestandard"),
    named(130, "outbound-route-filter-cisco"),
    named(131, "multisession-cisco"),
    named(184, "fqdn-prestandard"),
    named(185, "operational-message-prestandard"),
];

impl Capability {
    /// The capability with this code and value.
    pub fn from_value(code: u8, value: &[u8]) -> Self {
        TABLE
            .iter()
            .find(|line| line.code == code)
            .and_then(|line| (line.read.as_ref()?.decode)(value).ok())
            .unwrap_or_else(|| unknown::keep(code, value))
    }

    /// The code.
    pub fn code(&self) -> u8 {
        match self {
            Self::Multiprotocol(_) => multiprotocol::CODE,
            Self::RouteRefresh => route_refresh::CODE,
            Self::EnhancedRouteRefresh => route_refresh::ENHANCED_CODE,
            Self::OutboundRouteFilter(_) => outbound_filter::CODE,
            Self::ExtendedNextHop(_) => extended_next_hop::CODE,
            Self::ExtendedMessage => extended_message::CODE,
            Self::MultipleLabels(_) => multiple_labels::CODE,
            Self::Role(_) => role::CODE,
            Self::GracefulRestart(_) => graceful_restart::CODE,
            Self::Asn4(_) => asn4::CODE,
            Self::AddPath(_) => add_path::CODE,
            Self::LongLivedGracefulRestart(_) => long_lived::CODE,
            Self::Fqdn(_) => fqdn::CODE,
            Self::SoftwareVersion(_) => software_version::CODE,
            Self::PathsLimit(_) => paths_limit::CODE,
            Self::Unknown { code, .. } => *code,
        }
    }

    /// The name, for a code that has one.
    pub fn name(&self) -> Option<&'static str> {
        Self::name_of(self.code())
    }

    /// The name of a code that has one.
    pub fn name_of(code: u8) -> Option<&'static str> {
        TABLE
            .iter()
            .find(|line| line.code == code)
            .map(|line| line.name)
    }

    /// What is malformed in a value, and where it is said what it should be.
    pub(crate) fn fault(code: u8, value: Input<'_>) -> Option<(Malformed<'_>, &'static str)> {
        let line = TABLE.iter().find(|line| line.code == code)?;
        let reader = line.read.as_ref()?;
        let error = (reader.decode)(value).err()?;
        Some((error, reader.rfc))
    }

    /// Cuts code and value by the length.
    pub(crate) fn split(input: Input<'_>) -> Parsed<'_, (u8, Input<'_>)> {
        let (rest, code) = input::u8("Capability Code")(input)?;
        let (rest, value) = input::sized_u8("Capability Length")(rest)?;
        Ok((rest, (code, value)))
    }

    /// Writes code, length and value.
    pub(crate) fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u8(self.code());
        let length = Length::u8(out, "Capability Length");
        match self {
            Self::Multiprotocol(family) => multiprotocol::encode(*family, out),
            Self::RouteRefresh | Self::EnhancedRouteRefresh | Self::ExtendedMessage => {}
            Self::OutboundRouteFilter(families) => outbound_filter::encode(families, out)?,
            Self::ExtendedNextHop(families) => extended_next_hop::encode(families, out),
            Self::MultipleLabels(families) => multiple_labels::encode(families, out),
            Self::Role(role) => role::encode(*role, out),
            Self::GracefulRestart(restart) => restart.encode(out),
            Self::Asn4(asn) => asn4::encode(*asn, out),
            Self::AddPath(families) => add_path::encode(families, out),
            Self::LongLivedGracefulRestart(families) => long_lived::encode(families, out),
            Self::Fqdn(fqdn) => fqdn.encode(out)?,
            Self::SoftwareVersion(version) => software_version::encode(version, out)?,
            Self::PathsLimit(families) => paths_limit::encode(families, out),
            Self::Unknown { value, .. } => out.put_slice(value),
        }
        length.close(out)
    }
}

impl fmt::Display for Capability {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Self::Unknown { code, value } = self {
            return unknown::show(self.name(), *code, value, f);
        }
        f.write_str(self.name().unwrap_or("capability"))?;
        match self {
            Self::Multiprotocol(family) => write!(f, " {family}"),
            Self::OutboundRouteFilter(families) => outbound_filter::show(families, f),
            Self::ExtendedNextHop(families) => extended_next_hop::show(families, f),
            Self::MultipleLabels(families) => multiple_labels::show(families, f),
            // One without a name is "role 9".
            Self::Role(role) => match role.name() {
                Some(name) => write!(f, " {name}"),
                None => write!(f, " {}", role.0),
            },
            Self::GracefulRestart(restart) => write!(f, " {restart}"),
            Self::Asn4(asn) => write!(f, " {asn}"),
            Self::AddPath(families) => add_path::show(families, f),
            Self::LongLivedGracefulRestart(families) => long_lived::show(families, f),
            Self::Fqdn(fqdn) => write!(f, " {fqdn}"),
            Self::SoftwareVersion(version) => write!(f, " {version}"),
            Self::PathsLimit(families) => paths_limit::show(families, f),
            Self::RouteRefresh
            | Self::EnhancedRouteRefresh
            | Self::ExtendedMessage
            | Self::Unknown { .. } => Ok(()),
        }
    }
}

/// AFI and SAFI next to each other.
fn family(input: Input<'_>) -> Parsed<'_, Family> {
    let (rest, afi) = input::u16("AFI")(input)?;
    let (rest, safi) = input::u8("SAFI")(rest)?;
    Ok((rest, Family::new(afi, safi)))
}

fn put_family(family: Family, out: &mut BytesMut) {
    out.put_u16(family.afi);
    out.put_u8(family.safi);
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Writes and reads back.
    pub(crate) fn round_trip(capability: &Capability) -> Capability {
        let mut out = BytesMut::new();
        capability.encode(&mut out).unwrap();
        let (rest, (code, value)) = Capability::split(&out).unwrap();
        assert!(rest.is_empty());
        Capability::from_value(code, value)
    }

    #[test]
    fn codes_are_in_the_table_once() {
        for line in TABLE {
            assert_eq!(
                TABLE.iter().filter(|other| other.code == line.code).count(),
                1,
                "{}",
                line.name
            );
        }
    }

    /// The registry of capability codes at IANA, where nothing else is registered below 186; 66 and
    /// those without a use any more have no name.
    #[test]
    fn every_registered_code_has_a_name() {
        let registered = (1..=9)
            .chain(64..=65)
            .chain(67..=77)
            .chain(128..=131)
            .chain(184..=185);
        for code in registered.clone() {
            assert!(
                Capability::from_value(code, &[0xff; 3]).name().is_some(),
                "{code}"
            );
        }
        for line in TABLE {
            assert!(
                registered.clone().any(|code| code == line.code),
                "{}",
                line.name
            );
        }
    }

    /// Each is ignored, and the session goes on.
    #[test]
    fn malformed_values_make_a_capability_unknown() {
        for (name, code, value) in [
            ("multiprotocol of 3", 1, &[0, 1, 0][..]),
            ("multiprotocol of 5", 1, &[0, 1, 0, 1, 0]),
            ("route refresh with a value", 2, &[1]),
            ("filters beyond their end", 3, &[0, 1, 0, 1, 2, 64, 3]),
            ("filters without a count", 3, &[0, 1, 0, 1]),
            ("paths limit not a multiple of 5", 76, &[0, 1, 1, 0]),
            ("extended next hop not a multiple of 6", 5, &[0, 1, 0, 1, 0]),
            ("extended message with a value", 6, &[0]),
            ("multiple labels not a multiple of 4", 8, &[0, 1, 4]),
            ("multiple labels cut in the second", 8, &[0, 1, 4, 2, 0, 2]),
            ("role without a value", 9, &[]),
            ("role of two octets", 9, &[0, 3]),
            ("graceful restart of 1", 64, &[0]),
            ("graceful restart not 2+4n", 64, &[0, 120, 0, 1, 1]),
            ("four-octet AS of 3", 65, &[0, 0, 1]),
            ("four-octet AS of 5", 65, &[0, 0, 0, 1, 0]),
            ("add-path not a multiple of 4", 69, &[0, 1, 1, 3, 0]),
            ("add-path direction 0", 69, &[0, 1, 1, 0]),
            ("add-path direction 4", 69, &[0, 1, 1, 4]),
            (
                "long-lived restart not a multiple of 7",
                71,
                &[0, 1, 1, 0, 0, 0],
            ),
            ("fqdn name beyond its end", 73, &[9, b'a']),
            ("fqdn without a domain length", 73, &[1, b'a']),
            ("fqdn with octets left over", 73, &[1, b'a', 0, 7]),
            ("software version of length 0", 75, &[0]),
            ("software version beyond its end", 75, &[5, b'a']),
            ("software version without a length", 75, &[]),
        ] {
            let read = Capability::from_value(code, value);
            assert_eq!(
                read,
                Capability::Unknown {
                    code,
                    value: Bytes::copy_from_slice(value)
                },
                "{name}"
            );
            assert_eq!(round_trip(&read), read, "{name}");
            assert!(Capability::fault(code, value).is_some(), "{name}");
        }
    }

    #[test]
    fn a_reader_cannot_read_into_the_next_capability() {
        // An add-path capability of one octet, then one of four octets whose start would complete
        // it.
        let input = [69, 1, 0, 65, 4, 0, 0, 0xfd, 0xe8];
        let all = input::all(&input, Capability::split).unwrap();
        let all: Vec<_> = all
            .into_iter()
            .map(|(code, value)| Capability::from_value(code, value))
            .collect();
        assert_eq!(all.len(), 2);
        assert!(matches!(all[0], Capability::Unknown { code: 69, .. }));
        assert_eq!(all[1], Capability::Asn4(Asn(65000)));
    }
}
