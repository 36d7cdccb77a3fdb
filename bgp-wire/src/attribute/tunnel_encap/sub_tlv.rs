//! What describes a tunnel (RFC 9012 §3) or an SR policy (RFC 9830 §2.4).

use super::super::layout::{self, Field};
use super::super::srv6::behavior_name;
use super::super::tlv::{self, Shape, Tlv};
use super::super::{ExtCommunity, NextHop, prefix_sid};
use super::{Kind, SR_POLICY, segment};
use crate::MacAddr;
use crate::describe::{Fields, Node};
use crate::error::Reason;
use crate::input::Malformed;

const ENCAPSULATION: u16 = 1;
const PROTOCOL_TYPE: u16 = 2;
const COLOR: u16 = 4;
pub(super) const TUNNEL_EGRESS_ENDPOINT: u16 = 6;
const UDP_DESTINATION_PORT: u16 = 8;
const EMBEDDED_LABEL_HANDLING: u16 = 9;
const MPLS_LABEL_STACK: u16 = 10;
const PREFIX_SID: u16 = 11;
const PREFERENCE: u16 = 12;
const BINDING_SID: u16 = 13;
const ENLP: u16 = 14;
const PRIORITY: u16 = 15;
const SEGMENT_LIST: u16 = 128;
const CANDIDATE_PATH_NAME: u16 = 129;
const POLICY_NAME: u16 = 130;

/// The parts of an SRv6 SID that may follow it (RFC 9830 §2.4.4.2.4).
pub(super) const SID_STRUCTURE: Field = Field::Rest(&[
    Field::Named("endpoint_behavior", 2, behavior),
    Field::Reserved(2),
    Field::Number("locator_block_length", 1),
    Field::Number("locator_node_length", 1),
    Field::Number("function_length", 1),
    Field::Number("argument_length", 1),
]);

pub(super) fn behavior(number: u64) -> Option<&'static str> {
    behavior_name(u16::try_from(number).ok()?)
}

fn embedded_label(value: u64) -> Option<&'static str> {
    match value {
        1 => Some("Payload of MPLS with embedded label"),
        2 => Some("No embedded label in payload"),
        _ => None,
    }
}

/// The registry "SR Policy ENLP Values" (RFC 9830 §2.4.5).
fn enlp(value: u64) -> Option<&'static str> {
    Some(match value {
        1 => {
            "Push an IPv4 Explicit NULL label on an unlabeled IPv4 packet, but do not push an IPv6 Explicit NULL label on an unlabeled IPv6 packet"
        }
        2 => {
            "Push an IPv6 Explicit NULL label on an unlabeled IPv6 packet, but do not push an IPv4 Explicit NULL label on an unlabeled IPv4 packet"
        }
        3 => {
            "Push an IPv6 Explicit NULL label on an unlabeled IPv6 packet and push an IPv4 Explicit NULL label on an unlabeled IPv4 packet"
        }
        4 => "Do not push a label",
        _ => return None,
    })
}

fn ethertype(value: u64) -> Option<&'static str> {
    Some(match value {
        0x0800 => "IPv4",
        0x6558 => "Transparent Ethernet Bridging",
        0x86dd => "IPv6",
        0x8847 => "MPLS",
        0x8848 => "MPLS with upstream-assigned label",
        _ => return None,
    })
}

// The registry "BGP Tunnel Encapsulation Attribute Sub-TLVs".
kinds! {
    ENCAPSULATION "Encapsulation", [], [];
    PROTOCOL_TYPE "Protocol Type", [2], [Field::Named("protocol_type", 2, ethertype)];
    3 "IPsec Tunnel Authenticator (DEPRECATED)", [], [Field::Octets("value")];
    COLOR "Color", [8], [];
    5 "Load-Balancing Block", [2], [Field::Number("block_length", 2)];
    TUNNEL_EGRESS_ENDPOINT "Tunnel Egress Endpoint", [6, 10, 22], [Field::Reserved(4), Field::Number("address_family", 2), Field::Address("address")];
    7 "DS Field", [1], [Field::Number("ds_field", 1)];
    UDP_DESTINATION_PORT "UDP Destination Port", [2], [Field::Number("port", 2)];
    EMBEDDED_LABEL_HANDLING "Embedded Label Handling", [1], [Field::Named("handling", 1, embedded_label)];
    MPLS_LABEL_STACK "MPLS Label Stack", [], [Field::Labels("labels")];
    PREFIX_SID "Prefix-SID", [], [];
    PREFERENCE "Preference", [6], [Field::Number("flags", 1), Field::Reserved(1), Field::Number("preference", 4)];
    BINDING_SID "Binding SID", [2, 6, 18], [Field::Flags(&[(0x80, "specified_binding_sid_only"), (0x40, "drop_upon_invalid")]), Field::Reserved(1)];
    ENLP "ENLP", [3], [Field::Reserved(2), Field::Named("enlp", 1, enlp)];
    PRIORITY "Priority", [2], [Field::Number("priority", 1), Field::Reserved(1)];
    16 "SPI/SI Representation", [], [Field::Octets("value")];
    20 "SRv6 Binding SID", [18, 26], [Field::Flags(&[(0x80, "specified_binding_sid_only"), (0x40, "drop_upon_invalid"), (0x20, "behavior_and_structure")]), Field::Reserved(1), Field::Ipv6("sid"), SID_STRUCTURE];
    SEGMENT_LIST "Segment List", [], [];
    CANDIDATE_PATH_NAME "SR Policy Candidate Path Name", [], [Field::Reserved(1), Field::Text("name")];
    POLICY_NAME "SR Policy Name", [], [Field::Reserved(1), Field::Text("name")];
}

fn kind(number: u16) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.number == number)
}

/// The registered name, or what it is.
pub(super) fn name(number: u16) -> &'static str {
    kind(number).map_or("Tunnel Sub-TLV", |kind| kind.name)
}

/// Whether a tunnel of this type has one at most. RFC 9012 §13: "Encapsulation, DS, UDP Destination Port,
/// Embedded Label Handling, MPLS Label Stack, and Prefix-SID". Of endpoints another rule speaks. RFC 9830
/// §2.4.1, §2.4.2, §2.4.5 to §2.4.8 of policies.
pub(super) fn is_single(tunnel_type: u16, number: u16) -> bool {
    const DS_FIELD: u16 = 7;
    if tunnel_type == SR_POLICY {
        return matches!(
            number,
            PREFERENCE | BINDING_SID | ENLP | PRIORITY | CANDIDATE_PATH_NAME | POLICY_NAME
        );
    }
    matches!(
        number,
        ENCAPSULATION
            | DS_FIELD
            | UDP_DESTINATION_PORT
            | EMBEDDED_LABEL_HANDLING
            | MPLS_LABEL_STACK
            | PREFIX_SID
    )
}

/// What is wrong with a sub-TLV of a tunnel of this type: a length that its kind cannot have, an
/// endpoint that is none, a value that is reserved (RFC 9012 §3.1 to §3.7).
pub(super) fn fault(tunnel_type: u16, sub_tlv: Tlv<'_>) -> Option<Malformed<'_>> {
    let kind = kind(sub_tlv.kind)?;
    let length = sub_tlv.value.len();
    let fits = match sub_tlv.kind {
        ENCAPSULATION => encapsulation_lengths(tunnel_type).is_none_or(|own| own.contains(&length)),
        // RFC 9012 §3.6: entries of four octets each.
        MPLS_LABEL_STACK => length > 0 && length.is_multiple_of(4),
        _ => kind.lengths.is_empty() || kind.lengths.contains(&length),
    };
    let wrong = |reason| Some(Malformed::new(sub_tlv.whole, kind.name, reason));
    match (sub_tlv.kind, sub_tlv.value) {
        _ if !fits => wrong(Reason::Length(length)),
        (TUNNEL_EGRESS_ENDPOINT, value) if !is_endpoint(value) => {
            wrong(Reason::Text("is not the address of a host in its family"))
        }
        // RFC 9012 §3.3.2: "a nonzero value".
        (UDP_DESTINATION_PORT, [0, 0]) => wrong(Reason::Value(0)),
        // RFC 9012 §3.4.1: "If the reserved value 0xFFFF is received, the sub-TLV MUST be treated as
        // malformed".
        (PROTOCOL_TYPE, [0xff, 0xff]) => wrong(Reason::Value(0xffff)),
        // RFC 9012 §3.4.2: if "the first two octets of its Value field are not 0x030b, the sub-TLV MUST be
        // treated as if it were an unrecognized sub-TLV".
        (COLOR, value) if !value.starts_with(&[0x03, 0x0b]) => {
            wrong(Reason::Text("is no Color extended community"))
        }
        // RFC 9012 §3.5: "If any value other than 1 or 2 is carried, the sub-TLV MUST be considered
        // malformed".
        (EMBEDDED_LABEL_HANDLING, [value]) if !matches!(value, 1 | 2) => {
            wrong(Reason::Value((*value).into()))
        }
        // RFC 9012 §3.7: what it has is the value of a BGP Prefix-SID attribute.
        (PREFIX_SID, value) => wrong(prefix_sid::fault(value)?.reason),
        _ => None,
    }
}

/// RFC 9012 §3.1: a family and an address of it that a host can have, or family 0 and nothing.
fn is_endpoint(value: &[u8]) -> bool {
    let [_, _, _, _, high, low, address @ ..] = value else {
        return false;
    };
    match (u16::from_be_bytes([*high, *low]), address.len()) {
        (0, 0) => true,
        (1, 4) | (2, 16) => NextHop::from_bytes(address).is_some_and(NextHop::is_host),
        _ => false,
    }
}

/// The lengths of an Encapsulation sub-TLV, for the tunnel types that have one: VXLAN and NVGRE (RFC
/// 9012 §3.2.1, §3.2.2), L2TPv3 with a cookie of none, four or eight octets (§3.2.3), GRE and MPLS in
/// GRE (§3.2.4, §3.2.5).
fn encapsulation_lengths(tunnel_type: u16) -> Option<&'static [usize]> {
    Some(match tunnel_type {
        8 | 9 => &[12],
        1 => &[4, 8, 12],
        2 | 11 => &[4],
        _ => return None,
    })
}

/// RFC 9830 §5: "The validation of the TLVs/sub-TLVs introduced in this document [...] MUST be performed
/// to determine if they are malformed or invalid." "In case of any error detected, either at the
/// attribute or its TLV/sub-TLV level, the "treat-as-withdraw" strategy MUST be applied." Those of RFC
/// 9012 mean nothing in a policy and "MUST be ignored" (§2.3).
pub(super) fn check_sr_policy<'a>(sub_tlv: Tlv<'a>, note: &mut dyn FnMut(Malformed<'a>)) {
    let Some(kind) = kind(sub_tlv.kind).filter(|kind| kind.number >= PREFERENCE) else {
        return;
    };
    let length = sub_tlv.value.len();
    let bad = Malformed::new(sub_tlv.whole, kind.name, Reason::Length(length));
    if !kind.lengths.is_empty() && !kind.lengths.contains(&length) {
        note(bad);
        return;
    }
    if sub_tlv.kind < SEGMENT_LIST {
        return;
    }
    // A reserved octet comes first.
    match sub_tlv.value {
        [] => note(bad),
        [_, inner @ ..] if sub_tlv.kind == SEGMENT_LIST => segment::check(inner, note),
        _ => {}
    }
}

/// A sub-TLV of a tunnel of this type.
pub(super) fn describe(tunnel_type: u16, sub_tlv: Tlv<'_>) -> Node {
    let kind = kind(sub_tlv.kind);
    let value = sub_tlv.value;
    Node::fields(|fields| {
        fields.named("type", sub_tlv.kind, kind.map(|kind| kind.name));
        let Some(kind) = kind else {
            fields.octets("value", value);
            return;
        };
        // What is malformed counts as unrecognized (RFC 9012 §13).
        if fault(tunnel_type, sub_tlv).is_some() {
            fields.octets("value", value);
            return;
        }
        match sub_tlv.kind {
            ENCAPSULATION => describe_encapsulation(tunnel_type, value, fields),
            COLOR => match value.as_array() {
                Some(eight) => fields.text("color", ExtCommunity(*eight)),
                None => fields.octets("value", value),
            },
            PREFIX_SID => prefix_sid::describe(value, fields),
            BINDING_SID => match layout::describe(kind.layout, value, fields) {
                four @ [_, _, _, _] => layout::describe_all(&[Field::Label("label")], four, fields),
                rest => layout::describe_all(&[Field::Ipv6("sid")], rest, fields),
            },
            SEGMENT_LIST => {
                let inner = value.get(1..).unwrap_or(&[]);
                let segments = tlv::iter(Shape::OneOne, inner).map(segment::describe);
                fields.list("segments", segments);
            }
            _ => layout::describe_all(kind.layout, value, fields),
        }
    })
}

/// RFC 9012 §3.2: the form is that of the tunnel type; what is malformed is shown as it is.
fn describe_encapsulation(tunnel_type: u16, value: &[u8], fields: &mut Fields) {
    const VIRTUAL: &[Field] = &[
        Field::Flags(&[(0x80, "vn_id_valid"), (0x40, "mac_valid")]),
        Field::Number("vn_id", 3),
    ];
    match (tunnel_type, value.len()) {
        (8 | 9, 12) => {
            let rest = layout::describe(VIRTUAL, value, fields);
            if let Some((mac, _reserved)) = rest.split_first_chunk() {
                fields.text("mac", MacAddr(*mac));
            }
        }
        (2 | 11, 4) => layout::describe_all(&[Field::Number("key", 4)], value, fields),
        (1, 4..) => {
            const L2TP: &[Field] = &[Field::Number("session_id", 4), Field::Octets("cookie")];
            layout::describe_all(L2TP, value, fields);
        }
        _ => fields.octets("value", value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_has_one_line_and_its_layout_the_lengths() {
        assert!(KINDS.is_sorted_by(|a, b| a.number < b.number));
        for kind in KINDS {
            for length in kind.lengths.iter().filter(|_| kind.number != BINDING_SID) {
                let (value, mut fields) = (vec![1; *length], Fields::new());
                if !kind.layout.is_empty() {
                    let rest = layout::describe(kind.layout, &value, &mut fields);
                    assert!(rest.is_empty(), "{} {length}", kind.name);
                }
            }
        }
        assert_eq!(kind(15).map(|kind| kind.name), Some("Priority"));
    }
}
