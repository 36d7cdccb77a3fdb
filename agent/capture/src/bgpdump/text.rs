//! Numbers, addresses and prefixes in text, without the machinery of `format!`.

use std::net::{IpAddr, Ipv6Addr};

use bgp_wire::AFI_IPV4;

pub(super) fn number(out: &mut Vec<u8>, number: u64) {
    out.extend_from_slice(itoa::Buffer::new().format(number).as_bytes());
}

pub(super) fn address(out: &mut Vec<u8>, address: IpAddr) {
    match address {
        IpAddr::V4(address) => ipv4(out, address.octets()),
        IpAddr::V6(address) => ipv6(out, address),
    }
}

pub(super) fn ipv4(out: &mut Vec<u8>, octets: [u8; 4]) {
    for (place, octet) in octets.into_iter().enumerate() {
        if place > 0 {
            out.push(b'.');
        }
        number(out, u64::from(octet));
    }
}

/// As `inet_ntop` prints it: also the addresses that embed one of IPv4 without `ffff`.
fn ipv6(out: &mut Vec<u8>, address: Ipv6Addr) {
    let [head @ .., seventh, eighth] = address.segments();
    if head == [0; 6] && seventh != 0 {
        out.extend_from_slice(b"::");
        let ([a, b], [c, d]) = (seventh.to_be_bytes(), eighth.to_be_bytes());
        ipv4(out, [a, b, c, d]);
        return;
    }
    use std::io::Write;
    // Writing to memory does not fail.
    let _ = write!(out, "{address}");
}

/// A prefix from its octets: the length in bits, and the bits.
pub(super) fn prefix(out: &mut Vec<u8>, afi: u16, octets: &[u8]) {
    let Some((bits, octets)) = octets.split_first() else {
        return;
    };
    if afi == AFI_IPV4 {
        ipv4(out, padded(octets));
    } else {
        ipv6(out, Ipv6Addr::from(padded::<16>(octets)));
    }
    out.push(b'/');
    number(out, u64::from(*bits));
}

pub(super) fn padded<const N: usize>(octets: &[u8]) -> [u8; N] {
    let mut padded = [0; N];
    padded
        .iter_mut()
        .zip(octets)
        .for_each(|(to, from)| *to = *from);
    padded
}

/// Each prefix of a block: its path identifier, and its octets with the length in front.
pub(super) fn prefixes(
    mut block: &[u8],
    afi: u16,
    add_path: bool,
    mut each: impl FnMut(Option<u32>, &[u8]),
) {
    let longest = if afi == AFI_IPV4 { 32 } else { 128 };
    while !block.is_empty() {
        let mut id = None;
        if add_path {
            let Some((four, rest)) = block.split_first_chunk() else {
                return;
            };
            id = Some(u32::from_be_bytes(*four));
            block = rest;
        }
        let Some(bits) = block.first().copied().filter(|bits| *bits <= longest) else {
            return;
        };
        let length = 1 + usize::from(bits.div_ceil(8));
        let Some((prefix, rest)) = block.split_at_checked(length) else {
            return;
        };
        each(id, prefix);
        block = rest;
    }
}
