//! Laws of the codec: what is written is read back as it was, the canonical form is stable, and no
//! octets whatever can do harm.

mod attributes;
mod routes;

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use bgp_wire::{
    AddPathMode, Aggregator, Asn, AttrCode, AttrEditor, AttrScratch, AttrSet, Capability,
    Community, Disposition, Encoding, Esi, EvpnDetail, EvpnRoute, ExtCommunity, Family, FamilySet,
    Form, Fqdn, GracefulRestart, HoldTime, Label, Labeled, LargeCommunity, LongLivedFamily,
    MacAddr, Message, NextHop, Nlri, Notification, Open, Origin, PathId, PeerKind, RefreshSubtype,
    Role, RouteDistinguisher, RouteRefresh, RouteTargetMembership, RouterId, SegmentKind,
    SessionContext, Vpn, decode_update, encode_announce, encode_update, encode_withdraw,
    next_frame,
};
use bytes::{Bytes, BytesMut};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::test_runner::FileFailurePersistence;

use attributes::*;
use routes::*;

/// A session on which everything that can be in a set is legal.
fn ctx(asn4: bool, add_path: bool) -> SessionContext {
    let all = FamilySet::supported();
    SessionContext {
        peer_kind: PeerKind::Internal,
        asn4,
        accept_as_set: true,
        families: all,
        add_path_receive: if add_path { all } else { FamilySet::EMPTY },
        extended_next_hop: all,
        ..SessionContext::new(Asn(65000), Asn(65000))
    }
}

/// The body of an UPDATE with this NLRI in MP_REACH_NLRI or MP_UNREACH_NLRI.
fn mp_body(family: Family, nlri: &[u8], withdraw: bool) -> Vec<u8> {
    let hop: &[u8] = match (family.safi, family.afi) {
        (133 | 134, _) => &[],
        (128, 1) | (72, _) => &[0, 0, 0, 0, 0, 0, 0, 0, 192, 0, 2, 1],
        (128, _) => &[
            0, 0, 0, 0, 0, 0, 0, 0, 0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
        ],
        (_, 2) => &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        _ => &[192, 0, 2, 1],
    };
    let mut value = [&family.afi.to_be_bytes()[..], &[family.safi]].concat();
    if !withdraw {
        value.push(hop.len() as u8);
        value.extend(hop);
        value.push(0);
    }
    value.extend(nlri);
    let mut attributes = vec![0x80, if withdraw { 15 } else { 14 }, value.len() as u8];
    attributes.extend(value);
    if !withdraw {
        attributes.extend([0x40, 1, 1, 0, 0x40, 2, 0, 0x40, 5, 4, 0, 0, 0, 100]);
    }
    [&[0, 0, 0, attributes.len() as u8][..], &attributes].concat()
}

/// Announces all of `nlri` in as many messages as it takes, and reads them back.
fn announce_and_read<N: Nlri>(
    family: Family,
    enc: &Encoding,
    attrs: &AttrSet,
    nlri: &[(PathId, N, N::Detail)],
) -> Result<(), TestCaseError> {
    let ctx = ctx(enc.asn4, enc.add_path);
    let mut scratch = AttrScratch::new();
    let mut rest = nlri;
    while !rest.is_empty() {
        let mut out = BytesMut::new();
        let count = match encode_announce(&mut out, family, enc, attrs.as_ref(), rest) {
            Ok(count) => count,
            Err(error) => {
                prop_assert!(out.is_empty(), "nothing is appended on error");
                prop_assert!(
                    attrs.as_ref().as_bytes().len() > enc.max_message / 2,
                    "{error}"
                );
                return Ok(());
            }
        };
        prop_assert!(out.len() <= enc.max_message && count >= 1);
        let (now, later) = rest.split_at(count);
        if let Some((_, next, detail)) = later.first() {
            let more = next.wire_len(detail) + if enc.add_path { 4 } else { 0 };
            prop_assert!(out.len() + more > enc.max_message, "the message is full");
        }
        let (frame, used) = next_frame(&out, enc.max_message).unwrap().unwrap();
        prop_assert_eq!(used, out.len());
        let decoded = decode_update(frame.body, &ctx, &mut scratch).unwrap();
        prop_assert_eq!(decoded.disposition, Disposition::None);
        prop_assert!(decoded.findings.is_empty(), "{:?}", decoded.findings);
        let block = decoded
            .update
            .reach
            .map_or(decoded.update.announced, |reach| reach.nlri);
        let read: Vec<(PathId, N, N::Detail)> = block.iter().collect();
        let sent: Vec<(PathId, N, N::Detail)> = now
            .iter()
            .map(|(id, net, detail)| {
                let id = if enc.add_path { *id } else { PathId(0) };
                (id, *net, *detail)
            })
            .collect();
        prop_assert_eq!(read, sent);
        prop_assert_eq!(
            decoded.update.mp_attrs.unwrap_or(decoded.update.attrs),
            attrs.as_ref()
        );
        rest = later;
    }
    Ok(())
}

fn capability() -> impl Strategy<Value = Capability> {
    let family = prop_oneof![
        Just(Family::IPV4_UNICAST),
        Just(Family::L2VPN_EVPN),
        any::<(u16, u8)>().prop_map(|(afi, safi)| Family::new(afi, safi)),
    ];
    let mode = proptest::sample::select(vec![
        AddPathMode::Receive,
        AddPathMode::Send,
        AddPathMode::Both,
    ]);
    let restart = (
        any::<bool>(),
        any::<bool>(),
        0u16..4096,
        vec((family.clone(), any::<bool>()), 0..4),
    )
        .prop_map(|(restarting, notification, restart_time, families)| {
            Capability::GracefulRestart(GracefulRestart {
                restarting,
                notification,
                restart_time,
                families,
            })
        });
    let long_lived = (family.clone(), any::<bool>(), 0u32..1 << 24).prop_map(
        |(family, forwarding, stale_time)| LongLivedFamily {
            family,
            forwarding,
            stale_time,
        },
    );
    prop_oneof![
        family.clone().prop_map(Capability::Multiprotocol),
        Just(Capability::RouteRefresh),
        Just(Capability::EnhancedRouteRefresh),
        Just(Capability::ExtendedMessage),
        vec((family.clone(), any::<u16>()), 0..4).prop_map(Capability::ExtendedNextHop),
        restart,
        vec((family.clone(), mode), 0..4).prop_map(Capability::AddPath),
        vec((family, any::<u8>()), 0..4).prop_map(Capability::MultipleLabels),
        any::<u8>().prop_map(|role| Capability::Role(Role(role))),
        vec(long_lived, 0..4).prop_map(Capability::LongLivedGracefulRestart),
        ("[a-z0-9.]{0,40}", "[a-z0-9.]{0,40}")
            .prop_map(|(hostname, domain)| Capability::Fqdn(Fqdn { hostname, domain })),
        "[ -~]{1,60}".prop_map(Capability::SoftwareVersion),
        (130u8..=255, vec(any::<u8>(), 0..60)).prop_map(|(code, value)| Capability::Unknown {
            code,
            value: value.into()
        }),
    ]
}

proptest! {
    // What fails once is kept beside this file and tried first from then on.
    #![proptest_config(ProptestConfig::with_failure_persistence(
        FileFailurePersistence::WithSource("regressions")
    ))]

    #[test]
    fn ipv4_announcements(mut editor in attributes(true), hop in next_hop_v4(), nlri in vec(prefix_v4(), 1..200),
                          add_path: bool, extended: bool) {
        editor.set_next_hop(hop);
        let max_message = if extended { 65535 } else { 4096 };
        let enc = Encoding { add_path, max_message, ..Encoding::default() };
        announce_and_read(Family::IPV4_UNICAST, &enc, &editor.to_set(), &plain(nlri))?;
    }

    #[test]
    fn ipv4_announcements_through_mp_reach(mut editor in attributes(true), hop in prop_oneof![next_hop_v4(), next_hop_v6()],
                                           nlri in vec(prefix_v4(), 1..200), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, mp_ipv4: true, ..Encoding::default() };
        announce_and_read(Family::IPV4_UNICAST, &enc, &editor.to_set(), &plain(nlri))?;
    }

    #[test]
    fn ipv6_announcements(mut editor in attributes(true), hop in next_hop_v6(), nlri in vec(prefix_v6(), 1..400), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        announce_and_read(Family::IPV6_UNICAST, &enc, &editor.to_set(), &plain(nlri))?;
    }

    /// RFC 4364 §4.3.2, RFC 8950 §4: next hops of either kind, behind a route distinguisher.
    #[test]
    fn vpnv4_announcements(mut editor in attributes(true), hop in prop_oneof![next_hop_v4(), next_hop_v6()],
                           nlri in vec((prefix_v4(), rd(), label()), 1..200), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        let nlri: Vec<_> = nlri.into_iter().map(|((id, prefix), rd, label)| (id, Vpn { rd, prefix }, label)).collect();
        announce_and_read(Family::IPV4_VPN, &enc, &editor.to_set(), &nlri)?;
    }

    /// RFC 4659 §3.2.1.1, §3.2.1.2: an IPv4 next hop goes as an IPv4-mapped one.
    #[test]
    fn vpnv6_announcements(mut editor in attributes(true), hop in prop_oneof![next_hop_v4(), next_hop_v6()],
                           nlri in vec((prefix_v6(), rd(), label()), 1..200), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        let nlri: Vec<_> = nlri.into_iter().map(|((id, prefix), rd, label)| (id, Vpn { rd, prefix }, label)).collect();
        announce_and_read(Family::IPV6_VPN, &enc, &editor.to_set(), &nlri)?;
    }

    #[test]
    fn labelled_announcements(mut editor in attributes(true), hop in next_hop_v6(),
                              v4 in vec((prefix_v4(), label()), 1..50), v6 in vec((prefix_v6(), label()), 1..50), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        let v4: Vec<_> = v4.into_iter().map(|((id, prefix), label)| (id, Labeled(prefix), label)).collect();
        announce_and_read(Family::IPV4_LABELED, &enc, &editor.to_set(), &v4)?;
        let v6: Vec<_> = v6.into_iter().map(|((id, prefix), label)| (id, Labeled(prefix), label)).collect();
        announce_and_read(Family::IPV6_LABELED, &enc, &editor.to_set(), &v6)?;
    }

    #[test]
    fn memberships(mut editor in attributes(true), hop in prop_oneof![next_hop_v4(), next_hop_v6()],
                   nlri in vec((any::<u32>(), membership()), 1..50), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        let nlri: Vec<_> = nlri.into_iter().map(|(id, one)| (PathId(id), one, ())).collect();
        announce_and_read(Family::RTC, &enc, &editor.to_set(), &nlri)?;
    }

    #[test]
    fn evpn_announcements(mut editor in attributes(true), hop in prop_oneof![next_hop_v4(), next_hop_v6()],
                          nlri in vec((any::<u32>(), evpn()), 1..150), add_path: bool) {
        editor.set_next_hop(hop);
        let enc = Encoding { add_path, ..Encoding::default() };
        let nlri: Vec<_> = nlri.into_iter().map(|(id, (route, detail))| (PathId(id), route, detail)).collect();
        announce_and_read(Family::L2VPN_EVPN, &enc, &editor.to_set(), &nlri)?;
    }

    #[test]
    fn evpn_routes_are_read_from_their_texts((route, _) in evpn()) {
        prop_assert_eq!(route.to_string().parse(), Ok(route));
    }

    /// Whatever the octets of routes of a known type: those that are read are written as they were,
    /// but for bits of a prefix beyond its length, and so is their text.
    #[test]
    fn evpn_octets(kind in 0u8..13, length in proptest::sample::select(vec![17u8, 20, 23, 25, 29, 33, 34, 36, 40, 52, 58]),
                   bits in proptest::sample::select(vec![0u8, 32, 48, 128, 33]), value in vec(any::<u8>(), 60)) {
        let mut value = value[..usize::from(length)].to_vec();
        for place in [12, 18, 22, 29] {
            if let Some(octet) = value.get_mut(place) { *octet = if kind == 2 && place == 22 { 48 } else { bits }; }
        }
        let bytes = [&[kind, length], &value[..]].concat();
        let mut rest = &bytes[..];
        let read = EvpnRoute::decode(&mut rest, Form::default(), PathId(7));
        prop_assert!(rest.is_empty());
        let Some((id, route, detail)) = read else { return Ok(()) };
        prop_assert_eq!(id, PathId(7));
        prop_assert_eq!(route.to_string().parse(), Ok(route));
        let mut out = Vec::new();
        route.encode(&detail, &mut out);
        let again = EvpnRoute::decode(&mut &out[..], Form::default(), id);
        prop_assert_eq!(again.map(|(_, route, _)| route), Some(route));
        // Of one that ends as none of its type does, the key alone is read.
        if out.len() != bytes.len() {
            prop_assert_eq!(detail, EvpnRoute::withdrawn());
            return Ok(());
        }
        if route.prefix().is_none() { prop_assert_eq!(&out, &bytes); }
        prop_assert_eq!(again, Some((id, route, detail)));
    }

    /// RFC 6793: nothing is lost on the way through a speaker of two-octet AS numbers.
    #[test]
    fn announcements_with_two_octets_for_each_as(mut editor in attributes(false), hop in next_hop_v4(), nlri in vec(prefix_v4(), 1..20)) {
        editor.set_next_hop(hop);
        let enc = Encoding { asn4: false, ..Encoding::default() };
        announce_and_read(Family::IPV4_UNICAST, &enc, &editor.to_set(), &plain(nlri))?;
    }

    #[test]
    fn withdrawals(v4 in vec(prefix_v4(), 1..2000), v6 in vec(prefix_v6(), 1..800), add_path: bool, mp_ipv4: bool) {
        let enc = Encoding { add_path, mp_ipv4, ..Encoding::default() };
        let ctx = ctx(true, add_path);
        let mut scratch = AttrScratch::new();
        let mut read = Vec::new();
        let mut rest = &v4[..];
        while !rest.is_empty() {
            let mut out = BytesMut::new();
            let count = encode_withdraw(&mut out, Family::IPV4_UNICAST, &enc, rest);
            prop_assert!(count >= 1 && out.len() <= 4096);
            let decoded = decode_update(&out[19..], &ctx, &mut scratch).unwrap();
            prop_assert_eq!(decoded.disposition, Disposition::None);
            prop_assert_eq!(decoded.update.end_of_rib, None);
            read.extend(decoded.update.unreach.map_or(decoded.update.withdrawn, |unreach| unreach.nlri).iter_v4());
            rest = &rest[count..];
        }
        prop_assert!(read.iter().map(|(_, net)| net).eq(v4.iter().map(|(_, net)| net)));
        let mut out = BytesMut::new();
        let count = encode_withdraw(&mut out, Family::IPV6_UNICAST, &enc, &v6);
        let decoded = decode_update(&out[19..], &ctx, &mut scratch).unwrap();
        let read: Vec<_> = decoded.update.unreach.unwrap().nlri.iter_v6().map(|(_, net)| net).collect();
        prop_assert!(read.into_iter().eq(v6[..count].iter().map(|(_, net)| *net)));
    }

    #[test]
    fn opens(asn in asn(), hold in any::<u16>(), id in 1u32.., capabilities in vec(capability(), 0..40)) {
        prop_assume!(asn != Asn::TRANS);
        let open = Open::new(asn, HoldTime::new(hold).unwrap_or_default(), RouterId(id), capabilities);
        let mut out = BytesMut::new();
        open.encode(&mut out).unwrap();
        let (frame, _) = next_frame(&out, 4096).unwrap().unwrap();
        prop_assert_eq!(Open::decode(frame.body).unwrap(), open);
    }

    #[test]
    fn notifications_and_refreshes(code: u8, subcode: u8, data in vec(any::<u8>(), 0..300), afi: u16, safi: u8, kind: u8) {
        let ctx = ctx(true, false);
        // RFC 7313 §5: nothing may be behind the markers.
        let filters = if matches!(kind, 1 | 2) { &[][..] } else { data.get(..40).unwrap_or(&[]) };
        for message in [
            Message::Notification(Notification::new(code, subcode, Bytes::copy_from_slice(&data))),
            Message::RouteRefresh(RouteRefresh { family: Family::new(afi, safi), subtype: RefreshSubtype::from_u8(kind) }, filters),
            Message::Keepalive,
        ] {
            let (mut out, mut scratch) = (BytesMut::new(), AttrScratch::new());
            message.encode(&mut out, &Encoding::default()).unwrap();
            let (frame, _) = next_frame(&out, 4096).unwrap().unwrap();
            let read = Message::decode(frame, &ctx, &mut scratch).unwrap();
            prop_assert!(!read.to_string().chars().any(char::is_control));
            prop_assert_eq!(read, message);
        }
    }

    /// A set that was read once is the same set when it is written and read again, however odd the
    /// octets it came from.
    #[test]
    fn the_canonical_form_is_a_fixed_point(
        parts in vec((prop_oneof![Just(0x40u8), Just(0xc0), Just(0x80), Just(0xe0), Just(0x50)],
                      prop_oneof![1u8..12, 14u8..19, 22u8..30, Just(32), Just(35), Just(38), Just(40), Just(99), Just(128)],
                      prop_oneof![vec(any::<u8>(), 0..9), vec(0u8..3, 0..16), vec(0u8..9, 0..60), Just(vec![2, 1, 0, 0, 0, 9]), Just(vec![0])]), 0..9),
        asn4: bool,
    ) {
        let ctx = ctx(asn4, false);
        let mut body = vec![0, 0, 0, 0];
        for (flags, code, value) in parts {
            body.extend([flags, code]);
            if flags & 0x10 != 0 { body.push(0); }
            body.push(value.len() as u8);
            body.extend(value);
        }
        let length = (body.len() - 4) as u16;
        body[2..4].copy_from_slice(&length.to_be_bytes());
        body.extend([8, 10]);
        let (mut first, mut second) = (AttrScratch::new(), AttrScratch::new());
        let Ok(decoded) = decode_update(&body, &ctx, &mut first) else { return Ok(()) };
        let attrs = decoded.update.attrs;
        if attrs.next_hop().is_none() { return Ok(()); }
        let mut out = BytesMut::new();
        encode_update(&mut out, &decoded.update, &Encoding::default()).unwrap();
        let again = decode_update(&out[19..], &SessionContext { asn4: true, ..ctx }, &mut second).unwrap();
        prop_assert_eq!(again.update.attrs, attrs);
        prop_assert!(again.findings.iter().all(|finding| finding.error.reason == bgp_wire::Reason::Missing
            || finding.disposition == Disposition::None));
        // And an editor that touches nothing changes nothing.
        let editor = AttrEditor::from(attrs);
        prop_assert_eq!(editor.get(), attrs);
    }

    #[test]
    fn octets_whatever_do_no_harm(bytes in vec(any::<u8>(), 0..200), asn4: bool, add_path: bool) {
        let ctx = ctx(asn4, add_path);
        let mut scratch = AttrScratch::new();
        let _ = Open::decode(&bytes);
        let _ = RouteRefresh::decode(&bytes);
        let _ = Notification::decode(&bytes).map(|notification| notification.to_string());
        let _ = next_frame(&bytes, 4096);
        if let Ok(decoded) = decode_update(&bytes, &ctx, &mut scratch) {
            let _ = (decoded.update.to_string(), decoded.update.describe());
        }
    }

    /// Whatever is made of a route of any family: what is counted is described and shown, and
    /// written as it came.
    #[test]
    fn blocks_of_every_family((family, route) in any_route(), changes in vec((any::<proptest::sample::Index>(), any::<u8>()), 0..4),
                              add_path: bool, withdraw: bool) {
        let mut route = route;
        let good = changes.is_empty();
        for (place, octet) in changes {
            let place = place.index(route.len());
            route[place] = octet;
        }
        let id: &[u8] = if add_path { &[0, 0, 0, 9] } else { &[] };
        let nlri = [id, &route, id, &route].concat();
        let body = mp_body(family, &nlri, withdraw);
        let ctx = ctx(true, add_path);
        let (mut first, mut second) = (AttrScratch::new(), AttrScratch::new());
        let Ok(decoded) = decode_update(&body, &ctx, &mut first) else { return Ok(()) };
        let update = decoded.update;
        let Some(block) = update.reach.map(|reach| reach.nlri).or_else(|| update.unreach.map(|unreach| unreach.nlri)) else {
            return Err(TestCaseError::fail("there is a block"));
        };
        prop_assert!(!good || block.len() == 2, "{block:?}");
        prop_assert_eq!(block.describe().len(), block.len());
        prop_assert!(!block.to_string().chars().any(char::is_control));
        // What is passed over is told; and what is told without consequences is passed over, or a withdrawal whose key is enough.
        let told = !decoded.findings.is_empty() && decoded.disposition == Disposition::None;
        prop_assert!(block.ignored() == 0 || told, "{:?}", decoded.findings);
        prop_assert!(withdraw || !told || block.ignored() > 0, "{:?}", decoded.findings);
        let mut out = BytesMut::new();
        encode_update(&mut out, &update, &Encoding::default()).unwrap();
        let again = decode_update(&out[19..], &ctx, &mut second).unwrap();
        prop_assert_eq!(again.update, update);
    }

    /// The number of NLRI is what iteration gives, and every one of them is usable and without bits
    /// beyond its length.
    #[test]
    fn blocks_count_what_they_give(nlri in vec(any::<u8>(), 0..120)) {
        let ctx = ctx(true, false);
        let mut body = (nlri.len() as u16).to_be_bytes().to_vec();
        body.extend(&nlri);
        body.extend([0, 0]);
        let mut scratch = AttrScratch::new();
        if let Ok(decoded) = decode_update(&body, &ctx, &mut scratch) {
            let block = decoded.update.withdrawn;
            prop_assert_eq!(block.iter_v4().count(), block.len());
            for (_, net) in block.iter_v4() {
                prop_assert_eq!(net.trunc(), net);
                prop_assert!(net.is_usable());
            }
        }
    }
}
