//! Laws of the text forms: what is printed is read back as what it was, and no text whatever can do
//! harm.

use bgp_wire::{
    AsPath, Asn, AttrEditor, Community, Esi, EvpnRoute, ExtCommunity, Family, Ipv6ExtCommunity,
    Label, LargeCommunity, MacAddr, Origin, RouteDistinguisher, RouteTargetMembership, RouterId,
    SegmentKind, Vpn,
};
use ipnet::Ipv4Net;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

/// Any eight octets, most of them of a type that has words.
fn ext_community() -> impl Strategy<Value = ExtCommunity> {
    let kinds = vec![
        0u8, 1, 2, 3, 6, 7, 8, 10, 0x40, 0x42, 0x43, 0x47, 0x80, 0x81, 0x82,
    ];
    let near = (
        proptest::sample::select(kinds),
        0u8..24,
        any::<[u8; 6]>(),
        any::<[u8; 6]>(),
    );
    // Few bits set make reserved ones zero.
    let near = near.prop_map(|(kind, subtype, value, mask)| {
        let [a, b, c, d, e, f] =
            std::array::from_fn(|place| if mask[place] < 160 { 0 } else { value[place] });
        [kind, subtype, a, b, c, d, e, f]
    });
    prop_oneof![any::<[u8; 8]>(), near].prop_map(ExtCommunity)
}

proptest! {
    // What fails once is kept beside this file and tried first from then on.
    #![proptest_config(ProptestConfig {
        cases: 2000,
        ..ProptestConfig::with_failure_persistence(FileFailurePersistence::WithSource("regressions"))
    })]

    #[test]
    fn communities(bits: u32, high in prop_oneof![Just(0xffffu16), any::<u16>()]) {
        for community in [Community(bits), Community::new(high, bits as u16)] {
            prop_assert_eq!(community.to_string().parse(), Ok(community));
        }
    }

    #[test]
    fn extended_communities(community in ext_community()) {
        let text = community.to_string();
        prop_assert_eq!(text.parse(), Ok(community), "{}", text);
        prop_assert_eq!(text.to_uppercase().replace("0X", "0x").parse(), Ok(community), "{}", text);
    }

    #[test]
    fn ipv6_extended_communities(kind in prop_oneof![0u16..24, any::<u16>()], bits: u128, number: u16) {
        let community = Ipv6ExtCommunity { kind, address: bits.into(), number };
        prop_assert_eq!(community.to_string().parse(), Ok(community));
    }

    #[test]
    fn large_communities(global: u32, data1: u32, data2: u32) {
        let community = LargeCommunity { global, data1, data2 };
        prop_assert_eq!(community.to_string().parse(), Ok(community));
    }

    #[test]
    fn small_things(asn: u32, mac: [u8; 6], esi: [u8; 10], origin in 0u8..3, afi: u16, safi: u8) {
        let (asn, mac, esi, id) = (Asn(asn), MacAddr(mac), Esi(esi), RouterId(asn));
        prop_assert_eq!(asn.to_string().parse(), Ok(asn));
        prop_assert_eq!(asn.dotted().to_string().parse(), Ok(asn));
        prop_assert_eq!(mac.to_string().parse(), Ok(mac));
        prop_assert_eq!(esi.to_string().parse(), Ok(esi));
        prop_assert_eq!(id.to_string().parse(), Ok(id));
        let origin = Origin::from_u8(origin).unwrap();
        prop_assert_eq!(origin.to_string().parse(), Ok(origin));
        let family = Family::new(afi, safi);
        prop_assert_eq!(family.to_string().parse(), Ok(family));
    }

    /// Both ways of printing an AS path say the same. Two sequences that follow each other are one
    /// in a text.
    #[test]
    fn as_paths(segments in vec((0usize..4, vec(any::<u32>().prop_map(Asn), 1..6)), 0..5)) {
        const KINDS: [SegmentKind; 4] =
            [SegmentKind::Sequence, SegmentKind::Set, SegmentKind::ConfedSequence, SegmentKind::ConfedSet];
        let segments: Vec<_> = segments.iter().map(|(kind, asns)| (KINDS[*kind], &asns[..])).collect();
        let mut editor = AttrEditor::new();
        editor.set_as_path_segments(&segments);
        let path = editor.get().as_path();
        let joins = segments.windows(2).any(|two| two[0].0 == SegmentKind::Sequence && two[1].0 == SegmentKind::Sequence);
        for text in [path.to_string(), path.dotted().to_string()] {
            let read: AsPath = text.parse().unwrap();
            prop_assert_eq!(read.to_string(), path.to_string());
            prop_assert!(joins || read.as_ref() == path, "{}", text);
        }
    }

    /// Every error names a character of the text, or the one after the last.
    #[test]
    fn texts_whatever_do_no_harm(
        text in prop_oneof!["[a-z0-9:.,{}() -]{0,30}", ".{0,20}", "(rt|soo|color|encap|rmac|0x|traffic-rate|redirect|esi-label):[0-9a-f:.]{0,24}",
            "\\[[1-9]\\]:\\[[0-9]:[0-9]\\]:\\[[0-9]\\](:\\[[0-9a-f:.*]{0,16}\\]){0,4}"],
    ) {
        let end = text.chars().count() + 1;
        for error in [
            text.parse::<Community>().err(),
            text.parse::<ExtCommunity>().err(),
            text.parse::<Ipv6ExtCommunity>().err(),
            text.parse::<LargeCommunity>().err(),
            text.parse::<AsPath>().err(),
            text.parse::<Asn>().err(),
            text.parse::<MacAddr>().err(),
            text.parse::<Esi>().err(),
            text.parse::<Label>().err(),
            text.parse::<RouteDistinguisher>().err(),
            text.parse::<EvpnRoute>().err(),
            text.parse::<Vpn<Ipv4Net>>().err(),
            text.parse::<RouteTargetMembership>().err(),
        ].into_iter().flatten() {
            prop_assert!((1..=end).contains(&error.character()), "{}", error);
            prop_assert!(!error.expected().is_empty());
        }
    }
}
