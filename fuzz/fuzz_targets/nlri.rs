//! NLRI of the family that the first octet chooses, in the form that the second chooses.
//!
//! What is read is as many as counted; what can be written is written as it was, in announcements and withdrawals; what has
//! a text is read back from it.
#![no_main]

use std::fmt::Display;
use std::str::FromStr;

use bgp_fuzz::{Input, are_readable, is_readable, message, with_bounded_memory};
use bgp_wire::{
    Announcement, Asn, AttrCode, AttrEditor, AttrScratch, Disposition, Encoding, EvpnKind,
    EvpnRoute, Family, FamilySet, Labeled, NextHop, Nlri, NlriBlock, Origin, PathId,
    RouteTargetMembership, SessionContext, Vpn, decode_update, encode_announce, encode_withdraw,
    next_frame,
};
use bytes::BytesMut;
use ipnet::{Ipv4Net, Ipv6Net};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    let mut input = Input::new(data);
    let families: Vec<Family> = FamilySet::supported().iter().collect();
    let family = families[usize::from(input.octet()) % families.len()];
    let choice = input.octet();
    let all = FamilySet::supported();
    let set = |bit: u8| {
        if choice >> bit & 1 == 1 {
            all
        } else {
            FamilySet::EMPTY
        }
    };
    let ctx = SessionContext {
        families: all,
        add_path_receive: set(0),
        label_stacks: set(1),
        extended_next_hop: all,
        max_message: 65535,
        ..SessionContext::new(Asn(65000), Asn(65000))
    };
    let withdrawn = choice & 4 != 0;
    let body = update(family, withdrawn, input.rest());
    let mut scratch = AttrScratch::new();
    let decoded = with_bounded_memory(body.len(), || decode_update(&body, &ctx, &mut scratch));
    let Ok(decoded) = decoded else {
        return;
    };
    let block = match (decoded.update.reach, decoded.update.unreach) {
        (Some(reach), _) => reach.nlri,
        (_, Some(unreach)) => unreach.nlri,
        _ => return,
    };
    assert_eq!(block.form.withdrawn, withdrawn);
    is_readable(&block.to_string());
    for node in block.describe() {
        are_readable(&node);
    }
    // An EVPN route whose end is malformed counts as withdrawn, and has nothing but its key.
    let judged = |finding: &bgp_wire::Finding| {
        finding.disposition >= Disposition::TreatAsWithdraw
            && finding.attribute == Some(AttrCode::MP_REACH_NLRI)
    };
    if decoded.findings.iter().any(judged) {
        return count_all(family, &block);
    }
    if family == Family::L2VPN_EVPN {
        block
            .iter::<EvpnRoute>()
            .for_each(|(_, route, _)| rebuilt(&route));
    }
    match family {
        Family::IPV4_UNICAST | Family::IPV4_MULTICAST => look_at::<Ipv4Net>(&block),
        Family::IPV6_UNICAST | Family::IPV6_MULTICAST => look_at::<Ipv6Net>(&block),
        Family::IPV4_LABELED => count::<Labeled<Ipv4Net>>(&block),
        Family::IPV6_LABELED => count::<Labeled<Ipv6Net>>(&block),
        Family::IPV4_VPN => look_at::<Vpn<Ipv4Net>>(&block),
        Family::IPV6_VPN => look_at::<Vpn<Ipv6Net>>(&block),
        Family::L2VPN_EVPN => look_at::<EvpnRoute>(&block),
        Family::RTC => look_at::<RouteTargetMembership>(&block),
        _ => {}
    }
});

/// An UPDATE with nothing but these NLRI.
fn update(family: Family, withdrawn: bool, nlri: &[u8]) -> Vec<u8> {
    let nlri = &nlri[..nlri.len().min(60_000)];
    let mut value = family.afi.to_be_bytes().to_vec();
    value.push(family.safi);
    if !withdrawn {
        let next_hop: &[u8] = match family {
            Family::IPV4_VPN => &[0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1],
            Family::IPV6_VPN => &[
                0, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
            ],
            _ if family.afi == 2 => &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            _ => &[192, 0, 2, 1],
        };
        value.push(u8::try_from(next_hop.len()).unwrap_or(0));
        value.extend_from_slice(next_hop);
        value.push(0);
    }
    value.extend_from_slice(nlri);
    let length = u16::try_from(value.len()).unwrap_or(0).to_be_bytes();
    let code = if withdrawn { 15 } else { 14 };
    let attribute = [&[0x90, code, length[0], length[1]], &value[..]].concat();
    let length = u16::try_from(attribute.len()).unwrap_or(0).to_be_bytes();
    let body = [&[0, 0, length[0], length[1]], &attribute[..]].concat();
    debug_assert!(message(2, &body).len() <= 65535);
    body
}

fn count_all(family: Family, block: &NlriBlock<'_>) {
    match family {
        Family::L2VPN_EVPN => count::<EvpnRoute>(block),
        _ => panic!("of {family} none is withdrawn for itself"),
    }
}

/// A route is what its fields say, for the types that are made here.
fn rebuilt(route: &EvpnRoute) {
    let (rd, tag) = (route.rd(), route.ethernet_tag());
    let made = match route.kind() {
        EvpnKind::EthernetAutoDiscovery => route
            .esi()
            .zip(tag)
            .map(|(esi, tag)| EvpnRoute::ethernet_auto_discovery(rd, esi, tag)),
        EvpnKind::MacIp => route
            .mac()
            .zip(tag)
            .map(|(mac, tag)| EvpnRoute::mac_ip(rd, tag, mac, route.ip())),
        EvpnKind::InclusiveMulticast => route
            .originator()
            .zip(tag)
            .map(|(from, tag)| EvpnRoute::inclusive_multicast(rd, tag, from)),
        EvpnKind::EthernetSegment => route
            .originator()
            .zip(route.esi())
            .map(|(from, esi)| EvpnRoute::ethernet_segment(rd, esi, from)),
        EvpnKind::IpPrefix => route
            .prefix()
            .zip(tag)
            .map(|(prefix, tag)| EvpnRoute::ip_prefix(rd, tag, prefix)),
        _ => {
            let _ = (
                route.source(),
                route.group(),
                route.region(),
                route.route_key(),
            );
            return;
        }
    };
    assert_eq!(made, Some(*route));
    assert!(made.is_some_and(|made| made.cmp(route).is_eq()));
}

fn count<N: Nlri>(block: &NlriBlock<'_>) {
    assert_eq!(block.iter::<N>().count(), block.len());
}

/// The laws of what is kept in tables and told again.
fn look_at<N: Nlri + FromStr>(block: &NlriBlock<'_>)
where
    <N as FromStr>::Err: Display,
    (PathId, N, N::Detail): Announcement<Nlri = N>,
{
    count::<N>(block);
    let routes: Vec<(PathId, N, N::Detail)> = block.iter::<N>().collect();
    for (_, route, _) in &routes {
        assert!(route.is_usable());
        match route.to_string().parse::<N>() {
            Ok(read) => assert_eq!(read, *route),
            Err(error) => panic!("{route}: {error}"),
        }
    }
    // Labels beyond the first are for tools alone, and a withdrawal tells no detail.
    if block.form.label_stack || block.form.withdrawn {
        return;
    }
    let family = block.family;
    let enc = Encoding {
        add_path: block.form.add_path,
        max_message: 65535,
        mp_ipv4: true,
        ..Encoding::default()
    };
    let ctx = SessionContext {
        families: FamilySet::supported(),
        extended_next_hop: FamilySet::supported(),
        add_path_receive: if enc.add_path {
            FamilySet::supported()
        } else {
            FamilySet::EMPTY
        },
        ..SessionContext::new(Asn(65000), Asn(65001))
    };
    let mut attrs = AttrEditor::new();
    attrs.set_origin(Origin::Igp);
    attrs.set_as_path(&[Asn(65001)]);
    attrs.set_next_hop(NextHop::V6("2001:db8::1".parse().expect("an address")));
    let keys: Vec<(PathId, N)> = routes.iter().map(|(id, route, _)| (*id, *route)).collect();
    let (mut out, mut scratch) = (BytesMut::new(), AttrScratch::new());
    if routes.is_empty() || family == Family::IPV4_MULTICAST {
        return;
    }
    let told = encode_announce(&mut out, family, &enc, attrs.get(), &routes).expect("room for one");
    let read = decode_update(body(&out), &ctx, &mut scratch).expect("what we write");
    let again: Vec<_> = read
        .update
        .reach
        .expect("an announcement")
        .nlri
        .iter::<N>()
        .collect();
    assert_eq!(again, routes[..told]);
    out.clear();
    let told = encode_withdraw(&mut out, family, &enc, &keys);
    let read = decode_update(body(&out), &ctx, &mut scratch).expect("what we write");
    let unreach = read.update.unreach.expect("a withdrawal");
    let again: Vec<_> = unreach
        .nlri
        .iter::<N>()
        .map(|(id, route, _)| (id, route))
        .collect();
    assert_eq!(again, keys[..told]);
}

fn body(out: &BytesMut) -> &[u8] {
    next_frame(out, 65535)
        .expect("a good header")
        .expect("a whole message")
        .0
        .body
}
