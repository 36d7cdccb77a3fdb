//! VPN-IPv4 and VPN-IPv6 routes (RFC 4364 §4.3, RFC 4659 §3.2): a label, a route distinguisher, a
//! prefix.

use std::fmt;
use std::str::FromStr;

use bytes::{BufMut, BytesMut};
use ipnet::{Ipv4Net, Ipv6Net};

use super::label::{self, Label};
use super::prefix::{self, IpPrefix};
use super::rd::RouteDistinguisher;
use super::{Counts, Form, Nlri, NlriBlock, labeled};
use crate::attribute::{LabelField, LabelFields};
use crate::input::{Input, Malformed};
use crate::text::{ParseTextError, parse};
use crate::{Family, Fields, Node, PathId};

/// A prefix of a VPN. Its label is a detail of the path.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Vpn<P> {
    /// Tells equal prefixes of different VPNs apart.
    pub rd: RouteDistinguisher,
    /// The prefix within the VPN.
    pub prefix: P,
}

const RD_OCTETS: usize = 8;
/// Bits in front of the prefix.
const BEFORE: usize = (label::OCTETS + RD_OCTETS) * 8;

pub(super) fn check_v4<'a>(
    input: Input<'a>,
    form: Form,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    labeled::check_ipv4(input, form, RD_OCTETS, counts)
}

pub(super) fn check_v6<'a>(
    input: Input<'a>,
    form: Form,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    labeled::check_ipv6(input, form, RD_OCTETS, counts)
}

pub(super) fn describe_v4(block: &NlriBlock<'_>) -> Vec<Node> {
    labeled::describe::<Ipv4Net>(block, RD_OCTETS, describe_rd)
}

pub(super) fn describe_v6(block: &NlriBlock<'_>) -> Vec<Node> {
    labeled::describe::<Ipv6Net>(block, RD_OCTETS, describe_rd)
}

pub(super) fn write_v4(block: &NlriBlock<'_>, withdraw: bool, out: &mut BytesMut) {
    labeled::write::<Ipv4Net>(block, RD_OCTETS, withdraw, out);
}

pub(super) fn write_v6(block: &NlriBlock<'_>, withdraw: bool, out: &mut BytesMut) {
    labeled::write::<Ipv6Net>(block, RD_OCTETS, withdraw, out);
}

fn describe_rd(bytes: &[u8], fields: &mut Fields) {
    if let Some(rd) = bytes.first_chunk().copied() {
        fields.text("rd", RouteDistinguisher(rd));
    }
}

impl<P: IpPrefix> Nlri for Vpn<P> {
    const FAMILIES: &'static [Family] = if P::MAX_BITS == Ipv4Net::MAX_BITS {
        &[Family::IPV4_VPN]
    } else {
        &[Family::IPV6_VPN]
    };
    type Detail = Label;

    fn wire_len(&self, _: &Label) -> usize {
        1 + label::OCTETS + RD_OCTETS + prefix::octets(self.prefix.bits())
    }

    fn encode(&self, label: &Label, out: &mut impl BufMut) {
        let bits = usize::from(self.prefix.bits()) + BEFORE;
        out.put_u8(u8::try_from(bits).unwrap_or(u8::MAX));
        out.put_slice(&label.to_bytes());
        out.put_slice(&self.rd.0);
        self.prefix.put_address(out);
    }

    #[inline]
    fn decode(input: &mut &[u8], form: Form, id: PathId) -> Option<(PathId, Self, Label)> {
        let (rd, prefix, label) = labeled::decode(input, form, RD_OCTETS)?;
        let rd = RouteDistinguisher(rd.first_chunk().copied()?);
        Some((id, Self { rd, prefix }, label))
    }

    #[inline]
    fn is_usable(&self) -> bool {
        !self.prefix.is_reserved()
    }

    fn withdrawn() -> Label {
        Label::WITHDRAWN
    }

    fn describe(&self, label: &Label, fields: &mut Fields) {
        fields.text("rd", self.rd);
        fields.text("prefix", self.prefix);
        fields.list("labels", [label.describe()]);
    }

    /// RFC 9252 §5.1, §5.2: the 20 bits of the label.
    fn label_fields(&self, label: &Label) -> LabelFields {
        LabelFields {
            l3: LabelField::Nlri(label.value(), 20),
            l2: LabelField::Absent,
        }
    }
}

/// `65000:100:10.0.0.0/8`: the route distinguisher, a colon, the prefix.
impl<P: fmt::Display> fmt::Display for Vpn<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.rd, self.prefix)
    }
}

impl<P: fmt::Display> fmt::Debug for Vpn<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Reads `65000:100:10.0.0.0/8`.
impl<P: IpPrefix> FromStr for Vpn<P> {
    type Err = ParseTextError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        parse(text, "VPN route", |scanner| {
            let rd = RouteDistinguisher::take(scanner)?;
            scanner.expect(":")?;
            let expected = match P::MAX_BITS {
                32 => "an IPv4 prefix such as `10.0.0.0/8`",
                _ => "an IPv6 prefix such as `2001:db8::/32`",
            };
            let prefix = scanner.whole(expected, |one| {
                one.is_ascii_hexdigit() || matches!(one, ':' | '.' | '/')
            })?;
            Ok(Self { rd, prefix })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::PathId;
    use crate::nlri::{put, spec};

    /// RFC 4364 §4.3.4: length 24 + 64 + 24, label 100 at the bottom, RD 0:65000:1, 10.1.2.0/24.
    const V4: [u8; 15] = [
        112, 0x00, 0x06, 0x41, 0, 0, 0xfd, 0xe8, 0, 0, 0, 1, 10, 1, 2,
    ];

    fn form(label_stack: bool, withdrawn: bool) -> Form {
        Form {
            label_stack,
            withdrawn,
            ..Form::default()
        }
    }

    #[test]
    fn a_vpnv4_route_octet_by_octet() {
        let block =
            NlriBlock::check(spec(Family::IPV4_VPN).unwrap(), Form::default(), &V4).unwrap();
        let all: Vec<_> = block.iter::<Vpn<Ipv4Net>>().collect();
        let route: Vpn<Ipv4Net> = "65000:1:10.1.2.0/24".parse().unwrap();
        assert_eq!(all, [(PathId(0), route, Label::new(100))]);
        assert_eq!(route.to_string(), "65000:1:10.1.2.0/24");
        let mut out = Vec::new();
        put(&mut out, false, PathId(0), &route, &Label::new(100));
        assert_eq!(out, V4);
        assert_eq!(route.wire_len(&Label::default()), V4.len());
    }

    #[test]
    fn vpnv6_texts_are_read_back() {
        for text in [
            "65000:1:2001:db8::/32",
            "192.0.2.1:7:::/0",
            "0x0003010203040506:2001:db8::1/128",
            "4200000000:9:fd00::/8",
        ] {
            let route: Vpn<Ipv6Net> = text.parse().unwrap();
            assert_eq!(route.to_string(), text);
        }
        for (text, character) in [
            ("", 1),
            ("65000:1", 8),
            ("65000:1:10.0.0.0/8", 9),
            ("65000::/0", 7),
            ("x:1:::/0", 1),
            ("65000:1:2001:db8::/129", 9),
            ("65000:1:2001:db8::/32 ", 22),
        ] {
            let error = text.parse::<Vpn<Ipv6Net>>().unwrap_err();
            assert_eq!(error.character(), character, "{error}");
        }
    }

    /// RFC 8277 §2.1: several labels where that was announced; §2.2: one elsewhere, whatever its
    /// bottom-of-stack bit; §2.4: one in a withdrawal.
    #[test]
    fn several_labels_are_read_where_they_were_announced() {
        let mut bytes = vec![136, 0x00, 0x01, 0x00];
        bytes.extend_from_slice(&V4[1..]);
        let family = spec(Family::IPV4_VPN).unwrap();
        let block = NlriBlock::check(family, form(true, false), &bytes).unwrap();
        let Some((_, route, label)) = block.iter::<Vpn<Ipv4Net>>().next() else {
            panic!("there is one");
        };
        assert_eq!(
            (route.to_string().as_str(), label.value()),
            ("65000:1:10.1.2.0/24", 16)
        );
        let [Node::Fields(fields)] = &block.describe()[..] else {
            panic!("there is one");
        };
        assert_eq!(
            fields.get("labels"),
            Some(&Node::List(vec![
                Node::Named(16, None),
                Node::Named(100, None)
            ]))
        );
        // The same octets with one label: the second is the start of the RD, and the prefix is too long.
        assert!(NlriBlock::check(family, form(false, false), &bytes).is_err());
        let withdrawn = [112, 0x80, 0, 0, 0, 0, 0xfd, 0xe8, 0, 0, 0, 1, 10, 1, 2];
        let block = NlriBlock::check(family, form(true, true), &withdrawn).unwrap();
        assert_eq!(
            block
                .iter::<Vpn<Ipv4Net>>()
                .next()
                .map(|(_, route, _)| route),
            Some(route)
        );
    }

    /// RFC 4271 §6.3: "the prefix SHOULD be ignored"; those beside it are used. BIRD judges prefixes of
    /// VPNs as it does others; FRR those of labelled unicast (`bgp_nlri_parse_label`).
    #[test]
    fn multicast_and_reserved_prefixes_are_passed_over() {
        let labeled = |head: &[u8], octets: &[u8], bits: u8| {
            let before = u8::try_from((3 + head.len()) * 8).unwrap();
            [&[before + bits, 0, 6, 0x41], head, octets].concat()
        };
        let rd = [0, 0, 0xfd, 0xe8, 0, 0, 0, 1];
        let v4: [(&[u8], u8); 7] = [
            (&[10, 1, 2], 24),
            (&[224], 4),
            (&[239, 1, 2, 3], 32),
            (&[127], 8),
            (&[], 0),
            (&[255, 255, 255, 255], 32),
            (&[223, 255], 16),
        ];
        let v6: [(&[u8], u8); 5] = [
            (&[0x20, 1, 0xd, 0xb8], 32),
            (&[0xff], 8),
            (&[0xff, 2], 16),
            (&[0xfe, 0x80], 10),
            (&[], 0),
        ];
        for (family, head, all, text) in [
            (
                Family::IPV4_VPN,
                &rd[..],
                &v4[..],
                "65000:1:10.1.2.0/24 65000:1:0.0.0.0/0 65000:1:223.255.0.0/16",
            ),
            (
                Family::IPV4_LABELED,
                &[],
                &v4,
                "10.1.2.0/24 0.0.0.0/0 223.255.0.0/16",
            ),
            (
                Family::IPV6_VPN,
                &rd,
                &v6,
                "65000:1:2001:db8::/32 65000:1:::/0",
            ),
            (Family::IPV6_LABELED, &[], &v6, "2001:db8::/32 ::/0"),
        ] {
            let bytes: Vec<u8> = all
                .iter()
                .flat_map(|(octets, bits)| labeled(head, octets, *bits))
                .collect();
            let spec = spec(family).unwrap();
            let block = NlriBlock::check(spec, Form::default(), &bytes).unwrap();
            let used = text.split(' ').count();
            assert_eq!(
                (block.len(), block.ignored()),
                (used, all.len() - used),
                "{family}"
            );
            assert_eq!(block.to_string(), text);
            assert_eq!(block.describe().len(), used, "{family}");
            let mut out = BytesMut::new();
            (spec.write)(&block, false, &mut out);
            let written = NlriBlock::check(spec, Form::default(), &out).unwrap();
            assert_eq!(written.to_string(), text);
            assert_eq!(written.ignored(), 0, "{family}");
        }
    }

    #[test]
    fn lengths_that_hold_no_prefix_are_refused() {
        let family = spec(Family::IPV4_VPN).unwrap();
        for (name, bytes) in [
            (
                "shorter than label and RD",
                &[87, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1][..],
            ),
            (
                "a prefix of 33 bits",
                &[121, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 10, 0, 0, 0, 0],
            ),
            ("cut", &V4[..14]),
            ("no label", &[8, 1]),
        ] {
            assert!(
                NlriBlock::check(family, Form::default(), bytes).is_err(),
                "{name}"
            );
        }
        let smallest = [88, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1];
        assert_eq!(
            NlriBlock::check(family, Form::default(), &smallest).map(|block| block.len()),
            Ok(1)
        );
    }
}
