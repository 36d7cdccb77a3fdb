//! Traffic Engineering (RFC 5543): what a link towards the destination can carry.

use std::fmt;

use crate::SessionContext;
use crate::describe::{Fields, Node};
use crate::error::Reason;
use crate::input::{Input, Malformed};

/// Switching capability, encoding, two reserved octets, and eight bandwidths (RFC 5543 §3).
const FIXED: usize = 36;

/// RFC 5543 §3: one or more descriptors, each of a fixed part and one whose length the switching
/// capability decides; the first of them has to be whole.
pub(crate) fn read<'a>(
    value: Input<'a>,
    _: &SessionContext,
    out: &mut Vec<u8>,
) -> Result<(), Malformed<'a>> {
    if value.len() < FIXED {
        let length = Reason::Length(value.len());
        return Err(Malformed::new(value, "Traffic Engineering", length));
    }
    out.extend_from_slice(value);
    Ok(())
}

/// The registry "Switching Types" of GMPLS (RFC 4202 §2.4).
fn switching_name(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "Packet-Switch Capable-1 (PSC-1)",
        2 => "Packet-Switch Capable-2 (PSC-2)",
        3 => "Packet-Switch Capable-3 (PSC-3)",
        4 => "Packet-Switch Capable-4 (PSC-4)",
        51 => "Layer-2 Switch Capable (L2SC)",
        100 => "Time-Division-Multiplex Capable (TDM)",
        150 => "Lambda-Switch Capable (LSC)",
        200 => "Fiber-Switch Capable (FSC)",
        _ => return None,
    })
}

/// The registry "LSP Encoding Types" of GMPLS (RFC 3471 §3.1.1).
fn encoding_name(number: u8) -> Option<&'static str> {
    Some(match number {
        1 => "Packet",
        2 => "Ethernet",
        3 => "ANSI/ETSI PDH",
        5 => "SDH ITU-T G.707 / SONET ANSI T1.105",
        7 => "Digital Wrapper",
        8 => "Lambda (photonic)",
        9 => "Fiber",
        11 => "FiberChannel",
        _ => return None,
    })
}

pub(crate) fn show(value: &[u8], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    match value {
        [switching, encoding, ..] => {
            write!(
                f,
                "traffic-engineering switching {switching} encoding {encoding}"
            )
        }
        _ => Ok(()),
    }
}

pub(crate) fn describe(value: &[u8], fields: &mut Fields) {
    let Some((fixed, specific)) = value.split_at_checked(FIXED) else {
        return;
    };
    if let [switching, encoding, _, _, bandwidths @ ..] = fixed {
        fields.named(
            "switching_capability",
            *switching,
            switching_name(*switching),
        );
        fields.named("encoding", *encoding, encoding_name(*encoding));
        let bandwidths = bandwidths.as_chunks().0.iter();
        fields.list(
            "max_lsp_bandwidth",
            bandwidths.map(|four| Node::Float(u32::from_be_bytes(*four))),
        );
    }
    fields.octets("specific", specific);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Asn;

    #[test]
    fn a_descriptor_is_the_least() {
        let ctx = SessionContext::new(Asn(1), Asn(2));
        for (length, good) in [(0, false), (35, false), (36, true), (44, true)] {
            let value = vec![1; length];
            assert_eq!(read(&value, &ctx, &mut Vec::new()).is_ok(), good);
        }
        let mut value = vec![1, 2, 0, 0];
        value.extend([0x44, 0x7a, 0, 0].repeat(8));
        let mut fields = Fields::new();
        describe(&value, &mut fields);
        assert_eq!(
            fields.get("encoding"),
            Some(&Node::Named(2, Some("Ethernet")))
        );
        assert_eq!(
            fields.get("max_lsp_bandwidth"),
            Some(&Node::List(vec![Node::Float(1000f32.to_bits()); 8]))
        );
    }
}
