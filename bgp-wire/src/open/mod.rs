//! OPEN (RFC 4271 §4.2): who the sender is and what it can do.
//!
//! This is read before anyone knows who the peer is, so every length is checked against what is
//! there. The rules of RFC 4271 §6.2, RFC 6286 (BGP identifier), RFC 7607 (AS 0), RFC 6793
//! (AS_TRANS) and RFC 9072 (extended optional parameters) are applied here; what depends on the
//! configuration (the expected AS, a clash of identifiers) is the session's.

mod describe;
mod faults;
mod parameters;

use std::fmt;

use bytes::{BufMut, Bytes, BytesMut};

use crate::capability::{self, Capability};
use crate::codes::{self, open as subcode};
use crate::error::{DecodeError, Disposition, EncodeError, Finding, MessageError, Reason};
use crate::frame::{HEADER_LEN, MAX_LEN, MessageType, OpenFrame};
use crate::input::{self, Malformed, malformed};
use crate::length::Length;
use crate::{AddPathMode, Asn, Family, FamilySet, HoldTime, Role, RouterId};
use parameters::{PARAMETER_CAPABILITY, PARAMETER_EXTENDED, parameters};

pub use faults::{CapabilityFault, CapabilityFaults};

/// The version of BGP spoken here.
pub const VERSION: u8 = 4;

/// Octets in front of the optional parameters: version, AS, hold time, identifier.
const BEFORE_PARAMETERS: usize = 9;

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

    /// Whether a capability with this content is there.
    pub fn has(&self, capability: &Capability) -> bool {
        self.capabilities.contains(capability)
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

#[cfg(test)]
mod tests;
