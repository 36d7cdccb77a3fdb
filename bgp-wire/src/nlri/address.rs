//! Addresses behind their length in bits, as multicast routes have them (RFC 6514 §4.3, RFC 7432
//! §7).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// An address behind its length in bits, and what follows. `None` for another length.
#[inline]
pub(super) fn take_address(input: &[u8]) -> Option<(Option<IpAddr>, &[u8])> {
    let (bits, rest) = input.split_first()?;
    match bits {
        0 => Some((None, rest)),
        32 => {
            let (address, rest) = rest.split_first_chunk::<4>()?;
            Some((Some(Ipv4Addr::from(*address).into()), rest))
        }
        128 => {
            let (address, rest) = rest.split_first_chunk::<16>()?;
            Some((Some(Ipv6Addr::from(*address).into()), rest))
        }
        _ => None,
    }
}
