//! Unicast and multicast prefixes of IPv4 and IPv6.

use bytes::BufMut;
use ipnet::{Ipv4Net, Ipv6Net};

use super::prefix::{self, IpPrefix};
use super::{Counts, Form, Nlri, reserved};
use crate::input::{Input, Malformed};
use crate::{Family, Fields, PathId};

pub(super) fn check_v4<'a>(
    input: Input<'a>,
    form: Form,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    prefix::check::<Ipv4Net>(input, form.add_path, reserved::is_v4, counts)
}

pub(super) fn check_v6<'a>(
    input: Input<'a>,
    form: Form,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    prefix::check::<Ipv6Net>(input, form.add_path, reserved::is_v6, counts)
}

/// Takes a prefix from the front.
#[inline]
fn decode<P: IpPrefix>(input: &mut &[u8]) -> Option<P> {
    let (&bits, rest) = input.split_first()?;
    *input = rest.get(prefix::octets(bits)..)?;
    P::from_wire(bits, rest)
}

impl Nlri for Ipv4Net {
    const FAMILIES: &'static [Family] = &[Family::IPV4_UNICAST, Family::IPV4_MULTICAST];
    type Detail = ();

    #[inline]
    fn wire_len(&self, (): &()) -> usize {
        1 + prefix::octets(self.prefix_len())
    }

    #[inline]
    fn encode(&self, (): &(), out: &mut impl BufMut) {
        out.put_u8(self.prefix_len());
        self.put_address(out);
    }

    #[inline]
    fn decode(input: &mut &[u8], _: Form, id: PathId) -> Option<(PathId, Self, ())> {
        decode(input).map(|net| (id, net, ()))
    }

    #[inline]
    fn is_usable(&self) -> bool {
        !self.is_reserved()
    }

    fn describe(&self, (): &(), fields: &mut Fields) {
        fields.text("prefix", self);
    }
}

impl Nlri for Ipv6Net {
    const FAMILIES: &'static [Family] = &[Family::IPV6_UNICAST, Family::IPV6_MULTICAST];
    type Detail = ();

    #[inline]
    fn wire_len(&self, (): &()) -> usize {
        1 + prefix::octets(self.prefix_len())
    }

    #[inline]
    fn encode(&self, (): &(), out: &mut impl BufMut) {
        out.put_u8(self.prefix_len());
        self.put_address(out);
    }

    #[inline]
    fn decode(input: &mut &[u8], _: Form, id: PathId) -> Option<(PathId, Self, ())> {
        decode(input).map(|net| (id, net, ()))
    }

    #[inline]
    fn is_usable(&self) -> bool {
        !self.is_reserved()
    }

    fn describe(&self, (): &(), fields: &mut Fields) {
        fields.text("prefix", self);
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv6Addr;

    use super::*;
    use crate::PathId;
    use crate::error::Reason;
    use crate::nlri::{NlriBlock, put, spec};

    fn block(family: Family, add_path: bool, bytes: &[u8]) -> Result<NlriBlock<'_>, Malformed<'_>> {
        let form = Form {
            add_path,
            ..Form::default()
        };
        NlriBlock::check(spec(family).unwrap(), form, bytes)
    }

    #[test]
    fn prefixes_of_every_length_round_trip() {
        let mut v4 = Vec::new();
        for bits in 0..=32 {
            put(
                &mut v4,
                true,
                PathId(bits.into()),
                &Ipv4Net::new([203, 0, 113, 255].into(), bits)
                    .unwrap()
                    .trunc(),
                &(),
            );
        }
        let read: Vec<_> = block(Family::IPV4_UNICAST, true, &v4)
            .unwrap()
            .iter_v4()
            .collect();
        assert_eq!(read.len(), 33);
        for (id, net) in read {
            assert_eq!(u32::from(net.prefix_len()), id.0);
            assert_eq!(
                net,
                Ipv4Net::new([203, 0, 113, 255].into(), net.prefix_len())
                    .unwrap()
                    .trunc()
            );
        }
        let mut v6 = Vec::new();
        let address: Ipv6Addr = "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff".parse().unwrap();
        for bits in 0..=128 {
            let net = Ipv6Net::new(address, bits).unwrap().trunc();
            assert_eq!(net.wire_len(&()), 1 + usize::from(bits.div_ceil(8)));
            put(&mut v6, false, PathId(0), &net, &());
        }
        let read: Vec<_> = block(Family::IPV6_UNICAST, false, &v6)
            .unwrap()
            .iter_v6()
            .collect();
        for (place, (id, net)) in read.iter().enumerate() {
            assert_eq!((usize::from(net.prefix_len()), *id), (place, PathId(0)));
            assert_eq!(
                *net,
                Ipv6Net::new(address, net.prefix_len()).unwrap().trunc()
            );
        }
        assert_eq!(read.len(), 129);
    }

    #[test]
    fn bits_beyond_the_length_are_cleared() {
        let read: Vec<_> = block(Family::IPV4_UNICAST, false, &[9, 10, 0xff])
            .unwrap()
            .iter_v4()
            .collect();
        assert_eq!(read, [(PathId(0), "10.128.0.0/9".parse().unwrap())]);
    }

    /// RFC 4271 §6.3.
    #[test]
    fn reserved_prefixes_are_passed_over_and_counted() {
        let mut bytes = Vec::new();
        for net in [
            "0.0.0.0/0",
            "224.0.0.0/4",
            "239.1.2.3/32",
            "224.0.0.0/3",
            "240.0.0.0/4",
            "255.255.255.255/32",
            "223.255.255.255/32",
            "127.0.0.0/8",
            "0.0.0.0/8",
            "10.0.0.0/8",
            "192.0.0.0/2",
            "128.0.0.0/1",
        ] {
            put(
                &mut bytes,
                false,
                PathId(0),
                &net.parse::<Ipv4Net>().unwrap(),
                &(),
            );
        }
        let block = block(Family::IPV4_UNICAST, false, &bytes).unwrap();
        assert_eq!((block.len(), block.ignored()), (5, 7));
        assert_eq!(
            block.to_string(),
            "0.0.0.0/0 223.255.255.255/32 10.0.0.0/8 192.0.0.0/2 128.0.0.0/1"
        );

        let mut bytes = Vec::new();
        for net in [
            "::/0",
            "ff00::/8",
            "ff02::1/128",
            "fe80::/10",
            "fe80::1/128",
            "::1/128",
            "::/128",
            "::ffff:192.0.2.0/120",
            "fd00::/8",
            "fec0::/10",
            "2001:db8::1/128",
        ] {
            put(
                &mut bytes,
                true,
                PathId(7),
                &net.parse::<Ipv6Net>().unwrap(),
                &(),
            );
        }
        let block = self::block(Family::IPV6_UNICAST, true, &bytes).unwrap();
        assert_eq!((block.len(), block.ignored()), (4, 7));
        assert_eq!(block.iter_v6().count(), 4);
        assert_eq!(
            block.to_string(),
            "::/0#7 fd00::/8#7 fec0::/10#7 2001:db8::1/128#7"
        );
    }

    #[test]
    fn framing_errors_name_the_octet() {
        for (name, family, add_path, bytes, at, reason) in [
            (
                "v4 longer than 32",
                Family::IPV4_UNICAST,
                false,
                &[8, 10, 33, 10, 0, 0, 0, 0][..],
                2,
                Reason::Value(33),
            ),
            (
                "v6 longer than 128",
                Family::IPV6_UNICAST,
                false,
                &[129, 0][..],
                0,
                Reason::Value(129),
            ),
            (
                "v4 cut",
                Family::IPV4_UNICAST,
                false,
                &[24, 10, 0][..],
                0,
                Reason::Truncated,
            ),
            (
                "v6 cut",
                Family::IPV6_UNICAST,
                false,
                &[0, 64, 1, 2, 3][..],
                1,
                Reason::Truncated,
            ),
            (
                "path id cut",
                Family::IPV4_UNICAST,
                true,
                &[0, 0, 0][..],
                0,
                Reason::Truncated,
            ),
            (
                "path id and nothing",
                Family::IPV4_UNICAST,
                true,
                &[0, 0, 0, 1][..],
                4,
                Reason::Truncated,
            ),
        ] {
            let error = block(family, add_path, bytes).unwrap_err().within(bytes, 0);
            assert_eq!((error.offset, error.reason), (at, reason), "{name}");
        }
    }

    #[test]
    fn a_block_of_another_family_gives_nothing() {
        let block = block(Family::IPV4_UNICAST, false, &[8, 10]).unwrap();
        assert_eq!(block.iter_v6().count(), 0);
    }
}
