//! Outbound route filtering (RFC 5291 §5): families, and which types of filters can be sent or received
//! for each.

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::Capability;
use crate::describe::{Fields, Node};
use crate::error::EncodeError;
use crate::input::{self, Input, Malformed, Parsed};
use crate::{Family, route_refresh};

pub(super) const CODE: u8 = 3;

/// What a speaker can do with filters of one family.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct FilterFamily {
    /// The family.
    pub family: Family,
    /// An octet that has no meaning.
    pub reserved: u8,
    /// The types, each with 1 for those that can be received, 2 for those that are to be sent, 3 for both.
    pub types: Vec<(u8, u8)>,
}

/// RFC 5291 §5: "The Capability value consists of one or more of the entries".
pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    input::all(value, entry).map(Capability::OutboundRouteFilter)
}

fn entry(input: Input<'_>) -> Parsed<'_, FilterFamily> {
    let (rest, afi) = input::u16("AFI")(input)?;
    let (rest, reserved) = input::u8("Reserved")(rest)?;
    let (rest, safi) = input::u8("SAFI")(rest)?;
    let (mut rest, count) = input::u8("Number of ORFs")(rest)?;
    let mut types = Vec::new();
    for _ in 0..count {
        let (after, kind) = input::u8("ORF Type")(rest)?;
        let (after, mode) = input::u8("Send/Receive")(after)?;
        types.push((kind, mode));
        rest = after;
    }
    let entry = FilterFamily {
        family: Family::new(afi, safi),
        reserved,
        types,
    };
    Ok((rest, entry))
}

pub(super) fn encode(families: &[FilterFamily], out: &mut BytesMut) -> Result<(), EncodeError> {
    for one in families {
        out.put_u16(one.family.afi);
        out.put_u8(one.reserved);
        out.put_u8(one.family.safi);
        let count = u8::try_from(one.types.len());
        out.put_u8(count.map_err(|_| EncodeError::TooLong {
            field: "Number of ORFs",
        })?);
        for (kind, mode) in &one.types {
            out.put_slice(&[*kind, *mode]);
        }
    }
    Ok(())
}

fn mode_name(mode: u8) -> Option<&'static str> {
    Some(match mode {
        1 => "receive",
        2 => "send",
        3 => "both",
        _ => return None,
    })
}

pub(super) fn show(families: &[FilterFamily], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    families.iter().try_for_each(|one| {
        write!(f, " {}", one.family)?;
        one.types
            .iter()
            .try_for_each(|(kind, mode)| match mode_name(*mode) {
                Some(name) => write!(f, " {kind} {name}"),
                None => write!(f, " {kind} {mode}"),
            })
    })
}

pub(super) fn describe(one: &FilterFamily, fields: &mut Fields) {
    fields.text("family", one.family);
    let types = one.types.iter().map(|(kind, mode)| {
        Node::fields(|fields| {
            fields.named("type", *kind, route_refresh::filter_type(*kind));
            fields.named("send_receive", *mode, mode_name(*mode));
        })
    });
    fields.list("types", types);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    /// RFC 5291 §5: AFI, a reserved octet, SAFI, how many types, and of each its number and a direction.
    #[test]
    fn entries_of_several_types_round_trip() {
        let value = [0, 1, 0, 1, 2, 64, 3, 65, 1, 0, 2, 0, 1, 0];
        let capability = Capability::from_value(3, &value);
        let families = vec![
            FilterFamily {
                family: Family::IPV4_UNICAST,
                reserved: 0,
                types: vec![(64, 3), (65, 1)],
            },
            FilterFamily {
                family: Family::IPV6_UNICAST,
                reserved: 0,
                types: vec![],
            },
        ];
        assert_eq!(capability, Capability::OutboundRouteFilter(families));
        assert_eq!(round_trip(&capability), capability);
        let text = "outbound-route-filter ipv4/unicast 64 both 65 receive ipv6/unicast";
        assert_eq!(capability.to_string(), text);
        for cut in [1, 4, 6, 8, 11, 13] {
            let cut = Capability::from_value(3, &value[..cut]);
            assert!(matches!(cut, Capability::Unknown { code: 3, .. }), "{cut}");
        }
    }
}
