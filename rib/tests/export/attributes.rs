//! What goes on of each attribute, with the section that says so.

use rib::decision::SourceKind::{self, Ebgp, Ibgp, IbgpClient, Local};
use rib::export::Audience;

use crate::*;

#[test]
fn each_attribute_goes_on_as_its_section_says() {
    use Audience as To;
    // 0x00: transitive; 0x40: not (RFC 4360 §2).
    let both_ext = [0, 2, 0, 1, 0, 0, 0, 1, 0x40, 4, 0, 1, 0, 0, 0, 1];
    let ext: Attr<'_> = (TRANSITIVE, 16, &both_ext);
    let transitive_ext: Attr<'_> = (TRANSITIVE, 16, &both_ext[..8]);
    let other_ext: Attr<'_> = (TRANSITIVE, 16, &both_ext[8..]);
    let aggregator: Attr<'_> = (TRANSITIVE, 7, &[0, 0, 0xfd, 0xe9, 10, 0, 0, 1]);
    let large: Attr<'_> = (TRANSITIVE, 32, &[0, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0, 3]);

    let mut both_ipv6 = [0; 40];
    (both_ipv6[1], both_ipv6[20], both_ipv6[21]) = (2, 0x40, 2);
    let pmsi: Attr<'_> = (TRANSITIVE, 22, &[0, 6, 0, 0, 16, 192, 0, 2, 1]);
    let tunnel: Attr<'_> = (TRANSITIVE, 23, &[0, 8, 0, 0]);
    let aigp: Attr<'_> = (OPTIONAL, 26, &[1, 0, 11, 0, 0, 0, 0, 0, 0, 0, 9]);
    let only_to_customer: Attr<'_> = (TRANSITIVE, 35, &[0, 0, 0xfd, 0xe9]);
    let prefix_sid: Attr<'_> = (TRANSITIVE, 40, &[1, 0, 7, 0, 0, 0, 0, 0, 0, 9]);

    type Row<'a> = (&'a str, SourceKind, Audience, Vec<Attr<'a>>, Vec<Attr<'a>>);
    let rows: Vec<Row<'_>> = vec![
        (
            "§5.1.2 b: our AS is prepended",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "§5.1.2 b 1: towards an AS_SET a new AS_SEQUENCE is made",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, (WELL_KNOWN, 2, &[1, 1, 0, 0, 0xfd, 0xe9])],
            vec![
                ORIGIN,
                (
                    WELL_KNOWN,
                    2,
                    &[2, 1, 0, 0, 0xfd, 0xe8, 1, 1, 0, 0, 0xfd, 0xe9],
                ),
            ],
        ),
        (
            "§5.1.2: what we originate begins with our AS",
            Local,
            To::Ebgp,
            vec![ORIGIN, NO_PATH],
            vec![ORIGIN, ONLY_US],
        ),
        (
            "§5.1.2: what we originate has an empty path inside",
            Local,
            To::Ibgp,
            vec![ORIGIN, NO_PATH],
            vec![ORIGIN, NO_PATH, PREF_100],
        ),
        (
            "§5: AS_PATH is mandatory even when nobody gave one",
            Local,
            To::IbgpClient,
            vec![ORIGIN],
            vec![ORIGIN, NO_PATH, PREF_100],
        ),
        (
            "§5: AS_PATH is mandatory outside too",
            Local,
            To::Ebgp,
            vec![ORIGIN],
            vec![ORIGIN, ONLY_US],
        ),
        (
            "§5.1.2: inside, the path stays",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH],
            vec![ORIGIN, PATH, PREF_100],
        ),
        (
            "§5.1.5: LOCAL_PREF stays inside",
            Ebgp,
            To::IbgpClient,
            vec![ORIGIN, PATH, PREF_200],
            vec![ORIGIN, PATH, PREF_200],
        ),
        (
            "§5.1.5: LOCAL_PREF does not go outside",
            Ibgp,
            To::Ebgp,
            vec![ORIGIN, PATH, PREF_200],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "§5.1.5: nor does ours",
            Local,
            To::Ebgp,
            vec![ORIGIN, NO_PATH, PREF_200],
            vec![ORIGIN, ONLY_US],
        ),
        (
            "§5.1.4: the MED of a neighbour does not go to another",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, MED],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "§5.1.4: nor when it came through our AS",
            IbgpClient,
            To::Ebgp,
            vec![ORIGIN, PATH, MED, PREF_100],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "§5.1.4: our own MED goes outside",
            Local,
            To::Ebgp,
            vec![ORIGIN, NO_PATH, MED],
            vec![ORIGIN, ONLY_US, MED],
        ),
        (
            "§5.1.4: MED may go inside",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH, MED],
            vec![ORIGIN, PATH, MED, PREF_100],
        ),
        (
            "RFC 4456 §8: reflection marks do not go outside",
            Ibgp,
            To::Ebgp,
            vec![ORIGIN, PATH, PREF_100, ORIGINATOR, CLUSTERS],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "RFC 4456 §8: nor do they come from outside",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH, PREF_100, ORIGINATOR, CLUSTERS],
            vec![ORIGIN, PATH, PREF_100],
        ),
        (
            "§5.1.6, §5.1.7: aggregation marks go on",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, (WELL_KNOWN, 6, &[]), aggregator],
            vec![ORIGIN, OUR_PATH, (WELL_KNOWN, 6, &[]), aggregator],
        ),
        (
            "RFC 1997, RFC 8092: communities go on",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, (TRANSITIVE, 8, &[0xfd, 0xe8, 0, 1]), large],
            vec![
                ORIGIN,
                OUR_PATH,
                (TRANSITIVE, 8, &[0xfd, 0xe8, 0, 1]),
                large,
            ],
        ),
        (
            "RFC 4360 §6: non-transitive extended communities stay inside",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, ext],
            vec![ORIGIN, OUR_PATH, transitive_ext],
        ),
        (
            "RFC 4360 §6: an attribute that is emptied is not sent",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, other_ext],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "RFC 4360 §6: inside they all go on",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH, ext],
            vec![ORIGIN, PATH, PREF_100, ext],
        ),
        (
            "§5: what is unknown and transitive goes on as partial",
            Ebgp,
            To::Ebgp,
            vec![ORIGIN, PATH, (TRANSITIVE, 240, &[1, 2])],
            vec![ORIGIN, OUR_PATH, (PARTIAL, 240, &[1, 2])],
        ),
        (
            "§5: inside too",
            Ibgp,
            To::IbgpClient,
            vec![
                ORIGIN,
                PATH,
                PREF_100,
                OTHER_ORIGINATOR,
                CLUSTERS,
                (TRANSITIVE, 240, &[1, 2]),
            ],
            vec![
                ORIGIN,
                PATH,
                PREF_100,
                OTHER_ORIGINATOR,
                OUR_CLUSTER_FIRST,
                (PARTIAL, 240, &[1, 2]),
            ],
        ),
        (
            "§5: once partial, always partial",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH, (PARTIAL, 240, &[1, 2])],
            vec![ORIGIN, PATH, PREF_100, (PARTIAL, 240, &[1, 2])],
        ),
        (
            "§5: what is unknown and not transitive is dropped",
            Ebgp,
            To::Ibgp,
            vec![ORIGIN, PATH, (OPTIONAL, 240, &[1, 2])],
            vec![ORIGIN, PATH, PREF_100],
        ),
        (
            "RFC 7311 §3.1, RFC 8669 §5, RFC 9012 §11: what is for the inside of a domain does not \
             go outside",
            Ibgp,
            To::Ebgp,
            vec![ORIGIN, PATH, PREF_100, tunnel, aigp, prefix_sid],
            vec![ORIGIN, OUR_PATH],
        ),
        (
            "RFC 9234 §5, RFC 6514 §5: what is transitive does",
            Ibgp,
            To::Ebgp,
            vec![ORIGIN, PATH, PREF_100, pmsi, only_to_customer],
            vec![ORIGIN, OUR_PATH, pmsi, only_to_customer],
        ),
        (
            "RFC 4360 §2: of IPv6 extended communities the transitive ones",
            Ibgp,
            To::Ebgp,
            vec![ORIGIN, PATH, PREF_100, (TRANSITIVE, 25, &both_ipv6)],
            vec![ORIGIN, OUR_PATH, (TRANSITIVE, 25, &both_ipv6[..20])],
        ),
        (
            "RFC 4456 §10: inside they all go on",
            Ibgp,
            To::IbgpClient,
            vec![
                ORIGIN,
                PATH,
                PREF_200,
                OTHER_ORIGINATOR,
                CLUSTERS,
                pmsi,
                tunnel,
                aigp,
                prefix_sid,
            ],
            vec![
                ORIGIN,
                PATH,
                PREF_200,
                OTHER_ORIGINATOR,
                OUR_CLUSTER_FIRST,
                pmsi,
                tunnel,
                aigp,
                prefix_sid,
            ],
        ),
        (
            "RFC 4456 §8: reflection makes both marks",
            Ibgp,
            To::IbgpClient,
            vec![ORIGIN, PATH, PREF_200],
            vec![ORIGIN, PATH, PREF_200, ORIGINATOR, OUR_CLUSTER],
        ),
        (
            "RFC 4456 §8: the first originator stays, our cluster goes first",
            IbgpClient,
            To::Ibgp,
            vec![ORIGIN, PATH, PREF_200, OTHER_ORIGINATOR, CLUSTERS],
            vec![ORIGIN, PATH, PREF_200, OTHER_ORIGINATOR, OUR_CLUSTER_FIRST],
        ),
        (
            "RFC 4456 §10: nothing else is touched",
            IbgpClient,
            To::IbgpClient,
            vec![ORIGIN, PATH, MED, PREF_200, aggregator, ext, large],
            vec![
                ORIGIN,
                PATH,
                MED,
                PREF_200,
                aggregator,
                ORIGINATOR,
                OUR_CLUSTER,
                ext,
                large,
            ],
        ),
    ];
    for (rule, from, to, given, expected) in rows {
        let hop = if to == To::Ebgp || from == Local {
            OURS
        } else {
            HOP
        };
        let said = told_ipv4(&set(HOP, &given), from, to);
        assert_eq!(said, Ok(set(hop, &expected)), "{rule}");
    }
}

/// RFC 9494 §4.3: "The route SHOULD NOT be advertised to any neighbor from which the Long-Lived Graceful Restart Capability has not
/// been received", but for §4.6: internal ones, with NO_EXPORT and a LOCAL_PREF of zero. "The LLGR_STALE community MUST NOT be
/// removed when the route is further advertised."
#[test]
fn stale_routes_that_are_kept_for_long_go_to_who_knows_of_it() {
    use rib::export::RejectReason;
    let info = |kind, long_lived| rib::PeerInfo {
        name: "source".into(),
        address: [10, 0, 0, 9].into(),
        kind,
        asn: Asn(65001),
        router_id: RouterId(0x0a00_0009),
        link: 0,
        one_hop: false,
        long_lived,
        allow_as_in: 0,
        rules: rib::ImportRules::default(),
        import: RoutePolicy::AcceptAll,
    };
    let mut stale = AttrEditor::new();
    stale.set_as_path(&[Asn(65001)]);
    stale.set_local_pref(Some(200));
    stale.add_community(bgp_wire::Community::LLGR_STALE);
    let stale = stale.to_set();
    // Of whom, to whom, whether that one knows of it; what is told: communities and LOCAL_PREF.
    let as_it_is = Some((vec![bgp_wire::Community::LLGR_STALE], Some(200)));
    let outside = Some((vec![bgp_wire::Community::LLGR_STALE], None));
    let last_choice = Some((
        vec![
            bgp_wire::Community::LLGR_STALE,
            bgp_wire::Community::NO_EXPORT,
        ],
        Some(0),
    ));
    let cases = [
        (Ebgp, true, Audience::Ebgp, true, outside.clone()),
        (Ebgp, true, Audience::Ebgp, false, None),
        (Ebgp, true, Audience::Ibgp, true, as_it_is.clone()),
        (Ebgp, true, Audience::Ibgp, false, last_choice.clone()),
        (IbgpClient, true, Audience::IbgpClient, false, last_choice),
        // It was not agreed with the source what the community means.
        (Ebgp, false, Audience::Ebgp, false, outside),
        (Ibgp, false, Audience::IbgpClient, false, as_it_is),
    ];
    for (kind, agreed, audience, knows, expected) in cases {
        let rules = ExportRules {
            long_lived: knows,
            ..rules(audience)
        };
        let source = SourceInfo::of(&info(kind, agreed));
        let mut editor = AttrEditor::new();
        let family = Family::IPV4_UNICAST;
        let told = match export(stale.as_ref(), &source, family, None, &rules, &mut editor) {
            Exported::Announce(set) => Some((set.communities().collect(), set.local_pref())),
            Exported::Reject(reason) => {
                assert_eq!(reason, RejectReason::LongLivedStale);
                None
            }
        };
        assert_eq!(told, expected, "{kind} {agreed} to {audience:?} {knows}");
    }
}

/// RFC 9252 §2: the SRv6 Service TLVs of another router do not go on with our next hop, nor do sub-TLVs that nobody here knows.
/// RFC 8669 §3.1, §3.2: label index and SRGB are of the prefix and its originator, whatever the next hop.
#[test]
fn the_sids_of_a_service_stay_with_the_next_hop_that_they_are_of() {
    let index: &[u8] = &[1, 0, 7, 0, 0, 0, 0, 0, 0, 9];
    let sid = [0x20, 1, 0xd, 0xb8, 0, 1, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0];
    let information = [&[1, 0, 21, 0][..], &sid, &[0, 0, 18, 0]].concat();
    let service = |kind| [&[kind, 0, 25, 0][..], &information].concat();
    let (l3, l2) = (service(5), service(6));
    let all = [index, &l3, &l2].concat();
    let services = [&l3[..], &l2].concat();
    for (next_hop_self, received, told_too) in [
        (false, &all[..], Some(&all[..])),
        (true, &all, Some(index)),
        (true, &services, None),
        (true, index, Some(index)),
    ] {
        for (from, to) in [(Ebgp, Audience::Ibgp), (Ibgp, Audience::IbgpClient)] {
            let rules = ExportRules {
                next_hop_self,
                ..rules(to)
            };
            let attrs = [ORIGIN, PATH, (TRANSITIVE, 40, received)];
            let bytes = told(
                &set("2001:db8::1", &attrs),
                from,
                Family::IPV6_UNICAST,
                &rules,
            );
            let bytes = bytes.expect("it is told");
            let attrs = AttrRef::from_canonical(&bytes);
            let hop = if next_hop_self {
                "2001:db8::254"
            } else {
                "2001:db8::1"
            };
            assert_eq!(attrs.next_hop(), Some(next_hop(hop)));
            assert_eq!(attrs.get(bgp_wire::AttrCode::PREFIX_SID), told_too);
        }
    }
}
