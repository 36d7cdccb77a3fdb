//! What holds for any set.

use bgp_wire::{Asn, AttrEditor, AttrRef, Family};
use proptest::prelude::*;
use rib::decision::SourceKind::IbgpClient;
use rib::export::{Audience, Exported, export};

use crate::*;

fn audience() -> impl Strategy<Value = Audience> {
    proptest::sample::select(AUDIENCES.to_vec())
}

/// Any subset of the attributes above, in their order.
fn any_set() -> impl Strategy<Value = Vec<u8>> {
    let all: Vec<Attr<'static>> = vec![
        MED,
        PREF_200,
        (WELL_KNOWN, 6, &[]),
        (TRANSITIVE, 7, &[0, 0, 0xfd, 0xe9, 10, 0, 0, 1]),
        OTHER_ORIGINATOR,
        CLUSTERS,
        (TRANSITIVE, 16, &[0x40, 4, 0, 1, 0, 0, 0, 1]),
        (OPTIONAL, 230, &[1]),
        (TRANSITIVE, 240, &[1, 2]),
    ];
    proptest::sample::subsequence(all, 0..=9)
        .prop_map(|chosen| set(HOP, &[&[ORIGIN, PATH], &chosen[..]].concat()))
}

proptest! {
    #[test]
    fn what_is_told_depends_on_nothing_that_was_told_before(
        sets in proptest::collection::vec((any_set(), audience()), 1..8),
    ) {
        let mut editor = AttrEditor::new();
        for (bytes, to) in sets {
            let attrs = AttrRef::from_canonical(&bytes);
            let again = match export(
                attrs, &source(IbgpClient), Family::IPV4_UNICAST, None, &rules(to), &mut editor,
            ) {
                Exported::Announce(attrs) => attrs.as_bytes().to_vec(),
                Exported::Reject(reason) => panic!("{reason}"),
            };
            prop_assert_eq!(told_ipv4(&bytes, IbgpClient, to), Ok(again));
        }
    }

    #[test]
    fn an_external_peer_never_hears_what_is_ours_alone(
        bytes in any_set(), from in proptest::sample::select(SOURCES.to_vec()),
    ) {
        let said = told_ipv4(&bytes, from, Audience::Ebgp).expect("nothing stops it");
        let attrs = AttrRef::from_canonical(&said);
        prop_assert_eq!(attrs.local_pref(), None);
        prop_assert_eq!(attrs.originator_id(), None);
        prop_assert_eq!(attrs.cluster_list().count(), 0);
        prop_assert_eq!(attrs.as_path().neighbor_as(), Some(Asn(65000)));
        let codes: Vec<u8> = attrs.iter().map(|(code, _, _)| code.0).collect();
        prop_assert!(codes.is_sorted(), "{:?}", codes);
        prop_assert!(!codes.contains(&16), "the only extended community is not transitive");
    }
}
