//! What a segment list of an SR policy is made of (RFC 9830 §2.4.4, RFC 9831 §2).

use super::super::layout::{self, Field};
use super::super::tlv::{self, Shape, Tlv};
use super::Kind;
use super::sub_tlv::SID_STRUCTURE;
use crate::describe::Node;
use crate::error::Reason;
use crate::input::Malformed;

/// RFC 9830 §2.4.4.2.3, RFC 9831 §2.10.
const FLAGS: Field = Field::Flags(&[
    (0x80, "verification"),
    (0x40, "algorithm_present"),
    (0x20, "sid_present"),
    (0x10, "behavior_and_structure"),
]);
const ALGORITHM: Field = Field::Number("algorithm", 1);
const LABEL: Field = Field::Label("label");
const SID: Field = Field::Ipv6("sid");

// The registry "SR Policy Segment List Sub-TLVs".
kinds! {
    1 "Segment Type A", [6], [FLAGS, Field::Reserved(1), LABEL];
    3 "Segment Type C", [6, 10], [FLAGS, ALGORITHM, Field::Ipv4("node"), LABEL];
    4 "Segment Type D", [18, 22], [FLAGS, ALGORITHM, Field::Ipv6("node"), LABEL];
    5 "Segment Type E", [10, 14], [FLAGS, Field::Reserved(1), Field::Number("local_interface_id", 4), Field::Ipv4("node"), LABEL];
    6 "Segment Type F", [10, 14], [FLAGS, Field::Reserved(1), Field::Ipv4("local_address"), Field::Ipv4("remote_address"), LABEL];
    7 "Segment Type G", [42, 46], [FLAGS, Field::Reserved(1), Field::Number("local_interface_id", 4), Field::Ipv6("local_node"), Field::Number("remote_interface_id", 4), Field::Ipv6("remote_node"), LABEL];
    8 "Segment Type H", [34, 38], [FLAGS, Field::Reserved(1), Field::Ipv6("local_address"), Field::Ipv6("remote_address"), LABEL];
    9 "Weight", [6], [Field::Reserved(2), Field::Number("weight", 4)];
    13 "Segment Type B", [18, 26], [FLAGS, Field::Reserved(1), SID, SID_STRUCTURE];
    14 "Segment Type I", [18, 34, 42], [FLAGS, ALGORITHM, Field::Ipv6("node"), SID, SID_STRUCTURE];
    15 "Segment Type J", [42, 58, 66], [FLAGS, ALGORITHM, Field::Number("local_interface_id", 4), Field::Ipv6("local_node"), Field::Number("remote_interface_id", 4), Field::Ipv6("remote_node"), SID, SID_STRUCTURE];
    16 "Segment Type K", [34, 50, 58], [FLAGS, ALGORITHM, Field::Ipv6("local_address"), Field::Ipv6("remote_address"), SID, SID_STRUCTURE];
}

fn kind(number: u16) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.number == number)
}

/// Says what is cut short or has a length that its kind cannot have; what is not known is passed
/// over.
pub(super) fn check<'a>(list: &'a [u8], note: &mut dyn FnMut(Malformed<'a>)) {
    let framing = tlv::each(Shape::OneOne, "Segment List Sub-TLV", list, |segment| {
        let length = segment.value.len();
        if let Some(kind) = kind(segment.kind).filter(|kind| !kind.lengths.contains(&length)) {
            let reason = Reason::Length(length);
            note(Malformed::new(segment.whole, kind.name, reason));
        }
        Ok(())
    });
    framing.unwrap_or_else(note);
}

pub(super) fn describe(segment: Tlv<'_>) -> Node {
    let kind = kind(segment.kind);
    Node::fields(|fields| {
        fields.named("type", segment.kind, kind.map(|kind| kind.name));
        match kind {
            Some(kind) => layout::describe_all(kind.layout, segment.value, fields),
            None => fields.octets("value", segment.value),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::describe::Fields;

    #[test]
    fn the_layout_of_each_kind_has_its_lengths() {
        assert!(KINDS.is_sorted_by(|a, b| a.number < b.number));
        for kind in KINDS {
            for length in kind.lengths {
                let (value, mut fields) = (vec![1; *length], Fields::new());
                let rest = layout::describe(kind.layout, &value, &mut fields);
                assert!(rest.is_empty(), "{} {length}", kind.name);
            }
        }
    }

    /// RFC 9830 §2.4.4.2.1.
    #[test]
    fn a_segment_is_described_by_name() {
        let list = [1, 6, 0x80, 0, 0x03, 0xe8, 0x01, 0xff];
        let segment = tlv::iter(Shape::OneOne, &list).next().unwrap();
        let Node::Fields(fields) = describe(segment) else {
            panic!("fields")
        };
        let type_a = Node::Named(1, Some("Segment Type A"));
        assert_eq!(fields.get("type"), Some(&type_a));
        assert_eq!(fields.get("label"), Some(&Node::Number(16000)));
        assert_eq!(fields.get("verification"), Some(&Node::Flag(true)));
    }
}
