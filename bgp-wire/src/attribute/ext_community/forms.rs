//! The kinds of extended communities that have a text of their own. Others are printed as sixteen
//! digits; `registry` knows their names.

use super::form::Form;
use super::form::Part::{As2, As4, Flags, Float, Ipv4, Mac, Named, Number, Octets, Zero};
use super::registry::{
    BANDWIDTH_UNITS, COST_POINTS, DF_ALGORITHMS, L2_ENCAPSULATIONS, LABEL_SPACES, OSPF_ROUTES,
    VALIDATION,
};
use crate::attribute::tunnel_encap::TUNNEL_TYPES;

macro_rules! forms {
    ($($kind:literal $subtype:literal $name:literal, [$($part:expr),*];)*) => {
        /// One line a kind: type, subtype, name in texts, and what the value is made of.
        pub(super) static FORMS: &[Form] = &[$(Form {
            kind: $kind,
            subtype: $subtype,
            name: $name,
            parts: &[$($part),*],
        },)*];
    };
}

forms! {
    // RFC 4360 §4, §5, RFC 5668 §2.
    0x00 0x02 "rt", [As2("as"), Number("number", 32)];
    0x01 0x02 "rt", [Ipv4("address"), Number("number", 16)];
    0x02 0x02 "rt", [As4("as"), Number("number", 16)];
    0x00 0x03 "soo", [As2("as"), Number("number", 32)];
    0x01 0x03 "soo", [Ipv4("address"), Number("number", 16)];
    0x02 0x03 "soo", [As4("as"), Number("number", 16)];
    // RFC 10005.
    0x40 0x04 "link-bandwidth", [As2("as"), Float("octets_per_second")];
    0x00 0x04 "link-bandwidth-transitive", [As2("as"), Float("octets_per_second")];
    // RFC 4577 §4.2.4, §4.2.6.
    0x00 0x05 "ospf-domain-id", [As2("as"), Number("number", 32)];
    0x01 0x05 "ospf-domain-id", [Ipv4("address"), Number("number", 16)];
    0x02 0x05 "ospf-domain-id", [As4("as"), Number("number", 16)];
    0x01 0x07 "ospf-router-id", [Ipv4("address"), Zero(16)];
    0x03 0x06 "ospf-route-type", [Ipv4("area"), Named("route_type", 8, OSPF_ROUTES), Number("options", 8)];
    // The same as they were sent before they were registered.
    0x80 0x00 "ospf-route-type-old", [Ipv4("area"), Named("route_type", 8, OSPF_ROUTES), Number("options", 8)];
    0x80 0x01 "ospf-router-id-old", [Ipv4("address"), Zero(16)];
    0x80 0x05 "ospf-domain-id-old", [As2("as"), Number("number", 32)];
    // RFC 4384.
    0x00 0x08 "data-collection", [As2("as"), Number("number", 32)];
    0x02 0x08 "data-collection", [As4("as"), Number("number", 16)];
    // RFC 6514 §6, §7.
    0x00 0x09 "source-as", [As2("as"), Number("number", 32)];
    0x02 0x09 "source-as", [As4("as"), Number("number", 16)];
    0x01 0x0b "vrf-route-import", [Ipv4("address"), Number("number", 16)];
    // RFC 9081 §3.
    0x01 0x20 "mvpn-sa-rp", [Ipv4("address"), Zero(16)];
    // RFC 7900 §4.4.1, §4.5; RFC 7543 §4, which says of no value.
    0x03 0x04 "extranet-source", [Zero(48)];
    0x03 0x05 "extranet-separation", [Zero(48)];
    0x03 0x03 "cp-orf", [Zero(48)];
    // RFC 7902 §3.
    0x03 0x07 "pmsi-tunnel-flags", [Number("flags", 48)];
    // RFC 9573 §4.1.
    0x03 0x08 "label-space-id", [Named("id_type", 16, LABEL_SPACES), Number("id", 32)];
    // RFC 6074.
    0x00 0x0a "l2vpn-id", [As2("as"), Number("number", 32)];
    0x01 0x0a "l2vpn-id", [Ipv4("address"), Number("number", 16)];
    // Registered by vendors; the layout is that of the type (RFC 4360 §3.1, §3.2).
    0x01 0x14 "vrf-recursive-next-hop", [Ipv4("address"), Number("number", 16)];
    0x00 0x80 "virtual-network-id-transitive", [As2("as"), Number("number", 32)];
    0x40 0x80 "virtual-network-id", [As2("as"), Number("number", 32)];
    0x00 0x10 "vpn-distinguisher", [As2("as"), Number("number", 32)];
    0x01 0x10 "vpn-distinguisher", [Ipv4("address"), Number("number", 16)];
    0x02 0x10 "vpn-distinguisher", [As4("as"), Number("number", 16)];
    // RFC 7524 §4.
    0x01 0x12 "segmented-next-hop", [Ipv4("address"), Zero(16)];
    0x00 0x13 "rt-record", [As2("as"), Number("number", 32)];
    0x01 0x13 "rt-record", [Ipv4("address"), Number("number", 16)];
    0x02 0x13 "rt-record", [As4("as"), Number("number", 16)];
    // draft-ietf-idr-rt-derived-community §2: what was a route target.
    0x00 0x15 "rt-derived", [As2("as"), Number("number", 32)];
    0x01 0x15 "rt-derived", [Ipv4("address"), Number("number", 16)];
    0x02 0x15 "rt-derived", [As4("as"), Number("number", 16)];
    // draft-ietf-idr-node-target-ext-comm: for whom alone the route is.
    0x01 0x09 "node-target", [Ipv4("bgp_identifier"), Zero(16)];
    // draft-ietf-idr-custom-decision: a value that takes part in the decision.
    0x03 0x01 "cost-transitive", [Named("point_of_insertion", 8, COST_POINTS), Number("id", 8), Number("cost", 32)];
    0x43 0x01 "cost", [Named("point_of_insertion", 8, COST_POINTS), Number("id", 8), Number("cost", 32)];
    // RFC 9012 §4.3; the two bits that say "color only" are of RFC 9830 §3.
    0x03 0x0b "color", [Flags(16, &[(0x4000, "co1"), (0x8000, "co2")]), Number("color", 32)];
    // RFC 9012 §4.1.
    0x03 0x0c "encap", [Zero(32), Named("tunnel_type", 16, TUNNEL_TYPES)];
    // RFC 7432 §7.8.
    0x03 0x0d "default-gateway", [Zero(48)];
    // RFC 8097 §2.
    0x43 0x00 "validation", [Zero(40), Named("state", 8, VALIDATION)];
    // RFC 7432 §7.7, §7.5, §7.6.
    0x06 0x00 "mac-mobility", [Flags(8, &[(1, "sticky")]), Zero(8), Number("sequence", 32)];
    0x06 0x01 "esi-label", [Flags(8, &[(1, "single_active")]), Zero(16), Number("label", 20), Flags(4, &[(1, "bottom")])];
    0x06 0x02 "es-import", [Mac("mac")];
    // RFC 9135 §8.1.
    0x06 0x03 "rmac", [Mac("mac")];
    // RFC 8214 §3.1.
    0x06 0x04 "l2-attributes", [Flags(16, &[(4, "control_word"), (2, "primary"), (1, "backup")]), Number("mtu", 16), Zero(16)];
    // RFC 8317 §5.1.
    0x06 0x05 "e-tree", [Flags(8, &[(1, "leaf")]), Zero(16), Number("label", 20), Flags(4, &[(1, "bottom")])];
    // RFC 8584 §2.2, RFC 9785 §3, RFC 9722.
    0x06 0x06 "df-election", [Zero(3), Named("algorithm", 5, DF_ALGORITHMS), Flags(16, &[(0x8000, "dont_preempt"), (0x4000, "ac_df"), (0x1000, "time_sync")]), Zero(8), Number("preference", 16)];
    // RFC 9047 §2.
    0x06 0x08 "nd", [Flags(8, &[(8, "immutable"), (2, "override"), (1, "router")]), Zero(40)];
    // RFC 9251 §9.4.
    0x06 0x09 "multicast-flags", [Flags(16, &[(2, "mld_proxy"), (1, "igmp_proxy")]), Zero(32)];
    // RFC 9251 §9.5.
    0x06 0x0a "evi-rt", [As2("as"), Number("number", 32)];
    0x06 0x0b "evi-rt", [Ipv4("address"), Number("number", 16)];
    0x06 0x0c "evi-rt", [As4("as"), Number("number", 16)];
    // The value of an IPv6 route target, which eight octets do not hold: see `ipv6_ext_community`.
    0x06 0x0d "evi-rt3", [Octets("value")];
    // Drafts that left their layouts open, or have taken them back.
    0x06 0x07 "i-sid", [Octets("value")];
    0x06 0x0e "attachment-circuit", [Octets("value")];
    // RFC 9722.
    0x06 0x0f "service-carving-time", [Number("seconds", 32), Number("fraction", 16)];
    // draft-ietf-bess-evpn-unequal-lb §4.1.
    0x06 0x10 "evpn-link-bandwidth", [Named("units", 8, BANDWIDTH_UNITS), Number("weight", 40)];
    // draft-ietf-idr-flowspec-interfaceset §3.
    0x07 0x02 "interface-set-transitive", [Number("as", 32), Flags(2, &[(2, "output"), (1, "input")]), Number("group", 14)];
    0x47 0x02 "interface-set", [Number("as", 32), Flags(2, &[(2, "output"), (1, "input")]), Number("group", 14)];
    // draft-ietf-idr-flowspec-redirect-ip, in both of its forms.
    0x01 0x0c "redirect-ip", [Ipv4("address"), Zero(15), Flags(1, &[(1, "copy")])];
    0x08 0x00 "redirect-next-hop", [Zero(40), Flags(8, &[(1, "copy")])];
    // draft-ietf-idr-flowspec-path-redirect §3.
    0x09 0x00 "redirect-indirection-id", [Number("flags", 16), Number("id", 32)];
    // RFC 9832.
    0x0a 0x02 "transport-class", [Zero(16), Number("class", 32)];
    0x4a 0x02 "transport-class-non-transitive", [Zero(16), Number("class", 32)];
    // draft-ietf-bess-mup-safi §3.2: the direct segment of a mobile user plane.
    0x0c 0x00 "mup", [Number("segment_high", 16), Number("segment_low", 32)];
    // RFC 8955 §7.1 to §7.5.
    0x80 0x06 "traffic-rate", [Number("as", 16), Float("octets_per_second")];
    0x80 0x0c "traffic-rate-packets", [Number("as", 16), Float("packets_per_second")];
    0x80 0x07 "traffic-action", [Zero(40), Flags(8, &[(2, "sample"), (1, "terminal")])];
    0x80 0x08 "redirect", [As2("as"), Number("number", 32)];
    0x81 0x08 "redirect", [Ipv4("address"), Number("number", 16)];
    0x82 0x08 "redirect", [As4("as"), Number("number", 16)];
    0x80 0x09 "traffic-marking", [Zero(42), Number("dscp", 6)];
    // RFC 9015 §7.4.
    0x80 0x0d "sfc-classifier", [Number("spi", 24), Number("si", 8), Number("sft", 16)];
    // RFC 7796 §6.2.
    0x80 0x0b "e-tree-info", [Zero(4), Number("root_vlan", 12), Zero(4), Number("leaf_vlan", 12), Flags(16, &[(2, "leaf_only"), (1, "vlan_mapping")])];
    // RFC 4761 §3.2.4.
    0x80 0x0a "l2-info", [Named("encapsulation", 8, L2_ENCAPSULATIONS), Flags(8, &[(2, "control_word"), (1, "sequenced")]), Number("mtu", 16), Number("preference", 16)];
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_has_six_octets_and_every_kind_one_line() {
        for form in FORMS {
            let bits: u32 = form.parts.iter().map(|part| part.bits()).sum();
            assert_eq!(bits, 48, "{}", form.name);
            let same = |other: &&Form| (other.kind, other.subtype) == (form.kind, form.subtype);
            assert_eq!(FORMS.iter().filter(same).count(), 1, "{}", form.name);
        }
    }

    /// Kinds that share a name are told apart by their first part.
    #[test]
    fn a_name_and_its_first_part_say_the_kind() {
        let administrator = |form: &Form| match form.parts.first() {
            Some(As2(_)) => 2,
            Some(Ipv4(_)) => 1,
            Some(As4(_)) => 4,
            _ => 0,
        };
        for form in FORMS {
            let sharing = || FORMS.iter().filter(|other| other.name == form.name);
            if sharing().count() > 1 {
                let own = administrator(form);
                assert!(own > 0, "{}", form.name);
                let alike = sharing().filter(|other| administrator(other) == own);
                assert_eq!(alike.count(), 1, "{}", form.name);
            }
        }
    }
}
