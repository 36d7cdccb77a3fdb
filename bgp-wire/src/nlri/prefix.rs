//! Prefixes on the wire (RFC 4271 §4.3): a length in bits and as many octets as that needs.

use std::fmt;
use std::hash::Hash;
use std::net::{Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

use bytes::BufMut;
use ipnet::{Ipv4Net, Ipv6Net};

use crate::error::{Disposition, Reason};
use crate::input::{Input, Malformed};
use crate::nlri::{Counts, path_id, reserved};

/// A prefix of IPv4 or IPv6: what unicast, labelled and VPN routes have in common.
pub trait IpPrefix:
    Copy + Eq + Ord + Hash + fmt::Debug + fmt::Display + FromStr + Send + Sync + 'static
{
    /// The longest prefix, in bits.
    const MAX_BITS: u8;

    /// The length in bits.
    fn bits(&self) -> u8;

    /// The same without bits beyond the length.
    fn trunc(&self) -> Self;

    /// Whether it is multicast, or of addresses that no network uses as destinations.
    fn is_reserved(&self) -> bool;

    /// What it is, if it is reserved: `is multicast`.
    fn why_reserved(&self) -> Option<&'static str>;

    /// Writes as many octets of the address as the length needs.
    fn put_address(&self, out: &mut impl BufMut);

    /// The prefix of so many bits whose address begins with `bytes`. Bits beyond the length are of
    /// no meaning (RFC 4271 §4.3) and cleared. `None` if the length is too large.
    fn from_wire(bits: u8, bytes: &[u8]) -> Option<Self>;
}

impl IpPrefix for Ipv4Net {
    const MAX_BITS: u8 = 32;

    #[inline]
    fn bits(&self) -> u8 {
        self.prefix_len()
    }

    fn trunc(&self) -> Self {
        self.trunc()
    }

    #[inline]
    fn is_reserved(&self) -> bool {
        reserved::is_v4(self.prefix_len(), &self.addr().octets())
    }

    fn why_reserved(&self) -> Option<&'static str> {
        reserved::why_v4(self.prefix_len(), &self.addr().octets())
    }

    #[inline]
    fn put_address(&self, out: &mut impl BufMut) {
        put_first(&self.addr().octets(), self.prefix_len(), out);
    }

    #[inline]
    fn from_wire(bits: u8, bytes: &[u8]) -> Option<Self> {
        let address = match bytes.first_chunk::<4>() {
            Some(four) => u32::from_be_bytes(*four),
            // The last prefix of a block may be followed by less.
            None => u32::from_be_bytes(match *bytes {
                [a, b, c] => [a, b, c, 0],
                [a, b] => [a, b, 0, 0],
                [a] => [a, 0, 0, 0],
                _ => [0; 4],
            }),
        };
        let beyond = u32::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
        Self::new(Ipv4Addr::from(address & !beyond), bits).ok()
    }
}

impl IpPrefix for Ipv6Net {
    const MAX_BITS: u8 = 128;

    #[inline]
    fn bits(&self) -> u8 {
        self.prefix_len()
    }

    fn trunc(&self) -> Self {
        self.trunc()
    }

    #[inline]
    fn is_reserved(&self) -> bool {
        reserved::is_v6(self.prefix_len(), &self.addr().octets())
    }

    fn why_reserved(&self) -> Option<&'static str> {
        reserved::why_v6(self.prefix_len(), &self.addr().octets())
    }

    #[inline]
    fn put_address(&self, out: &mut impl BufMut) {
        put_first(&self.addr().octets(), self.prefix_len(), out);
    }

    #[inline]
    fn from_wire(bits: u8, bytes: &[u8]) -> Option<Self> {
        let address = match bytes.first_chunk::<16>() {
            Some(sixteen) => u128::from_be_bytes(*sixteen),
            None => {
                let mut sixteen = [0; 16];
                sixteen
                    .iter_mut()
                    .zip(bytes)
                    .for_each(|(to, from)| *to = *from);
                u128::from_be_bytes(sixteen)
            }
        };
        let beyond = u128::MAX.checked_shr(u32::from(bits)).unwrap_or(0);
        Self::new(Ipv6Addr::from(address & !beyond), bits).ok()
    }
}

/// Writes as many octets of an address as a prefix of so many bits needs.
#[inline]
fn put_first(address: &[u8], bits: u8, out: &mut impl BufMut) {
    out.put_slice(address.get(..octets(bits)).unwrap_or(address));
}

/// Octets that a prefix of so many bits takes after its length.
#[inline]
pub(crate) fn octets(bits: u8) -> usize {
    // Three instructions less than `div_ceil` for each of millions of prefixes.
    (usize::from(bits) + 7) >> 3
}

/// Walks prefixes and path identifiers. `reserved` is asked, with the length and the octets,
/// whether a prefix is one to pass over.
#[inline]
pub(crate) fn check<'a, P: IpPrefix>(
    input: Input<'a>,
    add_path: bool,
    reserved: impl Fn(u8, &[u8]) -> bool,
    counts: &mut Counts<'a>,
) -> Result<(), Malformed<'a>> {
    let (mut all, mut ignored) = (0, 0);
    let mut walk = || {
        let mut rest = input;
        while !rest.is_empty() {
            rest = path_id(rest, add_path)?;
            let (bits, prefix, after) = split(rest, P::MAX_BITS)?;
            all += 1;
            ignored += u32::from(reserved(bits, prefix));
            rest = after;
        }
        Ok(())
    };
    let walked = walk();
    (counts.all, counts.ignored) = (all, ignored);
    if ignored > 0 {
        note_reserved::<P>(input, add_path, counts);
    }
    walked
}

/// Walks again, to say which are passed over.
#[cold]
fn note_reserved<'a, P: IpPrefix>(input: Input<'a>, add_path: bool, counts: &mut Counts<'a>) {
    let mut rest = input;
    while let Ok(one) = path_id(rest, add_path)
        && let Ok((bits, prefix, after)) = split(one, P::MAX_BITS)
    {
        if let Some(why) = P::from_wire(bits, prefix).and_then(|prefix| prefix.why_reserved()) {
            let why = Reason::Odd(why);
            counts.note(Malformed::new(one, "Prefix", why).asking(Disposition::None));
        }
        rest = after;
    }
}

/// A length of at most so many bits, its octets, and what follows.
#[inline]
pub(super) fn split(
    input: Input<'_>,
    max_bits: u8,
) -> Result<(u8, Input<'_>, Input<'_>), Malformed<'_>> {
    let cut = Malformed::new(input, "Prefix", Reason::Truncated);
    let (&bits, body) = input.split_first().ok_or(cut)?;
    if bits > max_bits {
        return Err(too_long(input, bits));
    }
    let (prefix, after) = body.split_at_checked(octets(bits)).ok_or(cut)?;
    Ok((bits, prefix, after))
}

/// The length is one that no prefix of the family has.
#[cold]
pub(super) fn too_long(at: Input<'_>, bits: u8) -> Malformed<'_> {
    Malformed::new(at, "Prefix Length", Reason::Value(u32::from(bits)))
}
