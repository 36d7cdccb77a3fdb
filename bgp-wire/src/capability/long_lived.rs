//! Long-lived graceful restart (RFC 9494 §3).

use std::fmt;

use bytes::{BufMut, BytesMut};

use super::{Capability, family, put_family};
use crate::Family;
use crate::input::{self, Input, Malformed, Parsed};

pub(super) const CODE: u8 = 71;

const FORWARDING: u8 = 0x80;
const MAX_TIME: u32 = 0x00ff_ffff;

/// One family of the capability.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LongLivedFamily {
    /// The family.
    pub family: Family,
    /// Forwarding was kept (the F bit).
    pub forwarding: bool,
    /// Seconds that stale routes may be kept; 24 bits.
    pub stale_time: u32,
}

pub(super) fn decode(value: Input<'_>) -> Result<Capability, Malformed<'_>> {
    input::all(value, one).map(Capability::LongLivedGracefulRestart)
}

fn one(input: Input<'_>) -> Parsed<'_, LongLivedFamily> {
    let (rest, family) = family(input)?;
    let (rest, flags) = input::u8("Flags for Address Family")(rest)?;
    let (rest, stale_time) = input::u24("Long-lived Stale Time")(rest)?;
    Ok((
        rest,
        LongLivedFamily {
            family,
            forwarding: flags & FORWARDING != 0,
            stale_time,
        },
    ))
}

pub(super) fn encode(families: &[LongLivedFamily], out: &mut BytesMut) {
    for one in families {
        put_family(one.family, out);
        out.put_u8(if one.forwarding { FORWARDING } else { 0 });
        out.put_uint(u64::from(one.stale_time.min(MAX_TIME)), 3);
    }
}

pub(super) fn show(families: &[LongLivedFamily], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    families.iter().try_for_each(|one| {
        let forwarding = if one.forwarding { " (forwarding)" } else { "" };
        write!(f, " {} {}s{forwarding}", one.family, one.stale_time)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::capability::tests::round_trip;

    #[test]
    fn lists_round_trip() {
        let one = LongLivedFamily {
            family: Family::IPV6_UNICAST,
            forwarding: true,
            stale_time: 0x00ab_cdef,
        };
        let capability = Capability::LongLivedGracefulRestart(vec![one]);
        assert_eq!(round_trip(&capability), capability);
    }
}
