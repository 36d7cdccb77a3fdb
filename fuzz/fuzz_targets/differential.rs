//! The same UPDATE read by bgpkit-parser: where neither has anything to object, NLRI and attributes agree.
//!
//! Only IPv4 and IPv6 unicast, and attributes whose meaning is not a matter of opinion. The first octet chooses the session.
#![no_main]

use bgp_fuzz::{Input, LOCAL_AS, PEER_AS};
use bgp_wire::{AttrRef, AttrScratch, SegmentKind, SessionContext, decode_update};
use bgpkit_parser::models::{
    AsPathSegment, AsnLength, AttributeValue, Community, NetworkPrefix, Origin, Safi,
};
use bgpkit_parser::parser::bgp::messages::parse_bgp_update_message;
use ipnet::IpNet;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let asn4 = input.octet() & 1 == 0;
    let body = input.rest();
    let ctx = SessionContext {
        asn4,
        accept_as_set: true,
        ..SessionContext::new(LOCAL_AS, PEER_AS)
    };
    let mut scratch = AttrScratch::new();
    let Ok(ours) = decode_update(body, &ctx, &mut scratch) else {
        return;
    };
    if !ours.findings.is_empty() {
        return;
    }
    let width = if asn4 {
        AsnLength::Bits32
    } else {
        AsnLength::Bits16
    };
    let Ok(theirs) = parse_bgp_update_message(body.to_vec().into(), false, &width) else {
        return;
    };
    if theirs.attributes.has_validation_warnings() {
        return;
    }
    let update = &ours.update;
    let v4 = |block: &bgp_wire::NlriBlock<'_>| -> Vec<IpNet> {
        block.iter_v4().map(|(_, net)| net.into()).collect()
    };
    let both = |block: &bgp_wire::NlriBlock<'_>| -> Vec<IpNet> {
        let v6 = block.iter_v6().map(|(_, net)| net.into());
        v4(block).into_iter().chain(v6).collect()
    };
    let blocks = [
        Some(update.withdrawn),
        Some(update.announced),
        update.reach.map(|reach| reach.nlri),
        update.unreach.map(|unreach| unreach.nlri),
    ];
    // It takes a length of zero for the start of a path identifier that nobody negotiated.
    if blocks
        .iter()
        .flatten()
        .any(|block| has_default(&both(block)))
    {
        return;
    }
    assert_eq!(v4(&update.withdrawn), nets(&theirs.withdrawn_prefixes));
    assert_eq!(v4(&update.announced), nets(&theirs.announced_prefixes));
    for attribute in theirs.attributes.iter() {
        match attribute {
            AttributeValue::MpReachNlri(nlri) if nlri.safi == Safi::Unicast => {
                if let Some(reach) = &update.reach {
                    assert_eq!(both(&reach.nlri), nets(&nlri.prefixes));
                }
            }
            AttributeValue::MpUnreachNlri(nlri) if nlri.safi == Safi::Unicast => {
                if let Some(unreach) = &update.unreach {
                    assert_eq!(both(&unreach.nlri), nets(&nlri.prefixes));
                }
            }
            other => agree(update.attrs, other, asn4),
        }
    }
});

fn has_default(nets: &[IpNet]) -> bool {
    nets.iter().any(|net| net.prefix_len() == 0)
}

fn nets(prefixes: &[NetworkPrefix]) -> Vec<IpNet> {
    prefixes.iter().map(|one| one.prefix.trunc()).collect()
}

/// What they read is what we read.
fn agree(ours: AttrRef<'_>, theirs: &AttributeValue, asn4: bool) {
    match theirs {
        AttributeValue::Origin(origin) => {
            let code = match origin {
                Origin::IGP => 0,
                Origin::EGP => 1,
                Origin::INCOMPLETE => 2,
            };
            assert_eq!(ours.origin().map(bgp_wire::Origin::code), Some(code));
        }
        // With two octets it is merged with AS4_PATH on our side.
        AttributeValue::AsPath(path) if asn4 => {
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
            let read = ours.get(bgp_wire::AttrCode(35));
            assert_eq!(read, Some(&asn.to_u32().to_be_bytes()[..]));
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
