//! A captured packet to its TCP segment.
//!
//! Ethernet with any number of VLAN tags up to three (802.1Q, 802.1ad), Linux cooked captures of both
//! versions, the loopback of BSD, and IP without a link layer; IPv4 and IPv6 with their extension
//! headers. A packet that was captured in part gives the part. Fragments are not put together: speakers
//! of BGP find their path MTU, so one that is seen is treated like a segment that was lost.
//!
//! Sessions that run through a tunnel are found within it: IP in IP, GRE, VXLAN, Geneve, MPLS and PPPoE, one in
//! another up to [`MAX_TUNNELS`].

use std::net::{IpAddr, SocketAddr};

use etherparse::{EtherType, IpNumber, LaxNetSlice, LaxSlicedPacket, TransportSlice};
use pcap_parser::Linktype;

/// A TCP segment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segment<'a> {
    /// Who sent it.
    pub from: SocketAddr,
    /// Who it was for.
    pub to: SocketAddr,
    /// The sequence number of its first octet.
    pub sequence: u32,
    /// What the sender has received, if it says so.
    pub acknowledged: Option<u32>,
    /// The connection begins.
    pub syn: bool,
    /// The sender has nothing more to say.
    pub fin: bool,
    /// The connection is over.
    pub rst: bool,
    /// What it carries.
    pub payload: &'a [u8],
}

/// What a segment came through.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Tunnel {
    /// IPv4 or IPv6 in either (RFC 2003, RFC 2473, RFC 4213).
    IpInIp,
    /// RFC 2784, RFC 2890.
    Gre,
    /// RFC 7348.
    Vxlan,
    /// RFC 8926.
    Geneve,
    /// Labels between the link layer and IP (RFC 3032).
    Mpls,
    /// RFC 2516.
    Pppoe,
}

impl Tunnel {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::IpInIp => "IP in IP",
            Self::Gre => "GRE",
            Self::Vxlan => "VXLAN",
            Self::Geneve => "Geneve",
            Self::Mpls => "MPLS",
            Self::Pppoe => "PPPoE",
        }
    }
}

/// Tunnels in each other that are followed.
const MAX_TUNNELS: usize = 4;
/// The registered ports of VXLAN and Geneve, and the one that Linux had for VXLAN before.
const VXLAN_PORTS: [u16; 2] = [4789, 8472];
const GENEVE_PORT: u16 = 6081;
/// The EtherType of a whole frame of Ethernet (RFC 1701).
const TRANSPARENT_BRIDGING: u16 = 0x6558;

/// The link layers that are understood, by their number in the file.
fn ip_of(link: Linktype, packet: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    match link {
        Linktype::ETHERNET => LaxSlicedPacket::from_ethernet(packet).ok(),
        // Type, ARPHRD, length and address, protocol.
        Linktype::LINUX_SLL => {
            let (head, rest) = packet.split_at_checked(16)?;
            ether_type(head.get(14..16)?, rest)
        }
        // Protocol, reserved, interface, ARPHRD, type, length and address.
        Linktype::LINUX_SLL2 => {
            let (head, rest) = packet.split_at_checked(20)?;
            ether_type(head.get(..2)?, rest)
        }
        // Four octets of address family in the order of whoever captured. The version is in the IP header.
        Linktype::NULL | Linktype::LOOP => ip(packet.get(4..)?),
        // LINKTYPE_RAW, LINKTYPE_IPV4 and LINKTYPE_IPV6, and the two DLT_RAW of the systems.
        Linktype(101 | 228 | 229 | 12 | 14) => ip(packet),
        _ => None,
    }
}

/// Whether packets of this link layer are understood.
pub fn is_supported(link: Linktype) -> bool {
    matches!(
        link,
        Linktype::ETHERNET
            | Linktype::LINUX_SLL
            | Linktype::LINUX_SLL2
            | Linktype::NULL
            | Linktype::LOOP
            | Linktype(101 | 228 | 229 | 12 | 14)
    )
}

fn ether_type<'a>(kind: &[u8], rest: &'a [u8]) -> Option<LaxSlicedPacket<'a>> {
    let kind = u16::from_be_bytes(*kind.first_chunk()?);
    Some(LaxSlicedPacket::from_ether_type(EtherType(kind), rest))
}

fn ip(packet: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    LaxSlicedPacket::from_ip(packet).ok()
}

/// The packet that another one carries.
fn inner<'a>(outer: &LaxSlicedPacket<'a>) -> Option<(Tunnel, LaxSlicedPacket<'a>)> {
    let carried = match &outer.net {
        None => return behind_link(outer),
        Some(LaxNetSlice::Ipv4(ip)) => ip.payload(),
        Some(LaxNetSlice::Ipv6(ip)) => ip.payload(),
        Some(LaxNetSlice::Arp(_)) => return None,
    };
    if carried.fragmented {
        return None;
    }
    match carried.ip_number {
        IpNumber::IPV4 | IpNumber::IPV6 => Some((Tunnel::IpInIp, ip(carried.payload)?)),
        IpNumber::GRE => Some((Tunnel::Gre, gre(carried.payload)?)),
        _ => {
            let Some(TransportSlice::Udp(udp)) = &outer.transport else {
                return None;
            };
            let port = udp.destination_port();
            if VXLAN_PORTS.contains(&port) {
                // Flags, reserved, VNI, reserved (RFC 7348 section 5): the VNI has to be there.
                let (head, frame) = udp.payload().split_at_checked(8)?;
                let valid = head.first()? & 0x08 != 0;
                let frame = valid.then_some(frame)?;
                Some((Tunnel::Vxlan, LaxSlicedPacket::from_ethernet(frame).ok()?))
            } else if port == GENEVE_PORT {
                Some((Tunnel::Geneve, geneve(udp.payload())?))
            } else {
                None
            }
        }
    }
}

/// The IP packet of a frame that has something else in front of it.
fn behind_link<'a>(frame: &LaxSlicedPacket<'a>) -> Option<(Tunnel, LaxSlicedPacket<'a>)> {
    let payload = frame.ether_payload()?;
    match payload.ether_type.0 {
        0x8847 | 0x8848 => Some((Tunnel::Mpls, mpls(payload.payload)?)),
        0x8864 => Some((Tunnel::Pppoe, pppoe(payload.payload)?)),
        _ => None,
    }
}

/// RFC 3032 section 2.1: entries of four octets up to the bottom of the stack. What is behind it, no field
/// says; of IP, the version.
fn mpls(mut stack: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    const BOTTOM: u8 = 1;
    loop {
        let ([_, _, third, _], rest) = stack.split_first_chunk()?;
        if third & BOTTOM != 0 {
            return ip(rest);
        }
        stack = rest;
    }
}

/// RFC 2516 section 4: version and type, code 0 of a session, its number, a length; RFC 1661 section 2 in
/// its short form: the protocol.
fn pppoe(packet: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    let (head, payload) = packet.split_first_chunk()?;
    match head {
        [0x11, 0, _, _, _, _, 0x00, 0x21 | 0x57] => ip(payload),
        [0x11, 0, _, _, _, _, 0x02, 0x81 | 0x83] => mpls(payload),
        _ => None,
    }
}

/// RFC 2784 section 2.1, RFC 2890 section 2: flags and version, type, and for each of three flags four octets.
fn gre(packet: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    const OPTIONAL: u8 = 0x80 | 0x20 | 0x10;
    let [flags, version, kind @ ..] = packet.first_chunk::<4>()?;
    let optional = usize::try_from((flags & OPTIONAL).count_ones()).ok()?;
    let payload = packet.get(4 + 4 * optional..)?;
    (version & 7 == 0).then(|| of_type(*kind, payload))?
}

/// RFC 8926 section 3.4: version and length of the options in words, flags, type, VNI, reserved.
fn geneve(packet: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    let [first, _, kind @ ..] = packet.first_chunk::<4>()?;
    let options = usize::from(first & 0x3f) * 4;
    let payload = packet.get(8 + options..)?;
    (first >> 6 == 0).then(|| of_type(*kind, payload))?
}

fn of_type(kind: [u8; 2], payload: &[u8]) -> Option<LaxSlicedPacket<'_>> {
    match u16::from_be_bytes(kind) {
        TRANSPARENT_BRIDGING => LaxSlicedPacket::from_ethernet(payload).ok(),
        _ => ether_type(&kind, payload),
    }
}

/// The TCP segment of a packet; `None` if it has none that can be read.
pub fn segment(link: Linktype, packet: &[u8]) -> Option<Segment<'_>> {
    carried(link, packet).map(|(segment, _)| segment)
}

/// The TCP segment of a packet, and the innermost tunnel that it came through.
pub fn carried(link: Linktype, packet: &[u8]) -> Option<(Segment<'_>, Option<Tunnel>)> {
    let mut sliced = ip_of(link, packet)?;
    let mut through = None;
    for _ in 0..MAX_TUNNELS {
        let Some((tunnel, inner)) = inner(&sliced) else {
            break;
        };
        (through, sliced) = (Some(tunnel), inner);
    }
    segment_of(&sliced).map(|segment| (segment, through))
}

fn segment_of<'a>(sliced: &LaxSlicedPacket<'a>) -> Option<Segment<'a>> {
    let (from, to): (IpAddr, IpAddr) = match sliced.net.as_ref()? {
        LaxNetSlice::Ipv4(ip) => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        LaxNetSlice::Ipv6(ip) => {
            let header = ip.header();
            (
                header.source_addr().into(),
                header.destination_addr().into(),
            )
        }
        LaxNetSlice::Arp(_) => return None,
    };
    let Some(TransportSlice::Tcp(tcp)) = &sliced.transport else {
        return None;
    };
    Some(Segment {
        from: SocketAddr::new(from, tcp.source_port()),
        to: SocketAddr::new(to, tcp.destination_port()),
        sequence: tcp.sequence_number(),
        acknowledged: tcp.ack().then(|| tcp.acknowledgment_number()),
        syn: tcp.syn(),
        fin: tcp.fin(),
        rst: tcp.rst(),
        payload: tcp.payload(),
    })
}

#[cfg(test)]
mod tests {
    use etherparse::PacketBuilder;

    use super::*;

    fn tcp4(payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 255)
            .tcp(40000, 179, 7, 1000)
            .ack(9)
            .write(&mut packet, payload)
            .unwrap();
        packet
    }

    fn tcp6(payload: &[u8]) -> Vec<u8> {
        let mut packet = Vec::new();
        PacketBuilder::ipv6([0x20; 16], [0x21; 16], 255)
            .tcp(40000, 179, 7, 1000)
            .ack(9)
            .write(&mut packet, payload)
            .unwrap();
        packet
    }

    fn ethernet(tags: &[u16], kind: u16, ip: &[u8]) -> Vec<u8> {
        let mut frame = vec![2; 12];
        for tag in tags {
            frame.extend(tag.to_be_bytes());
            frame.extend([0, 100]);
        }
        frame.extend(kind.to_be_bytes());
        frame.extend(ip);
        frame
    }

    #[test]
    fn every_link_layer_leads_to_the_segment() {
        let (v4, v6) = (tcp4(b"hello"), tcp6(b"hello"));
        let sll = |kind: [u8; 2], ip: &[u8]| [&[0; 14][..], &kind, ip].concat();
        let sll2 = |kind: [u8; 2], ip: &[u8]| [&kind[..], &[0; 18], ip].concat();
        for (name, link, packet) in [
            ("Ethernet", 1, ethernet(&[], 0x0800, &v4)),
            (
                "padded Ethernet",
                1,
                [ethernet(&[], 0x0800, &v4), vec![0; 9]].concat(),
            ),
            ("VLAN", 1, ethernet(&[0x8100], 0x86dd, &v6)),
            ("QinQ", 1, ethernet(&[0x88a8, 0x8100], 0x86dd, &v6)),
            ("cooked", 113, sll([8, 0], &v4)),
            (
                "cooked with VLAN",
                113,
                sll([0x81, 0], &[&[0, 5, 8, 0][..], &v4].concat()),
            ),
            ("cooked 2", 276, sll2([0x86, 0xdd], &v6)),
            ("BSD loopback", 0, [&[2, 0, 0, 0][..], &v4].concat()),
            ("OpenBSD loopback", 108, [&[0, 0, 0, 24][..], &v6].concat()),
            ("raw", 101, v4.clone()),
            ("IPv6", 229, v6.clone()),
        ] {
            assert!(is_supported(Linktype(link)), "{name}");
            let segment = segment(Linktype(link), &packet).expect(name);
            assert_eq!(segment.payload, b"hello", "{name}");
            assert_eq!(
                (
                    segment.from.port(),
                    segment.to.port(),
                    segment.sequence,
                    segment.acknowledged
                ),
                (40000, 179, 7, Some(9)),
                "{name}"
            );
        }
    }

    /// RFC 3032 §2.1: label, three bits, bottom of stack, TTL. RFC 2516 §4: version and type 1, code 0, session,
    /// length, and the protocol of PPP: 0x0021 IPv4, 0x0057 IPv6, 0x0281 MPLS.
    #[test]
    fn labels_and_sessions_of_ppp_in_front_of_ip_are_passed() {
        const LABELS: [u8; 8] = [0, 6, 0x40, 64, 0, 6, 0x51, 64];
        let (v4, v6) = (tcp4(b"hello"), tcp6(b"hello"));
        let labelled = [&LABELS[..], &v4].concat();
        let ppp = |protocol: [u8; 2], packet: &[u8]| {
            let length = u16::try_from(packet.len() + 2).unwrap().to_be_bytes();
            [&[0x11, 0, 0, 7][..], &length, &protocol, packet].concat()
        };
        let explicit_null = [&[0, 0, 0x21, 64][..], &v6].concat();
        for (name, tunnel, packet) in [
            ("two labels", Tunnel::Mpls, ethernet(&[], 0x8847, &labelled)),
            (
                "one in a VLAN",
                Tunnel::Mpls,
                ethernet(&[0x8100], 0x8847, &explicit_null),
            ),
            (
                "PPPoE",
                Tunnel::Pppoe,
                ethernet(&[], 0x8864, &ppp([0, 0x21], &v4)),
            ),
            (
                "IPv6",
                Tunnel::Pppoe,
                ethernet(&[], 0x8864, &ppp([0, 0x57], &v6)),
            ),
            (
                "MPLS",
                Tunnel::Pppoe,
                ethernet(&[], 0x8864, &ppp([2, 0x81], &labelled)),
            ),
        ] {
            let (segment, through) = carried(Linktype::ETHERNET, &packet).expect(name);
            assert_eq!(
                (segment.payload, through),
                (&b"hello"[..], Some(tunnel)),
                "{name}"
            );
        }
        let unending = ethernet(&[], 0x8847, &LABELS[..4]);
        assert_eq!(carried(Linktype::ETHERNET, &unending), None);
        let discovery = ethernet(&[], 0x8863, &ppp([0, 0x21], &v4));
        assert_eq!(carried(Linktype::ETHERNET, &discovery), None);
    }

    /// RFC 8200 §4: hop-by-hop options, destination options and routing in front of TCP.
    #[test]
    fn extension_headers_are_passed() {
        let plain = tcp6(b"hello");
        let mut packet = plain[..40].to_vec();
        let extensions = [
            [60, 0, 1, 4, 0, 0, 0, 0],
            [43, 0, 1, 4, 0, 0, 0, 0],
            [6, 0, 4, 0, 0, 0, 0, 0],
        ];
        packet[6] = 0;
        packet.extend(extensions.concat());
        packet.extend(&plain[40..]);
        let length = u16::from_be_bytes([packet[4], packet[5]]) + 24;
        packet[4..6].copy_from_slice(&length.to_be_bytes());
        assert_eq!(segment(Linktype::RAW, &packet).unwrap().payload, b"hello");
    }

    #[test]
    fn a_packet_captured_in_part_gives_the_part() {
        let packet = tcp4(b"hello");
        let cut = &packet[..packet.len() - 2];
        assert_eq!(segment(Linktype(101), cut).unwrap().payload, b"hel");
        for length in 0..40 {
            assert_eq!(segment(Linktype(101), &packet[..length]), None);
        }
    }

    #[test]
    fn what_is_no_tcp_is_passed_over() {
        let mut udp = Vec::new();
        PacketBuilder::ipv4([192, 0, 2, 1], [192, 0, 2, 2], 255)
            .udp(1, 2)
            .write(&mut udp, b"x")
            .unwrap();
        assert_eq!(segment(Linktype(101), &udp), None);
        assert_eq!(segment(Linktype(999), &tcp4(b"")), None);
        assert!(!is_supported(Linktype(999)));
        // The second fragment of a datagram.
        let mut fragment = tcp4(b"hello");
        fragment[7] = 5;
        assert_eq!(segment(Linktype(101), &fragment), None);
    }
}
