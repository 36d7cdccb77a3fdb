//! The components of a flow specification (RFC 8955 §4.2.2, RFC 8956 §3): prefixes, and lists of
//! operators with values.

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};

use ipnet::Ipv4Net;

use crate::error::Reason;
use crate::input::{Input, Malformed};
use crate::nlri::prefix::{self, IpPrefix};
use crate::{Fields, Node};

/// Types of components whose values are not numbers, or have names.
const DESTINATION: u8 = 1;
const SOURCE: u8 = 2;
const PROTOCOL: u8 = 3;
const TCP_FLAGS: u8 = 9;
const DSCP: u8 = 11;
const FRAGMENT: u8 = 12;
const FLOW_LABEL: u8 = 13;

/// Bits of an operator (RFC 8955 §4.2.1).
const END: u8 = 0x80;
const AND: u8 = 0x40;
const NOT: u8 = 0x02;
const MATCH: u8 = 0x01;

/// One component.
pub(super) struct Component<'a> {
    pub(super) kind: u8,
    v6: bool,
    body: Body<'a>,
}

enum Body<'a> {
    /// Bits of an address from an offset to a length.
    Prefix {
        address: IpAddr,
        offset: u8,
        bits: u8,
    },
    Numeric(Operators<'a>),
    Bitmask(Operators<'a>),
}

/// Operators and their values, up to the one that says it is the last.
#[derive(Clone, Copy)]
struct Operators<'a>(&'a [u8]);

impl Iterator for Operators<'_> {
    /// Operator, octets of the value, value.
    type Item = (u8, usize, u64);

    fn next(&mut self) -> Option<Self::Item> {
        let (&operator, rest) = self.0.split_first()?;
        let octets = 1 << (operator >> 4 & 3);
        let (value, rest) = rest.split_at_checked(octets)?;
        self.0 = rest;
        let number = value
            .iter()
            .fold(0, |number, octet| number << 8 | u64::from(*octet));
        Some((operator, octets, number))
    }
}

impl<'a> Component<'a> {
    /// Takes one from the front.
    pub(super) fn read(input: Input<'a>, v6: bool) -> Result<(Self, Input<'a>), Malformed<'a>> {
        let cut = Malformed::new(input, "Component", Reason::Truncated);
        let (&kind, rest) = input.split_first().ok_or(cut)?;
        let (body, after) = match kind {
            DESTINATION | SOURCE if v6 => pattern(rest)?,
            DESTINATION | SOURCE => {
                let (bits, octets, after) = prefix::split(rest, Ipv4Net::MAX_BITS)?;
                let net = Ipv4Net::from_wire(bits, octets).ok_or(cut)?;
                let body = Body::Prefix {
                    address: net.addr().into(),
                    offset: 0,
                    bits,
                };
                (body, after)
            }
            TCP_FLAGS | FRAGMENT => {
                let (operators, after) = operators(kind, rest)?;
                (Body::Bitmask(operators), after)
            }
            3..=FRAGMENT => {
                let (operators, after) = operators(kind, rest)?;
                (Body::Numeric(operators), after)
            }
            FLOW_LABEL if v6 => {
                let (operators, after) = operators(kind, rest)?;
                (Body::Numeric(operators), after)
            }
            _ => {
                let unknown = Reason::Value(kind.into());
                return Err(Malformed::new(input, "Component Type", unknown));
            }
        };
        Ok((Self { kind, v6, body }, after))
    }

    /// The operators, of each value the bits that count. RFC 8955 §4.2.2.11 of DSCP: "The six least
    /// significant bits contain the DSCP value. All other bits SHOULD be treated as 0." §4.2.2.12 and RFC
    /// 8956 §3.6 of fragment: what is no bit of theirs "MUST be ignored during decoding", and with IPv6
    /// there is none for what must not be fragmented. RFC 8956 §3.7 says nothing of bits above the 20 of a
    /// flow label: they stay, so that such a value is shown as what it is, one that no packet has.
    fn operators(&self, all: Operators<'a>) -> impl Iterator<Item = (usize, u8, u64)> + use<'a> {
        let counted = match (self.kind, self.v6) {
            (DSCP, _) => 0x3f,
            (FRAGMENT, false) => 0x0f,
            (FRAGMENT, true) => 0x0e,
            _ => u64::MAX,
        };
        let all = all.enumerate();
        all.map(move |(place, (operator, _, value))| (place, operator, value & counted))
    }

    /// Its fields, by name.
    pub(super) fn describe(&self, fields: &mut Fields) {
        fields.named("type", self.kind, kind_name(self.kind, self.v6));
        match self.body {
            Body::Prefix { offset, .. } => {
                fields.text("prefix", Pattern(&self.body));
                if self.v6 {
                    fields.number("offset", offset);
                }
            }
            Body::Numeric(operators) => {
                let nodes = self.operators(operators).map(|(place, operator, value)| {
                    Node::fields(|fields| {
                        fields.flag("and", place > 0 && operator & AND != 0);
                        fields.text("operator", comparison(operator));
                        match self.kind {
                            PROTOCOL => fields.named("value", value, protocol(value)),
                            _ => fields.number("value", value),
                        }
                    })
                });
                fields.list("operators", nodes);
            }
            Body::Bitmask(operators) => {
                let nodes = self.operators(operators).map(|(place, operator, value)| {
                    Node::fields(|fields| {
                        fields.flag("and", place > 0 && operator & AND != 0);
                        fields.flag("not", operator & NOT != 0);
                        fields.flag("match", operator & MATCH != 0);
                        fields.number("value", value);
                        let names = set_names(self.kind, value).map(Node::text);
                        fields.list("bits", names);
                    })
                });
                fields.list("operators", nodes);
            }
        }
    }
}

/// RFC 8956 §3.1: length, offset, and the bits between them, from the left. "If length = 0 and
/// offset = 0, this component matches every address; otherwise, length MUST be in the range offset <
/// length < 129 or the component is malformed."
fn pattern<'a>(input: Input<'a>) -> Result<(Body<'a>, Input<'a>), Malformed<'a>> {
    let cut = Malformed::new(input, "Prefix", Reason::Truncated);
    let ([bits, offset], rest) = input.split_first_chunk().ok_or(cut)?;
    let (bits, offset) = (*bits, *offset);
    if bits > 128 || (offset >= bits && (bits, offset) != (0, 0)) {
        return Err(prefix::too_long(input, bits));
    }
    let wide = bits - offset;
    let (octets, after) = rest.split_at_checked(prefix::octets(wide)).ok_or(cut)?;
    let mut address = [0; 16];
    for (to, from) in address.iter_mut().zip(octets) {
        *to = *from;
    }
    // Padding "MUST be ignored on decoding".
    let mask = u128::MAX.checked_shl(128 - u32::from(wide)).unwrap_or(0);
    let address = (u128::from_be_bytes(address) & mask)
        .checked_shr(offset.into())
        .unwrap_or(0);
    let body = Body::Prefix {
        address: Ipv6Addr::from(address).into(),
        offset,
        bits,
    };
    Ok((body, after))
}

/// Cuts operators behind the one with the end bit. RFC 8955 §4.2.2.9: TCP flags have one or two
/// octets; §4.2.2.11, §4.2.2.12: DSCP and fragment have one.
fn operators(kind: u8, input: Input<'_>) -> Result<(Operators<'_>, Input<'_>), Malformed<'_>> {
    let longest = match kind {
        TCP_FLAGS => 2,
        DSCP | FRAGMENT => 1,
        _ => 8,
    };
    let mut walk = Operators(input);
    loop {
        let at = walk.0;
        let Some((operator, octets, _)) = walk.next() else {
            return Err(Malformed::new(at, "Operator", Reason::Truncated));
        };
        if octets > longest {
            return Err(Malformed::new(at, "Value", Reason::Length(octets)));
        }
        if operator & END != 0 {
            break;
        }
    }
    let used = input.len().saturating_sub(walk.0.len());
    let (operators, after) = input.split_at_checked(used).unwrap_or((input, &[]));
    Ok((Operators(operators), after))
}

/// What a numeric operator says, without its value (RFC 8955 §4.2.1.1).
fn comparison(operator: u8) -> &'static str {
    match operator & 7 {
        1 => "=",
        2 => ">",
        3 => ">=",
        4 => "<",
        5 => "<=",
        6 => "!=",
        7 => "true",
        _ => "false",
    }
}

/// The name that the registry "Flow Spec Component Types" gives a type.
fn kind_name(kind: u8, v6: bool) -> Option<&'static str> {
    Some(match (kind, v6) {
        (1, false) => "Destination Prefix",
        (1, true) => "Destination IPv6 Prefix",
        (2, false) => "Source Prefix",
        (2, true) => "Source IPv6 Prefix",
        (3, false) => "IP Protocol",
        (3, true) => "Upper-Layer Protocol",
        (4, _) => "Port",
        (5, _) => "Destination Port",
        (6, _) => "Source Port",
        (7, false) => "ICMP Type",
        (7, true) => "ICMPv6 Type",
        (8, false) => "ICMP Code",
        (8, true) => "ICMPv6 Code",
        (9, _) => "TCP Flags",
        (10, _) => "Packet Length",
        (11, _) => "DSCP",
        (12, _) => "Fragment",
        (13, true) => "Flow Label",
        _ => return None,
    })
}

/// A type in a text.
fn short_name(kind: u8) -> &'static str {
    match kind {
        1 => "dst",
        2 => "src",
        3 => "proto",
        4 => "port",
        5 => "dport",
        6 => "sport",
        7 => "icmp-type",
        8 => "icmp-code",
        9 => "tcp-flags",
        10 => "length",
        11 => "dscp",
        12 => "fragment",
        _ => "flow-label",
    }
}

/// Keywords of the registry "Assigned Internet Protocol Numbers", in lower case.
fn protocol(number: u64) -> Option<&'static str> {
    Some(match number {
        1 => "icmp",
        2 => "igmp",
        4 => "ipv4",
        6 => "tcp",
        17 => "udp",
        41 => "ipv6",
        47 => "gre",
        50 => "esp",
        51 => "ah",
        58 => "ipv6-icmp",
        89 => "ospfigp",
        103 => "pim",
        112 => "vrrp",
        132 => "sctp",
        _ => return None,
    })
}

/// Bits from the least significant: TCP flags (RFC 9293 §3.1), and fragment bits (RFC 8955
/// §4.2.2.12, RFC 8956 §3.6).
fn bit_names(kind: u8) -> &'static [&'static str] {
    match kind {
        TCP_FLAGS => &["fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr"],
        _ => &["df", "isf", "ff", "lf"],
    }
}

/// The names of the bits that are set.
fn set_names(kind: u8, value: u64) -> impl Iterator<Item = &'static str> {
    let names = bit_names(kind).iter().enumerate();
    names
        .filter(move |(bit, _)| value >> bit & 1 == 1)
        .map(|(_, name)| *name)
}

/// A prefix in a text.
struct Pattern<'a>(&'a Body<'a>);

/// `10.0.0.0/8`; behind an offset, as RFC 8956 §3.1 writes it, `::1:1234:5678:9800:0/60-104`.
impl fmt::Display for Pattern<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Body::Prefix {
                address,
                offset: 0,
                bits,
            } => write!(f, "{address}/{bits}"),
            Body::Prefix {
                address,
                offset,
                bits,
            } => write!(f, "{address}/{offset}-{bits}"),
            _ => Ok(()),
        }
    }
}

/// `dst 10.0.0.0/8`, `port >=137&<=139|=8080`, `tcp-flags all(syn+ack)&not any(rst)`.
impl fmt::Display for Component<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", short_name(self.kind))?;
        let (Body::Numeric(operators) | Body::Bitmask(operators)) = self.body else {
            return write!(f, "{}", Pattern(&self.body));
        };
        for (place, operator, value) in self.operators(operators) {
            match (place, operator & AND != 0) {
                (0, _) => {}
                (_, true) => f.write_str("&")?,
                (_, false) => f.write_str("|")?,
            }
            if matches!(self.body, Body::Bitmask(_)) {
                write_bits(f, self.kind, operator, value)?;
                continue;
            }
            f.write_str(comparison(operator))?;
            match (operator & 7, self.kind) {
                (0 | 7, _) => {}
                (_, PROTOCOL) => match protocol(value) {
                    Some(name) => f.write_str(name)?,
                    None => write!(f, "{value}")?,
                },
                _ => write!(f, "{value}")?,
            }
        }
        Ok(())
    }
}

/// RFC 8955 §4.2.1.2: with the match bit all bits of the value have to be set, without it one of
/// them.
fn write_bits(f: &mut fmt::Formatter<'_>, kind: u8, operator: u8, value: u64) -> fmt::Result {
    let not = if operator & NOT == 0 { "" } else { "not " };
    let how = if operator & MATCH == 0 { "any" } else { "all" };
    write!(f, "{not}{how}(")?;
    let mut between = "";
    for name in set_names(kind, value) {
        write!(f, "{between}{name}")?;
        between = "+";
    }
    let named = bit_names(kind).len();
    let rest = value >> named << named;
    if rest != 0 || value == 0 {
        write!(f, "{between}{rest:#x}")?;
    }
    f.write_str(")")
}
