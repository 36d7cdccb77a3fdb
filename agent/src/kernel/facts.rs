//! Link and address messages: the few fields that routes care for.
//!
//! Pure. Read with the header types of netlink-packet-route, but attribute by attribute: a driver
//! with an attribute that nobody knows must not hide its link.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use netlink_packet_core::NlasIterator;
use netlink_packet_route::address::{AddressHeader, AddressHeaderFlags};
use netlink_packet_route::link::{LinkFlags, LinkHeader, LinkLayerType};

use super::message::{HEADER, Header, RTM_DELROUTE, RTM_NEWROUTE, RTNH_F_ONLINK, parse_route};
use super::model::{Address, KernelEvent, Leg, Link, NexthopObject};

const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
/// `RTM_GETLINK`.
pub(crate) const RTM_GETLINK: u16 = 18;
const RTM_NEWADDR: u16 = 20;
const RTM_DELADDR: u16 = 21;
/// `RTM_GETADDR`.
pub(crate) const RTM_GETADDR: u16 = 22;

const RTM_NEWNEXTHOP: u16 = 104;
const RTM_DELNEXTHOP: u16 = 105;
/// `RTM_GETNEXTHOP`.
pub(crate) const RTM_GETNEXTHOP: u16 = 106;
const NLM_F_REPLACE: u16 = 0x100;
const LINK_HEADER: usize = 16;
const ADDRESS_HEADER: usize = 8;
const NEXTHOP_HEADER: usize = 8;
const NHA_ID: u16 = 1;
const NHA_GROUP: u16 = 2;
const NHA_OIF: u16 = 5;
const NHA_GATEWAY: u16 = 6;
const NHA_ENCAP: u16 = 8;
const IFLA_ADDRESS: u16 = 1;
const IFLA_IFNAME: u16 = 3;
const IFA_ADDRESS: u16 = 1;
const IFA_LOCAL: u16 = 2;
/// Bridges tell of their ports with this family: changes of the bridge, not of the link.
const AF_BRIDGE: u8 = 7;

/// What a notification or an entry of a dump says; `None` if it says nothing to us.
pub(crate) fn parse(header: &Header, payload: &[u8]) -> Option<KernelEvent> {
    match header.kind {
        RTM_NEWROUTE => Some(KernelEvent::Route {
            route: parse_route(payload)?,
            replaced: header.flags & NLM_F_REPLACE != 0,
        }),
        RTM_DELROUTE => parse_route(payload).map(KernelEvent::RouteGone),
        RTM_NEWLINK | RTM_DELLINK => {
            if *payload.first()? == AF_BRIDGE {
                return None;
            }
            let link = parse_link(payload)?;
            Some(match header.kind {
                RTM_NEWLINK => KernelEvent::Link(link),
                _ => KernelEvent::LinkGone(link.ifindex),
            })
        }
        RTM_NEWADDR | RTM_DELADDR => {
            let (ifindex, address, usable) = parse_address(payload)?;
            Some(match header.kind {
                // An address that is not known to be ours alone (RFC 4862 §5.4) is as good as none; the kernel tells of it again
                // when it is.
                RTM_NEWADDR if usable => KernelEvent::Address { ifindex, address },
                _ => KernelEvent::AddressGone {
                    ifindex,
                    address: address.net,
                },
            })
        }
        RTM_NEWNEXTHOP => parse_nexthop(payload).map(KernelEvent::Nexthop),
        RTM_DELNEXTHOP => parse_nexthop(payload).map(|n| KernelEvent::NexthopGone(n.id)),
        _ => None,
    }
}

/// `struct nhmsg`, then attributes. netlink-packet-route does not know nexthop objects.
fn parse_nexthop(payload: &[u8]) -> Option<NexthopObject> {
    let word = |bytes: &[u8]| Some(u32::from_ne_bytes(bytes.get(..4)?.try_into().ok()?));
    let mut object = NexthopObject::default();
    let onlink = word(payload.get(4..)?)? & u32::from(RTNH_F_ONLINK) != 0;
    let (mut gateway, mut ifindex, mut encapsulated) = (None, 0, false);
    for nla in NlasIterator::new(payload.get(NEXTHOP_HEADER..)?).map_while(Result::ok) {
        let value = nla.value();
        match nla.kind() {
            NHA_ID => object.id = word(value)?,
            NHA_OIF => ifindex = word(value)?,
            NHA_GATEWAY => gateway = ip(value),
            NHA_ENCAP => encapsulated = true,
            // `struct nexthop_grp`: id, weight less one, its upper half, reserved.
            NHA_GROUP => {
                for member in value.chunks_exact(8) {
                    let weight = u16::from(member[4]) | u16::from(member[5]) << 8;
                    object
                        .members
                        .push((word(member)?, weight.saturating_add(1)));
                }
            }
            _ => {}
        }
    }
    if ifindex != 0 && !encapsulated {
        object.leg = Some(Leg {
            onlink,
            ..Leg::new(gateway, ifindex)
        });
    }
    (object.id != 0).then_some(object)
}

fn parse_link(payload: &[u8]) -> Option<Link> {
    let header = LinkHeader::parse(payload).ok()?;
    let mut name: Option<Arc<str>> = None;
    let mut ethernet = None;
    for nla in NlasIterator::new(payload.get(LINK_HEADER..)?).map_while(Result::ok) {
        match nla.kind() {
            IFLA_IFNAME => {
                let text = String::from_utf8_lossy(nla.value());
                name = Some(text.trim_end_matches('\0').into());
            }
            IFLA_ADDRESS if header.link_layer_type == LinkLayerType::Ether => {
                ethernet = nla.value().try_into().ok();
            }
            _ => {}
        }
    }
    Some(Link {
        ifindex: header.index,
        name: name.unwrap_or_else(|| format!("if{}", header.index).into()),
        admin_up: header.flags.contains(LinkFlags::Up),
        carrier: header.flags.contains(LinkFlags::Running),
        ethernet,
    })
}

/// An address, the link that it is on, and whether it can be used.
fn parse_address(payload: &[u8]) -> Option<(u32, Address, bool)> {
    let header = AddressHeader::parse(payload).ok()?;
    let unproven = AddressHeaderFlags::Tentative | AddressHeaderFlags::Dadfailed;
    let usable =
        !header.flags.intersects(unproven) || header.flags.contains(AddressHeaderFlags::Optimistic);
    let (mut local, mut address) = (None, None);
    for nla in NlasIterator::new(payload.get(ADDRESS_HEADER..)?).map_while(Result::ok) {
        match nla.kind() {
            IFA_LOCAL => local = ip(nla.value()),
            IFA_ADDRESS => address = ip(nla.value()),
            _ => {}
        }
    }
    // On a point-to-point link IFA_ADDRESS is the other end.
    let own = local.or(address)?;
    let address = Address {
        net: IpNet::new(own, header.prefix_len).ok()?,
        deprecated: header.flags.contains(AddressHeaderFlags::Deprecated),
    };
    Some((header.index, address, usable))
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    match bytes.len() {
        4 => Some(IpAddr::from(<[u8; 4]>::try_from(bytes).ok()?)),
        16 => Some(IpAddr::from(<[u8; 16]>::try_from(bytes).ok()?)),
        _ => None,
    }
}

/// A dump request: header and the fixed part of the message, all zero but for the family.
pub(crate) fn dump_request(kind: u16, family: u8, seq: u32) -> Vec<u8> {
    let body = match kind {
        RTM_GETLINK => LINK_HEADER,
        RTM_GETADDR => ADDRESS_HEADER,
        RTM_GETNEXTHOP => NEXTHOP_HEADER,
        _ => 12,
    };
    let mut out = vec![0; HEADER + body];
    let length = u32::try_from(out.len()).expect("a request of 28 bytes");
    let mut header = netlink_packet_core::NetlinkHeader::default();
    header.length = length;
    header.message_type = kind;
    header.flags = netlink_packet_core::NLM_F_REQUEST | netlink_packet_core::NLM_F_DUMP;
    header.sequence_number = seq;
    netlink_packet_core::Emitable::emit(&header, &mut out[..HEADER]);
    out[HEADER] = family;
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header(kind: u16) -> Header {
        Header {
            length: 0,
            kind,
            flags: 0,
            seq: 0,
            port: 0,
        }
    }

    fn attribute(out: &mut Vec<u8>, kind: u16, value: &[u8]) {
        out.extend_from_slice(&(4 + value.len() as u16).to_ne_bytes());
        out.extend_from_slice(&kind.to_ne_bytes());
        out.extend_from_slice(value);
        out.resize(out.len().next_multiple_of(4), 0);
    }

    #[test]
    fn a_link_with_an_attribute_that_nobody_knows_is_read() {
        let mut m = vec![0; LINK_HEADER];
        m[4] = 9;
        m[8] = (libc::IFF_UP | libc::IFF_RUNNING) as u8;
        m[2] = libc::ARPHRD_ETHER as u8;
        attribute(&mut m, 999, &[1, 2, 3]);
        attribute(&mut m, IFLA_IFNAME, b"tor0\0");
        attribute(&mut m, IFLA_ADDRESS, &[2, 0, 0, 0, 0, 9]);
        let link = Link {
            ifindex: 9,
            name: "tor0".into(),
            admin_up: true,
            carrier: true,
            ethernet: Some([2, 0, 0, 0, 0, 9]),
        };
        assert_eq!(
            parse(&header(RTM_NEWLINK), &m),
            Some(KernelEvent::Link(link))
        );
        assert_eq!(
            parse(&header(RTM_DELLINK), &m),
            Some(KernelEvent::LinkGone(9))
        );
        m[0] = AF_BRIDGE;
        assert_eq!(
            parse(&header(RTM_DELLINK), &m),
            None,
            "a bridge port is not the link"
        );
    }

    #[test]
    fn our_end_of_a_point_to_point_link_is_the_address() {
        let mut m = vec![libc::AF_INET as u8, 32, 0, 0, 7, 0, 0, 0];
        attribute(&mut m, IFA_ADDRESS, &[10, 0, 0, 2]);
        attribute(&mut m, IFA_LOCAL, &[10, 0, 0, 1]);
        let address = "10.0.0.1/32".parse::<IpNet>().unwrap().into();
        let event = KernelEvent::Address {
            ifindex: 7,
            address,
        };
        assert_eq!(parse(&header(RTM_NEWADDR), &m), Some(event));
    }

    /// linux/if_addr.h: IFA_F_DADFAILED 0x08, IFA_F_TENTATIVE 0x40, IFA_F_OPTIMISTIC 0x04, IFA_F_PERMANENT 0x80, IFA_F_DEPRECATED
    /// 0x20.
    #[test]
    fn an_address_that_may_be_somebody_elses_is_as_good_as_none() {
        for (flags, usable) in [
            (0x80, true),
            (0xc0, false),
            (0xc8, false),
            (0x88, false),
            (0xc4, true),
            (0x20, true),
            (0xa0, true),
        ] {
            let mut m = vec![libc::AF_INET6 as u8, 64, flags, 0, 7, 0, 0, 0];
            attribute(
                &mut m,
                IFA_ADDRESS,
                &[0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
            );
            let (ifindex, net) = (7, "fd00::1/64".parse().unwrap());
            let deprecated = flags & 0x20 != 0;
            let event = match usable {
                true => KernelEvent::Address {
                    ifindex,
                    address: Address { net, deprecated },
                },
                false => KernelEvent::AddressGone {
                    ifindex,
                    address: net,
                },
            };
            assert_eq!(parse(&header(RTM_NEWADDR), &m), Some(event), "{flags:#x}");
        }
    }
}
