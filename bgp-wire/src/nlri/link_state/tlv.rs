//! The descriptors of link state: type, length, value (RFC 9552 §5.1, §5.2.1 to §5.2.3).

use std::fmt;
use std::net::{Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

use crate::error::Reason;
use crate::input::Malformed;
use crate::nlri::prefix::{self, IpPrefix};
use crate::{Fields, Node};

const LOCAL_NODE: u16 = 256;
const REMOTE_NODE: u16 = 257;

/// Descriptors, one after the other.
#[derive(Clone, Copy)]
pub(super) struct Tlvs<'a>(pub(super) &'a [u8]);

/// One of them.
pub(super) struct Tlv<'a> {
    kind: u16,
    value: &'a [u8],
}

impl<'a> Iterator for Tlvs<'a> {
    type Item = Tlv<'a>;

    fn next(&mut self) -> Option<Tlv<'a>> {
        let ([a, b, c, d], rest) = self.0.split_first_chunk()?;
        let length = usize::from(u16::from_be_bytes([*c, *d]));
        let (value, rest) = rest.split_at_checked(length)?;
        self.0 = rest;
        Some(Tlv {
            kind: u16::from_be_bytes([*a, *b]),
            value,
        })
    }
}

impl<'a> Tlvs<'a> {
    /// What RFC 9552 §8.2.2 calls the syntax: the sum of the lengths, the order of types, and in the
    /// descriptors of a node not more than one of each. What a descriptor holds, and whether it is of
    /// the length that its type has, is not for those who pass it on.
    pub(super) fn check(self) -> Result<(), Malformed<'a>> {
        let mut last: Option<Tlv<'_>> = None;
        let check = |at, tlv: Tlv<'a>| {
            // RFC 9552 §5.1: of one type, in ascending order of lengths, and then of values.
            let key = |tlv: &Tlv<'a>| (tlv.kind, tlv.value.len(), tlv.value);
            if last.as_ref().is_some_and(|last| key(last) > key(&tlv)) {
                return Err(out_of_order(at));
            }
            if matches!(tlv.kind, LOCAL_NODE | REMOTE_NODE) {
                Self(tlv.value).check_node()?;
            }
            last = Some(tlv);
            Ok(())
        };
        self.walk(check)
    }

    fn check_node(self) -> Result<(), Malformed<'a>> {
        let mut last = None;
        self.walk(|at, tlv| {
            if last.is_some_and(|last| last >= tlv.kind) {
                return Err(out_of_order(at));
            }
            last = Some(tlv.kind);
            Ok(())
        })
    }

    fn walk(
        mut self,
        mut check: impl FnMut(&'a [u8], Tlv<'a>) -> Result<(), Malformed<'a>>,
    ) -> Result<(), Malformed<'a>> {
        while !self.0.is_empty() {
            let at = self.0;
            let Some(tlv) = self.next() else {
                return Err(Malformed::new(at, "TLV", Reason::Truncated));
            };
            check(at, tlv)?;
        }
        Ok(())
    }

    /// Its fields, by name; what has no name here, comes again, or is of a length that its type
    /// does not have, is in a list behind them.
    pub(super) fn describe(self, max_prefix: Option<u8>, fields: &mut Fields) {
        self.describe_each(fields, |tlv, fields| tlv.describe(max_prefix, fields));
    }

    fn describe_each(self, fields: &mut Fields, known: impl Fn(&Tlv<'_>, &mut Fields) -> bool) {
        let (mut last, mut others) = (None, Vec::new());
        for tlv in self {
            if last == Some(tlv.kind) || !tlv.is_regular() || !known(&tlv, fields) {
                others.push(tlv.describe_other());
            }
            last = Some(tlv.kind);
        }
        if !others.is_empty() {
            fields.list("others", others);
        }
    }
}

fn out_of_order(at: &[u8]) -> Malformed<'_> {
    let order = Reason::Text("is not in ascending order");
    Malformed::new(at, "TLV Type", order)
}

impl Tlv<'_> {
    /// Whether it has a length that its type can have.
    fn is_regular(&self) -> bool {
        let length = self.value.len();
        match self.kind {
            258 => length == 8,
            259 | 260 | 512..=514 | 516 | 517 => length == 4,
            261 | 262 => length == 16,
            263 => length > 0 && length.is_multiple_of(2),
            264 => length == 1,
            515 => matches!(length, 4 | 6..=8),
            518 => length > 0 && length.is_multiple_of(16),
            _ => true,
        }
    }

    /// RFC 9552 §5.2.3.2: a length in bits and as many octets as it needs.
    fn prefix(&self, max_bits: Option<u8>) -> Option<Node> {
        let (bits, octets, after) = prefix::split(self.value, max_bits?).ok()?;
        if !after.is_empty() {
            return None;
        }
        match max_bits? {
            32 => Ipv4Net::from_wire(bits, octets).map(Node::text),
            _ => Ipv6Net::from_wire(bits, octets).map(Node::text),
        }
    }

    /// Puts it among the fields, if it is known.
    fn describe(&self, max_prefix: Option<u8>, fields: &mut Fields) -> bool {
        match self.kind {
            LOCAL_NODE => fields.fields("local_node", |node| self.describe_node(node)),
            REMOTE_NODE => fields.fields("remote_node", |node| self.describe_node(node)),
            258 => {
                let (local, remote) = self.value.split_at_checked(4).unwrap_or_default();
                fields.number("local_link_id", number(local));
                fields.number("remote_link_id", number(remote));
            }
            259 => fields.put("ipv4_interface", ipv4(self.value)),
            260 => fields.put("ipv4_neighbor", ipv4(self.value)),
            261 => fields.list("ipv6_interface", addresses(self.value)),
            262 => fields.list("ipv6_neighbor", addresses(self.value)),
            // RFC 9552 §5.2.2.1: four bits are reserved.
            263 => {
                let topologies = self.value.as_chunks().0.iter();
                let topologies = topologies.map(|id| u16::from_be_bytes(*id) & 0x0fff);
                fields.list("topologies", topologies.map(|id| Node::Number(id.into())));
            }
            264 => {
                let kind = number(self.value);
                fields.named("ospf_route_type", kind, ospf_route_type(kind));
            }
            265 => match self.prefix(max_prefix) {
                Some(prefix) => fields.put("prefix", prefix),
                None => return false,
            },
            518 => fields.list("srv6_sids", addresses(self.value)),
            _ => return false,
        }
        true
    }

    fn describe_node(&self, fields: &mut Fields) {
        Tlvs(self.value).describe_each(fields, |tlv, fields| tlv.describe_in_node(fields));
    }

    /// Puts it among the fields of a node, if it is known.
    fn describe_in_node(&self, fields: &mut Fields) -> bool {
        match self.kind {
            512 => fields.number("as", number(self.value)),
            513 => fields.put("bgp_ls_id", ipv4(self.value)),
            514 => fields.put("ospf_area", ipv4(self.value)),
            515 => fields.text("router_id", IgpRouter(self.value)),
            516 => fields.put("bgp_router_id", ipv4(self.value)),
            517 => fields.number("confederation_member", number(self.value)),
            _ => return false,
        }
        true
    }

    fn describe_other(&self) -> Node {
        Node::fields(|fields| {
            fields.number("type", self.kind);
            fields.octets("value", self.value);
        })
    }
}

/// At most eight octets as a number.
fn number(octets: &[u8]) -> u64 {
    let more = |number: u64, octet: &u8| number << 8 | u64::from(*octet);
    octets.iter().fold(0, more)
}

fn ipv4(octets: &[u8]) -> Node {
    match octets.first_chunk::<4>() {
        Some(address) => Node::text(Ipv4Addr::from(*address)),
        None => Node::Octets(octets.to_vec()),
    }
}

fn addresses(octets: &[u8]) -> impl Iterator<Item = Node> + use<'_> {
    let addresses = octets.as_chunks::<16>().0.iter();
    addresses.map(|address| Node::text(Ipv6Addr::from(*address)))
}

/// RFC 9552 §5.2.3.1.
fn ospf_route_type(kind: u64) -> Option<&'static str> {
    Some(match kind {
        1 => "Intra-Area",
        2 => "Inter-Area",
        3 => "External 1",
        4 => "External 2",
        5 => "NSSA 1",
        6 => "NSSA 2",
        _ => return None,
    })
}

/// RFC 9552 §5.2.1.4: of OSPF four octets, with four more for a pseudonode, the interface of its
/// designated router; of IS-IS six, with one more for a pseudonode.
struct IgpRouter<'a>(&'a [u8]);

impl fmt::Display for IgpRouter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self.0 {
            [a, b, c, d] => write!(f, "{}", Ipv4Addr::new(a, b, c, d)),
            [a, b, c, d, e, g, h, i] => write!(
                f,
                "{}:{}",
                Ipv4Addr::new(a, b, c, d),
                Ipv4Addr::new(e, g, h, i)
            ),
            [a, b, c, d, e, g, ref pseudonode @ ..] => {
                write!(f, "{a:02x}{b:02x}.{c:02x}{d:02x}.{e:02x}{g:02x}")?;
                pseudonode
                    .iter()
                    .try_for_each(|one| write!(f, ".{one:02x}"))
            }
            _ => Ok(()),
        }
    }
}
