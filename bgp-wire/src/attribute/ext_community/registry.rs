//! The registries of extended communities: the names of types, subtypes and of numbers in them.

use super::form::Names;

/// The registered name of a type.
pub(super) fn type_name(kind: u8) -> Option<&'static str> {
    Some(match kind {
        0x00 => "Transitive Two-Octet AS-Specific",
        0x01 => "Transitive IPv4-Address-Specific",
        0x02 => "Transitive Four-Octet AS-Specific",
        0x03 => "Transitive Opaque",
        0x04 => "QoS Marking",
        0x05 => "CoS Capability",
        0x06 => "EVPN",
        0x07 => "FlowSpec Transitive",
        0x08 => "Flow spec redirect/mirror to IP next-hop",
        0x09 => "FlowSpec Redirect to indirection-id",
        0x0a => "Transitive Transport Class",
        0x0b => "Service Function Chain",
        0x0c => "SRv6 MUP",
        0x40 => "Non-Transitive Two-Octet AS-Specific",
        0x41 => "Non-Transitive IPv4-Address-Specific",
        0x42 => "Non-Transitive Four-Octet AS-Specific",
        0x43 => "Non-Transitive Opaque",
        0x44 => "QoS Marking",
        0x47 => "FlowSpec Non-Transitive",
        0x4a => "Non-Transitive Transport Class",
        0x80 => "Generic Transitive",
        0x81 => "Generic Transitive Part 2",
        0x82 => "Generic Transitive Part 3",
        _ => return None,
    })
}

/// The registered name of a subtype.
pub(super) fn subtype_name(kind: u8, subtype: u8) -> Option<&'static str> {
    Some(match (kind, subtype) {
        (0x00..=0x02 | 0x40..=0x42, 0x02) => "Route Target",
        (0x00..=0x02 | 0x40..=0x42, 0x03) => "Route Origin",
        (0x00 | 0x40, 0x04) => "Link Bandwidth",
        (0x02 | 0x42, 0x04) => "Generic",
        (0x00..=0x02, 0x05) => "OSPF Domain Identifier",
        (0x01, 0x07) => "OSPF Route ID",
        (0x00 | 0x02, 0x08) => "BGP Data Collection",
        (0x00 | 0x02, 0x09) => "Source AS",
        (0x01, 0x09) => "Node Target",
        (0x00 | 0x01, 0x0a) => "L2VPN Identifier",
        (0x01, 0x0b) => "VRF Route Import",
        (0x01, 0x0c) => "Flow-spec Redirect to IPv4",
        (0x00..=0x02, 0x10) => "Cisco VPN-Distinguisher",
        (0x01, 0x12) => "Inter-Area P2MP Segmented Next-Hop",
        (0x00..=0x02, 0x13) => "Route-Target Record",
        (0x01, 0x14) => "VRF-Recursive-Next-Hop-Extended-Community",
        (0x00..=0x03 | 0x06 | 0x43, 0x15) => "RT-derived-EC",
        (0x01, 0x20) => "MVPN SA RP-address",
        (0x00 | 0x40, 0x80) => "Virtual-Network Identifier",
        (0x03 | 0x43, 0x01) => "Cost Community",
        (0x03, 0x03) => "CP-ORF",
        (0x03, 0x04) => "Extranet Source",
        (0x03, 0x05) => "Extranet Separation",
        (0x03, 0x06) => "OSPF Route Type",
        (0x03, 0x07) => "Additional PMSI Tunnel Attribute Flags",
        (0x03, 0x08) => "Context-Specific Label Space ID",
        (0x03, 0x0b) => "Color",
        (0x03, 0x0c) => "Encapsulation",
        (0x03, 0x0d) => "Default Gateway",
        (0x03, 0x0e) => "Point-to-Point-to-Multipoint (PPMP) Label",
        (0x03, 0x0f) => "BGP Group Policy Class Tag",
        (0x03, 0x14) => "Consistent Hash Sort Order",
        (0x03, 0x17) => "Group Policy ID",
        (0x03, 0x1b) => "Local Color Mapping (LCM)",
        (0x03, 0xaa) => "LoadBalance",
        (0x43, 0x00) => "BGP Origin Validation State",
        (0x43, 0x02) => "Route Target",
        (0x06, 0x00) => "MAC Mobility",
        (0x06, 0x01) => "ESI Label",
        (0x06, 0x02) => "ES-Import Route Target",
        (0x06, 0x03) => "EVPN Router's MAC",
        (0x06, 0x04) => "EVPN Layer 2 Attributes",
        (0x06, 0x05) => "E-Tree",
        (0x06, 0x06) => "DF Election",
        (0x06, 0x07) => "I-SID",
        (0x06, 0x08) => "ARP/ND",
        (0x06, 0x09) => "Multicast Flags",
        (0x06, 0x0a) => "EVI-RT Type 0",
        (0x06, 0x0b) => "EVI-RT Type 1",
        (0x06, 0x0c) => "EVI-RT Type 2",
        (0x06, 0x0d) => "EVI-RT Type 3",
        (0x06, 0x0e) => "EVPN Attachment Circuit",
        (0x06, 0x0f) => "Service Carving Time",
        (0x06, 0x10) => "EVPN Link Bandwidth",
        (0x07 | 0x47, 0x02) => "FlowSpec interface-set",
        (0x0a | 0x4a, 0x02) => "Route Target",
        (0x0b, 0x01) => "SFIR Pool Identifier",
        (0x0b, 0x02) => "MPLS Label Stack Mixed Swapping/Stacking Labels",
        (0x80, 0x00) => "OSPF Route Type",
        (0x80, 0x01) => "OSPF Router ID",
        (0x80 | 0x82, 0x04) => "Security Group",
        (0x80, 0x05) => "OSPF Domain Identifier",
        (0x80, 0x06) => "Flow spec traffic-rate-bytes",
        (0x80, 0x07) => "Flow spec traffic-action",
        (0x80, 0x08) => "Flow spec rt-redirect AS-2octet format",
        (0x81, 0x08) => "Flow spec rt-redirect IPv4 format",
        (0x82, 0x08) => "Flow spec rt-redirect AS-4octet format",
        (0x80, 0x09) => "Flow spec traffic-remarking",
        (0x80, 0x0a) => "Layer2 Info",
        (0x80, 0x0b) => "E-Tree Info",
        (0x80, 0x0c) => "Flow spec traffic-rate-packets",
        (0x80, 0x0d) => "Flow Specification for SFC Classifiers",
        (0x80 | 0x82, 0x84) => "Tag",
        (0x80 | 0x82, 0x85) => "Origin Sub-Cluster",
        _ => return None,
    })
}

/// The registry "Context-Specific Label Space ID Type" (RFC 9573 §6.4).
pub(super) const LABEL_SPACES: Names = &[(0, "mpls-label", "MPLS Label")];

/// What an EVPN Link Bandwidth counts.
pub(super) const BANDWIDTH_UNITS: Names = &[
    (0, "mbps", "Weight in units of Mbps"),
    (1, "generalized", "Generalized weight"),
];

/// LSA types that a VPN route can come from (RFC 4577 §4.2.6).
pub(super) const OSPF_ROUTES: Names = &[
    (1, "router", "Router"),
    (2, "network", "Network"),
    (3, "summary", "Summary"),
    (5, "external", "External"),
    (7, "nssa", "NSSA External"),
    (129, "sham-link", "MPLS-VPN Sham"),
];

/// The steps of the decision a cost can precede, by the numbers of the attributes they look at.
pub(super) const COST_POINTS: Names = &[
    (1, "origin", "Lowest Origin code"),
    (2, "as-path", "Shortest AS_PATH"),
    (4, "med", "Lowest MED"),
    (5, "local-pref", "Highest Local Preference"),
    (26, "aigp", "Lowest Accumulated IGP Cost"),
    (128, "absolute", "Before BGP Best Path algorithm"),
    (129, "igp-cost", "Smallest IGP Metric"),
    (130, "external", "Prefer eBGP to iBGP"),
    (131, "router-id", "Smallest BGP RID"),
];

/// RFC 8097 §2.
pub(super) const VALIDATION: Names = &[
    (0, "valid", "valid"),
    (1, "not-found", "not found"),
    (2, "invalid", "invalid"),
];

/// The registry "DF Alg" (RFC 8584 §5, RFC 9785 §3).
pub(super) const DF_ALGORITHMS: Names = &[
    (0, "default", "Default DF Election"),
    (1, "hrw", "HRW Algorithm"),
    (2, "highest-preference", "Highest-Preference Algorithm"),
    (3, "lowest-preference", "Lowest-Preference Algorithm"),
];

/// The registry "BGP Layer 2 Encapsulation Types" (RFC 4446 §3.2, RFC 4761 §3.2.4).
pub(super) const L2_ENCAPSULATIONS: Names = &[
    (1, "frame-relay", "Frame Relay"),
    (2, "atm-aal5", "ATM AAL5 SDU VCC transport"),
    (3, "atm-cell", "ATM transparent cell transport"),
    (4, "ethernet-tagged", "Ethernet Tagged Mode"),
    (5, "ethernet", "Ethernet"),
    (6, "cisco-hdlc", "HDLC"),
    (7, "ppp", "PPP"),
    (
        8,
        "sonet-ces",
        "SONET/SDH Circuit Emulation Service Over MPLS",
    ),
    (9, "atm-vcc", "ATM n-to-one VCC cell transport"),
    (10, "atm-vpc", "ATM n-to-one VPC cell transport"),
    (11, "ip", "IP Layer2 Transport"),
    (15, "frame-relay-port", "Frame Relay Port mode"),
    (17, "satop-e1", "Structure-agnostic E1 over packet"),
    (18, "satop-t1", "Structure-agnostic T1 (DS1) over packet"),
    (19, "vpls", "VPLS"),
    (20, "satop-t3", "Structure-agnostic T3 (DS3) over packet"),
    (
        21,
        "cesopsn",
        "Nx64kbit/s Basic Service using Structure-aware",
    ),
    (25, "frame-relay-dlci", "Frame Relay DLCI"),
    (40, "satop-e3", "Structure-agnostic E3 over packet"),
    (64, "ip-interworking", "IP-interworking"),
];

#[cfg(test)]
mod tests {
    use super::super::ExtCommunity;
    use super::super::form::Form;
    use super::super::forms::FORMS;
    use super::*;

    #[test]
    fn every_kind_with_a_text_is_registered() {
        for form in FORMS {
            assert!(type_name(form.kind).is_some(), "{}", form.name);
            // These types have no registry of subtypes.
            let named = subtype_name(form.kind, form.subtype).is_some();
            assert!(
                named || matches!(form.kind, 0x08 | 0x09 | 0x0c),
                "{}",
                form.name
            );
        }
    }

    /// What IANA lists of VPN, EVPN, segment routing and flow specification ("Border Gateway Protocol (BGP) Extended
    /// Communities", 2025-09-26), by type: each has a text, which is read back whatever its value.
    #[test]
    fn every_registered_kind_of_an_overlay_has_a_text() {
        let registered: [(u8, &[u8]); 17] = [
            (
                0x00,
                &[0x02, 0x03, 0x05, 0x09, 0x0a, 0x10, 0x13, 0x15, 0x80],
            ),
            (
                0x01,
                &[
                    0x02, 0x03, 0x05, 0x07, 0x09, 0x0a, 0x0b, 0x0c, 0x10, 0x12, 0x13, 0x14, 0x15,
                    0x20,
                ],
            ),
            (0x02, &[0x02, 0x03, 0x05, 0x09, 0x10, 0x13, 0x15]),
            (
                0x03,
                &[0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x0b, 0x0c, 0x0d],
            ),
            (
                0x06,
                &[
                    0x00, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c,
                    0x0d, 0x0e, 0x0f, 0x10,
                ],
            ),
            (0x07, &[0x02]),
            (0x08, &[0x00]),
            (0x09, &[0x00]),
            (0x0a, &[0x02]),
            (0x0c, &[0x00]),
            (0x40, &[0x04, 0x80]),
            (0x43, &[0x00]),
            (0x47, &[0x02]),
            (0x4a, &[0x02]),
            (
                0x80,
                &[
                    0x00, 0x01, 0x05, 0x06, 0x07, 0x08, 0x09, 0x0a, 0x0b, 0x0c, 0x0d,
                ],
            ),
            (0x81, &[0x08]),
            (0x82, &[0x08]),
        ];
        for (kind, subtypes) in registered {
            for subtype in subtypes {
                let of_kind = |form: &&Form| (form.kind, form.subtype) == (kind, *subtype);
                let form = FORMS.iter().find(of_kind);
                let form = form.unwrap_or_else(|| panic!("{kind:#04x} {subtype:#04x}"));
                for value in [[0; 6], [0, 0, 0, 0, 0, 1], [0x41; 6], [0xff; 6]] {
                    let [a, b, c, d, e, f] = value;
                    let community = ExtCommunity([kind, *subtype, a, b, c, d, e, f]);
                    let text = community.to_string();
                    assert_eq!(text.parse(), Ok(community), "{text}");
                    assert!(value != [0; 6] || text.starts_with(form.name), "{text}");
                }
            }
        }
    }
}
