//! OPEN (RFC 4271 §4.2): who the sender is and what it can do.
//!
//! This is read before anyone knows who the peer is, so every length is checked against what is
//! there. The rules of RFC 4271 §6.2, RFC 6286 (BGP identifier), RFC 7607 (AS 0), RFC 6793
//! (AS_TRANS) and RFC 9072 (extended optional parameters) are applied here; what depends on the
//! configuration (the expected AS, a clash of identifiers) is the session's.

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::capability::{self, Capability};
use crate::codes::{self, open as subcode};
use crate::describe::Fields;
use crate::error::{DecodeError, Disposition, EncodeError, Finding, MessageError, Reason};
use crate::faults::TOLD;
use crate::frame::{HEADER_LEN, MAX_LEN, MessageType, OpenFrame};
use crate::input::{self, Input, Malformed, malformed};
use crate::length::Length;
use crate::{AddPathMode, Asn, Family, FamilySet, HoldTime, Role, RouterId};

/// The version of BGP spoken here.
pub const VERSION: u8 = 4;

const PARAMETER_CAPABILITY: u8 = 2;
/// The parameter type that announces the extended form (RFC 9072 §2).
const PARAMETER_EXTENDED: u8 = 255;

/// Octets in front of the optional parameters: version, AS, hold time, identifier.
const BEFORE_PARAMETERS: usize = 9;

/// A capability whose value is malformed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CapabilityFault {
    /// Its code.
    pub code: u8,
    /// What is wrong.
    pub error: DecodeError,
    /// Where it is said what it should be.
    pub rfc: &'static str,
}

/// The capabilities of an OPEN whose value is malformed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CapabilityFaults {
    /// The first ones.
    pub told: Vec<CapabilityFault>,
    /// How many more there are.
    pub more: usize,
}

/// An OPEN message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Open {
    /// The protocol version, always 4.
    pub version: u8,
    /// My Autonomous System: two octets, AS_TRANS if the number needs four. See [`asn`](Self::asn).
    pub my_as: u16,
    /// The hold time offered.
    pub hold_time: HoldTime,
    /// The BGP identifier.
    pub router_id: RouterId,
    /// The capabilities in the order they came.
    pub capabilities: Vec<Capability>,
}

impl Open {
    /// An OPEN of a speaker with this AS, its four-octet capability included.
    pub fn new(
        asn: Asn,
        hold_time: HoldTime,
        router_id: RouterId,
        mut capabilities: Vec<Capability>,
    ) -> Self {
        if !capabilities
            .iter()
            .any(|capability| matches!(capability, Capability::Asn4(_)))
        {
            capabilities.push(Capability::Asn4(asn));
        }
        Self {
            version: VERSION,
            my_as: asn.to_two_octets(),
            hold_time,
            router_id,
            capabilities,
        }
    }

    /// The AS of the sender: from the four-octet capability if there is one.
    pub fn asn(&self) -> Asn {
        self.asn4().unwrap_or_else(|| Asn(u32::from(self.my_as)))
    }

    /// The AS of the four-octet capability. The first counts if there are several.
    pub fn asn4(&self) -> Option<Asn> {
        asn4(&self.capabilities)
    }

    /// The families announced. Without any multiprotocol capability that is IPv4 unicast (RFC 4760
    /// §8 adds families to what RFC 4271 carries by itself).
    pub fn families(&self) -> Vec<Family> {
        let mut families = Vec::new();
        for capability in &self.capabilities {
            if let Capability::Multiprotocol(family) = capability
                && !families.contains(family)
            {
                families.push(*family);
            }
        }
        if families.is_empty() {
            families.push(Family::IPV4_UNICAST);
        }
        families
    }

    /// The same as a set, without the families that have no name.
    pub fn family_set(&self) -> FamilySet {
        self.families().into_iter().collect()
    }

    /// The direction of ADD-PATH for a family. RFC 7911 §4: of several tuples for one family the
    /// last counts.
    pub fn add_path(&self, family: Family) -> Option<AddPathMode> {
        self.capabilities
            .iter()
            .rev()
            .find_map(|capability| match capability {
                Capability::AddPath(modes) => modes
                    .iter()
                    .rev()
                    .find(|(of, _)| *of == family)
                    .map(|(_, mode)| *mode),
                _ => None,
            })
    }

    /// Whether the sender accepts next hops of this AFI in the family (RFC 8950).
    pub fn extended_next_hop(&self, family: Family, next_hop_afi: u16) -> bool {
        self.capabilities.iter().any(|capability| {
            matches!(capability, Capability::ExtendedNextHop(list) if list.contains(&(family, next_hop_afi)))
        })
    }

    /// How many labels the sender can receive for a prefix of this family; `None` is one (RFC 8277
    /// §2.1).
    pub fn multiple_labels(&self, family: Family) -> Option<u8> {
        capability::multiple_labels(&self.capabilities, family)
    }

    /// The roles that the sender says to have: none, or one however often it is repeated, or more,
    /// which contradict each other (RFC 9234 §4.2).
    pub fn roles(&self) -> impl Iterator<Item = Role> + use<'_> {
        self.capabilities
            .iter()
            .filter_map(|capability| match capability {
                Capability::Role(role) => Some(*role),
                _ => None,
            })
    }

    /// Its fields, by name.
    pub fn describe(&self) -> Fields {
        let mut fields = Fields::new();
        fields.number("version", self.version);
        fields.number("my_as", self.my_as);
        fields.number("as", self.asn().0);
        fields.number("hold_time", self.hold_time.secs());
        fields.text("bgp_identifier", self.router_id);
        let capabilities = self.capabilities.iter().map(Capability::describe);
        fields.list("capabilities", capabilities);
        fields
    }

    /// Whether a capability with this content is there.
    pub fn has(&self, capability: &Capability) -> bool {
        self.capabilities.contains(capability)
    }

    /// What is malformed in capabilities of the body of an OPEN, as far as they can be cut. Such
    /// capabilities are ignored, and the session goes on without them (RFC 5492 §5): this is for those
    /// who want to know.
    pub fn capability_faults(body: &[u8]) -> CapabilityFaults {
        let mut all = CapabilityFaults::default();
        let parameters = body.get(BEFORE_PARAMETERS..).unwrap_or(&[]);
        // What keeps them from being cut is an error of its own.
        let _ = each_capability(parameters, |code, value| {
            let Some((error, rfc)) = Capability::fault(code, value) else {
                return;
            };
            if all.told.len() >= TOLD {
                all.more = all.more.saturating_add(1);
                return;
            }
            all.told.push(CapabilityFault {
                code,
                error: error.within(body, HEADER_LEN),
                rfc,
            });
        });
        all
    }

    /// Reads the body of an OPEN.
    pub fn decode(body: &[u8]) -> Result<Self, MessageError> {
        let fail = |error: Malformed<'_>, code: u8, data: &[u8]| {
            let error = error.within(body, HEADER_LEN);
            MessageError::new(error, codes::OPEN, code, Bytes::copy_from_slice(data))
        };
        // RFC 4271 §6.2 gives framing errors no subcode of their own.
        let lost = |error: nom::Err<Malformed<'_>>| {
            let error = malformed(error).within(body, HEADER_LEN);
            MessageError::new(error, codes::OPEN, subcode::UNSPECIFIC, Bytes::new())
        };

        let (rest, version) = input::u8("Version")(body).map_err(lost)?;
        if version != VERSION {
            let error = Malformed::new(body, "Version", Reason::Value(u32::from(version)));
            // The data is the largest version supported (RFC 4271 §6.2).
            return Err(fail(
                error,
                subcode::UNSUPPORTED_VERSION,
                &u16::from(VERSION).to_be_bytes(),
            ));
        }
        let as_field = rest;
        let (rest, my_as) = input::u16("My Autonomous System")(rest).map_err(lost)?;
        let hold_field = rest;
        let (rest, hold_time) = input::u16("Hold Time")(rest).map_err(lost)?;
        let id_field = rest;
        let (rest, router_id) = input::u32("BGP Identifier")(rest).map_err(lost)?;

        // All that is wrong is said; RFC 4271 §6.2 takes the fields in their order, and so the first
        // is what the peer is told.
        let mut wrong = Vec::new();
        let capabilities = parameters(rest);
        let asn4 = match &capabilities {
            Ok(capabilities) => asn4(capabilities),
            Err(_) => None,
        };
        if let Err(reason) = check_as(my_as, asn4) {
            let error = Malformed::new(as_field, "My Autonomous System", reason);
            wrong.push((error, subcode::BAD_PEER_AS));
        }
        let hold = HoldTime::new(hold_time);
        if hold.is_none() {
            let reason = Reason::Value(u32::from(hold_time));
            let error = Malformed::new(hold_field, "Hold Time", reason);
            wrong.push((error, subcode::UNACCEPTABLE_HOLD_TIME));
        }
        // RFC 6286 §2.2: zero is the one value that is no BGP identifier.
        if router_id == 0 {
            let error = Malformed::new(id_field, "BGP Identifier", Reason::Value(0));
            wrong.push((error, subcode::BAD_BGP_IDENTIFIER));
        }
        match (hold, capabilities) {
            (Some(hold_time), Ok(capabilities)) if wrong.is_empty() => Ok(Self {
                version,
                my_as,
                hold_time,
                router_id: RouterId(router_id),
                capabilities,
            }),
            (_, capabilities) => {
                wrong.extend(capabilities.err());
                Err(refuse(wrong, body))
            }
        }
    }

    /// Appends the whole message. All capabilities go into one optional parameter, in the extended
    /// form (RFC 9072) when they need more than 255 octets.
    pub fn encode(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        let frame = OpenFrame::begin(out, MessageType::Open);
        match self.encode_body(out) {
            Ok(()) => frame.finish(out, MAX_LEN),
            Err(error) => {
                frame.abandon(out);
                Err(error)
            }
        }
    }

    fn encode_body(&self, out: &mut BytesMut) -> Result<(), EncodeError> {
        out.put_u8(self.version);
        out.put_u16(self.my_as);
        out.put_u16(self.hold_time.secs());
        out.put_u32(self.router_id.0);
        let mut capabilities = BytesMut::new();
        for capability in &self.capabilities {
            capability.encode(&mut capabilities)?;
        }
        if capabilities.is_empty() {
            out.put_u8(0);
        } else if capabilities.len().saturating_add(2) < usize::from(PARAMETER_EXTENDED) {
            let all = Length::u8(out, "Opt Parm Len");
            out.put_u8(PARAMETER_CAPABILITY);
            let one = Length::u8(out, "Parm. Length");
            out.put_slice(&capabilities);
            one.close(out)?;
            all.close(out)?;
        } else {
            // RFC 9072 §2: both octets of the old length say 255.
            out.put_u8(PARAMETER_EXTENDED);
            out.put_u8(PARAMETER_EXTENDED);
            let all = Length::u16(out, "Extended Opt. Parm Length");
            out.put_u8(PARAMETER_CAPABILITY);
            let one = Length::u16(out, "Parm. Length");
            out.put_slice(&capabilities);
            one.close(out)?;
            all.close(out)?;
        }
        Ok(())
    }
}

impl fmt::Display for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "AS {} id {} hold {}",
            self.asn(),
            self.router_id,
            self.hold_time
        )?;
        self.capabilities
            .iter()
            .try_for_each(|capability| write!(f, "; {capability}"))
    }
}

fn asn4(capabilities: &[Capability]) -> Option<Asn> {
    capabilities.iter().find_map(|capability| match capability {
        Capability::Asn4(asn) => Some(*asn),
        _ => None,
    })
}

/// RFC 7607 §2: "If a BGP speaker receives zero as the peer AS in an OPEN message, it MUST abort the
/// connection and send a NOTIFICATION with Error Code OPEN Message Error and subcode Bad Peer AS".
/// RFC 7607 §2 and RFC 6793 §4.2.1, §9: the capability must not carry 0 or AS_TRANS, and the two
/// octets must be the same number or AS_TRANS.
fn check_as(my_as: u16, asn4: Option<Asn>) -> Result<(), Reason> {
    match asn4 {
        _ if my_as == 0 => Err(Reason::Value(0)),
        None => Ok(()),
        Some(Asn(0)) => Err(Reason::Text("the four-octet capability carries AS 0")),
        Some(Asn::TRANS) => Err(Reason::Text("the four-octet capability carries AS_TRANS")),
        Some(asn) if my_as != asn.to_two_octets() && my_as != Asn::TRANS.to_two_octets() => {
            Err(Reason::Text("differs from the four-octet capability"))
        }
        Some(_) => Ok(()),
    }
}

/// The error of the first of these, which are in the order of the message.
#[cold]
fn refuse(wrong: Vec<(Malformed<'_>, u8)>, body: &[u8]) -> MessageError {
    let findings: Vec<Finding> = wrong
        .into_iter()
        .map(|(error, subcode)| Finding {
            attribute: None,
            disposition: Disposition::SessionReset,
            subcode,
            error: error.within(body, HEADER_LEN),
        })
        .collect();
    let first = findings.first().map_or(
        (
            DecodeError {
                field: "OPEN",
                offset: HEADER_LEN,
                reason: Reason::Truncated,
            },
            subcode::UNSPECIFIC,
        ),
        |first| (first.error, first.subcode),
    );
    let mut refusal = MessageError::new(first.0, codes::OPEN, first.1, Bytes::new());
    refusal.findings = findings;
    refusal
}

/// The capabilities of the optional parameters, with the subcode of what is wrong.
fn parameters(input: Input<'_>) -> Result<Vec<Capability>, (Malformed<'_>, u8)> {
    let mut capabilities = Vec::new();
    each_capability(input, |code, value| {
        capabilities.push(Capability::from_value(code, value));
    })?;
    Ok(capabilities)
}

/// Walks the optional parameters, old form or extended: code and value of each capability, down to
/// what is wrong, with its subcode.
fn each_capability<'a>(
    input: Input<'a>,
    mut look: impl FnMut(u8, Input<'a>),
) -> Result<(), (Malformed<'a>, u8)> {
    // RFC 9072 §2: the form is told by the first parameter type; the old length must not be zero
    // and has no other meaning then.
    let (rest, extended) = match input {
        [length, PARAMETER_EXTENDED, rest @ ..] if *length != 0 => (rest, true),
        _ => (input, false),
    };
    let (rest, mut block) = if extended {
        input::sized_u16("Extended Opt. Parm Length")(rest)
            .map_err(|e| (malformed(e), subcode::UNSPECIFIC))?
    } else {
        input::sized_u8("Opt Parm Len")(rest).map_err(|e| (malformed(e), subcode::UNSPECIFIC))?
    };
    input::end("Optional Parameters", rest).map_err(|error| (error, subcode::UNSPECIFIC))?;

    while !block.is_empty() {
        let at = block;
        let unspecific = |error| (malformed(error), subcode::UNSPECIFIC);
        let (rest, kind) = input::u8("Parm. Type")(block).map_err(unspecific)?;
        let (rest, value) = if extended {
            input::sized_u16("Parm. Length")(rest).map_err(unspecific)?
        } else {
            input::sized_u8("Parm. Length")(rest).map_err(unspecific)?
        };
        if kind != PARAMETER_CAPABILITY {
            let error = Malformed::new(at, "Parm. Type", Reason::Value(u32::from(kind)));
            return Err((error, subcode::UNSUPPORTED_PARAMETER));
        }
        let mut list = value;
        while !list.is_empty() {
            let (after, (code, value)) = Capability::split(list).map_err(unspecific)?;
            look(code, value);
            list = after;
        }
        block = rest;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frame::next_frame;
    use crate::{Fqdn, GracefulRestart};

    fn everything() -> Vec<Capability> {
        vec![
            Capability::Multiprotocol(Family::IPV4_UNICAST),
            Capability::Multiprotocol(Family::IPV6_UNICAST),
            Capability::RouteRefresh,
            Capability::EnhancedRouteRefresh,
            Capability::ExtendedNextHop(vec![(Family::IPV4_UNICAST, 2)]),
            Capability::ExtendedMessage,
            Capability::GracefulRestart(GracefulRestart::default()),
            Capability::Asn4(Asn(4_200_000_001)),
            Capability::AddPath(vec![(Family::IPV6_UNICAST, AddPathMode::Both)]),
            Capability::Fqdn(Fqdn {
                hostname: "node1".into(),
                domain: String::new(),
            }),
            Capability::SoftwareVersion("cosmos/0.1".into()),
            Capability::Unknown {
                code: 222,
                value: Bytes::from_static(&[1, 2, 3]),
            },
        ]
    }

    fn open(capabilities: Vec<Capability>) -> Open {
        Open::new(
            Asn(4_200_000_001),
            HoldTime::default(),
            RouterId(0x0a00_0001),
            capabilities,
        )
    }

    fn bytes(open: &Open) -> BytesMut {
        let mut out = BytesMut::new();
        open.encode(&mut out).unwrap();
        out
    }

    fn decode(bytes: &[u8]) -> Result<Open, MessageError> {
        Open::decode(next_frame(bytes, MAX_LEN).unwrap().unwrap().0.body)
    }

    /// An OPEN body with the given fields and optional parameters, lengths included.
    fn body(my_as: u16, hold: u16, id: u32, parameters: &[u8]) -> Vec<u8> {
        let mut body = vec![4];
        body.extend(my_as.to_be_bytes());
        body.extend(hold.to_be_bytes());
        body.extend(id.to_be_bytes());
        body.extend(parameters);
        body
    }

    #[test]
    fn an_open_round_trips() {
        for capabilities in [vec![], everything()] {
            let open = open(capabilities);
            assert_eq!(decode(&bytes(&open)), Ok(open.clone()));
            assert_eq!(open.asn(), Asn(4_200_000_001));
            assert_eq!(open.my_as, 23456);
        }
    }

    /// RFC 9072.
    #[test]
    fn many_capabilities_use_the_extended_form() {
        let many: Vec<_> = (0..200)
            .map(|n| Capability::Unknown {
                code: 150,
                value: Bytes::from(vec![n; 9]),
            })
            .chain(everything())
            .collect();
        let open = open(many);
        let bytes = bytes(&open);
        assert_eq!(bytes[28..30], [255, 255]);
        assert_eq!(decode(&bytes), Ok(open));
    }

    /// RFC 9072 §2: the old length is of no meaning once the type says that the form is extended.
    #[test]
    fn the_extended_form_is_told_by_the_type() {
        let parameters = [7, 255, 0, 9, 2, 0, 6, 65, 4, 0, 0, 0xfd, 0xe8];
        let open = Open::decode(&body(65000, 90, 1, &parameters)).unwrap();
        assert_eq!(open.asn4(), Some(Asn(65000)));
    }

    #[test]
    fn an_old_form_of_255_octets_is_read() {
        let mut parameters = vec![255, 2, 253, 200, 251];
        parameters.extend([0; 251]);
        assert_eq!(
            Open::decode(&body(65000, 90, 1, &parameters))
                .unwrap()
                .capabilities
                .len(),
            1
        );
    }

    /// RFC 8654 §4 leaves an OPEN at 4,096 octets; all of them may be capabilities.
    #[test]
    fn an_open_as_long_as_can_be_is_read() {
        // Header, fixed fields and the extended form take 35, the parameter 3, each capability 2.
        let value = |length| Bytes::from(vec![7; length]);
        let unknown = |length| Capability::Unknown {
            code: 150,
            value: value(length),
        };
        let mut all = vec![unknown(250); 16];
        let mut open = Open {
            my_as: 65000,
            ..open(vec![])
        };
        all.push(unknown(0));
        open.capabilities.clone_from(&all);
        let room = MAX_LEN - bytes(&open).len();
        *all.last_mut().unwrap() = unknown(room);
        open.capabilities = all;
        let bytes = bytes(&open);
        assert_eq!(bytes.len(), MAX_LEN);
        assert_eq!(decode(&bytes), Ok(open));
    }

    #[test]
    fn an_open_that_is_too_long_is_not_written() {
        let many = vec![
            Capability::Unknown {
                code: 150,
                value: Bytes::from(vec![0; 250])
            };
            20
        ];
        let mut out = BytesMut::from(&b"before"[..]);
        assert!(open(many).encode(&mut out).is_err());
        assert_eq!(&out[..], b"before");
    }

    /// RFC 4271 §6.2, 6286 §2.2, 7607 §2, 6793 §9, 9072 §2, 5492: subcode, data, offset.
    #[test]
    fn bad_opens_get_their_notification() {
        let ok = [0];
        let asn4 = |asn: u32| {
            let mut parameters = vec![8, 2, 6, 65, 4];
            parameters.extend(asn.to_be_bytes());
            parameters
        };
        let mut version = body(65000, 90, 1, &ok);
        version[0] = 3;
        type Case = (&'static str, Vec<u8>, u8, &'static [u8], usize);
        let cases: Vec<Case> = vec![
            ("version 3", version, 1, &[0, 4], 19),
            ("AS 0", body(0, 90, 1, &ok), 2, &[], 20),
            (
                "AS 0 in four octets",
                body(23456, 90, 1, &asn4(0)),
                2,
                &[],
                20,
            ),
            (
                "AS_TRANS in four octets",
                body(23456, 90, 1, &asn4(23456)),
                2,
                &[],
                20,
            ),
            (
                "two different numbers",
                body(65000, 90, 1, &asn4(65001)),
                2,
                &[],
                20,
            ),
            ("hold time 1", body(65000, 1, 1, &ok), 6, &[], 22),
            ("hold time 2", body(65000, 2, 1, &ok), 6, &[], 22),
            ("identifier 0", body(65000, 90, 0, &ok), 3, &[], 24),
            (
                "parameter type 1",
                body(65000, 90, 1, &[3, 1, 1, 0]),
                4,
                &[],
                29,
            ),
            (
                "parameters beyond the end",
                body(65000, 90, 1, &[9, 2, 0]),
                0,
                &[],
                29,
            ),
            (
                "parameter beyond the block",
                body(65000, 90, 1, &[3, 2, 2, 0]),
                0,
                &[],
                31,
            ),
            (
                "parameter without a length",
                body(65000, 90, 1, &[1, 2]),
                0,
                &[],
                30,
            ),
            (
                "capability beyond its parameter",
                body(65000, 90, 1, &[4, 2, 2, 65, 4]),
                0,
                &[],
                33,
            ),
            (
                "capability without a length",
                body(65000, 90, 1, &[3, 2, 1, 65]),
                0,
                &[],
                32,
            ),
            (
                "octets after an empty block",
                body(65000, 90, 1, &[0, 2, 2, 2, 0]),
                0,
                &[],
                29,
            ),
            (
                "extended header cut before the type",
                body(65000, 90, 1, &[255]),
                0,
                &[],
                28,
            ),
            (
                "extended header cut after the type",
                body(65000, 90, 1, &[255, 255]),
                0,
                &[],
                30,
            ),
            (
                "extended header cut in the length",
                body(65000, 90, 1, &[255, 255, 0]),
                0,
                &[],
                30,
            ),
            (
                "extended parameter cut",
                body(65000, 90, 1, &[255, 255, 0, 2, 2, 0]),
                0,
                &[],
                33,
            ),
            ("no parameter length", body(65000, 90, 1, &[]), 0, &[], 28),
        ];
        for (name, body, subcode, data, offset) in cases {
            let error = Open::decode(&body).unwrap_err();
            assert_eq!(error.notification.code, 2, "{name}");
            assert_eq!(error.notification.subcode, subcode, "{name}: {error}");
            assert_eq!(error.notification.data, data, "{name}");
            if subcode != 0 {
                assert_eq!(error.error.offset, offset, "{name}: {error}");
            }
        }
    }

    /// RFC 4271 §6.2 takes the fields in their order.
    #[test]
    fn an_open_that_is_wrong_in_several_ways_says_all_and_answers_the_first() {
        let found = |body: &[u8]| {
            let error = Open::decode(body).unwrap_err();
            let findings = error.findings.iter();
            let findings: Vec<_> = findings
                .map(|finding| (finding.error.offset, finding.subcode))
                .collect();
            assert_eq!(
                findings[0],
                (error.error.offset, error.notification.subcode)
            );
            findings
        };
        let three = [(20, 2), (22, 6), (24, 3)];
        assert_eq!(found(&body(0, 1, 0, &[0])), three);
        let four = [&three[..], &[(29, 4)]].concat();
        assert_eq!(found(&body(0, 1, 0, &[3, 1, 1, 0])), four);
        let asn4_of_0 = [8, 2, 6, 65, 4, 0, 0, 0, 0];
        assert_eq!(found(&body(65000, 90, 0, &asn4_of_0)), [(20, 2), (24, 3)]);
        assert_eq!(found(&body(65000, 2, 1, &[0])), [(22, 6)]);
    }

    #[test]
    fn every_cut_of_an_open_is_an_error_and_no_panic() {
        let bytes = bytes(&open(everything()));
        for cut in 19..bytes.len() {
            assert!(Open::decode(&bytes[19..cut]).is_err(), "{cut}");
        }
    }

    /// An old speaker may well be AS_TRANS as far as we can know.
    #[test]
    fn as_trans_without_the_capability_is_accepted() {
        assert_eq!(
            Open::decode(&body(23456, 90, 1, &[0])).unwrap().asn(),
            Asn(23456)
        );
    }

    #[test]
    fn repeated_capabilities_count_as_pinned() {
        let both = vec![
            Capability::Asn4(Asn(4_200_000_001)),
            Capability::Asn4(Asn(4_200_000_002)),
            Capability::Multiprotocol(Family::IPV6_UNICAST),
            Capability::Multiprotocol(Family::IPV6_UNICAST),
            Capability::AddPath(vec![(Family::IPV6_UNICAST, AddPathMode::Send)]),
            Capability::AddPath(vec![(Family::IPV6_UNICAST, AddPathMode::Receive)]),
        ];
        let open = decode(&bytes(&open(both))).unwrap();
        assert_eq!(open.asn(), Asn(4_200_000_001));
        assert_eq!(open.families(), [Family::IPV6_UNICAST]);
        assert_eq!(
            open.add_path(Family::IPV6_UNICAST),
            Some(AddPathMode::Receive)
        );
    }

    #[test]
    fn without_multiprotocol_the_family_is_ipv4_unicast() {
        assert_eq!(open(vec![]).families(), [Family::IPV4_UNICAST]);
    }
}
