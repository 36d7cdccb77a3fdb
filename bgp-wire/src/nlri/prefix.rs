//! Prefixes on the wire (RFC 4271 §4.3): a length in bits and as many octets as that needs.

use crate::error::Reason;
use crate::input::{Input, Malformed};
use crate::nlri::Counts;

/// Octets that a prefix of so many bits takes after its length.
#[inline]
pub(crate) fn octets(bits: u8) -> usize {
    usize::from(bits.div_ceil(8))
}

/// Walks prefixes and path identifiers. `reserved` is asked, with the length and the octets,
/// whether a prefix is one to pass over.
#[inline]
pub(crate) fn check<'a>(
    input: Input<'a>,
    add_path: bool,
    max_bits: u8,
    reserved: impl Fn(u8, &[u8]) -> bool,
) -> Result<Counts, Malformed<'a>> {
    let mut counts = Counts::default();
    let mut rest = input;
    while !rest.is_empty() {
        if add_path {
            let cut = Malformed::new(rest, "Path Identifier", Reason::Truncated);
            rest = rest.get(4..).ok_or(cut)?;
        }
        let cut = Malformed::new(rest, "Prefix", Reason::Truncated);
        let (&bits, body) = rest.split_first().ok_or(cut)?;
        if bits > max_bits {
            return Err(Malformed::new(
                rest,
                "Prefix Length",
                Reason::Value(u32::from(bits)),
            ));
        }
        let (prefix, after) = body.split_at_checked(octets(bits)).ok_or(cut)?;
        counts.all += 1;
        counts.ignored += u32::from(reserved(bits, prefix));
        rest = after;
    }
    Ok(counts)
}
