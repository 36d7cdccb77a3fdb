//! SR policies (RFC 9830 §2.1): a distinguisher, a color and an endpoint name a candidate path; what
//! it is stands in the tunnel encapsulation attribute.

use std::fmt;
use std::marker::PhantomData;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::listed::Listed;
use super::prefix;
use crate::Fields;
use crate::error::Reason;
use crate::input::{Input, Malformed};

/// SR policies with endpoints of IPv4 or IPv6.
pub(super) struct SrPolicy<A>(PhantomData<A>);

pub(super) type SrPolicyV4 = SrPolicy<Ipv4Addr>;
pub(super) type SrPolicyV6 = SrPolicy<Ipv6Addr>;

/// Names a candidate path.
pub(super) struct Policy {
    distinguisher: u32,
    color: u32,
    endpoint: IpAddr,
}

impl<A> Listed for SrPolicy<A>
where
    A: Into<IpAddr> + FromOctets,
{
    type One<'a> = Policy;

    fn split(input: Input<'_>) -> Result<(Input<'_>, Input<'_>), Malformed<'_>> {
        let (_, _, after) = prefix::split(input, u8::MAX)?;
        let used = input.len().saturating_sub(after.len());
        Ok(input.split_at_checked(used).unwrap_or((input, &[])))
    }

    /// The length in bits is 96 or 192, as the endpoint is of IPv4 or IPv6. RFC 9830 §5: an NLRI
    /// that is malformed and can be skipped is treated as withdrawn.
    fn read(one: Input<'_>) -> Result<Policy, Malformed<'_>> {
        let wrong = |bits: u8| Malformed::new(one, "NLRI Length", Reason::Value(bits.into()));
        let (&bits, rest) = one.split_first().ok_or_else(|| wrong(0))?;
        match (rest.as_chunks().0, A::read(rest.get(8..).unwrap_or(&[]))) {
            ([distinguisher, color, ..], Some(endpoint)) if usize::from(bits) == rest.len() * 8 => {
                Ok(Policy {
                    distinguisher: u32::from_be_bytes(*distinguisher),
                    color: u32::from_be_bytes(*color),
                    endpoint: endpoint.into(),
                })
            }
            _ => Err(wrong(bits)),
        }
    }

    fn describe(one: &Policy, fields: &mut Fields) {
        fields.number("distinguisher", one.distinguisher);
        fields.number("color", one.color);
        fields.text("endpoint", one.endpoint);
    }
}

/// An address of exactly these octets.
pub(super) trait FromOctets: Sized {
    fn read(octets: &[u8]) -> Option<Self>;
}

impl FromOctets for Ipv4Addr {
    fn read(octets: &[u8]) -> Option<Self> {
        <[u8; 4]>::try_from(octets).ok().map(Self::from)
    }
}

impl FromOctets for Ipv6Addr {
    fn read(octets: &[u8]) -> Option<Self> {
        <[u8; 16]>::try_from(octets).ok().map(Self::from)
    }
}

/// `{distinguisher 1, color 100, endpoint 192.0.2.1}`.
impl fmt::Display for Policy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{{distinguisher {}, color {}, endpoint {}}}",
            self.distinguisher, self.color, self.endpoint
        )
    }
}

#[cfg(test)]
mod tests {
    use crate::nlri::{Form, NlriBlock, hex, spec};
    use crate::{Family, Node};

    /// RFC 9830 §2.1, figure 1: length in bits, distinguisher, color, endpoint.
    #[test]
    fn policies_are_read() {
        for (family, octets, text) in [
            (
                Family::IPV4_SR_POLICY,
                "60 00000001 00000064 c0000201",
                "{distinguisher 1, color 100, endpoint 192.0.2.1}",
            ),
            (
                Family::IPV6_SR_POLICY,
                "c0 00000002 ffffffff 20010db8000000000000000000000001",
                "{distinguisher 2, color 4294967295, endpoint 2001:db8::1}",
            ),
        ] {
            let (bytes, spec) = (hex(octets), spec(family).unwrap());
            let block = NlriBlock::check(spec, Form::default(), &bytes).unwrap();
            assert_eq!((block.len(), block.ignored()), (1, 0), "{text}");
            assert_eq!(block.to_string(), text);
            let [Node::Fields(fields)] = &block.describe()[..] else {
                panic!("there is one");
            };
            let names: Vec<_> = fields.iter().map(|(name, _)| name).collect();
            assert_eq!(names, ["distinguisher", "color", "endpoint"]);
            for cut in 1..bytes.len() {
                assert!(NlriBlock::check(spec, Form::default(), &bytes[..cut]).is_err());
            }
        }
    }

    /// RFC 9830 §2.1: 96 bits with IPv4, 192 with IPv6; §5.
    #[test]
    fn a_length_of_another_family_is_passed_over() {
        let (v4, v6) = (
            "60 00000001 00000064 c0000201",
            "c0 00000002 00000064 20010db8000000000000000000000001",
        );
        for (family, bad, good) in [
            (Family::IPV4_SR_POLICY, v6, v4),
            (Family::IPV6_SR_POLICY, v4, v6),
            (Family::IPV4_SR_POLICY, "00", v4),
            (Family::IPV4_SR_POLICY, "5f 00000001 00000064 c0000201", v4),
            (Family::IPV4_SR_POLICY, "40 00000001 00000064", v4),
        ] {
            let bytes = [hex(bad), hex(good)].concat();
            let spec = spec(family).unwrap();
            let (block, faults) = NlriBlock::examine(spec, Form::default(), &bytes);
            let block = block.unwrap();
            assert_eq!((block.len(), block.ignored()), (1, 1), "{bad}");
            let faults = faults.unwrap_or_default();
            let all: Vec<_> = faults.iter().map(|one| one.within(&bytes, 0)).collect();
            let [error] = all[..] else {
                panic!("{bad}: {all:?}")
            };
            assert_eq!((error.field, error.offset), ("NLRI Length", 0), "{bad}");
        }
    }
}
