//! What bgpkit-parser reads.

use std::net::IpAddr;

use bgp_wire::{
    AttrCode, AttrRef, Family, Labeled, NlriBlock, Origin, RouterId, SegmentKind, Update,
};
use bgpkit_parser::models::{
    AsPathSegment, AsnLength, AttributeValue, Community, ExtendedCommunity, LabeledNetworkPrefix,
    NetworkPrefix, Nlri, Origin as TheirOrigin, Safi,
};
use bgpkit_parser::parser::bgp::messages::parse_bgp_update_message;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};

use crate::Session;

/// A prefix, its path identifier, and its label if it has one.
type Route = (u32, IpNet, Option<u32>);

pub(crate) fn agrees(body: &[u8], ours: &Update<'_>, session: Session) {
    let width = match session.asn4 {
        true => AsnLength::Bits32,
        false => AsnLength::Bits16,
    };
    let Ok(theirs) = parse_bgp_update_message(body.to_vec().into(), session.add_path, &width)
    else {
        return;
    };
    if theirs.attributes.has_validation_warnings() {
        return;
    }
    let blocks = [
        Some(ours.withdrawn),
        Some(ours.announced),
        ours.reach.map(|reach| reach.nlri),
        ours.unreach.map(|unreach| unreach.nlri),
    ];
    // It takes a length of zero for the start of a path identifier that nobody negotiated.
    let guesses = |block: &NlriBlock<'_>| {
        routes(block)
            .iter()
            .any(|(_, net, _)| net.prefix_len() == 0)
    };
    if !session.add_path && blocks.iter().flatten().any(guesses) {
        return;
    }
    assert_eq!(routes(&ours.withdrawn), plain(&theirs.withdrawn_prefixes));
    assert_eq!(routes(&ours.announced), plain(&theirs.announced_prefixes));
    for attribute in theirs.attributes.iter() {
        match attribute {
            AttributeValue::MpReachNlri(theirs) => {
                if let Some(reach) = &ours.reach {
                    nlri_agree(&reach.nlri, theirs);
                    let address = theirs.next_hop.map(|hop| hop.global_addr());
                    if theirs.safi != Safi::FlowSpec && is_plain(reach.family) {
                        assert_eq!(reach.next_hop.map(|hop| hop.address()), address);
                    }
                }
            }
            AttributeValue::MpUnreachNlri(theirs) => {
                if let Some(unreach) = &ours.unreach {
                    nlri_agree(&unreach.nlri, theirs);
                }
            }
            other => agree(ours.attrs, other, session),
        }
    }
}

/// Whether both know NLRI of this family as prefixes.
fn is_plain(family: Family) -> bool {
    matches!(
        family,
        Family::IPV4_UNICAST
            | Family::IPV6_UNICAST
            | Family::IPV4_MULTICAST
            | Family::IPV6_MULTICAST
            | Family::IPV4_LABELED
            | Family::IPV6_LABELED
    )
}

fn nlri_agree(ours: &NlriBlock<'_>, theirs: &Nlri) {
    if !is_plain(ours.family) {
        return;
    }
    let read = routes(ours);
    match &theirs.labeled_prefixes {
        None => {
            // They leave the labels of withdrawals out.
            let bare = read.into_iter().map(|(id, net, _)| (id, net, None));
            assert_eq!(bare.collect::<Vec<_>>(), plain(&theirs.prefixes));
        }
        // They read labels down to the last of a stack, where we agreed on one.
        Some(labeled) if labeled.iter().all(|one| one.labels.len() == 1) => {
            assert_eq!(read, labeled.iter().map(route).collect::<Vec<_>>());
        }
        Some(_) => {}
    }
}

fn route(theirs: &LabeledNetworkPrefix) -> Route {
    let label = theirs.labels.first().map(|label| label.value());
    (theirs.path_id.unwrap_or(0), theirs.prefix.trunc(), label)
}

fn plain(theirs: &[NetworkPrefix]) -> Vec<Route> {
    let each = theirs.iter();
    each.map(|one| (one.path_id.unwrap_or(0), one.prefix.trunc(), None))
        .collect()
}

fn routes(block: &NlriBlock<'_>) -> Vec<Route> {
    let v4 = block.iter_v4().map(|(id, net)| (id.0, net.into(), None));
    let v6 = block.iter_v6().map(|(id, net)| (id.0, net.into(), None));
    let labeled_v4 = block
        .iter::<Labeled<Ipv4Net>>()
        .map(|(id, net, label)| (id.0, net.0.into(), Some(label.value())));
    let labeled_v6 = block
        .iter::<Labeled<Ipv6Net>>()
        .map(|(id, net, label)| (id.0, net.0.into(), Some(label.value())));
    v4.chain(v6).chain(labeled_v4).chain(labeled_v6).collect()
}

/// What they read is what we read.
fn agree(ours: AttrRef<'_>, theirs: &AttributeValue, session: Session) {
    match theirs {
        AttributeValue::Origin(origin) => {
            let code = match origin {
                TheirOrigin::IGP => 0,
                TheirOrigin::EGP => 1,
                TheirOrigin::INCOMPLETE => 2,
            };
            assert_eq!(ours.origin().map(Origin::code), Some(code));
        }
        // With two octets it is merged with AS4_PATH on our side.
        AttributeValue::AsPath(path) if session.asn4 => {
            let mut segments = ours.as_path().segments();
            for segment in &path.segments {
                let (kind, asns) = match segment {
                    AsPathSegment::AsSequence(asns) => (SegmentKind::Sequence, asns),
                    AsPathSegment::AsSet(asns) => (SegmentKind::Set, asns),
                    AsPathSegment::ConfedSequence(asns) => (SegmentKind::ConfedSequence, asns),
                    AsPathSegment::ConfedSet(asns) => (SegmentKind::ConfedSet, asns),
                };
                let read = segments.next().expect("as many segments");
                assert_eq!(read.kind, kind);
                let read: Vec<u32> = read.iter().map(|asn| asn.0).collect();
                let mut wanted: Vec<u32> = asns.iter().map(|asn| asn.to_u32()).collect();
                if matches!(kind, SegmentKind::Set | SegmentKind::ConfedSet) {
                    let mut read = read.clone();
                    read.sort_unstable();
                    wanted.sort_unstable();
                    wanted.dedup();
                    read.dedup();
                    assert_eq!(read, wanted);
                } else {
                    assert_eq!(read, wanted);
                }
            }
            assert!(segments.next().is_none());
        }
        AttributeValue::MultiExitDiscriminator(med) => assert_eq!(ours.med(), Some(*med)),
        AttributeValue::Communities(communities) => {
            let mut wanted: Vec<u32> = communities.iter().map(number).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let read: Vec<u32> = ours.communities().map(|one| one.0).collect();
            assert_eq!(read, wanted);
        }
        AttributeValue::LargeCommunities(communities) => {
            let mut wanted: Vec<(u32, u32, u32)> = communities
                .iter()
                .map(|one| (one.global_admin, one.local_data[0], one.local_data[1]))
                .collect();
            wanted.sort_unstable();
            wanted.dedup();
            let read: Vec<(u32, u32, u32)> = ours
                .large_communities()
                .map(|one| (one.global, one.data1, one.data2))
                .collect();
            assert_eq!(read, wanted);
        }
        AttributeValue::OnlyToCustomer(asn) => {
            let read = ours.only_to_customer();
            assert_eq!(read.map(|asn| asn.0), Some(asn.to_u32()));
        }
        // Beside MP_REACH_NLRI alone it is ignored (RFC 4760 §3).
        AttributeValue::NextHop(IpAddr::V4(_)) => {}
        AttributeValue::LocalPreference(preference) if session.internal => {
            assert_eq!(ours.local_pref(), Some(*preference));
        }
        AttributeValue::AtomicAggregate => assert!(ours.atomic_aggregate()),
        AttributeValue::Aggregator { asn, id } if session.asn4 => {
            let read = ours.aggregator().map(|one| (one.asn.0, one.address));
            assert_eq!(read, Some((asn.to_u32(), *id)));
        }
        AttributeValue::OriginatorId(id) if session.internal => {
            assert_eq!(ours.originator_id(), Some(RouterId(u32::from(*id))));
        }
        AttributeValue::Clusters(clusters) if session.internal => {
            let read: Vec<u32> = ours.cluster_list().map(|one| one.0).collect();
            assert_eq!(read, *clusters);
        }
        AttributeValue::ExtendedCommunities(communities) => {
            let mut wanted: Vec<_> = communities.iter().filter_map(octets).collect();
            wanted.sort_unstable();
            wanted.dedup();
            let read: Vec<_> = ours.ext_communities().map(|one| one.0).collect();
            assert!(wanted.iter().all(|one| read.contains(one)));
            assert!(communities.len() >= read.len());
        }
        AttributeValue::Ipv6AddressSpecificExtendedCommunities(communities) => {
            let mut wanted: Vec<_> = communities
                .iter()
                .map(|one| {
                    let kind = [u8::from(one.community_type), one.subtype];
                    let (kind, number) = (kind, one.local_admin);
                    (
                        u16::from_be_bytes(kind),
                        one.global_admin,
                        u16::from_be_bytes(number),
                    )
                })
                .collect();
            wanted.sort_unstable();
            wanted.dedup();
            let read = ours.ipv6_ext_communities();
            let read: Vec<_> = read
                .map(|one| (one.kind, one.address, one.number))
                .collect();
            assert_eq!(read, wanted);
        }
        AttributeValue::Aigp(aigp) => {
            if let (Some(read), Some(metric)) = (ours.aigp(), aigp.accumulated_metric()) {
                assert_eq!(read, metric);
            }
        }
        AttributeValue::BfdDiscriminator(bfd) => {
            let read = ours.get(AttrCode::BFD_DISCRIMINATOR).expect("kept");
            assert_eq!(read.first(), Some(&bfd.mode));
            assert_eq!(read[1..5], bfd.discriminator.to_be_bytes());
        }
        _ => {}
    }
}

fn number(community: &Community) -> u32 {
    match community {
        Community::NoExport => 0xffff_ff01,
        Community::NoAdvertise => 0xffff_ff02,
        Community::NoExportSubConfed => 0xffff_ff03,
        Community::Custom(asn, value) => asn.to_u32() << 16 | u32::from(*value),
    }
}

/// The eight octets, of kinds whose fields they keep.
fn octets(community: &ExtendedCommunity) -> Option<[u8; 8]> {
    let joined = |kind: u8, subtype: u8, head: &[u8], tail: &[u8]| {
        let all = [&[kind, subtype][..], head, tail].concat();
        <[u8; 8]>::try_from(all).ok()
    };
    match community {
        ExtendedCommunity::TransitiveTwoOctetAs(one) => {
            let [_, _, asn @ ..] = one.global_admin.to_u32().to_be_bytes();
            joined(0x00, one.subtype, &asn, &one.local_admin)
        }
        ExtendedCommunity::NonTransitiveTwoOctetAs(one) => {
            let [_, _, asn @ ..] = one.global_admin.to_u32().to_be_bytes();
            joined(0x40, one.subtype, &asn, &one.local_admin)
        }
        ExtendedCommunity::TransitiveIpv4Addr(one) => joined(
            0x01,
            one.subtype,
            &one.global_admin.octets(),
            &one.local_admin,
        ),
        ExtendedCommunity::NonTransitiveIpv4Addr(one) => joined(
            0x41,
            one.subtype,
            &one.global_admin.octets(),
            &one.local_admin,
        ),
        ExtendedCommunity::TransitiveFourOctetAs(one) => {
            let asn = one.global_admin.to_u32().to_be_bytes();
            joined(0x02, one.subtype, &asn, &one.local_admin)
        }
        ExtendedCommunity::NonTransitiveFourOctetAs(one) => {
            let asn = one.global_admin.to_u32().to_be_bytes();
            joined(0x42, one.subtype, &asn, &one.local_admin)
        }
        ExtendedCommunity::TransitiveOpaque(one) => joined(0x03, one.subtype, &one.value, &[]),
        ExtendedCommunity::NonTransitiveOpaque(one) => joined(0x43, one.subtype, &one.value, &[]),
        ExtendedCommunity::LinkBandwidth(one) => {
            let kind = if one.transitive { 0x00 } else { 0x40 };
            let bandwidth = one.bandwidth.to_bits().to_be_bytes();
            joined(kind, 4, &one.global_admin.to_be_bytes(), &bandwidth)
        }
        ExtendedCommunity::Raw(octets) => Some(*octets),
        _ => None,
    }
}
