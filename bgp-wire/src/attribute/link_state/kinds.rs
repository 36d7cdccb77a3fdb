//! The registry "BGP-LS NLRI and Attribute TLVs", as far as it is about the attribute.

use super::super::layout::Field;
use super::super::srv6::behavior_name;

/// A kind of TLV.
pub(super) struct Kind {
    pub(super) number: u16,
    /// The registered name.
    pub(super) name: &'static str,
    pub(super) layout: &'static [Field],
    pub(super) inner: Inner,
}

/// What comes after the fields.
#[derive(Clone, Copy)]
pub(super) enum Inner {
    Nothing,
    /// More TLVs.
    Tlvs,
    /// Ranges of labels, each with its first (RFC 9085 §2.1.2).
    Ranges,
}

use Inner::{Nothing, Ranges, Tlvs};

pub(super) fn kind(number: u16) -> Option<&'static Kind> {
    let place = KINDS
        .binary_search_by_key(&number, |kind| kind.number)
        .ok()?;
    KINDS.get(place)
}

macro_rules! kinds {
    ($($number:literal $name:literal, [$($field:expr),*], $inner:ident;)*) => {
        /// In ascending order of number.
        const KINDS: &[Kind] = &[$(Kind {
            number: $number,
            name: $name,
            layout: &[$($field),*],
            inner: $inner,
        },)*];
    };
}

const FLAGS: Field = Field::Number("flags", 1);
const ALGORITHM: Field = Field::Number("algorithm", 1);
const WEIGHT: Field = Field::Number("weight", 1);
const SID: Field = Field::Sid("sid");
const BEHAVIOR: Field = Field::Named("endpoint_behavior", 2, behavior);
const TEXT: Field = Field::Text("name");
const OPAQUE: Field = Field::Octets("value");
const ANOMALOUS: Field = Field::Flags(&[(0x80, "anomalous")]);

fn behavior(number: u64) -> Option<&'static str> {
    behavior_name(u16::try_from(number).ok()?)
}

/// The registry "IGP Metric-Type" (RFC 9350 §18.1.1).
fn metric_type(number: u64) -> Option<&'static str> {
    Some(match number {
        0 => "IGP Metric",
        1 => "Min Unidirectional Link Delay",
        2 => "Traffic Engineering Default Metric",
        _ => return None,
    })
}

/// The registry "IGP Algorithm Types" (RFC 8665 §8.5).
fn calculation(number: u64) -> Option<&'static str> {
    Some(match number {
        0 => "Shortest Path First (SPF)",
        1 => "Strict Shortest Path First (Strict SPF)",
        _ => return None,
    })
}

// RFC 9552 §5.3, RFC 8571, RFC 8814, RFC 9085, RFC 9086, RFC 9104, RFC 9294, RFC 9351, RFC 9514.
kinds! {
    258 "Link Local/Remote Identifiers", [Field::Number("local", 4), Field::Number("remote", 4)], Nothing;
    263 "Multi-Topology Identifier", [Field::Numbers("topologies", 2)], Nothing;
    266 "Node MSD", [Field::Numbers("types_and_values", 1)], Nothing;
    267 "Link MSD", [Field::Numbers("types_and_values", 1)], Nothing;
    1024 "Node Flag Bits", [Field::Flags(&[(0x80, "overload"), (0x40, "attached"), (0x20, "external"), (0x10, "abr"), (0x08, "router"), (0x04, "v6")])], Nothing;
    1025 "Opaque Node Attribute", [OPAQUE], Nothing;
    1026 "Node Name", [TEXT], Nothing;
    1027 "IS-IS Area Identifier", [Field::Octets("area")], Nothing;
    1028 "IPv4 Router-ID of Local Node", [Field::Ipv4("router_id")], Nothing;
    1029 "IPv6 Router-ID of Local Node", [Field::Ipv6("router_id")], Nothing;
    1030 "IPv4 Router-ID of Remote Node", [Field::Ipv4("router_id")], Nothing;
    1031 "IPv6 Router-ID of Remote Node", [Field::Ipv6("router_id")], Nothing;
    1034 "SR Capabilities", [Field::Flags(&[(0x80, "mpls_ipv4"), (0x40, "mpls_ipv6")]), Field::Reserved(1)], Ranges;
    1035 "SR Algorithm", [Field::Numbers("algorithms", 1)], Nothing;
    1036 "SR Local Block", [FLAGS, Field::Reserved(1)], Ranges;
    1037 "SRMS Preference", [Field::Number("preference", 1)], Nothing;
    1038 "SRv6 Capabilities", [Field::Number("flags", 2), Field::Reserved(2)], Nothing;
    1039 "Flexible Algorithm Definition", [ALGORITHM, Field::Named("metric_type", 1, metric_type), Field::Named("calculation_type", 1, calculation), Field::Number("priority", 1)], Tlvs;
    1040 "Flexible Algorithm Exclude-Any Affinity", [Field::Numbers("affinity", 4)], Nothing;
    1041 "Flexible Algorithm Include-Any Affinity", [Field::Numbers("affinity", 4)], Nothing;
    1042 "Flexible Algorithm Include-All Affinity", [Field::Numbers("affinity", 4)], Nothing;
    1043 "Flexible Algorithm Definition Flags", [Field::Octets("flags")], Nothing;
    1044 "Flexible Algorithm Prefix Metric", [ALGORITHM, FLAGS, Field::Reserved(2), Field::Number("metric", 4)], Nothing;
    1045 "Flexible Algorithm Exclude SRLG", [Field::Numbers("srlgs", 4)], Nothing;
    1046 "Flexible Algorithm Unsupported", [Field::Number("protocol", 1), Field::Numbers("types", 2)], Nothing;
    1088 "Administrative group (color)", [Field::Number("group", 4)], Nothing;
    1089 "Maximum Link Bandwidth", [Field::Float("octets_per_second")], Nothing;
    1090 "Max. Reservable Link Bandwidth", [Field::Float("octets_per_second")], Nothing;
    1091 "Unreserved Bandwidth", [Field::Floats("octets_per_second")], Nothing;
    1092 "TE Default Metric", [Field::Number("metric", 4)], Nothing;
    1093 "Link Protection Type", [Field::Flags(&[(0x20, "enhanced"), (0x10, "dedicated_1_plus_1"), (0x08, "dedicated_1_to_1"), (0x04, "shared"), (0x02, "unprotected"), (0x01, "extra_traffic")]), Field::Reserved(1)], Nothing;
    1094 "MPLS Protocol Mask", [Field::Flags(&[(0x80, "ldp"), (0x40, "rsvp_te")])], Nothing;
    1095 "IGP Metric", [Field::Whole("metric")], Nothing;
    1096 "Shared Risk Link Group", [Field::Numbers("srlgs", 4)], Nothing;
    1097 "Opaque Link Attribute", [OPAQUE], Nothing;
    1098 "Link Name", [TEXT], Nothing;
    1099 "Adjacency SID", [FLAGS, WEIGHT, Field::Reserved(2), SID], Nothing;
    1100 "LAN Adjacency SID", [FLAGS, WEIGHT, Field::Reserved(2), Field::Octets("neighbor_and_sid")], Nothing;
    1101 "PeerNode SID", [FLAGS, WEIGHT, Field::Reserved(2), SID], Nothing;
    1102 "PeerAdj SID", [FLAGS, WEIGHT, Field::Reserved(2), SID], Nothing;
    1103 "PeerSet SID", [FLAGS, WEIGHT, Field::Reserved(2), SID], Nothing;
    1106 "SRv6 End.X SID", [BEHAVIOR, FLAGS, ALGORITHM, WEIGHT, Field::Reserved(1), Field::Ipv6("sid")], Tlvs;
    1107 "IS-IS SRv6 LAN End.X SID", [BEHAVIOR, FLAGS, ALGORITHM, WEIGHT, Field::Reserved(1), Field::Number("neighbor", 6), Field::Ipv6("sid")], Tlvs;
    1108 "OSPFv3 SRv6 LAN End.X SID", [BEHAVIOR, FLAGS, ALGORITHM, WEIGHT, Field::Reserved(1), Field::Ipv4("neighbor"), Field::Ipv6("sid")], Tlvs;
    1114 "Unidirectional Link Delay", [ANOMALOUS, Field::Number("microseconds", 3)], Nothing;
    1115 "Min/Max Unidirectional Link Delay", [ANOMALOUS, Field::Number("min_microseconds", 3), Field::Reserved(1), Field::Number("max_microseconds", 3)], Nothing;
    1116 "Unidirectional Delay Variation", [Field::Reserved(1), Field::Number("microseconds", 3)], Nothing;
    1117 "Unidirectional Link Loss", [ANOMALOUS, Field::Number("loss", 3)], Nothing;
    1118 "Unidirectional Residual Bandwidth", [Field::Float("octets_per_second")], Nothing;
    1119 "Unidirectional Available Bandwidth", [Field::Float("octets_per_second")], Nothing;
    1120 "Unidirectional Utilized Bandwidth", [Field::Float("octets_per_second")], Nothing;
    1121 "Graceful-Link-Shutdown TLV", [], Nothing;
    1122 "Application-Specific Link Attributes", [Field::Octets("value")], Nothing;
    1152 "IGP Flags", [Field::Flags(&[(0x80, "down"), (0x40, "no_unicast"), (0x20, "local_address"), (0x10, "propagate_nssa")])], Nothing;
    1153 "IGP Route Tag", [Field::Numbers("tags", 4)], Nothing;
    1154 "IGP Extended Route Tag", [Field::Numbers("tags", 8)], Nothing;
    1155 "Prefix Metric", [Field::Number("metric", 4)], Nothing;
    1156 "OSPF Forwarding Address", [Field::Address("address")], Nothing;
    1157 "Opaque Prefix Attribute", [OPAQUE], Nothing;
    1158 "Prefix-SID", [FLAGS, ALGORITHM, Field::Reserved(2), SID], Nothing;
    1159 "Range", [FLAGS, Field::Reserved(1), Field::Number("range", 2)], Tlvs;
    1161 "SID/Label", [SID], Nothing;
    1162 "SRv6 Locator", [FLAGS, ALGORITHM, Field::Reserved(2), Field::Number("metric", 4)], Tlvs;
    1170 "Prefix Attribute Flags", [Field::Octets("flags")], Nothing;
    1171 "Source Router Identifier", [Field::Address("router_id")], Nothing;
    1172 "L2 Bundle Member Attributes", [Field::Number("member", 4)], Tlvs;
    1173 "Extended Administrative Group", [Field::Numbers("groups", 4)], Nothing;
    1174 "Source OSPF Router-ID", [Field::Ipv4("router_id")], Nothing;
    1250 "SRv6 Endpoint Behavior", [BEHAVIOR, FLAGS, ALGORITHM], Nothing;
    1251 "SRv6 BGP PeerNode SID", [FLAGS, WEIGHT, Field::Reserved(2), Field::Number("peer_as", 4), Field::Ipv4("peer_id")], Nothing;
    1252 "SRv6 SID Structure", [Field::Number("locator_block_length", 1), Field::Number("locator_node_length", 1), Field::Number("function_length", 1), Field::Number("argument_length", 1)], Nothing;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_are_found_by_number() {
        assert!(KINDS.is_sorted_by(|a, b| a.number < b.number));
        assert_eq!(kind(1026).map(|kind| kind.name), Some("Node Name"));
        assert!(kind(1).is_none() && kind(u16::MAX).is_none());
    }
}
