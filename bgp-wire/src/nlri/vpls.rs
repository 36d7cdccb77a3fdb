//! VPLS: label blocks of an edge (RFC 4761 §3.2.2), and edges found by BGP whose labels are told by
//! LDP (RFC 6074 §3.2.2.1).

use std::fmt;
use std::net::Ipv4Addr;

use super::label::Label;
use super::listed::Listed;
use super::rd::RouteDistinguisher;
use crate::Fields;
use crate::error::Reason;
use crate::input::{Input, Malformed};

/// Routes of VPLS.
pub(super) struct Vpls;

/// A route.
pub(super) struct Route {
    rd: RouteDistinguisher,
    body: Body,
}

enum Body {
    Block {
        edge: u16,
        offset: u16,
        size: u16,
        base: Label,
    },
    Edge(Ipv4Addr),
}

impl Listed for Vpls {
    type One<'a> = Route;

    fn split(input: Input<'_>) -> Result<(Input<'_>, Input<'_>), Malformed<'_>> {
        let cut = Malformed::new(input, "VPLS NLRI", Reason::Truncated);
        let (length, _) = input.split_first_chunk().ok_or(cut)?;
        let length = usize::from(u16::from_be_bytes(*length));
        input.split_at_checked(2 + length).ok_or(cut)
    }

    fn read(one: Input<'_>) -> Result<Route, Malformed<'_>> {
        let length = one.len().saturating_sub(2);
        let wrong = Malformed::new(one, "Length", Reason::Length(length));
        let (rd, body) = one
            .get(2..)
            .and_then(<[u8]>::split_first_chunk)
            .ok_or(wrong)?;
        let body = match *body {
            [a, b, c, d] => Body::Edge(Ipv4Addr::new(a, b, c, d)),
            [a, b, c, d, e, f, g, h, i] => Body::Block {
                edge: u16::from_be_bytes([a, b]),
                offset: u16::from_be_bytes([c, d]),
                size: u16::from_be_bytes([e, f]),
                base: Label::from_bytes([g, h, i]),
            },
            _ => return Err(wrong),
        };
        let rd = RouteDistinguisher(*rd);
        Ok(Route { rd, body })
    }

    fn describe(one: &Route, fields: &mut Fields) {
        fields.text("rd", one.rd);
        match one.body {
            Body::Edge(address) => fields.text("pe_address", address),
            Body::Block {
                edge,
                offset,
                size,
                base,
            } => {
                fields.number("ve_id", edge);
                fields.number("ve_block_offset", offset);
                fields.number("ve_block_size", size);
                fields.put("label_base", base.describe());
            }
        }
    }
}

/// `65000:100:{ve 1, offset 0, size 8, base 800000}`, `65000:100:{pe 192.0.2.1}`.
impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.rd)?;
        match self.body {
            Body::Edge(address) => write!(f, "{{pe {address}}}"),
            Body::Block {
                edge,
                offset,
                size,
                base,
            } => write!(
                f,
                "{{ve {edge}, offset {offset}, size {size}, base {base}}}"
            ),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Family;
    use crate::nlri::{Form, NlriBlock, hex, spec};

    const BLOCK: &str = "0011 0000fde800000064 0001 0000 0008 c35001";
    const EDGE: &str = "000c 0000fde800000064 c0000201";

    fn check(bytes: &[u8]) -> Result<NlriBlock<'_>, Malformed<'_>> {
        NlriBlock::check(spec(Family::L2VPN_VPLS).unwrap(), Form::default(), bytes)
    }

    /// RFC 4761 §3.2.2, RFC 6074 §3.2.2.1: the length tells them apart.
    #[test]
    fn label_blocks_and_edges_are_read() {
        let (block, edge) = (
            "65000:100:{ve 1, offset 0, size 8, base 800000}",
            "65000:100:{pe 192.0.2.1}",
        );
        for (octets, text) in [(BLOCK, block), (EDGE, edge)] {
            let bytes = hex(octets);
            let block = check(&bytes).unwrap();
            assert_eq!((block.to_string().as_str(), block.ignored()), (text, 0));
            for cut in 1..bytes.len() {
                assert!(check(&bytes[..cut]).is_err(), "{text} cut at {cut}");
            }
        }
    }

    #[test]
    fn another_length_is_passed_over() {
        for bad in ["0000", "000d 0000fde800000064 c000020100", "0004 00000000"] {
            let bytes = [hex(bad), hex(EDGE)].concat();
            let block = check(&bytes).unwrap();
            assert_eq!((block.len(), block.ignored()), (1, 1), "{bad}");
        }
    }
}
