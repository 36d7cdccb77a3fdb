//! An UPDATE as named fields: what it says, and, for one that is malformed, how its octets are cut.

use super::{MpReach, Update};
use crate::attribute::{AttrCode, AttrRef, flags, next_hop};
use crate::describe::{Fields, Node};
use crate::frame::HEADER_LEN;
use crate::nlri::{self, HopForm, NlriBlock};

impl Update<'_> {
    /// Its fields, by name, in the order of the message. The lists of NLRI and of attributes are there
    /// if they are not empty.
    pub fn describe(&self) -> Fields {
        let mut fields = Fields::new();
        if let Some(family) = self.end_of_rib {
            fields.text("end_of_rib", family);
        }
        block(&mut fields, "withdrawn", &self.withdrawn);
        if let Some(unreach) = self.unreach {
            fields.fields("mp_unreach", |fields| {
                fields.text("family", unreach.family);
                fields.list("nlri", unreach.nlri.describe());
            });
        }
        if let (Some(reach), Some(attrs)) = (&self.reach, self.mp_attrs) {
            fields.fields("mp_reach", |fields| describe_reach(reach, attrs, fields));
        }
        // Without routes in the body the next hop of the set is that of MP_REACH_NLRI.
        if let (Some(next_hop), true) = (
            self.attrs.next_hop(),
            self.reach.is_none() || !self.announced.bytes().is_empty(),
        ) {
            fields.text("next_hop", next_hop.address());
        }
        let attributes: Vec<_> = self.attrs.describe_attributes().collect();
        if !attributes.is_empty() {
            fields.list("attributes", attributes);
        }
        block(&mut fields, "announced", &self.announced);
        fields
    }
}

fn block(fields: &mut Fields, name: &'static str, block: &NlriBlock<'_>) {
    if !block.bytes().is_empty() {
        fields.list(name, block.describe());
    }
}

fn describe_reach(reach: &MpReach<'_>, attrs: AttrRef<'_>, fields: &mut Fields) {
    fields.text("family", reach.family);
    let form = nlri::spec(reach.family).map_or(HopForm::Any, |spec| spec.hop_form);
    next_hop::describe_reach(reach.next_hop, reach.next_hop_octets, form, fields);
    let mut routes = reach.nlri.describe();
    if attrs.prefix_sid().is_some() {
        let labels = reach.nlri.label_fields();
        for (route, labels) in routes.iter_mut().zip(labels) {
            if let Node::Fields(route) = route {
                attrs.describe_service_sids(labels, route);
            }
        }
    }
    fields.list("nlri", routes);
}

/// The body of an UPDATE cut by its lengths, as far as they go, without a look at the values: for
/// those who want to see what is wrong. Offsets count from the start of the message.
pub fn dissect_update(body: &[u8]) -> Fields {
    let mut fields = Fields::new();
    let mut cut = Cut {
        rest: body,
        offset: HEADER_LEN,
    };
    let Some(withdrawn) = cut.sized("withdrawn_length", &mut fields) else {
        return fields;
    };
    if !withdrawn.rest.is_empty() {
        fields.octets("withdrawn", withdrawn.rest);
    }
    let Some(block) = cut.sized("attributes_length", &mut fields) else {
        return fields;
    };
    if !block.rest.is_empty() {
        fields.list("attributes", block.attributes());
    }
    if !cut.rest.is_empty() {
        fields.octets("nlri", cut.rest);
    }
    fields
}

/// One attribute as [`dissect_update`] shows it, without a place; `None` if it is not whole or not all.
pub(crate) fn dissect_attribute(octets: &[u8]) -> Option<Fields> {
    let (mut fields, mut cut) = (
        Fields::new(),
        Cut {
            rest: octets,
            offset: 0,
        },
    );
    cut.attribute(&mut fields)?;
    cut.rest.is_empty().then_some(fields)
}

/// Octets, and where in the message they are.
#[derive(Clone, Copy)]
struct Cut<'a> {
    rest: &'a [u8],
    offset: usize,
}

impl<'a> Cut<'a> {
    fn take(&mut self, length: usize) -> Option<Self> {
        let (taken, rest) = self.rest.split_at_checked(length)?;
        let piece = Self {
            rest: taken,
            offset: self.offset,
        };
        self.rest = rest;
        self.offset = self.offset.saturating_add(length);
        Some(piece)
    }

    /// What has a length of two octets in front. What does not fit is shown as it is.
    fn sized(&mut self, name: &'static str, fields: &mut Fields) -> Option<Self> {
        let length = self
            .take(2)
            .and_then(|piece| piece.rest.first_chunk().copied())
            .map(u16::from_be_bytes);
        if let Some(length) = length {
            fields.number(name, length);
            if let Some(piece) = self.take(usize::from(length)) {
                return Some(piece);
            }
        }
        fields.octets("rest", self.rest);
        None
    }

    fn attributes(mut self) -> Vec<Node> {
        let mut nodes = Vec::new();
        while !self.rest.is_empty() {
            let start = self;
            nodes.push(Node::fields(|fields| {
                fields.number("offset", u64::try_from(start.offset).unwrap_or(u64::MAX));
                if self.attribute(fields).is_none() {
                    fields.octets("rest", self.rest);
                    self.rest = &[];
                }
            }));
        }
        nodes
    }

    fn attribute(&mut self, fields: &mut Fields) -> Option<()> {
        let [flags, code, ..] = *self.rest else {
            return None;
        };
        fields.named("code", code, AttrCode(code).name());
        fields.octets("flags", &[flags]);
        let long = flags & flags::EXTENDED_LENGTH != 0;
        let mut ahead = *self;
        ahead.take(2)?;
        let length = ahead.take(if long { 2 } else { 1 })?;
        let length = length
            .rest
            .iter()
            .fold(0, |sum, octet| sum << 8 | usize::from(*octet));
        fields.number("length", u64::try_from(length).unwrap_or(u64::MAX));
        *self = ahead;
        fields.octets("value", self.take(length)?.rest);
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn node(fields: &Fields, name: &str) -> Node {
        fields
            .get(name)
            .cloned()
            .unwrap_or_else(|| panic!("no {name} in {fields:?}"))
    }

    /// RFC 4271 §4.3: two octets of length and the routes, two of length and the attributes, the rest.
    #[test]
    fn a_body_is_cut_by_its_lengths() {
        let body = [
            0, 2, 8, 10, 0, 12, 0x40, 1, 1, 0, 0x50, 2, 0, 0, 0x40, 3, 9, 1, 16, 10, 1,
        ];
        let fields = dissect_update(&body);
        assert_eq!(node(&fields, "withdrawn"), Node::Octets(vec![8, 10]));
        assert_eq!(node(&fields, "nlri"), Node::Octets(vec![16, 10, 1]));
        let Node::List(attributes) = node(&fields, "attributes") else {
            panic!("no list")
        };
        let offsets: Vec<_> = attributes
            .iter()
            .map(|attribute| match attribute {
                Node::Fields(fields) => (node(fields, "offset"), node(fields, "code")),
                other => panic!("{other:?}"),
            })
            .collect();
        assert_eq!(
            offsets,
            [
                (Node::Number(25), Node::Named(1, Some("ORIGIN"))),
                (Node::Number(29), Node::Named(2, Some("AS_PATH"))),
                (Node::Number(33), Node::Named(3, Some("NEXT_HOP"))),
            ]
        );
        let Some(Node::Fields(last)) = attributes.last() else {
            panic!("no fields")
        };
        assert_eq!(node(last, "length"), Node::Number(9));
        assert_eq!(node(last, "rest"), Node::Octets(vec![1]));
    }

    #[test]
    fn lengths_beyond_the_body_show_what_is_left() {
        for (body, rest) in [(&[0, 9, 1][..], &[1][..]), (&[0], &[0]), (&[], &[])] {
            assert_eq!(
                node(&dissect_update(body), "rest"),
                Node::Octets(rest.to_vec())
            );
        }
        let fields = dissect_update(&[0, 0, 0, 200, 7]);
        assert_eq!(node(&fields, "attributes_length"), Node::Number(200));
        assert_eq!(node(&fields, "rest"), Node::Octets(vec![7]));
    }
}
