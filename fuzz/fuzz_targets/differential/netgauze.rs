//! What netgauze-bgp-pkt reads.

use bgp_wire::{
    AttrRef, EvpnDetail, EvpnKind, EvpnRoute, ExtCommunity, Labeled, NlriBlock, RouteDistinguisher,
    RouteTargetMembership, Update, Vpn,
};
use ipnet::{Ipv4Net, Ipv6Net};
use netgauze_bgp_pkt::nlri::{
    L2EvpnAddress, L2EvpnIpPrefixRoute, L2EvpnRoute, MplsLabel, RouteTargetMembershipAddress,
};
use netgauze_bgp_pkt::path_attribute::{
    Aggregator, Aigp, AsPath, MpReach, MpUnreach, PathAttributeValue as Value,
};
use netgauze_bgp_pkt::update::BgpUpdateMessage;
use netgauze_bgp_pkt::wire::deserializer::BgpParsingContext;
use netgauze_iana::address_family::AddressType;
use netgauze_parse_utils::WritablePdu;
use netgauze_parse_utils::reader::SliceReader;
use netgauze_parse_utils::traits::ParseFromWithOneInput;

use crate::Session;

pub(crate) fn agrees(body: &[u8], ours: &Update<'_>, session: Session) {
    let mut context = BgpParsingContext::default();
    context.set_asn4(session.asn4);
    if session.add_path {
        let all = ADDRESS_TYPES.iter().map(|kind| (*kind, true));
        context.add_path_mut().extend(all);
    }
    let Ok(theirs) = BgpUpdateMessage::parse(&mut SliceReader::new(body), &mut context) else {
        return;
    };
    let plain = |routes: &[netgauze_bgp_pkt::nlri::Ipv4UnicastAddress]| -> Vec<String> {
        let each = routes.iter();
        each.map(|one| route(one.path_id(), one.network().address().trunc()))
            .collect()
    };
    assert_eq!(
        routes(&ours.withdrawn, true),
        plain(theirs.withdraw_routes())
    );
    assert_eq!(routes(&ours.announced, false), plain(theirs.nlri()));
    for attribute in theirs.path_attributes() {
        match attribute.value() {
            Value::MpReach(reach) => {
                if let Some(read) = &ours.reach {
                    reach_agrees(&read.nlri, reach);
                }
            }
            Value::MpUnreach(unreach) => {
                if let Some(read) = &ours.unreach {
                    unreach_agrees(&read.nlri, unreach);
                }
            }
            value => agree(ours.attrs, value, session),
        }
    }
}

const ADDRESS_TYPES: [AddressType; 12] = [
    AddressType::Ipv4Unicast,
    AddressType::Ipv4Multicast,
    AddressType::Ipv4NlriMplsLabels,
    AddressType::Ipv4MplsLabeledVpn,
    AddressType::Ipv6Unicast,
    AddressType::Ipv6Multicast,
    AddressType::Ipv6NlriMplsLabels,
    AddressType::Ipv6MplsLabeledVpn,
    AddressType::L2VpnBgpEvpn,
    AddressType::RouteTargetConstrains,
    AddressType::BgpLs,
    AddressType::BgpLsVpn,
];

/// A route as both write it here: its path identifier and what it is.
fn route(id: Option<u32>, what: impl std::fmt::Display) -> String {
    format!("{}#{what}", id.unwrap_or(0))
}

/// A distinguisher as a number. Of the type of RFC 7524 §9.1 they keep no value.
fn rd(ours: RouteDistinguisher) -> u64 {
    match ours.kind() {
        u16::MAX => u64::MAX,
        _ => u64::from_be_bytes(ours.0),
    }
}

fn labels(theirs: &[MplsLabel]) -> [u8; 3] {
    theirs.first().map_or([0; 3], |label| *label.value())
}

/// What we read, of the families that they know.
fn routes(block: &NlriBlock<'_>, withdrawn: bool) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    all.extend(block.iter_v4().map(|(id, net)| route(Some(id.0), net)));
    all.extend(block.iter_v6().map(|(id, net)| route(Some(id.0), net)));
    for (id, Labeled(net), label) in block.iter::<Labeled<Ipv4Net>>() {
        all.push(route(Some(id.0), format!("{:?} {net}", label.to_bytes())));
    }
    for (id, Labeled(net), label) in block.iter::<Labeled<Ipv6Net>>() {
        all.push(route(Some(id.0), format!("{:?} {net}", label.to_bytes())));
    }
    for (id, vpn, label) in block.iter::<Vpn<Ipv4Net>>() {
        let (rd, net) = (rd(vpn.rd), vpn.prefix);
        all.push(route(
            Some(id.0),
            format!("{:?} {rd:x} {net}", label.to_bytes()),
        ));
    }
    for (id, vpn, label) in block.iter::<Vpn<Ipv6Net>>() {
        let (rd, net) = (rd(vpn.rd), vpn.prefix);
        all.push(route(
            Some(id.0),
            format!("{:?} {rd:x} {net}", label.to_bytes()),
        ));
    }
    for (id, evpn, detail) in block.iter::<EvpnRoute>() {
        all.push(route(Some(id.0), our_evpn(&evpn, &detail, withdrawn)));
    }
    for (id, membership, ()) in block.iter::<RouteTargetMembership>() {
        all.push(route(Some(id.0), our_membership(&membership)));
    }
    all
}

/// Of a withdrawal, the key alone.
fn our_evpn(route: &EvpnRoute, detail: &EvpnDetail, withdrawn: bool) -> String {
    let (rd, tag) = (rd(route.rd()), route.ethernet_tag());
    let key = match route.kind() {
        EvpnKind::EthernetAutoDiscovery => format!("{:?} {tag:?}", route.esi().map(|esi| esi.0)),
        EvpnKind::MacIp => format!(
            "{tag:?} {:?} {:?}",
            route.mac().map(|mac| mac.0),
            route.ip()
        ),
        EvpnKind::InclusiveMulticast => format!("{tag:?} {:?}", route.originator()),
        EvpnKind::EthernetSegment => {
            format!(
                "{:?} {:?}",
                route.esi().map(|esi| esi.0),
                route.originator()
            )
        }
        EvpnKind::IpPrefix => format!("{tag:?} {:?}", route.prefix()),
        other => return format!("{}", other.number()),
    };
    let labels: Vec<_> = detail.labels().map(|label| label.to_bytes()).collect();
    let rest = match detail {
        _ if withdrawn => String::new(),
        EvpnDetail::Mac { esi, .. } => format!("{:?}", esi.0),
        EvpnDetail::Prefix { esi, gateway, .. } => format!("{:?} {gateway}", esi.0),
        _ => String::new(),
    };
    let labels = if withdrawn { Vec::new() } else { labels };
    format!("{} {rd:x} {key} {rest} {labels:?}", route.kind().number())
}

fn their_evpn(address: &L2EvpnAddress, withdrawn: bool) -> String {
    let (number, rd, key, rest, labels) = match address.route() {
        L2EvpnRoute::EthernetAutoDiscovery(one) => {
            let tag = Some(one.tag().value());
            let key = format!("{:?} {tag:?}", Some(one.segment_id().value()));
            (1, one.rd(), key, String::new(), vec![*one.mpls_label()])
        }
        L2EvpnRoute::MacIpAdvertisement(one) => {
            let (tag, mac) = (Some(one.tag().value()), Some(one.mac().value()));
            let key = format!("{tag:?} {mac:?} {:?}", one.ip());
            let rest = format!("{:?}", one.segment_id().value());
            let labels = [Some(*one.mpls_label1()), one.mpls_label2().copied()];
            (
                2,
                one.rd(),
                key,
                rest,
                labels.into_iter().flatten().collect(),
            )
        }
        L2EvpnRoute::InclusiveMulticastEthernetTagRoute(one) => {
            let tag = Some(one.tag().value());
            let key = format!("{tag:?} {:?}", Some(one.ip()));
            (3, one.rd(), key, String::new(), vec![])
        }
        L2EvpnRoute::EthernetSegmentRoute(one) => {
            let key = format!("{:?} {:?}", Some(one.segment_id().value()), Some(one.ip()));
            (4, one.rd(), key, String::new(), vec![])
        }
        L2EvpnRoute::IpPrefixRoute(L2EvpnIpPrefixRoute::V4(one)) => {
            let net = Some(ipnet::IpNet::from(one.prefix().trunc()));
            let key = format!("{:?} {net:?}", Some(one.tag().value()));
            let rest = format!("{:?} {}", one.segment_id().value(), one.gateway());
            (5, one.rd(), key, rest, vec![*one.label()])
        }
        L2EvpnRoute::IpPrefixRoute(L2EvpnIpPrefixRoute::V6(one)) => {
            let net = Some(ipnet::IpNet::from(one.prefix().trunc()));
            let key = format!("{:?} {net:?}", Some(one.tag().value()));
            let rest = format!("{:?} {}", one.segment_id().value(), one.gateway());
            (5, one.rd(), key, rest, vec![*one.label()])
        }
        L2EvpnRoute::Unknown { code, .. } => return route(address.path_id(), code),
    };
    let (rest, labels) = match withdrawn {
        true => (String::new(), vec![]),
        false => (rest, labels.iter().map(|label| *label.value()).collect()),
    };
    let rd = u64::from(rd);
    route(
        address.path_id(),
        format!("{number} {rd:x} {key} {rest} {labels:?}"),
    )
}

fn our_membership(ours: &RouteTargetMembership) -> String {
    match ours.origin() {
        Some(origin) => format!("{} {:?}", origin.0, ours.target().0),
        None => "default".to_owned(),
    }
}

/// How many bits of the last octet count, they do not say.
fn is_partial(block: &NlriBlock<'_>) -> bool {
    let all = &mut block.iter::<RouteTargetMembership>();
    all.any(|(_, one, ())| !matches!(one.prefix_len(), 0 | 96))
}

fn their_membership(theirs: &RouteTargetMembershipAddress) -> String {
    let text = match theirs.membership() {
        Some(one) => format!("{} {:?}", one.origin_as(), one.route_target()),
        None => "default".to_owned(),
    };
    route(theirs.path_id(), text)
}

/// Compares the NLRI of both variants of one name, whose routes have the same fields.
macro_rules! nlri {
    ($of:expr, $theirs:ident, $withdrawn:expr, $block:ident) => {{
        let block = $block;
        let labeled = |id, stack: &[MplsLabel], net: ipnet::IpNet| {
            route(id, format!("{:?} {net}", labels(stack)))
        };
        let vpn = |id, stack: &[MplsLabel], rd: u64, net: ipnet::IpNet| {
            route(id, format!("{:?} {rd:x} {net}", labels(stack)))
        };
        let theirs: Vec<String> = match $of {
            $theirs::Ipv4Unicast { nlri, .. } => nlri
                .iter()
                .map(|one| route(one.path_id(), one.network().address().trunc()))
                .collect(),
            $theirs::Ipv4Multicast { nlri, .. } => nlri
                .iter()
                .map(|one| route(one.path_id(), one.network().address().trunc()))
                .collect(),
            $theirs::Ipv6Unicast { nlri, .. } => nlri
                .iter()
                .map(|one| route(one.path_id(), one.network().address().trunc()))
                .collect(),
            $theirs::Ipv6Multicast { nlri, .. } => nlri
                .iter()
                .map(|one| route(one.path_id(), one.network().address().trunc()))
                .collect(),
            $theirs::Ipv4NlriMplsLabels { nlri, .. } => nlri
                .iter()
                .map(|one| labeled(one.path_id(), one.labels(), one.prefix().trunc().into()))
                .collect(),
            $theirs::Ipv6NlriMplsLabels { nlri, .. } => nlri
                .iter()
                .map(|one| labeled(one.path_id(), one.labels(), one.prefix().trunc().into()))
                .collect(),
            $theirs::Ipv4MplsVpnUnicast { nlri, .. } => nlri
                .iter()
                .map(|one| {
                    let net = one.network().address().trunc().into();
                    vpn(one.path_id(), one.label_stack(), one.rd().into(), net)
                })
                .collect(),
            $theirs::Ipv6MplsVpnUnicast { nlri, .. } => nlri
                .iter()
                .map(|one| {
                    let net = one.network().address().trunc().into();
                    vpn(one.path_id(), one.label_stack(), one.rd().into(), net)
                })
                .collect(),
            $theirs::L2Evpn { nlri, .. } => {
                nlri.iter().map(|one| their_evpn(one, $withdrawn)).collect()
            }
            $theirs::RouteTargetMembership { .. } if is_partial(block) => return,
            $theirs::RouteTargetMembership { nlri, .. } => {
                nlri.iter().map(their_membership).collect()
            }
            $theirs::BgpLs { nlri, .. } => return assert_eq!(block.len(), nlri.len()),
            $theirs::BgpLsVpn { nlri, .. } => return assert_eq!(block.len(), nlri.len()),
            $theirs::Unknown { .. } => return,
        };
        assert_eq!(routes(block, $withdrawn), theirs);
    }};
}

fn reach_agrees(block: &NlriBlock<'_>, theirs: &MpReach) {
    nlri!(theirs, MpReach, false, block);
}

fn unreach_agrees(block: &NlriBlock<'_>, theirs: &MpUnreach) {
    nlri!(theirs, MpUnreach, true, block);
}

/// What they read is what we read.
fn agree(ours: AttrRef<'_>, theirs: &Value, session: Session) {
    match theirs {
        Value::Origin(origin) => {
            let read = ours.origin().map(|origin| origin.code());
            assert_eq!(read, Some(*origin as u8));
        }
        // With two octets it is merged with AS4_PATH on our side.
        Value::AsPath(AsPath::As4PathSegments(segments)) if session.asn4 => {
            let read: Vec<(u8, Vec<u32>)> = ours
                .as_path()
                .segments()
                .map(|one| (one.kind.code(), one.iter().map(|asn| asn.0).collect()))
                .collect();
            let wanted: Vec<(u8, Vec<u32>)> = segments
                .iter()
                .map(|one| (one.segment_type().into(), one.as_numbers().to_vec()))
                .collect();
            assert_eq!(read, wanted);
        }
        Value::MultiExitDiscriminator(med) => assert_eq!(ours.med(), Some(med.metric())),
        Value::LocalPreference(preference) if session.internal => {
            assert_eq!(ours.local_pref(), Some(preference.metric()));
        }
        Value::AtomicAggregate(_) => assert!(ours.atomic_aggregate()),
        Value::Aggregator(Aggregator::As4Aggregator(one)) => {
            let read = ours.aggregator().map(|one| (one.asn.0, one.address));
            assert_eq!(read, Some((*one.asn(), one.origin())));
        }
        Value::Communities(all) => {
            let read: Vec<u32> = ours.communities().map(|one| one.0).collect();
            assert_eq!(read, set(all.communities().iter().map(|one| one.value())));
        }
        // Of those without an administrator they leave out what is reserved, and of the others they write some as route
        // targets.
        Value::ExtendedCommunities(all) => {
            let theirs = set(all.communities().iter().map(octets));
            let kept = |one: &ExtCommunity| matches!(one.kind(), (0..=2, 2 | 3));
            for one in ours.ext_communities().filter(kept) {
                assert!(theirs.contains(&one.0.to_vec()), "{one} in {theirs:?}");
            }
            assert!(all.communities().len() >= ours.ext_communities().count());
        }
        Value::ExtendedCommunitiesIpv6(all) => {
            let read: Vec<_> = ours
                .ipv6_ext_communities()
                .map(|one| {
                    let number = one.number.to_be_bytes();
                    [&one.kind.to_be_bytes()[..], &one.address.octets(), &number].concat()
                })
                .collect();
            assert_eq!(read, set(all.communities().iter().map(octets)));
        }
        Value::LargeCommunities(all) => {
            let read: Vec<_> = ours
                .large_communities()
                .map(|one| (one.global, one.data1, one.data2))
                .collect();
            let wanted = all.communities().iter();
            let wanted =
                wanted.map(|one| (one.global_admin(), one.local_data1(), one.local_data2()));
            assert_eq!(read, set(wanted));
        }
        Value::Originator(originator) if session.internal => {
            let read = ours.originator_id().map(|id| id.0);
            assert_eq!(read, Some(originator.id().into()));
        }
        Value::ClusterList(list) if session.internal => {
            let read: Vec<u32> = ours.cluster_list().map(|one| one.0).collect();
            let wanted: Vec<u32> = list
                .cluster_list()
                .iter()
                .map(|one| one.id().into())
                .collect();
            assert_eq!(read, wanted);
        }
        Value::OnlyToCustomer(otc) => {
            assert_eq!(ours.only_to_customer().map(|asn| asn.0), Some(otc.asn()));
        }
        Value::Aigp(Aigp::AccumulatedIgpMetric(metric)) => {
            if let Some(read) = ours.aigp() {
                assert_eq!(read, *metric);
            }
        }
        Value::UnknownAttribute(one) => {
            for (_, _, read) in ours.unknown().filter(|(code, ..)| code.0 == one.code()) {
                assert_eq!(read, one.value());
            }
        }
        _ => {}
    }
}

fn set<T: Ord>(all: impl Iterator<Item = T>) -> Vec<T> {
    let mut all: Vec<T> = all.collect();
    all.sort_unstable();
    all.dedup();
    all
}

fn octets<E: std::fmt::Debug, T: WritablePdu<E>>(theirs: &T) -> Vec<u8> {
    let mut octets = Vec::new();
    theirs.write(&mut octets).expect("what they read");
    octets
}
