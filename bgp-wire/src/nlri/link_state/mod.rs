//! Link state (RFC 9552 §5.2): what an IGP knows of nodes, links and prefixes, each named by
//! descriptors.
//!
//! ```text
//! mod.rs   the objects, and what of their octets is malformed
//! tlv.rs   the descriptors: their lengths, their names
//! ```

mod tlv;

use std::fmt;

use super::listed::Listed;
use super::rd::RouteDistinguisher;
use crate::error::Reason;
use crate::input::{Input, Malformed};
use crate::{Fields, Node};

use tlv::Tlvs;

/// Link state, within a VPN or not.
pub(super) struct Family<const VPN: bool>;

pub(super) type LinkState = Family<false>;
pub(super) type LinkStateVpn = Family<true>;

const IPV4_PREFIX: u16 = 3;
const IPV6_PREFIX: u16 = 4;
/// Octets of the protocol and the identifier.
const HEAD: usize = 9;

/// A node, a link, a prefix or something else.
pub(super) struct Object<'a> {
    kind: u16,
    rd: Option<RouteDistinguisher>,
    body: Body<'a>,
}

enum Body<'a> {
    Known {
        protocol: u8,
        identifier: u64,
        descriptors: Tlvs<'a>,
    },
    /// Of a type that is not known. RFC 9552 §5.2 departs from RFC 7606 §5.4: such objects are opaque
    /// and are passed on.
    Unknown(&'a [u8]),
}

impl<const VPN: bool> Listed for Family<VPN> {
    type One<'a> = Object<'a>;

    fn split(input: Input<'_>) -> Result<(Input<'_>, Input<'_>), Malformed<'_>> {
        let cut = Malformed::new(input, "Link-State NLRI", Reason::Truncated);
        let ([_, _, high, low], _) = input.split_first_chunk().ok_or(cut)?;
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        input.split_at_checked(4 + length).ok_or(cut)
    }

    /// RFC 9552 §8.2.2: an NLRI whose descriptors do not fill it or are not in their order is
    /// discarded by itself.
    fn read(one: Input<'_>) -> Result<Object<'_>, Malformed<'_>> {
        let cut = Malformed::new(one, "Link-State NLRI", Reason::Truncated);
        let ([high, low, _, _], mut rest) = one.split_first_chunk().ok_or(cut)?;
        let kind = u16::from_be_bytes([*high, *low]);
        let mut rd = None;
        if VPN {
            let (octets, after) = rest.split_first_chunk().ok_or(cut)?;
            (rd, rest) = (Some(RouteDistinguisher(*octets)), after);
        }
        if kind_name(kind).is_none() {
            let body = Body::Unknown(rest);
            return Ok(Object { kind, rd, body });
        }
        let (head, descriptors) = rest.split_first_chunk::<HEAD>().ok_or(cut)?;
        let [protocol, identifier @ ..] = *head;
        let descriptors = Tlvs(descriptors);
        descriptors.check()?;
        let body = Body::Known {
            protocol,
            identifier: u64::from_be_bytes(identifier),
            descriptors,
        };
        Ok(Object { kind, rd, body })
    }

    fn describe(one: &Object<'_>, fields: &mut Fields) {
        fields.named("type", one.kind, kind_name(one.kind));
        if let Some(rd) = one.rd {
            fields.text("rd", rd);
        }
        match one.body {
            Body::Known {
                protocol,
                identifier,
                descriptors,
            } => {
                fields.named("protocol", protocol, protocol_name(protocol));
                fields.number("identifier", identifier);
                descriptors.describe(max_prefix(one.kind), fields);
            }
            Body::Unknown(octets) => fields.octets("value", octets),
        }
    }
}

/// Bits of the longest prefix an object of this type can have.
fn max_prefix(kind: u16) -> Option<u8> {
    match kind {
        IPV4_PREFIX => Some(32),
        IPV6_PREFIX => Some(128),
        _ => None,
    }
}

/// The name that the registry "BGP-LS NLRI Types" gives a type.
fn kind_name(kind: u16) -> Option<&'static str> {
    Some(match kind {
        1 => "Node NLRI",
        2 => "Link NLRI",
        IPV4_PREFIX => "IPv4 Topology Prefix NLRI",
        IPV6_PREFIX => "IPv6 Topology Prefix NLRI",
        // RFC 9857.
        5 => "SR Policy Candidate Path NLRI",
        // RFC 9514.
        6 => "SRv6 SID NLRI",
        _ => return None,
    })
}

/// The name that the registry "BGP-LS Protocol-IDs" gives a protocol.
fn protocol_name(protocol: u8) -> Option<&'static str> {
    Some(match protocol {
        1 => "IS-IS Level 1",
        2 => "IS-IS Level 2",
        3 => "OSPFv2",
        4 => "Direct",
        5 => "Static configuration",
        6 => "OSPFv3",
        // RFC 9086.
        7 => "BGP",
        // RFC 9857.
        9 => "Segment Routing",
        _ => return None,
    })
}

/// The fields, in one line: `{type Node NLRI, protocol OSPFv2, identifier 0, local_node {as
/// 65000, router_id 10.0.0.1}}`.
impl fmt::Display for Object<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut fields = Fields::new();
        LinkState::describe(self, &mut fields);
        write_fields(&fields, f)
    }
}

fn write_fields(fields: &Fields, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let mut between = "{";
    for (name, value) in fields.iter() {
        write!(f, "{between}{name} ")?;
        write_value(value, f)?;
        between = ", ";
    }
    f.write_str("}")
}

fn write_value(value: &Node, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        Node::Named(_, Some(name)) => f.write_str(name),
        Node::Named(number, None) | Node::Number(number) => write!(f, "{number}"),
        Node::Flag(set) => write!(f, "{set}"),
        Node::Float(bits) => write!(f, "{}", f32::from_bits(*bits)),
        Node::Text(text) => f.write_str(text),
        Node::Octets(octets) => {
            f.write_str("0x")?;
            octets.iter().try_for_each(|octet| write!(f, "{octet:02x}"))
        }
        Node::List(items) => {
            f.write_str("[")?;
            for (place, item) in items.iter().enumerate() {
                f.write_str(if place == 0 { "" } else { " " })?;
                write_value(item, f)?;
            }
            f.write_str("]")
        }
        Node::Fields(fields) => write_fields(fields, f),
    }
}

#[cfg(test)]
mod tests;
