//! Bytes of the route messages: ours to the kernel, the kernel's to us.
//!
//! Pure. Headers and attributes are written by netlink-packet-route. A table of a hundred thousand
//! routes has a handful of next-hop sets, so all that follows the destination (gateways, table,
//! metric) is encoded once for each set and copied for each route.
//!
//! What the kernel tells is read from borrowed bytes: a dump of a full table must not cost an
//! allocation for each attribute.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use foldhash::HashMap;
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use netlink_packet_core::{
    Emitable, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL, NLM_F_REPLACE, NLM_F_REQUEST, NetlinkHeader,
    NlaBuffer, NlasIterator,
};
use netlink_packet_route::AddressFamily;
use netlink_packet_route::route::{
    RouteAddress, RouteAttribute, RouteFlags, RouteHeader, RouteNextHop, RouteNextHopFlags,
    RouteProtocol, RouteScope, RouteType, RouteVia,
};

use super::model::{
    FibAction, FibOp, KernelRefusal, KernelRoute, Leg, Legs, Ownership, RouteKind, SetId, normalise,
};

/// `RTM_NEWROUTE`.
pub(crate) const RTM_NEWROUTE: u16 = 24;
/// `RTM_DELROUTE`.
pub(crate) const RTM_DELROUTE: u16 = 25;
/// `RTM_GETROUTE`.
pub(crate) const RTM_GETROUTE: u16 = 26;
/// Length of a netlink header.
pub(crate) const HEADER: usize = 16;
const ROUTE_HEADER: usize = 12;

const RTM_F_CLONED: u32 = 0x200;
/// In the flags of a next hop, and of a route that has but one.
pub(super) const RTNH_F_ONLINK: u8 = 4;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_MULTIPATH: u16 = 9;
const RTA_TABLE: u16 = 15;
const RTA_VIA: u16 = 18;
const RTA_ENCAP_TYPE: u16 = 21;
const RTA_ENCAP: u16 = 22;
const RTA_NH_ID: u16 = 30;

const NLMSGERR_ATTR_MSG: u16 = 1;
const NLM_F_CAPPED: u16 = 0x100;
const NLM_F_ACK_TLVS: u16 = 0x200;

/// Writes batches. Keeps what is the same for all routes of a next-hop set.
#[derive(Debug, Default)]
pub(super) struct Encoder {
    tails: HashMap<(SetId, Ownership, bool), Box<[u8]>>,
    drop_tails: HashMap<Ownership, Box<[u8]>>,
    attributes: Vec<RouteAttribute>,
}

impl Encoder {
    /// Forgets next-hop sets: their handles may come to mean others.
    pub(super) fn clear(&mut self) {
        self.tails.clear();
    }

    /// Appends one message. `legs` are those of the op's set.
    pub(super) fn encode(
        &mut self,
        op: &FibOp,
        legs: &[Leg],
        seq: u32,
        last: bool,
        out: &mut Vec<u8>,
    ) {
        let (kind, mut flags) = match op.action {
            FibAction::Add(_) => (RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL),
            FibAction::Replace(_) => (RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE),
            FibAction::Delete | FibAction::Leave(_) | FibAction::RemoveSecond(_) => {
                (RTM_DELROUTE, NLM_F_REQUEST)
            }
        };
        if last {
            flags |= NLM_F_ACK;
        }
        let v4 = matches!(op.prefix, IpNet::V4(_));
        let address_len = if v4 { 4 } else { 16 };
        let tail: &[u8] = match op.action {
            FibAction::Add(set)
            | FibAction::Replace(set)
            | FibAction::Leave(set)
            | FibAction::RemoveSecond(set) => {
                let attributes = &mut self.attributes;
                self.tails.entry((set, op.owner, v4)).or_insert_with(|| {
                    attributes.clear();
                    push_legs(attributes, legs, v4);
                    push_owner(attributes, op.owner);
                    emit_attributes(attributes)
                })
            }
            FibAction::Delete => {
                let attributes = &mut self.attributes;
                self.drop_tails.entry(op.owner).or_insert_with(|| {
                    attributes.clear();
                    push_owner(attributes, op.owner);
                    emit_attributes(attributes)
                })
            }
        };
        let length = HEADER + ROUTE_HEADER + 4 + address_len + tail.len();
        let at = out.len();
        out.resize(at + HEADER + ROUTE_HEADER, 0);
        let mut header = NetlinkHeader::default();
        header.length = u32::try_from(length).unwrap_or(u32::MAX);
        header.message_type = kind;
        header.flags = flags;
        header.sequence_number = seq;
        header.emit(&mut out[at..at + HEADER]);
        let scope = match op.action {
            // Removing names no scope, as the kernel then takes any.
            FibAction::Delete | FibAction::Leave(_) | FibAction::RemoveSecond(_) => {
                RouteScope::NoWhere
            }
            _ if v4 && legs.iter().all(|l| l.gateway.is_none()) => RouteScope::Link,
            _ => RouteScope::Universe,
        };
        let route = RouteHeader {
            address_family: if v4 {
                AddressFamily::Inet
            } else {
                AddressFamily::Inet6
            },
            destination_prefix_length: op.prefix.prefix_len(),
            table: u8::try_from(op.owner.table).unwrap_or(RouteHeader::RT_TABLE_UNSPEC),
            protocol: RouteProtocol::from(op.owner.protocol),
            scope,
            kind: match op.action {
                FibAction::Delete | FibAction::Leave(_) | FibAction::RemoveSecond(_) => {
                    RouteType::Unspec
                }
                FibAction::Add(_) | FibAction::Replace(_) => RouteType::Unicast,
            },
            flags: match legs {
                [leg] if leg.onlink => RouteFlags::Onlink,
                _ => RouteFlags::empty(),
            },
            ..RouteHeader::default()
        };
        route.emit(&mut out[at + HEADER..]);
        out.extend_from_slice(&((4 + address_len) as u16).to_ne_bytes());
        out.extend_from_slice(&RTA_DST.to_ne_bytes());
        match op.prefix {
            IpNet::V4(p) => out.extend_from_slice(&p.network().octets()),
            IpNet::V6(p) => out.extend_from_slice(&p.network().octets()),
        }
        out.extend_from_slice(tail);
    }
}

fn emit_attributes(attributes: &[RouteAttribute]) -> Box<[u8]> {
    let mut bytes = vec![0; attributes.buffer_len()];
    attributes.emit(&mut bytes);
    bytes.into()
}

fn push_owner(attributes: &mut Vec<RouteAttribute>, owner: Ownership) {
    if u8::try_from(owner.table).is_err() {
        attributes.push(RouteAttribute::Table(owner.table));
    }
    attributes.push(RouteAttribute::Priority(owner.metric));
}

/// The gateway of a leg: `RTA_VIA` when an IPv4 route has an IPv6 gateway (RFC 8950).
fn push_gateway(attributes: &mut Vec<RouteAttribute>, leg: &Leg, v4: bool) {
    match leg.gateway {
        Some(IpAddr::V6(gateway)) if v4 => {
            attributes.push(RouteAttribute::Via(RouteVia::Inet6(gateway)));
        }
        Some(IpAddr::V4(gateway)) => {
            attributes.push(RouteAttribute::Gateway(RouteAddress::Inet(gateway)));
        }
        Some(IpAddr::V6(gateway)) => {
            attributes.push(RouteAttribute::Gateway(RouteAddress::Inet6(gateway)));
        }
        None => {}
    }
}

fn push_legs(attributes: &mut Vec<RouteAttribute>, legs: &[Leg], v4: bool) {
    if let [leg] = legs {
        push_gateway(attributes, leg, v4);
        attributes.push(RouteAttribute::Oif(leg.ifindex));
        return;
    }
    let hops = legs.iter().map(|leg| {
        let mut hop = RouteNextHop::default();
        hop.interface_index = leg.ifindex;
        // rtnh_hops is the weight less one.
        hop.hops = u8::try_from(leg.weight.saturating_sub(1)).unwrap_or(u8::MAX);
        if leg.onlink {
            hop.flags = RouteNextHopFlags::Onlink;
        }
        push_gateway(&mut hop.attributes, leg, v4);
        hop
    });
    attributes.push(RouteAttribute::MultiPath(hops.collect()));
}

/// The header of a netlink message.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Header {
    pub(crate) length: usize,
    pub(crate) kind: u16,
    pub(crate) flags: u16,
    pub(crate) seq: u32,
    pub(crate) port: u32,
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

/// Splits what one `recv` gave into messages: header and payload.
pub(crate) fn messages(mut bytes: &[u8]) -> impl Iterator<Item = (Header, &[u8])> {
    std::iter::from_fn(move || {
        let header = Header {
            length: u32_at(bytes, 0)? as usize,
            kind: u16_at(bytes, 4)?,
            flags: u16_at(bytes, 6)?,
            seq: u32_at(bytes, 8)?,
            port: u32_at(bytes, 12)?,
        };
        let payload = bytes.get(HEADER..header.length)?;
        bytes = bytes
            .get(header.length.next_multiple_of(4)..)
            .unwrap_or_default();
        Some((header, payload))
    })
}

/// The payload of `NLMSG_ERROR`: `None` is an acknowledgement.
pub(crate) fn parse_error(header: &Header, payload: &[u8]) -> Option<KernelRefusal> {
    let code = i32::from_ne_bytes(payload.get(..4)?.try_into().ok()?);
    if code == 0 {
        return None;
    }
    let mut message = None;
    if header.flags & NLM_F_ACK_TLVS != 0 {
        // The offending message's header follows, and all of it unless capped.
        let inner = u32_at(payload, 4).unwrap_or(0) as usize;
        let skip = if header.flags & NLM_F_CAPPED == 0 {
            inner.max(HEADER)
        } else {
            HEADER
        };
        let rest = payload
            .get(4 + skip.next_multiple_of(4)..)
            .unwrap_or_default();
        for nla in NlasIterator::new(rest).flatten() {
            if nla.kind() == NLMSGERR_ATTR_MSG {
                let text = String::from_utf8_lossy(nla.value());
                message = Some(text.trim_end_matches('\0').into());
            }
        }
    }
    Some(KernelRefusal {
        errno: code.saturating_neg(),
        message,
    })
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(Ipv4Addr::from(<[u8; 4]>::try_from(bytes).ok()?).into()),
        16 => Some(Ipv6Addr::from(<[u8; 16]>::try_from(bytes).ok()?).into()),
        _ => None,
    }
}

/// `struct rtvia`: family, then the address.
fn via(bytes: &[u8]) -> Option<IpAddr> {
    address(bytes.get(2..)?)
}

fn attributes(bytes: &[u8]) -> impl Iterator<Item = NlaBuffer<&[u8]>> {
    NlasIterator::new(bytes).map_while(Result::ok)
}

/// Reads a route message; `None` if it is none of ours or anyone's: another family, or an entry of
/// the route cache.
pub(crate) fn parse_route(payload: &[u8]) -> Option<KernelRoute> {
    let head = payload.get(..ROUTE_HEADER)?;
    let (family, length, tos, table8) = (head[0], head[1], head[3], head[4]);
    let (protocol, kind, flags) = (head[5], head[7], u32_at(head, 8)?);
    if flags & RTM_F_CLONED != 0 {
        return None;
    }
    let mut destination = None;
    let mut table = u32::from(table8);
    let (mut metric, mut nexthop_id, mut encapsulated) = (0, 0, false);
    let mut single = Leg {
        onlink: flags & u32::from(RTNH_F_ONLINK) != 0,
        ..Leg::new(None, 0)
    };
    let mut legs = Legs::new();
    for nla in attributes(payload.get(ROUTE_HEADER..)?) {
        let value = nla.value();
        match nla.kind() {
            RTA_DST => destination = address(value),
            RTA_TABLE => table = u32_at(value, 0)?,
            RTA_PRIORITY => metric = u32_at(value, 0)?,
            RTA_GATEWAY => single.gateway = address(value),
            RTA_VIA => single.gateway = via(value),
            RTA_OIF => single.ifindex = u32_at(value, 0)?,
            RTA_NH_ID => nexthop_id = u32_at(value, 0)?,
            RTA_ENCAP | RTA_ENCAP_TYPE => encapsulated = true,
            RTA_MULTIPATH => encapsulated |= parse_multipath(value, &mut legs)?,
            _ => {}
        }
    }
    let prefix: IpNet = match (i32::from(family), destination) {
        (libc::AF_INET, Some(IpAddr::V4(a))) => Ipv4Net::new(a, length).ok()?.into(),
        (libc::AF_INET, None) => Ipv4Net::new(Ipv4Addr::UNSPECIFIED, length).ok()?.into(),
        (libc::AF_INET6, Some(IpAddr::V6(a))) => Ipv6Net::new(a, length).ok()?.into(),
        (libc::AF_INET6, None) => Ipv6Net::new(Ipv6Addr::UNSPECIFIED, length).ok()?.into(),
        _ => return None,
    };
    if legs.is_empty() && (single.ifindex != 0 || single.gateway.is_some()) {
        legs.push(single);
    }
    normalise(&mut legs);
    Some(KernelRoute {
        prefix,
        owner: Ownership {
            protocol,
            metric,
            table,
        },
        kind: RouteKind::from_raw(kind),
        tos,
        legs,
        encapsulated,
        nexthop_id,
    })
}

/// `struct rtnexthop` one after the other; whether one of them encapsulates.
fn parse_multipath(mut bytes: &[u8], legs: &mut Legs) -> Option<bool> {
    let mut encapsulated = false;
    while bytes.len() >= 8 {
        let length = usize::from(u16_at(bytes, 0)?);
        if length < 8 {
            return None;
        }
        let hops = bytes[3];
        let mut leg = Leg {
            weight: u16::from(hops) + 1,
            onlink: bytes[2] & RTNH_F_ONLINK != 0,
            ..Leg::new(None, u32_at(bytes, 4)?)
        };
        for nla in attributes(bytes.get(8..length)?) {
            match nla.kind() {
                RTA_GATEWAY => leg.gateway = address(nla.value()),
                RTA_VIA => leg.gateway = via(nla.value()),
                RTA_ENCAP | RTA_ENCAP_TYPE => encapsulated = true,
                _ => {}
            }
        }
        legs.push(leg);
        bytes = bytes.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Some(encapsulated)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::model::NextHopSets;

    fn round_trip(prefix: &str, legs: &[Leg], owner: Ownership) {
        let mut sets = NextHopSets::default();
        let set = sets.intern(legs);
        let op = FibOp {
            slot: 0,
            prefix: prefix.parse().unwrap(),
            owner,
            action: FibAction::Replace(set),
        };
        let mut out = Vec::new();
        let mut encoder = Encoder::default();
        encoder.encode(&op, legs, 7, false, &mut out);
        encoder.encode(&op, legs, 8, true, &mut out);
        let all: Vec<_> = messages(&out).collect();
        assert_eq!(all.len(), 2, "{prefix}");
        assert_eq!(all[0].0.flags & NLM_F_ACK, 0);
        assert_eq!(all[1].0.flags & NLM_F_ACK, NLM_F_ACK);
        for (n, (header, payload)) in all.iter().enumerate() {
            assert_eq!((header.kind, header.seq), (RTM_NEWROUTE, 7 + n as u32));
            let route = parse_route(payload).unwrap();
            assert_eq!(route.prefix, op.prefix);
            assert_eq!(route.owner, owner);
            assert_eq!(route.kind, RouteKind::Unicast);
            assert_eq!(route.legs.as_slice(), legs);
        }
    }

    #[test]
    fn what_is_written_reads_back_the_same() {
        let v4 = |s: &str, i| Leg::new(Some(s.parse().unwrap()), i);
        let us = Ownership::default();
        round_trip("10.0.0.0/8", &[v4("192.0.2.1", 3)], us);
        round_trip("0.0.0.0/0", &[v4("192.0.2.1", 3)], us);
        round_trip("10.0.0.0/24", &[v4("192.0.2.1", 3), v4("192.0.2.2", 4)], us);
        round_trip("10.0.0.0/24", &[v4("fe80::1", 3)], us);
        round_trip("10.0.0.0/24", &[v4("192.0.2.1", 3), v4("fe80::1", 4)], us);
        round_trip("2001:db8::/32", &[v4("fe80::1", 3)], us);
        round_trip("2001:db8::/32", &[v4("fe80::1", 3), v4("fe80::1", 4)], us);
        let onlink = Leg {
            onlink: true,
            ..v4("192.0.2.1", 3)
        };
        round_trip("10.0.0.0/8", &[onlink], us);
        round_trip("10.0.0.0/24", &[onlink, v4("192.0.2.2", 3)], us);
        round_trip(
            "2001:db8::1/128",
            &[v4("2001:db8:1::1", 3)],
            Ownership { table: 1000, ..us },
        );
    }

    #[test]
    fn a_removal_names_our_protocol_and_metric_and_no_gateway() {
        let owner = Ownership {
            protocol: 196,
            metric: 300,
            table: 254,
        };
        let op = FibOp {
            slot: 0,
            prefix: "10.0.0.0/8".parse().unwrap(),
            owner,
            action: FibAction::Delete,
        };
        let mut out = Vec::new();
        Encoder::default().encode(&op, &[], 1, true, &mut out);
        let (header, payload) = messages(&out).next().unwrap();
        assert_eq!(header.kind, RTM_DELROUTE);
        let route = parse_route(payload).unwrap();
        assert_eq!(route.owner, owner);
        assert!(route.legs.is_empty());
    }

    #[test]
    fn bytes_that_are_cut_or_lie_give_nothing() {
        let legs = [
            Leg::new(Some("192.0.2.1".parse().unwrap()), 3),
            Leg::new(Some("192.0.2.2".parse().unwrap()), 4),
        ];
        let set = NextHopSets::default().intern(&legs);
        let op = FibOp {
            slot: 0,
            prefix: "10.0.0.0/8".parse().unwrap(),
            owner: Ownership::default(),
            action: FibAction::Add(set),
        };
        let mut out = Vec::new();
        Encoder::default().encode(&op, &legs, 1, true, &mut out);
        for cut in 0..out.len() {
            assert_eq!(messages(&out[..cut]).count(), 0, "cut at {cut}");
            let _ = parse_route(&out[HEADER.min(cut)..cut]);
        }
        for at in 0..out.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bad = out.clone();
                bad[at] = value;
                for (header, payload) in messages(&bad) {
                    let _ = parse_route(payload);
                    let _ = parse_error(&header, payload);
                }
            }
        }
    }

    #[test]
    fn the_sentence_of_the_kernel_is_found_behind_the_capped_message() {
        let mut payload = (-libc::EINVAL).to_ne_bytes().to_vec();
        payload.extend_from_slice(&[0; 16]);
        let text = b"Nexthop has invalid gateway\0";
        payload.extend_from_slice(&(4 + text.len() as u16).to_ne_bytes());
        payload.extend_from_slice(&1u16.to_ne_bytes());
        payload.extend_from_slice(text);
        let header = Header {
            length: 0,
            kind: 2,
            flags: NLM_F_CAPPED | NLM_F_ACK_TLVS,
            seq: 1,
            port: 1,
        };
        let refusal = parse_error(&header, &payload).unwrap();
        assert_eq!(refusal.errno, libc::EINVAL);
        assert_eq!(
            refusal.message.as_deref(),
            Some("Nexthop has invalid gateway")
        );
    }
}
